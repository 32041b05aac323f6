// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp fsck.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hvkvp/command.h"
#include "util/log.h"

/**
 * struct findings - about a pool file
 * @records: in it
 * @empty: have an empty key: the host does not see them
 * @keys: have a key that is not UTF-8
 * @values: have a value that is not UTF-8
 * @altered: the host sees cut, or with U+FFFD
 * @untidy: have garbage after the end of key or value
 * @partial: bytes of a record that is cut off
 * @repeated: have the key of an earlier one; that is no damage
 * @repaired: records that --repair has changed or removed
 */
struct findings {
	uint32_t records;
	uint32_t empty;
	uint32_t keys;
	uint32_t values;
	uint32_t altered;
	uint32_t untidy;
	uint32_t partial;
	uint32_t repeated;
	int repaired;
};

static bool damaged(const struct findings *found)
{
	return found->empty || found->keys || found->values || found->untidy || found->partial;
}

static int examine(struct pool *pool, struct findings *found)
{
	const struct pool_index *index = &pool->index;
	int err = pool_load(pool);

	*found = (struct findings){ 0 };
	if (err)
		return err;
	found->records = index->records;
	found->empty = index->empty;
	found->keys = index->unusable - index->empty;
	found->altered = index->altered;
	found->partial = pool->stamp.size % POOL_RECORD_SIZE;
	for (uint32_t i = pool_index_next(index, POOL_NONE); i != POOL_NONE;
	     i = pool_index_next(index, i)) {
		const struct pool_pair *pair = &index->pairs[i];
		struct pool_record record;

		found->values += !pool_pair_value(pair);
		found->repeated += pool_index_before(index, i) != POOL_NONE;
		if (pool_file_read(&pool->file, i, &record, 1) == 1)
			found->untidy += pool_record_tidy(&record);
	}
	return 0;
}

static void print_count(uint32_t number, const char *what)
{
	if (number)
		printf("    %s%u %s%s\n", command_colour('b'), number, what, command_colour(0));
}

static json_t *as_json(unsigned int number, const struct pool *pool, const struct findings *found)
{
	return json_pack("{s:s, s:s, s:b, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}",
			 "pool", store_pool_name(number), "file", pool->file.path,
			 "damaged", damaged(found), "records", (int)found->records,
			 "empty_keys", (int)found->empty, "unusable_keys", (int)found->keys,
			 "unusable_values", (int)found->values,
			 "altered_for_the_host", (int)found->altered,
			 "garbage_behind_text", (int)found->untidy,
			 "partial_record_bytes", (int)found->partial,
			 "repeated_keys", (int)found->repeated, "repaired", found->repaired);
}

static void as_text(unsigned int number, const struct pool *pool, const struct findings *found)
{
	printf("%s%-9s%s  %s: %u records, %s%s%s\n", command_colour('p'), store_pool_name(number),
	       command_colour(0), pool->file.path, found->records,
	       command_colour(damaged(found) ? 'b' : 'g'), damaged(found) ? "damaged" : "good",
	       command_colour(0));
	print_count(found->empty, "records have no key (--repair removes them)");
	print_count(found->keys, "keys are not UTF-8; the host sees them with U+FFFD (--repair --force removes their records)");
	print_count(found->values, "values are not UTF-8; the host sees them with U+FFFD (set them again, or delete them)");
	print_count(found->untidy, "records have garbage after the end of their text (--repair clears it)");
	print_count(found->partial, "bytes at the end are part of a record (--repair removes them)");
	if (found->altered)
		printf("    %u pairs reach the host cut to what a message holds, or with U+FFFD for what is not UTF-8\n",
		       found->altered);
	if (found->repeated)
		printf("    %u records repeat a key; the last one counts\n", found->repeated);
	if (found->repaired)
		printf("    %srepaired: %d records%s\n", command_colour('g'), found->repaired,
		       command_colour(0));
}

static int check_pool(struct command *command, unsigned int number, json_t *list)
{
	struct pool *pool = &command->store.pools[number];
	struct findings found;
	int err = examine(pool, &found), repaired = 0;

	if (!err && command->repair && damaged(&found)) {
		repaired = pool_tidy(pool, command->force);
		err = repaired < 0 ? repaired : examine(pool, &found);
		found.repaired = repaired;
	}
	if (err)
		return command_fail(EXIT_STORAGE, "%s", pool_why(pool));
	if (list)
		json_array_append_new(list, as_json(number, pool, &found));
	else
		as_text(number, pool, &found);
	return damaged(&found) ? EXIT_DAMAGED : EXIT_OK;
}

/* The warnings of pool_load() repeat what is reported here in full. */
static void no_log(int level, const char *line)
{
	if (level <= LOG_ERR)
		fprintf(stderr, "hvkvp: %s\n", line);
}

int command_fsck(struct command *command)
{
	json_t *list = command->json ? json_array() : NULL;
	int only = -1, ret = EXIT_OK;

	if (command->argc) {
		only = command_pool(command->argv[0]);
		if (only < 0)
			return -only;
	}
	if (command->force && !command->repair)
		return command_fail(EXIT_USAGE, "fsck: --force removes records; it needs --repair");
	log_set_sink(no_log);
	for (int i = 0; i < HVKVP_POOL_COUNT; i++) {
		int code = only < 0 || only == i ? check_pool(command, i, list) : EXIT_OK;

		/* A pool that cannot be read is worse than a damaged one. */
		if (code && ret != EXIT_STORAGE)
			ret = code;
	}
	if (list && command_print_json(list))
		return EXIT_STORAGE;
	return ret;
}
