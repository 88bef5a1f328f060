// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What ioasctl does not take, and how it says so: one line, on stderr, and an exit
 * status of 2 for wrong usage and of 1 for all else. Nothing is left in bpffs.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>

#include "ioas_policy.h"

#define FAILED 1
#define USAGE 2

/* ---- wrong words ---- */

#define LOAD(policy) "policy", "load", policy, "--cgroup", LEAF
#define MAX_WORDS 16

/**
 * struct wrong - a call that fails
 * @name: of the test
 * @status: its exit status
 * @words: in its message
 * @args: the words after ioasctl
 */
static const struct wrong {
	const char *name;
	int status;
	const char *words;
	const char *args[MAX_WORDS];
} wrongs[] = {
	{ "no_verb", USAGE, "a verb is missing", {} },
	{ "no_verb_of_policy", USAGE, "a verb is missing", { "policy" } },
	{ "unknown_verb", USAGE, "no verb 'whom'", { "whom" } },
	{ "empty_verb", USAGE, "no verb ''", { "" } },
	{ "unknown_verb_of_policy",
	  USAGE,
	  "no verb 'lode'",
	  { "policy", "lode", "burst" } },
	{ "unknown_option", USAGE, "'--foo'", { "who", "--foo" } },
	{ "unknown_letter", USAGE, "'-x'", { "explain", "-x" } },
	{ "unknown_option_of_load",
	  USAGE,
	  "'--foo'",
	  { LOAD("burst"), "--foo" } },
	{ "option_without_value",
	  USAGE,
	  "'--cgroup'",
	  { "policy", "load", "burst", "--cgroup" } },
	{ "option_with_value", USAGE, "'--json=1'", { "who", "--json=1" } },
	{ "option_of_another_verb",
	  USAGE,
	  "'policy list' takes no --cgroup",
	  { "policy", "list", "--cgroup", LEAF } },
	{ "setting_of_unload",
	  USAGE,
	  "'policy unload' takes no --set",
	  { "policy", "unload", "burst", "--cgroup", LEAF, "--set", "a=1" } },
	{ "word_after_list",
	  USAGE,
	  "takes no 'burst'",
	  { "policy", "list", "burst" } },
	{ "two_cgroups_of_who",
	  USAGE,
	  "one cgroup too many",
	  { "who", "a", "b" } },
	{ "two_cgroups_of_explain",
	  USAGE,
	  "one cgroup too many",
	  { "explain", "a", "b" } },
	{ "no_policy", USAGE, "name a policy", { "policy", "load" } },
	{ "unknown_policy",
	  USAGE,
	  "there is no policy 'kind_quot'",
	  { LOAD("kind_quot") } },
	{ "folder_as_policy", USAGE, "no policy '../x'", { LOAD("../x") } },
	{ "two_policies",
	  USAGE,
	  "'burst' is one name too many",
	  { LOAD("dry_run"), "burst" } },
	{ "no_cgroup", USAGE, "say where", { "policy", "load", "burst" } },
	{ "empty_cgroup",
	  USAGE,
	  "say where",
	  { "policy", "load", "deny_log", "--cgroup", "" } },
	{ "unknown_setting",
	  USAGE,
	  "kind_quota has no setting 'nvme'",
	  { LOAD("kind_quota"), "--set", "nvme=1M" } },
	{ "setting_of_another_policy",
	  USAGE,
	  "dry_run has no setting 'soft'",
	  { LOAD("dry_run"), "--set", "soft=1M" } },
	{ "setting_without_value",
	  USAGE,
	  "'io_uring' is not NAME=VALUE",
	  { LOAD("kind_quota"), "--set", "io_uring" } },
	{ "setting_without_name",
	  USAGE,
	  "no setting ''",
	  { LOAD("kind_quota"), "--set", "=1M" } },
	{ "no_settings",
	  USAGE,
	  "kind_quota does nothing without a setting",
	  { LOAD("kind_quota") } },
	{ "no_settings_of_pasid_device",
	  USAGE,
	  "pasid_device does nothing without a setting",
	  { LOAD("pasid_device") } },
	{ "missing_setting",
	  USAGE,
	  "burst needs --set length=",
	  { LOAD("burst"), "--set", "soft=1M", "--set", "extra=1M" } },
	{ "setting_for_deny_log",
	  USAGE,
	  "deny_log has no setting 'cgroup_id'",
	  { LOAD("deny_log"), "--set", "cgroup_id=1" } },
	{ "device_that_is_not_there",
	  FAILED,
	  "there is no device 0000:ff:1f.7",
	  { LOAD("pasid_device"), "--set", "0000:ff:1f.7=1" } },
	{ "device_that_is_no_device",
	  FAILED,
	  "there is no device /sys/devices/../../etc",
	  { LOAD("pasid_device"), "--set", "/sys/devices/../../etc=1" } },
	{ "file_of_a_device",
	  FAILED,
	  "there is no device /sys/devices/system/cpu/online",
	  { LOAD("pasid_device"), "--set",
	    "/sys/devices/system/cpu/online=1" } },
	{ "device_with_a_bad_number",
	  USAGE,
	  "'1M' is no number of PASIDs",
	  { LOAD("pasid_device"), "--set", "0000:00:00.0=1M" } },
	{ "cgroup_that_does_not_exist",
	  FAILED,
	  "there is no cgroup /sys/fs/cgroup/nowhere",
	  { "policy", "load", "deny_log", "--cgroup", "nowhere" } },
	{ "cgroup_of_who_that_does_not_exist",
	  FAILED,
	  "there is no cgroup /sys/fs/cgroup/nowhere",
	  { "who", "/nowhere" } },
	{ "cgroup_of_explain_that_does_not_exist",
	  FAILED,
	  "there is no cgroup /sys/fs/cgroup/nowhere",
	  { "explain", "/sys/fs/cgroup/nowhere" } },
	{ "file_as_cgroup",
	  FAILED,
	  "is a file of a cgroup, not a cgroup",
	  { "policy", "load", "deny_log", "--cgroup", LEAF "/cgroup.procs" } },
	{ "path_that_leaves_the_cgroups",
	  FAILED,
	  "is not a cgroup",
	  { "policy", "load", "deny_log", "--cgroup", "../../../etc" } },
	{ "path_that_leaves_the_cgroups_of_who",
	  FAILED,
	  "is not a cgroup",
	  { "who", "/sys/fs/cgroup/../bpf" } },
	{ "unload_what_is_not_there",
	  FAILED,
	  "has no policy burst",
	  { "policy", "unload", "burst", "--cgroup", LEAF } },
	{ "replace_what_is_not_there",
	  FAILED,
	  "has no policy to replace",
	  { "policy", "replace", "kind_quota", "--cgroup", LEAF, "--set",
	    "rdma=1M" } },
	{ "explain_without_a_log",
	  FAILED,
	  "nobody logs what is refused",
	  { "explain", LEAF } },
};

