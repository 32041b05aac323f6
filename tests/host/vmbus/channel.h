/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices and their channels.
 *
 * A device is data: who it is and how it behaves. Each time it is offered it
 * gets a new channel with a new id; the old channel object stays, so that a
 * script may still ask about it. Nothing here locks: the bus's mutex is held.
 *
 * A channel's life, as events that say when to feed them:
 *
 *	CHAN_EV_OPEN	the guest posted OpenChannel
 *	CHAN_EV_CLOSE	the guest posted CloseChannel
 *	CHAN_EV_RESCIND	the host withdraws the offer
 *	CHAN_EV_RELEASE	the guest posted RelIdReleased
 *	CHAN_EV_RESET	the guest unloads, or makes contact again
 *
 * channel_next() decides, a pure function; the effects are the bus's.
 */
#ifndef HOST_CHANNEL_H
#define HOST_CHANNEL_H

#include <stdbool.h>

#include "util/types.h"
#include "vmbus/ring.h"

/* Packets that may wait for the script in a channel; more are counted and dropped. */
#define CHANNEL_QUEUE_MAX 65536u

enum chan_state {
	CHAN_OFFERED,	/* the guest knows it, or knew and closed it */
	CHAN_OPEN,	/* rings are in use */
	CHAN_RESCINDED,	/* withdrawn; the guest still holds the id */
	CHAN_RELEASED,	/* over */
	CHAN_REFUSED,	/* no state: what channel_next() says to a wrong event */
};

enum chan_event {
	CHAN_EV_OPEN,
	CHAN_EV_CLOSE,
	CHAN_EV_RESCIND,
	CHAN_EV_RELEASE,
	CHAN_EV_RESET,
	CHAN_EVENTS,
};

/** enum reoffer - when a rescinded device comes back. */
enum reoffer {
	REOFFER_RELEASED,	/* when the guest has released the old channel id */
	REOFFER_AT_ONCE,
	REOFFER_NEVER,
};

/**
 * struct device_desc - the contents of a device's offer.
 * @name: for events and traces.
 * @class_id: interface GUID, as on the wire.
 * @instance_id: instance GUID, as on the wire.
 * @flags: offer flags: 0x0001 enumerate, 0x0010 named pipe.
 * @mmio_mb: MMIO that it wants, in MiB.
 * @user: user bytes of the offer; a pipe in message mode has 4 first.
 * @subchannel: sub-channel index, 0 for a primary channel.
 * @monitor: monitor id, 0xff for none.
 * @when: when it comes back after a rescind.
 * @delay_us: how long after that.
 * @rescind_on_close: a close by the guest makes the host rescind it.
 */
struct device_desc {
	char name[32];
	u8 class_id[16];
	u8 instance_id[16];
	u16 flags;
	u16 mmio_mb;
	u8 user[120];
	u16 subchannel;
	u8 monitor;
	enum reoffer when;
	u32 delay_us;
	bool rescind_on_close;
};

struct channel;
struct device;
struct packet;
struct vmbus;

/**
 * struct device_ops - a device that the host serves itself, with no script in between.
 * @room: bytes that must be free in the host-to-guest ring before @packet is called;
 *	  what a guest that does not read sends meanwhile stays in its own ring.
 * @open: the guest opens @chan: make its @session. Return: false when out of memory.
 * @packet: act on one packet of the guest's.
 * @quiesce: the script wants to rescind it: ask the guest to stop sending. Return:
 *	     false when it sends nothing anyway, else it is given time.
 * @serve: a time that it asked for with BUS_DO_SERVE has come; NULL if it never asks.
 * @power_off: the power goes: lose what is not kept; NULL if it loses nothing.
 * @free: free its model; NULL: with free().
 *
 * All run with the bus's mutex held, on the thread that brought the event. A
 * channel is served until the guest closes or releases it, also after a rescind:
 * a guest may wait for completions before it releases the channel.
 */
struct device_ops {
	u32 room;
	bool (*open)(struct channel *chan);
	void (*packet)(struct vmbus *bus, struct channel *chan, const struct packet *packet);
	bool (*quiesce)(struct vmbus *bus, struct channel *chan);
	void (*serve)(struct vmbus *bus, struct device *dev);
	void (*power_off)(struct device *dev);
	void (*free)(void *model);
};

