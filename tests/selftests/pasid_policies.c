// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policies for PASIDs that ioasctl attaches: what they refuse, and what that leaves;
 * and what is logged of refusals.
 *
 * libraries: -l:libbpf.a -lelf -lz
 */
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <stdatomic.h>
#include <stddef.h>

#include <bpf/bpf.h>

#include "ioas_pasid.h"
#include "ioas_policy.h"

static const char *const up[LEVELS] = { INNER, OUTER, TOP };

#define EXPECT_DENIED_PASIDS(group, nr) \
	expect_denied(__LINE__, "ioas.pasid.events", up, group, nr)

/* Refusals by limits, of all below TOP. */
static int64_t limits_hit(void)
{
	const char *path = group_file(TOP, "ioas.pasid.events");

	return file_key(path, "global.max") + file_key(path, "device.max");
}

/* ---- settings of devices ---- */

/* A setting for a device; good until the second call after this one. */
static const char *setting(const char *path, unsigned int max)
{
	static char texts[2][PATH_MAX];
	static unsigned int next;
	char *text = texts[next++ % 2];

	snprintf(text, PATH_MAX, "%s=%u", path, max);
	return text;
}

/* What is reported of a device of the policy of a cgroup. */
static void expect_used(int line, const char *group, const char *path,
			unsigned int used, unsigned int max)
{
	expect_list(line,
		    "'inode %" PRId64 " %u of %u' in "
		    "[x['report'] for x in p if x['cgroup'] == '/%s' and"
		    " x['policy'] == 'pasid_device'][0].split('; ')",
		    inode_of(path), used, max, group);
}

#define EXPECT_USED(group, path, used, max) \
	expect_used(__LINE__, group, path, used, max)

static void set_up_devices(void)
{
	set_up();
	find_devices();
}

static void clean_up_devices(void)
{
	forget_devices();
	EXPECT_EQ(is_in_bpffs(), false);
	clean_up();
	if (is_in_bpffs())
		POLICY("clean");
}

/* ---- pasid_device ---- */

static void device_has_its_limit(void)
{
	POLICY("load", "pasid_device", "--cgroup", INNER, "--set",
	       setting(PATH_OF_OWN, 2));
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	EXPECT_USED(INNER, PATH_OF_OWN, 2, 2);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), -EDQUOT);
	EXPECT_EQ(translate(&own, 7), -ENOENT);
	EXPECT_CHARGED(0, 2);
	EXPECT_USED(INNER, PATH_OF_OWN, 2, 2);
	EXPECT_DENIED_PASIDS(INNER, 1);
	EXPECT_EQ(limits_hit(), 0);
	/* The others have none. */
	for (int i = 1; i <= 5; i++)
		EXPECT_EQ(ALLOC(DEVICE, i, second.bound), i);
	EXPECT_CHARGED(0, 7);
	/* What is freed makes room. */
	EXPECT_EQ(free_vpasid(DEVICE, 5, own.bound), 0);
	EXPECT_USED(INNER, PATH_OF_OWN, 1, 2);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), 7);
	EXPECT_EQ(ALLOC(DEVICE, 8, own.bound), -EDQUOT);
	EXPECT_DENIED_PASIDS(INNER, 2);
	POLICY("unload", "pasid_device", "--cgroup", INNER);
	EXPECT_EQ(ALLOC(DEVICE, 8, own.bound), 8);
}

static void other_devices_have_theirs_each(void)
{
	POLICY("load", "pasid_device", "--cgroup", OUTER, "--set", "others=1",
	       "--set", setting(PATH_OF_OWN, 2));
	EXPECT_EQ(ALLOC(DEVICE, 5, second.bound), 5);
	EXPECT_EQ(ALLOC(DEVICE, 5, narrow.bound), 5);
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	EXPECT_EQ(ALLOC(DEVICE, 6, second.bound), -EDQUOT);
	EXPECT_EQ(ALLOC(DEVICE, 6, narrow.bound), -EDQUOT);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), -EDQUOT);
	EXPECT_DENIED_PASIDS(OUTER, 3);
	EXPECT_USED(OUTER, PATH_OF_OWN, 2, 2);
	EXPECT_USED(OUTER, PATH_OF_SECOND, 1, 1);
	EXPECT_CHARGED(0, 4);
	POLICY("unload", "pasid_device", "--cgroup", OUTER);
}

