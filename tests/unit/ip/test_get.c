// SPDX-License-Identifier: GPL-2.0-only
/*
 * GET_IP from a real kernel, in a network namespace of its own.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "c/tap.h"
#include "ip/cache.h"
#include "net/link.h"
#include "net/rtnl.h"
#include "net/watch.h"
#include "support/body.h"
#include "support/machine.h"
#include "support/netns.h"
#include "support/scratch.h"
#include "util/clock.h"

static void ids(void)
{
	static const char *const good[] = {
		MACHINE_MAC, "00:15:5D:AA:BB:01", "00-15-5d-aa-bb-01", "00155DAABB01",
		MACHINE_GUID, "{4487b255-b88c-403f-bb51-d1f69cf17f87}",
		"4487b255-b88c-403F-bb51-d1f69cf17f87",
	};
	static const char *const bad[] = {
		"", "00:15:5d:aa:bb:02", "00:15:5d:aa:bb", "00:15:5d:aa:bb:01:", "00:15:5d:aa:bb:0",
		"00:15-5d:aa:bb:01", "00:00:00:00:00:00", "net0", "{", "}", "{}",
		"{4487b255-b88c-403f-bb51-d1f69cf17f87", "4487b255-b88c-403f-bb51-d1f69cf17f87}",
		"{4487b255-b88c-403f-bb51-d1f69cf17f88}", "{../../../../../etc/passwd/////////////}",
	};

	if (!machine_begin())
		return;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!CHECK_INT(machine_get(4, good[i], 0), 0))
			printf("# %s\n", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!CHECK_INT(machine_get(4, bad[i], 0), HVKVP_E_GUID_NOTFOUND))
			printf("# %s\n", bad[i]);
	machine_end();
}

static void none(void)
{
	if (!machine_begin())
		return;
	CHECK_INT(machine_get(4, MACHINE_MAC, 0), 0);
	CHECK_TEXT(GOT_ADDRESSES, "");
	CHECK_TEXT(GOT_SUBNETS, "");
	CHECK_TEXT(GOT_GATEWAYS, "");
	CHECK_INT(GOT_FAMILY, 0);
	CHECK_INT(GOT_DHCP, 0);
	CHECK_TEXT(machine_text(2, 128), MACHINE_MAC);
	machine_end();
}

static void both(void)
{
	if (!machine_begin())
		return;
	netns_run("addr add 192.0.2.5/24 dev net0");
	netns_run("addr add 169.254.3.3/16 dev net0 scope link");
	netns_run("addr add 198.51.100.5/22 dev net0");
	netns_run("addr add fe80::5/64 dev net0 nodad");
	netns_run("addr add 2001:db8::5/56 dev net0 nodad");
	netns_run("route add default via 192.0.2.2 dev net0 metric 20");
	netns_run("route add default via 192.0.2.1 dev net0 metric 10");
	netns_run("-6 route add default via 2001:db8::1 dev net0");
	netns_run("route add default via 192.0.2.9 dev net0 table 77");
	machine_write("etc/resolv.conf", "# me\nnameserver 192.0.2.53\nnameserver 2001:db8::53 \nnameserver\t192.0.2.54\n");
	CHECK_INT(machine_get(4, MACHINE_GUID, 0), 0);
	CHECK_TEXT(GOT_ADDRESSES, "192.0.2.5;198.51.100.5;169.254.3.3;2001:db8::5;fe80::5");
	CHECK_TEXT(GOT_SUBNETS, "255.255.255.0;255.255.252.0;255.255.0.0;/56;/64");
	CHECK_TEXT(GOT_GATEWAYS, "192.0.2.1;192.0.2.2;2001:db8::1");
	CHECK_TEXT(GOT_DNS, "192.0.2.53;192.0.2.54;2001:db8::53");
	CHECK_INT(GOT_FAMILY, 3);
	CHECK_INT(machine_get(4, MACHINE_GUID, 1), 0);
	CHECK_TEXT(GOT_ADDRESSES, "192.0.2.5;198.51.100.5;169.254.3.3");
	CHECK_TEXT(GOT_GATEWAYS, "192.0.2.1;192.0.2.2");
	CHECK_TEXT(GOT_DNS, "192.0.2.53;192.0.2.54");
	CHECK_INT(GOT_FAMILY, 1);
	CHECK_INT(machine_get(5, MACHINE_GUID, 2), 0);
	CHECK_INT(machine_out[284], 2);
	CHECK_INT(body_get32(machine_out + 4), 0);
	CHECK_INT(body_get32(machine_out + 8), 2);
	CHECK(!memcmp(machine_out + 544, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\5", 16));
	CHECK_INT(body_get32(machine_out + 1824), 56);
	/* Static, and the link-local one. */
	CHECK(!memcmp(machine_out + 3460, "\2\0\1\0\0", 5));
	CHECK(!machine_oddity);
	machine_end();
}

