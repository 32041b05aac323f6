// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool: pairs of text, kept in a file that other programs share.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pool/commit.h"
#include "pool/compact.h"
#include "pool/hold.h"
#include "pool/load.h"
#include "pool/pool.h"
#include "util/utf.h"
#include "wire/value.h"

/* Records with one key that are removed in one change; of more, the oldest ones go first. */
#define DELETE_MOST	1024

int pool_init(struct pool *pool, const char *dir, int number)
{
	int err;

	*pool = (struct pool){
		.number = number,
		.limits = { .keys = POOL_DEFAULT_KEYS, .bytes = POOL_DEFAULT_BYTES },
	};
	err = pool_file_init(&pool->file, dir, number, &pool->error);
	if (err)
		return err;
	err = pool_journal_init(&pool->journal, &pool->file);
	if (err)
		pool_file_exit(&pool->file);
	return err;
}

void pool_exit(struct pool *pool)
{
	pool_checkpoint(pool);
	pool_forget(pool);
	pool_journal_exit(&pool->journal);
	pool_file_exit(&pool->file);
}

static int check_text(const char *text, size_t size, ssize_t most_units)
{
	size_t len = strlen(text);
	ssize_t units = utf8_units(text, len);

	if (units < 0)
		return units;
	return len >= size || units > most_units ? -EMSGSIZE : 0;
}

int pool_check_key(const char *key)
{
	return *key ? check_text(key, POOL_KEY_SIZE, WIRE_KEY_UNITS) : -EINVAL;
}

int pool_check_value(const char *value)
{
	return check_text(value, POOL_VALUE_SIZE, WIRE_VALUE_UNITS);
}

static int refuse(struct pool *pool, int err, const char *what, size_t len, int most_bytes,
		  int most_units)
{
	if (err == -EMSGSIZE)
		return error_set(&pool->error, err,
				 "the %s is too long: %zu bytes of UTF-8; a record holds %d, a message %d UTF-16 units",
				 what, len, most_bytes, most_units);
	return error_set(&pool->error, err, "the %s is %s", what,
			 err == -EINVAL ? "empty" : "not valid UTF-8");
}

int pool_check_pair(struct pool *pool, const char *key, const char *value)
{
	int err = pool_check_key(key);

	if (err)
		return refuse(pool, err, "key", strlen(key), POOL_KEY_SIZE - 1, WIRE_KEY_UNITS);
	err = value ? pool_check_value(value) : 0;
	if (err)
		return refuse(pool, err, "value", strlen(value), POOL_VALUE_SIZE - 1,
			      WIRE_VALUE_UNITS);
	return 0;
}

int pool_get(struct pool *pool, const char *key, const char **value)
{
	uint32_t number;
	int err = pool_load(pool);

	if (err)
		return err;
	number = pool_index_last(&pool->index, key);
	if (number == POOL_NONE)
		return -ENOENT;
	*value = pool_pair_value(&pool->index.pairs[number]);
	return *value ? 0 : -EBADMSG;
}

int pool_show(struct pool *pool, const char *key, const char **value)
{
	uint32_t number;
	int err = pool_load(pool);

	if (err)
		return err;
	number = pool_index_shown(&pool->index, key);
	if (number == POOL_NONE)
		return -ENOENT;
	*value = pool_pair_shown_value(&pool->index.pairs[number]);
	return 0;
}

int pool_at(struct pool *pool, uint32_t index, const char **key, const char **value)
{
	uint32_t number;
	int err = index ? pool_load_again(pool) : pool_load(pool);

	if (!err)
		err = pool_index_at(&pool->index, index, &number);
	if (err)
		return err;
	*key = pool->index.pairs[number].shown;
	*value = pool_pair_shown_value(&pool->index.pairs[number]);
	return 0;
}

