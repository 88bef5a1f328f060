#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One buffer, pinned through VFIO, iommufd, RDMA, io_uring, AF_XDP and udmabuf.
#
# devices: 2
# timeout: 240
# expected: 21
set -eu

mapfile -t devices < <(vfio-bind 2)
exec with-hugepages 4 with-rdma rxe across_sites "${devices[@]}"