/* A family that is unknown: what is known of it counts, and without any all are meant. */
static void unknown_families(void)
{
	static const struct {
		int asked, got;
	} cases[] = { { 4, 3 }, { 0x80, 3 }, { 0x81, 1 }, { 0xfe, 2 }, { 0xff, 3 } };

	if (!machine_begin())
		return;
	netns_run("addr add 192.0.2.5/24 dev net0");
	netns_run("addr add 2001:db8::5/56 dev net0 nodad");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_INT(machine_get(4, MACHINE_GUID, cases[i].asked), 0);
		CHECK_INT(GOT_FAMILY, cases[i].got);
		CHECK_TEXT(machine_oddity, "the address family is unknown");
	}
	machine_end();
}

/* Names that begin alike, and interfaces that have the MAC address of another. */
static void right_one(void)
{
	if (!machine_begin())
		return;
	netns_run("link add net00 type ifb");
	netns_run("addr add 203.0.113.9/24 dev net00");
	netns_run("link add vf0 address " MACHINE_MAC " type ifb");
	netns_run("addr add 203.0.113.8/24 dev vf0");
	netns_run("addr add 192.0.2.5/24 dev net0");
	CHECK_INT(machine_get(4, MACHINE_MAC, 0), 0);
	CHECK_TEXT(GOT_ADDRESSES, "192.0.2.5");
	/* A member of a bridge has its addresses there. */
	netns_run("link add br0 type bridge");
	netns_run("link set net0 master br0");
	netns_run("addr add 192.0.2.77/24 dev br0");
	netns_run("link set br0 up");
	CHECK_INT(machine_get(4, MACHINE_MAC, 1), 0);
	CHECK_TEXT(GOT_ADDRESSES, "192.0.2.77");
	CHECK_INT(machine_get(4, MACHINE_GUID, 1), 0);
	CHECK_TEXT(GOT_ADDRESSES, "192.0.2.77");
	netns_run("link del br0");
	/* The other end of a point-to-point link is not ours. */
	netns_run("addr add 192.0.2.7 peer 192.0.2.8/32 dev net0");
	CHECK_INT(machine_get(4, MACHINE_MAC, 1), 0);
	CHECK_TEXT(GOT_ADDRESSES, "192.0.2.5;192.0.2.7");
	netns_run("link del net00");
	netns_run("link del vf0");
	machine_end();
}

/* Addresses on what is stacked on the adapter, behind its own. */
static void stacked(void)
{
	if (!machine_begin())
		return;
	netns_run("link add vlan7 address " MACHINE_MAC " type bridge");
	netns_run("link set vlan7 addrgenmode none up");
	netns_run("addr add 198.51.100.5/24 dev vlan7");
	netns_run("route add default via 198.51.100.1 dev vlan7");
	CHECK_INT(machine_get(4, MACHINE_GUID, 0), 0);
	CHECK_TEXT(GOT_ADDRESSES, "198.51.100.5");
	CHECK_TEXT(GOT_GATEWAYS, "198.51.100.1");
	netns_run("addr add 192.0.2.5/24 dev net0");
	CHECK_INT(machine_get(4, MACHINE_MAC, 0), 0);
	CHECK_TEXT(GOT_ADDRESSES, "192.0.2.5;198.51.100.5");
	/* It is not told for another adapter. */
	netns_run("link set vlan7 down");
	netns_run("link set vlan7 address 00:15:5d:aa:bb:77");
	CHECK_INT(machine_get(4, MACHINE_GUID, 0), 0);
	CHECK_TEXT(GOT_ADDRESSES, "192.0.2.5");
	/* A SET_IP is about the adapter itself. */
	CHECK_INT(machine_set(MACHINE_GUID, 1, 0, "192.0.2.6", "255.255.255.0", "", ""), 0);
	CHECK(netns_shows("addr show vlan7", "198.51.100.5"));
	netns_run("link del vlan7");
	machine_end();
}

