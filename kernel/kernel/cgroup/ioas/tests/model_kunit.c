// SPDX-License-Identifier: GPL-2.0-only
/*
 * The controller against a model: random operations on random trees of cgroups.
 *
 * The model knows nothing of states, leaves or blocks.  It keeps, for each
 * account, how often it pins each page, and works out everything else from that
 * by brute force: the set of pages of a cgroup is all pages that an account in
 * its subtree pins.  After every batch of operations each number of each cgroup
 * is compared.
 *
 * The seed is random; a failure prints it, with the option for the command line
 * of the kernel that replays the run.
 */

#include <kunit/static_stub.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "../fault.h"
#include "fixture.h"

/* kmemleak takes a stack trace of each of millions of states. */
#define TREES		(IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) ? 2 : 8)
#define BATCHES		64
#define BATCH_OPS	400	/* 8 * BATCHES * BATCH_OPS = 204,800 */

#define MAX_OWNERS	24	/* bits of a u32 */
#define MAX_LEVEL	6
#define MAX_ACCOUNTS	40
#define PAGES		1600	/* three slots and a bit */

/* Page numbers of the model start shortly before the end of a block. */
#define MODEL_PFN	(3 * 64UL * 512 - 700)

static unsigned long long seed_param;
module_param_named(seed, seed_param, ullong, 0444);
MODULE_PARM_DESC(seed, "replay the run with this seed");

enum model_op {
	OP_CHARGE,
	OP_CHARGE_AGAIN,
	OP_CHARGE_GATHERED,
	OP_UNCHARGE,
	OP_UNCHARGE_GATHERED,
	OP_LIMIT,
	OP_MKDIR,
	OP_RMDIR,
	OP_OPEN,
	OP_CLOSE,
};

static const struct {
	const char *name;
	unsigned int weight;
} model_ops[] = {
	[OP_CHARGE] = { "charge", 40 },
	[OP_CHARGE_AGAIN] = { "charge again", 10 },
	[OP_CHARGE_GATHERED] = { "charge of gathered pages", 20 },
	[OP_UNCHARGE] = { "uncharge", 45 },
	[OP_UNCHARGE_GATHERED] = { "uncharge of gathered pages", 20 },
	[OP_LIMIT] = { "limit change", 6 },
	[OP_MKDIR] = { "mkdir", 3 },
	[OP_RMDIR] = { "rmdir", 3 },
	[OP_OPEN] = { "new account", 4 },
	[OP_CLOSE] = { "end of account", 2 },
};

/**
 * struct model_cgroup - what the model knows of a cgroup
 * @owner: the real one; referenced as by a css until @removed
 * @parent: index of the parent; -1 in the root
 * @level: number of ancestors
 * @used: this entry is one
 * @removed: by rmdir; stays @used for as long as an account or child has it
 * @max: limit in pages
 * @subtree: bits of itself and its descendants
 * @path: bits of itself and its ancestors
 */
struct model_cgroup {
	struct ioas_owner *owner;
	int parent;
	unsigned int level;
	bool used;
	bool removed;
	unsigned long max;
	u32 subtree;
	u32 path;
};

/**
 * struct model_account - what the model knows of an account
 * @acct: the real one, or NULL
 * @cgroup: index of the owner
 * @first: first page of its last charge
 * @nr: length of it
 * @count: pins of each page
 */
struct model_account {
	struct ioas_cg_account *acct;
	int cgroup;
	unsigned int first, nr;
	u8 count[PAGES];
};

/**
 * struct model_pages - the pages of one call
 * @first: if they are a run: its first page
 * @nr: and its length
 * @gathered: they are in @gather, and are no run
 * @gather: the pages in no order
 * @in: whether a page is in the call
 */
struct model_pages {
	unsigned int first, nr;
	bool gathered;
	struct ioas_gather gather;
	bool in[PAGES];
};

/**
 * struct model - one run
 * @test: the test
 * @ledger: the real one
 * @rnd: random numbers, from @seed alone
 * @seed: of the whole test
 * @step: operations done
 * @op: the last one
 * @fail_at: allocations until one fails; 0 if none shall
 * @refused: number of charges that a limit refused, to see that it happens
 * @failed: number of charges that failed for want of memory
 * @pages: those of the last charge or uncharge
 * @cg: the cgroups
 * @account: the accounts
 */
