// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events for a monitor, see feed.h.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "feed.h"

struct kvp_feed *kvp_feed_create(void)
{
	struct kvp_feed *feed = kvzalloc(sizeof(*feed), GFP_KERNEL_ACCOUNT);

	if (!feed)
		return NULL;
	INIT_LIST_HEAD(&feed->link);
	/* Fails for nothing but a size that is no power of two. */
	if (kfifo_init(&feed->fifo, feed->memory, sizeof(feed->memory))) {
		kvfree(feed);
		return NULL;
	}
	return feed;
}

void kvp_feed_destroy(struct kvp_feed *feed)
{
	kvfree(feed);
}

void kvp_feed_add(struct kvp_feed *feed, u64 id, enum hvkvp_what what,
		  const void *packet, u32 packet_len)
{
	u32 shown = min_t(u32, packet_len,
			  HVKVP_MAX_MESSAGE - sizeof(struct hvkvp_event));
	struct hvkvp_event event = {
		.hdr.len = sizeof(event) + shown,
		.hdr.type = HVKVP_EVENT,
		.hdr.id = id,
		.time_ns = ktime_get_ns(),
		.what = what,
		.lost = feed->lost,
		.packet_len = packet_len,
	};

	if (kfifo_avail(&feed->fifo) < event.hdr.len) {
		feed->lost++;
		return;
	}
	feed->lost = 0;
	/* The reader looks for whole messages, so the first part is no harm. */
	kfifo_in(&feed->fifo, &event, sizeof(event));
	if (shown)
		kfifo_in(&feed->fifo, packet, shown);
}

u32 kvp_feed_peek(struct kvp_feed *feed, void *message)
{
	const struct hvkvp_hdr *hdr = message;
	u32 len = kfifo_out_peek(&feed->fifo, message, HVKVP_MAX_MESSAGE);

	return len >= sizeof(*hdr) && len >= hdr->len ? hdr->len : 0;
}

void kvp_feed_drop(struct kvp_feed *feed, void *message)
{
	const struct hvkvp_hdr *hdr = message;

	/* All kernels have this; what only moves the index has had many names. */
	if (!kfifo_out(&feed->fifo, message, hdr->len))
		WARN_ON_ONCE(1);
}

bool kvp_feed_is_empty(struct kvp_feed *feed)
{
	return kfifo_is_empty(&feed->fifo);
}
