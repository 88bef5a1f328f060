// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of policies: policy.c, and what account.c and pasid.c do about a refusal.
 * The policies are C functions here, that write down what they are shown.
 */

#include <linux/bpf.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>

#include "../policy.h"
#include "fixture.h"

#define GLOBAL IOAS_CG_PASID_GLOBAL
#define DEVICE IOAS_CG_PASID_DEVICE

#define FIRST_ID	0x7f000000	/* of the cgroups, in the order of enum test_owner */
#define BLOCK_ORDER	7
#define CHARGED		40	/* pages that each way to charge charges */
#define MAX_TOLD	64

enum told_what {
	CHARGE_PINNED,
	UNCHARGE_PINNED,
	CHARGE_PASID,
	UNCHARGE_PASID,
	LIMIT_HIT,
	CGROUP_GONE,
};

/**
 * struct told - one call of a policy
 * @what: which of its functions
 * @at: where it is attached
 * @gross: pins of the kind that is charged, as ioas.stat has them there meanwhile
 * @task: the task that it was shown, or NULL
 * @pinned: what it was shown, by @what
 * @pasid: the same
 * @limit: the same
 */
struct told {
	enum told_what what;
	enum test_owner at;
	unsigned long gross;
	struct task_struct *task;
	union {
		struct ioas_policy_pinned pinned;
		struct ioas_policy_pasid pasid;
		struct ioas_policy_limit limit;
	};
};

/* What policies do and see.  It is static, as they know only the id of a cgroup. */
static struct {
	struct fixture *f;
	struct ioas_cgroup_ops ops[NR_TEST_OWNERS];
	int answer[NR_TEST_OWNERS];
	u64 refused_device[NR_TEST_OWNERS];
	struct told told[MAX_TOLD];
	unsigned int nr_told;
	struct page *block;
} policy;

static u64 id_of(enum test_owner owner)
{
	return FIRST_ID + owner;
}

/* One more entry; the last one is for all that are too many. */
static struct told *told_at(enum told_what what, u64 cgroup_id)
{
	struct told *told = &policy.told[policy.nr_told];

	if (policy.nr_told < MAX_TOLD - 1)
		policy.nr_told++;
	*told = (struct told){
		.what = what,
		.at = cgroup_id - FIRST_ID,
	};
	return told;
}

static unsigned long gross(enum test_owner owner, enum ioas_cg_kind kind)
{
	struct ioas_owner_stat stat;

	ioas_owner_sum(policy.f->owner[owner], &stat);
	return stat.gross[kind];
}

static int charge_pinned(const struct ioas_policy_pinned *pinned,
			 struct task_struct *task)
{
	struct told *told = told_at(CHARGE_PINNED, pinned->cgroup_id);

	told->pinned = *pinned;
	told->task = task;
	told->gross = gross(told->at, pinned->kind);
	return policy.answer[told->at];
}

static void uncharge_pinned(const struct ioas_policy_pinned *pinned)
{
	struct told *told = told_at(UNCHARGE_PINNED, pinned->cgroup_id);

	told->pinned = *pinned;
	told->gross = gross(told->at, pinned->kind);
}

static int charge_pasid(const struct ioas_policy_pasid *pasid,
			struct task_struct *task)
{
	struct told *told = told_at(CHARGE_PASID, pasid->cgroup_id);

	told->pasid = *pasid;
	told->task = task;
	if (pasid->device && pasid->device != policy.refused_device[told->at])
		return 0;
	return policy.answer[told->at];
}

static void uncharge_pasid(const struct ioas_policy_pasid *pasid)
{
	told_at(UNCHARGE_PASID, pasid->cgroup_id)->pasid = *pasid;
}

static void limit_hit(const struct ioas_policy_limit *limit,
		      struct task_struct *task)
{
	struct told *told = told_at(LIMIT_HIT, limit->cgroup_id);

	told->limit = *limit;
	told->task = task;
}

static void cgroup_gone(u64 cgroup_id)
{
	told_at(CGROUP_GONE, cgroup_id);
}

static const struct ioas_cgroup_ops full_ops = {
	.charge_pinned = charge_pinned,
	.uncharge_pinned = uncharge_pinned,
	.charge_pasid = charge_pasid,
	.uncharge_pasid = uncharge_pasid,
	.limit_hit = limit_hit,
	.cgroup_gone = cgroup_gone,
};

static int policy_init(struct kunit *test)
{
	int i;

	memset(&policy, 0, sizeof(policy));
	policy.block = alloc_pages(GFP_KERNEL, BLOCK_ORDER);
	KUNIT_ASSERT_NOT_NULL(test, policy.block);
	fixture_init(test);
	policy.f = test->priv;
	for (i = 0; i < NR_TEST_OWNERS; i++) {
		policy.f->owner[i]->cgroup_id = id_of(i);
		policy.ops[i] = full_ops;
		policy.ops[i].cgroup_id = id_of(i);
	}
	return 0;
}

static void policy_exit(struct kunit *test)
{
	int i;

	for (i = 0; i < NR_TEST_OWNERS; i++)
		if (policy.ops[i].owner)
			ioas_policy_detach(&policy.ops[i]);
	KUNIT_EXPECT_FALSE(test, ioas_policies_exist());
	synchronize_rcu();
	fixture_exit(test);
	if (policy.block)
		__free_pages(policy.block, BLOCK_ORDER);
}

static void attach(struct kunit *test, enum test_owner owner)
{
	KUNIT_ASSERT_EQ(test, 0,
			ioas_policy_attach(policy.f->owner[owner],
					   &policy.ops[owner], NULL));
}

static void attach_everywhere(struct kunit *test)
{
	int i;

	for (i = 0; i < NR_TEST_OWNERS; i++)
		attach(test, i);
}

static void detach(enum test_owner owner)
{
	ioas_policy_detach(&policy.ops[owner]);
}

static unsigned long block_pfn(unsigned int page)
{
	return page_to_pfn(policy.block) + page;
}

static int charge(enum test_owner owner, unsigned int first, unsigned int nr)
{
	return ioas_cg_charge_pfns(policy.f->acct[owner], block_pfn(first), nr);
}

static void uncharge(enum test_owner owner, unsigned int first, unsigned int nr)
{
	ioas_cg_uncharge_pfns(policy.f->acct[owner], block_pfn(first), nr);
}

static void forget_told(void)
{
	policy.nr_told = 0;
}

static const struct told *expect_told(struct kunit *test, unsigned int i,
				      enum told_what what, enum test_owner at)
{
	const struct told *told = &policy.told[i];

	KUNIT_ASSERT_LT(test, i, policy.nr_told);
	KUNIT_EXPECT_EQ_MSG(test, told->what, what, "call %u", i);
	KUNIT_EXPECT_EQ_MSG(test, told->at, at, "call %u", i);
	return told;
}

/* In pages; the kind is VFIO. */
static void expect_pinned(struct kunit *test, unsigned int i,
			  enum told_what what, enum test_owner at,
			  enum test_owner owner, u64 pages, u64 unique)
{
	const struct told *told = expect_told(test, i, what, at);
	const struct ioas_policy_pinned *pinned = &told->pinned;

