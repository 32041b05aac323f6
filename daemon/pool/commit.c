// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carries out a change of a pool: in the log, then in the file.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "pool/commit.h"
#include "pool/hold.h"
#include "pool/load.h"
#include "util/clock.h"
#include "util/log.h"

/* A caller without a loop never makes a checkpoint: others get their turn all the same. */
#define HOLD_LIMIT_MS	(5 * POOL_HOLD_MS)
#define TURN_NS		1000000

int pool_commit_begin(struct pool *pool)
{
	const struct timespec turn = { .tv_nsec = TURN_NS };
	struct pool_stamp now;
	bool looked = false;
	int err = 0;

	error_clear(&pool->error);
	if (pool->hold.held && clock_ms() - pool->hold.since > HOLD_LIMIT_MS) {
		pool_checkpoint(pool);
		nanosleep(&turn, NULL);
	}
	if (pool->hold.held) {
		looked = pool_hold_current(pool, &now);
		if (!looked)
			pool_hold_abandon(pool);
	}
	if (pool->hold.held && pool->journal.unfinished)
		err = pool_hold_replay(pool);
	if (!err && !pool->hold.held)
		err = pool_hold_take(pool, true);
	if (err == -ENOENT)
		return -ENOTDIR;	/* not "there is no such pair" */
	if (!err && !(looked ? pool_load_matches(pool, &now) : pool_load_current(pool)))
		err = pool_load_locked(pool);
	if (err && pool->hold.held && !pool->journal.live)
		pool_hold_release(pool);
	return err;
}

/* Overwrite the records that stay where they are. */
static int overwrite(struct pool_file *file, const struct pool_change *change)
{
	const struct pool_record *run[POOL_WRITE_MAX];
	uint32_t first = 0;
	size_t n = 0;
	int err = 0;

	/* Records behind each other are one write. */
	for (size_t i = 0; i < change->count && !err; i++) {
		const struct pool_slot *slot = &change->slots[i];

		if (slot->flags)
			continue;
		if (n && (n == POOL_WRITE_MAX || slot->record != first + n)) {
			err = pool_file_write(file, first, run, n);
			n = 0;
		}
		if (!n)
			first = slot->record;
		run[n++] = slot->now;
	}
	return err ? err : pool_file_write(file, first, run, n);
}

static int append_added(struct pool *pool, const struct pool_change *change)
{
	const struct pool_record *run[POOL_WRITE_MAX];
	uint32_t number, first = 0;
	size_t n = 0;
	int err = 0;

	if (pool->stamp.size % POOL_RECORD_SIZE)
		err = pool_file_truncate(&pool->file, change->before);
	for (size_t i = 0; i <= change->count && !err; i++) {
		bool added = i < change->count && change->slots[i].flags & POOL_SLOT_ADDED;

		if (n && (n == POOL_WRITE_MAX || i == change->count)) {
			err = pool_file_append_all(&pool->file, run, n, &number);
			/* Not where the log has it: then the file itself has to be durable. */
			if (!err && number != first) {
				err = pool_file_sync(&pool->file);
				pool->file.exact = false;
			}
			n = 0;
		}
		if (!added)
			continue;
		if (!n)
			first = change->slots[i].record;
		run[n++] = change->slots[i].now;
	}
	return err;
}

/* Make a change in the file that the log has already. */
static int make_change(struct pool *pool, const struct pool_change *change)
{
	struct pool_file *file = &pool->file;
	struct stat st;
	int err = 0;

	/* First of all: until the file has grown, a crash has changed no record of it. */
	if (change->after > change->before)
		err = append_added(pool, change);
	if (!err)
		err = overwrite(file, change);
	if (err || change->after >= change->before)
		return err;
	/* Those who append without a lock may have done so just now. */
	if (!fstat(file->fd, &st) && st.st_size / POOL_RECORD_SIZE != change->before)
		return error_set(&pool->error, -EAGAIN,
				 "%s: another program writes to it without a lock; end that program, or try again",
				 file->path);
	return pool_file_truncate(file, change->after);
}

