// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What policies are told of charges, uncharges, limits and the end of their cgroup, and
 * what the tracepoints tell of what policies refuse: each field of it, and the order.
 *
 * Three policies are attached, to INNER, OUTER and TOP. What is done here is done in INNER
 * unless it says otherwise.
 *
 * libraries: -l:liburing.a -l:libbpf.a -lelf -lz
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/types.h>

#include "../bpf/told.h"
#include "told.skel.h"
#include "ioas_io_uring.h"
#include "ioas_pasid.h"
#include "ioas_policy.h"

#define SIZE (4 * MIB)
#define NO_LIMIT UINT64_MAX

/* As the kernel has them, in include/linux/ioas_cgroup.h and ioas_policy.h. */
enum { KIND_IOMMUFD = 1, KIND_IO_URING = 5 };
enum { SCOPE_GLOBAL, SCOPE_DEVICE };
enum { PINNED, PASID_GLOBAL, PASID_DEVICE };

static struct told_bpf *programs;
static struct bpf_link *policies[LEVELS], *tracepoints[2];

/* The cgroups by their ids, which stay when they have gone. */
static uint64_t inner, outer, top, other;

static char *memory;
static struct io_uring rings[2];

static int pin(unsigned int ring, size_t size)
{
	return register_buffer(&rings[ring], memory, size);
}

static void unpin(unsigned int ring)
{
	unregister_buffers(&rings[ring]);
}

/* ---- what was told ---- */

static struct ring_buffer *book;
static struct told_record records[1024];
static unsigned int nr_records, nr_expected;

static int keep_record(void *context, void *data, size_t size)
{
	(void)context;
	REQUIRE(size == sizeof(records[0]) && nr_records < ARRAY_SIZE(records));
	memcpy(&records[nr_records++], data, size);
	return 0;
}

#define NUMBER(name)                                      \
	{                                                 \
#name, offsetof(struct told_record, name) \
	}

static const struct {
	const char *name;
	size_t offset;
} numbers[] = {
	NUMBER(by),    NUMBER(cgroup_id), NUMBER(owner_id), NUMBER(limit_id),
	NUMBER(what),  NUMBER(amount),	  NUMBER(held),	    NUMBER(max),
	NUMBER(pasid), NUMBER(device),	  NUMBER(error),    NUMBER(pid),
};

static int64_t number_in(const struct told_record *record, size_t offset)
{
	int64_t number;

	memcpy(&number, (const char *)record + offset, sizeof(number));
	return number;
}

/* What a work queue does comes later. */
static const struct told_record *peek_record(void)
{
	for (int i = test_failed ? 90 : 0; i < 100; i++) {
		REQUIRE(ring_buffer__poll(book, i ? 100 : 0) >= 0);
		if (nr_records > nr_expected)
			return &records[nr_expected];
	}
	return NULL;
}

/* Of the next record, or 0. */
static uint64_t peek_amount(void)
{
	const struct told_record *record = peek_record();

	return record ? record->amount : 0;
}

static bool names_a_task(uint64_t by)
{
	return by != TOLD_UNCHARGE_PINNED && by != TOLD_UNCHARGE_PASID &&
	       by != TOLD_CGROUP_GONE;
}

static void expect_next(int line, const struct told_record *record)
{
	const struct told_record *found = peek_record();
	struct told_record expected = *record;

	if (!found) {
		fail_test("line %d: nothing was told", line);
		return;
	}
	nr_expected++;
	expected.pid = names_a_task(expected.by) ? getpid() : 0;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const int64_t a = number_in(found, numbers[i].offset);
		const int64_t b = number_in(&expected, numbers[i].offset);

		expect(line, numbers[i].name, a, "", a == b, b);
	}
	if (strncmp(found->policy, expected.policy, TOLD_NAME_LEN))
		fail_test("line %d: policy: expected '%s', found '%.16s'", line,
			  expected.policy, found->policy);
}

