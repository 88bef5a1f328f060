/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Owners and ledgers: what pinned pages are counted on.  See owner.c.
 */
#ifndef _CGROUP_IOAS_OWNER_H
#define _CGROUP_IOAS_OWNER_H

#include <linux/atomic.h>
#include <linux/idr.h>
#include <linux/ioas_cgroup.h>
#include <linux/kasan.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "state.h"

struct cgroup_subsys_state;
struct bpf_link;
struct ioas_block;
struct ioas_cgroup_ops;
struct ioas_owner;
struct mem_cgroup;

/* A limit that is not set.  Limits and counters are in pages. */
#if BITS_PER_LONG == 32
#define IOAS_PAGES_MAX	((unsigned long)LONG_MAX)
#else
#define IOAS_PAGES_MAX	((unsigned long)(LONG_MAX / PAGE_SIZE))
#endif

/* A limit of PASIDs that is not set. */
#define IOAS_PASIDS_MAX		((unsigned long)LONG_MAX)

/* Empty blocks that a ledger keeps.  See index.c. */
#define IOAS_PARKS	16

#define IOAS_STATE_SLOTS	256

/**
 * struct ioas_state_slot - one part of the table of interned states
 * @lock: protects @root, and the last put of a state in it
 * @root: the states whose hash selects this slot, ordered by content
 */
struct ioas_state_slot {
	spinlock_t lock;	/* see above */
	struct rb_root root;
};

/**
 * struct ioas_park - where one empty block is kept
 * @lock: protects @block; a block is freed under the lock of its park
 * @block: a block that was empty when it was put here, or NULL
 */
struct ioas_park {
	spinlock_t lock;	/* see above */
	struct ioas_block *block;
};

/**
 * struct ioas_gross - pins by the accounts of one owner, on one CPU
 * @pages: by kind; a page pinned k times counts k times
 */
struct ioas_gross {
	long pages[IOAS_CG_NR_KINDS];
};

enum ioas_event {
	IOAS_EVENT_MAX,		/* a charge was refused */
	IOAS_EVENT_HIGH,	/* usage went from at most high to above it */
	IOAS_EVENT_POLICY,	/* a policy refused a charge */
	IOAS_NR_PINNED_EVENTS,
	/* A PASID was refused, by scope. */
	IOAS_EVENT_PASID_MAX = IOAS_NR_PINNED_EVENTS,
	/* The same, by a policy. */
	IOAS_EVENT_PASID_POLICY = IOAS_EVENT_PASID_MAX + IOAS_CG_NR_PASID_SCOPES,
	IOAS_NR_EVENTS
};

/**
 * struct ioas_pasids - PASIDs of one scope that an owner and its descendants hold
 * @usage: how many
 * @max: charges above this fail
 * @peak: highest @usage
 */
struct ioas_pasids {
	unsigned long usage;
	unsigned long max;
	unsigned long peak;
};

/* What limits the pins of an owner's tasks. */
enum ioas_memlock {
	IOAS_MEMLOCK_RLIMIT,	/* RLIMIT_MEMLOCK too, as ever */
	IOAS_MEMLOCK_CGROUP,	/* the controller alone, as an administrator said */
	IOAS_MEMLOCK_PARENT,	/* the same as in the parent */
};

/**
 * struct ioas_ledger - one tree of owners and the pages that they pin
 * @blocks: the index over page frame numbers, see index.c
 * @parks: empty blocks that are kept
 * @states: the interned states, see state.c
 * @nr_states: number of states that exist, for tests
 * @tree: held by who changes the children lists of all owners; those who walk them
 *	hold it, or are under RCU
 * @ids: numbers of owners, see &struct ioas_owner.path
 * @pasid_lock: protects all numbers of PASIDs, see pasid.c
 * @notify: called after an event was counted on an owner and its ancestors;
 *	may be NULL.  Any context; locks of the object that pins may be held, up
 *	to mmap_lock, and those of who gives out PASIDs, so it must not sleep.
 *
 * The kernel has one ledger.  Tests and benchmarks make their own.
 */
struct ioas_ledger {
	struct xarray blocks;
	struct ioas_park parks[IOAS_PARKS];
	struct ioas_state_slot states[IOAS_STATE_SLOTS];
	atomic_long_t nr_states;
	struct mutex tree;	/* see above */
	struct ida ids;
	spinlock_t pasid_lock;	/* see above */
	void (*notify)(struct ioas_owner *owner, enum ioas_event event);
};

