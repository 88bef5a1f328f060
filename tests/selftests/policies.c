// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policies for pinned memory that ioasctl attaches: what they refuse to io_uring,
 * iommufd and udmabuf, what that leaves, who is told, and how long they stay.
 *
 * libraries: -l:liburing.a
 */
#include <pthread.h>
#include <stdatomic.h>

#include "ioas_io_uring.h"
#include "ioas_mock.h"
#include "ioas_policy.h"
#include "ioas_udmabuf.h"

#define SIZE (4 * MIB)

static char *memory;

/* ---- ways to pin ---- */

/* Each has a ring of its own, so that it can pin and unpin by itself. */
static struct io_uring rings[3];
static int udmabuf, memfd, dmabuf;
static int iommufd;
static uint32_t ioas;

/* Returns 0 or -errno, as do the next ones. */
static int pin(unsigned int ring, size_t size)
{
	return register_buffer(&rings[ring], memory, size);
}

static void unpin(unsigned int ring)
{
	EXPECT_EQ(io_uring_unregister_buffers(&rings[ring]), 0);
}

static int pin_buffer(size_t size)
{
	dmabuf = make_udmabuf(udmabuf, memfd, 0, size);
	return dmabuf < 0 ? dmabuf : 0;
}

static void unpin_buffer(void)
{
	EXPECT_EQ(close(dmabuf), 0);
}

static int pin_for_device(size_t size)
{
	return map_at(iommufd, ioas, memory, MOCK_START, size);
}

static void unpin_for_device(size_t size)
{
	EXPECT_EQ(unmap_at(iommufd, ioas, MOCK_START, size), 0);
}

static void open_all(void)
{
	uint32_t mock;

	for (size_t i = 0; i < ARRAY_SIZE(rings); i++)
		open_ring(&rings[i]);
	udmabuf = open_udmabuf();
	memfd = get_sealed_memfd(SIZE, 0);
	iommufd = open_iommufd();
	ioas = new_ioas(iommufd);
	REQUIRE(!add_mock_device(iommufd, ioas, &mock));
}

static void close_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rings); i++)
		close_ring(&rings[i]);
	REQUIRE(!close(iommufd) && !close(memfd) && !close(udmabuf));
}

static void set_up(void)
{
	make_tree();
	enter_group(LEAF);
	memory = get_aligned(SIZE);
	open_all();
}

/* With whatever the test left pinned. */
static void clean_up(void)
{
	close_all();
	free(memory);
	EXPECT_SOON(stat_of(TREE, "accounts"), 0);
	EXPECT_NOTHING_PINNED(TREE);
	remove_tree();
}

#define EXPECT_CHARGES(kind, unique, gross, accounts)             \
	do {                                                      \
		EXPECT_KIND(LEAF, kind, unique, gross, accounts); \
		EXPECT_EQ(pinned(MIDDLE), unique);                \
		EXPECT_EQ(stat_of(TREE, kind), gross);            \
	} while (0)

/* ---- kind_quota ---- */

static void quota_refuses_io_uring(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=1M");
	EXPECT_EQ(pin(0, MIB), 0);
	EXPECT_CHARGES("io_uring", MIB, MIB, 1);
	EXPECT_EQ(pin(1, PAGE), -ENOMEM);
	EXPECT_CHARGES("io_uring", MIB, MIB, 1);
	EXPECT_DENIED(LEAF, 1);
	unpin(0);
	EXPECT_CHARGES("io_uring", 0, 0, 0);
	EXPECT_EQ(pin(0, MIB + PAGE), -ENOMEM);
	EXPECT_CHARGES("io_uring", 0, 0, 0);
	EXPECT_DENIED(LEAF, 2);
	EXPECT_EQ(pin(0, MIB), 0);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
}

static void quota_refuses_dmabuf(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "dmabuf=1M");
	EXPECT_EQ(pin_buffer(MIB + PAGE), -ENOMEM);
	EXPECT_CHARGES("dmabuf", 0, 0, 0);
	EXPECT_DENIED(LEAF, 1);
	EXPECT_EQ(pin_buffer(MIB), 0);
	EXPECT_CHARGES("dmabuf", MIB, MIB, 1);
	unpin_buffer();
	EXPECT_CHARGES("dmabuf", 0, 0, 0);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
}

