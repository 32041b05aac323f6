// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transport of our own driver, see hv_kvp.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <hv_kvp.h>

#include "hvkvpd/transport.h"
#include "util/log.h"
#include "wire/protocol.h"

/* A message of a head, and a body that may be empty. */
static int write_message(int fd, const void *head, size_t head_len, const void *body,
			 size_t body_len)
{
	const struct iovec io[] = { { (void *)head, head_len }, { (void *)body, body_len } };
	ssize_t n;

	do
		n = body_len ? writev(fd, io, 2) : write(fd, head, head_len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EPIPE || errno == ECONNRESET ? -ENODEV : -errno;
	return (size_t)n == head_len + body_len ? 0 : -EIO;
}

static int say_hello(struct transport *transport)
{
	struct hvkvp_hello hello = {
		.hdr = { .len = sizeof(hello), .type = HVKVP_HELLO },
		.major = HVKVP_MAJOR,
		.minor = HVKVP_MINOR,
		.features = HVKVP_FEATURES_NONE,
	};

	return write_message(transport->fd, &hello, sizeof(hello), NULL, 0);
}

static int take_hello(struct transport *transport, size_t len)
{
	struct hvkvp_hello hello;

	if (len != sizeof(hello)) {
		log_err("driver: a HELLO of %zu bytes instead of %zu: ignored", len, sizeof(hello));
		return TRANSPORT_NOTHING;
	}
	memcpy(&hello, transport->in, sizeof(hello));
	if (hello.hdr.id || hello.hdr.flags) {
		log_err("driver: a HELLO with an id or flags: ignored");
		return TRANSPORT_NOTHING;
	}
	if (hello.major != HVKVP_MAJOR) {
		log_err("the driver speaks protocol %u.%u and hvkvpd %s speaks %u.%u: install a driver and a daemon of the same release",
			hello.major, hello.minor, HVKVP_VERSION, HVKVP_MAJOR, HVKVP_MINOR);
		return -EPROTONOSUPPORT;
	}
	if (transport->ready) {
		log_err("driver: a second HELLO: ignored");
		return TRANSPORT_NOTHING;
	}
	transport->ready = true;
	log_info("driver: protocol %u.%u, %u ms for a request", hello.major, hello.minor,
		 hello.timeout_ms);
	return TRANSPORT_READY;
}

/* What is wrong with a request that has a good header, or NULL. */
static const char *check_request(const struct hvkvp_request *head, const uint8_t *body,
				 size_t len)
{
	if (len < sizeof(*head))
		return "it is too short";
	if (head->reserved || head->hdr.flags & ~HVKVP_AGAIN)
		return "a reserved field is not zero";
	if (head->body_len != len - sizeof(*head))
		return "body_len does not match";
	if (head->body_len < HVKVP_MSG_HDR_SIZE || body[0] != head->operation ||
	    body[1] != head->pool)
		return "operation or pool do not match the body";
	return NULL;
}

static int take_request(struct transport *transport, struct dispatch_request *request, size_t len)
{
	const uint8_t *body = transport->in + sizeof(struct hvkvp_request);
	struct hvkvp_request head = { 0 };
	const char *wrong;

	memcpy(&head, transport->in, len < sizeof(head) ? len : sizeof(head));
	if (!transport->ready || !head.hdr.id) {
		log_err("driver: a REQUEST %s: ignored",
			head.hdr.id ? "before its HELLO" : "without an id");
		return TRANSPORT_NOTHING;
	}
	*request = (struct dispatch_request){ .id = head.hdr.id };
	wrong = check_request(&head, body, len);
	if (wrong) {
		/* The id is good: answer at once rather than let the host wait. */
		log_err("driver: request %" PRIu64 ": %s", request->id, wrong);
		return TRANSPORT_REQUEST;
	}
	request->again = head.hdr.flags & HVKVP_AGAIN;
	request->deadline_ns = head.deadline_ns;
	request->fw_major = head.fw_major;
	request->fw_minor = head.fw_minor;
	request->msg_major = head.msg_major;
	request->msg_minor = head.msg_minor;
	request->body = body;
	request->body_len = head.body_len;
	return TRANSPORT_REQUEST;
}

static int receive(struct transport *transport, struct dispatch_request *request)
{
	ssize_t len = read(transport->fd, transport->in, sizeof(transport->in));
	struct hvkvp_hdr hdr;

	if (len < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return TRANSPORT_NOTHING;
		return errno == ECONNRESET ? -ENODEV : -errno;
	}
	if (!len)
		return -ENODEV;	/* a socket's other end is closed */
	if ((size_t)len < sizeof(hdr)) {
		log_err("driver: a message of %zd bytes, less than a header: ignored", len);
		return TRANSPORT_NOTHING;
	}
	memcpy(&hdr, transport->in, sizeof(hdr));
	if (hdr.len != (size_t)len) {
		log_err("driver: a message of %zd bytes that says %u: ignored", len, hdr.len);
		return TRANSPORT_NOTHING;
	}
	switch (hdr.type) {
	case HVKVP_HELLO:
		return take_hello(transport, len);
	case HVKVP_REQUEST:
		return take_request(transport, request, len);
	default:
		log_err("driver: a message of unknown type %u: ignored", hdr.type);
		return TRANSPORT_NOTHING;
	}
}

static int send_reply(struct transport *transport, const struct dispatch_request *request,
		      const struct dispatch_reply *reply)
{
	struct hvkvp_reply head = {
		.hdr = {
			.len = sizeof(head) + reply->body_len,
			.type = HVKVP_REPLY,
			.id = request->id,
		},
		.status = reply->status,
		.body_len = reply->body_len,
	};
	int err = write_message(transport->fd, &head, sizeof(head), reply->body, reply->body_len);

	switch (err) {
	case -ETIMEDOUT:
		log_warn("request %" PRIu64 ": answered after its deadline; the host got an error",
			 request->id);
		return err;
	case -ECANCELED:
		log_info("request %" PRIu64 ": was withdrawn by the host", request->id);
		return err;
	case -ENOENT:
		log_warn("request %" PRIu64 ": the driver does not know it (any more)",
			 request->id);
		return err;
	default:
		return err;
	}
}

const struct transport_ops transport_uapi = {
	.name = "hv_kvp",
	.hello = say_hello,
	.receive = receive,
	.reply = send_reply,
};
