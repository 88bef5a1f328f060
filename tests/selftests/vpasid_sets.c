// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PASID set of an iommufd: which pPASID a vPASID has on each device, what can be
 * bound beside what, groups that grow, what is there after it was freed, and what a
 * query tells.
 */
#include "ioas_pasid.h"

/* ---- one vPASID ---- */

/* Whoever has no PASIDs cannot carry it. */
static void global_vpasid_is_valid_on_all_devices(void)
{
	int number;

	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_CHARGED(1, 0);
	number = translate(&own, 5);
	EXPECT_EQ(number, first_number);
	EXPECT_EQ(translate(&second, 5), number);
	EXPECT_EQ(translate(&narrow, 5), number);
	EXPECT_EQ(translate(&enqcmd, 5), number);
	EXPECT_EQ(translate(&plain, 5), -ERANGE);
	EXPECT_EQ(translate(&own, 4), -ENOENT);
	EXPECT_EQ(translate(&own, number), -ENOENT);
}

/* They only have to be able to carry it. */
static void global_number_is_charged_once(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 5, own.bound, second.bound, enqcmd.bound), 5);
	EXPECT_CHARGED(1, 0);
	EXPECT_EQ(ALLOC(GLOBAL, 6, narrow.bound), 6);
	EXPECT_CHARGED(2, 0);
	EXPECT_EQ(ALLOC(GLOBAL, 0), 1);
	EXPECT_CHARGED(3, 0);
	EXPECT_EQ(translate(&narrow, 6), first_number + 1);
	EXPECT_EQ(translate(&narrow, 1), first_number + 2);
}

static void device_vpasid_is_its_number_where_that_is_free(void)
{
	static const uint32_t numbers[] = { 1, 77, LAST_PASID };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		EXPECT_EQ(ALLOC(DEVICE, numbers[i], own.bound), numbers[i]);
		EXPECT_CHARGED(0, i + 1);
		EXPECT_EQ(translate(&own, numbers[i]), numbers[i]);
		EXPECT_EQ(translate(&second, numbers[i]), -ENOENT);
		EXPECT_EQ(translate(&enqcmd, numbers[i]), -ENOENT);
	}
}

/* What it cannot carry is a vPASID nevertheless. */
static void narrow_device_has_another_number(void)
{
	EXPECT_EQ(ALLOC(DEVICE, LAST_NARROW, narrow.bound), LAST_NARROW);
	EXPECT_EQ(translate(&narrow, LAST_NARROW), LAST_NARROW);
	EXPECT_EQ(ALLOC(DEVICE, LAST_NARROW + 1, narrow.bound),
		  LAST_NARROW + 1);
	EXPECT_EQ(ALLOC(DEVICE, LAST_PASID, narrow.bound), LAST_PASID);
	EXPECT_CHARGED(0, 3);
	EXPECT_EQ(translate(&narrow, LAST_NARROW + 1), 1);
	EXPECT_EQ(translate(&narrow, LAST_PASID), 2);
}

static void group_has_one_number_on_all_its_devices(void)
{
	EXPECT_EQ(ALLOC(GROUP, 5, own.bound, second.bound, narrow.bound), 5);
	EXPECT_CHARGED(0, 3);
	EXPECT_EQ(translate(&own, 5), 5);
	EXPECT_EQ(translate(&second, 5), 5);
	EXPECT_EQ(translate(&narrow, 5), 5);
	EXPECT_EQ(translate(&enqcmd, 5), -ENOENT);
	/* A set of one is a set. */
	EXPECT_EQ(ALLOC(GROUP, 6, second.bound), 6);
	EXPECT_CHARGED(0, 4);
	EXPECT_EQ(translate(&second, 6), 6);
	EXPECT_EQ(translate(&own, 6), -ENOENT);
}

/* vPASID 2 has 1 on one device, vPASID 3 has 2 on the other: 3 is the first free. */
static void group_has_a_number_that_is_free_on_all_its_devices(void)
{
	EXPECT_EQ(ALLOC(DEVICE, 1, own.bound), 1);
	EXPECT_EQ(ALLOC(DEVICE, 2, second.bound), 2);
	EXPECT_EQ(ALLOC(GROUP, LAST_PASID, own.bound, second.bound,
			narrow.bound),
		  LAST_PASID);
	EXPECT_EQ(translate(&own, LAST_PASID), 3);
	EXPECT_EQ(translate(&second, LAST_PASID), 3);
	EXPECT_EQ(translate(&narrow, LAST_PASID), 3);
	EXPECT_CHARGED(0, 5);
}

