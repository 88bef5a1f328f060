// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of the PASID sets of iommufd: drivers/iommu/iommufd/pasid.c.
 *
 * The iommufds and their devices are made by hand, of what a set uses of them.  The
 * ioctls, and allocations of memory that fail, are for programs to test.
 */

#include <kunit/test-bug.h>
#include <linux/delay.h>
#include <linux/iommufd.h>
#include <linux/kthread.h>

#include "../../../../drivers/iommu/iommufd/iommufd_private.h"
#include "pasid_fixture.h"

#define GLOBAL IOAS_CG_PASID_GLOBAL
#define DEVICE IOAS_CG_PASID_DEVICE

#define LAST_VPASID	((1U << 20) - 1)

/* Two that have nothing in common, and the devices of both. */
static struct iommufd_ctx vm, other_vm;
static struct iommufd_device idevs[MAX_TEST_DEVICES];
static bool bound[MAX_TEST_DEVICES];
static unsigned int nr_idevs;

static void open_iommufd(struct iommufd_ctx *ictx)
{
	memset(ictx, 0, sizeof(*ictx));
	iommufd_pasids_init(&ictx->pasids);
}

static int set_init(struct kunit *test)
{
	open_iommufd(&vm);
	open_iommufd(&other_vm);
	nr_idevs = 0;
	return pasid_fixture_init(test);
}

static void rebind(struct iommufd_device *idev)
{
	KUNIT_EXPECT_EQ(kunit_get_current_test(), 0,
			iommufd_pasids_add_device(&idev->ictx->pasids, idev));
	bound[idev - idevs] = true;
}

static struct iommufd_device *bind(struct iommufd_ctx *ictx, struct device *dev)
{
	struct iommufd_device *idev = &idevs[nr_idevs++];

	memset(idev, 0, sizeof(*idev));
	idev->ictx = ictx;
	idev->dev = dev;
	rebind(idev);
	return idev;
}

static void unbind(struct kunit *test, struct iommufd_device *idev)
{
	iommufd_pasids_remove_device(&idev->ictx->pasids, idev);
	KUNIT_EXPECT_TRUE(test, xa_empty(&idev->vpasids));
	bound[idev - idevs] = false;
}

/* What a test leaves ends as it does when a VM goes, and has to end as a whole. */
static void set_exit(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < nr_idevs; i++)
		if (bound[i])
			unbind(test, &idevs[i]);
	iommufd_pasids_destroy(&vm.pasids);
	iommufd_pasids_destroy(&other_vm.pasids);
	pasid_fixture_exit(test);
}

/* A device with so many bits of PASIDs, bound to the first iommufd. */
static struct iommufd_device *add_idev(struct kunit *test, unsigned int bits)
{
	return bind(&vm, test_add_device(test, bits));
}

static struct iommufd_device *add_enqcmd_idev(struct kunit *test)
{
	struct iommufd_device *idev = add_idev(test, 20);

	iommu_device_need_global_pasids(idev->dev, true);
	return idev;
}

static u32 alloc_vpasid(struct kunit *test, struct iommufd_ctx *ictx,
			u32 wanted, enum iommu_pasid_scope scope,
			struct iommufd_device **devs, unsigned int nr)
{
	u32 vpasid = wanted;

	KUNIT_ASSERT_EQ(test, 0,
			iommufd_pasids_alloc(&ictx->pasids, scope, devs, nr,
					     &vpasid));
	if (wanted)
		KUNIT_EXPECT_EQ(test, wanted, vpasid);
	return vpasid;
}

static void expect_refused(struct kunit *test, int error, u32 wanted,
			   enum iommu_pasid_scope scope,
			   struct iommufd_device **devs, unsigned int nr)
{
	u32 vpasid = wanted;

	KUNIT_EXPECT_EQ(test, error,
			iommufd_pasids_alloc(&vm.pasids, scope, devs, nr,
					     &vpasid));
	KUNIT_EXPECT_EQ(test, wanted, vpasid);
}

