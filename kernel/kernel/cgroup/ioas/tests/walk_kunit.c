// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of walks: over the owners of a subtree, and over their accounts, while both
 * come and go.
 */

#include <linux/kthread.h>
#include <linux/timekeeping.h>

#include "fixture.h"

/* ---- owners ---- */

static void expect_owners(struct kunit *test, struct ioas_owner *root,
			  struct ioas_owner *const *want, unsigned int nr)
{
	struct ioas_owner *owner = root;
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < nr; i++) {
		KUNIT_EXPECT_PTR_EQ_MSG(test, owner, want[i], "owner %u", i);
		if (!owner)
			break;
		owner = ioas_owner_next(owner, root);
	}
	rcu_read_unlock();
	KUNIT_EXPECT_NULL(test, owner);
}

#define EXPECT_OWNERS(_test, _root, ...)				\
do {									\
	struct ioas_owner *const want[] = { __VA_ARGS__ };		\
									\
	expect_owners(_test, _root, want, ARRAY_SIZE(want));		\
} while (0)

static void owners_come_parents_first(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_owner **o = f->owner;

	EXPECT_OWNERS(test, o[ROOT], o[ROOT], o[A], o[A1], o[DEEP], o[A2],
		      o[B]);
	EXPECT_OWNERS(test, o[A], o[A], o[A1], o[DEEP], o[A2]);
	EXPECT_OWNERS(test, o[A1], o[A1], o[DEEP]);
	EXPECT_OWNERS(test, o[DEEP], o[DEEP]);
	EXPECT_OWNERS(test, o[B], o[B]);
}

static void owners_that_are_made_and_removed_come_and_go(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_owner **o = f->owner;
	struct ioas_owner *new;

	new = ioas_owner_create(&f->ledger, o[A1], GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, new);
	EXPECT_OWNERS(test, o[A], o[A], o[A1], o[DEEP], new, o[A2]);
	fixture_end_account(f, DEEP);
	fixture_remove(f, DEEP);
	EXPECT_OWNERS(test, o[A], o[A], o[A1], new, o[A2]);
	ioas_owner_put(new);
	EXPECT_OWNERS(test, o[A], o[A], o[A1], o[A2]);
	EXPECT_OWNERS(test, o[ROOT], o[ROOT], o[A], o[A1], o[A2], o[B]);
}

/* As long as it holds something, it counts in its ancestors. */
static void removed_owner_is_shown_until_it_holds_nothing(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_owner *deep = f->owner[DEEP];
	struct ioas_owner_stat stat;

	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[DEEP], 0, 7));
	fixture_remove(f, DEEP);
	EXPECT_OWNERS(test, f->owner[A1], f->owner[A1], deep);
	ioas_owner_sum(f->owner[A], &stat);
	KUNIT_EXPECT_EQ(test, stat.gross[IOAS_CG_VFIO], 7);
	KUNIT_EXPECT_EQ(test, stat.accounts, 4);
	ioas_account_uncharge(f->acct[DEEP], 0, 7);
	fixture_end_account(f, DEEP);
	EXPECT_OWNERS(test, f->owner[A1], f->owner[A1]);
	ioas_owner_sum(f->owner[A], &stat);
	KUNIT_EXPECT_EQ(test, stat.gross[IOAS_CG_VFIO], 0);
	KUNIT_EXPECT_EQ(test, stat.accounts, 3);
}

static void sum_is_of_the_subtree_and_by_kind(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_cg_account *acct;
	struct ioas_owner_stat stat;

	acct = ioas_account_create(f->owner[DEEP], current, NULL,
				   IOAS_CG_RDMA, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, acct);
	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(acct, 0, 20));
	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[A], 10, 20));
	KUNIT_ASSERT_EQ(test, 0, ioas_account_charge(f->acct[B], 0, 5));
	ioas_owner_sum(f->owner[A1], &stat);
	KUNIT_EXPECT_EQ(test, stat.unique, 20);
	KUNIT_EXPECT_EQ(test, stat.shared, 15);
	KUNIT_EXPECT_EQ(test, stat.gross[IOAS_CG_RDMA], 20);
	KUNIT_EXPECT_EQ(test, stat.gross[IOAS_CG_VFIO], 0);
	KUNIT_EXPECT_EQ(test, stat.accounts, 3);
	ioas_owner_sum(f->owner[A], &stat);
	KUNIT_EXPECT_EQ(test, stat.unique, 30);
	KUNIT_EXPECT_EQ(test, stat.shared, 5);
	KUNIT_EXPECT_EQ(test, stat.gross[IOAS_CG_RDMA], 20);
	KUNIT_EXPECT_EQ(test, stat.gross[IOAS_CG_VFIO], 20);
	KUNIT_EXPECT_EQ(test, stat.accounts, 5);
	ioas_account_uncharge(acct, 0, 20);
	ioas_account_uncharge(f->acct[A], 10, 20);
	ioas_account_uncharge(f->acct[B], 0, 5);
	ioas_cg_account_put(acct);
}

