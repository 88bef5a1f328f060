// SPDX-License-Identifier: GPL-2.0-only
/*
 * States: who pins a page, and how often.
 *
 * What is charged for a page depends only on which owners pin it.  An owner, or
 * an ancestor of one, is charged when the number of pins that come from its
 * subtree goes from 0 to 1, and uncharged when it goes from 1 to 0.  So the
 * index (index.c) keeps for each page a *state*: the set of its owners, each
 * with a count.  Few different states exist at a time, and millions of pages
 * share them.
 *
 * The shape of a state
 * --------------------
 * An owner has a *path*: the numbers of its ancestors below the root and its
 * own, 32 bits each, followed by a 0.  A state is a binary trie over the bits
 * of these paths, with every bit left out at which nothing parts.  Take the
 * owners A, B and C, where A and B are siblings:
 *
 *	      root                        (bit 31: level 1)
 *	     /    \                        /            \
 *	  1: P    2: C            (bit 63: level 2)   (C, 1)
 *	  /  \                     /            \
 *	3: A  4: B             (A, 2)         (B, 1)
 *
 * the cgroups, with numbers     a page that A pins twice, B and C once
 *
 * All owners below one cgroup share the words of its path, so they are one part
 * of the trie, and questions about whole subtrees need no look at the others:
 *
 * - Does anybody below an ancestor of A hold the page?  The first bit at which
 *   the path of A differs from its nearest neighbour in the trie tells, in one
 *   descent: the word in which that bit lies is the number of ancestors (the
 *   root not counted) that hold the page as well.  That is how far up a charge
 *   does *not* reach.
 * - Below which cgroup do all of the owners lie?  The first bit of the trie
 *   tells.
 *
 * No ancestor is stored in a state, and none of its counts: only owners are.
 *
 * Interning
 * ---------
 * The shape depends on the set alone, not on the order in which it came about.
 * So each part is stored once (hash-consed): a table finds an existing entry
 * by (owner, count) and an existing branch by (bit, branch, branch).  Equal
 * sets are equal pointers.  A state with one owner more shares all of the trie
 * but the way from its top to the new entry: for n owners about log2(n) small
 * objects, and never more than there are bits in the path.
 * That bounds what a hostile mix of owners and counts can cost: each pin makes
 * at most that many objects for each page, charged to the memory cgroup of the
 * one who pins.
 *
 * The entry of an owner with count 1, a *single* state, is what most pages are in
 * and every account needs.  It is a part of the owner, and not in the table.
 *
 * The table is an array of red-black trees.  Unlike a hash table, it never has
 * to grow, which could fail, and has no long chains for anybody to aim at.
 *
 * Locking and lifetime
 * --------------------
 * States are immutable, and reference counted.  A branch holds its parts, an entry
 * in the table holds its owner; a reference to a single state is one to its owner.
 * A lock in each slot of the table protects the slot's tree.  The last reference
 * to a state is dropped under it, so whoever finds a state under the lock may
 * take one.  Only one of the locks is held at a time, and nothing is allocated or
 * freed under it.
 */

#include <linux/hash.h>
#include <linux/slab.h>

#include "fault.h"
#include "owner.h"
#include "state.h"

static struct kmem_cache *ioas_state_cache;

void __init ioas_state_cache_init(void)
{
	ioas_state_cache = KMEM_CACHE(ioas_state, SLAB_ACCOUNT | SLAB_PANIC);
}

/* ---- paths ---- */

static u32 path_word(const struct ioas_owner *owner, unsigned int word)
{
	return word < owner->level ? owner->path[word] : 0;
}

static unsigned int path_bit(const struct ioas_owner *owner, u32 bit)
{
	return (path_word(owner, bit / 32) >> (31 - bit % 32)) & 1;
}

/* The first bit at which two paths differ; IOAS_STATE_ENTRY if none. */
static u32 path_diff(const struct ioas_owner *a, const struct ioas_owner *b)
{
	unsigned int word;
	u32 diff;

	if (a == b)
		return IOAS_STATE_ENTRY;
	for (word = 0; ; word++) {
		diff = path_word(a, word) ^ path_word(b, word);
		if (diff)
			return word * 32 + 32 - fls(diff);
	}
}

/* ---- the table ---- */

