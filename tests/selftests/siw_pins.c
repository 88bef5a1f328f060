// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory regions of siw that are deregistered while a message that writes to them is
 * on its way. The message keeps the memory: pinned and charged it stays until siw is
 * done with the message, and that is in softirq, where TCP hands over the data. So the
 * memory has to be released by a worker, and that it was is seen in the tracepoint.
 *
 * The peer is a socket of TCP that says what a device of iWARP would say, so that a
 * message can stop in the middle; and then siw itself, so that it does not.
 *
 * libraries: -lrdmacm -libverbs
 */
#include <arpa/inet.h>
#include <endian.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <rdma/rdma_cma.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>

#include "ioas_rdma.h"
#include "ioas_site.h"

#define ROUNDS 100
#define SIZE (64 * KIB)

/* ---- connections ---- */

static struct rdma_event_channel *events, *peer_events;
static struct rdma_cm_id *listener;

static void listener_address(struct sockaddr_in *address)
{
	*address = (struct sockaddr_in){ .sin_family = AF_INET };
	REQUIRE(inet_pton(AF_INET, rdma_address(), &address->sin_addr) == 1);
	if (listener)
		address->sin_port = rdma_get_src_port(listener);
}

static void open_site(void)
{
	struct sockaddr_in address;

	events = rdma_create_event_channel();
	peer_events = rdma_create_event_channel();
	REQUIRE(events && peer_events);
	listener_address(&address);
	REQUIRE(!rdma_create_id(events, &listener, NULL, RDMA_PS_TCP));
	REQUIRE(!rdma_bind_addr(listener, (struct sockaddr *)&address));
	REQUIRE(!rdma_listen(listener, 1));
	REQUIRE(!strcmp(ibv_get_device_name(listener->verbs->device),
			rdma_device()));
}

static void close_site(void)
{
	REQUIRE(!rdma_destroy_id(listener));
	rdma_destroy_event_channel(peer_events);
	rdma_destroy_event_channel(events);
}

/* Returns what the next event is about, and it has to be one of that type. */
static struct rdma_cm_id *await_event(struct rdma_event_channel *channel,
				      enum rdma_cm_event_type type)
{
	struct pollfd ready = { .fd = channel->fd, .events = POLLIN };
	struct rdma_cm_event *event;
	struct rdma_cm_id *id;

	REQUIRE(poll(&ready, 1, 60 * 1000) == 1);
	REQUIRE(!rdma_get_cm_event(channel, &event));
	if (event->event != type)
		fail_test("expected %s, found %s", rdma_event_str(type),
			  rdma_event_str(event->event));
	REQUIRE(event->event == type);
	id = event->id;
	REQUIRE(!rdma_ack_cm_event(event));
	return id;
}

static void make_queues(struct rdma_cm_id *id, uint32_t sends)
{
	struct ibv_qp_init_attr attr = {
		.qp_type = IBV_QPT_RC,
		.cap = {
			.max_send_wr = sends,
			.max_recv_wr = 1,
			.max_send_sge = 1,
			.max_recv_sge = 1,
		},
	};

	REQUIRE(!rdma_create_qp(id, NULL, &attr));
}

/* Our end of the connection that the peer asks for. */
static struct rdma_cm_id *accept_peer(void)
{
	struct rdma_cm_id *id =
		await_event(events, RDMA_CM_EVENT_CONNECT_REQUEST);

	make_queues(id, 1);
	REQUIRE(!rdma_accept(id, NULL));
	REQUIRE(await_event(events, RDMA_CM_EVENT_ESTABLISHED) == id);
	return id;
}

static void put_connection(struct rdma_cm_id *id)
{
	rdma_destroy_qp(id);
	REQUIRE(!rdma_destroy_id(id));
}

static struct ibv_mr *register_target(struct rdma_cm_id *id, void *memory,
				      size_t size)
{
	struct ibv_mr *region =
		ibv_reg_mr(id->pd, memory, size,
			   IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);

	REQUIRE(region);
	return region;
}

