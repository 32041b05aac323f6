// SPDX-License-Identifier: GPL-2.0-only
/*
 * SET_IP against a real kernel in a network namespace, and below a root of its own.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c/tap.h"
#include "ip/describe.h"
#include "ip/keep.h"
#include "ip/manager/manager.h"
#include "ip/undo.h"
#include "support/machine.h"
#include "support/netns.h"
#include "support/scratch.h"

#define GUID		"4487b255-b88c-403f-bb51-d1f69cf17f87"
#define RECORD		"state/ip-" GUID ".conf"
#define BANNER		"# Addresses that the Hyper-V host set, written by hvkvpd. \"hvkvp ip undo\" takes them back.\n"

/* As the daemon does when it has opened the device. */
static void reapply(void)
{
	struct ip_keep keep = { .system = &machine };

	ip_keep_update(&keep);
}

static uint32_t set_v4(const char *address, const char *gateway, const char *dns)
{
	return machine_set(MACHINE_GUID, 1, 0, address, "255.255.255.0", gateway, dns);
}

/* A DHCP client that is no network manager runs for net0: this very process. */
static void dhcp_client(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d\n", getpid());
	machine_write("run/dhclient.net0.pid", pid);
}

static void check_has(const char *addresses, const char *gateways)
{
	CHECK_INT(machine_get(4, MACHINE_GUID, 0), 0);
	CHECK_TEXT(GOT_ADDRESSES, addresses);
	CHECK_TEXT(GOT_GATEWAYS, gateways);
}

static void v4(void)
{
	if (!machine_begin())
		return;
	netns_run("link set net0 down");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", "192.0.2.53"), 0);
	check_has("192.0.2.5", "192.0.2.1");
	CHECK_TEXT(GOT_DNS, "192.0.2.53");
	CHECK_INT(GOT_DHCP, 0);
	CHECK(netns_shows("addr show net0", "brd 192.0.2.255"));
	CHECK(netns_shows("route show default", "default via 192.0.2.1 dev net0 proto static"));
	CHECK(strstr(machine_read(RECORD), "MANAGER=hvkvpd\n") != NULL);
	CHECK(strstr(machine_read(RECORD), "\nIPV4_ADDRESSES=192.0.2.5/24\n") != NULL);
	CHECK(scratch_logged("net0: the host has set IPv4 to 192.0.2.5/24, kept by hvkvpd"));
	/* Another subnet, as on another host; then the same again. */
	for (int i = 0; i < 2; i++) {
		CHECK_INT(set_v4("198.51.100.5", "198.51.100.1", "198.51.100.53"), 0);
		check_has("198.51.100.5", "198.51.100.1");
		CHECK_TEXT(GOT_DNS, "198.51.100.53");
	}
	CHECK_TEXT(machine_read("etc/resolv.conf"),
		   "# hvkvpd: name servers of net0, set by the host\nnameserver 198.51.100.53\n"
		   "# hvkvpd: end of net0\n");
	machine_end();
}

static void neighbours(void)
{
	if (!machine_begin())
		return;
	/* Within one subnet the old address is the new one's primary, or the reverse. */
	netns_run("addr add 192.0.2.5/24 dev net0");
	netns_run("addr add 192.0.2.6/24 dev net0");
	netns_run("addr add 192.0.2.7/24 dev net0");
	netns_run("route add 203.0.113.0/24 via 192.0.2.9 dev net0");
	CHECK_INT(set_v4("192.0.2.8", "192.0.2.1", ""), 0);
	check_has("192.0.2.8", "192.0.2.1");
	CHECK(netns_shows("route show", "203.0.113.0/24 via 192.0.2.9 dev net0"));
	CHECK_INT(machine_set(MACHINE_GUID, 1, 0, "192.0.2.7;192.0.2.8;10.1.1.1",
			      "255.255.255.0;255.255.255.0;255.0.0.0", "10.0.0.1;192.0.2.2", ""), 0);
	CHECK_INT(machine_get(4, MACHINE_GUID, 0), 0);
	CHECK(strstr(GOT_ADDRESSES, "192.0.2.7") && strstr(GOT_ADDRESSES, "192.0.2.8") &&
	      strstr(GOT_ADDRESSES, "10.1.1.1"));
	CHECK_TEXT(GOT_GATEWAYS, "10.0.0.1;192.0.2.2");
	/* The same address in another subnet. */
	CHECK_INT(machine_set(MACHINE_GUID, 1, 0, "192.0.2.7", "255.255.0.0", "192.0.9.1", ""), 0);
	check_has("192.0.2.7", "192.0.9.1");
	CHECK_TEXT(GOT_SUBNETS, "255.255.0.0");
	machine_end();
}

