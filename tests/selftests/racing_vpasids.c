// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes that allocate, translate, extend, attach to and free PASIDs at random, of
 * two iommufds that they share and of others that come and go, while devices are
 * unplugged, limits change, and cgroups are removed; killed in the middle of it, they
 * leave nothing.
 *
 *	vpasids				limits come and go
 *	`-- outer
 *	    |-- inner			the workers are in it
 *	    |-- other
 *	    `-- go0, go1, ...		removed while they have PASIDs
 *
 * Some vPASIDs are of one worker alone: no other ends them, so it knows what they have
 * to be. No number may be that of two of them where it has to be unique. Others are
 * taken, extended and freed by all workers, who know nothing of them.
 *
 * racing_vpasids SECONDS SEED: the seed gives the same random numbers, not the same
 * race.
 */
#include <sys/mman.h>
#include <time.h>

#include "ioas_pasid.h"

#define NR_SETS 2
#define NR_WORKERS 4

/* Of each worker, in the set that it shares. */
#define SLOTS 8

/* Of a set, and never unplugged: two with tables, one that takes global PASIDs. */
#define NR_STABLE 3
#define NR_TABLES 2
#define ENQCMD 2

/* Above those that are given out. */
#define NR_NUMBERS 4096

/* What a call may take where everything is slow. */
#define MOST_SECONDS 20

/* vPASIDs: for all, then some for each worker. */
#define NR_SHARED 8
#define NR_OWN 32

/**
 * struct set - an iommufd that two workers share
 * @iommufd: its file
 * @ioas: what its devices are attached to
 * @stable: devices that stay
 * @fleeting: one that is unplugged and plugged in again; what others read of it may
 *	be of the past
 * @plugging: one worker at a time does that
 * @given: by device, the numbers that workers have
 */
struct set {
	int iommufd;
	uint32_t ioas;
	struct mock_device stable[NR_STABLE];
	volatile struct mock_device fleeting;
	bool plugging;
	uint8_t given[NR_TABLES][NR_NUMBERS];
};

/**
 * struct slot - a vPASID of one worker
 * @scope: 0 if it stands for nothing
 * @vpasid: the vPASID
 * @number: what it has to be
 * @devices: a bit for each of the stable ones that have it in their table
 * @attached: the same, for those with an attachment
 */
struct slot {
	uint32_t scope;
	uint32_t vpasid;
	int number;
	unsigned int devices;
	unsigned int attached;
};

/* What workers count. */
enum count {
	ALLOCATED,
	REFUSED,
	FREED,
	ADDED,
	ATTACHED,
	UNPLUGGED,
	CLOSED,
	SHARED,
	NR_COUNTS
};

static const char *const count_names[NR_COUNTS] = {
	[ALLOCATED] = "allocated", [REFUSED] = "refused",
	[FREED] = "freed",	   [ADDED] = "added",
	[ATTACHED] = "attached",   [UNPLUGGED] = "unplugged",
	[CLOSED] = "closed",	   [SHARED] = "shared",
};

struct worker {
	struct child child;
	volatile uint64_t counts[NR_COUNTS];
};

/* In memory that all processes share. */
static struct {
	struct set sets[NR_SETS];
	struct worker workers[NR_WORKERS];
	uint8_t given[NR_NUMBERS];
} * shared;

static unsigned int seed;
static int seconds;

/* Of the worker that runs. */
static struct worker *me;
static struct set *set;
static uint32_t first_vpasid;
static struct slot slots[SLOTS];
static struct mock_device private;
static bool has_private;

static uint64_t random_below(uint64_t limit)
{
	return rand_r(&seed) % limit;
}

static void count(enum count what)
{
	me->counts[what]++;
}

/* What may be refused for lack of quota; anything else that fails ends the worker. */
static bool is_refused(int ret)
{
	if (ret == -EDQUOT)
		count(REFUSED);
	return ret == -EDQUOT;
}

static void require_one_of(int ret, int a, int b, int c, int d)
{
	if (ret < 0 && ret != a && ret != b && ret != c && ret != d) {
		fail_test("%s", strerror(-ret));
		_exit(1);
	}
}

/* ---- numbers that are given out ---- */

