#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make demo: what the controller charges a stock QEMU with two VFIO devices.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$top/scripts/step.sh"
. "$top/scripts/prepare.sh"

plan $(($(prepare_steps 2) + 1))
prepare root x86
step_here "QEMU in the VM, three times" \
	env VMRUN_LOG="$logs/demo.console" VMRUN_TIMEOUT=600 \
	"$top/tests/vm/vmrun" --devices 2 -- demo