static void v6(void)
{
	if (!machine_begin())
		return;
	netns_run("addr add 192.0.2.5/24 dev net0");
	netns_run("addr add fe80::9/64 dev net0 nodad");
	netns_run("addr add 2001:db8::1/64 dev net0 nodad");
	CHECK_INT(machine_set(MACHINE_GUID, 2, 0, "2001:db8:1::5", "/64", "2001:db8:1::1;fe80::1",
			      "2001:db8::53"), 0);
	check_has("192.0.2.5;2001:db8:1::5;fe80::9", "2001:db8:1::1;fe80::1");
	CHECK(!netns_shows("-6 addr show net0", "tentative"));
	/* The record says which family the host has set. */
	CHECK(strstr(machine_read(RECORD), "\nFAMILY=ipv6\n") != NULL);
	/* Another prefix for the same address. */
	CHECK_INT(machine_set(MACHINE_GUID, 2, 0, "2001:db8:1::5", "56", "", ""), 0);
	check_has("192.0.2.5;2001:db8:1::5;fe80::9", "");
	CHECK(strstr(GOT_SUBNETS, "/56") != NULL);
	machine_end();
}

static void both(void)
{
	if (!machine_begin())
		return;
	CHECK_INT(machine_set(MACHINE_MAC, 3, 0, "2001:db8::5;192.0.2.5", "64;255.255.255.0",
			      "192.0.2.1;2001:db8::1", "192.0.2.53;2001:db8::53"), 0);
	check_has("192.0.2.5;2001:db8::5", "192.0.2.1;2001:db8::1");
	CHECK_TEXT(GOT_DNS, "192.0.2.53;2001:db8::53");
	/* Without anybody who would do DHCP nothing changes. */
	CHECK_INT(machine_set(MACHINE_MAC, 3, 1, "", "", "", ""), HVKVP_E_FAIL);
	CHECK(strstr(machine_why, "no DHCP client"));
	check_has("192.0.2.5;2001:db8::5", "192.0.2.1;2001:db8::1");
	CHECK_INT(GOT_DHCP, 0);
	/* A client of its own does: what the host had set goes. */
	dhcp_client();
	CHECK_INT(machine_set(MACHINE_MAC, 3, 1, "", "", "", ""), 0);
	check_has("", "");
	CHECK_INT(GOT_DHCP, 1);
	CHECK_TEXT(machine_read("etc/resolv.conf"), "");
	machine_end();
}

/* An address of the other family that is still being checked is not forgotten. */
static void unchecked(void)
{
	if (!machine_begin())
		return;
	netns_run("addr add 2001:db8::5/64 dev net0");
	CHECK_INT(set_v4("192.0.2.5", "", ""), 0);
	CHECK(netns_shows("addr show net0", "2001:db8::5/64"));
	machine_end();
}

static void to_dhcp(void)
{
	if (!machine_begin())
		return;
	/* A lease that is there already is not touched. */
	netns_run("addr add 192.0.2.5/24 dev net0");
	netns_run("addr add 192.0.2.6/24 dev net0 valid_lft 3600 preferred_lft 3600");
	netns_run("route add default via 192.0.2.1 dev net0");
	dhcp_client();
	CHECK_INT(machine_set(MACHINE_GUID, 1, 1, "", "", "", ""), 0);
	CHECK_INT(machine_get(4, MACHINE_GUID, 0), 0);
	CHECK_INT(GOT_DHCP, 1);
	CHECK(!netns_shows("addr show net0", "192.0.2.5/"));
	machine_end();
}

/* The veth's other end has the address already. */
static void duplicate(void)
{
	if (!machine_begin())
		return;
	netns_run("addr add 2001:db8::5/64 dev far0 nodad");
	netns_run("addr add 192.0.2.5/24 dev net0");
	netns_run("addr add 192.0.2.6/24 dev net0 valid_lft 3600 preferred_lft 3600");
	netns_run("addr add 2001:db8::1/64 dev net0 nodad");
	netns_run("route add default via 192.0.2.1 dev net0 metric 7");
	netns_run("route add 203.0.113.0/24 via 192.0.2.9 dev net0");
	netns_run("-6 route add default via 2001:db8::9 dev net0");
	machine_write("etc/resolv.conf", "nameserver 192.0.2.53\n");
	CHECK_INT(machine_set(MACHINE_GUID, 3, 0, "2001:db8::5;198.51.100.5", "64;255.255.255.0",
			      "198.51.100.1", "198.51.100.53"), HVKVP_E_FAIL);
	CHECK_TEXT(machine_why, "2001:db8::5 is in use by another machine");
	check_has("192.0.2.5;192.0.2.6;2001:db8::1", "192.0.2.1;2001:db8::9");
	CHECK_INT(GOT_DHCP, 1);
	CHECK(netns_shows("route show", "default via 192.0.2.1 dev net0 metric 7"));
	CHECK(netns_shows("route show", "203.0.113.0/24 via 192.0.2.9 dev net0"));
	CHECK_TEXT(machine_read("etc/resolv.conf"), "nameserver 192.0.2.53\n");
	CHECK_TEXT(machine_read(RECORD), "");
	CHECK(scratch_logged("rolling back"));
	machine_end();
}

