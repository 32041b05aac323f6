// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a hostile, clumsy or unlucky program can do to /dev/hv_kvp.
 *
 *   node-test NAME    runs one of the tests below; no service may run
 *
 * Exit code 0 if all was as uapi/hv_kvp.h says; else the first surprise is printed.
 * Those that serve requests say "ready" and answer S_OK until a SIGTERM.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/fs.h>
#include <hv_kvp.h>
#include <hv_kvp_msg.h>

#define NODE	"/dev/" HVKVP_DEVICE_NAME

/* Memory that is not there; the compiler must not know. */
static void *volatile nowhere = (void *)8;

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	stop = signal == SIGTERM;
}

static void fail(int line, const char *what, long got, long want)
{
	printf("line %d: %s: %ld instead of %ld (%s)\n", line, what, got, want, strerror(errno));
	exit(1);
}

#define EXPECT(call, want) do {						\
	long got_ = (call);						\
	if (got_ != (long)(want))					\
		fail(__LINE__, #call, got_, want);			\
} while (0)

/* The call fails, with this error. */
#define REFUSED(call, error) do {					\
	EXPECT(call, -1);						\
	if (errno != (error))						\
		fail(__LINE__, #call ": errno", errno, error);		\
} while (0)

static int open_node(int flags)
{
	int fd = open(NODE, flags | O_CLOEXEC);

	if (fd < 0)
		fail(__LINE__, "open", -errno, 0);
	return fd;
}

static struct hvkvp_hello hello_message(void)
{
	return (struct hvkvp_hello) {
		.hdr = { .len = sizeof(struct hvkvp_hello), .type = HVKVP_HELLO },
		.major = HVKVP_MAJOR, .minor = HVKVP_MINOR,
	};
}

static void make_reply(struct hvkvp_reply *reply, __u64 id)
{
	*reply = (struct hvkvp_reply) {
		.hdr = { .len = sizeof(*reply), .type = HVKVP_REPLY, .id = id },
		.status = HVKVP_S_OK,
	};
}

/* Say hello and hear the driver's. */
static int open_service(int flags)
{
	struct hvkvp_hello hello = hello_message();
	int fd = open_node(O_RDWR | flags);

	EXPECT(write(fd, &hello, sizeof(hello)), sizeof(hello));
	EXPECT(read(fd, &hello, sizeof(hello)), sizeof(hello));
	EXPECT(hello.major, HVKVP_MAJOR);
	return fd;
}

static void say_ready(void)
{
	puts("ready");
	fflush(stdout);
}

/* Answer one request. Return: false if there was none to read. */
static bool answer_one(int fd)
{
	union {
		struct hvkvp_request request;
		__u8 bytes[HVKVP_MAX_MESSAGE];
	} message;
	struct hvkvp_reply reply;

	if (read(fd, &message, sizeof(message)) <= 0)
		return false;
	EXPECT(message.request.hdr.type, HVKVP_REQUEST);
	make_reply(&reply, message.request.hdr.id);
	EXPECT(write(fd, &reply, sizeof(reply)), sizeof(reply));
	return true;
}

static void open_modes(void)
{
	struct hvkvp_hello hello = hello_message();
	int fd;

	REFUSED(open(NODE, O_WRONLY), EINVAL);
	fd = open_node(O_RDWR);
	REFUSED(open(NODE, O_RDWR), EBUSY);
	close(fd);
	fd = open_node(O_RDONLY);
	REFUSED(write(fd, &hello, sizeof(hello)), EBADF);
	close(fd);
	EXPECT(setuid(65534), 0);
	REFUSED(open(NODE, O_RDWR), EACCES);
	REFUSED(open(NODE, O_RDONLY), EACCES);
}

