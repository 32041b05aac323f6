// SPDX-License-Identifier: GPL-2.0-only
/*
 * IP bodies: both codecs, the list parser, and what may be set.
 *
 * Offsets are written as docs/protocol.md section 2 has them, not taken from the headers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "c/tap.h"
#include "support/body.h"
#include "wire/ip_codec.h"
#include "wire/ip_config.h"
#include "wire/ip_list.h"

#define SIZE		7428

/* Text form. */
#define T_ADAPTER	2
#define T_FAMILY	258
#define T_DHCP		259
#define T_ADDRESSES	260
#define T_SUBNETS	2308
#define T_GATEWAYS	4356
#define T_DNS		5380

/* Binary form. */
#define B_COUNTS	4
#define B_ADAPTER	28
#define B_FAMILY	284
#define B_DHCP		285
#define B_V4		288
#define B_V6		544
#define B_V4_MASK	1568
#define B_V6_PREFIX	1824
#define B_V4_GATEWAY	2080
#define B_V6_GATEWAY	2100
#define B_V4_DNS	2180
#define B_V6_DNS	2436
#define B_ORIGIN	3460
#define B_END		3716

static uint8_t raw[SIZE];
static struct ip_config config;

static void put_text(size_t at, const char *text)
{
	for (; *text; at += 2)
		raw[at] = *text++;
}

static const char *get_text(size_t at, size_t units)
{
	static char text[1025];
	size_t i;

	for (i = 0; i < units && raw[at + 2 * i]; i++)
		text[i] = raw[at + 2 * i + 1] ? '?' : raw[at + 2 * i];
	text[i] = 0;
	return i < units ? text : "no NUL";
}

static void make_text(const char *addresses, const char *subnets, const char *gateways,
		      const char *dns)
{
	memset(raw, 0, sizeof(raw));
	put_text(T_ADDRESSES, addresses);
	put_text(T_SUBNETS, subnets);
	put_text(T_GATEWAYS, gateways);
	put_text(T_DNS, dns);
}

/* Bodies are decoded from an exact copy on the heap: a sanitizer sees what is read. */
static const char *decode(unsigned int major)
{
	size_t size = major >= 5 ? B_END : SIZE;
	uint8_t *copy = malloc(size);
	const char *why;

	memcpy(copy, raw, size);
	memset(&config, 0xee, sizeof(config));
	why = ip_codec_decode(copy, major, &config);
	free(copy);
	return why;
}

static const char *decode_text(const char *addresses, const char *subnets,
			       const char *gateways, const char *dns)
{
	make_text(addresses, subnets, gateways, dns);
	return decode(4);
}

static const char *check(void)
{
	uint8_t mask;

	return ip_check(&config, &mask);
}

static const char *address(int family, unsigned int i)
{
	static char text[IP_TEXT_SIZE];

	return ip_text_prefix(family, &config.by_family[family].address[i], text);
}

static void masks(void)
{
	uint8_t mask[4];

	for (int prefix = 0; prefix <= 32; prefix++) {
		uint32_t bits = prefix ? 0xffffffffU << (32 - prefix) : 0;

		ip_mask_of_prefix(prefix, mask);
		CHECK_INT((uint32_t)mask[0] << 24 | mask[1] << 16 | mask[2] << 8 | mask[3], bits);
		CHECK_INT(ip_prefix_of_mask(mask), prefix);
	}
	CHECK_INT(ip_prefix_of_mask((uint8_t[]){ 255, 0, 255, 0 }), -1);
	CHECK_INT(ip_prefix_of_mask((uint8_t[]){ 0, 255, 255, 255 }), -1);
	CHECK_INT(ip_prefix_of_mask((uint8_t[]){ 255, 255, 255, 253 }), -1);
	CHECK_INT(ip_prefix_of_mask((uint8_t[]){ 127, 255, 255, 255 }), -1);
	CHECK(ip_same_subnet((uint8_t[]){ 10, 0, 7, 1 }, (uint8_t[]){ 10, 0, 4, 9 }, 22));
	CHECK(!ip_same_subnet((uint8_t[]){ 10, 0, 7, 1 }, (uint8_t[]){ 10, 0, 8, 1 }, 22));
	CHECK(ip_same_subnet((uint8_t[]){ 1, 2, 3, 4 }, (uint8_t[]){ 1, 2, 3, 4 }, 32));
	CHECK(!ip_same_subnet((uint8_t[]){ 1, 2, 3, 4 }, (uint8_t[]){ 1, 2, 3, 5 }, 32));
}

