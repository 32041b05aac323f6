// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMBus messages: numbers, sizes and layouts.
 */
#include "vmbus/vmbus_msg.h"

#include <stddef.h>

#include "vmbus/vmbus.h"

_Static_assert(sizeof(struct msg_offer) == 196, "OfferChannel is 196 bytes");
_Static_assert(offsetof(struct msg_offer, relid) == 8 + 176, "channel id at 176");
_Static_assert(offsetof(struct msg_offer, connection) == 8 + 184, "connection at 184");
_Static_assert(sizeof(struct msg_open) == 148, "OpenChannel is 148 bytes");
_Static_assert(sizeof(struct msg_open_result) == 20, "OpenResult is 20 bytes");
_Static_assert(sizeof(struct msg_gpadl_header) == 20, "GpadlHeader is 20 bytes and ranges");
_Static_assert(sizeof(struct msg_gpadl_body) == 16, "GpadlBody is 16 bytes and pages");
_Static_assert(sizeof(struct msg_gpadl_created) == 20, "GpadlCreated is 20 bytes");
_Static_assert(sizeof(struct msg_contact) == 40, "InitiateContact is 40 bytes");
_Static_assert(sizeof(struct msg_version) == 16, "VersionResponse is 16 bytes");
_Static_assert(sizeof(struct msg_modify) == 16, "ModifyChannel is 16 bytes");

#define V4_0 VMBUS_VERSION(4, 0)
#define V4_1 VMBUS_VERSION(4, 1)

static const struct vmbus_msg_info messages[] = {
	[MSG_OFFER] = { "OfferChannel", 196, false, V4_0 },
	[MSG_RESCIND] = { "RescindChannel", 12, false, V4_0 },
	[MSG_REQUEST_OFFERS] = { "RequestOffers", 8, true, V4_0 },
	[MSG_ALL_OFFERS] = { "AllOffersDelivered", 8, false, V4_0 },
	[MSG_OPEN] = { "OpenChannel", 148, true, V4_0 },
	[MSG_OPEN_RESULT] = { "OpenResult", 20, false, V4_0 },
	[MSG_CLOSE] = { "CloseChannel", 12, true, V4_0 },
	[MSG_GPADL_HEADER] = { "GpadlHeader", 20, true, V4_0 },
	[MSG_GPADL_BODY] = { "GpadlBody", 16, true, V4_0 },
	[MSG_GPADL_CREATED] = { "GpadlCreated", 20, false, V4_0 },
	[MSG_GPADL_TEARDOWN] = { "GpadlTeardown", 16, true, V4_0 },
	[MSG_GPADL_TORNDOWN] = { "GpadlTorndown", 12, false, V4_0 },
	[MSG_RELID_RELEASED] = { "RelIdReleased", 12, true, V4_0 },
	[MSG_CONTACT] = { "InitiateContact", 40, true, 0 },
	[MSG_VERSION] = { "VersionResponse", 16, false, 0 },
	[MSG_UNLOAD] = { "Unload", 8, true, 0 },
	[MSG_UNLOADED] = { "UnloadComplete", 8, false, 0 },
	[MSG_MODIFY] = { "ModifyChannel", 16, true, V4_1 },
	[MSG_MODIFIED] = { "ModifyChannelResponse", 16, false, VMBUS_VERSION(5, 3) },
};

const struct vmbus_msg_info *vmbus_msg_info(u32 type)
{
	if (type >= ARRAY_SIZE(messages) || !messages[type].name)
		return NULL;
	return &messages[type];
}

const char *vmbus_msg_check(const void *payload, u32 len, u32 version)
{
	const struct msg_header *h = payload;
	const struct vmbus_msg_info *info;

	if (len < sizeof(*h))
		return "shorter than a message header";
	if (len > VMBUS_MESSAGE_MAX)
		return "longer than a message may be";
	info = vmbus_msg_info(h->type);
	if (!info)
		return "unknown message type";
	if (!info->from_guest)
		return "only a host may send this message";
	if (len < info->size)
		return "shorter than its message type";
	if (version < info->min_version)
		return version ? "not in the agreed protocol version" : "sent before contact";
	return NULL;
}
