/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policies that are attached, or were. */
#ifndef IOASCTL_ATTACHED_H
#define IOASCTL_ATTACHED_H

#include <stdbool.h>

#include "policies.h"

/**
 * struct attached - a policy that is attached, or was
 * @name: its name
 * @policy: which of those that this program knows; NULL if somebody else attached it
 * @cgroup_id: where
 * @path: of the cgroup; NULL if it has gone
 * @folder: in bpffs; NULL if somebody else attached it
 * @config: its settings, if it has a folder
 * @link_id: its link in the kernel; 0 if it is on tracepoints, or was left over
 * @gone: it decides no more: its cgroup has gone, and took it along, or its folder was
 *	left over by a command that was interrupted
 */
struct attached {
	char *name;
	const struct policy *policy;
	uint64_t cgroup_id;
	char *path;
	char *folder;
	_Alignas(uint64_t) char config[POLICY_CONFIG_MAX];
	uint32_t link_id;
	bool gone;
};

void attached_free(struct attached *list, unsigned int nr);
int attached_list(struct attached **ret, unsigned int *ret_nr);
const struct attached *attached_decider(const struct attached *list,
					unsigned int nr, uint64_t cgroup_id);

#endif /* IOASCTL_ATTACHED_H */