/* The vPASID that was bound, for the devices that are the last arguments. */
#define VPASID_ALLOC_IN(_test, _ictx, _wanted, _scope, ...)			\
({										\
	struct iommufd_device *devs_[] = { NULL, ##__VA_ARGS__ };		\
										\
	alloc_vpasid(_test, _ictx, _wanted, _scope, devs_ + 1,			\
		     ARRAY_SIZE(devs_) - 1);					\
})

#define VPASID_ALLOC(_test, _wanted, _scope, ...)				\
	VPASID_ALLOC_IN(_test, &vm, _wanted, _scope, ##__VA_ARGS__)

#define EXPECT_REFUSED(_test, _error, _wanted, _scope, ...)			\
do {										\
	struct iommufd_device *devs_[] = { NULL, ##__VA_ARGS__ };		\
										\
	expect_refused(_test, _error, _wanted, _scope, devs_ + 1,		\
		       ARRAY_SIZE(devs_) - 1);					\
} while (0)

/* @want is a pPASID or an error. */
static void expect_found(struct kunit *test, int want,
			 struct iommufd_device *idev, u32 vpasid)
{
	KUNIT_EXPECT_EQ_MSG(test, want,
			    iommufd_device_translate_pasid(idev, vpasid),
			    "vPASID %u of %s", vpasid, dev_name(idev->dev));
}

static void expect_free(struct kunit *test, int want,
			enum iommu_pasid_scope scope, u32 vpasid,
			struct iommufd_device *idev)
{
	KUNIT_EXPECT_EQ(test, want,
			iommufd_pasids_free(&vm.pasids, scope, vpasid, idev));
}

static int add(u32 vpasid, struct iommufd_device *member,
	       struct iommufd_device *idev)
{
	return iommufd_pasids_add(&vm.pasids, vpasid, member, idev);
}

static unsigned int refusals(struct kunit *test, enum ioas_cg_pasid_scope scope)
{
	struct pasid_fixture *p = test->priv;

	return p->owners->events[IOAS_EVENT_PASID_MAX + scope];
}

/* ---- vPASIDs ---- */

static void wanted_vpasid_is_bound_until_it_is_freed(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y = add_idev(test, 20);

	VPASID_ALLOC(test, 5, IOMMU_PASID_DEVICE, x);
	VPASID_ALLOC(test, LAST_VPASID, IOMMU_PASID_GROUP, x, y);
	VPASID_ALLOC(test, 6, IOMMU_PASID_GLOBAL);
	expect_found(test, 5, x, 5);
	expect_found(test, -ENOENT, y, 5);
	expect_found(test, LAST_VPASID, x, LAST_VPASID);
	expect_found(test, LAST_VPASID, y, LAST_VPASID);
	expect_found(test, 1, x, 6);
	expect_found(test, 1, y, 6);
	EXPECT_PASIDS(test, DEVICE, 3, 3, 3, 0, 0, 0);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
	expect_free(test, 0, IOMMU_PASID_DEVICE, 5, x);
	expect_free(test, 0, IOMMU_PASID_GROUP, LAST_VPASID, y);
	expect_free(test, 0, IOMMU_PASID_GLOBAL, 6, NULL);
	expect_found(test, -ENOENT, x, 5);
	expect_found(test, -ENOENT, x, LAST_VPASID);
	expect_found(test, -ENOENT, y, LAST_VPASID);
	expect_found(test, -ENOENT, x, 6);
	EXPECT_NO_PASIDS(test);
}

static void any_vpasid_is_one_that_nothing_is_bound_to(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y = add_idev(test, 20);
	struct device *dev = test_add_device(test, 20);
	struct iommufd_device *z = bind(&other_vm, dev);

	VPASID_ALLOC(test, 1, IOMMU_PASID_DEVICE, y);
	VPASID_ALLOC(test, 2, IOMMU_PASID_GLOBAL);
	VPASID_ALLOC(test, 3, IOMMU_PASID_GROUP, y);
	KUNIT_EXPECT_EQ(test, 4,
			VPASID_ALLOC(test, 0, IOMMU_PASID_DEVICE, x));
	KUNIT_EXPECT_EQ(test, 5, VPASID_ALLOC(test, 0, IOMMU_PASID_GLOBAL));
	KUNIT_EXPECT_EQ(test, 6,
			VPASID_ALLOC(test, 0, IOMMU_PASID_GROUP, x, y));
	/* Of another iommufd they say nothing. */
	KUNIT_EXPECT_EQ(test, 1,
			VPASID_ALLOC_IN(test, &other_vm, 0, IOMMU_PASID_DEVICE,
					z));
	expect_free(test, 0, IOMMU_PASID_GLOBAL, 2, NULL);
	KUNIT_EXPECT_EQ(test, 2,
			VPASID_ALLOC(test, 0, IOMMU_PASID_DEVICE, x));
}

/* It may be bound on each device, and on all of them. */
static void vpasid_is_in_use_until_all_that_it_stands_for_is_freed(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y = add_idev(test, 20);

	VPASID_ALLOC(test, 1, IOMMU_PASID_DEVICE, x);
	VPASID_ALLOC(test, 1, IOMMU_PASID_GROUP, y);
	VPASID_ALLOC(test, 1, IOMMU_PASID_GLOBAL);
	KUNIT_EXPECT_EQ(test, 2, VPASID_ALLOC(test, 0, IOMMU_PASID_GLOBAL));
	expect_free(test, 0, IOMMU_PASID_GLOBAL, 1, NULL);
	KUNIT_EXPECT_EQ(test, 3, VPASID_ALLOC(test, 0, IOMMU_PASID_GLOBAL));
	expect_free(test, 0, IOMMU_PASID_DEVICE, 1, x);
	KUNIT_EXPECT_EQ(test, 4, VPASID_ALLOC(test, 0, IOMMU_PASID_GLOBAL));
	unbind(test, y);
	KUNIT_EXPECT_EQ(test, 1, VPASID_ALLOC(test, 0, IOMMU_PASID_GLOBAL));
}

static void bound_vpasid_is_not_bound_again(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y = add_idev(test, 20);

	VPASID_ALLOC(test, 1, IOMMU_PASID_DEVICE, x);
	VPASID_ALLOC(test, 2, IOMMU_PASID_GROUP, x);
	VPASID_ALLOC(test, 3, IOMMU_PASID_GLOBAL);
	EXPECT_REFUSED(test, -EEXIST, 1, IOMMU_PASID_DEVICE, x);
	EXPECT_REFUSED(test, -EEXIST, 1, IOMMU_PASID_GROUP, y, x);
	EXPECT_REFUSED(test, -EEXIST, 2, IOMMU_PASID_DEVICE, x);
	EXPECT_REFUSED(test, -EEXIST, 3, IOMMU_PASID_GLOBAL);
	EXPECT_REFUSED(test, -EEXIST, 3, IOMMU_PASID_GLOBAL, x);
	EXPECT_PASIDS(test, DEVICE, 2, 2, 2, 0, 0, 0);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
	expect_found(test, 1, x, 1);
	expect_found(test, -ENOENT, y, 1);
	/* None of them made it more in use than it was. */
	expect_free(test, 0, IOMMU_PASID_DEVICE, 1, x);
	KUNIT_EXPECT_EQ(test, 1,
			VPASID_ALLOC(test, 0, IOMMU_PASID_GROUP, y, x));
}

static void vpasid_has_twenty_bits(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);

	EXPECT_REFUSED(test, -EINVAL, LAST_VPASID + 1, IOMMU_PASID_DEVICE, x);
	EXPECT_REFUSED(test, -EINVAL, LAST_VPASID + 1, IOMMU_PASID_GLOBAL);
	EXPECT_REFUSED(test, -EINVAL, U32_MAX, IOMMU_PASID_GLOBAL);
	EXPECT_NO_PASIDS(test);
	VPASID_ALLOC(test, LAST_VPASID, IOMMU_PASID_GLOBAL);
	expect_found(test, 1, x, LAST_VPASID);
	expect_found(test, -ENOENT, x, LAST_VPASID + 1);
	expect_found(test, -ENOENT, x, 0);
}

static void any_vpasid_is_refused_where_all_are_in_use(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct xarray *used = &vm.pasids.used;
	unsigned long vpasid;

	/* As so many allocations would leave it. */
	for (vpasid = 1; vpasid <= LAST_VPASID; vpasid++)
		if (xa_err(xa_store(used, vpasid, xa_mk_value(1), GFP_KERNEL)))
			break;
	KUNIT_EXPECT_EQ(test, LAST_VPASID + 1, vpasid);
	EXPECT_REFUSED(test, -ENOSPC, 0, IOMMU_PASID_DEVICE, x);
	EXPECT_REFUSED(test, -ENOSPC, 0, IOMMU_PASID_GLOBAL);
	EXPECT_NO_PASIDS(test);
	VPASID_ALLOC(test, 9, IOMMU_PASID_DEVICE, x);
	expect_free(test, 0, IOMMU_PASID_DEVICE, 9, x);
	xa_erase(used, LAST_VPASID);
	KUNIT_EXPECT_EQ(test, LAST_VPASID,
			VPASID_ALLOC(test, 0, IOMMU_PASID_DEVICE, x));
	/* Only that one is in use, for the end of the test. */
	xa_destroy(used);
	xa_store(used, LAST_VPASID, xa_mk_value(1), GFP_KERNEL);
}

/* ---- pPASIDs ---- */

static void number_is_that_of_the_vpasid_where_it_is_free(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y = add_idev(test, 20);
	struct iommufd_device *narrow = add_idev(test, 3);
	struct iommu_pasid *taken;

	taken = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, B, 7, 7, x->dev);
	VPASID_ALLOC(test, 7, IOMMU_PASID_DEVICE, x);
	VPASID_ALLOC(test, 7, IOMMU_PASID_DEVICE, y);
	expect_found(test, 1, x, 7);
	expect_found(test, 7, y, 7);
	VPASID_ALLOC(test, 9, IOMMU_PASID_GROUP, x, y);
	expect_found(test, 9, x, 9);
	expect_found(test, 9, y, 9);
	expect_free(test, 0, IOMMU_PASID_DEVICE, 7, y);
	/* 1 is taken on one of them. */
	VPASID_ALLOC(test, 1, IOMMU_PASID_GROUP, x, y);
	expect_found(test, 2, x, 1);
	expect_found(test, 2, y, 1);
	/* And this is more than the device can carry. */
	VPASID_ALLOC(test, 8, IOMMU_PASID_DEVICE, narrow);
	expect_found(test, 1, narrow, 8);
	iommu_pasid_free(taken);
}

static void number_of_a_global_one_is_any(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *narrow = add_idev(test, 2);

	VPASID_ALLOC(test, 7, IOMMU_PASID_GLOBAL);
	expect_found(test, 1, x, 7);
	VPASID_ALLOC(test, 1, IOMMU_PASID_GLOBAL, x, narrow);
	expect_found(test, 2, x, 1);
	expect_found(test, 2, narrow, 1);
}

static void one_vpasid_is_two_numbers_for_two_sorts_of_devices(struct kunit *test)
{
	struct iommufd_device *own = add_idev(test, 20);
	struct iommufd_device *enqcmd = add_enqcmd_idev(test);
	struct device *dev = test_add_device(test, 20);
	struct iommufd_device *foreign = bind(&other_vm, dev);

	VPASID_ALLOC(test, 5, IOMMU_PASID_DEVICE, own);
	VPASID_ALLOC(test, 5, IOMMU_PASID_GLOBAL, enqcmd);
	expect_found(test, 5, own, 5);
	expect_found(test, 1, enqcmd, 5);
	/* Not for devices of anyone else. */
	expect_found(test, -ENOENT, foreign, 5);
	EXPECT_PASIDS(test, DEVICE, 1, 1, 1, 0, 0, 0);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
}

static void own_number_of_a_device_comes_before_a_global_one(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y = add_idev(test, 20);

	VPASID_ALLOC(test, 5, IOMMU_PASID_GLOBAL);
	expect_found(test, 1, x, 5);
	VPASID_ALLOC(test, 5, IOMMU_PASID_DEVICE, x);
	expect_found(test, 5, x, 5);
	expect_found(test, 1, y, 5);
	expect_free(test, 0, IOMMU_PASID_DEVICE, 5, x);
	expect_found(test, 1, x, 5);
	VPASID_ALLOC(test, 5, IOMMU_PASID_GROUP, x);
	KUNIT_EXPECT_EQ(test, 0, add(5, x, y));
	expect_found(test, 5, y, 5);
	expect_free(test, 0, IOMMU_PASID_GLOBAL, 5, NULL);
	expect_found(test, 5, x, 5);
	expect_found(test, 5, y, 5);
	expect_free(test, 0, IOMMU_PASID_GROUP, 5, x);
	expect_found(test, -ENOENT, x, 5);
	expect_found(test, -ENOENT, y, 5);
}

/* Whichever was there first. */
static void global_number_comes_forth_when_the_own_one_ends(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y = add_idev(test, 20);
	struct iommufd_device *z = add_idev(test, 20);

	VPASID_ALLOC(test, 5, IOMMU_PASID_GROUP, x, y);
	VPASID_ALLOC(test, 5, IOMMU_PASID_GLOBAL);
	expect_found(test, 5, x, 5);
	expect_found(test, 5, y, 5);
	expect_found(test, 1, z, 5);
	expect_free(test, 0, IOMMU_PASID_GROUP, 5, y);
	expect_found(test, 1, x, 5);
	expect_found(test, 1, y, 5);
	expect_found(test, 1, z, 5);
	VPASID_ALLOC(test, 5, IOMMU_PASID_DEVICE, x);
	expect_free(test, 0, IOMMU_PASID_GLOBAL, 5, NULL);
	expect_found(test, 5, x, 5);
	expect_found(test, -ENOENT, y, 5);
	expect_free(test, 0, IOMMU_PASID_DEVICE, 5, x);
	expect_found(test, -ENOENT, x, 5);
}

static void device_that_comes_later_has_the_global_ones(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y;

	VPASID_ALLOC(test, 5, IOMMU_PASID_GLOBAL, x);
	VPASID_ALLOC(test, 6, IOMMU_PASID_GLOBAL, x);
	VPASID_ALLOC(test, 6, IOMMU_PASID_DEVICE, x);
	VPASID_ALLOC(test, 7, IOMMU_PASID_DEVICE, x);
	expect_free(test, 0, IOMMU_PASID_GLOBAL, 5, NULL);
	y = add_idev(test, 20);
	expect_found(test, -ENOENT, y, 5);
	expect_found(test, 2, y, 6);
	expect_found(test, -ENOENT, y, 7);
	unbind(test, x);
	rebind(x);
	expect_found(test, 2, x, 6);
	expect_found(test, -ENOENT, x, 7);
	expect_free(test, 0, IOMMU_PASID_GLOBAL, 6, NULL);
	expect_found(test, -ENOENT, x, 6);
	expect_found(test, -ENOENT, y, 6);
}

static void global_number_may_be_too_large_for_a_device(struct kunit *test)
{
	struct iommufd_device *wide = add_idev(test, 3);
	struct iommufd_device *narrow = add_idev(test, 2);
	struct iommufd_device *none = add_idev(test, 0);
	struct iommu_pasid *taken[2];
	int i;

	for (i = 0; i < 2; i++)
		taken[i] = PASID_ALLOC(test, IOMMU_PASID_GLOBAL, B);
	VPASID_ALLOC(test, 1, IOMMU_PASID_GLOBAL);
	VPASID_ALLOC(test, 2, IOMMU_PASID_GLOBAL);
	expect_found(test, 3, wide, 1);
	expect_found(test, 3, narrow, 1);
	expect_found(test, 4, wide, 2);
	expect_found(test, -ERANGE, narrow, 2);
	expect_found(test, -ERANGE, none, 2);
	expect_found(test, -ENOENT, narrow, 3);
	/* Who names it is given none that is. */
	EXPECT_REFUSED(test, -ENOSPC, 3, IOMMU_PASID_GLOBAL, wide, narrow);
	for (i = 0; i < 2; i++)
		iommu_pasid_free(taken[i]);
}

/* ---- errors ---- */

static void refused_vpasid_is_not_in_use(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y = add_idev(test, 20);
	struct iommufd_device *none = add_idev(test, 0);
	struct iommufd_device *enqcmd = add_enqcmd_idev(test);

	EXPECT_REFUSED(test, -EINVAL, 1, IOMMU_PASID_DEVICE);
	EXPECT_REFUSED(test, -EINVAL, 1, IOMMU_PASID_GROUP);
	EXPECT_REFUSED(test, -EINVAL, 1, IOMMU_PASID_DEVICE, x, y);
	EXPECT_REFUSED(test, -EINVAL, 1, IOMMU_PASID_GROUP, x, x);
	EXPECT_REFUSED(test, -EINVAL, 0, IOMMU_PASID_GROUP, x, none);
	EXPECT_REFUSED(test, -EINVAL, 0, IOMMU_PASID_GLOBAL, none);
	EXPECT_REFUSED(test, -EOPNOTSUPP, 1, IOMMU_PASID_DEVICE, enqcmd);
	EXPECT_REFUSED(test, -EOPNOTSUPP, 0, IOMMU_PASID_GROUP, x, enqcmd);
	EXPECT_NO_PASIDS(test);
	KUNIT_EXPECT_TRUE(test, xa_empty(&vm.pasids.used));
	expect_found(test, -ENOENT, x, 1);
	KUNIT_EXPECT_EQ(test, 1,
			VPASID_ALLOC(test, 0, IOMMU_PASID_GROUP, x, y));
}

static void full_device_and_quota_are_different_errors(struct kunit *test)
{
	struct iommufd_device *narrow = add_idev(test, 1);
	struct iommufd_device *x = add_idev(test, 20);

	VPASID_ALLOC(test, 1, IOMMU_PASID_DEVICE, narrow);
	EXPECT_REFUSED(test, -ENOSPC, 2, IOMMU_PASID_DEVICE, narrow);
	EXPECT_REFUSED(test, -ENOSPC, 0, IOMMU_PASID_GROUP, x, narrow);
	KUNIT_EXPECT_EQ(test, 0, refusals(test, DEVICE));
	test_set_pasid_max(test, A, DEVICE, 1);
	/* Nobody could have that one. */
	EXPECT_REFUSED(test, -ENOSPC, 2, IOMMU_PASID_DEVICE, narrow);
	KUNIT_EXPECT_EQ(test, 0, refusals(test, DEVICE));
	EXPECT_REFUSED(test, -EDQUOT, 2, IOMMU_PASID_DEVICE, x);
	KUNIT_EXPECT_EQ(test, 1, refusals(test, DEVICE));
	test_set_pasid_max(test, A, GLOBAL, 0);
	EXPECT_REFUSED(test, -EDQUOT, 2, IOMMU_PASID_GLOBAL);
	KUNIT_EXPECT_EQ(test, 1, refusals(test, GLOBAL));
	KUNIT_EXPECT_EQ(test, 1, refusals(test, DEVICE));
	EXPECT_PASIDS(test, DEVICE, 1, 1, 1, 0, 0, 0);
	EXPECT_PASIDS(test, GLOBAL, 0);
	test_set_pasid_max(test, A, DEVICE, 2);
	KUNIT_EXPECT_EQ(test, 2,
			VPASID_ALLOC(test, 0, IOMMU_PASID_DEVICE, x));
}

/* Where the number of the vPASID is taken, there are two tries. */
static void one_refusal_is_one_event(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommu_pasid *taken[2];

	taken[0] = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, B, 5, 5, x->dev);
	taken[1] = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, B, 6, 6, x->dev);
	test_set_pasid_max(test, A1, DEVICE, 1);
	VPASID_ALLOC(test, 5, IOMMU_PASID_DEVICE, x);
	KUNIT_EXPECT_EQ(test, 0, refusals(test, DEVICE));
	EXPECT_REFUSED(test, -EDQUOT, 6, IOMMU_PASID_DEVICE, x);
	KUNIT_EXPECT_EQ(test, 1, refusals(test, DEVICE));
	EXPECT_REFUSED(test, -EDQUOT, 7, IOMMU_PASID_DEVICE, x);
	KUNIT_EXPECT_EQ(test, 2, refusals(test, DEVICE));
	iommu_pasid_free(taken[0]);
	iommu_pasid_free(taken[1]);
}

