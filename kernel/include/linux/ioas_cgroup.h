/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * I/O address space (ioas) cgroup controller: what a subsystem calls that pins
 * memory for device access, or gives out PASIDs.
 *
 * An object that holds long-term pins (a vfio_dma, an iopt_pages, ...) has one
 * account, made when the object is made.  The account remembers the owner: the
 * cgroup of the task that asked.  Every page that the object pins is charged
 * to the account right after it was pinned, batch by batch, and uncharged
 * right before it is unpinned, so that a page is always held by a pin while it
 * passes through this interface.  Calls for one account must not run at the same
 * time: the lock that protects the object's pins sees to that.
 *
 * Where one call of GUP pins all that an object will ever pin, the functions at the
 * end do both: they stand in for those of GUP of the same name.
 *
 * An object whose account is exempt from RLIMIT_MEMLOCK skips what its subsystem
 * does for that: the check, and the count on locked_vm or pinned_vm, on pin and on
 * unpin.  ioas_cg_memlock_exempt() never changes its answer for an account, so
 * what was counted is taken off again, and nothing else is.
 *
 * PASIDs have no account.  Who gives one out charges the owner a unit of the scope that
 * the PASID has, and remembers whom it charged.  All that ends a PASID may be called
 * from any context.
 */
#ifndef _LINUX_IOAS_CGROUP_H
#define _LINUX_IOAS_CGROUP_H

#include <linux/bitops.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/types.h>

struct device;
struct ioas_cg_account;
struct ioas_owner;
struct mm_struct;
struct task_struct;

/**
 * enum ioas_cg_kind - what holds the pins of an account
 * @IOAS_CG_VFIO: a VFIO type1 mapping
 * @IOAS_CG_IOMMUFD: an iommufd mapping, the VFIO compatibility mode included
 * @IOAS_CG_VDPA: a vhost-vdpa mapping
 * @IOAS_CG_VDUSE: memory that a VDUSE device gives as its bounce buffer
 * @IOAS_CG_RDMA: an RDMA memory region, or a queue in user memory
 * @IOAS_CG_IO_URING: a registered buffer, or a ring in user memory
 * @IOAS_CG_XDP: the UMEM of AF_XDP sockets
 * @IOAS_CG_DMABUF: a dma-buf made of user memory
 * @IOAS_CG_KVM: memory of a confidential guest, or what KVM forwards to a device
 * @IOAS_CG_OTHER: a driver that has no kind of its own
 * @IOAS_CG_NR_KINDS: number of kinds
 *
 * Each has a key of its own in the ioas.stat file.
 */
enum ioas_cg_kind {
	IOAS_CG_VFIO,
	IOAS_CG_IOMMUFD,
	IOAS_CG_VDPA,
	IOAS_CG_VDUSE,
	IOAS_CG_RDMA,
	IOAS_CG_IO_URING,
	IOAS_CG_XDP,
	IOAS_CG_DMABUF,
	IOAS_CG_KVM,
	IOAS_CG_OTHER,
	IOAS_CG_NR_KINDS
};

/**
 * enum ioas_cg_pasid_scope - what a PASID takes away from others
 * @IOAS_CG_PASID_GLOBAL: a number of the system-wide space
 * @IOAS_CG_PASID_DEVICE: an entry of the PASID table of one device
 * @IOAS_CG_NR_PASID_SCOPES: number of scopes
 *
 * Each has a key of its own in the ioas.pasid files.
 */
enum ioas_cg_pasid_scope {
	IOAS_CG_PASID_GLOBAL,
	IOAS_CG_PASID_DEVICE,
	IOAS_CG_NR_PASID_SCOPES
};

/* Numbers of the system-wide space: what 20 bits give, but for 0, which is none. */
#define IOAS_CG_PASID_CAPACITY	((1U << 20) - 1)

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
struct ioas_cg_account *ioas_cg_account_get(struct ioas_cg_account *acct);
void ioas_cg_account_put(struct ioas_cg_account *acct);
bool ioas_cg_memlock_exempt(const struct ioas_cg_account *acct);

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

long ioas_cg_pin_user_pages(struct ioas_cg_account *acct, unsigned long start,
			    unsigned long nr_pages, unsigned int gup_flags,
			    struct page **pages);
