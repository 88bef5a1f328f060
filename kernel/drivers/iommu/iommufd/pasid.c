// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID sets: from the PASIDs that a guest uses to those that the hardware gets.
 *
 * A virtual PASID (vPASID) is a number that the user of an iommufd chose, or was
 * given.  The number that a device has to be programmed with, the physical one
 * (pPASID), is for the kernel to choose: it depends on the scope, and on what is free.
 * Each iommufd has one set of them, which all of its devices share.
 *
 * What a vPASID stands for depends on the device.  It can be bound
 *
 *   - to a PASID that was given out for that device, alone or in a group;
 *   - to a global PASID, which is what it stands for on every device on which it is
 *     not bound to such a one.
 *
 * So one vPASID can be bound to a device with a PASID table of its own and to one that
 * takes global PASIDs at the same time, and each gets its own pPASID.  Where that is
 * free in the table of a device, it is the same number as the vPASID.
 *
 * Each device has all that is valid on it in &struct iommufd_device.vpasids, the global
 * ones included, so that a lookup is a single step.  The global ones are also in
 * &struct iommufd_pasids.globals: for devices that are bound later, and for those on
 * which another one takes precedence for a while.
 *
 * All PASIDs of a set are charged to one cgroup: that of the task that allocates the
 * first one, for as long as there are any.  The set ends with the iommufd.  What was
 * given out for a device ends when that is unbound.
 *
 * Locking: &struct iommufd_pasids.lock protects everything, but lookups take no lock.
 * They are made under RCU, and a PASID is given back to the allocator one grace period
 * after it can no longer be found.  A driver that looks up a vPASID and hands it to the
 * hardware in one RCU read-side critical section has it done before the number can mean
 * anything else.
 */
#include <linux/ioas_cgroup.h>
#include <linux/iommu-pasid.h>
#include <linux/iommufd.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <uapi/linux/iommufd.h>

#include "iommufd_private.h"

/* Of vPASIDs: PCI has 20 bits for them. */
#define VPASID_MAX	((1U << 20) - 1)

/* More devices than anyone puts into one VM. */
#define MAX_DEVICES	64

/**
 * struct iommufd_vpasid - what a vPASID stands for on some devices
 * @vpasid: the number that the user has
 * @ppasid: the number that the hardware has
 * @pasid: the PASID that was given out
 * @nr_idevs: number of @idevs
 * @idevs: the devices that have it in their table; none if it is global
 */
struct iommufd_vpasid {
	u32 vpasid;
	ioasid_t ppasid;
	struct iommu_pasid *pasid;
	unsigned int nr_idevs;
	struct iommufd_device **idevs;
};

/**
 * iommufd_pasids_init() - make the set of a new iommufd
 * @set: the set
 */