static void only_what_is_bound_is_freed(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y = add_idev(test, 20);

	VPASID_ALLOC(test, 1, IOMMU_PASID_DEVICE, x);
	VPASID_ALLOC(test, 2, IOMMU_PASID_GROUP, x);
	VPASID_ALLOC(test, 3, IOMMU_PASID_GLOBAL);
	expect_free(test, -ENOENT, IOMMU_PASID_DEVICE, 1, y);
	expect_free(test, -ENOENT, IOMMU_PASID_GROUP, 1, x);
	expect_free(test, -ENOENT, IOMMU_PASID_GLOBAL, 1, NULL);
	expect_free(test, -ENOENT, IOMMU_PASID_GLOBAL, 1, x);
	expect_free(test, -ENOENT, IOMMU_PASID_GROUP, 2, y);
	expect_free(test, -ENOENT, IOMMU_PASID_DEVICE, 2, x);
	expect_free(test, -ENOENT, IOMMU_PASID_DEVICE, 3, NULL);
	expect_free(test, -ENOENT, IOMMU_PASID_GROUP, 3, x);
	expect_free(test, -ENOENT, IOMMU_PASID_GLOBAL, 3, x);
	expect_free(test, -ENOENT, IOMMU_PASID_GLOBAL, 4, NULL);
	expect_free(test, -ENOENT, IOMMU_PASID_GLOBAL, U32_MAX, NULL);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			iommufd_pasids_free(&other_vm.pasids,
					    IOMMU_PASID_GLOBAL, 3, NULL));
	EXPECT_PASIDS(test, DEVICE, 2, 2, 2, 0, 0, 0);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
	expect_found(test, 1, x, 1);
	expect_found(test, 2, x, 2);
	expect_found(test, 3, x, 3);
	expect_free(test, 0, IOMMU_PASID_DEVICE, 1, x);
	expect_free(test, -ENOENT, IOMMU_PASID_DEVICE, 1, x);
}

