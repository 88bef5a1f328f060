// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of how PASIDs are charged: pasid.c. */

#include <linux/delay.h>

#include "fixture.h"

#define GLOBAL IOAS_CG_PASID_GLOBAL
#define DEVICE IOAS_CG_PASID_DEVICE

static long held(struct fixture *f, enum test_owner owner,
		 enum ioas_cg_pasid_scope scope)
{
	return f->owner[owner]->pasids[scope].usage;
}

static u64 events(struct fixture *f, enum test_owner owner,
		  enum ioas_cg_pasid_scope scope)
{
	return atomic64_read(&f->owner[owner]->events[IOAS_EVENT_PASID_MAX +
						      scope]);
}

static u64 local_events(struct fixture *f, enum test_owner owner,
			enum ioas_cg_pasid_scope scope)
{
	return atomic64_read(&f->owner[owner]->events_local[IOAS_EVENT_PASID_MAX +
							    scope]);
}

static int charge(struct fixture *f, enum test_owner owner,
		  enum ioas_cg_pasid_scope scope, unsigned int n)
{
	return ioas_cg_charge_pasid(f->owner[owner], scope, 1, NULL, n);
}

static void uncharge(struct fixture *f, enum test_owner owner,
		     enum ioas_cg_pasid_scope scope, unsigned int n)
{
	ioas_cg_uncharge_pasid(f->owner[owner], scope, 1, NULL, n);
}

static void pasid_counts_in_the_owner_and_its_ancestors(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, 0, charge(f, DEEP, GLOBAL, 1));
	KUNIT_EXPECT_EQ(test, 0, charge(f, A2, GLOBAL, 1));
	KUNIT_EXPECT_EQ(test, 0, charge(f, B, GLOBAL, 3));
	KUNIT_EXPECT_EQ(test, 1, held(f, DEEP, GLOBAL));
	KUNIT_EXPECT_EQ(test, 1, held(f, A1, GLOBAL));
	KUNIT_EXPECT_EQ(test, 2, held(f, A, GLOBAL));
	KUNIT_EXPECT_EQ(test, 1, held(f, A2, GLOBAL));
	KUNIT_EXPECT_EQ(test, 3, held(f, B, GLOBAL));
	KUNIT_EXPECT_EQ(test, 5, held(f, ROOT, GLOBAL));
	uncharge(f, DEEP, GLOBAL, 1);
	KUNIT_EXPECT_EQ(test, 0, held(f, DEEP, GLOBAL));
	KUNIT_EXPECT_EQ(test, 1, held(f, A, GLOBAL));
	uncharge(f, A2, GLOBAL, 1);
	uncharge(f, B, GLOBAL, 3);
	KUNIT_EXPECT_EQ(test, 0, held(f, ROOT, GLOBAL));
}

static void scopes_are_counted_apart(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->owner[A]->pasids[GLOBAL].max = 1;
	KUNIT_EXPECT_EQ(test, 0, charge(f, A1, GLOBAL, 1));
	KUNIT_EXPECT_EQ(test, 0, charge(f, A1, DEVICE, 7));
	KUNIT_EXPECT_EQ(test, 1, held(f, A, GLOBAL));
	KUNIT_EXPECT_EQ(test, 7, held(f, A, DEVICE));
	KUNIT_EXPECT_EQ(test, -EDQUOT, charge(f, A1, GLOBAL, 1));
	KUNIT_EXPECT_EQ(test, 1, events(f, A, GLOBAL));
	KUNIT_EXPECT_EQ(test, 0, events(f, A, DEVICE));
	uncharge(f, A1, GLOBAL, 1);
	uncharge(f, A1, DEVICE, 7);
}

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

static bool is_on_path(struct fixture *f, enum test_owner from,
		       enum test_owner owner)
{
	struct ioas_owner *o;

	for (o = f->owner[from]; o; o = o->parent)
		if (o == f->owner[owner])
			return true;
	return false;
}

