// SPDX-License-Identifier: GPL-2.0
/*
 * pasid_device: a limit of PASIDs for each device.
 *
 * It counts the PASIDs of the scope device that are charged while it is attached.  Those
 * from before are not known, neither when they are charged nor when they go.
 */
#include "ioas_kernel.bpf.h"

const volatile struct ioas_pasid_device config;

/* Device -> how many there may be.  Only user space writes here. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, IOAS_MAX_DEVICES);
	__type(key, __u64);
	__type(value, __u64);
} limits SEC(".maps");

/* Device -> how many were counted.  Only this writes here. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, IOAS_MAX_DEVICES);
	__type(key, __u64);
	__type(value, __u64);
} used SEC(".maps");

struct held {
	__u64 device;
	__u32 pasid;
	__u32 reserved;
};

/* What was counted. A number is uncharged before it is charged again. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 20);
	__type(key, struct held);
	__type(value, __u8);
} counted SEC(".maps");

static __u64 limit_of(__u64 device)
{
	__u64 *max = bpf_map_lookup_elem(&limits, &device);

	return max ? *max : config.others;
}

static __u64 *used_of(__u64 device)
{
	__u64 zero = 0;

	bpf_map_update_elem(&used, &device, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&used, &device);
}

/* Return 0, or -EDQUOT and then it is not counted. */
static int count(__u64 *nr, __u64 max)
{
	if (__sync_fetch_and_add(nr, 1) < max)
		return 0;
	__sync_fetch_and_add(nr, -1);
	return -EDQUOT;
}

/* One that no limit concerns is counted too, for a limit that comes later. */
SEC("struct_ops/charge_pasid")
int BPF_PROG(charge_pasid, const struct ioas_policy_pasid *pasid)
{
	struct held held = {
		.device = pasid->device,
		.pasid = pasid->pasid,
	};
	__u64 max, *nr;
	__u8 one = 1;
	int ret;

	if (pasid->scope != IOAS_CG_PASID_DEVICE || !pasid->device)
		return 0;
	max = limit_of(pasid->device);
	nr = used_of(pasid->device);
	if (!nr)
		return max == IOAS_NO_LIMIT ? 0 : -ENOMEM;
	ret = count(nr, max);
	if (ret)
		return ret;
	if (!bpf_map_update_elem(&counted, &held, &one, BPF_NOEXIST))
		return 0;
	__sync_fetch_and_add(nr, -1);
	return max == IOAS_NO_LIMIT ? 0 : -ENOMEM;
}

SEC("struct_ops/uncharge_pasid")
void BPF_PROG(uncharge_pasid, const struct ioas_policy_pasid *pasid)
{
	struct held held = {
		.device = pasid->device,
		.pasid = pasid->pasid,
	};
	__u64 *nr;

	if (pasid->scope != IOAS_CG_PASID_DEVICE ||
	    bpf_map_delete_elem(&counted, &held))
		return;
	nr = bpf_map_lookup_elem(&used, &held.device);
	if (nr)
		__sync_fetch_and_add(nr, -1);
}

SEC(".struct_ops.link")
struct ioas_cgroup_ops pasid_device = {
	.charge_pasid = (void *)charge_pasid,
	.uncharge_pasid = (void *)uncharge_pasid,
	.name = "pasid_device",
};
