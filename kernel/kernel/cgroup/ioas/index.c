// SPDX-License-Identifier: GPL-2.0-only
/*
 * The index: the state of every pinned page.
 *
 * A page is to be charged once to a cgroup however often it is pinned from
 * there, so something has to remember who pins it.  This is a map from page
 * frame numbers to states (state.c), made so that the usual case, long runs of
 * pages in the same state, costs next to nothing:
 *
 *	xarray                                  one entry for 128 MiB
 *	  |
 *	block: 64 slots of one word             one slot for 2 MiB
 *	  |
 *	  +-- empty                             nobody pins any of the 512 pages
 *	  +-- a state                           all 512 pages are in it
 *	  +-- a leaf of form "two"              two states, and a bit for each page
 *	  |                                     that says which (104 bytes)
 *	  +-- a leaf of form "many"             a palette of states, and a 16-bit
 *	                                        number into it for each page
 *
 * A huge page, or any aligned run of 2 MiB, lives in its slot alone: 8.5 bytes
 * of index.  Pages pinned here and there by one owner are bits in a leaf of form
 * "two", whose states are "nobody" and "that owner".  Form "many" is for what is
 * left: parts of the same 2 MiB held by different owners, or different numbers
 * of times.  When all 512 pages are in the same state again, the leaf goes and
 * the state returns to the slot; a leaf "many" does not return to "two", since
 * it would flip between both forms when single pages come and go.
 *
 * Charging
 * --------
 * The pages of a call are taken slot by slot, and in a slot run by run, where a
 * run is a stretch of pages in the same state.  For each run:
 *
 * 1. Find the *step*: the state that follows when the owner pins once more, and
 *    the ancestors for which the page is new.  A page that nobody pins needs
 *    no search: the owner holds the state "pinned by me, once".  Otherwise the
 *    step is worked out once and remembered for the runs to come.
 * 2. Add the length of the run to the counters of those ancestors.  If one of
 *    them would pass its limit, nothing is stored, and the call fails.
 * 3. Store the state that follows.
 *
 * Uncharging is the same step backwards: the counters of the ancestors whose
 * last pin goes are lowered.  A call that failed uncharges what it had charged;
 * pins of the same owner are all alike, so nothing needs to be known about
 * which ones those were.
 *
 * Pages in no order would be many runs of one page, each with a search for its
 * slot, a lock, and a walk over the counters.  So they can be *gathered* first
 * (&struct ioas_gather): for each slot, bits of the pages in it.  Of these pages,
 * those in the same state are moved in one go to the state that follows, with one
 * update of the counters, if both states are in the leaf.  Where they are not,
 * the first page is done as a run of one, which brings them there.
 *
 * Locking
 * -------
 * Bit 0 of a slot is a spinlock for the slot, and for the leaf and the counts in
 * it: a lock for every 2 MiB that takes no memory.  Counters are changed under
 * it, so the state of a page and what is charged for it change together.
 *
 * Nothing is allocated, freed or slept on under the lock.  When a step is not
 * known, or memory for a leaf is needed, the lock is dropped, the step or the
 * memory is put into the op (&struct ioas_op), and the slot is looked at afresh:
 * somebody may have changed it.  The op holds references on both states of its
 * step, and its caller one on the owner.  That has two uses.  Comparing
 * pointers is enough to see that the step fits a run, as a state that is held
 * cannot have gone and come back as another.  And whatever reference a slot
 * drops under the lock is never the last one.
 *
 * A slot or leaf holds references on its states, except on "pinned once by that
 * owner": that one is a part of the owner, which every account holds, and there is
 * an account as long as there are pages.  So the state that is stored most is not
 * counted.
 *
 * Blocks are found and used under RCU, and are not counted either.  Whoever
 * empties a slot, and finds the whole block empty, *parks* it: the ledger keeps
 * a few such blocks, so that a lone buffer that is pinned and unpinned over and
 * over does not make and free its block each time.  The block that was parked in
 * the same place before is *retired*, under the lock of that place: each of its
 * slots is locked and marked dead, and then it leaves the xarray and is freed
 * after a grace period.  If one of them is in use, the marks are taken back.
 * Whoever comes upon a dead slot waits for that lock and looks the block up again.
 *
 * A page here and there, one at a time, would make a leaf and free it each time.  So
 * each owner keeps the memory of one leaf "two" that went, for its next one.
 *
 * Uncharging cannot fail.  It may need a leaf when it takes a hole out of an even
 * slot, or a state that has no page at the moment; such small objects are
 * allocated with __GFP_NOFAIL, which sleeps until there is memory.
 *
 * Order: the caller's locks, then &ioas_ledger.tree, which is taken when an owner
 * goes; &ioas_park.lock, then a slot or the lock of the xarray; with a slot
 * locked, nothing.  The locks of states are taken with none of these held.
 *
 * A slot is locked for %RUNS_AT_ONCE runs at most, or for the pages in one state.
 */

/* bit_spinlock.h does not include what it needs on x86. */
#include <linux/processor.h>
#include <linux/bit_spinlock.h>
#include <linux/bitmap.h>
#include <linux/lockdep.h>
#include <linux/prefetch.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "fault.h"
#include "index.h"
#include "owner.h"

#define LEAF_SHIFT	IOAS_SLOT_SHIFT
#define LEAF_PAGES	((unsigned int)IOAS_SLOT_PAGES)
#define BLOCK_SHIFT	6
#define BLOCK_SLOTS	((unsigned int)BIT(BLOCK_SHIFT))

/* What a slot holds besides a pointer. */
#define SLOT_LOCK_BIT	0
#define RUNS_AT_ONCE	32U
#define SLOT_LEAF	2UL	/* the pointer is a leaf, not a state */
#define SLOT_DEAD	4UL	/* the block is being retired */
#define SLOT_FLAGS	(BIT(SLOT_LOCK_BIT) | SLOT_LEAF | SLOT_DEAD)

#if defined(CONFIG_SMP) || defined(CONFIG_DEBUG_SPINLOCK)
#define SLOT_LOCKED	BIT(SLOT_LOCK_BIT)
#else
#define SLOT_LOCKED	0UL	/* bit spinlocks leave the bit alone */
#endif

#ifdef CONFIG_DEBUG_LOCK_ALLOC
static struct lockdep_map slot_lock_map =
	STATIC_LOCKDEP_MAP_INIT("ioas_slot", &slot_lock_map);
#endif

/**
 * struct ioas_block - the slots of 128 MiB
 * @index: its place in the xarray
 * @rcu: to free it by
 * @slot: see above
 */
