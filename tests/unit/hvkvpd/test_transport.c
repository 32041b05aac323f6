// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our driver's transport, with this program as the driver, over a socket pair.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <hv_kvp.h>

#include "c/tap.h"
#include "hvkvpd/service.h"
#include "pool/store.h"
#include "support/body.h"
#include "support/scratch.h"

static struct store store;
static struct facts facts = { .root = scratch_dir, .is_version = "3.1" };
static struct dispatch dispatch = { .store = &store, .facts = &facts, .lock_wait_ms = 200 };
static struct service service = { .dispatch = &dispatch, .facts = &facts };
static int fds[2];	/* the daemon's end, the driver's end */

static uint8_t got[HVKVP_MAX_MESSAGE + 16];
static ssize_t got_len;

static void begin(void)
{
	scratch_begin();
	store_init(&store, scratch_dir);
	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	CHECK_INT(service_start(&service, &transport_uapi, fds[0]), 0);
}

static void end(void)
{
	close(fds[0]);
	close(fds[1]);
	store_exit(&store);
	scratch_end();
}

static void take(void)
{
	got_len = recv(fds[1], got, sizeof(got), 0);
}

/* Send as the driver, let the daemon work once, take what it says. */
static int talk(const void *bytes, size_t len)
{
	int ret;

	CHECK_INT(send(fds[1], bytes, len, 0), len);
	ret = service_event(&service, EPOLLIN);
	take();
	return ret;
}

static int say_hello(int major)
{
	struct hvkvp_hello hello = {
		.hdr = { .len = sizeof(hello), .type = HVKVP_HELLO },
		.major = major,
		.timeout_ms = 30000,
	};

	return talk(&hello, sizeof(hello));
}

static _Alignas(8) uint8_t message[HVKVP_MAX_MESSAGE + 8];
static struct hvkvp_request *const request = (void *)message;

static size_t make_request(uint64_t id, const struct body *body)
{
	*request = (struct hvkvp_request){
		.hdr = {
			.len = sizeof(*request) + body->len,
			.type = HVKVP_REQUEST,
			.id = id,
		},
		.deadline_ns = UINT64_MAX,
		.fw_major = 3,
		.msg_major = 5,
		.operation = body->bytes[0],
		.pool = body->bytes[1],
		.body_len = body->len,
	};
	memcpy(request->body, body->bytes, body->len);
	return request->hdr.len;
}

/* The reply in @got: its status, or -1 if it is not a good reply to @id. */
static int64_t reply_status(uint64_t id)
{
	struct hvkvp_reply reply;

	if (got_len < (ssize_t)sizeof(reply))
		return -1;
	memcpy(&reply, got, sizeof(reply));
	if (reply.hdr.len != (size_t)got_len || reply.hdr.type != HVKVP_REPLY || reply.hdr.flags ||
	    reply.hdr.id != id || reply.body_len != got_len - sizeof(reply))
		return -1;
	return reply.status;
}

static void hello(void)
{
	struct hvkvp_hello said;

	begin();
	take();
	CHECK_INT(got_len, sizeof(said));
	memcpy(&said, got, sizeof(said));
	CHECK_INT(said.hdr.len, sizeof(said));
	CHECK_INT(said.hdr.type, HVKVP_HELLO);
	CHECK_INT(said.hdr.flags, 0);
	CHECK_INT(said.hdr.id, 0);
	CHECK_INT(said.major, HVKVP_MAJOR);
	CHECK_INT(said.minor, HVKVP_MINOR);
	CHECK_INT(said.timeout_ms, 0);
	CHECK_INT(said.features, 0);
	CHECK_INT(say_hello(1), 0);
	CHECK_INT(got_len, -1);
	CHECK(scratch_logged("ready (hv_kvp)"));
	end();
}

static void other_major(void)
{
	begin();
	take();
	CHECK_INT(say_hello(2), -EPROTONOSUPPORT);
	CHECK(scratch_logged("the driver speaks protocol 2.0"));
	CHECK(scratch_logged("same release"));
	end();
}

