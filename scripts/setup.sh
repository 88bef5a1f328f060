#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# setup.sh [SET...]: installs the Debian packages that are missing. Wants root only
# for that, and only if something is missing. SET is
#   cross  compilers for the other architectures, which check-build.sh uses
set -euo pipefail
. "$(dirname "$0")/lib.sh"

packages=(
	# the kernels
	"$source_package" build-essential flex bison bc libelf-dev libssl-dev
	dwarves cpio kmod rsync git ccache xz-utils
	# the VM
	qemu-system-x86 busybox-static mmdebstrap uidmap genext2fs util-linux
	# the programs, and those of the tests
	clang-19 libsmartcols-dev libjansson-dev zlib1g-dev
	liburing-dev libibverbs-dev librdmacm-dev
	# the checks
	sparse shellcheck codespell clang-format python3
	# the figures of the benchmarks
	jq
)

for set; do
	case $set in
	cross)	packages+=(gcc-powerpc64le-linux-gnu gcc-s390x-linux-gnu
		gcc-sparc64-linux-gnu) ;;
	*)	die "there is no set of packages '$set'" ;;
	esac
done

missing=()
for package in "${packages[@]}"; do
	[[ -n $(package_version "$package") ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

install=(apt-get install -y --no-install-recommends "${missing[@]}")
echo "These Debian packages are missing: ${missing[*]}"

# Says what to do by hand when it cannot be done from here.
give_up()
{
	echo "They could not be installed: $1. As root, run:" >&2
	echo "  apt-get update && ${install[*]}" >&2
	exit 1
}

command -v apt-get >/dev/null || give_up "there is no apt-get; this wants Debian 12"
sudo=()
if [[ $(id -u) != 0 ]]; then
	command -v sudo >/dev/null || give_up "that takes root, and there is no sudo"
	sudo=(sudo)
	echo "Installing them takes root: sudo may ask for your password."
fi
echo "+ ${sudo[*]} apt-get update"
"${sudo[@]}" apt-get -q update || give_up "apt-get update failed"
echo "+ ${sudo[*]} ${install[*]}"
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}" ||
	give_up "apt-get install failed"
