// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's addresses, asked of the kernel only when something has changed.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "net.h"
#include "net_cache.h"

void net_cache_init(struct net_cache *cache)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};

	memset(cache, 0, sizeof(*cache));
	cache->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (cache->fd < 0 || bind(cache->fd, (const void *)&address, sizeof(address))) {
		log_info("no notifications of address changes: %s", strerror(errno));
		net_cache_exit(cache);
	}
}

void net_cache_exit(struct net_cache *cache)
{
	if (cache->fd >= 0)
		close(cache->fd);
	cache->fd = -1;
}

/* What is said does not matter: that something is said does. */
static bool has_changed(struct net_cache *cache)
{
	bool changed = false;
	char byte;

	for (;;) {
		ssize_t n = recv(cache->fd, &byte, sizeof(byte), MSG_TRUNC);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return changed;
		changed = true;
		if (n < 0 && errno != ENOBUFS)
			return changed;
	}
}

void net_cache_addresses(void *data, int family, char *text, size_t size)
{
	struct net_cache *cache = data;
	int i = family == AF_INET6;

	if (cache->fd < 0 || size > NET_CACHE_SIZE) {
		net_addresses(family, text, size);
		return;
	}
	/* Before the kernel is asked: a change in between is then seen next time. */
	if (has_changed(cache))
		cache->entry[0].size = cache->entry[1].size = 0;
	if (cache->entry[i].size != size) {
		net_addresses(family, cache->entry[i].text, size);
		cache->entry[i].size = size;
	}
	memcpy(text, cache->entry[i].text, strlen(cache->entry[i].text) + 1);
}
