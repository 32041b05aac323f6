// SPDX-License-Identifier: GPL-2.0-only
/*
 * ConnMan.
 *
 * It has a service for each adapter, named by its MAC address, whose settings it reads
 * when the adapter appears and writes again when they change. They are edited for its
 * next start; as long as it runs, connmanctl gives it the same settings. That never
 * fails, so its own view of the service is compared afterwards.
 *
 * A provisioning file would do less: it makes the service immutable for the user, and
 * when it goes, all of the service's addresses are reset.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ip/budget.h"
#include "ip/manager/ini.h"
#include "ip/manager/manager.h"
#include "ip/system.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/strbuf.h"
#include "util/sysroot.h"

#define VIEW_SIZE	8192
#define VALUE_SIZE	1024
#define SERVICE_SIZE	40
/* What a command may take that only asks. */
#define STATE_MS	5000
#define LOOK_MS		100
/* Name servers: as many as fit into one command. */
#define DNS_MAX		8
/* How long after a change the order of services may change. */
#define ORDER_MS	1000
#define SETTINGS	"/var/lib/connman/%s/settings"

static const char *const family_key[IP_FAMILIES] = { "IPv4", "IPv6" };

/* The adapter's service. */
static char *service_of(const struct adapter *adapter, char *service)
{
	size_t len = snprintf(service, SERVICE_SIZE, "ethernet_");

	for (const char *mac = adapter->mac; *mac; mac++)
		if (*mac != ':')
			service[len++] = tolower((unsigned char)*mac);
	strcpy(service + len, "_cable");
	return service;
}

static char *settings_path(const struct adapter *adapter, char *path)
{
	char service[SERVICE_SIZE];

	snprintf(path, IP_FILES_PATH, SETTINGS, service_of(adapter, service));
	return path;
}

static bool in_charge(const struct ip_system *system, const struct adapter *adapter)
{
	(void)adapter;
	/* The folder alone is made at boot where the package is installed. */
	return ip_unit_enabled(system, "connman.service") ||
	       sysroot_exists(system->root, "/run/connman/resolv.conf");
}

/*
 * Without ConnMan, or without D-Bus, its command ends at once: it fails, or prints nothing on
 * standard output. One that does not end says nothing about ConnMan, which would write its
 * own settings over ours later.
 */
static int running(const struct ip_system *system, const struct adapter *adapter,
		   struct error *error)
{
	char view[VIEW_SIZE];
	int ret = IP_TOOL_OUTPUT(system, STATE_MS, view, sizeof(view), "connmanctl", "state");

	(void)adapter;
	if (ret < 0)
		return error_set(error, ret, "whether ConnMan runs is not known: connmanctl: %s",
				 ret == -ETIMEDOUT ? "no answer" : strerror(-ret));
	return !ret && strstr(view, "State =");
}

/**
 * struct setting - what a service has of one family
 * @method: "manual", "dhcp", "auto" or "off"
 * @address: "" but for "manual"
 * @prefix: length
 * @gateway: "" for none
 */
struct setting {
	char method[16];
	char address[INET6_ADDRSTRLEN];
	unsigned int prefix;
	char gateway[INET6_ADDRSTRLEN];
};

/**
 * struct settings - what a service has
 * @family: of each family
 * @privacy: of IPv6
 * @dns: name servers, each with a ';' behind it
 */
struct settings {
	struct setting family[IP_FAMILIES];
	char privacy[16];
	char dns[VALUE_SIZE];
};

static void get(const char *text, int family, const char *key, char *value, size_t size)
{
	struct ini_line line = { .text = text };
	char full[48];

	value[0] = 0;
	snprintf(full, sizeof(full), "%s%s%s", family < 0 ? "" : family_key[family],
		 family < 0 ? "" : ".", key);
	while (ini_next(&line))
		ini_value(&line, full, value, size);
}

static void parse(const char *text, struct settings *settings)
{
	char prefix[8];

	memset(settings, 0, sizeof(*settings));
	for (int family = 0; family < IP_FAMILIES; family++) {
		struct setting *one = &settings->family[family];

		get(text, family, "method", one->method, sizeof(one->method));
		if (!one->method[0])
			strcpy(one->method, family == IP_V4 ? "dhcp" : "auto");
		if (strcmp(one->method, "manual"))
			continue;
		get(text, family, "local_address", one->address, sizeof(one->address));
		get(text, family, "netmask_prefixlen", prefix, sizeof(prefix));
		get(text, family, "gateway", one->gateway, sizeof(one->gateway));
		one->prefix = strtoul(prefix, NULL, 10);
	}
	get(text, IP_V6, "privacy", settings->privacy, sizeof(settings->privacy));
	get(text, -1, "Nameservers", settings->dns, sizeof(settings->dns));
}

