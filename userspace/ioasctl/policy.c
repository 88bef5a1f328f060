// SPDX-License-Identifier: GPL-2.0-or-later
/* ioasctl policy: load, list, replace and unload policies. */
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/file.h>

#include <jansson.h>

#include "attached.h"
#include "folder.h"
#include "ioasctl.h"
#include "kernel.h"
#include "loader.h"
#include "policies.h"
#include "table.h"
#include "units.h"

#define MAX_SETTINGS 64

/**
 * struct request - what was asked for
 * @policy: which, or NULL
 * @cgroup: where; without a path if none was named
 * @settings: what was set, as NAME=VALUE
 * @nr_settings: number of @settings
 * @json: write JSON
 */
struct request {
	const struct policy *policy;
	struct cgroup cgroup;
	char *settings[MAX_SETTINGS];
	unsigned int nr_settings;
	bool json;
};

static void request_done(struct request *request)
{
	cgroup_free(&request->cgroup);
}

static int add_setting(struct request *request, char *setting)
{
	if (request->nr_settings == MAX_SETTINGS)
		return fail(USAGE_ERROR, "more than %d settings", MAX_SETTINGS);
	request->settings[request->nr_settings++] = setting;
	return 0;
}

static int name_policy(struct request *request, const char *verb, int argc,
		       char **argv)
{
	const struct policy *policy;

	if (argc > optind + 1)
		return fail(USAGE_ERROR, "'%s' is one name too many",
			    argv[optind + 1]);
	if (argc <= optind)
		return fail(
			USAGE_ERROR,
			"name a policy: 'ioasctl policy %s NAME ...'; they are in 'ioasctl policy --help'",
			verb);
	policy = policy_find(argv[optind]);
	if (!policy)
		return fail(
			USAGE_ERROR,
			"there is no policy '%s': they are in 'ioasctl policy --help'",
			argv[optind]);
	request->policy = policy;
	return 0;
}

/* @options: "c" where --cgroup can be given, "s" for --set. */
static int parse_request(int argc, char **argv, const char *options,
			 struct request *request)
{
	static const struct option known[] = {
		{ "cgroup", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "set", required_argument, NULL, 's' },
		{}
	};
	const char *cgroup = NULL;
	int c, ret;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == '?')
			return fail_option(argv);
		if (c != 'j' && !strchr(options, c))
			return fail(USAGE_ERROR, "'policy %s' takes no --%s",
				    argv[0], c == 'c' ? "cgroup" : "set");
		if (c == 'c')
			cgroup = optarg;
		else if (c == 'j')
			request->json = true;
		else if (add_setting(request, optarg))
			return USAGE_ERROR;
	}
	if (!strchr(options, 'c'))
		return argc > optind ?
			       fail(USAGE_ERROR, "'policy %s' takes no '%s'",
				    argv[0], argv[optind]) :
			       0;
	ret = name_policy(request, argv[0], argc, argv);
	if (ret)
		return ret;
	if (!cgroup || !*cgroup)
		return fail(USAGE_ERROR, "say where: --cgroup PATH");
	return cgroup_open(cgroup, &request->cgroup);
}

/* ---- what is shown of a policy ---- */

enum { COL_CGROUP, COL_POLICY, COL_SETTINGS, COL_REPORT };

static const struct column list_columns[] = {
	[COL_CGROUP] = { "CGROUP", 0.3, SCOLS_FL_NOEXTREMES,
			 SCOLS_JSON_STRING },
	[COL_POLICY] = { "POLICY", 0, 0, SCOLS_JSON_STRING },
	[COL_SETTINGS] = { "SETTINGS", 0.3, 0, SCOLS_JSON_STRING },
	[COL_REPORT] = { "REPORT", 0.3, 0, SCOLS_JSON_STRING },
};

/* The path of its cgroup, or the inode number of one that has gone. */
static char *text_of_cgroup(const struct attached *attached)
{
	char *text;

	if (attached->path)
		return strdup(attached->path);
	return asprintf(&text, "(%llu)",
			(unsigned long long)attached->cgroup_id) < 0 ?
		       NULL :
		       text;
}

static char *text_of_settings(const struct attached *attached)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	if (attached->policy)
		policy_print_config(out, attached->policy, attached->config);
	fclose(out);
	return text;
}

