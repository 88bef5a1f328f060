// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables for people, and the same as JSON, by libsmartcols. */
#include <stdarg.h>
#include <string.h>

#include "ioasctl.h"
#include "table.h"
#include "units.h"

/**
 * table_new() - make an empty table
 * @name: key of the array in JSON
 * @columns: its columns
 * @nr: number of @columns
 * @json: write JSON
 *
 * Return: the table, or NULL after a message.
 */
struct libscols_table *table_new(const char *name, const struct column *columns,
				 size_t nr, bool json)
{
	struct libscols_table *table = scols_new_table();
	struct libscols_column *column;
	size_t i;

	if (!table)
		goto err;
	scols_table_enable_json(table, json);
	scols_table_set_name(table, name);
	for (i = 0; i < nr; i++) {
		column = scols_table_new_column(table, columns[i].name,
						columns[i].width,
						columns[i].flags);
		if (!column)
			goto err;
		scols_column_set_json_type(column, columns[i].json);
	}
	return table;
err:
	scols_unref_table(table);
	fail(-ENOMEM, "out of memory");
	return NULL;
}

/**
 * table_add() - add an empty line
 * @table: the table
 *
 * Return: the line, or NULL after a message.
 */
struct libscols_line *table_add(struct libscols_table *table)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		fail(-ENOMEM, "out of memory");
	return line;
}

/**
 * table_set() - set a cell
 * @line: the line
 * @column: number of the column
 * @text: what to write, or NULL
 */
void table_set(struct libscols_line *line, size_t column, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (!copy)
		return;
	make_printable(copy);
	scols_line_refer_data(line, column, copy);
}

/**
 * table_printf() - set a cell
 * @line: the line
 * @column: number of the column
 * @format: what to write
 */
void table_printf(struct libscols_line *line, size_t column, const char *format,
		  ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) >= 0) {
		make_printable(text);
		scols_line_refer_data(line, column, text);
	}
	va_end(args);
}

/**
 * table_print() - write the table to stdout, and free it
 * @table: the table
 *
 * Return: 0 or a negative errno, after a message.
 */
int table_print(struct libscols_table *table)
{
	int ret = scols_print_table(table);

	scols_unref_table(table);
	return ret ? fail(ret, "the table cannot be written") : 0;
}
