// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the allocator of PASIDs: drivers/iommu/iommu-pasid.c. */

#include <linux/iommu.h>

#include "../../../../drivers/iommu/iommu-priv.h"
#include "pasid_fixture.h"

#define GLOBAL IOAS_CG_PASID_GLOBAL
#define DEVICE IOAS_CG_PASID_DEVICE

static void expect_number(struct kunit *test, ioasid_t want,
			  struct iommu_pasid *pasid)
{
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pasid);
	KUNIT_EXPECT_EQ(test, want, pasid->id);
}

#define EXPECT_REFUSED(_test, _error, _pasid)				\
	KUNIT_EXPECT_EQ(_test, _error, PTR_ERR_OR_ZERO(_pasid))

/* ---- numbers ---- */

static void device_numbers_are_of_the_device_alone(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);
	struct iommu_pasid *pasid[3];

	pasid[0] = PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, x);
	pasid[1] = PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, x);
	pasid[2] = PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, y);
	expect_number(test, 1, pasid[0]);
	expect_number(test, 2, pasid[1]);
	expect_number(test, 1, pasid[2]);
	iommu_pasid_free(pasid[0]);
	iommu_pasid_free(pasid[1]);
	iommu_pasid_free(pasid[2]);
}

static void freed_number_is_given_out_again(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct iommu_pasid *pasid[3];
	int i;

	for (i = 0; i < 3; i++)
		pasid[i] = PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, x);
	expect_number(test, 2, pasid[1]);
	iommu_pasid_free(pasid[1]);
	pasid[1] = PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, x);
	expect_number(test, 2, pasid[1]);
	for (i = 0; i < 3; i++)
		iommu_pasid_free(pasid[i]);
}

static void global_number_is_taken_on_no_device(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);
	struct iommu_pasid *own[2], *global;

	own[0] = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 1, 1, x);
	own[1] = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 2, 2, y);
	/* Not even if it is not on the device that it is for. */
	global = PASID_ALLOC(test, IOMMU_PASID_GLOBAL, A1, x);
	expect_number(test, 3, global);
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC_IN(test, IOMMU_PASID_GLOBAL, A1, 1, 3));
	iommu_pasid_free(own[1]);
	iommu_pasid_free(global);
	global = PASID_ALLOC(test, IOMMU_PASID_GLOBAL, A1);
	expect_number(test, 2, global);
	iommu_pasid_free(global);
	iommu_pasid_free(own[0]);
}

static void device_number_is_not_global(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct iommu_pasid *global[2], *own;

	global[0] = PASID_ALLOC(test, IOMMU_PASID_GLOBAL, A1);
	global[1] = PASID_ALLOC(test, IOMMU_PASID_GLOBAL, A1);
	own = PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, x);
	expect_number(test, 3, own);
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 1, 2, x));
	iommu_pasid_free(global[0]);
	iommu_pasid_free(own);
	own = PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, x);
	expect_number(test, 1, own);
	iommu_pasid_free(own);
	iommu_pasid_free(global[1]);
}

/* A number that some tables have is in use until the last of them has it no more. */
static void number_of_two_devices_is_local_until_both_free_it(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);
	struct iommu_pasid *own[2], *global;

	own[0] = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 7, 7, x);
	own[1] = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 7, 7, y);
	iommu_pasid_free(own[0]);
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC_IN(test, IOMMU_PASID_GLOBAL, A1, 7, 7));
	iommu_pasid_free(own[1]);
	global = PASID_ALLOC_IN(test, IOMMU_PASID_GLOBAL, A1, 7, 7);
	expect_number(test, 7, global);
	iommu_pasid_free(global);
}

