// SPDX-License-Identifier: GPL-2.0-only
/*
 * NetworkManager.
 *
 * Its keyfiles are read again only on request, over D-Bus: hence nmcli.
 */
#include <string.h>

#include "ip/manager/manager.h"
#include "ip/system.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/strbuf.h"
#include "util/sysroot.h"

#define DEVICE_SIZE 8192

/* Early in a boot, or when an adapter has just come: it has no state of it yet. */
static bool will_see(const struct ip_system *system, const struct adapter *adapter)
{
	return !sysroot_exists(system->root, "/run/NetworkManager/devices/%u", adapter->index) &&
	       sysroot_exists(system->root, "/etc/systemd/system/multi-user.target.wants/NetworkManager.service");
}

static bool in_charge(const struct ip_system *system, const struct adapter *adapter)
{
	char path[SYSROOT_PATH_SIZE], text[DEVICE_SIZE], managed[16];

	sysroot_path(system->root, path, "/run/NetworkManager/devices/%u", adapter->index);
	if (file_read(path, text, sizeof(text)) <= 0)
		return will_see(system, adapter) && !ip_ifupdown_names(system, adapter);
	file_line_value(text, "managed", managed, sizeof(managed));
	return !strcmp(managed, "true");
}

static char *keyfile_path(const struct ip_system *system, const struct adapter *adapter,
			  char *path)
{
	char mac[ADAPTER_MAC_SIZE];

	return sysroot_path(system->root, path,
		       "/etc/NetworkManager/system-connections/hvkvpd-%s.nmconnection",
		       ip_mac_bare(adapter, mac));
}

static void render_family(const struct ip_plan *plan, int family, struct strbuf *out)
{
	static const char *const methods[] = {
		[IP_MODE_NONE] = "disabled", [IP_MODE_AUTO] = "auto", [IP_MODE_STATIC] = "manual",
	};
	const struct ip_family_config *cfg = &plan->config.by_family[family];
	char text[IP_TEXT_SIZE];

	strbuf_printf(out, "\n[%s]\nmethod=%s\n", family == IP_V4 ? "ipv4" : "ipv6",
		 methods[plan->mode[family]]);
	for (unsigned int i = 0; i < cfg->count; i++)
		strbuf_printf(out, "address%u=%s\n", i + 1,
			 ip_text_prefix(family, &cfg->address[i], text));
	for (unsigned int i = 0; i < cfg->gateway_count; i++) {
		ip_text(family, cfg->gateway[i], text);
		if (!i)
			strbuf_printf(out, "gateway=%s\n", text);
		else
			strbuf_printf(out, "route%u=%s,%s,%u\n", i,
				 family == IP_V4 ? "0.0.0.0/0" : "::/0", text, 1024 + i);
	}
	for (unsigned int i = 0; i < cfg->dns_count && plan->mode[family] != IP_MODE_NONE; i++)
		strbuf_printf(out, "%s%s;", i ? "" : "dns=", ip_text(family, cfg->dns[i], text));
	if (cfg->dns_count && plan->mode[family] != IP_MODE_NONE)
		strbuf_printf(out, "\n");
}

static void render(const struct ip_plan *plan, struct strbuf *out)
{
	char mac[ADAPTER_MAC_SIZE];

	ip_mac_bare(&plan->adapter, mac);
	strbuf_printf(out, "# The addresses that the Hyper-V host set, written by hvkvpd. Remove this file to undo it.\n");
	/* The same id for the same adapter: "hvkvpd" and its MAC address. */
	strbuf_printf(out, "[connection]\nid=hvkvpd-%s\nuuid=68766b76-7064-8000-8000-%s\n", mac, mac);
	strbuf_printf(out, "type=ethernet\ninterface-name=%s\nautoconnect-priority=999\n",
		 plan->adapter.name);
	strbuf_printf(out, "\n[ethernet]\n");
	render_family(plan, IP_V4, out);
	render_family(plan, IP_V6, out);
}

static const char *tell(const struct ip_system *system, const struct ip_plan *plan,
			unsigned int limit_ms)
{
	/* A DHCP server may not be there yet; and static addresses take a second or two. */
	const char *wait = plan->config.families ? "5" : "0";
	char id[32] = "hvkvpd-", path[SYSROOT_PATH_SIZE];
	const struct ip_system inside = { .root = "" };
	const uint64_t end = clock_ms() + limit_ms;

	if (!sysroot_exists(system->root, "/run/NetworkManager"))
		return NULL;
	ip_mac_bare(&plan->adapter, id + strlen(id));
	keyfile_path(&inside, &plan->adapter, path);
	if (!IP_TOOL(system, limit_ms, false, "/usr/bin/nmcli", "connection", "load", path) &&
	    !IP_TOOL(system, clock_left(end), false, "/usr/bin/nmcli", "--wait", wait, "connection", "up",
		     "id", id, "ifname", plan->adapter.name))
		return NULL;
	/* What it has not seen yet it brings up by itself. */
	return will_see(system, &plan->adapter) ? NULL :
	       "NetworkManager does not take the new configuration";
}

const struct ip_manager ip_networkmanager = {
	.name = "NetworkManager",
	.in_charge = in_charge,
	.path = keyfile_path,
	.mode = 0600,
	.render = render,
	.tell = tell,
	.keeps_dns = NULL,
};
