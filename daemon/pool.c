// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool: pairs of text, kept in a file that other programs share.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pool.h"
#include "utf.h"
#include "wire.h"

/* Records that are read or moved at a time: 160 KiB. */
#define CHUNK	64

static uint32_t hash_of(const char *key)
{
	uint32_t hash = 2166136261U;	/* FNV-1a */

	while (*key)
		hash = (hash ^ (uint8_t)*key++) * 16777619U;
	return hash;
}

int pool_init(struct pool *pool, const char *dir, int number)
{
	*pool = (struct pool){ 0 };
	return pool_file_init(&pool->file, dir, number);
}

static void forget(struct pool *pool)
{
	for (size_t i = 0; i < pool->count; i++)
		free(pool->pairs[i].key);
	pool->count = 0;
	pool->hidden = 0;
	pool->records = 0;
	pool->unusable = 0;
	pool->loaded = false;
}

void pool_exit(struct pool *pool)
{
	forget(pool);
	free(pool->pairs);
	pool->pairs = NULL;
	pool_file_exit(&pool->file);
}

int pool_create(struct pool *pool)
{
	int err = pool_file_open(&pool->file, false);

	return err == -ENOENT ? pool_file_open(&pool->file, true) : err;
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

const char *pool_value(const struct pool_pair *pair)
{
	return pair->value_units < 0 ? NULL : pair->key + strlen(pair->key) + 1;
}

bool pool_fits_wire(const struct pool_pair *pair)
{
	return pair->key_units <= WIRE_KEY_UNITS && pair->value_units >= 0 &&
	       pair->value_units <= WIRE_VALUE_UNITS;
}

static ssize_t measure(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	return len == size ? -EILSEQ : utf8_units(text, len);
}

/* Fill @pair from @record. Return: 1, 0 if the key is not usable, -ENOMEM. */
static int make_pair(struct pool_pair *pair, const struct pool_record *record, uint32_t number)
{
	ssize_t key_units = measure(record->key, sizeof(record->key));
	ssize_t value_units = measure(record->value, sizeof(record->value));
	size_t key_len, value_len;

	if (key_units <= 0)
		return 0;
	key_len = strlen(record->key);
	value_len = value_units < 0 ? 0 : strlen(record->value);

	*pair = (struct pool_pair){
		.record = number,
		.hash = hash_of(record->key),
		.key_units = key_units,
		.value_units = value_units < 0 ? -1 : value_units,
		.key = malloc(key_len + value_len + 2),
	};
	if (!pair->key)
		return -ENOMEM;
	memcpy(pair->key, record->key, key_len + 1);
	memcpy(pair->key + key_len + 1, record->value, value_len);
	pair->key[key_len + 1 + value_len] = 0;
	return 1;
}

static int add_record(struct pool *pool, const struct pool_record *record, uint32_t number)
{
	struct pool_pair pair;
	int ret;

	if (pool->count == pool->room) {
		size_t room = pool->room ? 2 * pool->room : CHUNK;
		void *pairs = reallocarray(pool->pairs, room, sizeof(*pool->pairs));

		if (!pairs)
			return -ENOMEM;
		pool->pairs = pairs;
		pool->room = room;
	}
	ret = make_pair(&pair, record, number);
	if (ret < 0)
		return ret;
	pool->records = number + 1;
	if (!ret) {
		pool->unusable++;
		return 0;
	}
	pool->pairs[pool->count++] = pair;
	pool->hidden += !pool_fits_wire(&pair);
	return 0;
}

/* Build the index. The file is open, and locked if that was possible. */
static int read_file(struct pool *pool)
{
	struct pool_record *chunk;
	ssize_t n = CHUNK;
	int err;

	forget(pool);
	chunk = malloc(CHUNK * sizeof(*chunk));
	if (!chunk)
		return -ENOMEM;
	err = pool_file_stamp(&pool->file, &pool->stamp);
	for (uint32_t at = 0; !err && n == CHUNK; at += n) {
		n = pool_file_read(&pool->file, at, chunk, CHUNK);
		if (n < 0)
			err = n;
		for (ssize_t i = 0; !err && i < n; i++)
			err = add_record(pool, &chunk[i], at + i);
	}
	free(chunk);
	if (err) {
		forget(pool);
		return err;
	}
	pool->loaded = true;

	if (pool->unusable)
		log_warn("%s: %u of %u records have no usable key and are left alone",
			 pool->file.path, pool->unusable, pool->records);
	if (pool->hidden)
		log_warn("%s: the host cannot see %zu of %zu pairs: not UTF-8, or longer than a message holds",
			 pool->file.path, pool->hidden, pool->count);
	if (pool->stamp.size % POOL_RECORD_SIZE)
		log_warn("%s: ends in a partial record of %d bytes, which is ignored",
			 pool->file.path, (int)(pool->stamp.size % POOL_RECORD_SIZE));
	return 0;
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
	if (pool_file_lock(&pool->file, POOL_LOCK_READ)) {
		log_info("%s; reading it without a lock", pool_why(pool));
		return read_file(pool);
	}
	err = read_file(pool);
	pool_file_unlock(&pool->file);
	return err;
}

/* Open and lock the file for a change, and know what is in it. */
static int begin_change(struct pool *pool, bool create)
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
	err = pool_file_lock(&pool->file, POOL_LOCK_WRITE);
	if (err)
		return err;
	if (pool_why(pool)[0])
		log_warn("%s", pool_why(pool));
	if (pool->loaded && pool_file_unchanged(&pool->file, &pool->stamp))
		return 0;
	err = read_file(pool);
	if (err)
		pool_file_unlock(&pool->file);
	return err;
}

/*
 * Sync, and unlock. After a failure, or when the file is not of the size that
 * our change gave it, the index is built again the next time.
 */
