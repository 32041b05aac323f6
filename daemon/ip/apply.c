// SPDX-License-Identifier: GPL-2.0-only
/*
 * Applying a plan to the kernel.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <time.h>

#include "ip/apply.h"
#include "ip/ipv6.h"
#include "ip/snapshot.h"
#include "net/link.h"
#include "net/rtnl.h"
#include "net/rtnl_address.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/log.h"

/* How often to look whether addresses have come up. The check takes a second or two. */
#define LOOK_MS 50

static const struct ip_address *planned(const struct ip_plan *plan,
					const struct rtnl_address *address)
{
	const struct ip_family_config *cfg = &plan->config.by_family[address->family];

	/* A point-to-point address is another one, also if it has the same bytes. */
	for (unsigned int i = 0; i < cfg->count && !address->peer; i++)
		if (cfg->address[i].prefix == address->prefix &&
		    !memcmp(cfg->address[i].bytes, address->bytes, ip_len(address->family)))
			return &cfg->address[i];
	return NULL;
}

static bool is_static(const struct ip_plan *plan, int family)
{
	return plan->change & ip_family_bit(family) && plan->mode[family] == IP_MODE_STATIC;
}

/* Must this address go? */
static bool must_remove(const struct ip_plan *plan, const struct rtnl_address *address)
{
	int family = address->family;

	if (!(plan->change & ip_family_bit(family)) || address->scope >= RT_SCOPE_HOST)
		return false;
	if (plan->mode[family] == IP_MODE_AUTO)
		return address->flags & IFA_F_PERMANENT &&
		       !ip_is_link_local(family, address->bytes);
	if (planned(plan, address))
		return address->flags & IFA_F_DADFAILED;
	return family == IP_V4 || !ip_is_link_local(family, address->bytes);
}

static bool is_there(const struct ip_snapshot *now, int family, const struct ip_address *address,
		     bool *checking, bool *duplicate)
{
	const struct nlmsghdr *nlh = NULL;
	struct rtnl_address have;

	while ((nlh = ip_messages_next(&now->addresses, nlh))) {
		if (!rtnl_address(nlh, &have) || have.family != family || have.peer ||
		    have.prefix != address->prefix ||
		    memcmp(have.bytes, address->bytes, ip_len(family)))
			continue;
		if (have.flags & IFA_F_DADFAILED)
			*duplicate = true;
		else if (rtnl_address_checked(&have))
			*checking = true;
		return true;
	}
	return false;
}

static int add_addresses(struct rtnl *rtnl, const struct ip_plan *plan, int family,
			 struct error *error)
{
	const struct ip_family_config *cfg = &plan->config.by_family[family];
	char text[IP_TEXT_SIZE];

	for (unsigned int i = 0; i < cfg->count; i++) {
		int err = ip_link_add_address(rtnl, plan->adapter.index, family, &cfg->address[i]);

		if (err && err != -EEXIST)
			return error_set(error, err, "%s cannot be added: %s",
					 ip_text_prefix(family, &cfg->address[i], text),
					 strerror(-err));
	}
	return 0;
}

static int remove_addresses(struct rtnl *rtnl, const struct ip_plan *plan,
			    const struct ip_snapshot *before, bool only_v6_conflicts,
			    struct error *error)
{
	const struct nlmsghdr *nlh = NULL;
	struct rtnl_address address;
	char text[IP_TEXT_SIZE];
	int err;

	while ((nlh = ip_messages_next(&before->addresses, nlh))) {
		if (!rtnl_address(nlh, &address) || !must_remove(plan, &address))
			continue;
		/* IPv6 has an address once, whatever its prefix: the old one first. */
		if (only_v6_conflicts && address.family != IP_V6)
			continue;
		err = rtnl_resend(rtnl, nlh, RTM_DELADDR, 0, 0);
		/* Removed with another one, or run out. */
		if (err && err != -EADDRNOTAVAIL)
			return error_set(error, err, "%s cannot be removed: %s",
					 ip_text(address.family, address.bytes, text), strerror(-err));
	}
	return 0;
}

