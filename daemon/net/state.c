// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an adapter has: addresses and gateways from the kernel.
 */
#include <linux/rtnetlink.h>
#include <string.h>

#include "net/adapter.h"
#include "net/rtnl.h"
#include "net/rtnl_address.h"
#include "net/state.h"

/**
 * struct reading - what a dump is turned into
 * @adapter: of whom
 * @index: the interface that is being read: the adapter's, or one stacked on it
 * @unchecked: addresses that are being checked for duplicates count
 * @config: gets what is found
 * @last: link-local addresses, which go behind the others
 * @last_count: of them
 * @first: addresses in @config before the interface that is being read
 * @last_first: likewise in @last
 * @dynamic: families with addresses that came by DHCP
 * @dhcp_route: a DHCP client set an IPv4 route of the interface
 * @source: of that route, the address that it leased; zero if unknown
 * @metric: of the gateways in @config
 */
struct reading {
	const struct adapter *adapter;
	unsigned int index;
	bool unchecked;
	struct ip_config *config;
	struct ip_address last[IP_FAMILIES][HVKVP_ADDR_MAX];
	unsigned int last_count[IP_FAMILIES];
	unsigned int first[IP_FAMILIES];
	unsigned int last_first[IP_FAMILIES];
	uint8_t dynamic;
	bool dhcp_route;
	uint8_t source[4];
	uint32_t metric[IP_FAMILIES][HVKVP_GATEWAY_MAX];
};

static void forget_addresses(void *data)
{
	struct reading *reading = data;

	for (int family = 0; family < IP_FAMILIES; family++) {
		reading->config->by_family[family].count = reading->first[family];
		reading->last_count[family] = reading->last_first[family];
	}
}

/* Did it come by DHCP? Routers' addresses are of a prefix, DHCPv6's of 128 bits. */
static bool is_leased(const struct rtnl_address *found)
{
	if (found->flags & IFA_F_PERMANENT && found->valid == RTNL_NO_END)
		return false;
	if (found->family == IP_V4)
		return true;
	return found->protocol != IFAPROT_KERNEL_RA && found->prefix == 128;
}

static int note_address(const struct nlmsghdr *nlh, void *data)
{
	struct reading *reading = data;
	struct ip_address address = { 0 };
	struct rtnl_address found;
	struct ip_family_config *cfg;
	bool link_local;
	int family;

	if (!rtnl_address(nlh, &found) || found.index != reading->index ||
	    found.scope >= RT_SCOPE_HOST || found.flags & IFA_F_DADFAILED ||
	    (!reading->unchecked && rtnl_address_checked(&found)))
		return MNL_CB_OK;

	family = found.family;
	memcpy(address.bytes, found.bytes, ip_len(family));
	address.prefix = found.prefix;
	link_local = ip_is_link_local(family, address.bytes);
	address.origin = HVKVP_ORIGIN_STATIC;
	/* The kernel's own link-local address has the length of 64 and no end. */
	if (!(found.flags & IFA_F_PERMANENT) || found.protocol == IFAPROT_KERNEL_LL ||
	    found.protocol == IFAPROT_KERNEL_RA ||
	    (family == IP_V6 && link_local && !found.protocol && address.prefix == 64))
		address.origin = HVKVP_ORIGIN_OTHER;
	if (is_leased(&found) && found.index == reading->adapter->index)
		reading->dynamic |= ip_family_bit(family);

	cfg = &reading->config->by_family[family];
	if (link_local && reading->last_count[family] < HVKVP_ADDR_MAX)
		reading->last[family][reading->last_count[family]++] = address;
	else if (!link_local && cfg->count < HVKVP_ADDR_MAX)
		cfg->address[cfg->count++] = address;
	return MNL_CB_OK;
}

