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
 * nobody in particular; they are left out on charge and, as none of this can
 * change while a page is pinned, on uncharge in the same way.
 *
 * What the index allocates is charged to the memory cgroup of the task that the
 * account was made for, also when another task or a kernel thread unpins.
 */

#include <linux/kcsan-checks.h>
#include <linux/memcontrol.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "account.h"
#include "index.h"
#include "owner.h"

#define CREATE_TRACE_POINTS
#include <trace/events/ioas.h>

/**
 * ioas_account_create() - make an account of an owner
 * @owner: who is charged
 * @memcg: memory cgroup that pays for the index, or NULL for that of the caller.
 *	The account takes over a reference, on success.
 * @kind: what the pins are for
 * @gfp: for the allocations
 *
 * Context: May sleep.
 * Return: the account, ERR_PTR(-ENOMEM), or ERR_PTR(-EINVAL) for an unknown kind.
 */
struct ioas_cg_account *ioas_account_create(struct ioas_owner *owner,
					    struct mem_cgroup *memcg,
					    enum ioas_cg_kind kind, gfp_t gfp)
{
	struct ioas_cg_account *acct;
	struct mem_cgroup *old;
	int ret = -ENOMEM;

	if (WARN_ON_ONCE(kind < 0 || kind >= IOAS_CG_NR_KINDS))
		return ERR_PTR(-EINVAL);
	if (memcg)
		old = set_active_memcg(memcg);
	acct = kzalloc(sizeof(*acct), gfp | __GFP_ACCOUNT);
	if (acct)
		ret = ioas_step_add(&acct->single, NULL, owner,
				    gfp | __GFP_ACCOUNT);
	if (memcg)
		set_active_memcg(old);
	if (ret) {
		kfree(acct);
		return ERR_PTR(ret);
	}
	ioas_owner_get(owner);
	acct->owner = owner;
	acct->memcg = memcg;
	acct->kind = kind;
	atomic_long_inc(&owner->accounts);
	return acct;
}

/**
 * ioas_cg_account_put() - end an account
 * @acct: the account, or NULL.  All its pages must have been uncharged.
 *
 * Context: May sleep.
 */
void ioas_cg_account_put(struct ioas_cg_account *acct)
{
	long pages;

	if (!acct)
		return;
	/*
	 * What is left stays charged for ever, and the index relies on the
	 * account for the state of these pages: so the account stays as well.
	 */
	pages = READ_ONCE(acct->pages);
	if (WARN_ONCE(pages, "ioas: account ends with %ld pages charged\n",
		      pages))
		return;
	atomic_long_dec(&acct->owner->accounts);
	ioas_step_put(&acct->single, acct->owner->ledger);
	ioas_owner_put(acct->owner);
	if (acct->memcg)
		mem_cgroup_put(acct->memcg);
	kfree(acct);
}
EXPORT_SYMBOL_GPL(ioas_cg_account_put);

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
	ioas_op_begin(&call->op, acct->owner, &acct->single);
}

static __always_inline void call_end(struct account_call *call)
{
	ioas_op_end(&call->op);
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

static __always_inline void call_uncharge(struct account_call *call,
					  unsigned long pfn, unsigned long nr)
{
	ioas_op_uncharge(&call->op, pfn, nr);
	call->pages -= nr;
	trace_uncharge(call->acct->owner->cgroup_id, call->acct->kind, pfn, nr);
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
}

/* ---- runs of page frames that count ---- */

static bool folio_counts(struct folio *folio)
{
	return !folio_test_reserved(folio) && !is_zero_folio(folio) &&
	       !is_huge_zero_folio(folio) && !folio_is_zone_device(folio);
}

/*
 * Page structs of an aligned stretch of this many frames are consecutive: they
 * are in one section, on every architecture.
 */
#define STRETCH_PAGES	512UL

static unsigned long stretch(unsigned long pfn, unsigned long nr)
{
	return min(nr, STRETCH_PAGES - pfn % STRETCH_PAGES);
}

/*
 * Single pages are many, and each is looked at, on charge and again on uncharge:
 * one look at the flags tells that it is neither part of a folio nor special.
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
	struct page *page;

	*counts = false;
	/* Memory comes and goes in sections, so one page stands for all. */
	if (!pfn_valid(pfn))
		return 1;
	page = pfn_to_page(pfn);
	while (len < plain && is_plain_page(page + len, pfn + len))
		len++;
	if (!len)
		return folio_run(page, nr, counts);
	*counts = true;
	return len;
}

static void uncharge_run(struct account_call *call, unsigned long pfn,
			 unsigned long nr)
{
	unsigned long len;
	bool counts;

	for (; nr; pfn += len, nr -= len) {
		len = counting_run(pfn, nr, &counts);
		if (counts)
			call_uncharge(call, pfn, len);
	}
}

