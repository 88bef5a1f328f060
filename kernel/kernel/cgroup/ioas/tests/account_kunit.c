// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of accounts: real pages in arrays, as GUP gives them, some of which
 * do not count.
 */

#include <kunit/static_stub.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <trace/events/ioas.h>

#include "../fault.h"
#include "fixture.h"

#define HUGE_ORDER	9
#define HUGE_PAGES	BIT(HUGE_ORDER)
#define BLOCKS		(2 * IOAS_GATHER_SLOTS)
#define SINGLES		(16 * BLOCKS)
#define POOL_PAGES	(HUGE_PAGES + SINGLES)
#define MAX_ARRAY	900
#define ZERO		POOL_PAGES	/* number of the zero page in a pool */

/**
 * struct pool - what the arrays are made of
 * @huge: a large folio
 * @block: 2 MiB of single pages each, of more slots than a gather has
 * @page: the pages of @huge, some of each @block in turn, and the zero page
 * @times: how often each is charged; see is_exempt() for those that never are
 */
struct pool {
	struct page *huge;
	struct page *block[BLOCKS];
	struct page *page[POOL_PAGES + 1];
	unsigned int times[POOL_PAGES];
};

/**
 * struct array - the pages of one call
 * @pages: the pages
 * @number: their numbers in the pool
 * @nr: number of entries
 */
struct array {
	struct page *pages[MAX_ARRAY];
	unsigned int number[MAX_ARRAY];
	unsigned int nr;
};

/* Does a page not count?  The zero page, and some of the single ones. */
static bool is_exempt(unsigned int number)
{
	return number == ZERO || (number >= HUGE_PAGES && number % 16 == 0);
}

static struct pool *pool_create(struct kunit *test)
{
	struct pool *pool = kunit_kzalloc(test, sizeof(*pool), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, pool);
	pool->huge = alloc_pages(GFP_KERNEL | __GFP_COMP, HUGE_ORDER);
	KUNIT_ASSERT_NOT_NULL(test, pool->huge);
	for (i = 0; i < BLOCKS; i++) {
		pool->block[i] = alloc_pages(GFP_KERNEL, HUGE_ORDER);
		KUNIT_ASSERT_NOT_NULL(test, pool->block[i]);
	}
	for (i = 0; i < HUGE_PAGES; i++)
		pool->page[i] = nth_page(pool->huge, i);
	for (; i < POOL_PAGES; i++) {
		pool->page[i] = nth_page(pool->block[i % BLOCKS],
					 (i - HUGE_PAGES) / BLOCKS * 3);
		if (is_exempt(i))
			__set_bit(PG_reserved, &pool->page[i]->flags);
	}
	pool->page[ZERO] = ZERO_PAGE(0);
	return pool;
}

static void pool_destroy(struct pool *pool)
{
	int i;

	for (i = HUGE_PAGES; i < POOL_PAGES; i++)
		if (is_exempt(i))
			__clear_bit(PG_reserved, &pool->page[i]->flags);
	for (i = 0; i < BLOCKS; i++)
		__free_pages(pool->block[i], HUGE_ORDER);
	__free_pages(pool->huge, HUGE_ORDER);
}

static void array_add(struct array *array, struct pool *pool,
		      unsigned int number)
{
	array->number[array->nr] = number;
	array->pages[array->nr++] = pool->page[number];
}

/* Long runs, short runs and single pages, the zero page, and pages again. */
static struct array *array_create(struct kunit *test, struct pool *pool,
				  struct rnd_state *rnd, unsigned int nr)
{
	struct array *array = kunit_kzalloc(test, sizeof(*array), GFP_KERNEL);
	unsigned int at, len;

	KUNIT_ASSERT_NOT_NULL(test, array);
	while (array->nr < nr) {
		at = prandom_u32_state(rnd) % (POOL_PAGES + 1);
		len = 1;
		if (prandom_u32_state(rnd) % 32 == 0)
			len = 1 + prandom_u32_state(rnd) % HUGE_PAGES;
		else if (prandom_u32_state(rnd) % 4 == 0)
			len = 1 + prandom_u32_state(rnd) % 20;
		for (; len && at <= ZERO && array->nr < nr; at++, len--)
			array_add(array, pool, at);
	}
	return array;
}

