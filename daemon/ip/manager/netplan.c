// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netplan, for interfaces that it gives to systemd-networkd.
 *
 * What it gives to NetworkManager is NetworkManager's: it takes keyfiles beside
 * netplan's.
 */
#include <dirent.h>
#include <string.h>

#include "ip/manager/manager.h"
#include "ip/system.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/strbuf.h"
#include "util/sysroot.h"

#define LINK_SIZE 16384

/* Before networkd knows the adapter: did netplan's generator write for it? */
static bool has_generated(const struct ip_system *system)
{
	char path[SYSROOT_PATH_SIZE];
	struct dirent *entry;
	bool found = false;
	DIR *dir = opendir(sysroot_path(system->root, path, "/run/systemd/network"));

	while (dir && !found && (entry = readdir(dir)))
		found = strstr(entry->d_name, "-netplan-");
	if (dir)
		closedir(dir);
	return found;
}

static bool in_charge(const struct ip_system *system, const struct adapter *adapter)
{
	char path[SYSROOT_PATH_SIZE], text[LINK_SIZE], file[SYSROOT_PATH_SIZE];

	if (!sysroot_exists(system->root, "/usr/sbin/netplan"))
		return false;
	sysroot_path(system->root, path, "/run/systemd/netif/links/%u", adapter->index);
	if (file_read(path, text, sizeof(text)) <= 0)
		return ip_networkd_will_see(system, adapter) && has_generated(system);
	file_line_value(text, "NETWORK_FILE", file, sizeof(file));
	return strstr(file, "-netplan-");
}

static char *yaml_path(const struct ip_system *system, const struct adapter *adapter, char *path)
{
	char mac[ADAPTER_MAC_SIZE];

	return sysroot_path(system->root, path, "/etc/netplan/90-hvkvpd-%s.yaml", ip_mac_bare(adapter, mac));
}

static void render_routes(const struct ip_plan *plan, struct strbuf *out)
{
	char text[IP_TEXT_SIZE];

	if (!plan->config.by_family[IP_V4].gateway_count && !plan->config.by_family[IP_V6].gateway_count)
		return;
	strbuf_printf(out, "      routes:\n");
	for (int family = 0; family < IP_FAMILIES; family++) {
		const struct ip_family_config *cfg = &plan->config.by_family[family];

		for (unsigned int i = 0; i < cfg->gateway_count; i++) {
			strbuf_printf(out, "        - to: \"%s\"\n          via: \"%s\"\n",
				 family == IP_V4 ? "0.0.0.0/0" : "::/0",
				 ip_text(family, cfg->gateway[i], text));
			if (i)
				strbuf_printf(out, "          metric: %u\n",
					 (family == IP_V4 ? 0 : 1024) + i);
		}
	}
}

static void render(const struct ip_plan *plan, struct strbuf *out)
{
	bool v6 = plan->mode[IP_V6] == IP_MODE_AUTO && plan->change & HVKVP_FAMILY_V6;
	const struct ip_family_config *cfg4 = &plan->config.by_family[IP_V4];
	const struct ip_family_config *cfg6 = &plan->config.by_family[IP_V6];
	char mac[ADAPTER_MAC_SIZE], text[IP_TEXT_SIZE];

	strbuf_printf(out, "# The addresses that the Hyper-V host set, written by hvkvpd. Remove this file to undo it.\n"
		 "network:\n  version: 2\n  ethernets:\n");
	/*
	 * A digit in front: networkd takes the first name that matches. Not by MAC
	 * address: netplan asks for the permanent one, which not every adapter has.
	 */
	strbuf_printf(out, "    0-hvkvpd-%s:\n      match:\n        name: \"%s\"\n",
		 ip_mac_bare(&plan->adapter, mac), plan->adapter.name);
	strbuf_printf(out, "      dhcp4: %s\n      dhcp6: %s\n",
		 plan->mode[IP_V4] == IP_MODE_AUTO ? "true" : "false", v6 ? "true" : "false");
	if (cfg4->count || cfg6->count)
		strbuf_printf(out, "      addresses:\n");
	for (int family = 0; family < IP_FAMILIES; family++)
		for (unsigned int i = 0; i < plan->config.by_family[family].count; i++)
			strbuf_printf(out, "        - \"%s\"\n",
				 ip_text_prefix(family, &plan->config.by_family[family].address[i], text));
	render_routes(plan, out);
	if (cfg4->dns_count || cfg6->dns_count)
		strbuf_printf(out, "      nameservers:\n        addresses:\n");
	for (int family = 0; family < IP_FAMILIES; family++)
		for (unsigned int i = 0; i < plan->config.by_family[family].dns_count; i++)
			strbuf_printf(out, "          - \"%s\"\n",
				 ip_text(family, plan->config.by_family[family].dns[i], text));
}

static const char *tell(const struct ip_system *system, const struct ip_plan *plan,
			unsigned int limit_ms)
{
	const uint64_t end = clock_ms() + limit_ms;

	/* Not "netplan apply": that sets up every interface of the machine anew. */
	if (IP_TOOL(system, limit_ms, true, "/usr/sbin/netplan", "generate"))
		return "netplan does not take the new configuration";
	return ip_networkd_tell(system, plan, clock_left(end));
}

const struct ip_manager ip_netplan = {
	.name = "netplan",
	.in_charge = in_charge,
	.path = yaml_path,
	.mode = 0600,
	.render = render,
	.tell = tell,
	.keeps_dns = ip_networkd_keeps_dns,
};
