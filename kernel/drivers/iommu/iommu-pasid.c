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
 * that already.  Who holds a global one is charged one more unit, for the device; all
 * of an IOMMU group is one device there, as it is attached to at once.  A number that
 * nobody allocated is allocated by the attachment itself.  An attachment finds the
 * PASID by its number, in a hash table, and holds it: a PASID that is freed while a
 * domain is attached to it stays taken and charged until that is detached, as devices
 * may still use it.
 *
 * Locking: pasid_lock protects the spaces and the hash table.  It is a spinlock that
 * disables interrupts, as a global PASID is freed with the last reference to an mm, in
 * any context.  It is held while one leaf is searched, not all, and not while anybody is
 * charged.  What is attached in an IOMMU group is protected by the mutex of that, in
 * which pasid_lock nests.  Calls for one PASID must not run at the same time, but for
 * attachments.  A table outlives its IOMMU group while PASIDs are taken in it.
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
 * @refs: of a table, the IOMMU group and the devices of PASIDs that refer to it
 * @nr_taken: how many are, in each leaf
 * @leaf: bitmaps of them; NULL where none ever was
 */
struct iommu_pasid_space {
	struct list_head tables;
	unsigned long refs;
	u16 nr_taken[NR_LEAVES];
	unsigned long *leaf[NR_LEAVES];
};

static DEFINE_SPINLOCK(pasid_lock);
static struct iommu_pasid_space globals;
static LIST_HEAD(all_tables);
/* All PASIDs, by number. */
static DEFINE_HASHTABLE(all_pasids, 10);

/* ---- spaces ---- */

static bool is_taken(const struct iommu_pasid_space *space, ioasid_t id)
{
	unsigned long *leaf = space->leaf[id >> LEAF_SHIFT];

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

/* Number 0 is none, and never taken. */
static bool is_full(const struct iommu_pasid_space *space, unsigned int leaf)
{
	return space->nr_taken[leaf] == LEAF_NUMBERS - !leaf;
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
		new->refs = 1;
		list_add_tail(&new->tables, &all_tables);
		WRITE_ONCE(group->table, new);
		new = NULL;
	}
	spin_unlock_irq(&pasid_lock);
	kfree(new);
	return group->table;
}

static void put_table(struct iommu_pasid_space *table)
{
	unsigned int i;

	lockdep_assert_held(&pasid_lock);
	if (--table->refs)
		return;
	list_del(&table->tables);
	for (i = 0; i < NR_LEAVES; i++) {
		WARN_ON_ONCE(table->nr_taken[i]);
		bitmap_free(table->leaf[i]);
	}
	kfree(table);
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
	unsigned long flags;

	WARN_ON(!xa_empty(&group->attached));
	spin_lock_irqsave(&pasid_lock, flags);
	if (group->table)
		put_table(group->table);
	spin_unlock_irqrestore(&pasid_lock, flags);
}

/* ---- devices of a PASID ---- */

static int alloc_devices(struct iommu_pasid *pasid, unsigned int nr)
{
	pasid->devs = kcalloc(nr, sizeof(*pasid->devs) +
				  sizeof(*pasid->dev_ids), GFP_KERNEL_ACCOUNT);
	if (!pasid->devs)
		return -ENOMEM;
	pasid->dev_ids = (u64 *)(pasid->devs + nr);
	return 0;
}

