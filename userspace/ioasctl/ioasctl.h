/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ioasctl: what its verbs share.
 *
 * Functions return 0 or a negative errno. Who finds out what went wrong says so at once,
 * with fail(), which takes the words and gives back the errno; callers only pass it on.
 */
#ifndef IOASCTL_H
#define IOASCTL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Wrong usage: becomes exit status 2; all other failures are 1. */
#define USAGE_ERROR (-EBADR)

/**
 * struct verb - one verb of ioasctl, or of ioasctl policy
 * @name: as it is typed
 * @arguments: what may follow, for the help
 * @summary: one line, for the help
 * @run: runs it; @argv[0] is the verb
 */
struct verb {
	const char *name;
	const char *arguments;
	const char *summary;
	int (*run)(int argc, char **argv);
};

int run_verb(const char *prefix, const struct verb *verbs, int argc,
	     char **argv);

int verb_explain(int argc, char **argv);
int verb_policy(int argc, char **argv);
int verb_who(int argc, char **argv);

__attribute__((format(printf, 2, 3))) int fail(int error, const char *format,
					       ...);

int fail_option(char **argv);

static inline void free_pointer(void *p)
{
	free(*(void **)p);
}

static inline void close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _cleanup_free_ _cleanup_(free_pointer)
#define _cleanup_close_ _cleanup_(close_fd)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif /* IOASCTL_H */
