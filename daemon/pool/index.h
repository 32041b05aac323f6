/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The index of a pool: which record holds which pair
 *
 * Kept in memory, by record number and by key. Looking up, adding, changing and
 * moving a pair, and the pair at a position, take a time that does not depend on
 * how many there are (only on how many have the same key).
 */
#ifndef HVKVP_POOL_INDEX_H
#define HVKVP_POOL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool/file.h"

#define POOL_NONE	UINT32_MAX

/**
 * struct pool_pair - what a record holds
 * @shown: key as the host gets it, before it is cut to what a message holds; owned, the value
 *	follows behind its NUL. U+FFFD stands for what is not UTF-8. NULL if the key is empty
 * @key: the same if the record has exactly this key; NULL if it has no usable key
 * @older: the record before this one in its chain, POOL_NONE at the end
 * @hash: of the key, so that most others need not be looked at
 * @value_usable: the record has exactly the value behind @shown
 * @altered: a message cannot hold what the record has
 */
struct pool_pair {
	char *shown;
	const char *key;
	uint32_t older;
	uint32_t hash;
	bool value_usable;
	bool altered;
};

/**
 * struct pool_index - the index
 * @pairs: by record number; owned
 * @records: in the file
 * @room: allocated elements of @pairs
 * @buckets: newest record of each chain, by the key's hash; owned
 * @bucket_count: a power of two, or 0
 * @unusable: records without a usable key
 * @empty: those of them whose key is empty; the host cannot see them
 * @altered: records that the host sees otherwise than they are: cut, or with U+FFFD
 * @text: bytes of keys and values
 * @visible: records by position on the wire, while that is not the same; owned
 * @visible_count: elements of @visible
 * @visible_known: @visible is up to date
 */
struct pool_index {
	struct pool_pair *pairs;
	uint32_t records;
	uint32_t room;
	uint32_t *buckets;
	uint32_t bucket_count;
	uint32_t unusable;
	uint32_t empty;
	uint32_t altered;
	size_t text;
	uint32_t *visible;
	uint32_t visible_count;
	bool visible_known;
};

/**
 * pool_index_clear() - forget everything, keep nothing allocated
 * @index: the object; all zeros is an empty one
 */
void pool_index_clear(struct pool_index *index);

/**
 * pool_index_add() - a record at the end
 * @index: the object
 * @record: what it holds
 *
 * Return: 0 or -ENOMEM, nothing changed.
 */
int pool_index_add(struct pool_index *index, const struct pool_record *record);

/**
 * pool_index_change() - another pair in a record
 * @index: the object
 * @number: of the record
 * @record: what it holds now
 *
 * Return: 0 or -ENOMEM, nothing changed.
 */
int pool_index_change(struct pool_index *index, uint32_t number,
		      const struct pool_record *record);

/**
 * struct pool_move - a record gets another number
 * @from: where it is
 * @to: where it goes
 */
struct pool_move {
	uint32_t from;
	uint32_t to;
};

/**
 * pool_index_move() - several records get other numbers, all at once
 * @index: the object
 * @moves: which ones; no two with the same @from, no two with the same @to
 * @count: of @moves
 * @records: in the file afterwards
 *
 * What is not moved away, but moved over or behind the new end, is dropped.
 *
 * Return: 0 or -ENOMEM, nothing changed.
 */
int pool_index_move(struct pool_index *index, const struct pool_move *moves, size_t count,
		    uint32_t records);

/**
 * pool_index_last() - the last record with a key
 * @index: the object
 * @key: text
 *
 * Return: its number, or POOL_NONE.
 */
uint32_t pool_index_last(const struct pool_index *index, const char *key);

/**
 * pool_index_next() - walk over the pairs, in file order
 * @index: the object
 * @number: of the record to go on from, POOL_NONE for the start
 *
 * Records without a usable key are skipped; those with an unusable value are not.
 *
 * Return: number of the next record, or POOL_NONE at the end.
 */
uint32_t pool_index_next(const struct pool_index *index, uint32_t number);

/**
 * pool_index_key() - the key of a record
 * @index: the object
 * @number: as pool_index_next() and pool_index_last() return it
 *
 * Return: text.
 */
static inline const char *pool_index_key(const struct pool_index *index, uint32_t number)
{
	return index->pairs[number].key;
}

/**
 * pool_index_value() - the value of a record
 * @index: the object
 * @number: as pool_index_next() and pool_index_last() return it
 *
 * Return: text, or NULL if it is not usable.
 */
const char *pool_index_value(const struct pool_index *index, uint32_t number);

/**
 * pool_index_before() - the one before it with the same key
 * @index: the object
 * @number: of a record with a usable key
 *
 * Return: its number, or POOL_NONE.
 */
uint32_t pool_index_before(const struct pool_index *index, uint32_t number);

/**
 * pool_index_at() - the record at a position on the wire
 * @index: the object
 * @position: from 0
 * @number: set to the record's number
 *
 * Return: 0, -ENOENT behind the last one, or -ENOMEM.
 */
int pool_index_at(struct pool_index *index, uint32_t position, uint32_t *number);

/**
 * pool_pair_value() - the value of a pair
 * @pair: with a key
 *
 * Return: text, or NULL if it is not usable.
 */
const char *pool_pair_value(const struct pool_pair *pair);

/**
 * pool_pair_shown_value() - the value of a pair for the host
 * @pair: with @shown
 *
 * Return: UTF-8, with U+FFFD for what is none; maybe longer than a message holds.
 */
const char *pool_pair_shown_value(const struct pool_pair *pair);

/**
 * pool_index_shown() - the last record that the host sees under a key
 * @index: the object
 * @key: text
 *
 * A record with exactly this key comes first, then one whose key is this after it was cut, or after
 * U+FFFD has replaced what is not UTF-8.
 *
 * Return: its number, or POOL_NONE.
 */
uint32_t pool_index_shown(const struct pool_index *index, const char *key);

#endif /* HVKVP_POOL_INDEX_H */
