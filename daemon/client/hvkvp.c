// SPDX-License-Identifier: GPL-2.0-only
/*
 * libhvkvp.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client/feed.h"
#include "client/hvkvp.h"
#include "pool/edit.h"
#include "pool/store.h"
#include "util/error.h"
#include "util/log.h"
#include "util/paths.h"

/**
 * struct hvkvp - a handle
 * @store: the pools
 * @dir: where they are; owned
 * @error: why the last call has failed
 * @feed: the changes, if @watching
 * @watched: the pools as @feed has read them last, if @watching: what a call reads from @store
 *	must not pass for a change that was handed out
 * @watching: hvkvp_watch() was called
 */
struct hvkvp {
	struct store store;
	char *dir;
	struct error error;
	struct feed feed;
	struct store watched;
	bool watching;
};

/**
 * struct hvkvp_transaction - several changes of a pool
 * @kvp: the handle
 * @pool: the pool
 * @edits: with texts of its own
 * @count: of @edits
 * @room: allocated
 */
struct hvkvp_transaction {
	struct hvkvp *kvp;
	struct pool *pool;
	struct pool_edit *edits;
	size_t count;
	size_t room;
};

/* A library writes nothing to the standard error of its user. */
static void drop(int level, const char *line)
{
	(void)level;
	(void)line;
}

/* Once, before there are threads: they may open handles at the same time. */
__attribute__((constructor)) static void be_quiet(void)
{
	log_set_sink(drop);
}

int hvkvp_open(struct hvkvp **kvp, const char *state_dir)
{
	struct hvkvp *new;

	*kvp = NULL;
	if (state_dir && !state_dir[0])
		return -EINVAL;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	if (!state_dir)
		state_dir = paths_state_dir(STATE_DIR, STATE_DIR_VOLATILE, false);
	new->dir = strdup(state_dir);
	if (!new->dir || store_init(&new->store, new->dir)) {
		free(new->dir);
		free(new);
		return -ENOMEM;
	}
	*kvp = new;
	return 0;
}

static void stop_watching(struct hvkvp *kvp)
{
	if (!kvp->watching)
		return;
	feed_exit(&kvp->feed);
	store_exit(&kvp->watched);
	kvp->watching = false;
}

void hvkvp_close(struct hvkvp *kvp)
{
	if (!kvp)
		return;
	stop_watching(kvp);
	store_exit(&kvp->store);
	free(kvp->dir);
	free(kvp);
}

const char *hvkvp_error(const struct hvkvp *kvp)
{
	return kvp->error.text;
}

int hvkvp_pool(const char *name)
{
	int pool = store_pool_parse(name);

	return pool < 0 ? -EINVAL : pool;
}

const char *hvkvp_pool_name(int pool)
{
	return pool < 0 ? NULL : store_pool_name(pool);
}

/* Begin a call. Return: the pool, or NULL if there is none with this number. */
static struct pool *take_pool(struct hvkvp *kvp, int pool)
{
	error_clear(&kvp->error);
	if (pool >= 0 && pool < HVKVP_POOL_COUNT && pool != HVKVP_POOL_AUTO)
		return &kvp->store.pools[pool];
	error_set(&kvp->error, 0, pool == HVKVP_POOL_AUTO ?
		  "pool auto is not stored: \"hvkvp --json list auto\" prints it" :
		  "no such pool: %d; there are 0, 1, 3 and 4", pool);
	return NULL;
}

static int fail(struct hvkvp *kvp, int err, const char *why)
{
	if (!why[0])
		why = strerror(-err);
	return error_set(&kvp->error, err, "%s", why);
}

/* After a change: an idle program must not keep the pool locked. */
static int finish(struct hvkvp *kvp, struct pool *pool, int ret)
{
	if (ret < 0)
		fail(kvp, ret, pool_why(pool));
	pool_checkpoint(pool);
	return ret;
}

static int not_found(struct hvkvp *kvp, const struct pool *pool, const char *key)
{
	return error_set(&kvp->error, -ENOENT, "%s: no key \"%.300s\"", pool->file.path, key);
}

int hvkvp_get(struct hvkvp *kvp, int number, const char *key, const char **value)
{
	struct pool *pool = take_pool(kvp, number);
	int err;

	*value = NULL;
	if (!pool)
		return -EINVAL;
	err = pool_get(pool, key, value);
	if (err == -ENOENT)
		return not_found(kvp, pool, key);
	if (err == -EBADMSG)
		return error_set(&kvp->error, err,
				 "%s: the value of \"%.300s\" is not valid UTF-8; set it again, or delete it",
				 pool->file.path, key);
	return err ? fail(kvp, err, pool_why(pool)) : 0;
}

int hvkvp_set(struct hvkvp *kvp, int number, const char *key, const char *value)
{
	struct pool *pool = take_pool(kvp, number);

	return pool ? finish(kvp, pool, pool_set(pool, key, value)) : -EINVAL;
}

int hvkvp_delete(struct hvkvp *kvp, int number, const char *key)
{
	struct pool *pool = take_pool(kvp, number);
	int err;

	if (!pool)
		return -EINVAL;
	err = pool_delete(pool, key);
	finish(kvp, pool, err);
	return err == -ENOENT ? not_found(kvp, pool, key) : err;
}

