#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# RDMA and atomic operations of RDS, which end in a work.
#
# expected: 12
set -eu

exec rds_pins
