/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A transport: how requests come from a driver, and answers go back
 *
 * There are two: our driver's /dev/hv_kvp (hv_kvp.h), and the stock kernel's
 * /dev/vmbus/hv_kvp. Both work on any descriptor that keeps messages apart, such
 * as a SOCK_SEQPACKET socket. A request is always given as the host's own body,
 * whatever the driver makes of it.
 */
#ifndef HVKVP_HVKVPD_TRANSPORT_H
#define HVKVP_HVKVPD_TRANSPORT_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "hvkvpd/dispatch.h"

/* Result of transport_receive(). */
enum transport_event {
	TRANSPORT_NOTHING,	/* nothing to do for the caller */
	TRANSPORT_REQUEST,	/* a request is there */
	TRANSPORT_READY,	/* the driver accepted us; once */
};

struct transport;

/**
 * struct transport_ops - a kind of transport
 * @name: for the log
 * @hello: say hello to the driver. Return: 0 or -errno
 * @receive: read one message, see transport_receive()
 * @reply: send an answer, see transport_reply()
 */
struct transport_ops {
	const char *name;
	int (*hello)(struct transport *transport);
	int (*receive)(struct transport *transport, struct dispatch_request *request);
	int (*reply)(struct transport *transport, const struct dispatch_request *request,
		     const struct dispatch_reply *reply);
};

extern const struct transport_ops transport_uapi;
extern const struct transport_ops transport_stock;

/**
 * struct transport - an open transport
 * @ops: its kind
 * @fd: the driver's descriptor; not owned
 * @ready: the driver accepted us
 * @driver_version: what the driver says it is, for IntegrationServicesVersion;
 *	"" if it does not
 * @in: the message that was received last
 * @body: the host's body, where @in does not have it as it is
 */
struct transport {
	const struct transport_ops *ops;
	int fd;
	bool ready;
	char driver_version[64];
	uint8_t in[HVKVP_MAX_MESSAGE];
	uint8_t body[HVKVP_IP_SIZE];
};

/**
 * transport_start() - begin the conversation
 * @transport: the object
 * @ops: kind
 * @fd: the driver's descriptor, O_NONBLOCK; the caller keeps it, and closes it
 *
 * Return: 0 or -errno.
 */
static inline int transport_start(struct transport *transport,
				  const struct transport_ops *ops, int fd)
{
	transport->ops = ops;
	transport->fd = fd;
	transport->ready = false;
	transport->driver_version[0] = 0;
	return ops->hello(transport);
}

/**
 * transport_receive() - read one message; call when poll says POLLIN
 * @transport: the object
 * @request: filled in for TRANSPORT_REQUEST; its body is valid until the next
 *	call. Its body_len may be 0, if the driver's message was wrong but its id
 *	can be answered.
 *
 * Return: enum transport_event; -ENODEV when the driver is gone;
 * -EPROTONOSUPPORT when the driver does not speak our protocol; other -errno of
 * read(2). A message that makes no sense is logged and dropped.
 */
static inline int transport_receive(struct transport *transport,
				    struct dispatch_request *request)
{
	return transport->ops->receive(transport, request);
}

/**
 * transport_reply() - send the answer to a request
 * @transport: the object
 * @request: as it was received
 * @reply: its answer
 *
 * Return: 0 if sent; -ENODEV when the driver is gone; -errno for which transport_is_unwanted() is
 * true; other -errno of write(2).
 */
static inline int transport_reply(struct transport *transport,
				  const struct dispatch_request *request,
				  const struct dispatch_reply *reply)
{
	return transport->ops->reply(transport, request, reply);
}

/**
 * transport_is_unwanted() - does the driver not want the answer any more?
 * @err: of transport_reply(), which has logged it
 *
 * It is too late, or the host has withdrawn its request.
 */
static inline bool transport_is_unwanted(int err)
{
	return err == -ETIMEDOUT || err == -ECANCELED || err == -ENOENT;
}

#endif /* HVKVP_HVKVPD_TRANSPORT_H */
