// SPDX-License-Identifier: GPL-2.0
/*
 * burst: a cgroup may pass a soft limit by some amount, for some time.
 *
 * A burst starts with the first charge above the soft limit, and lasts for a fixed time,
 * whether the memory stays pinned or not.  After that nothing more is allowed above the
 * soft limit until the cgroup has rested.  What was pinned in a burst stays pinned: nobody
 * can take it back.
 */
#include "ioas_kernel.bpf.h"

const volatile struct ioas_burst config;

struct burst_state {
	__u64 start_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct burst_state);
} bursts SEC(".maps");

/* Is there a burst, or may one start now? Of two that would start one, one does. */
static bool in_burst(struct burst_state *state)
{
	__u64 now = bpf_ktime_get_boot_ns();
	__u64 start = state->start_ns;

	if (start && now - start < config.length_ns)
		return true;
	if (start && now - start - config.length_ns < config.rest_ns)
		return false;
	__sync_val_compare_and_swap(&state->start_ns, start, now);
	return true;
}

SEC("struct_ops/charge_pinned")
int BPF_PROG(charge_pinned, const struct ioas_policy_pinned *pinned)
{
	struct cgroup *cgroup;
	struct burst_state *state;
	int ret = -ENOMEM;

	if (pinned->unique <= config.soft)
		return 0;
	if (pinned->unique - config.soft > config.extra)
		return -ENOMEM;
	cgroup = bpf_cgroup_from_id(pinned->cgroup_id);
	if (!cgroup)
		return -ENOMEM;
	state = bpf_cgrp_storage_get(&bursts, cgroup, NULL,
				     BPF_LOCAL_STORAGE_GET_F_CREATE);
	/* Another CPU may be making it. */
	if (!state)
		state = bpf_cgrp_storage_get(&bursts, cgroup, NULL, 0);
	if (state && in_burst(state))
		ret = 0;
	bpf_cgroup_release(cgroup);
	return ret;
}

SEC(".struct_ops.link")
struct ioas_cgroup_ops burst = {
	.charge_pinned = (void *)charge_pinned,
	.name = "burst",
};
