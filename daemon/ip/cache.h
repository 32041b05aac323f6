/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel has for an adapter, asked only when something has changed
 *
 * Hosts ask for each adapter's addresses every few seconds, and three dumps of the
 * kernel's tables are most of what an answer costs.
 */
#ifndef HVKVP_IP_CACHE_H
#define HVKVP_IP_CACHE_H

#include "net/adapter.h"
#include "wire/ip_config.h"

struct ip_system;
struct net_watch;

#define IP_CACHE_ADAPTERS 8

/**
 * struct ip_known - what is known of an adapter
 * @state: of the network, from net_watch_state()
 * @id: what the host calls it
 * @adapter: the interface
 * @dynamic: see ip_read_kernel()
 * @config: likewise
 */
struct ip_known {
	unsigned int state;
	char id[IP_ADAPTER_SIZE];
	struct adapter adapter;
	uint8_t dynamic;
	struct ip_config config;
};

/**
 * struct ip_cache - the adapters that were asked for last
 * @watch: reports changes
 * @next: the entry to be used next
 * @known: the entries
 */
struct ip_cache {
	struct net_watch *watch;
	unsigned int next;
	struct ip_known known[IP_CACHE_ADAPTERS];
};

/**
 * ip_cache_read() - adapter_find() and ip_read_kernel(), if need be
 * @system: the machine; without a cache the kernel is asked each time
 * @id: from the host
 * @known: gets what is known
 *
 * Return: as adapter_find() does.
 */
int ip_cache_read(const struct ip_system *system, const char *id, struct ip_known *known);

#endif /* HVKVP_IP_CACHE_H */
