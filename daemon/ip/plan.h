/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A plan: what the host wants of an adapter
 *
 * Made from the request, and from what the host has set before. A request may name one
 * family only: then the other family is not touched. Files of network managers hold
 * what the host has set, in this request or an earlier one, and the user's settings
 * for everything else.
 */
#ifndef HVKVP_IP_PLAN_H
#define HVKVP_IP_PLAN_H

#include "net/adapter.h"
#include "wire/ip_config.h"

/** enum ip_mode - where a family's addresses come from. */
enum ip_mode {
	IP_MODE_NONE,	/* nowhere: there are none */
	IP_MODE_AUTO,	/* DHCP, or router advertisements */
	IP_MODE_STATIC,	/* the plan */
};

/**
 * struct ip_plan - what the host wants
 * @adapter: whose
 * @change: HVKVP_FAMILY_* mask that this request sets
 * @kept: HVKVP_FAMILY_* mask that the host has set, @change included: what files hold
 * @dns: the name servers are the host's; else they are not touched
 * @dns_before: they were before this request
 * @mode: of each family; for a family that is not in @kept, what it has now
 * @config: addresses and gateways of the static families, name servers
 */
struct ip_plan {
	struct adapter adapter;
	uint8_t change;
	uint8_t kept;
	bool dns;
	bool dns_before;
	enum ip_mode mode[IP_FAMILIES];
	struct ip_config config;
};

/**
 * ip_plan_make() - make a plan
 * @adapter: whose
 * @request: what the host asks for, checked
 * @change: from ip_check()
 * @current: what the adapter has, from ip_query() of both families
 * @recorded: what the host has set before, from ip_record_find(); NULL for nothing
 * @plan: filled in
 *
 * Name servers are the request's if it names any. Without one they are those that the
 * host set before, or those of a lease that static IPv4 addresses replace; else they
 * are not touched. With DHCP they are left to that.
 */
void ip_plan_make(const struct adapter *adapter, const struct ip_config *request,
		  uint8_t change, const struct ip_config *current,
		  const struct ip_plan *recorded, struct ip_plan *plan);

/** ip_plan_keeps() - has the host set this family? */
static inline bool ip_plan_keeps(const struct ip_plan *plan, int family)
{
	return plan->kept & ip_family_bit(family);
}

/** ip_plan_keeps_static() - has the host set static addresses of this family? */
static inline bool ip_plan_keeps_static(const struct ip_plan *plan, int family)
{
	return ip_plan_keeps(plan, family) && plan->mode[family] == IP_MODE_STATIC;
}

/** ip_plan_wants_dhcp() - does this request ask for DHCP? */
bool ip_plan_wants_dhcp(const struct ip_plan *plan);

/** ip_mode_name() - "none", "auto" or "static". */
const char *ip_mode_name(enum ip_mode mode);

/* The longest value of a line: 128 addresses, and a blank behind each. */
#define IP_PLAN_VALUE_SIZE (2 * HVKVP_ADDR_MAX * IP_TEXT_SIZE)

/**
 * ip_plan_lines() - a plan as "KEY=value", for records, scripts and people
 * @plan: the plan
 * @families: HVKVP_FAMILY_* mask for FAMILY: &ip_plan.change or &ip_plan.kept
 * @emit: called for each line
 * @data: for @emit
 *
 * INTERFACE, IFINDEX, MAC, GUID (empty if the adapter is no VMBus device); FAMILY
 * "ipv4", "ipv6", "both" or "none"; then for IPV4 and IPV6: _MODE "static", "auto"
 * (DHCP; for IPv6 also router advertisements) or "none", _ADDRESSES with prefix
 * lengths, _GATEWAYS; last DNS. Elements of lists are separated by blanks.
 */
void ip_plan_lines(const struct ip_plan *plan, uint8_t families,
		   void (*emit)(const char *key, const char *value, void *data), void *data);

/**
 * ip_plan_list() - a list of a plan as text
 * @family: family
 * @cfg: its addresses
 * @kind: which; addresses are written with prefix lengths
 * @separator: between elements
 * @text: gets it
 * @size: bytes of @text
 *
 * Return: @text.
 */
char *ip_plan_list(int family, const struct ip_family_config *cfg, enum ip_list_kind kind,
		   const char *separator, char *text, size_t size);

#endif /* HVKVP_IP_PLAN_H */
