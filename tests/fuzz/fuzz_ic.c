// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's parsers: a packet of the host, and a message of the service. Each
 * is in memory of just its size, so a look behind its end is noticed.
 */
#include "ic.h"
#include "msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

u64 fuzz_now_ns;

static void *copy_of(const void *data, size_t len)
{
	void *copy = malloc(len);

	MUST(copy);
	return len ? memcpy(copy, data, len) : copy;
}

static void must_be_answer(const struct hvkvp_packet *pkt, u32 len, u32 room)
{
	MUST(len >= HVKVP_PACKET_OVERHEAD && len <= room);
	MUST(le32_to_cpu(pkt->pipe_type) == HVKVP_PIPE_DATA);
	MUST(le32_to_cpu(pkt->pipe_len) == len - HVKVP_PIPE_HDR_SIZE);
	MUST(le16_to_cpu(pkt->body_len) == len - HVKVP_PACKET_OVERHEAD);
	MUST(pkt->flags == (HVKVP_IC_FLAG_TRANSACTION | HVKVP_IC_FLAG_RESPONSE));
	MUST(!pkt->reserved[0] && !pkt->reserved[1]);
}

/* A body that is filled up, and so its answer, can be longer than the packet. */
static void request(const struct hvkvp_packet *sent, u32 sent_len,
		    const struct kvp_ic_agreement *agreed, const struct kvp_ic_view *view)
{
	static struct { u64 align; u8 room[HVKVP_MAX_MESSAGE]; } message;
	struct hvkvp_request *req = (void *)message.room;
	u32 len, room = sizeof(*sent) + view->body_len;
	struct hvkvp_packet *pkt = malloc(room);

	MUST(pkt);
	memset(pkt, 0x5a, room);
	memcpy(pkt, sent, min(sent_len, room));
	kvp_ic_fill(pkt, view);
	MUST(view->sent_len <= sent_len - sizeof(*sent));
	MUST(!memcmp(pkt->body, sent->body, view->sent_len));
	for (u32 i = view->sent_len; i < view->body_len; i++)
		MUST(!pkt->body[i]);

	len = kvp_msg_make_request(7, 0, 8, agreed, pkt->body, view->body_len, req);
	MUST(agreed->valid || (view->operation != HVKVP_OP_GET_IP &&
			       view->operation != HVKVP_OP_SET_IP));
	MUST(view->body_len >= HVKVP_EXCHANGE_SIZE && view->body_len <= HVKVP_IP_SIZE);
	MUST(len <= HVKVP_MAX_MESSAGE && req->hdr.len == len);
	MUST(view->operation < HVKVP_OP_COUNT && view->pool < HVKVP_POOL_WIRE_COUNT);
	MUST(req->operation == view->operation && req->pool == view->pool);
	MUST(req->body_len == view->body_len && !req->reserved);
	MUST(!memcmp(req->body, pkt->body, view->body_len));
	must_be_answer(pkt, kvp_ic_answer(pkt, view->body_len, 0), room);
	free(pkt);
}

static void packet(u8 mode, const u8 *data, u32 len)
{
	struct hvkvp_packet *pkt = copy_of(data, len);
	struct kvp_ic_agreement agreed = {
		.valid = mode & 1, .fw = { 3, 0 }, .msg = { mode & 2 ? 5 : 4, 0 },
	};
	struct kvp_ic_view view;

	kvp_ic_parse(pkt, len, &agreed, &view);
	MUST(len < HVKVP_PACKET_OVERHEAD ? view.verdict == KVP_IC_DROP :
	     view.verdict == KVP_IC_REQUEST || view.body_len <= len - HVKVP_PACKET_OVERHEAD);
	MUST(view.oddities < 1U << KVP_IC_ODD_COUNT);
	switch (view.verdict) {
	case KVP_IC_DROP:
		MUST(view.field);
		break;
	case KVP_IC_REFUSE:
		MUST(view.field && view.status);
		must_be_answer(pkt, kvp_ic_answer(pkt, view.body_len, view.status), len);
		break;
	case KVP_IC_REQUEST:
		request(pkt, len, &agreed, &view);
		break;
	case KVP_IC_NEGOTIATE:
		must_be_answer(pkt, kvp_ic_negotiate(pkt, mode >> 2 & 3, mode >> 4 & 7, &agreed),
			       len);
		MUST(le16_to_cpu(pkt->body_len) == (agreed.valid ? 16 : 8));
		break;
	}
	free(pkt);
}

static void message(const u8 *data, size_t len)
{
	u8 *copy = copy_of(data, len);
	int type = kvp_msg_check(copy, len);

	switch (type) {
	case HVKVP_HELLO:
		MUST(len == sizeof(struct hvkvp_hello));
		kvp_msg_is_compatible((void *)copy);
		break;
	case HVKVP_REPLY:
		MUST(((struct hvkvp_reply *)copy)->body_len == len - sizeof(struct hvkvp_reply));
		break;
	default:
		MUST(type == -EINVAL);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!len)
		return 0;
	if (data[0] & 0x80)
		message(data + 1, len - 1);
	else
		packet(data[0], data + 1, len - 1);
	return 0;
}