/* ---- accounts ---- */

static struct ioas_cg_account *new_account(struct kunit *test,
					   enum test_owner owner)
{
	struct fixture *f = test->priv;
	struct ioas_cg_account *acct;

	acct = ioas_account_create(f->owner[owner], current, NULL,
				   IOAS_CG_IOMMUFD, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, acct);
	return acct;
}

static void expect_next(struct kunit *test, struct ioas_account_walk *walk,
			struct ioas_cg_account *want)
{
	KUNIT_EXPECT_PTR_EQ(test, ioas_account_walk_next(walk), want);
}

#define NR_MORE		7

/* With a pause after each account, or with none. */
static void walk_over_everything(struct kunit *test, bool pause)
{
	static const enum test_owner owner[NR_MORE] = {
		ROOT, A, DEEP, DEEP, DEEP, A2, B
	};
	struct fixture *f = test->priv;
	struct ioas_cg_account *more[NR_MORE], *acct;
	struct ioas_account_walk walk;
	int i, k;

	for (i = 0; i < NR_MORE; i++)
		more[i] = new_account(test, owner[i]);
	ioas_account_walk_begin(&walk, f->owner[ROOT]);
	for (i = 0, k = 0; i < NR_TEST_OWNERS; i++) {
		acct = f->acct[i];
		while (acct) {
			expect_next(test, &walk, acct);
			if (pause) {
				ioas_account_walk_pause(&walk);
				expect_next(test, &walk, acct);
			}
			acct = NULL;
			if (k < NR_MORE && owner[k] == i)
				acct = more[k++];
		}
	}
	expect_next(test, &walk, NULL);
	expect_next(test, &walk, NULL);
	ioas_account_walk_end(&walk);
	for (i = 0; i < NR_MORE; i++)
		ioas_cg_account_put(more[i]);
}

static void walk_finds_each_account_once(struct kunit *test)
{
	walk_over_everything(test, false);
}

static void walk_goes_on_where_it_paused(struct kunit *test)
{
	walk_over_everything(test, true);
}

static void walk_is_over_a_subtree(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_account_walk walk;

	ioas_account_walk_begin(&walk, f->owner[A1]);
	expect_next(test, &walk, f->acct[A1]);
	expect_next(test, &walk, f->acct[DEEP]);
	expect_next(test, &walk, NULL);
	ioas_account_walk_end(&walk);
}

/* References to the owners and accounts are given back wherever a walk ends. */
static void walk_may_end_anywhere(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int refs[NR_TEST_OWNERS];
	struct ioas_account_walk walk;
	int steps, i;

	for (i = 0; i < NR_TEST_OWNERS; i++)
		refs[i] = refcount_read(&f->owner[i]->refs);
	for (steps = 0; steps <= 2 * (NR_TEST_OWNERS + 1); steps++) {
		ioas_account_walk_begin(&walk, f->owner[ROOT]);
		for (i = 0; i < steps / 2; i++)
			ioas_account_walk_next(&walk);
		if (steps % 2)
			ioas_account_walk_pause(&walk);
		ioas_account_walk_end(&walk);
		for (i = 0; i < NR_TEST_OWNERS; i++) {
			KUNIT_EXPECT_EQ(test, refs[i],
					refcount_read(&f->owner[i]->refs));
			KUNIT_EXPECT_EQ(test, 1,
					refcount_read(&f->acct[i]->refs));
		}
	}
}

static void account_stays_while_a_walk_looks_at_it(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_cg_account *acct = f->acct[A1];
	struct ioas_account_walk walk;

	ioas_account_walk_begin(&walk, f->owner[A1]);
	expect_next(test, &walk, acct);
	fixture_end_account(f, A1);
	KUNIT_EXPECT_EQ(test, 1, refcount_read(&acct->refs));
	KUNIT_EXPECT_PTR_EQ(test, acct->owner, f->owner[A1]);
	KUNIT_EXPECT_EQ(test, 1, f->owner[A1]->nr_accounts);
	expect_next(test, &walk, f->acct[DEEP]);
	KUNIT_EXPECT_EQ(test, 0, f->owner[A1]->nr_accounts);
	ioas_account_walk_end(&walk);
}

