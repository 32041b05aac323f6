/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Several edits of a pool in one atomic change
 */
#ifndef HVKVP_POOL_EDIT_H
#define HVKVP_POOL_EDIT_H

#include <stddef.h>

struct pool;

/**
 * enum pool_edit_kind - what to do with a key
 * @POOL_EDIT_SET: change the last record with this key, or add one
 * @POOL_EDIT_ADD: add a record
 * @POOL_EDIT_DELETE: remove all records with this key
 * @POOL_EDIT_EXPECT: change nothing at all unless the key has this value before all edits; value
 *	NULL: unless there is no such key
 */
enum pool_edit_kind {
	POOL_EDIT_SET,
	POOL_EDIT_ADD,
	POOL_EDIT_DELETE,
	POOL_EDIT_EXPECT,
};

/**
 * struct pool_edit - one edit
 * @kind: what to do
 * @key: text; not owned
 * @value: text, NULL for DELETE; not owned
 * @result: set to 1 if a record was created or removed, 0 if one was changed, or for DELETE if
 * there
 *	was none
 */
struct pool_edit {
	enum pool_edit_kind kind;
	const char *key;
	const char *value;
	int result;
};

/**
 * pool_edit() - carry out edits atomically
 * @pool: the object
 * @edits: in the order in which they take effect
 * @count: of @edits
 *
 * The time for it grows with the number of edits (n log n), and not with the size of the pool. A
 * key that is removed and set again keeps its places.
 *
 * What this cannot do: if the process is killed in the middle of appending more than POOL_WRITE_MAX
 * records, and another program appends to the file before the next of our programs opens it, then
 * some of the records are missing.
 *
 * Return: 0 once everything is on stable storage; -ECANCELED if an expectation is not met;
 * otherwise as pool_set(). Nothing changed then; pool_why() has the reason.
 */
int pool_edit(struct pool *pool, struct pool_edit *edits, size_t count);

#endif /* HVKVP_POOL_EDIT_H */
