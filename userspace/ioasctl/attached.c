// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policies that are attached, or were: those that have a folder, and those that
 * somebody else attached, of which the kernel only tells the cgroup and the name.
 */
#include <ctype.h>
#include <dirent.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "attached.h"
#include "folder.h"
#include "ioasctl.h"
#include "layout.h"

static int read_map(int map, void *value, size_t size)
{
	struct bpf_map_info info = {};
	_cleanup_free_ void *whole = NULL;
	__u32 len = sizeof(info), key = 0;

	if (bpf_map_get_info_by_fd(map, &info, &len))
		return -errno;
	whole = calloc(1, info.value_size);
	if (!whole)
		return -ENOMEM;
	if (bpf_map_lookup_elem(map, &key, whole))
		return -errno;
	memcpy(value, whole, info.value_size < size ? info.value_size : size);
	return 0;
}

/* ---- what the map of a policy says ---- */

/**
 * struct value_layout - where things are in the value of a struct_ops map
 * @cgroup_id: the cgroup
 * @name: the name
 * @type: number of the value's type; 0 if the kernel has none
 */
struct value_layout {
	int cgroup_id;
	int name;
	__u32 type;
};

static void get_layout(struct value_layout *layout)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int data, type;

	*layout = (struct value_layout){};
	if (!btf)
		return;
	type = btf__find_by_name_kind(btf, STRUCT_OPS_VALUE, BTF_KIND_STRUCT);
	data = offset_in(btf, STRUCT_OPS_VALUE, "data");
	if (type > 0 && data >= 0) {
		layout->type = type;
		layout->cgroup_id =
			data + offset_in(btf, STRUCT_OPS_TYPE, "cgroup_id");
		layout->name = data + offset_in(btf, STRUCT_OPS_TYPE, "name");
	}
	btf__free(btf);
}

/**
 * struct value - what the map of a policy says
 * @cgroup_id: where it is to be attached
 * @name: what the policy is called
 */
struct value {
	uint64_t cgroup_id;
	char name[IOAS_POLICY_NAME_LEN + 1];
};

static int read_value(__u32 map_id, const struct value_layout *layout,
		      struct value *ret)
{
	_cleanup_close_ int map = bpf_map_get_fd_by_id(map_id);
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	char value[4096] = "";

	if (map < 0 || bpf_map_get_info_by_fd(map, &info, &len) ||
	    info.btf_vmlinux_value_type_id != layout->type ||
	    read_map(map, value, sizeof(value)))
		return -ENOENT;
	memcpy(&ret->cgroup_id, value + layout->cgroup_id,
	       sizeof(ret->cgroup_id));
	memcpy(ret->name, value + layout->name, IOAS_POLICY_NAME_LEN);
	ret->name[IOAS_POLICY_NAME_LEN] = '\0';
	return 0;
}

/* ---- those that have a folder ---- */

static void read_config(struct attached *attached)
{
	_cleanup_close_ int map = open_pinned(attached->folder, "config");

	if (map >= 0)
		read_map(map, attached->config, sizeof(attached->config));
}

/* Both folders name the link when a replacement by another policy is interrupted. */
static bool is_of_another(const struct attached *attached, __u32 map_id,
			  const struct value_layout *layout)
{
	struct value value;

	return !read_value(map_id, layout, &value) &&
	       strcmp(value.name, attached->policy->name);
}

/* A struct_ops link whose cgroup has gone has no map any more. */
static void read_link(struct attached *attached,
		      const struct value_layout *layout)
{
	_cleanup_close_ int link = open_pinned(attached->folder, "link");
	struct bpf_link_info info = {};
	__u32 len = sizeof(info), map_id;

	/* Without its link it was left behind by a load that was interrupted. */
	attached->gone = !attached->path || !attached->policy->only_logs;
	if (link < 0 || bpf_link_get_info_by_fd(link, &info, &len))
		return;
	map_id = info.struct_ops.map_id;
	if (map_id && is_of_another(attached, map_id, layout))
		return;
	attached->gone = !map_id;
	attached->link_id = info.id;
}

/* ID-NAME, as folder_of() writes it. */
static int read_folder(const char *name, const struct value_layout *layout,
		       struct attached *attached)
{
	char *end;

