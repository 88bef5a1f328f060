// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that the kernel must not take, each with a twin that it takes and that
 * differs in one thing.  See tests/selftests/refused_programs.c, which loads them one
 * by one.
 */
#include "ioas_kernel.bpf.h"

/* What no program does with a value, and no compiler can leave out. */
static volatile __u64 sink;

/* ---- what a policy is shown ---- */

SEC("struct_ops/charge_pinned")
int BPF_PROG(writes_charge, struct ioas_policy_pinned *pinned)
{
	pinned->bytes = 0;
	return 0;
}

SEC("struct_ops/charge_pinned")
int BPF_PROG(reads_charge, struct ioas_policy_pinned *pinned)
{
	sink = pinned->bytes;
	return 0;
}

SEC(".struct_ops.link")
struct ioas_cgroup_ops writes_charge_ops = {
	.charge_pinned = (void *)writes_charge,
	.name = "writes",
};

SEC(".struct_ops.link")
struct ioas_cgroup_ops reads_charge_ops = {
	.charge_pinned = (void *)reads_charge,
	.name = "reads",
};

SEC("struct_ops/charge_pasid")
int BPF_PROG(writes_pasid, struct ioas_policy_pasid *pasid)
{
	pasid->pasid = 0;
	return 0;
}

SEC("struct_ops/charge_pasid")
int BPF_PROG(reads_pasid, struct ioas_policy_pasid *pasid)
{
	sink = pasid->pasid;
	return 0;
}

SEC(".struct_ops.link")
struct ioas_cgroup_ops writes_pasid_ops = {
	.charge_pasid = (void *)writes_pasid,
	.name = "writes",
};

SEC(".struct_ops.link")
struct ioas_cgroup_ops reads_pasid_ops = {
	.charge_pasid = (void *)reads_pasid,
	.name = "reads",
};

SEC("struct_ops/charge_pinned")
int BPF_PROG(reads_past_charge, struct ioas_policy_pinned *pinned)
{
	sink = *(__u64 *)(pinned + 1);
	return 0;
}

SEC(".struct_ops.link")
struct ioas_cgroup_ops reads_past_charge_ops = {
	.charge_pinned = (void *)reads_past_charge,
	.name = "reads_past",
};

SEC("struct_ops/charge_pinned")
int BPF_PROG(writes_task, struct ioas_policy_pinned *pinned,
	     struct task_struct *task)
{
	task->pid = 0;
	return 0;
}

SEC("struct_ops/charge_pinned")
int BPF_PROG(reads_task, struct ioas_policy_pinned *pinned,
	     struct task_struct *task)
{
	sink = task->pid;
	return 0;
}

SEC(".struct_ops.link")
struct ioas_cgroup_ops writes_task_ops = {
	.charge_pinned = (void *)writes_task,
	.name = "writes",
};

SEC(".struct_ops.link")
struct ioas_cgroup_ops reads_task_ops = {
	.charge_pinned = (void *)reads_task,
	.name = "reads",
};

/* ---- sleeping ---- */

SEC("struct_ops.s/charge_pinned")
int BPF_PROG(sleeps, struct ioas_policy_pinned *pinned)
{
	return 0;
}

SEC("struct_ops/charge_pinned")
int BPF_PROG(does_not_sleep, struct ioas_policy_pinned *pinned)
{
	return 0;
}

SEC(".struct_ops.link")
struct ioas_cgroup_ops sleeps_ops = {
	.charge_pinned = (void *)sleeps,
	.name = "sleeps",
};

SEC(".struct_ops.link")
struct ioas_cgroup_ops does_not_sleep_ops = {
	.charge_pinned = (void *)does_not_sleep,
	.name = "does_not_sleep",
};

SEC("struct_ops.s/cgroup_gone")
void BPF_PROG(sleeps_at_end, __u64 cgroup_id)
{
}

SEC("struct_ops/cgroup_gone")
void BPF_PROG(does_not_sleep_at_end, __u64 cgroup_id)
{
}

SEC(".struct_ops.link")
struct ioas_cgroup_ops sleeps_at_end_ops = {
	.cgroup_gone = (void *)sleeps_at_end,
	.name = "sleeps",
};

SEC(".struct_ops.link")
struct ioas_cgroup_ops does_not_sleep_at_end_ops = {
	.cgroup_gone = (void *)does_not_sleep_at_end,
	.name = "does_not_sleep",
};

/* ---- the iterator ---- */

SEC("iter/ioas_account")
int does_not_look(struct bpf_iter__ioas_account *ctx)
{
	sink = ctx->account->bytes;
	return 0;
}

SEC("iter/ioas_account")
int looks(struct bpf_iter__ioas_account *ctx)
{
	struct ioas_policy_account *account = ctx->account;

	if (account)
		sink = account->bytes;
	return 0;
}

SEC("iter/ioas_account")
int writes_account(struct bpf_iter__ioas_account *ctx)
{
	struct ioas_policy_account *account = ctx->account;

	if (account)
		account->bytes = 0;
	return 0;
}

/* ---- kfuncs ---- */

SEC("tp_btf/deny")
int BPF_PROG(stat_is_too_long, __u64 cgroup_id)
{
	struct ioas_policy_stat stat;

	bpf_ioas_stat(cgroup_id, &stat, sizeof(stat) + 64);
	return 0;
}

SEC("tp_btf/deny")
int BPF_PROG(stat_fits, __u64 cgroup_id)
{
	struct ioas_policy_stat stat;

	bpf_ioas_stat(cgroup_id, &stat, sizeof(stat));
	return 0;
}

