/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the test programs share: TAP, cgroups and their files, and children that
 * stop where their parent wants to look.
 *
 * A test is a function. What it expects and does not find is printed and makes
 * it fail; what no test could go on without ends the program.
 */
#ifndef IOAS_TEST_H
#define IOAS_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KIB 1024ULL
#define MIB (1024 * KIB)
#define PAGE 4096ULL
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define CGROUPS "/sys/fs/cgroup"
#define TRACING "/sys/kernel/tracing"

/* ---- results ---- */

static unsigned int nr_tests, nr_failed;
static bool test_failed;

/* Added to the names of the tests that run now, or NULL. */
static const char *test_variant;

static inline __attribute__((format(printf, 1, 2))) void
fail_test(const char *format, ...)
{
	va_list args;

	test_failed = true;
	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

/* For what a test needs, and does not test. */
#define REQUIRE(condition)                                              \
	do {                                                            \
		if (!(condition)) {                                     \
			printf("Bail out! line %d: %s: %s\n", __LINE__, \
			       #condition, strerror(errno));            \
			fflush(stdout);                                 \
			_exit(1);                                       \
		}                                                       \
	} while (0)

static inline void expect(int line, const char *what, int64_t found,
			  const char *relation, bool holds, int64_t expected)
{
	if (!holds)
		fail_test("line %d: %s: expected %s%" PRId64 ", found %" PRId64,
			  line, what, relation, expected, found);
}

#define EXPECT_EQ(found, expected)                                        \
	do {                                                              \
		int64_t found_ = (int64_t)(found);                        \
		int64_t expected_ = (int64_t)(expected);                  \
		expect(__LINE__, #found, found_, "", found_ == expected_, \
		       expected_);                                        \
	} while (0)

#define EXPECT_AT_MOST(found, most)                                           \
	do {                                                                  \
		int64_t found_ = (int64_t)(found);                            \
		int64_t most_ = (int64_t)(most);                              \
		expect(__LINE__, #found, found_, "at most ", found_ <= most_, \
		       most_);                                                \
	} while (0)

/*
 * For what a work queue still has to do: waits for it, but not for ever, and not for
 * long where something went wrong already.
 */
#define EXPECT_SOON(found, expected)                                       \
	do {                                                               \
		for (int i_ = test_failed ? 950 : 0;                       \
		     i_ < 1000 && (int64_t)(found) != (int64_t)(expected); \
		     i_++)                                                 \
			usleep(10 * 1000);                                 \
		EXPECT_EQ(found, expected);                                \
	} while (0)

/* A test, between what comes before and after each; both may be NULL. */
static inline void run_test(const char *name, void (*test)(void),
			    void (*before)(void), void (*after)(void))
{
	test_failed = false;
	if (before)
		before();
	test();
	if (after)
		after();
	nr_tests++;
	nr_failed += test_failed;
	printf("%sok %u - %s%s%s\n", test_failed ? "not " : "", nr_tests, name,
	       test_variant ? ": " : "", test_variant ? test_variant : "");
	fflush(stdout);
}

static inline void skip_test(const char *name, const char *why)
{
	nr_tests++;
	printf("ok %u - %s%s%s # SKIP %s\n", nr_tests, name,
	       test_variant ? ": " : "", test_variant ? test_variant : "", why);
}

/* The exit status of the program. */
static inline int end_tests(void)
{
	printf("1..%u\n", nr_tests);
	return nr_failed ? 1 : 0;
}

/* ---- files ---- */

/* Returns the number of bytes read, with a NUL after them, or -errno. */
static inline ssize_t read_fd(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size - 1) {
		n = pread(fd, buf + len, size - 1 - len, len);
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += n;
	}
	buf[len] = '\0';
	return len;
}

static inline ssize_t read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read_fd(fd, buf, size);
	close(fd);
	return n;
}

/* Returns 0 or -errno. */
static inline int write_bytes(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, data, len) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static inline int write_file(const char *path, const char *text)
{
	return write_bytes(path, text, strlen(text));
}

static inline void expect_text(const char *path, const char *expected)
{
	char found[512];

	REQUIRE(read_file(path, found, sizeof(found)) >= 0);
	if (strcmp(found, expected))
		fail_test("%s: expected '%s', found '%s'", path, expected,
			  found);
}

