// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes that map and unmap the same memory at random, each through a device
 * of its own, while they are moved between cgroups, their cgroups are removed
 * and limits change; killed in the middle of it, they leave nothing.
 *
 *	racing-pins			limits come and go
 *	|-- stay
 *	`-- go0, go1, ...		removed while they have pins
 *
 * racing_pins SECONDS SEED ADDRESS...: PCI devices bound to vfio-pci. The seed
 * gives the same random numbers, not the same race.
 */
#include <time.h>

#include "ioas_vfio.h"

#define TOP "racing-pins"
#define STAY TOP "/stay"
#define SIZE (16 * MIB)
#define SLOTS 8
#define MAX_WORKERS 4

/**
 * struct worker - one process
 * @child: the process
 * @address: its device
 * @kind: its container
 * @maps: mappings made; the worker counts
 * @refusals: mappings refused
 */
struct worker {
	struct child child;
	const char *address;
	const struct container_kind *kind;
	volatile uint64_t maps;
	volatile uint64_t refusals;
};

static struct worker *workers;
static int nr_workers;
static struct worker *me;
static unsigned int seed;
static int seconds;
static int memfd;

static uint64_t random_below(uint64_t limit)
{
	return rand_r(&seed) % limit;
}

/* A part of the memory: some small, some large, few aligned. */
static uint64_t random_part(uint64_t *from)
{
	uint64_t pages = SIZE / PAGE, nr;

	nr = random_below(2) ? 1 + random_below(16) : 1 + random_below(pages);
	*from = random_below(pages - nr + 1) * PAGE;
	return nr * PAGE;
}

/* Maps and unmaps until it is killed. A slot is a range of IOVAs. */
static void work(void)
{
	uint64_t mapped[SLOTS] = {};
	char *memory = map_memfd(memfd, 0, SIZE);
	struct container c;

	enter_group(STAY);
	open_container(&c, me->kind, me->address);
	pause_here();
	for (;;) {
		int slot = random_below(SLOTS), ret;
		uint64_t iova = slot * SIZE, from, size;

		if (mapped[slot]) {
			REQUIRE(unmap(&c, iova, mapped[slot]) ==
				(int64_t)mapped[slot]);
			mapped[slot] = 0;
			continue;
		}
		size = random_part(&from);
		ret = map(&c, memory + from, iova, size);
		REQUIRE(!ret || ret == -ENOMEM);
		if (ret) {
			me->refusals++;
		} else {
			me->maps++;
			mapped[slot] = size;
		}
	}
}

/* Moves a worker, whatever it is doing. */
static void move_worker(const struct worker *worker, const char *group)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", worker->child.pid);
	REQUIRE(!write_file(group_file(group, "cgroup.procs"), pid));
}

/* A limit for some of the time: most of the memory, or next to nothing. */
static void change_limit(void)
{
	if (random_below(2))
		REQUIRE(!write_file(group_file(TOP, "ioas.pinned.max"), "max"));
	else
		set_number(TOP, "ioas.pinned.max", random_below(SIZE));
}

/*
 * Never more than there is, except for charges that are about to be refused:
 * one batch for each worker.
 */
static void expect_no_more_than_there_is(void)
{
	const int64_t most = SIZE + nr_workers * HUGE_PAGE;

	EXPECT_AT_MOST(pinned(STAY), most);
	EXPECT_AT_MOST(pinned(TOP), most);
	EXPECT_AT_MOST(0, pinned(STAY));
	EXPECT_AT_MOST(0, pinned(TOP));
}

/* A worker goes to a new cgroup, comes back, and the cgroup is removed. */
static void visit_group(int number)
{
	const struct worker *worker = &workers[random_below(nr_workers)];
	char group[64];

	snprintf(group, sizeof(group), TOP "/go%d", number);
	make_group(group);
	move_worker(worker, group);
	usleep(random_below(30000));
	move_worker(worker, STAY);
	EXPECT_EQ(remove_group(group), 0);
}

static void everything_at_once_ends_at_zero(void)
{
	int64_t before = pinned("");
	time_t end = time(NULL) + seconds;
	int visits = 0;

	make_inner_group(TOP);
	make_group(STAY);
	for (int i = 0; i < nr_workers; i++) {
		me = &workers[i];
		seed++;
		start_child(&me->child, work);
	}
	for (int i = 0; i < nr_workers; i++)
		release_child(&workers[i].child);
	while (time(NULL) < end && !test_failed) {
		change_limit();
		visit_group(visits++);
		expect_no_more_than_there_is();
	}
	for (int i = 0; i < nr_workers; i++) {
		kill_child(&workers[i].child);
		printf("# worker %d: %" PRIu64 " mappings, %" PRIu64
		       " refused\n",
		       i, workers[i].maps, workers[i].refusals);
		/* Or it was no race. */
		EXPECT_AT_MOST(10, workers[i].maps);
		EXPECT_AT_MOST(1, workers[i].refusals);
	}
	printf("# %d cgroups removed\n", visits);
	EXPECT_EQ(pinned(STAY), 0);
	EXPECT_NOTHING_PINNED(TOP);
	EXPECT_EQ(stat_of(TOP, "shared"), 0);
	EXPECT_EQ(pinned(""), before);
	EXPECT_EQ(remove_group(STAY), 0);
	EXPECT_EQ(remove_group(TOP), 0);
}

int main(int argc, char **argv)
{
	if (argc < 4 || argc - 3 > MAX_WORKERS) {
		fprintf(stderr, "usage: racing_pins SECONDS SEED ADDRESS...\n");
		return 2;
	}
	seconds = atoi(argv[1]);
	seed = atoi(argv[2]);
	printf("# seed %u\n", seed);
	nr_workers = argc - 3;
	workers = mmap(NULL, nr_workers * sizeof(*workers),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
	REQUIRE(workers != MAP_FAILED);
	for (int i = 0; i < nr_workers; i++) {
		workers[i].address = argv[i + 3];
		workers[i].kind = i % 2 ? &compat_v2 : &type1_v2;
	}
	memfd = get_memfd(SIZE);
	run_test("everything_at_once_ends_at_zero",
		 everything_at_once_ends_at_zero, NULL, NULL);
	return end_tests();
}
