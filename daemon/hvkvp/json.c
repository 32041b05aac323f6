// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp export, import.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hvkvp/command.h"

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

/* Does another element of a range have the same pool and key? */
static bool has_duplicate(const json_t *list, size_t from, size_t to, const json_t *object)
{
	for (size_t i = from; i < to; i++) {
		json_t *other = json_array_get(list, i);

		if (json_equal(json_object_get(other, "key"), json_object_get(object, "key")) &&
		    json_equal(json_object_get(other, "pool"), json_object_get(object, "pool")))
			return true;
	}
	return false;
}

static int write_item(struct command *command, const json_t *list, size_t index)
{
	const json_t *object = json_array_get(list, index);
	bool before = has_duplicate(list, 0, index, object);
	bool behind = !before && has_duplicate(list, index + 1, json_array_size(list), object);
	struct item item;
	struct pool *pool;
	int ret = parse_item(command, object, index, &item);

	if (ret)
		return ret;
	pool = &command->store.pools[item.number];
	/* Several values of one key: all of them, in this order, and no others. */
	if (behind) {
		ret = pool_delete(pool, item.key);
		if (ret && ret != -ENOENT)
			return command_set_failed(pool, ret);
	}
	ret = before || behind ? pool_add(pool, item.key, item.value) :
				 pool_set(pool, item.key, item.value);
	return ret < 0 ? command_set_failed(pool, ret) : EXIT_OK;
}

int command_import(struct command *command)
{
	const char *path = command->argv[0];
	bool standard = !strcmp(path, "-");
	json_error_t error;
	struct item item;
	json_t *list;
	size_t count;
	int ret = EXIT_OK;

	list = standard ? json_loadf(stdin, 0, &error) : json_load_file(path, 0, &error);
	if (!list)
		return command_fail(EXIT_USAGE, "%s: line %d: %s", path, error.line, error.text);
	if (!json_is_array(list))
		ret = command_fail(EXIT_USAGE, "%s: not an array of pairs, as hvkvp export prints it",
				   path);
	count = json_array_size(list);
	/* Everything is checked before anything is written. */
	for (size_t i = 0; i < count && !ret; i++)
		ret = parse_item(command, json_array_get(list, i), i, &item);
	for (size_t i = 0; i < count && !ret; i++)
		ret = write_item(command, list, i);
	json_decref(list);
	if (!ret && command->json)
		return command_print_json(json_pack("{s:I}", "imported", (json_int_t)count));
	return ret;
}
