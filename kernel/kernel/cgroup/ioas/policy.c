// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies: programs that decide about charges beside the limits.
 *
 * A policy is attached to one cgroup, which has at most one, and sees what is charged
 * to that cgroup and to its descendants.  Policies are asked after all limits have
 * allowed a charge, from the cgroup that is charged up to the root, the nearest first.
 * If one refuses, those that allowed it before are told that it is uncharged, and the
 * call fails.  So a policy can only forbid what the limits allow.  That something is
 * uncharged a policy is told, not asked.
 *
 * As the charge is made by then, a policy that compares what it is shown with a number
 * of its own has what the limits have: of two charges that race for the last bytes at
 * most one succeeds, and both may be refused.
 *
 * What is uncharged need not have been charged under the same policy: it may have been
 * attached, or have replaced another, in between.
 *
 * Locking: policies are called under RCU, found by a pointer in the owner, so attaching,
 * replacing and detaching do not wait for charges, and a policy may still be running for
 * a grace period after it was detached.  What owns its memory, the map of BPF, waits for
 * that.  policy_mutex makes attaching one thing with the check that the cgroup has none,
 * and is not going.  It nests in cgroup_mutex, and in the mutex that BPF holds while it
 * changes a link of any struct_ops type.  What else is done under that one is for others to
 * say, so it is never taken under cgroup_mutex: when a cgroup goes, nobody is asked any
 * more at once, and the link is detached from a work queue, as a user would.
 */

#include <linux/bpf.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "owner.h"
#include "policy.h"

DEFINE_STATIC_KEY_FALSE(ioas_policies);

static DEFINE_MUTEX(policy_mutex);

/* ---- cgroups by their ids ---- */

/* Owners whose cgroups are there, by id: by the lower half of it on 32 bits. */
static DEFINE_XARRAY_FLAGS(owners, XA_FLAGS_ACCOUNT);

/**
 * ioas_policy_know_cgroup() - the cgroup of an owner is there
 * @owner: the owner
 *
 * From here on programs find it by its id.
 *
 * Context: Process context; may sleep.
 * Return: 0, -ENOMEM, or -EBUSY if it is there already.
 */
int ioas_policy_know_cgroup(struct ioas_owner *owner)
{
	return xa_insert(&owners, owner->cgroup_id, owner, GFP_KERNEL);
}

/**
 * ioas_policy_owner_of_id() - the owner of a cgroup
 * @cgroup_id: the cgroup, by the inode number of its folder
 *
 * Context: Any, under RCU, which the owner stays for.  That is why this does not ask
 * kernfs, which has a lock to take that interrupts do not shut out.
 * Return: the owner, or NULL if there is no such cgroup, or the controller is not enabled
 * in it.
 */
struct ioas_owner *ioas_policy_owner_of_id(u64 cgroup_id)
{
	struct ioas_owner *owner = xa_load(&owners, cgroup_id);

	return owner && owner->cgroup_id == cgroup_id ? owner : NULL;
}

/* ---- attached to a cgroup ---- */

static struct ioas_cgroup_ops *attached_to(const struct ioas_owner *owner)
{
	return rcu_dereference_protected(owner->policy,
					 lockdep_is_held(&policy_mutex));
}

/**
 * ioas_policy_attach() - attach a policy
 * @owner: the owner of the cgroup
 * @ops: the policy; stays until a grace period after ioas_policy_detach()
 * @link: what it is attached by; NULL in tests
 *
 * Context: Process context; may sleep.
 * Return: 0, -EEXIST if the cgroup has one, -ENOENT if it goes, or -EBUSY if @ops is still
 * attached to what had the same id.
 */
int ioas_policy_attach(struct ioas_owner *owner, struct ioas_cgroup_ops *ops,
		       struct bpf_link *link)
{
	scoped_guard(mutex, &policy_mutex) {
		if (owner->no_policy)
			return -ENOENT;
		if (attached_to(owner))
			return -EEXIST;
		if (ops->owner)
			return -EBUSY;
		ioas_owner_get(owner);
		ops->owner = owner;
		owner->policy_link = link;
		rcu_assign_pointer(owner->policy, ops);
	}
	static_branch_inc(&ioas_policies);
	return 0;
}

