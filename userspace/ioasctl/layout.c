// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the members of the kernel's types are, by BTF. */
#include <errno.h>
#include <string.h>

#include <bpf/btf.h>

#include "layout.h"

/**
 * offset_in() - where a member or variable is
 * @btf: the types
 * @type: name of a struct or a section
 * @name: of the member or variable
 *
 * Return: the offset in bytes, or a negative errno.
 */
int offset_in(const struct btf *btf, const char *type, const char *name)
{
	const struct btf_var_secinfo *var;
	const struct btf_member *member;
	const struct btf_type *t;
	int id, i;

	id = btf__find_by_name(btf, type);
	if (id < 0)
		return id;
	t = btf__type_by_id(btf, id);
	if (btf_is_datasec(t)) {
		var = btf_var_secinfos(t);
		for (i = 0; i < btf_vlen(t); i++)
			if (!strcmp(name, btf__name_by_offset(
						  btf, btf__type_by_id(
							       btf, var[i].type)
							       ->name_off)))
				return var[i].offset;
		return -ENOENT;
	}
	member = btf_members(t);
	for (i = 0; i < btf_vlen(t); i++)
		if (!strcmp(name, btf__name_by_offset(btf, member[i].name_off)))
			return btf_member_bit_offset(t, i) / 8;
	return -ENOENT;
}