/* A lease without an end: the route of the client says what it is. */
static void endless_lease(void)
{
	if (!machine_begin())
		return;
	netns_run("addr add 192.0.2.5/24 dev net0");
	netns_run("route add default via 192.0.2.1 dev net0 proto dhcp src 192.0.2.5");
	CHECK_INT(machine_get(4, MACHINE_GUID, 0), 0);
	CHECK_INT(GOT_DHCP, 1);
	/* IPv6 alone is set: the lease is not touched, and no file has it as static. */
	CHECK_INT(machine_set(MACHINE_GUID, 2, 0, "2001:db8::5", "64", "", ""), 0);
	CHECK_INT(machine_get(4, MACHINE_GUID, 0), 0);
	CHECK_INT(GOT_DHCP, 1);
	CHECK(netns_shows("route show default", "proto dhcp"));
	machine_end();
}

static void many(void)
{
	static const char brim[] = "2001:db8::ff";

	if (!machine_begin())
		return;
	for (int i = 0; i < 70; i++) {
		netns_run("addr add 10.0.%d.1/24 dev net0", i);
		netns_run("addr add 2001:db8::%x/64 dev net0 nodad", 0xff - i);
	}
	CHECK_INT(machine_get(5, MACHINE_MAC, 0), 0);
	CHECK_INT(body_get32(machine_out + 4), 64);
	CHECK_INT(body_get32(machine_out + 8), 64);
	CHECK_INT(machine_get(4, MACHINE_MAC, 0), 0);
	CHECK(strstr(GOT_ADDRESSES, ";10.0.63.1;2001:db8::") != NULL);
	CHECK(!strstr(GOT_ADDRESSES, ";10.0.64.1;"));
	CHECK(strlen(GOT_ADDRESSES) > 1023 - 1 - sizeof(brim));
	CHECK(scratch_logged("not all addresses fit"));
	machine_end();
}

static void leased(void)
{
	if (!machine_begin())
		return;
	netns_run("addr add 192.0.2.5/24 dev net0 valid_lft 3600 preferred_lft 1800");
	CHECK_INT(machine_get(4, MACHINE_MAC, 0), 0);
	CHECK_INT(GOT_DHCP, 1);
	CHECK_INT(machine_get(5, MACHINE_MAC, 1), 0);
	CHECK_INT(machine_out[285], 1);
	CHECK_INT(machine_out[3460], 1);
	netns_run("addr del 192.0.2.5/24 dev net0");
	/* SLAAC is not DHCP. */
	netns_run("addr add 2001:db8::5/64 dev net0 nodad valid_lft 3600 preferred_lft 1800");
	CHECK_INT(machine_get(5, MACHINE_MAC, 0), 0);
	CHECK_INT(machine_out[285], 0);
	CHECK_INT(machine_out[3460], 1);
	netns_run("addr add 2001:db8::6/128 dev net0 nodad valid_lft 3600 preferred_lft 1800");
	CHECK_INT(machine_get(4, MACHINE_MAC, 2), 0);
	CHECK_INT(GOT_DHCP, 1);
	/* A client that gives its address no end. */
	netns_run("addr flush dev net0");
	netns_run("addr add 192.0.2.5/24 dev net0");
	machine_write("run/udhcpc.net0.pid", "1\n");
	CHECK_INT(machine_get(4, MACHINE_MAC, 0), 0);
	CHECK_INT(GOT_DHCP, 0);
	{
		char pid[16];

		snprintf(pid, sizeof(pid), "%d\n", getpid());
		machine_write("run/udhcpc.net0.pid", pid);
	}
	CHECK_INT(machine_get(5, MACHINE_MAC, 0), 0);
	CHECK_INT(machine_out[285], 1);
	CHECK_INT(machine_out[3460], 1);
	machine_write("run/udhcpc.net0.pid", "2147483000\n");
	CHECK_INT(machine_get(4, MACHINE_MAC, 0), 0);
	CHECK_INT(GOT_DHCP, 0);
	machine_end();
}

