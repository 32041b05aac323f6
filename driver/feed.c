// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events for a monitor, see feed.h.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "feed.h"

struct kvp_feed *kvp_feed_create(void)
{
	struct kvp_feed *feed = kvzalloc(sizeof(*feed), GFP_KERNEL_ACCOUNT);

	if (!feed)
		return NULL;
	INIT_LIST_HEAD(&feed->link);
	init_waitqueue_head(&feed->wait);
	spin_lock_init(&feed->lock);
	/* Fails only if the size is not a power of two. */
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

/* Return: whether there was room. */
static bool add(struct kvp_feed *feed, struct hvkvp_event *event,
		const void *packet, u32 shown)
{
	if (kfifo_avail(&feed->fifo) < event->hdr.len) {
		feed->lost++;
		return false;
	}
	event->lost = feed->lost;
	feed->lost = 0;
	kfifo_in(&feed->fifo, event, sizeof(*event));
	if (shown)
		kfifo_in(&feed->fifo, packet, shown);
	WRITE_ONCE(feed->count, feed->count + 1);
	return true;
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
		.packet_len = packet_len,
	};
	bool added;

	spin_lock_bh(&feed->lock);
	added = add(feed, &event, packet, shown);
	spin_unlock_bh(&feed->lock);
	if (added)
		wake_up_interruptible_poll(&feed->wait, EPOLLIN | EPOLLRDNORM);
}

u32 kvp_feed_peek(struct kvp_feed *feed, void *message)
{
	const struct hvkvp_hdr *hdr = message;
	u32 len;

	spin_lock_bh(&feed->lock);
	len = kfifo_out_peek(&feed->fifo, message, HVKVP_MAX_MESSAGE);
	spin_unlock_bh(&feed->lock);
	return len ? hdr->len : 0;
}

void kvp_feed_drop(struct kvp_feed *feed, void *message)
{
	const struct hvkvp_hdr *hdr = message;

	spin_lock_bh(&feed->lock);
	/* All kernels have this; what only moves the index has had many names. */
	if (kfifo_out(&feed->fifo, message, hdr->len))
		WRITE_ONCE(feed->count, feed->count - 1);
	else
		WARN_ON_ONCE(1);
	spin_unlock_bh(&feed->lock);
}

bool kvp_feed_is_empty(const struct kvp_feed *feed)
{
	return !READ_ONCE(feed->count);
}
