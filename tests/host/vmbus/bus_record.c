// SPDX-License-Identifier: GPL-2.0-only
/*
 * What passes between host and guest, with all its bytes, into the trace and the capture.
 */
#include <stdio.h>

#include "util/clock.h"
#include "vmbus/bus_priv.h"

#define PIPE_HEADER	8u
#define PIPE_DATA	1u
#define IC_HEADER	20u

void bus_record_message(struct vmbus *bus, bool to_guest, const void *message, u32 len,
			u32 connection, const char *ignored)
{
	const struct msg_header *h = message;
	const struct vmbus_msg_info *info = len >= sizeof(*h) ? vmbus_msg_info(h->type) : NULL;
	const char *name = info ? info->name : "unknown message";

	if (to_guest)
		trace_bytes(bus->cfg.trace, "vmbus", message, len, "-> %s, %u bytes", name, len);
	else
		trace_bytes(bus->cfg.trace, "vmbus", message, len,
			    "<- %s, %u bytes on connection %u%s%s", name, len, connection,
			    ignored ? ", ignored: " : "", ignored ? ignored : "");
	capture_packet(bus->cfg.capture, bus->capture, clock_ns(), to_guest, message, len, ignored);
}

/* Is it an IC packet, all of it? Then the capture has it from its IC header on. */
static bool is_ic(const struct channel *chan, const struct ring_packet *head, const u8 *payload,
		  u32 len)
{
	return !chan->device->ops && head->type == RING_IN_BAND &&
	       len >= PIPE_HEADER + IC_HEADER && get32(payload) == PIPE_DATA &&
	       get32(payload + 4) >= IC_HEADER && get32(payload + 4) <= len - PIPE_HEADER;
}

static void capture(struct vmbus *bus, struct channel *chan, bool to_guest,
		    const struct ring_packet *head, const u8 *payload, u32 len, u64 at)
{
	char text[96];

	if (!bus->cfg.capture)
		return;
	if (!chan->captured) {
		/* Two interfaces for each channel, the second for what is no IC packet. */
		snprintf(text, sizeof(text), "%s channel %u", chan->device->desc.name, chan->relid);
		chan->capture = capture_interface(bus->cfg.capture, CAPTURE_IC, text);
		capture_interface(bus->cfg.capture, CAPTURE_PACKET, text);
		chan->captured = true;
	}
	if (is_ic(chan, head, payload, len)) {
		capture_packet(bus->cfg.capture, chan->capture, at, to_guest, payload + PIPE_HEADER,
			       get32(payload + 4), NULL);
		return;
	}
	snprintf(text, sizeof(text), "ring packet type %u, flags 0x%x, transaction 0x%llx",
		 head->type, head->flags, (unsigned long long)head->id);
	capture_packet(bus->cfg.capture, chan->capture + 1, at, to_guest, payload, len, text);
}

void bus_record_packet(struct vmbus *bus, struct channel *chan, bool to_guest,
		       const struct ring_packet *head, const void *payload, u32 len, u64 at,
		       const char *note)
{
	u32 extra_len = 0;
	const u8 *extra = NULL;

	trace_bytes(bus->cfg.trace, "ring", payload, len,
		    "%s %s channel %u: type %u flags 0x%x transaction 0x%llx, %u bytes%s",
		    to_guest ? "->" : "<-", chan->device->desc.name, chan->relid, head->type,
		    head->flags, (unsigned long long)head->id, len, note);
	if (!to_guest)
		extra = ring_extra(head, payload, len, &extra_len);
	if (extra_len)
		trace_bytes(bus->cfg.trace, "ring", extra, extra_len,
			    "   between header and payload, %u bytes", extra_len);
	capture(bus, chan, to_guest, head, payload, len, at);
}
