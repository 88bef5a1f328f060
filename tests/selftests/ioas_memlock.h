/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of RLIMIT_MEMLOCK, for the test programs: tests of it that are the
 * same wherever memory can be pinned.
 *
 * They run as a user who has nothing else pinned, in a cgroup of their own. How much
 * the kernel has counted for a user it does not tell: what still fits does.
 */
#ifndef IOAS_MEMLOCK_H
#define IOAS_MEMLOCK_H

#include <sys/mman.h>
#include <sys/resource.h>

#include "ioas_fail.h"
#include "ioas_test.h"

/* Of a user who has no name, and of RLIMIT_MEMLOCK, in pages. */
#define MEMLOCK_USER 4242
#define MEMLOCK_PAGES 32

/**
 * struct memlock_site - a way to pin memory
 * @refusal: how it refuses what passes RLIMIT_MEMLOCK
 * @in_vmpin: whether what it counts is in VmPin as well
 * @pin: pins memory with object @slot, which has nothing; returns 0 or -errno
 * @unpin: unpins what object @slot has; may do a part of it later
 */
struct memlock_site {
	int refusal;
	bool in_vmpin;
	int (*pin)(unsigned int slot, void *memory, size_t size);
	void (*unpin)(unsigned int slot);
};

/* Objects: two for a test, and one to find out what still fits. */
#define MEMLOCK_SLOTS 3
#define MEMLOCK_PROBE 2

static const struct memlock_site *memlock_site;
static const char *memlock_group;
static char *memlock_memory;

/* ---- who asks ---- */

/* Without a capability, but able to take them back. */
static inline void become_user(void)
{
	REQUIRE(!setresuid(MEMLOCK_USER, MEMLOCK_USER, 0));
}

static inline void take_root_back(void)
{
	REQUIRE(!seteuid(0));
}

static inline void set_memlock(const char *mode)
{
	take_root_back();
	REQUIRE(!write_file(group_file(memlock_group, "ioas.pinned.memlock"),
			    mode));
	become_user();
}

/* ---- what is counted ---- */

/* Memory that no other object has. */
static inline int pin_pages(unsigned int slot, uint64_t pages)
{
	return memlock_site->pin(
		slot, memlock_memory + slot * 4 * MEMLOCK_PAGES * PAGE,
		pages * PAGE);
}

static inline void unpin_pages(unsigned int slot)
{
	const int64_t accounts = stat_of(memlock_group, "accounts");

	memlock_site->unpin(slot);
	EXPECT_SOON(stat_of(memlock_group, "accounts"), accounts - 1);
}

/* What was unpinned may be taken off the count a bit later. */
static inline int pin_pages_soon(unsigned int slot, uint64_t pages)
{
	int ret = pin_pages(slot, pages);

	for (int i = test_failed ? 950 : 0;
	     i < 1000 && ret == memlock_site->refusal; i++) {
		usleep(10 * 1000);
		ret = pin_pages(slot, pages);
	}
	return ret;
}

/* Just so many pages still fit: they do, and with one more they do not. */
static inline void expect_room(int line, uint64_t pages)
{
	int ret;

	if (pages) {
		ret = pin_pages_soon(MEMLOCK_PROBE, pages);
		expect(line, "pinning all that should fit", ret, "", !ret, 0);
		if (!ret)
			unpin_pages(MEMLOCK_PROBE);
	}
	ret = pin_pages(MEMLOCK_PROBE, pages + 1);
	expect(line, "pinning one page more than should fit", ret, "",
	       ret == memlock_site->refusal, memlock_site->refusal);
	if (!ret)
		unpin_pages(MEMLOCK_PROBE);
}

#define EXPECT_ROOM(pages) expect_room(__LINE__, pages)

/* What /proc/PID/status shows as pinned, if this site counts there. */
static inline void expect_vmpin(int line, uint64_t pages)
{
	int64_t found = file_key("/proc/self/status", "VmPin") * KIB;

	if (memlock_site->in_vmpin)
		expect(line, "VmPin", found, "",
		       found == (int64_t)(pages * PAGE), pages * PAGE);
}

#define EXPECT_VMPIN(pages) expect_vmpin(__LINE__, pages)

#define EXPECT_PINNED(pages) EXPECT_EQ(pinned(memlock_group), (pages)*PAGE)

/* ---- the tests ---- */

