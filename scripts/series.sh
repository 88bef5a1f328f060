#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Writes the whole change as patches to mail, against the Debian source, into
# build/series. What a test of the base needs comes first.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$top/scripts/step.sh"
. "$top/scripts/prepare.sh"

write_series()
{
	local folder out=$build/series

	folder=$(source_folder)
	rm -rf "$out"
	pure_git -C "$folder/patched" format-patch -q --cover-letter --signature='' \
		--base=base -o "$out" base
	# The cover letter's subject and text are the project's own.
	awk -v subject="$(head -n 1 "$top/kernel/patches/COVER")" \
		-v text="$(tail -n +3 "$top/kernel/patches/COVER")" '
		{ sub(/\*\*\* SUBJECT HERE \*\*\*/, subject) }
		$0 == "*** BLURB HERE ***" { print text; next }
		{ print }' "$out/0000-cover-letter.patch" >"$out/cover"
	mv "$out/cover" "$out/0000-cover-letter.patch"
	ls "$out"
}

plan $(($(prepare_steps 0) + 1))
prepare
step_here "patches in build/series" write_series
