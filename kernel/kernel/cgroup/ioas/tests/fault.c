// SPDX-License-Identifier: GPL-2.0-only
/* The point where tests make allocations fail. */

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
