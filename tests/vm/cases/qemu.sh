#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Stock QEMU with 1, 2 and 4 VFIO devices, without and with a vIOMMU: what its
# cgroup is charged is what it really pins, however often it does.
#
# What QEMU pins is taken from QEMU itself: it traces each part of its memory
# that it maps for a device, with the address it has in the process, and each
# that it unmaps. An address is one page, in however many parts it is. It is in
# several with several containers, and the end of the BIOS is at two places of
# the guest's memory.
#
# devices: 4
# timeout: 400
# expected: 96
set -u
. "$(dirname "$0")/../../harness/tap.sh"
. "$(dirname "$0")/../../harness/group.sh"

ram=$((256 * 1024 * 1024))
group=/sys/fs/cgroup/qemu
kind=vfio
pidfile=$PWD/pid
trace=$PWD/trace
monitor=$PWD/monitor
bios=$PWD/bios
# What platforms lift for VMs, and what any other service is left with. Root without
# CAP_IPC_LOCK may still open the devices.
unlimited=(prlimit --memlock=unlimited:unlimited)
confined=(prlimit --memlock=$((8 * 1024 * 1024)):$((8 * 1024 * 1024))
	setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock)
cap_ipc_lock=14
message='VFIO_MAP_DMA failed: Cannot allocate memory'

# between NAME FOUND LOW HIGH: one test, passed if FOUND is between the two.
between()
{
	check "$1" is_between "$2" "$3" "$4"
}

is_between()
{
	[[ $1 -ge $2 && $1 -le $3 ]] || { echo "expected $2 to $3, found $1"; return 1; }
}

current()
{
	cat $group/ioas.pinned.current
}

# A line of QEMU's status.
status()
{
	value "/proc/$(<"$pidfile")/status" "$1:"
}

bytes_in_status()
{
	echo $(($(status "$1") * 1024))
}

# qemu_with VIOMMU DEVICES [OPTION...]: sets qemu to the command. It returns, with QEMU
# in the background, when all is mapped. If that fails, so does it.
qemu_with()
{
	local viommu=$1 n=$2 machine=q35,accel=tcg options=() i
	shift 2

	if [[ $viommu == vIOMMU ]]; then
		machine+=,kernel-irqchip=split
		options=(-device "intel-iommu,caching-mode=on")
	fi
	for ((i = 0; i < n; i++)); do
		options+=(-device "vfio-pci,host=${devices[i]},rombar=0")
	done
	qemu=(qemu-system-x86_64 -M "$machine" -m $((ram / 1024 / 1024)) -display none
		-serial none -net none -S -daemonize -pidfile "$pidfile" "${options[@]}" "$@")
}

# start_qemu NAME COMMAND...: one test, passed if QEMU starts as qemu_with says, run by
# that command.
start_qemu()
{
	local name=$1
	shift

	check "$name: QEMU starts" succeeds "$@" "${qemu[@]}"
	[[ -e $pidfile ]]
}

# SIGKILL, and no chance to clean up. It is no child of ours.
stop_qemu()
{
	local pid

	[[ -e $pidfile ]] || return
	pid=$(<"$pidfile")
	kill -9 "$pid"
	timeout "$(patiently 20)" tail --pid="$pid" -s 0.05 -f /dev/null
	rm -f "$pidfile"
}