/* All or nothing: what the policy allowed before is given back. */
static void group_that_does_not_fit_leaves_nothing(void)
{
	POLICY("load", "pasid_device", "--cgroup", INNER, "--set",
	       setting(PATH_OF_OWN, 3), "--set", setting(PATH_OF_SECOND, 1));
	EXPECT_EQ(ALLOC(GROUP, 5, own.bound, second.bound), 5);
	EXPECT_EQ(ALLOC(GROUP, 6, own.bound, second.bound), -EDQUOT);
	EXPECT_CHARGED(0, 2);
	EXPECT_USED(INNER, PATH_OF_OWN, 1, 3);
	EXPECT_USED(INNER, PATH_OF_SECOND, 1, 1);
	EXPECT_DENIED_PASIDS(INNER, 1);
	EXPECT_EQ(free_vpasid(GROUP, 5, own.bound), 0);
	EXPECT_USED(INNER, PATH_OF_OWN, 0, 3);
	EXPECT_USED(INNER, PATH_OF_SECOND, 0, 1);
	POLICY("unload", "pasid_device", "--cgroup", INNER);
}

static void attachment_to_a_global_number_counts(void)
{
	int number;

	POLICY("load", "pasid_device", "--cgroup", INNER, "--set",
	       setting(PATH_OF_OWN, 1));
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(GLOBAL, 6), 6);
	number = translate(&own, 5);
	EXPECT_USED(INNER, PATH_OF_OWN, 0, 1);
	EXPECT_EQ(attach_pasid(&own, number), 0);
	EXPECT_USED(INNER, PATH_OF_OWN, 1, 1);
	EXPECT_EQ(attach_pasid(&own, translate(&own, 6)), -EDQUOT);
	EXPECT_EQ(attach_pasid(&second, number), 0);
	EXPECT_CHARGED(2, 2);
	EXPECT_EQ(detach_pasid(&own, number), 0);
	EXPECT_USED(INNER, PATH_OF_OWN, 0, 1);
	EXPECT_EQ(attach_pasid(&own, translate(&own, 6)), 0);
	EXPECT_USED(INNER, PATH_OF_OWN, 1, 1);
	/* Its end is the end of the attachment. */
	EXPECT_EQ(unplug(&own), 0);
	EXPECT_EQ(unplug(&second), 0);
	EXPECT_CHARGED(2, 0);
	EXPECT_DENIED_PASIDS(INNER, 1);
	POLICY("unload", "pasid_device", "--cgroup", INNER);
}

static void pasid_from_before_is_not_counted(void)
{
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	POLICY("load", "pasid_device", "--cgroup", INNER, "--set",
	       setting(PATH_OF_OWN, 1));
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), -EDQUOT);
	EXPECT_EQ(free_vpasid(DEVICE, 5, own.bound), 0);
	EXPECT_USED(INNER, PATH_OF_OWN, 1, 1);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), -EDQUOT);
	EXPECT_EQ(free_vpasid(DEVICE, 6, own.bound), 0);
	EXPECT_USED(INNER, PATH_OF_OWN, 0, 1);
	POLICY("unload", "pasid_device", "--cgroup", INNER);
}

/* Also what no limit was for at the time. */
static void limit_that_comes_later_knows_the_count(void)
{
	POLICY("load", "pasid_device", "--cgroup", INNER, "--set",
	       setting(PATH_OF_SECOND, 1));
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	POLICY("replace", "pasid_device", "--cgroup", INNER, "--set",
	       setting(PATH_OF_OWN, 2));
	EXPECT_USED(INNER, PATH_OF_OWN, 2, 2);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), -EDQUOT);
	EXPECT_EQ(free_vpasid(DEVICE, 5, own.bound), 0);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), 7);
	EXPECT_EQ(ALLOC(DEVICE, 8, own.bound), -EDQUOT);
	POLICY("unload", "pasid_device", "--cgroup", INNER);
}

