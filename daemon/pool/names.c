// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has a name in the state directory changed?
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "pool/names.h"
#include "util/log.h"
#include "util/way.h"

#define CHANGES (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF)

/*
 * After these the watch is of no use: the directory is not at its path any more, or a report was lost.
 * IN_ATTRIB is that of a symbolic link that leads there.
 */
#define ENDS (IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED | IN_Q_OVERFLOW)

static void close_notifier(struct notifier *notifier)
{
	if (notifier->fd >= 0)
		close(notifier->fd);
	notifier->fd = -1;
}

void pool_names_exit(struct pool_names *names)
{
	close_notifier(&names->notifier);
	close_notifier(&names->mounts);
}

/* Return: 0 or -errno. */
static int watch(int fd, const char *dir)
{
	/* First: a link that is switched from here on is reported. */
	int missing = way_watch(fd, dir, NULL, 0);

	if (missing)
		return missing < 0 ? missing : -ENOENT;
	return inotify_add_watch(fd, dir, CHANGES | IN_ONLYDIR | IN_MASK_ADD) < 0 ? -errno : 0;
}

void pool_names_init(struct pool_names *names, const char *dir)
{
	int err = 0;

	*names = (struct pool_names){
		.notifier = { .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .events = EPOLLIN },
		.mounts = {
			.fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC),
			.events = EPOLLPRI,
		},
	};
	if (names->notifier.fd < 0 || names->mounts.fd < 0)
		err = -errno;
	else
		err = watch(names->notifier.fd, dir);
	if (!err)
		return;
	log_info("%s cannot be watched (%s): pool files are looked for at each request", dir,
		 strerror(-err));
	pool_names_exit(names);
}

/* The kernel's next report of a mount comes without a read. */
static bool mounts_changed(struct pool_names *names)
{
	if (!notifier_is_pending(&names->mounts))
		return false;
	notifier_done(&names->mounts);
	return true;
}

unsigned int pool_names_changes(struct pool_names *names)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	uint32_t seen = 0;
	ssize_t n;

	if (!names || names->notifier.fd < 0)
		return 0;
	if (mounts_changed(names))
		names->changes++;
	if (!notifier_is_pending(&names->notifier))
		return names->changes;
	while ((n = read(names->notifier.fd, events, sizeof(events))) > 0) {
		const struct inotify_event *event;

		for (ssize_t at = 0; at < n; at += sizeof(*event) + event->len) {
			event = (const void *)(events + at);
			seen |= event->mask;
		}
	}
	if (seen)
		names->changes++;
	if (seen & ENDS)
		pool_names_exit(names);
	notifier_done(&names->notifier);
	return names->changes;
}

bool pool_names_same(struct pool_names *names, const struct pool_name *name,
		     const struct timespec *now)
{
	long long passed = (now->tv_sec - name->at.tv_sec) * 1000LL +
			   (now->tv_nsec - name->at.tv_nsec) / 1000000;

	/* Without a loop a look at the notifications costs as much as one at the path. */
	return names && names->notifier.fd >= 0 && names->notifier.rearm &&
	       names->mounts.rearm && name->known && passed >= 0 &&
	       passed < POOL_NAMES_MS && pool_names_changes(names) == name->changes;
}
