// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits until something changes in one or two directories.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/watcher.h"

/* What cannot be watched is looked at with this interval. */
#define CHECK_MS	1000

/* As many as the kernel follows. */
#define LINKS_MAX	40

#define SELF_EVENTS	(IN_DELETE_SELF | IN_MOVE_SELF)
#define DIR_EVENTS	(IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_MOVED_TO | IN_DELETE | SELF_EVENTS)
/* In a directory on the way: what comes next goes, or something takes its place. */
#define WAY_EVENTS	(IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | SELF_EVENTS)
/* The set of watches has to be made anew. */
#define WAY_CHANGED	(SELF_EVENTS | IN_IGNORED | IN_UNMOUNT | IN_Q_OVERFLOW | IN_ISDIR)

/* Two ways can share a directory: IN_MASK_ADD. */
static int add_watch(int events, const char *path, uint32_t mask)
{
	return inotify_add_watch(events, path, mask | IN_ONLYDIR | IN_MASK_ADD);
}

/**
 * struct way - a path that is followed
 * @at: directory that is reached
 * @rest: path from there
 * @links: symbolic links that were followed
 */
struct way {
	char at[PATH_MAX];
	char rest[PATH_MAX];
	int links;
};

static int begin_way(struct way *way, const char *path)
{
	char cwd[PATH_MAX] = "";
	int len;

	if (path[0] != '/' && !getcwd(cwd, sizeof(cwd)))
		return -errno;
	strcpy(way->at, "/");
	len = snprintf(way->rest, sizeof(way->rest), "%s/%s", cwd, path);
	way->links = 0;
	return len < (int)sizeof(way->rest) ? 0 : -ENAMETOOLONG;
}

/* The target of a link takes its place in the rest of the path. */
static int follow_link(struct way *way, const char *link)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlink(link, target, sizeof(target) - 1);
	int len;

	if (n < 0)
		return -errno;
	target[n] = 0;
	if (++way->links > LINKS_MAX)
		return -ELOOP;
	len = snprintf(rest, sizeof(rest), "%s/%s", target, way->rest);
	if (len >= (int)sizeof(rest))
		return -ENAMETOOLONG;
	if (target[0] == '/')
		strcpy(way->at, "/");
	memcpy(way->rest, rest, len + 1);
	return 0;
}

/*
 * One component. Each directory is watched before the next one is looked up in it, so that no
 * change is missed. A directory that has others in it cannot be removed: its own events are enough.
 * Links have none, and the last directory's come late if a process keeps it open.
 *
 * Return: 1; 0 at the end of the way; -ENOENT if it does not go on; -errno.
 */
static int step(struct way *way, int events, uint32_t mask)
{
	char next[PATH_MAX], *name = way->rest + strspn(way->rest, "/");
	size_t len = strcspn(name, "/");
	struct stat st;
	int n;

	if (!len)
		return 0;
	if (!name[len + strspn(name + len, "/")])
		mask = WAY_EVENTS;
	if (add_watch(events, way->at, mask) < 0)
		return -errno;
	n = snprintf(next, sizeof(next), "%s%s%.*s", way->at, way->at[1] ? "/" : "", (int)len, name);
	if (n >= (int)sizeof(next))
		return -ENAMETOOLONG;
	if (lstat(next, &st)) {
		if (errno != ENOENT || add_watch(events, way->at, IN_CREATE) < 0)
			return -errno;
		/* It may have come before this. */
		if (lstat(next, &st))
			return -errno;
	}
	memmove(way->rest, name + len, strlen(name + len) + 1);
	if (S_ISLNK(st.st_mode)) {
		if (add_watch(events, way->at, WAY_EVENTS) < 0)
			return -errno;
		n = follow_link(way, next);
		return n < 0 ? n : 1;
	}
	if (!S_ISDIR(st.st_mode))
		return -ENOENT;
	strcpy(way->at, next);
	return 1;
}

static int watch_way(struct way *way, const char *path, int events, uint32_t mask)
{
	int ret = begin_way(way, path);

	if (ret)
		return ret;
	do
		ret = step(way, events, mask);
	while (ret > 0);
	return ret;
}

/* Watch a directory and the way to it. Return: 0; -errno if something cannot be watched. */
static int watch(struct watched_dir *dir, int events)
{
	struct way way;
	struct stat st;
	int ret = watch_way(&way, dir->path, events, SELF_EVENTS);

	dir->id = -1;
	dir->dev = 0;
	dir->ino = 0;
	/* What leads nowhere can be removed while it is open. */
	if (ret == -ENOENT)
		ret = watch_way(&way, dir->path, events, WAY_EVENTS);
	if (!ret) {
		dir->id = add_watch(events, way.at, DIR_EVENTS);
		ret = dir->id < 0 ? -errno : 0;
	}
	if (!stat(dir->path, &st)) {
		dir->dev = st.st_dev;
		dir->ino = st.st_ino;
	}
	return ret == -ENOENT ? 0 : ret;
}