	KUNIT_EXPECT_EQ(test, pinned->cgroup_id, id_of(at));
	KUNIT_EXPECT_EQ(test, pinned->owner_id, id_of(owner));
	KUNIT_EXPECT_EQ(test, pinned->kind, IOAS_CG_VFIO);
	KUNIT_EXPECT_EQ_MSG(test, pinned->bytes, pages * PAGE_SIZE, "call %u",
			    i);
	KUNIT_EXPECT_EQ_MSG(test, pinned->unique, unique * PAGE_SIZE,
			    "call %u", i);
	KUNIT_EXPECT_EQ(test, pinned->max, U64_MAX);
	if (what == CHARGE_PINNED)
		KUNIT_EXPECT_PTR_EQ(test, told->task, current);
}

static void expect_pasid(struct kunit *test, unsigned int i,
			 enum told_what what, enum test_owner at,
			 enum test_owner owner, u64 device, u64 held)
{
	const struct told *told = expect_told(test, i, what, at);
	const struct ioas_policy_pasid *pasid = &told->pasid;

	KUNIT_EXPECT_EQ(test, pasid->cgroup_id, id_of(at));
	KUNIT_EXPECT_EQ(test, pasid->owner_id, id_of(owner));
	KUNIT_EXPECT_EQ(test, pasid->pasid, 77);
	KUNIT_EXPECT_EQ_MSG(test, pasid->device, device, "call %u", i);
	KUNIT_EXPECT_EQ_MSG(test, pasid->held, held, "call %u", i);
	if (what == CHARGE_PASID)
		KUNIT_EXPECT_PTR_EQ(test, told->task, current);
}

static u64 local_events(enum test_owner owner, enum ioas_event event)
{
	return atomic64_read(&policy.f->owner[owner]->events_local[event]);
}

static bool is_on_path(enum test_owner from, enum test_owner owner)
{
	struct ioas_owner *o;

	for (o = policy.f->owner[from]; o; o = o->parent)
		if (o == policy.f->owner[owner])
			return true;
	return false;
}

/* An event at @owner, and none of it elsewhere. */
static void expect_one_event(struct kunit *test, enum test_owner owner,
			     enum ioas_event event)
{
	int i;

	for (i = 0; i < NR_TEST_OWNERS; i++) {
		atomic64_t *events = policy.f->owner[i]->events;

		KUNIT_EXPECT_EQ_MSG(test, local_events(i, event), i == owner,
				    "local events of %s", test_owner_name[i]);
		KUNIT_EXPECT_EQ_MSG(test, atomic64_read(&events[event]),
				    is_on_path(owner, i), "events of %s",
				    test_owner_name[i]);
	}
	KUNIT_EXPECT_EQ(test, 1, policy.f->events[event]);
}

static void forget_events(void)
{
	int i;

	memset(policy.f->events, 0, sizeof(policy.f->events));
	for (i = 0; i < NR_TEST_OWNERS; i++) {
		memset(policy.f->owner[i]->events, 0,
		       sizeof(policy.f->owner[i]->events));
		memset(policy.f->owner[i]->events_local, 0,
		       sizeof(policy.f->owner[i]->events_local));
	}
}

/* From the deepest up. */
static const enum test_owner path[] = { DEEP, A1, A, ROOT };

/* ---- ways to charge ---- */

/**
 * struct way - one of the ways to charge CHARGED pages
 * @desc: its name
 * @nr: number of pages that are passed, those that do not count included
 * @number: of the page in the block that is the @i-th, or -1 for the zero page
 * @by_pfns: as page frames, not as an array
 */
struct way {
	const char *desc;
	unsigned int nr;
	int (*number)(unsigned int i);
	bool by_pfns;
};

static int consecutive(unsigned int i)
{
	return i;
}

/* Single pages, the zero page, and a run that is long. */
static int scattered(unsigned int i)
{
	if (i == CHARGED / 2)
		return -1;
	return i < CHARGED / 2 ? 3 * i : 64 + i;
}

static const struct way ways[] = {
	{ "page frames", CHARGED, consecutive, true },
	{ "a run in an array", CHARGED, consecutive, false },
	{ "a scattered array", CHARGED + 1, scattered, false },
};

KUNIT_ARRAY_PARAM_DESC(way, ways, desc);

static void fill(const struct way *way, struct page **pages)
{
	unsigned int i;
	int number;

	for (i = 0; i < way->nr; i++) {
		number = way->number(i);
		pages[i] = number < 0 ? ZERO_PAGE(0) : policy.block + number;
	}
}

static int charge_by(const struct way *way, enum test_owner owner)
{
	struct ioas_cg_account *acct = policy.f->acct[owner];
	struct page *pages[CHARGED + 1];

	if (way->by_pfns)
		return ioas_cg_charge_pfns(acct, block_pfn(0), way->nr);
	fill(way, pages);
	return ioas_cg_charge_pages(acct, pages, way->nr);
}

static void uncharge_by(const struct way *way, enum test_owner owner)
{
	struct ioas_cg_account *acct = policy.f->acct[owner];
	struct page *pages[CHARGED + 1];

	if (way->by_pfns) {
		ioas_cg_uncharge_pfns(acct, block_pfn(0), way->nr);
		return;
	}
	fill(way, pages);
	ioas_cg_uncharge_pages(acct, pages, way->nr);
}

/* ---- pinned pages ---- */

static void nearest_is_asked_first_and_the_root_last(struct kunit *test)
{
	const struct way *way = test->param_value;
	unsigned int i;

	attach_everywhere(test);
	KUNIT_ASSERT_EQ(test, 0, charge_by(way, DEEP));
	KUNIT_ASSERT_EQ(test, policy.nr_told, ARRAY_SIZE(path));
	for (i = 0; i < ARRAY_SIZE(path); i++)
		expect_pinned(test, i, CHARGE_PINNED, path[i], DEEP, CHARGED,
			      CHARGED);
	forget_told();
	uncharge_by(way, DEEP);
	KUNIT_ASSERT_EQ(test, policy.nr_told, ARRAY_SIZE(path));
	for (i = 0; i < ARRAY_SIZE(path); i++)
		expect_pinned(test, i, UNCHARGE_PINNED, path[i], DEEP, CHARGED,
			      0);
}

