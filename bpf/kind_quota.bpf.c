// SPDX-License-Identifier: GPL-2.0
/*
 * kind_quota: a limit for each kind of pin.
 *
 * What counts is gross: memory that is pinned twice counts twice, as the kernel keeps
 * no unique count for each kind.  The kernel has the sums, so this has no state, and
 * knows of pins from before it was attached.
 */
#include "ioas_kernel.bpf.h"

const volatile struct ioas_kind_quota config;

SEC("struct_ops/charge_pinned")
int BPF_PROG(charge_pinned, const struct ioas_policy_pinned *pinned)
{
	struct ioas_policy_stat stat;
	__u32 kind = pinned->kind;
	int ret;

	if (kind >= IOAS_CG_NR_KINDS || kind >= IOAS_KINDS ||
	    config.max[kind] == IOAS_NO_LIMIT)
		return 0;
	ret = bpf_ioas_stat(pinned->cgroup_id, &stat, sizeof(stat));
	/* The cgroup goes, and nobody asks for its quota any more. */
	if (ret == -ENOENT)
		return 0;
	return ret || stat.gross[kind] > config.max[kind] ? -ENOMEM : 0;
}

SEC(".struct_ops.link")
struct ioas_cgroup_ops kind_quota = {
	.charge_pinned = (void *)charge_pinned,
	.name = "kind_quota",
};
