#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The PASID sets of iommufds: which number a virtual PASID has on which device.
#
# expected: 35
set -eu

exec vpasid_sets
