/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The transaction: one packet of the host and its answer.
 *
 * It connects the channel (chan.c), which moves packets in and out of the rings,
 * with the character device (cdev.c), through which a service reads and answers
 * requests and monitors read events. Neither of these calls the other.
 *
 * Rules
 * -----
 * - @lock guards every member but the reference count; it is taken with bottom
 *   halves off, and the ring's own lock nests inside it. Nothing sleeps under it.
 * - A packet is answered at most once: an answer is made only on the way into
 *   KVP_ST_SENDING, and leaves that state for the ring or with the channel.
 * - At most two packets are in memory: the current one and the next one. The next
 *   one is parsed at once, since a negotiation withdraws the current packet; any
 *   other has to wait. Further packets stay in the ring.
 * - The channel's functions are called only between kvp_xact_open() and
 *   kvp_xact_close(), and only under @lock; so once kvp_xact_close() has
 *   returned, the channel is not accessed any more.
 * - The object is counted: the channel's side holds one reference, each open
 *   file another. It outlives the device for as long as a file is open.
 */
#ifndef KVP_XACT_H
#define KVP_XACT_H

#include <linux/kernel.h>
#include <linux/kref.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "feed.h"
#include "fsm.h"
#include "hv_kvp.h"
#include "ic.h"

struct device;

/*
 * The largest packet fills the ring except for its trailer, and so do the buffers
 * here. They must not be larger: the bus copies as many bytes as the host claims,
 * up to this limit, from the end of the last packet. The ring is mapped twice in
 * a row, so a false length stays within the mapping.
 */
#define KVP_XACT_PACKET_SIZE	(3 * 4096U - 8)

/**
 * struct kvp_packet - a packet copied out of the ring
 * @ic: the packet, a buffer of KVP_XACT_PACKET_SIZE bytes
 * @len: bytes of the packet; 0 if there is none
 * @cookie: returned to the host with the answer
 */
struct kvp_packet {
	struct hvkvp_packet *ic;
	u32 len;
	u64 cookie;
};

/**
 * struct kvp_xact_ops - functions of the channel
 * @recv: move the next packet out of the ring; its length is 0 if there is none,
 *	and 1 if it has no payload. An error means that the ring is unusable
 * @send: put an answer into the ring; -EAGAIN if there is no room now, -ENODEV if
 *	the device is being removed, another error if the ring is unusable
 * @reset: close the channel and open it again, later
 *
 * Called under the transaction's lock, bottom halves off; must not sleep.
 */
struct kvp_xact_ops {
	int (*recv)(void *channel, struct kvp_packet *pkt);
	int (*send)(void *channel, const struct kvp_packet *pkt);
	void (*reset)(void *channel);
};

/**
 * struct kvp_xact_params - limits; read on each use
 * @request_timeout: seconds until the driver answers for the service; use
 *	kvp_xact_timeout()
 * @hold_timeout: seconds that a negotiation waits for a service, see
 *	@kvp_xact.hold_until_ns
 * @max_framework: highest framework major version
 * @max_message: highest KVP message major version
 */
struct kvp_xact_params {
	unsigned int request_timeout;
	unsigned int hold_timeout;
	unsigned int max_framework;
	unsigned int max_message;
};

/* Upper bound of both timeouts, in seconds: a day. */
#define KVP_XACT_TIMEOUT_MAX	86400U

/**
 * kvp_xact_timeout() - time limit of a request
 * @params: limits
 *
 * Return: seconds.
 */
static inline unsigned int kvp_xact_timeout(const struct kvp_xact_params *params)
{
	return READ_ONCE(params->request_timeout);
}

/**
 * enum kvp_counter - counters since the device was bound
 *
 * An answer counts when it is in the ring.
 *
 * @KVP_CNT_NEGOTIATIONS: negotiations answered
 * @KVP_CNT_REQUESTS: requests queued for the service
 * @KVP_CNT_ANSWERED: requests that the service answered
 * @KVP_CNT_EXPIRED: requests that the driver answered at their deadline
 * @KVP_CNT_WITHDRAWN: requests withdrawn by the host
 * @KVP_CNT_REFUSED: packets that the driver answered with an error by itself
 * @KVP_CNT_UNSENT: answers of any kind that the channel did not take
 * @KVP_CNT_TOLERATED: packets with an oddity, see enum kvp_ic_oddity
 * @KVP_CNT_DROPPED: packets that could not be answered
 * @KVP_CNT_LATE: replies to a request that had already ended
 * @KVP_CNT_RING_FULL: attempts to send an answer that found no room
 * @KVP_CNT_RESETS: unusable rings; the channel is closed and opened again
 * @KVP_CNT_COUNT: number of entries
 */