/* What is free on the last of them may not be on the first. */
static void group_has_no_number_that_an_earlier_device_has(void)
{
	EXPECT_EQ(ALLOC(DEVICE, 1, own.bound), 1);
	EXPECT_EQ(ALLOC(DEVICE, 3, own.bound), 3);
	EXPECT_EQ(ALLOC(DEVICE, 2, second.bound), 2);
	EXPECT_EQ(ALLOC(DEVICE, 4, second.bound), 4);
	EXPECT_EQ(ALLOC(GROUP, LAST_PASID, own.bound, second.bound,
			narrow.bound),
		  LAST_PASID);
	EXPECT_EQ(translate(&own, LAST_PASID), 5);
	EXPECT_EQ(translate(&second, LAST_PASID), 5);
	EXPECT_EQ(translate(&narrow, LAST_PASID), 5);
	EXPECT_CHARGED(0, 7);
}

static void any_vpasid_is_one_that_nothing_is_bound_to(void)
{
	int vpasids[6];

	EXPECT_EQ(ALLOC(DEVICE, 1, second.bound), 1);
	EXPECT_EQ(ALLOC(GLOBAL, 3), 3);
	vpasids[0] = ALLOC(DEVICE, 0, own.bound);
	vpasids[1] = ALLOC(GROUP, 0, own.bound, narrow.bound);
	vpasids[2] = ALLOC(GLOBAL, 0);
	vpasids[3] = ALLOC(DEVICE, 0, second.bound);
	vpasids[4] = 1;
	vpasids[5] = 3;
	for (size_t i = 0; i < ARRAY_SIZE(vpasids); i++) {
		EXPECT_AT_MOST(1, vpasids[i]);
		EXPECT_AT_MOST(vpasids[i], LAST_PASID);
		for (size_t j = 0; j < i; j++)
			if (vpasids[i] == vpasids[j])
				fail_test("%d was given out twice", vpasids[i]);
	}
	EXPECT_CHARGED(2, 5);
	EXPECT_EQ(translate(&own, vpasids[1]), translate(&narrow, vpasids[1]));
}

#define MOST_DEVICES 64

static void group_has_at_most_64_devices(void)
{
	uint32_t ids[MOST_DEVICES + 1];
	struct mock_device device;

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		plug(&device, MOCK_PASID_BITS(20));
		ids[i] = device.bound;
	}
	EXPECT_REFUSED(alloc_vpasid(GROUP, 5, ids, MOST_DEVICES + 1), -EINVAL);
	EXPECT_REFUSED(alloc_vpasid(GLOBAL, 5, ids, MOST_DEVICES + 1), -EINVAL);
	EXPECT_EQ(alloc_vpasid(GROUP, 5, ids, MOST_DEVICES), 5);
	EXPECT_CHARGED(0, MOST_DEVICES);
	EXPECT_EQ(alloc_vpasid(GLOBAL, 6, ids, MOST_DEVICES), 6);
	EXPECT_CHARGED(1, MOST_DEVICES);
	EXPECT_EQ(free_vpasid(GROUP, 5, ids[MOST_DEVICES - 1]), 0);
	EXPECT_CHARGED(1, 0);
}

/* Nothing could use them, and others would lack them. */
static void iommufd_without_a_device_gets_no_pasids(void)
{
	struct mock_device only;
	int first = iommufd;

	open_set();
	EXPECT_REFUSED(ALLOC(GLOBAL, 0), -ENODEV);
	EXPECT_REFUSED(ALLOC(GLOBAL, 5), -ENODEV);
	plug(&only, MOCK_PASID_BITS(20));
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(translate(&only, 5), first_number);
	EXPECT_EQ(unplug(&only), 0);
	/* What is there stays. */
	EXPECT_CHARGED(1, 0);
	EXPECT_REFUSED(ALLOC(GLOBAL, 6), -ENODEV);
	plug(&only, MOCK_PASID_BITS(20));
	EXPECT_EQ(translate(&only, 5), first_number);
	EXPECT_EQ(unplug(&only), 0);
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
	EXPECT_CHARGED(0, 0);
	close_set();
	iommufd = first;
}

/* ---- one vPASID, bound more than once ---- */

static void expect_traced(int line, const char *scope, int64_t number,
			  int64_t units)
{
	const char *event = "pasid_alloc", *found;

	found = traced_text(event, "scope");
	if (!found || strncmp(found, scope, strlen(scope)) != 0)
		fail_test("line %d: expected scope %s, found %s", line, scope,
			  found ?: "no event");
	expect(line, "traced pasid", traced_field(event, "pasid"), "",
	       traced_field(event, "pasid") == number, number);
	expect(line, "traced nr", traced_field(event, "nr"), "",
	       traced_field(event, "nr") == units, units);
	expect(line, "traced cgroup", traced_field(event, "cgroup"), "",
	       traced_field(event, "cgroup") == group_id(INNER),
	       group_id(INNER));
}

