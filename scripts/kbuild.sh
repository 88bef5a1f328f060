#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kbuild.sh TARGET: configures and builds one kernel into build/TARGET.
#   base   x86, unpatched        x86   the same, patched, with the controller
#   debug  x86 + lockdep & co    uml   User Mode Linux, with the benchmark
#   kasan  uml + KASAN & co      kcsan  x86 + KCSAN, on the controller's own code
#   vm-kasan  debug + KASAN  no-policies  x86 without the hooks for BPF, to compare with
#   compile-ARCH, compile-ARCH-off, compile-ARCH-base  configured only: to compile
#          single objects for ARCH (x86, powerpc, s390, sparc64) with the controller,
#          without it, and unpatched
# kbuild.sh TARGET MAKE-ARGUMENTS...: runs make there instead, as it would.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

usage='usage: kbuild.sh base|x86|debug|kcsan|vm-kasan|no-policies|uml|kasan|compile-ARCH[-off|-base] [MAKE-ARGUMENTS...]'
target=${1:?"$usage"}
shift
out=$build/$target
folder=$(source_folder)

# KCSAN on all of the kernel would find the base's own races first, of which there
# are some, and be slow. Only what is instrumented can be reported.
kcsan_variables()
{
	local file

	variables=(KCSAN_SANITIZE=n)
	for file in "$top"/kernel/kernel/cgroup/ioas/*.c "$top"/kernel/drivers/iommu/{,iommufd/}*.c; do
		variables+=("KCSAN_SANITIZE_$(basename "$file" .c).o=y")
	done
}

# What scripts/check-build.sh compiles single objects with.
compile_target()
{
	goal=prepare image=.config
	fragments=${target%-off}
	fragments=${fragments%-base}
	case $fragments in
	compile-x86)	 fragments="vm $fragments" ;;
	compile-powerpc) arch=powerpc; cross=powerpc64le-linux-gnu- ;;
	compile-s390)	 arch=s390; cross=s390x-linux-gnu- ;;
	compile-sparc64) arch=sparc64; cross=sparc64-linux-gnu- ;;
	*)		 die "$usage" ;;
	esac
	case $target in
	*-base)	tree=base ;;
	*-off)	;;
	*)	fragments+=' compile' ;;
	esac
}

tree=patched
variables=()
cross=
arch=x86_64
goal=bzImage
image=arch/x86/boot/bzImage
case $target in
base)	tree=base; fragments='vm' ;;
x86)	fragments='vm ioas' ;;
debug)	fragments='vm ioas debug' ;;
vm-kasan) fragments='vm ioas debug vm-kasan' ;;
no-policies) fragments='vm ioas no-policies' ;;
kcsan)	fragments='vm ioas kcsan'; kcsan_variables ;;
compile-*) compile_target ;;
uml)	arch=um; goal=linux; image=linux; fragments='uml ioas bench' ;;
kasan)	arch=um; goal=linux; image=linux; fragments='uml ioas kasan' ;;
*)	die "$usage" ;;
esac

fragment_files()
{
	local f

	for f in $fragments; do
		echo "$top/kernel/configs/$f.config"
	done
}

kmake()
{
	# An empty LOCALVERSION keeps the state of the git tree out of the version.
	CCACHE_DIR=$cache/ccache CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=10G \
	KBUILD_BUILD_TIMESTAMP=0 KBUILD_BUILD_USER=ioascg KBUILD_BUILD_HOST=ioascg \
		make -C "$folder/$tree" O="$out" ARCH="$arch" LOCALVERSION= \
		CROSS_COMPILE="$cross" CC="ccache ${cross}gcc" HOSTCC="ccache gcc" "${variables[@]}" -j"$(nproc)" "$@"
}

# The fragments, each option once: the last one that names it wins.
wanted_options()
{
	fragment_files | xargs cat | awk '
		match($0, /CONFIG_[A-Z0-9a-z_]+/) && (/^CONFIG_/ || / is not set$/) {
			wanted[substr($0, RSTART, RLENGTH)] = $0
		}
		END { for (name in wanted) print wanted[name] }' | sort
}

# An option that Kconfig dropped would make a test vanish without a word.
check_options()
{
	local option name bad=0

	while read -r option; do
		if [[ $option == '#'* ]]; then
			name=${option#\# }; name=${name%% *}
			grep -q "^$name=" "$out/.config" || continue
		else
			name=${option%%=*}
			! grep -qxF -- "$option" "$out/.config" || continue
		fi
		echo "kernel/configs asks for '$option', but $target has '$(
			grep -w "$name" "$out/.config" || echo "no $name")'" >&2
		bad=1
	done < <(wanted_options)
	[[ $bad == 0 ]] || die "build/$target cannot be configured as asked"
}

configure()
{
	wanted_options >"$out/wanted.config.new"
	KCONFIG_ALLCONFIG=$out/wanted.config.new kmake -s allnoconfig || return
	check_options
	mv "$out/wanted.config.new" "$out/wanted.config"
}

tree_id()
{
	pure_git -C "$folder/$tree" rev-parse "HEAD^{tree}"
}

# What the image is made from, in a few milliseconds.
inputs_sum()
{
	{
		echo "$1"
		wanted_options
		gcc --version
		cat "${BASH_SOURCE[0]}"
	} | sha256sum | cut -d' ' -f1
}

# The tree may change while it is compiled. Then an object that was made from a
# file's old content may be newer than its new content: such files count as
# changed once more.
build_until_stable()
{
	local before after status

	while :; do
		before=$(tree_id)
		status=0
		{ configure && kmake "$goal"; } || status=$?
		after=$(tree_id)
		[[ $before != "$after" ]] || break
		echo "the tree changed meanwhile: once more"
		pure_git -C "$folder/$tree" diff --name-only --diff-filter=d "$before" "$after" |
			(cd "$folder/$tree" && xargs -r -d '\n' touch -c)
	done
	[[ $status == 0 ]] || die "make failed with status $status"
	[[ -e $out/$image ]] || die "make succeeded, but there is no $image in build/$target"
	inputs_sum "$before" >"$out/sum"
}

mkdir -p "$out"
if [[ $# -gt 0 ]]; then
	kmake "$@"
	exit
fi

if [[ -e $out/$image && $(cat "$out/sum" 2>/dev/null) == "$(inputs_sum "$(tree_id)")" ]]; then
	exit 0
fi
rm -f "$out/sum"
build_until_stable
