// SPDX-License-Identifier: GPL-2.0-only
/*
 * The volatile write cache: what survives a power cut, over many seeds.
 */
#include "devices/wcache.h"

#include <stdlib.h>
#include <string.h>

#include "test/suites.h"

#define SECTORS	64u
#define SEEDS	400u

static struct wcache *new_cache(u64 seed)
{
	char err[128];
	struct wcache *cache = wcache_new(NULL, SECTORS, seed, err, sizeof(err));

	REQUIRE(cache);
	return cache;
}

static void write_all(struct wcache *cache, u64 first, u32 count, u8 byte, bool durable)
{
	u8 data[SECTORS * WCACHE_SECTOR];

	memset(data, byte, sizeof(data));
	REQUIRE(wcache_write(cache, first, count, data, durable));
}

/* The byte that fills a sector; each sector must be whole. */
static u8 sector(struct wcache *cache, u64 first)
{
	u8 data[WCACHE_SECTOR];
	u32 i;

	REQUIRE(wcache_read(cache, first, 1, data));
	for (i = 1; i < sizeof(data); i++)
		REQUIRE_INT(data[i], data[0]);
	return data[0];
}

static void reads_what_was_written(void)
{
	struct wcache *cache = new_cache(1);

	CHECK_INT(sector(cache, 5), 0);
	write_all(cache, 5, 2, 7, false);
	CHECK_INT(sector(cache, 4), 0);
	CHECK_INT(sector(cache, 5), 7);
	CHECK_INT(sector(cache, 6), 7);
	CHECK_INT(sector(cache, 7), 0);
	CHECK_INT(wcache_dirty(cache), 1);
	wcache_flush(cache);
	CHECK_INT(wcache_dirty(cache), 0);
	wcache_free(cache);
}

static void what_was_flushed_survives(void)
{
	u64 seed;

	for (seed = 0; seed < SEEDS; seed++) {
		struct wcache *cache = new_cache(seed);

		write_all(cache, 0, 8, 1, false);
		wcache_flush(cache);
		write_all(cache, 8, 8, 2, false);
		wcache_cut(cache);
		CHECK_INT(sector(cache, 0), 1);
		CHECK_INT(sector(cache, 7), 1);
		CHECK(sector(cache, 8) == 0 || sector(cache, 8) == 2);
		wcache_free(cache);
	}
}

static void what_was_durable_survives(void)
{
	u64 seed;

	for (seed = 0; seed < SEEDS; seed++) {
		struct wcache *cache = new_cache(seed);

		/* Over an older one that may be kept, which must not come back. */
		write_all(cache, 3, 1, 1, false);
		write_all(cache, 3, 1, 2, true);
		CHECK_INT(wcache_dirty(cache), 1);
		wcache_cut(cache);
		CHECK_INT(sector(cache, 3), 2);
		wcache_free(cache);
	}
}

/* All outcomes of two writes must come about: none, either, both, and torn ones. */
static void any_subset(void)
{
	u32 seen[2][2] = { 0 }, torn = 0, old_only = 0;
	u64 seed;

	for (seed = 0; seed < SEEDS; seed++) {
		struct wcache *cache = new_cache(seed);
		u32 whole[2], i, k;

		write_all(cache, 0, 8, 1, false);
		write_all(cache, 8, 8, 2, false);
		write_all(cache, 20, 1, 3, false);
		write_all(cache, 20, 1, 4, false);
		wcache_cut(cache);
		for (i = 0; i < 2; i++) {
			u32 there = 0;

			for (k = 0; k < 8; k++)
				there += sector(cache, i * 8 + k) == i + 1;
			whole[i] = there == 8;
			torn += there && there < 8;
		}
		seen[whole[0]][whole[1]]++;
		CHECK(sector(cache, 20) == 0 || sector(cache, 20) == 3 || sector(cache, 20) == 4);
		old_only += sector(cache, 20) == 3;
		CHECK_INT(wcache_dirty(cache), 0);
		CHECK_INT(wcache_fate(cache)->cuts, 1);
		CHECK_INT(wcache_fate(cache)->kept + wcache_fate(cache)->lost +
			  wcache_fate(cache)->torn, 4);
		wcache_free(cache);
	}
	CHECK(seen[0][0] && seen[0][1] && seen[1][0] && seen[1][1]);
	CHECK(torn > 20);
	CHECK(old_only > 20);
}