/* ---- groups that grow ---- */

static void added_device_has_the_vpasid_too(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y = add_idev(test, 20);
	struct iommufd_device *z = add_idev(test, 20);

	VPASID_ALLOC(test, 5, IOMMU_PASID_GROUP, x);
	KUNIT_EXPECT_EQ(test, 0, add(5, x, y));
	KUNIT_EXPECT_EQ(test, 0, add(5, y, z));
	expect_found(test, 5, x, 5);
	expect_found(test, 5, y, 5);
	expect_found(test, 5, z, 5);
	EXPECT_PASIDS(test, DEVICE, 3, 3, 3, 0, 0, 0);
	/* It was in use, and is so once. */
	expect_free(test, 0, IOMMU_PASID_GROUP, 5, z);
	expect_found(test, -ENOENT, x, 5);
	expect_found(test, -ENOENT, y, 5);
	expect_found(test, -ENOENT, z, 5);
	EXPECT_NO_PASIDS(test);
	KUNIT_EXPECT_TRUE(test, xa_empty(&vm.pasids.used));
}

static void devices_are_added_only_to_groups(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y = add_idev(test, 20);

	VPASID_ALLOC(test, 1, IOMMU_PASID_DEVICE, x);
	VPASID_ALLOC(test, 2, IOMMU_PASID_GLOBAL);
	VPASID_ALLOC(test, 3, IOMMU_PASID_GROUP, x);
	KUNIT_EXPECT_EQ(test, -ENOENT, add(1, x, y));
	KUNIT_EXPECT_EQ(test, -ENOENT, add(2, x, y));
	KUNIT_EXPECT_EQ(test, -ENOENT, add(3, y, y));
	KUNIT_EXPECT_EQ(test, -ENOENT, add(3, y, x));
	KUNIT_EXPECT_EQ(test, -ENOENT, add(4, x, y));
	EXPECT_PASIDS(test, DEVICE, 2, 2, 2, 0, 0, 0);
	expect_found(test, -ENOENT, y, 3);
}

