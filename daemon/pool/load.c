// SPDX-License-Identifier: GPL-2.0-only
/*
 * The index of a pool, read from its file.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "pool/hold.h"
#include "pool/load.h"
#include "util/clock.h"
#include "util/log.h"

/* Records that are read at a time: 160 KiB. */
#define CHUNK	64

/* An enumeration takes less. */
#define ENUMERATION_MS	1000

/* Read all records behind each other, leaving out what a sparse file has not. */
static int read_records(struct pool *pool)
{
	const struct pool_record zeros = { 0 };
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

int pool_load_locked(struct pool *pool)
{
	int err;

	pool_forget(pool);
	err = pool_file_stamp(&pool->file, &pool->stamp);
	if (!err && pool->stamp.size / POOL_RECORD_SIZE > POOL_RECORDS_MAX)
		err = error_set(&pool->error, -EFBIG,
				     "%s: is %lld bytes long, which no pool is; remove it, or cut it to its size",
				     pool->file.path, (long long)pool->stamp.size);
	if (!err)
		err = read_records(pool);
	if (err) {
		pool_forget(pool);
		return err;
	}
	pool->loaded = true;
	pool->read_at = clock_ms();
	warn_invalid(pool);
	return 0;
}

/* Read the file at the path, without holding it. */
static int load_shared(struct pool *pool)
{
	bool exclusive;
	int err = pool_file_open(&pool->file, false);

	if (err == -ENOENT) {
		pool_forget(pool);
		pool->stamp = (struct pool_stamp){ 0 };
		pool->loaded = true;
		error_clear(&pool->error);
		return 0;
	}
	if (err) {
		pool_forget(pool);
		return err;
	}
	if (pool_hold_recover(pool))
		log_warn("%s; reading it as it is", pool_why(pool));
	if (pool_file_lock(&pool->file, POOL_LOCK_READ, &exclusive)) {
		log_info("%s; reading it without a lock", pool_why(pool));
		return pool_load_locked(pool);
	}
	err = pool_load_locked(pool);
	pool_file_unlock(&pool->file);
	return err;
}

int pool_look(struct pool *pool, struct pool_stamp *now)
{
	struct pool_name *name = &pool->file_name;
	unsigned int changes;
	int err;

	if (name->known && pool->file.fd >= 0 && !pool_file_stamp(&pool->file, now) &&
	    pool_names_same(pool->names, name, &now->taken))
		return 0;
	changes = pool_names_changes(pool->names);
	err = pool_file_look(&pool->file, now);
	*name = (struct pool_name){
		.known = pool->names && !err && pool->file.fd >= 0 &&
			 now->ino == pool->file.ino && now->dev == pool->file.dev,
		.changes = changes,
		.at = now->taken,
	};
	return err;
}

bool pool_load_matches(struct pool *pool, const struct pool_stamp *now)
{
	pool_stamp_learn(&pool->stamp, now);
	pool_stamp_learn(&pool->journal.base, now);
	/* Was it another program, or does the file system round times? */
	if (pool->stamp.expected)
		pool->file.exact = false;
	return pool->loaded && pool_stamp_equal(now, &pool->stamp) &&
	       pool_stamp_certain(&pool->stamp);
}

bool pool_load_current(struct pool *pool)
{
	struct pool_stamp now;

	return pool->loaded && !pool_look(pool, &now) && pool_load_matches(pool, &now);
}

int pool_load(struct pool *pool)
{
	struct pool_stamp now;

	error_clear(&pool->error);
	if (pool_load_current(pool))
		return 0;
	if (pool->hold.held && !pool_hold_current(pool, &now))
		pool_hold_abandon(pool);
	return pool->hold.held ? pool_load_locked(pool) : load_shared(pool);
}

int pool_load_again(struct pool *pool)
{
	struct pool_stamp now;

	error_clear(&pool->error);
	if (pool->loaded && clock_ms() - pool->read_at < ENUMERATION_MS &&
	    !pool_look(pool, &now) && pool_stamp_equal(&now, &pool->stamp)) {
		pool_stamp_learn(&pool->stamp, &now);
		return 0;
	}
	return pool_load(pool);
}

int pool_reload(struct pool *pool, struct pool_index *before)
{
	int err;

	*before = (struct pool_index){ 0 };
	if (pool_load_current(pool))
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
