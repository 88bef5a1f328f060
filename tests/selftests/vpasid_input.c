// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the ioctls of PASID sets refuse: each time with the error that is documented,
 * with nothing changed, and so that good calls do what they did before.
 */
#include <sys/mman.h>

#include "ioas_pasid.h"

static int call(unsigned long request, void *argument)
{
	return ioctl(iommufd, request, argument) ? -errno : 0;
}

/* ---- what has to stay as it is ---- */

/* Of each scope one. */
static void bind_some(void)
{
	EXPECT_EQ(ALLOC(GLOBAL, 5), 5);
	EXPECT_EQ(ALLOC(GROUP, 6, own.bound, second.bound), 6);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), 7);
}

#define BOUND_GLOBAL 1
#define BOUND_DEVICE 3

static void expect_translation(int line, const struct mock_device *device,
			       uint32_t vpasid, int number)
{
	int found = translate(device, vpasid);

	expect(line, "pPASID", found, "", found == number, number);
}

/* For some of the devices, 9 is nothing. */
static void expect_bound(int line)
{
	expect_translation(line, &own, 5, first_number);
	expect_translation(line, &own, 6, 6);
	expect_translation(line, &own, 7, 7);
	expect_translation(line, &own, 9, -ENOENT);
	expect_translation(line, &second, 5, first_number);
	expect_translation(line, &second, 6, 6);
	expect_translation(line, &second, 7, -ENOENT);
	expect_translation(line, &second, 9, -ENOENT);
	expect_translation(line, &narrow, 5, first_number);
	expect_translation(line, &narrow, 6, -ENOENT);
	expect_translation(line, &enqcmd, 5, first_number);
	expect_translation(line, &enqcmd, 6, -ENOENT);
}

/* vPASIDs and numbers that are given out to who has no wish. */
struct good_calls {
	int vpasids[3];
	int numbers[4];
};

static struct good_calls usual;

static void make_good_calls(struct good_calls *good)
{
	int *v = good->vpasids;

	v[0] = ALLOC(GLOBAL, 0);
	v[1] = ALLOC(GROUP, 0, own.bound);
	v[2] = ALLOC(DEVICE, 0, narrow.bound);
	EXPECT_EQ(add_to_group(v[1], &own, &second), 0);
	good->numbers[0] = translate(&enqcmd, v[0]);
	good->numbers[1] = translate(&own, v[1]);
	good->numbers[2] = translate(&second, v[1]);
	good->numbers[3] = translate(&narrow, v[2]);
	EXPECT_CHARGED(BOUND_GLOBAL + 1, BOUND_DEVICE + 3);
	EXPECT_EQ(free_vpasid(GLOBAL, v[0], 0), 0);
	EXPECT_EQ(free_vpasid(GROUP, v[1], own.bound), 0);
	EXPECT_EQ(free_vpasid(DEVICE, v[2], narrow.bound), 0);
	EXPECT_CHARGED(BOUND_GLOBAL, BOUND_DEVICE);
}

/* What a refused call kept would be missing. */
static void expect_good_calls(int line)
{
	struct good_calls now;

	make_good_calls(&now);
	for (size_t i = 0; i < ARRAY_SIZE(now.vpasids); i++)
		expect(line, "vPASID of a good call", now.vpasids[i], "",
		       now.vpasids[i] == usual.vpasids[i], usual.vpasids[i]);
	for (size_t i = 0; i < ARRAY_SIZE(now.numbers); i++)
		expect(line, "pPASID of a good call", now.numbers[i], "",
		       now.numbers[i] == usual.numbers[i], usual.numbers[i]);
}

#define EXPECT_BAD(call, error)              \
	do {                                 \
		EXPECT_REFUSED(call, error); \
		expect_bound(__LINE__);      \
		expect_good_calls(__LINE__); \
	} while (0)

static void set_up_and_bind(void)
{
	set_up();
	bind_some();
	make_good_calls(&usual);
	for (size_t i = 0; i < ARRAY_SIZE(usual.numbers); i++)
		EXPECT_AT_MOST(1, usual.numbers[i]);
}

/* ---- fields ---- */

/* Good, until something is changed. */
static struct iommu_vpasid_alloc good_alloc(void)
{
	return (struct iommu_vpasid_alloc){
		.size = sizeof(struct iommu_vpasid_alloc),
		.scope = DEVICE,
		.nr_devs = 1,
		.dev_ids = (uintptr_t)&own.bound,
		.vpasid = 9,
	};
}

