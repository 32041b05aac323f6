// SPDX-License-Identifier: GPL-2.0-only
/*
 * ifupdown.
 *
 * Stanzas of one name add up, so one of ours would come on top of the user's. A
 * mapping sends the interface to a logical one of another name instead: the
 * user's stanza stays as it is, and is not used. A mapping wants a program that
 * tells the name; that is a line of shell beside the file.
 */
#include <errno.h>
#include <string.h>

#include "ip/dns.h"
#include "ip/manager/manager.h"
#include "ip/system.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/strbuf.h"
#include "util/sysroot.h"

#define INTERFACES_SIZE 65536

/* Does the main file read the folder that ours is in? */
static bool reads_folder(const char *text)
{
	for (; *text; text += strcspn(text, "\n")) {
		text += strspn(text, "\n \t");
		if (!strncmp(text, "source", 6) &&
		    memmem(text, strcspn(text, "\n"), "interfaces.d", 12))
			return true;
	}
	return false;
}

/* Is there a stanza "iface NAME" in a file's text? */
static bool has_stanza(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (; *text; text += strcspn(text, "\n")) {
		text += strspn(text, "\n \t");
		if (strncmp(text, "iface", 5) || (text[5] != ' ' && text[5] != '\t'))
			continue;
		text += 5 + strspn(text + 5, " \t");
		if (!strncmp(text, name, len) && strchr(" \t", text[len]))
			return true;
	}
	return false;
}

bool ip_ifupdown_names(const struct ip_system *system, const struct adapter *adapter)
{
	char path[SYSROOT_PATH_SIZE], text[INTERFACES_SIZE];

	return sysroot_exists(system->root, "/usr/sbin/ifup") &&
	       file_read(sysroot_path(system->root, path, "/etc/network/interfaces"), text, sizeof(text)) > 0 &&
	       has_stanza(text, adapter->name);
}

static bool in_charge(const struct ip_system *system, const struct adapter *adapter)
{
	char path[SYSROOT_PATH_SIZE], text[INTERFACES_SIZE];

	(void)adapter;
	sysroot_path(system->root, path, "/etc/network/interfaces");
	return sysroot_exists(system->root, "/usr/sbin/ifup") && file_read(path, text, sizeof(text)) > 0 &&
	       reads_folder(text);
}

static char *stanza_path(const struct ip_system *system, const struct adapter *adapter,
			 char *path)
{
	char mac[ADAPTER_MAC_SIZE];

	return sysroot_path(system->root, path, "/etc/network/interfaces.d/hvkvpd-%s",
		       ip_mac_bare(adapter, mac));
}

static void render_dns(const struct ip_plan *plan, struct strbuf *out)
{
	const struct ip_config *config = &plan->config;
	char text[IP_TEXT_SIZE];

	if (!config->by_family[IP_V4].dns_count && !config->by_family[IP_V6].dns_count)
		return;
	strbuf_printf(out, "\tdns-nameservers");
	for (int family = 0; family < IP_FAMILIES; family++)
		for (unsigned int i = 0; i < config->by_family[family].dns_count; i++)
			strbuf_printf(out, " %s", ip_text(family, config->by_family[family].dns[i], text));
	strbuf_printf(out, "\n");
}

/* Return: stanzas written. */
static unsigned int render_family(const struct ip_plan *plan, int family, bool dns,
				struct strbuf *out)
{
	const struct ip_family_config *cfg = &plan->config.by_family[family];
	const char *name = plan->adapter.name, *inet = family == IP_V4 ? "inet" : "inet6";
	char text[IP_TEXT_SIZE];

	if (plan->mode[family] == IP_MODE_AUTO && (family == IP_V4 || plan->change & HVKVP_FAMILY_V6)) {
		strbuf_printf(out, "\niface hvkvpd-%s %s %s\n", name, inet,
			 family == IP_V4 ? "dhcp" : "auto");
		return 1;
	}
	for (unsigned int i = 0; i < cfg->count; i++) {
		strbuf_printf(out, "\niface hvkvpd-%s %s static\n\taddress %s\n", name, inet,
			 ip_text_prefix(family, &cfg->address[i], text));
		if (i)
			continue;
		if (dns)
			render_dns(plan, out);
	}
	/* The last stanza has them: each must find its subnet there. */
	for (unsigned int i = 0; cfg->count && i < cfg->gateway_count; i++)
		strbuf_printf(out, "\tup ip route append default via %s dev %s proto static metric %u\n",
			 ip_text(family, cfg->gateway[i], text), name,
			 (family == IP_V4 ? 0 : 1024) + i);
	return cfg->count;
}

static void render(const struct ip_plan *plan, struct strbuf *out)
{
	const char *name = plan->adapter.name;
	unsigned int stanzas;

	strbuf_printf(out, "# The addresses that the Hyper-V host set, written by hvkvpd. Remove this file to undo it.\n"
		 "mapping %s\n\tscript /etc/network/hvkvpd-map\n\nauto %s\n", name, name);
	stanzas = render_family(plan, IP_V4, true, out);
	stanzas += render_family(plan, IP_V6, !stanzas, out);
	if (!stanzas)
		strbuf_printf(out, "\niface hvkvpd-%s inet manual\n", name);
}

static const char *tell(const struct ip_system *system, const struct ip_plan *plan,
			unsigned int limit_ms)
{
	const uint64_t end = clock_ms() + limit_ms;

	/* Not yet: networking.service will bring it up as it is in the files then. */
	if (!sysroot_exists(system->root, "/run/network/ifstate"))
		return NULL;
	/* Also stops a DHCP client of the old configuration. It may be down already. */
	IP_TOOL(system, limit_ms, true, "/usr/sbin/ifdown", "--force", plan->adapter.name);
	if (IP_TOOL(system, clock_left(end), true, "/usr/sbin/ifup", plan->adapter.name))
		return "ifup does not take the new configuration";
	return NULL;
}

static bool keeps_dns(const struct ip_system *system)
{
	return ip_dns_resolvconf(system);
}

const struct ip_manager ip_ifupdown = {
	.name = "ifupdown",
	.in_charge = in_charge,
	.path = stanza_path,
	.mode = 0644,
	.render = render,
	.tell = tell,
	.keeps_dns = keeps_dns,
};
