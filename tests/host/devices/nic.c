// SPDX-License-Identifier: GPL-2.0-only
/*
 * A synthetic network adapter.
 */
#include "devices/nic.h"

#include <stdlib.h>
#include <string.h>

#include "vmbus/bus_priv.h"
#include "vmbus/gpa_ranges.h"

/* NVSP messages: 32-bit words, the type first; always as many as the longest one has. */
#define NVSP_WORDS	10u

enum nvsp_msg {
	NVSP_INIT = 1,			/* oldest, newest version */
	NVSP_INIT_DONE = 2,		/* version, longest page list, status */
	NVSP_NDIS_VERSION = 100,	/* major, minor */
	NVSP_RECV_BUF = 101,		/* GPADL, id (u16) */
	NVSP_RECV_BUF_DONE = 102,	/* status, parts, then of each: offset, size, count, end */
	NVSP_REVOKE_RECV_BUF = 103,	/* id */
	NVSP_SEND_BUF = 104,		/* GPADL, id (u16) */
	NVSP_SEND_BUF_DONE = 105,	/* status, section size */
	NVSP_REVOKE_SEND_BUF = 106,	/* id */
	NVSP_RNDIS = 107,		/* data 0 or control 1, section or NO_SECTION, its bytes */
	NVSP_RNDIS_DONE = 108,		/* status */
	NVSP_NDIS_CONFIG = 125,		/* MTU, reserved, capabilities (u64) */
	NVSP_DATA_PATH = 129,		/* which; completed with no message */
	NVSP_SUBCHANNELS = 133,		/* operation, count; answered with status, count */
};

enum nvsp_status {
	NVSP_OK = 1,
	NVSP_FAILED = 2,
	NVSP_TOO_NEW = 3,
	NVSP_BAD_RNDIS = 5,
};

#define NO_SECTION	0xffffffffu
#define RECV_SECTION	1728u		/* sizes that Hyper-V gives out */
#define SEND_SECTION	6144u
#define SECTIONS_USED	64u		/* of the receive buffer: one bit each of a u64 */
#define LONGEST_LIST	34u
#define CONTROL_MAX	8192u		/* bytes of an RNDIS control message; Linux: up to 4 KiB */

/* RNDIS: message types, statuses, object ids. */
#define RNDIS_ANSWER	0x80000000u	/* the answer to a message has its type and this bit */

enum rndis_msg {
	RNDIS_INIT = 2,
	RNDIS_HALT = 3,
	RNDIS_QUERY = 4,
	RNDIS_SET = 5,
	RNDIS_INDICATE = 7,
	RNDIS_KEEPALIVE = 8,
};

#define RNDIS_OK		0u
#define RNDIS_LINK_UP		0x4001000bu
#define RNDIS_LINK_DOWN		0x4001000cu
#define RNDIS_FAILED		0xc0000001u
#define RNDIS_NOT_SUPPORTED	0xc00000bbu
#define RNDIS_BAD_LENGTH	0xc0010014u

enum oid {
	OID_HARDWARE_STATUS = 0x00010102,
	OID_MEDIA_SUPPORTED = 0x00010103,
	OID_MEDIA_IN_USE = 0x00010104,
	OID_FRAME_SIZE = 0x00010106,
	OID_LINK_SPEED = 0x00010107,		/* in units of 100 bit/s */
	OID_PACKET_FILTER = 0x0001010e,
	OID_TOTAL_SIZE = 0x00010111,
	OID_CONNECT_STATUS = 0x00010114,	/* 0 connected */
	OID_FRIENDLY_NAME = 0x00020216,
	OID_PERMANENT_ADDRESS = 0x01010101,
	OID_CURRENT_ADDRESS = 0x01010102,
	OID_MULTICAST_LIST = 0x01010103,
	OID_OFFLOAD_PARAMETERS = 0xfc01020c,
	OID_OFFLOAD_CAPABILITIES = 0xfc01020d,
};

