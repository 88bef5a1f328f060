#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Cgroups that are left, removed or lose the controller while they have pins.
#
# devices: 1
# expected: 18
set -eu

exec moved_pins "$(vfio-bind 1)"
