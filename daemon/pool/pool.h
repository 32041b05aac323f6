/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pool: pairs of text, kept in a file that other programs share
 *
 * GET gives the last record with a key, SET changes the last one in place or
 * adds one at the end, DELETE removes all of them, and a pair's position is its
 * place among the usable ones, in file order. A record whose key is not a
 * terminated, non-empty UTF-8 string is left alone and hides no other. An index
 * in memory is built again when the file was changed by others.
 *
 * Each change is made whole or not at all, whatever crashes (pool_journal.h),
 * and costs the same in a large pool as in a small one. For the second reason
 * DELETE keeps the order of the other records only if at most POOL_SHIFT_MAX
 * records lie behind the first one that goes. In a larger pool it fills the gaps
 * with the last records, as other programs that share the files do. Even then
 * records with the same key stay in their order among themselves, since the last
 * one is the one that counts, and since some clients cut a long value into
 * pieces under one key.
 *
 * Between a change and the checkpoint that makes it durable in the pool file itself, the pool stays
 * locked (pool/journal.h). Who changes pools has to call pool_checkpoint() when
 * pool_checkpoint_due() says so; pool_exit() does.
 *
 * Failures return -errno, and pool_why() has the reason.
 */
#ifndef HVKVP_POOL_POOL_H
#define HVKVP_POOL_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool/changes.h"
#include "pool/file.h"
#include "pool/index.h"
#include "pool/journal.h"
#include "pool/names.h"
#include "util/error.h"

/* DELETE moves so many records at most to close a gap: 160 KiB. */
#define POOL_SHIFT_MAX	64

/* Limits, unless others are asked for. */
#define POOL_DEFAULT_KEYS	65536
#define POOL_DEFAULT_BYTES	268435456	/* 256 MiB */

/* A larger file (2.5 GiB) is not looked into. */
#define POOL_RECORDS_MAX	(1U << 20)

/**
 * struct pool_limits - what a pool may hold
 * @keys: SET adds no pair to a pool that has so many, whoever added them
 * @bytes: SET does not make the file larger than this. A file whose keys and
 *	values together are longer, which only other programs can have made, is
 *	not loaded
 */
struct pool_limits {
	uint32_t keys;
	uint64_t bytes;
};

/*
 * The locks are held for this time after the last change of a run, and for at most that time
 * altogether: long enough to make one checkpoint for a burst of requests, and too short for another
 * program that waits to notice.
 */
#define POOL_IDLE_MS	10
#define POOL_HOLD_MS	200

/**
 * struct pool_hold - the locks between a change and its checkpoint
 * @held: we have the journal's lock
 * @exclusive: and all public ones
 * @since: when they were taken, clock_ms()
 * @last: time of the last change, clock_ms()
 * @missed: until then, clock_ms(), a public lock that we went on without is waited for only shortly
 */
struct pool_hold {
	bool held;
	bool exclusive;
	uint64_t since;
	uint64_t last;
	uint64_t missed;
};

/**
 * struct pool - a pool
 * @error: the reason of the last failure
 * @number: of the pool
 * @file: the file; its wait_ms may be changed
 * @journal: beside it
 * @hold: who may write
 * @limits: may be changed
 * @changes: where changes are noted; not owned; NULL: nowhere
 * @names: reports changes of the directory; not owned; NULL: nothing does
 * @until_ns: a change that is not made by then must not be made any more, clock_ns(); 0: no limit
 * @confirm: called when a SET or DELETE is made and durable, before that is noted in @changes, with
 *	the locks held; must not use the pool. If it fails, the change is rolled back. NULL: nothing is
 * @confirm_data: for @confirm
 * @file_name: what is known about the path of the open file
 * @journal_name: likewise, of the open journal
 * @stamp: the state of the file that the index describes
 * @read_at: when the index was read, clock_ms()
 * @loaded: there is an index
 * @index: the index
 * @warned: what the log has said last about odd records
 */
struct pool {
	struct error error;
	int number;
	struct pool_file file;
	struct pool_journal journal;
	struct pool_hold hold;
	struct pool_limits limits;
	struct changes *changes;
	struct pool_names *names;
	uint64_t until_ns;
	int (*confirm)(void *data);
	void *confirm_data;
	struct pool_name file_name;
	struct pool_name journal_name;
	struct pool_stamp stamp;
	uint64_t read_at;
	bool loaded;
	struct pool_index index;
	struct {
		uint32_t empty;
		uint32_t altered;
		uint32_t partial;
	} warned;
};

/**
 * pool_init() - set up, without opening anything
 * @pool: the object
 * @dir: the state directory
 * @number: of the pool
 *
 * Return: 0 or -ENOMEM.
 */
int pool_init(struct pool *pool, const char *dir, int number);

/**
 * pool_exit() - close and free
 * @pool: the object
 *
 * After changes, with a checkpoint.
 */
void pool_exit(struct pool *pool);

/**
 * pool_checkpoint_due() - when to make a checkpoint
 * @pool: the object
 *
 * Return: milliseconds from now, 0 if it is time; -1 if there is nothing to be done.
 */
int pool_checkpoint_due(const struct pool *pool);

/**
 * pool_checkpoint() - make all changes durable in the pool file, and unlock it
 * @pool: the object
 *
 * Return: 0 or -errno; the changes stay durable in the journal then.
 */
int pool_checkpoint(struct pool *pool);

/**
 * pool_create() - see that the file exists, and touch nothing if it does
 * @pool: the object
 *
 * Unless a crash has left something undone: that is done now.
 *
 * Return: 0 or -errno.
 */
int pool_create(struct pool *pool);