static int next(const char *text, size_t units, char *element)
{
	static uint8_t field[2048];
	struct ip_list list;
	uint8_t *copy;
	int ret = 2;

	memset(field, 0, sizeof(field));
	for (size_t i = 0; text[i]; i++)
		field[2 * i] = text[i];
	copy = malloc(2 * units);
	memcpy(copy, field, 2 * units);
	if (ip_list_open(&list, copy, units))
		ret = ip_list_next(&list, element);
	free(copy);
	return ret;
}

static void lists(void)
{
	char element[IP_LIST_ELEMENT_SIZE], long_text[100];

	CHECK_INT(next("", 1, element), 0);
	CHECK_INT(next("a;b", 4, element), 1);
	CHECK_TEXT(element, "a");
	CHECK_INT(next("a;", 4, element), 1);
	CHECK_INT(next("a;b", 3, element), 2);
	CHECK_INT(next(";a", 4, element), -1);
	/* Blanks around elements, not within. */
	CHECK_INT(next(" a  ; b ; ", 12, element), 1);
	CHECK_TEXT(element, "a");
	CHECK_INT(next(" a  ; b ; ", 10, element), 2);
	CHECK_INT(next("  ", 4, element), 0);
	CHECK_INT(next(" ;a", 4, element), -1);
	CHECK_INT(next("a b", 4, element), -1);
	CHECK_INT(next("\x7f", 4, element), -1);
	memset(long_text, 'x', sizeof(long_text));
	long_text[IP_LIST_ELEMENT_SIZE - 1] = 0;
	CHECK_INT(next(long_text, 100, element), 1);
	CHECK_TEXT(element, long_text);
	long_text[IP_LIST_ELEMENT_SIZE - 1] = 'x';
	long_text[IP_LIST_ELEMENT_SIZE] = 0;
	CHECK_INT(next(long_text, 100, element), -1);
	/* The stock list parser copies an element of any length into 46 bytes. */
	memset(long_text, '1', sizeof(long_text));
	long_text[99] = 0;
	CHECK_INT(next(long_text, 100, element), -1);
}

static void text_both(void)
{
	CHECK_TEXT(decode_text("192.0.2.5;2001:db8::5;198.51.100.7", "255.255.255.0;64;255.255.0.0",
			       "192.0.2.1;fe80::1", "192.0.2.53;2001:db8::53"), NULL);
	CHECK_INT(config.by_family[IP_V4].count, 2);
	CHECK_INT(config.by_family[IP_V6].count, 1);
	CHECK_TEXT(address(IP_V4, 0), "192.0.2.5/24");
	CHECK_TEXT(address(IP_V4, 1), "198.51.100.7/16");
	CHECK_TEXT(address(IP_V6, 0), "2001:db8::5/64");
	CHECK_INT(config.by_family[IP_V4].gateway_count, 1);
	CHECK_INT(config.by_family[IP_V6].gateway_count, 1);
	CHECK_INT(config.by_family[IP_V4].dns_count, 1);
	CHECK_INT(config.by_family[IP_V6].dns_count, 1);
	CHECK_INT(config.by_family[IP_V4].address[0].origin, HVKVP_ORIGIN_STATIC);
	CHECK_INT(config.dhcp, 0);
	CHECK_TEXT(check(), NULL);
}

