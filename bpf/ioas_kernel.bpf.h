/* SPDX-License-Identifier: GPL-2.0 */
/* What all BPF programs here need, and vmlinux.h lacks. */
#ifndef IOAS_KERNEL_BPF_H
#define IOAS_KERNEL_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "ioas_policies.h"

#define EPERM 1
#define ENOENT 2
#define ENOMEM 12
#define EDQUOT 122

/* pahole 1.24 puts no prototypes of kfuncs into BTF. */
extern __s64 bpf_ioas_usage(__u64 cgroup_id,
			    enum ioas_policy_resource resource) __ksym;
extern __s64 bpf_ioas_limit(__u64 cgroup_id,
			    enum ioas_policy_resource resource) __ksym;
extern int bpf_ioas_stat(__u64 cgroup_id, struct ioas_policy_stat *stat,
			 __u32 stat__sz) __ksym;
extern struct cgroup *bpf_cgroup_from_id(__u64 cgid) __ksym;
extern struct cgroup *bpf_cgroup_ancestor(struct cgroup *cgrp,
					  int level) __ksym;
extern void bpf_cgroup_release(struct cgroup *cgrp) __ksym;

char LICENSE[] SEC("license") = "GPL";

#endif /* IOAS_KERNEL_BPF_H */
