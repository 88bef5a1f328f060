// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VFIO containers with a device: VFIO's own, and iommufd in its place.  A worker has
 * one device at most.
 */
#include "stress.h"
#include "../selftests/ioas_vfio.h"

/* Twice what a hold may have: some is left over for the offset in a huge page. */
#define SLOT_SIZE (2 * RANGE_SIZE)

static struct container container;

static bool open_with(const struct container_kind *kind, unsigned int which)
{
	if (!me->address || me->number % 3 != which)
		return false;
	open_container(&container, kind, me->address);
	return true;
}

static bool open_vfio(void)
{
	return open_with(&type1_v2, 0);
}

static bool open_compat(void)
{
	return open_with(&compat_v2, 1);
}

static int pin(struct hold *hold)
{
	char *address = range_address(&hold->range[0]);
	uint64_t iova = hold_slot(hold) * SLOT_SIZE;

	/* So that huge pages can be mapped as such. */
	if (one_in(2))
		iova += (uintptr_t)address % HUGE_PAGE;
	hold->handle = iova;
	return map(&container, address, iova, hold->range[0].nr * PAGE);
}

static int unpin(struct hold *hold)
{
	int64_t size = hold->range[0].nr * PAGE;
	int64_t ret = unmap(&container, hold->handle, size);

	if (ret < 0)
		return ret;
	REQUIRE(ret == size);
	return 0;
}

const struct site site_vfio = {
	.name = "VFIO type1",
	.kind = "vfio",
	.open = open_vfio,
	.pin = pin,
	.unpin = unpin,
	.nr_ranges = 1,
};

const struct site site_compat = {
	.name = "iommufd as VFIO",
	.kind = "iommufd",
	.open = open_compat,
	.pin = pin,
	.unpin = unpin,
	.nr_ranges = 1,
};
