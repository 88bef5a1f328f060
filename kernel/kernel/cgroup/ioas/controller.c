// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O address space (ioas) cgroup controller.
 *
 * Memory that is pinned for device access can neither be moved nor reclaimed,
 * and any process that may open a VFIO device or /dev/iommu can pin.  This
 * controller counts what the tasks of a cgroup pin, and limits it.  It does the same
 * for PASIDs, of which all devices together have at most 2^20.
 *
 * Each physical page counts once in a cgroup, however many devices, containers,
 * I/O address spaces or processes of the cgroup pin it, and at every level of
 * the tree: a page that two sibling cgroups pin counts once in each, and once
 * in their parent.
 *
 * The owner of a pin is the cgroup of the task that asks for it, at the time
 * when the object that pins is made.  Pins do not move when a task does.
 *
 * A pin that would take the cgroup, or any of its ancestors, above
 * ioas.pinned.max fails as a whole with ENOMEM, as it does when RLIMIT_MEMLOCK
 * is passed.  CAP_IPC_LOCK does not help.  A limit may be set below what is
 * pinned already: then nothing is unpinned, and no further page can be pinned.
 *
 * RLIMIT_MEMLOCK goes on beside this, unless ioas.pinned.memlock says "cgroup".
 * As that takes a limit away, it may only be written by who may write to the same
 * file of the parent, and to lift the limit takes privilege, unless it is lifted
 * in the parent already: owning a cgroup that was delegated is not enough, nor is
 * it for the cgroups that its owner makes below.
 *
 * Pins do not keep a cgroup from being removed.  What a removed cgroup still
 * pins is counted in its ancestors only, where it was counted before.
 *
 * This file has the css, the interface files and the accounts and owners of tasks.
 * How pages are counted is in index.c, state.c and owner.c, and how PASIDs are in
 * pasid.c, which look into no css.
 */

#include <kunit/static_stub.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/kernfs.h>
#include <linux/memcontrol.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "account.h"
#include "index.h"
#include "owner.h"
#include "policy.h"

/**
 * struct ioas_cg - the css
 * @css: for the cgroup core
 * @owner: what is counted on; referenced
 * @events_file: ioas.pinned.events
 * @events_local_file: ioas.pinned.events.local
 * @memlock_file: ioas.pinned.memlock
 * @pasid_events_file: ioas.pasid.events
 * @pasid_events_local_file: ioas.pasid.events.local
 * @peaks: open files that wrote to ioas.pinned.peak
 * @peaks_lock: protects @peaks and their values
 */
struct ioas_cg {
	struct cgroup_subsys_state css;
	struct ioas_owner *owner;
	struct cgroup_file events_file;
	struct cgroup_file events_local_file;
	struct cgroup_file memlock_file;
	struct cgroup_file pasid_events_file;
	struct cgroup_file pasid_events_local_file;
	struct list_head peaks;
	spinlock_t peaks_lock;	/* see above */
};

static struct ioas_ledger ledger;

/* The value of a &struct cgroup_of_peak that was not written to. */
#define PEAK_UNSET	(~0UL)

static const char *const kind_name[] = {
	[IOAS_CG_VFIO] = "vfio",
	[IOAS_CG_IOMMUFD] = "iommufd",
	[IOAS_CG_VDPA] = "vdpa",
	[IOAS_CG_VDUSE] = "vduse",
	[IOAS_CG_RDMA] = "rdma",
	[IOAS_CG_IO_URING] = "io_uring",
	[IOAS_CG_XDP] = "xdp",
	[IOAS_CG_DMABUF] = "dmabuf",
	[IOAS_CG_KVM] = "kvm",
	[IOAS_CG_OTHER] = "other",
};

static_assert(ARRAY_SIZE(kind_name) == IOAS_CG_NR_KINDS);

