// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One buffer that is pinned through several subsystems at once: it counts once in
 * the cgroup, and once for each of them in gross, in whatever order they end.
 *
 *	across-sites		counts every page once
 *	|-- x			pins the buffer through some of them
 *	`-- y			pins the same memory through others
 *
 * across_sites ADDRESS ADDRESS: two PCI devices bound to vfio-pci. There has to be
 * an RDMA device as well: see tests/vm/guest/with-rdma. Wants 2 huge pages.
 *
 * libraries: -libverbs -l:liburing.a
 */
#include <linux/io_uring.h>

#include "ioas_io_uring.h"
#include "ioas_iommufd.h"
#include "ioas_rdma.h"
#include "ioas_udmabuf.h"
#include "ioas_vfio.h"
#include "ioas_xdp.h"

#define PARENT "across-sites"
#define X PARENT "/x"
#define Y PARENT "/y"
#define SIZE (HUGE_PAGE + 5 * PAGE)

static const char *vfio_address, *iommufd_address;
static int memfd;
static char *memory;

/* ---- the sites ---- */

/**
 * struct site - one way to pin the buffer; its state is a variable beside it
 * @stat: its key in ioas.stat
 * @open: gets ready, once in a process
 * @pin: returns 0 or -errno
 * @unpin: undoes it, maybe in a work queue
 */
struct site {
	const char *stat;
	void (*open)(void);
	int (*pin)(void);
	void (*unpin)(void);
};

static struct container container;

static void open_vfio(void)
{
	open_container(&container, &type1_v2, vfio_address);
}

static int pin_vfio(void)
{
	return map(&container, memory, 0, SIZE);
}

static void unpin_vfio(void)
{
	REQUIRE(unmap(&container, 0, SIZE) == (int64_t)SIZE);
}

static int iommufd;
static uint32_t space;

static void open_iommufd_site(void)
{
	const int device_fd = open_cdev(iommufd_address);

	iommufd = open_iommufd();
	bind_device(iommufd, device_fd);
	space = new_ioas(iommufd);
	REQUIRE(!attach(device_fd, space));
}

static int pin_iommufd(void)
{
	return map_at(iommufd, space, memory, 0, SIZE);
}

static void unpin_iommufd(void)
{
	REQUIRE(!unmap_at(iommufd, space, 0, SIZE));
}

static struct rdma rdma;
static struct ibv_mr *region;

static void open_rdma_site(void)
{
	open_rdma(&rdma);
}

static int pin_rdma(void)
{
	return register_region(&rdma, memory, SIZE, &region);
}

static void unpin_rdma(void)
{
	deregister_region(region);
}

static struct io_uring ring;

static void open_io_uring(void)
{
	open_ring(&ring);
}

static int pin_io_uring(void)
{
	return register_buffer(&ring, memory, SIZE);
}

static void unpin_io_uring(void)
{
	unregister_buffers(&ring);
}

static int xdp_socket;

static void open_nothing(void)
{
}

static int pin_xdp(void)
{
	int ret;

	xdp_socket = open_xdp();
	ret = register_umem(xdp_socket, memory, SIZE);
	if (ret)
		close(xdp_socket);
	return ret;
}

static void unpin_xdp(void)
{
	REQUIRE(!close(xdp_socket));
}

static int udmabuf, dmabuf;

static void open_udmabuf_site(void)
{
	udmabuf = open_udmabuf();
}

static int pin_udmabuf(void)
{
	dmabuf = make_udmabuf(udmabuf, memfd, 0, SIZE);
	return dmabuf < 0 ? dmabuf : 0;
}

static void unpin_udmabuf(void)
{
	REQUIRE(!close(dmabuf));
}

static const struct site sites[] = {
	{ "vfio", open_vfio, pin_vfio, unpin_vfio },
	{ "iommufd", open_iommufd_site, pin_iommufd, unpin_iommufd },
	{ "rdma", open_rdma_site, pin_rdma, unpin_rdma },
	{ "io_uring", open_io_uring, pin_io_uring, unpin_io_uring },
	{ "xdp", open_nothing, pin_xdp, unpin_xdp },
	/* Takes no other memory than that of a memfd. */
	{ "dmabuf", open_udmabuf_site, pin_udmabuf, unpin_udmabuf },
};

#define NR_SITES ARRAY_SIZE(sites)

/**
 * struct buffer_kind - what all of them pin
 * @name: for the names of tests
 * @get: its memory; if NULL, that of the memfd
 * @nr_sites: how many sites take it
 */
static const struct buffer_kind {
	const char *name;
	void *(*get)(size_t size);
	unsigned int nr_sites;
} kinds[] = {
	{ "small pages in no order", get_scattered_pages, 5 },
	{ "transparent huge pages", get_transparent_huge_pages, 5 },
	{ "hugetlb", get_hugetlb_pages, 5 },
	{ "memfd", NULL, 6 },
};

static const struct buffer_kind *kind;

static void get_buffer(void)
{
	memory = kind->get ? kind->get(SIZE) : map_memfd(memfd, 0, SIZE);
}

static void open_sites(void)
{
	for (unsigned int i = 0; i < kind->nr_sites; i++)
		sites[i].open();
}

static void pin_all(void)
{
	for (unsigned int i = 0; i < kind->nr_sites; i++)
		EXPECT_EQ(sites[i].pin(), 0);
}

/* ---- what there is to see ---- */

/* Of a cgroup that pins the buffer through the sites whose bits are set. */
static void expect_sites(int line, const char *group, unsigned int pinning)
{
	const int64_t n = __builtin_popcount(pinning);

	/* The last of it may be done by a work queue. */
	EXPECT_SOON(stat_of(group, "accounts"), n);
	expect(line, "ioas.pinned.current", pinned(group), "",
	       pinned(group) == (n ? (int64_t)SIZE : 0), n ? SIZE : 0);
	expect(line, "gross", stat_of(group, "gross"), "",
	       stat_of(group, "gross") == n * (int64_t)SIZE, n * SIZE);
	for (unsigned int i = 0; i < NR_SITES; i++) {
		const int64_t own = pinning >> i & 1 ? SIZE : 0;

		expect(line, sites[i].stat, stat_of(group, sites[i].stat), "",
		       stat_of(group, sites[i].stat) == own, own);
	}
}

#define EXPECT_SITES(group, pinning) expect_sites(__LINE__, group, pinning)

static int64_t root_before;

static void make_groups(void)
{
	make_inner_group(PARENT);
	make_group(X);
	make_group(Y);
	memfd = get_sealed_memfd(SIZE, 0);
	root_before = pinned("");
}

static void remove_groups(void)
{
	close(memfd);
	EXPECT_SITES(PARENT, 0);
	EXPECT_EQ(pinned(""), root_before);
	EXPECT_EQ(remove_group(X), 0);
	EXPECT_EQ(remove_group(Y), 0);
	EXPECT_EQ(remove_group(PARENT), 0);
}

/* ---- in a child ---- */

static void (*child_test)(void);

static void run_in_x(void)
{
	enter_group(X);
	get_buffer();
	open_sites();
	child_test();
}

/* Runs a test in a process of x, which has the sites open. */
static void run_to_end(void)
{
	struct child child;

	start_child(&child, run_in_x);
	EXPECT_EQ(reap_child(&child), 0);
}

/* Whether there was another order after the one that is in the array. */
static bool next_order(unsigned int *order, unsigned int n)
{
	unsigned int i = n - 1, j = n - 1, other;

	while (i && order[i - 1] >= order[i])
		i--;
	if (!i)
		return false;
	while (order[j] <= order[i - 1])
		j--;
	other = order[i - 1];
	order[i - 1] = order[j];
	order[j] = other;
	for (j = n - 1; i < j; i++, j--) {
		other = order[i];
		order[i] = order[j];
		order[j] = other;
	}
	return true;
}

static void released_in_every_order(void)
{
	const unsigned int n = kind->nr_sites;
	unsigned int order[NR_SITES], left;
	unsigned int nr_orders = 0, expected = 1;

	for (unsigned int i = 0; i < n; i++) {
		order[i] = i;
		expected *= i + 1;
	}
	do {
		pin_all();
		left = (1U << n) - 1;
		EXPECT_SITES(X, left);
		for (unsigned int i = 0; i < n; i++) {
			sites[order[i]].unpin();
			left &= ~(1U << order[i]);
			EXPECT_SITES(X, left);
		}
		nr_orders++;
		if (test_failed) {
			printf("# in the order");
			for (unsigned int i = 0; i < n; i++)
				printf(" %s", sites[order[i]].stat);
			printf("\n");
		}
	} while (!test_failed && next_order(order, n));
	if (!test_failed)
		EXPECT_EQ(nr_orders, expected);
}

/* Whoever is first pays; those after it find room. */
static void limit_is_no_limit_for_those_that_come_after(void)
{
	const unsigned int n = kind->nr_sites;

	set_number(X, "ioas.pinned.max", SIZE);
	for (unsigned int first = 0; first < n; first++) {
		for (unsigned int i = 0; i < n; i++)
			EXPECT_EQ(sites[(first + i) % n].pin(), 0);
		EXPECT_SITES(X, (1U << n) - 1);
		for (unsigned int i = 0; i < n; i++)
			sites[i].unpin();
		EXPECT_SITES(X, 0);
	}
	EXPECT_EQ(events_of(X, "max"), 0);
}

static void one_page_less_refuses_whoever_is_first(void)
{
	const unsigned int n = kind->nr_sites;

	set_number(X, "ioas.pinned.max", SIZE - PAGE);
	for (unsigned int i = 0; i < n; i++) {
		EXPECT_EQ(sites[i].pin(), -ENOMEM);
		EXPECT_SITES(X, 0);
	}
	EXPECT_EQ(events_of(X, "max"), n);
	/* And leaves it ready to pin. */
	set_number(X, "ioas.pinned.max", SIZE);
	pin_all();
	EXPECT_SITES(X, (1U << n) - 1);
	for (unsigned int i = 0; i < n; i++)
		sites[i].unpin();
}

static void hold_all(void)
{
	pin_all();
	pause_here();
}

static void kill_with_all_held_leaves_nothing(void)
{
	struct child child;

	child_test = hold_all;
	start_child(&child, run_in_x);
	EXPECT_SITES(X, (1U << kind->nr_sites) - 1);
	kill_child(&child);
	EXPECT_SITES(X, 0);
}

static void exit_with_all_held_leaves_nothing(void)
{
	struct child child;

	child_test = hold_all;
	start_child(&child, run_in_x);
	EXPECT_SITES(X, (1U << kind->nr_sites) - 1);
	end_child(&child);
	EXPECT_SITES(X, 0);
}

/* ---- two cgroups ---- */

static unsigned int x_site, y_site;

static void hold_one(const char *group, const struct site *site)
{
	enter_group(group);
	memory = map_memfd(memfd, 0, SIZE);
	site->open();
	EXPECT_EQ(site->pin(), 0);
	pause_here();
	site->unpin();
}

static void hold_in_x(void)
{
	hold_one(X, &sites[x_site]);
}

static void hold_in_y(void)
{
	hold_one(Y, &sites[y_site]);
}

static void expect_both(int line, unsigned int in_x, unsigned int in_y)
{
	expect_sites(line, X, in_x);
	expect_sites(line, Y, in_y);
	expect_sites(line, PARENT, in_x | in_y);
	expect(line, "x: shared", stat_of(X, "shared"), "",
	       stat_of(X, "shared") == (in_x && in_y ? (int64_t)SIZE : 0),
	       in_x && in_y ? SIZE : 0);
	expect(line, "root: current", pinned("") - root_before, "",
	       pinned("") - root_before == (in_x | in_y ? (int64_t)SIZE : 0),
	       in_x | in_y ? SIZE : 0);
}

#define EXPECT_BOTH(in_x, in_y) expect_both(__LINE__, in_x, in_y)

/* All pairs of different sites, with a limit in the parent that fits one. */
static void siblings_with_different_sites_count_once_in_their_parent(void)
{
	struct child x, y;

	set_number(PARENT, "ioas.pinned.max", SIZE);
	for (x_site = 0; x_site < NR_SITES; x_site++) {
		for (y_site = 0; y_site < NR_SITES; y_site++) {
			if (x_site == y_site)
				continue;
			start_child(&x, hold_in_x);
			EXPECT_BOTH(1U << x_site, 0);
			start_child(&y, hold_in_y);
			EXPECT_BOTH(1U << x_site, 1U << y_site);
			if ((x_site + y_site) % 2)
				end_child(&x);
			else
				kill_child(&x);
			EXPECT_BOTH(0, 1U << y_site);
			end_child(&y);
			EXPECT_BOTH(0, 0);
			if (test_failed) {
				printf("# x pins through %s, y through %s\n",
				       sites[x_site].stat, sites[y_site].stat);
				return;
			}
		}
	}
	EXPECT_EQ(events_of(PARENT, "max"), 0);
}

#define RUN(test) run_test(#test, test, make_groups, remove_groups)
#define RUN_IN_X(test)                                                   \
	do {                                                             \
		child_test = test;                                       \
		run_test(#test, run_to_end, make_groups, remove_groups); \
	} while (0)

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: across_sites ADDRESS ADDRESS\n");
		return 2;
	}
	vfio_address = argv[1];
	iommufd_address = argv[2];
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		kind = &kinds[i];
		test_variant = kind->name;
		RUN_IN_X(released_in_every_order);
		RUN_IN_X(limit_is_no_limit_for_those_that_come_after);
		RUN_IN_X(one_page_less_refuses_whoever_is_first);
		RUN(exit_with_all_held_leaves_nothing);
		RUN(kill_with_all_held_leaves_nothing);
	}
	test_variant = NULL;
	RUN(siblings_with_different_sites_count_once_in_their_parent);
	return end_tests();
}
