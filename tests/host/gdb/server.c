// SPDX-License-Identifier: GPL-2.0-only
/*
 * server.c - gdb's commands, and what the guest does about them
 *
 * While gdb is connected the guest is paused by this file's one pause, or runs and
 * gdb waits for a stop reply. Numbers: gdb's manual, appendix "Remote Protocol".
 */
#include "gdb/server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gdb/regs.h"
#include "gdb/rsp.h"
#include "machine/debug.h"
#include "machine/vm.h"
#include "util/listen.h"

#define XML_MAX		8192
#define ANSWER_MAX	RSP_PACKET_MAX
#define SIGNAL_INT	2
#define SIGNAL_TRAP	5
#define ALL_THREADS	(-1)

/**
 * struct gdb_server - the server, and its one connection
 * @listenfd, @fd: the socket, and the connection or -1
 * @stopfd: ends the thread
 * @paused: this file's pause counts
 * @waiting: gdb waits for a stop reply
 * @vcpu: whose registers and memory gdb looks at
 * @stop: why the guest paused last
 * @sent: the last packet, for when gdb wants it again
 * @answer: the data of the next one
 */
struct gdb_server {
	struct vm *vm;
	pthread_t thread;
	bool started;
	int listenfd;
	int fd;
	int stopfd;
	bool paused;
	bool waiting;
	bool over;
	unsigned int vcpu;
	struct debug_stop stop;
	struct rsp_reader reader;
	char answer[ANSWER_MAX];
	char sent[ANSWER_MAX + 8];
	size_t sent_len;
};

static void send_bytes(struct gdb_server *s, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(s->fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			s->over = true;
			return;
		}
		bytes += n;
		len -= n;
	}
}

static void send_packet(struct gdb_server *s, const char *data)
{
	s->sent_len = rsp_frame(data, s->sent, sizeof(s->sent));
	send_bytes(s, s->sent, s->sent_len);
}

/* ---- running and stopping ---- */

static void resume(struct gdb_server *s)
{
	if (s->paused)
		debug_resume(s->vm);
	s->paused = false;
}

static void report_stop(struct gdb_server *s)
{
	const struct debug_stop *stop = &s->stop;
	const unsigned int thread = stop->vcpu + 1;

	s->waiting = false;
	if (vm_ended(s->vm)) {
		send_packet(s, "W00");
		s->over = true;
		return;
	}
	if (stop->reason == DEBUG_HIT && stop->kind == DEBUG_SOFTWARE)
		snprintf(s->answer, sizeof(s->answer), "T%02xthread:%x;swbreak:;", SIGNAL_TRAP, thread);
	else if (stop->reason == DEBUG_HIT && stop->kind == DEBUG_HARDWARE)
		snprintf(s->answer, sizeof(s->answer), "T%02xthread:%x;hwbreak:;", SIGNAL_TRAP, thread);
	else if (stop->reason == DEBUG_HIT)
		snprintf(s->answer, sizeof(s->answer), "T%02xthread:%x;%s:%llx;", SIGNAL_TRAP, thread,
			 stop->kind == DEBUG_WRITE ? "watch" : "awatch",
			 (unsigned long long)stop->address);
	else
		snprintf(s->answer, sizeof(s->answer), "T%02xthread:%x;",
			 stop->reason == DEBUG_PAUSED ? SIGNAL_INT : SIGNAL_TRAP, thread);
	send_packet(s, s->answer);
}

/* The guest has paused by itself, or has ended. */
static void on_guest(struct gdb_server *s)
{
	struct debug_stop stop;

	if (debug_next_stop(s->vm, &stop)) {
		s->stop = stop;
		s->vcpu = stop.vcpu;
		s->paused = true;
	} else if (!vm_ended(s->vm)) {
		return;
	}
	if (s->waiting)
		report_stop(s);
}

static void interrupt(struct gdb_server *s)
{
	struct debug_stop stop;

	if (!s->waiting)
		return;
	debug_interrupt(s->vm);
	s->paused = true;
	s->stop = (struct debug_stop){ .vcpu = s->vcpu, .reason = DEBUG_PAUSED };
	if (debug_next_stop(s->vm, &stop))
		s->stop = stop;
	s->vcpu = s->stop.vcpu;
	report_stop(s);
}

