#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the VM's root file system, a read-only image in the cache, when the
# list of packages changed. Prints its path. Wants no root: mmdebstrap uses a
# user namespace where it can.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

suite=bookworm
packages=(
	systemd-sysv dbus util-linux kmod procps iproute2 pciutils busybox-static
	qemu-system-x86 runc crun python3 strace
	# what the programs are linked with
	libsmartcols1 libjansson4 libelf1 zlib1g
	# who else pins memory
	ibverbs-providers ibverbs-utils rdmacm-utils perftest fio knot-dnsutils v4l-utils
)

sum=$(printf '%s\n' "$suite" "${packages[@]}" | sha256sum | cut -c1-12)
image=$cache/root-$sum.ext2

mkdir -p "$cache"
exec 9>"$cache/root.lock"
flock 9
if [[ ! -e $image ]]; then
	include=$(IFS=,; echo "${packages[*]}")
	rm -f "$cache"/root-*.ext2 "$cache/root.new.ext2"
	mmdebstrap --variant=minbase --include="$include" --format=ext2 \
		--aptopt='Acquire::Retries "3"' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$suite" "$cache/root.new.ext2" >&2
	mv "$cache/root.new.ext2" "$image"
fi
echo "$image"
