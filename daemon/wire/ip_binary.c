// SPDX-License-Identifier: GPL-2.0-only
/*
 * The binary form of IP bodies, KVP 5.0. Pure.
 */
#include <string.h>

#include "wire/ip_codec.h"
#include "wire/value.h"

#define FIELD(name)	offsetof(struct hvkvp_msg_ip_binary, name)

/**
 * struct layout - where a family's parts are in the body
 * @count: offsets of the numbers of addresses, gateways and name servers
 * @address: offset of the addresses
 * @gateway: of the gateways
 * @dns: of the name servers
 */
static const struct layout {
	size_t count;
	size_t gateway_count;
	size_t dns_count;
	size_t address;
	size_t gateway;
	size_t dns;
} layouts[IP_FAMILIES] = {
	[IP_V4] = {
		.count = FIELD(v4_count),
		.gateway_count = FIELD(v4_gateway_count),
		.dns_count = FIELD(v4_dns_count),
		.address = FIELD(v4),
		.gateway = FIELD(v4_gateway),
		.dns = FIELD(v4_dns),
	},
	[IP_V6] = {
		.count = FIELD(v6_count),
		.gateway_count = FIELD(v6_gateway_count),
		.dns_count = FIELD(v6_dns_count),
		.address = FIELD(v6),
		.gateway = FIELD(v6_gateway),
		.dns = FIELD(v6_dns),
	},
};

/* Return: the prefix length of address @i, or -1. */
static int get_prefix(const uint8_t *body, int family, unsigned int i)
{
	uint32_t prefix;

	if (family == IP_V4)
		return ip_prefix_of_mask(body + FIELD(v4_mask) + 4 * i);
	prefix = wire_get_le32(body + FIELD(v6_prefix) + 4 * i);
	return prefix <= 128 ? (int)prefix : -1;
}

static const char *decode_family(const uint8_t *body, int family, struct ip_family_config *cfg)
{
	const struct layout *at = &layouts[family];
	uint32_t count = wire_get_le32(body + at->count);
	uint32_t gateway_count = wire_get_le32(body + at->gateway_count);
	uint32_t dns_count = wire_get_le32(body + at->dns_count);
	size_t len = ip_len(family);

	if (count > HVKVP_ADDR_MAX)
		return "more than 64 addresses of a family";
	if (gateway_count > HVKVP_GATEWAY_MAX)
		return "more than 5 gateways of a family";
	if (dns_count > HVKVP_ADDR_MAX)
		return "more than 64 name servers of a family";
	for (unsigned int i = 0; i < count; i++) {
		int prefix = get_prefix(body, family, i);

		if (prefix < 0)
			return family == IP_V4 ? "a subnet mask has holes" :
					       "a prefix length is over 128";
		memcpy(cfg->address[i].bytes, body + at->address + len * i, len);
		cfg->address[i].prefix = prefix;
		cfg->address[i].origin = HVKVP_ORIGIN_STATIC;
	}
	for (unsigned int i = 0; i < gateway_count; i++)
		memcpy(cfg->gateway[i], body + at->gateway + len * i, len);
	for (unsigned int i = 0; i < dns_count; i++)
		memcpy(cfg->dns[i], body + at->dns + len * i, len);
	cfg->count = count;
	cfg->gateway_count = gateway_count;
	cfg->dns_count = dns_count;
	return NULL;
}

const char *ip_binary_decode(const uint8_t *body, struct ip_config *config)
{
	const char *why = NULL;

	memset(config, 0, sizeof(*config));
	config->families = body[FIELD(family)];
	config->dhcp = body[FIELD(dhcp)];
	if (config->dhcp)
		return NULL;
	for (int family = 0; family < IP_FAMILIES && !why; family++)
		why = decode_family(body, family, &config->by_family[family]);
	return why;
}

static void encode_family(const struct ip_family_config *cfg, int family, uint8_t *origin,
			  uint8_t *body)
{
	const struct layout *at = &layouts[family];
	size_t len = ip_len(family);

	wire_put_le32(body + at->count, cfg->count);
	wire_put_le32(body + at->gateway_count, cfg->gateway_count);
	wire_put_le32(body + at->dns_count, cfg->dns_count);
	for (unsigned int i = 0; i < cfg->count; i++) {
		const struct ip_address *address = &cfg->address[i];

		memcpy(body + at->address + len * i, address->bytes, len);
		origin[2 * i] = address->origin;
		if (family == IP_V4)
			ip_mask_of_prefix(address->prefix, body + FIELD(v4_mask) + 4 * i);
		else
			wire_put_le32(body + FIELD(v6_prefix) + 4 * i, address->prefix);
	}
	for (unsigned int i = 0; i < cfg->gateway_count; i++)
		memcpy(body + at->gateway + len * i, cfg->gateway[i], len);
	for (unsigned int i = 0; i < cfg->dns_count; i++)
		memcpy(body + at->dns + len * i, cfg->dns[i], len);
}

bool ip_binary_encode(const struct ip_config *config, uint8_t *body)
{
	uint8_t *origin = body + FIELD(origin);

	body[FIELD(family)] = config->families;
	body[FIELD(dhcp)] = config->dhcp;
	encode_family(&config->by_family[IP_V4], IP_V4, origin, body);
	/* The origins of both families are one list. */
	origin += 2 * config->by_family[IP_V4].count;
	encode_family(&config->by_family[IP_V6], IP_V6, origin, body);
	/* A configuration holds no more than the body does. */
	return true;
}