static inline void rlimit_memlock_refuses_and_is_no_limit_of_the_cgroup(void)
{
	EXPECT_ROOM(MEMLOCK_PAGES);
	EXPECT_EQ(pin_pages_soon(0, 20), 0);
	EXPECT_VMPIN(20);
	EXPECT_PINNED(20);
	EXPECT_ROOM(MEMLOCK_PAGES - 20);
	EXPECT_EQ(pin_pages_soon(1, MEMLOCK_PAGES - 20), 0);
	EXPECT_ROOM(0);
	EXPECT_VMPIN(MEMLOCK_PAGES);
	EXPECT_PINNED(MEMLOCK_PAGES);
	unpin_pages(0);
	EXPECT_ROOM(20);
	unpin_pages(1);
	EXPECT_VMPIN(0);
	EXPECT_ROOM(MEMLOCK_PAGES);
	EXPECT_EQ(events_of(memlock_group, "max"), 0);
}

static inline void refusal_by_the_cgroup_is_not_counted_for_rlimit(void)
{
	take_root_back();
	set_number(memlock_group, "ioas.pinned.max", 8 * PAGE);
	become_user();
	EXPECT_EQ(pin_pages(0, 9), -ENOMEM);
	EXPECT_EQ(events_of(memlock_group, "max"), 1);
	EXPECT_VMPIN(0);
	EXPECT_NOTHING_PINNED(memlock_group);
	take_root_back();
	REQUIRE(!write_file(group_file(memlock_group, "ioas.pinned.max"),
			    "max"));
	become_user();
	EXPECT_ROOM(MEMLOCK_PAGES);
}

static inline void failed_pin_is_not_counted_for_rlimit(void)
{
	REQUIRE(!mprotect(memlock_memory + 4 * PAGE, PAGE, PROT_NONE));
	EXPECT_EQ(pin_pages(0, 8) < 0, true);
	EXPECT_VMPIN(0);
	EXPECT_NOTHING_PINNED(memlock_group);
	EXPECT_ROOM(MEMLOCK_PAGES);
}

static inline void with_memlock_cgroup_only_the_cgroup_limits(void)
{
	set_memlock("cgroup");
	take_root_back();
	set_number(memlock_group, "ioas.pinned.max", 3 * MEMLOCK_PAGES * PAGE);
	become_user();
	EXPECT_EQ(pin_pages(0, 2 * MEMLOCK_PAGES), 0);
	EXPECT_EQ(pin_pages(1, MEMLOCK_PAGES), 0);
	EXPECT_VMPIN(0);
	EXPECT_PINNED(3 * MEMLOCK_PAGES);
	EXPECT_EQ(events_of(memlock_group, "max"), 0);
	EXPECT_EQ(pin_pages(MEMLOCK_PROBE, 1), -ENOMEM);
	EXPECT_EQ(events_of(memlock_group, "max"), 1);
	unpin_pages(0);
	unpin_pages(1);
	EXPECT_VMPIN(0);
	set_memlock("rlimit");
	EXPECT_ROOM(MEMLOCK_PAGES);
}

/* Pinned before and after a switch, and unpinned in the order of pinning. */
static inline void switch_to_cgroup_leaves_rlimit_memlock_right(void)
{
	EXPECT_EQ(pin_pages_soon(0, MEMLOCK_PAGES), 0);
	set_memlock("cgroup");
	EXPECT_EQ(pin_pages(1, MEMLOCK_PAGES), 0);
	EXPECT_VMPIN(MEMLOCK_PAGES);
	EXPECT_PINNED(2 * MEMLOCK_PAGES);
	unpin_pages(0);
	EXPECT_VMPIN(0);
	set_memlock("rlimit");
	EXPECT_ROOM(MEMLOCK_PAGES);
	unpin_pages(1);
	EXPECT_VMPIN(0);
	EXPECT_ROOM(MEMLOCK_PAGES);
}

/* The same in the order against it. */
static inline void switch_and_unpin_the_last_leaves_rlimit_memlock_right(void)
{
	EXPECT_EQ(pin_pages_soon(0, MEMLOCK_PAGES), 0);
	set_memlock("cgroup");
	EXPECT_EQ(pin_pages(1, MEMLOCK_PAGES), 0);
	set_memlock("rlimit");
	EXPECT_ROOM(0);
	unpin_pages(1);
	EXPECT_VMPIN(MEMLOCK_PAGES);
	EXPECT_ROOM(0);
	set_memlock("cgroup");
	unpin_pages(0);
	EXPECT_VMPIN(0);
	set_memlock("rlimit");
	EXPECT_ROOM(MEMLOCK_PAGES);
}

static inline void switch_to_rlimit_leaves_rlimit_memlock_right(void)
{
	set_memlock("cgroup");
	EXPECT_EQ(pin_pages(0, 2 * MEMLOCK_PAGES), 0);
	set_memlock("rlimit");
	EXPECT_EQ(pin_pages_soon(1, MEMLOCK_PAGES), 0);
	EXPECT_VMPIN(MEMLOCK_PAGES);
	EXPECT_PINNED(3 * MEMLOCK_PAGES);
	unpin_pages(0);
	EXPECT_VMPIN(MEMLOCK_PAGES);
	EXPECT_ROOM(0);
	unpin_pages(1);
	EXPECT_VMPIN(0);
	EXPECT_ROOM(MEMLOCK_PAGES);
}

