// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What VFIO mappings are charged: with containers of VFIO's own, and with an
 * iommufd in their place.
 *
 * vfio_pins ADDRESS ADDRESS: two PCI devices bound to vfio-pci.
 * vfio_pins --unmap FD SIZE: what a test becomes by exec.
 */
#include <linux/pci_regs.h>
#include <time.h>

#include "ioas_vfio.h"

#define GROUP "vfio-pins"
#define OTHER "vfio-pins-other"
#define SIZE (8 * MIB)

static const char *device[2];
static const struct container_kind *kind;
static const struct memory_kind *memory_kind;

/* What the tests of a child use, made by the parent. */
static struct container shared;

static void make_groups(void)
{
	make_group(GROUP);
	make_group(OTHER);
	enter_group(GROUP);
}

static void remove_groups(void)
{
	enter_group("");
	EXPECT_NOTHING_PINNED(GROUP);
	EXPECT_EQ(remove_group(GROUP), 0);
	EXPECT_EQ(pinned(OTHER), 0);
	EXPECT_EQ(remove_group(OTHER), 0);
}

static void expect_charges(int line, uint64_t unique, uint64_t gross)
{
	expect(line, "ioas.pinned.current", pinned(GROUP), "",
	       pinned(GROUP) == (int64_t)unique, unique);
	expect(line, "gross", stat_of(GROUP, "gross"), "",
	       stat_of(GROUP, "gross") == (int64_t)gross, gross);
	expect(line, kind->stat, stat_of(GROUP, kind->stat), "",
	       stat_of(GROUP, kind->stat) == (int64_t)gross, gross);
}

#define EXPECT_CHARGES(unique, gross) expect_charges(__LINE__, unique, gross)

/* ---- memory of every kind ---- */

