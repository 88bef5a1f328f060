// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an iommufd charges for an address space that has several windows: what is
 * mapped there is charged as it would be anywhere, and what does not fit into a window
 * is refused and charges nothing. The user may allow ranges: no device can take them
 * away, and mappings whose address the kernel chooses are there only.
 *
 * iova_windows ADDRESS: a PCI device bound to vfio-pci.
 */
#include "ioas_memlock.h"
#include "ioas_windows.h"

/* ---- tests: windows ---- */

static void ranges_are_the_windows(void)
{
	struct iommu_iova_range first[2] = { { 1, 1 }, { 1, 1 } };
	unsigned int nr;

	EXPECT_WINDOWS();
	EXPECT_EQ(get_ranges(ioas, first, 1, &nr), -EMSGSIZE);
	EXPECT_EQ(nr, nr_windows);
	EXPECT_EQ(first[0].last, windows[0].last);
	EXPECT_EQ(first[1].last, 1);
	map_in_each_window();
	EXPECT_WINDOWS();
}

static void map_at_both_ends_of_each_window_is_charged(void)
{
	for (unsigned int i = 0; i < nr_windows; i++) {
		uint64_t before = 2 * i * SIZE;

		EXPECT_EQ(map_in(windows[i].start, chunk(2 * i), SIZE), 0);
		EXPECT_CHARGES(before + SIZE, before + SIZE, 2 * i + 1);
		EXPECT_EQ(map_in(end_of(i, SIZE), chunk(2 * i + 1), SIZE), 0);
		EXPECT_CHARGES(before + 2 * SIZE, before + 2 * SIZE, 2 * i + 2);
	}
}

/* Each has a mapping of another size. */
static void unmap_in_a_window_uncharges_just_that(void)
{
	uint64_t all = 0;

	for (unsigned int i = 0; i < nr_windows; i++) {
		EXPECT_EQ(map_in(end_of(i, SIZE >> i), chunk(i), SIZE >> i), 0);
		all += SIZE >> i;
	}
	EXPECT_CHARGES(all, all, nr_windows);
	for (unsigned int i = 0; i < nr_windows; i++) {
		uint64_t size = SIZE >> i;

		EXPECT_EQ(unmap_in(end_of(i, size), size), 0);
		EXPECT_CHARGES(all - size, all - size, nr_windows - 1);
		EXPECT_EQ(map_in(end_of(i, size), chunk(i), size), 0);
		EXPECT_CHARGES(all, all, nr_windows);
	}
}

static void same_memory_in_each_window_counts_once(void)
{
	for (unsigned int i = 0; i < nr_windows; i++) {
		EXPECT_EQ(map_in(windows[i].start, chunk(0), SIZE), 0);
		EXPECT_CHARGES(SIZE, (i + 1) * SIZE, i + 1);
	}
	for (unsigned int i = 0; i < nr_windows; i++) {
		unsigned int left = nr_windows - 1 - i;

		EXPECT_EQ(unmap_in(windows[i].start, SIZE), 0);
		EXPECT_CHARGES(left ? SIZE : 0, left * SIZE, left);
	}
}

/* They share the pins of the first one, which may go before them. */
static void copy_to_each_window_is_charged_with_its_source(void)
{
	map_at_first_address();
	for (unsigned int i = 1; i < nr_windows; i++) {
		EXPECT_EQ(copy_at(iommufd, ioas, windows[i].start, ioas,
				  windows[0].start, SIZE),
			  0);
		EXPECT_CHARGES(SIZE, SIZE, 1);
	}
	for (unsigned int i = 0; i < nr_windows; i++) {
		unsigned int left = nr_windows - 1 - i;

		EXPECT_EQ(unmap_in(windows[i].start, SIZE), 0);
		EXPECT_CHARGES(left ? SIZE : 0, left ? SIZE : 0, !!left);
	}
}

