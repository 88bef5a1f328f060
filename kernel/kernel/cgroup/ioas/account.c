// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accounts: the interface that subsystems charge pinned pages through.
 *
 * An account stands between an object that pins (a vfio_dma, an iopt_pages) and
 * the owner that pays.  It adds to the index what the index does not care for:
 * which pages count at all, pages that come as an array, the sums by kind, and
 * what happens when a charge is refused.
 *
 * Only RAM counts.  Reserved pages, the zero pages and device memory are held by
 * nobody in particular, and are left out on charge.  None of this can change while
 * a page is pinned, so on uncharge they are the pages that the index does not know.
 *
 * What the index allocates is charged to the memory cgroup of the task that the
 * account was made for, also when another task or a kernel thread unpins.
 *
 * A buffer that is registered and unregistered over and over makes an account and
 * ends it each time.  So each owner keeps the memory of one account that ended, for
 * its next one.  While it is kept it has no owner, and KASAN takes it for freed, so
 * that who uses it then does not go unnoticed.
 */

#include <linux/kcsan-checks.h>
#include <linux/memcontrol.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "account.h"
#include "fault.h"
#include "index.h"
#include "owner.h"
#include "policy.h"

#define CREATE_TRACE_POINTS
#include <trace/events/ioas.h>

/* Memory for an account: what the owner keeps, or new. */
static struct ioas_cg_account *account_alloc(struct ioas_owner *owner,
					     struct mem_cgroup *memcg,
					     gfp_t gfp)
{
	struct ioas_cg_account *acct;
	struct mem_cgroup *old;

	acct = ioas_owner_take(&owner->spare_account, sizeof(*acct));
	if (acct && ioas_owner_is_paid_by(acct, memcg))
		return acct;
	kfree(acct);
	if (memcg)
		old = set_active_memcg(memcg);
	acct = kmalloc(sizeof(*acct), gfp | __GFP_ACCOUNT);
	if (memcg)
		set_active_memcg(old);
	return acct;
}

/* Keep the memory of an account that ended, or free it. */
static void account_release(struct ioas_owner *owner,
			    struct ioas_cg_account *acct)
{
	acct->owner = NULL;
	if (!ioas_owner_keep(&owner->spare_account, acct, sizeof(*acct)))
		kfree(acct);
}

/**
 * ioas_account_forget_owner() - free the memory that an owner keeps for an account
 * @owner: the owner, about to be freed
 */
void ioas_account_forget_owner(struct ioas_owner *owner)
{
	kfree(ioas_owner_take(&owner->spare_account,
			      sizeof(struct ioas_cg_account)));
}

static struct ioas_account_maker maker_of(struct task_struct *task)
{
	struct ioas_account_maker maker = {
		.boottime_ns = ktime_to_ns(ktime_get_coarse_boottime()),
		.tgid = task_tgid_nr(task),
		.pid = task_pid_nr(task),
	};

	get_task_comm(maker.comm, task);
	return maker;
}

static void add_to_owner(struct ioas_cg_account *acct)
{
	struct ioas_owner *owner = acct->owner;

	ioas_owner_get(owner);
	spin_lock(&owner->accounts_lock);
	list_add_tail(&acct->item.list, &owner->accounts);
	WRITE_ONCE(owner->nr_accounts, owner->nr_accounts + 1);
	spin_unlock(&owner->accounts_lock);
}

static void remove_from_owner(struct ioas_cg_account *acct)
{
	struct ioas_owner *owner = acct->owner;

	spin_lock(&owner->accounts_lock);
	list_del(&acct->item.list);
	WRITE_ONCE(owner->nr_accounts, owner->nr_accounts - 1);
	spin_unlock(&owner->accounts_lock);
}

/**
 * ioas_account_create() - make an account of an owner
 * @owner: who is charged
 * @task: for whom it is made
 * @memcg: memory cgroup that pays for the index, or NULL for that of the caller.
 *	The account takes over a reference, on success.
 * @kind: what the pins are for
 * @gfp: for the allocations
 *
 * Context: May sleep.
 * Return: the account, ERR_PTR(-ENOMEM), or ERR_PTR(-EINVAL) for an unknown kind.
 */
struct ioas_cg_account *ioas_account_create(struct ioas_owner *owner,
					    struct task_struct *task,
					    struct mem_cgroup *memcg,
					    enum ioas_cg_kind kind, gfp_t gfp)
{
	struct ioas_cg_account *acct;

	if (WARN_ON_ONCE(kind < 0 || kind >= IOAS_CG_NR_KINDS))
		return ERR_PTR(-EINVAL);
	acct = account_alloc(owner, memcg, gfp);
	if (!acct)
		return ERR_PTR(-ENOMEM);
	*acct = (struct ioas_cg_account){
		.owner = owner,
		.memcg = memcg,
		.kind = kind,
		.memlock_exempt = ioas_owner_memlock_exempt(owner),
		.refs = REFCOUNT_INIT(1),
		.maker = maker_of(task),
	};
	add_to_owner(acct);
	return acct;
}

