// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RLIMIT_MEMLOCK and ioas.pinned.memlock where VFIO and iommufd pin: other sites have
 * this in programs of their own.
 *
 * memlock_pins ADDRESS: a PCI device bound to vfio-pci.
 */
#include "ioas_iommufd.h"
#include "ioas_memlock.h"

#define IOVA_OF(slot) ((slot)*1024 * MIB)

/* ---- a container: VFIO's, or an iommufd that takes VFIO's ioctls ---- */

static struct container container;
static size_t sizes[MEMLOCK_SLOTS];

static int pin_in_container(unsigned int slot, void *memory, size_t size)
{
	sizes[slot] = size;
	return map(&container, memory, IOVA_OF(slot), size);
}

static void unpin_in_container(unsigned int slot)
{
	REQUIRE(unmap(&container, IOVA_OF(slot), sizes[slot]) ==
		(int64_t)sizes[slot]);
}

static const struct memlock_site type1_site = {
	.refusal = -ENOMEM,
	.in_vmpin = false,
	.pin = pin_in_container,
	.unpin = unpin_in_container,
};

static const struct memlock_site compat_site = {
	.refusal = -ENOMEM,
	.in_vmpin = true,
	.pin = pin_in_container,
	.unpin = unpin_in_container,
};

/* ---- an IOAS ---- */

static int iommufd;
static uint32_t ioas;

static int pin_in_ioas(unsigned int slot, void *memory, size_t size)
{
	sizes[slot] = size;
	return map_at(iommufd, ioas, memory, IOVA_OF(slot), size);
}

static void unpin_in_ioas(unsigned int slot)
{
	REQUIRE(!unmap_at(iommufd, ioas, IOVA_OF(slot), sizes[slot]));
}

static const struct memlock_site iommufd_site = {
	.refusal = -ENOMEM,
	.in_vmpin = true,
	.pin = pin_in_ioas,
	.unpin = unpin_in_ioas,
};

int main(int argc, char **argv)
{
	int device;

	if (argc != 2) {
		fprintf(stderr, "usage: memlock_pins ADDRESS\n");
		return 2;
	}
	/* Opened here, used by the processes of the tests. */
	test_variant = type1_v2.name;
	open_container(&container, &type1_v2, argv[1]);
	run_memlock_tests(&type1_site, "memlock-pins");
	close_container(&container);

	test_variant = compat_v2.name;
	open_container(&container, &compat_v2, argv[1]);
	run_memlock_tests(&compat_site, "memlock-pins");
	close_container(&container);

	test_variant = "iommufd";
	iommufd = open_iommufd();
	device = open_cdev(argv[1]);
	bind_device(iommufd, device);
	ioas = new_ioas(iommufd);
	REQUIRE(!attach(device, ioas));
	run_memlock_tests(&iommufd_site, "memlock-pins");
	REQUIRE(!close(device));
	REQUIRE(!close(iommufd));
	return end_tests();
}
