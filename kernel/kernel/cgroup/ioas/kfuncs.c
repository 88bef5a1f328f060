// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kfuncs that read what the interface files show, by the id of a cgroup, and change
 * nothing.  They are for all programs that know how to call kfuncs from struct_ops,
 * tracing and system calls.
 */

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/init.h>

#include "owner.h"
#include "policy.h"

static s64 bytes_or_max(unsigned long pages)
{
	return pages == IOAS_PAGES_MAX ? S64_MAX : (s64)pages * PAGE_SIZE;
}

static s64 usage_of(const struct ioas_owner *owner,
		    enum ioas_policy_resource resource)
{
	switch (resource) {
	case IOAS_POLICY_PINNED:
		return bytes_or_max(atomic_long_read(&owner->usage));
	case IOAS_POLICY_PASID_GLOBAL:
	case IOAS_POLICY_PASID_DEVICE:
		return READ_ONCE(owner->pasids[ioas_policy_scope(resource)].usage);
	}
	return -EINVAL;
}

static s64 limit_of(const struct ioas_owner *owner,
		    enum ioas_policy_resource resource)
{
	unsigned long max;

	switch (resource) {
	case IOAS_POLICY_PINNED:
		return bytes_or_max(READ_ONCE(owner->max));
	case IOAS_POLICY_PASID_GLOBAL:
	case IOAS_POLICY_PASID_DEVICE:
		max = READ_ONCE(owner->pasids[ioas_policy_scope(resource)].max);
		return max == IOAS_PASIDS_MAX ? S64_MAX : max;
	}
	return -EINVAL;
}

static void stat_of(const struct ioas_owner_stat *sum,
		    struct ioas_policy_stat *stat)
{
	int i;

	stat->unique = (u64)sum->unique * PAGE_SIZE;
	stat->shared = (u64)sum->shared * PAGE_SIZE;
	for (i = 0; i < IOAS_CG_NR_KINDS; i++)
		stat->gross[i] = (u64)sum->gross[i] * PAGE_SIZE;
	stat->accounts = sum->accounts;
}

__bpf_kfunc_start_defs();

/**
 * bpf_ioas_usage() - what a cgroup and its descendants hold
 * @cgroup_id: the cgroup
 * @resource: what of
 *
 * Return: distinct pinned bytes, or PASIDs; -ENOENT if the controller is not enabled in
 * such a cgroup; -EINVAL for another @resource.
 */
__bpf_kfunc s64 bpf_ioas_usage(u64 cgroup_id,
			       enum ioas_policy_resource resource)
{
	struct ioas_owner *owner;
	s64 ret;

	rcu_read_lock();
	owner = ioas_policy_owner_of_id(cgroup_id);
	ret = owner ? usage_of(owner, resource) : -ENOENT;
	rcu_read_unlock();
	return ret;
}

/**
 * bpf_ioas_limit() - what a cgroup allows itself and its descendants
 * @cgroup_id: the cgroup
 * @resource: what of
 *
 * Return: the limit in bytes or PASIDs; S64_MAX if there is none; or an error, as
 * bpf_ioas_usage().
 */
__bpf_kfunc s64 bpf_ioas_limit(u64 cgroup_id,
			       enum ioas_policy_resource resource)
{
	struct ioas_owner *owner;
	s64 ret;

	rcu_read_lock();
	owner = ioas_policy_owner_of_id(cgroup_id);
	ret = owner ? limit_of(owner, resource) : -ENOENT;
	rcu_read_unlock();
	return ret;
}

/**
 * bpf_ioas_stat() - what ioas.stat of a cgroup says
 * @cgroup_id: the cgroup
 * @stat: filled in
 * @stat__sz: size of @stat, as the program knows it.  One that has fewer kinds gets those;
 *	of one that has more the rest becomes 0.
 *
 * Takes time by the number of its descendants, times CPUs.
 *
 * Context: Not from an NMI nor with interrupts disabled, because of that time.
 * Return: 0; -ENOENT if the controller is not enabled in such a cgroup; -EINVAL if
 * @stat has no room for kinds at all; -EBUSY in the wrong context.
 */
__bpf_kfunc int bpf_ioas_stat(u64 cgroup_id, struct ioas_policy_stat *stat,
			      u32 stat__sz)
{
	struct ioas_policy_stat all = {};
	struct ioas_owner_stat sum;
	struct ioas_owner *owner;

	if (stat__sz < offsetof(struct ioas_policy_stat, gross))
		return -EINVAL;
	memset(stat, 0, stat__sz);
	if (in_nmi() || irqs_disabled())
		return -EBUSY;
	rcu_read_lock();
	owner = ioas_policy_owner_of_id(cgroup_id);
	if (owner) {
		ioas_owner_sum(owner, &sum);
		stat_of(&sum, &all);
	}
	rcu_read_unlock();
	memcpy(stat, &all, min_t(u32, stat__sz, sizeof(all)));
	return owner ? 0 : -ENOENT;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(ioas_kfuncs)
BTF_ID_FLAGS(func, bpf_ioas_usage)
BTF_ID_FLAGS(func, bpf_ioas_limit)
BTF_ID_FLAGS(func, bpf_ioas_stat, KF_TRUSTED_ARGS)
BTF_KFUNCS_END(ioas_kfuncs)

static const struct btf_kfunc_id_set ioas_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &ioas_kfuncs,
};

static int __init ioas_kfuncs_init(void)
{
	int ret;

	ret = register_btf_kfunc_id_set(BPF_PROG_TYPE_STRUCT_OPS,
					&ioas_kfunc_set);
	ret = ret ?: register_btf_kfunc_id_set(BPF_PROG_TYPE_TRACING,
					       &ioas_kfunc_set);
	return ret ?: register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL,
						&ioas_kfunc_set);
}
late_initcall(ioas_kfuncs_init);