enum kvp_counter {
	KVP_CNT_NEGOTIATIONS,
	KVP_CNT_REQUESTS,
	KVP_CNT_ANSWERED,
	KVP_CNT_EXPIRED,
	KVP_CNT_WITHDRAWN,
	KVP_CNT_REFUSED,
	KVP_CNT_UNSENT,
	KVP_CNT_TOLERATED,
	KVP_CNT_DROPPED,
	KVP_CNT_LATE,
	KVP_CNT_RING_FULL,
	KVP_CNT_RESETS,
	KVP_CNT_COUNT,
};

/**
 * struct kvp_outcome - how a request ended
 * @id: its id; 0 in an unused entry
 * @error: of a late reply to it: -ENOENT, -ETIMEDOUT or -ECANCELED
 */
struct kvp_outcome {
	u64 id;
	int error;
};

/**
 * struct kvp_xact - the transaction
 * @ref: references, see above
 * @lock: guards the members below
 * @dev: for messages; valid between open and close
 * @ops: the channel's functions
 * @channel: their first argument
 * @params: limits
 * @state: of the transaction
 * @gone: the device was removed
 * @owned: a service has the device open
 * @attached: that service said hello
 * @minor: of its hello
 * @repeated: a service had read the request in @now, and closed without an answer
 * @agreed: versions agreed with the host
 * @now: the current packet
 * @view: result of its checks
 * @next: the packet after it
 * @oddities: those logged so far, a mask of enum kvp_ic_oddity
 * @answer: counter of the answer in @now, in KVP_ST_SENDING
 * @id: of the packet in @now
 * @begun_ns: start of its transaction, CLOCK_MONOTONIC
 * @deadline_ns: of the request in @now, CLOCK_MONOTONIC
 * @hold_until_ns: end of the wait of a negotiation for a service, CLOCK_MONOTONIC;
 *	counted from the opening of the channel, or the end of the last service
 * @timer: of the state: raises KVP_EV_TIMEOUT, then reads the ring
 * @again: reads the ring again after a run that ended with its budget
 * @ended: outcomes of the last requests, a ring
 * @ended_count: outcomes recorded so far
 * @counters: by enum kvp_counter
 * @feeds: of the monitors
 * @feed_count: number of entries
 * @wait: of the service: woken when a message can be read, or the device is gone
 */
struct kvp_xact {
	struct kref ref;
	spinlock_t lock; /* see the rules above */
	struct device *dev;
	const struct kvp_xact_ops *ops;
	void *channel;
	const struct kvp_xact_params *params;
	enum kvp_state state;
	bool gone;
	bool owned;
	bool attached;
	u16 minor;
	bool repeated;
	struct kvp_ic_agreement agreed;
	struct kvp_packet now;
	struct kvp_ic_view view;
	struct kvp_packet next;
	unsigned int oddities;
	enum kvp_counter answer;
	u64 id;
	u64 begun_ns;
	u64 deadline_ns;
	u64 hold_until_ns;
	struct delayed_work timer;
	struct work_struct again;
	struct kvp_outcome ended[HVKVP_HISTORY];
	unsigned int ended_count;
	u64 counters[KVP_CNT_COUNT];
	struct list_head feeds;
	unsigned int feed_count;
	wait_queue_head_t wait;
};

/**
 * kvp_xact_create() - create a transaction, closed and with one reference
 * @ops: the channel's functions
 * @channel: their first argument
 * @params: limits; must outlive the object
 *
 * Context: may sleep.
 * Return: the object, or NULL without memory.
 */
struct kvp_xact *kvp_xact_create(const struct kvp_xact_ops *ops, void *channel,
				 const struct kvp_xact_params *params);

/**
 * kvp_xact_get() - take a reference
 * @x: the transaction
 */
void kvp_xact_get(struct kvp_xact *x);

/**
 * kvp_xact_put() - release a reference
 * @x: the transaction
 *
 * Context: may sleep.
 */
