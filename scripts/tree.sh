#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Brings the two kernel trees in the cache up to date with this checkout:
#   base     Debian's source + kernel/mends
#   patched  base + the new files in kernel/ + kernel/patches
# The new files are committed in groups, one for each file in kernel/new, which
# says who it is from, which files it takes of those that are left, and why.
# The commits are made in a worktree of their own that holds only the files
# they touch; the trees then check them out, so that a file that did not change
# keeps its time stamp and is not compiled again.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

folder=$(source_folder)
stage=$folder/stage
kernel=$top/kernel

# The new files, relative to kernel/.
new_files()
{
	(cd "$kernel" && find . -type f \
		! -path './patches/*' ! -path './mends/*' ! -path './configs/*' ! -path './new/*' \
		! -name '*~' ! -name '.*.swp' ! -name '*.o' ! -name '*.orig' ! -name '*.rej' \
		-printf '%P\n' | sort)
}

patches_in()
{
	find "$kernel/$1" -name '*.patch' 2>/dev/null | sort
}

# What the trees are made from; the same sum means the same commits.
inputs_sum()
{
	{
		source_version
		cat "${BASH_SOURCE[0]}"
		cd "$kernel"
		{ new_files; find patches mends new -type f | sort; } |
			xargs -r -d '\n' sha256sum
	} | sha256sum | cut -d' ' -f1
}

# The base kernel's files that the patches touch.
touched_files()
{
	{ patches_in mends; patches_in patches; } |
		xargs -r -d '\n' sed -n 's,^\(---\|+++\) [ab]/\([^\t]*\).*,/\2,p'
	new_files | sed 's,^,/,'
	# Something has to be there.
	echo /COPYING
}

make_stage()
{
	rm -rf "$stage"
	pure_git -C "$folder/base" worktree prune
	pure_git -C "$folder/base" worktree add -q --no-checkout --detach "$stage" base
	touched_files | sort -u |
		pure_git -C "$stage" sparse-checkout set --no-cone --stdin
	pure_git -C "$stage" checkout -q -f --detach base
}

# Names what stands in the way: the patch, the files, and the two versions.
conflict()
{
	local patch=$1 output=$2 files

	files=$({
		pure_git -C "$stage" diff --name-only --diff-filter=U
		sed -n 's/^error: patch failed: \(.*\):[0-9]*$/\1/p' <<<"$output"
		sed -n 's/^error: \(.*\): does not exist in index$/\1/p' <<<"$output"
		sed -n 's/^error: \(.*\): already exists in index$/\1/p' <<<"$output"
	} | sort -u | paste -sd' ')
	pure_git -C "$stage" am --abort 2>/dev/null || true
	echo "$output" >&2
	{
		echo
		echo "A patch does not apply:"
		echo "  patch:      ${patch#"$top/"}"
		echo "  file:       ${files:-unknown: see above}"
		echo "  made for:   $source_package $(cat "$kernel/patches/BASE")"
		echo "  installed:  $source_package $(source_version)"
	} >&2
	exit 1
}

apply()
{
	local patch output

	patches_in "$1" | while read -r patch; do
		output=$(pure_git -C "$stage" am -q -3 --committer-date-is-author-date \
			"$patch" 2>&1) || conflict "$patch" "$output"
	done
}

# Of the files on stdin, those that one of the patterns matches.
matching()
{
	local file pattern

	while read -r file; do
		for pattern; do
			# shellcheck disable=SC2053
			if [[ $file == $pattern ]]; then echo "$file"; break; fi
		done
	done
}

add_new_files()
{
	local group left files patterns

	left=$(new_files)
	for group in "$kernel"/new/*; do
		read -r -a patterns <<<"$(sed -n '2s/^Files: //p' "$group")"
		files=$(matching "${patterns[@]}" <<<"$left")
		[[ -n $files ]] || continue
		left=$(grep -vxF -- "$files" <<<"$left" || true)
		rsync -a --files-from=- "$kernel/" "$stage/" <<<"$files"
		pure_git -C "$stage" add -f --sparse --pathspec-from-file=- <<<"$files"
		pure_git -C "$stage" commit -q --author "$(sed -n '1s/^From: //p' "$group")" \
			-F <(tail -n +4 "$group")
	done
	[[ -z $left ]] || die "no file in kernel/new takes these: $left"
}

commit_of()
{
	pure_git -C "$1" rev-parse HEAD
}

mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9

sum=$(inputs_sum)
if [[ $(cat "$folder/sum" 2>/dev/null) == "$sum" ]]; then
	exit 0
fi
rm -f "$folder/sum"

make_stage
apply mends
base=$(commit_of "$stage")
add_new_files
apply patches
patched=$(commit_of "$stage")

pure_git -C "$folder/base" checkout -q -f --detach "$base"
pure_git -C "$folder/patched" checkout -q -f --detach "$patched"
echo "$sum" >"$folder/sum"
echo "base is ${base:0:12}, patched is ${patched:0:12}"
