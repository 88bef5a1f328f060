// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long it takes to register memory: a buffer of io_uring and a memory region of
 * an RDMA device, and to undo it again; and to register the UMEM of an AF_XDP
 * socket, which the kernel undoes later, from a work queue.
 *
 * register_bench [io_uring]: all of them, or the buffers of io_uring alone.
 *
 * Prints a line "bench NAME VALUE UNIT" for each way and kind of memory, VALUE being
 * the median of the rounds.
 *
 * libraries: -libverbs -luring
 */
#include "../selftests/ioas_io_uring.h"
#include "../selftests/ioas_rdma.h"
#include "../selftests/ioas_xdp.h"
#include "bench.h"

struct work {
	const char *name;
	void *(*get)(size_t size);
	size_t size;
	unsigned int rounds;
	void *memory;
};

static struct work works[] = {
	{ "huge_64mib", get_touched_hugetlb_pages, 64 * MIB, 31, NULL },
	{ "huge_2mib", get_touched_hugetlb_pages, 2 * MIB, 101, NULL },
	{ "4kib_16mib", get_consecutive_pages, 16 * MIB, 15, NULL },
	{ "4kib_scattered_16mib", get_scattered_pages, 16 * MIB, 15, NULL },
	{ "64kib", get_scattered_pages, 64 * KIB, 101, NULL },
	{ "4kib", get_scattered_pages, 4 * KIB, 101, NULL },
};

/* In ns. */
typedef uint64_t (*once_fn)(const struct work *work);

static void bench_works(const char *way, once_fn once)
{
	uint64_t times[MAX_ROUNDS];

	for (size_t i = 0; i < ARRAY_SIZE(works); i++) {
		for (unsigned int round = 0; round < WARM_UP; round++)
			once(&works[i]);
		for (unsigned int round = 0; round < works[i].rounds; round++)
			times[round] = once(&works[i]);
		print_figure(way, works[i].name,
			     median(times, works[i].rounds));
	}
}

/* ---- io_uring ---- */

static struct io_uring ring;

static uint64_t io_uring_once(const struct work *work)
{
	uint64_t start = now();

	REQUIRE(!register_buffer(&ring, work->memory, work->size));
	unregister_buffers(&ring);
	return now() - start;
}

/* ---- RDMA ---- */

static struct rdma rdma;

static uint64_t rdma_once(const struct work *work)
{
	uint64_t start = now();
	struct ibv_mr *mr;

	REQUIRE(!register_region(&rdma, work->memory, work->size, &mr));
	deregister_region(mr);
	return now() - start;
}

/* ---- AF_XDP ---- */

/* Pages that are pinned at the moment. */
static int64_t pages_pinned(void)
{
	int64_t ever = pages_ever_pinned();

	return ever - file_key("/proc/vmstat", "nr_foll_pin_released");
}

/* What unpins the pages of the last round has to be over before the next. */
static uint64_t xdp_once(const struct work *work)
{
	int64_t before = pages_pinned();
	int fd = open_xdp();
	uint64_t start = now(), end;

	REQUIRE(!register_umem(fd, work->memory, work->size));
	end = now();
	close(fd);
	for (int i = 0; i < 1000 && pages_pinned() != before; i++)
		usleep(1000);
	REQUIRE(pages_pinned() == before);
	return end - start;
}

int main(int argc, char **argv)
{
	/* Once, for the same reason as in map_bench. */
	for (size_t i = 0; i < ARRAY_SIZE(works); i++)
		works[i].memory = works[i].get(works[i].size);
	open_ring(&ring);
	bench_works("io_uring", io_uring_once);
	close_ring(&ring);
	if (argc == 2 && !strcmp(argv[1], "io_uring"))
		return 0;
	open_rdma(&rdma);
	bench_works("rdma", rdma_once);
	close_rdma(&rdma);
	bench_works("xdp", xdp_once);
	return 0;
}