static int end_change(struct pool *pool, int err)
{
	if (!err)
		err = pool_file_commit(&pool->file, &pool->stamp);
	if (err || pool->stamp.size != (off_t)pool->records * POOL_RECORD_SIZE)
		forget(pool);
	pool_file_unlock(&pool->file);
	return err;
}

static struct pool_pair *find_last(struct pool *pool, const char *key)
{
	uint32_t hash = hash_of(key);

	for (size_t i = pool->count; i--; )
		if (pool->pairs[i].hash == hash && !strcmp(pool->pairs[i].key, key))
			return &pool->pairs[i];
	return NULL;
}

int pool_get(struct pool *pool, const char *key, const char **value)
{
	struct pool_pair *pair;
	int err = pool_load(pool);

	if (err)
		return err;
	pair = find_last(pool, key);
	if (!pair)
		return -ENOENT;
	*value = pool_value(pair);
	return *value ? 0 : -EBADMSG;
}

int pool_at(struct pool *pool, uint32_t index, const char **key, const char **value)
{
	struct pool_pair *pair = NULL;
	int err = pool_load(pool);

	if (err)
		return err;
	if (index >= pool->count - pool->hidden)
		return -ENOENT;
	if (!pool->hidden) {
		pair = &pool->pairs[index];
	} else {
		for (pair = pool->pairs; ; pair++)
			if (pool_fits_wire(pair) && !index--)
				break;
	}
	*key = pair->key;
	*value = pool_value(pair);
	return 0;
}

static int change_record(struct pool *pool, struct pool_pair *pair,
			 const struct pool_record *record)
{
	struct pool_pair changed;
	int ret = make_pair(&changed, record, pair->record);

	if (ret <= 0)
		return ret ? ret : -EINVAL;
	ret = pool_file_write(&pool->file, pair->record, record, 1);
	if (ret) {
		free(changed.key);
		return ret;
	}
	pool->hidden -= !pool_fits_wire(pair);
	free(pair->key);
	*pair = changed;
	return 0;
}

static int append_record(struct pool *pool, const struct pool_record *record)
{
	uint32_t number = pool->records;
	int err;

	err = add_record(pool, record, number);
	if (err)
		return err;
	err = pool_file_write(&pool->file, number, record, 1);
	if (err) {
		/* Half a record (disk full) is of no use to anybody. */
		char why[sizeof(pool->file.why)];

		memcpy(why, pool->file.why, sizeof(why));
		pool_file_truncate(&pool->file, number);
		memcpy(pool->file.why, why, sizeof(why));
	}
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

int pool_set(struct pool *pool, const char *key, const char *value)
{
	struct pool_record record = { 0 };
	struct pool_pair *pair;
	int err;

	err = pool_check_key(key);
	if (err)
		return refuse(pool, err, "key", strlen(key), POOL_KEY_SIZE - 1, WIRE_KEY_UNITS);
	err = pool_check_value(value);
	if (err)
		return refuse(pool, err, "value", strlen(value), POOL_VALUE_SIZE - 1,
			      WIRE_VALUE_UNITS);
	memcpy(record.key, key, strlen(key));
	memcpy(record.value, value, strlen(value));

	err = begin_change(pool, true);
	if (err)
		return err;
	pair = find_last(pool, key);
	err = pair ? change_record(pool, pair, &record) : append_record(pool, &record);
	err = end_change(pool, err);
	return err ? err : !pair;
}

/* Copy records [from, end) down to @to. The ranges may overlap. */
static int move_down(struct pool *pool, struct pool_record *chunk,
		     uint32_t to, uint32_t from, uint32_t end)
{
	while (from < end) {
		uint32_t want = end - from < CHUNK ? end - from : CHUNK;
		ssize_t n = pool_file_read(&pool->file, from, chunk, want);
		int err;

		if (n < 0)
			return n;
		if (!n)
			return -EAGAIN;	/* somebody truncated it just now */
		err = pool_file_write(&pool->file, to, chunk, n);
		if (err)
			return err;
		from += n;
		to += n;
	}
	return 0;
}

/*
 * Close the gaps by moving what follows them, and only then shorten the file:
 * until that last step every other pair is there at least once. The order of
 * the records is the order of events for those who append to a pool, so the
 * last record must not jump into the gap, though that would write less.
 */
static int remove_records(struct pool *pool, const char *key)
{
	uint32_t hash = hash_of(key), gaps = 0, start = 0;
	struct pool_record *chunk = malloc(CHUNK * sizeof(*chunk));
	size_t kept = 0;
	int err = 0;

	if (!chunk)
		return -ENOMEM;
	for (size_t i = 0; i < pool->count; i++) {
		struct pool_pair *pair = &pool->pairs[i];
		bool gone = pair->hash == hash && !strcmp(pair->key, key);

		if (gone) {
			if (gaps && !err)
				err = move_down(pool, chunk, start - gaps, start, pair->record);
			start = pair->record + 1;
			gaps++;
			pool->hidden -= !pool_fits_wire(pair);
			free(pair->key);
		} else {
			pair->record -= gaps;
			pool->pairs[kept++] = *pair;
		}
	}
	pool->count = kept;
	if (!err)
		err = move_down(pool, chunk, start - gaps, start, pool->records);
	pool->records -= gaps;
	if (!err)
		err = pool_file_truncate(&pool->file, pool->records);
	free(chunk);
	return err;
}

int pool_delete(struct pool *pool, const char *key)
{
	int err = begin_change(pool, false);

	if (err)
		return err;
	if (!find_last(pool, key)) {
		pool_file_unlock(&pool->file);
		return -ENOENT;
	}
	return end_change(pool, remove_records(pool, key));
}
