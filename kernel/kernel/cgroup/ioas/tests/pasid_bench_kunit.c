// SPDX-License-Identifier: GPL-2.0-only
/*
 * Benchmarks of PASIDs: of giving them out and of looking them up, against the
 * structures that would do without scopes and owners.  See bench.h.
 */

#include <linux/idr.h>
#include <linux/iommufd.h>
#include <linux/ktime.h>
#include <linux/prandom.h>

#include "../../../../drivers/iommu/iommufd/iommufd_private.h"
#include "bench.h"
#include "pasid_fixture.h"

#define LOOPS		100000
#define LOOKUPS		1000000
#define HELD		100	/* PASIDs that are held all the time */
#define VPASIDS		1000
#define DEVICES		4

/* ---- give out and take back ---- */

/* Of as many numbers for a PASID as there are devices. */
static u64 time_ida(struct kunit *test, struct ida *ida, unsigned int nr)
{
	u64 start = ktime_get_ns();
	int id[DEVICES], i;
	unsigned int j;

	for (i = 0; i < LOOPS; i++) {
		for (j = 0; j < nr; j++) {
			id[j] = ida_alloc_range(&ida[j], 1, (1 << 20) - 1,
						GFP_KERNEL);
			KUNIT_ASSERT_GT(test, id[j], 0);
		}
		for (j = 0; j < nr; j++)
			ida_free(&ida[j], id[j]);
	}
	return ktime_get_ns() - start;
}

static u64 time_scope(struct kunit *test, const struct iommu_pasid_request *req)
{
	u64 start = ktime_get_ns();
	struct iommu_pasid *pasid;
	int i;

	for (i = 0; i < LOOPS; i++) {
		pasid = iommu_pasid_alloc(req);
		KUNIT_ASSERT_FALSE(test, IS_ERR(pasid));
		iommu_pasid_free(pasid);
	}
	return ktime_get_ns() - start;
}

static void bench_scope(struct kunit *test, const char *name,
			const struct iommu_pasid_request *req)
{
	unsigned int nr = req->scope == IOMMU_PASID_GROUP ? req->nr_devs : 1;
	u64 t[BENCH_ROUNDS], base[BENCH_ROUNDS];
	struct iommu_pasid *held[HELD];
	struct ida ida[DEVICES];
	unsigned int j;
	int i;

	for (j = 0; j < nr; j++)
		ida_init(&ida[j]);
	for (i = 0; i < HELD; i++) {
		held[i] = iommu_pasid_alloc(req);
		KUNIT_ASSERT_FALSE(test, IS_ERR(held[i]));
		for (j = 0; j < nr; j++)
			KUNIT_ASSERT_EQ(test, i + 1,
					ida_alloc_min(&ida[j], 1, GFP_KERNEL));
	}
	for (i = 0; i < BENCH_ROUNDS; i++) {
		t[i] = time_scope(test, req);
		base[i] = time_ida(test, ida, nr);
	}
	bench_report(test, name, bench_median(t, BENCH_ROUNDS),
		     bench_median(base, BENCH_ROUNDS), LOOPS, "ns");
	for (i = 0; i < HELD; i++)
		iommu_pasid_free(held[i]);
	for (j = 0; j < nr; j++)
		ida_destroy(&ida[j]);
}

static void bench_alloc(struct kunit *test)
{
	struct pasid_fixture *p = test->priv;
	struct iommu_pasid_request req = {
		.devs = p->dev,
		.owner = p->owners->owner[DEEP],
	};
	int i;

	for (i = 0; i < DEVICES; i++)
		test_add_device(test, 20);
	req.scope = IOMMU_PASID_GLOBAL;
	bench_scope(test, "pasid_global_alloc_free", &req);
	req.scope = IOMMU_PASID_DEVICE;
	req.nr_devs = 1;
	bench_scope(test, "pasid_device_alloc_free", &req);
	req.scope = IOMMU_PASID_GROUP;
	req.nr_devs = DEVICES;
	bench_scope(test, "pasid_group_alloc_free", &req);
}

