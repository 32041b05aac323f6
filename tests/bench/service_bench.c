// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a service costs without a guest: service_bench HVKVPD KVP-ECHO DIRECTORY
 *
 * The daemon and the services of kvp-echo.c, each on a socket in the place of the driver. Each
 * request goes to all of them in turns, so that all see the same machine. "more" is the median of what
 * the daemon took longer, request by request: a disk that is busy changes it less than a ratio of two
 * medians. "waiting" is the ratio to the service that waits in epoll_wait(2). No part of the driver, of
 * the bus or of an emulated processor is in the figures: what is left is the service, and a switch to
 * it and back. All run on one processor: waking up another one may take longer than the service, and
 * whom the scheduler puts there is chance.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <hv_kvp.h>
#include <hv_kvp_msg.h>

#define SAMPLES		1000
#define ANSWER_S	30

/* After this the daemon has unlocked its pools: a change then does not follow another one. */
#define PAUSE_US	25000
#define PAUSES		100

enum which { OURS, ECHO, WAITING, SYNC, SERVICES };

/**
 * struct service - a service that is measured
 * @fd: the driver's end of its socket
 * @pid: of the process
 */
struct service {
	int fd;
	pid_t pid;
};

static struct service services[SERVICES];

static _Alignas(8) uint8_t message[HVKVP_MAX_MESSAGE];

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "service_bench: %s: %s\n", what, errno ? strerror(errno) : "no or a wrong answer");
	exit(1);
}

