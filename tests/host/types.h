/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * types.h - fixed-width integer names used all over the test host
 */
#ifndef HVHOST_TYPES_H
#define HVHOST_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#endif
