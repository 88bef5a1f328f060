#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check.sh [--debug|--build] [--only SUITE|CASE]: runs the tests, and ends with the line
# "N passed, N failed". SUITE is lint, results, trees, pin-sites, warnings, kunit-uml,
# sva-uml, kunit-kasan, sva-kasan, vmrun or kunit-vm; CASE is the name of a file in tests/vm/cases. --debug
# runs what there is for the VM on build/debug and build/kcsan, and races on build/vm-kasan. --build compiles for
# every architecture what the patches change: SUITE is build-x86, build-powerpc,
# build-s390 or build-sparc64.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$top/scripts/step.sh"
. "$top/scripts/prepare.sh"

results=$build/results
debug=no
build_only=no
only=
while [[ $# -gt 0 ]]; do
	case $1 in
	--debug)	debug=yes; shift ;;
	--build)	build_only=yes; package_sets=(cross); shift ;;
	--only)		only=${2:-}; shift 2 || die "--only wants a name" ;;
	*)		die "usage: check.sh [--debug|--build] [--only SUITE|CASE]" ;;
	esac
done

passed=0 failed=0 skipped=0

# What a case declares at its top.
declared()
{
	local value

	value=$(sed -n "s/^# $2: *//p" "$top/tests/vm/cases/$1.sh" | head -n 1)
	echo "${value:-$3}"
}