static void servers(void)
{
	char path[64];

	if (!machine_begin())
		return;
	machine_write("etc/resolv.conf", "nameserver 127.0.0.53\n");
	CHECK_INT(machine_get(4, MACHINE_MAC, 0), 0);
	CHECK_TEXT(GOT_DNS, "127.0.0.53");
	machine_write("run/systemd/resolve/resolv.conf", "nameserver 192.0.2.1\nnameserver fe80::1%net0\n");
	CHECK_INT(machine_get(4, MACHINE_MAC, 0), 0);
	CHECK_TEXT(GOT_DNS, "192.0.2.1;fe80::1");
	snprintf(path, sizeof(path), "run/systemd/netif/links/%u", if_nametoindex("net0"));
	machine_write(path, "ADMIN_STATE=configured\nDNS=192.0.2.2 [2001:db8::2]:53#dns.example 192.0.2.2\n");
	CHECK_INT(machine_get(4, MACHINE_MAC, 0), 0);
	CHECK_TEXT(GOT_DNS, "192.0.2.2;2001:db8::2");
	snprintf(path, sizeof(path), "run/systemd/resolve/netif/%u", if_nametoindex("net0"));
	machine_write(path, "DEFAULT_ROUTE=yes\nSERVERS=192.0.2.3\n");
	CHECK_INT(machine_get(4, MACHINE_MAC, 0), 0);
	CHECK_TEXT(GOT_DNS, "192.0.2.3");
	machine_end();
}

/* All that an answer tells of the kernel's follows each change; without one nobody asks the kernel. */
static void remembered(void)
{
	static const char *const changes[] = {
		"route add default via 192.0.2.1", "route append default via 192.0.2.2 metric 5",
		"route del default via 192.0.2.1", "addr add 192.0.2.6/24 dev net0",
		"link set net0 address 00:15:5d:aa:bb:02", ("link set net0 address " MACHINE_MAC),
		"link set net0 down", "addr flush dev net0",
	};
	struct net_watch watch;
	struct ip_cache cache = { .watch = &watch };
	uint8_t fresh[sizeof(machine_out)];

	if (!machine_begin())
		return;
	net_watch_init(&watch);
	netns_run("addr add 192.0.2.5/24 dev net0");
	for (size_t i = 0; i <= sizeof(changes) / sizeof(changes[0]); i++) {
		uint32_t status = machine_get(4, MACHINE_MAC, 0);

		memcpy(fresh, machine_out, sizeof(fresh));
		for (int again = 0; again < 2; again++) {
			machine.cache = &cache;
			CHECK_INT(machine_get(4, MACHINE_MAC, 0), status);
			machine.cache = NULL;
			CHECK(!memcmp(fresh, machine_out, sizeof(fresh)));
			/* As if it were a while ago. */
			watch.changed_ms = 0;
		}
		if (i < sizeof(changes) / sizeof(changes[0]))
			netns_run("%s", changes[i]);
	}
	machine.cache = &cache;
	CHECK_INT(machine_get(4, MACHINE_MAC, 0), 0);
	for (int i = 0; i < IP_CACHE_ADAPTERS; i++) {
		cache.known[i].config.by_family[IP_V4].count = 1;
		memcpy(cache.known[i].config.by_family[IP_V4].address[0].bytes, "\3\3\3\3", 4);
	}
	CHECK_INT(machine_get(4, MACHINE_MAC, 0), 0);
	CHECK_TEXT(GOT_ADDRESSES, "3.3.3.3");
	/* One more adapter than fits, and none of them is there. */
	for (int i = 0; i <= IP_CACHE_ADAPTERS; i++) {
		char id[] = "00:15:5d:00:00:00";

		id[16] += i;
		CHECK_INT(machine_get(4, id, 0), HVKVP_E_GUID_NOTFOUND);
	}
	CHECK_INT(machine_get(4, MACHINE_MAC, 0), 0);
	CHECK_TEXT(GOT_ADDRESSES, "");
	machine.cache = NULL;
	net_watch_exit(&watch);
	machine_end();
}

