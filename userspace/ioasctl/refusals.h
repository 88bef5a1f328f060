/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The refusals that deny_log keeps. */
#ifndef IOASCTL_REFUSALS_H
#define IOASCTL_REFUSALS_H

#include <stddef.h>

#include "attached.h"

bool refusals_logged(const struct attached *attached,
		     const struct cgroup *cgroup);
int refusals_read(const struct attached *list, unsigned int nr,
		  const struct cgroup *cgroup, struct ioas_refusal **ret,
		  size_t *ret_nr);

#endif /* IOASCTL_REFUSALS_H */
