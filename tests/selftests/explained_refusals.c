// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What deny_log keeps of refused pins, and what ioasctl explain makes of it: who asked,
 * whose limit or policy it was, who holds what there is, and what would help.
 *
 * libraries: -l:liburing.a -l:libbpf.a -lelf -lz
 */
#include <glob.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/types.h>

#include "../../bpf/ioas_policies.h"
#include "ioas_io_uring.h"
#include "ioas_policy.h"

#define SIZE (2 * MIB)

static char *memory;

static struct io_uring ring;

static int pin(size_t size)
{
	return register_buffer(&ring, memory, size);
}

static void set_up(void)
{
	make_tree();
	enter_group(LEAF);
	memory = get_aligned(SIZE);
	open_ring(&ring);
	name_thread("asker");
	POLICY("load", "deny_log", "--cgroup", MIDDLE);
}

static void clean_up(void)
{
	if (is_in_bpffs())
		POLICY("unload", "deny_log", "--cgroup", MIDDLE);
	close_ring(&ring);
	free(memory);
	EXPECT_SOON(stat_of(TREE, "accounts"), 0);
	EXPECT_NOTHING_PINNED(TREE);
	remove_tree();
}

/* Holds half a MiB, in BESIDE. */
static void hold(void)
{
	struct io_uring own;

	enter_group(BESIDE);
	name_thread("holder");
	open_ring(&own);
	EXPECT_EQ(register_buffer(&own, memory, MIB / 2), 0);
	pause_here();
}

static void expect_reports(int line, const char *report)
{
	expect_list(
		line,
		"[x['report'] for x in p if x['policy'] == 'deny_log'] == ['%s']",
		report);
}

#define EXPECT_REPORTS(report) expect_reports(__LINE__, report)

/* ---- in words ---- */

static void limit_of_the_cgroup_is_explained(void)
{
	struct output output;
	char words[128];

	set_number(LEAF, "ioas.pinned.max", MIB);
	EXPECT_EQ(pin(MIB + PAGE), -ENOMEM);
	IOASCTL(&output, "explain", LEAF);
	snprintf(words, sizeof(words),
		 "asker (PID %d) in /" LEAF
		 " wanted to pin 1.0 MiB more, of the kind io_uring.\n",
		 getpid());
	EXPECT_TOLD(&output, words);
	EXPECT_TOLD(&output, "/" LEAF " may pin 1.0 MiB (ioas.pinned.max) "
			     "and held 0 B.\n");
	EXPECT_TOLD(&output,
		    "echo 2M > /sys/fs/cgroup/" LEAF "/ioas.pinned.max\n");
	run_first_command(&output);
	free_output(&output);
	EXPECT_EQ(pin(MIB + PAGE), 0);
	EXPECT_REPORTS("1 refused");
}

static void limit_of_an_ancestor_is_explained(void)
{
	struct output output;
	struct child holder;
	char words[128];

	start_child(&holder, hold);
	set_number(MIDDLE, "ioas.pinned.max", MIB);
	EXPECT_EQ(pin(SIZE), -ENOMEM);
	IOASCTL(&output, "explain", MIDDLE);
	EXPECT_TOLD(&output,
		    "in /" LEAF
		    " wanted to pin 2.0 MiB more, of the kind io_uring.\n");
	EXPECT_TOLD(&output, "/" MIDDLE " may pin 1.0 MiB (ioas.pinned.max) "
			     "and held 512.0 KiB.\n");
	snprintf(words, sizeof(words),
		 "512.0 KiB  io_uring  holder (PID %d) in /" BESIDE "\n",
		 holder.pid);
	EXPECT_TOLD(&output, words);
	run_first_command(&output);
	free_output(&output);
	EXPECT_EQ(pin(SIZE), 0);
	EXPECT_EQ(group_value(MIDDLE, "ioas.pinned.max"), 3 * MIB);
	end_child(&holder);
}

