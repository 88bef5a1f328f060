#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whose memory a cgroup keeps for the next pin, with two memory cgroups in it.
#
# expected: 1
set -eu

exec kept_memory
