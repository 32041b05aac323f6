/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pool: pairs of text, kept in a file that other programs share
 *
 * GET gives the last record with a key, SET changes the last one in place or
 * adds one at the end, DELETE removes all of them and keeps the order of the
 * others, and a pair's position is its place among the usable ones, in file
 * order. A record whose key is not a terminated, non-empty UTF-8 string is left
 * alone and hides no other. An index in memory is built again when the file was
 * changed by others.
 *
 * Failures return -errno, and pool_why() says them in a sentence.
 */
#ifndef HVKVP_POOL_H
#define HVKVP_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool_file.h"

/**
 * struct pool_pair - a pair in the index
 * @record: number of its record in the file
 * @hash: of the key
 * @key_units: UTF-16 units of the key
 * @value_units: UTF-16 units of the value, -1 if that is not usable
 * @key: text; owned, the value follows behind its NUL
 */
struct pool_pair {
	uint32_t record;
	uint32_t hash;
	int16_t key_units;
	int16_t value_units;
	char *key;
};

/**
 * struct pool - a pool
 * @file: the file; its wait_ms may be changed
 * @stamp: the state of the file that the index describes
 * @loaded: there is an index
 * @pairs: the index, in file order; owned
 * @count: used elements of @pairs
 * @room: allocated elements
 * @hidden: elements of @pairs that are not for the wire
 * @records: whole records in the file
 * @unusable: of these, without a usable key
 */
struct pool {
	struct pool_file file;
	struct pool_stamp stamp;
	bool loaded;
	struct pool_pair *pairs;
	size_t count;
	size_t room;
	size_t hidden;
	uint32_t records;
	uint32_t unusable;
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
 */
void pool_exit(struct pool *pool);

/**
 * pool_create() - see that the file exists, and touch nothing if it does
 * @pool: the object
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
 * pool_at() - the pair at a position, for the wire
 * @pool: the object
 * @index: from 0
 * @key: set to the key, valid until the next call for this pool
 * @value: likewise
 *
 * Pairs that a message cannot hold, and unusable values, do not count.
 *
 * Return: 0; -ENOENT behind the last one; other -errno.
 */
int pool_at(struct pool *pool, uint32_t index, const char **key, const char **value);

/**
 * pool_load() - bring the index up to date
 * @pool: the object
 *
 * For walking over @pairs. A file that is not there is an empty pool.
 *
 * Return: 0 or -errno.
 */
int pool_load(struct pool *pool);

/**
 * pool_value() - the value of a pair in the index
 * @pair: an element of &pool.pairs
 *
 * Return: text, or NULL if it is not usable.
 */
const char *pool_value(const struct pool_pair *pair);

/**
 * pool_fits_wire() - can the host read this pair?
 * @pair: an element of &pool.pairs
 *
 * Return: true if a message has room for key and value.
 */
bool pool_fits_wire(const struct pool_pair *pair);

/**
 * pool_set() - create or change a pair
 * @pool: the object
 * @key: text
 * @value: text
 *
 * Return: 1 if created, 0 if changed, both once it is on stable storage;
 * -errno as pool_check_key() and pool_check_value() say it, nothing changed;
 * other -errno.
 */
int pool_set(struct pool *pool, const char *key, const char *value);

/**
 * pool_delete() - remove a pair
 * @pool: the object
 * @key: text
 *
 * Return: 0 once that is on stable storage; -ENOENT if there is none; other
 * -errno.
 */
int pool_delete(struct pool *pool, const char *key);

/**
 * pool_why() - the last failure of this pool
 * @pool: the object
 *
 * Return: a sentence that names the file and the remedy; "" if there is none.
 */
static inline const char *pool_why(const struct pool *pool)
{
	return pool->file.why;
}

#endif /* HVKVP_POOL_H */