/* The program that was told, its cgroup, whom it is about, and the fields that follow. */
#define EXPECT_NEXT(_by, _cgroup, _owner, ...)                         \
	expect_next(__LINE__,                                          \
		    &(const struct told_record){ .by = TOLD_##_by,     \
						 .cgroup_id = _cgroup, \
						 .owner_id = _owner,   \
						 __VA_ARGS__ })

static void expect_no_more(int line)
{
	REQUIRE(ring_buffer__consume(book) >= 0);
	expect(line, "records", nr_records, "", nr_records == nr_expected,
	       nr_expected);
	nr_expected = nr_records;
}

#define EXPECT_NO_MORE() expect_no_more(__LINE__)

/* For what is told before a test begins with what it is about. */
static void skip_records(void)
{
	REQUIRE(ring_buffer__consume(book) >= 0);
	nr_expected = nr_records;
}

/* ---- before and after each test ---- */

static void load_programs(void)
{
	programs = told_bpf__open();
	REQUIRE(programs);
	programs->struct_ops.nearest->cgroup_id = inner;
	programs->struct_ops.middle->cgroup_id = outer;
	programs->struct_ops.farthest->cgroup_id = top;
	REQUIRE(!told_bpf__load(programs));
	nr_records = nr_expected = 0;
	book = ring_buffer__new(bpf_map__fd(programs->maps.book), keep_record,
				NULL, NULL);
	REQUIRE(book);
}

static void attach_programs(void)
{
	struct bpf_map *const maps[] = { programs->maps.nearest,
					 programs->maps.middle,
					 programs->maps.farthest };

	for (size_t i = 0; i < LEVELS; i++) {
		policies[i] = bpf_map__attach_struct_ops(maps[i]);
		REQUIRE(policies[i]);
	}
	tracepoints[0] = bpf_program__attach(programs->progs.deny_policy);
	tracepoints[1] = bpf_program__attach(programs->progs.deny_pasid_policy);
	REQUIRE(tracepoints[0] && tracepoints[1]);
}

static void detach_programs(void)
{
	for (size_t i = 0; i < LEVELS; i++)
		bpf_link__destroy(policies[i]);
	for (size_t i = 0; i < ARRAY_SIZE(tracepoints); i++)
		bpf_link__destroy(tracepoints[i]);
}

static void set_up_told(void)
{
	set_up();
	find_devices();
	inner = group_id(INNER);
	outer = group_id(OUTER);
	top = group_id(TOP);
	other = group_id(OTHER);
	memory = get_aligned(SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(rings); i++)
		open_ring(&rings[i]);
	load_programs();
	attach_programs();
}

static void clean_up_told(void)
{
	EXPECT_NO_MORE();
	detach_programs();
	/* A policy that is detached is not told that its cgroup goes. */
	EXPECT_NO_MORE();
	for (size_t i = 0; i < ARRAY_SIZE(rings); i++)
		close_ring(&rings[i]);
	free(memory);
	forget_devices();
	close_set();
	EXPECT_SOON(stat_of(TOP, "accounts"), 0);
	clean_up();
	EXPECT_NO_MORE();
	ring_buffer__free(book);
	told_bpf__destroy(programs);
}

/* The policy of a cgroup refuses. */
static void refuse(uint64_t cgroup, int64_t device, int error)
{
	programs->bss->answer = (struct told_answer){
		.cgroup_id = cgroup,
		.device = device,
		.error = error,
	};
}

/* ---- pinned memory ---- */

/**
 * struct level - a policy that is told of an unpin
 * @cgroup: where it is attached
 * @left: unique bytes there in the end
 * @max: the limit there
 */
struct level {
	uint64_t cgroup;
	uint64_t left;
	uint64_t max;
};

/*
 * Pages that lie apart are uncharged in parts, each of which all policies are told before
 * the next. Of unique bytes there are @more than in the end until the last part.
 */