struct ioas_block {
	unsigned long index;
	struct rcu_head rcu;
	unsigned long slot[BLOCK_SLOTS];
};

enum ioas_leaf_form {
	IOAS_LEAF_TWO,
	IOAS_LEAF_MANY,
};

/**
 * struct ioas_leaf - 512 pages in more than one state
 * @form: which of the forms below follows
 * @next_dead: in &ioas_op.dead
 */
struct ioas_leaf {
	enum ioas_leaf_form form;
	struct ioas_leaf *next_dead;
} __aligned(8);	/* slots use the lower bits of pointers */

/**
 * struct ioas_leaf_two - a leaf with two states
 * @leaf: the common part
 * @state: both, referenced as by a slot; one of them may be NULL
 * @nr_set: number of pages in @state[1]
 * @set: which pages these are
 */
struct ioas_leaf_two {
	struct ioas_leaf leaf;
	struct ioas_state *state[2];
	unsigned int nr_set;
	DECLARE_BITMAP(set, LEAF_PAGES);
};

/**
 * struct ioas_palette - the states of a leaf with many
 * @size: number of entries, those not in use included
 * @entry: a state and the number of its pages; not in use if that is 0
 */
struct ioas_palette {
	unsigned int size;
	struct ioas_palette_entry {
		struct ioas_state *state;
		unsigned int nr;
	} entry[] __counted_by(size);
};

#define PALETTE_MIN	4

/**
 * struct ioas_leaf_many - a leaf with any number of states
 * @leaf: the common part
 * @palette: the states, each in use is referenced as by a slot; does not shrink
 * @number: for each page the number of its entry in the palette
 */
struct ioas_leaf_many {
	struct ioas_leaf leaf;
	struct ioas_palette *palette;
	u16 number[LEAF_PAGES];
};

static_assert(__alignof__(struct ioas_state) > SLOT_DEAD);
static_assert(__alignof__(struct ioas_leaf) > SLOT_DEAD);

static struct kmem_cache *block_cache, *two_cache, *many_cache;

void __init ioas_index_cache_init(void)
{
	block_cache = KMEM_CACHE(ioas_block, SLAB_ACCOUNT | SLAB_PANIC);
	two_cache = KMEM_CACHE(ioas_leaf_two, SLAB_ACCOUNT | SLAB_PANIC);
	many_cache = KMEM_CACHE(ioas_leaf_many, SLAB_ACCOUNT | SLAB_PANIC);
}

/* ---- slots ---- */

static unsigned long slot_lock(unsigned long *slot)
	__acquires(bitlock)
{
	lock_map_acquire(&slot_lock_map);
	bit_spin_lock(SLOT_LOCK_BIT, slot);
	return READ_ONCE(*slot) & ~BIT(SLOT_LOCK_BIT);
}

/*
 * As __bit_spin_unlock(), but with marked accesses, since others look at the word and
 * try to set the bit while they wait.  Return what is in the slot.
 */
static unsigned long slot_unlock(unsigned long *slot)
	__releases(bitlock)
{
	unsigned long word = READ_ONCE(*slot) & ~BIT(SLOT_LOCK_BIT);

	/* Pairs with the bit spinlock of who locks it next. */
	smp_store_release(slot, word);
	preempt_enable();
	__release(bitlock);
	lock_map_release(&slot_lock_map);
	return word;
}

static void slot_assert_held(void)
{
	lockdep_assert(lock_is_held(&slot_lock_map));
}

static struct ioas_leaf *word_leaf(unsigned long word)
{
	return word & SLOT_LEAF ? (void *)(word & ~SLOT_FLAGS) : NULL;
}

static struct ioas_state *word_state(unsigned long word)
{
	return (void *)word;
}

static struct ioas_leaf_two *to_two(struct ioas_leaf *leaf)
{
	return container_of(leaf, struct ioas_leaf_two, leaf);
}

static struct ioas_leaf_many *to_many(struct ioas_leaf *leaf)
{
	return container_of(leaf, struct ioas_leaf_many, leaf);
}

/* References that slots and leaves hold.  The last is never dropped here. */
static void slot_get_state(struct ioas_state *state)
{
	if (state && !ioas_state_is_single(state))
		refcount_inc(&state->refs);
}

static void slot_drop_state(struct ioas_state *state)
{
	if (state && !ioas_state_is_single(state))
		refcount_dec(&state->refs);
}

/* Store a new word into a slot that is locked. */
static void slot_store(unsigned long *slot, unsigned long word)
{
	slot_assert_held();
	WRITE_ONCE(*slot, word | SLOT_LOCKED);
}

/* ---- blocks ---- */

static unsigned long pfn_block(unsigned long pfn)
{
	return pfn >> (LEAF_SHIFT + BLOCK_SHIFT);
}

/* The slot of @pfn, under RCU; NULL if there is no block. */
static unsigned long *slot_find(struct ioas_ledger *ledger, unsigned long pfn)
{
	struct ioas_block *block = xa_load(&ledger->blocks, pfn_block(pfn));

	return block ? &block->slot[(pfn >> LEAF_SHIFT) % BLOCK_SLOTS] : NULL;
}

/* Make the block of @pfn, unless somebody else does. */
static int block_create(struct ioas_ledger *ledger, unsigned long pfn,
			gfp_t gfp)
{
	struct ioas_block *block;
	int ret;

	if (!ioas_may_alloc(gfp))
		return -ENOMEM;
	block = kmem_cache_zalloc(block_cache, gfp);
	if (!block)
		return -ENOMEM;
	block->index = pfn_block(pfn);
	ret = -ENOMEM;
	if (ioas_may_alloc(gfp))
		ret = xa_insert(&ledger->blocks, block->index, block, gfp);
	if (ret)
		kmem_cache_free(block_cache, block);
	return ret == -EBUSY ? 0 : ret;
}

/* Is nothing in the block?  It may change at once, unless nobody can use it. */
static bool block_is_empty(const struct ioas_block *block)
{
	int i;

	for (i = 0; i < BLOCK_SLOTS; i++)
		if (READ_ONCE(block->slot[i]) & ~(BIT(SLOT_LOCK_BIT) |
						  SLOT_DEAD))
			return false;
	return true;
}

/* Mark all slots that are not in use as dead; true if that was all of them. */
static bool block_mark_dead(struct ioas_block *block)
{
	bool all = true;
	unsigned long word;
	int i;

	for (i = 0; i < BLOCK_SLOTS; i++) {
		word = slot_lock(&block->slot[i]);
		if (word)
			all = false;
		else
			slot_store(&block->slot[i], SLOT_DEAD);
		slot_unlock(&block->slot[i]);
	}
	return all;
}

