#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The same as in the case rdma for a device of siw, which is iWARP: its connections are
# TCP, and are made by the connection manager only. It keeps memory pinned for a message
# that is on its way, and releases it from a work queue.
#
# timeout: 300
# expected: 78
set -u

[[ ${1:-} == over-siw ]] || exec with-hugepages 8 with-rdma siw "$0" over-siw

. "$(dirname "$0")/../../harness/tap.sh"
. "$(dirname "$0")/../../harness/group.sh"
. "$(dirname "$0")/../../harness/rdma.sh"

kind=rdma
perftest+=(-R)

include rdma_pins
in_groups "perftest, kill -9" perftest_is_charged
in_groups "perftest refused" perftest_is_refused
in_groups "rping, kill -9" rping_is_charged
in_groups "rping refused" rping_is_refused
include siw_pins

plan_at_end
