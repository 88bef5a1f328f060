// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a vDPA device in user space (VDUSE) is charged for the memory that it gives
 * as its bounce buffer: an account each, of kind vduse.
 *
 * The program plays a network device, and virtio_vdpa drives it: without a driver
 * there is nothing to bounce. While a test runs nobody answers to the driver, which
 * has nothing to ask once the interface is up.
 */
#include <linux/vduse.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

#include <sys/ioctl.h>

#include "ioas_site.h"

#define QUEUES 2

/**
 * struct vduse - a device
 * @name: what it is called
 * @file: its device file
 * @fd: the same, open for the tests
 */
struct vduse {
	const char *name;
	const char *file;
	int fd;
};

/* A device takes one piece of memory, so there is one for each slot. */
static struct vduse devices[] = {
	{ .name = "vduse-pins0", .file = "/dev/vduse/vduse-pins0" },
	{ .name = "vduse-pins1", .file = "/dev/vduse/vduse-pins1" },
};

/* ---- a device, from begin to end ---- */

static int open_device_file(const struct vduse *device)
{
	int fd = open(device->file, O_RDWR | O_CLOEXEC);

	REQUIRE(fd >= 0);
	return fd;
}

static const struct vduse *served;

/* Says yes to all that the driver asks for. Never returns. */
static void serve(void)
{
	int fd = open_device_file(served);
	struct vduse_dev_request request;
	struct vduse_dev_response response = {
		.result = VDUSE_REQ_RESULT_OK,
	};

	pause_here();
	while (read(fd, &request, sizeof(request)) == sizeof(request)) {
		response.request_id = request.request_id;
		if (request.type == VDUSE_GET_VQ_STATE)
			response.vq_state.index = request.vq_state.index;
		REQUIRE(write(fd, &response, sizeof(response)) ==
			sizeof(response));
	}
	REQUIRE(false);
}

static void start_server(struct child *server, const struct vduse *device)
{
	served = device;
	start_child(server, serve);
	release_child(server);
}

static __attribute__((format(printf, 1, 2))) void
run_command(const char *format, ...)
{
	char command[256];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	printf("# %s\n", command);
	fflush(stdout);
	REQUIRE(!system(command));
}

static void create_device(int control, const struct vduse *device)
{
	const struct virtio_net_config net = { .mtu = 1500 };
	struct vduse_dev_config *config =
		calloc(1, sizeof(*config) + sizeof(net));
	int fd;

	REQUIRE(config);
	snprintf(config->name, sizeof(config->name), "%s", device->name);
	config->device_id = VIRTIO_ID_NET;
	config->features = 1ULL << VIRTIO_F_VERSION_1 |
			   1ULL << VIRTIO_F_ACCESS_PLATFORM;
	config->vq_num = QUEUES;
	config->vq_align = PAGE;
	config->config_size = sizeof(net);
	memcpy(config->config, &net, sizeof(net));
	REQUIRE(!ioctl(control, VDUSE_CREATE_DEV, config));
	free(config);

	fd = open_device_file(device);
	for (unsigned int i = 0; i < QUEUES; i++) {
		struct vduse_vq_config queue = { .index = i, .max_size = 64 };

		REQUIRE(!ioctl(fd, VDUSE_VQ_SETUP, &queue));
	}
	close(fd);
}

/* Its size is what a piece of memory has to have. */
static void set_bounce_size(const struct vduse *device)
{
	char path[PATH_MAX], size[32];

	snprintf(path, sizeof(path), "/sys/class/vduse/%s/bounce_size",
		 device->name);
	snprintf(size, sizeof(size), "%llu", PIN_SIZE);
	REQUIRE(!write_file(path, size));
}

/* Whether the driver has begun to use the bounce buffer. */
static bool takes_memory(const struct vduse *device)
{
	struct vduse_iova_info info = { .last = PIN_SIZE - 1 };
	int fd = open_device_file(device);
	int ret = ioctl(fd, VDUSE_IOTLB_GET_INFO, &info);

	close(fd);
	return !ret && info.capability & VDUSE_IOVA_CAP_UMEM;
}

static void add_device_to_bus(int control, const struct vduse *device)
{
	struct child server;

	create_device(control, device);
	set_bounce_size(device);
	start_server(&server, device);
	run_command("vdpa dev add name %s mgmtdev vduse", device->name);
	/* The driver maps the buffers that it receives into. */
	run_command(
		"ip link set up dev $(ls /sys/bus/vdpa/devices/%s/virtio*/net)",
		device->name);
	kill_child(&server);
	REQUIRE(takes_memory(device));
}

