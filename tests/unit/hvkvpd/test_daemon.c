// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvpd as a whole, with this program as the driver.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

#include <hv_kvp.h>
#include <hv_kvp_msg.h>

#include "c/tap.h"
#include "facts/facts.h"
#include "pool/file.h"
#include "support/body.h"
#include "support/child.h"
#include "support/emulator.h"
#include "support/netns.h"
#include "support/scratch.h"
#include "util/clock.h"
#include "wire/protocol.h"

static struct child child;
static int driver = -1;

static uint8_t got[HVKVP_MAX_MESSAGE];

static bool take(size_t len)
{
	return CHECK_INT(read(driver, got, sizeof(got)), len);
}

static void say_hello(int major)
{
	struct hvkvp_hello hello = {
		.hdr = { .len = sizeof(hello), .type = HVKVP_HELLO },
		.major = major, .timeout_ms = 30000,
	};

	CHECK_INT(write(driver, &hello, sizeof(hello)), sizeof(hello));
}

static void send_request(uint64_t id, const struct body *body, int major)
{
	static _Alignas(8) uint8_t message[HVKVP_MAX_MESSAGE];
	struct hvkvp_request *request = (void *)message;

	*request = (struct hvkvp_request){
		.hdr = { .len = sizeof(*request) + body->len, .type = HVKVP_REQUEST, .id = id },
		.deadline_ns = UINT64_MAX, .fw_major = 3, .msg_major = major,
		.operation = body->bytes[0], .pool = body->bytes[1], .body_len = body->len,
	};
	memcpy(request->body, body->bytes, body->len);
	CHECK_INT(write(driver, message, request->hdr.len), request->hdr.len);
}

/* Return: the status of the answer to request @id; its body is in @got behind its header. */
static uint32_t take_reply(uint64_t id)
{
	struct hvkvp_reply reply = { 0 };

	if (CHECK(read(driver, got, sizeof(got)) >= (ssize_t)sizeof(reply)))
		memcpy(&reply, got, sizeof(reply));
	CHECK_INT(reply.hdr.id, id);
	return reply.status;
}

static uint32_t ask(uint64_t id, const struct body *body)
{
	send_request(id, body, 5);
	return take_reply(id);
}

