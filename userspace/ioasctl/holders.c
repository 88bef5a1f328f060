// SPDX-License-Identifier: GPL-2.0-or-later
/* Who holds PASIDs: the kernel has their numbers by cgroup, and not by process. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "cgroup.h"
#include "holders.h"
#include "ioasctl.h"

/* Takes the path over. What cannot be read holds nothing, and has just gone. */
static int add(int folder, char *path, const char *scope, struct holder **list,
	       size_t *nr)
{
	struct holder *more;
	uint64_t held = 0;

	if (path &&
	    (cgroup_read_key(folder, "ioas.pasid.current", scope, &held) ||
	     !held)) {
		free(path);
		return 0;
	}
	more = path ? reallocarray(*list, *nr + 1, sizeof(**list)) : NULL;
	if (!more) {
		free(path);
		return fail(-ENOMEM, "out of memory");
	}
	*list = more;
	more[(*nr)++] = (struct holder){ path, held };
	return 0;
}

static int add_child(int parent, const char *path, const char *name,
		     const char *scope, struct holder **list, size_t *nr)
{
	_cleanup_close_ int folder = -1;
	char *child;

	folder = openat(parent, name,
			O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return 0;
	if (asprintf(&child, "%s/%s", path[1] ? path : "", name) < 0)
		child = NULL;
	return add(folder, child, scope, list, nr);
}

static int add_children(int folder, const char *path, const char *scope,
			struct holder **list, size_t *nr)
{
	const struct dirent *entry;
	int ret = 0, fd;
	DIR *dir;

	fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return fail(-ENOMEM, "out of memory");
	}
	while (!ret && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") &&
		    strcmp(entry->d_name, ".."))
			ret = add_child(fd, path, entry->d_name, scope, list,
					nr);
	closedir(dir);
	return ret;
}

static int most_first(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->nr != y->nr)
		return x->nr < y->nr ? 1 : -1;
	return strcmp(x->path, y->path);
}

/**
 * holders_read() - read which children of a cgroup hold PASIDs, those with most first
 * @id: the cgroup
 * @path: its path
 * @scope: of which scope, as ioas.pasid.current has it
 * @most: how many are wanted
 * @ret: set to them, for holders_free(); the cgroup itself, if it alone holds some
 * @ret_nr: set to how many there are
 *
 * Return: 0 or a negative errno, after a message.
 */
int holders_read(uint64_t id, const char *path, const char *scope, size_t most,
		 struct holder **ret, size_t *ret_nr)
{
	_cleanup_close_ int folder = cgroup_open_by_id(id);
	struct holder *list = NULL;
	size_t nr = 0;
	int error;

	/* It has gone. */
	if (folder < 0)
		return 0;
	error = add_children(folder, path, scope, &list, &nr);
	if (!error && !nr)
		error = add(folder, strdup(path), scope, &list, &nr);
	if (error) {
		holders_free(list, nr);
		return error;
	}
	if (nr)
		qsort(list, nr, sizeof(*list), most_first);
	while (nr > most)
		free(list[--nr].path);
	*ret = list;
	*ret_nr = nr;
	return 0;
}

/**
 * holders_free() - free what holders_read() gave
 * @list: the holders, or NULL
 * @nr: how many there are
 */
void holders_free(struct holder *list, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		free(list[i].path);
	free(list);
}
