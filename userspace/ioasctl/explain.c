// SPDX-License-Identifier: GPL-2.0-or-later
/* ioasctl explain: why the last charges were refused, and what would help. */
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "accounts.h"
#include "holders.h"
#include "ioasctl.h"
#include "kernel.h"
#include "refusals.h"
#include "symbols.h"
#include "units.h"

/* Of each cgroup that refused. */
#define MOST_HOLDERS 3

#define MOST_REFUSALS 5

/**
 * struct story - a refusal, and what is known about it
 * @refusal: what the kernel said
 * @path: who was refused; NULL if the cgroup has gone
 * @limit_path: whose limit or policy refused; NULL if it has gone
 * @policy: the policy that refused; NULL if it was a limit, or the policy has gone
 * @holders: the accounts below @limit_path that pin most, if pinned memory was refused
 * @nr_holders: how many there are of these, at most MOST_HOLDERS
 * @children: those right below @limit_path that hold most, if PASIDs were refused
 * @nr_children: how many there are of these, at most MOST_HOLDERS
 * @remedy: the command that would help, or NULL
 */
struct story {
	struct ioas_refusal *refusal;
	char *path;
	char *limit_path;
	const struct attached *policy;
	struct account *holders;
	size_t nr_holders;
	struct holder *children;
	size_t nr_children;
	char *remedy;
};

static void story_free(struct story *story)
{
	free(story->path);
	free(story->limit_path);
	free(story->remedy);
	accounts_free(story->holders, story->nr_holders);
	holders_free(story->children, story->nr_children);
}

static bool is_by_policy(const struct story *story)
{
	return story->refusal->error;
}

static char *remedy(const struct story *story);

/* A command that a terminal does not take is of no use. */
static void drop_unprintable(char **command)
{
	char *copy = strdup(*command);

	if (copy)
		make_printable(copy);
	if (!copy || strcmp(copy, *command)) {
		free(*command);
		*command = NULL;
	}
	free(copy);
}

/* Names of threads and cgroups are the choice of whoever has them. */
static void make_names_printable(struct story *story)
{
	size_t i;

	story->remedy = remedy(story);
	if (story->remedy)
		drop_unprintable(&story->remedy);
	if (story->path)
		make_printable(story->path);
	if (story->limit_path)
		make_printable(story->limit_path);
	for (i = 0; i < story->nr_holders; i++) {
		make_printable(story->holders[i].record.comm);
		if (story->holders[i].path)
			make_printable(story->holders[i].path);
	}
	for (i = 0; i < story->nr_children; i++)
		make_printable(story->children[i].path);
	make_printable(story->refusal->comm);
	make_printable(story->refusal->policy);
}

/**
 * struct known - what is there now
 * @policies: those that are attached
 * @nr_policies: how many there are
 * @accounts: of all cgroups, those that pin most first
 * @nr_accounts: how many there are
 */
struct known {
	struct attached *policies;
	unsigned int nr_policies;
	struct account *accounts;
	size_t nr_accounts;
};

/* What is there now may be another one. */
static const struct attached *policy_of(const struct ioas_refusal *refusal,
					const struct known *known)
{
	const struct attached *now;

	if (!refusal->error)
		return NULL;
	now = attached_decider(known->policies, known->nr_policies,
			       refusal->limit_id);
	return now && !strcmp(now->name, refusal->policy) ? now : NULL;
}

static int copy_holders(const struct known *known, struct story *story)
{
	const struct account *from;
	struct account *to;
	size_t i;

	story->holders = calloc(MOST_HOLDERS, sizeof(*story->holders));
	if (!story->holders)
		return fail(-ENOMEM, "out of memory");
	for (i = 0; i < known->nr_accounts; i++) {
		from = &known->accounts[i];
		if (!from->path ||
		    !cgroup_is_below(from->path, story->limit_path))
			continue;
		if (story->nr_holders == MOST_HOLDERS)
			break;
		to = &story->holders[story->nr_holders];
		*to = *from;
		to->path = strdup(from->path);
		if (!to->path)
			return fail(-ENOMEM, "out of memory");
		story->nr_holders++;
	}
	return 0;
}

static const char *scope_name(const struct ioas_refusal *refusal)
{
	return refusal->resource == PASID_GLOBAL ? "global" : "device";
}

