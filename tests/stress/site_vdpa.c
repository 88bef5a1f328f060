// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vhost-vdpa: what a device may reach, told by messages.  A worker has one device
 * at most.
 */
#include <linux/vhost.h>
#include <sys/ioctl.h>

#include "stress.h"

static int fd;

static bool open_site(void)
{
	uint64_t features = 1ULL << VHOST_BACKEND_F_IOTLB_MSG_V2;

	if (!me->vdpa)
		return false;
	fd = open(me->vdpa, O_RDWR | O_CLOEXEC);
	REQUIRE(fd >= 0);
	REQUIRE(!ioctl(fd, VHOST_SET_OWNER));
	REQUIRE(!ioctl(fd, VHOST_SET_BACKEND_FEATURES, &features));
	return true;
}

static int send_message(uint8_t type, const struct hold *hold)
{
	const struct range *range = &hold->range[0];
	struct vhost_msg_v2 message = {
		.type = VHOST_IOTLB_MSG_V2,
		.iotlb = {
			.iova = hold_slot(hold) * RANGE_SIZE,
			.size = range->nr * PAGE,
			.uaddr = (uintptr_t)range_address(range),
			.perm = VHOST_ACCESS_RW,
			.type = type,
		},
	};

	if (write(fd, &message, sizeof(message)) == sizeof(message))
		return 0;
	/* What vhost makes of any error of a device, a refusal among them. */
	return errno == EFAULT ? -ENOMEM : -errno;
}

static int pin(struct hold *hold)
{
	return send_message(VHOST_IOTLB_UPDATE, hold);
}

static int unpin(struct hold *hold)
{
	return send_message(VHOST_IOTLB_INVALIDATE, hold);
}

const struct site site_vdpa = {
	.name = "vhost-vdpa",
	.kind = "vdpa",
	.open = open_site,
	.pin = pin,
	.unpin = unpin,
	.nr_ranges = 1,
};
