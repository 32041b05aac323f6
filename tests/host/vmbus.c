// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMBus, host side: contact, offers, GPADLs, channels.
 *
 * Functions with no lock in their name run with bus->lock held; the exported
 * ones and the two SynIC callbacks take it. The timer thread carries out what
 * was put off: late re-offers and plans with a delay.
 */
#include "vmbus.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gpadl.h"
#include "synic.h"
#include "vm.h"
#include "vmbus_host.h"
#include "vmbus_msg.h"

#define RELID_MAX	2047u	/* the largest event flag */
#define EVENTS_MAX	100000u
#define GPADLS_MAX	256u
#define CHANNELS_MAX	20000u	/* offers of one run, so that a guest cannot eat memory */
#define PLANS_MAX	64u
#define TIMERS_MAX	256u
#define V5_0		VMBUS_VERSION(5, 0)

#define STATUS_OK	0u
#define STATUS_FAILED	0xc0000001u	/* for opens and GPADLs that cannot be */

struct timer {
	u64 due;
	u32 device;
	enum bus_action action;
};

struct vmbus {
	pthread_mutex_t lock;
	pthread_cond_t cond;	/* anything happened; CLOCK_MONOTONIC */
	pthread_t timer_thread;
	bool quit;

	struct vm *vm;
	struct vmbus_config cfg;
	u32 kvp;

	u32 version;		/* 0 while there is no contact */
	u32 message_vp;
	u32 message_sint;
	bool offers_requested;

	struct device *devices;
	u32 ndevices;
	struct channel *channels;
	u32 nchannels;
	u32 last_relid;
	struct gpadl *gpadls;
	u32 ngpadls;

	struct bus_plan plans[PLANS_MAX];
	u32 nplans;
	struct timer timers[TIMERS_MAX];
	u32 ntimers;

	struct bus_event *events;
	u32 nevents;
	u32 events_room;
	u64 activity;
};

static const struct {
	u32 version;
	const char *text;
} versions[] = {
	{ VMBUS_VERSION(4, 0), "4.0" }, { VMBUS_VERSION(4, 1), "4.1" },
	{ VMBUS_VERSION(5, 0), "5.0" }, { VMBUS_VERSION(5, 1), "5.1" },
	{ VMBUS_VERSION(5, 2), "5.2" }, { VMBUS_VERSION(5, 3), "5.3" },
};

u32 vmbus_parse_version(const char *text)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(versions); i++)
		if (!strcmp(text, versions[i].text))
			return versions[i].version;
	return 0;
}

static bool version_known(u32 version)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(versions); i++)
		if (version == versions[i].version)
			return true;
	return false;
}

/* ---- events ---- */

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
	};

	return (unsigned int)kind < ARRAY_SIZE(names) ? names[kind] : NULL;
}

static void activity(struct vmbus *bus)
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
	case BUS_NOTE:
		out_event(bus->cfg.out, "note", "s:s", "text", e->text);
		break;
	default:
		break;
	}
}

static void event(struct vmbus *bus, enum bus_event_kind kind, const struct channel *chan,
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
	activity(bus);
}

static void note(struct vmbus *bus, const struct channel *chan, const char *text)
{
	event(bus, BUS_NOTE, chan, 0, text);
}

/* ---- messages to the guest ---- */

static void send_message(struct vmbus *bus, void *message, u32 len)
{
	struct msg_header *h = message;
	int err;

	trace(bus->cfg.trace, "vmbus", "-> %s, %u bytes", vmbus_msg_info(h->type)->name, len);
	err = synic_send(bus->vm, bus->message_vp, bus->message_sint, VMBUS_MESSAGE_TYPE, message,
			 len);
	if (err)
		note(bus, NULL, "the SynIC did not take a message to the guest");
}

static void send_relid(struct vmbus *bus, enum vmbus_msg type, u32 relid)
{
	struct msg_relid m = { .h.type = type, .relid = relid };

	send_message(bus, &m, sizeof(m));
}

/* ---- look-ups ---- */

static struct device *find_device(struct vmbus *bus, u32 number)
{
	struct device *dev;

	for (dev = bus->devices; dev; dev = dev->next)
		if (dev->number == number)
			return dev;
	return NULL;
}

static struct channel *find_channel(struct vmbus *bus, u32 number)
{
	struct channel *chan;

