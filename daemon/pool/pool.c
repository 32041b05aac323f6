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

/* How often a DELETE is tried when others append without a lock meanwhile. */
#define DELETE_TRIES	5

/* For so long a lock that had to be ignored is waited for only shortly. */
#define PAST_LOCKS_MS		60000
#define PAST_LOCKS_WAIT_MS	20

int pool_init(struct pool *pool, const char *dir, int number)
{
	int err;

	*pool = (struct pool){
		.limits = { .keys = POOL_DEFAULT_KEYS, .bytes = POOL_DEFAULT_BYTES },
	};
	err = pool_file_init(&pool->file, dir, number);
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
			err = pool_file_fail(&pool->file, -EFBIG,
					     "%s: holds more than %llu bytes of text; see what fills it, or raise the limit (--max-bytes)",
					     pool->file.path,
					     (unsigned long long)pool->limits.bytes);
	}
	free(chunk);
	return err;
}

static void tell_oddities(const struct pool *pool)
{
	const struct pool_index *index = &pool->index;

	if (index->unusable)
		log_warn("%s: %u of %u records have no usable key and are left alone; see hvkvp fsck",
			 pool->file.path, index->unusable, index->records);
	if (index->hidden)
		log_warn("%s: the host cannot see %u of %u pairs: not UTF-8, or longer than a message holds; see hvkvp fsck",
			 pool->file.path, index->hidden, index->records - index->unusable);
	if (pool->stamp.size % POOL_RECORD_SIZE)
		log_warn("%s: ends in a partial record of %d bytes, which is ignored",
			 pool->file.path, (int)(pool->stamp.size % POOL_RECORD_SIZE));
}

/* Build the index. The file is open, and locked if that was possible. */
static int read_file(struct pool *pool)
{
	int err;

	forget(pool);
	err = pool_file_stamp(&pool->file, &pool->stamp);
	if (!err && pool->stamp.size / POOL_RECORD_SIZE > POOL_RECORDS_MAX)
		err = pool_file_fail(&pool->file, -EFBIG,
				     "%s: is %lld bytes long, which no pool is; remove it, or cut it to its size",
				     pool->file.path, (long long)pool->stamp.size);
	if (!err)
		err = read_records(pool);
	if (err) {
		forget(pool);
		return err;
	}
	pool->loaded = true;
	tell_oddities(pool);
	return 0;
}

/*
 * A lock that nobody gives back costs us the whole wait once, and then only
 * little for a while: nobody shall slow down every request.
 */
static int lock_to_write(struct pool *pool)
{
	unsigned int wait = pool->file.wait_ms;
	bool again = clock_ms() < pool->past_locks;
	int err;

	if (again && wait > PAST_LOCKS_WAIT_MS)
		pool->file.wait_ms = PAST_LOCKS_WAIT_MS;
	err = pool_file_lock(&pool->file, POOL_LOCK_WRITE);
	pool->file.wait_ms = wait;
	if (err)
		return err;
	if (pool_why(pool)[0]) {
		if (!again)
			log_warn("%s", pool_why(pool));
		pool->past_locks = clock_ms() + PAST_LOCKS_MS;
	}
	return 0;
}

/* Open and lock file and journal. What a crash has left undone is done. */
static int lock_all(struct pool *pool, bool create)
{
	int err;

	pool->file.why[0] = 0;
	if (!create) {
		err = pool_file_open(&pool->file, false);
		if (err)
			return err;
	}
	err = pool_file_open(&pool->file, true);
	if (err)
		return err;
	err = lock_to_write(pool);
	if (err)
		return err;
	err = pool_journal_open(&pool->journal, create);
	if (!err)
		err = pool_journal_lock(&pool->journal);
	if (err)
		goto unlock_file;
	if (pool_journal_pending(&pool->journal)) {
		forget(pool);
		err = pool_journal_recover(&pool->journal);
		if (!err && pool_journal_pending(&pool->journal))
			err = pool_file_fail(&pool->file, -EIO, "%s: cannot be emptied; remove it",
					     pool->journal.path);
	}
	if (!err)
		return 0;
	pool_journal_unlock(&pool->journal);
unlock_file:
	pool_file_unlock(&pool->file);
	return err;
}

