/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An iommufd, its I/O address spaces and the devices that are attached to them,
 * for the test programs.
 */
#ifndef IOAS_IOMMUFD_H
#define IOAS_IOMMUFD_H

#include <dirent.h>
#include <linux/iommufd.h>

#include "ioas_vfio.h"

static inline int open_iommufd(void)
{
	int fd = open("/dev/iommu", O_RDWR);

	REQUIRE(fd >= 0);
	return fd;
}

/* The character device of a PCI device. */
static inline int open_cdev(const char *address)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *folder;
	int fd = -1;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev",
		 address);
	folder = opendir(path);
	REQUIRE(folder);
	while (fd < 0 && (entry = readdir(folder))) {
		if (strncmp(entry->d_name, "vfio", 4))
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s",
			 entry->d_name);
		fd = open(path, O_RDWR);
	}
	closedir(folder);
	REQUIRE(fd >= 0);
	return fd;
}

static inline void bind_device(int iommufd, int device)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommufd,
	};

	REQUIRE(!ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &bind));
}

/* Returns 0 or -errno, as do the next ones. */
static inline int attach(int device, uint32_t to)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = to,
	};

	return ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach) ? -errno :
								       0;
}

static inline int detach(int device)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};

	return ioctl(device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach) ? -errno :
								       0;
}

static inline int map_at(int iommufd, uint32_t to, void *from, uint64_t iova,
			 uint64_t size)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = to,
		.user_va = (uintptr_t)from,
		.length = size,
		.iova = iova,
	};

	return ioctl(iommufd, IOMMU_IOAS_MAP, &map) ? -errno : 0;
}

static inline int copy_at(int iommufd, uint32_t to, uint64_t to_iova,
			  uint32_t from, uint64_t from_iova, uint64_t size)
{
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.dst_ioas_id = to,
		.src_ioas_id = from,
		.length = size,
		.dst_iova = to_iova,
		.src_iova = from_iova,
	};

	return ioctl(iommufd, IOMMU_IOAS_COPY, &copy) ? -errno : 0;
}

static inline int unmap_at(int iommufd, uint32_t from, uint64_t iova,
			   uint64_t size)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = from,
		.iova = iova,
		.length = size,
	};

	return ioctl(iommufd, IOMMU_IOAS_UNMAP, &unmap) ? -errno : 0;
}

static inline uint32_t new_ioas(int iommufd)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	REQUIRE(!ioctl(iommufd, IOMMU_IOAS_ALLOC, &alloc));
	return alloc.out_ioas_id;
}

#endif /* IOAS_IOMMUFD_H */
