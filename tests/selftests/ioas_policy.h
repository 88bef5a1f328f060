/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ioasctl and the policies that it attaches, for the test programs.
 *
 *	policies
 *	`-- middle
 *	    |-- leaf		where a test runs at first
 *	    `-- other
 *
 * Policies stay when their cgroup or ioasctl ends, in bpffs. So each test checks that
 * it leaves nothing there.
 */
#ifndef IOAS_POLICY_H
#define IOAS_POLICY_H

#include <sys/prctl.h>
#include <ctype.h>
#include <sys/mman.h>

#include "ioas_test.h"

#define BPFFS "/sys/fs/bpf"
#define POLICIES BPFFS "/ioas"

/* ---- ioasctl ---- */

/**
 * struct output - what a program has written
 * @status: its exit status; 128 and the signal, if one ended it
 * @out: stdout, with a NUL at its end
 * @err: the same of stderr
 */
struct output {
	int status;
	char *out;
	char *err;
};

static inline void free_output(struct output *output)
{
	free(output->out);
	free(output->err);
	*output = (struct output){};
}

static inline char *read_all(int fd)
{
	const off_t size = lseek(fd, 0, SEEK_END);
	char *text = malloc(size + 1);

	REQUIRE(size >= 0 && text);
	REQUIRE(read_fd(fd, text, size + 1) == size);
	return text;
}

/**
 * struct surroundings - what a program runs with
 * @before: called in the child before the program starts; may be NULL
 * @out: where its stdout goes to, or -1 for struct output
 */
struct surroundings {
	void (*before)(void);
	int out;
};

static const struct surroundings usual = { .out = -1 };