/**
 * ioas_cg_account_get() - take a reference to an account
 * @acct: the account, or NULL
 *
 * For an object whose pins end in parts, each of which knows the account.
 *
 * Context: Any.
 * Return: @acct
 */
struct ioas_cg_account *ioas_cg_account_get(struct ioas_cg_account *acct)
{
	if (acct)
		refcount_inc(&acct->refs);
	return acct;
}
EXPORT_SYMBOL_GPL(ioas_cg_account_get);

/**
 * ioas_cg_memlock_exempt() - does RLIMIT_MEMLOCK leave these pins alone?
 * @acct: the account, or NULL
 *
 * If so, the pins of the account are neither checked against RLIMIT_MEMLOCK nor
 * counted for it: the cgroup's limit stands alone.  What ioas.pinned.memlock of
 * the owner said when the account was made holds for as long as it exists.
 *
 * Context: Any.
 * Return: whether the pins are exempt; false for NULL.
 */
bool ioas_cg_memlock_exempt(const struct ioas_cg_account *acct)
{
	return acct && acct->memlock_exempt;
}
EXPORT_SYMBOL_GPL(ioas_cg_memlock_exempt);

/**
 * ioas_cg_account_put() - drop a reference to an account, which may end it
 * @acct: the account, or NULL.  All its pages must have been uncharged before the
 *	last reference goes.
 *
 * Context: May sleep.
 */
void ioas_cg_account_put(struct ioas_cg_account *acct)
{
	struct ioas_owner *owner;
	long pages;

	if (!acct || !refcount_dec_and_test(&acct->refs))
		return;
	/*
	 * What is left stays charged for ever, and the index relies on the
	 * account for the state of these pages: so the account stays as well.
	 */
	pages = READ_ONCE(acct->pages);
	if (WARN_ONCE(pages, "ioas: account ends with %ld pages charged\n",
		      pages))
		return;
	if (acct->memcg)
		mem_cgroup_put(acct->memcg);
	owner = acct->owner;
	remove_from_owner(acct);
	account_release(owner, acct);
	ioas_owner_put(owner);
}
EXPORT_SYMBOL_GPL(ioas_cg_account_put);

/* ---- walking over all accounts ---- */

static void add_marks(struct ioas_account_walk *walk)
{
	struct ioas_owner *owner = walk->owner;

	spin_lock(&owner->accounts_lock);
	list_add(&walk->here.list, &owner->accounts);
	list_add_tail(&walk->end.list, &owner->accounts);
	spin_unlock(&owner->accounts_lock);
}

static void remove_marks(struct ioas_account_walk *walk)
{
	spin_lock(&walk->owner->accounts_lock);
	list_del(&walk->here.list);
	list_del(&walk->end.list);
	spin_unlock(&walk->owner->accounts_lock);
}

/**
 * ioas_account_walk_begin() - start to walk over the accounts of a subtree
 * @walk: filled in
 * @root: its first owner; stays until the end
 *
 * Accounts that exist from the beginning to the end are found once each; those that come
 * or go may be.  A walk takes no account from its owner: each is held only while it is
 * looked at.  It has two marks of its own in the list of the owner that it is at.
 */
void ioas_account_walk_begin(struct ioas_account_walk *walk,
			     struct ioas_owner *root)
{
	ioas_owner_get(root);
	*walk = (struct ioas_account_walk){
		.root = root,
		.owner = root,
		.here.is_mark = true,
		.end.is_mark = true,
	};
	add_marks(walk);
}

/* The next one that is not going, with a reference. */
static struct ioas_owner *next_owner(const struct ioas_account_walk *walk)
{
	struct ioas_owner *owner = walk->owner;

	guard(mutex)(&walk->root->ledger->tree);
	do {
		owner = ioas_owner_next(owner, walk->root);
	} while (owner && !refcount_inc_not_zero(&owner->refs));
	return owner;
}

static void go_to_next_owner(struct ioas_account_walk *walk)
{
	struct ioas_owner *owner = next_owner(walk);

	remove_marks(walk);
	ioas_owner_put(walk->owner);
	walk->owner = owner;
	if (owner)
		add_marks(walk);
}

/* The next of the same owner, with a reference, or NULL. */
static struct ioas_cg_account *next_of_owner(struct ioas_account_walk *walk)
{
	struct ioas_owner *owner = walk->owner;
	struct ioas_account_item *item = &walk->here;
	struct ioas_cg_account *acct, *found = NULL;

