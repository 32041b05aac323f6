// SPDX-License-Identifier: GPL-2.0-only
/*
 * A limit on changes in a minute.
 */
#include "hvkvpd/rate.h"

#define MINUTE_MS 60000

bool change_rate_take(struct change_rate *rate, uint64_t per_minute, uint64_t now)
{
	uint64_t elapsed = now - rate->at, drained;

	/* In a minute, a full bucket is empty. */
	if (elapsed > MINUTE_MS)
		elapsed = MINUTE_MS;
	drained = elapsed * per_minute;
	rate->used = rate->used > drained ? rate->used - drained : 0;
	rate->at = now;
	rate->exceeded = per_minute && rate->used + MINUTE_MS > per_minute * MINUTE_MS;
	if (!rate->exceeded && per_minute)
		rate->used += MINUTE_MS;
	return !rate->exceeded;
}
