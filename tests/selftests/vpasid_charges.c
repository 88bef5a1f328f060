// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who is charged for the PASIDs of an iommufd, what limits them, who is told, and what
 * ends the charge: the end of the PASID, of its device, of the iommufd, of all tasks
 * that have it. And what an attachment to a PASID charges.
 */
#include <sys/mman.h>
#include <sys/utsname.h>

#include "ioas_pasid.h"

/* ---- limits ---- */

/* Whose limit it is, from the lowest up. */
static const char *const levels[] = { INNER, OUTER, TOP };

static unsigned int level;
static uint32_t scope;

static const char *key(void)
{
	return scope == GLOBAL ? "global" : "device";
}

/* Of a group, for two devices. */
static int units(void)
{
	return scope == GROUP ? 2 : 1;
}

static int alloc_in_scope(uint32_t vpasid)
{
	switch (scope) {
	case GLOBAL:
		return ALLOC(GLOBAL, vpasid);
	case GROUP:
		return ALLOC(GROUP, vpasid, own.bound, second.bound);
	default:
		return ALLOC(DEVICE, vpasid, own.bound);
	}
}

static int free_in_scope(uint32_t vpasid)
{
	return free_vpasid(scope, vpasid, scope == GLOBAL ? 0 : own.bound);
}

static void expect_charged_in_scope(int line, int64_t charged)
{
	if (scope == GLOBAL)
		expect_charged(line, charged, 0, 0, 0);
	else
		expect_charged(line, 0, charged, 0, 0);
}

#define EXPECT_CHARGED_IN_SCOPE(charged) \
	expect_charged_in_scope(__LINE__, charged)

static void expect_events_in_scope(int line, const char *group,
				   const char *file, int64_t events)
{
	if (scope == GLOBAL)
		expect_events(line, group, file, events, 0);
	else
		expect_events(line, group, file, 0, events);
}

/* Refusals by the cgroup at the level, and nobody else. */
static void expect_refusals(int line, int64_t nr)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(levels); i++) {
		expect_events_in_scope(line, levels[i], "events.local",
				       i == level ? nr : 0);
		expect_events_in_scope(line, levels[i], "events",
				       i >= level ? nr : 0);
	}
	expect_events(line, OTHER, "events.local", 0, 0);
	expect_events(line, OTHER, "events", 0, 0);
	/* What is told of pages is another thing. */
	expect_text(group_file(levels[level], "ioas.pinned.events"),
		    "max 0\nhigh 0\nbpf_denied 0\n");
}

#define EXPECT_REFUSALS(nr) expect_refusals(__LINE__, nr)

static void limit_refuses_and_counts_an_event(void)
{
	EXPECT_EQ(alloc_in_scope(5), 5);
	limit_pasids(levels[level], key(), scope == GROUP ? "3" : "1");
	EXPECT_CHARGED_IN_SCOPE(units());
	EXPECT_EQ(alloc_in_scope(6), -EDQUOT);
	EXPECT_REFUSALS(1);
	EXPECT_EQ(alloc_in_scope(0), -EDQUOT);
	EXPECT_REFUSALS(2);
	EXPECT_CHARGED_IN_SCOPE(units());
	EXPECT_EQ(translate(&own, 6), -ENOENT);
	EXPECT_EQ(translate(&own, 1), -ENOENT);
	EXPECT_EQ(free_in_scope(6), -ENOENT);
	/* What is there stays, and its end makes room. */
	EXPECT_AT_MOST(1, translate(&own, 5));
	EXPECT_EQ(free_in_scope(5), 0);
	EXPECT_EQ(alloc_in_scope(6), 6);
	EXPECT_CHARGED_IN_SCOPE(units());
	limit_pasids(levels[level], key(), scope == GROUP ? "4" : "2");
	EXPECT_EQ(alloc_in_scope(7), 7);
	EXPECT_CHARGED_IN_SCOPE(2 * units());
	EXPECT_EQ(alloc_in_scope(8), -EDQUOT);
	EXPECT_REFUSALS(3);
}

static void limit_of_the_other_scope_refuses_nothing(void)
{
	limit_pasids(levels[level], scope == GLOBAL ? "device" : "global", "0");
	EXPECT_EQ(alloc_in_scope(5), 5);
	EXPECT_EQ(alloc_in_scope(6), 6);
	EXPECT_CHARGED_IN_SCOPE(2 * units());
	EXPECT_REFUSALS(0);
}