	spin_lock(&owner->accounts_lock);
	list_for_each_entry_continue(item, &owner->accounts, list) {
		if (item == &walk->end)
			break;
		if (item->is_mark)
			continue;
		acct = container_of(item, struct ioas_cg_account, item);
		if (refcount_inc_not_zero(&acct->refs)) {
			found = acct;
			list_move(&walk->here.list, &item->list);
			break;
		}
	}
	spin_unlock(&owner->accounts_lock);
	return found;
}

/**
 * ioas_account_walk_next() - go to the next account
 * @walk: started with ioas_account_walk_begin()
 *
 * Context: Process context; may sleep.
 * Return: the account, which is there until the next call for @walk; NULL at the end.
 */
struct ioas_cg_account *ioas_account_walk_next(struct ioas_account_walk *walk)
{
	ioas_cg_account_put(walk->acct);
	walk->acct = NULL;
	while (walk->owner) {
		walk->acct = next_of_owner(walk);
		if (walk->acct)
			break;
		go_to_next_owner(walk);
	}
	return walk->acct;
}

/**
 * ioas_account_walk_pause() - let go of the account that a walk has come to
 * @walk: it goes on with ioas_account_walk_next(), at the same one
 *
 * Context: Process context; may sleep.
 */
void ioas_account_walk_pause(struct ioas_account_walk *walk)
{
	if (!walk->acct)
		return;
	spin_lock(&walk->owner->accounts_lock);
	list_move_tail(&walk->here.list, &walk->acct->item.list);
	spin_unlock(&walk->owner->accounts_lock);
	ioas_cg_account_put(walk->acct);
	walk->acct = NULL;
}

/**
 * ioas_account_walk_end() - end a walk, whether it came to its end or not
 * @walk: the walk
 *
 * Context: Process context; may sleep.
 */
void ioas_account_walk_end(struct ioas_account_walk *walk)
{
	ioas_cg_account_put(walk->acct);
	if (!walk->owner)
		return;
	remove_marks(walk);
	ioas_owner_put(walk->owner);
}

/*
 * ---- one call ----
 *
 * Half of the cost of a charge is calls and set-up, so what each call of the
 * interface goes through is inlined into it.
 */

/**
 * struct account_call - a charge or uncharge under way
 * @acct: the account
 * @op: the op on the index
 * @memcg: what to restore in the end
 * @pages: pages charged so far, less those uncharged
 *
 * Not zeroed where it is on the stack, which would be a twentieth of what charging
 * a page takes: call_begin() sets what is read.
 */
struct account_call {
	struct ioas_cg_account *acct;
	struct ioas_op op;
	struct mem_cgroup *memcg;
	long pages;
};

static __always_inline void call_begin(struct account_call *call,
				       struct ioas_cg_account *acct)
{
	might_sleep();
	call->acct = acct;
	call->pages = 0;
	if (acct->memcg)
		call->memcg = set_active_memcg(acct->memcg);
	ioas_op_begin(&call->op, acct->owner, acct->memcg);
}

static __always_inline void call_end(struct account_call *call, int ret)
{
	ioas_op_end(&call->op, ret);
	if (call->acct->memcg)
		set_active_memcg(call->memcg);
}

/*
 * Not atomic: what protects the pins of the object protects its account, and the
 * sum of the owner is kept for each CPU, in process context only.
 */
static __always_inline void count_pins(struct account_call *call)
{
	struct ioas_cg_account *acct = call->acct;

	ASSERT_EXCLUSIVE_WRITER(acct->pages);
	WRITE_ONCE(acct->pages, acct->pages + call->pages);
	preempt_disable();
	__this_cpu_add(acct->owner->gross->pages[acct->kind], call->pages);
	preempt_enable();
}

static __always_inline int call_charge(struct account_call *call,
				       unsigned long pfn, unsigned long nr)
{
	int ret = ioas_op_charge(&call->op, pfn, nr);

	if (ret)
		return ret;
	call->pages += nr;
	trace_charge(call->acct->owner->cgroup_id, call->acct->kind, pfn, nr);
	return 0;
}

/* Returns how many were uncharged: the page after these is not charged. */
static __always_inline unsigned long call_uncharge(struct account_call *call,
						   unsigned long pfn,
						   unsigned long nr)
{
	unsigned long done = ioas_op_uncharge(&call->op, pfn, nr);

	call->pages -= done;
	if (likely(done))
		trace_uncharge(call->acct->owner->cgroup_id, call->acct->kind,
			       pfn, done);
	return done;
}

/* After everything was undone: count, notify and trace what refused @nr pages. */
static void report_refusal(struct ioas_cg_account *acct,
			   struct ioas_owner *refused, unsigned long nr)
{
	u64 max = (u64)READ_ONCE(refused->max) * PAGE_SIZE;
	u64 usage = (u64)atomic_long_read(&refused->usage) * PAGE_SIZE;

