/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dma-bufs made of memfds, for the test programs.
 */
#ifndef IOAS_UDMABUF_H
#define IOAS_UDMABUF_H

#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "ioas_test.h"

static inline int open_udmabuf(void)
{
	int fd = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);

	REQUIRE(fd >= 0);
	return fd;
}

/* A memfd that udmabuf takes: it cannot shrink. */
static inline int get_sealed_memfd(size_t size, unsigned int flags)
{
	int fd = memfd_create("ioas", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

	REQUIRE(fd >= 0 && !ftruncate(fd, size));
	REQUIRE(!fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	return fd;
}

/* Returns the file descriptor of a dma-buf, or -errno. */
static inline int make_udmabuf(int device, int memfd, uint64_t offset,
			       uint64_t size)
{
	const struct udmabuf_create create = {
		.memfd = memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.offset = offset,
		.size = size,
	};
	int fd = ioctl(device, UDMABUF_CREATE, &create);

	return fd < 0 ? -errno : fd;
}

#endif /* IOAS_UDMABUF_H */
