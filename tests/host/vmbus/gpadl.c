// SPDX-License-Identifier: GPL-2.0-only
/*
 * GPADL: a list of guest pages that the guest lends to the host.
 */
#include "vmbus/gpadl.h"

#include <stdlib.h>
#include <string.h>

#include "machine/vm.h"
#include "vmbus/vmbus_msg.h"

bool gpadl_complete(const struct gpadl *gpadl)
{
	return gpadl->filled == gpadl->npages;
}

/* Take the page numbers in @bytes bytes; a few too many are padding. */
static void take(struct gpadl *gpadl, const u8 *data, u32 bytes)
{
	u32 n = bytes / 8;

	if (n > gpadl->npages - gpadl->filled)
		n = gpadl->npages - gpadl->filled;
	memcpy(&gpadl->pfn[gpadl->filled], data, n * 8ul);
	gpadl->filled += n;
}

struct gpadl *gpadl_new(const void *payload, u32 len, const char **why)
{
	const struct msg_gpadl_header *m = payload;
	struct gpadl *gpadl;
	u32 range[2];
	u32 npages;

	*why = "GpadlHeader without a range";
	if (len < sizeof(*m) + sizeof(range))
		return NULL;
	*why = "only one range is supported";
	if (m->range_count != 1)
		return NULL;
	*why = "range byte count is no {length, offset} and page numbers";
	if (m->range_bytes < 16 || m->range_bytes % 8)
		return NULL;
	npages = (m->range_bytes - 8u) / 8;
	memcpy(range, m + 1, sizeof(range));
	*why = "range is empty or starts behind its first page";
	if (!range[0] || range[1] >= PAGE_SIZE_4K)
		return NULL;
	*why = "range needs another number of pages than the message has";
	if (((u64)range[0] + range[1] + PAGE_SIZE_4K - 1) / PAGE_SIZE_4K != npages)
		return NULL;

	*why = "out of memory";
	gpadl = calloc(1, sizeof(*gpadl) + npages * sizeof(gpadl->pfn[0]));
	if (!gpadl)
		return NULL;
	gpadl->relid = m->relid;
	gpadl->id = m->gpadl;
	gpadl->bytes = range[0];
	gpadl->offset = range[1];
	gpadl->npages = npages;
	take(gpadl, (const u8 *)(m + 1) + sizeof(range), len - (u32)sizeof(*m) - 8);
	return gpadl;
}

const char *gpadl_add(struct gpadl *gpadl, const void *payload, u32 len)
{
	const struct msg_gpadl_body *m = payload;

	if (len < sizeof(*m) + 8)
		return "GpadlBody without page numbers";
	if (gpadl_complete(gpadl))
		return "GpadlBody for a complete list";
	take(gpadl, (const u8 *)(m + 1), len - (u32)sizeof(*m));
	return NULL;
}

u8 **gpadl_map(const struct gpadl *gpadl, struct vm *vm)
{
	u8 **pages = calloc(gpadl->npages, sizeof(*pages));
	u32 i;

	if (!pages)
		return NULL;
	for (i = 0; i < gpadl->npages; i++) {
		if (gpadl->pfn[i] < 1ull << 52)
			pages[i] = vm_mem(vm, gpadl->pfn[i] * PAGE_SIZE_4K, PAGE_SIZE_4K);
		if (!pages[i]) {
			free(pages);
			return NULL;
		}
	}
	return pages;
}

static bool copy(const struct gpadl *gpadl, struct vm *vm, u64 offset, u8 *data, u32 len, bool in)
{
	u64 at = gpadl->offset + offset;

	if (!gpadl_complete(gpadl) || offset > gpadl->bytes || len > gpadl->bytes - offset)
		return false;
	while (len) {
		u64 pfn = gpadl->pfn[at / PAGE_SIZE_4K];
		u32 n = PAGE_SIZE_4K - at % PAGE_SIZE_4K;
		u8 *page = pfn < 1ull << 52 ? vm_mem(vm, pfn * PAGE_SIZE_4K, PAGE_SIZE_4K) : NULL;

		if (!page)
			return false;
		if (n > len)
			n = len;
		if (in)
			memcpy(page + at % PAGE_SIZE_4K, data, n);
		else
			memcpy(data, page + at % PAGE_SIZE_4K, n);
		data += n;
		len -= n;
		at += n;
	}
	return true;
}

bool gpadl_read(const struct gpadl *gpadl, struct vm *vm, u64 offset, void *data, u32 len)
{
	return copy(gpadl, vm, offset, data, len, false);
}

bool gpadl_write(const struct gpadl *gpadl, struct vm *vm, u64 offset, const void *data, u32 len)
{
	return copy(gpadl, vm, offset, (u8 *)(uintptr_t)data, len, true);
}
