// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets between a channel's rings and the script.
 */
#include "machine/synic.h"
#include "vmbus/bus_priv.h"

void bus_interrupt(struct vmbus *bus, struct channel *chan)
{
	chan->interrupts++;
	if (synic_set_flag(bus->vm, chan->target_vp, VMBUS_SINT, chan->relid))
		bus_note(bus, chan, "the SynIC did not take an event to the guest");
}

/* Is there room for an answer? If not, ask the guest for a signal when there is. */
static bool has_room(struct channel *chan)
{
	u32 need = chan->device->ops->room + RING_RESERVE;

	if (ring_space(&chan->out) <= need) {
		ring_put(&chan->out, RING_PENDING, need);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (ring_space(&chan->out) <= need)
			return false;
	}
	ring_put(&chan->out, RING_PENDING, 0);
	return true;
}

/* Returns true if the guest waits for room in its own ring. */
static bool serve(struct vmbus *bus, struct channel *chan)
{
	struct packet *packet;
	bool signal = false;

	while (chan->pages && !bus->off && has_room(chan) && (packet = channel_pull(chan, &signal))) {
		bus_record_packet(bus, chan, false, &packet->head, packet->payload, packet->len,
				  packet->arrived, "");
		chan->device->ops->packet(bus, chan, packet);
		packet_free(packet);
	}
	return signal;
}

bool bus_take(struct vmbus *bus, struct channel *chan)
{
	struct packet *packet;
	bool signal = false;

	while ((packet = channel_pull(chan, &signal))) {
		bus_record_packet(bus, chan, false, &packet->head, packet->payload, packet->len,
				  packet->arrived, "");
		channel_queue(chan, packet);
	}
	return signal;
}

void bus_drain(struct vmbus *bus, struct channel *chan)
{
	u64 before = chan->received;
	bool was_broken = chan->broken;

	if (bus->off)
		return;
	if (chan->device->ops ? serve(bus, chan) : bus_take(bus, chan))
		bus_interrupt(bus, chan);
	if (chan->broken && !was_broken)
		bus_note(bus, chan, chan->broken);
	if (!before && chan->received) {
		bus_event_add(bus, BUS_FIRST_PACKET, chan, 0, NULL);
		bus_run_plans(bus, chan->device->number, BUS_FIRST_PACKET);
	}
}

u32 vmbus_open_channel(struct vmbus *bus, u32 device)
{
	struct device *dev;
	u32 number = 0;

	pthread_mutex_lock(&bus->lock);
	dev = bus_find_device(bus, device);
	if (dev && dev->channel && dev->channel->state == CHAN_OPEN)
		number = dev->channel->number;
	pthread_mutex_unlock(&bus->lock);
	return number;
}

bool vmbus_channel(struct vmbus *bus, u32 channel, struct channel *copy)
{
	struct channel *chan;

	pthread_mutex_lock(&bus->lock);
	chan = bus_find_channel(bus, channel);
	if (chan)
		*copy = *chan;
	pthread_mutex_unlock(&bus->lock);
	return chan;
}

enum bus_send_result bus_send(struct vmbus *bus, struct channel *chan, struct ring_packet *packet,
			      const void *payload, u32 len, enum bus_signal how, u64 *stamp,
			      const char **why)
{
	bool due = false;
	u64 written = 0;

	if (!stamp)
		stamp = &written;
	*why = "the channel is not open";
	if (!chan->pages)
		return BUS_SEND_CLOSED;
	switch (ring_write(&chan->out, packet, payload, len, &due, stamp, why)) {
	case RING_OK:
		break;
	case RING_FULL:
		/* Ask the guest for a signal when this one fits. */
		ring_put(&chan->out, RING_PENDING, len + RING_HEADER + RING_TRAILER + 8);
		*why = "the ring is full";
		return BUS_SEND_FULL;
	default:
		return BUS_SEND_CORRUPT;
	}
	chan->sent++;
	if (how == BUS_SIGNAL_ALWAYS || (how == BUS_SIGNAL_AUTO && due))
		bus_interrupt(bus, chan);
	bus_record_packet(bus, chan, true, packet, payload, len, *stamp,
			  due ? "" : ", no interrupt due");
	ring_put(&chan->out, RING_PENDING, 0);
	return BUS_SENT;
}

enum bus_send_result vmbus_send(struct vmbus *bus, u32 channel, struct ring_packet *packet,
				const void *payload, u32 len, enum bus_signal how, u64 *stamp,
				const char **why)
{
	enum bus_send_result result = BUS_SEND_CLOSED;
	struct channel *chan;

	*why = "the channel is not open";
	pthread_mutex_lock(&bus->lock);
	chan = bus_find_channel(bus, channel);
	if (chan)
		result = bus_send(bus, chan, packet, payload, len, how, stamp, why);
	pthread_mutex_unlock(&bus->lock);
	return result;
}

struct packet *vmbus_recv(struct vmbus *bus, u32 channel)
{
	struct packet *packet;
	struct channel *chan;

	pthread_mutex_lock(&bus->lock);
	chan = bus_find_channel(bus, channel);
	packet = chan ? channel_take(chan) : NULL;
	pthread_mutex_unlock(&bus->lock);
	return packet;
}

u32 vmbus_unsignalled(struct vmbus *bus, u32 channel)
{
	struct channel *chan;
	u64 before = 0, after = 0;

	pthread_mutex_lock(&bus->lock);
	chan = bus_find_channel(bus, channel);
	if (chan) {
		before = chan->received;
		bus_drain(bus, chan);
		after = chan->received;
	}
	pthread_mutex_unlock(&bus->lock);
	return (u32)(after - before);
}

void vmbus_hold(struct vmbus *bus, u32 channel, bool hold)
{
	struct channel *chan;

	pthread_mutex_lock(&bus->lock);
	chan = bus_find_channel(bus, channel);
	if (chan) {
		chan->hold = hold;
		bus_drain(bus, chan);
		bus_activity(bus);
	}
	pthread_mutex_unlock(&bus->lock);
}

bool vmbus_signal(struct vmbus *bus, u32 channel)
{
	struct channel *chan;
	bool open;

	pthread_mutex_lock(&bus->lock);
	chan = bus_find_channel(bus, channel);
	open = chan && chan->pages;
	if (open)
		bus_interrupt(bus, chan);
	pthread_mutex_unlock(&bus->lock);
	return open;
}

bool vmbus_ring(struct vmbus *bus, u32 channel, bool to_guest,
		void (*fn)(struct ring *ring, void *arg), void *arg)
{
	struct channel *chan;
	bool open;

	pthread_mutex_lock(&bus->lock);
	chan = bus_find_channel(bus, channel);
	open = chan && chan->pages;
	if (open)
		fn(to_guest ? &chan->out : &chan->in, arg);
	pthread_mutex_unlock(&bus->lock);
	return open;
}
