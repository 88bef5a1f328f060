// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loading policies into the kernel, and attaching them.
 *
 * If that fails at any step, nothing is left: see folder.c for what there is otherwise.
 */
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "attached.h"
#include "folder.h"
#include "ioasctl.h"
#include "kernel.h"
#include "layout.h"
#include "loader.h"
#include "units.h"

/* ---- the object ---- */

static bool is_struct_ops(const struct bpf_map *map)
{
	return bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS;
}

static bool is_config(const struct bpf_map *map)
{
	const char *dot = strrchr(bpf_map__name(map), '.');

	return dot && !strcmp(dot, ".rodata");
}

/* Put a value into what a map starts with. */
static int put_value(struct bpf_map *map, int offset, const void *value,
		     size_t size)
{
	size_t whole;
	char *data = bpf_map__initial_value(map, &whole);

	if (!data || offset < 0 || offset + size > whole)
		return fail(-EINVAL, "the policy is not made for this ioasctl");
	memcpy(data + offset, value, size);
	return 0;
}

static size_t config_size(const struct bpf_map *map)
{
	size_t size = 0;

	bpf_map__initial_value(map, &size);
	return size < POLICY_CONFIG_MAX ? size : POLICY_CONFIG_MAX;
}

/* What has to be known before the programs are loaded. */
static int set_up(struct bpf_object *object, const void *config,
		  uint64_t cgroup_id, const char *folder)
{
	const struct btf *btf = bpf_object__btf(object);
	_cleanup_free_ char *path = NULL;
	struct bpf_map *map;
	int ret = 0;

	bpf_object__for_each_map(map, object) {
		if (is_struct_ops(map)) {
			ret = put_value(map,
					offset_in(btf, STRUCT_OPS_TYPE,
						  "cgroup_id"),
					&cgroup_id, sizeof(cgroup_id));
		} else if (is_config(map)) {
			if (offset_in(btf, ".rodata", "config"))
				return fail(
					-EINVAL,
					"the policy is not made for this ioasctl");
			ret = put_value(map, 0, config, config_size(map));
		}
		if (ret)
			return ret;
		if (is_struct_ops(map) || bpf_map__is_internal(map))
			continue;
		/* What it counted before it was replaced is taken over. */
		path = path_in(folder, bpf_map__name(map));
		if (!path || bpf_map__set_pin_path(map, path))
			return fail(-ENOMEM, "out of memory");
		free(path);
		path = NULL;
	}
	return 0;
}

static int pin_config(struct bpf_object *object, const char *folder)
{
	_cleanup_free_ char *path = path_in(folder, "config");
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		if (!is_config(map))
			continue;
		if (!path)
			return fail(-ENOMEM, "out of memory");
		unlink(path);
		if (bpf_map__pin(map, path))
			return fail(-errno, "%s: %m", path);
	}
	return 0;
}

static struct bpf_object *open_object(const struct policy *policy)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = policy->name);
	struct bpf_object *object;
	const void *elf;
	size_t size;

	libbpf_forget();
	elf = policy->elf(&size);
	object = bpf_object__open_mem(elf, size, &opts);
	if (!object)
		fail(-errno, "%s cannot be opened: %s", policy->name,
		     libbpf_words());
	return object;
}

/* Load it, with its maps in the folder. */
static struct bpf_object *load_object(const struct policy *policy,
				      const void *config, uint64_t cgroup_id,
				      const char *folder)
{
	struct bpf_object *object = open_object(policy);

	if (!object)
		return NULL;
	if (set_up(object, config, cgroup_id, folder))
		goto err;
	if (bpf_object__load(object)) {
		if (errno != EPERM)
			fail(-errno, "the kernel does not take %s: %s",
			     policy->name, libbpf_words());
		else
			check_privilege(-EPERM);
		goto err;
	}
	return object;
err:
	bpf_object__close(object);
	return NULL;
}

static struct bpf_map *struct_ops_of(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
		if (is_struct_ops(map))
			return map;
	return NULL;
}

/* ---- attaching ---- */

