// SPDX-License-Identifier: GPL-2.0-only
/*
 * systemd-networkd, also where netplan writes its files.
 *
 * Only the first .network file that matches counts, so ours is a copy of that one, with
 * its drop-ins, but for what the host sets. A drop-in of ours would not do: an empty
 * Gateway= removes all routes, a file may match many interfaces, and the match would
 * stay that of the user, by name or MAC address. networkd reads its files again on
 * SIGHUP only from version 256 on, and there is no other way but D-Bus: networkctl.
 */
#include <errno.h>
#include <dirent.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "ip/manager/ini.h"
#include "ip/manager/interfaces.h"
#include "ip/manager/manager.h"
#include "ip/system.h"
#include "net/link.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/file.h"
#include "util/strbuf.h"
#include "util/sysroot.h"

#define LINK_SIZE	16384
#define VALUE_SIZE	1024
#define NAMES_MAX	256
#define SOURCE		"# Source: "

/* 00 because cloud-init and netplan write 10-, and the first name wins. */
#define OURS		"/etc/systemd/network/00-hvkvpd-%s.network"

/* The first hides files of the same name in the others. */
static const char *const folders[] = {
	"/etc/systemd/network", "/run/systemd/network", "/usr/local/lib/systemd/network",
	"/usr/lib/systemd/network", "/lib/systemd/network",
};

#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

static bool is_enabled(const struct ip_system *system)
{
	return sysroot_exists(system->root,
			      "/etc/systemd/system/dbus-org.freedesktop.network1.service") ||
	       ip_unit_enabled(system, "systemd-networkd.service");
}

static bool read_link(const struct ip_system *system, const struct adapter *adapter, char *text)
{
	char path[SYSROOT_PATH_SIZE];

	sysroot_path(system->root, path, "/run/systemd/netif/links/%u", adapter->index);
	return file_read(path, text, LINK_SIZE) > 0;
}

/* Early in a boot it has no state yet: then ifupdown has what its file names. */
static bool in_charge(const struct ip_system *system, const struct adapter *adapter)
{
	char text[LINK_SIZE], state[32];

	if (!read_link(system, adapter, text))
		return is_enabled(system) && !interfaces_names(system, adapter->name);
	file_line_value(text, "ADMIN_STATE", state, sizeof(state));
	return state[0] && strcmp(state, "unmanaged");
}

/* It has read its files, also where it has no state yet of an adapter that has just come. */
static int running(const struct ip_system *system, const struct adapter *adapter,
		   struct error *error)
{
	(void)adapter;
	(void)error;
	return sysroot_exists(system->root, "/run/systemd/netif/state");
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/**
 * struct names - names of files in several folders, sorted, each once
 * @count: of them
 * @name: owned
 */
struct names {
	size_t count;
	char *name[NAMES_MAX];
};

static bool has_name(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (!strcmp(names->name[i], name))
			return true;
	return false;
}

static void list_names(const struct ip_system *system, const char *below, const char *suffix,
		       struct names *names)
{
	char path[SYSROOT_PATH_SIZE];
	struct dirent *entry;

	names->count = 0;
	for (size_t i = 0; i < FOLDERS; i++) {
		DIR *dir = opendir(sysroot_path(system->root, path, "%s%s", folders[i], below));

		while (dir && (entry = readdir(dir))) {
			size_t len = strlen(entry->d_name), end = strlen(suffix);

			if (len > end && entry->d_name[0] != '.' && names->count < NAMES_MAX &&
			    !strcmp(entry->d_name + len - end, suffix) &&
			    !has_name(names, entry->d_name)) {
				names->name[names->count] = strdup(entry->d_name);
				names->count += names->name[names->count] != NULL;
			}
		}
		if (dir)
			closedir(dir);
	}
	qsort(names->name, names->count, sizeof(names->name[0]), compare_names);
}

static void free_names(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->name[i]);
	names->count = 0;
}

/* A file from the first folder that has it. Return: its text, to be freed, or NULL. */
static char *read_first(const struct ip_system *system, const char *below, const char *name,
			char *path)
{
	for (size_t i = 0; i < FOLDERS; i++) {
		snprintf(path, IP_FILES_PATH, "%s%s/%s", folders[i], below, name);
		if (sysroot_exists(system->root, "%s", path))
			return ip_files_read(system, path);
	}
	return NULL;
}

/* Does one of the words match? Those with "!" must not. */
static bool match_words(const char *words, const char *text)
{
	bool any = false, wanted = false;
	char copy[VALUE_SIZE], *word, *rest = copy;
	bool negative = words[0] == '!';

	snprintf(copy, sizeof(copy), "%s", words + negative);
	while ((word = strsep(&rest, " \t"))) {
		wanted |= *word != 0;
		any |= *word && !fnmatch(word, text, FNM_CASEFOLD);
	}
	return !wanted || any != negative;
}

