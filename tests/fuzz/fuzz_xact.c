// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's transaction between a host and a service that both do anything in
 * any order: packets, replies, deaths, time that passes, rings that are full,
 * channels that close. A packet gets at most one answer, and in the end all is
 * well: the next service and a proper host find each other.
 */
#include "feed.h"
#include "xact.h"

#define PACKETS		256	/* in one run */
#define RING		64	/* that wait for the guest */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

u64 fuzz_now_ns;

/* What the fuzzer says next; zeroes when it has said all. */
static const uint8_t *input;
static size_t input_len;

static struct {
	struct { u8 *data; u32 len; bool negotiates; } waiting[PACKETS];
	unsigned int written;		/* by the host */
	unsigned int read;		/* by the guest */
	unsigned int given_up;		/* packets before this one wait for no answer */
	bool answered[PACKETS];
	unsigned int answers;
	unsigned int full;		/* sends that will find no room */
	bool broken;			/* the next read or write fails */
	bool open;
} ring;

static struct kvp_xact *xact;
static struct kvp_feed *feed;	/* of a monitor, if there is one */
static bool owned;
static bool ready;
static u64 held_id;			/* what the service has read last */
static u32 held_len;

static unsigned int next(void)
{
	if (!input_len)
		return 0;
	input_len--;
	return *input++;
}

/* The channel. */

static int take_packet(void *channel, struct kvp_packet *pkt)
{
	(void)channel;
	MUST(ring.open);
	lockdep_assert_held(&xact->lock);
	pkt->len = 0;
	if (ring.broken)
		return -EMSGSIZE;
	if (ring.read == ring.written)
		return 0;
	pkt->len = ring.waiting[ring.read].len;
	memcpy(pkt->ic, ring.waiting[ring.read].data, pkt->len);
	/* Who negotiates has given up what he asked before. */
	if (ring.waiting[ring.read].negotiates)
		ring.given_up = ring.read;
	pkt->cookie = ring.read++;
	return 0;
}

static int take_answer(void *channel, const struct kvp_packet *pkt)
{
	(void)channel;
	MUST(ring.open);
	lockdep_assert_held(&xact->lock);
	MUST(pkt->cookie < ring.read && pkt->cookie >= ring.given_up);
	MUST(!ring.answered[pkt->cookie]);
	MUST(pkt->len >= HVKVP_PACKET_OVERHEAD && pkt->len <= KVP_XACT_PACKET_SIZE);
	MUST(le32_to_cpu(pkt->ic->pipe_len) == pkt->len - HVKVP_PIPE_HDR_SIZE);
	MUST(pkt->ic->flags == (HVKVP_IC_FLAG_TRANSACTION | HVKVP_IC_FLAG_RESPONSE));
	if (ring.broken)
		return -EIO;
	if (ring.full) {
		ring.full--;
		return -EAGAIN;
	}
	ring.answered[pkt->cookie] = true;
	ring.answers++;
	return 0;
}

/* The channel closes at once, and opens when the fuzzer says so. */
static void take_reset(void *channel)
{
	(void)channel;
	MUST(ring.open);
	ring.open = ring.broken = false;
	ring.read = ring.written;
	ring.full = 0;
}

static const struct kvp_xact_ops ops = {
	.recv = take_packet, .send = take_answer, .reset = take_reset,
};

/* The host. */

static void put(const struct hvkvp_packet *pkt, const void *body, u32 body_len, u32 room)
{
	u8 *data;

	if (ring.written == PACKETS || ring.written - ring.read == RING)
		return;
	data = calloc(1, sizeof(*pkt) + room);
	MUST(data);
	memcpy(data, pkt, sizeof(*pkt));
	memcpy(data + sizeof(*pkt), body, body_len);
	ring.waiting[ring.written].data = data;
	ring.waiting[ring.written++].len = sizeof(*pkt) + room;
}

