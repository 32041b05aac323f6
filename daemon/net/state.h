/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an adapter has: addresses and gateways from the kernel
 */
#ifndef HVKVP_NET_STATE_H
#define HVKVP_NET_STATE_H

#include "wire/ip_config.h"

struct adapter;
struct rtnl;

/**
 * ip_read_kernel() - an adapter's addresses and gateways
 * @rtnl: open
 * @adapter: of whom
 * @unchecked: also those that are still being checked for duplicates
 * @config: gets addresses, gateways, and the family mask of what there is;
 *	its other members are zeroed
 * @dynamic: gets the HVKVP_FAMILY_* mask of addresses that came by DHCP: those that
 *	end some day, and all where a DHCP client set a route of the adapter
 *
 * The adapter's own addresses come first, then those of what is stacked on it, see
 * &adapter.stacked. Never reported are addresses that another machine was found to have. Link-local addresses are
 * reported, since Windows guests report them, but after all others, because readers
 * often take the first. Never those of host scope. What is over 64 is left off.
 *
 * An address is static if it has no end and no router announced it; it is
 * "other" if a router, a DHCP server or the kernel itself made it.
 *
 * Gateways are those of the adapter's default routes in the main table, the best
 * (smallest metric) first.
 *
 * Return: 0 or -errno.
 */
int ip_read_kernel(struct rtnl *rtnl, const struct adapter *adapter, bool unchecked,
		   struct ip_config *config, uint8_t *dynamic);

#endif /* HVKVP_NET_STATE_H */