/* ---- who uncharged ---- */

static void forget_uncharges(void)
{
	/* Opened to be cut, it is emptied. */
	REQUIRE(!close(open(TRACING "/trace", O_WRONLY | O_TRUNC)));
}

static void trace_uncharges(bool on)
{
	REQUIRE(!write_file(TRACING "/events/ioas/uncharge/enable",
			    on ? "1" : "0"));
	forget_uncharges();
}

static bool is_worker(pid_t pid)
{
	char path[64], comm[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	return read_file(path, comm, sizeof(comm)) > 0 &&
	       !strncmp(comm, "kworker/", strlen("kworker/"));
}

/*
 * A line begins with NAME-PID [CPU] FLAGS, and the third of the flags is s or H in
 * softirq, whose task has nothing to do with it.
 */
static bool is_of_worker(const char *line)
{
	const char *cpu = strstr(line, " [");
	const char *flags = cpu ? strstr(cpu, "] ") : NULL;
	const char *pid = cpu ? memrchr(line, '-', cpu - line) : NULL;

	REQUIRE(flags && pid);
	return flags[4] == '.' && is_worker(atoi(pid + 1));
}

/* Bytes that workers have uncharged, or that anyone has, since forget_uncharges(). */
static int64_t uncharged(bool by_workers)
{
	static char text[1 << 20];
	int64_t pages = 0, len;
	char *save, *line;

	len = read_file(TRACING "/trace", text, sizeof(text));
	REQUIRE(len >= 0 && len < (int64_t)sizeof(text) - 1);
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strstr(line, " uncharge: ") &&
		    (!by_workers || is_of_worker(line)))
			pages += strtoll(strstr(line, " nr=") + 4, NULL, 10);
	}
	return pages * PAGE;
}

/* Pages that are pinned, of all processes. */
static int64_t pages_pinned(void)
{
	int64_t ever = pages_ever_pinned();

	return ever - file_key("/proc/vmstat", "nr_foll_pin_released");
}

/* What was pinned before the first test. */
static int64_t pages_of_others;

/* The account goes last, after the charge, the count, and the pins. */
#define EXPECT_ALL_RELEASED()                                 \
	do {                                                  \
		EXPECT_SOON(stat_of(GROUP, "accounts"), 0);   \
		EXPECT_CHARGE(0, 0, 0);                       \
		EXPECT_EQ(counted_for_rlimit(), 0);           \
		EXPECT_SOON(pages_pinned(), pages_of_others); \
	} while (0)

/* ---- a peer that is a socket ---- */

/* RFC 5044: what both ends say first. No markers, no checksums. */
struct mpa_frame {
	char key[16];
	uint8_t flags;
	uint8_t revision;
	uint16_t private_data;
};

/* RFC 5041, RFC 5040: a part of a message that writes to memory. */
struct segment {
	uint16_t length;
	uint16_t control;
	uint32_t stag;
	uint64_t address;
	char data[1024];
	uint32_t checksum;
} __attribute__((packed));

/* Versions, and that it says where to write. Without LAST, there is more to come. */
#define WRITE_SEGMENT 0x8140
#define LAST_SEGMENT 0x4000

struct link {
	int peer;
	struct rdma_cm_id *id;
	/* What a message still writes to, with the address that it has no more. */
	struct ibv_mr region;
};

static void set_option(int fd, int level, int option)
{
	REQUIRE(!setsockopt(fd, level, option, &(int){ 1 }, sizeof(int)));
}

