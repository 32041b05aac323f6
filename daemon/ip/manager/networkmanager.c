// SPDX-License-Identifier: GPL-2.0-only
/*
 * NetworkManager.
 *
 * The active profile is edited, since bridges, bonds and VLANs refer to each other's
 * profiles by UUID. A profile in /run or /usr/lib (netplan's, or one that NetworkManager
 * made up) gets a copy in /etc with the same UUID, which hides it. Keyfiles are read again
 * only on request, over D-Bus: hence nmcli.
 */
#include <errno.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

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

#define DEVICE_SIZE	8192
#define VALUE_SIZE	1024
#define LOOK_MS		100
#define ETC		"/etc/NetworkManager/system-connections"
#define OURS		ETC "/hvkvpd-%s.nmconnection"

/* The first hides profiles of the same UUID in the others. */
static const char *const folders[] = {
	ETC, "/run/NetworkManager/system-connections",
	"/usr/lib/NetworkManager/system-connections",
};

#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

static bool read_device(const struct ip_system *system, const struct adapter *adapter, char *text)
{
	char path[SYSROOT_PATH_SIZE];

	sysroot_path(system->root, path, "/run/NetworkManager/devices/%u", adapter->index);
	return file_read(path, text, DEVICE_SIZE) > 0;
}

static bool in_charge(const struct ip_system *system, const struct adapter *adapter)
{
	char text[DEVICE_SIZE], managed[16];

	/* Early in a boot, or when an adapter has just come, it has no state of it yet. */
	if (!read_device(system, adapter, text))
		return ip_unit_enabled(system, "NetworkManager.service") &&
		       !interfaces_names(system, adapter->name);
	file_line_value(text, "managed", managed, sizeof(managed));
	return !strcmp(managed, "true");
}

/* Of any device: it has read its profiles before it has state of an adapter that has just come. */
static int running(const struct ip_system *system, const struct adapter *adapter,
		   struct error *error)
{
	char path[SYSROOT_PATH_SIZE];
	struct dirent *entry = NULL;
	DIR *dir;

	(void)adapter;
	(void)error;
	dir = opendir(sysroot_path(system->root, path, "/run/NetworkManager/devices"));
	while (dir && (entry = readdir(dir)) && entry->d_name[0] == '.')
		;
	if (dir)
		closedir(dir);
	return entry != NULL;
}

/* The active profile's UUID, or "". */
static void read_uuid(const struct ip_system *system, const struct adapter *adapter, char *uuid,
		      size_t size)
{
	char text[DEVICE_SIZE];

	uuid[0] = 0;
	if (read_device(system, adapter, text))
		file_line_value(text, "connection-uuid", uuid, size);
}

/* The section has two names. */
static bool read_mac(const char *text, char *mac, size_t size)
{
	return ini_get(text, "ethernet", "mac-address", mac, size) ||
	       ini_get(text, "802-3-ethernet", "mac-address", mac, size);
}

/* How well a profile fits the adapter: 0 not at all; 3 by UUID, 2 by interface, 1 any. */
static int fit(const char *text, const struct adapter *adapter, const char *uuid)
{
	char value[VALUE_SIZE];
	bool named;

	if (ini_get(text, "connection", "uuid", value, sizeof(value)) && uuid[0])
		return strcmp(value, uuid) ? 0 : 3;
	ini_get(text, "connection", "type", value, sizeof(value));
	if (strcmp(value, adapter->is_master ? adapter->kind : "ethernet") &&
	    (adapter->is_master || (strcmp(value, "802-3-ethernet") && strcmp(value, "wired"))))
		return 0;
	if (ini_get(text, "connection", "autoconnect", value, sizeof(value)) && !strcmp(value, "false"))
		return 0;
	named = ini_get(text, "connection", "interface-name", value, sizeof(value));
	if (named)
		return strcmp(value, adapter->name) ? 0 : 2;
	if (read_mac(text, value, sizeof(value)))
		return strcasecmp(value, adapter->mac) ? 0 : 2;
	return uuid[0] || adapter->is_master ? 0 : 1;
}

