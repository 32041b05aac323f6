// SPDX-License-Identifier: GPL-2.0-only
/*
 * The data of a GPA-direct packet.
 */
#include "vmbus/gpa_ranges.h"

#include <string.h>

#include "machine/vm.h"

#define TOTAL_MAX (64u << 20)	/* far more than any packet, far less than overflows */

/**
 * struct copy - bytes between ranges and a buffer.
 * @in: where to, or NULL. @out: where from, or NULL.
 * @room: bytes of the buffer.
 * @done: bytes of ranges so far, in the buffer or beyond its end.
 */
struct copy {
	u8 *in;
	const u8 *out;
	u32 room;
	u32 done;
};

static void copy_part(struct copy *copy, u8 *guest, u32 len)
{
	u32 left = copy->done < copy->room ? copy->room - copy->done : 0;

	if (left > len)
		left = len;
	if (left && copy->in)
		memcpy(copy->in + copy->done, guest, left);
	else if (left)
		memcpy(guest, copy->out + copy->done, left);
	copy->done += len;
}

/* One range. Returns NULL or what is wrong. */
static const char *copy_range(struct vm *vm, const u8 *pfns, u32 offset, u32 len, struct copy *copy)
{
	while (len) {
		u64 pfn = get64(pfns);
		u8 *page = pfn < 1ull << 52 ? vm_mem(vm, pfn * PAGE_SIZE_4K, PAGE_SIZE_4K) : NULL;
		u32 n = PAGE_SIZE_4K - offset;

		if (!page)
			return "a page of a GPA-direct packet is no RAM";
		if (n > len)
			n = len;
		copy_part(copy, page + offset, n);
		len -= n;
		offset = 0;
		pfns += 8;
	}
	return NULL;
}

static u32 copy_ranges(struct vm *vm, const u8 *list, u32 list_len, struct copy *copy,
		       const char **why)
{
	u32 count;

	*why = "a GPA-direct packet without a list of ranges";
	if (list_len < 8)
		return 0;
	count = get32(list + 4);
	*why = "a GPA-direct packet with no or too many ranges";
	if (!count || count > GPA_RANGES_MAX)
		return 0;
	list += 8;
	list_len -= 8;
	while (count--) {
		u32 len, offset, npages;

		*why = "a GPA-direct packet's ranges reach behind its list";
		if (list_len < 8)
			return 0;
		len = get32(list);
		offset = get32(list + 4);
		list += 8;
		list_len -= 8;
		*why = "a range of a GPA-direct packet is empty, too long or starts behind its page";
		if (!len || len > TOTAL_MAX - copy->done || offset >= PAGE_SIZE_4K)
			return 0;
		npages = (offset + len + PAGE_SIZE_4K - 1) / PAGE_SIZE_4K;
		*why = "a GPA-direct packet's ranges reach behind its list";
		if (npages > list_len / 8)
			return 0;
		*why = copy_range(vm, list, offset, len, copy);
		if (*why)
			return 0;
		list += npages * 8ul;
		list_len -= npages * 8;
	}
	*why = NULL;
	return copy->done;
}

u32 gpa_ranges_read(struct vm *vm, const u8 *list, u32 list_len, u8 *data, u32 room,
		    const char **why)
{
	struct copy copy = { .in = data, .room = room };

	return copy_ranges(vm, list, list_len, &copy, why);
}

u32 gpa_ranges_write(struct vm *vm, const u8 *list, u32 list_len, const u8 *data, u32 len,
		     const char **why)
{
	struct copy copy = { .out = data, .room = len };

	return copy_ranges(vm, list, list_len, &copy, why);
}