void iommufd_pasids_init(struct iommufd_pasids *set)
{
	mutex_init(&set->lock);
	INIT_LIST_HEAD(&set->idevs);
	xa_init_flags(&set->globals, XA_FLAGS_ACCOUNT);
	xa_init_flags(&set->used, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
}

/* Who is charged: the set's owner, or who would become that. With a reference. */
static struct ioas_owner *get_owner(const struct iommufd_pasids *set)
{
	lockdep_assert_held(&set->lock);
	return set->owner ? ioas_cg_owner_get(set->owner) :
			    ioas_cg_owner_of(current);
}

/* ---- vPASIDs that are in use, for whichever devices ---- */

static int use_vpasid(struct iommufd_pasids *set, u32 vpasid)
{
	void *count = xa_load(&set->used, vpasid);

	return xa_err(xa_store(&set->used, vpasid,
			       xa_mk_value(count ? xa_to_value(count) + 1 : 1),
			       GFP_KERNEL));
}

static void unuse_vpasid(struct iommufd_pasids *set, u32 vpasid)
{
	unsigned long count = xa_to_value(xa_load(&set->used, vpasid));

	/* What is stored in place of something needs no memory. */
	if (count == 1)
		xa_erase(&set->used, vpasid);
	else
		xa_store(&set->used, vpasid, xa_mk_value(count - 1),
			 GFP_KERNEL);
	if (xa_empty(&set->used)) {
		ioas_cg_owner_put(set->owner);
		set->owner = NULL;
	}
}

/* Use the one that is wanted, or any that nothing is bound to. */
static int choose_vpasid(struct iommufd_pasids *set, u32 *vpasid)
{
	int ret;

	if (*vpasid)
		return use_vpasid(set, *vpasid);
	ret = xa_alloc(&set->used, vpasid, xa_mk_value(1),
		       XA_LIMIT(1, VPASID_MAX), GFP_KERNEL);
	return ret == -EBUSY ? -ENOSPC : ret;
}

/* ---- pPASIDs ---- */

static struct iommu_pasid *alloc_ppasid(struct iommu_pasid_request *req,
					u32 vpasid)
{
	struct iommu_pasid *pasid;

	if (req->scope == IOMMU_PASID_GLOBAL)
		return iommu_pasid_alloc(req);
	req->min = vpasid;
	req->max = vpasid;
	pasid = iommu_pasid_alloc(req);
	if (pasid != ERR_PTR(-ENOSPC) && pasid != ERR_PTR(-ERANGE))
		return pasid;
	req->min = 0;
	req->max = 0;
	return iommu_pasid_alloc(req);
}

static struct device **devices_of(struct iommufd_device **idevs,
				  unsigned int nr_idevs)
{
	struct device **devs;
	unsigned int i;

	devs = kcalloc(nr_idevs, sizeof(*devs), GFP_KERNEL);
	for (i = 0; devs && i < nr_idevs; i++)
		devs[i] = idevs[i]->dev;
	return devs;
}

static struct iommu_pasid *
request_ppasid(struct ioas_owner *owner, enum iommu_pasid_scope scope,
	       struct iommufd_device **idevs, unsigned int nr_idevs, u32 vpasid)
{
	struct device **devs = devices_of(idevs, nr_idevs);
	struct iommu_pasid_request req = {
		.scope = scope,
		.devs = devs,
		.nr_devs = nr_idevs,
		.owner = owner,
	};
	struct iommu_pasid *pasid;

	if (!devs)
		return ERR_PTR(-ENOMEM);
	pasid = alloc_ppasid(&req, vpasid);
	kfree(devs);
	return pasid;
}

/* ---- what a vPASID stands for ---- */

static void vpasid_destroy(struct iommufd_vpasid *entry)
{
	iommu_pasid_free(entry->pasid);
	kfree(entry->idevs);
	kfree(entry);
}

static struct iommufd_vpasid *
vpasid_create(struct ioas_owner *owner, enum iommu_pasid_scope scope,
	      struct iommufd_device **idevs, unsigned int nr_idevs, u32 vpasid)
{
	struct iommufd_vpasid *entry;
	int ret = -ENOMEM;

	entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	entry->vpasid = vpasid;
	entry->nr_idevs = scope == IOMMU_PASID_GLOBAL ? 0 : nr_idevs;
	entry->idevs = kmemdup_array(idevs, entry->nr_idevs, sizeof(*idevs),
				     GFP_KERNEL_ACCOUNT);
	if (!entry->idevs)
		goto err;
	entry->pasid = request_ppasid(owner, scope, idevs, nr_idevs, vpasid);
	if (IS_ERR(entry->pasid)) {
		ret = PTR_ERR(entry->pasid);
		goto err;
	}
	entry->ppasid = entry->pasid->id;
	return entry;
err:
	kfree(entry->idevs);
	kfree(entry);
	return ERR_PTR(ret);
}

static bool is_global(const struct iommufd_vpasid *entry)
{
	return entry->pasid->scope == IOMMU_PASID_GLOBAL;
}

/* What @vpasid is bound to on a device, other than a global PASID. */
static struct iommufd_vpasid *own_vpasid(struct iommufd_device *idev,
					 u32 vpasid)
{
	struct iommufd_vpasid *entry = xa_load(&idev->vpasids, vpasid);

	return entry && !is_global(entry) ? entry : NULL;
}

/* ---- what lookups find ---- */

static int show_on_device(struct iommufd_vpasid *entry,
			  struct iommufd_device *idev)
{
	return xa_err(xa_store(&idev->vpasids, entry->vpasid, entry,
			       GFP_KERNEL));
}

/* A global one that had to stand back comes forth again, in place of @entry. */
static void hide_on_device(struct iommufd_pasids *set,
			   struct iommufd_vpasid *entry,
			   struct iommufd_device *idev)
{
	struct iommufd_vpasid *global = xa_load(&set->globals, entry->vpasid);

	if (global)
		show_on_device(global, idev);
	else
		xa_erase(&idev->vpasids, entry->vpasid);
}

static void hide_global(struct iommufd_pasids *set,
			struct iommufd_vpasid *entry)
{
	struct iommufd_device *idev;

	xa_erase(&set->globals, entry->vpasid);
	list_for_each_entry(idev, &set->idevs, vpasids_item)
		if (xa_load(&idev->vpasids, entry->vpasid) == entry)
			xa_erase(&idev->vpasids, entry->vpasid);
}

static int show_global(struct iommufd_pasids *set, struct iommufd_vpasid *entry)
{
	struct iommufd_device *idev;
	int ret;

	ret = xa_insert(&set->globals, entry->vpasid, entry, GFP_KERNEL);
	if (ret)
		return ret;
	list_for_each_entry(idev, &set->idevs, vpasids_item) {
		if (own_vpasid(idev, entry->vpasid))
			continue;
		ret = show_on_device(entry, idev);
		if (ret) {
			hide_global(set, entry);
			return ret;
		}
	}
	return 0;
}

static void hide_own(struct iommufd_pasids *set, struct iommufd_vpasid *entry,
		     unsigned int nr_idevs)
{
	while (nr_idevs--)
		hide_on_device(set, entry, entry->idevs[nr_idevs]);
}

static int show_own(struct iommufd_pasids *set, struct iommufd_vpasid *entry)
{
	unsigned int i;
	int ret;

	for (i = 0; i < entry->nr_idevs; i++) {
		ret = show_on_device(entry, entry->idevs[i]);
		if (ret) {
			hide_own(set, entry, i);
			return ret;
		}
	}
	return 0;
}

static int show(struct iommufd_pasids *set, struct iommufd_vpasid *entry)
{
	int ret;

	ret = is_global(entry) ? show_global(set, entry) : show_own(set, entry);
	/* It may have been found on some devices in the meantime. */
	if (ret)
		synchronize_rcu();
	return ret;
}

static void hide(struct iommufd_pasids *set, struct iommufd_vpasid *entry)
{
	if (is_global(entry))
		hide_global(set, entry);
	else
		hide_own(set, entry, entry->nr_idevs);
}

static bool is_taken(struct iommufd_pasids *set, enum iommu_pasid_scope scope,
		     struct iommufd_device **idevs, unsigned int nr_idevs,
		     u32 vpasid)
{
	unsigned int i;

	if (scope == IOMMU_PASID_GLOBAL)
		return xa_load(&set->globals, vpasid);
	for (i = 0; i < nr_idevs; i++)
		if (own_vpasid(idevs[i], vpasid))
			return true;
	return false;
}

static int create_and_show(struct iommufd_pasids *set,
			   struct ioas_owner *owner,
			   enum iommu_pasid_scope scope,
			   struct iommufd_device **idevs, unsigned int nr_idevs,
			   u32 vpasid)
{
	struct iommufd_vpasid *entry;
	int ret;

	entry = vpasid_create(owner, scope, idevs, nr_idevs, vpasid);
	if (IS_ERR(entry))
		return PTR_ERR(entry);
	ret = show(set, entry);
	if (ret)
		vpasid_destroy(entry);
	return ret;
}

/**
 * iommufd_pasids_alloc() - bind a vPASID to a new PASID
 * @set: the set
 * @scope: where the PASID has to be valid
 * @idevs: the devices, as for iommu_pasid_alloc(); bound to the iommufd of @set, and
 *	not being unbound
 * @nr_idevs: number of @idevs
 * @vpasid: the one that is wanted, or 0 for any; set to the one that was bound
 *
 * Context: Process context; may sleep.
 * Return: 0, -EEXIST if @vpasid is bound already on one of the devices, or to another
 * global PASID, -ENOSPC if all are in use, -ENODEV if no device is bound to the iommufd,
 * or an error of iommu_pasid_alloc().
 */
int iommufd_pasids_alloc(struct iommufd_pasids *set,
			 enum iommu_pasid_scope scope,
			 struct iommufd_device **idevs, unsigned int nr_idevs,
			 u32 *vpasid)
{
	struct ioas_owner *owner;
	u32 chosen = *vpasid;
	int ret;

	if (chosen > VPASID_MAX)
		return -EINVAL;
	guard(mutex)(&set->lock);
	/* Global ones are of no use then, and taken from others. */
	if (list_empty(&set->idevs))
		return -ENODEV;
	if (chosen && is_taken(set, scope, idevs, nr_idevs, chosen))
		return -EEXIST;
	ret = choose_vpasid(set, &chosen);
	if (ret)
		return ret;
	owner = get_owner(set);
	ret = create_and_show(set, owner, scope, idevs, nr_idevs, chosen);
	if (ret) {
		unuse_vpasid(set, chosen);
		ioas_cg_owner_put(owner);
		return ret;
	}
	*vpasid = chosen;
	ioas_cg_owner_put(set->owner);
	set->owner = owner;
	return 0;
}

/* ---- devices that come and go ---- */

/**
 * iommufd_pasids_add_device() - a device is being bound to the iommufd
 * @set: its set
 * @idev: the device; its driver may look up vPASIDs from now on
 *
 * Context: Process context; may sleep.
 * Return: 0 or -ENOMEM.
 */
int iommufd_pasids_add_device(struct iommufd_pasids *set,
			      struct iommufd_device *idev)
{
	struct iommufd_vpasid *entry;
	unsigned long vpasid;
	int ret = 0;

	xa_init_flags(&idev->vpasids, XA_FLAGS_ACCOUNT);
	mutex_lock(&set->lock);
	xa_for_each(&set->globals, vpasid, entry) {
		ret = show_on_device(entry, idev);
		if (ret)
			break;
		cond_resched();
	}
	if (ret)
		xa_destroy(&idev->vpasids);
	else
		list_add_tail(&idev->vpasids_item, &set->idevs);
	mutex_unlock(&set->lock);
	return ret;
}

static void forget_device(struct iommufd_vpasid *entry,
			  const struct iommufd_device *idev)
{
	unsigned int i;

	for (i = 0; entry->idevs[i] != idev; i++)
		;
	entry->idevs[i] = entry->idevs[--entry->nr_idevs];
}

static void remove_device(struct iommufd_vpasid *entry,
			  struct iommufd_device *idev)
{
	forget_device(entry, idev);
	iommu_pasid_remove_device(entry->pasid, idev->dev);
}

static int add_device(struct iommufd_vpasid *entry, struct iommufd_device *idev)
{
	struct iommufd_device **idevs;
	int ret;

	idevs = krealloc_array(entry->idevs, entry->nr_idevs + 1,
			       sizeof(*idevs), GFP_KERNEL_ACCOUNT);
	if (!idevs)
		return -ENOMEM;
	entry->idevs = idevs;
	ret = iommu_pasid_add_device(entry->pasid, idev->dev);
	if (ret)
		return ret;
	ret = show_on_device(entry, idev);
	if (ret) {
		iommu_pasid_remove_device(entry->pasid, idev->dev);
		return ret;
	}
	idevs[entry->nr_idevs++] = idev;
	return 0;
}

static struct iommufd_vpasid *find_vpasid(struct iommufd_pasids *set,
					  enum iommu_pasid_scope scope,
					  u32 vpasid,
					  struct iommufd_device *idev)
{
	struct iommufd_vpasid *entry;

	lockdep_assert_held(&set->lock);
	entry = idev ? own_vpasid(idev, vpasid) :
		       xa_load(&set->globals, vpasid);
	return entry && entry->pasid->scope == scope ? entry : NULL;
}

/**
 * iommufd_pasids_add() - make a vPASID of a group valid on one more device
 * @set: the set
 * @vpasid: the vPASID
 * @member: a device of the group
 * @idev: the device that is new
 *
 * Both devices are bound to the iommufd of @set, and not being unbound.
 *
 * Context: Process context; may sleep.
 * Return: 0, -ENOENT if @vpasid is of no group on @member, -EEXIST if it is bound on
 * @idev already, -EBUSY if its pPASID is taken there, or another error of
 * iommu_pasid_add_device().  Then nothing has changed.
 */
int iommufd_pasids_add(struct iommufd_pasids *set, u32 vpasid,
		       struct iommufd_device *member,
		       struct iommufd_device *idev)
{
	struct iommufd_vpasid *entry;
	int ret = -ENOENT;

	mutex_lock(&set->lock);
	entry = find_vpasid(set, IOMMU_PASID_GROUP, vpasid, member);
	if (entry)
		ret = own_vpasid(idev, vpasid) ? -EEXIST :
						 add_device(entry, idev);
	mutex_unlock(&set->lock);
	return ret;
}

/**
 * iommufd_pasids_remove_device() - a device is unbound from the iommufd
 * @set: its set
 * @idev: the device; its driver looks up nothing any more
 *
 * What was given out for it alone is given back.  Groups go on without it.
 *
 * Context: Process context; may sleep.
 */
void iommufd_pasids_remove_device(struct iommufd_pasids *set,
				  struct iommufd_device *idev)
{
	struct iommufd_vpasid *entry;
	unsigned long vpasid;

	mutex_lock(&set->lock);
	list_del(&idev->vpasids_item);
	xa_for_each(&idev->vpasids, vpasid, entry) {
		xa_erase(&idev->vpasids, vpasid);
		if (entry->nr_idevs > 1) {
			remove_device(entry, idev);
		} else if (!is_global(entry)) {
			unuse_vpasid(set, vpasid);
			vpasid_destroy(entry);
		}
		cond_resched();
	}
	mutex_unlock(&set->lock);
}

/* ---- the end of a vPASID ---- */

/* Return what lookups do not find from here on, or NULL if there is none such. */
static struct iommufd_vpasid *
take_out(struct iommufd_pasids *set, enum iommu_pasid_scope scope, u32 vpasid,
	 struct iommufd_device *idev)
{
	struct iommufd_vpasid *entry;

	guard(mutex)(&set->lock);
	entry = find_vpasid(set, scope, vpasid, idev);
	if (entry) {
		hide(set, entry);
		unuse_vpasid(set, entry->vpasid);
	}
	return entry;
}

/*
 * Its devices may have gone by now: no lock and no reference to them is held while this
 * waits, or an unplug would wait for all who do.
 */
static void end_taken_out(struct iommufd_vpasid *entry)
{
	synchronize_rcu();
	vpasid_destroy(entry);
}

/**
 * iommufd_pasids_free() - end what a vPASID stands for
 * @set: the set
 * @scope: as it was allocated
 * @vpasid: the vPASID
 * @idev: a device that it was allocated for; NULL if it is global
 *
 * Context: Process context; waits for a grace period.
 * Return: 0, or -ENOENT if there is none such.
 */
int iommufd_pasids_free(struct iommufd_pasids *set,
			enum iommu_pasid_scope scope, u32 vpasid,
			struct iommufd_device *idev)
{
	struct iommufd_vpasid *entry = take_out(set, scope, vpasid, idev);

	if (!entry)
		return -ENOENT;
	end_taken_out(entry);
	return 0;
}

/**
 * iommufd_pasids_destroy() - the iommufd goes
 * @set: its set; all devices are unbound
 */
void iommufd_pasids_destroy(struct iommufd_pasids *set)
{
	struct iommufd_vpasid *entry;
	unsigned long vpasid;

	xa_for_each(&set->globals, vpasid, entry) {
		unuse_vpasid(set, vpasid);
		vpasid_destroy(entry);
		cond_resched();
	}
	WARN_ON(!list_empty(&set->idevs));
	WARN_ON(!xa_empty(&set->used));
	xa_destroy(&set->globals);
	xa_destroy(&set->used);
}

/* ---- what drivers call ---- */

/**
 * iommufd_device_translate_pasid() - turn a vPASID into the PASID of the hardware
 * @idev: the device that is going to use it, as the driver has bound it
 * @vpasid: what the user of the device has
 *
 * The PASID is one that the user may use on this device: it was given out to the iommufd
 * that the device is bound to, and is taken on the device.  It stays so until the end of
 * the RCU read-side critical section that the call is made in.
 *
 * Context: Any; does not sleep.
 * Return: the PASID, -ENOENT if @vpasid stands for nothing on this device, or -ERANGE
 * if the PASID is too large for the device: a global one, or since another device has
 * joined its IOMMU group.
 */
int iommufd_device_translate_pasid(struct iommufd_device *idev, u32 vpasid)
{
	struct iommufd_vpasid *entry;
	int ret = -ENOENT;

	rcu_read_lock();
	entry = xa_load(&idev->vpasids, vpasid);
	if (entry)
		ret = entry->ppasid <= iommu_device_max_pasid(idev->dev) ?
			      entry->ppasid : -ERANGE;
	rcu_read_unlock();
	return ret;
}
EXPORT_SYMBOL_NS_GPL(iommufd_device_translate_pasid, IOMMUFD);

/* ---- ioctls ---- */

static int scope_of(u32 uapi_scope, enum iommu_pasid_scope *scope)
{
	switch (uapi_scope) {
	case IOMMU_VPASID_SCOPE_GLOBAL:
		*scope = IOMMU_PASID_GLOBAL;
		return 0;
	case IOMMU_VPASID_SCOPE_GROUP:
		*scope = IOMMU_PASID_GROUP;
		return 0;
	case IOMMU_VPASID_SCOPE_DEVICE:
		*scope = IOMMU_PASID_DEVICE;
		return 0;
	}
	return -EINVAL;
}

static struct iommufd_device *get_device_of_user(struct iommufd_ucmd *ucmd,
						 u32 id)
{
	struct iommufd_device *idev = iommufd_get_device(ucmd, id);

	return IS_ERR(idev) ? ERR_PTR(-ENODEV) : idev;
}

static void put_devices_of_user(struct iommufd_ucmd *ucmd,
				struct iommufd_device **idevs, unsigned int nr)
{
	while (nr--)
		iommufd_put_object(ucmd->ictx, &idevs[nr]->obj);
}

static int get_devices_of_user(struct iommufd_ucmd *ucmd, const u32 *ids,
			       struct iommufd_device **idevs, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		idevs[i] = get_device_of_user(ucmd, ids[i]);
		if (IS_ERR(idevs[i])) {
			put_devices_of_user(ucmd, idevs, i);
			return PTR_ERR(idevs[i]);
		}
	}
	return 0;
}

