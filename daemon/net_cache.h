/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's addresses, asked of the kernel only when something has changed
 *
 * A socket is subscribed to changes of links and addresses, and is looked at only
 * when somebody asks: what waits there says that the remembered text is old. The
 * kernel queues a change before it is in effect for anybody else, so an answer is
 * never stale. Nothing wakes up for a change that nobody asks about; when the
 * queue overflows, that says "changed" just as well.
 */
#ifndef HVKVP_NET_CACHE_H
#define HVKVP_NET_CACHE_H

#include <stdbool.h>
#include <stddef.h>

/* Room for one family's text; longer questions are not remembered. */
#define NET_CACHE_SIZE	1024

/**
 * struct net_cache - remembered addresses
 * @fd: subscribed socket; -1: nothing is remembered
 * @entry: of IPv4 and IPv6: the text, and for how many bytes it was made; 0 if old
 */
struct net_cache {
	int fd;
	struct {
		size_t size;
		char text[NET_CACHE_SIZE];
	} entry[2];
};

/** net_cache_init() - subscribe; without success each question goes to the kernel. */
void net_cache_init(struct net_cache *cache);

/** net_cache_exit() - close the socket. */
void net_cache_exit(struct net_cache *cache);

/**
 * net_cache_addresses() - as net_addresses(), for struct facts
 * @data: the cache
 * @family: AF_INET or AF_INET6
 * @text: gets the addresses
 * @size: bytes of @text
 */
void net_cache_addresses(void *data, int family, char *text, size_t size);

#endif /* HVKVP_NET_CACHE_H */
