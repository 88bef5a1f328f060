/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who holds PASIDs, of those right below a cgroup. */
#ifndef IOASCTL_HOLDERS_H
#define IOASCTL_HOLDERS_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct holder - a cgroup that holds PASIDs
 * @path: its path
 * @nr: how many it holds, with its descendants
 */
struct holder {
	char *path;
	uint64_t nr;
};

int holders_read(uint64_t id, const char *path, const char *scope, size_t most,
		 struct holder **ret, size_t *ret_nr);
void holders_free(struct holder *list, size_t nr);

#endif /* IOASCTL_HOLDERS_H */
