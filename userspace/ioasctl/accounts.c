// SPDX-License-Identifier: GPL-2.0-or-later
/* Who holds what: the accounts of the kernel, by its iterator ioas_account. */
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "accounts.skel.h"
#include "accounts.h"
#include "cgroup.h"
#include "ioasctl.h"

/* The accounts of a cgroup come one after the other. */
static char *path_of(const struct account *list, size_t nr, __u64 id)
{
	if (nr && list[nr - 1].record.cgroup_id == id)
		return list[nr - 1].path ? strdup(list[nr - 1].path) : NULL;
	return cgroup_path_of(id);
}

static int add(const struct ioas_account_record *record, const char *below,
	       struct account **list, size_t *nr)
{
	char *path = path_of(*list, *nr, record->cgroup_id);
	struct account *more;

	if (below && (!path || !cgroup_is_below(path, below))) {
		free(path);
		return 0;
	}
	more = reallocarray(*list, *nr + 1, sizeof(**list));
	if (!more) {
		free(path);
		return fail(-ENOMEM, "out of memory");
	}
	*list = more;
	more[*nr].record = *record;
	more[(*nr)++].path = path;
	return 0;
}

/* A read ends after a record. */
static int read_all(int fd, const char *below, struct account **list,
		    size_t *nr)
{
	static struct ioas_account_record records[1024];
	ssize_t got;
	size_t i;
	int ret;

	for (;;) {
		got = read(fd, records, sizeof(records));
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got < 0)
			return fail(-errno, "the accounts cannot be read: %m");
		if (!got)
			return 0;
		if (got % sizeof(records[0]))
			return fail(-EIO, "the accounts end within one");
		for (i = 0; i < got / sizeof(records[0]); i++) {
			ret = add(&records[i], below, list, nr);
			if (ret)
				return ret;
		}
	}
}

static int by_size(const void *a, const void *b)
{
	const struct account *x = a, *y = b;

	if (x->record.bytes != y->record.bytes)
		return x->record.bytes < y->record.bytes ? 1 : -1;
	return x->record.boottime_ns < y->record.boottime_ns ?
		       -1 :
		       x->record.boottime_ns > y->record.boottime_ns;
}

static int open_iterator(struct accounts_bpf *skeleton,
			 struct bpf_link **ret_link)
{
	struct bpf_link *link;
	int fd;

	link = bpf_program__attach_iter(skeleton->progs.write_account, NULL);
	if (!link)
		return fail(-errno, "the accounts cannot be listed: %m");
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		fd = fail(-errno, "the accounts cannot be listed: %m");
	*ret_link = link;
	return fd;
}

/**
 * accounts_read() - read all accounts, those that pin most first
 * @below: only those of this cgroup, by its path, and its descendants; or NULL
 * @ret: set to them, for accounts_free()
 * @ret_nr: set to how many there are
 *
 * Return: 0 or a negative errno, after a message.
 */
int accounts_read(const char *below, struct account **ret, size_t *ret_nr)
{
	struct accounts_bpf *skeleton;
	struct bpf_link *link = NULL;
	struct account *list = NULL;
	size_t nr = 0;
	int fd, error;

	skeleton = accounts_bpf__open_and_load();
	if (!skeleton)
		return fail(-errno, "the accounts cannot be listed: %m");
	fd = open_iterator(skeleton, &link);
	error = fd < 0 ? fd : read_all(fd, below, &list, &nr);
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	accounts_bpf__destroy(skeleton);
	if (error) {
		accounts_free(list, nr);
		return error;
	}
	if (nr)
		qsort(list, nr, sizeof(*list), by_size);
	*ret = list;
	*ret_nr = nr;
	return 0;
}

/**
 * accounts_free() - free what accounts_read() gave
 * @list: the accounts, or NULL
 * @nr: how many there are
 */
void accounts_free(struct account *list, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		free(list[i].path);
	free(list);
}
