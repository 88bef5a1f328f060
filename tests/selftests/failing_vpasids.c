// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every allocation fails once that a call makes for the PASID set of an iommufd: the
 * call fails and leaves nothing, or it is done as if nothing had failed. And what ends
 * a PASID does not fail.
 *
 * Each call runs with its first allocation failing, then with its second, and so on
 * until there is none left: that one alone, or all later ones too. iommufd has points
 * of its own that fail like allocations, where it looks up an object, and where the
 * test driver attaches.
 */
#include "ioas_fail.h"
#include "ioas_pasid.h"

static bool all_later;

/* More than fits into one node of the kernel's tables. */
#define FAR 100000

/* ---- calls ---- */

/* What a call got that can get anything. */
static int vpasid;

static int alloc_any(uint32_t scope, const uint32_t *ids, size_t nr)
{
	vpasid = alloc_vpasid(scope, 0, ids, nr);
	return vpasid < 0 ? vpasid : 0;
}

/* Returns 0 if it got what it wanted. */
static int alloc_far(uint32_t scope, const uint32_t *ids, size_t nr)
{
	vpasid = alloc_vpasid(scope, FAR, ids, nr);
	return vpasid < 0 ? vpasid : vpasid != FAR;
}

static int alloc_global(void)
{
	return alloc_any(GLOBAL, NULL, 0);
}

static int alloc_global_for_devices(void)
{
	return alloc_far(GLOBAL, IDS(enqcmd.bound, own.bound), 2);
}

static int alloc_group(void)
{
	return alloc_any(GROUP, IDS(own.bound, second.bound, narrow.bound), 3);
}

static int alloc_far_group(void)
{
	return alloc_far(GROUP, IDS(own.bound, second.bound), 2);
}

static int alloc_device(void)
{
	return alloc_any(DEVICE, &own.bound, 1);
}

static int alloc_far_device(void)
{
	return alloc_far(DEVICE, &own.bound, 1);
}

/* Its number is another, which is the second that it asks for. */
static int alloc_narrow_device(void)
{
	return alloc_far(DEVICE, &narrow.bound, 1);
}

static int free_global(void)
{
	return free_vpasid(GLOBAL, vpasid, 0);
}

static int free_group(void)
{
	return free_vpasid(GROUP, vpasid, second.bound);
}

static int free_device(void)
{
	return free_vpasid(DEVICE, vpasid, own.bound);
}

static int free_narrow_device(void)
{
	return free_vpasid(DEVICE, vpasid, narrow.bound);
}

static void have_group(void)
{
	REQUIRE(ALLOC(GROUP, 5, own.bound, second.bound) == 5);
}

static int add(void)
{
	vpasid = 5;
	return add_to_group(5, &own, &narrow);
}

/* A device leaves a group by being unplugged only. */
static int take_back(void)
{
	int ret = unplug(&narrow);

	plug(&narrow, MOCK_PASID_BITS(3));
	return ret;
}

static void have_far_group(void)
{
	REQUIRE(ALLOC(GROUP, FAR, own.bound) == FAR);
}

static int add_far(void)
{
	vpasid = FAR;
	return add_to_group(FAR, &own, &second);
}

static int take_back_far(void)
{
	int ret = unplug(&second);

	plug(&second, MOCK_PASID_BITS(20));
	return ret;
}

static void have_globals(void)
{
	REQUIRE(ALLOC(GLOBAL, 5) == 5);
	REQUIRE(ALLOC(GLOBAL, FAR) == FAR);
}

static struct mock_device late;

/*
 * Of a device that has no PASIDs, as the kernel's own code for those of a mock device
 * counts wrong if its allocations fail.
 */
static int plug_late(void)
{
	vpasid = FAR;
	return add_mock_device_with(iommufd, ioas, 0, &late);
}

/* What is global is what its vPASIDs stand for nevertheless. */
static int unplug_late(void)
{
	EXPECT_EQ(translate(&late, 5), -ERANGE);
	EXPECT_EQ(translate(&late, FAR), -ERANGE);
	return unplug(&late);
}

static int query(void)
{
	struct iommu_vpasid_query result;

	return query_set(own.bound, &result);
}

static int do_nothing(void)
{
	return 0;
}