static void connect_socket(struct link *link)
{
	struct mpa_frame frame = { "MPA ID Req Frame", 0, 1, 0 };
	struct sockaddr_in address;

	listener_address(&address);
	link->peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REQUIRE(link->peer >= 0);
	/* Else a segment waits until the one before is acknowledged. */
	set_option(link->peer, IPPROTO_TCP, TCP_NODELAY);
	/* Else its port cannot be used again for a while, see connect_siw(). */
	set_option(link->peer, SOL_SOCKET, SO_REUSEADDR);
	REQUIRE(!connect(link->peer, (struct sockaddr *)&address,
			 sizeof(address)));
	REQUIRE(send(link->peer, &frame, sizeof(frame), 0) == sizeof(frame));
	link->id = accept_peer();
	REQUIRE(recv(link->peer, &frame, sizeof(frame), MSG_WAITALL) ==
		sizeof(frame));
	REQUIRE(!memcmp(frame.key, "MPA ID Rep Frame", sizeof(frame.key)));
}

/* The part of a message that goes to one place of a region, and is all of one value. */
static void send_segment(const struct link *link, const struct ibv_mr *region,
			 unsigned int place, uint16_t control, char value)
{
	struct segment segment = {
		.length = htons(offsetof(struct segment, checksum) -
				sizeof(segment.length)),
		.control = htons(WRITE_SEGMENT | control),
		.stag = htonl(region->rkey),
		.address = htobe64((uintptr_t)region->addr +
				   place * sizeof(segment.data)),
	};

	memset(segment.data, value, sizeof(segment.data));
	REQUIRE(send(link->peer, &segment, sizeof(segment), 0) ==
		sizeof(segment));
}

/* A region that has got the first part of a message, and no more. */
static struct ibv_mr *begin_message(const struct link *link, char *memory)
{
	volatile char *end = memory + sizeof(((struct segment *)0)->data) - 1;
	struct ibv_mr *region = register_target(link->id, memory, SIZE);

	*end = 0;
	EXPECT_CHARGE(SIZE, SIZE, 1);
	send_segment(link, region, 0, 0, 1);
	EXPECT_SOON(*end, 1);
	return region;
}

static void end_link(struct link *link)
{
	close(link->peer);
	REQUIRE(await_event(events, RDMA_CM_EVENT_DISCONNECTED) == link->id);
	put_connection(link->id);
}

/* ---- tests: a message that stops in the middle ---- */

/* Leaves the region of the link deregistered, to which a message still writes. */
static void deregister_during_message(struct link *link, char *memory)
{
	struct ibv_mr *region = begin_message(link, memory);

	link->region = *region;
	forget_uncharges();
	deregister_region(region);
	EXPECT_CHARGE(SIZE, SIZE, 1);
	EXPECT_EQ(counted_for_rlimit(), SIZE);
	EXPECT_EQ(uncharged(false), 0);
}

/* All of it, and nobody else had any part in that. */
static void expect_released_by_worker(void)
{
	EXPECT_ALL_RELEASED();
	EXPECT_EQ(uncharged(false), SIZE);
	EXPECT_EQ(uncharged(true), SIZE);
}

/* Runs @end_message in the middle of a message, and @end with the link after it. */
static void rounds_of_messages(void (*end_message)(const struct link *link),
			       void (*end)(struct link *link))
{
	char *memory = get_small_pages(SIZE);
	struct link link;

	for (int i = 0; i < ROUNDS && !test_failed; i++) {
		connect_socket(&link);
		deregister_during_message(&link, memory);
		end_message(&link);
		expect_released_by_worker();
		end(&link);
	}
	put_memory(memory, SIZE);
}

static void send_rest(const struct link *link)
{
	send_segment(link, &link->region, 1, LAST_SEGMENT, 1);
}

static void lose_connection(const struct link *link)
{
	REQUIRE(!shutdown(link->peer, SHUT_RDWR));
}

static void destroy_queues(const struct link *link)
{
	rdma_destroy_qp(link->id);
}

static void end_link_without_queues(struct link *link)
{
	REQUIRE(!rdma_destroy_id(link->id));
	close(link->peer);
}

/* Data for memory that is no more are refused, in softirq. */
static void rest_of_a_message_releases_memory(void)
{
	rounds_of_messages(send_rest, end_link);
}

