/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the kernel's functions. */
#ifndef IOASCTL_SYMBOLS_H
#define IOASCTL_SYMBOLS_H

#include <stdint.h>

const char *symbol_of(uint64_t address);

#endif /* IOASCTL_SYMBOLS_H */
