// SPDX-License-Identifier: GPL-2.0-only
/*
 * The service: answers what comes through an open transport.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>

#include "hvkvpd/service.h"
#include "pool/store.h"
#include "util/log.h"
#include "wire/protocol.h"

int service_start(struct service *service, const struct transport_ops *ops, int fd)
{
	return transport_start(&service->transport, ops, fd);
}

/* Return: 0 if the host gets this answer, -ENODEV if the driver is gone, other -errno. */
static int send_reply(struct service *service)
{
	struct dispatch_request *request = &service->request;
	struct dispatch_reply *reply = &service->reply;
	int err = transport_reply(&service->transport, request, reply);

	if (!err || err == -ENODEV || transport_is_unwanted(err))
		return err;
	log_err("request %" PRIu64 ": the driver refuses the answer (%s); this is a bug",
		request->id, strerror(-err));
	/* Better an error now than silence until the deadline. */
	reply->status = HVKVP_E_FAIL;
	reply->body_len = 0;
	return transport_reply(&service->transport, request, reply) == -ENODEV ? -ENODEV : err;
}

/* What ends the connection. */
static int only_gone(int err)
{
	return err == -ENODEV ? err : 0;
}

/* A change is made: the host does not wait for the log, and for programs that watch. */
static int confirm(void *data)
{
	struct service *service = data;

	service->reply.status = HVKVP_S_OK;
	service->reply.body_len = 0;
	service->err = send_reply(service);
	service->answered = true;
	return service->err;
}

static int answer(struct service *service)
{
	struct dispatch_request *request = &service->request;
	struct dispatch_reply *reply = &service->reply;

	if (request->body_len) {
		log_debug("request %" PRIu64 ": %s in pool %u, KVP %u.%u", request->id,
			  protocol_operation_name(request->body[0]), request->body[1],
			  request->msg_major, request->msg_minor);
		if (dispatch_is_left(service->dispatch, request)) {
			log_notice("%s in pool %u waits for the system's own service",
				   protocol_operation_name(request->body[0]), request->body[1]);
			return -ECANCELED;
		}
		if (dispatch_is_slow(service->dispatch, request)) {
			/* The worker must not believe that it holds locks of ours. */
			store_checkpoint(service->dispatch->store);
			if (!worker_start(&service->worker, service->dispatch, request))
				return 0;
		}
		service->answered = false;
		request->confirm = confirm;
		request->confirm_data = service;
		dispatch_handle(service->dispatch, request, reply);
		if (service->answered)
			return only_gone(service->err);
	} else {
		reply->status = HVKVP_E_FAIL;
		reply->body_len = 0;
	}
	return only_gone(send_reply(service));
}

int service_worker_ended(struct service *service, bool connected)
{
	worker_finish(&service->worker, service->dispatch, &service->reply);
	return connected ? only_gone(send_reply(service)) : 0;
}

int service_event(struct service *service, uint32_t events)
{
	int ret;

	if (!(events & EPOLLIN))
		return events & (EPOLLHUP | EPOLLERR) ? -ENODEV : 0;

	ret = transport_receive(&service->transport, &service->request);
	switch (ret) {
	case TRANSPORT_REQUEST:
		return answer(service);
	case TRANSPORT_READY:
		if (service->transport.driver_version[0])
			service->facts->is_version = service->transport.driver_version;
		log_notice("ready (%s)", service->transport.ops->name);
		return 0;
	case TRANSPORT_NOTHING:
		return 0;
	default:
		/* Drivers disagree on how read(2) says that the device is gone. */
		if (ret != -EPROTONOSUPPORT && events & (EPOLLHUP | EPOLLERR))
			return -ENODEV;
		return ret;
	}
}
