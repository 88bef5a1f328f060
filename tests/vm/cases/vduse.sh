#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a vDPA device in user space (VDUSE) is charged for memory that it gives as its
# bounce buffer: a program of ours. Stock qemu-storage-daemon leaves the buffer to the
# kernel, and maps it: nothing is pinned, so nothing is charged.
#
# expected: 41
set -u
. "$(dirname "$0")/../../harness/tap.sh"
. "$(dirname "$0")/../../harness/group.sh"

group=/sys/fs/cgroup/vduse
kind=vduse
id=vduse-disk
disk=$PWD/disk

# The block device that virtio_vdpa makes of it.
block_device()
{
	local found=("/sys/bus/vdpa/devices/$id"/virtio*/block/*)

	echo "/dev/${found[0]##*/}"
}

# The daemon makes the device, which can then be given to the driver.
start_daemon()
{
	start qemu-storage-daemon --blockdev "file,filename=$disk,node-name=disk" \
		--export "vduse-blk,id=vduse,node-name=disk,name=$id,writable=on"
	check "storage daemon: its device is there" await_device
}

await_device()
{
	await 30 vdpa dev add name $id mgmtdev vduse || { cat output; return 1; }
}

end_daemon()
{
	kill "$pid"
	ends_well "storage daemon: it ends well"
}

# Without O_DIRECT, the pages would be those of an earlier read.
read_device()
{
	timeout "$(patiently 30)" dd if="$(block_device)" of=found bs=64K iflag=direct && cmp "$disk" found
}

write_device()
{
	timeout "$(patiently 30)" dd if=data of="$(block_device)" bs=64K oflag=direct && cmp "$disk" data
}

include with-hugepages 4 vduse_pins

mkdir $group
head -c 4M /dev/urandom >"$disk"
head -c 4M /dev/urandom >data
start_daemon
check "storage daemon: its disk can be read" read_device
check "storage daemon: its disk can be written" write_device
equal "storage daemon: it was charged nothing" "$(<$group/ioas.pinned.peak)" 0
nothing_left "storage daemon, running"
vdpa dev del $id
end_daemon
rmdir $group

plan_at_end