/* The profile that applies, but @skip. Return: its text, to be freed, and path; or NULL. */
static char *find_profile(const struct ip_system *system, const struct adapter *adapter,
			  const char *uuid, const char *skip, char *path)
{
	char folder[SYSROOT_PATH_SIZE], candidate[IP_FILES_PATH], *best = NULL;
	int best_fit = 0, best_priority = 0;

	for (size_t i = 0; i < FOLDERS; i++) {
		struct dirent *entry;
		DIR *dir = opendir(sysroot_path(system->root, folder, "%s", folders[i]));

		while (dir && (entry = readdir(dir))) {
			char *text, value[16];
			int fits, priority;

			if (entry->d_name[0] == '.' ||
			    (size_t)snprintf(candidate, sizeof(candidate), "%s/%s", folders[i],
					     entry->d_name) >= sizeof(candidate) ||
			    !strcmp(candidate, skip))
				continue;
			text = ip_files_read(system, candidate);
			fits = text ? fit(text, adapter, uuid) : 0;
			priority = text && ini_get(text, "connection", "autoconnect-priority", value,
						   sizeof(value)) ? atoi(value) : 0;
			if (fits > best_fit || (fits && fits == best_fit && priority > best_priority)) {
				free(best);
				best = text;
				best_fit = fits;
				best_priority = priority;
				strcpy(path, candidate);
			} else {
				free(text);
			}
		}
		if (dir)
			closedir(dir);
	}
	return best;
}

static bool is_default_route(const char *value)
{
	return !strncmp(value, "0.0.0.0/0", 9) || !strncmp(value, "::/0", 4);
}

/* Is route @number of a section a default route? */
static bool has_default_route(const char *text, const char *section, int number)
{
	char key[24], value[VALUE_SIZE];

	snprintf(key, sizeof(key), number < 0 ? "route" : "route%d", number);
	if (!ini_get(text, section, key, value, sizeof(value))) {
		snprintf(key, sizeof(key), number < 0 ? "routes" : "routes%d", number);
		ini_get(text, section, key, value, sizeof(value));
	}
	return is_default_route(value);
}

/* Does the host's setting take the place of a line of [ipv4] or [ipv6]? */
static bool replaces_line(const struct ip_plan *plan, int family, const char *text,
			  const struct ini_line *line)
{
	const char *section = family == IP_V4 ? "ipv4" : "ipv6";
	char value[VALUE_SIZE];
	int number;

	if ((plan->dns || plan->dns_before) && ini_value(line, "dns", value, sizeof(value)))
		return true;
	if (!ip_plan_keeps(plan, family))
		return false;
	if (ini_value(line, "method", value, sizeof(value)) ||
	    ini_value(line, "gateway", value, sizeof(value)) ||
	    ini_key_like(line, "address", &number) || ini_key_like(line, "addresses", &number))
		return true;
	if (ini_value(line, "never-default", value, sizeof(value)))
		return plan->config.by_family[family].gateway_count > 0;
	if (ini_key_like(line, "route", &number) || ini_key_like(line, "routes", &number))
		return has_default_route(text, section, number);
	/* route1_options= goes with route1=. */
	if (sscanf(line->text, " route%d_options", &number) == 1)
		return has_default_route(text, section, number);
	return false;
}

/* The first number that no route of the section has. */
static int free_route(const char *text, const char *section)
{
	struct ini_line line = { .text = text };
	int number, next = 1;

	while (ini_next(&line))
		if (ini_in_section(&line, section) &&
		    (ini_key_like(&line, "route", &number) || ini_key_like(&line, "routes", &number)) &&
		    number >= next)
			next = number + 1;
	return next;
}

static void render_family(const struct ip_plan *plan, int family, const char *text,
			  struct strbuf *out)
{
	const struct ip_family_config *cfg = &plan->config.by_family[family];
	const char *section = family == IP_V4 ? "ipv4" : "ipv6";
	bool fixed = ip_plan_keeps_static(plan, family);
	int route = free_route(text, section);
	char one[IP_TEXT_SIZE], method[32];

	ini_get(text, section, "method", method, sizeof(method));
	if (ip_plan_keeps(plan, family)) {
		strcpy(method, fixed ? "manual" : "auto");
		strbuf_printf(out, "method=%s\n", method);
	}
	for (unsigned int i = 0; fixed && i < cfg->count; i++)
		strbuf_printf(out, "address%u=%s\n", i + 1, ip_text_prefix(family, &cfg->address[i], one));
	for (unsigned int i = 0; fixed && i < cfg->gateway_count; i++) {
		ip_text(family, cfg->gateway[i], one);
		if (!i)
			strbuf_printf(out, "gateway=%s\n", one);
		else
			strbuf_printf(out, "route%d=%s,%s,%u\n", route++,
				      family == IP_V4 ? "0.0.0.0/0" : "::/0", one,
				      ip_link_metric(IP_V6, i));
	}
	/* A family that is off must have none. */
	if (!plan->dns || !cfg->dns_count || !strcmp(method, "disabled") || !strcmp(method, "ignore"))
		return;
	strbuf_printf(out, "dns=");
	for (unsigned int i = 0; i < cfg->dns_count; i++)
		strbuf_printf(out, "%s;", ip_text(family, cfg->dns[i], one));
	strbuf_printf(out, "\n");
}