static bool is_none_counted(void)
{
	int map = bpf_obj_get(policy_path(INNER, "pasid_device", "counted"));
	char key[64];
	int ret;

	REQUIRE(map >= 0);
	ret = bpf_map_get_next_key(map, NULL, key);
	close(map);
	return ret;
}

/* Who takes one number after the other, and one at a time, does not fill a table. */
static void numbers_that_were_freed_are_not_kept(void)
{
	POLICY("load", "pasid_device", "--cgroup", INNER, "--set",
	       setting(PATH_OF_OWN, 1));
	for (unsigned int i = 1; i < 100; i++) {
		EXPECT_EQ(ALLOC(DEVICE, i, own.bound), (int)i);
		EXPECT_EQ(is_none_counted(), false);
		EXPECT_EQ(free_vpasid(DEVICE, i, own.bound), 0);
	}
	EXPECT_EQ(is_none_counted(), true);
	POLICY("unload", "pasid_device", "--cgroup", INNER);
}

static void closed_iommufd_leaves_no_count(void)
{
	POLICY("load", "pasid_device", "--cgroup", OUTER, "--set", "others=9",
	       "--set", setting(PATH_OF_OWN, 3));
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	EXPECT_EQ(ALLOC(GROUP, 6, own.bound, second.bound), 6);
	EXPECT_EQ(attach_pasid(&own, 1000), 0);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), -EDQUOT);
	EXPECT_LIST(
		"sorted(x.split(' ')[2:] for x in p[0]['report'].split('; ')) == "
		"[['1', 'of', '9'], ['3', 'of', '3']]");
	close_set();
	EXPECT_CHARGED(0, 0);
	EXPECT_LIST(
		"sorted(x.split(' ')[2:] for x in p[0]['report'].split('; ')) == "
		"[['0', 'of', '3'], ['0', 'of', '9']]");
	POLICY("unload", "pasid_device", "--cgroup", OUTER);
}

/* What the child's policy has counted by then is given back. */
static void charge_that_the_parent_refuses_is_undone_in_the_child(void)
{
	POLICY("load", "pasid_device", "--cgroup", INNER, "--set",
	       setting(PATH_OF_OWN, 5));
	POLICY("load", "pasid_device", "--cgroup", OUTER, "--set",
	       setting(PATH_OF_OWN, 1));
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), -EDQUOT);
	EXPECT_EQ(attach_pasid(&own, 1000), -EDQUOT);
	EXPECT_USED(INNER, PATH_OF_OWN, 1, 5);
	EXPECT_USED(OUTER, PATH_OF_OWN, 1, 1);
	EXPECT_DENIED_PASIDS(OUTER, 2);
	EXPECT_CHARGED(0, 1);
	POLICY("unload", "pasid_device", "--cgroup", OUTER);
	POLICY("unload", "pasid_device", "--cgroup", INNER);
}

static void replaced_limit_keeps_the_count(void)
{
	POLICY("load", "pasid_device", "--cgroup", INNER, "--set",
	       setting(PATH_OF_OWN, 1));
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	POLICY("replace", "pasid_device", "--cgroup", INNER, "--set",
	       setting(PATH_OF_OWN, 2));
	EXPECT_USED(INNER, PATH_OF_OWN, 1, 2);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), -EDQUOT);
	EXPECT_EQ(free_vpasid(DEVICE, 5, own.bound), 0);
	EXPECT_EQ(free_vpasid(DEVICE, 6, own.bound), 0);
	EXPECT_USED(INNER, PATH_OF_OWN, 0, 2);
	POLICY("unload", "pasid_device", "--cgroup", INNER);
}

/* ---- at the same time ---- */

#define NR_RACERS 3
#define RACE_LIMIT 2

/* What they hold: counted after an allocation and before its end. */
static struct shared {
	atomic_int held;
	atomic_bool too_many, stop;
	atomic_uint refused, allowed, attached;
} * shared;