static void copy_to_another_address_space_is_charged_with_its_source(void)
{
	const uint64_t from = windows[nr_windows - 1].start;
	uint32_t second = new_ioas(iommufd), second_mock;

	EXPECT_EQ(add_mock_device(iommufd, second, &second_mock), 0);
	EXPECT_EQ(map_in(from, chunk(0), SIZE), 0);
	EXPECT_REFUSED(copy_at(iommufd, second, MOCK_START - PAGE, ioas, from,
			       SIZE),
		       -EINVAL);
	EXPECT_REFUSED(copy_at(iommufd, second, MOCK_LAST + 1, ioas, from,
			       SIZE),
		       -EINVAL);
	EXPECT_EQ(copy_at(iommufd, second, MOCK_START, ioas, from, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(unmap_in(from, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(unmap_at(iommufd, second, MOCK_START, SIZE), 0);
	EXPECT_CHARGES(0, 0, 0);
}

/* ---- tests: holes ---- */

static void map_into_a_hole_charges_nothing(void)
{
	struct probe probes[MAX_PROBES];

	map_at_first_address();
	expect_probes_refused(probes, probes_in_holes(probes), map_probe);
	EXPECT_WINDOWS();
}

static void map_across_a_border_charges_nothing(void)
{
	struct probe probes[MAX_PROBES];

	map_at_first_address();
	expect_probes_refused(probes, probes_across_borders(probes), map_probe);
	EXPECT_WINDOWS();
	/* Just up to the border is no error. */
	EXPECT_EQ(map_in(end_of(0, PAGE), chunk(1), PAGE), 0);
	EXPECT_EQ(map_in(windows[1].start, chunk(2), PAGE), 0);
	EXPECT_CHARGES(SIZE + 2 * PAGE, SIZE + 2 * PAGE, 3);
}

static void copy_into_a_hole_charges_nothing(void)
{
	struct probe probes[MAX_PROBES];

	map_at_first_address();
	expect_probes_refused(probes, probes_in_holes(probes), copy_probe);
	expect_probes_refused(probes, probes_across_borders(probes),
			      copy_probe);
}

/* All that is on both sides of it is mapped, but not the hole. */
static void copy_from_across_a_hole_charges_nothing(void)
{
	const uint64_t from = end_of(0, SIZE);
	uint32_t second = new_ioas(iommufd);

	EXPECT_EQ(map_in(from, chunk(0), SIZE), 0);
	EXPECT_EQ(map_in(windows[1].start, chunk(1), SIZE), 0);
	EXPECT_CHARGES(2 * SIZE, 2 * SIZE, 2);
	EXPECT_REFUSED(copy_at(iommufd, second, 0, ioas, from,
			       windows[1].start + SIZE - from),
		       -ENOENT);
}

static void map_over_a_mapping_charges_nothing(void)
{
	map_in_each_window();
	for (unsigned int i = 0; i < nr_windows; i++) {
		const uint64_t last_page = windows[i].start + SIZE - PAGE;

		EXPECT_REFUSED(map_in(windows[i].start, chunk(3), SIZE),
			       -EEXIST);
		EXPECT_REFUSED(map_in(last_page, chunk(3), 2 * PAGE), -EEXIST);
	}
}

/* ---- tests: unmapping ---- */

static void unmap_of_a_part_is_refused(void)
{
	map_in_each_window();
	for (unsigned int i = 0; i < nr_windows; i++) {
		const uint64_t iova = windows[i].start;

		EXPECT_REFUSED(unmap_in(iova, SIZE / 2), -ENOENT);
		EXPECT_REFUSED(unmap_in(iova + PAGE, SIZE - PAGE), -ENOENT);
		EXPECT_REFUSED(unmap_in(iova + SIZE - PAGE, PAGE), -ENOENT);
	}
}

static void unmap_in_a_hole_finds_nothing(void)
{
	map_in_each_window();
	for (unsigned int i = 0; i < nr_holes; i++)
		EXPECT_REFUSED(unmap_in(holes[i].start, PAGE), -ENOENT);
}

static void unmap_across_a_hole_takes_both_sides(void)
{
	const uint64_t from = end_of(0, SIZE), to = windows[1].start + SIZE;

	EXPECT_EQ(map_in(from, chunk(0), SIZE), 0);
	EXPECT_EQ(map_in(windows[1].start, chunk(1), SIZE), 0);
	EXPECT_EQ(map_in(end_of(nr_windows - 1, PAGE), chunk(2), PAGE), 0);
	EXPECT_CHARGES(2 * SIZE + PAGE, 2 * SIZE + PAGE, 3);
	EXPECT_EQ(unmap_all_in(ioas, from, to - from), 2 * SIZE);
	EXPECT_CHARGES(PAGE, PAGE, 1);
	EXPECT_EQ(unmap_all_in(ioas, 0, UINT64_MAX), PAGE);
	EXPECT_CHARGES(0, 0, 0);
}

/* What comes before the mapping that it would cut has gone by then. */
static void unmap_that_cuts_the_second_side_leaves_that_one(void)
{
	const uint64_t from = end_of(0, SIZE), to = windows[1].start + PAGE;

	EXPECT_EQ(map_in(from, chunk(0), SIZE / 2), 0);
	EXPECT_EQ(map_in(windows[1].start, chunk(1), SIZE), 0);
	EXPECT_CHARGES(SIZE / 2 + SIZE, SIZE / 2 + SIZE, 2);
	EXPECT_EQ(unmap_in(from, to - from), -ENOENT);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(unmap_in(windows[1].start, SIZE), 0);
	EXPECT_CHARGES(0, 0, 0);
}

/* ---- tests: the kernel chooses the address ---- */

static void map_anywhere_lands_in_the_windows(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(setting->anywhere); i++) {
		EXPECT_EQ(map_anywhere(ioas, chunk(i), SIZE),
			  setting->anywhere[i]);
		EXPECT_CHARGES((i + 1) * SIZE, (i + 1) * SIZE, i + 1);
	}
}

static void map_anywhere_in_one_allowed_range(void)
{
	const uint64_t iova = first_fit(nr_windows - 1);

	map_at_first_address();
	EXPECT_EQ(allow_range(ioas, iova, SIZE), 0);
	EXPECT_REFUSED(map_anywhere(ioas, chunk(1), SIZE + PAGE), -ENOSPC);
	EXPECT_EQ(map_anywhere(ioas, chunk(1), SIZE), iova);
	EXPECT_CHARGES(2 * SIZE, 2 * SIZE, 2);
	EXPECT_REFUSED(map_anywhere(ioas, chunk(2), PAGE), -ENOSPC);
	EXPECT_REFUSED(copy_anywhere(ioas, ioas, windows[0].start, PAGE),
		       -ENOSPC);
	EXPECT_EQ(unmap_in(iova, SIZE), 0);
	EXPECT_EQ(copy_anywhere(ioas, ioas, windows[0].start, SIZE), iova);
	EXPECT_CHARGES(SIZE, SIZE, 1);
}

/* Given from the last to the first. */
static void map_anywhere_fills_all_allowed_ranges(void)
{
	struct iommu_iova_range allowed[MAX_WINDOWS];

	for (unsigned int i = 0; i < nr_windows; i++)
		allowed[nr_windows - 1 - i] =
			(struct iommu_iova_range){ first_fit(i),
						   first_fit(i) + SIZE - 1 };
	EXPECT_EQ(allow_ranges(ioas, allowed, nr_windows), 0);
	for (unsigned int i = 0; i < nr_windows; i++) {
		EXPECT_EQ(map_anywhere(ioas, chunk(i), SIZE), first_fit(i));
		EXPECT_CHARGES((i + 1) * SIZE, (i + 1) * SIZE, i + 1);
	}
	EXPECT_REFUSED(map_anywhere(ioas, chunk(3), PAGE), -ENOSPC);
	EXPECT_EQ(unmap_in(first_fit(1), SIZE), 0);
	EXPECT_CHARGES((nr_windows - 1) * SIZE, (nr_windows - 1) * SIZE,
		       nr_windows - 1);
	EXPECT_EQ(map_anywhere(ioas, chunk(3), SIZE), first_fit(1));
	EXPECT_CHARGES(nr_windows * SIZE, nr_windows * SIZE, nr_windows);
}

/* There is room, but not where huge pages would be possible. */
static void map_anywhere_that_cannot_be_aligned_charges_nothing(void)
{
	const uint64_t iova = first_fit(nr_windows - 1) + PAGE;

	map_at_first_address();
	EXPECT_EQ(allow_range(ioas, iova, SIZE), 0);
	EXPECT_REFUSED(map_anywhere(ioas, chunk(1), SIZE), -ENOSPC);
	EXPECT_EQ(map_anywhere(ioas, (char *)chunk(1) + PAGE, SIZE), iova);
	EXPECT_CHARGES(2 * SIZE, 2 * SIZE, 2);
}

/* ---- tests: ranges of the user ---- */

static void allowed_ranges_do_not_bind_a_fixed_address(void)
{
	EXPECT_EQ(allow_range(ioas, first_fit(0), PAGE), 0);
	map_in_each_window();
	EXPECT_WINDOWS();
}

/* The ranges that were allowed before stay so. */
static void ranges_that_cannot_be_allowed_change_nothing(void)
{
	const struct iommu_iova_range good = { first_fit(1),
					       first_fit(1) + SIZE - 1 };
	const struct {
		struct iommu_iova_range range;
		int error;
	} bad[] = {
		{ holes[0], -EADDRINUSE },
		{ holes[nr_holes - 1], -EADDRINUSE },
		{ { end_of(0, PAGE), windows[0].last + 1 }, -EADDRINUSE },
		{ { windows[1].start - 1, windows[1].start }, -EADDRINUSE },
		{ { windows[0].start, windows[1].last }, -EINVAL },
		{ good, -EINVAL },
		{ { good.start - 1, good.start - PAGE }, -EINVAL },
	};

	map_at_first_address();
	EXPECT_EQ(allow_ranges(ioas, &good, 1), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct iommu_iova_range list[] = { good, bad[i].range };

		EXPECT_REFUSED(allow_ranges(ioas, list, 2), bad[i].error);
	}
	EXPECT_EQ(map_anywhere(ioas, chunk(1), SIZE), good.start);
	EXPECT_REFUSED(map_anywhere(ioas, chunk(2), PAGE), -ENOSPC);
	EXPECT_CHARGES(2 * SIZE, 2 * SIZE, 2);
	EXPECT_WINDOWS();
}

static void allowed_range_cannot_be_reserved(void)
{
	map_at_first_address();
	EXPECT_EQ(allow_range(ioas, first_fit(1), SIZE), 0);
	EXPECT_REFUSED(reserve(iommufd, ioas, first_fit(1) + SIZE - PAGE,
			       2 * PAGE),
		       -EADDRINUSE);
	EXPECT_WINDOWS();
	EXPECT_EQ(allow_ranges(ioas, NULL, 0), 0);
	EXPECT_EQ(reserve(iommufd, ioas, first_fit(1) + SIZE - PAGE, 2 * PAGE),
		  0);
	EXPECT_REFUSED(map_in(first_fit(1), chunk(1), SIZE), -EINVAL);
}

static void mapping_cannot_be_reserved(void)
{
	map_in_each_window();
	for (unsigned int i = 0; i < nr_windows; i++) {
		const uint64_t iova = windows[i].start;

		EXPECT_REFUSED(reserve(iommufd, ioas, iova, SIZE), -EADDRINUSE);
		EXPECT_REFUSED(reserve(iommufd, ioas, iova, PAGE), -EADDRINUSE);
		EXPECT_REFUSED(reserve(iommufd, ioas, iova + SIZE - PAGE,
				       2 * PAGE),
			       -EADDRINUSE);
	}
	EXPECT_WINDOWS();
	EXPECT_EQ(unmap_in(windows[1].start, SIZE), 0);
	EXPECT_EQ(reserve(iommufd, ioas, windows[1].start, SIZE), 0);
	EXPECT_REFUSED(map_in(windows[1].start, chunk(1), SIZE), -EINVAL);
	EXPECT_CHARGES((nr_windows - 1) * SIZE, (nr_windows - 1) * SIZE,
		       nr_windows - 1);
}

/* ---- tests: limits ---- */

static void limit_refuses_in_the_last_window(void)
{
	const unsigned int last = nr_windows - 1;

	set_number(GROUP, "ioas.pinned.max", SIZE + SIZE / 2);
	map_at_first_address();
	EXPECT_EQ(map_in(windows[last].start, chunk(1), SIZE), -ENOMEM);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	EXPECT_EQ(map_in(windows[last].start, chunk(1), SIZE / 2), 0);
	EXPECT_CHARGES(SIZE + SIZE / 2, SIZE + SIZE / 2, 2);
	/* What is in the first window is free in the last. */
	EXPECT_EQ(map_in(end_of(last, SIZE), chunk(0), SIZE), 0);
	EXPECT_CHARGES(SIZE + SIZE / 2, 2 * SIZE + SIZE / 2, 3);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	EXPECT_WINDOWS();
}

/* The first window is pinned by then, and has to be unpinned. */
static void limit_refuses_an_attach_in_the_second_window(void)
{
	struct iommu_iova_range ranges[MAX_WINDOWS];
	unsigned int nr;

	detach_devices();
	EXPECT_EQ(get_ranges(ioas, ranges, MAX_WINDOWS, &nr), 0);
	EXPECT_EQ(map_in(windows[0].start, chunk(0), SIZE), 0);
	EXPECT_EQ(map_in(windows[1].start, chunk(1), SIZE), 0);
	EXPECT_CHARGES(0, 0, 2);
	set_number(GROUP, "ioas.pinned.max", SIZE + SIZE / 2);
	EXPECT_EQ(attach_devices(), -ENOMEM);
	EXPECT_CHARGES(0, 0, 2);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	expect_ranges(__LINE__, ioas, ranges, nr);
	set_number(GROUP, "ioas.pinned.max", 2 * SIZE);
	EXPECT_EQ(attach_devices(), 0);
	EXPECT_CHARGES(2 * SIZE, 2 * SIZE, 2);
	EXPECT_WINDOWS();
}

/* One object in the first window, one in the second, one at the end of the last. */
static uint64_t memlock_iova(unsigned int slot, size_t size)
{
	if (slot == MEMLOCK_PROBE)
		return end_of(nr_windows - 1, size);
	return windows[slot].start;
}

static size_t memlock_sizes[MEMLOCK_SLOTS];

static int pin_in_window(unsigned int slot, void *from, size_t size)
{
	memlock_sizes[slot] = size;
	return map_in(memlock_iova(slot, size), from, size);
}

static void unpin_in_window(unsigned int slot)
{
	const size_t size = memlock_sizes[slot];

	REQUIRE(!unmap_in(memlock_iova(slot, size), size));
}

static const struct memlock_site windows_site = {
	.refusal = -ENOMEM,
	.in_vmpin = true,
	.pin = pin_in_window,
	.unpin = unpin_in_window,
};

static void map_all_probes(void)
{
	struct probe probes[2 * MAX_PROBES];
	unsigned int nr = probes_in_holes(probes);

	nr += probes_across_borders(probes + nr);
	for (unsigned int i = 0; i < nr; i++)
		EXPECT_EQ(map_probe(&probes[i]), probes[i].error);
}

static void count_in_windows(void)
{
	map_all_probes();
	EXPECT_VMPIN(0);
	EXPECT_ROOM(MEMLOCK_PAGES);
	EXPECT_EQ(pin_pages(0, 20), 0);
	map_all_probes();
	EXPECT_VMPIN(20);
	EXPECT_PINNED(20);
	EXPECT_ROOM(MEMLOCK_PAGES - 20);
	EXPECT_EQ(pin_pages(1, MEMLOCK_PAGES - 20), 0);
	EXPECT_ROOM(0);
	unpin_pages(0);
	map_all_probes();
	EXPECT_ROOM(20);
	unpin_pages(1);
	EXPECT_VMPIN(0);
	EXPECT_ROOM(MEMLOCK_PAGES);
}

static void rlimit_memlock_counts_windows_and_no_holes(void)
{
	memlock_site = &windows_site;
	memlock_group = "iova-windows-memlock";
	memlock_test = count_in_windows;
	run_memlock_test();
}

/* ---- tests: ends ---- */

static void destroyed_address_space_leaves_nothing(void)
{
	map_in_each_window();
	EXPECT_REFUSED(destroy(ioas), -EBUSY);
	detach_devices();
	EXPECT_CHARGES(0, 0, nr_windows);
	EXPECT_EQ(attach_devices(), 0);
	EXPECT_CHARGES(nr_windows * SIZE, nr_windows * SIZE, nr_windows);
	detach_devices();
	EXPECT_EQ(destroy(ioas), 0);
	EXPECT_CHARGES(0, 0, 0);
}

static void closed_files_leave_nothing(void)
{
	map_in_each_window();
	EXPECT_EQ(map_in(end_of(1, SIZE), chunk(0), SIZE), 0);
	EXPECT_CHARGES(nr_windows * SIZE, (nr_windows + 1) * SIZE,
		       nr_windows + 1);
	close_all();
	EXPECT_CHARGES(0, 0, 0);
	open_all();
}

/* ---- tests: devices that come and go, with the VFIO device attached ---- */

static void second_device_narrows_the_windows(void)
{
	EXPECT_EQ(map_in(MOCK_START, chunk(0), SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(add_mock_device(iommufd, ioas, &mock), 0);
	EXPECT_RANGE(ioas, MOCK_START, MOCK_LAST);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_REFUSED(map_in(0, chunk(1), SIZE), -EINVAL);
	EXPECT_REFUSED(map_in(windows[1].start, chunk(1), SIZE), -EINVAL);
	EXPECT_EQ(destroy(mock), 0);
	EXPECT_WINDOWS();
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(map_in(0, chunk(1), SIZE), 0);
	EXPECT_EQ(map_in(windows[1].start, chunk(2), SIZE), 0);
	EXPECT_CHARGES(3 * SIZE, 3 * SIZE, 3);
}

/* On both sides of what the second one translates. */
static void mappings_keep_a_second_device_out(void)
{
	EXPECT_EQ(map_in(0, chunk(0), SIZE), 0);
	EXPECT_EQ(map_in(windows[1].start, chunk(1), SIZE), 0);
	EXPECT_CHARGES(2 * SIZE, 2 * SIZE, 2);
	EXPECT_REFUSED(add_mock_device(iommufd, ioas, &mock), -EADDRINUSE);
	EXPECT_WINDOWS();
	EXPECT_EQ(unmap_in(0, SIZE), 0);
	EXPECT_REFUSED(add_mock_device(iommufd, ioas, &mock), -EADDRINUSE);
	EXPECT_WINDOWS();
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(unmap_in(windows[1].start, SIZE), 0);
	EXPECT_EQ(add_mock_device(iommufd, ioas, &mock), 0);
	EXPECT_RANGE(ioas, MOCK_START, MOCK_LAST);
	EXPECT_CHARGES(0, 0, 0);
}

static void allowed_range_keeps_a_second_device_out(void)
{
	EXPECT_EQ(allow_range(ioas, first_fit(1), 2 * SIZE), 0);
	EXPECT_EQ(map_in(MOCK_START, chunk(0), SIZE), 0);
	EXPECT_REFUSED(add_mock_device(iommufd, ioas, &mock), -EADDRINUSE);
	EXPECT_WINDOWS();
	EXPECT_EQ(map_anywhere(ioas, chunk(1), SIZE), first_fit(1));
	EXPECT_CHARGES(2 * SIZE, 2 * SIZE, 2);
	EXPECT_EQ(unmap_in(first_fit(1), SIZE), 0);
	EXPECT_EQ(allow_ranges(ioas, NULL, 0), 0);
	EXPECT_EQ(add_mock_device(iommufd, ioas, &mock), 0);
	EXPECT_RANGE(ioas, MOCK_START, MOCK_LAST);
	EXPECT_CHARGES(SIZE, SIZE, 1);
}

/*
 * Neither instead of another address space nor by itself. In the first case the kernel
 * looks at the reserved addresses late: for a moment, all is pinned.
 */
static void expect_kept_out_of(uint32_t second, int64_t accounts)
{
	EXPECT_EQ(attach(device, second), -EADDRINUSE);
	EXPECT_RANGE(second, 0, UINT64_MAX);
	EXPECT_WINDOWS();
	EXPECT_CHARGES(2 * SIZE, 2 * SIZE, accounts);
	EXPECT_EQ(detach(device), 0);
	EXPECT_CHARGES(0, 0, accounts);
	EXPECT_REFUSED(attach(device, second), -EADDRINUSE);
	EXPECT_RANGE(second, 0, UINT64_MAX);
	EXPECT_EQ(attach(device, ioas), 0);
	EXPECT_CHARGES(2 * SIZE, 2 * SIZE, accounts);
}

static void mapping_in_the_hole_keeps_the_device_out(void)
{
	uint32_t second = new_ioas(iommufd);

	EXPECT_RANGE(second, 0, UINT64_MAX);
	map_in_each_window();
	EXPECT_EQ(map_at(iommufd, second, chunk(3), MSI_LAST + 1 - PAGE, SIZE),
		  0);
	EXPECT_EQ(map_at(iommufd, second, chunk(4), 0, PAGE), 0);
	EXPECT_CHARGES(2 * SIZE, 2 * SIZE, 4);
	expect_kept_out_of(second, 4);
	EXPECT_EQ(unmap_at(iommufd, second, MSI_LAST + 1 - PAGE, SIZE), 0);
	EXPECT_EQ(attach(device, second), 0);
	expect_ranges(__LINE__, second, windows, nr_windows);
	EXPECT_RANGE(ioas, 0, UINT64_MAX);
	EXPECT_CHARGES(PAGE, PAGE, 3);
}

static void allowed_range_in_the_hole_keeps_the_device_out(void)
{
	uint32_t second = new_ioas(iommufd);

	map_in_each_window();
	EXPECT_EQ(allow_range(second, MSI_START - SIZE, SIZE + PAGE), 0);
	EXPECT_EQ(map_anywhere(second, chunk(3), SIZE), MSI_START - SIZE);
	EXPECT_CHARGES(2 * SIZE, 2 * SIZE, 3);
	expect_kept_out_of(second, 3);
	EXPECT_EQ(allow_range(second, MSI_START - SIZE, SIZE), 0);
	EXPECT_EQ(attach(device, second), 0);
	EXPECT_CHARGES(SIZE, SIZE, 3);
}

/* A kernel user that asks for both windows gets neither. */
static void kernel_user_pins_nothing_across_a_hole(void)
{
	const uint64_t hole = 64 * MIB, hole_size = MIB;
	uint32_t second = new_ioas(iommufd);
	int access = open_access(iommufd, second);

	EXPECT_EQ(reserve(iommufd, second, hole, hole_size), 0);
	EXPECT_EQ(map_at(iommufd, second, chunk(0), hole - SIZE, SIZE), 0);
	EXPECT_EQ(map_at(iommufd, second, chunk(1), hole + hole_size, SIZE), 0);
	EXPECT_CHARGES(0, 0, 2);
	EXPECT_EQ(pin_for_access(iommufd, access, hole - SIZE,
				 2 * SIZE + hole_size),
		  -ENOENT);
	EXPECT_CHARGES(0, 0, 2);
	EXPECT_EQ(pin_for_access(iommufd, access, hole - SIZE, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 2);
	EXPECT_EQ(pin_for_access(iommufd, access, hole + hole_size, SIZE), 0);
	EXPECT_CHARGES(2 * SIZE, 2 * SIZE, 2);
	EXPECT_EQ(unmap_at(iommufd, second, hole - SIZE, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	REQUIRE(!close(access));
	EXPECT_CHARGES(0, 0, 1);
}

/* ---- all of them ---- */

#define RUN(test) run_test(#test, test, set_up, clean_up)

static void run_with_memory(void)
{
	static char variant[64];

	snprintf(variant, sizeof(variant), "%s, %s", setting->name,
		 memory_kind->name);
	test_variant = variant;
	RUN(map_at_both_ends_of_each_window_is_charged);
	RUN(unmap_in_a_window_uncharges_just_that);
	RUN(same_memory_in_each_window_counts_once);
	RUN(copy_to_each_window_is_charged_with_its_source);
}

static void run_in_setting(void)
{
	for (size_t i = 0; i < NR_MEMORY_KINDS; i++) {
		memory_kind = &memory_kinds[i];
		run_with_memory();
	}
	memory_kind = &memory_kinds[0];
	test_variant = setting->name;
	RUN(ranges_are_the_windows);
	RUN(copy_to_another_address_space_is_charged_with_its_source);
	RUN(map_into_a_hole_charges_nothing);
	RUN(map_across_a_border_charges_nothing);
	RUN(copy_into_a_hole_charges_nothing);
	RUN(copy_from_across_a_hole_charges_nothing);
	RUN(map_over_a_mapping_charges_nothing);
	RUN(unmap_of_a_part_is_refused);
	RUN(unmap_in_a_hole_finds_nothing);
	RUN(unmap_across_a_hole_takes_both_sides);
	RUN(unmap_that_cuts_the_second_side_leaves_that_one);
	RUN(map_anywhere_lands_in_the_windows);
	RUN(map_anywhere_in_one_allowed_range);
	RUN(map_anywhere_fills_all_allowed_ranges);
	RUN(map_anywhere_that_cannot_be_aligned_charges_nothing);
	RUN(allowed_ranges_do_not_bind_a_fixed_address);
	RUN(ranges_that_cannot_be_allowed_change_nothing);
	RUN(allowed_range_cannot_be_reserved);
	RUN(mapping_cannot_be_reserved);
	RUN(limit_refuses_in_the_last_window);
	RUN(limit_refuses_an_attach_in_the_second_window);
	RUN(rlimit_memlock_counts_windows_and_no_holes);
	RUN(destroyed_address_space_leaves_nothing);
	RUN(closed_files_leave_nothing);
}

/* With the VFIO device, and others that come later. */
static void run_with_devices_that_come(void)
{
	test_variant = NULL;
	RUN(second_device_narrows_the_windows);
	RUN(mappings_keep_a_second_device_out);
	RUN(allowed_range_keeps_a_second_device_out);
	RUN(mapping_in_the_hole_keeps_the_device_out);
	RUN(allowed_range_in_the_hole_keeps_the_device_out);
	RUN(kernel_user_pins_nothing_across_a_hole);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: iova_windows ADDRESS\n");
		return 2;
	}
	address = argv[1];
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		use_setting(&settings[i]);
		run_in_setting();
	}
	use_setting(&settings[0]);
	run_with_devices_that_come();
	return end_tests();
}
