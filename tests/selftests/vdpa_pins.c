// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What mappings of a vhost-vdpa device are charged: an account for each message that
 * makes one, of kind vdpa.
 *
 * vdpa_pins FILE: a vhost-vdpa device.
 */
#include "ioas_site.h"
#include "ioas_vdpa.h"

#define IOVA_OF(slot) ((slot)*1024 * MIB)

static const char *path;
static int fd;

static void open_site(void)
{
	fd = open_vdpa(path);
}

static void close_site(void)
{
	REQUIRE(!close(fd));
}

static int pin_mapping(unsigned int slot, void *memory)
{
	int ret;

	begin_batch(fd);
	ret = map_vdpa(fd, 0, memory, IOVA_OF(slot), PIN_SIZE);
	end_batch(fd);
	return ret;
}

static void unpin_mapping(unsigned int slot)
{
	begin_batch(fd);
	unmap_vdpa(fd, 0, IOVA_OF(slot), PIN_SIZE);
	end_batch(fd);
}

/*
 * The device gives one error for all, as it ever did. Only the process that owns it
 * may change its mappings.
 */
static const struct site vdpa_site = {
	.stat = "vdpa",
	.refusal = -EFAULT,
	.hole_error = -EFAULT,
	.any_process_unpins = false,
	.open = open_site,
	.close = close_site,
	.pin = pin_mapping,
	.unpin = unpin_mapping,
};

/* ---- parts of a mapping ---- */

static uint64_t page_frame(const char *address)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry;

	REQUIRE(pagemap >= 0);
	REQUIRE(pread(pagemap, &entry, sizeof(entry),
		      (uintptr_t)address / PAGE * sizeof(entry)) ==
		sizeof(entry));
	close(pagemap);
	/* The rest are flags. */
	entry &= (1ULL << 55) - 1;
	REQUIRE(entry);
	return entry;
}

/*
 * A run of pages whose frames follow one another is what a mapping is cut into: it
 * goes as a whole. Returns where the run of a page ends.
 */
static uint64_t end_of_run(const char *memory, uint64_t offset)
{
	do {
		offset += PAGE;
	} while (offset < PIN_SIZE &&
		 page_frame(memory + offset) ==
			 page_frame(memory + offset - PAGE) + 1);
	return offset;
}

/* One page of each run is unmapped, the last run first. */
static void unmapped_part_is_uncharged(void)
{
	uint64_t starts[PIN_SIZE / PAGE + 1], runs = 0, end = 0;
	char *memory = get_scattered_pages(PIN_SIZE);

	EXPECT_EQ(pin_mapping(0, memory), 0);
	while (end < PIN_SIZE) {
		starts[runs++] = end;
		end = end_of_run(memory, end);
	}
	printf("# %" PRIu64 " runs of pages\n", runs);
	EXPECT_EQ(runs > 2, true);
	begin_batch(fd);
	while (runs--) {
		EXPECT_CHARGE(end, end, 1);
		EXPECT_EQ(counted_for_rlimit(), end);
		end = starts[runs];
		unmap_vdpa(fd, 0, IOVA_OF(0) + end, PAGE);
	}
	end_batch(fd);
	put_memory(memory, PIN_SIZE);
}

static void one_message_unmaps_many_mappings(void)
{
	enum { MAPPINGS = 16 };
	const uint64_t size = PIN_SIZE / MAPPINGS;
	char *memory = get_small_pages(PIN_SIZE);

	for (unsigned int i = 0; i < MAPPINGS; i++) {
		EXPECT_EQ(map_vdpa(fd, 0, memory + i * size, i * size, size),
			  0);
		EXPECT_CHARGE((i + 1) * size, (i + 1) * size, i + 1);
	}
	unmap_vdpa(fd, 0, size, (MAPPINGS - 2) * size);
	EXPECT_CHARGE(2 * size, 2 * size, 2);
	unmap_vdpa(fd, 0, 0, UINT64_MAX);
	EXPECT_CHARGE(0, 0, 0);
	put_memory(memory, PIN_SIZE);
}

