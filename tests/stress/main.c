// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stress [-t SECONDS] [-s SEED] [-o SUMMARY] [-n] [-f] [-r UVERBS] [DEVICE...]
 *
 * Random pins through all sites, while cgroups, limits and processes come and go:
 * stress.h says how.  UVERBS is the file of an RDMA device, a DEVICE that of a
 * vhost-vdpa device, or the address of a PCI device bound to vfio-pci.  -n injects no
 * faults; -f forgets one hold, for which the run has to fail.
 *
 * A seed gives the same random numbers to each process, not the same order of what
 * the processes do.
 */
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

#include "stress.h"

#define FAILSLAB "/sys/kernel/debug/failslab"
#define FAIL_IOMMUFD "/sys/kernel/debug/fail_iommufd"
#define CHECK_SECONDS 5
#define PROGRESS_SECONDS 30

struct run *run;
unsigned int random_state;
const char *uverbs_path;

static const char *addresses[MAX_DEVICES];
static unsigned int nr_addresses;
static const char *vdpas[MAX_DEVICES];
static unsigned int nr_vdpas;
static int seconds = 60;
static const char *summary_path;
static time_t began, ended;

/* ---- what is printed ---- */

static void add_tally(struct tally *sum, const struct tally *tally)
{
	sum->pins += tally->pins;
	sum->refused += tally->refused;
	sum->failed += tally->failed;
	sum->unpins += tally->unpins;
	sum->others += tally->others;
}

static struct tally tally_of(enum site_id site)
{
	struct tally sum = {};

	for (int i = 0; i < NR_WORKERS; i++)
		add_tally(&sum, &run->worker[i].tally[site]);
	return sum;
}

static struct tally tally_of_all(void)
{
	struct tally sum = {};

	for (int i = 0; i < NR_SITES; i++) {
		struct tally tally = tally_of(i);

		add_tally(&sum, &tally);
	}
	return sum;
}

static uint64_t faults_injected(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < NR_WORKERS; i++)
		sum += run->worker[i].nr_faults;
	return sum;
}

static void print_progress(void)
{
	struct tally all = tally_of_all();

	printf("# %4ld s: %" PRIu64 " pins, %" PRIu64 " refused, %" PRIu64
	       " faults, %" PRIu64 " unpins; %" PRIu64 " rmdirs, %" PRIu64
	       " kills, %" PRIu64 " moves; %" PRIu64 " checks; pinned %" PRId64
	       " kB\n",
	       (long)(time(NULL) - began), all.pins, all.refused,
	       faults_injected(), all.unpins, events.rmdirs, events.kills,
	       events.moves, events.checks, pinned(TOP) / (int64_t)KIB);
	fflush(stdout);
}

static void print_row(FILE *to, const char *name, const struct tally *tally)
{
	fprintf(to,
		"| %s | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %" PRIu64
		" | %" PRIu64 " |\n",
		name, tally->pins, tally->refused, tally->failed, tally->unpins,
		tally->others);
}

static void print_summary(FILE *to, bool good)
{
	const struct {
		const char *what;
		uint64_t number;
	} rows[] = {
		{ "faults injected", faults_injected() },
		{ "workers moved to another cgroup", events.moves },
		{ "workers killed", events.kills },
		{ "workers that released all and ended", events.retirements },
		{ "cgroups removed", events.rmdirs },
		{ "of these, with pins", events.rmdirs_pinned },
		{ "cgroups made", events.mkdirs },
		{ "controller switched off and on", events.offs },
		{ "limits set", events.limits },
		{ "of these, below what was pinned", events.limits_below },
		{ "memlock modes set", events.memlocks },
		{ "checks", events.checks },
		{ "cgroups compared", events.compared },
	};
	struct tally all = tally_of_all();
	struct utsname name;

	uname(&name);
	fprintf(to,
		"Linux %s, %ld CPUs, %" PRId64
		" MiB of memory; seed %u, %ld seconds: %s.\n\n",
		name.release, sysconf(_SC_NPROCESSORS_ONLN),
		file_key("/proc/meminfo", "MemTotal") / 1024, run->seed,
		(long)(ended - began), good ? "passed" : "FAILED");
	fprintf(to,
		"| site | pins | refused | failed by a fault | unpins | other |\n"
		"|---|---|---|---|---|---|\n");
	for (int i = 0; i < NR_SITES; i++) {
		struct tally tally = tally_of(i);

		print_row(to, sites[i]->name, &tally);
	}
	print_row(to, "all", &all);
	fprintf(to, "\n| what happened | times |\n|---|---|\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		fprintf(to, "| %s | %" PRIu64 " |\n", rows[i].what,
			rows[i].number);
}