static void expect_unpinned(int line, uint64_t owner, uint64_t kind,
			    uint64_t bytes, uint64_t more,
			    const struct level levels[], size_t nr)
{
	uint64_t part;

	for (; bytes; bytes -= part) {
		part = peek_amount();
		if (!part || part > bytes) {
			fail_test("line %d: %" PRIu64 " bytes more to uncharge",
				  line, bytes);
			return;
		}
		more -= more ? part : 0;
		for (size_t i = 0; i < nr; i++)
			expect_next(line, &(const struct told_record){
						  .by = TOLD_UNCHARGE_PINNED,
						  .cgroup_id = levels[i].cgroup,
						  .owner_id = owner,
						  .what = kind,
						  .amount = part,
						  .held = levels[i].left + more,
						  .max = levels[i].max });
	}
}

/* Of pages that nothing else pins, and of pages that something else does. */
#define EXPECT_UNPINNED(owner, kind, bytes, ...)                 \
	expect_unpinned(__LINE__, owner, kind, bytes, bytes,     \
			((const struct level[]){ __VA_ARGS__ }), \
			ARRAY_SIZE(((const struct level[]){ __VA_ARGS__ })))
#define EXPECT_LESS_PINNED(owner, kind, bytes, ...)              \
	expect_unpinned(__LINE__, owner, kind, bytes, 0,         \
			((const struct level[]){ __VA_ARGS__ }), \
			ARRAY_SIZE(((const struct level[]){ __VA_ARGS__ })))
#define ALL_LEVELS(left)                                      \
	{ inner, left, NO_LIMIT }, { outer, left, NO_LIMIT }, \
	{                                                     \
		top, left, NO_LIMIT                           \
	}

/* Half a MiB in OTHER, so that each level has other numbers, and what is told of it. */
static void pin_beside(void)
{
	enter_group(OTHER);
	EXPECT_EQ(register_buffer(&rings[1], memory + 2 * MIB, MIB / 2), 0);
	enter_group(INNER);
	EXPECT_NEXT(CHARGE_PINNED, outer, other, .what = KIND_IO_URING,
		    .amount = MIB / 2, .held = MIB / 2, .max = NO_LIMIT);
	EXPECT_NEXT(CHARGE_PINNED, top, other, .what = KIND_IO_URING,
		    .amount = MIB / 2, .held = MIB / 2, .max = NO_LIMIT);
	EXPECT_NO_MORE();
}

static void charge_is_told_from_the_nearest_up(void)
{
	pin_beside();
	set_number(INNER, "ioas.pinned.max", 8 * MIB);
	set_number(TOP, "ioas.pinned.max", 16 * MIB);
	EXPECT_EQ(pin(0, MIB), 0);
	EXPECT_NEXT(CHARGE_PINNED, inner, inner, .what = KIND_IO_URING,
		    .amount = MIB, .held = MIB, .max = 8 * MIB);
	EXPECT_NEXT(CHARGE_PINNED, outer, inner, .what = KIND_IO_URING,
		    .amount = MIB, .held = MIB + MIB / 2, .max = NO_LIMIT);
	EXPECT_NEXT(CHARGE_PINNED, top, inner, .what = KIND_IO_URING,
		    .amount = MIB, .held = MIB + MIB / 2, .max = 16 * MIB);
	EXPECT_NO_MORE();
	set_number(OUTER, "ioas.pinned.max", 4 * MIB);
	unpin(0);
	EXPECT_UNPINNED(inner, KIND_IO_URING, MIB, { inner, 0, 8 * MIB },
			{ outer, MIB / 2, 4 * MIB },
			{ top, MIB / 2, 16 * MIB });
	EXPECT_NO_MORE();
	unpin(1);
	EXPECT_UNPINNED(other, KIND_IO_URING, MIB / 2, { outer, 0, 4 * MIB },
			{ top, 0, 16 * MIB });
}

static void expect_charge(int line, int64_t kind, int64_t bytes, int64_t unique)
{
	const uint64_t up[] = { inner, outer, top };

	for (size_t i = 0; i < LEVELS; i++)
		expect_next(line, &(const struct told_record){
					  .by = TOLD_CHARGE_PINNED,
					  .cgroup_id = up[i],
					  .owner_id = inner,
					  .what = kind,
					  .amount = bytes,
					  .held = unique,
					  .max = NO_LIMIT });
}