static char *text_of_report(const struct attached *attached)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	if (attached->gone && !attached->path)
		fputs("the cgroup has gone: 'ioasctl policy clean' forgets it",
		      out);
	else if (attached->gone && attached->link_id)
		fputs("detached, as ioas was disabled there: 'ioasctl policy clean' forgets it",
		      out);
	else if (attached->gone)
		fputs("left over by a command that was interrupted: 'ioasctl policy clean' forgets it",
		      out);
	else if (!attached->policy)
		fprintf(out, "not loaded by ioasctl, link %u",
			attached->link_id);
	else if (attached->policy->report)
		attached->policy->report(out, attached);
	fclose(out);
	return text;
}

static int add_attached(struct libscols_table *table,
			const struct attached *attached)
{
	_cleanup_free_ char *cgroup = text_of_cgroup(attached);
	_cleanup_free_ char *settings = text_of_settings(attached);
	_cleanup_free_ char *report = text_of_report(attached);
	struct libscols_line *line = table_add(table);

	if (!line)
		return -ENOMEM;
	table_set(line, COL_CGROUP, cgroup);
	table_set(line, COL_POLICY, attached->name);
	table_set(line, COL_SETTINGS, settings);
	table_set(line, COL_REPORT, report);
	return 0;
}

static struct libscols_table *new_table(bool json)
{
	return table_new("policies", list_columns, ARRAY_SIZE(list_columns),
			 json);
}

static int print_list(const struct attached *list, unsigned int nr, bool json)
{
	struct libscols_table *table = new_table(json);
	unsigned int i;

	if (!table)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		if (add_attached(table, &list[i])) {
			scols_unref_table(table);
			return -ENOMEM;
		}
	}
	return table_print(table);
}

/* As a table has it, where no text is null. */
static json_t *json_of_text(char *text)
{
	if (!text || !*text)
		return json_null();
	make_printable(text);
	return json_string(text);
}

/* One of those that a table has in an array. */
static json_t *json_of(const struct attached *attached)
{
	_cleanup_free_ char *cgroup = text_of_cgroup(attached);
	_cleanup_free_ char *settings = text_of_settings(attached);
	_cleanup_free_ char *report = text_of_report(attached);

	return json_pack("{s:o s:s s:o s:o}", "cgroup", json_of_text(cgroup),
			 "policy", attached->name, "settings",
			 json_of_text(settings), "report",
			 json_of_text(report));
}

/* Takes it. */
static int print_json(json_t *json)
{
	if (!json)
		return fail(-ENOMEM, "out of memory");
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
	return 0;
}

/* ---- the verbs ---- */

/* One at a time; until this program ends. */
static int lock_bpffs(void)
{
	int fd = open(BPFFS_MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX))
		return fail(-errno, "%s: %m", BPFFS_MOUNT);
	return 0;
}

static const struct attached *find_requested(const struct attached *list,
					     unsigned int nr,
					     const struct request *request)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (list[i].policy == request->policy &&
		    list[i].cgroup_id == request->cgroup.id)
			return &list[i];
	return NULL;
}

/* What there is now that it is done. */
static int print_requested(const struct request *request)
{
	const struct attached *found;
	struct attached *list;
	unsigned int nr;
	int ret;

	ret = attached_list(&list, &nr);
	if (ret)
		return ret;
	found = find_requested(list, nr, request);
	ret = found ? print_json(json_of(found)) :
		      fail(-ENOENT, "the policy %s has just gone",
			   request->policy->name);
	attached_free(list, nr);
	return ret;
}

static int change(int argc, char **argv,
		  int (*changer)(const struct policy *policy, void *config,
				 const struct cgroup *cgroup))
{
	_cleanup_(request_done) struct request request = {};
	_Alignas(uint64_t) char config[POLICY_CONFIG_MAX];
	int ret;

	ret = parse_request(argc, argv, "cs", &request);
	ret = ret   ?:
		      policy_configure(request.policy, request.settings,
				       request.nr_settings, config);
	ret = ret ?: kernel_check();
	if (!ret && !request.policy->only_logs)
		ret = kernel_check_struct_ops();
	ret = ret ?: lock_bpffs();
	ret = ret ?: changer(request.policy, config, &request.cgroup);
	if (!ret && request.json)
		ret = print_requested(&request);
	return ret;
}

static int policy_load(int argc, char **argv)
{
	return change(argc, argv, loader_load);
}

