#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What AF_XDP is charged for UMEMs, and kxdpgun, which sends DNS queries through them
# over a veth.
#
# timeout: 240
# expected: 60
set -u
. "$(dirname "$0")/../../harness/tap.sh"
. "$(dirname "$0")/../../harness/group.sh"

ip link add xdp0 type veth peer name xdp1
ip link set xdp0 up
ip link set xdp1 up
include with-hugepages 4 xdp_pins xdp0

group=/sys/fs/cgroup/kxdpgun
kind=xdp
# 4096 frames of 2 KiB, for each of the queues of the interface.
size=$((4096 * 2048))

mkdir $group
ip netns add xdp
ip link add xdp0 type veth peer name xdp1 netns xdp
ip link set xdp0 up
ip address add 192.0.2.1/24 dev xdp0
ip -n xdp link set xdp1 up
ip -n xdp address add 192.0.2.2/24 dev xdp1
echo "example.com. A" >queries

kxdpgun=(kxdpgun -i queries -Q 10 192.0.2.2)

start "${kxdpgun[@]}" -t 1000
charged "kxdpgun" $size $size 1
stop
nothing_left "kxdpgun, kill -9"

echo $size >$group/ioas.pinned.max
check "kxdpgun, just enough: it succeeds" succeeds "${kxdpgun[@]}" -t 1
check "kxdpgun, just enough: it sends" says 'thread#00: sent [1-9]'
equal "kxdpgun, just enough: nothing was refused" "$(value $group/ioas.pinned.events max)" 0
nothing_left "kxdpgun, exit"

echo $((size - 4096)) >$group/ioas.pinned.max
# It says so, but its status is 0 all the same.
in_group "${kxdpgun[@]}" -t 1
check "kxdpgun, a page too few: it says why" \
	says 'failed to initialize XDP socket#0 (not enough memory)'
equal "kxdpgun, a page too few: it sends nothing" "$(grep -c 'sent' output)" 0
equal "kxdpgun, a page too few: the refusal is counted" \
	"$(value $group/ioas.pinned.events max)" 1
nothing_left "kxdpgun, a page too few"

ip link delete xdp0
ip netns delete xdp
rmdir $group
plan_at_end
