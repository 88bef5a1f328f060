// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where policies stay.
 *
 * A policy that is attached has a folder in bpffs, BPFFS_FOLDER/ID-NAME, with
 *
 *   link*    its links: one for a struct_ops, several for programs on tracepoints
 *   config   its settings
 *   ...      its maps, by name
 *
 * So it stays when this program ends, and goes with the folder.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>

#include "folder.h"
#include "ioasctl.h"
#include "policies.h"

/**
 * folder_of() - the folder of a policy
 * @policy: which
 * @cgroup_id: where
 *
 * Return: its path, to be freed, or NULL.
 */
char *folder_of(const struct policy *policy, uint64_t cgroup_id)
{
	char *folder;

	if (asprintf(&folder, "%s/%llu-%s", BPFFS_FOLDER,
		     (unsigned long long)cgroup_id, policy->name) < 0)
		return NULL;
	return folder;
}

/**
 * path_in() - the path of what is in a folder
 * @folder: the folder
 * @name: what is in it
 *
 * Return: its path, to be freed, or NULL.
 */
char *path_in(const char *folder, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

/**
 * open_pinned() - open a map or a link that is in a folder
 * @folder: the folder
 * @name: of the map or link
 *
 * Return: a file descriptor, or a negative errno.
 */
int open_pinned(const char *folder, const char *name)
{
	_cleanup_free_ char *path = path_in(folder, name);

	return path ? bpf_obj_get(path) : -ENOMEM;
}

static bool is_link(const char *name)
{
	return !strncmp(name, "link", 4);
}

/**
 * remove_folder() - remove the folder of a policy
 * @folder: its path
 *
 * Links first: what they use may then go.  A link that is nowhere else is detached, some
 * time later.
 *
 * Return: 0 or a negative errno.
 */
int remove_folder(const char *folder)
{
	struct dirent *entry;
	int pass, fd;
	DIR *dir;

	for (pass = 0; pass < 2; pass++) {
		dir = opendir(folder);
		if (!dir)
			return -errno;
		fd = dirfd(dir);
		while ((entry = readdir(dir)))
			if (entry->d_name[0] != '.' &&
			    (pass || is_link(entry->d_name)))
				unlinkat(fd, entry->d_name, 0);
		closedir(dir);
	}
	return rmdir(folder) ? -errno : 0;
}

/* At once, unlike the kernel when the last of its names goes. */
static void detach(const char *folder)
{
	_cleanup_close_ int link = open_pinned(folder, "link");

	if (link >= 0)
		bpf_link_detach(link);
}

/**
 * forget_folder() - detach a policy, and forget it
 * @folder: its folder
 *
 * The last one takes the folder of all along.
 *
 * Return: 0 or a negative errno.
 */
int forget_folder(const char *folder)
{
	int ret;

	detach(folder);
	ret = remove_folder(folder);

	rmdir(BPFFS_FOLDER);
	return ret;
}

/**
 * make_folder() - make the folder of a policy
 * @folder: its path
 *
 * Return: 0 or a negative errno, after a message.
 */
int make_folder(const char *folder)
{
	if (mkdir(BPFFS_FOLDER, 0700) && errno != EEXIST)
		return fail(-errno, "%s: %m", BPFFS_FOLDER);
	if (mkdir(folder, 0700))
		return fail(-errno, "%s: %m", folder);
	return 0;
}