static void lost_connection_releases_memory(void)
{
	rounds_of_messages(lose_connection, end_link);
}

static void destroyed_queues_release_memory(void)
{
	rounds_of_messages(destroy_queues, end_link_without_queues);
}

/*
 * With the whole of a message nothing has to wait, nor has a worker anything to do. siw
 * lets go of the memory after the data were seen, but before it looks at the next message.
 */
static void ended_message_holds_nothing(void)
{
	char *memory = get_small_pages(2 * SIZE);
	char *other_memory = memory + SIZE;
	struct ibv_mr *region, *other;
	struct link link;

	connect_socket(&link);
	region = begin_message(&link, memory);
	send_segment(&link, region, 1, LAST_SEGMENT, 1);
	other = register_target(link.id, other_memory, SIZE);
	send_segment(&link, other, 0, LAST_SEGMENT, 1);
	EXPECT_SOON(*(volatile char *)other_memory, 1);
	forget_uncharges();
	deregister_region(region);
	EXPECT_CHARGE(SIZE, SIZE, 1);
	EXPECT_EQ(uncharged(false), SIZE);
	EXPECT_EQ(uncharged(true), 0);
	deregister_region(other);
	EXPECT_ALL_RELEASED();
	end_link(&link);
	put_memory(memory, 2 * SIZE);
}

static void hold_message(void)
{
	struct link link;

	enter_group(GROUP);
	set_rlimit(RLIM_INFINITY);
	open_site();
	connect_socket(&link);
	deregister_during_message(&link, get_small_pages(SIZE));
	pause_here();
}

static void kill_during_a_message_leaves_nothing(void)
{
	struct child child;

	start_child(&child, hold_message);
	EXPECT_CHARGE(SIZE, SIZE, 1);
	kill_child(&child);
	EXPECT_ALL_RELEASED();
}

/* ---- tests: messages that go on ---- */

/* Of all messages of a round: most often it takes longer than to deregister. */
#define STREAM (32 * MIB)

/* The peer's end of a connection with ourselves, which is not made yet. */
static struct rdma_cm_id *make_peer(uint32_t sends)
{
	struct sockaddr_in address;
	struct rdma_cm_id *peer;

	listener_address(&address);
	REQUIRE(!rdma_create_id(peer_events, &peer, NULL, RDMA_PS_TCP));
	REQUIRE(!rdma_resolve_addr(peer, NULL, (struct sockaddr *)&address,
				   60 * 1000));
	await_event(peer_events, RDMA_CM_EVENT_ADDR_RESOLVED);
	REQUIRE(!rdma_resolve_route(peer, 60 * 1000));
	await_event(peer_events, RDMA_CM_EVENT_ROUTE_RESOLVED);
	make_queues(peer, sends);
	return peer;
}

/*
 * Returns the peer's end; ours is in @id. The connection manager chooses a port, and
 * does not know which ones are in use with TCP.
 */
static struct rdma_cm_id *connect_siw(struct rdma_cm_id **id, uint32_t sends)
{
	struct rdma_conn_param param = {};
	struct rdma_cm_id *peer = make_peer(sends);

	while (rdma_connect(peer, &param)) {
		REQUIRE(errno == EADDRINUSE);
		put_connection(peer);
		peer = make_peer(sends);
	}
	*id = accept_peer();
	await_event(peer_events, RDMA_CM_EVENT_ESTABLISHED);
	return peer;
}

/* Returns 0 or an error. */
static int post_writes(struct rdma_cm_id *peer, const struct ibv_mr *source,
		       const struct ibv_mr *target, size_t size, unsigned int n)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)source->addr,
		.length = size,
		.lkey = source->lkey,
	};
	struct ibv_send_wr write = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE,
		.wr.rdma = {
			.remote_addr = (uintptr_t)target->addr,
			.rkey = target->rkey,
		},
	};
	struct ibv_send_wr *bad;
	int ret = 0;

	while (n-- && !ret)
		ret = ibv_post_send(peer->qp, &write, &bad);
	return ret;
}

