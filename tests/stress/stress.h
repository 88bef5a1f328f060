/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stress run: what its parts share.
 *
 * A coordinator makes a tree of cgroups and worker processes in it.  Workers pin
 * random parts of a few shared memfds through every site that they can reach, and
 * keep a table of what they hold.  The coordinator moves and kills workers, removes
 * and makes cgroups, and changes limits.  Every few seconds it stops all workers
 * between two of their operations, and compares what the kernel counts with the
 * tables.
 *
 *	main.c		arguments, the run, what is printed
 *	tree.c		cgroups, and what the coordinator does to them
 *	worker.c	the life of a worker, its table, faults
 *	check.c		what the tables say, and what the kernel says
 *	memory.c	the memfds
 *	site_*.c	one way to pin each
 *
 * All that the processes share is in one struct run.
 */
#ifndef STRESS_H
#define STRESS_H

#include "../selftests/ioas_test.h"

#define TOP "stress"

#define NR_WORKERS 32
#define NR_HOLDS 64
#define NR_RANGES 4
#define NR_LOGGED 128
#define MAX_OWNERS 65536
#define MAX_DEVICES 16
#define NR_GROUPS 40

/* The most that one range of a hold has. */
#define RANGE_PAGES 1024U
#define RANGE_SIZE (RANGE_PAGES * PAGE)

/* ---- memory ---- */

/**
 * struct memory - a memfd whose pages are all there, for as long as the run lasts
 * @name: what it is made of
 * @fd: the memfd
 * @base: where it is mapped, in all processes
 * @nr_pages: its size
 * @first: the number of its first page among the pages of all memfds
 */
struct memory {
	const char *name;
	int fd;
	char *base;
	uint32_t nr_pages;
	uint32_t first;
};

enum { NR_MEMORIES = 3 };

extern struct memory memories[NR_MEMORIES];
extern uint32_t nr_pages_in_all;

void make_memories(void);

/**
 * struct range - pages of a memfd, next to each other
 * @memory: which memfd
 * @first: first page in it
 * @nr: number of pages
 */
struct range {
	uint32_t memory;
	uint32_t first;
	uint32_t nr;
};

static inline void *range_address(const struct range *range)
{
	return memories[range->memory].base + range->first * PAGE;
}

/* ---- sites ---- */

enum site_id {
	SITE_VFIO,
	SITE_COMPAT,
	SITE_IOMMUFD,
	SITE_ACCESS,
	SITE_VDPA,
	SITE_RDMA,
	SITE_BUFFERS,
	SITE_RING,
	SITE_PBUF,
	SITE_XDP,
	SITE_UDMABUF,
	NR_SITES
};

/**
 * struct hold - an object that has pages pinned, as its worker knows it
 * @used: whether it is one
 * @site: what pinned
 * @owner: who pays: an owner's number
 * @nr_ranges: number of ranges
 * @range: what is pinned; the same page may be in it more than once
 * @handle: for the site
 */
struct hold {
	bool used;
	enum site_id site;
	uint32_t owner;
	uint32_t nr_ranges;
	struct range range[NR_RANGES];
	uint64_t handle;
};

/**
 * struct site - a way to pin
 * @name: for people
 * @kind: the key in ioas.stat
 * @open: gets what @pin needs; returns whether this worker has it
 * @pin: pins what a hold says, may change it, and returns 0 or -errno
 * @unpin: the opposite, and returns 0, or -errno if nothing changed
 * @other: something else that the site can do, at random; or NULL
 * @nr_ranges: how many ranges @pin wants at most
 * @choose: chooses the ranges of a hold; NULL for any
 *
 * Sites that pin with one call and unpin with one need only @pin and @unpin. After a
 * @pin that failed nothing is pinned.
 */
struct site {
	const char *name;
	const char *kind;
	bool (*open)(void);
	int (*pin)(struct hold *hold);
	int (*unpin)(struct hold *hold);
	void (*other)(void);
	uint32_t nr_ranges;
	void (*choose)(struct hold *hold);
};

extern const struct site site_vfio, site_compat, site_iommufd, site_access,
	site_vdpa, site_rdma, site_buffers, site_ring, site_pbuf, site_xdp,
	site_udmabuf;

extern const struct site *const sites[NR_SITES];

/* ---- workers ---- */

/**
 * struct operation - what a worker did
 * @number: counted from its start
 * @what: the operation
 * @site: the site
 * @hold: the place of the hold in the table, or -1 if it is about more than one
 * @range: its first range
 * @owner: who pays
 * @nth: the allocation that was to fail, or 0
 * @failed: whether it came to that
 * @result: 0 or -errno
 */