/**
 * struct nic - the adapter; lives as long as its device.
 * @cfg: what it is.
 * @link: there is a carrier.
 */
struct nic {
	struct nic_config cfg;
	bool link;
};

/**
 * struct buffer - guest memory that the guest lent.
 * @lent: it is ours to use.
 * @gpadl: number of its page list, looked up at each use: the guest may tear it down.
 * @id: the guest's name for it.
 * @bytes: its size.
 * @sections: sections that it was cut into.
 */
struct buffer {
	bool lent;
	u32 gpadl;
	u16 id;
	u32 bytes;
	u32 sections;
};

/**
 * struct session - what passed since the guest opened the channel.
 * @nvsp: version agreed, 0 before that.
 * @mtu: as the guest reported it.
 * @recv, @send: the guest's buffers.
 * @busy: sections of @recv that the guest has not given back, a bit each.
 * @rndis: RNDIS is initialised.
 * @filter: packet filter, 0 while the interface is down.
 * @sent, @sent_bytes, @requests: counters.
 */
struct session {
	u32 nvsp;
	u32 mtu;
	struct buffer recv;
	struct buffer send;
	u64 busy;
	bool rndis;
	u32 filter;
	u64 sent;
	u64 sent_bytes;
	u64 requests;
};

static struct nic *nic_of(const struct channel *chan)
{
	return chan->device->model;
}

/* ---- NVSP ---- */

/* Answer a packet, if its sender wants that; @reply may be NULL for an empty answer. */
static void complete(struct vmbus *bus, struct channel *chan, const struct packet *packet,
		     const u32 *reply)
{
	u32 len = reply ? NVSP_WORDS * 4 : 0;
	struct ring_packet head;
	const char *why;

	if (!(packet->head.flags & RING_WANTS_COMPLETION))
		return;
	ring_packet_init(&head, len);
	head.type = RING_COMPLETION;
	head.id = packet->head.id;
	if (bus_send(bus, chan, &head, reply, len, BUS_SIGNAL_AUTO, NULL, &why) != BUS_SENT)
		bus_note(bus, chan, why);
}

static void on_init(struct vmbus *bus, struct channel *chan, const struct packet *packet,
		    const u32 *msg)
{
	static const u32 known[] = { NVSP_6_1, NVSP_6, NVSP_5, NVSP_4, NVSP_2, NVSP_1 };
	u32 newest = nic_of(chan)->cfg.nvsp, i;
	u32 reply[NVSP_WORDS] = { NVSP_INIT_DONE, 0, LONGEST_LIST, NVSP_TOO_NEW };
	struct session *s = chan->session;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i] > newest || known[i] < msg[1] || known[i] > msg[2])
			continue;
		s->nvsp = known[i];
		reply[1] = s->nvsp;
		reply[3] = NVSP_OK;
		break;
	}
	trace(bus->cfg.trace, "nic", "channel %u: NVSP 0x%x to 0x%x: %s", chan->relid, msg[1],
	      msg[2], reply[3] == NVSP_OK ? "taken" : "refused");
	complete(bus, chan, packet, reply);
}

static struct gpadl *gpadl_of(struct vmbus *bus, struct channel *chan, u32 id)
{
	struct gpadl **at = bus_find_gpadl(bus, id);

	return at && gpadl_complete(*at) && (*at)->relid == chan->relid ? *at : NULL;
}

/* Take a buffer that the guest lends. Returns false if it cannot be used. */
static bool borrow(struct vmbus *bus, struct channel *chan, struct buffer *buffer, const u32 *msg,
		   u32 section)
{
	struct gpadl *gpadl = gpadl_of(bus, chan, msg[1]);

	if (buffer->lent || !gpadl || gpadl->bytes < section) {
		bus_note(bus, chan, "the guest lends the NIC a buffer that cannot be used");
		return false;
	}
	buffer->lent = true;
	buffer->gpadl = msg[1];
	buffer->id = (u16)msg[2];
	buffer->bytes = gpadl->bytes;
	buffer->sections = gpadl->bytes / section;
	return true;
}

