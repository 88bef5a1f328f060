// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What memory regions of an RDMA device are charged: an account each, of kind rdma.
 * The queues of this device are not in user memory.
 *
 * libraries: -libverbs
 */
#include "ioas_rdma.h"
#include "ioas_site.h"

static struct rdma rdma;
static struct ibv_mr *regions[2];

static void open_site(void)
{
	open_rdma(&rdma);
}

static void close_site(void)
{
	close_rdma(&rdma);
}

static int pin_region(unsigned int slot, void *memory)
{
	return register_region(&rdma, memory, PIN_SIZE, &regions[slot]);
}

static void unpin_region(unsigned int slot)
{
	deregister_region(regions[slot]);
}

static const struct site rdma_site = {
	.stat = "rdma",
	.refusal = -ENOMEM,
	.hole_error = -EFAULT,
	.any_process_unpins = true,
	.open = open_site,
	.close = close_site,
	.pin = pin_region,
	.unpin = unpin_region,
};

/* ---- regions of other sizes ---- */

static void part_of_a_page_is_charged_as_a_page(void)
{
	static const struct {
		uint64_t offset;
		uint64_t size;
		uint64_t pages;
	} rows[] = {
		{ 0, 1, 1 },
		{ PAGE - 1, 1, 1 },
		{ PAGE - 1, 2, 2 },
		{ 100, PAGE, 2 },
		{ 100, 3 * PAGE - 100, 3 },
		{ 100, 3 * PAGE - 99, 4 },
	};
	char *memory = get_small_pages(4 * PAGE);
	struct ibv_mr *region;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint64_t charge = rows[i].pages * PAGE;

		EXPECT_EQ(register_region(&rdma, memory + rows[i].offset,
					  rows[i].size, &region),
			  0);
		EXPECT_CHARGE(charge, charge, 1);
		EXPECT_EQ(counted_for_rlimit(), charge);
		deregister_region(region);
		EXPECT_CHARGE(0, 0, 0);
	}
	put_memory(memory, 4 * PAGE);
}

/* Many small regions, as messaging libraries have them, that end in no order. */
static void regions_of_one_page_count_once(void)
{
	enum { REGIONS = 64 };
	struct ibv_mr *many[REGIONS];
	char *memory = get_small_pages(PAGE);

	for (unsigned int i = 0; i < REGIONS; i++) {
		EXPECT_EQ(register_region(&rdma, memory + i * PAGE / REGIONS,
					  PAGE / REGIONS, &many[i]),
			  0);
		EXPECT_CHARGE(PAGE, (i + 1) * PAGE, i + 1);
	}
	for (unsigned int i = 0; i < REGIONS; i++) {
		EXPECT_CHARGE(PAGE, (REGIONS - i) * PAGE, REGIONS - i);
		deregister_region(many[i * 37 % REGIONS]);
	}
	put_memory(memory, PAGE);
}

/* The kernel does not write to it, and shares it with whoever reads it. */
static void region_to_be_read_is_charged(void)
{
	void *memory = get_site_memory();
	struct ibv_mr *region = ibv_reg_mr(rdma.pd, memory, PIN_SIZE, 0);

	REQUIRE(region);
	EXPECT_CHARGE(PIN_SIZE, PIN_SIZE, 1);
	deregister_region(region);
	put_memory(memory, PIN_SIZE);
}

int main(void)
{
	run_site_tests(&rdma_site);
	RUN_IN_GROUP(part_of_a_page_is_charged_as_a_page);
	RUN_IN_GROUP(regions_of_one_page_count_once);
	RUN_IN_GROUP(region_to_be_read_is_charged);
	return end_tests();
}
