// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that processes of different cgroups share and pin, each through a
 * device of its own: it counts once in each of them, and once in their parent.
 *
 *	shared-pins		counts every page once
 *	|-- x			pins pages 0 to SIZE
 *	`-- y			pins pages offset to offset + SIZE
 *
 * shared_pins ADDRESS ADDRESS: two PCI devices bound to vfio-pci.
 */
#include "ioas_vfio.h"

#define PARENT "shared-pins"
#define X PARENT "/x"
#define Y PARENT "/y"
#define SIZE (8 * MIB)

/**
 * struct side - one of the two processes
 * @group: its cgroup
 * @address: its device
 * @kind: its container
 * @offset: where in the memfd its part starts
 */
struct side {
	const char *group;
	const char *address;
	const struct container_kind *kind;
	uint64_t offset;
};

static struct side x = { .group = X };
static struct side y = { .group = Y };
static int memfd;
static int64_t root_before;

static void pin_as(const struct side *side)
{
	void *memory = map_memfd(memfd, side->offset, SIZE);
	struct container c;

	enter_group(side->group);
	open_container(&c, side->kind, side->address);
	REQUIRE(!map(&c, memory, 0, SIZE));
	pause_here();
	REQUIRE(unmap(&c, 0, SIZE) == (int64_t)SIZE);
}

static void pin_as_x(void)
{
	pin_as(&x);
}

static void pin_as_y(void)
{
	pin_as(&y);
}

static void make_groups(void)
{
	make_inner_group(PARENT);
	make_group(X);
	make_group(Y);
	memfd = get_memfd(2 * SIZE);
	root_before = pinned("");
}

static void remove_groups(void)
{
	close(memfd);
	EXPECT_EQ(pinned(PARENT), 0);
	EXPECT_EQ(pinned(""), root_before);
	EXPECT_EQ(remove_group(X), 0);
	EXPECT_EQ(remove_group(Y), 0);
	EXPECT_EQ(remove_group(PARENT), 0);
}

/* The parts that x and y pin at the moment, and what they have in common. */
static void expect_charges(int line, int64_t in_x, int64_t in_y,
			   int64_t in_both)
{
	const struct {
		const char *what;
		int64_t found;
		int64_t expected;
	} rows[] = {
		{ "x: current", pinned(X), in_x },
		{ "x: shared", stat_of(X, "shared"), in_both },
		{ "y: current", pinned(Y), in_y },
		{ "y: shared", stat_of(Y, "shared"), in_both },
		{ "parent: current", pinned(PARENT), in_x + in_y - in_both },
		{ "parent: unique", stat_of(PARENT, "unique"),
		  in_x + in_y - in_both },
		{ "parent: gross", stat_of(PARENT, "gross"), in_x + in_y },
		{ "parent: shared", stat_of(PARENT, "shared"), 0 },
		{ "root: current", pinned("") - root_before,
		  in_x + in_y - in_both },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(line, rows[i].what, rows[i].found, "",
		       rows[i].found == rows[i].expected, rows[i].expected);
}

#define EXPECT_CHARGES(in_x, in_y, in_both) \
	expect_charges(__LINE__, in_x, in_y, in_both)

static void page_of_two_siblings_counts_once_in_their_parent(void)
{
	const int64_t both = SIZE - y.offset;
	struct child px, py;

	EXPECT_CHARGES(0, 0, 0);
	start_child(&px, pin_as_x);
	EXPECT_CHARGES(SIZE, 0, 0);
	start_child(&py, pin_as_y);
	EXPECT_CHARGES(SIZE, SIZE, both);
	end_child(&px);
	EXPECT_CHARGES(0, SIZE, 0);
	end_child(&py);
	EXPECT_CHARGES(0, 0, 0);

	/* The other order of ends, and ends of the other kind. */
	start_child(&px, pin_as_x);
	start_child(&py, pin_as_y);
	EXPECT_CHARGES(SIZE, SIZE, both);
	kill_child(&py);
	EXPECT_CHARGES(SIZE, 0, 0);
	kill_child(&px);
	EXPECT_CHARGES(0, 0, 0);
}

static void limit_of_the_parent_holds_for_the_unique_count(void)
{
	const int64_t both = SIZE - y.offset;
	struct child px, py;

	set_number(PARENT, "ioas.pinned.max", SIZE + y.offset);
	start_child(&px, pin_as_x);
	start_child(&py, pin_as_y);
	EXPECT_CHARGES(SIZE, SIZE, both);
	EXPECT_EQ(events_of(PARENT, "max"), 0);
	end_child(&px);
	end_child(&py);
}

static void try_as_y(void)
{
	void *memory = map_memfd(memfd, y.offset, SIZE);
	struct container c;

	enter_group(Y);
	open_container(&c, y.kind, y.address);
	EXPECT_EQ(map(&c, memory, 0, SIZE), -ENOMEM);
	close_container(&c);
}

/* One page too few for both: the second is refused, the first unharmed. */
static void refusal_in_the_parent_leaves_the_sibling_alone(void)
{
	struct child px, py;

	set_number(PARENT, "ioas.pinned.max", SIZE + y.offset - PAGE);
	start_child(&px, pin_as_x);
	trace_refusals(true);
	start_child(&py, try_as_y);
	EXPECT_EQ(reap_child(&py), 0);
	trace_refusals(false);
	EXPECT_CHARGES(SIZE, 0, 0);
	EXPECT_EQ(local_events_of(PARENT, "max"), 1);
	EXPECT_EQ(events_of(Y, "max"), 0);
	EXPECT_EQ(refusal_field("cgroup"), group_id(Y));
	EXPECT_EQ(refusal_field("limit_cgroup"), group_id(PARENT));
	end_child(&px);
}

#define RUN(test) run_test(#test, test, make_groups, remove_groups)

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		const struct container_kind *x, *y;
		uint64_t offset;
	} variants[] = {
		{ "all of it, two VFIO containers", &type1_v2, &type1_v2, 0 },
		{ "all of it, VFIO and iommufd", &type1_v2, &compat_v2, 0 },
		{ "a part, two VFIO containers", &type1_v2, &type1_v2,
		  3 * MIB + 5 * PAGE },
		{ "a part, two iommufds", &compat_v2, &compat_v2,
		  3 * MIB + 5 * PAGE },
	};

	if (argc != 3) {
		fprintf(stderr, "usage: shared_pins ADDRESS ADDRESS\n");
		return 2;
	}
	x.address = argv[1];
	y.address = argv[2];
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		x.kind = variants[i].x;
		y.kind = variants[i].y;
		y.offset = variants[i].offset;
		test_variant = variants[i].name;
		RUN(page_of_two_siblings_counts_once_in_their_parent);
		RUN(limit_of_the_parent_holds_for_the_unique_count);
		if (y.offset)
			RUN(refusal_in_the_parent_leaves_the_sibling_alone);
	}
	return end_tests();
}
