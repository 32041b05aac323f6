// SPDX-License-Identifier: GPL-2.0-only
/*
 * Integration component framing, see ic.h.
 */
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "hv_kvp.h"
#include "ic.h"

/* In order of preference: the first one that the host offers is used. */
static const struct kvp_ic_version known_fw[] = { { 3, 0 }, { 1, 0 } };
static const struct kvp_ic_version known_msg[] = {
	{ 5, 0 }, { 4, 0 }, { 3, 0 }, { 1, 0 }
};

static void refuse(struct kvp_ic_view *view, u32 status, const char *field,
		   u32 value)
{
	view->verdict = KVP_IC_REFUSE;
	view->status = status;
	view->field = field;
	view->value = value;
}

static void drop(struct kvp_ic_view *view, const char *field, u32 value)
{
	view->verdict = KVP_IC_DROP;
	view->field = field;
	view->value = value;
}

static bool is_ip(u8 operation)
{
	return operation == HVKVP_OP_GET_IP || operation == HVKVP_OP_SET_IP;
}

/* Body size of @operation, in bytes. */
static u32 operation_size(u8 operation, const struct kvp_ic_agreement *agreed)
{
	if (!is_ip(operation))
		return HVKVP_EXCHANGE_SIZE;
	return agreed->msg.major >= 5 ? HVKVP_IP_BINARY_USED : HVKVP_IP_SIZE;
}

/* Offset behind @size bytes at @offset; a size beyond @max ends nowhere. */
static u32 end_of(u32 offset, __le32 size, u32 max)
{
	return le32_to_cpu(size) <= max ? offset + le32_to_cpu(size) : U32_MAX;
}

/*
 * Bytes of the body that @operation uses, which can be fewer than its size. The
 * first @room bytes exist.
 */
static u32 used_size(u8 operation, const u8 *body, u32 room,
		     const struct kvp_ic_agreement *agreed)
{
	const struct hvkvp_msg_exchange *exchange = (const void *)body;
	const struct hvkvp_msg_delete *delete = (const void *)body;
	u32 key_end;

	switch (operation) {
	case HVKVP_OP_GET:
	case HVKVP_OP_SET:
		if (room < offsetof(typeof(*exchange), data.key))
			return U32_MAX;
		key_end = end_of(offsetof(typeof(*exchange), data.key),
				 exchange->data.key_size, HVKVP_KEY_SIZE);
		if (operation == HVKVP_OP_GET || !exchange->data.value_size)
			return key_end;
		return max(key_end, end_of(offsetof(typeof(*exchange), data.value),
					   exchange->data.value_size,
					   HVKVP_VALUE_SIZE));
	case HVKVP_OP_DELETE:
		if (room < offsetof(typeof(*delete), key))
			return U32_MAX;
		return end_of(offsetof(typeof(*delete), key), delete->key_size,
			      HVKVP_KEY_SIZE);
	case HVKVP_OP_ENUMERATE:
		return offsetof(struct hvkvp_msg_enumerate, data);
	case HVKVP_OP_GET_IP:
		return agreed->msg.major >= 5 ?
		       offsetof(struct hvkvp_msg_ip_binary, family) :
		       offsetof(struct hvkvp_msg_ip_text, family);
	default:
		/* SET_IP: what is missing would be taken for "none". */
		return operation_size(operation, agreed);
	}
}

/*
 * Make sure of @need bytes of body. What counts is what the packet has, @room
 * bytes, and not what its header says.
 */
static bool has(struct kvp_ic_view *view, u32 need, u32 room)
{
	if (need > room)
		return false;
	if (need > view->body_len) {
		view->body_len = need;
		view->oddities |= BIT(KVP_IC_ODD_BODY_LEN);
	}
	return true;
}

static void parse_negotiate(const struct hvkvp_packet *pkt, u32 room,
			    struct kvp_ic_view *view)
{
	const struct hvkvp_negotiation *body = (const void *)pkt->body;
	u32 versions;

	if (!has(view, sizeof(*body), room)) {
		refuse(view, HVKVP_E_INVALIDARG, "negotiation size", room);
		return;
	}

	versions = le16_to_cpu(body->fw_count) + le16_to_cpu(body->msg_count);
	if (!has(view, struct_size(body, version, versions), room)) {
		refuse(view, HVKVP_E_INVALIDARG, "version count", versions);
		return;
	}