static void start(struct service *service, const char *const argv[])
{
	const struct timeval limit = { .tv_sec = ANSWER_S };
	struct hvkvp_hello hello;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		fail("socketpair");
	service->pid = fork();
	if (service->pid < 0)
		fail("fork");
	if (!service->pid) {
		/* Nobody else would end it if this program is killed. */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (dup2(fds[1], STDIN_FILENO) < 0)
			_exit(127);
		execv(argv[0], (char *const *)argv);
		perror(argv[0]);
		_exit(127);
	}
	close(fds[1]);
	service->fd = fds[0];
	setsockopt(service->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	errno = 0;
	if (read(service->fd, &hello, sizeof(hello)) != sizeof(hello))
		fail(argv[0]);
	hello.timeout_ms = 1000 * ANSWER_S;
	if (write(service->fd, &hello, sizeof(hello)) != sizeof(hello))
		fail(argv[0]);
}

static void put_text(uint8_t *at, const char *text)
{
	for (; *text; at += 2)
		*at = *text++;
}

static uint32_t text_size(const char *text)
{
	return 2 * (strlen(text) + 1);
}

/* A request that @make has filled in but for its head. */
static double ask(struct service *service, const struct hvkvp_request *head, const uint8_t *body, uint32_t expected)
{
	static _Alignas(8) uint8_t answer[HVKVP_MAX_MESSAGE];
	const struct hvkvp_reply *reply = (void *)answer;
	struct hvkvp_request *request = (void *)message;
	struct timespec from, to;
	ssize_t n;

	*request = *head;
	memcpy(request->body, body, head->body_len);
	errno = 0;
	clock_gettime(CLOCK_MONOTONIC, &from);
	if (write(service->fd, message, request->hdr.len) != request->hdr.len)
		fail("request");
	n = read(service->fd, answer, sizeof(answer));
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (n < (ssize_t)sizeof(*reply) || reply->hdr.id != head->hdr.id || reply->status != expected)
		fail("answer");
	return (to.tv_sec - from.tv_sec) * 1e6 + (to.tv_nsec - from.tv_nsec) / 1e3;
}

static struct hvkvp_msg_exchange *exchange(uint8_t *body, int operation, const char *key, const char *value)
{
	struct hvkvp_msg_exchange *exchange = (void *)body;
	struct hvkvp_exchange_value *data = &exchange->data;

	body[0] = operation;
	body[1] = HVKVP_POOL_EXTERNAL;
	data->key_size = text_size(key);
	put_text((uint8_t *)data->key, key);
	if (value) {
		data->type = HVKVP_REG_SZ;
		data->value_size = text_size(value);
		put_text((uint8_t *)data->value, value);
	}
	return exchange;
}

static void enumerate(uint8_t *body, int pool, uint32_t index)
{
	struct hvkvp_msg_enumerate *enumerate = (void *)body;

	body[0] = HVKVP_OP_ENUMERATE;
	body[1] = pool;
	enumerate->index = index;
}

static void key_of(char *key, int i)
{
	snprintf(key, 16, "k%d", i);
}

static void make_fact(uint8_t *body, int i)
{
	/* Those that are watched, and have no clock. */
	enumerate(body, HVKVP_POOL_AUTO, 4 + i % 6);
}

static void make_stored(uint8_t *body, int i)
{
	enumerate(body, HVKVP_POOL_EXTERNAL, i);
}

static void make_get(uint8_t *body, int i)
{
	char key[16];

	key_of(key, i);
	exchange(body, HVKVP_OP_GET, key, NULL);
}

static void make_new(uint8_t *body, int i)
{
	char key[16];

	key_of(key, i);
	exchange(body, HVKVP_OP_SET, key, "value");
}

static void make_known(uint8_t *body, int i)
{
	char key[16];

	key_of(key, i);
	exchange(body, HVKVP_OP_SET, key, "another");
}

static void make_delete(uint8_t *body, int i)
{
	struct hvkvp_msg_delete *delete = (void *)body;
	char key[16];

	key_of(key, i);
	body[0] = HVKVP_OP_DELETE;
	body[1] = HVKVP_POOL_EXTERNAL;
	delete->key_size = text_size(key);
	put_text((uint8_t *)delete->key, key);
}

static void make_unknown(uint8_t *body, int i)
{
	(void)i;
	body[0] = 9;
}

/**
 * struct test - a kind of request
 * @name: for the table
 * @make: fills in the body of the i-th, which is all zeros
 * @limit: what the daemon is compared with
 * @pauses: one before each request, of which there are fewer
 */
static const struct test {
	const char *name;
	void (*make)(uint8_t *body, int i);
	enum which limit;
	bool pauses;
} tests[] = {
	{ "unknown operation", make_unknown, ECHO, false },
	{ "enumerate: a fact", make_fact, ECHO, false },
	{ "set, a new key", make_new, SYNC, false },
	{ "enumerate: a stored pair", make_stored, ECHO, false },
	{ "get", make_get, ECHO, false },
	{ "set, a known key", make_known, SYNC, false },
	{ "delete", make_delete, SYNC, false },
	{ "set, after a pause", make_new, SYNC, true },
	{ "delete, after a pause", make_delete, SYNC, true },
};

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Of sorted samples. */
static double percentile(const double *samples, int count, int percent)
{
	return samples[(count - 1) * percent / 100];
}

static int count_of(const struct test *test)
{
	return test->pauses ? PAUSES : SAMPLES;
}

/* The echo services do nothing for a change, and the one that syncs is there for changes only. */
static bool takes_part(const struct test *test, enum which which)
{
	return which == OURS || (test->limit == SYNC) == (which == SYNC);
}

/* Who takes part, each as often at each place. Return: how many. */
static int make_order(const struct test *test, int i, enum which order[SERVICES])
{
	enum which all[SERVICES];
	int count = 0;

	for (int which = 0; which < SERVICES; which++)
		if (takes_part(test, which))
			all[count++] = which;
	for (int turn = 0; turn < count; turn++)
		order[turn] = all[(i + turn) % count];
	return count;
}

static void measure(const struct test *test, double samples[SERVICES][SAMPLES])
{
	static uint64_t id;
	static _Alignas(8) uint8_t body[HVKVP_MAX_MESSAGE];
	const uint32_t len = sizeof(struct hvkvp_msg_exchange);
	enum which order[SERVICES];
	int count;

	for (int i = 0; i < count_of(test); i++) {
		struct hvkvp_request head = {
			.hdr = { .len = sizeof(head) + len, .type = HVKVP_REQUEST },
			.deadline_ns = UINT64_MAX, .fw_major = 3, .msg_major = 5, .body_len = len,
		};

		memset(body, 0, len);
		test->make(body, i);
		head.operation = body[0];
		head.pool = body[1];
		count = make_order(test, i, order);
		for (int turn = 0; turn < count; turn++) {
			enum which which = order[turn];
			bool refused = which == OURS && test->make == make_unknown;

			if (test->pauses)
				usleep(PAUSE_US);	/* sleep: a host that changes something now and then */
			head.hdr.id = ++id;
			samples[which][i] = ask(&services[which], &head, body,
						refused ? HVKVP_E_NOT_SUPPORTED : HVKVP_S_OK);
		}
	}
}

/* Sorts the samples. */
static void print(const struct test *test, double samples[SERVICES][SAMPLES])
{
	static const struct {
		const char *name;
		int percent;
	} rows[] = { { "min", 0 }, { "median", 50 }, { "p99", 99 } };
	const double *ours = samples[OURS], *limit = samples[test->limit];
	static double more[SAMPLES];
	int count = count_of(test);

	for (int i = 0; i < count; i++)
		more[i] = ours[i] - limit[i];
	qsort(more, count, sizeof(more[0]), compare);
	for (int which = 0; which < SERVICES; which++)
		if (takes_part(test, which))
			qsort(samples[which], count, sizeof(double), compare);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int percent = rows[i].percent;
		double a = percentile(ours, count, percent), b = percentile(limit, count, percent);

		printf("%-26s %-6s %9.1f %9.1f %9.2f", i ? "" : test->name, rows[i].name, a, b, a / b);
		if (percent == 50)
			printf(" %9.1f", percentile(more, count, percent));
		else if (test->limit == ECHO)
			printf(" %9s", "");
		if (test->limit == ECHO)
			printf(" %9.2f", a / percentile(samples[WAITING], count, percent));
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	static double samples[SERVICES][SAMPLES];
	char file[PATH_MAX];
	cpu_set_t one;

	if (argc != 4) {
		fprintf(stderr, "usage: service_bench HVKVPD KVP-ECHO DIRECTORY\n");
		return 2;
	}
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		fail("sched_setaffinity");
	snprintf(file, sizeof(file), "%s/echo", argv[3]);
	start(&services[OURS], (const char *const[]){ argv[1], "--foreground", "--device", "fd:0", "--state-dir", argv[3], NULL });
	start(&services[ECHO], (const char *const[]){ argv[2], "-", NULL });
	start(&services[WAITING], (const char *const[]){ argv[2], "-w", "-", NULL });
	start(&services[SYNC], (const char *const[]){ argv[2], "-", file, NULL });
	printf("%-26s %-6s %9s %9s %9s %9s %9s\n", "on a socket, us", "", "ours", "limit", "ratio", "more",
	       "waiting");
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		measure(&tests[i], samples);
		print(&tests[i], samples);
	}
	for (int i = 0; i < SERVICES; i++) {
		kill(services[i].pid, SIGTERM);
		waitpid(services[i].pid, NULL, 0);
	}
	return 0;
}
