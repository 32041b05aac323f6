// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device node.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hvkvpd/device.h"
#include "util/paths.h"

#define CANDIDATES 2

/* The nodes that we would serve, best first. Return: how many. */
static int candidates(const struct device *device, const char *paths[CANDIDATES])
{
	if (device->path) {
		paths[0] = device->path;
		return 1;
	}
	paths[0] = DEVICE_OURS;
	paths[1] = DEVICE_STOCK;
	return 2;
}

static const struct transport_ops *ops_for(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char dir[] = "/vmbus";
	size_t len = slash ? slash - path : 0;

	if (len >= strlen(dir) && !strncmp(slash - strlen(dir), dir, strlen(dir)))
		return &transport_stock;
	return &transport_uapi;
}

void device_init(struct device *device, const char *path)
{
	*device = (struct device){ .path = path, .watch_fd = -1 };
}

void device_exit(struct device *device)
{
	if (device->watch_fd >= 0)
		close(device->watch_fd);
	device->watch_fd = -1;
}

const char *device_name(const struct device *device)
{
	return device->path ? device->path : DEVICE_OURS " or " DEVICE_STOCK;
}

bool device_is_inherited(const struct device *device)
{
	return device->path && !strncmp(device->path, "fd:", 3);
}

static int open_inherited(const char *path)
{
	char *end;
	long fd = strtol(path + 3, &end, 10);
	int flags;

	if (!path[3] || *end || fd < 0 || fd > INT_MAX)
		return -EINVAL;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC))
		return -errno;
	return fd;
}

/* A typo in --device must not write into somebody's file. */
static bool is_device(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode);
}

int device_open(struct device *device, const struct transport_ops **ops, const char **path)
{
	const char *paths[CANDIDATES];
	int n = candidates(device, paths);

	*path = paths[0];
	if (device_is_inherited(device)) {
		*ops = &transport_uapi;
		return open_inherited(device->path);
	}
	for (int i = 0; i < n; i++) {
		int fd = open(paths[i], O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

		*path = paths[i];
		*ops = ops_for(paths[i]);
		if (fd >= 0) {
			if (is_device(fd))
				return fd;
			close(fd);
			return -ENOTTY;
		}
		/* The last three: a node whose driver is leaving. Stock says EBADF. */
		if (errno != ENOENT && errno != ENOTDIR && errno != ENODEV &&
		    errno != ENXIO && errno != EBADF)
			return -errno;
	}
	return -ENOENT;
}

/* Watch the directory of @path, or, if that is not there, the one above it. */
static int watch_dir(int fd, const char *path)
{
	char dir[PATH_MAX];

	if ((size_t)snprintf(dir, sizeof(dir), "%s", path) >= sizeof(dir))
		return -ENAMETOOLONG;
	for (;;) {
		char *slash = strrchr(dir, '/');
		const char *here = dir;

		if (!slash)
			here = ".";
		else if (slash == dir)
			here = "/";
		else
			*slash = 0;
		if (inotify_add_watch(fd, here, IN_CREATE | IN_MOVED_TO | IN_ATTRIB |
				      IN_ONLYDIR) >= 0)
			return 0;
		if (errno != ENOENT && errno != ENOTDIR)
			return -errno;
		if (!slash || slash == dir)
			return -ENOENT;
	}
}

int device_watch(struct device *device)
{
	const char *paths[CANDIDATES];
	int n = candidates(device, paths);

	if (device->watch_fd < 0)
		device->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (device->watch_fd < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		int err = watch_dir(device->watch_fd, paths[i]);

		if (err)
			return err;
	}
	return 0;
}

void device_changed(struct device *device)
{
	char events[4096];

	while (read(device->watch_fd, events, sizeof(events)) > 0)
		;
}