static int explain_occupied(const struct policy *policy,
			    const struct cgroup *cgroup)
{
	_cleanup_free_ char *where = shell_quote(cgroup->path);
	const struct attached *other;
	struct attached *list;
	unsigned int nr;
	int ret = -EEXIST;

	if (attached_list(&list, &nr))
		return ret;
	other = attached_decider(list, nr, cgroup->id);
	if (other && other->policy)
		fail(ret,
		     "%s has the policy %s already: 'ioasctl policy replace %s --cgroup %s' puts %s in its place",
		     cgroup->path, other->name, policy->name, where ?: "",
		     policy->name);
	else
		fail(ret,
		     "%s has the policy %s already, which was not loaded by ioasctl: 'bpftool link detach id %u' detaches it",
		     cgroup->path, other ? other->name : "?",
		     other ? other->link_id : 0);
	attached_free(list, nr);
	return ret;
}

static int explain_attach(int error, const struct policy *policy,
			  const struct cgroup *cgroup)
{
	switch (error) {
	case -EEXIST:
		return explain_occupied(policy, cgroup);
	case -ENODEV:
		return cgroup_explain_disabled(cgroup);
	case -ENOENT:
		return fail(error, "the cgroup %s has just gone", cgroup->path);
	case -EPERM:
		return check_privilege(error);
	}
	return fail(error, "%s cannot be attached to %s: %s", policy->name,
		    cgroup->path, strerror(-error));
}

/* In one more place, if it is in another already. */
static int pin_link(const struct bpf_link *link, const char *folder,
		    const char *name)
{
	_cleanup_free_ char *path = path_in(folder, name);

	if (!path)
		return fail(-ENOMEM, "out of memory");
	if (bpf_obj_pin(bpf_link__fd(link), path))
		return fail(-errno, "%s: %m", path);
	return 0;
}

static int attach_struct_ops(struct bpf_map *map, const struct policy *policy,
			     const struct cgroup *cgroup, const char *folder)
{
	struct bpf_link *link = bpf_map__attach_struct_ops(map);
	int ret;

	if (!link)
		return explain_attach(-errno, policy, cgroup);
	ret = pin_link(link, folder, "link");
	bpf_link__destroy(link);
	return ret;
}

static int attach_programs(struct bpf_object *object,
			   const struct policy *policy, const char *folder)
{
	struct bpf_program *program;
	struct bpf_link *link;
	char name[64];
	int ret;

	bpf_object__for_each_program(program, object) {
		link = bpf_program__attach(program);
		if (!link)
			return fail(-errno, "%s cannot be attached: %m",
				    policy->name);
		snprintf(name, sizeof(name), "link_%s",
			 bpf_program__name(program));
		ret = pin_link(link, folder, name);
		bpf_link__destroy(link);
		if (ret)
			return ret;
	}
	return 0;
}

static int load_into(const char *folder, const struct policy *policy,
		     const void *config, const struct cgroup *cgroup)
{
	struct bpf_object *object;
	struct bpf_map *map;
	int ret;

	object = load_object(policy, config, cgroup->id, folder);
	if (!object)
		return -EINVAL;
	map = struct_ops_of(object);
	ret = policy->loaded ? policy->loaded(object, config) : 0;
	ret = ret ?: pin_config(object, folder);
	if (!ret)
		ret = map ? attach_struct_ops(map, policy, cgroup, folder) :
			    attach_programs(object, policy, folder);
	bpf_object__close(object);
	return ret;
}

/* What a cgroup that had the same id, or was removed, has left. */
static int make_way(const char *folder, const struct policy *policy,
		    const struct cgroup *cgroup)
{
	struct attached *list;
	unsigned int nr, i;
	int ret;

	if (access(folder, F_OK))
		return 0;
	ret = attached_list(&list, &nr);
	if (ret)
		return ret;
	for (i = 0; i < nr; i++)
		if (list[i].folder && !strcmp(list[i].folder, folder))
			ret = list[i].gone ?
				      remove_folder(folder) :
				      fail(-EEXIST,
					   "%s has the policy %s already: 'ioasctl policy replace' changes its settings",
					   cgroup->path, policy->name);
	attached_free(list, nr);
	return ret;
}

/**
 * loader_load() - load a policy and attach it
 * @policy: which
 * @config: its settings, from policy_configure()
 * @cgroup: where
 *
 * Return: 0 or a negative errno, after a message; then nothing is left of it.
 */
