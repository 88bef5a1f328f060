/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UMEMs of AF_XDP sockets, for the test programs.
 */
#ifndef IOAS_XDP_H
#define IOAS_XDP_H

#include <linux/if_xdp.h>
#include <sys/socket.h>

#include "ioas_test.h"

#define XDP_CHUNK 2048

/* Takes CAP_NET_RAW. */
static inline int open_xdp(void)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	REQUIRE(fd >= 0);
	return fd;
}

/*
 * Returns 0 or -errno. A socket has one UMEM, which stays until the last socket
 * that uses it is closed; the kernel frees it from a work queue.
 */
static inline int register_umem(int fd, void *memory, size_t size)
{
	const struct xdp_umem_reg reg = {
		.addr = (uintptr_t)memory,
		.len = size,
		.chunk_size = XDP_CHUNK,
	};

	return setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) ?
		       -errno :
		       0;
}

#endif /* IOAS_XDP_H */