/* The three policies are told the same of INNER, where nobody else has anything. */
#define EXPECT_CHARGE(kind, bytes, unique) \
	expect_charge(__LINE__, kind, bytes, unique)

static void what_is_pinned_twice_is_told_twice(void)
{
	EXPECT_EQ(pin(0, MIB), 0);
	EXPECT_CHARGE(KIND_IO_URING, MIB, MIB);
	EXPECT_EQ(pin(1, MIB + PAGE), 0);
	EXPECT_CHARGE(KIND_IO_URING, MIB + PAGE, MIB + PAGE);
	unpin(0);
	EXPECT_LESS_PINNED(inner, KIND_IO_URING, MIB, ALL_LEVELS(MIB + PAGE));
	EXPECT_NO_MORE();
	unpin(1);
	EXPECT_UNPINNED(inner, KIND_IO_URING, MIB + PAGE, ALL_LEVELS(0));
}

static void other_kind_is_told_as_that(void)
{
	EXPECT_EQ(map_at(iommufd, ioas, memory, MOCK_START, MIB), 0);
	EXPECT_CHARGE(KIND_IOMMUFD, MIB, MIB);
	EXPECT_EQ(unmap_at(iommufd, ioas, MOCK_START, MIB), 0);
	EXPECT_UNPINNED(inner, KIND_IOMMUFD, MIB, ALL_LEVELS(0));
}

/* At most 512 pages at a time. */
static void long_charge_is_told_in_batches(void)
{
	EXPECT_EQ(map_at(iommufd, ioas, memory, MOCK_START, SIZE), 0);
	EXPECT_CHARGE(KIND_IOMMUFD, 2 * MIB, 2 * MIB);
	EXPECT_CHARGE(KIND_IOMMUFD, 2 * MIB, SIZE);
	EXPECT_NO_MORE();
	EXPECT_EQ(unmap_at(iommufd, ioas, MOCK_START, SIZE), 0);
	EXPECT_UNPINNED(inner, KIND_IOMMUFD, SIZE, ALL_LEVELS(0));
}

/* Those above the one that refuses are not asked, and it is not told of the end. */
static void charge_that_an_ancestor_refuses_is_told_to_be_undone(void)
{
	pin_beside();
	refuse(outer, 0, -EACCES);
	EXPECT_EQ(pin(0, MIB), -EACCES);
	EXPECT_NEXT(CHARGE_PINNED, inner, inner, .what = KIND_IO_URING,
		    .amount = MIB, .held = MIB, .max = NO_LIMIT);
	EXPECT_NEXT(CHARGE_PINNED, outer, inner, .what = KIND_IO_URING,
		    .amount = MIB, .held = MIB + MIB / 2, .max = NO_LIMIT);
	EXPECT_NEXT(UNCHARGE_PINNED, inner, inner, .what = KIND_IO_URING,
		    .amount = MIB, .held = 0, .max = NO_LIMIT);
	EXPECT_NEXT(DENY_POLICY, outer, inner, .what = KIND_IO_URING,
		    .amount = MIB, .held = MIB / 2, .error = -EACCES,
		    .policy = "middle");
	EXPECT_NO_MORE();
	refuse(top, 0, -EDQUOT);
	EXPECT_EQ(pin(0, PAGE), -EDQUOT);
	EXPECT_NEXT(CHARGE_PINNED, inner, inner, .what = KIND_IO_URING,
		    .amount = PAGE, .held = PAGE, .max = NO_LIMIT);
	EXPECT_NEXT(CHARGE_PINNED, outer, inner, .what = KIND_IO_URING,
		    .amount = PAGE, .held = MIB / 2 + PAGE, .max = NO_LIMIT);
	EXPECT_NEXT(CHARGE_PINNED, top, inner, .what = KIND_IO_URING,
		    .amount = PAGE, .held = MIB / 2 + PAGE, .max = NO_LIMIT);
	EXPECT_NEXT(UNCHARGE_PINNED, inner, inner, .what = KIND_IO_URING,
		    .amount = PAGE, .held = 0, .max = NO_LIMIT);
	EXPECT_NEXT(UNCHARGE_PINNED, outer, inner, .what = KIND_IO_URING,
		    .amount = PAGE, .held = MIB / 2, .max = NO_LIMIT);
	EXPECT_NEXT(DENY_POLICY, top, inner, .what = KIND_IO_URING,
		    .amount = PAGE, .held = MIB / 2, .error = -EDQUOT,
		    .policy = "farthest.of-all");
}