static void device_that_cannot_be_added_changes_nothing(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *bound = add_idev(test, 20);
	struct iommufd_device *busy = add_idev(test, 20);
	struct iommufd_device *narrow = add_idev(test, 2);
	struct iommufd_device *none = add_idev(test, 0);
	struct iommufd_device *enqcmd = add_enqcmd_idev(test);
	struct iommufd_device *last = add_idev(test, 20);
	struct pasid_fixture *p = test->priv;
	struct ioas_owner *owner = p->owners->owner[A1];
	struct iommu_pasid *taken;

	taken = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, B, 5, 5, busy->dev);
	VPASID_ALLOC(test, 5, IOMMU_PASID_GROUP, x);
	VPASID_ALLOC(test, 5, IOMMU_PASID_DEVICE, bound);
	KUNIT_EXPECT_EQ(test, -EEXIST, add(5, x, x));
	KUNIT_EXPECT_EQ(test, -EEXIST, add(5, x, bound));
	KUNIT_EXPECT_EQ(test, -EBUSY, add(5, x, busy));
	KUNIT_EXPECT_EQ(test, -ERANGE, add(5, x, narrow));
	KUNIT_EXPECT_EQ(test, -EINVAL, add(5, x, none));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, add(5, x, enqcmd));
	/* Nobody ever had more. */
	KUNIT_EXPECT_EQ(test, 2, owner->pasids[DEVICE].peak);
	test_set_pasid_max(test, A, DEVICE, 2);
	/* What nobody could have is no matter of quota. */
	KUNIT_EXPECT_EQ(test, -EBUSY, add(5, x, busy));
	KUNIT_EXPECT_EQ(test, 0, refusals(test, DEVICE));
	KUNIT_EXPECT_EQ(test, -EDQUOT, add(5, x, last));
	KUNIT_EXPECT_EQ(test, 1, refusals(test, DEVICE));
	EXPECT_PASIDS(test, DEVICE, 3, 2, 2, 0, 0, 1);
	expect_found(test, 5, x, 5);
	expect_found(test, 5, bound, 5);
	expect_found(test, -ENOENT, busy, 5);
	expect_found(test, -ENOENT, last, 5);
	test_set_pasid_max(test, A, DEVICE, IOAS_PASIDS_MAX);
	iommu_pasid_free(taken);
	KUNIT_EXPECT_EQ(test, 0, add(5, x, busy));
	KUNIT_EXPECT_EQ(test, 0, add(5, x, last));
	EXPECT_PASIDS(test, DEVICE, 4, 4, 4, 0, 0, 0);
	expect_free(test, 0, IOMMU_PASID_GROUP, 5, x);
	EXPECT_PASIDS(test, DEVICE, 1, 1, 1, 0, 0, 0);
}

