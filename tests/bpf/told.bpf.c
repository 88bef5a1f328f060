// SPDX-License-Identifier: GPL-2.0
/*
 * Policies that write down all that they are told, and refuse what they are asked to; and
 * programs that write down what the tracepoints say of that.  All goes to one ring buffer,
 * in the order in which it comes.  See tests/selftests/told_programs.c.
 */
#include "ioas_kernel.bpf.h"
#include "told.h"

struct told_answer answer;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} book SEC(".maps");

static void write_down(struct told_record *told)
{
	bpf_ringbuf_output(&book, told, sizeof(*told), 0);
}

/* ---- policies ---- */

static void write_pinned(enum told_by by, struct ioas_policy_pinned *pinned,
			 __u64 pid)
{
	struct told_record told = {
		.by = by,
		.cgroup_id = pinned->cgroup_id,
		.owner_id = pinned->owner_id,
		.what = pinned->kind,
		.amount = pinned->bytes,
		.held = pinned->unique,
		.max = pinned->max,
		.pid = pid,
	};

	write_down(&told);
}

SEC("struct_ops/charge_pinned")
int BPF_PROG(charge_pinned, struct ioas_policy_pinned *pinned,
	     struct task_struct *task)
{
	write_pinned(TOLD_CHARGE_PINNED, pinned, task->pid);
	return pinned->cgroup_id == answer.cgroup_id ? answer.error : 0;
}

SEC("struct_ops/uncharge_pinned")
void BPF_PROG(uncharge_pinned, struct ioas_policy_pinned *pinned)
{
	write_pinned(TOLD_UNCHARGE_PINNED, pinned, 0);
}

static void write_pasid(enum told_by by, struct ioas_policy_pasid *pasid,
			__u64 pid)
{
	struct told_record told = {
		.by = by,
		.cgroup_id = pasid->cgroup_id,
		.owner_id = pasid->owner_id,
		.what = pasid->scope,
		.held = pasid->held,
		.max = pasid->max,
		.pasid = pasid->pasid,
		.device = pasid->device,
		.pid = pid,
	};

	write_down(&told);
}

SEC("struct_ops/charge_pasid")
int BPF_PROG(charge_pasid, struct ioas_policy_pasid *pasid,
	     struct task_struct *task)
{
	write_pasid(TOLD_CHARGE_PASID, pasid, task->pid);
	if (pasid->cgroup_id != answer.cgroup_id)
		return 0;
	if (answer.device && pasid->device != answer.device)
		return 0;
	return answer.error;
}

SEC("struct_ops/uncharge_pasid")
void BPF_PROG(uncharge_pasid, struct ioas_policy_pasid *pasid)
{
	write_pasid(TOLD_UNCHARGE_PASID, pasid, 0);
}

SEC("struct_ops/limit_hit")
void BPF_PROG(limit_hit, struct ioas_policy_limit *limit,
	      struct task_struct *task)
{
	struct told_record told = {
		.by = TOLD_LIMIT_HIT,
		.cgroup_id = limit->cgroup_id,
		.owner_id = limit->owner_id,
		.limit_id = limit->limit_id,
		.what = limit->resource,
		.amount = limit->wanted,
		.held = limit->held,
		.max = limit->max,
		.pid = task->pid,
	};

	write_down(&told);
}

SEC("struct_ops/cgroup_gone")
void BPF_PROG(cgroup_gone, __u64 cgroup_id)
{
	struct told_record told = {
		.by = TOLD_CGROUP_GONE,
		.cgroup_id = cgroup_id,
	};

	write_down(&told);
}

#define POLICY(_map, _name)                                 \
	SEC(".struct_ops.link")                             \
	struct ioas_cgroup_ops _map = {                     \
		.charge_pinned = (void *)charge_pinned,     \
		.uncharge_pinned = (void *)uncharge_pinned, \
		.charge_pasid = (void *)charge_pasid,       \
		.uncharge_pasid = (void *)uncharge_pasid,   \
		.limit_hit = (void *)limit_hit,             \
		.cgroup_gone = (void *)cgroup_gone,         \
		.name = _name,                              \
	}

/* One a cgroup, by its place above the one that is charged. */
POLICY(nearest, "n");
POLICY(middle, "middle");
POLICY(farthest, "farthest.of-all");

/* ---- tracepoints ---- */

SEC("tp_btf/deny_policy")
int BPF_PROG(deny_policy, __u64 cgroup_id, enum ioas_cg_kind kind,
	     __u64 policy_id, const char *policy, int error, __u64 current,
	     __u64 wanted)
{
	struct told_record told = {
		.by = TOLD_DENY_POLICY,
		.cgroup_id = policy_id,
		.owner_id = cgroup_id,
		.what = kind,
		.amount = wanted,
		.held = current,
		.error = (__s64)error,
		.pid = (__u32)bpf_get_current_pid_tgid(),
	};

	bpf_probe_read_kernel_str(told.policy, sizeof(told.policy), policy);
	write_down(&told);
	return 0;
}

SEC("tp_btf/deny_pasid_policy")
int BPF_PROG(deny_pasid_policy, __u64 cgroup_id, enum ioas_cg_pasid_scope scope,
	     __u64 policy_id, const char *policy, __u64 device, int error,
	     __u64 usage, __u64 wanted)
{
	struct told_record told = {
		.by = TOLD_DENY_PASID_POLICY,
		.cgroup_id = policy_id,
		.owner_id = cgroup_id,
		.what = scope,
		.amount = wanted,
		.held = usage,
		.device = device,
		.error = (__s64)error,
		.pid = (__u32)bpf_get_current_pid_tgid(),
	};

	bpf_probe_read_kernel_str(told.policy, sizeof(told.policy), policy);
	write_down(&told);
	return 0;
}
