// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a mediated device is charged for, which pins page by page what it needs
 * through vfio_pin_pages(), beside a device that has all of it pinned or alone.
 *
 * mdev_pins UUID ADDRESS: an mtty, the kernel's sample of a mediated device, as
 * mended for these tests, and a PCI device bound to vfio-pci.
 */
#include "ioas_fail.h"
#include "ioas_vfio.h"

#define GROUP "mdev-pins"
#define SIZE (8 * MIB)
#define NR 40

/* As in the mend of samples/vfio-mdev/mtty.c */
#define MTTY_PIN _IO(VFIO_TYPE, VFIO_BASE + 200)
#define MTTY_UNPIN _IO(VFIO_TYPE, VFIO_BASE + 201)

static const char *uuid, *address;
static const struct container_kind *kind;
static struct container container;
static char *memory;

/* Returns 0 or -errno. */
static int ask_mtty(int device, unsigned long what, uint64_t iova,
		    uint64_t npages)
{
	struct {
		uint64_t iova;
		uint64_t npages;
	} range = { iova, npages };

	return ioctl(device, what, &range) ? -errno : 0;
}

static int pin(uint64_t iova, uint64_t npages)
{
	return ask_mtty(container.device.fd, MTTY_PIN, iova, npages);
}

static int unpin(uint64_t iova, uint64_t npages)
{
	return ask_mtty(container.device.fd, MTTY_UNPIN, iova, npages);
}

/* The mediated device has a container to itself, with all memory mapped. */
static void set_up(void)
{
	make_group(GROUP);
	enter_group(GROUP);
	memory = get_small_pages(SIZE);
	open_container(&container, kind, uuid);
	REQUIRE(!map(&container, memory, 0, SIZE));
}

static void clean_up(void)
{
	close_container(&container);
	EXPECT_EQ(charge_without_ioas(), 0);
	put_memory(memory, SIZE);
	enter_group("");
	EXPECT_NOTHING_PINNED(GROUP);
	EXPECT_EQ(remove_group(GROUP), 0);
}

static void expect_charges(int line, uint64_t unique, uint64_t gross)
{
	expect(line, "ioas.pinned.current", pinned(GROUP), "",
	       pinned(GROUP) == (int64_t)unique, unique);
	expect(line, kind->stat, stat_of(GROUP, kind->stat), "",
	       stat_of(GROUP, kind->stat) == (int64_t)gross, gross);
}

#define EXPECT_CHARGES(unique, gross) expect_charges(__LINE__, unique, gross)

static void only_what_is_pinned_is_charged(void)
{
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(pin(3 * PAGE, NR), 0);
	EXPECT_CHARGES(NR * PAGE, NR * PAGE);
	EXPECT_EQ(pin(SIZE / 2, 1), 0);
	EXPECT_CHARGES((NR + 1) * PAGE, (NR + 1) * PAGE);
	EXPECT_EQ(unpin(3 * PAGE, NR), 0);
	EXPECT_CHARGES(PAGE, PAGE);
	EXPECT_EQ(unpin(SIZE / 2, 1), 0);
	EXPECT_CHARGES(0, 0);
}

static void page_pinned_twice_takes_two_unpins(void)
{
	EXPECT_EQ(pin(0, NR), 0);
	EXPECT_EQ(pin(0, NR), 0);
	EXPECT_EQ(pinned(GROUP), NR * PAGE);
	EXPECT_EQ(unpin(0, NR), 0);
	EXPECT_EQ(pinned(GROUP), NR * PAGE);
	EXPECT_EQ(unpin(0, NR), 0);
	EXPECT_CHARGES(0, 0);
}

/* At a second IOVA, it is another pin of the same memory. */
static void second_iova_costs_nothing(void)
{
	REQUIRE(!map(&container, memory, SIZE, SIZE));
	EXPECT_EQ(pin(0, NR), 0);
	EXPECT_EQ(pin(SIZE, NR), 0);
	EXPECT_CHARGES(NR * PAGE, 2 * NR * PAGE);
	EXPECT_EQ(unpin(0, NR), 0);
	EXPECT_CHARGES(NR * PAGE, NR * PAGE);
}

static void limit_in_the_middle_of_a_pin_leaves_nothing(void)
{
	set_number(GROUP, "ioas.pinned.max", NR / 2 * PAGE);
	EXPECT_EQ(pin(0, NR), -ENOMEM);
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	EXPECT_EQ(pin(0, NR / 2), 0);
	EXPECT_CHARGES(NR / 2 * PAGE, NR / 2 * PAGE);
}

