#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# uml.sh uml|kasan PROGRAM: runs a test program in User Mode Linux, as its first
# process, and prints what it prints, which is TAP. The root is the host's, and only
# read. Fails when the kernel's log has a report of its own checks.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

kernel=${1:?"usage: uml.sh uml|kasan PROGRAM"}
program=${2:?"usage: uml.sh uml|kasan PROGRAM"}
log=$logs/uml-$kernel-$program.console

# The kernel's log and the program's output are one stream.
timeout 900 "$build/$kernel/linux" mem=1G con=null con0=null,fd:2 \
	root=/dev/root rootfstype=hostfs rootflags=/ ro init="$build/bin/$program" \
	</dev/null 2>&1 | head -c 32M | tee "$log" || die "User Mode Linux ended before its time"
"$top/scripts/splats.sh" "$log"