	ioas_owner_count_event(refused, IOAS_EVENT_MAX);
	trace_deny(acct->owner->cgroup_id, acct->kind, refused->cgroup_id, max,
		   usage, (u64)nr * PAGE_SIZE);
	if (ioas_policies_exist())
		ioas_policy_limit_hit(acct->owner, refused, IOAS_POLICY_PINNED,
				      (u64)nr * PAGE_SIZE);
}

/* The same, where that was a policy, which gave @error. */
static void report_policy_refusal(struct ioas_cg_account *acct,
				  const struct ioas_policy_refusal *by,
				  int error, unsigned long nr)
{
	u64 usage = (u64)atomic_long_read(&by->owner->usage) * PAGE_SIZE;

	ioas_owner_count_event(by->owner, IOAS_EVENT_POLICY);
	trace_deny_policy(acct->owner->cgroup_id, acct->kind,
			  by->owner->cgroup_id, by->name, error, usage,
			  (u64)nr * PAGE_SIZE);
}

/* ---- runs of page frames that count ---- */

static bool folio_counts(struct folio *folio)
{
	return !folio_test_reserved(folio) && !is_zero_folio(folio) &&
	       !is_huge_zero_folio(folio) && !folio_is_zone_device(folio);
}

/* Page structs of an aligned stretch of this many frames are consecutive. */
#if defined(CONFIG_SPARSEMEM) && !defined(CONFIG_SPARSEMEM_VMEMMAP)
#define STRETCH_PAGES	MIN(512UL, PAGES_PER_SECTION)
#else
#define STRETCH_PAGES	512UL
#endif

static unsigned long stretch(unsigned long pfn, unsigned long nr)
{
	return min(nr, STRETCH_PAGES - pfn % STRETCH_PAGES);
}

/*
 * Single pages are many, and each is looked at: the flags tell that it is neither
 * part of a folio nor special.
 */
static __always_inline bool is_plain_page(const struct page *page,
					  unsigned long pfn)
{
	return !(READ_ONCE(page->flags) & (BIT(PG_head) | BIT(PG_reserved))) &&
	       !(READ_ONCE(page->compound_head) & 1) &&
	       !is_zone_device_page(page) && !is_zero_pfn(pfn);
}

/* How many pages from @page on, at most @nr, are in its folio; do they count? */
static unsigned long folio_run(struct page *page, unsigned long nr,
			       bool *counts)
{
	struct folio *folio = page_folio(page);

	*counts = folio_counts(folio);
	return min_t(unsigned long, nr,
		     folio_nr_pages(folio) - folio_page_idx(folio, page));
}

/*
 * How many pages from @pfn on, at most @nr, are alike in that they count, or do
 * not?  The answer may be less than it could be, at the end of a stretch.
 */
static unsigned long counting_run(unsigned long pfn, unsigned long nr,
				  bool *counts)
{
	unsigned long plain = stretch(pfn, nr), len = 0;
	struct page *page = pfn_to_page(pfn);

	while (len < plain && is_plain_page(page + len, pfn + len))
		len++;
	if (!len)
		return folio_run(page, nr, counts);
	*counts = true;
	return len;
}

static __always_inline bool page_counts(struct page *page, unsigned long pfn)
{
	return likely(is_plain_page(page, pfn)) ||
	       folio_counts(page_folio(page));
}

/* Does @pfn not count, if it is a page at all?  Then it was never charged. */
static bool is_exempt(unsigned long pfn)
{
	return !pfn_valid(pfn) || !page_counts(pfn_to_page(pfn), pfn);
}

/* A page was to be uncharged that is not charged: is that as it should be? */
static void check_not_charged(unsigned long pfn)
{
	if (!is_exempt(pfn))
		ioas_warn_not_charged(pfn);
}

/*
 * The index knows which pages were charged; only one that it does not know has to
 * be looked at.
 */
static void uncharge_run(struct account_call *call, unsigned long pfn,
			 unsigned long nr)
{
	unsigned long end = pfn + nr;

	while (pfn < end) {
		pfn += call_uncharge(call, pfn, end - pfn);
		if (likely(pfn == end))
			break;
		check_not_charged(pfn);
		do {
			/* VFIO has whole BARs, of gigabytes. */
			if (!(++pfn % STRETCH_PAGES))
				cond_resched();
		} while (pfn < end && is_exempt(pfn));
	}
}

/* All or nothing. */
static int charge_run(struct account_call *call, unsigned long pfn,
		      unsigned long nr)
{
	unsigned long done, len;
	bool counts;
	int ret;

	for (done = 0; done < nr; done += len) {
		len = counting_run(pfn + done, nr - done, &counts);
		ret = counts ? call_charge(call, pfn + done, len) : 0;
		if (ret) {
			uncharge_run(call, pfn, done);
			return ret;
		}
	}
	return 0;
}