static void pool_count(struct pool *pool, const struct array *array, int by)
{
	unsigned int i;

	for (i = 0; i < array->nr; i++)
		if (!is_exempt(array->number[i]))
			pool->times[array->number[i]] += by;
}

static unsigned long pool_unique(const struct pool *pool)
{
	unsigned long unique = 0;
	unsigned int i;

	for (i = 0; i < POOL_PAGES; i++)
		unique += !!pool->times[i];
	return unique;
}

static void expect_unique(struct kunit *test, struct pool *pool)
{
	unsigned long n = pool_unique(pool);

	EXPECT_USAGE(test, (struct fixture *)test->priv, n, n, n, 0, 0, 0);
}

/* ---- ways to uncharge an array ---- */

static void uncharge_as_array(struct ioas_cg_account *acct,
			      const struct array *array)
{
	ioas_cg_uncharge_pages(acct, (struct page **)array->pages, array->nr);
}

static void uncharge_in_pieces(struct ioas_cg_account *acct,
			       const struct array *array)
{
	unsigned int i, len;

	for (i = 0; i < array->nr; i += len) {
		len = min(array->nr - i, 1 + i % 97);
		ioas_cg_uncharge_pages(acct, (struct page **)array->pages + i,
				       len);
	}
}

static void uncharge_by_pfns(struct ioas_cg_account *acct,
			     const struct array *array)
{
	unsigned int i;

	for (i = array->nr; i > 0; i--)
		ioas_cg_uncharge_pfns(acct, page_to_pfn(array->pages[i - 1]),
				      1);
}

/* In the runs that the array has, which is what a list of unmaps looks like. */
static void uncharge_gathered_runs(struct ioas_cg_account *acct,
				   const struct array *array)
{
	struct ioas_cg_gather gather;
	unsigned int i, len;

	ioas_cg_gather_begin(&gather, acct);
	for (i = 0; i < array->nr; i += len) {
		for (len = 1; i + len < array->nr; len++)
			if (page_to_pfn(array->pages[i + len]) !=
			    page_to_pfn(array->pages[i]) + len)
				break;
		ioas_cg_gather_uncharge_pfns(&gather,
					     page_to_pfn(array->pages[i]), len);
	}
	ioas_cg_gather_end(&gather);
}

/* As for a list of unmaps of single pages. */
static void uncharge_gathered_pages(struct ioas_cg_account *acct,
				    const struct array *array)
{
	struct ioas_cg_gather gather;
	unsigned int i;

	ioas_cg_gather_begin(&gather, acct);
	for (i = 0; i < array->nr; i++)
		ioas_cg_gather_uncharge_pfns(&gather,
					     page_to_pfn(array->pages[i]), 1);
	ioas_cg_gather_end(&gather);
}

struct uncharge_case {
	const char *desc;
	void (*uncharge)(struct ioas_cg_account *acct,
			 const struct array *array);
};

static const struct uncharge_case uncharge_cases[] = {
	{ "as it was charged", uncharge_as_array },
	{ "in pieces", uncharge_in_pieces },
	{ "page by page, backwards", uncharge_by_pfns },
	{ "gathered run by run", uncharge_gathered_runs },
	{ "gathered page by page", uncharge_gathered_pages },
};

KUNIT_ARRAY_PARAM_DESC(uncharge, uncharge_cases, desc);

/* ---- tests ---- */

#define ARRAYS	60
#define AT_ONCE	3

