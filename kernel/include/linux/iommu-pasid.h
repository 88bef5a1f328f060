/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PASIDs, asked for by scope.  See drivers/iommu/iommu-pasid.c.
 */
#ifndef _LINUX_IOMMU_PASID_H
#define _LINUX_IOMMU_PASID_H

#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/types.h>

struct device;
struct ioas_owner;
struct iommu_pasid_space;

/**
 * enum iommu_pasid_scope - where a PASID has to be valid
 * @IOMMU_PASID_GLOBAL: on every device of the system: it may go into the MSR that
 *	ENQCMD reads
 * @IOMMU_PASID_GROUP: on every device of a set
 * @IOMMU_PASID_DEVICE: on one device, which has a PASID table of its own
 */
enum iommu_pasid_scope {
	IOMMU_PASID_GLOBAL,
	IOMMU_PASID_GROUP,
	IOMMU_PASID_DEVICE,
};

/**
 * struct iommu_pasid_device - a device that a PASID is given out for
 * @dev: the device
 * @table: the numbers that are taken in its IOMMU group
 */
struct iommu_pasid_device {
	struct device *dev;
	struct iommu_pasid_space *table;
};

/**
 * struct iommu_pasid - a PASID that was given out
 * @id: the number
 * @scope: where it is valid
 * @owner: who is charged, and stays for as long as that is so; NULL if nobody is
 * @charged: it is not only taken, but may be used
 * @adding: the last of @devs is not charged yet
 * @node: in a hash table
 * @refs: who allocated it, and attachments
 * @nr_devs: number of @devs; none if it is global
 * @devs: the devices that it is taken on; @first, or allocated
 * @dev_ids: what ioas_cg_device_id() says of them, for as long as they are charged;
 *	@first_id, or in what is allocated for @devs
 * @first: see @devs
 * @first_id: see @dev_ids
 *
 * Only @id and @scope are for others to read.
 */
struct iommu_pasid {
	ioasid_t id;
	enum iommu_pasid_scope scope;
	struct ioas_owner *owner;
	bool charged;
	bool adding;
	struct hlist_node node;
	unsigned int refs;
	unsigned int nr_devs;
	struct iommu_pasid_device *devs;
	u64 *dev_ids;
	struct iommu_pasid_device first;
	u64 first_id;
};

/**
 * struct iommu_pasid_request - what is asked for
 * @scope: where the PASID has to be valid
 * @devs: of %IOMMU_PASID_DEVICE the device, of %IOMMU_PASID_GROUP those of the set,
 *	each once. Of %IOMMU_PASID_GLOBAL, devices that have to be able to carry it
 *	among others; may be none.  A driver is bound to each, until the PASID is
 *	freed, or removed from the device.
 * @nr_devs: number of @devs
 * @min: lowest number wanted; at least %IOMMU_FIRST_GLOBAL_PASID is given anyway
 * @max: highest number wanted, or 0 for whatever the devices can carry
 * @owner: who is charged, from ioas_cg_owner_of() or ioas_cg_owner_of_mm(); NULL for
 *	a PASID that the kernel needs itself
 */
struct iommu_pasid_request {
	enum iommu_pasid_scope scope;
	struct device *const *devs;
	unsigned int nr_devs;
	ioasid_t min;
	ioasid_t max;
	struct ioas_owner *owner;
};

#ifdef CONFIG_IOMMU_API

struct iommu_pasid *iommu_pasid_alloc(const struct iommu_pasid_request *req);
void iommu_pasid_free(struct iommu_pasid *pasid);
int iommu_pasid_add_device(struct iommu_pasid *pasid, struct device *dev);
void iommu_pasid_remove_device(struct iommu_pasid *pasid, struct device *dev);

ioasid_t iommu_device_max_pasid(struct device *dev);
bool iommu_device_supports_pasid(struct device *dev,
				 enum iommu_pasid_scope scope);
void iommu_device_need_global_pasids(struct device *dev, bool need);

#else /* !CONFIG_IOMMU_API */

static inline struct iommu_pasid *
iommu_pasid_alloc(const struct iommu_pasid_request *req)
{
	return ERR_PTR(-ENODEV);
}

static inline void iommu_pasid_free(struct iommu_pasid *pasid)
{
}

static inline int iommu_pasid_add_device(struct iommu_pasid *pasid,
					 struct device *dev)
{
	return -ENODEV;
}

static inline void iommu_pasid_remove_device(struct iommu_pasid *pasid,
					     struct device *dev)
{
}

static inline ioasid_t iommu_device_max_pasid(struct device *dev)
{
	return 0;
}

static inline bool iommu_device_supports_pasid(struct device *dev,
					       enum iommu_pasid_scope scope)
{
	return false;
}

static inline void iommu_device_need_global_pasids(struct device *dev,
						   bool need)
{
}

#endif /* CONFIG_IOMMU_API */

#endif /* _LINUX_IOMMU_PASID_H */