static void quota_refuses_iommufd(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "iommufd=1M");
	EXPECT_EQ(pin_for_device(MIB + PAGE), -ENOMEM);
	EXPECT_CHARGES("iommufd", 0, 0, 0);
	EXPECT_DENIED(LEAF, 1);
	EXPECT_EQ(pin_for_device(MIB), 0);
	EXPECT_CHARGES("iommufd", MIB, MIB, 1);
	unpin_for_device(MIB);
	EXPECT_CHARGES("iommufd", 0, 0, 0);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
}

static void quota_is_of_its_kind_only(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=0",
	       "--set", "iommufd=2M");
	EXPECT_EQ(pin(0, PAGE), -ENOMEM);
	EXPECT_EQ(pin_buffer(SIZE), 0);
	EXPECT_EQ(pin_for_device(2 * MIB), 0);
	EXPECT_EQ(stat_of(LEAF, "io_uring"), 0);
	EXPECT_EQ(stat_of(LEAF, "dmabuf"), SIZE);
	EXPECT_EQ(stat_of(LEAF, "iommufd"), 2 * MIB);
	EXPECT_DENIED(LEAF, 1);
	unpin_buffer();
	unpin_for_device(2 * MIB);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
}

/* The same pages twice: ioas.pinned.max would allow it. */
static void quota_is_of_gross_memory(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set",
	       "io_uring=1536K");
	EXPECT_EQ(pin(0, MIB), 0);
	EXPECT_EQ(pin(1, MIB), -ENOMEM);
	EXPECT_EQ(pin(1, MIB / 2), 0);
	EXPECT_CHARGES("io_uring", MIB, MIB + MIB / 2, 2);
	EXPECT_DENIED(LEAF, 1);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
}

static void quota_knows_what_was_pinned_before(void)
{
	EXPECT_EQ(pin(0, MIB), 0);
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=1M");
	EXPECT_EQ(pin(1, PAGE), -ENOMEM);
	unpin(0);
	EXPECT_EQ(pin(1, PAGE), 0);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
}

static void refusal_wakes_who_polls(void)
{
	int events[LEVELS], local[LEVELS];

	POLICY("load", "kind_quota", "--cgroup", MIDDLE, "--set",
	       "io_uring=1M");
	for (size_t i = 0; i < LEVELS; i++) {
		events[i] = watch(line_up[i], "ioas.pinned.events");
		local[i] = watch(line_up[i], "ioas.pinned.events.local");
	}
	EXPECT_EQ(pin(0, MIB), 0);
	for (size_t i = 0; i < LEVELS; i++)
		EXPECT_EQ(woken(events[i], 0), false);
	EXPECT_EQ(pin(1, PAGE), -ENOMEM);
	for (size_t i = 0; i < LEVELS; i++) {
		EXPECT_EQ(woken(events[i], i ? 5000 : 20), i > 0);
		EXPECT_EQ(woken(local[i], i == 1 ? 5000 : 20), i == 1);
		close(events[i]);
		close(local[i]);
	}
	POLICY("unload", "kind_quota", "--cgroup", MIDDLE);
}

static void limit_refuses_before_the_policy(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=2M");
	set_number(MIDDLE, "ioas.pinned.max", MIB);
	EXPECT_EQ(pin(0, MIB + PAGE), -ENOMEM);
	EXPECT_EQ(local_events_of(MIDDLE, "max"), 1);
	EXPECT_DENIED(NULL, 0);
	EXPECT_CHARGES("io_uring", 0, 0, 0);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
}

/* ---- of several cgroups ---- */

static void policy_of_the_parent_sees_pins_of_the_child(void)
{
	POLICY("load", "kind_quota", "--cgroup", MIDDLE, "--set",
	       "io_uring=1M");
	EXPECT_EQ(pin(0, MIB + PAGE), -ENOMEM);
	EXPECT_DENIED(MIDDLE, 1);
	EXPECT_EQ(pin(0, MIB / 2), 0);
	/* What is pinned beside counts too. */
	enter_group(BESIDE);
	EXPECT_EQ(pin(1, MIB / 2 + PAGE), -ENOMEM);
	EXPECT_DENIED(MIDDLE, 2);
	EXPECT_EQ(pin(1, MIB / 2), 0);
	EXPECT_EQ(stat_of(LEAF, "io_uring"), MIB / 2);
	EXPECT_EQ(stat_of(BESIDE, "io_uring"), MIB / 2);
	POLICY("unload", "kind_quota", "--cgroup", MIDDLE);
}