/* ---- devices that go ---- */

static void what_a_device_has_alone_ends_with_it(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y = add_idev(test, 20);

	VPASID_ALLOC(test, 1, IOMMU_PASID_DEVICE, x);
	VPASID_ALLOC(test, 2, IOMMU_PASID_GROUP, x);
	VPASID_ALLOC(test, 3, IOMMU_PASID_GROUP, x, y);
	VPASID_ALLOC(test, 4, IOMMU_PASID_GLOBAL, x);
	VPASID_ALLOC(test, 1, IOMMU_PASID_DEVICE, y);
	unbind(test, x);
	EXPECT_PASIDS(test, DEVICE, 2, 2, 2, 0, 0, 0);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
	expect_found(test, -ENOENT, x, 1);
	expect_found(test, -ENOENT, x, 2);
	expect_found(test, -ENOENT, x, 3);
	expect_found(test, 1, y, 1);
	expect_found(test, 3, y, 3);
	expect_found(test, 4, y, 4);
	/* 1 is bound on the other one. */
	KUNIT_EXPECT_EQ(test, 2, VPASID_ALLOC(test, 0, IOMMU_PASID_GLOBAL));
	unbind(test, y);
	EXPECT_PASIDS(test, DEVICE, 0);
	EXPECT_PASIDS(test, GLOBAL, 2, 2, 2, 0, 0, 0);
	rebind(x);
	KUNIT_EXPECT_EQ(test, 1, VPASID_ALLOC(test, 0, IOMMU_PASID_GLOBAL));
}

/* Nobody could use it, and it is taken from all. */
static void global_one_is_refused_where_no_device_is_bound(struct kunit *test)
{
	u32 vpasid = 1;

	KUNIT_EXPECT_EQ(test, -ENODEV,
			iommufd_pasids_alloc(&vm.pasids, IOMMU_PASID_GLOBAL,
					     NULL, 0, &vpasid));
	EXPECT_NO_PASIDS(test);
	add_idev(test, 20);
	KUNIT_EXPECT_EQ(test, 1, VPASID_ALLOC(test, 1, IOMMU_PASID_GLOBAL));
}

static void refused_allocation_makes_no_owner(struct kunit *test)
{
	struct pasid_fixture *p = test->priv;
	u32 vpasid = 1;

	add_idev(test, 20);
	p->asking = B;
	test_set_pasid_max(test, B, GLOBAL, 0);
	KUNIT_EXPECT_EQ(test, -EDQUOT,
			iommufd_pasids_alloc(&vm.pasids, IOMMU_PASID_GLOBAL,
					     NULL, 0, &vpasid));
	p->asking = A1;
	VPASID_ALLOC(test, 1, IOMMU_PASID_GLOBAL);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
}

static void group_goes_on_until_its_last_device_goes(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y = add_idev(test, 20);
	struct iommufd_device *z = add_idev(test, 20);

	VPASID_ALLOC(test, 5, IOMMU_PASID_GROUP, x, y, z);
	VPASID_ALLOC(test, 6, IOMMU_PASID_GROUP, x, y, z);
	unbind(test, x);
	EXPECT_PASIDS(test, DEVICE, 4, 4, 4, 0, 0, 0);
	expect_found(test, -ENOENT, x, 5);
	expect_found(test, 5, y, 5);
	expect_found(test, 5, z, 5);
	expect_free(test, 0, IOMMU_PASID_GROUP, 6, z);
	expect_found(test, -ENOENT, y, 6);
	unbind(test, z);
	EXPECT_PASIDS(test, DEVICE, 1, 1, 1, 0, 0, 0);
	/* It has nothing of what it had. */
	rebind(x);
	expect_found(test, -ENOENT, x, 5);
	expect_free(test, -ENOENT, IOMMU_PASID_GROUP, 5, x);
	KUNIT_EXPECT_EQ(test, 0, add(5, y, x));
	expect_found(test, 5, x, 5);
	unbind(test, y);
	expect_found(test, 5, x, 5);
	unbind(test, x);
	EXPECT_NO_PASIDS(test);
	KUNIT_EXPECT_TRUE(test, xa_empty(&vm.pasids.used));
}

static void device_that_goes_has_its_number_free_again(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y = add_idev(test, 20);
	struct iommu_pasid *pasid;

	VPASID_ALLOC(test, 5, IOMMU_PASID_GROUP, x, y);
	unbind(test, x);
	pasid = PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE, B, 5, 5, x->dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pasid);
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			PTR_ERR_OR_ZERO(PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE,
						       B, 5, 5, y->dev)));
	iommu_pasid_free(pasid);
}

