# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sourced, after tap.sh and group.sh, by the cases about RDMA, which run in with-rdma:
# the tools of who uses RDMA, a server and a client on one device, each in a cgroup of
# its own. What they are charged is what the device says that they have registered.

parent=/sys/fs/cgroup/rdma
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

# What is not refused would wait for a client, and a client for a server that is stuck.
soon=(timeout "$(patiently 60)")

# With the connection manager.
listening()
{
	rdma resource show cm_id | grep LISTEN | grep "pid $pid "
}

# ---- perftest ----

# It runs for ever, and reports every ten minutes, which is after its end here: for a
# report it measures the CPU's clock, and it gives up where that is not steady, as in a
# VM. With the connection manager, a case appends -R, and each end has a region more: for
# what they tell each other first.
perftest=(ib_write_bw -d "$RDMA_DEVICE" -s 65536 -q 2 --run_infinitely -D 600)

perftest_regions()
{
	[[ ${perftest[-1]} == -R ]] && echo 2 || echo 1
}

perftest_listens()
{
	if [[ ${perftest[-1]} == -R ]]; then
		listening
	else
		ss -Hltn 'sport = 18515'
	fi
}

start_perftest_server()
{
	of server start "${perftest[@]}"
	check "$1, the server: it listens" of server await_output perftest_listens
}

perftest_is_charged()
{
	start_perftest_server "perftest"
	of client start "${perftest[@]}" "$RDMA_ADDRESS"
	of server charged_as_registered "perftest, the server" "$(perftest_regions)"
	of client charged_as_registered "perftest, the client" "$(perftest_regions)"
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
		"${soon[@]}" "${perftest[@]}" "$RDMA_ADDRESS"
	of server stop
}

# ---- rping: with the connection manager ----

start_rping_server()
{
	of server start rping -s -a "$RDMA_ADDRESS" -S 16384
	check "$1, the server: it listens" of server await_output listening
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
	of client start rping -c -a "$RDMA_ADDRESS" -S 16384
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
		"${soon[@]}" rping -c -a "$RDMA_ADDRESS" -S 16384
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
