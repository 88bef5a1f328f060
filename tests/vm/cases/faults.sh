#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Maps and unmaps in which one allocation after the other fails, or all from one on.
#
# devices: 2
# expected: 16
set -eu

mapfile -t devices < <(vfio-bind 2)
exec failing_pins "${devices[@]}"
