/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where policies stay: each has a folder below BPFFS_FOLDER. */
#ifndef IOASCTL_FOLDER_H
#define IOASCTL_FOLDER_H

#include <stdint.h>

#define BPFFS_MOUNT "/sys/fs/bpf"
#define BPFFS_FOLDER BPFFS_MOUNT "/ioas"

struct policy;

char *folder_of(const struct policy *policy, uint64_t cgroup_id);
char *path_in(const char *folder, const char *name);
int open_pinned(const char *folder, const char *name);
int make_folder(const char *folder);
int remove_folder(const char *folder);
void detach_folder(const char *folder);

#endif /* IOASCTL_FOLDER_H */
