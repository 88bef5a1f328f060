// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RDMA: memory regions of a device of rxe.  The commands are written to the device
 * file, as libibverbs did for long: so the error is that of the kernel, and nothing
 * else runs while an allocation is to fail.
 */
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>

#include "stress.h"

static int fd;
static uint32_t pd;

/* A command and its answer, whose address is the first member of the command. */
static int command(uint32_t number, void *body, size_t size, size_t answer_size)
{
	struct {
		struct ib_uverbs_cmd_hdr header;
		char body[64];
	} message = {
		.header = {
			.command = number,
			.in_words = (sizeof(message.header) + size) / 4,
			.out_words = answer_size / 4,
		},
	};
	ssize_t len = sizeof(message.header) + size;

	REQUIRE(size <= sizeof(message.body));
	memcpy(message.body, body, size);
	return write(fd, &message, len) == len ? 0 : -errno;
}

static bool open_site(void)
{
	struct ib_uverbs_get_context_resp context = {};
	struct ib_uverbs_get_context get_context = {
		.response = (uintptr_t)&context,
	};
	struct ib_uverbs_alloc_pd_resp new_pd = {};
	struct ib_uverbs_alloc_pd alloc_pd = {
		.response = (uintptr_t)&new_pd,
	};

	if (!uverbs_path)
		return false;
	fd = open(uverbs_path, O_RDWR | O_CLOEXEC);
	REQUIRE(fd >= 0);
	REQUIRE(!command(IB_USER_VERBS_CMD_GET_CONTEXT, &get_context,
			 sizeof(get_context), sizeof(context)));
	REQUIRE(!command(IB_USER_VERBS_CMD_ALLOC_PD, &alloc_pd,
			 sizeof(alloc_pd), sizeof(new_pd)));
	pd = new_pd.pd_handle;
	return true;
}

static int pin(struct hold *hold)
{
	uint64_t start = (uintptr_t)range_address(&hold->range[0]);
	struct ib_uverbs_reg_mr_resp mr = {};
	struct ib_uverbs_reg_mr reg_mr = {
		.response = (uintptr_t)&mr,
		.start = start,
		.length = hold->range[0].nr * PAGE,
		.hca_va = start,
		.pd_handle = pd,
		.access_flags = one_in(4) ? 0 : IB_UVERBS_ACCESS_LOCAL_WRITE,
	};
	int ret = command(IB_USER_VERBS_CMD_REG_MR, &reg_mr, sizeof(reg_mr),
			  sizeof(mr));

	hold->handle = mr.mr_handle;
	return ret;
}

static int unpin(struct hold *hold)
{
	struct ib_uverbs_dereg_mr dereg_mr = { .mr_handle = hold->handle };

	return command(IB_USER_VERBS_CMD_DEREG_MR, &dereg_mr, sizeof(dereg_mr),
		       0);
}

const struct site site_rdma = {
	.name = "RDMA memory regions",
	.kind = "rdma",
	.open = open_site,
	.pin = pin,
	.unpin = unpin,
	.nr_ranges = 1,
};