static void memory_is_charged_while_mapped(void)
{
	void *memory = memory_kind->get(SIZE);
	struct container c;

	open_container(&c, kind, device[0]);
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(map(&c, memory, 0, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE);
	EXPECT_EQ(stat_of(GROUP, "accounts"), 1);
	EXPECT_EQ(unmap(&c, 0, SIZE), SIZE);
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(map(&c, memory, SIZE, SIZE), 0);
	close_container(&c);
	EXPECT_CHARGES(0, 0);
	put_memory(memory, SIZE);
}

/* A start and an end in the middle of huge pages, and of batches. */
static void unaligned_part_of_memory_is_charged_exactly(void)
{
	char *memory = memory_kind->get(SIZE);
	uint64_t size = 2 * HUGE_PAGE + 5 * PAGE;
	struct container c;

	open_container(&c, kind, device[0]);
	EXPECT_EQ(map(&c, memory + HUGE_PAGE - 3 * PAGE, 7 * PAGE, size), 0);
	EXPECT_CHARGES(size, size);
	EXPECT_EQ(map(&c, memory, SIZE, HUGE_PAGE), 0);
	EXPECT_CHARGES(size + HUGE_PAGE - 3 * PAGE, size + HUGE_PAGE);
	EXPECT_EQ(unmap(&c, 7 * PAGE, size), size);
	EXPECT_CHARGES(HUGE_PAGE, HUGE_PAGE);
	close_container(&c);
	put_memory(memory, SIZE);
}

static void second_iova_costs_nothing(void)
{
	void *memory = memory_kind->get(SIZE);
	struct container c;

	open_container(&c, kind, device[0]);
	EXPECT_EQ(map(&c, memory, 0, SIZE), 0);
	EXPECT_EQ(map(&c, memory, 2 * SIZE, SIZE), 0);
	EXPECT_CHARGES(SIZE, 2 * SIZE);
	EXPECT_EQ(stat_of(GROUP, "accounts"), 2);
	EXPECT_EQ(unmap(&c, 0, SIZE), SIZE);
	EXPECT_CHARGES(SIZE, SIZE);
	EXPECT_EQ(unmap(&c, 2 * SIZE, SIZE), SIZE);
	EXPECT_CHARGES(0, 0);
	close_container(&c);
	put_memory(memory, SIZE);
}

/* ---- containers ---- */

static void second_container_costs_nothing(void)
{
	void *memory = get_transparent_huge_pages(SIZE);
	int64_t before = charge_without_ioas();
	struct container one, two;

	open_container(&one, kind, device[0]);
	open_container(&two, kind, device[1]);
	EXPECT_EQ(map(&one, memory, 0, SIZE), 0);
	EXPECT_EQ(map(&two, memory, SIZE, SIZE), 0);
	EXPECT_CHARGES(SIZE, 2 * SIZE);
	/* The double charge that this controller is there for. */
	EXPECT_EQ(charge_without_ioas() - before, 2 * SIZE);
	close_container(&one);
	EXPECT_CHARGES(SIZE, SIZE);
	close_container(&two);
	EXPECT_CHARGES(0, 0);
	put_memory(memory, SIZE);
}

static void many_small_mappings_come_and_go(void)
{
	const int nr = 512;
	char *memory = get_transparent_huge_pages(nr * PAGE);
	struct container c;

	open_container(&c, kind, device[0]);
	for (int i = 0; i < nr; i++)
		if (map(&c, memory + i * PAGE, 2 * i * PAGE, PAGE))
			fail_test("mapping %d of %d: %m", i, nr);
	EXPECT_CHARGES(nr * PAGE, nr * PAGE);
	EXPECT_EQ(stat_of(GROUP, "accounts"), nr);
	for (int i = 0; i < nr; i += 2)
		EXPECT_EQ(unmap(&c, 2 * i * PAGE, PAGE), PAGE);
	EXPECT_CHARGES(nr / 2 * PAGE, nr / 2 * PAGE);
	EXPECT_EQ(unmap_flags(&c, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL),
		  nr / 2 * PAGE);
	EXPECT_CHARGES(0, 0);
	close_container(&c);
	put_memory(memory, nr * PAGE);
}

/* One mapping of memory that has each of its pages four times. */
static void page_that_is_in_a_mapping_twice_counts_once(void)
{
	int fd = get_memfd(SIZE / 4);
	char *memory = get_small_pages(SIZE);
	struct container c;

	for (int i = 0; i < 4; i++)
		REQUIRE(mmap(memory + i * SIZE / 4, SIZE / 4,
			     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			     0) != MAP_FAILED);
	open_container(&c, kind, device[0]);
	EXPECT_EQ(map(&c, memory, 0, SIZE), 0);
	EXPECT_CHARGES(SIZE / 4, SIZE);
	EXPECT_EQ(unmap(&c, 0, SIZE), SIZE);
	EXPECT_CHARGES(0, 0);
	close_container(&c);
	put_memory(memory, SIZE);
	close(fd);
}

/* Read-only pins of memory never written give it pages of its own. */
static void untouched_read_only_memory_is_charged_for_its_pages(void)
{
	void *memory = get_small_pages(SIZE);
	struct container c;

	open_container(&c, kind, device[0]);
	EXPECT_EQ(map_flags(&c, memory, 0, SIZE, VFIO_DMA_MAP_FLAG_READ), 0);
	EXPECT_CHARGES(SIZE, SIZE);
	close_container(&c);
	put_memory(memory, SIZE);
}

/* ---- what is no RAM ---- */

static void device_memory_is_not_charged(void)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_BAR0_REGION_INDEX,
	};
	struct vfio_region_info config = {
		.argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	struct container c;
	void *bar;

	open_container(&c, kind, device[0]);
	REQUIRE(!ioctl(c.device.fd, VFIO_DEVICE_GET_REGION_INFO, &info));
	REQUIRE(!ioctl(c.device.fd, VFIO_DEVICE_GET_REGION_INFO, &config));
	REQUIRE(pwrite(c.device.fd, &command, sizeof(command),
		       config.offset + PCI_COMMAND) == sizeof(command));
	REQUIRE(info.size && info.flags & VFIO_REGION_INFO_FLAG_MMAP);
	bar = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   c.device.fd, info.offset);
	REQUIRE(bar != MAP_FAILED);
	EXPECT_EQ(map(&c, bar, 0, info.size), 0);
	EXPECT_EQ(stat_of(GROUP, "accounts"), 1);
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(unmap(&c, 0, info.size), info.size);
	EXPECT_CHARGES(0, 0);
	put_memory(bar, info.size);
	close_container(&c);
}