static void malformed_writes(void)
{
	static __u8 big[HVKVP_MAX_MESSAGE + 1];
	struct hvkvp_hello hello = hello_message();
	struct hvkvp_reply reply;
	struct iovec parts[3] = {
		{ &hello, 3 }, { (__u8 *)&hello + 3, 20 }, { (__u8 *)&hello + 23, 9 },
	};
	int fd = open_node(O_RDWR | O_NONBLOCK);

	make_reply(&reply, 1);
	for (size_t len = 0; len < sizeof(hello); len++)
		REFUSED(write(fd, &hello, len), EINVAL);
	REFUSED(write(fd, big, sizeof(big)), EINVAL);
	REFUSED(write(fd, nowhere, sizeof(hello)), EFAULT);
	for (int type = 0; type < 100; type++) {
		if (type == HVKVP_HELLO || type == HVKVP_REPLY)
			continue;
		hello.hdr.type = type;
		REFUSED(write(fd, &hello, sizeof(hello)), EINVAL);
	}
	for (int delta = -1; delta <= 1; delta += 2) {
		hello = hello_message();
		hello.hdr.len += delta;
		REFUSED(write(fd, &hello, sizeof(hello)), EINVAL);
	}
	hello = hello_message();
	hello.hdr.flags = 1;
	REFUSED(write(fd, &hello, sizeof(hello)), EINVAL);
	hello = hello_message();
	hello.hdr.id = 1;
	REFUSED(write(fd, &hello, sizeof(hello)), EINVAL);
	hello = hello_message();
	hello.timeout_ms = 1;
	REFUSED(write(fd, &hello, sizeof(hello)), EINVAL);
	REFUSED(write(fd, &reply, sizeof(reply)), EPROTO);

	/* None of it was taken for a hello; a wrong major can be mended. */
	REFUSED(read(fd, big, sizeof(big)), EAGAIN);
	hello = hello_message();
	hello.major = 2;
	EXPECT(write(fd, &hello, sizeof(hello)), sizeof(hello));
	EXPECT(read(fd, &hello, sizeof(hello)), sizeof(hello));
	EXPECT(hello.major, HVKVP_MAJOR);
	EXPECT(hello.features, 0);
	REFUSED(write(fd, &reply, sizeof(reply)), EPROTO);
	hello = hello_message();
	EXPECT(writev(fd, parts, 3), sizeof(hello));
	REFUSED(write(fd, &hello, sizeof(hello)), EPROTO);

	REFUSED(write(fd, &reply, sizeof(reply)), ENOENT);
	reply.body_len = 1;
	REFUSED(write(fd, &reply, sizeof(reply)), EINVAL);
	reply.body_len = ~0U;
	REFUSED(write(fd, &reply, sizeof(reply)), EINVAL);
	close(fd);
}

static void odd_reads(void)
{
	struct hvkvp_hello hello = hello_message();
	struct pollfd poll_fd;
	int value = 0;
	int fd = open_node(O_RDWR);

	EXPECT(write(fd, &hello, sizeof(hello)), sizeof(hello));
	for (size_t len = 0; len < sizeof(hello); len++)
		REFUSED(read(fd, &hello, len), EMSGSIZE);
	REFUSED(read(fd, nowhere, sizeof(hello)), EFAULT);
	poll_fd = (struct pollfd){ .fd = fd, .events = POLLIN | POLLOUT };
	EXPECT(poll(&poll_fd, 1, 0), 1);
	EXPECT(poll_fd.revents, POLLIN | POLLOUT);
	EXPECT(read(fd, &hello, sizeof(hello)), sizeof(hello));
	EXPECT(poll(&poll_fd, 1, 0), 1);
	EXPECT(poll_fd.revents, POLLOUT);

	alarm(1);
	REFUSED(read(fd, &hello, sizeof(hello)), EINTR);
	REFUSED(pread(fd, &hello, sizeof(hello), 0), ESPIPE);
	REFUSED(pwrite(fd, &hello, sizeof(hello), 0), ESPIPE);
	REFUSED(ioctl(fd, FIONREAD, &value), ENOTTY);
	EXPECT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED, 1);
	EXPECT(errno, ENODEV);
	REFUSED(lseek(fd, 0, SEEK_CUR), ESPIPE);
	close(fd);
}

