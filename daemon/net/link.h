/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Single changes of an interface: addresses, default routes, up and down
 */
#ifndef HVKVP_NET_LINK_H
#define HVKVP_NET_LINK_H

#include "wire/ip_config.h"

struct nlmsghdr;
struct rtnl;

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

/** ip_link_del_address() - remove an address; arguments and result as above. */
int ip_link_del_address(struct rtnl *rtnl, unsigned int index, int family,
			const uint8_t *bytes, unsigned int prefix);

/**
 * ip_link_add_gateway() - add a default route
 * @rtnl: open
 * @index: interface
 * @family: family
 * @gateway: by which
 * @rank: 0 for the first and best
 *
 * Return: 0 or -errno.
 */
int ip_link_add_gateway(struct rtnl *rtnl, unsigned int index, int family,
			const uint8_t *gateway, unsigned int rank);

/** ip_link_del_route() - remove a route, given as the kernel tells it. */
int ip_link_del_route(struct rtnl *rtnl, const struct nlmsghdr *route);

/** ip_link_set_up() - bring an interface up or down. Return: 0 or -errno. */
int ip_link_set_up(struct rtnl *rtnl, unsigned int index, bool up);

/** ip_link_flags() - IFF_* of an interface. Return: 0 or -errno. */
int ip_link_flags(struct rtnl *rtnl, unsigned int index, unsigned int *flags);

#endif /* HVKVP_NET_LINK_H */
