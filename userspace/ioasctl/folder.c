// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where policies stay.
 *
 * A policy that is attached has a folder in bpffs, BPFFS_FOLDER/ID-NAME, with
 *
 *   link*    its links: one for a struct_ops, several for programs on tracepoints
 *   config   its settings
 *   limits   more of them, if there is one for each of something
 *   ...      its other maps, by name: what it has counted
 *
 * So it stays when this program ends, and goes with the folder.  While a policy is being
 * replaced by another one, both have a folder, and name the same link; if that is
 * interrupted, one of them is left over.  New settings of the same policy are new_config
 * and new_limits until it is sure that they hold.
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
 * time later.  The last one takes the folder of all along.
 *
 * Return: 0 or a negative errno.
 */
int remove_folder(const char *folder)
{
	struct dirent *entry;
	int pass, fd, ret;
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
	ret = rmdir(folder) ? -errno : 0;
	rmdir(BPFFS_FOLDER);
	return ret;
}

/**
 * detach_folder() - detach the policy of a folder, if it is one that decides
 * @folder: its path
 *
 * At once, unlike the kernel when the last name of a link goes.
 */
void detach_folder(const char *folder)
{
	_cleanup_close_ int link = open_pinned(folder, "link");

	if (link >= 0)
		bpf_link_detach(link);
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