static const char *const event_name[] = {
	[IOAS_EVENT_MAX] = "max",
	[IOAS_EVENT_HIGH] = "high",
	[IOAS_EVENT_POLICY] = "bpf_denied",
	[IOAS_EVENT_PASID_MAX + IOAS_CG_PASID_GLOBAL] = "global.max",
	[IOAS_EVENT_PASID_MAX + IOAS_CG_PASID_DEVICE] = "device.max",
	[IOAS_EVENT_PASID_POLICY] = "bpf_denied",
};

static_assert(ARRAY_SIZE(event_name) == IOAS_NR_EVENTS);

static const char *const scope_name[] = {
	[IOAS_CG_PASID_GLOBAL] = "global",
	[IOAS_CG_PASID_DEVICE] = "device",
};

static_assert(ARRAY_SIZE(scope_name) == IOAS_CG_NR_PASID_SCOPES);

/* By whether RLIMIT_MEMLOCK steps aside. */
static const char *const memlock_name[] = { "rlimit", "cgroup" };

static struct ioas_cg *css_ioas(struct cgroup_subsys_state *css)
{
	return container_of(css, struct ioas_cg, css);
}

static struct ioas_owner *seq_owner(struct seq_file *sf)
{
	return css_ioas(seq_css(sf))->owner;
}

/* ---- accounts of tasks ---- */

/* The memory cgroup of a task, with a reference. */
static struct mem_cgroup *task_memcg(struct task_struct *task)
{
#ifdef CONFIG_MEMCG
	return mem_cgroup_from_css(task_get_css(task, memory_cgrp_id));
#else
	return NULL;
#endif
}

/**
 * ioas_cg_account_create_for() - make an account owned by a task's cgroup
 * @task: the task on whose behalf pages will be pinned
 * @kind: what will hold the pins
 * @gfp: for the allocations
 *
 * The owner is the nearest cgroup of @task that has the controller enabled.  It
 * stays the owner when @task moves to another cgroup, or exits.
 *
 * Context: May sleep.
 * Return: the account; NULL, which charges nothing, if the controller is disabled
 * on the kernel's command line; or ERR_PTR(-ENOMEM).
 */
struct ioas_cg_account *ioas_cg_account_create_for(struct task_struct *task,
						   enum ioas_cg_kind kind,
						   gfp_t gfp)
{
	struct cgroup_subsys_state *css;
	struct ioas_cg_account *acct;
	struct mem_cgroup *memcg;

	if (!cgroup_subsys_enabled(ioas_cgrp_subsys))
		return NULL;
	css = task_get_css(task, ioas_cgrp_id);
	memcg = task_memcg(task);
	acct = ioas_account_create(css_ioas(css)->owner, task, memcg, kind,
				   gfp);
	if (IS_ERR(acct) && memcg)
		mem_cgroup_put(memcg);
	css_put(css);
	return acct;
}
EXPORT_SYMBOL_GPL(ioas_cg_account_create_for);

/**
 * ioas_cg_account_create() - make an account owned by the current task's cgroup
 * @kind: what will hold the pins
 * @gfp: for the allocations
 *
 * Context: Process context; may sleep.
 * Return: as ioas_cg_account_create_for().
 */
struct ioas_cg_account *ioas_cg_account_create(enum ioas_cg_kind kind,
					       gfp_t gfp)
{
	return ioas_cg_account_create_for(current, kind, gfp);
}
EXPORT_SYMBOL_GPL(ioas_cg_account_create);

/* ---- owners of PASIDs ---- */

/**
 * ioas_cg_owner_of() - who is charged for what a task asks for
 * @task: the task
 *
 * That is the nearest cgroup of @task that has the controller enabled, and stays so
 * when @task moves to another cgroup, or exits.
 *
 * Context: Any; does not sleep.
 * Return: the owner with a reference, to be dropped with ioas_cg_owner_put(); NULL,
 * to whom nothing is charged, if the controller is disabled on the kernel's command
 * line.
 */
struct ioas_owner *ioas_cg_owner_of(struct task_struct *task)
{
	struct cgroup_subsys_state *css;
	struct ioas_owner *owner;

