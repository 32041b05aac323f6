// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: offered, rescinded, offered again.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"
#include "vmbus/bus_priv.h"

#define RELID_MAX	2047u	/* the largest event flag */
#define SETTLE_NS	100000000u	/* a channel is quiet when nothing came for so long */
#define SETTLE_MAX_NS	2000000000ull
#define CHANNELS_MAX	20000u	/* offers of one run, so that a guest cannot eat memory */

static u32 new_relid(struct vmbus *bus)
{
	u32 tries;

	for (tries = 0; tries < RELID_MAX; tries++) {
		bus->last_relid = bus->last_relid % RELID_MAX + 1;
		if (!bus_find_relid(bus, bus->last_relid))
			return bus->last_relid;
	}
	return 0;
}

void bus_offer(struct vmbus *bus, struct device *dev)
{
	const struct device_desc *desc = &dev->desc;
	struct msg_offer m = { .h.type = MSG_OFFER };
	struct bus_plan fault;
	struct channel *chan;
	u32 relid;

	if (!dev->present || dev->channel || !bus->offers_requested)
		return;
	if (bus_take_fault(bus, dev->number, BUS_OFFER, &fault)) {
		if (fault.action == BUS_DO_DELAY)
			bus_put_off(bus, dev->number, BUS_DO_OFFER, fault.after_us);
		return;
	}
	relid = new_relid(bus);
	chan = bus->nchannels < CHANNELS_MAX ? calloc(1, sizeof(*chan)) : NULL;
	if (!relid || !chan) {
		free(chan);
		bus_note(bus, NULL, "no channel left for an offer");
		return;
	}
	chan->device = dev;
	chan->number = ++bus->nchannels;
	chan->relid = relid;
	chan->connection = relid | VMBUS_SINT << 12;
	chan->state = CHAN_OFFERED;
	chan->next = bus->channels;
	bus->channels = chan;
	dev->channel = chan;

	memcpy(m.class_id, desc->class_id, sizeof(m.class_id));
	memcpy(m.instance_id, desc->instance_id, sizeof(m.instance_id));
	m.flags = desc->flags;
	m.mmio_mb = desc->mmio_mb;
	memcpy(m.user, desc->user, sizeof(m.user));
	m.subchannel = desc->subchannel;
	m.relid = relid;
	m.monitor = desc->monitor;
	m.monitor_allocated = desc->monitor != 0xff;
	m.dedicated = 1;
	m.connection = chan->connection;
	bus_post(bus, &m, sizeof(m));
	bus_event_add(bus, BUS_OFFER, chan, 0, NULL);
	bus_run_plans(bus, dev->number, BUS_OFFER);
}

void bus_come_back(struct vmbus *bus, struct device *dev, u32 delay_us)
{
	if (delay_us)
		bus_put_off(bus, dev->number, BUS_DO_OFFER, delay_us);
	else
		bus_offer(bus, dev);
}

bool bus_rescind(struct vmbus *bus, struct device *dev, enum reoffer when, u32 delay_us)
{
	struct channel *chan = dev->channel;

	if (!chan)
		return false;
	chan->state = channel_next(chan->state, CHAN_EV_RESCIND);
	if (!dev->ops)
		channel_detach(chan);
	dev->channel = NULL;
	dev->present = when != REOFFER_NEVER;
	bus_post_relid(bus, MSG_RESCIND, chan->relid);
	bus_event_add(bus, BUS_RESCIND, chan, 0, NULL);
	if (when == REOFFER_AT_ONCE)
		bus_come_back(bus, dev, delay_us);
	return true;
}

void bus_act(struct vmbus *bus, struct device *dev, enum bus_action action)
{
	switch (action) {
	case BUS_DO_RESCIND:
		bus_rescind(bus, dev, dev->desc.when, dev->desc.delay_us);
		break;
	case BUS_DO_RESCIND_REOFFER:
		bus_rescind(bus, dev, REOFFER_AT_ONCE, 0);
		break;
	case BUS_DO_OFFER:
		bus_offer(bus, dev);
		break;
	case BUS_DO_SERVE:
		if (dev->ops && dev->ops->serve)
			dev->ops->serve(bus, dev);
		break;
	case BUS_DO_REFUSE:
	case BUS_DO_SILENCE:
	case BUS_DO_DELAY:
	case BUS_DO_POWER_OFF:
		break;
	}
}