static struct ioas_state_slot *state_slot(struct ioas_ledger *ledger,
					  const struct ioas_state *key)
{
	unsigned long hash = hash_long((unsigned long)key->branch[0], 32) +
			     hash_long((unsigned long)key->branch[1], 32) * 3 +
			     key->bit;

	return &ledger->states[hash_long(hash, ilog2(IOAS_STATE_SLOTS))];
}

static int state_cmp(const struct ioas_state *a, const struct ioas_state *b)
{
	if (a->bit != b->bit)
		return a->bit < b->bit ? -1 : 1;
	if (a->branch[0] != b->branch[0])
		return a->branch[0] < b->branch[0] ? -1 : 1;
	if (a->branch[1] != b->branch[1])
		return a->branch[1] < b->branch[1] ? -1 : 1;
	return 0;
}

/*
 * Find the state that equals @key and take a reference.  Where there is none,
 * and @fresh is given, make @fresh the one.
 */
static struct ioas_state *table_find(struct ioas_state_slot *slot,
				     const struct ioas_state *key,
				     struct ioas_state *fresh)
{
	struct rb_node **link = &slot->root.rb_node, *parent = NULL;
	struct ioas_state *state;
	int cmp;

	lockdep_assert_held(&slot->lock);
	while (*link) {
		parent = *link;
		state = rb_entry(parent, struct ioas_state, rb);
		cmp = state_cmp(key, state);
		if (!cmp) {
			refcount_inc(&state->refs);
			return state;
		}
		link = cmp < 0 ? &parent->rb_left : &parent->rb_right;
	}
	if (fresh) {
		rb_link_node(&fresh->rb, parent, link);
		rb_insert_color(&fresh->rb, &slot->root);
	}
	return fresh;
}

/* The parts of a new state are held by it from now on. */
static void state_hold_parts(struct ioas_state *state)
{
	if (state->bit == IOAS_STATE_ENTRY) {
		ioas_owner_get(state->owner);
	} else {
		ioas_state_get(state->branch[0]);
		ioas_state_get(state->branch[1]);
	}
}

/*
 * The one state with this content, with a reference; NULL if there is no
 * memory.  The caller holds the parts.
 */
static struct ioas_state *state_intern(struct ioas_ledger *ledger,
				       const struct ioas_state *key, gfp_t gfp)
{
	struct ioas_state_slot *slot = state_slot(ledger, key);
	struct ioas_state *state, *fresh;

	spin_lock(&slot->lock);
	state = table_find(slot, key, NULL);
	spin_unlock(&slot->lock);
	if (state)
		return state;

	if (!ioas_may_alloc(gfp))
		return NULL;
	fresh = kmem_cache_alloc(ioas_state_cache, gfp);
	if (!fresh)
		return NULL;
	fresh->bit = key->bit;
	fresh->branch[0] = key->branch[0];
	fresh->branch[1] = key->branch[1];
	refcount_set(&fresh->refs, 1);
	state_hold_parts(fresh);
	atomic_long_inc(&ledger->nr_states);

	spin_lock(&slot->lock);
	state = table_find(slot, key, fresh);
	spin_unlock(&slot->lock);
	if (state != fresh) {
		/* Somebody else was first: fresh never was in the table. */
		if (fresh->bit == IOAS_STATE_ENTRY) {
			ioas_owner_put(fresh->owner);
		} else {
			ioas_state_put(ledger, fresh->branch[0]);
			ioas_state_put(ledger, fresh->branch[1]);
		}
		kmem_cache_free(ioas_state_cache, fresh);
		atomic_long_dec(&ledger->nr_states);
	}
	return state;
}

static struct ioas_state *intern_entry(struct ioas_owner *owner,
				       unsigned long count, gfp_t gfp)
{
	struct ioas_state key = {
		.bit = IOAS_STATE_ENTRY,
		.owner = owner,
		.count = count,
	};

	if (count == 1) {
		ioas_owner_get(owner);
		return &owner->state;
	}
	return state_intern(owner->ledger, &key, gfp);
}

/* A branch at @bit of which @owner's side is @mine. */
static struct ioas_state *intern_branch(struct ioas_owner *owner, u32 bit,
					struct ioas_state *mine,
					struct ioas_state *other, gfp_t gfp)
{
	unsigned int side = path_bit(owner, bit);
	struct ioas_state key = { .bit = bit };

	key.branch[side] = mine;
	key.branch[!side] = other;
	return state_intern(owner->ledger, &key, gfp);
}