static void block_unmark(struct ioas_block *block)
{
	int i;

	for (i = 0; i < BLOCK_SLOTS; i++) {
		if (slot_lock(&block->slot[i]) & SLOT_DEAD)
			slot_store(&block->slot[i], 0);
		slot_unlock(&block->slot[i]);
	}
}

/*
 * Free a block that is not parked any more, unless it is in use.  Then whoever
 * empties its last slot parks it again; see block_emptied().
 */
static void block_retire(struct ioas_ledger *ledger, struct ioas_block *block)
{
	while (!block_mark_dead(block)) {
		block_unmark(block);
		/* Pairs with the barrier in block_emptied(). */
		smp_mb();
		if (!block_is_empty(block))
			return;
	}
	xa_erase(&ledger->blocks, block->index);
	kfree_rcu(block, rcu);
}

static struct ioas_park *block_park(struct ioas_ledger *ledger,
				    unsigned long index)
{
	return &ledger->parks[index % IOAS_PARKS];
}

/* Whoever marked the slot dead holds the lock until that is settled. */
static void wait_for_retirement(struct ioas_ledger *ledger,
				unsigned long index)
{
	struct ioas_park *park = block_park(ledger, index);

	spin_lock(&park->lock);
	spin_unlock(&park->lock);
}

/*
 * A slot was emptied: park its block if nothing is in it any more.  Under RCU, no
 * slot locked.
 *
 * An empty block must not be forgotten, so of those that empty its last slots,
 * and of one that fails to retire it because of them, at least one has to see
 * that it is empty:
 * - Two that both come to the barrier: one of them sees the other's slot empty.
 * - One that returns early, since the block was parked: whoever takes it from
 *   there does so before it locks each slot in turn.  It finds this slot empty,
 *   or else the slot was locked here afterwards, and then this would have seen
 *   that the block is not parked.  Having found it empty and another in use, it
 *   looks again after the barrier, as if it had emptied the slot itself.
 */
static void block_emptied(struct ioas_ledger *ledger, unsigned long *slot,
			  unsigned long pfn)
{
	struct ioas_park *park = block_park(ledger, pfn_block(pfn));
	struct ioas_block *block, *old;

	block = container_of(slot - (pfn >> LEAF_SHIFT) % BLOCK_SLOTS,
			     struct ioas_block, slot[0]);
	if (READ_ONCE(park->block) == block)
		return;
	smp_mb(); /* pairs with itself, and with the one in block_retire() */
	if (!block_is_empty(block))
		return;
	spin_lock(&park->lock);
	old = park->block;
	/* It may have been retired, or used again, in the meantime. */
	if (old != block && !(READ_ONCE(block->slot[0]) & SLOT_DEAD) &&
	    block_is_empty(block)) {
		WRITE_ONCE(park->block, block);
		if (old)
			block_retire(ledger, old);
	}
	spin_unlock(&park->lock);
}

/* ---- leaves ---- */

static unsigned int palette_find(const struct ioas_palette *palette,
				 const struct ioas_state *state)
{
	unsigned int i;

	for (i = 0; i < palette->size; i++)
		if (palette->entry[i].nr && palette->entry[i].state == state)
			break;
	return i;
}

static unsigned int palette_find_unused(const struct ioas_palette *palette)
{
	unsigned int i;

	for (i = 0; i < palette->size; i++)
		if (!palette->entry[i].nr)
			break;
	return i;
}

/* The state of page @first of a leaf, and the end of the run it starts. */
static struct ioas_state *two_run(struct ioas_leaf_two *two, unsigned int first,
				  unsigned int *end)
{
	unsigned int side = test_bit(first, two->set);

	if (side)
		*end = find_next_zero_bit(two->set, *end, first);
	else
		*end = find_next_bit(two->set, *end, first);
	return two->state[side];
}

static struct ioas_state *many_run(struct ioas_leaf_many *many,
				   unsigned int first, unsigned int *end)
{
	unsigned int i, number = many->number[first];

	for (i = first + 1; i < *end; i++)
		if (many->number[i] != number)
			break;
	*end = i;
	return many->palette->entry[number].state;
}

/* The state of page @first of a slot, and the end of the run it starts. */
static struct ioas_state *slot_run(unsigned long word, unsigned int first,
				   unsigned int *end)
{
	struct ioas_leaf *leaf = word_leaf(word);

	if (!leaf)
		return word_state(word);
	if (leaf->form == IOAS_LEAF_TWO)
		return two_run(to_two(leaf), first, end);
	return many_run(to_many(leaf), first, end);
}

/*
 * Fetch what a single page needs of a leaf while the slot is being locked, which
 * takes as long.  The leaf may go meanwhile, but a prefetch does not mind.
 */
static void leaf_prefetch(unsigned long word, unsigned int page)
{
	struct ioas_leaf_two *two;

	if (!(word & SLOT_LEAF))
		return;
	two = to_two(word_leaf(word & ~BIT(SLOT_LOCK_BIT)));
	prefetchw(two);
	prefetchw(&two->set[BIT_WORD(page)]);
}

/* Make the members of the op valid that are seldom needed. */
static void op_want_more(struct ioas_op *op)
{
	if (op->has_more)
		return;
	op->has_more = true;
	op->step = (struct ioas_step){ };
	op->spare_two = NULL;
	op->spare_many = NULL;
	op->spare_palette = NULL;
	op->dead = NULL;
}

static void op_bury(struct ioas_op *op, struct ioas_leaf *leaf)
{
	op_want_more(op);
	leaf->next_dead = op->dead;
	op->dead = leaf;
}

static void leaf_free(struct ioas_leaf *leaf)
{
	if (!leaf)
		return;
	if (leaf->form == IOAS_LEAF_TWO) {
		kmem_cache_free(two_cache, to_two(leaf));
	} else {
		kvfree(to_many(leaf)->palette);
		kmem_cache_free(many_cache, to_many(leaf));
	}
}

/* Keep the memory of a leaf, or free it. */
static void leaf_release(struct ioas_op *op, struct ioas_leaf *leaf)
{
	void **kept = &op->owner->spare_leaf;

	if (leaf && leaf->form == IOAS_LEAF_TWO && !READ_ONCE(*kept) &&
	    ioas_owner_is_paid_by(leaf, op->memcg) &&
	    ioas_owner_keep(kept, leaf, sizeof(struct ioas_leaf_two)))
		return;
	leaf_free(leaf);
}

