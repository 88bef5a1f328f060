# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# Sourced by the scripts behind the front door: shows which step of how many
# runs, for how long, and what it is at.
#
#   plan N                       there will be N steps
#   step WHAT LOG COMMAND...     runs a command, its output in build/logs/LOG.log
#   step_here WHAT COMMAND...    the same for a command that talks to the user

step_number=0
step_count=0
step_job=

plan()
{
	step_count=$1
	mkdir -p "$logs"
}

step_time()
{
	printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
}

# A line that the next one overwrites.
step_live()
{
	local width=${COLUMNS:-80}

	printf '\r\033[K%.*s' $((width - 1)) "$1"
}

step_colour()
{
	if [[ -t 1 ]]; then
		printf '\033[%sm%s\033[0m' "$1" "$2"
	else
		printf '%s' "$2"
	fi
}

step_end()
{
	trap - INT TERM
	# The job leads a process group of its own: all of it goes.
	[[ -z $step_job ]] || kill -TERM -- "-$step_job" 2>/dev/null || true
	wait 2>/dev/null || true
	[[ ! -t 1 ]] || echo
	exit "$1"
}
trap 'step_end 130' INT
trap 'step_end 143' TERM

# What a log says last, for the live line: how far a build is, or its last line.
step_progress()
{
	local objects

	objects=$(grep -cE '^  [A-Z]{2,}[A-Z \[\]]* ' "$1" || true)
	if [[ $objects -gt 0 ]]; then
		echo "$objects objects"
	else
		tail -n 1 "$1" | tr -d '\r' | tr -c '[:print:]\n' ' '
	fi
}

# Waits for the job, and never stays silent for more than 30 s meanwhile.
step_wait()
{
	local title=$1 log=$2 start=$3 told=0 elapsed

	while kill -0 "$step_job" 2>/dev/null; do
		sleep 0.2
		elapsed=$((SECONDS - start))
		if [[ -t 1 && $elapsed -ge 1 ]]; then
			step_live "$title ... $(step_time $elapsed)  $(step_progress "$log")"
		elif [[ ! -t 1 && $((elapsed - told)) -ge 30 ]]; then
			told=$elapsed
			printf '\n      %s  %s' "$(step_time $elapsed)" "$(step_progress "$log")"
		fi
	done
	# Without a terminal the title stands on a line that still has to end.
	if [[ ! -t 1 && $told -gt 0 ]]; then printf '\n%s ...' "$title"; fi
	wait "$step_job"
}

# Counts the step. Not in a subshell, which would lose the count.
step_begin()
{
	step_number=$((step_number + 1))
	title="[$step_number/$step_count] $1"
	start=$SECONDS
}

# "ok (0:12)", or that it failed.
step_ending()
{
	local how

	if [[ $1 == 0 ]]; then how=$(step_colour 32 ok); else how=$(step_colour 31 FAILED); fi
	echo "$how ($(step_time "$2"))"
}

step_try()
{
	local title start log=$logs/$2.log status=0

	step_begin "$1"
	shift 2
	if [[ -t 1 ]]; then step_live "$title ..."; else printf '%s ...' "$title"; fi
	set -m
	"$@" >"$log" 2>&1 </dev/null &
	step_job=$!
	set +m
	step_wait "$title" "$log" "$start" || status=$?
	step_job=
	[[ ! -t 1 ]] || printf '\r\033[K%s ...' "$title"
	echo " $(step_ending "$status" $((SECONDS - start)))"
	return "$status"
}

step()
{
	local log=$logs/$2.log

	step_try "$@" && return
	{
		echo "----- the end of $log, and the errors in it:"
		tail -n 15 "$log"
		grep -nE '\b[Ee]rror:|undefined reference|\*\*\* ' "$log" | head -n 15 || true
		echo "----- all of it: $log"
	} >&2
	exit 1
}

step_here()
{
	local title start status=0

	step_begin "$1"
	shift
	echo "$title ..."
	"$@" || status=$?
	echo "$title ... $(step_ending "$status" $((SECONDS - start)))"
	[[ $status == 0 ]] || exit 1
}
