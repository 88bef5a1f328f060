#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A mediated device, which pins what it needs by itself: in a program of ours, and in
# stock QEMU, alone and beside a device that has all of the RAM pinned.
#
# The device is an mtty, a serial port. Its guest cannot make it pin, as it reads and
# writes no memory: our mend lets it pin when an ioctl asks for it. So while QEMU has the
# device, this borrows QEMU's file of it, and asks.
#
# devices: 1
# timeout: 300
# expected: 59
set -u
. "$(dirname "$0")/../../harness/tap.sh"
. "$(dirname "$0")/../../harness/group.sh"

uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
mdev=/sys/bus/mdev/devices/$uuid
group=/sys/fs/cgroup/mdev
kind=vfio
ram=$((256 * 1024 * 1024))
bios=$PWD/bios
# What it is asked to pin, and where: in the middle of the guest's RAM.
pages=40
bytes=$((pages * 4096))
iova=$((16 * 1024 * 1024))

# start_qemu NAME [OPTION...]: returns when the guest has come to rest.
start_qemu()
{
	local name=$1
	shift

	rm -f "$bios"
	start prlimit --memlock=unlimited:unlimited qemu-system-x86_64 -M q35,accel=tcg \
		-m $((ram / 1024 / 1024)) -nodefaults -display none \
		-debugcon "file:$bios" -global isa-debugcon.iobase=0x402 \
		-device "vfio-pci,sysfsdev=$mdev" "$@"
	check "$name: the guest runs" await_bios
	check "$name: the guest sees the serial port" grep 'id=4348:3253' "$bios"
}

# The BIOS finds nothing to boot. Until then it changes what is mapped.
await_bios()
{
	await 60 grep -qs 'No bootable device' "$bios" || { tail -n 5 output "$bios"; return 1; }
}

# ask_mtty pin|unpin IOVA: through QEMU's own file; fails as the ioctl does.
ask_mtty()
{
	python3 - "$pid" "$1" "$2" "$pages" <<-'END'
		import ctypes, errno, fcntl, os, struct, sys

		SYS_pidfd_getfd = 438
		# As in the mend of samples/vfio-mdev/mtty.c
		REQUESTS = {"pin": 0x3b00 | 300, "unpin": 0x3b00 | 301}

		pid, what, iova, pages = sys.argv[1:]
		libc = ctypes.CDLL(None, use_errno=True)
		pidfd = os.pidfd_open(int(pid))
		for fd in os.listdir(f"/proc/{pid}/fd"):
		    if os.readlink(f"/proc/{pid}/fd/{fd}") != "anon_inode:[vfio-device]":
		        continue
		    device = libc.syscall(SYS_pidfd_getfd, pidfd, int(fd), 0)
		    if device < 0:
		        sys.exit(os.strerror(ctypes.get_errno()))
		    try:
		        fcntl.ioctl(device, REQUESTS[what], struct.pack("QQ", int(iova), int(pages)))
		        sys.exit(0)
		    except OSError as error:
		        # Other devices do not know of it.
		        if error.errno != errno.ENOTTY:
		            sys.exit(error.strerror)
		sys.exit("QEMU has no such device")
	END
}

# What is charged, but for the number of mappings.
sums()
{
	echo "current $(<$group/ioas.pinned.current) vfio $(value $group/ioas.stat vfio)"
}

# sums_are NAME CURRENT GROSS: one test.
sums_are()
{
	equal "$1: it is charged what is pinned" "$(sums)" "current $2 vfio $3"
}

# SIGTERM, as whoever runs it does.
end_qemu()
{
	kill -TERM "$pid"
	ends_well "$1: it ends well"
	nothing_left "$1"
}

# Nothing but what the device asks for is pinned.
alone()
{
	start_qemu "QEMU"
	sums_are "QEMU" 0 0
	check "QEMU, a pin: the device pins" ask_mtty pin $iova
	sums_are "QEMU, a pin" $bytes $bytes
	check "QEMU, pinned twice: the device pins" ask_mtty pin $((iova + bytes / 2))
	# VFIO itself pins once what is pinned twice at one IOVA.
	sums_are "QEMU, pinned twice" $((bytes * 3 / 2)) $((bytes * 3 / 2))
	cat $group/ioas.pinned.current >$group/ioas.pinned.max
	equal "QEMU, a limit: the device cannot pin" \
		"$(ask_mtty pin $((iova * 2)) 2>&1)" "Cannot allocate memory"
	equal "QEMU, a limit: the refusal is counted" "$(value $group/ioas.pinned.events max)" 1
	sums_are "QEMU, a limit" $((bytes * 3 / 2)) $((bytes * 3 / 2))
	check "QEMU, an unpin: the device unpins" ask_mtty unpin $iova
	sums_are "QEMU, an unpin" $bytes $bytes
	# What is unmapped with pins makes lockdep report the base kernel: see mdev_pins.
	[[ ! -e /proc/lockdep ]] ||
		check "QEMU, lockdep: the device unpins" ask_mtty unpin $((iova + bytes / 2))
	end_qemu "QEMU, SIGTERM"
	echo max >$group/ioas.pinned.max
}

# The device has a part pinned of what is pinned already.
beside_another()
{
	local name="QEMU, two devices" current gross

	start_qemu "$name" -device "vfio-pci,host=$address,rombar=0"
	current=$(<$group/ioas.pinned.current)
	gross=$(value $group/ioas.stat vfio)
	check "$name: it is charged the RAM once" \
		[ "$current" -ge $((ram * 99 / 100)) -a "$current" -le $((ram * 101 / 100)) ]
	equal "$name: RLIMIT_MEMLOCK is charged the same" \
		$(($(value "/proc/$pid/status" VmLck:) * 1024)) "$gross"
	check "$name, a pin: the device pins" ask_mtty pin $iova
	sums_are "$name, a pin" "$current" $((gross + bytes))
	check "$name, an unpin: the device unpins" ask_mtty unpin $iova
	sums_are "$name, an unpin" "$current" "$gross"
	check "$name, pinned again: the device pins" ask_mtty pin $iova
	stop
	nothing_left "$name, kill -9"
}

trap 'echo 1 >$mdev/remove' EXIT
echo $uuid >/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create
address=$(vfio-bind 1)

include mdev_pins $uuid "$address"
mkdir $group
alone
beside_another
rmdir $group

plan_at_end
