// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices and their channels.
 */
#include "vmbus/channel.h"

#include <stdlib.h>

#include "util/clock.h"

enum chan_state channel_next(enum chan_state state, enum chan_event event)
{
	static const enum chan_state next[][CHAN_EVENTS] = {
		[CHAN_OFFERED] = {
			[CHAN_EV_OPEN] = CHAN_OPEN,
			[CHAN_EV_CLOSE] = CHAN_REFUSED,
			[CHAN_EV_RESCIND] = CHAN_RESCINDED,
			[CHAN_EV_RELEASE] = CHAN_REFUSED,
			[CHAN_EV_RESET] = CHAN_RELEASED,
		},
		[CHAN_OPEN] = {
			[CHAN_EV_OPEN] = CHAN_REFUSED,
			[CHAN_EV_CLOSE] = CHAN_OFFERED,
			[CHAN_EV_RESCIND] = CHAN_RESCINDED,
			[CHAN_EV_RELEASE] = CHAN_REFUSED,
			[CHAN_EV_RESET] = CHAN_RELEASED,
		},
		[CHAN_RESCINDED] = {
			/* The guest's messages and the rescind may cross. */
			[CHAN_EV_OPEN] = CHAN_REFUSED,
			[CHAN_EV_CLOSE] = CHAN_RESCINDED,
			[CHAN_EV_RESCIND] = CHAN_REFUSED,
			[CHAN_EV_RELEASE] = CHAN_RELEASED,
			[CHAN_EV_RESET] = CHAN_RELEASED,
		},
		[CHAN_RELEASED] = {
			[CHAN_EV_OPEN] = CHAN_REFUSED,
			[CHAN_EV_CLOSE] = CHAN_REFUSED,
			[CHAN_EV_RESCIND] = CHAN_REFUSED,
			[CHAN_EV_RELEASE] = CHAN_REFUSED,
			[CHAN_EV_RESET] = CHAN_RELEASED,
		},
	};

	if ((unsigned int)state >= ARRAY_SIZE(next) || (unsigned int)event >= CHAN_EVENTS)
		return CHAN_REFUSED;
	return next[state][event];
}

const char *channel_state_name(enum chan_state state)
{
	static const char *const names[] = {
		[CHAN_OFFERED] = "offered",
		[CHAN_OPEN] = "open",
		[CHAN_RESCINDED] = "rescinded",
		[CHAN_RELEASED] = "released",
		[CHAN_REFUSED] = "refused",
	};

	return (unsigned int)state < ARRAY_SIZE(names) ? names[state] : "?";
}

const char *channel_attach(struct channel *chan, u8 **pages, u32 npages, u32 downstream)
{
	if (downstream >= npages)
		return "downstream page offset behind the GPADL";
	if (!ring_init(&chan->in, pages, downstream) ||
	    !ring_init(&chan->out, pages + downstream, npages - downstream))
		return "a ring needs a control page and a data page";
	chan->pages = pages;
	chan->broken = NULL;
	return NULL;
}

void channel_detach(struct channel *chan)
{
	free(chan->pages);
	chan->pages = NULL;
}

struct packet *channel_pull(struct channel *chan, bool *signal)
{
	enum ring_result result;
	struct packet *packet;
	const char *why;

	if (!chan->pages || chan->hold || chan->broken)
		return NULL;
	packet = calloc(1, sizeof(*packet));
	if (!packet)
		return NULL;
	result = ring_read(&chan->in, &packet->head, &packet->payload, &packet->len, signal, &why);
	if (result != RING_OK) {
		free(packet);
		if (result == RING_CORRUPT)
			chan->broken = why;
		return NULL;
	}
	packet->arrived = chan->arrived = clock_ns();
	chan->received++;
	return packet;
}

void channel_queue(struct channel *chan, struct packet *packet)
{
	if (chan->queued == CHANNEL_QUEUE_MAX) {
		chan->dropped++;
		packet_free(packet);
		return;
	}
	if (chan->tail)
		chan->tail->next = packet;
	else
		chan->head = packet;
	chan->tail = packet;
	chan->queued++;
}

struct packet *channel_take(struct channel *chan)
{
	struct packet *packet = chan->head;

	if (!packet)
		return NULL;
	chan->head = packet->next;
	if (!chan->head)
		chan->tail = NULL;
	chan->queued--;
	packet->next = NULL;
	return packet;
}

void packet_free(struct packet *packet)
{
	if (!packet)
		return;
	free(packet->payload);
	free(packet);
}

void channel_free(struct channel *chan)
{
	struct packet *packet;

	if (!chan)
		return;
	while ((packet = channel_take(chan)))
		packet_free(packet);
	channel_detach(chan);
	free(chan->session);
	free(chan);
}