static const char *type_of(const struct adapter *adapter)
{
	static const char *const types[] = { "bond", "bridge", "vlan" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(adapter->kind, types[i]))
			return types[i];
	return "ether";
}

/*
 * Before networkd runs: would this file be used for the adapter? Conditions on the
 * machine, and keys that are not known here, are taken as fulfilled.
 */
static bool matches(const char *text, const struct adapter *adapter)
{
	struct ini_line line = { .text = text };
	bool any = false, match = true;
	char value[VALUE_SIZE];

	while (ini_next(&line)) {
		if (!ini_in_section(&line, "Match") || line.header)
			continue;
		if (ini_value(&line, "Name", value, sizeof(value)) ||
		    ini_value(&line, "OriginalName", value, sizeof(value)))
			match &= match_words(value, adapter->name);
		else if (ini_value(&line, "MACAddress", value, sizeof(value)) ||
			 ini_value(&line, "PermanentMACAddress", value, sizeof(value)))
			match &= match_words(value, adapter->mac);
		else if (ini_value(&line, "Type", value, sizeof(value)))
			match &= match_words(value, type_of(adapter));
		else if (ini_value(&line, "Kind", value, sizeof(value)))
			match &= match_words(value, adapter->kind[0] ? adapter->kind : "none");
		else if (ini_value(&line, "Driver", value, sizeof(value)))
			match &= !adapter->guid[0] || match_words(value, "hv_netvsc");
		else
			continue;
		any |= value[0];
	}
	return any && match;
}

/* The file that applies without ours. Return: whether there is one; its path. */
static bool find_source(const struct ip_system *system, const struct adapter *adapter, char *path)
{
	char text[LINK_SIZE], ours[IP_FILES_PATH], key[IP_RECORD_KEY_SIZE];
	struct names names;
	bool found = false;

	snprintf(ours, sizeof(ours), OURS, ip_record_key(adapter, key));
	path[0] = 0;
	if (read_link(system, adapter, text)) {
		file_line_value(text, "NETWORK_FILE", path, IP_FILES_PATH);
		if (path[0] && !strstr(path, "/00-hvkvpd-") && sysroot_exists(system->root, "%s", path))
			return true;
	}
	/* Ours applies already: where that comes from, unless it is gone. */
	if (sysroot_exists(system->root, "%s", ours)) {
		char *copy = ip_files_read(system, ours), *line = copy ? strstr(copy, SOURCE) : NULL;

		if (line)
			snprintf(path, IP_FILES_PATH, "%.*s",
				 (int)strcspn(line + strlen(SOURCE), "\n"), line + strlen(SOURCE));
		free(copy);
		if (line && path[0] && sysroot_exists(system->root, "%s", path))
			return true;
	}
	list_names(system, "", ".network", &names);
	for (size_t i = 0; i < names.count && !found; i++) {
		char *copy;

		if (strstr(names.name[i], "00-hvkvpd-"))
			continue;
		copy = read_first(system, "", names.name[i], path);
		found = copy && copy[0] && matches(copy, adapter);
		free(copy);
	}
	free_names(&names);
	if (!found)
		path[0] = 0;
	return found;
}

static int family_of(const char *text)
{
	return strchr(text, ':') ? IP_V6 : IP_V4;
}

static bool is_default(const char *destination)
{
	return !destination[0] || !strcmp(destination, "0.0.0.0/0") ||
	       !strcmp(destination, "::/0") || !strcmp(destination, "default");
}

/* Behind a gateway that the new addresses do not reach, networkd would wait for ever. */
static bool is_cut_off(const struct ip_plan *plan, int family, const char *gateway, bool onlink)
{
	uint8_t bytes[16] = { 0 };

	return ip_plan_keeps_static(plan, family) && !onlink &&
	       inet_pton(ip_af(family), gateway, bytes) == 1 &&
	       !ip_is_reachable(family, &plan->config.by_family[family], bytes);
}

