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

/*
 * What was counted, and how often.  An entry stays when it is 0: a number that is freed on
 * one CPU may be charged on another before this is told.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 20);
	__type(key, struct held);
	__type(value, __u64);
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

static int count(const struct held *held)
{
	__u64 zero = 0, *times;

	bpf_map_update_elem(&counted, held, &zero, BPF_NOEXIST);
	times = bpf_map_lookup_elem(&counted, held);
	if (!times)
		return -ENOMEM;
	__sync_fetch_and_add(times, 1);
	return 0;
}

/* Return whether it was counted. */
static bool uncount(const struct held *held)
{
	__u64 *times = bpf_map_lookup_elem(&counted, held);
	__u64 seen;

	if (!times)
		return false;
	seen = __sync_fetch_and_add(times, -1);
	if (seen && seen != ~0ULL)
		return true;
	/* It was from before. */
	__sync_fetch_and_add(times, 1);
	return false;
}

SEC("struct_ops/charge_pasid")
int BPF_PROG(charge_pasid, const struct ioas_policy_pasid *pasid)
{
	struct held held = {
		.device = pasid->device,
		.pasid = pasid->pasid,
	};
	__u64 max, *nr;

	if (pasid->scope != IOAS_CG_PASID_DEVICE || !pasid->device)
		return 0;
	max = limit_of(pasid->device);
	if (max == IOAS_NO_LIMIT)
		return 0;
	nr = used_of(pasid->device);
	if (!nr)
		return -ENOMEM;
	if (__sync_fetch_and_add(nr, 1) >= max) {
		__sync_fetch_and_add(nr, -1);
		return -EDQUOT;
	}
	if (!count(&held))
		return 0;
	__sync_fetch_and_add(nr, -1);
	return -ENOMEM;
}

SEC("struct_ops/uncharge_pasid")
void BPF_PROG(uncharge_pasid, const struct ioas_policy_pasid *pasid)
{
	struct held held = {
		.device = pasid->device,
		.pasid = pasid->pasid,
	};
	__u64 *nr;

	if (pasid->scope != IOAS_CG_PASID_DEVICE || !uncount(&held))
		return;
	nr = used_of(pasid->device);
	if (nr)
		__sync_fetch_and_add(nr, -1);
}

SEC(".struct_ops.link")
struct ioas_cgroup_ops pasid_device = {
	.charge_pasid = (void *)charge_pasid,
	.uncharge_pasid = (void *)uncharge_pasid,
	.name = "pasid_device",
};