static unsigned int count_dns(const char *list)
{
	unsigned int count = 0;

	for (; *list; list += strcspn(list, ";"), list += *list == ';')
		count += *list != ';';
	return count;
}

static void print_dns(const struct ip_config *config, struct strbuf *out)
{
	char text[IP_TEXT_SIZE];

	for (int family = 0; family < IP_FAMILIES; family++)
		for (unsigned int i = 0; i < config->by_family[family].dns_count; i++)
			strbuf_printf(out, "%s;", ip_text(family, config->by_family[family].dns[i], text));
}

/* With what the host wants. */
static void merge(const struct ip_plan *plan, struct settings *settings)
{
	struct strbuf dns = { 0 };

	for (int family = 0; family < IP_FAMILIES; family++) {
		const struct ip_family_config *cfg = &plan->config.by_family[family];
		struct setting *one = &settings->family[family];
		char text[IP_TEXT_SIZE];

		if (!ip_plan_keeps(plan, family))
			continue;
		*one = (struct setting){ .prefix = 0 };
		strcpy(one->method, family == IP_V4 ? "dhcp" : "auto");
		if (!ip_plan_keeps_static(plan, family) || !cfg->count || !cfg->gateway_count)
			continue;
		strcpy(one->method, "manual");
		one->prefix = cfg->address[0].prefix;
		snprintf(one->address, sizeof(one->address), "%s",
			 ip_text(family, cfg->address[0].bytes, text));
		snprintf(one->gateway, sizeof(one->gateway), "%s", ip_text(family, cfg->gateway[0], text));
	}
	if (!plan->dns)
		return;
	print_dns(&plan->config, &dns);
	snprintf(settings->dns, sizeof(settings->dns), "%s", dns.text ? dns.text : "");
	strbuf_free(&dns);
}

/* What the service of an adapter is to have: the file, and what the host has set. */
static void read_wanted(const struct ip_system *system, const struct adapter *adapter,
			struct settings *wanted)
{
	char path[IP_FILES_PATH], *text = ip_files_read(system, settings_path(adapter, path));
	struct ip_record record;

	parse(text ? text : "", wanted);
	free(text);
	if (!ip_record_find(system, adapter, &record))
		merge(&record.plan, wanted);
}

/* A key of a family, but for IPv6.privacy, which is not ours. */
static bool is_of_family(const struct ini_line *line, int family)
{
	static const char *const keys[] = { "method", "netmask_prefixlen", "local_address", "gateway" };
	char key[48], value[VALUE_SIZE];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(key, sizeof(key), "%s.%s", family_key[family], keys[i]);
		if (ini_value(line, key, value, sizeof(value)))
			return true;
	}
	return false;
}

static bool is_dns(const struct ini_line *line)
{
	char value[VALUE_SIZE];

	return ini_value(line, "Nameservers", value, sizeof(value));
}

static void render_family(const struct settings *settings, int family, struct strbuf *out)
{
	const struct setting *one = &settings->family[family];
	const char *key = family_key[family];

	strbuf_printf(out, "%s.method=%s\n", key, one->method);
	if (!one->address[0])
		return;
	strbuf_printf(out, "%s.netmask_prefixlen=%u\n%s.local_address=%s\n", key, one->prefix, key,
		      one->address);
	if (one->gateway[0])
		strbuf_printf(out, "%s.gateway=%s\n", key, one->gateway);
}

/*
 * A settings file of which some is replaced: the families, and the name servers, that
 * the host has set.
 */
static void edit(const char *text, const char *service, const struct ip_plan *plan,
		 const struct settings *settings, struct strbuf *out)
{
	struct ini_line line = { .text = text };
	bool done[IP_FAMILIES] = { false }, dns_done = false;

	strbuf_printf(out, "[%s]\n", service);
	while (ini_next(&line)) {
		bool ours = false;

		for (int family = 0; family < IP_FAMILIES; family++) {
			if (!ip_plan_keeps(plan, family) || !is_of_family(&line, family))
				continue;
			if (!done[family])
				render_family(settings, family, out);
			done[family] = ours = true;
		}
		if (plan->dns && is_dns(&line)) {
			if (!dns_done && settings->dns[0])
				strbuf_printf(out, "Nameservers=%s\n", settings->dns);
			dns_done = ours = true;
		}
		if (!ours && !line.header)
			strbuf_printf(out, "%.*s", (int)line.len, line.text);
	}
	if (out->text && out->text[out->len - 1] != '\n')
		strbuf_printf(out, "\n");
	for (int family = 0; family < IP_FAMILIES; family++)
		if (ip_plan_keeps(plan, family) && !done[family])
			render_family(settings, family, out);
	if (plan->dns && !dns_done && settings->dns[0])
		strbuf_printf(out, "Nameservers=%s\n", settings->dns);
}

