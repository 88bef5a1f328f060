// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The interface files: which there are, what they show at first, what can be
 * written to them and what cannot, and who they wake.
 *
 * ioas_files ADDRESS: a PCI device bound to vfio-pci, to pin with.
 */
#include <dirent.h>

#include "ioas_vfio.h"

#define OUTER "ioas-files"
#define INNER OUTER "/inner"
#define SIZE (4 * MIB)

static const char *address;

/**
 * struct file - one interface file, as cgroup-v2.rst describes it
 * @name: without the path
 * @initial: what it shows in a new cgroup
 * @mode: access bits
 * @root: whether the root cgroup has it
 * @root_only: whether no other has
 * @limit: whether it is written and shown like a limit in bytes
 */
struct file {
	const char *name;
	const char *initial;
	mode_t mode;
	bool root;
	bool root_only;
	bool limit;
};

static const struct file files[] = {
	{
		.name = "ioas.pinned.current",
		.initial = "0\n",
		.mode = 0444,
		.root = true,
	},
	{
		.name = "ioas.pinned.max",
		.initial = "max\n",
		.mode = 0644,
		.limit = true,
	},
	{
		.name = "ioas.pinned.high",
		.initial = "max\n",
		.mode = 0644,
		.limit = true,
	},
	{
		.name = "ioas.pinned.peak",
		.initial = "0\n",
		.mode = 0644,
		.root = true,
	},
	{
		.name = "ioas.pinned.memlock",
		.initial = "rlimit\n",
		.mode = 0644,
	},
	{
		.name = "ioas.pinned.events",
		.initial = "max 0\nhigh 0\nbpf_denied 0\n",
		.mode = 0444,
	},
	{
		.name = "ioas.pinned.events.local",
		.initial = "max 0\nhigh 0\nbpf_denied 0\n",
		.mode = 0444,
	},
	{
		.name = "ioas.pasid.current",
		.initial = "global 0\ndevice 0\n",
		.mode = 0444,
		.root = true,
	},
	{
		.name = "ioas.pasid.max",
		.initial = "global max\ndevice max\n",
		.mode = 0644,
	},
	{
		.name = "ioas.pasid.peak",
		.initial = "global 0\ndevice 0\n",
		.mode = 0444,
		.root = true,
	},
	{
		.name = "ioas.pasid.capacity",
		.initial = "global 1048575\n",
		.mode = 0444,
		.root = true,
		.root_only = true,
	},
	{
		.name = "ioas.pasid.events",
		.initial = "global.max 0\ndevice.max 0\nbpf_denied 0\n",
		.mode = 0444,
	},
	{
		.name = "ioas.pasid.events.local",
		.initial = "global.max 0\ndevice.max 0\nbpf_denied 0\n",
		.mode = 0444,
	},
	{
		.name = "ioas.stat",
		.initial = "unique 0\ngross 0\nshared 0\nvfio 0\niommufd 0\n"
			   "vdpa 0\nvduse 0\nrdma 0\nio_uring 0\nxdp 0\n"
			   "dmabuf 0\nkvm 0\nother 0\naccounts 0\n",
		.mode = 0444,
		.root = true,
	},
};

static const struct file *find_file(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (!strcmp(files[i].name, name))
			return &files[i];
	return NULL;
}

static void make_groups(void)
{
	make_inner_group(OUTER);
	make_group(INNER);
}

static void remove_groups(void)
{
	enter_group("");
	EXPECT_EQ(pinned(OUTER), 0);
	EXPECT_EQ(remove_group(INNER), 0);
	EXPECT_EQ(remove_group(OUTER), 0);
}

/* ---- the table ---- */

/* Some cgroup that has the file. */
static const char *path_of(const struct file *file)
{
	return group_file(file->root_only ? "" : INNER, file->name);
}