SEC("tp_btf/deny")
int BPF_PROG(stat_of_unknown_size, __u64 cgroup_id, enum ioas_cg_kind kind,
	     __u64 limit_id, __u64 max)
{
	struct ioas_policy_stat stat;

	bpf_ioas_stat(cgroup_id, &stat, max);
	return 0;
}

SEC("tp_btf/deny")
int BPF_PROG(stat_is_a_number, __u64 cgroup_id)
{
	bpf_ioas_stat(cgroup_id, (void *)cgroup_id,
		      sizeof(struct ioas_policy_stat));
	return 0;
}

SEC("tp_btf/deny")
int BPF_PROG(stat_is_null, __u64 cgroup_id)
{
	bpf_ioas_stat(cgroup_id, NULL, sizeof(struct ioas_policy_stat));
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ioas_policy_stat);
} stats SEC(".maps");

SEC("tp_btf/deny")
int BPF_PROG(stat_into_map, __u64 cgroup_id)
{
	struct ioas_policy_stat *stat;
	__u32 key = 0;

	stat = bpf_map_lookup_elem(&stats, &key);
	if (stat)
		bpf_ioas_stat(cgroup_id, stat, sizeof(*stat));
	return 0;
}

/* The entry may not be there. */
SEC("tp_btf/deny")
int BPF_PROG(stat_into_nothing, __u64 cgroup_id)
{
	struct ioas_policy_stat *stat;
	__u32 key = 0;

	stat = bpf_map_lookup_elem(&stats, &key);
	bpf_ioas_stat(cgroup_id, stat, sizeof(*stat));
	return 0;
}

/* The kernel's own memory is not for it to write to. */
SEC("struct_ops/charge_pinned")
int BPF_PROG(stat_into_charge, struct ioas_policy_pinned *pinned)
{
	bpf_ioas_stat(pinned->cgroup_id, (void *)pinned, sizeof(*pinned));
	return 0;
}

SEC("struct_ops/charge_pinned")
int BPF_PROG(stat_into_stack, struct ioas_policy_pinned *pinned)
{
	struct ioas_policy_stat stat;

	bpf_ioas_stat(pinned->cgroup_id, &stat, sizeof(stat));
	return 0;
}

SEC(".struct_ops.link")
struct ioas_cgroup_ops stat_into_charge_ops = {
	.charge_pinned = (void *)stat_into_charge,
	.name = "stat_into",
};

SEC(".struct_ops.link")
struct ioas_cgroup_ops stat_into_stack_ops = {
	.charge_pinned = (void *)stat_into_stack,
	.name = "stat_into",
};

SEC("socket")
int stat_of_socket(void *ctx)
{
	struct ioas_policy_stat stat;

	bpf_ioas_stat(1, &stat, sizeof(stat));
	return 0;
}

SEC("syscall")
int stat_of_syscall(void *ctx)
{
	struct ioas_policy_stat stat;

	bpf_ioas_stat(1, &stat, sizeof(stat));
	return 0;
}

SEC("xdp")
int usage_of_xdp(struct xdp_md *ctx)
{
	sink = bpf_ioas_usage(1, IOAS_POLICY_PINNED);
	return 0;
}

SEC("cgroup_skb/egress")
int limit_of_skb(struct __sk_buff *ctx)
{
	sink = bpf_ioas_limit(1, IOAS_POLICY_PINNED);
	return 1;
}

SEC("syscall")
int usage_of_syscall(void *ctx)
{
	sink = bpf_ioas_usage(1, IOAS_POLICY_PINNED);
	sink = bpf_ioas_limit(1, IOAS_POLICY_PINNED);
	return 0;
}

/* ---- references ---- */

SEC("tp_btf/deny")
int BPF_PROG(leaks_cgroup, __u64 cgroup_id)
{
	struct cgroup *cgroup = bpf_cgroup_from_id(cgroup_id);

	if (cgroup)
		sink = cgroup->level;
	return 0;
}

SEC("tp_btf/deny")
int BPF_PROG(releases_cgroup, __u64 cgroup_id)
{
	struct cgroup *cgroup = bpf_cgroup_from_id(cgroup_id);

	if (cgroup)
		bpf_cgroup_release(cgroup);
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(releases_what_it_has_not, struct cgroup *cgroup)
{
	bpf_cgroup_release(cgroup);
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(reads_what_it_has_not, struct cgroup *cgroup)
{
	sink = cgroup->level;
	return 0;
}

SEC("tp_btf/deny")
int BPF_PROG(releases_twice, __u64 cgroup_id)
{
	struct cgroup *cgroup = bpf_cgroup_from_id(cgroup_id);

	if (cgroup) {
		bpf_cgroup_release(cgroup);
		bpf_cgroup_release(cgroup);
	}
	return 0;
}

/* ---- what a policy is called ---- */

#define POLICY(_name, ...)                                           \
	SEC(".struct_ops.link")                                      \
	struct ioas_cgroup_ops _name = {                             \
		.charge_pinned = (void *)does_not_sleep, __VA_ARGS__ \
	}

POLICY(good_name, .name = "a-Z_0.9");
POLICY(longest_name, .name = "123456789012345");
POLICY(no_name);
POLICY(name_without_end, .name = { '1', '2', '3', '4', '5', '6', '7', '8', '9',
				   '0', '1', '2', '3', '4', '5', '6' });
POLICY(name_with_space, .name = "a b");
POLICY(name_with_slash, .name = "a/b");
POLICY(name_with_newline, .name = "a\n");
POLICY(with_flags, .name = "flags", .flags = 1);
POLICY(with_all_flags, .name = "flags", .flags = ~0U);
