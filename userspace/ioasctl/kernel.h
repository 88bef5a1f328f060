/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether policies can be loaded here, and what libbpf says about it. */
#ifndef IOASCTL_KERNEL_H
#define IOASCTL_KERNEL_H

int kernel_check(void);
int kernel_check_struct_ops(void);
int check_privilege(int error);
const char *libbpf_words(void);
void libbpf_forget(void);

#endif /* IOASCTL_KERNEL_H */