static bool in_ethernet(const struct ini_line *line)
{
	return ini_in_section(line, "ethernet") || ini_in_section(line, "802-3-ethernet");
}

/*
 * It must not be used for another adapter, nor cease to be used because the adapter has a
 * new MAC address: the interface's name, which is renewed, takes the place of both.
 */
static bool is_match(const struct ip_plan *plan, const struct ini_line *line)
{
	const struct adapter *adapter = &plan->adapter;
	char value[VALUE_SIZE];

	if (ini_in_section(line, "connection"))
		return ini_value(line, "interface-name", value, sizeof(value));
	return adapter->guid[0] && !adapter->is_master && in_ethernet(line) &&
	       ini_value(line, "mac-address", value, sizeof(value));
}

/* A profile with the host's settings; see also new_profile(). */
static void edit(const struct ip_plan *plan, const char *text, struct strbuf *out)
{
	struct ini_line line = { .text = text };
	bool seen[IP_FAMILIES] = { false };

	while (ini_next(&line)) {
		int family = ini_in_section(&line, "ipv4") ? IP_V4 :
			     ini_in_section(&line, "ipv6") ? IP_V6 : -1;

		/* What NetworkManager notes about a file in /run. */
		if (ini_in_section(&line, ".nmmeta"))
			continue;
		if (is_match(plan, &line))
			continue;
		if (ini_in_section(&line, "connection")) {
			strbuf_printf(out, "%.*s", (int)line.len, line.text);
			if (line.header)
				strbuf_printf(out, "interface-name=%s\n", plan->adapter.name);
			continue;
		}
		if (family >= 0 && !line.header && replaces_line(plan, family, text, &line))
			continue;
		strbuf_printf(out, "%.*s", (int)line.len, line.text);
		if (family >= 0 && line.header) {
			render_family(plan, family, text, out);
			seen[family] = true;
		}
	}
	if (out->len && out->text[out->len - 1] != '\n')
		strbuf_printf(out, "\n");
	for (int family = 0; family < IP_FAMILIES; family++)
		if (!seen[family] && (ip_plan_keeps(plan, family) || plan->dns)) {
			strbuf_printf(out, "\n[ipv%d]\n", family == IP_V4 ? 4 : 6);
			if (!ip_plan_keeps(plan, family))
				strbuf_printf(out, "method=auto\n");
			render_family(plan, family, "", out);
		}
}

