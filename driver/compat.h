/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the kernels that this driver builds for.
 */
#ifndef KVP_COMPAT_H
#define KVP_COMPAT_H

#include <linux/hyperv.h>
#include <linux/version.h>

/* hv_driver.remove returns nothing since 6.3. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define KVP_REMOVE_TYPE	void
#define KVP_REMOVED
#else
#define KVP_REMOVE_TYPE	int
#define KVP_REMOVED	0
#endif

/**
 * kvp_compat_set_packet_size() - allow packets of up to @size bytes
 * @channel: not open yet
 * @size: bytes, packet descriptor included
 *
 * Since 5.14 the bus copies each packet before it delivers it, and needs a
 * maximum size; before that the ring is the only limit.
 */
static inline void kvp_compat_set_packet_size(struct vmbus_channel *channel,
					      u32 size)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 14, 0)
	channel->max_pkt_size = size;
#endif
}

#endif /* KVP_COMPAT_H */
