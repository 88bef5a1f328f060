// SPDX-License-Identifier: GPL-2.0-or-later
/* The policies that there are, and their settings. */
#include <ctype.h>
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

/* As enum ioas_policy_resource of the kernel has them. */
static const char *const resource_name[] = {
	"pinned",
	"pasid_global",
	"pasid_device",
};

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

	for (i = 0; map >= 0 && i < ARRAY_SIZE(resource_name); i++) {
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

static bool is_set(__u64 device)
{
	unsigned int i;

	for (i = 0; i < nr_device_limits; i++)
		if (device_limits[i].device == device)
			return true;
	return false;
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

/* Those of a policy that is being replaced hold until the new ones do. */
static int load_device_limits(const struct bpf_object *object,
			      const void *config)
{
	int map = bpf_object__find_map_fd_by_name(object, "limits");
	_cleanup_free_ __u64 *devices = NULL;
	unsigned int i, nr;

	(void)config;
	for (i = 0; i < nr_device_limits; i++)
		if (bpf_map_update_elem(map, &device_limits[i].device,
					&device_limits[i].max, BPF_ANY))
			return fail(-errno, "a limit could not be set: %m");
	nr = devices_of(map, &devices);
	for (i = 0; i < nr; i++)
		if (!is_set(devices[i]))
			bpf_map_delete_elem(map, &devices[i]);
	return 0;
}

/* The PCI address of a device, or "inode N". */
static void print_device(FILE *out, __u64 device)
{
	struct stat st;
	size_t i;
	glob_t g;

	if (!glob("/sys/bus/pci/devices/*", 0, NULL, &g)) {
		for (i = 0; i < g.gl_pathc; i++) {
			if (stat(g.gl_pathv[i], &st) || st.st_ino != device)
				continue;
			fputs(strrchr(g.gl_pathv[i], '/') + 1, out);
			globfree(&g);
			return;
		}
		globfree(&g);
	}
	fprintf(out, "inode %llu", (unsigned long long)device);
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

/**
 * policy_print_config() - write the settings of a policy, as they are typed
 * @out: where to
 * @policy: the policy
 * @config: its settings struct
 */
void policy_print_config(FILE *out, const struct policy *policy,
			 const void *config)
{
	const struct setting *setting;
	const char *space = "";
	char buf[UNITS_TEXT];
	uint64_t value;

	for (setting = policy->settings; setting->name; setting++) {
		value = *field((void *)config, setting);
		if (value == IOAS_NO_LIMIT)
			continue;
		fprintf(out, "%s%s=", space, setting->name);
		space = " ";
		switch (setting->type) {
		case SETTING_SIZE:
			fputs(format_exact_size(value, buf), out);
			break;
		case SETTING_COUNT:
			fprintf(out, "%llu", (unsigned long long)value);
			break;
		case SETTING_DURATION:
			fprintf(out, "%llus",
				(unsigned long long)value / 1000000000);
			break;
		}
	}
}
