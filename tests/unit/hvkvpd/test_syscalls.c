// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many system calls a request costs, counted by ptrace(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hv_kvp.h>
#include <hv_kvp_msg.h>

#include "c/tap.h"
#include "facts/facts.h"
#include "support/body.h"
#include "support/child.h"
#include "support/scratch.h"

#define REQUESTS 20

static struct child child;
static int driver;
static bool inside;	/* the daemon has entered a call and not left it */

static void send_request(uint64_t id, const struct body *body)
{
	static _Alignas(8) uint8_t message[HVKVP_MAX_MESSAGE];
	struct hvkvp_request *request = (void *)message;

	*request = (struct hvkvp_request){
		.hdr = { .len = sizeof(*request) + body->len, .type = HVKVP_REQUEST, .id = id },
		.deadline_ns = UINT64_MAX, .fw_major = 3, .msg_major = 5,
		.operation = body->bytes[0], .pool = body->bytes[1], .body_len = body->len,
	};
	memcpy(request->body, body->bytes, body->len);
	CHECK_INT(write(driver, message, request->hdr.len), request->hdr.len);
}

/* Newer architectures have only the second one; glibc uses either. */
static bool is_wait(uint64_t nr)
{
#ifdef SYS_epoll_wait
	if (nr == SYS_epoll_wait)
		return true;
#endif
	return nr == SYS_epoll_pwait;
}

static bool answered(void)
{
	struct pollfd ready = { .fd = driver, .events = POLLIN };

	return poll(&ready, 1, 0) == 1;
}

/* Let the daemon run until it waits for the next request. Return: calls that it made, this last one too. */
static int count_calls(void)
{
	int calls = 0, status;

	for (;;) {
		struct __ptrace_syscall_info info;

		if (ptrace(PTRACE_SYSCALL, child.pid, 0, 0) ||
		    waitpid(child.pid, &status, 0) != child.pid || !WIFSTOPPED(status))
			return -1;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, child.pid, sizeof(info), &info) <= 0)
			return -1;
		inside = info.op == PTRACE_SYSCALL_INFO_ENTRY;
		if (!inside)
			continue;
		calls++;
		if (is_wait(info.entry.nr) && answered())
			return calls;
	}
}

static bool begin(void)
{
	struct hvkvp_hello hello = {
		.hdr = { .len = sizeof(hello), .type = HVKVP_HELLO }, .major = 1, .timeout_ms = 30000,
	};
	char device[16];
	int fds[2], status;

	scratch_begin();
	/* Looking for leaks needs ptrace for itself. */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	driver = fds[0];
	fcntl(driver, F_SETFD, FD_CLOEXEC);
	snprintf(device, sizeof(device), "fd:%d", fds[1]);
	child_start(&child, (const char *const[]){
		"hvkvpd", "--foreground", "--device", device, "--state-dir", scratch_path("state"), NULL });
	close(fds[1]);
	CHECK_INT(read(driver, &(struct hvkvp_hello){ 0 }, sizeof(hello)), sizeof(hello));
	CHECK_INT(write(driver, &hello, sizeof(hello)), sizeof(hello));
	CHECK(child_says(&child, "ready (", 1));
	if (ptrace(PTRACE_SEIZE, child.pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) {
		tap_skip("ptrace is not allowed here");
		return false;
	}
	ptrace(PTRACE_INTERRUPT, child.pid, 0, 0);
	return waitpid(child.pid, &status, 0) == child.pid;
}

static void end(void)
{
	kill(child.pid, SIGKILL);
	waitpid(child.pid, NULL, 0);
	close(driver);
	scratch_end();
	unsetenv("ASAN_OPTIONS");
}

/* The cost of a request once it has been made a few times. */
static void costs(const struct body *body, int most)
{
	static uint8_t reply[HVKVP_MAX_MESSAGE];
	int calls = 0;

	for (int i = 0; i < REQUESTS; i++) {
		send_request(i + 1, body);
		calls = count_calls();
		if (!CHECK(calls > 0))
			return;
		CHECK(read(driver, reply, sizeof(reply)) > 0);
	}
	if (!CHECK(calls <= most))
		printf("# %d calls\n", calls);
}

static void facts(void)
{
	struct body body;

	if (begin()) {
		/* The addresses are read again for a second after they have changed. */
		for (unsigned int i = 0; i < FACTS_STANDARD; i++) {
			body_enumerate(&body, HVKVP_POOL_AUTO, i);
			costs(&body, 3);
		}
	}
	end();
}

static void refusal(void)
{
	struct body body;

	if (begin()) {
		body_enumerate(&body, HVKVP_POOL_AUTO, 1000);
		costs(&body, 3);
	}
	end();
}

static const struct tap_case cases[] = {
	{ "a fact: wait, read, write", facts },
	{ "the end of an enumeration: likewise", refusal },
};

TAP_MAIN("syscalls", cases)
