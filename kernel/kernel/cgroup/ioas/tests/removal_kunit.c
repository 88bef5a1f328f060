// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of removed cgroups: what they pinned stays with their ancestors. */

#include "fixture.h"

struct removal_case {
	const char *desc;
	enum test_owner charged;
	int nr_removed;
	enum test_owner removed[4];
};

static const struct removal_case removal_cases[] = {
	{ "a leaf", A2, 1, { A2 } },
	{ "a deep leaf", DEEP, 1, { DEEP } },
	{ "a leaf and its parent", DEEP, 2, { DEEP, A1 } },
	{ "all of a subtree", DEEP, 4, { DEEP, A1, A2, A } },
};

KUNIT_ARRAY_PARAM_DESC(removal, removal_cases, desc);

static void removal_changes_no_number_of_an_ancestor(struct kunit *test)
{
	const struct removal_case *c = test->param_value;
	struct fixture *f = test->priv;
	int i;

	KUNIT_ASSERT_EQ(test, 0,
			ioas_account_charge(f->acct[c->charged], 0, 700));
	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[B], 0, 300));
	for (i = 0; i < c->nr_removed; i++) {
		fixture_remove(f, c->removed[i]);
		KUNIT_EXPECT_EQ(test, test_usage(f, ROOT), 700);
		if (f->owner[A])
			KUNIT_EXPECT_EQ(test, test_usage(f, A), 700);
		KUNIT_EXPECT_EQ(test, test_shared(f, B), 300);
	}
	/* In parts; B holds the first of them still. */
	ioas_account_uncharge(f->acct[c->charged], 0, 200);
	KUNIT_EXPECT_EQ(test, test_usage(f, ROOT), 700);
	ioas_account_uncharge(f->acct[B], 0, 300);
	KUNIT_EXPECT_EQ(test, test_usage(f, ROOT), 500);
	ioas_account_uncharge(f->acct[c->charged], 200, 500);
	KUNIT_EXPECT_EQ(test, test_usage(f, ROOT), 0);
}

/* The limit of a cgroup goes with it; those of its ancestors stay. */
static void removed_cgroup_is_limited_by_its_ancestors_alone(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->owner[A]->max = 1000;
	f->owner[A1]->max = 10;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			ioas_account_charge(f->acct[A1], 0, 11));
	fixture_remove(f, DEEP);
	fixture_remove(f, A1);
	KUNIT_EXPECT_EQ(test, 0, ioas_account_charge(f->acct[A1], 0, 1000));
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			ioas_account_charge(f->acct[A1], 1000, 1));
	KUNIT_EXPECT_EQ(test, test_usage(f, A), 1000);
	ioas_account_uncharge(f->acct[A1], 0, 1000);
}

static void owner_goes_with_its_last_account(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct list_head *children = &f->owner[A1]->children;

	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[DEEP], 0, 10));
	fixture_remove(f, DEEP);
	KUNIT_EXPECT_FALSE(test, list_empty(children));
	ioas_account_uncharge(f->acct[DEEP], 0, 10);
	fixture_end_account(f, DEEP);
	KUNIT_EXPECT_TRUE(test, list_empty(children));
}

/* A new cgroup may get the number of one that is gone: no mix-up. */
static void reused_number_does_not_inherit_pins(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_cg_account *acct;
	struct ioas_owner *owner;

	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[B], 0, 600));
	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[A2], 0, 600));
	ioas_account_uncharge(f->acct[A2], 0, 600);
	fixture_remove(f, A2);
	fixture_end_account(f, A2);

	owner = ioas_owner_create(&f->ledger, f->owner[A], GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, owner);
	acct = ioas_account_create(owner, current, NULL, IOAS_CG_VFIO, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, acct);
	KUNIT_EXPECT_EQ(test, 0, ioas_account_charge(acct, 300, 600));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&owner->usage), 600);
	KUNIT_EXPECT_EQ(test, test_usage(f, A), 600);
	KUNIT_EXPECT_EQ(test, test_usage(f, ROOT), 900);
	ioas_account_uncharge(acct, 300, 600);
	ioas_account_uncharge(f->acct[B], 0, 600);
	ioas_cg_account_put(acct);
	ioas_owner_put(owner);
}

static void stat_of_an_ancestor_includes_the_removed(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_owner_stat stat;

	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[DEEP], 0, 10));
	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[DEEP], 0, 10));
	fixture_remove(f, DEEP);
	fixture_remove(f, A1);
	ioas_owner_sum(f->owner[A], &stat);
	KUNIT_EXPECT_EQ(test, stat.unique, 10);
	KUNIT_EXPECT_EQ(test, stat.gross[IOAS_CG_VFIO], 20);
	ioas_account_uncharge(f->acct[DEEP], 0, 10);
	ioas_account_uncharge(f->acct[DEEP], 0, 10);
}

static struct kunit_case removal_cases_list[] = {
	KUNIT_CASE_PARAM(removal_changes_no_number_of_an_ancestor,
			 removal_gen_params),
	KUNIT_CASE(removed_cgroup_is_limited_by_its_ancestors_alone),
	KUNIT_CASE(owner_goes_with_its_last_account),
	KUNIT_CASE(reused_number_does_not_inherit_pins),
	KUNIT_CASE(stat_of_an_ancestor_includes_the_removed),
	{ }
};

static struct kunit_suite removal_suite = {
	.name = "ioas_removal",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = removal_cases_list,
};

kunit_test_suite(removal_suite);
