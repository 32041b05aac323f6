// SPDX-License-Identifier: GPL-2.0-only
/*
 * How to remove a key: which records go where.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pool/compact.h"
#include "pool/pool.h"

/**
 * struct numbers - numbers of records
 * @list: ascending, unless said otherwise; owned
 * @count: of @list
 * @room: allocated
 */
struct numbers {
	uint32_t *list;
	size_t count;
	size_t room;
};

static int add_number(struct numbers *numbers, uint32_t number)
{
	if (numbers->count == numbers->room) {
		size_t room = numbers->room ? 2 * numbers->room : 16;
		void *list = reallocarray(numbers->list, room, sizeof(*numbers->list));

		if (!list)
			return -ENOMEM;
		numbers->list = list;
		numbers->room = room;
	}
	numbers->list[numbers->count++] = number;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void sort(struct numbers *numbers)
{
	if (numbers->count)
		qsort(numbers->list, numbers->count, sizeof(*numbers->list), compare);
}

static int compare_moves(const void *a, const void *b)
{
	const struct pool_move *x = a, *y = b;

	return x->to < y->to ? -1 : x->to > y->to;
}

static bool contains(const struct numbers *numbers, uint32_t number)
{
	return bsearch(&number, numbers->list, numbers->count, sizeof(number), compare);
}

static int all_with_key(struct numbers *numbers, const struct pool_index *index, uint32_t last)
{
	int err = 0;

	for (; last != POOL_NONE && !err; last = pool_index_before(index, last))
		err = add_number(numbers, last);
	sort(numbers);
	return err;
}

/* The moves are allocated before: there are never more than this. */
static void add_move(struct pool_plan *plan, uint32_t from, uint32_t to)
{
	if (from != to)
		plan->moves[plan->count++] = (struct pool_move){ .from = from, .to = to };
}

static int room_for(struct pool_plan *plan, size_t more)
{
	void *moves = reallocarray(plan->moves, plan->count + more + 1, sizeof(*plan->moves));

	if (!moves)
		return -ENOMEM;
	plan->moves = moves;
	return 0;
}

/* Everything behind a gap moves down: the order stays. */
static int shift(struct pool_plan *plan, const struct pool_index *index,
		 const struct numbers *gaps)
{
	uint32_t to = gaps->list[0];
	int err = room_for(plan, index->records - to);

	for (uint32_t from = to; from < index->records && !err; from++)
		if (!contains(gaps, from))
			add_move(plan, from, to++);
	return err;
}

/*
 * The records of one key, of which some lie behind the new end and go into gaps:
 * they take their places, the gaps among them, in their order.
 */
static int place_key(struct pool_plan *plan, const struct pool_index *index, uint32_t last,
		     const struct numbers *tail, const struct numbers *gaps)
{
	struct numbers records = { 0 }, places = { 0 };
	int err = all_with_key(&records, index, last);
	size_t left = 0;

	/* Some of them may go. */
	for (size_t i = 0; i < records.count; i++)
		if (!contains(gaps, records.list[i]))
			records.list[left++] = records.list[i];
	records.count = left;
	for (size_t i = 0; i < records.count && !err; i++) {
		uint32_t *at = bsearch(&records.list[i], tail->list, tail->count, sizeof(*at),
				       compare);

		err = add_number(&places, at ? gaps->list[at - tail->list] : records.list[i]);
	}
	if (!err)
		err = room_for(plan, records.count);
	if (!err) {
		sort(&places);
		for (size_t i = 0; i < records.count; i++)
			add_move(plan, records.list[i], places.list[i]);
	}
	free(records.list);
	free(places.list);
	return err;
}

/* Does an older record of the same key, which stays, lie behind the new end, too? */
static bool placed_before(const struct pool_index *index, uint32_t number, uint32_t end,
			  const struct numbers *gaps)
{
	uint32_t before = pool_index_before(index, number);

	while (before != POOL_NONE && contains(gaps, before))
		before = pool_index_before(index, before);
	return before != POOL_NONE && before >= end;
}

/* The last records fill the gaps. */
static int fill(struct pool_plan *plan, const struct pool_index *index,
		const struct numbers *gaps)
{
	struct numbers tail = { 0 };
	int err = 0;

	for (uint32_t i = plan->records; i < index->records && !err; i++)
		if (!contains(gaps, i))
			err = add_number(&tail, i);
	/* As many gaps lie in front of the new end as records that stay behind it. */
	for (size_t i = 0; i < tail.count && !err; i++) {
		uint32_t number = tail.list[i];

		if (!index->pairs[number].key) {
			err = room_for(plan, 1);
			if (!err)
				add_move(plan, number, gaps->list[i]);
		} else if (!placed_before(index, number, plan->records, gaps)) {
			uint32_t last = pool_index_last(index, index->pairs[number].key);

			err = place_key(plan, index, last, &tail, gaps);
		}
	}
	free(tail.list);
	if (!err && plan->count)
		qsort(plan->moves, plan->count, sizeof(*plan->moves), compare_moves);
	return err;
}

int pool_plan_delete(struct pool_plan *plan, const struct pool_index *index, const char *key,
		     uint32_t most)
{
	uint32_t last = pool_index_last(index, key);
	struct numbers gaps = { 0 };
	int err;

	*plan = (struct pool_plan){ .records = index->records };
	if (last == POOL_NONE)
		return -ENOENT;
	err = all_with_key(&gaps, index, last);
	if (!err) {
		if (gaps.count > most) {
			plan->left = gaps.count - most;
			gaps.count = most;
		}
		plan->records -= gaps.count;
		if (index->records - gaps.list[0] - 1 <= POOL_SHIFT_MAX)
			err = shift(plan, index, &gaps);
		else
			err = fill(plan, index, &gaps);
	}
	free(gaps.list);
	return err;
}

int pool_plan_remove(struct pool_plan *plan, const struct pool_index *index,
		     const uint32_t *gaps, size_t count)
{
	const struct numbers numbers = { .list = (uint32_t *)gaps, .count = count };

	*plan = (struct pool_plan){ .records = index->records - count };
	if (index->records - gaps[0] - 1 <= POOL_SHIFT_MAX)
		return shift(plan, index, &numbers);
	return fill(plan, index, &numbers);
}

void pool_plan_free(struct pool_plan *plan)
{
	free(plan->moves);
	*plan = (struct pool_plan){ 0 };
}
