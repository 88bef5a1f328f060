#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What an iommufd charges for its address spaces, with VFIO devices attached.
#
# devices: 2
# expected: 61
set -eu

hugepages=/proc/sys/vm/nr_hugepages
old_hugepages=$(<$hugepages)
trap 'echo "$old_hugepages" >$hugepages' EXIT
echo 16 >$hugepages

mapfile -t devices < <(vfio-bind 2)
iommufd_pins "${devices[@]}"