static void policy_is_explained(void)
{
	struct output output;

	POLICY("load", "kind_quota", "--cgroup", MIDDLE, "--set",
	       "io_uring=1M");
	EXPECT_EQ(pin(SIZE), -ENOMEM);
	IOASCTL(&output, "explain", LEAF);
	EXPECT_TOLD(
		&output,
		"The policy kind_quota of /" MIDDLE
		" refused that (Cannot allocate memory), which held 0 B.\n");
	EXPECT_TOLD(&output,
		    "ioasctl policy replace kind_quota --cgroup /" MIDDLE
		    " --set io_uring=2M\n");
	free_output(&output);
	POLICY("unload", "kind_quota", "--cgroup", MIDDLE);
	/* There is nothing to replace any more. */
	IOASCTL(&output, "explain", LEAF);
	EXPECT_TOLD(&output, "The policy kind_quota of /" MIDDLE
			     ", which has gone, refused that "
			     "(Cannot allocate memory), when 0 B were held.\n");
	EXPECT_EQ(!strstr(output.out, "ioasctl policy replace"), true);
	free_output(&output);
}

/* Not the one that is there now, whose settings have refused nothing. */
static void policy_that_was_replaced_is_named(void)
{
	struct output output;

	POLICY("load", "kind_quota", "--cgroup", MIDDLE, "--set",
	       "io_uring=1M");
	EXPECT_EQ(pin(SIZE), -ENOMEM);
	POLICY("replace", "burst", "--cgroup", MIDDLE, "--set", "soft=1M",
	       "--set", "extra=9M", "--set", "length=1h");
	IOASCTL(&output, "explain", LEAF);
	EXPECT_TOLD(&output, "The policy kind_quota of /" MIDDLE
			     ", which has gone, refused that ");
	EXPECT_EQ(!strstr(output.out, "burst"), true);
	free_output(&output);
	IOASCTL(&output, "explain", "--json", LEAF);
	EXPECT_JSON(&output, "[(x['policy'], x['remedy']) for x in d] =="
			     " [('kind_quota', None)]");
	free_output(&output);
	POLICY("unload", "burst", "--cgroup", MIDDLE);
}

/* ---- the command that raises what a policy allows ---- */

/* What a policy has for settings, in any order. */
static void expect_settings(int line, const char *settings)
{
	expect_list(line,
		    "[sorted(x['settings'].split()) for x in p if"
		    " x['policy'] != 'deny_log'] == [sorted('%s'.split())]",
		    settings);
}

#define EXPECT_SETTINGS(settings) expect_settings(__LINE__, settings)

/* Memory that is pinned twice counts twice. */
static void command_raises_the_quota_and_keeps_the_others(void)
{
	struct io_uring second;

	open_ring(&second);
	EXPECT_EQ(register_buffer(&second, memory, SIZE), 0);
	POLICY("load", "kind_quota", "--cgroup", MIDDLE, "--set", "io_uring=3M",
	       "--set", "rdma=7K", "--set", "vfio=0");
	EXPECT_EQ(pin(MIB + PAGE), -ENOMEM);
	run_remedy(LEAF);
	EXPECT_SETTINGS("io_uring=4M rdma=7K vfio=0");
	EXPECT_EQ(pin(MIB + PAGE), 0);
	POLICY("unload", "kind_quota", "--cgroup", MIDDLE);
	close_ring(&second);
}

/* By who ended because of the refusal. */
static void command_counts_what_was_given_back(void)
{
	struct io_uring second;

	open_ring(&second);
	EXPECT_EQ(register_buffer(&second, memory, SIZE), 0);
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=2M");
	EXPECT_EQ(pin(MIB), -ENOMEM);
	close_ring(&second);
	EXPECT_SOON(stat_of(LEAF, "accounts"), 0);
	run_remedy(LEAF);
	EXPECT_SETTINGS("io_uring=3M");
	/* Nor does it take away what somebody else has raised. */
	POLICY("replace", "kind_quota", "--cgroup", LEAF, "--set",
	       "io_uring=9M");
	run_remedy(LEAF);
	EXPECT_SETTINGS("io_uring=9M");
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
}

