// SPDX-License-Identifier: GPL-2.0-only
/* Benchmarks of the index, on made-up page frame numbers.  See bench.h. */

#include <linux/ktime.h>
#include <linux/page_counter.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "bench.h"
#include "fixture.h"

#define ROUNDS		BENCH_ROUNDS
#define DEPTH		4	/* levels below the root */
#define LEAF		512UL
#define GIB		(1UL << (30 - PAGE_SHIFT))
#define TIB		(1024 * GIB)

/* ---- a chain of owners, and one of page counters ---- */

struct chain {
	struct ioas_ledger *ledger;
	struct ioas_owner *owner[DEPTH + 1];
	struct ioas_cg_account *acct;
	struct page_counter counter[DEPTH + 1];
	struct page_counter *lowest;
};

static int chain_init(struct kunit *test)
{
	struct chain *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->ledger = test_ledger_create(test);
	for (i = 0; i <= DEPTH; i++) {
		c->owner[i] = ioas_owner_create(c->ledger,
						i ? c->owner[i - 1] : NULL,
						GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, c->owner[i]);
		page_counter_init(&c->counter[i],
				  i ? &c->counter[i - 1] : NULL, false);
	}
	c->lowest = &c->counter[DEPTH];
	c->acct = ioas_account_create(c->owner[DEPTH], current, NULL, IOAS_CG_VFIO,
				      GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, c->acct);
	test->priv = c;
	return 0;
}

static void chain_exit(struct kunit *test)
{
	struct chain *c = test->priv;
	int i;

	ioas_cg_account_put(c->acct);
	for (i = DEPTH; i >= 0; i--)
		ioas_owner_put(c->owner[i]);
	test_ledger_destroy(c->ledger);
}

/* An account of a new sibling of the lowest owner, which goes with it. */
static struct ioas_cg_account *sibling_account(struct kunit *test,
					       struct chain *c)
{
	struct ioas_cg_account *acct;
	struct ioas_owner *owner;

	owner = ioas_owner_create(c->ledger, c->owner[DEPTH - 1], GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, owner);
	acct = ioas_account_create(owner, current, NULL, IOAS_CG_VFIO, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, acct);
	ioas_owner_put(owner);
	return acct;
}

/* ---- huge pages ---- */

#define BLOCK (64 * LEAF)	/* pages that are in the same block of the index */

#define HUGE_LOOPS 2000000

/* One page after the other, of 64 that are @stride apart. */
static u64 time_huge(struct kunit *test, struct chain *c, unsigned long stride)
{
	u64 start = ktime_get_ns();
	int i;

	for (i = 0; i < HUGE_LOOPS; i++) {
		KUNIT_ASSERT_EQ(test, 0,
				ioas_account_charge(c->acct, i % 64 * stride,
						    LEAF));
		ioas_account_uncharge(c->acct, i % 64 * stride, LEAF);
	}
	return ktime_get_ns() - start;
}

static u64 time_counter(struct kunit *test, struct chain *c)
{
	struct page_counter *fail;
	u64 start = ktime_get_ns();
	int i;

	for (i = 0; i < HUGE_LOOPS; i++) {
		KUNIT_ASSERT_TRUE(test, page_counter_try_charge(c->lowest, LEAF,
								&fail));
		page_counter_uncharge(c->lowest, LEAF);
	}
	return ktime_get_ns() - start;
}

static void bench_huge(struct kunit *test)
{
	struct chain *c = test->priv;
	u64 t[ROUNDS], far[ROUNDS], base[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++) {
		t[i] = time_huge(test, c, LEAF);
		far[i] = time_huge(test, c, BLOCK);
		base[i] = time_counter(test, c);
	}
	bench_report(test, "huge_charge_uncharge", bench_median(t, ROUNDS),
		     bench_median(base, ROUNDS), HUGE_LOOPS, "ns");
	/* Four blocks for each place where an empty one is kept. */
	bench_report(test, "huge_far_apart_charge_uncharge",
		     bench_median(far, ROUNDS), bench_median(t, ROUNDS),
		     HUGE_LOOPS, "ns");
}

/* ---- runs of 16 pages ---- */

#define RUN		16UL
#define RUN_PAGES	(4 * GIB)

