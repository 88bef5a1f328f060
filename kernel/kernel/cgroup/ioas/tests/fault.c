// SPDX-License-Identifier: GPL-2.0-only
/* The points where tests step in. */

#include <kunit/static_stub.h>

#include "../fault.h"

/**
 * ioas_may_alloc() - may an allocation go ahead?
 * @gfp: its flags
 *
 * Tests replace it.  A replacement has to let __GFP_NOFAIL pass.
 */
bool ioas_may_alloc(gfp_t gfp)
{
	KUNIT_STATIC_STUB_REDIRECT(ioas_may_alloc, gfp);
	return true;
}

/**
 * ioas_warn_not_charged() - a page was to be uncharged that counts, but is not charged
 * @pfn: the page
 *
 * A bug in the subsystem that pinned it.  Tests replace this.
 */
void ioas_warn_not_charged(unsigned long pfn)
{
	KUNIT_STATIC_STUB_REDIRECT(ioas_warn_not_charged, pfn);
	IOAS_WARN_NOT_CHARGED(pfn);
}
