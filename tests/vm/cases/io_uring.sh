#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What io_uring is charged for buffers and rings, and fio, which registers a buffer for
# each of the requests that it has in flight.
#
# timeout: 180
# expected: 101
set -u
. "$(dirname "$0")/../../harness/tap.sh"
. "$(dirname "$0")/../../harness/group.sh"

include with-hugepages 4 io_uring_pins

group=/sys/fs/cgroup/fio
kind=io_uring
depth=8
block=65536
size=$((depth * block))
fio=(fio --name=job --ioengine=io_uring --fixedbufs=1 --hipri=0 --thread --rw=randread
	--bs="$block" --iodepth="$depth" --iomem_align=4096 --filename=/dev/shm/fio --size=4M)
for_ever=(--time_based --runtime=1000)
# Without a capability, and with a RLIMIT_MEMLOCK of less than a block.
as_user=(prlimit --memlock=32768:32768 setpriv --reuid 4242 --regid 4242 --clear-groups)
message='func=io_queue_init, error=Cannot allocate memory'

mkdir $group
head -c 4M /dev/zero >/dev/shm/fio
head -c 4M /dev/zero >/dev/shm/buffers

start "${fio[@]}" "${for_ever[@]}"
charged "fio" $size $size $depth
equal "fio: RLIMIT_MEMLOCK is charged the same" \
	"$(value "/proc/$pid/status" VmPin:)" $((size / 1024))
stop
nothing_left "fio, kill -9"

# The two have their buffers in the same memory.
start "${fio[@]}" "${for_ever[@]}" --numjobs=2 --mem=mmapshared:/dev/shm/buffers
charged "two jobs of fio, same buffers" $size $((2 * size)) $((2 * depth))
stop
nothing_left "two jobs of fio, kill -9"

echo $size >$group/ioas.pinned.max
check "fio, just enough: it succeeds" succeeds "${fio[@]}"
equal "fio, just enough: nothing was refused" "$(value $group/ioas.pinned.events max)" 0
nothing_left "fio, exit"

echo $((size - 4096)) >$group/ioas.pinned.max
refused "fio, a page too few" "$message" 1 "${fio[@]}"
echo max >$group/ioas.pinned.max

refused "fio, RLIMIT_MEMLOCK" "$message" 0 "${as_user[@]}" "${fio[@]}"
echo cgroup >$group/ioas.pinned.memlock
check "fio, memlock = cgroup: it succeeds" succeeds "${as_user[@]}" "${fio[@]}"
nothing_left "fio, memlock = cgroup"
echo $((size - 4096)) >$group/ioas.pinned.max
refused "fio, memlock = cgroup, a page too few" "$message" 1 \
	"${as_user[@]}" "${fio[@]}"

rm -f /dev/shm/fio /dev/shm/buffers
rmdir $group
plan_at_end
