/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The public locks of a pool file
 *
 * Programs that share the files use either flock(2) or POSIX locks, which do not see each other. We
 * take both, flock first, and the second one as an open file description (OFD) lock: it conflicts
 * with POSIX locks, but does not vanish when another descriptor of the file is closed.
 *
 * These locks are a courtesy to other programs. Our own processes exclude each other by the lock of
 * the journal (pool/journal.h), because the file is world readable by contract, and whoever can
 * read a file can hold a flock, or a POSIX read lock, on it for ever. So every wait is bounded, and
 * after it a writer goes on without such a lock. Only a POSIX write lock needs the permission to
 * write: a writer respects it, and fails when its wait ends.
 */
#ifndef HVKVP_POOL_LOCK_H
#define HVKVP_POOL_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

/* The longest wait for a lock that any reader of the file can hold. */
#define POOL_LOCK_COURTESY_MS	1000

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
 * struct pool_lock_report - what a writer did not get
 * @missing: the lock that it went on without, "flock" or "POSIX lock"; NULL if it has both
 * @holder: process that holds a POSIX lock, 0 if it is not known
 */
struct pool_lock_report {
	const char *missing;
	pid_t holder;
};

/**
 * pool_lock() - take both locks
 * @fd: the pool file; open for writing if @mode is POOL_LOCK_WRITE
 * @mode: what for
 * @wait_ms: how long to wait at most, milliseconds
 * @report: filled in
 *
 * Return: 0; -ETIMEDOUT if another program keeps a lock that is respected, none is held then; any
 * other -errno of flock(2) and fcntl(2).
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
 * @fd: the file, open for reading and writing
 * @wait_ms: how long to wait at most, milliseconds; 0 to try once
 *
 * Those who wait get it in their order, and before one that has given it back and takes it again.
 *
 * Return: 0, -ETIMEDOUT or other -errno.
 */
int pool_lock_alone(int fd, unsigned int wait_ms);

/**
 * pool_lock_wanted() - does another process wait in pool_lock_alone()?
 * @fd: the file
 *
 * Return: true also if the file system cannot say.
 */
bool pool_lock_wanted(int fd);

#endif /* HVKVP_POOL_LOCK_H */
