// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who is charged when tasks move and cgroups go, with pins held.
 *
 *	moved-pins
 *	`-- a
 *	    `-- b
 *	        `-- c		pins SIZE, then is left, and removed with the others
 *	moved-pins-other	where the process goes
 *
 * moved_pins ADDRESS: a PCI device bound to vfio-pci.
 */
#include "ioas_vfio.h"

#define TOP "moved-pins"
#define A TOP "/a"
#define B A "/b"
#define C B "/c"
#define OTHER "moved-pins-other"
#define SIZE (8 * MIB)

static const char *address;
static const struct container_kind *kind;
static int64_t root_before;
static char *memory;
static struct container container;

static const char *const groups[] = { TOP, A, B, C };

/* A container with SIZE pinned in C, and the process in OTHER. */
static void pin_and_leave(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups) - 1; i++)
		make_inner_group(groups[i]);
	make_group(C);
	make_group(OTHER);
	root_before = pinned("");
	memory = get_small_pages(2 * SIZE);

	enter_group(C);
	open_container(&container, kind, address);
	REQUIRE(!map(&container, memory, 0, SIZE));
	enter_group(OTHER);
}

/* Tests close the container, and remove the groups that have to go. */
static void clean_up(void)
{
	put_memory(memory, 2 * SIZE);
	EXPECT_EQ(pinned(""), root_before);
	enter_group("");
	EXPECT_EQ(pinned(OTHER), 0);
	EXPECT_EQ(remove_group(OTHER), 0);
	for (size_t i = ARRAY_SIZE(groups); i-- > 0;)
		if (!access(group_file(groups[i], ""), F_OK)) {
			EXPECT_EQ(pinned(groups[i]), 0);
			EXPECT_EQ(remove_group(groups[i]), 0);
		}
}

/* The charge of each group that is still there, the root included. */
static void expect_charges(int line, int64_t expected)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (!access(group_file(groups[i], ""), F_OK))
			expect(line, groups[i], pinned(groups[i]), "",
			       pinned(groups[i]) == expected, expected);
	expect(line, "root", pinned("") - root_before, "",
	       pinned("") - root_before == expected, expected);
}

#define EXPECT_CHARGES(expected) expect_charges(__LINE__, expected)

static void move_leaves_the_charge_where_it_was(void)
{
	EXPECT_CHARGES(SIZE);
	EXPECT_EQ(pinned(OTHER), 0);
	/* Both own some of it now; the root counts what is new only. */
	REQUIRE(!map(&container, memory, 2 * SIZE, 2 * SIZE));
	EXPECT_EQ(pinned(C), SIZE);
	EXPECT_EQ(pinned(OTHER), 2 * SIZE);
	EXPECT_EQ(pinned("") - root_before, 2 * SIZE);
	EXPECT_EQ(stat_of(TOP, "shared"), SIZE);
	EXPECT_EQ(stat_of(OTHER, "shared"), SIZE);
	EXPECT_EQ(unmap(&container, 0, SIZE), SIZE);
	EXPECT_EQ(pinned(C), 0);
	EXPECT_EQ(pinned(TOP), 0);
	EXPECT_EQ(pinned(OTHER), 2 * SIZE);
	EXPECT_EQ(stat_of(OTHER, "shared"), 0);
	close_container(&container);
}

static void move_takes_the_limit_of_the_new_cgroup(void)
{
	set_number(OTHER, "ioas.pinned.max", SIZE - PAGE);
	EXPECT_EQ(map(&container, memory + SIZE, SIZE, SIZE), -ENOMEM);
	EXPECT_EQ(events_of(OTHER, "max"), 1);
	EXPECT_EQ(events_of(C, "max"), 0);
	EXPECT_CHARGES(SIZE);
	close_container(&container);
}

static void removal_changes_no_ancestor(void)
{
	EXPECT_EQ(remove_group(C), 0);
	EXPECT_CHARGES(SIZE);
	EXPECT_EQ(unmap(&container, 0, SIZE), SIZE);
	EXPECT_CHARGES(0);
	close_container(&container);
}

static void removal_at_every_depth_changes_no_ancestor(void)
{
	for (size_t i = ARRAY_SIZE(groups); i-- > 0;) {
		EXPECT_EQ(remove_group(groups[i]), 0);
		EXPECT_CHARGES(SIZE);
	}
	EXPECT_EQ(unmap(&container, 0, SIZE), SIZE);
	EXPECT_CHARGES(0);
	close_container(&container);
}

static void new_cgroup_of_the_same_name_starts_at_zero(void)
{
	EXPECT_EQ(remove_group(C), 0);
	make_group(C);
	EXPECT_EQ(pinned(C), 0);
	EXPECT_EQ(pinned(B), SIZE);
	/* Its own pins of the same pages are new to it, and to nobody else. */
	enter_group(C);
	REQUIRE(!map(&container, memory, SIZE, SIZE));
	EXPECT_CHARGES(SIZE);
	EXPECT_EQ(unmap(&container, 0, SIZE), SIZE);
	EXPECT_CHARGES(SIZE);
	EXPECT_EQ(unmap(&container, SIZE, SIZE), SIZE);
	EXPECT_CHARGES(0);
	close_container(&container);
}

/* What is pinned and what is not: neither the removed nor the new may mix. */
static void owner_that_is_gone_can_be_unpinned_by_parts(void)
{
	enter_group(C);
	REQUIRE(!map(&container, memory + SIZE, SIZE, SIZE));
	enter_group(OTHER);
	EXPECT_EQ(remove_group(C), 0);
	EXPECT_EQ(remove_group(B), 0);
	EXPECT_CHARGES(2 * SIZE);
	EXPECT_EQ(unmap(&container, 0, SIZE), SIZE);
	EXPECT_CHARGES(SIZE);
	close_container(&container);
	EXPECT_CHARGES(0);
}

static void hold_container(void)
{
	enter_group("");
	pause_here();
}

/* A process elsewhere has the last descriptor of the container. */
static void pins_outlive_the_process_and_its_cgroup(void)
{
	struct child child;

	start_child(&child, hold_container);
	close_container(&container);
	EXPECT_CHARGES(SIZE);
	EXPECT_EQ(remove_group(C), 0);
	EXPECT_CHARGES(SIZE);
	end_child(&child);
	EXPECT_CHARGES(0);
}

static int enable_below(const char *group, const char *what)
{
	return write_file(group_file(group, "cgroup.subtree_control"), what);
}

static void disabled_controller_keeps_the_charge_in_the_ancestors(void)
{
	EXPECT_EQ(enable_below(B, "-ioas"), 0);
	EXPECT_EQ(access(group_file(C, "ioas.pinned.current"), F_OK), -1);
	EXPECT_EQ(pinned(B), SIZE);
	/* Who pins without it is charged in the nearest that has it. */
	enter_group(C);
	REQUIRE(!map(&container, memory + SIZE, SIZE, SIZE));
	enter_group(OTHER);
	EXPECT_EQ(pinned(B), 2 * SIZE);

	EXPECT_EQ(enable_below(B, "+ioas"), 0);
	EXPECT_EQ(pinned(C), 0);
	EXPECT_EQ(pinned(B), 2 * SIZE);
	EXPECT_EQ(unmap(&container, 0, SIZE), SIZE);
	EXPECT_EQ(pinned(C), 0);
	EXPECT_EQ(pinned(B), SIZE);
	EXPECT_EQ(unmap(&container, SIZE, SIZE), SIZE);
	EXPECT_CHARGES(0);
	close_container(&container);
}

static void disabled_and_enabled_at_every_depth(void)
{
	for (size_t i = ARRAY_SIZE(groups) - 1; i-- > 0;)
		EXPECT_EQ(enable_below(groups[i], "-ioas"), 0);
	EXPECT_EQ(pinned(TOP), SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(groups) - 1; i++)
		EXPECT_EQ(enable_below(groups[i], "+ioas"), 0);
	EXPECT_EQ(pinned(TOP), SIZE);
	EXPECT_EQ(pinned(A), 0);
	EXPECT_EQ(pinned("") - root_before, SIZE);
	EXPECT_EQ(unmap(&container, 0, SIZE), SIZE);
	EXPECT_CHARGES(0);
	close_container(&container);
}

#define RUN(test) run_test(#test, test, pin_and_leave, clean_up)

int main(int argc, char **argv)
{
	static const struct container_kind *const kinds[] = { &type1_v2,
							      &compat_v2 };

	if (argc != 2) {
		fprintf(stderr, "usage: moved_pins ADDRESS\n");
		return 2;
	}
	address = argv[1];
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		kind = kinds[i];
		test_variant = kind->name;
		RUN(move_leaves_the_charge_where_it_was);
		RUN(move_takes_the_limit_of_the_new_cgroup);
		RUN(removal_changes_no_ancestor);
		RUN(removal_at_every_depth_changes_no_ancestor);
		RUN(new_cgroup_of_the_same_name_starts_at_zero);
		RUN(owner_that_is_gone_can_be_unpinned_by_parts);
		RUN(pins_outlive_the_process_and_its_cgroup);
		RUN(disabled_controller_keeps_the_charge_in_the_ancestors);
		RUN(disabled_and_enabled_at_every_depth);
	}
	return end_tests();
}