/* NetworkManager's way: the kernel makes no routes for its addresses. */
static void managed_routes(void)
{
	if (!machine_begin())
		return;
	netns_run("addr add 2001:db8::5/64 dev far0 nodad");
	netns_run("addr add 192.0.2.5/24 dev net0 noprefixroute");
	netns_run("route add 192.0.2.0/24 dev net0 proto kernel scope link src 192.0.2.5 metric 100");
	netns_run("route add default via 192.0.2.1 dev net0 proto static metric 100");
	netns_run("addr add 2001:db8:1::1/64 dev net0 noprefixroute nodad");
	netns_run("-6 route add 2001:db8:1::/64 dev net0 proto kernel metric 100");
	netns_run("-6 route add default via 2001:db8:1::9 dev net0 proto static metric 100");
	CHECK_INT(machine_set(MACHINE_GUID, 3, 0, "2001:db8::5;198.51.100.5", "64;255.255.255.0",
			      "198.51.100.1", ""), HVKVP_E_FAIL);
	check_has("192.0.2.5;2001:db8:1::1", "192.0.2.1;2001:db8:1::9");
	CHECK(netns_shows("route show", "192.0.2.0/24 dev net0 proto kernel scope link src 192.0.2.5 metric 100"));
	CHECK(netns_shows("-6 route show", "2001:db8:1::/64 dev net0 proto kernel metric 100"));
	CHECK(!scratch_logged("not everything could be rolled back"));
	/* They go with their addresses. */
	CHECK_INT(machine_set(MACHINE_GUID, 3, 0, "198.51.100.5;2001:db8:2::5", "255.255.255.0;64",
			      "198.51.100.1", ""), 0);
	check_has("198.51.100.5;2001:db8:2::5", "198.51.100.1");
	CHECK(!netns_shows("route show", "192.0.2.0/24"));
	CHECK(!netns_shows("-6 route show", "2001:db8:1::/64"));
	machine_end();
}

static void no_carrier(void)
{
	if (!machine_begin())
		return;
	netns_run("link set far0 down");
	machine.settle_ms = 300;
	CHECK_INT(machine_set(MACHINE_GUID, 3, 0, "2001:db8::5;192.0.2.5", "64;255.255.255.0", "", ""), 0);
	CHECK(scratch_logged("has no carrier"));
	CHECK(netns_shows("addr show net0", "2001:db8::5/64"));
	machine.settle_ms = 3000;
	machine_end();
}

/* The kernel has no IPv6 on a link with so small an MTU. */
static void refused_by_kernel(void)
{
	if (!machine_begin())
		return;
	netns_run("link set net0 down mtu 1000");
	netns_run("addr add 192.0.2.5/24 dev net0");
	CHECK_INT(machine_set(MACHINE_GUID, 3, 0, "2001:db8::5;198.51.100.5", "64;255.255.255.0", "", ""),
		  HVKVP_E_FAIL);
	CHECK(strstr(machine_why, "2001:db8::5/64 cannot be added"));
	check_has("192.0.2.5", "");
	CHECK(netns_shows("link show net0", "state DOWN"));
	machine_end();
}

#define V6_SWITCH "/proc/sys/net/ipv6/conf/net0/disable_ipv6"

static char v6_switch(void)
{
	FILE *file = fopen(V6_SWITCH, "r");
	int c = file ? fgetc(file) : 0;

	if (file)
		fclose(file);
	return c;
}

/* The host asks for IPv6, so it is enabled; when that fails it is as before. */
static void v6_disabled(void)
{
	if (!machine_begin())
		return;
	CHECK_INT(system("echo 1 >" V6_SWITCH), 0);
	netns_run("addr add 192.0.2.5/24 dev net0");
	netns_run("addr add 2001:db8::5/64 dev far0 nodad");
	CHECK_INT(machine_set(MACHINE_GUID, 2, 0, "2001:db8::5", "64", "", ""), HVKVP_E_FAIL);
	CHECK_INT(v6_switch(), '1');
	/* IPv4 alone does not enable it. */
	CHECK_INT(set_v4("192.0.2.6", "", ""), 0);
	CHECK_INT(v6_switch(), '1');
	CHECK_INT(machine_set(MACHINE_GUID, 2, 0, "2001:db8::6", "64", "", ""), 0);
	CHECK_INT(v6_switch(), '0');
	check_has("192.0.2.6;2001:db8::6", "");
	/* And when hvkvpd starts. */
	CHECK_INT(system("echo 1 >" V6_SWITCH), 0);
	reapply();
	check_has("192.0.2.6", "");
	CHECK_INT(v6_switch(), '0');
	CHECK(netns_shows("-6 addr show net0", "2001:db8::6/64"));
	machine_end();
}

