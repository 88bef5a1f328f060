/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VFIO containers and memory to map, for the test programs.
 *
 * A container is VFIO's own (type1), or an iommufd that takes VFIO's ioctls.
 * Both come as v1, which once let mappings be unmapped in parts, and as v2.
 */
#ifndef IOAS_VFIO_H
#define IOAS_VFIO_H

#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "ioas_test.h"

#define HUGE_PAGE (2 * MIB)

/* ---- containers ---- */

/**
 * struct container_kind - how VFIO mappings are made
 * @name: for the names of tests
 * @path: the device file
 * @type: for VFIO_SET_IOMMU
 * @stat: the key in ioas.stat
 */
struct container_kind {
	const char *name;
	const char *path;
	unsigned long type;
	const char *stat;
};

static const struct container_kind type1_v1 = {
	"VFIO type1 v1",
	"/dev/vfio/vfio",
	VFIO_TYPE1_IOMMU,
	"vfio",
};

static const struct container_kind type1_v2 = {
	"VFIO type1 v2",
	"/dev/vfio/vfio",
	VFIO_TYPE1v2_IOMMU,
	"vfio",
};

static const struct container_kind compat_v1 = {
	"iommufd as VFIO v1",
	"/dev/iommu",
	VFIO_TYPE1_IOMMU,
	"iommufd",
};

static const struct container_kind compat_v2 = {
	"iommufd as VFIO v2",
	"/dev/iommu",
	VFIO_TYPE1v2_IOMMU,
	"iommufd",
};

/**
 * struct device - a device in a container
 * @group: its IOMMU group
 * @fd: itself
 */
struct device {
	int group;
	int fd;
};

/* The number of the IOMMU group of a device: PCI or mediated. */
static inline int iommu_group(const char *address)
{
	static const char *const buses[] = { "pci", "mdev" };
	char path[PATH_MAX], target[PATH_MAX] = "";
	ssize_t len = -1;

	for (size_t i = 0; len < 0 && i < ARRAY_SIZE(buses); i++) {
		snprintf(path, sizeof(path),
			 "/sys/bus/%s/devices/%s/iommu_group", buses[i],
			 address);
		len = readlink(path, target, sizeof(target) - 1);
	}
	REQUIRE(len > 0);
	return atoi(strrchr(target, '/') + 1);
}

static inline void open_group(struct device *device, int container,
			      const char *address)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", iommu_group(address));
	device->group = open(path, O_RDWR);
	REQUIRE(device->group >= 0);
	REQUIRE(!ioctl(device->group, VFIO_GROUP_SET_CONTAINER, &container));
}

static inline void open_device(struct device *device, const char *address)
{
	device->fd = ioctl(device->group, VFIO_GROUP_GET_DEVICE_FD, address);
	REQUIRE(device->fd >= 0);
}

static inline void close_device(struct device *device)
{
	REQUIRE(!close(device->fd));
	REQUIRE(!close(device->group));
}

struct container {
	int fd;
	struct device device;
};

/* A container with one device in it. */
static inline void open_container(struct container *c,
				  const struct container_kind *kind,
				  const char *address)
{
	c->fd = open(kind->path, O_RDWR);
	REQUIRE(c->fd >= 0);
	open_group(&c->device, c->fd, address);
	REQUIRE(!ioctl(c->fd, VFIO_SET_IOMMU, kind->type));
	open_device(&c->device, address);
}

static inline void add_device(struct container *c, struct device *device,
			      const char *address)
{
	open_group(device, c->fd, address);
	open_device(device, address);
}

static inline void close_container(struct container *c)
{
	close_device(&c->device);
	REQUIRE(!close(c->fd));
}

/* Returns 0 or -errno. */
static inline int map_flags(const struct container *c, void *memory,
			    uint64_t iova, uint64_t size, uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = size,
	};

	return ioctl(c->fd, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

static inline int map(const struct container *c, void *memory, uint64_t iova,
		      uint64_t size)
{
	return map_flags(c, memory, iova, size,
			 VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
}

/* Returns the number of bytes that were unmapped, or -errno. */
static inline int64_t unmap_flags(const struct container *c, uint64_t iova,
				  uint64_t size, uint32_t flags)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = size,
	};

	return ioctl(c->fd, VFIO_IOMMU_UNMAP_DMA, &unmap) ? -errno :
							    (int64_t)unmap.size;
}

static inline int64_t unmap(const struct container *c, uint64_t iova,
			    uint64_t size)
{
	return unmap_flags(c, iova, size, 0);
}

/* ---- memory ---- */

/* Aligned for huge pages, and in none of them. */
static inline void *get_small_pages(size_t size)
{
	char *room = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	REQUIRE(room != MAP_FAILED);
	before = -(uintptr_t)room % HUGE_PAGE;
	REQUIRE(!before || !munmap(room, before));
	REQUIRE(!munmap(room + before + size, HUGE_PAGE - before));
	REQUIRE(!madvise(room + before, size, MADV_NOHUGEPAGE));
	return room + before;
}

/*
 * Page frames in no order: neighbours get their pages far apart in time. The
 * factor is a prime, so each page has its turn.
 */
static inline void *get_scattered_pages(size_t size)
{
	char *memory = get_small_pages(size);
	size_t pages = size / PAGE;

	for (size_t i = 0; i < pages; i++)
		memory[i * 1597 % pages * PAGE] = 1;
	return memory;
}

static inline void *get_transparent_huge_pages(size_t size)
{
	void *memory = get_small_pages(size);

	REQUIRE(!madvise(memory, size, MADV_HUGEPAGE));
	return memory;
}

static inline void *get_hugetlb_pages(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	REQUIRE(memory != MAP_FAILED);
	return memory;
}

static inline void *map_memfd(int fd, size_t offset, size_t size)
{
	void *memory = mmap(get_small_pages(size), size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_FIXED, fd, offset);

	REQUIRE(memory != MAP_FAILED);
	return memory;
}

static inline int get_memfd(size_t size)
{
	int fd = memfd_create("ioas", 0);

	REQUIRE(fd >= 0 && !ftruncate(fd, size));
	return fd;
}

static inline void *get_memfd_pages(size_t size)
{
	int fd = get_memfd(size);
	void *memory = map_memfd(fd, 0, size);

	close(fd);
	return memory;
}

static inline void put_memory(void *memory, size_t size)
{
	REQUIRE(!munmap(memory, size));
}

struct memory_kind {
	const char *name;
	void *(*get)(size_t size);
};

static const struct memory_kind memory_kinds[] = {
	{ "small pages", get_small_pages },
	{ "small pages in no order", get_scattered_pages },
	{ "transparent huge pages", get_transparent_huge_pages },
	{ "hugetlb", get_hugetlb_pages },
	{ "memfd", get_memfd_pages },
};

#define NR_MEMORY_KINDS ARRAY_SIZE(memory_kinds)

/* What this process is charged without the controller, by VFIO and iommufd. */
static inline int64_t charge_without_ioas(void)
{
	return (file_key("/proc/self/status", "VmLck") +
		file_key("/proc/self/status", "VmPin")) *
	       KIB;
}

/* Pages pinned since boot, whether still pinned or not. */
static inline int64_t pages_ever_pinned(void)
{
	/* Adds up what the CPUs have counted each for itself. */
	REQUIRE(!write_file("/proc/sys/vm/stat_refresh", "1"));
	return file_key("/proc/vmstat", "nr_foll_pin_acquired");
}

#endif /* IOAS_VFIO_H */