/* musl before 1.2.5 has neither. */
static long read_nowait(int fd, const struct iovec *io)
{
	return syscall(SYS_preadv2, fd, io, 1, -1L, -1L, RWF_NOWAIT);
}

static long write_nowait(int fd, const struct iovec *io)
{
	return syscall(SYS_pwritev2, fd, io, 1, -1L, -1L, RWF_NOWAIT);
}

/* RWF_NOWAIT on a file that would wait. */
static void no_wait(void)
{
	struct hvkvp_hello hello = hello_message();
	struct iovec io = { &hello, sizeof(hello) };
	int fd = open_node(O_RDWR);

	REFUSED(read_nowait(fd, &io), EAGAIN);
	EXPECT(write_nowait(fd, &io), sizeof(hello));
	EXPECT(read_nowait(fd, &io), sizeof(hello));
	REFUSED(read_nowait(fd, &io), EAGAIN);
	close(fd);
	fd = open_node(O_RDONLY);
	EXPECT(read_nowait(fd, &io), sizeof(hello));
	REFUSED(read_nowait(fd, &io), EAGAIN);
	close(fd);
}

/* An edge is a message for this file: what monitors read is none for the service, and the reverse. */
static void epoll_edges(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET }, got[4];
	struct hvkvp_hello hello = hello_message();
	int epoll = epoll_create1(0), monitor, service;

	service = open_service(0);
	event.data.fd = service;
	EXPECT(epoll_ctl(epoll, EPOLL_CTL_ADD, service, &event), 0);
	EXPECT(epoll_wait(epoll, got, 4, 0), 1);
	EXPECT(got[0].events, EPOLLOUT);
	EXPECT(epoll_wait(epoll, got, 4, 0), 0);
	monitor = open_node(O_RDONLY | O_NONBLOCK);
	EXPECT(read(monitor, &hello, sizeof(hello)), sizeof(hello));
	event.data.fd = monitor;
	EXPECT(epoll_ctl(epoll, EPOLL_CTL_ADD, monitor, &event), 0);
	say_ready();
	/* The host negotiates: two events, the packet and its answer. */
	for (int events = 0; events < 2;) {
		union {
			struct hvkvp_event event;
			__u8 bytes[HVKVP_MAX_MESSAGE];
		} message;

		EXPECT(epoll_wait(epoll, got, 4, 10000), 1);
		EXPECT(got[0].data.fd, monitor);
		EXPECT(got[0].events, EPOLLIN);
		while (read(monitor, &message, sizeof(message)) > 0)
			events++;
		EXPECT(errno, EAGAIN);
	}
	EXPECT(epoll_wait(epoll, got, 4, 200), 0);
}

static void serve(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	say_ready();
	while (!stop)
		if (poll(&poll_fd, 1, 50) > 0)
			answer_one(fd);
}

/* The parent opens, its child serves; that the parent closes changes nothing. */
static void serve_in_child(void)
{
	int fd = open_service(O_NONBLOCK), status, closed[2];
	pid_t pid;
	char none;

	EXPECT(pipe(closed), 0);
	pid = fork();
	if (pid) {
		close(fd);
		close(closed[0]);
		close(closed[1]);
		while (waitpid(pid, &status, 0) < 0)
			;
		EXPECT(WIFEXITED(status) && !WEXITSTATUS(status), 1);
		return;
	}
	/* The pipe ends when the parent has closed its end. */
	close(closed[1]);
	EXPECT(read(closed[0], &none, 1), 0);
	REFUSED(open(NODE, O_RDWR), EBUSY);
	serve(fd);
	close(fd);
	fd = open_node(O_RDWR);
	exit(0);
}

/* One process opens, another one gets the descriptor by a socket. */
static void serve_passed(void)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = {
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int pair[2], fd;

	EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	if (!fork()) {
		fd = open_service(O_NONBLOCK);
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		EXPECT(sendmsg(pair[0], &message, 0), 1);
		_exit(0);
	}
	wait(NULL);
	/* Now the descriptor is nowhere but in the socket, and still a service. */
	REFUSED(open(NODE, O_RDWR), EBUSY);
	EXPECT(recvmsg(pair[1], &message, 0), 1);
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	serve(fd);
}