/**
 * ioas_policy_replace() - put a policy in the place of another
 * @ops: the new one
 * @old: the one that is attached, by the same link; may be @ops
 *
 * Each charge sees one of them.
 *
 * Context: Process context; may sleep.
 * Return: 0, -EINVAL if they are for different cgroups, -ENOENT if the cgroup goes, or
 * -EBUSY if @ops is attached elsewhere.
 */
int ioas_policy_replace(struct ioas_cgroup_ops *ops,
			struct ioas_cgroup_ops *old)
{
	struct ioas_owner *owner;

	if (ops->cgroup_id != old->cgroup_id)
		return -EINVAL;
	guard(mutex)(&policy_mutex);
	owner = old->owner;
	if (owner->no_policy)
		return -ENOENT;
	if (ops != old && ops->owner)
		return -EBUSY;
	old->owner = NULL;
	ops->owner = owner;
	rcu_assign_pointer(owner->policy, ops);
	return 0;
}

/**
 * ioas_policy_detach() - detach a policy
 * @ops: the policy
 *
 * Context: Process context; may sleep.
 */
void ioas_policy_detach(struct ioas_cgroup_ops *ops)
{
	struct ioas_owner *owner;

	scoped_guard(mutex, &policy_mutex) {
		owner = ops->owner;
		ops->owner = NULL;
		/* Else detach_link() has a reference to it, or nobody looks. */
		if (!owner->no_policy)
			owner->policy_link = NULL;
		RCU_INIT_POINTER(owner->policy, NULL);
	}
	static_branch_dec(&ioas_policies);
	ioas_owner_put(owner);
}

static void tell_gone(const struct ioas_cgroup_ops *ops)
{
	if (!ops->cgroup_gone)
		return;
	rcu_read_lock();
	ops->cgroup_gone(ops->cgroup_id);
	rcu_read_unlock();
}

/* This has a reference to the link and to the owner, of which no other link comes. */
static void detach_link(struct work_struct *work)
{
	struct ioas_owner *owner = container_of(work, struct ioas_owner,
						policy_work);
	struct bpf_link *link = owner->policy_link;

	link->ops->detach(link);
	bpf_link_put(link);
	ioas_owner_put(owner);
}

/**
 * ioas_policy_init_owner() - a new owner has no policy
 * @owner: the owner
 */
void ioas_policy_init_owner(struct ioas_owner *owner)
{
	INIT_WORK(&owner->policy_work, detach_link);
}

/**
 * ioas_policy_forget_cgroup() - the cgroup of an owner goes
 * @owner: the owner
 *
 * From here on its policy is not asked, none can be attached, and programs do not find the
 * cgroup.
 *
 * Context: Process context; may sleep.  cgroup_mutex is held.
 */
void ioas_policy_forget_cgroup(struct ioas_owner *owner)
{
	struct ioas_cgroup_ops *ops;
	struct bpf_link *link;

	xa_erase(&owners, owner->cgroup_id);
	guard(mutex)(&policy_mutex);
	owner->no_policy = true;
	ops = attached_to(owner);
	if (!ops)
		return;
	RCU_INIT_POINTER(owner->policy, NULL);
	tell_gone(ops);
	link = owner->policy_link;
	/* If it is being released, that detaches the policy. */
	if (!link || IS_ERR(bpf_link_inc_not_zero(link)))
		return;
	ioas_owner_get(owner);
	schedule_work(&owner->policy_work);
}

/* ---- asking and telling ---- */

/* What a caller is ready for, whatever a program returns. */
static int sanitize(int ret)
{
	switch (ret) {
	case 0:
	case -EPERM:
	case -EACCES:
	case -ENOMEM:
	case -EDQUOT:
		return ret;
	}
	return -EPERM;
}

/* The policy may be gone after this, its owner not before the one that was charged. */
static void note_refusal(struct ioas_policy_refusal *refusal,
			 struct ioas_owner *owner,
			 const struct ioas_cgroup_ops *ops, u64 device)
{
	refusal->owner = owner;
	refusal->device = device;
	strscpy(refusal->name, ops->name);
}

static u64 max_bytes(const struct ioas_owner *owner)
{
	unsigned long max = READ_ONCE(owner->max);

	return max == IOAS_PAGES_MAX ? U64_MAX : (u64)max * PAGE_SIZE;
}