/* Several arrays with pages in common are charged, and go in another order. */
static void arrays_count_each_page_once(struct kunit *test)
{
	const struct uncharge_case *c = test->param_value;
	struct fixture *f = test->priv;
	struct pool *pool = pool_create(test);
	struct array *array[AT_ONCE];
	struct rnd_state rnd;
	unsigned int i, k, nr;

	prandom_seed_state(&rnd, 1);
	for (i = 0; i < ARRAYS; i++) {
		for (k = 0; k < AT_ONCE; k++) {
			nr = 1 + prandom_u32_state(&rnd) % MAX_ARRAY;
			array[k] = array_create(test, pool, &rnd, nr);
			KUNIT_EXPECT_EQ(test, 0,
					ioas_cg_charge_pages(f->acct[A1],
							     array[k]->pages,
							     array[k]->nr));
			pool_count(pool, array[k], 1);
			expect_unique(test, pool);
		}
		for (k = 0; k < AT_ONCE; k++) {
			c->uncharge(f->acct[A1], array[(k + 1) % AT_ONCE]);
			pool_count(pool, array[(k + 1) % AT_ONCE], -1);
			expect_unique(test, pool);
		}
		for (k = 0; k < AT_ONCE; k++)
			kunit_kfree(test, array[k]);
	}
	pool_destroy(pool);
}

static void pages_that_do_not_count_are_left_out(struct kunit *test)
{
	struct page *zero[] = { ZERO_PAGE(0), ZERO_PAGE(0), ZERO_PAGE(0) };
	unsigned long pfn = page_to_pfn(zero[0]);
	struct fixture *f = test->priv;
	struct ioas_cg_gather gather;

	KUNIT_EXPECT_EQ(test, 0, ioas_cg_charge_pfns(f->acct[A1], pfn, 1));
	KUNIT_EXPECT_EQ(test, 0, ioas_cg_charge_pages(f->acct[A1], zero, 3));
	EXPECT_USAGE(test, f, 0, 0, 0, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, f->acct[A1]->pages);
	ioas_cg_uncharge_pages(f->acct[A1], zero, 3);
	ioas_cg_gather_begin(&gather, f->acct[A1]);
	ioas_cg_gather_uncharge_pfns(&gather, pfn, 1);
	ioas_cg_gather_end(&gather);
	KUNIT_EXPECT_EQ(test, 0, f->acct[A1]->pages);
}

/* Whatever page of the array is one too many. */
static void refused_array_is_undone_whole(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct pool *pool = pool_create(test);
	unsigned long max, unique;
	struct array *array;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 2);
	array = array_create(test, pool, &rnd, MAX_ARRAY);
	pool_count(pool, array, 1);
	unique = pool_unique(pool);
	KUNIT_ASSERT_GT(test, unique, 100);
	for (max = 0; max < unique; max++) {
		f->owner[A]->max = max;
		KUNIT_EXPECT_EQ(test, -ENOMEM,
				ioas_cg_charge_pages(f->acct[A1], array->pages,
						     array->nr));
		EXPECT_USAGE(test, f, 0, 0, 0, 0, 0, 0);
		KUNIT_EXPECT_EQ(test, 0, f->acct[A1]->pages);
	}
	KUNIT_EXPECT_EQ(test, unique, f->events[IOAS_EVENT_MAX]);
	f->owner[A]->max = max;
	KUNIT_EXPECT_EQ(test, 0,
			ioas_cg_charge_pages(f->acct[A1], array->pages,
					     array->nr));
	expect_unique(test, pool);
	ioas_cg_uncharge_pages(f->acct[A1], array->pages, array->nr);
	pool_destroy(pool);
}

/* Whatever allocation fails, while another account holds a part of the pages. */
static void failed_array_is_undone_whole(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct pool *pool = pool_create(test);
	struct array *array, *other;
	unsigned int nth, failed = 0;
	struct rnd_state rnd;
	int ret = -ENOMEM;

	prandom_seed_state(&rnd, 3);
	array = array_create(test, pool, &rnd, MAX_ARRAY);
	other = array_create(test, pool, &rnd, MAX_ARRAY);
	KUNIT_ASSERT_EQ(test, 0,
			ioas_cg_charge_pages(f->acct[A1], other->pages,
					     other->nr));
	pool_count(pool, other, 1);
	for (nth = 1; ret; nth++) {
		test_fail_allocation(test, nth);
		ret = ioas_cg_charge_pages(f->acct[A1], array->pages,
					   array->nr);
		KUNIT_ASSERT_EQ(test, !!ret, test_allocation_failed(test));
		failed += !!ret;
		if (!ret)
			pool_count(pool, array, 1);
		expect_unique(test, pool);
	}
	KUNIT_EXPECT_GE(test, failed, 3);
	ioas_cg_uncharge_pages(f->acct[A1], array->pages, array->nr);
	ioas_cg_uncharge_pages(f->acct[A1], other->pages, other->nr);
	EXPECT_USAGE(test, f, 0, 0, 0, 0, 0, 0);
	pool_destroy(pool);
}

