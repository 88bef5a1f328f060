// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What io_uring charges for memory that it holds: an account for each registered
 * buffer, for each ring of provided buffers in user memory, and for each io_uring
 * whose own rings are in user memory.
 *
 * Wants 4 huge pages.
 *
 * libraries: -l:liburing.a
 */
#include <linux/io_uring.h>
#include <sys/syscall.h>

#include "ioas_fail.h"
#include "ioas_io_uring.h"
#include "ioas_memlock.h"
#include "ioas_vfio.h"

#define GROUP "io-uring-pins"
#define OTHER "io-uring-pins-other"
#define KIND "io_uring"
#define SIZE (4 * MIB)

static const struct memory_kind *kind = &memory_kinds[0];
static struct io_uring ring;
static char *memory;

#define EXPECT_CHARGES(unique, gross, accounts) \
	EXPECT_KIND(GROUP, KIND, unique, gross, accounts)

static void set_up(void)
{
	make_group(GROUP);
	enter_group(GROUP);
	memory = kind->get(SIZE);
	open_ring(&ring);
}

/* With whatever the test left registered. */
static void clean_up(void)
{
	close_ring(&ring);
	put_memory(memory, SIZE);
	EXPECT_SOON(stat_of(GROUP, "accounts"), 0);
	EXPECT_NOTHING_PINNED(GROUP);
	enter_group("");
	EXPECT_EQ(remove_group(GROUP), 0);
}

static int update_buffer(unsigned int slot, void *buffer, size_t size)
{
	const struct iovec iov = { buffer, size };
	const __u64 tag = 0;

	/* Returns the number of slots that it changed. */
	int ret = io_uring_register_buffers_update_tag(&ring, slot, &iov, &tag,
						       1);

	return ret == 1 ? 0 : ret;
}

/* ---- registered buffers ---- */

