/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests share: a ledger of their own, with a tree of made-up cgroups.
 */
#ifndef _CGROUP_IOAS_TESTS_FIXTURE_H
#define _CGROUP_IOAS_TESTS_FIXTURE_H

#include <kunit/test.h>

#include "../account.h"
#include "../index.h"
#include "../owner.h"

/*
 *	root
 *	 |-- a
 *	 |   |-- a1
 *	 |   |   `-- deep
 *	 |   `-- a2
 *	 `-- b
 */
enum test_owner { ROOT, A, A1, DEEP, A2, B, NR_TEST_OWNERS };

/**
 * struct fixture - a ledger with the tree above
 * @ledger: the ledger
 * @owner: the owners; NULL when a test has removed one
 * @acct: an account of each
 * @events: events that were notified
 */
struct fixture {
	struct ioas_ledger ledger;
	struct ioas_owner *owner[NR_TEST_OWNERS];
	struct ioas_cg_account *acct[NR_TEST_OWNERS];
	unsigned int events[IOAS_NR_EVENTS];
};

extern const char *const test_owner_name[NR_TEST_OWNERS];

struct ioas_ledger *test_ledger_create(struct kunit *test);
void test_ledger_destroy(struct ioas_ledger *ledger);

int fixture_init(struct kunit *test);
void fixture_exit(struct kunit *test);
void fixture_remove(struct fixture *f, enum test_owner owner);
void fixture_end_account(struct fixture *f, enum test_owner owner);

unsigned long test_usage(struct fixture *f, enum test_owner owner);
unsigned long test_shared(struct fixture *f, enum test_owner owner);

void test_expect_usage(struct kunit *test, struct fixture *f,
		       const unsigned long *want);

/* Compare usage of all owners, in pages, in the order of enum test_owner. */
#define EXPECT_USAGE(_test, _f, ...)					\
do {									\
	const unsigned long want[NR_TEST_OWNERS] = { __VA_ARGS__ };	\
									\
	test_expect_usage(_test, _f, want);				\
} while (0)

void test_fail_allocation(struct kunit *test, int nth);
bool test_allocation_failed(struct kunit *test);

#endif /* _CGROUP_IOAS_TESTS_FIXTURE_H */
