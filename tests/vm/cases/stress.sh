#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A minute of the stress run: random pins through all sites in a tree of cgroups,
# while processes, cgroups and limits come and go. "make stress" has more of it.
#
# devices: 4
# timeout: 400
# expected: 4
set -eu

exec run-stress 4 -t 60 -s "$RANDOM"