/* With the number that callers expect, and the tracepoint has that one, too. */
static void answer_of_a_policy_is_what_the_call_gets(void)
{
	static const struct {
		int answer;
		int error;
	} rows[] = {
		{ -EPERM, -EPERM },   { -EACCES, -EACCES },
		{ -ENOMEM, -ENOMEM }, { -EDQUOT, -EDQUOT },
		{ -ENOSPC, -EPERM },  { -EFAULT, -EPERM },
		{ 1, -EPERM },	      { INT_MAX, -EPERM },
		{ INT_MIN, -EPERM },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		refuse(inner, 0, rows[i].answer);
		EXPECT_EQ(pin(0, PAGE), rows[i].error);
		EXPECT_NEXT(CHARGE_PINNED, inner, inner, .what = KIND_IO_URING,
			    .amount = PAGE, .held = PAGE, .max = NO_LIMIT);
		EXPECT_NEXT(DENY_POLICY, inner, inner, .what = KIND_IO_URING,
			    .amount = PAGE, .error = rows[i].error,
			    .policy = "n");
		EXPECT_NO_MORE();
	}
}

static void expect_limit_hit(int line, uint64_t limit_id, int64_t resource,
			     int64_t wanted, int64_t held, int64_t max)
{
	const uint64_t up[] = { inner, outer, top };

	for (size_t i = 0; i < LEVELS; i++)
		expect_next(line,
			    &(const struct told_record){ .by = TOLD_LIMIT_HIT,
							 .cgroup_id = up[i],
							 .owner_id = inner,
							 .limit_id = limit_id,
							 .what = resource,
							 .amount = wanted,
							 .held = held,
							 .max = max });
}

/* Each policy is told, wherever the limit is, and none is asked. */
#define EXPECT_LIMIT_HIT(limit_id, resource, wanted, held, max) \
	expect_limit_hit(__LINE__, limit_id, resource, wanted, held, max)

static void limit_of_each_cgroup_is_told_to_all(void)
{
	pin_beside();
	set_number(OUTER, "ioas.pinned.max", MIB);
	EXPECT_EQ(pin(0, MIB), -ENOMEM);
	EXPECT_LIMIT_HIT(outer, PINNED, MIB, MIB / 2, MIB);
	set_number(INNER, "ioas.pinned.max", MIB / 4);
	EXPECT_EQ(pin(0, MIB), -ENOMEM);
	EXPECT_LIMIT_HIT(inner, PINNED, MIB, 0, MIB / 4);
	set_number(INNER, "ioas.pinned.max", 2 * MIB);
	set_number(OUTER, "ioas.pinned.max", 2 * MIB);
	set_number(TOP, "ioas.pinned.max", 0);
	EXPECT_EQ(pin(0, PAGE), -ENOMEM);
	EXPECT_LIMIT_HIT(top, PINNED, PAGE, MIB / 2, 0);
}

/* ---- PASIDs ---- */

static void expect_pasid(int line, enum told_by by, int64_t scope,
			 int64_t pasid, int64_t device, int64_t held)
{
	const uint64_t up[] = { inner, outer, top };

	for (size_t i = 0; i < LEVELS; i++)
		expect_next(line,
			    &(const struct told_record){ .by = by,
							 .cgroup_id = up[i],
							 .owner_id = inner,
							 .what = scope,
							 .held = held,
							 .max = NO_LIMIT,
							 .pasid = pasid,
							 .device = device });
}

