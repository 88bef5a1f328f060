#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ioasctl on a kernel that has no ioas controller: it says so, and does nothing.
#
# kernels: base
# expected: 9
set -u
. "$(dirname "$0")/../../harness/tap.sh"

message='ioasctl: this kernel has no ioas controller: boot one with CONFIG_CGROUP_IOAS, and without cgroup_disable=ioas'

# It fails with that one line, on stderr, and leaves nothing.
says_so()
{
	local status=0

	ioasctl "$@" >out 2>err || status=$?
	[[ $status -eq 1 ]] || echo "status $status"
	cat out
	diff err - <<<"$message"
	find /sys/fs/bpf -mindepth 1
}

# fails NAME WORD...
fails()
{
	local name=$1
	shift

	check "$name" same "$(says_so "$@" 2>&1)" ""
}

group=policy-base
mkdir "/sys/fs/cgroup/$group"
fails "who" who
fails "who, of a cgroup" who "$group"
fails "explain" explain --json "$group"
fails "policy list" policy list
fails "policy clean" policy clean
fails "policy load" policy load kind_quota --cgroup "$group" --set rdma=1M
fails "policy load, with programs on tracepoints" policy load deny_log --cgroup "$group"
fails "policy replace" policy replace kind_quota --cgroup "$group" --set rdma=1M
fails "policy unload" policy unload kind_quota --cgroup "$group"
rmdir "/sys/fs/cgroup/$group"
plan_at_end