static void policy_sees_nothing_of_the_parent(void)
{
	POLICY("load", "kind_quota", "--cgroup", BESIDE, "--set", "io_uring=0");
	EXPECT_EQ(pin(0, MIB), 0);
	EXPECT_DENIED(NULL, 0);
	POLICY("unload", "kind_quota", "--cgroup", BESIDE);
}

static void nearest_of_two_policies_refuses(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=1M");
	POLICY("load", "kind_quota", "--cgroup", MIDDLE, "--set",
	       "io_uring=2M");
	EXPECT_LIST(
		"sorted((x['cgroup'], x['policy'], x['settings']) for x in p) == "
		"[('/" MIDDLE "', 'kind_quota', 'io_uring=2M'),"
		" ('/" LEAF "', 'kind_quota', 'io_uring=1M')]");
	EXPECT_EQ(pin(0, 2 * MIB), -ENOMEM);
	EXPECT_DENIED(LEAF, 1);
	EXPECT_EQ(pin(0, MIB), 0);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
	POLICY("unload", "kind_quota", "--cgroup", MIDDLE);
}

/* What the child's policy has counted by then is not left. */
static void charge_that_the_parent_refuses_is_undone_in_the_child(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=2M");
	POLICY("load", "kind_quota", "--cgroup", MIDDLE, "--set",
	       "io_uring=1M");
	EXPECT_EQ(pin(0, MIB + PAGE), -ENOMEM);
	EXPECT_CHARGES("io_uring", 0, 0, 0);
	EXPECT_DENIED(MIDDLE, 1);
	EXPECT_EQ(pin(0, MIB), 0);
	EXPECT_EQ(pin(1, MIB), -ENOMEM);
	EXPECT_CHARGES("io_uring", MIB, MIB, 1);
	EXPECT_DENIED(MIDDLE, 2);
	POLICY("unload", "kind_quota", "--cgroup", MIDDLE);
	EXPECT_EQ(pin(1, MIB), 0);
	EXPECT_EQ(pin(2, PAGE), -ENOMEM);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
}

/* ---- burst ---- */

static void wait_ms(unsigned int ms)
{
	usleep(ms * 1000);
}

static void burst_passes_the_soft_limit_for_its_time(void)
{
	POLICY("load", "burst", "--cgroup", MIDDLE, "--set", "soft=1M", "--set",
	       "extra=1M", "--set", "length=1s", "--set", "rest=1h");
	EXPECT_LIST("p[0]['settings'] == "
		    "'soft=1M extra=1M length=1s rest=3600s'");
	EXPECT_EQ(pin(0, MIB), 0);
	wait_ms(1100);
	/* What is below the limit starts none. */
	EXPECT_EQ(pin(1, 2 * MIB), 0);
	EXPECT_EQ(pin(2, 2 * MIB), 0);
	EXPECT_EQ(pinned(LEAF), 2 * MIB);
	unpin(2);
	unpin(1);
	wait_ms(1100);
	EXPECT_EQ(pin(1, MIB + PAGE), -ENOMEM);
	EXPECT_EQ(pin(1, MIB), 0);
	EXPECT_DENIED(MIDDLE, 1);
	POLICY("unload", "burst", "--cgroup", MIDDLE);
}

static void burst_passes_the_soft_limit_by_its_amount(void)
{
	POLICY("load", "burst", "--cgroup", LEAF, "--set", "soft=1M", "--set",
	       "extra=512K", "--set", "length=1h");
	EXPECT_EQ(pin(0, MIB + MIB / 2 + PAGE), -ENOMEM);
	EXPECT_CHARGES("io_uring", 0, 0, 0);
	EXPECT_EQ(pin(0, MIB + MIB / 2), 0);
	EXPECT_DENIED(LEAF, 1);
	POLICY("unload", "burst", "--cgroup", LEAF);
}

static void pins_of_a_burst_stay_after_it(void)
{
	POLICY("load", "burst", "--cgroup", LEAF, "--set", "soft=1M", "--set",
	       "extra=1M", "--set", "length=1s", "--set", "rest=1h");
	EXPECT_EQ(pin(0, 2 * MIB), 0);
	wait_ms(1100);
	EXPECT_CHARGES("io_uring", 2 * MIB, 2 * MIB, 1);
	/* Not even what is pinned already, as the cgroup is above the limit. */
	EXPECT_EQ(pin(1, PAGE), -ENOMEM);
	unpin(0);
	EXPECT_EQ(pin(0, MIB), 0);
	POLICY("unload", "burst", "--cgroup", LEAF);
}

