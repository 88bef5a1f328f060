#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# RLIMIT_MEMLOCK and ioas.pinned.memlock where VFIO and iommufd pin.
#
# devices: 1
# expected: 24
set -eu

exec memlock_pins "$(vfio-bind 1)"