static void group_number_is_free_on_all_its_devices(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);
	struct device *z = test_add_device(test, 20);
	struct iommu_pasid *taken[4], *group;

	taken[0] = PASID_ALLOC_IN(test, IOMMU_PASID_GLOBAL, A1, 3, 3);
	taken[1] = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 1, 1, x);
	taken[2] = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 2, 2, y);
	taken[3] = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 4, 4, x);
	group = PASID_ALLOC(test, IOMMU_PASID_GROUP, A1, x, y, z);
	expect_number(test, 5, group);
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 5, 5, z));
	EXPECT_PASIDS(test, DEVICE, 6, 6, 6, 0, 0, 0);
	iommu_pasid_free(group);
	EXPECT_PASIDS(test, DEVICE, 3, 3, 3, 0, 0, 0);
	iommu_pasid_free(taken[3]);
	iommu_pasid_free(taken[2]);
	iommu_pasid_free(taken[1]);
	iommu_pasid_free(taken[0]);
}

/* ---- what devices can carry ---- */

static void numbers_end_where_the_device_does(struct kunit *test)
{
	struct device *narrow = test_add_device(test, 3);
	struct device *wide = test_add_device(test, 20);
	struct iommu_pasid *pasid[7], *other;
	int i;

	for (i = 0; i < 7; i++) {
		pasid[i] = PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, narrow);
		expect_number(test, i + 1, pasid[i]);
	}
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, narrow));
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC(test, IOMMU_PASID_GROUP, A1, wide, narrow));
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC(test, IOMMU_PASID_GLOBAL, A1, narrow));
	other = PASID_ALLOC(test, IOMMU_PASID_GLOBAL, A1, wide);
	expect_number(test, 8, other);
	iommu_pasid_free(other);
	other = PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, wide);
	expect_number(test, 1, other);
	iommu_pasid_free(other);
	for (i = 0; i < 7; i++)
		iommu_pasid_free(pasid[i]);
}

static void range_is_what_is_wanted_and_can_be_carried(struct kunit *test)
{
	struct device *narrow = test_add_device(test, 8);
	struct device *wide = test_add_device(test, 16);
	struct iommu_pasid *pasid;

	pasid = PASID_ALLOC_IN(test, IOMMU_PASID_GROUP, A1, 200, 70000, wide,
			       narrow);
	expect_number(test, 200, pasid);
	iommu_pasid_free(pasid);
	EXPECT_REFUSED(test, -ERANGE,
		       PASID_ALLOC_IN(test, IOMMU_PASID_GROUP, A1, 256, 70000,
				      wide, narrow));
	EXPECT_REFUSED(test, -ERANGE,
		       PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 65536, 0,
				      wide));
	pasid = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 65535, 0, wide);
	expect_number(test, 65535, pasid);
	iommu_pasid_free(pasid);
	pasid = PASID_ALLOC_IN(test, IOMMU_PASID_GLOBAL, A1, 1048575, 0);
	expect_number(test, 1048575, pasid);
	iommu_pasid_free(pasid);
	EXPECT_REFUSED(test, -ERANGE,
		       PASID_ALLOC_IN(test, IOMMU_PASID_GLOBAL, A1, 1048576,
				      0));
	EXPECT_NO_PASIDS(test);
}

/* Numbers are kept in leaves of 4,096. */
static void search_goes_on_in_the_next_leaf(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct iommu_pasid *pasid[3];

	pasid[0] = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 4095, 0, x);
	pasid[1] = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 4095, 0, x);
	pasid[2] = PASID_ALLOC_IN(test, IOMMU_PASID_GLOBAL, A1, 4095, 0);
	expect_number(test, 4095, pasid[0]);
	expect_number(test, 4096, pasid[1]);
	expect_number(test, 4097, pasid[2]);
	iommu_pasid_free(pasid[0]);
	iommu_pasid_free(pasid[1]);
	iommu_pasid_free(pasid[2]);
}

