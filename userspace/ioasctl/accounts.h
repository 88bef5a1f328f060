/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who holds what: the accounts of the kernel. */
#ifndef IOASCTL_ACCOUNTS_H
#define IOASCTL_ACCOUNTS_H

#include <stddef.h>

#include <linux/types.h>

#include "ioas_policies.h"

/**
 * struct account - an account
 * @record: what the kernel says
 * @path: its cgroup; NULL if that cannot be told
 */
struct account {
	struct ioas_account_record record;
	char *path;
};

int accounts_read(const char *below, struct account **ret, size_t *ret_nr);
void accounts_free(struct account *list, size_t nr);

#endif /* IOASCTL_ACCOUNTS_H */