/* What the events say is charged, and the sum of its page frame numbers. */
struct traced {
	long pages;
	unsigned long pfns;
};

static struct traced traced;

/* Made-up cgroups have no id. */
static void trace_run(u64 cgroup_id, unsigned long pfn, long nr, int sign)
{
	if (cgroup_id)
		return;
	traced.pages += sign * nr;
	for (; nr; pfn++, nr--)
		traced.pfns += sign * pfn;
}

static void probe_charge(void *unused, u64 cgroup_id, enum ioas_cg_kind kind,
			 unsigned long pfn, unsigned long nr)
{
	trace_run(cgroup_id, pfn, nr, 1);
}

static void probe_uncharge(void *unused, u64 cgroup_id, enum ioas_cg_kind kind,
			   unsigned long pfn, unsigned long nr)
{
	trace_run(cgroup_id, pfn, nr, -1);
}

static void unregister_probes(void *unused)
{
	unregister_trace_charge(probe_charge, NULL);
	unregister_trace_uncharge(probe_uncharge, NULL);
	tracepoint_synchronize_unregister();
}

static void events_add_up(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct pool *pool = pool_create(test);
	struct rnd_state rnd;
	struct array *array;
	unsigned long pfns;
	unsigned int i, k;

	if (!IS_ENABLED(CONFIG_TRACEPOINTS)) {
		pool_destroy(pool);
		kunit_skip(test, "without CONFIG_TRACEPOINTS");
	}
	traced = (struct traced){ };
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action(test, unregister_probes, NULL));
	KUNIT_ASSERT_EQ(test, 0, register_trace_charge(probe_charge, NULL));
	KUNIT_ASSERT_EQ(test, 0, register_trace_uncharge(probe_uncharge, NULL));
	prandom_seed_state(&rnd, 4);
	for (k = 0; k < ARRAY_SIZE(uncharge_cases); k++) {
		array = array_create(test, pool, &rnd, MAX_ARRAY);
		for (pfns = 0, i = 0; i < array->nr; i++)
			if (!is_exempt(array->number[i]))
				pfns += page_to_pfn(array->pages[i]);
		f->owner[A]->max = 500;
		KUNIT_EXPECT_EQ(test, -ENOMEM,
				ioas_cg_charge_pages(f->acct[A1], array->pages,
						     array->nr));
		KUNIT_EXPECT_EQ(test, traced.pages, 0);
		KUNIT_EXPECT_EQ(test, traced.pfns, 0);
		f->owner[A]->max = IOAS_PAGES_MAX;
		KUNIT_EXPECT_EQ(test, 0,
				ioas_cg_charge_pages(f->acct[A1], array->pages,
						     array->nr));
		KUNIT_EXPECT_EQ(test, traced.pages, f->acct[A1]->pages);
		KUNIT_EXPECT_EQ(test, traced.pfns, pfns);
		uncharge_cases[k].uncharge(f->acct[A1], array);
		KUNIT_EXPECT_EQ(test, traced.pages, 0);
		KUNIT_EXPECT_EQ(test, traced.pfns, 0);
	}
	pool_destroy(pool);
}

static unsigned int warnings;

static void count_warning(unsigned long pfn)
{
	warnings++;
}