# What is mapped in the end, a part a line: its first address, and the one after
# its last. The trace has lines "region_add [ram] FIRST - LAST [ADDRESS]" and
# "region_del FIRST - LAST". All containers have the same parts, and change in
# the same order, so the first that was added is the first that goes.
mapped_parts()
{
	local -A parts=()
	local what first last address part

	while read -r what first last address; do
		part=$first-$last
		case $what in
		add)	parts[$part]+="$((address)) " ;;
		del)	parts[$part]=${parts[$part]#* } ;;
		esac
	done < <(sed -n -e 's/.*region_add \[ram\] \(.*\) - \(.*\) \[\(.*\)\]/add \1 \2 \3/p' \
		-e 's/.* region_del \(.*\) - \(.*\)/del \1 \2/p' "$trace")
	for part in "${!parts[@]}"; do
		for address in ${parts[$part]}; do
			echo "$address" $((address + ${part#*-} - ${part%-*} + 1))
		done
	done
}

bytes_of_all()
{
	mapped_parts | awk '{ sum += $2 - $1 } END { printf "%d\n", sum }'
}

# Each address once.
bytes_of_distinct()
{
	mapped_parts | sort -n | awk '
		$1 > end { sum += end - start; start = $1; end = $2 }
		$2 > end { end = $2 }
		END { printf "%d\n", sum + end - start }'
}

# What it is charged with N devices, without and with a vIOMMU.
charges_of()
{
	local viommu=$1 n=$2 what="$2 devices, $1" containers=1

	[[ $viommu != vIOMMU ]] || containers=$n
	mkdir $group
	rm -f "$trace"
	qemu_with "$viommu" "$n" -trace 'vfio_listener_region_*' -D "$trace"
	if ! start_qemu "$what" "${unlimited[@]}"; then
		rmdir $group
		return
	fi
	equal "$what: RLIMIT_MEMLOCK is charged for each of $containers containers" \
		"$(bytes_in_status VmLck)" "$(bytes_of_all)"
	between "$what: so it is charged for the RAM $containers times" "$(bytes_in_status VmLck)" \
		$((containers * ram)) $((containers * ram * 101 / 100))
	equal "$what: ioas.pinned.current is what QEMU pins" "$(current)" "$(bytes_of_distinct)"
	ram_is_charged_once "$what"
	equal "$what: gross is what RLIMIT_MEMLOCK is charged" \
		"$(value $group/ioas.stat gross)" "$(bytes_of_all)"
	stop_qemu
	nothing_left "$what, kill -9"
	rmdir $group
}

ram_is_charged_once()
{
	between "$1: ioas.pinned.current is the RAM" "$(current)" \
		$((ram * 99 / 100)) $((ram * 101 / 100))
}

# Starts with what it needs, and is refused with less. While it starts it needs a
# bit more than in the end, for the RAM in whose place the BIOS will be.
limits()
{
	local what="$2 devices, $1"

	mkdir $group
	qemu_with "$1" "$2"
	start_qemu "$what, without a limit" "${unlimited[@]}"
	stop_qemu
	cat $group/ioas.pinned.peak >$group/ioas.pinned.max
	start_qemu "$what, with just what it needs" "${unlimited[@]}"
	ram_is_charged_once "$what, with a limit"
	stop_qemu
	nothing_left "$what, with a limit, kill -9"
	equal "$what: nothing was refused" "$(value $group/ioas.pinned.events max)" 0

	echo $((ram - 1024 * 1024)) >$group/ioas.pinned.max
	is_refused "$what, a limit 1 MiB below its RAM" 1 "${unlimited[@]}"
	rmdir $group
}

# is_refused NAME EVENTS COMMAND...: the last command of qemu_with, run by that one.
is_refused()
{
	local name=$1 events=$2
	shift 2

	refused "$name" "$message" "$events" "$@" "${qemu[@]}"
	sed 's/^/# /' output
	stop_qemu
}

# RLIMIT_MEMLOCK is small, and QEMU has not got the capability that lifts it.
is_confined()
{
	equal "$1: RLIMIT_MEMLOCK holds for it" \
		"$(prlimit --pid "$(<"$pidfile")" --memlock --output soft,hard --noheadings --raw) $((
			0x$(status CapEff) >> cap_ipc_lock & 1))" \
		"$((8 * 1024 * 1024)) $((8 * 1024 * 1024)) 0"
}

# The BIOS finds nothing to boot, and rests. Until then it changes what is mapped.
guest_runs()
{
	pid=$(<"$pidfile")
	echo cont >"$monitor.in"
	await 60 grep -qs 'No bootable device' "$bios" || { tail -n 5 "$bios"; return 1; }
}

charges_no_rlimit()
{
	equal "$1: RLIMIT_MEMLOCK is charged nothing" \
		"VmLck $(bytes_in_status VmLck) VmPin $(bytes_in_status VmPin)" "VmLck 0 VmPin 0"
}

# With RLIMIT_MEMLOCK as a service has it, QEMU is refused; with ioas.pinned.memlock =
# cgroup, it starts, the guest runs, and what it pins is charged to the cgroup alone.
memlock_modes()
{
	local viommu=$1 n=$2 what="$2 devices, $1, memlock"

	mkdir $group
	qemu_with "$viommu" "$n"
	is_refused "$what = rlimit" 0 "${confined[@]}"

	echo cgroup >$group/ioas.pinned.memlock
	rm -f "$trace" "$bios"
	qemu_with "$viommu" "$n" -nodefaults -trace 'vfio_listener_region_*' -D "$trace" \
		-monitor "pipe:$monitor" -debugcon "file:$bios" -global isa-debugcon.iobase=0x402
	if ! start_qemu "$what = cgroup" "${confined[@]}"; then
		rmdir $group
		return
	fi
	is_confined "$what = cgroup"
	charges_no_rlimit "$what = cgroup"
	equal "$what = cgroup: ioas.pinned.current is what QEMU pins" \
		"$(current)" "$(bytes_of_distinct)"
	ram_is_charged_once "$what = cgroup"
	equal "$what = cgroup: gross has it once for each container" \
		"$(value $group/ioas.stat gross)" "$(bytes_of_all)"
	check "$what = cgroup: the guest runs" guest_runs
	charges_no_rlimit "$what = cgroup, the guest runs"
	ram_is_charged_once "$what = cgroup, the guest runs"
	stop_qemu
	nothing_left "$what = cgroup, kill -9"

	# The limit of the cgroup takes its place.
	echo $((ram - 1024 * 1024)) >$group/ioas.pinned.max
	qemu_with "$viommu" "$n"
	is_refused "$what = cgroup, a limit 1 MiB below its RAM" 1 "${confined[@]}"
	rmdir $group
}

mapfile -t devices < <(vfio-bind 4)
# QEMU reads the one and writes to the other.
mkfifo "$monitor.in" "$monitor.out"
for n in 1 2 4; do
	charges_of "no vIOMMU" $n
	charges_of vIOMMU $n
done
limits "no vIOMMU" 1
limits vIOMMU 2
memlock_modes "no vIOMMU" 2
memlock_modes vIOMMU 2

plan_at_end
