// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of limits, marks and events: owner.c, through accounts. */

#include "fixture.h"

struct refusal_case {
	const char *desc;
	enum test_owner charged;
	enum test_owner limited;
};

static const struct refusal_case refusal_cases[] = {
	{ "own limit", A1, A1 },
	{ "limit of the parent", A1, A },
	{ "limit three levels up", DEEP, A },
	{ "own limit at depth", DEEP, DEEP },
};

KUNIT_ARRAY_PARAM_DESC(refusal, refusal_cases, desc);

static void refused_charge_is_undone_whole(struct kunit *test)
{
	const struct refusal_case *c = test->param_value;
	struct fixture *f = test->priv;

	f->owner[c->limited]->max = 1000;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			ioas_account_charge(f->acct[c->charged], 100, 1001));
	EXPECT_USAGE(test, f, 0, 0, 0, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, 1, f->events[IOAS_EVENT_MAX]);
	KUNIT_EXPECT_EQ(test, 0,
			ioas_account_charge(f->acct[c->charged], 100, 1000));
	KUNIT_EXPECT_EQ(test, test_usage(f, c->limited), 1000);
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			ioas_account_charge(f->acct[c->charged], 5000, 1));
	KUNIT_EXPECT_EQ(test, test_usage(f, ROOT), 1000);
	ioas_account_uncharge(f->acct[c->charged], 100, 1000);
}

static void max_event_counts_where_the_limit_is(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->owner[A]->max = 10;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			ioas_account_charge(f->acct[DEEP], 0, 11));
	KUNIT_EXPECT_EQ(test, 1,
			atomic64_read(&f->owner[A]->events_local[IOAS_EVENT_MAX]));
	KUNIT_EXPECT_EQ(test, 1,
			atomic64_read(&f->owner[A]->events[IOAS_EVENT_MAX]));
	KUNIT_EXPECT_EQ(test, 1,
			atomic64_read(&f->owner[ROOT]->events[IOAS_EVENT_MAX]));
	KUNIT_EXPECT_EQ(test, 0,
			atomic64_read(&f->owner[ROOT]->events_local[IOAS_EVENT_MAX]));
	KUNIT_EXPECT_EQ(test, 0,
			atomic64_read(&f->owner[DEEP]->events[IOAS_EVENT_MAX]));
}

static void pinned_pages_can_be_pinned_again_at_the_limit(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->owner[A]->max = 512;
	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[A1], 0, 512));
	KUNIT_EXPECT_EQ(test, 0, ioas_account_charge(f->acct[A1], 0, 512));
	KUNIT_EXPECT_EQ(test, 0, ioas_account_charge(f->acct[A2], 0, 512));
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			ioas_account_charge(f->acct[A2], 512, 1));
	ioas_account_uncharge(f->acct[A1], 0, 512);
	ioas_account_uncharge(f->acct[A1], 0, 512);
	ioas_account_uncharge(f->acct[A2], 0, 512);
}

static void lowered_limit_unpins_nothing_and_refuses_new_pages(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[A1], 0, 100));
	f->owner[A1]->max = 50;
	EXPECT_USAGE(test, f, 100, 100, 100, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, ioas_account_charge(f->acct[A1], 0, 100));
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			ioas_account_charge(f->acct[A1], 100, 1));
	ioas_account_uncharge(f->acct[A1], 0, 100);
	ioas_account_uncharge(f->acct[A1], 0, 100);
}

static void limit_of_zero_refuses_the_first_page(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->owner[B]->max = 0;
	KUNIT_EXPECT_EQ(test, -ENOMEM, ioas_account_charge(f->acct[B], 0, 1));
	EXPECT_USAGE(test, f, 0, 0, 0, 0, 0, 0);
}

/* A refusal in the middle of slots that others hold in part. */
static void refused_charge_leaves_the_pins_of_others(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[B], 200, 700));
	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[A1], 300, 50));
	f->owner[A]->max = 900;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			ioas_account_charge(f->acct[A2], 0, 901));
	EXPECT_USAGE(test, f, 700, 50, 50, 0, 0, 700);
	KUNIT_EXPECT_EQ(test, test_shared(f, B), 50);
	KUNIT_EXPECT_EQ(test, test_shared(f, A2), 0);
	KUNIT_EXPECT_EQ(test, 0, ioas_account_charge(f->acct[A2], 0, 900));
	EXPECT_USAGE(test, f, 900, 900, 50, 0, 900, 700);
	ioas_account_uncharge(f->acct[A2], 0, 900);
	ioas_account_uncharge(f->acct[A1], 300, 50);
	ioas_account_uncharge(f->acct[B], 200, 700);
}