static void share(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
}

/* Returns whether there is one to give back. */
static bool is_held(int ret)
{
	if (ret < 0) {
		EXPECT_EQ(ret, -EDQUOT);
		shared->refused++;
		usleep(50);
		return false;
	}
	if (++shared->held > RACE_LIMIT)
		shared->too_many = true;
	usleep(100);
	shared->held--;
	return true;
}

/* Runs in a child, with the iommufd of its parent, whose mutex it charges under. */
static void allocate_and_free(void)
{
	pause_here();
	for (int i = 0; i < 300; i++) {
		int vpasid = ALLOC(DEVICE, 0, own.bound);

		if (is_held(vpasid))
			EXPECT_EQ(free_vpasid(DEVICE, vpasid, own.bound), 0);
	}
}

static int global_number;

/* The same, under the mutex of the device's IOMMU group; it need not get one among them. */
static void attach_and_detach(void)
{
	pause_here();
	for (int i = 0; i < 300 || !shared->attached; i++) {
		if (is_held(attach_pasid(&own, global_number))) {
			EXPECT_EQ(detach_pasid(&own, global_number), 0);
			shared->attached++;
		}
	}
}

static void racing_processes_never_pass_the_limit(void)
{
	struct child children[NR_RACERS];

	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	global_number = translate(&own, 5);
	share();
	POLICY("load", "pasid_device", "--cgroup", INNER, "--set",
	       setting(PATH_OF_OWN, RACE_LIMIT));
	for (size_t i = 0; i < NR_RACERS; i++)
		start_child(&children[i],
			    i ? allocate_and_free : attach_and_detach);
	for (size_t i = 0; i < NR_RACERS; i++)
		release_child(&children[i]);
	for (size_t i = 0; i < NR_RACERS; i++)
		EXPECT_EQ(reap_child(&children[i]), 0);
	EXPECT_EQ(shared->too_many, false);
	EXPECT_AT_MOST(1, shared->refused);
	EXPECT_AT_MOST(1, shared->attached);
	EXPECT_DENIED_PASIDS(INNER, shared->refused);
	EXPECT_USED(INNER, PATH_OF_OWN, 0, RACE_LIMIT);
	EXPECT_CHARGED(1, 0);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), 7);
	EXPECT_EQ(ALLOC(DEVICE, 8, own.bound), -EDQUOT);
	POLICY("unload", "pasid_device", "--cgroup", INNER);
	REQUIRE(!munmap(shared, sizeof(*shared)));
}

/* ---- limits that are hard to set ---- */

static uint64_t read_word(pid_t pid, uint64_t address)
{
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, pid, address, NULL);
	REQUIRE(!errno);
	return word;
}

/* What becomes of the call that sets the limit of the first device. */
static enum { LIMIT_FAILS, LIMIT_TAKES_LONG } trouble;

