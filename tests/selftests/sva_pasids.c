// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PASIDs of processes that bind their address space to a device: charged to the cgroup
 * of the process for as long as the address space is there, whatever becomes of the
 * process, of its children and of its cgroup.
 *
 * Binding is off on x86, so this runs in User Mode Linux, as its first process, with
 * mock devices: scripts/uml.sh.
 */
#include <pthread.h>
#include <sched.h>

#include "ioas_fail.h"
#include "ioas_pasid.h"
#include "ioas_uml.h"

#define AFTER_EXEC "after-exec"

/* ---- what a process does ---- */

static int unbind_sva(const struct mock_device *device)
{
	struct iommu_test_cmd command = {
		.op = IOMMU_TEST_OP_SVA_UNBIND,
		.id = device->id,
	};

	return mock_command(iommufd, &command);
}

/* In a cgroup, with an iommufd and two devices of its own. */
static void enter_with_devices(const char *group)
{
	enter_group(group);
	open_set();
	plug(&own, MOCK_PASID_BITS(20));
	plug(&second, MOCK_PASID_BITS(20));
}

static void bind_in_inner(void)
{
	enter_with_devices(INNER);
	EXPECT_EQ(bind_sva(&own), 0);
}

static void hold_bond(void)
{
	bind_in_inner();
	pause_here();
}

static void hold_number_alone(void)
{
	bind_in_inner();
	EXPECT_EQ(unbind_sva(&own), 0);
	pause_here();
}

/* What a process has had may take a moment to go. */
static void expect_charged_soon(int line, int64_t global, int64_t device)
{
	for (int i = 0; i < 500 && (pasids_of(OUTER, "global") != global ||
				    pasids_of(OUTER, "device") != device);
	     i++)
		usleep(10 * 1000);
	expect_charged(line, global, device, 0, 0);
}

#define EXPECT_CHARGED_SOON(global, device) \
	expect_charged_soon(__LINE__, global, device)

/* ---- tests: the life of an address space ---- */

static void bond_charges_the_number_and_the_device(void)
{
	struct child child;

	start_child(&child, hold_bond);
	EXPECT_CHARGED(1, 1);
	end_child(&child);
	EXPECT_CHARGED_SOON(0, 0);
}

static void number_stays_when_the_bond_goes(void)
{
	struct child child;

	start_child(&child, hold_number_alone);
	EXPECT_CHARGED(1, 0);
	end_child(&child);
	EXPECT_CHARGED_SOON(0, 0);
}

static void kill_leaves_nothing(void)
{
	struct child child;

	start_child(&child, hold_bond);
	EXPECT_CHARGED(1, 1);
	kill_child(&child);
	EXPECT_CHARGED_SOON(0, 0);
}

static void *bind_second(void *unused)
{
	(void)unused;
	EXPECT_EQ(bind_sva(&second), 0);
	return NULL;
}

static void hold_bonds_of_two_threads(void)
{
	pthread_t thread;

	bind_in_inner();
	REQUIRE(!pthread_create(&thread, NULL, bind_second, NULL));
	REQUIRE(!pthread_join(thread, NULL));
	pause_here();
}

static void threads_have_one_number(void)
{
	struct child child;

	start_child(&child, hold_bonds_of_two_threads);
	EXPECT_CHARGED(1, 2);
	end_child(&child);
	EXPECT_CHARGED_SOON(0, 0);
}

/* It binds to another device, and ends with the bond or without. */
static bool grandchild_unbinds;

