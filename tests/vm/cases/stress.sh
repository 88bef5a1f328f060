#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A minute of the stress run: random pins through all sites in a tree of cgroups,
# while processes, cgroups and limits come and go. "make stress" has more of it.
#
# devices: 4
# timeout: 500
# expected: 6
set -u
. "$(dirname "$0")/../../harness/tap.sh"

# One of the workers does not tell of something that it has pinned.
finds_what_is_not_told()
{
	if run-stress 4 -t 60 -s 1 -f >found 2>&1 || ! grep '^# the numbers are wrong' found; then
		cat found
		return 1
	fi
}

include run-stress 4 -t 60 -s "$RANDOM"
check "what is pinned and not known of is found" finds_what_is_not_told
plan_at_end
