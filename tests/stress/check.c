// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The truth, from the tables of the workers, and whether the kernel says the same.
 *
 * It is slow and plain: for each cgroup, how many pins each page has from its
 * subtree.  While all workers are stopped nothing changes but what the kernel
 * releases late (a closed ring, the last reference of a killed process).  So the
 * numbers have to be right in the end, and stay wrong if something was lost.
 */
#include <time.h>

#include "stress.h"

/* On a slow machine with lockdep. */
#define SETTLED_SECONDS 90

static const char *const kinds[] = { "vfio", "iommufd",	 "vdpa",   "rdma",
				     "xdp",  "io_uring", "dmabuf", "vduse",
				     "kvm",  "other" };

#define NR_KINDS ARRAY_SIZE(kinds)

/* The last one is the root. */
#define NR_CHECKED (NR_GROUPS + 1)
#define ROOT NR_GROUPS

enum number {
	CURRENT,
	UNIQUE,
	GROSS,
	SHARED,
	ACCOUNTS,
	KIND,
	NR_NUMBERS = KIND + NR_KINDS
};

/**
 * struct numbers - of a cgroup
 * @of: the numbers: bytes, but for the accounts
 */
struct numbers {
	int64_t of[NR_NUMBERS];
};

static struct numbers expected[NR_CHECKED], found[NR_CHECKED], start;

/* Pins of each page: in all, and from each subtree. */
static uint32_t *pins_in_all;
static uint32_t *pins_from[NR_GROUPS];

static const char *path_of(uint32_t group)
{
	return group == ROOT ? "" : groups[group].path;
}

static bool is_checked(uint32_t group)
{
	return group == ROOT || groups[group].owner;
}

static const char *number_name(int number)
{
	static const char *const names[] = { "ioas.pinned.current", "unique",
					     "gross", "shared", "accounts" };

	return number < KIND ? names[number] : kinds[number - KIND];
}

/* ---- the truth ---- */

static int kind_of(const struct hold *hold)
{
	for (size_t i = 0; i < NR_KINDS; i++)
		if (!strcmp(kinds[i], sites[hold->site]->kind))
			return i;
	REQUIRE(!"a known kind");
	return 0;
}

static void add_range(uint32_t group, const struct hold *hold,
		      const struct range *range)
{
	uint32_t first = memories[range->memory].first + range->first;
	uint32_t *pins = group == ROOT ? pins_in_all : pins_from[group];

	for (uint32_t i = 0; i < range->nr; i++)
		pins[first + i]++;
	expected[group].of[GROSS] += range->nr * PAGE;
	expected[group].of[KIND + kind_of(hold)] += range->nr * PAGE;
}

static void add_hold(uint32_t group, const struct hold *hold)
{
	for (uint32_t i = 0; i < hold->nr_ranges; i++)
		add_range(group, hold, &hold->range[i]);
	/* Each site makes an account for each thing that it pins. */
	expected[group].of[ACCOUNTS]++;
}

/* To all who are there above those who pay. */
static void add_to_all(const struct hold *hold)
{
	uint32_t owner;

	add_hold(ROOT, hold);
	for (owner = hold->owner; owner != ROOT_OWNER;
	     owner = run->owner[owner].parent)
		if (run->owner[owner].alive)
			add_hold(run->owner[owner].group, hold);
}

static void clear_truth(void)
{
	size_t size = nr_pages_in_all * sizeof(uint32_t);

	memset(expected, 0, sizeof(expected));
	if (!pins_in_all)
		REQUIRE((pins_in_all = malloc(size)));
	memset(pins_in_all, 0, size);
	for (int i = 0; i < NR_GROUPS; i++) {
		if (!pins_from[i])
			REQUIRE((pins_from[i] = malloc(size)));
		memset(pins_from[i], 0, size);
	}
}

static void count_unique(uint32_t group)
{
	struct numbers *numbers = &expected[group];

	for (uint32_t page = 0; page < nr_pages_in_all; page++) {
		uint32_t all = pins_in_all[page];
		uint32_t here = group == ROOT ? all : pins_from[group][page];

		numbers->of[UNIQUE] += here ? PAGE : 0;
		numbers->of[SHARED] += here && all > here ? PAGE : 0;
	}
	numbers->of[CURRENT] = numbers->of[UNIQUE];
}

static void find_truth(void)
{
	bool forget = run->forget;

	clear_truth();
	for (int i = 0; i < NR_WORKERS; i++) {
		for (int j = 0; j < NR_HOLDS; j++) {
			const struct hold *hold = &run->worker[i].holds[j];

			if (!hold->used)
				continue;
			if (!forget)
				add_to_all(hold);
			forget = false;
		}
	}
	for (uint32_t i = 0; i < NR_CHECKED; i++)
		count_unique(i);
	for (int i = 0; i < NR_NUMBERS; i++)
		expected[ROOT].of[i] += start.of[i];
}

/* ---- the kernel ---- */

static void read_numbers(const char *path, struct numbers *numbers)
{
	char text[1024];

	REQUIRE(read_file(group_file(path, "ioas.stat"), text, sizeof(text)) >
		0);
	for (int i = UNIQUE; i < NR_NUMBERS; i++)
		numbers->of[i] = find_key(text, number_name(i));
	numbers->of[CURRENT] = pinned(path);
}

static bool is_right(uint32_t group)
{
	const struct numbers *want = &expected[group];

	read_numbers(path_of(group), &found[group]);
	return !memcmp(want, &found[group], sizeof(*want));
}