static void run_ioasctl(struct output *output, const char *const *words,
			const struct surroundings *in)
{
	const char *args[MAX_WORDS + 2] = { "ioasctl" };

	for (size_t i = 0; i < MAX_WORDS && words[i]; i++)
		args[i + 1] = words[i];
	run_program(output, in, args);
}

static const struct wrong *wrong;

static void expect_wrong(void)
{
	struct output output;

	run_ioasctl(&output, wrong->args, &usual);
	expect_failure(__LINE__, &output, wrong->status, wrong->words);
	free_output(&output);
}

/* ---- values ---- */

/* What is no amount of anything. */
static const char *const garbage[] = {
	"",
	"-1",
	"-1M",
	"+1M",
	"M",
	"1MM",
	"1 M",
	" 1M",
	"1M ",
	"1.5M",
	"0x10",
	"1e6",
	"max",
	"1,000",
	"1P",
	"१",
	"1\xff",
	"99999999999G",
	"18446744073709551616",
	"16777216T",
	"-9223372036854775808",
};

/* A setting of each type. */
static const struct {
	const char *setting;
	const char *words[MAX_WORDS];
} settings[] = {
	{ "io_uring", { LOAD("kind_quota"), "--set", NULL } },
	{ "pasid_global", { LOAD("dry_run"), "--set", NULL } },
	{ "length",
	  { LOAD("burst"), "--set", "soft=1M", "--set", "extra=1M", "--set",
	    NULL } },
};

static void garbage_is_no_value(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		for (size_t j = 0; j < ARRAY_SIZE(garbage); j++) {
			const char *words[MAX_WORDS] = {};
			struct output output;
			char text[64];
			size_t n = 0;

			for (; settings[i].words[n]; n++)
				words[n] = settings[i].words[n];
			snprintf(text, sizeof(text), "%s=%s",
				 settings[i].setting, garbage[j]);
			words[n] = text;
			run_ioasctl(&output, words, &usual);
			expect_failure(__LINE__, &output, USAGE,
				       settings[i].setting);
			if (test_failed)
				fail_test("%s", text);
			free_output(&output);
		}
}

