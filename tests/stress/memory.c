// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is pinned: three memfds that all processes share.
 *
 * Their pages are all there from the start, and there is no swap.  A page that is
 * pinned does not move.  So a page of a memfd is a physical page, and two pages of
 * memfds are two of them: the truth can be told without a look at page frames.
 */
#include <linux/memfd.h>
#include <sys/mman.h>

#include "stress.h"

#define HUGE (2 * MIB)
/* Much more, and few pages were pinned twice; much less, and all were always. */
#define MEMORY_SIZE (64 * MIB)

struct memory memories[NR_MEMORIES];
uint32_t nr_pages_in_all;

static void make_memory(struct memory *memory, const char *name, size_t size,
			unsigned int flags, int advice)
{
	char *room;

	memory->name = name;
	memory->fd = memfd_create(name, MFD_ALLOW_SEALING | flags);
	REQUIRE(memory->fd >= 0);
	REQUIRE(!ftruncate(memory->fd, size));
	REQUIRE(!fcntl(memory->fd, F_ADD_SEALS, F_SEAL_SHRINK));
	/* Room for all of it, aligned for huge pages. */
	room = mmap(NULL, size + HUGE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	REQUIRE(room != MAP_FAILED);
	room += -(uintptr_t)room % HUGE;
	memory->base = mmap(room, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_FIXED, memory->fd, 0);
	REQUIRE(memory->base == room);
	if (advice)
		REQUIRE(!madvise(room, size, advice));
	for (size_t i = 0; i < size; i += PAGE)
		room[i] = 1;
	memory->nr_pages = size / PAGE;
	memory->first = nr_pages_in_all;
	nr_pages_in_all += memory->nr_pages;
}

void make_memories(void)
{
	make_memory(&memories[0], "small pages", MEMORY_SIZE, 0,
		    MADV_NOHUGEPAGE);
	make_memory(&memories[1], "transparent huge pages", MEMORY_SIZE, 0,
		    MADV_HUGEPAGE);
	make_memory(&memories[2], "hugetlb", MEMORY_SIZE, MFD_HUGETLB, 0);
	printf("# %u pages; %" PRId64 " kB are in transparent huge pages\n",
	       nr_pages_in_all, file_key("/proc/meminfo", "ShmemHugePages"));
	fflush(stdout);
}
