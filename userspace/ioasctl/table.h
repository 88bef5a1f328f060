/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables for people, and the same as JSON. */
#ifndef IOASCTL_TABLE_H
#define IOASCTL_TABLE_H

#include <stdbool.h>
#include <libsmartcols/libsmartcols.h>

/**
 * struct column - a column of a table
 * @name: header, and key in JSON when lowered
 * @width: hint for libsmartcols
 * @flags: SCOLS_FL_*
 * @json: type in JSON
 */
struct column {
	const char *name;
	double width;
	int flags;
	int json;
};

struct libscols_table *table_new(const char *name, const struct column *columns,
				 size_t nr, bool json);
struct libscols_line *table_add(struct libscols_table *table);
void table_set(struct libscols_line *line, size_t column, const char *text);
__attribute__((format(printf, 3, 4))) void
table_printf(struct libscols_line *line, size_t column, const char *format,
	     ...);
int table_print(struct libscols_table *table);

#endif /* IOASCTL_TABLE_H */