static void command_raises_the_soft_limit_of_burst(void)
{
	struct io_uring second;

	open_ring(&second);
	EXPECT_EQ(register_buffer(&second, memory, MIB), 0);
	POLICY("load", "burst", "--cgroup", MIDDLE, "--set", "soft=1M", "--set",
	       "extra=4K", "--set", "length=90s", "--set", "rest=2h");
	EXPECT_EQ(pin(SIZE), -ENOMEM);
	run_remedy(LEAF);
	EXPECT_SETTINGS("soft=3M extra=4K length=90s rest=7200s");
	EXPECT_EQ(pin(SIZE), 0);
	POLICY("unload", "burst", "--cgroup", MIDDLE);
	close_ring(&second);
}

/* As the command is for a shell. */
static void command_holds_for_any_name_of_a_cgroup(void)
{
	static const char group[] = LEAF "/it's $HOME; a";
	struct output output;

	enter_group("");
	REQUIRE(!write_file(group_file(LEAF, "cgroup.subtree_control"),
			    "+ioas"));
	make_group(group);
	enter_group(group);
	set_number(group, "ioas.pinned.max", MIB);
	EXPECT_EQ(pin(SIZE), -ENOMEM);
	IOASCTL(&output, "explain", group);
	run_first_command(&output);
	free_output(&output);
	EXPECT_EQ(pin(SIZE), 0);
	enter_group("");
	EXPECT_EQ(remove_group(group), 0);
	REQUIRE(!write_file(group_file(LEAF, "cgroup.subtree_control"),
			    "-ioas"));
}

static void nothing_refused_is_said(void)
{
	struct output output;

	EXPECT_EQ(pin(MIB), 0);
	IOASCTL(&output, "explain", LEAF);
	EXPECT_TOLD(&output, "Nothing was refused to /" LEAF);
	free_output(&output);
	EXPECT_REPORTS("0 refused");
	IOASCTL(&output, "explain", "--json", LEAF);
	EXPECT_JSON(&output, "d == []");
	free_output(&output);
}

static void log_of_a_cgroup_below_is_not_taken_for_one_of_all(void)
{
	struct output output;

	POLICY("unload", "deny_log", "--cgroup", MIDDLE);
	POLICY("load", "deny_log", "--cgroup", BESIDE);
	set_number(LEAF, "ioas.pinned.max", 0);
	EXPECT_EQ(pin(PAGE), -ENOMEM);
	IOASCTL(&output, "explain", MIDDLE);
	EXPECT_TOLD(
		&output,
		"Nothing was refused to /" BESIDE " since deny_log is there.\n"
		"Nobody logs what is refused to the rest of /" MIDDLE ".\n");
	EXPECT_EQ(!strstr(output.out, "refused to /" MIDDLE " since"), true);
	free_output(&output);
	POLICY("unload", "deny_log", "--cgroup", BESIDE);
	POLICY("load", "deny_log", "--cgroup", MIDDLE);
}

static void log_that_is_missing_is_said(void)
{
	static const char group[] = LEAF "/it's; a";

	POLICY("unload", "deny_log", "--cgroup", MIDDLE);
	ioasctl_fails(__LINE__, "nobody logs what is refused to /" LEAF,
		      ARGS("ioasctl", "explain", LEAF));
	make_group(group);
	ioasctl_fails(__LINE__,
		      "'ioasctl policy load deny_log --cgroup '/" LEAF
		      "/it'\\''s; a'' does",
		      ARGS("ioasctl", "explain", group));
	EXPECT_EQ(remove_group(group), 0);
}

/* ---- as JSON ---- */

static void json_has_all_of_a_refusal(void)
{
	struct output output;
	struct child holder;

	start_child(&holder, hold);
	set_number(MIDDLE, "ioas.pinned.max", MIB);
	EXPECT_EQ(pin(SIZE), -ENOMEM);
	IOASCTL(&output, "explain", "--json", LEAF);
	EXPECT_JSON(&output,
		    "[(x['cgroup'], x['resource'], x['kind'], x['wanted'],"
		    " x['held'], x['max'], x['refused_by'], x['policy'],"
		    " x['error'], x['pid'], x['thread'], x['command'])"
		    " for x in d] == [('/" LEAF "', 'pinned', 'io_uring',"
		    " %llu, %llu, %llu, '/" MIDDLE "', None, None, %d, %d,"
		    " 'asker')]",
		    SIZE, MIB / 2, MIB, getpid(), getpid());
	EXPECT_JSON(&output, "0 <= d[0]['age'] < 60");
	EXPECT_JSON(&output,
		    "d[0]['holders'] == [{'cgroup': '/" BESIDE
		    "', 'kind': 'io_uring', 'gross': %llu, 'pid': %d,"
		    " 'thread': %d, 'command': 'holder'}]",
		    MIB / 2, holder.pid, holder.pid);
	EXPECT_JSON(&output,
		    "d[0]['remedy'] == 'echo 3M > /sys/fs/cgroup/" MIDDLE
		    "/ioas.pinned.max'");
	free_output(&output);
	end_child(&holder);
}

