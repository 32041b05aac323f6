/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Has the network changed? What was read from the kernel is good until it has
 *
 * A socket is subscribed to changes of links, addresses and routes, and is looked
 * at only when somebody asks: what waits there says that all that is remembered
 * is old. Nothing wakes up for a change before the next request; when the queue
 * overflows, that says "changed" just as well.
 */
#ifndef HVKVP_NET_WATCH_H
#define HVKVP_NET_WATCH_H

#include <stdint.h>

#include "util/notifier.h"

/**
 * struct net_watch - a subscription
 * @notifier: the socket; without one everything is always new
 * @state: see net_watch_state()
 * @changed_ms: when a change was seen last, clock_ms()
 */
struct net_watch {
	struct notifier notifier;
	unsigned int state;
	uint64_t changed_ms;
};

/** net_watch_init() - subscribe. */
void net_watch_init(struct net_watch *watch);

/** net_watch_exit() - close the socket. */
void net_watch_exit(struct net_watch *watch);

/**
 * net_watch_state() - which state is the network in?
 * @watch: the subscription
 *
 * Ask before the kernel is asked: a change in between is then seen next time.
 * For a second after a change each state is a new one, since the kernel reports a
 * link or an address before it takes away, in silence, the routes that go with it.
 *
 * Return: a number that is not 0, and the same as before only if nothing has changed.
 */
unsigned int net_watch_state(struct net_watch *watch);

/**
 * net_watch_links() - a socket that becomes readable when an interface comes or goes
 *
 * Return: a descriptor, the caller's, to be read by net_watch_links_read(); -errno.
 */
int net_watch_links(void);

/** net_watch_links_read() - read all that waits in a socket of net_watch_links(). */
void net_watch_links_read(int fd);

#endif /* HVKVP_NET_WATCH_H */
