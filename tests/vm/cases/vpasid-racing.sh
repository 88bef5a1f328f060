#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Processes that use the PASIDs of the same iommufds and of others, while devices and
# cgroups go and limits change.
#
# kernels: x86 vm-kasan
# timeout: 240
# expected: 2
set -eu

exec racing_vpasids 8 "$RANDOM"