#define EXPECT_TRACED(scope, number, units) \
	expect_traced(__LINE__, scope, number, units)

/* The device can have the number; what submits for the other gets a global one. */
static void same_vpasid_is_bound_to_both_sorts_of_devices(void)
{
	trace_event("pasid_alloc", true);
	empty_trace();
	EXPECT_EQ(ALLOC(DEVICE, 500, own.bound), 500);
	EXPECT_TRACED("device", 500, 1);
	empty_trace();
	EXPECT_EQ(ALLOC(GLOBAL, 500, enqcmd.bound), 500);
	EXPECT_TRACED("global", first_number, 1);
	trace_event("pasid_alloc", false);
	EXPECT_CHARGED(1, 1);
	EXPECT_EQ(translate(&own, 500), 500);
	EXPECT_EQ(translate(&enqcmd, 500), first_number);
}

static void same_vpasid_is_bound_the_other_way_round(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 500, enqcmd.bound), 500);
	EXPECT_EQ(ALLOC(DEVICE, 500, own.bound), 500);
	EXPECT_CHARGED(1, 1);
	EXPECT_EQ(translate(&own, 500), 500);
	EXPECT_EQ(translate(&enqcmd, 500), first_number);
	/* And to a group, on a third and a fourth one. */
	EXPECT_EQ(ALLOC(GROUP, 500, second.bound, narrow.bound), 500);
	EXPECT_CHARGED(1, 3);
	EXPECT_EQ(translate(&second, 500), first_number + 1);
	EXPECT_EQ(translate(&narrow, 500), first_number + 1);
	EXPECT_EQ(translate(&own, 500), 500);
	EXPECT_EQ(translate(&enqcmd, 500), first_number);
}

/* If the global number is that of the vPASID, the device has to have another. */
static void global_number_is_free_on_no_device(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, first_number, enqcmd.bound), first_number);
	EXPECT_EQ(translate(&enqcmd, first_number), first_number);
	EXPECT_EQ(ALLOC(DEVICE, first_number, own.bound), first_number);
	EXPECT_EQ(translate(&enqcmd, first_number), first_number);
	EXPECT_EQ(translate(&own, first_number), first_number + 1);
	EXPECT_CHARGED(1, 1);
}

/* And the other way round. */
static void number_of_a_device_is_not_global(void)
{
	EXPECT_EQ(ALLOC(DEVICE, first_number, own.bound), first_number);
	EXPECT_EQ(ALLOC(GLOBAL, 0), 2);
	EXPECT_EQ(translate(&enqcmd, 2), first_number + 1);
	EXPECT_EQ(translate(&own, 2), first_number + 1);
	EXPECT_CHARGED(1, 1);
}

/* Not even if it is the next after one that the device has, and free there. */
static void number_of_a_device_is_not_global_for_another(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 100), 100);
	EXPECT_EQ(translate(&enqcmd, 100), first_number);
	EXPECT_EQ(attach_pasid(&enqcmd, first_number), 0);
	EXPECT_EQ(ALLOC(DEVICE, first_number + 1, own.bound), first_number + 1);
	EXPECT_EQ(translate(&own, first_number + 1), first_number + 1);
	EXPECT_EQ(ALLOC(GLOBAL, 101, enqcmd.bound), 101);
	EXPECT_EQ(translate(&enqcmd, 101), first_number + 2);
	EXPECT_EQ(detach_pasid(&enqcmd, first_number), 0);
	EXPECT_CHARGED(2, 1);
}

static void same_vpasid_has_another_number_on_each_device(void)
{
	const uint32_t a = first_number, b = a + 1;

	EXPECT_EQ(ALLOC(GLOBAL, 100), 100);
	EXPECT_EQ(ALLOC(DEVICE, a, second.bound), a);
	EXPECT_EQ(translate(&second, a), b);
	/* The number of the vPASID is free on one of them only. */
	EXPECT_EQ(ALLOC(DEVICE, b, own.bound), b);
	EXPECT_EQ(ALLOC(DEVICE, b, second.bound), b);
	EXPECT_EQ(translate(&own, b), b);
	EXPECT_EQ(translate(&second, b), b + 1);
	EXPECT_CHARGED(1, 3);
	EXPECT_EQ(free_vpasid(DEVICE, b, own.bound), 0);
	EXPECT_EQ(translate(&own, b), -ENOENT);
	EXPECT_EQ(translate(&second, b), b + 1);
	EXPECT_CHARGED(1, 2);
}