static void burst_comes_again_after_its_rest(void)
{
	POLICY("load", "burst", "--cgroup", LEAF, "--set", "soft=1M", "--set",
	       "extra=1M", "--set", "length=1s", "--set", "rest=2s");
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(pin(0, 2 * MIB), 0);
		unpin(0);
		wait_ms(1200);
		EXPECT_EQ(pin(0, 2 * MIB), -ENOMEM);
		wait_ms(2000);
	}
	EXPECT_DENIED(LEAF, 3);
	POLICY("unload", "burst", "--cgroup", LEAF);
}

static void each_cgroup_has_a_burst_of_its_own(void)
{
	POLICY("load", "burst", "--cgroup", LEAF, "--set", "soft=0", "--set",
	       "extra=1M", "--set", "length=0", "--set", "rest=1h");
	POLICY("load", "burst", "--cgroup", BESIDE, "--set", "soft=0", "--set",
	       "extra=1M", "--set", "length=0", "--set", "rest=1h");
	EXPECT_EQ(pin(0, PAGE), 0);
	EXPECT_EQ(pin(1, PAGE), -ENOMEM);
	enter_group(BESIDE);
	EXPECT_EQ(pin(1, PAGE), 0);
	EXPECT_EQ(pin(2, PAGE), -ENOMEM);
	POLICY("unload", "burst", "--cgroup", LEAF);
	POLICY("unload", "burst", "--cgroup", BESIDE);
}

/* ---- dry_run ---- */

static void dry_run_counts_and_refuses_nothing(void)
{
	POLICY("load", "dry_run", "--cgroup", MIDDLE, "--set", "pinned=1M");
	EXPECT_EQ(pin(0, MIB), 0);
	EXPECT_REPORT("would have refused nothing");
	/* Pages that are pinned already pass no limit. */
	EXPECT_EQ(pin(1, MIB), 0);
	EXPECT_REPORT("would have refused nothing");
	unpin(1);
	EXPECT_EQ(pin(1, 2 * MIB), 0);
	EXPECT_REPORT("would have refused 1 of pinned, worst 2.0 MiB");
	unpin(1);
	/* It is charged in two parts. */
	EXPECT_EQ(pin(1, 4 * MIB), 0);
	EXPECT_REPORT("would have refused 3 of pinned, worst 4.0 MiB");
	unpin(1);
	EXPECT_EQ(pin(1, MIB + PAGE), 0);
	EXPECT_REPORT("would have refused 4 of pinned, worst 4.0 MiB");
	EXPECT_DENIED(NULL, 0);
	EXPECT_EQ(events_of(TREE, "max"), 0);
	EXPECT_EQ(pinned(LEAF), MIB + PAGE);
	POLICY("unload", "dry_run", "--cgroup", MIDDLE);
}

/* ---- how long they stay ---- */

static void policy_goes_with_unload(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=1M");
	EXPECT_LIST("[x['cgroup'] for x in p] == ['/" LEAF "']");
	EXPECT_EQ(pin(0, 2 * MIB), -ENOMEM);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
	EXPECT_LIST("p == []");
	EXPECT_EQ(is_in_bpffs(), false);
	EXPECT_EQ(pin(0, 2 * MIB), 0);
	POLICY_FAILS("/" LEAF " has no policy kind_quota", "unload",
		     "kind_quota", "--cgroup", LEAF);
	EXPECT_DENIED(LEAF, 1);
}

static void second_policy_is_refused_and_told_of_the_first(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=1M");
	POLICY_FAILS("/" LEAF " has the policy kind_quota already", "load",
		     "kind_quota", "--cgroup", LEAF, "--set", "io_uring=2M");
	POLICY_FAILS("/" LEAF " has the policy kind_quota already", "load",
		     "burst", "--cgroup", LEAF, "--set", "soft=1M", "--set",
		     "extra=1M", "--set", "length=1s");
	EXPECT_LIST("[x['settings'] for x in p] == ['io_uring=1M']");
	EXPECT_EQ(pin(0, MIB + PAGE), -ENOMEM);
	EXPECT_EQ(pin(0, MIB), 0);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
}

