/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the kernels that this driver builds for.
 *
 * Each is selected by the declaration itself, not by the version: kernels of
 * enterprise distributions have backports of either.
 */
#ifndef KVP_COMPAT_H
#define KVP_COMPAT_H

#include <linux/hyperv.h>

/**
 * KVP_COMPAT_REMOVE() - choose the function for hv_driver.remove
 * @returns_void: for kernels since 6.3
 * @returns_int: for older ones; the bus ignores the result
 */
#define KVP_COMPAT_REMOVE(returns_void, returns_int)			\
	__builtin_choose_expr(						\
		__builtin_types_compatible_p(				\
			typeof(((struct hv_driver *)NULL)->remove),	\
			void (*)(struct hv_device *)),			\
		returns_void, returns_int)

/**
 * kvp_compat_set_packet_size() - allow packets of up to @size bytes
 * @channel: not open yet
 * @size: bytes, packet descriptor included
 *
 * Since 5.14 the bus copies each packet before it delivers it, and needs a
 * maximum size; before that the ring is the only limit. The macro came with the
 * member.
 */
static inline void kvp_compat_set_packet_size(struct vmbus_channel *channel,
					      u32 size)
{
#ifdef VMBUS_DEFAULT_MAX_PKT_SIZE
	channel->max_pkt_size = size;
#endif
}

#endif /* KVP_COMPAT_H */
