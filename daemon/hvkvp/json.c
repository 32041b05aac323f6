// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp export, import.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hvkvp/command.h"
#include "hvkvp/edits.h"

static int export_pool(struct pool *pool, unsigned int number, json_t *list)
{
	const struct pool_index *index = &pool->index;

	if (pool_load(pool))
		return command_fail(EXIT_STORAGE, "%s", pool_why(pool));
	for (uint32_t i = pool_index_next(index, POOL_NONE); i != POOL_NONE;
	     i = pool_index_next(index, i))
		if (pool_index_value(index, i))
			json_array_append_new(list, command_json_pair(number,
								      pool_index_key(index, i),
								      pool_index_value(index, i)));
	return EXIT_OK;
}

int command_export(struct command *command)
{
	json_t *list = json_array();
	int only = -1, ret = EXIT_OK;

	if (command->argc) {
		only = command_pool(command->argv[0]);
		if (only < 0)
			return -only;
	}
	for (int i = 0; i < HVKVP_POOL_COUNT && !ret; i++)
		if (i != HVKVP_POOL_AUTO && (only < 0 || only == i))
			ret = export_pool(&command->store.pools[i], i, list);
	if (ret) {
		json_decref(list);
		return ret;	/* all or nothing */
	}
	return command_print_json(list);
}

/**
 * struct item - a pair to be imported
 * @number: of the pool
 * @key: text
 * @value: text
 */
struct item {
	int number;
	const char *key;
	const char *value;
};

static int parse_item(const struct command *command, const json_t *object, size_t index,
		     struct item *item)
{
	const char *pool = json_string_value(json_object_get(object, "pool"));
	int err;

	item->key = json_string_value(json_object_get(object, "key"));
	item->value = json_string_value(json_object_get(object, "value"));
	if (!pool || !item->key || !item->value)
		return command_fail(EXIT_USAGE, "%s: element %zu: not an object with the strings pool, key and value",
				    command->argv[0], index);
	item->number = command_pool(pool);
	if (item->number < 0)
		return -item->number;
	err = command_may_write(command, item->number);
	if (err)
		return err;
	if (pool_check_key(item->key) || pool_check_value(item->value))
		return command_fail(EXIT_USAGE, "%s: element %zu: the key or the value is too long, or the key is empty",
				    command->argv[0], index);
	return EXIT_OK;
}

/**
 * struct import - pairs on their way into the pools
 * @counts: for each pool, how often each key comes: an object of numbers; owned
 * @edits: for each pool
 */
struct import {
	json_t *counts[HVKVP_POOL_COUNT];
	struct edits edits[HVKVP_POOL_COUNT];
};

static void count_key(json_t *counts, const char *key, int more)
{
	json_int_t count = json_integer_value(json_object_get(counts, key));

	json_object_set_new(counts, key, json_integer(count + more));
}

/* Check everything, before anything is written. */
static int count_items(const struct command *command, const json_t *list, struct import *import)
{
	struct item item;
	int ret = EXIT_OK;

	for (size_t i = 0; i < json_array_size(list) && !ret; i++) {
		ret = parse_item(command, json_array_get(list, i), i, &item);
		if (!ret)
			count_key(import->counts[item.number], item.key, 1);
	}
	return ret;
}

/* Several values of one key: all of them, in this order, and no others. */
static int add_item(struct import *import, const struct item *item)
{
	json_t *counts = import->counts[item->number];
	struct edits *edits = &import->edits[item->number];
	json_int_t count = json_integer_value(json_object_get(counts, item->key));
	int err = 0;

	if (count == 1)
		return edits_add(edits, POOL_EDIT_SET, item->key, item->value);
	/* Below zero: it has been removed already. */
	if (count > 0) {
		err = edits_add(edits, POOL_EDIT_DELETE, item->key, NULL);
		count_key(counts, item->key, -count - 1);
	}
	return err ? err : edits_add(edits, POOL_EDIT_ADD, item->key, item->value);
}

/* Each pool in one change. */
static int write_items(struct command *command, const json_t *list, struct import *import)
{
	struct item item;
	int ret = EXIT_OK;

	for (size_t i = 0; i < json_array_size(list) && !ret; i++) {
		ret = parse_item(command, json_array_get(list, i), i, &item);
		if (!ret && add_item(import, &item))
			ret = command_fail(EXIT_STORAGE, "out of memory");
	}
	for (int i = 0; i < HVKVP_POOL_COUNT && !ret; i++) {
		struct edits *edits = &import->edits[i];
		struct pool *pool = &command->store.pools[i];
		int err = edits->count ? pool_edit(pool, edits->list, edits->count) : 0;

		if (err)
			ret = command_set_failed(pool, err);
	}
	return ret;
}

static int import_list(struct command *command, const json_t *list)
{
	struct import import = { 0 };
	int ret;

	for (int i = 0; i < HVKVP_POOL_COUNT; i++)
		import.counts[i] = json_object();
	ret = count_items(command, list, &import);
	if (!ret)
		ret = write_items(command, list, &import);
	for (int i = 0; i < HVKVP_POOL_COUNT; i++) {
		json_decref(import.counts[i]);
		edits_free(&import.edits[i]);
	}
	return ret;
}

/* Return: exit code; *@list is the caller's. */
static int load_file(const char *path, json_t **list)
{
	bool standard = !strcmp(path, "-");
	FILE *stream = standard ? stdin : fopen(path, "re");
	json_error_t error;
	int ret = EXIT_OK;

	if (!stream)
		return command_fail(EXIT_STORAGE, "%s: %s", path, strerror(errno));
	*list = json_loadf(stream, 0, &error);
	if (!*list && ferror(stream))
		ret = command_fail(EXIT_STORAGE, "%s: cannot be read", path);
	else if (!*list)
		ret = command_fail(EXIT_USAGE, "%s: line %d: %s", path, error.line, error.text);
	if (!standard)
		fclose(stream);
	return ret;
}

int command_import(struct command *command)
{
	const char *path = command->argv[0];
	json_t *list = NULL;
	size_t count;
	int ret = load_file(path, &list);

	if (ret)
		return ret;
	if (!json_is_array(list))
		ret = command_fail(EXIT_USAGE, "%s: not an array of pairs, as hvkvp export prints it",
				   path);
	count = json_array_size(list);
	if (!ret)
		ret = import_list(command, list);
	json_decref(list);
	if (!ret && command->json)
		return command_print_json(json_pack("{s:I}", "imported", (json_int_t)count));
	return ret;
}