/* The same to all three. */
#define EXPECT_PASID(by, scope, pasid, device, held) \
	expect_pasid(__LINE__, TOLD_##by, scope, pasid, device, held)

#define ID_OF_OWN inode_of(PATH_OF_OWN)
#define ID_OF_SECOND inode_of(PATH_OF_SECOND)

static void pasid_is_told_with_its_number_and_device(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_PASID(CHARGE_PASID, SCOPE_GLOBAL, translate(&own, 5), 0, 1);
	EXPECT_EQ(ALLOC(DEVICE, 7, second.bound), 7);
	EXPECT_PASID(CHARGE_PASID, SCOPE_DEVICE, 7, ID_OF_SECOND, 1);
	EXPECT_EQ(ALLOC(DEVICE, 8, own.bound), 8);
	EXPECT_PASID(CHARGE_PASID, SCOPE_DEVICE, 8, ID_OF_OWN, 2);
	EXPECT_NO_MORE();
	EXPECT_EQ(free_vpasid(DEVICE, 7, second.bound), 0);
	EXPECT_PASID(UNCHARGE_PASID, SCOPE_DEVICE, 7, ID_OF_SECOND, 1);
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
	EXPECT_PASID(UNCHARGE_PASID, SCOPE_GLOBAL, first_number, 0, 0);
	EXPECT_EQ(free_vpasid(DEVICE, 8, own.bound), 0);
	EXPECT_PASID(UNCHARGE_PASID, SCOPE_DEVICE, 8, ID_OF_OWN, 0);
}

/* Each with what its own cgroup holds, and may hold. */
static void pasid_is_told_from_the_nearest_up(void)
{
	const int first = iommufd;
	const uint32_t number = first_number + 1;
	int another;

	enter_group(OTHER);
	open_set();
	plug(&narrow, MOCK_PASID_BITS(20));
	another = iommufd;
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_NEXT(CHARGE_PASID, outer, other, .what = SCOPE_GLOBAL,
		    .pasid = first_number, .held = 1, .max = NO_LIMIT);
	EXPECT_NEXT(CHARGE_PASID, top, other, .what = SCOPE_GLOBAL,
		    .pasid = first_number, .held = 1, .max = NO_LIMIT);
	iommufd = first;
	enter_group(INNER);
	limit_pasids(INNER, "global", "3");
	limit_pasids(INNER, "device", "4");
	limit_pasids(TOP, "global", "5");
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_NEXT(CHARGE_PASID, inner, inner, .what = SCOPE_GLOBAL,
		    .pasid = number, .held = 1, .max = 3);
	EXPECT_NEXT(CHARGE_PASID, outer, inner, .what = SCOPE_GLOBAL,
		    .pasid = number, .held = 2, .max = NO_LIMIT);
	EXPECT_NEXT(CHARGE_PASID, top, inner, .what = SCOPE_GLOBAL,
		    .pasid = number, .held = 2, .max = 5);
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
	EXPECT_NEXT(UNCHARGE_PASID, inner, inner, .what = SCOPE_GLOBAL,
		    .pasid = number, .held = 0, .max = 3);
	EXPECT_NEXT(UNCHARGE_PASID, outer, inner, .what = SCOPE_GLOBAL,
		    .pasid = number, .held = 1, .max = NO_LIMIT);
	EXPECT_NEXT(UNCHARGE_PASID, top, inner, .what = SCOPE_GLOBAL,
		    .pasid = number, .held = 1, .max = 5);
	REQUIRE(!close(another));
	EXPECT_NEXT(UNCHARGE_PASID, outer, other, .what = SCOPE_GLOBAL,
		    .pasid = first_number, .held = 0, .max = NO_LIMIT);
	EXPECT_NEXT(UNCHARGE_PASID, top, other, .what = SCOPE_GLOBAL,
		    .pasid = first_number, .held = 0, .max = 5);
}

static void expect_group_of(int line, enum told_by by, uint64_t cgroup,
			    unsigned int nr, int64_t held)
{
	const int64_t devices[] = { ID_OF_OWN, ID_OF_SECOND };

	for (size_t i = 0; i < nr; i++)
		expect_next(line,
			    &(const struct told_record){ .by = by,
							 .cgroup_id = cgroup,
							 .owner_id = inner,
							 .what = SCOPE_DEVICE,
							 .pasid = 5,
							 .device = devices[i],
							 .held = held,
							 .max = NO_LIMIT });
}

/* The first device, or both, to one policy. */
#define EXPECT_GROUP(by, cgroup, nr, held) \
	expect_group_of(__LINE__, TOLD_##by, cgroup, nr, held)

static void pasid_of_a_group_is_told_for_each_device(void)
{
	EXPECT_EQ(ALLOC(GROUP, 5, own.bound, second.bound), 5);
	EXPECT_GROUP(CHARGE_PASID, inner, 2, 2);
	EXPECT_GROUP(CHARGE_PASID, outer, 2, 2);
	EXPECT_GROUP(CHARGE_PASID, top, 2, 2);
}

static void pasid_that_an_ancestor_refuses_is_told_to_be_undone(void)
{
	refuse(outer, ID_OF_SECOND, -EPERM);
	EXPECT_EQ(ALLOC(GROUP, 5, own.bound, second.bound), -EPERM);
	EXPECT_GROUP(CHARGE_PASID, inner, 2, 2);
	EXPECT_GROUP(CHARGE_PASID, outer, 2, 2);
	EXPECT_GROUP(UNCHARGE_PASID, outer, 1, 0);
	EXPECT_GROUP(UNCHARGE_PASID, inner, 2, 0);
	EXPECT_NEXT(DENY_PASID_POLICY, outer, inner, .what = SCOPE_DEVICE,
		    .amount = 2, .device = ID_OF_SECOND, .error = -EPERM,
		    .policy = "middle");
	EXPECT_NO_MORE();
	refuse(top, ID_OF_OWN, -EDQUOT);
	EXPECT_EQ(ALLOC(GROUP, 5, own.bound, second.bound), -EDQUOT);
	EXPECT_GROUP(CHARGE_PASID, inner, 2, 2);
	EXPECT_GROUP(CHARGE_PASID, outer, 2, 2);
	EXPECT_GROUP(CHARGE_PASID, top, 1, 2);
	EXPECT_GROUP(UNCHARGE_PASID, inner, 2, 0);
	EXPECT_GROUP(UNCHARGE_PASID, outer, 2, 0);
	EXPECT_NEXT(DENY_PASID_POLICY, top, inner, .what = SCOPE_DEVICE,
		    .amount = 2, .device = ID_OF_OWN, .error = -EDQUOT,
		    .policy = "farthest.of-all");
}

/* It is of no one device. */
static void global_pasid_that_is_refused_is_told(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_PASID(CHARGE_PASID, SCOPE_GLOBAL, first_number, 0, 1);
	refuse(inner, 0, -EACCES);
	EXPECT_EQ(ALLOC(GLOBAL, 6), -EACCES);
	EXPECT_NEXT(CHARGE_PASID, inner, inner, .what = SCOPE_GLOBAL,
		    .pasid = first_number + 1, .held = 2, .max = NO_LIMIT);
	EXPECT_NEXT(DENY_PASID_POLICY, inner, inner, .what = SCOPE_GLOBAL,
		    .amount = 1, .held = 1, .error = -EACCES, .policy = "n");
	EXPECT_NO_MORE();
	EXPECT_EQ(free_vpasid(GLOBAL, 5, 0), 0);
	EXPECT_PASID(UNCHARGE_PASID, SCOPE_GLOBAL, first_number, 0, 0);
}

static void limit_of_pasids_is_told_to_all(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(DEVICE, 6, own.bound), 6);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), 7);
	skip_records();
	limit_pasids(OUTER, "global", "1");
	EXPECT_EQ(ALLOC(GLOBAL, 8), -EDQUOT);
	EXPECT_LIMIT_HIT(outer, PASID_GLOBAL, 1, 1, 1);
	limit_pasids(TOP, "device", "3");
	EXPECT_EQ(ALLOC(GROUP, 8, own.bound, second.bound), -EDQUOT);
	EXPECT_LIMIT_HIT(top, PASID_DEVICE, 2, 2, 3);
	limit_pasids(INNER, "device", "0");
	EXPECT_EQ(ALLOC(DEVICE, 8, own.bound), -EDQUOT);
	EXPECT_LIMIT_HIT(inner, PASID_DEVICE, 1, 2, 0);
}