/* Distinct pages where the policy is, and all pins of the call, of whatever kind. */
static void policy_sees_the_numbers_of_its_own_cgroup(struct kunit *test)
{
	struct ioas_cg_account *acct;

	acct = ioas_account_create(policy.f->owner[A1], current, NULL,
				   IOAS_CG_RDMA, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, acct);
	KUNIT_ASSERT_EQ(test, 0, charge(A2, 0, 30));
	KUNIT_ASSERT_EQ(test, 0, charge(B, 60, 7));
	policy.f->owner[A]->max = 50;
	policy.f->owner[ROOT]->max = 0x1234567;
	attach(test, A1);
	attach(test, A);
	attach(test, ROOT);
	KUNIT_ASSERT_EQ(test, 0, ioas_cg_charge_pfns(acct, block_pfn(20), 20));
	KUNIT_ASSERT_EQ(test, policy.nr_told, 3);
	KUNIT_EXPECT_EQ(test, policy.told[0].pinned.unique, 20 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, policy.told[1].pinned.unique, 40 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, policy.told[2].pinned.unique, 47 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, policy.told[0].pinned.max, U64_MAX);
	KUNIT_EXPECT_EQ(test, policy.told[1].pinned.max, 50 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, policy.told[2].pinned.max,
			0x1234567ULL * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, policy.told[2].pinned.kind, IOAS_CG_RDMA);
	KUNIT_EXPECT_EQ(test, policy.told[2].pinned.bytes, 20 * PAGE_SIZE);
	ioas_cg_uncharge_pfns(acct, block_pfn(20), 20);
	KUNIT_ASSERT_EQ(test, policy.nr_told, 6);
	KUNIT_EXPECT_EQ(test, policy.told[4].pinned.unique, 30 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, policy.told[4].pinned.kind, IOAS_CG_RDMA);
	uncharge(A2, 0, 30);
	uncharge(B, 60, 7);
	ioas_cg_account_put(acct);
}

/* One that limits a kind compares ioas.stat with a number of its own. */
static void pins_are_in_the_sums_when_a_policy_is_asked(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, charge(A2, 0, 10));
	attach(test, A1);
	attach(test, A);
	KUNIT_ASSERT_EQ(test, 0, charge(A1, 0, 15));
	KUNIT_ASSERT_EQ(test, 0, charge(A1, 0, 15));
	KUNIT_ASSERT_EQ(test, policy.nr_told, 4);
	KUNIT_EXPECT_EQ(test, policy.told[0].gross, 15);
	KUNIT_EXPECT_EQ(test, policy.told[1].gross, 25);
	KUNIT_EXPECT_EQ(test, policy.told[2].gross, 30);
	KUNIT_EXPECT_EQ(test, policy.told[3].gross, 40);
	policy.answer[A] = -EDQUOT;
	KUNIT_EXPECT_EQ(test, -EDQUOT, charge(A1, 0, 1));
	KUNIT_ASSERT_EQ(test, policy.nr_told, 7);
	KUNIT_EXPECT_EQ(test, policy.told[5].gross, 41);
	KUNIT_EXPECT_EQ(test, policy.told[6].gross, 30);
	KUNIT_EXPECT_EQ(test, gross(A, IOAS_CG_VFIO), 40);
	uncharge(A1, 0, 15);
	KUNIT_EXPECT_EQ(test, policy.told[7].gross, 15);
	uncharge(A1, 0, 15);
	uncharge(A2, 0, 10);
}

static void nobody_is_asked_about_pages_that_do_not_count(struct kunit *test)
{
	struct page *zero[] = { ZERO_PAGE(0), ZERO_PAGE(0), ZERO_PAGE(0) };
	struct ioas_cg_account *acct = policy.f->acct[A1];

	attach_everywhere(test);
	policy.answer[A1] = -EPERM;
	KUNIT_EXPECT_EQ(test, 0, ioas_cg_charge_pages(acct, zero, 3));
	KUNIT_EXPECT_EQ(test, 0,
			ioas_cg_charge_pfns(acct, page_to_pfn(zero[0]), 1));
	ioas_cg_uncharge_pages(acct, zero, 3);
	ioas_cg_uncharge_pfns(acct, page_to_pfn(zero[0]), 1);
	KUNIT_EXPECT_EQ(test, policy.nr_told, 0);
}

static void gathered_pages_are_told_as_they_are_uncharged(struct kunit *test)
{
	struct ioas_cg_gather gather;

	KUNIT_ASSERT_EQ(test, 0, charge(A, 0, 40));
	attach(test, A);
	ioas_cg_gather_begin(&gather, policy.f->acct[A]);
	ioas_cg_gather_uncharge_pfns(&gather, block_pfn(0), 1);
	ioas_cg_gather_uncharge_pfns(&gather, block_pfn(4), 2);
	KUNIT_EXPECT_EQ(test, policy.nr_told, 0);
	ioas_cg_gather_uncharge_pfns(&gather, block_pfn(10), 30);
	KUNIT_ASSERT_EQ(test, policy.nr_told, 1);
	expect_pinned(test, 0, UNCHARGE_PINNED, A, A, 30, 10);
	ioas_cg_gather_end(&gather);
	KUNIT_ASSERT_EQ(test, policy.nr_told, 2);
	expect_pinned(test, 1, UNCHARGE_PINNED, A, A, 3, 7);
	uncharge(A, 1, 3);
	uncharge(A, 6, 4);
}

static void policy_without_functions_allows_everything(struct kunit *test)
{
	policy.ops[A] = (struct ioas_cgroup_ops){ .cgroup_id = id_of(A) };
	attach(test, A);
	policy.f->owner[A]->max = 10;
	policy.f->owner[A]->pasids[GLOBAL].max = 1;
	KUNIT_EXPECT_EQ(test, 0, charge(A1, 0, 10));
	KUNIT_EXPECT_EQ(test, -ENOMEM, charge(A1, 10, 1));
	uncharge(A1, 0, 10);
	KUNIT_EXPECT_EQ(test, 0, ioas_cg_charge_pasid(policy.f->owner[A1],
						      GLOBAL, 1, NULL, 1));
	KUNIT_EXPECT_EQ(test, -EDQUOT,
			ioas_cg_charge_pasid(policy.f->owner[A1], GLOBAL, 2,
					     NULL, 1));
	ioas_cg_uncharge_pasid(policy.f->owner[A1], GLOBAL, 1, NULL, 1);
	ioas_policy_forget_cgroup(policy.f->owner[A]);
}

static void limit_is_told_and_not_asked_about(struct kunit *test)
{
	const struct way *way = test->param_value;
	const struct ioas_policy_limit *limit;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, charge(A2, 120, 5));
	policy.f->owner[A]->max = 30;
	attach_everywhere(test);
	KUNIT_EXPECT_EQ(test, -ENOMEM, charge_by(way, DEEP));
	KUNIT_ASSERT_EQ(test, policy.nr_told, ARRAY_SIZE(path));
	for (i = 0; i < ARRAY_SIZE(path); i++) {
		limit = &expect_told(test, i, LIMIT_HIT, path[i])->limit;
		KUNIT_EXPECT_EQ(test, limit->cgroup_id, id_of(path[i]));
		KUNIT_EXPECT_EQ(test, limit->owner_id, id_of(DEEP));
		KUNIT_EXPECT_EQ(test, limit->limit_id, id_of(A));
		KUNIT_EXPECT_EQ(test, limit->resource, IOAS_POLICY_PINNED);
		KUNIT_EXPECT_EQ(test, limit->wanted, way->nr * PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, limit->held, 5 * PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, limit->max, 30 * PAGE_SIZE);
		KUNIT_EXPECT_PTR_EQ(test, policy.told[i].task, current);
	}
	expect_one_event(test, A, IOAS_EVENT_MAX);
	KUNIT_EXPECT_EQ(test, 0, policy.f->events[IOAS_EVENT_POLICY]);
	uncharge(A2, 120, 5);
}