/* From the charge to the system call. */
static void json_has_the_stack(void)
{
	struct output output;

	set_number(LEAF, "ioas.pinned.max", 0);
	EXPECT_EQ(pin(PAGE), -ENOMEM);
	IOASCTL(&output, "explain", "--json", LEAF);
	EXPECT_JSON(&output,
		    "any(s.startswith('ioas_cg_') for s in d[0]['stack'])");
	EXPECT_JSON(&output, "any('io_uring_register' in s for s in"
			     " d[0]['stack'])");
	free_output(&output);
}

static void json_has_the_refusal_of_a_policy(void)
{
	struct output output;

	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=1M");
	EXPECT_EQ(pin(MIB), 0);
	EXPECT_EQ(io_uring_unregister_buffers(&ring), 0);
	EXPECT_EQ(pin(SIZE), -ENOMEM);
	IOASCTL(&output, "explain", "--json", LEAF);
	EXPECT_JSON(&output,
		    "[(x['kind'], x['wanted'], x['max'], x['refused_by'],"
		    " x['policy'], x['error']) for x in d] == [('io_uring',"
		    " %llu, None, '/" LEAF "', 'kind_quota',"
		    " 'Cannot allocate memory')]",
		    SIZE);
	free_output(&output);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
	IOASCTL(&output, "explain", "--json", LEAF);
	EXPECT_JSON(&output, "[(x['policy'], x['error'], x['max'],"
			     " x['remedy']) for x in d] == [('kind_quota',"
			     " 'Cannot allocate memory', None, None)]");
	free_output(&output);
}

/* A thread may call itself anything. */
static void name_of_a_thread_breaks_nothing(void)
{
	static const char *const names[] = { "\xff\xfe", "\"\\'\n}",
					     "\x1b[2J" };
	struct output output;

	set_number(LEAF, "ioas.pinned.max", 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		name_thread(names[i]);
		EXPECT_EQ(pin(PAGE), -ENOMEM);
		/* The same by the same thread at the same time is taken for one. */
		usleep(20 * 1000);
	}
	name_thread("asker");
	IOASCTL(&output, "explain", "--json", LEAF);
	EXPECT_JSON(&output, "len(d) == 3");
	EXPECT_JSON(&output, "d[1]['command'].startswith('\"\\\\\\'')");
	free_output(&output);
	IOASCTL(&output, "explain", LEAF);
	EXPECT_EQ(strchr(output.out, '\x1b') != NULL, false);
	free_output(&output);
}

/* ---- whose refusals ---- */

static void refusals_of_others_are_not_told(void)
{
	struct output output;

	set_number(BESIDE, "ioas.pinned.max", 0);
	set_number(LEAF, "ioas.pinned.max", 0);
	EXPECT_EQ(pin(PAGE), -ENOMEM);
	enter_group(BESIDE);
	EXPECT_EQ(pin(2 * PAGE), -ENOMEM);
	IOASCTL(&output, "explain", "--json", LEAF);
	EXPECT_JSON(&output, "[x['wanted'] for x in d] == [4096]");
	free_output(&output);
	IOASCTL(&output, "explain", "--json", MIDDLE);
	EXPECT_JSON(&output, "[x['wanted'] for x in d] == [8192, 4096]");
	free_output(&output);
	/* The log is of MIDDLE. */
	enter_group("");
	make_group("policies-outside");
	enter_group("policies-outside");
	set_number("policies-outside", "ioas.pinned.max", 0);
	EXPECT_EQ(pin(PAGE), -ENOMEM);
	EXPECT_REPORTS("2 refused");
	IOASCTL(&output, "explain", "--json");
	EXPECT_JSON(&output, "len(d) == 2");
	free_output(&output);
	enter_group("");
	EXPECT_EQ(remove_group("policies-outside"), 0);
}

