// SPDX-License-Identifier: GPL-2.0-only
/*
 * What SET_IP writes for network managers: their real files, tools that are scripts.
 * tests/managers has the real managers.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c/tap.h"
#include "ip/budget.h"
#include "ip/describe.h"
#include "ip/keep.h"
#include "ip/policy.h"
#include "ip/undo.h"
#include "support/machine.h"
#include "support/netns.h"
#include "support/scratch.h"

#define GUID	"4487b255-b88c-403f-bb51-d1f69cf17f87"
#define RECORD	"state/ip-" GUID ".conf"
#define BANNER	"# Addresses that the Hyper-V host set, written by hvkvpd. \"hvkvp ip undo\" takes them back.\n"
#define OTHER_GUID "{4487b255-b88c-403f-bb51-d1f69cf17f99}"

static uint32_t set_v4(const char *address, const char *gateway, const char *dns)
{
	return machine_set(MACHINE_GUID, 1, 0, address, "255.255.255.0", gateway, dns);
}

static uint32_t set_dhcp(void)
{
	return machine_set(MACHINE_GUID, 1, 1, "", "", "", "");
}

static void check_has(const char *addresses, const char *gateways)
{
	CHECK_INT(machine_get(4, MACHINE_GUID, 0), 0);
	CHECK_TEXT(GOT_ADDRESSES, addresses);
	CHECK_TEXT(GOT_GATEWAYS, gateways);
}

static void reapply(void)
{
	struct ip_keep keep = { .system = &machine };

	ip_keep_update(&keep);
}

static bool has(const char *path, const char *text)
{
	return strstr(machine_read(path), text);
}

static void make_tool(const char *path, const char *text)
{
	machine_write(path, text);
	chmod(scratch_path(path), 0755);
}

/* A tool that notes its arguments, and whether it could speak to systemd in our name. */
#define NOTES "#!/bin/sh\necho \"${0##*/} $*$NOTIFY_SOCKET\" >>\"${0%%/usr/*}/told\"\n"

/* networkd's state of net0, with the file that applies. */
static const char *link_path(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "run/systemd/netif/links/%u", if_nametoindex("net0"));
	return path;
}

static void link_file(const char *state, const char *file)
{
	char text[256];

	snprintf(text, sizeof(text), "ADMIN_STATE=%s\nNETWORK_FILE=%s\n", state, file);
	machine_write(link_path(), text);
	machine_write("run/systemd/netif/state", "OPER_STATE=routable\n");
}

#define NETWORKD_OURS "etc/systemd/network/00-hvkvpd-" GUID ".network"

/* It takes the file when it is reconfigured, as the real one. */
static void networkd_tool(void)
{
	char text[512];

	snprintf(text, sizeof(text), "%s"
		 "[ \"$1\" = reload ] || { f=/" NETWORKD_OURS "; r=${0%%%%/usr/*}; [ -e $r$f ] || f=/etc/systemd/network/10-user.network\n"
		 "printf 'ADMIN_STATE=configured\\nNETWORK_FILE=%%s\\n' $f >$r/%s; }\n", NOTES, link_path());
	make_tool("usr/bin/networkctl", text);
}

static const char networkd_user[] =
	"# Mine\n[Match]\nName=*\n\n[Network]\nDHCP=yes\nLinkLocalAddressing=no\nDomains=example.org\n"
	"VLAN=vlan7\nAddress=203.0.113.9/24\nAddress=2001:db8::9/64\nGateway=203.0.113.1\nDNS=203.0.113.53\n\n"
	"[Address]\nAddress=203.0.113.10/24\nLabel=x\n\n[Address]\nAddress=2001:db8::10/64\n\n"
	"[Route]\nDestination=10.50.0.0/16\nGateway=192.0.2.77\n\n[Route]\nGateway=203.0.113.2\n\n"
	"[Route]\nDestination=10.60.0.0/16\nGateway=203.0.113.3\n\n[Route]\nDestination=0.0.0.0/0\nGateway=192.0.2.9\nTable=100\n\n"
	"[RoutingPolicyRule]\nFrom=192.0.2.0/24\nTable=100\n";

static void networkd(void)
{
	if (!machine_begin())
		return;
	machine_write("etc/systemd/network/10-user.network", networkd_user);
	machine_write("etc/systemd/network/10-user.network.d/mtu.conf", "[Link]\nMTUBytes=1400\n");
	machine_write("usr/lib/systemd/network/10-user.network.d/mtu.conf", "[Link]\nMTUBytes=9000\n");
	link_file("configured", "/etc/systemd/network/10-user.network");
	machine_write("run/systemd/resolve/resolv.conf", "");
	networkd_tool();
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	/* Only IPv4 is the host's. A route by a gateway that is out of reach would block it. */
	CHECK_TEXT(machine_read(NETWORKD_OURS),
		   BANNER "# Source: /etc/systemd/network/10-user.network\n"
		   "[Match]\nProperty=DEVPATH=*/" GUID "/net/*\n\n"
		   "# Mine\n[Network]\nLinkLocalAddressing=no\nDomains=example.org\n"
		   "VLAN=vlan7\nAddress=2001:db8::9/64\nDNS=203.0.113.53\n\n"
		   "[Address]\nAddress=2001:db8::10/64\n\n"
		   "[Route]\nDestination=10.50.0.0/16\nGateway=192.0.2.77\n\n"
		   "[Route]\nDestination=0.0.0.0/0\nGateway=192.0.2.9\nTable=100\n\n"
		   "[RoutingPolicyRule]\nFrom=192.0.2.0/24\nTable=100\n"
		   "[Link]\nMTUBytes=1400\n"
		   "\n[Network]\nDHCP=ipv6\nAddress=192.0.2.5/24\n\n[Route]\nGateway=192.0.2.1\n");
	CHECK_TEXT(machine_read("told"), "networkctl reload\nnetworkctl reconfigure net0\n");
	CHECK_TEXT(machine_read("etc/systemd/network/10-user.network"), networkd_user);
	CHECK(scratch_logged("kept by systemd-networkd"));
	CHECK(has(RECORD, "MANAGER=systemd-networkd\n"));
	/* The other family later: both are kept; name servers are the host's now. */
	CHECK_INT(machine_set(MACHINE_GUID, 2, 0, "2001:db8:1::5", "64", "2001:db8:2::1", "192.0.2.53"), 0);
	CHECK(has(NETWORKD_OURS, "DHCP=no\nAddress=192.0.2.5/24\nAddress=2001:db8:1::5/64\nDNS=192.0.2.53\n"));
	CHECK(has(NETWORKD_OURS, "[Route]\nGateway=2001:db8:2::1\nGatewayOnLink=yes\n"));
	CHECK(!has(NETWORKD_OURS, "203.0.113.53"));
	CHECK(!has(NETWORKD_OURS, "2001:db8::9"));
	/* IPv4 by DHCP. */
	CHECK_INT(set_dhcp(), 0);
	CHECK(has(NETWORKD_OURS, "DHCP=ipv4\nAddress=2001:db8:1::5/64\n"));
	CHECK(has(NETWORKD_OURS, "DNS=203.0.113.53\n"));
	/* What the user changes is in it after a restart. */
	machine_write("etc/systemd/network/10-user.network", "[Match]\nName=*\n[Network]\nDomains=new.example\n");
	reapply();
	CHECK(has(NETWORKD_OURS, "Domains=new.example\n"));
	CHECK_INT(ip_undo(&machine, "net0", IP_UNDO_MS), 0);
	CHECK_TEXT(machine_read(NETWORKD_OURS), "");
	CHECK_TEXT(machine_read(RECORD), "");
	CHECK_INT(ip_undo(&machine, "net0", 5000), -ENOENT);
	machine_end();
}

/* It uses the new file a moment after its tool has ended: that is a success, without a reason of failure. */
static void networkd_is_late(void)
{
	char text[512];

	if (!machine_begin())
		return;
	machine_write("etc/systemd/network/10-user.network", networkd_user);
	link_file("configured", "/etc/systemd/network/10-user.network");
	/* sleep: the manager that is late */
	snprintf(text, sizeof(text), "%s"
		 "[ \"$1\" = reload ] || { sleep 0.3; printf 'ADMIN_STATE=configured\\nNETWORK_FILE=/" NETWORKD_OURS "\\n' >${0%%%%/usr/*}/%s; } "
		 ">/dev/null 2>&1 &\n", NOTES, link_path());
	make_tool("usr/bin/networkctl", text);
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	CHECK_TEXT(machine_why, "");
	CHECK(scratch_logged("kept by systemd-networkd"));
	machine_end();
}

/* It refuses, or goes on with another file: the host gets an error, nothing has changed. */
static void networkd_refuses(void)
{
	if (!machine_begin())
		return;
	machine_write("etc/systemd/network/10-user.network", networkd_user);
	link_file("configured", "/etc/systemd/network/10-user.network");
	networkd_tool();
	netns_run("addr add 203.0.113.9/24 dev net0");
	make_tool("usr/bin/networkctl", "#!/bin/sh\nexit 1\n");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), HVKVP_E_FAIL);
	check_has("203.0.113.9", "");
	CHECK_TEXT(machine_read(NETWORKD_OURS), "");
	CHECK_TEXT(machine_read(RECORD), "");
	make_tool("usr/bin/networkctl", "#!/bin/sh\n");
	machine.settle_ms = 300;
	machine_left_ms = 2000;
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), HVKVP_E_FAIL);
	CHECK(strstr(machine_why, "does not use the new configuration"));
	machine_left_ms = 20000;
	machine.settle_ms = 3000;
	check_has("203.0.113.9", "");
	CHECK_TEXT(machine_read(NETWORKD_OURS), "");
	CHECK(!scratch_logged("kept by"));
	machine_end();
}