static void text_prefixes(void)
{
	CHECK_TEXT(decode_text("2001:db8::5", "/64", "", ""), NULL);
	CHECK_TEXT(address(IP_V6, 0), "2001:db8::5/64");
	CHECK_TEXT(decode_text("2001:db8::5;", "128;", "", ""), NULL);
	CHECK_TEXT(address(IP_V6, 0), "2001:db8::5/128");
	CHECK(decode_text("2001:db8::5", "129", "", "") != NULL);
	CHECK(decode_text("2001:db8::5", "//64", "", "") != NULL);
	CHECK(decode_text("2001:db8::5", "/", "", "") != NULL);
	CHECK(decode_text("2001:db8::5", "064", "", "") != NULL);
	CHECK(decode_text("2001:db8::5", "-1", "", "") != NULL);
	CHECK(decode_text("2001:db8::5", "4294967360", "", "") != NULL);
	/* A mask in address form. */
	CHECK_TEXT(decode_text("2001:db8::5", "ffff:ffff::", "", ""), NULL);
	CHECK_TEXT(address(IP_V6, 0), "2001:db8::5/32");
	CHECK_TEXT(decode_text("2001:db8::5", "ffff:ffff:ffff:fffe::", "", ""), NULL);
	CHECK_TEXT(address(IP_V6, 0), "2001:db8::5/63");
	CHECK(decode_text("2001:db8::5", "ffff:0:ffff::", "", "") != NULL);
	CHECK(decode_text("2001:db8::5", "::1", "", "") != NULL);
	CHECK(decode_text("192.0.2.5", "24", "", "") != NULL);
	CHECK(decode_text("192.0.2.5", "255.0.255.0", "", "") != NULL);
}

static void text_wrong(void)
{
	CHECK(decode_text("192.0.2.5;192.0.2.6", "255.255.255.0", "", "") != NULL);
	CHECK(decode_text("192.0.2.5", "255.255.255.0;255.0.0.0", "", "") != NULL);
	CHECK(decode_text("192.0.2.5;;192.0.2.6", "255.255.255.0;255.255.255.0", "", "") != NULL);
	CHECK(decode_text("192.0.2.256", "255.255.255.0", "", "") != NULL);
	CHECK(decode_text("192.0.2", "255.255.255.0", "", "") != NULL);
	CHECK(decode_text("192.0.2 .5", "255.255.255.0", "", "") != NULL);
	CHECK(decode_text("fe80::1%2", "64", "", "") != NULL);
	CHECK(decode_text("$(reboot)", "255.255.255.0", "", "") != NULL);
	CHECK(decode_text("192.0.2.5", "255.255.255.0", "x", "") != NULL);
	CHECK(decode_text("192.0.2.5", "255.255.255.0", "", "ns.example") != NULL);
	/* Six gateways of a family, and a unit that is not ASCII. */
	CHECK(decode_text("192.0.2.5", "255.255.255.0",
			  "192.0.2.1;192.0.2.2;192.0.2.3;192.0.2.4;192.0.2.6;192.0.2.7", "") != NULL);
	make_text("192.0.2.5", "255.255.255.0", "", "");
	raw[T_ADDRESSES + 1] = 1;
	CHECK(decode(4) != NULL);
}

static void text_without_end(void)
{
	static const struct {
		size_t at;
		size_t units;
	} fields[] = {
		{ T_ADDRESSES, 1024 }, { T_SUBNETS, 1024 }, { T_GATEWAYS, 512 }, { T_DNS, 1024 },
	};

	for (size_t i = 0; i < 4; i++) {
		make_text("192.0.2.5", "255.255.255.0", "192.0.2.1", "192.0.2.53");
		for (size_t u = 0; u < fields[i].units; u++)
			raw[fields[i].at + 2 * u] = '1';
		CHECK(decode(4) != NULL);
		memset(raw, 0xff, sizeof(raw));
		raw[T_DHCP] = 0;
		CHECK(decode(4) != NULL);
	}
}

