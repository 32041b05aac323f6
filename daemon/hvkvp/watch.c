// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp watch, wait.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "hvkvp/command.h"
#include "hvkvp/edits.h"
#include "util/clock.h"
#include "util/escape.h"

/* While the state directory does not exist, check for it at this interval. */
#define RETRY_MS	200

/**
 * struct watcher - waits for changes in the state directory
 * @dir: the directory
 * @fd: inotify
 * @watching: the directory exists and is watched
 * @end: time limit, CLOCK_MONOTONIC ms; -1 for none
 */
struct watcher {
	const char *dir;
	int fd;
	bool watching;
	long end;
};

static void watch_dir(struct watcher *watcher)
{
	if (!watcher->watching)
		watcher->watching = inotify_add_watch(watcher->fd, watcher->dir,
						      IN_MODIFY | IN_ATTRIB | IN_CREATE |
						      IN_MOVED_TO | IN_DELETE | IN_ONLYDIR) >= 0;
}

static int watcher_init(struct watcher *watcher, const struct command *command)
{
	*watcher = (struct watcher){
		.dir = command->store.dir,
		.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
		.end = command->timeout_ms < 0 ? -1 : (long)clock_ms() + command->timeout_ms,
	};
	if (watcher->fd < 0)
		return command_fail(EXIT_STORAGE, "cannot wait for changes: %s", strerror(errno));
	watch_dir(watcher);
	return EXIT_OK;
}

/* Wait until something may have changed. Return: false after the time limit. */
static bool watcher_wait(struct watcher *watcher)
{
	struct pollfd poll_fd = { .fd = watcher->fd, .events = POLLIN };
	char events[4096];
	long left = watcher->end < 0 ? -1 : watcher->end - (long)clock_ms();

	if (watcher->end >= 0 && left <= 0)
		return false;
	if (!watcher->watching && (left < 0 || left > RETRY_MS))
		left = RETRY_MS;
	if (left > 1000000000)
		left = 1000000000;
	poll(&poll_fd, 1, left);
	while (read(watcher->fd, events, sizeof(events)) > 0)
		;
	watch_dir(watcher);
	return true;
}

/**
 * struct awaited - a key that is waited for
 * @command: what for
 * @pool: its pool
 * @key: text
 * @first: its value at the start, "" if there was none; owned
 * @existed: at the start
 * @started: @first and @existed are known
 */
struct awaited {
	const struct command *command;
	struct pool *pool;
	const char *key;
	char *first;
	bool existed;
	bool started;
};

/* The value as it is now. Return: 0, *@value is the caller's; -ENOENT; other -errno. */
static int read_now(const struct awaited *awaited, char **value)
{
	const char *text;
	int err;

	*value = NULL;
	if (awaited->command->join != JOIN_NONE) {
		err = pool_load(awaited->pool);
		if (!err)
			err = pieces_join(&awaited->pool->index, awaited->command->join,
					  awaited->key, value);
	} else {
		err = pool_get(awaited->pool, awaited->key, &text);
		if (!err)
			*value = strdup(text);
		if (!err && !*value)
			err = -ENOMEM;
	}
	/* Another program may be about to replace what is not valid. */
	return err == -EBADMSG ? -ENOENT : err;
}

/* Is it as it is waited for? */
static bool is_met(struct awaited *awaited, const char *value)
{
	const struct command *command = awaited->command;
	bool changed;

	if (command->absent)
		return !value;
	if (command->value)
		return value && !strcmp(value, command->value);
	if (!command->change)
		return value;
	if (!awaited->started) {
		awaited->started = true;
		awaited->existed = value;
		awaited->first = strdup(value ? value : "");
		return false;
	}
	changed = awaited->existed != (value != NULL);
	return changed || (value && awaited->first && strcmp(value, awaited->first));
}

static int wait_for_key(struct awaited *awaited, int number, struct watcher *watcher)
{
	const struct command *command = awaited->command;
	char shown[SHOWN_KEY_SIZE];
	bool waiting = false, met;
	char *value;
	int ret;

	escape(awaited->key, shown, sizeof(shown));
	do {
		int err = read_now(awaited, &value);

		if (err && err != -ENOENT)
			return command_fail(EXIT_STORAGE, "%s", err == -ENOMEM ? "out of memory" :
								 pool_why(awaited->pool));
		met = is_met(awaited, value);
		ret = met && value && !command->absent ?
		      command_print_value(command, number, awaited->key, value) : EXIT_OK;
		free(value);
		if (met)
			return ret;
		if (!waiting)
			fprintf(stderr, "hvkvp: waiting for \"%s\" in pool %s\n", shown,
				store_pool_name(number));
		waiting = true;
	} while (watcher_wait(watcher));
	return command_fail(EXIT_TIMEOUT, "%s \"%s\" in pool %s within %ld.%03ld s",
			    command->absent || command->value || command->change ?
			    "not what is waited for: key" : "no key", shown,
			    store_pool_name(number), command->timeout_ms / 1000,
			    command->timeout_ms % 1000);
}

