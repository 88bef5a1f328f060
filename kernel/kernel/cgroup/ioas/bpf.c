// SPDX-License-Identifier: GPL-2.0-only
/*
 * What BPF sees of the controller: the struct_ops type of policies, and kfuncs.
 *
 * The map of a policy says to which cgroup it is to be attached, in its member
 * cgroup_id, as a link takes nothing but the map.  See policy.c for what happens then.
 *
 * The kfuncs read what the interface files show, by the id of a cgroup, and change
 * nothing.  They are for all programs that know how to call kfuncs from struct_ops,
 * tracing and system calls.
 */

#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/cgroup.h>
#include <linux/ctype.h>
#include <linux/init.h>

#include "owner.h"
#include "policy.h"

/* ---- struct_ops ---- */

static int ops_init(struct btf *btf)
{
	return 0;
}

static bool ops_is_valid_access(int off, int size, enum bpf_access_type type,
				const struct bpf_prog *prog,
				struct bpf_insn_access_aux *info)
{
	return bpf_tracing_btf_ctx_access(off, size, type, prog, info);
}

/* Charges are made under locks that a page fault may want, or in interrupts. */
static int ops_check_member(const struct btf_type *t,
			    const struct btf_member *member,
			    const struct bpf_prog *prog)
{
	return prog->sleepable ? -EINVAL : 0;
}

static bool is_valid_name(const char *name)
{
	size_t len = strnlen(name, IOAS_POLICY_NAME_LEN), i;

	if (!len || len == IOAS_POLICY_NAME_LEN)
		return false;
	for (i = 0; i < len; i++)
		/* isalnum() takes letters of Latin-1. */
		if (!isascii(name[i]) ||
		    (!isalnum(name[i]) && !strchr("_-.", name[i])))
			return false;
	return true;
}

/* Return 1 if the member was copied, 0 if it is for the caller. */
static int ops_init_member(const struct btf_type *t,
			   const struct btf_member *member, void *kdata,
			   const void *udata)
{
	const struct ioas_cgroup_ops *from = udata;
	struct ioas_cgroup_ops *to = kdata;

	switch (__btf_member_bit_offset(t, member) / 8) {
	case offsetof(struct ioas_cgroup_ops, cgroup_id):
		to->cgroup_id = from->cgroup_id;
		return 1;
	case offsetof(struct ioas_cgroup_ops, flags):
		return from->flags ? -EINVAL : 1;
	case offsetof(struct ioas_cgroup_ops, name):
		if (!is_valid_name(from->name))
			return -EINVAL;
		memcpy(to->name, from->name, sizeof(to->name));
		return 1;
	}
	return 0;
}

/* A cgroup that the caller does not see does not exist for it. */
static bool is_in_namespace(u64 cgroup_id)
{
	struct cgroup *cgroup = cgroup_get_from_id(cgroup_id);

	if (IS_ERR(cgroup))
		return false;
	cgroup_put(cgroup);
	return true;
}

static struct ioas_owner *get_owner(u64 cgroup_id)
{
	struct ioas_owner *owner;

	rcu_read_lock();
	owner = ioas_owner_of_id(cgroup_id);
	if (owner)
		ioas_owner_get(owner);
	rcu_read_unlock();
	return owner;
}

static int ops_reg(void *kdata, struct bpf_link *link)
{
	struct ioas_cgroup_ops *ops = kdata;
	struct ioas_owner *owner;
	int ret;

	/* Without a link it would stay for ever. */
	if (!link)
		return -EOPNOTSUPP;
	if (!is_in_namespace(ops->cgroup_id))
		return -ENOENT;
	owner = get_owner(ops->cgroup_id);
	if (!owner)
		return -ENODEV;
	ret = ioas_policy_attach(owner, ops, link);
	ioas_owner_put(owner);
	return ret;
}

static void ops_unreg(void *kdata, struct bpf_link *link)
{
	ioas_policy_detach(kdata);
}

