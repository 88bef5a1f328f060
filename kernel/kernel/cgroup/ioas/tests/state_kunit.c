// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of states and steps: state.c. */

#include <linux/slab.h>

#include "fixture.h"

static struct ioas_state *state_of(struct kunit *test, struct fixture *f,
				   const enum test_owner *owners, int n)
{
	struct ioas_state *state = NULL;
	struct ioas_step step;
	int i;

	for (i = 0; i < n; i++) {
		KUNIT_ASSERT_EQ(test, 0,
				ioas_step_add(&step, state,
					      f->owner[owners[i]], GFP_KERNEL));
		ioas_state_get(step.with);
		state = step.with;
		ioas_step_put(&step, &f->ledger);
	}
	return state;
}

static void state_does_not_depend_on_order(struct kunit *test)
{
	static const enum test_owner orders[][6] = {
		{ A1, A2, B, A1, DEEP, ROOT },
		{ ROOT, DEEP, A1, B, A2, A1 },
		{ B, A1, A1, ROOT, A2, DEEP },
	};
	struct fixture *f = test->priv;
	struct ioas_state *state[ARRAY_SIZE(orders)];
	int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		state[i] = state_of(test, f, orders[i], 6);
		KUNIT_EXPECT_PTR_EQ(test, state[i], state[0]);
	}
	KUNIT_EXPECT_EQ(test, ioas_state_count(state[0], f->owner[A1]), 2);
	KUNIT_EXPECT_EQ(test, ioas_state_count(state[0], f->owner[ROOT]), 1);
	KUNIT_EXPECT_EQ(test, ioas_state_count(state[0], f->owner[A]), 0);
	for (i = 0; i < ARRAY_SIZE(orders); i++)
		ioas_state_put(&f->ledger, state[i]);
}

static void different_counts_are_different_states(struct kunit *test)
{
	static const enum test_owner once[] = { A1, B };
	static const enum test_owner twice[] = { A1, B, B };
	struct fixture *f = test->priv;
	struct ioas_state *a = state_of(test, f, once, ARRAY_SIZE(once));
	struct ioas_state *b = state_of(test, f, twice, ARRAY_SIZE(twice));

	KUNIT_EXPECT_PTR_NE(test, a, b);
	ioas_state_put(&f->ledger, a);
	ioas_state_put(&f->ledger, b);
}

static void sub_undoes_add(struct kunit *test)
{
	static const enum test_owner owners[] = { A1, A2, B, A1 };
	struct fixture *f = test->priv;
	struct ioas_state *state = state_of(test, f, owners,
					    ARRAY_SIZE(owners));
	struct ioas_step add, sub;
	int i;

	for (i = 0; i < NR_TEST_OWNERS; i++) {
		ioas_state_get(state);
		KUNIT_ASSERT_EQ(test, 0, ioas_step_add(&add, state, f->owner[i],
						       GFP_KERNEL));
		ioas_state_get(add.with);
		KUNIT_ASSERT_EQ(test, 0,
				ioas_step_sub(&sub, add.with, f->owner[i],
					      GFP_KERNEL));
		KUNIT_EXPECT_PTR_EQ(test, sub.without, state);
		KUNIT_EXPECT_PTR_EQ(test, sub.with, add.with);
		KUNIT_EXPECT_PTR_EQ(test, sub.stop, add.stop);
		KUNIT_EXPECT_PTR_EQ(test, sub.shared, add.shared);
		KUNIT_EXPECT_PTR_EQ(test, sub.shared_stop, add.shared_stop);
		ioas_step_put(&add, &f->ledger);
		ioas_step_put(&sub, &f->ledger);
	}
	ioas_state_put(&f->ledger, state);
}

