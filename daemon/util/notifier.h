/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A descriptor that becomes ready when something has changed
 *
 * Where an event loop watches it, looking for a change costs no system call: the
 * loop notes that the descriptor was ready, and does not watch it again before
 * somebody has looked at it. So each look is paid for by at most one wake-up, however
 * often things change in between. Without a loop the descriptor is looked at each
 * time.
 */
#ifndef HVKVP_UTIL_NOTIFIER_H
#define HVKVP_UTIL_NOTIFIER_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct notifier - a source of changes
 * @fd: the descriptor; -1: there is none
 * @events: of epoll(7): what makes it ready
 * @pending: it was ready, and has not been looked at since
 * @rearm: set by the loop: watch the descriptor again; NULL: no loop watches it
 * @loop: of @rearm
 */
struct notifier {
	int fd;
	uint32_t events;
	bool pending;
	void (*rearm)(struct notifier *notifier);
	void *loop;
};

/**
 * notifier_is_pending() - is it worth to look at the descriptor?
 * @notifier: the object
 */
static inline bool notifier_is_pending(const struct notifier *notifier)
{
	return !notifier->rearm || notifier->pending;
}

/**
 * notifier_done() - the descriptor was emptied
 * @notifier: the object
 *
 * Call it before what has changed is read: a change after that is a new one.
 */
static inline void notifier_done(struct notifier *notifier)
{
	if (!notifier->rearm || !notifier->pending)
		return;
	notifier->pending = false;
	notifier->rearm(notifier);
}

#endif /* HVKVP_UTIL_NOTIFIER_H */