/* The number that the next ones attach to. */
static int number;

static void have_global(void)
{
	REQUIRE(ALLOC(GLOBAL, 5) == 5);
	number = translate(&own, 5);
}

static void have_device(void)
{
	REQUIRE(ALLOC(DEVICE, FAR, own.bound) == FAR);
	number = FAR;
}

static void have_no_pasid(void)
{
	number = FAR + 1;
}

static int attach_number(void)
{
	return attach_pasid(&own, number);
}

static int detach_number(void)
{
	return detach_pasid(&own, number);
}

/* ---- calls that may fail ---- */

/**
 * struct call - something that takes PASIDs
 * @name: for the names of tests
 * @errors: what it may give besides -ENOMEM, at the points of iommufd
 * @prepare: comes before all runs; may be NULL
 * @run: returns 0 or -errno
 * @undo: returns 0
 * @global: units that it takes
 * @device: the same
 */
struct call {
	const char *name;
	int errors[2];
	void (*prepare)(void);
	int (*run)(void);
	int (*undo)(void);
	int global;
	int device;
};

static const struct call calls[] = {
	{
		.name = "alloc global",
		.run = alloc_global,
		.undo = free_global,
		.global = 1,
	},
	{
		.name = "alloc global for devices",
		.errors = { -ENODEV },
		.run = alloc_global_for_devices,
		.undo = free_global,
		.global = 1,
	},
	{
		.name = "alloc group",
		.errors = { -ENODEV },
		.run = alloc_group,
		.undo = free_group,
		.device = 3,
	},
	{
		.name = "alloc far group",
		.errors = { -ENODEV },
		.run = alloc_far_group,
		.undo = free_group,
		.device = 2,
	},
	{
		.name = "alloc device",
		.errors = { -ENODEV },
		.run = alloc_device,
		.undo = free_device,
		.device = 1,
	},
	{
		.name = "alloc far device",
		.errors = { -ENODEV },
		.run = alloc_far_device,
		.undo = free_device,
		.device = 1,
	},
	{
		.name = "alloc narrow device",
		.errors = { -ENODEV },
		.run = alloc_narrow_device,
		.undo = free_narrow_device,
		.device = 1,
	},
	{
		.name = "add",
		.errors = { -ENODEV },
		.prepare = have_group,
		.run = add,
		.undo = take_back,
		.device = 1,
	},
	{
		.name = "add far",
		.errors = { -ENODEV },
		.prepare = have_far_group,
		.run = add_far,
		.undo = take_back_far,
		.device = 1,
	},
	{
		.name = "plug",
		/* EINVAL: what iommufd makes of a domain that could not be made */
		.errors = { -ENOENT, -EINVAL },
		.prepare = have_globals,
		.run = plug_late,
		.undo = unplug_late,
	},
	{
		.name = "query",
		.errors = { -ENODEV },
		.run = query,
		.undo = do_nothing,
	},
	{
		.name = "attach to a global number",
		.errors = { -ENOENT, -EIO },
		.prepare = have_global,
		.run = attach_number,
		.undo = detach_number,
		.device = 1,
	},
	{
		.name = "attach to a number of the device",
		.errors = { -ENOENT, -EIO },
		.prepare = have_device,
		.run = attach_number,
		.undo = detach_number,
	},
	{
		.name = "attach to a free number",
		.errors = { -ENOENT, -EIO },
		.prepare = have_no_pasid,
		.run = attach_number,
		.undo = detach_number,
		.device = 1,
	},
};

static const struct call *call;

/* What is shown without what the call takes, and with it. */
static struct pasid_texts without, with;

/* What it gives if nothing fails: a number that is kept would be missing. */
static int usual_vpasid, usual_number;

static void expect_usual(void)
{
	EXPECT_EQ(vpasid, usual_vpasid);
	EXPECT_EQ(translate(&own, vpasid), usual_number);
}

/*
 * From the second run on, the peak is what it was. And what is allocated once only, and
 * the pages of this program, are there.
 */