/* ---- look up ---- */

struct lookups {
	struct iommufd_ctx *ictx;
	struct iommufd_device *idev;
	struct xarray plain;
	u32 vpasid[1024];
};

static u64 time_translate(struct kunit *test, struct lookups *l)
{
	u64 start = ktime_get_ns();
	int i;

	for (i = 0; i < LOOKUPS; i++)
		KUNIT_ASSERT_GT(test, iommufd_device_translate_pasid(l->idev, l->vpasid[i % 1024]),
				0);
	return ktime_get_ns() - start;
}

static u64 time_xa_load(struct kunit *test, struct lookups *l)
{
	u64 start = ktime_get_ns();
	int i;

	for (i = 0; i < LOOKUPS; i++)
		KUNIT_ASSERT_TRUE(test, xa_load(&l->plain, l->vpasid[i % 1024]));
	return ktime_get_ns() - start;
}

static void bench_lookup(struct kunit *test, const char *name,
			 struct lookups *l, u32 first)
{
	u64 t[BENCH_ROUNDS], base[BENCH_ROUNDS];
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, 1);
	for (i = 0; i < ARRAY_SIZE(l->vpasid); i++)
		l->vpasid[i] = first + prandom_u32_state(&rnd) % VPASIDS;
	for (i = 0; i < BENCH_ROUNDS; i++) {
		t[i] = time_translate(test, l);
		base[i] = time_xa_load(test, l);
	}
	bench_report(test, name, bench_median(t, BENCH_ROUNDS),
		     bench_median(base, BENCH_ROUNDS), LOOKUPS, "ns");
}

static void fill(struct kunit *test, struct lookups *l,
		 enum iommu_pasid_scope scope, u32 first)
{
	struct iommufd_pasids *set = &l->ictx->pasids;
	u32 vpasid;

	for (vpasid = first; vpasid < first + VPASIDS; vpasid++) {
		u32 wanted = vpasid;

		KUNIT_ASSERT_EQ(test, 0,
				iommufd_pasids_alloc(set, scope, &l->idev,
						     scope != IOMMU_PASID_GLOBAL,
						     &wanted));
		KUNIT_ASSERT_EQ(test, 0,
				xa_err(xa_store(&l->plain, vpasid, set,
						GFP_KERNEL)));
	}
}

/* Half of the vPASIDs are of the device, half are global. */
static void bench_translate(struct kunit *test)
{
	struct lookups *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, l);
	l->ictx = kunit_kzalloc(test, sizeof(*l->ictx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, l->ictx);
	l->idev = kunit_kzalloc(test, sizeof(*l->idev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, l->idev);
	xa_init(&l->plain);
	iommufd_pasids_init(&l->ictx->pasids);
	l->idev->ictx = l->ictx;
	l->idev->dev = test_add_device(test, 20);
	KUNIT_ASSERT_EQ(test, 0,
			iommufd_pasids_add_device(&l->ictx->pasids, l->idev));
	fill(test, l, IOMMU_PASID_DEVICE, 1);
	fill(test, l, IOMMU_PASID_GLOBAL, VPASIDS + 1);
	bench_lookup(test, "vpasid_lookup_own", l, 1);
	bench_lookup(test, "vpasid_lookup_global", l, VPASIDS + 1);
	iommufd_pasids_remove_device(&l->ictx->pasids, l->idev);
	iommufd_pasids_destroy(&l->ictx->pasids);
	xa_destroy(&l->plain);
}

static struct kunit_case pasid_bench_cases[] = {
	KUNIT_CASE_SLOW(bench_alloc),
	KUNIT_CASE_SLOW(bench_translate),
	{ }
};

static struct kunit_suite pasid_bench_suite = {
	.name = "ioas_bench_pasid",
	.suite_init = pasid_suite_init,
	.suite_exit = pasid_suite_exit,
	.init = pasid_fixture_init,
	.exit = pasid_fixture_exit,
	.test_cases = pasid_bench_cases,
};

kunit_test_suite(pasid_bench_suite);
