#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# splats.sh LOG: prints what a kernel log has of warnings, oopses and reports of
# lockdep, KASAN, UBSAN, kmemleak and the like; fails when there is any.
# Injected faults print a call trace of their own, so a call trace is no sign.
set -euo pipefail

! grep -nE \
	-e '(^|\] *)WARNING: ' \
	-e '\bBUG: ' \
	-e '\bOops(:|\b.*\[#)' \
	-e 'Kernel panic' \
	-e 'general protection fault' \
	-e 'UBSAN: ' \
	-e 'ODEBUG: ' \
	-e 'kmemleak: [0-9]+ new suspected' \
	-e 'unreferenced object 0x' \
	-e '(list_add|list_del) corruption' \
	-e 'refcount_t: ' \
	-e 'INFO: (possible|inconsistent|trying|task .* blocked)' \
	-e 'possible (circular|recursive) locking|possible irq lock inversion' \
	-e 'inconsistent lock state|suspicious RCU usage|Invalid wait context' \
	-e 'DEBUG_LOCKS_WARN_ON|held lock freed|lock held when returning to user space' \
	"$1"
