// SPDX-License-Identifier: GPL-2.0-only
/*
 * ifupdown.
 *
 * Stanzas of one name add up, so one of ours would come on top of the user's. A mapping
 * sends the interface to a logical one of another name instead, whose stanzas are copies
 * of the user's, but for what the host sets. The user's file stays as it is. A mapping
 * needs a program that prints the name: a few lines of shell, which also check that it
 * is still the same adapter.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ip/dns.h"
#include "ip/manager/interfaces.h"
#include "ip/manager/manager.h"
#include "ip/system.h"
#include "net/link.h"
#include "util/error.h"
#include "util/file.h"
#include "util/strbuf.h"
#include "util/sysroot.h"

#define OURS		"/etc/network/interfaces.d/hvkvpd-%s"
#define STATE		"/run/network/ifstate"
#define STATE_SIZE	16384

#define MAP_PATH	"/etc/network/hvkvpd-map"
static const char map_script[] =
	"#!/bin/sh\n"
	"# For ifup: prints the logical interface of hvkvpd's for the adapter that the host configured,\n"
	"# and the interface itself for any other; see interfaces.d/hvkvpd-*.\n"
	"read -r kind id\n"
	"net=/sys/class/net/$1\n"
	"case $kind in\n"
	"guid) found=$(readlink \"$net/device\") found=${found##*/}\n"
	"\tread -r old 2>/dev/null <\"$net/device/device_id\" && [ \"$old\" = \"{$id}\" ] && found=$id ;;\n"
	"mac) read -r found <\"$net/address\" ;;\n"
	"*) found=$id ;;\n"
	"esac\n"
	"[ \"$found\" = \"$id\" ] && echo \"hvkvpd-$1\" || echo \"$1\"\n";

static bool in_charge(const struct ip_system *system, const struct adapter *adapter)
{
	(void)adapter;
	return ip_tool_path(system, "ifup") && interfaces_reads_folder(system);
}

/* Before networking.service has started, it brings the interface up by its new files. */
static int running(const struct ip_system *system, const struct adapter *adapter,
		   struct error *error)
{
	(void)adapter;
	(void)error;
	return sysroot_exists(system->root, STATE);
}

static void render_dns(const struct ip_plan *plan, struct strbuf *out)
{
	const struct ip_config *config = &plan->config;
	char text[IP_TEXT_SIZE];

	if (!plan->dns || (!config->by_family[IP_V4].dns_count && !config->by_family[IP_V6].dns_count))
		return;
	strbuf_printf(out, "\tdns-nameservers");
	for (int family = 0; family < IP_FAMILIES; family++)
		for (unsigned int i = 0; i < config->by_family[family].dns_count; i++)
			strbuf_printf(out, " %s",
				      ip_text(family, config->by_family[family].dns[i], text));
	strbuf_printf(out, "\n");
}

static bool is_replaced(const struct ip_plan *plan, bool kept, const char *option)
{
	static const char *const options[] = {
		"address", "netmask", "broadcast", "network", "gateway", "pointopoint", "metric",
	};

	if (plan->dns && (!strcmp(option, "dns-nameservers") || !strcmp(option, "dns-nameserver")))
		return true;
	for (size_t i = 0; kept && i < sizeof(options) / sizeof(options[0]); i++)
		if (!strcmp(option, options[i]))
			return true;
	return false;
}

/*
 * The user's options. A route by a gateway that the new addresses do not reach must not
 * keep the interface down.
 */
static void copy_options(const struct ip_plan *plan, bool kept,
			 const struct interfaces_stanza *stanza, struct strbuf *out)
{
	const char *end = stanza->options + stanza->options_len;

	for (const char *line = stanza->options; line < end;) {
		const char *start = line + strspn(line, " \t");
		size_t len = strcspn(line, "\n");
		char option[32];
		bool up;

		while (line + len < end && len && line[len - 1] == '\\')
			len += 1 + strcspn(line + len + 1, "\n");
		snprintf(option, sizeof(option), "%.*s", (int)strcspn(start, " \t\n"), start);
		up = !strcmp(option, "up") || !strcmp(option, "post-up");
		if (option[0] && option[0] != '#' && !is_replaced(plan, kept, option)) {
			bool route = kept && up && memmem(line, len, " route ", 7);

			strbuf_printf(out, "%.*s%s\n", (int)len, line, route ? " || :" : "");
		}
		line += len;
		if (line < end)
			line++;
	}
}