/* Must this route go? Only default routes of the main table do. */
static bool is_old_default(const struct ip_plan *plan, const struct nlmsghdr *nlh, bool leased[])
{
	const struct rtmsg *msg = mnl_nlmsg_get_payload(nlh);
	int family = msg->rtm_family == AF_INET ? IP_V4 : IP_V6;

	if (msg->rtm_dst_len || msg->rtm_table != RT_TABLE_MAIN || msg->rtm_type != RTN_UNICAST ||
	    !(plan->change & ip_family_bit(family)) || msg->rtm_protocol == RTPROT_RA)
		return false;
	return plan->mode[family] == IP_MODE_STATIC ||
	       (!leased[family] && (msg->rtm_protocol == RTPROT_STATIC ||
				  msg->rtm_protocol == RTPROT_BOOT));
}

/* Is it a route to a subnet of an address, and no address of the plan is in it? */
static bool is_old_subnet(const struct ip_plan *plan, const struct nlmsghdr *nlh)
{
	const struct rtmsg *msg = mnl_nlmsg_get_payload(nlh);
	int family = msg->rtm_family == AF_INET ? IP_V4 : IP_V6;
	const struct ip_family_config *cfg = &plan->config.by_family[family];
	const struct nlattr *attr;

	if (msg->rtm_protocol != RTPROT_KERNEL || !is_static(plan, family))
		return false;
	mnl_attr_for_each(attr, nlh, sizeof(*msg)) {
		const uint8_t *subnet = mnl_attr_get_payload(attr);

		if (mnl_attr_get_type(attr) != RTA_DST)
			continue;
		if (ip_is_link_local(family, subnet))
			return false;
		for (unsigned int i = 0; i < cfg->count; i++)
			if (ip_same_subnet(cfg->address[i].bytes, subnet, msg->rtm_dst_len))
				return false;
		return true;
	}
	return false;
}

static int remove_routes(struct rtnl *rtnl, const struct ip_plan *plan,
			 const struct ip_snapshot *before, struct error *error)
{
	const struct nlmsghdr *nlh = NULL;
	bool leased[IP_FAMILIES] = { false };
	struct rtnl_address address;
	int err;

	while ((nlh = ip_messages_next(&before->addresses, nlh)))
		if (rtnl_address(nlh, &address) && !(address.flags & IFA_F_PERMANENT))
			leased[address.family] = true;
	while ((nlh = ip_messages_next(&before->routes, nlh))) {
		if (!is_old_default(plan, nlh, leased) && !is_old_subnet(plan, nlh))
			continue;
		err = ip_link_del_route(rtnl, plan->adapter.index, nlh);
		/* It may have gone with an address. */
		if (err && err != -ESRCH)
			return error_set(error, err, "an old route cannot be removed: %s", strerror(-err));
	}
	return 0;
}

/*
 * Other routes go with the last address, or with the one that their gateway was a
 * neighbour of. Those that the new addresses can carry come back.
 */
static void keep_routes(struct rtnl *rtnl, const struct ip_plan *plan,
			const struct ip_snapshot *before)
{
	bool leased[IP_FAMILIES] = { true, true };
	const struct nlmsghdr *nlh = NULL;

	while ((nlh = ip_messages_next(&before->routes, nlh)))
		if (!is_old_default(plan, nlh, leased) && !is_old_subnet(plan, nlh))
			ip_snapshot_add_route(rtnl, nlh);
}

static int add_gateways(struct rtnl *rtnl, const struct ip_plan *plan, int family,
			struct error *error)
{
	const struct ip_family_config *cfg = &plan->config.by_family[family];
	char text[IP_TEXT_SIZE];

	for (unsigned int i = 0; i < cfg->gateway_count; i++) {
		bool onlink = !ip_is_reachable(family, cfg, cfg->gateway[i]);
		int err = ip_link_add_gateway(rtnl, plan->adapter.index, family, cfg->gateway[i], i,
					      onlink);

		if (err && err != -EEXIST)
			return error_set(error, err, "the gateway %s cannot be used: %s",
					 ip_text(family, cfg->gateway[i], text), strerror(-err));
	}
	return 0;
}

/* An address that should be gone. Others than permanent ones come back by themselves. */
static int find_remaining(const struct ip_plan *plan, const struct ip_snapshot *now,
			  struct error *error)
{
	const struct nlmsghdr *nlh = NULL;
	struct rtnl_address address;
	char text[IP_TEXT_SIZE];

