// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the bus does later: plans that wait for an event, timers that wait for a
 * time, and the thread that carries these out.
 */
#include <string.h>

#include "util/clock.h"
#include "vmbus/bus_priv.h"

void bus_put_off(struct vmbus *bus, u32 device, enum bus_action action, u32 us)
{
	struct bus_timer *t;

	if (bus->ntimers == BUS_TIMERS_MAX) {
		bus_note(bus, NULL, "too many delayed actions: one is lost");
		return;
	}
	t = &bus->timers[bus->ntimers++];
	t->due = clock_ns() + us * 1000ull;
	t->device = device;
	t->action = action;
	pthread_cond_signal(&bus->timer_cond);
}

/* The next plan for this event, taken off the list. */
bool bus_take_plan(struct vmbus *bus, u32 device, enum bus_event_kind at,
		      struct bus_plan *plan)
{
	u32 i;

	for (i = 0; i < bus->nplans; i++) {
		if (bus->plans[i].device != device || bus->plans[i].at != at)
			continue;
		*plan = bus->plans[i];
		bus->nplans--;
		memmove(&bus->plans[i], &bus->plans[i + 1],
			(bus->nplans - i) * sizeof(bus->plans[0]));
		return true;
	}
	return false;
}

void bus_carry_out(struct vmbus *bus, const struct bus_plan *plan)
{
	struct device *dev = bus_find_device(bus, plan->device);

	if (!dev)
		return;
	if (plan->after_us)
		bus_put_off(bus, plan->device, plan->action, plan->after_us);
	else
		bus_act(bus, dev, plan->action);
}

void bus_run_plans(struct vmbus *bus, u32 device, enum bus_event_kind at)
{
	struct bus_plan plan;

	if (bus_take_plan(bus, device, at, &plan))
		bus_carry_out(bus, &plan);
}

bool vmbus_arm(struct vmbus *bus, const struct bus_plan *plan)
{
	bool room;

	pthread_mutex_lock(&bus->lock);
	room = bus->nplans < BUS_PLANS_MAX;
	if (room)
		bus->plans[bus->nplans++] = *plan;
	pthread_mutex_unlock(&bus->lock);
	return room;
}

void *bus_timer_main(void *arg)
{
	struct vmbus *bus = arg;

	pthread_mutex_lock(&bus->lock);
	while (!bus->quit) {
		u64 now = clock_ns(), first = ~0ull;
		struct bus_timer due = { 0 };
		struct timespec ts;
		struct device *dev;
		u32 i;

		for (i = 0; i < bus->ntimers; i++)
			if (bus->timers[i].due < first)
				first = bus->timers[i].due;
		if (first > now) {
			if (first == ~0ull) {
				pthread_cond_wait(&bus->timer_cond, &bus->lock);
			} else {
				ts = bus_timespec(first);
				pthread_cond_timedwait(&bus->timer_cond, &bus->lock, &ts);
			}
			continue;
		}
		for (i = 0; i < bus->ntimers; i++) {
			if (bus->timers[i].due != first)
				continue;
			due = bus->timers[i];
			bus->timers[i] = bus->timers[--bus->ntimers];
			break;
		}
		dev = bus_find_device(bus, due.device);
		if (dev)
			bus_act(bus, dev, due.action);
	}
	pthread_mutex_unlock(&bus->lock);
	return NULL;
}
