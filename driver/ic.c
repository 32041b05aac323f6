// SPDX-License-Identifier: GPL-2.0-only
/*
 * Integration component framing, see ic.h.
 */
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

/* Minimum body size of @operation, in bytes. */
static u32 operation_size(u8 operation, const struct kvp_ic_agreement *agreed)
{
	switch (operation) {
	case HVKVP_OP_GET_IP:
	case HVKVP_OP_SET_IP:
		return agreed->msg.major >= 5 ? HVKVP_IP_BINARY_USED :
						HVKVP_IP_SIZE;
	default:
		return HVKVP_EXCHANGE_SIZE;
	}
}

static void parse_negotiate(const struct hvkvp_packet *pkt,
			    struct kvp_ic_view *view)
{
	const struct hvkvp_negotiation *body = (const void *)pkt->body;
	u32 versions;

	if (view->body_len < sizeof(*body)) {
		refuse(view, HVKVP_E_INVALIDARG, "negotiation size",
		       view->body_len);
		return;
	}

	versions = le16_to_cpu(body->fw_count) + le16_to_cpu(body->msg_count);
	if (versions > (view->body_len - sizeof(*body)) /
		       sizeof(body->version[0])) {
		refuse(view, HVKVP_E_INVALIDARG, "version count", versions);
		return;
	}

	view->verdict = KVP_IC_NEGOTIATE;
}

static void parse_kvp(const struct hvkvp_packet *pkt,
		      const struct kvp_ic_agreement *agreed,
		      struct kvp_ic_view *view)
{
	if (!agreed->valid) {
		refuse(view, HVKVP_E_FAIL, "request before negotiation",
		       view->body_len);
		return;
	}
	if (view->body_len < HVKVP_MSG_HDR_SIZE ||
	    view->body_len > HVKVP_IP_SIZE) {
		refuse(view, HVKVP_E_INVALIDARG, "body size", view->body_len);
		return;
	}

	view->operation = pkt->body[0];
	view->pool = pkt->body[1];

	if (view->operation >= HVKVP_OP_COUNT)
		refuse(view, HVKVP_E_NOT_SUPPORTED, "operation",
		       view->operation);
	else if (view->body_len < operation_size(view->operation, agreed))
		refuse(view, HVKVP_E_INVALIDARG, "body size", view->body_len);
	else if (view->pool >= HVKVP_POOL_WIRE_COUNT)
		refuse(view, HVKVP_E_INVALIDARG, "pool", view->pool);
	else
		view->verdict = KVP_IC_REQUEST;
}

void kvp_ic_parse(const struct hvkvp_packet *pkt, u32 len,
		  const struct kvp_ic_agreement *agreed,
		  struct kvp_ic_view *view)
{
	const u8 kinds = HVKVP_IC_FLAG_TRANSACTION | HVKVP_IC_FLAG_REQUEST |
			 HVKVP_IC_FLAG_RESPONSE;
	u32 pipe_len, body_len;

	BUILD_BUG_ON(sizeof(struct hvkvp_packet) != HVKVP_PACKET_OVERHEAD);
	BUILD_BUG_ON(sizeof(struct hvkvp_request) + HVKVP_IP_SIZE >
		     HVKVP_MAX_MESSAGE);

	memset(view, 0, sizeof(*view));

	if (len < HVKVP_PACKET_OVERHEAD) {
		drop(view, "packet length", len);
		return;
	}
	if (le32_to_cpu(pkt->pipe_type) != HVKVP_PIPE_DATA) {
		drop(view, "pipe type", le32_to_cpu(pkt->pipe_type));
		return;
	}
	/* A response, or a message that expects no answer. */
	if ((pkt->flags & kinds) !=
	    (HVKVP_IC_FLAG_TRANSACTION | HVKVP_IC_FLAG_REQUEST)) {
		drop(view, "flags", pkt->flags);
		return;
	}

	pipe_len = le32_to_cpu(pkt->pipe_len);
	if (pipe_len < HVKVP_IC_HDR_SIZE ||
	    pipe_len > len - HVKVP_PIPE_HDR_SIZE) {
		refuse(view, HVKVP_E_INVALIDARG, "pipe length", pipe_len);
		return;
	}

	body_len = le16_to_cpu(pkt->body_len);
	if (body_len > pipe_len - HVKVP_IC_HDR_SIZE) {
		view->body_len = pipe_len - HVKVP_IC_HDR_SIZE;
		refuse(view, HVKVP_E_INVALIDARG, "body size", body_len);
		return;
	}
	view->body_len = body_len;

	switch (le16_to_cpu(pkt->type)) {
	case HVKVP_IC_TYPE_NEGOTIATE:
		parse_negotiate(pkt, view);
		break;
	case HVKVP_IC_TYPE_KVP:
		parse_kvp(pkt, agreed, view);
		break;
	default:
		refuse(view, HVKVP_E_NOT_SUPPORTED, "message type",
		       le16_to_cpu(pkt->type));
	}
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
