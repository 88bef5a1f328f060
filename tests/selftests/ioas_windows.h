/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address spaces of an iommufd that have several windows in which mappings can be,
 * with holes around them, for the test programs.
 *
 * A window ends where the address space of a device ends, where a device has reserved
 * addresses, as those of interrupts on x86, or where the iommufd test driver has.
 */
#ifndef IOAS_WINDOWS_H
#define IOAS_WINDOWS_H

#include "ioas_mock.h"

#define GROUP "iova-windows"

/* Of most mappings: more than one batch of pages. */
#define SIZE (4 * MIB)
#define NR_CHUNKS 6

/* Where a device on x86 reserves addresses for interrupts. */
#define MSI_START 0xfee00000ULL
#define MSI_LAST 0xfeefffffULL

#define MAX_WINDOWS 3
#define MAX_HOLES (MAX_WINDOWS + 1)
#define MAX_PROBES (3 * MAX_HOLES)

/**
 * struct setting - an address space and what is attached to it
 * @name: for the names of tests
 * @has_mock: a device of the iommufd test driver is
 * @has_vfio: the PCI device is
 * @reserved: made by the test driver
 * @windows: what is left; the last one ends with the device if not before
 * @anywhere: where mappings of SIZE go if the kernel may choose
 */
struct setting {
	const char *name;
	bool has_mock;
	bool has_vfio;
	struct iommu_iova_range reserved[2];
	struct iommu_iova_range windows[MAX_WINDOWS];
	uint64_t anywhere[4];
};

/*
 * Two windows that have room for two mappings each, and a large one. Between them are
 * holes of 1 MiB and of 3 pages.
 */
#define SMALL_WINDOWS                                          \
	.reserved = { { 24 * MIB, 25 * MIB - 1 },              \
		      { 33 * MIB, 33 * MIB + 3 * PAGE - 1 } }, \
	.windows = { { MOCK_START, 24 * MIB - 1 },             \
		     { 25 * MIB, 33 * MIB - 1 },               \
		     { 33 * MIB + 3 * PAGE, MOCK_LAST } },     \
	.anywhere = { MOCK_START, MOCK_START + SIZE, 26 * MIB, 34 * MIB }

static const struct setting settings[] = {
	{
		.name = "VFIO device",
		.has_vfio = true,
		.windows = { { 0, MSI_START - 1 },
			     { MSI_LAST + 1, UINT64_MAX } },
		.anywhere = { 2 * MIB, 6 * MIB, 10 * MIB, 14 * MIB },
	},
	{
		.name = "VFIO device, not from 0",
		.has_vfio = true,
		.reserved = { { 0, MSI_START - 2 * SIZE - 1 } },
		.windows = { { MSI_START - 2 * SIZE, MSI_START - 1 },
			     { MSI_LAST + 1, UINT64_MAX } },
		.anywhere = { MSI_START - 2 * SIZE, MSI_START - SIZE,
			      MSI_START + 2 * MIB, MSI_START + 6 * MIB },
	},
	{
		.name = "mock device",
		.has_mock = true,
		SMALL_WINDOWS,
	},
	{
		.name = "both devices",
		.has_mock = true,
		.has_vfio = true,
		SMALL_WINDOWS,
	},
};

static const char *address;
static const struct setting *setting;
static const struct memory_kind *memory_kind;

/* Of the setting. */
static struct iommu_iova_range windows[MAX_WINDOWS];
static unsigned int nr_windows;
static struct iommu_iova_range holes[MAX_HOLES];
static unsigned int nr_holes;

/* What each test starts with: all is attached. */
static int iommufd, device;
static uint32_t ioas, mock;
static char *memory;

/* ---- address spaces ---- */

/* Returns 0 or -errno; at most @most ranges are stored, however many there are. */
static inline int get_ranges(uint32_t of, struct iommu_iova_range *ranges,
			     unsigned int most, unsigned int *nr)
{
	struct iommu_ioas_iova_ranges get = {
		.size = sizeof(get),
		.ioas_id = of,
		.num_iovas = most,
		.allowed_iovas = (uintptr_t)ranges,
	};
	int ret = ioctl(iommufd, IOMMU_IOAS_IOVA_RANGES, &get) ? -errno : 0;

	*nr = get.num_iovas;
	return ret;
}

