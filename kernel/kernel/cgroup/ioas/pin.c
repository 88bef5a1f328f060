// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pin and charge in one step, and the reverse.
 *
 * Most of those who pin for long call GUP once, for all that their object will
 * ever pin, and look at the result once.  A page is to be charged right after it
 * was pinned, though, and not when thousands more are: so the call is cut into
 * batches here, and each is charged before the next one is pinned.
 */

#include <linux/ioas_cgroup.h>
#include <linux/mm.h>

/* Pages that a cgroup can hold above its limit before they are refused. */
#define BATCH_PAGES	512UL

typedef long (*gup_fn)(unsigned long start, unsigned long nr_pages,
		       unsigned int gup_flags, struct page **pages);

static long pin_fast(unsigned long start, unsigned long nr_pages,
		     unsigned int gup_flags, struct page **pages)
{
	return pin_user_pages_fast(start, nr_pages, gup_flags, pages);
}

/*
 * What GUP pins before it finds a page that it cannot pin is kept, as GUP itself
 * does.  A batch ends at a multiple of its size, so as not to split huge pages.
 */
static __always_inline long pin_and_charge(struct ioas_cg_account *acct,
					   unsigned long start,
					   unsigned long nr_pages,
					   unsigned int gup_flags,
					   struct page **pages, gup_fn gup)
{
	unsigned long done, batch;
	long pinned;
	int ret;

	for (done = 0; done < nr_pages; done += pinned) {
		batch = BATCH_PAGES -
			(start / PAGE_SIZE + done) % BATCH_PAGES;
		batch = min(batch, nr_pages - done);
		pinned = gup(start + done * PAGE_SIZE, batch, gup_flags,
			     pages + done);
		if (pinned <= 0)
			return done ? done : pinned;
		ret = ioas_cg_charge_pages(acct, pages + done, pinned);
		if (ret) {
			unpin_user_pages(pages + done, pinned);
			ioas_cg_unpin_user_pages(acct, pages, done);
			return ret;
		}
	}
	return done;
}

/**
 * ioas_cg_pin_user_pages() - pin_user_pages(), and charge what it pinned
 * @acct: the account, or NULL, which charges nothing
 * @start: user address to start at
 * @nr_pages: number of pages
 * @gup_flags: as for pin_user_pages(); FOLL_LONGTERM is the caller's to give
 * @pages: filled in with the pages
 *
 * Context: May sleep.  The mmap_lock of the current task is held.
 * Return: how many pages were pinned and charged, which may be fewer than asked for
 * where pin_user_pages() pins fewer; or -errno: what that gave, or -ENOMEM if the
 * charge was refused, and then nothing is pinned or charged.
 */
long ioas_cg_pin_user_pages(struct ioas_cg_account *acct, unsigned long start,
			    unsigned long nr_pages, unsigned int gup_flags,
			    struct page **pages)
{
	return pin_and_charge(acct, start, nr_pages, gup_flags, pages,
			      pin_user_pages);
}
EXPORT_SYMBOL_GPL(ioas_cg_pin_user_pages);

/**
 * ioas_cg_pin_user_pages_fast() - pin_user_pages_fast(), and charge the pages
 * @acct: the account, or NULL, which charges nothing
 * @start: user address to start at
 * @nr_pages: number of pages
 * @gup_flags: as for pin_user_pages_fast(); FOLL_LONGTERM is the caller's to give
 * @pages: filled in with the pages
 *
 * Context: May sleep.  The mmap_lock is not held.
 * Return: as ioas_cg_pin_user_pages().
 */
long ioas_cg_pin_user_pages_fast(struct ioas_cg_account *acct,
				 unsigned long start, unsigned long nr_pages,
				 unsigned int gup_flags, struct page **pages)
{
	return pin_and_charge(acct, start, nr_pages, gup_flags, pages,
			      pin_fast);
}
EXPORT_SYMBOL_GPL(ioas_cg_pin_user_pages_fast);

/**
 * ioas_cg_unpin_user_pages() - uncharge pages, and unpin them
 * @acct: the account that they were charged to, or NULL
 * @pages: the pages, as ioas_cg_pin_user_pages() gave them
 * @nr_pages: number of pages
 *
 * Context: May sleep.
 */
void ioas_cg_unpin_user_pages(struct ioas_cg_account *acct, struct page **pages,
			      unsigned long nr_pages)
{
	ioas_cg_uncharge_pages(acct, pages, nr_pages);
	unpin_user_pages(pages, nr_pages);
}
EXPORT_SYMBOL_GPL(ioas_cg_unpin_user_pages);

/**
 * ioas_cg_unpin_user_pages_dirty_lock() - the same, and make them dirty
 * @acct: the account that they were charged to, or NULL
 * @pages: the pages, as ioas_cg_pin_user_pages() gave them
 * @nr_pages: number of pages
 * @make_dirty: whether they may have been written to
 *
 * Context: May sleep.
 */
void ioas_cg_unpin_user_pages_dirty_lock(struct ioas_cg_account *acct,
					 struct page **pages,
					 unsigned long nr_pages,
					 bool make_dirty)
{
	ioas_cg_uncharge_pages(acct, pages, nr_pages);
	unpin_user_pages_dirty_lock(pages, nr_pages, make_dirty);
}
EXPORT_SYMBOL_GPL(ioas_cg_unpin_user_pages_dirty_lock);