/* So it is with undo: what the host has set is there, until the manager does without it. */
static void networkd_refuses_undo(void)
{
	char ours[2048], record[2048];

	if (!machine_begin())
		return;
	machine_write("etc/systemd/network/10-user.network", networkd_user);
	link_file("configured", "/etc/systemd/network/10-user.network");
	networkd_tool();
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	snprintf(ours, sizeof(ours), "%s", machine_read(NETWORKD_OURS));
	snprintf(record, sizeof(record), "%s", machine_read(RECORD));
	/* It takes the addresses away, and fails. */
	make_tool("usr/bin/networkctl", "#!/bin/sh\nip addr flush dev net0\nexit 1\n");
	CHECK_INT(ip_undo(&machine, "net0", 5000), -EREMOTEIO);
	CHECK_TEXT(machine_read(NETWORKD_OURS), ours);
	CHECK_TEXT(machine_read(RECORD), record);
	check_has("192.0.2.5", "192.0.2.1");
	CHECK(scratch_logged("nothing has changed"));
	networkd_tool();
	CHECK_INT(ip_undo(&machine, "net0", IP_UNDO_MS), 0);
	CHECK_TEXT(machine_read(NETWORKD_OURS), "");
	CHECK_TEXT(machine_read(RECORD), "");
	machine_end();
}

/* netplan writes networkd's files in /run: they are the source. */
static void netplan(void)
{
	if (!machine_begin())
		return;
	machine_write("run/systemd/network/10-netplan-net0.network",
		      "[Match]\nName=net0\n\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\n\n"
		      "[DHCP]\nRouteMetric=100\n");
	link_file("configured", "/run/systemd/network/10-netplan-net0.network");
	networkd_tool();
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	CHECK(has(NETWORKD_OURS, "# Source: /run/systemd/network/10-netplan-net0.network\n"));
	CHECK(has(NETWORKD_OURS, "LinkLocalAddressing=no\n\n[DHCP]\nRouteMetric=100\n\n[Network]\nDHCP=no\n"));
	machine_end();
}

static void device_file(const char *uuid)
{
	char path[64], text[128];

	snprintf(path, sizeof(path), "run/NetworkManager/devices/%u", if_nametoindex("net0"));
	snprintf(text, sizeof(text), "[device]\nmanaged=true\nconnection-uuid=%s\n", uuid);
	machine_write(path, text);
}

#define UUID "0c7c4b7e-0000-4000-8000-000000000001"
#define NM_USER "etc/NetworkManager/system-connections/user.nmconnection"
#define NM_OURS "etc/NetworkManager/system-connections/hvkvpd-" GUID ".nmconnection"

static const char nm_user[] =
	"[connection]\nid=user\nuuid=" UUID "\ntype=ethernet\nzone=work\n\n[ethernet]\nmtu=1400\n\n"
	"[ipv4]\nmethod=manual\naddress1=203.0.113.9/24,203.0.113.1\ndns=203.0.113.53;\ndns-search=example.org;\n"
	"route1=10.50.0.0/16,203.0.113.3\nroute2=0.0.0.0/0,203.0.113.2,500\nroute2_options=mtu=1300\n\n"
	"[ipv6]\nmethod=disabled\n\n[user]\nmine=1\n";

static void networkmanager(void)
{
	struct stat st;

	if (!machine_begin())
		return;
	machine_write(NM_USER, nm_user);
	chmod(scratch_path(NM_USER), 0600);
	device_file(UUID);
	make_tool("usr/bin/nmcli", NOTES);
	CHECK_INT(machine_set(MACHINE_GUID, 1, 0, "192.0.2.5;192.0.2.6", "255.255.255.0;255.255.255.0",
			      "192.0.2.1;192.0.2.2", ""), 0);
	CHECK_TEXT(machine_read(NM_USER),
		   "[connection]\ninterface-name=net0\nid=user\nuuid=" UUID "\ntype=ethernet\nzone=work\n\n"
		   "[ethernet]\nmtu=1400\n\n[ipv4]\nmethod=manual\naddress1=192.0.2.5/24\naddress2=192.0.2.6/24\n"
		   "gateway=192.0.2.1\nroute3=0.0.0.0/0,192.0.2.2,1025\ndns=203.0.113.53;\ndns-search=example.org;\n"
		   "route1=10.50.0.0/16,203.0.113.3\n\n[ipv6]\nmethod=disabled\n\n[user]\nmine=1\n");
	CHECK(!stat(scratch_path(NM_USER), &st) && (st.st_mode & 07777) == 0600);
	CHECK_TEXT(machine_read("told"), "nmcli connection load /" NM_USER "\nnmcli device reapply net0\n");
	CHECK(has(RECORD, "TARGET=/" NM_USER "\n"));
	/* Static IPv6, where it was disabled; name servers of both. */
	CHECK_INT(machine_set(MACHINE_GUID, 2, 0, "2001:db8::5", "64", "", "192.0.2.53;2001:db8::53"), 0);
	CHECK(has(NM_USER, "[ipv6]\nmethod=manual\naddress1=2001:db8::5/64\ndns=2001:db8::53;\n"));
	CHECK(has(NM_USER, "gateway=192.0.2.1\n"));
	CHECK(has(NM_USER, "dns=192.0.2.53;\ndns-search"));
	/* DHCP: the user's name servers are back. */
	CHECK_INT(set_dhcp(), 0);
	CHECK(has(NM_USER, "[ipv4]\nmethod=auto\ndns=203.0.113.53;\ndns-search"));
	/* Undone: byte for byte. */
	CHECK_INT(ip_undo(&machine, GUID, IP_UNDO_MS), 0);
	CHECK_TEXT(machine_read(NM_USER), nm_user);
	CHECK_TEXT(machine_read("state/ip-" GUID ".before"), "");
	CHECK_TEXT(machine_read(RECORD), "");
	/* Or, where the user has changed it since, but for the families of the host. */
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	{
		char text[2048];

		snprintf(text, sizeof(text), "%s\n[proxy]\nmethod=1\n", machine_read(NM_USER));
		machine_write(NM_USER, text);
	}
	CHECK_INT(set_v4("192.0.2.7", "192.0.2.1", ""), 0);
	CHECK(has(NM_USER, "[proxy]\nmethod=1\n"));
	CHECK_INT(ip_undo(&machine, "net0", IP_UNDO_MS), 0);
	CHECK(has(NM_USER, "[proxy]\nmethod=1\n"));
	CHECK(has(NM_USER, "address1=203.0.113.9/24,203.0.113.1\n"));
	CHECK(!has(NM_USER, "192.0.2.7"));
	CHECK(!has(NM_USER, "interface-name"));
	machine_end();
}

/* A profile in /run gets one in /etc that hides it; without a profile one is made. */
static void networkmanager_others(void)
{
	if (!machine_begin())
		return;
	make_tool("usr/bin/nmcli", NOTES);
	machine_write("run/NetworkManager/system-connections/Wired connection 1.nmconnection",
		      "[connection]\nid=Wired connection 1\nuuid=" UUID "\ntype=ethernet\n\n"
		      "[.nmmeta]\nnm-generated=true\n\n[ipv6]\nmethod=auto\naddr-gen-mode=1\n");
	device_file(UUID);
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	CHECK_TEXT(machine_read(NM_OURS),
		   BANNER "[connection]\ninterface-name=net0\nid=Wired connection 1\nuuid=" UUID "\ntype=ethernet\n\n"
		   "[ipv6]\nmethod=auto\naddr-gen-mode=1\n\n[ipv4]\nmethod=manual\naddress1=192.0.2.5/24\n"
		   "gateway=192.0.2.1\n");
	CHECK_INT(set_v4("192.0.2.6", "", ""), 0);
	CHECK(has(NM_OURS, "address1=192.0.2.6/24\n"));
	CHECK_INT(ip_undo(&machine, MACHINE_GUID, IP_UNDO_MS), 0);
	CHECK_TEXT(machine_read(NM_OURS), "");
	/* No profile, and it does not run yet. */
	unlink(scratch_path("run/NetworkManager/system-connections/Wired connection 1.nmconnection"));
	machine_write("etc/systemd/system/multi-user.target.wants/NetworkManager.service", "");
	{
		char path[64];

		snprintf(path, sizeof(path), "run/NetworkManager/devices/%u", if_nametoindex("net0"));
		unlink(scratch_path(path));
	}
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	CHECK(has(NM_OURS, BANNER "[connection]\ninterface-name=net0\nid=hvkvpd-" GUID "\nuuid=" GUID "\n"
		  "type=ethernet\n\n[ethernet]\n\n[ipv4]\nmethod=manual\naddress1=192.0.2.5/24\n"));
	CHECK(scratch_logged("does not run yet"));
	/* Made again at the start: the same. */
	reapply();
	CHECK(!scratch_logged("renewed the files"));
	/* A profile that is in none of its folders cannot be kept. */
	unlink(scratch_path(NM_OURS));
	device_file("11111111-0000-4000-8000-000000000001");
	CHECK_INT(set_v4("192.0.2.9", "192.0.2.1", ""), HVKVP_E_FAIL);
	check_has("192.0.2.5", "192.0.2.1");
	machine_end();
}