static inline void move_to(const char *group)
{
	take_root_back();
	enter_group(group);
	become_user();
}

/* What an object was pinned with stays, wherever its task is by then. */
static inline void move_to_another_mode_leaves_rlimit_memlock_right(void)
{
	const char *here = memlock_group, *there = "memlock-there";

	take_root_back();
	make_group(there);
	REQUIRE(!write_file(group_file(there, "ioas.pinned.memlock"),
			    "cgroup"));
	become_user();
	EXPECT_EQ(pin_pages_soon(0, MEMLOCK_PAGES), 0);
	move_to(there);
	EXPECT_EQ(pin_pages(1, 2 * MEMLOCK_PAGES), 0);
	EXPECT_VMPIN(MEMLOCK_PAGES);
	unpin_pages(0);
	EXPECT_VMPIN(0);
	move_to(here);
	EXPECT_ROOM(MEMLOCK_PAGES);
	memlock_group = there;
	EXPECT_PINNED(2 * MEMLOCK_PAGES);
	unpin_pages(1);
	EXPECT_NOTHING_PINNED(there);
	memlock_group = here;
	EXPECT_VMPIN(0);
	EXPECT_ROOM(MEMLOCK_PAGES);
	take_root_back();
	EXPECT_EQ(remove_group(there), 0);
	become_user();
}

/* ---- running them ---- */

static void (*memlock_test)(void);

static inline void run_as_user(void)
{
	const struct rlimit limit = { MEMLOCK_PAGES * PAGE,
				      MEMLOCK_PAGES * PAGE };

	enter_group(memlock_group);
	memlock_memory = mmap(NULL, MEMLOCK_SLOTS * 4 * MEMLOCK_PAGES * PAGE,
			      PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(memlock_memory != MAP_FAILED);
	REQUIRE(!madvise(memlock_memory,
			 MEMLOCK_SLOTS * 4 * MEMLOCK_PAGES * PAGE,
			 MADV_NOHUGEPAGE));
	REQUIRE(!setrlimit(RLIMIT_MEMLOCK, &limit));
	become_user();
	memlock_test();
	/* What a failed test may have left on the count goes with the user. */
	EXPECT_NOTHING_PINNED(memlock_group);
}

static inline void run_memlock_test(void)
{
	struct child child;

	make_group(memlock_group);
	start_child(&child, run_as_user);
	EXPECT_EQ(reap_child(&child), 0);
	EXPECT_SOON(pinned(memlock_group), 0);
	EXPECT_NOTHING_PINNED(memlock_group);
	EXPECT_EQ(remove_group(memlock_group), 0);
}

static inline void run_memlock_tests(const struct memlock_site *site,
				     const char *group)
{
	static const struct {
		const char *name;
		void (*test)(void);
	} tests[] = {
#define TEST(name) { #name, name }
		TEST(rlimit_memlock_refuses_and_is_no_limit_of_the_cgroup),
		TEST(refusal_by_the_cgroup_is_not_counted_for_rlimit),
		TEST(failed_pin_is_not_counted_for_rlimit),
		TEST(with_memlock_cgroup_only_the_cgroup_limits),
		TEST(switch_to_cgroup_leaves_rlimit_memlock_right),
		TEST(switch_and_unpin_the_last_leaves_rlimit_memlock_right),
		TEST(switch_to_rlimit_leaves_rlimit_memlock_right),
		TEST(move_to_another_mode_leaves_rlimit_memlock_right),
#undef TEST
	};

	memlock_site = site;
	memlock_group = group;
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		memlock_test = tests[i].test;
		run_test(tests[i].name, run_memlock_test, NULL, NULL);
	}
}

/* ---- allocations that fail ---- */

/*
 * All that RLIMIT_MEMLOCK allows is pinned each time: what a failed pin leaves on the
 * count makes the next one fail.
 */
static inline void run_failing_test_as_user(void)
{
	memset(memlock_memory, 1, MEMLOCK_PAGES * PAGE);
	take_root_back();
	open_faults();
	become_user();
	failing_test();
	take_root_back();
	close_faults();
	become_user();
	EXPECT_ROOM(MEMLOCK_PAGES);
}

static inline void run_failing_memlock_test(void)
{
	memlock_test = run_failing_test_as_user;
	run_memlock_test();
}

/* After run_memlock_tests(). Of a way to pin @MEMLOCK_PAGES from @memlock_memory. */
static inline void run_failing_memlock_tests(const struct failing_site *which)
{
	run_failing_tests(which, run_failing_memlock_test, NULL, NULL);
}

#endif /* IOAS_MEMLOCK_H */
