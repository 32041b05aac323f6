// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses: masks, text, and what may be given to an adapter. Pure.
 */
#include <stdio.h>
#include <string.h>

#include "wire/ip_config.h"

bool ip_cfg_append(struct ip_family_config *cfg, enum ip_list_kind kind,
		    const uint8_t bytes[16], unsigned int prefix)
{
	const unsigned int max = kind == IP_LIST_GATEWAYS ? HVKVP_GATEWAY_MAX : HVKVP_ADDR_MAX;

	if (ip_cfg_count(cfg, kind) >= max)
		return false;
	switch (kind) {
	case IP_LIST_ADDRESSES:
		cfg->address[cfg->count] = (struct ip_address){
			.prefix = prefix, .origin = HVKVP_ORIGIN_STATIC,
		};
		memcpy(cfg->address[cfg->count++].bytes, bytes, 16);
		break;
	case IP_LIST_GATEWAYS:
		memcpy(cfg->gateway[cfg->gateway_count++], bytes, 16);
		break;
	case IP_LIST_DNS:
		memcpy(cfg->dns[cfg->dns_count++], bytes, 16);
		break;
	}
	return true;
}

int ip_prefix_of_mask(const uint8_t mask[4])
{
	uint32_t bits = (uint32_t)mask[0] << 24 | mask[1] << 16 | mask[2] << 8 | mask[3];
	uint32_t holes = ~bits;

	/* One less than a power of two: the zeros are all behind the ones. */
	if (holes & (holes + 1))
		return -1;
	return bits ? 32 - __builtin_popcount(holes) : 0;
}

void ip_mask_of_prefix(unsigned int prefix, uint8_t mask[4])
{
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int ones = prefix > 8 * i ? prefix - 8 * i : 0;

		mask[i] = ones >= 8 ? 0xff : 0xff << (8 - ones);
	}
}

bool ip_same_subnet(const uint8_t *a, const uint8_t *b, unsigned int prefix)
{
	unsigned int rest = prefix % 8;

	if (memcmp(a, b, prefix / 8))
		return false;
	return !rest || !((a[prefix / 8] ^ b[prefix / 8]) >> (8 - rest));
}

