// SPDX-License-Identifier: GPL-2.0-only
/* What the tests share.  See fixture.h. */

#include <kunit/static_stub.h>
#include <linux/delay.h>
#include <linux/slab.h>

#include "../fault.h"
#include "fixture.h"

const char *const test_owner_name[NR_TEST_OWNERS] = {
	[ROOT] = "root",
	[A] = "a",
	[A1] = "a1",
	[DEEP] = "deep",
	[A2] = "a2",
	[B] = "b",
};

static const int test_owner_parent[NR_TEST_OWNERS] = {
	[ROOT] = -1,
	[A] = ROOT,
	[A1] = A,
	[DEEP] = A1,
	[A2] = A,
	[B] = ROOT,
};

/* The ledger is not on the test's own list of memory: owners must go first. */
struct ioas_ledger *test_ledger_create(struct kunit *test)
{
	struct ioas_ledger *ledger = kzalloc(sizeof(*ledger), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ledger);
	ioas_ledger_init(ledger);
	return ledger;
}

void test_ledger_destroy(struct ioas_ledger *ledger)
{
	ioas_ledger_destroy(ledger);
	kfree(ledger);
}

static void fixture_notify(struct ioas_owner *owner, enum ioas_event event)
{
	struct fixture *f = container_of(owner->ledger, struct fixture, ledger);

	f->events[event]++;
}

int fixture_init(struct kunit *test)
{
	struct ioas_owner *parent;
	struct fixture *f;
	int i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	ioas_ledger_init(&f->ledger);
	f->ledger.notify = fixture_notify;
	for (i = 0; i < NR_TEST_OWNERS; i++) {
		parent = i == ROOT ? NULL : f->owner[test_owner_parent[i]];
		f->owner[i] = ioas_owner_create(&f->ledger, parent, GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, f->owner[i]);
		f->acct[i] = ioas_account_create(f->owner[i], current, NULL,
						 IOAS_CG_VFIO, GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, f->acct[i]);
	}
	test->priv = f;
	return 0;
}

void fixture_end_account(struct fixture *f, enum test_owner owner)
{
	ioas_cg_account_put(f->acct[owner]);
	f->acct[owner] = NULL;
}

/* As rmdir does. */
void fixture_remove(struct fixture *f, enum test_owner owner)
{
	ioas_owner_retire(f->owner[owner]);
	ioas_owner_put(f->owner[owner]);
	f->owner[owner] = NULL;
}

/* Every test has to leave nothing: no page, no state, no owner. */
void fixture_exit(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_index_size size;
	int i;

	if (!f)
		return;
	ioas_index_trim(&f->ledger);
	ioas_index_measure(&f->ledger, &size);
	KUNIT_EXPECT_EQ_MSG(test, size.blocks, 0, "blocks left in the index");
	for (i = NR_TEST_OWNERS - 1; i >= 0; i--) {
		fixture_end_account(f, i);
		if (f->owner[i])
			KUNIT_EXPECT_EQ_MSG(test, test_usage(f, i), 0,
					    "usage of %s", test_owner_name[i]);
		ioas_owner_put(f->owner[i]);
	}
	KUNIT_EXPECT_EQ_MSG(test, atomic_long_read(&f->ledger.nr_states), 0,
			    "states left");
	/* PASIDs leave the last reference to an owner to a work. */
	for (i = 0; i < 1000 && !ida_is_empty(&f->ledger.ids); i++)
		fsleep(1000);
	KUNIT_EXPECT_TRUE_MSG(test, ida_is_empty(&f->ledger.ids),
			      "owners left");
	ioas_ledger_destroy(&f->ledger);
}

unsigned long test_usage(struct fixture *f, enum test_owner owner)
{
	return atomic_long_read(&f->owner[owner]->usage);
}

unsigned long test_shared(struct fixture *f, enum test_owner owner)
{
	return atomic_long_read(&f->owner[owner]->shared);
}

void test_expect_usage(struct kunit *test, struct fixture *f,
		       const unsigned long *want)
{
	int i;

	for (i = 0; i < NR_TEST_OWNERS; i++)
		if (f->owner[i])
			KUNIT_EXPECT_EQ_MSG(test, test_usage(f, i), want[i],
					    "usage of %s", test_owner_name[i]);
}

/* ---- failing allocations ---- */

static int allocations_to_go;

static bool fail_nth_allocation(gfp_t gfp)
{
	if (gfp & __GFP_NOFAIL || !allocations_to_go)
		return true;
	return --allocations_to_go;
}

/* Make the @nth allocation from now on fail that may; 0 for none. */
void test_fail_allocation(struct kunit *test, int nth)
{
	allocations_to_go = nth;
	if (nth)
		kunit_activate_static_stub(test, ioas_may_alloc,
					   fail_nth_allocation);
	else
		kunit_deactivate_static_stub(test, ioas_may_alloc);
}

/* Did that allocation come? */
bool test_allocation_failed(struct kunit *test)
{
	return !allocations_to_go;
}
