/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The character device /dev/hv_kvp, whose manual is uapi/hv_kvp.h.
 *
 * struct kvp_cdev lives as long as the device is bound. What an open file needs
 * is in an object of its own, which holds a reference to the transaction and
 * nothing of struct kvp_cdev; so the two may end in any order.
 */
#ifndef KVP_CDEV_H
#define KVP_CDEV_H

#include <linux/miscdevice.h>

struct device;
struct kvp_xact;

/**
 * struct kvp_cdev - the device node
 * @misc: the node; also what an open file starts from
 * @xact: where requests come from; not owned
 */
struct kvp_cdev {
	struct miscdevice misc;
	struct kvp_xact *xact;
};

/**
 * kvp_cdev_add() - make the node; it can be opened at once
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