static void render_address(const struct ip_plan *plan, int family, unsigned int i,
			   const char *inherits, struct strbuf *out)
{
	const struct ip_family_config *cfg = &plan->config.by_family[family];
	const char *name = plan->adapter.name;
	char text[IP_TEXT_SIZE];

	strbuf_printf(out, "\niface hvkvpd-%s %s static%s\n\taddress %s\n", name,
		      family == IP_V4 ? "inet" : "inet6", inherits,
		      ip_text_prefix(family, &cfg->address[i], text));
	if (family == IP_V6 && !i)
		strbuf_printf(out, "\tpre-up echo 0 >/proc/sys/net/ipv6/conf/%s/disable_ipv6 || :\n",
			      name);
}

static void render_gateways(const struct ip_plan *plan, int family, struct strbuf *out)
{
	const struct ip_family_config *cfg = &plan->config.by_family[family];
	char text[IP_TEXT_SIZE];

	for (unsigned int i = 0; i < cfg->gateway_count; i++)
		strbuf_printf(out, "\tup ip route append default via %s dev %s%s proto static metric %u\n",
			      ip_text(family, cfg->gateway[i], text), plan->adapter.name,
			      ip_is_reachable(family, cfg, cfg->gateway[i]) ? "" : " onlink",
			      ip_link_metric(family, i));
}

/* The options of all of the user's stanzas of a family. */
static void copy_family(const struct ip_plan *plan, int family, const char *text,
			struct strbuf *out)
{
	struct interfaces_stanza stanza;

	while (interfaces_next(&text, plan->adapter.name, &stanza))
		if (!strcmp(stanza.family, family == IP_V4 ? "inet" : "inet6"))
			copy_options(plan, true, &stanza, out);
}

/* The user's options and the gateways may need any of the addresses: the last stanza. */
static unsigned int render_kept(const struct ip_plan *plan, int family, const char *text,
				struct strbuf *out)
{
	const struct ip_family_config *cfg = &plan->config.by_family[family];
	struct interfaces_stanza stanza;
	char inherits[64] = "";
	const char *at = text;

	while (!inherits[0] && interfaces_next(&at, plan->adapter.name, &stanza))
		if (!strcmp(stanza.family, family == IP_V4 ? "inet" : "inet6"))
			strcpy(inherits, stanza.inherits);
	if (plan->mode[family] == IP_MODE_AUTO) {
		strbuf_printf(out, "\niface hvkvpd-%s %s%s\n", plan->adapter.name,
			      family == IP_V4 ? "inet dhcp" : "inet6 auto", inherits);
		copy_family(plan, family, text, out);
		return 1;
	}
	for (unsigned int i = 0; i < cfg->count; i++)
		render_address(plan, family, i, i ? "" : inherits, out);
	copy_family(plan, family, text, out);
	render_gateways(plan, family, out);
	return cfg->count;
}

/* The user's stanzas of a family that the host has not set. */
static unsigned int render_others(const struct ip_plan *plan, const char *text, bool dns,
				  struct strbuf *out)
{
	struct interfaces_stanza stanza;
	unsigned int count = 0;

	while (interfaces_next(&text, plan->adapter.name, &stanza)) {
		if (ip_plan_keeps(plan, !strcmp(stanza.family, "inet6") ? IP_V6 : IP_V4))
			continue;
		strbuf_printf(out, "\niface hvkvpd-%s %s %s%s\n", plan->adapter.name, stanza.family,
			      stanza.method, stanza.inherits);
		copy_options(plan, false, &stanza, out);
		if (dns && !count)
			render_dns(plan, out);
		count++;
	}
	return count;
}

