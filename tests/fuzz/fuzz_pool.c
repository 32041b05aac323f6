// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool loader: any bytes as a pool file, and changes in it.
 *
 * Whatever is there, a pair that is set is got back, a key that is deleted is
 * gone, and the others are as they were.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "dir.h"
#include "pool/pool.h"
#include "util/utf.h"
#include "wire/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint32_t count(struct pool *pool)
{
	const char *key, *value;
	uint32_t n = 0;

	while (!pool_at(pool, n, &key, &value)) {
		MUST(key[0] && value);
		n++;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *value, *key, *at;
	/* A byte that is not UTF-8 becomes U+FFFD, three bytes. */
	char first[3 * POOL_KEY_SIZE];
	struct pool pool;
	uint32_t before;
	int created;

	fuzz_put(".kvp_pool_1", data, len);
	pool_init(&pool, fuzz_dir(), 1);
	MUST(!pool_load(&pool));
	MUST(pool.index.records == len / POOL_RECORD_SIZE);
	before = count(&pool);
	created = pool_set(&pool, "fuzz", "value");
	MUST(created >= 0);
	MUST(!pool_get(&pool, "fuzz", &value) && !strcmp(value, "value"));
	MUST(count(&pool) >= before);
	if (!pool_at(&pool, 0, &key, &at)) {
		strcpy(first, key);
		/* The host sees, and asks for, no more than a message holds. */
		first[utf8_prefix(first, strlen(first), WIRE_KEY_UNITS)] = 0;
		MUST(!pool_show(&pool, first, &value));
		/* Only a key that the record has exactly can be deleted. */
		MUST(pool_delete(&pool, first) == 0 || pool_get(&pool, first, &value) == -ENOENT);
		MUST(pool_get(&pool, first, &value) == -ENOENT);
		MUST(pool_delete(&pool, first) == -ENOENT);
	}
	/* What the host sees stays, unless it is to be removed. */
	before = count(&pool);
	MUST(pool_tidy(&pool, false) >= 0);
	MUST(count(&pool) == before && !pool.index.empty);
	MUST(pool_tidy(&pool, true) >= 0);
	MUST(!pool_load(&pool) && !pool.index.unusable);
	before = count(&pool);
	pool_exit(&pool);
	pool_init(&pool, fuzz_dir(), 1);
	MUST(!pool_load(&pool) && count(&pool) == before);
	pool_exit(&pool);
	return 0;
}
