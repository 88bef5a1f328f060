#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What an iommufd charges for an address space that has several windows and holes, with
# a VFIO device, with mock devices of the iommufd test driver, and with both.
#
# devices: 1
# timeout: 240
# expected: 182
set -eu

exec with-hugepages 12 iova_windows "$(vfio-bind 1)"
