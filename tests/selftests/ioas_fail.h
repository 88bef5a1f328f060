/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocations that fail, for the test programs, and tests that hold wherever memory
 * can be pinned: a pin that fails leaves nothing, and an unpin does not fail.
 *
 * Each pin, or unpin, runs with its first allocation failing, then with its second,
 * and so on until there is none left: that one alone, or all that come later as well.
 * The one alone shows most paths. But some code tries again, as xa_store() does, and
 * fails only when that fails too.
 *
 * What a work queue does is not part of it: allocations fail for one task.
 */
#ifndef IOAS_FAIL_H
#define IOAS_FAIL_H

#include <sys/syscall.h>

#include "ioas_test.h"

#define FAILSLAB "/sys/kernel/debug/failslab"
#define MOST_POINTS 10000

/* ---- faults ---- */

/* What failslab is told while a test runs; and what it was told before. */
static struct {
	const char *name;
	const char *value;
	char before[16];
} fault_settings[] = {
	/* Allocations that may wait fail too, and not each with a call trace. */
	{ .name = "ignore-gfp-wait", .value = "N" },
	{ .name = "verbose", .value = "0" },
	/* No task that has not asked for it sees more than its nth fail. */
	{ .name = "task-filter", .value = "Y" },
	{ .name = "interval", .value = "1" },
	{ .name = "space", .value = "0" },
	{ .name = "times", .value = "-1" },
	{ .name = "probability", .value = "0" },
};

/* These files have no position, for which read_file() would ask. */
static inline void read_setting(const char *path, char *value, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	memset(value, 0, size);
	REQUIRE(fd >= 0 && read(fd, value, size - 1) > 0);
	close(fd);
}

static inline void inject_faults(bool on)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(fault_settings); i++) {
		char *before = fault_settings[i].before;

		snprintf(path, sizeof(path), FAILSLAB "/%s",
			 fault_settings[i].name);
		if (on)
			read_setting(path, before,
				     sizeof(fault_settings[i].before));
		REQUIRE(!write_file(path,
				    on ? fault_settings[i].value : before));
	}
}

/* Open all the time: to open a file is an allocation, too. */
static int fail_nth_fd, probability_fd;

/* For this task, as root. */
static inline void open_faults(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%ld/fail-nth",
		 syscall(SYS_gettid));
	fail_nth_fd = open(path, O_RDWR | O_CLOEXEC);
	REQUIRE(fail_nth_fd >= 0);
	probability_fd = open(FAILSLAB "/probability", O_WRONLY | O_CLOEXEC);
	REQUIRE(probability_fd >= 0);
	REQUIRE(!write_file("/proc/self/make-it-fail", "1"));
}

static inline void close_faults(void)
{
	REQUIRE(!write_file("/proc/self/make-it-fail", "0"));
	REQUIRE(!close(fail_nth_fd) && !close(probability_fd));
}

/* Writes to what is open. */
static inline void write_number_to(int fd, unsigned int number)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", number);

	REQUIRE(write(fd, text, len) == len);
}

/*
 * The nth allocation from now on fails, and all later ones if @later. As long as
 * the nth has not come, the kernel does not look at the probability.
 */
static inline void begin_faults(unsigned int nth, bool later)
{
	if (later)
		write_number_to(probability_fd, 100);
	write_number_to(fail_nth_fd, nth);
}

/* Whether the nth came, so that something failed; no other will. */
static inline bool end_faults(void)
{
	char text[16];

	REQUIRE(read_fd(fail_nth_fd, text, sizeof(text)) > 0);
	write_number_to(fail_nth_fd, 0);
	write_number_to(probability_fd, 0);
	return !atoi(text);
}

/* ---- what is pinned ---- */

/**
 * struct failing_site - a way to pin memory, which is there beforehand
 * @group: the cgroup that is charged
 * @errors: what a pin may give besides -ENOMEM
 * @get_ready: comes before each pin, with no faults; may be NULL
 * @pin: returns 0 or -errno
 * @unpin: the same; may do a part of it later. NULL where all of a pin ends by itself
 */
struct failing_site {
	const char *group;
	int errors[2];
	void (*get_ready)(void);
	int (*pin)(void);
	int (*unpin)(void);
};

static const struct failing_site *failing_site;

struct charges {
	int64_t current, gross, accounts, for_rlimit;
};

static inline struct charges read_charges(void)
{
	const char *group = failing_site->group;

	return (struct charges){
		.current = pinned(group),
		.gross = stat_of(group, "gross"),
		.accounts = stat_of(group, "accounts"),
		.for_rlimit = file_key("/proc/self/status", "VmPin") +
			      file_key("/proc/self/status", "VmLck"),
	};
}

