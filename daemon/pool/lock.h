/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The locks of a pool file
 *
 * Programs that share the files use either flock(2) or POSIX locks, which do
 * not see each other. We take both, flock first, and the second one as an open
 * file description (OFD) lock: it conflicts with POSIX locks, but does not
 * vanish when some other descriptor of the file is closed.
 *
 * Anybody who may read a file may lock it, and keep it locked. So every wait is
 * bounded, and a lock that only a reader can hold, or that somebody holds who may
 * not write to the file, does not stop a writer for longer than that. Our own
 * processes are then still kept apart by the journal's lock.
 */
#ifndef HVKVP_POOL_LOCK_H
#define HVKVP_POOL_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * enum pool_lock_mode - what the lock is for
 * @POOL_LOCK_READ: read a consistent file
 * @POOL_LOCK_WRITE: change it
 */
enum pool_lock_mode {
	POOL_LOCK_READ,
	POOL_LOCK_WRITE,
};

/**
 * struct pool_lock_report - who was in the way
 * @holder: process that holds the lock, 0 if nobody or not known
 * @past_readers: the write lock is not exclusive: after the wait, readers (or
 *	somebody who may not write) still held theirs and were ignored
 */
struct pool_lock_report {
	pid_t holder;
	bool past_readers;
};

/**
 * pool_lock() - take both locks
 * @fd: the pool file; open for writing if @mode is POOL_LOCK_WRITE
 * @mode: what for
 * @wait_ms: how long to wait at most, milliseconds
 * @report: filled in if somebody was in the way
 *
 * Return: 0 if locked (see &pool_lock_report.past_readers); -ETIMEDOUT if
 * somebody else keeps it locked; any other -errno of flock(2) and fcntl(2).
 */
int pool_lock(int fd, enum pool_lock_mode mode, unsigned int wait_ms,
	      struct pool_lock_report *report);

/**
 * pool_unlock() - give both locks back
 * @fd: the pool file
 */
void pool_unlock(int fd);

/**
 * pool_lock_alone() - take one flock, for a file that is ours alone
 * @fd: the file
 * @wait_ms: how long to wait at most, milliseconds
 *
 * Return: 0, -ETIMEDOUT or other -errno.
 */
int pool_lock_alone(int fd, unsigned int wait_ms);

#endif /* HVKVP_POOL_LOCK_H */