/* Return: true if the guest runs now, and an answer comes when it stops. */
static bool run(struct gdb_server *s, int step)
{
	if (vm_ended(s->vm)) {
		report_stop(s);
		return true;
	}
	if (step >= 0) {
		s->vcpu = step;
		if (debug_step(s->vm, step) < 0)
			return false;
		/* The pause stays; the step goes on in spite of it, and its end is reported. */
		s->paused = false;
	} else {
		resume(s);
	}
	s->waiting = true;
	return true;
}

/* "vCont;s:2;c": one steps, or all go on. */
static bool run_actions(struct gdb_server *s, const char *at)
{
	while (*at == ';') {
		const char action = at[1];
		const char *thread = strchr(at + 1, ':');
		const char *next = strchr(at + 1, ';');
		unsigned long number = s->vcpu + 1;

		if (thread && (!next || thread < next))
			number = strtoul(thread + 1, NULL, 16);
		if ((action == 's' || action == 'S') && number >= 1 && number <= vm_cpus(s->vm))
			return run(s, number - 1);
		if (!next)
			break;
		at = next;
	}
	return run(s, -1);
}

/* ---- looking ---- */

static void answer_error(struct gdb_server *s, int number)
{
	snprintf(s->answer, sizeof(s->answer), "E%02x", number & 0xff);
}

static void read_memory(struct gdb_server *s, const char *at)
{
	u8 bytes[ANSWER_MAX / 2 - 1];
	char *end;
	u64 address = strtoull(at, &end, 16);
	unsigned long len = *end == ',' ? strtoul(end + 1, NULL, 16) : 0;
	int n;

	if (len > sizeof(bytes))
		len = sizeof(bytes);
	n = debug_read(s->vm, s->vcpu, address, bytes, len);
	if (n < 0)
		answer_error(s, EFAULT);
	else
		rsp_hex(s->answer, bytes, n);
}

static void write_memory(struct gdb_server *s, const char *at)
{
	u8 bytes[ANSWER_MAX / 2];
	char *end;
	u64 address = strtoull(at, &end, 16);
	unsigned long len = *end == ',' ? strtoul(end + 1, &end, 16) : 0;

	if (*end != ':' || len > sizeof(bytes) || strlen(end + 1) != 2 * len ||
	    !rsp_unhex(bytes, end + 1, len))
		answer_error(s, EINVAL);
	else if (debug_write(s->vm, s->vcpu, address, bytes, len) != (int)len)
		answer_error(s, EFAULT);
	else
		strcpy(s->answer, "OK");
}

static void read_registers(struct gdb_server *s, const char *number)
{
	struct debug_regs regs;

	if (debug_get_regs(s->vm, s->vcpu, &regs) < 0)
		answer_error(s, EIO);
	else if (!number)
		regs_all(&regs, s->answer);
	else if (!regs_one(&regs, strtoul(number, NULL, 16), s->answer))
		answer_error(s, EINVAL);
}

static void write_registers(struct gdb_server *s, const char *at, bool one)
{
	struct debug_regs regs;
	char *end = (char *)at;
	unsigned long number = one ? strtoul(at, &end, 16) : 0;
	bool good = debug_get_regs(s->vm, s->vcpu, &regs) == 0;

	if (one)
		good = good && *end == '=' && regs_set_one(&regs, number, end + 1);
	else
		good = good && regs_set_all(&regs, at);
	if (!good || debug_set_regs(s->vm, s->vcpu, &regs) < 0)
		answer_error(s, EINVAL);
	else
		strcpy(s->answer, "OK");
}

static void breakpoint(struct gdb_server *s, const char *at, bool insert)
{
	static const int kinds[] = { DEBUG_SOFTWARE, DEBUG_HARDWARE, DEBUG_WRITE, -1, DEBUG_ACCESS };
	const unsigned int type = at[0] - '0';
	char *end;
	u64 address;
	unsigned int len;
	int ret;

	/* No processor watches reads alone; an empty answer says so. */
	if (type >= ARRAY_SIZE(kinds) || kinds[type] < 0 || at[1] != ',')
		return;
	address = strtoull(at + 2, &end, 16);
	len = *end == ',' ? strtoul(end + 1, NULL, 16) : 0;
	ret = (insert ? debug_insert : debug_remove)(s->vm, kinds[type], address, len);
	if (ret < 0 && ret != -EOPNOTSUPP)
		answer_error(s, -ret);
	else if (ret >= 0)
		strcpy(s->answer, "OK");
}