static void replaced_policy_has_the_new_settings(void)
{
	POLICY_FAILS("/" LEAF " has no policy to replace", "replace",
		     "kind_quota", "--cgroup", LEAF, "--set", "io_uring=1M");
	EXPECT_EQ(is_in_bpffs(), false);
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=1M");
	POLICY("replace", "kind_quota", "--cgroup", LEAF, "--set",
	       "io_uring=2M");
	EXPECT_LIST("[x['settings'] for x in p] == ['io_uring=2M']");
	EXPECT_EQ(pin(0, 2 * MIB), 0);
	EXPECT_EQ(pin(1, PAGE), -ENOMEM);
	unpin(0);
	/* And by another one. */
	POLICY("replace", "dry_run", "--cgroup", LEAF, "--set", "pinned=1M");
	EXPECT_LIST("[x['policy'] for x in p] == ['dry_run']");
	EXPECT_EQ(pin(0, 4 * MIB), 0);
	POLICY("replace", "dry_run", "--cgroup", LEAF, "--set", "pinned=2M");
	/* What it has counted stays. */
	EXPECT_LIST("p[0]['settings'] == 'pinned=2M' and "
		    "p[0]['report'].endswith('worst 4.0 MiB')");
	POLICY_FAILS("/" LEAF " has no policy kind_quota", "unload",
		     "kind_quota", "--cgroup", LEAF);
	POLICY("unload", "dry_run", "--cgroup", LEAF);
}

/* A map of the folder is in the way: a later ioasctl may find such a one. */
static void replacement_that_fails_leaves_the_old_one(void)
{
	char path[PATH_MAX];
	struct output output;

	POLICY("load", "dry_run", "--cgroup", LEAF, "--set", "pinned=1M");
	snprintf(path, sizeof(path), POLICIES "/%" PRId64 "-dry_run/refusals",
		 group_id(LEAF));
	REQUIRE(!unlink(path));
	run_program(&output, &usual,
		    ARGS("bpftool", "map", "create", path, "type", "array",
			 "key", "4", "value", "8", "entries", "1", "name",
			 "refusals"));
	REQUIRE(!output.status);
	free_output(&output);
	POLICY_FAILS("the kernel does not take dry_run", "replace", "dry_run",
		     "--cgroup", LEAF, "--set", "pinned=2M");
	EXPECT_LIST("[x['settings'] for x in p] == ['pinned=1M']");
	EXPECT_EQ(pin(0, 2 * MIB), 0);
	POLICY("unload", "dry_run", "--cgroup", LEAF);
}

/* As by a replacement, one way or the other, that was killed: both name the link. */
static void leave_folder_of_burst(void)
{
	struct output output;

	/* What failed may have left one. */
	if (test_failed)
		return;
	REQUIRE(!mkdir(policy_path(LEAF, "burst", ""), 0700));
	run_program(&output, &usual,
		    ARGS("bpftool", "link", "pin", "pinned",
			 policy_path(LEAF, "kind_quota", "link"),
			 policy_path(LEAF, "burst", "link")));
	REQUIRE(!output.status);
	free_output(&output);
	EXPECT_LIST("sorted((x['policy'], 'left over' in (x['report'] or ''))"
		    " for x in p) == [('burst', True), ('kind_quota', False)]");
}

/* The other one decides, as before. */
static void expect_it_gone(void)
{
	EXPECT_EQ(access(policy_path(LEAF, "burst", ""), F_OK), -1);
	EXPECT_LIST("[(x['policy'], x['settings'], x['report']) for x in p] =="
		    " [('kind_quota', 'io_uring=1M', None)]");
	EXPECT_EQ(pin(0, MIB + PAGE), -ENOMEM);
}

static void folder_that_was_left_over_is_no_policy(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=1M");
	leave_folder_of_burst();
	POLICY("clean");
	expect_it_gone();
	leave_folder_of_burst();
	POLICY("unload", "burst", "--cgroup", LEAF);
	expect_it_gone();
	leave_folder_of_burst();
	POLICY_FAILS("has the policy kind_quota already", "load", "burst",
		     "--cgroup", LEAF, "--set", "soft=2M", "--set", "extra=0",
		     "--set", "length=1s");
	expect_it_gone();
	leave_folder_of_burst();
	POLICY("replace", "burst", "--cgroup", LEAF, "--set", "soft=2M",
	       "--set", "extra=0", "--set", "length=1s");
	EXPECT_LIST("[x['policy'] for x in p] == ['burst']");
	EXPECT_EQ(pin(0, 2 * MIB), 0);
	EXPECT_EQ(pin(1, 4 * MIB), -ENOMEM);
	POLICY("unload", "burst", "--cgroup", LEAF);
}

static struct {
	atomic_bool stop;
	unsigned int refused, passed, strange;
} during;