/**
 * ioas_state_get() - take a reference
 * @state: a state that the caller holds, not NULL
 */
void ioas_state_get(struct ioas_state *state)
{
	if (ioas_state_is_single(state))
		ioas_owner_get(state->owner);
	else
		refcount_inc(&state->refs);
}

/*
 * Drop a reference; true if it was the last, and @state left the table.  May sleep:
 * a single state may go with its owner.
 */
static bool state_drop(struct ioas_ledger *ledger, struct ioas_state *state)
{
	struct ioas_state_slot *slot;
	bool last;

	if (ioas_state_is_single(state)) {
		ioas_owner_put(state->owner);
		return false;
	}
	if (refcount_dec_not_one(&state->refs))
		return false;
	slot = state_slot(ledger, state);
	spin_lock(&slot->lock);
	last = refcount_dec_and_test(&state->refs);
	if (last)
		rb_erase(&state->rb, &slot->root);
	spin_unlock(&slot->lock);
	return last;
}

/**
 * ioas_state_put() - drop a reference
 * @ledger: the ledger
 * @state: the state, or NULL
 *
 * Context: May sleep.
 */
void ioas_state_put(struct ioas_ledger *ledger, struct ioas_state *state)
{
	struct ioas_state *dead = NULL;
	int i;

	if (!state || !state_drop(ledger, state))
		return;
	/* The dead are a stack through rb_left, so deep tries do not recurse. */
	state->rb.rb_left = NULL;
	dead = state;
	while ((state = dead)) {
		dead = rb_entry_safe(state->rb.rb_left, struct ioas_state, rb);
		if (state->bit == IOAS_STATE_ENTRY) {
			ioas_owner_put(state->owner);
		} else {
			for (i = 0; i < 2; i++) {
				struct ioas_state *part = state->branch[i];

				if (!state_drop(ledger, part))
					continue;
				part->rb.rb_left = dead ? &dead->rb : NULL;
				dead = part;
			}
		}
		kmem_cache_free(ioas_state_cache, state);
		atomic_long_dec(&ledger->nr_states);
	}
}

/* ---- the trie ---- */

/* The entry at the end of the way that the bits of @owner's path describe. */
static struct ioas_state *state_descend(struct ioas_state *state,
					struct ioas_owner *owner)
{
	while (state->bit != IOAS_STATE_ENTRY)
		state = state->branch[path_bit(owner, state->bit)];
	return state;
}

/*
 * The branch above @bit on the way that @owner's path describes, NULL if @bit
 * is at or above the top.  Walking down again for each level costs the square
 * of the depth, but the depth is the logarithm of the number of owners, and
 * the way needs no storage.
 */
static struct ioas_state *state_above(struct ioas_state *state,
				      struct ioas_owner *owner, u32 bit)
{
	struct ioas_state *above = NULL;

	while (state->bit < bit) {
		above = state;
		state = state->branch[path_bit(owner, state->bit)];
	}
	return above;
}

/*
 * Replace, in @state, what lies below @bit on @owner's way by @part, and return
 * the new whole.  Consumes the reference to @part; NULL if there is no memory.
 */
static struct ioas_state *state_replace(struct ioas_state *state,
					struct ioas_owner *owner, u32 bit,
					struct ioas_state *part, gfp_t gfp)
{
	struct ioas_state *above, *whole;

	while (part && (above = state_above(state, owner, bit))) {
		bit = above->bit;
		whole = intern_branch(owner, bit, part,
				      above->branch[!path_bit(owner, bit)],
				      gfp);
		ioas_state_put(owner->ledger, part);
		part = whole;
	}
	return part;
}

/* The part of @state that starts at or below @bit on @owner's way. */
static struct ioas_state *state_below(struct ioas_state *state,
				      struct ioas_owner *owner, u32 bit)
{
	while (state->bit < bit)
		state = state->branch[path_bit(owner, state->bit)];
	return state;
}

/* @owner is in no entry of @state: put it beside what differs from @bit on. */
static struct ioas_state *state_insert(struct ioas_state *state,
				       struct ioas_owner *owner, u32 bit,
				       gfp_t gfp)
{
	struct ioas_state *entry, *part;

	entry = intern_entry(owner, 1, gfp);
	if (!entry)
		return NULL;
	part = intern_branch(owner, bit, entry, state_below(state, owner, bit),
			     gfp);
	ioas_state_put(owner->ledger, entry);
	return state_replace(state, owner, bit, part, gfp);
}

