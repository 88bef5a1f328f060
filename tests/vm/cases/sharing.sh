#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two processes in sibling cgroups that pin the same memory.
#
# devices: 2
# expected: 10
set -eu

mapfile -t devices < <(vfio-bind 2)
exec shared_pins "${devices[@]}"
