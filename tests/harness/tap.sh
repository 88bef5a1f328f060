# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sourced by scripts that print TAP.

tests=0
failed=0

# check NAME COMMAND...: passes if the command does; shows what it printed if not.
check()
{
	local name=$1 output
	shift

	tests=$((tests + 1))
	if output=$("$@" 2>&1); then
		echo "ok $tests - $name"
	else
		failed=$((failed + 1))
		echo "# ${output//$'\n'/$'\n# '}"
		echo "not ok $tests - $name"
	fi
}

# include COMMAND...: runs a program that prints TAP. Its tests become ours, and
# whether it came to its end is one more.
include()
{
	local line planned=none seen=0

	while IFS= read -r line; do
		if [[ $line =~ ^(not )?ok\ [0-9]+\ (.*)$ ]]; then
			seen=$((seen + 1))
			tests=$((tests + 1))
			[[ -z ${BASH_REMATCH[1]} ]] || failed=$((failed + 1))
			echo "${BASH_REMATCH[1]}ok $tests ${BASH_REMATCH[2]}"
		elif [[ $line =~ ^1\.\.([0-9]+)$ ]]; then
			planned=${BASH_REMATCH[1]}
		else
			echo "$line"
		fi
	done < <("$@" 2>&1)
	check "$* runs to its end" [ "$planned" = "$seen" ]
}

# Whether two texts are the same; shows the difference.
same()
{
	diff <(echo "$1") <(echo "$2")
}

# The last line of a script: its status is the one of the tests.
plan_at_end()
{
	echo "1..$tests"
	[[ $failed -eq 0 ]]
}
