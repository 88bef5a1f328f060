// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * io_uring: registered buffers, of which two rings may share some; rings in user
 * memory; rings of provided buffers in user memory.
 */
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "stress.h"

#define NR_RINGS 2
#define NR_SLOTS 8

/* hold->handle of a buffer: the rings that have it. */
#define IN_RING(i) (1ULL << (i))

/**
 * struct ring - a ring with a table of buffers
 * @fd: the ring
 * @has_table: whether buffers are registered
 * @slot: the buffers, or NULL where there is none
 */
static struct ring {
	int fd;
	bool has_table;
	struct hold *slot[NR_SLOTS];
} rings[NR_RINGS];

/* What is registered needs no table: a buffer group for each hold. */
static int pbuf_fd;

static int setup_ring(unsigned int entries, struct io_uring_params *params)
{
	int fd = syscall(SYS_io_uring_setup, entries, params);

	return fd < 0 ? -errno : fd;
}

static int new_ring(void)
{
	struct io_uring_params params = {};
	int fd = setup_ring(4, &params);

	REQUIRE(fd >= 0);
	return fd;
}

static int ring_register(int fd, unsigned int what, const void *arg,
			 unsigned int nr)
{
	int ret = syscall(SYS_io_uring_register, fd, what, arg, nr);

	return ret < 0 ? -errno : ret;
}

/* ---- registered buffers ---- */

static bool open_buffers(void)
{
	for (int i = 0; i < NR_RINGS; i++)
		rings[i].fd = new_ring();
	return true;
}

static struct iovec iovec_of(const struct hold *hold)
{
	return (struct iovec){
		.iov_base = range_address(&hold->range[0]),
		.iov_len = hold->range[0].nr * PAGE,
	};
}

/* A ring lets go of what it has in a slot. */
static void empty_slot(struct ring *ring, unsigned int slot)
{
	struct hold *hold = ring->slot[slot];

	ring->slot[slot] = NULL;
	if (!hold)
		return;
	hold->handle &= ~IN_RING(ring - rings);
	if (hold->handle)
		return;
	drop_hold(hold);
	me->tally[SITE_BUFFERS].unpins++;
}

static void empty_table(struct ring *ring)
{
	for (int i = 0; i < NR_SLOTS; i++)
		empty_slot(ring, i);
	ring->has_table = false;
}

static void fill_slot(struct ring *ring, unsigned int slot, struct hold *hold)
{
	ring->slot[slot] = hold;
	if (!hold)
		return;
	hold->used = true;
	hold->handle |= IN_RING(ring - rings);
}

/* All of them, or none. */
static int register_table(struct ring *ring)
{
	struct hold *holds[NR_SLOTS] = {};
	struct iovec iovecs[NR_SLOTS] = {};
	unsigned int nr = 1 + random_below(NR_SLOTS / 2);
	struct hold *first = NULL;
	int ret;

	for (unsigned int i = 0; i < nr; i++) {
		unsigned int slot = random_below(NR_SLOTS);

		if (holds[slot])
			continue;
		holds[slot] = new_hold(SITE_BUFFERS);
		if (!holds[slot])
			break;
		choose_range(&holds[slot]->range[0], RANGE_PAGES);
		holds[slot]->nr_ranges = 1;
		iovecs[slot] = iovec_of(holds[slot]);
		/* Taken, so that the next one gets another. */
		holds[slot]->used = true;
		first = holds[slot];
	}
	if (!first)
		return -EBUSY;
	for (int i = 0; i < NR_SLOTS; i++)
		if (holds[i])
			holds[i]->used = false;
	begin_operation("register", SITE_BUFFERS, first);
	ret = end_operation(ring_register(ring->fd, IORING_REGISTER_BUFFERS,
					  iovecs, NR_SLOTS));
	if (ret)
		return ret;
	for (int i = 0; i < NR_SLOTS; i++) {
		fill_slot(ring, i, holds[i]);
		me->tally[SITE_BUFFERS].pins += !!holds[i];
	}
	ring->has_table = true;
	return 0;
}

static void clone_table(struct ring *to, const struct ring *from)
{
	struct io_uring_clone_buffers clone = { .src_fd = from->fd };
	int ret;

	begin_operation("clone", SITE_BUFFERS, NULL);
	ret = end_operation(ring_register(to->fd, IORING_REGISTER_CLONE_BUFFERS,
					  &clone, 1));
	if (ret)
		return;
	for (int i = 0; i < NR_SLOTS; i++)
		fill_slot(to, i, from->slot[i]);
	to->has_table = true;
	me->tally[SITE_BUFFERS].others++;
}

static void unregister_table(struct ring *ring)
{
	int ret;

	begin_operation("unregister", SITE_BUFFERS, NULL);
	ret = end_operation(
		ring_register(ring->fd, IORING_UNREGISTER_BUFFERS, NULL, 0));
	if (!ret)
		empty_table(ring);
}

/* Puts another buffer into a slot, or none. */
static void update_slot(struct ring *ring, bool fill)
{
	unsigned int slot = random_below(NR_SLOTS);
	struct hold *hold = fill ? new_hold(SITE_BUFFERS) : NULL;
	struct iovec iovec = {};
	struct io_uring_rsrc_update2 update = {
		.offset = slot,
		.data = (uintptr_t)&iovec,
		.nr = 1,
	};
	int ret;

	if (fill && !hold)
		return;
	if (hold) {
		choose_range(&hold->range[0], RANGE_PAGES);
		hold->nr_ranges = 1;
		iovec = iovec_of(hold);
	}
	begin_operation(fill ? "update" : "clear", SITE_BUFFERS, hold);
	ret = ring_register(ring->fd, IORING_REGISTER_BUFFERS_UPDATE, &update,
			    sizeof(update));
	ret = end_operation(ret == 1 ? 0 : ret);
	if (ret)
		return;
	empty_slot(ring, slot);
	fill_slot(ring, slot, hold);
	me->tally[SITE_BUFFERS].pins += fill;
}