static void expect_files_of(const char *group, bool root)
{
	size_t expected = 0, found = 0;
	struct dirent *entry;
	DIR *folder = opendir(group_file(group, ""));

	REQUIRE(folder);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		bool has = root ? files[i].root : !files[i].root_only;
		const char *path = group_file(group, files[i].name);

		expected += has;
		if (!access(path, F_OK) != has)
			fail_test("%s: expected it %s", path,
				  has ? "to exist" : "not to exist");
	}
	while ((entry = readdir(folder))) {
		if (strncmp(entry->d_name, "ioas.", 5))
			continue;
		found++;
		if (!find_file(entry->d_name))
			fail_test("%s: not expected", entry->d_name);
	}
	closedir(folder);
	EXPECT_EQ(found, expected);
}

static void root_and_others_have_the_files_of_the_table(void)
{
	expect_files_of("", true);
	expect_files_of(OUTER, false);
	expect_files_of(INNER, false);
}

static void modes_are_those_of_the_table(void)
{
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		REQUIRE(!stat(path_of(&files[i]), &st));
		if ((st.st_mode & 07777) != files[i].mode)
			fail_test("%s: expected mode %o, found %o",
				  files[i].name, files[i].mode,
				  st.st_mode & 07777);
	}
}

static void new_cgroup_shows_initial_values(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		expect_text(path_of(&files[i]), files[i].initial);
}

static void read_only_files_refuse_root_too(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (!(files[i].mode & 0222))
			EXPECT_EQ(write_file(path_of(&files[i]), "0"), -EINVAL);
}

/* ---- limits ---- */

struct accepted {
	const char *written;
	const char *shown;
};

static const struct accepted accepted[] = {
	{ "0", "0\n" },
	{ "4096", "4096\n" },
	{ "4096\n", "4096\n" },
	{ " 8192 ", "8192\n" },
	/* Rounded down to pages. */
	{ "1", "0\n" },
	{ "4095", "0\n" },
	{ "4097", "4096\n" },
	{ "1000000", "999424\n" },
	/* Suffixes. */
	{ "4k", "4096\n" },
	{ "4K", "4096\n" },
	{ "3m", "3145728\n" },
	{ "3M", "3145728\n" },
	{ "2g", "2147483648\n" },
	{ "2G", "2147483648\n" },
	{ "1t", "1099511627776\n" },
	{ "1T", "1099511627776\n" },
	{ "1p", "1125899906842624\n" },
	{ "1P", "1125899906842624\n" },
	{ "1e", "1152921504606846976\n" },
	{ "1E", "1152921504606846976\n" },
	/* More than there can be is no limit. */
	{ "18446744073709551615", "max\n" },
	{ "15E", "max\n" },
	{ "max", "max\n" },
	{ "max\n", "max\n" },
};

static const char *const refused[] = {
	"\n",
	" ",
	"x",
	"none",
	"infinity",
	/* Negative, and other signs. */
	"-1",
	"-4096",
	"-0",
	"+4096",
	/* What does not fit. */
	"18446744073709551616",
	"99999999999999999999999999",
	"16E",
	"16384P",
	"18014398509481984K",
	/* Something after the number. */
	"4096 4096",
	"4096,",
	"4096x",
	"4096-",
	"4096\n4096",
	"4096 bytes",
	"1.5G",
	"1e3",
	/* Suffixes that are none. */
	"4 K",
	"4KB",
	"4KiB",
	"4kk",
	"4B",
	"4Z",
	"K",
	/* Other bases. */
	"0x1000",
	"1000h",
	/* max, and more or less of it. */
	"max max",
	"maximum",
	"MAX",
	"ma",
	"max 0",
	"0 max",
};

static void limits_take_bytes_suffixes_and_max(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		const char *path = group_file(INNER, files[i].name);

		for (size_t j = 0; files[i].limit && j < ARRAY_SIZE(accepted);
		     j++) {
			EXPECT_EQ(write_file(path, accepted[j].written), 0);
			expect_text(path, accepted[j].shown);
			if (test_failed)
				fail_test("after writing '%s'",
					  accepted[j].written);
		}
	}
}