static void what_is_bound_to_a_device_goes_before_what_is_global(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 500), 500);
	EXPECT_EQ(translate(&own, 500), first_number);
	EXPECT_EQ(ALLOC(DEVICE, 500, own.bound), 500);
	EXPECT_EQ(ALLOC(GROUP, 500, second.bound), 500);
	EXPECT_EQ(translate(&own, 500), 500);
	EXPECT_EQ(translate(&second, 500), 500);
	EXPECT_EQ(translate(&narrow, 500), first_number);
	EXPECT_EQ(free_vpasid(DEVICE, 500, own.bound), 0);
	EXPECT_EQ(translate(&own, 500), first_number);
	EXPECT_EQ(translate(&second, 500), 500);
	EXPECT_EQ(free_vpasid(GLOBAL, 500, 0), 0);
	EXPECT_EQ(translate(&own, 500), -ENOENT);
	EXPECT_EQ(translate(&narrow, 500), -ENOENT);
	EXPECT_EQ(translate(&second, 500), 500);
	EXPECT_CHARGED(0, 1);
}

static void device_that_comes_later_has_what_is_global(void)
{
	struct mock_device late;

	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(GLOBAL, 6), 6);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	EXPECT_EQ(ALLOC(GROUP, 7, own.bound, second.bound), 7);
	plug(&late, MOCK_PASID_BITS(20));
	EXPECT_CHARGED(2, 3);
	EXPECT_EQ(translate(&late, 5), first_number);
	EXPECT_EQ(translate(&late, 6), first_number + 1);
	EXPECT_EQ(translate(&late, 7), -ENOENT);
	EXPECT_EQ(ALLOC(DEVICE, 6, late.bound), 6);
	EXPECT_EQ(add_to_group(7, &own, &late), 0);
	EXPECT_EQ(translate(&late, 6), 6);
	EXPECT_EQ(translate(&late, 7), 7);
	EXPECT_EQ(free_vpasid(DEVICE, 6, late.bound), 0);
	EXPECT_EQ(translate(&late, 6), first_number + 1);
	EXPECT_EQ(free_vpasid(GLOBAL, 6, 0), 0);
	EXPECT_EQ(translate(&late, 6), -ENOENT);
	EXPECT_EQ(translate(&own, 6), 6);
	EXPECT_EQ(unplug(&late), 0);
	EXPECT_EQ(translate(&own, 5), first_number);
	EXPECT_CHARGED(1, 3);
}

static void global_number_may_be_too_large_for_a_device(void)
{
	for (int i = first_number; i <= LAST_NARROW + 1; i++)
		EXPECT_EQ(ALLOC(GLOBAL, 100 + i), 100 + i);
	EXPECT_EQ(translate(&narrow, 100 + LAST_NARROW), LAST_NARROW);
	EXPECT_EQ(translate(&own, 100 + LAST_NARROW + 1), LAST_NARROW + 1);
	EXPECT_EQ(translate(&narrow, 100 + LAST_NARROW + 1), -ERANGE);
	/* It says nothing about what is bound to the device itself. */
	EXPECT_EQ(free_vpasid(GLOBAL, 100 + LAST_NARROW, 0), 0);
	EXPECT_EQ(ALLOC(DEVICE, 100 + LAST_NARROW + 1, narrow.bound),
		  100 + LAST_NARROW + 1);
	EXPECT_EQ(translate(&narrow, 100 + LAST_NARROW + 1), LAST_NARROW);
}

static void sets_of_two_iommufds_are_apart(void)
{
	struct mock_device first_own = own;
	int first = iommufd;

	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(DEVICE, 50, own.bound), 50);
	open_set();
	plug(&own, MOCK_PASID_BITS(20));
	EXPECT_EQ(translate(&own, 5), -ENOENT);
	EXPECT_EQ(translate(&own, 50), -ENOENT);
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(DEVICE, 50, own.bound), 50);
	EXPECT_CHARGED(2, 2);
	/* A global number is so for the whole system, one of a device is not. */
	EXPECT_EQ(translate(&own, 5), first_number + 1);
	EXPECT_EQ(translate(&own, 50), 50);
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
	close_set();
	iommufd = first;
	EXPECT_EQ(translate(&first_own, 5), first_number);
	EXPECT_EQ(translate(&first_own, 50), 50);
	EXPECT_CHARGED(1, 1);
}

/* ---- space that is full ---- */

static void fill_narrow_device(void)
{
	for (int i = 1; i <= LAST_NARROW; i++)
		EXPECT_EQ(ALLOC(DEVICE, 100 + i, narrow.bound), 100 + i);
	EXPECT_CHARGED(0, LAST_NARROW);
}