/* Does the file have this in the record? Then a file that cannot be written need not be. */
static bool has_record(struct pool_file *file, uint32_t number, const struct pool_record *want)
{
	struct pool_record now;

	return pool_file_read(file, number, &now, 1) == 1 && !memcmp(&now, want, sizeof(now));
}

/* Take away what was added at the end, as far as it is ours. */
static int remove_added(struct pool_file *file, const struct pool_change *change, bool *written)
{
	uint32_t end;
	struct stat st;

	if (change->after <= change->before)
		return 0;
	if (fstat(file->fd, &st))
		return error_set_errno(file->error, file->path, "look at it");
	end = st.st_size / POOL_RECORD_SIZE;
	for (size_t i = change->count; i-- && end > change->before; )
		if (change->slots[i].flags & POOL_SLOT_ADDED &&
		    has_record(file, end - 1, change->slots[i].now))
			end--;
	/* Others have appended behind it: the replay does without moving theirs. */
	if (end > change->before)
		return error_set(file->error, -EAGAIN, "%s: another program has appended to it",
				 file->path);
	if (st.st_size == (off_t)end * POOL_RECORD_SIZE)
		return 0;
	*written = true;
	return pool_file_truncate(file, end);
}

/* Put records back that were cut off. Where others have appended something since, they go behind it. */
static int restore_cut(struct pool_file *file, const struct pool_change *change, bool *written)
{
	uint32_t number;
	struct stat st;
	int err = 0;

	if (change->after >= change->before)
		return 0;
	if (fstat(file->fd, &st))
		return error_set_errno(file->error, file->path, "look at it");
	if (st.st_size % POOL_RECORD_SIZE)
		return error_set(file->error, -EAGAIN, "%s: another program is appending to it",
				 file->path);
	for (size_t i = 0; i < change->count && !err; i++) {
		const struct pool_slot *slot = &change->slots[i];

		if (!(slot->flags & POOL_SLOT_CUT) || has_record(file, slot->record, slot->was))
			continue;
		err = pool_file_append_all(file, &slot->was, 1, &number);
		*written = true;
	}
	return err;
}

/* Is the record as the change found it or left it, sector by sector? Else another program has it now. */
static bool is_ours(struct pool_file *file, const struct pool_slot *slot)
{
	struct pool_record record;
	const char *here = (const char *)&record;
	const char *was = (const char *)slot->was, *now = (const char *)slot->now;

	if (pool_file_read(file, slot->record, &record, 1) != 1)
		return false;
	for (size_t at = 0; at < sizeof(record); at += POOL_SECTOR_SIZE)
		if (memcmp(here + at, was + at, POOL_SECTOR_SIZE) &&
		    memcmp(here + at, now + at, POOL_SECTOR_SIZE))
			return false;
	return true;
}

/*
 * Put back what was there, durably: another program may have synced the unfinished change, and the
 * log will not have it any more.
 */
static int roll_back(struct pool_file *file, const struct pool_change *change)
{
	bool written = false;
	/* First of all: until then a pair may be missing, from then on one may be there twice. */
	int err = restore_cut(file, change, &written);

	for (size_t i = 0; i < change->count && !err; i++) {
		const struct pool_slot *slot = &change->slots[i];

		if (slot->flags || has_record(file, slot->record, slot->was) || !is_ours(file, slot))
			continue;
		err = pool_file_write(file, slot->record, &slot->was, 1);
		written = true;
	}
	if (!err)
		err = remove_added(file, change, &written);
	return err || !written ? err : pool_file_sync(file);
}

/*
 * A change that failed must not take effect later. Its inverse goes to the log before the file is put
 * right: then it is rolled back also if this process or the machine ends meanwhile.
 */
