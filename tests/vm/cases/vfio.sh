#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What VFIO mappings are charged, in VFIO's containers and in an iommufd's.
#
# devices: 2
# timeout: 180
# expected: 71
set -eu

hugepages=/proc/sys/vm/nr_hugepages
old_hugepages=$(<$hugepages)
trap 'echo "$old_hugepages" >$hugepages' EXIT
echo 16 >$hugepages

mapfile -t devices < <(vfio-bind 2)
vfio_pins "${devices[@]}"
