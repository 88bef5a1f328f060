#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What an iommufd charges for its address spaces, with VFIO devices attached.
#
# devices: 2
# expected: 61
set -eu

mapfile -t devices < <(vfio-bind 2)
exec with-hugepages 16 iommufd_pins "${devices[@]}"
