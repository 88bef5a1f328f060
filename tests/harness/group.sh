# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sourced, after tap.sh, by cases that let a program pin in a cgroup of its own. The
# case sets $group to the cgroup's folder, and $kind to the program's key in ioas.stat.

: "${group=}" "${kind=}"
# The program that runs in the background.
pid=

# patiently SECONDS: how long that may take here. With lockdep or KCSAN everything is
# slower; check.sh gives the cases four times as long there, too.
patiently()
{
	if [[ -e /proc/lockdep || -e /sys/kernel/debug/kcsan ]]; then
		echo $((4 * $1))
	else
		echo "$1"
	fi
}

# equal NAME FOUND EXPECTED: one test.
equal()
{
	check "$1" same "$3" "$2"
}

# await SECONDS COMMAND...: until the command succeeds; fails if the program ends before,
# or takes too long.
await()
{
	local end=$((SECONDS + $(patiently "$1")))
	shift

	until "$@"; do
		kill -0 "$pid" 2>/dev/null && [[ $SECONDS -lt $end ]] || return 1
		sleep 0.1
	done
}

# ends_well NAME: one test, passed if the program ends by itself. The subshell of check
# could not wait for it.
ends_well()
{
	timeout "$(patiently 30)" tail --pid="$pid" -s 0.1 -f /dev/null || kill -KILL "$pid"
	wait "$pid"
	equal "$1" $? 0
}

# The number that follows a word in a file.
value()
{
	awk -v key="$2" '$1 == key { print $2 }' "$1"
}

become()
{
	echo "$BASHPID" >"$group/cgroup.procs"
	exec "$@"
}

# in_group COMMAND...: runs it, in the cgroup, with its output in the file output.
in_group()
{
	(become "$@") >output 2>&1
}

# start COMMAND...: the same, in the background.
start()
{
	become "$@" >output 2>&1 &
	pid=$!
}

# SIGKILL, and no chance to clean up. It may have ended by itself.
stop()
{
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

# What is charged: all of it, of the kind, and in how many accounts.
charges()
{
	echo "current $(<"$group/ioas.pinned.current")" \
		"gross $(value "$group/ioas.stat" gross)" \
		"$kind $(value "$group/ioas.stat" "$kind")" \
		"accounts $(value "$group/ioas.stat" accounts)"
}

# await_accounts N: until there are so many; fails if the program ends before, or takes
# too long.
await_accounts()
{
	local end=$((SECONDS + 20))

	while [[ $SECONDS -lt $end ]]; do
		[[ $(value "$group/ioas.stat" accounts) -ne $1 ]] || return 0
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	cat output
	return 1
}

# await_charges CHARGES: until they are so, but not for ever.
await_charges()
{
	local end=$((SECONDS + 10))

	while [[ $(charges) != "$1" && $SECONDS -lt $end ]]; do
		sleep 0.1
	done
}

# charged NAME CURRENT GROSS ACCOUNTS: of the program that start started. There is an
# account before its pages are charged.
charged()
{
	local expected="current $2 gross $3 $kind $3 accounts $4"

	check "$1: it runs" await_accounts "$4"
	await_charges "$expected"
	equal "$1: it is charged what it pins" "$(charges)" "$expected"
}

# Work queues do a part of it.
nothing_left()
{
	local nothing="current 0 gross 0 $kind 0 accounts 0"

	await_charges "$nothing"
	equal "$1: nothing is left" "$(charges)" "$nothing"
}

# succeeds COMMAND...: in the cgroup.
succeeds()
{
	in_group "$@" || { cat output; return 1; }
}

# refused NAME MESSAGE EVENTS COMMAND...: it fails, with that message, and so many
# refusals are counted.
refused()
{
	local name=$1 message=$2 events=$3 before
	shift 3

	before=$(value "$group/ioas.pinned.events" max)
	check "$name: it fails" fails "$@"
	check "$name: it says why" says "$message"
	equal "$name: the refusals by the cgroup are counted" \
		$(($(value "$group/ioas.pinned.events" max) - before)) "$events"
	nothing_left "$name"
}

fails()
{
	! in_group "$@" || { cat output; return 1; }
}

says()
{
	grep -q "$1" output || { cat output; return 1; }
}