/**
 * struct ioas_owner - a node of the tree that is charged: one per cgroup
 * @ledger: the ledger that it belongs to
 * @parent: holds a reference; NULL in the root
 * @level: number of ancestors
 * @cgroup_id: id of the cgroup, to report it by
 * @css: the cgroup's css until it is released; RCU
 * @state: "pinned by this owner, once"; not in the table of states
 * @single: the step from nobody to @state
 * @children: list of &ioas_owner.sibling; see &ioas_ledger.tree
 * @sibling: in the list of the parent
 * @rcu: frees it after those who walk the tree
 * @refs: held by the css, accounts, PASIDs (by all of them one), states, children
 *	and, as references to @state, by calls under way
 * @put_work: for ioas_owner_put_atomic()
 * @pasids: by scope; protected by &ioas_ledger.pasid_lock
 * @pasids_held: charges of this owner alone, of all scopes; the same
 * @gross: pins by this owner alone, its descendants not included
 * @accounts: of this owner alone, from the oldest on: &struct ioas_account_item
 * @nr_accounts: number of @accounts
 * @accounts_lock: protects @accounts and what is said of them here
 * @policy: asked about charges, or NULL; RCU, see policy.c
 * @policy_link: what it is attached by
 * @policy_work: detaches that when the cgroup goes
 * @no_policy: none can be attached any more, as the cgroup goes
 * @retired: the cgroup has gone, or goes
 * @events: events of this owner and of its descendants
 * @events_local: events of this owner alone
 * @memlock: for accounts that are made from now on; an &enum ioas_memlock
 * @spare_account: memory of an account that ended, for the next one, or NULL;
 *	see ioas_owner_keep()
 * @spare_leaf: the same, of a leaf of the form %IOAS_LEAF_TWO
 * @max: charges above this fail
 * @high: charges above this count an event
 * @usage: distinct pages pinned by this owner and its descendants
 * @shared: those of them that owners outside of this subtree pin too
 * @peak: highest @usage
 * @local_peak: highest @usage since the last reset by a reader
 * @high_crossed: @usage crossed @high, and the call that did it is not over
 * @path: numbers of the ancestors from level 1 down to the owner itself
 *
 * A number is never 0, and unique in the ledger.
 */
struct ioas_owner {
	struct ioas_ledger *ledger;
	unsigned int level;
	u64 cgroup_id;
	struct cgroup_subsys_state __rcu *css;
	struct ioas_state state;
	struct ioas_step single;
	struct list_head children;
	struct list_head sibling;
	struct rcu_head rcu;
	refcount_t refs;
	struct work_struct put_work;
	struct ioas_pasids pasids[IOAS_CG_NR_PASID_SCOPES];
	unsigned long pasids_held;
	struct ioas_gross __percpu *gross;
	struct list_head accounts;
	unsigned long nr_accounts;
	spinlock_t accounts_lock;	/* see above */
	bool retired;
#ifdef CONFIG_CGROUP_IOAS_BPF
	struct bpf_link *policy_link;
	struct work_struct policy_work;
	bool no_policy;
#endif
	atomic64_t events[IOAS_NR_EVENTS];
	atomic64_t events_local[IOAS_NR_EVENTS];
	unsigned int memlock;
	void *spare_account;
	void *spare_leaf;

	/* What every charge reads and writes, on one cache line. */
	struct ioas_owner *parent ____cacheline_aligned_in_smp;
#ifdef CONFIG_CGROUP_IOAS_BPF
	struct ioas_cgroup_ops __rcu *policy;
#endif
	unsigned long max;
	unsigned long high;
	atomic_long_t usage;
	atomic_long_t shared;
	unsigned long peak;
	unsigned long local_peak;
	unsigned int high_crossed;

	u32 path[] __counted_by(level);
};

/**
 * struct ioas_owner_stat - sums over an owner and its descendants
 * @unique: distinct pages pinned
 * @shared: distinct pages that are pinned from outside too
 * @gross: pins by kind
 * @accounts: number of accounts
 */
struct ioas_owner_stat {
	unsigned long unique;
	unsigned long shared;
	unsigned long gross[IOAS_CG_NR_KINDS];
	unsigned long accounts;
};

/* See controller.c. */
struct ioas_owner *ioas_root_owner(void);

void ioas_ledger_init(struct ioas_ledger *ledger);
void ioas_ledger_destroy(struct ioas_ledger *ledger);

struct ioas_owner *ioas_owner_create(struct ioas_ledger *ledger,
				     struct ioas_owner *parent, gfp_t gfp);
