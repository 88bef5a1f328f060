// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an iommufd charges for its I/O address spaces, with real devices.
 *
 * A mapping pins nothing until a device is attached to its IOAS, and pins once
 * however many devices and copies there are of it.
 *
 * iommufd_pins ADDRESS ADDRESS: two PCI devices bound to vfio-pci.
 */
#include <dirent.h>
#include <linux/iommufd.h>

#include "ioas_vfio.h"

#define GROUP "iommufd-pins"
#define OTHER "iommufd-pins-other"
#define SIZE (8 * MIB)

/* For IOMMU_OPTION_RLIMIT_MODE; the charge is the same for both. */
static uint64_t rlimit_mode;
static const struct memory_kind *memory_kind;
static const char *address[2];

/* What each test starts with: nothing is attached. */
static int iommufd;
static int device[2];
static uint32_t ioas;
static void *memory;

/* ---- iommufd's ioctls ---- */

/* The character device of a PCI device. */
static int open_cdev(const char *pci_address)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *folder;
	int fd = -1;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev",
		 pci_address);
	folder = opendir(path);
	REQUIRE(folder);
	while (fd < 0 && (entry = readdir(folder))) {
		if (strncmp(entry->d_name, "vfio", 4))
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s",
			 entry->d_name);
		fd = open(path, O_RDWR);
	}
	closedir(folder);
	REQUIRE(fd >= 0);
	return fd;
}

static void bind_device(int fd)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommufd,
	};

	REQUIRE(!ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind));
}

/* Returns 0 or -errno, as do the next ones. */
static int attach(int fd, uint32_t to)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = to,
	};

	return ioctl(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach) ? -errno : 0;
}

static int detach(int fd)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};

	return ioctl(fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach) ? -errno : 0;
}

static int map_at(uint32_t to, void *from, uint64_t iova, uint64_t size)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = to,
		.user_va = (uintptr_t)from,
		.length = size,
		.iova = iova,
	};

	return ioctl(iommufd, IOMMU_IOAS_MAP, &map) ? -errno : 0;
}

static int copy_at(uint32_t to, uint64_t to_iova, uint32_t from,
		   uint64_t from_iova, uint64_t size)
{
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.dst_ioas_id = to,
		.src_ioas_id = from,
		.length = size,
		.dst_iova = to_iova,
		.src_iova = from_iova,
	};

	return ioctl(iommufd, IOMMU_IOAS_COPY, &copy) ? -errno : 0;
}

static int unmap_at(uint32_t from, uint64_t iova, uint64_t size)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = from,
		.iova = iova,
		.length = size,
	};

	return ioctl(iommufd, IOMMU_IOAS_UNMAP, &unmap) ? -errno : 0;
}

static uint32_t new_ioas(void)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	REQUIRE(!ioctl(iommufd, IOMMU_IOAS_ALLOC, &alloc));
	return alloc.out_ioas_id;
}

static void set_rlimit_mode(void)
{
	struct iommu_option option = {
		.size = sizeof(option),
		.option_id = IOMMU_OPTION_RLIMIT_MODE,
		.op = IOMMU_OPTION_OP_SET,
		.val64 = rlimit_mode,
	};

	REQUIRE(!ioctl(iommufd, IOMMU_OPTION, &option));
}

/* ---- before and after each test ---- */

static void set_up(void)
{
	make_group(GROUP);
	make_group(OTHER);
	enter_group(GROUP);
	iommufd = open("/dev/iommu", O_RDWR);
	REQUIRE(iommufd >= 0);
	set_rlimit_mode();
	for (int i = 0; i < 2; i++) {
		device[i] = open_cdev(address[i]);
		bind_device(device[i]);
	}
	ioas = new_ioas();
	memory = memory_kind->get(SIZE);
}

static void clean_up(void)
{
	put_memory(memory, SIZE);
	for (int i = 0; i < 2; i++)
		REQUIRE(!close(device[i]));
	REQUIRE(!close(iommufd));
	enter_group("");
	EXPECT_EQ(pinned(GROUP), 0);
	EXPECT_EQ(stat_of(GROUP, "gross"), 0);
	EXPECT_EQ(stat_of(GROUP, "accounts"), 0);
	EXPECT_EQ(remove_group(GROUP), 0);
	EXPECT_EQ(pinned(OTHER), 0);
	EXPECT_EQ(remove_group(OTHER), 0);
}

static void expect_charges(int line, uint64_t unique, uint64_t gross,
			   int64_t accounts)
{
	expect(line, "ioas.pinned.current", pinned(GROUP), "",
	       pinned(GROUP) == (int64_t)unique, unique);
	expect(line, "gross", stat_of(GROUP, "gross"), "",
	       stat_of(GROUP, "gross") == (int64_t)gross, gross);
	expect(line, "iommufd", stat_of(GROUP, "iommufd"), "",
	       stat_of(GROUP, "iommufd") == (int64_t)gross, gross);
	expect(line, "accounts", stat_of(GROUP, "accounts"), "",
	       stat_of(GROUP, "accounts") == accounts, accounts);
}

