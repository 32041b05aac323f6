// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bus events: written as JSON, kept for the script, waited for.
 */
#include <stdio.h>
#include <stdlib.h>

#include "util/clock.h"
#include "vmbus/bus_priv.h"

#define EVENTS_MAX 100000u

const char *vmbus_event_name(enum bus_event_kind kind)
{
	static const char *const names[] = {
		[BUS_CONTACT] = "contact",
		[BUS_REQUEST_OFFERS] = "request-offers",
		[BUS_OFFER] = "offer",
		[BUS_GPADL] = "gpadl",
		[BUS_TEARDOWN] = "teardown",
		[BUS_OPEN] = "open",
		[BUS_CLOSE] = "close",
		[BUS_MODIFY] = "modify",
		[BUS_RESCIND] = "rescind",
		[BUS_RELEASE] = "release",
		[BUS_UNLOAD] = "unload",
		[BUS_FIRST_PACKET] = "first-packet",
		[BUS_NOTE] = "note",
		[BUS_POWER_OFF] = "power-off",
	};

	return (unsigned int)kind < ARRAY_SIZE(names) ? names[kind] : NULL;
}

void bus_activity(struct vmbus *bus)
{
	bus->activity++;
	pthread_cond_broadcast(&bus->cond);
}

static void report(struct vmbus *bus, const struct bus_event *e, const char *device)
{
	char text[16];

	switch (e->kind) {
	case BUS_CONTACT:
		snprintf(text, sizeof(text), "%u.%u", bus->version >> 16, bus->version & 0xffff);
		if (e->value)
			out_event(bus->cfg.out, "vmbus", "s:s", "version", text);
		break;
	case BUS_OPEN:
	case BUS_MODIFY:
		out_event(bus->cfg.out, vmbus_event_name(e->kind), "s:s, s:i, s:I", "device", device,
			  "channel", (int)e->relid, e->kind == BUS_OPEN ? "status" : "vp",
			  (json_int_t)e->value);
		break;
	case BUS_OFFER:
	case BUS_CLOSE:
	case BUS_RESCIND:
	case BUS_RELEASE:
		out_event(bus->cfg.out, vmbus_event_name(e->kind), "s:s, s:i", "device", device,
			  "channel", (int)e->relid);
		break;
	case BUS_UNLOAD:
		out_event(bus->cfg.out, "unload", "");
		break;
	case BUS_POWER_OFF:
		out_event(bus->cfg.out, "power-off", "");
		break;
	case BUS_NOTE:
		out_event(bus->cfg.out, "note", "s:s", "text", e->text);
		break;
	default:
		break;
	}
}

void bus_event_add(struct vmbus *bus, enum bus_event_kind kind, const struct channel *chan,
		   u32 value, const char *text)
{
	struct bus_event e = { .kind = kind, .at = clock_ns(), .value = value, .text = text };
	const char *device = "";

	if (chan) {
		e.channel = chan->number;
		e.relid = chan->relid;
		e.device = chan->device->number;
		device = chan->device->desc.name;
	}
	trace(bus->cfg.trace, "vmbus", "* %s %s channel %u value 0x%x%s%s", vmbus_event_name(kind),
	      device, e.relid, value, text ? ": " : "", text ? text : "");
	if (bus->nevents == bus->events_room && bus->events_room < EVENTS_MAX) {
		u32 room = bus->events_room ? bus->events_room * 2 : 256;
		void *more = realloc(bus->events, room * sizeof(e));

		if (more) {
			bus->events = more;
			bus->events_room = room;
		}
	}
	if (bus->nevents < bus->events_room)
		bus->events[bus->nevents++] = e;
	report(bus, &e, device);
	bus_activity(bus);
}

void bus_note(struct vmbus *bus, const struct channel *chan, const char *text)
{
	bus_event_add(bus, BUS_NOTE, chan, 0, text);
}

struct timespec bus_timespec(u64 ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};

	return ts;
}

u32 vmbus_events(struct vmbus *bus)
{
	u32 n;

	pthread_mutex_lock(&bus->lock);
	n = bus->nevents;
	pthread_mutex_unlock(&bus->lock);
	return n;
}

bool vmbus_event(struct vmbus *bus, u32 index, struct bus_event *copy)
{
	bool known;

	pthread_mutex_lock(&bus->lock);
	known = index < bus->nevents;
	if (known)
		*copy = bus->events[index];
	pthread_mutex_unlock(&bus->lock);
	return known;
}

u64 vmbus_activity(struct vmbus *bus)
{
	u64 seen;

	pthread_mutex_lock(&bus->lock);
	seen = bus->activity;
	pthread_mutex_unlock(&bus->lock);
	return seen;
}

bool vmbus_wait(struct vmbus *bus, u64 seen, u64 deadline)
{
	struct timespec ts = bus_timespec(deadline);
	bool news;

	pthread_mutex_lock(&bus->lock);
	while (bus->activity == seen)
		if (pthread_cond_timedwait(&bus->cond, &bus->lock, &ts))
			break;
	news = bus->activity != seen;
	pthread_mutex_unlock(&bus->lock);
	return news;
}

void vmbus_kick(struct vmbus *bus)
{
	pthread_mutex_lock(&bus->lock);
	bus_activity(bus);
	pthread_mutex_unlock(&bus->lock);
}
