// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pairs of a pool, as other programs write them and as the host sees them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "c/tap.h"
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

void pairs_die(struct pool *pool)
{
	pool_index_clear(&pool->index);
	pool_journal_exit(&pool->journal);
	pool_file_exit(&pool->file);
}

void pairs_forget_boot(const char *path)
{
	int fd = open(path, O_RDWR);
	char byte;

	/* In the checksum of the state block; there may be none. */
	if (pread(fd, &byte, 1, 8) == 1) {
		byte = ~byte;
		CHECK_INT(pwrite(fd, &byte, 1, 8), 1);
	}
	close(fd);
}