static int check(const struct ip_plan *plan, struct error *error)
{
	unsigned int dns = 0;

	if (plan->adapter.is_master)
		return error_set(error, -EOPNOTSUPP, "ConnMan does not manage the %s that the adapter is in",
				 plan->adapter.kind);
	for (int family = 0; family < IP_FAMILIES; family++) {
		const struct ip_family_config *cfg = &plan->config.by_family[family];

		if (!ip_plan_keeps_static(plan, family))
			continue;
		/* Without a gateway it makes a default route all the same, to nowhere. */
		if (cfg->count != 1 || cfg->gateway_count != 1)
			return error_set(error, -EOPNOTSUPP,
					 "ConnMan keeps one IPv%d address with one gateway for an adapter, not %u with %u",
					 family == IP_V4 ? 4 : 6, cfg->count, cfg->gateway_count);
	}
	for (int family = 0; plan->dns && family < IP_FAMILIES; family++)
		dns += plan->config.by_family[family].dns_count;
	if (dns > DNS_MAX)
		return error_set(error, -EOPNOTSUPP,
				 "ConnMan is given %d name servers of an adapter at most, not %u", DNS_MAX,
				 dns);
	return 0;
}

static int compile(const struct ip_system *system, const struct ip_plan *plan,
		   struct ip_files *files, struct error *error)
{
	char key[IP_RECORD_KEY_SIZE], service[SERVICE_SIZE], path[IP_FILES_PATH];
	char before_path[IP_FILES_PATH], file[64], *text;
	struct settings settings;
	struct ip_record record;
	bool moved, recorded;
	int err = check(plan, error);

	if (err)
		return err;
	ip_record_key(&plan->adapter, key);
	settings_path(&plan->adapter, path);
	recorded = !ip_record_read(system, key, &record) && record.target[0] &&
		   !strcmp(record.manager, ip_connman.name);
	moved = recorded && strcmp(record.target, path);
	/* The adapter has a new MAC address, and so a new service: it takes the settings along. */
	text = ip_files_read(system, moved ? record.target : path);
	if (moved && text)
		ip_files_remove(files, "%s", record.target);
	else if (moved)
		text = ip_files_read(system, path);
	get(text ? text : "", -1, "Config.file", file, sizeof(file));
	if (file[0]) {
		free(text);
		return error_set(error, -EOPNOTSUPP,
				 "ConnMan has the addresses from /var/lib/connman/%s.config, which no other program can change: change that file, or remove it",
				 file);
	}
	parse(text ? text : "", &settings);
	/* It could not be given back. */
	if (plan->dns && !recorded && count_dns(settings.dns) > DNS_MAX) {
		free(text);
		return error_set(error, -EOPNOTSUPP,
				 "the adapter has more than %d name servers in ConnMan: remove some",
				 DNS_MAX);
	}
	merge(plan, &settings);
	edit(text ? text : "", service_of(&plan->adapter, service), plan, &settings,
	     ip_files_add(files, 0600, "%s", path));
	strcpy(files->target, path);
	/* As it was before the host's first setting; what another manager left is not that. */
	ip_record_before_path(system, key, before_path);
	if (!recorded || !sysroot_exists(system->root, "%s", before_path))
		strbuf_printf(ip_files_add(files, 0600, "%s", before_path), "%s", text ? text : "");
	free(text);
	return 0;
}

static void revert(const struct ip_system *system, const struct ip_record *record,
		   const char *key, struct ip_files *files)
{
	char before_path[IP_FILES_PATH], service[SERVICE_SIZE], *before, *now;
	struct settings settings;

	before = ip_files_read(system, ip_record_before_path(system, key, before_path));
	now = ip_files_read(system, record->target);
	/* Without the one, it is taken back already. */
	if (before && now && sscanf(record->target, "/var/lib/connman/%39[^/]", service) == 1) {
		parse(before, &settings);
		edit(now, service, &record->plan, &settings,
		     ip_files_add(files, 0600, "%s", record->target));
	}
	ip_files_remove(files, "%s", before_path);
	free(before);
	free(now);
}

