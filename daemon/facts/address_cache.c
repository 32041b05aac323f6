// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's addresses, asked of the kernel only when something has changed.
 */
#include <string.h>
#include <sys/socket.h>

#include "facts/address_cache.h"
#include "facts/addresses.h"
#include "net/watch.h"

void address_cache_text(void *data, int family, char *text, size_t size)
{
	struct address_cache *cache = data;
	int i = family == AF_INET6;
	unsigned int state;

	if (!cache->watch || size > ADDRESS_CACHE_SIZE) {
		addresses_text(family, text, size);
		return;
	}
	state = net_watch_state(cache->watch);
	if (cache->entry[i].state != state || cache->entry[i].size != size) {
		addresses_text(family, cache->entry[i].text, size);
		cache->entry[i].size = size;
		cache->entry[i].state = state;
	}
	memcpy(text, cache->entry[i].text, strlen(cache->entry[i].text) + 1);
}
