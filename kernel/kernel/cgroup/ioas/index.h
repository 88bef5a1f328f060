/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The index: the state of every pinned page.  See index.c.
 */
#ifndef _CGROUP_IOAS_INDEX_H
#define _CGROUP_IOAS_INDEX_H

#include <linux/gfp_types.h>

#include "state.h"

struct ioas_leaf;
struct ioas_palette;

/**
 * struct ioas_op - charges and uncharges of one call, for one owner
 * @owner: the owner
 * @single: the step from "nobody" to "@owner, once"; the caller holds its state
 * @refused: set when a charge fails on a limit: whose limit it was
 * @gfp: for allocations
 * @crossed_high: set when a charge crosses a high mark
 * @has_more: the members below are valid; most calls do without them
 * @step: the step last made; both of its states are referenced
 * @spare_two: memory for the next leaf of that form, or NULL
 * @spare_many: the same
 * @spare_palette: the same
 * @dead: memory of leaves that went while a slot was locked
 */
struct ioas_op {
	struct ioas_owner *owner;
	const struct ioas_step *single;
	struct ioas_owner *refused;
	gfp_t gfp;
	bool crossed_high;
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
 * @single: the step from nobody to @owner alone; the caller holds it too
 */
static inline void ioas_op_begin(struct ioas_op *op, struct ioas_owner *owner,
				 const struct ioas_step *single)
{
	op->owner = owner;
	op->single = single;
	op->refused = NULL;
	op->crossed_high = false;
	op->has_more = false;
}

void ioas_op_end(struct ioas_op *op);
int ioas_op_charge(struct ioas_op *op, unsigned long pfn, unsigned long nr);
void ioas_op_uncharge(struct ioas_op *op, unsigned long pfn, unsigned long nr);

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
