// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners: the tree of counters that pinned pages and PASIDs are charged to.
 *
 * There is one owner for each cgroup.  It is a small object of its own and not
 * a part of the css, because it must outlive it: pins do not keep a cgroup
 * from being removed.  Removal only retires the owner, that is, lifts its
 * limits and stops showing its numbers.  What it pins stays counted where it
 * was, and since every ancestor counts those pages already, nothing moves.
 * The owner goes with its last reference: the css, the accounts, the states that
 * name it (state.c) and its children each hold one, and its PASIDs together another.
 *
 * A charge of pages touches the owner and its ancestors only as far up as the
 * pages are new to them; index.c and state.c find out how far that is.  The walk
 * itself is in owner.h: it adds to each counter on the way, and takes everything
 * back when one of them would pass its limit.  PASIDs are charged all the way up,
 * see pasid.c.
 *
 * Locking: counters are atomics.  Of two charges that race for the last pages
 * below a limit at most one succeeds; both may be refused if the first is
 * seen by the second before it is taken back.  The tree of owners is changed under
 * &ioas_ledger.tree, and walked downwards under that or RCU, by those who show what
 * is in it.
 */

#include <linux/memcontrol.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include "account.h"
#include "index.h"
#include "owner.h"
#include "policy.h"

/**
 * ioas_ledger_init() - make an empty ledger
 * @ledger: zeroed memory
 */
void ioas_ledger_init(struct ioas_ledger *ledger)
{
	int i;

	xa_init_flags(&ledger->blocks, XA_FLAGS_ACCOUNT);
	for (i = 0; i < IOAS_PARKS; i++)
		spin_lock_init(&ledger->parks[i].lock);
	for (i = 0; i < IOAS_STATE_SLOTS; i++) {
		spin_lock_init(&ledger->states[i].lock);
		ledger->states[i].root = RB_ROOT;
	}
	mutex_init(&ledger->tree);
	ida_init(&ledger->ids);
	spin_lock_init(&ledger->pasid_lock);
}

/**
 * ioas_ledger_destroy() - end a ledger whose owners are all gone
 * @ledger: the ledger
 */
void ioas_ledger_destroy(struct ioas_ledger *ledger)
{
	ioas_index_trim(ledger);
	WARN_ON_ONCE(!xa_empty(&ledger->blocks));
	WARN_ON_ONCE(atomic_long_read(&ledger->nr_states));
	xa_destroy(&ledger->blocks);
	ida_destroy(&ledger->ids);
}

static void ioas_owner_put_work(struct work_struct *work);

/**
 * ioas_owner_create() - add an owner to the tree
 * @ledger: the ledger
 * @parent: its parent, or NULL for the root
 * @gfp: for the allocations
 *
 * Context: May sleep.
 * Return: the owner with one reference, or ERR_PTR(-ENOMEM or -ENOSPC).
 */
struct ioas_owner *ioas_owner_create(struct ioas_ledger *ledger,
				     struct ioas_owner *parent, gfp_t gfp)
{
	unsigned int level = parent ? parent->level + 1 : 0;
	struct ioas_owner *owner;
	int id, i;

