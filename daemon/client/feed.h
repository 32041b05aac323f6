/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every change of the pools, one after the other
 *
 * Changes that our own programs make are in the ring (pool/changes.h), with those that are undone
 * at once. Programs that write to the pool files themselves are not in the ring; what they do shows
 * as a difference between a pool and what it has to hold after the changes of the ring. Such a
 * difference is looked for when the ring has been quiet for a moment.
 */
#ifndef HVKVP_CLIENT_FEED_H
#define HVKVP_CLIENT_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "client/watcher.h"
#include "pool/changes.h"
#include "pool/store.h"

/**
 * struct feed_event - what has happened
 * @change: of a pool, unless changes were @lost; its texts are valid until the next call
 * @lost: number of changes that were overwritten before they could be read. What they have left in
 *	the pools comes as changes of CHANGE_BY_OTHER
 */
struct feed_event {
	struct change change;
	uint64_t lost;
};

/**
 * struct feed - a position in the stream of changes
 * @store: the pools; not owned
 * @pools: which of them, a bit for each number
 * @ring_dir: where the ring is; owned
 * @watcher: of the directories
 * @ring: position in the ring
 * @complete: the ring can be read: no change is missed
 * @known: what the pools hold after the changes so far, by number
 * @differs: pools that may differ from @known
 * @look: the pools may have changed
 * @quiet_at: when the ring will have been quiet for long enough, clock_ms()
 * @found: differences that are not handed out yet; owned, with their texts
 * @found_count: of @found
 * @found_next: the next one
 */
struct feed {
	struct store *store;
	uint32_t pools;
	char *ring_dir;
	struct watcher watcher;
	struct changes_reader ring;
	bool complete;
	struct pool_index known[HVKVP_POOL_COUNT];
	uint32_t differs;
	bool look;
	uint64_t quiet_at;
	struct change *found;
	size_t found_count;
	size_t found_next;
};

/**
 * feed_init() - begin: changes from now on are handed out
 * @feed: the object
 * @store: the pools; must outlive @feed
 * @pools: which of them, a bit for each number; pool auto never changes
 *
 * @known has what the pools hold now.
 *
 * Return: 0 or -errno. If the user may not read the ring, @complete is false: then only differences
 * are handed out.
 */
int feed_init(struct feed *feed, struct store *store, uint32_t pools);

/**
 * feed_exit() - end, and free
 * @feed: the object; all zeros is one that was never begun
 */
void feed_exit(struct feed *feed);

/**
 * feed_next() - the next event
 * @feed: the object
 * @event: filled in
 *
 * A pool that cannot be read is logged.
 *
 * Return: 1; 0 if there is none now: wait for @feed->watcher.fd, or for feed_wait_ms(); -errno.
 */
int feed_next(struct feed *feed, struct feed_event *event);

/**
 * feed_wait_ms() - when to call feed_next() again if nothing happens
 * @feed: the object
 *
 * Return: milliseconds; -1: never.
 */
int feed_wait_ms(const struct feed *feed);

#endif /* HVKVP_CLIENT_FEED_H */
