// SPDX-License-Identifier: GPL-2.0-or-later
/* ioasctl who: who holds pinned memory, of which kind, and since when. */
#include <getopt.h>

#include "accounts.h"
#include "cgroup.h"
#include "ioasctl.h"
#include "kernel.h"
#include "table.h"
#include "units.h"

/* The last one is in JSON only. */
enum {
	COL_CGROUP,
	COL_KIND,
	COL_GROSS,
	COL_SINCE,
	COL_PID,
	COL_COMMAND,
	COL_THREAD,
};

static const struct column columns[] = {
	[COL_CGROUP] = { "CGROUP", 0.4, SCOLS_FL_NOEXTREMES,
			 SCOLS_JSON_STRING },
	[COL_KIND] = { "KIND", 0, 0, SCOLS_JSON_STRING },
	[COL_GROSS] = { "GROSS", 0, SCOLS_FL_RIGHT, SCOLS_JSON_STRING },
	[COL_SINCE] = { "AGE", 0, SCOLS_FL_RIGHT, SCOLS_JSON_STRING },
	[COL_PID] = { "PID", 0, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	[COL_COMMAND] = { "COMMAND", 0, 0, SCOLS_JSON_STRING },
};

/* The same with numbers, for programs. */
static const struct column exact_columns[] = {
	[COL_CGROUP] = { "CGROUP", 0.4, SCOLS_FL_NOEXTREMES,
			 SCOLS_JSON_STRING },
	[COL_KIND] = { "KIND", 0, 0, SCOLS_JSON_STRING },
	[COL_GROSS] = { "GROSS", 0, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	[COL_SINCE] = { "AGE", 0, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	[COL_PID] = { "PID", 0, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	[COL_COMMAND] = { "COMMAND", 0, 0, SCOLS_JSON_STRING },
	[COL_THREAD] = { "THREAD", 0, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
};

static int add_account(struct libscols_table *table,
		       const struct account *account, uint64_t now, bool json,
		       bool exact)
{
	const struct ioas_account_record *record = &account->record;
	uint64_t age = now > record->boottime_ns ? now - record->boottime_ns :
						   0;
	struct libscols_line *line = table_add(table);
	char buf[UNITS_TEXT];

	if (!line)
		return -ENOMEM;
	if (account->path)
		table_set(line, COL_CGROUP, account->path);
	else
		table_printf(line, COL_CGROUP, "(%llu)",
			     (unsigned long long)record->cgroup_id);
	table_set(line, COL_KIND,
		  record->kind < nr_kinds ? kind_name[record->kind] : "?");
	table_printf(line, COL_PID, "%u", record->tgid);
	table_printf(line, COL_COMMAND, "%.*s", IOAS_COMM_LEN, record->comm);
	if (json)
		table_printf(line, COL_THREAD, "%u", record->pid);
	if (exact) {
		table_printf(line, COL_GROSS, "%llu",
			     (unsigned long long)record->bytes);
		table_printf(line, COL_SINCE, "%llu",
			     (unsigned long long)age / 1000000000);
		return 0;
	}
	table_set(line, COL_GROSS, format_size(record->bytes, buf));
	table_set(line, COL_SINCE, format_duration(age, buf));
	return 0;
}

static int print_accounts(const struct account *list, size_t nr, bool json,
			  bool exact)
{
	struct libscols_table *table;
	uint64_t now = boottime_ns();
	size_t i;

	table = table_new("accounts", exact ? exact_columns : columns,
			  json ? COL_THREAD + 1 : COL_THREAD, json);
	if (!table)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		if (add_account(table, &list[i], now, json, exact)) {
			scols_unref_table(table);
			return -ENOMEM;
		}
	}
	return table_print(table);
}

/**
 * verb_who() - ioasctl who
 * @argc: number of @argv
 * @argv: the arguments, from "who" on
 *
 * Return: 0, USAGE_ERROR or a negative errno, after a message.
 */
int verb_who(int argc, char **argv)
{
	static const struct option known[] = {
		{ "bytes", no_argument, NULL, 'b' },
		{ "json", no_argument, NULL, 'j' },
		{}
	};
	_cleanup_(cgroup_free) struct cgroup cgroup = {};
	bool json = false, bytes = false;
	struct account *list;
	size_t nr;
	int c, ret;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == '?')
			return fail_option(argv);
		json |= c == 'j';
		bytes |= c == 'b';
	}
	if (argc > optind + 1)
		return fail(USAGE_ERROR, "'%s' is one cgroup too many",
			    argv[optind + 1]);
	ret = kernel_check();
	if (!ret && argc > optind)
		ret = cgroup_open(argv[optind], &cgroup);
	ret = ret ?: accounts_read(cgroup.path, &list, &nr);
	if (ret)
		return ret;
	ret = print_accounts(list, nr, json, json || bytes);
	accounts_free(list, nr);
	return ret;
}