	for (chan = bus->channels; chan; chan = chan->next)
		if (chan->number == number)
			return chan;
	return NULL;
}

/* The channel that holds an id now; ids of released channels are used again. */
static struct channel *find_relid(struct vmbus *bus, u32 relid)
{
	struct channel *chan;

	for (chan = bus->channels; chan; chan = chan->next)
		if (chan->relid == relid && chan->state != CHAN_RELEASED)
			return chan;
	return NULL;
}

static struct gpadl **find_gpadl(struct vmbus *bus, u32 id)
{
	struct gpadl **at;

	for (at = &bus->gpadls; *at; at = &(*at)->next)
		if ((*at)->id == id)
			return at;
	return NULL;
}

static void free_gpadl(struct vmbus *bus, struct gpadl **at)
{
	struct gpadl *gpadl = *at;

	*at = gpadl->next;
	bus->ngpadls--;
	free(gpadl);
}

static void free_gpadls_of(struct vmbus *bus, u32 relid)
{
	struct gpadl **at = &bus->gpadls;

	while (*at) {
		if ((*at)->relid == relid)
			free_gpadl(bus, at);
		else
			at = &(*at)->next;
	}
}

/* ---- timers and plans ---- */

static void put_off(struct vmbus *bus, u32 device, enum bus_action action, u32 us)
{
	struct timer *t;

	if (bus->ntimers == TIMERS_MAX) {
		note(bus, NULL, "too many delayed actions: one is lost");
		return;
	}
	t = &bus->timers[bus->ntimers++];
	t->due = clock_ns() + us * 1000ull;
	t->device = device;
	t->action = action;
	pthread_cond_broadcast(&bus->cond);
}

