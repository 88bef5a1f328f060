/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where unit tests step in: to make an allocation of the index fail, and to see a
 * warning.  failslab cannot do the first: by default it leaves GFP_KERNEL alone,
 * and only debugfs can change that.
 */
#ifndef _CGROUP_IOAS_FAULT_H
#define _CGROUP_IOAS_FAULT_H

#include <linux/bug.h>
#include <linux/gfp_types.h>

#define IOAS_WARN_NOT_CHARGED(pfn) \
	WARN_ONCE(1, "ioas: uncharge of pfn %lx, not charged\n", pfn)

#if IS_ENABLED(CONFIG_CGROUP_IOAS_KUNIT_TEST)
bool ioas_may_alloc(gfp_t gfp);
void ioas_warn_not_charged(unsigned long pfn);
#else
static inline bool ioas_may_alloc(gfp_t gfp)
{
	return true;
}

static inline void ioas_warn_not_charged(unsigned long pfn)
{
	IOAS_WARN_NOT_CHARGED(pfn);
}
#endif

#endif /* _CGROUP_IOAS_FAULT_H */