static void refusal_is_traced(void)
{
	const char *event = "deny_pasid", *found;

	EXPECT_EQ(alloc_in_scope(5), 5);
	limit_pasids(levels[level], key(), scope == GROUP ? "3" : "1");
	trace_event(event, true);
	empty_trace();
	EXPECT_EQ(alloc_in_scope(6), -EDQUOT);
	trace_event(event, false);
	EXPECT_EQ(traced_field(event, "cgroup"), group_id(INNER));
	EXPECT_EQ(traced_field(event, "limit_cgroup"), group_id(levels[level]));
	EXPECT_EQ(traced_field(event, "max"), scope == GROUP ? 3 : 1);
	EXPECT_EQ(traced_field(event, "current"), units());
	EXPECT_EQ(traced_field(event, "wanted"), units());
	found = traced_text(event, "scope");
	if (!found || strncmp(found, key(), strlen(key())) != 0)
		fail_test("expected scope %s, found %s", key(),
			  found ?: "no event");
}

/* The files of a cgroup, and whether they have to wake. */
static void expect_woken(const char *file, int fd, const char *group, bool wake)
{
	bool found = woken(fd, wake ? 5000 : 20);

	if (found != wake)
		fail_test("%s/%s: expected it %s", group, file,
			  wake ? "to wake" : "not to wake");
	close(fd);
}

static void refusal_wakes_who_polls(void)
{
	int events[ARRAY_SIZE(levels)], local[ARRAY_SIZE(levels)];
	int pinned_events;

	limit_pasids(levels[level], key(), "0");
	pinned_events = watch(levels[level], "ioas.pinned.events");
	for (unsigned int i = 0; i < ARRAY_SIZE(levels); i++) {
		events[i] = watch(levels[i], "ioas.pasid.events");
		local[i] = watch(levels[i], "ioas.pasid.events.local");
		EXPECT_EQ(woken(events[i], 0), false);
		EXPECT_EQ(woken(local[i], 0), false);
	}
	EXPECT_EQ(alloc_in_scope(5), -EDQUOT);
	for (unsigned int i = 0; i < ARRAY_SIZE(levels); i++) {
		expect_woken("events", events[i], levels[i], i >= level);
		expect_woken("events.local", local[i], levels[i], i == level);
	}
	expect_woken("pinned.events", pinned_events, levels[level], false);
}

static void lower_limit_takes_nothing_away(void)
{
	EXPECT_EQ(alloc_in_scope(5), 5);
	EXPECT_EQ(alloc_in_scope(6), 6);
	limit_pasids(levels[level], key(), "0");
	EXPECT_CHARGED_IN_SCOPE(2 * units());
	EXPECT_EQ(alloc_in_scope(7), -EDQUOT);
	EXPECT_EQ(free_in_scope(5), 0);
	EXPECT_EQ(alloc_in_scope(7), -EDQUOT);
	EXPECT_CHARGED_IN_SCOPE(units());
	EXPECT_AT_MOST(1, translate(&own, 6));
	limit_pasids(levels[level], key(), "max");
	EXPECT_EQ(alloc_in_scope(7), 7);
	EXPECT_REFUSALS(2);
}

/* All or nothing. */
static void group_that_does_not_fit_gets_no_device(void)
{
	limit_pasids(OUTER, "device", "2");
	EXPECT_EQ(ALLOC(GROUP, 5, own.bound, second.bound, narrow.bound),
		  -EDQUOT);
	EXPECT_CHARGED(0, 0);
	EXPECT_EQ(translate(&own, 5), -ENOENT);
	EXPECT_EQ(ALLOC(GROUP, 5, own.bound, second.bound), 5);
	EXPECT_CHARGED(0, 2);
	EXPECT_EQ(translate(&own, 5), 5);
	EXPECT_LOCAL_EVENTS(OUTER, 0, 1);
}

static void device_that_is_added_needs_quota(void)
{
	EXPECT_EQ(ALLOC(GROUP, 5, own.bound), 5);
	limit_pasids(OUTER, "device", "1");
	EXPECT_EQ(add_to_group(5, &own, &second), -EDQUOT);
	EXPECT_CHARGED(0, 1);
	EXPECT_EQ(translate(&second, 5), -ENOENT);
	EXPECT_EQ(translate(&own, 5), 5);
	EXPECT_EVENTS(INNER, 0, 0);
	EXPECT_LOCAL_EVENTS(OUTER, 0, 1);
	EXPECT_LOCAL_EVENTS(TOP, 0, 0);
	EXPECT_EVENTS(TOP, 0, 1);
	/* The number is not taken there. */
	limit_pasids(OUTER, "device", "2");
	EXPECT_EQ(ALLOC(DEVICE, 5, second.bound), 5);
	EXPECT_EQ(translate(&second, 5), 5);
	EXPECT_EQ(free_vpasid(DEVICE, 5, second.bound), 0);
	EXPECT_EQ(add_to_group(5, &own, &second), 0);
	EXPECT_EQ(translate(&second, 5), 5);
	EXPECT_CHARGED(0, 2);
}