static void epoll_abuse(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET }, got[4];
	int outer = epoll_create1(0), inner = epoll_create1(0), twin, fd;

	for (int round = 0; round < 100; round++) {
		struct hvkvp_hello hello = hello_message();

		fd = open_node(O_RDWR | O_NONBLOCK);
		twin = dup(fd);
		EXPECT(epoll_ctl(inner, EPOLL_CTL_ADD, fd, &event), 0);
		EXPECT(epoll_ctl(inner, EPOLL_CTL_ADD, twin, &event), 0);
		REFUSED(epoll_ctl(inner, EPOLL_CTL_ADD, fd, &event), EEXIST);
		if (!round)
			EXPECT(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event), 0);
		EXPECT(epoll_wait(inner, got, 4, 0), 0);
		EXPECT(write(fd, &hello, sizeof(hello)), sizeof(hello));
		EXPECT(epoll_wait(outer, got, 4, 1000), 1);
		EXPECT(epoll_wait(inner, got, 4, 1000), 2);
		/* Closed while they are watched: the file goes with the last. */
		close(fd);
		REFUSED(open(NODE, O_RDWR), EBUSY);
		close(twin);
	}
	EXPECT(epoll_wait(inner, got, 4, 0), 0);
}

static void *hammer(void *data)
{
	int fd = *(int *)data;
	unsigned int seed = (unsigned int)(uintptr_t)&seed;
	__u8 bytes[HVKVP_MAX_MESSAGE];
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	while (!stop) {
		size_t len = rand_r(&seed) % sizeof(bytes);
		struct hvkvp_reply reply;

		make_reply(&reply, rand_r(&seed));
		for (size_t i = 0; i < 64; i++)
			bytes[i] = rand_r(&seed);
		REFUSED(write(fd, bytes, len), EINVAL);
		REFUSED(write(fd, &reply, sizeof(reply)), ENOENT);
		poll(&poll_fd, 1, 0);
		if (rand_r(&seed) % 2)
			answer_one(fd);
		else if (read(fd, bytes, 8) >= 0)
			fail(__LINE__, "a read into 8 bytes", 0, -1);
	}
	return NULL;
}

/* Many threads on one file, most of what they do is wrong; all is answered. */
static void serve_threads(void)
{
	pthread_t threads[6];
	int fd = open_service(O_NONBLOCK);

	for (size_t i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, hammer, &fd);
	say_ready();
	while (!stop)
		usleep(50000);	/* sleep: it polls for its end */
	for (size_t i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
}

/* Open, read, die, over and over: a request that was read is never lost. */
static void serve_dying(void)
{
	int status, rounds = 0;

	say_ready();
	while (!stop) {
		pid_t pid = fork();

		if (!pid) {
			int fd = open_service(0);
			__u8 bytes[HVKVP_MAX_MESSAGE];
			struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

			if (rounds % 4 == 3) {
				if (poll(&poll_fd, 1, 20) == 1)
					answer_one(fd);
			} else if (poll(&poll_fd, 1, 20) == 1) {
				EXPECT(read(fd, bytes, sizeof(bytes)) > 0, 1);
			}
			raise(SIGKILL);
		}
		while (waitpid(pid, &status, 0) < 0)
			;
		EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, 1);
		rounds++;
	}
}

