// SPDX-License-Identifier: GPL-2.0-or-later
/* Amounts and times as people write and read them. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

#include "ioasctl.h"
#include "units.h"

/* As the keys of ioas.stat, in the order of enum ioas_cg_kind. */
const char *const kind_name[] = {
	"vfio",	    "iommufd", "vdpa",	 "vduse", "rdma",
	"io_uring", "xdp",     "dmabuf", "kvm",	  "other",
};

const unsigned int nr_kinds = ARRAY_SIZE(kind_name);

const char *const resource_name[] = {
	[PINNED] = "pinned",
	[PASID_GLOBAL] = "pasid_global",
	[PASID_DEVICE] = "pasid_device",
};

const unsigned int nr_resources = ARRAY_SIZE(resource_name);

/**
 * make_printable() - replace what a terminal, or JSON, does not take
 * @text: as somebody else has written it; each bad byte becomes a '?'
 */
void make_printable(char *text)
{
	mbstate_t state = {};
	wchar_t wide;
	size_t len;

	while (*text) {
		len = mbrtowc(&wide, text, strlen(text), &state);
		if (len > MB_LEN_MAX || !iswprint(wide)) {
			state = (mbstate_t){};
			*text = '?';
			len = 1;
		}
		text += len;
	}
}

/**
 * shell_quote() - write a word as a shell reads it
 * @text: the word
 *
 * Return: the same, with quotes if it needs some, to be freed; or NULL.
 */
char *shell_quote(const char *text)
{
	static const char harmless[] = "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789/._-@:+,=%";
	char *quoted, *to;

	if (*text && !text[strspn(text, harmless)])
		return strdup(text);
	quoted = malloc(4 * strlen(text) + 3);
	if (!quoted)
		return NULL;
	to = quoted;
	*to++ = '\'';
	for (; *text; text++)
		if (*text == '\'')
			to = stpcpy(to, "'\\''");
		else
			*to++ = *text;
	strcpy(to, "'");
	return quoted;
}

/* Digits, and then one of @units, of which each has a factor; none is 1. */
static int parse(const char *text, const char *units, const uint64_t *factor,
		 uint64_t *ret)
{
	unsigned long long number;
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	*ret = number;
	if (!*end)
		return 0;
	unit = strchr(units, tolower((unsigned char)*end));
	if (!unit || end[1])
		return -EINVAL;
	return __builtin_mul_overflow(number, factor[unit - units], ret) ?
		       -ERANGE :
		       0;
}

/**
 * parse_size() - read an amount of memory
 * @text: digits, and K, M, G or T, or nothing for bytes
 * @ret: set to the bytes, on success
 *
 * Return: 0, -EINVAL or -ERANGE.
 */
int parse_size(const char *text, uint64_t *ret)
{
	static const uint64_t factor[] = {
		1ULL << 10,
		1ULL << 20,
		1ULL << 30,
		1ULL << 40,
	};

	return parse(text, "kmgt", factor, ret);
}

/**
 * parse_count() - read a number
 * @text: digits
 * @ret: set to the number, on success
 *
 * Return: 0, -EINVAL or -ERANGE.
 */
int parse_count(const char *text, uint64_t *ret)
{
	return parse(text, "", NULL, ret);
}

/**
 * parse_duration() - read a time
 * @text: digits, and s, m or h, or nothing for seconds
 * @ret_ns: set to the nanoseconds, on success
 *
 * Return: 0, -EINVAL or -ERANGE.
 */
int parse_duration(const char *text, uint64_t *ret_ns)
{
	static const uint64_t factor[] = { 1, 60, 3600 };
	uint64_t seconds;
	int ret = parse(text, "smh", factor, &seconds);

	if (ret)
		return ret;
	return __builtin_mul_overflow(seconds, 1000000000ULL, ret_ns) ?
		       -ERANGE :
		       0;
}

/**
 * whole_mib() - round an amount of memory up
 * @bytes: the amount
 *
 * Return: the next multiple of a MiB.
 */
uint64_t whole_mib(uint64_t bytes)
{
	const uint64_t mib = 1 << 20;

	return (bytes + mib - 1) / mib * mib;
}

/**
 * format_size() - write an amount of memory for people
 * @bytes: the amount
 * @buf: where to
 *
 * Return: @buf
 */
const char *format_size(uint64_t bytes, char buf[static UNITS_TEXT])
{
	static const char *const unit[] = { "B",   "KiB", "MiB", "GiB",
					    "TiB", "PiB", "EiB" };
	double amount = bytes;
	size_t i = 0;

	while (amount >= 1024 && i < ARRAY_SIZE(unit) - 1) {
		amount /= 1024;
		i++;
	}
	snprintf(buf, UNITS_TEXT, i ? "%.1f %s" : "%.0f %s", amount, unit[i]);
	return buf;
}

/**
 * format_exact_size() - write an amount of memory as parse_size() reads it
 * @bytes: the amount
 * @buf: where to
 *
 * Return: @buf
 */
const char *format_exact_size(uint64_t bytes, char buf[static UNITS_TEXT])
{
	static const char unit[] = "KMGT";
	char suffix[2] = "";
	size_t i = 0;

	while (bytes && !(bytes % 1024) && unit[i]) {
		bytes /= 1024;
		suffix[0] = unit[i++];
	}
	snprintf(buf, UNITS_TEXT, "%llu%s", (unsigned long long)bytes, suffix);
	return buf;
}

/**
 * format_duration() - write a time for people
 * @ns: the time
 * @buf: where to
 *
 * Return: @buf
 */
const char *format_duration(uint64_t ns, char buf[static UNITS_TEXT])
{
	unsigned long long s = ns / 1000000000;

	if (s < 120)
		snprintf(buf, UNITS_TEXT, "%llu s", s);
	else if (s < 2 * 3600)
		snprintf(buf, UNITS_TEXT, "%llu min", s / 60);
	else if (s < 2 * 86400)
		snprintf(buf, UNITS_TEXT, "%llu h", s / 3600);
	else
		snprintf(buf, UNITS_TEXT, "%llu d", s / 86400);
	return buf;
}

/**
 * boottime_ns() - now, as CLOCK_BOOTTIME
 */
uint64_t boottime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}