/* They are noted after they were got, and struck out before they are given back. */
static void note(uint8_t *given, int number)
{
	if (number < NR_NUMBERS)
		REQUIRE(!__atomic_exchange_n(&given[number], 1,
					     __ATOMIC_SEQ_CST));
}

static void strike_out(uint8_t *given, int number)
{
	if (number < NR_NUMBERS)
		REQUIRE(__atomic_exchange_n(&given[number], 0,
					    __ATOMIC_SEQ_CST));
}

static void expect_not_given(const uint8_t *given, int number)
{
	if (number < NR_NUMBERS)
		REQUIRE(!__atomic_load_n(&given[number], __ATOMIC_SEQ_CST));
}

/* What is global may be nobody's else; what is a device's may not be global. */
static void note_slot(const struct slot *slot)
{
	if (slot->scope == GLOBAL) {
		note(shared->given, slot->number);
		for (int i = 0; i < NR_SETS; i++)
			for (int j = 0; j < NR_TABLES; j++)
				expect_not_given(shared->sets[i].given[j],
						 slot->number);
		return;
	}
	for (int i = 0; i < NR_TABLES; i++)
		if (slot->devices & 1 << i)
			note(set->given[i], slot->number);
	expect_not_given(shared->given, slot->number);
}

static void strike_out_slot(const struct slot *slot)
{
	if (slot->scope == GLOBAL)
		strike_out(shared->given, slot->number);
	for (int i = 0; i < NR_TABLES; i++)
		if (slot->devices & 1 << i)
			strike_out(set->given[i], slot->number);
}

/* ---- vPASIDs of one worker ---- */

/* Of the stable devices that translate it. */
static bool is_valid_on(const struct slot *slot, int device)
{
	return slot->scope == GLOBAL || slot->devices & 1 << device;
}

static void look_up(const struct slot *slot)
{
	for (int i = 0; i < NR_STABLE; i++)
		REQUIRE(translate(&set->stable[i], slot->vpasid) ==
			(is_valid_on(slot, i) ? slot->number : -ENOENT));
}

static int alloc_slot(const struct slot *slot)
{
	const struct mock_device *stable = set->stable;

	if (slot->scope == GLOBAL)
		return ALLOC(GLOBAL, slot->vpasid, stable[ENQCMD].bound);
	if (slot->devices == 3)
		return ALLOC(GROUP, slot->vpasid, stable[0].bound,
			     stable[1].bound);
	return ALLOC(slot->scope, slot->vpasid,
		     stable[slot->devices - 1].bound);
}

static void fill(struct slot *slot)
{
	int ret;

	slot->scope = GLOBAL + random_below(3);
	slot->devices = 0;
	if (slot->scope == GROUP)
		slot->devices = 1 + random_below(3);
	if (slot->scope == DEVICE)
		slot->devices = 1 + random_below(2);
	ret = alloc_slot(slot);
	if (is_refused(ret)) {
		slot->scope = 0;
		return;
	}
	REQUIRE(ret == (int)slot->vpasid);
	slot->number =
		translate(&set->stable[slot->devices == 2], slot->vpasid);
	REQUIRE(slot->number > 0);
	note_slot(slot);
	look_up(slot);
	count(ALLOCATED);
}

/* To the second device; the number may be taken there. */
static void extend(struct slot *slot)
{
	int ret;

	if (slot->scope != GROUP || slot->devices != 1)
		return;
	ret = add_to_group(slot->vpasid, &set->stable[0], &set->stable[1]);
	if (is_refused(ret) || ret == -EBUSY)
		return;
	REQUIRE(!ret);
	note(set->given[1], slot->number);
	slot->devices = 3;
	look_up(slot);
	count(ADDED);
}

static void attach_or_detach(struct slot *slot)
{
	int device = random_below(NR_STABLE), ret;

	if (!is_valid_on(slot, device))
		return;
	if (slot->attached & 1 << device) {
		REQUIRE(!detach_pasid(&set->stable[device], slot->number));
		slot->attached &= ~(1 << device);
		return;
	}
	ret = attach_pasid(&set->stable[device], slot->number);
	if (is_refused(ret))
		return;
	REQUIRE(!ret);
	slot->attached |= 1 << device;
	count(ATTACHED);
}

