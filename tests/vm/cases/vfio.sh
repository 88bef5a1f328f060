#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What VFIO mappings are charged, in VFIO's containers and in an iommufd's.
#
# devices: 2
# timeout: 180
# expected: 71
set -eu

mapfile -t devices < <(vfio-bind 2)
exec with-hugepages 16 vfio_pins "${devices[@]}"