/* Over the quota, whichever of the two it is. */
static void *pin_too_much(void *unused)
{
	(void)unused;
	while (!during.stop) {
		int ret = pin(0, MIB + PAGE);

		if (!ret)
			unpin(0);
		during.passed += !ret;
		during.refused += ret == -ENOMEM;
		during.strange += ret && ret != -ENOMEM;
	}
	return NULL;
}

static void replacement_leaves_no_gap(void)
{
	pthread_t thread;

	memset(&during, 0, sizeof(during));
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=1M");
	REQUIRE(!pthread_create(&thread, NULL, pin_too_much, NULL));
	for (int i = 0; i < 20 && !test_failed; i++)
		if (i % 2)
			POLICY("replace", "kind_quota", "--cgroup", LEAF,
			       "--set", "io_uring=1M");
		else
			POLICY("replace", "burst", "--cgroup", LEAF, "--set",
			       "soft=512K", "--set", "extra=512K", "--set",
			       "length=1s");
	during.stop = true;
	REQUIRE(!pthread_join(thread, NULL));
	EXPECT_EQ(during.passed, 0);
	EXPECT_EQ(during.strange, 0);
	EXPECT_AT_MOST(20, during.refused);
	EXPECT_DENIED(LEAF, during.refused);
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
}

static void removed_cgroup_has_no_policy(void)
{
	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=1M");
	POLICY("load", "kind_quota", "--cgroup", MIDDLE, "--set",
	       "io_uring=2M");
	EXPECT_EQ(pin(0, MIB), 0);
	enter_group(BESIDE);
	EXPECT_EQ(remove_group(LEAF), 0);
	EXPECT_LIST("sorted('has gone' in (x['report'] or '') for x in p) == "
		    "[False, True]");
	POLICY("clean");
	/* That of the parent stays, and sees what is left. */
	EXPECT_LIST("[x['cgroup'] for x in p] == ['/" MIDDLE "']");
	EXPECT_EQ(pin(1, MIB + PAGE), -ENOMEM);
	EXPECT_EQ(pin(1, MIB), 0);
	POLICY("unload", "kind_quota", "--cgroup", MIDDLE);
}

/* It has another id. */
static void cgroup_that_is_made_again_has_no_policy(void)
{
	POLICY("load", "kind_quota", "--cgroup", BESIDE, "--set", "io_uring=0");
	EXPECT_EQ(remove_group(BESIDE), 0);
	make_group(BESIDE);
	enter_group(BESIDE);
	EXPECT_EQ(pin(0, MIB), 0);
	unpin(0);
	POLICY("load", "kind_quota", "--cgroup", BESIDE, "--set", "io_uring=0");
	EXPECT_EQ(pin(0, MIB), -ENOMEM);
	POLICY("unload", "kind_quota", "--cgroup", BESIDE);
	EXPECT_EQ(is_in_bpffs(), true);
	POLICY("clean");
}

/* ---- what is printed ---- */

/* One policy, as an expression in Python. */
#define SHOWN(settings, report)                                               \
	"{'cgroup': '/" LEAF "', 'policy': 'dry_run', 'settings': '" settings \
	"', 'report': '" report "'}"

static void changes_print_the_policy_as_json(void)
{
	static const char some[] = SHOWN(
		"pinned=2M", "would have refused 1 of pinned, worst 2.0 MiB");
	static const char none[] =
		SHOWN("pinned=1M", "would have refused nothing");
	struct output output;

	IOASCTL(&output, "policy", "load", "dry_run", "--json", "--cgroup",
		LEAF, "--set", "pinned=1M");
	EXPECT_JSON(&output, "d == %s", none);
	free_output(&output);
	EXPECT_LIST("p == [%s]", none);
	EXPECT_EQ(pin(0, 2 * MIB), 0);
	IOASCTL(&output, "policy", "replace", "dry_run", "--cgroup", LEAF,
		"--set", "pinned=2M", "--json");
	EXPECT_JSON(&output, "d == %s", some);
	free_output(&output);
	EXPECT_LIST("p == [%s]", some);
	POLICY_FAILS("already", "load", "dry_run", "--cgroup", LEAF, "--set",
		     "pinned=2M", "--json");
	IOASCTL(&output, "policy", "unload", "dry_run", "--cgroup", LEAF,
		"--json");
	EXPECT_JSON(&output, "d == %s", some);
	free_output(&output);
	EXPECT_LIST("p == []");
	POLICY_FAILS("has no policy dry_run", "unload", "dry_run", "--cgroup",
		     LEAF, "--json");
}

