/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The monotonic clock
 */
#ifndef HVKVP_UTIL_CLOCK_H
#define HVKVP_UTIL_CLOCK_H

#include <stdint.h>
#include <time.h>

/** clock_ns() - CLOCK_MONOTONIC in nanoseconds. */
static inline uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/** clock_ms() - CLOCK_MONOTONIC in milliseconds. */
static inline uint64_t clock_ms(void)
{
	return clock_ns() / 1000000;
}

/** clock_left() - milliseconds until @end_ms of clock_ms(); 0 if it has passed. */
static inline unsigned int clock_left(uint64_t end_ms)
{
	uint64_t now = clock_ms();

	return now < end_ms ? end_ms - now : 0;
}

#endif /* HVKVP_UTIL_CLOCK_H */