	owner = kzalloc(struct_size(owner, path, level), gfp);
	if (!owner)
		return ERR_PTR(-ENOMEM);
	owner->level = level;
	owner->gross = alloc_percpu_gfp(struct ioas_gross, gfp);
	if (!owner->gross) {
		kfree(owner);
		return ERR_PTR(-ENOMEM);
	}
	if (parent) {
		id = ida_alloc_min(&ledger->ids, 1, gfp);
		if (id < 0) {
			free_percpu(owner->gross);
			kfree(owner);
			return ERR_PTR(id);
		}
		memcpy(owner->path, parent->path,
		       parent->level * sizeof(owner->path[0]));
		owner->path[level - 1] = id;
		ioas_owner_get(parent);
		if (ioas_owner_memlock_exempt(parent))
			owner->memlock = IOAS_MEMLOCK_PARENT;
	}
	owner->ledger = ledger;
	owner->parent = parent;
	refcount_set(&owner->refs, 1);
	INIT_WORK(&owner->put_work, ioas_owner_put_work);
	ioas_policy_init_owner(owner);
	for (i = 0; i < IOAS_CG_NR_PASID_SCOPES; i++)
		owner->pasids[i].max = IOAS_PASIDS_MAX;
	owner->state.bit = IOAS_STATE_ENTRY;
	owner->state.owner = owner;
	owner->state.count = 1;
	owner->single.with = &owner->state;
	owner->max = IOAS_PAGES_MAX;
	owner->high = IOAS_PAGES_MAX;
	INIT_LIST_HEAD(&owner->children);
	INIT_LIST_HEAD(&owner->sibling);
	INIT_LIST_HEAD(&owner->accounts);
	spin_lock_init(&owner->accounts_lock);
	if (parent) {
		mutex_lock(&ledger->tree);
		list_add_tail_rcu(&owner->sibling, &parent->children);
		mutex_unlock(&ledger->tree);
	}
	return owner;
}

/**
 * ioas_owner_get() - take a reference
 * @owner: the owner
 */
void ioas_owner_get(struct ioas_owner *owner)
{
	refcount_inc(&owner->refs);
}

static void ioas_owner_free_rcu(struct rcu_head *rcu)
{
	struct ioas_owner *owner = container_of(rcu, struct ioas_owner, rcu);

	free_percpu(owner->gross);
	kfree(owner);
}

static void ioas_owner_free(struct ioas_owner *owner)
{
	struct ioas_ledger *ledger = owner->ledger;
	int i;

	WARN_ON_ONCE(atomic_long_read(&owner->usage));
	for (i = 0; i < IOAS_CG_NR_PASID_SCOPES; i++)
		WARN_ON_ONCE(owner->pasids[i].usage);
	if (owner->parent) {
		mutex_lock(&ledger->tree);
		list_del_rcu(&owner->sibling);
		mutex_unlock(&ledger->tree);
		ida_free(&ledger->ids, owner->path[owner->level - 1]);
	}
	ioas_index_forget_owner(owner);
	ioas_account_forget_owner(owner);
	call_rcu(&owner->rcu, ioas_owner_free_rcu);
}

/**
 * ioas_owner_put() - drop a reference
 * @owner: the owner; it and each ancestor that it was the last to hold go away
 *
 * Context: May sleep.
 */
void ioas_owner_put(struct ioas_owner *owner)
{
	struct ioas_owner *parent;

	might_sleep();
	while (owner && refcount_dec_and_test(&owner->refs)) {
		parent = owner->parent;
		ioas_owner_free(owner);
		owner = parent;
	}
}

static void ioas_owner_put_work(struct work_struct *work)
{
	struct ioas_owner *owner = container_of(work, struct ioas_owner,
						put_work);
	struct ioas_owner *parent = owner->parent;

	ioas_owner_free(owner);
	ioas_owner_put(parent);
}

/**
 * ioas_owner_put_atomic() - drop a reference where sleeping is not allowed
 * @owner: the owner; it goes away a bit later if that was the last one
 *
 * Context: Any.
 */
void ioas_owner_put_atomic(struct ioas_owner *owner)
{
	if (refcount_dec_and_test(&owner->refs))
		schedule_work(&owner->put_work);
}

/**
 * ioas_owner_retire() - the cgroup of an owner goes
 * @owner: the owner
 *
 * Its pins and PASIDs stay, but from now on they are limited by its ancestors
 * alone.
 */
