/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What holds for everything that pins memory, whatever it is called and however it
 * is done: a program describes how its site pins, and runs these tests on it.
 *
 *	site-pins	pins, and is looked at
 *	site-pins-other	a cgroup to move to, which is never charged for the first
 *
 * A test is a process of its own, in the first of the two.
 */
#ifndef IOAS_SITE_H
#define IOAS_SITE_H

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "ioas_fail.h"
#include "ioas_vfio.h"

#define GROUP "site-pins"
#define OTHER "site-pins-other"

/* What a pin pins: more than one batch of pages. */
#define PIN_SIZE (4 * MIB)

/**
 * struct site - one way to pin memory
 * @stat: its key in ioas.stat
 * @refusal: what a pin gives that a limit refuses, be it RLIMIT_MEMLOCK or ours
 * @hole_error: what a pin gives if some of its last pages are not there
 * @any_process_unpins: a pin can be undone by a process that did not make it
 * @open: gets ready to pin, in the process that does
 * @close: the opposite; nothing is pinned then
 * @pin: pins PIN_SIZE bytes; there are two slots. Returns 0 or -errno
 * @unpin: undoes it
 */
struct site {
	const char *stat;
	int refusal;
	int hole_error;
	bool any_process_unpins;
	void (*open)(void);
	void (*close)(void);
	int (*pin)(unsigned int slot, void *memory);
	void (*unpin)(unsigned int slot);
};

static const struct site *site;

/* Where the memory of the test that runs comes from. */
static const struct memory_kind *site_memory = &memory_kinds[0];

/* ---- what there is to see ---- */

#define EXPECT_CHARGE(current, gross, accounts) \
	EXPECT_KIND(GROUP, site->stat, current, gross, accounts)

/* What RLIMIT_MEMLOCK counts for this process, at the sites tested here. */
static inline int64_t counted_for_rlimit(void)
{
	return file_key("/proc/self/status", "VmPin") * KIB;
}

/* ---- what a process can set ---- */

static inline void set_rlimit(rlim_t limit)
{
	const struct rlimit both = { limit, limit };

	REQUIRE(!setrlimit(RLIMIT_MEMLOCK, &both));
}

/* With it, RLIMIT_MEMLOCK does not hold at some sites. */
static inline void give_up_ipc_lock(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	REQUIRE(!syscall(SYS_capget, &header, data));
	data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective &=
		~CAP_TO_MASK(CAP_IPC_LOCK);
	data[CAP_TO_INDEX(CAP_IPC_LOCK)].permitted &=
		~CAP_TO_MASK(CAP_IPC_LOCK);
	REQUIRE(!syscall(SYS_capset, &header, data));
}

static inline void set_memlock(const char *mode)
{
	REQUIRE(!write_file(group_file(GROUP, "ioas.pinned.memlock"), mode));
}

/* ---- processes ---- */

static inline void make_site_groups(void)
{
	make_group(GROUP);
	make_group(OTHER);
}

static inline void remove_site_groups(void)
{
	EXPECT_NOTHING_PINNED(GROUP);
	EXPECT_NOTHING_PINNED(OTHER);
	EXPECT_EQ(remove_group(GROUP), 0);
	EXPECT_EQ(remove_group(OTHER), 0);
}

static void (*site_test)(void);

static inline void run_in_group(void)
{
	enter_group(GROUP);
	set_rlimit(RLIM_INFINITY);
	site->open();
	site_test();
	EXPECT_CHARGE(0, 0, 0);
	EXPECT_EQ(counted_for_rlimit(), 0);
	site->close();
}

/* Of the parent, for a test that does not look from outside. */
static inline void run_to_end(void)
{
	struct child child;

	start_child(&child, run_in_group);
	EXPECT_EQ(reap_child(&child), 0);
}

/* Runs a test in a process that is ready to pin, and sees that nothing is left. */
#define RUN_IN_GROUP(test)                                    \
	do {                                                  \
		site_test = test;                             \
		run_test(#test, run_to_end, make_site_groups, \
			 remove_site_groups);                 \
	} while (0)

static inline void *get_site_memory(void)
{
	return site_memory->get(PIN_SIZE);
}

/* ---- tests: what is charged ---- */

static void pinned_memory_is_charged(void)
{
	void *memory = get_site_memory();

	EXPECT_CHARGE(0, 0, 0);
	EXPECT_EQ(site->pin(0, memory), 0);
	EXPECT_CHARGE(PIN_SIZE, PIN_SIZE, 1);
	EXPECT_EQ(counted_for_rlimit(), PIN_SIZE);
	site->unpin(0);
	EXPECT_CHARGE(0, 0, 0);
	EXPECT_EQ(counted_for_rlimit(), 0);
	EXPECT_EQ(group_value(GROUP, "ioas.pinned.peak"), PIN_SIZE);
	put_memory(memory, PIN_SIZE);
}

