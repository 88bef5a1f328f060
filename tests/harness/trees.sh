#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How the kernel trees are made, on a source of three files.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"
. "$top/tests/harness/tap.sh"

run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
version=$(source_version)
linux=$run/cache/linux-$version
repo=$run/repo
sender='A <a@example.org>'

# A checkout with nothing but the scripts and kernel/, and a cache of its own.
make_base()
{
	mkdir -p "$linux/base" "$repo/kernel"/{patches,mends,new,dir}
	cp -r "$top/scripts" "$repo/"
	cd "$linux/base"
	echo licence >COPYING
	seq 20 >touched
	seq 20 >untouched
	pure_git init -q -b main
	pure_git add -A
	pure_git commit -q -m base
	pure_git tag base
	pure_git worktree add -q --detach "$linux/patched" base
}

# make_patch FOLDER FROM TO: changes a line of the file "touched".
make_patch()
{
	local work=$run/work

	rm -rf "$work"
	pure_git -C "$linux/base" worktree prune
	pure_git -C "$linux/base" worktree add -q --detach "$work" base
	sed -i "s/^$2\$/$3/" "$work/touched"
	pure_git -C "$work" commit -q -a --author "$sender" -m "$1: $2 becomes $3"
	pure_git -C "$work" format-patch -q -1 -o "$repo/kernel/$1" --start-number "$2"
}

trees()
{
	IOASCG_CACHE=$run/cache "$repo/scripts/tree.sh"
}

head_of()
{
	pure_git -C "$linux/$1" rev-parse HEAD
}

# Whether trees fails, and what it says has all of these words.
refuses()
{
	local output word

	if output=$(trees 2>&1); then echo "it did not fail"; return 1; fi
	for word; do
		grep -qF -- "$word" <<<"$output" || { echo "no '$word' in: $output"; return 1; }
	done
}

make_base
make_patch mends 2 two
make_patch patches 19 nineteen
echo "$version" >"$repo/kernel/patches/BASE"
echo new >"$repo/kernel/dir/file.c"
printf 'From: %s\nFiles: *\n\ndir: Add a file\n' "$sender" >"$repo/kernel/new/1"
touch -d '2020-01-01' "$linux/patched/untouched" "$linux/base/untouched"
pure_git -C "$linux/patched" update-index -q --refresh

check "trees are made" trees
check "the base has the mends only" \
	same "$(grep -x '[a-z]*' "$linux/base/touched"; ls "$linux/base")" $'two\nCOPYING\ntouched\nuntouched'
check "the patched tree has everything" \
	same "$(grep -x '[a-z]*' "$linux/patched/touched"; cat "$linux/patched/dir/file.c")" $'two\nnineteen\nnew'
check "what did not change keeps its time" \
	same "$(date -r "$linux/patched/untouched" +%Y)" 2020

before=$(head_of patched)
rm "$linux/sum"
check "trees are made again" trees
check "the same content is the same commit" same "$(head_of patched)" "$before"

touch -d '2020-01-01' "$linux/patched/touched"
pure_git -C "$linux/patched" update-index -q --refresh
echo newer >"$repo/kernel/dir/file.c"
check "a changed file is taken over" trees
check "only that" same "$(cat "$linux/patched/dir/file.c") $(date -r "$linux/patched/touched" +%Y)" \
	"newer 2020"

echo "6.12.1-1" >"$repo/kernel/patches/BASE"
sed -i 's/^ 18$/ changed since/' "$repo/kernel/patches/"*.patch
check "a conflict names patch, file and both versions" refuses "kernel/patches/0019-" \
	"file:       touched" "made for:   $source_package 6.12.1-1" "installed:  $source_package $version"
check "after a conflict nothing passes as up to date" refuses "A patch does not apply"

rm "$repo/kernel/patches/"*.patch
echo 'From: x' >"$repo/kernel/new/1"
check "a new file that nothing commits is named" refuses dir/file.c
plan_at_end
