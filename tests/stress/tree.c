// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tree of cgroups, and what the coordinator does to it and to the workers:
 *
 *	stress			level 0
 *	|-- 1, 2, 3		level 1, each with three of level 2, each with three
 *	...			of level 3, where the workers are
 *
 * A place in the tree is the owner of pins from its mkdir to its rmdir, and another
 * one after the next mkdir.  Pins of an owner that is gone count in those above it.
 */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

#include "stress.h"

#define LEAF_LEVEL 3
#define FANOUT 3
/* Pins of killed workers may keep a cgroup busy for a moment. */
#define BUSY_SECONDS 30

struct group groups[NR_GROUPS];
struct events events;

/* ---- owners ---- */

static uint32_t new_owner(uint32_t parent, uint32_t group)
{
	uint32_t owner = run->nr_owners++;

	REQUIRE(owner < MAX_OWNERS);
	run->owner[owner] = (struct owner){
		.parent = parent,
		.group = group,
		.alive = true,
	};
	return owner;
}

static uint32_t parent_owner(uint32_t group)
{
	return group ? groups[groups[group].parent].owner : ROOT_OWNER;
}

/* Whether an owner is an ancestor of another one, or the same. */
bool is_below(uint32_t owner, uint32_t ancestor)
{
	for (; owner != ancestor; owner = run->owner[owner].parent)
		if (owner == ROOT_OWNER)
			return false;
	return true;
}

/* ---- stopping workers ---- */

static bool is_dead(const struct worker *worker)
{
	int status;

	if (waitpid(worker->pid, &status, WNOHANG) != worker->pid)
		return false;
	printf("# worker %u ended by itself: status %#x\n", worker->number,
	       status);
	return true;
}

static void ask_to_stop(struct worker *worker)
{
	worker->request++;
}

static void await_stop(struct worker *worker)
{
	const struct timespec slice = { .tv_nsec = 100000000 };
	uint32_t ack;

	while ((ack = worker->ack) != worker->request) {
		REQUIRE(!is_dead(worker));
		syscall(SYS_futex, &worker->ack, FUTEX_WAIT, ack, &slice, NULL,
			0);
	}
}

static void stop_worker(struct worker *worker)
{
	ask_to_stop(worker);
	await_stop(worker);
}

static void resume_worker(struct worker *worker)
{
	worker->request++;
	syscall(SYS_futex, &worker->request, FUTEX_WAKE, INT_MAX, NULL, NULL,
		0);
}

void stop_workers(void)
{
	for (int i = 0; i < NR_WORKERS; i++)
		ask_to_stop(&run->worker[i]);
	for (int i = 0; i < NR_WORKERS; i++)
		await_stop(&run->worker[i]);
}

void resume_workers(void)
{
	for (int i = 0; i < NR_WORKERS; i++)
		resume_worker(&run->worker[i]);
}

/* ---- places ---- */

static bool is_inside(uint32_t group, uint32_t top)
{
	while (group > top)
		group = groups[group].parent;
	return group == top;
}

static bool is_leaf(uint32_t group)
{
	return groups[group].level == LEAF_LEVEL;
}

/* A leaf that is there, and not below another place; or 0. */
static uint32_t random_leaf_outside(uint32_t top)
{
	uint32_t leaves[NR_GROUPS], nr = 0;

	for (uint32_t i = 0; i < NR_GROUPS; i++)
		if (groups[i].owner && is_leaf(i) && !is_inside(i, top))
			leaves[nr++] = i;
	return nr ? leaves[random_below(nr)] : 0;
}

/* The top itself is never a leaf, and nothing is outside of it but there. */
static uint32_t random_leaf(void)
{
	return random_leaf_outside(NR_GROUPS);
}

static uint32_t random_group(void)
{
	uint32_t group;

	do
		group = random_below(NR_GROUPS);
	while (!groups[group].owner);
	return group;
}

static void switch_controller(uint32_t group, const char *how)
{
	REQUIRE(!write_file(
		group_file(groups[group].path, "cgroup.subtree_control"), how));
}