/* Does the host's setting take the place of a [Route] section? */
static bool replaces_route(const struct ip_plan *plan, const char *section)
{
	char gateway[64], destination[64], table[32], type[32], onlink[8];
	int family;

	ini_get(section, "Route", "Gateway", gateway, sizeof(gateway));
	ini_get(section, "Route", "Destination", destination, sizeof(destination));
	ini_get(section, "Route", "Table", table, sizeof(table));
	ini_get(section, "Route", "Type", type, sizeof(type));
	ini_get(section, "Route", "GatewayOnLink", onlink, sizeof(onlink));
	if (!strcmp(gateway, "_ipv6ra"))
		return false;
	family = !strcmp(gateway, "_dhcp4") ? IP_V4 : family_of(gateway[0] ? gateway : destination);
	if (!ip_plan_keeps(plan, family))
		return false;
	if (gateway[0] == '_')
		return ip_plan_keeps_static(plan, family);
	if (is_default(destination) && (!table[0] || !strcmp(table, "main") || !strcmp(table, "254")) &&
	    (!type[0] || !strcmp(type, "unicast")))
		return true;
	return gateway[0] && is_cut_off(plan, family, gateway, onlink[0] == 'y' || onlink[0] == 't' ||
					onlink[0] == '1' || !strcmp(onlink, "on"));
}

static bool replaces_section(const struct ip_plan *plan, const char *section)
{
	struct ini_line line = { .text = section };
	char address[128];

	if (!ini_next(&line))
		return false;
	if (ini_in_section(&line, "Match"))
		return true;
	if (ini_in_section(&line, "Route"))
		return replaces_route(plan, section);
	if (!ini_in_section(&line, "Address"))
		return false;
	ini_get(section, "Address", "Address", address, sizeof(address));
	return address[0] && ip_plan_keeps(plan, family_of(address));
}

static bool replaces_line(const struct ip_plan *plan, const struct ini_line *line)
{
	char value[VALUE_SIZE];

	if (!ini_in_section(line, "Network"))
		return false;
	if (ini_value(line, "DHCP", value, sizeof(value)))
		return true;
	if (ini_value(line, "Address", value, sizeof(value)) ||
	    ini_value(line, "Gateway", value, sizeof(value)))
		return value[0] && ip_plan_keeps(plan, family_of(value));
	return plan->dns && ini_value(line, "DNS", value, sizeof(value));
}

/* Return: where the section that starts at @text ends. */
static const char *section_end(const char *text)
{
	struct ini_line line = { .text = text };

	while (ini_next(&line))
		if (line.header && line.text != text)
			return line.text;
	return text + strlen(text);
}

/* Copy a file, section by section, but for what the host sets. */
static void copy_file(const struct ip_plan *plan, const char *text, struct strbuf *out)
{
	while (*text) {
		const char *end = section_end(text);
		char *section = strndup(text, end - text);
		struct ini_line line = { .text = section };

		text = end;
		if (!section) {
			out->failed = 1;
			return;
		}
		if (!replaces_section(plan, section))
			while (ini_next(&line))
				if (!replaces_line(plan, &line))
					strbuf_printf(out, "%.*s", (int)line.len, line.text);
		free(section);
	}
	if (out->len && out->text[out->len - 1] != '\n')
		strbuf_printf(out, "\n");
}

/* DHCP= as it was, with the families that the host has set. */
static const char *dhcp_value(const struct ip_plan *plan, const char *before)
{
	static const char *const values[] = { "no", "ipv4", "ipv6", "yes" };
	unsigned int on = 0;

	if (!strcmp(before, "ipv4") || !strcmp(before, "v4"))
		on = HVKVP_FAMILY_V4;
	else if (!strcmp(before, "ipv6") || !strcmp(before, "v6"))
		on = HVKVP_FAMILY_V6;
	else if (before[0] && strchr("ytYT1b", before[0]))
		on = HVKVP_FAMILY_V4 | HVKVP_FAMILY_V6;
	else if (!strcmp(before, "on"))
		on = HVKVP_FAMILY_V4 | HVKVP_FAMILY_V6;
	for (int family = 0; family < IP_FAMILIES; family++) {
		if (!ip_plan_keeps(plan, family))
			continue;
		on &= ~ip_family_bit(family);
		if (plan->mode[family] == IP_MODE_AUTO)
			on |= ip_family_bit(family);
	}
	return values[on];
}

