/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A feed: the events that one monitor has yet to read.
 *
 * One writer at a time (the transaction, under its lock) and one reader at a time
 * (the monitor's file, under its own) need no lock between them. The memory is
 * taken when the monitor comes, so that adding an event can neither
 * fail nor sleep.
 */
#ifndef KVP_FEED_H
#define KVP_FEED_H

#include <linux/kfifo.h>
#include <linux/list.h>
#include <linux/types.h>

#include "hv_kvp.h"

/**
 * struct kvp_feed - events for one monitor
 * @link: in the list of the transaction; guarded by its lock
 * @fifo: whole messages, one behind the other
 * @lost: events that found no room since the last one that did; the writer's
 * @memory: of @fifo
 */
struct kvp_feed {
	struct list_head link;
	struct kfifo fifo;
	u32 lost;
	u8 memory[HVKVP_FEED_SIZE];
};

/**
 * kvp_feed_create() - make an empty feed
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
 * kvp_feed_add() - add an event, or count it as lost
 * @feed: the feed
 * @id: of the packet, or 0
 * @what: enum hvkvp_what
 * @packet: the packet, or NULL
 * @packet_len: bytes of it, or 0
 *
 * Context: any; the writer.
 */
void kvp_feed_add(struct kvp_feed *feed, u64 id, enum hvkvp_what what,
		  const void *packet, u32 packet_len);

/**
 * kvp_feed_peek() - get the oldest event; it stays
 * @feed: the feed
 * @message: filled in, HVKVP_MAX_MESSAGE bytes
 *
 * Context: any; the reader.
 * Return: bytes of the message; 0 if there is none.
 */
u32 kvp_feed_peek(struct kvp_feed *feed, void *message);

/**
 * kvp_feed_drop() - remove the oldest event
 * @feed: the feed
 * @message: what kvp_feed_peek() gave; overwritten
 *
 * Context: any; the reader.
 */
void kvp_feed_drop(struct kvp_feed *feed, void *message);

/**
 * kvp_feed_is_empty() - is there nothing to read?
 * @feed: the feed
 */
bool kvp_feed_is_empty(struct kvp_feed *feed);

#endif /* KVP_FEED_H */
