// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AF_XDP: the UMEM of a socket.
 */
#include <linux/if_xdp.h>
#include <sys/socket.h>

#include "stress.h"

static bool open_site(void)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	REQUIRE(fd >= 0);
	close(fd);
	return true;
}

static int pin(struct hold *hold)
{
	struct xdp_umem_reg reg = {
		.addr = (uintptr_t)range_address(&hold->range[0]),
		.len = hold->range[0].nr * PAGE,
		.chunk_size = one_in(2) ? 2048 : 4096,
	};
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg))) {
		ret = -errno;
		close(fd);
		return ret;
	}
	hold->handle = fd;
	return 0;
}

static int unpin(struct hold *hold)
{
	return close(hold->handle) ? -errno : 0;
}

const struct site site_xdp = {
	.name = "AF_XDP",
	.kind = "xdp",
	.open = open_site,
	.pin = pin,
	.unpin = unpin,
	.nr_ranges = 1,
};
