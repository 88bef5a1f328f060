// SPDX-License-Identifier: GPL-2.0-only
/* What the benchmarks share.  See bench.h. */

#include <linux/math64.h>
#include <linux/sort.h>

#include "bench.h"

static int cmp_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/**
 * bench_median() - the median of some rounds
 * @rounds: what they took; sorted
 * @n: how many
 */
u64 bench_median(u64 *rounds, int n)
{
	sort(rounds, n, sizeof(*rounds), cmp_u64, NULL);
	return rounds[n / 2];
}

/**
 * bench_report() - print a figure of @value / @per, with three decimals
 * @test: the test
 * @name: of the figure, as in tests/bench/targets.tsv
 * @value: what was measured
 * @baseline: the same of the baseline, or 0 for none
 * @per: how often it was done
 * @unit: of the figure
 */
void bench_report(struct kunit *test, const char *name, u64 value,
		  u64 baseline, u64 per, const char *unit)
{
	u64 v = div64_u64(value * 1000, per), b = div64_u64(baseline * 1000,
							    per);

	if (baseline)
		kunit_info(test, "bench %s %llu.%03llu %s %llu.%03llu\n", name,
			   v / 1000, v % 1000, unit, b / 1000, b % 1000);
	else
		kunit_info(test, "bench %s %llu.%03llu %s -\n", name, v / 1000,
			   v % 1000, unit);
}
