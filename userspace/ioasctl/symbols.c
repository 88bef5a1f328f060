// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of the kernel's functions, from /proc/kallsyms. */
#include <string.h>

#include "ioasctl.h"
#include "symbols.h"

struct symbol {
	uint64_t address;
	char *name;
};

static struct symbol *symbols;
static size_t nr_symbols;

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static void add_symbol(unsigned long long address, const char *name)
{
	struct symbol *more;

	if (!(nr_symbols & (nr_symbols - 1))) {
		more = reallocarray(symbols, nr_symbols ? nr_symbols * 2 : 1,
				    sizeof(*symbols));
		if (!more)
			return;
		symbols = more;
	}
	symbols[nr_symbols].address = address;
	symbols[nr_symbols].name = strdup(name);
	if (symbols[nr_symbols].name)
		nr_symbols++;
}

/* Once; they stay. */
static void read_symbols(void)
{
	unsigned long long address;
	char name[256], type;
	FILE *f;

	if (symbols)
		return;
	f = fopen("/proc/kallsyms", "re");
	if (!f)
		return;
	while (fscanf(f, "%llx %c %255s%*[^\n]", &address, &type, name) == 3)
		if (strchr("tTwW", type))
			add_symbol(address, name);
	fclose(f);
	qsort(symbols, nr_symbols, sizeof(*symbols), by_address);
}

/**
 * symbol_of() - the function that an address is in
 * @address: of the kernel's code
 *
 * Return: its name, which stays, or NULL.
 */
const char *symbol_of(uint64_t address)
{
	size_t low = 0, high, middle;

	read_symbols();
	high = nr_symbols;
	while (low < high) {
		middle = low + (high - low) / 2;
		if (symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && symbols[low - 1].address ? symbols[low - 1].name : NULL;
}