/* A route by both adapters: the other one's next hop is not ours to remove. */
static void multipath(void)
{
	static const char both[] = "nexthop via 192.0.2.1 dev net0 weight 1 \n\tnexthop via 203.0.113.1 dev net1 weight 1";

	if (!machine_begin())
		return;
	netns_run("link add net1 type veth peer name far1");
	netns_run("link set far1 up addrgenmode none");
	netns_run("link set net1 up addrgenmode none");
	netns_run("addr add 192.0.2.5/24 dev net0");
	netns_run("addr add 203.0.113.5/24 dev net1");
	netns_run("route add default nexthop via 192.0.2.1 dev net0 nexthop via 203.0.113.1 dev net1");
	CHECK(netns_shows("route show default", both));
	/* Rolled back: the whole of it, and nothing else. */
	machine_write("state", "a file where the folder should be");
	CHECK_INT(set_v4("198.51.100.5", "198.51.100.1", ""), HVKVP_E_FAIL);
	CHECK(netns_shows("route show default", both));
	CHECK(!netns_shows("route show default", "default via"));
	unlink(scratch_path("state"));
	CHECK_INT(set_v4("198.51.100.5", "198.51.100.1", ""), 0);
	CHECK(netns_shows("route show default", "via 203.0.113.1 dev net1"));
	CHECK(netns_shows("route show default", "via 198.51.100.1 dev net0"));
	CHECK(!netns_shows("route show default", "192.0.2.1"));
	netns_run("link del net1");
	machine_end();
}

static void point_to_point(void)
{
	if (!machine_begin())
		return;
	netns_run("addr add 192.0.2.5 peer 203.0.113.9/32 dev net0");
	netns_run("addr add 192.0.2.6 peer 203.0.113.8/24 dev net0");
	CHECK_INT(set_v4("192.0.2.6", "", ""), 0);
	check_has("192.0.2.6", "");
	CHECK(!netns_shows("addr show net0", "peer"));
	machine_end();
}

/* The output of ip(8), to be compared; freed by the caller. */
static char *shown(const char *arguments)
{
	char command[96], *text = calloc(1, 8192);
	FILE *pipe;

	snprintf(command, sizeof(command), "ip %s", arguments);
	pipe = popen(command, "r");
	if (fread(text, 1, 8191, pipe) == 0)
		text[0] = 0;
	pclose(pipe);
	return text;
}

static void same_after(const char *arguments, char *before)
{
	char *after = shown(arguments);

	CHECK_TEXT(after, before);
	free(after);
	free(before);
}

/* Primary and secondary addresses, in their order; expiring ones expire. */
static void exact_rollback(void)
{
	char *v4_addresses, *v6_addresses, *routes;

	if (!machine_begin())
		return;
	netns_run("addr add 192.0.2.5/24 dev net0");
	netns_run("addr add 192.0.2.6/24 dev net0");
	netns_run("addr add 192.0.2.7/24 dev net0 label net0:x");
	netns_run("addr add 198.51.100.9/24 dev net0 noprefixroute");
	netns_run("addr add 2001:db8::1/64 dev net0 nodad");
	netns_run("addr add 2001:db8::2/64 dev net0 nodad");
	netns_run("route add 203.0.113.0/24 via 192.0.2.9 dev net0 metric 5");
	netns_run("-6 route add default via 2001:db8::9 dev net0 proto ra metric 512 expires 1000");
	v4_addresses = shown("-4 -d addr show net0");
	v6_addresses = shown("-6 addr show net0");
	routes = shown("route show");
	machine_write("state", "a file where the folder should be");
	CHECK_INT(machine_set(MACHINE_GUID, 3, 0, "192.0.2.6;2001:db8::1", "255.255.255.0;64",
			      "192.0.2.1", ""), HVKVP_E_FAIL);
	same_after("-4 -d addr show net0", v4_addresses);
	same_after("-6 addr show net0", v6_addresses);
	same_after("route show", routes);
	CHECK(netns_shows("-6 route show default", "expires"));
	CHECK(netns_shows("-6 route show default", "proto ra metric 512"));
	machine_end();
}

/* A gateway that is in no subnet, as with /32 addresses. */
static void onlink(void)
{
	if (!machine_begin())
		return;
	CHECK_INT(machine_set(MACHINE_GUID, 3, 0, "192.0.2.5;2001:db8::5", "255.255.255.255;128",
			      "203.0.113.1;2001:db8:9::1", ""), 0);
	check_has("192.0.2.5;2001:db8::5", "203.0.113.1;2001:db8:9::1");
	CHECK(netns_shows("route show default", "via 203.0.113.1 dev net0 proto static onlink"));
	machine_end();
}