/*
 * ---- gathered pages ----
 *
 * Pages in short runs, far from their neighbours, are the dear ones: each has to
 * find its slot and to go through all counters.  But they are mostly from the
 * same part of the memory.  So they are gathered by slot, and then charged or
 * uncharged slot by slot.
 */

/* A run of that many pages is worth a charge of its own. */
#define LONG_RUN	16UL

typedef void (*trace_fn)(u64 cgroup_id, enum ioas_cg_kind kind,
			 unsigned long pfn, unsigned long nr);

static void trace_gathered(struct account_call *call,
			   const struct ioas_gather *gather, trace_fn trace)
{
	unsigned int i, first, end;

	for (i = 0; i < gather->nr_slots; i++)
		for_each_set_bitrange(first, end, gather->pages[i],
				      IOAS_SLOT_PAGES)
			trace(call->acct->owner->cgroup_id, call->acct->kind,
			      ioas_gather_pfn(gather, i, first), end - first);
}

static void uncharge_gathered(struct account_call *call,
			      struct ioas_gather *gather)
{
	ioas_op_uncharge_gathered(&call->op, gather, check_not_charged);
	call->pages -= gather->nr_pages;
	if (trace_uncharge_enabled())
		trace_gathered(call, gather, trace_uncharge);
	ioas_gather_init(gather);
}

static int charge_gathered(struct account_call *call,
			   struct ioas_gather *gather)
{
	int ret = ioas_op_charge_gathered(&call->op, gather);

	if (!ret) {
		call->pages += gather->nr_pages;
		if (trace_charge_enabled())
			trace_gathered(call, gather, trace_charge);
	}
	ioas_gather_init(gather);
	return ret;
}

static void gather_to_uncharge(struct account_call *call,
			       struct ioas_gather *gather, unsigned long pfn,
			       unsigned long nr)
{
	for (; nr; pfn++, nr--) {
		if (ioas_gather_add(gather, pfn))
			continue;
		uncharge_gathered(call, gather);
		ioas_gather_add(gather, pfn);
	}
}

static unsigned long array_scan(struct page **pages, unsigned long nr)
{
	struct page *page = pages[0];
	unsigned long len = 1;

	while (len + 8 <= nr &&
	       pages[len] == page + len && pages[len + 1] == page + len + 1 &&
	       pages[len + 2] == page + len + 2 &&
	       pages[len + 3] == page + len + 3 &&
	       pages[len + 4] == page + len + 4 &&
	       pages[len + 5] == page + len + 5 &&
	       pages[len + 6] == page + len + 6 &&
	       pages[len + 7] == page + len + 7)
		len += 8;
	while (len < nr && pages[len] == page + len)
		len++;
	return len;
}

/*
 * As array_run(), where the second page follows the first.
 *
 * Pages of a hugetlb folio that is mapped by one entry of a page table above the
 * lowest come from that entry in one step of GUP, up to the end of the folio or
 * of what was asked for.  There is no need to look at each of them, which is half
 * of what charging a huge page would cost.
 */
static noinline unsigned long array_long_run(struct page **pages,
					     unsigned long nr)
{
	struct folio *folio = page_folio(pages[0]);
	unsigned long len;

	nr = stretch(page_to_pfn(pages[0]), nr);
	if (folio_test_hugetlb(folio) && folio_size(folio) >= PMD_SIZE) {
		len = min_t(unsigned long, nr,
			    folio_nr_pages(folio) -
				    folio_page_idx(folio, pages[0]));
		VM_WARN_ON_ONCE(array_scan(pages, len) != len);
		if (likely(pages[len - 1] == pages[0] + len - 1))
			return len;
	}
	return array_scan(pages, nr);
}

/*
 * The length of a run of consecutive page frames that an array starts with.  It
 * ends with a stretch, within which comparing pointers is enough.
 */
static __always_inline unsigned long array_run(struct page **pages,
					       unsigned long nr)
{
	if (nr == 1 || pages[1] != pages[0] + 1)
		return 1;
	return array_long_run(pages, nr);
}

/* @gather is empty, before and after. */
static void gather_and_uncharge(struct account_call *call,
				struct ioas_gather *gather,
				struct page **pages, unsigned long nr)
{
	unsigned long i, len, pfn;

	for (i = 0; i < nr; i += len) {
		len = array_run(pages + i, nr - i);
		pfn = page_to_pfn(pages[i]);
		if (len < LONG_RUN)
			gather_to_uncharge(call, gather, pfn, len);
		else
			uncharge_run(call, pfn, len);
	}
	if (gather->nr_pages)
		uncharge_gathered(call, gather);
}