/* What a paused walk had come to, and what came before and after it. */
static void accounts_may_end_while_a_walk_pauses(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_cg_account *acct[5];
	struct ioas_account_walk walk;
	int i;

	for (i = 0; i < 5; i++)
		acct[i] = new_account(test, B);
	ioas_account_walk_begin(&walk, f->owner[B]);
	expect_next(test, &walk, f->acct[B]);
	expect_next(test, &walk, acct[0]);
	expect_next(test, &walk, acct[1]);
	ioas_account_walk_pause(&walk);
	ioas_cg_account_put(acct[0]);
	ioas_cg_account_put(acct[1]);
	ioas_cg_account_put(acct[2]);
	expect_next(test, &walk, acct[3]);
	/* One that is made meanwhile, of memory that was another's, is not that one. */
	ioas_account_walk_pause(&walk);
	acct[0] = new_account(test, B);
	expect_next(test, &walk, acct[3]);
	expect_next(test, &walk, acct[4]);
	expect_next(test, &walk, NULL);
	ioas_account_walk_end(&walk);
	ioas_cg_account_put(acct[0]);
	ioas_cg_account_put(acct[3]);
	ioas_cg_account_put(acct[4]);
}

/* Who makes one account after the other does not keep a walk from its end. */
static void walk_ends_while_accounts_are_made(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_cg_account *more[3];
	struct ioas_account_walk walk;

	ioas_account_walk_begin(&walk, f->owner[B]);
	more[0] = new_account(test, B);
	expect_next(test, &walk, f->acct[B]);
	more[1] = new_account(test, B);
	ioas_account_walk_pause(&walk);
	more[2] = new_account(test, B);
	expect_next(test, &walk, f->acct[B]);
	expect_next(test, &walk, NULL);
	ioas_account_walk_end(&walk);
	ioas_cg_account_put(more[0]);
	ioas_cg_account_put(more[1]);
	ioas_cg_account_put(more[2]);
}

/* Each has its marks in the list, at the same account. */
static void walks_that_pause_do_not_see_each_other(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_cg_account *last = new_account(test, B);
	struct ioas_account_walk walk[3];
	int i;

	for (i = 0; i < 3; i++) {
		ioas_account_walk_begin(&walk[i], f->owner[B]);
		expect_next(test, &walk[i], f->acct[B]);
		expect_next(test, &walk[i], last);
		ioas_account_walk_pause(&walk[i]);
	}
	expect_next(test, &walk[1], last);
	ioas_account_walk_end(&walk[2]);
	expect_next(test, &walk[0], last);
	expect_next(test, &walk[0], NULL);
	expect_next(test, &walk[1], NULL);
	ioas_account_walk_end(&walk[0]);
	ioas_account_walk_end(&walk[1]);
	ioas_cg_account_put(last);
	fixture_end_account(f, B);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->owner[B]->accounts));
}

static void walk_leaves_an_owner_without_accounts_behind(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_account_walk walk;

	ioas_account_walk_begin(&walk, f->owner[A]);
	expect_next(test, &walk, f->acct[A]);
	expect_next(test, &walk, f->acct[A1]);
	ioas_account_walk_pause(&walk);
	fixture_end_account(f, A1);
	fixture_end_account(f, DEEP);
	expect_next(test, &walk, f->acct[A2]);
	expect_next(test, &walk, NULL);
	ioas_account_walk_end(&walk);
}

/* The walk has the last reference to the owner that it is at. */
static void owner_may_go_while_a_walk_is_at_it(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int refs = refcount_read(&f->owner[A]->refs);
	struct ioas_account_walk walk;

	ioas_account_walk_begin(&walk, f->owner[ROOT]);
	do {
		ioas_account_walk_next(&walk);
	} while (walk.acct && walk.acct != f->acct[A2]);
	KUNIT_ASSERT_PTR_EQ(test, walk.acct, f->acct[A2]);
	ioas_account_walk_pause(&walk);
	fixture_end_account(f, A2);
	fixture_remove(f, A2);
	KUNIT_EXPECT_EQ(test, refs, refcount_read(&f->owner[A]->refs));
	expect_next(test, &walk, f->acct[B]);
	KUNIT_EXPECT_EQ(test, refs - 1, refcount_read(&f->owner[A]->refs));
	expect_next(test, &walk, NULL);
	ioas_account_walk_end(&walk);
}

