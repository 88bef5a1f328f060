// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What RDS charges for the memory of RDMA and atomic operations. A socket that talks to
 * itself has a transport without RDMA: the memory is pinned and charged, and when the
 * transport is asked, the message fails. A work that is part of it unpins.
 */
#include <arpa/inet.h>
#include <linux/rds.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "ioas_fail.h"
#include "ioas_test.h"

#define GROUP "rds-pins"
/* What a message may have at most. */
#define PAGES 256
#define SIZE (PAGES * PAGE)

static int fd;
static char *memory;

static const struct sockaddr_in loopback = {
	.sin_family = AF_INET,
	.sin_port = 4000,
	.sin_addr = { 0x0100007f },
};

static void set_up(void)
{
	make_group(GROUP);
	enter_group(GROUP);
	fd = socket(AF_RDS, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	REQUIRE(fd >= 0);
	REQUIRE(!bind(fd, (const struct sockaddr *)&loopback,
		      sizeof(loopback)));
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(memory != MAP_FAILED);
}

/* The work may still have to run. */
static void expect_soon_nothing_pinned(void)
{
	EXPECT_SOON(pinned(GROUP), 0);
	EXPECT_SOON(stat_of(GROUP, "accounts"), 0);
	EXPECT_NOTHING_PINNED(GROUP);
}

static void clean_up(void)
{
	close(fd);
	munmap(memory, SIZE);
	expect_soon_nothing_pinned();
	enter_group("");
	EXPECT_EQ(remove_group(GROUP), 0);
}

/* Sends a message with nothing but an operation. Returns what sendmsg() gave, or -errno. */
static int send_operation(int type, const void *args, size_t size)
{
	union {
		char space[CMSG_SPACE(sizeof(struct rds_atomic_args))];
		char rdma[CMSG_SPACE(sizeof(struct rds_rdma_args))];
		struct cmsghdr header;
	} control = { 0 };
	struct msghdr message = {
		.msg_name = (void *)&loopback,
		.msg_namelen = sizeof(loopback),
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(size),
	};

	control.header.cmsg_level = SOL_RDS;
	control.header.cmsg_type = type;
	control.header.cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(&control.header), args, size);
	return sendmsg(fd, &message, 0) < 0 ? -errno : 0;
}

/* Of that many parts of the memory, each of as many pages. */
static int send_rdma(uint64_t parts, uint64_t pages, uint64_t flags)
{
	struct rds_iovec vectors[4];
	const struct rds_rdma_args args = {
		.remote_vec = { .bytes = parts * pages * PAGE },
		.local_vec_addr = (uintptr_t)vectors,
		.nr_local = parts,
		.flags = flags,
	};

	for (uint64_t i = 0; i < parts; i++) {
		vectors[i].addr = (uintptr_t)memory + i * pages * PAGE;
		vectors[i].bytes = pages * PAGE;
	}
	return send_operation(RDS_CMSG_RDMA_ARGS, &args, sizeof(args));
}

static int send_atomic(void)
{
	const struct rds_atomic_args args = {
		.local_addr = (uintptr_t)memory,
	};

	return send_operation(RDS_CMSG_ATOMIC_FADD, &args, sizeof(args));
}

static int64_t peak(void)
{
	return group_value(GROUP, "ioas.pinned.peak");
}

static void expect_charged(int line, int ret, int64_t size)
{
	/* It got as far as to the transport. */
	expect(line, "sendmsg()", ret, "", ret == -EOPNOTSUPP, -EOPNOTSUPP);
	expect_soon_nothing_pinned();
	expect(line, "ioas.pinned.peak", peak(), "", peak() == size, size);
}

#define EXPECT_CHARGED(call, size) expect_charged(__LINE__, call, size)

static void memory_read_from_is_charged_until_the_message_ends(void)
{
	EXPECT_CHARGED(send_rdma(1, PAGES, RDS_RDMA_READWRITE), SIZE);
}

