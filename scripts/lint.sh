#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Style of what the repository has: prints TAP, a test a tool. Fails if one does.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$top/tests/harness/tap.sh"

cd "$top"

# Every file of the repository that is there, tracked or about to be.
files()
{
	git ls-files -co --exclude-standard -- "$@" | while read -r f; do
		[[ ! -f $f ]] || echo "$f"
	done
}

scripts()
{
	files | while read -r f; do
		if head -n 1 "$f" | grep -qE '^#!.*\b(ba|da)?sh\b'; then echo "$f"; fi
	done
	files 'scripts/*.sh' 'tests/harness/*.sh'
}

# Not from inside a git tree: checkpatch would take a tracked patch for a source.
checkpatch()
{
	sed "s,^,$top/," | (cd / && xargs -r -d '\n' "$(source_folder)/base/scripts/checkpatch.pl" \
		--no-tree --strict --terse --no-summary --quiet "$@") | sed "s,$top/,,"
}

checkpatch_files()
{
	files 'kernel/*.c' 'kernel/*.h' 'kernel/*Kconfig' 'kernel/*Makefile' |
		grep -v '/trace/events/' | checkpatch --file
}

# TRACE_EVENT has a layout of its own, which --strict does not know.
checkpatch_events()
{
	files 'kernel/include/trace/events/*.h' |
		checkpatch --file --ignore OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT
}

# Whether MAINTAINERS has a new file shows only in the patch that adds it; mends
# are not for upstream. Names in CamelCase are those of drivers that patches touch.
checkpatch_patches()
{
	local bad=0

	files 'kernel/patches/*.patch' | checkpatch --ignore CAMELCASE || bad=1
	files 'kernel/mends/*.patch' | checkpatch --ignore FILE_PATH_CHANGES || bad=1
	return $bad
}

check_clang_format()
{
	files '*.c' '*.h' | sed '/^kernel\//d' | xargs -r clang-format --dry-run -Werror
}

check_shellcheck()
{
	scripts | sort -u | xargs -r shellcheck
}

check_codespell()
{
	files | grep -v '^LICENSES/' | xargs -r codespell --quiet-level 2 \
		--ignore-words-list iput,filp
}

# Every file says under which licence it is.
check_licences()
{
	local f bad=0

	while read -r f; do
		case $f in
		LICENSES/*|kernel/patches/*|kernel/mends/*|kernel/new/*) continue ;;
		esac
		head -n 3 "$f" | grep -q 'SPDX-License-Identifier: ' && continue
		echo "$f: no SPDX-License-Identifier in its first three lines"
		bad=1
	done < <(files)
	return $bad
}

check "checkpatch --strict: new kernel files" checkpatch_files
check "checkpatch --strict: trace events" checkpatch_events
check "checkpatch --strict: kernel patches" checkpatch_patches
check "clang-format: programs" check_clang_format
check "shellcheck: scripts" check_shellcheck
check "codespell" check_codespell
check "SPDX lines" check_licences
plan_at_end