	KUNIT_STATIC_STUB_REDIRECT(ioas_cg_owner_of, task);
	if (!cgroup_subsys_enabled(ioas_cgrp_subsys))
		return NULL;
	css = task_get_css(task, ioas_cgrp_id);
	owner = css_ioas(css)->owner;
	ioas_owner_get(owner);
	css_put(css);
	return owner;
}
EXPORT_SYMBOL_GPL(ioas_cg_owner_of);

/**
 * ioas_root_owner() - the owner of the root cgroup
 */
struct ioas_owner *ioas_root_owner(void)
{
	return css_ioas(init_css_set.subsys[ioas_cgrp_id])->owner;
}

/* The task that owns an address space, with a reference, or NULL. */
static struct task_struct *owner_of_mm(struct mm_struct *mm)
{
	struct task_struct *task = NULL;

#ifdef CONFIG_MEMCG
	rcu_read_lock();
	task = rcu_dereference(mm->owner);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
#endif
	return task;
}

/**
 * ioas_cg_owner_of_mm() - who is charged for what an address space is given
 * @mm: the address space
 *
 * The same as ioas_cg_owner_of() of the task that owns @mm.  Where no task does, as
 * all have exited, or as the kernel keeps no track of it for lack of a memory
 * controller, it is the current task that asks for it.
 *
 * Context: Process context; does not sleep.
 * Return: as ioas_cg_owner_of().
 */
struct ioas_owner *ioas_cg_owner_of_mm(struct mm_struct *mm)
{
	struct task_struct *task = owner_of_mm(mm);
	struct ioas_owner *owner;

	if (!task)
		return ioas_cg_owner_of(current);
	owner = ioas_cg_owner_of(task);
	put_task_struct(task);
	return owner;
}
EXPORT_SYMBOL_GPL(ioas_cg_owner_of_mm);

/* ---- events ---- */

static void notify_local(struct ioas_cg *cg, enum ioas_event event)
{
	cgroup_file_notify(event < IOAS_NR_PINNED_EVENTS ?
				   &cg->events_local_file :
				   &cg->pasid_events_local_file);
}

static void notify_hierarchical(struct ioas_cg *cg, enum ioas_event event)
{
	cgroup_file_notify(event < IOAS_NR_PINNED_EVENTS ?
				   &cg->events_file :
				   &cg->pasid_events_file);
}

/* An owner may outlive its cgroup; files that are still there are told. */
static void ioas_cg_notify(struct ioas_owner *owner, enum ioas_event event)
{
	struct cgroup_subsys_state *css;

	rcu_read_lock();
	css = rcu_dereference(owner->css);
	if (css)
		notify_local(css_ioas(css), event);
	for (; owner; owner = owner->parent) {
		css = rcu_dereference(owner->css);
		if (css)
			notify_hierarchical(css_ioas(css), event);
	}
	rcu_read_unlock();
}

/* ---- interface files ---- */

static int pinned_current_show(struct seq_file *sf, void *v)
{
	unsigned long usage = atomic_long_read(&seq_owner(sf)->usage);

	seq_printf(sf, "%llu\n", (u64)usage * PAGE_SIZE);
	return 0;
}

static int limit_show(struct seq_file *sf, unsigned long pages)
{
	if (pages == IOAS_PAGES_MAX)
		seq_puts(sf, "max\n");
	else
		seq_printf(sf, "%llu\n", (u64)pages * PAGE_SIZE);
	return 0;
}

/*
 * A limit as a user writes it: "max", or bytes in decimal with an optional
 * suffix K, M, G, T, P or E.  Unlike memparse(), refuse what does not fit, and
 * an empty string.
 */
static int limit_parse(char *buf, unsigned long *pages)
{
	static const char suffixes[] = "kmgtpe";
	char *suffix = buf + strspn(buf, "0123456789");
	unsigned int shift = 0;
	const char *found;
	u64 bytes;

	if (!strcmp(buf, "max")) {
		*pages = IOAS_PAGES_MAX;
		return 0;
	}
	if (*suffix) {
		found = strchr(suffixes, tolower(*suffix));
		if (!found || suffix[1])
			return -EINVAL;
		shift = 10 * (found - suffixes + 1);
		*suffix = '\0';
	}
	if (kstrtou64(buf, 10, &bytes) || bytes > U64_MAX >> shift)
		return -EINVAL;
	*pages = min_t(u64, (bytes << shift) / PAGE_SIZE, IOAS_PAGES_MAX);
	return 0;
}

