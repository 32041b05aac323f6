/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An address as the kernel reports it
 */
#ifndef HVKVP_NET_RTNL_ADDRESS_H
#define HVKVP_NET_RTNL_ADDRESS_H

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>

#include "wire/ip_config.h"

#ifndef IFAPROT_KERNEL_LL	/* headers before 5.18 */
#define IFA_PROTO		11
#define IFAPROT_KERNEL_RA	2
#define IFAPROT_KERNEL_LL	3
#endif

/* In the place of seconds. */
#define RTNL_NO_END		0xffffffffU

/**
 * struct rtnl_address - what an RTM_NEWADDR says
 * @index: of the interface
 * @family: family
 * @bytes: the address itself, not the other end's; in the message
 * @peer: it is a point-to-point address: @prefix is that of the other end
 * @prefix: length
 * @scope: RT_SCOPE_*
 * @flags: IFA_F_*
 * @valid: seconds that it has left, or RTNL_NO_END
 * @protocol: IFAPROT_*; 0 if the kernel is older than that (5.18)
 */
struct rtnl_address {
	unsigned int index;
	int family;
	const uint8_t *bytes;
	bool peer;
	unsigned int prefix;
	uint8_t scope;
	uint32_t flags;
	uint32_t valid;
	uint8_t protocol;
};

/**
 * rtnl_address() - read a message
 * @nlh: the message
 * @address: filled in
 *
 * Return: false if it is no RTM_NEWADDR of IPv4 or IPv6 with an address.
 */
bool rtnl_address(const struct nlmsghdr *nlh, struct rtnl_address *address);

/** rtnl_address_checked() - is it still being checked for duplicates, and not in use? */
static inline bool rtnl_address_checked(const struct rtnl_address *address)
{
	return address->flags & IFA_F_TENTATIVE && !(address->flags & IFA_F_OPTIMISTIC);
}

#endif /* HVKVP_NET_RTNL_ADDRESS_H */