/* Another program that changes the kernel's table in the middle of a dump. */
struct meddler {
	struct rtnl own;
	unsigned int index;
	unsigned int dumps;
	unsigned int spoilt;	/* so many */
	unsigned int told;
};

static void next_dump(void *data)
{
	struct meddler *meddler = data;

	meddler->dumps++;
	meddler->told = 0;
}

static void remove_address(struct meddler *meddler, const struct ip_address *address)
{
	struct ifaddrmsg *msg;
	struct nlmsghdr *nlh = rtnl_begin(&meddler->own, RTM_DELADDR, 0, sizeof(*msg), &msg);

	msg->ifa_family = AF_INET;
	msg->ifa_prefixlen = address->prefix;
	msg->ifa_index = meddler->index;
	mnl_attr_put(nlh, IFA_LOCAL, 4, address->bytes);
	CHECK_INT(rtnl_change(&meddler->own, nlh), 0);
}

static int meddle(const struct nlmsghdr *nlh, void *data)
{
	static const struct ip_address address = { .bytes = { 198, 51, 100, 1 }, .prefix = 24 };
	struct meddler *meddler = data;

	(void)nlh;
	if (!meddler->told++ && meddler->dumps <= meddler->spoilt) {
		CHECK_INT(ip_link_add_address(&meddler->own, meddler->index, IP_V4, &address), 0);
		remove_address(meddler, &address);
	}
	return MNL_CB_OK;
}

/* So many addresses that a dump comes in pieces: between those the kernel notes a change. */
static void changing(void)
{
	enum { ADDRESSES = 1000 };
	static struct meddler meddler;
	static struct rtnl rtnl;
	char batch[ADDRESSES * 40] = "";
	struct ifaddrmsg *msg;
	struct nlmsghdr *nlh;

	if (!machine_begin())
		return;
	for (int i = 0, at = 0; i < ADDRESSES; i++)
		at += sprintf(batch + at, "addr add 10.%d.%d.1/24 dev net0\n", i / 250, i % 250);
	machine_write("batch", batch);
	netns_run("-batch %s", scratch_path("batch"));
	meddler.index = if_nametoindex("far0");
	CHECK_INT(rtnl_open(&meddler.own), 0);
	CHECK_INT(rtnl_open(&rtnl), 0);
	nlh = rtnl_begin(&rtnl, RTM_GETADDR, NLM_F_DUMP, sizeof(*msg), &msg);
	msg->ifa_family = AF_INET;
	meddler.spoilt = 2;
	CHECK_INT(rtnl_dump(&rtnl, nlh, meddle, &meddler, next_dump), 0);
	CHECK_INT(meddler.dumps, 3);
	CHECK_INT(meddler.told, ADDRESSES + 1);
	meddler.spoilt = 1000;
	CHECK_INT(rtnl_dump(&rtnl, nlh, meddle, &meddler, next_dump), -EINTR);
	CHECK(!rtnl.nl);
	rtnl_close(&meddler.own);
	machine_end();
}

static void speed(void)
{
	uint64_t from;
	double us;

	if (!machine_begin())
		return;
	netns_run("addr add 192.0.2.5/24 dev net0");
	netns_run("addr add 2001:db8::5/64 dev net0 nodad");
	from = clock_ns();
	for (int i = 0; i < 200; i++)
		machine_get(5, MACHINE_MAC, 0);
	us = (clock_ns() - from) / 200e3;
	printf("# %.0f us for a GET_IP, with sanitizers\n", us);
	CHECK(us < 5000);
	machine_end();
}

static const struct tap_case cases[] = {
	{ "adapters by MAC address and by GUID, in any form", ids },
	{ "an adapter without an address", none },
	{ "both families, or one; link-local addresses last", both },
	{ "a family that is unknown", unknown_families },
	{ "the right one of several with a MAC address", right_one },
	{ "addresses on what is stacked on the adapter", stacked },
	{ "a DHCP lease without an end", endless_lease },
	{ "more addresses than an answer holds", many },
	{ "DHCP and origins", leased },
	{ "name servers of whoever resolves names", servers },
	{ "what is remembered is as the kernel would tell it", remembered },
	{ "a table that changes under a dump is read again, but not for ever", changing },
	{ "fast enough", speed },
};

TAP_MAIN("get", cases)
