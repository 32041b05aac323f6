// SPDX-License-Identifier: GPL-2.0-only
/*
 * An address as the kernel reports it.
 */
#include <linux/rtnetlink.h>
#include <string.h>

#include "net/rtnl_address.h"

bool rtnl_address(const struct nlmsghdr *nlh, struct rtnl_address *address)
{
	const struct ifaddrmsg *msg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *own = NULL, *other = NULL;

	if (nlh->nlmsg_type != RTM_NEWADDR ||
	    (msg->ifa_family != AF_INET && msg->ifa_family != AF_INET6))
		return false;
	*address = (struct rtnl_address){
		.index = msg->ifa_index, .family = msg->ifa_family == AF_INET ? IP_V4 : IP_V6,
		.prefix = msg->ifa_prefixlen, .scope = msg->ifa_scope, .flags = msg->ifa_flags,
		.valid = RTNL_NO_END,
	};
	mnl_attr_for_each(attr, nlh, sizeof(*msg)) {
		switch (mnl_attr_get_type(attr)) {
		case IFA_ADDRESS:
			/* On a point-to-point link this is the other end. */
			other = attr;
			if (!own)
				own = attr;
			break;
		case IFA_LOCAL:
			own = attr;
			break;
		case IFA_FLAGS:
			address->flags = mnl_attr_get_u32(attr);
			break;
		case IFA_PROTO:
			address->protocol = mnl_attr_get_u8(attr);
			break;
		case IFA_CACHEINFO:
			if (mnl_attr_get_payload_len(attr) >= sizeof(struct ifa_cacheinfo)) {
				const struct ifa_cacheinfo *info = mnl_attr_get_payload(attr);

				address->valid = info->ifa_valid;
			}
			break;
		}
	}
	if (!own || mnl_attr_get_payload_len(own) != ip_len(address->family))
		return false;
	address->bytes = mnl_attr_get_payload(own);
	address->peer = other && mnl_attr_get_payload_len(other) == ip_len(address->family) &&
			memcmp(mnl_attr_get_payload(other), address->bytes, ip_len(address->family));
	return true;
}
