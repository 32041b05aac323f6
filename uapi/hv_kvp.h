/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/hv_kvp: Hyper-V key-value pair requests, delivered to user space
 *
 * Purpose
 * -------
 * The host sends a guest KVP requests (get, set, delete, enumerate, read or
 * set an address). The driver checks their framing and hands them, one at a
 * time, to one service: the process that opened /dev/hv_kvp for reading and
 * writing. The service answers each of them once. Up to HVKVP_MONITORS monitors,
 * which opened it for reading only, see what passes.
 *
 * Messages
 * --------
 * read(2) returns exactly one message and write(2) takes exactly one. Each
 * starts with struct hvkvp_hdr. Every length is in bytes and must be exact:
 * hdr.len is the whole message, and equals what read() returned or write() was
 * given. Reserved fields and unused flags are zero in both directions; the
 * driver refuses a message in which they are not. Fields are in host byte
 * order. Bodies are what the Hyper-V host sends and expects: little-endian,
 * laid out in hv_kvp_msg.h.
 *
 * Because a message is a unit, the same service code runs over a SOCK_SEQPACKET
 * socket pair, which is how it is tested without a kernel.
 *
 * Conversation
 * ------------
 *   service                                driver
 *     open(O_RDWR)  ------------------------>   one service; a second is EBUSY
 *     HELLO (major, minor, features)  ------>
 *       <------------------------------------   HELLO (the driver's own)
 *       <------------------------------------   REQUEST (id 7, deadline)
 *     REPLY (id 7, status, body)  ---------->   sent to the host
 *       <------------------------------------   REQUEST (id 8) ...
 *
 * 1. The service says the version that it was written for, and the features
 *    that it wants. The driver answers with its own version. If the majors are
 *    the same, the smaller minor is in force, and so are the features that both
 *    named: the driver's HELLO lists just those. If the majors differ, the
 *    driver's HELLO has no feature and no REQUEST will follow; the service may
 *    say HELLO again with a major that both know, or close.
 * 2. The first accepted HELLO lets the driver answer the host's negotiation, if
 *    that is still waiting for a service.
 * 3. At most one request is outstanding. It has an id that is never used again
 *    while the module is loaded, never 0, and a deadline. A request that was
 *    read but not answered when the service closes (or dies) is delivered again,
 *    with the same id and deadline, to the next service. It has HVKVP_AGAIN then
 *    (since 1.3): the service before may have carried it out.
 * 4. At the deadline the driver answers the host itself, with E_FAIL. When the
 *    host negotiates again, or takes the device away, the outstanding request is
 *    withdrawn and gets no answer. The service learns either from the error
 *    that its REPLY gets; the host never sees that REPLY.
 * 5. poll(2): POLLIN when a message can be read; POLLOUT always, since a write
 *    never waits; POLLHUP and POLLERR once the device is gone. The service then
 *    closes, and opens again when the node is back.
 *
 * Monitors
 * --------
 * A monitor (open(O_RDONLY), since 1.1) reads the driver's HELLO and then EVENTs:
 * every packet of the host when its turn has come, every answer that went into
 * the ring, and what happened to the request in between. Events come in order,
 * and all that are about one packet have its id, so an answer is easily paired
 * with what it answers. The driver keeps HVKVP_FEED_SIZE bytes of events for each
 * monitor; what does not fit is counted in @lost of the next event. A monitor
 * delays and changes nothing, and it sees every pair: the node's mode (0600) is
 * the only thing that the driver asks of either, no capability.
 *
 * Errors
 * ------
 * open:
 *   EBUSY      another service has the device open
 *   EUSERS     HVKVP_MONITORS monitors have the device open (since 1.2)
 *   ENODEV     the device is going away
 *   EINVAL     opened for writing only
 *   ENOMEM     no memory
 * read (nothing is consumed by a read that fails; what waits for a monitor can
 * still be read when the device is gone):
 *   EAGAIN     nothing to read, and the file is O_NONBLOCK or the call RWF_NOWAIT
 *   EMSGSIZE   the buffer is too small for the message that waits
 *   EFAULT     the buffer is not writable
 *   EINTR      a signal came first
 *   ENODEV     the device is gone
 * write (the driver's state is unchanged by a write that fails):
 *   EINVAL     shorter than a header, hdr.len not the length of the write, a
 *              reserved field or flag not zero, an unknown type, or a length
 *              that is not exact for the type
 *   EMSGSIZE   body_len of a REPLY is neither 0 nor the request's body_len
 *   ENODATA    status is success but the operation's answer needs a body
 *   EPROTO     the message is not allowed now: a REPLY before an accepted
 *              HELLO, or a HELLO after one
 *   ENOENT     no request with this id is outstanding: it was never delivered,
 *              or has been answered already
 *   ETIMEDOUT  the request's deadline passed; the host got E_FAIL
 *   ECANCELED  the request was withdrawn (see 4.)
 *   EFAULT     the message is not readable
 *   ENODEV     the device is gone
 *   EBADF      a monitor cannot write
 *   EAGAIN     RWF_NOWAIT, and another call on this file is in progress
 *
 * The driver remembers how the last HVKVP_HISTORY requests ended, so that a
 * late REPLY gets the right one of the last three errors; older ids are ENOENT.
 *
 * Changes
 * -------
 * 1.0  hello, request, reply
 * 1.1  monitors, event
 * 1.2  a limit for monitors, HVKVP_MONITORS, with EUSERS; RWF_NOWAIT
 * 1.3  HVKVP_AGAIN
 *
 * A minor adds message types, flags or fields at the end, each of them used
 * only when both sides' minor, or a feature bit that both named, allows it. A
 * major is a new protocol; the driver keeps the old one for as long as it is
 * in use.
 */
#ifndef _UAPI_HV_KVP_H
#define _UAPI_HV_KVP_H

#include <linux/types.h>

#define HVKVP_DEVICE_NAME	"hv_kvp"

#define HVKVP_MAJOR		1
#define HVKVP_MINOR		3

/* Feature bits of a HELLO. None is defined so far. */
#define HVKVP_FEATURES_NONE	0ULL

/* Flag of a REQUEST (since 1.3): a service has read it before and closed without an answer. */
#define HVKVP_AGAIN		1U

/* No message is larger than this, in either direction; a good read() buffer. */
#define HVKVP_MAX_MESSAGE	8192

/* Monitors that can have the device open at the same time. */
#define HVKVP_MONITORS		64

/* Bytes of events that can wait for each monitor. */
#define HVKVP_FEED_SIZE		262144

/* Number of ended requests whose outcome the driver remembers. */
#define HVKVP_HISTORY		16

/**
 * enum hvkvp_type - what a message is
 * @HVKVP_HELLO: version and features, struct hvkvp_hello; both directions
 * @HVKVP_REQUEST: the host asks, struct hvkvp_request; driver to service
 * @HVKVP_REPLY: the service's answer, struct hvkvp_reply; service to driver
 * @HVKVP_EVENT: something happened, struct hvkvp_event; driver to monitor
 */
enum hvkvp_type {
	HVKVP_HELLO	= 1,
	HVKVP_REQUEST	= 2,
	HVKVP_REPLY	= 3,
	HVKVP_EVENT	= 4,
};

/**
 * struct hvkvp_hdr - the start of every message
 * @len: bytes of the whole message, this header included
 * @type: enum hvkvp_type
 * @flags: HVKVP_AGAIN in a REQUEST; else zero
 * @id: the request's id in REQUEST and REPLY, the packet's in EVENT; zero in
 *	HELLO
 */
struct hvkvp_hdr {
	__u32 len;
	__u16 type;
	__u16 flags;
	__u64 id;
};

/**
 * struct hvkvp_hello - version and features
 * @hdr: header; type HVKVP_HELLO, id 0
 * @major: of the protocol that the sender speaks
 * @minor: likewise
 * @timeout_ms: from the driver: how long a request may take, in milliseconds.
 *	From the service: zero
 * @features: feature bits; wanted by the service, in force from the driver
 */
struct hvkvp_hello {
	struct hvkvp_hdr hdr;
	__u16 major;
	__u16 minor;
	__u32 timeout_ms;
	__u64 features;
};

/**
 * struct hvkvp_request - a request of the host
 * @hdr: header; type HVKVP_REQUEST, id of the request
 * @deadline_ns: when the driver gives up, CLOCK_MONOTONIC, nanoseconds
 * @fw_major: integration-component framework version agreed with the host; 0.0
 *	if none was, which happens only in requests other than for IP
 * @fw_minor: likewise
 * @msg_major: KVP message version agreed with the host; it decides the layout
 *	of an IP body
 * @msg_minor: likewise
 * @operation: enum hvkvp_operation; the same as the body's first byte
 * @pool: enum hvkvp_pool; the same as the body's second byte
 * @reserved: zero
 * @body_len: bytes of @body; at least the operation's size in hv_kvp_msg.h
 * @body: as the host sent it, from the KVP header on; zeroes follow if the host
 *	sent no more. Nothing in it but operation and pool has been checked
 */
struct hvkvp_request {
	struct hvkvp_hdr hdr;
	__u64 deadline_ns;
	__u16 fw_major;
	__u16 fw_minor;
	__u16 msg_major;
	__u16 msg_minor;
	__u8 operation;
	__u8 pool;
	__u16 reserved;
	__u32 body_len;
	__u8 body[];
};

/**
 * struct hvkvp_reply - the answer to a request
 * @hdr: header; type HVKVP_REPLY, id of the request
 * @status: enum hvkvp_status, or any other HRESULT
 * @body_len: bytes of @body: the request's body_len; or 0, then the host gets
 *	its own body back. 0 is not enough for the success of an operation that
 *	returns data (GET, ENUMERATE, GET_IP)
 * @body: what the host gets, from the KVP header on
 */
struct hvkvp_reply {
	struct hvkvp_hdr hdr;
	__u32 status;
	__u32 body_len;
	__u8 body[];
};

/**
 * enum hvkvp_what - what happened
 * @HVKVP_RECEIVED: a packet of the host has its turn; has the packet
 * @HVKVP_SENT: its answer went into the ring; has the packet
 * @HVKVP_TAKEN: the service has read the request
 * @HVKVP_EXPIRED: the request's deadline passed; an answer follows
 * @HVKVP_WITHDRAWN: the host gave the packet up; no answer follows
 * @HVKVP_ATTACHED: a service said hello
 * @HVKVP_DETACHED: the service closed
 * @HVKVP_OPENED: the channel was opened
 * @HVKVP_CLOSED: the channel was closed
 */
enum hvkvp_what {
	HVKVP_RECEIVED	= 1,
	HVKVP_SENT	= 2,
	HVKVP_TAKEN	= 3,
	HVKVP_EXPIRED	= 4,
	HVKVP_WITHDRAWN	= 5,
	HVKVP_ATTACHED	= 6,
	HVKVP_DETACHED	= 7,
	HVKVP_OPENED	= 8,
	HVKVP_CLOSED	= 9,
};

/**
 * struct hvkvp_event - something happened
 * @hdr: header; type HVKVP_EVENT; id of the packet that it is about, or zero
 * @time_ns: when, CLOCK_MONOTONIC, nanoseconds
 * @what: enum hvkvp_what
 * @lost: events that came right before this one and found no room
 * @packet_len: bytes of the packet in the ring; @packet is shorter if that is
 *	more than a message can hold; zero if there is none
 * @reserved: zero
 * @packet: struct hvkvp_packet (hv_kvp_msg.h), up to hdr.len. Nothing in what
 *	was received has been checked
 */
struct hvkvp_event {
	struct hvkvp_hdr hdr;
	__u64 time_ns;
	__u32 what;
	__u32 lost;
	__u32 packet_len;
	__u32 reserved;
	__u8 packet[];
};

#endif /* _UAPI_HV_KVP_H */