static ssize_t limit_write(unsigned long *limit, char *buf, size_t nbytes)
{
	unsigned long pages;
	int ret = limit_parse(strstrip(buf), &pages);

	if (ret)
		return ret;
	WRITE_ONCE(*limit, pages);
	return nbytes;
}

static int pinned_max_show(struct seq_file *sf, void *v)
{
	return limit_show(sf, READ_ONCE(seq_owner(sf)->max));
}

static ssize_t pinned_max_write(struct kernfs_open_file *of, char *buf,
				size_t nbytes, loff_t off)
{
	return limit_write(&css_ioas(of_css(of))->owner->max, buf, nbytes);
}

static int pinned_high_show(struct seq_file *sf, void *v)
{
	return limit_show(sf, READ_ONCE(seq_owner(sf)->high));
}

static ssize_t pinned_high_write(struct kernfs_open_file *of, char *buf,
				 size_t nbytes, loff_t off)
{
	return limit_write(&css_ioas(of_css(of))->owner->high, buf, nbytes);
}

static int pinned_peak_open(struct kernfs_open_file *of)
{
	of_peak(of)->value = PEAK_UNSET;
	return 0;
}

static void pinned_peak_release(struct kernfs_open_file *of)
{
	struct ioas_cg *cg = css_ioas(of_css(of));
	struct cgroup_of_peak *ofp = of_peak(of);

	if (ofp->value == PEAK_UNSET)
		return;
	spin_lock(&cg->peaks_lock);
	list_del(&ofp->list);
	spin_unlock(&cg->peaks_lock);
}

static int pinned_peak_show(struct seq_file *sf, void *v)
{
	struct ioas_cg *cg = css_ioas(seq_css(sf));
	struct cgroup_of_peak *ofp = of_peak(sf->private);
	unsigned long peak;

	spin_lock(&cg->peaks_lock);
	if (ofp->value == PEAK_UNSET)
		peak = READ_ONCE(cg->owner->peak);
	else
		peak = max(ofp->value, READ_ONCE(cg->owner->local_peak));
	spin_unlock(&cg->peaks_lock);
	/* See ioas_owner_passed_marks(). */
	peak = max_t(unsigned long, peak, atomic_long_read(&cg->owner->usage));
	seq_printf(sf, "%llu\n", (u64)peak * PAGE_SIZE);
	return 0;
}

/* Any write resets the peak, for this open file alone. */
static ssize_t pinned_peak_write(struct kernfs_open_file *of, char *buf,
				 size_t nbytes, loff_t off)
{
	struct ioas_cg *cg = css_ioas(of_css(of));
	struct cgroup_of_peak *ofp = of_peak(of), *other;
	unsigned long peak, usage;

	spin_lock(&cg->peaks_lock);
	/* What others have seen since their reset must not be lost to them. */
	peak = READ_ONCE(cg->owner->local_peak);
	list_for_each_entry(other, &cg->peaks, list)
		other->value = max(other->value, peak);
	usage = atomic_long_read(&cg->owner->usage);
	/*
	 * Not above the peak: a call that is under way may have raised the
	 * usage, and be refused.  Then the peak would not be noted until the
	 * usage passes that again.
	 */
	WRITE_ONCE(cg->owner->local_peak,
		   min(usage, READ_ONCE(cg->owner->peak)));
	if (ofp->value == PEAK_UNSET)
		list_add(&ofp->list, &cg->peaks);
	ofp->value = usage;
	spin_unlock(&cg->peaks_lock);
	return nbytes;
}

static int pinned_memlock_show(struct seq_file *sf, void *v)
{
	seq_printf(sf, "%s\n",
		   memlock_name[ioas_owner_memlock_exempt(seq_owner(sf))]);
	return 0;
}