/* What a charge changes. */
struct snapshot {
	struct {
		unsigned long usage, shared, peak, local_peak, gross;
		long pages;
		unsigned int refs;
	} owner[NR_TEST_OWNERS];
};

static void take_snapshot(struct snapshot *s)
{
	struct ioas_owner *owner;
	int i;

	for (i = 0; i < NR_TEST_OWNERS; i++) {
		owner = policy.f->owner[i];
		s->owner[i].usage = test_usage(policy.f, i);
		s->owner[i].shared = test_shared(policy.f, i);
		s->owner[i].peak = owner->peak;
		s->owner[i].local_peak = owner->local_peak;
		s->owner[i].gross = gross(i, IOAS_CG_VFIO);
		s->owner[i].pages = policy.f->acct[i]->pages;
		s->owner[i].refs = refcount_read(&owner->refs);
	}
}

static void expect_snapshot(struct kunit *test, const struct snapshot *want)
{
	struct snapshot now;
	int i;

	take_snapshot(&now);
	for (i = 0; i < NR_TEST_OWNERS; i++) {
		KUNIT_EXPECT_EQ_MSG(test, now.owner[i].usage,
				    want->owner[i].usage, "of %s",
				    test_owner_name[i]);
		KUNIT_EXPECT_EQ_MSG(test, now.owner[i].shared,
				    want->owner[i].shared, "of %s",
				    test_owner_name[i]);
		KUNIT_EXPECT_EQ_MSG(test, now.owner[i].peak,
				    want->owner[i].peak, "of %s",
				    test_owner_name[i]);
		KUNIT_EXPECT_EQ_MSG(test, now.owner[i].local_peak,
				    want->owner[i].local_peak, "of %s",
				    test_owner_name[i]);
		KUNIT_EXPECT_EQ_MSG(test, now.owner[i].gross,
				    want->owner[i].gross, "of %s",
				    test_owner_name[i]);
		KUNIT_EXPECT_EQ_MSG(test, now.owner[i].pages,
				    want->owner[i].pages, "of %s",
				    test_owner_name[i]);
		KUNIT_EXPECT_EQ_MSG(test, now.owner[i].refs,
				    want->owner[i].refs, "of %s",
				    test_owner_name[i]);
	}
}

struct refusal_case {
	const char *desc;
	unsigned int level;	/* in path[] */
};

static const struct refusal_case refusal_cases[] = {
	{ "by the nearest", 0 },
	{ "by one in the middle", 2 },
	{ "by the root", 3 },
};

KUNIT_ARRAY_PARAM_DESC(refusal, refusal_cases, desc);

/* Distinct pages that @owner holds, with @nr of DEEP's that it did not hold. */
static u64 unique_with(const struct snapshot *before, enum test_owner owner,
		       unsigned long nr)
{
	return before->owner[owner].usage + nr;
}

/* Of the pages that are charged, B holds some, and others are next to them. */
static void refuse(struct kunit *test, const struct way *way,
		   unsigned int level)
{
	struct snapshot before;
	unsigned int i;

	take_snapshot(&before);
	KUNIT_EXPECT_EQ(test, -EACCES, charge_by(way, DEEP));
	expect_snapshot(test, &before);
	KUNIT_ASSERT_EQ(test, policy.nr_told, 2 * level + 1);
	for (i = 0; i <= level; i++) {
		KUNIT_EXPECT_EQ(test, policy.told[i].pinned.bytes,
				CHARGED * PAGE_SIZE);
		expect_told(test, i, CHARGE_PINNED, path[i]);
		if (path[i] != ROOT)
			expect_pinned(test, i, CHARGE_PINNED, path[i], DEEP,
				      CHARGED,
				      unique_with(&before, path[i], CHARGED));
	}
	for (i = 0; i < level; i++)
		expect_pinned(test, level + 1 + i, UNCHARGE_PINNED, path[i],
			      DEEP, CHARGED, unique_with(&before, path[i], 0));
	expect_one_event(test, path[level], IOAS_EVENT_POLICY);
	KUNIT_EXPECT_EQ(test, 0, policy.f->events[IOAS_EVENT_MAX]);
	KUNIT_EXPECT_EQ(test, 0, policy.f->events[IOAS_EVENT_HIGH]);
	forget_told();
	forget_events();
}

static void refused_charge_is_undone_whole(struct kunit *test)
{
	const struct refusal_case *c = test->param_value;
	int i;

	KUNIT_ASSERT_EQ(test, 0, charge(B, 0, 10));
	KUNIT_ASSERT_EQ(test, 0, charge(A1, 110, 4));
	KUNIT_ASSERT_EQ(test, 0, charge(DEEP, 112, 6));
	attach_everywhere(test);
	policy.f->owner[A]->high = 20;
	policy.answer[path[c->level]] = -EACCES;
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		refuse(test, &ways[i], c->level);
	uncharge(DEEP, 112, 6);
	uncharge(A1, 110, 4);
	uncharge(B, 0, 10);
}

/* Pages that DEEP holds already are charged again, and stay when that is refused. */
static void refused_charge_leaves_what_was_pinned_before(struct kunit *test)
{
	const struct way *way = test->param_value;
	struct snapshot before;

	KUNIT_ASSERT_EQ(test, 0, charge_by(way, DEEP));
	KUNIT_ASSERT_EQ(test, 0, charge_by(way, B));
	attach(test, A);
	take_snapshot(&before);
	policy.answer[A] = -EACCES;
	KUNIT_EXPECT_EQ(test, -EACCES, charge_by(way, DEEP));
	expect_snapshot(test, &before);
	policy.answer[A] = 0;
	KUNIT_EXPECT_EQ(test, 0, charge_by(way, DEEP));
	KUNIT_EXPECT_EQ(test, test_usage(policy.f, A), CHARGED);
	uncharge_by(way, DEEP);
	uncharge_by(way, DEEP);
	uncharge_by(way, B);
}

/* What a policy refuses has not happened in the cgroups below and above it either. */
static void refused_charge_makes_no_peak_and_no_high_event(struct kunit *test)
{
	struct fixture *f = test->priv;

	attach(test, A);
	f->owner[A1]->high = 10;
	f->owner[ROOT]->high = 10;
	policy.answer[A] = -EPERM;
	KUNIT_EXPECT_EQ(test, -EPERM, charge(A1, 0, 11));
	KUNIT_EXPECT_EQ(test, 0, f->owner[A1]->peak);
	KUNIT_EXPECT_EQ(test, 0, f->owner[ROOT]->peak);
	KUNIT_EXPECT_EQ(test, 0, f->events[IOAS_EVENT_HIGH]);
	/* The next one that is allowed is not taken for it. */
	policy.answer[A] = 0;
	KUNIT_EXPECT_EQ(test, 0, charge(A1, 0, 10));
	KUNIT_EXPECT_EQ(test, 0, f->events[IOAS_EVENT_HIGH]);
	KUNIT_EXPECT_EQ(test, 10, f->owner[A1]->peak);
	KUNIT_EXPECT_EQ(test, 0, charge(A1, 10, 1));
	KUNIT_EXPECT_EQ(test, 2, f->events[IOAS_EVENT_HIGH]);
	uncharge(A1, 0, 11);
}