static void detach_all(struct slot *slot)
{
	for (int i = 0; i < NR_STABLE; i++)
		if (slot->attached & 1 << i)
			REQUIRE(!detach_pasid(&set->stable[i], slot->number));
	slot->attached = 0;
}

/* The number is taken for as long as something is attached to it. */
static void clear(struct slot *slot)
{
	const struct mock_device *member = &set->stable[slot->devices == 2];
	uint32_t id = slot->scope == GLOBAL ? 0 : member->bound;

	if (random_below(2))
		detach_all(slot);
	if (!slot->attached)
		strike_out_slot(slot);
	REQUIRE(!free_vpasid(slot->scope, slot->vpasid, id));
	REQUIRE(translate(member, slot->vpasid) == -ENOENT);
	if (slot->attached) {
		strike_out_slot(slot);
		detach_all(slot);
	}
	slot->scope = 0;
	count(FREED);
}

static void use_slot(void)
{
	struct slot *slot = &slots[random_below(SLOTS)];

	if (!slot->scope) {
		fill(slot);
		return;
	}
	look_up(slot);
	switch (random_below(4)) {
	case 0:
		extend(slot);
		break;
	case 1:
	case 2:
		attach_or_detach(slot);
		break;
	default:
		clear(slot);
	}
}

/* ---- vPASIDs and devices that all workers use ---- */

static struct mock_device some_device(void)
{
	uint64_t i = random_below(NR_STABLE + 2);

	if (i < NR_STABLE)
		return set->stable[i];
	return (struct mock_device){ set->fleeting.id, set->fleeting.bound };
}

static void use_shared(void)
{
	const struct mock_device one = some_device(), two = some_device();
	uint32_t vpasid = 1 + random_below(NR_SHARED);
	uint32_t scope = GLOBAL + random_below(3);
	int ret;

	for (int i = 0; i < 10; i++)
		require_one_of(translate(&one, vpasid), -ENOENT, -ERANGE, 0, 0);
	switch (random_below(4)) {
	case 0:
		ret = ALLOC(scope, vpasid, one.bound);
		break;
	case 1:
		ret = ALLOC(GROUP, vpasid, one.bound, two.bound);
		/* Of two that are one. */
		if (ret == -EINVAL)
			ret = 0;
		break;
	case 2:
		ret = add_to_group(vpasid, &one, &two);
		if (ret == -ENOENT || ret == -EBUSY || ret == -ERANGE)
			ret = 0;
		break;
	default:
		ret = free_vpasid(scope, vpasid,
				  scope == GLOBAL ? 0 : one.bound);
		if (ret == -ENOENT)
			ret = 0;
	}
	if (!is_refused(ret))
		require_one_of(ret, -EEXIST, -ENODEV, -EOPNOTSUPP, 0);
	count(SHARED);
}

/* What is looked up by an ID of the past may be this one. */
static void unplug_soon(const struct mock_device *device)
{
	int ret;

	do
		ret = unplug(device);
	while (ret == -EBUSY);
	REQUIRE(!ret);
	count(UNPLUGGED);
}

static void replug(void)
{
	struct mock_device device;

	if (__atomic_exchange_n(&set->plugging, true, __ATOMIC_ACQUIRE))
		return;
	device = (struct mock_device){ set->fleeting.id, set->fleeting.bound };
	unplug_soon(&device);
	plug(&device, MOCK_PASID_BITS(20));
	set->fleeting.id = device.id;
	set->fleeting.bound = device.bound;
	__atomic_store_n(&set->plugging, false, __ATOMIC_RELEASE);
}

/* ---- devices and iommufds of one worker ---- */

