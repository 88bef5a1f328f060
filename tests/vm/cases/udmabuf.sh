#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What udmabuf is charged, and the base kernel's own test of it. The sixth of its tests
# wants 2 GiB of huge pages, which the VM has not: there it ends.
#
# expected: 62
set -u
. "$(dirname "$0")/../../harness/tap.sh"
. "$(dirname "$0")/../../harness/group.sh"

include with-hugepages 4 udmabuf_pins

group=/sys/fs/cgroup/udmabuf
kind=dmabuf
# What its largest buffer has: four times four pages.
size=$((16 * 4096))

passed()
{
	grep '^ok' output
}

mkdir $group
in_group udmabuf
equal "the kernel's test passes as far as it can" "$(passed | grep -c PASS)" 5
equal "the kernel's test is charged" "$(<$group/ioas.pinned.peak)" $size
nothing_left "the kernel's test"

echo $size >$group/ioas.pinned.max
in_group udmabuf
equal "the kernel's test passes with just what it needs" "$(passed | grep -c PASS)" 5
equal "just enough: nothing was refused" "$(value $group/ioas.pinned.events max)" 0
nothing_left "the kernel's test, just enough"

echo $((size - 4096)) >$group/ioas.pinned.max
refused "the kernel's test, a page too few" 'FAIL, udmabuf-create' 1 udmabuf
equal "a page too few: it got as far as that" "$(passed | grep -c PASS)" 4

rmdir $group
plan_at_end