static int read_addresses(struct rtnl *rtnl, struct reading *reading, unsigned int index)
{
	struct ifaddrmsg *msg;
	struct nlmsghdr *nlh;

	reading->index = index;
	for (int family = 0; family < IP_FAMILIES; family++) {
		reading->first[family] = reading->config->by_family[family].count;
		reading->last_first[family] = reading->last_count[family];
	}
	nlh = rtnl_begin(rtnl, RTM_GETADDR, NLM_F_DUMP, sizeof(*msg), &msg);
	msg->ifa_index = reading->index;
	return rtnl_dump(rtnl, nlh, note_address, reading, forget_addresses);
}

static void forget_gateways(void *data)
{
	struct reading *reading = data;

	reading->config->by_family[IP_V4].gateway_count = 0;
	reading->config->by_family[IP_V6].gateway_count = 0;
	reading->dhcp_route = false;
}

/* Is it the adapter, or an interface that is stacked on it? */
static bool is_read(const struct reading *reading, unsigned int index)
{
	for (unsigned int i = 0; i < reading->adapter->stacked_count; i++)
		if (reading->adapter->stacked[i] == index)
			return true;
	return reading->adapter->index == index;
}

/* A lease may have no end: then only its routes say that it is one. */
static void note_dhcp_route(struct reading *reading, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr, *source = NULL;
	uint32_t oif = 0;

	mnl_attr_for_each(attr, nlh, sizeof(struct rtmsg)) {
		if (mnl_attr_get_type(attr) == RTA_OIF)
			oif = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == RTA_PREFSRC &&
			 mnl_attr_get_payload_len(attr) == sizeof(reading->source))
			source = attr;
	}
	if (oif != reading->adapter->index)
		return;
	reading->dhcp_route = true;
	if (source)
		memcpy(reading->source, mnl_attr_get_payload(source), sizeof(reading->source));
}

/* Put a gateway in its place, by metric, and once. */
static void add_gateway(struct reading *reading, int family, const void *bytes, uint32_t metric)
{
	struct ip_family_config *cfg = &reading->config->by_family[family];
	uint32_t *metrics = reading->metric[family];
	unsigned int at = 0, end = cfg->gateway_count;

	for (unsigned int i = 0; i < cfg->gateway_count; i++)
		if (!memcmp(cfg->gateway[i], bytes, ip_len(family)))
			return;
	while (at < end && metrics[at] <= metric)
		at++;
	if (at == HVKVP_GATEWAY_MAX)
		return;
	if (end == HVKVP_GATEWAY_MAX)
		end--;
	memmove(cfg->gateway[at + 1], cfg->gateway[at], (end - at) * sizeof(cfg->gateway[0]));
	memmove(metrics + at + 1, metrics + at, (end - at) * sizeof(*metrics));
	memset(cfg->gateway[at], 0, sizeof(cfg->gateway[at]));
	memcpy(cfg->gateway[at], bytes, ip_len(family));
	metrics[at] = metric;
	cfg->gateway_count = end + 1;
}

static void note_nexthops(struct reading *reading, int family, const struct nlattr *multipath,
			  uint32_t metric)
{
	const char *at = mnl_attr_get_payload(multipath);
	size_t left = mnl_attr_get_payload_len(multipath);

	while (left >= sizeof(struct rtnexthop)) {
		const struct rtnexthop *hop = (const void *)at;
		size_t len = hop->rtnh_len, step = RTNH_ALIGN(len);
		const struct nlattr *attr;

		if (len < sizeof(*hop) || len > left)
			return;
		mnl_attr_for_each_payload((const void *)(at + sizeof(*hop)), len - sizeof(*hop))
			if (is_read(reading, hop->rtnh_ifindex) &&
			    mnl_attr_get_type(attr) == RTA_GATEWAY &&
			    mnl_attr_get_payload_len(attr) == ip_len(family))
				add_gateway(reading, family, mnl_attr_get_payload(attr), metric);
		if (step >= left)
			return;
		left -= step;
		at += step;
	}
}

/* An IPv4 route may go by an IPv6 gateway. */
static void note_via(struct reading *reading, const struct nlattr *attr, uint32_t metric)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);

	if (mnl_attr_get_payload_len(attr) == sizeof(*via) + 16 && via->rtvia_family == AF_INET6)
		add_gateway(reading, IP_V6, via->rtvia_addr, metric);
}

