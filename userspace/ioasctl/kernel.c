// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether policies can be loaded here, and what libbpf says about it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <linux/magic.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "cgroup.h"
#include "folder.h"
#include "ioasctl.h"
#include "kernel.h"
#include "layout.h"

/*
 * The first words of libbpf about an object, for when something fails that nobody
 * expected; those that follow only say that it failed.
 */
static char first_words[1024];

static int remember_words(enum libbpf_print_level level, const char *format,
			  va_list args)
{
	if (level != LIBBPF_WARN || *first_words)
		return 0;
	vsnprintf(first_words, sizeof(first_words), format, args);
	first_words[strcspn(first_words, "\n")] = '\0';
	return 0;
}

/**
 * libbpf_words() - what libbpf said first since libbpf_forget()
 */
const char *libbpf_words(void)
{
	return first_words;
}

/**
 * libbpf_forget() - forget what libbpf said
 */
void libbpf_forget(void)
{
	*first_words = '\0';
}

/**
 * check_privilege() - say so if privilege is missing
 * @error: a negative errno of the kernel
 *
 * Return: @error
 */
int check_privilege(int error)
{
	if (error == -EPERM || error == -EACCES)
		return fail(error, "that takes privilege: run it as root");
	return error;
}

static int check_bpf(void)
{
	__u32 id = 0;

	if (!bpf_link_get_next_id(0, &id) || errno == ENOENT)
		return 0;
	if (errno == ENOSYS)
		return fail(
			-ENOSYS,
			"this kernel has no BPF: it needs CONFIG_BPF_SYSCALL and CONFIG_BPF_JIT");
	if (errno == EPERM)
		return check_privilege(-EPERM);
	return fail(-errno, "BPF cannot be used: %m");
}

/* @option: what the kernel has to be built with to have it. */
static int check_type(const char *name, const char *option)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id;

	if (!btf)
		return fail(
			-ENOENT,
			"this kernel does not describe its types: it needs CONFIG_DEBUG_INFO_BTF");
	id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
	btf__free(btf);
	if (id < 0)
		return fail(-ENOTSUP,
			    "this kernel has no policies for ioas: it needs %s",
			    option);
	return 0;
}

static int check_bpffs(void)
{
	struct statfs fs;

	if (!statfs(BPFFS_MOUNT, &fs) && fs.f_type == BPF_FS_MAGIC)
		return 0;
	return fail(-ENOENT, "there is no bpffs: mount -t bpf bpf %s",
		    BPFFS_MOUNT);
}

/**
 * kernel_check() - can policies be loaded here?
 *
 * Return: 0 or a negative errno, after a message.
 */
int kernel_check(void)
{
	int ret;

	libbpf_set_print(remember_words);
	ret = cgroup_check_controller();
	ret = ret ?: check_bpf();
	ret = ret ?: check_type(STRUCT_OPS_TYPE, "CONFIG_CGROUP_IOAS_BPF");
	return ret ?: check_bpffs();
}

/**
 * kernel_check_struct_ops() - can what decides for a cgroup be attached here?
 *
 * After kernel_check(), which is enough for all else: without CONFIG_BPF_JIT the kernel
 * has the controller's types and functions, but nothing to attach a struct_ops with.
 *
 * Return: 0 or a negative errno, after a message.
 */
int kernel_check_struct_ops(void)
{
	return check_type(STRUCT_OPS_VALUE, "CONFIG_BPF_JIT");
}
