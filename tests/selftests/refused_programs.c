// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BPF programs that the kernel must not take, and why it says that it does not. Each has
 * a twin that differs in one thing and that is taken, so that it is that thing.
 *
 * libraries: -l:libbpf.a -lelf -lz
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "ioas_policy.h"

#include "refused.skel.h"

/* ---- one program of many ---- */

static char words[64 * KIB];

static int be_quiet(enum libbpf_print_level level, const char *format,
		    va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static struct bpf_object *open_programs(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_buf = words,
		    .kernel_log_size = sizeof(words));
	struct bpf_object *object;
	const void *elf;
	size_t size;

	elf = refused_bpf__elf_bytes(&size);
	object = bpf_object__open_mem(elf, size, &options);
	REQUIRE(object);
	*words = '\0';
	return object;
}

/* A struct_ops has its program loaded along, so that one is named by its map. */
static struct bpf_map *choose(struct bpf_object *object, const char *name)
{
	struct bpf_map *map, *found = NULL;
	struct bpf_program *program;
	bool known = false;

	bpf_object__for_each_map(map, object) {
		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		if (strcmp(bpf_map__name(map), name))
			REQUIRE(!bpf_map__set_autocreate(map, false));
		else
			found = map;
	}
	bpf_object__for_each_program(program, object) {
		if (bpf_program__type(program) == BPF_PROG_TYPE_STRUCT_OPS)
			continue;
		known |= !strcmp(bpf_program__name(program), name);
		REQUIRE(!bpf_program__set_autoload(
			program, !strcmp(bpf_program__name(program), name)));
	}
	REQUIRE(known || found);
	return found;
}

/* Returns 0 or -errno, with the words of the verifier. */
static int load(const char *name)
{
	struct bpf_object *object = open_programs();
	int ret;

	choose(object, name);
	ret = bpf_object__load(object);
	bpf_object__close(object);
	return ret;
}

/* Of the cgroup, in a struct_ops. */
static size_t offset_of_id(const struct bpf_object *object)
{
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_type *type;
	int id = btf__find_by_name(btf, "ioas_cgroup_ops");

	REQUIRE(id > 0);
	type = btf__type_by_id(btf, id);
	for (int i = 0; i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(btf,
						btf_members(type)[i].name_off),
			    "cgroup_id"))
			return btf_member_bit_offset(type, i) / 8;
	REQUIRE(false);
	return 0;
}

/* The same, and attaches it, which only a struct_ops does here, for a moment. */
static int load_and_attach(const char *name, uint64_t cgroup_id)
{
	struct bpf_object *object = open_programs();
	struct bpf_map *map = choose(object, name);
	struct bpf_link *link;
	char *value;
	size_t size;
	int ret;

	value = bpf_map__initial_value(map, &size);
	REQUIRE(value);
	memcpy(value + offset_of_id(object), &cgroup_id, sizeof(cgroup_id));
	REQUIRE(!bpf_object__load(object));
	link = bpf_map__attach_struct_ops(map);
	ret = link ? 0 : -errno;
	bpf_link__destroy(link);
	bpf_object__close(object);
	return ret;
}

/* ---- what the verifier refuses ---- */

/**
 * struct pair - a program that is refused, and its twin
 * @bad: the program
 * @error: what its load gives
 * @words: among those of the verifier
 * @good: the twin
 */
