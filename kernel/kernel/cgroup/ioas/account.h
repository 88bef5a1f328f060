/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accounts: what a subsystem charges.  See account.c.
 */
#ifndef _CGROUP_IOAS_ACCOUNT_H
#define _CGROUP_IOAS_ACCOUNT_H

#include <linux/ioas_cgroup.h>
#include <linux/refcount.h>

struct ioas_gather;
struct ioas_owner;
struct mem_cgroup;

/**
 * struct ioas_cg_account - pins of one object, all by the same owner
 * @owner: who is charged; referenced, never changes
 * @memcg: memory cgroup that pays for the index; referenced, or NULL
 * @kind: what the object is
 * @memlock_exempt: RLIMIT_MEMLOCK does not count its pins; never changes
 * @refs: holders of the account
 * @pages: pins held now; calls for one account do not run at the same time
 */
struct ioas_cg_account {
	struct ioas_owner *owner;
	struct mem_cgroup *memcg;
	enum ioas_cg_kind kind;
	bool memlock_exempt;
	refcount_t refs;
	long pages;
};

struct ioas_cg_account *ioas_account_create(struct ioas_owner *owner,
					    struct mem_cgroup *memcg,
					    enum ioas_cg_kind kind, gfp_t gfp);
void ioas_account_forget_owner(struct ioas_owner *owner);
int ioas_account_charge(struct ioas_cg_account *acct, unsigned long pfn,
			unsigned long nr);
void ioas_account_uncharge(struct ioas_cg_account *acct, unsigned long pfn,
			   unsigned long nr);
int ioas_account_charge_gathered(struct ioas_cg_account *acct,
				 struct ioas_gather *gather);
void ioas_account_uncharge_gathered(struct ioas_cg_account *acct,
				    struct ioas_gather *gather);

#endif /* _CGROUP_IOAS_ACCOUNT_H */