/* Another adapter has the interface's name: what matches by name goes until the old is back. */
static void replaced(void)
{
	char path[64], tool[512];
	if (!machine_begin())
		return;
	make_tool("usr/bin/nmcli", NOTES);
	machine_write(NM_USER, nm_user);
	device_file(UUID);
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	machine_device("net0", OTHER_GUID);
	netns_run("addr flush dev net0");
	/* NetworkManager runs, and has not seen the other one yet. */
	snprintf(path, sizeof(path), "run/NetworkManager/devices/%u", if_nametoindex("net0"));
	unlink(scratch_path(path));
	machine_write("run/NetworkManager/devices/1", "[device]\nmanaged=false\n");
	machine_write("etc/systemd/system/multi-user.target.wants/NetworkManager.service", "");
	machine_write("told", "");
	snprintf(tool, sizeof(tool), NOTES "case \"$*\" in *load*) echo \"[device]\nmanaged=true\" >\"${0%%%%/usr/*}/%s\" ;; esac\n",
		 path);
	make_tool("usr/bin/nmcli", tool);
	reapply();
	CHECK_TEXT(machine_read(NM_USER), nm_user);
	CHECK(has(RECORD, "IPV4_ADDRESSES=192.0.2.5/24\n"));
	CHECK(has("told", "nmcli connection load /" NM_USER "\n"));
	CHECK(!netns_shows("addr show net0", "192.0.2.5"));
	/* It is back, by another name and MAC address. */
	machine_device("net0", MACHINE_GUID);
	netns_run("link set net0 down");
	netns_run("link set net0 name lan0 address 00:15:5d:aa:bb:99");
	netns_run("link set lan0 up");
	machine_device("lan0", MACHINE_GUID);
	machine_device("net0", "");
	reapply();
	CHECK(has(NM_USER, "interface-name=lan0\n"));
	CHECK(has(NM_USER, "address1=192.0.2.5/24\n"));
	netns_run("link del lan0");
	scratch_end();
}

/* The files before the host's are not left to the manager to find: what fails is tried again. */
static void replaced_late(void)
{
	struct ip_keep keep = { .system = &machine };

	if (!machine_begin())
		return;
	make_tool("usr/bin/nmcli", NOTES);
	machine_write(NM_USER, nm_user);
	device_file(UUID);
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	ip_keep_update(&keep);
	machine_device("net0", OTHER_GUID);
	/* It does not take them: they stay, and it is notified again. */
	make_tool("usr/bin/nmcli", "#!/bin/sh\nexit 1\n");
	ip_keep_update(&keep);
	CHECK_TEXT(machine_read(NM_USER), nm_user);
	CHECK(scratch_logged("NetworkManager does not load the profile"));
	make_tool("usr/bin/nmcli", NOTES);
	machine_write("told", "");
	ip_keep_update(&keep);
	CHECK(has("told", "nmcli connection load /" NM_USER "\n"));
	CHECK_TEXT(machine_read(NM_USER), nm_user);
	machine_write("told", "");
	ip_keep_update(&keep);
	CHECK_TEXT(machine_read("told"), "");
	/* So it is when the adapter is back; not at once where that could be for ever. */
	machine_device("net0", MACHINE_GUID);
	make_tool("usr/bin/nmcli", "#!/bin/sh\nexit 1\n");
	keep.again_ms = 3600000;
	ip_keep_update(&keep);
	CHECK(has(NM_USER, "address1=192.0.2.5/24\n"));
	make_tool("usr/bin/nmcli", NOTES);
	ip_keep_update(&keep);
	CHECK_TEXT(machine_read("told"), "");
	keep.kept[0].again = 0;
	ip_keep_update(&keep);
	CHECK(has("told", "nmcli connection load /" NM_USER "\n"));
	machine_end();
}