static void memory_pinned_twice_counts_once(void)
{
	void *memory = get_site_memory();

	for (unsigned int first = 0; first < 2; first++) {
		EXPECT_EQ(site->pin(0, memory), 0);
		EXPECT_EQ(site->pin(1, memory), 0);
		EXPECT_CHARGE(PIN_SIZE, 2 * PIN_SIZE, 2);
		site->unpin(first);
		EXPECT_CHARGE(PIN_SIZE, PIN_SIZE, 1);
		site->unpin(!first);
		EXPECT_CHARGE(0, 0, 0);
	}
	put_memory(memory, PIN_SIZE);
}

/* The second begins in the middle of a batch of the first. */
static void part_pinned_twice_counts_once(void)
{
	const uint64_t offset = PIN_SIZE / 2 + 5 * PAGE;
	char *memory = get_small_pages(2 * PIN_SIZE);

	EXPECT_EQ(site->pin(0, memory), 0);
	EXPECT_EQ(site->pin(1, memory + offset), 0);
	EXPECT_CHARGE(PIN_SIZE + offset, 2 * PIN_SIZE, 2);
	site->unpin(0);
	EXPECT_CHARGE(PIN_SIZE, PIN_SIZE, 1);
	site->unpin(1);
	put_memory(memory, 2 * PIN_SIZE);
}

static void charge_stays_when_the_task_moves(void)
{
	void *memory = get_site_memory();

	EXPECT_EQ(site->pin(0, memory), 0);
	enter_group(OTHER);
	EXPECT_CHARGE(PIN_SIZE, PIN_SIZE, 1);
	EXPECT_EQ(pinned(OTHER), 0);
	EXPECT_EQ(site->pin(1, memory), 0);
	EXPECT_CHARGE(PIN_SIZE, PIN_SIZE, 1);
	EXPECT_EQ(pinned(OTHER), PIN_SIZE);
	site->unpin(0);
	EXPECT_CHARGE(0, 0, 0);
	EXPECT_EQ(pinned(OTHER), PIN_SIZE);
	site->unpin(1);
	EXPECT_EQ(pinned(OTHER), 0);
	put_memory(memory, PIN_SIZE);
}

static void unpin_from_elsewhere(void)
{
	enter_group(OTHER);
	site->unpin(0);
}

static void unpin_by_another_process_is_uncharged(void)
{
	void *memory = get_site_memory();
	struct child child;

	EXPECT_EQ(site->pin(0, memory), 0);
	start_child(&child, unpin_from_elsewhere);
	EXPECT_EQ(reap_child(&child), 0);
	EXPECT_CHARGE(0, 0, 0);
	EXPECT_EQ(counted_for_rlimit(), 0);
	put_memory(memory, PIN_SIZE);
}

static void failed_pin_leaves_nothing(void)
{
	const uint64_t there = PIN_SIZE * 3 / 4;
	char *memory = get_site_memory();

	put_memory(memory + there, PIN_SIZE - there);
	EXPECT_EQ(site->pin(0, memory), site->hole_error);
	EXPECT_CHARGE(0, 0, 0);
	EXPECT_EQ(counted_for_rlimit(), 0);
	EXPECT_EQ(events_of(GROUP, "max"), 0);
	put_memory(memory, there);
}

/* ---- tests: the limit ---- */

static void limit_refuses_and_leaves_nothing(void)
{
	void *memory = get_site_memory();
	int64_t before;

	set_number(GROUP, "ioas.pinned.max", PIN_SIZE - PAGE);
	EXPECT_EQ(site->pin(0, memory), site->refusal);
	EXPECT_CHARGE(0, 0, 0);
	EXPECT_EQ(counted_for_rlimit(), 0);
	EXPECT_EQ(events_of(GROUP, "max"), 1);

	/* Not more than one batch is ever held above the limit. */
	set_number(GROUP, "ioas.pinned.max", PAGE);
	before = pages_ever_pinned();
	EXPECT_EQ(site->pin(0, memory), site->refusal);
	EXPECT_AT_MOST((pages_ever_pinned() - before) * PAGE, HUGE_PAGE + PAGE);
	EXPECT_CHARGE(0, 0, 0);
	EXPECT_EQ(events_of(GROUP, "max"), 2);

	set_number(GROUP, "ioas.pinned.max", PIN_SIZE);
	EXPECT_EQ(site->pin(0, memory), 0);
	EXPECT_CHARGE(PIN_SIZE, PIN_SIZE, 1);
	EXPECT_EQ(events_of(GROUP, "max"), 2);
	site->unpin(0);
	put_memory(memory, PIN_SIZE);
}

