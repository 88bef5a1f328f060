#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What RDMA memory regions are charged: those of a program of ours, and those of the
# tools of who uses RDMA. Of these, a server and a client on one device, each in a
# cgroup of its own, are charged what the device says that they have registered.
#
# timeout: 300
# expected: 98
set -u

[[ ${1:-} == over-rxe ]] || exec with-hugepages 8 with-rdma rxe "$0" over-rxe

. "$(dirname "$0")/../../harness/tap.sh"
. "$(dirname "$0")/../../harness/group.sh"
. "$(dirname "$0")/../../harness/rdma.sh"

kind=rdma

# ---- ibv_rc_pingpong ----

size=$((8 * 1024 * 1024))
gid=$(grep -l ffff:c000:0201 "/sys/class/infiniband/$RDMA_DEVICE"/ports/1/gids/*)
pingpong=(ibv_rc_pingpong -d "$RDMA_DEVICE" -g "${gid##*/}" -s "$size" -n 2)
# RLIMIT_MEMLOCK does not hold for who has CAP_IPC_LOCK.
unprivileged=(prlimit --memlock=65536:65536
	setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock "${pingpong[@]}")
message="Couldn't register MR"

# Without a client it waits for one.
pingpong_alone()
{
	start "${pingpong[@]}"
	charged_as_registered "pingpong" 1
	stop
	nothing_left "pingpong, kill -9"

	limit $((size - 4096))
	refused "pingpong, a page too few" "$message" 1 "${soon[@]}" "${pingpong[@]}"
	limit max

	refused "pingpong, RLIMIT_MEMLOCK" "$message" 0 "${soon[@]}" "${unprivileged[@]}"
	echo cgroup >"$group/ioas.pinned.memlock"
	start "${unprivileged[@]}"
	charged "pingpong, memlock = cgroup" $size $size 1
	equal "pingpong, memlock = cgroup: RLIMIT_MEMLOCK is charged nothing" "$(in_vmpin)" 0
	stop
	limit $((size - 4096))
	refused "pingpong, memlock = cgroup, a page too few" "$message" 1 \
		"${soon[@]}" "${unprivileged[@]}"
}

# Two processes, and each with just what it needs.
pingpong_together()
{
	of server limit $size
	of client limit $size
	of server start "${pingpong[@]}"
	check "pingpong, just enough: the server registers memory" of server await_regions 1
	check "pingpong, just enough: the client succeeds" \
		of client succeeds "${soon[@]}" "${pingpong[@]}" "$RDMA_ADDRESS"
	of server ends_well "pingpong, just enough: the server succeeds"
	equal "pingpong, just enough: nothing was refused" "$(value $parent/ioas.pinned.events max)" 0
}

include rdma_pins
in_groups "pingpong alone" of server pingpong_alone
in_groups "pingpong, just enough" pingpong_together
in_groups "perftest, kill -9" perftest_is_charged
in_groups "perftest refused" perftest_is_refused
in_groups "rping, kill -9" rping_is_charged
in_groups "rping refused" rping_is_refused

plan_at_end
