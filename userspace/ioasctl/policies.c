// SPDX-License-Identifier: GPL-2.0-or-later
/* The policies that there are, and their settings. */
#include <ctype.h>
#include <ftw.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "attached.h"
#include "folder.h"
#include "ioasctl.h"
#include "policies.h"
#include "units.h"

/* They want the types of the settings. */
#include "burst.skel.h"
#include "deny_log.skel.h"
#include "dry_run.skel.h"
#include "kind_quota.skel.h"
#include "pasid_device.skel.h"

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ---- dry_run ---- */

static const struct setting dry_run_settings[] = {
	{ "pinned", SETTING_SIZE, offsetof(struct ioas_dry_run, pinned),
	  IOAS_NO_LIMIT, false },
	{ "pasid_global", SETTING_COUNT,
	  offsetof(struct ioas_dry_run, pasid_global), IOAS_NO_LIMIT, false },
	{ "pasid_device", SETTING_COUNT,
	  offsetof(struct ioas_dry_run, pasid_device), IOAS_NO_LIMIT, false },
	{}
};

static void report_dry_run(FILE *out, const struct attached *attached)
{
	_cleanup_close_ int map = open_pinned(attached->folder, "refusals");
	struct ioas_dry_run_count count;
	char size[UNITS_TEXT];
	bool any = false;
	__u32 i;

	for (i = 0; map >= 0 && i < nr_resources; i++) {
		if (bpf_map_lookup_elem(map, &i, &count) || !count.refused)
			continue;
		fprintf(out, "%swould have refused %llu of %s, worst %s",
			any ? "; " : "", (unsigned long long)count.refused,
			resource_name[i],
			i ? "" : format_size(count.worst, size));
		if (i)
			fprintf(out, "%llu", (unsigned long long)count.worst);
		any = true;
	}
	if (map >= 0 && !any)
		fputs("would have refused nothing", out);
}

/* ---- burst ---- */

static const struct setting burst_settings[] = {
	{ "soft", SETTING_SIZE, offsetof(struct ioas_burst, soft), 0, true },
	{ "extra", SETTING_SIZE, offsetof(struct ioas_burst, extra), 0, true },
	{ "length", SETTING_DURATION, offsetof(struct ioas_burst, length_ns), 0,
	  true },
	{ "rest", SETTING_DURATION, offsetof(struct ioas_burst, rest_ns),
	  3600 * 1000000000ULL, false },
	{}
};

static int raise_soft(const struct attached *attached,
		      const struct ioas_refusal *refusal, void *config)
{
	struct ioas_burst *settings = config;

	(void)attached;
	settings->soft = larger(settings->soft,
				whole_mib(refusal->held + refusal->wanted));
	return 0;
}

/* ---- kind_quota ---- */

#define KIND(_i, _name)                                         \
	{                                                       \
		_name, SETTING_SIZE,                            \
			offsetof(struct ioas_kind_quota, max) + \
				(_i) * sizeof(__u64),           \
			IOAS_NO_LIMIT, false                    \
	}

static const struct setting kind_quota_settings[] = { KIND(0, "vfio"),
						      KIND(1, "iommufd"),
						      KIND(2, "vdpa"),
						      KIND(3, "vduse"),
						      KIND(4, "rdma"),
						      KIND(5, "io_uring"),
						      KIND(6, "xdp"),
						      KIND(7, "dmabuf"),
						      KIND(8, "kvm"),
						      KIND(9, "other"),
						      {} };

/* Kinds that a later kernel may have. */
static void leave_other_kinds(void *config, const struct cgroup *cgroup)
{
	struct ioas_kind_quota *settings = config;
	unsigned int i;

	(void)cgroup;
	for (i = nr_kinds; i < IOAS_KINDS; i++)
		settings->max[i] = IOAS_NO_LIMIT;
}

