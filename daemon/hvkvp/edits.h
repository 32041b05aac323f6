/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lists of edits for pool_edit(), and values that are split into pieces
 */
#ifndef HVKVP_HVKVP_EDITS_H
#define HVKVP_HVKVP_EDITS_H

#include <stddef.h>

#include "pool/edit.h"
#include "pool/pool.h"
#include "wire/chunks.h"

/**
 * struct edits - edits of one pool; all zeros is an empty list
 * @list: owned
 * @count: of @list
 * @room: allocated
 * @texts: keys and values that are the list's own
 * @text_count: of @texts
 */
struct edits {
	struct pool_edit *list;
	size_t count;
	size_t room;
	char **texts;
	size_t text_count;
};

/**
 * edits_free() - empty the list
 * @edits: the object
 */
void edits_free(struct edits *edits);

/**
 * edits_add() - add an edit at the end
 * @edits: the object
 * @kind: what to do
 * @key: text; has to outlive @edits
 * @value: text or NULL; likewise
 *
 * Return: 0 or -ENOMEM.
 */
int edits_add(struct edits *edits, enum pool_edit_kind kind, const char *key, const char *value);

/**
 * edits_set_split() - write a value in pieces, and remove those of an earlier, longer value
 * @edits: gets the edits
 * @index: of the pool
 * @style: convention
 * @key: of the whole value; has to outlive @edits
 * @value: UTF-8
 *
 * Return: 0; -EMSGSIZE if the key of a piece is too long; -ENOMEM.
 */
int edits_set_split(struct edits *edits, const struct pool_index *index, enum chunk_style style,
		    const char *key, const char *value);

/**
 * edits_delete_split() - remove all pieces of a value
 * @edits: gets the edits; none if there are no pieces
 * @index: of the pool
 * @style: convention
 * @key: of the whole value; has to outlive @edits
 *
 * Return: 0 or -ENOMEM.
 */
int edits_delete_split(struct edits *edits, const struct pool_index *index,
		       enum chunk_style style, const char *key);

/**
 * pieces_find() - by which convention is a value stored?
 * @index: of the pool
 * @style: enum chunk_style, or -1 for any: the key itself counts most
 * @key: of the whole value
 *
 * Return: enum chunk_style, or -1 if there are no pieces.
 */
int pieces_find(const struct pool_index *index, int style, const char *key);

/**
 * pieces_join() - put the pieces of a value together
 * @index: of the pool
 * @style: as of pieces_find()
 * @key: of the whole value
 * @whole: set to the value, the caller's; NULL after a failure
 *
 * Pieces of an event of cloud-init become one event, see hvkvp/event.h.
 *
 * Return: 0; -ENOENT; -EBADMSG if a piece is not valid UTF-8; -EINVAL if they are not the pieces of one
 * event; -ENOMEM.
 */
int pieces_join(const struct pool_index *index, int style, const char *key, char **whole);

#endif /* HVKVP_HVKVP_EDITS_H */