#define EXPECT_CHARGES(unique, gross, accounts) \
	expect_charges(__LINE__, unique, gross, accounts)

/* ---- tests ---- */

static void map_is_charged_while_a_device_is_attached(void)
{
	EXPECT_EQ(map_at(ioas, memory, 0, SIZE), 0);
	EXPECT_CHARGES(0, 0, 1);
	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(attach(device[1], ioas), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(detach(device[0]), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(detach(device[1]), 0);
	EXPECT_CHARGES(0, 0, 1);
	EXPECT_EQ(unmap_at(ioas, 0, SIZE), 0);
	EXPECT_CHARGES(0, 0, 0);
}

static void map_after_attach_is_charged_at_once(void)
{
	const uint64_t odd = 3 * PAGE, part = 2 * HUGE_PAGE + 9 * PAGE;

	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_EQ(map_at(ioas, memory, 0, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(map_at(ioas, (char *)memory + odd, SIZE, part), 0);
	EXPECT_CHARGES(SIZE, SIZE + part, 2);
	EXPECT_EQ(unmap_at(ioas, 0, SIZE), 0);
	EXPECT_CHARGES(part, part, 1);
}

static void second_address_space_costs_nothing(void)
{
	uint32_t second = new_ioas();

	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_EQ(attach(device[1], second), 0);
	EXPECT_EQ(map_at(ioas, memory, 0, SIZE), 0);
	EXPECT_EQ(map_at(second, memory, SIZE, SIZE), 0);
	EXPECT_CHARGES(SIZE, 2 * SIZE, 2);
	EXPECT_EQ(unmap_at(ioas, 0, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
}

static void copy_shares_the_pins_of_its_source(void)
{
	uint32_t second = new_ioas();

	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_EQ(attach(device[1], second), 0);
	EXPECT_EQ(map_at(ioas, memory, 0, SIZE), 0);
	EXPECT_EQ(copy_at(second, SIZE, ioas, 0, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(unmap_at(ioas, 0, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(unmap_at(second, SIZE, SIZE), 0);
	EXPECT_CHARGES(0, 0, 0);
}

/* What only the source needed goes with it. */
static void copy_of_a_part_keeps_that_part(void)
{
	const uint64_t from = HUGE_PAGE - 5 * PAGE, part = HUGE_PAGE + PAGE;
	uint32_t second = new_ioas();

	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_EQ(attach(device[1], second), 0);
	EXPECT_EQ(map_at(ioas, memory, 0, SIZE), 0);
	EXPECT_EQ(copy_at(second, 0, ioas, from, part), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(unmap_at(ioas, 0, SIZE), 0);
	EXPECT_CHARGES(part, part, 1);
	EXPECT_EQ(copy_at(ioas, 0, second, 0, part), 0);
	EXPECT_CHARGES(part, part, 1);
}

static void unmap_of_a_part_is_refused(void)
{
	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_EQ(map_at(ioas, memory, 0, SIZE), 0);
	EXPECT_AT_MOST(unmap_at(ioas, 0, SIZE / 2), -1);
	EXPECT_CHARGES(SIZE, SIZE, 1);
}

static void replaced_address_space_is_uncharged(void)
{
	uint32_t second = new_ioas();

	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_EQ(map_at(ioas, memory, 0, SIZE), 0);
	EXPECT_EQ(map_at(second, memory, 0, PAGE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 2);
	EXPECT_EQ(attach(device[0], second), 0);
	EXPECT_CHARGES(PAGE, PAGE, 2);
}

static void limit_in_the_middle_of_a_map_leaves_nothing(void)
{
	const uint64_t limit = SIZE / 2 + PAGE;
	int64_t before;

	set_number(GROUP, "ioas.pinned.max", limit);
	EXPECT_EQ(attach(device[0], ioas), 0);
	trace_refusals(true);
	before = pages_ever_pinned();
	EXPECT_EQ(map_at(ioas, memory, 0, SIZE), -ENOMEM);
	EXPECT_AT_MOST((pages_ever_pinned() - before) * PAGE,
		       limit + HUGE_PAGE);
	trace_refusals(false);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	EXPECT_EQ(refusal_field("cgroup"), group_id(GROUP));
	EXPECT_EQ(refusal_field("limit_cgroup"), group_id(GROUP));
	EXPECT_EQ(refusal_field("max"), limit);
	EXPECT_AT_MOST(refusal_field("current"), limit);
	EXPECT_AT_MOST(PAGE, refusal_field("wanted"));
	EXPECT_EQ(map_at(ioas, memory, 0, SIZE / 2), 0);
	EXPECT_CHARGES(SIZE / 2, SIZE / 2, 1);
}

/* Attached, the mapping would be above the limit; it stays as it was. */
static void limit_refuses_an_attach_as_a_whole(void)
{
	uint32_t second = new_ioas();

	set_number(GROUP, "ioas.pinned.max", SIZE - PAGE);
	EXPECT_EQ(map_at(ioas, memory, 0, SIZE), 0);
	EXPECT_EQ(map_at(second, memory, 0, SIZE / 2), 0);
	EXPECT_EQ(attach(device[0], ioas), -ENOMEM);
	EXPECT_CHARGES(0, 0, 2);
	EXPECT_EQ(attach(device[0], second), 0);
	EXPECT_CHARGES(SIZE / 2, SIZE / 2, 2);
	/* Refused too, and the old one stays attached. */
	EXPECT_EQ(attach(device[0], ioas), -ENOMEM);
	EXPECT_CHARGES(SIZE / 2, SIZE / 2, 2);
	set_number(GROUP, "ioas.pinned.max", SIZE);
	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_CHARGES(SIZE, SIZE, 2);
}

/* The one who asked for the mapping pays, not the one who attaches. */
static void attach_from_another_cgroup_charges_the_mapper(void)
{
	EXPECT_EQ(map_at(ioas, memory, 0, SIZE), 0);
	enter_group(OTHER);
	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(pinned(OTHER), 0);
	EXPECT_EQ(detach(device[0]), 0);
}

static void copy_from_another_cgroup_charges_the_mapper(void)
{
	uint32_t second = new_ioas();

	EXPECT_EQ(map_at(ioas, memory, 0, SIZE), 0);
	enter_group(OTHER);
	EXPECT_EQ(copy_at(second, 0, ioas, 0, SIZE), 0);
	EXPECT_EQ(attach(device[0], second), 0);
	EXPECT_EQ(unmap_at(ioas, 0, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(pinned(OTHER), 0);
	EXPECT_EQ(unmap_at(second, 0, SIZE), 0);
}

/*
 * The cgroup of the mapping is gone before anything of it was pinned: its
 * parent is charged, and has the limit.
 */
static void attach_after_removal_charges_the_parent(void)
{
	int64_t before = pinned("");

	REQUIRE(!write_file(group_file(OTHER, "cgroup.subtree_control"),
			    "+ioas"));
	make_group(OTHER "/gone");
	set_number(OTHER "/gone", "ioas.pinned.max", 0);
	enter_group(OTHER "/gone");
	EXPECT_EQ(map_at(ioas, memory, 0, SIZE), 0);
	enter_group(GROUP);
	EXPECT_EQ(remove_group(OTHER "/gone"), 0);
	set_number(OTHER, "ioas.pinned.max", SIZE - PAGE);
	/* A removed cgroup, and its limit, are off only a moment later. */
	for (int i = 0; i < 100 && !local_events_of(OTHER, "max"); i++) {
		EXPECT_EQ(attach(device[0], ioas), -ENOMEM);
		usleep(20000);
	}
	EXPECT_EQ(local_events_of(OTHER, "max"), 1);
	EXPECT_EQ(pinned(OTHER), 0);
	set_number(OTHER, "ioas.pinned.max", SIZE);
	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_EQ(pinned(OTHER), SIZE);
	EXPECT_EQ(pinned("") - before, SIZE);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(detach(device[0]), 0);
	EXPECT_EQ(unmap_at(ioas, 0, SIZE), 0);
}

/* ---- all of them ---- */

#define RUN(test) run_test(#test, test, set_up, clean_up)

static void run_with_memory(void)
{
	static char variant[64];

	snprintf(variant, sizeof(variant), "%s, RLIMIT_MODE %d",
		 memory_kind->name, (int)rlimit_mode);
	test_variant = variant;
	RUN(map_is_charged_while_a_device_is_attached);
	RUN(map_after_attach_is_charged_at_once);
	RUN(second_address_space_costs_nothing);
	RUN(copy_shares_the_pins_of_its_source);
	RUN(copy_of_a_part_keeps_that_part);
	RUN(limit_in_the_middle_of_a_map_leaves_nothing);
	RUN(limit_refuses_an_attach_as_a_whole);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: iommufd_pins ADDRESS ADDRESS\n");
		return 2;
	}
	address[0] = argv[1];
	address[1] = argv[2];
	for (size_t i = 0; i < NR_MEMORY_KINDS; i++) {
		memory_kind = &memory_kinds[i];
		for (rlimit_mode = 0; rlimit_mode < 2; rlimit_mode++)
			run_with_memory();
	}
	memory_kind = &memory_kinds[0];
	rlimit_mode = 0;
	test_variant = NULL;
	RUN(unmap_of_a_part_is_refused);
	RUN(replaced_address_space_is_uncharged);
	RUN(attach_from_another_cgroup_charges_the_mapper);
	RUN(copy_from_another_cgroup_charges_the_mapper);
	RUN(attach_after_removal_charges_the_parent);
	return end_tests();
}