static void host_says(u16 type, const void *body, u32 body_len, u32 room)
{
	struct hvkvp_packet pkt = {
		.pipe_type = cpu_to_le32(HVKVP_PIPE_DATA),
		.pipe_len = cpu_to_le32(HVKVP_IC_HDR_SIZE + room),
		.type = cpu_to_le16(type),
		.body_len = cpu_to_le16(room),
		.flags = HVKVP_IC_FLAG_TRANSACTION | HVKVP_IC_FLAG_REQUEST,
	};

	put(&pkt, body, body_len, room);
}

static void host_negotiates(u8 major)
{
	const u8 body[] = { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, major, 0, 0, 0 };
	unsigned int before = ring.written;

	host_says(HVKVP_IC_TYPE_NEGOTIATE, body, sizeof(body), sizeof(body));
	if (ring.written != before)
		ring.waiting[before].negotiates = true;
}

static void host_asks(u8 operation, u8 pool)
{
	const u8 body[] = { operation, pool };

	host_says(HVKVP_IC_TYPE_KVP, body, sizeof(body),
		  operation == 4 || operation == 5 ? HVKVP_IP_SIZE : HVKVP_EXCHANGE_SIZE);
}

static void host_lies(void)
{
	struct hvkvp_packet pkt;
	u8 body[64];
	u32 room = next() | (next() & 0x1f) << 8;

	for (size_t i = 0; i < sizeof(pkt); i++)
		((u8 *)&pkt)[i] = next();
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = next();
	put(&pkt, body, min(room, (u32)sizeof(body)), room);
}

/* The service. */

static void service_reads(void)
{
	static struct { u64 align; u8 room[HVKVP_MAX_MESSAGE]; } message;
	struct hvkvp_request *req = (void *)message.room;
	u32 len = kvp_xact_peek(xact, req);

	if (!len)
		return;
	MUST(ready && req->hdr.len == len && req->hdr.id);
	/* Each request is read once, but for one that the service before has read. */
	MUST(req->hdr.flags == (req->hdr.id == held_id ? HVKVP_AGAIN : 0));
	held_id = req->hdr.id;
	held_len = req->body_len;
	kvp_xact_take(xact, held_id);
}

static void service_replies(u64 id, u32 status, u32 body_len)
{
	static struct { u64 align; u8 room[HVKVP_MAX_MESSAGE]; } message;
	struct hvkvp_reply *reply = (void *)message.room;
	unsigned int ended = xact->ended_count;

	body_len = min(body_len, (u32)(HVKVP_MAX_MESSAGE - sizeof(*reply)));
	*reply = (struct hvkvp_reply) {
		.hdr.len = sizeof(*reply) + body_len, .hdr.type = HVKVP_REPLY, .hdr.id = id,
		.status = status, .body_len = body_len,
	};
	if (owned && ready)
		MUST(!kvp_xact_reply(xact, reply) == (xact->ended_count != ended));
}

static void service_comes(bool says_hello)
{
	if (!owned)
		owned = kvp_xact_own(xact) == 0;
	else
		MUST(kvp_xact_own(xact) == (kvp_xact_is_gone(xact) ? -ENODEV : -EBUSY));
	if (owned && !ready && says_hello) {
		kvp_xact_attach(xact, HVKVP_MINOR);
		ready = true;
	}
}

static void service_dies(void)
{
	if (owned)
		kvp_xact_disown(xact);
	owned = ready = false;
}

/* The rest of the world. */

static void channel_opens(void)
{
	static struct device dev;

	if (ring.open)
		return;
	ring.open = true;
	ring.given_up = ring.read;
	kvp_xact_open(xact, &dev);
}

static void channel_closes(void)
{
	if (!ring.open)
		return;
	kvp_xact_close(xact, false);
	MUST(!delayed_work_pending(&xact->timer) && !xact->again.queued);
	ring.open = false;
	/* What was in the ring is gone with it. */
	ring.read = ring.written;
	ring.full = 0;
}

static void timer_runs(void)
{
	fuzz_now_ns += NSEC_PER_SEC;
	if (xact->again.queued) {
		xact->again.queued = false;
		xact->again.run(&xact->again);
	}
	if (!delayed_work_pending(&xact->timer))
		return;
	xact->timer.pending = false;
	xact->timer.work.run(&xact->timer.work);
}

