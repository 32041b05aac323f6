// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store: all pools of a state directory, and their names.
 */
#include <stdlib.h>
#include <string.h>

#include "pool/store.h"
#include "util/log.h"

static const char *const names[HVKVP_POOL_COUNT] = {
	[HVKVP_POOL_EXTERNAL]	= "external",
	[HVKVP_POOL_GUEST]	= "guest",
	[HVKVP_POOL_AUTO]	= "auto",
	[HVKVP_POOL_PARAMETER]	= "parameter",
	[HVKVP_POOL_INTERNAL]	= "internal",
};

int store_init(struct store *store, const char *dir)
{
	int err;

	*store = (struct store){ .dir = dir, .names = { .notifier.fd = -1, .mounts.fd = -1 } };
	err = changes_init(&store->changes, dir);
	for (int i = 0; i < HVKVP_POOL_COUNT && !err; i++) {
		err = pool_init(&store->pools[i], dir, i);
		store->pools[i].changes = &store->changes;
	}
	if (err)
		store_exit(store);
	return err;
}

void store_limit(struct store *store, uint32_t keys, uint64_t bytes)
{
	for (int i = 0; i < HVKVP_POOL_COUNT; i++) {
		if (keys)
			store->pools[i].limits.keys = keys;
		if (bytes)
			store->pools[i].limits.bytes = bytes;
	}
}

uint64_t store_limit_parse(const char *text, uint64_t most)
{
	unsigned long long number;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return 0;
	number = strtoull(text, &end, 10);
	return *end || number > most ? 0 : number;
}

void store_exit(struct store *store)
{
	for (int i = 0; i < HVKVP_POOL_COUNT; i++)
		pool_exit(&store->pools[i]);
	changes_exit(&store->changes);
	pool_names_exit(&store->names);
}

void store_watch(struct store *store)
{
	pool_names_init(&store->names, store->dir);
	for (int i = 0; i < HVKVP_POOL_COUNT; i++)
		store->pools[i].names = &store->names;
}

int store_create(struct store *store)
{
	int ret = 0;

	for (int i = 0; i < HVKVP_POOL_COUNT; i++) {
		int err = pool_create(&store->pools[i]);

		if (err) {
			log_err("%s", pool_why(&store->pools[i]));
			ret = err;
		}
	}
	return ret;
}

int store_checkpoint_due(const struct store *store)
{
	int first = -1;

	for (int i = 0; i < HVKVP_POOL_COUNT; i++) {
		int due = pool_checkpoint_due(&store->pools[i]);

		if (due >= 0 && (first < 0 || due < first))
			first = due;
	}
	return first;
}

void store_checkpoint(struct store *store)
{
	for (int i = 0; i < HVKVP_POOL_COUNT; i++)
		pool_checkpoint(&store->pools[i]);
}

const char *store_pool_name(unsigned int number)
{
	return number < HVKVP_POOL_COUNT ? names[number] : NULL;
}

int store_pool_parse(const char *text)
{
	for (int i = 0; i < HVKVP_POOL_COUNT; i++)
		if (!strcmp(text, names[i]) || (text[0] == '0' + i && !text[1]))
			return i;
	return -1;
}