static void buffer_is_charged(void)
{
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(register_buffer(&ring, memory, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	unregister_buffers(&ring);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(group_value(GROUP, "ioas.pinned.peak"), SIZE);
}

/* RLIMIT_MEMLOCK counts huge pages as a whole, wherever a buffer touches them. */
static void part_of_huge_pages_is_charged_as_that_part(void)
{
	static const struct {
		uint64_t first, pages;
	} parts[] = {
		{ 0, 1 },   { 511, 1 },	  { 5, 3 },
		{ 511, 2 }, { 300, 500 }, { 512, 512 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const uint64_t size = parts[i].pages * PAGE;

		EXPECT_EQ(register_buffer(&ring, memory + parts[i].first * PAGE,
					  size),
			  0);
		EXPECT_CHARGES(size, size, 1);
		EXPECT_AT_MOST(size,
			       file_key("/proc/self/status", "VmPin") * KIB);
		unregister_buffers(&ring);
		EXPECT_CHARGES(0, 0, 0);
		EXPECT_EQ(file_key("/proc/self/status", "VmPin"), 0);
	}
}

static void part_of_a_page_is_charged_as_a_page(void)
{
	static const struct {
		uint64_t offset, size, pages;
	} rows[] = {
		{ 0, 1, 1 },
		{ PAGE - 1, 2, 2 },
		{ 100, PAGE, 2 },
		{ 100, 3 * PAGE - 100, 3 },
		{ HUGE_PAGE - 1, 2, 2 },
		{ 100, HUGE_PAGE, HUGE_PAGE / PAGE + 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(register_buffer(&ring, memory + rows[i].offset,
					  rows[i].size),
			  0);
		EXPECT_CHARGES(rows[i].pages * PAGE, rows[i].pages * PAGE, 1);
		unregister_buffers(&ring);
		EXPECT_CHARGES(0, 0, 0);
	}
}

static void two_buffers_of_the_same_memory_count_once(void)
{
	const struct iovec iov[] = {
		{ memory, SIZE },
		{ memory, SIZE },
		{ memory + SIZE / 4, SIZE / 2 },
	};

	EXPECT_EQ(io_uring_register_buffers(&ring, iov, 3), 0);
	EXPECT_CHARGES(SIZE, 2 * SIZE + SIZE / 2, 3);
	EXPECT_EQ(update_buffer(0, NULL, 0), 0);
	EXPECT_CHARGES(SIZE, SIZE + SIZE / 2, 2);
	EXPECT_EQ(update_buffer(1, NULL, 0), 0);
	EXPECT_CHARGES(SIZE / 2, SIZE / 2, 1);
	unregister_buffers(&ring);
	EXPECT_CHARGES(0, 0, 0);
}

static void two_rings_with_the_same_memory_count_once(void)
{
	struct io_uring second;

	open_ring(&second);
	EXPECT_EQ(register_buffer(&ring, memory, SIZE), 0);
	EXPECT_EQ(register_buffer(&second, memory, SIZE), 0);
	EXPECT_CHARGES(SIZE, 2 * SIZE, 2);
	unregister_buffers(&ring);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	close_ring(&second);
	EXPECT_SOON(stat_of(GROUP, "accounts"), 0);
	EXPECT_CHARGES(0, 0, 0);
}

/* ---- buffers that are replaced ---- */

static void replaced_buffer_is_uncharged(void)
{
	const uint64_t half = SIZE / 2;

	REQUIRE(!io_uring_register_buffers_sparse(&ring, 4));
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(update_buffer(3, memory, half), 0);
	EXPECT_CHARGES(half, half, 1);
	EXPECT_EQ(update_buffer(3, memory + half, PAGE), 0);
	EXPECT_CHARGES(PAGE, PAGE, 1);
	/* By itself. */
	EXPECT_EQ(update_buffer(3, memory + half, PAGE), 0);
	EXPECT_CHARGES(PAGE, PAGE, 1);
	EXPECT_EQ(update_buffer(3, NULL, 0), 0);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(update_buffer(0, memory, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
}

/* The new one is pinned before the old one goes. */
static void refused_replacement_leaves_the_old_buffer(void)
{
	const uint64_t half = SIZE / 2;

	EXPECT_EQ(register_buffer(&ring, memory, half), 0);
	set_number(GROUP, "ioas.pinned.max", half);
	EXPECT_EQ(update_buffer(0, memory + half, PAGE), -ENOMEM);
	EXPECT_CHARGES(half, half, 1);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	EXPECT_EQ(update_buffer(0, memory, half), 0);
	EXPECT_CHARGES(half, half, 1);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
}

/* A request that waits for data has its buffer, whatever the table says. */
static void replaced_buffer_in_use_stays_charged(void)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	int fds[2];

	REQUIRE(!pipe2(fds, O_CLOEXEC));
	EXPECT_EQ(register_buffer(&ring, memory, PAGE), 0);
	sqe = io_uring_get_sqe(&ring);
	REQUIRE(sqe);
	io_uring_prep_read_fixed(sqe, fds[0], memory, PAGE, 0, 0);
	REQUIRE(io_uring_submit(&ring) == 1);
	EXPECT_EQ(update_buffer(0, memory + PAGE, 2 * PAGE), 0);
	EXPECT_CHARGES(3 * PAGE, 3 * PAGE, 2);
	EXPECT_EQ(update_buffer(0, NULL, 0), 0);
	EXPECT_EQ(pinned(GROUP) >= (int64_t)PAGE, true);
	REQUIRE(write(fds[1], "x", 1) == 1);
	REQUIRE(!io_uring_wait_cqe(&ring, &cqe));
	EXPECT_EQ(cqe->res, 1);
	io_uring_cqe_seen(&ring, cqe);
	EXPECT_SOON(stat_of(GROUP, "accounts"), 0);
	EXPECT_CHARGES(0, 0, 0);
	close(fds[0]);
	close(fds[1]);
}

/* ---- buffers that are cloned ---- */

static int clone_buffers(struct io_uring *to, const struct io_uring *from)
{
	struct io_uring_clone_buffers clone = { .src_fd = from->ring_fd };

	return syscall(__NR_io_uring_register, to->ring_fd,
		       IORING_REGISTER_CLONE_BUFFERS, &clone, 1) ?
		       -errno :
		       0;
}

static void cloned_buffers_have_one_account(void)
{
	const struct iovec iov[] = { { memory, SIZE / 2 },
				     { memory + SIZE / 2, PAGE } };
	const uint64_t size = SIZE / 2 + PAGE;
	struct io_uring clone;

	open_ring(&clone);
	EXPECT_EQ(io_uring_register_buffers(&ring, iov, 2), 0);
	EXPECT_CHARGES(size, size, 2);
	/* Nothing more is pinned, so no limit matters. */
	set_number(GROUP, "ioas.pinned.max", 0);
	EXPECT_EQ(clone_buffers(&clone, &ring), 0);
	EXPECT_CHARGES(size, size, 2);
	unregister_buffers(&clone);
	EXPECT_CHARGES(size, size, 2);
	EXPECT_EQ(clone_buffers(&clone, &ring), 0);
	unregister_buffers(&ring);
	EXPECT_CHARGES(size, size, 2);
	unregister_buffers(&clone);
	EXPECT_CHARGES(0, 0, 0);
	close_ring(&clone);
	EXPECT_EQ(events_of(GROUP, "max"), 0);
}

/* As an account has one owner, it is not the one who clones. */
static void clone_is_charged_to_who_registered(void)
{
	struct io_uring source;

	make_group(OTHER);
	open_ring(&source);
	EXPECT_EQ(register_buffer(&source, memory, SIZE), 0);
	enter_group(OTHER);
	EXPECT_EQ(clone_buffers(&ring, &source), 0);
	close_ring(&source);
	/* The work queue may have freed the source or not. */
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(pinned(OTHER), 0);
	EXPECT_EQ(update_buffer(0, memory, PAGE), 0);
	EXPECT_SOON(stat_of(GROUP, "accounts"), 0);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_KIND(OTHER, KIND, PAGE, PAGE, 1);
	unregister_buffers(&ring);
	EXPECT_NOTHING_PINNED(OTHER);
	enter_group(GROUP);
	EXPECT_EQ(remove_group(OTHER), 0);
}

static void close_of_the_source_leaves_the_clone(void)
{
	struct io_uring source;

	open_ring(&source);
	EXPECT_EQ(register_buffer(&source, memory, SIZE), 0);
	EXPECT_EQ(clone_buffers(&ring, &source), 0);
	close_ring(&source);
	/*
	 * A ring that was opened and closed after it with a buffer of its own
	 * tells when the work queue has been there, most of the time: it has
	 * several workers, which overtake each other.
	 */
	open_ring(&source);
	EXPECT_EQ(register_buffer(&source, memory, PAGE), 0);
	close_ring(&source);
	EXPECT_SOON(stat_of(GROUP, "accounts"), 1);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	unregister_buffers(&ring);
	EXPECT_SOON(stat_of(GROUP, "accounts"), 0);
	EXPECT_CHARGES(0, 0, 0);
}

/* ---- who is charged ---- */

static void register_from_elsewhere(void)
{
	enter_group(OTHER);
	EXPECT_EQ(register_buffer(&ring, memory, SIZE), 0);
}

/* Not who made the ring. */
static void who_registers_is_charged(void)
{
	struct child child;

	make_group(OTHER);
	start_child(&child, register_from_elsewhere);
	EXPECT_EQ(reap_child(&child), 0);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_KIND(OTHER, KIND, SIZE, SIZE, 1);
	unregister_buffers(&ring);
	EXPECT_NOTHING_PINNED(OTHER);
	EXPECT_EQ(remove_group(OTHER), 0);
}

static void charge_stays_when_the_task_moves(void)
{
	make_group(OTHER);
	EXPECT_EQ(register_buffer(&ring, memory, SIZE), 0);
	enter_group(OTHER);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(pinned(OTHER), 0);
	unregister_buffers(&ring);
	EXPECT_CHARGES(0, 0, 0);
	enter_group(GROUP);
	EXPECT_EQ(remove_group(OTHER), 0);
}

/* ---- refusals and failures ---- */

static void limit_refuses_and_leaves_nothing(void)
{
	int64_t before;

	/* Not more than one batch is ever held above the limit. */
	set_number(GROUP, "ioas.pinned.max", PAGE);
	before = pages_ever_pinned();
	EXPECT_EQ(register_buffer(&ring, memory, SIZE), -ENOMEM);
	EXPECT_AT_MOST((pages_ever_pinned() - before) * PAGE, HUGE_PAGE + PAGE);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(events_of(GROUP, "max"), 1);

	set_number(GROUP, "ioas.pinned.max", SIZE - PAGE);
	EXPECT_EQ(register_buffer(&ring, memory, SIZE), -ENOMEM);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(file_key("/proc/self/status", "VmPin"), 0);
	EXPECT_EQ(events_of(GROUP, "max"), 2);

	set_number(GROUP, "ioas.pinned.max", SIZE);
	EXPECT_EQ(register_buffer(&ring, memory, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(events_of(GROUP, "max"), 2);
}

static void limit_refuses_all_buffers_of_a_call(void)
{
	const struct iovec iov[] = {
		{ memory, SIZE / 2 },
		{ NULL, 0 },
		{ memory, SIZE / 2 },
		{ memory + SIZE / 2, PAGE },
	};

	set_number(GROUP, "ioas.pinned.max", SIZE / 2);
	EXPECT_EQ(io_uring_register_buffers(&ring, iov, 4), -ENOMEM);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	EXPECT_EQ(io_uring_register_buffers(&ring, iov, 3), 0);
	EXPECT_CHARGES(SIZE / 2, SIZE, 2);
}

static void failed_registration_leaves_nothing(void)
{
	const struct iovec iov[] = { { memory, PAGE }, { memory, SIZE } };

	REQUIRE(!mprotect(memory + SIZE / 2, HUGE_PAGE, PROT_NONE));
	EXPECT_EQ(register_buffer(&ring, memory, SIZE), -EFAULT);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(io_uring_register_buffers(&ring, iov, 2), -EFAULT);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(file_key("/proc/self/status", "VmPin"), 0);
	EXPECT_EQ(events_of(GROUP, "max"), 0);
}

/* ---- rings in user memory ---- */

#define RING_ENTRIES 512

/**
 * struct user_ring - an io_uring whose rings are in user memory
 * @fd: itself
 * @size: bytes in pages that it pins
 */
struct user_ring {
	int fd;
	uint64_t size;
};

static uint64_t whole_pages(uint64_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

/* In the first half of the memory, and in the other. Returns 0 or -errno. */
static int open_user_ring(struct user_ring *user_ring)
{
	struct io_uring_params p = { .flags = IORING_SETUP_NO_MMAP };

	p.cq_off.user_addr = (uintptr_t)memory;
	p.sq_off.user_addr = (uintptr_t)memory + SIZE / 2;
	user_ring->fd = syscall(__NR_io_uring_setup, RING_ENTRIES, &p);
	if (user_ring->fd < 0)
		return -errno;
	/* The array of indices is the last part of the first one. */
	user_ring->size =
		whole_pages(p.sq_off.array + p.sq_entries * sizeof(__u32)) +
		whole_pages(p.sq_entries * sizeof(struct io_uring_sqe));
	return 0;
}

static void ring_in_user_memory_is_charged(void)
{
	struct user_ring user_ring;

	EXPECT_EQ(open_user_ring(&user_ring), 0);
	EXPECT_AT_MOST(10 * PAGE, user_ring.size);
	EXPECT_CHARGES(user_ring.size, user_ring.size, 1);
	/* A buffer in the same memory is another pin. */
	EXPECT_EQ(register_buffer(&ring, memory, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE + user_ring.size, 2);
	REQUIRE(!close(user_ring.fd));
	EXPECT_SOON(stat_of(GROUP, "accounts"), 1);
	EXPECT_CHARGES(SIZE, SIZE, 1);
}

/* In the second of its two parts, as well as in the first. */
static void limit_refuses_a_ring_in_user_memory(void)
{
	struct user_ring user_ring;
	uint64_t size;

	EXPECT_EQ(open_user_ring(&user_ring), 0);
	size = user_ring.size;
	REQUIRE(!close(user_ring.fd));
	EXPECT_SOON(stat_of(GROUP, "accounts"), 0);

	set_number(GROUP, "ioas.pinned.max", PAGE);
	EXPECT_EQ(open_user_ring(&user_ring), -ENOMEM);
	EXPECT_SOON(stat_of(GROUP, "accounts"), 0);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(events_of(GROUP, "max"), 1);

	set_number(GROUP, "ioas.pinned.max", size - PAGE);
	EXPECT_EQ(open_user_ring(&user_ring), -ENOMEM);
	EXPECT_SOON(stat_of(GROUP, "accounts"), 0);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(events_of(GROUP, "max"), 2);

	set_number(GROUP, "ioas.pinned.max", size);
	EXPECT_EQ(open_user_ring(&user_ring), 0);
	EXPECT_CHARGES(size, size, 1);
	REQUIRE(!close(user_ring.fd));
}

static void ring_in_kernel_memory_is_not_charged(void)
{
	struct io_uring big;

	REQUIRE(!io_uring_queue_init(RING_ENTRIES, &big, 0));
	EXPECT_CHARGES(0, 0, 0);
	close_ring(&big);
}

/* ---- rings of provided buffers ---- */

#define PROVIDED_ENTRIES 1024
#define PROVIDED_SIZE (PROVIDED_ENTRIES * sizeof(struct io_uring_buf))

static int provide_buffers(int group, void *at, int flags)
{
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)at,
		.ring_entries = PROVIDED_ENTRIES,
		.bgid = group,
		.flags = flags,
	};

	return io_uring_register_buf_ring(&ring, &reg, 0);
}

static void ring_of_provided_buffers_is_charged(void)
{
	EXPECT_EQ(provide_buffers(1, memory, 0), 0);
	EXPECT_CHARGES(PROVIDED_SIZE, PROVIDED_SIZE, 1);
	EXPECT_EQ(provide_buffers(2, memory, 0), 0);
	EXPECT_CHARGES(PROVIDED_SIZE, 2 * PROVIDED_SIZE, 2);
	/* There is one already. */
	EXPECT_EQ(provide_buffers(2, memory + SIZE / 2, 0), -EEXIST);
	EXPECT_CHARGES(PROVIDED_SIZE, 2 * PROVIDED_SIZE, 2);
	REQUIRE(!io_uring_unregister_buf_ring(&ring, 1));
	EXPECT_CHARGES(PROVIDED_SIZE, PROVIDED_SIZE, 1);
	REQUIRE(!io_uring_unregister_buf_ring(&ring, 2));
	EXPECT_CHARGES(0, 0, 0);
	/* In memory of the kernel; the ring goes with one that is not. */
	EXPECT_EQ(provide_buffers(3, NULL, IOU_PBUF_RING_MMAP), 0);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(provide_buffers(4, memory, 0), 0);
}

static void limit_refuses_a_ring_of_provided_buffers(void)
{
	set_number(GROUP, "ioas.pinned.max", PROVIDED_SIZE - PAGE);
	EXPECT_EQ(provide_buffers(1, memory, 0), -ENOMEM);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
	set_number(GROUP, "ioas.pinned.max", PROVIDED_SIZE);
	EXPECT_EQ(provide_buffers(1, memory, 0), 0);
	EXPECT_CHARGES(PROVIDED_SIZE, PROVIDED_SIZE, 1);
	EXPECT_EQ(events_of(GROUP, "max"), 1);
}

/* ---- ends ---- */

/* One of each kind, with memory in common, and requests that use a buffer. */
static void hold_pins(void)
{
	struct io_uring second, clone;
	struct user_ring user_ring;
	struct io_uring_sqe *sqe;
	int fds[2];

	enter_group(GROUP);
	memory = get_small_pages(SIZE);
	open_ring(&ring);
	open_ring(&second);
	open_ring(&clone);
	REQUIRE(!pipe(fds));
	EXPECT_EQ(register_buffer(&ring, memory, SIZE), 0);
	EXPECT_EQ(register_buffer(&second, memory + SIZE / 2, PAGE), 0);
	EXPECT_EQ(clone_buffers(&clone, &ring), 0);
	EXPECT_EQ(provide_buffers(1, memory, 0), 0);
	EXPECT_EQ(open_user_ring(&user_ring), 0);
	sqe = io_uring_get_sqe(&ring);
	REQUIRE(sqe);
	io_uring_prep_read_fixed(sqe, fds[0], memory, PAGE, 0, 0);
	REQUIRE(io_uring_submit(&ring) == 1);
	pause_here();
}

static void make_own_group(void)
{
	make_group(GROUP);
}

static void remove_own_group(void)
{
	EXPECT_SOON(stat_of(GROUP, "accounts"), 0);
	EXPECT_NOTHING_PINNED(GROUP);
	EXPECT_EQ(remove_group(GROUP), 0);
}

static void exit_leaves_nothing(void)
{
	struct child child;

	start_child(&child, hold_pins);
	EXPECT_EQ(pinned(GROUP), SIZE);
	EXPECT_EQ(stat_of(GROUP, "accounts"), 4);
	end_child(&child);
}

static void kill_leaves_nothing(void)
{
	struct child child;

	start_child(&child, hold_pins);
	EXPECT_EQ(pinned(GROUP), SIZE);
	EXPECT_EQ(stat_of(GROUP, "accounts"), 4);
	kill_child(&child);
}

/* The work queue that frees the ring uncharges a cgroup that is gone. */
static void ring_may_outlive_its_cgroup(void)
{
	const int64_t before = pinned("");

	enter_group(GROUP);
	memory = get_small_pages(SIZE);
	open_ring(&ring);
	EXPECT_EQ(register_buffer(&ring, memory, SIZE), 0);
	enter_group("");
	EXPECT_EQ(remove_group(GROUP), 0);
	EXPECT_EQ(pinned(""), before + SIZE);
	close_ring(&ring);
	EXPECT_SOON(pinned(""), before);
	put_memory(memory, SIZE);
	make_group(GROUP);
}

/* ---- RLIMIT_MEMLOCK ---- */

static struct io_uring slots[MEMLOCK_SLOTS];

static int pin_slot(unsigned int slot, void *buffer, size_t size)
{
	int ret;

	open_ring(&slots[slot]);
	ret = register_buffer(&slots[slot], buffer, size);
	if (ret)
		close_ring(&slots[slot]);
	return ret;
}

static void unpin_slot(unsigned int slot)
{
	unregister_buffers(&slots[slot]);
	close_ring(&slots[slot]);
}

static const struct memlock_site buffers = {
	.refusal = -ENOMEM,
	.in_vmpin = true,
	.pin = pin_slot,
	.unpin = unpin_slot,
};

/* ---- allocations that fail ---- */

static int pin_buffer(void)
{
	return register_buffer(&ring, memory, SIZE);
}

static int unpin_buffer(void)
{
	return io_uring_unregister_buffers(&ring);
}

static const struct failing_site failing_buffer = {
	.group = GROUP,
	.pin = pin_buffer,
	.unpin = unpin_buffer,
};

static struct user_ring failing_ring;

static int pin_user_ring(void)
{
	return open_user_ring(&failing_ring);
}

static int unpin_user_ring(void)
{
	return close(failing_ring.fd) ? -errno : 0;
}

static const struct failing_site failing_user_ring = {
	.group = GROUP,
	.pin = pin_user_ring,
	.unpin = unpin_user_ring,
};

static int pin_provided(void)
{
	return provide_buffers(1, memory, 0);
}

static int unpin_provided(void)
{
	return io_uring_unregister_buf_ring(&ring, 1);
}

static const struct failing_site failing_provided = {
	.group = GROUP,
	.pin = pin_provided,
	.unpin = unpin_provided,
};

static void touch_and_run_failing_test(void)
{
	memset(memory, 1, SIZE);
	run_failing_test();
}

static bool user_has_ring;

static void open_ring_of_user(void)
{
	if (!user_has_ring)
		open_ring(&ring);
	user_has_ring = true;
}

static int pin_buffer_of_user(void)
{
	return register_buffer(&ring, memlock_memory, MEMLOCK_PAGES * PAGE);
}

static const struct failing_site failing_buffer_of_user = {
	.group = GROUP,
	.get_ready = open_ring_of_user,
	.pin = pin_buffer_of_user,
	.unpin = unpin_buffer,
};

#define RUN(test) run_test(#test, test, set_up, clean_up)
#define RUN_ENDS(test) run_test(#test, test, make_own_group, remove_own_group)

int main(void)
{
	for (size_t i = 0; i < NR_MEMORY_KINDS; i++) {
		kind = &memory_kinds[i];
		test_variant = kind->name;
		RUN(buffer_is_charged);
		RUN(part_of_huge_pages_is_charged_as_that_part);
		RUN(part_of_a_page_is_charged_as_a_page);
		RUN(two_buffers_of_the_same_memory_count_once);
		RUN(two_rings_with_the_same_memory_count_once);
		RUN(limit_refuses_and_leaves_nothing);
		RUN(failed_registration_leaves_nothing);
	}
	kind = &memory_kinds[0];
	test_variant = NULL;
	RUN(replaced_buffer_is_uncharged);
	RUN(refused_replacement_leaves_the_old_buffer);
	RUN(replaced_buffer_in_use_stays_charged);
	RUN(cloned_buffers_have_one_account);
	RUN(clone_is_charged_to_who_registered);
	RUN(close_of_the_source_leaves_the_clone);
	RUN(who_registers_is_charged);
	RUN(charge_stays_when_the_task_moves);
	RUN(limit_refuses_all_buffers_of_a_call);
	RUN(ring_in_user_memory_is_charged);
	RUN(limit_refuses_a_ring_in_user_memory);
	RUN(ring_in_kernel_memory_is_not_charged);
	RUN(ring_of_provided_buffers_is_charged);
	RUN(limit_refuses_a_ring_of_provided_buffers);
	RUN_ENDS(exit_leaves_nothing);
	RUN_ENDS(kill_leaves_nothing);
	RUN_ENDS(ring_may_outlive_its_cgroup);
	test_variant = "registered buffer";
	run_failing_tests(&failing_buffer, touch_and_run_failing_test, set_up,
			  clean_up);
	test_variant = "ring in user memory";
	run_failing_tests(&failing_user_ring, touch_and_run_failing_test,
			  set_up, clean_up);
	test_variant = "ring of provided buffers";
	run_failing_tests(&failing_provided, touch_and_run_failing_test, set_up,
			  clean_up);
	test_variant = NULL;
	run_memlock_tests(&buffers, GROUP);
	test_variant = "registered buffer of a user";
	run_failing_memlock_tests(&failing_buffer_of_user);
	return end_tests();
}