static void choose_thread(struct gdb_server *s, const char *at)
{
	long number = strtol(at, NULL, 16);

	if (number > (long)vm_cpus(s->vm)) {
		answer_error(s, EINVAL);
		return;
	}
	/* 0 is any, -1 all of them. */
	if (number >= 1)
		s->vcpu = number - 1;
	strcpy(s->answer, "OK");
}

static void describe(struct gdb_server *s, const char *range)
{
	char xml[XML_MAX];
	const size_t all = regs_describe(xml, sizeof(xml));
	char *end;
	size_t from = strtoul(range, &end, 16);
	size_t len = *end == ',' ? strtoul(end + 1, NULL, 16) : 0;

	if (from > all)
		from = all;
	if (len > all - from)
		len = all - from;
	if (len > sizeof(s->answer) - 2)
		len = sizeof(s->answer) - 2;
	s->answer[0] = from + len < all ? 'm' : 'l';
	memcpy(s->answer + 1, xml + from, len);
	s->answer[1 + len] = 0;
}

static void list_threads(struct gdb_server *s)
{
	size_t n = 0;

	for (unsigned int i = 1; i <= vm_cpus(s->vm); i++)
		n += snprintf(s->answer + n, sizeof(s->answer) - n, "%c%x", i == 1 ? 'm' : ',', i);
}

static void query(struct gdb_server *s, const char *what)
{
	static const char features[] = "qXfer:features:read:target.xml:";
	unsigned long thread;
	char name[64];

	if (!strncmp(what, "qSupported", 10)) {
		snprintf(s->answer, sizeof(s->answer),
			 "PacketSize=%x;qXfer:features:read+;swbreak+;hwbreak+;vContSupported+",
			 RSP_PACKET_MAX);
	} else if (!strncmp(what, features, sizeof(features) - 1)) {
		describe(s, what + sizeof(features) - 1);
	} else if (!strcmp(what, "qfThreadInfo")) {
		list_threads(s);
	} else if (!strcmp(what, "qsThreadInfo")) {
		strcpy(s->answer, "l");
	} else if (!strncmp(what, "qThreadExtraInfo,", 17)) {
		thread = strtoul(what + 17, NULL, 16);
		rsp_hex(s->answer, name, snprintf(name, sizeof(name), "virtual CPU %lu", thread - 1));
	} else if (!strcmp(what, "qC")) {
		snprintf(s->answer, sizeof(s->answer), "QC%x", s->vcpu + 1);
	} else if (!strcmp(what, "qAttached")) {
		strcpy(s->answer, "1");
	}
}

/* Return: false if no answer is due now. An empty answer means that a command is not known. */
static bool obey(struct gdb_server *s, const char *c)
{
	s->answer[0] = 0;
	switch (c[0]) {
	case '?':
		report_stop(s);
		return false;
	case 'g':
		read_registers(s, NULL);
		break;
	case 'p':
		read_registers(s, c + 1);
		break;
	case 'G':
	case 'P':
		write_registers(s, c + 1, c[0] == 'P');
		break;
	case 'm':
		read_memory(s, c + 1);
		break;
	case 'M':
		write_memory(s, c + 1);
		break;
	case 'Z':
	case 'z':
		breakpoint(s, c + 1, c[0] == 'Z');
		break;
	case 'H':
		choose_thread(s, c[1] ? c + 2 : "0");
		break;
	case 'T':
		strcpy(s->answer, strtoul(c + 1, NULL, 16) - 1 < vm_cpus(s->vm) ? "OK" : "E01");
		break;
	case 'q':
		query(s, c);
		break;
	case 'c':
	case 's':
		if (run(s, c[0] == 's' ? (int)s->vcpu : -1))
			return false;
		answer_error(s, EIO);
		break;
	case 'v':
		if (!strcmp(c, "vCont?")) {
			strcpy(s->answer, "vCont;c;C;s;S");
		} else if (!strncmp(c, "vCont;", 6)) {
			if (run_actions(s, c + 5))
				return false;
			answer_error(s, EIO);
		}
		break;
	case 'D':
		s->over = true;
		strcpy(s->answer, "OK");
		break;
	case 'k':
		s->over = true;
		vm_stop(s->vm);
		return false;
	}
	return true;
}