/* Take @array out, as far as it is there; returns how often it is not. */
static unsigned int pool_take(struct pool *pool, const struct array *array)
{
	unsigned int i, missing = 0;

	for (i = 0; i < array->nr; i++) {
		if (is_exempt(array->number[i]))
			continue;
		if (pool->times[array->number[i]])
			pool->times[array->number[i]]--;
		else
			missing++;
	}
	return missing;
}

/* A bug of a caller: it is told, and nothing else goes wrong. */
static void uncharge_of_what_is_not_charged_warns(struct kunit *test)
{
	const struct uncharge_case *c = test->param_value;
	struct fixture *f = test->priv;
	struct pool *pool = pool_create(test);
	struct array *array, *other;
	struct rnd_state rnd;
	unsigned int missing;

	prandom_seed_state(&rnd, 5);
	array = array_create(test, pool, &rnd, MAX_ARRAY);
	other = array_create(test, pool, &rnd, MAX_ARRAY);
	KUNIT_ASSERT_EQ(test, 0,
			ioas_cg_charge_pages(f->acct[A1], array->pages,
					     array->nr));
	warnings = 0;
	kunit_activate_static_stub(test, ioas_warn_not_charged, count_warning);
	pool_count(pool, array, 1);
	missing = pool_take(pool, other);
	c->uncharge(f->acct[A1], other);
	expect_unique(test, pool);
	missing += pool_take(pool, array);
	c->uncharge(f->acct[A1], array);
	EXPECT_USAGE(test, f, 0, 0, 0, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, f->acct[A1]->pages, 0);
	KUNIT_EXPECT_GT(test, missing, 100);
	KUNIT_EXPECT_EQ(test, warnings, missing);
	kunit_deactivate_static_stub(test, ioas_warn_not_charged);
	pool_destroy(pool);
}

/* ---- what an account remembers ---- */

/* As the files of cgroups do it; one of them is made later. */
static void memlock_mode_is_inherited_when_a_cgroup_is_made(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_owner *late;

	WRITE_ONCE(f->owner[A]->memlock, IOAS_MEMLOCK_CGROUP);
	KUNIT_EXPECT_FALSE(test, ioas_owner_memlock_exempt(f->owner[A1]));
	late = ioas_owner_create(&f->ledger, f->owner[A], GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, late);
	KUNIT_EXPECT_TRUE(test, ioas_owner_memlock_exempt(late));
	ioas_owner_put(late);
}

/* However deep, and whenever they were made. */
static void inherited_memlock_mode_goes_with_that_above(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_owner *child, *deep;
	struct ioas_cg_account *acct;

	WRITE_ONCE(f->owner[A]->memlock, IOAS_MEMLOCK_CGROUP);
	child = ioas_owner_create(&f->ledger, f->owner[A], GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, child);
	deep = ioas_owner_create(&f->ledger, child, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, deep);
	KUNIT_EXPECT_TRUE(test, ioas_owner_memlock_exempt(deep));

	WRITE_ONCE(f->owner[A]->memlock, IOAS_MEMLOCK_RLIMIT);
	KUNIT_EXPECT_FALSE(test, ioas_owner_memlock_exempt(child));
	KUNIT_EXPECT_FALSE(test, ioas_owner_memlock_exempt(deep));
	acct = ioas_account_create(deep, current, NULL, IOAS_CG_RDMA, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, acct);
	KUNIT_EXPECT_FALSE(test, ioas_cg_memlock_exempt(acct));
	ioas_cg_account_put(acct);

	/* What is given to one of them itself does not. */
	WRITE_ONCE(child->memlock, IOAS_MEMLOCK_CGROUP);
	KUNIT_EXPECT_TRUE(test, ioas_owner_memlock_exempt(child));
	KUNIT_EXPECT_TRUE(test, ioas_owner_memlock_exempt(deep));
	ioas_owner_put(child);
	ioas_owner_put(deep);
}

