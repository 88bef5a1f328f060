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
 *	  |                                     that says which (88 bytes)
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
 * step, and its caller one on the single state.  That has two uses.  Comparing
 * pointers is enough to see that the step fits a run, as a state that is held
 * cannot have gone and come back as another.  And whatever reference a slot
 * drops under the lock is never the last one.
 *
 * A block is reference counted by its slots in use and by the op that works on
 * it.  With the last reference it leaves the xarray and is freed after a grace
 * period; who finds it in between cannot get a reference, and puts a new block
 * in its place.  So that a buffer that is pinned and unpinned over and over does
 * not make and free its block each time, the block that was emptied last is
 * *parked*: the ledger keeps one reference until another block is emptied.
 *
 * Uncharging cannot fail.  It may need a leaf when it takes a hole out of an even
 * slot, or a state that has no page at the moment; such small objects are
 * allocated with __GFP_NOFAIL, which sleeps until there is memory.
 *
 * Order: slot lock, then nothing.  The locks of states and of the xarray are
 * taken with no slot locked.
 */

/* bit_spinlock.h does not include what it needs on x86. */
#include <linux/processor.h>
#include <linux/bit_spinlock.h>
#include <linux/bitmap.h>
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "fault.h"
#include "index.h"
#include "owner.h"

#define LEAF_SHIFT	9
#define LEAF_PAGES	((unsigned int)BIT(LEAF_SHIFT))
#define BLOCK_SHIFT	6
#define BLOCK_SLOTS	((unsigned int)BIT(BLOCK_SHIFT))

/* What a slot holds besides a pointer. */
#define SLOT_LOCK_BIT	0
#define SLOT_LEAF	2UL	/* the pointer is a leaf, not a state */
#define SLOT_FLAGS	(BIT(SLOT_LOCK_BIT) | SLOT_LEAF)

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
 * @users: slots that are not empty, and ops that work here
 * @index: its place in the xarray
 * @rcu: to free it by
 * @slot: see above
 */
struct ioas_block {
	refcount_t users;
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
};

/**
 * struct ioas_leaf_two - a leaf with two states
 * @leaf: the common part
 * @state: both, referenced; one of them may be NULL
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
 * @palette: the states, each in use is referenced
 * @number: for each page the number of its entry in the palette
 */
struct ioas_leaf_many {
	struct ioas_leaf leaf;
	struct ioas_palette *palette;
	u16 number[LEAF_PAGES];
};

static struct kmem_cache *block_cache, *two_cache, *many_cache;

void __init ioas_index_cache_init(void)
{
	block_cache = KMEM_CACHE(ioas_block, SLAB_ACCOUNT | SLAB_PANIC);
	two_cache = KMEM_CACHE(ioas_leaf_two, SLAB_ACCOUNT | SLAB_PANIC);
	many_cache = KMEM_CACHE(ioas_leaf_many, SLAB_ACCOUNT | SLAB_PANIC);
}

/* ---- slots ---- */

static unsigned long slot_lock(unsigned long *slot)
{
	bit_spin_lock(SLOT_LOCK_BIT, slot);
	lock_map_acquire(&slot_lock_map);
	return READ_ONCE(*slot) & ~BIT(SLOT_LOCK_BIT);
}

static void slot_unlock(unsigned long *slot)
{
	lock_map_release(&slot_lock_map);
	__bit_spin_unlock(SLOT_LOCK_BIT, slot);
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
	if (state)
		refcount_inc(&state->refs);
}

static void slot_drop_state(struct ioas_state *state)
{
	if (state)
		refcount_dec(&state->refs);
}

/* ---- blocks ---- */

static inline void block_put(struct ioas_ledger *ledger, struct ioas_block *block)
{
	if (!refcount_dec_and_test(&block->users))
		return;
	/* Somebody may have replaced it already: then this does nothing. */
	xa_cmpxchg(&ledger->blocks, block->index, block, NULL, 0);
	kfree_rcu(block, rcu);
}