/* The control queue of a network device has an address space of its own. */
static void page_in_two_address_spaces_counts_once(void)
{
	void *memory = get_site_memory();

	EXPECT_EQ(map_vdpa(fd, 0, memory, 0, PIN_SIZE), 0);
	EXPECT_EQ(map_vdpa(fd, 1, memory, 0, PIN_SIZE), 0);
	EXPECT_CHARGE(PIN_SIZE, 2 * PIN_SIZE, 2);
	unmap_vdpa(fd, 0, 0, PIN_SIZE);
	EXPECT_CHARGE(PIN_SIZE, PIN_SIZE, 1);
	unmap_vdpa(fd, 1, 0, PIN_SIZE);
	put_memory(memory, PIN_SIZE);
}

/* As QEMU does it. What a refusal leaves of a batch is what came before. */
static void batch_is_charged_as_it_is_mapped(void)
{
	char *memory = get_small_pages(2 * PIN_SIZE);

	set_number(GROUP, "ioas.pinned.max", PIN_SIZE);
	begin_batch(fd);
	EXPECT_EQ(map_vdpa(fd, 0, memory, IOVA_OF(0), PIN_SIZE), 0);
	EXPECT_EQ(map_vdpa(fd, 0, memory + PIN_SIZE, IOVA_OF(1), PIN_SIZE),
		  -EFAULT);
	end_batch(fd);
	EXPECT_CHARGE(PIN_SIZE, PIN_SIZE, 1);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	unpin_mapping(0);
	put_memory(memory, 2 * PIN_SIZE);
}

static void second_mapping_of_an_address_is_not_charged(void)
{
	char *memory = get_small_pages(2 * PIN_SIZE);

	EXPECT_EQ(pin_mapping(0, memory), 0);
	EXPECT_EQ(pin_mapping(0, memory + PIN_SIZE), -EFAULT);
	EXPECT_CHARGE(PIN_SIZE, PIN_SIZE, 1);
	unpin_mapping(0);
	put_memory(memory, 2 * PIN_SIZE);
}

/* The process lives on, and so does what it is counted for RLIMIT_MEMLOCK. */
static void close_unmaps_in_the_mode_of_the_mapping(void)
{
	static const char *const modes[] = { "rlimit", "cgroup" };
	void *memory = get_site_memory();

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		set_memlock(modes[i]);
		EXPECT_EQ(pin_mapping(0, memory), 0);
		set_memlock(modes[!i]);
		EXPECT_EQ(pin_mapping(1, memory), 0);
		EXPECT_EQ(counted_for_rlimit(), PIN_SIZE);
		close_site();
		EXPECT_CHARGE(0, 0, 0);
		EXPECT_EQ(counted_for_rlimit(), 0);
		open_site();
	}
	put_memory(memory, PIN_SIZE);
}

/* ---- allocations that fail ---- */

#define ALONE_SIZE (16 * PAGE)

static int pin_alone(void)
{
	return map_vdpa(fd, 0, failing_memory, IOVA_OF(0), ALONE_SIZE);
}

static int unpin_alone(void)
{
	return vdpa_message(fd, VHOST_IOTLB_INVALIDATE, 0, NULL, IOVA_OF(0),
			    ALONE_SIZE);
}

/* The device is told of each part of the mapping, and may refuse any of them. */
static const struct failing_site failing_alone = {
	.group = GROUP,
	.errors = { -EFAULT },
	.pin = pin_alone,
	.unpin = unpin_alone,
};

static void touch_and_run_failing_test(void)
{
	failing_memory = get_small_pages(ALONE_SIZE);
	touch_in_part_in_no_order(failing_memory, ALONE_SIZE, ALONE_SIZE);
	run_failing_test();
	put_memory(failing_memory, ALONE_SIZE);
}

static void run_failing_alone(void)
{
	site_test = touch_and_run_failing_test;
	run_to_end();
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: vdpa_pins FILE\n");
		return 2;
	}
	path = argv[1];
	require_pinning_vdpa();
	run_site_tests(&vdpa_site);
	RUN_IN_GROUP(unmapped_part_is_uncharged);
	RUN_IN_GROUP(one_message_unmaps_many_mappings);
	RUN_IN_GROUP(page_in_two_address_spaces_counts_once);
	RUN_IN_GROUP(batch_is_charged_as_it_is_mapped);
	RUN_IN_GROUP(second_mapping_of_an_address_is_not_charged);
	RUN_IN_GROUP(close_unmaps_in_the_mode_of_the_mapping);
	test_variant = "not in a batch";
	run_failing_tests(&failing_alone, run_failing_alone, make_site_groups,
			  remove_site_groups);
	return end_tests();
}
