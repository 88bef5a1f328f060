// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the index: index.c, through accounts. */

#include <linux/xarray.h>

#include "fixture.h"

/* A page frame number at the start of a block of the index: 128 MiB. */
#define BLOCK_PAGES	(64UL * 512)
#define BASE		(7 * BLOCK_PAGES)

static int charge(struct fixture *f, enum test_owner o, unsigned long pfn,
		  unsigned long nr)
{
	return ioas_account_charge(f->acct[o], BASE + pfn, nr);
}

static void uncharge(struct fixture *f, enum test_owner o, unsigned long pfn,
		     unsigned long nr)
{
	ioas_account_uncharge(f->acct[o], BASE + pfn, nr);
}

static unsigned long count_of(struct fixture *f, enum test_owner o,
			      unsigned long pfn)
{
	struct ioas_state *state = ioas_index_lookup(&f->ledger, BASE + pfn);
	unsigned long count = ioas_state_count(state, f->owner[o]);

	ioas_state_put(&f->ledger, state);
	return count;
}

/* ---- ranges ---- */

struct range_case {
	const char *desc;
	unsigned long pfn;
	unsigned long nr;
};

static const struct range_case range_cases[] = {
	{ "one page", 5, 1 },
	{ "first page of a slot", 512, 1 },
	{ "last page of a slot", 1023, 1 },
	{ "a slot", 512, 512 },
	{ "all but the first page", 513, 511 },
	{ "all but the last page", 512, 511 },
	{ "across two slots", 500, 100 },
	{ "from a slot's last page to the next's first", 511, 2 },
	{ "several slots with ragged ends", 300, 2000 },
	{ "across blocks", BLOCK_PAGES - 700, 1500 },
	{ "more than a block", 100, BLOCK_PAGES + 1000 },
};

KUNIT_ARRAY_PARAM_DESC(range, range_cases, desc);

static void charge_counts_each_page_of_a_range(struct kunit *test)
{
	const struct range_case *r = test->param_value;
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, 0, charge(f, A1, r->pfn, r->nr));
	EXPECT_USAGE(test, f, r->nr, r->nr, r->nr, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, count_of(f, A1, r->pfn), 1);
	KUNIT_EXPECT_EQ(test, count_of(f, A1, r->pfn + r->nr - 1), 1);
	KUNIT_EXPECT_EQ(test, count_of(f, A1, r->pfn - 1), 0);
	KUNIT_EXPECT_EQ(test, count_of(f, A1, r->pfn + r->nr), 0);
	uncharge(f, A1, r->pfn, r->nr);
	EXPECT_USAGE(test, f, 0, 0, 0, 0, 0, 0);
}

static void uncharge_works_in_another_granularity(struct kunit *test)
{
	const struct range_case *r = test->param_value;
	struct fixture *f = test->priv;
	unsigned long done, len;

	KUNIT_ASSERT_EQ(test, 0, charge(f, A1, r->pfn, r->nr));
	for (done = 0; done < r->nr; done += len) {
		len = min(r->nr - done, 37UL);
		uncharge(f, A1, r->pfn + done, len);
		KUNIT_EXPECT_EQ(test, test_usage(f, A1), r->nr - done - len);
	}
}

static void charge_page_by_page_equals_one_charge(struct kunit *test)
{
	const struct range_case *r = test->param_value;
	struct fixture *f = test->priv;
	unsigned long i;

	for (i = 0; i < r->nr; i++)
		KUNIT_ASSERT_EQ(test, 0, charge(f, A1, r->pfn + i, 1));
	EXPECT_USAGE(test, f, r->nr, r->nr, r->nr, 0, 0, 0);
	uncharge(f, A1, r->pfn, r->nr);
}