/* All or nothing, as are all that follow. */
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
 * The length of a run of consecutive page frames that an array starts with.  It
 * ends with a stretch, within which comparing pointers is enough.
 */
static unsigned long array_run(struct page **pages, unsigned long nr)
{
	struct page *page = pages[0];
	unsigned long len = 1;

	nr = stretch(page_to_pfn(page), nr);
	while (len < nr && pages[len] == page + len)
		len++;
	return len;
}

static void uncharge_array(struct account_call *call, struct page **pages,
			   unsigned long nr)
{
	unsigned long i, len;

	for (i = 0; i < nr; i += len) {
		len = array_run(pages + i, nr - i);
		uncharge_run(call, page_to_pfn(pages[i]), len);
	}
}

static int charge_array(struct account_call *call, struct page **pages,
			unsigned long nr)
{
	unsigned long i, len;
	int ret;

	for (i = 0; i < nr; i += len) {
		len = array_run(pages + i, nr - i);
		ret = charge_run(call, page_to_pfn(pages[i]), len);
		if (ret) {
			uncharge_array(call, pages, i);
			return ret;
		}
	}
	return 0;
}

/* End a charge of @nr pages that came to @ret. */
static __always_inline int charge_end(struct account_call *call,
				      unsigned long nr, int ret)
{
	struct ioas_owner *refused = call->op.refused;

	if (likely(!ret))
		count_pins(call);
	call_end(call);
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
	call_end(call);
}

/* ---- without a look at the pages ---- */

/**
 * ioas_account_charge() - charge page frames that are known to count
 * @acct: the account
 * @pfn: the first page
 * @nr: number of pages
 *
 * Also for page frames that are made up, in tests.
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM, and then nothing was charged.
 */
int ioas_account_charge(struct ioas_cg_account *acct, unsigned long pfn,
			unsigned long nr)
{
	struct account_call call;

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
	struct account_call call;

	call_begin(&call, acct);
	call_uncharge(&call, pfn, nr);
	uncharge_end(&call);
}

/* ---- for subsystems ---- */

/**
 * ioas_cg_charge_pages() - charge pages that were just pinned
 * @acct: the account, or NULL, which charges nothing
 * @pages: the pages, in any order; the same page may be there more than once
 * @n: number of pages
 *
 * Each page gets one pin more by the account's owner.  The first pin of a page
 * from a cgroup's subtree is charged to that cgroup.  Call it after each batch
 * of pages, not after the last: what a call can hold above a limit before
 * it is refused is then one batch.  CAP_IPC_LOCK does not matter.
 *
 * Context: May sleep.  The pages are pinned.
 * Return: 0, or -ENOMEM if a limit would be passed or memory is short; then
 * nothing was charged.
 */
int ioas_cg_charge_pages(struct ioas_cg_account *acct, struct page **pages,
			 unsigned long n)
{
	struct account_call call;

	if (!acct || !n)
		return 0;
	call_begin(&call, acct);
	return charge_end(&call, n, charge_array(&call, pages, n));
}
EXPORT_SYMBOL_GPL(ioas_cg_charge_pages);

/**
 * ioas_cg_charge_pfns() - charge consecutive pages that were just pinned
 * @acct: the account, or NULL, which charges nothing
 * @pfn: the first page
 * @n: number of pages
 *
 * As ioas_cg_charge_pages(), and much cheaper for long runs.
 *
 * Context: May sleep.  The pages are pinned.
 * Return: 0 or -ENOMEM, as ioas_cg_charge_pages().
 */
int ioas_cg_charge_pfns(struct ioas_cg_account *acct, unsigned long pfn,
			unsigned long n)
{
	struct account_call call;

	if (!acct || !n)
		return 0;
	call_begin(&call, acct);
	return charge_end(&call, n, charge_run(&call, pfn, n));
}
EXPORT_SYMBOL_GPL(ioas_cg_charge_pfns);

/**
 * ioas_cg_uncharge_pages() - uncharge pages that are about to be unpinned
 * @acct: the account they were charged to, or NULL
 * @pages: the pages, in any order and grouping
 * @n: number of pages
 *
 * Context: May sleep.  The pages are still pinned.
 */
void ioas_cg_uncharge_pages(struct ioas_cg_account *acct, struct page **pages,
			    unsigned long n)
{
	struct account_call call;

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
	struct account_call call;

	if (!acct || !n)
		return;
	call_begin(&call, acct);
	uncharge_run(&call, pfn, n);
	uncharge_end(&call);
}
EXPORT_SYMBOL_GPL(ioas_cg_uncharge_pfns);