/* ---- the end of a cgroup ---- */

/* What a link tells of when its policy is detached. */
static bool is_detached(const struct bpf_link *link)
{
	struct pollfd poller = { .fd = bpf_link__fd(link) };

	REQUIRE(poll(&poller, 1, 10 * 1000) >= 0);
	return poller.revents & POLLHUP;
}

static void removed_cgroup_is_told_once(void)
{
	enter_group("");
	EXPECT_EQ(remove_group(INNER), 0);
	EXPECT_NEXT(CGROUP_GONE, inner, 0);
	EXPECT_EQ(is_detached(policies[0]), true);
	EXPECT_NO_MORE();
	EXPECT_EQ(remove_group(OTHER), 0);
	EXPECT_EQ(remove_group(OUTER), 0);
	EXPECT_NEXT(CGROUP_GONE, outer, 0);
	EXPECT_EQ(is_detached(policies[1]), true);
}

/* Its folder stays, and can be removed later. */
static void cgroup_without_the_controller_is_told_once(void)
{
	enter_group("");
	REQUIRE(!write_file(group_file(OUTER, "cgroup.subtree_control"),
			    "-ioas"));
	EXPECT_NEXT(CGROUP_GONE, inner, 0);
	EXPECT_EQ(is_detached(policies[0]), true);
	EXPECT_NO_MORE();
	REQUIRE(!write_file(group_file(OUTER, "cgroup.subtree_control"),
			    "+ioas"));
	enter_group(INNER);
	EXPECT_EQ(pin(0, MIB), 0);
	EXPECT_NEXT(CHARGE_PINNED, outer, inner, .what = KIND_IO_URING,
		    .amount = MIB, .held = MIB, .max = NO_LIMIT);
	EXPECT_NEXT(CHARGE_PINNED, top, inner, .what = KIND_IO_URING,
		    .amount = MIB, .held = MIB, .max = NO_LIMIT);
	unpin(0);
	skip_records();
	enter_group("");
	EXPECT_EQ(remove_group(INNER), 0);
}

