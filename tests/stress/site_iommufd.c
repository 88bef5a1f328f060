// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iommufd: mappings in two IOASes that share pages by IOMMU_IOAS_COPY, and pages
 * pinned by a kernel user of an IOAS without a domain.
 *
 * The IOASes have a mock domain of the iommufd test driver, or a device.
 */
#include "stress.h"
#include "../selftests/ioas_iommufd.h"
#include "iommufd_test.h"

/* The mock domain has 2 GiB of I/O addresses. */
#define SLOT_SIZE (2 * RANGE_SIZE)
#define FIRST_IOVA (16 * MIB)

/* hold->handle: an I/O address, and the IOASes that it is mapped in. */
#define IN_IOAS(i) (1ULL << (i))
#define ALL_IOASES (IN_IOAS(0) | IN_IOAS(1))

static int fd;
static uint32_t ioas[2];

/* An IOAS without a domain, and who pins in it. */
static uint32_t bare_ioas;
static int access_fd;

static void add_mock_domain(uint32_t to)
{
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_MOCK_DOMAIN,
		.id = to,
	};

	REQUIRE(!ioctl(fd, IOMMU_TEST_CMD, &cmd));
}

static bool open_site(void)
{
	fd = open_iommufd();
	for (int i = 0; i < 2; i++) {
		ioas[i] = new_ioas(fd);
		if (!i && me->address && me->number % 3 == 2) {
			int device = open_cdev(me->address);

			bind_device(fd, device);
			REQUIRE(!attach(device, ioas[i]));
		} else {
			add_mock_domain(ioas[i]);
		}
	}
	return true;
}

static uint64_t iova_of(const struct hold *hold)
{
	return hold->handle & ~(PAGE - 1);
}

static uint64_t size_of(const struct hold *hold)
{
	return hold->range[0].nr * PAGE;
}

static uint64_t choose_iova(const struct hold *hold)
{
	uint64_t iova = FIRST_IOVA + hold_slot(hold) * SLOT_SIZE;

	if (one_in(2))
		iova += (uintptr_t)range_address(&hold->range[0]) % HUGE_PAGE;
	return iova;
}

static int pin(struct hold *hold)
{
	uint64_t iova = choose_iova(hold);
	int i = random_below(2);

	hold->handle = iova | IN_IOAS(i);
	return map_at(fd, ioas[i], range_address(&hold->range[0]), iova,
		      size_of(hold));
}

/* What is gone stays gone, so an error in the second one is the only one. */
static int unpin(struct hold *hold)
{
	for (int i = 0; i < 2; i++) {
		int ret;

		if (!(hold->handle & IN_IOAS(i)))
			continue;
		ret = unmap_at(fd, ioas[i], iova_of(hold), size_of(hold));
		if (ret)
			return ret;
		hold->handle &= ~IN_IOAS(i);
	}
	return 0;
}

/* Maps the pages of a hold in the other IOAS too, or unmaps them from one. */
static void copy_or_unmap(void)
{
	struct hold *hold = random_hold(SITE_IOMMUFD);
	int i = random_below(2), ret;

	if (!hold)
		return;
	if ((hold->handle & ALL_IOASES) == ALL_IOASES) {
		begin_operation("unmap from one", SITE_IOMMUFD, hold);
		ret = unmap_at(fd, ioas[i], iova_of(hold), size_of(hold));
		if (!end_operation(ret))
			hold->handle &= ~IN_IOAS(i);
	} else {
		i = !!(hold->handle & IN_IOAS(0));
		begin_operation("copy", SITE_IOMMUFD, hold);
		ret = copy_at(fd, ioas[i], iova_of(hold), ioas[!i],
			      iova_of(hold), size_of(hold));
		if (!end_operation(ret))
			hold->handle |= IN_IOAS(i);
	}
	me->tally[SITE_IOMMUFD].others++;
}

/* ---- a kernel user ---- */

static bool open_access(void)
{
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_CREATE_ACCESS,
	};

	bare_ioas = new_ioas(fd);
	cmd.id = bare_ioas;
	cmd.create_access.flags = MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES;
	REQUIRE(!ioctl(fd, IOMMU_TEST_CMD, &cmd));
	access_fd = cmd.create_access.out_access_fd;
	return true;
}

/* hold->handle: an I/O address, in the low bits the number of the pages. */
static int pin_for_access(struct hold *hold)
{
	uint64_t iova = FIRST_IOVA + hold_slot(hold) * SLOT_SIZE;
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_ACCESS_PAGES,
		.id = access_fd,
		.access_pages = {
			.flags = MOCK_FLAGS_ACCESS_WRITE,
			.iova = iova,
			.length = size_of(hold),
		},
	};
	int ret = map_at(fd, bare_ioas, range_address(&hold->range[0]), iova,
			 size_of(hold));

	if (ret)
		return ret;
	if (ioctl(fd, IOMMU_TEST_CMD, &cmd)) {
		ret = -errno;
		no_faults();
		REQUIRE(!unmap_at(fd, bare_ioas, iova, size_of(hold)));
		return ret;
	}
	hold->handle = (uint64_t)cmd.access_pages.out_access_pages_id << 32 |
		       iova / PAGE;
	return 0;
}

static int unpin_for_access(struct hold *hold)
{
	struct iommu_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOMMU_TEST_OP_DESTROY_ACCESS_PAGES,
		.id = access_fd,
		.destroy_access_pages.access_pages_id = hold->handle >> 32,
	};
	uint64_t iova = (uint32_t)hold->handle * PAGE;

	if (ioctl(fd, IOMMU_TEST_CMD, &cmd))
		return -errno;
	no_faults();
	REQUIRE(!unmap_at(fd, bare_ioas, iova, size_of(hold)));
	return 0;
}

const struct site site_iommufd = {
	.name = "iommufd",
	.kind = "iommufd",
	.open = open_site,
	.pin = pin,
	.unpin = unpin,
	.other = copy_or_unmap,
	.nr_ranges = 1,
};

const struct site site_access = {
	.name = "iommufd access",
	.kind = "iommufd",
	.open = open_access,
	.pin = pin_for_access,
	.unpin = unpin_for_access,
	.nr_ranges = 1,
};
