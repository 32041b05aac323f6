/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Has a name in the state directory changed?
 *
 * Other programs may replace, move or remove a pool file at any time. Without a notification each use
 * of a pool has to find the file at its path again, which takes several times as long as a look at the
 * one that is open. Contents are not watched: each use looks at size and times of the open file.
 *
 * Mounts, the directories above it and symbolic links that lead to it are watched as well. What none
 * of this reports, as on a network file system, is noticed after POOL_NAMES_MS.
 */
#ifndef HVKVP_POOL_NAMES_H
#define HVKVP_POOL_NAMES_H

#include <stdbool.h>
#include <time.h>

#include "util/notifier.h"

/* So long at most a file counts as the one at its path without a look at the path, milliseconds. */
#define POOL_NAMES_MS	1000

/**
 * struct pool_names - the names in a directory
 * @notifier: ready when one was made, moved or removed, or a directory or link on the way to them was
 * @mounts: ready when something was mounted or unmounted; both are of use only in an event loop
 * @changes: how often that was reported
 */
struct pool_names {
	struct notifier notifier;
	struct notifier mounts;
	unsigned int changes;
};

/**
 * struct pool_name - what was found out about one of them
 * @known: it led to the file that is open,
 * @changes: after so many reports,
 * @at: CLOCK_REALTIME_COARSE
 */
struct pool_name {
	bool known;
	unsigned int changes;
	struct timespec at;
};

/**
 * pool_names_init() - watch a directory
 * @names: the object
 * @dir: absolute, and has to exist; else nothing is watched
 *
 * Then the caller gives both notifiers to its loop.
 */
void pool_names_init(struct pool_names *names, const char *dir);

/**
 * pool_names_exit() - close
 * @names: the object
 */
void pool_names_exit(struct pool_names *names);

/**
 * pool_names_changes() - how often a change was reported; call it before a look at a path
 * @names: the object; NULL: nothing is watched
 */
unsigned int pool_names_changes(struct pool_names *names);

/**
 * pool_names_same() - does a name still lead to the same file?
 * @names: the object; NULL: nothing is watched
 * @name: what is known about the name
 * @now: CLOCK_REALTIME_COARSE
 *
 * Return: false also if that is not certain.
 */
bool pool_names_same(struct pool_names *names, const struct pool_name *name,
		     const struct timespec *now);

#endif /* HVKVP_POOL_NAMES_H */