static int find_holders(const struct known *known, struct story *story)
{
	const struct ioas_refusal *refusal = story->refusal;

	if (!story->limit_path)
		return 0;
	if (refusal->resource == PINNED)
		return copy_holders(known, story);
	return holders_read(refusal->limit_id, story->limit_path,
			    scope_name(refusal), MOST_HOLDERS, &story->children,
			    &story->nr_children);
}

static int story_of(struct ioas_refusal *refusal, const struct known *known,
		    struct story *story)
{
	int ret;

	*story = (struct story){
		.refusal = refusal,
		.path = cgroup_path_of(refusal->cgroup_id),
		.limit_path = cgroup_path_of(refusal->limit_id),
		.policy = policy_of(refusal, known),
	};
	ret = find_holders(known, story);
	make_names_printable(story);
	return ret;
}

/* ---- in words ---- */

static const char *amount(const struct ioas_refusal *refusal, uint64_t n,
			  char buf[static UNITS_TEXT])
{
	if (refusal->resource == PINNED)
		return format_size(n, buf);
	snprintf(buf, UNITS_TEXT, "%" PRIu64, n);
	return buf;
}

static void print_request(const struct story *story, uint64_t now)
{
	const struct ioas_refusal *refusal = story->refusal;
	char age[UNITS_TEXT], wanted[UNITS_TEXT];

	printf("%s ago, %.*s (PID %u) in %s wanted ",
	       format_duration(now - refusal->boottime_ns, age), IOAS_COMM_LEN,
	       refusal->comm, refusal->tgid,
	       story->path ?: "a cgroup that has gone");
	amount(refusal, refusal->wanted, wanted);
	if (refusal->resource == PINNED)
		printf("to pin %s more, of the kind %s.\n", wanted,
		       refusal->kind < nr_kinds ? kind_name[refusal->kind] :
						  "?");
	else
		printf("%s more PASIDs of the scope %s.\n", wanted,
		       scope_name(refusal));
}

static void print_reason(const struct story *story)
{
	const struct ioas_refusal *refusal = story->refusal;
	const char *limit = story->limit_path;
	char max[UNITS_TEXT], held[UNITS_TEXT];

	amount(refusal, refusal->held, held);
	if (story->policy || (is_by_policy(story) && !limit))
		printf("  The policy %s of %s refused that (%s), which held %s.\n",
		       refusal->policy, limit ?: "a cgroup that has gone",
		       strerror(-refusal->error), held);
	else if (is_by_policy(story))
		printf("  The policy %s of %s, which has gone, refused that (%s), when %s were held.\n",
		       refusal->policy, limit, strerror(-refusal->error), held);
	else if (refusal->resource == PINNED)
		printf("  %s may pin %s (ioas.pinned.max) and held %s.\n",
		       limit ?: "A cgroup that has gone",
		       amount(refusal, refusal->max, max), held);
	else
		printf("  %s may hold %s of these (ioas.pasid.max) and held %s.\n",
		       limit ?: "A cgroup that has gone",
		       amount(refusal, refusal->max, max), held);
}

static void print_holders(const struct story *story)
{
	const struct ioas_account_record *record;
	char size[UNITS_TEXT];
	size_t i;

	if (!story->nr_holders && !story->nr_children)
		return;
	puts("  Most of that is held now by:");
	for (i = 0; i < story->nr_holders; i++) {
		record = &story->holders[i].record;
		printf("    %10s  %-8s  %.*s (PID %u) in %s\n",
		       format_size(record->bytes, size),
		       record->kind < nr_kinds ? kind_name[record->kind] : "?",
		       IOAS_COMM_LEN, record->comm, record->tgid,
		       story->holders[i].path ?: "?");
	}
	for (i = 0; i < story->nr_children; i++)
		printf("    %10" PRIu64 "  in %s\n", story->children[i].nr,
		       story->children[i].path);
}

/* What would have let it pass, in whole MiB. */
static uint64_t enough(const struct ioas_refusal *refusal)
{
	const uint64_t all = refusal->held + refusal->wanted;

	return refusal->resource == PINNED ? whole_mib(all) : all;
}

/* The file of a limit, as a shell reads it; to be freed. */
static char *file_of(const struct story *story)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, CGROUP_ROOT "%s/%s", story->limit_path,
		     story->refusal->resource == PINNED ? "ioas.pinned.max" :
							  "ioas.pasid.max") < 0)
		return NULL;
	return shell_quote(path);
}

