/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel has for an adapter, word for word, so that it can be put back
 */
#ifndef HVKVP_IP_SNAPSHOT_H
#define HVKVP_IP_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>
#include <net/if.h>

struct adapter;
struct ip_system;
struct rtnl;

/**
 * struct ip_messages - netlink messages, one behind the other, each aligned
 * @data: owned
 * @len: bytes used
 * @room: bytes allocated
 */
struct ip_messages {
	uint8_t *data;
	size_t len;
	size_t room;
};

/**
 * struct ip_snapshot - an adapter's addresses and routes
 * @index: the adapter's
 * @name: the adapter's
 * @families: HVKVP_FAMILY_* mask of what is in it
 * @up: the interface was up
 * @ipv6_disabled: IPv6 was disabled on it
 * @taken_ms: when, clock_ms(); lifetimes count from there
 * @addresses: RTM_NEWADDR, in the kernel's order
 * @routes: RTM_NEWROUTE of all tables, but for those to the machine itself
 */
struct ip_snapshot {
	unsigned int index;
	char name[IFNAMSIZ];
	uint8_t families;
	bool up;
	bool ipv6_disabled;
	uint64_t taken_ms;
	struct ip_messages addresses;
	struct ip_messages routes;
};

/** ip_messages_next() - the message behind @nlh, or the first for NULL; NULL at the end. */
const struct nlmsghdr *ip_messages_next(const struct ip_messages *messages,
					const struct nlmsghdr *nlh);

/**
 * ip_snapshot_take() - remember how it is
 * @snapshot: the object
 * @rtnl: open
 * @adapter: whose
 * @families: HVKVP_FAMILY_* mask
 *
 * Return: 0 or -errno; the object is empty then.
 */
int ip_snapshot_take(struct ip_snapshot *snapshot, struct rtnl *rtnl,
		     const struct adapter *adapter, uint8_t families);

/**
 * ip_snapshot_restore() - put it back
 * @snapshot: the object
 * @system: the machine
 * @rtnl: open, or closed by a failure: it is then opened again
 *
 * What was added since is removed, what is missing is added, in the order that it was:
 * the first IPv4 address of a subnet is the primary one. What has not changed is not
 * touched. Addresses and routes keep what is left of their lifetimes. IPv6 addresses
 * are not checked for duplicates again.
 *
 * Return: 0, or the first -errno; the rest is put back all the same.
 */
int ip_snapshot_restore(const struct ip_snapshot *snapshot, const struct ip_system *system,
			struct rtnl *rtnl);

/**
 * ip_snapshot_add_route() - add one of its routes again
 * @rtnl: open
 * @route: the route
 *
 * Return: 0; -EEXIST if it is there; other -errno.
 */
int ip_snapshot_add_route(struct rtnl *rtnl, const struct nlmsghdr *route);

/**
 * ip_snapshot_move() - its interface has another number now
 * @snapshot: the object
 * @index: the number
 */
void ip_snapshot_move(struct ip_snapshot *snapshot, unsigned int index);

/** ip_snapshot_free() - forget it. */
void ip_snapshot_free(struct ip_snapshot *snapshot);

#endif /* HVKVP_IP_SNAPSHOT_H */
