// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has a source of the facts changed?
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "facts/watch.h"
#include "util/log.h"
#include "util/sysroot.h"
#include "util/way.h"

/* Of a folder: most programs replace a file. */
#define FOLDER_CHANGES (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
/* Of a folder in which something is missing. */
#define FOLDER_APPEARS (IN_CREATE | IN_MOVED_TO)
/* Of a file: it may be mounted from elsewhere, as in containers, or be kept open. */
#define FILE_CHANGES (IN_CLOSE_WRITE | IN_MODIFY)

static const char *const sources[] = {
	"/etc/os-release", "/usr/lib/os-release", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf",
};

/* Return: 0 or -errno. */
static int add(int fd, const char *path, uint32_t changes)
{
	/* The way may lead here as well. */
	return inotify_add_watch(fd, path, changes | IN_MASK_ADD) < 0 ? -errno : 0;
}

/* Return: 0 or -errno; what does not exist is no error. */
static int watch_source(struct facts_watch *watch, const char *path)
{
	char end[PATH_MAX];
	int missing = way_watch(watch->inotify, path, end, sizeof(end)), err = 0;
	bool there;

	/* A circle of links: each of them is watched. */
	if (missing == -ELOOP)
		return 0;
	if (missing < 0)
		return missing;
	if (!missing)
		err = add(watch->inotify, end, FILE_CHANGES);
	*strrchr(end, '/') = 0;
	if (!err)
		err = add(watch->inotify, end[0] ? end : "/",
			  (missing ? FOLDER_APPEARS : FOLDER_CHANGES) | IN_ONLYDIR);
	/* It may have come or gone before its folder was watched. */
	there = !access(path, F_OK);
	return !err && there == missing ? -EAGAIN : err;
}

/* Watch what the sources are now, and nothing else. Return: 0 or -errno. */
static int watch_sources(struct facts_watch *watch)
{
	struct epoll_event wanted = { .events = EPOLLIN };
	char path[SYSROOT_PATH_SIZE];
	int err = 0;

	if (watch->inotify >= 0) {
		/* A child that has not called execve() yet may have it open, too. */
		epoll_ctl(watch->files.fd, EPOLL_CTL_DEL, watch->inotify, NULL);
		close(watch->inotify);
	}
	watch->again = false;
	watch->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->inotify < 0 ||
	    epoll_ctl(watch->files.fd, EPOLL_CTL_ADD, watch->inotify, &wanted))
		return -errno;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]) && !err; i++) {
		err = watch_source(watch, sysroot_path(watch->root, path, "%s", sources[i]));
		if (err == -EAGAIN || err == -ENOENT || err == -ENOTDIR) {
			watch->again = true;
			err = 0;
		}
	}
	return err;
}

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void facts_watch_exit(struct facts_watch *watch)
{
	drop(&watch->inotify);
	drop(&watch->files.fd);
	drop(&watch->hostname.fd);
	drop(&watch->mounts.fd);
}

/* Of what cannot be watched no part is of use. */
static void give_up(struct facts_watch *watch, int err)
{
	facts_watch_exit(watch);
	log_info("no notification of changed facts (%s): they are read for each request",
		 strerror(-err));
}

void facts_watch_init(struct facts_watch *watch, const char *root)
{
	int err;

	*watch = (struct facts_watch){
		.root = root,
		.files = { .fd = epoll_create1(EPOLL_CLOEXEC), .events = EPOLLIN },
		.hostname = {
			.fd = open("/proc/sys/kernel/hostname", O_RDONLY | O_CLOEXEC),
			.events = EPOLLPRI,
		},
		.mounts = {
			.fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC),
			.events = EPOLLPRI,
		},
		.inotify = -1,
	};
	if (watch->files.fd < 0 || watch->hostname.fd < 0 || watch->mounts.fd < 0)
		err = -errno;
	else
		err = watch_sources(watch);
	if (err)
		give_up(watch, err);
}

static bool is_ready(struct notifier *notifier)
{
	struct pollfd ready = { .fd = notifier->fd, .events = notifier->events };
	bool changed = notifier->pending;

	if (!notifier_is_pending(notifier))
		return false;
	/* Where the loop has seen it, that has made a file of the kernel's quiet again. */
	if (poll(&ready, 1, 0) > 0)
		changed = true;
	notifier_done(notifier);
	return changed;
}

bool facts_watch_changed(struct facts_watch *watch)
{
	bool renamed, moved, mounted;
	int err;

	if (watch->files.fd < 0)
		return true;
	/* Each, so that none is left behind. */
	renamed = is_ready(&watch->hostname);
	moved = is_ready(&watch->files);
	mounted = is_ready(&watch->mounts);
	if (!moved && !mounted && !watch->again)
		return renamed;
	err = watch_sources(watch);
	if (err)
		give_up(watch, err);
	return true;
}