static bool is_by_stranger(const struct story *story)
{
	return story->policy && !story->policy->policy;
}

/* The command that detaches a policy of which only the kernel knows; to be freed. */
static char *detach_of(const struct attached *policy)
{
	char *text;

	return asprintf(&text, "bpftool link detach id %u", policy->link_id) <
			       0 ?
		       NULL :
		       text;
}

/* The command that raises what the policy refused, and keeps the rest; to be freed. */
static char *raise_of(const struct story *story, const char *where)
{
	char *text = NULL;
	size_t len;
	FILE *out;
	int ret;

	out = open_memstream(&text, &len);
	if (!out)
		return NULL;
	fprintf(out, "ioasctl policy replace %s --cgroup %s",
		story->policy->name, where);
	ret = policy_print_raised(out, story->policy, story->refusal);
	fclose(out);
	if (ret) {
		free(text);
		text = NULL;
	}
	return text;
}

/* The command that lets it pass; to be freed. */
static char *remedy(const struct story *story)
{
	const struct ioas_refusal *refusal = story->refusal;
	char size[UNITS_TEXT], *text = NULL;
	_cleanup_free_ char *where = NULL;
	int ret = -1;

	if (!story->limit_path || (is_by_policy(story) && !story->policy))
		return NULL;
	if (is_by_stranger(story))
		return detach_of(story->policy);
	where = story->policy ? shell_quote(story->limit_path) : file_of(story);
	if (!where)
		return NULL;
	if (story->policy)
		return raise_of(story, where);
	if (refusal->resource == PINNED)
		ret = asprintf(&text, "echo %s > %s",
			       format_exact_size(enough(refusal), size), where);
	else
		ret = asprintf(&text, "echo '%s %" PRIu64 "' > %s",
			       scope_name(refusal), enough(refusal), where);
	return ret < 0 ? NULL : text;
}

static void print_story(const struct story *story, uint64_t now)
{
	const char *command = story->remedy;

	print_request(story, now);
	print_reason(story);
	print_holders(story);
	if (command)
		printf("  %s:\n    %s\n",
		       is_by_stranger(story) ?
			       "To change that" :
			       "To let so much pass, and no more",
		       command);
}

/* ---- as JSON ---- */

static json_t *json_of_stack(const struct ioas_refusal *refusal)
{
	json_t *stack = json_array();
	const char *name;
	__u32 i;

	for (i = 0; i < refusal->stack_depth && i < IOAS_STACK_DEPTH; i++) {
		name = symbol_of(refusal->stack[i]);
		json_array_append_new(stack,
				      name ? json_string(name) :
					     json_integer(refusal->stack[i]));
	}
	return stack;
}

static json_t *json_of_holders(const struct story *story)
{
	const struct ioas_account_record *record;
	json_t *holders = json_array();
	size_t i;

	for (i = 0; i < story->nr_holders; i++) {
		record = &story->holders[i].record;
		json_array_append_new(
			holders,
			json_pack("{s:s? s:s s:I s:i s:i s:s%}", "cgroup",
				  story->holders[i].path, "kind",
				  record->kind < nr_kinds ?
					  kind_name[record->kind] :
					  "?",
				  "gross", (json_int_t)record->bytes, "pid",
				  (int)record->tgid, "thread", (int)record->pid,
				  "command", record->comm,
				  strnlen(record->comm, IOAS_COMM_LEN)));
	}
	for (i = 0; i < story->nr_children; i++)
		json_array_append_new(
			holders, json_pack("{s:s s:I}", "cgroup",
					   story->children[i].path, "pasids",
					   (json_int_t)story->children[i].nr));
	return holders;
}

static json_t *json_of(const struct story *story, uint64_t now)
{
	const struct ioas_refusal *refusal = story->refusal;
	const char *command = story->remedy;
	bool pinned = refusal->resource == PINNED;

	return json_pack(
		"{s:I s:s? s:s s:s? s:I s:I s:o s:s? s:s? s:s? s:i s:i s:s% s:o s:o s:s?}",
		"age", (json_int_t)((now - refusal->boottime_ns) / 1000000000),
		"cgroup", story->path, "resource",
		refusal->resource < nr_resources ?
			resource_name[refusal->resource] :
			"?",
		"kind",
		pinned && refusal->kind < nr_kinds ? kind_name[refusal->kind] :
						     NULL,
		"wanted", (json_int_t)refusal->wanted, "held",
		(json_int_t)refusal->held, "max",
		is_by_policy(story) ? json_null() : json_integer(refusal->max),
		"refused_by", story->limit_path, "policy",
		is_by_policy(story) ? refusal->policy : NULL, "error",
		is_by_policy(story) ? strerror(-refusal->error) : NULL, "pid",
		(int)refusal->tgid, "thread", (int)refusal->pid, "command",
		refusal->comm, strnlen(refusal->comm, IOAS_COMM_LEN), "stack",
		json_of_stack(refusal), "holders", json_of_holders(story),
		"remedy", command);
}

