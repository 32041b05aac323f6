/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The service: answers what comes through an open transport
 */
#ifndef HVKVP_HVKVPD_SERVICE_H
#define HVKVP_HVKVPD_SERVICE_H

#include <stdint.h>

#include "facts/facts.h"
#include "hvkvpd/dispatch.h"
#include "hvkvpd/transport.h"

/**
 * struct service - one conversation with a driver
 * @transport: how to talk to it
 * @dispatch: what answers
 * @facts: pool "auto"; gets the driver's version
 * @request: the request in hand
 * @reply: its answer
 */
struct service {
	struct transport transport;
	const struct dispatch *dispatch;
	struct facts *facts;
	struct dispatch_request request;
	struct dispatch_reply reply;
};

/**
 * service_start() - begin a conversation
 * @service: the object; @dispatch and @facts are set
 * @ops: kind of transport
 * @fd: the driver's descriptor; stays the caller's
 *
 * Return: 0; -ENODEV when the driver is gone; other -errno.
 */
int service_start(struct service *service, const struct transport_ops *ops, int fd);

/**
 * service_event() - the descriptor has something for us
 * @service: the object
 * @events: as epoll(7) gave them
 *
 * Reads and answers at most one message.
 *
 * Return: 0; -ENODEV when the driver is gone: close, and wait for it to return;
 * -EPROTONOSUPPORT when it does not speak our protocol; other -errno.
 */
int service_event(struct service *service, uint32_t events);

#endif /* HVKVP_HVKVPD_SERVICE_H */
