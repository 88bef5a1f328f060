// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every allocation that a map makes fails once, then every one of an unmap: a
 * map that fails leaves nothing, and an unmap does not fail.
 *
 * Each operation runs with its first allocation failing, then with its second,
 * and so on until there is none left: that one alone, or all later ones too. The
 * memory is there beforehand, and part of it may be pinned by somebody else, so that
 * pages change between states.
 *
 *	failing-pins
 *	|-- x		maps and unmaps SIZE
 *	`-- y		has pinned every third page of it, or nothing
 *
 * failing_pins ADDRESS ADDRESS: two PCI devices bound to vfio-pci.
 */
#include "ioas_fail.h"
#include "ioas_vfio.h"

#define TOP "failing-pins"
#define X TOP "/x"
#define Y TOP "/y"
#define SIZE (2 * MIB)
#define NR_PAGES (SIZE / PAGE)

static const char *device[2];
static const struct container_kind *kind;
static struct container one, two;
static char *memory;
static bool y_pins, all_later;
static uint64_t pinned_by_y;

/* ---- before and after each test ---- */

static void set_up(void)
{
	make_inner_group(TOP);
	make_group(X);
	make_group(Y);
	memory = get_small_pages(SIZE);
	memset(memory, 1, SIZE);

	enter_group(Y);
	open_container(&two, kind, device[1]);
	pinned_by_y = 0;
	for (uint64_t i = 1; y_pins && i < NR_PAGES; i += 3) {
		REQUIRE(!map(&two, memory + i * PAGE, i * PAGE, PAGE));
		pinned_by_y += PAGE;
	}
	enter_group(X);
	open_container(&one, kind, device[0]);
	/* The IOMMU's own tables need not be allocated from now on. */
	REQUIRE(!map(&one, memory, 0, SIZE));
	REQUIRE(unmap(&one, 0, SIZE) == (int64_t)SIZE);
	inject_faults(true);
}

static void clean_up(void)
{
	inject_faults(false);
	close_container(&one);
	close_container(&two);
	put_memory(memory, SIZE);
	enter_group("");
	EXPECT_NOTHING_PINNED(TOP);
	EXPECT_EQ(remove_group(X), 0);
	EXPECT_EQ(remove_group(Y), 0);
	EXPECT_EQ(remove_group(TOP), 0);
}

static void expect_charges(int line, unsigned int nth, bool mapped)
{
	const struct {
		const char *what;
		int64_t found;
		int64_t expected;
	} rows[] = {
		{ "x: current", pinned(X), mapped ? SIZE : 0 },
		{ "x: gross", stat_of(X, "gross"), mapped ? SIZE : 0 },
		{ "x: shared", stat_of(X, "shared"), mapped ? pinned_by_y : 0 },
		{ "x: accounts", stat_of(X, "accounts"), mapped },
		{ "y: current", pinned(Y), pinned_by_y },
		{ "y: shared", stat_of(Y, "shared"), mapped ? pinned_by_y : 0 },
		{ "parent: current", pinned(TOP), mapped ? SIZE : pinned_by_y },
	};
	bool failed_before = test_failed;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(line, rows[i].what, rows[i].found, "",
		       rows[i].found == rows[i].expected, rows[i].expected);
	if (test_failed && !failed_before)
		fail_test("with allocation %u failing", nth);
}

#define EXPECT_CHARGES(nth, mapped) expect_charges(__LINE__, nth, mapped)

/* ---- tests ---- */

static void map_with_each_allocation_failing(void)
{
	unsigned int nth, nr_failed_maps = 0;

	for (nth = 1; nth < MOST_POINTS && !test_failed; nth++) {
		bool failed;
		int ret;

		begin_faults(nth, all_later);
		ret = map(&one, memory, 0, SIZE);
		failed = end_faults();
		EXPECT_CHARGES(nth, !ret);
		if (!ret)
			EXPECT_EQ(unmap(&one, 0, SIZE), SIZE);
		EXPECT_CHARGES(nth, false);
		nr_failed_maps += ret < 0;
		if (!failed)
			break;
		/* EFAULT: what iommufd makes of a fault in its own test points */
		if (ret && ret != -ENOMEM && ret != -EFAULT)
			fail_test("allocation %u: %s", nth, strerror(-ret));
	}
	printf("# %u allocations, %u of them needed\n", nth - 1,
	       nr_failed_maps);
	EXPECT_AT_MOST(nth, MOST_POINTS - 1);
	/* Or nothing was tested. */
	EXPECT_AT_MOST(1, nr_failed_maps);
}

static void unmap_with_each_allocation_failing(void)
{
	unsigned int nth;
	bool failed = true;

	for (nth = 1; failed && nth < MOST_POINTS && !test_failed; nth++) {
		int64_t ret;

		REQUIRE(!map(&one, memory, 0, SIZE));
		begin_faults(nth, all_later);
		ret = unmap(&one, 0, SIZE);
		failed = end_faults();
		EXPECT_EQ(ret, SIZE);
		EXPECT_CHARGES(nth, false);
	}
	printf("# %u allocations\n", nth - 2);
	EXPECT_AT_MOST(nth, MOST_POINTS - 1);
}

#define RUN(test) run_test(#test, test, set_up, clean_up)

int main(int argc, char **argv)
{
	static const struct container_kind *const kinds[] = { &type1_v2,
							      &compat_v2 };
	char variant[64];

	if (argc != 3) {
		fprintf(stderr, "usage: failing_pins ADDRESS ADDRESS\n");
		return 2;
	}
	device[0] = argv[1];
	device[1] = argv[2];
	open_faults();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		kind = kinds[i];
		for (unsigned int how = 0; how < 4; how++) {
			y_pins = how & 1;
			all_later = how & 2;
			snprintf(variant, sizeof(variant), "%s%s%s", kind->name,
				 y_pins ? ", shared" : "",
				 all_later ? ", all later too" : "");
			test_variant = variant;
			RUN(map_with_each_allocation_failing);
			RUN(unmap_with_each_allocation_failing);
		}
	}
	return end_tests();
}