static void wrong_requests_are_refused(struct kunit *test)
{
	struct device *none = test_add_device(test, 0);
	struct device *plain = test_add_device(test, NO_PASIDS);
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);

	EXPECT_REFUSED(test, -EINVAL,
		       PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1));
	EXPECT_REFUSED(test, -EINVAL,
		       PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, plain));
	EXPECT_REFUSED(test, -EINVAL,
		       PASID_ALLOC(test, IOMMU_PASID_GLOBAL, A1, plain));
	EXPECT_REFUSED(test, -EINVAL,
		       PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, x, y));
	EXPECT_REFUSED(test, -EINVAL, PASID_ALLOC(test, IOMMU_PASID_GROUP, A1));
	EXPECT_REFUSED(test, -EINVAL,
		       PASID_ALLOC(test, IOMMU_PASID_GROUP, A1, x, y, x));
	EXPECT_REFUSED(test, -EINVAL,
		       PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, none));
	EXPECT_REFUSED(test, -EINVAL,
		       PASID_ALLOC(test, IOMMU_PASID_GROUP, A1, x, none));
	EXPECT_REFUSED(test, -EINVAL,
		       PASID_ALLOC(test, IOMMU_PASID_GLOBAL, A1, none));
	EXPECT_REFUSED(test, -EINVAL,
		       PASID_ALLOC(test, IOMMU_PASID_DEVICE + 1, A1, x));
	EXPECT_NO_PASIDS(test);
}

static void device_that_cannot_choose_gets_global_ones_only(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *enqcmd = test_add_device(test, 20);
	struct iommu_pasid *pasid;

	iommu_device_need_global_pasids(enqcmd, true);
	EXPECT_REFUSED(test, -EOPNOTSUPP,
		       PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, enqcmd));
	EXPECT_REFUSED(test, -EOPNOTSUPP,
		       PASID_ALLOC(test, IOMMU_PASID_GROUP, A1, x, enqcmd));
	pasid = PASID_ALLOC(test, IOMMU_PASID_GLOBAL, A1, x, enqcmd);
	expect_number(test, 1, pasid);
	iommu_pasid_free(pasid);
	KUNIT_EXPECT_TRUE(test, iommu_device_supports_pasid(enqcmd,
							    IOMMU_PASID_GLOBAL));
	KUNIT_EXPECT_FALSE(test, iommu_device_supports_pasid(enqcmd,
							     IOMMU_PASID_GROUP));
	KUNIT_EXPECT_TRUE(test, iommu_device_supports_pasid(x,
							    IOMMU_PASID_GROUP));
}

/* ---- devices that are not isolated ---- */

static void devices_of_an_iommu_group_share_numbers(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device_to_group_of(test, 20, x);
	struct iommu_pasid *own, *group;

	own = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 1, 1, x);
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 1, 1, y));
	group = PASID_ALLOC(test, IOMMU_PASID_GROUP, A1, x, y);
	expect_number(test, 2, group);
	EXPECT_PASIDS(test, DEVICE, 3, 3, 3, 0, 0, 0);
	/* The other one still has it. */
	iommu_pasid_remove_device(group, x);
	EXPECT_PASIDS(test, DEVICE, 2, 2, 2, 0, 0, 0);
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 2, 2, x));
	KUNIT_EXPECT_EQ(test, 0, iommu_pasid_add_device(group, x));
	EXPECT_PASIDS(test, DEVICE, 3, 3, 3, 0, 0, 0);
	iommu_pasid_free(group);
	iommu_pasid_free(own);
}

/* A domain is attached in all of it, and one could not take the number. */
static void devices_of_an_iommu_group_have_the_width_of_the_narrowest(struct kunit *test)
{
	struct device *wide = test_add_device(test, 20);
	struct device *none = test_add_device_to_group_of(test, NO_PASIDS,
							  wide);
	struct device *narrow;

	KUNIT_EXPECT_EQ(test, 1048575, iommu_device_max_pasid(wide));
	KUNIT_EXPECT_EQ(test, 0, iommu_device_max_pasid(none));
	narrow = test_add_device_to_group_of(test, 3, wide);
	KUNIT_EXPECT_EQ(test, 7, iommu_device_max_pasid(wide));
	EXPECT_REFUSED(test, -ERANGE,
		       PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 8, 0, wide));
	test_remove_device(test, narrow);
	KUNIT_EXPECT_EQ(test, 1048575, iommu_device_max_pasid(wide));
}

/* ---- sets that change ---- */