	view->verdict = KVP_IC_NEGOTIATE;
}

/* Check the body of a request whose operation and pool are valid. */
static void parse_body(const struct hvkvp_packet *pkt, u32 room,
		       const struct kvp_ic_agreement *agreed,
		       struct kvp_ic_view *view)
{
	u32 size = operation_size(view->operation, agreed);

	/* No operation uses more, and a message has no room for it. */
	view->body_len = min_t(u32, view->body_len, HVKVP_IP_SIZE);
	if (!has(view, size, room)) {
		if (!has(view, used_size(view->operation, pkt->body, room,
					 agreed), room)) {
			refuse(view, HVKVP_E_INVALIDARG, "body size", room);
			return;
		}
		view->oddities |= BIT(KVP_IC_ODD_SHORT_BODY);
	}
	view->sent_len = view->body_len;
	view->body_len = max(view->body_len, size);
	view->verdict = KVP_IC_REQUEST;
}

static void parse_kvp(const struct hvkvp_packet *pkt, u32 room,
		      const struct kvp_ic_agreement *agreed,
		      struct kvp_ic_view *view)
{
	if (!has(view, HVKVP_MSG_HDR_SIZE, room)) {
		refuse(view, HVKVP_E_INVALIDARG, "body size", room);
		return;
	}

	view->operation = pkt->body[0];
	view->pool = pkt->body[1];

	if (view->operation >= HVKVP_OP_COUNT)
		refuse(view, HVKVP_E_NOT_SUPPORTED, "operation",
		       view->operation);
	else if (view->pool >= HVKVP_POOL_WIRE_COUNT)
		refuse(view, HVKVP_E_INVALIDARG, "pool", view->pool);
	else if (!agreed->valid && is_ip(view->operation))
		refuse(view, HVKVP_E_FAIL, "IP request before negotiation",
		       view->operation);
	else
		parse_body(pkt, room, agreed, view);
	if (!agreed->valid && view->verdict == KVP_IC_REQUEST)
		view->oddities |= BIT(KVP_IC_ODD_UNAGREED);
}

void kvp_ic_parse(const struct hvkvp_packet *pkt, u32 len,
		  const struct kvp_ic_agreement *agreed,
		  struct kvp_ic_view *view)
{
	const u8 request = HVKVP_IC_FLAG_TRANSACTION | HVKVP_IC_FLAG_REQUEST;
	u32 pipe_len, room;

	BUILD_BUG_ON(sizeof(struct hvkvp_packet) != HVKVP_PACKET_OVERHEAD);
	BUILD_BUG_ON(sizeof(struct hvkvp_request) + HVKVP_IP_SIZE >
		     HVKVP_MAX_MESSAGE);

	memset(view, 0, sizeof(*view));

	if (len < HVKVP_PACKET_OVERHEAD) {
		drop(view, "packet length", len);
		return;
	}
	/* The answer to a response would answer the next request of the host. */
	if (pkt->flags & HVKVP_IC_FLAG_RESPONSE) {
		drop(view, "flags", pkt->flags);
		return;
	}
	if ((pkt->flags & request) != request)
		view->oddities |= BIT(KVP_IC_ODD_FLAGS);
	if (le32_to_cpu(pkt->pipe_type) != HVKVP_PIPE_DATA)
		view->oddities |= BIT(KVP_IC_ODD_PIPE_TYPE);

	room = len - HVKVP_PACKET_OVERHEAD;
	view->body_len = le16_to_cpu(pkt->body_len);
	if (view->body_len > room) {
		view->body_len = room;
		view->oddities |= BIT(KVP_IC_ODD_BODY_LEN);
	}
	/* The ring pads a packet; that is no part of the body. */
	if (room - view->body_len < sizeof(u64))
		room = view->body_len;
	pipe_len = le32_to_cpu(pkt->pipe_len);
	if (pipe_len < HVKVP_IC_HDR_SIZE + view->body_len ||
	    pipe_len > len - HVKVP_PIPE_HDR_SIZE)
		view->oddities |= BIT(KVP_IC_ODD_PIPE_LEN);

