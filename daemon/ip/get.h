/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that GET_IP reports of an adapter
 */
#ifndef HVKVP_IP_GET_H
#define HVKVP_IP_GET_H

#include "wire/ip_config.h"

struct adapter;
struct ip_system;
struct rtnl;

/**
 * ip_query() - what an adapter has
 * @system: the machine
 * @rtnl: open
 * @adapter: of whom
 * @families: HVKVP_FAMILY_* mask of what is wanted; 0 is everything
 * @unchecked: also addresses that are still being checked for duplicates. They
 *	cannot be used yet, but are part of the configuration
 * @config: filled in
 *
 * Asks the kernel and reads a few small files; starts no process and does not wait.
 *
 * Return: 0 or -errno.
 */
int ip_query(const struct ip_system *system, struct rtnl *rtnl, const struct adapter *adapter,
	     uint8_t families, bool unchecked, struct ip_config *config);

/**
 * ip_query_complete() - the part of ip_query() that is in files
 * @system: the machine
 * @adapter: of whom
 * @families: as above
 * @dynamic: from ip_read_kernel()
 * @config: from ip_read_kernel(); the rest is filled in
 */
void ip_query_complete(const struct ip_system *system, const struct adapter *adapter,
		       uint8_t families, uint8_t dynamic, struct ip_config *config);

#endif /* HVKVP_IP_GET_H */