/* As many as the field holds; one more of a family than a guest can have. */
static void text_full(void)
{
	char addresses[1024] = "", subnets[1024] = "";

	for (int i = 0; i < 64; i++) {
		sprintf(addresses + strlen(addresses), "%s10.0.0.%d", i ? ";" : "", i + 1);
		sprintf(subnets + strlen(subnets), "%s255.0.0.0", i ? ";" : "");
	}
	CHECK_TEXT(decode_text(addresses, subnets, "", addresses), NULL);
	CHECK_INT(config.by_family[IP_V4].count, 64);
	CHECK_INT(config.by_family[IP_V4].dns_count, 64);
	CHECK_TEXT(address(IP_V4, 63), "10.0.0.64/8");
	strcat(addresses, ";10.0.0.65");
	strcat(subnets, ";255.0.0.0");
	CHECK(decode_text(addresses, subnets, "", "") != NULL);
	CHECK(decode_text("10.0.0.1", "255.0.0.0", "", addresses) != NULL);
}

static void text_dhcp(void)
{
	make_text("what was", "there", "before", "");
	raw[T_DHCP] = 1;
	raw[T_FAMILY] = 1;
	CHECK_TEXT(decode(4), NULL);
	CHECK_INT(config.dhcp, 1);
	CHECK_INT(config.by_family[IP_V4].count, 0);
	CHECK_TEXT(check(), NULL);
}

static void fill(unsigned int count)
{
	memset(&config, 0, sizeof(config));
	config.families = 3;
	for (int family = 0; family < IP_FAMILIES; family++) {
		struct ip_family_config *cfg = &config.by_family[family];

		cfg->count = count;
		cfg->dns_count = count;
		cfg->gateway_count = count > 5 ? 5 : count;
		for (unsigned int i = 0; i < 64; i++) {
			memset(cfg->address[i].bytes, family ? 0xee : 222, ip_len(family));
			cfg->address[i].bytes[ip_len(family) - 1] = 128 + i;
			cfg->address[i].prefix = family ? 128 : 25;
			cfg->address[i].origin = family ? HVKVP_ORIGIN_OTHER : HVKVP_ORIGIN_STATIC;
			memcpy(cfg->dns[i], cfg->address[i].bytes, 16);
		}
		memcpy(cfg->gateway, cfg->dns, sizeof(cfg->gateway));
	}
}

/* Encode into a body of exactly the form's size. */
static bool encode(unsigned int major)
{
	size_t size = major >= 5 ? B_END : SIZE;
	uint8_t *asked = calloc(1, size), *out = calloc(1, size);
	bool whole;

	for (size_t i = 0; i < 38; i++)
		asked[(major >= 5 ? B_ADAPTER : T_ADAPTER) + 2 * i] = 'A' + i % 26;
	whole = ip_codec_encode(&config, major, asked, out);
	memset(raw, 0, sizeof(raw));
	memcpy(raw, out, size);
	free(asked);
	free(out);
	return whole;
}

static unsigned int elements(const char *text)
{
	unsigned int n = *text != 0;

	for (; *text; text++)
		n += *text == ';';
	return n;
}

static void text_encoded(void)
{
	fill(1);
	CHECK(encode(4));
	CHECK_TEXT(get_text(T_ADDRESSES, 1024),
		   "222.222.222.128;eeee:eeee:eeee:eeee:eeee:eeee:eeee:ee80");
	CHECK_TEXT(get_text(T_SUBNETS, 1024), "255.255.255.128;/128");
	CHECK_TEXT(get_text(T_GATEWAYS, 512),
		   "222.222.222.128;eeee:eeee:eeee:eeee:eeee:eeee:eeee:ee80");
	CHECK_TEXT(get_text(T_DNS, 1024),
		   "222.222.222.128;eeee:eeee:eeee:eeee:eeee:eeee:eeee:ee80");
	CHECK_TEXT(get_text(T_ADAPTER, 128), "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKL");
	CHECK_INT(raw[T_FAMILY], 3);
	CHECK_INT(raw[T_DHCP], 0);
	fill(0);
	config.dhcp = true;
	config.families = 0;
	CHECK(encode(4));
	CHECK_INT(raw[T_FAMILY], 0);
	CHECK_INT(raw[T_DHCP], 1);
	CHECK_TEXT(get_text(T_ADDRESSES, 1024), "");
}