/* They share a table, which has the number until both are gone. */
static void devices_of_an_iommu_group_go_one_by_one(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct device *dev = test_add_device_to_group_of(test, 20, x->dev);
	struct iommufd_device *y = bind(&vm, dev);

	VPASID_ALLOC(test, 5, IOMMU_PASID_GROUP, x, y);
	VPASID_ALLOC(test, 6, IOMMU_PASID_DEVICE, x);
	VPASID_ALLOC(test, 6, IOMMU_PASID_DEVICE, y);
	expect_found(test, 6, x, 6);
	expect_found(test, 1, y, 6);
	unbind(test, x);
	EXPECT_PASIDS(test, DEVICE, 2, 2, 2, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			PTR_ERR_OR_ZERO(PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE,
						       B, 5, 5, x->dev)));
	expect_found(test, 5, y, 5);
}

/* What one of them cannot carry is no use to the others, from then on. */
static void narrow_device_joins_the_iommu_group(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct device *narrow;

	VPASID_ALLOC(test, 8, IOMMU_PASID_DEVICE, x);
	VPASID_ALLOC(test, 7, IOMMU_PASID_DEVICE, x);
	expect_found(test, 8, x, 8);
	narrow = test_add_device_to_group_of(test, 3, x->dev);
	expect_found(test, -ERANGE, x, 8);
	expect_found(test, 7, x, 7);
	test_remove_device(test, narrow);
	expect_found(test, 8, x, 8);
}

static void iommufd_that_goes_leaves_nothing(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct device *dev = test_add_device(test, 20);
	struct iommufd_device *foreign = bind(&other_vm, dev);

	VPASID_ALLOC(test, 1, IOMMU_PASID_DEVICE, x);
	VPASID_ALLOC(test, 1, IOMMU_PASID_GLOBAL);
	VPASID_ALLOC(test, 7, IOMMU_PASID_GLOBAL);
	VPASID_ALLOC_IN(test, &other_vm, 7, IOMMU_PASID_GLOBAL);
	unbind(test, x);
	iommufd_pasids_destroy(&vm.pasids);
	EXPECT_PASIDS(test, DEVICE, 0);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
	expect_found(test, 4, foreign, 7);
	/* For the end of the test. */
	open_iommufd(&vm);
}

/* ---- who is charged ---- */

static void owner_is_who_allocates_first(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *y = add_idev(test, 20);
	struct device *dev = test_add_device(test, 20);
	struct iommufd_device *foreign = bind(&other_vm, dev);
	struct pasid_fixture *p = test->priv;

	p->asking = DEEP;
	VPASID_ALLOC(test, 1, IOMMU_PASID_GLOBAL);
	p->asking = B;
	VPASID_ALLOC(test, 2, IOMMU_PASID_GLOBAL);
	VPASID_ALLOC(test, 3, IOMMU_PASID_DEVICE, x);
	VPASID_ALLOC(test, 4, IOMMU_PASID_GROUP, x);
	KUNIT_EXPECT_EQ(test, 0, add(4, x, y));
	EXPECT_PASIDS(test, GLOBAL, 2, 2, 2, 2, 0, 0);
	EXPECT_PASIDS(test, DEVICE, 3, 3, 3, 3, 0, 0);
	VPASID_ALLOC_IN(test, &other_vm, 1, IOMMU_PASID_DEVICE, foreign);
	EXPECT_PASIDS(test, DEVICE, 4, 3, 3, 3, 0, 1);
	/* When it has been empty, it may be another's. */
	unbind(test, x);
	unbind(test, y);
	expect_free(test, 0, IOMMU_PASID_GLOBAL, 1, NULL);
	expect_free(test, 0, IOMMU_PASID_GLOBAL, 2, NULL);
	rebind(x);
	VPASID_ALLOC(test, 1, IOMMU_PASID_GLOBAL);
	EXPECT_PASIDS(test, GLOBAL, 1, 0, 0, 0, 0, 1);
}

static void cgroup_may_go_before_its_iommufd(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct pasid_fixture *p = test->priv;
	struct ioas_owner *parent = p->owners->owner[A1];
	unsigned int before = refcount_read(&parent->refs), i;

	p->asking = DEEP;
	VPASID_ALLOC(test, 1, IOMMU_PASID_DEVICE, x);
	fixture_end_account(p->owners, DEEP);
	fixture_remove(p->owners, DEEP);
	VPASID_ALLOC(test, 2, IOMMU_PASID_GLOBAL);
	EXPECT_PASIDS(test, DEVICE, 1, 1, 1, 0, 0, 0);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
	test_set_pasid_max(test, A1, DEVICE, 1);
	EXPECT_REFUSED(test, -EDQUOT, 3, IOMMU_PASID_DEVICE, x);
	unbind(test, x);
	expect_free(test, 0, IOMMU_PASID_GLOBAL, 2, NULL);
	/* The set itself keeps it, and so it keeps its parent. */
	KUNIT_EXPECT_EQ(test, before, refcount_read(&parent->refs));
	iommufd_pasids_destroy(&vm.pasids);
	open_iommufd(&vm);
	for (i = 0; i < 1000 && refcount_read(&parent->refs) == before; i++)
		fsleep(1000);
	KUNIT_EXPECT_EQ(test, before - 1, refcount_read(&parent->refs));
}

/* ---- lookups ---- */

static void lookups_do_not_sleep(struct kunit *test)
{
	struct iommufd_device *x = add_idev(test, 20);
	struct iommufd_device *narrow = add_idev(test, 1);
	unsigned long flags;
	int found[5];

	VPASID_ALLOC(test, 5, IOMMU_PASID_DEVICE, x);
	VPASID_ALLOC(test, 6, IOMMU_PASID_GLOBAL, narrow);
	VPASID_ALLOC(test, 7, IOMMU_PASID_GLOBAL);
	local_irq_save(flags);
	found[0] = iommufd_device_translate_pasid(x, 5);
	found[1] = iommufd_device_translate_pasid(x, 6);
	found[2] = iommufd_device_translate_pasid(narrow, 6);
	found[3] = iommufd_device_translate_pasid(narrow, 7);
	found[4] = iommufd_device_translate_pasid(narrow, 5);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, 5, found[0]);
	KUNIT_EXPECT_EQ(test, 1, found[1]);
	KUNIT_EXPECT_EQ(test, 1, found[2]);
	KUNIT_EXPECT_EQ(test, -ERANGE, found[3]);
	KUNIT_EXPECT_EQ(test, -ENOENT, found[4]);
}

