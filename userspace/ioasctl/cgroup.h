/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cgroups by path and by id. */
#ifndef IOASCTL_CGROUP_H
#define IOASCTL_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

/**
 * struct cgroup - a cgroup
 * @path: below CGROUP_ROOT, with a / in front
 * @id: inode number of its folder
 */
struct cgroup {
	char *path;
	uint64_t id;
};

int cgroup_open(const char *name, struct cgroup *ret);
void cgroup_free(struct cgroup *cgroup);
int cgroup_open_by_id(uint64_t id);
int cgroup_read_key(int folder, const char *name, const char *key,
		    uint64_t *ret);
char *cgroup_path_of(uint64_t id);
bool cgroup_is_below(const char *path, const char *ancestor);
int cgroup_check_controller(void);
int cgroup_explain_disabled(const struct cgroup *cgroup);

#endif /* IOASCTL_CGROUP_H */
