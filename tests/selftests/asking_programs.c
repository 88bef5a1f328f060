// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kfuncs bpf_ioas_usage(), bpf_ioas_limit() and bpf_ioas_stat() say of a cgroup:
 * the same as its interface files, whoever asks.
 *
 * libraries: -l:liburing.a -l:libbpf.a -lelf -lz
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/types.h>

#include "../bpf/asked.h"
#include "asked.skel.h"
#include "ioas_io_uring.h"
#include "ioas_pasid.h"
#include "ioas_policy.h"
#include "ioas_udmabuf.h"

#define SIZE (4 * MIB)

/* Beside OUTER, so that each level has other numbers. */
#define ASIDE TOP "/aside"

/* By enum ioas_policy_resource of the kernel. */
enum { PINNED, PASID_GLOBAL, PASID_DEVICE, FIRST_UNKNOWN };

static struct asked_bpf *programs;

/* ---- what there is to ask about ---- */

static char *memory;
static struct io_uring rings[2];
static int udmabuf, memfd, dmabuf;

/* iommufds of OTHER and of ASIDE. */
static int more_iommufds[2];

/* With the iommufd that is open. */
static void hold_pasids(int nr_global, int nr_device)
{
	for (int i = 1; i <= nr_global; i++)
		EXPECT_EQ(ALLOC(GLOBAL, i), i);
	for (int i = 101; i <= 100 + nr_device; i++)
		EXPECT_EQ(ALLOC(DEVICE, i, own.bound), i);
}

/* With one of its own, which is returned. */
static int hold_more_pasids(int nr_global, int nr_device)
{
	const int first = iommufd;
	int ret;

	open_set();
	plug(&own, MOCK_PASID_BITS(20));
	hold_pasids(nr_global, nr_device);
	ret = iommufd;
	iommufd = first;
	return ret;
}

/*
 * INNER pins 1 MiB with io_uring and 2 MiB for devices, OTHER half of the first and a
 * quarter of a MiB of its own, and ASIDE 64 KiB of a memfd.
 */
static void hold_all(void)
{
	EXPECT_EQ(register_buffer(&rings[0], memory, MIB), 0);
	EXPECT_EQ(map_at(iommufd, ioas, memory + 2 * MIB, MOCK_START, 2 * MIB),
		  0);
	hold_pasids(2, 3);
	enter_group(OTHER);
	EXPECT_EQ(register_buffer(&rings[1], memory + MIB / 2,
				  MIB / 2 + MIB / 4),
		  0);
	more_iommufds[0] = hold_more_pasids(1, 1);
	enter_group(ASIDE);
	dmabuf = make_udmabuf(udmabuf, memfd, 0, 64 * KIB);
	EXPECT_AT_MOST(0, dmabuf);
	more_iommufds[1] = hold_more_pasids(2, 3);
	enter_group("");
}

static void set_up_asking(void)
{
	set_up();
	make_group(ASIDE);
	memory = get_aligned(SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(rings); i++)
		open_ring(&rings[i]);
	udmabuf = open_udmabuf();
	memfd = get_sealed_memfd(MIB, 0);
	hold_all();
	programs = asked_bpf__open();
	REQUIRE(programs);
	programs->struct_ops.policy->cgroup_id = group_id(TOP);
	REQUIRE(!asked_bpf__load(programs));
}

static void clean_up_asking(void)
{
	asked_bpf__destroy(programs);
	for (size_t i = 0; i < ARRAY_SIZE(rings); i++)
		close_ring(&rings[i]);
	for (size_t i = 0; i < ARRAY_SIZE(more_iommufds); i++)
		REQUIRE(!close(more_iommufds[i]));
	REQUIRE(!close(dmabuf) && !close(memfd) && !close(udmabuf));
	close_set();
	free(memory);
	EXPECT_SOON(stat_of(TOP, "accounts"), 0);
	EXPECT_NOTHING_PINNED(TOP);
	EXPECT_EQ(remove_group(ASIDE), 0);
	clean_up();
}

/* ---- asking, and comparing ---- */

/* Returns what the program does. */
static int call(const struct bpf_program *program, struct asked_call *call)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = call,
		    .ctx_size_in = sizeof(*call));

	REQUIRE(!bpf_prog_test_run_opts(bpf_program__fd(program), &options));
	return options.retval;
}