/* Give @owner, which has an entry in @state, another count. */
static struct ioas_state *state_set_count(struct ioas_state *state,
					  struct ioas_owner *owner,
					  unsigned long count, gfp_t gfp)
{
	return state_replace(state, owner, IOAS_STATE_ENTRY,
			     intern_entry(owner, count, gfp), gfp);
}

/* Take @owner's entry out of @state, which has others. */
static struct ioas_state *state_delete(struct ioas_state *state,
				       struct ioas_owner *owner, gfp_t gfp)
{
	struct ioas_state *above, *other;

	above = state_above(state, owner, IOAS_STATE_ENTRY);
	other = above->branch[!path_bit(owner, above->bit)];
	ioas_state_get(other);
	return state_replace(state, owner, above->bit, other, gfp);
}

/**
 * ioas_state_count() - how often an owner pins a page
 * @state: the page's state, or NULL
 * @owner: the owner
 */
unsigned long ioas_state_count(struct ioas_state *state,
			       struct ioas_owner *owner)
{
	if (!state)
		return 0;
	state = state_descend(state, owner);
	return state->owner == owner ? state->count : 0;
}

/* ---- steps ---- */

/*
 * Fill in who is affected, given @step->without: that state alone decides it,
 * whether the step is made forwards or backwards.
 */
static void step_find_affected(struct ioas_step *step, struct ioas_owner *owner)
{
	struct ioas_state *without = step->without, *nearest;
	unsigned int common, all;

	step->stop = NULL;
	step->shared = NULL;
	step->shared_stop = NULL;
	if (!without)
		return;

	nearest = state_descend(without, owner);
	common = min(path_diff(owner, nearest->owner) / 32, owner->level);
	step->stop = ioas_owner_ancestor(owner, common);

	all = min(without->bit / 32, nearest->owner->level);
	if (all > common) {
		step->shared = ioas_owner_ancestor(nearest->owner, all);
		step->shared_stop = ioas_owner_ancestor(nearest->owner, common);
	}
}

/**
 * ioas_step_add() - find what follows a state when an owner pins once more
 * @step: filled in
 * @state: the state, or NULL; the reference passes to @step on success
 * @owner: the owner
 * @gfp: for allocations
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int ioas_step_add(struct ioas_step *step, struct ioas_state *state,
		  struct ioas_owner *owner, gfp_t gfp)
{
	struct ioas_state *nearest, *with;

	if (!state) {
		with = intern_entry(owner, 1, gfp);
	} else {
		nearest = state_descend(state, owner);
		if (nearest->owner == owner)
			with = state_set_count(state, owner,
					       nearest->count + 1, gfp);
		else
			with = state_insert(state, owner,
					    path_diff(owner, nearest->owner),
					    gfp);
	}
	if (!with)
		return -ENOMEM;
	step->without = state;
	step->with = with;
	step_find_affected(step, owner);
	return 0;
}

/**
 * ioas_step_sub() - find what follows a state when an owner pins once less
 * @step: filled in
 * @state: the state; the reference passes to @step on success
 * @owner: the owner
 * @gfp: for allocations
 *
 * Context: May sleep.
 * Return: 0, -ENOMEM, or -ENOENT if @owner has no pin in @state.
 */
int ioas_step_sub(struct ioas_step *step, struct ioas_state *state,
		  struct ioas_owner *owner, gfp_t gfp)
{
	unsigned long count = ioas_state_count(state, owner);
	struct ioas_state *without;

	if (!count)
		return -ENOENT;
	if (count > 1)
		without = state_set_count(state, owner, count - 1, gfp);
	else if (state->bit == IOAS_STATE_ENTRY)
		without = NULL;
	else
		without = state_delete(state, owner, gfp);
	if (!without && (count > 1 || state->bit != IOAS_STATE_ENTRY))
		return -ENOMEM;
	step->with = state;
	step->without = without;
	step_find_affected(step, owner);
	return 0;
}

/**
 * ioas_step_put() - drop the references of a step
 * @step: the step, or one that was never filled in but zeroed
 * @ledger: the ledger
 *
 * Context: May sleep.
 */
void ioas_step_put(struct ioas_step *step, struct ioas_ledger *ledger)
{
	ioas_state_put(ledger, step->with);
	ioas_state_put(ledger, step->without);
	memset(step, 0, sizeof(*step));
}