static void unit_of_another_type_is_no_value(void)
{
	static const struct wrong rows[] = {
		{ NULL,
		  USAGE,
		  "not a time like 30s, for length",
		  { LOAD("burst"), "--set", "length=1K" } },
		{ NULL,
		  USAGE,
		  "not an amount of memory like 512M, for soft",
		  { LOAD("burst"), "--set", "soft=1h" } },
		{ NULL,
		  USAGE,
		  "not a number, for pasid_device",
		  { LOAD("dry_run"), "--set", "pasid_device=1K" } },
		{ NULL,
		  USAGE,
		  "not a time like 30s, for rest",
		  { LOAD("burst"), "--set", "rest=5124095576030432h" } },
		{ NULL,
		  USAGE,
		  "not a time like 30s, for rest",
		  { LOAD("burst"), "--set", "rest=18446744074s" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		wrong = &rows[i];
		expect_wrong();
	}
}

static void largest_values_are_taken(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set",
	       "io_uring=16777215T", "--set", "vfio=18446744073709551615");
	EXPECT_LIST("p[0]['settings'] == 'io_uring=16777215T'");
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
	POLICY("load", "burst", "--cgroup", LEAF, "--set", "soft=1k", "--set",
	       "extra=0", "--set", "length=18446744073s", "--set", "rest=2m");
	EXPECT_LIST("p[0]['settings'] =="
		    " 'soft=1K extra=0 length=18446744073s rest=120s'");
	POLICY("unload", "burst", "--cgroup", LEAF);
}

static void more_settings_than_it_takes_are_refused(void)
{
	const char *args[6 + 2 * 65 + 1] = { "ioasctl",	   "policy",   "load",
					     "kind_quota", "--cgroup", LEAF };
	struct output output;

	for (int i = 0; i < 65; i++) {
		args[6 + 2 * i] = "--set";
		args[7 + 2 * i] = "rdma=1M";
	}
	run_program(&output, &usual, args);
	expect_failure(__LINE__, &output, USAGE, "more than 64 settings");
	free_output(&output);
}

static void cgroup_has_many_names(void)
{
	static const char *const names[] = {
		LEAF,	       "/" LEAF,	  "/sys/fs/cgroup/" LEAF,
		"//" LEAF "/", LEAF "/../leaf/.", "../cgroup/" LEAF,
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		POLICY("load", "kind_quota", "--cgroup", names[i], "--set",
		       "rdma=1M");
		EXPECT_LIST("[x['cgroup'] for x in p] == ['/" LEAF "']");
		POLICY("unload", "kind_quota", "--cgroup", names[i]);
	}
}

/* ---- what is around it ---- */

/* Each verb that does something. */
static const char *const verbs[][MAX_WORDS] = {
	{ "who" },
	{ "explain" },
	{ "policy", "list" },
	{ "policy", "clean" },
	{ LOAD("kind_quota"), "--set", "rdma=1M" },
	{ LOAD("deny_log") },
	{ "policy", "replace", "kind_quota", "--cgroup", LEAF, "--set",
	  "rdma=1M" },
	{ "policy", "unload", "kind_quota", "--cgroup", LEAF },
};

static void expect_all_fail(void (*before)(void), const char *words)
{
	const struct surroundings in = { .before = before, .out = -1 };
	struct output output;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		run_ioasctl(&output, verbs[i], &in);
		expect_failure(__LINE__, &output, FAILED, words);
		free_output(&output);
	}
}

/* Nobody. */
static void drop_privilege(void)
{
	REQUIRE(!setgroups(0, NULL) && !setgid(65534) && !setuid(65534));
}

static void user_is_told_of_privilege(void)
{
	expect_all_fail(drop_privilege, "that takes privilege");
}

static void user_is_told_of_privilege_beside_a_policy(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "rdma=1M");
	expect_all_fail(drop_privilege, "that takes privilege");
	EXPECT_LIST("len(p) == 1");
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
}