static int alloc_and_respond(struct iommufd_ucmd *ucmd,
			     enum iommu_pasid_scope scope,
			     struct iommufd_device **idevs, unsigned int nr)
{
	struct iommufd_pasids *set = &ucmd->ictx->pasids;
	struct iommu_vpasid_alloc *cmd = ucmd->cmd;
	int ret;

	ret = iommufd_pasids_alloc(set, scope, idevs, nr, &cmd->vpasid);
	if (ret)
		return ret;
	ret = iommufd_ucmd_respond(ucmd, sizeof(*cmd));
	if (ret)
		iommufd_pasids_free(set, scope, cmd->vpasid,
				    scope == IOMMU_PASID_GLOBAL ? NULL :
								  idevs[0]);
	return ret;
}

int iommufd_vpasid_alloc(struct iommufd_ucmd *ucmd)
{
	struct iommu_vpasid_alloc *cmd = ucmd->cmd;
	struct iommufd_device **idevs = NULL;
	enum iommu_pasid_scope scope;
	u32 *ids;
	int ret;

	if (cmd->flags || cmd->__reserved || scope_of(cmd->scope, &scope) ||
	    cmd->nr_devs > MAX_DEVICES)
		return -EINVAL;
	ids = memdup_array_user(u64_to_user_ptr(cmd->dev_ids), cmd->nr_devs,
				sizeof(*ids));
	if (IS_ERR(ids))
		return PTR_ERR(ids);
	ret = -ENOMEM;
	idevs = kcalloc(cmd->nr_devs, sizeof(*idevs), GFP_KERNEL);
	if (!idevs)
		goto out;
	ret = get_devices_of_user(ucmd, ids, idevs, cmd->nr_devs);
	if (ret)
		goto out;
	ret = alloc_and_respond(ucmd, scope, idevs, cmd->nr_devs);
	put_devices_of_user(ucmd, idevs, cmd->nr_devs);
out:
	kfree(idevs);
	kfree(ids);
	return ret;
}