/*
 * May who opened @of write to ioas.pinned.memlock of the parent as well?
 *
 * The parent's file stays, as it is removed after that of the child, which is held
 * by the write.
 */
static int may_write_to_parent(struct kernfs_open_file *of,
			       struct ioas_cg *parent)
{
	const struct cred *saved_cred;
	struct inode *inode;
	int ret;

	inode = kernfs_get_inode(of->file->f_path.dentry->d_sb,
				 parent->memlock_file.kn);
	if (!inode)
		return -ENOMEM;
	saved_cred = override_creds(of->file->f_cred);
	ret = inode_permission(&nop_mnt_idmap, inode, MAY_WRITE);
	revert_creds(saved_cred);
	iput(inode);
	return ret;
}

/*
 * The file of the parent alone would not do: all files of a cgroup belong to who
 * made it, so that a delegatee had only to make two, one in the other.  So whoever
 * lifts RLIMIT_MEMLOCK needs what it takes to raise a hard one, unless an
 * administrator has lifted it in the parent.  The root has no such file.
 */
static int memlock_permission(struct kernfs_open_file *of, bool exempt,
			      bool privileged)
{
	struct cgroup_subsys_state *css = of_css(of)->parent;
	struct ioas_cg *parent = css_ioas(css);

	if (!css->parent)
		return privileged ? 0 : -EACCES;
	if (exempt && !privileged && !ioas_owner_memlock_exempt(parent->owner))
		return -EACCES;
	return may_write_to_parent(of, parent);
}

static ssize_t pinned_memlock_write(struct kernfs_open_file *of, char *buf,
				    size_t nbytes, loff_t off)
{
	bool privileged = file_ns_capable(of->file, &init_user_ns,
					  CAP_SYS_RESOURCE);
	enum ioas_memlock memlock = IOAS_MEMLOCK_RLIMIT;
	int exempt, ret;

	exempt = match_string(memlock_name, ARRAY_SIZE(memlock_name),
			      strstrip(buf));
	if (exempt < 0)
		return exempt;
	ret = memlock_permission(of, exempt, privileged);
	if (ret)
		return ret;
	/* What the parent has may go at any time. */
	if (exempt)
		memlock = privileged ? IOAS_MEMLOCK_CGROUP :
				       IOAS_MEMLOCK_PARENT;
	WRITE_ONCE(css_ioas(of_css(of))->owner->memlock, memlock);
	return nbytes;
}

static int events_show(struct seq_file *sf, atomic64_t *events,
		       unsigned int first, unsigned int end)
{
	unsigned int i;

	for (i = first; i < end; i++)
		seq_printf(sf, "%s %llu\n", event_name[i],
			   (u64)atomic64_read(&events[i]));
	return 0;
}

static int pinned_events_show(struct seq_file *sf, void *v)
{
	return events_show(sf, seq_owner(sf)->events, 0,
			   IOAS_NR_PINNED_EVENTS);
}

static int pinned_events_local_show(struct seq_file *sf, void *v)
{
	return events_show(sf, seq_owner(sf)->events_local, 0,
			   IOAS_NR_PINNED_EVENTS);
}

static int pasid_events_show(struct seq_file *sf, void *v)
{
	return events_show(sf, seq_owner(sf)->events, IOAS_EVENT_PASID_MAX,
			   IOAS_NR_EVENTS);
}

static int pasid_events_local_show(struct seq_file *sf, void *v)
{
	return events_show(sf, seq_owner(sf)->events_local,
			   IOAS_EVENT_PASID_MAX, IOAS_NR_EVENTS);
}

static int pasid_current_show(struct seq_file *sf, void *v)
{
	struct ioas_owner *owner = seq_owner(sf);
	int i;

	for (i = 0; i < IOAS_CG_NR_PASID_SCOPES; i++)
		seq_printf(sf, "%s %lu\n", scope_name[i],
			   READ_ONCE(owner->pasids[i].usage));
	return 0;
}

