// SPDX-License-Identifier: GPL-2.0-only
/*
 * An adapter's name servers.
 */
#include <stdio.h>
#include <string.h>

#include "ip/dns.h"
#include "ip/system.h"
#include "net/adapter.h"
#include "util/file.h"
#include "util/sysroot.h"

#define FILE_SIZE	16384
#define BLANK		" \t\r\n"

static bool any(const struct ip_config *config)
{
	return config->by_family[IP_V4].dns_count || config->by_family[IP_V6].dns_count;
}

static void forget(struct ip_config *config)
{
	config->by_family[IP_V4].dns_count = 0;
	config->by_family[IP_V6].dns_count = 0;
}

/* One server; systemd writes [ADDRESS]:PORT%INTERFACE#NAME for special ones. */
static void add(struct ip_config *config, const char *text, size_t len)
{
	char address[INET6_ADDRSTRLEN];
	uint8_t bytes[16] = { 0 };

	if (len && *text == '[') {
		text++;
		len = strcspn(text, "]");
	}
	for (size_t i = 0; i < len; i++)
		if (text[i] == '%' || text[i] == '#')
			len = i;
	if (len >= sizeof(address))
		return;
	memcpy(address, text, len);
	address[len] = 0;
	for (int family = 0; family < IP_FAMILIES; family++) {
		struct ip_family_config *cfg = &config->by_family[family];

		if (inet_pton(ip_af(family), address, bytes) != 1)
			continue;
		for (unsigned int i = 0; i < cfg->dns_count; i++)
			if (!memcmp(cfg->dns[i], bytes, ip_len(family)))
				return;
		ip_cfg_append(cfg, IP_LIST_DNS, bytes, 0);
		return;
	}
}

static void add_words(struct ip_config *config, const char *words)
{
	for (words += strspn(words, BLANK); *words; words += strspn(words, BLANK)) {
		size_t len = strcspn(words, BLANK);

		add(config, words, len);
		words += len;
	}
}

void ip_dns_parse(const char *text, struct ip_config *config)
{
	static const char word[] = "nameserver";

	for (; *text; text += strcspn(text, "\n")) {
		text += *text == '\n';
		if (strncmp(text, word, sizeof(word) - 1) ||
		    (text[sizeof(word) - 1] != ' ' && text[sizeof(word) - 1] != '\t'))
			continue;
		text += sizeof(word);
		text += strspn(text, " \t");
		add(config, text, strcspn(text, BLANK));
	}
}

static void read_value(const char *path, const char *key, struct ip_config *config)
{
	char text[FILE_SIZE], value[FILE_SIZE];

	if (file_read(path, text, sizeof(text)) > 0 &&
	    file_line_value(text, key, value, sizeof(value)))
		add_words(config, value);
}

/* Our own part of a resolv.conf, if there is one. */
static void parse_own(const char *text, const char *name, struct ip_config *config)
{
	char begin[96], end[96], own[FILE_SIZE];
	const char *from, *to;

	snprintf(begin, sizeof(begin), IP_DNS_BEGIN, name);
	snprintf(end, sizeof(end), IP_DNS_END, name);
	from = strstr(text, begin);
	to = from ? strstr(from, end) : NULL;
	if (!to)
		return;
	snprintf(own, sizeof(own), "%.*s", (int)(to - from), from);
	ip_dns_parse(own, config);
}

/* Is the one server that is named a program here, which asks others? */
static bool is_stub(const struct ip_config *config)
{
	return config->by_family[IP_V4].dns_count == 1 && !config->by_family[IP_V6].dns_count &&
	       config->by_family[IP_V4].dns[0][0] == 127;
}

void ip_dns_read(const struct ip_system *system, const struct adapter *adapter,
		 struct ip_config *config)
{
	char path[SYSROOT_PATH_SIZE], text[FILE_SIZE];

	forget(config);
	read_value(sysroot_path(system->root, path, "/run/systemd/resolve/netif/%u", adapter->index),
		   "SERVERS", config);
	if (!any(config))
		read_value(sysroot_path(system->root, path, "/run/systemd/netif/links/%u", adapter->index),
			   "DNS", config);
	if (any(config) || file_read(sysroot_path(system->root, path, "/etc/resolv.conf"), text,
				    sizeof(text)) <= 0)
		return;
	parse_own(text, adapter->name, config);
	if (any(config))
		return;
	ip_dns_parse(text, config);
	if (is_stub(config) && file_read(sysroot_path(system->root, path, "/run/systemd/resolve/resolv.conf"),
					text, sizeof(text)) > 0) {
		forget(config);
		ip_dns_parse(text, config);
	}
}
