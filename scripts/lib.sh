# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
# Sourced by every script: where things are, and how to fail.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${IOASCG_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ioascg}
build=$top/build
logs=$build/logs
source_package=linux-source-6.12

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# The version of an installed package, or nothing.
package_version()
{
	dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null |
		sed -n 's/^installed //p'
}

# The kernel source's own version, and its folder in the cache.
source_version()
{
	local version

	version=$(package_version "$source_package")
	[[ -n $version ]] || die "$source_package is not installed: scripts/setup.sh installs it"
	echo "$version"
}

source_folder()
{
	local version

	version=$(source_version) || exit 1
	echo "$cache/linux-$version"
}

# Git as the project wants it on every machine: same identity, same dates, so
# that the same content gives the same commit.
pure_git()
{
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 \
	GIT_AUTHOR_NAME=ioascg GIT_AUTHOR_EMAIL=ioascg@localhost \
	GIT_COMMITTER_NAME=ioascg GIT_COMMITTER_EMAIL=ioascg@localhost \
	GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' GIT_COMMITTER_DATE='2026-01-01T00:00:00Z' \
		git -c core.compression=0 -c gc.auto=0 -c advice.detachedHead=false \
		-c core.autocrlf=false -c commit.gpgSign=false "$@"
}

# is_stale FILE DEPS: is anything newer than FILE that the compiler read for it, by
# the make rule that it wrote to DEPS?
is_stale()
{
	local files file

	read -r -a files -d '' < <(sed 's/^[^:]*://; s/\\$//' "$2") || true
	for file in "${files[@]}"; do
		[[ $file -ot $1 ]] || return 0
	done
	return 1
}
