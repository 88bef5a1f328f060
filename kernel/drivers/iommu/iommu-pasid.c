// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs, asked for by the scope that is needed.
 *
 * A PASID names an address space in the transactions of a device.  Where a number has
 * to be valid depends on the device: one that takes it from the MSR which ENQCMD
 * reads gets whatever is in there, on whichever device a task submits to, so the
 * number must mean the same address space on all of them.  One that has it in a
 * register of its own only needs a number that is free in its own PASID table.
 *
 *   global   taken everywhere: no device may use it for anything else
 *   group    taken on each device of a set, with one number on all of them
 *   device   taken on one device
 *
 * A space is a bitmap of the numbers that are taken, in leaves of 4,096 that are made
 * when they are first needed.  There is one for global PASIDs, and one for each IOMMU
 * group, the table: not one for each device, as a domain is attached to a PASID in all
 * of a group.  A number is free if the spaces that count do not have it: for a global
 * one all of them, else the global one and the tables of the devices.  The search goes
 * from below, word by word of all these, or'ed.  So there is no border between global
 * and other numbers: an allocation fails with ENOSPC only if no number is left that
 * the devices can carry and that is free where it has to be.
 *
 * Attaching a domain to a PASID of a device takes an entry in what the hardware has
 * for that device.  Who holds a PASID of the scope group or device has been charged for
 * that already.  Who holds a global one is charged again for each IOMMU group that it
 * is attached in, for as long as that lasts; it is found by the number, in a hash
 * table.  And a number that nobody allocated is allocated by the attachment itself.
 *
 * Locking: pasid_lock protects the spaces and the hash table.  It is a spinlock that
 * disables interrupts, as a global PASID is freed with the last reference to an mm, in
 * any context.  It is held while one leaf is searched, not all.  What is attached in an
 * IOMMU group is protected by the mutex of that, in which pasid_lock nests.  Calls for
 * one PASID must not run at the same time.
 */

#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/hashtable.h>
#include <linux/ioas_cgroup.h>
#include <linux/iommu.h>
#include <linux/iommu-pasid.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "iommu-priv.h"

#define LEAF_SHIFT	12
#define LEAF_NUMBERS	BIT(LEAF_SHIFT)
#define NR_LEAVES	((IOAS_CG_PASID_CAPACITY >> LEAF_SHIFT) + 1)
#define NO_NUMBER	0

/**
 * struct iommu_pasid_space - the numbers that are taken
 * @tables: in the list of all tables
 * @nr_taken: how many are, in each leaf
 * @leaf: bitmaps of them; NULL where none ever was
 */
struct iommu_pasid_space {
	struct list_head tables;
	u16 nr_taken[NR_LEAVES];
	unsigned long *leaf[NR_LEAVES];
};

static DEFINE_SPINLOCK(pasid_lock);
static struct iommu_pasid_space globals;
static LIST_HEAD(all_tables);
/* The PASIDs in it, by number. */
static DEFINE_HASHTABLE(global_pasids, 10);

/* ---- spaces ---- */

static struct iommu_pasid *find_global(ioasid_t id)
{
	struct iommu_pasid *pasid;

	lockdep_assert_held(&pasid_lock);
	hash_for_each_possible(global_pasids, pasid, node, id)
		if (pasid->id == id)
			return pasid;
	return NULL;
}

static bool is_taken(const struct iommu_pasid_space *space, ioasid_t id)
{
	unsigned long *leaf = space ? space->leaf[id >> LEAF_SHIFT] : NULL;

	return leaf && test_bit(id % LEAF_NUMBERS, leaf);
}

static void take(struct iommu_pasid_space *space, ioasid_t id)
{
	lockdep_assert_held(&pasid_lock);
	__set_bit(id % LEAF_NUMBERS, space->leaf[id >> LEAF_SHIFT]);
	space->nr_taken[id >> LEAF_SHIFT]++;
}

static void release(struct iommu_pasid_space *space, ioasid_t id)
{
	lockdep_assert_held(&pasid_lock);
	__clear_bit(id % LEAF_NUMBERS, space->leaf[id >> LEAF_SHIFT]);
	space->nr_taken[id >> LEAF_SHIFT]--;
}