/* Monitors: as many as one likes; a slow one loses events, and is told so. */
static void monitors(void)
{
	enum { MANY = HVKVP_MONITORS };
	union {
		struct hvkvp_hdr hdr;
		struct hvkvp_hello hello;
		struct hvkvp_event event;
		__u8 bytes[HVKVP_MAX_MESSAGE];
	} message;
	struct hvkvp_hello hello = hello_message();
	int fds[MANY], service, attached = 0;
	long events = 0, lost = 0, rounds;

	for (int i = 0; i < MANY; i++) {
		fds[i] = open_node(O_RDONLY | O_NONBLOCK);
		EXPECT(read(fds[i], &message, sizeof(message)), sizeof(message.hello));
		EXPECT(message.hdr.type, HVKVP_HELLO);
		REFUSED(read(fds[i], &message, sizeof(message)), EAGAIN);
	}
	REFUSED(open(NODE, O_RDONLY), EUSERS);
	/* A little more than a feed holds; each round is two events of 40 bytes. */
	rounds = HVKVP_FEED_SIZE / 80 + 10;
	for (long i = 0; i < rounds; i++) {
		service = open_node(O_RDWR);
		EXPECT(write(service, &hello, sizeof(hello)), sizeof(hello));
		close(service);
	}
	for (int i = 0; i < MANY; i++, events = 0) {
		while (read(fds[i], &message, sizeof(message)) > 0) {
			EXPECT(message.hdr.type, HVKVP_EVENT);
			EXPECT(message.hdr.len, sizeof(message.event));
			EXPECT(message.event.lost, 0);
			events++;
		}
		EXPECT(errno, EAGAIN);
		EXPECT(events, HVKVP_FEED_SIZE / 40);
	}
	service = open_service(0);
	for (int i = 0; i < MANY; i++) {
		struct pollfd poll_fd = { .fd = fds[i], .events = POLLIN | POLLOUT };

		EXPECT(poll(&poll_fd, 1, 0), 1);
		EXPECT(poll_fd.revents, POLLIN);
		REFUSED(read(fds[i], &message, sizeof(message.event) - 1), EMSGSIZE);
		EXPECT(read(fds[i], &message, sizeof(message)), sizeof(message.event));
		attached += message.event.what == HVKVP_ATTACHED;
		lost = message.event.lost;
		EXPECT(lost, 2 * rounds - HVKVP_FEED_SIZE / 40);
		close(fds[i]);
	}
	EXPECT(attached, MANY);
}

/* Wait in read() until the device goes away; what waits is read before that. */
static void until_gone(void)
{
	__u8 bytes[HVKVP_MAX_MESSAGE];
	int monitor = open_node(O_RDONLY), service = open_service(0);
	struct pollfd poll_fds[2] = {
		{ .fd = monitor, .events = POLLIN }, { .fd = service, .events = POLLIN },
	};
	const struct hvkvp_event *event = (void *)bytes;
	int last = 0;

	say_ready();
	REFUSED(read(service, bytes, sizeof(bytes)), ENODEV);
	REFUSED(write(service, bytes, 40), ENODEV);
	EXPECT(read(monitor, bytes, sizeof(bytes)), sizeof(struct hvkvp_hello));
	while (read(monitor, bytes, sizeof(bytes)) > 0)
		last = event->what;
	EXPECT(errno, ENODEV);
	EXPECT(last, HVKVP_CLOSED);
	EXPECT(poll(poll_fds, 2, 0), 2);
	EXPECT(poll_fds[0].revents, POLLERR | POLLHUP);
	EXPECT(poll_fds[1].revents, POLLERR | POLLHUP);
	puts("done");
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "open-modes", open_modes },
	{ "malformed-writes", malformed_writes },
	{ "odd-reads", odd_reads },
	{ "serve-in-child", serve_in_child },
	{ "serve-passed", serve_passed },
	{ "epoll-abuse", epoll_abuse },
	{ "serve-threads", serve_threads },
	{ "serve-dying", serve_dying },
	{ "monitors", monitors },
	{ "no-wait", no_wait },
	{ "epoll-edges", epoll_edges },
	{ "until-gone", until_gone },
};

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	for (size_t i = 0; argc == 2 && i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (strcmp(argv[1], tests[i].name))
			continue;
		tests[i].run();
		return 0;
	}
	fputs("usage: node-test NAME\n", stderr);
	return 2;
}