static void failed_pin_leaves_nothing(void)
{
	REQUIRE(!mprotect(memory + NR / 2 * PAGE, PAGE, PROT_NONE));
	EXPECT_AT_MOST(pin(0, NR), -1);
	EXPECT_CHARGES(0, 0);
	/* A part of it is not mapped. */
	EXPECT_AT_MOST(pin(SIZE - PAGE, NR), -1);
	EXPECT_CHARGES(0, 0);
}

/*
 * A PCI device in the same container has all of it pinned as well. When that
 * goes, what the mediated device has pinned stays.
 */
static void device_that_comes_and_goes_leaves_the_pins(void)
{
	struct device device;

	EXPECT_EQ(pin(0, NR), 0);
	add_device(&container, &device, address);
	EXPECT_EQ(pinned(GROUP), SIZE);
	EXPECT_EQ(pin(SIZE / 2, NR), 0);
	EXPECT_EQ(pinned(GROUP), SIZE);
	EXPECT_EQ(unpin(0, NR), 0);
	EXPECT_EQ(pinned(GROUP), SIZE);
	close_device(&device);
	EXPECT_CHARGES(NR * PAGE, NR * PAGE);
}

/* A device that is refused leaves the container as it was. */
static void device_above_the_limit_leaves_the_pins(void)
{
	struct device device;
	char path[64];

	EXPECT_EQ(pin(0, NR), 0);
	set_number(GROUP, "ioas.pinned.max", SIZE - PAGE);
	snprintf(path, sizeof(path), "/dev/vfio/%d", iommu_group(address));
	device.group = open(path, O_RDWR);
	REQUIRE(device.group >= 0);
	/* VFIO pins at the first ioctl, iommufd at the second. */
	EXPECT_EQ(ioctl(device.group, VFIO_GROUP_SET_CONTAINER, &container.fd) <
				  0 ||
			  ioctl(device.group, VFIO_GROUP_GET_DEVICE_FD,
				address) < 0,
		  true);
	EXPECT_EQ(errno, ENOMEM);
	EXPECT_CHARGES(NR * PAGE, NR * PAGE);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	close(device.group);
	EXPECT_CHARGES(NR * PAGE, NR * PAGE);
}

static void close_unpins(void)
{
	EXPECT_EQ(pin(0, NR), 0);
	EXPECT_EQ(pin(SIZE / 2, NR), 0);
	EXPECT_CHARGES(2 * NR * PAGE, 2 * NR * PAGE);
}

/* The device is told, and unpins from within the unmap. */
static void unmap_unpins(void)
{
	EXPECT_EQ(pin(0, NR), 0);
	EXPECT_EQ(pin(SIZE / 2, NR), 0);
	EXPECT_EQ(unmap(&container, 0, SIZE), SIZE);
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(unpin(0, NR), -ENOENT);
}

/* ---- RLIMIT_MEMLOCK ---- */

static void set_memlock(const char *mode)
{
	REQUIRE(!write_file(group_file(GROUP, "ioas.pinned.memlock"), mode));
}

static void rlimit_memlock_is_charged_as_before(void)
{
	EXPECT_EQ(charge_without_ioas(), 0);
	EXPECT_EQ(pin(0, NR), 0);
	EXPECT_EQ(charge_without_ioas(), NR * PAGE);
	EXPECT_EQ(unpin(0, NR), 0);
	EXPECT_EQ(charge_without_ioas(), 0);
}

/* A mapping keeps the mode in which it was made, whenever it is pinned. */
static void pins_in_both_modes(uint64_t first, uint64_t second)
{
	const int64_t of_first = first ? 0 : NR * PAGE;

	EXPECT_EQ(pin(first, NR), 0);
	EXPECT_EQ(charge_without_ioas(), of_first);
	EXPECT_EQ(pin(second, NR), 0);
	EXPECT_EQ(charge_without_ioas(), NR * PAGE);
	EXPECT_CHARGES(NR * PAGE, 2 * NR * PAGE);
	EXPECT_EQ(unpin(second, NR), 0);
	EXPECT_EQ(charge_without_ioas(), of_first);
	EXPECT_EQ(unpin(first, NR), 0);
	EXPECT_EQ(charge_without_ioas(), 0);
}

