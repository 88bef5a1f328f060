// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of what pins and charges in one step, on the memory of a task.
 */

#include <linux/mm.h>
#include <linux/mman.h>

#include "fixture.h"

/* More than two batches, and the last one not full. */
#define NR_PAGES	1300UL

/**
 * struct pin_case - one of the two ways to pin
 * @name: what it stands in for
 * @pin: it
 */
struct pin_case {
	const char *name;
	long (*pin)(struct ioas_cg_account *acct, unsigned long start,
		    unsigned long nr_pages, unsigned int gup_flags,
		    struct page **pages);
};

static long pin_locked(struct ioas_cg_account *acct, unsigned long start,
		       unsigned long nr_pages, unsigned int gup_flags,
		       struct page **pages)
{
	long ret;

	mmap_read_lock(current->mm);
	ret = ioas_cg_pin_user_pages(acct, start, nr_pages, gup_flags, pages);
	mmap_read_unlock(current->mm);
	return ret;
}

static const struct pin_case pin_case_list[] = {
	{ "pin_user_pages", pin_locked },
	{ "pin_user_pages_fast", ioas_cg_pin_user_pages_fast },
};

KUNIT_ARRAY_PARAM_DESC(pin, pin_case_list, name);

static unsigned long map_memory(struct kunit *test)
{
	unsigned long start;

	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		kunit_skip(test, "KUnit never puts the mm of a test");
	start = kunit_vm_mmap(test, NULL, 0, NR_PAGES * PAGE_SIZE,
			      PROT_READ | PROT_WRITE,
			      MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, start, 0);
	KUNIT_ASSERT_LT(test, start, TASK_SIZE);
	return start;
}

static long pin_memory(struct kunit *test, unsigned long start,
		       struct page **pages)
{
	const struct pin_case *c = test->param_value;
	struct fixture *f = test->priv;

	return c->pin(f->acct[A1], start, NR_PAGES, FOLL_WRITE | FOLL_LONGTERM,
		      pages);
}

static struct page **page_array(struct kunit *test)
{
	struct page **pages = kunit_kcalloc(test, NR_PAGES, sizeof(*pages),
					    GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pages);
	return pages;
}

/* None that was once pinned is pinned now. */
static void expect_unpinned(struct kunit *test, struct page **pages)
{
	int i;

	for (i = 0; i < NR_PAGES && pages[i]; i++)
		if (folio_maybe_dma_pinned(page_folio(pages[i])))
			break;
	KUNIT_EXPECT_TRUE_MSG(test, i == NR_PAGES || !pages[i],
			      "page %d is pinned", i);
}

static void what_is_pinned_is_charged(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct page **pages = page_array(test);
	unsigned long start = map_memory(test);

	KUNIT_ASSERT_EQ(test, pin_memory(test, start, pages), NR_PAGES);
	EXPECT_USAGE(test, f, NR_PAGES, NR_PAGES, NR_PAGES, 0, 0, 0);
	ioas_cg_unpin_user_pages(f->acct[A1], pages, 10);
	EXPECT_USAGE(test, f, NR_PAGES - 10, NR_PAGES - 10, NR_PAGES - 10,
		     0, 0, 0);
	ioas_cg_unpin_user_pages_dirty_lock(f->acct[A1], pages + 10,
					    NR_PAGES - 10, true);
	EXPECT_USAGE(test, f, 0, 0, 0, 0, 0, 0);
	expect_unpinned(test, pages);
}

/* As GUP does: what comes before a hole stays pinned. */
static void pages_before_a_hole_are_pinned_and_charged(struct kunit *test)
{
	static const unsigned long holes[] = { 1, 512, 513, 1299 };
	struct fixture *f = test->priv;
	struct page **pages = page_array(test);
	unsigned long start = map_memory(test), hole;
	int i;

	for (i = ARRAY_SIZE(holes) - 1; i >= 0; i--) {
		hole = holes[i];
		KUNIT_ASSERT_EQ(test, 0,
				vm_munmap(start + hole * PAGE_SIZE, PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, pin_memory(test, start, pages), hole);
		EXPECT_USAGE(test, f, hole, hole, hole, 0, 0, 0);
		ioas_cg_unpin_user_pages(f->acct[A1], pages, hole);
	}
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(start, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, pin_memory(test, start, pages), -EFAULT);
	EXPECT_USAGE(test, f, 0, 0, 0, 0, 0, 0);
	expect_unpinned(test, pages);
}

/* Whichever batch it is in; and at most one batch is held above the limit. */
static void refusal_leaves_nothing_pinned(struct kunit *test)
{
	static const unsigned long limits[] = { 0, 1, 511, 512, 600, 1299 };
	struct fixture *f = test->priv;
	struct page **pages = page_array(test);
	unsigned long start = map_memory(test);
	int i, nr;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		memset(pages, 0, NR_PAGES * sizeof(*pages));
		f->owner[A]->max = limits[i];
		KUNIT_EXPECT_EQ(test, pin_memory(test, start, pages), -ENOMEM);
		EXPECT_USAGE(test, f, 0, 0, 0, 0, 0, 0);
		expect_unpinned(test, pages);
		for (nr = 0; nr < NR_PAGES && pages[nr]; nr++)
			;
		KUNIT_EXPECT_LE(test, nr, limits[i] + 512);
	}
	f->owner[A]->max = NR_PAGES;
	KUNIT_EXPECT_EQ(test, pin_memory(test, start, pages), NR_PAGES);
	ioas_cg_unpin_user_pages(f->acct[A1], pages, NR_PAGES);
}

static struct kunit_case pin_cases[] = {
	KUNIT_CASE_PARAM(what_is_pinned_is_charged, pin_gen_params),
	KUNIT_CASE_PARAM(pages_before_a_hole_are_pinned_and_charged,
			 pin_gen_params),
	KUNIT_CASE_PARAM(refusal_leaves_nothing_pinned, pin_gen_params),
	{ }
};

static struct kunit_suite pin_suite = {
	.name = "ioas_pin",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = pin_cases,
};

kunit_test_suite(pin_suite);
