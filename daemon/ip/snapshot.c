// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel has for an adapter, word for word.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "ip/snapshot.h"
#include "net/adapter.h"
#include "net/link.h"
#include "net/rtnl.h"
#include "net/rtnl_address.h"
#include "wire/ip_config.h"

static int append(struct ip_messages *messages, const struct nlmsghdr *nlh)
{
	size_t len = MNL_ALIGN(nlh->nlmsg_len);

	if (messages->room - messages->len < len) {
		size_t room = 2 * messages->room + len + 4096;
		uint8_t *grown = realloc(messages->data, room);

		if (!grown)
			return MNL_CB_ERROR;
		messages->data = grown;
		messages->room = room;
	}
	memset(messages->data + messages->len, 0, len);
	memcpy(messages->data + messages->len, nlh, nlh->nlmsg_len);
	messages->len += len;
	return MNL_CB_OK;
}

const struct nlmsghdr *ip_messages_next(const struct ip_messages *messages,
					const struct nlmsghdr *nlh)
{
	const uint8_t *at = nlh ? (const uint8_t *)nlh + MNL_ALIGN(nlh->nlmsg_len) :
				  messages->data;

	return at && at < messages->data + messages->len ? (const void *)at : NULL;
}

static bool is_wanted(const struct ip_snapshot *snapshot, int af)
{
	return af == AF_INET ? snapshot->families & HVKVP_FAMILY_V4 :
	       af == AF_INET6 ? snapshot->families & HVKVP_FAMILY_V6 : 0;
}

static int note_address(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *msg = mnl_nlmsg_get_payload(nlh);
	struct ip_snapshot *snapshot = data;

	if (nlh->nlmsg_type != RTM_NEWADDR || msg->ifa_index != snapshot->index ||
	    !is_wanted(snapshot, msg->ifa_family))
		return MNL_CB_OK;
	return append(&snapshot->addresses, nlh);
}

/* Does any part of a route go by this interface? */
static bool uses_interface(const struct nlmsghdr *nlh, unsigned int index)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct rtmsg)) {
		if (mnl_attr_get_type(attr) == RTA_OIF && mnl_attr_get_u32(attr) == index)
			return true;
		if (mnl_attr_get_type(attr) == RTA_MULTIPATH) {
			const uint8_t *at = mnl_attr_get_payload(attr);
			size_t left = mnl_attr_get_payload_len(attr);

			while (left >= sizeof(struct rtnexthop)) {
				const struct rtnexthop *hop = (const void *)at;
				size_t step = RTNH_ALIGN((size_t)hop->rtnh_len);

				if ((unsigned int)hop->rtnh_ifindex == index)
					return true;
				if (step < sizeof(*hop) || step >= left)
					break;
				at += step;
				left -= step;
			}
		}
	}
	return false;
}

static int note_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *msg = mnl_nlmsg_get_payload(nlh);
	struct ip_snapshot *snapshot = data;

	if (nlh->nlmsg_type != RTM_NEWROUTE || !is_wanted(snapshot, msg->rtm_family) ||
	    msg->rtm_flags & RTM_F_CLONED || !uses_interface(nlh, snapshot->index))
		return MNL_CB_OK;
	/* To subnets a manager may have made them in the kernel's name. */
	if (msg->rtm_protocol == RTPROT_KERNEL &&
	    (msg->rtm_type != RTN_UNICAST || msg->rtm_table == RT_TABLE_LOCAL))
		return MNL_CB_OK;
	return append(&snapshot->routes, nlh);
}

static void forget_addresses(void *data)
{
	((struct ip_snapshot *)data)->addresses.len = 0;
}

static void forget_routes(void *data)
{
	((struct ip_snapshot *)data)->routes.len = 0;
}

int ip_snapshot_take(struct ip_snapshot *snapshot, struct rtnl *rtnl,
		     const struct adapter *adapter, uint8_t families)
{
	struct ifaddrmsg *address;
	struct nlmsghdr *nlh;
	struct rtmsg *route;
	unsigned int flags;
	int err;

	*snapshot = (struct ip_snapshot){ .index = adapter->index, .families = families };
	/* Not what @adapter remembers: that may be older. */
	err = ip_link_flags(rtnl, adapter->index, &flags);
	if (err)
		return err;
	snapshot->up = flags & IFF_UP;
	nlh = rtnl_begin(rtnl, RTM_GETADDR, NLM_F_DUMP, sizeof(*address), &address);
	address->ifa_index = adapter->index;
	err = rtnl_dump(rtnl, nlh, note_address, snapshot, forget_addresses);
	if (!err) {
		nlh = rtnl_begin(rtnl, RTM_GETROUTE, NLM_F_DUMP, sizeof(*route), &route);
		err = rtnl_dump(rtnl, nlh, note_route, snapshot, forget_routes);
	}
	if (err)
		ip_snapshot_free(snapshot);
	return err;
}

void ip_snapshot_free(struct ip_snapshot *snapshot)
{
	free(snapshot->addresses.data);
	free(snapshot->routes.data);
	memset(&snapshot->addresses, 0, sizeof(snapshot->addresses));
	memset(&snapshot->routes, 0, sizeof(snapshot->routes));
}

