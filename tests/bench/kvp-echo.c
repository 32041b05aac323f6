// SPDX-License-Identifier: GPL-2.0-only
/*
 * The limit of every KVP service: it answers each request at once, with a body that is ready.
 *
 * What the host waits for beyond the time of this one is the work of the service that it measures.
 * With the name of a file it also makes each change durable, by one write and one fdatasync(2): less
 * no service can do that keeps pairs.
 *
 *	kvp-echo [-w] DEVICE [FILE]	a DEVICE of "-" is standard input, a socket
 *
 * With -w it waits in epoll_wait(2) before each read(2): no service can do without that has more than one
 * descriptor to wait for.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <hv_kvp.h>
#include <hv_kvp_msg.h>

static union {
	struct hvkvp_request request;
	__u8 bytes[HVKVP_MAX_MESSAGE];
} in;

static union {
	struct hvkvp_reply reply;
	__u8 bytes[HVKVP_MAX_MESSAGE];
} out;

static const struct hvkvp_exchange_value pair = {
	.type = HVKVP_REG_SZ, .key_size = 4, .value_size = 4, .key = "k", .value = "v",
};

/* The body of the answer, from the request's; 0 for no body. */
static __u32 fill_in(const struct hvkvp_request *request, __u8 *body)
{
	size_t at = 0;

	switch (request->operation) {
	case HVKVP_OP_GET:
		at = offsetof(struct hvkvp_msg_exchange, data);
		break;
	case HVKVP_OP_ENUMERATE:
		at = offsetof(struct hvkvp_msg_enumerate, data);
		break;
	case HVKVP_OP_GET_IP:
		break;
	default:
		return 0;
	}
	memcpy(body, request->body, request->body_len);
	if (at)
		memcpy(body + at, &pair, sizeof(pair));
	return request->body_len;
}

/* As much as a pair takes in a log; the blocks are there already. */
static int make_durable(int file)
{
	static const char entry[128] = "change";

	return pwrite(file, entry, sizeof(entry), 0) != sizeof(entry) || fdatasync(file);
}

/* Return: a descriptor for epoll_wait(2), or -1. */
static int watch(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	return epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -1 : epoll;
}

static int serve(int fd, int file, int epoll)
{
	struct epoll_event event;

	for (;;) {
		ssize_t len;

		if (epoll >= 0 && epoll_wait(epoll, &event, 1, -1) != 1)
			return -1;
		len = read(fd, &in, sizeof(in));
		if (len < (ssize_t)sizeof(in.request))
			return -1;
		if (file >= 0 && (in.request.operation == HVKVP_OP_SET ||
				  in.request.operation == HVKVP_OP_DELETE) && make_durable(file))
			return -1;
		out.reply.hdr.type = HVKVP_REPLY;
		out.reply.hdr.id = in.request.hdr.id;
		out.reply.status = HVKVP_S_OK;
		out.reply.body_len = fill_in(&in.request, out.reply.body);
		out.reply.hdr.len = sizeof(out.reply) + out.reply.body_len;
		if (write(fd, &out, out.reply.hdr.len) < 0)
			return -1;
	}
}

int main(int argc, char **argv)
{
	struct hvkvp_hello hello = {
		.hdr = { .len = sizeof(hello), .type = HVKVP_HELLO },
		.major = HVKVP_MAJOR, .minor = HVKVP_MINOR,
	};
	int fd, file = -1, epoll = -1;
	bool waits = argc > 1 && !strcmp(argv[1], "-w");

	argc -= waits;
	argv += waits;
	if (argc < 2) {
		fprintf(stderr, "usage: kvp-echo [-w] DEVICE [FILE]\n");
		return 2;
	}
	fd = strcmp(argv[1], "-") ? open(argv[1], O_RDWR | O_CLOEXEC) : STDIN_FILENO;
	if (argc > 2) {
		file = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (file < 0 || make_durable(file)) {
			perror(argv[2]);
			return 1;
		}
	}
	if (fd < 0 || write(fd, &hello, sizeof(hello)) != sizeof(hello) ||
	    read(fd, &hello, sizeof(hello)) != sizeof(hello) ||
	    (waits && (epoll = watch(fd)) < 0) || serve(fd, file, epoll)) {
		perror("kvp-echo");
		return 1;
	}
	return 0;
}
