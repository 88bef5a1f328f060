#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pin-sites.sh [BASE PATCHED EXCEPTIONS]: fails on a place in the kernel that pins user
# memory and is neither charged nor on the list of exceptions, pin-sites.tsv, and on an
# exception that nothing needs. Prints TAP, a test a function that pins, and then tests
# of itself: without arguments, on the trees of tree.sh.
#
# What pins is a function that names FOLL_LONGTERM, or calls something that pins. It is
# charged if, in the patched tree,
#   - it pins only through one of the controller's helpers, or
#   - it calls one of the controller's charges,
# or calls a function of its file that does so; and if its file uncharges. The users of both
# trees are looked at, so that a patch cannot add one. A function that unpins in a file that
# charges has to uncharge, too, or to call a function of its file that does, or to be called
# by one; or it charges, and unpins what was refused.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"
. "$top/tests/harness/tap.sh"

if [[ $# == 3 ]]; then
	base=$1 patched=$2 exceptions=$3
else
	base=$(source_folder)/base patched=$(source_folder)/patched
	exceptions=$top/tests/harness/pin-sites.tsv
fi

# Also where it is not called, but given away as a pointer.
pins='FOLL_LONGTERM|(pin_user_pages(_fast|_remote|_unlocked)?|memfd_pin_folios|iov_iter_extract_pages)([^A-Za-z_0-9]|$)'
helpers='ioas_cg_pin_user_pages(_fast)?[(]'
charges='ioas_cg_charge_(pages|pfns)[(]'
unpins='unpin_(user_(page|folio)[a-z_]*|folios?)[(]'
uncharges='ioas_cg_(unpin_user_pages|uncharge_|gather_uncharge)'

run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT

# Files of a tree that have the pattern. What GUP and the controller are made of, and
# what declares them, does not count.
files_with()
{
	pure_git -C "$1" grep -lE "$2" -- '*.[ch]' ':!tools' ':!Documentation' \
		':!mm/gup.c' ':!mm/internal.h' ':!mm/memfd.c' \
		':!kernel/cgroup/ioas' ':!include/linux/mm.h' ':!include/linux/mm_types.h' \
		':!include/linux/memfd.h' ':!include/linux/uio.h' \
		':!include/linux/ioas_cgroup.h' || true
}

# The lines of code of a file, comments left out, each behind its function and a tab. What
# is in no function is "data".
lines_by_function()
{
	awk '
		# Most comments: whole lines, and ends of lines.
		in_comment { if (sub(/.*\*\//, "")) in_comment = 0; else next }
		{ gsub(/\/\*[^*]*\*\//, ""); sub(/\/\/.*/, "") }
		# What is printed is not called.
		{ gsub(/"[^"]*"/, "") }
		sub(/\/\*.*/, "") { in_comment = 1 }
		/^EXPORT_SYMBOL/ { next }
		# A definition starts at the margin, and is no declaration. Its body may be
		# on the same line.
		/^[A-Za-z_].*\(/ && !/;[ \t]*$/ && !/^[A-Za-z_0-9]+:/ {
			name = $0
			sub(/\(.*/, "", name)
			sub(/[ \t]+$/, "", name)
			sub(/.*[^A-Za-z_0-9]/, "", name)
			if (!sub(/^[^{]*\{/, ""))
				next
		}
		{ print name "\t" $0 }
		/^}/ { name = "data" }' "$1"
}

# FILE and FUNCTION of everything in a tree that has the pattern $3, in files with $2.
functions_with()
{
	local tree=$1 file

	files_with "$tree" "$2" | while read -r file; do
		lines_by_function "$tree/$file" | awk -F '\t' -v file="$file" -v pattern="$3" '
			{ line = $0; sub(/^[^\t]*\t/, "", line) }
			line ~ "(^|[^A-Za-z_0-9])(" pattern ")" { print file "\t" $1 }'
	done | sort -u
}

# FILE and FUNCTION of everything that pins in a tree.
users()
{
	functions_with "$1" "$pins|$helpers" "$pins|$helpers"
}

# The lines of a function of the file in $run/lines.
body()
{
	awk -F '\t' -v name="$1" '$1 == name { sub(/^[^\t]*\t/, ""); print }' "$run/lines"
}

# Whether a function of the file in $run/lines has the pattern, or calls another one of
# the file that does, at most so many calls deep.
does()
{
	awk -F '\t' -v name="$1" -v pattern="$2" -v depth="$3" '
		{ line = $0; sub(/^[^\t]*\t/, "", line); code[$1] = code[$1] "\n" line }
		END {
			for (f in code)
				if (code[f] ~ pattern)
					found[f] = 1
			while (depth--) {
				delete more
				for (f in code)
					for (g in found)
						if (g != "" && code[f] ~ "[^A-Za-z_0-9]" g "[(]")
							more[f] = 1
				for (f in more)
					found[f] = 1
			}
			exit !(name in found)
		}' "$run/lines"
}

# Whether the function of a file is charged; says why not.
charged()
{
	local file=$1 function=$2 code

	[[ -e $patched/$file ]] || { echo "$file is not in the patched tree"; return 1; }
	lines_by_function "$patched/$file" >"$run/lines"
	code=$(body "$function")
	grep -qE "$uncharges" "$run/lines" || { echo "$file uncharges nothing"; return 1; }
	if grep -qE "(^|[^A-Za-z_0-9])(${pins#FOLL_LONGTERM|})" <<<"$code"; then
		does "$function" "$charges" 1 && return
		echo "$function() of $file pins, and does not charge"
	else
		does "$function" "$charges|$helpers" 3 && return
		echo "$function() neither pins nor charges in $file"
	fi
	return 1
}

# Whether a function that unpins uncharges; says why not.
uncharged()
{
	local file=$1 function=$2 caller

	lines_by_function "$patched/$file" >"$run/lines"
	! does "$function" "$uncharges|$charges" 1 || return 0
	while read -r caller; do
		! grep -qE "[^A-Za-z_0-9]${function}[(]" <<<"$(body "$caller")" ||
			! does "$caller" "$uncharges" 1 || return 0
	done < <(cut -f 1 "$run/lines" | sort -u)
	echo "$function() of $file unpins, and uncharges nothing"
	return 1
}

# The lines of the list, without its comments.
excepted()
{
	grep -vE '^(#|$)' "$exceptions" || true
}

# Whether an exception has a reason, and is for something that pins and is not charged.
needed()
{
	local file=$1 function=$2 reason=$3

	[[ -n $reason ]] || { echo "there is no reason"; return 1; }
	grep -qxF -- "$file"$'\t'"$function" "$run/users" ||
		{ echo "$function() of $file does not pin"; return 1; }
	! charged "$file" "$function" || { echo "$function() of $file is charged"; return 1; }
}

check_users()
{
	local file function reason

	{ users "$base"; users "$patched"; } | sort -u >"$run/users"
	check "something pins" test -s "$run/users"
	excepted | cut -f 1,2 >"$run/excepted"
	while IFS=$'\t' read -r file function; do
		grep -qxF -- "$file"$'\t'"$function" "$run/excepted" ||
			check "$file: $function" charged "$file" "$function"
	done <"$run/users"
	while IFS=$'\t' read -r file function; do
		grep -qxF -- "$file"$'\t'"$function" "$run/excepted" ||
			check "$file: $function, which unpins" uncharged "$file" "$function"
	done < <(functions_with "$patched" "$charges|$helpers" "$unpins")
	while IFS=$'\t' read -r file function reason; do
		check "$file: $function, an exception" needed "$file" "$function" "$reason"
	done < <(excepted)
}

# ---- tests of the above, on trees of one file ----

# Runs this script on the small trees; what it finds is in $run/found.
judge()
{
	local tree

	for tree in base patched; do
		pure_git -C "$run/$tree" add -A
	done
	"$0" "$run/base" "$run/patched" "$run/list" >"$run/found"
}

finds()
{
	! judge || { echo "it passed"; return 1; }
	grep -qE -- "^not ok .*$1" "$run/found" || { cat "$run/found"; return 1; }
}

small_trees()
{
	local tree file=drivers/tee/tee_shm.c

	for tree in base patched; do
		rm -rf "${run:?}/$tree"
		mkdir -p "$run/$tree/drivers/tee"
		cp "${!tree}/$file" "$run/$tree/$file"
		pure_git -C "$run/$tree" init -q
	done
	printf '# %s\n%s\tregister_shm_helper\tkernel buffers\n' nothing "$file" >"$run/list"
}

check_itself()
{
	local file=drivers/tee/tee_shm.c

	small_trees
	check "a tree in order passes" judge

	sed -i 's/ioas_cg_pin_user_pages_fast(acct, /pin_user_pages_fast(/' "$run/patched/$file"
	check "a hook that is missing is found" finds "$file: shm_pin_user_pages"

	small_trees
	sed -i 's/ioas_cg_unpin_user_pages(.*/unpin_user_pages(/' "$run/patched/$file"
	check "a file that does not uncharge is found" finds "$file: shm_pin_user_pages"

	small_trees
	printf '\nint made_up(struct page **p)\n{\n\treturn pin_user_pages(0, 1, FOLL_LONGTERM, p);\n}\n' |
		tee -a "$run/base/$file" >>"$run/patched/$file"
	check "a new user is found" finds "$file: made_up"

	small_trees
	printf '\nint made_up(struct page **p) { return pin_user_pages(0, 1, FOLL_LONGTERM, p); }\n' |
		tee -a "$run/base/$file" >>"$run/patched/$file"
	check "a new user on one line is found" finds "$file: made_up"

	small_trees
	printf '\nstatic const struct made_up made_up = {\n\t.pin = pin_user_pages_fast,\n};\n' |
		tee -a "$run/base/$file" >>"$run/patched/$file"
	check "a pointer to what pins is found" finds "$file: data"

	small_trees
	printf '\nvoid made_up(struct page **p)\n{\n\tunpin_user_pages(p, 1);\n}\n' >>"$run/patched/$file"
	check "an unpin without uncharge is found" finds "$file: made_up, which unpins"

	small_trees
	printf '%s\tgone\tit was there once\n' "$file" >>"$run/list"
	check "an exception for nothing is found" finds "$file: gone"

	small_trees
	printf '%s\tshm_pin_user_pages\tit was not charged once\n' "$file" >>"$run/list"
	check "an exception for what is charged is found" finds "$file: shm_pin_user_pages"

	small_trees
	sed -i "s/\tkernel buffers//" "$run/list"
	check "an exception without a reason is found" finds "$file: register_shm_helper"
}

check_users
[[ $# == 3 ]] || check_itself
plan_at_end