static void unlock_all(struct pool *pool)
{
	pool_journal_unlock(&pool->journal);
	pool_file_unlock(&pool->file);
}

/* See to what a crash has left undone, if there is a journal that we may write. */
static int recover(struct pool *pool)
{
	int err = pool_journal_open(&pool->journal, false);

	pool->file.why[0] = 0;
	if (err == -ENOENT || err == -EACCES || err == -EPERM || err == -EROFS)
		return 0;
	if (!err && !pool_journal_pending(&pool->journal))
		return 0;
	err = lock_all(pool, false);
	if (err)
		return err == -ENOENT ? 0 : err;
	unlock_all(pool);
	return 0;
}

void pool_exit(struct pool *pool)
{
	if (pool->journal.used && !lock_all(pool, false)) {
		if (pool_journal_finish(&pool->journal))
			log_warn("%s", pool_why(pool));
		unlock_all(pool);
	}
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

int pool_load(struct pool *pool)
{
	int err;

	pool->file.why[0] = 0;
	if (pool->loaded && pool_file_unchanged(&pool->file, &pool->stamp))
		return 0;

	err = pool_file_open(&pool->file, false);
	if (err == -ENOENT) {
		forget(pool);
		pool->stamp = (struct pool_stamp){ .sharp = true };
		pool->loaded = true;
		pool->file.why[0] = 0;
		return 0;
	}
	if (err) {
		forget(pool);
		return err;
	}
	if (recover(pool))
		log_warn("%s; reading it as it is", pool_why(pool));
	if (pool_file_lock(&pool->file, POOL_LOCK_READ)) {
		log_info("%s; reading it without a lock", pool_why(pool));
		return read_file(pool);
	}
	err = read_file(pool);
	pool_file_unlock(&pool->file);
	return err;
}

/* Open and lock everything for a change, and know what is in the file. */
static int begin_change(struct pool *pool)
{
	int err = lock_all(pool, true);

	if (err == -ENOENT)
		return -ENOTDIR;	/* not "there is no such pair" */
	if (err || (pool->loaded && pool_file_unchanged(&pool->file, &pool->stamp)))
		return err;
	err = read_file(pool);
	if (err)
		unlock_all(pool);
	return err;
}

/* Write over what is only written over: with what shall be, or with what was. */
static int write_over(struct pool_file *file, const struct pool_change *change, bool undo)
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
		run[n++] = undo ? slot->was : slot->now;
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
			/* Not where the journal has it: then the file itself has to be durable. */
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

/* Make a change in the file that the journal has already. */
static int make_change(struct pool *pool, const struct pool_change *change)
{
	struct pool_file *file = &pool->file;
	struct stat st;
	int err = 0;

	/* First of all: until the file has grown, a crash has changed no record of it. */
	if (change->after > change->before)
		err = append_added(pool, change);
	if (!err)
		err = write_over(file, change, false);
	if (err || change->after >= change->before)
		return err;
	/* Those who append without a lock may have done so just now. */
	if (!fstat(file->fd, &st) && st.st_size / POOL_RECORD_SIZE != change->before)
		return pool_file_fail(file, -EAGAIN,
				      "%s: another program writes to it without a lock; end that program, or try again",
				      file->path);
	return pool_file_truncate(file, change->after);
}

/* Remove the records that it has appended, also in part, unless others have appended behind them. */
static int undo_append(struct pool *pool, const struct pool_change *change)
{
	uint32_t ours = change->before, whole;
	struct pool_record now;
	struct stat st;

	if (fstat(pool->file.fd, &st))
		return -errno;
	whole = st.st_size / POOL_RECORD_SIZE;
	for (size_t i = 0; i < change->count && ours < whole; i++) {
		const struct pool_slot *slot = &change->slots[i];

		if (!(slot->flags & POOL_SLOT_ADDED))
			continue;
		if (pool_file_read(&pool->file, ours, &now, 1) != 1 ||
		    memcmp(&now, slot->now, sizeof(now)))
			break;
		ours++;
	}
	if (ours == whole && ours != change->before)
		return pool_file_truncate(&pool->file, change->before);
	/* A part of a record (disk full) is of no use. */
	return st.st_size % POOL_RECORD_SIZE ? pool_file_truncate(&pool->file, whole) : 0;
}

/* Put back what was there. */
static int undo_change(struct pool *pool, const struct pool_change *change)
{
	int err = write_over(&pool->file, change, true);

	return err || change->after <= change->before ? err : undo_append(pool, change);
}

/*
 * Carry a change out. Afterwards @pool->stamp tells the state of the file; the
 * index is the caller's to follow, unless this forgets it.
 */
static int commit_change(struct pool *pool, struct pool_change *change)
{
	char why[sizeof(pool->file.why)];
	bool sharp;
	int err;

	/*
	 * A time of its own for our change, between two ticks of the kernel's
	 * clock: then whatever anybody else writes has another one, even within
	 * this tick, and the index need not be built again to be sure.
	 */
	clock_gettime(CLOCK_REALTIME, &change->mtime);
	err = pool_journal_begin(&pool->journal, change, &pool->stamp);
	if (err)
		return err;
	err = make_change(pool, change);
	if (err) {
		memcpy(why, pool->file.why, sizeof(why));
		if (undo_change(pool, change) || pool_journal_strike(&pool->journal))
			log_err("%s: a change that failed could not be taken back, and will be made later",
				pool->file.path);
		memcpy(pool->file.why, why, sizeof(why));
		forget(pool);
		return err;
	}
	/* Without it the index is built again: no harm, and too late to take it back. */
	sharp = !pool_file_set_time(&pool->file, &change->mtime);
	err = pool_file_stamp(&pool->file, &pool->stamp);
	if (err)
		return err;
	pool->stamp.sharp |= sharp;
	pool->file.why[0] = 0;
	pool_journal_end(&pool->journal, &pool->stamp);
	return 0;
}

/* Others have added something in the middle of it: then look again. */
static void check_size(struct pool *pool)
{
	if (pool->stamp.size != (off_t)pool->index.records * POOL_RECORD_SIZE)
		forget(pool);
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

int pool_at(struct pool *pool, uint32_t index, const char **key, const char **value)
{
	uint32_t number;
	int err = pool_load(pool);

	if (!err)
		err = pool_index_at(&pool->index, index, &number);
	if (err)
		return err;
	*key = pool->index.pairs[number].key;
	*value = pool_pair_value(&pool->index.pairs[number]);
	return 0;
}

static int check_limits(struct pool *pool)
{
	struct pool_index *index = &pool->index;

	if (index->records - index->unusable >= pool->limits.keys)
		return pool_file_fail(&pool->file, -EDQUOT,
				      "%s: holds %u pairs, and the limit is %u; delete some, or raise it (--max-keys)",
				      pool->file.path, index->records - index->unusable,
				      pool->limits.keys);
	if (((uint64_t)index->records + 1) * POOL_RECORD_SIZE > pool->limits.bytes)
		return pool_file_fail(&pool->file, -EDQUOT,
				      "%s: would be longer than %llu bytes, which is the limit; delete some pairs, or raise it (--max-bytes)",
				      pool->file.path, (unsigned long long)pool->limits.bytes);
	return 0;
}

static int change_record(struct pool *pool, uint32_t number, const struct pool_record *record)
{
	struct pool_change change = { .before = pool->index.records, .after = pool->index.records };
	struct pool_record before;
	ssize_t n = pool_file_read(&pool->file, number, &before, 1);
	int err;

	if (n < 0)
		return n;
	if (!n)
		return -EAGAIN;	/* somebody truncated it just now */
	err = pool_change_add(&change, number, &before, record);
	if (!err)
		err = commit_change(pool, &change);
	pool_change_clear(&change);
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
	if (!err && pool_index_add(&pool->index, record))
		forget(pool);
	return err;
}

static int refuse(struct pool *pool, int err, const char *what, size_t len, int most_bytes,
		  int most_units)
{
	char *why = pool->file.why;
	size_t size = sizeof(pool->file.why);

	if (err == -EMSGSIZE)
		snprintf(why, size, "the %s is too long: %zu bytes of UTF-8; a record holds %d, "
			 "a message %d UTF-16 units", what, len, most_bytes, most_units);
	else
		snprintf(why, size, "the %s is %s", what,
			 err == -EINVAL ? "empty" : "not valid UTF-8");
	return err;
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

static int store_pair(struct pool *pool, const char *key, const char *value, bool add)
{
	struct pool_record record = { 0 };
	uint32_t number;
	int err;

	err = pool_check_pair(pool, key, value);
	if (err)
		return err;
	memcpy(record.key, key, strlen(key));
	memcpy(record.value, value, strlen(value));

	err = begin_change(pool);
	if (err)
		return err;
	number = add ? POOL_NONE : pool_index_last(&pool->index, key);
	err = number == POOL_NONE ? append_record(pool, &record) :
				    change_record(pool, number, &record);
	check_size(pool);
	unlock_all(pool);
	return err ? err : number == POOL_NONE;
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

/* What tidying changes: @change->after records stay. Return: how many change, -errno. */
static int plan_tidy(struct pool *pool, struct pool_change *change)
{
	struct pool_record *at = malloc(((size_t)change->before * 2 + 1) * sizeof(*at));
	int changed = 0, err = 0;

	change->contents = at;
	if (!at)
		return -ENOMEM;
	for (uint32_t from = 0; from < change->before && !err; from++) {
		uint32_t to = change->after;
		bool untidy;

		if (!pool->index.pairs[from].key) {
			changed++;
			continue;
		}
		change->after++;
		if (pool_file_read(&pool->file, from, &at[0], 1) != 1)
			return -EAGAIN;
		untidy = pool_record_tidy(&at[0]);
		changed += untidy;
		if (from == to && !untidy)
			continue;
		if (pool_file_read(&pool->file, to, &at[1], 1) != 1)
			return -EAGAIN;
		err = pool_change_add(change, to, &at[1], &at[0]);
		at += 2;
	}
	for (uint32_t cut = change->after; cut < change->before && !err; cut++, at++) {
		if (pool_file_read(&pool->file, cut, at, 1) != 1)
			return -EAGAIN;
		err = pool_change_add(change, cut, at, NULL);
	}
	return err ? err : changed;
}

int pool_tidy(struct pool *pool)
{
	struct pool_change change = { 0 };
	int err = begin_change(pool), changed;

	if (err)
		return err;
	change.before = pool->index.records;
	changed = plan_tidy(pool, &change);
	if (changed > 0)
		err = commit_change(pool, &change);
	if (!err && changed >= 0 && pool->stamp.size % POOL_RECORD_SIZE) {
		err = pool_file_truncate(&pool->file, change.after);
		changed++;
	}
	pool_change_clear(&change);
	forget(pool);
	unlock_all(pool);
	return err ? err : changed;
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

static int delete_once(struct pool *pool, const char *key)
{
	struct pool_plan plan;
	int err = begin_change(pool);

	if (err)
		return err;
	err = pool_plan_delete(&plan, &pool->index, key);
	if (!err)
		err = move_records(pool, &plan);
	pool_plan_free(&plan);
	check_size(pool);
	unlock_all(pool);
	return err;
}

int pool_delete(struct pool *pool, const char *key)
{
	int err = pool_load(pool);

	if (!err && pool_index_last(&pool->index, key) == POOL_NONE)
		return -ENOENT;
	for (int tries = 0; !err && tries < DELETE_TRIES; tries++) {
		err = delete_once(pool, key);
		if (err != -EAGAIN)
			break;
		err = tries == DELETE_TRIES - 1 ? err : 0;
	}
	return err;
}

int pool_reload(struct pool *pool, struct pool_index *before)
{
	int err;

	*before = (struct pool_index){ 0 };
	if (pool->loaded && pool_file_unchanged(&pool->file, &pool->stamp))
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
	if (!err && change.count) {
		err = commit_change(pool, &change);
		if (!err && ops->follow(data, &pool->index))
			forget(pool);
	}
	pool_change_clear(&change);
	check_size(pool);
	unlock_all(pool);
	return err;
}

int pool_transact(struct pool *pool, const struct pool_transaction *ops, void *data)
{
	int err = -EAGAIN;

	for (int tries = 0; err == -EAGAIN && tries < DELETE_TRIES; tries++)
		err = transact_once(pool, ops, data);
	return err;
}