	switch (le16_to_cpu(pkt->type)) {
	case HVKVP_IC_TYPE_NEGOTIATE:
		parse_negotiate(pkt, room, view);
		break;
	case HVKVP_IC_TYPE_KVP:
		parse_kvp(pkt, room, agreed, view);
		break;
	default:
		refuse(view, HVKVP_E_NOT_SUPPORTED, "message type",
		       le16_to_cpu(pkt->type));
	}
}

void kvp_ic_fill(struct hvkvp_packet *pkt, const struct kvp_ic_view *view)
{
	memset(pkt->body + view->sent_len, 0, view->body_len - view->sent_len);
}

const char *kvp_ic_oddity_name(enum kvp_ic_oddity oddity)
{
	static const char * const names[KVP_IC_ODD_COUNT] = {
		[KVP_IC_ODD_PIPE_TYPE] = "pipe type",
		[KVP_IC_ODD_PIPE_LEN] = "pipe length",
		[KVP_IC_ODD_FLAGS] = "flags",
		[KVP_IC_ODD_BODY_LEN] = "body length",
		[KVP_IC_ODD_SHORT_BODY] = "short body",
		[KVP_IC_ODD_UNAGREED] = "request before negotiation",
	};

	return names[oddity];
}

/* Highest known version up to @max among @count offered ones from @first. */
static bool pick(const struct kvp_ic_version *known, size_t n_known,
		 unsigned int max, const struct hvkvp_negotiation *body,
		 u32 first, u32 count, struct kvp_ic_version *picked)
{
	size_t i;
	u32 j;

	for (i = 0; i < n_known; i++) {
		if (known[i].major > max)
			continue;
		for (j = first; j < first + count; j++) {
			if (le16_to_cpu(body->version[j].major) !=
			    known[i].major ||
			    le16_to_cpu(body->version[j].minor) !=
			    known[i].minor)
				continue;
			*picked = known[i];
			return true;
		}
	}
	return false;
}

u32 kvp_ic_negotiate(struct hvkvp_packet *pkt, unsigned int max_fw,
		     unsigned int max_msg, struct kvp_ic_agreement *agreed)
{
	struct hvkvp_negotiation *body = (void *)pkt->body;
	u32 fw_count = le16_to_cpu(body->fw_count);
	u32 msg_count = le16_to_cpu(body->msg_count);

	memset(agreed, 0, sizeof(*agreed));
	agreed->valid = pick(known_fw, ARRAY_SIZE(known_fw), max_fw, body, 0,
			     fw_count, &agreed->fw) &&
			pick(known_msg, ARRAY_SIZE(known_msg), max_msg, body,
			     fw_count, msg_count, &agreed->msg);

	body->reserved = 0;
	if (!agreed->valid) {
		memset(agreed, 0, sizeof(*agreed));
		body->fw_count = 0;
		body->msg_count = 0;
		return kvp_ic_answer(pkt, sizeof(*body), HVKVP_S_OK);
	}

	body->fw_count = cpu_to_le16(1);
	body->msg_count = cpu_to_le16(1);
	body->version[0].major = cpu_to_le16(agreed->fw.major);
	body->version[0].minor = cpu_to_le16(agreed->fw.minor);
	body->version[1].major = cpu_to_le16(agreed->msg.major);
	body->version[1].minor = cpu_to_le16(agreed->msg.minor);
	return kvp_ic_answer(pkt, struct_size(body, version, 2), HVKVP_S_OK);
}

u32 kvp_ic_answer(struct hvkvp_packet *pkt, u32 body_len, u32 status)
{
	pkt->pipe_type = cpu_to_le32(HVKVP_PIPE_DATA);
	pkt->pipe_len = cpu_to_le32(HVKVP_IC_HDR_SIZE + body_len);
	pkt->body_len = cpu_to_le16(body_len);
	pkt->status = cpu_to_le32(status);
	pkt->flags = HVKVP_IC_FLAG_TRANSACTION | HVKVP_IC_FLAG_RESPONSE;
	memset(pkt->reserved, 0, sizeof(pkt->reserved));
	return HVKVP_PACKET_OVERHEAD + body_len;
}

bool kvp_ic_returns_data(u8 operation)
{
	switch (operation) {
	case HVKVP_OP_GET:
	case HVKVP_OP_ENUMERATE:
	case HVKVP_OP_GET_IP:
		return true;
	default:
		return false;
	}
}
