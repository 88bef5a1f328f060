// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of PASIDs of address spaces: drivers/iommu/iommu-sva.c.  On x86 that
 * binds nothing, for now, so there these tests are skipped.
 */

#include <linux/iommu.h>
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>

#include "pasid_fixture.h"

#define GLOBAL IOAS_CG_PASID_GLOBAL
#define DEVICE IOAS_CG_PASID_DEVICE

static int sva_init(struct kunit *test)
{
	if (IS_ENABLED(CONFIG_X86))
		kunit_skip(test, "iommu_sva_bind_device() is off on x86");
	return pasid_fixture_init(test);
}

static void sva_exit(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_X86))
		pasid_fixture_exit(test);
}

static struct mm_struct *new_mm(struct kunit *test)
{
	struct mm_struct *mm = mm_alloc();

	KUNIT_ASSERT_NOT_NULL(test, mm);
	return mm;
}

static struct iommu_sva *bind(struct kunit *test, struct device *dev,
			      struct mm_struct *mm)
{
	struct iommu_sva *sva = iommu_sva_bind_device(dev, mm);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sva);
	return sva;
}

static void expect_refused(struct kunit *test, int error, struct device *dev,
			   struct mm_struct *mm)
{
	KUNIT_EXPECT_EQ(test, error,
			PTR_ERR_OR_ZERO(iommu_sva_bind_device(dev, mm)));
}

static void bond_charges_the_space_and_the_device(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);
	struct mm_struct *mm = new_mm(test);
	struct iommu_sva *sva[3];

	sva[0] = bind(test, x, mm);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
	EXPECT_PASIDS(test, DEVICE, 1, 1, 1, 0, 0, 0);
	sva[1] = bind(test, y, mm);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
	EXPECT_PASIDS(test, DEVICE, 2, 2, 2, 0, 0, 0);
	/* The same bond once more. */
	sva[2] = bind(test, x, mm);
	EXPECT_PASIDS(test, DEVICE, 2, 2, 2, 0, 0, 0);
	iommu_sva_unbind_device(sva[0]);
	EXPECT_PASIDS(test, DEVICE, 2, 2, 2, 0, 0, 0);
	iommu_sva_unbind_device(sva[2]);
	EXPECT_PASIDS(test, DEVICE, 1, 1, 1, 0, 0, 0);
	iommu_sva_unbind_device(sva[1]);
	EXPECT_PASIDS(test, DEVICE, 0);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
	mmput(mm);
	EXPECT_NO_PASIDS(test);
}

/* Not of the bond: the number may still be in a register of a task. */
static void number_is_held_for_the_life_of_the_mm(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct mm_struct *mm = new_mm(test);
	u32 pasid;

	iommu_sva_unbind_device(bind(test, x, mm));
	pasid = mm_get_enqcmd_pasid(mm);
	/* The last user is gone, but something else refers to it. */
	mmgrab(mm);
	mmput(mm);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			PTR_ERR_OR_ZERO(PASID_ALLOC_IN(test, IOMMU_PASID_DEVICE,
						       A1, pasid, pasid, x)));
	mmdrop(mm);
	EXPECT_NO_PASIDS(test);
}

static void bond_keeps_the_mm_and_its_charge(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct mm_struct *mm = new_mm(test);
	struct iommu_sva *sva = bind(test, x, mm);

	mmput(mm);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
	EXPECT_PASIDS(test, DEVICE, 1, 1, 1, 0, 0, 0);
	iommu_sva_unbind_device(sva);
	EXPECT_NO_PASIDS(test);
}

/* A task switch drops the mm of a task that exited. */
static void mm_may_go_where_nothing_may_sleep(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct mm_struct *mm = new_mm(test);
	unsigned long flags;

	iommu_sva_unbind_device(bind(test, x, mm));
	mmgrab(mm);
	mmput(mm);
	local_irq_save(flags);
	mmdrop(mm);
	local_irq_restore(flags);
	EXPECT_NO_PASIDS(test);
}

static void each_mm_has_a_number(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct pasid_fixture *p = test->priv;
	struct mm_struct *mm[3];
	int i;

	for (i = 0; i < 3; i++) {
		mm[i] = new_mm(test);
		p->asking = i == 2 ? B : A1;
		iommu_sva_unbind_device(bind(test, x, mm[i]));
		KUNIT_EXPECT_EQ(test, i + 1, mm_get_enqcmd_pasid(mm[i]));
	}
	EXPECT_PASIDS(test, GLOBAL, 3, 2, 2, 0, 0, 1);
	for (i = 0; i < 3; i++)
		mmput(mm[i]);
}

/* Charges stay where they are, and those that come later follow the number. */
static void charge_stays_when_the_task_moves(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);
	struct pasid_fixture *p = test->priv;
	struct mm_struct *mm = new_mm(test);
	struct iommu_sva *sva[2];

	sva[0] = bind(test, x, mm);
	p->asking = B;
	sva[1] = bind(test, y, mm);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
	EXPECT_PASIDS(test, DEVICE, 2, 2, 2, 0, 0, 0);
	iommu_sva_unbind_device(sva[0]);
	iommu_sva_unbind_device(sva[1]);
	mmput(mm);
}

struct limit_case {
	const char *desc;
	enum test_owner asking;
	enum test_owner limited;
	enum ioas_cg_pasid_scope scope;
};

static const struct limit_case limit_cases[] = {
	{ "own limit of numbers", A1, A1, GLOBAL },
	{ "limit of numbers of the parent", A1, A, GLOBAL },
	{ "limit of numbers three levels up", DEEP, A, GLOBAL },
	{ "own limit of devices", A1, A1, DEVICE },
	{ "limit of devices of the parent", A1, A, DEVICE },
	{ "limit of devices three levels up", DEEP, A, DEVICE },
};