static void full_device_is_no_lack_of_quota(void)
{
	fill_narrow_device();
	EXPECT_REFUSED(ALLOC(DEVICE, 0, narrow.bound), -ENOSPC);
	EXPECT_REFUSED(ALLOC(DEVICE, 3, narrow.bound), -ENOSPC);
	EXPECT_REFUSED(ALLOC(GROUP, 3, own.bound, narrow.bound), -ENOSPC);
	EXPECT_REFUSED(ALLOC(GLOBAL, 3, narrow.bound), -ENOSPC);
	/* Others have room. */
	EXPECT_EQ(ALLOC(GROUP, 3, own.bound, second.bound), 3);
	EXPECT_EQ(ALLOC(GLOBAL, 4, own.bound), 4);
	EXPECT_EQ(translate(&own, 4), LAST_NARROW + 1);
	EXPECT_EQ(free_vpasid(DEVICE, 102, narrow.bound), 0);
	EXPECT_EQ(ALLOC(DEVICE, 2, narrow.bound), 2);
	EXPECT_EQ(translate(&narrow, 2), 2);
}

/* The limit lets no more in, either, but nothing is there to be had. */
static void full_device_at_the_limit_is_no_lack_of_quota(void)
{
	limit_pasids(INNER, "device", "7");
	limit_pasids(INNER, "global", "0");
	fill_narrow_device();
	EXPECT_REFUSED(ALLOC(DEVICE, 0, narrow.bound), -ENOSPC);
	EXPECT_REFUSED(ALLOC(GROUP, 0, narrow.bound), -ENOSPC);
	EXPECT_REFUSED(ALLOC(GLOBAL, 0, narrow.bound), -ENOSPC);
	EXPECT_EVENTS(TOP, 0, 0);
}

static void global_numbers_fill_a_narrow_device(void)
{
	for (int i = 1; i <= LAST_NARROW; i++)
		EXPECT_EQ(ALLOC(GLOBAL, 0, narrow.bound), i);
	EXPECT_CHARGED(LAST_NARROW, 0);
	EXPECT_REFUSED(ALLOC(GLOBAL, 0, narrow.bound), -ENOSPC);
	EXPECT_REFUSED(ALLOC(DEVICE, 0, narrow.bound), -ENOSPC);
	EXPECT_REFUSED(ALLOC(GROUP, 0, narrow.bound, second.bound), -ENOSPC);
	EXPECT_EQ(ALLOC(GLOBAL, 0), LAST_NARROW + 1);
	EXPECT_EQ(free_vpasid(GLOBAL, 3, 0), 0);
	EXPECT_EQ(ALLOC(DEVICE, 50, narrow.bound), 50);
	EXPECT_EQ(translate(&narrow, 50), 3);
}

/* ---- groups that grow ---- */

static void device_that_is_added_has_the_same_number(void)
{
	EXPECT_EQ(ALLOC(GROUP, 5, own.bound), 5);
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_CHARGED(1, 1);
	EXPECT_EQ(translate(&second, 5), first_number);
	EXPECT_EQ(add_to_group(5, &own, &second), 0);
	EXPECT_CHARGED(1, 2);
	EXPECT_EQ(translate(&second, 5), 5);
	/* Any member will do. */
	EXPECT_EQ(add_to_group(5, &second, &narrow), 0);
	EXPECT_CHARGED(1, 3);
	EXPECT_EQ(translate(&narrow, 5), 5);
	EXPECT_EQ(translate(&own, 5), 5);
	EXPECT_EQ(translate(&enqcmd, 5), first_number);
	EXPECT_EQ(free_vpasid(GROUP, 5, narrow.bound), 0);
	EXPECT_CHARGED(1, 0);
	EXPECT_EQ(translate(&own, 5), first_number);
	EXPECT_EQ(translate(&second, 5), first_number);
	EXPECT_EQ(translate(&narrow, 5), first_number);
}

/* On the device, the number is that of another vPASID. */
static void number_that_is_taken_keeps_a_device_out(void)
{
	const uint32_t a = first_number, b = a + 1;

	EXPECT_EQ(ALLOC(GLOBAL, 100), 100);
	EXPECT_EQ(ALLOC(DEVICE, a, second.bound), a);
	EXPECT_EQ(translate(&second, a), b);
	EXPECT_EQ(ALLOC(GROUP, b, own.bound), b);
	EXPECT_EQ(translate(&own, b), b);
	EXPECT_REFUSED(add_to_group(b, &own, &second), -EBUSY);
	EXPECT_EQ(translate(&second, b), -ENOENT);
	EXPECT_EQ(translate(&second, a), b);
	EXPECT_EQ(add_to_group(b, &own, &narrow), 0);
	EXPECT_EQ(free_vpasid(DEVICE, a, second.bound), 0);
	EXPECT_EQ(add_to_group(b, &own, &second), 0);
	EXPECT_EQ(translate(&second, b), b);
	EXPECT_CHARGED(1, 3);
}

