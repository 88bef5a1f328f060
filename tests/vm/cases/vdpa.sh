#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the mappings of a vhost-vdpa device are charged: those of a program of ours,
# and those of stock QEMU with such a network device.
#
# QEMU maps the guest's memory when the guest's driver starts the device. iPXE does,
# which is in the network card's ROM, to boot from the network. What is mapped is
# taken from QEMU itself, which traces it.
#
# timeout: 400
# expected: 65
set -u

[[ ${1:-} == with-device ]] || exec with-hugepages 8 with-vdpa 1 "$0" with-device

. "$(dirname "$0")/../../harness/tap.sh"
. "$(dirname "$0")/../../harness/group.sh"

device=$2
ram=$((64 * 1024 * 1024))
group=/sys/fs/cgroup/vdpa
kind=vdpa
trace=$PWD/trace

in_vmpin()
{
	echo $(($(value "/proc/$pid/status" VmPin:) * 1024))
}

# start_qemu NAME RLIMIT: returns when the guest's driver has started the device, with
# QEMU stopped, so that the guest cannot give up and stop the device.
start_qemu()
{
	rm -f "$trace"
	start prlimit --memlock="$2:$2" \
		qemu-system-x86_64 -M q35,accel=tcg -m $((ram / 1024 / 1024)) -nodefaults \
		-display none -boot n -netdev "vhost-vdpa,id=net,vhostdev=$device" \
		-device virtio-net-pci,netdev=net \
		-trace 'vhost_vdpa_dma_*' -trace vhost_vdpa_add_status -D "$trace"
	check "$1: the guest's driver starts the device" await_driver
	# It takes too long to wait for it each time.
	driver_is_started || give_up
	kill -STOP "$pid"
}

# 4 is DRIVER_OK.
driver_is_started()
{
	grep -qs 'vhost_vdpa_add_status .* status: 0x4' "$trace"
}

await_driver()
{
	await 90 driver_is_started || { tail -n 5 output "$trace"; return 1; }
}

give_up()
{
	stop
	rmdir $group
	plan_at_end
	exit
}

# Ends QEMU as whoever runs it does.
end_qemu()
{
	kill -TERM "$pid"
	kill -CONT "$pid"
	ends_well "$1: it ends well"
	equal "$1: it has nothing mapped any more" "$(mapped_parts)" ""
	nothing_left "$1"
}

# What is mapped in the end, a part a line: its address in QEMU and its size.
mapped_parts()
{
	local -A parts=()
	local what iova size address part

	while read -r what iova size address; do
		case $what in
		dma_map)	parts[$iova]="$((address)) $((size))" ;;
		dma_unmap)	unset "parts[$iova]" ;;
		esac
	done < <(sed -n -e 's/.*vhost_vdpa_\(dma_map\) .* iova: \(.*\) size: \(.*\) uaddr: \(.*\) perm.*/\1 \2 \3 \4/p' \
		-e 's/.*vhost_vdpa_\(dma_unmap\) .* iova: \(.*\) size: \(.*\) type.*/\1 \2 \3/p' "$trace")
	for part in "${parts[@]}"; do
		echo "$part"
	done
}

number_of_parts()
{
	mapped_parts | wc -l
}

bytes_of_all()
{
	mapped_parts | awk '{ sum += $2 } END { printf "%d\n", sum }'
}

# Each address once: a part of the guest's memory may be in two places.
bytes_of_distinct()
{
	mapped_parts | sort -n | awk '
		$1 > end { sum += end - start; start = $1; end = $1 }
		$1 + $2 > end { end = $1 + $2 }
		END { printf "%d\n", sum + end - start }'
}

# QEMU goes on without what cannot be mapped.
failed_to_map()
{
	says 'failed to write, fd=.*errno=14 (Bad address)' &&
		says 'DMA mapping failed, unable to continue'
}

# all_charged NAME: once for each address, and for each mapping. All of it is there.
all_charged()
{
	equal "$1: it is charged what it maps" "$(charges)" "current $(bytes_of_distinct) gross $(
		bytes_of_all) vdpa $(bytes_of_all) accounts $(number_of_parts)"
}

ram_is_charged()
{
	start_qemu "QEMU" unlimited
	mapped_parts | sed 's/^/# mapped: /'
	all_charged "QEMU"
	check "QEMU: it is the RAM and the BIOS" \
		[ "$(bytes_of_distinct)" -ge $ram -a "$(bytes_of_distinct)" -le $((ram + 1024 * 1024)) ]
	equal "QEMU: RLIMIT_MEMLOCK is charged for each mapping" "$(in_vmpin)" "$(bytes_of_all)"
	stop
	nothing_left "QEMU, kill -9"

	start_qemu "QEMU, again" unlimited
	all_charged "QEMU, again"
	end_qemu "QEMU, SIGTERM"
}

limit_is_held()
{
	cat $group/ioas.pinned.peak >$group/ioas.pinned.max
	start_qemu "QEMU, just enough" unlimited
	all_charged "QEMU, just enough"
	stop

	echo $((ram / 2)) >$group/ioas.pinned.max
	start_qemu "QEMU, too little" unlimited
	check "QEMU, too little: it says so" failed_to_map
	equal "QEMU, too little: the refusal is counted" "$(value $group/ioas.pinned.events max)" 1
	equal "QEMU, too little: it is charged for what could be mapped" \
		"$(value $group/ioas.stat vdpa)" "$(in_vmpin)"
	stop
	nothing_left "QEMU, too little, kill -9"
	echo max >$group/ioas.pinned.max
}

# It holds for root too here.
memlock_modes()
{
	start_qemu "QEMU, RLIMIT_MEMLOCK" $((ram / 2))
	check "QEMU, RLIMIT_MEMLOCK: it says so" failed_to_map
	equal "QEMU, RLIMIT_MEMLOCK: the cgroup refused nothing more" \
		"$(value $group/ioas.pinned.events max)" 1
	stop

	echo cgroup >$group/ioas.pinned.memlock
	start_qemu "QEMU, memlock = cgroup" $((ram / 2))
	all_charged "QEMU, memlock = cgroup"
	equal "QEMU, memlock = cgroup: RLIMIT_MEMLOCK is charged nothing" "$(in_vmpin)" 0
	stop
	nothing_left "QEMU, memlock = cgroup"
}

include vdpa_pins "$device"
mkdir $group
ram_is_charged
limit_is_held
memlock_modes
rmdir $group

plan_at_end