static void make_place(uint32_t group)
{
	make_group(groups[group].path);
	if (!is_leaf(group))
		switch_controller(group, "+ioas");
	groups[group].owner = new_owner(parent_owner(group), group);
}

/* Places come before those below them, in the array. */
static void make_places(uint32_t top)
{
	for (uint32_t i = top; i < NR_GROUPS; i++) {
		if (!is_inside(i, top))
			continue;
		make_place(i);
		events.mkdirs++;
	}
}

static void remove_place(uint32_t group)
{
	time_t end = time(NULL) + BUSY_SECONDS;
	int ret;

	events.rmdirs_pinned += pinned(groups[group].path) > 0;
	while ((ret = remove_group(groups[group].path)) == -EBUSY &&
	       time(NULL) < end)
		usleep(1000);
	if (ret) {
		printf("# rmdir %s: %s\n", groups[group].path, strerror(-ret));
		REQUIRE(!ret);
	}
	run->owner[groups[group].owner].alive = false;
	groups[group].owner = 0;
	events.rmdirs++;
}

static void remove_places(uint32_t top)
{
	for (uint32_t i = NR_GROUPS; i-- > top;)
		if (groups[i].owner && is_inside(i, top))
			remove_place(i);
}

void make_tree(void)
{
	run->owner[ROOT_OWNER].alive = true;
	run->nr_owners = 1;
	for (uint32_t i = 0; i < NR_GROUPS; i++) {
		struct group *group = &groups[i];
		const struct group *parent;

		group->parent = i ? (i - 1) / FANOUT : 0;
		parent = &groups[group->parent];
		group->level = i ? parent->level + 1 : 0;
		if (i)
			snprintf(group->path, sizeof(group->path), "%.50s/%u",
				 parent->path, i);
		else
			strcpy(group->path, TOP);
	}
	make_places(0);
}

void remove_tree(void)
{
	remove_places(0);
}

/* ---- workers ---- */

static void put_into(struct worker *worker, uint32_t group)
{
	worker->group = group;
	worker->owner = groups[group].owner;
}

static void start_worker(struct worker *worker)
{
	pid_t pid;

	memset(worker->holds, 0, sizeof(worker->holds));
	worker->retire = false;
	worker->life++;
	worker->ipc_lock = one_in(2);
	put_into(worker, random_leaf());
	fflush(stdout);
	pid = fork();
	REQUIRE(pid >= 0);
	if (!pid) {
		me = worker;
		work();
	}
	worker->pid = pid;
}

void start_workers(void)
{
	for (unsigned int i = 0; i < NR_WORKERS; i++) {
		run->worker[i].number = i;
		start_worker(&run->worker[i]);
	}
}

static void reap_worker(struct worker *worker, int expected)
{
	int status;

	REQUIRE(waitpid(worker->pid, &status, 0) == worker->pid);
	if (status != expected) {
		printf("# worker %u ended with status %#x instead of %#x\n",
		       worker->number, status, expected);
		REQUIRE(status == expected);
	}
	/* What it held is gone, or goes soon. */
	memset(worker->holds, 0, sizeof(worker->holds));
}

/* Stopped workers go on, to release everything. */
void retire_workers(void)
{
	for (int i = 0; i < NR_WORKERS; i++)
		run->worker[i].retire = true;
	resume_workers();
	for (int i = 0; i < NR_WORKERS; i++)
		reap_worker(&run->worker[i], 0);
}

static struct worker *random_worker(void)
{
	return &run->worker[random_below(NR_WORKERS)];
}

/* Moves a worker that is stopped. */
static void move_stopped(struct worker *worker, uint32_t group)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", worker->pid);
	REQUIRE(!write_file(group_file(groups[group].path, "cgroup.procs"),
			    pid));
	put_into(worker, group);
	events.moves++;
}

static void stop_workers_inside(uint32_t top)
{
	for (int i = 0; i < NR_WORKERS; i++)
		if (is_inside(run->worker[i].group, top))
			ask_to_stop(&run->worker[i]);
	for (int i = 0; i < NR_WORKERS; i++)
		if (is_inside(run->worker[i].group, top))
			await_stop(&run->worker[i]);
}

/* ---- what happens to them ---- */

