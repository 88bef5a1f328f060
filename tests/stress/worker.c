// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A worker: one operation after the other, at random, each written down in its
 * table before the next one starts.
 *
 * Between two operations it stops if the coordinator wants that.  So whoever looks
 * at the tables while all are stopped sees what is held, and by whom; and a worker
 * changes cgroups only between operations, so that it is known who pays.
 */
#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include "stress.h"

#define SETTLED_SECONDS 60

struct worker *me;

const struct site *const sites[NR_SITES] = {
	[SITE_VFIO] = &site_vfio,	[SITE_COMPAT] = &site_compat,
	[SITE_IOMMUFD] = &site_iommufd, [SITE_ACCESS] = &site_access,
	[SITE_VDPA] = &site_vdpa,	[SITE_RDMA] = &site_rdma,
	[SITE_BUFFERS] = &site_buffers, [SITE_RING] = &site_ring,
	[SITE_PBUF] = &site_pbuf,	[SITE_XDP] = &site_xdp,
	[SITE_UDMABUF] = &site_udmabuf,
};

static bool is_open[NR_SITES];

bool site_is_open(enum site_id site)
{
	return is_open[site];
}

/* ---- faults, in this task and while an operation runs ---- */

static int fail_nth_fd;
static unsigned int nth_to_fail;
static bool fault_came;

static void open_fail_nth(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%ld/fail-nth",
		 syscall(SYS_gettid));
	fail_nth_fd = open(path, O_RDWR | O_CLOEXEC);
	REQUIRE(fail_nth_fd >= 0);
}

static void fail_nth(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	REQUIRE(pwrite(fail_nth_fd, text, len, 0) == len);
}

/* No further one in this operation. A site calls it before it undoes something. */
void no_faults(void)
{
	char text[16];

	if (!nth_to_fail)
		return;
	REQUIRE(pread(fail_nth_fd, text, sizeof(text), 0) > 0);
	/* 0 is left when the time of the nth has come. */
	if (!atoi(text) && !fault_came) {
		fault_came = true;
		me->nr_faults++;
	}
	fail_nth(0);
}

/* ---- operations ---- */

static struct operation *current_operation(void)
{
	return &me->log[me->nr_logged % NR_LOGGED];
}

/* What comes until end_operation() may fail by a fault. */
void begin_operation(const char *what, enum site_id site,
		     const struct hold *hold)
{
	struct operation *op = current_operation();

	*op = (struct operation){
		.number = me->nr_logged,
		.what = what,
		.site = site,
		.hold = -1,
		.owner = me->owner,
		.result = 1,
	};
	if (hold) {
		op->hold = hold - me->holds;
		op->range = hold->range[0];
		op->owner = hold->owner;
	}
	fault_came = false;
	nth_to_fail = 0;
	if (run->faults && one_in(4)) {
		nth_to_fail = 1 + random_below(one_in(4) ? 100 : 12);
		op->nth = nth_to_fail;
		fail_nth(nth_to_fail);
	}
}

/*
 * What may go wrong: a limit, and anything at all after a fault.  Else the run is
 * not what it is meant to be.
 */
int end_operation(int result)
{
	struct operation *op = current_operation();
	struct tally *tally = &me->tally[op->site];

	no_faults();
	op->failed = fault_came;
	op->result = result;
	me->nr_logged++;
	if (result < 0 && fault_came) {
		tally->failed++;
	} else if (result == -ENOMEM || result == -ENOBUFS) {
		tally->refused++;
	} else if (result < 0) {
		printf("# worker %u: %s, %s: %s\n", me->number,
		       sites[op->site]->name, op->what, strerror(-result));
		REQUIRE(result >= 0);
	}
	return result;
}

/* ---- the table ---- */

struct hold *random_hold(enum site_id site)
{
	uint32_t start = random_below(NR_HOLDS);

	for (uint32_t i = 0; i < NR_HOLDS; i++) {
		struct hold *hold = &me->holds[(start + i) % NR_HOLDS];

		if (hold->used && hold->site == site)
			return hold;
	}
	return NULL;
}

/* One that is not used yet: it counts once @used is set. NULL if all are. */
struct hold *new_hold(enum site_id site)
{
	uint32_t start = random_below(NR_HOLDS);

	for (uint32_t i = 0; i < NR_HOLDS; i++) {
		struct hold *hold = &me->holds[(start + i) % NR_HOLDS];

		if (hold->used)
			continue;
		memset(hold, 0, sizeof(*hold));
		hold->site = site;
		hold->owner = me->owner;
		return hold;
	}
	return NULL;
}

void drop_hold(struct hold *hold)
{
	hold->used = false;
}

/* Where a hold has its I/O addresses, so that no two have the same. */
uint64_t hold_slot(const struct hold *hold)
{
	return hold - me->holds;
}