/* Send a remembered message again, as a request. */
static int send_again(struct rtnl *rtnl, const struct nlmsghdr *from, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = (void *)rtnl->request;

	if (from->nlmsg_len > sizeof(rtnl->request))
		return -EMSGSIZE;
	memcpy(nlh, from, from->nlmsg_len);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	nlh->nlmsg_pid = 0;
	if (type == RTM_NEWADDR) {
		struct ifaddrmsg *msg = mnl_nlmsg_get_payload(nlh);
		struct nlattr *attr;

		/* It was checked for duplicates when it came. */
		mnl_attr_for_each(attr, nlh, sizeof(*msg))
			if (mnl_attr_get_type(attr) == IFA_FLAGS && msg->ifa_family == AF_INET6)
				*(uint32_t *)mnl_attr_get_payload(attr) |= IFA_F_NODAD;
	} else if (type == RTM_NEWROUTE) {
		struct rtmsg *msg = mnl_nlmsg_get_payload(nlh);

		/* The others tell a state, and are refused. */
		msg->rtm_flags &= RTNH_F_ONLINK | RTNH_F_PERVASIVE;
	}
	return rtnl_change(rtnl, nlh);
}

int ip_snapshot_add_route(struct rtnl *rtnl, const struct nlmsghdr *route)
{
	return send_again(rtnl, route, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND);
}

static bool same(const struct nlmsghdr *a, const struct nlmsghdr *b)
{
	struct rtnl_address x, y;

	return rtnl_address(a, &x) && rtnl_address(b, &y) && x.family == y.family &&
	       x.prefix == y.prefix && !memcmp(x.bytes, y.bytes, ip_len(x.family));
}

static bool contains(const struct ip_messages *messages, const struct nlmsghdr *address)
{
	const struct nlmsghdr *nlh = NULL;

	while ((nlh = ip_messages_next(messages, nlh)))
		if (same(nlh, address))
			return true;
	return false;
}

static void keep_first(int *first, int err, int harmless)
{
	if (err && err != harmless && !*first)
		*first = err;
}

static int restore_addresses(const struct ip_snapshot *snapshot, const struct ip_snapshot *now,
			     struct rtnl *rtnl)
{
	const struct nlmsghdr *nlh = NULL;
	int first = 0;

	/* An IPv4 address may take others with it: those come back below. */
	while ((nlh = ip_messages_next(&now->addresses, nlh)))
		if (!contains(&snapshot->addresses, nlh))
			keep_first(&first, send_again(rtnl, nlh, RTM_DELADDR, 0), -EADDRNOTAVAIL);
	while ((nlh = ip_messages_next(&snapshot->addresses, nlh)))
		keep_first(&first, send_again(rtnl, nlh, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE),
			   -EEXIST);
	return first;
}

static bool contains_route(const struct ip_messages *messages, const struct nlmsghdr *route)
{
	const struct nlmsghdr *nlh = NULL;

	while ((nlh = ip_messages_next(messages, nlh)))
		if (nlh->nlmsg_len == route->nlmsg_len &&
		    !memcmp(nlh + 1, route + 1, nlh->nlmsg_len - sizeof(*nlh)))
			return true;
	return false;
}

static int restore_routes(const struct ip_snapshot *snapshot, const struct ip_snapshot *now,
			  struct rtnl *rtnl)
{
	const struct nlmsghdr *nlh = NULL;
	int first = 0;

	while ((nlh = ip_messages_next(&now->routes, nlh)))
		if (!contains_route(&snapshot->routes, nlh))
			keep_first(&first, send_again(rtnl, nlh, RTM_DELROUTE, 0), -ESRCH);
	/* Routes by a gateway need the routes to that gateway: two rounds. */
	for (int round = 0; round < 2; round++) {
		while ((nlh = ip_messages_next(&snapshot->routes, nlh))) {
			int err = ip_snapshot_add_route(rtnl, nlh);

			if (round)
				keep_first(&first, err, -EEXIST);
		}
	}
	return first;
}

int ip_snapshot_restore(const struct ip_snapshot *snapshot, struct rtnl *rtnl)
{
	struct adapter adapter = { .index = snapshot->index };
	struct ip_snapshot now;
	int first = 0, err;

	if (!rtnl->nl) {
		err = rtnl_open(rtnl);
		if (err)
			return err;
	}
	err = ip_snapshot_take(&now, rtnl, &adapter, snapshot->families);
	if (err)
		return err;
	/* A manager's tools may have taken it down: then it carries no routes. */
	if (snapshot->up && !now.up)
		keep_first(&first, ip_link_set_up(rtnl, snapshot->index, true), 0);
	keep_first(&first, restore_addresses(snapshot, &now, rtnl), 0);
	keep_first(&first, restore_routes(snapshot, &now, rtnl), 0);
	if (!snapshot->up)
		keep_first(&first, ip_link_set_up(rtnl, snapshot->index, false), 0);
	ip_snapshot_free(&now);
	return first;
}
