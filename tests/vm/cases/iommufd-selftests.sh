#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The base kernel's own iommufd tests, fault injection included, inside a cgroup
# whose pinned memory they drive up and have to bring back to nothing.
#
# kernels: base x86
# timeout: 900
# expected: 203
set -u

group=/sys/fs/cgroup/iommufd-selftests
hugepages=/proc/sys/vm/nr_hugepages
failslab=/sys/kernel/debug/failslab
tests=0
failed=0

# report STATUS NAME: one test, passed if STATUS is 0.
report()
{
	tests=$((tests + 1))
	if [[ $1 -eq 0 ]]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2"
		failed=$((failed + 1))
	fi
}

# What every cgroup has pinned; nothing on a kernel without the controller.
pinned()
{
	find /sys/fs/cgroup -name ioas.pinned.current -exec grep -H . {} + | sort
}

has_controller()
{
	[[ -e $group/ioas.pinned.current ]]
}

# in_group COMMAND...: runs it inside the cgroup.
in_group()
{
	(echo "$BASHPID" >"$group/cgroup.procs" && exec "$@")
}

# Repeats the results of a TAP output with numbers of our own, each failure
# after the lines that explain it.
repeat_results()
{
	local program=$1 line notes=() planned=0 seen=0

	while IFS= read -r line; do
		if [[ $line =~ ^1\.\.([0-9]+)$ ]]; then
			planned=${BASH_REMATCH[1]}
		elif [[ $line =~ ^(not )?ok\ [0-9]+\ (.*)$ ]]; then
			seen=$((seen + 1))
			if [[ -n ${BASH_REMATCH[1]} && ${#notes[@]} -gt 0 ]]; then
				printf '# %s\n' "${notes[@]}"
			fi
			notes=()
			report "${#BASH_REMATCH[1]}" "$program: ${BASH_REMATCH[2]}"
		else
			notes+=("${line#\# }")
		fi
	done <"$program.out"
	echo "# $program planned $planned tests and reported $seen"
	[[ $planned -gt 0 && $seen -eq $planned ]]
	report $? "$program: ran to its end"
}

# Tests that pin nothing, or are not charged, would leave no trace either.
check_charges()
{
	local program=$1 before=$2 after=$3 peak

	if ! has_controller; then
		report 0 "$program: pins are charged # SKIP no ioas controller"
		report 0 "$program: all charges are gone # SKIP no ioas controller"
		return
	fi
	peak=$(<"$group/ioas.pinned.peak")
	echo "# $program had $peak bytes pinned at most"
	[[ $peak -gt 0 ]]
	report $? "$program: pins are charged"
	diff <(echo "$before") <(echo "$after") | sed 's/^/# /'
	[[ $before == "$after" ]]
	report $? "$program: all charges are gone"
}

run()
{
	local program=$1 before

	mkdir "$group"
	before=$(pinned)
	in_group "$program" >"$program.out" 2>&1
	repeat_results "$program"
	check_charges "$program" "$before" "$(pinned)"
	rmdir "$group"
}

# Some tests map huge pages, up to 256 MiB at once.
old_hugepages=$(<$hugepages)
echo 160 >$hugepages
echo "# $(<$hugepages) huge pages"
old_failslab=$(grep -H . $failslab/{ignore-gfp-wait,verbose})
# The first leaves a small limit for temporary memory behind, which the other
# sets back to the default.
run iommufd_fail_nth
run iommufd
while IFS=: read -r file value; do
	echo "$value" >"$file"
done <<<"$old_failslab"
echo "$old_hugepages" >$hugepages

echo "1..$tests"
[[ $failed -eq 0 ]]
