// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of edits, and values that are split into pieces.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "hvkvp/edits.h"
#include "hvkvp/event.h"

void edits_free(struct edits *edits)
{
	for (size_t i = 0; i < edits->text_count; i++)
		free(edits->texts[i]);
	free(edits->texts);
	free(edits->list);
	*edits = (struct edits){ 0 };
}

int edits_add(struct edits *edits, enum pool_edit_kind kind, const char *key, const char *value)
{
	if (edits->count == edits->room) {
		size_t room = edits->room ? 2 * edits->room : 16;
		void *list = reallocarray(edits->list, room, sizeof(*edits->list));

		if (!list)
			return -ENOMEM;
		edits->list = list;
		edits->room = room;
	}
	edits->list[edits->count++] = (struct pool_edit){ kind, key, value, 0 };
	return 0;
}

/* A copy that lives as long as the list. Return: NULL without memory. */
static const char *own(struct edits *edits, const char *text, size_t len)
{
	void *texts = reallocarray(edits->texts, edits->text_count + 1, sizeof(*edits->texts));
	char *copy;

	if (!texts)
		return NULL;
	edits->texts = texts;
	copy = strndup(text, len);
	if (copy)
		edits->texts[edits->text_count++] = copy;
	return copy;
}

static int add_own(struct edits *edits, enum pool_edit_kind kind, const char *key,
		   const char *value, size_t len)
{
	key = own(edits, key, strlen(key));
	if (value)
		value = own(edits, value, len);
	if (!key || (kind != POOL_EDIT_DELETE && !value))
		return -ENOMEM;
	return edits_add(edits, kind, key, value);
}

/* Remove the pieces from a number on. */
static int delete_from(struct edits *edits, const struct pool_index *index,
		       enum chunk_style style, const char *key, unsigned int number)
{
	char piece_key[POOL_KEY_SIZE];
	int err = 0;

	while (!err && !chunk_key(style, key, number, piece_key, sizeof(piece_key)) &&
	       pool_index_last(index, piece_key) != POOL_NONE) {
		err = add_own(edits, POOL_EDIT_DELETE, piece_key, NULL, 0);
		number++;
	}
	return err;
}

int edits_set_split(struct edits *edits, const struct pool_index *index, enum chunk_style style,
		    const char *key, const char *value)
{
	char piece_key[POOL_KEY_SIZE];
	unsigned int number = 0;
	int err = 0;

	if (style == CHUNK_AZURE)
		err = edits_add(edits, POOL_EDIT_DELETE, key, NULL);
	do {
		size_t len = chunk_length(style, value);

		if (!err)
			err = chunk_key(style, key, number, piece_key, sizeof(piece_key));
		if (!err)
			err = add_own(edits, style == CHUNK_AZURE ? POOL_EDIT_ADD : POOL_EDIT_SET,
				      piece_key, value, len);
		value += len;
		number++;
	} while (!err && *value);
	if (err || style == CHUNK_AZURE)
		return err;
	return delete_from(edits, index, style, key, number);
}

int edits_delete_split(struct edits *edits, const struct pool_index *index,
		       enum chunk_style style, const char *key)
{
	if (style != CHUNK_AZURE)
		return delete_from(edits, index, style, key, 0);
	return pool_index_last(index, key) == POOL_NONE ? 0 :
	       edits_add(edits, POOL_EDIT_DELETE, key, NULL);
}

int pieces_find(const struct pool_index *index, int style, const char *key)
{
	/* Azure's pieces have the key itself. */
	static const enum chunk_style styles[] = { CHUNK_AZURE, CHUNK_IGNITION, CHUNK_CLOUD_INIT };
	char piece_key[POOL_KEY_SIZE];

	for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++)
		if ((style < 0 || style == (int)styles[i]) &&
		    !chunk_key(styles[i], key, 0, piece_key, sizeof(piece_key)) &&
		    pool_index_last(index, piece_key) != POOL_NONE)
			return styles[i];
	return -1;
}

/* Append a piece. Return: 0, -EBADMSG if there is none, -ENOMEM. */
static int append(char **whole, size_t *len, const char *piece)
{
	size_t more = piece ? strlen(piece) : 0;
	char *grown;

	if (!piece)
		return -EBADMSG;
	grown = realloc(*whole, *len + more + 1);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + *len, piece, more + 1);
	*whole = grown;
	*len += more;
	return 0;
}

/* The values of all records with a key, the oldest first. */
static int join_records(const struct pool_index *index, const char *key, char **whole)
{
	size_t count = 0, len = 0;
	uint32_t *records, at;
	int err = 0;

	for (at = pool_index_last(index, key); at != POOL_NONE; at = pool_index_before(index, at))
		count++;
	records = malloc(count * sizeof(*records));
	if (!records)
		return -ENOMEM;
	at = pool_index_last(index, key);
	for (size_t i = count; i; at = pool_index_before(index, at))
		records[--i] = at;
	for (size_t i = 0; i < count && !err; i++)
		err = append(whole, &len, pool_index_value(index, records[i]));
	free(records);
	return err;
}

/* The values of the pieces that have keys of their own. *@pieces is the caller's, the texts are the index's. */
static int find_values(const struct pool_index *index, enum chunk_style style, const char *key,
		       const char ***pieces, size_t *count)
{
	char piece_key[POOL_KEY_SIZE];
	const char **list = NULL;
	size_t n = 0;

	while (!chunk_key(style, key, n, piece_key, sizeof(piece_key))) {
		uint32_t record = pool_index_last(index, piece_key);
		const char **grown;

		if (record == POOL_NONE)
			break;
		grown = reallocarray(list, n + 1, sizeof(*list));
		if (!grown) {
			free(list);
			return -ENOMEM;
		}
		list = grown;
		list[n] = pool_index_value(index, record);
		if (!list[n++]) {
			free(list);
			return -EBADMSG;
		}
	}
	*pieces = list;
	*count = n;
	return 0;
}

static int join_keys(const struct pool_index *index, enum chunk_style style, const char *key,
		     char **whole)
{
	const char **pieces;
	size_t count, len = 0;
	int err = find_values(index, style, key, &pieces, &count);

	if (err)
		return err;
	if (style == CHUNK_CLOUD_INIT && event_is_piece(pieces[0]))
		err = event_join(pieces, count, whole);
	else
		for (size_t i = 0; i < count && !err; i++)
			err = append(whole, &len, pieces[i]);
	free(pieces);
	return err;
}

int pieces_join(const struct pool_index *index, int style, const char *key, char **whole)
{
	bool short_event = style == CHUNK_CLOUD_INIT;
	int err;

	*whole = NULL;
	style = pieces_find(index, style, key);
	/* What cloud-init need not split has no number in its key. */
	if (style < 0 && short_event)
		style = pieces_find(index, CHUNK_AZURE, key);
	if (style < 0)
		return -ENOENT;
	if (style == CHUNK_AZURE)
		err = join_records(index, key, whole);
	else
		err = join_keys(index, style, key, whole);
	if (err) {
		free(*whole);
		*whole = NULL;
	}
	return err;
}