int iommufd_vpasid_add(struct iommufd_ucmd *ucmd)
{
	struct iommu_vpasid_add *cmd = ucmd->cmd;
	const u32 ids[] = { cmd->member_id, cmd->dev_id };
	struct iommufd_device *idevs[ARRAY_SIZE(ids)];
	int ret;

	if (cmd->flags)
		return -EINVAL;
	ret = get_devices_of_user(ucmd, ids, idevs, ARRAY_SIZE(ids));
	if (ret)
		return ret;
	ret = iommufd_pasids_add(&ucmd->ictx->pasids, cmd->vpasid, idevs[0],
				 idevs[1]);
	put_devices_of_user(ucmd, idevs, ARRAY_SIZE(ids));
	return ret;
}

int iommufd_vpasid_free(struct iommufd_ucmd *ucmd)
{
	struct iommu_vpasid_free *cmd = ucmd->cmd;
	struct iommufd_device *idev = NULL;
	enum iommu_pasid_scope scope;
	struct iommufd_vpasid *entry;

	if (cmd->flags || cmd->__reserved || scope_of(cmd->scope, &scope) ||
	    (scope == IOMMU_PASID_GLOBAL && cmd->dev_id))
		return -EINVAL;
	if (scope != IOMMU_PASID_GLOBAL) {
		idev = get_device_of_user(ucmd, cmd->dev_id);
		if (IS_ERR(idev))
			return PTR_ERR(idev);
	}
	entry = take_out(&ucmd->ictx->pasids, scope, cmd->vpasid, idev);
	if (idev)
		iommufd_put_object(ucmd->ictx, &idev->obj);
	if (!entry)
		return -ENOENT;
	end_taken_out(entry);
	return 0;
}