/**
 * pool_check_key() - may this text be a key?
 * @key: text
 *
 * Return: 0; -EINVAL if it is empty, -EILSEQ if it is not UTF-8, -EMSGSIZE if
 * it is longer than a record or a message can hold.
 */
int pool_check_key(const char *key);

/**
 * pool_check_value() - may this text be a value?
 * @value: text
 *
 * Return: 0, -EILSEQ or -EMSGSIZE.
 */
int pool_check_value(const char *value);

/**
 * pool_check_pair() - may these be a key and a value?
 * @pool: gets the reason, for pool_why()
 * @key: text
 * @value: text or NULL
 *
 * Return: as pool_check_key() and pool_check_value().
 */
int pool_check_pair(struct pool *pool, const char *key, const char *value);

/**
 * pool_get() - the value of a key
 * @pool: the object
 * @key: text
 * @value: set to the value, valid until the next call for this pool
 *
 * Return: 0; -ENOENT if there is no such key; -EBADMSG if its value is not
 * usable; other -errno.
 */
int pool_get(struct pool *pool, const char *key, const char **value);

/**
 * pool_show() - the value of a key, for the wire
 * @pool: the object
 * @key: text, also a key as pool_at() shows it, cut to what a message holds
 * @value: set to the value, valid until the next call for this pool; U+FFFD stands for what is not
 *	UTF-8, and it may be longer than a message holds
 *
 * Return: 0; -ENOENT if there is no such key; other -errno.
 */
int pool_show(struct pool *pool, const char *key, const char **value);

/**
 * pool_at() - the pair at a position, for the wire
 * @pool: the object
 * @index: from 0
 * @key: set to the key, valid until the next call for this pool; likewise
 * @value: as of pool_show()
 *
 * Records with an empty key do not count.
 *
 * Return: 0; -ENOENT behind the last one; other -errno.
 */
int pool_at(struct pool *pool, uint32_t index, const char **key, const char **value);

/**
 * pool_load() - bring the index up to date
 * @pool: the object
 *
 * For walking over @index. A file that is not there is an empty pool. What a
 * crash has left undone is done first, by those who may write to the pool.
 *
 * Return: 0 or -errno.
 */
int pool_load(struct pool *pool);

/**
 * pool_reload() - bring the index up to date, and hand out the one before
 * @pool: the object
 * @before: set to the index before, the caller's to clear; empty if nothing changed
 *
 * For those who compare the two.
 *
 * Return: 1 if the file was read, 0 if it is unchanged; -errno, the index is as it was.
 */
int pool_reload(struct pool *pool, struct pool_index *before);

/**
 * pool_set() - create or change a pair
 * @pool: the object
 * @key: text
 * @value: text
 *
 * Return: 1 if created, 0 if changed, both once it is on stable storage;
 * -errno as pool_check_key() and pool_check_value() say it; -EDQUOT at a limit;
 * other -errno. Nothing changed then.
 */
int pool_set(struct pool *pool, const char *key, const char *value);

/**
 * pool_add() - add a pair, whether there is one with this key or not
 * @pool: the object
 * @key: text
 * @value: text
 *
 * Return: as pool_set().
 */
int pool_add(struct pool *pool, const char *key, const char *value);

/**
 * struct pool_transaction - a change of any kind
 * @plan: sets @change->after and the slots, from the index of the locked pool; nothing is changed
 *	without slots. Returns 0; -errno, nothing is changed then. Called again after a program that
 *	does not lock has interfered
 * @follow: makes the same change in the index; returns 0, or -errno for "read it again"
 */
struct pool_transaction {
	int (*plan)(void *data, struct pool *pool, struct pool_change *change);
	int (*follow)(void *data, struct pool_index *index);
};

/**
 * pool_transact() - carry out a change atomically; see pool/edit.h for one made of edits
 * @pool: the object
 * @ops: the change
 * @data: first argument of its functions
 *
 * Return: 0 once that is on stable storage; other -errno. Nothing changed then.
 */
int pool_transact(struct pool *pool, const struct pool_transaction *ops, void *data);

/**
 * pool_tidy() - repair what can be repaired without losing a pair
 * @pool: the object
 * @bad_keys: remove records whose key is not UTF-8, too, which the host sees with U+FFFD
 *
 * Records with an empty key are removed, the others stay in order; bytes behind the
 * ends of keys and values become zeros; a partial record at the end is cut off.
 *
 * Return: how many records were changed or removed; -errno.
 */
int pool_tidy(struct pool *pool, bool bad_keys);

/**
 * pool_record_tidy() - a record as it should be
 * @record: bytes behind the ends of key and value become zeros
 *
 * Return: true if something changed.
 */
bool pool_record_tidy(struct pool_record *record);

/**
 * pool_delete() - remove a pair
 * @pool: the object
 * @key: text
 *
 * All records with the key are removed. With more than 1,024 of them this is several changes, the oldest
 * records first. An error then takes back only the last one, with the record that the host sees.
 *
 * Return: 0 once that is on stable storage; -ENOENT if there is none; other
 * -errno.
 */
int pool_delete(struct pool *pool, const char *key);

/**
 * pool_delete_again() - remove a pair that another process may have removed for the same request
 * @pool: the object
 * @key: text
 *
 * Return: 0 once no pair has the key, on stable storage; other -errno.
 */
int pool_delete_again(struct pool *pool, const char *key);

/**
 * pool_why() - the last failure of this pool
 * @pool: the object
 *
 * Return: a sentence that names the file and the remedy; "" if there is none.
 */
static inline const char *pool_why(const struct pool *pool)
{
	return pool->error.text;
}

#endif /* HVKVP_POOL_POOL_H */
