#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What sparse and W=1 say about the files of the change: nothing about the new
# ones, and nothing that they do not say about the base kernel's own version of
# the others. Prints TAP, a test a file.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$top/tests/harness/tap.sh"

folder=$(source_folder)

# The objects made from files that the change adds (A) or modifies (M).
objects()
{
	pure_git -C "$folder/patched" diff --name-only --diff-filter="$1" base HEAD -- '*.c' \
		':!tools' | sed 's/\.c$/.o/'
}

# What make says when it compiles these objects for a kernel, one warning a
# line, without line numbers, which differ.
warnings()
{
	local kernel=$1 out
	shift

	(cd "$build/$kernel" && rm -f "$@")
	out=$("$top/scripts/kbuild.sh" "$kernel" -k -s W=1 C=2 CF=-D__CHECK_ENDIAN__ "$@" 2>&1) || {
		echo "$out"
		echo "make failed: error:"
	}
	sed -nE '/(warning|error):/ {
		s,^.*linux-[^/]*/(base|patched)/,,; s/:[0-9]+(:[0-9]+)?:/:/; p }' <<<"$out" | sort -u
}

mapfile -t new < <(objects A)
mapfile -t touched < <(objects M)
before=$(warnings base "${touched[@]}")
after=$(warnings x86 "${new[@]}" "${touched[@]}")
added=$(comm -13 <(echo "$before") <(echo "$after"))

# Whether nothing was added about a file.
nothing_about()
{
	! grep -F -- "$1" <<<"$added"
}

# What is said about a header, or by make itself, belongs to no file.
nothing_else()
{
	! grep . <<<"$added" | grep -vF -- "$files"
}

files=$(printf '%s\n' "${new[@]}" "${touched[@]}" | sed 's/\.o$/.c/')
while read -r file; do
	check "$file" nothing_about "$file"
done <<<"$files"
check "everything else" nothing_else
plan_at_end
