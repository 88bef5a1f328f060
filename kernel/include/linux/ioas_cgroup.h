/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * I/O address space (ioas) cgroup controller: what a subsystem that pins
 * memory for device access calls.
 *
 * An object that holds long-term pins (a vfio_dma, an iopt_pages, ...) has one
 * account, made when the object is made.  The account remembers the owner: the
 * cgroup of the task that asked.  Every page that the object pins is charged
 * to the account right after it was pinned, batch by batch, and uncharged
 * right before it is unpinned, so that a page is always held by a pin while it
 * passes through this interface.  Calls for one account must not run at the same
 * time: the lock that protects the object's pins sees to that.
 */
#ifndef _LINUX_IOAS_CGROUP_H
#define _LINUX_IOAS_CGROUP_H

#include <linux/types.h>

struct ioas_cg_account;
struct page;
struct task_struct;

/**
 * enum ioas_cg_kind - what holds the pins of an account
 * @IOAS_CG_VFIO: a VFIO type1 mapping
 * @IOAS_CG_IOMMUFD: an iommufd mapping, the VFIO compatibility mode included
 * @IOAS_CG_NR_KINDS: number of kinds
 *
 * Each has a key of its own in the ioas.stat file.
 */
enum ioas_cg_kind {
	IOAS_CG_VFIO,
	IOAS_CG_IOMMUFD,
	IOAS_CG_NR_KINDS
};

#ifdef CONFIG_CGROUP_IOAS

struct ioas_cg_account *ioas_cg_account_create(enum ioas_cg_kind kind,
					       gfp_t gfp);
struct ioas_cg_account *ioas_cg_account_create_for(struct task_struct *task,
						   enum ioas_cg_kind kind,
						   gfp_t gfp);
void ioas_cg_account_put(struct ioas_cg_account *acct);

int ioas_cg_charge_pages(struct ioas_cg_account *acct, struct page **pages,
			 unsigned long n);
int ioas_cg_charge_pfns(struct ioas_cg_account *acct, unsigned long pfn,
			unsigned long n);
void ioas_cg_uncharge_pages(struct ioas_cg_account *acct, struct page **pages,
			    unsigned long n);
void ioas_cg_uncharge_pfns(struct ioas_cg_account *acct, unsigned long pfn,
			   unsigned long n);

#else /* !CONFIG_CGROUP_IOAS */

static inline struct ioas_cg_account *
ioas_cg_account_create(enum ioas_cg_kind kind, gfp_t gfp)
{
	return NULL;
}

static inline struct ioas_cg_account *
ioas_cg_account_create_for(struct task_struct *task, enum ioas_cg_kind kind,
			   gfp_t gfp)
{
	return NULL;
}

static inline void ioas_cg_account_put(struct ioas_cg_account *acct)
{
}

static inline int ioas_cg_charge_pages(struct ioas_cg_account *acct,
				       struct page **pages, unsigned long n)
{
	return 0;
}

static inline int ioas_cg_charge_pfns(struct ioas_cg_account *acct,
				      unsigned long pfn, unsigned long n)
{
	return 0;
}

static inline void ioas_cg_uncharge_pages(struct ioas_cg_account *acct,
					  struct page **pages, unsigned long n)
{
}

static inline void ioas_cg_uncharge_pfns(struct ioas_cg_account *acct,
					 unsigned long pfn, unsigned long n)
{
}

#endif /* CONFIG_CGROUP_IOAS */
#endif /* _LINUX_IOAS_CGROUP_H */
