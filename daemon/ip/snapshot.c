// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel has for an adapter, word for word.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "ip/ipv6.h"
#include "ip/snapshot.h"
#include "net/adapter.h"
#include "net/link.h"
#include "net/rtnl.h"
#include "net/rtnl_address.h"
#include "util/clock.h"
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

	*snapshot = (struct ip_snapshot){
		.index = adapter->index, .families = families,
		.ipv6_disabled = ip_ipv6_disabled(adapter->name), .taken_ms = clock_ms(),
	};
	memcpy(snapshot->name, adapter->name, sizeof(snapshot->name));
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

static void move_hops(struct nlattr *attr, unsigned int from, unsigned int to)
{
	uint8_t *at = mnl_attr_get_payload(attr);
	size_t left = mnl_attr_get_payload_len(attr);

	while (left >= sizeof(struct rtnexthop)) {
		struct rtnexthop *hop = (void *)at;
		size_t step = RTNH_ALIGN((size_t)hop->rtnh_len);

		if ((unsigned int)hop->rtnh_ifindex == from)
			hop->rtnh_ifindex = to;
		if (step < sizeof(*hop) || step >= left)
			break;
		at += step;
		left -= step;
	}
}

static void move_route(struct nlmsghdr *nlh, unsigned int from, unsigned int to)
{
	struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct rtmsg)) {
		uint32_t *index = mnl_attr_get_payload(attr);

		if (mnl_attr_get_type(attr) == RTA_OIF && *index == from)
			*index = to;
		else if (mnl_attr_get_type(attr) == RTA_MULTIPATH)
			move_hops(attr, from, to);
	}
}

void ip_snapshot_move(struct ip_snapshot *snapshot, unsigned int index)
{
	const struct nlmsghdr *nlh = NULL;

	/* The messages are our own. */
	while ((nlh = ip_messages_next(&snapshot->addresses, nlh)))
		((struct ifaddrmsg *)mnl_nlmsg_get_payload(nlh))->ifa_index = index;
	while ((nlh = ip_messages_next(&snapshot->routes, nlh)))
		move_route((struct nlmsghdr *)nlh, snapshot->index, index);
	snapshot->index = index;
}

int ip_snapshot_add_route(struct rtnl *rtnl, const struct nlmsghdr *route)
{
	return rtnl_resend(rtnl, route, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, 0);
}

static uint32_t elapsed_s(const struct ip_snapshot *snapshot)
{
	return (clock_ms() - snapshot->taken_ms) / 1000;
}

static void keep_first(int *first, int err, int harmless)
{
	if (err && err != harmless && !*first)
		*first = err;
}

/* Do messages have the same attributes, but for what counts down? */
static bool same_message(const struct nlmsghdr *a, const struct nlmsghdr *b, size_t header,
			 uint16_t cacheinfo)
{
	const struct nlattr *x = mnl_nlmsg_get_payload_offset(a, header);
	const struct nlattr *y = mnl_nlmsg_get_payload_offset(b, header);

	if (a->nlmsg_len != b->nlmsg_len ||
	    memcmp(mnl_nlmsg_get_payload(a), mnl_nlmsg_get_payload(b), header))
		return false;
	while (mnl_attr_ok(x, (const char *)mnl_nlmsg_get_payload_tail(a) - (const char *)x)) {
		if (x->nla_len != y->nla_len || x->nla_type != y->nla_type ||
		    (mnl_attr_get_type(x) != cacheinfo && memcmp(x, y, x->nla_len)))
			return false;
		x = mnl_attr_next(x);
		y = mnl_attr_next(y);
	}
	return true;
}

/* The same address with the same flags, and an end if the other has one. */
static bool same_address(const struct nlmsghdr *a, const struct nlmsghdr *b)
{
	struct rtnl_address x, y;

	return same_message(a, b, sizeof(struct ifaddrmsg), IFA_CACHEINFO) &&
	       rtnl_address(a, &x) && rtnl_address(b, &y) &&
	       (x.valid == RTNL_NO_END) == (y.valid == RTNL_NO_END);
}

/**
 * struct order - a family's addresses in the order in which they were added
 * @nlh: the messages
 * @count: of them
 */
struct order {
	const struct nlmsghdr *nlh[2 * HVKVP_ADDR_MAX];
	unsigned int count;
};

/* The kernel lists IPv4 addresses with the oldest first, IPv6 ones with the newest first. */
static void order_addresses(const struct ip_messages *messages, int family, struct order *order)
{
	const struct nlmsghdr *nlh = NULL;
	struct rtnl_address address;

	order->count = 0;
	while ((nlh = ip_messages_next(messages, nlh)))
		if (rtnl_address(nlh, &address) && address.family == family &&
		    order->count < sizeof(order->nlh) / sizeof(order->nlh[0]))
			order->nlh[order->count++] = nlh;
	for (unsigned int i = 0; family == IP_V6 && i < order->count / 2; i++) {
		nlh = order->nlh[i];
		order->nlh[i] = order->nlh[order->count - 1 - i];
		order->nlh[order->count - 1 - i] = nlh;
	}
}

static bool contains(const struct order *order, const struct nlmsghdr *nlh)
{
	for (unsigned int i = 0; i < order->count; i++)
		if (same_address(order->nlh[i], nlh))
			return true;
	return false;
}