/* ---- the connection ---- */

static void on_byte(struct gdb_server *s, u8 byte)
{
	switch (rsp_feed(&s->reader, byte)) {
	case RSP_PACKET:
		send_bytes(s, "+", 1);
		if (obey(s, s->reader.data))
			send_packet(s, s->answer);
		break;
	case RSP_BAD_PACKET:
		send_bytes(s, "-", 1);
		break;
	case RSP_INTERRUPT:
		interrupt(s);
		break;
	case RSP_AGAIN:
		send_bytes(s, s->sent, s->sent_len);
		break;
	case RSP_NOTHING:
		break;
	}
}

static void on_gdb(struct gdb_server *s)
{
	u8 bytes[4096];
	ssize_t n = recv(s->fd, bytes, sizeof(bytes), 0);

	if (n <= 0)
		s->over = n == 0 || errno != EINTR;
	for (ssize_t i = 0; i < n && !s->over; i++)
		on_byte(s, bytes[i]);
}

static void connection(struct gdb_server *s)
{
	struct pollfd fds[] = {
		{ .fd = s->fd, .events = POLLIN },
		{ .fd = debug_fd(s->vm), .events = POLLIN },
		{ .fd = s->stopfd, .events = POLLIN },
	};

	memset(&s->reader, 0, sizeof(s->reader));
	s->over = s->waiting = false;
	s->sent_len = 0;
	if (!s->paused)
		debug_pause(s->vm);
	s->paused = true;
	s->stop = (struct debug_stop){ .vcpu = 0, .reason = DEBUG_PAUSED };
	s->vcpu = 0;
	debug_attach(s->vm);
	while (!s->over && poll(fds, ARRAY_SIZE(fds), -1) >= 0) {
		if (fds[2].revents)
			break;
		if (fds[1].revents)
			on_guest(s);
		if (fds[0].revents && !s->over)
			on_gdb(s);
	}
	/* gdb may disappear while the guest runs. */
	if (!s->paused)
		debug_interrupt(s->vm);
	s->paused = true;
	debug_next_stop(s->vm, &s->stop);
	debug_detach(s->vm);
	resume(s);
	close(s->fd);
	s->fd = -1;
}

static void *server_thread(void *arg)
{
	struct gdb_server *s = arg;
	struct pollfd fds[] = {
		{ .fd = s->listenfd, .events = POLLIN },
		{ .fd = s->stopfd, .events = POLLIN },
	};

	pthread_setname_np(pthread_self(), "gdb");
	while (poll(fds, ARRAY_SIZE(fds), -1) >= 0 && !fds[1].revents) {
		s->fd = accept4(s->listenfd, NULL, NULL, SOCK_CLOEXEC);
		if (s->fd >= 0)
			connection(s);
	}
	resume(s);
	return NULL;
}

struct gdb_server *gdb_start(struct vm *vm, const char *where, bool stopped, char *err, size_t errlen)
{
	struct gdb_server *s = calloc(1, sizeof(*s));

	if (!s) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	s->vm = vm;
	s->fd = -1;
	s->stopfd = eventfd(0, EFD_CLOEXEC);
	s->listenfd = listen_on(where, err, errlen);
	if (s->listenfd < 0) {
		gdb_stop(s);
		return NULL;
	}
	if (stopped)
		debug_pause(vm);
	s->paused = stopped;
	s->started = pthread_create(&s->thread, NULL, server_thread, s) == 0;
	if (s->started)
		return s;
	snprintf(err, errlen, "cannot start a thread for gdb");
	gdb_stop(s);
	return NULL;
}

void gdb_stop(struct gdb_server *s)
{
	const u64 one = 1;

	if (!s)
		return;
	if (s->started && write(s->stopfd, &one, sizeof(one)) > 0)
		pthread_join(s->thread, NULL);
	if (s->listenfd >= 0)
		close(s->listenfd);
	if (s->stopfd >= 0)
		close(s->stopfd);
	free(s);
}