static void vpasid_that_is_taken_keeps_a_device_out(void)
{
	EXPECT_EQ(ALLOC(GROUP, 5, own.bound), 5);
	EXPECT_EQ(ALLOC(DEVICE, 5, second.bound), 5);
	EXPECT_EQ(ALLOC(GROUP, 5, narrow.bound), 5);
	EXPECT_REFUSED(add_to_group(5, &own, &second), -EEXIST);
	EXPECT_REFUSED(add_to_group(5, &own, &narrow), -EEXIST);
	EXPECT_REFUSED(add_to_group(5, &own, &own), -EEXIST);
	EXPECT_EQ(free_vpasid(DEVICE, 5, second.bound), 0);
	EXPECT_EQ(add_to_group(5, &own, &second), 0);
	EXPECT_REFUSED(add_to_group(5, &own, &second), -EEXIST);
	EXPECT_CHARGED(0, 3);
}

static void device_that_cannot_carry_the_number_is_kept_out(void)
{
	EXPECT_EQ(ALLOC(GROUP, LAST_NARROW + 1, own.bound), LAST_NARROW + 1);
	EXPECT_REFUSED(add_to_group(LAST_NARROW + 1, &own, &narrow), -ERANGE);
	EXPECT_REFUSED(add_to_group(LAST_NARROW + 1, &own, &enqcmd),
		       -EOPNOTSUPP);
	EXPECT_REFUSED(add_to_group(LAST_NARROW + 1, &own, &plain), -EINVAL);
	EXPECT_EQ(translate(&narrow, LAST_NARROW + 1), -ENOENT);
	EXPECT_EQ(translate(&enqcmd, LAST_NARROW + 1), -ENOENT);
	EXPECT_EQ(translate(&own, LAST_NARROW + 1), LAST_NARROW + 1);
	EXPECT_EQ(add_to_group(LAST_NARROW + 1, &own, &second), 0);
	EXPECT_CHARGED(0, 2);
}

static void what_is_no_group_takes_no_device(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 4), 4);
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	EXPECT_EQ(ALLOC(GROUP, 6, own.bound), 6);
	EXPECT_REFUSED(add_to_group(4, &own, &second), -ENOENT);
	EXPECT_REFUSED(add_to_group(5, &own, &second), -ENOENT);
	EXPECT_REFUSED(add_to_group(7, &own, &second), -ENOENT);
	EXPECT_REFUSED(add_to_group(0, &own, &second), -ENOENT);
	EXPECT_REFUSED(add_to_group(LAST_PASID + 1, &own, &second), -ENOENT);
	/* The device that is named first is none of the group. */
	EXPECT_REFUSED(add_to_group(6, &second, &own), -ENOENT);
	EXPECT_REFUSED(add_to_group(6, &second, &narrow), -ENOENT);
	EXPECT_EQ(add_to_group(6, &own, &second), 0);
	EXPECT_CHARGED(1, 3);
}

/* ---- the end of a vPASID ---- */

static void freed_vpasid_is_bound_to_nothing(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(GROUP, 6, own.bound, second.bound), 6);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), 7);
	EXPECT_CHARGED(1, 3);
	EXPECT_EQ(free_vpasid(GROUP, 6, second.bound), 0);
	EXPECT_CHARGED(1, 1);
	EXPECT_EQ(translate(&own, 6), -ENOENT);
	EXPECT_EQ(translate(&second, 6), -ENOENT);
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
	EXPECT_CHARGED(0, 1);
	EXPECT_EQ(translate(&own, 5), -ENOENT);
	EXPECT_EQ(free_vpasid(DEVICE, 7, own.bound), 0);
	EXPECT_CHARGED(0, 0);
	EXPECT_EQ(translate(&own, 7), -ENOENT);
	EXPECT_REFUSED(free_vpasid(GLOBAL, 5, 0), -ENOENT);
	EXPECT_REFUSED(free_vpasid(GROUP, 6, own.bound), -ENOENT);
	EXPECT_REFUSED(free_vpasid(GROUP, 6, second.bound), -ENOENT);
	EXPECT_REFUSED(free_vpasid(DEVICE, 7, own.bound), -ENOENT);
}

