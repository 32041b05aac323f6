/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bus as its host's script sees it: devices, channels, packets, events.
 *
 * Every function takes the bus's mutex itself and may be called from any
 * thread but a vCPU's inside a bus callback. Pointers to devices and channels
 * stay valid as long as the bus; their fields change under the mutex, so read
 * them through the functions below.
 */
#ifndef HOST_VMBUS_HOST_H
#define HOST_VMBUS_HOST_H

#include "vmbus/channel.h"
#include "vmbus/vmbus.h"

/* What can happen on a bus; the names are vmbus_event_name()'s. */
enum bus_event_kind {
	BUS_CONTACT,		/* InitiateContact, answered */
	BUS_REQUEST_OFFERS,
	BUS_OFFER,
	BUS_GPADL,		/* a page list is complete */
	BUS_TEARDOWN,
	BUS_OPEN,		/* answered */
	BUS_CLOSE,
	BUS_MODIFY,
	BUS_RESCIND,
	BUS_RELEASE,
	BUS_UNLOAD,
	BUS_FIRST_PACKET,	/* the guest's first packet since the open */
	BUS_NOTE,		/* something odd; the text says what */
	BUS_POWER_OFF,		/* the power was cut */
	BUS_EVENT_KINDS,
};

/**
 * struct bus_event - one thing that happened.
 * @kind: what.
 * @at: monotonic nanoseconds.
 * @device: device number, 0 for none.
 * @channel: channel number (not id), 0 for none.
 * @relid: channel id, 0 for none.
 * @value: version of a contact (0 refused), status of an open or a GPADL,
 *	   virtual processor of a modify.
 * @text: constant text of a note, else NULL.
 */
struct bus_event {
	enum bus_event_kind kind;
	u64 at;
	u32 device;
	u32 channel;
	u32 relid;
	u32 value;
	const char *text;
};

/* What an armed plan does when its event comes. */
enum bus_action {
	BUS_DO_RESCIND,
	BUS_DO_RESCIND_REOFFER,	/* and offer again at once, whatever the policy is */
	BUS_DO_REFUSE,		/* answer with an error; see vmbus_can_arm() */
	BUS_DO_SILENCE,		/* answer nothing, offer nothing; likewise */
	BUS_DO_DELAY,		/* answer, or offer, after @after_us; likewise */
	BUS_DO_OFFER,		/* offer the device if it is present and not offered */
	BUS_DO_POWER_OFF,	/* cut the power; of no device */
	BUS_DO_SERVE,		/* call the device's own @serve; not for plans */
};

/**
 * struct bus_plan - something to do at the next event of a kind, once.
 * @device: device number; what concerns the answer to a contact or an unload is of no device.
 * @at: the event.
 * @action: what to do.
 * @after_us: how long after the event; 0 is at once, on the event's thread.
 * @before: rescind before the open is answered.
 * @status: of a refusal.
 */
struct bus_plan {
	u32 device;
	enum bus_event_kind at;
	enum bus_action action;
	u32 after_us;
	bool before;
	u32 status;
};

/** vmbus_event_name() - the event's name in scripts and JSON; NULL if none. */
const char *vmbus_event_name(enum bus_event_kind kind);

/**
 * vmbus_add() - add a device; it is not offered yet.
 * @desc: copied.
 *
 * Return: the device's number, or 0 when out of memory.
 */
u32 vmbus_add(struct vmbus *bus, const struct device_desc *desc);

/** vmbus_kvp() - number of the KVP device that vmbus_new() added, 0 if none. */
u32 vmbus_kvp(struct vmbus *bus);

/** vmbus_offer() - offer a device, now if a guest has asked, else when it asks. */
void vmbus_offer(struct vmbus *bus, u32 device);

/**
 * vmbus_rescind() - withdraw a device's offer.
 * @again: it comes back by its policy; false: it does not.
 *
 * Waits, two seconds at most, until a device that the host serves is quiet.
 *
 * Return: false if it is not offered.
 */
bool vmbus_rescind(struct vmbus *bus, u32 device, bool again);

/** vmbus_policy() - change when a rescinded device comes back. */
void vmbus_policy(struct vmbus *bus, u32 device, enum reoffer when, u32 delay_us,
		  bool rescind_on_close);

/**
 * vmbus_power_off() - cut the power, now or later.
 * @after_us: microseconds until then.
 *
 * The guest stops where it is; nothing that it has not handed over yet arrives; each device
 * loses what it does not keep. Devices and plans stay.
 */
void vmbus_power_off(struct vmbus *bus, u32 after_us);