/* Like block_put(), but keep the block if nothing else does. */
static inline void block_park(struct ioas_ledger *ledger, struct ioas_block *block)
{
	if (unlikely(refcount_read(&block->users) == 1))
		block = xchg(&ledger->parked, block);
	if (block)
		block_put(ledger, block);
}

static inline struct ioas_block *block_find(struct ioas_ledger *ledger,
					    unsigned long index)
{
	struct ioas_block *block;

	rcu_read_lock();
	block = xa_load(&ledger->blocks, index);
	if (block && !refcount_inc_not_zero(&block->users))
		block = NULL;
	rcu_read_unlock();
	return block;
}

/*
 * Put @fresh where there is no block, or one on its way out.  Returns the block
 * that is there afterwards, with a reference, or NULL if there is no memory.
 */
static struct ioas_block *block_insert(struct ioas_ledger *ledger,
				       struct ioas_block *fresh, gfp_t gfp)
{
	struct ioas_block *old;
	int ret;

	do {
		xa_lock(&ledger->blocks);
		old = xa_load(&ledger->blocks, fresh->index);
		if (old && refcount_inc_not_zero(&old->users)) {
			xa_unlock(&ledger->blocks);
			return old;
		}
		/* To replace an entry takes no memory and cannot fail. */
		if (old)
			ret = xa_err(__xa_store(&ledger->blocks, fresh->index,
						fresh, 0));
		else
			ret = __xa_insert(&ledger->blocks, fresh->index, fresh,
					  gfp);
		xa_unlock(&ledger->blocks);
	} while (ret == -EBUSY);
	return ret ? NULL : fresh;
}

static struct ioas_block *block_find_or_create(struct ioas_ledger *ledger,
					       unsigned long index, gfp_t gfp)
{
	struct ioas_block *block, *fresh;

	block = block_find(ledger, index);
	if (block)
		return block;
	if (!ioas_may_alloc(gfp))
		return NULL;
	fresh = kmem_cache_zalloc(block_cache, gfp);
	if (!fresh)
		return NULL;
	refcount_set(&fresh->users, 1);
	fresh->index = index;
	block = block_insert(ledger, fresh, gfp);
	if (block != fresh)
		kmem_cache_free(block_cache, fresh);
	return block;
}

static void op_put_block(struct ioas_op *op)
{
	if (op->block)
		block_park(op->owner->ledger, op->block);
	op->block = NULL;
}

/* The slot of @pfn.  Its block is held by the op until it moves to another. */
static inline unsigned long *op_find_slot(struct ioas_op *op, unsigned long pfn,
					  bool create)
{
	struct ioas_ledger *ledger = op->owner->ledger;
	unsigned long leaf = pfn >> LEAF_SHIFT, index = leaf >> BLOCK_SHIFT;

	if (!op->block || op->block->index != index) {
		op_put_block(op);
		if (create)
			op->block = block_find_or_create(ledger, index,
							 op->gfp);
		else
			op->block = block_find(ledger, index);
		if (!op->block)
			return NULL;
	}
	return &op->block->slot[leaf % BLOCK_SLOTS];
}

/* Store a new word into a slot that is locked. */
static void slot_store(struct ioas_op *op, unsigned long *slot,
		       unsigned long old, unsigned long new)
{
	slot_assert_held();
	WRITE_ONCE(*slot, new | SLOT_LOCKED);
	/* The op holds the block, so its count does not get to 0 here. */
	if (!old && new)
		refcount_inc(&op->block->users);
	else if (old && !new)
		refcount_dec(&op->block->users);
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
		kfree(to_many(leaf)->palette);
		kmem_cache_free(many_cache, to_many(leaf));
	}
}