/* At a call that changes a map. */
static void make_trouble(pid_t pid)
{
	struct user_regs_struct regs;
	uint64_t key;

	REQUIRE(!ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	key = read_word(pid, regs.rsi + offsetof(union bpf_attr, key));
	if (read_word(pid, key) != (uint64_t)inode_of(PATH_OF_OWN))
		return;
	if (trouble == LIMIT_TAKES_LONG) {
		usleep(300 * 1000);
		return;
	}
	regs.orig_rax = -1;
	regs.rax = -E2BIG;
	REQUIRE(!ptrace(PTRACE_SETREGS, pid, NULL, &regs));
}

/* Ends as the child that is traced does. */
static void trace(pid_t pid)
{
	int status;

	REQUIRE(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	REQUIRE(!ptrace(PTRACE_SETOPTIONS, pid, NULL,
			PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL));
	while (WIFSTOPPED(status)) {
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
			make_trouble(pid);
		REQUIRE(!ptrace(PTRACE_CONT, pid, NULL, NULL));
		REQUIRE(waitpid(pid, &status, 0) == pid);
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128);
}

static void be_in_trouble(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_bpf, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BPF_MAP_UPDATE_ELEM, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { ARRAY_SIZE(filter), filter };
	pid_t pid = fork();

	REQUIRE(pid >= 0);
	if (pid)
		trace(pid);
	REQUIRE(!ptrace(PTRACE_TRACEME, 0, NULL, NULL) && !raise(SIGSTOP));
	REQUIRE(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static const struct surroundings in_trouble = { .before = be_in_trouble,
						.out = -1 };

/* In a child, that holds the latest one that it got. */
static void hold_the_latest(void)
{
	int vpasid, latest = -1;

	pause_here();
	while (!shared->stop) {
		vpasid = ALLOC(DEVICE, 0, own.bound);
		if (vpasid < 0) {
			EXPECT_EQ(vpasid, -EDQUOT);
			shared->refused++;
			continue;
		}
		shared->allowed++;
		if (latest >= 0)
			EXPECT_EQ(free_vpasid(DEVICE, latest, own.bound), 0);
		latest = vpasid;
	}
}

static void start_to_hold(struct child *child)
{
	share();
	start_child(child, hold_the_latest);
	release_child(child);
}

static void end_to_hold(struct child *child)
{
	shared->stop = true;
	EXPECT_EQ(reap_child(child), 0);
	REQUIRE(!munmap(shared, sizeof(*shared)));
}

/* One more than there are now. */
#define EXPECT_MORE(number)                          \
	do {                                         \
		const unsigned int before_ = number; \
		EXPECT_SOON(number > before_, true); \
	} while (0)

/* None of the first device; time passes before that is set. */
static void replace_slowly(void)
{
	struct output output;

	trouble = LIMIT_TAKES_LONG;
	run_program(&output, &in_trouble,
		    ARGS("ioasctl", "policy", "replace", "pasid_device",
			 "--cgroup", INNER, "--set", "others=1000", "--set",
			 setting(PATH_OF_OWN, 0)));
	EXPECT_TOLD(&output, "");
	free_output(&output);
	EXPECT_USED(INNER, PATH_OF_OWN, 0, 0);
}

/* What it has counted it has allowed. */
static void limits_hold_as_soon_as_the_policy_does(void)
{
	struct child child;

	POLICY("load", "burst", "--cgroup", INNER, "--set", "soft=1M", "--set",
	       "extra=0", "--set", "length=1s");
	start_to_hold(&child);
	EXPECT_MORE(shared->allowed);
	replace_slowly();
	EXPECT_MORE(shared->refused);
	end_to_hold(&child);
	POLICY("unload", "pasid_device", "--cgroup", INNER);
}

/* Neither the old settings nor the new ones allow any. */
static void limits_change_with_the_setting_of_the_others(void)
{
	struct child child;

	POLICY("load", "pasid_device", "--cgroup", INNER, "--set", "others=0");
	start_to_hold(&child);
	EXPECT_MORE(shared->refused);
	replace_slowly();
	EXPECT_MORE(shared->refused);
	POLICY("replace", "pasid_device", "--cgroup", INNER, "--set",
	       "others=0");
	EXPECT_MORE(shared->refused);
	EXPECT_EQ(shared->allowed, 0);
	end_to_hold(&child);
	POLICY("unload", "pasid_device", "--cgroup", INNER);
}

static void expect_limit_refused(const char *const *args)
{
	struct output output;

	trouble = LIMIT_FAILS;
	run_program(&output, &in_trouble, args);
	expect_failure(__LINE__, &output, 1, "a limit could not be set");
	free_output(&output);
}

static bool has_folder(const char *policy)
{
	return !access(policy_path(INNER, policy, ""), F_OK);
}

static void limit_that_cannot_be_set_leaves_another_policy(void)
{
	POLICY("load", "dry_run", "--cgroup", INNER, "--set", "pasid_device=0");
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	expect_limit_refused(ARGS("ioasctl", "policy", "replace",
				  "pasid_device", "--cgroup", INNER, "--set",
				  setting(PATH_OF_OWN, 0)));
	EXPECT_LIST("[(x['policy'], x['settings']) for x in p] =="
		    " [('dry_run', 'pasid_device=0')]");
	EXPECT_EQ(has_folder("dry_run"), true);
	EXPECT_EQ(has_folder("pasid_device"), false);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	EXPECT_REPORT("would have refused 2 of pasid_device, worst 2");
	POLICY("unload", "dry_run", "--cgroup", INNER);
}

static void limit_that_cannot_be_set_leaves_the_old_ones(void)
{
	POLICY("load", "pasid_device", "--cgroup", INNER, "--set", "others=1",
	       "--set", setting(PATH_OF_OWN, 1));
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	expect_limit_refused(ARGS(
		"ioasctl", "policy", "replace", "pasid_device", "--cgroup",
		INNER, "--set", "others=0", "--set", setting(PATH_OF_OWN, 2)));
	EXPECT_LIST("[(x['policy'], x['settings']) for x in p] =="
		    " [('pasid_device', 'others=1')]");
	EXPECT_USED(INNER, PATH_OF_OWN, 1, 1);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), -EDQUOT);
	EXPECT_EQ(ALLOC(DEVICE, 5, second.bound), 5);
	POLICY("unload", "pasid_device", "--cgroup", INNER);
}

/* ---- dry_run ---- */

static void dry_run_counts_pasids_and_refuses_none(void)
{
	POLICY("load", "dry_run", "--cgroup", OUTER, "--set", "pasid_global=1",
	       "--set", "pasid_device=2");
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	EXPECT_EQ(ALLOC(DEVICE, 6, second.bound), 6);
	EXPECT_REPORT("would have refused nothing");
	EXPECT_EQ(ALLOC(GLOBAL, 7), 7);
	EXPECT_EQ(ALLOC(GLOBAL, 8), 8);
	EXPECT_EQ(ALLOC(DEVICE, 9, own.bound), 9);
	EXPECT_CHARGED(3, 3);
	EXPECT_REPORT("would have refused 2 of pasid_global, worst 3; "
		      "would have refused 1 of pasid_device, worst 3");
	EXPECT_DENIED_PASIDS(NULL, 0);
	EXPECT_EQ(limits_hit(), 0);
	POLICY("unload", "dry_run", "--cgroup", OUTER);
}

/* ---- deny_log ---- */

static void refused_pasids_are_explained(void)
{
	struct output output;

	POLICY("load", "deny_log", "--cgroup", TOP);
	POLICY("load", "pasid_device", "--cgroup", INNER, "--set",
	       setting(PATH_OF_OWN, 0));
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	limit_pasids(OUTER, "global", "1");
	limit_pasids(INNER, "device", "0");
	EXPECT_EQ(ALLOC(GLOBAL, 6), -EDQUOT);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), -EDQUOT);
	limit_pasids(INNER, "device", "max");
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), -EDQUOT);
	IOASCTL(&output, "explain", "--json", INNER);
	/* The latest comes first. */
	EXPECT_JSON(&output, "[(x['resource'], x['refused_by'], x['policy'],"
			     " x['max'], x['held'], x['wanted']) for x in d]"
			     " == [('pasid_device', '/" INNER "',"
			     " 'pasid_device', None, 0, 1),"
			     " ('pasid_device', '/" INNER "', None, 0, 0, 1),"
			     " ('pasid_global', '/" OUTER "', None, 1, 1, 1)]");
	EXPECT_JSON(&output,
		    "all(x['cgroup'] == '/" INNER "' and x['pid'] == %d"
		    " and x['command'] == 'pasid_policies' for x in d)",
		    getpid());
	EXPECT_JSON(&output, "all(any('ioas_cg_charge_pasid' == s for s in"
			     " x['stack']) for x in d)");
	free_output(&output);
	POLICY("unload", "pasid_device", "--cgroup", INNER);
	POLICY("unload", "deny_log", "--cgroup", TOP);
}

