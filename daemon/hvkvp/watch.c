// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp watch.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/feed.h"
#include "hvkvp/command.h"
#include "hvkvp/hook.h"
#include "util/clock.h"
#include "util/escape.h"
#include "util/notify.h"

/**
 * struct watch - a watch command
 * @command: the command line
 * @only: the pool that is watched, -1 for all
 * @feed: the changes
 * @hook: what is run for each
 * @end: time limit, clock_ms(); -1 for none
 */
struct watch {
	const struct command *command;
	int only;
	struct feed feed;
	struct hook hook;
	long end;
};

static void print_json(json_t *line)
{
	if (line)
		json_dumpf(line, stdout, JSON_COMPACT);
	json_decref(line);
	putchar('\n');
}

static void print_change(const struct command *command, const char *what,
			 const struct change *change)
{
	char shown_key[SHOWN_KEY_SIZE], shown_value[SHOWN_VALUE_SIZE];
	const char *pool = store_pool_name(change->pool);

	if (command->json) {
		print_json(json_pack("{s:s, s:s, s:s, s:s*}", "event", what, "pool", pool,
				     "key", change->key, "value", change->new));
		return;
	}
	printf("%s%s%s\t%s%s%s\t%s", command_colour(change->new ? 'g' : 'b'), what,
	       command_colour(0), command_colour('p'), pool, command_colour(0),
	       escape(change->key, shown_key, sizeof(shown_key)));
	if (change->new)
		printf("\t%s", escape(change->new, shown_value, sizeof(shown_value)));
	putchar('\n');
}

/* Run the program for it; who has made what is there at the start is not known. Return: exit code. */
static int run_for_change(struct watch *watch, const char *what, const struct change *change)
{
	static const char *const sources[] = {
		[CHANGE_BY_GUEST] = "guest", [CHANGE_BY_HOST] = "host", [CHANGE_BY_OTHER] = "other",
	};
	struct hook_run *run = hook_begin();

	if (!run || !hook_set(run, "HVKVP_EVENT", what) ||
	    !hook_set(run, "HVKVP_POOL", store_pool_name(change->pool)) ||
	    !hook_set(run, "HVKVP_KEY", change->key) || !hook_set(run, "HVKVP_OLD", change->old) ||
	    !hook_set(run, "HVKVP_NEW", change->new) ||
	    !hook_set(run, "HVKVP_SOURCE", change->time_ns ? sources[change->source] : NULL))
		return command_fail(EXIT_STORAGE, "out of memory");
	hook_add(&watch->hook, run);
	return EXIT_OK;
}

static int report_change(struct watch *watch, const char *what, const struct change *change)
{
	const struct command *command = watch->command;
	bool wanted = command->argc < 2;

	for (int i = 1; i < command->argc; i++)
		wanted |= !strcmp(command->argv[i], change->key);
	if (!wanted)
		return EXIT_OK;
	if (command->exec)
		return run_for_change(watch, what, change);
	print_change(command, what, change);
	return EXIT_OK;
}

static int report_lost(struct watch *watch, uint64_t lost)
{
	struct hook_run *run;
	char number[24];

	fprintf(stderr, "hvkvp: %llu changes were not seen: too many came in at once. What they have left in the pools follows\n",
		(unsigned long long)lost);
	if (!watch->command->exec) {
		if (watch->command->json)
			print_json(json_pack("{s:s, s:I}", "event", "lost", "count", (json_int_t)lost));
		else
			printf("lost\t%llu\n", (unsigned long long)lost);
		return EXIT_OK;
	}
	snprintf(number, sizeof(number), "%llu", (unsigned long long)lost);
	run = hook_begin();
	if (!run || !hook_set(run, "HVKVP_EVENT", "lost") || !hook_set(run, "HVKVP_LOST", number))
		return command_fail(EXIT_STORAGE, "out of memory");
	hook_add(&watch->hook, run);
	return EXIT_OK;
}

/* What is there at the start. */
static int report_initial(struct watch *watch)
{
	int ret = EXIT_OK;

	for (int i = 0; i < HVKVP_POOL_COUNT; i++) {
		const struct pool_index *index = &watch->feed.known[i];
		uint32_t at = pool_index_next(index, POOL_NONE);

		for (; at != POOL_NONE && !ret; at = pool_index_next(index, at)) {
			const char *value = pool_index_value(index, at);
			struct change change = {
				.pool = i, .key = pool_index_key(index, at),
				.new = value ? value : "",
			};

			ret = report_change(watch, "initial", &change);
		}
	}
	return ret;
}

