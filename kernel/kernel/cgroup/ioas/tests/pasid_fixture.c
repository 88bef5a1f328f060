// SPDX-License-Identifier: GPL-2.0-only
/* What the tests of PASIDs share.  See pasid_fixture.h. */

#include <kunit/static_stub.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "../../../../drivers/iommu/iommu-priv.h"
#include "pasid_fixture.h"

/* ---- the IOMMU ---- */

static const struct iommu_ops test_ops;
static struct iommu_device test_iommu = {
	.max_pasids = 1 << 20,
};

static const struct bus_type test_bus = {
	.name = "ioas_pasid_test",
};

static struct notifier_block test_notifier;
static struct platform_device *test_platform;

static struct test_device *to_test_device(struct device *dev)
{
	return container_of(dev, struct test_device, dev);
}

static int nop_attach(struct iommu_domain *domain, struct device *dev)
{
	return 0;
}

static int set_pasid(struct iommu_domain *domain, struct device *dev,
		     ioasid_t pasid, struct iommu_domain *old)
{
	struct test_device *tdev = to_test_device(dev);

	if (!tdev->fail_attach)
		return 0;
	tdev->fail_attach = false;
	return -EIO;
}

static void remove_pasid(struct device *dev, ioasid_t pasid,
			 struct iommu_domain *domain)
{
}

static const struct iommu_domain_ops nop_ops = {
	.attach_dev = nop_attach,
};

static struct iommu_domain blocking_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &nop_ops,
};

static struct iommu_domain identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &nop_ops,
};

static void free_sva(struct iommu_domain *domain)
{
	kfree(domain);
}

static const struct iommu_domain_ops pasid_domain_ops = {
	.set_dev_pasid = set_pasid,
	.free = free_sva,
};

static struct iommu_domain *alloc_sva(struct device *dev, struct mm_struct *mm)
{
	struct iommu_domain *domain = kzalloc(sizeof(*domain), GFP_KERNEL);

	if (!domain)
		return ERR_PTR(-ENOMEM);
	domain->ops = &pasid_domain_ops;
	return domain;
}

static struct iommu_device *probe_device(struct device *dev)
{
	return dev->bus == &test_bus ? &test_iommu : ERR_PTR(-ENODEV);
}

static struct iommu_group *device_group(struct device *dev)
{
	struct iommu_group *group = to_test_device(dev)->group;

	return group ? iommu_group_ref_get(group) : generic_device_group(dev);
}

static const struct iommu_ops test_ops = {
	/* See drivers/iommu/iommufd/selftest.c. */
	.default_domain = IS_ENABLED(CONFIG_IOMMU_DMA) ? &blocking_domain :
							 &identity_domain,
	.blocked_domain = &blocking_domain,
	.domain_alloc_sva = alloc_sva,
	.remove_dev_pasid = remove_pasid,
	.probe_device = probe_device,
	.device_group = device_group,
	.default_domain_ops = &nop_ops,
};

static int register_iommu(void)
{
	int ret;

	ret = iommu_device_sysfs_add(&test_iommu, &test_platform->dev, NULL,
				     "%s", test_bus.name);
	if (ret)
		return ret;
	ret = iommu_device_register_bus(&test_iommu, &test_ops, &test_bus,
					&test_notifier);
	if (ret)
		iommu_device_sysfs_remove(&test_iommu);
	return ret;
}

/**
 * pasid_suite_init() - make the IOMMU of a suite
 * @suite: the suite
 */
int pasid_suite_init(struct kunit_suite *suite)
{
	int ret;

	test_platform = platform_device_register_simple(test_bus.name, -1, NULL,
							0);
	if (IS_ERR(test_platform))
		return PTR_ERR(test_platform);
	ret = bus_register(&test_bus);
	if (ret)
		goto err_platform;
	ret = register_iommu();
	if (ret)
		goto err_bus;
	return 0;
err_bus:
	bus_unregister(&test_bus);
err_platform:
	platform_device_unregister(test_platform);
	return ret;
}

/**
 * pasid_suite_exit() - remove it
 * @suite: the suite
 */
void pasid_suite_exit(struct kunit_suite *suite)
{
	iommu_device_sysfs_remove(&test_iommu);
	iommu_device_unregister_bus(&test_iommu, &test_bus, &test_notifier);
	bus_unregister(&test_bus);
	platform_device_unregister(test_platform);
}

/* ---- devices ---- */

static void release_device(struct device *dev)
{
	kfree(to_test_device(dev));
}

static int set_bits(struct device *dev, unsigned int bits)
{
	const struct property_entry props[] = {
		PROPERTY_ENTRY_U32("pasid-num-bits", bits),
		{},
	};

	return bits == NO_PASIDS ?
		       0 :
		       device_create_managed_software_node(dev, props, NULL);
}

static struct device *add_device(struct kunit *test, unsigned int bits,
				 struct iommu_group *group)
{
	struct pasid_fixture *p = test->priv;
	struct test_device *tdev;
	static unsigned int id;