static void limits_refuse_everything_else_and_keep_their_value(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		const char *path = group_file(INNER, files[i].name);

		if (!files[i].limit)
			continue;
		REQUIRE(!write_file(path, "123M"));
		for (size_t j = 0; j < ARRAY_SIZE(refused); j++) {
			int ret = write_file(path, refused[j]);

			if (ret != -EINVAL)
				fail_test("%s: '%s': expected %d, found %d",
					  path, refused[j], -EINVAL, ret);
			expect_text(path, "128974848\n");
		}
		/* A write of nothing does not get past the cgroup core. */
		EXPECT_EQ(write_file(path, ""), 0);
		expect_text(path, "128974848\n");
	}
}

/* Of one file; @start is what comes before the number. */
static void expect_too_long(const struct file *file, const char *start)
{
	static char text[64 * KIB];
	const char *path = path_of(file);

	memset(text, '9', sizeof(text));
	memcpy(text, start, strlen(start));
	/* The kernel refuses to take what is longer than a page. */
	EXPECT_EQ(write_bytes(path, text, PAGE - 1), -EINVAL);
	EXPECT_EQ(write_bytes(path, text, sizeof(text)), -E2BIG);
	expect_text(path, file->initial);
}

static void limit_that_is_too_long_to_parse_is_refused(void)
{
	expect_too_long(find_file("ioas.pinned.max"), "");
	expect_too_long(find_file("ioas.pasid.max"), "global ");
}

/* ---- limits of PASIDs, which have keys ---- */

#define PASID_MAX "ioas.pasid.max"

static const struct accepted accepted_pasids[] = {
	{ "global 8", "global 8\ndevice max\n" },
	{ "device 5\n", "global 8\ndevice 5\n" },
	/* The other one stays as it is. */
	{ "global 0", "global 0\ndevice 5\n" },
	{ "device max", "global 0\ndevice max\n" },
	{ "global max\n", "global max\ndevice max\n" },
	/* Around and between the words. */
	{ "global\t9", "global 9\ndevice max\n" },
	{ "global   10", "global 10\ndevice max\n" },
	{ "device \t 6", "global 10\ndevice 6\n" },
	{ "  device 7  ", "global 10\ndevice 7\n" },
	{ "\tglobal 11\t\n", "global 11\ndevice 7\n" },
	{ "device\tmax", "global 11\ndevice max\n" },
	/* As many as there can be, and more. */
	{ "global 1048575", "global 1048575\ndevice max\n" },
	{ "global 1048576", "global 1048576\ndevice max\n" },
	{ "device 100000000", "global 1048576\ndevice 100000000\n" },
};

static const char *const refused_pasids[] = {
	"\n",
	" ",
	"\t",
	/* Keys that there are not. */
	"x 8",
	"group 8",
	"globa 8",
	"globals 8",
	"Global 8",
	"DEVICE 8",
	"global.max 8",
	"max 8",
	"8 global",
	"device8",
	"device=8",
	"global,8",
	"global:8",
	/* A key alone, or a number alone. */
	"global",
	"device",
	"global ",
	"global \n",
	"device\t",
	"8",
	"max",
	/* Negative, and other signs. */
	"global -1",
	"device -0",
	"global -2147483648",
	"global +5",
	"device +0",
	"global - 1",
	/* What does not fit. */
	"global 4294967296",
	"device 4294967304",
	"global 9223372036854775807",
	"device 9223372036854775808",
	"global 18446744073709551615",
	"global 18446744073709551616",
	"device 18446744073709551624",
	"device 99999999999999999999999999",
	/* Something after the number. */
	"global 8 8",
	"global 8x",
	"global 8,",
	"global 8-",
	"global 8.0",
	"device 8k",
	"device 8 PASIDs",
	"device 0x8",
	"device 8h",
	/* max, and more or less of it. */
	"global max max",
	"global maximum",
	"global MAX",
	"device ma",
	"device max 0",
	"device 0 max",
	/* Two keys at once. */
	"global 8 device 8",
	"global 8\ndevice 8",
	"global 8\ndevice 8\n",
	"global device 8",
	"global max device max",
	"global max\ndevice max\n",
};

