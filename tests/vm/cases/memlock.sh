#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ioas.pinned.memlock: its values, who may write it, what is inherited.
#
# expected: 13
set -eu

exec memlock_file