static void freed_numbers_are_given_out_again(void)
{
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
		EXPECT_EQ(translate(&own, 5), first_number);
		EXPECT_EQ(ALLOC(GROUP, 6, own.bound, second.bound), 6);
		EXPECT_EQ(translate(&second, 6), 6);
		EXPECT_EQ(ALLOC(DEVICE, 6, narrow.bound), 6);
		EXPECT_EQ(translate(&narrow, 6), 6);
		EXPECT_CHARGED(1, 3);
		EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
		EXPECT_EQ(free_vpasid(GROUP, 6, own.bound), 0);
		EXPECT_EQ(free_vpasid(DEVICE, 6, narrow.bound), 0);
		EXPECT_CHARGED(0, 0);
	}
	/* For another scope as well, and where they were none of the device's. */
	EXPECT_EQ(ALLOC(DEVICE, first_number, own.bound), first_number);
	EXPECT_EQ(translate(&own, first_number), first_number);
	EXPECT_EQ(ALLOC(DEVICE, 6, second.bound), 6);
	EXPECT_EQ(translate(&second, 6), 6);
}

static void free_of_something_else_finds_nothing(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(GROUP, 6, own.bound), 6);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), 7);
	/* The scope is another. */
	EXPECT_REFUSED(free_vpasid(GROUP, 5, own.bound), -ENOENT);
	EXPECT_REFUSED(free_vpasid(DEVICE, 5, own.bound), -ENOENT);
	EXPECT_REFUSED(free_vpasid(GLOBAL, 6, 0), -ENOENT);
	EXPECT_REFUSED(free_vpasid(DEVICE, 6, own.bound), -ENOENT);
	EXPECT_REFUSED(free_vpasid(GLOBAL, 7, 0), -ENOENT);
	EXPECT_REFUSED(free_vpasid(GROUP, 7, own.bound), -ENOENT);
	/* The device is. */
	EXPECT_REFUSED(free_vpasid(GROUP, 6, second.bound), -ENOENT);
	EXPECT_REFUSED(free_vpasid(DEVICE, 7, second.bound), -ENOENT);
	EXPECT_REFUSED(free_vpasid(DEVICE, 7, plain.bound), -ENOENT);
	/* The vPASID is. */
	EXPECT_REFUSED(free_vpasid(GLOBAL, 0, 0), -ENOENT);
	EXPECT_REFUSED(free_vpasid(DEVICE, 0, own.bound), -ENOENT);
	EXPECT_REFUSED(free_vpasid(GLOBAL, LAST_PASID + 1, 0), -ENOENT);
	EXPECT_REFUSED(free_vpasid(DEVICE, UINT32_MAX, own.bound), -ENOENT);
	EXPECT_EQ(translate(&own, 5), first_number);
	EXPECT_EQ(translate(&own, 6), 6);
	EXPECT_EQ(translate(&own, 7), 7);
	EXPECT_CHARGED(1, 2);
}

/* ---- queries ---- */

static void query_tells_what_each_device_can_use(void)
{
	const uint32_t all = 1 << GLOBAL | 1 << GROUP | 1 << DEVICE;
	const struct {
		uint32_t id;
		uint32_t scopes;
		uint32_t max_pasid;
	} rows[] = {
		{ own.bound, all, LAST_PASID },
		{ second.bound, all, LAST_PASID },
		{ narrow.bound, all, LAST_NARROW },
		{ enqcmd.bound, 1 << GLOBAL, LAST_PASID },
		{ plain.bound, 0, 0 },
		/* What does not depend on a device. */
		{ 0, 1 << GLOBAL, LAST_PASID },
	};
	struct iommu_vpasid_query result;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(query_set(rows[i].id, &result), 0);
		EXPECT_EQ(result.out_scopes, rows[i].scopes);
		EXPECT_EQ(result.out_max_pasid, rows[i].max_pasid);
		EXPECT_EQ(result.dev_id, rows[i].id);
		if (test_failed)
			fail_test("in row %zu", i);
	}
	EXPECT_CHARGED(0, 0);
}

/* What is shown where there is none. */
#define NO_LIMIT UINT64_MAX

static void expect_left(int line, int64_t global, int64_t device)
{
	const uint32_t ids[] = { 0, own.bound, plain.bound };
	struct iommu_vpasid_query result;

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		int ret = query_set(ids[i], &result);

		expect(line, "IOMMU_VPASID_QUERY", ret, "", !ret, 0);
		expect(line, "out_global_left", result.out_global_left, "",
		       result.out_global_left == (uint64_t)global, global);
		expect(line, "out_device_left", result.out_device_left, "",
		       result.out_device_left == (uint64_t)device, device);
	}
}