static struct asked ask_id(uint64_t cgroup_id)
{
	struct asked_call question = { .cgroup_id = cgroup_id };

	/* Nothing that it leaves out is taken for an answer. */
	memset(&question.answer, 0xaa, sizeof(question.answer));
	EXPECT_EQ(call(programs->progs.ask, &question), 0);
	return question.answer;
}

static struct asked ask(const char *group)
{
	return ask_id(group_id(group));
}

static const char *const kinds[ASKED_KINDS] = {
	"vfio",	    "iommufd", "vdpa",	 "vduse", "rdma",
	"io_uring", "xdp",     "dmabuf", "kvm",	  "other",
};

static void expect_usage(int line, const char *group, int64_t bytes,
			 int64_t global, int64_t device)
{
	const struct asked found = ask(group);
	const struct {
		const char *what;
		int64_t found;
		int64_t shown;
		int64_t expected;
	} rows[] = {
		{ "pinned", found.usage[PINNED], pinned(group), bytes },
		{ "global", found.usage[PASID_GLOBAL],
		  pasids_of(group, "global"), global },
		{ "device", found.usage[PASID_DEVICE],
		  pasids_of(group, "device"), device },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		expect(line, rows[i].what, rows[i].found, "",
		       rows[i].found == rows[i].expected, rows[i].expected);
		expect(line, "the same of its file", rows[i].shown, "",
		       rows[i].shown == rows[i].expected, rows[i].expected);
	}
}

#define EXPECT_USAGE(group, bytes, global, device) \
	expect_usage(__LINE__, group, bytes, global, device)

static void expect_limits(int line, const char *group, int64_t bytes,
			  int64_t global, int64_t device)
{
	const int64_t limits[] = { bytes, global, device };
	const struct asked found = ask(group);

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		expect(line, group, found.limit[i], "",
		       found.limit[i] == limits[i], limits[i]);
}

#define EXPECT_LIMITS(group, bytes, global, device) \
	expect_limits(__LINE__, group, bytes, global, device)

static void expect_stat(int line, const char *group)
{
	const struct asked found = ask(group);

	expect(line, "bpf_ioas_stat()", found.stat_ret, "", !found.stat_ret, 0);
#define SAME(key, value)                                                      \
	expect(line, key, value, "", (int64_t)(value) == stat_of(group, key), \
	       stat_of(group, key))
	SAME("unique", found.stat.unique);
	SAME("shared", found.stat.shared);
	SAME("accounts", found.stat.accounts);
	for (size_t i = 0; i < ASKED_KINDS; i++)
		SAME(kinds[i], found.stat.gross[i]);
#undef SAME
}

#define EXPECT_STAT(group) expect_stat(__LINE__, group)

/* Nothing is known of it. */
static void expect_unknown(int line, uint64_t cgroup_id)
{
	static const struct asked_stat none;
	const struct asked found = ask_id(cgroup_id);

	for (size_t i = 0; i < FIRST_UNKNOWN; i++) {
		expect(line, "usage", found.usage[i], "",
		       found.usage[i] == -ENOENT, -ENOENT);
		expect(line, "limit", found.limit[i], "",
		       found.limit[i] == -ENOENT, -ENOENT);
	}
	expect(line, "stat", found.stat_ret, "", found.stat_ret == -ENOENT,
	       -ENOENT);
	if (memcmp(&found.stat, &none, sizeof(none)))
		fail_test("line %d: a stat of no cgroup is not empty", line);
}

#define EXPECT_UNKNOWN(cgroup_id) expect_unknown(__LINE__, cgroup_id)

/* ---- usage and limits ---- */

static void usage_is_that_of_the_files(void)
{
	EXPECT_USAGE(INNER, 3 * MIB, 2, 3);
	EXPECT_USAGE(OTHER, MIB / 2 + MIB / 4, 1, 1);
	EXPECT_USAGE(OUTER, 3 * MIB + MIB / 4, 3, 4);
	EXPECT_USAGE(ASIDE, 64 * KIB, 2, 3);
	EXPECT_USAGE(TOP, 3 * MIB + MIB / 4 + 64 * KIB, 5, 7);
	unregister_buffers(&rings[0]);
	EXPECT_EQ(free_vpasid(GLOBAL, 1, 0), 0);
	EXPECT_USAGE(INNER, 2 * MIB, 1, 3);
	EXPECT_USAGE(OUTER, 2 * MIB + MIB / 2 + MIB / 4, 2, 4);
}