static void on_recv_buf(struct vmbus *bus, struct channel *chan, const struct packet *packet,
			const u32 *msg)
{
	u32 reply[NVSP_WORDS] = { NVSP_RECV_BUF_DONE, NVSP_FAILED };
	struct session *s = chan->session;

	if (borrow(bus, chan, &s->recv, msg, RECV_SECTION)) {
		s->busy = 0;
		reply[1] = NVSP_OK;
		reply[2] = 1;
		reply[4] = RECV_SECTION;
		reply[5] = s->recv.sections;
		reply[6] = s->recv.sections * RECV_SECTION;
	}
	complete(bus, chan, packet, reply);
}

static void on_send_buf(struct vmbus *bus, struct channel *chan, const struct packet *packet,
			const u32 *msg)
{
	u32 reply[NVSP_WORDS] = { NVSP_SEND_BUF_DONE, NVSP_FAILED };
	struct session *s = chan->session;

	if (borrow(bus, chan, &s->send, msg, SEND_SECTION)) {
		reply[1] = NVSP_OK;
		reply[2] = SEND_SECTION;
	}
	complete(bus, chan, packet, reply);
}

static void revoke(struct vmbus *bus, struct channel *chan, struct buffer *buffer, const u32 *msg)
{
	if (!buffer->lent || buffer->id != (u16)msg[1])
		bus_note(bus, chan, "the guest revokes a buffer that it did not lend");
	else
		buffer->lent = false;
}

/* ---- RNDIS, host to guest ---- */

/* Put an RNDIS message into a section of the receive buffer and announce it to the guest. */
static void indicate(struct vmbus *bus, struct channel *chan, const void *msg, u32 len)
{
	struct session *s = chan->session;
	struct gpadl *gpadl = s->recv.lent ? gpadl_of(bus, chan, s->recv.gpadl) : NULL;
	struct {
		u16 buffer;
		u16 owner;
		u32 nranges;
		u32 bytes;
		u32 offset;
		u32 nvsp[NVSP_WORDS];
	} data = {
		.buffer = s->recv.id,
		.nranges = 1,
		.bytes = len,
		.nvsp = { NVSP_RNDIS, 1, NO_SECTION },
	};
	struct ring_packet head;
	const char *why;
	u32 i;

	for (i = 0; i < SECTIONS_USED && s->busy >> i & 1; i++)
		;
	if (!gpadl || i == SECTIONS_USED || i >= s->recv.sections || len > RECV_SECTION) {
		bus_note(bus, chan, "no section of the NIC's receive buffer is free");
		return;
	}
	data.offset = i * RECV_SECTION;
	if (!gpadl_write(gpadl, bus->vm, data.offset, msg, len)) {
		bus_note(bus, chan, "the NIC's receive buffer has a page that is no RAM");
		return;
	}
	ring_packet_init(&head, sizeof(data));
	head.type = RING_TRANSFER_PAGES;
	head.offset8 = (u16)((RING_HEADER + sizeof(data) - sizeof(data.nvsp)) / 8);
	head.flags = RING_WANTS_COMPLETION;
	head.id = i + 1;
	if (bus_send(bus, chan, &head, &data, sizeof(data), BUS_SIGNAL_AUTO, NULL, &why) == BUS_SENT)
		s->busy |= 1ull << i;
	else
		bus_note(bus, chan, why);
}

/* The guest gives a section back. */
static void on_completion(struct vmbus *bus, struct channel *chan, const struct packet *packet)
{
	struct session *s = chan->session;
	u64 i = packet->head.id - 1;
	u32 msg[2];

	if (i >= SECTIONS_USED || !(s->busy >> i & 1) || packet->len < sizeof(msg)) {
		bus_note(bus, chan, "the guest completes what the NIC did not send");
		return;
	}
	s->busy &= ~(1ull << i);
	memcpy(msg, packet->payload, sizeof(msg));
	if (msg[0] != NVSP_RNDIS_DONE || msg[1] != NVSP_OK)
		bus_note(bus, chan, "the guest did not like an RNDIS message of the NIC's");
}