static void walk_goes_on_below_an_owner_that_was_removed(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_account_walk walk;

	ioas_account_walk_begin(&walk, f->owner[A]);
	expect_next(test, &walk, f->acct[A]);
	expect_next(test, &walk, f->acct[A1]);
	ioas_account_walk_pause(&walk);
	fixture_end_account(f, A1);
	fixture_remove(f, A1);
	expect_next(test, &walk, f->acct[DEEP]);
	expect_next(test, &walk, f->acct[A2]);
	ioas_account_walk_end(&walk);
}

/* One that is not yet out of the tree, as ioas_owner_put_atomic() leaves it to a work. */
static void walk_passes_over_an_owner_that_is_about_to_go(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_owner *going = f->owner[A2];
	struct ioas_account_walk walk;

	fixture_end_account(f, A2);
	f->owner[A2] = NULL;
	KUNIT_ASSERT_TRUE(test, refcount_dec_and_test(&going->refs));
	ioas_account_walk_begin(&walk, f->owner[ROOT]);
	do {
		ioas_account_walk_next(&walk);
		KUNIT_EXPECT_PTR_NE(test, walk.owner, going);
	} while (walk.acct && walk.acct != f->acct[DEEP]);
	expect_next(test, &walk, f->acct[B]);
	expect_next(test, &walk, NULL);
	ioas_account_walk_end(&walk);
	schedule_work(&going->put_work);
}

static int maker_run(void *unused)
{
	return 0;
}

static void account_knows_for_whom_and_when_it_was_made(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct ioas_cg_account *acct;
	struct task_struct *task;
	u64 before, after;

	task = kthread_create(maker_run, NULL, "ioas_maker");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	before = ktime_to_ns(ktime_get_coarse_boottime());
	acct = ioas_account_create(f->owner[A], task, NULL, IOAS_CG_KVM,
				   GFP_KERNEL);
	after = ktime_get_boottime_ns();
	if (!IS_ERR(acct)) {
		KUNIT_EXPECT_NE(test, task_tgid_nr(task),
				task_tgid_nr(current));
		KUNIT_EXPECT_EQ(test, acct->maker.tgid, task_tgid_nr(task));
		KUNIT_EXPECT_EQ(test, acct->maker.pid, task_pid_nr(task));
		KUNIT_EXPECT_STREQ(test, acct->maker.comm, "ioas_maker");
		KUNIT_EXPECT_GE(test, acct->maker.boottime_ns, before);
		KUNIT_EXPECT_LE(test, acct->maker.boottime_ns, after);
		KUNIT_EXPECT_EQ(test, acct->kind, IOAS_CG_KVM);
		ioas_cg_account_put(acct);
	}
	kthread_stop(task);
	KUNIT_EXPECT_FALSE(test, IS_ERR(acct));
}

static struct kunit_case walk_cases[] = {
	KUNIT_CASE(owners_come_parents_first),
	KUNIT_CASE(owners_that_are_made_and_removed_come_and_go),
	KUNIT_CASE(removed_owner_is_shown_until_it_holds_nothing),
	KUNIT_CASE(sum_is_of_the_subtree_and_by_kind),
	KUNIT_CASE(walk_finds_each_account_once),
	KUNIT_CASE(walk_goes_on_where_it_paused),
	KUNIT_CASE(walk_is_over_a_subtree),
	KUNIT_CASE(walk_may_end_anywhere),
	KUNIT_CASE(account_stays_while_a_walk_looks_at_it),
	KUNIT_CASE(accounts_may_end_while_a_walk_pauses),
	KUNIT_CASE(walk_ends_while_accounts_are_made),
	KUNIT_CASE(walks_that_pause_do_not_see_each_other),
	KUNIT_CASE(walk_leaves_an_owner_without_accounts_behind),
	KUNIT_CASE(owner_may_go_while_a_walk_is_at_it),
	KUNIT_CASE(walk_goes_on_below_an_owner_that_was_removed),
	KUNIT_CASE(walk_passes_over_an_owner_that_is_about_to_go),
	KUNIT_CASE(account_knows_for_whom_and_when_it_was_made),
	{ }
};

static struct kunit_suite walk_suite = {
	.name = "ioas_walk",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = walk_cases,
};

kunit_test_suite(walk_suite);