static void added_device_gets_the_number_and_is_charged(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);
	struct iommu_pasid *group;

	group = PASID_ALLOC(test, IOMMU_PASID_GROUP, A1, x);
	KUNIT_EXPECT_EQ(test, 0, iommu_pasid_add_device(group, y));
	EXPECT_PASIDS(test, DEVICE, 2, 2, 2, 0, 0, 0);
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 1, 1, y));
	iommu_pasid_remove_device(group, x);
	EXPECT_PASIDS(test, DEVICE, 1, 1, 1, 0, 0, 0);
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 1, 1, y));
	KUNIT_EXPECT_EQ(test, 0, iommu_pasid_add_device(group, x));
	iommu_pasid_free(group);
	EXPECT_NO_PASIDS(test);
}

static void device_that_cannot_be_added_changes_nothing(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *busy = test_add_device(test, 20);
	struct device *narrow = test_add_device(test, 2);
	struct device *none = test_add_device(test, 0);
	struct device *enqcmd = test_add_device(test, 20);
	struct device *last = test_add_device(test, 20);
	struct iommu_pasid *group, *own;

	iommu_device_need_global_pasids(enqcmd, true);
	group = PASID_ALLOC_IN(test, IOMMU_PASID_GROUP, A1, 5, 0, x);
	own = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, B, 5, 5, busy);
	KUNIT_EXPECT_EQ(test, -EBUSY, iommu_pasid_add_device(group, busy));
	KUNIT_EXPECT_EQ(test, -EEXIST, iommu_pasid_add_device(group, x));
	KUNIT_EXPECT_EQ(test, -ERANGE, iommu_pasid_add_device(group, narrow));
	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_pasid_add_device(group, none));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			iommu_pasid_add_device(group, enqcmd));
	KUNIT_EXPECT_EQ(test, -EINVAL, iommu_pasid_add_device(own, x));
	test_set_pasid_max(test, A, DEVICE, 1);
	KUNIT_EXPECT_EQ(test, -EDQUOT, iommu_pasid_add_device(group, last));
	test_set_pasid_max(test, A, DEVICE, IOAS_PASIDS_MAX);
	EXPECT_PASIDS(test, DEVICE, 2, 1, 1, 0, 0, 1);
	KUNIT_EXPECT_EQ(test, 1, group->nr_devs);
	iommu_pasid_free(own);
	/* What was in the way is gone. */
	KUNIT_EXPECT_EQ(test, 0, iommu_pasid_add_device(group, busy));
	KUNIT_EXPECT_EQ(test, 0, iommu_pasid_add_device(group, last));
	EXPECT_PASIDS(test, DEVICE, 3, 3, 3, 0, 0, 0);
	iommu_pasid_free(group);
}

static void pasid_outlives_a_device_that_is_unplugged(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);
	struct iommu_pasid *group = PASID_ALLOC(test, IOMMU_PASID_GROUP, A1, x,
						y);

	test_remove_device(test, x);
	EXPECT_PASIDS(test, DEVICE, 2, 2, 2, 0, 0, 0);
	iommu_pasid_free(group);
	EXPECT_NO_PASIDS(test);
}

/* ---- charges ---- */

static void each_scope_charges_its_own(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);
	struct iommu_pasid *pasid[3];

	pasid[0] = PASID_ALLOC(test, IOMMU_PASID_GLOBAL, DEEP, x, y);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 1, 0, 0);
	EXPECT_PASIDS(test, DEVICE, 0);
	pasid[1] = PASID_ALLOC(test, IOMMU_PASID_DEVICE, A2, x);
	EXPECT_PASIDS(test, DEVICE, 1, 1, 0, 0, 1, 0);
	pasid[2] = PASID_ALLOC(test, IOMMU_PASID_GROUP, B, x, y);
	EXPECT_PASIDS(test, DEVICE, 3, 1, 0, 0, 1, 2);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 1, 0, 0);
	iommu_pasid_free(pasid[0]);
	iommu_pasid_free(pasid[1]);
	iommu_pasid_free(pasid[2]);
}

