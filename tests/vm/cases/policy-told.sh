#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What BPF programs get from the kernel: what the kfuncs answer, and what policies and
# programs on tracepoints are told.
#
# timeout: 300
# expected: 31
set -u
. "$(dirname "$0")/../../harness/tap.sh"

include asking_programs
include told_programs
plan_at_end
