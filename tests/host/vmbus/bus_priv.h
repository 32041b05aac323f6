/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the bus, for the files that make it up:
 *
 *	vmbus.c		life, look-ups, the SynIC at its back
 *	bus_guest.c	what the guest posts, one function for each message
 *	bus_offer.c	devices: offered, rescinded, offered again
 *	bus_ring.c	packets between a channel's rings and the script
 *	bus_record.c	all bytes: into the trace and the capture
 *	bus_event.c	events: written, kept, waited for
 *	bus_plan.c	what to do at an event, or later
 *	bus_power.c	the power: cut, and on again
 *
 * Every bus_*() function runs with bus->lock held, but for bus_timer_main() and
 * bus_timespec(); vmbus_*() functions take it.
 */
#ifndef HOST_BUS_PRIV_H
#define HOST_BUS_PRIV_H

#include <pthread.h>
#include <time.h>

#include "vmbus/gpadl.h"
#include "vmbus/vmbus_host.h"
#include "vmbus/vmbus_msg.h"

#define BUS_PLANS_MAX	64u
#define BUS_TIMERS_MAX	256u
#define BUS_ANSWER_MAX	32u	/* bytes of the longest answer */

/**
 * struct bus_timer - something put off.
 * @due: monotonic nanoseconds.
 * @device: number of the device that it is about.
 * @action: what to do.
 * @len: if not 0, post @answer instead: so many bytes.
 */
struct bus_timer {
	u64 due;
	u32 device;
	enum bus_action action;
	u32 len;
	u8 answer[BUS_ANSWER_MAX] __attribute__((aligned(8)));
};

/**
 * struct vmbus - the bus.
 * @lock: guards all of it.
 * @cond: anything happened; on the monotonic clock.
 * @timer_cond: a timer was added, or @quit set.
 * @timer_thread: carries out @timers.
 * @quit: the timer thread must end.
 * @vm, @cfg: as given to vmbus_new().
 * @capture: interface of messages in @cfg.capture.
 * @kvp: number of the KVP device, 0 if none.
 * @version: agreed protocol version, 0 while there is no contact.
 * @message_vp, @message_sint: where messages to the guest go.
 * @offers_requested: the guest posted RequestOffers.
 * @off: the power was cut: nothing of the guest's counts any more.
 * @devices, @ndevices: all devices, in order of their numbers.
 * @channels, @nchannels: all channels of the run, newest first.
 * @last_relid: the channel id that was given out last.
 * @gpadls, @ngpadls: page lists that the guest has lent.
 * @plans, @nplans: armed faults, oldest first.
 * @timers, @ntimers: put off, in no order.
 * @events, @nevents, @events_room: everything that happened.
 * @activity: changes whenever anything happens.
 */
struct vmbus {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	pthread_cond_t timer_cond;
	pthread_t timer_thread;
	bool quit;

	struct vm *vm;
	struct vmbus_config cfg;
	u32 capture;
	u32 kvp;

	u32 version;
	u32 message_vp;
	u32 message_sint;
	bool offers_requested;
	bool off;

	struct device *devices;
	u32 ndevices;
	struct channel *channels;
	u32 nchannels;
	u32 last_relid;
	struct gpadl *gpadls;
	u32 ngpadls;

	struct bus_plan plans[BUS_PLANS_MAX];
	u32 nplans;
	struct bus_timer timers[BUS_TIMERS_MAX];
	u32 ntimers;

	struct bus_event *events;
	u32 nevents;
	u32 events_room;
	u64 activity;
};

/* vmbus.c */

/** bus_version_known() - is this one of the protocol's versions, from 4.0 on? */
bool bus_version_known(u32 version);
/** bus_post() - send a message of @len bytes to the guest; never waits. */
void bus_post(struct vmbus *bus, void *message, u32 len);
/** bus_post_relid() - send a message that is only a channel id. */
void bus_post_relid(struct vmbus *bus, enum vmbus_msg type, u32 relid);
/* Look-ups: NULL if there is none. */
struct device *bus_find_device(struct vmbus *bus, u32 number);
struct channel *bus_find_channel(struct vmbus *bus, u32 number);
/** bus_find_relid() - the channel that holds an id now; released ids are used again. */
struct channel *bus_find_relid(struct vmbus *bus, u32 relid);
/** bus_find_gpadl() - the link that leads to a page list, NULL if there is none. */
struct gpadl **bus_find_gpadl(struct vmbus *bus, u32 id);
void bus_free_gpadl(struct vmbus *bus, struct gpadl **at);
/** bus_free_gpadls_of() - free the page lists that a channel's release leaves behind. */
void bus_free_gpadls_of(struct vmbus *bus, u32 relid);

/* bus_record.c */