static void learn(void)
{
	int64_t global, device;

	vpasid = 0;
	if (call->prepare)
		call->prepare();
	EXPECT_EQ(call->run(), 0);
	EXPECT_EQ(call->undo(), 0);
	global = pasids_of(INNER, "global");
	device = pasids_of(INNER, "device");
	read_texts(&without);
	EXPECT_EQ(call->run(), 0);
	EXPECT_CHARGED(global + call->global, device + call->device);
	usual_vpasid = vpasid;
	usual_number = translate(&own, vpasid);
	read_texts(&with);
	EXPECT_EQ(call->undo(), 0);
	expect_texts(__LINE__, &without);
}

static bool call_may_give(int error)
{
	return error == -ENOMEM || (error && (error == call->errors[0] ||
					      error == call->errors[1]));
}

/* Returns whether something failed. */
static bool run_with_fault(unsigned int nth, int *ret)
{
	bool failed;

	begin_faults(nth, all_later);
	*ret = call->run();
	failed = end_faults();
	if (*ret) {
		expect_texts(__LINE__, &without);
		EXPECT_EQ(call->run(), 0);
	}
	expect_texts(__LINE__, &with);
	expect_usual();
	EXPECT_EQ(call->undo(), 0);
	expect_texts(__LINE__, &without);
	if (*ret && !(failed && call_may_give(*ret)))
		fail_test("%s", strerror(-*ret));
	if (test_failed)
		fail_test("with allocation %u failing", nth);
	return failed;
}

static void failing_call_leaves_nothing(void)
{
	unsigned int nth, nr_failed = 0, nr_no_memory = 0;
	bool failed = true;

	learn();
	inject_faults(true);
	open_faults();
	for (nth = 1; failed && nth < MOST_POINTS && !test_failed; nth++) {
		int ret;

		failed = run_with_fault(nth, &ret);
		nr_failed += ret < 0;
		nr_no_memory += ret == -ENOMEM;
	}
	close_faults();
	inject_faults(false);
	say_what_failed(nth - 2, nr_failed);
	EXPECT_AT_MOST(nth, MOST_POINTS - 1);
	/* Or nothing was tested. */
	EXPECT_AT_MOST(1, nr_failed);
	/* A table that cannot grow tries again, once. */
	if (all_later && call->global + call->device)
		EXPECT_AT_MOST(1, nr_no_memory);
}

/* ---- what may not fail ---- */

static void start_global(void)
{
	EXPECT_EQ(alloc_global_for_devices(), 0);
}

static void start_group(void)
{
	EXPECT_EQ(alloc_far_group(), 0);
	EXPECT_EQ(ALLOC(GROUP, 6, second.bound), 6);
}

static int end_group(void)
{
	return free_vpasid(GROUP, FAR, own.bound);
}

static void clean_group(void)
{
	EXPECT_EQ(translate(&own, FAR), -ENOENT);
	EXPECT_EQ(translate(&second, FAR), -ENOENT);
	EXPECT_EQ(free_vpasid(GROUP, 6, second.bound), 0);
}

/* Of two devices that have the number, one keeps it. */
static void start_device(void)
{
	EXPECT_EQ(alloc_far_device(), 0);
	EXPECT_EQ(ALLOC(DEVICE, FAR, second.bound), FAR);
}

static int end_device(void)
{
	return free_vpasid(DEVICE, FAR, own.bound);
}

static void clean_device(void)
{
	EXPECT_EQ(translate(&own, FAR), -ENOENT);
	EXPECT_EQ(translate(&second, FAR), FAR);
	EXPECT_EQ(free_vpasid(DEVICE, FAR, second.bound), 0);
}

static void start_attached_global(void)
{
	have_global();
	EXPECT_EQ(attach_number(), 0);
}

static void clean_attached_global(void)
{
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
}

static void start_attached_device(void)
{
	have_device();
	EXPECT_EQ(attach_number(), 0);
}

static void clean_attached_device(void)
{
	EXPECT_EQ(free_vpasid(DEVICE, FAR, own.bound), 0);
}

static void start_attached_free(void)
{
	have_no_pasid();
	EXPECT_EQ(attach_number(), 0);
}

/* All sorts of what a device can have. */
static void start_all(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(GROUP, 6, own.bound, second.bound), 6);
	EXPECT_EQ(ALLOC(GROUP, FAR, own.bound), FAR);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), 7);
	EXPECT_EQ(attach_pasid(&own, translate(&own, 5)), 0);
	EXPECT_EQ(attach_pasid(&own, 6), 0);
	EXPECT_EQ(attach_pasid(&own, FAR + 1), 0);
}