static void limits_are_those_that_are_set(void)
{
	const char *const all[] = { INNER, OTHER, OUTER, ASIDE, TOP };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		EXPECT_LIMITS(all[i], INT64_MAX, INT64_MAX, INT64_MAX);
	set_number(INNER, "ioas.pinned.max", 8 * MIB);
	limit_pasids(INNER, "global", "10");
	set_number(OUTER, "ioas.pinned.max", 16 * MIB);
	limit_pasids(OUTER, "device", "20");
	limit_pasids(TOP, "global", "1048575");
	limit_pasids(TOP, "device", "30");
	/* Also where there is more already. */
	set_number(ASIDE, "ioas.pinned.max", 0);
	limit_pasids(ASIDE, "global", "0");
	limit_pasids(ASIDE, "device", "1");
	EXPECT_LIMITS(INNER, 8 * MIB, 10, INT64_MAX);
	EXPECT_LIMITS(OTHER, INT64_MAX, INT64_MAX, INT64_MAX);
	EXPECT_LIMITS(OUTER, 16 * MIB, INT64_MAX, 20);
	EXPECT_LIMITS(TOP, INT64_MAX, 1048575, 30);
	EXPECT_LIMITS(ASIDE, 0, 0, 1);
	REQUIRE(!write_file(group_file(INNER, "ioas.pinned.max"), "max"));
	limit_pasids(INNER, "global", "max");
	EXPECT_LIMITS(INNER, INT64_MAX, INT64_MAX, INT64_MAX);
}

static void resource_that_is_none_is_refused(void)
{
	const struct asked found = ask(INNER);

	for (size_t i = FIRST_UNKNOWN; i < ASKED_RESOURCES; i++) {
		EXPECT_EQ(found.usage[i], -EINVAL);
		EXPECT_EQ(found.limit[i], -EINVAL);
	}
}

/* ---- which cgroup ---- */

static void cgroup_that_is_not_there_is_not_found(void)
{
	const char *group = OUTER "/passing";
	uint64_t id;

	EXPECT_UNKNOWN(0);
	EXPECT_UNKNOWN(UINT64_MAX);
	/* The lower half is that of a cgroup. */
	EXPECT_UNKNOWN(group_id(INNER) | 1ULL << 40);
	make_group(group);
	id = group_id(group);
	EXPECT_EQ(ask_id(id).usage[PINNED], 0);
	EXPECT_EQ(remove_group(group), 0);
	EXPECT_SOON(ask_id(id).usage[PINNED], -ENOENT);
	EXPECT_UNKNOWN(id);
}

static void cgroup_without_the_controller_is_not_found(void)
{
	const char *group = ASIDE "/deeper";
	uint64_t id;

	make_group(group);
	id = group_id(group);
	EXPECT_UNKNOWN(id);
	REQUIRE(!write_file(group_file(ASIDE, "cgroup.subtree_control"),
			    "+ioas"));
	EXPECT_USAGE(group, 0, 0, 0);
	EXPECT_LIMITS(group, INT64_MAX, INT64_MAX, INT64_MAX);
	EXPECT_STAT(group);
	REQUIRE(!write_file(group_file(ASIDE, "cgroup.subtree_control"),
			    "-ioas"));
	EXPECT_SOON(ask_id(id).usage[PINNED], -ENOENT);
	EXPECT_UNKNOWN(id);
	EXPECT_EQ(remove_group(group), 0);
}

static void root_is_a_cgroup_as_any_other(void)
{
	EXPECT_USAGE("", pinned(""), root_before[0] + 5, root_before[1] + 7);
	EXPECT_AT_MOST(pinned(TOP), ask("").usage[PINNED]);
	EXPECT_LIMITS("", INT64_MAX, INT64_MAX, INT64_MAX);
	EXPECT_STAT("");
}