static void account_keeps_the_memlock_mode_it_was_made_in(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_cg_account *acct;

	KUNIT_EXPECT_FALSE(test, ioas_cg_memlock_exempt(NULL));
	KUNIT_EXPECT_FALSE(test, ioas_cg_memlock_exempt(f->acct[A1]));
	WRITE_ONCE(f->owner[A1]->memlock, IOAS_MEMLOCK_CGROUP);
	KUNIT_EXPECT_FALSE(test, ioas_cg_memlock_exempt(f->acct[A1]));
	acct = ioas_account_create(f->owner[A1], current, NULL, IOAS_CG_RDMA,
				   GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, acct);
	KUNIT_EXPECT_TRUE(test, ioas_cg_memlock_exempt(acct));
	WRITE_ONCE(f->owner[A1]->memlock, IOAS_MEMLOCK_RLIMIT);
	KUNIT_EXPECT_TRUE(test, ioas_cg_memlock_exempt(acct));
	ioas_cg_account_put(acct);
}

static void account_ends_with_its_last_reference(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_cg_account *acct;
	struct ioas_owner_stat stat;

	KUNIT_EXPECT_NULL(test, ioas_cg_account_get(NULL));
	acct = ioas_account_create(f->owner[B], current, NULL, IOAS_CG_VDPA, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, acct);
	KUNIT_EXPECT_PTR_EQ(test, ioas_cg_account_get(acct), acct);
	ioas_cg_account_put(acct);
	ioas_owner_sum(f->owner[B], &stat);
	KUNIT_EXPECT_EQ(test, stat.accounts, 2);
	ioas_cg_account_put(acct);
	ioas_owner_sum(f->owner[B], &stat);
	KUNIT_EXPECT_EQ(test, stat.accounts, 1);
}

/* What the first left behind is not seen in the second. */
static void next_account_takes_the_memory_of_the_last(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_owner *owner = f->owner[B];
	struct ioas_cg_account *first, *second, *third;

	WRITE_ONCE(owner->memlock, IOAS_MEMLOCK_CGROUP);
	first = ioas_account_create(owner, current, NULL, IOAS_CG_VDPA, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, first);
	ioas_cg_account_put(first);
	KUNIT_EXPECT_PTR_EQ(test, owner->spare_account, first);

	WRITE_ONCE(owner->memlock, IOAS_MEMLOCK_RLIMIT);
	second = ioas_account_create(owner, current, NULL, IOAS_CG_RDMA, GFP_KERNEL);
	KUNIT_ASSERT_PTR_EQ(test, second, first);
	KUNIT_EXPECT_PTR_EQ(test, second->owner, owner);
	KUNIT_EXPECT_EQ(test, second->kind, IOAS_CG_RDMA);
	KUNIT_EXPECT_FALSE(test, ioas_cg_memlock_exempt(second));
	third = ioas_account_create(owner, current, NULL, IOAS_CG_RDMA, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, third);
	KUNIT_EXPECT_PTR_NE(test, third, second);

	/* One is kept, the other freed; what is kept goes with the owner. */
	ioas_cg_account_put(second);
	ioas_cg_account_put(third);
	KUNIT_EXPECT_PTR_EQ(test, owner->spare_account, second);
}

static struct kunit_case account_cases[] = {
	KUNIT_CASE(memlock_mode_is_inherited_when_a_cgroup_is_made),
	KUNIT_CASE(inherited_memlock_mode_goes_with_that_above),
	KUNIT_CASE(account_keeps_the_memlock_mode_it_was_made_in),
	KUNIT_CASE(account_ends_with_its_last_reference),
	KUNIT_CASE(next_account_takes_the_memory_of_the_last),
	KUNIT_CASE_PARAM(arrays_count_each_page_once, uncharge_gen_params),
	KUNIT_CASE(pages_that_do_not_count_are_left_out),
	KUNIT_CASE(refused_array_is_undone_whole),
	KUNIT_CASE(failed_array_is_undone_whole),
	KUNIT_CASE(events_add_up),
	KUNIT_CASE_PARAM(uncharge_of_what_is_not_charged_warns,
			 uncharge_gen_params),
	{ }
};

static struct kunit_suite account_suite = {
	.name = "ioas_account",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = account_cases,
};

kunit_test_suite(account_suite);