void ioas_owner_get(struct ioas_owner *owner);
void ioas_owner_put(struct ioas_owner *owner);
void ioas_owner_put_atomic(struct ioas_owner *owner);
void ioas_owner_retire(struct ioas_owner *owner);

struct ioas_owner *ioas_owner_next(struct ioas_owner *owner,
				   struct ioas_owner *root);
struct ioas_owner *ioas_owner_ancestor(struct ioas_owner *owner,
				       unsigned int level);
void ioas_owner_add_shared(struct ioas_owner *owner, struct ioas_owner *stop,
			   long nr);
void ioas_owner_count_event(struct ioas_owner *owner, enum ioas_event event);
void ioas_owner_passed_marks(struct ioas_owner *owner);
void ioas_owner_forget_marks(struct ioas_owner *owner);
void ioas_owner_sum(struct ioas_owner *owner, struct ioas_owner_stat *stat);
bool ioas_owner_memlock_exempt(const struct ioas_owner *owner);
bool ioas_owner_is_paid_by(void *memory, struct mem_cgroup *memcg);

/* What every charge and uncharge goes through is inline. */

/**
 * ioas_owner_take() - take the memory that an owner keeps
 * @kept: &ioas_owner.spare_account or &ioas_owner.spare_leaf
 * @size: of what is kept there
 *
 * Context: Any.
 * Return: the memory, with anything in it, or NULL.
 */
static inline void *ioas_owner_take(void **kept, size_t size)
{
	void *memory;

	if (!READ_ONCE(*kept))
		return NULL;
	memory = xchg(kept, NULL);
	if (memory)
		kasan_mempool_unpoison_object(memory, size);
	return memory;
}

/**
 * ioas_owner_keep() - let an owner keep memory that is no longer used
 * @kept: &ioas_owner.spare_account or &ioas_owner.spare_leaf
 * @memory: from a slab
 * @size: of @memory
 *
 * KASAN takes it for freed.
 *
 * Context: Any.
 * Return: whether it is kept.  If not, the caller frees it.
 */
static inline bool ioas_owner_keep(void **kept, void *memory, size_t size)
{
	if (READ_ONCE(*kept))
		return false;
	/* It cannot even be freed. */
	if (!kasan_mempool_poison_object(memory))
		return true;
	if (!cmpxchg(kept, NULL, memory))
		return true;
	kasan_mempool_unpoison_object(memory, size);
	return false;
}

/**
 * ioas_owner_uncharge() - take pages off an owner and its ancestors
 * @owner: the first to be uncharged
 * @stop: the first ancestor that is not, or NULL
 * @nr: number of pages
 */
static inline void ioas_owner_uncharge(struct ioas_owner *owner,
				       struct ioas_owner *stop,
				       unsigned long nr)
{
	for (; owner != stop; owner = owner->parent)
		WARN_ON_ONCE(atomic_long_sub_return(nr, &owner->usage) < 0);
}

/**
 * ioas_owner_try_charge() - add pages to an owner and its ancestors
 * @owner: the first to be charged
 * @stop: the first ancestor that is not, or NULL
 * @nr: number of pages
 * @marked: set to true if a peak or high mark was passed, for
 *	ioas_owner_passed_marks() or, if all of this is undone,
 *	ioas_owner_forget_marks(); not written otherwise
 *
 * A charge that is under way while a limit is lowered may still see the limit
 * from before.
 *
 * Return: NULL, or the owner whose limit would be passed, and then nothing was
 * charged.
 */
static inline struct ioas_owner *
ioas_owner_try_charge(struct ioas_owner *owner, struct ioas_owner *stop,
		      unsigned long nr, bool *marked)
{
	unsigned long usage, high;
	struct ioas_owner *o;

	for (o = owner; o != stop; o = o->parent) {
		usage = atomic_long_add_return(nr, &o->usage);
		if (unlikely(usage > READ_ONCE(o->max))) {
			atomic_long_sub(nr, &o->usage);
			ioas_owner_uncharge(owner, o, nr);
			return o;
		}
		if (unlikely(usage > READ_ONCE(o->local_peak)))
			*marked = true;
		high = READ_ONCE(o->high);
		if (unlikely(usage > high && usage - nr <= high)) {
			WRITE_ONCE(o->high_crossed, 1);
			*marked = true;
		}
	}
	return NULL;
}

#endif /* _CGROUP_IOAS_OWNER_H */
