/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mock devices and kernel users of the iommufd test driver, and holes that it
 * makes on request, for the test programs.
 */
#ifndef IOAS_MOCK_H
#define IOAS_MOCK_H

/* Of the kernel tree: it is not among the headers that a kernel installs. */
#include "iommufd_test.h"

#include "ioas_iommufd.h"

/* A mock device translates from the first of these addresses to the last. */
#define MOCK_START ((uint64_t)MOCK_APERTURE_START)
#define MOCK_LAST ((uint64_t)MOCK_APERTURE_LAST)

/* Flags of a mock device that has so many bits of PASIDs. */
#define MOCK_PASID_BITS(bits) \
	((uint32_t)(bits) << MOCK_FLAGS_DEVICE_PASID_SHIFT)

/**
 * struct mock_device - a mock device that is attached to an IOAS
 * @id: for the test driver; who destroys that unplugs the device
 * @bound: for iommufd
 */
struct mock_device {
	uint32_t id;
	uint32_t bound;
};

/* Returns 0 or -errno, as do the next ones. */
static inline int mock_command(int iommufd, struct iommu_test_cmd *command)
{
	command->size = sizeof(*command);
	return ioctl(iommufd, IOMMU_TEST_CMD, command) ? -errno : 0;
}

/* Attaches a new device to an IOAS. */
static inline int add_mock_device_with(int iommufd, uint32_t to, uint32_t flags,
				       struct mock_device *device)
{
	struct iommu_test_cmd command = {
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS,
		.id = to,
		.mock_domain_flags.dev_flags = flags,
	};
	int ret = mock_command(iommufd, &command);

	if (!ret) {
		device->id = command.mock_domain_flags.out_stdev_id;
		device->bound = command.mock_domain_flags.out_idev_id;
	}
	return ret;
}

static inline int add_mock_device(int iommufd, uint32_t to, uint32_t *id)
{
	struct mock_device device;
	int ret = add_mock_device_with(iommufd, to, 0, &device);

	if (!ret)
		*id = device.id;
	return ret;
}

/* Makes a hole in an IOAS, for as long as that is there. */
static inline int reserve(int iommufd, uint32_t in, uint64_t start,
			  uint64_t size)
{
	struct iommu_test_cmd command = {
		.op = IOMMU_TEST_OP_ADD_RESERVED,
		.id = in,
		.add_reserved = { .start = start, .length = size },
	};

	return mock_command(iommufd, &command);
}

/* A kernel user that pins in an IOAS, until the file is closed. */
static inline int open_access(int iommufd, uint32_t to)
{
	struct iommu_test_cmd command = {
		.op = IOMMU_TEST_OP_CREATE_ACCESS,
		.id = to,
		.create_access.flags = MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES,
	};

	REQUIRE(!mock_command(iommufd, &command));
	return command.create_access.out_access_fd;
}

static inline int pin_for_access(int iommufd, int access, uint64_t iova,
				 uint64_t size)
{
	struct iommu_test_cmd command = {
		.op = IOMMU_TEST_OP_ACCESS_PAGES,
		.id = access,
		.access_pages = {
			.flags = MOCK_FLAGS_ACCESS_WRITE,
			.iova = iova,
			.length = size,
		},
	};

	return mock_command(iommufd, &command);
}

#endif /* IOAS_MOCK_H */