/* ---- the verb ---- */

static int tell(struct ioas_refusal *refusals, size_t nr,
		const struct known *known, json_t *array)
{
	uint64_t now = boottime_ns();
	struct story story;
	size_t i;
	int ret;

	for (i = 0; i < nr && i < MOST_REFUSALS; i++) {
		ret = story_of(&refusals[i], known, &story);
		if (!ret && array)
			json_array_append_new(array, json_of(&story, now));
		else if (!ret)
			print_story(&story, now);
		story_free(&story);
		if (ret)
			return ret;
	}
	return 0;
}

static void print_nothing_refused(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return;
	make_printable(copy);
	printf("Nothing was refused to %s since deny_log is there.\n", copy);
}

static int fail_unlogged(const struct cgroup *cgroup)
{
	_cleanup_free_ char *where = shell_quote(cgroup->path);

	return fail(
		-ENOENT,
		"nobody logs what is refused to %s: 'ioasctl policy load deny_log --cgroup %s' does, from then on",
		cgroup->path, where ?: "");
}

/* A log of a cgroup below knows nothing of the rest. */
static void print_nothing(const struct known *known,
			  const struct cgroup *cgroup)
{
	const struct attached *log;
	bool whole = false;
	unsigned int i;

	for (i = 0; i < known->nr_policies; i++) {
		log = &known->policies[i];
		whole |= refusals_logged(log, cgroup) &&
			 cgroup_is_below(cgroup->path, log->path);
	}
	if (whole) {
		print_nothing_refused(cgroup->path);
		return;
	}
	for (i = 0; i < known->nr_policies; i++)
		if (refusals_logged(&known->policies[i], cgroup))
			print_nothing_refused(known->policies[i].path);
	printf("Nobody logs what is refused to the rest of %s.\n",
	       cgroup->path);
}

static int explain(const struct cgroup *cgroup, bool json)
{
	struct ioas_refusal *refusals = NULL;
	json_t *array = NULL;
	struct known known = {};
	size_t nr = 0;
	int ret;

	ret = attached_list(&known.policies, &known.nr_policies);
	if (ret)
		return ret;
	if (json)
		array = json_array();
	ret = refusals_read(known.policies, known.nr_policies, cgroup,
			    &refusals, &nr);
	if (ret == -ENOENT)
		fail_unlogged(cgroup);
	if (!ret && nr)
		ret = accounts_read(NULL, &known.accounts, &known.nr_accounts);
	ret = ret ?: tell(refusals, nr, &known, array);
	if (!ret && json) {
		json_dumpf(array, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (!ret && !nr) {
		print_nothing(&known, cgroup);
	}
	json_decref(array);
	free(refusals);
	accounts_free(known.accounts, known.nr_accounts);
	attached_free(known.policies, known.nr_policies);
	return ret;
}

/**
 * verb_explain() - ioasctl explain
 * @argc: number of @argv
 * @argv: the arguments, from "explain" on
 *
 * Return: 0, USAGE_ERROR or a negative errno, after a message.
 */
int verb_explain(int argc, char **argv)
{
	static const struct option known[] = {
		{ "json", no_argument, NULL, 'j' }, {}
	};
	_cleanup_(cgroup_free) struct cgroup cgroup = {};
	bool json = false;
	int c, ret;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == '?')
			return fail_option(argv);
		json |= c == 'j';
	}
	if (argc > optind + 1)
		return fail(USAGE_ERROR, "'%s' is one cgroup too many",
			    argv[optind + 1]);
	ret = kernel_check();
	ret = ret ?: cgroup_open(argc > optind ? argv[optind] : "/", &cgroup);
	return ret ?: explain(&cgroup, json);
}
