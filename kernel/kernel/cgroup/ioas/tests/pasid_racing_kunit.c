// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that take PASIDs and give them back at once, on the same few devices and
 * numbers: some from the allocator, some in one PASID set of iommufd, while they look
 * up what is bound there.  No number may have two holders, and in the end nothing may
 * be left.
 *
 * Threads that are not the test's have an owner from the kernel's own ledger where
 * they do not name one.  So the test makes the first allocation of the set.
 */

#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/iommufd.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "../../../../drivers/iommu/iommufd/iommufd_private.h"
#include "pasid_fixture.h"

#define ROUNDS		40000
#define HELD		6	/* PASIDs that a thread holds at most */
#define LAST_NUMBER	20	/* that it asks for; more than are free, often */
#define NUMBERS		256	/* more than all of them have */

/* What a thread attaches to without an allocation: nobody else has it. */
#define FIRST_IMPLICIT	1000

/* The first two share an IOMMU group.  The last comes and goes in the set. */
#define NR_DEVS		5
#define COMING_DEV	(NR_DEVS - 1)
#define ALL_DEVS	GENMASK(NR_DEVS - 1, 0)

/* vPASIDs that are bound to devices, and then those that are global. */
#define OWN_VPASIDS	8
#define ALL_VPASIDS	16

/**
 * struct race - what the threads share
 * @dev: the devices
 * @idev: the same, as the iommufd has them
 * @ictx: the iommufd
 * @domain: what is attached
 * @held: for each IOMMU group, by its first device, what threads hold outside of the set
 */
struct race {
	struct device *dev[NR_DEVS];
	struct iommufd_device idev[NR_DEVS];
	struct iommufd_ctx ictx;
	struct iommu_domain *domain;
	DECLARE_BITMAP(held[NR_DEVS], NUMBERS);
};

/**
 * struct racing_pasid - a PASID that a thread holds
 * @pasid: the PASID, or NULL
 * @id: its number
 * @groups: IOMMU groups that it is taken in, by their first devices, as bits
 * @devs: its devices, as bits; none if it is global
 * @attached: IOMMU groups in which a domain is attached to it
 */
struct racing_pasid {
	struct iommu_pasid *pasid;
	ioasid_t id;
	unsigned long groups;
	unsigned long devs;
	unsigned long attached;
};

/**
 * struct racer - a thread
 * @race: what it shares
 * @step: what it does in each round
 * @nr: its number
 * @rnd: its random numbers
 * @owner: who is charged for what it takes outside of the set
 * @mine: what it holds outside of the set
 * @implicit: devices on which it is attached to a number that nobody allocated
 * @errors: results that a call must not have
 * @clashes: numbers with two holders
 * @taken: successful allocations, to see that it raced at all
 * @found: successful lookups
 * @done: completed in the end
 */
struct racer {
	struct race *race;
	void (*step)(struct racer *r);
	unsigned int nr;
	struct rnd_state rnd;
	struct ioas_owner *owner;
	struct racing_pasid mine[HELD];
	unsigned long implicit;
	unsigned int errors;
	unsigned int clashes;
	unsigned int taken;
	unsigned int found;
	struct completion done;
};

static unsigned int pick(struct racer *r, unsigned int below)
{
	return prandom_u32_state(&r->rnd) % below;
}

static unsigned int group_of(unsigned int dev)
{
	return dev == 1 ? 0 : dev;
}

static unsigned long groups_of(unsigned long devs)
{
	return devs & BIT(1) ? (devs & ~BIT(1)) | BIT(0) : devs;
}

/* What a thread gets for what others do is no error: no space, no quota, and such. */
static void expect_one_of(struct racer *r, int ret, int error, int other)
{
	if (ret && ret != error && ret != other && ret != -EDQUOT)
		r->errors++;
}

/* ---- outside of the set ---- */

