// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watching the way that a path takes.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/way.h"

/* As many as the kernel follows. */
#define LINKS_MAX	40

/* How often a way that changes meanwhile is gone. */
#define TRIES		10

#define SELF_EVENTS	(IN_DELETE_SELF | IN_MOVE_SELF)

/**
 * struct way - a path that is followed
 * @at: what is reached, without links; "" is the root
 * @rest: path from there
 * @links: symbolic links that were followed
 */
struct way {
	char at[PATH_MAX];
	char rest[PATH_MAX];
	int links;
};

/* The target of the link at the end of @at takes its place. Return: 0 or -errno. */
static int follow_link(struct way *way, const char *target)
{
	char rest[PATH_MAX];
	int len = snprintf(rest, sizeof(rest), "%s%s", target, way->rest);

	if (++way->links > LINKS_MAX)
		return -ELOOP;
	if (len >= (int)sizeof(rest))
		return -ENAMETOOLONG;
	memcpy(way->rest, rest, len + 1);
	*(target[0] == '/' ? way->at : strrchr(way->at, '/')) = 0;
	return 0;
}

/*
 * Watch what is at @at, and follow it if it is a link.
 *
 * Return: 0; -ENOENT if it is missing; -EAGAIN if it is another thing by now; other -errno.
 */
static int watch(struct way *way, int fd)
{
	uint32_t mask = SELF_EVENTS | IN_DONT_FOLLOW | IN_MASK_ADD;
	char target[PATH_MAX] = "";
	struct stat st, after;

	if (lstat(way->at, &st))
		return errno == ENOTDIR ? -EAGAIN : -errno;
	/* A link that has another name as well is not deleted: its count of names changes. */
	if (S_ISLNK(st.st_mode))
		mask |= IN_ATTRIB;
	if (inotify_add_watch(fd, way->at, mask) < 0)
		return errno == ENOENT || errno == ENOTDIR ? -EAGAIN : -errno;
	if (S_ISLNK(st.st_mode) && readlink(way->at, target, sizeof(target) - 1) < 0)
		return errno == ENOENT || errno == EINVAL ? -EAGAIN : -errno;
	/* Otherwise the watch may be of one thing and the target of another. */
	if (lstat(way->at, &after) || st.st_dev != after.st_dev || st.st_ino != after.st_ino)
		return -EAGAIN;
	if (S_ISLNK(st.st_mode))
		return follow_link(way, target);
	return S_ISDIR(st.st_mode) || !way->rest[0] ? 0 : -ENOENT;
}

/* One component. Return: 1; 0 at the end of the way; else as watch(). */
static int step(struct way *way, int fd)
{
	char *name = way->rest + strspn(way->rest, "/");
	size_t len = strcspn(name, "/"), used = strlen(way->at);
	int ret = 0;

	if (!len)
		return 0;
	if (used + 1 + len >= sizeof(way->at))
		return -ENAMETOOLONG;
	snprintf(way->at + used, sizeof(way->at) - used, "/%.*s", (int)len, name);
	memmove(way->rest, name + len, strlen(name + len) + 1);
	if (!strcmp(way->at + used, "/.")) {
		way->at[used] = 0;
	} else if (!strcmp(way->at + used, "/..")) {
		way->at[used] = 0;
		if (used)
			*strrchr(way->at, '/') = 0;
	} else {
		ret = watch(way, fd);
	}
	return ret ? ret : 1;
}

int way_watch(int fd, const char *path, char *end, size_t size)
{
	struct way way;
	int ret = -EAGAIN;

	if (path[0] != '/')
		return -EINVAL;
	if (strlen(path) >= sizeof(way.rest))
		return -ENAMETOOLONG;
	for (int i = 0; i < TRIES && ret == -EAGAIN; i++) {
		way.at[0] = 0;
		way.links = 0;
		strcpy(way.rest, path);
		do
			ret = step(&way, fd);
		while (ret > 0);
	}
	if (ret && ret != -ENOENT)
		return ret;
	if (end && snprintf(end, size, "%s", way.at[0] ? way.at : "/") >= (int)size)
		return -ENAMETOOLONG;
	return ret ? 1 : 0;
}
