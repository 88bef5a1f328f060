/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory regions of an RDMA device, for the test programs. The device is the one
 * that tests/vm/guest/with-rdma makes, and names in the environment.
 *
 * A program that includes this is linked with libibverbs: see scripts/programs.sh.
 */
#ifndef IOAS_RDMA_H
#define IOAS_RDMA_H

#include <infiniband/verbs.h>

#include "ioas_test.h"

struct rdma {
	struct ibv_context *context;
	struct ibv_pd *pd;
};

/* The device, and the address that it has. */
static inline const char *rdma_device(void)
{
	const char *device = getenv("RDMA_DEVICE");

	REQUIRE(device);
	return device;
}

static inline const char *rdma_address(void)
{
	const char *address = getenv("RDMA_ADDRESS");

	REQUIRE(address);
	return address;
}

/* An open device, and a protection domain for memory regions. */
static inline void open_rdma(struct rdma *rdma)
{
	struct ibv_device **devices = ibv_get_device_list(NULL);

	REQUIRE(devices);
	rdma->context = NULL;
	for (size_t i = 0; devices[i] && !rdma->context; i++) {
		if (!strcmp(ibv_get_device_name(devices[i]), rdma_device()))
			rdma->context = ibv_open_device(devices[i]);
	}
	REQUIRE(rdma->context);
	ibv_free_device_list(devices);
	rdma->pd = ibv_alloc_pd(rdma->context);
	REQUIRE(rdma->pd);
}

/* All memory regions must be gone. */
static inline void close_rdma(struct rdma *rdma)
{
	REQUIRE(!ibv_dealloc_pd(rdma->pd));
	REQUIRE(!ibv_close_device(rdma->context));
}

/* Returns 0, with the region in @mr, or -errno. */
static inline int register_region(const struct rdma *rdma, void *memory,
				  size_t size, struct ibv_mr **mr)
{
	*mr = ibv_reg_mr(rdma->pd, memory, size, IBV_ACCESS_LOCAL_WRITE);
	return *mr ? 0 : -errno;
}

static inline void deregister_region(struct ibv_mr *mr)
{
	REQUIRE(!ibv_dereg_mr(mr));
}

#endif /* IOAS_RDMA_H */
