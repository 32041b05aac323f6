// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvpd with this program in the place of the driver
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hv_kvp.h>

#include "c/tap.h"
#include "support/driver.h"
#include "support/scratch.h"

void driver_start(struct driver *driver)
{
	struct hvkvp_hello hello = {
		.hdr = { .len = sizeof(hello), .type = HVKVP_HELLO },
		.major = HVKVP_MAJOR, .minor = HVKVP_MINOR, .timeout_ms = 30000,
	};
	char device[16];
	int fds[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	driver->fd = fds[0];
	fcntl(driver->fd, F_SETFD, FD_CLOEXEC);
	snprintf(device, sizeof(device), "fd:%d", fds[1]);
	child_start(&driver->child, (const char *const[]){
		"hvkvpd", "--foreground", "--device", device, "--state-dir", scratch_path("state"), NULL });
	close(fds[1]);
	CHECK_INT(read(driver->fd, &(struct hvkvp_hello){ 0 }, sizeof(hello)), sizeof(hello));
	CHECK_INT(write(driver->fd, &hello, sizeof(hello)), sizeof(hello));
	CHECK(child_says(&driver->child, "ready (", 1));
}

void driver_send(struct driver *driver, uint64_t id, uint16_t flags, const struct body *body)
{
	static _Alignas(8) uint8_t message[HVKVP_MAX_MESSAGE];
	struct hvkvp_request *request = (void *)message;

	*request = (struct hvkvp_request){
		.hdr = { .len = sizeof(*request) + body->len, .type = HVKVP_REQUEST, .flags = flags, .id = id },
		.deadline_ns = UINT64_MAX, .fw_major = 3, .msg_major = 5,
		.operation = body->bytes[0], .pool = body->bytes[1], .body_len = body->len,
	};
	memcpy(request->body, body->bytes, body->len);
	CHECK_INT(write(driver->fd, message, request->hdr.len), request->hdr.len);
}

uint32_t driver_reply(struct driver *driver, uint64_t id)
{
	static _Alignas(8) uint8_t message[HVKVP_MAX_MESSAGE];
	const struct hvkvp_reply *reply = (const void *)message;

	CHECK(read(driver->fd, message, sizeof(message)) >= (ssize_t)sizeof(*reply));
	CHECK_INT(reply->hdr.id, id);
	return reply->status;
}

bool driver_answered(const struct driver *driver)
{
	struct pollfd ready = { .fd = driver->fd, .events = POLLIN };
	char byte;

	/* The end of the daemon can be read, too: as nothing. */
	return poll(&ready, 1, 0) == 1 && recv(driver->fd, &byte, 1, MSG_PEEK) > 0;
}

void driver_kill(struct driver *driver)
{
	kill(driver->child.pid, SIGKILL);
	waitpid(driver->child.pid, NULL, 0);
	close(driver->fd);
}
