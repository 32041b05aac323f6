// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp list, get, set, del.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hvkvp/command.h"
#include "util/escape.h"
#include "wire/chunks.h"

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
	char value[FACT_SIZE];

	for (unsigned int i = 0; i < FACTS_COUNT; i++) {
		facts_value(&command->facts, i, value, sizeof(value));
		list_pair(listing, HVKVP_POOL_AUTO, facts_name(i), value);
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

/* Append a piece. Return: false without memory. */
static bool add_piece(char **whole, size_t *len, const char *piece)
{
	size_t more = strlen(piece);
	char *grown = realloc(*whole, *len + more + 1);

	if (!grown)
		return false;
	memcpy(grown + *len, piece, more + 1);
	*whole = grown;
	*len += more;
	return true;
}

/* Append the value of a record. Return: 0, -EBADMSG, -ENOMEM. */
static int add_record(char **whole, size_t *len, const struct pool_index *index, uint32_t number)
{
	const char *piece = pool_index_value(index, number);

	if (!piece)
		return -EBADMSG;
	return add_piece(whole, len, piece) ? 0 : -ENOMEM;
}

/* All pieces of a value, by one convention. Return: 0, -ENOENT, -EBADMSG, -ENOMEM. */
static int join(struct pool *pool, enum chunk_style style, const char *key, char **whole)
{
	const struct pool_index *index = &pool->index;
	char piece_key[POOL_KEY_SIZE];
	uint32_t found = 0, number;
	size_t len = 0;
	int err = 0;

	*whole = NULL;
	if (style == CHUNK_AZURE) {
		for (number = pool_index_next(index, POOL_NONE); number != POOL_NONE && !err;
		     number = pool_index_next(index, number)) {
			if (strcmp(pool_index_key(index, number), key))
				continue;
			err = add_record(whole, &len, index, number);
			found++;
		}
		return err ? err : found ? 0 : -ENOENT;
	}
	while (!err && !chunk_key(style, key, found, piece_key, sizeof(piece_key))) {
		number = pool_index_last(index, piece_key);
		if (number == POOL_NONE)
			break;
		err = add_record(whole, &len, index, number);
		found++;
	}
	return err ? err : found ? 0 : -ENOENT;
}

static int get_joined(struct command *command, int number, const char *key)
{
	struct pool *pool = &command->store.pools[number];
	int first = command->join == JOIN_ANY ? 0 : command->join;
	int last = command->join == JOIN_ANY ? CHUNK_STYLES - 1 : command->join;
	int err = pool_load(pool), ret;
	char *whole = NULL;

	if (err)
		return command_fail(EXIT_STORAGE, "%s", pool_why(pool));
	for (int style = first; style <= last; style++) {
		free(whole);
		err = join(pool, style, key, &whole);
		if (err != -ENOENT)
			break;
	}
	if (err == -ENOENT)
		ret = command_not_found(number, key);
	else if (err == -EBADMSG)
		ret = unusable_value(pool, key);
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
		int index = facts_find(key);

		if (index < 0)
			return command_not_found(number, key);
		facts_value(&command->facts, index, fact, sizeof(fact));
		return command_print_value(command, number, key, fact);
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

static int changed(const struct command *command, int number, const char *result)
{
	if (!command->json)
		return EXIT_OK;
	return command_print_json(json_pack("{s:s, s:s, s:s}", "pool", store_pool_name(number),
					    "key", command->argv[1], "result", result));
}

static int write_piece(struct pool *pool, enum chunk_style style, const char *key,
		       const char *value)
{
	int ret = style == CHUNK_AZURE ? pool_add(pool, key, value) : pool_set(pool, key, value);

	return ret < 0 ? ret : 0;
}

/* Write all pieces, and remove those of an earlier, longer value. */
static int set_split(struct pool *pool, enum chunk_style style, const char *key,
		     const char *value)
{
	char piece_key[POOL_KEY_SIZE], piece[POOL_VALUE_SIZE];
	unsigned int index = 0;
	int err = 0;

	if (style == CHUNK_AZURE) {
		err = pool_delete(pool, key);
		err = err == -ENOENT ? 0 : err;
	}
	do {
		size_t len = chunk_length(style, value);

		memcpy(piece, value, len);
		piece[len] = 0;
		value += len;
		if (!err && chunk_key(style, key, index, piece_key, sizeof(piece_key)))
			err = error_set(&pool->error, -EMSGSIZE, "the key is too long");
		if (!err)
			err = write_piece(pool, style, piece_key, piece);
		index++;
	} while (!err && *value);
	while (!err && style != CHUNK_AZURE &&
	       !chunk_key(style, key, index, piece_key, sizeof(piece_key))) {
		err = pool_delete(pool, piece_key);
		index++;
	}
	return err == -ENOENT ? 0 : err;
}

int command_set(struct command *command)
{
	int number = command_pool(command->argv[0]), ret;
	struct pool *pool;

	if (number < 0)
		return -number;
	ret = command_may_write(command, number);
	if (ret)
		return ret;
	pool = &command->store.pools[number];
	if (command->split >= 0) {
		ret = pool_check_key(command->argv[1]);
		if (ret)
			return command_fail(EXIT_USAGE, "the key is empty, too long, or not valid UTF-8");
		ret = set_split(pool, command->split, command->argv[1], command->argv[2]);
		return ret ? command_set_failed(pool, ret) : changed(command, number, "changed");
	}
	ret = pool_set(pool, command->argv[1], command->argv[2]);
	if (ret < 0)
		return command_set_failed(pool, ret);
	return changed(command, number, ret ? "created" : "changed");
}

int command_del(struct command *command)
{
	int number = command_pool(command->argv[0]), err;
	struct pool *pool;

	if (number < 0)
		return -number;
	err = command_may_write(command, number);
	if (err)
		return err;
	pool = &command->store.pools[number];
	err = pool_delete(pool, command->argv[1]);
	if (err == -ENOENT)
		return command_not_found(number, command->argv[1]);
	if (err)
		return command_fail(EXIT_STORAGE, "%s", pool_why(pool));
	return changed(command, number, "deleted");
}
