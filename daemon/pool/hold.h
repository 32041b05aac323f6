/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The locks of a pool, from a change to its checkpoint
 *
 * For the files of the store only; pool/journal.h says why the locks are held for so long. Failures
 * return -errno, and pool_why() has the reason.
 */
#ifndef HVKVP_POOL_HOLD_H
#define HVKVP_POOL_HOLD_H

#include "pool/pool.h"

/**
 * pool_hold_take() - take all locks, until the next checkpoint
 * @pool: the object, not held
 * @create: make file and journal if there are none
 *
 * What a crash has left undone is done.
 *
 * Return: 0; -ENOENT if there is no file; -EAGAIN if it is replaced again and again; other -errno.
 */
int pool_hold_take(struct pool *pool, bool create);

/**
 * pool_hold_release() - give back all locks
 * @pool: the object; the journal has no changes of ours
 */
void pool_hold_release(struct pool *pool);

/**
 * pool_hold_current() - are the locked file and journal those at the paths?
 * @pool: the object
 * @now: gets the state of the file
 *
 * Return: false if one of them was removed or replaced.
 */
bool pool_hold_current(struct pool *pool, struct pool_stamp *now);

/**
 * pool_hold_abandon() - give back the locks of a file or journal that was replaced
 * @pool: the object, held
 */
void pool_hold_abandon(struct pool *pool);

/**
 * pool_hold_replay() - replay what a crash, or a change that failed, has left in the log
 * @pool: the object, locked
 *
 * Return: 0 or -errno; then the log is as it was.
 */
int pool_hold_replay(struct pool *pool);

/**
 * pool_hold_recover() - the same for a pool that is not locked, if we may write its journal
 * @pool: the object
 *
 * If another process has the journal's lock, then that process has not crashed.
 *
 * Return: 0 or -errno.
 */
int pool_hold_recover(struct pool *pool);

#endif /* HVKVP_POOL_HOLD_H */