static void note_held(struct racer *r, const struct racing_pasid *h,
		      unsigned long groups)
{
	unsigned int g;

	for_each_set_bit(g, &groups, NR_DEVS)
		if (test_and_set_bit(h->id, r->race->held[g]))
			r->clashes++;
}

static void note_released(struct racer *r, const struct racing_pasid *h,
			  unsigned long groups)
{
	unsigned int g;

	for_each_set_bit(g, &groups, NR_DEVS)
		clear_bit(h->id, r->race->held[g]);
}

static unsigned int fill_devs(struct racer *r, unsigned long devs,
			      struct device **to)
{
	unsigned int d, nr = 0;

	for_each_set_bit(d, &devs, NR_DEVS)
		to[nr++] = r->race->dev[d];
	return nr;
}

static void take(struct racer *r, struct racing_pasid *h)
{
	struct device *devs[NR_DEVS];
	struct iommu_pasid_request req = {
		.scope = pick(r, IOMMU_PASID_DEVICE + 1),
		.devs = devs,
		.max = LAST_NUMBER,
		.owner = r->owner,
	};
	bool global = req.scope == IOMMU_PASID_GLOBAL;
	struct iommu_pasid *pasid;

	h->devs = BIT(pick(r, NR_DEVS));
	if (req.scope == IOMMU_PASID_GROUP)
		h->devs |= pick(r, BIT(NR_DEVS));
	req.nr_devs = fill_devs(r, h->devs, devs);
	pasid = iommu_pasid_alloc(&req);
	expect_one_of(r, PTR_ERR_OR_ZERO(pasid), -ENOSPC, -ENOSPC);
	if (IS_ERR(pasid))
		return;
	r->taken++;
	if (global)
		h->devs = 0;
	h->groups = groups_of(global ? ALL_DEVS : h->devs);
	h->pasid = pasid;
	h->id = pasid->id;
	note_held(r, h, h->groups);
}

static void attach(struct racer *r, struct racing_pasid *h, unsigned int dev)
{
	int ret;

	if (h->attached & BIT(group_of(dev)) ||
	    !(h->groups & BIT(group_of(dev))))
		return;
	ret = iommu_attach_device_pasid(r->race->domain, r->race->dev[dev],
					h->id, NULL);
	expect_one_of(r, ret, 0, 0);
	if (!ret)
		h->attached |= BIT(group_of(dev));
}

static void detach(struct racer *r, struct racing_pasid *h,
		   unsigned long groups)
{
	unsigned int g;

	groups &= h->attached;
	for_each_set_bit(g, &groups, NR_DEVS)
		iommu_detach_device_pasid(r->race->domain, r->race->dev[g],
					  h->id);
	h->attached &= ~groups;
}

/* While it is attached to, it stays taken even if it was freed. */
static void release(struct racer *r, struct racing_pasid *h)
{
	if (h->attached && pick(r, 2)) {
		iommu_pasid_free(h->pasid);
		cond_resched();
		note_released(r, h, h->groups);
		detach(r, h, h->attached);
	} else {
		detach(r, h, h->attached);
		note_released(r, h, h->groups);
		iommu_pasid_free(h->pasid);
	}
	h->pasid = NULL;
}

static void add(struct racer *r, struct racing_pasid *h, unsigned int dev)
{
	unsigned long group = groups_of(BIT(dev));
	int ret;

	if (h->pasid->scope != IOMMU_PASID_GROUP)
		return;
	ret = iommu_pasid_add_device(h->pasid, r->race->dev[dev]);
	expect_one_of(r, ret, -EBUSY, h->devs & BIT(dev) ? -EEXIST : -EBUSY);
	if (ret)
		return;
	note_held(r, h, group & ~h->groups);
	h->devs |= BIT(dev);
	h->groups |= group;
}