static int family_of(int af)
{
	return af == AF_INET ? IP_V4 : af == AF_INET6 ? IP_V6 : -1;
}

static int note_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *msg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *gateway = NULL, *via = NULL, *multipath = NULL;
	int family = family_of(msg->rtm_family);
	uint32_t table = msg->rtm_table, oif = 0, metric = 0;
	struct reading *reading = data;

	if (nlh->nlmsg_type == RTM_NEWROUTE && family == IP_V4 &&
	    msg->rtm_protocol == RTPROT_DHCP)
		note_dhcp_route(reading, nlh);
	if (nlh->nlmsg_type != RTM_NEWROUTE || family < 0 || msg->rtm_dst_len ||
	    msg->rtm_type != RTN_UNICAST || msg->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*msg)) {
		switch (mnl_attr_get_type(attr)) {
		case RTA_TABLE:
			table = mnl_attr_get_u32(attr);
			break;
		case RTA_OIF:
			oif = mnl_attr_get_u32(attr);
			break;
		case RTA_PRIORITY:
			metric = mnl_attr_get_u32(attr);
			break;
		case RTA_GATEWAY:
			gateway = attr;
			break;
		case RTA_VIA:
			via = attr;
			break;
		case RTA_MULTIPATH:
			multipath = attr;
			break;
		}
	}
	if (table != RT_TABLE_MAIN)
		return MNL_CB_OK;
	if (multipath)
		note_nexthops(reading, family, multipath, metric);
	if (!is_read(reading, oif))
		return MNL_CB_OK;
	if (gateway && mnl_attr_get_payload_len(gateway) == ip_len(family))
		add_gateway(reading, family, mnl_attr_get_payload(gateway), metric);
	if (via)
		note_via(reading, via, metric);
	return MNL_CB_OK;
}

static int read_gateways(struct rtnl *rtnl, struct reading *reading)
{
	struct nlmsghdr *nlh;
	struct rtmsg *msg;

	nlh = rtnl_begin(rtnl, RTM_GETROUTE, NLM_F_DUMP, sizeof(*msg), &msg);
	msg->rtm_table = RT_TABLE_MAIN;
	return rtnl_dump(rtnl, nlh, note_route, reading, forget_gateways);
}

static void note_lease(struct reading *reading)
{
	struct ip_family_config *v4 = &reading->config->by_family[IP_V4];

	if (v4->count)
		reading->dynamic |= HVKVP_FAMILY_V4;
	for (unsigned int i = 0; i < v4->count; i++)
		if (!memcmp(v4->address[i].bytes, reading->source, sizeof(reading->source)))
			v4->address[i].origin = HVKVP_ORIGIN_OTHER;
}

int ip_read_kernel(struct rtnl *rtnl, const struct adapter *adapter, bool unchecked,
		   struct ip_config *config, uint8_t *dynamic)
{
	struct reading reading = {
		.adapter = adapter, .unchecked = unchecked, .config = config,
	};
	int err;

	memset(config, 0, sizeof(*config));
	err = read_addresses(rtnl, &reading, adapter->index);
	for (unsigned int i = 0; i < adapter->stacked_count && !err; i++)
		err = read_addresses(rtnl, &reading, adapter->stacked[i]);
	if (!err)
		err = read_gateways(rtnl, &reading);
	if (err)
		return err;
	for (int family = 0; family < IP_FAMILIES; family++) {
		struct ip_family_config *cfg = &config->by_family[family];

		for (unsigned int i = 0; i < reading.last_count[family] &&
		     cfg->count < HVKVP_ADDR_MAX; i++)
			cfg->address[cfg->count++] = reading.last[family][i];
		if (cfg->count)
			config->families |= ip_family_bit(family);
	}
	if (reading.dhcp_route)
		note_lease(&reading);
	*dynamic = reading.dynamic;
	return 0;
}