static struct iommu_vpasid_add good_add(void)
{
	return (struct iommu_vpasid_add){
		.size = sizeof(struct iommu_vpasid_add),
		.vpasid = 6,
		.member_id = own.bound,
		.dev_id = narrow.bound,
	};
}

static struct iommu_vpasid_free good_free(void)
{
	return (struct iommu_vpasid_free){
		.size = sizeof(struct iommu_vpasid_free),
		.scope = DEVICE,
		.vpasid = 7,
		.dev_id = own.bound,
	};
}

static struct iommu_vpasid_query good_query(void)
{
	return (struct iommu_vpasid_query){
		.size = sizeof(struct iommu_vpasid_query),
		.dev_id = own.bound,
	};
}

/* Each a good call, but for the field. */
#define EXPECT_BAD_FIELD(what, request, field, value, error) \
	do {                                                 \
		struct iommu_vpasid_##what bad_;             \
                                                             \
		bad_ = good_##what();                        \
		bad_.field = value;                          \
		EXPECT_BAD(call(request, &bad_), error);     \
	} while (0)

static void flags_and_reserved_fields_have_to_be_zero(void)
{
	static const uint32_t values[] = { 1, 2, 1u << 31, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		const uint32_t value = values[i];

		EXPECT_BAD_FIELD(alloc, IOMMU_VPASID_ALLOC, flags, value,
				 -EINVAL);
		EXPECT_BAD_FIELD(alloc, IOMMU_VPASID_ALLOC, __reserved, value,
				 -EINVAL);
		EXPECT_BAD_FIELD(add, IOMMU_VPASID_ADD, flags, value, -EINVAL);
		EXPECT_BAD_FIELD(free, IOMMU_VPASID_FREE, flags, value,
				 -EINVAL);
		EXPECT_BAD_FIELD(free, IOMMU_VPASID_FREE, __reserved, value,
				 -EINVAL);
		EXPECT_BAD_FIELD(query, IOMMU_VPASID_QUERY, flags, value,
				 -EINVAL);
		EXPECT_BAD_FIELD(query, IOMMU_VPASID_QUERY, __reserved, value,
				 -EINVAL);
	}
}

static void unknown_scope_is_refused(void)
{
	static const uint32_t values[] = { 0, 4, 1u << 31, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		EXPECT_BAD_FIELD(alloc, IOMMU_VPASID_ALLOC, scope, values[i],
				 -EINVAL);
		EXPECT_BAD_FIELD(free, IOMMU_VPASID_FREE, scope, values[i],
				 -EINVAL);
	}
}

static void number_of_devices_has_to_fit_the_scope(void)
{
	EXPECT_BAD(ALLOC(DEVICE, 9), -EINVAL);
	EXPECT_BAD(ALLOC(DEVICE, 9, own.bound, second.bound), -EINVAL);
	EXPECT_BAD(ALLOC(DEVICE, 0, own.bound, second.bound, narrow.bound),
		   -EINVAL);
	EXPECT_BAD(ALLOC(GROUP, 9), -EINVAL);
	for (uint32_t scope = GLOBAL; scope <= DEVICE; scope++) {
		EXPECT_BAD(alloc_vpasid(scope, 9, &own.bound, UINT32_MAX),
			   -EINVAL);
		EXPECT_BAD(alloc_vpasid(scope, 9, &own.bound, 1u << 31),
			   -EINVAL);
	}
}

static void device_that_is_named_twice_is_refused(void)
{
	EXPECT_BAD(ALLOC(GROUP, 9, own.bound, own.bound), -EINVAL);
	EXPECT_BAD(ALLOC(GROUP, 9, own.bound, second.bound, own.bound),
		   -EINVAL);
	EXPECT_BAD(ALLOC(GROUP, 0, second.bound, own.bound, own.bound),
		   -EINVAL);
	EXPECT_BAD(ALLOC(GLOBAL, 9, enqcmd.bound, enqcmd.bound), -EINVAL);
	EXPECT_BAD(ALLOC(DEVICE, 9, own.bound, own.bound), -EINVAL);
}