/* Start the daemon with these options on a socket pair whose other end is @driver. */
static void start_daemon(const char *const *options)
{
	const struct timeval limit = { .tv_sec = 10 };
	const char *argv[24] = { "hvkvpd", "--state-dir" };
	char device[16];
	int fds[2], argc = 5;

	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	driver = fds[0];
	fcntl(driver, F_SETFD, FD_CLOEXEC);
	setsockopt(driver, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	snprintf(device, sizeof(device), "fd:%d", fds[1]);
	argv[2] = scratch_path("state");
	argv[3] = "--device";
	argv[4] = device;
	while (*options)
		argv[argc++] = *options++;
	child_start(&child, argv);
	close(fds[1]);
	take(sizeof(struct hvkvp_hello));
}

static void start_on_socket(void)
{
	scratch_begin();
	start_daemon((const char *const[]){ "--foreground", NULL });
}

static void end(void)
{
	if (driver >= 0)
		close(driver);
	driver = -1;
	scratch_end();
}

static void serves(void)
{
	struct stat st;
	struct body body;

	start_on_socket();
	say_hello(1);
	body_set(&body, 0, U(u"k"), U(u"v"));
	CHECK_INT(ask(1, &body), HVKVP_S_OK);
	body_get(&body, 0, U(u"k"));
	CHECK_INT(ask(2, &body), HVKVP_S_OK);
	CHECK(!memcmp(got + sizeof(struct hvkvp_reply) + 528, u"v", 4));

	CHECK_INT(stat(scratch_path("state"), &st), 0);
	CHECK_INT(st.st_mode & 0777, 0755);
	for (int i = 0; i < 5; i++) {
		char name[32];

		snprintf(name, sizeof(name), "state/.kvp_pool_%d", i);
		CHECK_INT(stat(scratch_path(name), &st), 0);
		CHECK_INT(st.st_mode & 0777, 0644);
		CHECK_INT(st.st_size, i ? 0 : 2560);
	}
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	CHECK(strstr(child.err, "ready (hv_kvp)"));
	CHECK(strstr(child.err, "SIGTERM: stopping"));
	end();
}

/* Some milliseconds after a SET its pair is durable in the file itself, and nothing is locked. */
static void checkpoint_when_idle(void)
{
	struct body body;
	uint32_t magic = 1;
	int fd, locked = -1;

	start_on_socket();
	say_hello(1);
	body_set(&body, 0, U(u"k"), U(u"v"));
	CHECK_INT(ask(1, &body), HVKVP_S_OK);
	fd = open(scratch_path("state/.kvp_pool_0"), O_RDWR);
	for (int i = 0; i < 500 && locked; i++) {
		locked = flock(fd, LOCK_EX | LOCK_NB);
		if (locked)
			usleep(10000);	/* sleep: between two looks */
	}
	CHECK_INT(locked, 0);
	CHECK_INT(fcntl(fd, F_OFD_SETLK, &(struct flock){ .l_type = F_WRLCK }), 0);
	close(fd);
	fd = open(scratch_path("state/.kvp_pool_0.journal"), O_RDWR);
	CHECK_INT(flock(fd, LOCK_EX | LOCK_NB), 0);
	CHECK_INT(pread(fd, &magic, sizeof(magic), 4096), sizeof(magic));
	CHECK_INT(magic, 0);
	close(fd);
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	end();
}

static void write_conf(const char *text)
{
	scratch_write("conf", text, strlen(text));
}

static void reload(const char *text)
{
	write_conf(text);
	kill(child.pid, SIGHUP);
}

static void configuration(void)
{
	struct body body;

	scratch_begin();
	write_conf("[Pools]\nExternal=read\n");
	start_daemon((const char *const[]){ "--foreground", "--config", scratch_path("conf"),
					    "--max-keys", "2", NULL });
	say_hello(1);
	body_set(&body, 0, U(u"k"), U(u"v"));
	CHECK_INT(ask(1, &body), 0x80070005);
	reload("[Limits]\nMaxKeys=1\n[Facts]\nOSName=no\n");
	CHECK(child_says(&child, "configuration reloaded", 1));
	CHECK_INT(ask(2, &body), HVKVP_S_OK);
	/* The command line wins. */
	body_set(&body, 0, U(u"second"), U(u"v"));
	CHECK_INT(ask(3, &body), HVKVP_S_OK);
	CHECK(child_says(&child, "SET pool=external key=\"second\" size=1 status=0x00000000", 1));
	CHECK(!strstr(child.err, "in pool"));
	/* With an error in it, it stays as it was. */
	reload("[Pools]\nExternal=none\nExtern=none\n");
	CHECK(child_says(&child, "/conf:3: [Pools] has no key Extern", 1));
	CHECK(child_says(&child, "the configuration stays as it was", 1));
	CHECK_INT(ask(4, &body), HVKVP_S_OK);
	reload("[Daemon]\nStateDirectory=/elsewhere\nLogLevel=debug\n");
	CHECK(child_says(&child, "configuration reloaded", 2));
	CHECK(!strstr(child.err, "takes effect when"));	/* there is an option */
	CHECK_INT(ask(5, &body), HVKVP_S_OK);
	CHECK(child_says(&child, "request 5: SET in pool 0", 1));
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	end();
}

/* Ask for an item of pool auto until it is there, or is not any more. */
static bool item_becomes(unsigned int index, uint32_t status)
{
	static uint64_t id = 1000;
	uint64_t end_ms = clock_ms() + 60000;
	struct body body;
	uint32_t answer;

	body_enumerate(&body, HVKVP_POOL_AUTO, index);
	do {
		/* sleep: the daemon reads the directory beside the requests */
		usleep(10000);
		answer = ask(id++, &body);
	} while (answer != status && clock_left(end_ms));
	return CHECK_INT(answer, status);
}

static void site_facts(void)
{
	static const char program[] = "#!/bin/sh\necho up\n";
	char conf[512];
	static struct child command;

	scratch_begin();
	mkdir(scratch_path("facts.d"), 0755);
	scratch_write("facts.d/Appliance", "router", 6);
	chmod(scratch_path("facts.d/Appliance"), 0644);
	snprintf(conf, sizeof(conf), "[SiteFacts]\nDirectory=%s\n", scratch_path("facts.d"));
	write_conf(conf);
	start_daemon((const char *const[]){ "--foreground", "--config", scratch_path("conf"), NULL });
	say_hello(1);
	item_becomes(FACTS_COUNT, HVKVP_S_OK);
	item_becomes(FACTS_COUNT + 1, HVKVP_NO_MORE_ITEMS);
	/* Both changes arrive without a signal. */
	scratch_write("state.new", program, strlen(program));
	chmod(scratch_path("state.new"), 0755);
	CHECK_INT(rename(scratch_path("state.new"), scratch_path("facts.d/State")), 0);
	item_becomes(FACTS_COUNT + 1, HVKVP_S_OK);
	CHECK_INT(child_run(&command, "hvkvp", "--state-dir", scratch_path("state"), "get", "auto",
			    "State"), 0);
	CHECK_TEXT(command.out, "up\n");
	unlink(scratch_path("facts.d/State"));
	item_becomes(FACTS_COUNT + 1, HVKVP_NO_MORE_ITEMS);
	/* And the whole is switched off by a reload. */
	reload("[SiteFacts]\nDirectory=none\n");
	CHECK(child_says(&child, "configuration reloaded", 1));
	item_becomes(FACTS_COUNT, HVKVP_NO_MORE_ITEMS);
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	end();
}

static void configuration_checks(void)
{
	char conf[512];

	scratch_begin();
	write_conf("[Limits]\nMaxKeys=many\n");
	CHECK_INT(child_run(&child, "hvkvpd", "--check-config", "-c", scratch_path("conf")), 2);
	CHECK(strstr(child.err, "/conf:2: MaxKeys=many: not valid; use a number"));
	CHECK_INT(child_run(&child, "hvkvpd", "-f", "-c", scratch_path("conf")), 2);
	CHECK_INT(child_run(&child, "hvkvpd", "--check-config", "-c", scratch_path("none")), 2);
	CHECK(strstr(child.err, "/none: No such file"));
	CHECK_INT(child_run(&child, "hvkvp", "--config", scratch_path("conf"), "list"), 2);
	write_conf("[Limits]\nMaxKeys=7\n");
	CHECK_INT(child_run(&child, "hvkvpd", "--check-config", "-c", scratch_path("conf")), 0);
	CHECK_INT(child_run(&child, "hvkvpd", "--show-config", "--max-bytes", "5120", "-c",
			    scratch_path("conf")), 0);
	CHECK(strstr(child.out, "\nMaxKeys=7\nMaxBytes=5120\n"));
	CHECK_INT(child_run(&child, "hvkvpd", "--show-config", "--state-dir", "/srv/pools", "-c",
			    scratch_path("conf")), 0);
	CHECK(strstr(child.out, "\nStateDirectory=/srv/pools\n"));
	/* The command works where the daemon does, within its limits. */
	mkdir(scratch_path("pools"), 0700);
	snprintf(conf, sizeof(conf), "[Daemon]\nStateDirectory=%s\n[Limits]\nMaxKeys=1\n",
		 scratch_path("pools"));
	write_conf(conf);
	CHECK_INT(child_run(&child, "hvkvp", "--config", scratch_path("conf"), "set", "guest", "a", "1"), 0);
	CHECK_INT(access(scratch_path("pools/.kvp_pool_1"), F_OK), 0);
	CHECK_INT(child_run(&child, "hvkvp", "--config", scratch_path("conf"), "set", "guest", "b", "1"), 3);
	scratch_end();
}

static void other_end_closes(void)
{
	start_on_socket();
	say_hello(1);
	close(driver);
	driver = -1;
	CHECK_INT(child_end(&child), 0);
	end();
}

static void other_major(void)
{
	start_on_socket();
	say_hello(2);
	CHECK_INT(child_end(&child), 4);
	CHECK(strstr(child.err, "the driver speaks protocol 2.0"));
	end();
}

/* The background daemon's process number, from its pid file. */
static pid_t background_pid(void)
{
	char text[32] = "";
	ssize_t n = scratch_read("pid", text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = 0;
	/* Never 0 or -1, which would be a signal to more than one process. */
	return CHECK(atoi(text) > 1) ? atoi(text) : INT_MAX;
}

/* The last holder of the daemon's end has gone when this end sees its close. */
static bool has_ended(void)
{
	struct pollfd poll_driver = { .fd = driver, .events = POLLIN };

	return poll(&poll_driver, 1, 10000) == 1 && poll_driver.revents & POLLHUP;
}

static void start_background(void)
{
	start_daemon((const char *const[]){ "--pid-file", scratch_path("pid"), NULL });
	CHECK_INT(child_end(&child), 0);
	say_hello(1);
}

static void background(void)
{
	const int signals[] = { SIGTERM, SIGINT };
	struct body body;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		scratch_begin();
		start_background();
		body_enumerate(&body, 2, 0);
		CHECK_INT(ask(1, &body), HVKVP_S_OK);
		CHECK_INT(kill(background_pid(), SIGHUP), 0);
		CHECK_INT(ask(2, &body), HVKVP_S_OK);
		CHECK_INT(kill(background_pid(), signals[i]), 0);
		CHECK(has_ended());
		end();
	}
}

/* A daemon with the same pid file that would wait for its device. */
static void start_again(void)
{
	child_start(&child, (const char *const[]){
		"hvkvpd", "--pid-file", scratch_path("pid"), "--state-dir", scratch_path("state"),
		"--device", scratch_path("kvp"), NULL });
}

static void pid_file(void)
{
	pid_t pid;

	scratch_begin();
	start_background();
	pid = background_pid();
	CHECK(pid > 1 && !kill(pid, 0));
	start_again();
	CHECK_INT(child_end(&child), 3);
	CHECK(strstr(child.err, "locked by another hvkvpd"));
	CHECK_INT(background_pid(), pid);
	kill(pid, SIGKILL);
	CHECK(has_ended());
	/* The file that it left is taken over. */
	CHECK_INT(background_pid(), pid);
	start_again();
	CHECK_INT(child_end(&child), 0);
	CHECK(background_pid() != pid);
	kill(background_pid(), SIGTERM);
	for (int i = 0; i < 1000 && !access(scratch_path("pid"), F_OK); i++)
		usleep(10000);	/* sleep: it polls for the file's removal, with a limit */
	CHECK(access(scratch_path("pid"), F_OK));
	end();
}

/* The kernel lets go of a killed daemon's lock some time after its end; and one that ends removes the file. */
static void pid_file_of_one_that_ends(void)
{
	for (int removed = 0; removed < 3; removed++) {
		int fd;

		scratch_begin();
		fd = open(scratch_path("pid"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		CHECK(fd >= 0 && !flock(fd, LOCK_EX));
		start_again();
		usleep(300000);	/* sleep: for so long the daemon must wait for the lock */
		if (removed)
			unlink(scratch_path("pid"));
		/* A third daemon may have been faster. */
		if (removed == 2)
			scratch_write("pid", "", 0);
		close(fd);
		CHECK_INT(child_end(&child), 0);
		CHECK(background_pid() > 1);
		kill(background_pid(), SIGTERM);
		for (int i = 0; i < 1000 && !access(scratch_path("pid"), F_OK); i++)
			usleep(10000);	/* sleep: it polls for the file's removal, with a limit */
		CHECK(access(scratch_path("pid"), F_OK));
		end();
	}
}

static void background_reports_errors(void)
{
	scratch_begin();
	scratch_write("file", "", 0);
	CHECK_INT(child_run(&child, "hvkvpd", "-s", scratch_path("s"), "-d", scratch_path("file")), 1);
	CHECK(strstr(child.err, "not a device node"));
	CHECK_INT(child_run(&child, "hvkvpd", "-s", scratch_path("s"), "-d", scratch_path("file"),
			    "--pid-file", scratch_path("none/pid")), 1);
	CHECK(strstr(child.err, "none/pid: No such file"));
	end();
}

static void ready_descriptor(void)
{
	char number[16], said[4];
	int fds[2];

	scratch_begin();
	CHECK_INT(pipe(fds), 0);
	snprintf(number, sizeof(number), "%d", fds[1]);
	start_daemon((const char *const[]){ "--foreground", "--ready-fd", number, NULL });
	close(fds[1]);
	CHECK_INT(read(fds[0], said, sizeof(said)), 1);
	CHECK(said[0] == '\n');
	/* Closed, not only written to. */
	CHECK_INT(read(fds[0], said, sizeof(said)), 0);
	close(fds[0]);
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	CHECK_INT(child_run(&child, "hvkvpd", "-f", "--ready-fd", "77"), 2);
	end();
}

static void signals(void)
{
	struct body body;

	start_on_socket();
	say_hello(1);
	kill(child.pid, SIGHUP);
	body_enumerate(&body, 2, 0);
	CHECK_INT(ask(1, &body), HVKVP_S_OK);
	kill(child.pid, SIGINT);
	CHECK_INT(child_end(&child), 0);
	end();
}

/* How often the process went to sleep so far; -1 while it runs or wants to. */
static long switches(void)
{
	char path[64], line[128], state = 0;
	long n = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", child.pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "State: %c", &state);
		sscanf(line, "voluntary_ctxt_switches: %ld", &n);
	}
	if (f)
		fclose(f);
	return state == 'S' ? n : -1;
}

/* The same, once it sleeps: on a busy machine it may do so long after its answer is here. */
static long settled_switches(void)
{
	long now = switches();

	for (int i = 0; i < 500 && now < 0; i++) {
		usleep(20000);	/* sleep: it polls, with a limit */
		now = switches();
	}
	return now;
}

static void idle(void)
{
	struct body body;
	long before;

	start_on_socket();
	say_hello(1);
	body_enumerate(&body, 2, 0);
	CHECK_INT(ask(1, &body), HVKVP_S_OK);
	before = settled_switches();
	CHECK(before > 0);
	usleep(1500000);	/* sleep: in this time it may not wake up */
	CHECK_INT(switches(), before);
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	end();
}

/*
 * A device that comes and goes: a link to a pseudo terminal in raw mode. When
 * its other end is closed, its poll says what a driver's says that is leaving.
 */
static void plug(const char *name)
{
	struct termios raw;
	int terminal;

	driver = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(driver >= 0 && !grantpt(driver) && !unlockpt(driver));
	terminal = open(ptsname(driver), O_RDWR | O_NOCTTY | O_CLOEXEC);
	tcgetattr(terminal, &raw);
	cfmakeraw(&raw);
	tcsetattr(terminal, TCSANOW, &raw);
	CHECK_INT(symlink(ptsname(driver), scratch_path(name)), 0);
	take(sizeof(struct hvkvp_hello));
	say_hello(1);
	close(terminal);
}

static void unplug(const char *name)
{
	unlink(scratch_path(name));
	close(driver);
	driver = -1;
}

static void device_comes_and_goes(void)
{
	scratch_begin();
	child_start(&child, (const char *const[]){
		"hvkvpd", "--foreground", "--device", scratch_path("kvp"),
		"--state-dir", scratch_path("state"), NULL });
	CHECK(child_says(&child, "waiting for", 1));
	scratch_write("unrelated", "", 0);
	for (int i = 1; i <= 3; i++) {
		plug("kvp");
		CHECK(child_says(&child, "ready", i));
		unplug("kvp");
		CHECK(child_says(&child, "the device is gone", i));
	}
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	end();
}

/* The node's directory is not there either, nor the one above it. */
/* Does the daemon have an inotify watch on this file? It may need a moment. */
static bool watches(const char *path)
{
	char name[96], ino[32], text[4096];
	struct stat st;

	if (stat(path, &st))
		return false;
	snprintf(ino, sizeof(ino), " ino:%lx ", (unsigned long)st.st_ino);
	for (int i = 0; i < 1000; i++) {
		for (int fd = 3; fd < 32; fd++) {
			FILE *f;

			snprintf(name, sizeof(name), "/proc/%d/fdinfo/%d", child.pid, fd);
			f = fopen(name, "r");
			text[f ? fread(text, 1, sizeof(text) - 1, f) : 0] = 0;
			if (f)
				fclose(f);
			if (strstr(text, "inotify wd:") && strstr(text, ino))
				return true;
		}
		usleep(5000);	/* sleep: it polls, with a limit */
	}
	return false;
}

static void directory_comes_later(void)
{
	scratch_begin();
	child_start(&child, (const char *const[]){
		"hvkvpd", "--foreground", "--device", scratch_path("a/b/kvp"),
		"--state-dir", scratch_path("state"), NULL });
	CHECK(child_says(&child, "waiting for", 1));
	CHECK_INT(mkdir(scratch_path("a"), 0700), 0);
	CHECK(watches(scratch_path("a")));
	CHECK_INT(mkdir(scratch_path("a/b"), 0700), 0);
	plug("a/b/kvp");
	CHECK(child_says(&child, "ready", 1));
	unplug("a/b/kvp");
	CHECK(child_says(&child, "the device is gone", 1));
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	end();
}

/*
 * In a directory named vmbus the stock protocol is spoken. This device is a FIFO
 * that gives the daemon its own registration back, which is what it waits for.
 */
static void stock_by_its_path(void)
{
	scratch_begin();
	mkdir(scratch_path("vmbus"), 0700);
	CHECK_INT(mkfifo(scratch_path("vmbus/kvp"), 0600), 0);
	child_start(&child, (const char *const[]){
		"hvkvpd", "--foreground", "--device", scratch_path("vmbus/kvp"),
		"--state-dir", scratch_path("state"), NULL });
	CHECK(child_says(&child, "ready (stock hv_kvp)", 1));
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	end();
}

/*
 * A terminal in exclusive mode refuses to be opened again as a device does that
 * has its service, except for who may administrate the system.
 */
static void device_is_busy(void)
{
	int terminal;

	scratch_begin();
	driver = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(driver >= 0 && !grantpt(driver) && !unlockpt(driver));
	terminal = open(ptsname(driver), O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK_INT(ioctl(terminal, TIOCEXCL), 0);
	child_without_admin = true;
	CHECK_INT(child_run(&child, "hvkvpd", "--foreground", "--device", ptsname(driver),
			    "--state-dir", scratch_path("state")), 3);
	child_without_admin = false;
	CHECK(strstr(child.err, "another service has it open"));
	close(terminal);
	end();
}

/* As in an initramfs: the folder is open. */
static void early(void)
{
	char number[16], name[32], status[4096] = "";
	struct body body;
	int fd;

	scratch_begin();
	mkdir(scratch_path("here"), 0700);
	fd = open(scratch_path("here"), O_RDONLY | O_DIRECTORY);
	snprintf(number, sizeof(number), "fd:%d", fd);
	start_daemon((const char *const[]){ "--foreground", "--early", "--volatile",
					    "--state-dir", number, NULL });
	close(fd);
	CHECK_INT(rename(scratch_path("here"), scratch_path("there")), 0);
	say_hello(1);
	body_set(&body, 0, U(u"k"), U(u"v"));
	CHECK_INT(ask(1, &body), HVKVP_S_OK);
	CHECK(scratch_read("there/.kvp_pool_0", got, sizeof(got)) > 0);
	CHECK(access(scratch_path("state"), F_OK));
	body_get(&body, 0, U(u"other"));
	CHECK_INT(ask(2, &body), HVKVP_E_FAIL);
	/* No more than this, if there is anything at all. */
	snprintf(name, sizeof(name), "/proc/%d/status", child.pid);
	fd = open(name, O_RDONLY);
	CHECK(read(fd, status, sizeof(status) - 1) > 0 && strstr(status, "NoNewPrivs:\t1\n"));
	CHECK(strstr(status, "CapPrm:\t0000000000001000\n") ||
	      strstr(status, "CapPrm:\t0000000000000000\n"));
	close(fd);
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	end();
}

/* By this systemd sees who survives the change of the root. */
static void early_name(void)
{
	char name[32], line[32] = "";
	int fd;

	if (!emulator_shows_name())
		return;
	scratch_begin();
	start_daemon((const char *const[]){ "--foreground", "--early", NULL });
	say_hello(1);
	CHECK(child_says(&child, "ready (hv_kvp)", 1));
	snprintf(name, sizeof(name), "/proc/%d/cmdline", child.pid);
	fd = open(name, O_RDONLY);
	CHECK(read(fd, line, sizeof(line) - 1) > 0 && line[0] == '@');
	close(fd);
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	end();
}

/* What would not survive a power failure is left to the service that comes next. */
static void early_leaves(void)
{
	struct body body;

	scratch_begin();
	start_daemon((const char *const[]){ "--foreground", "--early", NULL });
	say_hello(1);
	body_set(&body, HVKVP_POOL_PARAMETER, U(u"HostName"), U(u"v"));
	CHECK_INT(ask(1, &body), HVKVP_S_OK);
	body_enumerate(&body, HVKVP_POOL_AUTO, 0);
	CHECK_INT(ask(2, &body), HVKVP_S_OK);
	body_set(&body, HVKVP_POOL_EXTERNAL, U(u"k"), U(u"v"));
	send_request(3, &body, 5);
	CHECK_INT(child_end(&child), 0);
	CHECK_INT(read(driver, got, sizeof(got)), 0);
	CHECK(strstr(child.err, "SET in pool 0 waits for the system's own service"));
	CHECK(scratch_read("state/.kvp_pool_3", got, sizeof(got)) > 0);
	CHECK_INT(scratch_read("state/.kvp_pool_0", got, sizeof(got)), 0);
	end();
}

static void options(void)
{
	scratch_begin();
	CHECK_INT(child_run(&child, "hvkvpd", "--volatile"), 2);
	CHECK(strstr(child.err, "needs --early"));
	CHECK_INT(child_run(&child, "hvkvpd", "-s", "fd:0"), 2);
	CHECK(strstr(child.err, "needs --foreground"));
	CHECK_INT(child_run(&child, "hvkvpd", "-f", "-s", "fd:99"), 2);
	CHECK(strstr(child.err, "not an open descriptor"));
	CHECK_INT(child_run(&child, "hvkvpd", "--help"), 0);
	CHECK(strstr(child.out, "--state-dir"));
	CHECK_INT(child_run(&child, "hvkvpd", "--version"), 0);
	CHECK(!strncmp(child.out, "hvkvpd ", 7));
	CHECK_INT(child_run(&child, "hvkvpd", "--no-such-option"), 2);
	CHECK_INT(child_run(&child, "hvkvpd", "--log-level", "loud"), 2);
	CHECK(strstr(child.err, "no such log level: loud"));
	CHECK_INT(child_run(&child, "hvkvpd", "argument"), 2);
	CHECK_INT(child_run(&child, "hvkvpd", "--device"), 2);
	CHECK_INT(child_run(&child, "hvkvpd", "-f", "--state-dir", ""), 2);
	CHECK(strstr(child.err, "--state-dir needs a directory"));
	CHECK_INT(child_run(&child, "hvkvpd", "-f", "--device", "", "-s", "x"), 2);
	CHECK_INT(child_run(&child, "hvkvpd", "-f", "-s", scratch_path("s"), "-d", "fd:99"), 1);
	CHECK_INT(child_run(&child, "hvkvpd", "-f", "-s", scratch_path("s"), "-d", "fd:x"), 1);
	/* What is not a device is left alone. */
	CHECK_INT(child_run(&child, "hvkvpd", "-f", "-s", scratch_path("s"), "-d", scratch_dir), 1);
	scratch_write("file", "", 0);
	CHECK_INT(child_run(&child, "hvkvpd", "-f", "-s", scratch_path("s"), "-d",
			    scratch_path("file")), 1);
	CHECK(strstr(child.err, "not a device node"));
	CHECK_INT(scratch_read("file", got, sizeof(got)), 0);
	end();
}

/* The loop has to watch again what it has seen once. */
static void follows_host_name(void)
{
	static const char *const names[] = { "first", "second", "third" };
	struct body body;

	if (unshare(CLONE_NEWUTS)) {
		tap_skip("a host name of its own needs root");
		return;
	}
	start_on_socket();
	say_hello(1);
	body_enumerate(&body, HVKVP_POOL_AUTO, 0);
	for (size_t i = 0; i < 2 * sizeof(names) / sizeof(names[0]); i++) {
		const char *name = names[i / 2];
		const uint8_t *value = got + sizeof(struct hvkvp_reply) + 532;

		if (i % 2 == 0)
			CHECK_INT(sethostname(name, strlen(name)), 0);
		CHECK_INT(ask(i + 1, &body), HVKVP_S_OK);
		for (size_t at = 0; at < strlen(name); at++)
			CHECK_INT(value[2 * at], name[at]);
	}
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	end();
}

/* Likewise what it watches of a file, made anew after each change: here of one that is mounted over the system's. */
static void follows_source(void)
{
	static const char *const names[] = { "first", "second", "third" };
	const char *release = "/etc/os-release";
	bool wrong = false;
	struct body body;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		tap_skip("a mount namespace needs root");
		return;
	}
	start_on_socket();
	say_hello(1);
	body_enumerate(&body, HVKVP_POOL_AUTO, 5);
	CHECK_INT(ask(100, &body), HVKVP_S_OK);
	for (size_t i = 0; i < 4 * sizeof(names) / sizeof(names[0]); i++) {
		const char *name = names[i / 4];
		const uint8_t *value = got + sizeof(struct hvkvp_reply) + 532;
		char text[32];

		/* Mounted, read once more, written, read once more. */
		snprintf(text, sizeof(text), "NAME=%s%zu\n", name, i % 4 / 2);
		if (i % 2 == 0)
			scratch_write(name, text, strlen(text));
		if (i % 4 == 0)
			CHECK_INT(mount(scratch_path(name), release, NULL, MS_BIND, NULL), 0);
		CHECK_INT(ask(i + 1, &body), HVKVP_S_OK);
		for (size_t at = 0; text[5 + at] != '\n' && !wrong; at++)
			wrong = !CHECK_INT(value[2 * at], text[5 + at]);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK_INT(umount(release), 0);
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	end();
}

static struct body slow;

/*
 * A SET_IP, @slow, that a site script carries out, which goes on until the file
 * "go" is there.
 */
static bool begin_slow(const char *configuration)
{
	static const char16_t mac[] = u"00:15:5d:0a:0b:0c", address[] = u"192.0.2.5",
			      mask[] = u"255.255.255.0";
	char script[1024];

	if (!netns_enter())
		return false;
	scratch_begin();
	netns_run("link add net7 address 00:15:5d:0a:0b:0c type veth peer name far7");
	netns_run("link set net7 up");
	netns_run("link set far7 up");
	/* sleep: the script polls for the file */
	snprintf(script, sizeof(script),
		 "#!/bin/sh\n: >%1$s/started\nwhile [ ! -e %1$s/go ]; do sleep 0.02; done\n",
		 scratch_dir);
	scratch_write("set-ip", script, strlen(script));
	chmod(scratch_path("set-ip"), 0755);
	scratch_write("conf", configuration, strlen(configuration));
	start_daemon((const char *const[]){ "--foreground", "--log-level", "info", "--set-ip",
					    scratch_path("set-ip"), "--config",
					    scratch_path("conf"), NULL });
	say_hello(1);
	body_make(&slow, HVKVP_OP_SET_IP, HVKVP_POOL_GUEST);
	memcpy(slow.bytes + 2, mac, sizeof(mac));
	slow.bytes[258] = HVKVP_FAMILY_V4;
	memcpy(slow.bytes + 260, address, sizeof(address));
	memcpy(slow.bytes + 2308, mask, sizeof(mask));
	send_request(1, &slow, 4);
	for (int i = 0; i < 1000 && access(scratch_path("started"), F_OK); i++)
		usleep(10000);	/* sleep: it polls for the script's file, with a limit */
	return CHECK(!access(scratch_path("started"), F_OK));
}

static void end_slow(void)
{
	netns_run("link del net7");
	end();
}

static bool is_silent(void)
{
	struct pollfd ready = { .fd = driver, .events = POLLIN };

	return poll(&ready, 1, 0) == 0;
}

static void slow_request(void)
{
	struct body body;

	if (!begin_slow(""))
		return;
	kill(child.pid, SIGHUP);
	CHECK(child_says(&child, "configuration reloaded", 1));
	/* The next request waits for the answer to this one. */
	body_enumerate(&body, HVKVP_POOL_AUTO, 0);
	send_request(2, &body, 4);
	kill(child.pid, SIGHUP);
	CHECK(child_says(&child, "configuration reloaded", 2));
	CHECK(is_silent());
	scratch_write("go", "", 0);
	CHECK_INT(take_reply(1), HVKVP_S_OK);
	CHECK_INT(take_reply(2), HVKVP_S_OK);
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	end_slow();
}

static void counts_slow_requests(void)
{
	if (!begin_slow("[Limits]\nHostChangesPerMinute=1\n"))
		return;
	scratch_write("go", "", 0);
	CHECK_INT(take_reply(1), HVKVP_S_OK);
	send_request(2, &slow, 4);
	CHECK_INT(take_reply(2), PROTOCOL_E_ACCESS_DENIED);
	CHECK(child_says(&child, "the host exceeds HostChangesPerMinute", 1));
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	end_slow();
}

/* The process that carries it out says what it has tolerated. */
static void tolerates_slow_requests(void)
{
	const char *once;

	if (!begin_slow(""))
		return;
	scratch_write("go", "", 0);
	CHECK_INT(take_reply(1), HVKVP_S_OK);
	slow.bytes[258] = 0x80;
	for (int i = 2; i < 4; i++) {
		send_request(i, &slow, 4);
		CHECK_INT(take_reply(i), HVKVP_S_OK);
	}
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	CHECK(child_says(&child, "2 requests had an unusual string, number or address family", 1));
	CHECK(child_says(&child, "SET_IP accepted in spite of this: the address family is unknown (logged once)", 1));
	once = strstr(child.err, "(logged once)");
	CHECK(once && !strstr(once + 1, "(logged once)"));
	end_slow();
}

static void stopped_in_slow_request(void)
{
	if (!begin_slow(""))
		return;
	kill(child.pid, SIGTERM);
	CHECK(child_says(&child, "stopping when it is done", 1));
	CHECK(is_silent());
	scratch_write("go", "", 0);
	CHECK_INT(take_reply(1), HVKVP_S_OK);
	CHECK_INT(child_end(&child), 0);
	end_slow();
}

/* The process number of the daemon's only child; 0 if there is none. */
static pid_t child_of_daemon(void)
{
	char path[64];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", child.pid, child.pid);
	f = fopen(path, "r");
	if (f) {
		if (fscanf(f, "%d", &pid) != 1)
			pid = 0;
		fclose(f);
	}
	return pid;
}

static void killed_in_slow_request(void)
{
	struct body body;
	pid_t worker;

	if (!begin_slow(""))
		return;
	worker = child_of_daemon();
	if (CHECK(worker > 1))
		kill(worker, SIGKILL);
	CHECK_INT(take_reply(1), HVKVP_E_FAIL);
	CHECK(child_says(&child, "was ended by signal 9", 1));
	body_enumerate(&body, HVKVP_POOL_AUTO, 0);
	CHECK_INT(ask(2, &body), HVKVP_S_OK);
	scratch_write("go", "", 0);
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 0);
	end_slow();
}

static void gone_in_slow_request(void)
{
	if (!begin_slow(""))
		return;
	close(driver);
	driver = -1;
	CHECK(child_says(&child, "the other end has closed", 1));
	scratch_write("go", "", 0);
	CHECK_INT(child_end(&child), 0);
	end_slow();
}

/* Is this the value of "k" in pool external, as the host gets it? */
static bool host_gets(uint64_t id, const char16_t *value, size_t size)
{
	struct body body;

	body_get(&body, 0, U(u"k"));
	return CHECK_INT(ask(id, &body), HVKVP_S_OK) &&
	       CHECK(!memcmp(got + sizeof(struct hvkvp_reply) + 528, value, size));
}

#define HOST_GETS(id, value) host_gets(id, value, sizeof(value))

/* A pool file with one pair, under another name. */
static void write_other_pool(const char *value)
{
	static struct pool_record record;

	record = (struct pool_record){ .key = "k" };
	snprintf(record.value, sizeof(record.value), "%s", value);
	scratch_write("state/other", (const char *)&record, sizeof(record));
}

static void move(const char *from, const char *to)
{
	char old[PATH_MAX];

	snprintf(old, sizeof(old), "%s", scratch_path(from));
	CHECK_INT(rename(old, scratch_path(to)), 0);
}

/* The daemon finds a file at its path again only when a name in the folder has changed. */
static void names_change(void)
{
	struct body set, get;
	struct stat st;
	uint64_t id = 0;

	start_on_socket();
	say_hello(1);
	body_set(&set, 0, U(u"k"), U(u"ours"));
	body_get(&get, 0, U(u"k"));
	for (int i = 0; i < 3; i++) {
		CHECK_INT(ask(++id, &set), HVKVP_S_OK);
		HOST_GETS(++id, u"ours");
	}
	/* Its log was removed: the next change has one. */
	CHECK_INT(unlink(scratch_path("state/.kvp_pool_0.journal")), 0);
	CHECK_INT(ask(++id, &set), HVKVP_S_OK);
	CHECK_INT(stat(scratch_path("state/.kvp_pool_0.journal"), &st), 0);

	/* Another file at the path, also in the middle of changes. */
	for (int i = 0; i < 3; i++) {
		CHECK_INT(ask(++id, &set), HVKVP_S_OK);
		HOST_GETS(++id, u"ours");
		write_other_pool("theirs");
		move("state/other", "state/.kvp_pool_0");
		HOST_GETS(++id, u"theirs");
		HOST_GETS(++id, u"theirs");
	}
	CHECK_INT(unlink(scratch_path("state/.kvp_pool_0")), 0);
	CHECK_INT(ask(++id, &get), PROTOCOL_E_KEY_NOT_FOUND);
	CHECK_INT(ask(++id, &set), HVKVP_S_OK);
	HOST_GETS(++id, u"ours");

	/* The whole folder is moved away, and back. */
	move("state", "elsewhere");
	CHECK_INT(ask(++id, &get), PROTOCOL_E_KEY_NOT_FOUND);
	move("elsewhere", "state");
	HOST_GETS(++id, u"ours");
	CHECK_INT(ask(++id, &set), HVKVP_S_OK);
	HOST_GETS(++id, u"ours");
	end();
}

static const struct tap_case cases[] = {
	{ "serves a driver, makes its files, ends on SIGTERM", serves },
	{ "makes a checkpoint when no request comes", checkpoint_when_idle },
	{ "ends when an inherited descriptor's other end closes", other_end_closes },
	{ "a driver of another major: exit code 4", other_major },
	{ "in the background: serves, SIGTERM and SIGINT end it, SIGHUP does not", background },
	{ "in the background: errors reach the terminal and the exit code", background_reports_errors },
	{ "the pid file is locked while the daemon lives", pid_file },
	{ "the pid file of a daemon that is ending is waited for", pid_file_of_one_that_ends },
	{ "writes to a supervisor's descriptor when ready", ready_descriptor },
	{ "SIGHUP changes nothing, SIGINT ends", signals },
	{ "its name for the host follows sethostname(2)", follows_host_name },
	{ "its facts follow a mount over their source", follows_source },
	{ "obeys signals while SET_IP takes its time", slow_request },
	{ "SET_IP counts for the limit on changes", counts_slow_requests },
	{ "SET_IP counts for what is tolerated, which is logged once", tolerates_slow_requests },
	{ "SIGTERM while SET_IP takes its time: answers it, then ends", stopped_in_slow_request },
	{ "a killed worker is an error for the host, and the daemon goes on", killed_in_slow_request },
	{ "the driver goes while SET_IP takes its time", gone_in_slow_request },
	{ "does not wake up without a reason", idle },
	{ "waits for the device, again each time that it goes", device_comes_and_goes },
	{ "waits for the device's directory too", directory_comes_later },
	{ "speaks the stock protocol to a node in a directory named vmbus", stock_by_its_path },
	{ "a device that is taken: exit code 3", device_is_busy },
	{ "early: in an open folder, where only what the host has set is known", early },
	{ "early: its name begins with @, so that systemd leaves it alone", early_name },
	{ "early: a request for the pools is left to the next service", early_leaves },
	{ "options and their errors", options },
	{ "the configuration counts, and SIGHUP reads it again", configuration },
	{ "site facts: a file and a program, beside the requests", site_facts },
	{ "--check-config, --show-config, and the command's use of it", configuration_checks },
	{ "another file, no log, no folder at the path of a pool", names_change },
};

TAP_MAIN("daemon", cases)