/* The next plan for this event, taken off the list. */
static bool take_plan(struct vmbus *bus, u32 device, enum bus_event_kind at,
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

static void act(struct vmbus *bus, struct device *dev, enum bus_action action);

static void carry_out(struct vmbus *bus, const struct bus_plan *plan)
{
	struct device *dev = find_device(bus, plan->device);

	if (!dev)
		return;
	if (plan->after_us)
		put_off(bus, plan->device, plan->action, plan->after_us);
	else
		act(bus, dev, plan->action);
}

static void run_plans(struct vmbus *bus, u32 device, enum bus_event_kind at)
{
	struct bus_plan plan;

	if (take_plan(bus, device, at, &plan))
		carry_out(bus, &plan);
}

/* ---- offers ---- */

static u32 new_relid(struct vmbus *bus)
{
	u32 tries;

	for (tries = 0; tries < RELID_MAX; tries++) {
		bus->last_relid = bus->last_relid % RELID_MAX + 1;
		if (!find_relid(bus, bus->last_relid))
			return bus->last_relid;
	}
	return 0;
}

static void offer(struct vmbus *bus, struct device *dev)
{
	const struct device_desc *desc = &dev->desc;
	struct msg_offer m = { .h.type = MSG_OFFER };
	struct channel *chan;
	u32 relid;

	if (!dev->present || dev->channel || !bus->offers_requested)
		return;
	relid = new_relid(bus);
	chan = bus->nchannels < CHANNELS_MAX ? calloc(1, sizeof(*chan)) : NULL;
	if (!relid || !chan) {
		free(chan);
		note(bus, NULL, "no channel left for an offer");
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
	send_message(bus, &m, sizeof(m));
	event(bus, BUS_OFFER, chan, 0, NULL);
	run_plans(bus, dev->number, BUS_OFFER);
}

static void come_back(struct vmbus *bus, struct device *dev, u32 delay_us)
{
	if (delay_us)
		put_off(bus, dev->number, BUS_DO_OFFER, delay_us);
	else
		offer(bus, dev);
}

static bool rescind(struct vmbus *bus, struct device *dev, enum reoffer when, u32 delay_us)
{
	struct channel *chan = dev->channel;

	if (!chan)
		return false;
	chan->state = channel_next(chan->state, CHAN_EV_RESCIND);
	channel_detach(chan);
	dev->channel = NULL;
	dev->present = when != REOFFER_NEVER;
	send_relid(bus, MSG_RESCIND, chan->relid);
	event(bus, BUS_RESCIND, chan, 0, NULL);
	if (when == REOFFER_AT_ONCE)
		come_back(bus, dev, delay_us);
	return true;
}

static void act(struct vmbus *bus, struct device *dev, enum bus_action action)
{
	switch (action) {
	case BUS_DO_RESCIND:
		rescind(bus, dev, dev->desc.when, dev->desc.delay_us);
		break;
	case BUS_DO_RESCIND_REOFFER:
		rescind(bus, dev, REOFFER_AT_ONCE, 0);
		break;
	case BUS_DO_OFFER:
		offer(bus, dev);
		break;
	case BUS_DO_REFUSE:
	case BUS_DO_SILENCE:
		break;
	}
}

/* Everything that the guest had goes; devices stay and wait for the next contact. */
static void reset(struct vmbus *bus)
{
	struct channel *chan;

	for (chan = bus->channels; chan; chan = chan->next) {
		chan->state = channel_next(chan->state, CHAN_EV_RESET);
		channel_detach(chan);
		if (chan->device->channel == chan)
			chan->device->channel = NULL;
	}
	while (bus->gpadls)
		free_gpadl(bus, &bus->gpadls);
	bus->version = 0;
	bus->offers_requested = false;
}

/* ---- messages from the guest, one function each ---- */

static u16 on_contact(struct vmbus *bus, u32 connection, const struct msg_contact *m)
{
	struct msg_version reply = { .h.type = MSG_VERSION };
	u32 cap = bus->cfg.max_version;
	struct device *dev;

	/* A host from before 5.0 has no port with the new number. */
	if (connection == VMBUS_CONN_MESSAGE_5 && cap < V5_0)
		return HV_STATUS_INVALID_CONNECTION_ID;
	reset(bus);
	bus->message_vp = m->target_vp < vm_cpus(bus->vm) ? m->target_vp : 0;
	bus->message_sint = VMBUS_SINT;
	if (m->version >= V5_0 && m->sint && m->sint < SYNIC_SINTS)
		bus->message_sint = m->sint;
	if (version_known(m->version) && m->version <= cap) {
		bus->version = m->version;
		reply.supported = 1;
		if (m->version >= V5_0)
			reply.connection = VMBUS_CONN_MESSAGE_5;
	}
	trace(bus->cfg.trace, "vmbus", "   version %u.%u: %s", m->version >> 16,
	      m->version & 0xffff, reply.supported ? "taken" : "refused");
	send_message(bus, &reply, sizeof(reply));
	event(bus, BUS_CONTACT, NULL, bus->version, NULL);
	for (dev = bus->devices; dev && bus->version; dev = dev->next)
		run_plans(bus, dev->number, BUS_CONTACT);
	return HV_STATUS_SUCCESS;
}

static void on_request_offers(struct vmbus *bus)
{
	struct msg_header done = { .type = MSG_ALL_OFFERS };
	struct device *dev;

	if (bus->offers_requested) {
		note(bus, NULL, "the guest asked for the offers twice");
		return;
	}
	bus->offers_requested = true;
	event(bus, BUS_REQUEST_OFFERS, NULL, 0, NULL);
	for (dev = bus->devices; dev; dev = dev->next)
		offer(bus, dev);
	send_message(bus, &done, sizeof(done));
}

static void gpadl_created(struct vmbus *bus, u32 relid, u32 id, const char *why)
{
	struct msg_gpadl_created m = {
		.h.type = MSG_GPADL_CREATED,
		.relid = relid,
		.gpadl = id,
		.status = why ? STATUS_FAILED : STATUS_OK,
	};
	struct channel *chan = find_relid(bus, relid);

	if (why)
		note(bus, chan, why);
	send_message(bus, &m, sizeof(m));
	event(bus, BUS_GPADL, chan, m.status, NULL);
	if (chan && !why)
		run_plans(bus, chan->device->number, BUS_GPADL);
}

static void on_gpadl_header(struct vmbus *bus, const struct msg_gpadl_header *m, u32 len)
{
	struct gpadl *gpadl;
	const char *why;

	if (find_gpadl(bus, m->gpadl)) {
		gpadl_created(bus, m->relid, m->gpadl, "a GPADL with this number exists");
		return;
	}
	if (!find_relid(bus, m->relid)) {
		gpadl_created(bus, m->relid, m->gpadl, "a GPADL for a channel that does not exist");
		return;
	}
	if (bus->ngpadls == GPADLS_MAX) {
		gpadl_created(bus, m->relid, m->gpadl, "too many GPADLs");
		return;
	}
	gpadl = gpadl_new(m, len, &why);
	if (!gpadl) {
		gpadl_created(bus, m->relid, m->gpadl, why);
		return;
	}
	gpadl->next = bus->gpadls;
	bus->gpadls = gpadl;
	bus->ngpadls++;
	if (gpadl_complete(gpadl))
		gpadl_created(bus, gpadl->relid, gpadl->id, NULL);
}

static void on_gpadl_body(struct vmbus *bus, const struct msg_gpadl_body *m, u32 len)
{
	struct gpadl **at = find_gpadl(bus, m->gpadl);
	const char *why;

	if (!at) {
		note(bus, NULL, "GpadlBody for a list that does not exist");
		return;
	}
	why = gpadl_add(*at, m, len);
	if (why)
		note(bus, NULL, why);
	else if (gpadl_complete(*at))
		gpadl_created(bus, (*at)->relid, (*at)->id, NULL);
}

static void on_gpadl_teardown(struct vmbus *bus, const struct msg_gpadl_teardown *m)
{
	struct msg_gpadl_torndown reply = { .h.type = MSG_GPADL_TORNDOWN, .gpadl = m->gpadl };
	struct gpadl **at = find_gpadl(bus, m->gpadl);
	struct channel *chan = find_relid(bus, m->relid);

	if (!at) {
		note(bus, chan, "teardown of a GPADL that does not exist");
	} else {
		if (chan && chan->pages && chan->open_gpadl == m->gpadl) {
			note(bus, chan, "the guest tears down the rings of an open channel");
			channel_detach(chan);
		}
		free_gpadl(bus, at);
	}
	send_message(bus, &reply, sizeof(reply));
	event(bus, BUS_TEARDOWN, chan, 0, NULL);
}

static void open_result(struct vmbus *bus, const struct msg_open *m, u32 status)
{
	struct msg_open_result reply = {
		.h.type = MSG_OPEN_RESULT,
		.relid = m->relid,
		.open_id = m->open_id,
		.status = status,
	};

	send_message(bus, &reply, sizeof(reply));
}

/* Give the channel its rings. Returns NULL or what is wrong. */
static const char *open_rings(struct vmbus *bus, struct channel *chan, const struct msg_open *m)
{
	struct gpadl **at = find_gpadl(bus, m->gpadl);
	const char *why;
	u8 **pages;

	if (!at || !gpadl_complete(*at) || (*at)->relid != m->relid)
		return "open with a GPADL that is not the channel's";
	if ((*at)->offset || (*at)->bytes % PAGE_SIZE_4K)
		return "the GPADL of the rings is not made of whole pages";
	pages = gpadl_map(*at, bus->vm);
	if (!pages)
		return "the GPADL of the rings has a page that is no RAM";
	why = channel_attach(chan, pages, (*at)->npages, m->downstream_page);
	if (why)
		free(pages);
	return why;
}

static void on_open(struct vmbus *bus, const struct msg_open *m)
{
	struct channel *chan = find_relid(bus, m->relid);
	enum chan_state state;
	struct bus_plan plan;
	const char *why;
	bool planned;

	state = chan ? channel_next(chan->state, CHAN_EV_OPEN) : CHAN_REFUSED;
	if (state == CHAN_REFUSED) {
		/* A rescind on its way makes this normal. */
		if (!chan || chan->state != CHAN_RESCINDED)
			note(bus, chan, "open of a channel that cannot be opened");
		open_result(bus, m, STATUS_FAILED);
		return;
	}
	planned = take_plan(bus, chan->device->number, BUS_OPEN, &plan);
	if (planned && plan.action == BUS_DO_SILENCE) {
		note(bus, chan, "open left unanswered, as the script wants");
		return;
	}
	if (planned && plan.action == BUS_DO_REFUSE) {
		open_result(bus, m, plan.status);
		event(bus, BUS_OPEN, chan, plan.status, NULL);
		return;
	}
	why = open_rings(bus, chan, m);
	if (why) {
		note(bus, chan, why);
		open_result(bus, m, STATUS_FAILED);
		event(bus, BUS_OPEN, chan, STATUS_FAILED, NULL);
		return;
	}
	chan->state = state;
	chan->open_id = m->open_id;
	chan->open_gpadl = m->gpadl;
	chan->target_vp = m->target_vp < vm_cpus(bus->vm) ? m->target_vp : 0;
	chan->received = 0;
	/* Told first, so that nothing slow comes between the result and a rescind. */
	event(bus, BUS_OPEN, chan, STATUS_OK, NULL);
	if (planned && plan.before)
		carry_out(bus, &plan);
	open_result(bus, m, STATUS_OK);
	if (planned && !plan.before)
		carry_out(bus, &plan);
}

static void on_close(struct vmbus *bus, const struct msg_relid *m)
{
	struct channel *chan = find_relid(bus, m->relid);
	enum chan_state state = chan ? channel_next(chan->state, CHAN_EV_CLOSE) : CHAN_REFUSED;
	struct device *dev;

	if (state == CHAN_REFUSED) {
		note(bus, chan, "close of a channel that is not open");
		return;
	}
	dev = chan->device;
	/* What the guest wrote before the close was written in time. */
	channel_drain(chan);
	chan->state = state;
	channel_detach(chan);
	event(bus, BUS_CLOSE, chan, 0, NULL);
	if (state == CHAN_RESCINDED)
		return;
	run_plans(bus, dev->number, BUS_CLOSE);
	if (dev->channel == chan && dev->desc.rescind_on_close)
		rescind(bus, dev, dev->desc.when, dev->desc.delay_us);
}

static void on_released(struct vmbus *bus, const struct msg_relid *m)
{
	struct channel *chan = find_relid(bus, m->relid);
	enum chan_state state = chan ? channel_next(chan->state, CHAN_EV_RELEASE) : CHAN_REFUSED;

	if (state == CHAN_REFUSED) {
		note(bus, chan, "release of a channel id that was not rescinded");
		return;
	}
	chan->state = state;
	free_gpadls_of(bus, chan->relid);
	event(bus, BUS_RELEASE, chan, 0, NULL);
	if (chan->device->present && !chan->device->channel)
		come_back(bus, chan->device, chan->device->desc.delay_us);
}

static void on_modify(struct vmbus *bus, const struct msg_modify *m)
{
	struct msg_modified reply = { .h.type = MSG_MODIFIED, .relid = m->relid };
	struct channel *chan = find_relid(bus, m->relid);

	if (!chan || chan->state != CHAN_OPEN || m->target_vp >= vm_cpus(bus->vm)) {
		note(bus, chan, "ModifyChannel of a channel that is not open, or to no processor");
		reply.status = STATUS_FAILED;
	} else {
		chan->target_vp = m->target_vp;
	}
	/* Answered from 5.3 on. */
	if (bus->version >= VMBUS_VERSION(5, 3))
		send_message(bus, &reply, sizeof(reply));
	event(bus, BUS_MODIFY, chan, m->target_vp, NULL);
	if (chan)
		run_plans(bus, chan->device->number, BUS_MODIFY);
}

static void on_unload(struct vmbus *bus)
{
	struct msg_header done = { .type = MSG_UNLOADED };

	reset(bus);
	event(bus, BUS_UNLOAD, NULL, 0, NULL);
	send_message(bus, &done, sizeof(done));
}

static u16 dispatch(struct vmbus *bus, u32 connection, const void *payload, u32 len)
{
	const struct msg_header *h = payload;
	const char *why = vmbus_msg_check(payload, len, bus->version);

	if (why) {
		trace_bytes(bus->cfg.trace, "vmbus", "<- ignored", payload, len);
		/* Linux releases its ids after it has said goodbye. */
		if (bus->version || len < sizeof(*h) || h->type != MSG_RELID_RELEASED)
			note(bus, NULL, why);
		return HV_STATUS_SUCCESS;
	}
	trace(bus->cfg.trace, "vmbus", "<- %s, %u bytes on connection %u",
	      vmbus_msg_info(h->type)->name, len, connection);
	switch (h->type) {
	case MSG_CONTACT:
		return on_contact(bus, connection, payload);
	case MSG_REQUEST_OFFERS:
		on_request_offers(bus);
		break;
	case MSG_GPADL_HEADER:
		on_gpadl_header(bus, payload, len);
		break;
	case MSG_GPADL_BODY:
		on_gpadl_body(bus, payload, len);
		break;
	case MSG_GPADL_TEARDOWN:
		on_gpadl_teardown(bus, payload);
		break;
	case MSG_OPEN:
		on_open(bus, payload);
		break;
	case MSG_CLOSE:
		on_close(bus, payload);
		break;
	case MSG_RELID_RELEASED:
		on_released(bus, payload);
		break;
	case MSG_MODIFY:
		on_modify(bus, payload);
		break;
	case MSG_UNLOAD:
		on_unload(bus);
		break;
	}
	return HV_STATUS_SUCCESS;
}

/* ---- SynIC callbacks, on a vCPU's thread ---- */

static u16 post_message(void *ctx, u32 connection, u32 type, const void *payload, u32 len)
{
	struct vmbus *bus = ctx;
	u64 copy[VMBUS_MESSAGE_MAX / 8] = { 0 };
	u16 status;

	if (connection != VMBUS_CONN_MESSAGE && connection != VMBUS_CONN_MESSAGE_5)
		return HV_STATUS_INVALID_CONNECTION_ID;
	if (type != VMBUS_MESSAGE_TYPE || len > sizeof(copy))
		return HV_STATUS_INVALID_PARAMETER;
	memcpy(copy, payload, len);
	pthread_mutex_lock(&bus->lock);
	status = dispatch(bus, connection, copy, len);
	pthread_mutex_unlock(&bus->lock);
	return status;
}

static void interrupt(struct vmbus *bus, struct channel *chan)
{
	chan->interrupts++;
	if (synic_set_flag(bus->vm, chan->target_vp, VMBUS_SINT, chan->relid))
		note(bus, chan, "the SynIC did not take an event to the guest");
}

static void drain(struct vmbus *bus, struct channel *chan)
{
	u64 before = chan->received;
	bool was_broken = chan->broken;

	if (channel_drain(chan))
		interrupt(bus, chan);
	if (chan->received != before)
		trace(bus->cfg.trace, "ring", "<- channel %u: %llu packets", chan->relid,
		      (unsigned long long)(chan->received - before));
	if (chan->broken && !was_broken)
		note(bus, chan, chan->broken);
	if (!before && chan->received) {
		event(bus, BUS_FIRST_PACKET, chan, 0, NULL);
		run_plans(bus, chan->device->number, BUS_FIRST_PACKET);
	}
}

static u16 signal_event(void *ctx, u32 connection, u16 flag)
{
	struct vmbus *bus = ctx;
	u16 status = HV_STATUS_INVALID_CONNECTION_ID;
	struct channel *chan;

	pthread_mutex_lock(&bus->lock);
	if (connection == VMBUS_CONN_EVENT)
		status = HV_STATUS_SUCCESS;
	for (chan = bus->channels; chan; chan = chan->next) {
		if (!chan->pages)
			continue;
		if (connection != VMBUS_CONN_EVENT && (connection != chan->connection || flag))
			continue;
		status = HV_STATUS_SUCCESS;
		chan->signals++;
		drain(bus, chan);
		activity(bus);
	}
	pthread_mutex_unlock(&bus->lock);
	return status;
}

static const struct synic_ops synic_ops = {
	.post_message = post_message,
	.signal_event = signal_event,
};

/* ---- the timer thread ---- */

static struct timespec to_timespec(u64 ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};

	return ts;
}

static void *timer_main(void *arg)
{
	struct vmbus *bus = arg;

	pthread_mutex_lock(&bus->lock);
	while (!bus->quit) {
		u64 now = clock_ns(), first = ~0ull;
		struct timer due = { 0 };
		struct timespec ts;
		struct device *dev;
		u32 i;

		for (i = 0; i < bus->ntimers; i++)
			if (bus->timers[i].due < first)
				first = bus->timers[i].due;
		if (first > now) {
			if (first == ~0ull) {
				pthread_cond_wait(&bus->cond, &bus->lock);
			} else {
				ts = to_timespec(first);
				pthread_cond_timedwait(&bus->cond, &bus->lock, &ts);
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
		dev = find_device(bus, due.device);
		if (dev)
			act(bus, dev, due.action);
	}
	pthread_mutex_unlock(&bus->lock);
	return NULL;
}

/* ---- life ---- */

static const struct device_desc kvp_desc = {
	.name = "kvp",
	/* {a9a0f4e7-5a45-4d96-b827-8a841e8c03e6} */
	.class_id = { 0xe7, 0xf4, 0xa0, 0xa9, 0x45, 0x5a, 0x96, 0x4d,
		      0xb8, 0x27, 0x8a, 0x84, 0x1e, 0x8c, 0x03, 0xe6 },
	/* {242ff919-07db-4180-9c2e-b86cb68c8c55} */
	.instance_id = { 0x19, 0xf9, 0x2f, 0x24, 0xdb, 0x07, 0x80, 0x41,
			 0x9c, 0x2e, 0xb8, 0x6c, 0xb6, 0x8c, 0x8c, 0x55 },
	.flags = 0x0011,
	.user = { 4 },		/* a pipe in message mode */
	.monitor = 0xff,
	.when = REOFFER_RELEASED,
	.rescind_on_close = true,
};

struct vmbus *vmbus_new(struct vm *vm, const struct vmbus_config *cfg)
{
	struct vmbus *bus = calloc(1, sizeof(*bus));
	pthread_condattr_t attr;

	if (!bus)
		return NULL;
	bus->vm = vm;
	bus->cfg = *cfg;
	if (!bus->cfg.max_version)
		bus->cfg.max_version = VMBUS_VERSION(5, 3);
	bus->message_sint = VMBUS_SINT;
	pthread_mutex_init(&bus->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&bus->cond, &attr);
	pthread_condattr_destroy(&attr);
	if (!cfg->no_kvp) {
		bus->kvp = vmbus_add(bus, &kvp_desc);
		vmbus_offer(bus, bus->kvp);
	}
	if ((!cfg->no_kvp && !bus->kvp) ||
	    pthread_create(&bus->timer_thread, NULL, timer_main, bus)) {
		free(bus->devices);
		free(bus);
		return NULL;
	}
	synic_attach(vm, &synic_ops, bus);
	return bus;
}

void vmbus_free(struct vmbus *bus)
{
	if (!bus)
		return;
	pthread_mutex_lock(&bus->lock);
	bus->quit = true;
	pthread_cond_broadcast(&bus->cond);
	pthread_mutex_unlock(&bus->lock);
	pthread_join(bus->timer_thread, NULL);

	while (bus->channels) {
		struct channel *chan = bus->channels;

		bus->channels = chan->next;
		channel_free(chan);
	}
	while (bus->devices) {
		struct device *dev = bus->devices;

		bus->devices = dev->next;
		free(dev);
	}
	while (bus->gpadls)
		free_gpadl(bus, &bus->gpadls);
	free(bus->events);
	pthread_cond_destroy(&bus->cond);
	pthread_mutex_destroy(&bus->lock);
	free(bus);
}

/* ---- the script's side ---- */

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
	dev = find_device(bus, device);
	if (dev) {
		dev->present = true;
		offer(bus, dev);
	}
	pthread_mutex_unlock(&bus->lock);
}

bool vmbus_rescind(struct vmbus *bus, u32 device, bool again)
{
	struct device *dev;
	bool done = false;

	pthread_mutex_lock(&bus->lock);
	dev = find_device(bus, device);
	if (dev) {
		done = rescind(bus, dev, again ? dev->desc.when : REOFFER_NEVER,
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
	dev = find_device(bus, device);
	if (dev) {
		dev->desc.when = when;
		dev->desc.delay_us = delay_us;
		dev->desc.rescind_on_close = rescind_on_close;
	}
	pthread_mutex_unlock(&bus->lock);
}

bool vmbus_arm(struct vmbus *bus, const struct bus_plan *plan)
{
	bool room;

	pthread_mutex_lock(&bus->lock);
	room = bus->nplans < PLANS_MAX;
	if (room)
		bus->plans[bus->nplans++] = *plan;
	pthread_mutex_unlock(&bus->lock);
	return room;
}

u32 vmbus_version(struct vmbus *bus)
{
	u32 version;

	pthread_mutex_lock(&bus->lock);
	version = bus->version;
	pthread_mutex_unlock(&bus->lock);
	return version;
}

u32 vmbus_open_channel(struct vmbus *bus, u32 device)
{
	struct device *dev;
	u32 number = 0;

	pthread_mutex_lock(&bus->lock);
	dev = find_device(bus, device);
	if (dev && dev->channel && dev->channel->state == CHAN_OPEN)
		number = dev->channel->number;
	pthread_mutex_unlock(&bus->lock);
	return number;
}

bool vmbus_channel(struct vmbus *bus, u32 channel, struct channel *copy)
{
	struct channel *chan;

	pthread_mutex_lock(&bus->lock);
	chan = find_channel(bus, channel);
	if (chan)
		*copy = *chan;
	pthread_mutex_unlock(&bus->lock);
	return chan;
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
	struct timespec ts = to_timespec(deadline);
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
	activity(bus);
	pthread_mutex_unlock(&bus->lock);
}

enum bus_send_result vmbus_send(struct vmbus *bus, u32 channel, struct ring_packet *packet,
				const void *payload, u32 len, enum bus_signal how, u64 *stamp,
				const char **why)
{
	enum bus_send_result result = BUS_SEND_CLOSED;
	struct channel *chan;
	bool due = false;

	*why = "the channel is not open";
	pthread_mutex_lock(&bus->lock);
	chan = find_channel(bus, channel);
	if (chan && chan->pages) {
		switch (ring_write(&chan->out, packet, payload, len, &due, stamp, why)) {
		case RING_OK:
			result = BUS_SENT;
			chan->sent++;
			if (how == BUS_SIGNAL_ALWAYS || (how == BUS_SIGNAL_AUTO && due))
				interrupt(bus, chan);
			trace(bus->cfg.trace, "ring", "-> channel %u: %u bytes%s", chan->relid, len,
			      due ? "" : ", no interrupt due");
			break;
		case RING_FULL:
			/* Ask the guest to tell when this one fits. */
			ring_put(&chan->out, RING_PENDING, len + RING_HEADER + RING_TRAILER + 8);
			*why = "the ring is full";
			result = BUS_SEND_FULL;
			break;
		default:
			result = BUS_SEND_CORRUPT;
			break;
		}
		if (result == BUS_SENT)
			ring_put(&chan->out, RING_PENDING, 0);
	}
	pthread_mutex_unlock(&bus->lock);
	return result;
}

struct packet *vmbus_recv(struct vmbus *bus, u32 channel)
{
	struct packet *packet;
	struct channel *chan;

	pthread_mutex_lock(&bus->lock);
	chan = find_channel(bus, channel);
	packet = chan ? channel_take(chan) : NULL;
	pthread_mutex_unlock(&bus->lock);
	return packet;
}

u32 vmbus_unsignalled(struct vmbus *bus, u32 channel)
{
	struct channel *chan;
	u64 before = 0, after = 0;

	pthread_mutex_lock(&bus->lock);
	chan = find_channel(bus, channel);
	if (chan) {
		before = chan->received;
		drain(bus, chan);
		after = chan->received;
	}
	pthread_mutex_unlock(&bus->lock);
	return (u32)(after - before);
}

void vmbus_hold(struct vmbus *bus, u32 channel, bool hold)
{
	struct channel *chan;

	pthread_mutex_lock(&bus->lock);
	chan = find_channel(bus, channel);
	if (chan) {
		chan->hold = hold;
		drain(bus, chan);
		activity(bus);
	}
	pthread_mutex_unlock(&bus->lock);
}

bool vmbus_signal(struct vmbus *bus, u32 channel)
{
	struct channel *chan;
	bool open;

	pthread_mutex_lock(&bus->lock);
	chan = find_channel(bus, channel);
	open = chan && chan->pages;
	if (open)
		interrupt(bus, chan);
	pthread_mutex_unlock(&bus->lock);
	return open;
}

bool vmbus_ring(struct vmbus *bus, u32 channel, bool to_guest,
		void (*fn)(struct ring *ring, void *arg), void *arg)
{
	struct channel *chan;
	bool open;

	pthread_mutex_lock(&bus->lock);
	chan = find_channel(bus, channel);
	open = chan && chan->pages;
	if (open)
		fn(to_guest ? &chan->out : &chan->in, arg);
	pthread_mutex_unlock(&bus->lock);
	return open;
}