static void pasid_limits_take_a_scope_and_a_number_or_max(void)
{
	const char *path = group_file(INNER, PASID_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(accepted_pasids); i++) {
		EXPECT_EQ(write_file(path, accepted_pasids[i].written), 0);
		expect_text(path, accepted_pasids[i].shown);
		if (test_failed)
			fail_test("after writing '%s'",
				  accepted_pasids[i].written);
	}
	/* A limit is of one cgroup alone. */
	expect_text(group_file(OUTER, PASID_MAX),
		    find_file(PASID_MAX)->initial);
}

static void pasid_limits_refuse_everything_else_and_keep_their_value(void)
{
	const char *path = group_file(INNER, PASID_MAX);

	REQUIRE(!write_file(path, "global 12") &&
		!write_file(path, "device 34"));
	for (size_t i = 0; i < ARRAY_SIZE(refused_pasids); i++) {
		int ret = write_file(path, refused_pasids[i]);

		if (ret != -EINVAL)
			fail_test("'%s': expected %d, found %d",
				  refused_pasids[i], -EINVAL, ret);
		expect_text(path, "global 12\ndevice 34\n");
	}
	/* A write of nothing does not get past the cgroup core. */
	EXPECT_EQ(write_file(path, ""), 0);
	expect_text(path, "global 12\ndevice 34\n");
}

static void pasid_limit_ends_with_the_controller(void)
{
	const char *control = group_file(OUTER, "cgroup.subtree_control");
	const char *path = group_file(INNER, PASID_MAX);

	REQUIRE(!write_file(path, "global 12"));
	REQUIRE(!write_file(control, "-ioas"));
	EXPECT_EQ(write_file(path, "global 12"), -ENOENT);
	REQUIRE(!write_file(control, "+ioas"));
	expect_text(path, find_file(PASID_MAX)->initial);
}

/* Runs in a child. */
static void write_as_delegatee(void)
{
	REQUIRE(!chown(group_file(INNER, ""), 1000, 1000));
	REQUIRE(!chown(group_file(INNER, "cgroup.procs"), 1000, 1000));
	REQUIRE(!chown(group_file(INNER, "cgroup.subtree_control"), 1000,
		       1000));
	REQUIRE(!setgid(1000) && !setuid(1000));
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		EXPECT_EQ(write_file(path_of(&files[i]), "0"), -EACCES);
	EXPECT_EQ(write_file(group_file(INNER, PASID_MAX), "global max"),
		  -EACCES);
	/* What it makes itself, it may limit. */
	REQUIRE(!write_file(group_file(INNER, "cgroup.subtree_control"),
			    "+ioas"));
	make_group(INNER "/own");
	EXPECT_EQ(write_file(group_file(INNER "/own", "ioas.pinned.max"), "0"),
		  0);
	EXPECT_EQ(write_file(group_file(INNER "/own", PASID_MAX), "global 0"),
		  0);
	EXPECT_EQ(remove_group(INNER "/own"), 0);
}

static void delegated_user_cannot_lift_its_own_limit(void)
{
	struct child child;

	REQUIRE(!write_file(group_file(INNER, "ioas.pinned.max"), "64M"));
	REQUIRE(!write_file(group_file(INNER, PASID_MAX), "global 8"));
	start_child(&child, write_as_delegatee);
	EXPECT_EQ(reap_child(&child), 0);
	expect_text(group_file(INNER, "ioas.pinned.max"), "67108864\n");
	expect_text(group_file(INNER, PASID_MAX), "global 8\ndevice max\n");
}

/* ---- what pins change ---- */

struct watches {
	int inner;
	int inner_local;
	int outer;
	int outer_local;
};

