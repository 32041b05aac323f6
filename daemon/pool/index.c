// SPDX-License-Identifier: GPL-2.0-only
/*
 * The index of a pool.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pool/index.h"
#include "util/utf.h"
#include "wire/value.h"

#define FIRST_ROOM	16

static uint32_t hash_of(const char *key)
{
	uint32_t hash = 2166136261U;	/* FNV-1a */

	while (*key)
		hash = (hash ^ (uint8_t)*key++) * 16777619U;
	return hash ^ hash >> 15;
}

const char *pool_pair_shown_value(const struct pool_pair *pair)
{
	return pair->shown + strlen(pair->shown) + 1;
}

const char *pool_pair_value(const struct pool_pair *pair)
{
	return pair->value_usable ? pool_pair_shown_value(pair) : NULL;
}

void pool_index_clear(struct pool_index *index)
{
	for (uint32_t i = 0; i < index->records; i++)
		free(index->pairs[i].shown);
	free(index->pairs);
	free(index->buckets);
	free(index->visible);
	*index = (struct pool_index){ 0 };
}

static uint32_t *bucket_of(const struct pool_index *index, uint32_t hash)
{
	return &index->buckets[hash & (index->bucket_count - 1)];
}

/* Chains go from the newest record to the oldest. */
static void link_pair(struct pool_index *index, uint32_t number)
{
	struct pool_pair *pair = &index->pairs[number];
	uint32_t *at;

	if (!pair->key)
		return;
	at = bucket_of(index, pair->hash);
	while (*at != POOL_NONE && *at > number)
		at = &index->pairs[*at].older;
	pair->older = *at;
	*at = number;
}

static void unlink_pair(struct pool_index *index, uint32_t number)
{
	struct pool_pair *pair = &index->pairs[number];
	uint32_t *at;

	if (!pair->key)
		return;
	at = bucket_of(index, pair->hash);
	while (*at != number)
		at = &index->pairs[*at].older;
	*at = pair->older;
}

/* Counters, for a pair that comes (1) or goes (-1). */
static void count_pair(struct pool_index *index, const struct pool_pair *pair, int by)
{
	index->visible_known = false;
	if (!pair->key)
		index->unusable += by;
	if (!pair->shown) {
		index->empty += by;
		return;
	}
	index->text += by * (strlen(pair->shown) + strlen(pool_pair_shown_value(pair)) + 2);
	if (pair->altered)
		index->altered += by;
}

/* Room for one more record, and as many buckets as there are records. */
static int grow(struct pool_index *index)
{
	uint32_t room = index->room ? 2 * index->room : FIRST_ROOM;
	uint32_t *buckets;
	void *pairs;

	if (index->records < index->room)
		return 0;
	pairs = reallocarray(index->pairs, room, sizeof(*index->pairs));
	if (!pairs)
		return -ENOMEM;
	index->pairs = pairs;
	buckets = malloc(room * sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	free(index->buckets);
	index->buckets = buckets;
	index->bucket_count = room;
	index->room = room;
	memset(buckets, 0xff, room * sizeof(*buckets));
	for (uint32_t i = 0; i < index->records; i++)
		link_pair(index, i);
	return 0;
}

/**
 * struct field - a key or value of a record
 * @text: bytes
 * @len: of them, without the NUL
 * @units: UTF-16 units; negative if it is not UTF-8 with a NUL
 */
struct field {
	const char *text;
	size_t len;
	ssize_t units;
};

static struct field look_at(const char *text, size_t size)
{
	struct field field = { .text = text, .len = strnlen(text, size) };

	field.units = field.len == size ? -EILSEQ : utf8_units(text, field.len);
	return field;
}

/* Bytes that put_field() needs, with the NUL. */
static size_t room_for(const struct field *field)
{
	return (field->units < 0 ? UTF8_REPLACEMENT_LEN * field->len : field->len) + 1;
}

static size_t put_field(const struct field *field, char *out)
{
	size_t len = field->len;

	if (field->units < 0)
		len = utf8_repair(field->text, len, out);
	else
		memcpy(out, field->text, len);
	out[len] = 0;
	return len + 1;
}

static int make_pair(struct pool_pair *pair, const struct pool_record *record)
{
	struct field key = look_at(record->key, sizeof(record->key));
	struct field value = look_at(record->value, sizeof(record->value));
	char *shrunk;
	size_t len;

	*pair = (struct pool_pair){ .older = POOL_NONE };
	if (!key.len)
		return 0;
	pair->shown = malloc(room_for(&key) + room_for(&value));
	if (!pair->shown)
		return -ENOMEM;
	len = put_field(&key, pair->shown);
	len += put_field(&value, pair->shown + len);
	if (key.units < 0 || value.units < 0) {
		shrunk = realloc(pair->shown, len);
		pair->shown = shrunk ? shrunk : pair->shown;
	}
	pair->key = key.units < 0 ? NULL : pair->shown;
	pair->hash = hash_of(pair->shown);
	pair->value_usable = value.units >= 0;
	pair->altered = key.units < 0 || key.units > WIRE_KEY_UNITS ||
			value.units < 0 || value.units > WIRE_VALUE_UNITS;
	return 0;
}

int pool_index_add(struct pool_index *index, const struct pool_record *record)
{
	struct pool_pair pair;
	int err = grow(index);

	if (!err)
		err = make_pair(&pair, record);
	if (err)
		return err;
	index->pairs[index->records] = pair;
	link_pair(index, index->records++);
	count_pair(index, &pair, 1);
	return 0;
}

static void drop_pair(struct pool_index *index, struct pool_pair *pair)
{
	count_pair(index, pair, -1);
	free(pair->shown);
	pair->shown = NULL;
	pair->key = NULL;
}

int pool_index_change(struct pool_index *index, uint32_t number,
		      const struct pool_record *record)
{
	struct pool_pair pair;
	int err = make_pair(&pair, record);

	if (err)
		return err;
	unlink_pair(index, number);
	drop_pair(index, &index->pairs[number]);
	index->pairs[number] = pair;
	link_pair(index, number);
	count_pair(index, &pair, 1);
	return 0;
}

int pool_index_move(struct pool_index *index, const struct pool_move *moves, size_t count,
		    uint32_t records)
{
	struct pool_pair *taken = malloc((count ? count : 1) * sizeof(*taken));

	if (!taken)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct pool_pair *pair = &index->pairs[moves[i].from];

		unlink_pair(index, moves[i].from);
		taken[i] = *pair;
		count_pair(index, pair, -1);
		*pair = (struct pool_pair){ .older = POOL_NONE };
		count_pair(index, pair, 1);
	}
	/* From the newest on: it is at the front of its chain. */
	while (index->records > records) {
		unlink_pair(index, --index->records);
		drop_pair(index, &index->pairs[index->records]);
	}
	for (size_t i = count; i--; ) {
		struct pool_pair *pair = &index->pairs[moves[i].to];

		unlink_pair(index, moves[i].to);
		drop_pair(index, pair);
		*pair = taken[i];
		link_pair(index, moves[i].to);
		count_pair(index, pair, 1);
	}
	free(taken);
	return 0;
}