/* One of several files cannot be written: all are as they were. */
static void undo_cannot_write(void)
{
	char edited[2048];

	if (!machine_begin())
		return;
	make_tool("usr/bin/nmcli", NOTES);
	machine_write(NM_USER, nm_user);
	device_file(UUID);
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	snprintf(edited, sizeof(edited), "%s", machine_read(NM_USER));
	CHECK_INT(unshare(CLONE_NEWNS), 0);
	CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_INT(mount(scratch_path("state"), scratch_path("state"), NULL, MS_BIND, NULL), 0);
	CHECK_INT(mount(NULL, scratch_path("state"), NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
	CHECK_INT(ip_undo(&machine, "net0", 5000), -EREMOTEIO);
	CHECK_TEXT(machine_read(NM_USER), edited);
	CHECK(has(RECORD, "MANAGER=NetworkManager\n"));
	/* Nor does what is withdrawn from another adapter's reach go in part. */
	machine_device("net0", OTHER_GUID);
	reapply();
	CHECK_TEXT(machine_read(NM_USER), edited);
	umount2(scratch_path("state"), MNT_DETACH);
	machine_end();
}

/* The user's profile names the MAC address, which is another one after a failover. */
static void new_mac(void)
{
	static const char user[] =
		"[connection]\nid=user\nuuid=" UUID "\ntype=ethernet\nzone=work\n\n"
		"[ethernet]\nmac-address=00:15:5D:AA:BB:01\nmtu=1400\n\n"
		"[ipv4]\nmethod=manual\naddress1=203.0.113.9/24\n";
	char path[64], changed[1024];

	if (!machine_begin())
		return;
	make_tool("usr/bin/nmcli", NOTES);
	machine_write(NM_USER, user);
	device_file(UUID);
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	CHECK(!has(NM_USER, "mac-address"));
	/* The machine starts on another host; NetworkManager does not run yet. */
	snprintf(path, sizeof(path), "run/NetworkManager/devices/%u", if_nametoindex("net0"));
	unlink(scratch_path(path));
	machine_write("etc/systemd/system/multi-user.target.wants/NetworkManager.service", "");
	netns_run("link set net0 down");
	netns_run("link set net0 name lan0 address 00:15:5d:aa:bb:99");
	netns_run("link set lan0 up");
	machine_device("lan0", MACHINE_GUID);
	machine_device("net0", "");
	reapply();
	CHECK_TEXT(machine_read(NM_USER),
		   "[connection]\ninterface-name=lan0\nid=user\nuuid=" UUID "\ntype=ethernet\nzone=work\n\n"
		   "[ethernet]\nmtu=1400\n\n[ipv4]\nmethod=manual\naddress1=192.0.2.5/24\ngateway=192.0.2.1\n");
	CHECK_TEXT(machine_read(NM_OURS), "");
	snprintf(changed, sizeof(changed), "%s[proxy]\nmethod=1\n", machine_read(NM_USER));
	/* Byte for byte; or, where the user has changed it since, with what was taken out. */
	CHECK_INT(ip_undo(&machine, MACHINE_GUID, IP_UNDO_MS), 0);
	CHECK_TEXT(machine_read(NM_USER), user);
	netns_run("link set lan0 down");
	netns_run("link set lan0 address " MACHINE_MAC " up");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	machine_write(NM_USER, changed);
	CHECK_INT(ip_undo(&machine, MACHINE_GUID, IP_UNDO_MS), 0);
	CHECK(has(NM_USER, "[ethernet]\nmac-address=00:15:5D:AA:BB:01\nmtu=1400\n"));
	CHECK(has(NM_USER, "[proxy]\nmethod=1\n"));
	netns_run("link del lan0");
	scratch_end();
}

#define IFUPDOWN_OURS "etc/network/interfaces.d/hvkvpd-" GUID

static const char interfaces_user[] =
	"source /etc/network/interfaces.d/*\nauto net0\niface net0 inet static\n\taddress 203.0.113.9/24\n"
	"\tgateway 203.0.113.1\n\tmtu 1400\n\tup ip route add 10.50.0.0/16 via 203.0.113.3\n"
	"\tdns-nameservers 203.0.113.53\niface net0 inet6 static\n\taddress 2001:db8::9/64\n\taccept_ra 0\n";

static void ifupdown_tools(void)
{
	make_tool("usr/sbin/ifup", NOTES "echo \"$1=hvkvpd-$1\" >\"${0%%/usr/*}/run/network/ifstate\"\n");
	make_tool("usr/sbin/ifdown", NOTES);
	machine_write("run/network/ifstate", "net0=net0\n");
}

static void ifupdown(void)
{
	if (!machine_begin())
		return;
	machine_write("etc/network/interfaces", interfaces_user);
	ifupdown_tools();
	setenv("NOTIFY_SOCKET", "/nowhere", 1);
	CHECK_INT(machine_set(MACHINE_GUID, 1, 0, "192.0.2.5;192.0.2.6", "255.255.255.0;255.255.255.0",
			      "192.0.2.1", "192.0.2.53"), 0);
	CHECK_TEXT(machine_read(IFUPDOWN_OURS),
		   BANNER "mapping net0\n\tscript /etc/network/hvkvpd-map\n\tmap guid " GUID "\n\nauto net0\n\n"
		   "iface hvkvpd-net0 inet static\n\taddress 192.0.2.5/24\n\n"
		   "iface hvkvpd-net0 inet static\n\taddress 192.0.2.6/24\n\tmtu 1400\n"
		   "\tup ip route add 10.50.0.0/16 via 203.0.113.3 || :\n"
		   "\tup ip route append default via 192.0.2.1 dev net0 proto static metric 0\n"
		   "\tdns-nameservers 192.0.2.53\n\n"
		   "iface hvkvpd-net0 inet6 static\n\taddress 2001:db8::9/64\n\taccept_ra 0\n");
	CHECK_TEXT(machine_read("told"), "ifdown --force --exclude=net0.* net0\nifup net0\n");
	unsetenv("NOTIFY_SOCKET");
	CHECK_TEXT(machine_read("etc/network/interfaces"), interfaces_user);
	CHECK(has("etc/resolv.conf", "nameserver 192.0.2.53\n"));
	/* No client, no DHCP; with one the options stay. */
	CHECK_INT(set_dhcp(), HVKVP_E_FAIL);
	CHECK(strstr(machine_why, "no DHCP client"));
	make_tool("sbin/dhclient", "#!/bin/sh\n");
	CHECK_INT(set_dhcp(), 0);
	CHECK(has(IFUPDOWN_OURS, "\niface hvkvpd-net0 inet dhcp\n\tmtu 1400\n"));
	CHECK_INT(ip_undo(&machine, "net0", IP_UNDO_MS), 0);
	CHECK_TEXT(machine_read(IFUPDOWN_OURS), "");
	machine_end();
}

/* ifupdown takes no copies that editors and dpkg leave in a folder. */
static void ifupdown_folder(void)
{
	if (!machine_begin())
		return;
	machine_write("etc/network/interfaces", "source-directory interfaces.d/\n");
	machine_write("etc/network/interfaces.d/net0", "iface net0 inet static\n\taddress 203.0.113.9/24\n\tmtu 1400\n");
	machine_write("etc/network/interfaces.d/net0.bak", "iface net0 inet static\n\taddress 203.0.113.9/24\n\tmtu 9000\n");
	ifupdown_tools();
	CHECK_INT(set_v4("192.0.2.5", "", ""), 0);
	CHECK(has(IFUPDOWN_OURS, "\tmtu 1400\n"));
	CHECK(!has(IFUPDOWN_OURS, "9000"));
	CHECK_INT(ip_undo(&machine, "net0", IP_UNDO_MS), 0);
	/* Our file would not be read. */
	machine_write("etc/network/interfaces", "source /etc/network/interfaces.d/*.cfg\n");
	CHECK_INT(set_v4("192.0.2.5", "", ""), 0);
	CHECK(has(RECORD, "MANAGER=hvkvpd\n"));
	machine_end();
}

/* The mapping is for one adapter, whatever the name is. */
static void ifupdown_mapping(void)
{
	char command[512], out[64] = "";
	FILE *pipe;

	if (!machine_begin())
		return;
	machine_write("etc/network/interfaces", interfaces_user);
	ifupdown_tools();
	CHECK_INT(set_v4("192.0.2.5", "", ""), 0);
	for (int other = 0; other < 2; other++) {
		snprintf(command, sizeof(command),
			 "cd %s; sed \"s:/sys/:$PWD/sys/:\" etc/network/hvkvpd-map >map; echo guid " GUID " | sh map net0 2>&1",
			 machine.root);
		pipe = popen(command, "r");
		if (!CHECK(fgets(out, sizeof(out), pipe) != NULL))
			out[0] = 0;
		pclose(pipe);
		CHECK_TEXT(out, other ? "net0\n" : "hvkvpd-net0\n");
		machine_device("net0", OTHER_GUID);
	}
	machine_end();
}

/* Its tools take away what was set, and fail: everything is rolled back. */
static void ifupdown_fails(void)
{
	if (!machine_begin())
		return;
	machine_write("etc/network/interfaces", interfaces_user);
	ifupdown_tools();
	netns_run("addr add 203.0.113.9/24 dev net0");
	netns_run("route add default via 203.0.113.1 dev net0");
	make_tool("usr/sbin/ifdown", "#!/bin/sh\nip addr flush dev net0\nip link set net0 down\n");
	make_tool("usr/sbin/ifup", "#!/bin/sh\nexit 1\n");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", "192.0.2.53"), HVKVP_E_FAIL);
	check_has("203.0.113.9", "203.0.113.1");
	CHECK_TEXT(machine_read(IFUPDOWN_OURS), "");
	CHECK_TEXT(machine_read("etc/network/hvkvpd-map"), "");
	CHECK_TEXT(machine_read(RECORD), "");
	CHECK(scratch_logged("ifup does not take the new configuration"));
	machine_end();
}

#define DHCPCD "etc/dhcpcd.conf"

static const char dhcpcd_user[] =
	"# Mine\nduid\n\ninterface other0\nstatic ip_address=198.51.100.9/24\n\n"
	"interface net0\n\tstatic ip_address=203.0.113.9/16\nstatic routers=203.0.113.1\n"
	"static ip6_address=2001:db8::9/64\nstatic domain_search=example.org\nmetric 7\nipv6only\n\n"
	"profile mine\nstatic ip_address=203.0.113.99/24\n";

#define SIGNAL "read -r name </proc/\"$0\"/comm && [ \"$name\" = dhcpcd ] && kill -HUP \"$0\""

/* The shell that sends the signal: dhcpcd reads its file, and makes the route, at the second one. */
static void dhcpcd_tool(void)
{
	machine_write("run/dhcpcd/pid", "77\n");
	make_tool("usr/bin/sh", NOTES
		  "r=${0%%/usr/*}; [ -e $r/once ] || { : >$r/once; exit 0; }\n"
		  "a=$(sed -n '/^interface net0/,$s/^static ip_address=\\([0-9.]*\\).*/\\1/p' $r/" DHCPCD " | tail -n 1)\n"
		  "[ -z \"$a\" ] || ip route replace 192.0.2.0/24 dev net0 proto dhcp src $a metric 77 2>/dev/null || :\n");
}

static void dhcpcd(void)
{
	if (!machine_begin())
		return;
	machine_write(DHCPCD, dhcpcd_user);
	/* ConnMan is installed, and disabled. */
	machine_write("run/connman/x", "");
	dhcpcd_tool();
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", "192.0.2.53"), 0);
	CHECK_TEXT(machine_read(DHCPCD),
		   "# Mine\nduid\n\ninterface other0\nstatic ip_address=198.51.100.9/24\n\n"
		   "interface net0\n#hvkvpd-" GUID "# \tstatic ip_address=203.0.113.9/16\n"
		   "#hvkvpd-" GUID "# static routers=203.0.113.1\n"
		   "static ip6_address=2001:db8::9/64\nstatic domain_search=example.org\nmetric 7\n"
		   "#hvkvpd-" GUID "# ipv6only\n\nprofile mine\nstatic ip_address=203.0.113.99/24\n"
		   "# hvkvpd-" GUID ": begin\n" BANNER "interface net0\nstatic ip_address=192.0.2.5/24\n"
		   "static routers=192.0.2.1\nstatic domain_name_servers=192.0.2.53\n# hvkvpd-" GUID ": end\n");
	/* Its route says DHCP, and its file that it is none. */
	check_has("192.0.2.5", "192.0.2.1");
	CHECK_INT(GOT_DHCP, 0);
	/* The first signal was lost. */
	CHECK_TEXT(machine_read("told"), "sh -c " SIGNAL " 77\nsh -c " SIGNAL " 77\n");
	CHECK(has(RECORD, "MANAGER=dhcpcd\n"));
	/* It can express no more than that; nothing has changed. */
	CHECK_INT(machine_set(MACHINE_GUID, 1, 0, "192.0.2.6;192.0.2.7", "255.255.255.0;255.255.255.0", "", ""),
		  HVKVP_E_FAIL);
	CHECK(strstr(machine_why, "dhcpcd keeps one IPv4 address of an adapter, not 2") != NULL);
	CHECK_INT(machine_set(MACHINE_GUID, 2, 0, "2001:db8::5", "64", "2001:db8::1", ""), HVKVP_E_FAIL);
	CHECK(strstr(machine_why, "dhcpcd keeps no IPv6 gateway") != NULL);
	check_has("192.0.2.5", "192.0.2.1");
	/* Undone: byte for byte. */
	CHECK_INT(ip_undo(&machine, GUID, IP_UNDO_MS), 0);
	CHECK_TEXT(machine_read(DHCPCD), dhcpcd_user);
	machine_write(DHCPCD, "duid\n");
	CHECK_INT(machine_get(4, MACHINE_GUID, 0), 0);
	CHECK_INT(GOT_DHCP, 1);
	/* Somebody has removed the end of our block: the rest is not lost. */
	machine_write(DHCPCD, "# hvkvpd-" GUID ": begin\nduid\n");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	CHECK(has(DHCPCD, "duid\n# hvkvpd-" GUID ": begin\n"));
	CHECK_INT(ip_undo(&machine, GUID, IP_UNDO_MS), 0);
	CHECK_TEXT(machine_read(DHCPCD), "duid\n");
	/* What holds for all interfaces cannot be taken back for one. */
	machine_write(DHCPCD, "noipv4\n");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), HVKVP_E_FAIL);
	CHECK(strstr(machine_why, "\"noipv4\" is for all interfaces") != NULL);
	/* An interface that it leaves alone. */
	machine_write(DHCPCD, "denyinterfaces wlan* net0\n");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	CHECK(has(RECORD, "MANAGER=hvkvpd\n"));
	CHECK_TEXT(machine_read(DHCPCD), "denyinterfaces wlan* net0\n");
	machine_end();
}

