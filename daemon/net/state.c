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
 * @index: the adapter's
 * @unchecked: addresses that are being checked for duplicates count
 * @config: gets what is found
 * @last: link-local addresses, which go behind the others
 * @last_count: of them
 * @dynamic: families with addresses that came by DHCP
 * @metric: of the gateways in @config
 */
struct reading {
	unsigned int index;
	bool unchecked;
	struct ip_config *config;
	struct ip_address last[IP_HALVES][HVKVP_ADDR_MAX];
	unsigned int last_count[IP_HALVES];
	uint8_t dynamic;
	uint32_t metric[IP_HALVES][HVKVP_GATEWAY_MAX];
};

static void forget_addresses(void *data)
{
	struct reading *reading = data;

	for (int half = 0; half < IP_HALVES; half++) {
		reading->config->half[half].count = 0;
		reading->last_count[half] = 0;
	}
	reading->dynamic = 0;
}

/* Did it come by DHCP? Routers' addresses are of a prefix, DHCPv6's of 128 bits. */
static bool is_leased(const struct rtnl_address *found)
{
	if (found->flags & IFA_F_PERMANENT && found->valid == RTNL_NO_END)
		return false;
	if (found->half == IP_V4)
		return true;
	return found->protocol != IFAPROT_KERNEL_RA && found->prefix == 128;
}

static int note_address(const struct nlmsghdr *nlh, void *data)
{
	struct reading *reading = data;
	struct ip_address address = { 0 };
	struct rtnl_address found;
	struct ip_half *part;
	bool link_local;
	int half;

	if (!rtnl_address(nlh, &found) || found.index != reading->index ||
	    found.scope >= RT_SCOPE_HOST || found.flags & IFA_F_DADFAILED ||
	    (!reading->unchecked && rtnl_address_checked(&found)))
		return MNL_CB_OK;

	half = found.half;
	memcpy(address.bytes, found.bytes, ip_len(half));
	address.prefix = found.prefix;
	link_local = ip_is_link_local(half, address.bytes);
	address.origin = HVKVP_ORIGIN_STATIC;
	/* The kernel's own link-local address has the length of 64 and no end. */
	if (!(found.flags & IFA_F_PERMANENT) || found.protocol == IFAPROT_KERNEL_LL ||
	    found.protocol == IFAPROT_KERNEL_RA ||
	    (half == IP_V6 && link_local && !found.protocol && address.prefix == 64))
		address.origin = HVKVP_ORIGIN_OTHER;
	if (is_leased(&found))
		reading->dynamic |= ip_bit(half);

	part = &reading->config->half[half];
	if (link_local && reading->last_count[half] < HVKVP_ADDR_MAX)
		reading->last[half][reading->last_count[half]++] = address;
	else if (!link_local && part->count < HVKVP_ADDR_MAX)
		part->address[part->count++] = address;
	return MNL_CB_OK;
}

static int read_addresses(struct rtnl *rtnl, struct reading *reading)
{
	struct ifaddrmsg *msg;
	struct nlmsghdr *nlh;

	nlh = rtnl_begin(rtnl, RTM_GETADDR, NLM_F_DUMP, sizeof(*msg), &msg);
	msg->ifa_index = reading->index;
	return rtnl_dump(rtnl, nlh, note_address, reading, forget_addresses);
}

static void forget_gateways(void *data)
{
	struct reading *reading = data;

	reading->config->half[IP_V4].gateway_count = 0;
	reading->config->half[IP_V6].gateway_count = 0;
}

/* Put a gateway in its place, by metric, and once. */
static void add_gateway(struct reading *reading, int half, const void *bytes, uint32_t metric)
{
	struct ip_half *part = &reading->config->half[half];
	uint32_t *metrics = reading->metric[half];
	unsigned int at = 0, end = part->gateway_count;

	for (unsigned int i = 0; i < part->gateway_count; i++)
		if (!memcmp(part->gateway[i], bytes, ip_len(half)))
			return;
	while (at < end && metrics[at] <= metric)
		at++;
	if (at == HVKVP_GATEWAY_MAX)
		return;
	if (end == HVKVP_GATEWAY_MAX)
		end--;
	memmove(part->gateway[at + 1], part->gateway[at], (end - at) * sizeof(part->gateway[0]));
	memmove(metrics + at + 1, metrics + at, (end - at) * sizeof(*metrics));
	memset(part->gateway[at], 0, sizeof(part->gateway[at]));
	memcpy(part->gateway[at], bytes, ip_len(half));
	metrics[at] = metric;
	part->gateway_count = end + 1;
}

static void note_nexthops(struct reading *reading, int half, const struct nlattr *multipath,
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
			if ((unsigned int)hop->rtnh_ifindex == reading->index &&
			    mnl_attr_get_type(attr) == RTA_GATEWAY &&
			    mnl_attr_get_payload_len(attr) == ip_len(half))
				add_gateway(reading, half, mnl_attr_get_payload(attr), metric);
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

static int half_of(int family)
{
	return family == AF_INET ? IP_V4 : family == AF_INET6 ? IP_V6 : -1;
}

static int note_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *msg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *gateway = NULL, *via = NULL, *multipath = NULL;
	int half = half_of(msg->rtm_family);
	uint32_t table = msg->rtm_table, oif = 0, metric = 0;
	struct reading *reading = data;

	if (nlh->nlmsg_type != RTM_NEWROUTE || half < 0 || msg->rtm_dst_len ||
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
		note_nexthops(reading, half, multipath, metric);
	if (oif != reading->index)
		return MNL_CB_OK;
	if (gateway && mnl_attr_get_payload_len(gateway) == ip_len(half))
		add_gateway(reading, half, mnl_attr_get_payload(gateway), metric);
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

int ip_read_kernel(struct rtnl *rtnl, const struct adapter *adapter, bool unchecked,
		   struct ip_config *config, uint8_t *dynamic)
{
	struct reading reading = {
		.index = adapter->index, .unchecked = unchecked, .config = config,
	};
	int err;

	memset(config, 0, sizeof(*config));
	err = read_addresses(rtnl, &reading);
	if (!err)
		err = read_gateways(rtnl, &reading);
	if (err)
		return err;
	for (int half = 0; half < IP_HALVES; half++) {
		struct ip_half *part = &config->half[half];

		for (unsigned int i = 0; i < reading.last_count[half] &&
		     part->count < HVKVP_ADDR_MAX; i++)
			part->address[part->count++] = reading.last[half][i];
		if (part->count)
			config->family |= ip_bit(half);
	}
	*dynamic = reading.dynamic;
	return 0;
}
