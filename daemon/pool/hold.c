// SPDX-License-Identifier: GPL-2.0-only
/*
 * The locks of a pool, from a change to its checkpoint.
 */
#include <errno.h>

#include "pool/hold.h"
#include "pool/load.h"
#include "util/clock.h"
#include "util/log.h"

/* For so long a public lock that could not be had is waited for only shortly. */
#define MISSED_MS	60000
#define MISSED_WAIT_MS	20

/* How often the locks are taken anew because the file was replaced meanwhile. */
#define TAKE_TRIES	10

/*
 * The public locks. One that is never given back costs the whole wait once, and then little for a
 * while: a reader must not be able to slow down each request.
 */
static int lock_public(struct pool *pool)
{
	unsigned int wait = pool->file.wait_ms;
	bool again = clock_ms() < pool->hold.missed;
	int err;

	if (again && wait > MISSED_WAIT_MS)
		pool->file.wait_ms = MISSED_WAIT_MS;
	err = pool_file_lock(&pool->file, POOL_LOCK_WRITE, &pool->hold.exclusive);
	/* A lock that is respected is one that only a writer can hold. */
	if (err == -ETIMEDOUT && pool->file.wait_ms != wait) {
		pool->file.wait_ms = wait;
		err = pool_file_lock(&pool->file, POOL_LOCK_WRITE, &pool->hold.exclusive);
	}
	pool->file.wait_ms = wait;
	if (err || pool->hold.exclusive)
		return err;
	if (!again)
		log_warn("%s", pool_why(pool));
	error_clear(&pool->error);
	pool->hold.missed = clock_ms() + MISSED_MS;
	return 0;
}

void pool_hold_release(struct pool *pool)
{
	changes_release(pool->changes);
	pool_file_unlock(&pool->file);
	pool_journal_unlock(&pool->journal);
	pool->hold.held = false;
}

/* Is the open journal the one at the path? */
static bool find_journal(struct pool *pool, const struct timespec *now)
{
	unsigned int changes = pool_names_changes(pool->names);

	pool->journal_name = (struct pool_name){
		.known = pool_journal_current(&pool->journal), .changes = changes, .at = *now,
	};
	return pool->journal_name.known;
}

/* Open file and journal, and lock both. Return: -EAGAIN if one of them was replaced meanwhile. */
static int try_take(struct pool *pool, bool create)
{
	int err = pool_file_open(&pool->file, true);

	if (!err)
		err = pool_journal_open(&pool->journal, create);
	if (!err)
		err = pool_journal_lock(&pool->journal, pool->file.wait_ms);
	if (err)
		return err;
	err = lock_public(pool);
	if (err) {
		pool_journal_unlock(&pool->journal);
		return err;
	}
	/* Whoever had the lock may have put another file there: ours is of no use then. */
	if (pool_file_current(&pool->file) && pool_journal_current(&pool->journal))
		return 0;
	pool_hold_release(pool);
	return error_set(&pool->error, -EAGAIN,
			 "%s: another program replaces it again and again; end that program, or try again",
			 pool->file.path);
}

int pool_hold_replay(struct pool *pool)
{
	pool_forget(pool);
	return pool_journal_recover(&pool->journal, pool->hold.held);
}

int pool_hold_take(struct pool *pool, bool create)
{
	int err = -EAGAIN;

	error_clear(&pool->error);
	/* Who waits for it may have the locks that we want now. */
	changes_release(pool->changes);
	if (!create) {
		err = pool_file_open(&pool->file, false);
		if (err)
			return err;
		err = -EAGAIN;
	}
	for (int tries = 0; err == -EAGAIN && tries < TAKE_TRIES; tries++)
		err = try_take(pool, create);
	if (!err && pool_journal_pending(&pool->journal)) {
		err = pool_hold_replay(pool);
		if (err)
			pool_hold_release(pool);
	}
	if (err)
		return err;
	pool->hold.held = true;
	pool->hold.since = clock_ms();
	pool->hold.last = pool->hold.since;
	return 0;
}

int pool_checkpoint_due(const struct pool *pool)
{
	uint64_t now, end = pool->hold.last + POOL_IDLE_MS;

	/* First of all: where the clock is a system call, each request would have ten of them. */
	if (!pool->hold.held)
		return -1;
	now = clock_ms();
	if (end > pool->hold.since + POOL_HOLD_MS)
		end = pool->hold.since + POOL_HOLD_MS;
	return end > now ? (int)(end - now) : 0;
}

int pool_checkpoint(struct pool *pool)
{
	int err = 0;

	if (!pool->hold.held)
		return 0;
	/* Those who change other pools must not wait for this disk. */
	changes_release(pool->changes);
	if (pool->journal.unfinished)
		err = pool_hold_replay(pool);
	else if (pool->journal.live)
		err = pool_journal_checkpoint(&pool->journal);
	pool_stamp_learn(&pool->stamp, &pool->journal.base);
	if (err)
		log_err("%s; the changes stay in its journal", pool_why(pool));
	pool_hold_release(pool);
	pool_file_announce(&pool->file);
	return err;
}

/* The file or the journal that we have locked is gone: what was done to it is gone, too. */
void pool_hold_abandon(struct pool *pool)
{
	log_notice("%s: another program has replaced it", pool->file.path);
	if (pool->journal.live && pool_file_current(&pool->file)) {
		/* The second time writes all of it again. */
		if (pool_file_sync(&pool->file) && pool_file_sync(&pool->file))
			log_err("%s; a power failure may undo its last changes", pool_why(pool));
	} else if (pool->journal.live) {
		pool_journal_drop(&pool->journal);
	}
	pool_hold_release(pool);
	pool_forget(pool);
}

bool pool_hold_current(struct pool *pool, struct pool_stamp *now)
{
	if (pool_look(pool, now) || now->ino != pool->file.ino || now->dev != pool->file.dev)
		return false;
	return pool_names_same(pool->names, &pool->journal_name, &now->taken) ||
	       find_journal(pool, &now->taken);
}

int pool_hold_recover(struct pool *pool)
{
	int err = pool_journal_open(&pool->journal, false);

	error_clear(&pool->error);
	if (err == -ENOENT || err == -EACCES || err == -EPERM || err == -EROFS)
		return 0;
	if (!err && !pool_journal_pending(&pool->journal))
		return 0;
	if (!err) {
		err = pool_journal_lock(&pool->journal, 0);
		error_clear(&pool->error);
		if (err == -ETIMEDOUT)
			return 0;
		pool_journal_unlock(&pool->journal);
	}
	err = pool_hold_take(pool, false);
	if (err)
		return err == -ENOENT ? 0 : err;
	pool_hold_release(pool);
	return 0;
}

int pool_create(struct pool *pool)
{
	int err = pool_file_open(&pool->file, false);

	if (err == -ENOENT)
		return pool_file_open(&pool->file, true);
	return err ? err : pool_hold_recover(pool);
}
