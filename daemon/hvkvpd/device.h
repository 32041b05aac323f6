/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device node: which one, opening it, and waiting for it
 */
#ifndef HVKVP_HVKVPD_DEVICE_H
#define HVKVP_HVKVPD_DEVICE_H

#include "hvkvpd/transport.h"
#include "util/paths.h"

/**
 * struct device - the node that we serve, or wait for
 * @path: given by the user; NULL for whichever of ours and the stock one is
 *	there, in this order
 * @watch_fd: inotify descriptor while we wait, else -1
 */
struct device {
	const char *path;
	int watch_fd;
};

/**
 * device_init() - set up, without opening anything
 * @device: the object
 * @path: see &device.path; "fd:N" is a descriptor that is open already. A node
 *	in a directory named "vmbus" is a stock one
 */
void device_init(struct device *device, const char *path);

/**
 * device_exit() - stop waiting
 * @device: the object
 */
void device_exit(struct device *device);

/**
 * device_name() - what we serve or wait for, for people
 * @device: the object
 *
 * Return: text.
 */
const char *device_name(const struct device *device);

/**
 * device_is_inherited() - is it an open descriptor, that cannot come back?
 * @device: the object
 *
 * Return: true for "fd:N".
 */
bool device_is_inherited(const struct device *device);

/**
 * device_open() - open the node if it is there
 * @device: the object
 * @ops: set to the transport that it needs
 * @path: set to what was opened, or could not be
 *
 * Return: a descriptor, the caller's; -ENOENT if there is no node, or one that
 * is going away: wait for it; -EBUSY if another service has it; -ENOTTY if it is
 * not a device; other -errno of open(2).
 */
int device_open(struct device *device, const struct transport_ops **ops, const char **path);

/**
 * device_watch() - begin, or go on, to wait for the node
 * @device: the object
 *
 * Watches the node's directory, or the nearest one that exists. Call it before
 * device_open(), so that nothing is missed in between.
 *
 * Return: 0, and @watch_fd is readable when it is worth to try again; -errno.
 */
int device_watch(struct device *device);

/**
 * device_changed() - @watch_fd was readable: forget what it said
 * @device: the object
 */
void device_changed(struct device *device);

#endif /* HVKVP_HVKVPD_DEVICE_H */