void ioas_owner_retire(struct ioas_owner *owner)
{
	int i;

	WRITE_ONCE(owner->retired, true);
	for (i = 0; i < IOAS_CG_NR_PASID_SCOPES; i++)
		WRITE_ONCE(owner->pasids[i].max, IOAS_PASIDS_MAX);
	WRITE_ONCE(owner->max, IOAS_PAGES_MAX);
	WRITE_ONCE(owner->high, IOAS_PAGES_MAX);
}

/**
 * ioas_owner_ancestor() - the ancestor at a level
 * @owner: the owner
 * @level: at most the level of @owner, which gives @owner itself
 */
struct ioas_owner *ioas_owner_ancestor(struct ioas_owner *owner,
				       unsigned int level)
{
	while (owner->level > level)
		owner = owner->parent;
	return owner;
}

/**
 * ioas_owner_add_shared() - pages became shared, or ceased to be
 * @owner: the first for which they did
 * @stop: the first ancestor for which they did not
 * @nr: number of pages, negative where they ceased to be shared
 */
void ioas_owner_add_shared(struct ioas_owner *owner, struct ioas_owner *stop,
			   long nr)
{
	for (; owner != stop; owner = owner->parent)
		atomic_long_add(nr, &owner->shared);
}

/**
 * ioas_owner_count_event() - count an event on an owner and its ancestors
 * @owner: where it happened
 * @event: what happened
 *
 * Context: Any.
 */
void ioas_owner_count_event(struct ioas_owner *owner, enum ioas_event event)
{
	struct ioas_owner *o;

	atomic64_inc(&owner->events_local[event]);
	for (o = owner; o; o = o->parent)
		atomic64_inc(&o->events[event]);
	if (owner->ledger->notify)
		owner->ledger->notify(owner, event);
}

/*
 * Intended races: of two that write, the lower may win.  Who shows a peak takes the
 * current usage into account, so it is never seen below that.  And the usage may
 * have pages of a call that is about to be refused.
 */
static void ioas_owner_update_peak(struct ioas_owner *owner)
{
	unsigned long usage = atomic_long_read(&owner->usage);

	if (usage > READ_ONCE(owner->local_peak))
		WRITE_ONCE(owner->local_peak, usage);
	if (usage > READ_ONCE(owner->peak))
		WRITE_ONCE(owner->peak, usage);
}

/**
 * ioas_owner_passed_marks() - a call that passed marks succeeded
 * @owner: the owner that was charged
 *
 * Note new peaks, and count the events of high marks that were crossed, here and in
 * the ancestors.  This is done at the end of a call, as what a call does before
 * it is refused is not to be seen.
 *
 * Intended race: a crossing is noted on the owner, not with the call that made it.
 * Of calls that cross the same mark in both directions at the same moment, one
 * may count the event of another that is then refused, or drop it with its own.
 *
 * Context: May sleep.  Locks of the object that pins may be held.
 */
void ioas_owner_passed_marks(struct ioas_owner *owner)
{
	for (; owner; owner = owner->parent) {
		ioas_owner_update_peak(owner);
		if (READ_ONCE(owner->high_crossed) &&
		    xchg(&owner->high_crossed, 0))
			ioas_owner_count_event(owner, IOAS_EVENT_HIGH);
	}
}

/**
 * ioas_owner_forget_marks() - a call that passed marks was undone
 * @owner: the owner that was charged
 *
 * A high mark that the usage is still above was crossed by others too, which came
 * later and do not know it.  As to races, see ioas_owner_passed_marks().
 *
 * Context: May sleep.  Locks of the object that pins may be held.
 */
void ioas_owner_forget_marks(struct ioas_owner *owner)
{
	for (; owner; owner = owner->parent)
		if (READ_ONCE(owner->high_crossed) &&
		    xchg(&owner->high_crossed, 0) &&
		    atomic_long_read(&owner->usage) > READ_ONCE(owner->high))
			ioas_owner_count_event(owner, IOAS_EVENT_HIGH);
}

static void ioas_owner_sum_one(struct ioas_owner *owner,
			       struct ioas_owner_stat *stat)
{
	int cpu, kind;