/**
 * struct freer - a thread that frees vPASID 5
 * @scope: of that
 * @idev: the device, or NULL
 * @ret: what it got
 * @done: completed in the end
 */
struct freer {
	enum iommu_pasid_scope scope;
	struct iommufd_device *idev;
	int ret;
	struct completion done;
};

static int freer_run(void *data)
{
	struct freer *f = data;

	f->ret = iommufd_pasids_free(&vm.pasids, f->scope, 5, f->idev);
	complete(&f->done);
	return 0;
}

/* Until it is found no more, or for one second. */
static int look_up_while_found(struct iommufd_device *idev)
{
	int i;

	for (i = 0; i < 1000; i++) {
		if (iommufd_device_translate_pasid(idev, 5) < 0)
			break;
		mdelay(1);
	}
	return iommufd_device_translate_pasid(idev, 5);
}

static void start_on_another_cpu(struct task_struct *task)
{
	kthread_bind(task, cpumask_any_but(cpu_online_mask,
					   raw_smp_processor_id()));
}

static const struct freed_scope {
	const char *desc;
	enum iommu_pasid_scope scope;
	enum ioas_cg_pasid_scope charged;
} freed_scopes[] = {
	{ "global", IOMMU_PASID_GLOBAL, GLOBAL },
	{ "group", IOMMU_PASID_GROUP, DEVICE },
	{ "device", IOMMU_PASID_DEVICE, DEVICE },
};

KUNIT_ARRAY_PARAM_DESC(freed, freed_scopes, desc);

/* It takes two CPUs: none frees while it looks up. */
static void number_that_was_found_is_kept_until_the_lookup_is_over(struct kunit *test)
{
	const struct freed_scope *c = test->param_value;
	struct iommufd_device *x = add_idev(test, 20);
	bool global = c->scope == IOMMU_PASID_GLOBAL;
	struct pasid_fixture *p = test->priv;
	struct freer f = { c->scope, global ? NULL : x };
	struct task_struct *task;
	int before, after;
	long held;

	if (num_online_cpus() < 2)
		kunit_skip(test, "there is one CPU");
	init_completion(&f.done);
	VPASID_ALLOC(test, 5, c->scope, x);
	task = kthread_create(freer_run, &f, "ioas_freer");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	migrate_disable();
	start_on_another_cpu(task);
	rcu_read_lock();
	before = iommufd_device_translate_pasid(x, 5);
	wake_up_process(task);
	after = look_up_while_found(x);
	/* Enough for it to give the number back, if it did not wait. */
	mdelay(20);
	held = READ_ONCE(p->owners->owner[A1]->pasids[c->charged].usage);
	rcu_read_unlock();
	migrate_enable();
	wait_for_completion(&f.done);
	KUNIT_EXPECT_EQ(test, global ? 1 : 5, before);
	KUNIT_EXPECT_EQ(test, -ENOENT, after);
	KUNIT_EXPECT_EQ(test, 1, held);
	KUNIT_EXPECT_EQ(test, 0, f.ret);
	EXPECT_NO_PASIDS(test);
}

static struct kunit_case pasid_set_cases[] = {
	KUNIT_CASE(wanted_vpasid_is_bound_until_it_is_freed),
	KUNIT_CASE(any_vpasid_is_one_that_nothing_is_bound_to),
	KUNIT_CASE(vpasid_is_in_use_until_all_that_it_stands_for_is_freed),
	KUNIT_CASE(bound_vpasid_is_not_bound_again),
	KUNIT_CASE(vpasid_has_twenty_bits),
	KUNIT_CASE_SLOW(any_vpasid_is_refused_where_all_are_in_use),
	KUNIT_CASE(number_is_that_of_the_vpasid_where_it_is_free),
	KUNIT_CASE(number_of_a_global_one_is_any),
	KUNIT_CASE(one_vpasid_is_two_numbers_for_two_sorts_of_devices),
	KUNIT_CASE(own_number_of_a_device_comes_before_a_global_one),
	KUNIT_CASE(global_number_comes_forth_when_the_own_one_ends),
	KUNIT_CASE(device_that_comes_later_has_the_global_ones),
	KUNIT_CASE(global_number_may_be_too_large_for_a_device),
	KUNIT_CASE(refused_vpasid_is_not_in_use),
	KUNIT_CASE(full_device_and_quota_are_different_errors),
	KUNIT_CASE(one_refusal_is_one_event),
	KUNIT_CASE(only_what_is_bound_is_freed),
	KUNIT_CASE(added_device_has_the_vpasid_too),
	KUNIT_CASE(devices_are_added_only_to_groups),
	KUNIT_CASE(device_that_cannot_be_added_changes_nothing),
	KUNIT_CASE(what_a_device_has_alone_ends_with_it),
	KUNIT_CASE(group_goes_on_until_its_last_device_goes),
	KUNIT_CASE(device_that_goes_has_its_number_free_again),
	KUNIT_CASE(devices_of_an_iommu_group_go_one_by_one),
	KUNIT_CASE(narrow_device_joins_the_iommu_group),
	KUNIT_CASE(iommufd_that_goes_leaves_nothing),
	KUNIT_CASE(global_one_is_refused_where_no_device_is_bound),
	KUNIT_CASE(refused_allocation_makes_no_owner),
	KUNIT_CASE(owner_is_who_allocates_first),
	KUNIT_CASE(cgroup_may_go_before_its_iommufd),
	KUNIT_CASE(lookups_do_not_sleep),
	KUNIT_CASE_PARAM(number_that_was_found_is_kept_until_the_lookup_is_over,
			 freed_gen_params),
	{ }
};

static struct kunit_suite pasid_set_suite = {
	.name = "ioas_pasid_set",
	.suite_init = pasid_suite_init,
	.suite_exit = pasid_suite_exit,
	.init = set_init,
	.exit = set_exit,
	.test_cases = pasid_set_cases,
};

kunit_test_suite(pasid_set_suite);