static int pasid_peak_show(struct seq_file *sf, void *v)
{
	struct ioas_owner *owner = seq_owner(sf);
	int i;

	for (i = 0; i < IOAS_CG_NR_PASID_SCOPES; i++)
		seq_printf(sf, "%s %lu\n", scope_name[i],
			   READ_ONCE(owner->pasids[i].peak));
	return 0;
}

static int pasid_max_show(struct seq_file *sf, void *v)
{
	struct ioas_owner *owner = seq_owner(sf);
	unsigned long max;
	int i;

	for (i = 0; i < IOAS_CG_NR_PASID_SCOPES; i++) {
		max = READ_ONCE(owner->pasids[i].max);
		if (max == IOAS_PASIDS_MAX)
			seq_printf(sf, "%s max\n", scope_name[i]);
		else
			seq_printf(sf, "%s %lu\n", scope_name[i], max);
	}
	return 0;
}

/* A number of PASIDs as a user writes it: "max", or decimal. */
static int pasid_limit_parse(const char *buf, unsigned long *max)
{
	unsigned int n;

	if (!strcmp(buf, "max")) {
		*max = IOAS_PASIDS_MAX;
		return 0;
	}
	/* kstrtouint() takes a sign.  Any of these is less than no limit. */
	if (!isdigit(*buf) || kstrtouint(buf, 10, &n) || n >= INT_MAX)
		return -EINVAL;
	*max = n;
	return 0;
}

/* One scope and its limit, as in other flat keyed files. */
static ssize_t pasid_max_write(struct kernfs_open_file *of, char *buf,
			       size_t nbytes, loff_t off)
{
	struct ioas_owner *owner = css_ioas(of_css(of))->owner;
	unsigned long max;
	char *name;
	int scope;

	buf = strstrip(buf);
	name = strsep(&buf, " \t");
	if (!buf)
		return -EINVAL;
	scope = match_string(scope_name, ARRAY_SIZE(scope_name), name);
	if (scope < 0 || pasid_limit_parse(skip_spaces(buf), &max))
		return -EINVAL;
	WRITE_ONCE(owner->pasids[scope].max, max);
	return nbytes;
}

static int pasid_capacity_show(struct seq_file *sf, void *v)
{
	seq_printf(sf, "global %u\n", IOAS_CG_PASID_CAPACITY);
	return 0;
}

static int ioas_stat_show(struct seq_file *sf, void *v)
{
	struct ioas_owner_stat stat;
	unsigned long gross = 0;
	int i;

	ioas_owner_sum(seq_owner(sf), &stat);
	for (i = 0; i < IOAS_CG_NR_KINDS; i++)
		gross += stat.gross[i];
	seq_printf(sf, "unique %llu\n", (u64)stat.unique * PAGE_SIZE);
	seq_printf(sf, "gross %llu\n", (u64)gross * PAGE_SIZE);
	seq_printf(sf, "shared %llu\n", (u64)stat.shared * PAGE_SIZE);
	for (i = 0; i < IOAS_CG_NR_KINDS; i++)
		seq_printf(sf, "%s %llu\n", kind_name[i],
			   (u64)stat.gross[i] * PAGE_SIZE);
	seq_printf(sf, "accounts %lu\n", stat.accounts);
	return 0;
}