static void the_seed_decides(void)
{
	u8 first[SECTORS], byte;
	u32 run, i, other = 0;

	for (run = 0; run < 12; run++) {
		struct wcache *cache = new_cache(run < 2 ? 9 : run);

		for (i = 0; i < SECTORS; i += 4)
			write_all(cache, i, 4, 1, false);
		wcache_cut(cache);
		for (i = 0; i < SECTORS; i++) {
			byte = sector(cache, i);
			if (!run)
				first[i] = byte;
			else if (run == 1)
				CHECK_INT(byte, first[i]);
			else
				other += byte != first[i];
		}
		wcache_free(cache);
	}
	CHECK(other);
}

static void a_cache_that_lies(void)
{
	u32 lost = 0;
	u64 seed;

	for (seed = 0; seed < SEEDS; seed++) {
		struct wcache *cache = new_cache(seed);

		wcache_lie(cache, true);
		write_all(cache, 0, 1, 1, false);
		write_all(cache, 1, 1, 1, true);
		wcache_flush(cache);
		wcache_cut(cache);
		lost += !sector(cache, 0) || !sector(cache, 1);
		wcache_free(cache);
	}
	CHECK(lost > SEEDS / 4);
}

static void a_full_log(void)
{
	const u32 count = 1024, times = 2 * WCACHE_LOG_MAX / (2 * 1024 * WCACHE_SECTOR);
	struct wcache *cache;
	char err[128];
	u8 *data;
	u32 i;

	cache = wcache_new(NULL, (u64)count * times, 3, err, sizeof(err));
	REQUIRE(cache);
	data = malloc(count * WCACHE_SECTOR);
	memset(data, 5, count * WCACHE_SECTOR);
	for (i = 0; i < times; i++)
		REQUIRE(wcache_write(cache, (u64)i * count, count, data, false));
	CHECK_INT(wcache_dirty(cache), WCACHE_LOG_MAX / (2 * count * WCACHE_SECTOR));
	wcache_cut(cache);
	CHECK_INT(sector(cache, 0), 5);
	CHECK_INT(sector(cache, (times / 2 - 1) * count), 5);
	free(data);
	wcache_free(cache);
}

static void out_of_the_disk(void)
{
	struct wcache *cache = new_cache(1);
	u8 data[2 * WCACHE_SECTOR] = { 0 };
	char err[128];

	CHECK(!wcache_write(cache, SECTORS - 1, 2, data, false));
	CHECK(!wcache_write(cache, SECTORS, 1, data, false));
	CHECK(!wcache_write(cache, ~0ull, 2, data, false));
	CHECK(!wcache_read(cache, SECTORS - 1, 2, data));
	CHECK(!wcache_read(cache, ~0ull, 2, data));
	CHECK(wcache_write(cache, SECTORS - 1, 1, data, false));
	CHECK(wcache_write(cache, SECTORS, 0, data, false));
	CHECK_INT(wcache_dirty(cache), 1);
	wcache_free(cache);
	CHECK(!wcache_new("/nonexistent/image", 8, 1, err, sizeof(err)));
	CHECK(strstr(err, "/nonexistent/image"));
}

static const struct tap_case wcache_cases[] = {
	{ "a read sees each write", reads_what_was_written },
	{ "what was flushed survives", what_was_flushed_survives },
	{ "a durable write survives, over one that is not", what_was_durable_survives },
	{ "any subset of the rest survives, torn or whole", any_subset },
	{ "the same seed, the same outcome", the_seed_decides },
	{ "a cache that ignores flushes loses", a_cache_that_lies },
	{ "a full log: the oldest writes reach the medium", a_full_log },
	{ "sectors that the disk does not have", out_of_the_disk },
};

const struct tap_suite wcache_tests = TAP_SUITE("write cache", wcache_cases);
