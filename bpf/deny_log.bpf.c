// SPDX-License-Identifier: GPL-2.0
/*
 * deny_log: every refusal, by a limit or by a policy, with who asked and from where.
 *
 * Attached to the tracepoints, not to the cgroup: so a cgroup can have another policy at
 * the same time, and what that refuses is logged too.
 *
 * Each refusal goes to a ring buffer, for who follows them, and to a table of the latest
 * ones, for who asks later.  If nobody reads the ring buffer it fills up, which the table
 * does not.
 */
#include "ioas_kernel.bpf.h"

const volatile struct ioas_deny_log config;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} refusals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IOAS_RECENT_REFUSALS);
	__type(key, __u32);
	__type(value, struct ioas_refusal);
} recent SEC(".maps");

/* How many there were so far. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} total SEC(".maps");

/* The level is asked for here: user space sees that of its cgroup namespace. */
static int level_of(__u64 cgroup_id)
{
	struct cgroup *cgroup = bpf_cgroup_from_id(cgroup_id);
	int level;

	if (!cgroup)
		return -1;
	level = cgroup->level;
	bpf_cgroup_release(cgroup);
	return level;
}

static bool is_below(__u64 cgroup_id)
{
	int level = level_of(config.cgroup_id);
	struct cgroup *cgroup, *ancestor;
	bool below = false;

	if (cgroup_id == config.cgroup_id)
		return true;
	cgroup = bpf_cgroup_from_id(cgroup_id);
	if (!cgroup)
		return false;
	ancestor = level < 0 ? NULL : bpf_cgroup_ancestor(cgroup, level);
	if (ancestor) {
		below = ancestor->kn->id == config.cgroup_id;
		bpf_cgroup_release(ancestor);
	}
	bpf_cgroup_release(cgroup);
	return below;
}

static void keep(const struct ioas_refusal *refusal)
{
	__u32 key = 0;
	__u64 *nr = bpf_map_lookup_elem(&total, &key);

	if (!nr)
		return;
	key = __sync_fetch_and_add(nr, 1) % IOAS_RECENT_REFUSALS;
	bpf_map_update_elem(&recent, &key, refusal, BPF_ANY);
}

/* The sum that the file ioas.stat has; 0 if the cgroup has gone. */
static __u64 gross_of(__u64 cgroup_id, __u32 kind)
{
	struct ioas_policy_stat stat;

	if (kind >= IOAS_CG_NR_KINDS ||
	    bpf_ioas_stat(cgroup_id, &stat, sizeof(stat)))
		return 0;
	return stat.gross[kind];
}

/* What the caller did not set is 0: nothing else of the kernel's memory gets out. */
static void report(void *ctx, struct ioas_refusal *refusal)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	long size;

	/* A cgroup that was removed is not found, but may still have what pins. */
	if (!is_below(refusal->cgroup_id) && !is_below(refusal->limit_id))
		return;
	if (refusal->error && refusal->resource == IOAS_POLICY_PINNED)
		refusal->gross = gross_of(refusal->limit_id, refusal->kind);
	refusal->boottime_ns = bpf_ktime_get_boot_ns();
	refusal->tgid = pid_tgid >> 32;
	refusal->pid = pid_tgid;
	bpf_get_current_comm(refusal->comm, sizeof(refusal->comm));
	size = bpf_get_stack(ctx, refusal->stack, sizeof(refusal->stack), 0);
	refusal->stack_depth = size > 0 ? size / sizeof(refusal->stack[0]) : 0;
	keep(refusal);
	bpf_ringbuf_output(&refusals, refusal, sizeof(*refusal), 0);
}

/* In a program, the pointer is a number. */
static void keep_name(struct ioas_refusal *refusal, const char *policy)
{
	bpf_probe_read_kernel_str(refusal->policy, sizeof(refusal->policy),
				  policy);
}

SEC("tp_btf/deny")
int BPF_PROG(deny, __u64 cgroup_id, enum ioas_cg_kind kind, __u64 limit_id,
	     __u64 max, __u64 current, __u64 wanted)
{
	struct ioas_refusal refusal = {
		.cgroup_id = cgroup_id,
		.limit_id = limit_id,
		.wanted = wanted,
		.held = current,
		.max = max,
		.resource = IOAS_POLICY_PINNED,
		.kind = kind,
	};

	report(ctx, &refusal);
	return 0;
}

SEC("tp_btf/deny_policy")
int BPF_PROG(deny_policy, __u64 cgroup_id, enum ioas_cg_kind kind,
	     __u64 policy_id, const char *policy, int error, __u64 current,
	     __u64 wanted)
{
	struct ioas_refusal refusal = {
		.cgroup_id = cgroup_id,
		.limit_id = policy_id,
		.wanted = wanted,
		.held = current,
		.max = IOAS_NO_LIMIT,
		.resource = IOAS_POLICY_PINNED,
		.kind = kind,
		.error = error,
	};

	keep_name(&refusal, policy);
	report(ctx, &refusal);
	return 0;
}

SEC("tp_btf/deny_pasid")
int BPF_PROG(deny_pasid, __u64 cgroup_id, enum ioas_cg_pasid_scope scope,
	     __u64 limit_id, __u64 max, __u64 usage, __u64 wanted)
{
	struct ioas_refusal refusal = {
		.cgroup_id = cgroup_id,
		.limit_id = limit_id,
		.wanted = wanted,
		.held = usage,
		.max = max,
		.resource = IOAS_POLICY_PASID_GLOBAL + scope,
	};

	report(ctx, &refusal);
	return 0;
}

SEC("tp_btf/deny_pasid_policy")
int BPF_PROG(deny_pasid_policy, __u64 cgroup_id, enum ioas_cg_pasid_scope scope,
	     __u64 policy_id, const char *policy, __u64 device, int error,
	     __u64 usage, __u64 wanted)
{
	struct ioas_refusal refusal = {
		.cgroup_id = cgroup_id,
		.limit_id = policy_id,
		.wanted = wanted,
		.held = usage,
		.max = IOAS_NO_LIMIT,
		.device = device,
		.resource = IOAS_POLICY_PASID_GLOBAL + scope,
		.error = error,
	};

	keep_name(&refusal, policy);
	report(ctx, &refusal);
	return 0;
}
