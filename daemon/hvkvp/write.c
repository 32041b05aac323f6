// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp set, del.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hvkvp/command.h"
#include "hvkvp/edits.h"

/* A longer value is not even looked at: 16 MiB, in pieces. */
#define INPUT_MAX (16 << 20)

/* Read a value. Return: exit code; *@value is the caller's. */
static int read_stream(FILE *stream, const char *name, bool raw, char **value)
{
	char *text = malloc(INPUT_MAX + 2);
	size_t len;
	int ret;

	if (!text)
		return command_fail(EXIT_STORAGE, "out of memory");
	len = fread(text, 1, INPUT_MAX + 1, stream);
	text[len] = 0;
	if (ferror(stream)) {
		ret = command_fail(EXIT_STORAGE, "%s: %s", name, strerror(errno));
	} else if (len > INPUT_MAX) {
		ret = command_fail(EXIT_USAGE, "%s: longer than %d bytes", name, INPUT_MAX);
	} else if (strlen(text) != len) {
		ret = command_fail(EXIT_USAGE, "%s: has a NUL byte, which no value can have", name);
	} else {
		if (!raw && len && text[len - 1] == '\n')
			text[len - 1] = 0;
		*value = text;
		return EXIT_OK;
	}
	free(text);
	return ret;
}

static int read_value(const struct command *command, const char *path, char **value)
{
	FILE *stream;
	int ret;

	if (!strcmp(path, "-"))
		return read_stream(stdin, "standard input", command->raw, value);
	stream = fopen(path, "re");
	if (!stream)
		return command_fail(EXIT_STORAGE, "%s: %s", path, strerror(errno));
	ret = read_stream(stream, path, command->raw, value);
	fclose(stream);
	return ret;
}

/**
 * struct request - a set or del on its way
 * @command: the command line
 * @number: of the pool
 * @pool: the pool
 * @edits: what to do
 * @texts: values that were read, and copies of keys; owned
 * @text_count: of @texts
 */
struct request {
	struct command *command;
	int number;
	struct pool *pool;
	struct edits edits;
	char **texts;
	size_t text_count;
};

static void change_free(struct request *change)
{
	edits_free(&change->edits);
	for (size_t i = 0; i < change->text_count; i++)
		free(change->texts[i]);
	free(change->texts);
}

/* The pool may be changed, and is loaded. Return: exit code. */
static int change_begin(struct request *change, struct command *command)
{
	int ret;

	*change = (struct request){ .command = command, .number = command_pool(command->argv[0]) };
	if (change->number < 0)
		return -change->number;
	ret = command_may_write(command, change->number);
	if (ret)
		return ret;
	change->pool = &command->store.pools[change->number];
	change->texts = calloc(command->argc + 1, sizeof(*change->texts));
	if (!change->texts)
		return command_fail(EXIT_STORAGE, "out of memory");
	return pool_load(change->pool) ? command_fail(EXIT_STORAGE, "%s", pool_why(change->pool)) :
					 EXIT_OK;
}

/* What is done only if the pool is as the user expects it. */
static int add_conditions(struct request *change, const char *key)
{
	const struct command *command = change->command;

	if (command->if_value)
		return edits_add(&change->edits, POOL_EDIT_EXPECT, key, command->if_value);
	if (command->if_absent)
		return edits_add(&change->edits, POOL_EDIT_EXPECT, key, NULL);
	return 0;
}

static int add_pair(struct request *change, const char *key, const char *value)
{
	const struct command *command = change->command;
	int err = add_conditions(change, key);

	if (err)
		return err;
	if (command->split == SPLIT_NONE)
		return edits_add(&change->edits, POOL_EDIT_SET, key, value);
	/* The pieces have other keys: the one that was asked for is checked here. */
	err = pool_check_pair(change->pool, key, NULL);
	return err ? err : edits_set_split(&change->edits, &change->pool->index, command->split,
					   key, value);
}

static int commit(struct request *change)
{
	int err = pool_edit(change->pool, change->edits.list, change->edits.count);

	if (err == -ECANCELED)
		return command_fail(EXIT_CONFLICT, "nothing was changed: %s", pool_why(change->pool));
	return err ? command_set_failed(change->pool, err) : EXIT_OK;
}

static json_t *result(const struct request *change, const char *key, const char *what)
{
	return json_pack("{s:s, s:s, s:s}", "pool", store_pool_name(change->number), "key", key,
			 "result", what);
}

/* Print one object for one key, an array for several. */
static int print_results(const struct request *change, json_t *list, size_t keys)
{
	int ret = EXIT_OK;

	if (!change->command->json)
		;
	else if (keys == 1)
		ret = command_print_json(json_incref(json_array_get(list, 0)));
	else
		ret = command_print_json(json_incref(list));
	json_decref(list);
	return ret;
}

/* The key of the only pair, as it was given: its pieces have others. */
static json_t *result_of_split(const struct request *change)
{
	const struct command *command = change->command;
	const char *key = command->argv[1];
	bool assignment = command->argc == 2 && !command->file;

	return json_pack("{s:s, s:s%, s:s}", "pool", store_pool_name(change->number), "key", key,
			 assignment ? strcspn(key, "=") : strlen(key), "result", "changed");
}