/*
 * Addresses that are not as they were go, those added last first, so that no
 * secondary address becomes a primary one. Then come those that are missing. What is
 * behind a missing one in the order goes, too, and comes back behind it.
 */
static int restore_addresses(const struct ip_snapshot *snapshot, const struct ip_snapshot *now,
			     int family, struct rtnl *rtnl)
{
	const uint32_t elapsed = elapsed_s(snapshot);
	struct order wanted, have;
	unsigned int good = 0;
	bool keep[2 * HVKVP_ADDR_MAX] = { false };
	int first = 0;

	order_addresses(&snapshot->addresses, family, &wanted);
	order_addresses(&now->addresses, family, &have);
	for (unsigned int i = 0; i < have.count && good < wanted.count; i++)
		if (same_address(have.nlh[i], wanted.nlh[good])) {
			keep[i] = true;
			good++;
		} else if (contains(&wanted, have.nlh[i])) {
			break;
		}
	for (unsigned int i = have.count; i-- > 0;)
		if (!keep[i])
			keep_first(&first, rtnl_resend(rtnl, have.nlh[i], RTM_DELADDR, 0, 0),
				   -EADDRNOTAVAIL);
	/* Those that were kept may have gone with their primary address. */
	for (unsigned int i = 0; i < wanted.count; i++)
		keep_first(&first, rtnl_resend(rtnl, wanted.nlh[i], RTM_NEWADDR,
					       NLM_F_CREATE | (i < good ? NLM_F_EXCL : NLM_F_REPLACE),
					       elapsed), -EEXIST);
	return first;
}

static bool contains_route(const struct ip_messages *messages, const struct nlmsghdr *route)
{
	const struct nlmsghdr *nlh = NULL;

	while ((nlh = ip_messages_next(messages, nlh)))
		if (same_message(nlh, route, sizeof(struct rtmsg), RTA_CACHEINFO))
			return true;
	return false;
}

static int restore_routes(const struct ip_snapshot *snapshot, const struct ip_snapshot *now,
			  struct rtnl *rtnl)
{
	_Alignas(8) uint8_t room[sizeof(rtnl->request)];
	const uint32_t elapsed = elapsed_s(snapshot);
	struct nlmsghdr *reduced = (void *)room;
	const struct nlmsghdr *nlh = NULL;
	int first = 0;

	while ((nlh = ip_messages_next(&now->routes, nlh)))
		if (!contains_route(&snapshot->routes, nlh))
			keep_first(&first, rtnl_resend(rtnl, nlh, RTM_DELROUTE, 0, 0), -ESRCH);
	/* What is left of a multipath route is in the way of the whole one. */
	while ((nlh = ip_messages_next(&snapshot->routes, nlh)))
		if (!contains_route(&now->routes, nlh) && nlh->nlmsg_len <= sizeof(room) &&
		    ip_link_other_hops(snapshot->index, nlh, reduced))
			rtnl_resend(rtnl, reduced, RTM_DELROUTE, 0, 0);
	/* Routes by a gateway need the routes to that gateway: two rounds. */
	for (int round = 0; round < 2; round++) {
		while ((nlh = ip_messages_next(&snapshot->routes, nlh))) {
			int err = contains_route(&now->routes, nlh) && !round ? 0 :
				  rtnl_resend(rtnl, nlh, RTM_NEWROUTE,
					      NLM_F_CREATE | NLM_F_APPEND, elapsed);

			if (round)
				keep_first(&first, err, -EEXIST);
		}
	}
	return first;
}

int ip_snapshot_restore(const struct ip_snapshot *snapshot, const struct ip_system *system,
			struct rtnl *rtnl)
{
	struct adapter adapter = { .index = snapshot->index };
	struct ip_snapshot now;
	int first = 0, err;

	memcpy(adapter.name, snapshot->name, sizeof(adapter.name));
	if (!rtnl->nl) {
		err = rtnl_open(rtnl);
		if (err)
			return err;
	}
	/* A manager may have disabled it again; without it no IPv6 address can be added. */
	if (!snapshot->ipv6_disabled && ip_ipv6_disabled(adapter.name))
		keep_first(&first, ip_ipv6_disable(system, adapter.name, false), 0);
	err = ip_snapshot_take(&now, rtnl, &adapter, snapshot->families);
	if (err)
		return err;
	/* A manager's tools may have taken it down: then it carries no routes. */
	if (snapshot->up && !now.up)
		keep_first(&first, ip_link_set_up(rtnl, snapshot->index, true), 0);
	for (int family = 0; family < IP_FAMILIES; family++)
		keep_first(&first, restore_addresses(snapshot, &now, family, rtnl), 0);
	ip_snapshot_free(&now);
	/* Routes have come and gone with addresses. */
	err = ip_snapshot_take(&now, rtnl, &adapter, snapshot->families);
	if (err)
		return err;
	keep_first(&first, restore_routes(snapshot, &now, rtnl), 0);
	if (!snapshot->up)
		keep_first(&first, ip_link_set_up(rtnl, snapshot->index, false), 0);
	if (snapshot->ipv6_disabled && !now.ipv6_disabled)
		keep_first(&first, ip_ipv6_disable(system, adapter.name, true), 0);
	ip_snapshot_free(&now);
	return first;
}
