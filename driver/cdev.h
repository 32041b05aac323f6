/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The character device /dev/hv_kvp, whose manual is uapi/hv_kvp.h.
 *
 * struct kvp_cdev exists while the device is bound. An open file has an object of
 * its own, which references the transaction but not struct kvp_cdev, so the two
 * can be freed in any order.
 */
#ifndef KVP_CDEV_H
#define KVP_CDEV_H

#include <linux/miscdevice.h>

struct device;
struct kvp_xact;

/**
 * struct kvp_cdev - the device node
 * @misc: the node; open() finds struct kvp_cdev through it
 * @xact: where requests come from; not owned
 */
struct kvp_cdev {
	struct miscdevice misc;
	struct kvp_xact *xact;
};

/**
 * kvp_cdev_add() - create the node; it can be opened at once
 * @cdev: filled in
 * @xact: must stay until kvp_cdev_remove() has returned
 * @parent: for sysfs
 *
 * Context: may sleep.
 * Return: 0 or an error.
 */
int kvp_cdev_add(struct kvp_cdev *cdev, struct kvp_xact *xact,
		 struct device *parent);

/**
 * kvp_cdev_remove() - remove the node; files that are open stay open
 * @cdev: the node
 *
 * When it has returned, no open is in progress and none can begin.
 *
 * Context: may sleep.
 */
void kvp_cdev_remove(struct kvp_cdev *cdev);

#endif /* KVP_CDEV_H */