static int end_own(void)
{
	return unplug(&own);
}

static void clean_own(void)
{
	plug(&own, MOCK_PASID_BITS(20));
	EXPECT_EQ(translate(&own, 6), -ENOENT);
	EXPECT_EQ(free_vpasid(GROUP, 6, second.bound), 0);
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
}

static int end_set(void)
{
	int fd = iommufd;

	iommufd = -1;
	return close(fd) ? -errno : 0;
}

static void clean_set(void)
{
	open_set();
	plug_all();
}

static void clean_nothing(void)
{
}

/**
 * struct ending - something that ends PASIDs
 * @name: for the names of tests
 * @start: makes what it ends
 * @end: returns 0 or -errno
 * @error: what it gives if a point of iommufd fails, 0 if it has none
 * @clean: ends what is left
 */
struct ending {
	const char *name;
	void (*start)(void);
	int (*end)(void);
	int error;
	void (*clean)(void);
};

static const struct ending endings[] = {
	{ "free global", start_global, free_global, 0, clean_nothing },
	{ "free group", start_group, end_group, -ENODEV, clean_group },
	{ "free device", start_device, end_device, -ENODEV, clean_device },
	{ "detach from a global number", start_attached_global, detach_number,
	  -ENOENT, clean_attached_global },
	{ "detach from a number of the device", start_attached_device,
	  detach_number, -ENOENT, clean_attached_device },
	{ "detach from a free number", start_attached_free, detach_number,
	  -ENOENT, clean_nothing },
	{ "unplug", start_all, end_own, 0, clean_own },
	{ "close", start_all, end_set, 0, clean_set },
};

static const struct ending *ending;

static struct pasid_texts ended;

static void learn_ending(void)
{
	ending->start();
	EXPECT_EQ(ending->end(), 0);
	ending->clean();
	read_texts(&without);
	ending->start();
	read_texts(&with);
	EXPECT_EQ(ending->end(), 0);
	read_texts(&ended);
	ending->clean();
	expect_texts(__LINE__, &without);
}

/* It fails only where it looks up an object, and has done nothing then. */
static bool end_with_fault(unsigned int nth, unsigned int *nr_failed)
{
	bool failed;
	int ret;

	ending->start();
	begin_faults(nth, all_later);
	ret = ending->end();
	failed = end_faults();
	if (ret) {
		(*nr_failed)++;
		EXPECT_EQ(failed, true);
		EXPECT_EQ(ret, ending->error);
		expect_texts(__LINE__, &with);
		EXPECT_EQ(ending->end(), 0);
	}
	expect_texts(__LINE__, &ended);
	ending->clean();
	expect_texts(__LINE__, &without);
	if (test_failed)
		fail_test("with allocation %u failing", nth);
	return failed;
}

static void end_does_not_fail(void)
{
	unsigned int nth, nr_failed = 0;
	bool failed = true;

	learn_ending();
	inject_faults(true);
	open_faults();
	for (nth = 1; failed && nth < MOST_POINTS && !test_failed; nth++)
		failed = end_with_fault(nth, &nr_failed);
	close_faults();
	inject_faults(false);
	say_what_failed(nth - 2, nr_failed);
	EXPECT_AT_MOST(nth, MOST_POINTS - 1);
	EXPECT_EQ(nr_failed, ending->error ? 1 : 0);
}

/* ---- all of them ---- */

#define RUN(test) run_test(#test, test, set_up, clean_up)

static void set_variant(const char *name)
{
	static char variant[64];

	snprintf(variant, sizeof(variant), "%s%s", name,
		 all_later ? ", all later too" : "");
	test_variant = variant;
}

int main(void)
{
	for (int later = 0; later < 2; later++) {
		all_later = later;
		for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
			call = &calls[i];
			set_variant(call->name);
			RUN(failing_call_leaves_nothing);
		}
		for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
			ending = &endings[i];
			set_variant(ending->name);
			RUN(end_does_not_fail);
		}
	}
	return end_tests();
}
