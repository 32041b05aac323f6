// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp wait.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/watcher.h"
#include "hvkvp/command.h"
#include "hvkvp/edits.h"
#include "util/clock.h"
#include "util/escape.h"

/* Wait until something may have changed. Return: false after the time limit. */
static bool wait_for_change(struct watcher *watcher, long end)
{
	struct pollfd poll_fd = { .fd = watcher->fd, .events = POLLIN };
	int most = watcher_wait_ms(watcher);
	long left = end < 0 ? -1 : end - (long)clock_ms();

	if (end >= 0 && left <= 0)
		return false;
	if (most >= 0 && (left < 0 || left > most))
		left = most;
	if (left > 1000000000)
		left = 1000000000;
	poll(&poll_fd, 1, left);
	watcher_take(watcher);
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
	return err == -EBADMSG || err == -EINVAL ? -ENOENT : err;
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

static int wait_for_key(struct awaited *awaited, int number, struct watcher *watcher, long end)
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
	} while (wait_for_change(watcher, end));
	return command_fail(EXIT_TIMEOUT, "%s \"%s\" in pool %s within %ld.%03ld s",
			    command->absent || command->value || command->change ?
			    "not what is waited for: key" : "no key", shown,
			    store_pool_name(number), command->timeout_ms / 1000,
			    command->timeout_ms % 1000);
}

int command_wait(struct command *command)
{
	struct awaited awaited = { .command = command, .key = command->argv[1] };
	int number = command_pool(command->argv[0]), ret, err;
	struct watcher watcher;
	long end;

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
	end = command->timeout_ms < 0 ? -1 : (long)clock_ms() + command->timeout_ms;
	err = watcher_init(&watcher, command->store.dir, NULL);
	if (err)
		return command_fail(EXIT_STORAGE, "cannot wait for changes: %s", strerror(-err));
	ret = wait_for_key(&awaited, number, &watcher, end);
	watcher_exit(&watcher);
	free(awaited.first);
	return ret;
}