static void open_watches(struct watches *w)
{
	w->inner = watch(INNER, "ioas.pinned.events");
	w->inner_local = watch(INNER, "ioas.pinned.events.local");
	w->outer = watch(OUTER, "ioas.pinned.events");
	w->outer_local = watch(OUTER, "ioas.pinned.events.local");
	EXPECT_EQ(woken(w->inner, 0), false);
	EXPECT_EQ(woken(w->outer, 0), false);
}

static void close_watches(struct watches *w)
{
	close(w->inner);
	close(w->inner_local);
	close(w->outer);
	close(w->outer_local);
}

/* One pin of SIZE by INNER, and its end. */
static int pin_once(void)
{
	void *memory = get_small_pages(SIZE);
	struct container c;
	int ret;

	enter_group(INNER);
	open_container(&c, &type1_v2, address);
	ret = map(&c, memory, 0, SIZE);
	close_container(&c);
	put_memory(memory, SIZE);
	return ret;
}

static void max_event_wakes_the_cgroup_and_its_ancestor(void)
{
	struct watches w;

	set_number(INNER, "ioas.pinned.max", SIZE - PAGE);
	open_watches(&w);
	EXPECT_EQ(pin_once(), -ENOMEM);
	EXPECT_EQ(woken(w.inner, 5000), true);
	EXPECT_EQ(woken(w.inner_local, 5000), true);
	EXPECT_EQ(woken(w.outer, 5000), true);
	EXPECT_EQ(woken(w.outer_local, 100), false);
	expect_text(group_file(INNER, "ioas.pinned.events"),
		    "max 1\nhigh 0\nbpf_denied 0\n");
	expect_text(group_file(INNER, "ioas.pinned.events.local"),
		    "max 1\nhigh 0\nbpf_denied 0\n");
	expect_text(group_file(OUTER, "ioas.pinned.events"),
		    "max 1\nhigh 0\nbpf_denied 0\n");
	expect_text(group_file(OUTER, "ioas.pinned.events.local"),
		    "max 0\nhigh 0\nbpf_denied 0\n");
	close_watches(&w);
}

static void max_event_is_of_the_cgroup_that_refuses(void)
{
	struct watches w;

	set_number(OUTER, "ioas.pinned.max", SIZE - PAGE);
	open_watches(&w);
	EXPECT_EQ(pin_once(), -ENOMEM);
	EXPECT_EQ(woken(w.outer, 5000), true);
	EXPECT_EQ(woken(w.outer_local, 5000), true);
	EXPECT_EQ(woken(w.inner, 100), false);
	expect_text(group_file(OUTER, "ioas.pinned.events.local"),
		    "max 1\nhigh 0\nbpf_denied 0\n");
	expect_text(group_file(INNER, "ioas.pinned.events"),
		    "max 0\nhigh 0\nbpf_denied 0\n");
	close_watches(&w);
}

static void high_event_wakes_the_cgroup_and_its_ancestor(void)
{
	struct watches w;

	set_number(INNER, "ioas.pinned.high", SIZE / 2);
	open_watches(&w);
	EXPECT_EQ(pin_once(), 0);
	EXPECT_EQ(woken(w.inner, 5000), true);
	EXPECT_EQ(woken(w.inner_local, 5000), true);
	EXPECT_EQ(woken(w.outer, 5000), true);
	EXPECT_EQ(woken(w.outer_local, 100), false);
	/* Once for each time that it is passed, not for each batch. */
	expect_text(group_file(INNER, "ioas.pinned.events"),
		    "max 0\nhigh 1\nbpf_denied 0\n");
	EXPECT_EQ(pin_once(), 0);
	expect_text(group_file(INNER, "ioas.pinned.events"),
		    "max 0\nhigh 2\nbpf_denied 0\n");
	expect_text(group_file(OUTER, "ioas.pinned.events.local"),
		    "max 0\nhigh 0\nbpf_denied 0\n");
	close_watches(&w);
}