void kvp_xact_put(struct kvp_xact *x);

/* Events of the channel. */

/**
 * kvp_xact_open() - the channel was opened
 * @x: the transaction
 * @dev: for messages
 *
 * Reads the packets that came since. Before this, no function of the channel is
 * called, whatever interrupts and the service do.
 *
 * Context: any but hard interrupt.
 */
void kvp_xact_open(struct kvp_xact *x, struct device *dev);

/**
 * kvp_xact_close() - the channel is about to be closed
 * @x: the transaction
 * @gone: the device is being removed: open files get ENODEV. Otherwise the
 *	service stays attached, and only its request is withdrawn
 *
 * Context: may sleep.
 */
void kvp_xact_close(struct kvp_xact *x, bool gone);

/**
 * kvp_xact_pump() - there may be packets in the ring
 * @x: the transaction
 *
 * Context: any but hard interrupt.
 */
void kvp_xact_pump(struct kvp_xact *x);

/* Events of the character device. */

/**
 * kvp_xact_own() - a service opened the device
 * @x: the transaction
 *
 * Return: 0; -EBUSY if another one has it, -ENODEV if it is gone.
 */
int kvp_xact_own(struct kvp_xact *x);

/**
 * kvp_xact_attach() - the service's hello was accepted
 * @x: the transaction, owned by the caller
 * @minor: of the hello
 */
void kvp_xact_attach(struct kvp_xact *x, u16 minor);

/**
 * kvp_xact_disown() - the service closed the device
 * @x: the transaction, owned by the caller
 */
void kvp_xact_disown(struct kvp_xact *x);

/**
 * kvp_xact_add_feed() - a monitor opened the device
 * @x: the transaction
 * @feed: the monitor's; gets every event from now on
 *
 * Return: 0; -ENODEV if the device is gone, -EUSERS if there are too many.
 */
int kvp_xact_add_feed(struct kvp_xact *x, struct kvp_feed *feed);

/**
 * kvp_xact_remove_feed() - a monitor closed the device
 * @x: the transaction
 * @feed: the monitor's; not accessed any more on return
 */
void kvp_xact_remove_feed(struct kvp_xact *x, struct kvp_feed *feed);

/**
 * kvp_xact_peek() - build the message of the queued request
 * @x: the transaction, owned by the caller
 * @req: filled in, HVKVP_MAX_MESSAGE bytes
 *
 * Return: bytes of the message; 0 if no request is queued.
 */
u32 kvp_xact_peek(struct kvp_xact *x, struct hvkvp_request *req);

/**
 * kvp_xact_take() - the service has received the message
 * @x: the transaction, owned by the caller
 * @id: of the request
 *
 * Does nothing if the request ended meanwhile.
 */
void kvp_xact_take(struct kvp_xact *x, u64 id);

/**
 * kvp_xact_reply() - the service answers
 * @x: the transaction, owned by the caller
 * @reply: a reply that kvp_msg_check() has accepted
 *
 * Return: 0, or the error that uapi/hv_kvp.h has for it; then nothing changed.
 */
int kvp_xact_reply(struct kvp_xact *x, const struct hvkvp_reply *reply);

/**
 * kvp_xact_readable() - whether a request is queued for the attached service
 * @x: the transaction
 *
 * For wait conditions: takes no lock, so the result can be stale.
 */
bool kvp_xact_readable(const struct kvp_xact *x);

/**
 * kvp_xact_is_gone() - whether the device was removed
 * @x: the transaction
 */
bool kvp_xact_is_gone(const struct kvp_xact *x);

/**
 * struct kvp_snapshot - state and counters, for sysfs
 * @state: of the transaction
 * @owned: a service has the device open
 * @attached: that service said hello
 * @agreed: versions agreed with the host
 * @counters: by enum kvp_counter
 */
struct kvp_snapshot {
	enum kvp_state state;
	bool owned;
	bool attached;
	struct kvp_ic_agreement agreed;
	u64 counters[KVP_CNT_COUNT];
};

/**
 * kvp_xact_snapshot() - take a consistent snapshot
 * @x: the transaction
 * @snap: filled in
 */
void kvp_xact_snapshot(struct kvp_xact *x, struct kvp_snapshot *snap);

#endif /* KVP_XACT_H */
