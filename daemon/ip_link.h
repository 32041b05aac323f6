/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Single changes of an interface: addresses, default routes, up and down
 */
#ifndef HVKVP_IP_LINK_H
#define HVKVP_IP_LINK_H

#include <libmnl/libmnl.h>

#include "ip.h"

struct rtnl;

/**
 * struct ip_link_address - an address as the kernel tells it
 * @half: family
 * @bytes: the address itself, not the other end's; in the message
 * @prefix: length
 * @flags: IFA_F_*
 * @scope: RT_SCOPE_*
 */
struct ip_link_address {
	int half;
	const uint8_t *bytes;
	unsigned int prefix;
	uint32_t flags;
	uint8_t scope;
};

/**
 * ip_link_address() - read an RTM_NEWADDR
 * @nlh: the message
 * @address: filled in
 *
 * Return: false if it is not about IPv4 or IPv6, or has no address.
 */
bool ip_link_address(const struct nlmsghdr *nlh, struct ip_link_address *address);

/**
 * ip_link_add_address() - add an address without an end, or make it have none
 * @rtnl: open
 * @index: interface
 * @half: family
 * @address: what to add
 *
 * Return: 0 or -errno, the kernel's own.
 */
int ip_link_add_address(struct rtnl *rtnl, unsigned int index, int half,
			const struct ip_address *address);

/** ip_link_del_address() - remove an address; arguments and result as above. */
int ip_link_del_address(struct rtnl *rtnl, unsigned int index, int half,
			const uint8_t *bytes, unsigned int prefix);

/**
 * ip_link_add_gateway() - add a default route
 * @rtnl: open
 * @index: interface
 * @half: family
 * @gateway: by which
 * @rank: 0 for the first and best
 *
 * Return: 0 or -errno.
 */
int ip_link_add_gateway(struct rtnl *rtnl, unsigned int index, int half,
			const uint8_t *gateway, unsigned int rank);

/** ip_link_del_route() - remove a route, given as the kernel tells it. */
int ip_link_del_route(struct rtnl *rtnl, const struct nlmsghdr *route);

/** ip_link_set_up() - bring an interface up or down. Return: 0 or -errno. */
int ip_link_set_up(struct rtnl *rtnl, unsigned int index, bool up);

/** ip_link_flags() - IFF_* of an interface. Return: 0 or -errno. */
int ip_link_flags(struct rtnl *rtnl, unsigned int index, unsigned int *flags);

#endif /* HVKVP_IP_LINK_H */