/* The command that explain gives lets it pass. */
static void command_of_explain_lets_pasids_pass(void)
{
	struct output output;

	POLICY("load", "deny_log", "--cgroup", INNER);
	limit_pasids(OUTER, "global", "0");
	EXPECT_EQ(ALLOC(GLOBAL, 5), -EDQUOT);
	IOASCTL(&output, "explain", INNER);
	EXPECT_TOLD(&output, "1 more PASIDs of the scope global.\n");
	EXPECT_TOLD(&output, "/" OUTER " may hold 0 of these (ioas.pasid.max)");
	run_first_command(&output);
	free_output(&output);
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(GLOBAL, 6), -EDQUOT);
	POLICY("unload", "deny_log", "--cgroup", INNER);
}

/* Of the one that was refused, and no other. */
static void command_raises_the_limit_of_a_device(void)
{
	POLICY("load", "deny_log", "--cgroup", INNER);
	POLICY("load", "pasid_device", "--cgroup", INNER, "--set", "others=1",
	       "--set", setting(PATH_OF_OWN, 2), "--set",
	       setting(PATH_OF_SECOND, 7));
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	EXPECT_EQ(ALLOC(DEVICE, 5, narrow.bound), 5);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), -EDQUOT);
	run_remedy(INNER);
	EXPECT_LIST("[x['settings'] for x in p if x['policy'] =="
		    " 'pasid_device'] == ['others=1']");
	EXPECT_USED(INNER, PATH_OF_OWN, 2, 3);
	EXPECT_USED(INNER, PATH_OF_SECOND, 0, 7);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), 7);
	EXPECT_EQ(ALLOC(DEVICE, 8, own.bound), -EDQUOT);
	/* This one has a limit only as one of the others. */
	EXPECT_EQ(ALLOC(DEVICE, 6, narrow.bound), -EDQUOT);
	run_remedy(INNER);
	EXPECT_EQ(ALLOC(DEVICE, 6, narrow.bound), 6);
	EXPECT_USED(INNER, PATH_OF_NARROW, 2, 2);
	EXPECT_USED(INNER, PATH_OF_OWN, 3, 3);
	EXPECT_USED(INNER, PATH_OF_SECOND, 0, 7);
	EXPECT_LIST("[x['settings'] for x in p if x['policy'] =="
		    " 'pasid_device'] == ['others=1']");
	POLICY("unload", "pasid_device", "--cgroup", INNER);
	POLICY("unload", "deny_log", "--cgroup", INNER);
}

