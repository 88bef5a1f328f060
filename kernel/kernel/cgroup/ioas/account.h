/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accounts: what a subsystem charges.  See account.c.
 */
#ifndef _CGROUP_IOAS_ACCOUNT_H
#define _CGROUP_IOAS_ACCOUNT_H

#include <linux/ioas_cgroup.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/sched.h>

struct ioas_gather;
struct ioas_owner;
struct mem_cgroup;

/**
 * struct ioas_account_maker - the task that an account was made for
 * @tgid: number of its process, in the initial PID namespace
 * @pid: number of the thread
 * @comm: name of the thread
 * @boottime_ns: when it was made, as CLOCK_BOOTTIME
 */
struct ioas_account_maker {
	u64 boottime_ns;
	pid_t tgid;
	pid_t pid;
	char comm[TASK_COMM_LEN];
};

/**
 * struct ioas_account_item - what is in &ioas_owner.accounts
 * @list: the list
 * @is_mark: this is no account, but the mark of a walk
 */
struct ioas_account_item {
	struct list_head list;
	bool is_mark;
};

/**
 * struct ioas_cg_account - pins of one object, all by the same owner
 * @owner: who is charged; referenced, never changes
 * @memcg: memory cgroup that pays for the index; referenced, or NULL
 * @kind: what the object is
 * @memlock_exempt: RLIMIT_MEMLOCK does not count its pins; never changes
 * @refs: holders of the account
 * @pages: pins held now; calls for one account do not run at the same time
 * @item: in &ioas_owner.accounts
 * @maker: who it was made for; never changes
 */
struct ioas_cg_account {
	struct ioas_owner *owner;
	struct mem_cgroup *memcg;
	enum ioas_cg_kind kind;
	bool memlock_exempt;
	refcount_t refs;
	long pages;
	struct ioas_account_item item;
	struct ioas_account_maker maker;
};

/**
 * struct ioas_account_walk - a walk over all accounts of a ledger
 * @root: the owner at the root of the tree
 * @owner: whose account is next, or NULL; holds a reference
 * @acct: the last account, or NULL; holds a reference
 * @here: a mark in the list of @owner: what comes before it is done
 * @end: another one: what comes after it was made after the walk came to @owner
 */
struct ioas_account_walk {
	struct ioas_owner *root;
	struct ioas_owner *owner;
	struct ioas_cg_account *acct;
	struct ioas_account_item here;
	struct ioas_account_item end;
};

struct ioas_cg_account *ioas_account_create(struct ioas_owner *owner,
					    struct task_struct *task,
					    struct mem_cgroup *memcg,
					    enum ioas_cg_kind kind, gfp_t gfp);
void ioas_account_forget_owner(struct ioas_owner *owner);
void ioas_account_walk_begin(struct ioas_account_walk *walk,
			     struct ioas_owner *root);
struct ioas_cg_account *ioas_account_walk_next(struct ioas_account_walk *walk);
void ioas_account_walk_pause(struct ioas_account_walk *walk);
void ioas_account_walk_end(struct ioas_account_walk *walk);
int ioas_account_charge(struct ioas_cg_account *acct, unsigned long pfn,
			unsigned long nr);
void ioas_account_uncharge(struct ioas_cg_account *acct, unsigned long pfn,
			   unsigned long nr);
int ioas_account_charge_gathered(struct ioas_cg_account *acct,
				 struct ioas_gather *gather);
void ioas_account_uncharge_gathered(struct ioas_cg_account *acct,
				    struct ioas_gather *gather);

#endif /* _CGROUP_IOAS_ACCOUNT_H */
