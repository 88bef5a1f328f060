// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that ask the kfuncs about a cgroup, from wherever kfuncs can be called.  See
 * tests/selftests/asking_programs.c, which compares the answers with the files.
 */
#include "ioas_kernel.bpf.h"
#include "asked.h"

static __always_inline void ask_all(__u64 cgroup_id, struct asked *answer)
{
	/* The last two are none. */
	const enum ioas_policy_resource resources[ASKED_RESOURCES] = {
		IOAS_POLICY_PINNED,
		IOAS_POLICY_PASID_GLOBAL,
		IOAS_POLICY_PASID_DEVICE,
		IOAS_POLICY_PASID_DEVICE + 1,
		~0U,
	};
	struct ioas_policy_stat stat;

	_Static_assert(IOAS_CG_NR_KINDS == ASKED_KINDS, "a new kind");
#pragma unroll
	for (int i = 0; i < ASKED_RESOURCES; i++) {
		answer->usage[i] = bpf_ioas_usage(cgroup_id, resources[i]);
		answer->limit[i] = bpf_ioas_limit(cgroup_id, resources[i]);
	}
	answer->stat_ret = bpf_ioas_stat(cgroup_id, &stat, sizeof(stat));
	answer->stat.unique = stat.unique;
	answer->stat.shared = stat.shared;
	answer->stat.accounts = stat.accounts;
#pragma unroll
	for (int i = 0; i < ASKED_KINDS; i++)
		answer->stat.gross[i] = stat.gross[i];
}

/* ---- by a system call ---- */

SEC("syscall")
int ask(struct asked_call *call)
{
	ask_all(call->cgroup_id, &call->answer);
	return 0;
}

/* Where bpf_ioas_stat() is to write, and what comes behind. */
char stat_bytes[ASKED_BYTES] __attribute__((aligned(8)));

/* Sizes have to be constants. */
#define STAT_OF_SIZE(_name, _size)                                            \
	SEC("syscall")                                                        \
	int _name(struct asked_call *call)                                    \
	{                                                                     \
		_Static_assert((_size) <= ASKED_BYTES - 8, "nothing behind"); \
		call->size = _size;                                           \
		return bpf_ioas_stat(call->cgroup_id, (void *)stat_bytes,     \
				     _size);                                  \
	}

#define HEAD offsetof(struct ioas_policy_stat, gross)
#define WHOLE sizeof(struct ioas_policy_stat)

STAT_OF_SIZE(stat_of_no_size, 0)
STAT_OF_SIZE(stat_below_head, HEAD - 1)
STAT_OF_SIZE(stat_of_head, HEAD)
STAT_OF_SIZE(stat_of_half_a_kind, HEAD + 4)
STAT_OF_SIZE(stat_of_one_kind, HEAD + 8)
STAT_OF_SIZE(stat_but_for_a_byte, WHOLE - 1)
STAT_OF_SIZE(stat_whole, WHOLE)
STAT_OF_SIZE(stat_and_a_byte, WHOLE + 1)
STAT_OF_SIZE(stat_and_three_kinds, WHOLE + 24)

/* ---- by the kernel, for one thread ---- */

__u64 asked_cgroup;
__u32 asking_pid;

/* The last answer, and how many there were. */
struct asked overheard;
__u32 nr_overheard;

static __always_inline void overhear(void)
{
	if ((__u32)bpf_get_current_pid_tgid() != asking_pid)
		return;
	ask_all(asked_cgroup, &overheard);
	nr_overheard++;
}

SEC("tp_btf/deny")
int BPF_PROG(on_tracepoint)
{
	overhear();
	return 0;
}

SEC("fentry/ioas_cg_charge_pasid")
int BPF_PROG(on_function_entry)
{
	overhear();
	return 0;
}

/* With interrupts disabled. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch)
{
	overhear();
	return 0;
}

SEC("struct_ops/charge_pinned")
int BPF_PROG(on_charge)
{
	overhear();
	return 0;
}

SEC(".struct_ops.link")
struct ioas_cgroup_ops policy = {
	.charge_pinned = (void *)on_charge,
	.name = "asks",
};
