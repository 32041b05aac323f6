/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Has a source of the facts changed?
 *
 * The files are os-release, hostname, hosts and resolv.conf. What their paths lead
 * to is watched, with its folder, since most programs replace a file, and each folder
 * and link on the way there. The host name and mounts are watched in the kernel.
 */
#ifndef HVKVP_FACTS_WATCH_H
#define HVKVP_FACTS_WATCH_H

#include <stdbool.h>

#include "util/notifier.h"

/**
 * struct facts_watch - a subscription
 * @root: see &struct facts
 * @files: epoll(7) of @inotify, so that a loop need not know of a new one
 * @hostname: /proc/sys/kernel/hostname
 * @mounts: /proc/self/mountinfo
 * @inotify: inotify(7), made anew after each change: what the sources led to before
 *	is not watched any more
 * @again: a source changed while it was being watched
 */
struct facts_watch {
	const char *root;
	struct notifier files;
	struct notifier hostname;
	struct notifier mounts;
	int inotify;
	bool again;
};

/**
 * facts_watch_init() - subscribe
 * @watch: the object
 * @root: directory in front of /etc and /usr, "" for the real ones
 *
 * A source that cannot be watched makes facts_watch_changed() always true, and is
 * logged.
 */
void facts_watch_init(struct facts_watch *watch, const char *root);

/** facts_watch_exit() - close the descriptors. */
void facts_watch_exit(struct facts_watch *watch);

/**
 * facts_watch_changed() - has anything changed since the last time?
 * @watch: the object
 *
 * Ask before the sources are read: a change in between is then seen next time.
 */
bool facts_watch_changed(struct facts_watch *watch);

#endif /* HVKVP_FACTS_WATCH_H */
