/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmarks share.
 *
 * Each figure is a line "bench NAME VALUE UNIT BASELINE", where the baseline
 * was measured in the same run, or is "-".  What a figure has to reach is not
 * said here: scripts/bench.sh knows, and compares.  Times are the median of
 * several rounds.
 */
#ifndef _CGROUP_IOAS_TESTS_BENCH_H
#define _CGROUP_IOAS_TESTS_BENCH_H

#include <kunit/test.h>
#include <linux/types.h>

#define BENCH_ROUNDS	9

u64 bench_median(u64 *rounds, int n);
void bench_report(struct kunit *test, const char *name, u64 value,
		  u64 baseline, u64 per, const char *unit);

#endif /* _CGROUP_IOAS_TESTS_BENCH_H */