static void refusal_that_two_logs_have_is_told_once(void)
{
	struct output output;

	POLICY("load", "deny_log", "--cgroup", LEAF);
	set_number(LEAF, "ioas.pinned.max", 0);
	EXPECT_EQ(pin(PAGE), -ENOMEM);
	usleep(20 * 1000);
	EXPECT_EQ(pin(PAGE), -ENOMEM);
	IOASCTL(&output, "explain", "--json", LEAF);
	EXPECT_JSON(&output, "len(d) == 2");
	free_output(&output);
	POLICY("unload", "deny_log", "--cgroup", LEAF);
}

/* More than are kept: the latest are. */
static void latest_refusals_are_kept(void)
{
	struct output output;

	set_number(LEAF, "ioas.pinned.max", 0);
	for (int i = 0; i < 300; i++)
		EXPECT_EQ(pin((i % 100 + 1) * PAGE), -ENOMEM);
	EXPECT_REPORTS("300 refused");
	IOASCTL(&output, "explain", "--json", LEAF);
	EXPECT_JSON(&output, "[x['wanted'] // 4096 for x in d] =="
			     " [100, 99, 98, 97, 96]");
	free_output(&output);
}

/* As a service's is when it has failed. */
static void refusal_of_a_removed_cgroup_is_told(void)
{
	struct output output;
	char words[128];

	set_number(MIDDLE, "ioas.pinned.max", 0);
	EXPECT_EQ(pin(PAGE), -ENOMEM);
	enter_group(BESIDE);
	EXPECT_EQ(pin(2 * PAGE), -ENOMEM);
	EXPECT_EQ(remove_group(LEAF), 0);
	IOASCTL(&output, "explain", "--json", MIDDLE);
	EXPECT_JSON(&output, "[(x['wanted'], x['cgroup']) for x in d] =="
			     " [(8192, '/" BESIDE "'), (4096, None)]");
	free_output(&output);
	IOASCTL(&output, "explain", MIDDLE);
	snprintf(words, sizeof(words),
		 "asker (PID %d) in a cgroup that has gone wanted to pin"
		 " 4.0 KiB more",
		 getpid());
	EXPECT_TOLD(&output, words);
	free_output(&output);
	/* It was not there. */
	IOASCTL(&output, "explain", "--json", BESIDE);
	EXPECT_JSON(&output, "[x['wanted'] for x in d] == [8192]");
	free_output(&output);
}

static void refusal_by_a_removed_cgroup_is_told(void)
{
	struct output output;

	set_number(LEAF, "ioas.pinned.max", 0);
	EXPECT_EQ(pin(PAGE), -ENOMEM);
	enter_group(BESIDE);
	EXPECT_EQ(remove_group(LEAF), 0);
	IOASCTL(&output, "explain", MIDDLE);
	EXPECT_TOLD(&output, "in a cgroup that has gone wanted to pin 4.0 KiB");
	EXPECT_TOLD(&output, "A cgroup that has gone may pin 0 B"
			     " (ioas.pinned.max) and held 0 B.\n");
	free_output(&output);
}

/* The log is of more than what is asked about. */
static void removed_cgroup_was_below_the_one_that_refused(void)
{
	struct output output;

	POLICY("load", "deny_log", "--cgroup", TREE);
	POLICY("unload", "deny_log", "--cgroup", MIDDLE);
	set_number(MIDDLE, "ioas.pinned.max", 0);
	EXPECT_EQ(pin(PAGE), -ENOMEM);
	enter_group(BESIDE);
	EXPECT_EQ(remove_group(LEAF), 0);
	IOASCTL(&output, "explain", "--json", MIDDLE);
	EXPECT_JSON(&output, "[x['wanted'] for x in d] == [4096]");
	free_output(&output);
	IOASCTL(&output, "explain", "--json", BESIDE);
	EXPECT_JSON(&output, "d == []");
	free_output(&output);
	POLICY("load", "deny_log", "--cgroup", MIDDLE);
	POLICY("unload", "deny_log", "--cgroup", TREE);
}

