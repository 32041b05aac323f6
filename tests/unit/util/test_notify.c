// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the service manager hears, at sockets of all kinds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "c/tap.h"
#include "support/scratch.h"
#include "util/notify.h"

static char heard[1024];

/* A manager's socket with this name, '@' for an abstract one; $NOTIFY_SOCKET leads to it. */
static int manager(const char *name, size_t len)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = 0;
	CHECK(!bind(fd, (struct sockaddr *)&address,
		    offsetof(struct sockaddr_un, sun_path) + len));
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

/* The next datagram; "" if there is none. */
static const char *hear(int fd)
{
	ssize_t n = recv(fd, heard, sizeof(heard) - 1, 0);

	heard[n > 0 ? n : 0] = 0;
	return heard;
}

static void path(void)
{
	int fd;

	scratch_begin();
	fd = manager(scratch_path("notify"), strlen(scratch_path("notify")));
	notify("READY=1");
	CHECK_TEXT(hear(fd), "READY=1");
	notify("STATUS=Serving %s", "/dev/hv_kvp");
	CHECK_TEXT(hear(fd), "STATUS=Serving /dev/hv_kvp");
	notify("STOPPING=1\nSTATUS=Stopping");
	CHECK_TEXT(hear(fd), "STOPPING=1\nSTATUS=Stopping");
	CHECK_TEXT(hear(fd), "");
	close(fd);
	scratch_end();
}

static void abstract(void)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "@hvkvp-unit/%d", (int)getpid());
	fd = manager(name, strlen(name));
	notify("READY=1");
	CHECK_TEXT(hear(fd), "READY=1");
	close(fd);
}

/* A path of 107 bytes, and an abstract name of 108, are the longest that there can be. */
static void longest(void)
{
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	size_t used;
	int fd;

	scratch_begin();
	used = snprintf(name, sizeof(name), "%s/", scratch_dir);
	memset(name + used, 'x', sizeof(name) - used);
	name[sizeof(name) - 2] = 0;
	fd = manager(name, strlen(name));
	notify("READY=1");
	CHECK_TEXT(hear(fd), "READY=1");
	close(fd);
	scratch_end();

	used = snprintf(name, sizeof(name), "@hvkvp-unit/%d/", (int)getpid());
	memset(name + used, 'x', sizeof(name) - used);
	name[sizeof(name) - 1] = 0;
	fd = manager(name, strlen(name));
	notify("READY=1");
	CHECK_TEXT(hear(fd), "READY=1");
	close(fd);
}

/* Not cut to another socket's name, and no byte behind the address written. */
static void too_long(void)
{
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	int fd;

	scratch_begin();
	memset(name, 'x', sizeof(name));
	memcpy(name, scratch_dir, strlen(scratch_dir));
	name[strlen(scratch_dir)] = '/';
	name[sizeof(((struct sockaddr_un *)0)->sun_path) - 1] = 0;
	fd = manager(name, strlen(name));
	name[strlen(name)] = 'x';
	name[sizeof(name) - 1] = 0;
	setenv("NOTIFY_SOCKET", name, 1);
	notify("READY=1");
	CHECK_TEXT(hear(fd), "");
	close(fd);
	scratch_end();
}

static void nobody(void)
{
	static const char *const names[] = { "", "@", "relative", "/", "/nowhere/at/all", "vsock:2:3" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify("READY=1");
	}
	unsetenv("NOTIFY_SOCKET");
	notify("READY=1");
}

/* The socket file without its owner: a refused connection, and no signal. */
static void gone(void)
{
	int fd;

	scratch_begin();
	fd = manager(scratch_path("notify"), strlen(scratch_path("notify")));
	close(fd);
	notify("READY=1");
	scratch_end();
}

static void cut(void)
{
	char status[2000];
	int fd;

	scratch_begin();
	fd = manager(scratch_path("notify"), strlen(scratch_path("notify")));
	memset(status, 'y', sizeof(status));
	status[sizeof(status) - 1] = 0;
	notify("STATUS=%s", status);
	CHECK_INT(strlen(hear(fd)), 511);
	CHECK(!strncmp(heard, "STATUS=yyyy", 11));
	close(fd);
	scratch_end();
}

/* One descriptor for each message would end in EMFILE. */
static void no_leak(void)
{
	int before = dup(0), after;

	close(before);
	setenv("NOTIFY_SOCKET", "/nowhere", 1);
	for (int i = 0; i < 10; i++)
		notify("READY=1");
	after = dup(0);
	CHECK_INT(after, before);
	close(after);
}

static const struct tap_case cases[] = {
	{ "a socket with a path hears each message as one datagram", path },
	{ "an abstract socket, too", abstract },
	{ "the longest names are whole", longest },
	{ "a longer name leads nowhere, and not to a shorter one", too_long },
	{ "no manager, or a name that is none, is nobody's loss", nobody },
	{ "a manager that is gone is nobody's loss", gone },
	{ "a text that is too long is cut", cut },
	{ "no descriptor stays open", no_leak },
};

TAP_MAIN("notify", cases)
