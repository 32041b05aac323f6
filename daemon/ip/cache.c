// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel has for an adapter, asked only when something has changed.
 */
#include <string.h>

#include "ip/cache.h"
#include "ip/system.h"
#include "net/rtnl.h"
#include "net/state.h"
#include "net/watch.h"

static int ask_kernel(const struct ip_system *system, const char *id, struct ip_known *known)
{
	struct rtnl rtnl;
	int err = rtnl_open(&rtnl);

	if (err)
		return err;
	err = adapter_find(system->root, &rtnl, id, &known->adapter);
	if (!err)
		err = ip_read_kernel(&rtnl, &known->adapter, false, &known->config, &known->dynamic);
	rtnl_close(&rtnl);
	return err;
}

int ip_cache_read(const struct ip_system *system, const char *id, struct ip_known *known)
{
	struct ip_cache *cache = system->cache;
	struct ip_known *old = NULL;
	unsigned int state;
	int err;

	if (!cache)
		return ask_kernel(system, id, known);
	state = net_watch_state(cache->watch);
	for (size_t i = 0; i < IP_CACHE_ADAPTERS && !old; i++)
		if (!strcmp(cache->known[i].id, id))
			old = &cache->known[i];
	if (!old) {
		old = &cache->known[cache->next];
		cache->next = (cache->next + 1) % IP_CACHE_ADAPTERS;
		old->id[0] = 0;
	}
	if (!old->id[0] || old->state != state) {
		err = ask_kernel(system, id, old);
		old->state = state;
		strcpy(old->id, err ? "" : id);
		if (err)
			return err;
	}
	*known = *old;
	return 0;
}