static void limit_holds_for_the_unique_count(void)
{
	char *memory = get_small_pages(2 * PIN_SIZE);

	set_number(GROUP, "ioas.pinned.max", PIN_SIZE);
	EXPECT_EQ(site->pin(0, memory), 0);
	EXPECT_EQ(site->pin(1, memory), 0);
	EXPECT_EQ(events_of(GROUP, "max"), 0);
	site->unpin(1);
	EXPECT_EQ(site->pin(1, memory + PAGE), site->refusal);
	EXPECT_CHARGE(PIN_SIZE, PIN_SIZE, 1);
	EXPECT_EQ(counted_for_rlimit(), PIN_SIZE);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	site->unpin(0);
	put_memory(memory, 2 * PIN_SIZE);
}

/* ---- tests: ends ---- */

/* Two pins, which have half of their memory in common, and nothing that ends them. */
static void hold_pins(void)
{
	char *memory = get_small_pages(2 * PIN_SIZE);

	enter_group(GROUP);
	set_rlimit(RLIM_INFINITY);
	site->open();
	EXPECT_EQ(site->pin(0, memory), 0);
	EXPECT_EQ(site->pin(1, memory + PIN_SIZE / 2), 0);
	pause_here();
}

static void exit_leaves_nothing(void)
{
	struct child child;

	start_child(&child, hold_pins);
	EXPECT_CHARGE(PIN_SIZE * 3 / 2, 2 * PIN_SIZE, 2);
	end_child(&child);
	EXPECT_CHARGE(0, 0, 0);
}

static void kill_leaves_nothing(void)
{
	struct child child;

	start_child(&child, hold_pins);
	EXPECT_CHARGE(PIN_SIZE * 3 / 2, 2 * PIN_SIZE, 2);
	kill_child(&child);
	EXPECT_CHARGE(0, 0, 0);
}

/* ---- tests: RLIMIT_MEMLOCK ---- */

static void rlimit_refuses_as_ever(void)
{
	char *memory = get_small_pages(2 * PIN_SIZE);

	give_up_ipc_lock();
	set_rlimit(PIN_SIZE * 3 / 2);
	EXPECT_EQ(site->pin(0, memory), 0);
	EXPECT_EQ(counted_for_rlimit(), PIN_SIZE);
	/* It counts the same memory once more. */
	EXPECT_EQ(site->pin(1, memory), site->refusal);
	EXPECT_EQ(counted_for_rlimit(), PIN_SIZE);
	EXPECT_CHARGE(PIN_SIZE, PIN_SIZE, 1);
	EXPECT_EQ(events_of(GROUP, "max"), 0);
	site->unpin(0);
	put_memory(memory, 2 * PIN_SIZE);
}

static void memlock_cgroup_leaves_the_limit_alone(void)
{
	char *memory = get_small_pages(2 * PIN_SIZE);

	give_up_ipc_lock();
	set_rlimit(0);
	set_memlock("cgroup");
	set_number(GROUP, "ioas.pinned.max", PIN_SIZE);
	EXPECT_EQ(site->pin(0, memory), 0);
	EXPECT_EQ(site->pin(1, memory), 0);
	EXPECT_CHARGE(PIN_SIZE, 2 * PIN_SIZE, 2);
	EXPECT_EQ(counted_for_rlimit(), 0);
	site->unpin(1);
	EXPECT_EQ(events_of(GROUP, "max"), 0);
	EXPECT_EQ(site->pin(1, memory + PIN_SIZE), site->refusal);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	EXPECT_EQ(counted_for_rlimit(), 0);
	site->unpin(0);
	EXPECT_EQ(counted_for_rlimit(), 0);
	put_memory(memory, 2 * PIN_SIZE);
}

/* A pin keeps the mode in which it was made, in whatever order they end. */
static void pins_of_both_modes(const char *mode, const char *next_mode,
			       unsigned int first)
{
	const bool counted[] = { !strcmp(mode, "rlimit"),
				 !strcmp(next_mode, "rlimit") };
	const unsigned int last = !first;
	void *memory = get_site_memory();

	set_memlock(mode);
	EXPECT_EQ(site->pin(0, memory), 0);
	EXPECT_EQ(counted_for_rlimit(), counted[0] * PIN_SIZE);
	set_memlock(next_mode);
	EXPECT_EQ(site->pin(1, memory), 0);
	EXPECT_EQ(counted_for_rlimit(), (counted[0] + counted[1]) * PIN_SIZE);
	EXPECT_CHARGE(PIN_SIZE, 2 * PIN_SIZE, 2);
	site->unpin(first);
	EXPECT_EQ(counted_for_rlimit(), counted[last] * PIN_SIZE);
	site->unpin(last);
	EXPECT_EQ(counted_for_rlimit(), 0);
	put_memory(memory, PIN_SIZE);
}

