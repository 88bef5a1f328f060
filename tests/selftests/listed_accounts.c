// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What ioasctl who lists: each account once, with who has made it.
 *
 * libraries: -l:liburing.a
 */
#include <pthread.h>

#include "ioas_io_uring.h"
#include "ioas_mock.h"
#include "ioas_policy.h"
#include "ioas_udmabuf.h"

#define SIZE (4 * MIB)
#define MANY 5000
#define MOST_PAGES 50

static char *memory;
static struct io_uring ring;

static void set_up(void)
{
	make_tree();
	enter_group(LEAF);
	memory = get_aligned(SIZE);
	open_ring(&ring);
	name_thread("pinner");
}

static void clean_up(void)
{
	close_ring(&ring);
	free(memory);
	EXPECT_SOON(stat_of(TREE, "accounts"), 0);
	EXPECT_NOTHING_PINNED(TREE);
	remove_tree();
}

/* All but the age, in the order of who. */
#define ROWS                                              \
	"[(x['cgroup'], x['kind'], x['gross'], x['pid']," \
	" x['command']) for x in d['accounts']]"

static void each_kind_is_listed_with_its_maker(void)
{
	int udmabuf = open_udmabuf(), memfd = get_sealed_memfd(SIZE, 0);
	int iommufd = open_iommufd(), dmabuf;
	uint32_t ioas = new_ioas(iommufd), mock;
	struct output output;

	REQUIRE(!add_mock_device(iommufd, ioas, &mock));
	EXPECT_EQ(map_at(iommufd, ioas, memory, MOCK_START, 3 * MIB), 0);
	dmabuf = make_udmabuf(udmabuf, memfd, 0, 2 * MIB);
	EXPECT_AT_MOST(0, dmabuf);
	EXPECT_EQ(register_buffer(&ring, memory, MIB), 0);
	IOASCTL(&output, "who", "--json", LEAF);
	EXPECT_JSON(&output,
		    ROWS " == [('/" LEAF "', 'iommufd', %llu, %d, 'pinner'),"
			 " ('/" LEAF "', 'dmabuf', %llu, %d, 'pinner'),"
			 " ('/" LEAF "', 'io_uring', %llu, %d, 'pinner')]",
		    3 * MIB, getpid(), 2 * MIB, getpid(), MIB, getpid());
	EXPECT_JSON(&output, "all(0 <= x['age'] < 60 for x in d['accounts'])");
	free_output(&output);
	REQUIRE(!close(dmabuf) && !close(udmabuf) && !close(memfd) &&
		!close(iommufd));
}

static void table_has_the_same_in_words(void)
{
	struct output output;
	char words[128];

	EXPECT_EQ(register_buffer(&ring, memory, 3 * MIB / 2), 0);
	IOASCTL(&output, "who", LEAF);
	EXPECT_TOLD(&output, "CGROUP");
	EXPECT_TOLD(&output, "/" LEAF " io_uring 1.5 MiB");
	snprintf(words, sizeof(words), " %d pinner\n", getpid());
	EXPECT_TOLD(&output, words);
	free_output(&output);
	IOASCTL(&output, "who", "--bytes", LEAF);
	EXPECT_TOLD(&output, "/" LEAF " io_uring 1572864");
	free_output(&output);
}

static void other_cgroups_are_not_listed(void)
{
	struct io_uring second;
	struct output output;

	open_ring(&second);
	EXPECT_EQ(register_buffer(&ring, memory, MIB), 0);
	enter_group(BESIDE);
	EXPECT_EQ(register_buffer(&second, memory, 2 * MIB), 0);
	IOASCTL(&output, "who", "--json", LEAF);
	EXPECT_JSON(&output, "[x['gross'] for x in d['accounts']] == [%llu]",
		    MIB);
	free_output(&output);
	IOASCTL(&output, "who", "--json", MIDDLE);
	EXPECT_JSON(&output,
		    "[(x['cgroup'], x['gross']) for x in d['accounts']] =="
		    " [('/" BESIDE "', %llu), ('/" LEAF "', %llu)]",
		    2 * MIB, MIB);
	free_output(&output);
	/* Of all cgroups. */
	IOASCTL(&output, "who", "--json");
	EXPECT_JSON(
		&output,
		"len([x for x in d['accounts'] if x['cgroup'].startswith('/" TREE
		"/')]) == 2");
	free_output(&output);
	close_ring(&second);
	EXPECT_SOON(stat_of(BESIDE, "accounts"), 0);
	IOASCTL(&output, "who", "--json", BESIDE);
	EXPECT_JSON(&output, "d['accounts'] == []");
	free_output(&output);
}