#define EXPECT_LEFT(global, device) expect_left(__LINE__, global, device)

static void query_tells_what_the_tightest_limit_leaves(void)
{
	EXPECT_LEFT(NO_LIMIT, NO_LIMIT);
	limit_pasids(TOP, "global", "9");
	EXPECT_LEFT(9, NO_LIMIT);
	limit_pasids(OUTER, "device", "5");
	EXPECT_LEFT(9, 5);
	limit_pasids(INNER, "global", "4");
	limit_pasids(INNER, "device", "6");
	EXPECT_LEFT(4, 5);
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(GROUP, 6, own.bound, second.bound), 6);
	EXPECT_LEFT(3, 3);
	limit_pasids(INNER, "global", "max");
	EXPECT_LEFT(8, 3);
	limit_pasids(TOP, "device", "2");
	EXPECT_LEFT(8, 0);
	/* It may be less than there is. */
	limit_pasids(OUTER, "global", "0");
	limit_pasids(TOP, "device", "1");
	EXPECT_LEFT(0, 0);
	EXPECT_EQ(free_vpasid(GROUP, 6, own.bound), 0);
	EXPECT_LEFT(0, 1);
}

/* Runs in a child. */
static void use_pasids_in_other(void)
{
	enter_group(OTHER);
	open_set();
	plug(&own, MOCK_PASID_BITS(20));
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	pause_here();
}

static void query_counts_what_others_leave(void)
{
	struct child child;

	limit_pasids(OUTER, "global", "3");
	limit_pasids(OUTER, "device", "2");
	limit_pasids(OTHER, "global", "1");
	start_child(&child, use_pasids_in_other);
	EXPECT_LEFT(2, 1);
	EXPECT_CHARGED_BOTH(0, 0, 1, 1);
	end_child(&child);
	EXPECT_LEFT(3, 2);
}

/* Until there is one, who asks would become it; but asking does not make one. */
static void query_is_about_who_is_charged(void)
{
	limit_pasids(INNER, "global", "3");
	limit_pasids(OTHER, "global", "5");
	EXPECT_LEFT(3, NO_LIMIT);
	enter_group(OTHER);
	EXPECT_LEFT(5, NO_LIMIT);
	enter_group(INNER);
	EXPECT_LEFT(3, NO_LIMIT);
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_CHARGED(1, 0);
	enter_group(OTHER);
	EXPECT_LEFT(2, NO_LIMIT);
}

/* ---- all of them ---- */

#define RUN(test) run_test(#test, test, set_up, clean_up)

int main(void)
{
	RUN(global_vpasid_is_valid_on_all_devices);
	RUN(global_number_is_charged_once);
	RUN(device_vpasid_is_its_number_where_that_is_free);
	RUN(narrow_device_has_another_number);
	RUN(group_has_one_number_on_all_its_devices);
	RUN(group_has_a_number_that_is_free_on_all_its_devices);
	RUN(group_has_no_number_that_an_earlier_device_has);
	RUN(any_vpasid_is_one_that_nothing_is_bound_to);
	RUN(group_has_at_most_64_devices);
	RUN(iommufd_without_a_device_gets_no_pasids);
	RUN(same_vpasid_is_bound_to_both_sorts_of_devices);
	RUN(same_vpasid_is_bound_the_other_way_round);
	RUN(global_number_is_free_on_no_device);
	RUN(number_of_a_device_is_not_global);
	RUN(number_of_a_device_is_not_global_for_another);
	RUN(same_vpasid_has_another_number_on_each_device);
	RUN(what_is_bound_to_a_device_goes_before_what_is_global);
	RUN(device_that_comes_later_has_what_is_global);
	RUN(global_number_may_be_too_large_for_a_device);
	RUN(sets_of_two_iommufds_are_apart);
	RUN(full_device_is_no_lack_of_quota);
	RUN(full_device_at_the_limit_is_no_lack_of_quota);
	RUN(global_numbers_fill_a_narrow_device);
	RUN(device_that_is_added_has_the_same_number);
	RUN(number_that_is_taken_keeps_a_device_out);
	RUN(vpasid_that_is_taken_keeps_a_device_out);
	RUN(device_that_cannot_carry_the_number_is_kept_out);
	RUN(what_is_no_group_takes_no_device);
	RUN(freed_vpasid_is_bound_to_nothing);
	RUN(freed_numbers_are_given_out_again);
	RUN(free_of_something_else_finds_nothing);
	RUN(query_tells_what_each_device_can_use);
	RUN(query_tells_what_the_tightest_limit_leaves);
	RUN(query_counts_what_others_leave);
	RUN(query_is_about_who_is_charged);
	return end_tests();
}
