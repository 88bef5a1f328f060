#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kunit.sh uml|kasan [GLOB]: runs the KUnit suites in User Mode Linux and prints
# the kernel's log, which is KTAP. The benchmark is no test. Fails when the log
# has a report of the kernel's own checks.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

kernel=${1:?"usage: kunit.sh uml|kasan [GLOB]"}
log=$logs/kunit-$kernel.console

# Without a terminal: UML would change its settings. A log without end ends here.
boot()
{
	timeout 600 "$build/$kernel/linux" mem=2G con=null con0=null,fd:2 kunit.enable=1 "$@" \
		</dev/null 2>&1 | head -c 32M
}

suites()
{
	boot kunit_shutdown=halt kunit.action=list 'kunit.filter_glob=ioas*' |
		sed -n 's/^\(ioas[a-z0-9_]*\)\.[A-Za-z0-9_]*\r\?$/\1/p' | uniq
}

# kmemleak scans by itself 60 s after boot and then every 600 s, and reports what
# two scans in a row find. The kernel is given that time: it waits for a root
# device that never comes, and then gives up. Time passes only while it waits, so
# the scans come after the tests, and at once.
boot_with_leak_scan()
{
	boot "$@" time-travel=inf-cpu printk.time=1 kmemleak.verbose=1 \
		root=/dev/none rootwait=800 panic=-1 >"$log.boot" || true
	# From here on it only tells that there is no root.
	sed '/List of all partitions/,$d' "$log.boot"
	grep -qE '^\[ *8[0-9][0-9]\..*VFS: Unable to mount root fs' "$log.boot"
}

run()
{
	if [[ $kernel == kasan ]]; then
		boot_with_leak_scan "$@"
	else
		boot kunit_shutdown=halt "$@"
	fi
}

if [[ $# -gt 1 ]]; then
	globs=("$2")
else
	mapfile -t globs < <(suites | grep -v '^ioas_bench')
fi
: >"$log"
for glob in "${globs[@]}"; do
	run "kunit.filter_glob=$glob" | tee -a "$log" || die "User Mode Linux ended before its time"
done
"$top/scripts/splats.sh" "$log"