static void second_owner_over_part_of_a_range(struct kunit *test)
{
	const struct range_case *r = test->param_value;
	unsigned long half = DIV_ROUND_UP(r->nr, 2);
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, 0, charge(f, A1, r->pfn, r->nr));
	KUNIT_ASSERT_EQ(test, 0, charge(f, A2, r->pfn, half));
	EXPECT_USAGE(test, f, r->nr, r->nr, r->nr, 0, half, 0);
	KUNIT_EXPECT_EQ(test, test_shared(f, A1), half);
	KUNIT_EXPECT_EQ(test, test_shared(f, A2), half);
	KUNIT_EXPECT_EQ(test, test_shared(f, A), 0);
	uncharge(f, A1, r->pfn, r->nr);
	EXPECT_USAGE(test, f, half, half, 0, 0, half, 0);
	KUNIT_EXPECT_EQ(test, test_shared(f, A2), 0);
	uncharge(f, A2, r->pfn, half);
}

/* ---- who is charged ---- */

static void page_pinned_k_times_needs_k_unpins(struct kunit *test)
{
	struct fixture *f = test->priv;
	int i;

	for (i = 0; i < 5; i++)
		KUNIT_ASSERT_EQ(test, 0, charge(f, B, 10, 3));
	for (i = 0; i < 5; i++) {
		EXPECT_USAGE(test, f, 3, 0, 0, 0, 0, 3);
		uncharge(f, B, 10, 3);
	}
	EXPECT_USAGE(test, f, 0, 0, 0, 0, 0, 0);
}

static void siblings_count_once_in_their_parent(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, 0, charge(f, A1, 0, 1024));
	KUNIT_ASSERT_EQ(test, 0, charge(f, A2, 512, 1024));
	EXPECT_USAGE(test, f, 1536, 1536, 1024, 0, 1024, 0);
	uncharge(f, A1, 0, 1024);
	EXPECT_USAGE(test, f, 1024, 1024, 0, 0, 1024, 0);
	uncharge(f, A2, 512, 1024);
}

static void parent_and_child_count_once_in_the_parent(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, 0, charge(f, A, 0, 600));
	KUNIT_ASSERT_EQ(test, 0, charge(f, DEEP, 0, 600));
	EXPECT_USAGE(test, f, 600, 600, 600, 600, 0, 0);
	KUNIT_EXPECT_EQ(test, test_shared(f, A1), 600);
	KUNIT_EXPECT_EQ(test, test_shared(f, A), 0);
	uncharge(f, A, 0, 600);
	EXPECT_USAGE(test, f, 600, 600, 600, 600, 0, 0);
	KUNIT_EXPECT_EQ(test, test_shared(f, A1), 0);
	uncharge(f, DEEP, 0, 600);
}

/* ---- forms of leaves ---- */

static void expect_forms(struct kunit *test, struct fixture *f,
			 unsigned long even, unsigned long two,
			 unsigned long many)
{
	struct ioas_index_size size;

	ioas_index_measure(&f->ledger, &size);
	KUNIT_EXPECT_EQ(test, size.even, even);
	KUNIT_EXPECT_EQ(test, size.two, two);
	KUNIT_EXPECT_EQ(test, size.many, many);
}

static void leaf_becomes_even_again_as_soon_as_it_can(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, 0, charge(f, A1, 0, 512));
	expect_forms(test, f, 1, 0, 0);
	uncharge(f, A1, 100, 1);
	expect_forms(test, f, 0, 1, 0);
	KUNIT_ASSERT_EQ(test, 0, charge(f, A1, 100, 1));
	expect_forms(test, f, 1, 0, 0);

	KUNIT_ASSERT_EQ(test, 0, charge(f, A2, 0, 100));
	expect_forms(test, f, 0, 1, 0);
	KUNIT_ASSERT_EQ(test, 0, charge(f, B, 50, 100));
	expect_forms(test, f, 0, 0, 1);
	uncharge(f, B, 50, 100);
	uncharge(f, A2, 0, 100);
	expect_forms(test, f, 1, 0, 0);
	uncharge(f, A1, 0, 512);
	expect_forms(test, f, 0, 0, 0);
}

/* Moving all pages of one state on needs no third state. */
static void second_pin_of_a_partial_leaf_keeps_its_form(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, 0, charge(f, A1, 10, 300));
	KUNIT_ASSERT_EQ(test, 0, charge(f, A1, 10, 300));
	expect_forms(test, f, 0, 1, 0);
	uncharge(f, A1, 10, 300);
	uncharge(f, A1, 10, 300);
}