/* A socket that notes what it gets; then dhcpcd reads its file. Return: the process. */
static pid_t dhcpcd_socket(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), client;
	char text[64];
	ssize_t len;
	pid_t pid;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", scratch_path("run/dhcpcd/sock"));
	CHECK_INT(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	CHECK_INT(listen(fd, 1), 0);
	pid = fork();
	while (!pid) {
		client = accept(fd, NULL, NULL);
		len = read(client, text, sizeof(text) - 1);
		if (len <= 0 || text[len - 1])
			_exit(1);
		for (ssize_t i = 0; i < len - 1; i++)
			text[i] = text[i] ? text[i] : ' ';
		machine_write("told", text);
		close(client);
		close(open(scratch_path(DHCPCD), O_RDONLY));
		if (system("ip route replace 192.0.2.0/24 dev net0 proto dhcp src 192.0.2.5 metric 77"))
			_exit(1);
	}
	close(fd);
	return pid;
}

/* A signal in the wrong moment makes it read nothing of its file: it has a socket for that. */
static void dhcpcd_10(void)
{
	pid_t pid;

	if (!machine_begin())
		return;
	machine_write(DHCPCD, dhcpcd_user);
	dhcpcd_tool();
	make_tool("usr/sbin/dhcpcd", "#!/bin/sh\necho \"dhcpcd 10.1.0\"\n");
	pid = dhcpcd_socket();
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	CHECK_TEXT(machine_read("told"), "dhcpcd -n net0");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* It is gone: the signal has to do. */
	machine_write("told", "");
	machine_write("once", "");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.2", ""), 0);
	CHECK_TEXT(machine_read("told"), "sh -c " SIGNAL " 77\n");
	/* Without its number it is not one that does not run. */
	CHECK_INT(unlink(scratch_path("run/dhcpcd/pid")), 0);
	machine_write("etc/systemd/system/multi-user.target.wants/dhcpcd.service", "");
	CHECK_INT(set_v4("192.0.2.7", "192.0.2.1", ""), HVKVP_E_FAIL);
	CHECK_TEXT(machine_why, "dhcpcd has no /run/dhcpcd/pid, but a socket: restart it");
	check_has("192.0.2.5", "192.0.2.2");
	CHECK(has(DHCPCD, "static ip_address=192.0.2.5/24\n"));
	machine_end();
}

/* Its block names the interface: another adapter of that name does not get it. */
static void dhcpcd_replaced(void)
{
	if (!machine_begin())
		return;
	machine_write(DHCPCD, dhcpcd_user);
	dhcpcd_tool();
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	machine_device("net0", OTHER_GUID);
	reapply();
	CHECK_TEXT(machine_read(DHCPCD), dhcpcd_user);
	machine_device("net0", MACHINE_GUID);
	reapply();
	CHECK(has(DHCPCD, "interface net0\nstatic ip_address=192.0.2.5/24\n"));
	machine_end();
}

/* dhcpcd was killed, and left its number: whoever has it now gets no signal. */
static void dhcpcd_killed(void)
{
	char text[16];
	pid_t other;

	if (!machine_begin())
		return;
	other = fork();
	if (!other) {
		pause();
		_exit(0);
	}
	snprintf(text, sizeof(text), "%d\n", (int)other);
	machine_write(DHCPCD, dhcpcd_user);
	machine_write("run/dhcpcd/pid", text);
	make_tool("usr/bin/sh", "#!/bin/sh\nexec /bin/sh \"$@\"\n");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), HVKVP_E_FAIL);
	CHECK(strstr(machine_why, "dhcpcd does not read its new configuration") != NULL);
	CHECK_TEXT(machine_read(DHCPCD), dhcpcd_user);
	CHECK_INT(waitpid(other, NULL, WNOHANG), 0);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	machine_end();
}

/*
 * In the sandbox of the unit, @folder is read-only. What runs in the place of @tool can write there, after
 * @before.
 */
static void make_outside(const char *tool, const char *folder, const char *before)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "#!/bin/sh\nr=${0%%%%/usr/*}\ncase $2 in *kill*) exec $r/usr/bin/signal \"$@\";; esac\n"
		 "mount -o remount,bind,rw $r/%s && { %s /bin/${0##*/} \"$@\"; }; e=$?\n"
		 "mount -o remount,bind,ro $r/%s; exit $e\n", folder, before, folder);
	make_tool(tool, command);
}

static void make_read_only(const char *folder)
{
	CHECK_INT(unshare(CLONE_NEWNS), 0);
	CHECK_INT(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	CHECK_INT(mount(scratch_path(folder), scratch_path(folder), NULL, MS_BIND, NULL), 0);
	make_outside("usr/bin/sh", folder, "");
	make_outside("usr/bin/rm", folder, "");
	CHECK_INT(mount(NULL, scratch_path(folder), NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
}

static bool exists(const char *path)
{
	return !access(scratch_path(path), F_OK);
}

#define DHCPCD_SCRATCH "etc/.dhcpcd.conf.hvkvpd~"

/* A program outside of the sandbox writes the file. */
static void read_only(void)
{
	struct stat st;

	if (!machine_begin())
		return;
	machine_write(DHCPCD, dhcpcd_user);
	chmod(scratch_path(DHCPCD), 0640);
	/* Left by one that was killed. */
	machine_write(DHCPCD_SCRATCH, "interface");
	dhcpcd_tool();
	CHECK_INT(rename(scratch_path("usr/bin/sh"), scratch_path("usr/bin/signal")), 0);
	make_read_only("etc");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	CHECK(has(DHCPCD, "interface net0\nstatic ip_address=192.0.2.5/24\n"));
	CHECK(!stat(scratch_path(DHCPCD), &st) && (st.st_mode & 07777) == 0640);
	CHECK(!exists(DHCPCD_SCRATCH));
	CHECK_INT(ip_undo(&machine, GUID, IP_UNDO_MS), 0);
	CHECK_TEXT(machine_read(DHCPCD), dhcpcd_user);
	umount2(scratch_path("etc"), MNT_DETACH);
	machine_end();
}

/* The program has written the file when its time is up: it is put back. */
static void read_only_late(void)
{
	if (!machine_begin())
		return;
	machine_write(DHCPCD, dhcpcd_user);
	dhcpcd_tool();
	CHECK_INT(rename(scratch_path("usr/bin/sh"), scratch_path("usr/bin/signal")), 0);
	make_read_only("etc");
	make_outside("usr/bin/sh", "etc", "/bin/sh \"$@\"; false &&");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), HVKVP_E_FAIL);
	CHECK_TEXT(machine_read(DHCPCD), dhcpcd_user);
	CHECK_TEXT(machine_read(RECORD), "");
	umount2(scratch_path("etc"), MNT_DETACH);
	machine_end();
}

/* Nothing is left of a change that fails: no scratch file, and no file that was not there before. */
static void read_only_failure(void)
{
	if (!machine_begin())
		return;
	machine_write("etc/hostname", "");
	dhcpcd_tool();
	CHECK_INT(rename(scratch_path("usr/bin/sh"), scratch_path("usr/bin/signal")), 0);
	make_read_only("etc");
	/* The disk is full. A message to a file would end the shell before its trap. */
	make_outside("usr/bin/sh", "etc", "ulimit -f 0; exec 2>/dev/null;");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), HVKVP_E_FAIL);
	CHECK(!exists(DHCPCD));
	CHECK(!exists(DHCPCD_SCRATCH));
	/* Nothing takes the signal. */
	make_outside("usr/bin/sh", "etc", "");
	make_tool("usr/bin/signal", "#!/bin/sh\n[ -s ${0%/usr/*}/" DHCPCD " ] && : >${0%/usr/*}/written\nexit 1\n");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), HVKVP_E_FAIL);
	CHECK(exists("written"));
	CHECK(!exists(DHCPCD));
	CHECK_TEXT(machine_read(RECORD), "");
	umount2(scratch_path("etc"), MNT_DETACH);
	machine_end();
}

#define SERVICE		"ethernet_00155daabb01_cable"
#define NEW_SERVICE	"ethernet_00155daabb99_cable"
#define CONNMAN		"var/lib/connman/" SERVICE "/settings"
#define NEW_CONNMAN	"var/lib/connman/" NEW_SERVICE "/settings"

static const char connman_user[] =
	"[" SERVICE "]\nName=Wired\nIPv4.method=manual\nIPv4.netmask_prefixlen=24\nIPv4.local_address=203.0.113.9\n"
	"IPv4.gateway=203.0.113.1\nIPv6.method=off\nIPv6.privacy=disabled\nDomains=example.org;\n";

/* ConnMan's own view of the service, which its command changes. */
static void connman_tool(void)
{
	machine_write("run/connman/resolv.conf", "");
	machine_write("view", "  IPv4.Configuration = [ Method=manual, Address=203.0.113.9, Netmask=255.255.255.0, "
		      "Gateway=203.0.113.1 ]\n  IPv6.Configuration = [ Method=off ]\n  Nameservers.Configuration = [  ]\n");
	make_tool("usr/bin/connmanctl", "#!/bin/sh\nr=${0%%/usr/*}\n"
		  "set_view() { [ -e $r/deaf ] || sed -i \"s|$1.Configuration = .*|$1.Configuration = [ $2 ]|\" $r/view; }\n"
		  "case $1-$3-$4 in state-*) echo '  State = ready' ;; services-*) cat $r/view ;;\n"
		  "config-ipv4-manual) set_view IPv4 \"Method=manual, Address=$5, Netmask=$6, Gateway=$7\" ;;\n"
		  "config-ipv6-manual) set_view IPv6 \"Method=manual, Address=$5, PrefixLength=$6, Gateway=$7, Privacy=$8\" ;;\n"
		  "config-ipv4-*) set_view IPv4 \"Method=$4\" ;; config-ipv6-*) set_view IPv6 \"Method=$4\" ;;\n"
		  "config-nameservers-*) shift 3; set_view Nameservers \"$(echo \"$*\" | sed 's/ /, /g')\" ;; esac\n"
		  "[ \"$1\" != config ] || echo \"$*\" >>$r/told\n");
}