static void peak_is_the_most_there_was(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(GROUP, 6, own.bound, second.bound, narrow.bound), 6);
	EXPECT_EQ(free_vpasid(GROUP, 6, own.bound), 0);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), 7);
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	for (unsigned int i = 0; i < ARRAY_SIZE(levels); i++)
		EXPECT_PEAK(levels[i], 1, 3);
	EXPECT_PEAK(OTHER, 0, 0);
	/* What is refused was never there. */
	limit_pasids(TOP, "global", "1");
	limit_pasids(TOP, "device", "3");
	EXPECT_EQ(ALLOC(GLOBAL, 8), -EDQUOT);
	EXPECT_EQ(ALLOC(GROUP, 8, own.bound, second.bound, narrow.bound),
		  -EDQUOT);
	for (unsigned int i = 0; i < ARRAY_SIZE(levels); i++)
		EXPECT_PEAK(levels[i], 1, 3);
	EXPECT_EQ(ALLOC(GROUP, 4, own.bound, second.bound), 4);
	limit_pasids(TOP, "device", "4");
	EXPECT_EQ(add_to_group(4, &own, &narrow), 0);
	EXPECT_PEAK(INNER, 1, 4);
	EXPECT_PEAK(TOP, 1, 4);
}

/* ---- who is charged ---- */

/* Runs in a child, with the iommufd of its parent. */
static void allocate_from_other(void)
{
	enter_group(OTHER);
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	EXPECT_EQ(ALLOC(GROUP, 7, own.bound), 7);
	EXPECT_EQ(add_to_group(7, &own, &second), 0);
	pause_here();
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
}

static void who_allocates_first_is_charged_for_all(void)
{
	struct child child;

	limit_pasids(OTHER, "global", "0");
	limit_pasids(OTHER, "device", "0");
	EXPECT_EQ(ALLOC(DEVICE, 1, own.bound), 1);
	start_child(&child, allocate_from_other);
	EXPECT_CHARGED(1, 4);
	end_child(&child);
	EXPECT_CHARGED(0, 4);
	EXPECT_EVENTS(TOP, 0, 0);
}

/* Not who has opened it, nor who has plugged in the devices. */
static void who_opens_it_is_not_charged(void)
{
	struct child child;

	limit_pasids(INNER, "global", "0");
	start_child(&child, allocate_from_other);
	EXPECT_CHARGED_BOTH(0, 0, 1, 3);
	EXPECT_EQ(ALLOC(DEVICE, 1, own.bound), 1);
	EXPECT_EQ(ALLOC(GLOBAL, 1), 1);
	EXPECT_CHARGED_BOTH(0, 0, 2, 4);
	end_child(&child);
	EXPECT_CHARGED_BOTH(0, 0, 1, 4);
}

static void task_that_moves_leaves_the_charge(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(GROUP, 6, own.bound, second.bound), 6);
	EXPECT_CHARGED(1, 2);
	enter_group(OTHER);
	EXPECT_CHARGED(1, 2);
	/* What it gets from now on is charged as before. */
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), 7);
	EXPECT_EQ(add_to_group(6, &own, &narrow), 0);
	EXPECT_CHARGED(1, 4);
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
	EXPECT_EQ(free_vpasid(GROUP, 6, own.bound), 0);
	EXPECT_CHARGED(0, 1);
}

/* Whatever ended them. As long as one is left, it has the owner that it had. */
static void who_allocates_next_is_charged_when_none_is_left(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
	enter_group(OTHER);
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_CHARGED(1, 1);
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
	EXPECT_EQ(free_vpasid(DEVICE, 6, own.bound), 0);
	EXPECT_CHARGED(0, 0);
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	EXPECT_CHARGED_BOTH(0, 0, 0, 1);
	EXPECT_EQ(unplug(&own), 0);
	EXPECT_CHARGED(0, 0);
	enter_group(INNER);
	EXPECT_EQ(ALLOC(GROUP, 5, second.bound, narrow.bound), 5);
	EXPECT_CHARGED(0, 2);
}

/* It is none of the set any more, but was charged, and stays so. */
static void freed_number_is_charged_to_who_had_it(void)
{
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	EXPECT_EQ(attach_pasid(&own, 5), 0);
	EXPECT_EQ(free_vpasid(DEVICE, 5, own.bound), 0);
	enter_group(OTHER);
	EXPECT_CHARGED(0, 1);
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_CHARGED_BOTH(0, 1, 1, 0);
	EXPECT_EQ(detach_pasid(&own, 5), 0);
	EXPECT_CHARGED_BOTH(0, 0, 1, 0);
}

static void each_iommufd_has_an_owner_of_its_own(void)
{
	int first = iommufd;

	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	enter_group(OTHER);
	open_set();
	plug(&second, MOCK_PASID_BITS(20));
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(DEVICE, 6, second.bound), 6);
	EXPECT_CHARGED_BOTH(1, 0, 1, 1);
	close_set();
	EXPECT_CHARGED(1, 0);
	iommufd = first;
}

