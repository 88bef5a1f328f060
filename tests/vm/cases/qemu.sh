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
# timeout: 240
# expected: 58
set -u

ram=$((256 * 1024 * 1024))
group=/sys/fs/cgroup/qemu
pidfile=$PWD/pid
trace=$PWD/trace
tests=0
failed=0

# check NAME FOUND LOW HIGH: one test, passed if FOUND is between the two.
check()
{
	tests=$((tests + 1))
	if [[ $2 -ge $3 && $2 -le $4 ]]; then
		echo "ok $tests - $1"
	else
		echo "# expected $3$([[ $3 == "$4" ]] || echo " to $4"), found $2"
		echo "not ok $tests - $1"
		failed=$((failed + 1))
	fi
}

equal()
{
	check "$1" "$2" "$3" "$3"
}

current()
{
	cat $group/ioas.pinned.current
}

# The number that follows a word in a file.
value()
{
	awk -v key="$2" '$1 == key { print $2 }' "$1"
}

# start VIOMMU DEVICES [OPTION...]: returns, with QEMU in the background, when
# all is mapped. If that fails, so does it.
start()
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
	(
		echo "$BASHPID" >$group/cgroup.procs
		ulimit -l unlimited
		exec qemu-system-x86_64 -M "$machine" -m $((ram / 1024 / 1024)) -display none \
			-serial none -net none -S -daemonize -pidfile "$pidfile" "${options[@]}" "$@"
	) >output 2>&1
}

# SIGKILL, and no chance to clean up.
stop()
{
	local pid

	pid=$(<"$pidfile")
	kill -9 "$pid"
	while [[ -e /proc/$pid ]]; do sleep 0.05; done
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
charges()
{
	local viommu=$1 n=$2 what="$2 devices, $1" containers=1

	[[ $viommu != vIOMMU ]] || containers=$n
	mkdir $group
	rm -f "$trace"
	start "$viommu" "$n" -trace 'vfio_listener_region_*' -D "$trace"
	equal "$what: QEMU starts" $? 0
	if [[ ! -e $pidfile ]]; then
		sed 's/^/# /' output "$trace"
		rmdir $group
		return
	fi
	equal "$what: RLIMIT_MEMLOCK is charged for each of $containers containers" \
		"$(($(value "/proc/$(<"$pidfile")/status" VmLck:) * 1024))" "$(bytes_of_all)"
	check "$what: so it is charged for the RAM $containers times" \
		"$(($(value "/proc/$(<"$pidfile")/status" VmLck:) * 1024))" \
		$((containers * ram)) $((containers * ram * 101 / 100))
	equal "$what: ioas.pinned.current is what QEMU pins" "$(current)" "$(bytes_of_distinct)"
	check "$what: ioas.pinned.current is the RAM" "$(current)" $((ram * 99 / 100)) $((ram * 101 / 100))
	equal "$what: gross is what RLIMIT_MEMLOCK is charged" "$(value $group/ioas.stat gross)" "$(bytes_of_all)"
	stop
	equal "$what: nothing is left after kill -9" "$(current)" 0
	rmdir $group
}

# Starts with what it needs, and is refused with less. While it starts it needs a
# bit more than in the end, for the RAM in whose place the BIOS will be.
limits()
{
	local viommu=$1 what="$2 devices, $1" need status

	mkdir $group
	start "$viommu" "$2"
	stop
	need=$(<$group/ioas.pinned.peak)
	echo "$need" >$group/ioas.pinned.max
	start "$viommu" "$2"
	equal "$what: QEMU starts with just what it needs" $? 0
	check "$what: ioas.pinned.current is the RAM, with a limit" "$(current)" \
		$((ram * 99 / 100)) $((ram * 101 / 100))
	stop
	equal "$what: nothing is left after kill -9, with a limit" "$(current)" 0
	equal "$what: nothing was refused" "$(value $group/ioas.pinned.events max)" 0

	echo $((ram - 1024 * 1024)) >$group/ioas.pinned.max
	start "$viommu" "$2"
	status=$?
	sed 's/^/# /' output
	equal "$what: QEMU fails with a limit 1 MiB below its RAM" $status 1
	equal "$what: QEMU says why" "$(grep -c 'VFIO_MAP_DMA failed: Cannot allocate memory' output)" 1
	equal "$what: the refusal is counted" "$(value $group/ioas.pinned.events max)" 1
	equal "$what: nothing is left after the refusal" "$(current)" 0
	rmdir $group
}

mapfile -t devices < <(vfio-bind 4)
for n in 1 2 4; do
	charges "no vIOMMU" $n
	charges vIOMMU $n
done
limits "no vIOMMU" 1
limits vIOMMU 2

echo "1..$tests"
[[ $failed -eq 0 ]]
