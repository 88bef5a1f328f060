/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For a test program that runs in User Mode Linux, where it is the first process: it
 * does what an init would, and ends the machine when it ends.  As the root is that of
 * the host, and only read, it mounts what it needs.
 */
#ifndef IOAS_UML_H
#define IOAS_UML_H

#include <sys/mount.h>
#include <sys/reboot.h>

#include "ioas_test.h"

#define KMEMLEAK "/sys/kernel/debug/kmemleak"

/* It looks at nothing that is younger, and reports what two scans in a row find. */
#define KMEMLEAK_AGE 6

static inline void scan_for_leaks(void)
{
	if (access(KMEMLEAK, W_OK))
		return;
	for (int i = 0; i < 2; i++) {
		sleep(KMEMLEAK_AGE);
		REQUIRE(!write_file(KMEMLEAK, "scan"));
	}
}

static inline void end_machine(void)
{
	fflush(stdout);
	scan_for_leaks();
	reboot(RB_POWER_OFF);
}

static inline void begin_machine(void)
{
	static const struct {
		const char *type;
		const char *at;
	} mounts[] = {
		{ "proc", "/proc" },	{ "sysfs", "/sys" },
		{ "devtmpfs", "/dev" }, { "debugfs", "/sys/kernel/debug" },
		{ "cgroup2", CGROUPS },
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++)
		REQUIRE(!mount(mounts[i].type, mounts[i].at, mounts[i].type, 0,
			       NULL));
	REQUIRE(!write_file(CGROUPS "/cgroup.subtree_control", "+ioas"));
	atexit(end_machine);
}

#endif /* IOAS_UML_H */