/* Some sites unpin in a work queue. */
static inline void expect_charges_soon(int line, const struct charges *expected)
{
	struct charges found = read_charges();

	for (int i = 0;
	     i < 1000 && memcmp(&found, expected, sizeof(found)) != 0; i++) {
		usleep(10 * 1000);
		found = read_charges();
	}

	const struct {
		const char *what;
		int64_t found;
		int64_t expected;
	} rows[] = {
		{ "current", found.current, expected->current },
		{ "gross", found.gross, expected->gross },
		{ "accounts", found.accounts, expected->accounts },
		{ "VmPin + VmLck", found.for_rlimit, expected->for_rlimit },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(line, rows[i].what, rows[i].found, "",
		       rows[i].found == rows[i].expected, rows[i].expected);
}

#define EXPECT_CHARGES_SOON(expected) expect_charges_soon(__LINE__, expected)

/* What is charged without a pin, and with it. */
static struct charges bare, full;

static inline int pin_failing_site(void)
{
	if (failing_site->get_ready)
		failing_site->get_ready();
	return failing_site->pin();
}

/*
 * Learned from a pin in which nothing fails. What is allocated once only, and the
 * pages of this program, are there then: where all allocations fail, the kernel
 * would try for ever to get such a page.
 */
static inline void learn_charges(void)
{
	bare = read_charges();
	EXPECT_EQ(pin_failing_site(), 0);
	if (failing_site->unpin) {
		full = read_charges();
		EXPECT_AT_MOST(bare.gross + (int64_t)PAGE, full.gross);
		EXPECT_EQ(failing_site->unpin(), 0);
	} else {
		full = bare;
	}
	EXPECT_CHARGES_SOON(&bare);
}

/* ---- the tests ---- */

/* A child that ends does not flush. */
static inline void say_what_failed(unsigned int allocations,
				   unsigned int needed)
{
	printf("# %u allocations, %u of them needed\n", allocations, needed);
	fflush(stdout);
}

static inline bool is_expected_error(int error)
{
	return error == -ENOMEM || error == failing_site->errors[0] ||
	       error == failing_site->errors[1];
}

static inline void pin_with_faults(bool later)
{
	unsigned int nth, nr_failed_pins = 0;
	bool failed = true;

	learn_charges();
	for (nth = 1; failed && nth < MOST_POINTS && !test_failed; nth++) {
		int ret;

		if (failing_site->get_ready)
			failing_site->get_ready();
		begin_faults(nth, later);
		ret = failing_site->pin();
		failed = end_faults();
		EXPECT_CHARGES_SOON(ret ? &bare : &full);
		if (!ret && failing_site->unpin)
			EXPECT_EQ(failing_site->unpin(), 0);
		EXPECT_CHARGES_SOON(&bare);
		nr_failed_pins += ret < 0;
		if (ret && !(failed && is_expected_error(ret)))
			fail_test("pin: %s", strerror(-ret));
		if (test_failed)
			fail_test("with allocation %u failing", nth);
	}
	say_what_failed(nth - 2, nr_failed_pins);
	EXPECT_AT_MOST(nth, MOST_POINTS - 1);
	/* Or nothing was tested. */
	EXPECT_AT_MOST(1, nr_failed_pins);
}

static inline void unpin_with_faults(bool later)
{
	unsigned int nth;
	bool failed = true;

	learn_charges();
	for (nth = 1; failed && nth < MOST_POINTS && !test_failed; nth++) {
		int ret;

		EXPECT_EQ(pin_failing_site(), 0);
		begin_faults(nth, later);
		ret = failing_site->unpin();
		failed = end_faults();
		EXPECT_EQ(ret, 0);
		EXPECT_CHARGES_SOON(&bare);
		if (test_failed)
			fail_test("with allocation %u failing", nth);
	}
	say_what_failed(nth - 2, 0);
	EXPECT_AT_MOST(nth, MOST_POINTS - 1);
}

static inline void pin_with_each_allocation_failing(void)
{
	pin_with_faults(false);
}

static inline void unpin_with_each_allocation_failing(void)
{
	unpin_with_faults(false);
}

static inline void pin_with_all_from_each_allocation_failing(void)
{
	pin_with_faults(true);
}

static inline void unpin_with_all_from_each_allocation_failing(void)
{
	unpin_with_faults(true);
}

/* ---- running them ---- */

static void (*failing_test)(void);

/* In the process that pins, which may leave root for it. */
static inline void run_failing_test(void)
{
	open_faults();
	failing_test();
	close_faults();
}

/* How the test that is in failing_test gets to run_failing_test(). */
static void (*run_failing_site)(void);

static inline void run_with_faults(void)
{
	inject_faults(true);
	run_failing_site();
	inject_faults(false);
}

/* Calls @run for each test, which calls run_failing_test(). */
static inline void run_failing_tests(const struct failing_site *which,
				     void (*run)(void), void (*before)(void),
				     void (*after)(void))
{
	static const struct {
		const char *name;
		void (*test)(void);
		bool unpins;
	} tests[] = {
#define TEST(name, unpins) { #name, name, unpins }
		TEST(pin_with_each_allocation_failing, false),
		TEST(pin_with_all_from_each_allocation_failing, false),
		TEST(unpin_with_each_allocation_failing, true),
		TEST(unpin_with_all_from_each_allocation_failing, true),
#undef TEST
	};

	failing_site = which;
	run_failing_site = run;
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		if (tests[i].unpins && !which->unpin)
			continue;
		failing_test = tests[i].test;
		run_test(tests[i].name, run_with_faults, before, after);
	}
}

#endif /* IOAS_FAIL_H */
