// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bodies of IP messages: what both forms have in common. Pure.
 */
#include <string.h>

#include "util/utf.h"
#include "wire/ip_codec.h"

static bool is_binary(unsigned int msg_major)
{
	return msg_major >= IP_WIRE_BINARY_MAJOR;
}

static size_t adapter_offset(unsigned int msg_major)
{
	return is_binary(msg_major) ? offsetof(struct hvkvp_msg_ip_binary, adapter_id) :
				      offsetof(struct hvkvp_msg_ip_text, adapter_id);
}

const char *ip_codec_adapter(const uint8_t *body, unsigned int msg_major, char *text)
{
	const uint8_t *id = body + adapter_offset(msg_major);
	size_t units = 0;
	ssize_t len;

	while (units < HVKVP_ADAPTER_ID_UNITS && (id[2 * units] || id[2 * units + 1]))
		units++;
	if (units == HVKVP_ADAPTER_ID_UNITS)
		return "the adapter's id has no end";
	len = utf16le_to_utf8(id, units, text, IP_ADAPTER_SIZE - 1);
	if (len < 0)
		return "the adapter's id is not valid UTF-16";
	text[len] = 0;
	return NULL;
}

uint8_t ip_codec_families(const uint8_t *body, unsigned int msg_major)
{
	return body[is_binary(msg_major) ? offsetof(struct hvkvp_msg_ip_binary, family) :
					   offsetof(struct hvkvp_msg_ip_text, family)];
}

const char *ip_codec_decode(const uint8_t *body, unsigned int msg_major,
			   struct ip_config *config)
{
	return is_binary(msg_major) ? ip_binary_decode(body, config) :
				      ip_text_decode(body, config);
}

bool ip_codec_encode(const struct ip_config *config, unsigned int msg_major,
		    const uint8_t *asked, uint8_t *body)
{
	size_t adapter = adapter_offset(msg_major);

	memcpy(body + adapter, asked + adapter, 2 * HVKVP_ADAPTER_ID_UNITS);
	return is_binary(msg_major) ? ip_binary_encode(config, body) :
				      ip_text_encode(config, body);
}