/* What came through the ring buffer, in order. */
static struct ioas_refusal followed[4];

static unsigned int nr_followed;

static int follow(void *context, void *data, size_t size)
{
	(void)context;
	EXPECT_EQ(size, sizeof(followed[0]));
	if (nr_followed < ARRAY_SIZE(followed))
		followed[nr_followed] = *(struct ioas_refusal *)data;
	nr_followed++;
	return 0;
}

/* The one log that there is. */
static struct ring_buffer *open_ring_buffer(void)
{
	struct ring_buffer *ring_buffer;
	glob_t found;
	int map;

	REQUIRE(!glob("/sys/fs/bpf/ioas/*-deny_log/refusals", 0, NULL, &found));
	REQUIRE(found.gl_pathc == 1);
	map = bpf_obj_get(found.gl_pathv[0]);
	globfree(&found);
	REQUIRE(map >= 0);
	ring_buffer = ring_buffer__new(map, follow, NULL, NULL);
	REQUIRE(ring_buffer);
	close(map);
	return ring_buffer;
}

/* Those who follow the log get each refusal as it happens, a policy's too. */
static void ring_buffer_has_each_refusal(void)
{
	struct ring_buffer *ring_buffer = open_ring_buffer();

	nr_followed = 0;
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=0");
	EXPECT_EQ(pin(PAGE), -ENOMEM);
	set_number(MIDDLE, "ioas.pinned.max", 0);
	EXPECT_EQ(pin(2 * PAGE), -ENOMEM);
	EXPECT_EQ(ring_buffer__consume(ring_buffer), 2);
	EXPECT_EQ(nr_followed, 2);
	EXPECT_EQ(followed[0].error, -ENOMEM);
	EXPECT_EQ(followed[0].wanted, PAGE);
	EXPECT_EQ(followed[0].max == IOAS_NO_LIMIT, true);
	EXPECT_EQ(strcmp(followed[0].policy, "kind_quota"), 0);
	EXPECT_EQ(followed[1].policy[0], '\0');
	EXPECT_EQ(followed[1].error, 0);
	EXPECT_EQ(followed[1].wanted, 2 * PAGE);
	EXPECT_EQ(followed[1].held, 0);
	EXPECT_EQ(followed[1].max, 0);
	EXPECT_EQ(followed[0].cgroup_id == followed[1].cgroup_id, true);
	EXPECT_EQ(followed[0].limit_id, followed[0].cgroup_id);
	EXPECT_EQ(followed[1].limit_id != followed[1].cgroup_id, true);
	for (unsigned int i = 0; i < 2; i++) {
		EXPECT_EQ(followed[i].tgid, getpid());
		EXPECT_EQ(strcmp(followed[i].comm, "asker"), 0);
		EXPECT_EQ(followed[i].stack_depth > 4, true);
	}
	ring_buffer__free(ring_buffer);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
}

#define RUN(test) run_test(#test, test, set_up, clean_up)

int main(void)
{
	RUN(limit_of_the_cgroup_is_explained);
	RUN(limit_of_an_ancestor_is_explained);
	RUN(policy_is_explained);
	RUN(policy_that_was_replaced_is_named);
	RUN(command_raises_the_quota_and_keeps_the_others);
	RUN(command_counts_what_was_given_back);
	RUN(command_raises_the_soft_limit_of_burst);
	RUN(command_holds_for_any_name_of_a_cgroup);
	RUN(nothing_refused_is_said);
	RUN(log_of_a_cgroup_below_is_not_taken_for_one_of_all);
	RUN(log_that_is_missing_is_said);
	RUN(json_has_all_of_a_refusal);
	RUN(json_has_the_stack);
	RUN(json_has_the_refusal_of_a_policy);
	RUN(name_of_a_thread_breaks_nothing);
	RUN(refusals_of_others_are_not_told);
	RUN(refusal_that_two_logs_have_is_told_once);
	RUN(latest_refusals_are_kept);
	RUN(ring_buffer_has_each_refusal);
	RUN(refusal_of_a_removed_cgroup_is_told);
	RUN(refusal_by_a_removed_cgroup_is_told);
	RUN(removed_cgroup_was_below_the_one_that_refused);
	return end_tests();
}