static inline int allow_ranges(uint32_t in,
			       const struct iommu_iova_range *ranges,
			       unsigned int nr)
{
	struct iommu_ioas_allow_iovas allow = {
		.size = sizeof(allow),
		.ioas_id = in,
		.num_iovas = nr,
		.allowed_iovas = (uintptr_t)ranges,
	};

	return ioctl(iommufd, IOMMU_IOAS_ALLOW_IOVAS, &allow) ? -errno : 0;
}

static inline int allow_range(uint32_t in, uint64_t start, uint64_t size)
{
	const struct iommu_iova_range range = { start, start + size - 1 };

	return allow_ranges(in, &range, 1);
}

/* Returns the address or -errno. */
static inline int64_t map_anywhere(uint32_t to, void *from, uint64_t size)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = to,
		.user_va = (uintptr_t)from,
		.length = size,
	};

	return ioctl(iommufd, IOMMU_IOAS_MAP, &map) ? -errno :
						      (int64_t)map.iova;
}

static inline int64_t copy_anywhere(uint32_t to, uint32_t from,
				    uint64_t from_iova, uint64_t size)
{
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.dst_ioas_id = to,
		.src_ioas_id = from,
		.length = size,
		.src_iova = from_iova,
	};

	return ioctl(iommufd, IOMMU_IOAS_COPY, &copy) ? -errno :
							(int64_t)copy.dst_iova;
}

/* Returns the number of bytes that were unmapped, or -errno. */
static inline int64_t unmap_all_in(uint32_t from, uint64_t iova, uint64_t size)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = from,
		.iova = iova,
		.length = size,
	};

	return ioctl(iommufd, IOMMU_IOAS_UNMAP, &unmap) ? -errno :
							  (int64_t)unmap.length;
}

static inline int destroy(uint32_t id)
{
	struct iommu_destroy destroy = { .size = sizeof(destroy), .id = id };

	return ioctl(iommufd, IOMMU_DESTROY, &destroy) ? -errno : 0;
}

/* In the address space of the test. */
static inline int map_in(uint64_t iova, void *from, uint64_t size)
{
	return map_at(iommufd, ioas, from, iova, size);
}

static inline int unmap_in(uint64_t iova, uint64_t size)
{
	return unmap_at(iommufd, ioas, iova, size);
}

/* Parts of the memory that have nothing in common. */
static inline void *chunk(unsigned int i)
{
	return memory + i * SIZE;
}

/* ---- settings ---- */

static inline unsigned int count_ranges(const struct iommu_iova_range *ranges,
					unsigned int most)
{
	unsigned int nr = 0;

	while (nr < most && ranges[nr].last)
		nr++;
	return nr;
}

/* The last address that a VT-d translates: it says how many bits it has. */
static inline uint64_t last_of_device(void)
{
	char path[PATH_MAX], text[32];
	unsigned int bits;

	snprintf(path, sizeof(path),
		 "/sys/bus/pci/devices/%s/iommu/intel-iommu/cap", address);
	REQUIRE(read_file(path, text, sizeof(text)) > 0);
	bits = (strtoull(text, NULL, 16) >> 16 & 0x3f) + 1;
	return (1ULL << bits) - 1;
}

static inline void find_holes(void)
{
	uint64_t start = 0;

	nr_holes = 0;
	for (unsigned int i = 0; i < nr_windows; i++) {
		if (windows[i].start > start)
			holes[nr_holes++] = (struct iommu_iova_range){
				start, windows[i].start - 1
			};
		start = windows[i].last + 1;
	}
	holes[nr_holes++] = (struct iommu_iova_range){ start, UINT64_MAX };
}

static inline void use_setting(const struct setting *which)
{
	struct iommu_iova_range *end;

	setting = which;
	memcpy(windows, which->windows, sizeof(windows));
	nr_windows = count_ranges(windows, MAX_WINDOWS);
	end = &windows[nr_windows - 1];
	if (end->last == UINT64_MAX)
		end->last = last_of_device();
	find_holes();
}

/* Where the last mapping in a window begins. */
static inline uint64_t end_of(unsigned int window, uint64_t size)
{
	return windows[window].last + 1 - size;
}