int loader_load(const struct policy *policy, void *config,
		const struct cgroup *cgroup)
{
	_cleanup_free_ char *folder = folder_of(policy, cgroup->id);
	int ret;

	if (!folder)
		return fail(-ENOMEM, "out of memory");
	if (policy->prepare)
		policy->prepare(config, cgroup);
	ret = make_way(folder, policy, cgroup);
	ret = ret ?: make_folder(folder);
	if (ret)
		return ret;
	ret = load_into(folder, policy, config, cgroup);
	if (ret)
		forget_folder(folder);
	return ret;
}

/* All that can be done beforehand is, where that is another folder. */
static int switch_to(struct bpf_link *link, struct bpf_object *object,
		     const char *folder, bool moves)
{
	int ret = 0;

	if (moves)
		ret = pin_link(link, folder, "link") ?:
						       pin_config(object, folder);
	if (!ret && bpf_link__update_map(link, struct_ops_of(object)))
		ret = fail(-errno, "the policy cannot be replaced: %m");
	if (ret && moves)
		remove_folder(folder);
	return ret;
}

/* The new one decides already. */
static int finish(const struct attached *old, const struct policy *policy,
		  struct bpf_object *object, const void *config,
		  const char *folder, bool moves)
{
	int ret;

	ret = moves ? remove_folder(old->folder) : pin_config(object, folder);
	if (policy->loaded)
		ret = policy->loaded(object, config) ?: ret;
	return ret;
}

static int replace_with(const struct attached *old, const char *folder,
			const struct policy *policy, const void *config,
			const struct cgroup *cgroup)
{
	_cleanup_free_ char *path = path_in(old->folder, "link");
	bool moves = strcmp(old->folder, folder);
	struct bpf_object *object;
	struct bpf_link *link;
	int ret;

	link = path ? bpf_link__open(path) : NULL;
	if (!link)
		return fail(-errno, "%s: %m", path ?: "out of memory");
	ret = moves ? make_folder(folder) : 0;
	if (ret)
		goto out;
	object = load_object(policy, config, cgroup->id, folder);
	if (!object && moves)
		remove_folder(folder);
	ret = object ? switch_to(link, object, folder, moves) : -EINVAL;
	ret = ret ?: finish(old, policy, object, config, folder, moves);
	bpf_object__close(object);
out:
	bpf_link__destroy(link);
	return ret;
}

/**
 * loader_replace() - put a policy in the place of the one that a cgroup has
 * @policy: which
 * @config: its settings, from policy_configure()
 * @cgroup: where
 *
 * At no moment is there none.
 *
 * Return: 0 or a negative errno, after a message; then the old one is still there.
 */
int loader_replace(const struct policy *policy, void *config,
		   const struct cgroup *cgroup)
{
	_cleanup_free_ char *folder = folder_of(policy, cgroup->id);
	const struct attached *old;
	struct attached *list;
	unsigned int nr;
	int ret;

	if (!folder)
		return fail(-ENOMEM, "out of memory");
	if (policy->only_logs)
		return fail(
			-EINVAL,
			"%s decides nothing, and replaces nothing: it can be loaded beside another policy",
			policy->name);
	if (policy->prepare)
		policy->prepare(config, cgroup);
	ret = attached_list(&list, &nr);
	if (ret)
		return ret;
	old = attached_decider(list, nr, cgroup->id);
	if (old && !old->policy) {
		ret = explain_occupied(policy, cgroup);
		goto out;
	}
	if (!old) {
		ret = fail(
			-ENOENT,
			"%s has no policy to replace: 'ioasctl policy load %s' attaches one",
			cgroup->path, policy->name);
		goto out;
	}
	ret = replace_with(old, folder, policy, config, cgroup);
out:
	attached_free(list, nr);
	return ret;
}

/**
 * loader_unload() - detach a policy
 * @attached: the policy
 *
 * Return: 0 or a negative errno, after a message.
 */
int loader_unload(const struct attached *attached)
{
	int ret = forget_folder(attached->folder);

	if (ret)
		return fail(ret, "%s: %s", attached->folder, strerror(-ret));
	return 0;
}