/* 16 units an IPv4 address and 40 an IPv6 one: what fits, and not one unit more. */
static void text_brim(void)
{
	const char *text;

	fill(64);
	CHECK(!encode(4));
	text = get_text(T_ADDRESSES, 1024);
	CHECK_INT(elements(text), 63 + 1);
	CHECK_INT(strlen(text), 64 * 16 - 1);
	CHECK_INT(elements(get_text(T_SUBNETS, 1024)), 64);
	CHECK_INT(elements(get_text(T_DNS, 1024)), 64);
	CHECK_INT(elements(get_text(T_GATEWAYS, 512)), 10);
	CHECK_INT(raw[T_SUBNETS - 1] | raw[T_SUBNETS - 2], 0);
	CHECK_INT(raw[SIZE - 1] | raw[SIZE - 2], 0);

	config.by_family[IP_V4].count = 0;
	config.by_family[IP_V4].dns_count = 0;
	CHECK(!encode(4));
	text = get_text(T_ADDRESSES, 1024);
	CHECK_INT(elements(text), 25);
	CHECK_INT(strlen(text), 25 * 40 - 1);
	CHECK_INT(elements(get_text(T_SUBNETS, 1024)), 25);
	CHECK_INT(elements(get_text(T_DNS, 1024)), 25);

	/* 1022 units are used: a shorter one must not jump the queue. */
	memset(&config.by_family[IP_V6].address[25].bytes, 0, 16);
	CHECK(!encode(4));
	CHECK_INT(elements(get_text(T_ADDRESSES, 1024)), 26);
	memset(&config.by_family[IP_V6].address[26].bytes, 0, 16);
	memset(config.by_family[IP_V6].address[25].bytes, 0xee, 16);
	CHECK(!encode(4));
	CHECK_INT(elements(get_text(T_ADDRESSES, 1024)), 25);
}

static void text_round_trip(void)
{
	struct ip_config before;

	fill(5);
	before = config;
	CHECK(encode(4));
	CHECK_TEXT(decode(4), NULL);
	for (int family = 0; family < IP_FAMILIES; family++) {
		CHECK_INT(config.by_family[family].count, 5);
		for (int i = 0; i < 5; i++) {
			CHECK(!memcmp(config.by_family[family].address[i].bytes,
				      before.by_family[family].address[i].bytes, 16));
			CHECK_INT(config.by_family[family].address[i].prefix,
				  before.by_family[family].address[i].prefix);
		}
		CHECK(!memcmp(config.by_family[family].gateway, before.by_family[family].gateway,
			      sizeof(before.by_family[family].gateway)));
		CHECK(!memcmp(config.by_family[family].dns, before.by_family[family].dns, 5 * 16));
	}
}

static void binary_places(void)
{
	fill(2);
	CHECK(encode(5));
	for (int i = 0; i < 6; i++)
		CHECK_INT(body_get32(raw + B_COUNTS + 4 * i), 2);
	CHECK_TEXT(get_text(B_ADAPTER, 128), "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKL");
	CHECK_INT(raw[B_FAMILY], 3);
	CHECK_INT(raw[B_DHCP], 0);
	CHECK(!memcmp(raw + B_V4 + 4, "\xde\xde\xde\x81", 5));
	CHECK_INT(raw[B_V6 + 16], 0xee);
	CHECK_INT(raw[B_V6 + 31], 129);
	CHECK_INT(raw[B_V6 + 32], 0);
	CHECK(!memcmp(raw + B_V4_MASK, "\xff\xff\xff\x80\xff\xff\xff\x80", 9));
	CHECK_INT(body_get32(raw + B_V6_PREFIX + 4), 128);
	CHECK_INT(raw[B_V4_GATEWAY + 7], 129);
	CHECK_INT(raw[B_V6_GATEWAY + 31], 129);
	CHECK_INT(raw[B_V4_DNS + 7], 129);
	CHECK_INT(raw[B_V6_DNS + 31], 129);
	/* v4, v4, v6, v6: no gap. */
	CHECK(!memcmp(raw + B_ORIGIN, "\2\0\2\0\1\0\1\0\0", 9));
}