/* ---- unmaps of a part ---- */

static void v2_refuses_to_unmap_a_part(void)
{
	void *memory = get_transparent_huge_pages(SIZE);
	struct container c;

	open_container(&c, kind, device[0]);
	EXPECT_EQ(map(&c, memory, 0, SIZE), 0);
	EXPECT_AT_MOST(unmap(&c, 0, SIZE / 2), -1);
	EXPECT_AT_MOST(unmap(&c, SIZE / 4, PAGE), -1);
	EXPECT_CHARGES(SIZE, SIZE);
	close_container(&c);
	put_memory(memory, SIZE);
}

/* VFIO's v1 takes the whole mapping for its first page, and nothing else. */
static void v1_unmap_of_the_first_page_takes_the_mapping(void)
{
	void *memory = get_transparent_huge_pages(SIZE);
	struct container c;

	open_container(&c, kind, device[0]);
	EXPECT_EQ(map(&c, memory, 0, SIZE), 0);
	EXPECT_EQ(unmap(&c, HUGE_PAGE, HUGE_PAGE), 0);
	EXPECT_EQ(unmap(&c, PAGE, PAGE), 0);
	EXPECT_CHARGES(SIZE, SIZE);
	EXPECT_EQ(unmap(&c, 0, PAGE), SIZE);
	EXPECT_CHARGES(0, 0);
	close_container(&c);
	put_memory(memory, SIZE);
}

/* An iommufd cuts the mapping. The charge follows to the page. */
static void v1_unmap_of_a_part_uncharges_that_part(void)
{
	char *memory = memory_kind->get(SIZE);
	struct container c;

	open_container(&c, kind, device[0]);
	EXPECT_EQ(map(&c, memory, 0, SIZE), 0);
	EXPECT_EQ(unmap(&c, 3 * PAGE, 5 * PAGE), 5 * PAGE);
	EXPECT_CHARGES(SIZE - 5 * PAGE, SIZE - 5 * PAGE);
	EXPECT_EQ(unmap(&c, HUGE_PAGE - PAGE, HUGE_PAGE + 2 * PAGE),
		  HUGE_PAGE + 2 * PAGE);
	EXPECT_CHARGES(SIZE - HUGE_PAGE - 7 * PAGE,
		       SIZE - HUGE_PAGE - 7 * PAGE);
	/* What is left of it is still pinned, so mapping it again is free. */
	EXPECT_EQ(map(&c, memory, 2 * SIZE, 3 * PAGE), 0);
	EXPECT_CHARGES(SIZE - HUGE_PAGE - 7 * PAGE,
		       SIZE - HUGE_PAGE - 4 * PAGE);
	EXPECT_EQ(unmap(&c, 0, 3 * PAGE), 3 * PAGE);
	EXPECT_CHARGES(SIZE - HUGE_PAGE - 7 * PAGE,
		       SIZE - HUGE_PAGE - 7 * PAGE);
	close_container(&c);
	put_memory(memory, SIZE);
}

/* ---- limits ---- */

