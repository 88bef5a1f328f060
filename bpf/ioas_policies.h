/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the policies share with those who load and read them.
 *
 * Included by BPF programs after vmlinux.h, and by user space after linux/types.h.
 */
#ifndef IOAS_POLICIES_H
#define IOAS_POLICIES_H

/* A limit that is not set. */
#define IOAS_NO_LIMIT (~0ULL)

/* At least as many as the kernel has. */
#define IOAS_KINDS 16

/* Refusals that are kept for who asks later. */
#define IOAS_RECENT_REFUSALS 256

/* Of which pasid_device knows. */
#define IOAS_MAX_DEVICES 4096

#define IOAS_STACK_DEPTH 32
#define IOAS_COMM_LEN 16

/* As long as the kernel's, with the NUL at the end. */
#define IOAS_POLICY_NAME_LEN 16

/**
 * struct ioas_kind_quota - settings of kind_quota
 * @max: gross bytes by kind, or IOAS_NO_LIMIT
 */
struct ioas_kind_quota {
	__u64 max[IOAS_KINDS];
};

/**
 * struct ioas_burst - settings of burst
 * @soft: unique bytes that may be pinned at any time
 * @extra: bytes above @soft that may be pinned in a burst
 * @length_ns: how long a burst lasts
 * @rest_ns: how long after its end the next one may start
 */
struct ioas_burst {
	__u64 soft;
	__u64 extra;
	__u64 length_ns;
	__u64 rest_ns;
};

/**
 * struct ioas_dry_run - settings of dry_run: the limits that are proposed
 * @pinned: unique bytes, or IOAS_NO_LIMIT
 * @pasid_global: PASIDs of the scope global, or IOAS_NO_LIMIT
 * @pasid_device: PASIDs of the scope device, or IOAS_NO_LIMIT
 */
struct ioas_dry_run {
	__u64 pinned;
	__u64 pasid_global;
	__u64 pasid_device;
};

/**
 * struct ioas_dry_run_count - what a proposed limit would have refused
 * @refused: number of charges
 * @amount: how much they were, in bytes or PASIDs
 * @worst: the highest that was held
 * @last_ns: when the last one was, as CLOCK_BOOTTIME
 *
 * By &enum ioas_policy_resource.
 */
struct ioas_dry_run_count {
	__u64 refused;
	__u64 amount;
	__u64 worst;
	__u64 last_ns;
};

/**
 * struct ioas_pasid_device - settings of pasid_device
 * @others: PASIDs of each device that has no entry of its own, or IOAS_NO_LIMIT
 */
struct ioas_pasid_device {
	__u64 others;
};

/**
 * struct ioas_deny_log - settings of deny_log
 * @cgroup_id: whose refusals are wanted: its own and those of its descendants
 */
struct ioas_deny_log {
	__u64 cgroup_id;
};

/**
 * struct ioas_refusal - one refusal
 * @boottime_ns: when, as CLOCK_BOOTTIME
 * @cgroup_id: who was refused
 * @limit_id: the cgroup whose limit or policy refused
 * @wanted: how much was asked for, gross, in bytes or PASIDs
 * @held: how much @limit_id held, unique
 * @max: the limit; IOAS_NO_LIMIT if it was a policy
 * @gross: how much of @kind @limit_id held, gross; 0 unless a policy refused pinned memory
 * @device: the device that was refused, by inode number in sysfs; 0 if that is none, or not
 *	told
 * @resource: an &enum ioas_policy_resource
 * @kind: an &enum ioas_cg_kind, of pinned memory
 * @error: what the policy answered; 0 if it was a limit
 * @tgid: the process that asked
 * @pid: its thread
 * @stack_depth: number of entries of @stack
 * @comm: name of the thread
 * @policy: name of the policy; empty if it was a limit
 * @stack: the kernel's
 */
struct ioas_refusal {
	__u64 boottime_ns;
	__u64 cgroup_id;
	__u64 limit_id;
	__u64 wanted;
	__u64 held;
	__u64 max;
	__u64 gross;
	__u64 device;
	__u32 resource;
	__u32 kind;
	__s32 error;
	__u32 tgid;
	__u32 pid;
	__u32 stack_depth;
	char comm[IOAS_COMM_LEN];
	char policy[IOAS_POLICY_NAME_LEN];
	__u64 stack[IOAS_STACK_DEPTH];
};

/**
 * struct ioas_account_record - one account, as the program who writes it
 *
 * See &struct ioas_policy_account of the kernel.
 */
struct ioas_account_record {
	__u64 cgroup_id;
	__u64 bytes;
	__u64 boottime_ns;
	__u32 kind;
	__u32 tgid;
	__u32 pid;
	__u32 reserved;
	char comm[IOAS_COMM_LEN];
};

#endif /* IOAS_POLICIES_H */