static void connman(void)
{
	if (!machine_begin())
		return;
	machine_write(CONNMAN, connman_user);
	connman_tool();
	CHECK_INT(machine_set(MACHINE_GUID, 3, 0, "192.0.2.5;2001:db8::5", "255.255.255.128;64", "192.0.2.1;2001:db8::1",
			      "192.0.2.53;2001:db8::53"), 0);
	CHECK_TEXT(machine_read(CONNMAN),
		   "[" SERVICE "]\nName=Wired\nIPv4.method=manual\nIPv4.netmask_prefixlen=25\nIPv4.local_address=192.0.2.5\n"
		   "IPv4.gateway=192.0.2.1\nIPv6.method=manual\nIPv6.netmask_prefixlen=64\nIPv6.local_address=2001:db8::5\n"
		   "IPv6.gateway=2001:db8::1\nIPv6.privacy=disabled\nDomains=example.org;\n"
		   "Nameservers=192.0.2.53;2001:db8::53;\n");
	CHECK_TEXT(machine_read("view"),
		   "  IPv4.Configuration = [ Method=manual, Address=192.0.2.5, Netmask=255.255.255.128, Gateway=192.0.2.1 ]\n"
		   "  IPv6.Configuration = [ Method=manual, Address=2001:db8::5, PrefixLength=64, Gateway=2001:db8::1, "
		   "Privacy=disabled ]\n  Nameservers.Configuration = [ 192.0.2.53, 2001:db8::53 ]\n");
	CHECK_INT(machine_get(4, MACHINE_GUID, 0), 0);
	CHECK_INT(GOT_DHCP, 0);
	/* Made again: the same. Nor is it given what it has. */
	unlink(scratch_path("told"));
	reapply();
	CHECK_TEXT(machine_read("told"), "");
	/* It can express no more than that; nothing has changed. */
	CHECK_INT(set_v4("192.0.2.6", "", ""), HVKVP_E_FAIL);
	CHECK(strstr(machine_why, "ConnMan keeps one IPv4 address with one gateway for an adapter, not 1 with 0") != NULL);
	/* It says nothing, and does nothing: it is asked. */
	machine_write("deaf", "");
	CHECK_INT(set_v4("192.0.2.7", "192.0.2.1", ""), HVKVP_E_FAIL);
	check_has("192.0.2.5;2001:db8::5", "192.0.2.1;2001:db8::1");
	CHECK(has(CONNMAN, "IPv4.local_address=192.0.2.5\n"));
	unlink(scratch_path("deaf"));
	CHECK_INT(ip_undo(&machine, GUID, IP_UNDO_MS), 0);
	CHECK_TEXT(machine_read(CONNMAN), connman_user);
	CHECK_TEXT(machine_read("view"), "  IPv4.Configuration = [ Method=manual, Address=203.0.113.9, Netmask=255.255.255.0, "
		   "Gateway=203.0.113.1 ]\n  IPv6.Configuration = [ Method=off ]\n  Nameservers.Configuration = [  ]\n");
	CHECK_TEXT(machine_read("state/ip-" GUID ".before"), "");
	/* A lease: only its settings say that it is one. */
	CHECK_INT(set_dhcp(), 0);
	netns_run("addr add 198.51.100.20/24 dev net0");
	CHECK_INT(machine_get(4, MACHINE_GUID, 0), 0);
	CHECK_INT(GOT_DHCP, 1);
	netns_run("addr del 198.51.100.20/24 dev net0");
	CHECK_INT(ip_undo(&machine, GUID, IP_UNDO_MS), 0);
	/* A service that the user has provisioned. */
	machine_write(CONNMAN, "[" SERVICE "]\nIPv4.method=fixed\nConfig.file=user\nConfig.ident=service_user\n");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), HVKVP_E_FAIL);
	CHECK(strstr(machine_why, "from /var/lib/connman/user.config") != NULL);
	/* It has no bridges. */
	netns_run("link add br0 type bridge");
	netns_run("link set net0 master br0");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), HVKVP_E_FAIL);
	CHECK(strstr(machine_why, "ConnMan does not manage the bridge") != NULL);
	netns_run("link del br0");
	machine_end();
}

/* Its command has no answer: that is not the answer of one that does not run. */
static void connman_silent(void)
{
	struct ip_keep keep = { .system = &machine };

	if (!machine_begin())
		return;
	machine_write(CONNMAN, connman_user);
	connman_tool();
	netns_run("addr add 203.0.113.9/24 dev net0");
	CHECK_INT(rename(scratch_path("usr/bin/connmanctl"), scratch_path("good")), 0);
	/* sleep: the command that is late */
	make_tool("usr/bin/connmanctl", "#!/bin/sh\nexec sleep 1000\n");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), HVKVP_E_FAIL);
	CHECK_TEXT(machine_why, "whether ConnMan runs is not known: connmanctl: no answer");
	CHECK_TEXT(machine_read(CONNMAN), connman_user);
	CHECK_TEXT(machine_read(RECORD), "");
	check_has("203.0.113.9", "");
	/* Nor is a command that is not there. */
	CHECK_INT(rename(scratch_path("usr/bin/connmanctl"), scratch_path("silent")), 0);
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), HVKVP_E_FAIL);
	CHECK_TEXT(machine_read(CONNMAN), connman_user);
	/* One that ends without an answer is: of a ConnMan that does not run, or without D-Bus. */
	make_tool("usr/bin/connmanctl", "#!/bin/sh\nexit 1\n");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	CHECK(scratch_logged("ConnMan does not run yet"));
	CHECK(has(CONNMAN, "IPv4.local_address=192.0.2.5\n"));
	/* It runs now, and goes on with what it has: it is given the settings when it answers. */
	CHECK_INT(rename(scratch_path("silent"), scratch_path("usr/bin/connmanctl")), 0);
	CHECK_INT(ip_undo(&machine, GUID, IP_UNDO_MS), -EREMOTEIO);
	CHECK(has(CONNMAN, "IPv4.local_address=192.0.2.5\n"));
	CHECK(has(RECORD, "MANAGER=ConnMan\n"));
	machine_write(CONNMAN, connman_user);
	ip_keep_update(&keep);
	CHECK_TEXT(machine_read(CONNMAN), connman_user);
	CHECK_INT(rename(scratch_path("good"), scratch_path("usr/bin/connmanctl")), 0);
	ip_keep_update(&keep);
	CHECK(has(CONNMAN, "IPv4.local_address=192.0.2.5\n"));
	CHECK(has("view", "Address=192.0.2.5,"));
	/* It does not take back what it is to. */
	machine_write("deaf", "");
	CHECK_INT(ip_undo(&machine, GUID, 1000), -EREMOTEIO);
	CHECK(has(CONNMAN, "IPv4.local_address=192.0.2.5\n"));
	CHECK(has(RECORD, "MANAGER=ConnMan\n"));
	machine_end();
}

/* Its folder comes with its first start: the sandbox of hvkvpd's unit has no hole for it until then. */
static void connman_first_boot(void)
{
	struct stat st;

	if (!machine_begin())
		return;
	machine_write("var/lib/misc/x", "");
	machine_write("etc/systemd/system/multi-user.target.wants/connman.service", "");
	make_tool("usr/bin/connmanctl", "#!/bin/sh\nexit 1\n");
	make_read_only("var");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	CHECK(has(CONNMAN, "IPv4.local_address=192.0.2.5\n"));
	CHECK(!stat(scratch_path(CONNMAN), &st) && (st.st_mode & 07777) == 0600);
	CHECK_INT(ip_undo(&machine, GUID, IP_UNDO_MS), 0);
	CHECK(!has(CONNMAN, "192.0.2.5"));
	umount2(scratch_path("var"), MNT_DETACH);
	machine_end();
}

/* As many name servers as one command takes; of the user's, too, which could not be given back. */
static void connman_name_servers(void)
{
	static const char eight[] = "192.0.2.53;192.0.2.54;192.0.2.55;192.0.2.56;192.0.2.57;192.0.2.58;"
				    "2001:db8::53;2001:db8::54";
	char text[1024], many[256];

	if (!machine_begin())
		return;
	machine_write(CONNMAN, connman_user);
	connman_tool();
	snprintf(many, sizeof(many), "%s;192.0.2.59", eight);
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", many), HVKVP_E_FAIL);
	CHECK_TEXT(machine_why, "ConnMan is given 8 name servers of an adapter at most, not 9");
	CHECK_TEXT(machine_read(CONNMAN), connman_user);
	CHECK_TEXT(machine_read("told"), "");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", eight), 0);
	CHECK(has("view", "192.0.2.58, 2001:db8::53, 2001:db8::54 ]\n"));
	CHECK_INT(ip_undo(&machine, GUID, IP_UNDO_MS), 0);
	snprintf(text, sizeof(text), "%sNameservers=%s;\n", connman_user, many);
	machine_write(CONNMAN, text);
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", "192.0.2.53"), HVKVP_E_FAIL);
	CHECK_TEXT(machine_why, "the adapter has more than 8 name servers in ConnMan: remove some");
	CHECK_TEXT(machine_read(CONNMAN), text);
	machine_end();
}