/* The number that follows a word at the start of a line, or -1. */
static inline int64_t find_key(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (; text && *text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (!strncmp(text, key, len) && strchr(" :\t", text[len]))
			return strtoll(text + len + 1, NULL, 10);
	}
	return -1;
}

static inline int64_t file_key(const char *path, const char *key)
{
	static char text[65536];

	REQUIRE(read_file(path, text, sizeof(text)) >= 0);
	return find_key(text, key);
}

/* ---- cgroups, by their path below the root ---- */

/* Good until the fourth call after this one. */
static inline const char *group_file(const char *group, const char *file)
{
	static char paths[4][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(path, PATH_MAX, CGROUPS "/%s/%s", group, file);
	return path;
}

static inline int64_t group_value(const char *group, const char *file)
{
	char text[64];

	if (read_file(group_file(group, file), text, sizeof(text)) < 0)
		return -1;
	return strtoll(text, NULL, 10);
}

static inline int64_t pinned(const char *group)
{
	return group_value(group, "ioas.pinned.current");
}

static inline int64_t stat_of(const char *group, const char *key)
{
	return file_key(group_file(group, "ioas.stat"), key);
}

static inline int64_t events_of(const char *group, const char *key)
{
	return file_key(group_file(group, "ioas.pinned.events"), key);
}

static inline int64_t local_events_of(const char *group, const char *key)
{
	return file_key(group_file(group, "ioas.pinned.events.local"), key);
}

/* Of a cgroup, and of what is below it. */
static inline void expect_nothing_pinned(int line, const char *group)
{
	const struct {
		const char *what;
		int64_t found;
	} rows[] = {
		{ "ioas.pinned.current", pinned(group) },
		{ "gross", stat_of(group, "gross") },
		{ "accounts", stat_of(group, "accounts") },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(line, rows[i].what, rows[i].found, "", !rows[i].found,
		       0);
}

#define EXPECT_NOTHING_PINNED(group) expect_nothing_pinned(__LINE__, group)

/* Of a cgroup that pins through one kind of object only. */
static inline void expect_kind(int line, const char *group, const char *kind,
			       int64_t unique, int64_t gross, int64_t accounts)
{
	const struct {
		const char *what;
		int64_t found;
		int64_t expected;
	} rows[] = {
		{ "ioas.pinned.current", pinned(group), unique },
		{ "unique", stat_of(group, "unique"), unique },
		{ kind, stat_of(group, kind), gross },
		{ "gross", stat_of(group, "gross"), gross },
		{ "accounts", stat_of(group, "accounts"), accounts },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(line, rows[i].what, rows[i].found, "",
		       rows[i].found == rows[i].expected, rows[i].expected);
}

#define EXPECT_KIND(group, kind, unique, gross, accounts) \
	expect_kind(__LINE__, group, kind, unique, gross, accounts)

static inline void set_number(const char *group, const char *file,
			      uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	REQUIRE(!write_file(group_file(group, file), text));
}

static inline void make_group(const char *group)
{
	REQUIRE(!mkdir(group_file(group, ""), 0755));
}

/* One that has groups below, and no processes. */
static inline void make_inner_group(const char *group)
{
	make_group(group);
	REQUIRE(!write_file(group_file(group, "cgroup.subtree_control"),
			    "+ioas"));
}

static inline int remove_group(const char *group)
{
	return rmdir(group_file(group, "")) ? -errno : 0;
}

/* Moves the process that calls. */
static inline void enter_group(const char *group)
{
	REQUIRE(!write_file(group_file(group, "cgroup.procs"), "0"));
}

/* ---- files that wake who polls them ---- */

/* A file to poll, read once, so that it has nothing new. */
static inline int watch(const char *group, const char *file)
{
	char text[256];
	int fd = open(group_file(group, file), O_RDONLY | O_CLOEXEC);

	REQUIRE(fd >= 0 && read_fd(fd, text, sizeof(text)) >= 0);
	return fd;
}

/* Whether it has something new, or gets so in a while. */
static inline bool woken(int fd, int milliseconds)
{
	struct pollfd poller = { .fd = fd, .events = POLLPRI };

	REQUIRE(poll(&poller, 1, milliseconds) >= 0);
	return poller.revents & POLLPRI;
}

/* ---- what the tracepoints report ---- */

static inline void trace_event(const char *event, bool on)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), TRACING "/events/ioas/%s/enable", event);
	REQUIRE(!write_file(path, on ? "1" : "0"));
}