/* Watch what the paths lead to now. Return: 0; -errno, then everything is as it was. */
static int watch_all(struct watcher *watcher)
{
	struct epoll_event wanted = { .events = EPOLLIN };
	int events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), err;

	if (events < 0 || epoll_ctl(watcher->fd, EPOLL_CTL_ADD, events, &wanted)) {
		err = -errno;
		if (events >= 0)
			close(events);
		watcher->partial = true;
		return err;
	}
	watcher->events = events;
	watcher->partial = watcher->mounts < 0;
	for (int i = 0; i < WATCHER_DIRS; i++)
		if (watcher->dirs[i].path && watch(&watcher->dirs[i], events))
			watcher->partial = true;
	return 0;
}

int watcher_init(struct watcher *watcher, const char *dir, const char *other)
{
	struct epoll_event wanted = { .events = EPOLLPRI };
	int err;

	*watcher = (struct watcher){
		.fd = epoll_create1(EPOLL_CLOEXEC), .events = -1, .mounts = -1,
		.dirs = { { .path = dir, .id = -1 }, { .path = other, .id = -1 } },
	};
	if (watcher->fd < 0)
		return -errno;
	watcher->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (watcher->mounts >= 0 &&
	    epoll_ctl(watcher->fd, EPOLL_CTL_ADD, watcher->mounts, &wanted)) {
		close(watcher->mounts);
		watcher->mounts = -1;
	}
	err = watch_all(watcher);
	if (err)
		watcher_exit(watcher);
	return err;
}

void watcher_exit(struct watcher *watcher)
{
	int *const fds[] = { &watcher->events, &watcher->mounts, &watcher->fd };

	for (size_t i = 0; watcher->fd >= 0 && i < sizeof(fds) / sizeof(fds[0]); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	watcher->fd = -1;
}

/* Return: does the path lead somewhere else than when it was watched? */
static bool replaced(const struct watched_dir *dir)
{
	struct stat now;

	if (!dir->path)
		return false;
	if (stat(dir->path, &now))
		return dir->ino;
	return now.st_dev != dir->dev || now.st_ino != dir->ino;
}

static bool is_dir(const struct watched_dir *dirs, int id)
{
	for (int i = 0; i < WATCHER_DIRS; i++)
		if (dirs[i].path && dirs[i].id == id)
			return true;
	return false;
}

/* Read all events. Return: true if there is one of the directories themselves. */
static bool read_events(int fd, const struct watched_dir *dirs, bool *way_changed)
{
	_Alignas(struct inotify_event) char events[4096];
	bool changed = false;
	ssize_t n;

	while ((n = read(fd, events, sizeof(events))) > 0) {
		for (ssize_t at = 0; at < n; ) {
			const struct inotify_event *event = (const void *)(events + at);
			bool in_dir = is_dir(dirs, event->wd);

			changed |= in_dir || event->mask & IN_Q_OVERFLOW;
			*way_changed |= !in_dir || event->mask & WAY_CHANGED;
			at += sizeof(*event) + event->len;
		}
	}
	return changed;
}

/* Make the watches anew. Return: true if a directory is another one, or something happened in it. */
static bool watch_again(struct watcher *watcher)
{
	struct watched_dir before[WATCHER_DIRS];
	int old = watcher->events;
	bool changed, ignored = false;

	memcpy(before, watcher->dirs, sizeof(before));
	if (watch_all(watcher))
		return true;
	/* Until the new watches were there, events have come by the old ones. */
	changed = read_events(old, before, &ignored);
	/* A child that has not called execve() yet may have it open, too. */
	epoll_ctl(watcher->fd, EPOLL_CTL_DEL, old, NULL);
	close(old);
	for (int i = 0; i < WATCHER_DIRS; i++)
		changed |= before[i].dev != watcher->dirs[i].dev ||
			   before[i].ino != watcher->dirs[i].ino;
	return changed;
}

bool watcher_take(struct watcher *watcher)
{
	bool again = watcher->partial;
	bool changed = read_events(watcher->events, watcher->dirs, &again);

	for (int i = 0; i < WATCHER_DIRS; i++)
		again |= replaced(&watcher->dirs[i]);
	return (again && watch_again(watcher)) || changed;
}

int watcher_wait_ms(const struct watcher *watcher)
{
	return watcher->partial ? CHECK_MS : -1;
}
