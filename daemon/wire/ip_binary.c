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
} layouts[IP_HALVES] = {
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
static int get_prefix(const uint8_t *body, int half, unsigned int i)
{
	uint32_t prefix;

	if (half == IP_V4)
		return ip_prefix_of_mask(body + FIELD(v4_mask) + 4 * i);
	prefix = wire_get_le32(body + FIELD(v6_prefix) + 4 * i);
	return prefix <= 128 ? (int)prefix : -1;
}

static const char *decode_half(const uint8_t *body, int half, struct ip_half *part)
{
	const struct layout *at = &layouts[half];
	uint32_t count = wire_get_le32(body + at->count);
	uint32_t gateway_count = wire_get_le32(body + at->gateway_count);
	uint32_t dns_count = wire_get_le32(body + at->dns_count);
	size_t len = ip_len(half);

	if (count > HVKVP_ADDR_MAX)
		return "more than 64 addresses of a family";
	if (gateway_count > HVKVP_GATEWAY_MAX)
		return "more than 5 gateways of a family";
	if (dns_count > HVKVP_ADDR_MAX)
		return "more than 64 name servers of a family";
	for (unsigned int i = 0; i < count; i++) {
		int prefix = get_prefix(body, half, i);

		if (prefix < 0)
			return half == IP_V4 ? "a subnet mask has holes" :
					       "a prefix length is over 128";
		memcpy(part->address[i].bytes, body + at->address + len * i, len);
		part->address[i].prefix = prefix;
		part->address[i].origin = HVKVP_ORIGIN_STATIC;
	}
	for (unsigned int i = 0; i < gateway_count; i++)
		memcpy(part->gateway[i], body + at->gateway + len * i, len);
	for (unsigned int i = 0; i < dns_count; i++)
		memcpy(part->dns[i], body + at->dns + len * i, len);
	part->count = count;
	part->gateway_count = gateway_count;
	part->dns_count = dns_count;
	return NULL;
}

const char *ip_binary_decode(const uint8_t *body, struct ip_config *config)
{
	const char *why = NULL;

	memset(config, 0, sizeof(*config));
	config->family = body[FIELD(family)];
	config->dhcp = body[FIELD(dhcp)];
	if (config->dhcp)
		return NULL;
	for (int half = 0; half < IP_HALVES && !why; half++)
		why = decode_half(body, half, &config->half[half]);
	return why;
}

static void encode_half(const struct ip_half *part, int half, uint8_t *origin, uint8_t *body)
{
	const struct layout *at = &layouts[half];
	size_t len = ip_len(half);

	wire_put_le32(body + at->count, part->count);
	wire_put_le32(body + at->gateway_count, part->gateway_count);
	wire_put_le32(body + at->dns_count, part->dns_count);
	for (unsigned int i = 0; i < part->count; i++) {
		const struct ip_address *address = &part->address[i];

		memcpy(body + at->address + len * i, address->bytes, len);
		origin[2 * i] = address->origin;
		if (half == IP_V4)
			ip_mask_of_prefix(address->prefix, body + FIELD(v4_mask) + 4 * i);
		else
			wire_put_le32(body + FIELD(v6_prefix) + 4 * i, address->prefix);
	}
	for (unsigned int i = 0; i < part->gateway_count; i++)
		memcpy(body + at->gateway + len * i, part->gateway[i], len);
	for (unsigned int i = 0; i < part->dns_count; i++)
		memcpy(body + at->dns + len * i, part->dns[i], len);
}

bool ip_binary_encode(const struct ip_config *config, uint8_t *body)
{
	uint8_t *origin = body + FIELD(origin);

	body[FIELD(family)] = config->family;
	body[FIELD(dhcp)] = config->dhcp;
	encode_half(&config->half[IP_V4], IP_V4, origin, body);
	/* The origins of both families are one list. */
	origin += 2 * config->half[IP_V4].count;
	encode_half(&config->half[IP_V6], IP_V6, origin, body);
	/* A configuration holds no more than the body does. */
	return true;
}
