// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's addresses, asked of the kernel only when something has changed.
 */
#include <string.h>
#include <sys/socket.h>

#include "net.h"
#include "net_cache.h"
#include "net_watch.h"

void net_cache_addresses(void *data, int family, char *text, size_t size)
{
	struct net_cache *cache = data;
	int i = family == AF_INET6;
	unsigned int state;

	if (!cache->watch || size > NET_CACHE_SIZE) {
		net_addresses(family, text, size);
		return;
	}
	state = net_watch_state(cache->watch);
	if (cache->entry[i].state != state || cache->entry[i].size != size) {
		net_addresses(family, cache->entry[i].text, size);
		cache->entry[i].size = size;
		cache->entry[i].state = state;
	}
	memcpy(text, cache->entry[i].text, strlen(cache->entry[i].text) + 1);
}