static void render(const struct ip_plan *plan, const char *dhcp_before, struct strbuf *out)
{
	char text[IP_TEXT_SIZE];

	strbuf_printf(out, "\n[Network]\nDHCP=%s\n", dhcp_value(plan, dhcp_before));
	for (int family = 0; family < IP_FAMILIES; family++) {
		const struct ip_family_config *cfg = &plan->config.by_family[family];

		for (unsigned int i = 0; ip_plan_keeps_static(plan, family) && i < cfg->count; i++)
			strbuf_printf(out, "Address=%s\n", ip_text_prefix(family, &cfg->address[i], text));
	}
	for (int family = 0; family < IP_FAMILIES; family++) {
		const struct ip_family_config *cfg = &plan->config.by_family[family];

		for (unsigned int i = 0; plan->dns && i < cfg->dns_count; i++)
			strbuf_printf(out, "DNS=%s\n", ip_text(family, cfg->dns[i], text));
	}
	for (int family = 0; family < IP_FAMILIES; family++) {
		const struct ip_family_config *cfg = &plan->config.by_family[family];

		for (unsigned int i = 0; ip_plan_keeps_static(plan, family) && i < cfg->gateway_count;
		     i++) {
			strbuf_printf(out, "\n[Route]\nGateway=%s\n", ip_text(family, cfg->gateway[i], text));
			if (!ip_is_reachable(family, cfg, cfg->gateway[i]))
				strbuf_printf(out, "GatewayOnLink=yes\n");
			if (i)
				strbuf_printf(out, "Metric=%u\n", ip_link_metric(family, i));
		}
	}
}

/*
 * The VMBus instance is part of the device's path. A virtual function has another, and so
 * has another adapter; MAC addresses and names change.
 */
static void render_match(const struct adapter *adapter, struct strbuf *out)
{
	if (adapter->guid[0] && !adapter->is_master)
		strbuf_printf(out, "[Match]\nProperty=DEVPATH=*/%s/net/*\n\n", adapter->guid);
	else if (adapter->is_master)
		strbuf_printf(out, "[Match]\nName=%s\n\n", adapter->name);
	else
		strbuf_printf(out, "[Match]\nMACAddress=%s\nName=%s\n\n", adapter->mac, adapter->name);
}

static int compile(const struct ip_system *system, const struct ip_plan *plan,
		   struct ip_files *files, struct error *error)
{
	char source[IP_FILES_PATH], path[IP_FILES_PATH], below[IP_FILES_PATH];
	char key[IP_RECORD_KEY_SIZE], dhcp[16] = "", value[16], *text;
	struct strbuf *out;
	struct names names;

	(void)error;
	out = ip_files_add(files, 0644, OURS, ip_record_key(&plan->adapter, key));
	find_source(system, &plan->adapter, source);
	strbuf_printf(out, IP_FILES_BANNER SOURCE "%s\n", source);
	render_match(&plan->adapter, out);
	text = source[0] ? ip_files_read(system, source) : NULL;
	if (text) {
		copy_file(plan, text, out);
		ini_get(text, "Network", "DHCP", dhcp, sizeof(dhcp));
		free(text);
		snprintf(below, sizeof(below), "/%s.d", strrchr(source, '/') + 1);
		list_names(system, below, ".conf", &names);
		for (size_t i = 0; i < names.count; i++) {
			text = read_first(system, below, names.name[i], path);
			if (!text)
				continue;
			copy_file(plan, text, out);
			if (ini_get(text, "Network", "DHCP", value, sizeof(value)))
				strcpy(dhcp, value);
			free(text);
		}
		free_names(&names);
	}
	render(plan, dhcp, out);
	return 0;
}

static int notify(const struct ip_system *system, const struct adapter *adapter, bool dhcp,
		  unsigned int limit_ms, struct error *error)
{
	const uint64_t end = clock_ms() + limit_ms;

	(void)dhcp;
	if (IP_TOOL(system, limit_ms, false, "networkctl", "reload") ||
	    IP_TOOL(system, clock_left(end), false, "networkctl", "reconfigure", adapter->name))
		return error_set(error, -EREMOTEIO, "systemd-networkd does not take the new configuration");
	return 0;
}

static bool accepted(const struct ip_system *system, const struct adapter *adapter)
{
	char text[LINK_SIZE], state[32], file[IP_FILES_PATH], ours[IP_FILES_PATH];
	char key[IP_RECORD_KEY_SIZE];

	if (!read_link(system, adapter, text))
		return false;
	snprintf(ours, sizeof(ours), OURS, ip_record_key(adapter, key));
	file_line_value(text, "ADMIN_STATE", state, sizeof(state));
	file_line_value(text, "NETWORK_FILE", file, sizeof(file));
	return !strcmp(file, ours) && (!strcmp(state, "configured") || !strcmp(state, "configuring"));
}

/* It hands them to systemd-resolved, and to nothing else. */
static bool keeps_dns(const struct ip_system *system)
{
	return sysroot_exists(system->root, "/run/systemd/resolve");
}

const struct ip_manager ip_networkd = {
	.name = "systemd-networkd",
	.in_charge = in_charge,
	.running = running,
	.compile = compile,
	.own = OURS,
	.notify = notify,
	.accepted = accepted,
	.keeps_dns = keeps_dns,
	.matches_instance = true,
};
