/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * io_uring's registered buffers, for the test programs.
 *
 * The kernel's header comes before liburing's, which is older and then leaves its
 * own copy out. A program that includes this is linked with liburing: see
 * scripts/programs.sh.
 */
#ifndef IOAS_IO_URING_H
#define IOAS_IO_URING_H

#include <linux/io_uring.h>

#include <liburing.h>

#include "ioas_test.h"

static inline void open_ring(struct io_uring *ring)
{
	REQUIRE(!io_uring_queue_init(8, ring, 0));
}

/* The kernel frees it from a work queue. */
static inline void close_ring(struct io_uring *ring)
{
	io_uring_queue_exit(ring);
}

/* Returns 0 or -errno. The ring must have no buffers yet. */
static inline int register_buffer(struct io_uring *ring, void *memory,
				  size_t size)
{
	const struct iovec iov = { memory, size };

	return io_uring_register_buffers(ring, &iov, 1);
}

static inline void unregister_buffers(struct io_uring *ring)
{
	REQUIRE(!io_uring_unregister_buffers(ring));
}

#endif /* IOAS_IO_URING_H */