static uint32_t find(const struct pool_index *index, uint32_t number, uint32_t hash,
		     const char *key)
{
	while (number != POOL_NONE && (index->pairs[number].hash != hash ||
				       strcmp(index->pairs[number].key, key)))
		number = index->pairs[number].older;
	return number;
}

uint32_t pool_index_last(const struct pool_index *index, const char *key)
{
	uint32_t hash = hash_of(key);

	return index->records ? find(index, *bucket_of(index, hash), hash, key) : POOL_NONE;
}

uint32_t pool_index_before(const struct pool_index *index, uint32_t number)
{
	const struct pool_pair *pair = &index->pairs[number];

	return find(index, pair->older, pair->hash, pair->key);
}

/* Is this the key that the host sees? */
static bool shown_as(const struct pool_pair *pair, const char *key, size_t len)
{
	return pair->shown && !strncmp(pair->shown, key, len) &&
	       utf8_prefix(pair->shown, strlen(pair->shown), WIRE_KEY_UNITS) == len;
}

uint32_t pool_index_shown(const struct pool_index *index, const char *key)
{
	uint32_t number = pool_index_last(index, key);
	size_t len = strlen(key);

	if (number != POOL_NONE || !index->altered)
		return number;
	for (number = index->records; number--; )
		if (index->pairs[number].altered && shown_as(&index->pairs[number], key, len))
			return number;
	return POOL_NONE;
}

static int find_visible(struct pool_index *index)
{
	uint32_t *visible = reallocarray(index->visible, index->records, sizeof(*visible));

	if (!visible)
		return -ENOMEM;
	index->visible = visible;
	index->visible_count = 0;
	for (uint32_t i = 0; i < index->records; i++)
		if (index->pairs[i].shown)
			visible[index->visible_count++] = i;
	index->visible_known = true;
	return 0;
}

int pool_index_at(struct pool_index *index, uint32_t position, uint32_t *number)
{
	int err;

	if (position >= index->records - index->empty)
		return -ENOENT;
	*number = position;
	if (!index->empty)
		return 0;
	if (!index->visible_known) {
		err = find_visible(index);
		if (err)
			return err;
	}
	*number = index->visible[position];
	return 0;
}

uint32_t pool_index_next(const struct pool_index *index, uint32_t number)
{
	number = number == POOL_NONE ? 0 : number + 1;
	while (number < index->records && !index->pairs[number].key)
		number++;
	return number < index->records ? number : POOL_NONE;
}

const char *pool_index_value(const struct pool_index *index, uint32_t number)
{
	return pool_pair_value(&index->pairs[number]);
}
