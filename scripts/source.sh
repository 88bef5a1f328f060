#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Unpacks Debian's kernel source into the cache, as a git repository whose tag
# "base" is that source, with a worktree "patched" beside it.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

folder=$(source_folder)
mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9

if ! pure_git -C "$folder/base" rev-parse -q --verify base >/dev/null 2>&1; then
	echo "unpacking $source_package $(source_version)"
	rm -rf "$folder/unpack" "$folder/base"
	mkdir "$folder/unpack"
	tar -C "$folder/unpack" --strip-components=1 -xf "/usr/src/$source_package.tar.xz"
	cd "$folder/unpack"
	pure_git init -q -b main
	pure_git config gc.auto 0
	pure_git add -A -f
	pure_git commit -q -m "Debian $source_package $(source_version)"
	pure_git tag base
	# Only a complete tree gets the final name.
	mv "$folder/unpack" "$folder/base"
fi

if [[ ! -e $folder/patched/Makefile ]]; then
	echo "making the worktree for the patched kernel"
	rm -rf "$folder/patched"
	pure_git -C "$folder/base" worktree prune
	pure_git -C "$folder/base" worktree add -q --detach "$folder/patched" base
fi