/* A call that fails changes nothing, so that who makes it is charged for nothing. */
static void refused_allocation_makes_no_owner(void)
{
	limit_pasids(INNER, "global", "0");
	EXPECT_EQ(ALLOC(GLOBAL, 5), -EDQUOT);
	EXPECT_EQ(ALLOC(DEVICE, 5, plain.bound), -EINVAL);
	EXPECT_EQ(ALLOC(DEVICE, LAST_PASID + 1, own.bound), -EINVAL);
	EXPECT_EQ(ALLOC(DEVICE, 5, enqcmd.bound), -EOPNOTSUPP);
	EXPECT_EQ(ALLOC(DEVICE, 5, 0), -ENODEV);
	limit_pasids(INNER, "global", "max");
	for (int i = 1; i <= LAST_NARROW; i++)
		EXPECT_EQ(attach_pasid(&narrow, i), 0);
	EXPECT_EQ(ALLOC(DEVICE, 5, narrow.bound), -ENOSPC);
	for (int i = 1; i <= LAST_NARROW; i++)
		EXPECT_EQ(detach_pasid(&narrow, i), 0);
	enter_group(OTHER);
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	EXPECT_CHARGED_BOTH(0, 0, 1, 1);
}

/* ---- what ends a charge ---- */

/* Something of each scope, on all devices that can have it. */
static void allocate_all_scopes(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(GLOBAL, 6, enqcmd.bound), 6);
	EXPECT_EQ(ALLOC(GROUP, 6, own.bound, second.bound, narrow.bound), 6);
	EXPECT_EQ(ALLOC(GROUP, 7, own.bound), 7);
	EXPECT_EQ(add_to_group(7, &own, &second), 0);
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	EXPECT_EQ(ALLOC(DEVICE, 5, second.bound), 5);
	EXPECT_EQ(ALLOC(DEVICE, LAST_PASID, narrow.bound), LAST_PASID);
}

#define GLOBAL_UNITS 2
#define DEVICE_UNITS 8

static void closed_iommufd_leaves_nothing(void)
{
	allocate_all_scopes();
	EXPECT_CHARGED(GLOBAL_UNITS, DEVICE_UNITS);
	close_set();
	EXPECT_CHARGED(0, 0);
}

/* Runs in a child, with the iommufd of its parent. */
static void keep_open(void)
{
	pause_here();
	close_set();
	pause_here();
}

static void iommufd_ends_with_its_last_file(void)
{
	struct child child;

	allocate_all_scopes();
	start_child(&child, keep_open);
	close_set();
	EXPECT_CHARGED(GLOBAL_UNITS, DEVICE_UNITS);
	resume_child(&child);
	EXPECT_CHARGED(0, 0);
	end_child(&child);
}

static void allocate_and_wait(void)
{
	open_set();
	plug_all();
	allocate_all_scopes();
	EXPECT_EQ(attach_pasid(&own, translate(&second, 6)), 0);
	EXPECT_EQ(attach_pasid(&second, translate(&enqcmd, 5)), 0);
	EXPECT_EQ(attach_pasid(&own, 1000), 0);
	pause_here();
}

static void killed_process_leaves_nothing(void)
{
	struct child child;

	start_child(&child, allocate_and_wait);
	EXPECT_CHARGED(GLOBAL_UNITS, DEVICE_UNITS + 2);
	kill_child(&child);
	EXPECT_CHARGED(0, 0);
}

static void unplugged_device_leaves_nothing_of_its_own(void)
{
	int number;

	allocate_all_scopes();
	number = translate(&enqcmd, 5);
	EXPECT_EQ(unplug(&own), 0);
	EXPECT_CHARGED(GLOBAL_UNITS, DEVICE_UNITS - 3);
	/* Groups go on without it, and all else as before. */
	EXPECT_EQ(translate(&second, 6), 6);
	EXPECT_EQ(translate(&narrow, 6), 6);
	EXPECT_EQ(translate(&second, 7), 7);
	EXPECT_EQ(translate(&second, 5), 5);
	EXPECT_EQ(translate(&enqcmd, 5), number);
	EXPECT_EQ(translate(&narrow, 5), number);
	EXPECT_REFUSED(free_vpasid(DEVICE, 5, own.bound), -ENODEV);
	EXPECT_REFUSED(free_vpasid(GROUP, 6, own.bound), -ENODEV);
	EXPECT_REFUSED(add_to_group(7, &own, &narrow), -ENODEV);
	EXPECT_EQ(unplug(&narrow), 0);
	EXPECT_CHARGED(GLOBAL_UNITS, DEVICE_UNITS - 5);
	EXPECT_EQ(translate(&second, 6), 6);
	EXPECT_EQ(unplug(&enqcmd), 0);
	EXPECT_CHARGED(GLOBAL_UNITS, DEVICE_UNITS - 5);
	/* With its last device, a group goes. */
	EXPECT_EQ(unplug(&second), 0);
	EXPECT_CHARGED(GLOBAL_UNITS, 0);
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
	EXPECT_CHARGED(GLOBAL_UNITS - 1, 0);
}