/* Another manager had the adapter: what that kept goes, and what is kept for undoing is ConnMan's. */
static void connman_takes_over(void)
{
	if (!machine_begin())
		return;
	machine_write(CONNMAN, connman_user);
	machine_write(RECORD, "MANAGER=NetworkManager\nTARGET=/etc/NetworkManager/system-connections/gone\n"
		      "MAC=" MACHINE_MAC "\nGUID=" GUID "\nFAMILY=ipv4\nIPV4_MODE=static\n"
		      "IPV4_ADDRESSES=203.0.113.8/24\nIPV6_MODE=none\n");
	machine_write("state/ip-" GUID ".before", "[connection]\n");
	connman_tool();
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	CHECK_TEXT(machine_read("state/ip-" GUID ".before"), connman_user);
	CHECK_INT(ip_undo(&machine, GUID, IP_UNDO_MS), 0);
	CHECK_TEXT(machine_read(CONNMAN), connman_user);
	machine_end();
}

/* Its services are those of MAC addresses. */
static void connman_adapters(void)
{
	if (!machine_begin())
		return;
	machine_write(CONNMAN, connman_user);
	connman_tool();
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	/* Another adapter has the address now, under another name. */
	machine_device("net0", OTHER_GUID);
	netns_run("link set net0 down");
	netns_run("link set net0 name net1");
	machine_device("net1", OTHER_GUID);
	reapply();
	CHECK_TEXT(machine_read(CONNMAN), connman_user);
	/* Links come and go: it is taken back once. */
	reapply();
	CHECK_TEXT(machine_read(CONNMAN), connman_user);
	/* The adapter is back, with a new address: the user's other settings come along. */
	netns_run("link set net1 name net0 address 00:15:5d:aa:bb:99");
	machine_device("net0", MACHINE_GUID);
	reapply();
	CHECK_TEXT(machine_read(CONNMAN), "");
	CHECK(has(NEW_CONNMAN, "[" NEW_SERVICE "]\nName=Wired\n"));
	CHECK(has(NEW_CONNMAN, "IPv4.local_address=192.0.2.5\n"));
	CHECK(has(NEW_CONNMAN, "Domains=example.org;\n"));
	CHECK_INT(ip_undo(&machine, GUID, IP_UNDO_MS), 0);
	CHECK(has(NEW_CONNMAN, "IPv4.local_address=203.0.113.9\n"));
	netns_run("link del net0");
	scratch_end();
}

/* The host is early: a manager that is yet to come must not find its old files only. */
static void early(void)
{
	if (!machine_begin())
		return;
	machine_write("etc/systemd/system/multi-user.target.wants/NetworkManager.service", "");
	CHECK_INT(set_dhcp(), 0);
	CHECK(has(RECORD, "MANAGER=NetworkManager\n"));
	/* It runs, and has not seen the adapter yet. */
	machine_write("etc/network/interfaces", "source /etc/network/interfaces.d/*\n");
	machine_write("run/NetworkManager/no-stub-resolv.conf", "");
	make_tool("usr/sbin/ifup", NOTES);
	make_tool("usr/bin/nmcli", "#!/bin/sh\nexit 8\n");
	CHECK_INT(set_dhcp(), 0);
	CHECK(has(RECORD, "MANAGER=NetworkManager\n"));
	/* Another manager takes over: the first one's files go. */
	machine_write("etc/systemd/network/50-a.network", "[Match]\nName=other*\n[Network]\nDomains=a\n");
	machine_write("usr/lib/systemd/network/60-b.network", "[Match]\nType=ether\nName=!lo\n[Network]\nDomains=b\n");
	machine_write("etc/systemd/network/70-c.network", "[Match]\nName=*\n[Network]\nDomains=c\n");
	machine_write("etc/systemd/system/dbus-org.freedesktop.network1.service", "");
	CHECK_INT(set_dhcp(), 0);
	CHECK(has(RECORD, "MANAGER=systemd-networkd\n"));
	CHECK_TEXT(machine_read(NM_OURS), "");
	CHECK(has(NETWORKD_OURS, "Domains=b\n"));
	CHECK(!has(NETWORKD_OURS, "Domains=c\n"));
	machine_end();
}

/* Known by name, and refused: they would undo it. */
static void unsupported(void)
{
	static const char *const files[][2] = {
		{ "run/wicked/x", "wicked" },
		{ "etc/sysconfig/network-scripts/ifcfg-net0", "ifcfg" },
	};

	if (!machine_begin())
		return;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		machine_write(files[i][0], "");
		CHECK_INT(set_v4("192.0.2.5", "", ""), HVKVP_E_FAIL);
		CHECK(strstr(machine_why, files[i][1]) &&
		      strstr(machine_why, "is not supported"));
		check_has("", "");
		unlink(scratch_path(files[i][0]));
		rmdir(scratch_path("run/wicked"));
	}
	machine_end();
}

/* Adapters come and go; other adapters get nothing. */
static void appears(void)
{
	struct ip_keep keep = { .system = &machine };

	if (!machine_begin())
		return;
	ip_keep_update(&keep);
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	/* What was set a moment ago is not set again. */
	netns_run("addr flush dev net0");
	ip_keep_update(&keep);
	CHECK(!netns_shows("addr show net0", "192.0.2.5"));
	machine_device("net0", OTHER_GUID);
	ip_keep_update(&keep);
	CHECK(!netns_shows("addr show net0", "192.0.2.5"));
	/* A new MAC address and name, on another host. */
	netns_run("link set net0 down");
	netns_run("link set net0 name lan0 address 00:15:5d:aa:bb:99");
	machine_device("lan0", MACHINE_GUID);
	ip_keep_update(&keep);
	CHECK(netns_shows("addr show lan0", "192.0.2.5/24"));
	/* Nothing has appeared: it is left alone, whatever others do. */
	netns_run("addr flush dev lan0");
	ip_keep_update(&keep);
	CHECK(!netns_shows("addr show lan0", "192.0.2.5"));
	CHECK_INT(ip_undo(&machine, "lan0", IP_UNDO_MS), 0);
	CHECK_TEXT(machine_read(RECORD), "");
	netns_run("link del lan0");
	scratch_end();
}

static bool waits_for_bridge(void)
{
	char text[4096] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	CHECK_INT(ip_describe_interface(&machine, "net0", out), 0);
	fclose(out);
	return strstr(text, "\nWAITS_FOR=bridge br0\n");
}

/* What the host has set for a bridge is not for the adapter in it, while the bridge is not there. */
static void bridge_appears(void)
{
	struct ip_keep keep = { .system = &machine };

	if (!machine_begin())
		return;
	netns_run("link add br0 type bridge");
	netns_run("link set net0 master br0");
	netns_run("link set br0 up");
	CHECK_INT(set_v4("192.0.2.5", "", ""), 0);
	CHECK(has(RECORD, "MASTER=bridge\n"));
	CHECK(!waits_for_bridge());
	netns_run("link del br0");
	ip_keep_update(&keep);
	CHECK(scratch_logged("net0: what the host has set is for the bridge br0, and waits for it"));
	CHECK(waits_for_bridge());
	CHECK(!netns_shows("addr show net0", "192.0.2.5"));
	netns_run("link add br0 type bridge");
	netns_run("link set net0 master br0");
	ip_keep_update(&keep);
	CHECK(netns_shows("addr show br0", "192.0.2.5/24"));
	CHECK(!waits_for_bridge());
	CHECK(!netns_shows("addr show net0", "192.0.2.5"));
	netns_run("link del br0");
	machine_end();
}

/* Without a manager, too, it is the whole record or nothing. */
static void appears_in_vain(void)
{
	if (!machine_begin())
		return;
	netns_run("addr add 203.0.113.9/24 dev net0");
	netns_run("route add default via 203.0.113.1 dev net0");
	/* No gateway is a multicast address. */
	machine_write("state/ip-00155daabb01.conf",
		      "MANAGER=hvkvpd\nMAC=" MACHINE_MAC "\nFAMILY=ipv4\nIPV4_MODE=static\nIPV4_ADDRESSES=192.0.2.5/24\n"
		      "IPV4_GATEWAYS=224.0.0.1\nIPV6_MODE=none\n");
	reapply();
	CHECK(scratch_logged("the gateway 224.0.0.1 cannot be used"));
	check_has("203.0.113.9", "203.0.113.1");
	machine_end();
}

/* A daemon that cannot serve its device has no business with the network. */
static void refused_daemon(void)
{
	char command[512];
	int status;

	if (!machine_begin())
		return;
	machine_write("state/ip-00155daabb01.conf",
		      "MANAGER=hvkvpd\nMAC=" MACHINE_MAC "\nFAMILY=ipv4\nIPV4_MODE=static\nIPV4_ADDRESSES=192.0.2.5/24\n"
		      "IPV6_MODE=none\n");
	snprintf(command, sizeof(command), "%s/hvkvpd -f -s %s -d /dev/null 2>/dev/null",
		 getenv("HVKVP_BIN"), scratch_path("state"));
	status = system(command);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK(!netns_shows("addr show net0", "192.0.2.5"));
	/* The record is good. */
	reapply();
	CHECK(netns_shows("addr show net0", "192.0.2.5/24"));
	machine_end();
}