static void clean_prints_what_it_forgets_as_json(void)
{
	const int64_t id = group_id(BESIDE);
	struct output output;

	POLICY("load", "kind_quota", "--cgroup", LEAF, "--set", "io_uring=1M");
	POLICY("load", "kind_quota", "--cgroup", BESIDE, "--set",
	       "io_uring=2M");
	IOASCTL(&output, "policy", "clean", "--json");
	EXPECT_JSON(&output, "d == {'policies': []}");
	free_output(&output);
	EXPECT_EQ(remove_group(BESIDE), 0);
	IOASCTL(&output, "policy", "clean", "--json");
	EXPECT_JSON(&output,
		    "[(x['cgroup'], x['policy'], x['settings'])"
		    " for x in d['policies']] =="
		    " [('(%" PRId64 ")', 'kind_quota', 'io_uring=2M')]",
		    id);
	free_output(&output);
	EXPECT_LIST("[x['cgroup'] for x in p] == ['/" LEAF "']");
	POLICY("unload", "kind_quota", "--cgroup", LEAF);
}

/* ---- at the same time ---- */

#define RACER_SIZE (640 * KIB)
#define RACE_QUOTA (MIB)

/* What two processes hold: counted after a pin and before an unpin. */
static struct shared {
	atomic_llong held;
	atomic_llong most;
	atomic_bool stop;
	atomic_uint passed[2], refused[2];
} * shared;

static unsigned int racer;

static void note_held(long long held)
{
	long long most = shared->most;

	while (held > most &&
	       !atomic_compare_exchange_weak(&shared->most, &most, held))
		;
}

static void pin_and_unpin(void)
{
	struct io_uring ring;
	int ret;

	open_ring(&ring);
	pause_here();
	while (!shared->stop) {
		ret = register_buffer(&ring, memory, RACER_SIZE);
		if (ret) {
			EXPECT_EQ(ret, -ENOMEM);
			shared->refused[racer]++;
			usleep(racer * 100);
			continue;
		}
		shared->passed[racer]++;
		note_held(shared->held += RACER_SIZE);
		usleep(1000);
		shared->held -= RACER_SIZE;
		unregister_buffers(&ring);
	}
	io_uring_queue_exit(&ring);
}

static struct child racers[2];

static void start_race(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	for (racer = 0; racer < 2; racer++)
		start_child(&racers[racer], pin_and_unpin);
	for (racer = 0; racer < 2; racer++)
		release_child(&racers[racer]);
}

/* Both have pinned, and nothing is left; how often they were refused. */
static unsigned int end_race(void)
{
	unsigned int refused;

	shared->stop = true;
	for (racer = 0; racer < 2; racer++)
		EXPECT_EQ(reap_child(&racers[racer]), 0);
	for (racer = 0; racer < 2; racer++)
		EXPECT_AT_MOST(10, shared->passed[racer]);
	EXPECT_AT_MOST(RACER_SIZE, shared->most);
	EXPECT_SOON(stat_of(MIDDLE, "accounts"), 0);
	EXPECT_EQ(stat_of(MIDDLE, "io_uring"), 0);
	refused = shared->refused[0] + shared->refused[1];
	return refused;
}

static void forget_race(void)
{
	REQUIRE(!munmap(shared, sizeof(*shared)));
}

/* A charge that is refused is in ioas.stat until it is undone. */
static void two_processes_never_hold_more_than_the_quota(void)
{
	int64_t gross, most = 0;
	unsigned int refused;

	POLICY("load", "kind_quota", "--cgroup", MIDDLE, "--set",
	       "io_uring=1M");
	start_race();
	for (int i = 0; i < 200; i++) {
		gross = stat_of(MIDDLE, "io_uring");
		most = gross > most ? gross : most;
		usleep(10 * 1000);
	}
	refused = end_race();
	EXPECT_AT_MOST(shared->most, RACE_QUOTA);
	EXPECT_AT_MOST(most, 2 * RACER_SIZE);
	EXPECT_AT_MOST(10, refused);
	EXPECT_DENIED(MIDDLE, refused);
	POLICY("unload", "kind_quota", "--cgroup", MIDDLE);
	forget_race();
}

static void two_processes_never_hold_more_than_a_burst(void)
{
	unsigned int refused;

	POLICY("load", "burst", "--cgroup", MIDDLE, "--set", "soft=512K",
	       "--set", "extra=512K", "--set", "length=1h");
	start_race();
	sleep(2);
	refused = end_race();
	EXPECT_AT_MOST(shared->most, RACE_QUOTA);
	EXPECT_AT_MOST(10, refused);
	EXPECT_DENIED(MIDDLE, refused);
	POLICY("unload", "burst", "--cgroup", MIDDLE);
	forget_race();
}