static void quota_and_space_are_different_errors(struct kunit *test)
{
	struct device *narrow = test_add_device(test, 2);
	struct iommu_pasid *pasid[3];
	int i;

	for (i = 0; i < 2; i++)
		pasid[i] = PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, narrow);
	test_set_pasid_max(test, A, DEVICE, 2);
	EXPECT_REFUSED(test, -EDQUOT,
		       PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, narrow));
	EXPECT_PASIDS(test, DEVICE, 2, 2, 2, 0, 0, 0);
	/* The number that was refused is free. */
	pasid[2] = PASID_ALLOC(test, IOMMU_PASID_DEVICE, B, narrow);
	expect_number(test, 3, pasid[2]);
	/* Both: what nobody could have is no matter of quota. */
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC(test, IOMMU_PASID_DEVICE, A1, narrow));
	for (i = 0; i < 3; i++)
		iommu_pasid_free(pasid[i]);
}

static void group_is_refused_as_a_whole(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);
	struct iommu_pasid *pasid;

	test_set_pasid_max(test, A1, DEVICE, 1);
	EXPECT_REFUSED(test, -EDQUOT,
		       PASID_ALLOC(test, IOMMU_PASID_GROUP, A1, x, y));
	EXPECT_NO_PASIDS(test);
	pasid = PASID_ALLOC(test, IOMMU_PASID_GROUP, A1, y);
	expect_number(test, 1, pasid);
	iommu_pasid_free(pasid);
}

static void kernel_pays_for_nothing(struct kunit *test)
{
	struct device *x = test_add_device(test, 3);
	struct device *none = test_add_device(test, 0);
	struct pasid_fixture *p = test->priv;
	ioasid_t id[7];
	int i;

	for (i = 0; i < 7; i++) {
		id[i] = iommu_alloc_global_pasid(x);
		KUNIT_EXPECT_EQ(test, i + 1, id[i]);
	}
	KUNIT_EXPECT_EQ(test, IOMMU_PASID_INVALID, iommu_alloc_global_pasid(x));
	KUNIT_EXPECT_EQ(test, IOMMU_PASID_INVALID,
			iommu_alloc_global_pasid(none));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(&p->domain, x, id[0], NULL));
	EXPECT_NO_PASIDS(test);
	iommu_detach_device_pasid(&p->domain, x, id[0]);
	for (i = 0; i < 7; i++)
		iommu_free_global_pasid(id[i]);
}

/* ---- attachments ---- */

static void attachment_charges_who_holds_a_global_one(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);
	struct pasid_fixture *p = test->priv;
	struct iommu_pasid *pasid;

	pasid = PASID_ALLOC(test, IOMMU_PASID_GLOBAL, B);
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_device_pasid(&p->domain, x,
							   pasid->id, NULL));
	EXPECT_PASIDS(test, DEVICE, 1, 0, 0, 0, 0, 1);
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_device_pasid(&p->domain, y,
							   pasid->id, NULL));
	EXPECT_PASIDS(test, DEVICE, 2, 0, 0, 0, 0, 2);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_attach_device_pasid(&p->domain, y, pasid->id,
						  NULL));
	EXPECT_PASIDS(test, DEVICE, 2, 0, 0, 0, 0, 2);
	iommu_detach_device_pasid(&p->domain, x, pasid->id);
	EXPECT_PASIDS(test, DEVICE, 1, 0, 0, 0, 0, 1);
	iommu_detach_device_pasid(&p->domain, y, pasid->id);
	EXPECT_PASIDS(test, DEVICE, 0);
	EXPECT_PASIDS(test, GLOBAL, 1, 0, 0, 0, 0, 1);
	iommu_pasid_free(pasid);
}

static void attachment_to_a_pasid_of_the_device_is_paid_for(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);
	struct pasid_fixture *p = test->priv;
	struct iommu_pasid *own, *group;

	own = PASID_ALLOC(test, IOMMU_PASID_DEVICE, B, x);
	group = PASID_ALLOC(test, IOMMU_PASID_GROUP, B, x, y);
	test_set_pasid_max(test, B, DEVICE, 0);
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_device_pasid(&p->domain, x,
							   own->id, NULL));
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_device_pasid(&p->domain, y,
							   group->id, NULL));
	EXPECT_PASIDS(test, DEVICE, 3, 0, 0, 0, 0, 3);
	iommu_detach_device_pasid(&p->domain, x, own->id);
	iommu_detach_device_pasid(&p->domain, y, group->id);
	EXPECT_PASIDS(test, DEVICE, 3, 0, 0, 0, 0, 3);
	iommu_pasid_free(own);
	iommu_pasid_free(group);
}

