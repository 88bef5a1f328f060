/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PASID sets of iommufds, and mock devices that have PASIDs, for the test programs.
 *
 *	vpasids
 *	`-- outer
 *	    |-- inner		where a test runs at first
 *	    `-- other
 *
 * A vPASID is what the user calls a PASID, a pPASID is what the device gets.
 */
#ifndef IOAS_PASID_H
#define IOAS_PASID_H

#include "ioas_mock.h"

#define TOP "vpasids"
#define OUTER TOP "/outer"
#define INNER OUTER "/inner"
#define OTHER OUTER "/other"

static const char *const groups[] = { TOP, OUTER, INNER, OTHER };

#define GLOBAL IOMMU_VPASID_SCOPE_GLOBAL
#define GROUP IOMMU_VPASID_SCOPE_GROUP
#define DEVICE IOMMU_VPASID_SCOPE_DEVICE

/* PASIDs have 20 bits, and 0 is none. */
#define LAST_PASID 1048575

/* Of a device that has 3 bits of them. */
#define LAST_NARROW 7

/* ---- a set and its devices ---- */

static int iommufd;
static uint32_t ioas;

/* Two devices with PASID tables of their own. */
static struct mock_device own, second;

/* Another one, which has few PASIDs. */
static struct mock_device narrow;

/* One that takes PASIDs from what submits. */
static struct mock_device enqcmd;

/* One that has no PASIDs. */
static struct mock_device plain;

static const struct {
	struct mock_device *device;
	uint32_t flags;
} mock_devices[] = {
	{ &own, MOCK_PASID_BITS(20) },
	{ &second, MOCK_PASID_BITS(20) },
	{ &narrow, MOCK_PASID_BITS(3) },
	{ &enqcmd, MOCK_PASID_BITS(20) | MOCK_FLAGS_DEVICE_ENQCMD },
	{ &plain, 0 },
};

static inline void plug(struct mock_device *device, uint32_t flags)
{
	REQUIRE(!add_mock_device_with(iommufd, ioas, flags, device));
}

/* Returns 0 or -errno, as do all that follow. */
static inline int unplug(const struct mock_device *device)
{
	struct iommu_destroy destroy = {
		.size = sizeof(destroy),
		.id = device->id,
	};

	return ioctl(iommufd, IOMMU_DESTROY, &destroy) ? -errno : 0;
}

static inline void open_set(void)
{
	iommufd = open_iommufd();
	ioas = new_ioas(iommufd);
}

static inline void plug_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(mock_devices); i++)
		plug(mock_devices[i].device, mock_devices[i].flags);
}

static inline void close_set(void)
{
	REQUIRE(!close(iommufd));
	iommufd = -1;
}

/* ---- devices in sysfs ---- */

#define MOCK_BUS "/sys/bus/iommufd_mock/devices"

/* Of the devices in the order in which they were plugged. */
static char *mock_paths[ARRAY_SIZE(mock_devices)];

#define PATH_OF_OWN (mock_paths[0])
#define PATH_OF_SECOND (mock_paths[1])
#define PATH_OF_NARROW (mock_paths[2])

static inline int number_of(const char *name)
{
	return atoi(name + strcspn(name, "0123456789"));
}

static inline int by_number(const struct dirent **a, const struct dirent **b)
{
	return number_of((*a)->d_name) - number_of((*b)->d_name);
}

static inline int is_device(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static inline void find_devices(void)
{
	char link[PATH_MAX];
	struct dirent **found;

	REQUIRE(scandir(MOCK_BUS, &found, is_device, by_number) ==
		ARRAY_SIZE(mock_devices));
	for (size_t i = 0; i < ARRAY_SIZE(mock_devices); i++) {
		snprintf(link, sizeof(link), MOCK_BUS "/%s", found[i]->d_name);
		mock_paths[i] = realpath(link, NULL);
		REQUIRE(mock_paths[i]);
		free(found[i]);
	}
	free(found);
}

static inline void forget_devices(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(mock_paths); i++)
		free(mock_paths[i]);
}

/* What policies know a device by. */
static inline int64_t inode_of(const char *path)
{
	struct stat st;

	REQUIRE(!stat(path, &st));
	return st.st_ino;
}

/* ---- vPASIDs ---- */

/* Returns the vPASID or -errno. */
static inline int alloc_vpasid(uint32_t scope, uint32_t wanted,
			       const uint32_t *ids, size_t nr)
{
	struct iommu_vpasid_alloc alloc = {
		.size = sizeof(alloc),
		.scope = scope,
		.nr_devs = nr,
		.dev_ids = (uintptr_t)ids,
		.vpasid = wanted,
	};

	return ioctl(iommufd, IOMMU_VPASID_ALLOC, &alloc) ? -errno :
							    (int)alloc.vpasid;
}