static void sub_of_a_stranger_is_refused(struct kunit *test)
{
	static const enum test_owner owners[] = { A1, B };
	struct fixture *f = test->priv;
	struct ioas_state *state = state_of(test, f, owners,
					    ARRAY_SIZE(owners));
	struct ioas_step step;

	KUNIT_EXPECT_EQ(test, -ENOENT, ioas_step_sub(&step, state, f->owner[A2],
						     GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, -ENOENT, ioas_step_sub(&step, state, f->owner[A],
						     GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, -ENOENT, ioas_step_sub(&step, NULL, f->owner[A],
						     GFP_KERNEL));
	ioas_state_put(&f->ledger, state);
}

/* ---- who is affected by a step ---- */

#define NOBODY NR_TEST_OWNERS

/* The expected columns are worked out by hand on the tree in fixture.h. */
struct affected_case {
	const char *desc;
	int nr;
	enum test_owner owners[4];
	enum test_owner adds;
	enum test_owner stop;
	enum test_owner shared;
	enum test_owner shared_stop;
};

static const struct affected_case affected_cases[] = {
	{ "nobody, then a1", 0, {}, A1, NOBODY, NOBODY, NOBODY },
	{ "nobody, then root", 0, {}, ROOT, NOBODY, NOBODY, NOBODY },
	{ "a1, then a1 again", 1, { A1 }, A1, A1, NOBODY, NOBODY },
	{ "a1, then its sibling", 1, { A1 }, A2, A, A1, A },
	{ "a1, then its cousin", 1, { A1 }, B, ROOT, A1, ROOT },
	{ "a1, then its parent", 1, { A1 }, A, A, A1, A },
	{ "a, then its child", 1, { A }, A1, A, NOBODY, NOBODY },
	{ "deep, then root", 1, { DEEP }, ROOT, ROOT, DEEP, ROOT },
	{ "root, then deep", 1, { ROOT }, DEEP, ROOT, NOBODY, NOBODY },
	{ "deep and a2, then a1", 2, { DEEP, A2 }, A1, A1, NOBODY, NOBODY },
	{ "a1 and a2, then b", 2, { A1, A2 }, B, ROOT, A, ROOT },
	{ "a1 and b, then a2", 2, { A1, B }, A2, A, NOBODY, NOBODY },
	{ "a1 and a2, then deep", 2, { A1, A2 }, DEEP, A1, NOBODY, NOBODY },
	{ "deep and a1, then a2", 2, { DEEP, A1 }, A2, A, A1, A },
	{ "a and b, then deep", 2, { A, B }, DEEP, A, NOBODY, NOBODY },
	{ "a1 twice, then a2", 2, { A1, A1 }, A2, A, A1, A },
};

KUNIT_ARRAY_PARAM_DESC(affected, affected_cases, desc);

static struct ioas_owner *owner_or_null(struct fixture *f, enum test_owner o)
{
	return o == NOBODY ? NULL : f->owner[o];
}

static void step_finds_who_is_affected(struct kunit *test)
{
	const struct affected_case *c = test->param_value;
	struct fixture *f = test->priv;
	struct ioas_state *state = state_of(test, f, c->owners, c->nr);
	struct ioas_step step;

	KUNIT_ASSERT_EQ(test, 0, ioas_step_add(&step, state, f->owner[c->adds],
					       GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, step.stop, owner_or_null(f, c->stop));
	KUNIT_EXPECT_PTR_EQ(test, step.shared, owner_or_null(f, c->shared));
	KUNIT_EXPECT_PTR_EQ(test, step.shared_stop,
			    owner_or_null(f, c->shared_stop));
	ioas_step_put(&step, &f->ledger);
}

/* ---- many owners ---- */

#define MANY 4096

/*
 * Each further owner takes a handful of objects, not a copy of all owners:
 * the trie of n siblings is about log2(n) deep.
 */
static void many_owners_share_their_parts(struct kunit *test)
{
	struct ioas_ledger *ledger = test_ledger_create(test);
	struct ioas_owner *root, **owners;
	struct ioas_state *state = NULL;
	struct ioas_step step;
	long before;
	int i;

	owners = kvcalloc(MANY, sizeof(*owners), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, owners);
	root = ioas_owner_create(ledger, NULL, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, root);
	for (i = 0; i < MANY; i++) {
		owners[i] = ioas_owner_create(ledger, root, GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, owners[i]);
	}
	for (i = 0; i < MANY; i++) {
		before = atomic_long_read(&ledger->nr_states);
		KUNIT_ASSERT_EQ(test, 0, ioas_step_add(&step, state, owners[i],
						       GFP_KERNEL));
		KUNIT_EXPECT_LE(test,
				atomic_long_read(&ledger->nr_states) - before,
				2 * ilog2(MANY));
		ioas_state_get(step.with);
		state = step.with;
		ioas_step_put(&step, ledger);
	}
	/* One branch less than owners; their entries are parts of them. */
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ledger->nr_states), MANY - 1);
	/* Out again in another order: 7 and 4096 have no common divisor. */
	for (i = 0; i < MANY; i++) {
		KUNIT_ASSERT_EQ(test, 0,
				ioas_step_sub(&step, state,
					      owners[i * 7 % MANY],
					      GFP_KERNEL));
		state = step.without;
		if (state)
			ioas_state_get(state);
		ioas_step_put(&step, ledger);
	}
	KUNIT_EXPECT_NULL(test, state);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ledger->nr_states), 0);
	for (i = 0; i < MANY; i++)
		ioas_owner_put(owners[i]);
	ioas_owner_put(root);
	test_ledger_destroy(ledger);
	kvfree(owners);
}