/* The adapter has no profile. The same id for the same adapter: its instance or MAC. */
static void new_profile(const struct ip_plan *plan, const char *key, struct strbuf *text)
{
	const struct adapter *adapter = &plan->adapter;
	unsigned int m[6] = { 0 };

	sscanf(adapter->mac, "%2x:%2x:%2x:%2x:%2x:%2x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]);
	strbuf_printf(text, IP_FILES_BANNER "[connection]\nid=hvkvpd-%s\n", key);
	if (adapter->guid[0])
		strbuf_printf(text, "uuid=%s\n", adapter->guid);
	else
		strbuf_printf(text, "uuid=68766b76-7064-8000-8000-%02x%02x%02x%02x%02x%02x\n",
			      m[0], m[1], m[2], m[3], m[4], m[5]);
	strbuf_printf(text, "type=ethernet\n\n[ethernet]\n");
}

static void render(const struct ip_plan *plan, const char *base, bool ours, struct strbuf *out)
{
	/* It has it already where ours is all that there is. */
	if (ours && strncmp(base, IP_FILES_BANNER, strlen(IP_FILES_BANNER)))
		strbuf_printf(out, IP_FILES_BANNER);
	edit(plan, base, out);
}

/*
 * What the host's settings are to be put into: the profile as it was before the first of
 * them, unless the user has changed it since. Takes @profile. Return: to be freed.
 */
static char *find_base(const struct ip_record *record, bool ours, char *profile, char *before)
{
	struct strbuf made = { 0 };
	bool same;

	if (!before)
		return profile;
	render(&record->plan, before, ours, &made);
	same = made.text && !strcmp(made.text, profile);
	strbuf_free(&made);
	free(same ? profile : before);
	return same ? before : profile;
}

/* What was written for the host's last setting. Return: its text, to be freed, and path. */
static char *find_recorded(const struct ip_system *system, const struct ip_record *record,
			   const char *ours, char *path)
{
	snprintf(path, IP_FILES_PATH, "%s", record->target[0] ? record->target : ours);
	return sysroot_exists(system->root, "%s", path) ? ip_files_read(system, path) : NULL;
}

static int compile(const struct ip_system *system, const struct ip_plan *plan,
		   struct ip_files *files, struct error *error)
{
	char uuid[64], path[IP_FILES_PATH] = "", other[IP_FILES_PATH] = "";
	char key[IP_RECORD_KEY_SIZE], ours[IP_FILES_PATH], before_path[IP_FILES_PATH];
	char *profile = NULL, *before = NULL, *base;
	struct ip_plan clean = *plan;
	struct strbuf fresh = { 0 };
	struct ip_record record;
	bool is_ours, recorded;

	ip_record_key(&plan->adapter, key);
	snprintf(ours, sizeof(ours), OURS, key);
	ip_record_before_path(system, key, before_path);
	read_uuid(system, &plan->adapter, uuid, sizeof(uuid));
	recorded = !ip_record_read(system, key, &record);
	/* Early in a boot, where the interface may have a new name. */
	if (recorded && !uuid[0])
		profile = find_recorded(system, &record, ours, path);
	if (!profile)
		profile = find_profile(system, &plan->adapter, uuid, "", path);
	if (!profile && uuid[0])
		return error_set(error, -EOPNOTSUPP, "the active profile of NetworkManager is no keyfile: convert it by \"nmcli connection migrate\"");
	if (!profile && plan->adapter.is_master)
		return error_set(error, -EOPNOTSUPP, "NetworkManager has no profile for the bond, bridge or team");
	if (!profile) {
		new_profile(plan, key, &fresh);
		render(plan, fresh.text ? fresh.text : "", true, ip_files_add(files, 0600, "%s", ours));
		strbuf_free(&fresh);
		return 0;
	}
	is_ours = strncmp(path, ETC "/", strlen(ETC) + 1) || !strcmp(path, ours);
	if (recorded && !strcmp(path, ours))
		before = uuid[0] ? find_profile(system, &plan->adapter, uuid, ours, other) : NULL;
	else if (recorded && !strcmp(record.target, path))
		before = ip_files_read(system, before_path);
	base = find_base(&record, is_ours, profile, before);
	/* That has no name servers of the host's. */
	clean.dns_before &= base != before;
	render(&clean, base, is_ours, ip_files_add(files, 0600, "%s", is_ours ? ours : path));
	if (!is_ours) {
		strcpy(files->target, path);
		/* As it was before the host's first setting. */
		if (!before)
			strbuf_printf(ip_files_add(files, 0600, "%s", before_path), "%s", base);
	}
	free(base);
	return 0;
}

/* The sections of @now, with [ipv4] and [ipv6] of @before where the host set that family. */
static void merge_back(const struct ip_plan *plan, const char *now, const char *before,
		       struct strbuf *out)
{
	struct ini_line line = { .text = now };
	char name[VALUE_SIZE];
	bool named = ini_get(before, "connection", "interface-name", name, sizeof(name));
	char mac[VALUE_SIZE];
	bool pinned = !read_mac(now, mac, sizeof(mac)) && read_mac(before, mac, sizeof(mac));

	while (ini_next(&line)) {
		char value[VALUE_SIZE];
		int family = ini_in_section(&line, "ipv4") ? IP_V4 :
			     ini_in_section(&line, "ipv6") ? IP_V6 : -1;

		if (ini_in_section(&line, "connection") &&
		    ini_value(&line, "interface-name", value, sizeof(value))) {
			if (named)
				strbuf_printf(out, "interface-name=%s\n", name);
			continue;
		}
		if (family < 0 || !(plan->dns || ip_plan_keeps(plan, family)))
			strbuf_printf(out, "%.*s", (int)line.len, line.text);
		if (pinned && line.header && in_ethernet(&line))
			strbuf_printf(out, "mac-address=%s\n", mac);
	}
	line = (struct ini_line){ .text = before };
	while (ini_next(&line)) {
		int family = ini_in_section(&line, "ipv4") ? IP_V4 :
			     ini_in_section(&line, "ipv6") ? IP_V6 : -1;

		if (family >= 0 && (plan->dns || ip_plan_keeps(plan, family)))
			strbuf_printf(out, "%.*s", (int)line.len, line.text);
	}
}

static void revert(const struct ip_system *system, const struct ip_record *record,
		   const char *key, struct ip_files *files)
{
	char path[IP_FILES_PATH], *before, *now;
	struct strbuf ours = { 0 };

	ip_record_before_path(system, key, path);
	before = ip_files_read(system, path);
	now = record->target[0] ? ip_files_read(system, record->target) : NULL;
	if (before && now) {
		struct strbuf *out = ip_files_add(files, 0600, "%s", record->target);

		/* Byte for byte, unless it was changed since. */
		render(&record->plan, before, false, &ours);
		if (ours.text && !strcmp(ours.text, now))
			strbuf_printf(out, "%s", before);
		else
			merge_back(&record->plan, now, before, out);
		strbuf_free(&ours);
	}
	ip_files_remove(files, "%s", path);
	free(before);
	free(now);
}

/* An adapter that has just come: NetworkManager knows it when udev is done with it. */
static void await_device(const struct ip_system *system, const struct adapter *adapter,
			 uint64_t end)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
	char text[DEVICE_SIZE];

	while (!read_device(system, adapter, text) && clock_left(end))
		nanosleep(&pause, NULL);
}

