// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits until something changes in one or two directories.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "client/watcher.h"

/* While a directory does not exist, check for it at this interval. */
#define RETRY_MS	200

/* Return: true if a directory is watched that was not. */
static bool add(struct watcher *watcher)
{
	bool added = false;

	for (int i = 0; i < WATCHER_DIRS; i++) {
		if (!watcher->dirs[i] || watcher->ids[i] >= 0)
			continue;
		watcher->ids[i] = inotify_add_watch(watcher->fd, watcher->dirs[i],
						    IN_MODIFY | IN_ATTRIB | IN_CREATE |
						    IN_MOVED_TO | IN_DELETE | IN_ONLYDIR);
		added |= watcher->ids[i] >= 0;
	}
	return added;
}

int watcher_init(struct watcher *watcher, const char *dir, const char *other)
{
	*watcher = (struct watcher){
		.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .dirs = { dir, other },
		.ids = { -1, -1 },
	};
	if (watcher->fd < 0)
		return -errno;
	add(watcher);
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
			if (event->mask & IN_IGNORED && event->wd == watcher->ids[i])
				watcher->ids[i] = -1;
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
	return add(watcher) || changed;
}

int watcher_wait_ms(const struct watcher *watcher)
{
	for (int i = 0; i < WATCHER_DIRS; i++)
		if (watcher->dirs[i] && watcher->ids[i] < 0)
			return RETRY_MS;
	return -1;
}