	KUNIT_ASSERT_LT(test, p->nr_devs, MAX_TEST_DEVICES);
	tdev = kzalloc(sizeof(*tdev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, tdev);
	tdev->group = group;
	device_initialize(&tdev->dev);
	tdev->dev.bus = &test_bus;
	tdev->dev.release = release_device;
	KUNIT_ASSERT_EQ(test, 0, dev_set_name(&tdev->dev, "pasid%u", id++));
	KUNIT_ASSERT_EQ(test, 0, set_bits(&tdev->dev, bits));
	KUNIT_ASSERT_EQ(test, 0,
			iommu_mock_device_add(&tdev->dev, &test_iommu));
	KUNIT_ASSERT_NOT_NULL(test, tdev->dev.iommu_group);
	p->dev[p->nr_devs++] = &tdev->dev;
	return &tdev->dev;
}

/**
 * test_add_device() - plug in a device
 * @test: the test
 * @bits: how many bits of PASIDs it has, or %NO_PASIDS
 */
struct device *test_add_device(struct kunit *test, unsigned int bits)
{
	return add_device(test, bits, NULL);
}

/**
 * test_add_device_to_group_of() - plug in a device that is not isolated
 * @test: the test
 * @bits: how many bits of PASIDs it has
 * @member: another device of the IOMMU group that it will be in
 */
struct device *test_add_device_to_group_of(struct kunit *test,
					   unsigned int bits,
					   struct device *member)
{
	return add_device(test, bits, member->iommu_group);
}

/**
 * test_remove_device() - unplug a device
 * @test: the test
 * @dev: the device
 */
void test_remove_device(struct kunit *test, struct device *dev)
{
	struct pasid_fixture *p = test->priv;
	unsigned int i;

	for (i = 0; p->dev[i] != dev; i++)
		;
	p->dev[i] = p->dev[--p->nr_devs];
	device_unregister(dev);
}

/**
 * test_fail_attach() - have the IOMMU refuse the next domain for a PASID
 * @dev: the device
 */
void test_fail_attach(struct device *dev)
{
	to_test_device(dev)->fail_attach = true;
}

/* ---- the fixture ---- */

static struct ioas_owner *owner_of_any_task(struct task_struct *task)
{
	struct pasid_fixture *p = kunit_get_current_test()->priv;

	return ioas_cg_owner_get(p->owners->owner[p->asking]);
}

int pasid_fixture_init(struct kunit *test)
{
	struct pasid_fixture *p;

	p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	fixture_init(test);
	p->owners = test->priv;
	p->asking = A1;
	p->domain.type = IOMMU_DOMAIN_UNMANAGED;
	p->domain.ops = &pasid_domain_ops;
	p->domain.owner = &test_ops;
	test->priv = p;
	kunit_activate_static_stub(test, ioas_cg_owner_of, owner_of_any_task);
	return 0;
}

/* Every test has to leave no PASID behind, and not one that is charged. */
void pasid_fixture_exit(struct kunit *test)
{
	struct pasid_fixture *p = test->priv;

	kunit_deactivate_static_stub(test, ioas_cg_owner_of);
	EXPECT_NO_PASIDS(test);
	while (p->nr_devs) {
		struct device *dev = p->dev[0];

		test_remove_device(test, dev);
	}
	test->priv = p->owners;
	fixture_exit(test);
}

struct iommu_pasid *test_pasid_alloc(struct kunit *test,
				     enum iommu_pasid_scope scope,
				     enum test_owner owner, ioasid_t min,
				     ioasid_t max, struct device *const *devs,
				     unsigned int nr_devs)
{
	struct pasid_fixture *p = test->priv;
	const struct iommu_pasid_request req = {
		.scope = scope,
		.devs = devs,
		.nr_devs = nr_devs,
		.min = min,
		.max = max,
		.owner = p->owners->owner[owner],
	};

	return iommu_pasid_alloc(&req);
}

void test_expect_pasids(struct kunit *test, enum ioas_cg_pasid_scope scope,
			const long *want)
{
	struct pasid_fixture *p = test->priv;
	struct ioas_owner *owner;
	int i;

	for (i = 0; i < NR_TEST_OWNERS; i++) {
		owner = p->owners->owner[i];
		if (owner)
			KUNIT_EXPECT_EQ_MSG(test, want[i],
					    (long)owner->pasids[scope].usage,
					    "%s of %s", scope ? "device" : "global",
					    test_owner_name[i]);
	}
}

void test_expect_no_pasids(struct kunit *test)
{
	EXPECT_PASIDS(test, IOAS_CG_PASID_GLOBAL, 0);
	EXPECT_PASIDS(test, IOAS_CG_PASID_DEVICE, 0);
}

void test_set_pasid_max(struct kunit *test, enum test_owner owner,
			enum ioas_cg_pasid_scope scope, unsigned long max)
{
	struct pasid_fixture *p = test->priv;

	p->owners->owner[owner]->pasids[scope].max = max;
}