/* It joins the groups that it can, and is attached to what it has. */
static void plug_private(void)
{
	uint32_t vpasid = first_vpasid + SLOTS;
	int ret;

	plug(&private, MOCK_PASID_BITS(20));
	has_private = true;
	for (int i = 0; i < SLOTS; i++) {
		struct slot *slot = &slots[i];

		if (slot->scope != GROUP)
			continue;
		ret = add_to_group(slot->vpasid,
				   &set->stable[slot->devices == 2], &private);
		if (is_refused(ret) || ret == -EBUSY)
			continue;
		REQUIRE(!ret);
		REQUIRE(translate(&private, slot->vpasid) == slot->number);
		count(ADDED);
	}
	ret = ALLOC(DEVICE, vpasid, private.bound);
	if (is_refused(ret))
		return;
	REQUIRE(ret == (int)vpasid);
	REQUIRE(!attach_pasid(&private, translate(&private, vpasid)));
	require_one_of(attach_pasid(&private, 1000000), -EDQUOT, 0, 0, 0);
}

static void use_private(void)
{
	if (!has_private) {
		plug_private();
		return;
	}
	unplug_soon(&private);
	has_private = false;
}

/* Whose it is depends on where the worker is. */
static void use_iommufd_of_my_own(void)
{
	int first_iommufd = iommufd, ret;
	uint32_t first_ioas = ioas;

	open_set();
	plug(&own, MOCK_PASID_BITS(20));
	plug(&second, MOCK_PASID_BITS(20));
	ret = ALLOC(GLOBAL, 1, own.bound);
	if (!is_refused(ret)) {
		REQUIRE(ret == 1);
		ret = attach_pasid(&second, translate(&own, 1));
		require_one_of(ret, -EDQUOT, 0, 0, 0);
	}
	ret = ALLOC(GROUP, 2, own.bound, second.bound);
	if (!is_refused(ret))
		REQUIRE(translate(&own, 2) == translate(&second, 2));
	require_one_of(ALLOC(DEVICE, 3, own.bound), -EDQUOT, 0, 0, 0);
	if (random_below(2))
		REQUIRE(!unplug(&own));
	close_set();
	iommufd = first_iommufd;
	ioas = first_ioas;
	count(CLOSED);
}

/* ---- workers ---- */

/* Until it is killed. */
static void work(void)
{
	int number = me - shared->workers;

	set = &shared->sets[number % NR_SETS];
	iommufd = set->iommufd;
	ioas = set->ioas;
	first_vpasid = 1 + NR_SHARED + number * NR_OWN;
	for (int i = 0; i < SLOTS; i++)
		slots[i].vpasid = first_vpasid + i;
	pause_here();
	for (;;) {
		switch (random_below(16)) {
		case 0:
			replug();
			break;
		case 1:
			use_private();
			break;
		case 2:
			use_iommufd_of_my_own();
			break;
		case 3:
		case 4:
		case 5:
		case 6:
			use_shared();
			break;
		default:
			use_slot();
		}
	}
}

static void start_worker(int number)
{
	me = &shared->workers[number];
	seed++;
	start_child(&me->child, work);
}

/* Kills it wherever it is. iommufd has a wait that ends after a minute. */
static void end_worker(int number)
{
	struct worker *worker = &shared->workers[number];
	time_t start = time(NULL);

	kill_child(&worker->child);
	EXPECT_AT_MOST(time(NULL) - start, MOST_SECONDS);
	printf("# worker %d:", number);
	for (int i = 0; i < NR_COUNTS; i++)
		printf(" %" PRIu64 " %s", worker->counts[i], count_names[i]);
	printf("\n");
	/* Or it was no race. */
	for (int i = 0; i < NR_COUNTS; i++)
		if (!worker->counts[i])
			fail_test("worker %d: none %s", number, count_names[i]);
}

/* ---- what happens around them ---- */

static void change_limit(void)
{
	const char *key = random_below(2) ? "global" : "device";
	char value[16] = "max";

	if (random_below(2))
		snprintf(value, sizeof(value), "%" PRIu64, random_below(24));
	limit_pasids(random_below(2) ? TOP : INNER, key, value);
}

static void move_worker(const struct worker *worker, const char *group)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", worker->child.pid);
	REQUIRE(!write_file(group_file(group, "cgroup.procs"), pid));
}

/* A worker goes to a new cgroup, comes back, and the cgroup is removed. */
static void visit_group(int number)
{
	const struct worker *worker =
		&shared->workers[random_below(NR_WORKERS)];
	char group[64];

	snprintf(group, sizeof(group), OUTER "/go%d", number);
	make_group(group);
	move_worker(worker, group);
	usleep(random_below(30000));
	move_worker(worker, INNER);
	EXPECT_EQ(remove_group(group), 0);
}

