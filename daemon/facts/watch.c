// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has a source of the facts changed?
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "facts/watch.h"
#include "util/log.h"
#include "util/sysroot.h"

/* Of a folder: most programs replace a file. */
#define FOLDER_CHANGES (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
/* Of a file: it may be mounted from elsewhere, as in containers, or be kept open. */
#define FILE_CHANGES (IN_CLOSE_WRITE | IN_MODIFY)

static const char *const sources[] = {
	"/etc/os-release", "/usr/lib/os-release", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf",
};

/* Return: 0 or -errno; what is missing is no error. */
static int add(int fd, const char *path, uint32_t changes)
{
	return inotify_add_watch(fd, path, changes) < 0 && errno != ENOENT && errno != ENOTDIR ?
		-errno : 0;
}

static int add_folder(int fd, char *path)
{
	*strrchr(path, '/') = 0;
	return add(fd, path[0] ? path : "/", FOLDER_CHANGES | IN_ONLYDIR);
}

/* Also again and again: what is watched already stays so, and a link may have changed. */
static int watch_sources(struct facts_watch *watch)
{
	char path[SYSROOT_PATH_SIZE], real[PATH_MAX];
	struct stat st;
	int err = 0;

	watch->dangling = false;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]) && !err; i++) {
		sysroot_path(watch->root, path, "%s", sources[i]);
		if (realpath(path, real)) {
			err = add(watch->files.fd, real, FILE_CHANGES);
			if (!err)
				err = add_folder(watch->files.fd, real);
		} else if (!lstat(path, &st)) {
			watch->dangling = true;
		}
		if (!err)
			err = add_folder(watch->files.fd, path);
	}
	return err;
}

static void drop(struct notifier *notifier)
{
	if (notifier->fd >= 0)
		close(notifier->fd);
	notifier->fd = -1;
}

void facts_watch_init(struct facts_watch *watch, const char *root)
{
	int err;

	*watch = (struct facts_watch){
		.root = root,
		.files = { .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .events = EPOLLIN },
		.hostname = {
			.fd = open("/proc/sys/kernel/hostname", O_RDONLY | O_CLOEXEC),
			.events = EPOLLPRI,
		},
	};
	err = watch->files.fd < 0 ? -errno : watch_sources(watch);
	if (err)
		drop(&watch->files);
	if (err || watch->hostname.fd < 0)
		log_info("no notification of changed facts (%s): they are read for each request",
			 strerror(err ? -err : ENOENT));
}

void facts_watch_exit(struct facts_watch *watch)
{
	drop(&watch->files);
	drop(&watch->hostname);
}

/* What is reported does not matter, only that something is. */
static bool files_changed(struct facts_watch *watch)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool changed = false;

	if (!notifier_is_pending(&watch->files))
		return false;
	while (read(watch->files.fd, events, sizeof(events)) > 0)
		changed = true;
	if (changed && watch_sources(watch))
		drop(&watch->files);
	notifier_done(&watch->files);
	return changed;
}

static bool hostname_changed(struct facts_watch *watch)
{
	struct pollfd ready = { .fd = watch->hostname.fd, .events = POLLPRI };
	bool changed = watch->hostname.pending;

	if (!notifier_is_pending(&watch->hostname))
		return false;
	/* Where the loop has seen it, that has made the descriptor quiet again. */
	if (poll(&ready, 1, 0) > 0)
		changed = true;
	notifier_done(&watch->hostname);
	return changed;
}

bool facts_watch_changed(struct facts_watch *watch)
{
	bool changed = watch->files.fd < 0 || watch->hostname.fd < 0 || watch->dangling;

	/* The folder that a dangling link leads to may be there by now. */
	if (watch->files.fd >= 0 && watch->dangling && watch_sources(watch))
		drop(&watch->files);
	/* Both, so that neither is left behind. */
	if (watch->files.fd >= 0)
		changed |= files_changed(watch);
	if (watch->hostname.fd >= 0)
		changed |= hostname_changed(watch);
	return changed;
}
