// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool: pairs of text, kept in a file that other programs share.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pool/compact.h"
#include "pool/pool.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/utf.h"
#include "wire/value.h"

/* Records that are read at a time: 160 KiB. */
#define CHUNK	64

/* How often a change is tried when others write without a lock meanwhile. */
#define TRIES		5

/* Records with one key that are removed in one change; of more, the oldest ones go first. */
#define DELETE_MOST	1024

/* For so long a public lock that could not be had is waited for only shortly. */
#define MISSED_MS	60000
#define MISSED_WAIT_MS	20

/* How often the locks are taken anew because the file was replaced meanwhile. */
#define TAKE_TRIES	10

/* A caller without a loop never makes a checkpoint: others get their turn all the same. */
#define HOLD_LIMIT_MS	(5 * POOL_HOLD_MS)
#define TURN_NS		1000000

/* An enumeration takes less. */
#define ENUMERATION_MS	1000

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

static void forget(struct pool *pool)
{
	pool_index_clear(&pool->index);
	pool->loaded = false;
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

/* Read all records behind each other, leaving out what a sparse file has not. */
static int read_records(struct pool *pool)
{
	static const struct pool_record zeros;
	struct pool_record *chunk = malloc(CHUNK * sizeof(*chunk));
	uint32_t records = pool->stamp.size / POOL_RECORD_SIZE, at = 0;
	int err = 0;

	if (!chunk)
		return -ENOMEM;
	while (!err && at < records) {
		off_t data = lseek(pool->file.fd, (off_t)at * POOL_RECORD_SIZE, SEEK_DATA);
		uint32_t first = data < 0 ? (errno == ENXIO ? records : at) :
				 data / POOL_RECORD_SIZE;
		ssize_t n;

		for (; !err && at < first && at < records; at++)
			err = pool_index_add(&pool->index, &zeros);
		if (err || at >= records)
			break;
		n = pool_file_read(&pool->file, at, chunk,
				   records - at < CHUNK ? records - at : CHUNK);
		if (n <= 0) {
			err = n;
			break;
		}
		for (ssize_t i = 0; !err && i < n; i++)
			err = pool_index_add(&pool->index, &chunk[i]);
		at += n;
		if (pool->index.text > pool->limits.bytes)
			err = error_set(&pool->error, -EFBIG,
					     "%s: holds more than %llu bytes of text; see what fills it, or raise the limit (--max-bytes)",
					     pool->file.path,
					     (unsigned long long)pool->limits.bytes);
	}
	free(chunk);
	return err;
}

/* Once for each state of the file, not for each change. */
static void warn_invalid(struct pool *pool)
{
	const struct pool_index *index = &pool->index;
	uint32_t partial = pool->stamp.size % POOL_RECORD_SIZE;

	if (index->empty && index->empty != pool->warned.empty)
		log_warn("%s: %u of %u records have no key and are left alone; see hvkvp fsck",
			 pool->file.path, index->empty, index->records);
	if (index->altered && index->altered != pool->warned.altered)
		log_warn("%s: the host sees %u of %u pairs cut to what a message holds, or with U+FFFD for what is not UTF-8; see hvkvp fsck",
			 pool->file.path, index->altered, index->records - index->empty);
	if (partial && partial != pool->warned.partial)
		log_warn("%s: ends in a partial record of %u bytes, which is ignored",
			 pool->file.path, partial);
	pool->warned.empty = index->empty;
	pool->warned.altered = index->altered;
	pool->warned.partial = partial;
}

/* Build the index. The file is open, and locked if that was possible. */
static int read_file(struct pool *pool)
{
	int err;

	forget(pool);
	err = pool_file_stamp(&pool->file, &pool->stamp);
	if (!err && pool->stamp.size / POOL_RECORD_SIZE > POOL_RECORDS_MAX)
		err = error_set(&pool->error, -EFBIG,
				     "%s: is %lld bytes long, which no pool is; remove it, or cut it to its size",
				     pool->file.path, (long long)pool->stamp.size);
	if (!err)
		err = read_records(pool);
	if (err) {
		forget(pool);
		return err;
	}
	pool->loaded = true;
	pool->read_at = clock_ms();
	warn_invalid(pool);
	return 0;
}

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

static void release(struct pool *pool)
{
	pool_file_unlock(&pool->file);
	pool_journal_unlock(&pool->journal);
	pool->hold.held = false;
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
	release(pool);
	return error_set(&pool->error, -EAGAIN,
			 "%s: another program replaces it again and again; end that program, or try again",
			 pool->file.path);
}

/* Replay what a crash has left in the log. */
static int replay(struct pool *pool)
{
	forget(pool);
	return pool_journal_recover(&pool->journal);
}

/* Take all locks, until the next checkpoint. What a crash has left undone is done. */
static int take(struct pool *pool, bool create)
{
	int err = -EAGAIN;

	error_clear(&pool->error);
	if (!create) {
		err = pool_file_open(&pool->file, false);
		if (err)
			return err;
		err = -EAGAIN;
	}
	for (int tries = 0; err == -EAGAIN && tries < TAKE_TRIES; tries++)
		err = try_take(pool, create);
	if (!err && pool_journal_pending(&pool->journal)) {
		err = replay(pool);
		if (err)
			release(pool);
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
	uint64_t now = clock_ms(), end = pool->hold.last + POOL_IDLE_MS;

	if (!pool->hold.held)
		return -1;
	if (end > pool->hold.since + POOL_HOLD_MS)
		end = pool->hold.since + POOL_HOLD_MS;
	return end > now ? (int)(end - now) : 0;
}

int pool_checkpoint(struct pool *pool)
{
	int err = 0;

	if (!pool->hold.held)
		return 0;
	if (pool->journal.unfinished)
		err = replay(pool);
	else if (pool->journal.live)
		err = pool_journal_checkpoint(&pool->journal);
	if (err)
		log_err("%s; the changes stay in its journal", pool_why(pool));
	release(pool);
	return err;
}

/* The file or the journal that we have locked is gone: what was done to it is gone, too. */
static void abandon(struct pool *pool)
{
	log_notice("%s: another program has replaced it", pool->file.path);
	if (pool->journal.live && pool_file_current(&pool->file))
		pool_file_sync(&pool->file);
	else if (pool->journal.live)
		pool_journal_drop(&pool->journal);
	release(pool);
	forget(pool);
}

static bool still_ours(const struct pool *pool)
{
	return pool_file_current(&pool->file) && pool_journal_current(&pool->journal);
}

/*
 * Replay what a crash has left in the log, if there is a journal that we may write. If somebody
 * has its lock, then he has not crashed.
 */
static int recover(struct pool *pool)
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
	err = take(pool, false);
	if (err)
		return err == -ENOENT ? 0 : err;
	release(pool);
	return 0;
}

void pool_exit(struct pool *pool)
{
	pool_checkpoint(pool);
	forget(pool);
	pool_journal_exit(&pool->journal);
	pool_file_exit(&pool->file);
}

int pool_create(struct pool *pool)
{
	int err = pool_file_open(&pool->file, false);

	if (err == -ENOENT)
		return pool_file_open(&pool->file, true);
	return err ? err : recover(pool);
}

/* Read the file at the path, without holding it. */
static int load_shared(struct pool *pool)
{
	bool exclusive;
	int err = pool_file_open(&pool->file, false);

	if (err == -ENOENT) {
		forget(pool);
		pool->stamp = (struct pool_stamp){ 0 };
		pool->loaded = true;
		error_clear(&pool->error);
		return 0;
	}
	if (err) {
		forget(pool);
		return err;
	}
	if (recover(pool))
		log_warn("%s; reading it as it is", pool_why(pool));
	if (pool_file_lock(&pool->file, POOL_LOCK_READ, &exclusive)) {
		log_info("%s; reading it without a lock", pool_why(pool));
		return read_file(pool);
	}
	err = read_file(pool);
	pool_file_unlock(&pool->file);
	return err;
}

static bool index_current(const struct pool *pool)
{
	return pool->loaded && pool_file_unchanged(&pool->file, &pool->stamp);
}

int pool_load(struct pool *pool)
{
	error_clear(&pool->error);
	if (index_current(pool))
		return 0;
	if (pool->hold.held && !still_ours(pool))
		abandon(pool);
	return pool->hold.held ? read_file(pool) : load_shared(pool);
}

/*
 * The same for a position behind the first one: an enumeration goes on with what it began with, for
 * a second, unless the file has visibly changed. Else it would read the file once for each pair as
 * long as a change could have gone unnoticed.
 */
static int load_again(struct pool *pool)
{
	struct pool_stamp now;

	error_clear(&pool->error);
	if (pool->loaded && clock_ms() - pool->read_at < ENUMERATION_MS &&
	    !pool_file_look(&pool->file, &now) && pool_stamp_equal(&now, &pool->stamp))
		return 0;
	return pool_load(pool);
}

/* Lock everything for a change, and know what is in the file. */
static int begin_change(struct pool *pool)
{
	const struct timespec turn = { .tv_nsec = TURN_NS };
	int err = 0;

	error_clear(&pool->error);
	if (pool->hold.held && !still_ours(pool))
		abandon(pool);
	if (pool->hold.held && pool->journal.unfinished)
		err = replay(pool);
	if (pool->hold.held && clock_ms() - pool->hold.since > HOLD_LIMIT_MS) {
		pool_checkpoint(pool);
		nanosleep(&turn, NULL);
	}
	if (!err && !pool->hold.held)
		err = take(pool, true);
	if (err == -ENOENT)
		return -ENOTDIR;	/* not "there is no such pair" */
	if (!err && !index_current(pool))
		err = read_file(pool);
	if (err && pool->hold.held && !pool->journal.live)
		release(pool);
	return err;
}

/* After a change, or none: hold the locks as long as there is something to make durable. */
static void end_change(struct pool *pool)
{
	struct error reason = pool->error;

	/* Others have added something in the middle of it: then look again. */
	if (pool->stamp.size != (off_t)pool->index.records * POOL_RECORD_SIZE)
		forget(pool);
	if (!pool->hold.held)
		return;
	pool->hold.last = clock_ms();
	if (!pool->journal.live)
		release(pool);
	else if (!pool->hold.exclusive)
		pool_checkpoint(pool);
	pool->error = reason;
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
			if (!err && number != first)
				err = pool_file_sync(&pool->file);
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
	if (st.st_size == (off_t)end * POOL_RECORD_SIZE)
		return 0;
	*written = true;
	return pool_file_truncate(file, end);
}

/*
 * Put back what was there, durably: another program may have synced the unfinished change, and the
 * log will not have it any more.
 */
static int roll_back(struct pool_file *file, const struct pool_change *change)
{
	bool written = false;
	int err = 0;

	for (size_t i = 0; i < change->count && !err; i++) {
		const struct pool_slot *slot = &change->slots[i];

		if (slot->flags || has_record(file, slot->record, slot->was))
			continue;
		err = pool_file_write(file, slot->record, &slot->was, 1);
		written = true;
	}
	if (!err)
		err = remove_added(file, change, &written);
	return err || !written ? err : pool_file_sync(file);
}

/* A change that could not be made must not take effect later. */
static void fail_change(struct pool *pool, const struct pool_change *change)
{
	struct error reason = pool->error;
	int err = roll_back(&pool->file, change);

	if (err)
		err = pool_journal_invert(&pool->journal, change);
	else
		err = pool_journal_strike(&pool->journal);
	if (err)
		log_err("%s: a change that failed cannot be removed from its journal (%s), and may take effect later",
			pool->file.path, pool_why(pool));
	pool->error = reason;
	forget(pool);
}

/*
 * Carry a change out. Afterwards @pool->stamp has the state of the file; the index is the caller's
 * to follow, unless this forgets it.
 */
static int commit_change(struct pool *pool, struct pool_change *change)
{
	bool set;
	int err;

	/*
	 * A time of its own for our change, between two ticks of the kernel's clock: then any other
	 * change has another one, even within this tick, and the index need not be read again.
	 */
	clock_gettime(CLOCK_REALTIME, &change->mtime);
	err = pool_journal_begin(&pool->journal, change, &pool->stamp);
	if (err)
		return err;
	err = make_change(pool, change);
	if (err) {
		fail_change(pool, change);
		return err;
	}
	/* Without it the index is read again: no harm, and too late for a rollback. */
	set = !pool_file_set_time(&pool->file, &change->mtime);
	err = pool_file_stamp(&pool->file, &pool->stamp);
	if (err)
		return err;
	/* Where the file system keeps whole seconds, the time is not what was set. */
	pool->stamp.unique = set && pool->stamp.mtime.tv_nsec == change->mtime.tv_nsec &&
			     change->mtime.tv_nsec;
	error_clear(&pool->error);
	pool_journal_end(&pool->journal, &pool->stamp);
	pool_file_announce(&pool->file);
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
	int err = index ? load_again(pool) : pool_load(pool);

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

/* Read a record that the index knows. Return: -EAGAIN if it is another one, changed unseen. */
static int read_known(struct pool *pool, uint32_t number, struct pool_record *record)
{
	const char *key = pool->index.pairs[number].key;
	ssize_t n = pool_file_read(&pool->file, number, record, 1);

	if (n < 0)
		return n;
	if (n && !strncmp(record->key, key, sizeof(record->key)))
		return 0;
	forget(pool);
	return error_set(&pool->error, -EAGAIN,
			 "%s: another program writes to it without a lock; end that program, or try again",
			 pool->file.path);
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
		err = commit_change(pool, &change);
	pool_change_clear(&change);
	if (!err)
		note(pool, CHANGE_SET, record->key, old_value(pool, number), record->value);
	if (!err && pool_index_change(&pool->index, number, record))
		forget(pool);
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
		err = commit_change(pool, &change);
	pool_change_clear(&change);
	if (!err)
		note(pool, CHANGE_ADD, record->key,
		     old_value(pool, pool_index_last(&pool->index, record->key)), record->value);
	if (!err && pool_index_add(&pool->index, record))
		forget(pool);
	return err;
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

static int store_once(struct pool *pool, const struct pool_record *record, bool add)
{
	int err = begin_change(pool);
	uint32_t number;

	if (err)
		return err;
	number = add ? POOL_NONE : pool_index_last(&pool->index, record->key);
	err = number == POOL_NONE ? append_record(pool, record) :
				    change_record(pool, number, record);
	end_change(pool);
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
	for (int tries = 0; err == -EAGAIN && tries < TRIES; tries++)
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
 * @from: those from here on are as they were; what lies between has no usable key
 * @changed: records that were mended or removed
 */
struct tidy {
	uint32_t to;
	uint32_t from;
	int changed;
};

/* Records that one change of a pass looks at: twice as many are written at most. */
#define TIDY_STEP	128

/*
 * The next records: usable ones move down to @tidy->to, and leave empty records behind, so that
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
		if (!pool->index.pairs[tidy->from + i].key) {
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
		else if (number >= tidy->to && pool->index.pairs[number].key)
			err = pool_change_add(change, number, &was[i], empty);
	}
	tidy->from = end;
	return err;
}

/* Cut off records that have no usable key, at the end of the pass. */
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
		forget(pool);
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
			forget(pool);
		}
	}
	if (!err && change.count)
		err = commit_change(pool, &change);
	if (!err && change.count)
		follow(pool, &change);
	pool_change_clear(&change);
	if (!err)
		*tidy = next;
	return err ? err : more;
}

int pool_tidy(struct pool *pool)
{
	struct tidy tidy = { 0 };
	int ret = 1;

	for (int tries = 0; ret == 1 || (ret == -EAGAIN && tries < TRIES); tries += ret < 0) {
		struct pool_stamp stamp = pool->stamp;

		ret = begin_change(pool);
		if (ret)
			continue;
		/* Others may have changed the file since: then the pass begins again. */
		if (!pool_stamp_equal(&pool->stamp, &stamp))
			tidy = (struct tidy){ .changed = tidy.changed };
		ret = tidy_once(pool, &tidy);
		end_change(pool);
	}
	return ret ? ret : tidy.changed;
}

/* What a plan changes in the file; its records are read one by one. */
static int change_by_moves(struct pool *pool, const struct pool_plan *plan,
			   struct pool_change *change)
{
	size_t cuts = change->before - change->after;
	struct pool_record *at = malloc((2 * plan->count + cuts) * sizeof(*at));
	int err = 0;

	change->contents = at;
	if (!at)
		return -ENOMEM;
	for (size_t i = 0; i < plan->count && !err; i++, at += 2) {
		const struct pool_move *move = &plan->moves[i];

		if (pool_file_read(&pool->file, move->to, &at[0], 1) != 1 ||
		    pool_file_read(&pool->file, move->from, &at[1], 1) != 1)
			return -EAGAIN;
		err = pool_change_add(change, move->to, &at[0], &at[1]);
	}
	for (uint32_t cut = change->after; cut < change->before && !err; cut++, at++) {
		if (pool_file_read(&pool->file, cut, at, 1) != 1)
			return -EAGAIN;
		err = pool_change_add(change, cut, at, NULL);
	}
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

/* Carry out what pool_plan_delete() has found, in file and index. */
static int move_records(struct pool *pool, const struct pool_plan *plan)
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
		err = commit_change(pool, &change);
	pool_change_clear(&change);
	if (!err && pool_index_move(&pool->index, plan->moves, plan->count, plan->records))
		forget(pool);
	return err;
}

/* Are the records with this key in the file where the index says? */
static int check_records(struct pool *pool, const char *key)
{
	uint32_t number = pool_index_last(&pool->index, key);
	struct pool_record record;
	int err = 0;

	while (!err && number != POOL_NONE) {
		err = read_known(pool, number, &record);
		if (!err)
			number = pool_index_before(&pool->index, number);
	}
	return err;
}

/* Return: 1 if records with this key are left, 0 if not, -errno. */
static int delete_once(struct pool *pool, const char *key)
{
	struct pool_plan plan = { 0 };
	int err = begin_change(pool);
	char *old = NULL;

	if (err)
		return err;
	err = check_records(pool, key);
	if (!err)
		err = pool_plan_delete(&plan, &pool->index, key, DELETE_MOST);
	if (!err) {
		old = strdup(old_value(pool, pool_index_last(&pool->index, key)));
		err = move_records(pool, &plan);
	}
	if (!err && !plan.left)
		note(pool, CHANGE_DELETE, key, old ? old : "", NULL);
	free(old);
	end_change(pool);
	if (!err && plan.left)
		err = 1;
	pool_plan_free(&plan);
	return err;
}

int pool_delete(struct pool *pool, const char *key)
{
	int err = pool_load(pool);

	if (!err && pool_index_last(&pool->index, key) == POOL_NONE)
		return -ENOENT;
	if (err)
		return err;
	err = 1;
	for (int tries = 0; err == 1 || (err == -EAGAIN && tries < TRIES); tries += err < 0)
		err = delete_once(pool, key);
	return err;
}

int pool_reload(struct pool *pool, struct pool_index *before)
{
	int err;

	*before = (struct pool_index){ 0 };
	if (index_current(pool))
		return 0;
	*before = pool->index;
	pool->index = (struct pool_index){ 0 };
	pool->loaded = false;
	err = pool_load(pool);
	if (!err)
		return 1;
	pool->index = *before;
	*before = (struct pool_index){ 0 };
	return err;
}

static int transact_once(struct pool *pool, const struct pool_transaction *ops, void *data)
{
	struct pool_change change = { 0 };
	int err = begin_change(pool);

	if (err)
		return err;
	change.before = pool->index.records;
	change.after = pool->index.records;
	err = ops->plan(data, pool, &change);
	if (err == -EAGAIN)
		forget(pool);
	if (!err && change.count) {
		err = commit_change(pool, &change);
		if (!err && ops->follow(data, &pool->index))
			forget(pool);
	}
	pool_change_clear(&change);
	end_change(pool);
	return err;
}

int pool_transact(struct pool *pool, const struct pool_transaction *ops, void *data)
{
	int err = -EAGAIN;

	for (int tries = 0; err == -EAGAIN && tries < TRIES; tries++)
		err = transact_once(pool, ops, data);
	return err;
}