/* What it says of a service; false if it has none of that name, or does not answer. */
static bool read_view(const struct ip_system *system, const struct adapter *adapter,
		      unsigned int limit_ms, char *view)
{
	char service[SERVICE_SIZE];

	return !IP_TOOL_OUTPUT(system, limit_ms, view, VIEW_SIZE, "connmanctl", "services",
			       service_of(adapter, service)) && strstr(view, "IPv4.Configuration = ");
}

/* "KEY = [ VALUE ]" of its view. */
static void view_list(const char *view, const char *key, char *value, size_t size)
{
	const char *at = strstr(view, key);

	at = at ? strchr(at, '[') : NULL;
	snprintf(value, size, "%.*s", at ? (int)strcspn(at, "\n") : 0, at ? at : "");
}

/* Is "NAME=VALUE" one of the elements of a list? An element that is not there is "". */
static bool has_element(const char *list, const char *name, const char *value)
{
	char key[32], found[INET6_ADDRSTRLEN] = "";
	const char *at;

	snprintf(key, sizeof(key), " %s=", name);
	at = strstr(list, key);
	if (at)
		snprintf(found, sizeof(found), "%.*s", (int)strcspn(at + strlen(key), ", "),
			 at + strlen(key));
	return !strcmp(found, value);
}

static bool has_family(const char *view, int family, const struct setting *wanted)
{
	char list[VALUE_SIZE], prefix[INET_ADDRSTRLEN] = "";
	uint8_t mask[4];

	view_list(view, family == IP_V4 ? "IPv4.Configuration = " : "IPv6.Configuration = ", list,
		  sizeof(list));
	if (!has_element(list, "Method", wanted->method))
		return false;
	if (strcmp(wanted->method, "manual"))
		return true;
	snprintf(prefix, sizeof(prefix), "%u", wanted->prefix);
	if (family == IP_V4 && wanted->prefix <= 32) {
		ip_mask_of_prefix(wanted->prefix, mask);
		inet_ntop(AF_INET, mask, prefix, sizeof(prefix));
	}
	return has_element(list, "Address", wanted->address) &&
	       has_element(list, family == IP_V4 ? "Netmask" : "PrefixLength", prefix) &&
	       has_element(list, "Gateway", wanted->gateway);
}

/* The same name servers in the same order: ';' in the one is ", " in the other. */
static bool has_dns(const char *view, const char *wanted)
{
	char list[VALUE_SIZE];
	const char *at = list;

	view_list(view, "Nameservers.Configuration = ", list, sizeof(list));
	at += strspn(at, "[ ,");
	while (*wanted) {
		size_t len = strcspn(wanted, ";");

		if (strncmp(at, wanted, len) || !strchr(" ,]", at[len]))
			return false;
		at += len + strspn(at + len, " ,");
		wanted += len + (wanted[len] == ';');
	}
	return *at == ']' || !*at;
}

static void set_family(const struct ip_system *system, const char *service, int family,
		       const struct settings *wanted, unsigned int limit_ms)
{
	const struct setting *one = &wanted->family[family];
	const char *which = family == IP_V4 ? "ipv4" : "ipv6", *privacy = wanted->privacy;
	char prefix[INET_ADDRSTRLEN];
	uint8_t mask[4];

	snprintf(prefix, sizeof(prefix), "%u", one->prefix);
	if (family == IP_V4) {
		ip_mask_of_prefix(one->prefix <= 32 ? one->prefix : 32, mask);
		inet_ntop(AF_INET, mask, prefix, sizeof(prefix));
		privacy = "";
	}
	if (strcmp(one->method, "manual"))
		IP_TOOL(system, limit_ms, false, "connmanctl", "config", service, which, one->method,
			family == IP_V6 && !strcmp(one->method, "auto") && privacy[0] ? privacy : NULL);
	else
		IP_TOOL(system, limit_ms, false, "connmanctl", "config", service, which, "manual",
			one->address, prefix, one->gateway[0] ? one->gateway : NULL,
			privacy[0] ? privacy : NULL);
}

static void set_dns(const struct ip_system *system, const char *service, const char *dns,
		    unsigned int limit_ms)
{
	const char *words[4 + DNS_MAX + 1] = { "connmanctl", "config", service, "nameservers" };
	char copy[VALUE_SIZE], *word, *rest = copy;
	size_t n = 4;

	snprintf(copy, sizeof(copy), "%s", dns);
	while ((word = strsep(&rest, ";")) && n < 4 + DNS_MAX)
		if (*word)
			words[n++] = word;
	ip_tool(system, limit_ms, false, NULL, words);
}

/*
 * The service that has the default route: the first of several. Return: 1; 0 if there is one
 * service only; -errno.
 */
