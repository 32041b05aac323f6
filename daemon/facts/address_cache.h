/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's addresses, asked of the kernel only when something has changed
 */
#ifndef HVKVP_FACTS_ADDRESS_CACHE_H
#define HVKVP_FACTS_ADDRESS_CACHE_H

#include <stddef.h>

struct net_watch;

/* Room for one family's text; longer questions are not remembered. */
#define ADDRESS_CACHE_SIZE	1024

/**
 * struct address_cache - remembered addresses
 * @watch: reports changes; NULL: nothing is remembered
 * @entry: of IPv4 and IPv6: the text, for how many bytes it was made, and the state
 *	that it was made in
 */
struct address_cache {
	struct net_watch *watch;
	struct {
		unsigned int state;
		size_t size;
		char text[ADDRESS_CACHE_SIZE];
	} entry[2];
};

/**
 * address_cache_text() - as addresses_text(), for struct facts
 * @data: the cache
 * @family: AF_INET or AF_INET6
 * @text: gets the addresses
 * @size: bytes of @text
 */
void address_cache_text(void *data, int family, char *text, size_t size);

#endif /* HVKVP_FACTS_ADDRESS_CACHE_H */