struct model {
	struct kunit *test;
	struct ioas_ledger *ledger;
	struct rnd_state rnd;
	u64 seed;
	unsigned long step;
	enum model_op op;
	int fail_at;
	unsigned long refused;
	unsigned long failed;
	struct model_pages pages;
	struct model_cgroup cg[MAX_OWNERS];
	struct model_account account[MAX_ACCOUNTS];
};

static unsigned int pick(struct model *m, unsigned int below)
{
	return prandom_u32_state(&m->rnd) % below;
}

static bool one_in(struct model *m, unsigned int n)
{
	return !pick(m, n);
}

/* ---- what the model says ---- */

/* For each page, the cgroups that own a pin of it. */
static void model_holders(struct model *m, u32 *holders)
{
	int a, p;

	memset(holders, 0, PAGES * sizeof(*holders));
	for (a = 0; a < MAX_ACCOUNTS; a++) {
		struct model_account *account = &m->account[a];

		if (!account->acct)
			continue;
		for (p = 0; p < PAGES; p++)
			if (account->count[p])
				holders[p] |= BIT(account->cgroup);
	}
}

static unsigned long model_unique(struct model *m, const u32 *holders, int cg)
{
	unsigned long pages = 0;
	int p;

	for (p = 0; p < PAGES; p++)
		pages += !!(holders[p] & m->cg[cg].subtree);
	return pages;
}

static unsigned long model_shared(struct model *m, const u32 *holders, int cg)
{
	u32 in = m->cg[cg].subtree;
	unsigned long pages = 0;
	int p;

	for (p = 0; p < PAGES; p++)
		pages += (holders[p] & in) && (holders[p] & ~in);
	return pages;
}

static unsigned long model_gross(struct model *m, int cg)
{
	unsigned long pins = 0;
	int a, p;

	for (a = 0; a < MAX_ACCOUNTS; a++) {
		struct model_account *account = &m->account[a];

		if (account->acct && m->cg[cg].subtree & BIT(account->cgroup))
			for (p = 0; p < PAGES; p++)
				pins += account->count[p];
	}
	return pins;
}

/* Would a charge pass a limit?  Pages that a cgroup holds already are free. */
static bool model_refuses(struct model *m, struct model_account *account)
{
	static u32 holders[PAGES];
	unsigned long added;
	int cg, p;

	model_holders(m, holders);
	for (cg = account->cgroup; cg >= 0; cg = m->cg[cg].parent) {
		added = 0;
		for (p = 0; p < PAGES; p++)
			added += m->pages.in[p] &&
				 !(holders[p] & m->cg[cg].subtree);
		if (added &&
		    model_unique(m, holders, cg) + added > m->cg[cg].max)
			return true;
	}
	return false;
}

/* ---- comparison ---- */

static bool same(struct model *m, int cg, const char *what,
		 unsigned long expected, unsigned long found)
{
	if (expected == found)
		return true;
	KUNIT_FAIL(m->test,
		   "seed %llu, step %lu, after %s: %s of cgroup %d at level %u: expected %lu, found %lu\n"
		   "replay with: kunit.enable=1 kunit.filter_glob=ioas_model model_kunit.seed=%llu\n",
		   m->seed, m->step, model_ops[m->op].name, what, cg,
		   m->cg[cg].level, expected, found, m->seed);
	return false;
}

static bool model_compare(struct model *m)
{
	static u32 holders[PAGES];
	struct ioas_owner_stat stat;
	bool ok = true;
	int cg;

	model_holders(m, holders);
	for (cg = 0; cg < MAX_OWNERS; cg++) {
		if (!m->cg[cg].used)
			continue;
		ioas_owner_sum(m->cg[cg].owner, &stat);
		ok &= same(m, cg, "unique pages",
			   model_unique(m, holders, cg), stat.unique);
		ok &= same(m, cg, "shared pages",
			   model_shared(m, holders, cg), stat.shared);
		ok &= same(m, cg, "gross pins", model_gross(m, cg),
			   stat.gross[IOAS_CG_VFIO]);
	}
	return ok;
}

/* ---- operations ---- */

static int model_free_cgroup(struct model *m)
{
	int cg;

	for (cg = 0; cg < MAX_OWNERS; cg++)
		if (!m->cg[cg].used)
			return cg;
	return -1;
}

