// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hold_pins MIB: pins so much memory as one registered buffer of an io_uring, says so,
 * and holds it until its input ends. For shell scripts.
 *
 * libraries: -l:liburing.a
 */
#include <sys/mman.h>

#include "ioas_io_uring.h"

int main(int argc, char **argv)
{
	size_t size = argc == 2 ? strtoul(argv[1], NULL, 10) * MIB : 0;
	struct io_uring ring;
	char *memory;
	int ret;

	if (!size) {
		fprintf(stderr, "usage: hold_pins MIB\n");
		return 2;
	}
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	REQUIRE(memory != MAP_FAILED);
	open_ring(&ring);
	ret = register_buffer(&ring, memory, size);
	if (ret) {
		printf("refused: %s\n", strerror(-ret));
		return 1;
	}
	puts("pinned");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