static bool all_right(void)
{
	for (uint32_t i = 0; i < NR_CHECKED; i++)
		if (is_checked(i) && !is_right(i))
			return false;
	return true;
}

static bool settle(void)
{
	time_t end = time(NULL) + SETTLED_SECONDS;

	while (!all_right()) {
		if (time(NULL) >= end)
			return false;
		usleep(20000);
	}
	return true;
}

/* ---- a report ---- */

static void print_range(const struct range *range)
{
	printf("%s %u+%u", memories[range->memory].name, range->first,
	       range->nr);
}

static void print_operation(const struct operation *op)
{
	printf("#     %" PRIu64 ": %s, %s", op->number, sites[op->site]->name,
	       op->what);
	if (op->hold >= 0) {
		printf(", hold %d: ", op->hold);
		print_range(&op->range);
	}
	printf(", owner %u", op->owner);
	if (op->nth)
		printf(", allocation %u fails%s", op->nth,
		       op->failed ? "" : " (not reached)");
	printf(": %s\n", op->result > 0 ? "not finished" :
			 op->result	? strerror(-op->result) :
					  "done");
}

/* Whether a place is wrong in what a site pins, if it is in one kind at all. */
static bool is_suspect(uint32_t group, enum site_id site)
{
	bool any = false;

	for (int i = KIND; i < NR_NUMBERS; i++) {
		if (expected[group].of[i] == found[group].of[i])
			continue;
		if (!strcmp(number_name(i), sites[site]->kind))
			return true;
		any = true;
	}
	return !any;
}

/* What a worker did last, if it can have to do with what is wrong. */
static void print_worker(const struct worker *worker, uint32_t group,
			 uint32_t owner)
{
	uint64_t first = worker->nr_logged > NR_LOGGED ?
				 worker->nr_logged - NR_LOGGED :
				 0;

	printf("#   worker %u, life %u, pid %d, in %s\n", worker->number,
	       worker->life, worker->pid, groups[worker->group].path);
	for (uint64_t i = first; i < worker->nr_logged; i++) {
		const struct operation *op = &worker->log[i % NR_LOGGED];

		if (is_suspect(group, op->site) && is_below(op->owner, owner))
			print_operation(op);
	}
}

static void print_holds(const struct worker *worker, uint32_t group,
			uint32_t owner)
{
	for (int i = 0; i < NR_HOLDS; i++) {
		const struct hold *hold = &worker->holds[i];

		if (!hold->used || !is_suspect(group, hold->site) ||
		    !is_below(hold->owner, owner))
			continue;
		printf("#   worker %u, hold %d: %s, owner %u:", worker->number,
		       i, sites[hold->site]->name, hold->owner);
		for (uint32_t j = 0; j < hold->nr_ranges; j++) {
			printf(" ");
			print_range(&hold->range[j]);
		}
		printf("\n");
	}
}

/* Wrong in what is pinned from there, not only in what others pin as well. */
static bool is_wrong_itself(uint32_t group)
{
	for (int i = 0; i < NR_NUMBERS; i++)
		if (i != SHARED && expected[group].of[i] != found[group].of[i])
			return true;
	return false;
}

/* The deepest place that is wrong: it has to do with the fewest workers. */
static uint32_t wrong_place(void)
{
	for (uint32_t i = NR_GROUPS; i-- > 0;)
		if (is_checked(i) && !is_right(i) && is_wrong_itself(i))
			return i;
	return ROOT;
}

static void report(void)
{
	uint32_t deepest = wrong_place(), owner;

	printf("# seed %u, check %" PRIu64 ": wrong after %d seconds\n",
	       run->seed, events.checks, SETTLED_SECONDS);
	for (uint32_t i = 0; i < NR_CHECKED; i++) {
		if (!is_checked(i) || is_right(i))
			continue;
		for (int j = 0; j < NR_NUMBERS; j++) {
			if (expected[i].of[j] == found[i].of[j])
				continue;
			printf("# /%s: %s: expected %" PRId64 ", found %" PRId64
			       " (%+" PRId64 ")\n",
			       path_of(i), number_name(j), expected[i].of[j],
			       found[i].of[j],
			       found[i].of[j] - expected[i].of[j]);
		}
	}
	owner = deepest == ROOT ? ROOT_OWNER : groups[deepest].owner;
	printf("# what was last done that can have to do with /%s:\n",
	       path_of(deepest));
	for (int i = 0; i < NR_WORKERS; i++)
		print_worker(&run->worker[i], deepest, owner);
	printf("# what is held there:\n");
	for (int i = 0; i < NR_WORKERS; i++)
		print_holds(&run->worker[i], deepest, owner);
	fflush(stdout);
}

/* ---- for main.c ---- */

/* While all workers are stopped, or there are none. */
bool check_all(void)
{
	bool right;

	find_truth();
	events.checks++;
	right = settle();
	if (!right)
		report();
	for (uint32_t i = 0; i < NR_CHECKED; i++)
		events.compared += is_checked(i);
	return right;
}

/* Before anything is pinned. */
void note_start(void)
{
	read_numbers("", &start);
}

/* When there is no worker any more: nothing is held, nor an account. */
bool check_root_is_back(void)
{
	time_t end = time(NULL) + SETTLED_SECONDS;
	struct numbers now;

	do {
		usleep(20000);
		read_numbers("", &now);
	} while (memcmp(&now, &start, sizeof(now)) && time(NULL) < end);
	for (int i = 0; i < NR_NUMBERS; i++)
		expect(__LINE__, number_name(i), now.of[i], "",
		       now.of[i] == start.of[i], start.of[i]);
	return !memcmp(&now, &start, sizeof(now));
}