static struct ioas_leaf *leaf_take_kept(struct ioas_owner *owner)
{
	struct ioas_leaf_two *two;

	two = ioas_owner_take(&owner->spare_leaf, sizeof(*two));
	if (!two)
		return NULL;
	two->leaf.form = IOAS_LEAF_TWO;
	return &two->leaf;
}

/**
 * ioas_index_forget_owner() - free the memory that an owner keeps for the index
 * @owner: the owner, about to be freed
 */
void ioas_index_forget_owner(struct ioas_owner *owner)
{
	leaf_free(leaf_take_kept(owner));
}

static void op_free_dead(struct ioas_op *op)
{
	struct ioas_leaf *leaf;

	if (likely(!op->has_more))
		return;
	while ((leaf = op->dead)) {
		op->dead = leaf->next_dead;
		leaf_release(op, leaf);
	}
}

static struct ioas_leaf *take_spare(struct ioas_leaf **spare)
{
	struct ioas_leaf *leaf = *spare;

	*spare = NULL;
	return leaf;
}

/* All 512 pages were in @from; those of the run are now in @to. */
static unsigned long store_in_even(struct ioas_op *op, struct ioas_state *from,
				   unsigned int first, unsigned int end,
				   struct ioas_state *to)
{
	struct ioas_leaf_two *two;

	slot_get_state(to);
	if (end - first == LEAF_PAGES) {
		slot_drop_state(from);
		return (unsigned long)to;
	}
	two = to_two(take_spare(&op->spare_two));
	two->state[0] = from;
	two->state[1] = to;
	two->nr_set = end - first;
	bitmap_zero(two->set, LEAF_PAGES);
	bitmap_set(two->set, first, end - first);
	return (unsigned long)&two->leaf | SLOT_LEAF;
}

/* Turn a leaf "two" into a leaf "many" with the same content. */
static struct ioas_leaf_many *two_to_many(struct ioas_op *op,
					  struct ioas_leaf_two *two)
{
	struct ioas_leaf_many *many = to_many(take_spare(&op->spare_many));
	struct ioas_palette *palette = many->palette;
	unsigned int i;

	palette->entry[0].state = two->state[0];
	palette->entry[0].nr = LEAF_PAGES - two->nr_set;
	palette->entry[1].state = two->state[1];
	palette->entry[1].nr = two->nr_set;
	for (i = 2; i < palette->size; i++)
		palette->entry[i].nr = 0;
	for (i = 0; i < LEAF_PAGES; i++)
		many->number[i] = test_bit(i, two->set);
	op_bury(op, &two->leaf);
	return many;
}

/*
 * Of the pages of a leaf @nr went from entry @old of the palette to entry @new.
 * Return what is to be in the slot now.
 */
static unsigned long many_moved(struct ioas_op *op, struct ioas_leaf_many *many,
				unsigned int old, unsigned int new,
				unsigned int nr)
{
	struct ioas_palette_entry *entry = many->palette->entry;

	entry[new].nr += nr;
	entry[old].nr -= nr;
	if (!entry[old].nr)
		slot_drop_state(entry[old].state);
	if (entry[new].nr < LEAF_PAGES)
		return (unsigned long)&many->leaf | SLOT_LEAF;
	op_bury(op, &many->leaf);
	return (unsigned long)entry[new].state;
}

static unsigned long store_in_many(struct ioas_op *op,
				   struct ioas_leaf_many *many,
				   unsigned int first, unsigned int end,
				   struct ioas_state *to)
{
	struct ioas_palette *palette = many->palette;
	unsigned int i, old = many->number[first], new, nr = end - first;

	new = palette_find(palette, to);
	if (new == palette->size) {
		slot_get_state(to);
		if (palette->entry[old].nr == nr) {
			/* The whole entry moves on: no page needs a look. */
			slot_drop_state(palette->entry[old].state);
			palette->entry[old].state = to;
			return (unsigned long)&many->leaf | SLOT_LEAF;
		}
		new = palette_find_unused(palette);
		if (new == palette->size) {
			palette = op->spare_palette;
			op->spare_palette = many->palette;
			memcpy(palette->entry, many->palette->entry,
			       array_size(many->palette->size,
					  sizeof(palette->entry[0])));
			for (i = many->palette->size; i < palette->size; i++)
				palette->entry[i].nr = 0;
			many->palette = palette;
		}
		palette->entry[new].state = to;
	}
	for (i = first; i < end; i++)
		many->number[i] = new;
	return many_moved(op, many, old, new, nr);
}

/*
 * Of the pages of a leaf @nr went to the state @side from the other.  Return what
 * is to be in the slot now.
 */
static unsigned long two_moved(struct ioas_op *op, struct ioas_leaf_two *two,
			       unsigned int side, unsigned int nr)
{
	unsigned int left;

	if (side) {
		two->nr_set += nr;
		left = LEAF_PAGES - two->nr_set;
	} else {
		two->nr_set -= nr;
		left = two->nr_set;
	}
	if (left)
		return (unsigned long)&two->leaf | SLOT_LEAF;
	/* Even again: one reference on the remaining state moves to the slot. */
	slot_drop_state(two->state[!side]);
	op_bury(op, &two->leaf);
	return (unsigned long)two->state[side];
}

static unsigned long store_in_two(struct ioas_op *op, struct ioas_leaf_two *two,
				  unsigned int first, unsigned int end,
				  struct ioas_state *to)
{
	unsigned int side = test_bit(first, two->set), nr = end - first;
	unsigned int nr_side = side ? two->nr_set : LEAF_PAGES - two->nr_set;

	if (to != two->state[!side]) {
		if (nr < nr_side)
			return store_in_many(op, two_to_many(op, two), first,
					     end, to);
		slot_get_state(to);
		slot_drop_state(two->state[side]);
		two->state[side] = to;
		return (unsigned long)&two->leaf | SLOT_LEAF;
	}
	if (side)
		bitmap_clear(two->set, first, nr);
	else
		bitmap_set(two->set, first, nr);
	return two_moved(op, two, !side, nr);
}

/* Put a run into the state @to, and return the new content of the slot. */
static unsigned long slot_set_run(struct ioas_op *op, unsigned long word,
				  unsigned int first, unsigned int end,
				  struct ioas_state *to)
{
	struct ioas_leaf *leaf = word_leaf(word);

