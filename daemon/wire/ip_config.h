/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An adapter's addresses, as the codecs, netlink and the back ends share them
 *
 * One struct for both directions: what GET_IP reports, and what SET_IP asks for.
 * Both address families have the same shape, so that code loops over them.
 * Addresses are in network byte order.
 */
#ifndef HVKVP_WIRE_IP_CONFIG_H
#define HVKVP_WIRE_IP_CONFIG_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hv_kvp_msg.h>

/* A UTF-16 adapter id as UTF-8, with its NUL. */
#define IP_ADAPTER_SIZE	(3 * HVKVP_ADAPTER_ID_UNITS + 1)

/* An address with a prefix, "2001:db8::1/64", with its NUL. */
#define IP_TEXT_SIZE	(INET6_ADDRSTRLEN + 4)

/** enum ip_family - address families, as indexes. */
enum ip_family { IP_V4, IP_V6, IP_FAMILIES };

/**
 * struct ip_address - an address on a subnet
 * @bytes: 4 or 16 of them are used
 * @prefix: length in bits, 0 to 32 or 128
 * @origin: HVKVP_ORIGIN_*
 */
struct ip_address {
	uint8_t bytes[16];
	uint8_t prefix;
	uint8_t origin;
};

/**
 * struct ip_family_config - the configuration of one address family
 * @count: addresses
 * @gateway_count: default gateways
 * @dns_count: name servers
 * @address: in the order of the wire
 * @gateway: likewise
 * @dns: likewise
 */
struct ip_family_config {
	unsigned int count;
	unsigned int gateway_count;
	unsigned int dns_count;
	struct ip_address address[HVKVP_ADDR_MAX];
	uint8_t gateway[HVKVP_GATEWAY_MAX][16];
	uint8_t dns[HVKVP_ADDR_MAX][16];
};

/** enum ip_list_kind - the lists of a family's configuration. */
enum ip_list_kind { IP_LIST_ADDRESSES, IP_LIST_GATEWAYS, IP_LIST_DNS };

/**
 * struct ip_config - an adapter's addresses
 * @families: HVKVP_FAMILY_* mask; from the host what it is about, in an answer
 *	what there are addresses of
 * @dhcp: addresses come, or are to come, by DHCP
 * @by_family: IPv4 and IPv6, by enum ip_family
 */
struct ip_config {
	uint8_t families;
	bool dhcp;
	struct ip_family_config by_family[IP_FAMILIES];
};

/** ip_af() - AF_INET or AF_INET6. */
static inline int ip_af(int family)
{
	return family == IP_V4 ? AF_INET : AF_INET6;
}

/** ip_len() - bytes of an address: 4 or 16. */
static inline size_t ip_len(int family)
{
	return family == IP_V4 ? 4 : 16;
}

/** ip_family_bit() - HVKVP_FAMILY_V4 or HVKVP_FAMILY_V6. */
static inline uint8_t ip_family_bit(int family)
{
	return family == IP_V4 ? HVKVP_FAMILY_V4 : HVKVP_FAMILY_V6;
}

/**
 * ip_cfg_count() - number of elements of a list
 * @cfg: the family's configuration
 * @kind: the list
 */
static inline unsigned int ip_cfg_count(const struct ip_family_config *cfg,
					 enum ip_list_kind kind)
{
	return kind == IP_LIST_ADDRESSES ? cfg->count :
	       kind == IP_LIST_GATEWAYS ? cfg->gateway_count : cfg->dns_count;
}

/**
 * ip_cfg_bytes() - an element of a list
 * @cfg: the family's configuration
 * @kind: the list
 * @i: below ip_cfg_count()
 *
 * Return: its address, 16 bytes of which 4 or 16 are used.
 */
static inline const uint8_t *ip_cfg_bytes(const struct ip_family_config *cfg,
					   enum ip_list_kind kind, unsigned int i)
{
	return kind == IP_LIST_ADDRESSES ? cfg->address[i].bytes :
	       kind == IP_LIST_GATEWAYS ? cfg->gateway[i] : cfg->dns[i];
}

/**
 * ip_cfg_append() - append an element to a list
 * @cfg: the family's configuration
 * @kind: the list
 * @bytes: the address, 16 bytes
 * @prefix: prefix length; for addresses only
 *
 * An address gets the origin HVKVP_ORIGIN_STATIC.
 *
 * Return: false, and nothing is appended, if the list is full.
 */
bool ip_cfg_append(struct ip_family_config *cfg, enum ip_list_kind kind,
		    const uint8_t bytes[16], unsigned int prefix);

/**
 * ip_prefix_of_mask() - length of an IPv4 mask
 * @mask: four bytes
 *
 * Return: 0 to 32, or -1 if its ones are not in one piece at its front.
 */
int ip_prefix_of_mask(const uint8_t mask[4]);

/**
 * ip_mask_of_prefix() - IPv4 mask of a length
 * @prefix: 0 to 32
 * @mask: gets four bytes
 */
void ip_mask_of_prefix(unsigned int prefix, uint8_t mask[4]);

/**
 * ip_same_subnet() - do two addresses begin with the same bits?
 * @a: address
 * @b: address of the same family
 * @prefix: how many bits
 */
bool ip_same_subnet(const uint8_t *a, const uint8_t *b, unsigned int prefix);

/**
 * ip_is_link_local() - fe80::/10 or 169.254/16
 * @family: family
 * @bytes: the address
 */
bool ip_is_link_local(int family, const uint8_t *bytes);

/**
 * ip_text() - an address as text
 * @family: family
 * @bytes: the address
 * @text: gets it, IP_TEXT_SIZE bytes are enough
 *
 * Return: @text.
 */
char *ip_text(int family, const uint8_t *bytes, char *text);

/**
 * ip_text_prefix() - an address with its prefix length, "192.0.2.1/24"
 * @family: family
 * @address: the address
 * @text: gets it, IP_TEXT_SIZE bytes are enough
 *
 * Return: @text.
 */
char *ip_text_prefix(int family, const struct ip_address *address, char *text);

/**
 * ip_normalize() - remove what hosts and tools send without meaning it
 * @config: decoded from a SET_IP
 *
 * Gateways 0.0.0.0 and :: mean "no gateway"; the same address with the same prefix
 * length, the same gateway, and the same name server count once. Pure.
 */
void ip_normalize(struct ip_config *config);

/**
 * ip_is_reachable() - is a gateway in a subnet of an address, or link-local?
 * @family: of the gateway
 * @cfg: the addresses
 * @gateway: the gateway
 *
 * One that is not needs a route that says that it is on the link.
 */
bool ip_is_reachable(int family, const struct ip_family_config *cfg, const uint8_t *gateway);

/**
 * ip_check() - may this be given to an adapter?
 * @config: from ip_normalize(); what is not used is not looked at
 * @mask: gets the families to change: those that have addresses, or all asked for
 *	(all there are if none is named) when @config asks for DHCP
 *
 * Refuses: nothing to set; DHCP for an unknown family; addresses that are no unicast, the
 * subnet's own or its broadcast, there twice with different prefix lengths, without a
 * prefix; gateways of a family without an address, or that are one of the addresses;
 * gateways and name servers that are no unicast.
 *
 * Addresses of a family that the mask of the request does not name are accepted:
 * some hosts set one bit for both. Of a mask with unknown bits, too. With DHCP the host's addresses mean nothing and
 * are not looked at: Windows hosts send along what was there before.
 *
 * Return: NULL if all is well, or what is wrong, in words; pure.
 */
const char *ip_check(const struct ip_config *config, uint8_t *mask);

#endif /* HVKVP_WIRE_IP_CONFIG_H */