static int policy_replace(int argc, char **argv)
{
	return change(argc, argv, loader_replace);
}

/* What is shown of it is what there was before. */
static int unload(const struct attached *attached, bool json)
{
	json_t *shown = json ? json_of(attached) : NULL;
	int ret = loader_unload(attached);

	if (!ret && json)
		return print_json(shown);
	json_decref(shown);
	return ret;
}

static int policy_unload(int argc, char **argv)
{
	_cleanup_(request_done) struct request request = {};
	const struct attached *found;
	struct attached *list;
	unsigned int nr;
	int ret;

	ret = parse_request(argc, argv, "c", &request);
	ret = ret ?: kernel_check();
	ret = ret ?: lock_bpffs();
	ret = ret ?: attached_list(&list, &nr);
	if (ret)
		return ret;
	found = find_requested(list, nr, &request);
	if (found)
		ret = unload(found, request.json);
	else
		ret = fail(
			-ENOENT,
			"%s has no policy %s: 'ioasctl policy list' shows what there is",
			request.cgroup.path, request.policy->name);
	attached_free(list, nr);
	return ret;
}

static int policy_list(int argc, char **argv)
{
	_cleanup_(request_done) struct request request = {};
	struct attached *list;
	unsigned int nr;
	int ret;

	ret = parse_request(argc, argv, "j", &request);
	ret = ret ?: kernel_check();
	ret = ret ?: attached_list(&list, &nr);
	if (ret)
		return ret;
	ret = print_list(list, nr, request.json);
	attached_free(list, nr);
	return ret;
}

/* @table: of those that were forgotten, or NULL. */
static int forget_gone(const struct attached *list, unsigned int nr,
		       struct libscols_table *table)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++) {
		if (!list[i].gone)
			continue;
		ret = table ? add_attached(table, &list[i]) : 0;
		ret = ret ?: loader_unload(&list[i]);
	}
	return ret;
}

static int policy_clean(int argc, char **argv)
{
	_cleanup_(request_done) struct request request = {};
	struct libscols_table *table;
	struct attached *list;
	unsigned int nr;
	int ret;

	ret = parse_request(argc, argv, "", &request);
	ret = ret ?: kernel_check();
	ret = ret ?: lock_bpffs();
	ret = ret ?: attached_list(&list, &nr);
	if (ret)
		return ret;
	table = request.json ? new_table(true) : NULL;
	if (request.json && !table)
		ret = -ENOMEM;
	ret = ret ?: forget_gone(list, nr, table);
	if (!ret && table)
		ret = table_print(table);
	else
		scols_unref_table(table);
	attached_free(list, nr);
	return ret;
}

static const struct verb verbs[] = {
	{ "clean", "[--json]", "forget policies whose cgroups have gone",
	  policy_clean },
	{ "list", "[--json]", "show what is attached, and what it reports",
	  policy_list },
	{ "load", "NAME --cgroup PATH [--set NAME=VALUE...] [--json]",
	  "attach a policy to a cgroup; it stays until it is unloaded",
	  policy_load },
	{ "replace", "NAME --cgroup PATH [--set NAME=VALUE...] [--json]",
	  "put a policy in the place of the one that is attached",
	  policy_replace },
	{ "unload", "NAME --cgroup PATH [--json]", "detach a policy",
	  policy_unload },
	{}
};

static void print_policies(void)
{
	const struct setting *setting;
	const struct policy *policy;

	puts("\nPolicies and their settings:\n");
	for (policy = policies; policy->name; policy++) {
		printf("  %-13s %s\n", policy->name, policy->summary);
		for (setting = policy->settings; setting->name; setting++)
			printf("    %s=%s%s\n", setting->name,
			       setting->type == SETTING_SIZE  ? "SIZE" :
			       setting->type == SETTING_COUNT ? "NUMBER" :
								"TIME",
			       setting->required ? " (needed)" : "");
		if (policy->set_other)
			puts("    DEVICE=NUMBER, DEVICE being a PCI address or a path below /sys/devices");
	}
}

/**
 * verb_policy() - ioasctl policy
 * @argc: number of @argv
 * @argv: the arguments, from "policy" on
 *
 * Return: 0, USAGE_ERROR or a negative errno, after a message.
 */
int verb_policy(int argc, char **argv)
{
	int ret = run_verb("ioasctl policy", verbs, argc, argv);

	if (!ret && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		print_policies();
	return ret;
}