/* Everything that the guest had goes; devices stay and wait for the next contact. */
void bus_reset(struct vmbus *bus)
{
	struct channel *chan;

	for (chan = bus->channels; chan; chan = chan->next) {
		chan->state = channel_next(chan->state, CHAN_EV_RESET);
		channel_detach(chan);
		if (chan->device->channel == chan)
			chan->device->channel = NULL;
	}
	while (bus->gpadls)
		bus_free_gpadl(bus, &bus->gpadls);
	bus->version = 0;
	bus->offers_requested = false;
}

u32 vmbus_add(struct vmbus *bus, const struct device_desc *desc)
{
	struct device *dev = calloc(1, sizeof(*dev));
	struct device **at;
	u32 number;

	if (!dev)
		return 0;
	dev->desc = *desc;
	pthread_mutex_lock(&bus->lock);
	number = dev->number = ++bus->ndevices;
	for (at = &bus->devices; *at; at = &(*at)->next)
		;
	*at = dev;
	pthread_mutex_unlock(&bus->lock);
	return number;
}

u32 vmbus_kvp(struct vmbus *bus)
{
	return bus->kvp;
}

void vmbus_offer(struct vmbus *bus, u32 device)
{
	struct device *dev;

	pthread_mutex_lock(&bus->lock);
	dev = bus_find_device(bus, device);
	if (dev) {
		dev->present = true;
		bus_offer(bus, dev);
	}
	pthread_mutex_unlock(&bus->lock);
}

/*
 * Linux is not good at a rescind with packets under way: it frees one twice that is completed
 * while its sender learns of the rescind (hv_ringbuffer_write() reports -ENODEV for what it has
 * written), and waits for ever for one whose completion comes after it (vmbus_chan_sched() looks
 * at no channel that is rescinded). So have it stop sending first, as a switch that pulls the
 * cable, and wait until it has heard that and is quiet; though not for long.
 */
static void settle(struct vmbus *bus, u32 device)
{
	u64 start = clock_ns(), now = start;
	struct device *dev;
	bool busy;

	pthread_mutex_lock(&bus->lock);
	dev = bus_find_device(bus, device);
	busy = dev && dev->ops && dev->channel && dev->channel->state == CHAN_OPEN &&
	       dev->ops->quiesce(bus, dev->channel);
	pthread_mutex_unlock(&bus->lock);
	while (busy && now < start + SETTLE_MAX_NS) {
		usleep(5000);	/* sleep: it polls, with a time limit */
		now = clock_ns();
		pthread_mutex_lock(&bus->lock);
		busy = dev->channel && (dev->channel->arrived < start ||
					now < dev->channel->arrived + SETTLE_NS);
		pthread_mutex_unlock(&bus->lock);
	}
}

bool vmbus_rescind(struct vmbus *bus, u32 device, bool again)
{
	struct device *dev;
	bool done = false;

	settle(bus, device);
	pthread_mutex_lock(&bus->lock);
	dev = bus_find_device(bus, device);
	if (dev) {
		done = bus_rescind(bus, dev, again ? dev->desc.when : REOFFER_NEVER,
			       dev->desc.delay_us);
		if (!again)
			dev->present = false;
	}
	pthread_mutex_unlock(&bus->lock);
	return done;
}

void vmbus_policy(struct vmbus *bus, u32 device, enum reoffer when, u32 delay_us,
		  bool rescind_on_close)
{
	struct device *dev;

	pthread_mutex_lock(&bus->lock);
	dev = bus_find_device(bus, device);
	if (dev) {
		dev->desc.when = when;
		dev->desc.delay_us = delay_us;
		dev->desc.rescind_on_close = rescind_on_close;
	}
	pthread_mutex_unlock(&bus->lock);
}