KUNIT_ARRAY_PARAM_DESC(limit, limit_cases, desc);

static void refused_bond_leaves_nothing(struct kunit *test)
{
	const struct limit_case *c = test->param_value;
	struct device *x = test_add_device(test, 20);
	struct pasid_fixture *p = test->priv;
	unsigned int event = IOAS_EVENT_PASID_MAX + c->scope;
	struct mm_struct *mm = new_mm(test);

	p->asking = c->asking;
	test_set_pasid_max(test, c->limited, c->scope, 0);
	expect_refused(test, -EDQUOT, x, mm);
	EXPECT_NO_PASIDS(test);
	KUNIT_EXPECT_FALSE(test, mm_valid_pasid(mm));
	KUNIT_EXPECT_EQ(test, 1, p->owners->events[event]);
	KUNIT_EXPECT_EQ(test, 1,
			atomic64_read(&p->owners->owner[c->limited]->events_local[event]));
	test_set_pasid_max(test, c->limited, c->scope, 1);
	iommu_sva_unbind_device(bind(test, x, mm));
	mmput(mm);
}

static void refusal_for_a_second_device_leaves_the_first(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *y = test_add_device(test, 20);
	struct pasid_fixture *p = test->priv;
	struct mm_struct *mm = new_mm(test);
	struct iommu_sva *sva = bind(test, x, mm);

	test_set_pasid_max(test, A, DEVICE, 1);
	expect_refused(test, -EDQUOT, y, mm);
	/* One refusal is one event. */
	KUNIT_EXPECT_EQ(test, 1,
			p->owners->events[IOAS_EVENT_PASID_MAX + DEVICE]);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
	EXPECT_PASIDS(test, DEVICE, 1, 1, 1, 0, 0, 0);
	KUNIT_EXPECT_TRUE(test, mm_valid_pasid(mm));
	iommu_sva_unbind_device(sva);
	mmput(mm);
}

static void bond_that_the_driver_refuses_leaves_nothing(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct mm_struct *mm = new_mm(test);

	test_fail_attach(x);
	expect_refused(test, -EIO, x, mm);
	EXPECT_NO_PASIDS(test);
	KUNIT_EXPECT_FALSE(test, mm_valid_pasid(mm));
	mmput(mm);
}

static void errors_say_what_is_the_matter(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct device *narrow = test_add_device(test, 1);
	struct device *none = test_add_device(test, 0);
	struct mm_struct *mm[2] = { new_mm(test), new_mm(test) };
	struct iommu_pasid *taken;

	expect_refused(test, -EINVAL, none, mm[0]);
	taken = PASID_ALLOC(test, IOMMU_PASID_GLOBAL, A1);
	expect_refused(test, -ENOSPC, narrow, mm[0]);
	iommu_sva_unbind_device(bind(test, x, mm[0]));
	KUNIT_EXPECT_EQ(test, 2, mm_get_enqcmd_pasid(mm[0]));
	expect_refused(test, -EOVERFLOW, narrow, mm[0]);
	iommu_pasid_free(taken);
	iommu_sva_unbind_device(bind(test, narrow, mm[1]));
	mmput(mm[0]);
	mmput(mm[1]);
}

/* ---- fork ---- */

struct child {
	struct completion done;
	bool has_mm;
	bool has_pasid;
};

static int child_run(void *data)
{
	struct child *child = data;

	child->has_mm = current->mm;
	child->has_pasid = child->has_mm && mm_valid_pasid(current->mm);
	complete(&child->done);
	return 0;
}

/* The child of a process has an mm of its own, and that has no PASID. */
static void fork_does_not_inherit_the_number(struct kunit *test)
{
	struct device *x = test_add_device(test, 20);
	struct mm_struct *mm = new_mm(test);
	struct child child = {};
	pid_t pid;

	init_completion(&child.done);
	iommu_sva_unbind_device(bind(test, x, mm));
	kthread_use_mm(mm);
	pid = kernel_clone(&(struct kernel_clone_args) {
		.flags = CLONE_UNTRACED,
		.fn = child_run,
		.fn_arg = &child,
	});
	kthread_unuse_mm(mm);
	KUNIT_ASSERT_GT(test, pid, 0);
	wait_for_completion(&child.done);
	KUNIT_EXPECT_TRUE(test, child.has_mm);
	KUNIT_EXPECT_FALSE(test, child.has_pasid);
	EXPECT_PASIDS(test, GLOBAL, 1, 1, 1, 0, 0, 0);
	mmput(mm);
}

static struct kunit_case pasid_sva_cases[] = {
	KUNIT_CASE(bond_charges_the_space_and_the_device),
	KUNIT_CASE(number_is_held_for_the_life_of_the_mm),
	KUNIT_CASE(bond_keeps_the_mm_and_its_charge),
	KUNIT_CASE(mm_may_go_where_nothing_may_sleep),
	KUNIT_CASE(each_mm_has_a_number),
	KUNIT_CASE(charge_stays_when_the_task_moves),
	KUNIT_CASE_PARAM(refused_bond_leaves_nothing, limit_gen_params),
	KUNIT_CASE(refusal_for_a_second_device_leaves_the_first),
	KUNIT_CASE(bond_that_the_driver_refuses_leaves_nothing),
	KUNIT_CASE(errors_say_what_is_the_matter),
	KUNIT_CASE(fork_does_not_inherit_the_number),
	{ }
};

static struct kunit_suite pasid_sva_suite = {
	.name = "ioas_pasid_sva",
	.suite_init = pasid_suite_init,
	.suite_exit = pasid_suite_exit,
	.init = sva_init,
	.exit = sva_exit,
	.test_cases = pasid_sva_cases,
};

kunit_test_suite(pasid_sva_suite);
