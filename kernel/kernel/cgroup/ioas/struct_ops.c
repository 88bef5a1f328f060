// SPDX-License-Identifier: GPL-2.0-only
/*
 * The struct_ops type of policies.
 *
 * The map of a policy says to which cgroup it is to be attached, in its member
 * cgroup_id, as a link takes nothing but the map.  See policy.c for what happens then.
 */

#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/cgroup.h>
#include <linux/ctype.h>
#include <linux/init.h>

#include "owner.h"
#include "policy.h"

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
	owner = ioas_policy_owner_of_id(cgroup_id);
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

static int __init ioas_struct_ops_init(void)
{
	return register_bpf_struct_ops(&ioas_struct_ops, ioas_cgroup_ops);
}
late_initcall(ioas_struct_ops_init);
