/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policies that there are, and their settings. */
#ifndef IOASCTL_POLICIES_H
#define IOASCTL_POLICIES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/types.h>

#include "cgroup.h"
#include "ioas_policies.h"

/* A settings struct of any policy fits into this. */
#define POLICY_CONFIG_MAX 256

enum setting_type {
	SETTING_SIZE, /* bytes */
	SETTING_COUNT, /* a number of PASIDs */
	SETTING_DURATION, /* nanoseconds */
};

/**
 * struct setting - one setting of a policy, a __u64 of its settings struct
 * @name: as it is typed
 * @type: how it is written
 * @offset: in the settings struct
 * @value: unless it is set
 * @required: it has to be set
 */
struct setting {
	const char *name;
	enum setting_type type;
	size_t offset;
	uint64_t value;
	bool required;
};

struct attached;
struct bpf_object;

/**
 * struct policy - a policy
 * @name: as it is typed, and as the kernel knows it
 * @summary: one line, for the help
 * @settings: up to one without a name
 * @needs_one: at least one of the settings has to be set
 * @elf: the BPF object, from its skeleton
 * @set_other: read a setting that is not in @settings; NULL if there is none such.
 *	-ENOENT if this is none either
 * @prepare: fill in the settings that nobody sets, or NULL
 * @loaded: do what is left when the programs are loaded, or NULL
 * @report: write what there is to see, on one line, or NULL
 * @raise: change @config so that a refusal would have passed, and no more than that;
 *	-ENOENT if none of its settings refused it.  NULL if it never refuses
 * @print_others: write those of the settings that are not in @settings as arguments for
 *	a shell, raised in the same way; NULL if there are none such
 * @only_logs: it is on tracepoints, beside what decides for a cgroup
 */
struct policy {
	const char *name;
	const char *summary;
	const struct setting *settings;
	bool needs_one;
	const void *(*elf)(size_t *size);
	int (*set_other)(const char *name, const char *value);
	void (*prepare)(void *config, const struct cgroup *cgroup);
	int (*loaded)(const struct bpf_object *object, const void *config);
	void (*report)(FILE *out, const struct attached *attached);
	int (*raise)(const struct attached *attached,
		     const struct ioas_refusal *refusal, void *config);
	int (*print_others)(FILE *out, const struct attached *attached,
			    const struct ioas_refusal *refusal);
	bool only_logs;
};

extern const struct policy policies[];

const struct policy *policy_find(const char *name);
int policy_configure(const struct policy *policy, char *const *settings,
		     unsigned int nr_settings, void *config);
void policy_print_config(FILE *out, const struct policy *policy,
			 const void *config);
int policy_print_raised(FILE *out, const struct attached *attached,
			const struct ioas_refusal *refusal);

#endif /* IOASCTL_POLICIES_H */
