/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How to remove a key: which records go where
 *
 * A pure function of the index. The rules are in pool.h.
 */
#ifndef HVKVP_POOL_COMPACT_H
#define HVKVP_POOL_COMPACT_H

#include "pool/index.h"

/**
 * struct pool_plan - moves that close all gaps
 * @moves: all at once, in ascending order of their targets; owned
 * @count: of @moves
 * @records: that are left; those behind are cut off
 * @left: records with the key that are left
 */
struct pool_plan {
	struct pool_move *moves;
	size_t count;
	uint32_t records;
	uint32_t left;
};

/**
 * pool_plan_delete() - plan the removal of the records with a key
 * @plan: filled in, also after a failure
 * @index: of the pool
 * @key: text
 * @most: remove so many at most, the oldest first
 *
 * Return: 0; -ENOENT if there is no such key; -ENOMEM.
 */
int pool_plan_delete(struct pool_plan *plan, const struct pool_index *index, const char *key,
		     uint32_t most);

/**
 * pool_plan_remove() - plan the removal of records
 * @plan: filled in, also after a failure
 * @index: of the pool
 * @gaps: numbers of the records, in ascending order
 * @count: of @gaps, not 0
 *
 * Return: 0 or -ENOMEM.
 */
int pool_plan_remove(struct pool_plan *plan, const struct pool_index *index,
		     const uint32_t *gaps, size_t count);

/**
 * pool_plan_free() - forget a plan
 * @plan: the object
 */
void pool_plan_free(struct pool_plan *plan);

#endif /* HVKVP_POOL_COMPACT_H */