/* The same, for the devices that follow, by the IDs that iommufd has for them. */
#define IDS(...) ((const uint32_t[]){ __VA_ARGS__ })
#define ALLOC(scope, wanted, ...)                     \
	alloc_vpasid(scope, wanted, IDS(__VA_ARGS__), \
		     sizeof(IDS(__VA_ARGS__)) / sizeof(uint32_t))

static inline int add_to_group(uint32_t vpasid,
			       const struct mock_device *member,
			       const struct mock_device *device)
{
	struct iommu_vpasid_add add = {
		.size = sizeof(add),
		.vpasid = vpasid,
		.member_id = member->bound,
		.dev_id = device->bound,
	};

	return ioctl(iommufd, IOMMU_VPASID_ADD, &add) ? -errno : 0;
}

static inline int free_vpasid(uint32_t scope, uint32_t vpasid, uint32_t id)
{
	struct iommu_vpasid_free free = {
		.size = sizeof(free),
		.scope = scope,
		.vpasid = vpasid,
		.dev_id = id,
	};

	return ioctl(iommufd, IOMMU_VPASID_FREE, &free) ? -errno : 0;
}

static inline int query_set(uint32_t id, struct iommu_vpasid_query *result)
{
	*result = (struct iommu_vpasid_query){
		.size = sizeof(*result),
		.dev_id = id,
	};
	return ioctl(iommufd, IOMMU_VPASID_QUERY, result) ? -errno : 0;
}

/* ---- what a driver does ---- */

/* Returns the pPASID or -errno. */
static inline int translate(const struct mock_device *device, uint32_t vpasid)
{
	struct iommu_test_cmd command = {
		.op = IOMMU_TEST_OP_VPASID_TRANSLATE,
		.id = device->id,
		.vpasid_translate.vpasid = vpasid,
	};
	int ret = mock_command(iommufd, &command);

	return ret ?: (int)command.vpasid_translate.out_pasid;
}

static inline int attach_pasid(const struct mock_device *device, uint32_t pasid)
{
	struct iommu_test_cmd command = {
		.op = IOMMU_TEST_OP_PASID_ATTACH,
		.id = device->id,
		.pasid_attach.pasid = pasid,
	};

	return mock_command(iommufd, &command);
}

static inline int detach_pasid(const struct mock_device *device, uint32_t pasid)
{
	struct iommu_test_cmd command = {
		.op = IOMMU_TEST_OP_PASID_DETACH,
		.id = device->id,
		.pasid_attach.pasid = pasid,
	};

	return mock_command(iommufd, &command);
}

static inline int bind_sva(const struct mock_device *device)
{
	struct iommu_test_cmd command = {
		.op = IOMMU_TEST_OP_SVA_BIND,
		.id = device->id,
	};

	return mock_command(iommufd, &command);
}

/*
 * The global number that is free next. One that was not given back is not given out
 * again, so this tells of a leak.
 */
static inline int next_global_number(void)
{
	int number;

	open_set();
	plug(&own, MOCK_PASID_BITS(20));
	number = translate(&own, ALLOC(GLOBAL, 0));
	close_set();
	return number;
}

/* ---- what is charged ---- */

static int64_t root_before[2];

static inline int64_t pasids_of(const char *group, const char *key)
{
	return file_key(group_file(group, "ioas.pasid.current"), key);
}

/* Of a group; its lines are words of one. */
static inline void read_pasid_file(const char *group, const char *file,
				   char *text, size_t size)
{
	char name[64];

	snprintf(name, sizeof(name), "ioas.pasid.%s", file);
	REQUIRE(read_file(group_file(group, name), text, size) > 0);
	for (; *text; text++)
		if (*text == '\n')
			*text = text[1] ? ' ' : '\0';
}

/* The keys of events have an ending, and there is one more. */
static inline void expect_pair(int line, const char *group, const char *file,
			       const char *ending, const char *more,
			       int64_t global, int64_t device)
{
	char expected[128], found[128];

	read_pasid_file(group, file, found, sizeof(found));
	snprintf(expected, sizeof(expected),
		 "global%s %" PRId64 " device%s %" PRId64 "%s", ending, global,
		 ending, device, more);
	if (strcmp(found, expected))
		fail_test("line %d: %s/ioas.pasid.%s: expected %s, found %s",
			  line, group, file, expected, found);
}

static inline void expect_pasids(int line, const char *group, const char *file,
				 int64_t global, int64_t device)
{
	expect_pair(line, group, file, "", "", global, device);
}

static inline void expect_events(int line, const char *group, const char *file,
				 int64_t global, int64_t device)
{
	expect_pair(line, group, file, ".max", " bpf_denied 0", global, device);
}