static void remove(struct racer *r, struct racing_pasid *h, unsigned int dev)
{
	unsigned long left = h->devs & ~BIT(dev);
	unsigned long gone = h->groups & ~groups_of(left);

	if (h->pasid->scope != IOMMU_PASID_GROUP || !(h->devs & BIT(dev)) ||
	    !left)
		return;
	detach(r, h, gone);
	note_released(r, h, gone);
	iommu_pasid_remove_device(h->pasid, r->race->dev[dev]);
	h->groups &= ~gone;
	h->devs = left;
}

/* Attach to a number that was not allocated, or detach from it. */
static void switch_implicit(struct racer *r, unsigned int dev)
{
	ioasid_t id = FIRST_IMPLICIT + r->nr;

	dev = group_of(dev);
	if (r->implicit & BIT(dev))
		iommu_detach_device_pasid(r->race->domain, r->race->dev[dev],
					  id);
	else if (iommu_attach_device_pasid(r->race->domain, r->race->dev[dev],
					   id, NULL))
		r->errors++;
	r->implicit ^= BIT(dev);
}

static void holder_step(struct racer *r)
{
	struct racing_pasid *h = &r->mine[pick(r, HELD)];
	unsigned int dev = pick(r, NR_DEVS);

	if (!h->pasid) {
		take(r, h);
		return;
	}
	switch (pick(r, 6)) {
	case 0:
		attach(r, h, dev);
		break;
	case 1:
		detach(r, h, BIT(group_of(dev)));
		break;
	case 2:
		add(r, h, dev);
		break;
	case 3:
		remove(r, h, dev);
		break;
	case 4:
		switch_implicit(r, dev);
		break;
	default:
		release(r, h);
	}
}

static void holder_end(struct racer *r)
{
	unsigned int i;

	for (i = 0; i < HELD; i++)
		if (r->mine[i].pasid)
			release(r, &r->mine[i]);
	for (i = 0; i < NR_DEVS; i++)
		if (r->implicit & BIT(i))
			switch_implicit(r, i);
}

/* ---- in the set ---- */

/* What is the set's is nobody else's, on this device or, if it is global, on any. */
static bool is_held_outside(struct racer *r, unsigned int dev, bool global,
			    int id)
{
	unsigned long groups = global ? groups_of(ALL_DEVS) :
					BIT(group_of(dev));
	unsigned int g;

	for_each_set_bit(g, &groups, NR_DEVS)
		if (test_bit(id, r->race->held[g]))
			return true;
	return false;
}

/* It stays taken until the end of the section, so what is true of it has to stay so. */
static void look_up(struct racer *r, unsigned int dev, u32 vpasid)
{
	bool global = vpasid > OWN_VPASIDS;
	int id, i;

	rcu_read_lock();
	id = iommufd_device_translate_pasid(&r->race->idev[dev], vpasid);
	for (i = 0; id > 0 && i < 20; i++) {
		if (id >= NUMBERS || is_held_outside(r, dev, global, id)) {
			r->clashes++;
			break;
		}
		cpu_relax();
	}
	rcu_read_unlock();
	if (id > 0)
		r->found++;
	else
		expect_one_of(r, id, -ENOENT, -ENOENT);
}

/* Of a vPASID that is global, or for the devices. */
static void bind(struct racer *r, u32 vpasid, unsigned long devs)
{
	enum iommu_pasid_scope scope = vpasid > OWN_VPASIDS ?
					       IOMMU_PASID_GLOBAL :
				       hweight_long(devs) > 1 || pick(r, 2) ?
					       IOMMU_PASID_GROUP :
					       IOMMU_PASID_DEVICE;
	struct iommufd_device *idevs[NR_DEVS];
	unsigned int d, nr = 0;
	int ret;

	for_each_set_bit(d, &devs, NR_DEVS)
		idevs[nr++] = &r->race->idev[d];
	ret = iommufd_pasids_alloc(&r->race->ictx.pasids, scope, idevs, nr,
				   &vpasid);
	expect_one_of(r, ret, -EEXIST, -EEXIST);
	if (!ret)
		r->taken++;
}