static int model_pick_cgroup(struct model *m)
{
	int cg = pick(m, MAX_OWNERS), i;

	for (i = 0; i < MAX_OWNERS; i++, cg = (cg + 1) % MAX_OWNERS)
		if (m->cg[cg].used && !m->cg[cg].removed)
			return cg;
	return -1;
}

static void model_mkdir(struct model *m, int parent)
{
	int cg = model_free_cgroup(m), up;
	struct model_cgroup *c;

	if (cg < 0)
		return;
	c = &m->cg[cg];
	if (parent >= 0 && m->cg[parent].level == MAX_LEVEL)
		return;
	*c = (struct model_cgroup){
		.parent = parent,
		.used = true,
		.max = IOAS_PAGES_MAX,
	};
	c->owner = ioas_owner_create(m->ledger,
				     parent < 0 ? NULL : m->cg[parent].owner,
				     GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(m->test, c->owner);
	c->level = c->owner->level;
	c->path = BIT(cg) | (parent < 0 ? 0 : m->cg[parent].path);
	for (up = cg; up >= 0; up = m->cg[up].parent)
		m->cg[up].subtree |= BIT(cg);
}

/* An entry is free when the cgroup is removed, and nothing has it any more. */
static void model_reap(struct model *m, int cg)
{
	int a, up, parent = m->cg[cg].parent;

	if (!m->cg[cg].removed || m->cg[cg].subtree != BIT(cg))
		return;
	for (a = 0; a < MAX_ACCOUNTS; a++)
		if (m->account[a].acct && m->account[a].cgroup == cg)
			return;
	/* The test's own reference, to be able to look at the owner. */
	ioas_owner_put(m->cg[cg].owner);
	m->cg[cg].used = false;
	for (up = cg; up >= 0; up = m->cg[up].parent)
		m->cg[up].subtree &= ~BIT(cg);
	model_reap(m, parent);
}

static bool model_has_live_child(struct model *m, int cg)
{
	int i;

	for (i = 0; i < MAX_OWNERS; i++)
		if (m->cg[i].used && !m->cg[i].removed &&
		    m->cg[i].parent == cg)
			return true;
	return false;
}

static void model_rmdir(struct model *m)
{
	int cg = model_pick_cgroup(m);

	if (cg <= 0 || model_has_live_child(m, cg))
		return;
	ioas_owner_retire(m->cg[cg].owner);
	m->cg[cg].removed = true;
	m->cg[cg].max = IOAS_PAGES_MAX;
	model_reap(m, cg);
}

static void model_limit(struct model *m)
{
	int cg = model_pick_cgroup(m);
	unsigned long max = one_in(m, 3) ? IOAS_PAGES_MAX :
					   pick(m, PAGES * 5 / 4);

	if (cg <= 0)
		return;
	m->cg[cg].max = max;
	WRITE_ONCE(m->cg[cg].owner->max, max);
}

static void model_open(struct model *m)
{
	int a = pick(m, MAX_ACCOUNTS), cg = model_pick_cgroup(m);
	struct model_account *account = &m->account[a];

	if (account->acct)
		return;
	account->acct = ioas_account_create(m->cg[cg].owner, current, NULL,
					    IOAS_CG_VFIO, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(m->test, account->acct);
	account->cgroup = cg;
	account->nr = 0;
}

static struct model_account *model_pick_account(struct model *m)
{
	int a = pick(m, MAX_ACCOUNTS), i;

	for (i = 0; i < MAX_ACCOUNTS; i++, a = (a + 1) % MAX_ACCOUNTS)
		if (m->account[a].acct)
			return &m->account[a];
	return NULL;
}

static void model_set_run(struct model *m, unsigned int first, unsigned int nr)
{
	m->pages.gathered = false;
	m->pages.first = first;
	m->pages.nr = nr;
	memset(m->pages.in, 0, sizeof(m->pages.in));
	memset(m->pages.in + first, true, nr);
}

/* Single pages, runs, whole slots, and all there is. */
static void model_pick_run(struct model *m)
{
	unsigned int first = pick(m, PAGES), len;

	switch (pick(m, 8)) {
	case 0:
		first = 0;
		len = PAGES;
		break;
	case 1:
		/* Page 188 is the first of a slot: see MODEL_PFN. */
		first = 188 + 512 * pick(m, 2);
		len = 512;
		break;
	case 2:
	case 3:
		len = 1;
		break;
	case 4:
	case 5:
		len = 1 + pick(m, 32);
		break;
	default:
		len = 1 + pick(m, PAGES);
	}
	model_set_run(m, first, min(len, PAGES - first));
}

/* Pages close together or far apart. */
static void model_pick_gather(struct model *m)
{
	static const unsigned int spreads[] = { 2, 40, 600, PAGES };
	unsigned int spread = spreads[pick(m, ARRAY_SIZE(spreads))];
	unsigned int nr = 1 + pick(m, 400);
	unsigned int first = pick(m, PAGES);

	m->pages.gathered = true;
	memset(m->pages.in, 0, sizeof(m->pages.in));
	while (nr--)
		m->pages.in[(first + pick(m, spread)) % PAGES] = true;
}

static void model_fill_gather(struct model *m)
{
	unsigned int p;

	ioas_gather_init(&m->pages.gather);
	for (p = 0; p < PAGES; p++)
		if (m->pages.in[p])
			KUNIT_ASSERT_TRUE(m->test,
					  ioas_gather_add(&m->pages.gather,
							  MODEL_PFN + p));
}

static int model_do_charge(struct model *m, struct model_account *account)
{
	if (!m->pages.gathered)
		return ioas_account_charge(account->acct,
					   MODEL_PFN + m->pages.first,
					   m->pages.nr);
	model_fill_gather(m);
	return ioas_account_charge_gathered(account->acct, &m->pages.gather);
}

static bool model_fail_allocation(gfp_t gfp);
static struct model *model_under_test;

static void model_charge(struct model *m, struct model_account *account)
{
	bool refused, faulty = false;
	unsigned int p;
	int ret;

	for (p = 0; p < PAGES; p++)
		if (account->count[p] + m->pages.in[p] > U8_MAX)
			return;
	refused = model_refuses(m, account);
	m->fail_at = one_in(m, 4) ? 1 + pick(m, 12) : 0;
	if (m->fail_at) {
		model_under_test = m;
		kunit_activate_static_stub(m->test, ioas_may_alloc,
					   model_fail_allocation);
		faulty = true;
	}
	ret = model_do_charge(m, account);
	if (faulty) {
		kunit_deactivate_static_stub(m->test, ioas_may_alloc);
		faulty = !m->fail_at;
	}
	if (ret) {
		KUNIT_EXPECT_EQ(m->test, ret, -ENOMEM);
		m->refused += refused;
		m->failed += faulty;
	} else {
		for (p = 0; p < PAGES; p++)
			account->count[p] += m->pages.in[p];
		account->first = m->pages.first;
		account->nr = m->pages.gathered ? 0 : m->pages.nr;
	}
	/* It fails if a limit says so, or if memory was denied; else never. */
	same(m, account->cgroup, "failure of a charge", refused || faulty,
	     !!ret);
}

static bool model_fail_allocation(gfp_t gfp)
{
	struct model *m = model_under_test;

	if (gfp & __GFP_NOFAIL || !m->fail_at)
		return true;
	return --m->fail_at;
}

static void model_uncharge(struct model *m, struct model_account *account,
			   unsigned int first, unsigned int nr)
{
	unsigned int p, end = first + nr, run;

	for (p = first; p < end; p = run) {
		run = p + 1;
		if (!account->count[p])
			continue;
		while (run < end && account->count[run])
			run++;
		ioas_account_uncharge(account->acct, MODEL_PFN + p, run - p);
		while (p < run)
			account->count[p++]--;
	}
}

static void model_uncharge_gathered(struct model *m,
				    struct model_account *account)
{
	unsigned int p;

	/* What is charged, of all that was picked. */
	for (p = 0; p < PAGES; p++) {
		m->pages.in[p] = m->pages.in[p] && account->count[p];
		account->count[p] -= m->pages.in[p];
	}
	model_fill_gather(m);
	ioas_account_uncharge_gathered(account->acct, &m->pages.gather);
}

static void model_close(struct model *m, struct model_account *account)
{
	unsigned int p;

	/* As long as there is any page with a count. */
	for (p = 0; p < PAGES; p++)
		while (account->count[p])
			model_uncharge(m, account, p, PAGES - p);
	ioas_cg_account_put(account->acct);
	account->acct = NULL;
	model_reap(m, account->cgroup);
}

static enum model_op model_pick_op(struct model *m)
{
	unsigned int sum = 0, i, at;

	for (i = 0; i < ARRAY_SIZE(model_ops); i++)
		sum += model_ops[i].weight;
	at = pick(m, sum);
	for (i = 0; at >= model_ops[i].weight; i++)
		at -= model_ops[i].weight;
	return i;
}

static void model_step(struct model *m)
{
	struct model_account *account = model_pick_account(m);

	m->step++;
	m->op = model_pick_op(m);
	if (!account)
		m->op = OP_OPEN;
	switch (m->op) {
	case OP_CHARGE:
		model_pick_run(m);
		model_charge(m, account);
		break;
	case OP_CHARGE_AGAIN:
		model_set_run(m, account->first, account->nr);
		if (account->nr)
			model_charge(m, account);
		break;
	case OP_CHARGE_GATHERED:
		model_pick_gather(m);
		model_charge(m, account);
		break;
	case OP_UNCHARGE:
		model_pick_run(m);
		model_uncharge(m, account, m->pages.first, m->pages.nr);
		break;
	case OP_UNCHARGE_GATHERED:
		model_pick_gather(m);
		model_uncharge_gathered(m, account);
		break;
	case OP_LIMIT:
		model_limit(m);
		break;
	case OP_MKDIR:
		model_mkdir(m, model_pick_cgroup(m));
		break;
	case OP_RMDIR:
		model_rmdir(m);
		break;
	case OP_OPEN:
		model_open(m);
		break;
	case OP_CLOSE:
		model_close(m, account);
		break;
	}
}

/* Everything goes, in the order of the accounts, and nothing may be left. */
static void model_end(struct model *m)
{
	int a, cg;

	for (a = 0; a < MAX_ACCOUNTS; a++)
		if (m->account[a].acct)
			model_close(m, &m->account[a]);
	model_compare(m);
	for (cg = MAX_OWNERS - 1; cg >= 0; cg--)
		if (m->cg[cg].used)
			ioas_owner_put(m->cg[cg].owner);
	ioas_index_trim(m->ledger);
	KUNIT_EXPECT_TRUE_MSG(m->test, xa_empty(&m->ledger->blocks),
			      "seed %llu: blocks are left in the index",
			      m->seed);
	KUNIT_EXPECT_EQ_MSG(m->test, atomic_long_read(&m->ledger->nr_states),
			    0, "seed %llu: states are left", m->seed);
	KUNIT_EXPECT_TRUE_MSG(m->test, ida_is_empty(&m->ledger->ids),
			      "seed %llu: owners are left", m->seed);
}

static void model_run_tree(struct model *m)
{
	bool ok = true;
	int batch, i;

	memset(m->cg, 0, sizeof(m->cg));
	memset(m->account, 0, sizeof(m->account));
	m->ledger = test_ledger_create(m->test);
	model_mkdir(m, -1);
	for (i = 0; i < 6; i++)
		model_mkdir(m, model_pick_cgroup(m));
	for (batch = 0; batch < BATCHES && ok; batch++) {
		for (i = 0; i < BATCH_OPS; i++)
			model_step(m);
		ok = model_compare(m);
		/* kmemleak's objects are freed by RCU, and are many by now. */
		if (batch % 8 == 0)
			rcu_barrier();
		cond_resched();
	}
	model_end(m);
	test_ledger_destroy(m->ledger);
}

static void random_operations_agree_with_the_model(struct kunit *test)
{
	struct model *m = kvzalloc(sizeof(*m), GFP_KERNEL);
	int tree;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->test = test;
	m->seed = seed_param ?: get_random_u64();
	prandom_seed_state(&m->rnd, m->seed);
	for (tree = 0; tree < TREES; tree++)
		model_run_tree(m);
	kunit_info(test, "seed %llu: %lu operations, %lu refused, %lu failed\n",
		   m->seed, m->step, m->refused, m->failed);
	/* A run in which nothing was refused has not tested roll-back. */
	KUNIT_EXPECT_EQ(test, m->step, TREES * BATCHES * BATCH_OPS);
	KUNIT_EXPECT_GT(test, m->refused, 1000);
	KUNIT_EXPECT_GT(test, m->failed, 1000);
	kvfree(m);
}

static struct kunit_case model_cases[] = {
	KUNIT_CASE_SLOW(random_operations_agree_with_the_model),
	{ }
};

static struct kunit_suite model_suite = {
	.name = "ioas_model",
	.test_cases = model_cases,
};

kunit_test_suite(model_suite);
