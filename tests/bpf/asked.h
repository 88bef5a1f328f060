/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests/bpf/asked.bpf.c is asked for, and answers.
 *
 * Included by the BPF program after vmlinux.h, and by user space after linux/types.h.
 */
#ifndef ASKED_H
#define ASKED_H

/* As many as the kernel has. */
#define ASKED_KINDS 10

/* Of &enum ioas_policy_resource: all of them, one more, and the last value there is. */
#define ASKED_RESOURCES 5

/* Of what bpf_ioas_stat() fills in, and of what comes behind. */
#define ASKED_BYTES 256

/**
 * struct asked_stat - struct ioas_policy_stat, as user space knows it
 * @unique: distinct bytes
 * @shared: those that are pinned from outside too
 * @accounts: number of accounts
 * @gross: bytes by kind
 */
struct asked_stat {
	__u64 unique;
	__u64 shared;
	__u64 accounts;
	__u64 gross[ASKED_KINDS];
};

/**
 * struct asked - what the kfuncs say of a cgroup
 * @usage: by resource
 * @limit: by resource
 * @stat_ret: what bpf_ioas_stat() returns
 * @stat: what it fills in
 */
struct asked {
	__s64 usage[ASKED_RESOURCES];
	__s64 limit[ASKED_RESOURCES];
	__s64 stat_ret;
	struct asked_stat stat;
};

/**
 * struct asked_call - context of the programs that are run by a system call
 * @cgroup_id: the cgroup
 * @size: set by those of bpf_ioas_stat() to the size that they give
 * @answer: filled in by ask()
 */
struct asked_call {
	__u64 cgroup_id;
	__u64 size;
	struct asked answer;
};

#endif /* ASKED_H */
