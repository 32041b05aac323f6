/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GPADL: a list of guest pages that the guest lends to the host.
 *
 * A GpadlHeader message starts it, GpadlBody messages bring the page numbers
 * that did not fit. Only lists of one range are taken, as for rings.
 */
#ifndef HOST_GPADL_H
#define HOST_GPADL_H

#include <stdbool.h>

#include "util/types.h"

struct vm;

/* Most pages of one list: the 16-bit byte count of a range allows no more. */
#define GPADL_PAGES_MAX 8190u

/**
 * struct gpadl - a list, complete or still arriving.
 * @next: the bus's list of them.
 * @id: the guest's number for it.
 * @relid: channel that it was made for.
 * @bytes: length of the range that the pages hold.
 * @offset: where in the first page it starts.
 * @npages: number of page numbers when complete.
 * @filled: number of page numbers that have arrived.
 * @pfn: the page numbers.
 */
struct gpadl {
	struct gpadl *next;
	u32 id;
	u32 relid;
	u32 bytes;
	u32 offset;
	u32 npages;
	u32 filled;
	u64 pfn[];
};

/**
 * gpadl_new() - start a list from a GpadlHeader message.
 * @payload: the message, type checked, at least @len bytes.
 * @len: its length.
 * @why: receives a constant text when the result is NULL.
 *
 * Return: the list, to be freed with free(), or NULL.
 */
struct gpadl *gpadl_new(const void *payload, u32 len, const char **why);

/**
 * gpadl_add() - add the page numbers of a GpadlBody message.
 * @gpadl: a list that is not complete.
 * @payload: the message, type checked.
 * @len: its length.
 *
 * Return: NULL, or a constant text that says what is wrong.
 */
const char *gpadl_add(struct gpadl *gpadl, const void *payload, u32 len);

/** gpadl_complete() - have all page numbers arrived? */
bool gpadl_complete(const struct gpadl *gpadl);

/**
 * gpadl_map() - get at the pages of a list.
 * @gpadl: a complete list.
 * @vm: whose memory it is.
 *
 * Return: an array of @gpadl->npages host addresses, which the caller frees;
 * NULL if a page is no RAM or memory is out.
 */
u8 **gpadl_map(const struct gpadl *gpadl, struct vm *vm);

/**
 * gpadl_read(), gpadl_write() - copy out of and into the range of a list.
 * @gpadl: a list.
 * @vm: whose memory it is.
 * @offset: where in the range.
 * @len: bytes.
 *
 * Return: false, perhaps after a part was copied, unless the list is complete and
 * all of it is RAM and in the range.
 */
bool gpadl_read(const struct gpadl *gpadl, struct vm *vm, u64 offset, void *data, u32 len);
bool gpadl_write(const struct gpadl *gpadl, struct vm *vm, u64 offset, const void *data, u32 len);

#endif