static void indicate_link(struct vmbus *bus, struct channel *chan, bool up)
{
	u32 msg[5] = { RNDIS_INDICATE, sizeof(msg), up ? RNDIS_LINK_UP : RNDIS_LINK_DOWN };

	indicate(bus, chan, msg, sizeof(msg));
}

/* ---- RNDIS, guest to host ---- */

/* Offloads, none: the structure of NDIS 6.30, 6.1 or 6.0, as the NVSP version goes. */
static u32 offload_capabilities(u32 nvsp, u8 *data)
{
	u32 size = nvsp >= NVSP_5 ? 156 : nvsp >= NVSP_4 ? 144 : 112;

	memset(data, 0, size);
	data[0] = 0xa7;
	data[1] = nvsp >= NVSP_5 ? 3 : nvsp >= NVSP_4 ? 2 : 1;
	data[2] = (u8)size;
	return size;
}

/* Returns the length of an object's value in @data, 0 if there is no such object. */
static u32 object(const struct channel *chan, u32 oid, u8 data[256])
{
	/* The name that Hyper-V gives an adapter without a name; in UTF-16. */
	static const char name[] = "Network Adapter";
	const struct session *s = chan->session;
	const struct nic *nic = nic_of(chan);
	u32 value, i;

	switch (oid) {
	case OID_HARDWARE_STATUS:
	case OID_MEDIA_SUPPORTED:
	case OID_MEDIA_IN_USE:
		value = 0;	/* ready; 802.3 */
		break;
	case OID_FRAME_SIZE:
		value = 1500;
		break;
	case OID_TOTAL_SIZE:
		value = 1514;
		break;
	case OID_LINK_SPEED:
		value = 100000000;	/* 10 Gbit/s */
		break;
	case OID_PACKET_FILTER:
		value = s->filter;
		break;
	case OID_CONNECT_STATUS:
		value = !nic->link;
		break;
	case OID_PERMANENT_ADDRESS:
	case OID_CURRENT_ADDRESS:
		memcpy(data, nic->cfg.mac, sizeof(nic->cfg.mac));
		return sizeof(nic->cfg.mac);
	case OID_FRIENDLY_NAME:
		for (i = 0; i < sizeof(name); i++) {
			data[i * 2] = (u8)name[i];
			data[i * 2 + 1] = 0;
		}
		return sizeof(name) * 2;
	case OID_OFFLOAD_CAPABILITIES:
		return offload_capabilities(s->nvsp, data);
	default:
		return 0;
	}
	memcpy(data, &value, sizeof(value));
	return sizeof(value);
}

/* Initialise: id, major, minor, longest transfer. */
static void on_rndis_init(struct vmbus *bus, struct channel *chan, const u32 *msg)
{
	u32 reply[13] = { RNDIS_INIT | RNDIS_ANSWER, sizeof(reply), msg[2], RNDIS_OK,
			  1, 0,		/* version */
			  1, 0,		/* no connections; 802.3 */
			  8, 0x4000,	/* packets in one message; its bytes */
			  3 };		/* packets aligned to 1 << 3 */
	struct session *s = chan->session;

	s->rndis = true;
	indicate(bus, chan, reply, sizeof(reply));
}

/* Query: id, object, bytes of what follows, where it is, 0. */
static void on_query(struct vmbus *bus, struct channel *chan, const u32 *msg)
{
	struct {
		u32 type, len, id, status, bytes, offset;
		u8 data[256];
	} reply = { .type = RNDIS_QUERY | RNDIS_ANSWER, .id = msg[2], .status = RNDIS_FAILED };
	struct session *s = chan->session;

	if (s->rndis) {
		reply.bytes = object(chan, msg[3], reply.data);
		reply.status = reply.bytes ? RNDIS_OK : RNDIS_NOT_SUPPORTED;
	}
	/* Counted from the id on. */
	reply.offset = reply.bytes ? 16 : 0;
	reply.len = 24 + reply.bytes;
	indicate(bus, chan, &reply, reply.len);
}