static void remove_device(int control, const struct vduse *device)
{
	char name[VDUSE_NAME_MAX] = "";
	struct child server;

	start_server(&server, device);
	run_command("vdpa dev del %s", device->name);
	kill_child(&server);
	strncpy(name, device->name, sizeof(name) - 1);
	REQUIRE(!ioctl(control, VDUSE_DESTROY_DEV, name));
}

/* ---- the site ---- */

static int umem_ioctl(unsigned int slot, unsigned long request, void *memory,
		      uint64_t size)
{
	struct vduse_iova_umem umem = {
		.uaddr = (uintptr_t)memory,
		.size = size,
	};

	return ioctl(devices[slot].fd, request, &umem) ? -errno : 0;
}

static void open_site(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		devices[i].fd = open_device_file(&devices[i]);
}

static void close_site(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		REQUIRE(!close(devices[i].fd));
}

static int pin_umem(unsigned int slot, void *memory)
{
	return umem_ioctl(slot, VDUSE_IOTLB_REG_UMEM, memory, PIN_SIZE);
}

static void unpin_umem(unsigned int slot)
{
	REQUIRE(!umem_ioctl(slot, VDUSE_IOTLB_DEREG_UMEM, NULL, PIN_SIZE));
}

static const struct site vduse_site = {
	.stat = "vduse",
	.refusal = -ENOMEM,
	.hole_error = -ENOMEM,
	.any_process_unpins = true,
	.open = open_site,
	.close = close_site,
	.pin = pin_umem,
	.unpin = unpin_umem,
};

/* ---- what is not as elsewhere ---- */

static void second_umem_of_a_device_is_not_charged(void)
{
	char *memory = get_small_pages(2 * PIN_SIZE);

	EXPECT_EQ(pin_umem(0, memory), 0);
	EXPECT_EQ(pin_umem(0, memory + PIN_SIZE), -EEXIST);
	EXPECT_CHARGE(PIN_SIZE, PIN_SIZE, 1);
	unpin_umem(0);
	put_memory(memory, 2 * PIN_SIZE);
}

static void umem_goes_as_a_whole_only(void)
{
	void *memory = get_site_memory();

	EXPECT_EQ(pin_umem(0, memory), 0);
	EXPECT_EQ(umem_ioctl(0, VDUSE_IOTLB_DEREG_UMEM, NULL, PIN_SIZE / 2),
		  -EINVAL);
	EXPECT_CHARGE(PIN_SIZE, PIN_SIZE, 1);
	EXPECT_EQ(counted_for_rlimit(), PIN_SIZE);
	unpin_umem(0);
	EXPECT_EQ(umem_ioctl(0, VDUSE_IOTLB_DEREG_UMEM, NULL, PIN_SIZE),
		  -ENOENT);
	put_memory(memory, PIN_SIZE);
}

/* The process lives on, and so does what it is counted for RLIMIT_MEMLOCK. */
static void close_unpins_in_the_mode_of_the_pin(void)
{
	static const char *const modes[] = { "rlimit", "cgroup" };
	void *memory = get_site_memory();

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		set_memlock(modes[i]);
		EXPECT_EQ(pin_umem(0, memory), 0);
		set_memlock(modes[!i]);
		EXPECT_EQ(pin_umem(1, memory), 0);
		EXPECT_EQ(counted_for_rlimit(), PIN_SIZE);
		close_site();
		EXPECT_CHARGE(0, 0, 0);
		EXPECT_EQ(counted_for_rlimit(), 0);
		open_site();
	}
	put_memory(memory, PIN_SIZE);
}

int main(void)
{
	int control = open("/dev/vduse/control", O_RDWR | O_CLOEXEC);

	REQUIRE(control >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		add_device_to_bus(control, &devices[i]);
	run_site_tests(&vduse_site);
	RUN_IN_GROUP(second_umem_of_a_device_is_not_charged);
	RUN_IN_GROUP(umem_goes_as_a_whole_only);
	RUN_IN_GROUP(close_unpins_in_the_mode_of_the_pin);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		remove_device(control, &devices[i]);
	return end_tests();
}
