/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clock.h - the monotonic clock
 */
#ifndef HOST_CLOCK_H
#define HOST_CLOCK_H

#include <time.h>

#include "util/types.h"

/** clock_ns() - the monotonic clock, in nanoseconds */
static inline u64 clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

#endif