static int ops_update(void *kdata, void *old_kdata, struct bpf_link *link)
{
	return ioas_policy_replace(kdata, old_kdata);
}

static int stub_charge_pinned(const struct ioas_policy_pinned *pinned,
			      struct task_struct *task)
{
	return 0;
}

static void stub_uncharge_pinned(const struct ioas_policy_pinned *pinned)
{
}

static int stub_charge_pasid(const struct ioas_policy_pasid *pasid,
			     struct task_struct *task)
{
	return 0;
}

static void stub_uncharge_pasid(const struct ioas_policy_pasid *pasid)
{
}

static void stub_limit_hit(const struct ioas_policy_limit *limit,
			   struct task_struct *task)
{
}

static void stub_cgroup_gone(u64 cgroup_id)
{
}

static struct ioas_cgroup_ops stubs = {
	.charge_pinned = stub_charge_pinned,
	.uncharge_pinned = stub_uncharge_pinned,
	.charge_pasid = stub_charge_pasid,
	.uncharge_pasid = stub_uncharge_pasid,
	.limit_hit = stub_limit_hit,
	.cgroup_gone = stub_cgroup_gone,
};

static const struct bpf_verifier_ops ops_verifier_ops = {
	.get_func_proto = bpf_base_func_proto,
	.is_valid_access = ops_is_valid_access,
};

static struct bpf_struct_ops ioas_struct_ops = {
	.verifier_ops = &ops_verifier_ops,
	.init = ops_init,
	.check_member = ops_check_member,
	.init_member = ops_init_member,
	.reg = ops_reg,
	.unreg = ops_unreg,
	.update = ops_update,
	.cfi_stubs = &stubs,
	.name = "ioas_cgroup_ops",
	.owner = THIS_MODULE,
};

/* ---- kfuncs ---- */

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
	owner = ioas_owner_of_id(cgroup_id);
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
	owner = ioas_owner_of_id(cgroup_id);
	ret = owner ? limit_of(owner, resource) : -ENOENT;
	rcu_read_unlock();
	return ret;
}

/**
 * bpf_ioas_stat() - what ioas.stat of a cgroup says
 * @cgroup_id: the cgroup
 * @stat: filled in
 * @stat__sz: size of @stat, which may be a later and longer one: the rest becomes 0
 *
 * Takes time by the number of its descendants, times CPUs.
 *
 * Return: 0, -ENOENT if the controller is not enabled in such a cgroup, or -EINVAL if
 * @stat is too small.
 */
__bpf_kfunc int bpf_ioas_stat(u64 cgroup_id, struct ioas_policy_stat *stat,
			      u32 stat__sz)
{
	struct ioas_owner_stat sum;
	struct ioas_owner *owner;

	if (stat__sz < sizeof(*stat))
		return -EINVAL;
	memset(stat, 0, stat__sz);
	rcu_read_lock();
	owner = ioas_owner_of_id(cgroup_id);
	if (owner) {
		ioas_owner_sum(owner, &sum);
		stat_of(&sum, stat);
	}
	rcu_read_unlock();
	return owner ? 0 : -ENOENT;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(ioas_kfuncs)
BTF_ID_FLAGS(func, bpf_ioas_usage)
BTF_ID_FLAGS(func, bpf_ioas_limit)
BTF_ID_FLAGS(func, bpf_ioas_stat)
BTF_KFUNCS_END(ioas_kfuncs)

static const struct btf_kfunc_id_set ioas_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &ioas_kfuncs,
};

static int __init ioas_bpf_init(void)
{
	int ret;

	ret = register_btf_kfunc_id_set(BPF_PROG_TYPE_STRUCT_OPS,
					&ioas_kfunc_set);
	ret = ret ?: register_btf_kfunc_id_set(BPF_PROG_TYPE_TRACING,
					       &ioas_kfunc_set);
	ret = ret ?: register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL,
					       &ioas_kfunc_set);
	return ret ?: register_bpf_struct_ops(&ioas_struct_ops, ioas_cgroup_ops);
}
late_initcall(ioas_bpf_init);
