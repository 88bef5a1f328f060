#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The policies that ioasctl attaches: what they refuse, whom they tell, how long they
# stay.
#
# timeout: 400
# expected: 57
set -u
. "$(dirname "$0")/../../harness/tap.sh"

include policies
include pasid_policies
plan_at_end
