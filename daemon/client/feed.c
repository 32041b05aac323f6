// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every change of the pools.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/feed.h"
#include "util/clock.h"
#include "util/log.h"

/* The ring has to be quiet for so long before the pools are compared. */
#define QUIET_MS	20

/* How often the start is tried again while changes come in. */
#define START_TRIES	100

static void fill(struct pool_record *record, const char *key, const char *value)
{
	memset(record, 0, sizeof(*record));
	strncpy(record->key, key, sizeof(record->key) - 1);
	strncpy(record->value, value ? value : "", sizeof(record->value) - 1);
}

static const char *value_at(const struct pool_index *index, uint32_t number)
{
	const char *value = pool_index_value(index, number);

	return value ? value : "";
}

/* Remove all records with a key. Return: 0 or -ENOMEM. */
static int known_delete(struct pool_index *known, const char *key)
{
	uint32_t number = pool_index_last(known, key), last = known->records - 1, to = 0;
	struct pool_move *moves;
	size_t count = 0;
	int err;

	if (number == POOL_NONE)
		return 0;
	/* The usual case, at no cost for each record: the last one takes its place. */
	if (pool_index_before(known, number) == POOL_NONE &&
	    pool_index_before(known, last) == POOL_NONE)
		return pool_index_move(known, &(struct pool_move){ .from = last, .to = number },
				       number != last, last);
	moves = calloc(known->records, sizeof(*moves));
	if (!moves)
		return -ENOMEM;
	for (uint32_t i = pool_index_next(known, POOL_NONE); i != POOL_NONE;
	     i = pool_index_next(known, i)) {
		if (!strcmp(pool_index_key(known, i), key))
			continue;
		if (i != to)
			moves[count++] = (struct pool_move){ .from = i, .to = to };
		to++;
	}
	err = pool_index_move(known, moves, count, to);
	free(moves);
	return err;
}

static int known_apply(struct pool_index *known, const struct change *change)
{
	struct pool_record record;
	uint32_t number;

	if (change->kind == CHANGE_DELETE)
		return known_delete(known, change->key);
	fill(&record, change->key, change->new);
	number = change->kind == CHANGE_ADD ? POOL_NONE : pool_index_last(known, change->key);
	return number == POOL_NONE ? pool_index_add(known, &record) :
				     pool_index_change(known, number, &record);
}

/* Make it what the pool has. */
static int known_copy(struct pool_index *known, const struct pool_index *index)
{
	struct pool_record record;
	int err = 0;

	pool_index_clear(known);
	for (uint32_t i = pool_index_next(index, POOL_NONE); i != POOL_NONE && !err;
	     i = pool_index_next(index, i)) {
		fill(&record, pool_index_key(index, i), value_at(index, i));
		err = pool_index_add(known, &record);
	}
	return err;
}

static void found_clear(struct feed *feed)
{
	for (size_t i = 0; i < feed->found_count; i++) {
		free((char *)feed->found[i].key);
		free((char *)feed->found[i].old);
		free((char *)feed->found[i].new);
	}
	free(feed->found);
	feed->found = NULL;
	feed->found_count = 0;
	feed->found_next = 0;
}

static int found_add(struct feed *feed, unsigned int pool, const char *key, const char *old,
		     const char *new)
{
	struct change *list = reallocarray(feed->found, feed->found_count + 1, sizeof(*list));
	struct change *change;
	struct timespec now;

	if (!list)
		return -ENOMEM;
	feed->found = list;
	change = &list[feed->found_count++];
	clock_gettime(CLOCK_REALTIME, &now);
	*change = (struct change){
		.time_ns = now.tv_sec * 1000000000ULL + now.tv_nsec, .pool = pool,
		.kind = new ? CHANGE_SET : CHANGE_DELETE, .source = CHANGE_BY_OTHER,
		.key = strdup(key), .old = old ? strdup(old) : NULL,
		.new = new ? strdup(new) : NULL,
	};
	return change->key && !old == !change->old && !new == !change->new ? 0 : -ENOMEM;
}

/* Is there no such pair in the other index? Of several with one key, each counts. */
static bool is_new(const struct pool_index *index, uint32_t number, const struct pool_index *other)
{
	const char *key = pool_index_key(index, number);
	uint32_t there = pool_index_last(other, key);

	for (; there != POOL_NONE; there = pool_index_before(other, there))
		if (!strcmp(value_at(other, there), value_at(index, number)))
			return false;
	return true;
}

/* Note what the pool has that is not known, and go on from there. */
static int compare(struct feed *feed, unsigned int pool)
{
	const struct pool_index *now = &feed->store->pools[pool].index;
	struct pool_index *known = &feed->known[pool];
	size_t before = feed->found_count;
	int err = 0;

	for (uint32_t i = pool_index_next(known, POOL_NONE); i != POOL_NONE && !err;
	     i = pool_index_next(known, i)) {
		const char *key = pool_index_key(known, i);

		if (pool_index_last(now, key) == POOL_NONE && pool_index_last(known, key) == i)
			err = found_add(feed, pool, key, value_at(known, i), NULL);
	}
	for (uint32_t i = pool_index_next(now, POOL_NONE); i != POOL_NONE && !err;
	     i = pool_index_next(now, i)) {
		const char *key = pool_index_key(now, i);
		uint32_t last = pool_index_last(known, key);

		if (is_new(now, i, known))
			err = found_add(feed, pool, key,
					last == POOL_NONE ? NULL : value_at(known, last),
					value_at(now, i));
	}
	if (!err && (feed->found_count != before || known->records != now->records))
		err = known_copy(known, now);
	return err;
}