struct answer_case {
	const char *desc;
	int answer;
	int error;
};

static const struct answer_case answer_cases[] = {
	{ "EPERM", -EPERM, -EPERM },
	{ "EACCES", -EACCES, -EACCES },
	{ "ENOMEM", -ENOMEM, -ENOMEM },
	{ "ENOSPC", -ENOSPC, -EPERM },
	{ "EDQUOT", -EDQUOT, -EDQUOT },
	{ "EINTR", -EINTR, -EPERM },
	{ "EAGAIN", -EAGAIN, -EPERM },
	{ "ERESTARTSYS", -ERESTARTSYS, -EPERM },
	{ "positive", 1, -EPERM },
	{ "no errno", -MAX_ERRNO - 1, -EPERM },
	{ "INT_MIN", INT_MIN, -EPERM },
	{ "INT_MAX", INT_MAX, -EPERM },
};

KUNIT_ARRAY_PARAM_DESC(answer, answer_cases, desc);

static void call_fails_with_an_error_that_callers_expect(struct kunit *test)
{
	const struct answer_case *c = test->param_value;
	struct fixture *f = test->priv;

	attach(test, A);
	policy.answer[A] = c->answer;
	KUNIT_EXPECT_EQ(test, c->error, charge(A1, 0, 3));
	KUNIT_EXPECT_EQ(test, c->error,
			ioas_cg_charge_pages(f->acct[A1], &policy.block, 1));
	KUNIT_EXPECT_EQ(test, c->error,
			ioas_cg_charge_pasid(f->owner[A1], GLOBAL, 1, NULL, 1));
	KUNIT_EXPECT_EQ(test, 2, local_events(A, IOAS_EVENT_POLICY));
	KUNIT_EXPECT_EQ(test, 1, local_events(A, IOAS_EVENT_PASID_POLICY));
	KUNIT_EXPECT_EQ(test, 0, local_events(A, IOAS_EVENT_MAX));
	EXPECT_USAGE(test, f, 0, 0, 0, 0, 0, 0);
}

/* ---- PASIDs ---- */

static const u64 devices[] = { 11, 12, 13 };

#define NR_DEVICES	3U

static int charge_devices(enum test_owner owner)
{
	return ioas_cg_charge_pasid(policy.f->owner[owner], DEVICE, 77, devices,
				    NR_DEVICES);
}

static void uncharge_devices(enum test_owner owner, unsigned int n)
{
	ioas_cg_uncharge_pasid(policy.f->owner[owner], DEVICE, 77, devices, n);
}

static unsigned long held(enum test_owner owner)
{
	return policy.f->owner[owner]->pasids[DEVICE].usage;
}

static void pasid_is_asked_about_once_per_device(struct kunit *test)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, charge_devices(A2));
	policy.f->owner[A]->pasids[DEVICE].max = 8;
	policy.f->owner[A]->pasids[GLOBAL].max = 9;
	attach(test, DEEP);
	attach(test, A);
	attach(test, B);
	KUNIT_ASSERT_EQ(test, 0, charge_devices(DEEP));
	KUNIT_ASSERT_EQ(test, policy.nr_told, 2 * NR_DEVICES);
	for (i = 0; i < NR_DEVICES; i++) {
		expect_pasid(test, i, CHARGE_PASID, DEEP, DEEP, devices[i], 3);
		expect_pasid(test, NR_DEVICES + i, CHARGE_PASID, A, DEEP,
			     devices[i], 6);
		KUNIT_EXPECT_EQ(test, policy.told[i].pasid.scope, DEVICE);
		KUNIT_EXPECT_EQ(test, policy.told[i].pasid.max, U64_MAX);
		KUNIT_EXPECT_EQ(test, policy.told[NR_DEVICES + i].pasid.max, 8);
	}
	forget_told();
	uncharge_devices(DEEP, NR_DEVICES);
	KUNIT_ASSERT_EQ(test, policy.nr_told, 2 * NR_DEVICES);
	for (i = 0; i < NR_DEVICES; i++) {
		expect_pasid(test, i, UNCHARGE_PASID, DEEP, DEEP, devices[i],
			     0);
		expect_pasid(test, NR_DEVICES + i, UNCHARGE_PASID, A, DEEP,
			     devices[i], 3);
	}
	uncharge_devices(A2, NR_DEVICES);
}

static void pasid_may_be_uncharged_device_by_device(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, charge_devices(A));
	attach(test, A);
	uncharge_devices(A, 2);
	KUNIT_ASSERT_EQ(test, policy.nr_told, 2);
	expect_pasid(test, 0, UNCHARGE_PASID, A, A, 11, 1);
	expect_pasid(test, 1, UNCHARGE_PASID, A, A, 12, 1);
	ioas_cg_uncharge_pasid(policy.f->owner[A], DEVICE, 77, devices + 2, 1);
	KUNIT_ASSERT_EQ(test, policy.nr_told, 3);
	expect_pasid(test, 2, UNCHARGE_PASID, A, A, 13, 0);
}

static void pasid_for_no_one_device_has_device_0(struct kunit *test)
{
	struct ioas_owner *owner = policy.f->owner[A1];

	attach(test, A);
	KUNIT_ASSERT_EQ(test, 0,
			ioas_cg_charge_pasid(owner, GLOBAL, 77, NULL, 1));
	KUNIT_ASSERT_EQ(test, policy.nr_told, 1);
	expect_pasid(test, 0, CHARGE_PASID, A, A1, 0, 1);
	KUNIT_EXPECT_EQ(test, policy.told[0].pasid.scope, GLOBAL);
	ioas_cg_uncharge_pasid(owner, GLOBAL, 77, NULL, 1);
	KUNIT_ASSERT_EQ(test, policy.nr_told, 2);
	expect_pasid(test, 1, UNCHARGE_PASID, A, A1, 0, 0);
	KUNIT_EXPECT_EQ(test, policy.told[1].pasid.scope, GLOBAL);
}

/* The policy of A refuses one device: it is told of those that it allowed. */
static void expect_device_refused(struct kunit *test, unsigned int unit,
				  unsigned long before)
{
	unsigned int i, at = 0;

	KUNIT_ASSERT_EQ(test, policy.nr_told, 4 * NR_DEVICES + 2 * unit + 1);
	for (i = 0; i < NR_DEVICES; i++)
		expect_pasid(test, at++, CHARGE_PASID, DEEP, DEEP, devices[i],
			     before + 3);
	for (i = 0; i < NR_DEVICES; i++)
		expect_pasid(test, at++, CHARGE_PASID, A1, DEEP, devices[i],
			     before + 3);
	for (i = 0; i <= unit; i++)
		expect_pasid(test, at++, CHARGE_PASID, A, DEEP, devices[i],
			     before + 3);
	for (i = 0; i < unit; i++)
		expect_pasid(test, at++, UNCHARGE_PASID, A, DEEP, devices[i],
			     before);
	for (i = 0; i < NR_DEVICES; i++)
		expect_pasid(test, at++, UNCHARGE_PASID, DEEP, DEEP, devices[i],
			     before);
	for (i = 0; i < NR_DEVICES; i++)
		expect_pasid(test, at++, UNCHARGE_PASID, A1, DEEP, devices[i],
			     before);
}