static void memory_written_to_is_charged_until_the_message_ends(void)
{
	EXPECT_CHARGED(send_rdma(1, PAGES, 0), SIZE);
}

static void several_parts_are_charged(void)
{
	EXPECT_CHARGED(send_rdma(4, 50, 0), 200 * PAGE);
}

static void memory_of_an_atomic_operation_is_charged(void)
{
	EXPECT_CHARGED(send_atomic(), PAGE);
}

/* What is charged is gone before ioas.stat can be read: the tracepoint has the kind. */
static bool kind_of_refusal_is_rdma(void)
{
	static char text[65536];

	REQUIRE(read_file(TRACING "/trace", text, sizeof(text)) >= 0);
	return strstr(text, " kind=rdma ");
}

static void limit_refuses_and_leaves_nothing(void)
{
	set_number(GROUP, "ioas.pinned.max", SIZE - PAGE);
	trace_refusals(true);
	EXPECT_EQ(send_rdma(1, PAGES, 0), -ENOMEM);
	EXPECT_EQ(kind_of_refusal_is_rdma(), true);
	trace_refusals(false);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	expect_soon_nothing_pinned();
}

static void limit_refuses_the_last_of_several_parts(void)
{
	set_number(GROUP, "ioas.pinned.max", 150 * PAGE);
	EXPECT_EQ(send_rdma(4, 50, 0), -ENOMEM);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	expect_soon_nothing_pinned();
	EXPECT_CHARGED(send_rdma(3, 50, 0), 150 * PAGE);
}

static void limit_refuses_an_atomic_operation(void)
{
	set_number(GROUP, "ioas.pinned.max", 0);
	EXPECT_EQ(send_atomic(), -ENOMEM);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	expect_soon_nothing_pinned();
}

static void memory_that_cannot_be_pinned_leaves_nothing(void)
{
	/* The last part has no memory. */
	munmap(memory + 150 * PAGE, 50 * PAGE);
	EXPECT_EQ(send_rdma(4, 50, 0), -EFAULT);
	expect_soon_nothing_pinned();
}

/* ---- allocations that fail ---- */

/* As far as to the transport. */
static int pin_rdma(void)
{
	int ret = send_rdma(4, PAGES / 4, 0);

	return ret == -EOPNOTSUPP ? 0 : ret;
}

static int pin_atomic(void)
{
	int ret = send_atomic();

	return ret == -EOPNOTSUPP ? 0 : ret;
}

static const struct failing_site failing_rdma = {
	.group = GROUP,
	.errors = { -ENOBUFS },
	.pin = pin_rdma,
};

static const struct failing_site failing_atomic = {
	.group = GROUP,
	.errors = { -ENOBUFS },
	.pin = pin_atomic,
};

static void touch_and_run_failing_test(void)
{
	memset(memory, 1, SIZE);
	run_failing_test();
	EXPECT_EQ(peak(), failing_site == &failing_rdma ? SIZE : PAGE);
}

#define RUN(test) run_test(#test, test, set_up, clean_up)

int main(void)
{
	RUN(memory_read_from_is_charged_until_the_message_ends);
	RUN(memory_written_to_is_charged_until_the_message_ends);
	RUN(several_parts_are_charged);
	RUN(memory_of_an_atomic_operation_is_charged);
	RUN(limit_refuses_and_leaves_nothing);
	RUN(limit_refuses_the_last_of_several_parts);
	RUN(limit_refuses_an_atomic_operation);
	RUN(memory_that_cannot_be_pinned_leaves_nothing);
	test_variant = "RDMA";
	run_failing_tests(&failing_rdma, touch_and_run_failing_test, set_up,
			  clean_up);
	test_variant = "atomic operation";
	run_failing_tests(&failing_atomic, touch_and_run_failing_test, set_up,
			  clean_up);
	return end_tests();
}