	if (!isdigit((unsigned char)*name))
		return -ENOENT;
	attached->cgroup_id = strtoull(name, &end, 10);
	if (*end != '-')
		return -ENOENT;
	attached->policy = policy_find(end + 1);
	if (!attached->policy)
		return -ENOENT;
	attached->folder = path_in(BPFFS_FOLDER, name);
	if (!attached->folder)
		return -ENOMEM;
	attached->path = cgroup_path_of(attached->cgroup_id);
	read_config(attached);
	read_link(attached, layout);
	attached->name = strdup(attached->policy->name);
	return attached->name ? 0 : -ENOMEM;
}

/* ---- those that somebody else attached ---- */

static int read_other(__u32 link_id, const struct value_layout *layout,
		      struct attached *attached)
{
	_cleanup_close_ int link = bpf_link_get_fd_by_id(link_id);
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	struct value value;

	if (link < 0 || bpf_link_get_info_by_fd(link, &info, &len) ||
	    info.type != BPF_LINK_TYPE_STRUCT_OPS ||
	    read_value(info.struct_ops.map_id, layout, &value))
		return -ENOENT;
	attached->cgroup_id = value.cgroup_id;
	attached->path = cgroup_path_of(value.cgroup_id);
	attached->name = strdup(value.name);
	attached->link_id = link_id;
	return attached->name ? 0 : -ENOMEM;
}

static bool has_link(const struct attached *list, unsigned int nr, __u32 id)
{
	while (nr--)
		if (list[nr].link_id == id)
			return true;
	return false;
}

static void clear(struct attached *attached)
{
	free(attached->path);
	free(attached->name);
	free(attached->folder);
}

/**
 * attached_free() - free what attached_list() gave
 * @list: the policies, or NULL
 * @nr: how many there are
 */
void attached_free(struct attached *list, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		clear(&list[i]);
	free(list);
}

/* One more, zeroed, behind those that there are. */
static struct attached *make_room(struct attached **list, unsigned int nr)
{
	struct attached *more = reallocarray(*list, nr + 1, sizeof(**list));

	if (!more)
		return NULL;
	*list = more;
	memset(&more[nr], 0, sizeof(*more));
	return &more[nr];
}

static int list_folders(const struct value_layout *layout,
			struct attached **list, unsigned int *nr)
{
	struct attached *attached;
	struct dirent *entry;
	int ret = 0;
	DIR *dir;

	dir = opendir(BPFFS_FOLDER);
	if (!dir)
		return errno == ENOENT ? 0 :
					 fail(-errno, "%s: %m", BPFFS_FOLDER);
	while (!ret && (entry = readdir(dir))) {
		attached = make_room(list, *nr);
		if (!attached)
			ret = fail(-ENOMEM, "out of memory");
		else if (read_folder(entry->d_name, layout, attached))
			clear(attached);
		else
			(*nr)++;
	}
	closedir(dir);
	return ret;
}

static int list_others(const struct value_layout *layout,
		       struct attached **list, unsigned int *nr)
{
	struct attached *attached;
	__u32 id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		if (has_link(*list, *nr, id))
			continue;
		attached = make_room(list, *nr);
		if (!attached)
			return fail(-ENOMEM, "out of memory");
		if (read_other(id, layout, attached))
			clear(attached);
		else
			(*nr)++;
	}
	return 0;
}

/**
 * attached_list() - list the policies that are attached, whoever did that
 * @ret: set to them, for attached_free()
 * @ret_nr: set to how many there are
 *
 * Return: 0 or a negative errno, after a message.
 */
int attached_list(struct attached **ret, unsigned int *ret_nr)
{
	struct attached *list = NULL;
	struct value_layout layout;
	unsigned int nr = 0;
	int error;

	get_layout(&layout);
	error = list_folders(&layout, &list, &nr);
	error = error ?: list_others(&layout, &list, &nr);
	if (error) {
		attached_free(list, nr);
		return error;
	}
	*ret = list;
	*ret_nr = nr;
	return 0;
}

/**
 * attached_decider() - the policy that decides for a cgroup
 * @list: what is attached
 * @nr: how many there are
 * @cgroup_id: the cgroup
 *
 * Return: the policy, or NULL.  deny_log decides nothing.
 */
const struct attached *attached_decider(const struct attached *list,
					unsigned int nr, uint64_t cgroup_id)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (list[i].cgroup_id == cgroup_id && !list[i].gone &&
		    list[i].link_id)
			return &list[i];
	return NULL;
}