/* Soon enough to find the next write on its way: EXPECT_SOON() sleeps. */
static void await_byte(volatile const char *byte)
{
	const time_t end = time(NULL) + 60;

	while (!*byte && time(NULL) < end)
		sched_yield();
	EXPECT_EQ(*byte, 1);
}

/*
 * Writes to a region that is deregistered @delay us after the first came, so what they
 * find is any of a region, none, and one that goes. Returns what a worker uncharged.
 */
static int64_t deregister_during_writes(char *memory, size_t size,
					useconds_t delay)
{
	const unsigned int writes = STREAM / size;
	volatile char *end = memory + size - 1;
	char *source_memory = memory + PIN_SIZE;
	struct rdma_cm_id *id, *peer = connect_siw(&id, writes + 1);
	struct ibv_mr *target = register_target(id, memory, PIN_SIZE);
	const struct ibv_mr old = *target;
	struct ibv_mr *source = register_target(peer, source_memory, PIN_SIZE);
	int64_t by_workers;

	EXPECT_CHARGE(2 * PIN_SIZE, 2 * PIN_SIZE, 2);
	*end = 0;
	memset(source_memory, 1, size);
	forget_uncharges();
	REQUIRE(!post_writes(peer, source, target, size, writes));
	await_byte(end);
	usleep(delay);
	deregister_region(target);
	EXPECT_SOON(stat_of(GROUP, "accounts"), 1);
	EXPECT_CHARGE(PIN_SIZE, PIN_SIZE, 1);
	by_workers = uncharged(true);
	/*
	 * It ends for both with the next write. Where all were done, here is one more;
	 * where there is an end already, it fails.
	 */
	post_writes(peer, source, &old, size, 1);
	await_event(events, RDMA_CM_EVENT_DISCONNECTED);
	await_event(peer_events, RDMA_CM_EVENT_DISCONNECTED);
	deregister_region(source);
	EXPECT_ALL_RELEASED();
	put_connection(peer);
	put_connection(id);
	return by_workers;
}

/* Returns how many of the rounds had a worker release the memory. */
static int rounds_of_writes(size_t size)
{
	enum { ROUNDS_OF_WRITES = 40 };
	char *memory = get_transparent_huge_pages(2 * PIN_SIZE);
	int by_worker = 0;

	for (int i = 0; i < ROUNDS_OF_WRITES && !test_failed; i++) {
		const useconds_t delay = i * 97 % 2000;

		if (deregister_during_writes(memory, size, delay) == PIN_SIZE)
			by_worker++;
	}
	put_memory(memory, 2 * PIN_SIZE);
	printf("# a worker released the memory in %d of %d rounds\n", by_worker,
	       ROUNDS_OF_WRITES);
	fflush(stdout);
	return by_worker;
}

static void long_writes_release_memory(void)
{
	EXPECT_EQ(rounds_of_writes(PIN_SIZE) > 0, true);
}

/* At times there is no message on its way, and at times one that has not looked yet. */
static void short_writes_release_memory(void)
{
	rounds_of_writes(16 * KIB);
}

static const struct site siw_site = {
	.stat = "rdma",
	.open = open_site,
	.close = close_site,
};

int main(void)
{
	site = &siw_site;
	pages_of_others = pages_pinned();
	trace_uncharges(true);
	RUN_IN_GROUP(ended_message_holds_nothing);
	RUN_IN_GROUP(rest_of_a_message_releases_memory);
	RUN_IN_GROUP(lost_connection_releases_memory);
	RUN_IN_GROUP(destroyed_queues_release_memory);
	run_test("kill_during_a_message_leaves_nothing",
		 kill_during_a_message_leaves_nothing, make_site_groups,
		 remove_site_groups);
	RUN_IN_GROUP(long_writes_release_memory);
	RUN_IN_GROUP(short_writes_release_memory);
	trace_uncharges(false);
	return end_tests();
}
