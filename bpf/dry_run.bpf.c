// SPDX-License-Identifier: GPL-2.0
/*
 * dry_run: counts what a proposed limit would have refused, and refuses nothing.
 *
 * As nothing is refused, what is held goes on above the proposed limit, and everything
 * that comes on top counts.  So this is the most that the limit would have refused.
 */
#include "ioas_kernel.bpf.h"

const volatile struct ioas_dry_run config;

/* By enum ioas_policy_resource. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IOAS_POLICY_PASID_DEVICE + 1);
	__type(key, __u32);
	__type(value, struct ioas_dry_run_count);
} refusals SEC(".maps");

static void compare(enum ioas_policy_resource resource, __u64 proposed,
		    __u64 held, __u64 amount)
{
	struct ioas_dry_run_count *count;
	__u32 key = resource;

	if (held <= proposed)
		return;
	count = bpf_map_lookup_elem(&refusals, &key);
	if (!count)
		return;
	__sync_fetch_and_add(&count->refused, 1);
	__sync_fetch_and_add(&count->amount, amount);
	/* Of two at the same time the lower may win. */
	if (held > count->worst)
		count->worst = held;
	count->last_ns = bpf_ktime_get_boot_ns();
}

SEC("struct_ops/charge_pinned")
int BPF_PROG(charge_pinned, const struct ioas_policy_pinned *pinned)
{
	compare(IOAS_POLICY_PINNED, config.pinned, pinned->unique,
		pinned->bytes);
	return 0;
}

SEC("struct_ops/charge_pasid")
int BPF_PROG(charge_pasid, const struct ioas_policy_pasid *pasid)
{
	if (pasid->scope == IOAS_CG_PASID_GLOBAL)
		compare(IOAS_POLICY_PASID_GLOBAL, config.pasid_global,
			pasid->held, 1);
	else
		compare(IOAS_POLICY_PASID_DEVICE, config.pasid_device,
			pasid->held, 1);
	return 0;
}

SEC(".struct_ops.link")
struct ioas_cgroup_ops dry_run = {
	.charge_pinned = (void *)charge_pinned,
	.charge_pasid = (void *)charge_pasid,
	.name = "dry_run",
};