/* What was held then may have been given back since, and be asked for again. */
static int raise_quota(const struct attached *attached,
		       const struct ioas_refusal *refusal, void *config)
{
	_cleanup_close_ int folder = cgroup_open_by_id(attached->cgroup_id);
	struct ioas_kind_quota *settings = config;
	uint64_t held = 0;
	__u64 *max;

	if (refusal->kind >= nr_kinds)
		return -ENOENT;
	max = &settings->max[refusal->kind];
	if (*max == IOAS_NO_LIMIT)
		return -ENOENT;
	if (folder >= 0)
		(void)cgroup_read_key(folder, "ioas.stat",
				      kind_name[refusal->kind], &held);
	held = larger(held, refusal->gross);
	*max = larger(*max, whole_mib(held + refusal->wanted));
	return 0;
}

/* ---- pasid_device ---- */

static const struct setting pasid_device_settings[] = {
	{ "others", SETTING_COUNT, offsetof(struct ioas_pasid_device, others),
	  IOAS_NO_LIMIT, false },
	{}
};

/* Limits of devices that were set, by inode number in sysfs. */
static struct {
	__u64 device;
	__u64 max;
} device_limits[IOAS_MAX_DEVICES];

static unsigned int nr_device_limits;

/* A PCI address, or a folder below /sys/devices. */
static int find_device(const char *name, __u64 *ret)
{
	_cleanup_free_ char *path = NULL, *real = NULL;
	struct stat st;

	if (asprintf(&path, "%s%s",
		     strncmp(name, "/sys/devices/", 13) ?
			     "/sys/bus/pci/devices/" :
			     "",
		     name) < 0)
		return fail(-ENOMEM, "out of memory");
	real = realpath(path, NULL);
	if (!real || strncmp(real, "/sys/devices/", 13) || stat(real, &st) ||
	    !S_ISDIR(st.st_mode))
		return fail(
			-ENODEV,
			"there is no device %s: give a PCI address like 0000:01:00.0, or a path below /sys/devices",
			name);
	*ret = st.st_ino;
	return 0;
}

static int set_device(const char *name, const char *value)
{
	__u64 device = 0;
	uint64_t max;
	int ret;

	if (!strchr(name, ':') && !strchr(name, '/'))
		return -ENOENT;
	if (parse_count(value, &max))
		return fail(USAGE_ERROR, "'%s' is no number of PASIDs, for %s",
			    value, name);
	ret = find_device(name, &device);
	if (ret)
		return ret;
	if (nr_device_limits == IOAS_MAX_DEVICES)
		return fail(-E2BIG, "more than %d devices", IOAS_MAX_DEVICES);
	device_limits[nr_device_limits].device = device;
	device_limits[nr_device_limits++].max = max;
	return 0;
}

/* All keys of a map of devices; how many there are. To be freed. */
static unsigned int devices_of(int map, __u64 **ret)
{
	__u64 *devices = calloc(IOAS_MAX_DEVICES, sizeof(*devices));
	__u64 *last = NULL;
	unsigned int nr = 0;

	*ret = devices;
	while (devices && nr < IOAS_MAX_DEVICES &&
	       !bpf_map_get_next_key(map, last, &devices[nr]))
		last = &devices[nr++];
	return nr;
}

/* Each object has a map of its own, which is empty. */
static int load_device_limits(const struct bpf_object *object,
			      const void *config)
{
	int map = bpf_object__find_map_fd_by_name(object, "limits");
	unsigned int i;

	(void)config;
	for (i = 0; i < nr_device_limits; i++)
		if (bpf_map_update_elem(map, &device_limits[i].device,
					&device_limits[i].max, BPF_ANY))
			return fail(-errno, "a limit could not be set: %m");
	return 0;
}

/* To be freed; NULL if it has none. */
static char *pci_address_of(__u64 device)
{
	char *address = NULL;
	struct stat st;
	size_t i;
	glob_t g;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &g))
		return NULL;
	for (i = 0; i < g.gl_pathc && !address; i++)
		if (!stat(g.gl_pathv[i], &st) && st.st_ino == device)
			address = strdup(strrchr(g.gl_pathv[i], '/') + 1);
	globfree(&g);
	return address;
}

/* The PCI address of a device, or "inode N". */
static void print_device(FILE *out, __u64 device)
{
	_cleanup_free_ char *address = pci_address_of(device);

	if (address)
		fputs(address, out);
	else
		fprintf(out, "inode %llu", (unsigned long long)device);
}

/* nftw() passes nothing on. */
static struct {
	__u64 device;
	char *path;
} wanted_folder;

