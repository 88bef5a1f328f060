// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that charge and uncharge at once: few pages in many blocks, so that
 * blocks come and go all the time.  In the end nothing may be left.
 */

#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "fixture.h"

#define THREADS		4
#define ROUNDS		20000
#define BLOCKS		48	/* three for each park */
#define PAGES		(4 * BLOCKS)
#define WINDOW		(2 * IOAS_GATHER_SLOTS)	/* pages that a gather takes */

/**
 * struct racer - a thread
 * @acct: its account
 * @seed: of its random numbers
 * @held: which of the pages it has charged
 * @failures: charges that failed
 * @done: completed in the end
 */
struct racer {
	struct ioas_cg_account *acct;
	u64 seed;
	bool held[PAGES];
	unsigned int failures;
	struct completion done;
};

/* Four pages in each block: two of its first slot, and two of its last. */
static unsigned long racer_pfn(unsigned int page)
{
	return (page / 4 * 64 + page / 2 % 2 * 63) * 512UL + page % 2;
}

static void racer_step(struct racer *r, unsigned int page)
{
	if (r->held[page])
		ioas_account_uncharge(r->acct, racer_pfn(page), 1);
	else if (ioas_account_charge(r->acct, racer_pfn(page), 1))
		r->failures++;
	r->held[page] = !r->held[page];
}

/* Of some pages, all at once that are held, or all that are not: those swap. */
static void racer_step_gathered(struct racer *r, unsigned int first, bool held)
{
	unsigned int end = first + WINDOW, page;
	struct ioas_gather gather;

	ioas_gather_init(&gather);
	for (page = first; page < end; page++)
		if (r->held[page] == held &&
		    !ioas_gather_add(&gather, racer_pfn(page)))
			r->failures++;
	if (held)
		ioas_account_uncharge_gathered(r->acct, &gather);
	else if (ioas_account_charge_gathered(r->acct, &gather))
		r->failures++;
	memset(&r->held[first], !held, WINDOW);
}

static int racer_run(void *data)
{
	struct racer *r = data;
	struct rnd_state rnd;
	unsigned int page;
	int i;

	prandom_seed_state(&rnd, r->seed);
	for (i = 0; i < ROUNDS; i++) {
		page = prandom_u32_state(&rnd) % PAGES;
		if (prandom_u32_state(&rnd) % 8)
			racer_step(r, page);
		else
			racer_step_gathered(r, page % (PAGES / WINDOW) * WINDOW,
					    i % 2);
		cond_resched();
	}
	for (i = 0; i < PAGES; i++)
		if (r->held[i])
			racer_step(r, i);
	complete(&r->done);
	return 0;
}

static void threads_leave_nothing(struct kunit *test)
{
	static const enum test_owner owner[THREADS] = { A1, A2, B, A1 };
	struct fixture *f = test->priv;
	struct task_struct *task;
	struct racer *r;
	int i;

	r = kunit_kcalloc(test, THREADS, sizeof(*r), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r);
	for (i = 0; i < THREADS; i++) {
		r[i].acct = ioas_account_create(f->owner[owner[i]], current, NULL,
						IOAS_CG_IOMMUFD, GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, r[i].acct);
		r[i].seed = i + 1;
		init_completion(&r[i].done);
	}
	for (i = 0; i < THREADS; i++) {
		task = kthread_run(racer_run, &r[i], "ioas_racer/%d", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	}
	for (i = 0; i < THREADS; i++) {
		wait_for_completion(&r[i].done);
		KUNIT_EXPECT_EQ(test, 0, r[i].failures);
		ioas_cg_account_put(r[i].acct);
	}
	EXPECT_USAGE(test, f, 0, 0, 0, 0, 0, 0);
	for (i = 0; i < NR_TEST_OWNERS; i++)
		KUNIT_EXPECT_EQ(test, 0, test_shared(f, i));
}

static struct kunit_case racing_cases[] = {
	KUNIT_CASE_SLOW(threads_leave_nothing),
	{ }
};

static struct kunit_suite racing_suite = {
	.name = "ioas_racing",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = racing_cases,
};

kunit_test_suite(racing_suite);