/* Every second run, so that they are separate and leaves stay partial. */
static void bench_runs(struct kunit *test)
{
	unsigned long pages = RUN_PAGES / 2, pfn;
	struct chain *c = test->priv;
	u64 in[ROUNDS], out[ROUNDS], start;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		start = ktime_get_ns();
		for (pfn = 0; pfn < RUN_PAGES; pfn += 2 * RUN)
			KUNIT_ASSERT_EQ(test, 0,
					ioas_account_charge(c->acct, pfn, RUN));
		in[i] = ktime_get_ns() - start;
		start = ktime_get_ns();
		for (pfn = 0; pfn < RUN_PAGES; pfn += 2 * RUN)
			ioas_account_uncharge(c->acct, pfn, RUN);
		out[i] = ktime_get_ns() - start;
	}
	bench_report(test, "run16_charge", bench_median(in, ROUNDS), 0, pages, "ns/page");
	bench_report(test, "run16_uncharge", bench_median(out, ROUNDS), 0,
		     pages, "ns/page");
}

/* ---- single random pages, against an xarray with an entry a page ---- */

#define RANDOM_PAGES	BIT(20)
#define RANDOM_SPAN	(64 * GIB)

/* Page numbers without repetition: an odd factor permutes them. */
static unsigned long *random_pfns(struct kunit *test)
{
	unsigned long *pfns = vmalloc(array_size(RANDOM_PAGES, sizeof(*pfns)));
	struct rnd_state rnd;
	unsigned long i, at, tmp;

	KUNIT_ASSERT_NOT_NULL(test, pfns);
	prandom_seed_state(&rnd, 1);
	for (i = 0; i < RANDOM_PAGES; i++)
		pfns[i] = i * 0x9e3779b1UL % RANDOM_SPAN;
	for (i = RANDOM_PAGES - 1; i; i--) {
		at = prandom_u32_state(&rnd) % (i + 1);
		tmp = pfns[i];
		pfns[i] = pfns[at];
		pfns[at] = tmp;
	}
	return pfns;
}

static void time_xarray(struct kunit *test, struct chain *c,
			const unsigned long *pfns, u64 *in, u64 *out)
{
	struct page_counter *fail;
	struct xarray xa;
	unsigned long i;
	u64 start;

	xa_init_flags(&xa, XA_FLAGS_ACCOUNT);
	start = ktime_get_ns();
	for (i = 0; i < RANDOM_PAGES; i++) {
		xa_store(&xa, pfns[i], c, GFP_KERNEL);
		KUNIT_ASSERT_TRUE(test, page_counter_try_charge(c->lowest, 1,
								&fail));
	}
	*in = ktime_get_ns() - start;
	start = ktime_get_ns();
	for (i = 0; i < RANDOM_PAGES; i++) {
		xa_erase(&xa, pfns[i]);
		page_counter_uncharge(c->lowest, 1);
	}
	*out = ktime_get_ns() - start;
	xa_destroy(&xa);
}

#define RANDOM_ROUNDS 3

static void bench_random(struct kunit *test)
{
	u64 in[RANDOM_ROUNDS], out[RANDOM_ROUNDS], start;
	u64 xa_in[RANDOM_ROUNDS], xa_out[RANDOM_ROUNDS];
	unsigned long *pfns = random_pfns(test), i;
	struct chain *c = test->priv;
	int r;

	for (r = 0; r < RANDOM_ROUNDS; r++) {
		start = ktime_get_ns();
		for (i = 0; i < RANDOM_PAGES; i++)
			KUNIT_ASSERT_EQ(test, 0,
					ioas_account_charge(c->acct, pfns[i],
							    1));
		in[r] = ktime_get_ns() - start;
		KUNIT_EXPECT_EQ(test, RANDOM_PAGES,
				atomic_long_read(&c->owner[0]->usage));
		start = ktime_get_ns();
		for (i = 0; i < RANDOM_PAGES; i++)
			ioas_account_uncharge(c->acct, pfns[i], 1);
		out[r] = ktime_get_ns() - start;
		time_xarray(test, c, pfns, &xa_in[r], &xa_out[r]);
	}
	bench_report(test, "random_charge", bench_median(in, RANDOM_ROUNDS),
		     bench_median(xa_in, RANDOM_ROUNDS), RANDOM_PAGES,
		     "ns/page");
	bench_report(test, "random_uncharge", bench_median(out, RANDOM_ROUNDS),
		     bench_median(xa_out, RANDOM_ROUNDS), RANDOM_PAGES,
		     "ns/page");
	vfree(pfns);
}

/* ---- scattered pages: in no order, but in the same 16 MiB ---- */

#define SCATTER_SPAN	(8 * LEAF)
#define SCATTER_PAGES	504UL	/* of each span */