static void monitor_reads(void)
{
	static struct { u64 align; u8 room[HVKVP_MAX_MESSAGE]; } message;
	const struct hvkvp_event *event = (void *)message.room;
	u32 len;

	if (!feed)
		return;
	len = kvp_feed_peek(feed, message.room);
	MUST(!len == kvp_feed_is_empty(feed));
	if (!len)
		return;
	MUST(event->hdr.len == len && event->hdr.type == HVKVP_EVENT && !event->reserved);
	kvp_feed_drop(feed, message.room);
}

static void step(void)
{
	switch (next() % 16) {
	case 0:
	case 1:
		host_asks(next(), next());
		break;
	case 2:
		host_negotiates(next() % 8);
		break;
	case 3:
		host_lies();
		break;
	case 4:
	case 5:
		if (ring.open)
			kvp_xact_pump(xact);
		break;
	case 6:
		service_comes(next() % 4);
		break;
	case 7:
		service_dies();
		break;
	case 8:
	case 9:
		service_reads();
		break;
	case 10:
	case 11:
		service_replies(held_id, next() % 2, held_len);
		break;
	case 12:
		service_replies(held_id - next() % 4, next(), next() << 5);
		break;
	case 13:
		timer_runs();
		break;
	case 14:
		switch (next() % 4) {
		case 0:
			monitor_reads();
			break;
		case 1:
		case 2:
			ring.full += next() % 4;
			break;
		case 3:
			ring.broken = ring.open;
			break;
		}
		break;
	case 15:
		if (next() % 2)
			channel_closes();
		else
			channel_opens();
		break;
	}
}

/* A proper host and service for as long as anything moves. */
static void settle(void)
{
	for (int i = 0; i < 4 * PACKETS && (xact->state != KVP_ST_IDLE || ring.read != ring.written); i++) {
		service_reads();
		service_replies(held_id, 1, held_len);
		timer_runs();
		kvp_xact_pump(xact);
	}
	MUST(xact->state == KVP_ST_IDLE && ring.read == ring.written && !xact->next.len);
}

static void all_is_well(void)
{
	unsigned int before;

	ring.broken = false;
	channel_opens();
	service_comes(true);
	ring.full = 0;
	settle();
	MUST(xact->counters[KVP_CNT_REQUESTS] >= xact->counters[KVP_CNT_ANSWERED] +
	     xact->counters[KVP_CNT_EXPIRED] + xact->counters[KVP_CNT_WITHDRAWN]);
	MUST(xact->counters[KVP_CNT_REQUESTS] <= xact->counters[KVP_CNT_ANSWERED] +
	     xact->counters[KVP_CNT_EXPIRED] + xact->counters[KVP_CNT_WITHDRAWN] +
	     xact->counters[KVP_CNT_UNSENT]);
	for (unsigned int i = 0; i < ring.written; i++)
		free(ring.waiting[i].data);
	memset(&ring, 0, sizeof(ring));
	ring.open = true;

	host_negotiates(5);
	host_asks(1, 0);
	host_asks(99, 0);
	before = ring.answers;
	kvp_xact_pump(xact);
	settle();
	MUST(ring.answers == before + 3);
	for (unsigned int i = 0; i < 3; i++)
		free(ring.waiting[i].data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct kvp_xact_params params = { 30, 55, 3, 5 };

	input = data;
	input_len = len;
	memset(&ring, 0, sizeof(ring));
	owned = ready = false;
	held_id = held_len = 0;
	fuzz_now_ns = 1;
	xact = kvp_xact_create(&ops, NULL, &params);
	MUST(xact);
	/* Its memory takes longer than all the rest. */
	feed = next() % 8 == 1 ? kvp_feed_create() : NULL;
	MUST(!feed || !kvp_xact_add_feed(xact, feed));
	channel_opens();
	while (input_len)
		step();
	all_is_well();

	if (feed) {
		kvp_xact_remove_feed(xact, feed);
		kvp_feed_destroy(feed);
	}
	MUST(list_empty(&xact->feeds));
	kvp_xact_close(xact, true);
	service_dies();
	kvp_xact_put(xact);
	return 0;
}