static void limit_in_the_middle_of_a_map_leaves_nothing(void)
{
	const uint64_t limit = SIZE / 2 + PAGE;
	void *memory = memory_kind->get(SIZE);
	struct container c;
	int64_t before;

	set_number(GROUP, "ioas.pinned.max", limit);
	open_container(&c, kind, device[0]);
	trace_refusals(true);
	before = pages_ever_pinned();
	EXPECT_EQ(map(&c, memory, 0, SIZE), -ENOMEM);
	/* Not more than one batch was ever held above the limit. */
	EXPECT_AT_MOST((pages_ever_pinned() - before) * PAGE,
		       limit + HUGE_PAGE);
	trace_refusals(false);
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(stat_of(GROUP, "accounts"), 0);
	EXPECT_AT_MOST(group_value(GROUP, "ioas.pinned.peak"), limit);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	EXPECT_EQ(refusal_field("cgroup"), group_id(GROUP));
	EXPECT_EQ(refusal_field("limit_cgroup"), group_id(GROUP));
	EXPECT_EQ(refusal_field("max"), limit);
	EXPECT_EQ(refusal_field("current"), SIZE / 2);
	EXPECT_EQ(refusal_field("wanted"), HUGE_PAGE);
	/* As if it had never been tried. */
	EXPECT_EQ(map(&c, memory, 0, SIZE / 2), 0);
	EXPECT_CHARGES(SIZE / 2, SIZE / 2);
	close_container(&c);
	put_memory(memory, SIZE);
}

static void limit_that_is_just_enough_lets_pass(void)
{
	void *memory = memory_kind->get(SIZE);
	struct container c;

	set_number(GROUP, "ioas.pinned.max", SIZE);
	open_container(&c, kind, device[0]);
	EXPECT_EQ(map(&c, memory, 0, SIZE), 0);
	EXPECT_EQ(map(&c, memory, SIZE, SIZE), 0);
	EXPECT_CHARGES(SIZE, 2 * SIZE);
	EXPECT_EQ(events_of(GROUP, "max"), 0);
	close_container(&c);
	put_memory(memory, SIZE);
}

static void limit_below_current_refuses_new_pages_only(void)
{
	char *memory = get_small_pages(2 * SIZE);
	struct container c;

	open_container(&c, kind, device[0]);
	EXPECT_EQ(map(&c, memory, 0, SIZE), 0);
	set_number(GROUP, "ioas.pinned.max", PAGE);
	EXPECT_CHARGES(SIZE, SIZE);
	EXPECT_EQ(map(&c, memory + SIZE, SIZE, PAGE), -ENOMEM);
	EXPECT_EQ(map(&c, memory, 2 * SIZE, SIZE), 0);
	EXPECT_CHARGES(SIZE, 2 * SIZE);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	close_container(&c);
	put_memory(memory, 2 * SIZE);
}

/* Half of the memory is not there. */
static void failed_map_leaves_nothing(void)
{
	char *memory = get_small_pages(SIZE);
	struct container c;

	REQUIRE(!mprotect(memory + SIZE / 2 + PAGE, PAGE, PROT_NONE));
	open_container(&c, kind, device[0]);
	EXPECT_EQ(map(&c, memory, 0, SIZE), -EFAULT);
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(stat_of(GROUP, "accounts"), 0);
	EXPECT_AT_MOST(PAGE, group_value(GROUP, "ioas.pinned.peak"));
	close_container(&c);
	put_memory(memory, SIZE);
}

/* ---- the life of the owner ---- */

static void map_and_end(void)
{
	REQUIRE(!map(&shared, get_small_pages(SIZE), 0, SIZE));
}

/* The container is not the child's alone, so its pins outlive the child. */
static void charge_stays_when_the_owner_exits(void)
{
	struct child child;

	open_container(&shared, kind, device[0]);
	enter_group("");
	start_child(&child, map_and_end);
	EXPECT_EQ(reap_child(&child), 0);
	/* The one who asked was not in GROUP. */
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(unmap(&shared, 0, SIZE), SIZE);

	enter_group(GROUP);
	start_child(&child, map_and_end);
	enter_group("");
	EXPECT_EQ(reap_child(&child), 0);
	EXPECT_CHARGES(SIZE, SIZE);
	EXPECT_EQ(unmap(&shared, 0, SIZE), SIZE);
	EXPECT_CHARGES(0, 0);
	close_container(&shared);
}