static void refuse_device(struct kunit *test, unsigned int unit)
{
	struct ioas_owner *owner = policy.f->owner[DEEP];
	unsigned int refs = refcount_read(&owner->refs);
	unsigned long before = held(DEEP);
	int i;

	policy.refused_device[A] = devices[unit];
	KUNIT_EXPECT_EQ(test, -EACCES, charge_devices(DEEP));
	expect_device_refused(test, unit, before);
	for (i = 0; i < NR_TEST_OWNERS; i++) {
		struct ioas_pasids *pasids = policy.f->owner[i]->pasids;

		KUNIT_EXPECT_EQ(test, held(i), is_on_path(DEEP, i) * before);
		KUNIT_EXPECT_EQ(test, pasids[DEVICE].peak,
				is_on_path(DEEP, i) * before);
	}
	KUNIT_EXPECT_EQ(test, owner->pasids_held, before);
	KUNIT_EXPECT_EQ(test, refcount_read(&owner->refs), refs);
	expect_one_event(test, A, IOAS_EVENT_PASID_POLICY);
	KUNIT_EXPECT_EQ(test, 0, policy.f->events[IOAS_EVENT_PASID_MAX +
						  DEVICE]);
	forget_told();
	forget_events();
}

static void refused_device_undoes_the_others(struct kunit *test)
{
	unsigned int unit;

	attach_everywhere(test);
	policy.answer[A] = -EACCES;
	for (unit = 0; unit < NR_DEVICES; unit++)
		refuse_device(test, unit);
	/* Also where the owner has PASIDs that stay. */
	policy.refused_device[A] = 0;
	KUNIT_ASSERT_EQ(test, 0, charge_devices(DEEP));
	forget_told();
	for (unit = 0; unit < NR_DEVICES; unit++)
		refuse_device(test, unit);
	uncharge_devices(DEEP, NR_DEVICES);
}

static void allowed_pasid_makes_a_peak(struct kunit *test)
{
	attach(test, A);
	KUNIT_ASSERT_EQ(test, 0, charge_devices(DEEP));
	uncharge_devices(DEEP, NR_DEVICES);
	KUNIT_EXPECT_EQ(test, 3, policy.f->owner[DEEP]->pasids[DEVICE].peak);
	KUNIT_EXPECT_EQ(test, 3, policy.f->owner[ROOT]->pasids[DEVICE].peak);
}

static void limit_of_pasids_is_told_and_not_asked_about(struct kunit *test)
{
	static const enum ioas_policy_resource resource[] = {
		[GLOBAL] = IOAS_POLICY_PASID_GLOBAL,
		[DEVICE] = IOAS_POLICY_PASID_DEVICE,
	};
	struct ioas_owner *owner = policy.f->owner[DEEP];
	const struct ioas_policy_limit *limit;
	unsigned int i;
	int scope;

	for (scope = 0; scope < IOAS_CG_NR_PASID_SCOPES; scope++)
		policy.f->owner[A]->pasids[scope].max = 4 + scope;
	KUNIT_ASSERT_EQ(test, 0, charge_devices(A2));
	attach_everywhere(test);
	for (scope = 0; scope < IOAS_CG_NR_PASID_SCOPES; scope++) {
		KUNIT_EXPECT_EQ(test, -EDQUOT,
				ioas_cg_charge_pasid(owner, scope, 1, NULL, 6));
		KUNIT_ASSERT_EQ(test, policy.nr_told, ARRAY_SIZE(path));
		for (i = 0; i < ARRAY_SIZE(path); i++) {
			limit = &expect_told(test, i, LIMIT_HIT,
					     path[i])->limit;
			KUNIT_EXPECT_EQ(test, limit->cgroup_id, id_of(path[i]));
			KUNIT_EXPECT_EQ(test, limit->owner_id, id_of(DEEP));
			KUNIT_EXPECT_EQ(test, limit->limit_id, id_of(A));
			KUNIT_EXPECT_EQ(test, limit->resource, resource[scope]);
			KUNIT_EXPECT_EQ(test, limit->wanted, 6);
			KUNIT_EXPECT_EQ(test, limit->held,
					scope == DEVICE ? 3 : 0);
			KUNIT_EXPECT_EQ(test, limit->max, 4 + scope);
		}
		forget_told();
	}
	uncharge_devices(A2, NR_DEVICES);
}

/* ---- attached to a cgroup ---- */

static void cgroup_has_at_most_one_policy(struct kunit *test)
{
	struct ioas_cgroup_ops second = full_ops;
	struct ioas_owner *owner = policy.f->owner[A];

	second.cgroup_id = id_of(A);
	policy.answer[A] = -EACCES;
	attach(test, A);
	KUNIT_EXPECT_EQ(test, -EEXIST,
			ioas_policy_attach(owner, &second, NULL));
	KUNIT_EXPECT_EQ(test, -EACCES, charge(A, 0, 1));
	detach(A);
	KUNIT_EXPECT_FALSE(test, ioas_policies_exist());
	KUNIT_EXPECT_EQ(test, 0, ioas_policy_attach(owner, &second, NULL));
	ioas_policy_detach(&second);
	synchronize_rcu();
}

static void detached_policy_is_asked_no_more(struct kunit *test)
{
	unsigned int refs = refcount_read(&policy.f->owner[A]->refs);

	KUNIT_EXPECT_FALSE(test, ioas_policies_exist());
	attach(test, A);
	attach(test, ROOT);
	policy.answer[A] = -EACCES;
	KUNIT_EXPECT_TRUE(test, ioas_policies_exist());
	KUNIT_EXPECT_EQ(test, -EACCES, charge(A1, 0, 1));
	detach(A);
	forget_told();
	KUNIT_EXPECT_TRUE(test, ioas_policies_exist());
	KUNIT_EXPECT_EQ(test, 0, charge(A1, 0, 1));
	KUNIT_ASSERT_EQ(test, policy.nr_told, 1);
	expect_pinned(test, 0, CHARGE_PINNED, ROOT, A1, 1, 1);
	detach(ROOT);
	KUNIT_EXPECT_FALSE(test, ioas_policies_exist());
	uncharge(A1, 0, 1);
	KUNIT_EXPECT_EQ(test, policy.nr_told, 1);
	KUNIT_EXPECT_EQ(test, refs, refcount_read(&policy.f->owner[A]->refs));
}

static int refuse_pinned(const struct ioas_policy_pinned *pinned,
			 struct task_struct *task)
{
	return -EDQUOT;
}

