#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What sparse and W=1 say about the files of the change: nothing about the new
# ones, and nothing that they do not say about the base kernel's own version of
# the others. Prints TAP, a test a file.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$top/scripts/compile.sh"
. "$top/tests/harness/tap.sh"

folder=$(source_folder)

# The objects made from files that the change adds (A) or modifies (M).
objects()
{
	pure_git -C "$folder/patched" diff --name-only --diff-filter="$1" base HEAD -- '*.c' \
		':!tools' | sed 's/\.c$/.o/'
}

# Those of them that are part of the VM's kernel: check-build.sh has the others. Make
# leaves a file behind for each.
built()
{
	local object

	while read -r object; do
		[[ ! -e $build/x86/$(dirname "$object")/.$(basename "$object").cmd ]] || echo "$object"
	done
}

# shellcheck disable=SC2034
compile_options=("${sparse[@]}")
mapfile -t new < <(objects A)
mapfile -t touched < <(objects M | built)
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