static void map_and_exec(void)
{
	char fd[16], size[16];

	map_and_end();
	snprintf(fd, sizeof(fd), "%d", shared.fd);
	snprintf(size, sizeof(size), "%llu", SIZE);
	execl("/proc/self/exe", "vfio_pins", "--unmap", fd, size, NULL);
}

static void charge_stays_when_the_owner_execs(void)
{
	struct child child;

	open_container(&shared, kind, device[0]);
	start_child(&child, map_and_exec);
	EXPECT_CHARGES(SIZE, SIZE);
	resume_child(&child);
	EXPECT_CHARGES(0, 0);
	end_child(&child);
	close_container(&shared);
}

/* What map_and_exec() becomes. */
static int unmap_after_exec(int fd, uint64_t size)
{
	struct container c = { .fd = fd };

	pause_here();
	REQUIRE(unmap(&c, 0, size) == (int64_t)size);
	pause_here();
	return 0;
}

/* The charge belongs to the mapping, whoever has a copy of the memory. */
static void fork_neither_adds_nor_takes_a_charge(void)
{
	char *memory = get_small_pages(SIZE);
	struct child child;
	struct container c;

	open_container(&c, kind, device[0]);
	REQUIRE(!map(&c, memory, 0, SIZE));
	start_child(&child, pause_here);
	EXPECT_CHARGES(SIZE, SIZE);
	/* Copies what it writes to; the pinned pages are not touched. */
	memset(memory, 1, SIZE);
	EXPECT_CHARGES(SIZE, SIZE);
	end_child(&child);
	EXPECT_CHARGES(SIZE, SIZE);
	close_container(&c);
	put_memory(memory, SIZE);
}

#define KILL_SIZE (512 * MIB)

static void map_slowly(void)
{
	void *memory = get_small_pages(KILL_SIZE);
	struct container c;

	open_container(&c, kind, device[0]);
	pause_here();
	map(&c, memory, 0, KILL_SIZE);
	pause_here();
}

/* Returns what is charged by then; less if it takes too long. */
static int64_t await_charge(int64_t at_least)
{
	time_t end = time(NULL) + 20;
	int64_t charge;

	do {
		charge = pinned(GROUP);
	} while (charge < at_least && time(NULL) < end);
	return charge;
}

static void kill_in_the_middle_of_a_map_leaves_nothing(void)
{
	static const int64_t killed_at[] = { PAGE, 8 * MIB, 50 * MIB };

	for (size_t i = 0; i < ARRAY_SIZE(killed_at); i++) {
		struct child child;
		int64_t charge;

		start_child(&child, map_slowly);
		release_child(&child);
		charge = await_charge(killed_at[i]);
		kill_child(&child);
		EXPECT_AT_MOST(killed_at[i], charge);
		EXPECT_AT_MOST(charge, KILL_SIZE - PAGE);
		EXPECT_CHARGES(0, 0);
		EXPECT_EQ(stat_of(GROUP, "accounts"), 0);
	}
}

static void map_and_wait(void)
{
	struct container c;

	open_container(&c, kind, device[0]);
	REQUIRE(!map(&c, get_small_pages(SIZE), 0, SIZE));
	pause_here();
}

static void kill_with_mappings_leaves_nothing(void)
{
	struct child child;

	start_child(&child, map_and_wait);
	EXPECT_CHARGES(SIZE, SIZE);
	kill_child(&child);
	EXPECT_CHARGES(0, 0);
}

static int vaddr_fd;

