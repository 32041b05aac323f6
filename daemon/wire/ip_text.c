// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text form of IP bodies, KVP 1.0 to 4.0. Pure.
 *
 * IPv4 subnets are dotted masks. IPv6 subnets are prefix lengths: hosts send
 * "64", Windows and Linux guests answer "/64", so both are taken and the latter
 * is sent.
 */
#include <stdio.h>
#include <string.h>

#include "wire/ip_codec.h"
#include "wire/ip_list.h"

#define FIELD(name)	offsetof(struct hvkvp_msg_ip_text, name)

/* Return: the family, or -1. */
static int parse_address(const char *text, uint8_t *bytes)
{
	for (int half = 0; half < IP_HALVES; half++)
		if (inet_pton(ip_af(half), text, bytes) == 1)
			return half;
	return -1;
}

/* Return: the length, or -1. */
static int parse_subnet(int half, const char *text)
{
	unsigned int prefix = 0;
	uint8_t mask[4];

	if (half == IP_V4)
		return inet_pton(AF_INET, text, mask) == 1 ? ip_prefix_of_mask(mask) : -1;
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
		int half = parse_address(element, bytes);
		struct ip_address *address;
		struct ip_half *part;

		if (half < 0)
			return "an address cannot be read";
		more_subnets = ip_list_next(&subnets, subnet);
		if (!more_subnets)
			return "there are fewer subnets than addresses";
		prefix = more_subnets > 0 ? parse_subnet(half, subnet) : -1;
		if (prefix < 0)
			return "a subnet cannot be read";
		part = &config->half[half];
		if (part->count == HVKVP_ADDR_MAX)
			return "more than 64 addresses of a family";
		address = &part->address[part->count++];
		memcpy(address->bytes, bytes, sizeof(bytes));
		address->prefix = prefix;
		address->origin = HVKVP_ORIGIN_STATIC;
	}
	if (more < 0)
		return "the list of addresses cannot be read";
	return ip_list_next(&subnets, subnet) ? "there are more subnets than addresses" : NULL;
}

/* Which of two lists without subnets. */
enum plain_list { GATEWAYS, DNS };

static const char *decode_plain(const uint8_t *field, size_t units, enum plain_list which,
				struct ip_config *config)
{
	unsigned int most = which == GATEWAYS ? HVKVP_GATEWAY_MAX : HVKVP_ADDR_MAX;
	char element[IP_LIST_ELEMENT_SIZE];
	struct ip_list list;
	int more;

	if (!ip_list_open(&list, field, units))
		return "the list of gateways or of name servers has no end";
	while ((more = ip_list_next(&list, element)) > 0) {
		uint8_t bytes[16] = { 0 };
		int half = parse_address(element, bytes);
		struct ip_half *part;
		unsigned int *count;

		if (half < 0)
			return "a gateway or a name server cannot be read";
		part = &config->half[half];
		count = which == GATEWAYS ? &part->gateway_count : &part->dns_count;
		if (*count == most)
			return "more than 5 gateways or 64 name servers of a family";
		memcpy(which == GATEWAYS ? part->gateway[*count] : part->dns[*count],
		       bytes, sizeof(bytes));
		++*count;
	}
	return more < 0 ? "the list of gateways or of name servers cannot be read" : NULL;
}

const char *ip_text_decode(const uint8_t *body, struct ip_config *config)
{
	const char *why;

	memset(config, 0, sizeof(*config));
	config->family = body[FIELD(family)];
	config->dhcp = body[FIELD(dhcp)];
	if (config->dhcp)
		return NULL;
	why = decode_addresses(body, config);
	if (!why)
		why = decode_plain(body + FIELD(gateways), HVKVP_GATEWAY_TEXT_UNITS,
				   GATEWAYS, config);
	if (!why)
		why = decode_plain(body + FIELD(dns), HVKVP_IP_TEXT_UNITS, DNS, config);
	return why;
}

static void subnet_text(int half, const struct ip_address *address, char *text)
{
	uint8_t mask[4];

	if (half == IP_V6) {
		sprintf(text, "/%u", address->prefix);
	} else {
		ip_mask_of_prefix(address->prefix, mask);
		ip_text(half, mask, text);
	}
}

static bool encode_addresses(const struct ip_config *config, uint8_t *body)
{
	struct ip_list_out addresses = { body + FIELD(addresses), HVKVP_IP_TEXT_UNITS, 0 };
	struct ip_list_out subnets = { body + FIELD(subnets), HVKVP_IP_TEXT_UNITS, 0 };
	char text[IP_TEXT_SIZE], subnet[IP_TEXT_SIZE];

	for (int half = 0; half < IP_HALVES; half++) {
		for (unsigned int i = 0; i < config->half[half].count; i++) {
			const struct ip_address *address = &config->half[half].address[i];

			ip_text(half, address->bytes, text);
			subnet_text(half, address, subnet);
			/* Nothing shorter behind it may take its place. */
			if (!ip_list_fits(&addresses, text) || !ip_list_fits(&subnets, subnet))
				return false;
			ip_list_add(&addresses, text);
			ip_list_add(&subnets, subnet);
		}
	}
	return true;
}

static bool encode_plain(const struct ip_config *config, enum plain_list which,
			 uint8_t *field, size_t units)
{
	struct ip_list_out list = { field, units, 0 };
	char text[IP_TEXT_SIZE];

	for (int half = 0; half < IP_HALVES; half++) {
		const struct ip_half *part = &config->half[half];
		unsigned int count = which == GATEWAYS ? part->gateway_count : part->dns_count;

		for (unsigned int i = 0; i < count; i++) {
			ip_text(half, which == GATEWAYS ? part->gateway[i] : part->dns[i], text);
			if (!ip_list_add(&list, text))
				return false;
		}
	}
	return true;
}

bool ip_text_encode(const struct ip_config *config, uint8_t *body)
{
	bool whole;

	body[FIELD(family)] = config->family;
	body[FIELD(dhcp)] = config->dhcp;
	whole = encode_addresses(config, body);
	whole &= encode_plain(config, GATEWAYS, body + FIELD(gateways), HVKVP_GATEWAY_TEXT_UNITS);
	whole &= encode_plain(config, DNS, body + FIELD(dns), HVKVP_IP_TEXT_UNITS);
	return whole;
}
