// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What AF_XDP charges for UMEMs: an account each, for as long as a socket has it.
 *
 * xdp_pins INTERFACE: a network interface, one end of a veth, which a test deletes:
 * those after it want none. Wants 4 huge pages.
 */
#include <net/if.h>

#include "ioas_fail.h"
#include "ioas_memlock.h"
#include "ioas_vfio.h"
#include "ioas_xdp.h"

#define GROUP "xdp-pins"
#define OTHER "xdp-pins-other"
#define KIND "xdp"
#define SIZE (4 * MIB)

static const char *interface;
static const struct memory_kind *kind = &memory_kinds[0];
static char *memory;
static int fd;

#define EXPECT_CHARGES(unique, gross, accounts) \
	EXPECT_KIND(GROUP, KIND, unique, gross, accounts)

static void set_up(void)
{
	make_group(GROUP);
	enter_group(GROUP);
	memory = kind->get(SIZE);
	fd = open_xdp();
}

static void clean_up(void)
{
	close(fd);
	put_memory(memory, SIZE);
	EXPECT_SOON(stat_of(GROUP, "accounts"), 0);
	EXPECT_NOTHING_PINNED(GROUP);
	enter_group("");
	EXPECT_EQ(remove_group(GROUP), 0);
}

/* A socket and its UMEM; the work queue has freed it then. */
static void close_umem(int socket)
{
	const int64_t accounts = stat_of(GROUP, "accounts");

	REQUIRE(!close(socket));
	EXPECT_SOON(stat_of(GROUP, "accounts"), accounts - 1);
}

/* ---- one UMEM ---- */