# The cases for a kernel, with systemd (yes) or without (no).
cases_for()
{
	local kernel=$1 systemd=$2 file name

	[[ $kernel == base || $kernel == vm-kasan ]] || kernel=x86
	for file in "$top"/tests/vm/cases/*.sh; do
		[[ -e $file ]] || continue
		name=$(basename "$file" .sh)
		[[ -z $only || $only == "$name" ]] || continue
		[[ " $(declared "$name" kernels x86) " == *" $kernel "* ]] || continue
		[[ $(declared "$name" systemd no) == "$systemd" ]] || continue
		echo "$name"
	done
}

wanted()
{
	[[ -z $only || $only == "$1" ]]
}

# The suites to run, in this order, one a line: a function and its arguments.
suites()
{
	local kernel arch

	if [[ $build_only == yes ]]; then
		for arch in x86 powerpc s390 sparc64; do
			! wanted "build-$arch" || echo run_tap "build-$arch" scripts/check-build.sh "$arch"
		done
		return
	fi
	if [[ $debug == no ]]; then
		! wanted lint || echo run_tap lint scripts/lint.sh
		! wanted results || echo run_tap results tests/harness/results.sh
		! wanted trees || echo run_tap trees tests/harness/trees.sh
		! wanted pin-sites || echo run_tap pin-sites tests/harness/pin-sites.sh
		! wanted warnings || echo run_tap warnings scripts/warnings.sh
		for kernel in uml kasan; do
			! wanted kunit-$kernel || echo run_tap kunit-$kernel scripts/kunit.sh $kernel
			! wanted sva-$kernel || echo run_tap sva-$kernel scripts/uml.sh $kernel sva_pasids
		done
		! wanted vmrun || echo run_tap vmrun tests/harness/vmrun.sh
		[[ -z $(cases_for base no) ]] || echo run_vm base no
		[[ -z $(cases_for base yes) ]] || echo run_vm base yes
	fi
	for kernel in $([[ $debug == no ]] && echo x86 || echo debug kcsan vm-kasan); do
		if wanted kunit-vm || [[ -n $(cases_for "$kernel" no) ]]; then
			echo run_vm "$kernel" no
		fi
		[[ -z $(cases_for "$kernel" yes) ]] || echo run_vm "$kernel" yes
	done
}

# What has to be there before them. The programs want the types of build/x86.
needs()
{
	case $* in
	*' lint '*|*' results '*|*' trees '*|*' pin-sites '*|*check-build.sh*) ;;
	*' vmrun '*)	printf '%s\n' root x86 ;;
	*' warnings '*)	printf '%s\n' base x86 ;;
	*kunit.sh*)	echo "${*: -1}" ;;
	*uml.sh*)	printf '%s\n' x86 programs "$4" ;;
	run_vm*)	printf '%s\n' root x86 programs "$2" ;;
	esac
}

# Prints what became of a suite or case, and what failed in it. $2 is its table
# of results, as tap.awk prints it.
report()
{
	local name=$1 table=$2 seconds=$3 p f s how

	p=$(grep -c '^pass' "$table" || true)
	f=$(grep -c '^fail' "$table" || true)
	s=$(grep -c '^skip' "$table" || true)
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	if [[ $f == 0 ]]; then how=$(step_colour 32 'ok  '); else how=$(step_colour 31 FAIL); fi
	printf '      %s %-28s %s passed, %s failed%s (%s)\n' "$how" "$name" "$p" "$f" \
		"$([[ $s == 0 ]] || echo ", $s skipped")" "$(step_time "$seconds")"
	awk -F '\t' '$1 == "fail" { gsub("\036", "\n             ", $3); print "           failed: " $2 "  " $3 }
		$1 == "skip" { print "           skipped: " $2 "  " $3 }' "$table"
}

add_failure()
{
	printf 'fail\t%s\t%s\n' "$2" "$3" >>"$1"
}

# A script that prints TAP.
run_tap()
{
	local name=$1 script=$2 start=$SECONDS status=0
	shift 2

	step_try "$name" "$name" "$top/$script" "$@" || status=$?
	awk -f "$top/scripts/tap.awk" "$logs/$name.log" >"$results/$name"
	if [[ $status != 0 ]] && ! grep -q '^fail' "$results/$name"; then
		add_failure "$results/$name" "$script" "status $status$(
			tail -n 15 "$logs/$name.log" | sed 's/^/\x1e/' | tr -d '\n')"
	fi
	report "$name" "$results/$name" $((SECONDS - start))
}

# Cuts the output of run-cases into a file a case, and prints how each ended:
# NAME STATUS SECONDS WHAT-WAS-LEFT.
split_cases()
{
	awk -v folder="$2" '
		/^@begin / { name = $2; printf "" > (folder "/" name ".tap"); next }
		/^@end / { $1 = ""; print substr($0, 2); close(folder "/" name ".tap"); name = ""; next }
		name != "" { print > (folder "/" name ".tap") }
		END { if (name != "") print name, "none 0" }' "$1"
}

# The tables of one case: what it reported, how it ended, what it left.
case_result()
{
	local folder=$1 kernel=$2 name=$3 status=$4 seconds=$5 left=$6
	local table=$folder/$name

	awk -v wanted="$(declared "$name" expected 1)" -f "$top/scripts/tap.awk" \
		"$folder/$name.tap" >"$table"
	case $status in
	none)	add_failure "$table" "$name.sh" "the VM ended during it" ;;
	124|137) add_failure "$table" "$name.sh" "timed out" ;;
	0)	;;
	*)	grep -q '^fail' "$table" || add_failure "$table" "$name.sh" "status $status" ;;
	esac
	[[ -z $left ]] || add_failure "$table" "leaves nothing behind" "$left"
	report "$kernel: $name" "$table" "$seconds"
}

# The suites of KUnit for a kernel. KUnit gives a test five minutes, too few for
# the slow ones on build/debug: build/kasan, which has lockdep too, runs them. And
# only threads can show build/kcsan a race, and build/vm-kasan what a race leads to.
kunit_choice()
{
	case $1 in
	debug)	echo 'kunit.filter_glob=ioas* kunit.filter=speed>slow' ;;
	kcsan|vm-kasan) echo 'kunit.filter_glob=ioas*_racing' ;;
	*)	echo 'kunit.filter_glob=ioas*' ;;
	esac
}

# All cases of a kernel in one VM; KUnit runs while it boots.
run_vm()
{
	local kernel=$1 systemd=$2 label=vm-$1-$2 start=$SECONDS status=0
	local folder=$results/$label console=$logs/$label.console
	local names name devices=0 seconds=300 append='' arguments=() options=() n ended took left

	mkdir -p "$folder"
	mapfile -t names < <(cases_for "$kernel" "$systemd")
	for name in "${names[@]}"; do
		n=$(declared "$name" devices 0)
		devices=$((n > devices ? n : devices))
		n=$(declared "$name" timeout 120)
		# lockdep and its kin make everything slower.
		[[ $debug == no ]] || n=$((n * 4))
		seconds=$((seconds + n))
		arguments+=("$name:$n")
	done
	[[ $systemd == no ]] || options+=(--systemd)
	if [[ $kernel != base && $systemd == no ]] && wanted kunit-vm; then
		append="kunit.enable=1 $(kunit_choice "$kernel")"
		seconds=$((seconds + 600))
	fi

	VMRUN_LOG=$console VMRUN_APPEND=$append VMRUN_TIMEOUT=$seconds \
		step_try "VM tests on build/$kernel$([[ $systemd == no ]] || echo ", systemd")" "$label" \
		"$top/tests/vm/vmrun" --kernel "$build/$kernel/arch/x86/boot/bzImage" \
		--devices "$devices" "${options[@]}" -- run-cases "${arguments[@]}" || status=$?

	if [[ -n $append ]]; then
		awk -f "$top/scripts/tap.awk" "$console" >"$folder/kunit"
		report "$kernel: KUnit" "$folder/kunit" 0
	fi
	while read -r name ended took left; do
		case_result "$folder" "$kernel" "$name" "$ended" "$took" "$left"
	done < <(split_cases "$logs/$label.log" "$folder")
	vm_result "$folder" "$kernel" "$status" $((SECONDS - start)) "$console"
	for name in "${names[@]}"; do
		[[ -e $folder/$name ]] || add_missing "$folder" "$name" "$kernel"
	done
}

# A case that the VM did not get to.
add_missing()
{
	: >"$1/$2"
	add_failure "$1/$2" "$2.sh" "not run: the VM ended before it"
	report "$3: $2" "$1/$2" 0
}

# The VM itself is a test: it has to boot, end by itself, and log no report.
vm_result()
{
	local table=$1/vm kernel=$2 status=$3 seconds=$4 console=$5

	if [[ $status == 0 ]]; then
		printf '%s\t%s\t\n' pass 'the kernel log is clean' >"$table"
	else
		: >"$table"
		add_failure "$table" "vmrun" "status $status$(
			"$top/scripts/splats.sh" "$console" | head -n 15 | sed 's/^/\x1e/' | tr -d '\n')"
	fi
	report "$kernel: the kernel's log" "$table" "$seconds"
}

mapfile -t todo < <(suites)
[[ ${#todo[@]} -gt 0 ]] || die "there is no suite or case '$only'"
rm -rf "$results"
mkdir -p "$results"

# Each need once, the quick ones first.
needed=$(for suite in "${todo[@]}"; do
	read -r -a words <<<"$suite"
	needs "${words[@]}"
done)
words=()
for word in root x86 programs base uml kasan debug kcsan vm-kasan; do
	! grep -qx "$word" <<<"$needed" || words+=("$word")
done

plan $(($(prepare_steps ${#words[@]}) + ${#todo[@]}))
prepare "${words[@]}"
for suite in "${todo[@]}"; do
	read -r -a words <<<"$suite"
	"${words[@]}"
done

echo
[[ $skipped == 0 ]] || echo "$skipped skipped, each with its reason above"
echo "$passed passed, $failed failed"
[[ $failed == 0 && $passed -gt 0 ]]