static void vpasid_out_of_range_is_refused(void)
{
	static const uint32_t values[] = { LAST_PASID + 1, 1u << 24, INT32_MAX,
					   UINT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		EXPECT_BAD(ALLOC(GLOBAL, values[i]), -EINVAL);
		EXPECT_BAD(ALLOC(GROUP, values[i], own.bound, second.bound),
			   -EINVAL);
		EXPECT_BAD(ALLOC(DEVICE, values[i], own.bound), -EINVAL);
		EXPECT_BAD(add_to_group(values[i], &own, &narrow), -ENOENT);
		EXPECT_BAD(free_vpasid(GLOBAL, values[i], 0), -ENOENT);
		EXPECT_BAD(free_vpasid(DEVICE, values[i], own.bound), -ENOENT);
	}
}

static void vpasid_that_is_taken_is_refused(void)
{
	EXPECT_BAD(ALLOC(GLOBAL, 5), -EEXIST);
	EXPECT_BAD(ALLOC(GLOBAL, 5, enqcmd.bound), -EEXIST);
	EXPECT_BAD(ALLOC(DEVICE, 7, own.bound), -EEXIST);
	EXPECT_BAD(ALLOC(DEVICE, 6, own.bound), -EEXIST);
	EXPECT_BAD(ALLOC(DEVICE, 6, second.bound), -EEXIST);
	EXPECT_BAD(ALLOC(GROUP, 7, own.bound), -EEXIST);
	EXPECT_BAD(ALLOC(GROUP, 6, own.bound, second.bound), -EEXIST);
	/* On one of them only, be it the first or the last. */
	EXPECT_BAD(ALLOC(GROUP, 7, own.bound, narrow.bound), -EEXIST);
	EXPECT_BAD(ALLOC(GROUP, 7, second.bound, narrow.bound, own.bound),
		   -EEXIST);
	EXPECT_BAD(ALLOC(GROUP, 6, narrow.bound, second.bound), -EEXIST);
}

static void free_of_a_global_vpasid_names_no_device(void)
{
	EXPECT_BAD(free_vpasid(GLOBAL, 5, own.bound), -EINVAL);
	EXPECT_BAD(free_vpasid(GLOBAL, 5, UINT32_MAX), -EINVAL);
	EXPECT_BAD(free_vpasid(GROUP, 6, 0), -ENODEV);
	EXPECT_BAD(free_vpasid(DEVICE, 7, 0), -ENODEV);
}

/* ---- devices ---- */

static void device_without_pasids_is_refused(void)
{
	EXPECT_BAD(ALLOC(GLOBAL, 9, plain.bound), -EINVAL);
	EXPECT_BAD(ALLOC(GLOBAL, 9, own.bound, plain.bound), -EINVAL);
	EXPECT_BAD(ALLOC(GROUP, 9, plain.bound), -EINVAL);
	EXPECT_BAD(ALLOC(GROUP, 9, own.bound, plain.bound), -EINVAL);
	EXPECT_BAD(ALLOC(DEVICE, 9, plain.bound), -EINVAL);
	EXPECT_BAD(ALLOC(DEVICE, 0, plain.bound), -EINVAL);
	EXPECT_BAD(add_to_group(6, &own, &plain), -EINVAL);
}

static void device_that_takes_global_numbers_has_no_others(void)
{
	EXPECT_BAD(ALLOC(GROUP, 9, enqcmd.bound), -EOPNOTSUPP);
	EXPECT_BAD(ALLOC(GROUP, 9, own.bound, enqcmd.bound), -EOPNOTSUPP);
	EXPECT_BAD(ALLOC(DEVICE, 9, enqcmd.bound), -EOPNOTSUPP);
	EXPECT_BAD(ALLOC(DEVICE, 0, enqcmd.bound), -EOPNOTSUPP);
	EXPECT_BAD(add_to_group(6, &own, &enqcmd), -EOPNOTSUPP);
}