/* ---- bpf_ioas_stat() ---- */

static void stat_is_that_of_the_file(void)
{
	const char *const all[] = { INNER, OTHER, OUTER, ASIDE, TOP };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		EXPECT_STAT(all[i]);
	/* What the files should say. */
	EXPECT_EQ(stat_of(INNER, "unique"), 3 * MIB);
	EXPECT_EQ(stat_of(INNER, "shared"), MIB / 2);
	EXPECT_EQ(stat_of(INNER, "io_uring"), MIB);
	EXPECT_EQ(stat_of(INNER, "iommufd"), 2 * MIB);
	EXPECT_EQ(stat_of(INNER, "accounts"), 2);
	EXPECT_EQ(stat_of(OUTER, "shared"), 0);
	EXPECT_EQ(stat_of(OUTER, "io_uring"), MIB + MIB / 2 + MIB / 4);
	EXPECT_EQ(stat_of(TOP, "dmabuf"), 64 * KIB);
	EXPECT_EQ(stat_of(TOP, "accounts"), 4);
}

#define BEFORE 0x5a

/* Into bytes that are all BEFORE. */
static int stat_into_bytes(const struct bpf_program *program, size_t *size)
{
	struct asked_call question = { .cgroup_id = group_id(INNER) };
	int ret;

	memset(programs->bss->stat_bytes, BEFORE, ASKED_BYTES);
	ret = call(program, &question);
	*size = question.size;
	return ret;
}

/* What is expected at a place, with a size, when all would be @all. */
static char byte_at(size_t i, size_t size, const char *all, size_t whole)
{
	if (i >= size)
		return BEFORE;
	return i < whole ? all[i] : 0;
}

static void expect_stat_of_size(const struct bpf_program *program,
				const char *all, size_t whole)
{
	const char *found = programs->bss->stat_bytes;
	size_t size;

	EXPECT_EQ(stat_into_bytes(program, &size), 0);
	for (size_t i = 0; i < ASKED_BYTES; i++) {
		const char expected = byte_at(i, size, all, whole);

		if (found[i] == expected)
			continue;
		fail_test("size %zu: expected %d at %zu, found %d", size,
			  expected, i, found[i]);
		return;
	}
}

static void stat_fills_what_it_is_given_and_no_more(void)
{
	const struct bpf_program *const fitting[] = {
		programs->progs.stat_of_head,
		programs->progs.stat_of_half_a_kind,
		programs->progs.stat_of_one_kind,
		programs->progs.stat_but_for_a_byte,
		programs->progs.stat_whole,
		programs->progs.stat_and_a_byte,
		programs->progs.stat_and_three_kinds,
	};
	char all[ASKED_BYTES];
	size_t whole;

	EXPECT_EQ(stat_into_bytes(programs->progs.stat_whole, &whole), 0);
	memcpy(all, programs->bss->stat_bytes, sizeof(all));
	for (size_t i = 0; i < ARRAY_SIZE(fitting); i++)
		expect_stat_of_size(fitting[i], all, whole);
}

static void stat_without_room_for_kinds_is_refused(void)
{
	const struct bpf_program *const short_ones[] = {
		programs->progs.stat_of_no_size,
		programs->progs.stat_below_head,
	};
	size_t size;

	for (size_t i = 0; i < ARRAY_SIZE(short_ones); i++) {
		EXPECT_EQ(stat_into_bytes(short_ones[i], &size), -EINVAL);
		for (size_t j = 0; j < ASKED_BYTES; j++)
			EXPECT_EQ(programs->bss->stat_bytes[j], BEFORE);
	}
}

/* ---- whoever asks ---- */

static void begin_to_overhear(void)
{
	memset(&programs->bss->overheard, 0xaa, sizeof(struct asked));
	programs->bss->asked_cgroup = group_id(OUTER);
	programs->bss->asking_pid = getpid();
	programs->bss->nr_overheard = 0;
}

