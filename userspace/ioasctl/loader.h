/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading policies into the kernel, and attaching them. */
#ifndef IOASCTL_LOADER_H
#define IOASCTL_LOADER_H

#include "cgroup.h"
#include "policies.h"

struct attached;

int loader_load(const struct policy *policy, void *config,
		const struct cgroup *cgroup);
int loader_replace(const struct policy *policy, void *config,
		   const struct cgroup *cgroup);
int loader_unload(const struct attached *attached);

#endif /* IOASCTL_LOADER_H */
