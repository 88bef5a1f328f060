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

#include <linux/bitops.h>
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

/* What the index has in one slot: 2 MiB of 4 KiB pages. */
#define IOAS_SLOT_SHIFT		9
#define IOAS_SLOT_PAGES		BIT(IOAS_SLOT_SHIFT)

#define IOAS_GATHER_SLOTS	12
#define IOAS_GATHER_BUCKETS	16

/**
 * struct ioas_gather - pages in no order, by the slots of the index
 * @nr_pages: number of pages
 * @nr_slots: number of slots that they are in
 * @bucket: hash table: 0, or one more than the place of a slot in what follows
 * @slot: numbers of the slots
 * @pages: bits of the pages of each slot
 */
struct ioas_gather {
	unsigned int nr_pages;
	unsigned int nr_slots;
	u8 bucket[IOAS_GATHER_BUCKETS];
	unsigned long slot[IOAS_GATHER_SLOTS];
	unsigned long pages[IOAS_GATHER_SLOTS]
			   [BITS_TO_LONGS(IOAS_SLOT_PAGES)];
};

/**
 * struct ioas_cg_gather - pages that are uncharged together
 *
 * For the stack, and between ioas_cg_gather_begin() and ioas_cg_gather_end(). The
 * members are not for callers.
 */
struct ioas_cg_gather {
	/* private: */
	struct ioas_cg_account *acct;
	struct ioas_gather pages;
};

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

void ioas_cg_gather_begin(struct ioas_cg_gather *gather,
			  struct ioas_cg_account *acct);
void ioas_cg_gather_uncharge_pfns(struct ioas_cg_gather *gather,
				  unsigned long pfn, unsigned long n);
void ioas_cg_gather_end(struct ioas_cg_gather *gather);

#else /* !CONFIG_CGROUP_IOAS */

struct ioas_cg_gather {
};

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

static inline void ioas_cg_gather_begin(struct ioas_cg_gather *gather,
					struct ioas_cg_account *acct)
{
}

static inline void ioas_cg_gather_uncharge_pfns(struct ioas_cg_gather *gather,
						unsigned long pfn,
						unsigned long n)
{
}

static inline void ioas_cg_gather_end(struct ioas_cg_gather *gather)
{
}

#endif /* CONFIG_CGROUP_IOAS */
#endif /* _LINUX_IOAS_CGROUP_H */