static void expect_same(int line, const struct asked *expected)
{
	const struct asked *found = &programs->bss->overheard;

	for (size_t i = 0; i < ASKED_RESOURCES; i++) {
		expect(line, "usage", found->usage[i], "",
		       found->usage[i] == expected->usage[i],
		       expected->usage[i]);
		expect(line, "limit", found->limit[i], "",
		       found->limit[i] == expected->limit[i],
		       expected->limit[i]);
	}
	expect(line, "stat", found->stat_ret, "",
	       found->stat_ret == expected->stat_ret, expected->stat_ret);
	if (memcmp(&found->stat, &expected->stat, sizeof(found->stat)))
		fail_test("line %d: another stat", line);
}

#define EXPECT_SAME(expected) expect_same(__LINE__, expected)

static struct bpf_link *attach_program(const struct bpf_program *program)
{
	struct bpf_link *link;

	begin_to_overhear();
	link = bpf_program__attach(program);
	REQUIRE(link);
	return link;
}

static void set_limits(void)
{
	set_number(OUTER, "ioas.pinned.max", 3 * MIB + MIB / 2);
	limit_pasids(OUTER, "global", "3");
}

static void program_on_a_tracepoint_gets_the_same(void)
{
	struct asked expected;
	struct bpf_link *link;

	set_limits();
	unregister_buffers(&rings[1]);
	expected = ask(OUTER);
	EXPECT_EQ(expected.usage[PINNED], 3 * MIB);
	/* That of what is refused is there until it is. */
	expected.stat.accounts++;
	enter_group(OTHER);
	link = attach_program(programs->progs.on_tracepoint);
	EXPECT_EQ(register_buffer(&rings[1], memory, SIZE), -ENOMEM);
	bpf_link__destroy(link);
	EXPECT_EQ(programs->bss->nr_overheard, 1);
	EXPECT_SAME(&expected);
}

static void program_on_a_function_gets_the_same(void)
{
	struct asked expected;
	struct bpf_link *link;

	set_limits();
	expected = ask(OUTER);
	EXPECT_EQ(expected.stat_ret, 0);
	link = attach_program(programs->progs.on_function_entry);
	EXPECT_EQ(ALLOC(GLOBAL, 50), -EDQUOT);
	bpf_link__destroy(link);
	EXPECT_EQ(programs->bss->nr_overheard, 1);
	EXPECT_SAME(&expected);
}

/* It is asked when the charge is made. */
static void policy_gets_the_same(void)
{
	struct asked expected;
	struct bpf_link *link;

	set_limits();
	unregister_buffers(&rings[0]);
	begin_to_overhear();
	link = bpf_map__attach_struct_ops(programs->maps.policy);
	REQUIRE(link);
	enter_group(INNER);
	EXPECT_EQ(register_buffer(&rings[0], memory, MIB / 4), 0);
	bpf_link__destroy(link);
	EXPECT_EQ(programs->bss->nr_overheard, 1);
	expected = ask(OUTER);
	EXPECT_EQ(expected.usage[PINNED], 3 * MIB);
	EXPECT_SAME(&expected);
}

/* What takes time is not for there. */
static void stat_is_refused_with_interrupts_disabled(void)
{
	struct asked expected;
	struct bpf_link *link;

	set_limits();
	expected = ask(OUTER);
	expected.stat_ret = -EBUSY;
	memset(&expected.stat, 0, sizeof(expected.stat));
	link = attach_program(programs->progs.on_switch);
	usleep(10 * 1000);
	bpf_link__destroy(link);
	EXPECT_AT_MOST(1, programs->bss->nr_overheard);
	EXPECT_SAME(&expected);
}

#define RUN(test) run_test(#test, test, set_up_asking, clean_up_asking)

int main(void)
{
	RUN(usage_is_that_of_the_files);
	RUN(limits_are_those_that_are_set);
	RUN(resource_that_is_none_is_refused);
	RUN(cgroup_that_is_not_there_is_not_found);
	RUN(cgroup_without_the_controller_is_not_found);
	RUN(root_is_a_cgroup_as_any_other);
	RUN(stat_is_that_of_the_file);
	RUN(stat_fills_what_it_is_given_and_no_more);
	RUN(stat_without_room_for_kinds_is_refused);
	RUN(program_on_a_tracepoint_gets_the_same);
	RUN(program_on_a_function_gets_the_same);
	RUN(policy_gets_the_same);
	RUN(stat_is_refused_with_interrupts_disabled);
	return end_tests();
}