static void fork_and_hold_bonds(void)
{
	pid_t pid;
	int status;

	bind_in_inner();
	pause_here();
	pid = fork();
	REQUIRE(pid >= 0);
	if (!pid) {
		EXPECT_EQ(bind_sva(&second), 0);
		pause_here();
		if (grandchild_unbinds)
			EXPECT_EQ(unbind_sva(&second), 0);
		_exit(test_failed);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	EXPECT_EQ(status, 0);
	pause_here();
}

static void forked_process_has_a_number_of_its_own(void)
{
	struct child child;

	grandchild_unbinds = true;
	start_child(&child, fork_and_hold_bonds);
	EXPECT_CHARGED(1, 1);
	resume_child(&child);
	EXPECT_CHARGED(2, 2);
	resume_child(&child);
	EXPECT_CHARGED_SOON(1, 1);
	end_child(&child);
	EXPECT_CHARGED_SOON(0, 0);
}

/* The device may still use the address space, so it is there. */
static void bond_keeps_the_number_of_a_process_that_ended(void)
{
	struct child child;

	grandchild_unbinds = false;
	start_child(&child, fork_and_hold_bonds);
	resume_child(&child);
	resume_child(&child);
	usleep(100 * 1000);
	EXPECT_CHARGED(2, 2);
	end_child(&child);
	EXPECT_CHARGED_SOON(0, 0);
}

static void become_another_program(void)
{
	char *const arguments[] = { "sva_pasids", AFTER_EXEC, NULL };

	execv("/proc/self/exe", arguments);
	REQUIRE(!"execv");
}

static void hold_number_and_exec(void)
{
	hold_number_alone();
	become_another_program();
}

static void hold_bond_and_exec(void)
{
	hold_bond();
	become_another_program();
}

static void exec_gives_the_number_back(void)
{
	struct child child;

	start_child(&child, hold_number_and_exec);
	EXPECT_CHARGED(1, 0);
	resume_child(&child);
	EXPECT_CHARGED_SOON(0, 0);
	end_child(&child);
}

/* The iommufd that was inherited has the bond. */
static void bond_keeps_the_number_through_exec(void)
{
	struct child child;

	start_child(&child, hold_bond_and_exec);
	resume_child(&child);
	usleep(100 * 1000);
	EXPECT_CHARGED(1, 1);
	end_child(&child);
	EXPECT_CHARGED_SOON(0, 0);
}

/* Something in the kernel refers to the address space after all users are gone. */
static void number_stays_until_the_last_reference(void)
{
	struct child child;
	char path[64];
	int memory;

	start_child(&child, hold_number_alone);
	snprintf(path, sizeof(path), "/proc/%d/mem", child.pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	REQUIRE(memory >= 0);
	end_child(&child);
	usleep(100 * 1000);
	EXPECT_CHARGED(1, 0);
	REQUIRE(!close(memory));
	EXPECT_CHARGED_SOON(0, 0);
}

/* ---- tests: who is charged ---- */

static void move_and_bind_again(void)
{
	bind_in_inner();
	enter_group(OTHER);
	EXPECT_EQ(bind_sva(&second), 0);
	pause_here();
}

static void charge_stays_when_the_process_moves(void)
{
	struct child child;

	start_child(&child, move_and_bind_again);
	EXPECT_CHARGED(1, 2);
	end_child(&child);
	EXPECT_CHARGED_SOON(0, 0);
}

static int bind_from_other(void *unused)
{
	(void)unused;
	enter_group(OTHER);
	return bind_sva(&own) != 0;
}

static void share_memory_with_who_binds(void)
{
	static char stack[64 * KIB] __attribute__((aligned(16)));
	int status;
	pid_t pid;

	enter_with_devices(INNER);
	pid = clone(bind_from_other, stack + sizeof(stack),
		    CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
	REQUIRE(pid >= 0 && waitpid(pid, &status, 0) == pid);
	EXPECT_EQ(status, 0);
	pause_here();
}

/* Not the one that asks, if that is not the same. */
static void owner_of_the_address_space_is_charged(void)
{
	struct child child;

	start_child(&child, share_memory_with_who_binds);
	EXPECT_CHARGED(1, 1);
	end_child(&child);
	EXPECT_CHARGED_SOON(0, 0);
}

static void leave_cgroup(void)
{
	bind_in_inner();
	enter_group("");
	pause_here();
}

static void number_may_outlive_its_cgroup(void)
{
	struct child child;

	start_child(&child, leave_cgroup);
	EXPECT_EQ(remove_group(INNER), 0);
	EXPECT_CHARGED(1, 1);
	end_child(&child);
	EXPECT_CHARGED_SOON(0, 0);
}

/* ---- tests: refusals ---- */

static const char *limited, *limited_key;

static void be_refused(void)
{
	enter_with_devices(INNER);
	EXPECT_EQ(bind_sva(&own), -EDQUOT);
	pause_here();
	/* Nothing of the first try is in the way. */
	EXPECT_EQ(bind_sva(&own), 0);
	pause_here();
}

static void limit_refuses_and_leaves_nothing(void)
{
	bool global = !strcmp(limited_key, "global");
	struct child child;

	limit_pasids(limited, limited_key, "0");
	start_child(&child, be_refused);
	EXPECT_CHARGED(0, 0);
	EXPECT_LOCAL_EVENTS(limited, global, !global);
	EXPECT_EVENTS(TOP, global, !global);
	EXPECT_EVENTS(OTHER, 0, 0);
	limit_pasids(limited, limited_key, "1");
	resume_child(&child);
	EXPECT_CHARGED(1, 1);
	end_child(&child);
	EXPECT_CHARGED_SOON(0, 0);
}

static void be_told_that_there_is_none(void)
{
	enter_group(INNER);
	open_set();
	plug(&narrow, MOCK_PASID_BITS(1));
	plug(&plain, 0);
	EXPECT_EQ(ALLOC(GLOBAL, 0), 1);
	EXPECT_EQ(translate(&narrow, 1), 1);
	EXPECT_EQ(bind_sva(&narrow), -ENOSPC);
	EXPECT_EQ(bind_sva(&plain), -EINVAL);
	pause_here();
}

static void full_space_is_not_a_quota(void)
{
	struct child child;

	limit_pasids(INNER, "global", "1");
	start_child(&child, be_told_that_there_is_none);
	EXPECT_CHARGED(1, 0);
	EXPECT_EVENTS(TOP, 0, 0);
	end_child(&child);
	EXPECT_CHARGED_SOON(0, 0);
}

/* ---- tests: allocations that fail ---- */

static unsigned int failing_nth;
static bool all_later;

/* Exits with 0 if something failed, and with 2 if nothing is left to fail. */
static void bind_with_a_fault(void)
{
	bool failed;
	int ret;

	enter_with_devices(INNER);
	open_faults();
	begin_faults(failing_nth, all_later);
	ret = bind_sva(&own);
	failed = end_faults();
	close_faults();
	/* iommufd has points of its own, of which one is in the look-up. */
	if (ret &&
	    (!failed || (ret != -ENOMEM && ret != -ENOENT && ret != -EIO)))
		fail_test("bind: %s", strerror(-ret));
	EXPECT_EQ(pasids_of(INNER, "global"), !ret);
	EXPECT_EQ(pasids_of(INNER, "device"), !ret);
	pause_here();
	_exit(test_failed ? 1 : failed ? 0 : 2);
}

static void bind_with_faults(bool later)
{
	unsigned int nr_failed = 0;
	int status = 0;

	all_later = later;
	inject_faults(true);
	for (failing_nth = 1; !status && failing_nth < MOST_POINTS;
	     failing_nth++) {
		struct child child;

		start_child(&child, bind_with_a_fault);
		nr_failed += !pasids_of(INNER, "device");
		release_child(&child);
		status = reap_child(&child);
		EXPECT_CHARGED_SOON(0, 0);
	}
	inject_faults(false);
	say_what_failed(failing_nth - 2, nr_failed);
	EXPECT_EQ(WEXITSTATUS(status), 2);
	EXPECT_AT_MOST(1, nr_failed);
}

static void bind_with_each_allocation_failing(void)
{
	bind_with_faults(false);
}

static void bind_with_all_from_each_allocation_failing(void)
{
	bind_with_faults(true);
}

#define RUN(test) run_test(#test, test, make_groups, remove_groups)

static void run_limit_tests(void)
{
	static const char *const limits[] = { INNER, OUTER, TOP };
	static const char *const keys[] = { "global", "device" };
	char name[64];

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(keys); j++) {
			limited = limits[i];
			limited_key = keys[j];
			snprintf(name, sizeof(name), "%s of %s", limited_key,
				 limited);
			test_variant = name;
			RUN(limit_refuses_and_leaves_nothing);
		}
	}
	test_variant = NULL;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], AFTER_EXEC)) {
		pause_here();
		return 0;
	}
	begin_machine();
	RUN(bond_charges_the_number_and_the_device);
	RUN(number_stays_when_the_bond_goes);
	RUN(kill_leaves_nothing);
	RUN(threads_have_one_number);
	RUN(forked_process_has_a_number_of_its_own);
	RUN(bond_keeps_the_number_of_a_process_that_ended);
	RUN(exec_gives_the_number_back);
	RUN(bond_keeps_the_number_through_exec);
	RUN(number_stays_until_the_last_reference);
	RUN(charge_stays_when_the_process_moves);
	RUN(owner_of_the_address_space_is_charged);
	RUN(number_may_outlive_its_cgroup);
	run_limit_tests();
	RUN(full_space_is_not_a_quota);
	RUN(bind_with_each_allocation_failing);
	RUN(bind_with_all_from_each_allocation_failing);
	return end_tests();
}