/* Wherever a device is named. */
static void expect_no_device(uint32_t id)
{
	const struct mock_device no_device = { .bound = id };
	struct iommu_vpasid_query result;
	bool failed_before = test_failed;

	EXPECT_BAD(ALLOC(GLOBAL, 9, id), -ENODEV);
	EXPECT_BAD(ALLOC(GROUP, 9, id), -ENODEV);
	EXPECT_BAD(ALLOC(DEVICE, 9, id), -ENODEV);
	EXPECT_BAD(ALLOC(GROUP, 9, own.bound, id), -ENODEV);
	EXPECT_BAD(ALLOC(GROUP, 9, id, own.bound), -ENODEV);
	EXPECT_BAD(ALLOC(GROUP, 9, own.bound, id, second.bound), -ENODEV);
	EXPECT_BAD(ALLOC(GLOBAL, 9, own.bound, enqcmd.bound, id), -ENODEV);
	EXPECT_BAD(add_to_group(6, &own, &no_device), -ENODEV);
	EXPECT_BAD(add_to_group(6, &no_device, &narrow), -ENODEV);
	EXPECT_BAD(free_vpasid(GROUP, 6, id), -ENODEV);
	EXPECT_BAD(free_vpasid(DEVICE, 7, id), -ENODEV);
	/* A query needs none. */
	if (id)
		EXPECT_BAD(query_set(id, &result), -ENODEV);
	if (test_failed && !failed_before)
		fail_test("with ID %u", id);
}

static void what_is_no_device_is_refused(void)
{
	expect_no_device(0);
	expect_no_device(ioas);
	/* The test driver's own object, not what it has bound. */
	expect_no_device(own.id);
	expect_no_device(1000);
	expect_no_device(INT32_MAX);
	expect_no_device(UINT32_MAX);
}

static void device_that_was_unplugged_is_refused(void)
{
	struct mock_device gone;

	plug(&gone, MOCK_PASID_BITS(20));
	EXPECT_EQ(ALLOC(DEVICE, 10, gone.bound), 10);
	EXPECT_EQ(unplug(&gone), 0);
	expect_no_device(gone.bound);
}

/* The IDs of each iommufd begin with 1, so this is one that the first has not got. */
static void device_of_another_iommufd_is_refused(void)
{
	const int first = iommufd;
	struct mock_device foreign;
	int another;

	open_set();
	do
		plug(&foreign, MOCK_PASID_BITS(20));
	while (foreign.bound <= plain.bound + 10);
	another = iommufd;
	EXPECT_EQ(ALLOC(DEVICE, 9, foreign.bound), 9);
	EXPECT_EQ(free_vpasid(DEVICE, 9, foreign.bound), 0);
	iommufd = first;
	expect_no_device(foreign.bound);
	REQUIRE(!close(another));
}

/* ---- sizes ---- */

/* Room for any of the structures, and more. */
union buffer {
	uint32_t size;
	struct iommu_vpasid_alloc alloc;
	struct iommu_vpasid_add add;
	struct iommu_vpasid_free free;
	struct iommu_vpasid_query query;
	char bytes[256];
};

static void fill_alloc(union buffer *buffer)
{
	buffer->alloc = good_alloc();
}

static void fill_add(union buffer *buffer)
{
	buffer->add = good_add();
}

static void fill_free(union buffer *buffer)
{
	buffer->free = good_free();
}

static void fill_query(union buffer *buffer)
{
	buffer->query = good_query();
}

static void undo_alloc(void)
{
	EXPECT_EQ(translate(&own, 9), 9);
	EXPECT_EQ(free_vpasid(DEVICE, 9, own.bound), 0);
}

static void undo_add(void)
{
	EXPECT_EQ(translate(&narrow, 6), 6);
	EXPECT_EQ(free_vpasid(GROUP, 6, narrow.bound), 0);
	EXPECT_EQ(ALLOC(GROUP, 6, own.bound, second.bound), 6);
}

static void undo_free(void)
{
	EXPECT_EQ(translate(&own, 7), -ENOENT);
	EXPECT_EQ(ALLOC(DEVICE, 7, own.bound), 7);
}

static void undo_query(void)
{
}

/**
 * struct command - an ioctl
 * @request: its number
 * @size: of its structure
 * @fill: makes a good one
 * @undo: what that does, after looking whether it has
 */
struct command {
	unsigned long request;
	uint32_t size;
	void (*fill)(union buffer *buffer);
	void (*undo)(void);
};

static const struct command commands[] = {
	{ IOMMU_VPASID_ALLOC, sizeof(struct iommu_vpasid_alloc), fill_alloc,
	  undo_alloc },
	{ IOMMU_VPASID_ADD, sizeof(struct iommu_vpasid_add), fill_add,
	  undo_add },
	{ IOMMU_VPASID_FREE, sizeof(struct iommu_vpasid_free), fill_free,
	  undo_free },
	{ IOMMU_VPASID_QUERY, sizeof(struct iommu_vpasid_query), fill_query,
	  undo_query },
};