static int check_limits(struct pool *pool)
{
	struct pool_index *index = &pool->index;

	if (index->records - index->unusable >= pool->limits.keys)
		return error_set(&pool->error, -EDQUOT,
				      "%s: holds %u pairs, and the limit is %u; delete some, or raise it (--max-keys)",
				      pool->file.path, index->records - index->unusable,
				      pool->limits.keys);
	if (((uint64_t)index->records + 1) * POOL_RECORD_SIZE > pool->limits.bytes)
		return error_set(&pool->error, -EDQUOT,
				      "%s: would be longer than %llu bytes, which is the limit; delete some pairs, or raise it (--max-bytes)",
				      pool->file.path, (unsigned long long)pool->limits.bytes);
	return 0;
}

/* The file is not as the index says. */
static int changed_unseen(struct pool *pool)
{
	pool_forget(pool);
	return error_set(&pool->error, -EAGAIN,
			 "%s: another program writes to it without a lock; end that program, or try again",
			 pool->file.path);
}

/* Has the record the key that the index knows? */
static bool is_known(const struct pool *pool, uint32_t number, const struct pool_record *record)
{
	return !strncmp(record->key, pool->index.pairs[number].key, sizeof(record->key));
}

/* Read a record that the index knows. Return: -EAGAIN if it is another one, changed unseen. */
static int read_known(struct pool *pool, uint32_t number, struct pool_record *record)
{
	ssize_t n = pool_file_read(&pool->file, number, record, 1);

	if (n < 0)
		return n;
	return n && is_known(pool, number, record) ? 0 : changed_unseen(pool);
}

/* The value of a record that exists; one that is not usable counts as empty. */
static const char *old_value(const struct pool *pool, uint32_t number)
{
	const char *value = number == POOL_NONE ? NULL : pool_index_value(&pool->index, number);

	return value || number == POOL_NONE ? value : "";
}

/* Note what was done, before the index follows and the pool is unlocked. */
static void note(struct pool *pool, enum change_kind kind, const char *key, const char *old,
		 const char *new)
{
	struct change change = {
		.pool = pool->number, .kind = kind, .key = key, .old = old, .new = new,
	};

	changes_append(pool->changes, &change, 1);
}

static int change_record(struct pool *pool, uint32_t number, const struct pool_record *record)
{
	struct pool_change change = { .before = pool->index.records, .after = pool->index.records };
	struct pool_record before;
	int err = read_known(pool, number, &before);

	if (!err)
		err = pool_change_add(&change, number, &before, record);
	if (!err)
		err = pool_commit(pool, &change);
	pool_change_clear(&change);
	if (!err)
		note(pool, CHANGE_SET, record->key, old_value(pool, number), record->value);
	if (!err && pool_index_change(&pool->index, number, record))
		pool_forget(pool);
	return err;
}

static int append_record(struct pool *pool, const struct pool_record *record)
{
	uint32_t number = pool->index.records;
	struct pool_change change = { .before = number, .after = number + 1 };
	int err = check_limits(pool);

	if (!err)
		err = pool_change_add(&change, number, NULL, record);
	if (!err)
		err = pool_commit(pool, &change);
	pool_change_clear(&change);
	if (!err)
		note(pool, CHANGE_ADD, record->key,
		     old_value(pool, pool_index_last(&pool->index, record->key)), record->value);
	if (!err && pool_index_add(&pool->index, record))
		pool_forget(pool);
	return err;
}

static int store_once(struct pool *pool, const struct pool_record *record, bool add)
{
	int err = pool_commit_begin(pool);
	uint32_t number;

	if (err)
		return err;
	number = add ? POOL_NONE : pool_index_last(&pool->index, record->key);
	err = number == POOL_NONE ? append_record(pool, record) :
				    change_record(pool, number, record);
	pool_commit_end(pool);
	return err ? err : number == POOL_NONE;
}