/* The kernel releases what it had some time later. */
static void reopen(struct ring *ring)
{
	begin_operation("close", SITE_BUFFERS, NULL);
	REQUIRE(!end_operation(close(ring->fd)));
	empty_table(ring);
	ring->fd = new_ring();
	me->tally[SITE_BUFFERS].others++;
}

static void use_buffers(void)
{
	struct ring *ring = &rings[random_below(NR_RINGS)];
	struct ring *other = &rings[!(ring - rings)];

	if (one_in(24))
		reopen(ring);
	else if (!ring->has_table && other->has_table && one_in(2))
		clone_table(ring, other);
	else if (!ring->has_table)
		register_table(ring);
	else if (one_in(8))
		unregister_table(ring);
	else
		update_slot(ring, !one_in(3));
}

/* A hold that is to go: in retirement only. */
static int unpin_buffer(struct hold *hold)
{
	for (int i = 0; i < NR_RINGS; i++) {
		struct iovec iovec = {};

		for (unsigned int slot = 0; slot < NR_SLOTS; slot++) {
			struct io_uring_rsrc_update2 update = {
				.offset = slot,
				.data = (uintptr_t)&iovec,
				.nr = 1,
			};
			int ret;

			if (rings[i].slot[slot] != hold)
				continue;
			ret = ring_register(rings[i].fd,
					    IORING_REGISTER_BUFFERS_UPDATE,
					    &update, sizeof(update));
			if (ret != 1)
				return ret;
			rings[i].slot[slot] = NULL;
			hold->handle &= ~IN_RING(i);
		}
	}
	return 0;
}

/* ---- rings in user memory ---- */

#define MOST_ENTRIES 512U

static bool always(void)
{
	return true;
}

static uint32_t pages_of(uint64_t size)
{
	return (size + PAGE - 1) / PAGE;
}

/* Enough for the largest ring; what it takes in the end is less. */
static void choose_ring(struct hold *hold)
{
	hold->nr_ranges = 2;
	for (int i = 0; i < 2; i++) {
		choose_range(&hold->range[i], 16);
		hold->range[i].nr = 16;
		if (hold->range[i].first + 16 >
		    memories[hold->range[i].memory].nr_pages)
			hold->range[i].first -= 16;
	}
}

static int pin_ring(struct hold *hold)
{
	unsigned int entries = 1 + random_below(MOST_ENTRIES);
	struct io_uring_params params = {
		.flags = IORING_SETUP_NO_MMAP |
			 (one_in(2) ? IORING_SETUP_NO_SQARRAY : 0),
		.cq_off.user_addr = (uintptr_t)range_address(&hold->range[0]),
		.sq_off.user_addr = (uintptr_t)range_address(&hold->range[1]),
	};
	uint64_t size;
	int fd = setup_ring(entries, &params);

	if (fd < 0)
		return fd;
	if (params.flags & IORING_SETUP_NO_SQARRAY)
		size = params.cq_off.cqes +
		       params.cq_entries * sizeof(struct io_uring_cqe);
	else
		size = params.sq_off.array +
		       params.sq_entries * sizeof(uint32_t);
	hold->range[0].nr = pages_of(size);
	hold->range[1].nr =
		pages_of(params.sq_entries * sizeof(struct io_uring_sqe));
	hold->handle = fd;
	return 0;
}

static int close_handle(struct hold *hold)
{
	return close(hold->handle) ? -errno : 0;
}

/* ---- rings of provided buffers ---- */

static bool open_pbuf(void)
{
	pbuf_fd = new_ring();
	return true;
}

/* The number of entries is a power of 2. */
static void choose_pbuf(struct hold *hold)
{
	choose_range(&hold->range[0], 16);
	hold->nr_ranges = 1;
	while (hold->range[0].nr & (hold->range[0].nr - 1))
		hold->range[0].nr &= hold->range[0].nr - 1;
}

static int pin_pbuf(struct hold *hold)
{
	const struct range *range = &hold->range[0];
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)range_address(range),
		.ring_entries = range->nr * PAGE / sizeof(struct io_uring_buf),
		.bgid = hold_slot(hold),
	};

	return ring_register(pbuf_fd, IORING_REGISTER_PBUF_RING, &reg, 1);
}

static int unpin_pbuf(struct hold *hold)
{
	struct io_uring_buf_reg reg = { .bgid = hold_slot(hold) };

	return ring_register(pbuf_fd, IORING_UNREGISTER_PBUF_RING, &reg, 1);
}

const struct site site_buffers = {
	.name = "io_uring buffers",
	.kind = "io_uring",
	.open = open_buffers,
	.unpin = unpin_buffer,
	.other = use_buffers,
};

const struct site site_ring = {
	.name = "io_uring rings",
	.kind = "io_uring",
	.open = always,
	.pin = pin_ring,
	.unpin = close_handle,
	.choose = choose_ring,
};

const struct site site_pbuf = {
	.name = "io_uring provided buffers",
	.kind = "io_uring",
	.open = open_pbuf,
	.pin = pin_pbuf,
	.unpin = unpin_pbuf,
	.choose = choose_pbuf,
};