static void refused_charge_leaves_nothing_but_an_event(struct kunit *test)
{
	const struct refusal_case *c = test->param_value;
	struct fixture *f = test->priv;
	int i;

	f->owner[c->limited]->pasids[DEVICE].max = 3;
	KUNIT_EXPECT_EQ(test, 0, charge(f, c->charged, DEVICE, 2));
	KUNIT_EXPECT_EQ(test, -EDQUOT, charge(f, c->charged, DEVICE, 2));
	for (i = 0; i < NR_TEST_OWNERS; i++) {
		bool on_path = is_on_path(f, c->charged, i);
		bool above = is_on_path(f, c->limited, i);

		KUNIT_EXPECT_EQ(test, on_path ? 2 : 0, held(f, i, DEVICE));
		KUNIT_EXPECT_EQ(test, on_path ? 2 : 0,
				f->owner[i]->pasids[DEVICE].peak);
		KUNIT_EXPECT_EQ(test, above, events(f, i, DEVICE));
		KUNIT_EXPECT_EQ(test, i == c->limited,
				local_events(f, i, DEVICE));
	}
	KUNIT_EXPECT_EQ(test, 1, f->events[IOAS_EVENT_PASID_MAX + DEVICE]);
	KUNIT_EXPECT_EQ(test, 0, charge(f, c->charged, DEVICE, 1));
	uncharge(f, c->charged, DEVICE, 3);
}

static void lowered_limit_takes_nothing_back_and_refuses_more(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, 0, charge(f, A1, GLOBAL, 5));
	f->owner[A]->pasids[GLOBAL].max = 3;
	KUNIT_EXPECT_EQ(test, 5, held(f, A, GLOBAL));
	KUNIT_EXPECT_EQ(test, -EDQUOT, charge(f, A2, GLOBAL, 1));
	uncharge(f, A1, GLOBAL, 2);
	KUNIT_EXPECT_EQ(test, -EDQUOT, charge(f, A2, GLOBAL, 1));
	uncharge(f, A1, GLOBAL, 1);
	KUNIT_EXPECT_EQ(test, 0, charge(f, A2, GLOBAL, 1));
	uncharge(f, A2, GLOBAL, 1);
	uncharge(f, A1, GLOBAL, 2);
}

static void limit_of_zero_refuses_the_first(struct kunit *test)
{
	struct fixture *f = test->priv;

	f->owner[B]->pasids[GLOBAL].max = 0;
	KUNIT_EXPECT_EQ(test, -EDQUOT, charge(f, B, GLOBAL, 1));
	KUNIT_EXPECT_EQ(test, 0, held(f, B, GLOBAL));
	KUNIT_EXPECT_EQ(test, 0, held(f, ROOT, GLOBAL));
}

static void peak_is_the_highest_number(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, 0, charge(f, A1, GLOBAL, 5));
	KUNIT_ASSERT_EQ(test, 0, charge(f, A2, GLOBAL, 2));
	uncharge(f, A1, GLOBAL, 4);
	KUNIT_ASSERT_EQ(test, 0, charge(f, A1, GLOBAL, 1));
	KUNIT_EXPECT_EQ(test, 5, f->owner[A1]->pasids[GLOBAL].peak);
	KUNIT_EXPECT_EQ(test, 2, f->owner[A2]->pasids[GLOBAL].peak);
	KUNIT_EXPECT_EQ(test, 7, f->owner[A]->pasids[GLOBAL].peak);
	KUNIT_EXPECT_EQ(test, 0, f->owner[B]->pasids[GLOBAL].peak);
	uncharge(f, A1, GLOBAL, 2);
	uncharge(f, A2, GLOBAL, 2);
}

static void what_is_left_is_what_the_tightest_limit_leaves(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, LONG_MAX,
			ioas_cg_pasids_left(f->owner[DEEP], GLOBAL));
	KUNIT_EXPECT_EQ(test, LONG_MAX, ioas_cg_pasids_left(NULL, GLOBAL));
	f->owner[A]->pasids[GLOBAL].max = 10;
	f->owner[DEEP]->pasids[GLOBAL].max = 5;
	KUNIT_ASSERT_EQ(test, 0, charge(f, A2, GLOBAL, 4));
	KUNIT_EXPECT_EQ(test, 5, ioas_cg_pasids_left(f->owner[DEEP], GLOBAL));
	KUNIT_EXPECT_EQ(test, 6, ioas_cg_pasids_left(f->owner[A1], GLOBAL));
	KUNIT_ASSERT_EQ(test, 0, charge(f, A2, GLOBAL, 3));
	KUNIT_EXPECT_EQ(test, 3, ioas_cg_pasids_left(f->owner[DEEP], GLOBAL));
	f->owner[A]->pasids[GLOBAL].max = 1;
	KUNIT_EXPECT_EQ(test, 0, ioas_cg_pasids_left(f->owner[DEEP], GLOBAL));
	KUNIT_EXPECT_EQ(test, LONG_MAX,
			ioas_cg_pasids_left(f->owner[DEEP], DEVICE));
	uncharge(f, A2, GLOBAL, 7);
}