/* Policies above are told who has pinned. */
static void removed_cgroup_is_the_owner_of_what_it_has_pinned(void)
{
	EXPECT_EQ(pin(0, MIB), 0);
	EXPECT_CHARGE(KIND_IO_URING, MIB, MIB);
	enter_group("");
	EXPECT_EQ(remove_group(INNER), 0);
	EXPECT_NEXT(CGROUP_GONE, inner, 0);
	unpin(0);
	EXPECT_UNPINNED(inner, KIND_IO_URING, MIB, { outer, 0, NO_LIMIT },
			{ top, 0, NO_LIMIT });
}

#define RUN(test) run_test(#test, test, set_up_told, clean_up_told)

int main(void)
{
	RUN(charge_is_told_from_the_nearest_up);
	RUN(what_is_pinned_twice_is_told_twice);
	RUN(other_kind_is_told_as_that);
	RUN(long_charge_is_told_in_batches);
	RUN(charge_that_an_ancestor_refuses_is_told_to_be_undone);
	RUN(answer_of_a_policy_is_what_the_call_gets);
	RUN(limit_of_each_cgroup_is_told_to_all);
	RUN(pasid_is_told_with_its_number_and_device);
	RUN(pasid_is_told_from_the_nearest_up);
	RUN(pasid_of_a_group_is_told_for_each_device);
	RUN(pasid_that_an_ancestor_refuses_is_told_to_be_undone);
	RUN(global_pasid_that_is_refused_is_told);
	RUN(limit_of_pasids_is_told_to_all);
	RUN(removed_cgroup_is_told_once);
	RUN(cgroup_without_the_controller_is_told_once);
	RUN(removed_cgroup_is_the_owner_of_what_it_has_pinned);
	return end_tests();
}
