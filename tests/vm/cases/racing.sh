#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Processes that map and unmap the same memory while cgroups and limits change.
#
# devices: 4
# expected: 1
set -eu

mapfile -t devices < <(vfio-bind 4)
exec racing_pins 8 "$RANDOM" "${devices[@]}"