	if (!leaf)
		return store_in_even(op, word_state(word), first, end, to);
	if (leaf->form == IOAS_LEAF_TWO)
		return store_in_two(op, to_two(leaf), first, end, to);
	return store_in_many(op, to_many(leaf), first, end, to);
}

/* ---- memory that slot_set_run() may take ---- */

/* The size of the palette to be at hand, or 0 if what is there will do. */
static unsigned int palette_wanted(const struct ioas_palette *palette,
				   unsigned int number, unsigned int nr,
				   const struct ioas_state *to)
{
	if (palette_find(palette, to) < palette->size ||
	    palette_find_unused(palette) < palette->size ||
	    palette->entry[number].nr == nr)
		return 0;
	return palette->size * 2;
}

/**
 * struct ioas_want - what slot_set_run() is going to take from the op
 * @two: a leaf of that form
 * @many: the same
 * @palette: a palette of that size
 */
struct ioas_want {
	bool two;
	bool many;
	unsigned int palette;
};

static inline struct ioas_want slot_wants(unsigned long word,
					  unsigned int first, unsigned int end,
					  const struct ioas_state *to)
{
	struct ioas_leaf *leaf = word_leaf(word);
	struct ioas_want want = { };
	unsigned int nr = end - first;

	if (!leaf) {
		want.two = nr < LEAF_PAGES;
	} else if (leaf->form == IOAS_LEAF_TWO) {
		struct ioas_leaf_two *two = to_two(leaf);
		unsigned int side = test_bit(first, two->set);

		want.many = to != two->state[!side] &&
			    nr < (side ? two->nr_set :
				  LEAF_PAGES - two->nr_set);
	} else {
		struct ioas_leaf_many *many = to_many(leaf);

		want.palette = palette_wanted(many->palette,
					      many->number[first], nr, to);
	}
	return want;
}

/*
 * A leaf that the owner keeps will do, if the same memory cgroup paid for it.  Else it
 * is freed with the others once the slot is unlocked.
 */
static bool op_has_two(struct ioas_op *op)
{
	struct ioas_leaf *leaf;

	if (op->has_more && op->spare_two)
		return true;
	leaf = leaf_take_kept(op->owner);
	if (!leaf)
		return false;
	if (unlikely(!ioas_owner_is_paid_by(leaf, op->memcg))) {
		op_bury(op, leaf);
		return false;
	}
	op_want_more(op);
	op->spare_two = leaf;
	return true;
}

static inline bool op_has(struct ioas_op *op, const struct ioas_want *want)
{
	if (want->two && !op_has_two(op))
		return false;
	if (!want->many && !want->palette)
		return true;
	if (!op->has_more)
		return false;
	if (want->many && !op->spare_many)
		return false;
	return !want->palette || (op->spare_palette &&
				  op->spare_palette->size >= want->palette);
}

static struct ioas_palette *palette_alloc(unsigned int size, gfp_t gfp)
{
	struct ioas_palette *palette;

	if (!ioas_may_alloc(gfp))
		return NULL;
	/* Up to 8 KiB: not contiguous, where an uncharge must have it. */
	palette = kvmalloc(struct_size(palette, entry, size), gfp);
	if (palette)
		palette->size = size;
	return palette;
}

static struct ioas_leaf *two_alloc(gfp_t gfp)
{
	struct ioas_leaf_two *two;

	if (!ioas_may_alloc(gfp))
		return NULL;
	two = kmem_cache_alloc(two_cache, gfp);
	if (!two)
		return NULL;
	two->leaf.form = IOAS_LEAF_TWO;
	return &two->leaf;
}

static struct ioas_leaf *many_alloc(gfp_t gfp)
{
	struct ioas_leaf_many *many;

	if (!ioas_may_alloc(gfp))
		return NULL;
	many = kmem_cache_alloc(many_cache, gfp);
	if (!many)
		return NULL;
	many->leaf.form = IOAS_LEAF_MANY;
	many->palette = palette_alloc(PALETTE_MIN, gfp);
	if (!many->palette) {
		kmem_cache_free(many_cache, many);
		return NULL;
	}
	return &many->leaf;
}

static int op_fetch(struct ioas_op *op, const struct ioas_want *want)
{
	might_sleep();
	op_want_more(op);
	if (want->two && !op->spare_two)
		op->spare_two = two_alloc(op->gfp);
	if (want->many && !op->spare_many)
		op->spare_many = many_alloc(op->gfp);
	if (want->palette) {
		kvfree(op->spare_palette);
		op->spare_palette = palette_alloc(want->palette, op->gfp);
	}
	return op_has(op, want) ? 0 : -ENOMEM;
}

/* ---- steps ---- */

/* The step from @state, or back to it; NULL if it is still to be worked out. */
static const struct ioas_step *op_known_step(const struct ioas_op *op,
					     const struct ioas_state *state,
					     bool charge)
{
	if (state == (charge ? NULL : &op->owner->state))
		return &op->owner->single;
	if (!op->has_more || !op->step.with)
		return NULL;
	return state == (charge ? op->step.without : op->step.with) ?
		       &op->step : NULL;
}

static struct ioas_state *step_result(const struct ioas_step *step, bool charge)
{
	return charge ? step->with : step->without;
}

/*
 * Work out the step from or to @state, which the caller read from a locked slot
 * and has taken a reference on: it is consumed.
 */
static int op_learn(struct ioas_op *op, struct ioas_state *state, bool charge)
{
	struct ioas_ledger *ledger = op->owner->ledger;
	struct ioas_step step;
	int ret;

	if (charge)
		ret = ioas_step_add(&step, state, op->owner, op->gfp);
	else
		ret = ioas_step_sub(&step, state, op->owner, op->gfp);
	if (ret) {
		ioas_state_put(ledger, state);
		return ret;
	}
	op_want_more(op);
	ioas_step_put(&op->step, ledger);
	op->step = step;
	return 0;
}

/* ---- counting ---- */

static __always_inline int op_count_add(struct ioas_op *op,
					const struct ioas_step *step,
					unsigned long nr)
{
	op->refused = ioas_owner_try_charge(op->owner, step->stop, nr,
					    &op->marked);
	if (op->refused)
		return -EDQUOT;
	if (step->without) {
		ioas_owner_add_shared(op->owner, step->stop, nr);
		ioas_owner_add_shared(step->shared, step->shared_stop, nr);
	}
	return 0;
}