static int report_set(const struct request *change, size_t keys)
{
	json_t *list = json_array();

	for (size_t i = 0; i < change->edits.count; i++) {
		const struct pool_edit *edit = &change->edits.list[i];

		if (edit->kind == POOL_EDIT_EXPECT)
			continue;
		if (change->command->split >= 0) {
			json_array_append_new(list, result_of_split(change));
			break;
		}
		json_array_append_new(list, result(change, edit->key,
						   edit->result ? "created" : "changed"));
	}
	return print_results(change, list, keys);
}

/* KEY=VALUE. Return: exit code. */
static int add_assignment(struct request *change, const char *text)
{
	const char *equals = strchr(text, '=');
	char *key;
	int err;

	if (!equals)
		return command_fail(EXIT_USAGE, "%s: not KEY=VALUE; several pairs are set as KEY=VALUE...",
				    text);
	key = strndup(text, equals - text);
	if (!key)
		return command_fail(EXIT_STORAGE, "out of memory");
	change->texts[change->text_count++] = key;
	err = add_pair(change, key, equals + 1);
	return err ? command_set_failed(change->pool, err) : EXIT_OK;
}

static int add_single(struct request *change, const char *key, const char *value)
{
	int err = add_pair(change, key, value);

	if (err == -EMSGSIZE && change->command->split >= 0)
		return command_fail(EXIT_USAGE, "the key is too long for its pieces");
	return err ? command_set_failed(change->pool, err) : EXIT_OK;
}

static int add_pairs(struct request *change)
{
	const struct command *command = change->command;
	const char *file = command->file;
	char *text;
	int ret = EXIT_OK;

	if (file && command->argc != 2)
		return command_fail(EXIT_USAGE, "set: with --file, give the pool and the key, and no value");
	if (!file && command->argc == 3 && !strchr(command->argv[1], '=')) {
		if (strcmp(command->argv[2], "-"))
			return add_single(change, command->argv[1], command->argv[2]);
		file = "-";
	}
	if (file) {
		ret = read_value(command, file, &text);
		if (ret)
			return ret;
		change->texts[change->text_count++] = text;
		return add_single(change, command->argv[1], text);
	}
	if (command->split >= 0 && command->argc != 2)
		return command_fail(EXIT_USAGE, "set: --split takes one pair");
	for (int i = 1; i < command->argc && !ret; i++)
		ret = add_assignment(change, command->argv[i]);
	return ret;
}

int command_set(struct command *command)
{
	struct request change;
	int ret = change_begin(&change, command);

	if (!ret && command->split == SPLIT_ANY)
		ret = command_fail(EXIT_USAGE, "set: --split needs a style: --split=ignition, cloud-init or azure");
	if (!ret && command->split != SPLIT_NONE && (command->if_value || command->if_absent))
		ret = command_fail(EXIT_USAGE, "set: --split excludes --if-value and --if-absent");
	if (!ret && command->if_value && command->if_absent)
		ret = command_fail(EXIT_USAGE, "set: --if-value and --if-absent exclude each other");
	if (!ret)
		ret = add_pairs(&change);
	if (!ret)
		ret = commit(&change);
	if (!ret)
		ret = report_set(&change, command->argc == 2 || command->file ||
				 !strchr(command->argv[1], '=') ? 1 : command->argc - 1);
	change_free(&change);
	return ret;
}

/* Return: 1 if there is something to be removed, 0 if not, -errno. */
static int add_removal(struct request *change, const char *key)
{
	const struct pool_index *index = &change->pool->index;
	int style = change->command->split;
	int err;

	if (change->command->split == SPLIT_NONE) {
		if (pool_index_last(index, key) == POOL_NONE && !change->command->if_value)
			return 0;
		err = add_conditions(change, key);
		if (!err)
			err = edits_add(&change->edits, POOL_EDIT_DELETE, key, NULL);
		return err ? err : 1;
	}
	style = pieces_find(index, style, key);
	if (style < 0)
		return 0;
	err = edits_delete_split(&change->edits, index, style, key);
	return err ? err : 1;
}

int command_del(struct command *command)
{
	struct request change;
	int missing = EXIT_OK, ret = change_begin(&change, command);
	json_t *list = json_array();

	if (!ret && command->if_value && command->split != SPLIT_NONE)
		ret = command_fail(EXIT_USAGE, "del: --if-value and --split exclude each other");
	for (int i = 1; i < command->argc && !ret; i++) {
		int found = add_removal(&change, command->argv[i]);

		if (found < 0)
			ret = command_fail(EXIT_STORAGE, "out of memory");
		else if (!found)
			missing = command_not_found(change.number, command->argv[i]);
		else
			json_array_append_new(list, result(&change, command->argv[i], "deleted"));
	}
	/* Nothing to be done creates no pool. */
	if (!ret && change.edits.count)
		ret = commit(&change);
	if (!ret && json_array_size(list))
		ret = print_results(&change, json_incref(list), command->argc - 1);
	json_decref(list);
	change_free(&change);
	return ret ? ret : missing;
}
