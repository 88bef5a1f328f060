#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What tests/vm/vmrun promises.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"
. "$top/tests/harness/tap.sh"

run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
mkdir "$run/share"
vmrun=$top/tests/vm/vmrun

# gives STATUS ARGUMENTS...: whether vmrun ends with it; output in $run/out, err.
gives()
{
	local want=$1 status=0
	shift

	"$vmrun" "$@" >"$run/out" 2>"$run/err" || status=$?
	[[ $status == "$want" ]] || { echo "status $status, not $want"; cat "$run/err"; return 1; }
}

says()
{
	grep -qF -- "$2" "$run/$1" || { echo "no '$2' in:"; cat "$run/$1"; return 1; }
}

# shellcheck disable=SC2016
all_at_once='
	printf "[%s]\n" "$@"; echo to stderr >&2; echo reopened >/dev/stderr
	vfio-bind | grep -c :; vfio-bind 0
	echo from the VM >/share/out; cat /share/in
	grep -c memory /sys/fs/cgroup/cgroup.subtree_control
	cat /proc/1/comm; exit 7'
echo "from the host" >"$run/share/in"

check "exits with the status of the command" \
	gives 7 --devices 3 --share "$run/share" -- bash -c "$all_at_once" sh 'two  words' "a'b" ''
check "words reach the command as they are, and its output is only its own" \
	same "$(cat "$run/out")" $'[two  words]\n[a\'b]\n[]\n3\nfrom the host\n1\nrun-command'
check "stderr is apart" same "$(cat "$run/err")" $'to stderr\nreopened'
check "the shared folder can be written" same "$(cat "$run/share/out")" "from the VM"

check "--systemd: the command is a service" \
	gives 0 --systemd --devices 0 -- bash -c 'cat /proc/1/comm; cat /proc/self/cgroup'
check "--systemd: systemd is PID 1" same "$(head -n 1 "$run/out")" systemd

check "a crash is 125" gives 125 --devices 0 -- bash -c 'echo c >/proc/sysrq-trigger'
check "a crash shows the console" says err 'sysrq triggered crash'
check "a hang is 124" env VMRUN_TIMEOUT=20 bash -c "
	$(declare -f gives); vmrun=$vmrun run=$run; gives 124 --devices 0 -- sleep 1000"
check "a kernel report is 126" \
	gives 126 --devices 0 -- bash -c 'echo "BUG: made up" >/dev/kmsg'
check "a kernel report is shown" says err 'BUG: made up'

# Cases are named by their path below tests/vm/cases.
case_in_share()
{
	cat >"$run/share/$1.sh"
	chmod +x "$run/share/$1.sh"
	cases+=("../../../../share/$1:3")
}
cases=()
case_in_share forgets-one <<<$'#!/bin/bash\nsetsid sleep 1000 &'
case_in_share traces-one <<<$'#!/bin/bash\necho 1 >/sys/kernel/tracing/set_event_pid'
# No signal ends it, as the one who sends them is stopped.
case_in_share stuck <<'END'
#!/bin/bash
kill -STOP "$(awk '/PPid/ { print $2 }' /proc/$PPID/status)"
END
check "a case that does not end takes the VM with it" \
	gives 125 --devices 0 --share "$run/share" -- run-cases "${cases[@]}"
check "what does not end is in the console" says err 'Show Blocked State'
check "what a case leaves running is named" says out 'sleep is running'
check "what a case leaves traced is named" says out 'debugging: set_event_pid:1'

check "no command is a usage error" gives 2 --devices 1
check "a wrong number is a usage error" gives 2 --devices many -- true
check "a missing kernel is a usage error" gives 2 --kernel /nonexistent -- true
check "a usage error says what is wrong" says err /nonexistent
plan_at_end