static void end_vpasid(struct racer *r, u32 vpasid, unsigned int dev)
{
	struct iommufd_pasids *set = &r->race->ictx.pasids;
	struct iommufd_device *idev = &r->race->idev[dev];

	if (vpasid > OWN_VPASIDS) {
		expect_one_of(r, iommufd_pasids_free(set, IOMMU_PASID_GLOBAL,
						     vpasid, NULL),
			      -ENOENT, -ENOENT);
		return;
	}
	expect_one_of(r, iommufd_pasids_free(set, IOMMU_PASID_DEVICE, vpasid,
					     idev),
		      -ENOENT, -ENOENT);
	expect_one_of(r, iommufd_pasids_free(set, IOMMU_PASID_GROUP, vpasid,
					     idev),
		      -ENOENT, -ENOENT);
}

static void extend(struct racer *r, u32 vpasid, unsigned int member,
		   unsigned int dev)
{
	int ret = iommufd_pasids_add(&r->race->ictx.pasids, vpasid,
				     &r->race->idev[member],
				     &r->race->idev[dev]);

	if (ret != -EBUSY)
		expect_one_of(r, ret, -ENOENT, -EEXIST);
}

static void user_step(struct racer *r)
{
	u32 vpasid = 1 + pick(r, ALL_VPASIDS);
	unsigned int dev = pick(r, COMING_DEV);
	unsigned int other = pick(r, COMING_DEV);

	switch (pick(r, 6)) {
	case 0:
		bind(r, vpasid, BIT(dev));
		break;
	case 1:
		bind(r, vpasid, BIT(dev) | BIT(other));
		break;
	case 2:
		extend(r, vpasid, dev, other);
		break;
	case 3:
		end_vpasid(r, vpasid, dev);
		break;
	default:
		look_up(r, dev, vpasid);
	}
}

/*
 * One device comes and goes.  Only this thread names it, or looks up anything on it,
 * as nobody may while it is being unbound.  But the groups that it is in end at any
 * time.
 */
static void plugging_step(struct racer *r)
{
	struct iommufd_device *idev = &r->race->idev[COMING_DEV];
	struct iommufd_pasids *set = &r->race->ictx.pasids;
	u32 vpasid = 1 + pick(r, OWN_VPASIDS);
	unsigned int dev = pick(r, COMING_DEV);

	switch (pick(r, 8)) {
	case 0:
		bind(r, vpasid, BIT(COMING_DEV));
		break;
	case 1:
		bind(r, vpasid, BIT(dev) | BIT(COMING_DEV));
		break;
	case 2:
		extend(r, vpasid, dev, COMING_DEV);
		break;
	case 3:
		iommufd_pasids_remove_device(set, idev);
		expect_one_of(r, iommufd_pasids_add_device(set, idev), 0, 0);
		break;
	default:
		look_up(r, COMING_DEV, 1 + pick(r, ALL_VPASIDS));
	}
}

/* ---- the race ---- */

static int racer_run(void *data)
{
	struct racer *r = data;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		r->step(r);
		cond_resched();
	}
	holder_end(r);
	complete(&r->done);
	return 0;
}

static const struct {
	void (*step)(struct racer *r);
	enum test_owner owner;
} racers[] = {
	{ holder_step, A1 },
	{ holder_step, A2 },
	{ holder_step, B },
	{ user_step, A1 },
	{ user_step, A1 },
	{ plugging_step, A1 },
};

static void set_up_devices(struct kunit *test, struct race *race)
{
	struct iommufd_device *idev;
	unsigned int d;

	iommufd_pasids_init(&race->ictx.pasids);
	for (d = 0; d < NR_DEVS; d++) {
		race->dev[d] = d == 1 ?
				       test_add_device_to_group_of(test, 20,
								   race->dev[0]) :
				       test_add_device(test, 20);
		idev = &race->idev[d];
		idev->dev = race->dev[d];
		idev->ictx = &race->ictx;
		KUNIT_ASSERT_EQ(test, 0,
				iommufd_pasids_add_device(&race->ictx.pasids,
							  idev));
	}
}

