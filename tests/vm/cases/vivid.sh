#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a user of videobuf2 is charged that takes its buffers from user memory: v4l2-ctl,
# with the kernel's camera of software.
#
# expected: 11
set -u
. "$(dirname "$0")/../../harness/tap.sh"
. "$(dirname "$0")/../../harness/group.sh"

group=/sys/fs/cgroup/vivid
kind=other
buffers=4
# The first that captures video.
video=$(v4l2-ctl --list-devices 2>/dev/null | grep -m 1 -o '/dev/video[0-9]*')

mkdir $group
v4l2-ctl -d "$video" --set-fmt-video=width=640,height=480,pixelformat=YUYV
# A frame of 150 pages, which does not begin where a page does.
size=$((151 * 4096))
v4l2=(v4l2-ctl -d "$video" --stream-user="$buffers")

start "${v4l2[@]}" --stream-count=0
charged "v4l2-ctl" $((buffers * size)) $((buffers * size)) $buffers
stop
nothing_left "v4l2-ctl, kill -9"

echo $((buffers * size)) >$group/ioas.pinned.max
check "v4l2-ctl, just enough: it succeeds" succeeds "${v4l2[@]}" --stream-count=3
check "v4l2-ctl, just enough: it gets frames" says '^<'
equal "v4l2-ctl, just enough: nothing was refused" "$(value $group/ioas.pinned.events max)" 0
nothing_left "v4l2-ctl, exit"

echo $((buffers * size - 4096)) >$group/ioas.pinned.max
# It says so, but its status is 0 all the same.
in_group "${v4l2[@]}" --stream-count=3
check "v4l2-ctl, a page too few: it says why" says 'VIDIOC_QBUF returned -1 (Cannot allocate memory)'
equal "v4l2-ctl, a page too few: it gets no frame" "$(grep -c '^<' output)" 0
equal "v4l2-ctl, a page too few: the refusal is counted" \
	"$(value $group/ioas.pinned.events max)" 1
nothing_left "v4l2-ctl, a page too few"

rmdir $group
plan_at_end