static int store_pair(struct pool *pool, const char *key, const char *value, bool add)
{
	struct pool_record record = { 0 };
	int err = pool_check_pair(pool, key, value);

	if (err)
		return err;
	memcpy(record.key, key, strlen(key));
	memcpy(record.value, value, strlen(value));

	err = -EAGAIN;
	for (int tries = 0; err == -EAGAIN && tries < POOL_TRIES; tries++)
		err = store_once(pool, &record, add);
	return err;
}

int pool_set(struct pool *pool, const char *key, const char *value)
{
	return store_pair(pool, key, value, false);
}

int pool_add(struct pool *pool, const char *key, const char *value)
{
	return store_pair(pool, key, value, true);
}

static int compare_targets(const void *a, const void *b)
{
	const struct pool_move *x = a, *y = b;

	return x->to < y->to ? -1 : x->to > y->to;
}

/* The record that a move takes: one that is cut off, or the target of another move. */
static const struct pool_record *find_source(const struct pool_plan *plan, uint32_t from,
					     const struct pool_record *targets,
					     const struct pool_record *tail)
{
	const struct pool_move wanted = { .to = from }, *move;

	if (from >= plan->records)
		return &tail[from - plan->records];
	move = bsearch(&wanted, plan->moves, plan->count, sizeof(wanted), compare_targets);
	return move ? &targets[move - plan->moves] : NULL;
}

/*
 * What a plan changes in a file of which most records stay: the targets of its moves are read one
 * by one, and the records at the end that are cut off at once.
 */
static int change_by_moves(struct pool *pool, const struct pool_plan *plan,
			   struct pool_change *change)
{
	size_t cuts = change->before - change->after;
	struct pool_record *targets = malloc((plan->count + cuts) * sizeof(*targets));
	struct pool_record *tail = targets + plan->count;
	int err = 0;

	change->contents = targets;
	if (!targets)
		return -ENOMEM;
	if (pool_file_read(&pool->file, change->after, tail, cuts) != (ssize_t)cuts)
		return -EAGAIN;
	for (size_t i = 0; i < plan->count; i++)
		if (pool_file_read(&pool->file, plan->moves[i].to, &targets[i], 1) != 1)
			return -EAGAIN;
	for (size_t i = 0; i < plan->count && !err; i++) {
		const struct pool_move *move = &plan->moves[i];
		const struct pool_record *now = find_source(plan, move->from, targets, tail);

		err = now ? pool_change_add(change, move->to, &targets[i], now) : -EAGAIN;
	}
	for (size_t i = 0; i < cuts && !err; i++)
		err = pool_change_add(change, change->after + i, &tail[i], NULL);
	return err;
}

/* The same where all records from @first on move: they are read at once. */
static int change_by_shift(struct pool *pool, const struct pool_plan *plan, uint32_t first,
			   struct pool_change *change)
{
	uint32_t count = change->before - first;
	struct pool_record *span = malloc(count * sizeof(*span));
	int err = 0;

	change->contents = span;
	if (!span)
		return -ENOMEM;
	if (pool_file_read(&pool->file, first, span, count) != (ssize_t)count)
		return -EAGAIN;
	for (uint32_t i = 0; i < count && !err; i++)
		err = pool_change_add(change, first + i, &span[i], i < plan->count ?
				      &span[plan->moves[i].from - first] : NULL);
	return err;
}

static int compare_slots(const void *a, const void *b)
{
	const struct pool_slot *x = a, *y = b;

	return x->record < y->record ? -1 : x->record > y->record;
}

/* Are the records with this key that a change removes in the file where the index says? */
static int check_records(struct pool *pool, const char *key, const struct pool_change *change)
{
	uint32_t number = pool_index_last(&pool->index, key);

	for (; number != POOL_NONE; number = pool_index_before(&pool->index, number)) {
		const struct pool_slot wanted = { .record = number };
		const struct pool_slot *slot = bsearch(&wanted, change->slots, change->count,
						       sizeof(wanted), compare_slots);

		if (slot && !is_known(pool, number, slot->was))
			return changed_unseen(pool);
	}
	return 0;
}

