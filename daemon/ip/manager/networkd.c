// SPDX-License-Identifier: GPL-2.0-only
/*
 * systemd-networkd.
 *
 * It reads its files again on SIGHUP only from version 256 on, and there is no
 * other way but D-Bus: hence networkctl.
 */
#include <string.h>

#include "ip/manager/manager.h"
#include "ip/system.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/strbuf.h"
#include "util/sysroot.h"

#define LINK_SIZE 16384

bool ip_networkd_will_see(const struct ip_system *system, const struct adapter *adapter)
{
	return !sysroot_exists(system->root, "/run/systemd/netif/links/%u", adapter->index) &&
	       (sysroot_exists(system->root, "/etc/systemd/system/dbus-org.freedesktop.network1.service") ||
		sysroot_exists(system->root, "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service"));
}

static bool in_charge(const struct ip_system *system, const struct adapter *adapter)
{
	char path[SYSROOT_PATH_SIZE], text[LINK_SIZE], state[32];

	sysroot_path(system->root, path, "/run/systemd/netif/links/%u", adapter->index);
	if (file_read(path, text, sizeof(text)) <= 0)
		return ip_networkd_will_see(system, adapter) && !ip_ifupdown_names(system, adapter);
	file_line_value(text, "ADMIN_STATE", state, sizeof(state));
	return state[0] && strcmp(state, "unmanaged");
}

static char *network_path(const struct ip_system *system, const struct adapter *adapter,
			  char *path)
{
	char mac[ADAPTER_MAC_SIZE];

	return sysroot_path(system->root, path, "/etc/systemd/network/00-hvkvpd-%s.network",
		       ip_mac_bare(adapter, mac));
}

static void render(const struct ip_plan *plan, struct strbuf *out)
{
	bool v4 = plan->mode[IP_V4] == IP_MODE_AUTO;
	bool v6 = plan->mode[IP_V6] == IP_MODE_AUTO && plan->change & HVKVP_FAMILY_V6;
	char text[IP_TEXT_SIZE];

	strbuf_printf(out, "# The addresses that the Hyper-V host set, written by hvkvpd. Remove this file to undo it.\n");
	/* Both: with accelerated networking a second interface has the MAC address. */
	strbuf_printf(out, "[Match]\nMACAddress=%s\nName=%s\n\n[Network]\nDHCP=%s\n", plan->adapter.mac,
		 plan->adapter.name, v4 ? v6 ? "yes" : "ipv4" : v6 ? "ipv6" : "no");
	for (int family = 0; family < IP_FAMILIES; family++)
		for (unsigned int i = 0; i < plan->config.by_family[family].count; i++)
			strbuf_printf(out, "Address=%s\n",
				 ip_text_prefix(family, &plan->config.by_family[family].address[i], text));
	for (int family = 0; family < IP_FAMILIES; family++)
		for (unsigned int i = 0; i < plan->config.by_family[family].dns_count; i++)
			strbuf_printf(out, "DNS=%s\n", ip_text(family, plan->config.by_family[family].dns[i], text));
	for (int family = 0; family < IP_FAMILIES; family++) {
		const struct ip_family_config *cfg = &plan->config.by_family[family];

		for (unsigned int i = 0; i < cfg->gateway_count; i++) {
			strbuf_printf(out, "\n[Route]\nGateway=%s\n", ip_text(family, cfg->gateway[i], text));
			if (i)
				strbuf_printf(out, "Metric=%u\n", (family == IP_V4 ? 0 : 1024) + i);
		}
	}
}

const char *ip_networkd_tell(const struct ip_system *system, const struct ip_plan *plan,
			     unsigned int limit_ms)
{
	const uint64_t end = clock_ms() + limit_ms;

	if (!sysroot_exists(system->root, "/run/systemd/netif/state"))
		return NULL;
	if (!IP_TOOL(system, limit_ms, false, "/usr/bin/networkctl", "reload") &&
	    !IP_TOOL(system, clock_left(end), false, "/usr/bin/networkctl", "reconfigure",
		     plan->adapter.name))
		return NULL;
	/* What it has not seen yet it sets up by its files when it does. */
	if (ip_networkd_will_see(system, &plan->adapter))
		return NULL;
	return "systemd-networkd does not take the new configuration";
}

/* It hands them to systemd-resolved, and to nobody else. */
bool ip_networkd_keeps_dns(const struct ip_system *system)
{
	return sysroot_exists(system->root, "/run/systemd/resolve");
}

const struct ip_manager ip_networkd = {
	.name = "systemd-networkd",
	.in_charge = in_charge,
	.path = network_path,
	.mode = 0644,
	.render = render,
	.tell = ip_networkd_tell,
	.keeps_dns = ip_networkd_keeps_dns,
};
