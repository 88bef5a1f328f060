#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds what runs in the VM into build/bin: each tests/selftests/NAME.c and
# tests/bench/NAME.c, all of tests/stress as one, and the base kernel's own tests of
# iommufd and udmabuf. Static where that is possible, so that the VM's libraries do not
# matter. And userspace/ioasctl, bpftool, and the document that a test compares with what
# the kernel shows.
#
# What the patches add is in the headers of the patched tree. A program that is made
# for the base kernel finds no less in them.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

base=$(source_folder)/base
patched=$(source_folder)/patched
headers=$build/usr/include
# A header of the iommufd test driver, which no kernel installs.
driver_headers=$patched/drivers/iommu/iommufd
libbpf=$build/bpf/bpftool/libbpf

mkdir -p "$build/bin"

# The user-space headers of the patched tree. The tree changes more often than they do.
install_headers()
{
	local folders

	folders=$(pure_git -C "$patched" rev-parse HEAD:include/uapi HEAD:arch/x86/include/uapi)
	[[ $(cat "$build/usr/folders" 2>/dev/null) != "$folders" ]] || return 0
	rm -rf "${build:?}/usr"
	"$top/scripts/kbuild.sh" x86 -s headers_install INSTALL_HDR_PATH="$build/usr"
	echo "$folders" >"$build/usr/folders"
}

# compile SOURCE FLAGS...: into build/bin, unless that is newer than everything
# that the compiler read for it. A program that has a line " * libraries: -lNAME..."
# is linked with these, and dynamically, as libibverbs loads its drivers. libbpf.a is
# the one of bpftool.
compile()
{
	local source=$1 name deps linking libraries
	shift

	read -r -a libraries <<<"$(sed -n 's/^ \* libraries: //p' "$source")"
	linking=-static
	[[ ${#libraries[@]} -eq 0 ]] || linking=-pie
	name=$(basename "$source" .c)
	deps=$build/bin/.$name.d
	if [[ -e $deps ]] && ! is_stale "$build/bin/$name" "$deps"; then
		return 0
	fi
	echo "  CC $name"
	gcc $linking -O2 -g -D_GNU_SOURCE= -isystem "$headers" "$@" \
		-I "$build/bpf" -I "$libbpf/include" -L "$libbpf" \
		-MD -MF "$deps" -o "$build/bin/$name" "$source" -pthread "${libraries[@]}"
}

# compile_folder FOLDER FLAGS...: all of its files into one program, whose name is
# that of the folder, linked with "${link[@]}". Each file has an object file and a list
# of what it reads.
compile_folder()
{
	local folder=$1 name source object objects=()
	shift

	name=$(basename "$folder")
	mkdir -p "$build/bin/.$name"
	for source in "$folder"/*.c; do
		object=$build/bin/.$name/$(basename "$source" .c).o
		objects+=("$object")
		if [[ -e $object ]] && ! is_stale "$object" "${object%.o}.d"; then
			continue
		fi
		echo "  CC $name/$(basename "$source" .c)"
		gcc -c -O2 -g -D_GNU_SOURCE= -isystem "$headers" "$@" \
			-MD -MF "${object%.o}.d" -o "$object" "$source" -pthread
		rm -f "$build/bin/$name"
	done
	[[ -e $build/bin/$name ]] || gcc -o "$build/bin/$name" "${objects[@]}" -pthread "${link[@]}"
}

"$top/scripts/bpf.sh"
install_headers
for program in iommu/iommufd iommu/iommufd_fail_nth drivers/dma-buf/udmabuf; do
	compile "$base/tools/testing/selftests/$program.c" -Wall -Wno-unused-function
done
for source in "$top"/tests/{selftests,bench}/*.c; do
	[[ -e $source ]] || continue
	compile "$source" -std=gnu11 -Wall -Wextra -Werror -I "$driver_headers"
done
link=(-static)
compile_folder "$top/tests/stress" -std=gnu11 -Wall -Wextra -Werror -I "$driver_headers"
# libbpf is the one of bpftool; there are no static libraries of the others.
link=("$libbpf/libbpf.a" -lelf -lz -lsmartcols -ljansson)
compile_folder "$top/userspace/ioasctl" -std=gnu11 -Wall -Wextra -Werror \
	-I "$build/bpf" -I "$libbpf/include" -I "$top/bpf"
cp "$build/bpf/bpftool/bpftool" "$build/bin/"
# The example of Documentation/policies.md, for a test that loads it with bpftool.
cp "$build/bpf/users_limit.o" "$build/bin/"
cp "$patched/Documentation/admin-guide/cgroup-v2.rst" "$build/bin/"