/* Carry out what pool_plan_delete() has found, in file and index. */
static int move_records(struct pool *pool, const char *key, const struct pool_plan *plan)
{
	struct pool_change change = { .before = pool->index.records, .after = plan->records };
	uint32_t first = plan->records - plan->count;
	int err;

	/* Do they all move that lie behind the first gap? */
	if (!plan->count || plan->moves[0].to == first)
		err = change_by_shift(pool, plan, first, &change);
	else
		err = change_by_moves(pool, plan, &change);
	if (!err)
		err = check_records(pool, key, &change);
	change.more = plan->left;
	if (!err)
		err = pool_commit(pool, &change);
	pool_change_clear(&change);
	if (!err && pool_index_move(&pool->index, plan->moves, plan->count, plan->records))
		pool_forget(pool);
	return err;
}

/* Return: 1 if records with this key are left, 0 if not; -ENOENT if there was none; other -errno. */
static int delete_once(struct pool *pool, const char *key)
{
	struct pool_plan plan = { 0 };
	int err = pool_commit_begin(pool);
	char *old = NULL;

	if (err)
		return err;
	err = pool_plan_delete(&plan, &pool->index, key, DELETE_MOST);
	if (!err) {
		old = strdup(old_value(pool, pool_index_last(&pool->index, key)));
		err = move_records(pool, key, &plan);
	}
	if (!err && !plan.left)
		note(pool, CHANGE_DELETE, key, old ? old : "", NULL);
	free(old);
	pool_commit_end(pool);
	if (!err && plan.left)
		err = 1;
	pool_plan_free(&plan);
	return err;
}

int pool_delete(struct pool *pool, const char *key)
{
	int err = pool->hold.held ? 0 : pool_load(pool);

	if (err)
		return err;
	/* Without the locks, and without a file or a log where there is none. */
	if (!pool->hold.held && pool_index_last(&pool->index, key) == POOL_NONE)
		return -ENOENT;
	err = 1;
	for (int tries = 0; err == 1 || (err == -EAGAIN && tries < POOL_TRIES); tries += err < 0)
		err = delete_once(pool, key);
	return err;
}

/* Make durable what the pool is now, whoever made it so. */
static int sync_pool(struct pool *pool)
{
	int err = pool_load(pool);

	if (err || !pool->stamp.ino)
		return err;
	err = pool_commit_begin(pool);
	if (err)
		return err;
	err = pool_file_sync(&pool->file);
	/* What this epoch has made may be lost, so that it has to be replayed. */
	if (err)
		pool->journal.unfinished = pool->journal.live;
	pool_commit_end(pool);
	return err;
}

int pool_delete_again(struct pool *pool, const char *key)
{
	int err = pool_delete(pool, key);

	if (err != -ENOENT)
		return err;
	err = sync_pool(pool);
	/* With the locks, which another program may have had until now, comes a replay. */
	if (!err)
		err = pool_delete(pool, key);
	return err == -ENOENT ? 0 : err;
}

static int transact_once(struct pool *pool, const struct pool_transaction *ops, void *data)
{
	struct pool_change change = { 0 };
	int err = pool_commit_begin(pool);

	if (err)
		return err;
	change.before = pool->index.records;
	change.after = pool->index.records;
	err = ops->plan(data, pool, &change);
	if (err == -EAGAIN)
		pool_forget(pool);
	if (!err && change.count) {
		err = pool_commit(pool, &change);
		if (!err && ops->follow(data, &pool->index))
			pool_forget(pool);
	}
	pool_change_clear(&change);
	pool_commit_end(pool);
	return err;
}

int pool_transact(struct pool *pool, const struct pool_transaction *ops, void *data)
{
	int err = -EAGAIN;

	for (int tries = 0; err == -EAGAIN && tries < POOL_TRIES; tries++)
		err = transact_once(pool, ops, data);
	return err;
}