/* Its addresses say what is meant. DHCP does not. */
static void unknown_families(void)
{
	static const int families[] = { 4, 0x80, 0xff };

	if (!machine_begin())
		return;
	netns_run("addr add 2001:db8::5/64 dev net0 nodad");
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		char address[] = "192.0.2.5";

		address[8] += i;
		CHECK_INT(machine_set(MACHINE_GUID, families[i], 0, address, "255.255.255.0", "", ""), 0);
		CHECK_TEXT(machine_oddity, "the address family is unknown");
		CHECK(netns_shows("-4 addr show net0", address));
		CHECK(netns_shows("-6 addr show net0", "2001:db8::5/64"));
		CHECK_INT(machine_set(MACHINE_GUID, families[i], 1, "", "", "", ""), HVKVP_E_INVALIDARG);
		CHECK(netns_shows("-4 addr show net0", address));
	}
	CHECK_INT(set_v4("192.0.2.9", "", ""), 0);
	CHECK(!machine_oddity);
	machine_end();
}

static void refused(void)
{
	if (!machine_begin())
		return;
	netns_run("addr add 192.0.2.5/24 dev net0");
	CHECK_INT(machine_set("{4487b255-b88c-403f-bb51-d1f69cf17f88}", 1, 0, "192.0.2.9",
			      "255.255.255.0", "", ""), HVKVP_E_GUID_NOTFOUND);
	CHECK_INT(set_v4("192.0.2.0", "", ""), HVKVP_E_INVALIDARG);
	CHECK_INT(set_v4("192.0.2.9", "192.0.2.9", ""), HVKVP_E_INVALIDARG);
	CHECK_INT(set_v4("", "", ""), HVKVP_E_INVALIDARG);
	check_has("192.0.2.5", "");
	CHECK_TEXT(machine_read(RECORD), "");
	machine_end();
}

static void cannot_write(void)
{
	if (!machine_begin())
		return;
	netns_run("addr add 192.0.2.5/24 dev net0");
	machine_write("state", "a file where the folder should be");
	CHECK_INT(set_v4("198.51.100.5", "198.51.100.1", ""), HVKVP_E_FAIL);
	check_has("192.0.2.5", "");
	machine_end();
}

static void reapplied(void)
{
	if (!machine_begin())
		return;
	CHECK_INT(machine_set(MACHINE_GUID, 3, 0, "192.0.2.5;2001:db8::5", "255.255.255.0;64",
			      "192.0.2.1;2001:db8::1", "192.0.2.53;2001:db8::53"), 0);
	netns_run("addr flush dev net0");
	unlink(scratch_path("etc/resolv.conf"));
	reapply();
	netns_run("link set far0 up");
	CHECK(netns_shows("addr show net0", "192.0.2.5/24"));
	CHECK(netns_shows("addr show net0", "2001:db8::5/64"));
	CHECK(netns_shows("route show default", "via 192.0.2.1"));
	CHECK(strstr(machine_read("etc/resolv.conf"), "nameserver 2001:db8::53\n") != NULL);
	/* Without the record nothing happens; with a broken one neither. */
	netns_run("addr flush dev net0");
	machine_write(RECORD, "MANAGER=hvkvpd\nFAMILY=ipv4\nIPV4_MODE=static\nIPV4_ADDRESSES=192.0.2.5/99\n");
	reapply();
	CHECK(scratch_logged("invalid record"));
	unlink(scratch_path(RECORD));
	reapply();
	CHECK(!netns_shows("addr show net0", "192.0.2.5"));
	machine_end();
}

/* As hvkvp-import leaves it for the daemon. */
static void set_in_initramfs(const char *text)
{
	machine_write("state/ip-" GUID ".initramfs", text);
	reapply();
	CHECK(access(scratch_path("state/ip-" GUID ".initramfs"), F_OK));
}