static void op_count_sub(struct ioas_op *op, const struct ioas_step *step,
			 unsigned long nr)
{
	if (step->without) {
		ioas_owner_add_shared(op->owner, step->stop, -(long)nr);
		ioas_owner_add_shared(step->shared, step->shared_stop,
				      -(long)nr);
	}
	ioas_owner_uncharge(op->owner, step->stop, nr);
}

/* ---- charging ---- */

static __always_inline int op_count(struct ioas_op *op,
				    const struct ioas_step *step,
				    unsigned long nr, bool charge)
{
	if (charge)
		return op_count_add(op, step, nr);
	op_count_sub(op, step, nr);
	return 0;
}

/* A charge failed at @pfn: it may have made the block for nothing. */
static void block_check(struct ioas_ledger *ledger, unsigned long pfn)
{
	unsigned long *slot;

	rcu_read_lock();
	slot = slot_find(ledger, pfn);
	if (slot)
		block_emptied(ledger, slot, pfn);
	rcu_read_unlock();
}

/*
 * The case that huge pages are, cut short: all pages of the slot are in the same
 * state, and the step is known.  False if it is another case.
 */
static __always_inline bool op_work_even(struct ioas_op *op,
					 unsigned long *slot,
					 unsigned long word, bool charge,
					 int *ret)
{
	const struct ioas_step *step;
	struct ioas_state *to;

	if (word & SLOT_LEAF)
		return false;
	step = op_known_step(op, word_state(word), charge);
	if (unlikely(!step))
		return false;
	*ret = op_count(op, step, LEAF_PAGES, charge);
	if (unlikely(*ret))
		return true;
	to = step_result(step, charge);
	slot_get_state(to);
	slot_drop_state(word_state(word));
	slot_store(slot, (unsigned long)to);
	return true;
}

/**
 * struct ioas_work - pages of one slot that are charged or uncharged
 * @pfn: a page of the slot
 * @first: the first page to be done, counted from the start of the slot
 * @end: the one after the last
 * @charge: or uncharge
 * @pages: NULL, or which pages are to be done: then @first is the first of them
 * @state: set when the step of @first is not known; referenced
 * @want: set when memory is missing
 */
struct ioas_work {
	unsigned long pfn;
	unsigned int first;
	unsigned int end;
	bool charge;
	unsigned long *pages;
	struct ioas_state *state;
	struct ioas_want want;
};

enum ioas_progress {
	IOAS_DONE,	/* all pages */
	IOAS_PAUSE,	/* some pages; others get their turn */
	IOAS_REFUSED,	/* by a limit */
	IOAS_NO_STEP,	/* ioas_work.state has to be learnt */
	IOAS_NO_MEMORY,	/* ioas_work.want has to be fetched */
	IOAS_NO_BLOCK,	/* it has to be created */
	IOAS_DEAD,	/* the block is being retired */
};

/* Do the pages from work->first on as far as possible, with the slot locked. */
static enum ioas_progress op_work_locked(struct ioas_op *op,
					 unsigned long *slot,
					 unsigned long word,
					 struct ioas_work *work)
{
	const struct ioas_step *step;
	struct ioas_state *state, *to;
	unsigned int run_end, runs = 0;
	int ret = 0;

	if (work->end - work->first == LEAF_PAGES &&
	    op_work_even(op, slot, word, work->charge, &ret))
		return ret ? IOAS_REFUSED : IOAS_DONE;

	for (; work->first < work->end; work->first = run_end) {
		if (unlikely(runs++ == RUNS_AT_ONCE))
			return IOAS_PAUSE;
		run_end = work->end;
		state = slot_run(word, work->first, &run_end);
		step = op_known_step(op, state, work->charge);
		if (unlikely(!step)) {
			if (state)
				ioas_state_get(state);
			work->state = state;
			return IOAS_NO_STEP;
		}
		to = step_result(step, work->charge);
		work->want = slot_wants(word, work->first, run_end, to);
		if (unlikely(!op_has(op, &work->want)))
			return IOAS_NO_MEMORY;
		if (op_count(op, step, run_end - work->first, work->charge))
			return IOAS_REFUSED;
		word = slot_set_run(op, word, work->first, run_end, to);
		slot_store(slot, word);
	}
	return IOAS_DONE;
}

/* ---- gathered pages of one slot ---- */

/*
 * The step of the state that @page is in, and the numbers of this state and of
 * the one that follows: those of the palette, or 0 and 1.  NULL if the step is
 * not known, or if the leaf does not have the state that follows.
 */
static const struct ioas_step *leaf_find_move(const struct ioas_op *op,
					      struct ioas_leaf *leaf,
					      unsigned int page, bool charge,
					      unsigned int *from,
					      unsigned int *to)
{
	const struct ioas_palette *palette;
	const struct ioas_step *step;
	struct ioas_leaf_two *two;

	if (leaf->form == IOAS_LEAF_TWO) {
		two = to_two(leaf);
		*from = test_bit(page, two->set);
		*to = !*from;
		step = op_known_step(op, two->state[*from], charge);
		return step && step_result(step, charge) == two->state[*to] ?
			       step : NULL;
	}
	palette = to_many(leaf)->palette;
	*from = to_many(leaf)->number[page];
	step = op_known_step(op, palette->entry[*from].state, charge);
	if (!step)
		return NULL;
	*to = palette_find(palette, step_result(step, charge));
	return *to < palette->size ? step : NULL;
}

/* Which of the pages are in the state number @from, and how many? */
static unsigned int leaf_find_pages(struct ioas_leaf *leaf, unsigned int from,
				    const unsigned long *pages,
				    unsigned long *found)
{
	const u16 *number;
	unsigned int i;

	if (leaf->form == IOAS_LEAF_TWO) {
		if (from)
			bitmap_and(found, pages, to_two(leaf)->set, LEAF_PAGES);
		else
			bitmap_andnot(found, pages, to_two(leaf)->set,
				      LEAF_PAGES);
	} else {
		number = to_many(leaf)->number;
		bitmap_zero(found, LEAF_PAGES);
		for_each_set_bit(i, pages, LEAF_PAGES)
			if (number[i] == from)
				__set_bit(i, found);
	}
	return bitmap_weight(found, LEAF_PAGES);
}

/* Move @nr pages between two states of a leaf; return what is in the slot then. */
static unsigned long leaf_move_pages(struct ioas_op *op, struct ioas_leaf *leaf,
				     unsigned int from, unsigned int to,
				     const unsigned long *pages,
				     unsigned int nr)
{
	unsigned long *set;
	unsigned int i;

	if (leaf->form == IOAS_LEAF_TWO) {
		set = to_two(leaf)->set;
		bitmap_xor(set, set, pages, LEAF_PAGES);
		return two_moved(op, to_two(leaf), to, nr);
	}
	for_each_set_bit(i, pages, LEAF_PAGES)
		to_many(leaf)->number[i] = to;
	return many_moved(op, to_many(leaf), from, to, nr);
}

