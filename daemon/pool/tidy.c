// SPDX-License-Identifier: GPL-2.0-only
/*
 * Repairs the records of a pool.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pool/commit.h"
#include "pool/load.h"

static bool tidy_text(char *text, size_t size)
{
	size_t len = strnlen(text, size);
	bool changed = false;

	for (; len < size; len++) {
		changed |= text[len] != 0;
		text[len] = 0;
	}
	return changed;
}

bool pool_record_tidy(struct pool_record *record)
{
	bool changed = tidy_text(record->key, sizeof(record->key));

	return tidy_text(record->value, sizeof(record->value)) || changed;
}

/**
 * struct tidy - a pass over a pool, in changes of a bounded size
 * @to: records in front of this one are done
 * @from: those from here on are as they were; what lies between is to be removed
 * @changed: records that were changed or removed
 * @bad_keys: records whose key is not UTF-8 are removed, too
 */
struct tidy {
	uint32_t to;
	uint32_t from;
	int changed;
	bool bad_keys;
};

/* Records that one change of a pass looks at: twice as many are written at most. */
#define TIDY_STEP	128

static bool stays(const struct pool *pool, const struct tidy *tidy, uint32_t number)
{
	const struct pool_pair *pair = &pool->index.pairs[number];

	return tidy->bad_keys ? pair->key : pair->shown;
}

/*
 * The next records: those that stay move down to @tidy->to, and leave empty records behind, so that
 * each change leaves every pair in one place, and in order.
 */
static int plan_tidy(struct pool *pool, struct tidy *tidy, struct pool_change *change)
{
	uint32_t most = pool->index.records - tidy->from;
	uint32_t count = most < TIDY_STEP ? most : TIDY_STEP;
	struct pool_record *was, *now, *target, *empty;
	uint32_t end = tidy->from + count, kept = 0;
	int err = 0;

	/* What is read, what becomes of it, what it overwrites, and an empty record. */
	was = calloc(3 * count + 1, sizeof(*was));
	if (!was)
		return -ENOMEM;
	change->contents = was;
	now = was + count;
	target = now + count;
	empty = target + count;
	if (pool_file_read(&pool->file, tidy->from, was, count) != (ssize_t)count)
		return -EAGAIN;
	for (uint32_t i = 0; i < count; i++) {
		if (!stays(pool, tidy, tidy->from + i)) {
			tidy->changed++;
			continue;
		}
		now[kept] = was[i];
		tidy->changed += pool_record_tidy(&now[kept++]);
	}
	for (uint32_t i = 0; i < kept && !err; i++) {
		uint32_t to = tidy->to + i;
		struct pool_record *old = &target[i];

		if (to >= tidy->from)
			old = &was[to - tidy->from];
		else if (pool_file_read(&pool->file, to, old, 1) != 1)
			err = -EAGAIN;
		if (!err && memcmp(old, &now[i], sizeof(*old)))
			err = pool_change_add(change, to, old, &now[i]);
	}
	tidy->to += kept;
	/* A small pool is done in one change. */
	if (end == pool->index.records && tidy->to >= tidy->from)
		change->after = tidy->to;
	for (uint32_t i = 0; i < count && !err; i++) {
		uint32_t number = tidy->from + i;

		if (number >= change->after)
			err = pool_change_add(change, number, &was[i], NULL);
		else if (number >= tidy->to && stays(pool, tidy, number))
			err = pool_change_add(change, number, &was[i], empty);
	}
	tidy->from = end;
	return err;
}

/* Cut off the records that are to be removed, at the end of the pass. */
static int plan_cut(struct pool *pool, uint32_t end, struct pool_change *change)
{
	uint32_t count = change->before - end;
	int err = 0;

	if (count > 4 * TIDY_STEP)
		count = 4 * TIDY_STEP;
	change->after = change->before - count;
	change->contents = calloc(count, sizeof(*change->contents));
	if (!change->contents)
		return -ENOMEM;
	if (pool_file_read(&pool->file, change->after, change->contents, count) != (ssize_t)count)
		return -EAGAIN;
	for (uint32_t i = 0; i < count && !err; i++)
		err = pool_change_add(change, change->after + i, &change->contents[i], NULL);
	return err;
}

/* The index follows a change of a pass. */
static void follow(struct pool *pool, const struct pool_change *change)
{
	int err = 0;

	for (size_t i = 0; i < change->count && !err; i++)
		if (change->slots[i].now)
			err = pool_index_change(&pool->index, change->slots[i].record,
						change->slots[i].now);
	if (!err && change->after < change->before)
		err = pool_index_move(&pool->index, NULL, 0, change->after);
	if (err)
		pool_forget(pool);
}

/* One change of a pass. Return: 1 if the pass goes on, 0 at its end, -errno. */
static int tidy_once(struct pool *pool, struct tidy *tidy)
{
	struct pool_change change = { 0 };
	struct tidy next = *tidy;
	int err, more = 1;

	change.before = change.after = pool->index.records;
	if (next.from < pool->index.records) {
		err = plan_tidy(pool, &next, &change);
	} else if (next.to < pool->index.records) {
		err = plan_cut(pool, next.to, &change);
	} else {
		err = 0;
		more = 0;
		if (pool->stamp.size % POOL_RECORD_SIZE) {
			err = pool_file_truncate(&pool->file, pool->index.records);
			next.changed++;
			pool_forget(pool);
		}
	}
	if (!err && change.count)
		err = pool_commit(pool, &change);
	if (!err && change.count)
		follow(pool, &change);
	pool_change_clear(&change);
	if (!err)
		*tidy = next;
	return err ? err : more;
}

int pool_tidy(struct pool *pool, bool bad_keys)
{
	struct tidy tidy = { .bad_keys = bad_keys };
	int ret = 1;

	for (int tries = 0; ret == 1 || (ret == -EAGAIN && tries < POOL_TRIES); tries += ret < 0) {
		struct pool_stamp stamp = pool->stamp;

		ret = pool_commit_begin(pool);
		if (ret)
			continue;
		/* Others may have changed the file since: then the pass begins again. */
		if (!pool_stamp_equal(&pool->stamp, &stamp))
			tidy = (struct tidy){ .changed = tidy.changed, .bad_keys = bad_keys };
		ret = tidy_once(pool, &tidy);
		pool_commit_end(pool);
	}
	return ret ? ret : tidy.changed;
}
