// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What udmabuf charges for dma-bufs that it makes of memfds: an account each, until
 * the last descriptor and the last mapping of the dma-buf are gone.
 *
 * Wants 4 huge pages.
 */
#include <sys/resource.h>

#include "ioas_fail.h"
#include "ioas_udmabuf.h"
#include "ioas_vfio.h"

#define GROUP "udmabuf-pins"
#define OTHER "udmabuf-pins-other"
#define KIND "dmabuf"
#define SIZE (4 * MIB)
#define SHMEM_HUGE "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/**
 * struct file_kind - what a memfd is made of
 * @name: for the names of tests
 * @flags: for memfd_create()
 * @touched: whether its pages are there before they are pinned
 * @huge: what the kernel is told about huge pages for shared memory
 */
static const struct file_kind {
	const char *name;
	unsigned int flags;
	bool touched;
	const char *huge;
} kinds[] = {
	{ "small pages", 0, true, "never" },
	{ "pages that were never touched", 0, false, "never" },
	{ "transparent huge pages", 0, true, "force" },
	{ "hugetlb", MFD_HUGETLB, true, "never" },
};

static const struct file_kind *kind = &kinds[0];
static int device, memfd;

#define EXPECT_CHARGES(unique, gross, accounts) \
	EXPECT_KIND(GROUP, KIND, unique, gross, accounts)

static int64_t shmem_in_huge_pages(void)
{
	/* Adds up what the CPUs have counted each for itself. */
	REQUIRE(!write_file("/proc/sys/vm/stat_refresh", "1"));
	return file_key("/proc/meminfo", "ShmemHugePages") * KIB;
}

static int get_memory(void)
{
	const int64_t huge_before = shmem_in_huge_pages();
	int fd;
	char *memory;

	REQUIRE(!write_file(SHMEM_HUGE, kind->huge));
	fd = get_sealed_memfd(SIZE, kind->flags);
	if (kind->touched) {
		memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, 0);
		REQUIRE(memory != MAP_FAILED);
		memset(memory, 1, SIZE);
		put_memory(memory, SIZE);
	}
	REQUIRE(!write_file(SHMEM_HUGE, "never"));
	EXPECT_EQ(shmem_in_huge_pages() - huge_before,
		  strcmp(kind->huge, "never") ? SIZE : 0);
	return fd;
}

static void set_up(void)
{
	make_group(GROUP);
	enter_group(GROUP);
	device = open_udmabuf();
	memfd = get_memory();
}

static void clean_up(void)
{
	close(memfd);
	close(device);
	EXPECT_NOTHING_PINNED(GROUP);
	enter_group("");
	EXPECT_EQ(remove_group(GROUP), 0);
}

static int new_buffer(uint64_t offset, uint64_t size)
{
	return make_udmabuf(device, memfd, offset, size);
}

/* ---- one item ---- */

static void dmabuf_is_charged(void)
{
	int buffer;

	EXPECT_CHARGES(0, 0, 0);
	buffer = new_buffer(0, SIZE);
	EXPECT_AT_MOST(0, buffer);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	close(buffer);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(group_value(GROUP, "ioas.pinned.peak"), SIZE);
}

