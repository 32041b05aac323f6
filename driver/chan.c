// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMBus channel, see chan.h.
 */
#include <linux/hyperv.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <asm/barrier.h>

#include "chan.h"
#include "compat.h"

/* Three pages of data each way, as Linux has always asked of a KVP channel. */
#define RING_DATA	(3 * HV_HYP_PAGE_SIZE)
#define RING_SIZE	VMBUS_RING_SIZE(RING_DATA)
static_assert(KVP_XACT_PACKET_SIZE + sizeof(u64) <= RING_DATA);

/* Seconds between two attempts to open the channel, at most. */
#define DELAY_MAX	60U

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

static int chan_recv(void *channel, struct kvp_packet *pkt)
{
	struct kvp_chan *chan = channel;
	u32 len;
	int err;

	/*
	 * The host signals a packet only if it finds the ring empty. Our last
	 * read index must be visible to the host before we look for more.
	 */
	virt_mb();
	pkt->len = 0;
	err = vmbus_recvpacket_raw(chan->hv->channel, pkt->ic,
				   KVP_XACT_PACKET_SIZE, &len, &pkt->cookie);
	if (err || !len)
		return err;
	/*
	 * A packet that fills the buffer may be the start of a larger one, which
	 * the bus has cut: the next read would begin in the middle of it.
	 */
	if (len >= KVP_XACT_PACKET_SIZE)
		return -EMSGSIZE;
	pkt->len = unwrap(pkt->ic, len);
	return 0;
}

static int chan_send(void *channel, const struct kvp_packet *pkt)
{
	struct kvp_chan *chan = channel;

	return vmbus_sendpacket(chan->hv->channel, pkt->ic, pkt->len,
				pkt->cookie, VM_PKT_DATA_INBAND, 0);
}

/* Called while the channel is open, so @opened does not change. */
static void chan_reset(void *channel)
{
	struct kvp_chan *chan = channel;
	unsigned long next = chan->opened + chan->delay * HZ;

	schedule_delayed_work(&chan->reopen,
			      time_before(jiffies, next) ? next - jiffies : 0);
}

const struct kvp_xact_ops kvp_chan_ops = {
	.recv = chan_recv,
	.send = chan_send,
	.reset = chan_reset,
};

static void chan_interrupt(void *context)
{
	kvp_xact_pump(context);
}

static int open_rings(struct kvp_chan *chan)
{
	struct vmbus_channel *channel = chan->hv->channel;
	int err;

	lockdep_assert_held(&chan->lock);
	/* The interrupt reads the ring itself; it need not be masked. */
	set_channel_read_mode(channel, HV_CALL_DIRECT);
	kvp_compat_set_packet_size(channel, KVP_XACT_PACKET_SIZE);

	err = vmbus_open(channel, RING_SIZE, RING_SIZE, NULL, 0,
			 chan_interrupt, chan->xact);
	if (err)
		return err;
	chan->is_open = true;
	chan->opened = jiffies;
	kvp_xact_open(chan->xact, &chan->hv->device);
	return 0;
}

static void close_rings(struct kvp_chan *chan, bool gone)
{
	lockdep_assert_held(&chan->lock);
	kvp_xact_close(chan->xact, gone);
	if (chan->is_open)
		vmbus_close(chan->hv->channel);
	chan->is_open = false;
}

/* Open the channel, or retry later. */
static void open_or_retry(struct kvp_chan *chan)
{
	int err = open_rings(chan);

	if (!err)
		return;
	dev_err(&chan->hv->device,
		"cannot open the channel: %d; next attempt in %u s\n", err,
		chan->delay);
	schedule_delayed_work(&chan->reopen, chan->delay * HZ);
}

static void reopen(struct work_struct *work)
{
	struct kvp_chan *chan = container_of(to_delayed_work(work),
					     struct kvp_chan, reopen);

	mutex_lock(&chan->lock);
	if (chan->wanted) {
		/* A channel that has worked for long enough starts over. */
		if (chan->is_open &&
		    time_after(jiffies, chan->opened + DELAY_MAX * HZ))
			chan->delay = 1;
		else
			chan->delay = min(chan->delay * 2, DELAY_MAX);
		close_rings(chan, false);
		open_or_retry(chan);
	}
	mutex_unlock(&chan->lock);
}

void kvp_chan_init(struct kvp_chan *chan, struct hv_device *hv,
		   struct kvp_xact *xact)
{
	chan->hv = hv;
	chan->xact = xact;
	mutex_init(&chan->lock);
	chan->wanted = false;
	chan->is_open = false;
	chan->delay = 1;
	INIT_DELAYED_WORK(&chan->reopen, reopen);
}

int kvp_chan_open(struct kvp_chan *chan)
{
	int err;

	mutex_lock(&chan->lock);
	err = open_rings(chan);
	chan->wanted = !err;
	mutex_unlock(&chan->lock);
	return err;
}

void kvp_chan_resume(struct kvp_chan *chan)
{
	mutex_lock(&chan->lock);
	chan->wanted = true;
	chan->delay = 1;
	open_or_retry(chan);
	mutex_unlock(&chan->lock);
}

void kvp_chan_close(struct kvp_chan *chan, bool gone)
{
	mutex_lock(&chan->lock);
	chan->wanted = false;
	close_rings(chan, gone);
	mutex_unlock(&chan->lock);
	/* Without @wanted it does not start again. */
	cancel_delayed_work_sync(&chan->reopen);
}
