/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMBus channel: its rings on one side, whole packets on the other.
 */
#ifndef KVP_CHAN_H
#define KVP_CHAN_H

#include "xact.h"

struct hv_device;

/* For kvp_xact_create(); the channel argument is a struct hv_device. */
extern const struct kvp_xact_ops kvp_chan_ops;

/**
 * kvp_chan_open() - open the channel; packets may come before this returns
 * @hv: the device
 * @xact: where packets go; must stay until kvp_chan_close() has returned
 *
 * Context: may sleep; waits for the host.
 * Return: 0 or an error.
 */
int kvp_chan_open(struct hv_device *hv, struct kvp_xact *xact);

/**
 * kvp_chan_close() - close the channel
 * @hv: the device
 * @xact: the transaction
 * @gone: for good, see kvp_xact_close()
 *
 * When it has returned, no interrupt of the channel is in progress.
 *
 * Context: may sleep.
 */
void kvp_chan_close(struct hv_device *hv, struct kvp_xact *xact, bool gone);

#endif /* KVP_CHAN_H */