/* The owner of the set is who allocates first. */
static void set_up_owner(struct kunit *test, struct race *race)
{
	struct pasid_fixture *p = test->priv;
	u32 vpasid = OWN_VPASIDS + 1;

	p->asking = A1;
	KUNIT_ASSERT_EQ(test, 0,
			iommufd_pasids_alloc(&race->ictx.pasids,
					     IOMMU_PASID_GLOBAL, NULL, 0,
					     &vpasid));
}

static void run_all(struct kunit *test, struct race *race, struct racer *r)
{
	struct pasid_fixture *p = test->priv;
	struct task_struct *task;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(racers); i++) {
		r[i].race = race;
		r[i].step = racers[i].step;
		r[i].owner = p->owners->owner[racers[i].owner];
		r[i].nr = i;
		prandom_seed_state(&r[i].rnd, i + 1);
		init_completion(&r[i].done);
	}
	for (i = 0; i < ARRAY_SIZE(racers); i++) {
		task = kthread_run(racer_run, &r[i], "ioas_racer/%d", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	}
	for (i = 0; i < ARRAY_SIZE(racers); i++)
		wait_for_completion(&r[i].done);
}

static void end_set(struct race *race)
{
	unsigned int d;

	for (d = 0; d < NR_DEVS; d++)
		iommufd_pasids_remove_device(&race->ictx.pasids,
					     &race->idev[d]);
	iommufd_pasids_destroy(&race->ictx.pasids);
}

/* Each is one that is free everywhere. */
static void expect_all_numbers_free(struct kunit *test)
{
	struct iommu_pasid *pasid;
	ioasid_t id;

	for (id = 1; id < NUMBERS; id++) {
		pasid = PASID_ALLOC_IN(test, IOMMU_PASID_GLOBAL, B, id, id);
		KUNIT_EXPECT_FALSE_MSG(test, IS_ERR(pasid),
				       "number %u is not free", id);
		if (!IS_ERR(pasid))
			iommu_pasid_free(pasid);
	}
}

static void threads_share_no_number_and_leave_none(struct kunit *test)
{
	struct pasid_fixture *p = test->priv;
	struct race *race;
	struct racer *r;
	unsigned int i;

	race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	r = kunit_kcalloc(test, ARRAY_SIZE(racers), sizeof(*r), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, race);
	KUNIT_ASSERT_NOT_NULL(test, r);
	race->domain = &p->domain;
	set_up_devices(test, race);
	set_up_owner(test, race);
	/* Some refusals, so that what they undo is in the race too. */
	test_set_pasid_max(test, A, IOAS_CG_PASID_GLOBAL, 6);
	test_set_pasid_max(test, A, IOAS_CG_PASID_DEVICE, 40);
	run_all(test, race, r);
	end_set(race);
	for (i = 0; i < ARRAY_SIZE(racers); i++) {
		KUNIT_EXPECT_EQ_MSG(test, 0, r[i].errors, "thread %u", i);
		KUNIT_EXPECT_EQ_MSG(test, 0, r[i].clashes, "thread %u", i);
		KUNIT_EXPECT_GT_MSG(test, r[i].taken, 100, "thread %u", i);
		if (r[i].step != holder_step)
			KUNIT_EXPECT_GT_MSG(test, r[i].found, 100, "thread %u",
					    i);
	}
	expect_all_numbers_free(test);
}

static struct kunit_case pasid_racing_cases[] = {
	KUNIT_CASE_SLOW(threads_share_no_number_and_leave_none),
	{ }
};

static struct kunit_suite pasid_racing_suite = {
	.name = "ioas_pasid_racing",
	.suite_init = pasid_suite_init,
	.suite_exit = pasid_suite_exit,
	.init = pasid_fixture_init,
	.exit = pasid_fixture_exit,
	.test_cases = pasid_racing_cases,
};

kunit_test_suite(pasid_racing_suite);
