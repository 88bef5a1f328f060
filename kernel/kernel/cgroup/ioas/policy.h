/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policies: who is asked and told about charges, beside the limits.  See policy.c.
 */
#ifndef _CGROUP_IOAS_POLICY_H
#define _CGROUP_IOAS_POLICY_H

#include <linux/errno.h>
#include <linux/ioas_policy.h>
#include <linux/jump_label.h>

struct bpf_link;

/**
 * struct ioas_policy_refusal - which policy refused a charge
 * @owner: where it is attached; stays as long as who was charged
 * @device: the device that it refused a PASID for, or 0
 * @name: its name
 */
struct ioas_policy_refusal {
	struct ioas_owner *owner;
	u64 device;
	char name[IOAS_POLICY_NAME_LEN];
};

/* The scope of a resource that is not memory. */
static inline enum ioas_cg_pasid_scope
ioas_policy_scope(enum ioas_policy_resource resource)
{
	return resource == IOAS_POLICY_PASID_GLOBAL ? IOAS_CG_PASID_GLOBAL :
						      IOAS_CG_PASID_DEVICE;
}

#ifdef CONFIG_CGROUP_IOAS_BPF

DECLARE_STATIC_KEY_FALSE(ioas_policies);

/* Is any policy attached, to any cgroup? */
static __always_inline bool ioas_policies_exist(void)
{
	return static_branch_unlikely(&ioas_policies);
}

int ioas_policy_attach(struct ioas_owner *owner, struct ioas_cgroup_ops *ops,
		       struct bpf_link *link);
int ioas_policy_replace(struct ioas_cgroup_ops *ops,
			struct ioas_cgroup_ops *old);
void ioas_policy_detach(struct ioas_cgroup_ops *ops);
void ioas_policy_init_owner(struct ioas_owner *owner);
int ioas_policy_know_cgroup(struct ioas_owner *owner);
struct ioas_owner *ioas_policy_owner_of_id(u64 cgroup_id);
void ioas_policy_forget_cgroup(struct ioas_owner *owner);

int ioas_policy_charge_pinned(struct ioas_owner *owner, enum ioas_cg_kind kind,
			      unsigned long pages,
			      struct ioas_policy_refusal *refusal);
void ioas_policy_uncharge_pinned(struct ioas_owner *owner,
				 struct ioas_owner *stop,
				 enum ioas_cg_kind kind, unsigned long pages);
int ioas_policy_charge_pasid(struct ioas_owner *owner,
			     enum ioas_cg_pasid_scope scope, u32 pasid,
			     const u64 *devices, unsigned int n,
			     struct ioas_policy_refusal *refusal);
void ioas_policy_uncharge_pasid(struct ioas_owner *owner,
				enum ioas_cg_pasid_scope scope, u32 pasid,
				const u64 *devices, unsigned int n);
void ioas_policy_limit_hit(struct ioas_owner *owner,
			   struct ioas_owner *refused,
			   enum ioas_policy_resource resource, u64 wanted);

#else

static inline bool ioas_policies_exist(void)
{
	return false;
}

static inline void ioas_policy_init_owner(struct ioas_owner *owner)
{
}

static inline int ioas_policy_know_cgroup(struct ioas_owner *owner)
{
	return 0;
}

static inline void ioas_policy_forget_cgroup(struct ioas_owner *owner)
{
}

static inline int ioas_policy_charge_pinned(struct ioas_owner *owner,
					    enum ioas_cg_kind kind,
					    unsigned long pages,
					    struct ioas_policy_refusal *refusal)
{
	return 0;
}

static inline void ioas_policy_uncharge_pinned(struct ioas_owner *owner,
					       struct ioas_owner *stop,
					       enum ioas_cg_kind kind,
					       unsigned long pages)
{
}

static inline int ioas_policy_charge_pasid(struct ioas_owner *owner,
					   enum ioas_cg_pasid_scope scope,
					   u32 pasid, const u64 *devices,
					   unsigned int n,
					   struct ioas_policy_refusal *refusal)
{
	return 0;
}

static inline void ioas_policy_uncharge_pasid(struct ioas_owner *owner,
					      enum ioas_cg_pasid_scope scope,
					      u32 pasid, const u64 *devices,
					      unsigned int n)
{
}

static inline void ioas_policy_limit_hit(struct ioas_owner *owner,
					 struct ioas_owner *refused,
					 enum ioas_policy_resource resource,
					 u64 wanted)
{
}

#endif /* CONFIG_CGROUP_IOAS_BPF */
#endif /* _CGROUP_IOAS_POLICY_H */