static void from_initramfs(void)
{
	if (!machine_begin())
		return;
	/* In an earlier boot. */
	CHECK_INT(machine_set(MACHINE_GUID, 2, 0, "2001:db8::5", "64", "", "2001:db8::53"), 0);
	netns_run("addr flush dev net0");
	set_in_initramfs("MANAGER=hvkvpd\nDNS_SET=no\nGUID=" GUID "\nFAMILY=ipv4\nIPV4_MODE=static\n"
			 "IPV4_ADDRESSES=192.0.2.5/24\nIPV4_GATEWAYS=192.0.2.1\nIPV6_MODE=auto\nDNS=192.0.2.53\n");
	CHECK(netns_shows("addr show net0", "192.0.2.5/24"));
	CHECK(netns_shows("route show default", "via 192.0.2.1"));
	CHECK(strstr(machine_read(RECORD), "\nFAMILY=both\n") != NULL);
	CHECK(strstr(machine_read(RECORD), "MANAGER=hvkvpd\n") != NULL);
	CHECK(strstr(machine_read(RECORD), "\nIPV4_ADDRESSES=192.0.2.5/24\n") != NULL);
	CHECK(strstr(machine_read(RECORD), "\nIPV6_ADDRESSES=2001:db8::5/64\n") != NULL);
	/* The name servers that the host has set, and not those of the initramfs. */
	CHECK(strstr(machine_read(RECORD), "\nDNS=2001:db8::53\n") != NULL);
	/* A manager that is in charge by now keeps them. */
	machine_write("etc/systemd/system/multi-user.target.wants/systemd-networkd.service", "");
	set_in_initramfs("MANAGER=hvkvpd\nDNS_SET=no\nGUID=" GUID "\nFAMILY=ipv4\nIPV4_MODE=static\n"
			 "IPV4_ADDRESSES=192.0.2.6/24\nIPV6_MODE=auto\n");
	CHECK(netns_shows("addr show net0", "192.0.2.6/24"));
	CHECK(!netns_shows("addr show net0", "192.0.2.5/24"));
	CHECK(strstr(machine_read(RECORD), "MANAGER=systemd-networkd\n") != NULL);
	CHECK(strstr(machine_read("etc/systemd/network/00-hvkvpd-" GUID ".network"), "192.0.2.6/24") != NULL);
	/* A broken one changes nothing, and one whose adapter is not there waits for it. */
	set_in_initramfs("MANAGER=hvkvpd\nFAMILY=ipv4\nIPV4_MODE=static\nIPV4_ADDRESSES=192.0.2.5/99\n");
	CHECK(scratch_logged("not kept: invalid record"));
	CHECK(netns_shows("addr show net0", "192.0.2.6/24"));
	machine_write("state/ip-none.initramfs", "MANAGER=hvkvpd\nGUID=11111111-b88c-403f-bb51-d1f69cf17f87\n"
		      "FAMILY=ipv4\nIPV4_MODE=static\nIPV4_ADDRESSES=192.0.2.5/24\nIPV6_MODE=auto\n");
	reapply();
	CHECK(!access(scratch_path("state/ip-none.initramfs"), F_OK));
	machine_end();
}

static void make_tool(const char *path, const char *text)
{
	machine_write(path, text);
	chmod(scratch_path(path), 0755);
}

static void site_script(void)
{
	if (!machine_begin())
		return;
	make_tool("etc/hyperv/set-ip", "#!/bin/sh\nenv | grep ^HVKVP_ | sort >\"${0%/*}/seen\"\n"
		  "exit $(cat \"${0%/*}/rc\")\n");
	machine_write("etc/hyperv/rc", "0");
	CHECK_INT(machine_set(MACHINE_GUID, 3, 0, "192.0.2.5;2001:db8::5", "255.255.255.0;64",
			      "192.0.2.1", "192.0.2.53;192.0.2.54"), 0);
	CHECK(strstr(machine_read("etc/hyperv/seen"),
		     "HVKVP_DNS=192.0.2.53 192.0.2.54\nHVKVP_FAMILY=both\n") != NULL);
	CHECK(strstr(machine_read("etc/hyperv/seen"),
		     "HVKVP_IPV4_ADDRESSES=192.0.2.5/24\nHVKVP_IPV4_GATEWAYS=192.0.2.1\nHVKVP_IPV4_MODE=static\n"
		     "HVKVP_IPV6_ADDRESSES=2001:db8::5/64\nHVKVP_IPV6_GATEWAYS=\n") != NULL);
	CHECK(strstr(machine_read("etc/hyperv/seen"), "HVKVP_MAC=" MACHINE_MAC "\n") != NULL);
	check_has("", "");
	machine_write("etc/hyperv/rc", "3");
	CHECK_INT(set_v4("192.0.2.5", "", ""), HVKVP_E_FAIL);
	check_has("", "");
	machine_write("etc/hyperv/rc", "77");
	CHECK_INT(set_v4("192.0.2.5", "", ""), 0);
	check_has("192.0.2.5", "");
	chmod(scratch_path("etc/hyperv/set-ip"), 0644);
	CHECK_INT(set_v4("192.0.2.6", "", ""), 0);
	CHECK(scratch_logged("is not executable"));
	machine_end();
}