static void take_over_vaddr(void)
{
	void *memory = map_memfd(vaddr_fd, 0, SIZE);

	enter_group(OTHER);
	REQUIRE(!map_flags(&shared, memory, 0, SIZE, VFIO_DMA_MAP_FLAG_VADDR));
	pause_here();
	/* A page that was pinned while it had the old address. */
	REQUIRE(unmap(&shared, 0, SIZE) == (int64_t)SIZE);
}

/* As for a live update: the pages stay pinned, another process has them. */
static void new_vaddr_in_another_cgroup_moves_no_charge(void)
{
	struct child child;
	void *memory;

	vaddr_fd = get_memfd(SIZE);
	memory = map_memfd(vaddr_fd, 0, SIZE);
	open_container(&shared, kind, device[0]);
	REQUIRE(!map(&shared, memory, 0, SIZE));
	EXPECT_EQ(unmap_flags(&shared, 0, SIZE, VFIO_DMA_UNMAP_FLAG_VADDR),
		  SIZE);
	EXPECT_CHARGES(SIZE, SIZE);
	start_child(&child, take_over_vaddr);
	EXPECT_CHARGES(SIZE, SIZE);
	EXPECT_EQ(pinned(OTHER), 0);
	end_child(&child);
	EXPECT_CHARGES(0, 0);
	close_container(&shared);
	put_memory(memory, SIZE);
	close(vaddr_fd);
}

/* ---- all of them ---- */

#define RUN(test) run_test(#test, test, make_groups, remove_groups)

static void run_with_memory(void)
{
	static char variant[128];

	for (size_t i = 0; i < NR_MEMORY_KINDS; i++) {
		memory_kind = &memory_kinds[i];
		snprintf(variant, sizeof(variant), "%s, %s", kind->name,
			 memory_kind->name);
		test_variant = variant;
		RUN(memory_is_charged_while_mapped);
		RUN(unaligned_part_of_memory_is_charged_exactly);
		RUN(second_iova_costs_nothing);
		RUN(limit_in_the_middle_of_a_map_leaves_nothing);
		RUN(limit_that_is_just_enough_lets_pass);
	}
	test_variant = kind->name;
}

static void run_with_both(void)
{
	run_with_memory();
	RUN(second_container_costs_nothing);
	RUN(many_small_mappings_come_and_go);
	RUN(page_that_is_in_a_mapping_twice_counts_once);
	RUN(untouched_read_only_memory_is_charged_for_its_pages);
	RUN(v2_refuses_to_unmap_a_part);
	RUN(limit_below_current_refuses_new_pages_only);
	RUN(failed_map_leaves_nothing);
	RUN(charge_stays_when_the_owner_exits);
	RUN(charge_stays_when_the_owner_execs);
	RUN(fork_neither_adds_nor_takes_a_charge);
	RUN(kill_in_the_middle_of_a_map_leaves_nothing);
	RUN(kill_with_mappings_leaves_nothing);
}

static void run_all(void)
{
	kind = &type1_v2;
	run_with_both();
	RUN(device_memory_is_not_charged);
	RUN(new_vaddr_in_another_cgroup_moves_no_charge);
	kind = &compat_v2;
	run_with_both();
	kind = &type1_v1;
	test_variant = kind->name;
	RUN(v1_unmap_of_the_first_page_takes_the_mapping);
	kind = &compat_v1;
	for (size_t i = 0; i < NR_MEMORY_KINDS; i++) {
		memory_kind = &memory_kinds[i];
		test_variant = memory_kind->name;
		RUN(v1_unmap_of_a_part_uncharges_that_part);
	}
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--unmap"))
		return unmap_after_exec(atoi(argv[2]), atoll(argv[3]));
	if (argc != 3) {
		fprintf(stderr, "usage: vfio_pins ADDRESS ADDRESS\n");
		return 2;
	}
	device[0] = argv[1];
	device[1] = argv[2];
	run_all();
	return end_tests();
}