static const struct pair {
	const char *bad;
	int error;
	const char *words;
	const char *good;
} pairs[] = {
	{ "writes_charge_ops", -EACCES, "only read is supported",
	  "reads_charge_ops" },
	{ "writes_pasid_ops", -EACCES, "only read is supported",
	  "reads_pasid_ops" },
	{ "writes_task_ops", -EACCES, "only read is supported",
	  "reads_task_ops" },
	{ "reads_past_charge_ops", -EACCES,
	  "access beyond struct ioas_policy_pinned", "reads_charge_ops" },
	{ "sleeps_ops", -EINVAL,
	  "attach to unsupported member charge_pinned of struct ioas_cgroup_ops",
	  "does_not_sleep_ops" },
	{ "sleeps_at_end_ops", -EINVAL,
	  "attach to unsupported member cgroup_gone of struct ioas_cgroup_ops",
	  "does_not_sleep_at_end_ops" },
	{ "does_not_look", -EACCES, "invalid mem access 'trusted_ptr_or_null_'",
	  "looks" },
	{ "writes_account", -EACCES, "only read is supported", "looks" },
	{ "stat_is_too_long", -EINVAL,
	  "memory, len pair leads to invalid memory access", "stat_fits" },
	{ "stat_of_unknown_size", -EACCES,
	  "memory, len pair leads to invalid memory access", "stat_fits" },
	{ "stat_is_a_number", -EACCES,
	  "memory, len pair leads to invalid memory access", "stat_fits" },
	{ "stat_is_null", -EACCES, "null", "stat_fits" },
	{ "stat_into_nothing", -EACCES,
	  "Possibly NULL pointer passed to trusted arg", "stat_into_map" },
	{ "stat_into_charge_ops", -EINVAL,
	  "expected pointer to STRUCT ioas_policy_stat",
	  "stat_into_stack_ops" },
	{ "stat_of_socket", -EACCES,
	  "calling kernel function bpf_ioas_stat is not allowed",
	  "stat_of_syscall" },
	{ "usage_of_xdp", -EACCES,
	  "calling kernel function bpf_ioas_usage is not allowed",
	  "usage_of_syscall" },
	{ "limit_of_skb", -EACCES,
	  "calling kernel function bpf_ioas_limit is not allowed",
	  "usage_of_syscall" },
	{ "leaks_cgroup", -EINVAL,
	  "Unreleased reference id=", "releases_cgroup" },
	{ "releases_what_it_has_not", -EINVAL,
	  "release kernel function bpf_cgroup_release expects refcounted",
	  "reads_what_it_has_not" },
	{ "releases_twice", -EINVAL,
	  "arg#0 pointer type STRUCT cgroup must point to", "releases_cgroup" },
};

static const struct pair *pair;

static void expect_refused(void)
{
	EXPECT_EQ(load(pair->bad), pair->error);
	if (!strstr(words, pair->words))
		fail_test("expected '%s', found: %s", pair->words, words);
	EXPECT_EQ(load(pair->good), 0);
	if (test_failed)
		fail_test("%s", words);
}

/* ---- what cannot be attached ---- */

/**
 * struct attachment - a struct_ops and what comes of it
 * @name: its map
 * @error: what attaching it gives
 */
static const struct attachment {
	const char *name;
	int error;
} attachments[] = {
	{ "good_name", 0 },
	{ "longest_name", 0 },
	{ "no_name", -EINVAL },
	{ "name_without_end", -EINVAL },
	{ "name_with_space", -EINVAL },
	{ "name_with_slash", -EINVAL },
	{ "name_with_newline", -EINVAL },
	{ "with_flags", -EINVAL },
	{ "with_all_flags", -EINVAL },
};

static const struct attachment *attachment;

static void expect_attached_or_not(void)
{
	EXPECT_EQ(load_and_attach(attachment->name, group_id(LEAF)),
		  attachment->error);
}

static void cgroup_has_to_be_there(void)
{
	EXPECT_EQ(load_and_attach("good_name", 0), -ENOENT);
	EXPECT_EQ(load_and_attach("good_name", UINT64_MAX), -ENOENT);
	EXPECT_EQ(load_and_attach("good_name", group_id(LEAF)), 0);
	/* The root has one, too. */
	EXPECT_EQ(load_and_attach("good_name", group_id("")), 0);
}

static void controller_has_to_be_enabled(void)
{
	const char *group = LEAF "/deeper";

	make_group(group);
	EXPECT_EQ(load_and_attach("good_name", group_id(group)), -ENODEV);
	REQUIRE(!write_file(group_file(LEAF, "cgroup.subtree_control"),
			    "+ioas"));
	EXPECT_EQ(load_and_attach("good_name", group_id(group)), 0);
	REQUIRE(!write_file(group_file(LEAF, "cgroup.subtree_control"),
			    "-ioas"));
	EXPECT_EQ(load_and_attach("good_name", group_id(group)), -ENODEV);
	EXPECT_EQ(remove_group(group), 0);
}

static void second_policy_of_a_cgroup_is_refused(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "rdma=1M");
	EXPECT_EQ(load_and_attach("good_name", group_id(LEAF)), -EEXIST);
	EXPECT_EQ(load_and_attach("good_name", group_id(MIDDLE)), 0);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
	EXPECT_EQ(load_and_attach("good_name", group_id(LEAF)), 0);
}

int main(void)
{
	libbpf_set_print(be_quiet);
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		pair = &pairs[i];
		run_test(pair->bad, expect_refused, NULL, NULL);
	}

#define RUN(test) run_test(#test, test, make_tree, remove_tree)

	for (size_t i = 0; i < ARRAY_SIZE(attachments); i++) {
		attachment = &attachments[i];
		run_test(attachment->name, expect_attached_or_not, make_tree,
			 remove_tree);
	}
	RUN(cgroup_has_to_be_there);
	RUN(controller_has_to_be_enabled);
	RUN(second_policy_of_a_cgroup_is_refused);
	return end_tests();
}