static void binary_brim(void)
{
	struct ip_config before;

	fill(64);
	before = config;
	CHECK(encode(5));
	CHECK_INT(body_get32(raw + B_COUNTS), 64);
	CHECK_INT(body_get32(raw + B_COUNTS + 8), 5);
	CHECK_INT(raw[B_ORIGIN + 2 * 63], 2);
	CHECK_INT(raw[B_ORIGIN + 2 * 64], 1);
	CHECK_INT(raw[B_END - 2], 1);
	CHECK_TEXT(decode(5), NULL);
	for (int family = 0; family < IP_FAMILIES; family++)
		for (int i = 0; i < 64; i++)
			before.by_family[family].address[i].origin = HVKVP_ORIGIN_STATIC;
	CHECK(!memcmp(&config.by_family, &before.by_family, sizeof(config.by_family)));
}

static void binary_counts(void)
{
	static const uint32_t most[] = { 64, 64, 5, 5, 64, 64 };
	static const uint32_t add[] = { 1, 0x7fffffff, 0x80000000, 0xffffffbf };

	for (int i = 0; i < 6; i++) {
		for (int j = 0; j < 4; j++) {
			memset(raw, 0, sizeof(raw));
			body_put32(raw + B_COUNTS + 4 * i, most[i] + add[j]);
			CHECK(decode(5) != NULL);
		}
		memset(raw, 0, sizeof(raw));
		body_put32(raw + B_COUNTS + 4 * i, most[i]);
		CHECK_TEXT(decode(5), NULL);
	}
}

static void binary_values(void)
{
	memset(raw, 0, sizeof(raw));
	body_put32(raw + B_COUNTS, 1);
	memcpy(raw + B_V4_MASK, "\xff\x00\xff", 3);
	CHECK(decode(5) != NULL);
	memset(raw, 0, sizeof(raw));
	body_put32(raw + B_COUNTS + 4, 1);
	body_put32(raw + B_V6_PREFIX, 129);
	CHECK(decode(5) != NULL);
	body_put32(raw + B_V6_PREFIX, 0xffffffff);
	CHECK(decode(5) != NULL);
	memset(raw, 0xff, sizeof(raw));
	raw[B_DHCP] = 0;
	CHECK(decode(5) != NULL);
	raw[B_DHCP] = 1;
	CHECK_TEXT(decode(5), NULL);
	CHECK(check() != NULL);
}

static const char *adapter(unsigned int major)
{
	static char text[IP_ADAPTER_SIZE];
	const char *why = ip_codec_adapter(raw, major, text);

	return why ? why : text;
}

static void adapter_ids(void)
{
	memset(raw, 0, sizeof(raw));
	CHECK_TEXT(adapter(4), "");
	put_text(T_ADAPTER, "00:15:5d:01:02:03");
	CHECK_TEXT(adapter(4), "00:15:5d:01:02:03");
	CHECK_TEXT(adapter(3), "00:15:5d:01:02:03");
	memset(raw, 0, sizeof(raw));
	put_text(B_ADAPTER, "{guid}");
	CHECK_TEXT(adapter(5), "{guid}");
	/* 127 units of three bytes each, then none left for the NUL. */
	for (int i = 0; i < 127; i++)
		memcpy(raw + B_ADAPTER + 2 * i, "\x22\x6f", 2);
	CHECK_INT(strlen(adapter(5)), 3 * 127);
	memcpy(raw + B_ADAPTER + 254, "\x22\x6f", 2);
	CHECK_TEXT(adapter(5), "the adapter's id has no end");
	memset(raw, 0, sizeof(raw));
	raw[B_ADAPTER + 1] = 0xd8;
	CHECK_TEXT(adapter(5), "the adapter's id is not valid UTF-16");
}