/* Set: as a query, with a value. @len: bytes of the whole message. */
static void on_set(struct vmbus *bus, struct channel *chan, const u32 *msg, u32 len)
{
	u32 reply[4] = { RNDIS_SET | RNDIS_ANSWER, sizeof(reply), msg[2], RNDIS_FAILED };
	u32 bytes = msg[4], offset = msg[5];
	struct session *s = chan->session;

	if (offset > len - 8 || bytes > len - 8 - offset) {
		reply[3] = RNDIS_BAD_LENGTH;
	} else if (s->rndis) {
		switch (msg[3]) {
		case OID_PACKET_FILTER:
			reply[3] = bytes >= 4 ? RNDIS_OK : RNDIS_BAD_LENGTH;
			if (bytes >= 4)
				memcpy(&s->filter, (const u8 *)msg + 8 + offset, 4);
			break;
		case OID_MULTICAST_LIST:
		case OID_OFFLOAD_PARAMETERS:
			reply[3] = RNDIS_OK;
			break;
		default:
			/* The MAC address among them: it is the host's to give. */
			reply[3] = RNDIS_NOT_SUPPORTED;
			break;
		}
	}
	indicate(bus, chan, reply, sizeof(reply));
}

/* The packet is completed already. @len: bytes in @msg, which the guest cannot change. */
static void on_control(struct vmbus *bus, struct channel *chan, const u32 *msg, u32 len)
{
	struct session *s = chan->session;

	s->requests++;
	trace(bus->cfg.trace, "nic", "channel %u: RNDIS message %u, %u bytes, object 0x%x",
	      chan->relid, msg[0], len, len >= 16 ? msg[3] : 0);
	switch (msg[0]) {
	case RNDIS_INIT:
		on_rndis_init(bus, chan, msg);
		break;
	case RNDIS_HALT:
		s->rndis = false;
		s->filter = 0;
		break;
	case RNDIS_QUERY:
		on_query(bus, chan, msg);
		break;
	case RNDIS_SET:
		on_set(bus, chan, msg, len);
		break;
	case RNDIS_KEEPALIVE: {
		u32 reply[4] = { RNDIS_KEEPALIVE | RNDIS_ANSWER, sizeof(reply), msg[2], RNDIS_OK };

		indicate(bus, chan, reply, sizeof(reply));
		break;
	}
	}
}

/* Does a control message have what its type needs? Returns its own length, 0 if not. */
static u32 control_length(const u32 *msg, u32 len)
{
	static const u32 least[] = {
		[RNDIS_INIT] = 24, [RNDIS_HALT] = 12, [RNDIS_QUERY] = 28, [RNDIS_SET] = 28,
		[RNDIS_KEEPALIVE] = 12,
	};

	if (len < 12 || msg[0] >= ARRAY_SIZE(least) || !least[msg[0]])
		return 0;
	return msg[1] >= least[msg[0]] && msg[1] <= len ? msg[1] : 0;
}

/*
 * The RNDIS message of a packet: the section of the send buffer, then
 * the pages that the packet lists. Returns its bytes, of which at most
 * @room are in @data, or 0 and why.
 */
