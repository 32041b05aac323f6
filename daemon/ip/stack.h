/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is stacked on an adapter, while its network manager takes it down
 *
 * Some managers have no other way to change an address. With the adapter go the VLANs on
 * it and their routes, or the ports of a bridge that something else has added.
 */
#ifndef HVKVP_IP_STACK_H
#define HVKVP_IP_STACK_H

#include <net/if.h>

#include "ip/snapshot.h"

struct adapter;
struct ip_manager;
struct ip_system;
struct rtnl;

#define IP_STACK_MAX 64

/**
 * struct ip_stack - interfaces on an adapter or in it, in any depth, as they were
 * @count: of them; 0: nothing was taken down
 * @adapter: the adapter's name
 * @entry: its number, the bridge, bond or team that it was in, by its name or "", and what
 *	the kernel had for it. Those below come first
 */
struct ip_stack {
	unsigned int count;
	char adapter[IFNAMSIZ];
	struct ip_stack_entry {
		unsigned int index;
		char master[IFNAMSIZ];
		struct ip_snapshot before;
	} entry[IP_STACK_MAX];
};

/**
 * ip_stack_release() - remember what is stacked, and make the manager let go of the adapter
 * @stack: the object
 * @system: the machine
 * @rtnl: open
 * @manager: the manager; one that needs no &ip_manager.release is left alone
 * @adapter: the adapter
 * @limit_ms: time limit, milliseconds
 *
 * Return: 0; or -errno: then the adapter was not touched.
 */
int ip_stack_release(struct ip_stack *stack, const struct ip_system *system, struct rtnl *rtnl,
		     const struct ip_manager *manager, const struct adapter *adapter,
		     unsigned int limit_ms);

/**
 * ip_stack_find() - a bridge or bond that the manager has made anew has another number
 * @system: the machine
 * @rtnl: open, or closed by a failure
 * @adapter: the adapter; gets its number now, if it is there
 */
void ip_stack_find(const struct ip_system *system, struct rtnl *rtnl, struct adapter *adapter);

/**
 * ip_stack_return() - bring back what went with the adapter, which is up again
 * @stack: the object; empty afterwards
 * @system: the machine
 * @rtnl: open
 * @manager: asked for interfaces that are gone
 * @limit_ms: time limit for the manager's tools, milliseconds
 *
 * What cannot be brought back is logged.
 */
void ip_stack_return(struct ip_stack *stack, const struct ip_system *system, struct rtnl *rtnl,
		     const struct ip_manager *manager, unsigned int limit_ms);

#endif /* HVKVP_IP_STACK_H */
