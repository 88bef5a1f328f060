#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What decides whether a test failed: tap.awk and splats.sh.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"
. "$top/tests/harness/tap.sh"

# The results of a stream, "pass NAME" or the like, joined by commas.
results()
{
	printf '%b' "$1" | awk -f "$top/scripts/tap.awk" | awk -F '\t' '{ print $1 " " $2 }' | paste -sd,
}

reads()
{
	same "$(results "$1")" "$2"
}

# A log without any report has to pass, one with it has to fail.
reports()
{
	! "$top/scripts/splats.sh" <(echo "$1") >/dev/null
}

passes()
{
	"$top/scripts/splats.sh" <(echo "$1")
}

check "plain results are counted" \
	reads '1..3\nok 1 - a\nnot ok 2 - b c\nok 3 d # SKIP no device\n' 'pass a,fail b c,skip d'
check "a plan that is not kept is a failure" \
	reads '1..2\nok 1 a\n' 'pass a,fail plan'
check "more tests than planned are a failure" \
	reads '1..1\nok 1 a\nok 2 b\n' 'pass a,pass b,fail plan'
check "no test at all is a failure" \
	reads 'nothing\n' 'fail number of tests'
check "an empty plan is a failure" \
	reads '1..0\n' 'fail number of tests'
check "a bail-out is a failure" \
	reads '1..1\nok 1 a\nBail out! no memory\n' 'pass a,fail bail out'
check "only innermost tests count" \
	reads '1..1\n    # Subtest: s\n    1..2\n    ok 1 a\n    not ok 2 b\nnot ok 1 s\n' \
	'pass s: a,fail s: b'
check "a suite that fails by itself is a failure" \
	reads '1..1\n    # Subtest: s\n    1..1\n    ok 1 a\nnot ok 1 s\n' 'pass s: a,fail s'
check "a nested plan that is not kept is a failure" \
	reads '1..1\n    # Subtest: s\n    1..2\n    ok 1 a\nok 1 s\n' 'pass s: a,fail plan'
check "the times of a kernel log do not matter" \
	reads '[    0.1] 1..1\n[   12.345]     # Subtest: s\n[ 1.2]     ok 1 a\n[ 1.3] ok 1 s\n' 'pass s: a'

while read -r line; do
	check "is a report: ${line:0:40}" reports "[    1.0] $line"
done <<'EOT'
WARNING: CPU: 0 PID: 27 at kernel/cgroup/x.c:57 f+0xdf/0x150
BUG: KASAN: slab-use-after-free in f+0x1/0x2
BUG: sleeping function called from invalid context at mm/x.c:1
Oops: general protection fault, probably for non-canonical address
WARNING: possible circular locking dependency detected
kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
unreferenced object 0xffff888004567800 (size 64):
UBSAN: shift-out-of-bounds in x.c:1:2
refcount_t: underflow; use-after-free.
ODEBUG: free active (active state 0) object: 0
Kernel panic - not syncing: Attempted to kill init!
EOT
check "an injected fault is no report" passes 'FAULT_INJECTION: forcing a failure. Call Trace:'
check "a quiet log is no report" passes 'e1000e: Intel(R) PRO/1000 Network Driver'
plan_at_end
