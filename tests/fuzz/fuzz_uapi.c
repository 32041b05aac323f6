// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parser of the driver's messages: packets of any bytes, one behind the
 * other, each with its length in front.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dir.h"
#include "hvkvpd/transport.h"
#include "util/log.h"
#include "wire/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void silent(int level, const char *line)
{
	(void)level;
	MUST(line[0]);
}

static void one_packet(struct transport *transport, int driver, const uint8_t *data, size_t len)
{
	static struct dispatch_reply reply;
	struct dispatch_request request = { 0 };
	uint8_t answer[HVKVP_MAX_MESSAGE];
	int ret;

	if (!len || send(driver, data, len, 0) != (ssize_t)len)
		return;
	ret = transport_receive(transport, &request);
	if (ret != TRANSPORT_REQUEST)
		return;
	MUST(request.id && request.body_len <= PROTOCOL_BODY_MAX);
	MUST(!request.body_len || request.body[0] < 255 || request.body[0] == 255);
	for (uint32_t i = 0; i < request.body_len; i++)
		reply.body[i] = request.body[i];
	reply.body_len = request.body_len;
	MUST(!transport_reply(transport, &request, &reply));
	MUST(recv(driver, answer, sizeof(answer), MSG_DONTWAIT) ==
	     (ssize_t)(sizeof(struct hvkvp_reply) + request.body_len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct transport transport;
	uint8_t hello[64];
	int fds[2];

	log_set_sink(silent);
	MUST(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds));
	MUST(!transport_start(&transport, &transport_uapi, fds[1]));
	MUST(recv(fds[0], hello, sizeof(hello), 0) > 0);
	while (len >= 2) {
		size_t want = data[0] | data[1] << 8;

		data += 2;
		len -= 2;
		want = want < len ? want : len;
		one_packet(&transport, fds[0], data, want);
		data += want;
		len -= want;
	}
	close(fds[0]);
	close(fds[1]);
	return 0;
}