/* All that has happened so far. Return: exit code. */
static int report_changes(struct watch *watch)
{
	struct feed_event event;
	int ret = EXIT_OK, more = 0;

	while (!ret && watch->hook.waiting < HOOK_QUEUE_MAX &&
	       (more = feed_next(&watch->feed, &event)) > 0)
		ret = event.lost ? report_lost(watch, event.lost) :
		      report_change(watch, event.change.new ? "set" : "del", &event.change);
	if (more < 0)
		return command_fail(EXIT_STORAGE, "cannot read the changes: %s", strerror(-more));
	if (fflush(stdout) || ferror(stdout))
		return EXIT_STORAGE;
	return ret;
}

/* Wait until there may be something to do. Return: false after the time limit. */
static bool wait_for_work(struct watch *watch, bool running)
{
	struct pollfd fds[] = {
		{ .fd = watch->feed.watcher.fd, .events = POLLIN },
		{ .fd = running ? watch->hook.child_fd : -1, .events = POLLIN },
	};
	int most = feed_wait_ms(&watch->feed);
	long left = watch->end < 0 ? -1 : watch->end - (long)clock_ms();

	if (watch->end >= 0 && left <= 0)
		return false;
	/* The queue is full: its program makes room. */
	if (watch->hook.waiting >= HOOK_QUEUE_MAX)
		fds[0].fd = -1;
	else if (most >= 0 && (left < 0 || left > most))
		left = most;
	poll(fds, 2, left > 1000000000 ? 1000000000 : left);
	return true;
}

/* After the time limit: what has happened before it is not dropped. */
static void finish(struct watch *watch)
{
	struct pollfd poll_fd = { .fd = watch->hook.child_fd, .events = POLLIN };

	while (watch->command->exec && hook_work(&watch->hook))
		poll(&poll_fd, 1, -1);
}

/* Every later change is reported: scripts wait for this before they change something. */
static void print_watching(const struct watch *watch)
{
	const struct command *command = watch->command;
	int only = watch->only;
	json_t *pools;

	fprintf(stderr, "hvkvp: watching %s in %s\n",
		only < 0 ? "all pools" : store_pool_name(only), command->store.dir);
	notify("READY=1");
	if (!watch->feed.complete)
		fprintf(stderr, "hvkvp: %s: only root may read it: what is undone at once may not be seen\n",
			command->store.changes.path);
	if (!command->json)
		return;
	pools = json_array();
	for (int i = 0; i < HVKVP_POOL_COUNT; i++)
		if (i != HVKVP_POOL_AUTO && (only < 0 || only == i))
			json_array_append_new(pools, json_string(store_pool_name(i)));
	print_json(json_pack("{s:s, s:s, s:o}", "event", "watching", "state_dir",
			     command->store.dir, "pools", pools));
	fflush(stdout);
}

static int run(struct watch *watch)
{
	const struct command *command = watch->command;
	bool running = false;
	int ret = EXIT_OK;

	if (command->exec && !watch->feed.complete)
		return command_fail(EXIT_STORAGE, "--exec: %s cannot be read; run as root",
				    command->store.changes.path);
	print_watching(watch);
	if (command->initial)
		ret = report_initial(watch);
	do {
		if (!ret)
			ret = report_changes(watch);
		if (command->exec)
			running = hook_work(&watch->hook);
	} while (!ret && wait_for_work(watch, running));
	if (!ret)
		finish(watch);
	return ret;
}

int command_watch(struct command *command)
{
	struct watch watch = { .command = command, .only = -1, .hook = { .child_fd = -1 } };
	uint32_t pools = ~0U;
	int ret, err = 0;

	if (command->argc) {
		watch.only = command_pool(command->argv[0]);
		if (watch.only < 0)
			return -watch.only;
		if (watch.only == HVKVP_POOL_AUTO)
			return command_fail(EXIT_USAGE, "pool auto cannot be watched: it is computed when it is read");
		pools = 1U << watch.only;
	}
	if (command->exec && !command->exec[0])
		return command_fail(EXIT_USAGE, "watch: --exec needs a program");
	if (command->exec && command->json)
		return command_fail(EXIT_USAGE, "watch: --exec and --json exclude each other");
	watch.end = command->timeout_ms < 0 ? -1 : (long)clock_ms() + command->timeout_ms;
	if (command->exec)
		err = hook_init(&watch.hook, command->exec);
	if (!err)
		err = feed_init(&watch.feed, &command->store, pools);
	ret = err ? command_fail(EXIT_STORAGE, "cannot wait for changes: %s", strerror(-err)) :
		    run(&watch);
	feed_exit(&watch.feed);
	hook_exit(&watch.hook);
	return ret;
}
