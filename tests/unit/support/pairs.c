// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pairs of a pool, as other programs write them and as the host sees them.
 */
#include <stdio.h>
#include <string.h>

#include "support/pairs.h"

void pairs_put(struct pool_record *record, const char *key, const char *value)
{
	memset(record, 0, sizeof(*record));
	memcpy(record->key, key, strlen(key));
	memcpy(record->value, value, strlen(value));
}

const char *pairs_seen(struct pool *pool)
{
	static char text[4096];
	const char *key, *value;
	size_t at = 0;

	text[0] = 0;
	for (uint32_t i = 0; at < sizeof(text) && !pool_at(pool, i, &key, &value); i++)
		at += snprintf(text + at, sizeof(text) - at, "%s%s=%s", i ? " " : "", key, value);
	return text;
}