/**
 * struct device - a device on the bus.
 * @next: the bus's list.
 * @desc: what it is.
 * @ops: who serves it, NULL if the script does.
 * @model: what @ops know of it; owned, freed with their @free.
 * @number: its number for scripts, from 1.
 * @present: offer it to a guest that requests offers.
 * @channel: its channel if it is offered just now, else NULL.
 */
struct device {
	struct device *next;
	struct device_desc desc;
	const struct device_ops *ops;
	void *model;
	u32 number;
	bool present;
	struct channel *channel;
};

/**
 * struct packet - what the guest sent, waiting for the script.
 * @next: queue.
 * @head: ring packet header.
 * @arrived: monotonic nanoseconds at which the host took it out of the ring.
 * @len: bytes of payload, ring padding included.
 * @payload: the bytes; ring_extra() has the bytes before them.
 */
struct packet {
	struct packet *next;
	struct ring_packet head;
	u64 arrived;
	u32 len;
	u8 *payload;
};

/**
 * struct channel - one offer of a device and what became of it.
 * @next: the bus's list, newest first.
 * @device: whose it is.
 * @number: its number for scripts, from 1, never used again.
 * @relid: channel id on the wire; also its event flag.
 * @connection: connection that the guest signals.
 * @state: see above.
 * @target_vp: virtual processor to interrupt.
 * @open_id: the guest's id for the open.
 * @open_gpadl: GPADL of the rings while open.
 * @pages: host addresses of all ring pages while open, else NULL; owned.
 * @in: guest to host. @out: host to guest. Valid while @pages is.
 * @hold: leave packets in the guest's ring.
 * @broken: why the guest's ring cannot be read any more, or NULL.
 * @capture, @captured: its first interface in the capture, once it has one.
 * @session: what a device that serves itself knows since the open; owned, freed with free().
 * @head: oldest packet of the queue. @tail: newest.
 * @queued: packets in the queue.
 * @received: packets taken out of the ring since it was offered.
 * @arrived: when the last one was, in monotonic nanoseconds.
 * @sent: packets put in.
 * @dropped: packets that found the queue full.
 * @signals: signals from the guest. @interrupts: interrupts to it.
 */
struct channel {
	struct channel *next;
	struct device *device;
	u32 number;
	u32 relid;
	u32 connection;
	enum chan_state state;
	u32 target_vp;
	u32 open_id;
	u32 open_gpadl;
	u8 **pages;
	struct ring in;
	struct ring out;
	bool hold;
	const char *broken;
	u32 capture;
	bool captured;
	void *session;
	struct packet *head;
	struct packet *tail;
	u32 queued;
	u64 received;
	u64 arrived;
	u64 sent;
	u64 dropped;
	u64 signals;
	u64 interrupts;
};

/**
 * channel_next() - what becomes of a channel by an event.
 *
 * Return: the new state, CHAN_REFUSED if the event is wrong in this state.
 */
enum chan_state channel_next(enum chan_state state, enum chan_event event);

/** channel_state_name() - "offered", "open", ... */
const char *channel_state_name(enum chan_state state);

/**
 * channel_attach() - put the rings to use.
 * @chan: the channel, without rings.
 * @pages: host addresses; taken over on success.
 * @npages: their number.
 * @downstream: index of the page with which the host-to-guest ring starts.
 *
 * Return: NULL, or a constant text that says what is wrong.
 */
const char *channel_attach(struct channel *chan, u8 **pages, u32 npages, u32 downstream);

/** channel_detach() - forget the rings; packets that were taken out stay. */
void channel_detach(struct channel *chan);

/**
 * channel_pull() - take one packet out of the guest's ring.
 * @signal: set to true if the guest waits for room and must be interrupted.
 *
 * Return: the packet, to be freed with packet_free(), or NULL if there is none.
 */
struct packet *channel_pull(struct channel *chan, bool *signal);

/** channel_queue() - keep a packet for the script; taken over. */
void channel_queue(struct channel *chan, struct packet *packet);

/** channel_take() - the oldest packet, to be freed with packet_free(), or NULL. */
struct packet *channel_take(struct channel *chan);
void packet_free(struct packet *packet);

/** channel_free() - free a channel and its packets. */
void channel_free(struct channel *chan);

#endif
