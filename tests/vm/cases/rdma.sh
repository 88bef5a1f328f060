#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What RDMA memory regions are charged: those of a program of ours, and those of the
# tools of who uses RDMA. Of these, a server and a client on one device, each in a
# cgroup of its own, are charged what the device says that they have registered.
#
# timeout: 300
# expected: 94
set -u

[[ ${1:-} == over-rxe ]] || exec with-hugepages 8 with-rxe "$0" over-rxe

. "$(dirname "$0")/../../harness/tap.sh"
. "$(dirname "$0")/../../harness/group.sh"

parent=/sys/fs/cgroup/rdma
kind=rdma
address=192.0.2.1
declare -A pids

# of WHO COMMAND...: runs something for the server or the client, which has a cgroup
# and a folder of its own.
of()
{
	local who=$1 status=0
	shift

	group=$parent/$who
	pid=${pids[$who]:-}
	mkdir -p "$who"
	cd "$who" || exit
	"$@" || status=$?
	cd ..
	pids[$who]=$pid
	return $status
}

make_groups()
{
	mkdir $parent
	echo +ioas >$parent/cgroup.subtree_control
	mkdir $parent/server $parent/client
}

remove_groups()
{
	of server nothing_left "$1, the server"
	of client nothing_left "$1, the client"
	rmdir $parent/server $parent/client $parent
}

# The regions of the program, a number of bytes a line.
regions()
{
	rdma resource show mr | awk -v pid="$pid" '
		{
			for (i = 1; i < NF; i++)
				field[$i] = $(i + 1)
			if (field["pid"] == pid)
				print field["mrlen"]
		}'
}

# As there are pages in memory, where each region begins at the start of one.
bytes_registered()
{
	regions | awk '{ pages += int(($1 + 4095) / 4096) } END { printf "%d\n", pages * 4096 }'
}

in_vmpin()
{
	echo $(($(value "/proc/$pid/status" VmPin:) * 1024))
}

has_regions()
{
	[[ $(regions | wc -l) -eq $1 ]]
}

# await_regions N: until there are so many; fails if the program ends before, or takes
# too long.
await_regions()
{
	await 30 has_regions "$1" && return
	echo "expected $1 regions, found $(regions | wc -l)"
	cat output
	return 1
}

# charged_as_registered NAME N: has so many regions, which are what is charged.
charged_as_registered()
{
	local bytes

	check "$1: it registers memory" await_regions "$2"
	bytes=$(bytes_registered)
	charged "$1" "$bytes" "$bytes" "$2"
	equal "$1: RLIMIT_MEMLOCK is charged the same" "$(in_vmpin)" "$bytes"
}

limit()
{
	echo "$1" >"$group/ioas.pinned.max"
}

prints()
{
	"$@" | grep -q .
}

# await_output COMMAND...: until it prints something; fails if the program ends before, or
# takes too long.
await_output()
{
	await 30 prints "$@" || { cat output; return 1; }
}

# ---- ibv_rc_pingpong ----

size=$((8 * 1024 * 1024))
gid=$(grep -l ffff:c000:0201 /sys/class/infiniband/rxe0/ports/1/gids/*)
pingpong=(ibv_rc_pingpong -d rxe0 -g "${gid##*/}" -s "$size" -n 2)
# RLIMIT_MEMLOCK does not hold for who has CAP_IPC_LOCK.
unprivileged=(prlimit --memlock=65536:65536
	setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock "${pingpong[@]}")
message="Couldn't register MR"
# What is not refused would wait for a client, and a client for a server that is stuck.
soon=(timeout "$(patiently 60)")

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
		of client succeeds "${soon[@]}" "${pingpong[@]}" $address
	of server ends_well "pingpong, just enough: the server succeeds"
	equal "pingpong, just enough: nothing was refused" "$(value $parent/ioas.pinned.events max)" 0
}

# ---- perftest ----

# It runs for ever, and says so once a second.
perftest=(ib_write_bw -d rxe0 -s 65536 -q 2 --run_infinitely -D 1)

start_perftest_server()
{
	of server start "${perftest[@]}"
	check "$1, the server: it listens" of server await_output ss -Hltn 'sport = 18515'
}

perftest_is_charged()
{
	start_perftest_server "perftest"
	of client start "${perftest[@]}" $address
	of server charged_as_registered "perftest, the server" 1
	of client charged_as_registered "perftest, the client" 1
	equal "perftest: the cgroup above is charged for both" "$(<$parent/ioas.pinned.current)" \
		$(($(<$parent/server/ioas.pinned.current) + $(<$parent/client/ioas.pinned.current)))
	of client stop
	of server stop
}

perftest_is_refused()
{
	start_perftest_server "perftest, too few pages"
	of client limit 4096
	of client refused "perftest, too few pages" "Couldn't allocate MR" 1 \
		"${soon[@]}" "${perftest[@]}" $address
	of server stop
}

# ---- rping: with the connection manager ----

start_rping_server()
{
	of server start rping -s -a $address -S 16384
	check "$1, the server: it listens" of server await_output listening
}

listening()
{
	rdma resource show cm_id | grep LISTEN | grep "pid $pid "
}

# The large buffers are 16 KiB each. The small ones are anywhere in a page, so what
# all of them should be charged is what RLIMIT_MEMLOCK is.
rping_charged()
{
	local name=$1 buffers=$2 current

	check "$name: it registers memory" await_regions "$buffers"
	current=$(<"$group/ioas.pinned.current")
	equal "$name: it is charged for each buffer" \
		"$(value "$group/ioas.stat" rdma) $(regions | wc -l)" "$(in_vmpin) $buffers"
	check "$name: pages of two buffers count once" \
		[ "$current" -ge 16384 -a "$current" -lt "$(in_vmpin)" ]
}

rping_is_charged()
{
	start_rping_server "rping"
	of client start rping -c -a $address -S 16384
	of server rping_charged "rping, the server" 3
	of client rping_charged "rping, the client" 4
	of client stop
	of server stop
}

rping_is_refused()
{
	start_rping_server "rping, too few pages"
	of client limit 4096
	of client refused "rping, too few pages" "reg_mr failed" 1 \
		"${soon[@]}" rping -c -a $address -S 16384
	of server stop
}

# in_groups NAME COMMAND...: with a server's and a client's, which it leaves empty.
in_groups()
{
	local name=$1
	shift

	make_groups
	"$@"
	remove_groups "$name"
}

include rdma_pins
in_groups "pingpong alone" of server pingpong_alone
in_groups "pingpong, just enough" pingpong_together
in_groups "perftest, kill -9" perftest_is_charged
in_groups "perftest refused" perftest_is_refused
in_groups "rping, kill -9" rping_is_charged
in_groups "rping refused" rping_is_refused

plan_at_end