static void structure_that_is_too_short_is_refused(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];
		const uint32_t sizes[] = { 0, 4, 8, command->size - 4,
					   command->size - 1 };
		union buffer buffer = {};

		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			command->fill(&buffer);
			buffer.size = sizes[j];
			EXPECT_BAD(call(command->request, &buffer), -EINVAL);
		}
	}
}

/* Later kernels know more of it; 0 is what they have to take for nothing. */
static void longer_structure_is_good_if_the_rest_is_zero(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];
		const uint32_t sizes[] = { command->size, command->size + 1,
					   command->size + 8,
					   sizeof(union buffer) };

		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			union buffer buffer = {};

			command->fill(&buffer);
			buffer.size = sizes[j];
			EXPECT_EQ(call(command->request, &buffer), 0);
			for (size_t k = command->size; k < sizeof(buffer); k++)
				EXPECT_EQ(buffer.bytes[k], 0);
			command->undo();
			expect_bound(__LINE__);
			expect_good_calls(__LINE__);
		}
	}
}

static void longer_structure_with_something_in_the_rest_is_refused(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];
		const uint32_t sizes[] = { command->size + 1, command->size + 8,
					   sizeof(union buffer) };

		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			union buffer buffer = {};

			command->fill(&buffer);
			buffer.size = sizes[j];
			buffer.bytes[sizes[j] - 1] = 1;
			EXPECT_BAD(call(command->request, &buffer), -E2BIG);
		}
	}
}

/* ---- pointers ---- */

/* The first page can be used, there is nothing in the second. */
static char *pages;

static void map_pages(void)
{
	pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(pages != MAP_FAILED);
	REQUIRE(!mprotect(pages + PAGE, PAGE, PROT_NONE));
}

static void unmap_pages(void)
{
	REQUIRE(!munmap(pages, 2 * PAGE));
}

static void ids_that_cannot_be_read_are_refused(void)
{
	uint32_t *last;

	map_pages();
	last = (uint32_t *)(pages + PAGE) - 1;
	*last = own.bound;
	for (uint32_t scope = GLOBAL; scope <= DEVICE; scope++) {
		EXPECT_BAD(alloc_vpasid(scope, 9, NULL, 1), -EFAULT);
		EXPECT_BAD(alloc_vpasid(scope, 9, (void *)8, 1), -EFAULT);
		EXPECT_BAD(alloc_vpasid(scope, 9, last + 1, 1), -EFAULT);
		EXPECT_BAD(alloc_vpasid(scope, 9, (void *)UINTPTR_MAX, 1),
			   -EFAULT);
		EXPECT_BAD(alloc_vpasid(scope, 9, (void *)(1ULL << 63), 1),
			   -EFAULT);
		EXPECT_BAD(alloc_vpasid(scope, 9, last, 2), -EFAULT);
	}
	/* Nobody looks where there are none. */
	EXPECT_EQ(alloc_vpasid(GLOBAL, 9, (void *)8, 0), 9);
	EXPECT_EQ(free_vpasid(GLOBAL, 9, 0), 0);
	EXPECT_EQ(alloc_vpasid(DEVICE, 9, last, 1), 9);
	EXPECT_EQ(free_vpasid(DEVICE, 9, own.bound), 0);
	unmap_pages();
}

static void structure_that_cannot_be_read_is_refused(void)
{
	map_pages();
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];
		union buffer buffer = {};
		char *end = pages + PAGE;

		EXPECT_BAD(call(command->request, NULL), -EFAULT);
		EXPECT_BAD(call(command->request, end), -EFAULT);
		EXPECT_BAD(call(command->request, (void *)UINTPTR_MAX),
			   -EFAULT);
		/* All but its last word. */
		command->fill(&buffer);
		memcpy(end - command->size + 4, &buffer, command->size - 4);
		EXPECT_BAD(call(command->request, end - command->size + 4),
			   -EFAULT);
		/* Up to where it says that it ends. */
		buffer.size += 8;
		memcpy(end - command->size, &buffer, command->size);
		EXPECT_BAD(call(command->request, end - command->size),
			   -EFAULT);
	}
	unmap_pages();
}

/* In the first page, which can be read only during the call. */
static int call_read_only(unsigned long request, const void *argument,
			  size_t size)
{
	int ret;

	memcpy(pages, argument, size);
	REQUIRE(!mprotect(pages, PAGE, PROT_READ));
	ret = call(request, pages);
	REQUIRE(!mprotect(pages, PAGE, PROT_READ | PROT_WRITE));
	return ret;
}

