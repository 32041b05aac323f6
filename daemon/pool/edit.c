// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several edits of a pool in one atomic change.
 *
 * The edits are sorted by key. For each key they are reduced to what is left in the end: records
 * that get another value, records that are removed, and values that are appended.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pool/compact.h"
#include "pool/edit.h"
#include "pool/pool.h"
#include "util/log.h"

/**
 * struct write - a record with new contents
 * @number: of the record; for one that is appended, the number of its edit, for the order
 * @key: text
 * @value: text
 */
struct write {
	uint32_t number;
	const char *key;
	const char *value;
};

/**
 * struct writes - a list of them
 * @list: owned
 * @count: of @list
 * @room: allocated
 */
struct writes {
	struct write *list;
	size_t count;
	size_t room;
};

/**
 * struct place - a position in the file with new contents
 * @to: the position
 * @from: where its record is now, POOL_NONE if it is a new one
 * @write: new contents, or NULL
 */
struct place {
	uint32_t to;
	uint32_t from;
	const struct write *write;
};

/**
 * struct work - edits on their way into a change
 * @pool: that is changed
 * @edits: all of them
 * @order: pointers to them, sorted by key; owned
 * @count: of both
 * @changed: records that get another value, in ascending order
 * @removed: records that are removed, in ascending order; only their numbers count
 * @appended: new records, in the order of their edits
 * @plan: how the gaps are closed
 */
struct work {
	struct pool *pool;
	struct pool_edit *edits;
	struct pool_edit **order;
	size_t count;
	struct writes changed;
	struct writes removed;
	struct writes appended;
	struct pool_plan plan;
};

static int add_write(struct writes *writes, uint32_t number, const char *key, const char *value)
{
	if (writes->count == writes->room) {
		size_t room = writes->room ? 2 * writes->room : 16;
		void *list = reallocarray(writes->list, room, sizeof(*writes->list));

		if (!list)
			return -ENOMEM;
		writes->list = list;
		writes->room = room;
	}
	writes->list[writes->count++] = (struct write){ number, key, value };
	return 0;
}

