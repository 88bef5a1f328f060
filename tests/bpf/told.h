/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests/bpf/told.bpf.c writes down, and how it answers.
 *
 * Included by the BPF program after vmlinux.h, and by user space after linux/types.h.
 */
#ifndef TOLD_H
#define TOLD_H

#define TOLD_NAME_LEN 16

/* Which program was told: a member of a policy, or one on a tracepoint. */
enum told_by {
	TOLD_CHARGE_PINNED,
	TOLD_UNCHARGE_PINNED,
	TOLD_CHARGE_PASID,
	TOLD_UNCHARGE_PASID,
	TOLD_LIMIT_HIT,
	TOLD_CGROUP_GONE,
	TOLD_DENY_POLICY,
	TOLD_DENY_PASID_POLICY,
};

/**
 * struct told_record - what a program was told; 0 is what it is not told of
 * @by: an &enum told_by
 * @cgroup_id: the cgroup that the policy is attached to
 * @owner_id: the cgroup that is charged, uncharged or refused
 * @limit_id: the cgroup whose limit refused
 * @what: the kind, the scope or the resource
 * @amount: bytes, or how much was wanted
 * @held: what there is: unique bytes, or PASIDs
 * @max: the limit
 * @pasid: number of the PASID
 * @device: of the PASID
 * @error: what the policy answered
 * @pid: the thread that asked
 * @policy: name of the policy that refused
 */
struct told_record {
	__u64 by;
	__u64 cgroup_id;
	__u64 owner_id;
	__u64 limit_id;
	__u64 what;
	__u64 amount;
	__u64 held;
	__u64 max;
	__u64 pasid;
	__u64 device;
	__u64 error;
	__u64 pid;
	char policy[TOLD_NAME_LEN];
};

/**
 * struct told_answer - what is refused
 * @cgroup_id: the cgroup whose policy refuses, or 0
 * @device: the device that it refuses PASIDs of, or 0 for all of them
 * @error: what it answers
 */
struct told_answer {
	__u64 cgroup_id;
	__u64 device;
	__s32 error;
};

#endif /* TOLD_H */