static void group_goes_on_and_takes_another_device(void)
{
	EXPECT_EQ(ALLOC(GROUP, 5, own.bound, second.bound), 5);
	EXPECT_EQ(unplug(&own), 0);
	EXPECT_CHARGED(0, 1);
	plug(&own, MOCK_PASID_BITS(20));
	EXPECT_EQ(translate(&own, 5), -ENOENT);
	EXPECT_EQ(add_to_group(5, &second, &own), 0);
	EXPECT_EQ(add_to_group(5, &second, &narrow), 0);
	EXPECT_CHARGED(0, 3);
	EXPECT_EQ(unplug(&second), 0);
	EXPECT_CHARGED(0, 2);
	EXPECT_EQ(translate(&own, 5), 5);
	EXPECT_EQ(translate(&narrow, 5), 5);
	EXPECT_EQ(free_vpasid(GROUP, 5, narrow.bound), 0);
	EXPECT_CHARGED(0, 0);
	EXPECT_EQ(translate(&own, 5), -ENOENT);
}

/* The vPASIDs that it had are as free as they were. */
static void unplugged_device_leaves_its_vpasids(void)
{
	EXPECT_EQ(ALLOC(DEVICE, 1, own.bound), 1);
	EXPECT_EQ(ALLOC(DEVICE, 2, own.bound), 2);
	EXPECT_EQ(ALLOC(GROUP, 3, own.bound, second.bound), 3);
	EXPECT_EQ(unplug(&own), 0);
	EXPECT_EQ(ALLOC(GLOBAL, 0), 1);
	EXPECT_EQ(ALLOC(GLOBAL, 0), 2);
	/* What the other device has of the group is not. */
	EXPECT_EQ(ALLOC(GLOBAL, 0), 4);
	EXPECT_CHARGED(3, 1);
}

static uint64_t global_left(void)
{
	struct iommu_vpasid_query result;

	REQUIRE(!query_set(0, &result));
	return result.out_global_left;
}

static void removed_cgroup_leaves_the_charge_to_its_parent(void)
{
	allocate_all_scopes();
	limit_pasids(INNER, "global", "0");
	limit_pasids(INNER, "device", "0");
	EXPECT_EQ(ALLOC(GLOBAL, 8), -EDQUOT);
	enter_group(OTHER);
	EXPECT_EQ(remove_group(INNER), 0);
	EXPECT_CHARGED(GLOBAL_UNITS, DEVICE_UNITS);
	/* The limit of a cgroup ends soon after it, those above it hold. */
	EXPECT_SOON(global_left(), UINT64_MAX);
	EXPECT_EQ(ALLOC(GLOBAL, 8), 8);
	EXPECT_CHARGED(GLOBAL_UNITS + 1, DEVICE_UNITS);
	limit_pasids(OUTER, "device", "8");
	EXPECT_EQ(ALLOC(DEVICE, 9, own.bound), -EDQUOT);
	EXPECT_LOCAL_EVENTS(OUTER, 0, 1);
	EXPECT_EQ(free_vpasid(GLOBAL, 8, 0), 0);
	EXPECT_EQ(free_vpasid(GROUP, 6, own.bound), 0);
	EXPECT_CHARGED(GLOBAL_UNITS, DEVICE_UNITS - 3);
	close_set();
	EXPECT_CHARGED(0, 0);
}

static void removal_at_every_depth_changes_no_ancestor(void)
{
	allocate_all_scopes();
	enter_group("");
	for (size_t i = ARRAY_SIZE(groups); i-- > 0;) {
		EXPECT_EQ(remove_group(groups[i]), 0);
		EXPECT_CHARGED(GLOBAL_UNITS, DEVICE_UNITS);
	}
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
	EXPECT_EQ(unplug(&own), 0);
	EXPECT_CHARGED(GLOBAL_UNITS - 1, DEVICE_UNITS - 3);
	EXPECT_EQ(ALLOC(GLOBAL, 8), 8);
	EXPECT_CHARGED(GLOBAL_UNITS, DEVICE_UNITS - 3);
	close_set();
	EXPECT_CHARGED(0, 0);
}

/* ---- attachments ---- */