static void high_event_counts_each_crossing_once(struct kunit *test)
{
	struct fixture *f = test->priv;
	atomic64_t *high = &f->owner[A]->events_local[IOAS_EVENT_HIGH];
	int i;

	f->owner[A]->high = 100;
	for (i = 1; i <= 3; i++) {
		KUNIT_ASSERT_EQ(test, 0,
				ioas_account_charge(f->acct[A1], 0, 100));
		KUNIT_EXPECT_EQ(test, i - 1, atomic64_read(high));
		KUNIT_ASSERT_EQ(test, 0,
				ioas_account_charge(f->acct[A1], 100, 100));
		KUNIT_EXPECT_EQ(test, i, atomic64_read(high));
		KUNIT_ASSERT_EQ(test, 0,
				ioas_account_charge(f->acct[A1], 200, 100));
		KUNIT_EXPECT_EQ(test, i, atomic64_read(high));
		ioas_account_uncharge(f->acct[A1], 0, 300);
	}
	KUNIT_EXPECT_EQ(test, 3, f->events[IOAS_EVENT_HIGH]);
}

/* What a parent refuses has not happened in the child either. */
static void refused_charge_makes_no_peak_and_no_high_event(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->owner[A1]->high = 100;
	f->owner[A]->max = 150;
	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[A1], 0, 100));
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			ioas_account_charge(f->acct[A1], 100, 100));
	KUNIT_EXPECT_EQ(test, f->owner[A1]->peak, 100);
	KUNIT_EXPECT_EQ(test, 0, f->events[IOAS_EVENT_HIGH]);
	/* Nor what was counted for the first 2 MiB, before the second. */
	f->owner[A]->max = 700;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			ioas_account_charge(f->acct[A1], 512, 1024));
	KUNIT_EXPECT_EQ(test, f->owner[A1]->peak, 100);
	KUNIT_EXPECT_EQ(test, f->owner[ROOT]->peak, 100);
	KUNIT_EXPECT_EQ(test, 0, f->events[IOAS_EVENT_HIGH]);
	/* The next one that succeeds is not taken for it. */
	f->owner[A]->max = 10000;
	KUNIT_EXPECT_EQ(test, 0, ioas_account_charge(f->acct[A2], 512, 600));
	KUNIT_EXPECT_EQ(test, 0, f->events[IOAS_EVENT_HIGH]);
	KUNIT_EXPECT_EQ(test, f->owner[A]->peak, 700);
	ioas_account_uncharge(f->acct[A2], 512, 600);
	ioas_account_uncharge(f->acct[A1], 0, 100);
}

static void peak_is_the_highest_usage(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[A1], 0, 300));
	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[A2], 200, 300));
	ioas_account_uncharge(f->acct[A1], 0, 300);
	KUNIT_EXPECT_EQ(test, f->owner[A]->peak, 500);
	KUNIT_EXPECT_EQ(test, f->owner[A1]->peak, 300);
	KUNIT_EXPECT_EQ(test, f->owner[B]->peak, 0);
	ioas_account_uncharge(f->acct[A2], 200, 300);
	KUNIT_EXPECT_EQ(test, f->owner[A]->peak, 500);
}

static void stat_sums_up_the_subtree(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_owner_stat stat;

	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[A1], 0, 100));
	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[A1], 0, 100));
	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[DEEP], 50, 100));
	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[B], 0, 10));
	ioas_owner_sum(f->owner[A], &stat);
	KUNIT_EXPECT_EQ(test, stat.unique, 150);
	KUNIT_EXPECT_EQ(test, stat.gross[IOAS_CG_VFIO], 300);
	KUNIT_EXPECT_EQ(test, stat.gross[IOAS_CG_IOMMUFD], 0);
	KUNIT_EXPECT_EQ(test, stat.shared, 10);
	KUNIT_EXPECT_EQ(test, stat.accounts, 4);
	ioas_owner_sum(f->owner[ROOT], &stat);
	KUNIT_EXPECT_EQ(test, stat.unique, 150);
	KUNIT_EXPECT_EQ(test, stat.gross[IOAS_CG_VFIO], 310);
	KUNIT_EXPECT_EQ(test, stat.shared, 0);
	KUNIT_EXPECT_EQ(test, stat.accounts, NR_TEST_OWNERS);
	ioas_account_uncharge(f->acct[A1], 0, 100);
	ioas_account_uncharge(f->acct[A1], 0, 100);
	ioas_account_uncharge(f->acct[DEEP], 50, 100);
	ioas_account_uncharge(f->acct[B], 0, 10);
	ioas_owner_sum(f->owner[ROOT], &stat);
	KUNIT_EXPECT_EQ(test, stat.gross[IOAS_CG_VFIO], 0);
}

static struct kunit_case limit_cases[] = {
	KUNIT_CASE_PARAM(refused_charge_is_undone_whole, refusal_gen_params),
	KUNIT_CASE(max_event_counts_where_the_limit_is),
	KUNIT_CASE(pinned_pages_can_be_pinned_again_at_the_limit),
	KUNIT_CASE(lowered_limit_unpins_nothing_and_refuses_new_pages),
	KUNIT_CASE(limit_of_zero_refuses_the_first_page),
	KUNIT_CASE(refused_charge_leaves_the_pins_of_others),
	KUNIT_CASE(high_event_counts_each_crossing_once),
	KUNIT_CASE(refused_charge_makes_no_peak_and_no_high_event),
	KUNIT_CASE(peak_is_the_highest_usage),
	KUNIT_CASE(stat_sums_up_the_subtree),
	{ }
};

static struct kunit_suite limit_suite = {
	.name = "ioas_limit",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = limit_cases,
};

kunit_test_suite(limit_suite);