/* A chain far deeper than the stack could recurse on, each level pinning. */
#define DEEP_LEVELS 300

static void deep_chains_work(struct kunit *test)
{
	struct ioas_ledger *ledger = test_ledger_create(test);
	struct ioas_owner **owners, *parent = NULL;
	struct ioas_state *state = NULL;
	struct ioas_step step;
	int i;

	owners = kvcalloc(DEEP_LEVELS, sizeof(*owners), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, owners);
	for (i = 0; i < DEEP_LEVELS; i++) {
		owners[i] = ioas_owner_create(ledger, parent, GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, owners[i]);
		parent = owners[i];
	}
	for (i = DEEP_LEVELS - 1; i >= 0; i--) {
		KUNIT_ASSERT_EQ(test, 0, ioas_step_add(&step, state, owners[i],
						       GFP_KERNEL));
		if (state)
			KUNIT_EXPECT_PTR_EQ(test, step.stop, owners[i]);
		ioas_state_get(step.with);
		state = step.with;
		ioas_step_put(&step, ledger);
	}
	for (i = 0; i < DEEP_LEVELS; i++)
		KUNIT_EXPECT_EQ(test, ioas_state_count(state, owners[i]), 1);
	/* The last reference takes the whole trie along. */
	ioas_state_put(ledger, state);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&ledger->nr_states), 0);
	for (i = 0; i < DEEP_LEVELS; i++)
		ioas_owner_put(owners[i]);
	test_ledger_destroy(ledger);
	kvfree(owners);
}

/* ---- failures ---- */

static void failed_step_leaves_nothing(struct kunit *test)
{
	static const enum test_owner owners[] = { A1, A2, B };
	struct fixture *f = test->priv;
	struct ioas_state *state = state_of(test, f, owners,
					    ARRAY_SIZE(owners));
	long before = atomic_long_read(&f->ledger.nr_states);
	struct ioas_step step = { };
	int nth, failed = 0;

	for (nth = 1; ; nth++) {
		ioas_state_get(state);
		test_fail_allocation(test, nth);
		if (!ioas_step_add(&step, state, f->owner[DEEP], GFP_KERNEL))
			break;
		failed++;
		ioas_state_put(&f->ledger, state);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&f->ledger.nr_states),
				before);
	}
	test_fail_allocation(test, 0);
	/* Three branches are new: above DEEP, above A1 and A2, and at the top. */
	KUNIT_EXPECT_EQ(test, failed, 3);
	ioas_step_put(&step, &f->ledger);
	ioas_state_put(&f->ledger, state);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&f->ledger.nr_states), 0);
}

static struct kunit_case state_cases[] = {
	KUNIT_CASE(state_does_not_depend_on_order),
	KUNIT_CASE(different_counts_are_different_states),
	KUNIT_CASE(sub_undoes_add),
	KUNIT_CASE(sub_of_a_stranger_is_refused),
	KUNIT_CASE_PARAM(step_finds_who_is_affected, affected_gen_params),
	KUNIT_CASE(many_owners_share_their_parts),
	KUNIT_CASE(deep_chains_work),
	KUNIT_CASE(failed_step_leaves_nothing),
	{ }
};

static struct kunit_suite state_suite = {
	.name = "ioas_state",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = state_cases,
};

kunit_test_suite(state_suite);
