/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libhvkvp: the key-value pairs that a Linux guest shares with its Hyper-V host
 *
 * See libhvkvp(3). Link with "pkg-config --libs libhvkvp".
 *
 * Functions that can fail return a negative errno, and hvkvp_error() then has a sentence that says
 * what is wrong, where, and what to do about it.
 *
 * A handle may be used by one thread at a time, and not by a child process after fork(2). Several
 * handles, in any number of threads and processes, work on the same pools: each change is atomic,
 * and durable when the function returns.
 */
#ifndef HVKVP_H
#define HVKVP_H

#include <stddef.h>
#include <stdint.h>

#include <hv_kvp_msg.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct hvkvp - a handle
 */
struct hvkvp;

/**
 * hvkvp_open() - get a handle
 * @kvp: set to the handle; NULL after a failure
 * @state_dir: where the pool files are; NULL: where hvkvpd has them by default
 *
 * Opens no file yet.
 *
 * Return: 0; -EINVAL if @state_dir is empty; -ENOMEM.
 */
int hvkvp_open(struct hvkvp **kvp, const char *state_dir);

/**
 * hvkvp_close() - free a handle
 * @kvp: the handle, or NULL; its transactions have to be ended first
 */
void hvkvp_close(struct hvkvp *kvp);

/**
 * hvkvp_error() - why the last call with this handle has failed
 * @kvp: the handle
 *
 * Return: a sentence, valid until the next call with @kvp; "" if it has not failed.
 */
const char *hvkvp_error(const struct hvkvp *kvp);

/**
 * hvkvp_pool() - the number of a pool
 * @name: "external", "guest", "parameter", "internal", or a number
 *
 * Return: enum hvkvp_pool, or -EINVAL.
 */
int hvkvp_pool(const char *name);

/**
 * hvkvp_pool_name() - the name of a pool
 * @pool: enum hvkvp_pool
 *
 * Return: text; NULL if there is no such pool.
 */
const char *hvkvp_pool_name(int pool);

/**
 * hvkvp_get() - the value of a key
 * @kvp: the handle
 * @pool: enum hvkvp_pool; HVKVP_POOL_AUTO is not supported by this library
 * @key: UTF-8
 * @value: set to the value, UTF-8, valid until the next call with @kvp
 *
 * Return: 0; -ENOENT if there is no such key; -EBADMSG if its value is not UTF-8; -EINVAL for a
 * wrong pool; other -errno.
 */
int hvkvp_get(struct hvkvp *kvp, int pool, const char *key, const char **value);

/**
 * hvkvp_set() - create or change a pair
 * @kvp: the handle
 * @pool: as of hvkvp_get(); HVKVP_POOL_GUEST is for the host, the others belong to the host
 * @key: UTF-8, up to 255 UTF-16 units and 511 bytes
 * @value: UTF-8, up to 1023 UTF-16 units and 2047 bytes
 *
 * Return: 1 if it was created, 0 if it was changed, durably; -EINVAL, -EILSEQ or -EMSGSIZE for a
 * text that cannot be stored; -EDQUOT if the pool is full; -ETIMEDOUT if another program keeps it
 * locked for 5 seconds; other -errno. Nothing has changed then.
 */
int hvkvp_set(struct hvkvp *kvp, int pool, const char *key, const char *value);

/**
 * hvkvp_delete() - remove a pair
 * @kvp: the handle
 * @pool: as of hvkvp_get()
 * @key: UTF-8
 *
 * Return: 0; -ENOENT if there is no such key; other -errno as of hvkvp_set().
 */
int hvkvp_delete(struct hvkvp *kvp, int pool, const char *key);

/**
 * hvkvp_each() - all pairs of a pool, in the order of the file
 * @kvp: the handle; @pair must not use it
 * @pool: as of hvkvp_get()
 * @pair: called for each of them; a value other than 0 ends the walk
 * @data: its first argument
 *
 * Pairs whose value is not UTF-8 are left out.
 *
 * Return: what @pair has returned, 0 at the end; -errno.
 */
int hvkvp_each(struct hvkvp *kvp, int pool,
	       int (*pair)(void *data, const char *key, const char *value), void *data);

/**
 * struct hvkvp_transaction - several changes of a pool, made as one
 */
struct hvkvp_transaction;

/**
 * hvkvp_begin() - begin a transaction
 * @kvp: the handle
 * @pool: as of hvkvp_get()
 * @transaction: set to it; ends with hvkvp_commit() or hvkvp_abort()
 *
 * Nothing is locked, and nothing is changed, before hvkvp_commit().
 *
 * Return: 0 or -errno.
 */