static void switch_to_cgroup_before_unpin(void)
{
	pins_of_both_modes("rlimit", "cgroup", 0);
	pins_of_both_modes("rlimit", "cgroup", 1);
}

static void switch_to_rlimit_before_unpin(void)
{
	pins_of_both_modes("cgroup", "rlimit", 0);
	pins_of_both_modes("cgroup", "rlimit", 1);
}

/* The failed pin is not taken off what was never put on. */
static void failed_pin_counts_nothing_in_either_mode(void)
{
	static const char *const modes[] = { "rlimit", "cgroup" };
	void *memory = get_site_memory();

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		set_memlock(modes[i]);
		set_number(GROUP, "ioas.pinned.max", PIN_SIZE - PAGE);
		EXPECT_EQ(site->pin(0, memory), site->refusal);
		EXPECT_EQ(counted_for_rlimit(), 0);
	}
	put_memory(memory, PIN_SIZE);
}

/* ---- tests: allocations that fail ---- */

static char *failing_memory;

static int pin_failing_memory(void)
{
	return site->pin(0, failing_memory);
}

static int unpin_failing_memory(void)
{
	site->unpin(0);
	return 0;
}

/* The memory, and a part of it in which no page frame follows the one before. */
static inline void touch_in_part_in_no_order(char *memory, size_t size,
					     size_t part)
{
	for (size_t i = 0; i < part; i += 2 * PAGE)
		memory[i] = 1;
	memset(memory, 1, size);
}

/*
 * A site may cut the pin where page frames do not follow one another. Some of the
 * memory is pinned already, so that pages change between states.
 */
static void run_failing_test_beside_another_pin(void)
{
	char *memory = get_small_pages(2 * PIN_SIZE);

	touch_in_part_in_no_order(memory, 2 * PIN_SIZE, 64 * PAGE);
	failing_memory = memory;
	EXPECT_EQ(site->pin(1, memory + PIN_SIZE / 2 + 5 * PAGE), 0);
	run_failing_test();
	site->unpin(1);
	put_memory(memory, 2 * PIN_SIZE);
}

static void run_failing_test_in_group(void)
{
	site_test = run_failing_test_beside_another_pin;
	run_to_end();
}

static inline void run_failing_site_tests(void)
{
	const struct failing_site failing = {
		.group = GROUP,
		.errors = { site->refusal },
		.pin = pin_failing_memory,
		.unpin = unpin_failing_memory,
	};

	run_failing_tests(&failing, run_failing_test_in_group, make_site_groups,
			  remove_site_groups);
}

/* Wants 2 huge pages. */
static inline void run_site_tests(const struct site *which)
{
	site = which;
	for (size_t i = 0; i < NR_MEMORY_KINDS; i++) {
		site_memory = &memory_kinds[i];
		test_variant = site_memory->name;
		RUN_IN_GROUP(pinned_memory_is_charged);
		RUN_IN_GROUP(memory_pinned_twice_counts_once);
		RUN_IN_GROUP(limit_refuses_and_leaves_nothing);
	}
	site_memory = &memory_kinds[0];
	test_variant = NULL;
	RUN_IN_GROUP(part_pinned_twice_counts_once);
	RUN_IN_GROUP(charge_stays_when_the_task_moves);
	if (site->any_process_unpins)
		RUN_IN_GROUP(unpin_by_another_process_is_uncharged);
	RUN_IN_GROUP(failed_pin_leaves_nothing);
	RUN_IN_GROUP(limit_holds_for_the_unique_count);
	RUN_IN_GROUP(rlimit_refuses_as_ever);
	RUN_IN_GROUP(memlock_cgroup_leaves_the_limit_alone);
	RUN_IN_GROUP(switch_to_cgroup_before_unpin);
	RUN_IN_GROUP(switch_to_rlimit_before_unpin);
	RUN_IN_GROUP(failed_pin_counts_nothing_in_either_mode);
	run_failing_site_tests();
	run_test("exit_leaves_nothing", exit_leaves_nothing, make_site_groups,
		 remove_site_groups);
	run_test("kill_leaves_nothing", kill_leaves_nothing, make_site_groups,
		 remove_site_groups);
}

#endif /* IOAS_SITE_H */
