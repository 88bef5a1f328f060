#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The interface files: what they show, take and refuse, and whom they wake.
#
# devices: 1
# expected: 17
set -eu

exec ioas_files "$(vfio-bind 1)"
