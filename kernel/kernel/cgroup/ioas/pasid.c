// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASIDs: how many of them an owner and its descendants hold.
 *
 * A PASID is held by one owner, so unlike a page it needs no index: its units are
 * added to the owner and to every ancestor when it is given out, and taken off when
 * it is freed.  Which numbers there are, and which is free, is the business of who
 * gives them out, drivers/iommu/iommu-pasid.c most of all.
 *
 * Refusals are told apart: what passes a limit here fails with EDQUOT, and an
 * allocator that has no number left fails with ENOSPC.
 *
 * Locking: &struct ioas_ledger.pasid_lock protects all the counters.  Unlike those of
 * pages they change rarely, and allocators of PASIDs have a lock of that kind anyway,
 * so limits hold and, where no policy is asked, peaks are exact without more ado.  A
 * PASID may end anywhere, with the mm that it names or with the last fence of a GPU, so
 * it is taken with interrupts disabled.  Files read the counters without it.
 */

#include <linux/device.h>
#include <linux/export.h>
#include <linux/ioas_cgroup.h>
#include <linux/kernfs.h>
#include <trace/events/ioas.h>

#include "owner.h"
#include "policy.h"

static void subtract(struct ioas_owner *owner, struct ioas_owner *stop,
		     enum ioas_cg_pasid_scope scope, unsigned int n)
{
	struct ioas_pasids *pasids;

	for (; owner != stop; owner = owner->parent) {
		pasids = &owner->pasids[scope];
		WARN_ON_ONCE(n > pasids->usage);
		WRITE_ONCE(pasids->usage, pasids->usage - n);
	}
}

static void update_peaks(struct ioas_owner *owner,
			 enum ioas_cg_pasid_scope scope)
{
	struct ioas_pasids *pasids;

	for (; owner; owner = owner->parent) {
		pasids = &owner->pasids[scope];
		if (pasids->usage > pasids->peak)
			WRITE_ONCE(pasids->peak, pasids->usage);
	}
}

/*
 * Return NULL, or the nearest owner whose limit would be passed; then nothing was
 * charged.  @peak is set to whether the usage of any is above its peak.
 */
static struct ioas_owner *add(struct ioas_owner *owner,
			      enum ioas_cg_pasid_scope scope, unsigned int n,
			      bool *peak)
{
	struct ioas_pasids *pasids;
	struct ioas_owner *o;

	*peak = false;
	for (o = owner; o; o = o->parent) {
		pasids = &o->pasids[scope];
		if (pasids->usage + n > READ_ONCE(pasids->max)) {
			subtract(owner, o, scope, n);
			return o;
		}
		WRITE_ONCE(pasids->usage, pasids->usage + n);
		*peak |= pasids->usage > pasids->peak;
	}
	return NULL;
}

/*
 * Whoever is charged stays until the last uncharge.  If policies are to be asked, new
 * peaks are left for update_peaks_later(), as what they refuse is not to be seen.
 */
static struct ioas_owner *try_charge(struct ioas_owner *owner,
				     enum ioas_cg_pasid_scope scope,
				     unsigned int n, bool ask, bool *peak)
{
	spinlock_t *lock = &owner->ledger->pasid_lock;
	struct ioas_owner *refused;
	unsigned long flags;

	spin_lock_irqsave(lock, flags);
	refused = add(owner, scope, n, peak);
	if (!refused) {
		if (*peak && !ask)
			update_peaks(owner, scope);
		if (!owner->pasids_held)
			ioas_owner_get(owner);
		owner->pasids_held += n;
	}
	spin_unlock_irqrestore(lock, flags);
	return refused;
}

/* What others have uncharged meanwhile, or are about to, is not told apart. */
static void update_peaks_later(struct ioas_owner *owner,
			       enum ioas_cg_pasid_scope scope)
{
	unsigned long flags;

	spin_lock_irqsave(&owner->ledger->pasid_lock, flags);
	update_peaks(owner, scope);
	spin_unlock_irqrestore(&owner->ledger->pasid_lock, flags);
}

/* Return whether that was all that @owner had. */
static bool uncharge(struct ioas_owner *owner, enum ioas_cg_pasid_scope scope,
		     unsigned int n)
{
	spinlock_t *lock = &owner->ledger->pasid_lock;
	unsigned long flags;
	bool last;

	spin_lock_irqsave(lock, flags);
	subtract(owner, NULL, scope, n);
	owner->pasids_held -= n;
	last = !owner->pasids_held;
	spin_unlock_irqrestore(lock, flags);
	return last;
}

static void report_refusal(struct ioas_owner *owner, struct ioas_owner *refused,
			   enum ioas_cg_pasid_scope scope, unsigned int n)
{
	struct ioas_pasids *pasids = &refused->pasids[scope];

	ioas_owner_count_event(refused, IOAS_EVENT_PASID_MAX + scope);
	trace_deny_pasid(owner->cgroup_id, scope, refused->cgroup_id,
			 READ_ONCE(pasids->max), READ_ONCE(pasids->usage), n);
	if (ioas_policies_exist())
		ioas_policy_limit_hit(owner, refused,
				      IOAS_POLICY_PASID_GLOBAL + scope, n);
}

