// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * udmabuf: a dma-buf of parts of memfds.
 */
#include <linux/udmabuf.h>
#include <sys/ioctl.h>

#include "stress.h"

static int device;

static bool open_site(void)
{
	device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	REQUIRE(device >= 0);
	return true;
}

static int pin(struct hold *hold)
{
	struct {
		struct udmabuf_create_list list;
		struct udmabuf_create_item item[NR_RANGES];
	} create = {
		.list.flags = UDMABUF_FLAGS_CLOEXEC,
		.list.count = hold->nr_ranges,
	};
	int fd;

	for (uint32_t i = 0; i < hold->nr_ranges; i++) {
		const struct range *range = &hold->range[i];

		create.item[i].memfd = memories[range->memory].fd;
		create.item[i].offset = range->first * PAGE;
		create.item[i].size = range->nr * PAGE;
	}
	fd = ioctl(device, UDMABUF_CREATE_LIST, &create);
	if (fd < 0)
		return -errno;
	hold->handle = fd;
	return 0;
}

static int unpin(struct hold *hold)
{
	return close(hold->handle) ? -errno : 0;
}

const struct site site_udmabuf = {
	.name = "udmabuf",
	.kind = "dmabuf",
	.open = open_site,
	.pin = pin,
	.unpin = unpin,
	.nr_ranges = NR_RANGES,
};