static void replacing_switches_to_the_new_policy(struct kunit *test)
{
	struct ioas_cgroup_ops new = { .charge_pinned = refuse_pinned };

	new.cgroup_id = id_of(A);
	attach(test, A);
	KUNIT_ASSERT_EQ(test, 0, charge(A1, 0, 1));
	KUNIT_EXPECT_EQ(test, 0, ioas_policy_replace(&new, &policy.ops[A]));
	KUNIT_EXPECT_NULL(test, policy.ops[A].owner);
	forget_told();
	KUNIT_EXPECT_EQ(test, -EDQUOT, charge(A1, 0, 1));
	KUNIT_EXPECT_EQ(test, -EEXIST,
			ioas_policy_attach(policy.f->owner[A], &policy.ops[A],
					   NULL));
	KUNIT_EXPECT_EQ(test, policy.nr_told, 0);
	/* By itself, and back. */
	KUNIT_EXPECT_EQ(test, 0, ioas_policy_replace(&new, &new));
	KUNIT_EXPECT_EQ(test, -EDQUOT, charge(A1, 0, 1));
	KUNIT_EXPECT_EQ(test, 0, ioas_policy_replace(&policy.ops[A], &new));
	synchronize_rcu();
	KUNIT_EXPECT_EQ(test, 0, charge(A1, 0, 1));
	KUNIT_EXPECT_EQ(test, policy.nr_told, 1);
	detach(A);
	KUNIT_EXPECT_FALSE(test, ioas_policies_exist());
	uncharge(A1, 0, 1);
	uncharge(A1, 0, 1);
}

static void policy_for_another_cgroup_replaces_none(struct kunit *test)
{
	attach(test, A);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ioas_policy_replace(&policy.ops[B], &policy.ops[A]));
	KUNIT_EXPECT_NULL(test, policy.ops[B].owner);
	policy.answer[A] = -EACCES;
	KUNIT_EXPECT_EQ(test, -EACCES, charge(A1, 0, 1));
	KUNIT_EXPECT_EQ(test, 0, charge(B, 0, 1));
	uncharge(B, 0, 1);
}

static void cgroup_that_goes_takes_no_policy(struct kunit *test)
{
	struct ioas_owner *owner = policy.f->owner[A1];

	attach(test, A1);
	attach(test, A);
	ioas_policy_forget_cgroup(owner);
	KUNIT_ASSERT_EQ(test, policy.nr_told, 1);
	expect_told(test, 0, CGROUP_GONE, A1);
	detach(A1);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			ioas_policy_attach(owner, &policy.ops[A1], NULL));
	/* One that has none has nobody to tell. */
	owner = policy.f->owner[DEEP];
	ioas_policy_forget_cgroup(owner);
	KUNIT_EXPECT_EQ(test, policy.nr_told, 1);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			ioas_policy_attach(owner, &policy.ops[DEEP], NULL));
	KUNIT_EXPECT_NULL(test, policy.ops[DEEP].owner);
}

static int detach_link(struct bpf_link *link)
{
	detach(A1);
	return 0;
}

static void cgroup_that_goes_detaches_the_link(struct kunit *test)
{
	static const struct bpf_link_ops link_ops = { .detach = detach_link };
	struct bpf_link link = { .ops = &link_ops };

	atomic64_set(&link.refcnt, 1);
	KUNIT_ASSERT_EQ(test, 0,
			ioas_policy_attach(policy.f->owner[A1], &policy.ops[A1],
					   &link));
	ioas_policy_forget_cgroup(policy.f->owner[A1]);
	KUNIT_ASSERT_EQ(test, policy.nr_told, 1);
	expect_told(test, 0, CGROUP_GONE, A1);
	/* Nobody is asked any more, before that is all. */
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(policy.f->owner[A1]->policy));
	flush_work(&policy.f->owner[A1]->policy_work);
	KUNIT_EXPECT_NULL(test, policy.ops[A1].owner);
	KUNIT_EXPECT_EQ(test, 1, atomic64_read(&link.refcnt));
	KUNIT_EXPECT_FALSE(test, ioas_policies_exist());
}

/* Who releases the link detaches it. */
static void link_that_is_released_is_left_alone(struct kunit *test)
{
	static const struct bpf_link_ops link_ops = { .detach = detach_link };
	struct bpf_link link = { .ops = &link_ops };

	atomic64_set(&link.refcnt, 0);
	KUNIT_ASSERT_EQ(test, 0,
			ioas_policy_attach(policy.f->owner[A1], &policy.ops[A1],
					   &link));
	ioas_policy_forget_cgroup(policy.f->owner[A1]);
	flush_work(&policy.f->owner[A1]->policy_work);
	KUNIT_EXPECT_NOT_NULL(test, policy.ops[A1].owner);
	/* What has the same id now does not get it as well, nor instead. */
	KUNIT_EXPECT_EQ(test, -EBUSY,
			ioas_policy_attach(policy.f->owner[A2], &policy.ops[A1],
					   NULL));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			ioas_policy_replace(&policy.ops[A1], &policy.ops[A1]));
	detach(A1);
}

/* The link of a policy may go later than the cgroup. */
static void policy_keeps_the_owner_of_a_removed_cgroup(struct kunit *test)
{
	unsigned int refs = refcount_read(&policy.f->owner[A]->refs);

	attach(test, A2);
	fixture_end_account(policy.f, A2);
	fixture_remove(policy.f, A2);
	KUNIT_EXPECT_EQ(test, refs, refcount_read(&policy.f->owner[A]->refs));
	detach(A2);
	KUNIT_EXPECT_EQ(test, refs - 1,
			refcount_read(&policy.f->owner[A]->refs));
}

/* ---- threads ---- */

#define THREADS		4
#define CHANGES		40
#define MAX_RUN		30

/**
 * struct charger - a thread that charges and uncharges
 * @task: the thread
 * @owner: whom it charges
 * @acct: its account
 * @seed: of its random numbers
 * @allowed: charges that succeeded
 * @refused: charges that a policy refused
 * @failures: those that failed in another way
 */
struct charger {
	struct task_struct *task;
	struct ioas_owner *owner;
	struct ioas_cg_account *acct;
	u64 seed;
	unsigned int allowed;
	unsigned int refused;
	unsigned int failures;
};

static bool is_allowed(struct charger *c, int ret)
{
	if (!ret)
		c->allowed++;
	else if (ret == -EACCES)
		c->refused++;
	else
		c->failures++;
	return !ret;
}

static void charger_step(struct charger *c, struct rnd_state *rnd)
{
	u32 first = prandom_u32_state(rnd) % (BIT(BLOCK_ORDER) - MAX_RUN);
	u32 nr = 1 + prandom_u32_state(rnd) % MAX_RUN;
	bool pinned, pasid;

	pinned = is_allowed(c, ioas_cg_charge_pfns(c->acct, block_pfn(first),
						   nr));
	pasid = is_allowed(c, ioas_cg_charge_pasid(c->owner, DEVICE, nr,
						   devices, NR_DEVICES));
	cond_resched();
	if (pinned)
		ioas_cg_uncharge_pfns(c->acct, block_pfn(first), nr);
	cond_resched();
	if (pasid)
		ioas_cg_uncharge_pasid(c->owner, DEVICE, nr, devices,
				       NR_DEVICES);
}

static int charger_run(void *data)
{
	struct charger *c = data;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, c->seed);
	while (!kthread_should_stop()) {
		charger_step(c, &rnd);
		/* Where work takes no time, others run only while this one sleeps. */
		usleep_range(10, 20);
	}
	return 0;
}

