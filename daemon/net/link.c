// SPDX-License-Identifier: GPL-2.0-only
/*
 * Single changes of an interface.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "net/link.h"
#include "net/rtnl.h"
#include "net/rtnl_address.h"

static struct nlmsghdr *begin_address(struct rtnl *rtnl, uint16_t type, uint16_t flags,
				      unsigned int index, int family, const uint8_t *bytes,
				      unsigned int prefix)
{
	struct ifaddrmsg *msg;
	struct nlmsghdr *nlh = rtnl_begin(rtnl, type, flags, sizeof(*msg), &msg);

	msg->ifa_family = ip_af(family);
	msg->ifa_prefixlen = prefix;
	msg->ifa_index = index;
	msg->ifa_scope = ip_is_link_local(family, bytes) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	mnl_attr_put(nlh, IFA_LOCAL, ip_len(family), bytes);
	mnl_attr_put(nlh, IFA_ADDRESS, ip_len(family), bytes);
	return nlh;
}

int ip_link_add_address(struct rtnl *rtnl, unsigned int index, int family,
			const struct ip_address *address)
{
	static const struct ifa_cacheinfo no_end = {
		.ifa_prefered = RTNL_NO_END, .ifa_valid = RTNL_NO_END,
	};
	struct nlmsghdr *nlh;
	uint8_t broadcast[4];

	nlh = begin_address(rtnl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, family,
			    address->bytes, address->prefix);
	mnl_attr_put(nlh, IFA_CACHEINFO, sizeof(no_end), &no_end);
	if (family == IP_V4 && address->prefix < 31) {
		ip_mask_of_prefix(address->prefix, broadcast);
		for (int i = 0; i < 4; i++)
			broadcast[i] = address->bytes[i] | (uint8_t)~broadcast[i];
		mnl_attr_put(nlh, IFA_BROADCAST, sizeof(broadcast), broadcast);
	}
	return rtnl_change(rtnl, nlh);
}

int ip_link_add_gateway(struct rtnl *rtnl, unsigned int index, int family,
			const uint8_t *gateway, unsigned int rank, bool onlink)
{
	struct rtmsg *msg;
	struct nlmsghdr *nlh;

	/* Not NLM_F_REPLACE: that would take the place of another interface's route. */
	nlh = rtnl_begin(rtnl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, sizeof(*msg), &msg);
	msg->rtm_family = ip_af(family);
	msg->rtm_table = RT_TABLE_MAIN;
	msg->rtm_protocol = RTPROT_STATIC;
	msg->rtm_scope = RT_SCOPE_UNIVERSE;
	msg->rtm_type = RTN_UNICAST;
	if (onlink)
		msg->rtm_flags = RTNH_F_ONLINK;
	mnl_attr_put(nlh, RTA_GATEWAY, ip_len(family), gateway);
	mnl_attr_put_u32(nlh, RTA_OIF, index);
	mnl_attr_put_u32(nlh, RTA_PRIORITY, ip_link_metric(family, rank));
	return rtnl_change(rtnl, nlh);
}

static bool has_multipath(const struct nlmsghdr *route)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, route, sizeof(struct rtmsg))
		if (mnl_attr_get_type(attr) == RTA_MULTIPATH)
			return true;
	return false;
}

bool ip_link_other_hops(unsigned int index, const struct nlmsghdr *route,
			struct nlmsghdr *reduced)
{
	const struct nlattr *attr;

	memcpy(reduced, route, sizeof(*route) + sizeof(struct rtmsg));
	reduced->nlmsg_len = sizeof(*route) + sizeof(struct rtmsg);
	mnl_attr_for_each(attr, route, sizeof(struct rtmsg)) {
		const uint8_t *at = mnl_attr_get_payload(attr);
		size_t left = mnl_attr_get_payload_len(attr);
		struct nlattr *hops;

		if (mnl_attr_get_type(attr) != RTA_MULTIPATH) {
			mnl_attr_put(reduced, attr->nla_type, left, at);
			continue;
		}
		hops = mnl_attr_nest_start(reduced, RTA_MULTIPATH);
		hops->nla_type = RTA_MULTIPATH;
		while (left >= sizeof(struct rtnexthop)) {
			const struct rtnexthop *hop = (const void *)at;
			size_t step = RTNH_ALIGN((size_t)hop->rtnh_len);

			if (step < sizeof(*hop) || step > left)
				break;
			if ((unsigned int)hop->rtnh_ifindex != index) {
				struct rtnexthop *copy = mnl_nlmsg_get_payload_tail(reduced);

				memcpy(copy, hop, step);
				/* The others are a state. */
				copy->rtnh_flags &= RTNH_F_ONLINK | RTNH_F_PERVASIVE;
				reduced->nlmsg_len += step;
			}
			at += step;
			left -= step;
		}
		mnl_attr_nest_end(reduced, hops);
		if (!mnl_attr_get_payload_len(hops))
			return false;
	}
	return has_multipath(reduced);
}

int ip_link_del_route(struct rtnl *rtnl, unsigned int index, const struct nlmsghdr *route)
{
	_Alignas(8) uint8_t room[sizeof(rtnl->request)];
	struct nlmsghdr *reduced = (void *)room;
	bool others = route->nlmsg_len <= sizeof(room) &&
		      ip_link_other_hops(index, route, reduced);
	int err = rtnl_resend(rtnl, route, RTM_DELROUTE, 0, 0);

	if (!others || (err && err != -ESRCH))
		return err;
	err = rtnl_resend(rtnl, reduced, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, 0);
	return err == -EEXIST ? 0 : err;
}

int ip_link_set_up(struct rtnl *rtnl, unsigned int index, bool up)
{
	struct ifinfomsg *msg;
	struct nlmsghdr *nlh = rtnl_begin(rtnl, RTM_NEWLINK, 0, sizeof(*msg), &msg);

	msg->ifi_index = index;
	msg->ifi_change = IFF_UP;
	msg->ifi_flags = up ? IFF_UP : 0;
	return rtnl_change(rtnl, nlh);
}

int ip_link_set_master(struct rtnl *rtnl, unsigned int index, unsigned int master)
{
	struct ifinfomsg *msg;
	struct nlmsghdr *nlh = rtnl_begin(rtnl, RTM_NEWLINK, 0, sizeof(*msg), &msg);

	msg->ifi_index = index;
	mnl_attr_put_u32(nlh, IFLA_MASTER, master);
	return rtnl_change(rtnl, nlh);
}

/* An answer that is no dump ends with the kernel's verdict. */
static int note_flags(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *msg = mnl_nlmsg_get_payload(nlh);

	*(unsigned int *)data = msg->ifi_flags;
	return MNL_CB_OK;
}

int ip_link_flags(struct rtnl *rtnl, unsigned int index, unsigned int *flags)
{
	struct ifinfomsg *msg;
	struct nlmsghdr *nlh = rtnl_begin(rtnl, RTM_GETLINK, NLM_F_ACK, sizeof(*msg), &msg);

	msg->ifi_index = index;
	*flags = 0;
	return rtnl_dump(rtnl, nlh, note_flags, flags, NULL);
}
