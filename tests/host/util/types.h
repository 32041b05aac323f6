/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Short integer names for the test host, as the kernel spells them, and the
 * few helpers that every file wants. Everything on the wire is little-endian
 * and so is every machine this runs on.
 */
#ifndef HOST_TYPES_H
#define HOST_TYPES_H

#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_SIZE_4K 4096u

/* A number at any address. */
static inline u32 get32(const u8 *at)
{
	u32 value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline u64 get64(const u8 *at)
{
	u64 value;

	memcpy(&value, at, sizeof(value));
	return value;
}

#endif
