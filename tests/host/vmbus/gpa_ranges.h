/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data of a GPA-direct packet: ranges of guest pages that the packet itself
 * lists between its header and its payload.
 *
 * Layout: reserved u32, range count u32, then for each range {length u32, offset
 * in its first page u32, page number u64 for each page it touches}.
 */
#ifndef HOST_GPA_RANGES_H
#define HOST_GPA_RANGES_H

#include "util/types.h"

struct vm;

/* Most ranges of one packet: what a Linux guest may list. */
#define GPA_RANGES_MAX 32u

/**
 * gpa_ranges_read() - gather what the ranges hold.
 * @vm: whose memory it is.
 * @list: what ring_extra() gave.
 * @list_len: its length in bytes; padding behind the last range is fine.
 * @data: receives at most @room bytes, the first ones.
 * @room: size of @data.
 * @why: receives a constant text if the list is wrong, else NULL.
 *
 * Return: the bytes that all ranges hold together, which may be more than @room;
 * 0 if the list is wrong.
 */
u32 gpa_ranges_read(struct vm *vm, const u8 *list, u32 list_len, u8 *data, u32 room,
		    const char **why);

/**
 * gpa_ranges_write() - scatter into what the ranges cover.
 * @vm, @list, @list_len, @why: as above.
 * @data: @len bytes.
 *
 * Return: the bytes that all ranges hold together, which may be more or less than @len;
 * 0 if the list is wrong, perhaps after a part was written.
 */
u32 gpa_ranges_write(struct vm *vm, const u8 *list, u32 list_len, const u8 *data, u32 len,
		     const char **why);

#endif