#define EXPECT_PASIDS(group, global, device) \
	expect_pasids(__LINE__, group, "current", global, device)
#define EXPECT_PEAK(group, global, device) \
	expect_pasids(__LINE__, group, "peak", global, device)
#define EXPECT_EVENTS(group, global, device) \
	expect_events(__LINE__, group, "events", global, device)
#define EXPECT_LOCAL_EVENTS(group, global, device) \
	expect_events(__LINE__, group, "events.local", global, device)

static inline bool is_there(const char *group)
{
	return !access(group_file(group, ""), F_OK);
}

/* By INNER and by OTHER, and so by all above them. */
static inline void expect_charged(int line, int64_t inner_global,
				  int64_t inner_device, int64_t other_global,
				  int64_t other_device)
{
	const char *file = "current";
	int64_t global = inner_global + other_global;
	int64_t device = inner_device + other_device;

	if (is_there(INNER))
		expect_pasids(line, INNER, file, inner_global, inner_device);
	if (is_there(OTHER))
		expect_pasids(line, OTHER, file, other_global, other_device);
	if (is_there(OUTER))
		expect_pasids(line, OUTER, file, global, device);
	if (is_there(TOP))
		expect_pasids(line, TOP, file, global, device);
	expect_pasids(line, "", file, root_before[0] + global,
		      root_before[1] + device);
}

/* By INNER alone. */
#define EXPECT_CHARGED(global, device) \
	expect_charged(__LINE__, global, device, 0, 0)
#define EXPECT_CHARGED_BOTH(inner_global, inner_device, other_global,      \
			    other_device)                                  \
	expect_charged(__LINE__, inner_global, inner_device, other_global, \
		       other_device)

/* A number, or "max". */
static inline void limit_pasids(const char *group, const char *key,
				const char *value)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %s", key, value);
	REQUIRE(!write_file(group_file(group, "ioas.pasid.max"), text));
}

/* ---- all that is shown ---- */

static const char *const pasid_files[] = { "current", "peak", "max", "events",
					   "events.local" };

struct pasid_texts {
	char of_group[ARRAY_SIZE(groups)][ARRAY_SIZE(pasid_files)][96];
	char of_root[2][96];
};

static inline void read_texts(struct pasid_texts *texts)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		for (size_t j = 0; j < ARRAY_SIZE(pasid_files); j++)
			read_pasid_file(groups[i], pasid_files[j],
					texts->of_group[i][j],
					sizeof(texts->of_group[i][j]));
	for (size_t j = 0; j < ARRAY_SIZE(texts->of_root); j++)
		read_pasid_file("", pasid_files[j], texts->of_root[j],
				sizeof(texts->of_root[j]));
}

static inline void expect_text_of(int line, const char *group, const char *file,
				  const char *before, const char *now)
{
	if (strcmp(before, now))
		fail_test("line %d: %s/ioas.pasid.%s: was %s, is %s", line,
			  group, file, before, now);
}

static inline void expect_texts(int line, const struct pasid_texts *before)
{
	struct pasid_texts now;

	read_texts(&now);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		for (size_t j = 0; j < ARRAY_SIZE(pasid_files); j++)
			expect_text_of(line, groups[i], pasid_files[j],
				       before->of_group[i][j],
				       now.of_group[i][j]);
	for (size_t j = 0; j < ARRAY_SIZE(now.of_root); j++)
		expect_text_of(line, "", pasid_files[j], before->of_root[j],
			       now.of_root[j]);
}

/* The call fails, and nothing that is shown has changed. */
#define EXPECT_REFUSED(call, error)               \
	do {                                      \
		struct pasid_texts before_;       \
                                                  \
		read_texts(&before_);             \
		EXPECT_EQ(call, error);           \
		expect_texts(__LINE__, &before_); \
	} while (0)

/* ---- before and after each test ---- */

static int first_number;

static inline void make_groups(void)
{
	make_inner_group(TOP);
	make_inner_group(OUTER);
	make_group(INNER);
	make_group(OTHER);
	root_before[0] = pasids_of("", "global");
	root_before[1] = pasids_of("", "device");
	first_number = next_global_number();
}

static inline void remove_groups(void)
{
	enter_group("");
	EXPECT_EQ(next_global_number(), first_number);
	EXPECT_CHARGED(0, 0);
	for (size_t i = ARRAY_SIZE(groups); i-- > 0;)
		if (is_there(groups[i]))
			EXPECT_EQ(remove_group(groups[i]), 0);
}

static inline void set_up(void)
{
	make_groups();
	enter_group(INNER);
	open_set();
	plug_all();
}

static inline void clean_up(void)
{
	if (iommufd >= 0)
		close_set();
	remove_groups();
}

#endif /* IOAS_PASID_H */