static void move(void)
{
	struct worker *worker = random_worker();

	stop_worker(worker);
	move_stopped(worker, random_leaf());
	resume_worker(worker);
}

static void kill_worker(void)
{
	struct worker *worker = random_worker();

	REQUIRE(!kill(worker->pid, SIGKILL));
	reap_worker(worker, SIGKILL);
	start_worker(worker);
	events.kills++;
}

static void retire_worker(void)
{
	struct worker *worker = random_worker();

	worker->retire = true;
	reap_worker(worker, 0);
	start_worker(worker);
	events.retirements++;
}

/* A cgroup goes, with all that is below it, whatever has pins there. */
static void remove_some(void)
{
	uint32_t top = random_group();

	/* More small ones than large ones. */
	if (!top || (groups[top].level == 1 && !one_in(4)))
		return;
	if (!random_leaf_outside(top))
		return;
	for (int i = 0; i < NR_WORKERS; i++) {
		struct worker *worker = &run->worker[i];

		if (!is_inside(worker->group, top))
			continue;
		stop_worker(worker);
		move_stopped(worker, random_leaf_outside(top));
		resume_worker(worker);
	}
	remove_places(top);
	if (one_in(2))
		make_places(top);
}

/* One that was removed comes back, empty. */
static void make_some(void)
{
	uint32_t start = random_below(NR_GROUPS);

	for (uint32_t i = 0; i < NR_GROUPS; i++) {
		uint32_t group = (start + i) % NR_GROUPS;

		if (groups[group].owner || !parent_owner(group))
			continue;
		make_places(group);
		return;
	}
}

static void controller_off(uint32_t top)
{
	for (uint32_t i = NR_GROUPS; i-- > top;)
		if (groups[i].owner && !is_leaf(i) && is_inside(i, top))
			switch_controller(i, "-ioas");
}

/* What is below starts anew. */
static void controller_on(uint32_t top)
{
	for (uint32_t i = top; i < NR_GROUPS; i++) {
		if (!groups[i].owner || !is_inside(i, top))
			continue;
		if (i != top) {
			run->owner[groups[i].owner].alive = false;
			groups[i].owner = new_owner(parent_owner(i), i);
		}
		if (!is_leaf(i))
			switch_controller(i, "+ioas");
	}
}

static void switch_off_and_on(void)
{
	uint32_t top = random_group();

	if (!top || is_leaf(top))
		return;
	stop_workers_inside(top);
	controller_off(top);
	controller_on(top);
	for (int i = 0; i < NR_WORKERS; i++) {
		struct worker *worker = &run->worker[i];

		if (!is_inside(worker->group, top))
			continue;
		put_into(worker, worker->group);
		resume_worker(worker);
	}
	events.offs++;
}

static void change_limit(void)
{
	const char *path = groups[random_group()].path;
	int64_t current = pinned(path), limit;

	events.limits++;
	switch (random_below(12)) {
	case 0:
		limit = current / 2;
		break;
	case 1:
		limit = current + random_below(512) * PAGE;
		break;
	case 2:
		limit = current * 2;
		break;
	case 3:
		limit = one_in(4) ? 0 : random_below(nr_pages_in_all) * PAGE;
		break;
	default:
		REQUIRE(!write_file(group_file(path, "ioas.pinned.max"),
				    "max"));
		return;
	}
	events.limits_below += limit < current;
	set_number(path, "ioas.pinned.max", limit);
}

static void switch_memlock(void)
{
	const char *path = groups[random_group()].path;

	REQUIRE(!write_file(group_file(path, "ioas.pinned.memlock"),
			    one_in(2) ? "cgroup" : "rlimit"));
	events.memlocks++;
}

/* One event. The rows are weighed by how often they occur. */
void disturb(void)
{
	static void (*const what[])(void) = {
		move,		move,		move,
		move,		move,		kill_worker,
		kill_worker,	retire_worker,	remove_some,
		remove_some,	make_some,	make_some,
		change_limit,	change_limit,	change_limit,
		change_limit,	change_limit,	change_limit,
		switch_memlock, switch_memlock, switch_off_and_on,
	};

	what[random_below(ARRAY_SIZE(what))]();
}