struct operation {
	uint64_t number;
	const char *what;
	enum site_id site;
	int hold;
	struct range range;
	uint32_t owner;
	unsigned int nth;
	bool failed;
	int result;
};

/**
 * struct tally - operations of one site
 * @pins: pins that succeeded
 * @refused: pins refused by a limit
 * @failed: operations that an injected fault made fail
 * @unpins: unpins
 * @others: other operations
 */
struct tally {
	uint64_t pins;
	uint64_t refused;
	uint64_t failed;
	uint64_t unpins;
	uint64_t others;
};

/**
 * struct worker - a process
 * @pid: its number; 0 if there is none
 * @number: its place in the array
 * @life: how many processes there were in this place
 * @request: odd: it has to stop; changed by the coordinator
 * @ack: the last request that it has stopped for
 * @retire: it has to release all and end
 * @group: the leaf of the tree that it is in
 * @owner: the owner of what it pins from now on
 * @address: its PCI device, or NULL
 * @vdpa: its vhost-vdpa device, or NULL
 * @ipc_lock: whether it has CAP_IPC_LOCK
 * @nr_faults: faults injected
 * @tally: what it did, in all lives
 * @nr_logged: operations logged
 * @log: the last of them
 * @holds: what it holds
 */
struct worker {
	pid_t pid;
	unsigned int number;
	unsigned int life;
	volatile uint32_t request;
	volatile uint32_t ack;
	volatile bool retire;
	volatile uint32_t group;
	volatile uint32_t owner;
	const char *address;
	const char *vdpa;
	bool ipc_lock;
	uint64_t nr_faults;
	struct tally tally[NR_SITES];
	uint64_t nr_logged;
	struct operation log[NR_LOGGED];
	struct hold holds[NR_HOLDS];
};

/**
 * struct owner - a cgroup, from its mkdir (or +ioas) to its rmdir (or -ioas)
 * @parent: the owner above it; itself for the root
 * @group: its place in the tree
 * @alive: whether it is there
 */
struct owner {
	uint32_t parent;
	uint32_t group;
	bool alive;
};

/* What the root cgroup is, and what is charged where the tree does not look. */
#define ROOT_OWNER 0U

/**
 * struct run - all that is shared
 * @seed: where all random numbers come from
 * @faults: whether faults are injected
 * @forget: whether the tables are to be wrong
 * @nr_owners: owners so far, the root among them
 * @owner: they
 * @worker: the workers
 */
struct run {
	unsigned int seed;
	bool faults;
	bool forget;
	uint32_t nr_owners;
	struct owner owner[MAX_OWNERS];
	struct worker worker[NR_WORKERS];
};

extern struct run *run;

/* The worker that this process is, or NULL. */
extern struct worker *me;

extern const char *uverbs_path;

void work(void);

/* For sites, in a worker. */
bool site_is_open(enum site_id site);
struct hold *random_hold(enum site_id site);
struct hold *new_hold(enum site_id site);
void drop_hold(struct hold *hold);
void choose_range(struct range *range, uint32_t most);
uint64_t hold_slot(const struct hold *hold);
void begin_operation(const char *what, enum site_id site,
		     const struct hold *hold);
int end_operation(int result);
void no_faults(void);

/* ---- random numbers: each process has its own ---- */

extern unsigned int random_state;

static inline uint32_t random_below(uint32_t limit)
{
	uint32_t high = rand_r(&random_state);

	return (high << 16 ^ (uint32_t)rand_r(&random_state)) % limit;
}

static inline bool one_in(uint32_t n)
{
	return !random_below(n);
}

/* ---- the coordinator ---- */

/**
 * struct group - a place in the tree
 * @parent: the place above it; itself for the top
 * @level: how far it is below the top
 * @path: below the root cgroup
 * @owner: who it is now; 0 while it does not exist
 */
struct group {
	uint32_t parent;
	uint32_t level;
	char path[64];
	uint32_t owner;
};

extern struct group groups[NR_GROUPS];

/**
 * struct events - what the coordinator did
 */
struct events {
	uint64_t moves;
	uint64_t rmdirs;
	uint64_t rmdirs_pinned;
	uint64_t mkdirs;
	uint64_t offs;
	uint64_t kills;
	uint64_t retirements;
	uint64_t limits;
	uint64_t limits_below;
	uint64_t memlocks;
	uint64_t checks;
	uint64_t compared;
};

extern struct events events;

void make_tree(void);
void remove_tree(void);
void start_workers(void);
void retire_workers(void);
void disturb(void);
void stop_workers(void);
void resume_workers(void);
bool is_below(uint32_t owner, uint32_t ancestor);

bool check_all(void);
bool check_root_is_back(void);
void note_start(void);

#endif /* STRESS_H */
