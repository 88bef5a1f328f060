// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ioas.pinned.memlock: what it takes, whom, and what new cgroups start with.
 *
 *	memlock		of the administrator
 *	`-- delegated	its folder belongs to a user, its ioas files do not
 *	    `-- own		made by that user, to whom all of it belongs
 */
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "ioas_test.h"

#define OUTER "memlock"
#define DELEGATED OUTER "/delegated"
#define OWN DELEGATED "/own"
#define FILE_NAME "ioas.pinned.memlock"
#define USER 1000

static void make_groups(void)
{
	make_inner_group(OUTER);
	make_inner_group(DELEGATED);
}

static void remove_groups(void)
{
	EXPECT_EQ(remove_group(DELEGATED), 0);
	EXPECT_EQ(remove_group(OUTER), 0);
}

static int set_mode(const char *group, const char *mode)
{
	return write_file(group_file(group, FILE_NAME), mode);
}

static void expect_mode(int line, const char *group, const char *expected)
{
	char found[64];

	REQUIRE(read_file(group_file(group, FILE_NAME), found, sizeof(found)) >
		0);
	if (strcmp(found, expected))
		fail_test("line %d: %s: expected '%s', found '%s'", line, group,
			  expected, found);
}

#define EXPECT_MODE(group, expected) expect_mode(__LINE__, group, expected "\n")

/* ---- values ---- */

static void both_modes_can_be_set(void)
{
	static const char *const written[] = { "cgroup", "rlimit", "cgroup\n",
					       " rlimit " };

	EXPECT_MODE(OUTER, "rlimit");
	for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
		EXPECT_EQ(set_mode(OUTER, written[i]), 0);
		if (i % 2)
			EXPECT_MODE(OUTER, "rlimit");
		else
			EXPECT_MODE(OUTER, "cgroup");
	}
}

static void other_values_are_refused_and_change_nothing(void)
{
	static const char *const refused[] = {
		"\n",	     "0",
		"1",	     "max",
		"none",	     "cgroups",
		"cgrou",     "Cgroup",
		"RLIMIT",    "cgroup rlimit",
		"rlimit 0",  "-1",
		"unlimited", "cgroup\ncgroup",
	};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(refused); i++) {
		bool odd = i % 2;
		int ret;

		REQUIRE(!set_mode(OUTER, odd ? "cgroup" : "rlimit"));
		ret = set_mode(OUTER, refused[i / 2]);
		if (ret != -EINVAL)
			fail_test("'%s': expected %d, found %d", refused[i / 2],
				  -EINVAL, ret);
		if (odd)
			EXPECT_MODE(OUTER, "cgroup");
		else
			EXPECT_MODE(OUTER, "rlimit");
	}
}

/* ---- inheritance ---- */

static void new_cgroup_starts_with_the_mode_of_its_parent(void)
{
	EXPECT_EQ(set_mode(DELEGATED, "cgroup"), 0);
	make_group(OWN);
	EXPECT_MODE(OWN, "cgroup");
	EXPECT_EQ(remove_group(OWN), 0);
	EXPECT_EQ(set_mode(DELEGATED, "rlimit"), 0);
	make_group(OWN);
	EXPECT_MODE(OWN, "rlimit");
	EXPECT_EQ(remove_group(OWN), 0);
}

static void cgroup_that_is_there_keeps_its_mode(void)
{
	EXPECT_EQ(set_mode(OUTER, "cgroup"), 0);
	EXPECT_MODE(DELEGATED, "rlimit");
	EXPECT_EQ(set_mode(DELEGATED, "cgroup"), 0);
	EXPECT_EQ(set_mode(OUTER, "rlimit"), 0);
	EXPECT_MODE(DELEGATED, "cgroup");
}

/* It goes with that of the parent, at any depth; what was set by itself does not. */
static void inherited_mode_goes_with_that_of_the_parent(void)
{
	EXPECT_EQ(set_mode(OUTER, "cgroup"), 0);
	EXPECT_EQ(remove_group(DELEGATED), 0);
	make_inner_group(DELEGATED);
	make_group(OWN);
	EXPECT_MODE(DELEGATED, "cgroup");
	EXPECT_MODE(OWN, "cgroup");
	EXPECT_EQ(set_mode(OUTER, "rlimit"), 0);
	EXPECT_MODE(DELEGATED, "rlimit");
	EXPECT_MODE(OWN, "rlimit");
	EXPECT_EQ(set_mode(OUTER, "cgroup"), 0);
	EXPECT_MODE(OWN, "cgroup");
	EXPECT_EQ(set_mode(OWN, "cgroup"), 0);
	EXPECT_EQ(set_mode(OUTER, "rlimit"), 0);
	EXPECT_MODE(DELEGATED, "rlimit");
	EXPECT_MODE(OWN, "cgroup");
	EXPECT_EQ(remove_group(OWN), 0);
}