static int allow_some_pinned(const struct ioas_policy_pinned *pinned,
			     struct task_struct *task)
{
	return pinned->bytes / PAGE_SIZE % 4 ? 0 : -EACCES;
}

static int allow_some_pasids(const struct ioas_policy_pasid *pasid,
			     struct task_struct *task)
{
	return (pasid->pasid + pasid->device) % 4 ? 0 : -EACCES;
}

static int allow_others_pinned(const struct ioas_policy_pinned *pinned,
			       struct task_struct *task)
{
	return pinned->bytes / PAGE_SIZE % 4 != 1 ? 0 : -EACCES;
}

static struct ioas_cgroup_ops some_ops = {
	.charge_pinned = allow_some_pinned,
	.charge_pasid = allow_some_pasids,
};

static struct ioas_cgroup_ops others_ops = {
	.charge_pinned = allow_others_pinned,
};

/* Attach a policy, replace it by another, and detach that. */
static void change_policies(struct kunit *test, enum test_owner owner)
{
	some_ops.cgroup_id = id_of(owner);
	others_ops.cgroup_id = id_of(owner);
	KUNIT_EXPECT_EQ(test, 0, ioas_policy_attach(policy.f->owner[owner],
						    &some_ops, NULL));
	fsleep(100);
	KUNIT_EXPECT_EQ(test, 0, ioas_policy_replace(&others_ops, &some_ops));
	fsleep(100);
	ioas_policy_detach(&others_ops);
	fsleep(100);
}

static void start_charger(struct kunit *test, struct charger *c,
			  enum test_owner owner)
{
	c->owner = policy.f->owner[owner];
	c->acct = ioas_account_create(c->owner, current, NULL, IOAS_CG_IOMMUFD,
				      GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, c->acct);
	c->seed = owner + 1;
	c->task = kthread_run(charger_run, c, "ioas_charger/%d", owner);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, c->task);
}

static void expect_nothing_left(struct kunit *test)
{
	struct ioas_owner *owner;
	int i;

	EXPECT_USAGE(test, policy.f, 0, 0, 0, 0, 0, 0);
	for (i = 0; i < NR_TEST_OWNERS; i++) {
		owner = policy.f->owner[i];
		KUNIT_EXPECT_EQ(test, 0, test_shared(policy.f, i));
		KUNIT_EXPECT_EQ(test, 0, gross(i, IOAS_CG_IOMMUFD));
		KUNIT_EXPECT_EQ(test, 0, held(i));
		KUNIT_EXPECT_EQ(test, 0, owner->pasids_held);
	}
}

static void policies_come_and_go_while_threads_charge(struct kunit *test)
{
	static const enum test_owner owner[THREADS] = { DEEP, A1, A2, B };
	unsigned int allowed = 0, refused = 0;
	struct charger *c;
	int i;

	c = kunit_kcalloc(test, THREADS, sizeof(*c), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c);
	for (i = 0; i < THREADS; i++)
		start_charger(test, &c[i], owner[i]);
	for (i = 0; i < CHANGES; i++)
		change_policies(test, path[i % ARRAY_SIZE(path)]);
	for (i = 0; i < THREADS; i++) {
		kthread_stop(c[i].task);
		KUNIT_EXPECT_EQ(test, 0, c[i].failures);
		allowed += c[i].allowed;
		refused += c[i].refused;
		ioas_cg_account_put(c[i].acct);
	}
	KUNIT_EXPECT_GT(test, allowed, 0);
	KUNIT_EXPECT_GT(test, refused, 0);
	expect_nothing_left(test);
}

static void cgroup_is_found_by_its_id_while_it_is_there(struct kunit *test)
{
	struct ioas_owner *owner = policy.f->owner[A1];

	rcu_read_lock();
	KUNIT_EXPECT_NULL(test, ioas_policy_owner_of_id(id_of(A1)));
	rcu_read_unlock();
	KUNIT_ASSERT_EQ(test, 0, ioas_policy_know_cgroup(owner));
	rcu_read_lock();
	KUNIT_EXPECT_PTR_EQ(test, ioas_policy_owner_of_id(id_of(A1)), owner);
	KUNIT_EXPECT_NULL(test, ioas_policy_owner_of_id(id_of(A2)));
	/* Ids are longer than pointers on some machines. */
	KUNIT_EXPECT_NULL(test,
			  ioas_policy_owner_of_id(id_of(A1) ^ BIT_ULL(32)));
	rcu_read_unlock();
	ioas_policy_forget_cgroup(owner);
	rcu_read_lock();
	KUNIT_EXPECT_NULL(test, ioas_policy_owner_of_id(id_of(A1)));
	rcu_read_unlock();
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE_PARAM(nearest_is_asked_first_and_the_root_last,
			 way_gen_params),
	KUNIT_CASE(policy_sees_the_numbers_of_its_own_cgroup),
	KUNIT_CASE(pins_are_in_the_sums_when_a_policy_is_asked),
	KUNIT_CASE(nobody_is_asked_about_pages_that_do_not_count),
	KUNIT_CASE(gathered_pages_are_told_as_they_are_uncharged),
	KUNIT_CASE(policy_without_functions_allows_everything),
	KUNIT_CASE_PARAM(limit_is_told_and_not_asked_about, way_gen_params),
	KUNIT_CASE_PARAM(refused_charge_is_undone_whole, refusal_gen_params),
	KUNIT_CASE_PARAM(refused_charge_leaves_what_was_pinned_before,
			 way_gen_params),
	KUNIT_CASE(refused_charge_makes_no_peak_and_no_high_event),
	KUNIT_CASE_PARAM(call_fails_with_an_error_that_callers_expect,
			 answer_gen_params),
	KUNIT_CASE(pasid_is_asked_about_once_per_device),
	KUNIT_CASE(pasid_may_be_uncharged_device_by_device),
	KUNIT_CASE(pasid_for_no_one_device_has_device_0),
	KUNIT_CASE(refused_device_undoes_the_others),
	KUNIT_CASE(allowed_pasid_makes_a_peak),
	KUNIT_CASE(limit_of_pasids_is_told_and_not_asked_about),
	KUNIT_CASE(cgroup_has_at_most_one_policy),
	KUNIT_CASE(detached_policy_is_asked_no_more),
	KUNIT_CASE(replacing_switches_to_the_new_policy),
	KUNIT_CASE(policy_for_another_cgroup_replaces_none),
	KUNIT_CASE(cgroup_that_goes_takes_no_policy),
	KUNIT_CASE(cgroup_that_goes_detaches_the_link),
	KUNIT_CASE(link_that_is_released_is_left_alone),
	KUNIT_CASE(policy_keeps_the_owner_of_a_removed_cgroup),
	KUNIT_CASE(cgroup_is_found_by_its_id_while_it_is_there),
	KUNIT_CASE_SLOW(policies_come_and_go_while_threads_charge),
	{ }
};

static struct kunit_suite policy_suite = {
	.name = "ioas_policy",
	.init = policy_init,
	.exit = policy_exit,
	.test_cases = policy_cases,
};

kunit_test_suite(policy_suite);