/* In an initramfs no manager can keep an address, and a site's script would not find its system. */
static void early(void)
{
	if (!machine_begin())
		return;
	machine.early = true;
	machine_write("usr/lib/systemd/systemd-networkd", "");
	machine_write("etc/systemd/system/multi-user.target.wants/systemd-networkd.service", "");
	machine_write("etc/systemd/network/10-net0.network", "[Match]\nName=net0\n");
	CHECK_INT(set_v4("192.0.2.5", "", ""), 0);
	check_has("192.0.2.5", "");
	CHECK(strstr(machine_read(RECORD), "MANAGER=hvkvpd\n") != NULL);
	make_tool("etc/hyperv/set-ip", "#!/bin/sh\n: >\"${0%/*}/ran\"\n");
	CHECK_INT(set_v4("192.0.2.6", "", ""), HVKVP_E_FAIL);
	CHECK(strstr(machine_why, "the system is still starting") != NULL);
	CHECK(access(scratch_path("etc/hyperv/ran"), F_OK));
	check_has("192.0.2.5", "");
	unlink(scratch_path("etc/hyperv/set-ip"));
	machine.early = false;
	CHECK_INT(set_v4("192.0.2.5", "", ""), 0);
	CHECK(strstr(machine_read(RECORD), "MANAGER=systemd-networkd\n") != NULL);
	machine_end();
}

/* A tool that notes its arguments, and whether it could speak to systemd in our name. */
#define NOTES "#!/bin/sh\necho \"${0##*/} $*$NOTIFY_SOCKET\" >>\"${0%%/usr/*}/told\"\nexit ${RC:-0}\n"

/* A tool in a unit of its own: systemd ends it before we go on, and late is late. */
static void tool_in_unit(void)
{
	static const char *const argv[] = { "/usr/sbin/ifup", "net0", NULL };
	static const char *const script[] = { "/usr/bin/sh", "-c", "echo ${0%/*} $1", "a/b", NULL };
	char late[96];

	if (!machine_begin())
		return;
	machine_write("run/systemd/private", "");
	/* It puts variables of its own into words, unless '$' is doubled. */
	make_tool("usr/bin/systemd-run", "#!/bin/sh\necho \"$*\" >\"${0%/usr/*}/told\"\n");
	CHECK_INT(ip_tool(&machine, 8000, true, NULL, script), 0);
	CHECK(strstr(machine_read("told"), " /usr/bin/sh -c echo $${0%/*} $$1 a/b\n") != NULL);
	make_tool("usr/bin/systemd-run", "#!/bin/sh\necho \"$*\" >\"${0%/usr/*}/told\"\nexit 3\n");
	CHECK_INT(ip_tool(&machine, 8000, true, NULL, argv), 3);
	CHECK(strstr(machine_read("told"), " --property=KillSignal=SIGKILL --property=RuntimeMaxSec=7000ms "
		     "/usr/sbin/ifup net0\n") != NULL);
	make_tool("usr/bin/systemd-run", "#!/bin/sh\nsleep 0.9\nexit 1\n");
	CHECK_INT(ip_tool(&machine, 1000, true, NULL, argv), -ETIMEDOUT);
	snprintf(late, sizeof(late), "/usr/sbin/ifup net0: %s", strerror(ETIMEDOUT));
	CHECK(scratch_logged(late));
	machine_end();
}

static int describe(char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");
	int ret = ip_describe_body(&machine, NULL, scratch_path("body"), out);

	fclose(out);
	return ret;
}

static void described(void)
{
	char text[4096];

	if (!machine_begin())
		return;
	set_v4("192.0.2.0", "", "");
	machine_capture("body");
	CHECK_INT(describe(text, sizeof(text)), 1);
	CHECK(strstr(text, "REFUSED=an address is its subnet's own") != NULL);
	machine_set(MACHINE_GUID, 0, 0, "192.0.2.5", "255.255.255.0", "192.0.2.1", "");
	machine_capture("body");
	netns_run("addr flush dev net0");
	CHECK_INT(describe(text, sizeof(text)), 0);
	CHECK(strstr(text, "FORM=text\nADAPTER=" MACHINE_GUID "\nINTERFACE=net0\n") != NULL);
	CHECK(strstr(text, "IPV4_MODE=static\nIPV4_ADDRESSES=192.0.2.5/24\nIPV4_GATEWAYS=192.0.2.1\n") != NULL);
	CHECK(strstr(text, "MANAGER=hvkvpd\n") != NULL);
	CHECK(!netns_shows("addr show net0", "192.0.2.5"));
	machine_write("body", "short");
	CHECK_INT(describe(text, sizeof(text)), -EINVAL);
	unlink(scratch_path("body"));
	CHECK_INT(describe(text, sizeof(text)), -ENOENT);
	machine_end();
}

