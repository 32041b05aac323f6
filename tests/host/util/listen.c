// SPDX-License-Identifier: GPL-2.0-only
/*
 * listen.c - a socket for one client on this machine
 */
#include "util/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int open_tcp(const char *where)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;
	char *end;
	unsigned long port = strtoul(where, &end, 10);
	int fd;

	if (*end || !*where || !port || port > 65535)
		return -EINVAL;
	addr.sin_port = htons(port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return fd;
}

static int open_unix(const char *where)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	int fd;

	if (strlen(where) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, where);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Of an earlier run. Any other file is not ours to remove: bind() says that it exists. */
	if (!lstat(where, &st) && S_ISSOCK(st.st_mode))
		unlink(where);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return fd;
}

int listen_on(const char *where, char *err, size_t errlen)
{
	int fd = strchr(where, '/') ? open_unix(where) : open_tcp(where);
	int ret = fd;

	if (fd >= 0 && listen(fd, 1) < 0) {
		ret = -errno;
		close(fd);
	}
	if (ret == -EINVAL)
		snprintf(err, errlen, "\"%s\" is neither a port nor a path: 1 to 65535, or a name with a \"/\"",
			 where);
	else if (ret < 0)
		snprintf(err, errlen, "cannot listen on %s (%s)", where, strerror(-ret));
	return ret;
}