/*
 * Do the pages at once that are in the same state as page @first, if the leaf has
 * the state that follows.  False if it has not, or if the step is not known.
 */
static bool op_work_pages(struct ioas_op *op, unsigned long *slot,
			  unsigned long word, unsigned int first,
			  unsigned long *pages, bool charge, int *ret)
{
	struct ioas_leaf *leaf = word_leaf(word);
	DECLARE_BITMAP(found, LEAF_PAGES);
	const struct ioas_step *step;
	unsigned int from, to, nr;

	if (!leaf)
		return false;
	step = leaf_find_move(op, leaf, first, charge, &from, &to);
	if (!step)
		return false;
	nr = leaf_find_pages(leaf, from, pages, found);
	*ret = op_count(op, step, nr, charge);
	if (unlikely(*ret))
		return true;
	slot_store(slot, leaf_move_pages(op, leaf, from, to, found, nr));
	bitmap_andnot(pages, pages, found, LEAF_PAGES);
	return true;
}

/* Do some of the pages in work->pages, at least the first, and take them out. */
static enum ioas_progress op_work_gathered(struct ioas_op *op,
					   unsigned long *slot,
					   unsigned long word,
					   struct ioas_work *work)
{
	enum ioas_progress progress;
	unsigned int first = work->first;
	int ret;

	if (op_work_pages(op, slot, word, first, work->pages, work->charge,
			  &ret))
		return ret ? IOAS_REFUSED : IOAS_DONE;
	progress = op_work_locked(op, slot, word, work);
	if (progress == IOAS_DONE)
		__clear_bit(first, work->pages);
	return progress;
}

static enum ioas_progress op_work_slot(struct ioas_op *op,
				       struct ioas_work *work)
{
	struct ioas_ledger *ledger = op->owner->ledger;
	enum ioas_progress progress;
	unsigned long *slot, word;

	rcu_read_lock();
	slot = slot_find(ledger, work->pfn);
	if (unlikely(!slot)) {
		rcu_read_unlock();
		return IOAS_NO_BLOCK;
	}
	leaf_prefetch(READ_ONCE(*slot), work->first);
	word = slot_lock(slot);
	if (unlikely(word & SLOT_DEAD)) {
		slot_unlock(slot);
		rcu_read_unlock();
		return IOAS_DEAD;
	}
	if (unlikely(work->pages))
		progress = op_work_gathered(op, slot, word, work);
	else
		progress = op_work_locked(op, slot, word, work);
	if (!slot_unlock(slot) && word)
		block_emptied(ledger, slot, work->pfn);
	rcu_read_unlock();
	op_free_dead(op);
	return progress;
}

/* Charge or uncharge pages of one slot; work->first says how far it got. */
static int op_work(struct ioas_op *op, struct ioas_work *work)
{
	struct ioas_ledger *ledger = op->owner->ledger;
	int ret = 0;

	while (!ret) {
		switch (op_work_slot(op, work)) {
		case IOAS_DONE:
			work->first = work->end;
			return 0;
		case IOAS_REFUSED:
			return -EDQUOT;
		case IOAS_PAUSE:
			cond_resched();
			break;
		case IOAS_NO_STEP:
			cond_resched();
			ret = op_learn(op, work->state, work->charge);
			break;
		case IOAS_NO_MEMORY:
			ret = op_fetch(op, &work->want);
			break;
		case IOAS_NO_BLOCK:
			ret = work->charge ? block_create(ledger, work->pfn,
							  op->gfp) : -ENOENT;
			break;
		case IOAS_DEAD:
			wait_for_retirement(ledger, pfn_block(work->pfn));
			break;
		}
	}
	return ret;
}

/* The part of a range that is in the slot of its first page. */
static void work_begin(struct ioas_work *work, unsigned long pfn,
		       unsigned long nr, bool charge)
{
	work->pfn = pfn;
	work->first = pfn % LEAF_PAGES;
	work->end = min_t(unsigned long, work->first + nr, LEAF_PAGES);
	work->charge = charge;
	work->pages = NULL;
}

/**
 * ioas_op_end() - end a call: give back what the op holds
 * @op: the op
 * @ret: 0, or what the call failed with, and then all its charges were undone
 *
 * Context: May sleep.
 */
void ioas_op_end(struct ioas_op *op, int ret)
{
	if (unlikely(op->has_more)) {
		ioas_step_put(&op->step, op->owner->ledger);
		leaf_release(op, op->spare_two);
		leaf_free(op->spare_many);
		kvfree(op->spare_palette);
	}
	if (likely(!op->marked))
		return;
	if (ret)
		ioas_owner_forget_marks(op->owner);
	else
		ioas_owner_passed_marks(op->owner);
}

/**
 * ioas_op_charge() - charge a run of pages
 * @op: the op
 * @pfn: the first page
 * @nr: number of pages
 *
 * Each page gets one pin more by the owner; it is charged to the owner and
 * those of its ancestors for which it is the first.
 *
 * Context: May sleep.
 * Return: 0; -EDQUOT if a limit would be passed (&ioas_op.refused says whose), or
 * -ENOMEM.  After an error, nothing of this run is charged.
 */
int ioas_op_charge(struct ioas_op *op, unsigned long pfn, unsigned long nr)
{
	unsigned long done = 0;
	struct ioas_work work __uninitialized;
	int ret = 0;

	op->gfp = GFP_KERNEL_ACCOUNT;
	while (done < nr && !ret) {
		work_begin(&work, pfn + done, nr - done, true);
		ret = op_work(op, &work);
		done += work.first - (pfn + done) % LEAF_PAGES;
		if (unlikely(done < nr))
			cond_resched();
	}
	if (unlikely(ret)) {
		block_check(op->owner->ledger, pfn + done);
		ioas_op_uncharge(op, pfn, done);
	}
	return ret;
}

/**
 * ioas_op_uncharge() - uncharge a run of pages
 * @op: the op
 * @pfn: the first page
 * @nr: number of pages
 *
 * Context: May sleep.
 * Return: @nr, or less: then the page after so many is not pinned by the owner,
 * and the pages from there on are as they were.
 */