/* Where a global number is used, it is an entry of the table of the device. */
static void attachment_to_a_global_number_is_charged_for_the_device(void)
{
	int number;

	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	number = translate(&own, 5);
	EXPECT_EQ(attach_pasid(&own, number), 0);
	EXPECT_CHARGED(1, 1);
	EXPECT_REFUSED(attach_pasid(&own, number), -EBUSY);
	EXPECT_EQ(attach_pasid(&second, number), 0);
	EXPECT_EQ(attach_pasid(&enqcmd, number), 0);
	EXPECT_CHARGED(1, 3);
	EXPECT_EQ(detach_pasid(&own, number), 0);
	EXPECT_CHARGED(1, 2);
	EXPECT_REFUSED(detach_pasid(&own, number), -ENOENT);
	EXPECT_EQ(attach_pasid(&own, number), 0);
	EXPECT_CHARGED(1, 3);
	EXPECT_EQ(detach_pasid(&own, number), 0);
	EXPECT_EQ(detach_pasid(&second, number), 0);
	EXPECT_EQ(detach_pasid(&enqcmd, number), 0);
	EXPECT_CHARGED(1, 0);
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
	EXPECT_CHARGED(0, 0);
}

static void attachment_to_an_own_number_is_charged_already(void)
{
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	EXPECT_EQ(ALLOC(GROUP, 6, own.bound, second.bound), 6);
	EXPECT_CHARGED(0, 3);
	limit_pasids(INNER, "device", "0");
	EXPECT_EQ(attach_pasid(&own, 5), 0);
	EXPECT_EQ(attach_pasid(&own, 6), 0);
	EXPECT_EQ(attach_pasid(&second, 6), 0);
	EXPECT_CHARGED(0, 3);
	EXPECT_EVENTS(TOP, 0, 0);
	EXPECT_EQ(detach_pasid(&own, 5), 0);
	EXPECT_EQ(detach_pasid(&own, 6), 0);
	EXPECT_EQ(detach_pasid(&second, 6), 0);
	EXPECT_CHARGED(0, 3);
}

/* Whoever attaches to what nobody has got takes it for as long. */
static void attachment_to_a_free_number_takes_it(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 100), 100);
	enter_group(OTHER);
	EXPECT_EQ(attach_pasid(&own, 5), 0);
	EXPECT_CHARGED_BOTH(1, 0, 0, 1);
	enter_group(INNER);
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	EXPECT_EQ(translate(&own, 5), first_number + 1);
	EXPECT_EQ(ALLOC(DEVICE, 5, second.bound), 5);
	EXPECT_EQ(translate(&second, 5), 5);
	EXPECT_CHARGED_BOTH(1, 2, 0, 1);
	EXPECT_EQ(free_vpasid(DEVICE, 5, own.bound), 0);
	EXPECT_EQ(detach_pasid(&own, 5), 0);
	EXPECT_CHARGED_BOTH(1, 1, 0, 0);
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	EXPECT_EQ(translate(&own, 5), 5);
}

/* The one who has the number is, not who attaches. */
static void holder_of_a_global_number_is_charged_for_devices_of_others(void)
{
	struct mock_device foreign;
	int first = iommufd, number;

	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	number = translate(&own, 5);
	enter_group(OTHER);
	limit_pasids(OTHER, "device", "0");
	EXPECT_EQ(attach_pasid(&own, number), 0);
	EXPECT_CHARGED(1, 1);
	open_set();
	plug(&foreign, MOCK_PASID_BITS(20));
	EXPECT_EQ(attach_pasid(&foreign, number), 0);
	EXPECT_CHARGED(1, 2);
	close_set();
	EXPECT_CHARGED(1, 1);
	EXPECT_EVENTS(TOP, 0, 0);
	iommufd = first;
}

static void attachment_needs_quota(void)
{
	int number;

	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	number = translate(&own, 5);
	limit_pasids(OUTER, "device", "0");
	EXPECT_EQ(attach_pasid(&own, number), -EDQUOT);
	EXPECT_EQ(attach_pasid(&own, 1000), -EDQUOT);
	EXPECT_CHARGED(1, 0);
	EXPECT_LOCAL_EVENTS(OUTER, 0, 2);
	EXPECT_EVENTS(TOP, 0, 2);
	EXPECT_EVENTS(INNER, 0, 0);
	EXPECT_REFUSED(detach_pasid(&own, number), -ENOENT);
	limit_pasids(OUTER, "device", "2");
	EXPECT_EQ(attach_pasid(&own, number), 0);
	EXPECT_EQ(attach_pasid(&own, 1000), 0);
	EXPECT_CHARGED(1, 2);
	EXPECT_EQ(detach_pasid(&own, number), 0);
	EXPECT_EQ(detach_pasid(&own, 1000), 0);
	EXPECT_CHARGED(1, 0);
}

