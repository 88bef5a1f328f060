#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The stress run on build/debug: random pins through all sites, and after it all
# numbers back at zero, no report in the kernel's log, no leak. The environment sets
# MINUTES (15), SEED (chosen and printed) and KERNEL (debug). The summary goes to
# build/stress.md.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$top/scripts/step.sh"
. "$top/scripts/prepare.sh"

minutes=${MINUTES:-15}
seed=${SEED:-$RANDOM}
kernel=${KERNEL:-debug}
devices=8
share=$build/stress
[[ $minutes =~ ^[0-9]+$ && $minutes -gt 0 ]] || die "MINUTES is a whole number, not '$minutes'"
[[ $seed =~ ^[0-9]+$ ]] || die "SEED is a number, not '$seed'"

# What was run.
commit()
{
	git -C "$top" describe --always --dirty=", with changes" 2>/dev/null || echo "of no commit"
}

# Much of it comes after the run: each worker ends what it has, and kmemleak scans.
stress()
{
	local status=0

	rm -rf "$share" "$build/stress.md"
	mkdir -p "$share"
	VMRUN_TIMEOUT=$((minutes * 60 + 900)) VMRUN_LOG=$logs/stress.console \
		"$top/tests/vm/vmrun" --kernel "$build/$kernel/arch/x86/boot/bzImage" \
		--devices $devices --share "$share" -- run-stress $devices \
		-t $((minutes * 60)) -s "$seed" -o /share/stress.md || status=$?
	[[ ! -e $share/stress.md ]] ||
		{ echo "ioascg $(commit), build/$kernel."; echo; cat "$share/stress.md"; } >"$build/stress.md"
	rm -f "$share/stress.md"
	rmdir "$share"
	[[ $status != 0 ]] ||
		echo "      the summary is in $build/stress.md, the kernel's log in $logs/stress.console"
	[[ $status == 0 ]] ||
		echo "      status $status; again: make stress SEED=$seed MINUTES=$minutes KERNEL=$kernel"
	return "$status"
}

plan $(($(prepare_steps 4) + 1))
prepare root x86 programs "$kernel"
step_here "stress for $minutes minutes on build/$kernel, SEED=$seed" stress
