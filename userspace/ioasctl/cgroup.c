// SPDX-License-Identifier: GPL-2.0-or-later
/* Cgroups by path and by id. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <linux/magic.h>

#include "cgroup.h"
#include "ioasctl.h"
#include "units.h"

/* The type of a file handle that is the id of a kernfs node. */
#define FILEID_KERNFS 0xfe

/* What a user typed: with CGROUP_ROOT in front, or relative to it, or "/". */
static char *absolute_path(const char *name)
{
	size_t root = strlen(CGROUP_ROOT);
	char *path;

	if (!strncmp(name, CGROUP_ROOT, root) &&
	    (!name[root] || name[root] == '/'))
		name += root;
	while (*name == '/')
		name++;
	if (asprintf(&path, "%s/%s", CGROUP_ROOT, name) < 0)
		return NULL;
	return path;
}

static int check_hierarchy(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs))
		return fail(-errno,
			    errno == ENOENT ? "there is no cgroup %s" :
					      "%s: %m",
			    path);
	if (fs.f_type != CGROUP2_SUPER_MAGIC)
		return fail(
			-EINVAL,
			"%s is not a cgroup: cgroup v2 has to be mounted on " CGROUP_ROOT,
			path);
	return 0;
}

/**
 * cgroup_open() - look a cgroup up
 * @name: its path, in full or below CGROUP_ROOT
 * @ret: filled in, on success
 *
 * Return: 0 or a negative errno, after a message.
 */
int cgroup_open(const char *name, struct cgroup *ret)
{
	_cleanup_free_ char *path = absolute_path(name);
	char *real;
	struct stat st;
	int error;

	if (!path)
		return fail(-ENOMEM, "out of memory");
	error = check_hierarchy(path);
	if (error)
		return error;
	real = realpath(path, NULL);
	if (!real || stat(real, &st)) {
		error = fail(-errno, "%s: %m", path);
		free(real);
		return error;
	}
	if (strncmp(real, CGROUP_ROOT, strlen(CGROUP_ROOT))) {
		free(real);
		return fail(-EINVAL, "%s is not below %s", path, CGROUP_ROOT);
	}
	if (!S_ISDIR(st.st_mode)) {
		free(real);
		return fail(-ENOTDIR, "%s is a file of a cgroup, not a cgroup",
			    path);
	}
	ret->id = st.st_ino;
	ret->path = strdup(
		real[strlen(CGROUP_ROOT)] ? real + strlen(CGROUP_ROOT) : "/");
	free(real);
	if (!ret->path)
		return fail(-ENOMEM, "out of memory");
	return 0;
}

/**
 * cgroup_free() - free what cgroup_open() filled in
 * @cgroup: the cgroup
 */
void cgroup_free(struct cgroup *cgroup)
{
	free(cgroup->path);
	cgroup->path = NULL;
}

/**
 * cgroup_open_by_id() - open the folder of a cgroup
 * @id: inode number of its folder
 *
 * Return: a file descriptor, with O_PATH, or a negative errno, without a message.
 */
int cgroup_open_by_id(uint64_t id)
{
	_cleanup_close_ int mount = -1;
	struct {
		struct file_handle handle;
		uint64_t id;
	} h = {
		.handle = {
			.handle_bytes = sizeof(id),
			.handle_type = FILEID_KERNFS,
		},
	};
	int fd;

	memcpy(h.handle.f_handle, &id, sizeof(id));
	mount = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount < 0)
		return -errno;
	fd = open_by_handle_at(mount, &h.handle, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/**
 * cgroup_read_key() - read a number from a file of a cgroup
 * @folder: the folder of the cgroup
 * @name: the file
 * @key: what the number follows
 * @ret: set to the number, on success
 *
 * Return: 0 or a negative errno, without a message.
 */
int cgroup_read_key(int folder, const char *name, const char *key,
		    uint64_t *ret)
{
	_cleanup_free_ char *found = NULL;
	unsigned long long number = 0;
	int error = -ENODATA;
	FILE *file;
	int fd;

	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	file = fdopen(fd, "r");
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	while (error && fscanf(file, "%ms %llu", &found, &number) == 2) {
		if (!strcmp(found, key))
			error = 0;
		free(found);
		found = NULL;
	}
	fclose(file);
	if (!error)
		*ret = number;
	return error;
}

/**
 * cgroup_path_of() - the path of a cgroup
 * @id: inode number of its folder
 *
 * Return: the path below CGROUP_ROOT, with a / in front, to be freed; NULL if there is
 * none such, or the caller may not ask.
 */
char *cgroup_path_of(uint64_t id)
{
	_cleanup_close_ int fd = cgroup_open_by_id(id);
	char link[64], path[PATH_MAX];
	ssize_t len;

	if (fd < 0)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < (ssize_t)strlen(CGROUP_ROOT))
		return NULL;
	path[len] = '\0';
	return strdup(path[strlen(CGROUP_ROOT)] ? path + strlen(CGROUP_ROOT) :
						  "/");
}

/**
 * cgroup_is_below() - is a cgroup another one, or a descendant of it?
 * @path: the cgroup
 * @ancestor: the other one
 */
bool cgroup_is_below(const char *path, const char *ancestor)
{
	size_t len = strlen(ancestor);

	if (!strcmp(ancestor, "/"))
		return true;
	return !strncmp(path, ancestor, len) &&
	       (!path[len] || path[len] == '/');
}

static bool lists_ioas(const char *file)
{
	char word[64];
	bool found = false;
	FILE *f = fopen(file, "re");

	while (f && !found && fscanf(f, "%63s", word) == 1)
		found = !strcmp(word, "ioas");
	if (f)
		fclose(f);
	return found;
}

/**
 * cgroup_check_controller() - does the kernel have the controller?
 *
 * Return: 0 or a negative errno, after a message.
 */
int cgroup_check_controller(void)
{
	int ret = check_hierarchy(CGROUP_ROOT);

	if (ret)
		return ret;
	if (lists_ioas(CGROUP_ROOT "/cgroup.controllers"))
		return 0;
	return fail(
		-ENOTSUP,
		"this kernel has no ioas controller: boot one with CONFIG_CGROUP_IOAS, and without cgroup_disable=ioas");
}

/**
 * cgroup_explain_disabled() - say that the controller is not enabled in a cgroup
 * @cgroup: the cgroup
 *
 * Return: -ENODEV
 */
int cgroup_explain_disabled(const struct cgroup *cgroup)
{
	const char *slash = strrchr(cgroup->path, '/');
	_cleanup_free_ char *file = NULL, *quoted = NULL;

	if (asprintf(&file, CGROUP_ROOT "%.*s/cgroup.subtree_control",
		     (int)(slash - cgroup->path), cgroup->path) < 0)
		return fail(-ENOMEM, "out of memory");
	quoted = shell_quote(file);
	return fail(-ENODEV,
		    "the ioas controller is not enabled in %s: echo +ioas > %s",
		    cgroup->path, quoted ?: "");
}
