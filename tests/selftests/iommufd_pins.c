// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an iommufd charges for its I/O address spaces, with real devices.
 *
 * A mapping pins nothing until a device is attached to its IOAS, and pins once
 * however many devices and copies there are of it.
 *
 * iommufd_pins ADDRESS ADDRESS: two PCI devices bound to vfio-pci.
 */
#include "ioas_iommufd.h"

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
	iommufd = open_iommufd();
	set_rlimit_mode();
	for (int i = 0; i < 2; i++) {
		device[i] = open_cdev(address[i]);
		bind_device(iommufd, device[i]);
	}
	ioas = new_ioas(iommufd);
	memory = memory_kind->get(SIZE);
}

static void clean_up(void)
{
	put_memory(memory, SIZE);
	for (int i = 0; i < 2; i++)
		REQUIRE(!close(device[i]));
	REQUIRE(!close(iommufd));
	enter_group("");
	EXPECT_NOTHING_PINNED(GROUP);
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
	EXPECT_EQ(map_at(iommufd, ioas, memory, 0, SIZE), 0);
	EXPECT_CHARGES(0, 0, 1);
	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(attach(device[1], ioas), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(detach(device[0]), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(detach(device[1]), 0);
	EXPECT_CHARGES(0, 0, 1);
	EXPECT_EQ(unmap_at(iommufd, ioas, 0, SIZE), 0);
	EXPECT_CHARGES(0, 0, 0);
}

static void map_after_attach_is_charged_at_once(void)
{
	const uint64_t odd = 3 * PAGE, part = 2 * HUGE_PAGE + 9 * PAGE;

	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_EQ(map_at(iommufd, ioas, memory, 0, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(map_at(iommufd, ioas, (char *)memory + odd, SIZE, part), 0);
	EXPECT_CHARGES(SIZE, SIZE + part, 2);
	EXPECT_EQ(unmap_at(iommufd, ioas, 0, SIZE), 0);
	EXPECT_CHARGES(part, part, 1);
}

static void second_address_space_costs_nothing(void)
{
	uint32_t second = new_ioas(iommufd);

	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_EQ(attach(device[1], second), 0);
	EXPECT_EQ(map_at(iommufd, ioas, memory, 0, SIZE), 0);
	EXPECT_EQ(map_at(iommufd, second, memory, SIZE, SIZE), 0);
	EXPECT_CHARGES(SIZE, 2 * SIZE, 2);
	EXPECT_EQ(unmap_at(iommufd, ioas, 0, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
}

static void copy_shares_the_pins_of_its_source(void)
{
	uint32_t second = new_ioas(iommufd);

	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_EQ(attach(device[1], second), 0);
	EXPECT_EQ(map_at(iommufd, ioas, memory, 0, SIZE), 0);
	EXPECT_EQ(copy_at(iommufd, second, SIZE, ioas, 0, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(unmap_at(iommufd, ioas, 0, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(unmap_at(iommufd, second, SIZE, SIZE), 0);
	EXPECT_CHARGES(0, 0, 0);
}

/* What only the source needed goes with it. */
static void copy_of_a_part_keeps_that_part(void)
{
	const uint64_t from = HUGE_PAGE - 5 * PAGE, part = HUGE_PAGE + PAGE;
	uint32_t second = new_ioas(iommufd);

	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_EQ(attach(device[1], second), 0);
	EXPECT_EQ(map_at(iommufd, ioas, memory, 0, SIZE), 0);
	EXPECT_EQ(copy_at(iommufd, second, 0, ioas, from, part), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(unmap_at(iommufd, ioas, 0, SIZE), 0);
	EXPECT_CHARGES(part, part, 1);
	EXPECT_EQ(copy_at(iommufd, ioas, 0, second, 0, part), 0);
	EXPECT_CHARGES(part, part, 1);
}

static void unmap_of_a_part_is_refused(void)
{
	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_EQ(map_at(iommufd, ioas, memory, 0, SIZE), 0);
	EXPECT_AT_MOST(unmap_at(iommufd, ioas, 0, SIZE / 2), -1);
	EXPECT_CHARGES(SIZE, SIZE, 1);
}

static void replaced_address_space_is_uncharged(void)
{
	uint32_t second = new_ioas(iommufd);

	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_EQ(map_at(iommufd, ioas, memory, 0, SIZE), 0);
	EXPECT_EQ(map_at(iommufd, second, memory, 0, PAGE), 0);
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
	EXPECT_EQ(map_at(iommufd, ioas, memory, 0, SIZE), -ENOMEM);
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
	EXPECT_EQ(map_at(iommufd, ioas, memory, 0, SIZE / 2), 0);
	EXPECT_CHARGES(SIZE / 2, SIZE / 2, 1);
}

/* Attached, the mapping would be above the limit; it stays as it was. */
static void limit_refuses_an_attach_as_a_whole(void)
{
	uint32_t second = new_ioas(iommufd);

	set_number(GROUP, "ioas.pinned.max", SIZE - PAGE);
	EXPECT_EQ(map_at(iommufd, ioas, memory, 0, SIZE), 0);
	EXPECT_EQ(map_at(iommufd, second, memory, 0, SIZE / 2), 0);
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
	EXPECT_EQ(map_at(iommufd, ioas, memory, 0, SIZE), 0);
	enter_group(OTHER);
	EXPECT_EQ(attach(device[0], ioas), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(pinned(OTHER), 0);
	EXPECT_EQ(detach(device[0]), 0);
}

static void copy_from_another_cgroup_charges_the_mapper(void)
{
	uint32_t second = new_ioas(iommufd);

	EXPECT_EQ(map_at(iommufd, ioas, memory, 0, SIZE), 0);
	enter_group(OTHER);
	EXPECT_EQ(copy_at(iommufd, second, 0, ioas, 0, SIZE), 0);
	EXPECT_EQ(attach(device[0], second), 0);
	EXPECT_EQ(unmap_at(iommufd, ioas, 0, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(pinned(OTHER), 0);
	EXPECT_EQ(unmap_at(iommufd, second, 0, SIZE), 0);
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
	EXPECT_EQ(map_at(iommufd, ioas, memory, 0, SIZE), 0);
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
	EXPECT_EQ(unmap_at(iommufd, ioas, 0, SIZE), 0);
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
