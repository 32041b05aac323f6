/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Carries out a change of a pool: in the log, then in the file
 *
 * For the files of the store only. Failures return -errno, and pool_why() has the reason.
 */
#ifndef HVKVP_POOL_COMMIT_H
#define HVKVP_POOL_COMMIT_H

#include "pool/pool.h"

/* How often a change is tried when others write without a lock meanwhile. */
#define POOL_TRIES	5

/**
 * pool_commit_begin() - lock everything for a change, and bring the index up to date
 * @pool: the object
 *
 * Return: 0, then pool_commit_end() has to follow; -errno.
 */
int pool_commit_begin(struct pool *pool);

/**
 * pool_commit() - carry a change out
 * @pool: the object, after pool_commit_begin()
 * @change: what is changed; gets its time
 *
 * Afterwards @pool->stamp has the state of the file. The caller has to update the index, unless this
 * drops it.
 *
 * Return: 0 once the change is on stable storage; -EAGAIN if a program that does not lock has
 * interfered; other -errno. After a failure nothing has changed.
 */
int pool_commit(struct pool *pool, struct pool_change *change);

/**
 * pool_commit_end() - after a change, or none
 * @pool: the object
 *
 * Holds the locks as long as there is something to make durable. Keeps the reason of a failure.
 */
void pool_commit_end(struct pool *pool);

#endif /* HVKVP_POOL_COMMIT_H */