	while ((nlh = ip_messages_next(&now->addresses, nlh)))
		if (rtnl_address(nlh, &address) && address.flags & IFA_F_PERMANENT &&
		    must_remove(plan, &address) && !planned(plan, &address))
			return error_set(error, -EBUSY, "%s cannot be removed",
				    ip_text(address.family, address.bytes, text));
	return 0;
}

/* Look at the kernel once. Return: what is wrong for good; @checking: look again. */
static int look(struct rtnl *rtnl, const struct ip_plan *plan, bool *checking,
		struct error *error)
{
	struct ip_snapshot now;
	int err = ip_snapshot_take(&now, rtnl, &plan->adapter, plan->change);

	*checking = false;
	if (err)
		return error_set(error, err, "the kernel's addresses cannot be read: %s",
				 strerror(-err));
	for (int family = 0; family < IP_FAMILIES && !err; family++) {
		const struct ip_family_config *cfg = &plan->config.by_family[family];

		for (unsigned int i = 0; is_static(plan, family) && i < cfg->count && !err; i++) {
			bool duplicate = false;
			char text[IP_TEXT_SIZE];

			if (!is_there(&now, family, &cfg->address[i], checking, &duplicate))
				err = error_set(error, -EADDRNOTAVAIL, "%s has gone again",
					    ip_text(family, cfg->address[i].bytes, text));
			else if (duplicate)
				err = error_set(error, -EADDRINUSE, "%s is in use by another machine",
					    ip_text(family, cfg->address[i].bytes, text));
		}
	}
	if (!err)
		err = find_remaining(plan, &now, error);
	ip_snapshot_free(&now);
	return err;
}

int ip_apply_check(struct rtnl *rtnl, const struct ip_plan *plan, struct error *error)
{
	bool checking;

	return look(rtnl, plan, &checking, error);
}

static int settle(struct rtnl *rtnl, const struct ip_plan *plan, unsigned int settle_ms,
		  struct error *error)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
	uint64_t end = clock_ms() + settle_ms;
	unsigned int flags;
	bool checking;
	int err;

	for (;;) {
		err = look(rtnl, plan, &checking, error);
		if (err || !checking || !settle_ms)
			return err;
		if (!clock_left(end))
			break;
		nanosleep(&pause, NULL);
	}
	if (!ip_link_flags(rtnl, plan->adapter.index, &flags) && !(flags & IFF_RUNNING)) {
		log_notice("%s has no carrier: its addresses are not checked for duplicates yet",
			   plan->adapter.name);
		return 0;
	}
	return error_set(error, -ETIMEDOUT, "addresses did not come up within %u ms", settle_ms);
}

int ip_apply(const struct ip_system *system, struct rtnl *rtnl, const struct ip_plan *plan,
	     const struct ip_snapshot *before, unsigned int settle_ms, struct error *error)
{
	bool any_static = is_static(plan, IP_V4) || is_static(plan, IP_V6);
	int err;

	if (any_static && !before->up) {
		err = ip_link_set_up(rtnl, plan->adapter.index, true);
		if (err)
			return error_set(error, err, "%s cannot be brought up: %s", plan->adapter.name,
					 strerror(-err));
	}
	if (is_static(plan, IP_V6) && before->ipv6_disabled) {
		err = ip_ipv6_disable(system, plan->adapter.name, false);
		if (err)
			return error_set(error, err, "IPv6 is disabled on %s, and cannot be enabled: %s",
					 plan->adapter.name, strerror(-err));
	}
	err = remove_addresses(rtnl, plan, before, true, error);
	/*
	 * New before old: an interface that loses its last IPv4 address loses all
	 * its routes. The old ones may take new ones of their subnet with them,
	 * hence the second round.
	 */
	for (int family = 0; family < IP_FAMILIES && !err; family++)
		if (is_static(plan, family))
			err = add_addresses(rtnl, plan, family, error);
	if (!err)
		err = remove_addresses(rtnl, plan, before, false, error);
	if (!err && is_static(plan, IP_V4))
		err = add_addresses(rtnl, plan, IP_V4, error);
	if (!err)
		err = remove_routes(rtnl, plan, before, error);
	if (!err && any_static)
		keep_routes(rtnl, plan, before);
	for (int family = 0; family < IP_FAMILIES && !err; family++)
		if (is_static(plan, family))
			err = add_gateways(rtnl, plan, family, error);
	return err || !any_static ? err : settle(rtnl, plan, settle_ms, error);
}