static void umem_is_charged(void)
{
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(register_umem(fd, memory, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	close_umem(fd);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(group_value(GROUP, "ioas.pinned.peak"), SIZE);
}

static void part_of_huge_pages_is_charged_as_that_part(void)
{
	EXPECT_EQ(register_umem(fd, memory + 5 * PAGE, 700 * PAGE), 0);
	EXPECT_CHARGES(700 * PAGE, 700 * PAGE, 1);
}

static void part_of_a_page_is_charged_as_a_page(void)
{
	EXPECT_EQ(register_umem(fd, memory, 3 * XDP_CHUNK), 0);
	EXPECT_CHARGES(2 * PAGE, 2 * PAGE, 1);
}

static void second_umem_of_a_socket_changes_nothing(void)
{
	EXPECT_EQ(register_umem(fd, memory, SIZE / 2), 0);
	EXPECT_EQ(register_umem(fd, memory, SIZE), -EBUSY);
	EXPECT_CHARGES(SIZE / 2, SIZE / 2, 1);
}

static void charge_stays_when_the_task_moves(void)
{
	make_group(OTHER);
	EXPECT_EQ(register_umem(fd, memory, SIZE), 0);
	enter_group(OTHER);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(pinned(OTHER), 0);
	close_umem(fd);
	EXPECT_CHARGES(0, 0, 0);
	enter_group(GROUP);
	EXPECT_EQ(remove_group(OTHER), 0);
}

/* ---- several ---- */

static void two_umems_of_the_same_memory_count_once(void)
{
	const int second = open_xdp(), third = open_xdp();

	EXPECT_EQ(register_umem(fd, memory, SIZE), 0);
	EXPECT_EQ(register_umem(second, memory, SIZE), 0);
	EXPECT_EQ(register_umem(third, memory + SIZE / 4, SIZE / 2), 0);
	EXPECT_CHARGES(SIZE, 2 * SIZE + SIZE / 2, 3);
	close_umem(fd);
	EXPECT_CHARGES(SIZE, SIZE + SIZE / 2, 2);
	close_umem(second);
	EXPECT_CHARGES(SIZE / 2, SIZE / 2, 1);
	close_umem(third);
	EXPECT_CHARGES(0, 0, 0);
}

static void set_ring_size(int socket, int ring, int entries)
{
	REQUIRE(!setsockopt(socket, SOL_XDP, ring, &entries, sizeof(entries)));
}

/* With a UMEM of its own, or with that of another socket. */
static void bind_socket(int socket, const int *umem_of)
{
	struct sockaddr_xdp address = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = umem_of ? XDP_SHARED_UMEM : XDP_COPY,
		.sxdp_ifindex = if_nametoindex(interface),
		.sxdp_shared_umem_fd = umem_of ? *umem_of : 0,
	};

	REQUIRE(address.sxdp_ifindex);
	if (!umem_of) {
		set_ring_size(socket, XDP_UMEM_FILL_RING, 64);
		set_ring_size(socket, XDP_UMEM_COMPLETION_RING, 64);
	}
	set_ring_size(socket, XDP_RX_RING, 64);
	REQUIRE(!bind(socket, (struct sockaddr *)&address, sizeof(address)));
}

static void shared_umem_has_one_account_until_the_last_socket_goes(void)
{
	const int second = open_xdp();

	EXPECT_EQ(register_umem(fd, memory, SIZE), 0);
	bind_socket(fd, NULL);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	/* Nothing more is pinned, so no limit matters. */
	set_number(GROUP, "ioas.pinned.max", 0);
	bind_socket(second, &fd);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	REQUIRE(!close(fd));
	/* One that goes after it tells when the work queue has been there. */
	set_number(GROUP, "ioas.pinned.max", SIZE);
	fd = open_xdp();
	EXPECT_EQ(register_umem(fd, memory, PAGE), 0);
	close_umem(fd);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	close_umem(second);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(events_of(GROUP, "max"), 0);
}

static void umem_outlives_its_interface(void)
{
	char command[128];

	EXPECT_EQ(register_umem(fd, memory, SIZE), 0);
	bind_socket(fd, NULL);
	snprintf(command, sizeof(command), "ip link delete %s", interface);
	REQUIRE(!system(command));
	EXPECT_CHARGES(SIZE, SIZE, 1);
	close_umem(fd);
	EXPECT_CHARGES(0, 0, 0);
}

/* ---- refusals and failures ---- */

static void limit_refuses_and_leaves_nothing(void)
{
	int64_t before;

	/* Not more than one batch is ever held above the limit. */
	set_number(GROUP, "ioas.pinned.max", PAGE);
	before = pages_ever_pinned();
	EXPECT_EQ(register_umem(fd, memory, SIZE), -ENOMEM);
	EXPECT_AT_MOST((pages_ever_pinned() - before) * PAGE, HUGE_PAGE + PAGE);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(events_of(GROUP, "max"), 1);

	set_number(GROUP, "ioas.pinned.max", SIZE - PAGE);
	EXPECT_EQ(register_umem(fd, memory, SIZE), -ENOMEM);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(events_of(GROUP, "max"), 2);

	set_number(GROUP, "ioas.pinned.max", SIZE);
	EXPECT_EQ(register_umem(fd, memory, SIZE), 0);
	EXPECT_CHARGES(SIZE, SIZE, 1);
	EXPECT_EQ(events_of(GROUP, "max"), 2);
}

static void failed_registration_leaves_nothing(void)
{
	REQUIRE(!mprotect(memory + SIZE / 2, HUGE_PAGE, PROT_NONE));
	EXPECT_AT_MOST(register_umem(fd, memory, SIZE), -1);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_AT_MOST(register_umem(fd, memory + SIZE / 2, SIZE / 2), -1);
	EXPECT_CHARGES(0, 0, 0);
	EXPECT_EQ(events_of(GROUP, "max"), 0);
}

/* ---- ends ---- */

/* Two that have half of their memory in common, one of them at work. */
static void hold_pins(void)
{
	enter_group(GROUP);
	memory = get_small_pages(SIZE);
	fd = open_xdp();
	EXPECT_EQ(register_umem(fd, memory, SIZE), 0);
	EXPECT_EQ(register_umem(open_xdp(), memory + SIZE / 2, SIZE / 2), 0);
	bind_socket(fd, NULL);
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
	EXPECT_CHARGES(SIZE, SIZE + SIZE / 2, 2);
	end_child(&child);
}

static void kill_leaves_nothing(void)
{
	struct child child;

	start_child(&child, hold_pins);
	EXPECT_CHARGES(SIZE, SIZE + SIZE / 2, 2);
	kill_child(&child);
}

/* ---- RLIMIT_MEMLOCK ---- */

static int slots[MEMLOCK_SLOTS];

static int pin_slot(unsigned int slot, void *umem, size_t size)
{
	int ret;

	take_root_back();
	slots[slot] = open_xdp();
	become_user();
	ret = register_umem(slots[slot], umem, size);
	if (ret)
		close(slots[slot]);
	return ret;
}

static void unpin_slot(unsigned int slot)
{
	REQUIRE(!close(slots[slot]));
}

static const struct memlock_site umems = {
	.refusal = -ENOBUFS,
	.pin = pin_slot,
	.unpin = unpin_slot,
};

/* ---- allocations that fail ---- */

/* A socket whose UMEM could not be registered takes another one. */
static int failing_socket = -1;

static void open_failing_socket(void)
{
	if (failing_socket < 0)
		failing_socket = open_xdp();
}

static int pin_failing_umem(void)
{
	return register_umem(failing_socket, memory, SIZE);
}

static int unpin_failing_umem(void)
{
	int ret = close(failing_socket) ? -errno : 0;

	failing_socket = -1;
	return ret;
}

static const struct failing_site failing_umem = {
	.group = GROUP,
	.get_ready = open_failing_socket,
	.pin = pin_failing_umem,
	.unpin = unpin_failing_umem,
};

static void touch_and_run_failing_test(void)
{
	memset(memory, 1, SIZE);
	run_failing_test();
}

static void open_failing_socket_of_user(void)
{
	take_root_back();
	open_failing_socket();
	become_user();
}

static int pin_failing_umem_of_user(void)
{
	return register_umem(failing_socket, memlock_memory,
			     MEMLOCK_PAGES * PAGE);
}

static const struct failing_site failing_umem_of_user = {
	.group = GROUP,
	.get_ready = open_failing_socket_of_user,
	.pin = pin_failing_umem_of_user,
	.unpin = unpin_failing_umem,
};

#define RUN(test) run_test(#test, test, set_up, clean_up)
#define RUN_ENDS(test) run_test(#test, test, make_own_group, remove_own_group)

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: xdp_pins INTERFACE\n");
		return 2;
	}
	interface = argv[1];
	for (size_t i = 0; i < NR_MEMORY_KINDS; i++) {
		kind = &memory_kinds[i];
		test_variant = kind->name;
		RUN(umem_is_charged);
		RUN(part_of_huge_pages_is_charged_as_that_part);
		RUN(two_umems_of_the_same_memory_count_once);
		RUN(limit_refuses_and_leaves_nothing);
		RUN(failed_registration_leaves_nothing);
	}
	kind = &memory_kinds[0];
	test_variant = NULL;
	RUN(part_of_a_page_is_charged_as_a_page);
	RUN(second_umem_of_a_socket_changes_nothing);
	RUN(charge_stays_when_the_task_moves);
	RUN(shared_umem_has_one_account_until_the_last_socket_goes);
	RUN_ENDS(exit_leaves_nothing);
	RUN_ENDS(kill_leaves_nothing);
	RUN(umem_outlives_its_interface);
	run_failing_tests(&failing_umem, touch_and_run_failing_test, set_up,
			  clean_up);
	run_memlock_tests(&umems, GROUP);
	test_variant = "of a user";
	run_failing_memlock_tests(&failing_umem_of_user);
	return end_tests();
}
