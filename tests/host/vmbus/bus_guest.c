// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest posts, one function for each message.
 */
#include <stdlib.h>

#include "machine/synic.h"
#include "machine/vm.h"
#include "vmbus/bus_priv.h"

#define GPADLS_MAX	256u
#define V5_0		VMBUS_VERSION(5, 0)

#define STATUS_OK	0u
#define STATUS_FAILED	0xc0000001u	/* for opens and GPADLs that cannot be */

static u16 on_contact(struct vmbus *bus, u32 connection, const struct msg_contact *m)
{
	struct msg_version reply = { .h.type = MSG_VERSION };
	u32 cap = bus->cfg.max_version;
	struct bus_plan plan, *fault;
	struct device *dev;

	/* A host from before 5.0 has no port with the new number. */
	if (connection == VMBUS_CONN_MESSAGE_5 && cap < V5_0)
		return HV_STATUS_INVALID_CONNECTION_ID;
	fault = bus_take_fault(bus, 0, BUS_CONTACT, &plan) ? &plan : NULL;
	bus_reset(bus);
	bus->message_vp = m->target_vp < vm_cpus(bus->vm) ? m->target_vp : 0;
	bus->message_sint = VMBUS_SINT;
	if (m->version >= V5_0 && m->sint && m->sint < SYNIC_SINTS)
		bus->message_sint = m->sint;
	if (bus_version_known(m->version) && m->version <= cap &&
	    (!fault || fault->action == BUS_DO_DELAY)) {
		bus->version = m->version;
		reply.supported = 1;
		if (m->version >= V5_0)
			reply.connection = VMBUS_CONN_MESSAGE_5;
	}
	trace(bus->cfg.trace, "vmbus", "   version %u.%u: %s", m->version >> 16,
	      m->version & 0xffff, reply.supported ? "taken" : "refused");
	bus_answer(bus, fault, &reply, sizeof(reply));
	bus_event_add(bus, BUS_CONTACT, NULL, bus->version, NULL);
	for (dev = bus->devices; dev && bus->version; dev = dev->next)
		bus_run_plans(bus, dev->number, BUS_CONTACT);
	return HV_STATUS_SUCCESS;
}

static void on_request_offers(struct vmbus *bus)
{
	struct msg_header done = { .type = MSG_ALL_OFFERS };
	struct device *dev;

	if (bus->offers_requested) {
		bus_note(bus, NULL, "the guest asked for the offers twice");
		return;
	}
	bus->offers_requested = true;
	bus_event_add(bus, BUS_REQUEST_OFFERS, NULL, 0, NULL);
	for (dev = bus->devices; dev; dev = dev->next)
		bus_offer(bus, dev);
	bus_post(bus, &done, sizeof(done));
}

static void gpadl_created(struct vmbus *bus, u32 relid, u32 id, const char *why)
{
	struct msg_gpadl_created m = {
		.h.type = MSG_GPADL_CREATED,
		.relid = relid,
		.gpadl = id,
		.status = why ? STATUS_FAILED : STATUS_OK,
	};
	struct channel *chan = bus_find_relid(bus, relid);
	struct bus_plan plan, *fault = NULL;

	if (why)
		bus_note(bus, chan, why);
	else if (chan && bus_take_fault(bus, chan->device->number, BUS_GPADL, &plan))
		fault = &plan;
	if (fault && fault->action == BUS_DO_REFUSE) {
		m.status = fault->status;
		bus_free_gpadl(bus, bus_find_gpadl(bus, id));
	}
	bus_answer(bus, fault, &m, sizeof(m));
	bus_event_add(bus, BUS_GPADL, chan, m.status, NULL);
	if (chan && !m.status)
		bus_run_plans(bus, chan->device->number, BUS_GPADL);
}