/*
 * Read the pools that have changed. Who has changed them has kept them locked until it was in the
 * ring.
 */
static void load(struct feed *feed)
{
	feed->look = false;
	for (int i = 0; i < HVKVP_POOL_COUNT; i++) {
		struct pool *pool = &feed->store->pools[i];
		struct pool_index before;
		int ret;

		if (!(feed->pools & 1U << i))
			continue;
		ret = pool_reload(pool, &before);
		if (ret < 0) {
			log_warn("%s", pool_why(pool));
			continue;
		}
		if (ret) {
			feed->differs |= 1U << i;
			pool_index_clear(&before);
		}
	}
}

static int compare_all(struct feed *feed)
{
	int err = 0;

	for (int i = 0; i < HVKVP_POOL_COUNT && !err; i++)
		if (feed->differs & 1U << i)
			err = compare(feed, i);
	feed->differs = 0;
	return err;
}

/* The state of the pools and the position in the ring have to belong together. */
static int start(struct feed *feed)
{
	uint64_t left = 1;
	int err = 0;

	for (int tries = 0; tries < START_TRIES && left; tries++) {
		changes_reader_exit(&feed->ring);
		err = changes_reader_init(&feed->ring, &feed->store->changes, false);
		feed->complete = !err;
		load(feed);
		left = feed->complete ? changes_reader_left(&feed->ring) : 0;
	}
	err = err == -EACCES || err == -EPERM ? 0 : err;
	for (int i = 0; i < HVKVP_POOL_COUNT && !err; i++)
		if (feed->pools & 1U << i)
			err = known_copy(&feed->known[i], &feed->store->pools[i].index);
	feed->differs = 0;
	return err;
}

int feed_init(struct feed *feed, struct store *store, uint32_t pools)
{
	const char *path = store->changes.path;
	int err;

	*feed = (struct feed){
		.store = store, .pools = pools & ~(1U << HVKVP_POOL_AUTO),
		.watcher = { .fd = -1 }, .ring = { .fd = -1 },
		.ring_dir = strndup(path, strrchr(path, '/') - path),
	};
	if (!feed->ring_dir)
		return -ENOMEM;
	/* First of all: what happens from now on must not be missed. */
	err = watcher_init(&feed->watcher, store->dir,
			   strcmp(feed->ring_dir, store->dir) ? feed->ring_dir : NULL);
	if (!err)
		err = start(feed);
	if (err)
		feed_exit(feed);
	return err;
}

void feed_exit(struct feed *feed)
{
	if (!feed->store)
		return;
	watcher_exit(&feed->watcher);
	changes_reader_exit(&feed->ring);
	for (int i = 0; i < HVKVP_POOL_COUNT; i++)
		pool_index_clear(&feed->known[i]);
	found_clear(feed);
	free(feed->ring_dir);
	*feed = (struct feed){ 0 };
}

/* The next change in the ring. Return: as feed_next(). */
static int next_noted(struct feed *feed, struct feed_event *event)
{
	int ret;

	while ((ret = changes_read(&feed->ring, &event->change, &event->lost)) > 0 ||
	       event->lost) {
		const struct change *change = &event->change;
		int err;

		feed->quiet_at = clock_ms() + QUIET_MS;
		feed->look = true;
		if (event->lost) {
			/* What is known is not up to date any more. */
			feed->differs = feed->pools;
			return 1;
		}
		if (change->kind == CHANGE_ADDRESSES || !(feed->pools & 1U << change->pool))
			continue;
		err = known_apply(&feed->known[change->pool], change);
		if (err)
			return err;
		/* The same value again. */
		if (change->kind == CHANGE_SET && change->old &&
		    !strcmp(change->old, change->new))
			continue;
		return 1;
	}
	return ret;
}

int feed_next(struct feed *feed, struct feed_event *event)
{
	int ret;

	*event = (struct feed_event){ .lost = 0 };
	if (feed->found_next < feed->found_count) {
		event->change = feed->found[feed->found_next++];
		return 1;
	}
	found_clear(feed);
	if (watcher_take(&feed->watcher))
		feed->look = true;
	if (feed->complete) {
		ret = next_noted(feed, event);
		if (ret)
			return ret;
		if (clock_ms() < feed->quiet_at)
			return 0;
	}
	if (!feed->look && !feed->differs)
		return 0;
	load(feed);
	if (feed->complete && changes_reader_left(&feed->ring)) {
		/* The difference may be what is in the ring by now. */
		feed->look = true;
		return feed_next(feed, event);
	}
	ret = compare_all(feed);
	if (ret)
		return ret;
	if (!feed->found_count)
		return 0;
	event->change = feed->found[feed->found_next++];
	return 1;
}

int feed_wait_ms(const struct feed *feed)
{
	int wait = watcher_wait_ms(&feed->watcher);
	uint64_t now = clock_ms();

	if (!feed->look && !feed->differs)
		return wait;
	if (feed->quiet_at <= now)
		return 0;
	if (wait < 0 || feed->quiet_at - now < (uint64_t)wait)
		wait = feed->quiet_at - now;
	return wait;
}
