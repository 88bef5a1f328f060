/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * States: who pins a page, and how often.  See state.c.
 */
#ifndef _CGROUP_IOAS_STATE_H
#define _CGROUP_IOAS_STATE_H

#include <linux/rbtree.h>
#include <linux/refcount.h>

struct ioas_ledger;
struct ioas_owner;

/* The value of &struct ioas_state.bit that marks an entry. */
#define IOAS_STATE_ENTRY	U32_MAX

/**
 * struct ioas_state - an immutable set of owners with counts, or a part of one
 * @rb: in a slot of the ledger's table; not used by single states
 * @refs: held by larger states, by calls under way, and by slots and leaves of the
 *	index; not used by single states
 * @bit: the bit of the owners' paths at which the two branches part, or
 *	%IOAS_STATE_ENTRY
 * @branch: the owners that have @bit clear, and those that have it set
 * @owner: of an entry; referenced, save by its single state
 * @count: of an entry, how often @owner pins the page; never 0
 *
 * NULL is the empty set: a page that nobody pins.
 */
struct ioas_state {
	struct rb_node rb;
	refcount_t refs;
	u32 bit;
	union {
		struct ioas_state *branch[2];
		struct {
			struct ioas_owner *owner;
			unsigned long count;
		};
	};
} __aligned(8);	/* the index uses the lower bits of pointers */

/**
 * ioas_state_is_single() - is it the state of a page that one owner pins once?
 * @state: the state, not NULL
 *
 * That state is a part of the owner: a reference to it is one to the owner.
 */
static inline bool ioas_state_is_single(const struct ioas_state *state)
{
	return state->bit == IOAS_STATE_ENTRY && state->count == 1;
}

/**
 * struct ioas_step - one owner pins a page once more, or once less
 * @without: the state without that pin; referenced, save in &ioas_owner.single
 * @with: the state with it; likewise
 * @stop: the first ancestor of the owner that holds the page in @without too.
 *	The owner and its ancestors below @stop are those whose count goes from
 *	0 to 1, or back.
 * @shared: the lowest owner whose subtree holds all pins of @without, and
 * @shared_stop: its first ancestor for which that is still so in @with.  For
 *	@shared and its ancestors below @shared_stop the page is theirs alone in
 *	@without, and shared in @with.
 */
struct ioas_step {
	struct ioas_state *without;
	struct ioas_state *with;
	struct ioas_owner *stop;
	struct ioas_owner *shared;
	struct ioas_owner *shared_stop;
};

void ioas_state_get(struct ioas_state *state);
void ioas_state_put(struct ioas_ledger *ledger, struct ioas_state *state);
unsigned long ioas_state_count(struct ioas_state *state,
			       struct ioas_owner *owner);

int ioas_step_add(struct ioas_step *step, struct ioas_state *state,
		  struct ioas_owner *owner, gfp_t gfp);
int ioas_step_sub(struct ioas_step *step, struct ioas_state *state,
		  struct ioas_owner *owner, gfp_t gfp);
void ioas_step_put(struct ioas_step *step, struct ioas_ledger *ledger);

void ioas_state_cache_init(void);

#endif /* _CGROUP_IOAS_STATE_H */
