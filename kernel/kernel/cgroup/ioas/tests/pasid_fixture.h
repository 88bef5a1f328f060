/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of PASIDs share: owners, and devices behind an IOMMU that is not
 * there, which have PASIDs.
 */
#ifndef _CGROUP_IOAS_TESTS_PASID_FIXTURE_H
#define _CGROUP_IOAS_TESTS_PASID_FIXTURE_H

#include <linux/device.h>
#include <linux/iommu-pasid.h>

#include "fixture.h"

#define MAX_TEST_DEVICES	8

/* Bits of a device that does not know PASIDs; with 0 bits, it has just none. */
#define NO_PASIDS		(~0U)

/**
 * struct test_device - a device behind the IOMMU
 * @dev: the device
 * @group: the IOMMU group that it is to be in, or NULL for one of its own
 * @fail_attach: the IOMMU driver refuses the next domain for a PASID
 */
struct test_device {
	struct device dev;
	struct iommu_group *group;
	bool fail_attach;
};

/**
 * struct pasid_fixture - what a test has
 * @owners: the tree of owners
 * @dev: the devices
 * @nr_devs: number of @dev
 * @asking: whose task ioas_cg_owner_of() takes any task for
 * @domain: what can be attached to a PASID
 */
struct pasid_fixture {
	struct fixture *owners;
	struct device *dev[MAX_TEST_DEVICES];
	unsigned int nr_devs;
	enum test_owner asking;
	struct iommu_domain domain;
};

int pasid_suite_init(struct kunit_suite *suite);
void pasid_suite_exit(struct kunit_suite *suite);
int pasid_fixture_init(struct kunit *test);
void pasid_fixture_exit(struct kunit *test);

struct device *test_add_device(struct kunit *test, unsigned int bits);
struct device *test_add_device_to_group_of(struct kunit *test,
					   unsigned int bits,
					   struct device *member);
void test_remove_device(struct kunit *test, struct device *dev);
void test_fail_attach(struct device *dev);

struct iommu_pasid *test_pasid_alloc(struct kunit *test,
				     enum iommu_pasid_scope scope,
				     enum test_owner owner, ioasid_t min,
				     ioasid_t max, struct device *const *devs,
				     unsigned int nr_devs);

/* A PASID for the devices that are the last arguments; they may be none. */
#define PASID_ALLOC_IN(_test, _scope, _owner, _min, _max, ...)			\
({										\
	struct device *const devs_[] = { NULL, ##__VA_ARGS__ };			\
										\
	test_pasid_alloc(_test, _scope, _owner, _min, _max, devs_ + 1,		\
			 ARRAY_SIZE(devs_) - 1);				\
})

#define PASID_ALLOC(_test, _scope, _owner, ...)					\
	PASID_ALLOC_IN(_test, _scope, _owner, 0, 0, ##__VA_ARGS__)

void test_expect_pasids(struct kunit *test, enum ioas_cg_pasid_scope scope,
			const long *want);

/* Compare the charges of a scope of all owners, in the order of enum test_owner. */
#define EXPECT_PASIDS(_test, _scope, ...)					\
do {										\
	const long want_[NR_TEST_OWNERS] = { __VA_ARGS__ };			\
										\
	test_expect_pasids(_test, _scope, want_);				\
} while (0)

void test_expect_no_pasids(struct kunit *test);
#define EXPECT_NO_PASIDS(_test) test_expect_no_pasids(_test)

void test_set_pasid_max(struct kunit *test, enum test_owner owner,
			enum ioas_cg_pasid_scope scope, unsigned long max);

#endif /* _CGROUP_IOAS_TESTS_PASID_FIXTURE_H */