/* By who ended because of the refusal. */
static void command_raises_a_limit_that_is_free_again(void)
{
	POLICY("load", "deny_log", "--cgroup", INNER);
	POLICY("load", "pasid_device", "--cgroup", INNER, "--set",
	       setting(PATH_OF_OWN, 2));
	EXPECT_EQ(ALLOC(DEVICE, 5, own.bound), 5);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), -EDQUOT);
	EXPECT_EQ(free_vpasid(DEVICE, 5, own.bound), 0);
	EXPECT_EQ(free_vpasid(DEVICE, 6, own.bound), 0);
	run_remedy(INNER);
	EXPECT_USED(INNER, PATH_OF_OWN, 0, 3);
	/* Once is enough. */
	run_remedy(INNER);
	EXPECT_USED(INNER, PATH_OF_OWN, 0, 3);
	POLICY("unload", "pasid_device", "--cgroup", INNER);
	POLICY("unload", "deny_log", "--cgroup", INNER);
}

/* In a set of its own, which has a device. */
static void open_another_set(void)
{
	struct mock_device device;

	open_set();
	plug(&device, MOCK_PASID_BITS(20));
}

/* Two, in OTHER. */
static void hold_pasids(void)
{
	enter_group(OTHER);
	open_another_set();
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(GLOBAL, 6), 6);
	pause_here();
}

