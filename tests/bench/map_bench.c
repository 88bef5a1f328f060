// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long it takes to map memory for a device and to unmap it again: through
 * a VFIO container, and in an IOAS that the device is attached to.
 *
 * map_bench ADDRESS: a PCI device bound to vfio-pci. Prints a line
 * "bench NAME VALUE UNIT" for each way and kind of memory, VALUE being the
 * median of the rounds.
 */
#include "../selftests/ioas_iommufd.h"
#include "bench.h"

#define IOVA (1024 * MIB)

/* ---- what is mapped ---- */

struct work {
	const char *name;
	void *(*get)(size_t size);
	size_t size;
	unsigned int rounds;
};

static const struct work works[] = {
	{ "huge_64mib", get_touched_hugetlb_pages, 64 * MIB, 31 },
	{ "huge_2mib", get_touched_hugetlb_pages, 2 * MIB, 101 },
	{ "4kib_16mib", get_consecutive_pages, 16 * MIB, 15 },
	{ "4kib_scattered_16mib", get_scattered_pages, 16 * MIB, 15 },
};

/* ---- rounds ---- */

typedef void (*map_unmap_fn)(void *memory, size_t size);

/* In ns. */
static uint64_t median_time(const struct work *work, map_unmap_fn map_unmap,
			    void *memory)
{
	uint64_t times[MAX_ROUNDS], start;

	for (unsigned int i = 0; i < WARM_UP; i++)
		map_unmap(memory, work->size);
	for (unsigned int i = 0; i < work->rounds; i++) {
		start = now();
		map_unmap(memory, work->size);
		times[i] = now() - start;
	}
	return median(times, work->rounds);
}

/*
 * All memory is taken once, before anything is measured: pages that were used
 * before come back in another order.
 */
static void *memory_of[ARRAY_SIZE(works)];

static void get_memory(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(works); i++)
		memory_of[i] = works[i].get(works[i].size);
}

static void bench_works(const char *way, map_unmap_fn map_unmap)
{
	for (size_t i = 0; i < ARRAY_SIZE(works); i++)
		print_figure(way, works[i].name,
			     median_time(&works[i], map_unmap, memory_of[i]));
}

/* ---- VFIO ---- */

static struct container container;

static void vfio_map_unmap(void *memory, size_t size)
{
	REQUIRE(!map(&container, memory, IOVA, size));
	REQUIRE(unmap(&container, IOVA, size) == (int64_t)size);
}

static void bench_vfio(const char *address)
{
	open_container(&container, &type1_v2, address);
	bench_works("vfio", vfio_map_unmap);
	close_container(&container);
}

/* ---- iommufd ---- */

static int iommufd;
static uint32_t ioas;

static void iommufd_map_unmap(void *memory, size_t size)
{
	REQUIRE(!map_at(iommufd, ioas, memory, IOVA, size));
	REQUIRE(!unmap_at(iommufd, ioas, IOVA, size));
}

static void bench_iommufd(const char *address)
{
	int device;

	iommufd = open_iommufd();
	device = open_cdev(address);
	bind_device(iommufd, device);
	ioas = new_ioas(iommufd);
	REQUIRE(!attach(device, ioas));
	bench_works("iommufd", iommufd_map_unmap);
	REQUIRE(!close(device));
	REQUIRE(!close(iommufd));
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: map_bench ADDRESS\n");
		return 2;
	}
	get_memory();
	bench_vfio(argv[1]);
	bench_iommufd(argv[1]);
	return 0;
}
