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

/*
 * Maps with settings, as they are called in the folder.  Each object has its own, so that
 * the settings change when, and only when, the programs do.
 */
static const char *const settings_maps[] = { "config", "limits" };

/* NULL for all other maps. */
static const char *settings_name(const struct bpf_map *map)
{
	if (is_config(map))
		return "config";
	return strcmp(bpf_map__name(map), "limits") ? NULL : "limits";
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
		if (is_struct_ops(map) || bpf_map__is_internal(map) ||
		    settings_name(map))
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

/* @prefix: of their names, where the old ones still have theirs. */
static int pin_settings(struct bpf_object *object, const char *folder,
			const char *prefix)
{
	const char *name;
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		_cleanup_free_ char *path = NULL;

		name = settings_name(map);
		if (!name)
			continue;
		if (asprintf(&path, "%s/%s%s", folder, prefix, name) < 0)
			return fail(-ENOMEM, "out of memory");
		unlink(path);
		if (bpf_map__pin(map, path))
			return fail(-errno, "%s: %m", path);
	}
	return 0;
}

#define NEW "new_"

/* The new settings take the place of the old ones, or go. */
static int settle(const char *folder, bool keep)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(settings_maps); i++) {
		_cleanup_free_ char *old = path_in(folder, settings_maps[i]);
		_cleanup_free_ char *new = NULL;

		if (!old || asprintf(&new, "%s/" NEW "%s", folder,
				     settings_maps[i]) < 0)
			return fail(-ENOMEM, "out of memory");
		if (!keep)
			unlink(new);
		else if (rename(new, old) && errno != ENOENT)
			return fail(-errno, "%s: %m", old);
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

/* All that can be done before it decides. */
static int prepare(struct bpf_object *object, const struct policy *policy,
		   const void *config, const char *folder, const char *prefix)
{
	int ret = policy->loaded ? policy->loaded(object, config) : 0;

	return ret ?: pin_settings(object, folder, prefix);
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
	ret = prepare(object, policy, config, folder, "");
	if (!ret)
		ret = map ? attach_struct_ops(map, policy, cgroup, folder) :
			    attach_programs(object, policy, folder);
	bpf_object__close(object);
	return ret;
}

/* What a cgroup that was removed, or a command that was interrupted, has left. */
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
		remove_folder(folder);
	return ret;
}

static int switch_to(struct bpf_link *link, struct bpf_object *object)
{
	if (bpf_link__update_map(link, struct_ops_of(object)))
		return fail(-errno, "the policy cannot be replaced: %m");
	return 0;
}

/* By the same policy with other settings. */
static int replace_settings(struct bpf_link *link, const struct policy *policy,
			    const void *config, const struct cgroup *cgroup,
			    const char *folder)
{
	struct bpf_object *object =
		load_object(policy, config, cgroup->id, folder);
	int ret;

	if (!object)
		return -EINVAL;
	ret = prepare(object, policy, config, folder, NEW);
	ret = ret ?: switch_to(link, object);
	bpf_object__close(object);
	if (ret)
		settle(folder, false);
	return ret ?: settle(folder, true);
}

static int replace_into(const char *folder, struct bpf_link *link,
			const struct policy *policy, const void *config,
			const struct cgroup *cgroup)
{
	struct bpf_object *object =
		load_object(policy, config, cgroup->id, folder);
	int ret;

	if (!object)
		return -EINVAL;
	ret = prepare(object, policy, config, folder, "");
	ret = ret ?: pin_link(link, folder, "link");
	ret = ret ?: switch_to(link, object);
	bpf_object__close(object);
	return ret;
}

static int forget(const char *folder)
{
	int ret = remove_folder(folder);

	return ret ? fail(ret, "%s: %s", folder, strerror(-ret)) : 0;
}

/* By another policy: each has a folder until it is sure which of them decides. */
static int replace_policy(const char *old_folder, struct bpf_link *link,
			  const struct policy *policy, const void *config,
			  const struct cgroup *cgroup, const char *folder)
{
	int ret;

	ret = make_way(folder, policy, cgroup);
	ret = ret ?: make_folder(folder);
	if (ret)
		return ret;
	ret = replace_into(folder, link, policy, config, cgroup);
	if (ret)
		remove_folder(folder);
	return ret ?: forget(old_folder);
}

static int replace_with(const struct attached *old, const char *folder,
			const struct policy *policy, const void *config,
			const struct cgroup *cgroup)
{
	_cleanup_free_ char *path = path_in(old->folder, "link");
	struct bpf_link *link;
	int ret;

	link = path ? bpf_link__open(path) : NULL;
	if (!link)
		return fail(-errno, "%s: %m", path ?: "out of memory");
	if (strcmp(old->folder, folder))
		ret = replace_policy(old->folder, link, policy, config, cgroup,
				     folder);
	else
		ret = replace_settings(link, policy, config, cgroup, folder);
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
	/* What it left over may name the link of another one. */
	if (!attached->gone)
		detach_folder(attached->folder);
	return forget(attached->folder);
}