static void cgroups_that_hold_pasids_are_told(void)
{
	struct output output;
	struct child holder;

	POLICY("load", "deny_log", "--cgroup", TOP);
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	start_child(&holder, hold_pasids);
	limit_pasids(OUTER, "global", "3");
	EXPECT_EQ(ALLOC(GLOBAL, 6), -EDQUOT);
	IOASCTL(&output, "explain", INNER);
	EXPECT_TOLD(&output, "  Most of that is held now by:\n"
			     "             2  in /" OTHER "\n"
			     "             1  in /" INNER "\n");
	free_output(&output);
	limit_pasids(INNER, "global", "1");
	EXPECT_EQ(ALLOC(GLOBAL, 6), -EDQUOT);
	IOASCTL(&output, "explain", "--json", INNER);
	/* INNER has none below. */
	EXPECT_JSON(&output, "[x['holders'] for x in d] == ["
			     "[{'cgroup': '/" INNER "', 'pasids': 1}],"
			     "[{'cgroup': '/" OTHER "', 'pasids': 2},"
			     " {'cgroup': '/" INNER "', 'pasids': 1}]]");
	free_output(&output);
	/* Of this scope there are none. */
	limit_pasids(OUTER, "device", "0");
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), -EDQUOT);
	IOASCTL(&output, "explain", "--json", INNER);
	EXPECT_JSON(&output, "d[0]['holders'] == []");
	free_output(&output);
	end_child(&holder);
	POLICY("unload", "deny_log", "--cgroup", TOP);
}

/* The most of them, and not more than three. */
static void few_of_many_cgroups_are_told(void)
{
	static const char *const held[] = { "1", "4", "2", "3" };
	struct output output;
	const int mine = iommufd;
	char group[64];
	int sets[4];

	POLICY("load", "deny_log", "--cgroup", TOP);
	for (int i = 0; i < 4; i++) {
		snprintf(group, sizeof(group), OUTER "/child%s", held[i]);
		make_group(group);
		enter_group(group);
		open_another_set();
		for (int j = 1; j <= atoi(held[i]); j++)
			EXPECT_EQ(ALLOC(GLOBAL, j), j);
		sets[i] = iommufd;
	}
	iommufd = mine;
	enter_group(INNER);
	limit_pasids(OUTER, "global", "10");
	EXPECT_EQ(ALLOC(GLOBAL, 5), -EDQUOT);
	IOASCTL(&output, "explain", "--json", INNER);
	EXPECT_JSON(&output,
		    "[(x['cgroup'][-6:], x['pasids']) for x in"
		    " d[0]['holders']] == [('child4', 4), ('child3', 3),"
		    " ('child2', 2)]");
	free_output(&output);
	for (int i = 0; i < 4; i++) {
		REQUIRE(!close(sets[i]));
		snprintf(group, sizeof(group), OUTER "/child%s", held[i]);
		EXPECT_EQ(remove_group(group), 0);
	}
	POLICY("unload", "deny_log", "--cgroup", TOP);
}

#define RUN(test) run_test(#test, test, set_up_devices, clean_up_devices)

int main(void)
{
	RUN(device_has_its_limit);
	RUN(other_devices_have_theirs_each);
	RUN(group_that_does_not_fit_leaves_nothing);
	RUN(attachment_to_a_global_number_counts);
	RUN(pasid_from_before_is_not_counted);
	RUN(limit_that_comes_later_knows_the_count);
	RUN(numbers_that_were_freed_are_not_kept);
	RUN(closed_iommufd_leaves_no_count);
	RUN(charge_that_the_parent_refuses_is_undone_in_the_child);
	RUN(replaced_limit_keeps_the_count);
	RUN(racing_processes_never_pass_the_limit);
	RUN(limits_hold_as_soon_as_the_policy_does);
	RUN(limits_change_with_the_setting_of_the_others);
	RUN(limit_that_cannot_be_set_leaves_another_policy);
	RUN(limit_that_cannot_be_set_leaves_the_old_ones);
	RUN(dry_run_counts_pasids_and_refuses_none);
	RUN(refused_pasids_are_explained);
	RUN(command_of_explain_lets_pasids_pass);
	RUN(command_raises_the_limit_of_a_device);
	RUN(command_raises_a_limit_that_is_free_again);
	RUN(cgroups_that_hold_pasids_are_told);
	RUN(few_of_many_cgroups_are_told);
	return end_tests();
}