long ioas_cg_pin_user_pages_fast(struct ioas_cg_account *acct,
				 unsigned long start, unsigned long nr_pages,
				 unsigned int gup_flags, struct page **pages);
void ioas_cg_unpin_user_pages(struct ioas_cg_account *acct, struct page **pages,
			      unsigned long nr_pages);
void ioas_cg_unpin_user_pages_dirty_lock(struct ioas_cg_account *acct,
					 struct page **pages,
					 unsigned long nr_pages,
					 bool make_dirty);

struct ioas_owner *ioas_cg_owner_of(struct task_struct *task);
struct ioas_owner *ioas_cg_owner_of_mm(struct mm_struct *mm);
struct ioas_owner *ioas_cg_owner_get(struct ioas_owner *owner);
void ioas_cg_owner_put(struct ioas_owner *owner);
int ioas_cg_charge_pasid(struct ioas_owner *owner,
			 enum ioas_cg_pasid_scope scope, u32 pasid,
			 const u64 *devices, unsigned int n);
void ioas_cg_uncharge_pasid(struct ioas_owner *owner,
			    enum ioas_cg_pasid_scope scope, u32 pasid,
			    const u64 *devices, unsigned int n);
u64 ioas_cg_device_id(const struct device *dev);
unsigned long ioas_cg_pasids_left(struct ioas_owner *owner,
				  enum ioas_cg_pasid_scope scope);

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

static inline struct ioas_cg_account *
ioas_cg_account_get(struct ioas_cg_account *acct)
{
	return acct;
}

static inline void ioas_cg_account_put(struct ioas_cg_account *acct)
{
}

static inline bool ioas_cg_memlock_exempt(const struct ioas_cg_account *acct)
{
	return false;
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

static inline long ioas_cg_pin_user_pages(struct ioas_cg_account *acct,
					  unsigned long start,
					  unsigned long nr_pages,
					  unsigned int gup_flags,
					  struct page **pages)
{
	return pin_user_pages(start, nr_pages, gup_flags, pages);
}

static inline long ioas_cg_pin_user_pages_fast(struct ioas_cg_account *acct,
					       unsigned long start,
					       unsigned long nr_pages,
					       unsigned int gup_flags,
					       struct page **pages)
{
	return pin_user_pages_fast(start, nr_pages, gup_flags, pages);
}

static inline void ioas_cg_unpin_user_pages(struct ioas_cg_account *acct,
					    struct page **pages,
					    unsigned long nr_pages)
{
	unpin_user_pages(pages, nr_pages);
}

static inline void
ioas_cg_unpin_user_pages_dirty_lock(struct ioas_cg_account *acct,
				    struct page **pages, unsigned long nr_pages,
				    bool make_dirty)
{
	unpin_user_pages_dirty_lock(pages, nr_pages, make_dirty);
}

static inline struct ioas_owner *ioas_cg_owner_of(struct task_struct *task)
{
	return NULL;
}

static inline struct ioas_owner *ioas_cg_owner_of_mm(struct mm_struct *mm)
{
	return NULL;
}

static inline struct ioas_owner *ioas_cg_owner_get(struct ioas_owner *owner)
{
	return NULL;
}

static inline void ioas_cg_owner_put(struct ioas_owner *owner)
{
}

static inline int ioas_cg_charge_pasid(struct ioas_owner *owner,
				       enum ioas_cg_pasid_scope scope,
				       u32 pasid, const u64 *devices,
				       unsigned int n)
{
	return 0;
}

static inline void ioas_cg_uncharge_pasid(struct ioas_owner *owner,
					  enum ioas_cg_pasid_scope scope,
					  u32 pasid, const u64 *devices,
					  unsigned int n)
{
}

static inline u64 ioas_cg_device_id(const struct device *dev)
{
	return 0;
}

static inline unsigned long
ioas_cg_pasids_left(struct ioas_owner *owner, enum ioas_cg_pasid_scope scope)
{
	return LONG_MAX;
}

#endif /* CONFIG_CGROUP_IOAS */
#endif /* _LINUX_IOAS_CGROUP_H */
