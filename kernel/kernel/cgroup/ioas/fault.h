/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where unit tests make an allocation of the index fail.  failslab cannot: by
 * default it leaves GFP_KERNEL alone, and only debugfs can change that.
 */
#ifndef _CGROUP_IOAS_FAULT_H
#define _CGROUP_IOAS_FAULT_H

#include <linux/gfp_types.h>

#if IS_ENABLED(CONFIG_CGROUP_IOAS_KUNIT_TEST)
bool ioas_may_alloc(gfp_t gfp);
#else
static inline bool ioas_may_alloc(gfp_t gfp)
{
	return true;
}
#endif

#endif /* _CGROUP_IOAS_FAULT_H */
