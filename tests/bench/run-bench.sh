#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run-bench.sh maps|registrations: runs a benchmark in the VM, in a cgroup four
# levels deep with every controller that the kernel has: the same tree for the
# patched and the unpatched kernel.
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
echo $$ >$group/cgroup.procs
case $1 in
maps)		exec map_bench "$(vfio-bind 1)" ;;
registrations)	exec with-rdma rxe register_bench ;;
esac