static inline void empty_trace(void)
{
	/* Opened to be cut, it is emptied. */
	REQUIRE(!close(open(TRACING "/trace", O_WRONLY | O_TRUNC)));
}

/* A field of the first such event in the trace, or NULL; good until the next call. */
static inline const char *traced_text(const char *event, const char *field)
{
	static char text[65536];
	char key[64];
	char *line, *found;

	REQUIRE(read_file(TRACING "/trace", text, sizeof(text)) >= 0);
	snprintf(key, sizeof(key), " %s: ", event);
	line = strstr(text, key);
	if (!line)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	snprintf(key, sizeof(key), " %s=", field);
	found = strstr(line, key);
	return found ? found + strlen(key) : NULL;
}

/* The same as a number, or -1. */
static inline int64_t traced_field(const char *event, const char *field)
{
	const char *text = traced_text(event, field);

	return text ? strtoll(text, NULL, 10) : -1;
}

static inline void trace_refusals(bool on)
{
	trace_event("deny", on);
	if (on)
		empty_trace();
}

/* A field of the first refusal since trace_refusals(true), or -1. */
static inline int64_t refusal_field(const char *field)
{
	return traced_field("deny", field);
}

/* The id of a cgroup is the inode of its folder. */
static inline int64_t group_id(const char *group)
{
	struct stat st;

	REQUIRE(!stat(group_file(group, ""), &st));
	return st.st_ino;
}

/* ---- children ---- */

/* Where a child finds its ends of the pipes, also after an exec. */
#define BATON_IN 200
#define BATON_OUT 201

struct child {
	pid_t pid;
	int in;
	int out;
};

/* In the child: tells the parent to look, and waits until it has. */
static inline void pause_here(void)
{
	char byte = 0;

	REQUIRE(write(BATON_OUT, &byte, 1) == 1);
	REQUIRE(read(BATON_IN, &byte, 1) == 1);
}

/* Until the child stops again, or ends. */
static inline void await_child(const struct child *child)
{
	char byte;

	REQUIRE(read(child->in, &byte, 1) >= 0);
}

/* Lets a child go on, without waiting. */
static inline void release_child(const struct child *child)
{
	REQUIRE(write(child->out, "", 1) == 1);
}

static inline void resume_child(const struct child *child)
{
	release_child(child);
	await_child(child);
}

/* Runs a function in a child, up to its first pause_here(). */
static inline void start_child(struct child *child, void (*run)(void))
{
	int up[2], down[2];
	pid_t pid;

	REQUIRE(!pipe2(up, O_CLOEXEC) && !pipe2(down, O_CLOEXEC));
	fflush(stdout);
	pid = fork();
	REQUIRE(pid >= 0);
	if (!pid) {
		test_failed = false;
		REQUIRE(dup2(down[0], BATON_IN) >= 0);
		REQUIRE(dup2(up[1], BATON_OUT) >= 0);
		close(up[0]);
		close(up[1]);
		close(down[0]);
		close(down[1]);
		run();
		_exit(test_failed);
	}
	close(up[1]);
	close(down[0]);
	child->pid = pid;
	child->in = up[0];
	child->out = down[1];
	await_child(child);
}

/* Returns the status that waitpid() gives. */
static inline int reap_child(struct child *child)
{
	int status;

	REQUIRE(waitpid(child->pid, &status, 0) == child->pid);
	close(child->in);
	close(child->out);
	return status;
}

/* Lets a child run to its end, which must be a good one. */
static inline void end_child(struct child *child)
{
	release_child(child);
	EXPECT_EQ(reap_child(child), 0);
}

static inline void kill_child(struct child *child)
{
	REQUIRE(!kill(child->pid, SIGKILL));
	EXPECT_EQ(reap_child(child), SIGKILL);
}

#endif /* IOAS_TEST_H */
