// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzer of everything that reads addresses: IP bodies in both forms, lists,
 * resolv.conf.
 *
 * The first byte of an input chooses; the rest is laid over an empty body. Beside
 * the sanitizers' own demands: what is accepted can be encoded, and decoded again
 * to the same (both forms for the binary one, as far as the text form has room),
 * and a hostile body has no more elements than the arrays.
 */
#include <stdlib.h>
#include <string.h>

#include "ip/dns.h"
#include "wire/ip_codec.h"
#include "wire/ip_config.h"
#include "wire/ip_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good)
{
	if (!good)
		abort();
}

static bool same(const struct ip_config *a, const struct ip_config *b)
{
	for (int family = 0; family < IP_FAMILIES; family++)
		if (memcmp(&a->by_family[family], &b->by_family[family], sizeof(a->by_family[family])))
			return false;
	return a->families == b->families && a->dhcp == b->dhcp;
}

static void body(unsigned int major, const uint8_t *data, size_t size)
{
	size_t whole = ip_codec_size(major);
	uint8_t *in = calloc(1, whole), *out = calloc(1, whole);
	static struct ip_config config, again;
	char adapter[IP_ADAPTER_SIZE];
	uint8_t change;

	memcpy(in, data, size < whole ? size : whole);
	ip_codec_families(in, major);
	ip_codec_adapter(in, major, adapter);
	if (!ip_codec_decode(in, major, &config)) {
		bool fits;

		for (int family = 0; family < IP_FAMILIES; family++)
			demand(config.by_family[family].count <= 64 &&
			       config.by_family[family].gateway_count <= 5 &&
			       config.by_family[family].dns_count <= 64);
		ip_check(&config, &change);
		demand(!(change & ~3));
		fits = ip_codec_encode(&config, major, in, out);
		demand(!ip_codec_decode(out, major, &again));
		/* A text may be shorter on its way in: "::1" is always longer on its way out. */
		demand(!fits || same(&config, &again));
	}
	free(in);
	free(out);
}

/* As ASCII: finds more than UTF-16 would, in the same time. */
static void text_body(const uint8_t *data, size_t size)
{
	static const size_t fields[] = { 260, 2308, 4356, 5380 };
	static uint8_t in[HVKVP_IP_SIZE];
	size_t field = 0, at = 0;

	memset(in, 0, sizeof(in));
	for (size_t i = 0; i < size && field < 4; i++) {
		size_t end = field < 3 ? fields[field + 1] : sizeof(in);

		if (data[i] == '\n' || fields[field] + 2 * at + 2 > end) {
			field++;
			at = 0;
			continue;
		}
		in[fields[field] + 2 * at++] = data[i];
	}
	body(4, in, sizeof(in));
}

static void list(const uint8_t *data, size_t size)
{
	size_t units = size / 2;
	uint8_t *field = malloc(2 * units + 1);
	char element[IP_LIST_ELEMENT_SIZE];
	struct ip_list in;

	memcpy(field, data, 2 * units);
	if (ip_list_open(&in, field, units))
		while (ip_list_next(&in, element) > 0)
			demand(strlen(element) < sizeof(element));
	free(field);
}

static void resolv_conf(const uint8_t *data, size_t size)
{
	static struct ip_config config;
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = 0;
	memset(&config, 0, sizeof(config));
	ip_dns_parse(text, &config);
	demand(config.by_family[IP_V4].dns_count <= 64 && config.by_family[IP_V6].dns_count <= 64);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	switch (data[0] % 5) {
	case 0:
		body(4, data + 1, size - 1);
		break;
	case 1:
		body(5, data + 1, size - 1);
		break;
	case 2:
		list(data + 1, size - 1);
		break;
	case 3:
		resolv_conf(data + 1, size - 1);
		break;
	default:
		text_body(data + 1, size - 1);
		break;
	}
	return 0;
}
