// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMBus, host side: its life, its look-ups, and the SynIC at its back.
 *
 * The rest of it: bus_guest.c takes the guest's messages, bus_offer.c offers
 * devices, bus_ring.c moves packets, bus_event.c records events, bus_plan.c runs delayed actions,
 * bus_power.c cuts the power.
 */
#include "vmbus/vmbus.h"

#include <stdlib.h>
#include <string.h>

#include "machine/synic.h"
#include "vmbus/bus_priv.h"

static const struct {
	u32 version;
	const char *text;
} versions[] = {
	{ VMBUS_VERSION(4, 0), "4.0" }, { VMBUS_VERSION(4, 1), "4.1" },
	{ VMBUS_VERSION(5, 0), "5.0" }, { VMBUS_VERSION(5, 1), "5.1" },
	{ VMBUS_VERSION(5, 2), "5.2" }, { VMBUS_VERSION(5, 3), "5.3" },
	/* To a guest without a paravisor the same as 5.3: it asks for no confidential channels. */
	{ VMBUS_VERSION(6, 0), "6.0" },
};

u32 vmbus_parse_version(const char *text)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(versions); i++)
		if (!strcmp(text, versions[i].text))
			return versions[i].version;
	return 0;
}

bool bus_version_known(u32 version)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(versions); i++)
		if (version == versions[i].version)
			return true;
	return false;
}

u32 vmbus_version(struct vmbus *bus)
{
	u32 version;

	pthread_mutex_lock(&bus->lock);
	version = bus->version;
	pthread_mutex_unlock(&bus->lock);
	return version;
}

void bus_post(struct vmbus *bus, void *message, u32 len)
{
	int err;

	bus_record_message(bus, true, message, len, 0, NULL);
	err = synic_send(bus->vm, bus->message_vp, bus->message_sint, VMBUS_MESSAGE_TYPE, message,
			 len);
	if (err)
		bus_note(bus, NULL, "the SynIC did not take a message to the guest");
}

bool vmbus_post(struct vmbus *bus, const void *message, u32 len)
{
	u8 copy[SYNIC_PAYLOAD_MAX] __attribute__((aligned(8)));
	bool connected;

	if (!len || len > sizeof(copy))
		return false;
	memcpy(copy, message, len);
	pthread_mutex_lock(&bus->lock);
	connected = bus->version != 0;
	if (connected)
		bus_post(bus, copy, len);
	pthread_mutex_unlock(&bus->lock);
	return connected;
}

void bus_post_relid(struct vmbus *bus, enum vmbus_msg type, u32 relid)
{
	struct msg_relid m = { .h.type = type, .relid = relid };

	bus_post(bus, &m, sizeof(m));
}

struct device *bus_find_device(struct vmbus *bus, u32 number)
{
	struct device *dev;

	for (dev = bus->devices; dev; dev = dev->next)
		if (dev->number == number)
			return dev;
	return NULL;
}

struct channel *bus_find_channel(struct vmbus *bus, u32 number)
{
	struct channel *chan;

	for (chan = bus->channels; chan; chan = chan->next)
		if (chan->number == number)
			return chan;
	return NULL;
}

/* The channel that holds an id now; ids of released channels are used again. */
struct channel *bus_find_relid(struct vmbus *bus, u32 relid)
{
	struct channel *chan;

	for (chan = bus->channels; chan; chan = chan->next)
		if (chan->relid == relid && chan->state != CHAN_RELEASED)
			return chan;
	return NULL;
}

struct gpadl **bus_find_gpadl(struct vmbus *bus, u32 id)
{
	struct gpadl **at;

	for (at = &bus->gpadls; *at; at = &(*at)->next)
		if ((*at)->id == id)
			return at;
	return NULL;
}

void bus_free_gpadl(struct vmbus *bus, struct gpadl **at)
{
	struct gpadl *gpadl = *at;

	*at = gpadl->next;
	bus->ngpadls--;
	free(gpadl);
}

void bus_free_gpadls_of(struct vmbus *bus, u32 relid)
{
	struct gpadl **at = &bus->gpadls;

	while (*at) {
		if ((*at)->relid == relid)
			bus_free_gpadl(bus, at);
		else
			at = &(*at)->next;
	}
}

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
	status = bus->off ? HV_STATUS_INVALID_CONNECTION_ID :
			    bus_dispatch(bus, connection, copy, len);
	pthread_mutex_unlock(&bus->lock);
	return status;
}

static u16 signal_event(void *ctx, u32 connection, u16 flag)
{
	struct vmbus *bus = ctx;
	u16 status = HV_STATUS_INVALID_CONNECTION_ID;
	struct channel *chan;

	pthread_mutex_lock(&bus->lock);
	if (connection == VMBUS_CONN_EVENT)
		status = HV_STATUS_SUCCESS;
	for (chan = bus->channels; chan && !bus->off; chan = chan->next) {
		if (!chan->pages)
			continue;
		if (connection != VMBUS_CONN_EVENT && (connection != chan->connection || flag))
			continue;
		status = HV_STATUS_SUCCESS;
		chan->signals++;
		bus_drain(bus, chan);
		bus_activity(bus);
	}
	pthread_mutex_unlock(&bus->lock);
	return status;
}

static const struct synic_ops synic_ops = {
	.post_message = post_message,
	.signal_event = signal_event,
};

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
	bus->capture = capture_interface(cfg->capture, CAPTURE_MESSAGE, "vmbus");
	pthread_mutex_init(&bus->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&bus->cond, &attr);
	pthread_cond_init(&bus->timer_cond, &attr);
	pthread_condattr_destroy(&attr);
	if (!cfg->no_kvp) {
		bus->kvp = vmbus_add(bus, &kvp_desc);
		vmbus_offer(bus, bus->kvp);
	}
	if ((!cfg->no_kvp && !bus->kvp) ||
	    pthread_create(&bus->timer_thread, NULL, bus_timer_main, bus)) {
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
	pthread_cond_signal(&bus->timer_cond);
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
		if (dev->ops && dev->ops->free)
			dev->ops->free(dev->model);
		else
			free(dev->model);
		free(dev);
	}
	while (bus->gpadls)
		bus_free_gpadl(bus, &bus->gpadls);
	free(bus->events);
	pthread_cond_destroy(&bus->cond);
	pthread_cond_destroy(&bus->timer_cond);
	pthread_mutex_destroy(&bus->lock);
	free(bus);
}