int command_wait(struct command *command)
{
	struct awaited awaited = { .command = command, .key = command->argv[1] };
	int number = command_pool(command->argv[0]), ret;
	struct watcher watcher;

	if (number < 0)
		return -number;
	if (!!command->value + command->absent + command->change > 1)
		return command_fail(EXIT_USAGE, "wait: --value, --absent and --change exclude each other");
	if (number == HVKVP_POOL_AUTO && (command->value || command->absent || command->change))
		return command_fail(EXIT_USAGE, "pool auto cannot be watched: it is computed when it is read");
	if (number == HVKVP_POOL_AUTO)
		return command_get(command);	/* its set of keys is fixed */
	awaited.pool = &command->store.pools[number];
	if (pool_check_key(awaited.key))
		return command_fail(EXIT_USAGE, "the key is empty, too long, or not valid UTF-8");
	ret = watcher_init(&watcher, command);
	if (ret)
		return ret;
	ret = wait_for_key(&awaited, number, &watcher);
	free(awaited.first);
	return ret;
}

static void print_change(const struct command *command, const char *what, int number,
			 const char *key, const char *value)
{
	char shown_key[SHOWN_KEY_SIZE], shown_value[SHOWN_VALUE_SIZE];

	if (command->json) {
		json_t *line = json_pack("{s:s, s:s, s:s, s:s*}", "event", what,
					 "pool", store_pool_name(number), "key", key,
					 "value", value);

		if (line)
			json_dumpf(line, stdout, JSON_COMPACT);
		json_decref(line);
		putchar('\n');
		return;
	}
	printf("%s%s%s\t%s%s%s\t%s", command_colour(value ? 'g' : 'b'), what, command_colour(0),
	       command_colour('p'), store_pool_name(number), command_colour(0),
	       escape(key, shown_key, sizeof(shown_key)));
	if (value)
		printf("\t%s", escape(value, shown_value, sizeof(shown_value)));
	putchar('\n');
}

static const char *value_at(const struct pool_index *index, uint32_t number)
{
	const char *value = pool_index_value(index, number);

	return value ? value : "";
}

/* Is there no such pair in the other index? */
static bool is_new(const struct pool_index *index, uint32_t number,
		   const struct pool_index *other)
{
	const char *key = pool_index_key(index, number);
	uint32_t there = pool_index_last(other, key);

	/* Of several with one key, each counts: some programs only append. */
	for (; there != POOL_NONE; there = pool_index_before(other, there))
		if (!strcmp(value_at(other, there), value_at(index, number)))
			return false;
	return true;
}

static void print_changes(const struct command *command, int number,
			  const struct pool_index *old, const struct pool_index *new)
{
	uint32_t i;

	for (i = pool_index_next(old, POOL_NONE); i != POOL_NONE; i = pool_index_next(old, i)) {
		const char *key = pool_index_key(old, i);

		if (pool_index_last(new, key) == POOL_NONE && pool_index_last(old, key) == i)
			print_change(command, "del", number, key, NULL);
	}
	for (i = pool_index_next(new, POOL_NONE); i != POOL_NONE; i = pool_index_next(new, i))
		if (is_new(new, i, old))
			print_change(command, "set", number, pool_index_key(new, i),
				     value_at(new, i));
}

/* Load a pool and print its changes; what it holds at the start is none. */
static void check_pool(const struct command *command, struct pool *pool, int number, bool first)
{
	struct pool_index before;
	int ret = pool_reload(pool, &before);

	if (ret < 0)
		fprintf(stderr, "hvkvp: %s\n", pool_why(pool));
	if (ret <= 0)
		return;
	if (!first)
		print_changes(command, number, &before, &pool->index);
	pool_index_clear(&before);
	fflush(stdout);
}

/* Every later change is reported: scripts wait for this before they change something. */
static void print_watching(const struct command *command, int only)
{
	json_t *pools, *line;

	fprintf(stderr, "hvkvp: watching %s in %s\n",
		only < 0 ? "all pools" : store_pool_name(only), command->store.dir);
	if (!command->json)
		return;
	pools = json_array();
	for (int i = 0; i < HVKVP_POOL_COUNT; i++)
		if (i != HVKVP_POOL_AUTO && (only < 0 || only == i))
			json_array_append_new(pools, json_string(store_pool_name(i)));
	line = json_pack("{s:s, s:s, s:o}", "event", "watching", "state_dir", command->store.dir,
			 "pools", pools);
	if (line)
		json_dumpf(line, stdout, JSON_COMPACT);
	json_decref(line);
	putchar('\n');
	fflush(stdout);
}

int command_watch(struct command *command)
{
	struct watcher watcher;
	int only = -1, ret;
	bool first = true;

	if (command->argc) {
		only = command_pool(command->argv[0]);
		if (only < 0)
			return -only;
		if (only == HVKVP_POOL_AUTO)
			return command_fail(EXIT_USAGE, "pool auto cannot be watched: it is computed when it is read");
	}
	ret = watcher_init(&watcher, command);
	if (ret)
		return ret;
	do {
		for (int i = 0; i < HVKVP_POOL_COUNT; i++)
			if (i != HVKVP_POOL_AUTO && (only < 0 || only == i))
				check_pool(command, &command->store.pools[i], i, first);
		if (first)
			print_watching(command, only);
		first = false;
		if (ferror(stdout))
			return EXIT_STORAGE;
	} while (watcher_wait(&watcher));
	return EXIT_OK;
}