	stat->accounts += READ_ONCE(owner->nr_accounts);
	for_each_possible_cpu(cpu) {
		struct ioas_gross *gross = per_cpu_ptr(owner->gross, cpu);

		for (kind = 0; kind < IOAS_CG_NR_KINDS; kind++) {
			/* data_race: exact once no charge is in flight */
			stat->gross[kind] += data_race(gross->pages[kind]);
		}
	}
}

/**
 * ioas_owner_next() - the next owner of a subtree
 * @owner: one of them
 * @root: the first of them
 *
 * In pre-order.  Who is left out or shown, of those that come or go meanwhile, does not
 * matter: they hold nothing.  One that goes still leads on to others, as its parent goes
 * after it.
 *
 * Context: RCU or &ioas_ledger.tree.
 * Return: the owner, or NULL.
 */
struct ioas_owner *ioas_owner_next(struct ioas_owner *owner,
				   struct ioas_owner *root)
{
	struct ioas_owner *next;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held() &&
			 !lockdep_is_held(&root->ledger->tree),
			 "the tree of owners is not held");
	next = list_first_or_null_rcu(&owner->children, struct ioas_owner,
				      sibling);
	while (!next && owner != root) {
		next = list_next_or_null_rcu(&owner->parent->children,
					     &owner->sibling,
					     struct ioas_owner, sibling);
		owner = owner->parent;
	}
	return next;
}

/**
 * ioas_owner_sum() - what an owner and all its descendants hold
 * @owner: the owner
 * @stat: filled in
 *
 * Context: Any.
 */
void ioas_owner_sum(struct ioas_owner *owner, struct ioas_owner_stat *stat)
{
	struct ioas_owner *o;
	int kind;

	memset(stat, 0, sizeof(*stat));
	stat->unique = atomic_long_read(&owner->usage);
	stat->shared = atomic_long_read(&owner->shared);
	rcu_read_lock();
	for (o = owner; o; o = ioas_owner_next(o, owner))
		ioas_owner_sum_one(o, stat);
	rcu_read_unlock();
	/* A task may be seen to unpin on one CPU, and not to have pinned on another. */
	for (kind = 0; kind < IOAS_CG_NR_KINDS; kind++)
		if ((long)stat->gross[kind] < 0)
			stat->gross[kind] = 0;
}

/**
 * ioas_owner_memlock_exempt() - does RLIMIT_MEMLOCK step aside in a cgroup now?
 * @owner: its owner
 *
 * What an administrator allowed in one cgroup holds below it only for as long as it
 * holds there, so that taking it back leaves nothing behind: neither what is made
 * nor what is written below at that moment can escape it.
 *
 * Context: Any.
 */
bool ioas_owner_memlock_exempt(const struct ioas_owner *owner)
{
	unsigned int memlock;

	/* The root has RLIMIT_MEMLOCK. */
	while ((memlock = READ_ONCE(owner->memlock)) == IOAS_MEMLOCK_PARENT)
		owner = owner->parent;
	return memlock == IOAS_MEMLOCK_CGROUP;
}

/**
 * ioas_owner_is_paid_by() - may memory that an owner keeps be used for another?
 * @memory: from a slab, as an owner keeps it for its next account or leaf
 * @memcg: who is to pay for it, or NULL if nobody is
 *
 * Tasks of one owner may be in several memory cgroups.  None of them is to use, and
 * keep, what another one pays for.
 *
 * Context: Any.
 * Return: whether @memcg pays for @memory.
 */
bool ioas_owner_is_paid_by(void *memory, struct mem_cgroup *memcg)
{
	bool paid;

	if (memcg && mem_cgroup_is_root(memcg))
		memcg = NULL;
	rcu_read_lock();
	paid = mem_cgroup_from_slab_obj(memory) == memcg;
	rcu_read_unlock();
	return paid;
}