/* Once for the device that was named, however many are in its IOMMU group. */
static void attachment_charges_once_for_an_iommu_group(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device_to_group_of(test, 20, x);
	struct pasid_fixture *p = test->priv;
	struct iommu_pasid *pasid = PASID_ALLOC(test, IOMMU_PASID_GLOBAL, A1);

	KUNIT_EXPECT_EQ(test, 0, iommu_attach_device_pasid(&p->domain, x,
							   pasid->id, NULL));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			iommu_attach_device_pasid(&p->domain, y, pasid->id,
						  NULL));
	EXPECT_PASIDS(test, DEVICE, 1, 1, 1, 0, 0, 0);
	iommu_detach_device_pasid(&p->domain, x, pasid->id);
	iommu_pasid_free(pasid);
}

static void attachment_takes_a_number_that_nobody_allocated(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct pasid_fixture *p = test->priv;
	struct iommu_pasid *pasid;

	p->asking = A2;
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(&p->domain, x, 1, NULL));
	EXPECT_PASIDS(test, DEVICE, 1, 1, 0, 0, 1, 0);
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 1, 1, x));
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC_IN(test, IOMMU_PASID_GLOBAL, A1, 1, 1));
	p->asking = B;
	iommu_detach_device_pasid(&p->domain, x, 1);
	EXPECT_NO_PASIDS(test);
	pasid = PASID_ALLOC_IN(test, IOMMU_PASID_GLOBAL, A1, 1, 1);
	expect_number(test, 1, pasid);
	iommu_pasid_free(pasid);
}

/* There it means something else, or nothing. */
static void attachment_does_not_use_the_pasid_of_another_device(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);
	struct pasid_fixture *p = test->priv;
	struct iommu_pasid *own;

	own = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, B, 5, 5, x);
	p->asking = A2;
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(&p->domain, y, 5, NULL));
	EXPECT_PASIDS(test, DEVICE, 2, 1, 0, 0, 1, 1);
	iommu_pasid_free(own);
	EXPECT_PASIDS(test, DEVICE, 1, 1, 0, 0, 1, 0);
	iommu_detach_device_pasid(&p->domain, y, 5);
	EXPECT_NO_PASIDS(test);
}

/* Devices may use it until then. */
static void attached_number_stays_taken_after_it_was_freed(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);
	struct pasid_fixture *p = test->priv;
	struct iommu_pasid *global, *own, *group;

	global = PASID_ALLOC_IN(test, IOMMU_PASID_GLOBAL, A1, 1, 1);
	own = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A2, 2, 2, x);
	group = PASID_ALLOC_IN(test, IOMMU_PASID_GROUP, B, 3, 3, x, y);
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(&p->domain, x, 1, NULL));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(&p->domain, x, 2, NULL));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(&p->domain, y, 3, NULL));
	iommu_pasid_free(global);
	iommu_pasid_free(own);
	iommu_pasid_free(group);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
	EXPECT_PASIDS(test, DEVICE, 4, 2, 1, 0, 1, 2);
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, A1, 1, 3, x));
	EXPECT_REFUSED(test, -ENOSPC,
		       PASID_ALLOC_IN(test, IOMMU_PASID_GLOBAL, A1, 1, 3));
	iommu_detach_device_pasid(&p->domain, x, 1);
	EXPECT_PASIDS(test, GLOBAL, 0);
	EXPECT_PASIDS(test, DEVICE, 3, 1, 0, 0, 1, 2);
	iommu_detach_device_pasid(&p->domain, x, 2);
	EXPECT_PASIDS(test, DEVICE, 2, 0, 0, 0, 0, 2);
	iommu_detach_device_pasid(&p->domain, y, 3);
	EXPECT_NO_PASIDS(test);
	global = PASID_ALLOC_IN(test, IOMMU_PASID_GLOBAL, A1, 3, 3);
	expect_number(test, 3, global);
	iommu_pasid_free(global);
}