static int is_wanted(const char *path, const struct stat *st, int type,
		     struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_D || st->st_ino != wanted_folder.device)
		return 0;
	wanted_folder.path = strdup(path);
	return 1;
}

/* As find_device() finds it; to be freed; NULL if it has gone. */
static char *name_of_device(__u64 device)
{
	char *address = pci_address_of(device);

	if (address)
		return address;
	wanted_folder.device = device;
	wanted_folder.path = NULL;
	nftw("/sys/devices", is_wanted, 16, FTW_PHYS | FTW_MOUNT);
	return wanted_folder.path;
}

static void report_device(FILE *out, __u64 device, __u64 nr, __u64 max)
{
	print_device(out, device);
	fprintf(out, " %llu of ", (unsigned long long)nr);
	if (max == IOAS_NO_LIMIT)
		fputs("max", out);
	else
		fprintf(out, "%llu", (unsigned long long)max);
}

static void report_devices(FILE *out, const struct attached *attached)
{
	_cleanup_close_ int limits = open_pinned(attached->folder, "limits");
	_cleanup_close_ int used = open_pinned(attached->folder, "used");
	const struct ioas_pasid_device *settings =
		(const void *)attached->config;
	_cleanup_free_ __u64 *devices = NULL, *others = NULL;
	unsigned int i, nr, nr_others;
	const char *between = "";
	__u64 count, max;

	if (limits < 0 || used < 0)
		return;
	nr = devices_of(limits, &devices);
	for (i = 0; i < nr; i++) {
		count = 0;
		if (bpf_map_lookup_elem(limits, &devices[i], &max))
			continue;
		bpf_map_lookup_elem(used, &devices[i], &count);
		fputs(between, out);
		report_device(out, devices[i], count, max);
		between = "; ";
	}
	nr_others = devices_of(used, &others);
	for (i = 0; i < nr_others; i++) {
		if (!bpf_map_lookup_elem(limits, &others[i], &max) ||
		    bpf_map_lookup_elem(used, &others[i], &count))
			continue;
		fputs(between, out);
		report_device(out, others[i], count, settings->others);
		between = "; ";
	}
}

static __u64 limit_of(int limits, __u64 device, const void *config)
{
	const struct ioas_pasid_device *settings = config;
	__u64 max;

	return bpf_map_lookup_elem(limits, &device, &max) ? settings->others :
							    max;
}

static int raise_device(const struct attached *attached,
			const struct ioas_refusal *refusal, void *config)
{
	_cleanup_close_ int limits = open_pinned(attached->folder, "limits");

	if (!refusal->device || limits < 0 ||
	    limit_of(limits, refusal->device, config) == IOAS_NO_LIMIT)
		return -ENOENT;
	return 0;
}

/*
 * What lets one more pass. The log does not have how many of the device there were then:
 * at least as many as the limit was, and not more than of all devices.
 */
static __u64 enough_of_device(const struct attached *attached,
			      const struct ioas_refusal *refusal, __u64 max)
{
	_cleanup_close_ int used = open_pinned(attached->folder, "used");
	__u64 now = 0, then = refusal->held < max ? refusal->held : max;

	if (used >= 0)
		bpf_map_lookup_elem(used, &refusal->device, &now);
	return larger(max, larger(then, now) + 1);
}

/* One that has gone cannot be named, and needs no limit. */
static int print_device_limit(FILE *out, __u64 device, __u64 max)
{
	_cleanup_free_ char *name = name_of_device(device);
	_cleanup_free_ char *setting = NULL, *quoted = NULL;

	if (!name)
		return -ENODEV;
	if (asprintf(&setting, "%s=%llu", name, (unsigned long long)max) < 0)
		return -ENOMEM;
	quoted = shell_quote(setting);
	if (!quoted)
		return -ENOMEM;
	fprintf(out, " --set %s", quoted);
	return 0;
}