/* The factor is odd and the span a power of two: no page comes twice. */
static unsigned long scattered_pfn(unsigned long i)
{
	return i / SCATTER_PAGES * SCATTER_SPAN +
	       i % SCATTER_PAGES * 1597 % SCATTER_SPAN;
}

static u64 time_gathered(struct kunit *test, struct chain *c, bool charge)
{
	struct ioas_gather gather;
	u64 start = ktime_get_ns();
	unsigned long i;

	ioas_gather_init(&gather);
	for (i = 0; i < RANDOM_PAGES; i++) {
		if (ioas_gather_add(&gather, scattered_pfn(i)))
			continue;
		if (!charge)
			ioas_account_uncharge_gathered(c->acct, &gather);
		else
			KUNIT_ASSERT_EQ(test, 0,
					ioas_account_charge_gathered(c->acct,
								     &gather));
		ioas_gather_add(&gather, scattered_pfn(i));
	}
	if (charge)
		KUNIT_ASSERT_EQ(test, 0,
				ioas_account_charge_gathered(c->acct, &gather));
	else
		ioas_account_uncharge_gathered(c->acct, &gather);
	return ktime_get_ns() - start;
}

static u64 time_one_by_one(struct kunit *test, struct chain *c, bool charge)
{
	u64 start = ktime_get_ns();
	unsigned long i;

	for (i = 0; i < RANDOM_PAGES; i++) {
		if (charge)
			KUNIT_ASSERT_EQ(test, 0,
					ioas_account_charge(c->acct,
							    scattered_pfn(i),
							    1));
		else
			ioas_account_uncharge(c->acct, scattered_pfn(i), 1);
	}
	return ktime_get_ns() - start;
}

static void bench_scattered(struct kunit *test)
{
	u64 in[RANDOM_ROUNDS], out[RANDOM_ROUNDS];
	u64 one_in[RANDOM_ROUNDS], one_out[RANDOM_ROUNDS];
	struct chain *c = test->priv;
	int r;

	for (r = 0; r < RANDOM_ROUNDS; r++) {
		in[r] = time_gathered(test, c, true);
		KUNIT_EXPECT_EQ(test, RANDOM_PAGES,
				atomic_long_read(&c->owner[0]->usage));
		out[r] = time_gathered(test, c, false);
		KUNIT_EXPECT_EQ(test, 0,
				atomic_long_read(&c->owner[0]->usage));
		one_in[r] = time_one_by_one(test, c, true);
		one_out[r] = time_one_by_one(test, c, false);
	}
	bench_report(test, "scattered_charge", bench_median(in, RANDOM_ROUNDS),
		     bench_median(one_in, RANDOM_ROUNDS), RANDOM_PAGES,
		     "ns/page");
	bench_report(test, "scattered_uncharge",
		     bench_median(out, RANDOM_ROUNDS),
		     bench_median(one_out, RANDOM_ROUNDS), RANDOM_PAGES,
		     "ns/page");
}

/* ---- memory ---- */

static void bench_memory(struct kunit *test)
{
	struct chain *c = test->priv;
	struct ioas_index_size size;
	unsigned long pfn;

	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(c->acct, 0, 64 * GIB));
	ioas_index_measure(c->ledger, &size);
	bench_report(test, "memory_full_2mib", size.bytes, 0, 64 * GIB / LEAF,
		     "bytes/2MiB");
	ioas_account_uncharge(c->acct, 0, 64 * GIB);

	/* Every second page, so that each leaf is half full. */
	for (pfn = 0; pfn < GIB; pfn += 2)
		KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(c->acct, pfn, 1));
	ioas_index_measure(c->ledger, &size);
	bench_report(test, "memory_scattered", size.bytes, 0, GIB / 2, "bytes/page");
	/* The worst form of leaf: half of those pages have been pinned twice */
	for (pfn = 0; pfn < GIB; pfn += 4)
		KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(c->acct, pfn, 1));
	ioas_index_measure(c->ledger, &size);
	bench_report(test, "memory_scattered_mixed", size.bytes, 0, GIB / 2,
		     "bytes/page");
	for (pfn = 0; pfn < GIB; pfn += 4)
		ioas_account_uncharge(c->acct, pfn, 1);
	for (pfn = 0; pfn < GIB; pfn += 2)
		ioas_account_uncharge(c->acct, pfn, 1);
}

/* ---- 1 TiB, by several owners ---- */

#define MAX_SIBLINGS 64

