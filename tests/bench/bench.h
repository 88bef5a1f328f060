/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the benchmarks in the VM share: memory that is the same for two kernels, and
 * the median of many rounds.
 */
#ifndef IOAS_BENCH_H
#define IOAS_BENCH_H

#include <time.h>

#include "../selftests/ioas_vfio.h"

#define WARM_UP 3
#define MAX_ROUNDS 101

/* ---- memory ---- */

static inline uint64_t page_frame(int pagemap, const char *page)
{
	uint64_t entry;

	REQUIRE(pread(pagemap, &entry, sizeof(entry),
		      (uintptr_t)page / PAGE * sizeof(entry)) == sizeof(entry));
	return entry & ((1ULL << 55) - 1);
}

/*
 * Page frames in the order of the addresses, both aligned to a huge page. The
 * kernel gives long runs of page frames, with a stray one in between at times, and
 * each of these costs a flush of the IOTLB more: so this takes the first run that
 * is long enough, of much more memory, for two kernels to have the same to do.
 */
#define POOL (16 * 16 * MIB)

static inline void *get_consecutive_pages(size_t size)
{
	char *pool = get_small_pages(POOL), *start = pool;
	void *memory = get_small_pages(size);
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	uint64_t frame, last = 0;

	REQUIRE(pagemap >= 0);
	for (size_t at = 0; at < POOL; at += PAGE)
		pool[at] = 1;
	for (char *page = pool; page < pool + POOL; page += PAGE) {
		frame = page_frame(pagemap, page);
		if (frame != last + 1 ||
		    (page == start + PAGE && last * PAGE % HUGE_PAGE))
			start = page;
		last = frame;
		if (page + PAGE == start + size)
			break;
	}
	REQUIRE(start + size <= pool + POOL);
	close(pagemap);
	REQUIRE(mremap(start, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
		       memory) == memory);
	return memory;
}

static inline void *get_touched_hugetlb_pages(size_t size)
{
	char *memory = get_hugetlb_pages(size);

	for (size_t at = 0; at < size; at += HUGE_PAGE)
		memory[at] = 1;
	return memory;
}

/* ---- time ---- */

static inline uint64_t now(void)
{
	struct timespec t;

	REQUIRE(!clock_gettime(CLOCK_MONOTONIC, &t));
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static inline int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Sorts what was measured. */
static inline uint64_t median(uint64_t *times, unsigned int rounds)
{
	qsort(times, rounds, sizeof(*times), compare);
	return times[rounds / 2];
}

/* A line that scripts/bench.sh looks for. */
static inline void print_figure(const char *way, const char *work, uint64_t ns)
{
	printf("bench %s_%s %.3f us\n", way, work, ns / 1000.0);
	fflush(stdout);
}

#endif /* IOAS_BENCH_H */