static void query_device(struct iommu_vpasid_query *cmd, struct device *dev)
{
	static const u32 uapi_scope[] = {
		[IOMMU_PASID_GLOBAL] = IOMMU_VPASID_SCOPE_GLOBAL,
		[IOMMU_PASID_GROUP] = IOMMU_VPASID_SCOPE_GROUP,
		[IOMMU_PASID_DEVICE] = IOMMU_VPASID_SCOPE_DEVICE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(uapi_scope); i++)
		if (iommu_device_supports_pasid(dev, i))
			cmd->out_scopes |= BIT(uapi_scope[i]);
	cmd->out_max_pasid = iommu_device_max_pasid(dev);
}

static u64 pasids_left(struct ioas_owner *owner, enum ioas_cg_pasid_scope scope)
{
	unsigned long left = ioas_cg_pasids_left(owner, scope);

	return left == LONG_MAX ? U64_MAX : left;
}

static void query_quota(struct iommu_vpasid_query *cmd,
			struct iommufd_pasids *set)
{
	struct ioas_owner *owner;

	mutex_lock(&set->lock);
	owner = get_owner(set);
	mutex_unlock(&set->lock);
	cmd->out_global_left = pasids_left(owner, IOAS_CG_PASID_GLOBAL);
	cmd->out_device_left = pasids_left(owner, IOAS_CG_PASID_DEVICE);
	ioas_cg_owner_put(owner);
}

int iommufd_vpasid_query(struct iommufd_ucmd *ucmd)
{
	struct iommu_vpasid_query *cmd = ucmd->cmd;
	struct iommufd_device *idev;

	if (cmd->flags || cmd->__reserved)
		return -EINVAL;
	cmd->out_scopes = 0;
	cmd->out_max_pasid = 0;
	if (cmd->dev_id) {
		idev = get_device_of_user(ucmd, cmd->dev_id);
		if (IS_ERR(idev))
			return PTR_ERR(idev);
		query_device(cmd, idev->dev);
		iommufd_put_object(ucmd->ictx, &idev->obj);
	} else {
		cmd->out_scopes = BIT(IOMMU_VPASID_SCOPE_GLOBAL);
		cmd->out_max_pasid = IOAS_CG_PASID_CAPACITY;
	}
	query_quota(cmd, &ucmd->ictx->pasids);
	return iommufd_ucmd_respond(ucmd, sizeof(*cmd));
}