static void write_summary(bool good)
{
	FILE *file;

	if (!summary_path)
		return;
	file = fopen(summary_path, "w");
	REQUIRE(file);
	print_summary(file, good);
	REQUIRE(!fclose(file));
}

/* ---- the run ---- */

/* Allocations that may wait fail too, and nothing with a call trace each time. */
static void inject_faults(bool on)
{
	REQUIRE(!write_file(FAILSLAB "/ignore-gfp-wait", on ? "N" : "Y"));
	REQUIRE(!write_file(FAILSLAB "/verbose", on ? "0" : "2"));
	REQUIRE(!write_file(FAIL_IOMMUFD "/verbose", on ? "0" : "2"));
}

static bool check_now(void)
{
	bool right;

	stop_workers();
	right = check_all();
	if (right)
		resume_workers();
	return right;
}

/* Until the time is over, or something is wrong: then the workers are stopped. */
static bool disturb_and_check(void)
{
	time_t next_check = began + CHECK_SECONDS;
	time_t next_progress = began + PROGRESS_SECONDS;

	while (time(NULL) < began + seconds) {
		disturb();
		usleep(random_below(10000));
		if (time(NULL) >= next_check) {
			if (!check_now())
				return false;
			next_check = time(NULL) + CHECK_SECONDS;
		}
		if (time(NULL) >= next_progress) {
			print_progress();
			next_progress += PROGRESS_SECONDS;
		}
	}
	stop_workers();
	return check_all();
}

static void kill_workers(void)
{
	for (int i = 0; i < NR_WORKERS; i++) {
		kill(run->worker[i].pid, SIGKILL);
		waitpid(run->worker[i].pid, NULL, 0);
	}
	memset(run->worker, 0, sizeof(run->worker));
}

static void the_kernel_counts_what_the_workers_hold(void)
{
	make_tree();
	began = time(NULL);
	start_workers();
	if (!disturb_and_check())
		fail_test("the numbers are wrong");
	ended = time(NULL);
	print_progress();
}

/* Everybody releases all; each finds its own VmLck and VmPin at 0. */
static void what_all_release_leaves_nothing(void)
{
	retire_workers();
	if (!check_all())
		fail_test("something is left");
	/* Or it was no stress. */
	for (int i = 0; i < NR_SITES; i++)
		if (!tally_of(i).pins)
			fail_test("%s: no pin", sites[i]->name);
}

static void removing_the_tree_leaves_nothing(void)
{
	remove_tree();
	check_root_is_back();
}

/* ---- what the user is charged for RLIMIT_MEMLOCK ---- */

#define PROBED_PAGES 16

/*
 * No file shows what a user has locked.  But a task without CAP_IPC_LOCK can lock
 * just as much as its limit says, and no page more, if that is nothing.
 */
static int lock_pages(int ring, void *memory, size_t nr)
{
	struct iovec iovec = { .iov_base = memory, .iov_len = nr * PAGE };

	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS,
		    &iovec, 1))
		return -errno;
	REQUIRE(!syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS,
			 NULL, 0));
	return 0;
}