static void expect_no_less_than_nothing(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		EXPECT_AT_MOST(0, pasids_of(groups[i], "global"));
		EXPECT_AT_MOST(0, pasids_of(groups[i], "device"));
	}
}

/* In the cgroup of the caller, which is charged for all of it from now on. */
static void make_set(struct set *new)
{
	struct mock_device device;

	open_set();
	new->iommufd = iommufd;
	new->ioas = ioas;
	for (int i = 0; i < NR_TABLES; i++)
		plug(&new->stable[i], MOCK_PASID_BITS(20));
	plug(&new->stable[ENQCMD],
	     MOCK_PASID_BITS(20) | MOCK_FLAGS_DEVICE_ENQCMD);
	plug(&device, MOCK_PASID_BITS(20));
	new->fleeting.id = device.id;
	new->fleeting.bound = device.bound;
	REQUIRE(ALLOC(GLOBAL, 1) == 1);
	REQUIRE(!free_vpasid(GLOBAL, 1, 0));
}

/* A worker that ends by itself is found when it is to be killed. */
static void everything_at_once_ends_at_zero(void)
{
	time_t end = time(NULL) + seconds;
	int visits = 0;

	enter_group(INNER);
	for (int i = 0; i < NR_SETS; i++)
		make_set(&shared->sets[i]);
	for (int i = 0; i < NR_WORKERS; i++)
		start_worker(i);
	for (int i = 0; i < NR_WORKERS; i++)
		release_child(&shared->workers[i].child);
	while (time(NULL) < end && !test_failed) {
		change_limit();
		visit_group(visits++);
		expect_no_less_than_nothing();
	}
	for (int i = 0; i < NR_WORKERS; i++)
		end_worker(i);
	printf("# %d cgroups removed\n", visits);
	/* What they shared is there until now, and charged. */
	EXPECT_AT_MOST(1,
		       pasids_of(INNER, "global") + pasids_of(INNER, "device"));
	for (int i = 0; i < NR_SETS; i++)
		REQUIRE(!close(shared->sets[i].iommufd));
	EXPECT_CHARGED(0, 0);
}

/* ---- a device goes while it is used ---- */

/* Until it has gone. Most of the time, a free waits. */
static void allocate_and_free(void)
{
	int ret = 0;

	pause_here();
	while (ret != -ENODEV) {
		ret = ALLOC(GROUP, 5, own.bound, second.bound);
		if (ret == 5)
			ret = free_vpasid(GROUP, 5, own.bound);
		require_one_of(ret, -ENODEV, 0, 0, 0);
	}
}

static void unplug_beside_a_user(void)
{
	struct child child;
	time_t start;

	plug(&own, MOCK_PASID_BITS(20));
	start_child(&child, allocate_and_free);
	release_child(&child);
	usleep(random_below(50000));
	start = time(NULL);
	REQUIRE(!unplug(&own));
	EXPECT_AT_MOST(time(NULL) - start, MOST_SECONDS);
	EXPECT_EQ(reap_child(&child), 0);
	/* The group goes on with the other device, if it was there just then. */
	require_one_of(free_vpasid(GROUP, 5, second.bound), -ENOENT, 0, 0, 0);
	EXPECT_CHARGED(0, 0);
}

static void unplug_waits_for_a_call_and_no_longer(void)
{
	enter_group(INNER);
	open_set();
	plug(&second, MOCK_PASID_BITS(20));
	for (int i = 0; i < 10 && !test_failed; i++)
		unplug_beside_a_user();
	close_set();
}

#define RUN(test) run_test(#test, test, make_groups, remove_groups)

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: racing_vpasids SECONDS SEED\n");
		return 2;
	}
	seconds = atoi(argv[1]);
	seed = atoi(argv[2]);
	printf("# seed %u\n", seed);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	RUN(unplug_waits_for_a_call_and_no_longer);
	RUN(everything_at_once_ends_at_zero);
	return end_tests();
}