/* Where the first mapping goes in a window, if the kernel may choose. Never at 0. */
static inline uint64_t first_fit(unsigned int window)
{
	uint64_t start = windows[window].start ?: PAGE;

	return (start + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

static inline int attach_devices(void)
{
	int ret = 0;

	if (setting->has_mock)
		ret = add_mock_device(iommufd, ioas, &mock);
	if (!ret && setting->has_vfio)
		ret = attach(device, ioas);
	return ret;
}

static inline void detach_devices(void)
{
	if (setting->has_mock)
		REQUIRE(!destroy(mock));
	if (setting->has_vfio)
		REQUIRE(!detach(device));
}

/* ---- before and after each test ---- */

static inline void open_all(void)
{
	iommufd = open_iommufd();
	device = open_cdev(address);
	bind_device(iommufd, device);
	ioas = new_ioas(iommufd);
}

static inline void close_all(void)
{
	REQUIRE(!close(device));
	REQUIRE(!close(iommufd));
}

static inline void set_up(void)
{
	const struct iommu_iova_range *reserved = setting->reserved;

	make_group(GROUP);
	enter_group(GROUP);
	open_all();
	for (unsigned int i = 0;
	     i < count_ranges(reserved, ARRAY_SIZE(setting->reserved)); i++)
		REQUIRE(!reserve(iommufd, ioas, reserved[i].start,
				 reserved[i].last + 1 - reserved[i].start));
	REQUIRE(!attach_devices());
	memory = memory_kind->get(NR_CHUNKS * SIZE);
}

static inline void clean_up(void)
{
	put_memory(memory, NR_CHUNKS * SIZE);
	close_all();
	enter_group("");
	EXPECT_NOTHING_PINNED(GROUP);
	EXPECT_EQ(file_key("/proc/self/status", "VmPin"), 0);
	EXPECT_EQ(remove_group(GROUP), 0);
}

/* ---- what there is to see ---- */

static inline void expect_charges(int line, uint64_t unique, uint64_t gross,
				  int64_t accounts)
{
	int64_t vm_pin = file_key("/proc/self/status", "VmPin") * KIB;

	expect_kind(line, GROUP, "iommufd", unique, gross, accounts);
	expect(line, "VmPin", vm_pin, "", vm_pin == (int64_t)gross, gross);
}

#define EXPECT_CHARGES(unique, gross, accounts) \
	expect_charges(__LINE__, unique, gross, accounts)

static const char *const counter_files[] = {
	GROUP "/ioas.pinned.current", GROUP "/ioas.pinned.peak",
	GROUP "/ioas.pinned.events",  GROUP "/ioas.pinned.events.local",
	GROUP "/ioas.stat",	      "ioas.pinned.current",
	"ioas.pinned.peak",	      "ioas.stat",
};

#define NR_COUNTER_FILES ARRAY_SIZE(counter_files)

/* All that is counted, and what was ever pinned: not even for a moment is more. */
struct counters {
	char files[NR_COUNTER_FILES][512];
	int64_t vm_pin;
	int64_t vm_lck;
	int64_t ever_pinned;
};

static inline void read_counters(struct counters *counters)
{
	for (size_t i = 0; i < NR_COUNTER_FILES; i++) {
		char *text = counters->files[i];

		REQUIRE(read_file(group_file("", counter_files[i]), text,
				  sizeof(counters->files[i])) > 0);
		for (; *text; text++)
			if (*text == '\n')
				*text = text[1] ? ' ' : '\0';
	}
	counters->vm_pin = file_key("/proc/self/status", "VmPin");
	counters->vm_lck = file_key("/proc/self/status", "VmLck");
	counters->ever_pinned = pages_ever_pinned();
}

static inline void expect_counters(int line, const struct counters *before)
{
	struct counters now;

	read_counters(&now);
	for (size_t i = 0; i < NR_COUNTER_FILES; i++)
		if (strcmp(before->files[i], now.files[i]))
			fail_test("line %d: %s: expected %s, found %s", line,
				  counter_files[i], before->files[i],
				  now.files[i]);
	expect(line, "VmPin", now.vm_pin, "", now.vm_pin == before->vm_pin,
	       before->vm_pin);
	expect(line, "VmLck", now.vm_lck, "", now.vm_lck == before->vm_lck,
	       before->vm_lck);
	expect(line, "pages ever pinned", now.ever_pinned, "",
	       now.ever_pinned == before->ever_pinned, before->ever_pinned);
}

/* The call fails, and nothing is counted that was not before. */
#define EXPECT_REFUSED(call, error)                  \
	do {                                         \
		struct counters before_;             \
                                                     \
		read_counters(&before_);             \
		EXPECT_EQ(call, error);              \
		expect_counters(__LINE__, &before_); \
	} while (0)

static inline void expect_ranges(int line, uint32_t of,
				 const struct iommu_iova_range *expected,
				 unsigned int nr_expected)
{
	struct iommu_iova_range found[MAX_HOLES];
	unsigned int nr;
	int ret = get_ranges(of, found, ARRAY_SIZE(found), &nr);

	expect(line, "IOMMU_IOAS_IOVA_RANGES", ret, "", !ret, 0);
	expect(line, "number of ranges", nr, "", nr == nr_expected,
	       nr_expected);
	for (unsigned int i = 0; i < nr && i < nr_expected; i++)
		if (memcmp(&found[i], &expected[i], sizeof(found[i])) != 0)
			fail_test(
				"line %d: expected %llx-%llx, found %llx-%llx",
				line, expected[i].start, expected[i].last,
				found[i].start, found[i].last);
}

#define EXPECT_WINDOWS() expect_ranges(__LINE__, ioas, windows, nr_windows)

/* Of one range. */
#define EXPECT_RANGE(of, start, last) \
	expect_ranges(__LINE__, of,   \
		      &(const struct iommu_iova_range){ start, last }, 1)

/* ---- where nothing can be mapped ---- */

/**
 * struct probe - what cannot be mapped
 * @iova: where
 * @size: how much; less than SIZE
 * @error: what a mapping there gives
 */
struct probe {
	uint64_t iova;
	uint64_t size;
	int error;
};

/* At both ends of each hole and in its middle. */
static inline unsigned int probes_in_holes(struct probe *probes)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < nr_holes; i++) {
		uint64_t end = holes[i].last - PAGE + 1;
		uint64_t middle = holes[i].start + (end - holes[i].start) / 2;

		probes[nr++] = (struct probe){ holes[i].start, PAGE, -EINVAL };
		probes[nr++] =
			(struct probe){ middle / PAGE * PAGE, PAGE, -EINVAL };
		probes[nr++] = (struct probe){ end, PAGE, -EINVAL };
	}
	return nr;
}

