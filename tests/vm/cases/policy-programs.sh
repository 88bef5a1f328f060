#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# BPF programs for the controller that the kernel must not take.
#
# expected: 32
set -eu

exec refused_programs
