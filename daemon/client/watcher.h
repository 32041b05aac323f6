/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waits until something changes in one or two directories, which need not exist yet
 *
 * A directory can also be replaced: it is removed, renamed or mounted over, or that happens to one
 * above it, or a symbolic link on the way to it changes. So each directory on the way is watched,
 * too, and the table of mounts. Nothing has to be looked at from time to time, unless something
 * cannot be watched: a directory that the user may not read, no /proc, or no watch left.
 */
#ifndef HVKVP_CLIENT_WATCHER_H
#define HVKVP_CLIENT_WATCHER_H

#include <stdbool.h>
#include <sys/types.h>

#define WATCHER_DIRS 2

/**
 * struct watched_dir - a directory
 * @path: not owned; NULL: none
 * @id: inotify's number; -1: not watched, since it does not exist
 * @dev: device and
 * @ino: inode of what is watched; 0: it does not exist
 */
struct watched_dir {
	const char *path;
	int id;
	dev_t dev;
	ino_t ino;
};

/**
 * struct watcher - what is watched
 * @fd: epoll(7): readable when something may have changed
 * @events: inotify(7)
 * @mounts: /proc/self/mountinfo; -1: there is none
 * @partial: something on the way to a directory is not watched
 * @dirs: the directories
 */
struct watcher {
	int fd;
	int events;
	int mounts;
	bool partial;
	struct watched_dir dirs[WATCHER_DIRS];
};

/**
 * watcher_init() - begin to watch
 * @watcher: the object
 * @dir: a directory; must outlive @watcher
 * @other: another one, or NULL; likewise
 *
 * Return: 0 or -errno of epoll_create1(2) or inotify_init1(2).
 */
int watcher_init(struct watcher *watcher, const char *dir, const char *other);

/**
 * watcher_exit() - close
 * @watcher: the object
 */
void watcher_exit(struct watcher *watcher);

/**
 * watcher_take() - forget what has happened so far, and watch the directories that are there now
 * @watcher: the object
 *
 * Return: true if something may have changed.
 */
bool watcher_take(struct watcher *watcher);

/**
 * watcher_wait_ms() - how long @fd may be relied upon
 * @watcher: the object
 *
 * Return: -1: always; otherwise milliseconds until watcher_take() has to look at what cannot be
 * watched.
 */
int watcher_wait_ms(const struct watcher *watcher);

#endif /* HVKVP_CLIENT_WATCHER_H */