/* Alone neither is above the limit that is proposed; both together are. */
static void dry_run_refuses_neither_of_two_processes(void)
{
	POLICY("load", "dry_run", "--cgroup", MIDDLE, "--set", "pinned=1M");
	start_race();
	sleep(2);
	EXPECT_EQ(end_race(), 0);
	EXPECT_EQ(shared->most, 2 * RACER_SIZE);
	EXPECT_DENIED(MIDDLE, 0);
	EXPECT_LIST("len(p) == 1 and p[0]['report'].endswith('1.2 MiB')");
	POLICY("unload", "dry_run", "--cgroup", MIDDLE);
	forget_race();
}

static void log_of_two_processes_misses_nothing(void)
{
	unsigned int refused;

	POLICY("load", "deny_log", "--cgroup", MIDDLE);
	POLICY("load", "kind_quota", "--cgroup", MIDDLE, "--set",
	       "io_uring=1M");
	start_race();
	sleep(2);
	refused = end_race();
	EXPECT_AT_MOST(10, refused);
	EXPECT_LIST("'%u refused' in [x['report'] for x in p]", refused);
	POLICY("unload", "kind_quota", "--cgroup", MIDDLE);
	POLICY("unload", "deny_log", "--cgroup", MIDDLE);
	forget_race();
}

static void control(const char *group, const char *change)
{
	REQUIRE(!write_file(group_file(group, "cgroup.subtree_control"),
			    change));
}

/* Also when its cgroup has the controller taken away, and gets it again. */
static void policies_come_and_go_while_two_processes_pin(void)
{
	start_race();
	for (int i = 0; i < 10; i++) {
		POLICY("load", "kind_quota", "--cgroup", LEAF, "--set",
		       "io_uring=1M");
		POLICY("replace", "burst", "--cgroup", LEAF, "--set", "soft=1M",
		       "--set", "extra=0", "--set", "length=1s");
		if (i % 2) {
			POLICY("unload", "burst", "--cgroup", LEAF);
			continue;
		}
		control(MIDDLE, "-ioas");
		POLICY("clean");
		control(MIDDLE, "+ioas");
	}
	end_race();
	EXPECT_EQ(is_in_bpffs(), false);
	forget_race();
}

#define RUN(test) run_test(#test, test, set_up, clean_up)

int main(void)
{
	RUN(quota_refuses_io_uring);
	RUN(quota_refuses_dmabuf);
	RUN(quota_refuses_iommufd);
	RUN(quota_is_of_its_kind_only);
	RUN(quota_is_of_gross_memory);
	RUN(quota_knows_what_was_pinned_before);
	RUN(refusal_wakes_who_polls);
	RUN(limit_refuses_before_the_policy);
	RUN(policy_of_the_parent_sees_pins_of_the_child);
	RUN(policy_sees_nothing_of_the_parent);
	RUN(nearest_of_two_policies_refuses);
	RUN(charge_that_the_parent_refuses_is_undone_in_the_child);
	RUN(burst_passes_the_soft_limit_for_its_time);
	RUN(burst_passes_the_soft_limit_by_its_amount);
	RUN(pins_of_a_burst_stay_after_it);
	RUN(burst_comes_again_after_its_rest);
	RUN(each_cgroup_has_a_burst_of_its_own);
	RUN(dry_run_counts_and_refuses_nothing);
	RUN(policy_goes_with_unload);
	RUN(second_policy_is_refused_and_told_of_the_first);
	RUN(replaced_policy_has_the_new_settings);
	RUN(replacement_that_fails_leaves_the_old_one);
	RUN(folder_that_was_left_over_is_no_policy);
	RUN(replacement_leaves_no_gap);
	RUN(removed_cgroup_has_no_policy);
	RUN(cgroup_that_is_made_again_has_no_policy);
	RUN(changes_print_the_policy_as_json);
	RUN(clean_prints_what_it_forgets_as_json);
	RUN(two_processes_never_hold_more_than_the_quota);
	RUN(two_processes_never_hold_more_than_a_burst);
	RUN(dry_run_refuses_neither_of_two_processes);
	RUN(log_of_two_processes_misses_nothing);
	RUN(policies_come_and_go_while_two_processes_pin);
	return end_tests();
}