static unsigned long word_of(const struct iommu_pasid_space *space,
			     unsigned int leaf, unsigned int word)
{
	return space->leaf[leaf] ? space->leaf[leaf][word] : 0;
}

/* Have a leaf in @space. */
static int add_leaf(struct iommu_pasid_space *space, unsigned int leaf)
{
	unsigned long *new;

	if (READ_ONCE(space->leaf[leaf]))
		return 0;
	new = bitmap_zalloc(LEAF_NUMBERS, GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	spin_lock_irq(&pasid_lock);
	if (!space->leaf[leaf]) {
		WRITE_ONCE(space->leaf[leaf], new);
		new = NULL;
	}
	spin_unlock_irq(&pasid_lock);
	bitmap_free(new);
	return 0;
}

/* The table of a group is made for the first PASID that is taken there. */
static struct iommu_pasid_space *get_table(struct device *dev)
{
	struct iommu_group_pasids *group = iommu_group_pasids(dev->iommu_group);
	struct iommu_pasid_space *new;

	if (READ_ONCE(group->table))
		return group->table;
	new = kzalloc(sizeof(*new), GFP_KERNEL);
	if (!new)
		return NULL;
	spin_lock_irq(&pasid_lock);
	if (!group->table) {
		list_add_tail(&new->tables, &all_tables);
		WRITE_ONCE(group->table, new);
		new = NULL;
	}
	spin_unlock_irq(&pasid_lock);
	kfree(new);
	return group->table;
}

/**
 * iommu_group_pasids_init() - a new IOMMU group has no PASIDs
 * @group: what it has of this file
 */
void iommu_group_pasids_init(struct iommu_group_pasids *group)
{
	xa_init_flags(&group->attached, XA_FLAGS_ACCOUNT);
}

/**
 * iommu_group_pasids_destroy() - an IOMMU group goes
 * @group: what it has of this file
 */
void iommu_group_pasids_destroy(struct iommu_group_pasids *group)
{
	struct iommu_pasid_space *table = group->table;
	unsigned int i;

	WARN_ON(!xa_empty(&group->attached));
	if (!table)
		return;
	spin_lock_irq(&pasid_lock);
	list_del(&table->tables);
	spin_unlock_irq(&pasid_lock);
	for (i = 0; i < NR_LEAVES; i++) {
		WARN_ON(table->nr_taken[i]);
		bitmap_free(table->leaf[i]);
	}
	kfree(table);
}

/* ---- devices of a PASID ---- */

static int set_devices(struct iommu_pasid *pasid, struct device *const *devs,
		       unsigned int nr_devs)
{
	unsigned int i;

	pasid->devs = &pasid->first;
	if (nr_devs > 1) {
		pasid->devs = kcalloc(nr_devs, sizeof(*pasid->devs),
				      GFP_KERNEL_ACCOUNT);
		if (!pasid->devs)
			return -ENOMEM;
	}
	for (i = 0; i < nr_devs; i++) {
		pasid->devs[i].dev = devs[i];
		pasid->devs[i].table = get_table(devs[i]);
		if (!pasid->devs[i].table)
			return -ENOMEM;
	}
	pasid->nr_devs = nr_devs;
	return 0;
}

static void forget_devices(struct iommu_pasid *pasid)
{
	if (pasid->devs != &pasid->first)
		kfree(pasid->devs);
}

/* Is the table of a device that of an earlier one of the same PASID? */
static bool shares_table(const struct iommu_pasid *pasid, unsigned int dev)
{
	unsigned int i;

	for (i = 0; i < dev; i++)
		if (pasid->devs[i].table == pasid->devs[dev].table)
			return true;
	return false;
}

/* ---- searching ---- */

/* Which of 64 numbers are taken in any of the spaces that count for @pasid? */
static unsigned long taken_word(const struct iommu_pasid *pasid,
				unsigned int leaf, unsigned int word)
{
	unsigned long taken = word_of(&globals, leaf, word);
	const struct iommu_pasid_space *table;
	unsigned int i;

	if (pasid->scope == IOMMU_PASID_GLOBAL)
		list_for_each_entry(table, &all_tables, tables)
			taken |= word_of(table, leaf, word);
	for (i = 0; i < pasid->nr_devs; i++)
		taken |= word_of(pasid->devs[i].table, leaf, word);
	return taken;
}

/* The first number from @min to @max, which are in one leaf, that is free. */
static ioasid_t find_in_leaf(const struct iommu_pasid *pasid, ioasid_t min,
			     ioasid_t max)
{
	unsigned int leaf = min >> LEAF_SHIFT;
	unsigned long taken;
	ioasid_t id;

	lockdep_assert_held(&pasid_lock);
	if (globals.nr_taken[leaf] == LEAF_NUMBERS)
		return NO_NUMBER;
	for (id = round_down(min, BITS_PER_LONG); id <= max;
	     id += BITS_PER_LONG) {
		taken = taken_word(pasid, leaf,
				   id % LEAF_NUMBERS / BITS_PER_LONG);
		if (id < min)
			taken |= BIT(min - id) - 1;
		if (taken != ~0UL) {
			id += ffz(taken);
			return id <= max ? id : NO_NUMBER;
		}
	}
	return NO_NUMBER;
}

/* ---- taking and releasing a number ---- */

/* A space in which @pasid has to be taken, and that has no leaf for that yet. */
static struct iommu_pasid_space *space_without_leaf(const struct iommu_pasid *pasid)
{
	unsigned int leaf = pasid->id >> LEAF_SHIFT, i;

	if (pasid->scope == IOMMU_PASID_GLOBAL)
		return globals.leaf[leaf] ? NULL : &globals;
	for (i = 0; i < pasid->nr_devs; i++)
		if (!pasid->devs[i].table->leaf[leaf])
			return pasid->devs[i].table;
	return NULL;
}

static void take_number(struct iommu_pasid *pasid)
{
	unsigned int i;

	if (pasid->scope == IOMMU_PASID_GLOBAL) {
		take(&globals, pasid->id);
		hash_add(global_pasids, &pasid->node, pasid->id);
	}
	for (i = 0; i < pasid->nr_devs; i++)
		if (!shares_table(pasid, i))
			take(pasid->devs[i].table, pasid->id);
}

static void release_number(struct iommu_pasid *pasid)
{
	unsigned int i;

	if (pasid->scope == IOMMU_PASID_GLOBAL) {
		release(&globals, pasid->id);
		hash_del(&pasid->node);
	}
	for (i = 0; i < pasid->nr_devs; i++)
		if (!shares_table(pasid, i))
			release(pasid->devs[i].table, pasid->id);
}

static int charge(const struct iommu_pasid *pasid)
{
	if (pasid->scope == IOMMU_PASID_GLOBAL)
		return ioas_cg_charge_pasid(pasid->owner, IOAS_CG_PASID_GLOBAL,
					    pasid->id, 1);
	return ioas_cg_charge_pasid(pasid->owner, IOAS_CG_PASID_DEVICE,
				    pasid->id, pasid->nr_devs);
}

static void uncharge(const struct iommu_pasid *pasid)
{
	if (pasid->scope == IOMMU_PASID_GLOBAL)
		ioas_cg_uncharge_pasid(pasid->owner, IOAS_CG_PASID_GLOBAL,
				       pasid->id, 1);
	else
		ioas_cg_uncharge_pasid(pasid->owner, IOAS_CG_PASID_DEVICE,
				       pasid->id, pasid->nr_devs);
}

/*
 * Find a number from @min to @max, which are in one leaf, charge it and take it.
 * Return 0, -ENOSPC if there is none, -EDQUOT, or -EAGAIN with the space that has no
 * room for it yet.
 */
static int charge_and_take_in_leaf(struct iommu_pasid *pasid, ioasid_t min,
				   ioasid_t max,
				   struct iommu_pasid_space **without)
{
	int ret;

	guard(spinlock_irq)(&pasid_lock);
	pasid->id = find_in_leaf(pasid, min, max);
	if (pasid->id == NO_NUMBER)
		return -ENOSPC;
	*without = space_without_leaf(pasid);
	if (*without)
		return -EAGAIN;
	ret = charge(pasid);
	if (!ret)
		take_number(pasid);
	return ret;
}

static int charge_and_take(struct iommu_pasid *pasid, ioasid_t min,
			   ioasid_t max)
{
	struct iommu_pasid_space *without;
	ioasid_t last;
	int ret;

	for (;;) {
		last = min_t(ioasid_t, max, min | (LEAF_NUMBERS - 1));
		ret = charge_and_take_in_leaf(pasid, min, last, &without);
		if (ret == -EAGAIN) {
			ret = add_leaf(without, min >> LEAF_SHIFT);
			if (ret)
				return ret;
		} else if (ret == -ENOSPC && last < max) {
			min = last + 1;
			cond_resched();
		} else {
			return ret;
		}
	}
}

/* ---- the interface ---- */

static bool device_has_pasids(struct device *dev)
{
	return dev->iommu_group && dev->iommu && dev->iommu->max_pasids;
}

/**
 * iommu_device_supports_pasid() - can a device use PASIDs of a scope?
 * @dev: a device that a driver is bound to
 * @scope: the scope
 */
bool iommu_device_supports_pasid(struct device *dev,
				 enum iommu_pasid_scope scope)
{
	if (!device_has_pasids(dev))
		return false;
	return scope == IOMMU_PASID_GLOBAL || !dev->iommu->global_pasids;
}
EXPORT_SYMBOL_GPL(iommu_device_supports_pasid);

/**
 * iommu_device_need_global_pasids() - a device cannot choose its PASIDs
 * @dev: a device that submits with the PASID that it is given, as ENQCMD does
 *
 * From now on it is given none of the scopes group and device.  For the driver of
 * the device, before it lets anyone else use it.
 */
void iommu_device_need_global_pasids(struct device *dev)
{
	dev->iommu->global_pasids = 1;
}
EXPORT_SYMBOL_GPL(iommu_device_need_global_pasids);

static bool is_named_twice(const struct iommu_pasid_request *req,
			   unsigned int dev)
{
	unsigned int i;

	for (i = 0; i < dev; i++)
		if (req->devs[i] == req->devs[dev])
			return true;
	return false;
}

/* What of the numbers wanted can all the devices carry? */
static int range_of(const struct iommu_pasid_request *req, ioasid_t *min,
		    ioasid_t *max)
{
	unsigned int i;

	*min = max_t(ioasid_t, req->min, IOMMU_FIRST_GLOBAL_PASID);
	*max = IOAS_CG_PASID_CAPACITY;
	if (req->max)
		*max = min_t(ioasid_t, *max, req->max);
	for (i = 0; i < req->nr_devs; i++) {
		if (!device_has_pasids(req->devs[i]) || is_named_twice(req, i))
			return -EINVAL;
		if (!iommu_device_supports_pasid(req->devs[i], req->scope))
			return -EOPNOTSUPP;
		*max = min_t(ioasid_t, *max,
			     req->devs[i]->iommu->max_pasids - 1);
	}
	return *min <= *max ? 0 : -ERANGE;
}

static bool is_valid(const struct iommu_pasid_request *req)
{
	switch (req->scope) {
	case IOMMU_PASID_GLOBAL:
		return true;
	case IOMMU_PASID_GROUP:
		return req->nr_devs;
	case IOMMU_PASID_DEVICE:
		return req->nr_devs == 1;
	}
	return false;
}

static void pasid_destroy(struct iommu_pasid *pasid)
{
	forget_devices(pasid);
	kfree(pasid);
}

static struct iommu_pasid *pasid_create(const struct iommu_pasid_request *req)
{
	bool global = req->scope == IOMMU_PASID_GLOBAL;
	struct iommu_pasid *pasid;

	pasid = kzalloc(sizeof(*pasid), GFP_KERNEL_ACCOUNT);
	if (!pasid)
		return NULL;
	pasid->scope = req->scope;
	pasid->owner = req->owner;
	if (set_devices(pasid, req->devs, global ? 0 : req->nr_devs)) {
		pasid_destroy(pasid);
		return NULL;
	}
	return pasid;
}

/**
 * iommu_pasid_alloc() - give out a PASID that is valid where it has to be
 * @req: what is needed
 *
 * @req->owner is charged one unit of the scope "global", or one of the scope
 * "device" for each device.
 *
 * Context: Process context; may sleep.
 * Return: the PASID, or an ERR_PTR:
 *
 *   * %-EDQUOT: the owner may not have more
 *   * %-ENOSPC: no number is left that is free where it has to be
 *   * %-ERANGE: there is no number in the range wanted that all devices can carry
 *   * %-EOPNOTSUPP: a device cannot use this scope
 *   * %-EINVAL: a device has no PASIDs, or is named twice, or their number does not
 *     fit the scope
 *   * %-ENOMEM
 */
struct iommu_pasid *iommu_pasid_alloc(const struct iommu_pasid_request *req)
{
	struct iommu_pasid *pasid;
	ioasid_t min, max;
	int ret;

	if (!is_valid(req))
		return ERR_PTR(-EINVAL);
	ret = range_of(req, &min, &max);
	if (ret)
		return ERR_PTR(ret);
	pasid = pasid_create(req);
	if (!pasid)
		return ERR_PTR(-ENOMEM);
	ret = charge_and_take(pasid, min, max);
	if (ret) {
		pasid_destroy(pasid);
		return ERR_PTR(ret);
	}
	return pasid;
}
EXPORT_SYMBOL_GPL(iommu_pasid_alloc);

/**
 * iommu_pasid_free() - take a PASID back
 * @pasid: from iommu_pasid_alloc(); no domain is attached to it any more
 *
 * The owner is uncharged.
 *
 * Context: Any.
 */
void iommu_pasid_free(struct iommu_pasid *pasid)
{
	unsigned long flags;

	spin_lock_irqsave(&pasid_lock, flags);
	WARN_ON_ONCE(pasid->nr_attached);
	release_number(pasid);
	spin_unlock_irqrestore(&pasid_lock, flags);
	uncharge(pasid);
	pasid_destroy(pasid);
}
EXPORT_SYMBOL_GPL(iommu_pasid_free);

static int find_device(const struct iommu_pasid *pasid,
		       const struct device *dev)
{
	unsigned int i;

	for (i = 0; i < pasid->nr_devs; i++)
		if (pasid->devs[i].dev == dev)
			return i;
	return -ENODEV;
}

static int check_new_device(const struct iommu_pasid *pasid, struct device *dev)
{
	if (pasid->scope != IOMMU_PASID_GROUP || !device_has_pasids(dev))
		return -EINVAL;
	if (!iommu_device_supports_pasid(dev, pasid->scope))
		return -EOPNOTSUPP;
	if (find_device(pasid, dev) >= 0)
		return -EEXIST;
	return pasid->id < dev->iommu->max_pasids ? 0 : -ERANGE;
}

/* Room for one more device, which is not counted yet. */
static int make_room(struct iommu_pasid *pasid, struct device *dev)
{
	struct iommu_pasid_device *devs;
	struct iommu_pasid_space *table = get_table(dev);

	if (!table || add_leaf(table, pasid->id >> LEAF_SHIFT))
		return -ENOMEM;
	devs = kcalloc(pasid->nr_devs + 1, sizeof(*devs), GFP_KERNEL_ACCOUNT);
	if (!devs)
		return -ENOMEM;
	memcpy(devs, pasid->devs, pasid->nr_devs * sizeof(*devs));
	devs[pasid->nr_devs].dev = dev;
	devs[pasid->nr_devs].table = table;
	forget_devices(pasid);
	pasid->devs = devs;
	return 0;
}

/* Charge for and take the number on the device after the last one. */
static int charge_and_take_on_next(struct iommu_pasid *pasid)
{
	struct iommu_pasid_space *table = pasid->devs[pasid->nr_devs].table;
	bool shared = shares_table(pasid, pasid->nr_devs);
	int ret;

	guard(spinlock_irq)(&pasid_lock);
	if (!shared && is_taken(table, pasid->id))
		return -EBUSY;
	ret = ioas_cg_charge_pasid(pasid->owner, IOAS_CG_PASID_DEVICE,
				   pasid->id, 1);
	if (ret)
		return ret;
	if (!shared)
		take(table, pasid->id);
	pasid->nr_devs++;
	return 0;
}

/**
 * iommu_pasid_add_device() - make a PASID valid on one more device
 * @pasid: of the scope group
 * @dev: the device; a driver is bound to it
 *
 * Its owner is charged one more unit.
 *
 * Context: Process context; may sleep.
 * Return: 0, or an error, and then nothing has changed:
 *
 *   * %-EBUSY: the number is taken on the device
 *   * %-EEXIST: the device is in the set
 *   * %-EDQUOT, %-ERANGE, %-EOPNOTSUPP, %-EINVAL, %-ENOMEM: as iommu_pasid_alloc()
 */
int iommu_pasid_add_device(struct iommu_pasid *pasid, struct device *dev)
{
	int ret;

	ret = check_new_device(pasid, dev);
	if (ret)
		return ret;
	ret = make_room(pasid, dev);
	if (ret)
		return ret;
	return charge_and_take_on_next(pasid);
}
EXPORT_SYMBOL_GPL(iommu_pasid_add_device);

/**
 * iommu_pasid_remove_device() - a PASID is not needed on a device any more
 * @pasid: of the scope group
 * @dev: one of its devices, and not the only one: then iommu_pasid_free() it. No
 *	domain is attached to it there.
 *
 * Its owner is uncharged one unit.
 *
 * Context: Any.
 */
void iommu_pasid_remove_device(struct iommu_pasid *pasid, struct device *dev)
{
	int i = find_device(pasid, dev);
	unsigned int last = pasid->nr_devs - 1;
	unsigned long flags;

	if (WARN_ON_ONCE(i < 0 || !last))
		return;
	swap(pasid->devs[i], pasid->devs[last]);
	spin_lock_irqsave(&pasid_lock, flags);
	if (!shares_table(pasid, last))
		release(pasid->devs[last].table, pasid->id);
	pasid->nr_devs = last;
	spin_unlock_irqrestore(&pasid_lock, flags);
	ioas_cg_uncharge_pasid(pasid->owner, IOAS_CG_PASID_DEVICE, pasid->id,
			       1);
}
EXPORT_SYMBOL_GPL(iommu_pasid_remove_device);

/* ---- attachments ---- */

/* How a number is to be attached to, seen from one IOMMU group. */
enum attachment {
	ATTACH_PAID,		/* it is of the group, or the kernel's own */
	ATTACH_OWNED_GLOBAL,	/* somebody holds it, and has to pay for it here */
	ATTACH_UNALLOCATED,	/* nobody allocated it */
};

static enum attachment look_up(struct iommu_group_pasids *group, ioasid_t id,
			       struct iommu_pasid **global)
{
	guard(spinlock_irq)(&pasid_lock);
	if (is_taken(group->table, id))
		return ATTACH_PAID;
	*global = find_global(id);
	if (!*global)
		return ATTACH_UNALLOCATED;
	return (*global)->owner ? ATTACH_OWNED_GLOBAL : ATTACH_PAID;
}

static void count_attached(struct iommu_pasid *global, int n)
{
	guard(spinlock_irq)(&pasid_lock);
	global->nr_attached += n;
}

static int attach_global(struct iommu_group_pasids *group,
			 struct iommu_pasid *global)
{
	int ret;

	ret = ioas_cg_charge_pasid(global->owner, IOAS_CG_PASID_DEVICE,
				   global->id, 1);
	if (ret)
		return ret;
	ret = xa_insert(&group->attached, global->id, global, GFP_KERNEL);
	if (ret)
		ioas_cg_uncharge_pasid(global->owner, IOAS_CG_PASID_DEVICE,
				       global->id, 1);
	else
		count_attached(global, 1);
	return ret;
}

static int attach_unallocated(struct iommu_group_pasids *group,
			      struct device *dev, ioasid_t id)
{
	struct iommu_pasid_request req = {
		.scope = IOMMU_PASID_DEVICE,
		.devs = &dev,
		.nr_devs = 1,
		.min = id,
		.max = id,
		.owner = ioas_cg_owner_of(current),
	};
	struct iommu_pasid *pasid;
	int ret;

	pasid = iommu_pasid_alloc(&req);
	ioas_cg_owner_put(req.owner);
	if (IS_ERR(pasid))
		return PTR_ERR(pasid);
	ret = xa_insert(&group->attached, id, pasid, GFP_KERNEL);
	if (ret)
		iommu_pasid_free(pasid);
	return ret;
}

/**
 * iommu_pasid_attach() - a domain is going to be attached to a PASID of a device
 * @dev: the device; the mutex of its IOMMU group is held
 * @id: the PASID, which nothing is attached to in that group
 *
 * Context: Process context; may sleep.
 * Return: 0, -EDQUOT or -ENOMEM; of a number that nobody allocated, any error of
 * iommu_pasid_alloc().
 */
int iommu_pasid_attach(struct device *dev, ioasid_t id)
{
	struct iommu_group_pasids *group = iommu_group_pasids(dev->iommu_group);
	struct iommu_pasid *global;

	switch (look_up(group, id, &global)) {
	case ATTACH_OWNED_GLOBAL:
		return attach_global(group, global);
	case ATTACH_UNALLOCATED:
		return attach_unallocated(group, dev, id);
	case ATTACH_PAID:
		break;
	}
	return 0;
}

/**
 * iommu_pasid_detach() - the domain was detached again, or could not be attached
 * @group: the IOMMU group; its mutex is held
 * @id: the PASID
 *
 * Context: Process context; may sleep.
 */
void iommu_pasid_detach(struct iommu_group *group, ioasid_t id)
{
	struct iommu_pasid *pasid;

	pasid = xa_erase(&iommu_group_pasids(group)->attached, id);
	if (!pasid)
		return;
	if (pasid->scope != IOMMU_PASID_GLOBAL) {
		iommu_pasid_free(pasid);
		return;
	}
	count_attached(pasid, -1);
	ioas_cg_uncharge_pasid(pasid->owner, IOAS_CG_PASID_DEVICE, id, 1);
}

/* ---- global PASIDs of the kernel itself ---- */

/**
 * iommu_alloc_global_pasid() - give out a PASID that the kernel needs itself
 * @dev: the device that it is for, among others
 *
 * Nobody is charged.
 *
 * Context: Process context; may sleep.
 * Return: the PASID, or %IOMMU_PASID_INVALID.
 */
ioasid_t iommu_alloc_global_pasid(struct device *dev)
{
	const struct iommu_pasid_request req = {
		.scope = IOMMU_PASID_GLOBAL,
		.devs = &dev,
		.nr_devs = 1,
	};
	struct iommu_pasid *pasid = iommu_pasid_alloc(&req);

	return IS_ERR(pasid) ? IOMMU_PASID_INVALID : pasid->id;
}
EXPORT_SYMBOL_GPL(iommu_alloc_global_pasid);

/**
 * iommu_free_global_pasid() - take a global PASID back by its number
 * @id: the number
 *
 * Context: Any.
 */
void iommu_free_global_pasid(ioasid_t id)
{
	struct iommu_pasid *pasid;
	unsigned long flags;

	spin_lock_irqsave(&pasid_lock, flags);
	pasid = find_global(id);
	spin_unlock_irqrestore(&pasid_lock, flags);
	if (!WARN_ON(!pasid))
		iommu_pasid_free(pasid);
}
EXPORT_SYMBOL_GPL(iommu_free_global_pasid);