static void the_user_has_nothing_locked(void)
{
	struct rlimit limit = { PROBED_PAGES * PAGE, RLIM_INFINITY }, old;
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2], all[2];
	struct io_uring_params params = {};
	time_t end = time(NULL) + 60;
	char *memory;
	int ring, ret;

	memory = mmap(NULL, (PROBED_PAGES + 1) * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(memory != MAP_FAILED);
	REQUIRE(!madvise(memory, (PROBED_PAGES + 1) * PAGE, MADV_NOHUGEPAGE));
	REQUIRE(!getrlimit(RLIMIT_MEMLOCK, &old));
	REQUIRE(!setrlimit(RLIMIT_MEMLOCK, &limit));
	REQUIRE(!syscall(SYS_capget, &header, all));
	memcpy(data, all, sizeof(data));
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	REQUIRE(!syscall(SYS_capset, &header, data));
	ring = syscall(SYS_io_uring_setup, 1, &params);
	REQUIRE(ring >= 0);
	while ((ret = lock_pages(ring, memory, PROBED_PAGES)) &&
	       time(NULL) < end)
		usleep(10000);
	EXPECT_EQ(ret, 0);
	EXPECT_EQ(lock_pages(ring, memory, PROBED_PAGES + 1), -ENOMEM);
	close(ring);
	REQUIRE(!syscall(SYS_capset, &header, all));
	REQUIRE(!setrlimit(RLIMIT_MEMLOCK, &old));
	munmap(memory, (PROBED_PAGES + 1) * PAGE);
}

/* ---- start ---- */

static void usage(void)
{
	fprintf(stderr,
		"usage: stress [-t SECONDS] [-s SEED] [-o SUMMARY] [-n] [-f]\n"
		"\t[-r UVERBS] [DEVICE...]\n");
	exit(2);
}

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "t:s:o:r:nf")) != -1) {
		switch (option) {
		case 't':
			seconds = atoi(optarg);
			break;
		case 's':
			run->seed = strtoul(optarg, NULL, 0);
			break;
		case 'o':
			summary_path = optarg;
			break;
		case 'r':
			uverbs_path = optarg;
			break;
		case 'n':
			run->faults = false;
			break;
		case 'f':
			run->forget = true;
			break;
		default:
			usage();
		}
	}
	for (; optind < argc; optind++) {
		if (nr_addresses == MAX_DEVICES || nr_vdpas == MAX_DEVICES)
			usage();
		if (*argv[optind] == '/')
			vdpas[nr_vdpas++] = argv[optind];
		else
			addresses[nr_addresses++] = argv[optind];
	}
}

/* Who has a device of its own is the same in all lives of a worker. */
static void share_out_devices(void)
{
	for (unsigned int i = 0; i < nr_addresses; i++)
		run->worker[i].address = addresses[i];
	for (unsigned int i = 0; i < nr_vdpas; i++)
		run->worker[NR_WORKERS - 1 - i].vdpa = vdpas[i];
}

int main(int argc, char **argv)
{
	run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(run != MAP_FAILED);
	run->seed = time(NULL);
	run->faults = true;
	parse(argc, argv);
	printf("# seed %u\n", run->seed);
	random_state = run->seed;
	share_out_devices();
	/* Else it waits for its turn behind so many workers each time. */
	REQUIRE(!setpriority(PRIO_PROCESS, 0, -15));
	make_memories();
	note_start();
	inject_faults(true);
	run_test("the_kernel_counts_what_the_workers_hold",
		 the_kernel_counts_what_the_workers_hold, NULL, NULL);
	if (test_failed) {
		/* What went wrong is known; the rest says nothing. */
		inject_faults(false);
		print_summary(stdout, false);
		write_summary(false);
		kill_workers();
		remove_tree();
		return end_tests();
	}
	run_test("what_all_release_leaves_nothing",
		 what_all_release_leaves_nothing, NULL, NULL);
	inject_faults(false);
	run_test("removing_the_tree_leaves_nothing",
		 removing_the_tree_leaves_nothing, NULL, NULL);
	run_test("the_user_has_nothing_locked", the_user_has_nothing_locked,
		 NULL, NULL);
	print_summary(stdout, !nr_failed);
	write_summary(!nr_failed);
	return end_tests();
}
