// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMBus channel, see chan.h.
 */
#include <linux/hyperv.h>
#include <linux/string.h>
#include <asm/barrier.h>

#include "chan.h"
#include "compat.h"

/* Three pages of data each way, as Linux has always asked of a KVP channel. */
#define RING_DATA	(3 * HV_HYP_PAGE_SIZE)
#define RING_SIZE	VMBUS_RING_SIZE(RING_DATA)
static_assert(KVP_XACT_PACKET_SIZE + sizeof(u64) <= RING_DATA);

/*
 * Strip the packet descriptor: move the payload to the start of the buffer.
 * Return: bytes of the payload; 1 if it is unusable, which kvp_ic_parse() drops
 * as too short.
 */
static u32 unwrap(void *buf, u32 len)
{
	const struct vmpacket_descriptor *desc = buf;
	u32 offset;

	if (len < sizeof(*desc) || desc->type != VM_PKT_DATA_INBAND)
		return 1;
	offset = desc->offset8 << 3;
	if (offset < sizeof(*desc) || offset >= len)
		return 1;
	memmove(buf, buf + offset, len - offset);
	return len - offset;
}

static void chan_recv(void *channel, struct kvp_packet *pkt)
{
	struct hv_device *hv = channel;
	u32 len;

	/*
	 * The host signals a packet only if it finds the ring empty. Our last
	 * read index must be visible to the host before we look for more.
	 */
	virt_mb();
	/* A packet too large for the buffer stays, and ends the talk. */
	if (vmbus_recvpacket_raw(hv->channel, pkt->ic, KVP_XACT_PACKET_SIZE,
				 &len, &pkt->cookie) || !len)
		pkt->len = 0;
	else
		pkt->len = unwrap(pkt->ic, len);
}

static int chan_send(void *channel, const struct kvp_packet *pkt)
{
	struct hv_device *hv = channel;

	return vmbus_sendpacket(hv->channel, pkt->ic, pkt->len, pkt->cookie,
				VM_PKT_DATA_INBAND, 0);
}

const struct kvp_xact_ops kvp_chan_ops = {
	.recv = chan_recv,
	.send = chan_send,
};

static void chan_interrupt(void *context)
{
	kvp_xact_pump(context);
}

int kvp_chan_open(struct hv_device *hv, struct kvp_xact *xact)
{
	int err;

	/* The interrupt reads the ring itself; it need not be masked. */
	set_channel_read_mode(hv->channel, HV_CALL_DIRECT);
	kvp_compat_set_packet_size(hv->channel, KVP_XACT_PACKET_SIZE);

	kvp_xact_open(xact, &hv->device);
	err = vmbus_open(hv->channel, RING_SIZE, RING_SIZE, NULL, 0,
			 chan_interrupt, xact);
	if (err)
		kvp_xact_close(xact, true);
	return err;
}

void kvp_chan_close(struct hv_device *hv, struct kvp_xact *xact, bool gone)
{
	kvp_xact_close(xact, gone);
	vmbus_close(hv->channel);
}
