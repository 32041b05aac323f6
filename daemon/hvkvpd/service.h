/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The service: answers what comes through an open transport
 */
#ifndef HVKVP_HVKVPD_SERVICE_H
#define HVKVP_HVKVPD_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "facts/facts.h"
#include "hvkvpd/dispatch.h"
#include "hvkvpd/transport.h"
#include "hvkvpd/worker.h"

/**
 * struct service - one conversation with a driver
 * @transport: how to talk to it
 * @dispatch: what answers
 * @facts: pool "auto"; gets the driver's version
 * @request: the request in hand
 * @reply: its answer
 * @worker: carries @request out, if that is slow
 * @answered: @request has its answer, although it is still being carried out
 * @err: of that answer, 0 or -errno
 */
struct service {
	struct transport transport;
	const struct dispatch *dispatch;
	struct facts *facts;
	struct dispatch_request request;
	struct dispatch_reply reply;
	struct worker worker;
	bool answered;
	int err;
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
 * Reads at most one message, and answers it, or gives it to a worker: then the next
 * message must not be read before service_worker_ended().
 *
 * Return: 0; -ENODEV when the driver is gone: close, and wait for it to return;
 * -EPROTONOSUPPORT when it does not speak our protocol; -ECANCELED when the request is
 * left to the next service: end; other -errno.
 */
int service_event(struct service *service, uint32_t events);

/**
 * service_worker_ended() - the worker's descriptor is readable: answer its request
 * @service: the object
 * @connected: the request came from the driver that is still there
 *
 * Return: as service_event().
 */
int service_worker_ended(struct service *service, bool connected);

#endif /* HVKVP_HVKVPD_SERVICE_H */
