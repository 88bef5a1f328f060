#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds libbpf and bpftool of the base kernel into build/bpf/bpftool, matched and
# static, and with them each NAME.bpf.c of bpf, bpf/examples and tests/bpf into
# build/bpf/NAME.o and its skeleton build/bpf/NAME.skel.h, against the types of build/x86.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

out=$build/bpf
tools=$(source_folder)/base/tools/bpf/bpftool
vmlinux=$build/x86/vmlinux
clang="clang-19"
# The uninstalled tool that makes vmlinux.h and skeletons.
gen=$out/bpftool/bootstrap/bpftool
libbpf=$out/bpftool/libbpf

# It follows its own sources; 'true' as strip keeps the debugging symbols in its programs.
build_bpftool()
{
	[[ -e $vmlinux ]] || die "there is no $vmlinux: scripts/kbuild.sh x86 makes it"
	mkdir -p "$out/bpftool"
	# Without built-in rules, by which make would link a vmlinux of its own there.
	make -rs -C "$tools" OUTPUT="$out/bpftool/" EXTRA_LDFLAGS=-static CLANG=$clang \
		LLVM_STRIP=true VMLINUX_BTF="$vmlinux" -j"$(nproc)"
}

# Written anew only if it changes, which it does less often than the kernel.
make_types()
{
	"$gen" btf dump file "$vmlinux" format c >"$out/vmlinux.h.new"
	if cmp -s "$out/vmlinux.h.new" "$out/vmlinux.h"; then
		rm "$out/vmlinux.h.new"
	else
		mv "$out/vmlinux.h.new" "$out/vmlinux.h"
	fi
}

# compile SOURCE: the object, if anything that it is made of is newer.
compile()
{
	local source=$1 name object
	name=$(basename "$source" .bpf.c)
	object=$out/$name.o

	if [[ -e $out/$name.skel.h && -e $object.d ]] && ! is_stale "$out/$name.skel.h" "$object.d"; then
		return 0
	fi
	echo "  BPF $name"
	"$clang" -target bpf -mcpu=v3 -O2 -g -Wall -Werror -Wno-missing-declarations \
		-D__TARGET_ARCH_x86 -I "$out" -I "$top/bpf" -I "$libbpf/include" \
		-MD -MF "$object.d" -c "$source" -o "$object.full"
	# Without the debugging information, of which only BTF is needed.
	"$gen" gen object "$object" "$object.full"
	"$gen" gen skeleton "$object" name "${name}_bpf" >"$out/$name.skel.h"
}

build_bpftool
make_types
for source in "$top"/{bpf,bpf/examples,tests/bpf}/*.bpf.c; do
	[[ ! -e $source ]] || compile "$source"
done