static void be_without(const char *mount_point)
{
	REQUIRE(!unshare(CLONE_NEWNS));
	REQUIRE(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	REQUIRE(!umount2(mount_point, MNT_DETACH));
}

static void be_without_bpffs(void)
{
	be_without(BPFFS);
}

static void missing_bpffs_is_said(void)
{
	expect_all_fail(be_without_bpffs, "mount -t bpf bpf /sys/fs/bpf");
}

static void be_without_cgroups(void)
{
	be_without(CGROUPS);
}

static void missing_cgroups_are_said(void)
{
	expect_all_fail(be_without_cgroups, "cgroup");
}

/* The system call is not there, as without CONFIG_BPF_SYSCALL. */
static void be_without_bpf(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_bpf, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { ARRAY_SIZE(filter), filter };

	REQUIRE(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void missing_bpf_is_said(void)
{
	expect_all_fail(be_without_bpf, "CONFIG_BPF_SYSCALL");
}

static void be_without_btf(void)
{
	REQUIRE(!unshare(CLONE_NEWNS));
	REQUIRE(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	REQUIRE(!mount("none", "/sys/kernel/btf", "tmpfs", 0, NULL));
}

static void missing_btf_is_said(void)
{
	expect_all_fail(be_without_btf, "CONFIG_DEBUG_INFO_BTF");
}

/*
 * The type of struct_ops has another name, as if it were not there: it is not without
 * CONFIG_BPF_JIT.
 */
static void be_without_struct_ops(void)
{
	static const char types[] = "/sys/kernel/btf/vmlinux";
	static const char name[] = "\0bpf_struct_ops_ioas_cgroup_ops";
	char path[] = "/tmp/types.XXXXXX";
	int from = open(types, O_RDONLY | O_CLOEXEC);
	int to = mkstemp(path);
	char *all, *found;
	struct stat st;

	REQUIRE(from >= 0 && to >= 0 && !fstat(from, &st));
	all = malloc(st.st_size + 1);
	REQUIRE(all && read_fd(from, all, st.st_size + 1) == st.st_size);
	found = memmem(all, st.st_size, name, sizeof(name));
	REQUIRE(found);
	found[1] = 'x';
	REQUIRE(write(to, all, st.st_size) == st.st_size);
	free(all);
	close(from);
	close(to);
	REQUIRE(!unshare(CLONE_NEWNS));
	REQUIRE(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	REQUIRE(!mount(path, types, NULL, MS_BIND, NULL));
	REQUIRE(!unlink(path));
}

static void missing_jit_is_said_by_what_needs_it(void)
{
	static const char *const fail[][MAX_WORDS] = {
		{ LOAD("kind_quota"), "--set", "rdma=1M" },
		{ "policy", "replace", "kind_quota", "--cgroup", LEAF, "--set",
		  "rdma=1M" },
	};
	static const char *const work[][MAX_WORDS] = {
		{ LOAD("deny_log") },
		{ "who" },
		{ "explain" },
		{ "policy", "list" },
		{ "policy", "clean" },
		{ "policy", "unload", "deny_log", "--cgroup", LEAF },
	};
	const struct surroundings in = { .before = be_without_struct_ops,
					 .out = -1 };
	struct output output;

	for (size_t i = 0; i < ARRAY_SIZE(fail); i++) {
		run_ioasctl(&output, fail[i], &in);
		expect_failure(__LINE__, &output, FAILED, "CONFIG_BPF_JIT");
		free_output(&output);
	}
	EXPECT_EQ(is_in_bpffs(), false);
	for (size_t i = 0; i < ARRAY_SIZE(work); i++) {
		run_ioasctl(&output, work[i], &in);
		EXPECT_TOLD(&output, "");
		free_output(&output);
	}
}

static void controller_that_is_not_enabled_is_said(void)
{
	const char *group = LEAF "/deeper";

	/* LEAF does not enable it for its children. */
	make_group(group);
	POLICY_FAILS("the ioas controller is not enabled in /" LEAF "/deeper: "
		     "echo +ioas > /sys/fs/cgroup/" LEAF
		     "/cgroup.subtree_control",
		     "load", "kind_quota", "--cgroup", group, "--set",
		     "rdma=1M");
	EXPECT_EQ(is_in_bpffs(), false);
	REQUIRE(!write_file(group_file(LEAF, "cgroup.subtree_control"),
			    "+ioas"));
	POLICY("load", "kind_quota", "--cgroup", group, "--set", "rdma=1M");
	POLICY("unload", "kind_quota", "--cgroup", group);
	EXPECT_EQ(remove_group(group), 0);
	REQUIRE(!write_file(group_file(LEAF, "cgroup.subtree_control"),
			    "-ioas"));
}

static void second_call_is_refused(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "rdma=1M");
	for (int i = 0; i < 2; i++)
		POLICY_FAILS("/" LEAF " has the policy kind_quota already",
			     "load", "kind_quota", "--cgroup", LEAF, "--set",
			     "rdma=1M");
	POLICY("load", "deny_log", "--cgroup", LEAF);
	POLICY_FAILS("/" LEAF " has the policy deny_log already", "load",
		     "deny_log", "--cgroup", LEAF);
	EXPECT_LIST("len(p) == 2");
	POLICY("unload", "deny_log", "--cgroup", LEAF);
	POLICY_FAILS("has no policy deny_log", "unload", "deny_log", "--cgroup",
		     LEAF);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
	POLICY_FAILS("has no policy kind_quota", "unload", "kind_quota",
		     "--cgroup", LEAF);
}

/* It decides nothing, so it can neither replace nor be replaced. */
static void deny_log_replaces_nothing(void)
{
	static const char words[] = "deny_log decides nothing";

	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "rdma=1M");
	POLICY_FAILS(words, "replace", "deny_log", "--cgroup", LEAF);
	POLICY("load", "deny_log", "--cgroup", LEAF);
	POLICY_FAILS(words, "replace", "deny_log", "--cgroup", LEAF);
	EXPECT_LIST("sorted(x['policy'] for x in p) =="
		    " ['deny_log', 'kind_quota']");
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
	POLICY_FAILS("has no policy to replace", "replace", "kind_quota",
		     "--cgroup", LEAF, "--set", "rdma=1M");
	POLICY("unload", "deny_log", "--cgroup", LEAF);
}

/* What it does not know in its folder is no concern of its. */
static void strange_folders_are_left_alone(void)
{
	static const char *const names[] = { "x", "12", "12-", "12-nothing",
					     "-burst" };
	char path[PATH_MAX];

	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "rdma=1M");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), POLICIES "/%s", names[i]);
		REQUIRE(!mkdir(path, 0700));
	}
	EXPECT_LIST("len(p) == 1");
	POLICY("clean");
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), POLICIES "/%s", names[i]);
		EXPECT_EQ(rmdir(path), 0);
	}
	EXPECT_EQ(rmdir(POLICIES), 0);
}