static noinline void uncharge_scattered(struct account_call *call,
					struct page **pages, unsigned long nr)
{
	struct ioas_gather gather __uninitialized;

	ioas_gather_init(&gather);
	gather_and_uncharge(call, &gather, pages, nr);
}

static void uncharge_array(struct account_call *call, struct page **pages,
			   unsigned long nr)
{
	unsigned long len = array_run(pages, nr);

	if (len == nr)
		uncharge_run(call, page_to_pfn(pages[0]), len);
	else
		uncharge_scattered(call, pages, nr);
}

/* Of an array, the pages before @gathered are charged, the others gathered. */
static __always_inline int gather_to_charge(struct account_call *call,
					    struct ioas_gather *gather,
					    struct page **pages,
					    unsigned long first,
					    unsigned long end,
					    unsigned long *gathered)
{
	unsigned long i, pfn;
	int ret;

	for (i = first; i < end; i++) {
		pfn = page_to_pfn(pages[i]);
		if (!page_counts(pages[i], pfn))
			continue;
		if (likely(ioas_gather_add(gather, pfn)))
			continue;
		ret = charge_gathered(call, gather);
		if (ret)
			return ret;
		*gathered = i;
		ioas_gather_add(gather, pfn);
	}
	return 0;
}

static noinline int charge_scattered(struct account_call *call,
				     struct page **pages, unsigned long nr)
{
	struct ioas_gather gather __uninitialized;
	unsigned long i, len, gathered = 0;
	int ret = 0;

	ioas_gather_init(&gather);
	for (i = 0; i < nr && !ret; i += len) {
		len = array_run(pages + i, nr - i);
		if (len < LONG_RUN) {
			ret = gather_to_charge(call, &gather, pages, i, i + len,
					       &gathered);
			continue;
		}
		if (gather.nr_pages)
			ret = charge_gathered(call, &gather);
		if (ret)
			break;
		gathered = i;
		ret = charge_run(call, page_to_pfn(pages[i]), len);
		if (!ret)
			gathered = i + len;
	}
	if (!ret && gather.nr_pages)
		ret = charge_gathered(call, &gather);
	if (ret)
		gather_and_uncharge(call, &gather, pages, gathered);
	return ret;
}

static int charge_array(struct account_call *call, struct page **pages,
			unsigned long nr)
{
	unsigned long len = array_run(pages, nr);

	if (len == nr)
		return charge_run(call, page_to_pfn(pages[0]), len);
	return charge_scattered(call, pages, nr);
}

/* End a charge of @nr pages that came to @ret. */
static __always_inline int charge_end(struct account_call *call,
				      unsigned long nr, int ret)
{
	struct ioas_owner *refused = call->op.refused;

	if (likely(!ret))
		count_pins(call);
	call_end(call, ret);
	if (likely(!ret))
		return 0;
	if (ret == -EDQUOT)
		report_refusal(call->acct, refused, nr);
	/* A passed RLIMIT_MEMLOCK gives this errno too. */
	return -ENOMEM;
}

static __always_inline void uncharge_end(struct account_call *call)
{
	/* call->pages counted down from 0. */
	count_pins(call);
	call_end(call, 0);
	if (ioas_policies_exist() && call->pages)
		ioas_policy_uncharge_pinned(call->acct->owner, NULL,
					    call->acct->kind, -call->pages);
}

/* ---- policies ---- */

/**
 * struct policy_refusal - a charge that the limits allow and a policy does not
 * @by: the policy
 * @pages: pages charged, before that was undone
 * @error: what the call gets
 */
struct policy_refusal {
	struct ioas_policy_refusal by;
	unsigned long pages;
	int error;
};

/*
 * The pins are counted before the policies are asked: of two that race, at least one
 * has to see both in ioas.stat.  What is refused is taken back on the same CPU: else who
 * sums over the CPUs meanwhile could see that, and not that it was counted, and find less
 * than there is.
 */
static noinline bool ask_policies(struct account_call *call,
				  struct policy_refusal *refusal)
{
	long pages = call->pages;

	migrate_disable();
	count_pins(call);
	/* Pairs with itself: count here, then read what the other CPUs counted. */
	smp_mb();
	refusal->pages = pages;
	refusal->error = ioas_policy_charge_pinned(call->acct->owner,
						   call->acct->kind, pages,
						   &refusal->by);
	call->pages = 0;
	if (refusal->error) {
		call->pages = -pages;
		count_pins(call);
		/* From here it counts down to 0, while all is undone. */
		call->pages = pages;
	}
	migrate_enable();
	return refusal->error;
}

/*
 * Is a charge refused that came to @ret?  Then it has to be undone, and ends with
 * refused_end().
 */
static __always_inline bool is_refused(struct account_call *call, int ret,
				       struct policy_refusal *refusal)
{
	return ioas_policies_exist() && !ret && call->pages &&
	       ask_policies(call, refusal);
}

