/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The index: the state of every pinned page.  See index.c.
 */
#ifndef _CGROUP_IOAS_INDEX_H
#define _CGROUP_IOAS_INDEX_H

#include <linux/bitmap.h>
#include <linux/gfp_types.h>
#include <linux/ioas_cgroup.h>
#include <linux/string.h>

#include "state.h"

struct ioas_leaf;
struct ioas_palette;
struct mem_cgroup;

/**
 * struct ioas_op - charges and uncharges of one call, for one owner
 * @owner: the owner
 * @memcg: memory cgroup that pays for what is allocated, or NULL if nobody does
 * @refused: set when a charge fails on a limit: whose limit it was
 * @gfp: for allocations
 * @marked: set when a charge passes a peak or a high mark
 * @has_more: the members below are valid; most calls do without them
 * @step: the step last made; both of its states are referenced
 * @spare_two: memory for the next leaf of that form, or NULL
 * @spare_many: the same
 * @spare_palette: the same
 * @dead: memory of leaves that went while a slot was locked
 */
struct ioas_op {
	struct ioas_owner *owner;
	struct mem_cgroup *memcg;
	struct ioas_owner *refused;
	gfp_t gfp;
	bool marked;
	bool has_more;

	struct ioas_step step;
	struct ioas_leaf *spare_two;
	struct ioas_leaf *spare_many;
	struct ioas_palette *spare_palette;
	struct ioas_leaf *dead;
};

/**
 * ioas_op_begin() - start a call
 * @op: the op, filled in
 * @owner: who is charged; the caller holds it until ioas_op_end()
 * @memcg: who pays for what is allocated, which the caller made active, or NULL
 */
static inline void ioas_op_begin(struct ioas_op *op, struct ioas_owner *owner,
				 struct mem_cgroup *memcg)
{
	op->owner = owner;
	op->memcg = memcg;
	op->refused = NULL;
	op->marked = false;
	op->has_more = false;
}

void ioas_op_end(struct ioas_op *op, int ret);
int ioas_op_charge(struct ioas_op *op, unsigned long pfn, unsigned long nr);
unsigned long ioas_op_uncharge(struct ioas_op *op, unsigned long pfn,
			       unsigned long nr);
int ioas_op_charge_gathered(struct ioas_op *op, struct ioas_gather *gather);
void ioas_op_uncharge_gathered(struct ioas_op *op, struct ioas_gather *gather,
			       void (*missing)(unsigned long pfn));

/**
 * ioas_gather_init() - make a gather empty
 * @gather: the gather
 */
static inline void ioas_gather_init(struct ioas_gather *gather)
{
	gather->nr_pages = 0;
	gather->nr_slots = 0;
	memset(gather->bucket, 0, sizeof(gather->bucket));
}

/**
 * ioas_gather_add() - add a page
 * @gather: the gather
 * @pfn: the page
 *
 * Return: false if there is no room for it, or if it is there already.
 */
static __always_inline bool ioas_gather_add(struct ioas_gather *gather,
					    unsigned long pfn)
{
	unsigned long slot = pfn >> IOAS_SLOT_SHIFT, *word, mask;
	unsigned int bucket = slot % IOAS_GATHER_BUCKETS, i;

	while ((i = gather->bucket[bucket]) && gather->slot[i - 1] != slot)
		bucket = (bucket + 1) % IOAS_GATHER_BUCKETS;
	if (unlikely(!i)) {
		if (gather->nr_slots == IOAS_GATHER_SLOTS)
			return false;
		i = ++gather->nr_slots;
		gather->bucket[bucket] = i;
		gather->slot[i - 1] = slot;
		memset(gather->pages[i - 1], 0, sizeof(gather->pages[0]));
	}
	pfn %= IOAS_SLOT_PAGES;
	word = &gather->pages[i - 1][BIT_WORD(pfn)];
	mask = BIT_MASK(pfn);
	if (unlikely(*word & mask))
		return false;
	*word |= mask;
	gather->nr_pages++;
	return true;
}

/**
 * ioas_gather_pfn() - the page frame number of a page
 * @gather: the gather
 * @i: the place of its slot
 * @page: its number in the slot
 */
static inline unsigned long ioas_gather_pfn(const struct ioas_gather *gather,
					    unsigned int i, unsigned int page)
{
	return (gather->slot[i] << IOAS_SLOT_SHIFT) + page;
}

void ioas_index_forget_owner(struct ioas_owner *owner);
void ioas_index_trim(struct ioas_ledger *ledger);
struct ioas_state *ioas_index_lookup(struct ioas_ledger *ledger,
				     unsigned long pfn);

void ioas_index_cache_init(void);

/**
 * struct ioas_index_size - what the index of a ledger consists of
 * @blocks: number of blocks
 * @even: slots that are a state
 * @two: leaves of form "two"
 * @many: leaves of form "many"
 * @bytes: memory of all, and of the states
 */
struct ioas_index_size {
	unsigned long blocks;
	unsigned long even;
	unsigned long two;
	unsigned long many;
	unsigned long bytes;
};

void ioas_index_measure(struct ioas_ledger *ledger,
			struct ioas_index_size *size);

#endif /* _CGROUP_IOAS_INDEX_H */