static u32 gather(struct vmbus *bus, struct channel *chan, const struct packet *packet,
		  const u32 *msg, u8 *data, u32 room, const char **why)
{
	struct session *s = chan->session;
	u32 bytes = 0, list_len, more;
	const u8 *list;

	if (msg[2] != NO_SECTION) {
		struct gpadl *gpadl = s->send.lent ? gpadl_of(bus, chan, s->send.gpadl) : NULL;

		bytes = msg[3];
		*why = "an RNDIS message in a section that the send buffer does not have";
		if (!gpadl || msg[2] >= s->send.sections || bytes > SEND_SECTION)
			return 0;
		if (!gpadl_read(gpadl, bus->vm, (u64)msg[2] * SEND_SECTION, data,
				bytes < room ? bytes : room))
			return 0;
	}
	if (packet->head.type == RING_GPA_DIRECT) {
		u32 at = bytes < room ? bytes : room;

		list = ring_extra(&packet->head, packet->payload, packet->len, &list_len);
		more = gpa_ranges_read(bus->vm, list, list_len, data + at, room - at, why);
		if (!more)
			return 0;
		bytes += more;
	}
	*why = bytes ? NULL : "an RNDIS packet without a message";
	return bytes;
}

static void on_rndis(struct vmbus *bus, struct channel *chan, const struct packet *packet,
		     const u32 *msg)
{
	u32 reply[NVSP_WORDS] = { NVSP_RNDIS_DONE, NVSP_OK };
	u32 data[CONTROL_MAX / 4] = { 0 };
	struct session *s = chan->session;
	bool control = msg[1];
	const char *why;
	u32 len;

	len = gather(bus, chan, packet, msg, (u8 *)data, control ? sizeof(data) : 0, &why);
	if (!why && control) {
		len = control_length(data, len < sizeof(data) ? len : sizeof(data));
		if (!len)
			why = "an RNDIS control message of no known type and size";
	}
	if (why) {
		bus_note(bus, chan, why);
		reply[1] = NVSP_BAD_RNDIS;
	}
	complete(bus, chan, packet, reply);
	if (why)
		return;
	if (control) {
		on_control(bus, chan, data, len);
	} else {
		s->sent++;
		s->sent_bytes += len;
	}
}

static void on_nvsp(struct vmbus *bus, struct channel *chan, const struct packet *packet)
{
	struct session *s = chan->session;
	u32 msg[NVSP_WORDS] = { 0 };

	/* What a shorter message leaves out is 0, and means nothing good. */
	memcpy(msg, packet->payload, packet->len < sizeof(msg) ? packet->len : sizeof(msg));
	if (!s->nvsp && msg[0] != NVSP_INIT) {
		bus_note(bus, chan, "an NVSP message before a version was agreed");
		complete(bus, chan, packet, NULL);
		return;
	}
	switch (msg[0]) {
	case NVSP_INIT:
		on_init(bus, chan, packet, msg);
		break;
	case NVSP_RECV_BUF:
		on_recv_buf(bus, chan, packet, msg);
		break;
	case NVSP_SEND_BUF:
		on_send_buf(bus, chan, packet, msg);
		break;
	case NVSP_RNDIS:
		on_rndis(bus, chan, packet, msg);
		break;
	case NVSP_SUBCHANNELS: {
		u32 reply[NVSP_WORDS] = { NVSP_SUBCHANNELS, NVSP_OK, 0 };

		complete(bus, chan, packet, reply);
		break;
	}
	case NVSP_REVOKE_RECV_BUF:
		revoke(bus, chan, &s->recv, msg);
		complete(bus, chan, packet, NULL);
		break;
	case NVSP_REVOKE_SEND_BUF:
		revoke(bus, chan, &s->send, msg);
		complete(bus, chan, packet, NULL);
		break;
	case NVSP_NDIS_CONFIG:
		s->mtu = msg[1];
		complete(bus, chan, packet, NULL);
		break;
	case NVSP_NDIS_VERSION:
	case NVSP_DATA_PATH:
		complete(bus, chan, packet, NULL);
		break;
	default:
		bus_note(bus, chan, "an NVSP message of an unknown type");
		complete(bus, chan, packet, NULL);
		break;
	}
}

/* ---- the device ---- */

