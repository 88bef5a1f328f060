#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel.sh KERNEL...: everything that it takes to build these kernels.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$top/scripts/step.sh"
. "$top/scripts/prepare.sh"

plan "$(prepare_steps $#)"
prepare "$@"
