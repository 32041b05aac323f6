// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text form of IP bodies, KVP 1.0 to 4.0. Pure.
 *
 * IPv4 subnets are dotted masks. IPv6 subnets are prefix lengths: hosts send
 * "64", Windows and Linux guests answer "/64", some tools write a mask in address form:
 * all are taken, and the second is sent.
 */
#include <stdio.h>
#include <string.h>

#include "wire/ip_codec.h"
#include "wire/ip_list.h"

#define FIELD(name)	offsetof(struct hvkvp_msg_ip_text, name)

/* Return: the family, or -1. */
static int parse_address(const char *text, uint8_t *bytes)
{
	for (int family = 0; family < IP_FAMILIES; family++)
		if (inet_pton(ip_af(family), text, bytes) == 1)
			return family;
	return -1;
}

/* Return: the length, or -1 if the ones are not all in front. */
static int prefix_of_mask6(const uint8_t mask[16])
{
	unsigned int prefix = 0;

	while (prefix < 128 && mask[prefix / 8] & 0x80 >> prefix % 8)
		prefix++;
	for (unsigned int i = prefix; i < 128; i++)
		if (mask[i / 8] & 0x80 >> i % 8)
			return -1;
	return prefix;
}

/* Return: the length, or -1. */
static int parse_subnet(int family, const char *text)
{
	unsigned int prefix = 0;
	uint8_t mask[4], mask6[16];

	if (family == IP_V4)
		return inet_pton(AF_INET, text, mask) == 1 ? ip_prefix_of_mask(mask) : -1;
	/* Some tools write an IPv6 mask like an address. */
	if (inet_pton(AF_INET6, text, mask6) == 1)
		return prefix_of_mask6(mask6);
	text += *text == '/';
	if (!*text || strlen(text) > 3 || (text[0] == '0' && text[1]))
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		prefix = 10 * prefix + (*text - '0');
	}
	return prefix <= 128 ? (int)prefix : -1;
}

static const char *decode_addresses(const uint8_t *body, struct ip_config *config)
{
	char element[IP_LIST_ELEMENT_SIZE], subnet[IP_LIST_ELEMENT_SIZE];
	struct ip_list addresses, subnets;
	int more, prefix, more_subnets;

	if (!ip_list_open(&addresses, body + FIELD(addresses), HVKVP_IP_TEXT_UNITS) ||
	    !ip_list_open(&subnets, body + FIELD(subnets), HVKVP_IP_TEXT_UNITS))
		return "the list of addresses or of subnets has no end";
	while ((more = ip_list_next(&addresses, element)) > 0) {
		uint8_t bytes[16] = { 0 };
		int family = parse_address(element, bytes);

		if (family < 0)
			return "an address cannot be read";
		more_subnets = ip_list_next(&subnets, subnet);
		if (!more_subnets)
			return "there are fewer subnets than addresses";
		prefix = more_subnets > 0 ? parse_subnet(family, subnet) : -1;
		if (prefix < 0)
			return "a subnet cannot be read";
		if (!ip_cfg_append(&config->by_family[family], IP_LIST_ADDRESSES, bytes, prefix))
			return "more than 64 addresses of a family";
	}
	if (more < 0)
		return "the list of addresses cannot be read";
	return ip_list_next(&subnets, subnet) ? "there are more subnets than addresses" : NULL;
}

static const char *decode_plain(const uint8_t *field, size_t units, enum ip_list_kind kind,
				struct ip_config *config)
{
	char element[IP_LIST_ELEMENT_SIZE];
	struct ip_list list;
	int more;

	if (!ip_list_open(&list, field, units))
		return "the list of gateways or of name servers has no end";
	while ((more = ip_list_next(&list, element)) > 0) {
		uint8_t bytes[16] = { 0 };
		int family = parse_address(element, bytes);

		if (family < 0)
			return "a gateway or a name server cannot be read";
		if (!ip_cfg_append(&config->by_family[family], kind, bytes, 0))
			return "more than 5 gateways or 64 name servers of a family";
	}
	return more < 0 ? "the list of gateways or of name servers cannot be read" : NULL;
}

const char *ip_text_decode(const uint8_t *body, struct ip_config *config)
{
	const char *why;

	memset(config, 0, sizeof(*config));
	config->families = body[FIELD(family)];
	config->dhcp = body[FIELD(dhcp)];
	if (config->dhcp)
		return NULL;
	why = decode_addresses(body, config);
	if (!why)
		why = decode_plain(body + FIELD(gateways), HVKVP_GATEWAY_TEXT_UNITS,
				   IP_LIST_GATEWAYS, config);
	if (!why)
		why = decode_plain(body + FIELD(dns), HVKVP_IP_TEXT_UNITS, IP_LIST_DNS,
				   config);
	return why;
}

static void subnet_text(int family, const struct ip_address *address, char *text)
{
	uint8_t mask[4];

	if (family == IP_V6) {
		sprintf(text, "/%u", address->prefix);
	} else {
		ip_mask_of_prefix(address->prefix, mask);
		ip_text(family, mask, text);
	}
}

static bool encode_addresses(const struct ip_config *config, uint8_t *body)
{
	struct ip_list_out addresses = { body + FIELD(addresses), HVKVP_IP_TEXT_UNITS, 0 };
	struct ip_list_out subnets = { body + FIELD(subnets), HVKVP_IP_TEXT_UNITS, 0 };
	char text[IP_TEXT_SIZE], subnet[IP_TEXT_SIZE];

	for (int family = 0; family < IP_FAMILIES; family++) {
		for (unsigned int i = 0; i < config->by_family[family].count; i++) {
			const struct ip_address *address = &config->by_family[family].address[i];

			ip_text(family, address->bytes, text);
			subnet_text(family, address, subnet);
			/* Nothing shorter behind it may take its place. */
			if (!ip_list_fits(&addresses, text) || !ip_list_fits(&subnets, subnet))
				return false;
			ip_list_add(&addresses, text);
			ip_list_add(&subnets, subnet);
		}
	}
	return true;
}

static bool encode_plain(const struct ip_config *config, enum ip_list_kind kind,
			 uint8_t *field, size_t units)
{
	struct ip_list_out list = { field, units, 0 };
	char text[IP_TEXT_SIZE];

	for (int family = 0; family < IP_FAMILIES; family++) {
		const struct ip_family_config *cfg = &config->by_family[family];

		for (unsigned int i = 0; i < ip_cfg_count(cfg, kind); i++)
			if (!ip_list_add(&list, ip_text(family, ip_cfg_bytes(cfg, kind, i), text)))
				return false;
	}
	return true;
}

bool ip_text_encode(const struct ip_config *config, uint8_t *body)
{
	bool whole;

	body[FIELD(family)] = config->families;
	body[FIELD(dhcp)] = config->dhcp;
	whole = encode_addresses(config, body);
	whole &= encode_plain(config, IP_LIST_GATEWAYS, body + FIELD(gateways),
			      HVKVP_GATEWAY_TEXT_UNITS);
	whole &= encode_plain(config, IP_LIST_DNS, body + FIELD(dns), HVKVP_IP_TEXT_UNITS);
	return whole;
}
