# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2034
# Sourced by what compiles single objects again, to see what is said about them.

# warnings KERNEL OBJECT...: what make says when it compiles these objects for a
# kernel of kbuild.sh, one warning a line, without line numbers, which differ. Options
# for make are in compile_options.
warnings()
{
	local kernel=$1 out
	shift

	[[ $# -gt 0 ]] || return 0
	(cd "$build/$kernel" && rm -f "$@")
	out=$("$top/scripts/kbuild.sh" "$kernel" -k -s W=1 "${compile_options[@]}" "$@" 2>&1) || {
		echo "$out"
		echo "make failed: error:"
	}
	sed -nE '/(warning|error):/ {
		s,^.*linux-[^/]*/(base|patched)/,,; s/:[0-9]+(:[0-9]+)?:/:/; p }' <<<"$out" | sort -u
}

# Sparse looks at all objects, too.
sparse=(C=2 CF=-D__CHECK_ENDIAN__)
