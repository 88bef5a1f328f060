// SPDX-License-Identifier: GPL-2.0
/*
 * users_limit: once so much is pinned, whoever has pinned it, only root may pin more.
 *
 * The example of Documentation/policies.md.  It is for the root cgroup, unless it is
 * compiled with another -DCGROUP_ID=N.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define EPERM 1

#ifndef CGROUP_ID
#define CGROUP_ID 1
#endif

const __u64 limit = 64 << 20;

char LICENSE[] SEC("license") = "GPL";

SEC("struct_ops/charge_pinned")
int BPF_PROG(charge_pinned, const struct ioas_policy_pinned *pinned,
	     struct task_struct *task)
{
	if (pinned->unique <= limit || !task->cred->euid.val)
		return 0;
	return -EPERM;
}

SEC(".struct_ops.link")
struct ioas_cgroup_ops users_limit = {
	.charge_pinned = (void *)charge_pinned,
	.cgroup_id = CGROUP_ID,
	.name = "users_limit",
};
