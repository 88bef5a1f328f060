/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the members of the kernel's types are. */
#ifndef IOASCTL_LAYOUT_H
#define IOASCTL_LAYOUT_H

/* The struct_ops type of policies. */
#define STRUCT_OPS_TYPE "ioas_cgroup_ops"

/* What a map of such a one has for its value. */
#define STRUCT_OPS_VALUE "bpf_struct_ops_" STRUCT_OPS_TYPE

struct btf;

int offset_in(const struct btf *btf, const char *type, const char *name);

#endif /* IOASCTL_LAYOUT_H */