static const char *judge(int families, const char *addresses, const char *subnets,
			 const char *gateways, const char *dns)
{
	const char *why = decode_text(addresses, subnets, gateways, dns);

	config.families = families;
	ip_normalize(&config);
	return why ? why : check();
}

#define V4	"192.0.2.5", "255.255.255.0"

static void judged_good(void)
{
	CHECK_TEXT(judge(0, V4, "192.0.2.1", "127.0.0.1;::1"), NULL);
	CHECK_TEXT(judge(1, V4, "192.0.2.1", "8.8.8.8"), NULL);
	CHECK_TEXT(judge(3, V4, "", ""), NULL);
	CHECK_TEXT(judge(2, "2001:db8::5", "64", "fe80::1", ""), NULL);
	CHECK_TEXT(judge(1, "192.0.2.0;192.0.2.9", "255.255.255.254;255.255.255.255", "192.0.2.1", ""), NULL);
	CHECK_TEXT(judge(1, "192.0.2.5;10.9.9.9", "255.255.255.0;255.0.0.0", "10.0.0.1", ""), NULL);
	CHECK_TEXT(judge(1, "169.254.7.7", "255.255.0.0", "", ""), NULL);
	CHECK_TEXT(judge(2, "fe80::7", "64", "", ""), NULL);
	/* What hosts and tools send besides. */
	CHECK_TEXT(judge(1, "192.0.2.5", "255.255.255.255", "203.0.113.1", ""), NULL);
	CHECK_TEXT(judge(1, V4, "0.0.0.0;192.0.2.1;192.0.2.1", ""), NULL);
	CHECK_INT(config.by_family[IP_V4].gateway_count, 1);
	CHECK_INT(config.by_family[IP_V4].gateway[0][3], 1);
	CHECK_TEXT(judge(2, "2001:db8::5", "64", "::", ""), NULL);
	CHECK_INT(config.by_family[IP_V6].gateway_count, 0);
	CHECK_TEXT(judge(1, "192.0.2.5;192.0.2.5;192.0.2.6", "255.255.255.0;255.255.255.0;255.255.255.0",
			 "", "192.0.2.53;192.0.2.53"), NULL);
	CHECK_INT(config.by_family[IP_V4].count, 2);
	CHECK_TEXT(address(IP_V4, 1), "192.0.2.6/24");
	CHECK_INT(config.by_family[IP_V4].dns_count, 1);
	CHECK_TEXT(judge(1, " 192.0.2.5 ; 2001:db8::5", "255.255.255.0; 64 ", " 192.0.2.1", ""), NULL);
	CHECK_TEXT(judge(2, V4, "", ""), NULL);
	CHECK_TEXT(judge(0, V4, "", ""), NULL);
	CHECK_TEXT(judge(4, V4, "", ""), NULL);
	CHECK_TEXT(judge(0xff, V4, "", ""), NULL);
}

