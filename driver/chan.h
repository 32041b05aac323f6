/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMBus channel: its rings on one side, whole packets on the other.
 *
 * Rules
 * -----
 * - The transaction is open only while the rings exist: kvp_xact_open() follows
 *   vmbus_open(), kvp_xact_close() precedes vmbus_close(). An interrupt in between
 *   finds the transaction closed and leaves the packet, which kvp_xact_open() reads.
 * - A ring that cannot be used any more is closed and opened again. A host that
 *   reacts by rescinding the device offers it anew; then probe() starts over.
 * - An open that fails is retried after 1, 2, 4, ... up to 60 seconds, and so is a
 *   ring that breaks again within that time. Meanwhile the node stays and the
 *   service stays attached.
 */
#ifndef KVP_CHAN_H
#define KVP_CHAN_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "xact.h"

struct hv_device;

/* For kvp_xact_create(); the channel argument is a struct kvp_chan. */
extern const struct kvp_xact_ops kvp_chan_ops;

/**
 * struct kvp_chan - the channel of a device
 * @hv: the device
 * @xact: where packets go; not owned
 * @lock: guards the members below, and serializes opening and closing
 * @wanted: the channel is to be open; otherwise @reopen does nothing
 * @is_open: the rings exist
 * @delay: seconds until the next attempt, should this one fail
 * @opened: when the channel was opened last, jiffies
 * @reopen: closes the channel if it is open, and opens it
 */
struct kvp_chan {
	struct hv_device *hv;
	struct kvp_xact *xact;
	struct mutex lock; /* see above */
	bool wanted;
	bool is_open;
	unsigned int delay;
	unsigned long opened;
	struct delayed_work reopen;
};

/**
 * kvp_chan_init() - set up a closed channel
 * @chan: filled in
 * @hv: the device
 * @xact: must stay until kvp_chan_close() has returned
 */
void kvp_chan_init(struct kvp_chan *chan, struct hv_device *hv,
		   struct kvp_xact *xact);

/**
 * kvp_chan_open() - open the channel; packets may come before this returns
 * @chan: the channel
 *
 * Context: may sleep; waits for the host.
 * Return: 0 or an error; then the channel is as before.
 */
int kvp_chan_open(struct kvp_chan *chan);

/**
 * kvp_chan_resume() - open the channel, now or as soon as the host allows it
 * @chan: the channel
 *
 * Context: may sleep; waits for the host.
 */
void kvp_chan_resume(struct kvp_chan *chan);

/**
 * kvp_chan_close() - close the channel
 * @chan: the channel
 * @gone: the device is being removed, see kvp_xact_close()
 *
 * When it has returned, no interrupt of the channel and no attempt to open it is
 * in progress.
 *
 * Context: may sleep.
 */
void kvp_chan_close(struct kvp_chan *chan, bool gone);

#endif /* KVP_CHAN_H */
