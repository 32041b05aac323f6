// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp list, get.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hvkvp/command.h"
#include "hvkvp/edits.h"
#include "util/escape.h"

/**
 * struct listing - how pairs are printed
 * @json: array, or NULL for text
 * @table: print an aligned table, for a terminal
 * @measuring: first pass, to find the width of the table
 * @key_width: columns of the longest key
 */
struct listing {
	json_t *json;
	bool table;
	bool measuring;
	int key_width;
};

static void list_pair(struct listing *listing, unsigned int pool,
		      const char *key, const char *value)
{
	char shown_key[SHOWN_KEY_SIZE], shown_value[SHOWN_VALUE_SIZE];
	int width;

	if (listing->json) {
		json_array_append_new(listing->json, command_json_pair(pool, key, value));
		return;
	}
	escape(key, shown_key, sizeof(shown_key));
	width = command_columns(shown_key);
	if (listing->measuring) {
		if (width > listing->key_width)
			listing->key_width = width;
		return;
	}
	escape(value, shown_value, sizeof(shown_value));
	if (listing->table)
		printf("%s%-9s%s  %s%s%s%*s  %s\n", command_colour('p'), store_pool_name(pool),
		       command_colour(0), command_colour('k'), shown_key, command_colour(0),
		       listing->key_width - width, "", shown_value);
	else
		printf("%s\t%s\t%s\n", store_pool_name(pool), shown_key, shown_value);
}

static int list_auto(struct command *command, struct listing *listing)
{
	const char *key, *value;
	char fact[FACT_SIZE];

	for (unsigned int i = 0; i < facts_count(&command->facts); i++) {
		value = facts_at(&command->facts, i, &key, fact, sizeof(fact));
		list_pair(listing, HVKVP_POOL_AUTO, key, value);
	}
	return EXIT_OK;
}

static int list_pool(struct command *command, struct listing *listing, unsigned int number)
{
	struct pool *pool = &command->store.pools[number];
	const struct pool_index *index = &pool->index;

	if (number == HVKVP_POOL_AUTO)
		return list_auto(command, listing);
	if (pool_load(pool))
		return command_fail(EXIT_STORAGE, "%s", pool_why(pool));
	for (uint32_t i = pool_index_next(index, POOL_NONE); i != POOL_NONE;
	     i = pool_index_next(index, i))
		if (pool_index_value(index, i))
			list_pair(listing, number, pool_index_key(index, i),
				  pool_index_value(index, i));
	return EXIT_OK;
}

static int list_pools(struct command *command, struct listing *listing, int only)
{
	int ret = EXIT_OK;

	for (int i = 0; i < HVKVP_POOL_COUNT; i++) {
		if (only < 0 || only == i) {
			int code = list_pool(command, listing, i);

			/* The pools that can be read are still printed. */
			if (code)
				ret = code;
		}
	}
	return ret;
}

int command_list(struct command *command)
{
	struct listing listing = { .table = isatty(STDOUT_FILENO) };
	int only = -1, ret;

	if (command->argc) {
		only = command_pool(command->argv[0]);
		if (only < 0)
			return -only;
	}
	if (command->json) {
		listing.json = json_array();
		ret = list_pools(command, &listing, only);
		return command_print_json(listing.json) ? EXIT_STORAGE : ret;
	}
	if (listing.table) {
		listing.measuring = true;
		ret = list_pools(command, &listing, only);
		if (ret)
			listing.table = false;	/* the error has been printed once */
		listing.measuring = false;
	}
	return list_pools(command, &listing, only);
}

static int unusable_value(const struct pool *pool, const char *key)
{
	char shown[SHOWN_KEY_SIZE];

	return command_fail(EXIT_STORAGE, "%s: the value of \"%s\" is not valid UTF-8; set it again, or delete it",
			    pool->file.path, escape(key, shown, sizeof(shown)));
}

static int get_joined(struct command *command, int number, const char *key)
{
	struct pool *pool = &command->store.pools[number];
	int err = pool_load(pool), ret;
	char shown[SHOWN_KEY_SIZE];
	char *whole = NULL;

	if (err)
		return command_fail(EXIT_STORAGE, "%s", pool_why(pool));
	err = pieces_join(&pool->index, command->join, key, &whole);
	if (err == -ENOENT)
		ret = command_not_found(number, key);
	else if (err == -EBADMSG)
		ret = unusable_value(pool, key);
	else if (err == -EINVAL)
		ret = command_fail(EXIT_STORAGE, "%s: the pieces of \"%s\" are not one event: one is missing, or not valid JSON; get \"%s|0\" and so on",
				   pool->file.path, escape(key, shown, sizeof(shown)), shown);
	else if (err)
		ret = command_fail(EXIT_STORAGE, "out of memory");
	else
		ret = command_print_value(command, number, key, whole);
	free(whole);
	return ret;
}

int command_get(struct command *command)
{
	int number = command_pool(command->argv[0]);
	const char *key = command->argv[1], *value;
	char fact[FACT_SIZE];
	struct pool *pool;
	int err;

	if (number < 0)
		return -number;
	pool = &command->store.pools[number];
	if (number == HVKVP_POOL_AUTO) {
		value = facts_get(&command->facts, key, fact, sizeof(fact));
		return value ? command_print_value(command, number, key, value) :
			       command_not_found(number, key);
	}
	if (command->join != JOIN_NONE)
		return get_joined(command, number, key);
	err = pool_get(pool, key, &value);
	if (err == -ENOENT)
		return command_not_found(number, key);
	if (err == -EBADMSG)
		return unusable_value(pool, key);
	if (err)
		return command_fail(EXIT_STORAGE, "%s", pool_why(pool));
	return command_print_value(command, number, key, value);
}
