#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who is charged for the PASIDs of an iommufd, what limits them, and what ends a charge.
#
# kernels: x86 vm-kasan
# expected: 77
set -eu

exec vpasid_charges
