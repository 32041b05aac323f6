// SPDX-License-Identifier: GPL-2.0-only
/*
 * The data of a GPA-direct packet.
 */
#include "vmbus/gpa_ranges.h"

#include <string.h>

#include "machine/vm.h"

#define TOTAL_MAX (64u << 20)	/* far more than any packet, far less than overflows */

/* One range; @done bytes are in @data or did not fit. Returns NULL or what is wrong. */
static const char *read_range(struct vm *vm, const u8 *pfns, u32 offset, u32 len, u8 *data,
			      u32 room, u32 done)
{
	while (len) {
		u64 pfn = get64(pfns);
		u8 *page = pfn < 1ull << 52 ? vm_mem(vm, pfn * PAGE_SIZE_4K, PAGE_SIZE_4K) : NULL;
		u32 n = PAGE_SIZE_4K - offset;

		if (!page)
			return "a page of a GPA-direct packet is no RAM";
		if (n > len)
			n = len;
		if (done < room)
			memcpy(data + done, page + offset, n < room - done ? n : room - done);
		done += n;
		len -= n;
		offset = 0;
		pfns += 8;
	}
	return NULL;
}

u32 gpa_ranges_read(struct vm *vm, const u8 *list, u32 list_len, u8 *data, u32 room,
		    const char **why)
{
	u32 count, done = 0;

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
		if (!len || len > TOTAL_MAX - done || offset >= PAGE_SIZE_4K)
			return 0;
		npages = (offset + len + PAGE_SIZE_4K - 1) / PAGE_SIZE_4K;
		*why = "a GPA-direct packet's ranges reach behind its list";
		if (npages > list_len / 8)
			return 0;
		*why = read_range(vm, list, offset, len, data, room, done);
		if (*why)
			return 0;
		list += npages * 8ul;
		list_len -= npages * 8;
		done += len;
	}
	*why = NULL;
	return done;
}
