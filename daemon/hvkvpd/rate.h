/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A limit on changes in a minute: a token bucket
 *
 * So many changes may come at once, and over time so many a minute.
 */
#ifndef HVKVP_HVKVPD_RATE_H
#define HVKVP_HVKVPD_RATE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct change_rate - changes of late; all zeros is the start
 * @used: what they took of the bucket; a change takes 60000
 * @at: when that was, clock_ms()
 * @exceeded: the last one was too much
 */
struct change_rate {
	uint64_t used;
	uint64_t at;
	bool exceeded;
};

/**
 * change_rate_take() - may there be another change?
 * @rate: the object
 * @per_minute: the limit, at most 1000000; 0: there is none
 * @now: clock_ms()
 *
 * Return: true if it may; then it counts.
 */
bool change_rate_take(struct change_rate *rate, uint64_t per_minute, uint64_t now);

#endif /* HVKVP_HVKVPD_RATE_H */
