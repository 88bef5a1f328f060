#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check-build.sh x86|powerpc|s390|sparc64: compiles the files of the kernel that kernel/patches
# change, most of which the VM has no device for: with the controller, and without
# it. Nothing may be said about them that is not said about the base kernel's own
# version. Prints TAP, two tests a file.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$top/scripts/compile.sh"
. "$top/tests/harness/tap.sh"

arch=${1:?"usage: check-build.sh x86|powerpc|s390|sparc64"}
folder=$(source_folder)

# The architecture that a file is compiled for.
arch_of()
{
	case $1 in
	arch/powerpc/*|drivers/misc/ocxl/*|*spapr*)	echo powerpc ;;
	arch/s390/*)		echo s390 ;;
	drivers/sbus/*)		echo sparc64 ;;
	*)			echo x86 ;;
	esac
}

# The changed files of the architecture.
files()
{
	local file base

	base=$(pure_git -C "$folder/base" rev-parse HEAD)
	pure_git -C "$folder/patched" diff --name-only --diff-filter=M "$base" HEAD -- \
		'*.c' ':!tools' | while read -r file; do
		[[ $(arch_of "$file") != "$arch" ]] || echo "$file"
	done
}

# The objects that what is said may be about: those of the files that it names, or of
# their folders where it names headers, or any where those are for all folders.
objects_named()
{
	local file

	sed 's/:.*//' | sort -u | while read -r file; do
		if [[ $file == *.c ]]; then
			echo "${file%.c}.o"
		elif [[ $file == *include/* ]]; then
			printf '%s\n' "${objects[@]}"
		else
			printf '%s\n' "${objects[@]}" | grep "^$(dirname "$file")/" || true
		fi
	done | sort -u | grep -xF -- "$(printf '%s\n' "${objects[@]}")" || true
}

# What is said about the objects of a kernel, and not about the base's. Only what
# something is said about is compiled there, too.
added_warnings()
{
	local kernel=$1 said named

	said=$(warnings "$kernel" "${objects[@]}")
	[[ -n $said ]] || return 0
	mapfile -t named < <(objects_named <<<"$said")
	# What make says by itself, it says for any object.
	[[ ${#named[@]} -gt 0 ]] || named=("${objects[0]}")
	"$top/scripts/kbuild.sh" "compile-$arch-base" >/dev/null
	comm -23 <(echo "$said") <(warnings "compile-$arch-base" "${named[@]}")
}

# Whether an object is there, and nothing was added about its file.
compiled()
{
	[[ -e $build/$1/${2%.c}.o ]] || { echo "not compiled"; grep -F 'make' <<<"$added"; return 1; }
	! grep -F -- "$2" <<<"$added"
}

# What is said about a header, or by make itself, belongs to no file.
nothing_else()
{
	! grep . <<<"$added" | grep -vF -- "$(printf '%s\n' "${touched[@]}")"
}

check_kernel()
{
	local kernel=$1 how=$2 file added

	"$top/scripts/kbuild.sh" "$kernel" || die "$kernel cannot be configured"
	added=$(added_warnings "$kernel")
	for file in "${touched[@]}"; do
		check "$file, $how" compiled "$kernel" "$file"
	done
	check "$arch: everything else, $how" nothing_else
}

mapfile -t touched < <(files)
[[ ${#touched[@]} -gt 0 ]] || die "no patch changes a file for $arch"
objects=("${touched[@]/%.c/.o}")
# amdkfd has no Makefile of its own: amdgpu's compiles it.
objects=("${objects[@]/#drivers\/gpu\/drm\/amd\/amdkfd/drivers\/gpu\/drm\/amd\/amdgpu\/..\/amdkfd}")
# shellcheck disable=SC2034
compile_options=("${sparse[@]}")
check_kernel "compile-$arch" "with the controller"
check_kernel "compile-$arch-off" "without it"
plan_at_end
