// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records: what the host set for each adapter.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ip/record.h"
#include "ip/system.h"
#include "util/file.h"
#include "util/strbuf.h"
#include "util/sysroot.h"

/* Room for a record: a few lists of 64 addresses. */
#define RECORD_SIZE	(4 * IP_PLAN_VALUE_SIZE)

static char *record_path(const struct ip_system *system, const char *mac, char *path)
{
	char bare[ADAPTER_MAC_SIZE];
	size_t len = 0;

	for (; *mac; mac++)
		if (*mac != ':')
			bare[len++] = *mac;
	bare[len] = 0;
	return sysroot_path(system->root, path, "%s/ip-%s.conf", system->state_dir, bare);
}

static void print_line(const char *key, const char *value, void *data)
{
	strbuf_printf(data, "%s=%s\n", key, value);
}

int ip_record_write(const struct ip_system *system, const struct ip_plan *plan,
		    const char *manager, struct file_set *files)
{
	struct strbuf buffer = { 0 };
	char path[SYSROOT_PATH_SIZE];
	int err = -ENOMEM;

	strbuf_printf(&buffer, "# What the Hyper-V host set for this adapter, written by hvkvpd.\n"
		 "# With MANAGER=" IP_RECORD_OWN " hvkvpd sets it anew when it starts; remove the file to end that.\n");
	print_line("MANAGER", manager, &buffer);
	ip_plan_lines(plan, print_line, &buffer);
	if (!buffer.failed)
		err = file_set_write(files, record_path(system, plan->adapter.mac, path), 0644,
				     buffer.text, buffer.len);
	strbuf_free(&buffer);
	return err;
}

static bool parse_mode(const char *text, enum ip_mode *mode)
{
	for (*mode = IP_MODE_NONE; *mode <= IP_MODE_STATIC; ++*mode)
		if (!strcmp(text, ip_mode_name(*mode)))
			return true;
	return false;
}

static bool line_mode(const char *text, int family, enum ip_mode *mode)
{
	char value[16];

	return file_line_value(text, family == IP_V4 ? "IPV4_MODE" : "IPV6_MODE", value,
			     sizeof(value)) && parse_mode(value, mode);
}

bool ip_record_mode(const struct ip_system *system, const struct adapter *adapter, int family,
		    enum ip_mode *mode)
{
	char path[SYSROOT_PATH_SIZE], text[RECORD_SIZE];

	return file_read(record_path(system, adapter->mac, path), text, sizeof(text)) > 0 &&
	       line_mode(text, family, mode);
}

/* One word of a list. Return: false if it is no such address. */
static bool take_word(struct ip_family_config *cfg, int family, enum ip_list_kind kind, char *word)
{
	char *slash = strchr(word, '/'), *end = NULL;
	uint8_t bytes[16] = { 0 };
	unsigned long prefix = 0;

	if (slash) {
		*slash = 0;
		prefix = strtoul(slash + 1, &end, 10);
	}
	if (inet_pton(ip_af(family), word, bytes) != 1)
		return false;
	if ((kind == IP_LIST_ADDRESSES) != (slash != NULL) ||
	    (slash && (*end || prefix > 8 * ip_len(family))))
		return false;
	return ip_cfg_append(cfg, kind, bytes, prefix);
}

static bool take_list(const char *text, const char *key, int family, enum ip_list_kind kind,
		      struct ip_config *config)
{
	char value[IP_PLAN_VALUE_SIZE], *word, *rest = value;

	file_line_value(text, key, value, sizeof(value));
	while ((word = strsep(&rest, " "))) {
		/* Name servers of both families are one list. */
		int kind_family = kind != IP_LIST_DNS ? family : strchr(word, ':') ? IP_V6 : IP_V4;

		if (*word && !take_word(&config->by_family[kind_family], kind_family, kind, word))
			return false;
	}
	return true;
}

int ip_record_read(const char *path, struct ip_plan *plan, bool *own)
{
	char text[RECORD_SIZE], value[32];
	int ret = file_read(path, text, sizeof(text));

	memset(plan, 0, sizeof(*plan));
	if (ret < 0)
		return ret;
	*own = file_line_value(text, "MANAGER", value, sizeof(value)) &&
	       !strcmp(value, IP_RECORD_OWN);
	file_line_value(text, "INTERFACE", plan->adapter.name, sizeof(plan->adapter.name));
	file_line_value(text, "MAC", plan->adapter.mac, sizeof(plan->adapter.mac));
	for (int family = 0; family < IP_FAMILIES; family++) {
		bool v4 = family == IP_V4;

		if (!line_mode(text, family, &plan->mode[family]) ||
		    !take_list(text, v4 ? "IPV4_ADDRESSES" : "IPV6_ADDRESSES", family, IP_LIST_ADDRESSES,
			       &plan->config) ||
		    !take_list(text, v4 ? "IPV4_GATEWAYS" : "IPV6_GATEWAYS", family, IP_LIST_GATEWAYS,
			       &plan->config))
			return -EINVAL;
		if (plan->mode[family] == IP_MODE_STATIC)
			plan->change |= ip_family_bit(family);
	}
	plan->config.families = plan->change;
	return take_list(text, "DNS", 0, IP_LIST_DNS, &plan->config) ? 0 : -EINVAL;
}