/* The one that was refused gets a limit of its own, if it has none. */
static int print_device_limits(FILE *out, const struct attached *attached,
			       const struct ioas_refusal *refusal)
{
	_cleanup_close_ int limits = open_pinned(attached->folder, "limits");
	_cleanup_free_ __u64 *devices = NULL;
	unsigned int i, nr;
	__u64 max;
	int ret;

	if (limits < 0)
		return limits;
	nr = devices_of(limits, &devices);
	for (i = 0; i < nr; i++) {
		if (devices[i] == refusal->device)
			continue;
		ret = print_device_limit(out, devices[i],
					 limit_of(limits, devices[i],
						  attached->config));
		if (ret && ret != -ENODEV)
			return ret;
	}
	max = limit_of(limits, refusal->device, attached->config);
	return print_device_limit(out, refusal->device,
				  enough_of_device(attached, refusal, max));
}

/* ---- deny_log ---- */

static const struct setting no_settings[] = { {} };

static void set_cgroup(void *config, const struct cgroup *cgroup)
{
	struct ioas_deny_log *settings = config;

	settings->cgroup_id = cgroup->id;
}

static void report_refusals(FILE *out, const struct attached *attached)
{
	_cleanup_close_ int map = open_pinned(attached->folder, "total");
	__u64 total;
	__u32 key = 0;

	if (map >= 0 && !bpf_map_lookup_elem(map, &key, &total))
		fprintf(out, "%llu refused", (unsigned long long)total);
}

/* ---- all of them ---- */

const struct policy policies[] = {
	{
		.name = "burst",
		.summary = "pass a soft limit by some amount, for some time",
		.settings = burst_settings,
		.elf = burst_bpf__elf_bytes,
		.raise = raise_soft,
	},
	{
		.name = "deny_log",
		.summary = "log every refusal, for ioasctl explain",
		.settings = no_settings,
		.elf = deny_log_bpf__elf_bytes,
		.prepare = set_cgroup,
		.only_logs = true,
		.report = report_refusals,
	},
	{
		.name = "dry_run",
		.summary = "count what a proposed limit would have refused",
		.settings = dry_run_settings,
		.needs_one = true,
		.elf = dry_run_bpf__elf_bytes,
		.report = report_dry_run,
	},
	{
		.name = "kind_quota",
		.summary = "a limit for each kind of pin, of gross memory",
		.settings = kind_quota_settings,
		.needs_one = true,
		.elf = kind_quota_bpf__elf_bytes,
		.prepare = leave_other_kinds,
		.raise = raise_quota,
	},
	{
		.name = "pasid_device",
		.summary = "a limit of PASIDs for each device",
		.settings = pasid_device_settings,
		.needs_one = true,
		.elf = pasid_device_bpf__elf_bytes,
		.set_other = set_device,
		.loaded = load_device_limits,
		.report = report_devices,
		.raise = raise_device,
		.print_others = print_device_limits,
	},
	{}
};

/**
 * policy_find() - find a policy by its name
 * @name: the name
 *
 * Return: the policy or NULL.
 */
const struct policy *policy_find(const char *name)
{
	const struct policy *policy;

	for (policy = policies; policy->name; policy++)
		if (!strcmp(policy->name, name))
			return policy;
	return NULL;
}

static uint64_t *field(void *config, const struct setting *setting)
{
	return (uint64_t *)((char *)config + setting->offset);
}

static int parse_setting(const struct setting *setting, const char *value,
			 uint64_t *ret)
{
	static const char *const expected[] = {
		[SETTING_SIZE] = "an amount of memory like 512M",
		[SETTING_COUNT] = "a number",
		[SETTING_DURATION] = "a time like 30s",
	};
	int error = -EINVAL;

	switch (setting->type) {
	case SETTING_SIZE:
		error = parse_size(value, ret);
		break;
	case SETTING_COUNT:
		error = parse_count(value, ret);
		break;
	case SETTING_DURATION:
		error = parse_duration(value, ret);
		break;
	}
	if (error)
		return fail(USAGE_ERROR, "'%s' is not %s, for %s", value,
			    expected[setting->type], setting->name);
	return 0;
}

static int set_one(const struct policy *policy, const char *name,
		   const char *value, void *config)
{
	const struct setting *setting;
	int ret = -ENOENT;

	for (setting = policy->settings; setting->name; setting++)
		if (!strcmp(setting->name, name))
			return parse_setting(setting, value,
					     field(config, setting));
	if (policy->set_other)
		ret = policy->set_other(name, value);
	if (ret == -ENOENT)
		return fail(
			USAGE_ERROR,
			"%s has no setting '%s': see 'ioasctl policy --help'",
			policy->name, name);
	return ret;
}