/* Ask all policies about what was charged, and take it back if one refuses. */
static int ask_policies(struct ioas_owner *owner,
			enum ioas_cg_pasid_scope scope, u32 pasid,
			const u64 *devices, unsigned int n)
{
	struct ioas_policy_refusal by;
	bool last;
	int ret;

	ret = ioas_policy_charge_pasid(owner, scope, pasid, devices, n, &by);
	if (!ret)
		return 0;
	last = uncharge(owner, scope, n);
	ioas_owner_count_event(by.owner, IOAS_EVENT_PASID_POLICY);
	trace_deny_pasid_policy(owner->cgroup_id, scope, by.owner->cgroup_id,
				by.name, by.device, ret,
				READ_ONCE(by.owner->pasids[scope].usage), n);
	if (last)
		ioas_owner_put_atomic(owner);
	return ret;
}

/**
 * ioas_cg_charge_pasid() - charge a PASID that is being given out
 * @owner: who is charged, whom the caller has a reference to. It need not keep that, as
 *	who is charged does not go.  NULL charges nobody
 * @scope: what it takes from others
 * @pasid: its number
 * @devices: of the scope device, what ioas_cg_device_id() says of each device; policies
 *	see that.  NULL for the scope global
 * @n: number of units: of the scope device, the number of devices
 *
 * All or nothing, in the owner and all its ancestors.
 *
 * Context: Any.
 * Return: 0; -EDQUOT where ioas.pasid.max of the cgroup or of an ancestor would be
 * passed; or an error that a policy gives, see &struct ioas_cgroup_ops.
 */
int ioas_cg_charge_pasid(struct ioas_owner *owner,
			 enum ioas_cg_pasid_scope scope, u32 pasid,
			 const u64 *devices, unsigned int n)
{
	bool ask = ioas_policies_exist(), peak;
	struct ioas_owner *refused;
	int ret;

	if (!owner)
		return 0;
	refused = try_charge(owner, scope, n, ask, &peak);
	if (refused) {
		report_refusal(owner, refused, scope, n);
		return -EDQUOT;
	}
	if (ask) {
		ret = ask_policies(owner, scope, pasid, devices, n);
		if (ret)
			return ret;
		if (peak)
			update_peaks_later(owner, scope);
	}
	trace_pasid_alloc(owner->cgroup_id, scope, pasid, n);
	return 0;
}
EXPORT_SYMBOL_GPL(ioas_cg_charge_pasid);

/**
 * ioas_cg_uncharge_pasid() - uncharge a PASID, before others can have it
 * @owner: who was charged, or NULL
 * @scope: as it was charged
 * @pasid: its number
 * @devices: as they were charged, or those of them that @n counts
 * @n: number of units, at most those that were charged
 *
 * Context: Any.
 */
void ioas_cg_uncharge_pasid(struct ioas_owner *owner,
			    enum ioas_cg_pasid_scope scope, u32 pasid,
			    const u64 *devices, unsigned int n)
{
	bool last;

	if (!owner)
		return;
	/* Others may uncharge what is left, and let go of the owner, while policies are told. */
	guard(rcu)();
	trace_pasid_free(owner->cgroup_id, scope, pasid, n);
	last = uncharge(owner, scope, n);
	if (ioas_policies_exist())
		ioas_policy_uncharge_pasid(owner, scope, pasid, devices, n);
	if (last)
		ioas_owner_put_atomic(owner);
}
EXPORT_SYMBOL_GPL(ioas_cg_uncharge_pasid);

/**
 * ioas_cg_pasids_left() - how many more PASIDs may an owner be charged?
 * @owner: the owner, or NULL
 * @scope: their scope
 *
 * A snapshot: others may be charged at the same time.
 *
 * Context: Any.
 * Return: what the tightest limit leaves, of the owner's own and its ancestors', or
 * %LONG_MAX where there is none.
 */
unsigned long ioas_cg_pasids_left(struct ioas_owner *owner,
				  enum ioas_cg_pasid_scope scope)
{
	unsigned long left = LONG_MAX, usage, max;

	for (; owner; owner = owner->parent) {
		usage = READ_ONCE(owner->pasids[scope].usage);
		max = READ_ONCE(owner->pasids[scope].max);
		if (max != IOAS_PASIDS_MAX)
			left = min(left, max > usage ? max - usage : 0);
	}
	return left;
}
EXPORT_SYMBOL_GPL(ioas_cg_pasids_left);

/**
 * ioas_cg_device_id() - a number for a device, which policies and users know it by
 * @dev: the device
 *
 * Context: Any.
 * Return: the inode number of its folder in sysfs, or 0 if it has none.
 */
u64 ioas_cg_device_id(const struct device *dev)
{
	return dev->kobj.sd ? kernfs_ino(dev->kobj.sd) : 0;
}
EXPORT_SYMBOL_GPL(ioas_cg_device_id);

/**
 * ioas_cg_owner_get() - take a reference to an owner
 * @owner: the owner; may be NULL
 *
 * Context: Any.
 * Return: @owner
 */
struct ioas_owner *ioas_cg_owner_get(struct ioas_owner *owner)
{
	if (owner)
		ioas_owner_get(owner);
	return owner;
}
EXPORT_SYMBOL_GPL(ioas_cg_owner_get);

/**
 * ioas_cg_owner_put() - drop a reference to an owner
 * @owner: the owner; may be NULL
 *
 * Context: Any.
 */
void ioas_cg_owner_put(struct ioas_owner *owner)
{
	if (owner)
		ioas_owner_put_atomic(owner);
}
EXPORT_SYMBOL_GPL(ioas_cg_owner_put);
