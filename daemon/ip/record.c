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

static bool line_mode(const char *text, int half, enum ip_mode *mode)
{
	char value[16];

	return file_line_value(text, half == IP_V4 ? "IPV4_MODE" : "IPV6_MODE", value,
			     sizeof(value)) && parse_mode(value, mode);
}

bool ip_record_mode(const struct ip_system *system, const struct adapter *adapter, int half,
		    enum ip_mode *mode)
{
	char path[SYSROOT_PATH_SIZE], text[RECORD_SIZE];

	return file_read(record_path(system, adapter->mac, path), text, sizeof(text)) > 0 &&
	       line_mode(text, half, mode);
}

/* One word of a list. Return: false if it is no such address. */
static bool take_word(struct ip_half *part, int half, char which, char *word)
{
	char *slash = strchr(word, '/'), *end = NULL;
	uint8_t bytes[16] = { 0 };
	unsigned long prefix = 0;

	if (slash) {
		*slash = 0;
		prefix = strtoul(slash + 1, &end, 10);
	}
	if (inet_pton(ip_af(half), word, bytes) != 1)
		return false;
	if (which == 'a') {
		struct ip_address *address = &part->address[part->count];

		if (!slash || *end || prefix > 8 * ip_len(half) || part->count == HVKVP_ADDR_MAX)
			return false;
		memcpy(address->bytes, bytes, sizeof(bytes));
		address->prefix = prefix;
		address->origin = HVKVP_ORIGIN_STATIC;
		part->count++;
		return true;
	}
	if (slash)
		return false;
	if (which == 'g') {
		if (part->gateway_count == HVKVP_GATEWAY_MAX)
			return false;
		memcpy(part->gateway[part->gateway_count++], bytes, sizeof(bytes));
	} else {
		if (part->dns_count == HVKVP_ADDR_MAX)
			return false;
		memcpy(part->dns[part->dns_count++], bytes, sizeof(bytes));
	}
	return true;
}

static bool take_list(const char *text, const char *key, int half, char which,
		      struct ip_config *config)
{
	char value[IP_PLAN_VALUE_SIZE], *word, *rest = value;

	file_line_value(text, key, value, sizeof(value));
	while ((word = strsep(&rest, " "))) {
		/* Name servers of both families are one list. */
		int which_half = which != 'd' ? half : strchr(word, ':') ? IP_V6 : IP_V4;

		if (*word && !take_word(&config->half[which_half], which_half, which, word))
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
	for (int half = 0; half < IP_HALVES; half++) {
		bool v4 = half == IP_V4;

		if (!line_mode(text, half, &plan->mode[half]) ||
		    !take_list(text, v4 ? "IPV4_ADDRESSES" : "IPV6_ADDRESSES", half, 'a',
			       &plan->config) ||
		    !take_list(text, v4 ? "IPV4_GATEWAYS" : "IPV6_GATEWAYS", half, 'g',
			       &plan->config))
			return -EINVAL;
		if (plan->mode[half] == IP_MODE_STATIC)
			plan->change |= ip_bit(half);
	}
	plan->config.family = plan->change;
	return take_list(text, "DNS", 0, 'd', &plan->config) ? 0 : -EINVAL;
}