static struct cftype ioas_files[] = {
	{
		.name = "pinned.current",
		.seq_show = pinned_current_show,
	},
	{
		.name = "pinned.max",
		.flags = CFTYPE_NOT_ON_ROOT,
		.seq_show = pinned_max_show,
		.write = pinned_max_write,
	},
	{
		.name = "pinned.high",
		.flags = CFTYPE_NOT_ON_ROOT,
		.seq_show = pinned_high_show,
		.write = pinned_high_write,
	},
	{
		.name = "pinned.peak",
		.open = pinned_peak_open,
		.release = pinned_peak_release,
		.seq_show = pinned_peak_show,
		.write = pinned_peak_write,
	},
	{
		.name = "pinned.memlock",
		.flags = CFTYPE_NOT_ON_ROOT,
		.file_offset = offsetof(struct ioas_cg, memlock_file),
		.seq_show = pinned_memlock_show,
		.write = pinned_memlock_write,
	},
	{
		.name = "pinned.events",
		.flags = CFTYPE_NOT_ON_ROOT,
		.file_offset = offsetof(struct ioas_cg, events_file),
		.seq_show = pinned_events_show,
	},
	{
		.name = "pinned.events.local",
		.flags = CFTYPE_NOT_ON_ROOT,
		.file_offset = offsetof(struct ioas_cg, events_local_file),
		.seq_show = pinned_events_local_show,
	},
	{
		.name = "pasid.current",
		.seq_show = pasid_current_show,
	},
	{
		.name = "pasid.max",
		.flags = CFTYPE_NOT_ON_ROOT,
		.seq_show = pasid_max_show,
		.write = pasid_max_write,
	},
	{
		.name = "pasid.peak",
		.seq_show = pasid_peak_show,
	},
	{
		.name = "pasid.capacity",
		.flags = CFTYPE_ONLY_ON_ROOT,
		.seq_show = pasid_capacity_show,
	},
	{
		.name = "pasid.events",
		.flags = CFTYPE_NOT_ON_ROOT,
		.file_offset = offsetof(struct ioas_cg, pasid_events_file),
		.seq_show = pasid_events_show,
	},
	{
		.name = "pasid.events.local",
		.flags = CFTYPE_NOT_ON_ROOT,
		.file_offset = offsetof(struct ioas_cg,
					pasid_events_local_file),
		.seq_show = pasid_events_local_show,
	},
	{
		.name = "stat",
		.seq_show = ioas_stat_show,
	},
	{ }
};

/* ---- the life of a css ---- */

/* __ref: the root's css, and only that, is allocated during boot. */
static void __ref ioas_init(void)
{
	ioas_ledger_init(&ledger);
	ledger.notify = ioas_cg_notify;
	ioas_index_cache_init();
	ioas_state_cache_init();
}

static struct cgroup_subsys_state *
ioas_css_alloc(struct cgroup_subsys_state *parent_css)
{
	struct ioas_owner *parent = NULL, *owner;
	struct ioas_cg *cg;

	if (parent_css)
		parent = css_ioas(parent_css)->owner;
	else
		ioas_init();
	cg = kzalloc(sizeof(*cg), GFP_KERNEL);
	if (!cg)
		return ERR_PTR(-ENOMEM);
	/* Accounted, as it may outlive the cgroup. */
	owner = ioas_owner_create(&ledger, parent, GFP_KERNEL_ACCOUNT);
	if (IS_ERR(owner)) {
		kfree(cg);
		return ERR_CAST(owner);
	}
	cg->owner = owner;
	INIT_LIST_HEAD(&cg->peaks);
	spin_lock_init(&cg->peaks_lock);
	return &cg->css;
}

static int ioas_css_online(struct cgroup_subsys_state *css)
{
	struct ioas_owner *owner = css_ioas(css)->owner;

	owner->cgroup_id = cgroup_id(css->cgroup);
	rcu_assign_pointer(owner->css, css);
	return ioas_policy_know_cgroup(owner);
}

static void ioas_css_offline(struct cgroup_subsys_state *css)
{
	struct ioas_owner *owner = css_ioas(css)->owner;

	ioas_policy_forget_cgroup(owner);
	ioas_owner_retire(owner);
}

/* A grace period passes between this and ioas_css_free(). */
static void ioas_css_released(struct cgroup_subsys_state *css)
{
	RCU_INIT_POINTER(css_ioas(css)->owner->css, NULL);
}

static void ioas_css_free(struct cgroup_subsys_state *css)
{
	struct ioas_cg *cg = css_ioas(css);

	ioas_owner_put(cg->owner);
	kfree(cg);
}

struct cgroup_subsys ioas_cgrp_subsys = {
	.css_alloc = ioas_css_alloc,
	.css_online = ioas_css_online,
	.css_offline = ioas_css_offline,
	.css_released = ioas_css_released,
	.css_free = ioas_css_free,
	.dfl_cftypes = ioas_files,
};
