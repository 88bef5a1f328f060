#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What ioasctl says of refusals, and of who holds what.
#
# timeout: 240
# expected: 32
set -u
. "$(dirname "$0")/../../harness/tap.sh"

include explained_refusals
include listed_accounts
plan_at_end