static void high_that_is_reached_and_not_passed_is_silent(void)
{
	set_number(INNER, "ioas.pinned.high", SIZE);
	set_number(INNER, "ioas.pinned.max", SIZE);
	EXPECT_EQ(pin_once(), 0);
	expect_text(group_file(INNER, "ioas.pinned.events"),
		    "max 0\nhigh 0\nbpf_denied 0\n");
}

static int64_t peak_of(int fd)
{
	char text[64];

	REQUIRE(read_fd(fd, text, sizeof(text)) > 0);
	return strtoll(text, NULL, 10);
}

static void peak_is_reset_for_one_open_file(void)
{
	int one = open(group_file(INNER, "ioas.pinned.peak"), O_RDWR);
	int two = open(group_file(INNER, "ioas.pinned.peak"), O_RDWR);

	REQUIRE(one >= 0 && two >= 0);
	EXPECT_EQ(pin_once(), 0);
	EXPECT_EQ(peak_of(one), SIZE);
	EXPECT_EQ(peak_of(two), SIZE);
	REQUIRE(write(one, "0", 1) == 1);
	EXPECT_EQ(peak_of(one), 0);
	EXPECT_EQ(peak_of(two), SIZE);
	EXPECT_EQ(group_value(INNER, "ioas.pinned.peak"), SIZE);
	EXPECT_EQ(group_value(OUTER, "ioas.pinned.peak"), SIZE);
	EXPECT_EQ(pin_once(), 0);
	EXPECT_EQ(peak_of(one), SIZE);
	close(one);
	close(two);
	EXPECT_EQ(group_value(INNER, "ioas.pinned.peak"), SIZE);
}

static void stat_has_the_parts_and_the_sums(void)
{
	void *memory = get_small_pages(SIZE);
	int64_t root = pinned("");
	struct container c;

	enter_group(INNER);
	open_container(&c, &type1_v2, address);
	REQUIRE(!map(&c, memory, 0, SIZE));
	REQUIRE(!map(&c, memory, SIZE, SIZE));
	for (int i = 0; i < 2; i++)
		expect_text(group_file(i ? OUTER : INNER, "ioas.stat"),
			    "unique 4194304\ngross 8388608\nshared 0\n"
			    "vfio 8388608\niommufd 0\nvdpa 0\nvduse 0\n"
			    "rdma 0\nio_uring 0\nxdp 0\ndmabuf 0\nkvm 0\n"
			    "other 0\naccounts 2\n");
	EXPECT_EQ(pinned("") - root, SIZE);
	close_container(&c);
	put_memory(memory, SIZE);
	expect_text(group_file(INNER, "ioas.stat"),
		    find_file("ioas.stat")->initial);
}

#define RUN(test) run_test(#test, test, make_groups, remove_groups)

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: ioas_files ADDRESS\n");
		return 2;
	}
	address = argv[1];
	RUN(root_and_others_have_the_files_of_the_table);
	RUN(modes_are_those_of_the_table);
	RUN(new_cgroup_shows_initial_values);
	RUN(read_only_files_refuse_root_too);
	RUN(limits_take_bytes_suffixes_and_max);
	RUN(limits_refuse_everything_else_and_keep_their_value);
	RUN(limit_that_is_too_long_to_parse_is_refused);
	RUN(pasid_limits_take_a_scope_and_a_number_or_max);
	RUN(pasid_limits_refuse_everything_else_and_keep_their_value);
	RUN(pasid_limit_ends_with_the_controller);
	RUN(delegated_user_cannot_lift_its_own_limit);
	RUN(max_event_wakes_the_cgroup_and_its_ancestor);
	RUN(max_event_is_of_the_cgroup_that_refuses);
	RUN(high_event_wakes_the_cgroup_and_its_ancestor);
	RUN(high_that_is_reached_and_not_passed_is_silent);
	RUN(peak_is_reset_for_one_open_file);
	RUN(stat_has_the_parts_and_the_sums);
	return end_tests();
}