static void attachment_to_no_number_of_the_device_is_refused(void)
{
	EXPECT_REFUSED(attach_pasid(&own, 0), -EINVAL);
	EXPECT_REFUSED(attach_pasid(&own, LAST_PASID + 1), -EINVAL);
	EXPECT_REFUSED(attach_pasid(&narrow, LAST_NARROW + 1), -EINVAL);
	EXPECT_EQ(attach_pasid(&own, LAST_PASID), 0);
	EXPECT_EQ(attach_pasid(&narrow, LAST_NARROW), 0);
	EXPECT_CHARGED(0, 2);
	EXPECT_EQ(detach_pasid(&own, LAST_PASID), 0);
	EXPECT_EQ(detach_pasid(&narrow, LAST_NARROW), 0);
	EXPECT_CHARGED(0, 0);
}

static void attach_to_all_sorts(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(GROUP, 6, own.bound, second.bound), 6);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), 7);
	EXPECT_EQ(attach_pasid(&own, translate(&own, 5)), 0);
	EXPECT_EQ(attach_pasid(&second, translate(&own, 5)), 0);
	EXPECT_EQ(attach_pasid(&own, 6), 0);
	EXPECT_EQ(attach_pasid(&second, 6), 0);
	EXPECT_EQ(attach_pasid(&own, 7), 0);
	EXPECT_EQ(attach_pasid(&own, 1000), 0);
	EXPECT_CHARGED(1, 6);
}

static void unplugged_device_leaves_no_attachment(void)
{
	attach_to_all_sorts();
	EXPECT_EQ(unplug(&own), 0);
	EXPECT_CHARGED(1, 2);
	EXPECT_EQ(unplug(&second), 0);
	EXPECT_CHARGED(1, 0);
}

static void closed_iommufd_leaves_no_attachment(void)
{
	attach_to_all_sorts();
	close_set();
	EXPECT_CHARGED(0, 0);
}

/* What is attached to one is not bound to a vPASID any more, but not free. */
static void expect_taken_on_own(int line, int number)
{
	int found;

	expect(line, "vPASID", translate(&own, 5), "",
	       translate(&own, 5) == -ENOENT, -ENOENT);
	EXPECT_EQ(ALLOC(DEVICE, number, own.bound), number);
	found = translate(&own, number);
	if (found == number)
		fail_test("line %d: %d was given out twice", line, number);
	EXPECT_EQ(free_vpasid(DEVICE, number, own.bound), 0);
}

#define EXPECT_TAKEN_ON_OWN(number) expect_taken_on_own(__LINE__, number)

static void expect_free_on_own(int line, int number)
{
	EXPECT_EQ(ALLOC(DEVICE, number, own.bound), number);
	expect(line, "pPASID", translate(&own, number), "",
	       translate(&own, number) == number, number);
	EXPECT_EQ(free_vpasid(DEVICE, number, own.bound), 0);
}

#define EXPECT_FREE_ON_OWN(number) expect_free_on_own(__LINE__, number)

static void freed_number_stays_taken_while_attached(void)
{
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	EXPECT_EQ(attach_pasid(&own, 5), 0);
	EXPECT_EQ(free_vpasid(DEVICE, 5, own.bound), 0);
	EXPECT_CHARGED(0, 1);
	EXPECT_TAKEN_ON_OWN(5);
	EXPECT_REFUSED(free_vpasid(DEVICE, 5, own.bound), -ENOENT);
	EXPECT_EQ(detach_pasid(&own, 5), 0);
	EXPECT_CHARGED(0, 0);
	EXPECT_FREE_ON_OWN(5);
}

/* On all of its devices, until the last attachment has gone. */
static void freed_group_stays_taken_while_attached(void)
{
	EXPECT_EQ(ALLOC(GROUP, 5, own.bound, second.bound, narrow.bound), 5);
	EXPECT_EQ(attach_pasid(&second, 5), 0);
	EXPECT_EQ(attach_pasid(&narrow, 5), 0);
	EXPECT_EQ(free_vpasid(GROUP, 5, own.bound), 0);
	EXPECT_CHARGED(0, 3);
	EXPECT_TAKEN_ON_OWN(5);
	EXPECT_EQ(detach_pasid(&second, 5), 0);
	EXPECT_CHARGED(0, 3);
	EXPECT_TAKEN_ON_OWN(5);
	EXPECT_EQ(detach_pasid(&narrow, 5), 0);
	EXPECT_CHARGED(0, 0);
	EXPECT_FREE_ON_OWN(5);
}