static void part_of_huge_pages_is_charged_as_that_part(void)
{
	static const struct {
		uint64_t first, pages;
	} parts[] = {
		{ 0, 1 },   { 511, 1 },	  { 5, 3 },
		{ 511, 2 }, { 300, 500 }, { 512, 512 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const uint64_t size = parts[i].pages * PAGE;
		const int buffer = new_buffer(parts[i].first * PAGE, size);

		EXPECT_AT_MOST(0, buffer);
		EXPECT_CHARGES(size, size, 1);
		close(buffer);
		EXPECT_CHARGES(0, 0, 0);
	}
}

static void two_dmabufs_of_the_same_memory_count_once(void)
{
	const int first = new_buffer(0, SIZE), second = new_buffer(0, SIZE),
		  part = new_buffer(SIZE / 4, SIZE / 2);

	EXPECT_CHARGES(SIZE, 2 * SIZE + SIZE / 2, 3);
	close(first);
	EXPECT_CHARGES(SIZE, SIZE + SIZE / 2, 2);
	close(second);
	EXPECT_CHARGES(SIZE / 2, SIZE / 2, 1);
	close(part);
	EXPECT_CHARGES(0, 0, 0);
}

static void limit_refuses_and_leaves_nothing(void)
{
	int buffer;
	int64_t before;

	/* Not more than one batch is ever held above the limit. */
	set_number(GROUP, "ioas.pinned.max", PAGE);
	before = pages_ever_pinned();
	EXPECT_EQ(new_buffer(0, SIZE), -ENOMEM);
	EXPECT_AT_MOST((pages_ever_pinned() - before) * PAGE, HUGE_PAGE + PAGE);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(events_of(GROUP, "max"), 1);

	set_number(GROUP, "ioas.pinned.max", SIZE - PAGE);
	EXPECT_EQ(new_buffer(0, SIZE), -ENOMEM);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(events_of(GROUP, "max"), 2);

	set_number(GROUP, "ioas.pinned.max", SIZE);
	buffer = new_buffer(0, SIZE);
	EXPECT_AT_MOST(0, buffer);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(events_of(GROUP, "max"), 2);
	close(buffer);
}

/* ---- several items ---- */

struct part {
	uint64_t offset, size;
};

/* Returns the file descriptor of a dma-buf, or -errno. */
static int list_buffer(const struct part *parts, unsigned int n)
{
	struct {
		struct udmabuf_create_list head;
		struct udmabuf_create_item items[4];
	} list = {
		.head.flags = UDMABUF_FLAGS_CLOEXEC,
		.head.count = n,
	};
	int fd;

	for (unsigned int i = 0; i < n; i++) {
		list.items[i].memfd = memfd;
		list.items[i].offset = parts[i].offset;
		list.items[i].size = parts[i].size;
	}
	fd = ioctl(device, UDMABUF_CREATE_LIST, &list);
	return fd < 0 ? -errno : fd;
}

static void list_has_one_account(void)
{
	static const struct part parts[] = {
		{ 0, PAGE },
		{ 7 * PAGE, 600 * PAGE },
		{ SIZE - PAGE, PAGE },
	};
	const int buffer = list_buffer(parts, 3);

	EXPECT_AT_MOST(0, buffer);
	EXPECT_CHARGES(602 * PAGE, 602 * PAGE, 1);
	close(buffer);
	EXPECT_CHARGES(0, 0, 0);
}

static void page_that_is_in_a_list_twice_counts_once(void)
{
	static const struct part parts[] = {
		{ 0, SIZE / 2 },
		{ SIZE / 4, SIZE / 2 },
		{ 0, SIZE / 2 },
	};
	const int buffer = list_buffer(parts, 3);

	EXPECT_AT_MOST(0, buffer);
	EXPECT_CHARGES(SIZE * 3 / 4, SIZE * 3 / 2, 1);
	close(buffer);
	EXPECT_CHARGES(0, 0, 0);
}

static void limit_in_the_middle_of_a_list_leaves_nothing(void)
{
	static const struct part parts[] = {
		{ 0, PAGE },
		{ SIZE / 4, 600 * PAGE },
		{ PAGE, PAGE },
	};
	int buffer;

	for (unsigned int pages = 0; pages < 602; pages += 43) {
		set_number(GROUP, "ioas.pinned.max", pages * PAGE);
		EXPECT_EQ(list_buffer(parts, 3), -ENOMEM);
		EXPECT_CHARGES(0, 0, 0);
	}
	EXPECT_EQ(events_of(GROUP, "max"), 14);
	set_number(GROUP, "ioas.pinned.max", 602 * PAGE);
	buffer = list_buffer(parts, 3);
	EXPECT_AT_MOST(0, buffer);
	close(buffer);
}

static void failure_in_the_middle_of_a_list_leaves_nothing(void)
{
	static const struct part not_aligned[] = { { 0, SIZE }, { 1, PAGE } };
	static const struct part outside[] = {
		{ 0, SIZE },
		{ SIZE, PAGE },
	};

	EXPECT_EQ(list_buffer(not_aligned, 2), -EINVAL);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_AT_MOST(list_buffer(outside, 2), -1);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(events_of(GROUP, "max"), 0);
}

/* A dma-buf that gets no file descriptor goes at once. */
static void no_descriptor_leaves_nothing(void)
{
	struct rlimit limit, none;

	REQUIRE(!getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = 0;
	REQUIRE(!setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(new_buffer(0, SIZE), -EMFILE);
	REQUIRE(!setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_CHARGES(0, 0, 0);
}

/* ---- how long it is charged ---- */

static void dmabuf_outlives_the_memfd(void)
{
	const int buffer = new_buffer(0, SIZE);

	close(memfd);
	memfd = -1;
	EXPECT_CHARGES(SIZE, SIZE, 1);
	close(buffer);
	EXPECT_CHARGES(0, 0, 0);
}

static void mapping_keeps_the_charge(void)
{
	const int buffer = new_buffer(0, SIZE);
	char *mapped =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, buffer, 0);

	REQUIRE(mapped != MAP_FAILED);
	mapped[0] = 2;
	close(buffer);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	put_memory(mapped, SIZE / 2);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	put_memory(mapped + SIZE / 2, SIZE / 2);
	EXPECT_CHARGES(0, 0, 0);
}

static void charge_stays_when_the_task_moves(void)
{
	int buffer, second;

	make_group(OTHER);
	buffer = new_buffer(0, SIZE);
	enter_group(OTHER);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	second = new_buffer(0, PAGE);
	EXPECT_KIND(OTHER, KIND, PAGE, PAGE, 1);
	close(buffer);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_KIND(OTHER, KIND, PAGE, PAGE, 1);
	close(second);
	EXPECT_NOTHING_PINNED(OTHER);
	enter_group(GROUP);
	EXPECT_EQ(remove_group(OTHER), 0);
}

/* ---- ends ---- */

static void hold_pins(void)
{
	enter_group(GROUP);
	device = open_udmabuf();
	memfd = get_memory();
	EXPECT_AT_MOST(0, new_buffer(0, SIZE));
	EXPECT_AT_MOST(0, new_buffer(SIZE / 2, SIZE / 2));
	pause_here();
}

static void make_own_group(void)
{
	make_group(GROUP);
}

static void remove_own_group(void)
{
	EXPECT_NOTHING_PINNED(GROUP);
	EXPECT_EQ(remove_group(GROUP), 0);
}

static void exit_leaves_nothing(void)
{
	struct child child;

	start_child(&child, hold_pins);
	EXPECT_CHARGES(SIZE, SIZE + SIZE / 2, 2);
	end_child(&child);
}

static void kill_leaves_nothing(void)
{
	struct child child;

	start_child(&child, hold_pins);
	EXPECT_CHARGES(SIZE, SIZE + SIZE / 2, 2);
	kill_child(&child);
}

/* RLIMIT_MEMLOCK never counted these. */
static void rlimit_memlock_makes_no_difference(void)
{
	const struct rlimit none = { 0, 0 };
	struct rlimit limit;
	int buffer;

	REQUIRE(!getrlimit(RLIMIT_MEMLOCK, &limit));
	REQUIRE(!setrlimit(RLIMIT_MEMLOCK, &none));
	REQUIRE(!seteuid(4242));
	buffer = new_buffer(0, SIZE);
	REQUIRE(!seteuid(0));
	REQUIRE(!setrlimit(RLIMIT_MEMLOCK, &limit));
	EXPECT_AT_MOST(0, buffer);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(charge_without_ioas(), 0);
	close(buffer);
}

/* ---- allocations that fail ---- */

/* An allocation for each page: with all of SIZE there would be thousands to fail. */
#define FEW_PAGES (64 * PAGE)

static int failing_buffer;

static int pin_failing_buffer(void)
{
	failing_buffer = new_buffer(0, FEW_PAGES);
	return failing_buffer < 0 ? failing_buffer : 0;
}

/* What fails in the second has pinned the first. */
static int pin_failing_list(void)
{
	static const struct part parts[] = {
		{ 0, FEW_PAGES / 2 },
		{ FEW_PAGES / 4, FEW_PAGES / 2 },
	};

	failing_buffer = list_buffer(parts, ARRAY_SIZE(parts));
	return failing_buffer < 0 ? failing_buffer : 0;
}

static int unpin_failing_buffer(void)
{
	return close(failing_buffer) ? -errno : 0;
}

static const struct failing_site failing_dmabuf = {
	.group = GROUP,
	.pin = pin_failing_buffer,
	.unpin = unpin_failing_buffer,
};

static const struct failing_site failing_list = {
	.group = GROUP,
	.pin = pin_failing_list,
	.unpin = unpin_failing_buffer,
};

#define RUN(test) run_test(#test, test, set_up, clean_up)
#define RUN_ENDS(test) run_test(#test, test, make_own_group, remove_own_group)

int main(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		kind = &kinds[i];
		test_variant = kind->name;
		RUN(dmabuf_is_charged);
		RUN(part_of_huge_pages_is_charged_as_that_part);
		RUN(two_dmabufs_of_the_same_memory_count_once);
		RUN(limit_refuses_and_leaves_nothing);
		RUN(list_has_one_account);
		RUN(page_that_is_in_a_list_twice_counts_once);
		RUN(limit_in_the_middle_of_a_list_leaves_nothing);
		RUN(failure_in_the_middle_of_a_list_leaves_nothing);
		RUN(mapping_keeps_the_charge);
	}
	kind = &kinds[0];
	test_variant = NULL;
	RUN(no_descriptor_leaves_nothing);
	RUN(dmabuf_outlives_the_memfd);
	RUN(charge_stays_when_the_task_moves);
	RUN(rlimit_memlock_makes_no_difference);
	RUN_ENDS(exit_leaves_nothing);
	RUN_ENDS(kill_leaves_nothing);
	run_failing_tests(&failing_dmabuf, run_failing_test, set_up, clean_up);
	test_variant = "list";
	run_failing_tests(&failing_list, run_failing_test, set_up, clean_up);
	return end_tests();
}