static void memlock_cgroup_leaves_rlimit_memlock_alone(void)
{
	set_memlock("cgroup");
	REQUIRE(!map(&container, memory, SIZE, SIZE));
	pins_in_both_modes(0, SIZE);
	pins_in_both_modes(SIZE, 0);
	set_memlock("rlimit");
	pins_in_both_modes(0, SIZE);
	pins_in_both_modes(SIZE, 0);
	/* For the end of the container. */
	EXPECT_EQ(pin(0, NR), 0);
	EXPECT_EQ(pin(SIZE, NR), 0);
}

/* ---- allocations that fail ---- */

static int pin_failing(void)
{
	return pin(0, NR);
}

static int unpin_failing(void)
{
	return unpin(0, NR);
}

/* Some of the pages are pinned already. */
static void run_failing_test_beside_another_pin(void)
{
	memset(memory, 1, SIZE);
	EXPECT_EQ(pin(NR / 2 * PAGE, NR), 0);
	run_failing_test();
	EXPECT_EQ(unpin(NR / 2 * PAGE, NR), 0);
}

static void run_failing_mdev_tests(void)
{
	const struct failing_site failing_mdev = {
		.group = GROUP,
		/* What iommufd makes of faults in its own test points. */
		.errors = { kind == &compat_v2 ? -EFAULT : 0,
			    kind == &compat_v2 ? -EINVAL : 0 },
		.pin = pin_failing,
		.unpin = unpin_failing,
	};

	run_failing_tests(&failing_mdev, run_failing_test_beside_another_pin,
			  set_up, clean_up);
}

/* ---- ends ---- */

static void hold_pins(void)
{
	enter_group(GROUP);
	memory = get_small_pages(SIZE);
	open_container(&container, kind, uuid);
	REQUIRE(!map(&container, memory, 0, SIZE));
	REQUIRE(!map(&container, memory, SIZE, SIZE));
	EXPECT_EQ(pin(0, NR), 0);
	EXPECT_EQ(pin(0, NR), 0);
	EXPECT_EQ(pin(SIZE + NR / 2 * PAGE, NR), 0);
	pause_here();
}

static void make_own_group(void)
{
	make_group(GROUP);
}

static void remove_own_group(void)
{
	EXPECT_NOTHING_PINNED(GROUP);
	EXPECT_EQ(remove_group(GROUP), 0);
}

static void exit_leaves_nothing(void)
{
	struct child child;

	start_child(&child, hold_pins);
	EXPECT_EQ(pinned(GROUP), NR * 3 / 2 * PAGE);
	end_child(&child);
}

static void kill_leaves_nothing(void)
{
	struct child child;

	start_child(&child, hold_pins);
	EXPECT_EQ(pinned(GROUP), NR * 3 / 2 * PAGE);
	kill_child(&child);
}

#define RUN(test) run_test(#test, test, set_up, clean_up)
#define RUN_ENDS(test) run_test(#test, test, make_own_group, remove_own_group)

int main(int argc, char **argv)
{
	static const struct container_kind *const kinds[] = { &type1_v2,
							      &compat_v2 };

	if (argc != 3) {
		fprintf(stderr, "usage: mdev_pins UUID ADDRESS\n");
		return 2;
	}
	uuid = argv[1];
	address = argv[2];
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		kind = kinds[i];
		test_variant = kind->name;
		RUN(only_what_is_pinned_is_charged);
		RUN(page_pinned_twice_takes_two_unpins);
		RUN(second_iova_costs_nothing);
		RUN(limit_in_the_middle_of_a_pin_leaves_nothing);
		RUN(failed_pin_leaves_nothing);
		RUN(device_that_comes_and_goes_leaves_the_pins);
		RUN(device_above_the_limit_leaves_the_pins);
		RUN(close_unpins);
		RUN(rlimit_memlock_is_charged_as_before);
		RUN(memlock_cgroup_leaves_rlimit_memlock_alone);
		run_failing_mdev_tests();
		RUN_ENDS(exit_leaves_nothing);
		RUN_ENDS(kill_leaves_nothing);
		/*
		 * VFIO has an order of locks in it that can deadlock when
		 * devices come and go meanwhile: iommu->lock is taken before
		 * device_list_lock, and by the device's unpin within it.
		 */
		if (kind == &type1_v2 && !access("/proc/lockdep", F_OK))
			skip_test("unmap_unpins",
				  "lockdep reports the base kernel's VFIO");
		else
			RUN(unmap_unpins);
	}
	return end_tests();
}