int hvkvp_begin(struct hvkvp *kvp, int pool, struct hvkvp_transaction **transaction);

/**
 * hvkvp_transaction_set() - create or change a pair
 * @transaction: of hvkvp_begin()
 * @key: copied
 * @value: copied
 *
 * Return: 0 or -ENOMEM. Texts are checked by hvkvp_commit().
 */
int hvkvp_transaction_set(struct hvkvp_transaction *transaction, const char *key,
			  const char *value);

/**
 * hvkvp_transaction_delete() - remove a key, if it is there
 * @transaction: of hvkvp_begin()
 * @key: copied
 *
 * Return: 0 or -ENOMEM.
 */
int hvkvp_transaction_delete(struct hvkvp_transaction *transaction, const char *key);

/**
 * hvkvp_transaction_expect() - change nothing at all unless a key has this value
 * @transaction: of hvkvp_begin()
 * @key: copied
 * @value: copied, before all changes of the transaction; NULL: unless there is no such key
 *
 * Return: 0 or -ENOMEM.
 */
int hvkvp_transaction_expect(struct hvkvp_transaction *transaction, const char *key,
			     const char *value);

/**
 * hvkvp_commit() - make all changes, or none
 * @transaction: of hvkvp_begin(); is freed, also after a failure
 *
 * Return: 0 when all of them are durable; -ECANCELED if an expectation is not met; other -errno as
 * of hvkvp_set(). Nothing has changed then.
 */
int hvkvp_commit(struct hvkvp_transaction *transaction);

/**
 * hvkvp_abort() - drop a transaction
 * @transaction: of hvkvp_begin(), or NULL; is freed
 */
void hvkvp_abort(struct hvkvp_transaction *transaction);

/**
 * enum hvkvp_source - who has made a change
 * @HVKVP_BY_GUEST: hvkvp, or a program with this library
 * @HVKVP_BY_HOST: the host
 * @HVKVP_BY_OTHER: a program that writes to the pool file itself
 */
enum hvkvp_source {
	HVKVP_BY_GUEST	= 0,
	HVKVP_BY_HOST	= 1,
	HVKVP_BY_OTHER	= 2,
};

/**
 * struct hvkvp_watch_event - a change
 * @lost: number of changes that came in too fast, and were not seen; the members below are 0 or
 *	NULL then. What they have left in the pools follows as changes with HVKVP_BY_OTHER
 * @time_ns: when, nanoseconds of CLOCK_REALTIME
 * @pool: enum hvkvp_pool
 * @source: enum hvkvp_source
 * @key: UTF-8
 * @old_value: UTF-8; NULL if there was none
 * @new_value: UTF-8; NULL if there is none any more
 *
 * The texts are valid until the next call with the handle.
 */
struct hvkvp_watch_event {
	uint64_t lost;
	uint64_t time_ns;
	int pool;
	int source;
	const char *key;
	const char *old_value;
	const char *new_value;
};

/**
 * hvkvp_watch() - begin to watch
 * @kvp: the handle
 * @pools: a bit for each pool, 1 << HVKVP_POOL_EXTERNAL and so on
 *
 * Every change from now on is an event. Call it before hvkvp_get() or hvkvp_each(), so that no
 * change between the two is missed. Ends with hvkvp_close(), or when it is called again.
 *
 * Return: 1; 0 if the user may not read the list of changes: then a change that is undone at once
 * may be missed; -errno.
 */
int hvkvp_watch(struct hvkvp *kvp, unsigned int pools);

/**
 * hvkvp_watch_fd() - what to wait for
 * @kvp: the handle
 *
 * Return: a descriptor for poll(2): readable when there may be an event; -EBADF without
 * hvkvp_watch(). It stays the library's.
 */
int hvkvp_watch_fd(const struct hvkvp *kvp);

/**
 * hvkvp_watch_timeout() - how long to wait
 * @kvp: the handle
 *
 * Return: milliseconds for poll(2), -1 for no limit: call hvkvp_watch_next() then, too.
 */
int hvkvp_watch_timeout(const struct hvkvp *kvp);

/**
 * hvkvp_watch_next() - the next event
 * @kvp: the handle
 * @event: filled in
 * @size: sizeof(*@event), so that members can be added to it
 *
 * Return: 1; 0 if there is none now; -errno.
 */
int hvkvp_watch_next(struct hvkvp *kvp, struct hvkvp_watch_event *event, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* HVKVP_H */