static void accounts_of_a_removed_cgroup_are_those_of_its_parent(void)
{
	struct output output;

	EXPECT_EQ(register_buffer(&ring, memory, MIB), 0);
	enter_group(BESIDE);
	EXPECT_EQ(remove_group(LEAF), 0);
	IOASCTL(&output, "who", "--json", MIDDLE);
	EXPECT_JSON(&output,
		    ROWS " == [('/" MIDDLE
			 "', 'io_uring', %llu, %d, 'pinner')]",
		    MIB, getpid());
	free_output(&output);
	enter_group("");
	EXPECT_EQ(remove_group(BESIDE), 0);
	EXPECT_EQ(remove_group(MIDDLE), 0);
	IOASCTL(&output, "who", "--json", TREE);
	EXPECT_JSON(&output, "[x['cgroup'] for x in d['accounts']] =="
			     " ['/" TREE "']");
	free_output(&output);
}

static void maker_stays_when_it_has_ended(void)
{
	struct output output;
	pid_t pid = fork();
	int status;

	REQUIRE(pid >= 0);
	if (!pid) {
		name_thread("\xff\"\\\x1b\n");
		_exit(register_buffer(&ring, memory, MIB) != 0);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	EXPECT_EQ(status, 0);
	IOASCTL(&output, "who", "--json", LEAF);
	EXPECT_JSON(&output, "[x['pid'] for x in d['accounts']] == [%d]", pid);
	free_output(&output);
	IOASCTL(&output, "who", LEAF);
	EXPECT_EQ(strchr(output.out, '\x1b') != NULL, false);
	free_output(&output);
}

static void *pin_as_another_thread(void *tid)
{
	name_thread("second");
	*(pid_t *)tid = gettid();
	EXPECT_EQ(register_buffer(&ring, memory, MIB), 0);
	return NULL;
}

/* The name is the thread's, the PID the process's. */
static void thread_that_made_it_is_told(void)
{
	struct output output;
	pthread_t thread;
	char words[128];
	pid_t tid = 0;

	REQUIRE(!pthread_create(&thread, NULL, pin_as_another_thread, &tid));
	REQUIRE(!pthread_join(thread, NULL));
	EXPECT_EQ(tid != getpid(), true);
	IOASCTL(&output, "who", "--json", LEAF);
	EXPECT_JSON(&output,
		    "[(x['pid'], x['thread'], x['command']) for x in"
		    " d['accounts']] == [(%d, %d, 'second')]",
		    getpid(), tid);
	free_output(&output);
	IOASCTL(&output, "who", LEAF);
	snprintf(words, sizeof(words), " %d second\n", getpid());
	EXPECT_TOLD(&output, words);
	EXPECT_EQ(!strstr(output.out, "THREAD"), true);
	free_output(&output);
}

static size_t size_of(unsigned int i)
{
	return (i % MOST_PAGES + 1) * PAGE;
}

/* More than fit into one read. */
static void each_of_many_accounts_is_listed_once(void)
{
	struct iovec *buffers = calloc(MANY, sizeof(*buffers));
	struct output output;

	REQUIRE(buffers);
	for (unsigned int i = 0; i < MANY; i++)
		buffers[i] = (struct iovec){ memory, size_of(i) };
	EXPECT_EQ(io_uring_register_buffers(&ring, buffers, MANY), 0);
	EXPECT_EQ(stat_of(LEAF, "accounts"), MANY);
	IOASCTL(&output, "who", "--json", LEAF);
	EXPECT_JSON(&output,
		    "sorted(x['gross'] for x in d['accounts']) =="
		    " sorted((i %% %d + 1) * 4096 for i in range(%d))",
		    MOST_PAGES, MANY);
	free_output(&output);
	free(buffers);
}

/* While half of them come and go. */
static void account_that_stays_is_listed_while_others_go(void)
{
	const pid_t parent = getpid();
	struct io_uring second;
	struct iovec *buffers = calloc(MANY, sizeof(*buffers));
	struct output output;
	int status;
	pid_t pid;

	REQUIRE(buffers);
	for (unsigned int i = 0; i < MANY; i++)
		buffers[i] = (struct iovec){ memory, PAGE };
	EXPECT_EQ(io_uring_register_buffers(&ring, buffers, 1000), 0);
	open_ring(&second);
	pid = fork();
	REQUIRE(pid >= 0);
	while (!pid) {
		REQUIRE(!io_uring_register_buffers(&second, buffers, 1000));
		unregister_buffers(&second);
	}
	for (int i = 0; i < 10; i++) {
		IOASCTL(&output, "who", "--json", LEAF);
		EXPECT_JSON(&output,
			    "len([x for x in d['accounts'] if x['pid'] == %d])"
			    " == 1000",
			    parent);
		free_output(&output);
	}
	REQUIRE(!kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid);
	/* They came and went until now. */
	EXPECT_EQ(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, true);
	close_ring(&second);
	free(buffers);
}

#define RUN(test) run_test(#test, test, set_up, clean_up)

int main(void)
{
	RUN(each_kind_is_listed_with_its_maker);
	RUN(table_has_the_same_in_words);
	RUN(other_cgroups_are_not_listed);
	RUN(accounts_of_a_removed_cgroup_are_those_of_its_parent);
	RUN(maker_stays_when_it_has_ended);
	RUN(thread_that_made_it_is_told);
	RUN(each_of_many_accounts_is_listed_once);
	RUN(account_that_stays_is_listed_while_others_go);
	return end_tests();
}
