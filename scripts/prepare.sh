# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# Sourced after step.sh: the steps that everything else needs first.
#   prepare [root] [KERNEL...] [programs] [KERNEL...]; programs come after x86
# A script plans "prepare_steps N" steps, N being the words it gives to prepare.

# Sets of packages that a script wants besides those that everything needs.
package_sets=()

prepare_steps()
{
	echo $((3 + $1))
}

prepare()
{
	local what

	step_here "Debian packages" "$top/scripts/setup.sh" "${package_sets[@]}"
	step "kernel source in $cache" source "$top/scripts/source.sh"
	step "kernel trees" tree "$top/scripts/tree.sh"
	for what; do
		case $what in
		root)		step "the VM's root" root "$top/scripts/root.sh" ;;
		programs)	step "test programs" programs "$top/scripts/programs.sh" ;;
		*)		step "kernel build/$what" "build-$what" "$top/scripts/kbuild.sh" "$what" ;;
		esac
	done
}
