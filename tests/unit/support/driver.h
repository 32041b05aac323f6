/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvkvpd with this program in the place of the driver
 */
#ifndef UNIT_DRIVER_H
#define UNIT_DRIVER_H

#include <stdint.h>

#include "support/body.h"
#include "support/child.h"

/**
 * struct driver - the driver's side
 * @child: the daemon
 * @fd: this end of the socket pair
 */
struct driver {
	struct child child;
	int fd;
};

/**
 * driver_start() - start hvkvpd, and wait until it is ready
 * @driver: filled in
 *
 * Its pools are in "state" of the scratch directory.
 */
void driver_start(struct driver *driver);

/**
 * driver_send() - send it a request
 * @driver: the object
 * @id: of the request
 * @flags: of its header
 * @body: of the request, whose operation and pool the header has, too
 */
void driver_send(struct driver *driver, uint64_t id, uint16_t flags, const struct body *body);

/**
 * driver_reply() - take its answer
 * @driver: the object
 * @id: of the request
 *
 * Return: the status.
 */
uint32_t driver_reply(struct driver *driver, uint64_t id);

/**
 * driver_answered() - is there an answer?
 * @driver: the object
 *
 * Return: false if there is none yet, and none after the end of the daemon.
 */
bool driver_answered(const struct driver *driver);

/**
 * driver_kill() - kill the daemon, and close the socket pair
 * @driver: the object
 */
void driver_kill(struct driver *driver);

#endif /* UNIT_DRIVER_H */
