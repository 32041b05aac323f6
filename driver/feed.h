/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A feed: the events that one monitor has yet to read.
 *
 * An event is added and read as a whole under the lock of the feed, so a feed that
 * is not empty has a complete message, on any architecture. The transaction adds
 * events under its own lock, inside which this one nests; a reader never takes the
 * lock of the transaction, and cannot delay it for longer than it takes to copy one
 * message. The memory is allocated with the feed, so that adding an event can
 * neither fail nor sleep.
 */
#ifndef KVP_FEED_H
#define KVP_FEED_H

#include <linux/kfifo.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "hv_kvp.h"

/**
 * struct kvp_feed - events for one monitor
 * @link: in the list of the transaction; guarded by its lock
 * @wait: woken when an event was added, or the device was removed
 * @lock: guards the members below
 * @fifo: whole messages, one after the other
 * @count: messages in @fifo
 * @lost: events that found no room since the last one that did
 * @memory: of @fifo
 */
struct kvp_feed {
	struct list_head link;
	wait_queue_head_t wait;
	spinlock_t lock; /* see above */
	struct kfifo fifo;
	unsigned int count;
	u32 lost;
	u8 memory[HVKVP_FEED_SIZE];
};

/**
 * kvp_feed_create() - create an empty feed
 *
 * Context: may sleep.
 * Return: the feed, or NULL without memory. kvp_feed_destroy() frees it.
 */
struct kvp_feed *kvp_feed_create(void);

/**
 * kvp_feed_destroy() - free a feed that is in no list
 * @feed: the feed
 *
 * Context: may sleep.
 */
void kvp_feed_destroy(struct kvp_feed *feed);

/**
 * kvp_feed_add() - add an event and wake its reader, or count it as lost
 * @feed: the feed
 * @id: of the packet, or 0
 * @what: enum hvkvp_what
 * @packet: the packet, or NULL
 * @packet_len: bytes of it, or 0
 *
 * Context: any but hard interrupt.
 */
void kvp_feed_add(struct kvp_feed *feed, u64 id, enum hvkvp_what what,
		  const void *packet, u32 packet_len);

/**
 * kvp_feed_peek() - get the oldest event; it stays
 * @feed: the feed
 * @message: filled in, HVKVP_MAX_MESSAGE bytes
 *
 * Context: any but hard interrupt. One reader at a time.
 * Return: bytes of the message; 0 if there is none.
 */
u32 kvp_feed_peek(struct kvp_feed *feed, void *message);

/**
 * kvp_feed_drop() - remove the oldest event
 * @feed: the feed
 * @message: what kvp_feed_peek() returned; overwritten
 *
 * Context: any but hard interrupt. One reader at a time.
 */
void kvp_feed_drop(struct kvp_feed *feed, void *message);

/**
 * kvp_feed_is_empty() - whether there is nothing to read
 * @feed: the feed
 *
 * For wait conditions: takes no lock, so the result can be stale.
 */
bool kvp_feed_is_empty(const struct kvp_feed *feed);

#endif /* KVP_FEED_H */
