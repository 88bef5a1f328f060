#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run-bench.sh maps|registrations|policies [POLICY SETTING]: runs a benchmark in the VM,
# in a cgroup four levels deep with every controller that the kernel has: the same tree
# for the patched and the unpatched kernel. A POLICY is attached to the deepest cgroup.
set -euo pipefail

echo 40 >/proc/sys/vm/nr_hugepages
group=/sys/fs/cgroup
for name in a b c d; do
	group=$group/$name
	mkdir $group
	[[ $name != d ]] || break
	for controller in $(<$group/cgroup.controllers); do
		echo "+$controller" >$group/cgroup.subtree_control
	done
done
[[ $# -lt 3 ]] || ioasctl policy load "$2" --cgroup "$group" --set "$3"
echo $$ >$group/cgroup.procs
case $1 in
policies)	exec register_bench io_uring ;;
maps)		exec map_bench "$(vfio-bind 1)" ;;
registrations)	exec with-rdma rxe register_bench ;;
esac
