// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the bus does later: plans that wait for an event, timers that wait for a
 * time, and the thread that carries these out.
 */
#include <string.h>

#include "util/clock.h"
#include "vmbus/bus_priv.h"

/* Return: a new timer, or NULL when there are too many. */
static struct bus_timer *add_timer(struct vmbus *bus, u32 us)
{
	struct bus_timer *t;

	if (bus->ntimers == BUS_TIMERS_MAX) {
		bus_note(bus, NULL, "too many delayed actions: one is lost");
		return NULL;
	}
	t = &bus->timers[bus->ntimers++];
	*t = (struct bus_timer){ .due = clock_ns() + us * 1000ull };
	pthread_cond_signal(&bus->timer_cond);
	return t;
}

void bus_put_off(struct vmbus *bus, u32 device, enum bus_action action, u32 us)
{
	struct bus_timer *t = add_timer(bus, us);

	if (!t)
		return;
	t->device = device;
	t->action = action;
}

static bool is_fault(enum bus_action action)
{
	return action == BUS_DO_REFUSE || action == BUS_DO_SILENCE || action == BUS_DO_DELAY;
}

bool vmbus_can_arm(enum bus_event_kind at, enum bus_action action)
{
	switch (at) {
	case BUS_CONTACT:
	case BUS_GPADL:
	case BUS_OPEN:
	case BUS_MODIFY:
		return true;
	case BUS_OFFER:
		return action != BUS_DO_REFUSE;
	case BUS_CLOSE:
	case BUS_FIRST_PACKET:
		return !is_fault(action);
	case BUS_TEARDOWN:
	case BUS_UNLOAD:
		/* Their answers have no status, and afterwards there is nothing to rescind. */
		return action == BUS_DO_SILENCE || action == BUS_DO_DELAY;
	default:
		return false;
	}
}

/* Return: index of the oldest plan for this event, of any device for 0; or @nplans. */
static u32 find_plan(const struct vmbus *bus, u32 device, enum bus_event_kind at)
{
	u32 i;

	for (i = 0; i < bus->nplans; i++)
		if ((!device || bus->plans[i].device == device) && bus->plans[i].at == at)
			break;
	return i;
}

static void take_plan(struct vmbus *bus, u32 index, struct bus_plan *plan)
{
	*plan = bus->plans[index];
	bus->nplans--;
	memmove(&bus->plans[index], &bus->plans[index + 1],
		(bus->nplans - index) * sizeof(bus->plans[0]));
}

/* The next plan for this event, taken off the list. */
bool bus_take_plan(struct vmbus *bus, u32 device, enum bus_event_kind at,
		      struct bus_plan *plan)
{
	u32 i = find_plan(bus, device, at);

	if (i == bus->nplans)
		return false;
	take_plan(bus, i, plan);
	return true;
}

bool bus_take_fault(struct vmbus *bus, u32 device, enum bus_event_kind at, struct bus_plan *fault)
{
	u32 i = find_plan(bus, device, at);

	if (i == bus->nplans || !is_fault(bus->plans[i].action))
		return false;
	take_plan(bus, i, fault);
	return true;
}

void bus_answer(struct vmbus *bus, const struct bus_plan *fault, void *message, u32 len)
{
	struct bus_timer *t;

	if (fault && fault->action == BUS_DO_SILENCE) {
		bus_note(bus, NULL, "a message left unanswered, as the script wants");
		return;
	}
	if (!fault || !fault->after_us) {
		bus_post(bus, message, len);
		return;
	}
	t = add_timer(bus, fault->after_us);
	if (!t)
		return;
	memcpy(t->answer, message, len);
	t->len = len;
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
		if (due.len)
			bus_post(bus, due.answer, due.len);
		else if (due.action == BUS_DO_POWER_OFF)
			bus_power_off(bus);
		dev = due.len ? NULL : bus_find_device(bus, due.device);
		if (dev)
			bus_act(bus, dev, due.action);
	}
	pthread_mutex_unlock(&bus->lock);
	return NULL;
}