int hvkvp_each(struct hvkvp *kvp, int number,
	       int (*pair)(void *data, const char *key, const char *value), void *data)
{
	struct pool *pool = take_pool(kvp, number);
	int ret;

	if (!pool)
		return -EINVAL;
	ret = pool_load(pool);
	if (ret)
		return fail(kvp, ret, pool_why(pool));
	for (uint32_t i = pool_index_next(&pool->index, POOL_NONE); i != POOL_NONE && !ret;
	     i = pool_index_next(&pool->index, i)) {
		const char *value = pool_index_value(&pool->index, i);

		if (value)
			ret = pair(data, pool_index_key(&pool->index, i), value);
	}
	return ret;
}

int hvkvp_begin(struct hvkvp *kvp, int number, struct hvkvp_transaction **transaction)
{
	struct pool *pool = take_pool(kvp, number);

	*transaction = NULL;
	if (!pool)
		return -EINVAL;
	*transaction = calloc(1, sizeof(**transaction));
	if (!*transaction)
		return fail(kvp, -ENOMEM, "");
	(*transaction)->kvp = kvp;
	(*transaction)->pool = pool;
	return 0;
}

static int add(struct hvkvp_transaction *transaction, enum pool_edit_kind kind, const char *key,
	       const char *value)
{
	struct pool_edit *edit;

	if (transaction->count == transaction->room) {
		size_t room = transaction->room ? 2 * transaction->room : 16;
		void *edits = reallocarray(transaction->edits, room, sizeof(*edit));

		if (!edits)
			return fail(transaction->kvp, -ENOMEM, "");
		transaction->edits = edits;
		transaction->room = room;
	}
	edit = &transaction->edits[transaction->count];
	*edit = (struct pool_edit){
		.kind = kind, .key = strdup(key), .value = value ? strdup(value) : NULL,
	};
	transaction->count++;
	return edit->key && !value == !edit->value ? 0 : fail(transaction->kvp, -ENOMEM, "");
}

int hvkvp_transaction_set(struct hvkvp_transaction *transaction, const char *key,
			  const char *value)
{
	return add(transaction, POOL_EDIT_SET, key, value);
}

int hvkvp_transaction_delete(struct hvkvp_transaction *transaction, const char *key)
{
	return add(transaction, POOL_EDIT_DELETE, key, NULL);
}

int hvkvp_transaction_expect(struct hvkvp_transaction *transaction, const char *key,
			     const char *value)
{
	return add(transaction, POOL_EDIT_EXPECT, key, value);
}

/* Was memory short for one of its texts? */
static bool is_whole(const struct hvkvp_transaction *transaction)
{
	for (size_t i = 0; i < transaction->count; i++) {
		const struct pool_edit *edit = &transaction->edits[i];

		if (!edit->key || (edit->kind == POOL_EDIT_SET && !edit->value))
			return false;
	}
	return true;
}

int hvkvp_commit(struct hvkvp_transaction *transaction)
{
	struct hvkvp *kvp = transaction->kvp;
	int ret = 0;

	error_clear(&kvp->error);
	if (!is_whole(transaction))
		ret = fail(kvp, -ENOMEM, "");
	else if (transaction->count)
		ret = finish(kvp, transaction->pool,
			     pool_edit(transaction->pool, transaction->edits, transaction->count));
	hvkvp_abort(transaction);
	return ret;
}

void hvkvp_abort(struct hvkvp_transaction *transaction)
{
	if (!transaction)
		return;
	for (size_t i = 0; i < transaction->count; i++) {
		free((char *)transaction->edits[i].key);
		free((char *)transaction->edits[i].value);
	}
	free(transaction->edits);
	free(transaction);
}

int hvkvp_watch(struct hvkvp *kvp, unsigned int pools)
{
	int err;

	error_clear(&kvp->error);
	stop_watching(kvp);
	if (!pools || pools >= 1U << HVKVP_POOL_COUNT || pools & 1U << HVKVP_POOL_AUTO)
		return fail(kvp, -EINVAL, "a bit of a pool that cannot be watched, or none");
	err = store_init(&kvp->watched, kvp->dir);
	if (err)
		return fail(kvp, err, "");
	err = feed_init(&kvp->feed, &kvp->watched, pools);
	if (err) {
		store_exit(&kvp->watched);
		return fail(kvp, err, "");
	}
	kvp->watching = true;
	return kvp->feed.complete;
}

int hvkvp_watch_fd(const struct hvkvp *kvp)
{
	return kvp->watching ? kvp->feed.watcher.fd : -EBADF;
}

int hvkvp_watch_timeout(const struct hvkvp *kvp)
{
	return kvp->watching ? feed_wait_ms(&kvp->feed) : -1;
}

int hvkvp_watch_next(struct hvkvp *kvp, struct hvkvp_watch_event *event, size_t size)
{
	struct hvkvp_watch_event all = { 0 };
	struct feed_event next;
	int ret;

	error_clear(&kvp->error);
	memset(event, 0, size);
	if (!kvp->watching)
		return fail(kvp, -EBADF, "hvkvp_watch() comes first");
	ret = feed_next(&kvp->feed, &next);
	if (ret < 0)
		return fail(kvp, ret, "");
	if (!ret)
		return 0;
	all.lost = next.lost;
	if (!next.lost) {
		all.time_ns = next.change.time_ns;
		all.pool = next.change.pool;
		all.source = next.change.source;
		all.key = next.change.key;
		all.old_value = next.change.old;
		all.new_value = next.change.new;
	}
	memcpy(event, &all, size < sizeof(all) ? size : sizeof(all));
	return 1;
}
