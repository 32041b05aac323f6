// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records: what the host has set for each adapter.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ip/record.h"
#include "ip/system.h"
#include "util/file.h"
#include "util/strbuf.h"
#include "util/sysroot.h"

/* Room for a record: a few lists of 64 addresses. */
#define RECORD_SIZE	(4 * IP_PLAN_VALUE_SIZE)

static const char *const endings[] = {
	[IP_RECORD_SYSTEM] = ".conf", [IP_RECORD_INITRAMFS] = ".initramfs",
};

char *ip_record_key(const struct adapter *adapter, char *key)
{
	size_t len = 0;

	if (adapter->guid[0]) {
		memcpy(key, adapter->guid, sizeof(adapter->guid));
		return key;
	}
	for (const char *mac = adapter->mac; *mac; mac++)
		if (*mac != ':')
			key[len++] = *mac;
	key[len] = 0;
	return key;
}

static char *record_path(const struct ip_system *system, enum ip_record_kind kind, const char *key,
			 char *path)
{
	return sysroot_path(system->root, path, "%s/ip-%s%s", system->state_dir, key,
			    endings[kind]);
}

char *ip_record_before_path(const struct ip_system *system, const char *key, char *path)
{
	snprintf(path, IP_FILES_PATH, "%s/ip-%s.before", system->state_dir, key);
	return path;
}

static void print_line(const char *key, const char *value, void *data)
{
	strbuf_printf(data, "%s=%s\n", key, value);
}

void ip_record_compile(const struct ip_system *system, const struct ip_plan *plan,
		       const char *manager, struct ip_files *files)
{
	char key[IP_RECORD_KEY_SIZE], mac[IP_RECORD_KEY_SIZE];
	struct adapter by_mac = plan->adapter;
	struct strbuf *out;

	ip_record_key(&plan->adapter, key);
	out = ip_files_add(files, 0644, "%s/ip-%s.conf", system->state_dir, key);
	strbuf_printf(out, "# What the Hyper-V host set for this adapter, written by hvkvpd.\n"
		      "# With MANAGER=" IP_RECORD_OWN " hvkvpd sets it when it starts. \"hvkvp ip undo\" ends that.\n");
	print_line("MANAGER", manager, out);
	print_line("DNS_SET", plan->dns ? "yes" : "no", out);
	print_line("TARGET", files->target, out);
	print_line("MASTER", plan->adapter.is_master ? plan->adapter.kind : "", out);
	ip_plan_lines(plan, plan->kept, print_line, out);
	by_mac.guid[0] = 0;
	if (strcmp(ip_record_key(&by_mac, mac), key))
		ip_files_remove(files, "%s/ip-%s.conf", system->state_dir, mac);
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

/* Which families the host has set. */
static bool take_families(const char *text, uint8_t *families)
{
	static const char *const names[] = { "none", "ipv4", "ipv6", "both" };
	char value[16];

	file_line_value(text, "FAMILY", value, sizeof(value));
	for (*families = 0; *families < 4; ++*families)
		if (!strcmp(value, names[*families]))
			return true;
	return false;
}

static int parse(const char *text, struct ip_record *record)
{
	struct ip_plan *plan = &record->plan;
	char value[8];

	file_line_value(text, "MANAGER", record->manager, sizeof(record->manager));
	file_line_value(text, "TARGET", record->target, sizeof(record->target));
	file_line_value(text, "INTERFACE", plan->adapter.name, sizeof(plan->adapter.name));
	file_line_value(text, "MAC", plan->adapter.mac, sizeof(plan->adapter.mac));
	file_line_value(text, "GUID", plan->adapter.guid, sizeof(plan->adapter.guid));
	plan->adapter.is_master = file_line_value(text, "MASTER", plan->adapter.kind,
						  sizeof(plan->adapter.kind)) &&
				  plan->adapter.kind[0];
	plan->dns = file_line_value(text, "DNS_SET", value, sizeof(value)) &&
		    !strcmp(value, "yes");
	if (!record->manager[0] || !take_families(text, &plan->kept))
		return -EINVAL;
	for (int family = 0; family < IP_FAMILIES; family++) {
		bool v4 = family == IP_V4;

		if (!line_mode(text, family, &plan->mode[family]) ||
		    !take_list(text, v4 ? "IPV4_ADDRESSES" : "IPV6_ADDRESSES", family,
			       IP_LIST_ADDRESSES, &plan->config) ||
		    !take_list(text, v4 ? "IPV4_GATEWAYS" : "IPV6_GATEWAYS", family,
			       IP_LIST_GATEWAYS, &plan->config))
			return -EINVAL;
		if (ip_plan_keeps_static(plan, family))
			plan->config.families |= ip_family_bit(family);
	}
	plan->change = plan->kept;
	return take_list(text, "DNS", 0, IP_LIST_DNS, &plan->config) ? 0 : -EINVAL;
}

static int read_record(const struct ip_system *system, enum ip_record_kind kind, const char *key,
		       struct ip_record *record)
{
	char path[SYSROOT_PATH_SIZE], text[RECORD_SIZE];
	int ret = file_read(record_path(system, kind, key, path), text, sizeof(text));

	memset(record, 0, sizeof(*record));
	return ret < 0 ? ret : parse(text, record);
}

int ip_record_read(const struct ip_system *system, const char *key, struct ip_record *record)
{
	return read_record(system, IP_RECORD_SYSTEM, key, record);
}

int ip_record_read_early(const struct ip_system *system, const char *key,
			 struct ip_record *record)
{
	return read_record(system, IP_RECORD_INITRAMFS, key, record);
}

int ip_record_remove_early(const struct ip_system *system, const char *key)
{
	char path[SYSROOT_PATH_SIZE];

	return unlink(record_path(system, IP_RECORD_INITRAMFS, key, path)) ? -errno : 0;
}

int ip_record_find(const struct ip_system *system, const struct adapter *adapter,
		   struct ip_record *record)
{
	char key[IP_RECORD_KEY_SIZE];

	return ip_record_read(system, ip_record_key(adapter, key), record);
}

bool ip_record_mode(const struct ip_system *system, const struct adapter *adapter, int family,
		    enum ip_mode *mode)
{
	char path[SYSROOT_PATH_SIZE], text[RECORD_SIZE], key[IP_RECORD_KEY_SIZE];
	uint8_t families;

	ip_record_key(adapter, key);
	return file_read(record_path(system, IP_RECORD_SYSTEM, key, path), text,
			 sizeof(text)) > 0 &&
	       take_families(text, &families) && families & ip_family_bit(family) &&
	       line_mode(text, family, mode);
}

void ip_record_each(const struct ip_system *system, enum ip_record_kind kind,
		    void (*each)(const char *key, void *data), void *data)
{
	char folder[SYSROOT_PATH_SIZE], key[IP_RECORD_KEY_SIZE];
	const size_t ending = strlen(endings[kind]);
	struct dirent *entry;
	size_t len;
	DIR *dir = opendir(sysroot_path(system->root, folder, "%s", system->state_dir));

	while (dir && (entry = readdir(dir))) {
		len = strlen(entry->d_name);
		if (len <= ending + 3 || len - ending - 3 >= sizeof(key) ||
		    strncmp(entry->d_name, "ip-", 3) ||
		    strcmp(entry->d_name + len - ending, endings[kind]))
			continue;
		len -= ending + 3;
		memcpy(key, entry->d_name + 3, len);
		key[len] = 0;
		each(key, data);
	}
	if (dir)
		closedir(dir);
}
