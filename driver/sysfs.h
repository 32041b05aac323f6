/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State and counters, world-readable in /sys/class/misc/hv_kvp:
 *
 *   state			of the transaction: closed idle held queued taken sending
 *   service			none, open (no hello yet), ready
 *   framework_version		agreed with the host, like 3.0; none before
 *   message_version		likewise, like 5.0
 *   statistics/NAME		counters since the device was bound, see
 *				enum kvp_counter: negotiations requests answered
 *				expired withdrawn refused unsent tolerated
 *				dropped late ring_full resets
 */
#ifndef KVP_SYSFS_H
#define KVP_SYSFS_H

#include <linux/sysfs.h>

/* For a miscdevice that is a struct kvp_cdev's. */
extern const struct attribute_group *kvp_sysfs_groups[];

#endif /* KVP_SYSFS_H */