static int notify(const struct ip_system *system, const struct adapter *adapter, bool dhcp,
		  unsigned int limit_ms, struct error *error)
{
	/* A DHCP server may not be there yet; static addresses take a second or two. */
	const char *wait = dhcp ? "0" : "5", *profile_uuid = NULL;
	char uuid[64], path[IP_FILES_PATH] = "", value[64], *profile;
	const uint64_t end = clock_ms() + limit_ms;

	read_uuid(system, adapter, uuid, sizeof(uuid));
	profile = find_profile(system, adapter, uuid, "", path);
	if (profile && ini_get(profile, "connection", "uuid", value, sizeof(value)))
		profile_uuid = value;
	else if (uuid[0])
		profile_uuid = uuid;
	free(profile);
	if (!path[0])
		return error_set(error, -EREMOTEIO, "NetworkManager has no profile for the adapter");
	if (IP_TOOL(system, limit_ms, false, "nmcli", "connection", "load", path))
		return error_set(error, -EREMOTEIO, "NetworkManager does not load the profile");
	if (!uuid[0]) {
		await_device(system, adapter, clock_ms() + clock_left(end) / 2);
		read_uuid(system, adapter, uuid, sizeof(uuid));
	}
	/* Where it can, without taking the interface, or what is in the bridge, down. */
	if (uuid[0] &&
	    !IP_TOOL(system, clock_left(end), false, "nmcli", "device", "reapply", adapter->name))
		return 0;
	if (profile_uuid ?
	    IP_TOOL(system, clock_left(end), false, "nmcli", "--wait", wait, "connection", "up",
		    "uuid", profile_uuid, "ifname", adapter->name) :
	    IP_TOOL(system, clock_left(end), false, "nmcli", "--wait", wait, "device", "connect",
		    adapter->name))
		return error_set(error, -EREMOTEIO, "NetworkManager does not take the new configuration");
	return 0;
}

/* Its state names the profile that is active; that is the one that was written. */
static bool accepted(const struct ip_system *system, const struct adapter *adapter)
{
	char uuid[64], path[IP_FILES_PATH] = "";

	read_uuid(system, adapter, uuid, sizeof(uuid));
	if (uuid[0])
		free(find_profile(system, adapter, uuid, "", path));
	return !strncmp(path, ETC "/", strlen(ETC) + 1);
}

static bool keeps_dns(const struct ip_system *system)
{
	(void)system;
	return true;
}

const struct ip_manager ip_networkmanager = {
	.name = "NetworkManager",
	.in_charge = in_charge,
	.running = running,
	.compile = compile,
	.own = OURS,
	.revert = revert,
	.notify = notify,
	.accepted = accepted,
	.keeps_dns = keeps_dns,
};