static u64 max_pasids(const struct ioas_owner *owner,
		      enum ioas_cg_pasid_scope scope)
{
	unsigned long max = READ_ONCE(owner->pasids[scope].max);

	return max == IOAS_PASIDS_MAX ? U64_MAX : max;
}

static void show_pinned(struct ioas_policy_pinned *pinned,
			const struct ioas_owner *at)
{
	pinned->cgroup_id = at->cgroup_id;
	pinned->unique = (u64)atomic_long_read(&at->usage) * PAGE_SIZE;
	pinned->max = max_bytes(at);
}

/**
 * ioas_policy_charge_pinned() - ask all policies about pages that were charged
 * @owner: who was charged
 * @kind: what holds the pins
 * @pages: how many pins there are
 * @refusal: filled in on failure: who refused
 *
 * On failure the caller undoes the charge, and then calls ioas_policy_uncharge_pinned()
 * with the owner of @refusal as the place to stop.
 *
 * Context: Process context; does not sleep.
 * Return: 0 or the error that the call gets.
 */
int ioas_policy_charge_pinned(struct ioas_owner *owner, enum ioas_cg_kind kind,
			      unsigned long pages,
			      struct ioas_policy_refusal *refusal)
{
	struct ioas_policy_pinned pinned = {
		.owner_id = owner->cgroup_id,
		.kind = kind,
		.bytes = (u64)pages * PAGE_SIZE,
	};
	struct ioas_cgroup_ops *ops;
	int ret;

	guard(rcu)();
	for (; owner; owner = owner->parent) {
		ops = rcu_dereference(owner->policy);
		if (!ops || !ops->charge_pinned)
			continue;
		show_pinned(&pinned, owner);
		ret = sanitize(ops->charge_pinned(&pinned, current));
		if (ret) {
			note_refusal(refusal, owner, ops, 0);
			return ret;
		}
	}
	return 0;
}

/**
 * ioas_policy_uncharge_pinned() - tell policies of pages that were uncharged
 * @owner: who was uncharged
 * @stop: the first ancestor whose policy is not told, or NULL
 * @kind: what held the pins
 * @pages: how many pins there were
 *
 * Context: Process context; does not sleep.
 */
void ioas_policy_uncharge_pinned(struct ioas_owner *owner,
				 struct ioas_owner *stop,
				 enum ioas_cg_kind kind, unsigned long pages)
{
	struct ioas_policy_pinned pinned = {
		.owner_id = owner->cgroup_id,
		.kind = kind,
		.bytes = (u64)pages * PAGE_SIZE,
	};
	struct ioas_cgroup_ops *ops;

	guard(rcu)();
	for (; owner != stop; owner = owner->parent) {
		ops = rcu_dereference(owner->policy);
		if (!ops || !ops->uncharge_pinned)
			continue;
		show_pinned(&pinned, owner);
		ops->uncharge_pinned(&pinned);
	}
}

static void show_pasid(struct ioas_policy_pasid *pasid,
		       const struct ioas_owner *at)
{
	pasid->cgroup_id = at->cgroup_id;
	pasid->held = READ_ONCE(at->pasids[pasid->scope].usage);
	pasid->max = max_pasids(at, pasid->scope);
}

/* Of @n units, one for each of @devices if there are any. */
static void tell_pasid_at(const struct ioas_cgroup_ops *ops,
			  struct ioas_policy_pasid *pasid, const u64 *devices,
			  unsigned int n)
{
	unsigned int i;

	if (!ops || !ops->uncharge_pasid)
		return;
	for (i = 0; i < n; i++) {
		pasid->device = devices ? devices[i] : 0;
		ops->uncharge_pasid(pasid);
	}
}

/* All or nothing, as to this policy; *@refused is the device that it was. */
static int ask_pasid_at(const struct ioas_cgroup_ops *ops,
			struct ioas_policy_pasid *pasid, const u64 *devices,
			unsigned int n, u64 *refused)
{
	unsigned int i;
	int ret;

	if (!ops || !ops->charge_pasid)
		return 0;
	for (i = 0; i < n; i++) {
		pasid->device = devices ? devices[i] : 0;
		ret = sanitize(ops->charge_pasid(pasid, current));
		if (ret) {
			*refused = pasid->device;
			pasid->held -= n;
			tell_pasid_at(ops, pasid, devices, i);
			return ret;
		}
	}
	return 0;
}