static void nobody_is_charged_for_what_the_kernel_needs(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, 0, ioas_cg_charge_pasid(NULL, GLOBAL, 1, NULL, 1));
	KUNIT_EXPECT_EQ(test, 0, held(f, ROOT, GLOBAL));
	ioas_cg_uncharge_pasid(NULL, GLOBAL, 1, NULL, 1);
	KUNIT_EXPECT_PTR_EQ(test, NULL, ioas_cg_owner_get(NULL));
	ioas_cg_owner_put(NULL);
}

static void removed_cgroup_has_no_limit_and_counts_in_its_ancestors(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_owner *owner = ioas_cg_owner_get(f->owner[A1]);

	f->owner[A1]->pasids[GLOBAL].max = 1;
	f->owner[A]->pasids[GLOBAL].max = 2;
	KUNIT_ASSERT_EQ(test, 0, charge(f, A1, GLOBAL, 1));
	fixture_end_account(f, A1);
	fixture_remove(f, A1);
	KUNIT_EXPECT_EQ(test, 1, held(f, A, GLOBAL));
	KUNIT_EXPECT_EQ(test, 0, ioas_cg_charge_pasid(owner, GLOBAL, 2, NULL, 1));
	KUNIT_EXPECT_EQ(test, -EDQUOT,
			ioas_cg_charge_pasid(owner, GLOBAL, 3, NULL, 1));
	KUNIT_EXPECT_EQ(test, 1, local_events(f, A, GLOBAL));
	ioas_cg_uncharge_pasid(owner, GLOBAL, 2, NULL, 1);
	ioas_cg_uncharge_pasid(owner, GLOBAL, 1, NULL, 1);
	KUNIT_EXPECT_EQ(test, 0, held(f, ROOT, GLOBAL));
	ioas_cg_owner_put(owner);
}

/* As an mm is when a task switch drops the last reference to it. */
static void owner_may_go_where_nothing_may_sleep(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_owner *owner = ioas_cg_owner_get(f->owner[A2]);
	unsigned int before = refcount_read(&f->owner[A]->refs);
	unsigned long flags;
	int i;

	KUNIT_ASSERT_EQ(test, 0, charge(f, A2, GLOBAL, 1));
	fixture_end_account(f, A2);
	fixture_remove(f, A2);
	local_irq_save(flags);
	ioas_cg_uncharge_pasid(owner, GLOBAL, 1, NULL, 1);
	ioas_cg_owner_put(owner);
	local_irq_restore(flags);
	for (i = 0; i < 1000 && refcount_read(&f->owner[A]->refs) == before;
	     i++)
		fsleep(1000);
	KUNIT_EXPECT_EQ(test, before - 1, refcount_read(&f->owner[A]->refs));
}

static struct kunit_case pasid_charge_cases[] = {
	KUNIT_CASE(pasid_counts_in_the_owner_and_its_ancestors),
	KUNIT_CASE(scopes_are_counted_apart),
	KUNIT_CASE_PARAM(refused_charge_leaves_nothing_but_an_event,
			 refusal_gen_params),
	KUNIT_CASE(lowered_limit_takes_nothing_back_and_refuses_more),
	KUNIT_CASE(limit_of_zero_refuses_the_first),
	KUNIT_CASE(peak_is_the_highest_number),
	KUNIT_CASE(what_is_left_is_what_the_tightest_limit_leaves),
	KUNIT_CASE(nobody_is_charged_for_what_the_kernel_needs),
	KUNIT_CASE(removed_cgroup_has_no_limit_and_counts_in_its_ancestors),
	KUNIT_CASE(owner_may_go_where_nothing_may_sleep),
	{ }
};

static struct kunit_suite pasid_charge_suite = {
	.name = "ioas_pasid_charge",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = pasid_charge_cases,
};

kunit_test_suite(pasid_charge_suite);
