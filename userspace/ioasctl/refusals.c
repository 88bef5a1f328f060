// SPDX-License-Identifier: GPL-2.0-or-later
/* The refusals that deny_log keeps, from all places where it is attached. */
#include <string.h>

#include <bpf/bpf.h>

#include "folder.h"
#include "ioasctl.h"
#include "refusals.h"

/* Of a refusal that two logs have, the times differ by less. */
#define SAME_NS 1000000000

/**
 * struct entry - an entry of a log
 * @refusal: what it says
 * @log: number of the log
 */
struct entry {
	struct ioas_refusal refusal;
	unsigned int log;
};

/*
 * A cgroup that has gone has no path.  It was below the one whose limit that was, and
 * below the one that is logged.
 */
static bool concerns(const struct ioas_refusal *refusal,
		     const struct attached *log, const struct cgroup *cgroup)
{
	_cleanup_free_ char *path = NULL;

	if (!refusal->boottime_ns)
		return false;
	if (refusal->cgroup_id == cgroup->id ||
	    cgroup_is_below(log->path, cgroup->path))
		return true;
	path = cgroup_path_of(refusal->cgroup_id) ?:
		       cgroup_path_of(refusal->limit_id);
	return path && cgroup_is_below(path, cgroup->path);
}

static int read_log(const struct attached *log, unsigned int number,
		    const struct cgroup *cgroup, struct entry **all, size_t *nr)
{
	_cleanup_close_ int map = open_pinned(log->folder, "recent");
	struct ioas_refusal refusal;
	struct entry *more;
	__u32 i;

	if (map < 0)
		return fail(-errno, "%s: %m", log->folder);
	for (i = 0; i < IOAS_RECENT_REFUSALS; i++) {
		if (bpf_map_lookup_elem(map, &i, &refusal) ||
		    !concerns(&refusal, log, cgroup))
			continue;
		more = reallocarray(*all, *nr + 1, sizeof(**all));
		if (!more)
			return fail(-ENOMEM, "out of memory");
		*all = more;
		more[*nr].refusal = refusal;
		more[(*nr)++].log = number;
	}
	return 0;
}

static int latest_first(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->refusal.boottime_ns > y->refusal.boottime_ns ?
		       -1 :
		       x->refusal.boottime_ns < y->refusal.boottime_ns;
}

/* Do two logs say the same? Nothing but the time is different then. */
static bool is_same(const struct entry *a, const struct entry *b)
{
	struct ioas_refusal other = b->refusal;

	if (a->log == b->log ||
	    a->refusal.boottime_ns - other.boottime_ns >= SAME_NS)
		return false;
	other.boottime_ns = a->refusal.boottime_ns;
	/* The programs of the logs are part of the stack. */
	memcpy(other.stack, a->refusal.stack, sizeof(other.stack));
	return !memcmp(&a->refusal, &other, sizeof(other));
}

/* Only the refusals are left, each once; how many there are. */
static size_t drop_doubles(struct entry *all, size_t nr,
			   struct ioas_refusal *ret)
{
	size_t i, last = 0, kept = 0;

	for (i = 0; i < nr; i++) {
		if (kept && is_same(&all[last], &all[i]))
			continue;
		last = i;
		ret[kept++] = all[i].refusal;
	}
	return kept;
}

static int sort(struct entry *all, size_t nr, struct ioas_refusal **ret,
		size_t *ret_nr)
{
	struct ioas_refusal *refusals = calloc(nr + 1, sizeof(*refusals));

	if (!refusals)
		return fail(-ENOMEM, "out of memory");
	if (nr)
		qsort(all, nr, sizeof(*all), latest_first);
	*ret_nr = drop_doubles(all, nr, refusals);
	*ret = refusals;
	return 0;
}

/**
 * refusals_logged() - are refusals to a cgroup, or to some below it, logged there?
 * @attached: the policy
 * @cgroup: the cgroup
 */
bool refusals_logged(const struct attached *attached,
		     const struct cgroup *cgroup)
{
	return attached->policy && attached->policy->only_logs &&
	       attached->path &&
	       (cgroup_is_below(cgroup->path, attached->path) ||
		cgroup_is_below(attached->path, cgroup->path));
}

/**
 * refusals_read() - read what was refused to a cgroup and its descendants
 * @list: the policies that are attached
 * @nr: how many there are
 * @cgroup: the cgroup
 * @ret: set to the refusals, the latest first, to be freed
 * @ret_nr: set to how many there are
 *
 * Return: 0; -ENOENT if nobody logs them; or another error, after a message.
 */
int refusals_read(const struct attached *list, unsigned int nr,
		  const struct cgroup *cgroup, struct ioas_refusal **ret,
		  size_t *ret_nr)
{
	_cleanup_free_ struct entry *all = NULL;
	bool logged = false;
	unsigned int i;
	size_t n = 0;
	int error;

	for (i = 0; i < nr; i++) {
		if (!refusals_logged(&list[i], cgroup))
			continue;
		logged = true;
		error = read_log(&list[i], i, cgroup, &all, &n);
		if (error)
			return error;
	}
	return logged ? sort(all, n, ret, ret_nr) : -ENOENT;
}
