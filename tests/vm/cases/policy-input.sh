#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What ioasctl does not take, and how it says so.
#
# timeout: 300
# expected: 60
set -eu

exec policy_input