/* Some small, some large, some of whole huge pages. */
void choose_range(struct range *range, uint32_t most)
{
	const struct memory *memory;

	range->memory = random_below(NR_MEMORIES);
	memory = &memories[range->memory];
	if (one_in(4))
		range->nr = 1 + random_below(most);
	else
		range->nr = 1 + random_below(most < 16 ? most : 16);
	if (most >= 512 && one_in(8)) {
		range->nr = one_in(2) ? 512 : most / 512 * 512;
		range->first =
			random_below((memory->nr_pages - range->nr) / 512 + 1) *
			512;
		return;
	}
	range->first = random_below(memory->nr_pages - range->nr + 1);
}

static void choose_ranges(struct hold *hold)
{
	const struct site *site = sites[hold->site];

	if (site->choose) {
		site->choose(hold);
		return;
	}
	hold->nr_ranges = 1 + random_below(site->nr_ranges);
	for (uint32_t i = 0; i < hold->nr_ranges; i++)
		choose_range(&hold->range[i], RANGE_PAGES / site->nr_ranges);
}

static void pin(enum site_id site)
{
	struct hold *hold = new_hold(site);

	if (!hold)
		return;
	choose_ranges(hold);
	begin_operation("pin", site, hold);
	if (end_operation(sites[site]->pin(hold)))
		return;
	hold->used = true;
	me->tally[site].pins++;
}

static void unpin(struct hold *hold)
{
	enum site_id site = hold->site;
	int ret;

	begin_operation("unpin", site, hold);
	ret = end_operation(sites[site]->unpin(hold));
	if (ret) {
		/* Nothing changed; without a fault it has to work. */
		begin_operation("unpin again", site, hold);
		no_faults();
		ret = end_operation(sites[site]->unpin(hold));
		REQUIRE(!ret);
	}
	drop_hold(hold);
	me->tally[site].unpins++;
}

static uint32_t nr_held(void)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < NR_HOLDS; i++)
		nr += me->holds[i].used;
	return nr;
}

/* The more it holds the more it unpins: the table is half full in the mean. */
static void operate(void)
{
	enum site_id site = random_below(NR_SITES);
	struct hold *hold;

	if (!is_open[site])
		return;
	if (sites[site]->other && (!sites[site]->pin || one_in(2))) {
		sites[site]->other();
		return;
	}
	hold = random_hold(site);
	if (hold && random_below(NR_HOLDS) < nr_held())
		unpin(hold);
	else
		pin(site);
}

/* ---- the process ---- */

static void futex(volatile uint32_t *word, int op, uint32_t value)
{
	syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

static void stop_if_wanted(void)
{
	uint32_t request = me->request;

	while (request & 1) {
		me->ack = request;
		futex(&me->ack, FUTEX_WAKE, INT_MAX);
		futex(&me->request, FUTEX_WAIT, request);
		request = me->request;
	}
}

/* Without it RLIMIT_MEMLOCK holds, and is counted where it would not be. */
static void drop_ipc_lock(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	REQUIRE(!syscall(SYS_capget, &header, data));
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	data[0].permitted &= ~(1u << CAP_IPC_LOCK);
	REQUIRE(!syscall(SYS_capset, &header, data));
}

static void set_memlock_limit(void)
{
	struct rlimit limit = {
		.rlim_cur = one_in(4) ? RLIM_INFINITY :
					(16 + random_below(240)) * MIB,
		.rlim_max = RLIM_INFINITY,
	};

	REQUIRE(!setrlimit(RLIMIT_MEMLOCK, &limit));
}

/* What the kernel counted for RLIMIT_MEMLOCK on this process. */
static int64_t locked_kib(void)
{
	return file_key("/proc/self/status", "VmLck") +
	       file_key("/proc/self/status", "VmPin");
}

/* Whatever mix of modes there was, no counter is off once nothing is pinned. */
static void expect_nothing_locked(void)
{
	time_t end = time(NULL) + SETTLED_SECONDS;

	/* A ring ends some time after it was closed. */
	while (locked_kib() && time(NULL) < end)
		usleep(10000);
	if (locked_kib()) {
		printf("# worker %u holds nothing, and has VmLck %" PRId64
		       " kB, VmPin %" PRId64 " kB\n",
		       me->number, file_key("/proc/self/status", "VmLck"),
		       file_key("/proc/self/status", "VmPin"));
		REQUIRE(!"nothing is locked");
	}
}

static void retire(void)
{
	for (uint32_t i = 0; i < NR_HOLDS; i++)
		if (me->holds[i].used)
			unpin(&me->holds[i]);
	expect_nothing_locked();
	_exit(0);
}

/* What a new process does, until it is killed or has to retire. */
void work(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The coordinator is ahead of all workers. */
	REQUIRE(!setpriority(PRIO_PROCESS, 0, 0));
	random_state = run->seed * 1000003u + me->number * 1009u + me->life;
	enter_group(groups[me->group].path);
	open_fail_nth();
	set_memlock_limit();
	if (!me->ipc_lock)
		drop_ipc_lock();
	for (int i = 0; i < NR_SITES; i++)
		is_open[i] = sites[i]->open();
	for (;;) {
		stop_if_wanted();
		if (me->retire)
			retire();
		operate();
	}
}
