/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Single changes of an interface: addresses, default routes, up and down
 */
#ifndef HVKVP_NET_LINK_H
#define HVKVP_NET_LINK_H

#include "wire/ip_config.h"

struct nlmsghdr;
struct rtnl;

/* The metric that the kernel gives an IPv6 route that names none. */
#define IP_LINK_V6_METRIC 1024

/** ip_link_metric() - the metric of a default route; @rank as for ip_link_add_gateway(). */
static inline unsigned int ip_link_metric(int family, unsigned int rank)
{
	return (family == IP_V4 ? 0 : IP_LINK_V6_METRIC) + rank;
}

/**
 * ip_link_add_address() - add an address without an end, or make it have none
 * @rtnl: open
 * @index: interface
 * @family: family
 * @address: what to add
 *
 * Return: 0 or -errno, the kernel's own.
 */
int ip_link_add_address(struct rtnl *rtnl, unsigned int index, int family,
			const struct ip_address *address);

/**
 * ip_link_add_gateway() - add a default route
 * @rtnl: open
 * @index: interface
 * @family: family
 * @gateway: by which
 * @rank: 0 for the first and best
 * @onlink: the gateway is in no subnet of the interface, but on its link
 *
 * Return: 0 or -errno.
 */
int ip_link_add_gateway(struct rtnl *rtnl, unsigned int index, int family,
			const uint8_t *gateway, unsigned int rank, bool onlink);

/**
 * ip_link_del_route() - remove an interface's next hops of a route
 * @rtnl: open
 * @index: interface
 * @route: the route, as the kernel sent it
 *
 * A route without next hops by other interfaces goes; of a multipath route the
 * other interfaces' next hops stay.
 *
 * Return: 0 or -errno.
 */
int ip_link_del_route(struct rtnl *rtnl, unsigned int index, const struct nlmsghdr *route);

/**
 * ip_link_other_hops() - a multipath route without an interface's next hops
 * @index: interface
 * @route: the route, as the kernel sent it
 * @reduced: gets it; at least @route->nlmsg_len bytes, aligned for a netlink message
 *
 * Return: false if @route has no next hop by another interface.
 */
bool ip_link_other_hops(unsigned int index, const struct nlmsghdr *route,
			struct nlmsghdr *reduced);

/** ip_link_set_master() - put an interface into a bridge, bond or team. Return: 0 or -errno. */
int ip_link_set_master(struct rtnl *rtnl, unsigned int index, unsigned int master);

/** ip_link_set_up() - bring an interface up or down. Return: 0 or -errno. */
int ip_link_set_up(struct rtnl *rtnl, unsigned int index, bool up);

/** ip_link_flags() - IFF_* of an interface. Return: 0 or -errno. */
int ip_link_flags(struct rtnl *rtnl, unsigned int index, unsigned int *flags);

#endif /* HVKVP_NET_LINK_H */