static void on_gpadl_header(struct vmbus *bus, const struct msg_gpadl_header *m, u32 len)
{
	struct gpadl *gpadl;
	const char *why;

	if (bus_find_gpadl(bus, m->gpadl)) {
		gpadl_created(bus, m->relid, m->gpadl, "a GPADL with this number exists");
		return;
	}
	if (!bus_find_relid(bus, m->relid)) {
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
	struct gpadl **at = bus_find_gpadl(bus, m->gpadl);
	const char *why;

	if (!at) {
		bus_note(bus, NULL, "GpadlBody for a list that does not exist");
		return;
	}
	why = gpadl_add(*at, m, len);
	if (why)
		bus_note(bus, NULL, why);
	else if (gpadl_complete(*at))
		gpadl_created(bus, (*at)->relid, (*at)->id, NULL);
}

static void on_gpadl_teardown(struct vmbus *bus, const struct msg_gpadl_teardown *m)
{
	struct msg_gpadl_torndown reply = { .h.type = MSG_GPADL_TORNDOWN, .gpadl = m->gpadl };
	struct gpadl **at = bus_find_gpadl(bus, m->gpadl);
	struct channel *chan = bus_find_relid(bus, m->relid);
	struct bus_plan plan, *fault = NULL;

	if (chan && bus_take_fault(bus, chan->device->number, BUS_TEARDOWN, &plan))
		fault = &plan;
	if (!at) {
		bus_note(bus, chan, "teardown of a GPADL that does not exist");
	} else {
		if (chan && chan->pages && chan->open_gpadl == m->gpadl) {
			bus_note(bus, chan, "the guest tears down the rings of an open channel");
			channel_detach(chan);
		}
		bus_free_gpadl(bus, at);
	}
	bus_answer(bus, fault, &reply, sizeof(reply));
	bus_event_add(bus, BUS_TEARDOWN, chan, 0, NULL);
}

static void open_result(struct vmbus *bus, const struct msg_open *m, u32 status,
			const struct bus_plan *fault)
{
	struct msg_open_result reply = {
		.h.type = MSG_OPEN_RESULT,
		.relid = m->relid,
		.open_id = m->open_id,
		.status = status,
	};

	bus_answer(bus, fault, &reply, sizeof(reply));
}

/* Give the channel its rings. Returns NULL or what is wrong. */
static const char *open_rings(struct vmbus *bus, struct channel *chan, const struct msg_open *m)
{
	struct gpadl **at = bus_find_gpadl(bus, m->gpadl);
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
	if (why) {
		free(pages);
		return why;
	}
	if (chan->device->ops && !chan->device->ops->open(chan)) {
		channel_detach(chan);
		return "out of memory";
	}
	return NULL;
}

static void on_open(struct vmbus *bus, const struct msg_open *m)
{
	struct channel *chan = bus_find_relid(bus, m->relid);
	enum chan_state state;
	struct bus_plan plan, *fault = NULL;
	const char *why;
	bool planned;

	state = chan ? channel_next(chan->state, CHAN_EV_OPEN) : CHAN_REFUSED;
	if (state == CHAN_REFUSED) {
		/* A rescind on its way makes this normal. */
		if (!chan || chan->state != CHAN_RESCINDED)
			bus_note(bus, chan, "open of a channel that cannot be opened");
		open_result(bus, m, STATUS_FAILED, NULL);
		return;
	}
	if (bus_take_fault(bus, chan->device->number, BUS_OPEN, &plan))
		fault = &plan;
	planned = !fault && bus_take_plan(bus, chan->device->number, BUS_OPEN, &plan);
	if (fault && fault->action == BUS_DO_SILENCE) {
		bus_note(bus, chan, "open left unanswered, as the script wants");
		return;
	}
	if (fault && fault->action == BUS_DO_REFUSE) {
		open_result(bus, m, plan.status, fault);
		bus_event_add(bus, BUS_OPEN, chan, plan.status, NULL);
		return;
	}
	why = open_rings(bus, chan, m);
	if (why) {
		bus_note(bus, chan, why);
		open_result(bus, m, STATUS_FAILED, fault);
		bus_event_add(bus, BUS_OPEN, chan, STATUS_FAILED, NULL);
		return;
	}
	chan->state = state;
	chan->open_id = m->open_id;
	chan->open_gpadl = m->gpadl;
	chan->target_vp = m->target_vp < vm_cpus(bus->vm) ? m->target_vp : 0;
	chan->received = 0;
	/* Recorded first, so that nothing slow comes between the result and a rescind. */
	bus_event_add(bus, BUS_OPEN, chan, STATUS_OK, NULL);
	if (planned && plan.before)
		bus_carry_out(bus, &plan);
	open_result(bus, m, STATUS_OK, fault);
	if (planned && !plan.before)
		bus_carry_out(bus, &plan);
}

static void on_close(struct vmbus *bus, const struct msg_relid *m)
{
	struct channel *chan = bus_find_relid(bus, m->relid);
	enum chan_state state = chan ? channel_next(chan->state, CHAN_EV_CLOSE) : CHAN_REFUSED;
	struct device *dev;

	if (state == CHAN_REFUSED) {
		bus_note(bus, chan, "close of a channel that is not open");
		return;
	}
	dev = chan->device;
	/* What the guest wrote before the close was written in time. */
	if (!dev->ops)
		bus_take(bus, chan);
	chan->state = state;
	channel_detach(chan);
	bus_event_add(bus, BUS_CLOSE, chan, 0, NULL);
	if (state == CHAN_RESCINDED)
		return;
	bus_run_plans(bus, dev->number, BUS_CLOSE);
	if (dev->channel == chan && dev->desc.rescind_on_close)
		bus_rescind(bus, dev, dev->desc.when, dev->desc.delay_us);
}

static void on_released(struct vmbus *bus, const struct msg_relid *m)
{
	struct channel *chan = bus_find_relid(bus, m->relid);
	enum chan_state state = chan ? channel_next(chan->state, CHAN_EV_RELEASE) : CHAN_REFUSED;

	if (state == CHAN_REFUSED) {
		bus_note(bus, chan, "release of a channel id that was not rescinded");
		return;
	}
	chan->state = state;
	channel_detach(chan);
	bus_free_gpadls_of(bus, chan->relid);
	bus_event_add(bus, BUS_RELEASE, chan, 0, NULL);
	if (chan->device->present && !chan->device->channel)
		bus_come_back(bus, chan->device, chan->device->desc.delay_us);
}

static void on_modify(struct vmbus *bus, const struct msg_modify *m)
{
	struct msg_modified reply = { .h.type = MSG_MODIFIED, .relid = m->relid };
	struct channel *chan = bus_find_relid(bus, m->relid);
	struct bus_plan plan, *fault = NULL;

	if (chan && bus_take_fault(bus, chan->device->number, BUS_MODIFY, &plan))
		fault = &plan;
	if (!chan || chan->state != CHAN_OPEN || m->target_vp >= vm_cpus(bus->vm)) {
		bus_note(bus, chan, "ModifyChannel of a channel that is not open, or to no processor");
		reply.status = STATUS_FAILED;
	} else if (fault && fault->action == BUS_DO_REFUSE) {
		reply.status = fault->status;
	} else {
		chan->target_vp = m->target_vp;
	}
	/* Answered from 5.3 on. */
	if (bus->version >= VMBUS_VERSION(5, 3))
		bus_answer(bus, fault, &reply, sizeof(reply));
	bus_event_add(bus, BUS_MODIFY, chan, m->target_vp, NULL);
	if (chan)
		bus_run_plans(bus, chan->device->number, BUS_MODIFY);
}

static void on_unload(struct vmbus *bus)
{
	struct msg_header done = { .type = MSG_UNLOADED };
	struct bus_plan plan, *fault = NULL;

	if (bus_take_fault(bus, 0, BUS_UNLOAD, &plan))
		fault = &plan;
	bus_reset(bus);
	bus_event_add(bus, BUS_UNLOAD, NULL, 0, NULL);
	bus_answer(bus, fault, &done, sizeof(done));
}

u16 bus_dispatch(struct vmbus *bus, u32 connection, const void *payload, u32 len)
{
	const struct msg_header *h = payload;
	const char *why = vmbus_msg_check(payload, len, bus->version);

	bus_record_message(bus, false, payload, len, connection, why);
	if (why) {
		/* Linux releases its channel ids after Unload. */
		if (bus->version || len < sizeof(*h) || h->type != MSG_RELID_RELEASED)
			bus_note(bus, NULL, why);
		return HV_STATUS_SUCCESS;
	}
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
