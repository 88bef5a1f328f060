/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mappings of a vhost-vdpa device, for the test programs. */
#ifndef IOAS_VDPA_H
#define IOAS_VDPA_H

#include <linux/vhost.h>
#include <linux/vhost_types.h>
#include <sys/ioctl.h>

#include "ioas_test.h"

/*
 * A simulated device that takes user addresses needs no pins. tests/vm/vmrun tells
 * it not to.
 */
static inline void require_pinning_vdpa(void)
{
	char text[8];

	REQUIRE(read_file("/sys/module/vdpa_sim/parameters/use_va", text,
			  sizeof(text)) > 0);
	REQUIRE(text[0] == 'N');
}

/* Opens a device for this process: its memory is what can be mapped. */
static inline int open_vdpa(const char *path)
{
	uint64_t features = 1ULL << VHOST_BACKEND_F_IOTLB_MSG_V2 |
			    1ULL << VHOST_BACKEND_F_IOTLB_BATCH |
			    1ULL << VHOST_BACKEND_F_IOTLB_ASID;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	REQUIRE(fd >= 0);
	REQUIRE(!ioctl(fd, VHOST_SET_OWNER, NULL));
	REQUIRE(!ioctl(fd, VHOST_SET_BACKEND_FEATURES, &features));
	return fd;
}

/* Returns 0 or -errno. */
static inline int vdpa_message(int fd, uint8_t type, uint32_t asid,
			       const void *memory, uint64_t iova, uint64_t size)
{
	const struct vhost_msg_v2 message = {
		.type = VHOST_IOTLB_MSG_V2,
		.asid = asid,
		.iotlb = {
			.iova = iova,
			.size = size,
			.uaddr = (uintptr_t)memory,
			.perm = VHOST_ACCESS_RW,
			.type = type,
		},
	};

	return write(fd, &message, sizeof(message)) < 0 ? -errno : 0;
}

static inline int map_vdpa(int fd, uint32_t asid, const void *memory,
			   uint64_t iova, uint64_t size)
{
	return vdpa_message(fd, VHOST_IOTLB_UPDATE, asid, memory, iova, size);
}

static inline void unmap_vdpa(int fd, uint32_t asid, uint64_t iova,
			      uint64_t size)
{
	REQUIRE(!vdpa_message(fd, VHOST_IOTLB_INVALIDATE, asid, NULL, iova,
			      size));
}

/*
 * In a batch, as QEMU does all, the device is told of the mappings once, at the end.
 * Without one the simulator copies all that there are with each, and a message that is
 * cut into N mappings takes N * N of them.
 */
static inline void begin_batch(int fd)
{
	REQUIRE(!vdpa_message(fd, VHOST_IOTLB_BATCH_BEGIN, 0, NULL, 0, 0));
}

static inline void end_batch(int fd)
{
	REQUIRE(!vdpa_message(fd, VHOST_IOTLB_BATCH_END, 0, NULL, 0, 0));
}

#endif /* IOAS_VDPA_H */