static int check_required(const struct policy *policy, char *const *settings,
			  unsigned int nr)
{
	const struct setting *setting;
	unsigned int i;
	size_t len;

	if (policy->needs_one && !nr)
		return fail(
			USAGE_ERROR,
			"%s does nothing without a setting: see 'ioasctl policy --help'",
			policy->name);
	for (setting = policy->settings; setting->name; setting++) {
		len = strlen(setting->name);
		for (i = 0; i < nr; i++)
			if (!strncmp(settings[i], setting->name, len) &&
			    settings[i][len] == '=')
				break;
		if (setting->required && i == nr)
			return fail(USAGE_ERROR, "%s needs --set %s=...",
				    policy->name, setting->name);
	}
	return 0;
}

/**
 * policy_configure() - make the settings struct of a policy
 * @policy: the policy
 * @settings: what was set, as NAME=VALUE
 * @nr_settings: number of @settings
 * @config: filled in; %POLICY_CONFIG_MAX bytes
 *
 * Return: 0, or USAGE_ERROR or another error, after a message.
 */
int policy_configure(const struct policy *policy, char *const *settings,
		     unsigned int nr_settings, void *config)
{
	const struct setting *setting;
	unsigned int i;
	int ret;

	memset(config, 0, POLICY_CONFIG_MAX);
	for (setting = policy->settings; setting->name; setting++)
		*field(config, setting) = setting->value;
	for (i = 0; i < nr_settings; i++) {
		_cleanup_free_ char *name = strdup(settings[i]);
		char *value = name ? strchr(name, '=') : NULL;

		if (!value)
			return fail(USAGE_ERROR,
				    "'%s' is not NAME=VALUE, for --set",
				    settings[i]);
		*value++ = '\0';
		ret = set_one(policy, name, value, config);
		if (ret)
			return ret;
	}
	return check_required(policy, settings, nr_settings);
}

static void print_setting(FILE *out, const struct setting *setting,
			  uint64_t value)
{
	char buf[UNITS_TEXT];

	fprintf(out, "%s=", setting->name);
	switch (setting->type) {
	case SETTING_SIZE:
		fputs(format_exact_size(value, buf), out);
		break;
	case SETTING_COUNT:
		fprintf(out, "%llu", (unsigned long long)value);
		break;
	case SETTING_DURATION:
		fprintf(out, "%llus", (unsigned long long)value / 1000000000);
		break;
	}
}

/* Those that are set, each with something before it. */
static void print_settings(FILE *out, const struct policy *policy,
			   const void *config, const char *first,
			   const char *next)
{
	const struct setting *setting;
	const char *before = first;
	uint64_t value;

	for (setting = policy->settings; setting->name; setting++) {
		value = *field((void *)config, setting);
		if (value == IOAS_NO_LIMIT)
			continue;
		fputs(before, out);
		print_setting(out, setting, value);
		before = next;
	}
}

/**
 * policy_print_config() - write the settings of a policy, as they are typed
 * @out: where to
 * @policy: the policy
 * @config: its settings struct
 */
void policy_print_config(FILE *out, const struct policy *policy,
			 const void *config)
{
	print_settings(out, policy, config, "", " ");
}

/**
 * policy_print_raised() - write all settings with which a refusal would have passed
 * @out: where to, as arguments for a shell, each with a space before it
 * @attached: the policy that has refused, one of those that this program knows
 * @refusal: what it has refused
 *
 * Return: 0, or a negative errno, without a message, if there are none such.
 */
int policy_print_raised(FILE *out, const struct attached *attached,
			const struct ioas_refusal *refusal)
{
	_Alignas(uint64_t) char config[POLICY_CONFIG_MAX];
	const struct policy *policy = attached->policy;
	int ret;

	if (!policy->raise)
		return -ENOENT;
	memcpy(config, attached->config, sizeof(config));
	ret = policy->raise(attached, refusal, config);
	if (ret)
		return ret;
	print_settings(out, policy, config, " --set ", " --set ");
	return policy->print_others ?
		       policy->print_others(out, attached, refusal) :
		       0;
}