static void judged_bad(void)
{
	static const char *const addresses[][2] = {
		{ "0.0.0.0", "255.0.0.0" }, { "127.0.0.1", "255.0.0.0" },
		{ "224.0.0.1", "255.0.0.0" }, { "255.255.255.255", "255.255.255.255" },
		{ "0.1.2.3", "255.0.0.0" }, { "192.0.2.0", "255.255.255.0" },
		{ "192.0.2.255", "255.255.255.0" }, { "192.0.2.5", "0.0.0.0" },
		{ "192.0.2.5;192.0.2.5", "255.255.255.0;255.255.0.0" },
		{ "::", "64" }, { "::1", "128" }, { "ff02::1", "64" },
		{ "::ffff:192.0.2.5", "120" }, { "2001:db8::5", "0" },
		{ "", "" },
	};
	static const char *const gateways[] = {
		"192.0.2.5", "224.0.0.1", "fe80::1", "2001:db8::1", "255.255.255.255", "127.0.0.1",
	};
	static const char *const dns[] = { "0.0.0.0", "255.255.255.255", "ff02::1", "::" };

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (!CHECK(judge(0, addresses[i][0], addresses[i][1], "", "") != NULL))
			printf("# %s\n", addresses[i][0]);
	for (size_t i = 0; i < sizeof(gateways) / sizeof(gateways[0]); i++)
		if (!CHECK(judge(0, V4, gateways[i], "") != NULL))
			printf("# %s\n", gateways[i]);
	for (size_t i = 0; i < sizeof(dns) / sizeof(dns[0]); i++)
		if (!CHECK(judge(0, V4, "", dns[i]) != NULL))
			printf("# %s\n", dns[i]);
	decode_text("", "", "", "");
	config.dhcp = 1;
	config.families = 4;
	CHECK(check() != NULL);
	config.families = 0x83;
	CHECK(check() != NULL);
}

static void changes(void)
{
	uint8_t mask;

	decode_text(V4, "", "");
	config.families = 3;
	CHECK_TEXT(ip_check(&config, &mask), NULL);
	CHECK_INT(mask, 1);
	decode_text("192.0.2.5;2001:db8::5", "255.255.255.0;64", "", "");
	CHECK_TEXT(ip_check(&config, &mask), NULL);
	CHECK_INT(mask, 3);
	memset(&config, 0, sizeof(config));
	config.dhcp = true;
	CHECK_TEXT(ip_check(&config, &mask), NULL);
	CHECK_INT(mask, 3);
	config.families = 1;
	CHECK_TEXT(ip_check(&config, &mask), NULL);
	CHECK_INT(mask, 1);
}

/* Anything at all may come: nothing may be read beyond a body, nor written. */
static void noise(void)
{
	static const char letters[] = "0123456789abcdef:.;/; ";

	srand(1);
	for (int i = 0; i < 20000; i++) {
		bool binary = i % 2;

		for (size_t j = 0; j < sizeof(raw); j++)
			raw[j] = i % 3 ? rand() % 4 ? letters[rand() % 22] : 0 : rand();
		raw[binary ? B_DHCP : T_DHCP] = 0;
		if (!binary && i % 3) {
			for (size_t j = 261; j < sizeof(raw); j += 2)
				raw[j] = 0;
			raw[T_SUBNETS - 2] = 0;
		}
		if (binary)
			for (int j = 0; j < 6; j++)
				body_put32(raw + B_COUNTS + 4 * j, rand() % 66);
		if (!decode(binary ? 5 : 4)) {
			check();
			encode(binary ? 5 : 4);
		}
	}
}

static const struct tap_case cases[] = {
	{ "masks and prefixes", masks },
	{ "a list is read element by element", lists },
	{ "text: both families", text_both },
	{ "text: IPv6 prefixes are 64 or /64, IPv4 subnets are masks", text_prefixes },
	{ "text: what cannot be read is refused", text_wrong },
	{ "text: a list without an end is refused", text_without_end },
	{ "text: 64 of a family, and not 65", text_full },
	{ "text: with DHCP the lists mean nothing", text_dhcp },
	{ "text: an answer", text_encoded },
	{ "text: an answer is filled to the brim and cut at an element's end", text_brim },
	{ "text: what is encoded can be decoded", text_round_trip },
	{ "binary: everything is in its place, the origins without a gap", binary_places },
	{ "binary: 64 addresses, 5 gateways and 64 name servers of each family", binary_brim },
	{ "binary: counts beyond their arrays are refused", binary_counts },
	{ "binary: masks with holes and long prefixes are refused", binary_values },
	{ "adapter ids of both forms", adapter_ids },
	{ "what may be set", judged_good },
	{ "what may not", judged_bad },
	{ "only families with addresses change", changes },
	{ "20000 bodies of noise", noise },
};

TAP_MAIN("ip_codec", cases)