static int set_devices(struct iommu_pasid *pasid, struct device *const *devs,
		       unsigned int nr_devs)
{
	unsigned int i;

	pasid->devs = &pasid->first;
	pasid->dev_ids = &pasid->first_id;
	if (nr_devs > 1 && alloc_devices(pasid, nr_devs))
		return -ENOMEM;
	for (i = 0; i < nr_devs; i++) {
		pasid->dev_ids[i] = ioas_cg_device_id(devs[i]);
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

/* Which numbers of a word are taken in any of the spaces that count for @pasid? */
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
	if (is_full(&globals, leaf))
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

	hash_add(all_pasids, &pasid->node, pasid->id);
	if (pasid->scope == IOMMU_PASID_GLOBAL)
		take(&globals, pasid->id);
	for (i = 0; i < pasid->nr_devs; i++) {
		pasid->devs[i].table->refs++;
		if (!shares_table(pasid, i))
			take(pasid->devs[i].table, pasid->id);
	}
}

static void release_number(struct iommu_pasid *pasid)
{
	unsigned int i;

	hash_del(&pasid->node);
	if (pasid->scope == IOMMU_PASID_GLOBAL)
		release(&globals, pasid->id);
	for (i = 0; i < pasid->nr_devs; i++)
		if (!shares_table(pasid, i))
			release(pasid->devs[i].table, pasid->id);
	for (i = 0; i < pasid->nr_devs; i++)
		put_table(pasid->devs[i].table);
}

static int charge(const struct iommu_pasid *pasid)
{
	if (pasid->scope == IOMMU_PASID_GLOBAL)
		return ioas_cg_charge_pasid(pasid->owner, IOAS_CG_PASID_GLOBAL,
					    pasid->id, NULL, 1);
	return ioas_cg_charge_pasid(pasid->owner, IOAS_CG_PASID_DEVICE,
				    pasid->id, pasid->dev_ids, pasid->nr_devs);
}

static void uncharge(const struct iommu_pasid *pasid)
{
	if (pasid->scope == IOMMU_PASID_GLOBAL)
		ioas_cg_uncharge_pasid(pasid->owner, IOAS_CG_PASID_GLOBAL,
				       pasid->id, NULL, 1);
	else
		ioas_cg_uncharge_pasid(pasid->owner, IOAS_CG_PASID_DEVICE,
				       pasid->id, pasid->dev_ids,
				       pasid->nr_devs);
}

/*
 * Take a number from @min to @max, which are in one leaf. Return 0, -ENOSPC if there is
 * none, or -EAGAIN with the space that has no room for it yet.
 */
static int take_in_leaf(struct iommu_pasid *pasid, ioasid_t min, ioasid_t max,
			struct iommu_pasid_space **without)
{
	int ret = -ENOSPC;

	spin_lock_irq(&pasid_lock);
	pasid->id = find_in_leaf(pasid, min, max);
	if (pasid->id == NO_NUMBER)
		goto out;
	ret = -EAGAIN;
	*without = space_without_leaf(pasid);
	if (*without)
		goto out;
	take_number(pasid);
	ret = 0;
out:
	spin_unlock_irq(&pasid_lock);
	return ret;
}

static int take_in_range(struct iommu_pasid *pasid, ioasid_t min, ioasid_t max)
{
	struct iommu_pasid_space *without;
	ioasid_t last;
	int ret;

	for (;;) {
		last = min_t(ioasid_t, max, min | (LEAF_NUMBERS - 1));
		ret = take_in_leaf(pasid, min, last, &without);
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

/* The number first: what nobody could have is no matter of quota. */
static int take_and_charge(struct iommu_pasid *pasid, ioasid_t min,
			   ioasid_t max)
{
	int ret;

	ret = take_in_range(pasid, min, max);
	if (ret)
		return ret;
	ret = charge(pasid);
	if (ret) {
		spin_lock_irq(&pasid_lock);
		release_number(pasid);
		spin_unlock_irq(&pasid_lock);
		return ret;
	}
	/* From here on attachments find it. */
	smp_store_release(&pasid->charged, true);
	return 0;
}

/* ---- the interface ---- */

/**
 * iommu_device_max_pasid() - the largest PASID that a device can carry
 * @dev: a device that a driver is bound to
 *
 * As a domain is attached in all of an IOMMU group, that is what all devices of the
 * group can carry that have PASIDs at all.
 *
 * Return: the number, or 0 if the device has no PASIDs.
 */
ioasid_t iommu_device_max_pasid(struct device *dev)
{
	u32 max_pasids;

	if (!dev->iommu_group || !dev->iommu || !dev->iommu->max_pasids)
		return 0;
	max_pasids = READ_ONCE(iommu_group_pasids(dev->iommu_group)->max);
	return min_t(u32, max_pasids - 1, IOAS_CG_PASID_CAPACITY);
}
EXPORT_SYMBOL_GPL(iommu_device_max_pasid);

/* Of a device that has PASIDs. */
static bool can_use(struct device *dev, enum iommu_pasid_scope scope)
{
	return scope == IOMMU_PASID_GLOBAL ||
	       !READ_ONCE(dev->iommu->global_pasids);
}

/**
 * iommu_device_supports_pasid() - can a device use PASIDs of a scope?
 * @dev: a device that a driver is bound to
 * @scope: the scope
 *
 * Return: whether it can.
 */
bool iommu_device_supports_pasid(struct device *dev,
				 enum iommu_pasid_scope scope)
{
	return iommu_device_max_pasid(dev) && can_use(dev, scope);
}
EXPORT_SYMBOL_GPL(iommu_device_supports_pasid);

/**
 * iommu_device_need_global_pasids() - can a device choose its PASIDs?
 * @dev: the device
 * @need: it cannot: it submits with the PASID that it is given, as ENQCMD does
 *
 * While @need is true, it is given none of the scopes group and device.  For the driver
 * of the device, before it lets anyone else use it, and with false when it is unbound.
 */
void iommu_device_need_global_pasids(struct device *dev, bool need)
{
	if (dev->iommu)
		WRITE_ONCE(dev->iommu->global_pasids, need);
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
	ioasid_t max_of_device;
	unsigned int i;

	*min = max_t(ioasid_t, req->min, IOMMU_FIRST_GLOBAL_PASID);
	*max = IOAS_CG_PASID_CAPACITY;
	if (req->max)
		*max = min_t(ioasid_t, *max, req->max);
	for (i = 0; i < req->nr_devs; i++) {
		max_of_device = iommu_device_max_pasid(req->devs[i]);
		if (!max_of_device || is_named_twice(req, i))
			return -EINVAL;
		if (!can_use(req->devs[i], req->scope))
			return -EOPNOTSUPP;
		*max = min(*max, max_of_device);
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
	pasid->refs = 1;
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
	ret = take_and_charge(pasid, min, max);
	if (ret) {
		pasid_destroy(pasid);
		return ERR_PTR(ret);
	}
	return pasid;
}
EXPORT_SYMBOL_GPL(iommu_pasid_alloc);

/* One that holds a PASID has gone: who allocated it, or an attachment. */
static void put_pasid(struct iommu_pasid *pasid)
{
	unsigned long flags;
	bool last;

	spin_lock_irqsave(&pasid_lock, flags);
	last = !--pasid->refs;
	if (last)
		pasid->charged = false;
	spin_unlock_irqrestore(&pasid_lock, flags);
	if (!last)
		return;
	/* Policies are told that it goes before they are asked about the next one. */
	uncharge(pasid);
	spin_lock_irqsave(&pasid_lock, flags);
	release_number(pasid);
	spin_unlock_irqrestore(&pasid_lock, flags);
	pasid_destroy(pasid);
}

/**
 * iommu_pasid_free() - take a PASID back
 * @pasid: from iommu_pasid_alloc()
 *
 * The owner is uncharged.  If a domain is still attached to it, all that is done when
 * that is detached.
 *
 * Context: Any.
 */
void iommu_pasid_free(struct iommu_pasid *pasid)
{
	put_pasid(pasid);
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
	ioasid_t max = iommu_device_max_pasid(dev);

	if (pasid->scope != IOMMU_PASID_GROUP || !max)
		return -EINVAL;
	if (!can_use(dev, pasid->scope))
		return -EOPNOTSUPP;
	if (find_device(pasid, dev) >= 0)
		return -EEXIST;
	return pasid->id <= max ? 0 : -ERANGE;
}

/* Room for one more device, which is not counted yet. */
static int make_room(struct iommu_pasid *pasid, struct device *dev)
{
	struct iommu_pasid_space *table = get_table(dev);
	struct iommu_pasid more = { .nr_devs = pasid->nr_devs };

	if (!table || add_leaf(table, pasid->id >> LEAF_SHIFT) ||
	    alloc_devices(&more, pasid->nr_devs + 1))
		return -ENOMEM;
	memcpy(more.devs, pasid->devs, pasid->nr_devs * sizeof(*more.devs));
	memcpy(more.dev_ids, pasid->dev_ids,
	       pasid->nr_devs * sizeof(*more.dev_ids));
	more.devs[pasid->nr_devs].dev = dev;
	more.devs[pasid->nr_devs].table = table;
	more.dev_ids[pasid->nr_devs] = ioas_cg_device_id(dev);
	/* An attachment may look at it, to a PASID of the same number. */
	spin_lock_irq(&pasid_lock);
	swap(pasid->devs, more.devs);
	swap(pasid->dev_ids, more.dev_ids);
	spin_unlock_irq(&pasid_lock);
	if (more.devs != &pasid->first)
		kfree(more.devs);
	return 0;
}

/* Take the number on the device after the last one. */
static int take_on_next(struct iommu_pasid *pasid)
{
	struct iommu_pasid_space *table = pasid->devs[pasid->nr_devs].table;
	bool shared = shares_table(pasid, pasid->nr_devs);
	int ret = -EBUSY;

	spin_lock_irq(&pasid_lock);
	if (!shared && is_taken(table, pasid->id))
		goto out;
	if (!shared)
		take(table, pasid->id);
	table->refs++;
	pasid->nr_devs++;
	pasid->adding = true;
	ret = 0;
out:
	spin_unlock_irq(&pasid_lock);
	return ret;
}

static void release_on(struct iommu_pasid *pasid, unsigned int dev)
{
	unsigned int last = pasid->nr_devs - 1;
	struct iommu_pasid_space *table = pasid->devs[dev].table;
	unsigned long flags;

	spin_lock_irqsave(&pasid_lock, flags);
	swap(pasid->devs[dev], pasid->devs[last]);
	swap(pasid->dev_ids[dev], pasid->dev_ids[last]);
	if (!shares_table(pasid, last))
		release(table, pasid->id);
	put_table(table);
	pasid->nr_devs = last;
	pasid->adding = false;
	spin_unlock_irqrestore(&pasid_lock, flags);
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
	ret = take_on_next(pasid);
	if (ret)
		return ret;
	ret = ioas_cg_charge_pasid(pasid->owner, IOAS_CG_PASID_DEVICE,
				   pasid->id,
				   &pasid->dev_ids[pasid->nr_devs - 1], 1);
	if (ret) {
		release_on(pasid, pasid->nr_devs - 1);
		return ret;
	}
	spin_lock_irq(&pasid_lock);
	pasid->adding = false;
	spin_unlock_irq(&pasid_lock);
	return 0;
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

	if (WARN_ON_ONCE(i < 0 || pasid->nr_devs == 1))
		return;
	ioas_cg_uncharge_pasid(pasid->owner, IOAS_CG_PASID_DEVICE, pasid->id,
			       &pasid->dev_ids[i], 1);
	release_on(pasid, i);
}
EXPORT_SYMBOL_GPL(iommu_pasid_remove_device);

/* ---- attachments ---- */

/**
 * struct attachment - a domain that is attached to a PASID in an IOMMU group
 * @pasid: the PASID; holds a reference
 * @dev_id: what ioas_cg_device_id() says of the device that it was attached through
 */
struct attachment {
	struct iommu_pasid *pasid;
	u64 dev_id;
};

static bool is_valid_in(const struct iommu_pasid *pasid,
			const struct iommu_pasid_space *table)
{
	unsigned int i;

	if (pasid->scope == IOMMU_PASID_GLOBAL)
		return true;
	for (i = 0; i < pasid->nr_devs - pasid->adding; i++)
		if (pasid->devs[i].table == table)
			return true;
	return false;
}

/* What a number stands for where a table counts, or NULL. */
static struct iommu_pasid *find_pasid(const struct iommu_pasid_space *table,
				      ioasid_t id)
{
	struct iommu_pasid *pasid;

	lockdep_assert_held(&pasid_lock);
	hash_for_each_possible(all_pasids, pasid, node, id)
		/* Pairs with the one in take_and_charge() */
		if (pasid->id == id && smp_load_acquire(&pasid->charged) &&
		    is_valid_in(pasid, table))
			return pasid;
	return NULL;
}

/* With a reference, for the attachment. */
static struct iommu_pasid *get_allocated(struct iommu_group_pasids *group,
					 ioasid_t id)
{
	struct iommu_pasid *pasid;

	spin_lock_irq(&pasid_lock);
	pasid = find_pasid(group->table, id);
	if (pasid)
		pasid->refs++;
	spin_unlock_irq(&pasid_lock);
	return pasid;
}

/* One that nobody allocated, for the task that attaches. */
static struct iommu_pasid *get_unallocated(struct device *dev, ioasid_t id)
{
	struct iommu_pasid_request req = {
		.scope = IOMMU_PASID_DEVICE,
		.devs = &dev,
		.nr_devs = 1,
		.owner = ioas_cg_owner_of(current),
	};
	struct iommu_pasid *pasid;
	int ret;

	pasid = pasid_create(&req);
	ret = pasid ? take_and_charge(pasid, id, id) : -ENOMEM;
	ioas_cg_owner_put(req.owner);
	if (!ret)
		return pasid;
	if (pasid)
		pasid_destroy(pasid);
	return ERR_PTR(ret);
}

/* Whoever holds a global one pays for the device; for others that is done. */
static int charge_attachment(const struct attachment *attachment)
{
	const struct iommu_pasid *pasid = attachment->pasid;

	if (pasid->scope != IOMMU_PASID_GLOBAL)
		return 0;
	return ioas_cg_charge_pasid(pasid->owner, IOAS_CG_PASID_DEVICE,
				    pasid->id, &attachment->dev_id, 1);
}

static void uncharge_attachment(const struct attachment *attachment)
{
	const struct iommu_pasid *pasid = attachment->pasid;

	if (pasid->scope == IOMMU_PASID_GLOBAL)
		ioas_cg_uncharge_pasid(pasid->owner, IOAS_CG_PASID_DEVICE,
				       pasid->id, &attachment->dev_id, 1);
}

/* The PASID that a number stands for, allocated here if it is by nobody else. */
static struct iommu_pasid *get_pasid(struct device *dev, ioasid_t id)
{
	struct iommu_pasid *pasid;

	pasid = get_allocated(iommu_group_pasids(dev->iommu_group), id);
	return pasid ?: get_unallocated(dev, id);
}

/**
 * iommu_pasid_attach() - a domain is going to be attached to a PASID of a device
 * @dev: the device; the mutex of its IOMMU group is held
 * @id: the PASID, which nothing is attached to in that group
 *
 * Context: Process context; may sleep.
 * Return: 0; -EDQUOT or what a policy gives instead; -ENOMEM; or -ENOSPC while the number
 * is being given out.
 */
int iommu_pasid_attach(struct device *dev, ioasid_t id)
{
	struct iommu_group_pasids *group = iommu_group_pasids(dev->iommu_group);
	struct attachment *attachment;
	int ret;

	attachment = kmalloc(sizeof(*attachment), GFP_KERNEL_ACCOUNT);
	if (!attachment)
		return -ENOMEM;
	attachment->dev_id = ioas_cg_device_id(dev);
	attachment->pasid = get_pasid(dev, id);
	ret = PTR_ERR_OR_ZERO(attachment->pasid);
	if (ret)
		goto err_free;
	ret = charge_attachment(attachment);
	if (ret)
		goto err_put;
	ret = xa_insert(&group->attached, id, attachment, GFP_KERNEL);
	if (!ret)
		return 0;
	uncharge_attachment(attachment);
err_put:
	put_pasid(attachment->pasid);
err_free:
	kfree(attachment);
	return ret;
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
	struct attachment *attachment;

	attachment = xa_erase(&iommu_group_pasids(group)->attached, id);
	if (WARN_ON_ONCE(!attachment))
		return;
	uncharge_attachment(attachment);
	put_pasid(attachment->pasid);
	kfree(attachment);
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
	pasid = find_pasid(NULL, id);
	spin_unlock_irqrestore(&pasid_lock, flags);
	if (!WARN_ON(!pasid))
		iommu_pasid_free(pasid);
}
EXPORT_SYMBOL_GPL(iommu_free_global_pasid);
