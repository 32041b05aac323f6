/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMBus messages: numbers, sizes and layouts (docs/protocol.md section 5).
 *
 * Every message starts with {type u32, padding u32}. Structures are the wire
 * format, little-endian, naturally aligned but for OfferChannel's tail.
 */
#ifndef HOST_VMBUS_MSG_H
#define HOST_VMBUS_MSG_H

#include <stdbool.h>

#include "util/types.h"

#define VMBUS_SINT		2u	/* interrupt source of messages and events */
#define VMBUS_MESSAGE_TYPE	1u	/* hypervisor message type of the channel protocol */
#define VMBUS_MESSAGE_MAX	240u

/* Connections that a guest posts to and signals. */
#define VMBUS_CONN_MESSAGE	1u	/* messages below protocol 5.0 */
#define VMBUS_CONN_EVENT	2u	/* event that channels without their own share */
#define VMBUS_CONN_MESSAGE_5	4u	/* messages from 5.0 on */

enum vmbus_msg {
	MSG_OFFER = 1,
	MSG_RESCIND = 2,
	MSG_REQUEST_OFFERS = 3,
	MSG_ALL_OFFERS = 4,
	MSG_OPEN = 5,
	MSG_OPEN_RESULT = 6,
	MSG_CLOSE = 7,
	MSG_GPADL_HEADER = 8,
	MSG_GPADL_BODY = 9,
	MSG_GPADL_CREATED = 10,
	MSG_GPADL_TEARDOWN = 11,
	MSG_GPADL_TORNDOWN = 12,
	MSG_RELID_RELEASED = 13,
	MSG_CONTACT = 14,
	MSG_VERSION = 15,
	MSG_UNLOAD = 16,
	MSG_UNLOADED = 17,
	MSG_MODIFY = 22,
	MSG_MODIFIED = 24,
};

struct msg_header {
	u32 type;
	u32 pad;
};

struct msg_offer {
	struct msg_header h;
	u8 class_id[16];
	u8 instance_id[16];
	u64 reserved[2];
	u16 flags;
	u16 mmio_mb;
	u8 user[120];
	u16 subchannel;
	u16 mmio_optional_mb;
	u32 relid;
	u8 monitor;
	u8 monitor_allocated;
	u16 dedicated;
	u32 connection;
} __attribute__((packed));

struct msg_relid {		/* rescind, close, released */
	struct msg_header h;
	u32 relid;
};

struct msg_open {
	struct msg_header h;
	u32 relid;
	u32 open_id;
	u32 gpadl;
	u32 target_vp;
	u32 downstream_page;
	u8 user[120];
};

struct msg_open_result {
	struct msg_header h;
	u32 relid;
	u32 open_id;
	u32 status;
};

struct msg_gpadl_header {	/* then {length u32, offset u32, pfn u64...} per range */
	struct msg_header h;
	u32 relid;
	u32 gpadl;
	u16 range_bytes;
	u16 range_count;
};

struct msg_gpadl_body {		/* then pfn u64... */
	struct msg_header h;
	u32 number;
	u32 gpadl;
};

struct msg_gpadl_created {
	struct msg_header h;
	u32 relid;
	u32 gpadl;
	u32 status;
};

struct msg_gpadl_teardown {
	struct msg_header h;
	u32 relid;
	u32 gpadl;
};

struct msg_gpadl_torndown {
	struct msg_header h;
	u32 gpadl;
};

struct msg_contact {
	struct msg_header h;
	u32 version;
	u32 target_vp;
	u8 sint;		/* from 5.0 on; the interrupt page's address below */
	u8 vtl;
	u8 interrupt_page_rest[6];
	u64 monitor_page[2];
};

struct msg_version {
	struct msg_header h;
	u8 supported;
	u8 state;
	u16 pad;
	u32 connection;		/* from 5.0 on: where to post from now on */
};

struct msg_modify {
	struct msg_header h;
	u32 relid;
	u32 target_vp;
};

struct msg_modified {
	struct msg_header h;
	u32 relid;
	u32 status;
};

/**
 * struct vmbus_msg_info - what is known of a message type.
 * @name: its name, for traces.
 * @size: bytes, header included; of a GPADL header or body the fixed part.
 * @from_guest: a guest may post it; the others only a host may.
 * @min_version: protocol version that brought it.
 */
struct vmbus_msg_info {
	const char *name;
	u16 size;
	bool from_guest;
	u32 min_version;
};

/** vmbus_msg_info() - look a type up; NULL if it is none. */
const struct vmbus_msg_info *vmbus_msg_info(u32 type);

/**
 * vmbus_msg_check() - may the guest post this?
 * @payload: the message, at least @len bytes, aligned to 8.
 * @len: its length.
 * @version: the protocol version agreed, 0 before contact.
 *
 * A message may be longer than its type needs: newer guests append fields.
 *
 * Return: NULL if it may, or a constant text that says what is wrong.
 */
const char *vmbus_msg_check(const void *payload, u32 len, u32 version);

#endif
