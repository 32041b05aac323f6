// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits until something changes in one or two directories.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/watcher.h"

/* While a directory does not exist, check for it at this interval. */
#define RETRY_MS	200

/* A mount, or a change of a directory above, gives no event: look where the path leads at this interval. */
#define CHECK_MS	1000

#define EVENTS		(IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_MOVED_TO | IN_DELETE | \
			 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

static bool same_dir(const struct watched_dir *a, const struct stat *b)
{
	return a->dev == b->st_dev && a->ino == b->st_ino;
}

/*
 * Watch what the path leads to now: the directory may have been replaced. Return: true if that is another
 * one than before.
 */
static bool watch(struct watcher *watcher, struct watched_dir *dir)
{
	int old = dir->id;
	struct stat now;

	if (stat(dir->path, &now))
		now = (struct stat){ 0 };
	if (old >= 0 && same_dir(dir, &now))
		return false;
	if (old >= 0)
		inotify_rm_watch(watcher->fd, old);
	dir->id = now.st_ino ? inotify_add_watch(watcher->fd, dir->path, EVENTS) : -1;
	/* If it is replaced between the two calls, the next look finds another inode than this one. */
	dir->dev = now.st_dev;
	dir->ino = now.st_ino;
	return old >= 0 || dir->id >= 0;
}

static bool watch_all(struct watcher *watcher)
{
	bool changed = false;

	for (int i = 0; i < WATCHER_DIRS; i++)
		if (watcher->dirs[i].path)
			changed |= watch(watcher, &watcher->dirs[i]);
	return changed;
}

int watcher_init(struct watcher *watcher, const char *dir, const char *other)
{
	*watcher = (struct watcher){
		.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
		.dirs = { { .path = dir, .id = -1 }, { .path = other, .id = -1 } },
	};
	if (watcher->fd < 0)
		return -errno;
	watch_all(watcher);
	return 0;
}

void watcher_exit(struct watcher *watcher)
{
	if (watcher->fd >= 0)
		close(watcher->fd);
	watcher->fd = -1;
}

/* A directory that was removed may come back. */
static void note_removed(struct watcher *watcher, const char *events, size_t len)
{
	for (size_t at = 0; at < len;) {
		const struct inotify_event *event = (const void *)(events + at);

		for (int i = 0; i < WATCHER_DIRS; i++)
			if (event->mask & IN_IGNORED && event->wd == watcher->dirs[i].id)
				watcher->dirs[i].id = -1;
		at += sizeof(*event) + event->len;
	}
}

bool watcher_take(struct watcher *watcher)
{
	_Alignas(struct inotify_event) char events[4096];
	bool changed = false;
	ssize_t n;

	while ((n = read(watcher->fd, events, sizeof(events))) > 0) {
		note_removed(watcher, events, n);
		changed = true;
	}
	return watch_all(watcher) || changed;
}

int watcher_wait_ms(const struct watcher *watcher)
{
	for (int i = 0; i < WATCHER_DIRS; i++)
		if (watcher->dirs[i].path && watcher->dirs[i].id < 0)
			return RETRY_MS;
	return CHECK_MS;
}