static inline void run_program(struct output *output,
			       const struct surroundings *in,
			       const char *const *args)
{
	int out = memfd_create("out", MFD_CLOEXEC);
	int err = memfd_create("err", MFD_CLOEXEC);
	int status;
	pid_t pid;

	REQUIRE(out >= 0 && err >= 0);
	fflush(stdout);
	pid = fork();
	REQUIRE(pid >= 0);
	if (!pid) {
		if (in->before)
			in->before();
		REQUIRE(dup2(err, STDERR_FILENO) >= 0);
		REQUIRE(dup2(in->out >= 0 ? in->out : out, STDOUT_FILENO) >= 0);
		execvp(args[0], (char *const *)args);
		_exit(127);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	output->status = WIFEXITED(status) ? WEXITSTATUS(status) :
					     128 + WTERMSIG(status);
	output->out = read_all(out);
	output->err = read_all(err);
	close(out);
	close(err);
}

/* Its arguments, and a NULL at the end. */
#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Runs ioasctl with the words that follow. */
#define IOASCTL(output, ...) \
	run_program(output, &usual, ARGS("ioasctl", __VA_ARGS__))

static inline void show_output(const struct output *output)
{
	fail_test("status %d", output->status);
	if (*output->out)
		fail_test("stdout: %.2000s", output->out);
	if (*output->err)
		fail_test("stderr: %.2000s", output->err);
}

/* It succeeds and is silent. */
static inline void ioasctl_works(int line, const char *const *args)
{
	struct output output;

	run_program(&output, &usual, args);
	if (output.status || *output.err || *output.out) {
		fail_test("line %d: ioasctl does not work", line);
		show_output(&output);
	}
	free_output(&output);
}

#define POLICY(...) \
	ioasctl_works(__LINE__, ARGS("ioasctl", "policy", __VA_ARGS__))

/* One line that begins with the name of the program, on stderr, and no more. */
static inline void expect_failure(int line, const struct output *output,
				  int status, const char *words)
{
	const char *end = strchr(output->err, '\n');

	if (output->status == status && !*output->out && end && !end[1] &&
	    !strncmp(output->err, "ioasctl: ", 9) && strstr(output->err, words))
		return;
	fail_test("line %d: expected status %d and one line with '%s'", line,
		  status, words);
	show_output(output);
}

static inline void ioasctl_fails(int line, const char *words,
				 const char *const *args)
{
	struct output output;

	run_program(&output, &usual, args);
	expect_failure(line, &output, 1, words);
	free_output(&output);
}

#define POLICY_FAILS(words, ...) \
	ioasctl_fails(__LINE__, words, ARGS("ioasctl", "policy", __VA_ARGS__))

/* ---- JSON, by Python ---- */

/* Whether an expression holds, in which d is what a program has written. */
static inline bool json_holds(const struct output *output, const char *holds)
{
	static const char script[] =
		"import json, sys\n"
		"d = json.load(open(sys.argv[1]))\n"
		"sys.exit(0 if eval(sys.argv[2]) else 1)\n";
	char path[] = "/tmp/json.XXXXXX";
	struct output python;
	int fd = mkstemp(path);
	bool ret;

	REQUIRE(fd >= 0);
	REQUIRE(write(fd, output->out, strlen(output->out)) ==
		(ssize_t)strlen(output->out));
	close(fd);
	run_program(&python, &usual,
		    ARGS("python3", "-c", script, path, holds));
	unlink(path);
	ret = !python.status;
	if (*python.err)
		show_output(&python);
	free_output(&python);
	return ret;
}

static inline __attribute__((format(printf, 3, 4))) void
expect_json(int line, const struct output *output, const char *format, ...)
{
	va_list args;
	char *holds;

	va_start(args, format);
	REQUIRE(vasprintf(&holds, format, args) >= 0);
	va_end(args);
	if (output->status || *output->err || !json_holds(output, holds)) {
		fail_test("line %d: expected %s", line, holds);
		show_output(output);
	}
	free(holds);
}

#define EXPECT_JSON(output, ...) expect_json(__LINE__, output, __VA_ARGS__)

/* ---- ioasctl explain ---- */

static inline void expect_told(int line, const struct output *output,
			       const char *words)
{
	if (!output->status && !*output->err && strstr(output->out, words))
		return;
	fail_test("line %d: expected '%s'", line, words);
	show_output(output);
}

#define EXPECT_TOLD(output, words) expect_told(__LINE__, output, words)

/* The first command that it gives, as a shell takes it. */
static inline void run_first_command(const struct output *output)
{
	static const char begin[] = "To let so much pass, and no more:\n    ";
	const char *command = strstr(output->out, begin);
	char *copy;

	if (!command) {
		fail_test("there is no command");
		show_output(output);
		return;
	}
	command += strlen(begin);
	copy = strndup(command, strcspn(command, "\n"));
	REQUIRE(copy);
	EXPECT_EQ(system(copy), 0);
	free(copy);
}

/* The command that explain gives for what was refused last to a cgroup. */
static inline void run_remedy(const char *group)
{
	struct output output;

	IOASCTL(&output, "explain", group);
	run_first_command(&output);
	free_output(&output);
}

/* ---- what is attached ---- */

/* In the folder of a policy of a cgroup; good until the second call after this one. */
static inline const char *policy_path(const char *group, const char *policy,
				      const char *name)
{
	static char paths[2][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % 2];

	snprintf(path, PATH_MAX, POLICIES "/%" PRId64 "-%s/%s", group_id(group),
		 policy, name);
	return path;
}

/* What policy list says, as one line: an expression as for json_holds(), in which p is
 * the list of policies.
 */
static inline __attribute__((format(printf, 2, 3))) void
expect_list(int line, const char *format, ...)
{
	struct output output;
	va_list args;
	char *holds;

	va_start(args, format);
	REQUIRE(vasprintf(&holds, format, args) >= 0);
	va_end(args);
	IOASCTL(&output, "policy", "list", "--json");
	expect_json(line, &output, "(lambda p: %s)(d['policies'])", holds);
	free_output(&output);
	free(holds);
}

#define EXPECT_LIST(...) expect_list(__LINE__, __VA_ARGS__)

/* What the only one reports. */
#define EXPECT_REPORT(text) \
	EXPECT_LIST("len(p) == 1 and p[0]['report'] == '%s'", text)

static inline bool is_in_bpffs(void)
{
	return !access(POLICIES, F_OK);
}

/* ---- cgroups ---- */

#define TREE "policies"
#define MIDDLE TREE "/middle"
#define LEAF MIDDLE "/leaf"
#define BESIDE MIDDLE "/other"

static const char *const tree[] = { TREE, MIDDLE, LEAF, BESIDE };

static inline void make_tree(void)
{
	make_inner_group(TREE);
	make_inner_group(MIDDLE);
	make_group(LEAF);
	make_group(BESIDE);
}

static inline bool group_exists(const char *group)
{
	return !access(group_file(group, ""), F_OK);
}

/* What a test left attached goes with them, and makes it fail. */
static inline void remove_tree(void)
{
	enter_group("");
	EXPECT_EQ(is_in_bpffs(), false);
	for (size_t i = ARRAY_SIZE(tree); i-- > 0;)
		if (group_exists(tree[i]))
			EXPECT_EQ(remove_group(tree[i]), 0);
	if (is_in_bpffs())
		POLICY("clean");
}

/* From where a test runs up. */
static const char *const line_up[] = { LEAF, MIDDLE, TREE };

#define LEVELS 3

/* Refusals by the policy of one of these cgroups, or of none, and not of the others. */
static inline void expect_denied(int line, const char *events,
				 const char *const up[LEVELS],
				 const char *group, int64_t nr)
{
	char local[64];
	int64_t here, below = 0;

	snprintf(local, sizeof(local), "%s.local", events);
	for (size_t i = 0; i < LEVELS; i++) {
		here = group && !strcmp(up[i], group) ? nr : 0;
		below += here;
		for (int j = 0; j < 2; j++) {
			const char *path =
				group_file(up[i], j ? events : local);
			const int64_t found = file_key(path, "bpf_denied");

			expect(line, path, found, "",
			       found == (j ? below : here), j ? below : here);
		}
	}
}

#define EXPECT_DENIED(group, nr) \
	expect_denied(__LINE__, "ioas.pinned.events", line_up, group, nr)

/* ---- memory ---- */

/* What accounts and refusals say of who asked. */
static inline void name_thread(const char *name)
{
	REQUIRE(!prctl(PR_SET_NAME, name));
}

/* That a charge does not split: it begins where a huge page would. */
static inline char *get_aligned(size_t size)
{
	char *memory = aligned_alloc(2 * MIB, size);

	REQUIRE(memory);
	memset(memory, 1, size);
	return memory;
}

#endif /* IOAS_POLICY_H */
