/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policies of the I/O address space (ioas) cgroup controller: BPF programs that decide
 * about charges beside the limits, and what they are told.
 *
 * All amounts of memory are in bytes.  See kernel/cgroup/ioas/policy.c for when the
 * members of &struct ioas_cgroup_ops are called.
 */
#ifndef _LINUX_IOAS_POLICY_H
#define _LINUX_IOAS_POLICY_H

#include <linux/ioas_cgroup.h>
#include <linux/sched.h>
#include <linux/types.h>

struct ioas_owner;

/* With the 0 at its end. */
#define IOAS_POLICY_NAME_LEN	16

/**
 * enum ioas_policy_resource - what a limit is of
 * @IOAS_POLICY_PINNED: pinned memory, in bytes
 * @IOAS_POLICY_PASID_GLOBAL: PASIDs of the scope global
 * @IOAS_POLICY_PASID_DEVICE: PASIDs of the scope device
 */
enum ioas_policy_resource {
	IOAS_POLICY_PINNED,
	IOAS_POLICY_PASID_GLOBAL,
	IOAS_POLICY_PASID_DEVICE,
};

/**
 * struct ioas_policy_pinned - memory that is charged or uncharged
 * @cgroup_id: the cgroup that the policy is attached to
 * @owner_id: the cgroup that pins: the same one or a descendant
 * @kind: what holds the pins
 * @bytes: gross: what this call pins or unpins, whoever else pins it
 * @unique: distinct bytes that @cgroup_id and its descendants pin, with this charge, or
 *	after this uncharge
 * @max: ioas.pinned.max of @cgroup_id, or U64_MAX where there is none
 */
struct ioas_policy_pinned {
	u64 cgroup_id;
	u64 owner_id;
	enum ioas_cg_kind kind;
	u64 bytes;
	u64 unique;
	u64 max;
};

/**
 * struct ioas_policy_pasid - a PASID that is charged or uncharged
 * @cgroup_id: the cgroup that the policy is attached to
 * @owner_id: the cgroup that gets it: the same one or a descendant
 * @scope: what it takes from others
 * @pasid: its number
 * @device: inode number of the device's folder in sysfs; 0 if it is for no one device
 * @held: how many of this scope @cgroup_id and its descendants hold, with this one, or
 *	after it has gone
 * @max: what ioas.pasid.max of @cgroup_id says for @scope, or U64_MAX where there is none
 *
 * One that is charged for several devices is shown once for each.
 */
struct ioas_policy_pasid {
	u64 cgroup_id;
	u64 owner_id;
	enum ioas_cg_pasid_scope scope;
	u32 pasid;
	u64 device;
	u64 held;
	u64 max;
};

/**
 * struct ioas_policy_limit - a charge that a limit refused
 * @cgroup_id: the cgroup that the policy is attached to
 * @owner_id: the cgroup that was refused: the same one or a descendant
 * @limit_id: the cgroup whose limit that was: @owner_id or an ancestor
 * @resource: what the limit is of; it gives the unit of what follows
 * @wanted: how much was asked for, gross
 * @held: how much @limit_id and its descendants hold
 * @max: the limit
 */
struct ioas_policy_limit {
	u64 cgroup_id;
	u64 owner_id;
	u64 limit_id;
	enum ioas_policy_resource resource;
	u64 wanted;
	u64 held;
	u64 max;
};

/**
 * struct ioas_cgroup_ops - a policy: a struct_ops type, attached to one cgroup
 *
 * All programs are optional, and may not sleep.
 */
struct ioas_cgroup_ops {
	/**
	 * @charge_pinned: May pages be pinned?
	 *
	 * @pinned: what was charged; the limits allow it
	 * @task: the task that asks
	 *
	 * Called in process context.
	 *
	 * Return: 0, or the error that the charge fails with: -EPERM, -EACCES, -ENOMEM
	 * or -EDQUOT; any other value is taken for -EPERM.  Then the charge is undone.
	 * -ENOSPC is what a space without a free PASID gives.
	 */
	int (*charge_pinned)(const struct ioas_policy_pinned *pinned,
			     struct task_struct *task);

	/**
	 * @uncharge_pinned: Pages are unpinned, or another policy refused them.
	 *
	 * @pinned: what was uncharged: all of a charge, a part of it, or of several, also
	 *	of charges from before the policy was attached
	 *
	 * Called in process context.
	 */
	void (*uncharge_pinned)(const struct ioas_policy_pinned *pinned);

	/**
	 * @charge_pasid: May a PASID be given out, or attached to?
	 *
	 * @pasid: the PASID; the limits allow it
	 * @task: the task that asks
	 *
	 * Called in any context.
	 *
	 * Return: as @charge_pinned.
	 */
	int (*charge_pasid)(const struct ioas_policy_pasid *pasid,
			    struct task_struct *task);

	/**
	 * @uncharge_pasid: A PASID is freed, or another policy refused it.
	 *
	 * @pasid: the PASID
	 *
	 * Called in any context, before the number can be given out again.
	 */
	void (*uncharge_pasid)(const struct ioas_policy_pasid *pasid);

	/**
	 * @limit_hit: A limit refused a charge, which was undone.
	 *
	 * @limit: the charge, and the limit
	 * @task: the task that asked
	 *
	 * Called in any context.
	 */
	void (*limit_hit)(const struct ioas_policy_limit *limit,
			  struct task_struct *task);

	/**
	 * @cgroup_gone: The cgroup goes, and the policy is detached.
	 *
	 * @cgroup_id: the cgroup
	 *
	 * Called in process context.
	 */
	void (*cgroup_gone)(u64 cgroup_id);

	/** @cgroup_id: the cgroup to attach to, as the inode number of its folder */
	u64 cgroup_id;

	/** @flags: none are known: 0 */
	u32 flags;

	/** @name: of the policy, for people: letters, digits, '_', '-' and '.' */
	char name[IOAS_POLICY_NAME_LEN];

	/* private: where it is attached; protected by policy_mutex of policy.c */
	struct ioas_owner *owner;
};

/**
 * struct ioas_policy_stat - what a cgroup and its descendants hold
 * @unique: distinct bytes pinned
 * @shared: those of them that are pinned from outside too
 * @accounts: number of accounts
 * @gross: bytes pinned, by kind: what is pinned k times counts k times.  Kinds that are
 *	added come at the end.
 */
struct ioas_policy_stat {
	u64 unique;
	u64 shared;
	u64 accounts;
	u64 gross[IOAS_CG_NR_KINDS];
};

/**
 * struct ioas_policy_account - what an object pins, as the iterator ioas_account shows it
 * @cgroup_id: the cgroup that it belongs to
 * @kind: what the object is
 * @bytes: gross: what it pins now
 * @boottime_ns: when it was made, as CLOCK_BOOTTIME
 * @tgid: the process that it was made for, in the initial PID namespace
 * @pid: the thread that it was made for
 * @comm: name of the thread at that time
 */
struct ioas_policy_account {
	u64 cgroup_id;
	enum ioas_cg_kind kind;
	u64 bytes;
	u64 boottime_ns;
	pid_t tgid;
	pid_t pid;
	char comm[TASK_COMM_LEN];
};

/* Kfuncs: see kernel/cgroup/ioas/kfuncs.c. */
s64 bpf_ioas_usage(u64 cgroup_id, enum ioas_policy_resource resource);
s64 bpf_ioas_limit(u64 cgroup_id, enum ioas_policy_resource resource);
int bpf_ioas_stat(u64 cgroup_id, struct ioas_policy_stat *stat, u32 stat__sz);

#endif /* _LINUX_IOAS_POLICY_H */
