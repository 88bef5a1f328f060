#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The interface files and keys that the kernel's documentation has are those that
# a cgroup shows. A test a file.
#
# expected: 14
set -eu
. "$(dirname "$0")/../../harness/tap.sh"

group=/sys/fs/cgroup/documented

# A line a file, and a line a key of it. In the document, both are terms: a line
# before one that is indented more; keys may share one.
documented()
{
	awk '
		function print_keys(list,   keys, n, i)
		{
			n = split(list, keys, ", ")
			for (i = 1; i <= n; i++)
				print file, keys[i]
		}
		/^[-~]+$/ { inside = last == "IOAS Interface Files" }
		!inside { last = $0; next }
		last ~ /^  [^ ]/ && /^\t/ {
			file = substr(last, 3)
			print file
		}
		last ~ /^\t  [^ ]/ && /^\t\t/ {
			list = substr(last, 4)
			print_keys(list)
			lists[file] = lists[file] ", " list
		}
		/^\tSimilar to / { print_keys(substr(lists[$3], 3)) }
		{ last = $0 }' /ioascg/bin/cgroup-v2.rst
}

# The same, as a cgroup shows it.
shown()
{
	local path

	# The root has a file that no other cgroup has.
	for path in "$group"/ioas.* /sys/fs/cgroup/ioas.pasid.capacity; do
		echo "${path##*/}"
		awk -v file="${path##*/}" 'NF == 2 { print file, $1 }' "$path"
	done
}

# of FILE LINES: those about a file, in the order of their keys.
of()
{
	awk -v file="$1" '$1 == file' <<<"$2" | sort
}

mkdir $group
trap 'rmdir $group' EXIT
documented=$(documented)
shown=$(shown)
while read -r file; do
	check "$file is as documented" same "$(of "$file" "$documented")" "$(of "$file" "$shown")"
done < <(printf '%s\n' "$documented" "$shown" | awk 'NF { print $1 }' | sort -u)
plan_at_end