static void op_free_dead(struct ioas_op *op)
{
	struct ioas_leaf *leaf;

	if (likely(!op->has_more))
		return;
	while ((leaf = op->dead)) {
		op->dead = leaf->next_dead;
		leaf_free(leaf);
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
	palette->entry[new].nr += nr;
	palette->entry[old].nr -= nr;
	if (!palette->entry[old].nr)
		slot_drop_state(palette->entry[old].state);
	if (palette->entry[new].nr < LEAF_PAGES)
		return (unsigned long)&many->leaf | SLOT_LEAF;
	op_bury(op, &many->leaf);
	return (unsigned long)to;
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
	if (side) {
		bitmap_clear(two->set, first, nr);
		two->nr_set -= nr;
	} else {
		bitmap_set(two->set, first, nr);
		two->nr_set += nr;
	}
	if (nr < nr_side)
		return (unsigned long)&two->leaf | SLOT_LEAF;
	/* Even again: one reference on the remaining state moves to the slot. */
	slot_drop_state(two->state[side]);
	op_bury(op, &two->leaf);
	return (unsigned long)to;
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

static inline bool op_has(const struct ioas_op *op, const struct ioas_want *want)
{
	if (!op->has_more)
		return !want->two && !want->many && !want->palette;
	if (want->two && !op->spare_two)
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
	palette = kmalloc(struct_size(palette, entry, size), gfp);
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
		kfree(op->spare_palette);
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
	if (state == (charge ? NULL : op->single->with))
		return op->single;
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

static int op_count_add(struct ioas_op *op, const struct ioas_step *step,
			unsigned long nr)
{
	op->refused = ioas_owner_try_charge(op->owner, step->stop, nr,
					    &op->crossed_high);
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

static int op_count(struct ioas_op *op, const struct ioas_step *step,
		    unsigned long nr, bool charge)
{
	if (charge)
		return op_count_add(op, step, nr);
	op_count_sub(op, step, nr);
	return 0;
}

/*
 * The case that huge pages are, cut short: all pages of the slot are in the same
 * state, and the step is known.  False if it is another case.
 */
static inline bool op_work_even(struct ioas_op *op, unsigned long *slot,
				unsigned long word, bool charge, int *ret)
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
	slot_store(op, slot, word, (unsigned long)to);
	return true;
}

/*
 * Charge or uncharge pages of one slot, from *@first to @end, as far as the op
 * knows the steps and has the memory for them.  *@first moves on past what was
 * done.  Returns 0 if all was, -EAGAIN after it fetched what was missing, or
 * an error.
 */
static int op_work_slot(struct ioas_op *op, unsigned long *slot,
			unsigned int *first, unsigned int end, bool charge)
{
	const struct ioas_step *step = NULL;
	struct ioas_state *state = NULL, *to;
	struct ioas_want want = { };
	unsigned long word, new;
	unsigned int run_end;
	int ret = 0;

	word = slot_lock(slot);
	if (end - *first == LEAF_PAGES && op_work_even(op, slot, word, charge,
						       &ret)) {
		slot_unlock(slot);
		*first = ret ? 0 : end;
		return ret;
	}
	while (*first < end) {
		run_end = end;
		state = slot_run(word, *first, &run_end);
		step = op_known_step(op, state, charge);
		if (unlikely(!step)) {
			slot_get_state(state);
			break;
		}
		to = step_result(step, charge);
		want = slot_wants(word, *first, run_end, to);
		if (unlikely(!op_has(op, &want)))
			break;
		ret = op_count(op, step, run_end - *first, charge);
		if (unlikely(ret))
			break;
		new = slot_set_run(op, word, *first, run_end, to);
		if (new != word)
			slot_store(op, slot, word, new);
		word = new;
		*first = run_end;
	}
	slot_unlock(slot);
	op_free_dead(op);

	if (ret || *first == end)
		return ret;
	ret = step ? op_fetch(op, &want) : op_learn(op, state, charge);
	return ret ?: -EAGAIN;
}

/* The pages from @pfn on that are in the same slot, at most @nr. */
static unsigned long slot_pages(unsigned long pfn, unsigned long nr)
{
	return min_t(unsigned long, nr, LEAF_PAGES - pfn % LEAF_PAGES);
}

/* Charge pages of one slot; *@done pages were charged, also on failure. */
static int op_charge_slot(struct ioas_op *op, unsigned long pfn,
			  unsigned long nr, unsigned long *done)
{
	unsigned int start = pfn % LEAF_PAGES, first = start;
	unsigned long *slot = op_find_slot(op, pfn, true);
	int ret;

	*done = 0;
	if (!slot)
		return -ENOMEM;
	do {
		ret = op_work_slot(op, slot, &first, start + nr, true);
	} while (ret == -EAGAIN);
	*done = first - start;
	return ret;
}

static void op_uncharge_slot(struct ioas_op *op, unsigned long pfn,
			     unsigned long nr)
{
	unsigned int start = pfn % LEAF_PAGES, first = start;
	unsigned long *slot = op_find_slot(op, pfn, false);
	int ret;

	if (WARN_ONCE(!slot, "ioas: uncharge of pfn %lx, not charged\n", pfn))
		return;
	do {
		ret = op_work_slot(op, slot, &first, start + nr, false);
		/* What was never charged is left out: there is nothing to undo. */
		if (WARN_ONCE(ret && ret != -EAGAIN,
			      "ioas: uncharge of pfn %lx by another owner\n",
			      pfn - start + first))
			first++;
	} while (first < start + nr);
}

/**
 * ioas_op_end() - end a call: give back what the op holds
 * @op: the op
 *
 * Context: May sleep.
 */
void ioas_op_end(struct ioas_op *op)
{
	op_put_block(op);
	if (unlikely(op->has_more)) {
		ioas_step_put(&op->step, op->owner->ledger);
		leaf_free(op->spare_two);
		leaf_free(op->spare_many);
		kfree(op->spare_palette);
	}
	if (unlikely(op->crossed_high))
		ioas_owner_report_high(op->owner);
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
	unsigned long left = nr, at = pfn, done;
	int ret = 0;

	op->gfp = GFP_KERNEL_ACCOUNT;
	while (left && !ret) {
		ret = op_charge_slot(op, at, slot_pages(at, left), &done);
		at += done;
		left -= done;
	}
	if (ret)
		ioas_op_uncharge(op, pfn, nr - left);
	return ret;
}

/**
 * ioas_op_uncharge() - uncharge a run of pages
 * @op: the op
 * @pfn: the first page
 * @nr: number of pages, each pinned by the owner at least once
 *
 * Context: May sleep.
 */
void ioas_op_uncharge(struct ioas_op *op, unsigned long pfn, unsigned long nr)
{
	unsigned long step;

	op->gfp = GFP_KERNEL_ACCOUNT | __GFP_NOFAIL;
	for (; nr; nr -= step, pfn += step) {
		step = slot_pages(pfn, nr);
		op_uncharge_slot(op, pfn, step);
	}
}

/**
 * ioas_index_trim() - let go of the block that is kept though it is empty
 * @ledger: the ledger
 */
void ioas_index_trim(struct ioas_ledger *ledger)
{
	struct ioas_block *block = xchg(&ledger->parked, NULL);

	if (block)
		block_put(ledger, block);
}

/**
 * ioas_index_lookup() - the state of a page
 * @ledger: the ledger
 * @pfn: the page
 *
 * Return: the state with a reference, or NULL if nobody pins the page.
 */
struct ioas_state *ioas_index_lookup(struct ioas_ledger *ledger,
				     unsigned long pfn)
{
	unsigned long leaf = pfn >> LEAF_SHIFT, *slot;
	unsigned int end = LEAF_PAGES;
	struct ioas_block *block;
	struct ioas_state *state;

	block = block_find(ledger, leaf >> BLOCK_SHIFT);
	if (!block)
		return NULL;
	slot = &block->slot[leaf % BLOCK_SLOTS];
	state = slot_run(slot_lock(slot), pfn % LEAF_PAGES, &end);
	slot_get_state(state);
	slot_unlock(slot);
	block_put(ledger, block);
	return state;
}

#if IS_ENABLED(CONFIG_CGROUP_IOAS_KUNIT_TEST) || IS_ENABLED(CONFIG_CGROUP_IOAS_BENCH)
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
			       ksize(to_many(leaf)->palette);
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
