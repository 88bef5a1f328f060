#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A mediated device, which pins what it needs by itself.
#
# devices: 1
# expected: 26
set -eu

uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
trap 'echo 1 >/sys/bus/mdev/devices/$uuid/remove' EXIT
echo $uuid >/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create

mdev_pins $uuid "$(vfio-bind 1)"