static noinline int refused_end(struct account_call *call,
				const struct policy_refusal *refusal)
{
	struct ioas_cg_account *acct = call->acct;

	call_end(call, refusal->error);
	ioas_policy_uncharge_pinned(acct->owner, refusal->by.owner, acct->kind,
				    refusal->pages);
	report_policy_refusal(acct, &refusal->by, refusal->error,
			      refusal->pages);
	return refusal->error;
}

#if IS_ENABLED(CONFIG_CGROUP_IOAS_KUNIT_TEST)
/* ---- for tests: page frames that are made up, without a look at them ---- */

/**
 * ioas_account_charge() - charge page frames
 * @acct: the account
 * @pfn: the first page
 * @nr: number of pages
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM, and then nothing was charged.
 */
int ioas_account_charge(struct ioas_cg_account *acct, unsigned long pfn,
			unsigned long nr)
{
	struct account_call call __uninitialized;

	call_begin(&call, acct);
	return charge_end(&call, nr, call_charge(&call, pfn, nr));
}

/**
 * ioas_account_uncharge() - uncharge what ioas_account_charge() charged
 * @acct: the account
 * @pfn: the first page
 * @nr: number of pages
 *
 * Context: May sleep.
 */
void ioas_account_uncharge(struct ioas_cg_account *acct, unsigned long pfn,
			   unsigned long nr)
{
	struct account_call call __uninitialized;
	unsigned long done;

	call_begin(&call, acct);
	done = call_uncharge(&call, pfn, nr);
	if (done < nr)
		ioas_warn_not_charged(pfn + done);
	uncharge_end(&call);
}

/**
 * ioas_account_charge_gathered() - charge page frames that were gathered
 * @acct: the account
 * @gather: the page frames; empty afterwards
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM, and then nothing was charged.
 */
int ioas_account_charge_gathered(struct ioas_cg_account *acct,
				 struct ioas_gather *gather)
{
	unsigned long nr = gather->nr_pages;
	struct account_call call __uninitialized;

	call_begin(&call, acct);
	return charge_end(&call, nr, charge_gathered(&call, gather));
}

/**
 * ioas_account_uncharge_gathered() - uncharge page frames that were gathered
 * @acct: the account
 * @gather: the page frames; empty afterwards
 *
 * Context: May sleep.
 */
void ioas_account_uncharge_gathered(struct ioas_cg_account *acct,
				    struct ioas_gather *gather)
{
	struct account_call call __uninitialized;

	call_begin(&call, acct);
	uncharge_gathered(&call, gather);
	uncharge_end(&call);
}

#endif /* CONFIG_CGROUP_IOAS_KUNIT_TEST */

/* ---- for subsystems ---- */

/**
 * ioas_cg_charge_pages() - charge pages that were just pinned
 * @acct: the account, or NULL, which charges nothing
 * @pages: the pages, as pin_user_pages() gave them: in any order, save that it
 *	gives all pages of a huge page in a row; the same page may come again
 * @n: number of pages
 *
 * Each page gets one pin more by the account's owner.  The first pin of a page
 * from a cgroup's subtree is charged to that cgroup.  Call it after each batch
 * of pages, not after the last: what a call can hold above a limit before
 * it is refused is then one batch.  CAP_IPC_LOCK does not matter.
 *
 * Context: May sleep.  The pages are pinned.
 * Return: 0; -ENOMEM if a limit would be passed or memory is short; or an error that a
 * policy gives, see &struct ioas_cgroup_ops.  Then nothing was charged.
 */
int ioas_cg_charge_pages(struct ioas_cg_account *acct, struct page **pages,
			 unsigned long n)
{
	struct account_call call __uninitialized;
	struct policy_refusal refusal;
	int ret;

	if (!acct || !n)
		return 0;
	call_begin(&call, acct);
	ret = charge_array(&call, pages, n);
	if (is_refused(&call, ret, &refusal)) {
		uncharge_array(&call, pages, n);
		return refused_end(&call, &refusal);
	}
	return charge_end(&call, n, ret);
}
EXPORT_SYMBOL_GPL(ioas_cg_charge_pages);

/**
 * ioas_cg_charge_pfns() - charge consecutive pages that were just pinned
 * @acct: the account, or NULL, which charges nothing
 * @pfn: the first page
 * @n: number of pages
 *
 * As ioas_cg_charge_pages(), and much cheaper for long runs.  All of them must have
 * page structs.
 *
 * Context: May sleep.  The pages are pinned.
 * Return: 0 or an error, as ioas_cg_charge_pages().
 */