/* From a window into a hole, from a hole into a window, and across small holes. */
static inline unsigned int probes_across_borders(struct probe *probes)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < nr_holes; i++) {
		uint64_t start = holes[i].start, last = holes[i].last;

		if (start)
			probes[nr++] = (struct probe){ start - PAGE, 2 * PAGE,
						       -EINVAL };
		/* The last one ends where there are no more addresses. */
		probes[nr++] = (struct probe){ last - PAGE + 1, 2 * PAGE,
					       last == UINT64_MAX ? -EOVERFLOW :
								    -EINVAL };
		if (start && last - start < SIZE / 2)
			probes[nr++] =
				(struct probe){ start - PAGE,
						last + 1 - start + 2 * PAGE,
						-EINVAL };
	}
	return nr;
}

static inline int map_probe(const struct probe *probe)
{
	return map_in(probe->iova, chunk(1), probe->size);
}

/* From the start of the first window, where a mapping is. */
static inline int copy_probe(const struct probe *probe)
{
	return copy_at(iommufd, ioas, probe->iova, ioas, windows[0].start,
		       probe->size);
}

static inline void expect_probes_refused(const struct probe *probes,
					 unsigned int nr,
					 int (*map)(const struct probe *))
{
	for (unsigned int i = 0; i < nr; i++) {
		bool failed_before = test_failed;

		EXPECT_REFUSED(map(&probes[i]), probes[i].error);
		if (test_failed && !failed_before)
			fail_test("at %" PRIx64 ", size %" PRIx64,
				  probes[i].iova, probes[i].size);
	}
}

/* Besides a mapping that is charged. */
static inline void map_at_first_address(void)
{
	EXPECT_EQ(map_in(windows[0].start, chunk(0), SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
}

/* One mapping of SIZE at the start of each window. */
static inline void map_in_each_window(void)
{
	for (unsigned int i = 0; i < nr_windows; i++) {
		EXPECT_EQ(map_in(windows[i].start, chunk(i), SIZE), 0);
		EXPECT_CHARGES((i + 1) * SIZE, (i + 1) * SIZE, i + 1);
	}
}

#endif /* IOAS_WINDOWS_H */
