#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kunit.sh uml|kasan [GLOB]: runs the KUnit suites in User Mode Linux and prints
# the kernel's log, which is KTAP. The benchmark is no test. Fails when the log
# has a report of the kernel's own checks.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

linux=$build/${1:?"usage: kunit.sh uml|kasan [GLOB]"}/linux
log=$logs/kunit-$1.console

# Without a terminal: UML would change its settings.
boot()
{
	timeout 900 "$linux" mem=2G con=null con0=null,fd:2 panic=-1 kunit.enable=1 \
		root=/dev/root rootfstype=hostfs rootflags=/ ro \
		"init=$top/tests/uml/init" "$@" </dev/null 2>&1
}

suites()
{
	boot kunit.action=list 'kunit.filter_glob=ioas*' |
		sed -n 's/^\(ioas[a-z0-9_]*\)\.[A-Za-z0-9_]*\r\?$/\1/p' | uniq
}

if [[ $# -gt 1 ]]; then
	globs=("$2")
else
	mapfile -t globs < <(suites | grep -vx ioas_bench)
fi
: >"$log"
for glob in "${globs[@]}"; do
	boot "kunit.filter_glob=$glob" | tee -a "$log" || die "User Mode Linux ended with status $?"
done
"$top/scripts/splats.sh" "$log"