static int first_service(const struct ip_system *system, unsigned int limit_ms, char *service)
{
	char list[VIEW_SIZE], *line, *word;
	int ret = IP_TOOL_OUTPUT(system, ip_budget(limit_ms, STATE_MS), list, sizeof(list),
				 "connmanctl", "services");

	service[0] = 0;
	if (ret)
		return ret < 0 ? ret : -EREMOTEIO;
	line = strchr(list, '\n');
	if (!line || !line[1])
		return 0;
	*line = 0;
	word = strrchr(list, ' ');
	snprintf(service, SERVICE_SIZE, "%.*s", SERVICE_SIZE - 1, word ? word + 1 : list);
	return 1;
}

/*
 * A service that changes falls behind the others, and the default route goes to another
 * adapter. Return: 0 or -errno.
 */
static int keep_first(const struct ip_system *system, const char *service, uint64_t end)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
	const uint64_t until = clock_ms() + ORDER_MS;
	char first[SERVICE_SIZE];
	int ret;

	do {
		ret = first_service(system, clock_left(end), first);
		if (ret <= 0)
			return ret;
		if (strcmp(first, service)) {
			ret = IP_TOOL(system, clock_left(end), false, "connmanctl", "move-before",
				      service, first);
			return ret > 0 ? -EREMOTEIO : ret;
		}
		nanosleep(&pause, NULL);
	} while (clock_left(until) && clock_left(end));
	return 0;
}

static bool has_all(const char *view, const struct settings *wanted)
{
	for (int family = 0; family < IP_FAMILIES; family++)
		if (!has_family(view, family, &wanted->family[family]))
			return false;
	return has_dns(view, wanted->dns);
}

/* Its command says nothing when it is refused: until the view is what it is to be. */
static bool await_view(const struct ip_system *system, const struct adapter *adapter,
		       const struct settings *wanted, uint64_t end)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
	char view[VIEW_SIZE];

	while (!read_view(system, adapter, clock_left(end), view) || !has_all(view, wanted)) {
		if (!clock_left(end))
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static int notify(const struct ip_system *system, const struct adapter *adapter, bool dhcp,
		  unsigned int limit_ms, struct error *error)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
	const uint64_t end = clock_ms() + limit_ms;
	char view[VIEW_SIZE], service[SERVICE_SIZE], first[SERVICE_SIZE];
	struct settings wanted;
	bool changes = false;
	int ret;

	(void)dhcp;
	service_of(adapter, service);
	read_wanted(system, adapter, &wanted);
	/* Of an adapter that has just come it has none yet. */
	while (!read_view(system, adapter, clock_left(end), view)) {
		if (!clock_left(end))
			return error_set(error, -EREMOTEIO, "ConnMan has no service %s", service);
		nanosleep(&pause, NULL);
	}
	ret = first_service(system, clock_left(end), first);
	if (ret < 0)
		return error_set(error, ret, "ConnMan does not list its services");
	for (int family = 0; family < IP_FAMILIES; family++) {
		if (has_family(view, family, &wanted.family[family]))
			continue;
		set_family(system, service, family, &wanted, clock_left(end));
		changes = true;
	}
	if (!has_dns(view, wanted.dns))
		set_dns(system, service, wanted.dns, clock_left(end));
	if (ret && changes && !strcmp(first, service)) {
		ret = keep_first(system, service, end);
		if (ret)
			return error_set(error, ret,
					 "ConnMan does not keep the default route with the adapter");
	}
	return await_view(system, adapter, &wanted, end) ? 0 :
	       error_set(error, -EREMOTEIO, "ConnMan does not take the new configuration");
}

static bool accepted(const struct ip_system *system, const struct adapter *adapter)
{
	char view[VIEW_SIZE];
	struct settings wanted;

	read_wanted(system, adapter, &wanted);
	return read_view(system, adapter, STATE_MS, view) && has_all(view, &wanted);
}

static bool keeps_dns(const struct ip_system *system)
{
	(void)system;
	return true;
}

/* It gives leases no end, and its routes do not say it. */
static bool uses_dhcp(const struct ip_system *system, const struct adapter *adapter)
{
	char path[IP_FILES_PATH], *text = ip_files_read(system, settings_path(adapter, path));
	struct settings settings;

	parse(text ? text : "", &settings);
	free(text);
	return !strcmp(settings.family[IP_V4].method, "dhcp");
}

const struct ip_manager ip_connman = {
	.name = "ConnMan",
	.in_charge = in_charge,
	.running = running,
	.compile = compile,
	.revert = revert,
	.notify = notify,
	.accepted = accepted,
	.keeps_dns = keeps_dns,
	.uses_dhcp = uses_dhcp,
	.matches_mac = true,
};
