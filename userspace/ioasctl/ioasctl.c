// SPDX-License-Identifier: GPL-2.0-or-later
/* ioasctl: its verbs, and how it fails. */
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <string.h>

#include "ioasctl.h"
#include "units.h"

static const struct verb verbs[] = {
	{ "explain", "[--json] [CGROUP]",
	  "say why the last charges were refused, and what would help",
	  verb_explain },
	{ "policy", "load|list|replace|unload ...",
	  "have BPF programs decide what a cgroup may be charged",
	  verb_policy },
	{ "who", "[--json] [--bytes] [CGROUP]",
	  "list who holds pinned memory, of which kind, and since when",
	  verb_who },
	{}
};

/**
 * fail() - say what went wrong
 * @error: a negative errno
 * @format: the words, without a newline
 *
 * Return: @error
 */
int fail(int error, const char *format, ...)
{
	char *words = NULL;
	va_list args;

	/* At once, so that it stays one line whoever else writes there. */
	va_start(args, format);
	if (vasprintf(&words, format, args) < 0)
		words = NULL;
	va_end(args);
	/* What others named is in it. */
	if (words)
		make_printable(words);
	dprintf(STDERR_FILENO, "ioasctl: %s\n", words ?: format);
	free(words);
	return error;
}

/**
 * fail_option() - say that getopt_long() has found an option that there is not
 * @argv: what it has read
 *
 * Return: USAGE_ERROR
 */
int fail_option(char **argv)
{
	/* It does not tell whether the option or its value is wrong. */
	return fail(USAGE_ERROR, "'%s' is no option here, or lacks its value",
		    argv[optind - 1]);
}

static void print_help(const char *prefix, const struct verb *table)
{
	const struct verb *verb;

	printf("Usage: %s VERB ...\n\n", prefix);
	for (verb = table; verb->name; verb++)
		printf("  %s %s %s\n      %s\n", prefix, verb->name,
		       verb->arguments, verb->summary);
	printf("\nSizes may end in K, M, G, T; times in s, m, h. See ioasctl(8).\n");
}

/**
 * run_verb() - run the verb that the arguments name
 * @prefix: what comes before it, for messages
 * @table: the verbs, up to one without a name
 * @argc: number of @argv
 * @argv: the arguments; the verb is the second
 *
 * Return: what the verb returns, or USAGE_ERROR.
 */
int run_verb(const char *prefix, const struct verb *table, int argc,
	     char **argv)
{
	const struct verb *verb;

	if (argc < 2)
		return fail(USAGE_ERROR, "a verb is missing: try '%s --help'",
			    prefix);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help(prefix, table);
		return 0;
	}
	for (verb = table; verb->name; verb++)
		if (!strcmp(argv[1], verb->name))
			return verb->run(argc - 1, argv + 1);
	return fail(USAGE_ERROR, "there is no verb '%s': try '%s --help'",
		    argv[1], prefix);
}

int main(int argc, char **argv)
{
	int ret;

	/* Names may have any letters, wherever this runs. */
	setlocale(LC_CTYPE, "C.UTF-8");
	/* Of options too, what is wrong is said by fail(). */
	opterr = 0;
	ret = run_verb("ioasctl", verbs, argc, argv);

	if (fflush(stdout) || ferror(stdout))
		ret = ret ?: fail(-EIO, "the output could not be written");
	if (ret == USAGE_ERROR)
		return 2;
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