int ioas_cg_charge_pfns(struct ioas_cg_account *acct, unsigned long pfn,
			unsigned long n)
{
	struct account_call call __uninitialized;
	struct policy_refusal refusal;
	int ret;

	if (!acct || !n)
		return 0;
	call_begin(&call, acct);
	ret = charge_run(&call, pfn, n);
	if (is_refused(&call, ret, &refusal)) {
		uncharge_run(&call, pfn, n);
		return refused_end(&call, &refusal);
	}
	return charge_end(&call, n, ret);
}
EXPORT_SYMBOL_GPL(ioas_cg_charge_pfns);

/**
 * ioas_cg_uncharge_pages() - uncharge pages that are about to be unpinned
 * @acct: the account they were charged to, or NULL
 * @pages: the pages, in any grouping, each group as pin_user_pages() gave it
 * @n: number of pages
 *
 * Context: May sleep.  The pages are still pinned.
 */
void ioas_cg_uncharge_pages(struct ioas_cg_account *acct, struct page **pages,
			    unsigned long n)
{
	struct account_call call __uninitialized;

	if (!acct || !n)
		return;
	call_begin(&call, acct);
	uncharge_array(&call, pages, n);
	uncharge_end(&call);
}
EXPORT_SYMBOL_GPL(ioas_cg_uncharge_pages);

/**
 * ioas_cg_uncharge_pfns() - uncharge consecutive pages about to be unpinned
 * @acct: the account they were charged to, or NULL
 * @pfn: the first page
 * @n: number of pages
 *
 * Context: May sleep.  The pages are still pinned.
 */
void ioas_cg_uncharge_pfns(struct ioas_cg_account *acct, unsigned long pfn,
			   unsigned long n)
{
	struct account_call call __uninitialized;

	if (!acct || !n)
		return;
	call_begin(&call, acct);
	uncharge_run(&call, pfn, n);
	uncharge_end(&call);
}
EXPORT_SYMBOL_GPL(ioas_cg_uncharge_pfns);

/**
 * ioas_cg_gather_begin() - start to uncharge pages that are in no order
 * @gather: filled in
 * @acct: the account they were charged to, or NULL
 *
 * Many short runs are uncharged together for much less than one by one.
 *
 * Context: What protects the account is held until ioas_cg_gather_end().
 */
void ioas_cg_gather_begin(struct ioas_cg_gather *gather,
			  struct ioas_cg_account *acct)
{
	gather->acct = acct;
	ioas_gather_init(&gather->pages);
}
EXPORT_SYMBOL_GPL(ioas_cg_gather_begin);

static noinline void gather_uncharge_run(struct ioas_cg_gather *gather,
					 unsigned long pfn, unsigned long n)
{
	struct account_call call __uninitialized;

	call_begin(&call, gather->acct);
	if (n < LONG_RUN)
		gather_to_uncharge(&call, &gather->pages, pfn, n);
	else
		uncharge_run(&call, pfn, n);
	uncharge_end(&call);
}

/**
 * ioas_cg_gather_uncharge_pfns() - uncharge consecutive pages, now or later
 * @gather: started with ioas_cg_gather_begin()
 * @pfn: the first page
 * @n: number of pages
 *
 * Context: May sleep.  The pages are pinned until ioas_cg_gather_end().
 */
void ioas_cg_gather_uncharge_pfns(struct ioas_cg_gather *gather,
				  unsigned long pfn, unsigned long n)
{
	if (!gather->acct)
		return;
	if (n < LONG_RUN)
		for (; n && ioas_gather_add(&gather->pages, pfn); n--)
			pfn++;
	if (n)
		gather_uncharge_run(gather, pfn, n);
}
EXPORT_SYMBOL_GPL(ioas_cg_gather_uncharge_pfns);

/* A lone run needs no bitmaps, and those who have it come here often. */
static void uncharge_gathered_last(struct account_call *call,
				   struct ioas_gather *gather)
{
	unsigned long first, end;

	first = find_first_bit(gather->pages[0], IOAS_SLOT_PAGES);
	end = find_next_zero_bit(gather->pages[0], IOAS_SLOT_PAGES, first);
	if (end - first == gather->nr_pages)
		uncharge_run(call, ioas_gather_pfn(gather, 0, first),
			     gather->nr_pages);
	else
		uncharge_gathered(call, gather);
}

/**
 * ioas_cg_gather_end() - uncharge what was gathered and not yet uncharged
 * @gather: started with ioas_cg_gather_begin()
 *
 * Context: May sleep.  The pages are still pinned.
 */
void ioas_cg_gather_end(struct ioas_cg_gather *gather)
{
	struct account_call call __uninitialized;

	if (!gather->pages.nr_pages)
		return;
	call_begin(&call, gather->acct);
	uncharge_gathered_last(&call, &gather->pages);
	uncharge_end(&call);
}
EXPORT_SYMBOL_GPL(ioas_cg_gather_end);
