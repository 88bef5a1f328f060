/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Amounts and times as people write and read them. */
#ifndef IOASCTL_UNITS_H
#define IOASCTL_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_TEXT 32

void make_printable(char *text);
char *shell_quote(const char *text);

int parse_size(const char *text, uint64_t *ret);
int parse_count(const char *text, uint64_t *ret);
int parse_duration(const char *text, uint64_t *ret_ns);

uint64_t whole_mib(uint64_t bytes);
const char *format_size(uint64_t bytes, char buf[static UNITS_TEXT]);
const char *format_exact_size(uint64_t bytes, char buf[static UNITS_TEXT]);
const char *format_duration(uint64_t ns, char buf[static UNITS_TEXT]);
uint64_t boottime_ns(void);

extern const char *const kind_name[];
extern const unsigned int nr_kinds;

/* enum ioas_policy_resource of the kernel */
enum { PINNED, PASID_GLOBAL, PASID_DEVICE };

extern const char *const resource_name[];
extern const unsigned int nr_resources;

#endif /* IOASCTL_UNITS_H */