/* As many states in one leaf as it has pages: each page another count. */
static void leaf_holds_as_many_states_as_pages(struct kunit *test)
{
	struct fixture *f = test->priv;
	int i;

	for (i = 0; i < 512; i++)
		KUNIT_ASSERT_EQ(test, 0, charge(f, A1, i, 512 - i));
	EXPECT_USAGE(test, f, 512, 512, 512, 0, 0, 0);
	expect_forms(test, f, 0, 0, 1);
	for (i = 0; i < 512; i += 51)
		KUNIT_EXPECT_EQ(test, count_of(f, A1, i), i + 1);
	/* From the other end: the order of unpins is free. */
	for (i = 511; i >= 0; i--)
		uncharge(f, A1, i, 512 - i);
	EXPECT_USAGE(test, f, 0, 0, 0, 0, 0, 0);
}

/*
 * All entries of a palette in use, by pairs of pages with the same count: an
 * uncharge that splits a pair has to get a larger one.
 */
static void uncharge_can_grow_the_palette(struct kunit *test)
{
	struct fixture *f = test->priv;
	int pair;

	/* Counts 2, 4, ..., 512, two pages each. */
	for (pair = 0; pair < 256; pair++) {
		KUNIT_ASSERT_EQ(test, 0,
				charge(f, A1, 2 * pair, 512 - 2 * pair));
		KUNIT_ASSERT_EQ(test, 0,
				charge(f, A1, 2 * pair, 512 - 2 * pair));
	}
	/* Every allocation that may fail does. */
	test_fail_allocation(test, 1);
	uncharge(f, A1, 100, 1);
	test_fail_allocation(test, 0);
	KUNIT_EXPECT_EQ(test, count_of(f, A1, 100), 101);
	KUNIT_EXPECT_EQ(test, count_of(f, A1, 101), 102);
	KUNIT_ASSERT_EQ(test, 0, charge(f, A1, 100, 1));
	for (pair = 255; pair >= 0; pair--) {
		uncharge(f, A1, 2 * pair, 512 - 2 * pair);
		uncharge(f, A1, 2 * pair, 512 - 2 * pair);
	}
}

/* ---- failures ---- */

/*
 * Three blocks: a slot of form two at the end of the first, nothing in the
 * second, and a slot of form many at the start of the third.
 */
struct obstacle {
	enum test_owner owner;
	unsigned long pfn;
	unsigned long nr;
};

static const struct obstacle obstacles[] = {
	{ A1, BLOCK_PAGES - 512, 512 },
	{ B, BLOCK_PAGES - 300, 100 },
	{ A1, 2 * BLOCK_PAGES, 512 },
	{ B, 2 * BLOCK_PAGES, 50 },
	{ B, 2 * BLOCK_PAGES + 350, 50 },
	{ ROOT, 2 * BLOCK_PAGES + 60, 10 },
};

static void obstacles_charge(struct kunit *test, struct fixture *f)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(obstacles); i++)
		KUNIT_ASSERT_EQ(test, 0, charge(f, obstacles[i].owner,
						obstacles[i].pfn,
						obstacles[i].nr));
}

static void obstacles_uncharge(struct fixture *f)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(obstacles); i++)
		uncharge(f, obstacles[i].owner, obstacles[i].pfn,
			 obstacles[i].nr);
}

/*
 * A charge that starts and ends in the middle of the outer slots, and all of
 * its allocations in turn fail: nothing may be left of it.
 */
static void failed_charge_leaves_nothing(struct kunit *test)
{
	const unsigned long first = BLOCK_PAGES - 250;
	const unsigned long nr = 250 + BLOCK_PAGES + 370;
	struct fixture *f = test->priv;
	int nth = 1, failed = 0, ret;

	do {
		/* Anew each time: leaves keep their form, and empty blocks */
		ioas_index_trim(&f->ledger);
		obstacles_charge(test, f);
		test_fail_allocation(test, nth++);
		ret = charge(f, A2, first, nr);
		if (ret) {
			failed++;
			KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
			KUNIT_EXPECT_TRUE(test, test_allocation_failed(test));
			EXPECT_USAGE(test, f, 1024, 1024, 1024, 0, 0, 200);
			KUNIT_EXPECT_EQ(test, test_shared(f, A1), 210);
		} else {
			uncharge(f, A2, first, nr);
		}
		obstacles_uncharge(f);
	} while (ret);
	test_fail_allocation(test, 0);
	/*
	 * The states A1+A2, A1+A2+B on top of it, and A1+A2+root; a leaf of form
	 * many and its palette, a larger palette, a block and its place
	 * in the xarray.
	 */
	KUNIT_EXPECT_EQ(test, failed, 8);
}