static void full_output_is_said(void)
{
	static const char *const said[][MAX_WORDS] = {
		{ "who", "--json" },
		{ "policy", "list" },
		{ "--help" },
		{ "policy", "--help" },
		{ "explain", "--json" },
		{ "policy", "clean", "--json" },
	};
	const struct surroundings in = {
		.out = open("/dev/full", O_WRONLY | O_CLOEXEC),
	};
	struct output output;

	REQUIRE(in.out >= 0);
	POLICY("load", "deny_log", "--cgroup", LEAF);
	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		run_ioasctl(&output, said[i], &in);
		expect_failure(__LINE__, &output, FAILED, "written");
		if (test_failed)
			fail_test("%s", said[i][0]);
		free_output(&output);
	}
	POLICY("unload", "deny_log", "--cgroup", LEAF);
	close(in.out);
}

static void help_is_no_failure(void)
{
	static const char *const said[][MAX_WORDS] = {
		{ "--help" },
		{ "-h" },
		{ "policy", "--help" },
		{ "policy", "-h" },
	};
	struct output output;

	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		run_ioasctl(&output, said[i], &usual);
		EXPECT_TOLD(&output, "Usage: ioasctl");
		free_output(&output);
	}
	IOASCTL(&output, "policy", "--help");
	EXPECT_TOLD(&output, "io_uring=SIZE");
	EXPECT_TOLD(&output, "length=TIME (needed)");
	free_output(&output);
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++) {
		wrong = &wrongs[i];
		run_test(wrong->name, expect_wrong, make_tree, remove_tree);
	}

#define RUN(test) run_test(#test, test, make_tree, remove_tree)

	RUN(garbage_is_no_value);
	RUN(unit_of_another_type_is_no_value);
	RUN(largest_values_are_taken);
	RUN(more_settings_than_it_takes_are_refused);
	RUN(cgroup_has_many_names);
	RUN(user_is_told_of_privilege);
	RUN(user_is_told_of_privilege_beside_a_policy);
	RUN(missing_bpffs_is_said);
	RUN(missing_cgroups_are_said);
	RUN(missing_bpf_is_said);
	RUN(missing_btf_is_said);
	RUN(missing_jit_is_said_by_what_needs_it);
	RUN(controller_that_is_not_enabled_is_said);
	RUN(second_call_is_refused);
	RUN(deny_log_replaces_nothing);
	RUN(strange_folders_are_left_alone);
	RUN(full_output_is_said);
	RUN(help_is_no_failure);
	return end_tests();
}