/** vmbus_is_off() - the power was cut, and is not on again. */
bool vmbus_is_off(struct vmbus *bus);

/**
 * vmbus_power_on() - boot the guest again, after a power cut or its own end.
 * @err: receives one line if it fails.
 * @errlen: its size.
 *
 * Channels of before are gone, what was put off is forgotten.
 *
 * Return: false if the machine cannot be started.
 */
bool vmbus_power_on(struct vmbus *bus, char *err, size_t errlen);

/** vmbus_can_arm() - can this be done at this event? */
bool vmbus_can_arm(enum bus_event_kind at, enum bus_action action);

/** vmbus_arm() - make a plan; copied. Return: false when there are too many. */
bool vmbus_arm(struct vmbus *bus, const struct bus_plan *plan);

/**
 * vmbus_post() - send a message to the guest as it is; the bus does not know what it means.
 *
 * Return: false if there is no contact, or more than SYNIC_PAYLOAD_MAX bytes.
 */
bool vmbus_post(struct vmbus *bus, const void *message, u32 len);

/** vmbus_version() - protocol version agreed, 0 while there is no contact. */
u32 vmbus_version(struct vmbus *bus);

/** vmbus_open_channel() - number of the device's open channel, 0 if none. */
u32 vmbus_open_channel(struct vmbus *bus, u32 device);

/**
 * vmbus_channel() - a copy of a channel's fields, for looking at.
 *
 * Return: false if there is no such channel. Pointers in the copy are not to
 * be followed.
 */
bool vmbus_channel(struct vmbus *bus, u32 channel, struct channel *copy);

/** vmbus_events() - number of events so far. */
u32 vmbus_events(struct vmbus *bus);

/** vmbus_event() - copy of event @index (from 0). Return: false if there is none. */
bool vmbus_event(struct vmbus *bus, u32 index, struct bus_event *event);

/** vmbus_activity() - a number that changes whenever anything happens. */
u64 vmbus_activity(struct vmbus *bus);

/**
 * vmbus_wait() - wait for anything to happen.
 * @seen: vmbus_activity() from before the caller looked.
 * @deadline: monotonic nanoseconds.
 *
 * Return: false when the deadline passed.
 */
bool vmbus_wait(struct vmbus *bus, u64 seen, u64 deadline);

/** vmbus_kick() - end all waits once, as if something had happened. */
void vmbus_kick(struct vmbus *bus);

enum bus_signal {
	BUS_SIGNAL_AUTO,	/* when the rules say so */
	BUS_SIGNAL_ALWAYS,
	BUS_SIGNAL_NEVER,
};

enum bus_send_result {
	BUS_SENT,
	BUS_SEND_FULL,
	BUS_SEND_CLOSED,
	BUS_SEND_CORRUPT,
};

/**
 * vmbus_send() - put a packet into the host-to-guest ring.
 * @channel: channel number.
 * @packet: header, see ring_write().
 * @payload: @len bytes.
 * @signal: whether to interrupt.
 * @stamp: receives the time at which it became visible.
 * @why: receives a constant text unless the result is BUS_SENT.
 */
enum bus_send_result vmbus_send(struct vmbus *bus, u32 channel, struct ring_packet *packet,
				const void *payload, u32 len, enum bus_signal signal,
				u64 *stamp, const char **why);

/**
 * vmbus_recv() - the oldest packet that the guest sent.
 *
 * Takes what was signalled; a packet in the ring without a signal is not
 * seen (vmbus_unsignalled() takes it in).
 *
 * Return: the packet, to be freed with packet_free(), or NULL.
 */
struct packet *vmbus_recv(struct vmbus *bus, u32 channel);

/**
 * vmbus_unsignalled() - take in packets for which no signal came.
 *
 * Return: how many there were; they are in the queue now.
 */
u32 vmbus_unsignalled(struct vmbus *bus, u32 channel);

/** vmbus_hold() - stop or go on taking packets out of the guest's ring. */
void vmbus_hold(struct vmbus *bus, u32 channel, bool hold);

/** vmbus_signal() - interrupt the guest for a channel. Return: false if not open. */
bool vmbus_signal(struct vmbus *bus, u32 channel);

/**
 * vmbus_ring() - run a function on a ring, under the mutex.
 * @channel: channel number.
 * @to_guest: which ring.
 * @fn: what to do. @arg: for it.
 *
 * Return: false if the channel has no rings.
 */
bool vmbus_ring(struct vmbus *bus, u32 channel, bool to_guest,
		void (*fn)(struct ring *ring, void *arg), void *arg);

#endif