static void user_servers(void)
{
	if (!machine_begin())
		return;
	machine_write("etc/resolv.conf", "search example.com\nnameserver 203.0.113.53\noptions rotate\n");
	chmod(scratch_path("etc/resolv.conf"), 0640);
	CHECK_INT(set_v4("192.0.2.5", "", "192.0.2.53;2001:db8::53"), 0);
	CHECK_TEXT(machine_read("etc/resolv.conf"),
		   "# hvkvpd: name servers of net0, set by the host\nnameserver 192.0.2.53\n"
		   "nameserver 2001:db8::53\n# hvkvpd: end of net0\n"
		   "search example.com\nnameserver 203.0.113.53\noptions rotate\n");
	CHECK_INT(machine_get(4, MACHINE_GUID, 0), 0);
	CHECK_TEXT(GOT_DNS, "192.0.2.53;2001:db8::53");
	/* Without servers in the request they stay; with DHCP ours go. */
	CHECK_INT(set_v4("192.0.2.6", "", ""), 0);
	CHECK(strstr(machine_read("etc/resolv.conf"), "nameserver 192.0.2.53\n") != NULL);
	dhcp_client();
	CHECK_INT(machine_set(MACHINE_GUID, 1, 1, "", "", "", ""), 0);
	CHECK_TEXT(machine_read("etc/resolv.conf"),
		   "search example.com\nnameserver 203.0.113.53\noptions rotate\n");
	{
		struct stat st;

		CHECK(!stat(scratch_path("etc/resolv.conf"), &st) && (st.st_mode & 07777) == 0640);
	}
	machine_end();
}

/* Name servers where systemd-resolved's files are there, but it does not answer. */
static void resolved_is_gone(void)
{
	if (!machine_begin())
		return;
	machine_write("run/systemd/resolve/resolv.conf", "");
	machine_write("etc/resolv.conf", "search example.com\n");
	make_tool("usr/bin/resolvectl", "#!/bin/sh\nexit 1\n");
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", "192.0.2.53"), 0);
	CHECK(strstr(machine_read("etc/resolv.conf"), "nameserver 192.0.2.53\n") != NULL);
	CHECK(strstr(machine_read("etc/resolv.conf"), "search example.com\n") != NULL);
	/* A link says that it is to be used: then nothing is written behind its back. */
	unlink(scratch_path("etc/resolv.conf"));
	CHECK_INT(symlink("../run/systemd/resolve/resolv.conf", scratch_path("etc/resolv.conf")), 0);
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", "192.0.2.54"), 0);
	CHECK(scratch_logged("its name servers are not set: resolvectl fails"));
	CHECK_TEXT(machine_read("run/systemd/resolve/resolv.conf"), "");
	make_tool("usr/bin/resolvectl", NOTES);
	CHECK_INT(set_v4("192.0.2.5", "192.0.2.1", "192.0.2.55"), 0);
	CHECK_TEXT(machine_read("told"), "resolvectl dns net0 192.0.2.55\n");
	machine_end();
}

static void full(void)
{
	char addresses[1024] = "", subnets[1024] = "";

	if (!machine_begin())
		return;
	for (int i = 0; i < 64; i++) {
		sprintf(addresses + strlen(addresses), "%s10.0.%d.1", i ? ";" : "", i);
		sprintf(subnets + strlen(subnets), "%s255.255.255.0", i ? ";" : "");
	}
	CHECK_INT(machine_set(MACHINE_GUID, 1, 0, addresses, subnets, "10.0.63.2", addresses), 0);
	check_has(addresses, "10.0.63.2");
	CHECK_TEXT(GOT_DNS, addresses);
	netns_run("addr flush dev net0");
	reapply();
	check_has(addresses, "10.0.63.2");
	machine_end();
}

static const struct tap_case cases[] = {
	{ "static IPv4, another subnet, and the same again", v4 },
	{ "new addresses beside old ones of their subnet", neighbours },
	{ "static IPv6 leaves IPv4 alone", v6 },
	{ "both families, then back to DHCP", both },
	{ "DHCP leaves a lease alone", to_dhcp },
	{ "addresses of the other family that are being checked stay", unchecked },
	{ "a duplicate address: all is put back", duplicate },
	{ "routes that a manager made for its addresses", managed_routes },
	{ "without a carrier addresses are set all the same", no_carrier },
	{ "an address that the kernel refuses: all is put back", refused_by_kernel },
	{ "IPv6 that is disabled is enabled for static addresses", v6_disabled },
	{ "a multipath route keeps the next hops of other adapters", multipath },
	{ "a point-to-point address goes", point_to_point },
	{ "a rollback is exact: order, labels, expiry", exact_rollback },
	{ "a gateway in no subnet", onlink },
	{ "addresses of a family that is unknown", unknown_families },
	{ "bad requests change nothing", refused },
	{ "files that cannot be written: all is put back", cannot_write },
	{ "set anew at the start where nobody else keeps it", reapplied },
	{ "set in the initramfs: set again, and kept by who is in charge now", from_initramfs },
	{ "the site's script", site_script },
	{ "early: no manager, and no site's script", early },
	{ "a tool that systemd runs for us, and ends", tool_in_unit },
	{ "a captured body is explained, and changes nothing", described },
	{ "name servers without systemd-resolved, which has been there", resolved_is_gone },
	{ "name servers in front of the user's", user_servers },
	{ "64 addresses and 64 name servers", full },
};

TAP_MAIN("set", cases)