/* Kept by hvkvpd: undoing it removes the addresses. Listed also when it is gone. */
static void undone(void)
{
	char text[512] = "";
	FILE *out;

	if (!machine_begin())
		return;
	netns_run("addr add 203.0.113.9/24 dev net0");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", "192.0.2.53"), 0);
	netns_run("addr add 203.0.113.9/24 dev net0");
	CHECK_INT(ip_undo(&machine, MACHINE_MAC, IP_UNDO_MS), 0);
	check_has("203.0.113.9", "");
	CHECK(!has("etc/resolv.conf", "192.0.2.53"));
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	machine_device("net0", OTHER_GUID);
	out = fmemopen(text, sizeof(text), "w");
	ip_undo_list(&machine, out);
	fclose(out);
	CHECK_TEXT(text, GUID " gone hvkvpd 192.0.2.5/24\n");
	CHECK_INT(ip_undo(&machine, MACHINE_GUID, IP_UNDO_MS), 0);
	CHECK(netns_shows("addr show net0", "192.0.2.5"));
	CHECK_TEXT(machine_read(RECORD), "");
	machine_end();
}

static void plan_by_command(char *text, size_t size)
{
	char command[512];
	FILE *pipe;
	size_t len;

	snprintf(command, sizeof(command), "%s/hvkvp --config %s/conf -s %s/state ip plan %s/body",
		 getenv("HVKVP_BIN"), machine.root, machine.root, machine.root);
	pipe = popen(command, "r");
	len = fread(text, 1, size - 1, pipe);
	text[len] = 0;
	pclose(pipe);
}

/* The dry run shows the difference, and says what the change itself would say. */
static void dry_run(void)
{
	static const struct ip_policy off = { .set = IP_POLICY_SET_OFF };
	char config[256];
	char text[8192] = "";
	FILE *out;

	if (!machine_begin())
		return;
	machine_write("etc/systemd/network/10-user.network", networkd_user);
	link_file("configured", "/etc/systemd/network/10-user.network");
	networkd_tool();
	netns_run("addr add 203.0.113.9/24 dev net0");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	/* Refused, and so not done; then it is made a valid one. */
	CHECK(machine_set(MACHINE_GUID, 4, 1, "192.0.2.7", "255.255.255.0", "192.0.2.1", "") != 0);
	machine_patch(258, 1);
	machine_patch(259, 0);
	machine_capture("body");
	out = fmemopen(text, sizeof(text), "w");
	CHECK_INT(ip_describe_body(&machine, NULL, scratch_path("body"), out), 0);
	fclose(out);
	CHECK(strstr(text, "\naddresses of net0\n-address 192.0.2.5/24\n-gateway 192.0.2.1\n"
		     "+address 192.0.2.7/24\n+gateway 192.0.2.1\n") != NULL);
	CHECK(strstr(text, "\nchanged file /" NETWORKD_OURS "\n-Address=192.0.2.5/24\n+Address=192.0.2.7/24\n"
		     "changed file /" RECORD "\n-IPV4_ADDRESSES=192.0.2.5/24\n+IPV4_ADDRESSES=192.0.2.7/24\n") != NULL);
	/* What the configuration forbids is refused here, too. */
	out = fmemopen(text, sizeof(text), "w");
	CHECK_INT(ip_describe_body(&machine, &off, scratch_path("body"), out), 1);
	fclose(out);
	CHECK(strstr(text, "REFUSED=SET_IP is off in the configuration\n") != NULL);
	check_has("192.0.2.5", "192.0.2.1");
	/* And by the command, with the script of the configuration. */
	machine_set(MACHINE_MAC, 4, 0, "192.0.2.7", "255.255.255.0", "192.0.2.1", "");
	machine_patch(258, 1);
	machine_capture("body");
	machine_write("script", "");
	chmod(scratch_path("script"), 0755);
	snprintf(config, sizeof(config), "[Addresses]\nSiteScript=%s/script\n", machine.root);
	machine_write("conf", config);
	plan_by_command(text, sizeof(text));
	CHECK(strstr(text, "/script\n") != NULL);
	machine_write("conf", "[Addresses]\nSetIP=no\n");
	plan_by_command(text, sizeof(text));
	CHECK(strstr(text, "REFUSED=SET_IP is off in the configuration\n") != NULL);
	machine_end();
}

static int take_lock(void)
{
	int fd = open(scratch_path("state/ip.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	CHECK_INT(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

/* Another process changes addresses: nothing is done beside it. */
static void locked(void)
{
	const unsigned int usual = machine_left_ms;
	int lock;

	if (!machine_begin())
		return;
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	lock = take_lock();
	machine_left_ms = 100;
	CHECK_INT(set_v4("192.0.2.6", "192.0.2.1", ""), HVKVP_E_FAIL);
	machine_left_ms = usual;
	CHECK(strstr(machine_why, "changes addresses") && strstr(machine_why, "/state/ip.lock is locked"));
	CHECK_INT(ip_undo(&machine, "net0", 100), -EREMOTEIO);
	CHECK(scratch_logged("/state/ip.lock is locked for longer than 50 ms"));
	check_has("192.0.2.5", "192.0.2.1");
	CHECK(has(RECORD, "IPV4_ADDRESSES=192.0.2.5/24\n"));
	close(lock);
	CHECK_INT(set_v4("192.0.2.6", "192.0.2.1", ""), 0);
	CHECK_INT(ip_undo(&machine, "net0", IP_UNDO_MS), 0);
	machine_end();
}

/* What is kept waits for the other process. */
static void keep_waits(void)
{
	int ready[2], state = -1;
	char byte = 0;
	pid_t other;

	if (!machine_begin())
		return;
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", ""), 0);
	netns_run("addr flush dev net0");
	CHECK_INT(pipe(ready), 0);
	other = fork();
	if (!other) {
		take_lock();
		if (write(ready[1], "", 1) != 1)
			_exit(2);
		for (int i = 0; i < 20; i++) {
			if (netns_shows("addr show dev net0", "192.0.2.5"))
				_exit(1);
			usleep(10000); /* sleep: how long it holds the lock */
		}
		_exit(0);
	}
	CHECK_INT(read(ready[0], &byte, 1), 1);
	reapply();
	CHECK_INT(waitpid(other, &state, 0), other);
	CHECK_INT(state, 0);
	check_has("192.0.2.5", "192.0.2.1");
	close(ready[0]);
	close(ready[1]);
	machine_end();
}

static const struct tap_case cases[] = {
	{ "systemd-networkd: what the host did not name stays", networkd },
	{ "systemd-networkd uses its new file late: success", networkd_is_late },
	{ "systemd-networkd refuses: nothing has changed", networkd_refuses },
	{ "systemd-networkd refuses undo: nothing has changed", networkd_refuses_undo },
	{ "netplan: networkd's file is the source", netplan },
	{ "NetworkManager: the active profile, and back", networkmanager },
	{ "NetworkManager: a profile in /run, and none", networkmanager_others },
	{ "NetworkManager: another adapter has the name", replaced },
	{ "NetworkManager does not take what is withdrawn: it is notified again", replaced_late },
	{ "undo that cannot write a file: nothing has changed", undo_cannot_write },
	{ "NetworkManager: a profile with a MAC address that is no longer the adapter's", new_mac },
	{ "ifupdown: the user's stanzas with other addresses", ifupdown },
	{ "ifupdown: what it reads of a folder", ifupdown_folder },
	{ "ifupdown: the mapping checks the adapter", ifupdown_mapping },
	{ "ifupdown fails: everything is rolled back", ifupdown_fails },
	{ "dhcpcd: a block for the interface, and back", dhcpcd },
	{ "dhcpcd 10 gets a command, and no signal", dhcpcd_10 },
	{ "dhcpcd: another adapter has the name", dhcpcd_replaced },
	{ "dhcpcd was killed, and another process has its number", dhcpcd_killed },
	{ "a file in a folder that is read-only for hvkvpd", read_only },
	{ "a file in such a folder that is written too late is put back", read_only_late },
	{ "nothing is left in such a folder when SET_IP fails", read_only_failure },
	{ "ConnMan: its settings, and its view of them", connman },
	{ "ConnMan does not answer: nothing has changed", connman_silent },
	{ "ConnMan has not been started yet, and has no folder", connman_first_boot },
	{ "ConnMan: more name servers than it takes", connman_name_servers },
	{ "ConnMan: after another manager", connman_takes_over },
	{ "ConnMan: another adapter has the MAC address, and the adapter a new one", connman_adapters },
	{ "managers that have not started yet", early },
	{ "managers that are not supported are refused by name", unsupported },
	{ "an adapter that appears later, or has a new name and MAC address", appears },
	{ "a bridge that appears later than the adapter in it", bridge_appears },
	{ "a record that cannot be set: nothing has changed", appears_in_vain },
	{ "a daemon that is refused changes nothing", refused_daemon },
	{ "undone where hvkvpd keeps it, also for an adapter that is gone", undone },
	{ "a dry run shows the difference", dry_run },
	{ "addresses that another process changes are locked", locked },
	{ "what is kept waits for the lock", keep_waits },
};

TAP_MAIN("managers", cases)
