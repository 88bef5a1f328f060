// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a cgroup keeps for its next pin is reused only for the memory cgroup that paid
 * for it.
 *
 *	kept		has the controller ioas, and memory for those below
 *	|-- first	two memory cgroups, both charged to kept for what they pin
 *	`-- second
 *
 * The tracepoints of the slab allocator tell what was allocated anew.
 *
 * libraries: -l:liburing.a
 */
#include <sys/mman.h>

#include "ioas_io_uring.h"

#define OUTER "kept"
#define FIRST OUTER "/first"
#define SECOND OUTER "/second"

static struct io_uring ring;
static char *page;

static const char *const events[] = { "kmalloc", "kmem_cache_alloc" };

static void switch_events(const char *how)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		snprintf(path, sizeof(path), TRACING "/events/kmem/%s/enable",
			 events[i]);
		REQUIRE(!write_file(path, how));
	}
}

static void make_groups(void)
{
	make_group(OUTER);
	REQUIRE(!write_file(group_file(OUTER, "cgroup.subtree_control"),
			    "+memory"));
	make_group(FIRST);
	make_group(SECOND);
}

static void remove_groups(void)
{
	EXPECT_EQ(remove_group(FIRST), 0);
	EXPECT_EQ(remove_group(SECOND), 0);
	EXPECT_EQ(remove_group(OUTER), 0);
}

/* Pins a page and unpins it, each time that the parent says so. */
static void pin_and_unpin(const char *group)
{
	enter_group(group);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	REQUIRE(page != MAP_FAILED);
	open_ring(&ring);
	for (;;) {
		pause_here();
		REQUIRE(!register_buffer(&ring, page, PAGE));
		unregister_buffers(&ring);
	}
}

static void pin_in_first(void)
{
	pin_and_unpin(FIRST);
}

static void pin_in_second(void)
{
	pin_and_unpin(SECOND);
}

/* What a child allocates on a cgroup's account when it pins and unpins once. */
static int allocations_of(const struct child *child)
{
	static char text[1 << 20];
	int nr = 0;
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", child->pid);
	REQUIRE(!write_file(TRACING "/set_event_pid", pid));
	REQUIRE(!close(open(TRACING "/trace", O_WRONLY | O_TRUNC)));
	switch_events("1");
	resume_child(child);
	switch_events("0");
	REQUIRE(read_file(TRACING "/trace", text, sizeof(text)) >= 0);
	for (char *s = text; (s = strstr(s, "accounted=true")); s++)
		nr++;
	return nr;
}

/* Opened to be cut, the list of pids is emptied; a write of nothing is none. */
static void trace_everyone(void)
{
	REQUIRE(!close(open(TRACING "/set_event_pid", O_WRONLY | O_TRUNC)));
}

/* The account and the leaf of the index, both kept for the other one. */
static void memory_is_reused_only_for_who_paid_for_it(void)
{
	struct child first, second;
	int alone, after_other;

	start_child(&first, pin_in_first);
	start_child(&second, pin_in_second);
	resume_child(&second);
	for (int i = 0; i < 3; i++)
		resume_child(&first);
	alone = allocations_of(&first);
	EXPECT_EQ(allocations_of(&first), alone);
	resume_child(&second);
	after_other = allocations_of(&first);
	EXPECT_EQ(after_other, alone + 2);
	EXPECT_EQ(allocations_of(&first), alone);
	/* And the same the other way round. */
	EXPECT_EQ(allocations_of(&second), after_other);
	EXPECT_EQ(allocations_of(&second), alone);
	kill_child(&first);
	kill_child(&second);
	EXPECT_SOON(pinned(OUTER), 0);
	trace_everyone();
}

int main(void)
{
	run_test("memory_is_reused_only_for_who_paid_for_it",
		 memory_is_reused_only_for_who_paid_for_it, make_groups,
		 remove_groups);
	return end_tests();
}
