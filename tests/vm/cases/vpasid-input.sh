#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the ioctls of PASID sets refuse, and that it changes nothing.
#
# timeout: 240
# expected: 20
set -eu

exec vpasid_input
