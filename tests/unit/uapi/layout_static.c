// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layout of uapi/, checked by the compiler: for compilers and targets whose
 * programs cannot be run here (32 bits, where a u64 is aligned to 4).
 */
#include <stddef.h>

#include <hv_kvp.h>
#include <hv_kvp_msg.h>

#define SIZE(name, bytes) \
	_Static_assert(sizeof(struct name) == (bytes), "size of " #name);
#define AT(name, member, offset, bytes) \
	_Static_assert(offsetof(struct name, member) == (offset), \
		       "offset of " #name "." #member); \
	_Static_assert(sizeof(((struct name *)0)->member) == (bytes), \
		       "size of " #name "." #member);

#include "uapi/layout.h"