static int compile(const struct ip_system *system, const struct ip_plan *plan,
		   struct ip_files *files, struct error *error)
{
	const struct adapter *adapter = &plan->adapter;
	char key[IP_RECORD_KEY_SIZE], *text;
	bool dns = true;
	struct strbuf *out;

	if (plan->mode[IP_V4] == IP_MODE_AUTO && ip_plan_keeps(plan, IP_V4) &&
	    !ip_tool_path(system, "dhclient") && !ip_tool_path(system, "dhcpcd") &&
	    !ip_tool_path(system, "udhcpc") && !ip_tool_path(system, "pump"))
		return error_set(error, -EOPNOTSUPP, "ifupdown has no DHCP client: install isc-dhcp-client or dhcpcd");
	text = interfaces_read(system);
	if (!text)
		return error_set(error, -EIO, "/etc/network/interfaces cannot be read");
	strbuf_printf(ip_files_add(files, 0755, MAP_PATH), "%s", map_script);
	out = ip_files_add(files, 0644, OURS, ip_record_key(adapter, key));
	strbuf_printf(out, IP_FILES_BANNER "mapping %s\n\tscript " MAP_PATH "\n\tmap %s %s\n\nauto %s\n",
		      adapter->name, adapter->is_master ? "any" : adapter->guid[0] ? "guid" : "mac",
		      adapter->is_master ? "any" : adapter->guid[0] ? adapter->guid : adapter->mac,
		      adapter->name);
	for (int family = 0; family < IP_FAMILIES; family++) {
		if (!ip_plan_keeps(plan, family))
			continue;
		if (render_kept(plan, family, text, out) && dns) {
			render_dns(plan, out);
			dns = false;
		}
	}
	render_others(plan, text, dns, out);
	free(text);
	return 0;
}

/*
 * Also stops a DHCP client, and runs the user's commands of the configuration until now.
 * ifdown would delete the VLANs that are named after the interface.
 */
static void release(const struct ip_system *system, const struct adapter *adapter,
		    unsigned int limit_ms)
{
	char vlans[IFNAMSIZ + 16];

	snprintf(vlans, sizeof(vlans), "--exclude=%s.*", adapter->name);
	IP_TOOL(system, limit_ms, true, "ifdown", "--force", vlans, adapter->name);
}

/* Its state may still say that it is up. */
static void revive(const struct ip_system *system, const char *name, unsigned int limit_ms)
{
	if (interfaces_names(system, name))
		IP_TOOL(system, limit_ms, true, "ifup", "--force", name);
}

static int notify(const struct ip_system *system, const struct adapter *adapter, bool dhcp,
		  unsigned int limit_ms, struct error *error)
{
	(void)dhcp;
	if (IP_TOOL(system, limit_ms, true, "ifup", adapter->name))
		return error_set(error, -EREMOTEIO, "ifup does not take the new configuration");
	return 0;
}

static bool accepted(const struct ip_system *system, const struct adapter *adapter)
{
	char path[SYSROOT_PATH_SIZE], text[STATE_SIZE], logical[64], wanted[64];

	if (file_read(sysroot_path(system->root, path, STATE), text, sizeof(text)) <= 0)
		return false;
	snprintf(wanted, sizeof(wanted), "hvkvpd-%s", adapter->name);
	return file_line_value(text, adapter->name, logical, sizeof(logical)) &&
	       !strcmp(logical, wanted);
}

static bool keeps_dns(const struct ip_system *system)
{
	return ip_dns_resolvconf(system);
}

const struct ip_manager ip_ifupdown = {
	.name = "ifupdown",
	.in_charge = in_charge,
	.running = running,
	.compile = compile,
	.own = OURS,
	.release = release,
	.revive = revive,
	.notify = notify,
	.accepted = accepted,
	.keeps_dns = keeps_dns,
	.matches_instance = true,
};