static bool nic_open(struct channel *chan)
{
	free(chan->session);
	chan->session = calloc(1, sizeof(struct session));
	return chan->session;
}

static void nic_packet(struct vmbus *bus, struct channel *chan, const struct packet *packet)
{
	switch (packet->head.type) {
	case RING_IN_BAND:
	case RING_GPA_DIRECT:
		on_nvsp(bus, chan, packet);
		break;
	case RING_COMPLETION:
		on_completion(bus, chan, packet);
		break;
	default:
		bus_note(bus, chan, "a ring packet of a type that a NIC does not know");
		complete(bus, chan, packet, NULL);
		break;
	}
}

static bool nic_quiesce(struct vmbus *bus, struct channel *chan)
{
	const struct session *s = chan->session;

	if (!s->filter)
		return false;
	indicate_link(bus, chan, false);
	return true;
}

static const struct device_ops nic_ops = {
	.room = 256,		/* a completion of 64 bytes and an RNDIS message of 80 */
	.open = nic_open,
	.packet = nic_packet,
	.quiesce = nic_quiesce,
};

const char *nic_state_name(enum nic_state state)
{
	static const char *const names[] = {
		[NIC_CLOSED] = "closed",
		[NIC_OPEN] = "open",
		[NIC_READY] = "ready",
		[NIC_RUNNING] = "running",
	};

	return (unsigned int)state < ARRAY_SIZE(names) ? names[state] : "?";
}

bool nic_attach(struct vmbus *bus, u32 device, const struct nic_config *cfg)
{
	struct nic *nic = calloc(1, sizeof(*nic));
	struct device *dev;
	bool good;

	if (!nic)
		return false;
	nic->cfg = *cfg;
	nic->link = !cfg->link_down;
	if (!nic->cfg.nvsp)
		nic->cfg.nvsp = NVSP_6_1;
	pthread_mutex_lock(&bus->lock);
	dev = bus_find_device(bus, device);
	good = dev && !dev->ops && !dev->channel;
	if (good) {
		dev->ops = &nic_ops;
		dev->model = nic;
	}
	pthread_mutex_unlock(&bus->lock);
	if (!good)
		free(nic);
	return good;
}

/* The device if it is a NIC; *@chan is its open channel, or NULL. */
static struct device *find_nic(struct vmbus *bus, u32 device, struct channel **chan)
{
	struct device *dev = bus_find_device(bus, device);

	*chan = NULL;
	if (!dev || dev->ops != &nic_ops)
		return NULL;
	if (dev->channel && dev->channel->state == CHAN_OPEN)
		*chan = dev->channel;
	return dev;
}

bool nic_info(struct vmbus *bus, u32 device, struct nic_info *info)
{
	const struct session *s;
	struct channel *chan;
	struct device *dev;

	memset(info, 0, sizeof(*info));
	pthread_mutex_lock(&bus->lock);
	dev = find_nic(bus, device, &chan);
	if (chan) {
		s = chan->session;
		info->state = s->filter ? NIC_RUNNING : s->rndis ? NIC_READY : NIC_OPEN;
		info->nvsp = s->nvsp;
		info->filter = s->filter;
		info->mtu = s->mtu;
		info->recv_bytes = s->recv.lent ? s->recv.bytes : 0;
		info->send_bytes = s->send.lent ? s->send.bytes : 0;
		info->sent = s->sent;
		info->sent_bytes = s->sent_bytes;
		info->requests = s->requests;
	}
	pthread_mutex_unlock(&bus->lock);
	return dev;
}

bool nic_link(struct vmbus *bus, u32 device, bool up)
{
	struct channel *chan;
	struct device *dev;

	pthread_mutex_lock(&bus->lock);
	dev = find_nic(bus, device, &chan);
	if (dev)
		((struct nic *)dev->model)->link = up;
	if (chan && ((struct session *)chan->session)->rndis)
		indicate_link(bus, chan, up);
	pthread_mutex_unlock(&bus->lock);
	return dev;
}