static void uncharge_does_not_fail_without_memory(struct kunit *test)
{
	struct fixture *f = test->priv;
	int i;

	KUNIT_ASSERT_EQ(test, 0, charge(f, A1, 0, 512));
	KUNIT_ASSERT_EQ(test, 0, charge(f, A2, 0, 512));
	KUNIT_ASSERT_EQ(test, 0, charge(f, B, 0, 512));
	/* Every allocation fails that may. */
	for (i = 0; i < 512; i += 2) {
		test_fail_allocation(test, 1);
		uncharge(f, A1, i, 1);
		test_fail_allocation(test, 1);
		uncharge(f, B, (i + 7) % 512, 1);
	}
	test_fail_allocation(test, 0);
	EXPECT_USAGE(test, f, 512, 512, 256, 0, 512, 256);
	for (i = 1; i < 512; i += 2) {
		uncharge(f, A1, i, 1);
		uncharge(f, B, (i + 7) % 512, 1);
	}
	uncharge(f, A2, 0, 512);
}

/* One page at a time, as long as one leaf is enough. */
static void next_leaf_takes_the_memory_of_the_last(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, 0, charge(f, A1, 7, 1));
	KUNIT_EXPECT_NULL(test, f->owner[A1]->spare_leaf);
	uncharge(f, A1, 7, 1);
	KUNIT_EXPECT_NOT_NULL(test, f->owner[A1]->spare_leaf);

	test_fail_allocation(test, 1);
	KUNIT_EXPECT_EQ(test, 0, charge(f, A1, 700, 1));
	KUNIT_EXPECT_FALSE(test, test_allocation_failed(test));
	KUNIT_EXPECT_NULL(test, f->owner[A1]->spare_leaf);
	KUNIT_EXPECT_EQ(test, -ENOMEM, charge(f, A1, 7, 1));
	test_fail_allocation(test, 0);
	KUNIT_EXPECT_EQ(test, test_usage(f, A1), 1);

	/* One is kept, the other freed; what is kept goes with the owner. */
	KUNIT_EXPECT_EQ(test, 0, charge(f, A1, 7, 1));
	uncharge(f, A1, 7, 1);
	uncharge(f, A1, 700, 1);
	KUNIT_EXPECT_NOT_NULL(test, f->owner[A1]->spare_leaf);
}

static struct kunit_case index_cases[] = {
	KUNIT_CASE_PARAM(charge_counts_each_page_of_a_range, range_gen_params),
	KUNIT_CASE_PARAM(uncharge_works_in_another_granularity,
			 range_gen_params),
	KUNIT_CASE_PARAM(charge_page_by_page_equals_one_charge,
			 range_gen_params),
	KUNIT_CASE_PARAM(second_owner_over_part_of_a_range, range_gen_params),
	KUNIT_CASE(page_pinned_k_times_needs_k_unpins),
	KUNIT_CASE(siblings_count_once_in_their_parent),
	KUNIT_CASE(parent_and_child_count_once_in_the_parent),
	KUNIT_CASE(leaf_becomes_even_again_as_soon_as_it_can),
	KUNIT_CASE(second_pin_of_a_partial_leaf_keeps_its_form),
	KUNIT_CASE(leaf_holds_as_many_states_as_pages),
	KUNIT_CASE(uncharge_can_grow_the_palette),
	KUNIT_CASE(failed_charge_leaves_nothing),
	KUNIT_CASE(uncharge_does_not_fail_without_memory),
	KUNIT_CASE(next_leaf_takes_the_memory_of_the_last),
	{ }
};

static struct kunit_suite index_suite = {
	.name = "ioas_index",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = index_cases,
};

kunit_test_suite(index_suite);