/**
 * bus_record_message() - record a VMBus message.
 * @message: @len bytes.
 * @connection: where the guest posted it.
 * @ignored: why a guest's message has no effect, or NULL.
 */
void bus_record_message(struct vmbus *bus, bool to_guest, const void *message, u32 len,
			u32 connection, const char *ignored);
/**
 * bus_record_packet() - record a ring packet.
 * @head: its header.
 * @payload: @len bytes; of a guest's packet as ring_read() gave it.
 * @at: when it was written or read, in monotonic nanoseconds.
 * @note: appended to the trace's line.
 */
void bus_record_packet(struct vmbus *bus, struct channel *chan, bool to_guest,
		       const struct ring_packet *head, const void *payload, u32 len, u64 at,
		       const char *note);

/* bus_event.c */

/** bus_activity() - wake whoever waits in vmbus_wait(). */
void bus_activity(struct vmbus *bus);
/** bus_event_add() - record an event, write it, wake the script. */
void bus_event_add(struct vmbus *bus, enum bus_event_kind kind, const struct channel *chan,
		   u32 value, const char *text);
/** bus_note() - note something odd; @text must be constant, @chan may be NULL. */
void bus_note(struct vmbus *bus, const struct channel *chan, const char *text);
struct timespec bus_timespec(u64 ns);

/* bus_plan.c */

/** bus_put_off() - do something in so many microseconds. */
void bus_put_off(struct vmbus *bus, u32 device, enum bus_action action, u32 us);
/** bus_take_plan() - the oldest plan for this event, taken off the list; false if none. */
bool bus_take_plan(struct vmbus *bus, u32 device, enum bus_event_kind at, struct bus_plan *plan);
/** bus_carry_out() - do what a plan wants, now or when its delay is over. */
void bus_carry_out(struct vmbus *bus, const struct bus_plan *plan);
/** bus_run_plans() - bus_take_plan() and bus_carry_out(). */
void bus_run_plans(struct vmbus *bus, u32 device, enum bus_event_kind at);
/**
 * bus_take_fault() - a fault that is armed for the answer to a guest's message.
 * @device: whose; 0 for a message that is of no device.
 *
 * Return: true if the oldest plan for this event is one; then it is taken off the list.
 */
bool bus_take_fault(struct vmbus *bus, u32 device, enum bus_event_kind at, struct bus_plan *fault);
/**
 * bus_answer() - post an answer, as a fault wants it: not at all, or late.
 * @fault: NULL for none; the status of a refusal is the caller's to set.
 * @message: BUS_ANSWER_MAX bytes at most.
 */
void bus_answer(struct vmbus *bus, const struct bus_plan *fault, void *message, u32 len);
/** bus_timer_main() - the timer thread; @arg is the bus. */
void *bus_timer_main(void *arg);

/* bus_offer.c */

/** bus_offer() - offer a device, if it is present, not offered yet, and wanted. */
void bus_offer(struct vmbus *bus, struct device *dev);
/** bus_come_back() - bus_offer() after a delay. */
void bus_come_back(struct vmbus *bus, struct device *dev, u32 delay_us);
/** bus_rescind() - withdraw an offer; false if the device has none. */
bool bus_rescind(struct vmbus *bus, struct device *dev, enum reoffer when, u32 delay_us);
/** bus_act() - carry out one action on a device. */
void bus_act(struct vmbus *bus, struct device *dev, enum bus_action action);
/** bus_reset() - all that the guest had goes; devices stay for the next contact. */
void bus_reset(struct vmbus *bus);

/* bus_power.c */

/** bus_power_off() - the power goes; no effect when it is off. */
void bus_power_off(struct vmbus *bus);

/* bus_ring.c */

/** bus_interrupt() - interrupt the guest for a channel. */
void bus_interrupt(struct vmbus *bus, struct channel *chan);
/** bus_take() - queue what the guest wrote into its ring; true if it waits for room. */
bool bus_take(struct vmbus *bus, struct channel *chan);
/** bus_drain() - take in what the guest wrote into its ring, or have it served. */
void bus_drain(struct vmbus *bus, struct channel *chan);
/** bus_send() - vmbus_send() to a channel at hand. */
enum bus_send_result bus_send(struct vmbus *bus, struct channel *chan, struct ring_packet *packet,
			      const void *payload, u32 len, enum bus_signal how, u64 *stamp,
			      const char **why);

/* bus_guest.c */

/**
 * bus_dispatch() - act on a message of the guest's.
 * @connection: where it was posted.
 * @payload: a copy that the guest cannot change, aligned to 8.
 *
 * Return: the hypercall's status.
 */
u16 bus_dispatch(struct vmbus *bus, u32 connection, const void *payload, u32 len);

#endif