unsigned long ioas_op_uncharge(struct ioas_op *op, unsigned long pfn,
			       unsigned long nr)
{
	unsigned long done = 0;
	struct ioas_work work __uninitialized;
	int ret = 0;

	op->gfp = GFP_KERNEL_ACCOUNT | __GFP_NOFAIL;
	while (done < nr && !ret) {
		work_begin(&work, pfn + done, nr - done, false);
		ret = op_work(op, &work);
		done += work.first - (pfn + done) % LEAF_PAGES;
		if (unlikely(done < nr))
			cond_resched();
	}
	return done;
}

/* ---- gathered pages ---- */

/*
 * Charge or uncharge pages of a slot, and take those that were done out of
 * @pages.  If there is an error, what is left starts with the page that made it.
 */
static int op_work_slot_pages(struct ioas_op *op, unsigned long slot,
			      unsigned long *pages, bool charge)
{
	struct ioas_work work __uninitialized;
	unsigned int first;
	int ret = 0;

	while (!ret) {
		first = find_first_bit(pages, LEAF_PAGES);
		if (first == LEAF_PAGES)
			return 0;
		work_begin(&work, (slot << LEAF_SHIFT) + first, 1, charge);
		work.pages = pages;
		ret = op_work(op, &work);
	}
	return ret;
}

/**
 * ioas_op_charge_gathered() - charge pages that were gathered
 * @op: the op
 * @gather: the pages
 *
 * Context: May sleep.
 * Return: as ioas_op_charge(), and then @gather is not to be used any more.
 */
int ioas_op_charge_gathered(struct ioas_op *op, struct ioas_gather *gather)
{
	DECLARE_BITMAP(left, LEAF_PAGES);
	unsigned long *pages;
	unsigned int i;
	int ret = 0;

	op->gfp = GFP_KERNEL_ACCOUNT;
	for (i = 0; i < gather->nr_slots; i++) {
		pages = gather->pages[i];
		bitmap_copy(left, pages, LEAF_PAGES);
		ret = op_work_slot_pages(op, gather->slot[i], left, true);
		if (unlikely(ret))
			break;
		cond_resched();
	}
	if (unlikely(ret)) {
		block_check(op->owner->ledger, gather->slot[i] << LEAF_SHIFT);
		bitmap_andnot(pages, pages, left, LEAF_PAGES);
		gather->nr_slots = i + 1;
		ioas_op_uncharge_gathered(op, gather, ioas_warn_not_charged);
	}
	return ret;
}

/**
 * ioas_op_uncharge_gathered() - uncharge pages that were gathered
 * @op: the op
 * @gather: the pages; those that the owner does not pin are taken out
 * @missing: called for each of those
 *
 * Context: May sleep.
 */
void ioas_op_uncharge_gathered(struct ioas_op *op, struct ioas_gather *gather,
			       void (*missing)(unsigned long pfn))
{
	DECLARE_BITMAP(left, LEAF_PAGES);
	unsigned long *pages;
	unsigned int i, page;

	op->gfp = GFP_KERNEL_ACCOUNT | __GFP_NOFAIL;
	for (i = 0; i < gather->nr_slots; i++) {
		pages = gather->pages[i];
		bitmap_copy(left, pages, LEAF_PAGES);
		while (unlikely(op_work_slot_pages(op, gather->slot[i], left,
						   false))) {
			page = find_first_bit(left, LEAF_PAGES);
			__clear_bit(page, left);
			__clear_bit(page, pages);
			gather->nr_pages--;
			missing(ioas_gather_pfn(gather, i, page));
		}
		cond_resched();
	}
}

/**
 * ioas_index_trim() - let go of blocks that are kept though they are empty
 * @ledger: the ledger
 */
void ioas_index_trim(struct ioas_ledger *ledger)
{
	struct ioas_block *block;
	struct ioas_park *park;

	for (park = ledger->parks; park < ledger->parks + IOAS_PARKS; park++) {
		spin_lock(&park->lock);
		block = park->block;
		WRITE_ONCE(park->block, NULL);
		if (block)
			block_retire(ledger, block);
		spin_unlock(&park->lock);
	}
}

#if IS_ENABLED(CONFIG_CGROUP_IOAS_KUNIT_TEST)
/**
 * ioas_index_lookup() - the state of a page, for tests
 * @ledger: the ledger
 * @pfn: the page
 *
 * Return: the state with a reference, or NULL if nobody pins the page.
 */
struct ioas_state *ioas_index_lookup(struct ioas_ledger *ledger,
				     unsigned long pfn)
{
	struct ioas_state *state = NULL;
	unsigned int end = LEAF_PAGES;
	unsigned long *slot, word;

	rcu_read_lock();
	slot = slot_find(ledger, pfn);
	if (slot) {
		word = slot_lock(slot);
		if (!(word & SLOT_DEAD))
			state = slot_run(word, pfn % LEAF_PAGES, &end);
		if (state)
			ioas_state_get(state);
		slot_unlock(slot);
	}
	rcu_read_unlock();
	return state;
}

static void measure_slot(unsigned long word, struct ioas_index_size *size)
{
	struct ioas_leaf *leaf = word_leaf(word);

	if (!leaf) {
		size->even += !!word;
		return;
	}
	if (leaf->form == IOAS_LEAF_TWO) {
		size->two++;
		size->bytes += kmem_cache_size(two_cache);
	} else {
		size->many++;
		size->bytes += kmem_cache_size(many_cache) +
			       struct_size(to_many(leaf)->palette, entry,
					   to_many(leaf)->palette->size);
	}
}

/**
 * ioas_index_measure() - count what the index consists of, for tests
 * @ledger: the ledger; nobody charges or uncharges meanwhile
 * @size: filled in
 */
void ioas_index_measure(struct ioas_ledger *ledger,
			struct ioas_index_size *size)
{
	struct ioas_block *block;
	unsigned long index;
	int i;

	memset(size, 0, sizeof(*size));
	xa_for_each(&ledger->blocks, index, block) {
		size->blocks++;
		size->bytes += kmem_cache_size(block_cache);
		for (i = 0; i < BLOCK_SLOTS; i++)
			measure_slot(block->slot[i] & ~BIT(SLOT_LOCK_BIT),
				     size);
	}
	/* Nodes of the xarray, as if it had no gaps, and the states. */
	size->bytes += DIV_ROUND_UP(size->blocks, XA_CHUNK_SIZE - 1) *
		       sizeof(struct xa_node);
	size->bytes += atomic_long_read(&ledger->nr_states) *
		       sizeof(struct ioas_state);
}
#endif