static int compare_writes(const void *a, const void *b)
{
	const struct write *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static void sort_writes(struct writes *writes)
{
	if (writes->count)
		qsort(writes->list, writes->count, sizeof(*writes->list), compare_writes);
}

static void work_clear(struct work *work)
{
	free(work->changed.list);
	free(work->removed.list);
	free(work->appended.list);
	work->changed = work->removed = work->appended = (struct writes){ 0 };
	pool_plan_free(&work->plan);
}

/**
 * struct group - the edits of one key
 * @records: with this key, in ascending order; owned
 * @count: of @records
 * @cleared: all of them are removed
 * @last: new value of the last one, or NULL
 * @values: that are added, behind those that stay
 */
struct group {
	uint32_t *records;
	size_t count;
	bool cleared;
	const char *last;
	struct writes values;
};

static int find_records(struct group *group, const struct pool_index *index, const char *key)
{
	uint32_t last = pool_index_last(index, key), at;
	size_t i;

	for (at = last; at != POOL_NONE; at = pool_index_before(index, at))
		group->count++;
	group->records = malloc((group->count + 1) * sizeof(*group->records));
	if (!group->records)
		return -ENOMEM;
	for (at = last, i = group->count; at != POOL_NONE; at = pool_index_before(index, at))
		group->records[--i] = at;
	return 0;
}

static int expect(struct pool *pool, const struct group *group, const struct pool_edit *edit)
{
	const char *value;

	if (!edit->value)
		return group->count ? error_set(&pool->error, -ECANCELED, "the key exists") : 0;
	if (!group->count)
		return error_set(&pool->error, -ECANCELED, "the key does not exist");
	value = pool_index_value(&pool->index, group->records[group->count - 1]);
	if (!value || strcmp(value, edit->value))
		return error_set(&pool->error, -ECANCELED, "the key has another value");
	return 0;
}

static int add_edit(struct work *work, struct pool *pool, struct group *group,
		    struct pool_edit *edit)
{
	struct writes *values = &group->values;
	bool exists = group->count && !group->cleared;

	switch (edit->kind) {
	case POOL_EDIT_EXPECT:
		return expect(pool, group, edit);
	case POOL_EDIT_DELETE:
		edit->result = exists || values->count;
		group->cleared = true;
		group->last = NULL;
		values->count = 0;
		return 0;
	case POOL_EDIT_SET:
		edit->result = !exists && !values->count;
		if (values->count) {
			values->list[values->count - 1].value = edit->value;
			return 0;
		}
		if (exists) {
			group->last = edit->value;
			return 0;
		}
		break;
	case POOL_EDIT_ADD:
		edit->result = 1;
		break;
	}
	return add_write(values, edit - work->edits, edit->key, edit->value);
}

/* What the edits of a key come to. */
static int finish_group(struct work *work, const struct group *group, const char *key)
{
	const struct write *value = group->values.list, *end = value + group->values.count;
	size_t i = 0;
	int err = 0;

	for (; group->cleared && i < group->count && value < end && !err; i++, value++)
		err = add_write(&work->changed, group->records[i], key, value->value);
	for (; group->cleared && i < group->count && !err; i++)
		err = add_write(&work->removed, group->records[i], key, NULL);
	if (group->last && !err)
		err = add_write(&work->changed, group->records[group->count - 1], key, group->last);
	for (; value < end && !err; value++)
		err = add_write(&work->appended, value->number, key, value->value);
	return err;
}

static int reduce(struct work *work, struct pool *pool)
{
	size_t from = 0, at;
	int err = 0;

	for (; from < work->count && !err; from = at) {
		const char *key = work->order[from]->key;
		struct group group = { 0 };

		err = find_records(&group, &pool->index, key);
		for (at = from; at < work->count && !strcmp(work->order[at]->key, key); at++)
			if (!err)
				err = add_edit(work, pool, &group, work->order[at]);
		if (!err)
			err = finish_group(work, &group, key);
		free(group.records);
		free(group.values.list);
	}
	sort_writes(&work->changed);
	sort_writes(&work->removed);
	sort_writes(&work->appended);
	return err;
}

static int plan_gaps(struct work *work, const struct pool_index *index)
{
	size_t count = work->removed.count;
	uint32_t *gaps;
	int err;

	work->plan = (struct pool_plan){ .records = index->records };
	if (!count)
		return 0;
	gaps = malloc(count * sizeof(*gaps));
	if (!gaps)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		gaps[i] = work->removed.list[i].number;
	err = pool_plan_remove(&work->plan, index, gaps, count);
	free(gaps);
	return err;
}

static const struct write *find_change(const struct work *work, uint32_t number)
{
	const struct write wanted = { .number = number };

	if (!work->changed.count)
		return NULL;
	return bsearch(&wanted, work->changed.list, work->changed.count, sizeof(wanted),
		       compare_writes);
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->to < y->to ? -1 : x->to > y->to;
}

static int compare_sources(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/*
 * All positions that get new contents, in ascending order. Return: how many; @places is owned by
 * the caller, NULL without memory.
 */
static size_t find_places(const struct work *work, struct place **places)
{
	size_t moves = work->plan.count, n = 0;
	struct place *list;

	list = malloc((moves + work->changed.count + work->appended.count + 1) * sizeof(*list));
	*places = list;
	if (!list)
		return 0;
	for (size_t i = 0; i < moves; i++) {
		uint32_t from = work->plan.moves[i].from;

		list[n++] = (struct place){ work->plan.moves[i].to, from, find_change(work, from) };
	}
	if (moves)
		qsort(list, moves, sizeof(*list), compare_sources);
	for (size_t i = 0; i < work->changed.count; i++) {
		const struct write *write = &work->changed.list[i];
		const struct place wanted = { .from = write->number };

		if (!moves || !bsearch(&wanted, list, moves, sizeof(*list), compare_sources))
			list[n++] = (struct place){ write->number, write->number, write };
	}
	for (size_t i = 0; i < work->appended.count; i++)
		list[n++] = (struct place){ work->plan.records + i, POOL_NONE,
					    &work->appended.list[i] };
	if (n)
		qsort(list, n, sizeof(*list), compare_places);
	return n;
}

static void fill_record(struct pool_record *record, const struct write *write)
{
	memset(record, 0, sizeof(*record));
	memcpy(record->key, write->key, strlen(write->key));
	memcpy(record->value, write->value, strlen(write->value));
}

static int read_record(struct pool *pool, uint32_t number, struct pool_record *record)
{
	ssize_t n = pool_file_read(&pool->file, number, record, 1);

	/* Another program has truncated the file just now. */
	return n == 1 ? 0 : n < 0 ? n : -EAGAIN;
}

static int add_place(struct pool *pool, struct pool_change *change, const struct place *place,
		     struct pool_record *room)
{
	struct pool_record *was = place->to < change->before ? &room[0] : NULL;
	int err = was ? read_record(pool, place->to, was) : 0;

	if (err)
		return err;
	/* Is it still the record that the index knows? */
	if (was && place->write && place->from == place->to &&
	    strncmp(was->key, place->write->key, sizeof(was->key)))
		return error_set(&pool->error, -EAGAIN,
				 "%s: another program writes to it without a lock; end that program, or try again",
				 pool->file.path);
	if (place->write)
		fill_record(&room[1], place->write);
	else
		err = read_record(pool, place->from, &room[1]);
	return err ? err : pool_change_add(change, place->to, was, &room[1]);
}

static int fill_change(const struct work *work, struct pool *pool, struct pool_change *change)
{
	struct pool_record *room;
	struct place *places;
	size_t count = find_places(work, &places), cuts;
	int err = places ? 0 : -ENOMEM;

	change->after = work->plan.records + work->appended.count;
	cuts = change->after < change->before ? change->before - change->after : 0;
	room = err ? NULL : malloc((2 * count + cuts + 1) * sizeof(*room));
	if (!room)
		err = -ENOMEM;
	change->contents = room;
	for (size_t i = 0; i < count && !err; i++, room += 2)
		err = add_place(pool, change, &places[i], room);
	for (size_t i = 0; i < cuts && !err; i++, room++) {
		err = read_record(pool, change->after + i, room);
		if (!err)
			err = pool_change_add(change, change->after + i, room, NULL);
	}
	free(places);
	return err;
}

static int check_limits(struct pool *pool, const struct work *work)
{
	const struct pool_index *index = &pool->index;
	uint64_t pairs = (uint64_t)index->records - index->unusable + work->appended.count -
			 work->removed.count;
	uint64_t bytes = ((uint64_t)work->plan.records + work->appended.count) * POOL_RECORD_SIZE;

	if (work->appended.count <= work->removed.count)
		return 0;
	if (pairs > pool->limits.keys)
		return error_set(&pool->error, -EDQUOT, "%s: would hold %llu pairs, and the limit is %u; delete some, or raise it (--max-keys)",
				 pool->file.path, (unsigned long long)pairs, pool->limits.keys);
	if (bytes > pool->limits.bytes)
		return error_set(&pool->error, -EDQUOT, "%s: would be longer than %llu bytes, which is the limit; delete some pairs, or raise it (--max-bytes)",
				 pool->file.path, (unsigned long long)pool->limits.bytes);
	return 0;
}

static int plan(void *data, struct pool *pool, struct pool_change *change)
{
	struct work *work = data;
	int err;

	work_clear(work);
	err = reduce(work, pool);
	if (!err)
		err = plan_gaps(work, &pool->index);
	if (!err)
		err = check_limits(pool, work);
	return err ? err : fill_change(work, pool, change);
}

/* What an edit does to its key, whose value is *@value before and after it; no key: nothing. */
static void describe(const struct pool_edit *edit, const char **value, struct change *change)
{
	if (edit->kind == POOL_EDIT_EXPECT || (edit->kind == POOL_EDIT_DELETE && !*value))
		return;
	change->key = edit->key;
	change->old = *value;
	change->new = edit->kind == POOL_EDIT_DELETE ? NULL : edit->value;
	change->kind = edit->kind == POOL_EDIT_DELETE ? CHANGE_DELETE :
		       edit->kind == POOL_EDIT_ADD ? CHANGE_ADD : CHANGE_SET;
	*value = change->new;
}

/* Note what was done, in the order of the edits, before the index follows. */
static void note_edits(const struct work *work, const struct pool_index *index)
{
	struct pool *pool = work->pool;
	struct change *list = calloc(work->count, sizeof(*list));
	const char *value = NULL;
	size_t count = 0;

	if (!list) {
		log_warn("out of memory: programs that watch may miss changes");
		return;
	}
	for (size_t i = 0; i < work->count; i++) {
		const struct pool_edit *edit = work->order[i];
		size_t number = edit - work->edits;

		if (!i || strcmp(edit->key, work->order[i - 1]->key)) {
			uint32_t last = pool_index_last(index, edit->key);

			value = last == POOL_NONE ? NULL : pool_index_value(index, last);
			if (last != POOL_NONE && !value)
				value = "";
		}
		list[number].pool = pool->number;
		describe(edit, &value, &list[number]);
	}
	for (size_t i = 0; i < work->count; i++)
		if (list[i].key)
			list[count++] = list[i];
	changes_append(pool->changes, list, count);
	free(list);
}

static int follow(void *data, struct pool_index *index)
{
	const struct work *work = data;
	struct pool_record record;
	struct place *places;
	size_t count = find_places(work, &places);
	int err = places ? 0 : -ENOMEM;

	if (work->pool->changes)
		note_edits(work, index);
	if (!err && work->removed.count)
		err = pool_index_move(index, work->plan.moves, work->plan.count,
				      work->plan.records);
	for (size_t i = 0; i < count && !err; i++) {
		if (!places[i].write)
			continue;
		fill_record(&record, places[i].write);
		err = places[i].to < index->records ?
		      pool_index_change(index, places[i].to, &record) :
		      pool_index_add(index, &record);
	}
	free(places);
	return err;
}

static int by_key(const void *a, const void *b)
{
	const struct pool_edit *const *x = a, *const *y = b;
	int order = strcmp((*x)->key, (*y)->key);

	return order ? order : *x < *y ? -1 : *x > *y;
}

static int check_texts(struct pool *pool, const struct pool_edit *edits, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		bool stored = edits[i].kind == POOL_EDIT_SET || edits[i].kind == POOL_EDIT_ADD;

		err = pool_check_pair(pool, edits[i].key, stored ? edits[i].value : NULL);
	}
	return err;
}

int pool_edit(struct pool *pool, struct pool_edit *edits, size_t count)
{
	static const struct pool_transaction ops = { .plan = plan, .follow = follow };
	struct work work = { .pool = pool, .edits = edits, .count = count };
	int err = check_texts(pool, edits, count);

	if (err)
		return err;
	work.order = malloc((count + 1) * sizeof(struct pool_edit *));
	if (!work.order)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		work.order[i] = &edits[i];
	if (count)
		qsort(work.order, count, sizeof(struct pool_edit *), by_key);
	err = pool_transact(pool, &ops, &work);
	work_clear(&work);
	free(work.order);
	return err;
}