/* As with a limit, what was set goes when the controller is disabled. */
static void mode_is_inherited_again_when_the_controller_comes_back(void)
{
	const char *control = "cgroup.subtree_control";

	EXPECT_EQ(set_mode(DELEGATED, "cgroup"), 0);
	REQUIRE(!write_file(group_file(DELEGATED, control), "-ioas"));
	REQUIRE(!write_file(group_file(OUTER, control), "-ioas"));
	EXPECT_EQ(set_mode(DELEGATED, "cgroup"), -ENOENT);
	REQUIRE(!write_file(group_file(OUTER, control), "+ioas"));
	EXPECT_MODE(DELEGATED, "rlimit");
}

/* ---- who may ---- */

/* As cgroup-v2.rst has it: the folder and the files that organise processes. */
static void delegate(void)
{
	static const char *const names[] = { "", "cgroup.procs",
					     "cgroup.threads",
					     "cgroup.subtree_control" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		REQUIRE(!chown(group_file(DELEGATED, names[i]), USER, USER));
}

/* Its files in /proc would be root's. */
static void become_user(void)
{
	REQUIRE(!setgid(USER) && !setuid(USER));
	REQUIRE(!prctl(PR_SET_DUMPABLE, 1));
}

/* Root there, with all capabilities, and still the user elsewhere. */
static void enter_user_namespace(void)
{
	const char *map = "0 1000 1";

	REQUIRE(!unshare(CLONE_NEWUSER));
	REQUIRE(!write_file("/proc/self/setgroups", "deny"));
	REQUIRE(!write_file("/proc/self/uid_map", map));
	REQUIRE(!write_file("/proc/self/gid_map", map));
	REQUIRE(!setuid(0));
}

/* It may limit what it makes itself, but not lift a limit there. */
static void try_all_as_delegatee(void)
{
	EXPECT_EQ(set_mode(DELEGATED, "cgroup"), -EACCES);
	make_group(OWN);
	EXPECT_EQ(write_file(group_file(OWN, "ioas.pinned.max"), "64M"), 0);
	EXPECT_EQ(set_mode(OWN, "cgroup"), -EACCES);
	EXPECT_EQ(set_mode(OWN, "rlimit"), -EACCES);
	EXPECT_EQ(set_mode(OWN, "garbage"), -EINVAL);
	EXPECT_MODE(OWN, "rlimit");
	/* Of the next one, it owns the file of the parent as well. */
	REQUIRE(!write_file(group_file(OWN, "cgroup.subtree_control"),
			    "+ioas"));
	make_group(OWN "/deep");
	EXPECT_EQ(set_mode(OWN "/deep", "cgroup"), -EACCES);
	EXPECT_MODE(OWN "/deep", "rlimit");
	EXPECT_EQ(remove_group(OWN "/deep"), 0);
	EXPECT_EQ(remove_group(OWN), 0);
}

static void run_as_user(void)
{
	become_user();
	try_all_as_delegatee();
}

static void run_in_user_namespace(void)
{
	become_user();
	enter_user_namespace();
	try_all_as_delegatee();
}

static void run_child(void (*run)(void))
{
	struct child child;

	start_child(&child, run);
	EXPECT_EQ(reap_child(&child), 0);
}

static void delegatee_cannot_set_it(void)
{
	delegate();
	run_child(run_as_user);
}

static void delegatee_in_a_user_namespace_cannot_set_it(void)
{
	delegate();
	run_child(run_in_user_namespace);
}

/*
 * As in a container: root of a user namespace and of a cgroup namespace, which owns
 * all of its cgroup. What limits the cgroup itself is set from outside alone.
 */
static void try_all_in_cgroup_namespace(void)
{
	const char *inside = DELEGATED "/inside";

	enter_group(DELEGATED);
	REQUIRE(!unshare(CLONE_NEWCGROUP));
	become_user();
	enter_user_namespace();
	make_group(inside);
	enter_group(inside);
	REQUIRE(!write_file(group_file(DELEGATED, "cgroup.subtree_control"),
			    "+ioas"));
	EXPECT_EQ(set_mode(DELEGATED, "cgroup"), -EPERM);
	EXPECT_EQ(set_mode(DELEGATED, "rlimit"), -EPERM);
	EXPECT_EQ(write_file(group_file(DELEGATED, "ioas.pinned.max"), "max"),
		  -EPERM);
	EXPECT_MODE(DELEGATED, "rlimit");
	EXPECT_EQ(set_mode(inside, "cgroup"), -EACCES);
	EXPECT_EQ(set_mode(inside, "rlimit"), 0);
	EXPECT_MODE(inside, "rlimit");
	EXPECT_EQ(write_file(group_file(inside, "ioas.pinned.max"), "64M"), 0);
}

static void container_cannot_set_its_own(void)
{
	delegate();
	REQUIRE(!chown(group_file(DELEGATED, FILE_NAME), USER, USER));
	REQUIRE(!chown(group_file(DELEGATED, "ioas.pinned.max"), USER, USER));
	/* Where processes are, the controllers of those below are off at first. */
	REQUIRE(!write_file(group_file(DELEGATED, "cgroup.subtree_control"),
			    "-ioas"));
	run_child(try_all_in_cgroup_namespace);
	EXPECT_EQ(remove_group(DELEGATED "/inside"), 0);
}

static void set_own_as_user(void)
{
	become_user();
	make_group(OWN);
	EXPECT_MODE(OWN, "cgroup");
	EXPECT_EQ(set_mode(OWN, "rlimit"), 0);
	EXPECT_MODE(OWN, "rlimit");
	EXPECT_EQ(set_mode(OWN, "cgroup"), 0);
	EXPECT_MODE(OWN, "cgroup");
	/* Not that of which it cannot write the parent's. */
	EXPECT_EQ(set_mode(DELEGATED, "rlimit"), -EACCES);
	EXPECT_EQ(remove_group(OWN), 0);
}

static void set_own_in_vain(void)
{
	become_user();
	make_group(OWN);
	EXPECT_EQ(set_mode(OWN, "rlimit"), 0);
	EXPECT_EQ(set_mode(OWN, "cgroup"), -EACCES);
	EXPECT_MODE(OWN, "rlimit");
	EXPECT_EQ(remove_group(OWN), 0);
}

static void keep_own_as_user(void)
{
	become_user();
	make_inner_group(OWN);
	make_group(OWN "/deep");
	EXPECT_EQ(set_mode(OWN, "cgroup"), 0);
	EXPECT_EQ(set_mode(OWN "/deep", "cgroup"), 0);
}

/* A delegatee cannot keep what the administrator takes back. */
static void what_a_delegatee_set_goes_with_that_of_the_parent(void)
{
	delegate();
	REQUIRE(!chown(group_file(DELEGATED, FILE_NAME), USER, USER));
	REQUIRE(!set_mode(DELEGATED, "cgroup"));
	run_child(keep_own_as_user);
	EXPECT_MODE(OWN "/deep", "cgroup");
	REQUIRE(!set_mode(DELEGATED, "rlimit"));
	EXPECT_MODE(OWN, "rlimit");
	EXPECT_MODE(OWN "/deep", "rlimit");
	EXPECT_EQ(remove_group(OWN "/deep"), 0);
	EXPECT_EQ(remove_group(OWN), 0);
}

/* And to lift the limit, only if it is lifted in the parent. */
static void who_was_given_the_file_of_the_parent_can_set_it(void)
{
	delegate();
	REQUIRE(!chown(group_file(DELEGATED, FILE_NAME), USER, USER));
	run_child(set_own_in_vain);
	REQUIRE(!set_mode(DELEGATED, "cgroup"));
	run_child(set_own_as_user);
}

/* What counts is who opened the file, not who was made to write to it. */
static void writer_for_somebody_else_cannot_set_it(void)
{
	int fd;

	delegate();
	REQUIRE(!setegid(USER) && !seteuid(USER));
	make_group(OWN);
	fd = open(group_file(OWN, FILE_NAME), O_WRONLY | O_CLOEXEC);
	REQUIRE(!seteuid(0) && !setegid(0));
	REQUIRE(fd >= 0);
	EXPECT_EQ(write(fd, "cgroup", 6) < 0 ? errno : 0, EACCES);
	EXPECT_MODE(OWN, "rlimit");
	close(fd);
	EXPECT_EQ(set_mode(OWN, "cgroup"), 0);
	EXPECT_EQ(remove_group(OWN), 0);
}

static void give_up_sys_resource(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	REQUIRE(!syscall(SYS_capget, &header, data));
	data[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective &=
		~CAP_TO_MASK(CAP_SYS_RESOURCE);
	REQUIRE(!syscall(SYS_capset, &header, data));
	EXPECT_EQ(set_mode(OUTER, "cgroup"), -EACCES);
	EXPECT_EQ(set_mode(OUTER, "rlimit"), -EACCES);
	EXPECT_MODE(OUTER, "rlimit");
	/* Root may write to all files, but that is not enough. */
	EXPECT_EQ(set_mode(DELEGATED, "cgroup"), -EACCES);
	EXPECT_EQ(set_mode(DELEGATED, "rlimit"), 0);
	EXPECT_MODE(DELEGATED, "rlimit");
}

static void lifting_it_takes_the_capability_to_raise_limits(void)
{
	run_child(give_up_sys_resource);
	EXPECT_EQ(set_mode(OUTER, "cgroup"), 0);
}

#define RUN(test) run_test(#test, test, make_groups, remove_groups)

int main(void)
{
	RUN(both_modes_can_be_set);
	RUN(other_values_are_refused_and_change_nothing);
	RUN(new_cgroup_starts_with_the_mode_of_its_parent);
	RUN(cgroup_that_is_there_keeps_its_mode);
	RUN(inherited_mode_goes_with_that_of_the_parent);
	RUN(mode_is_inherited_again_when_the_controller_comes_back);
	RUN(delegatee_cannot_set_it);
	RUN(delegatee_in_a_user_namespace_cannot_set_it);
	RUN(container_cannot_set_its_own);
	RUN(who_was_given_the_file_of_the_parent_can_set_it);
	RUN(what_a_delegatee_set_goes_with_that_of_the_parent);
	RUN(writer_for_somebody_else_cannot_set_it);
	RUN(lifting_it_takes_the_capability_to_raise_limits);
	return end_tests();
}