static void freed_global_number_stays_taken_while_attached(void)
{
	int number;

	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	number = translate(&own, 5);
	EXPECT_EQ(attach_pasid(&second, number), 0);
	EXPECT_EQ(attach_pasid(&enqcmd, number), 0);
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
	EXPECT_CHARGED(1, 2);
	/* On the others too: it is global. */
	EXPECT_TAKEN_ON_OWN(number);
	EXPECT_EQ(ALLOC(GLOBAL, 6), 6);
	EXPECT_EQ(translate(&own, 6), number + 1);
	EXPECT_EQ(detach_pasid(&second, number), 0);
	EXPECT_CHARGED(2, 1);
	EXPECT_TAKEN_ON_OWN(number);
	EXPECT_EQ(detach_pasid(&enqcmd, number), 0);
	EXPECT_CHARGED(1, 0);
	EXPECT_FREE_ON_OWN(number);
}

static void free_all_that_is_attached(void)
{
	attach_to_all_sorts();
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
	EXPECT_EQ(free_vpasid(GROUP, 6, own.bound), 0);
	EXPECT_EQ(free_vpasid(DEVICE, 7, own.bound), 0);
	EXPECT_CHARGED(1, 6);
}

/* The device that is left has attachments to the group and to the global one. */
static void unplugged_device_leaves_no_freed_number(void)
{
	free_all_that_is_attached();
	EXPECT_EQ(unplug(&own), 0);
	EXPECT_AT_MOST(2, pasids_of(INNER, "device"));
	EXPECT_EQ(pasids_of(INNER, "global"), 1);
	EXPECT_EQ(unplug(&second), 0);
	EXPECT_CHARGED(0, 0);
}

static void closed_iommufd_leaves_no_freed_number(void)
{
	free_all_that_is_attached();
	close_set();
	EXPECT_CHARGED(0, 0);
}

static void sva_on_x86_is_refused(void)
{
	EXPECT_REFUSED(bind_sva(&own), -EOPNOTSUPP);
	EXPECT_REFUSED(bind_sva(&enqcmd), -EOPNOTSUPP);
	EXPECT_CHARGED(0, 0);
}

/* ---- all of them ---- */

#define RUN(test) run_test(#test, test, set_up, clean_up)

static void run_limit_tests(void)
{
	static const char *const scopes[] = {
		[GLOBAL] = "global", [GROUP] = "group", [DEVICE] = "device"
	};
	char variant[64];

	for (scope = GLOBAL; scope <= DEVICE; scope++)
		for (level = 0; level < ARRAY_SIZE(levels); level++) {
			snprintf(variant, sizeof(variant), "%s, %s",
				 scopes[scope], levels[level]);
			test_variant = variant;
			RUN(limit_refuses_and_counts_an_event);
			RUN(limit_of_the_other_scope_refuses_nothing);
			RUN(lower_limit_takes_nothing_away);
			RUN(refusal_is_traced);
			RUN(refusal_wakes_who_polls);
		}
	test_variant = NULL;
}

static void run_sva_test(void)
{
	struct utsname name;

	REQUIRE(!uname(&name));
	if (!strcmp(name.machine, "x86_64"))
		RUN(sva_on_x86_is_refused);
	else
		skip_test("sva_on_x86_is_refused", name.machine);
}

int main(void)
{
	run_limit_tests();
	RUN(group_that_does_not_fit_gets_no_device);
	RUN(device_that_is_added_needs_quota);
	RUN(peak_is_the_most_there_was);
	RUN(who_allocates_first_is_charged_for_all);
	RUN(who_opens_it_is_not_charged);
	RUN(task_that_moves_leaves_the_charge);
	RUN(who_allocates_next_is_charged_when_none_is_left);
	RUN(freed_number_is_charged_to_who_had_it);
	RUN(each_iommufd_has_an_owner_of_its_own);
	RUN(refused_allocation_makes_no_owner);
	RUN(closed_iommufd_leaves_nothing);
	RUN(iommufd_ends_with_its_last_file);
	RUN(killed_process_leaves_nothing);
	RUN(unplugged_device_leaves_nothing_of_its_own);
	RUN(group_goes_on_and_takes_another_device);
	RUN(unplugged_device_leaves_its_vpasids);
	RUN(removed_cgroup_leaves_the_charge_to_its_parent);
	RUN(removal_at_every_depth_changes_no_ancestor);
	RUN(attachment_to_a_global_number_is_charged_for_the_device);
	RUN(attachment_to_an_own_number_is_charged_already);
	RUN(attachment_to_a_free_number_takes_it);
	RUN(holder_of_a_global_number_is_charged_for_devices_of_others);
	RUN(attachment_needs_quota);
	RUN(attachment_to_no_number_of_the_device_is_refused);
	RUN(unplugged_device_leaves_no_attachment);
	RUN(closed_iommufd_leaves_no_attachment);
	RUN(freed_number_stays_taken_while_attached);
	RUN(freed_group_stays_taken_while_attached);
	RUN(freed_global_number_stays_taken_while_attached);
	RUN(unplugged_device_leaves_no_freed_number);
	RUN(closed_iommufd_leaves_no_freed_number);
	run_sva_test();
	return end_tests();
}