static void fail_change(struct pool *pool, const struct pool_change *change, bool begun)
{
	struct error reason = pool->error;
	int unlogged = begun ? pool_journal_invert(&pool->journal, change) : -ENOENT;
	int err = begun ? roll_back(&pool->file, change) : 0;

	if (!err)
		err = pool_journal_strike(&pool->journal);
	/* With its inverse behind it, a change may stay in the log until a replay succeeds. */
	if (err && !unlogged)
		pool_hold_replay(pool);
	else if (err)
		log_err("%s: a change that failed cannot be removed from its journal (%s), and may take effect later",
			pool->file.path, pool_why(pool));
	pool->error = reason;
	pool_forget(pool);
}

/*
 * The state of the file after a change. Who writes to the file while it is locked gives it another
 * time, so it is enough to look at it before the next change, or at the checkpoint.
 */
static int note_state(struct pool *pool, const struct pool_change *change)
{
	/* Without it the index is read again: no harm, and too late for a rollback. */
	bool set = !pool_file_set_time(&pool->file, &change->mtime) && change->mtime.tv_nsec;
	off_t size = change->after == change->before ? pool->stamp.size :
		     (off_t)change->after * POOL_RECORD_SIZE;
	int err;

	if (set && pool->file.exact) {
		pool->stamp = (struct pool_stamp){
			.dev = pool->file.dev, .ino = pool->file.ino, .size = size,
			.mtime = change->mtime, .taken = change->mtime,
			.unique = true, .expected = true,
		};
		return 0;
	}
	err = pool_file_stamp(&pool->file, &pool->stamp);
	if (err)
		return err;
	/* Where the file system keeps whole seconds, the time is not what was set. */
	pool->stamp.unique = set && pool->stamp.mtime.tv_nsec == change->mtime.tv_nsec;
	pool->file.exact = pool->stamp.unique;
	return 0;
}

/* Who asked for the change has been told that it failed, or will be: it must not happen. */
static int check_time(struct pool *pool)
{
	if (!pool->until_ns || clock_ns() < pool->until_ns)
		return 0;
	return error_set(&pool->error, -ETIMEDOUT,
			 "%s: locks or the disk took longer than the host waits: not changed",
			 pool->file.path);
}

static int confirm(struct pool *pool, const struct pool_change *change)
{
	if (!pool->confirm || change->more || !pool->confirm(pool->confirm_data))
		return 0;
	return error_set(&pool->error, -ETIMEDOUT,
			 "%s: the host could not be told of the change: rolled back",
			 pool->file.path);
}

int pool_commit(struct pool *pool, struct pool_change *change)
{
	int err = check_time(pool);
	bool begun;

	if (err)
		return err;

	/*
	 * A time of its own for our change, between two ticks of the kernel's clock: then any other
	 * change has another one, even within this tick, and the index need not be read again.
	 */
	clock_gettime(CLOCK_REALTIME, &change->mtime);
	err = pool_journal_begin(&pool->journal, change, &pool->stamp);
	if (err)
		return err;
	err = check_time(pool);
	begun = !err;
	if (!err)
		err = make_change(pool, change);
	if (!err)
		err = confirm(pool, change);
	if (err) {
		fail_change(pool, change, begun);
		return err;
	}
	/* From here on it cannot fail: it is durable, in the file, and the host may know it. */
	if (note_state(pool, change)) {
		pool->stamp = (struct pool_stamp){ 0 };	/* equal to nothing: the index is read again */
		pool->journal.unmarked = true;
	} else {
		pool_journal_end(&pool->journal, &pool->stamp);
	}
	error_clear(&pool->error);
	return 0;
}

void pool_commit_end(struct pool *pool)
{
	struct error reason = pool->error;

	/* Others have added something in the middle of it: then look again. */
	if (pool->stamp.size != (off_t)pool->index.records * POOL_RECORD_SIZE)
		pool_forget(pool);
	if (!pool->hold.held)
		return;
	pool->hold.last = clock_ms();
	if (!pool->journal.live)
		pool_hold_release(pool);
	else if (!pool->hold.exclusive || pool->journal.unmarked)
		pool_checkpoint(pool);
	pool->error = reason;
}