bool ip_is_link_local(int family, const uint8_t *bytes)
{
	if (family == IP_V4)
		return bytes[0] == 169 && bytes[1] == 254;
	return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

char *ip_text(int family, const uint8_t *bytes, char *text)
{
	if (!inet_ntop(ip_af(family), bytes, text, INET6_ADDRSTRLEN))
		text[0] = 0;
	return text;
}

char *ip_text_prefix(int family, const struct ip_address *address, char *text)
{
	size_t len = strlen(ip_text(family, address->bytes, text));

	snprintf(text + len, IP_TEXT_SIZE - len, "/%u", address->prefix);
	return text;
}

static bool is_unicast(int family, const uint8_t *bytes)
{
	static const uint8_t zero[16], loopback[16] = { [15] = 1 };
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (family == IP_V4)
		return bytes[0] && bytes[0] != 127 && bytes[0] < 224;
	return memcmp(bytes, zero, 16) && memcmp(bytes, loopback, 16) && bytes[0] != 0xff &&
	       memcmp(bytes, mapped, sizeof(mapped));
}

/* A name server may be a program of this machine. */
static bool is_server(int family, const uint8_t *bytes)
{
	static const uint8_t loopback[16] = { [15] = 1 };

	return is_unicast(family, bytes) ||
	       (family == IP_V4 ? bytes[0] == 127 : !memcmp(bytes, loopback, 16));
}

/* All zeros or all ones behind the prefix: the IPv4 subnet or its broadcast. */
static bool is_edge(const struct ip_address *address)
{
	const uint8_t *b = address->bytes;
	uint32_t bits = (uint32_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
	uint32_t rest = 0xffffffffU >> address->prefix;

	return !(bits & rest) || (bits & rest) == rest;
}

static const char *check_address(int family, const struct ip_family_config *cfg, unsigned int n)
{
	const struct ip_address *address = &cfg->address[n];

	if (!is_unicast(family, address->bytes))
		return "an address is no unicast address";
	if (!address->prefix || address->prefix > 8 * ip_len(family))
		return "a subnet mask or prefix length is zero, or longer than the address";
	if (family == IP_V4 && address->prefix < 31 && is_edge(address))
		return "an address is its subnet's own, or its broadcast address";
	for (unsigned int i = 0; i < n; i++)
		if (!memcmp(cfg->address[i].bytes, address->bytes, ip_len(family)))
			return "an address is there twice, with different subnets";
	return NULL;
}

bool ip_is_reachable(int family, const struct ip_family_config *cfg, const uint8_t *gateway)
{
	if (family == IP_V6 && ip_is_link_local(family, gateway))
		return true;
	for (unsigned int i = 0; i < cfg->count; i++)
		if (ip_same_subnet(cfg->address[i].bytes, gateway, cfg->address[i].prefix))
			return true;
	return false;
}

static const char *check_gateway(int family, const struct ip_family_config *cfg, unsigned int n)
{
	const uint8_t *gateway = cfg->gateway[n];

	if (!is_unicast(family, gateway))
		return "a gateway is no unicast address";
	for (unsigned int i = 0; i < cfg->count; i++)
		if (!memcmp(cfg->address[i].bytes, gateway, ip_len(family)))
			return "a gateway is one of the addresses";
	return NULL;
}

static const char *check_family(int family, const struct ip_family_config *cfg)
{
	const char *why = NULL;

	if (!cfg->count && cfg->gateway_count)
		return "a gateway is of a family without an address";
	for (unsigned int i = 0; i < cfg->count && !why; i++)
		why = check_address(family, cfg, i);
	for (unsigned int i = 0; i < cfg->gateway_count && !why; i++)
		why = check_gateway(family, cfg, i);
	for (unsigned int i = 0; i < cfg->dns_count && !why; i++)
		if (!is_server(family, cfg->dns[i]))
			why = "a name server is no unicast address";
	return why;
}

/* Keep the first of equal elements of a list without prefixes. Return: how many. */
static unsigned int unique(uint8_t (*list)[16], unsigned int count, bool drop_zero)
{
	static const uint8_t zero[16];
	unsigned int kept = 0;

	for (unsigned int i = 0; i < count; i++) {
		bool drop = drop_zero && !memcmp(list[i], zero, 16);

		for (unsigned int j = 0; j < kept && !drop; j++)
			drop = !memcmp(list[j], list[i], 16);
		if (!drop)
			memmove(list[kept++], list[i], 16);
	}
	memset(list[kept], 0, (count - kept) * sizeof(*list));
	return kept;
}

void ip_normalize(struct ip_config *config)
{
	for (int family = 0; family < IP_FAMILIES; family++) {
		struct ip_family_config *cfg = &config->by_family[family];
		unsigned int kept = 0;

		for (unsigned int i = 0; i < cfg->count; i++) {
			bool drop = false;

			for (unsigned int j = 0; j < kept && !drop; j++)
				drop = cfg->address[j].prefix == cfg->address[i].prefix &&
				       !memcmp(cfg->address[j].bytes, cfg->address[i].bytes, 16);
			if (!drop)
				cfg->address[kept++] = cfg->address[i];
		}
		cfg->count = kept;
		cfg->gateway_count = unique(cfg->gateway, cfg->gateway_count, true);
		cfg->dns_count = unique(cfg->dns, cfg->dns_count, false);
	}
}

const char *ip_check(const struct ip_config *config, uint8_t *mask)
{
	const uint8_t both = HVKVP_FAMILY_V4 | HVKVP_FAMILY_V6;
	uint8_t asked = config->families ? config->families : both;

	*mask = 0;
	if (config->dhcp) {
		if (asked & ~both)
			return "DHCP for an unknown address family";
		*mask = asked;
		return NULL;
	}
	for (int family = 0; family < IP_FAMILIES; family++) {
		const struct ip_family_config *cfg = &config->by_family[family];
		const char *why = check_family(family, cfg);

		if (why)
			return why;
		if (!cfg->count)
			continue;
		*mask |= ip_family_bit(family);
	}
	return *mask ? NULL : "neither DHCP nor an address";
}
