/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The index of a pool, read from its file
 *
 * For the files of the store only; pool_load() and pool_reload() are in pool/pool.h.
 */
#ifndef HVKVP_POOL_LOAD_H
#define HVKVP_POOL_LOAD_H

#include "pool/pool.h"

/**
 * pool_load_locked() - read the open file
 * @pool: the object; locked if that was possible
 *
 * Return: 0; -EFBIG if the file is larger than the limits allow; other -errno. After a failure there
 * is no index.
 */
int pool_load_locked(struct pool *pool);

/**
 * pool_look() - the state of the file at the path
 * @pool: the object
 * @now: filled in; all zeros but its time if there is no file
 *
 * If no name in the directory has changed, then that is the open file.
 *
 * Return: 0 or -errno. Does not open anything.
 */
int pool_look(struct pool *pool, struct pool_stamp *now);

/**
 * pool_load_current() - is the index that of the file at the path?
 * @pool: the object; completes its stamp
 *
 * Return: false also if that is not certain.
 */
bool pool_load_current(struct pool *pool);

/**
 * pool_load_matches() - is the index that of this state of the file?
 * @pool: the object; completes its stamp
 * @now: the state of the file at the path
 *
 * Return: as pool_load_current().
 */
bool pool_load_matches(struct pool *pool, const struct pool_stamp *now);

/**
 * pool_load_again() - bring the index up to date for a position behind the first one
 * @pool: the object
 *
 * An enumeration goes on with what it began with, for a second, unless the file has visibly changed.
 * Otherwise it would read the file once for each pair as long as a change could have gone unnoticed.
 *
 * Return: as pool_load().
 */
int pool_load_again(struct pool *pool);

/**
 * pool_forget() - drop the index: the file is read again at the next use
 * @pool: the object
 */
static inline void pool_forget(struct pool *pool)
{
	pool_index_clear(&pool->index);
	pool->loaded = false;
}

#endif /* HVKVP_POOL_LOAD_H */