static void requests(void)
{
	struct body body;

	begin();
	take();
	say_hello(1);
	body_set(&body, 0, U(u"k"), U(u"v"));
	CHECK_INT(talk(message, make_request(7, &body)), 0);
	CHECK_INT(reply_status(7), HVKVP_S_OK);
	CHECK_INT(got_len, sizeof(struct hvkvp_reply));

	body_get(&body, 0, U(u"k"));
	CHECK_INT(talk(message, make_request(UINT64_MAX, &body)), 0);
	CHECK_INT(reply_status(UINT64_MAX), HVKVP_S_OK);
	CHECK_INT(got_len, sizeof(struct hvkvp_reply) + BODY_EXCHANGE);
	CHECK(!memcmp(got + sizeof(struct hvkvp_reply) + 528, u"v", 4));

	body_enumerate(&body, 0, 1);
	CHECK_INT(talk(message, make_request(9, &body)), 0);
	CHECK_INT(reply_status(9), HVKVP_NO_MORE_ITEMS);
	end();
}

/* As large as a message can be. */
static void largest_request(void)
{
	struct body body;

	begin();
	take();
	say_hello(1);
	body_enumerate(&body, 2, 1);
	body.len = HVKVP_MAX_MESSAGE - sizeof(struct hvkvp_request);
	CHECK_INT(talk(message, make_request(3, &body)), 0);
	CHECK_INT(reply_status(3), HVKVP_S_OK);
	CHECK_INT(got_len, sizeof(struct hvkvp_reply) + body.len);
	end();
}

/* What cannot be trusted is dropped; the next good request is answered. */
static void bad_messages(void)
{
	struct body body;
	size_t len;

	begin();
	take();
	body_enumerate(&body, 2, 0);

	len = make_request(5, &body);
	CHECK_INT(talk(message, len), 0);
	CHECK_INT(got_len, -1);
	CHECK(scratch_logged("before its HELLO"));
	say_hello(1);

	CHECK_INT(talk(message, len - 1), 0);
	CHECK_INT(got_len, -1);
	CHECK_INT(talk(message, 15), 0);
	CHECK_INT(got_len, -1);
	CHECK_INT(talk(message, 1), 0);
	CHECK_INT(got_len, -1);
	request->hdr.len++;
	CHECK_INT(talk(message, len), 0);
	CHECK_INT(got_len, -1);

	make_request(5, &body);
	request->hdr.type = 99;
	CHECK_INT(talk(message, len), 0);
	CHECK_INT(got_len, -1);
	CHECK(scratch_logged("unknown type 99"));

	make_request(0, &body);
	CHECK_INT(talk(message, len), 0);
	CHECK_INT(got_len, -1);
	CHECK(scratch_logged("without an id"));

	CHECK_INT(say_hello(1), 0);
	CHECK(scratch_logged("a second HELLO"));

	make_request(6, &body);
	CHECK_INT(talk(message, len), 0);
	CHECK_INT(reply_status(6), HVKVP_S_OK);
	end();
}

/* With a good id an error is better than silence until the deadline. */
static void bad_requests(void)
{
	struct body body;
	size_t len;

	begin();
	take();
	say_hello(1);
	body_enumerate(&body, 2, 0);

	len = make_request(1, &body);
	request->body_len++;
	CHECK_INT(talk(message, len), 0);
	CHECK_INT(reply_status(1), HVKVP_E_FAIL);

	make_request(2, &body);
	request->reserved = 1;
	CHECK_INT(talk(message, len), 0);
	CHECK_INT(reply_status(2), HVKVP_E_FAIL);

	make_request(3, &body);
	request->pool = 1;
	CHECK_INT(talk(message, len), 0);
	CHECK_INT(reply_status(3), HVKVP_E_FAIL);

	make_request(4, &body);
	request->hdr.flags = 2;
	CHECK_INT(talk(message, len), 0);
	CHECK_INT(reply_status(4), HVKVP_E_FAIL);

	make_request(5, &body);
	request->hdr.len = 20;
	CHECK_INT(talk(message, 20), 0);
	CHECK_INT(reply_status(5), HVKVP_E_FAIL);

	make_request(6, &body);
	request->body_len = 100;
	request->hdr.len = sizeof(*request) + 100;
	CHECK_INT(talk(message, request->hdr.len), 0);
	CHECK_INT(reply_status(6), HVKVP_E_INVALIDARG);
	end();
}

