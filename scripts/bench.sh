#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make bench: measures, and compares with the targets in tests/bench/targets.tsv.
# Writes build/bench.json, build/bench.md and build/bench.svg. Fails when something
# could not be measured, not when a target is missed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$top/scripts/step.sh"
. "$top/scripts/prepare.sh"

index_runs=3
boots=5
policy_boots=3
raw=$build/bench
runs=$raw/runs
figures=$raw/figures.tsv

# The lines "bench NAME VALUE UNIT ..." of a log, from NAME on.
bench_lines()
{
	sed -n 's/\r$//; s/^.*\bbench \([a-z0-9_]* [0-9.]* .*\)$/\1/p' "$1"
}

# What steps run returns early by itself: set -e does not reach there.

# The index, in User Mode Linux.
bench_index()
{
	local i log

	for ((i = 1; i <= index_runs; i++)); do
		log=$raw/index-$i
		"$top/scripts/kunit.sh" uml 'ioas_bench*' >"$log" || return
		! grep -E '^ *not ok ' "$log" || die "a benchmark failed: see $log"
		bench_lines "$log" >>"$runs"
		echo "run $i of $index_runs"
	done
}

# vm_once WHAT CLOCK KERNEL OUTPUT [POLICY SETTING]: one boot of a VM.
vm_once()
{
	local what=$1 clock=$2 kernel=$3 output=$4 options=
	shift 4

	# One instruction is then 1 ns, for both CPUs of the VM together.
	[[ $clock != instructions ]] || options='-icount shift=0'
	VMRUN_QEMU=$options VMRUN_LOG=$output.console VMRUN_TIMEOUT=600 "$top/tests/vm/vmrun" \
		--kernel "$build/$kernel/arch/x86/boot/bzImage" --devices 1 -- \
		/ioascg/tests/bench/run-bench.sh "$what" "$@" >"$output"
}

# bench_vm WHAT CLOCK: the two kernels in turn. WHAT is maps or registrations, CLOCK
# what is counted: instructions or time.
bench_vm()
{
	local what=$1 clock=$2 unit=us i base patched

	[[ $clock != instructions ]] || unit='kinstr'
	for ((i = 1; i <= boots; i++)); do
		base=$raw/$what-$clock-base-$i patched=$raw/$what-$clock-x86-$i
		vm_once "$what" "$clock" base "$base" || return
		vm_once "$what" "$clock" x86 "$patched" || return
		awk -v clock="$clock" -v unit=$unit '
			FNR == NR { base[$1] = $2; next }
			{ print $1 "_" clock, $2, unit, base[$1] == "" ? "-" : base[$1] }' \
			<(bench_lines "$base") <(bench_lines "$patched") >>"$runs"
		echo "boot $i of $boots"
	done
}

# compare PREFIX BASE OUTPUT: each figure of OUTPUT with the same of BASE.
compare()
{
	awk -v prefix="$1" 'FNR == NR { base[$1] = $2; next }
		{ print prefix $1, $2, "kinstr", base[$1] == "" ? "-" : base[$1] }' \
		<(bench_lines "$2") <(bench_lines "$3") >>"$runs"
}

# The hooks for policies with none attached, against a kernel without them; and with
# kind_quota, against none attached.
bench_policies()
{
	local i without none quota

	for ((i = 1; i <= policy_boots; i++)); do
		without=$raw/policies-without-$i none=$raw/policies-none-$i
		quota=$raw/policies-quota-$i
		vm_once policies instructions no-policies "$without" || return
		vm_once policies instructions x86 "$none" || return
		vm_once policies instructions x86 "$quota" kind_quota io_uring=1T || return
		compare no_policy_ "$without" "$none"
		compare kind_quota_ "$none" "$quota"
		echo "boot $i of $policy_boots"
	done
}

make_json()
{
	jq -R -s 'def number: if . == "-" then null else tonumber end;
		def none: if . == "-" then null else . end;
		split("\n") | map(select(. != "") | split("\t") | {
			name: .[0], value: .[1] | tonumber, unit: .[2],
			baseline: .[3] | number, ratio: .[4] | number,
			target: .[5] | none,
			met: (if .[6] == "-" then null else .[6] == "true" end) })' "$figures"
}

# What is not met, in words.
print_missed()
{
	awk -F '\t' '
		$7 != "-" { targets++ }
		$7 == "false" {
			missed[++n] = sprintf("%s: %g %s%s; must be %s", $1, $2, $3,
				$5 == "-" ? "" : ", " $5 "x its baseline", $6)
		}
		END {
			print ""
			print targets - n " of " targets " targets met"
			for (i = 1; i <= n; i++) print "  not met: " missed[i]
		}' "$figures"
}

plan $(($(prepare_steps 6) + 6))
prepare root x86 programs base no-policies uml
rm -rf "$raw"
mkdir -p "$raw"
step "the index, $index_runs times" bench-index bench_index
for what in maps registrations; do
	for clock in instructions time; do
		step "$what in the VM, by $clock, $boots boots of both kernels" \
			"bench-$what-$clock" bench_vm "$what" "$clock"
	done
done

step "the hooks for policies, $policy_boots boots" bench-policies bench_policies

awk -f "$top/tests/bench/figures.awk" "$top/tests/bench/targets.tsv" "$runs" >"$figures"
make_json >"$build/bench.json"
awk -v markdown=1 -f "$top/tests/bench/table.awk" "$figures" >"$build/bench.md"
awk -v names='random_charge random_uncharge' -f "$top/tests/bench/plot.awk" "$figures" \
	>"$build/bench.svg"
echo
awk -f "$top/tests/bench/table.awk" "$figures"
print_missed