static int alloc_read_only(uint32_t scope, uint32_t wanted, size_t nr)
{
	const uint32_t ids[] = { own.bound, second.bound };
	struct iommu_vpasid_alloc alloc = good_alloc();

	alloc.scope = scope;
	alloc.vpasid = wanted;
	alloc.nr_devs = nr;
	alloc.dev_ids = (uintptr_t)ids;
	return call_read_only(IOMMU_VPASID_ALLOC, &alloc, sizeof(alloc));
}

static void result_that_cannot_be_written_leaves_nothing(void)
{
	struct iommu_vpasid_query query = good_query();

	map_pages();
	for (uint32_t wanted = 0; wanted <= 9; wanted += 9) {
		EXPECT_BAD(alloc_read_only(GLOBAL, wanted, 0), -EFAULT);
		EXPECT_BAD(alloc_read_only(GLOBAL, wanted, 2), -EFAULT);
		EXPECT_BAD(alloc_read_only(GROUP, wanted, 1), -EFAULT);
		EXPECT_BAD(alloc_read_only(GROUP, wanted, 2), -EFAULT);
		EXPECT_BAD(alloc_read_only(DEVICE, wanted, 1), -EFAULT);
	}
	/* A global one that is beside another binding. */
	EXPECT_BAD(alloc_read_only(GLOBAL, 6, 0), -EFAULT);
	EXPECT_BAD(alloc_read_only(DEVICE, 5, 1), -EFAULT);
	EXPECT_BAD(call_read_only(IOMMU_VPASID_QUERY, &query, sizeof(query)),
		   -EFAULT);
	unmap_pages();
}

/* It is the first of the iommufd that counts, and this was none. */
static void result_that_cannot_be_written_makes_no_owner(void)
{
	close_set();
	open_set();
	plug(&own, MOCK_PASID_BITS(20));
	plug(&second, MOCK_PASID_BITS(20));
	map_pages();
	EXPECT_EQ(alloc_read_only(GLOBAL, 9, 0), -EFAULT);
	EXPECT_EQ(alloc_read_only(GROUP, 9, 2), -EFAULT);
	EXPECT_CHARGED(0, 0);
	enter_group(OTHER);
	EXPECT_EQ(ALLOC(GLOBAL, 9), 9);
	EXPECT_CHARGED_BOTH(0, 0, 1, 0);
	unmap_pages();
}

/* ---- other files, other ioctls ---- */

static void numbers_beside_the_ioctls_are_none(void)
{
	union buffer buffer = {};

	fill_alloc(&buffer);
	EXPECT_BAD(call(_IO(IOMMUFD_TYPE, 0xc4), &buffer), -ENOTTY);
	EXPECT_BAD(call(_IO(IOMMUFD_TYPE, 0xbf), &buffer), -ENOTTY);
	EXPECT_BAD(call(_IOWR(IOMMUFD_TYPE, 0xc0, union buffer), &buffer),
		   -ENOTTY);
}

/* ---- all of them ---- */

#define RUN(test) run_test(#test, test, set_up_and_bind, clean_up)

int main(void)
{
	RUN(flags_and_reserved_fields_have_to_be_zero);
	RUN(unknown_scope_is_refused);
	RUN(number_of_devices_has_to_fit_the_scope);
	RUN(device_that_is_named_twice_is_refused);
	RUN(vpasid_out_of_range_is_refused);
	RUN(vpasid_that_is_taken_is_refused);
	RUN(free_of_a_global_vpasid_names_no_device);
	RUN(device_without_pasids_is_refused);
	RUN(device_that_takes_global_numbers_has_no_others);
	RUN(what_is_no_device_is_refused);
	RUN(device_that_was_unplugged_is_refused);
	RUN(device_of_another_iommufd_is_refused);
	RUN(structure_that_is_too_short_is_refused);
	RUN(longer_structure_is_good_if_the_rest_is_zero);
	RUN(longer_structure_with_something_in_the_rest_is_refused);
	RUN(ids_that_cannot_be_read_are_refused);
	RUN(structure_that_cannot_be_read_is_refused);
	RUN(result_that_cannot_be_written_leaves_nothing);
	RUN(result_that_cannot_be_written_makes_no_owner);
	RUN(numbers_beside_the_ioctls_are_none);
	return end_tests();
}