static void larger_than_a_message(void)
{
	static uint8_t big[HVKVP_MAX_MESSAGE + 8];
	struct hvkvp_hdr hdr = { .len = sizeof(big), .type = HVKVP_REQUEST, .id = 1 };

	begin();
	take();
	say_hello(1);
	memcpy(big, &hdr, sizeof(hdr));
	CHECK_INT(talk(big, sizeof(big)), 0);
	CHECK_INT(got_len, -1);
	end();
}

static void hang_up(void)
{
	struct body body;

	begin();
	take();
	say_hello(1);
	CHECK_INT(service_event(&service, EPOLLHUP), -ENODEV);
	CHECK_INT(service_event(&service, EPOLLHUP | EPOLLERR), -ENODEV);
	CHECK_INT(service_event(&service, EPOLLIN), 0);

	/* Gone between a request and its answer. */
	body_enumerate(&body, 2, 0);
	send(fds[1], message, make_request(1, &body), 0);
	close(fds[1]);
	signal(SIGPIPE, SIG_IGN);
	CHECK_INT(service_event(&service, EPOLLIN), -ENODEV);
	CHECK_INT(service_event(&service, EPOLLIN | EPOLLHUP), -ENODEV);
	fds[1] = -1;
	end();
}

/* A transport whose driver refuses the reply with @refusal. */
static int refusal, replies;
static uint32_t last_status, last_len;

static int refuse_hello(struct transport *transport)
{
	(void)transport;
	return 0;
}

static int refuse_receive(struct transport *transport, struct dispatch_request *req)
{
	static struct body body;

	(void)transport;
	body_enumerate(&body, 2, 0);
	*req = (struct dispatch_request){ .id = 1, .body = body.bytes, .body_len = body.len };
	return TRANSPORT_REQUEST;
}

static int refuse_reply(struct transport *transport, const struct dispatch_request *req,
			const struct dispatch_reply *reply)
{
	(void)transport;
	(void)req;
	last_status = reply->status;
	last_len = reply->body_len;
	return replies++ ? 0 : refusal;
}

static void refused_replies(void)
{
	static const struct transport_ops refuse = {
		.name = "refusing", .hello = refuse_hello,
		.receive = refuse_receive, .reply = refuse_reply,
	};
	static const int errors[] = { -EMSGSIZE, -ENODATA, -EPROTO, -EINVAL };

	begin();
	service_start(&service, &refuse, -1);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		refusal = errors[i];
		replies = 0;
		CHECK_INT(service_event(&service, EPOLLIN), 0);
		CHECK_INT(replies, 2);
		CHECK_INT(last_status, HVKVP_E_FAIL);
		CHECK_INT(last_len, 0);
	}
	refusal = -ENODEV;
	replies = 0;
	CHECK_INT(service_event(&service, EPOLLIN), -ENODEV);
	end();
}

static const struct tap_case cases[] = {
	{ "hello, and the driver's answer", hello },
	{ "a driver of another major is refused, and says what to do", other_major },
	{ "requests and replies", requests },
	{ "the largest request that there can be", largest_request },
	{ "messages that make no sense are dropped", bad_messages },
	{ "requests with a good id and a bad rest are answered with an error", bad_requests },
	{ "more than a message can hold is dropped", larger_than_a_message },
	{ "the driver goes away, also between request and reply", hang_up },
	{ "a reply that the driver refuses is followed by a plain error", refused_replies },
};

TAP_MAIN("transport", cases)