static void bench_tib_owners(struct kunit *test, int nr, unsigned long pages)
{
	struct ioas_cg_account *acct[MAX_SIBLINGS];
	struct chain *c = test->priv;
	struct ioas_index_size size;
	char name[32];
	u64 in, out;
	int i;

	for (i = 0; i < nr; i++)
		acct[i] = sibling_account(test, c);
	in = ktime_get_ns();
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, 0,
				ioas_account_charge(acct[i], 0, pages));
	in = ktime_get_ns() - in;
	KUNIT_EXPECT_EQ(test, pages, atomic_long_read(&c->owner[0]->usage));
	ioas_index_measure(c->ledger, &size);
	out = ktime_get_ns();
	for (i = 0; i < nr; i++)
		ioas_account_uncharge(acct[i], 0, pages);
	out = ktime_get_ns() - out;
	for (i = 0; i < nr; i++)
		ioas_cg_account_put(acct[i]);

	snprintf(name, sizeof(name), "%s_%d_owners_charge",
		 pages == TIB ? "1tib" : "256gib", nr);
	bench_report(test, name, in, 0, NSEC_PER_MSEC, "ms");
	snprintf(name, sizeof(name), "%s_%d_owners_uncharge",
		 pages == TIB ? "1tib" : "256gib", nr);
	bench_report(test, name, out, 0, NSEC_PER_MSEC, "ms");
	snprintf(name, sizeof(name), "%s_%d_owners_memory",
		 pages == TIB ? "1tib" : "256gib", nr);
	bench_report(test, name, size.bytes, 0, 1024, "KiB");
}

static void bench_tib(struct kunit *test)
{
	static const int owners[] = { 1, 2, MAX_SIBLINGS };
	int i;

	for (i = 0; i < ARRAY_SIZE(owners); i++) {
		bench_tib_owners(test, owners[i], TIB / 4);
		bench_tib_owners(test, owners[i], TIB);
	}
}

/* ---- one region, thousands of owners ---- */

#define MANY		4096
#define REGION_PAGES	GIB
#define AROUND		16	/* owners that a figure is the median of */

static u64 many_median(const u64 *times, int first)
{
	u64 t[AROUND];

	memcpy(t, times + first, sizeof(t));
	return bench_median(t, AROUND);
}

static void bench_many(struct kunit *test)
{
	struct ioas_cg_account **acct;
	struct chain *c = test->priv;
	u64 *in, *out, start;
	int i, at;

	acct = kvcalloc(MANY, sizeof(*acct), GFP_KERNEL);
	in = kvcalloc(MANY, sizeof(*in), GFP_KERNEL);
	out = kvcalloc(MANY, sizeof(*out), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, acct && in && out);
	for (i = 0; i < MANY; i++)
		acct[i] = sibling_account(test, c);
	for (i = 0; i < MANY; i++) {
		start = ktime_get_ns();
		KUNIT_ASSERT_EQ(test, 0,
				ioas_account_charge(acct[i], 0, REGION_PAGES));
		in[i] = ktime_get_ns() - start;
	}
	KUNIT_EXPECT_EQ(test, REGION_PAGES,
			atomic_long_read(&c->owner[0]->usage));
	for (i = 0; i < MANY; i++) {
		at = i * 7 % MANY;
		start = ktime_get_ns();
		ioas_account_uncharge(acct[at], 0, REGION_PAGES);
		out[i] = ktime_get_ns() - start;
	}
	for (i = 0; i < MANY; i++)
		ioas_cg_account_put(acct[i]);
	/* The last ones against those from the second on. */
	bench_report(test, "4096_owners_last_charge",
		     many_median(in, MANY - AROUND), many_median(in, 1), 1000,
		     "us");
	/* The first to go finds all the others, the last but one just one. */
	bench_report(test, "4096_owners_first_uncharge", many_median(out, 0),
		     many_median(out, MANY - 1 - AROUND), 1000, "us");
	kvfree(acct);
	kvfree(in);
	kvfree(out);
}

static struct kunit_case bench_cases[] = {
	KUNIT_CASE_SLOW(bench_huge),
	KUNIT_CASE_SLOW(bench_runs),
	KUNIT_CASE_SLOW(bench_random),
	KUNIT_CASE_SLOW(bench_scattered),
	KUNIT_CASE_SLOW(bench_memory),
	KUNIT_CASE_SLOW(bench_tib),
	KUNIT_CASE_SLOW(bench_many),
	{ }
};

static struct kunit_suite bench_suite = {
	.name = "ioas_bench",
	.init = chain_init,
	.exit = chain_exit,
	.test_cases = bench_cases,
};

kunit_test_suite(bench_suite);
