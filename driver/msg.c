// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages of the character device, see msg.h.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include "msg.h"

int kvp_msg_check(const void *buf, size_t len)
{
	const struct hvkvp_hdr *hdr = buf;
	const struct hvkvp_hello *hello = buf;
	const struct hvkvp_reply *reply = buf;

	if (len < sizeof(*hdr) || hdr->len != len || hdr->flags)
		return -EINVAL;

	switch (hdr->type) {
	case HVKVP_HELLO:
		if (len != sizeof(*hello) || hdr->id || hello->timeout_ms)
			return -EINVAL;
		return HVKVP_HELLO;
	case HVKVP_REPLY:
		if (len < sizeof(*reply) ||
		    reply->body_len != len - sizeof(*reply))
			return -EINVAL;
		return HVKVP_REPLY;
	default:
		return -EINVAL;
	}
}

bool kvp_msg_is_compatible(const struct hvkvp_hello *theirs)
{
	return theirs->major == HVKVP_MAJOR;
}

void kvp_msg_make_hello(u32 timeout_ms, struct hvkvp_hello *hello)
{
	*hello = (struct hvkvp_hello) {
		.hdr.len = sizeof(*hello),
		.hdr.type = HVKVP_HELLO,
		.major = HVKVP_MAJOR,
		.minor = HVKVP_MINOR,
		.timeout_ms = timeout_ms,
		.features = HVKVP_FEATURES_NONE,
	};
}

u32 kvp_msg_make_request(u64 id, u16 flags, u64 deadline_ns,
			 const struct kvp_ic_agreement *agreed, const u8 *body,
			 u32 body_len, struct hvkvp_request *req)
{
	u32 len = sizeof(*req) + body_len;

	*req = (struct hvkvp_request) {
		.hdr.len = len,
		.hdr.type = HVKVP_REQUEST,
		.hdr.flags = flags,
		.hdr.id = id,
		.deadline_ns = deadline_ns,
		.fw_major = agreed->fw.major,
		.fw_minor = agreed->fw.minor,
		.msg_major = agreed->msg.major,
		.msg_minor = agreed->msg.minor,
		.operation = body[0],
		.pool = body[1],
		.body_len = body_len,
	};
	memcpy(req->body, body, body_len);
	return len;
}
