#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Calls on PASID sets in which one allocation after the other fails, or all from one on.
#
# kernels: x86 vm-kasan
# timeout: 240
# expected: 44
set -eu

exec failing_vpasids