static void refused_attachment_leaves_nothing(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct pasid_fixture *p = test->priv;
	struct iommu_pasid *pasid = PASID_ALLOC(test, IOMMU_PASID_GLOBAL, A1);

	test_set_pasid_max(test, A, DEVICE, 0);
	KUNIT_EXPECT_EQ(test, -EDQUOT,
			iommu_attach_device_pasid(&p->domain, x, pasid->id,
						  NULL));
	KUNIT_EXPECT_EQ(test, -EDQUOT,
			iommu_attach_device_pasid(&p->domain, x, 99, NULL));
	EXPECT_PASIDS(test, DEVICE, 0);
	test_set_pasid_max(test, A, DEVICE, 2);
	test_fail_attach(x);
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_attach_device_pasid(&p->domain, x, pasid->id,
						  NULL));
	test_fail_attach(x);
	KUNIT_EXPECT_EQ(test, -EIO,
			iommu_attach_device_pasid(&p->domain, x, 99, NULL));
	EXPECT_PASIDS(test, DEVICE, 0);
	KUNIT_EXPECT_EQ(test, 0, iommu_attach_device_pasid(&p->domain, x,
							   pasid->id, NULL));
	KUNIT_EXPECT_EQ(test, 0,
			iommu_attach_device_pasid(&p->domain, x, 99, NULL));
	EXPECT_PASIDS(test, DEVICE, 2, 2, 2, 0, 0, 0);
	iommu_detach_device_pasid(&p->domain, x, pasid->id);
	iommu_detach_device_pasid(&p->domain, x, 99);
	iommu_pasid_free(pasid);
}

static struct kunit_case pasid_alloc_cases[] = {
	KUNIT_CASE(device_numbers_are_of_the_device_alone),
	KUNIT_CASE(freed_number_is_given_out_again),
	KUNIT_CASE(global_number_is_taken_on_no_device),
	KUNIT_CASE(device_number_is_not_global),
	KUNIT_CASE(number_of_two_devices_is_local_until_both_free_it),
	KUNIT_CASE(group_number_is_free_on_all_its_devices),
	KUNIT_CASE(numbers_end_where_the_device_does),
	KUNIT_CASE(range_is_what_is_wanted_and_can_be_carried),
	KUNIT_CASE(search_goes_on_in_the_next_leaf),
	KUNIT_CASE(wrong_requests_are_refused),
	KUNIT_CASE(device_that_cannot_choose_gets_global_ones_only),
	KUNIT_CASE(devices_of_an_iommu_group_share_numbers),
	KUNIT_CASE(devices_of_an_iommu_group_have_the_width_of_the_narrowest),
	KUNIT_CASE(added_device_gets_the_number_and_is_charged),
	KUNIT_CASE(device_that_cannot_be_added_changes_nothing),
	KUNIT_CASE(pasid_outlives_a_device_that_is_unplugged),
	KUNIT_CASE(each_scope_charges_its_own),
	KUNIT_CASE(quota_and_space_are_different_errors),
	KUNIT_CASE(group_is_refused_as_a_whole),
	KUNIT_CASE(kernel_pays_for_nothing),
	KUNIT_CASE(attachment_charges_who_holds_a_global_one),
	KUNIT_CASE(attachment_to_a_pasid_of_the_device_is_paid_for),
	KUNIT_CASE(attachment_charges_once_for_an_iommu_group),
	KUNIT_CASE(attachment_takes_a_number_that_nobody_allocated),
	KUNIT_CASE(attachment_does_not_use_the_pasid_of_another_device),
	KUNIT_CASE(attached_number_stays_taken_after_it_was_freed),
	KUNIT_CASE(refused_attachment_leaves_nothing),
	{ }
};

static struct kunit_suite pasid_alloc_suite = {
	.name = "ioas_pasid_alloc",
	.suite_init = pasid_suite_init,
	.suite_exit = pasid_suite_exit,
	.init = pasid_fixture_init,
	.exit = pasid_fixture_exit,
	.test_cases = pasid_alloc_cases,
};

kunit_test_suite(pasid_alloc_suite);
