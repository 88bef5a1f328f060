#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The policy that Documentation/policies.md ends in, bpf/examples/users_limit.bpf.c, loaded
# with bpftool as it says there: once 64 MiB are pinned, only root may pin more.
#
# expected: 16
set -u
. "$(dirname "$0")/../../harness/tap.sh"
. "$(dirname "$0")/../../harness/group.sh"

example=/ioascg/bin/users_limit.o
group=/sys/fs/cgroup/policy-example
current=/sys/fs/cgroup/ioas.pinned.current
as_user=(prlimit --memlock=unlimited setpriv --reuid 4242 --regid 4242 --clear-groups)
before=$(<"$current")

# What hold_pins says that pins so many MiB, as root or with a prefix of words.
pins()
{
	"${@:2}" hold_pins "$1" </dev/null
}

user_pins()
{
	pins "$1" "${as_user[@]}"
}

registered()
{
	bpftool struct_ops show | awk '{ print $2, $3 }'
}

mkdir links $group
mount -t bpf bpf links
mkfifo hold

check "without a folder for the link" bpftool struct_ops register $example
equal "it does not stay" "$(registered)" ""

check "with a folder" bpftool struct_ops register $example links/example
equal "it stays" "$(registered)" "users_limit ioas_cgroup_ops"
equal "the link is there" "$(ls links/example)" users_limit
equal "another one in the same cgroup" \
	"$(bpftool struct_ops register $example links/another 2>&1)" \
	"Error: can't register struct_ops users_limit: File exists"

equal "a user pins half of it" "$(user_pins 32)" pinned
equal "a user pins twice as much" "$(user_pins 128)" "refused: Operation not permitted"
equal "nothing of that stays pinned" "$(<"$current")" "$before"
equal "root pins twice as much" "$(pins 128)" pinned

exec 3<>hold
become "${as_user[@]}" hold_pins 48 <hold 3>&- >output 2>&1 &
pid=$!
check "a user, in another cgroup, holds most of it" await 10 grep -q pinned output
equal "then the rest can be pinned" "$(user_pins 16)" pinned
equal "but not more than the rest" "$(user_pins 32)" "refused: Operation not permitted"
exec 3>&-
ends_well "the user in another cgroup ends"

rm links/example/users_limit
equal "it goes with the link" "$(registered)" ""
equal "then a user pins twice as much" "$(user_pins 128)" pinned

umount links
rmdir $group
plan_at_end