/* Of the units that are shown as held there, @undone are about to be taken back. */
static void tell_pasid(struct ioas_owner *owner, struct ioas_owner *stop,
		       struct ioas_policy_pasid *pasid, const u64 *devices,
		       unsigned int n, unsigned int undone)
{
	for (; owner != stop; owner = owner->parent) {
		show_pasid(pasid, owner);
		pasid->held -= undone;
		tell_pasid_at(rcu_dereference(owner->policy), pasid, devices,
			      n);
	}
}

/**
 * ioas_policy_charge_pasid() - ask all policies about a PASID that was charged
 * @owner: who was charged
 * @scope: what it takes from others
 * @number: its number
 * @devices: what devices it is for, or NULL
 * @n: number of units, and of @devices
 * @refusal: filled in on failure: who refused
 *
 * Policies that allowed it are told already when this fails.  The caller undoes the
 * charge.
 *
 * Context: Any.
 * Return: 0 or the error that the call gets.
 */
int ioas_policy_charge_pasid(struct ioas_owner *owner,
			     enum ioas_cg_pasid_scope scope, u32 number,
			     const u64 *devices, unsigned int n,
			     struct ioas_policy_refusal *refusal)
{
	struct ioas_policy_pasid pasid = {
		.owner_id = owner->cgroup_id,
		.scope = scope,
		.pasid = number,
	};
	struct ioas_cgroup_ops *ops;
	struct ioas_owner *o;
	u64 refused;
	int ret;

	guard(rcu)();
	for (o = owner; o; o = o->parent) {
		ops = rcu_dereference(o->policy);
		show_pasid(&pasid, o);
		ret = ask_pasid_at(ops, &pasid, devices, n, &refused);
		if (ret) {
			note_refusal(refusal, o, ops, refused);
			tell_pasid(owner, o, &pasid, devices, n, n);
			return ret;
		}
	}
	return 0;
}

/**
 * ioas_policy_uncharge_pasid() - tell all policies of a PASID that was uncharged
 * @owner: who was uncharged
 * @scope: as it was charged
 * @number: its number
 * @devices: what devices it was for, or NULL
 * @n: number of units, and of @devices
 *
 * Context: Any.
 */
void ioas_policy_uncharge_pasid(struct ioas_owner *owner,
				enum ioas_cg_pasid_scope scope, u32 number,
				const u64 *devices, unsigned int n)
{
	struct ioas_policy_pasid pasid = {
		.owner_id = owner->cgroup_id,
		.scope = scope,
		.pasid = number,
	};

	guard(rcu)();
	tell_pasid(owner, NULL, &pasid, devices, n, 0);
}

static void show_limit(struct ioas_policy_limit *limit,
		       const struct ioas_owner *refused)
{
	enum ioas_cg_pasid_scope scope;

	if (limit->resource == IOAS_POLICY_PINNED) {
		limit->held = (u64)atomic_long_read(&refused->usage) * PAGE_SIZE;
		limit->max = max_bytes(refused);
		return;
	}
	scope = ioas_policy_scope(limit->resource);
	limit->held = READ_ONCE(refused->pasids[scope].usage);
	limit->max = max_pasids(refused, scope);
}

/**
 * ioas_policy_limit_hit() - tell all policies of a charge that a limit refused
 * @owner: who was to be charged
 * @refused: whose limit that was
 * @resource: what the limit is of
 * @wanted: how much was asked for, in bytes or units
 *
 * Context: Any.
 */
void ioas_policy_limit_hit(struct ioas_owner *owner, struct ioas_owner *refused,
			   enum ioas_policy_resource resource, u64 wanted)
{
	struct ioas_policy_limit limit = {
		.owner_id = owner->cgroup_id,
		.limit_id = refused->cgroup_id,
		.resource = resource,
		.wanted = wanted,
	};
	struct ioas_cgroup_ops *ops;

	show_limit(&limit, refused);
	guard(rcu)();
	for (; owner; owner = owner->parent) {
		ops = rcu_dereference(owner->policy);
		if (!ops || !ops->limit_hit)
			continue;
		limit.cgroup_id = owner->cgroup_id;
		ops->limit_hit(&limit, current);
	}
}
