/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A plan: how an adapter is to be configured, for good
 *
 * Made from what the host asks for and from what the adapter has. The host may
 * speak of one family only; files of network managers always describe both, so
 * the other family is taken over into the plan as it is. Pure.
 */
#ifndef HVKVP_IP_PLAN_H
#define HVKVP_IP_PLAN_H

#include "net/adapter.h"
#include "wire/ip_config.h"

/** enum ip_mode - where a family's addresses come from. */
enum ip_mode {
	IP_MODE_NONE,	/* nowhere: there are none */
	IP_MODE_AUTO,	/* DHCP, or what the network says about IPv6 */
	IP_MODE_STATIC,	/* the plan */
};

/**
 * struct ip_plan - what is to be
 * @adapter: whose
 * @change: HVKVP_FAMILY_* mask that the host speaks of; the rest stays
 * @mode: of each family
 * @config: addresses and gateways of the static families, name servers
 */
struct ip_plan {
	struct adapter adapter;
	uint8_t change;
	enum ip_mode mode[IP_FAMILIES];
	struct ip_config config;
};

/**
 * ip_plan_make() - make a plan
 * @adapter: whose
 * @request: what the host asks for, checked
 * @change: from ip_check()
 * @current: what the adapter has, from ip_query() of both families
 * @plan: filled in
 *
 * Name servers are the request's if it names any; without one they stay as they
 * are where an address stays or is given, and are left to DHCP elsewhere.
 */
void ip_plan_make(const struct adapter *adapter, const struct ip_config *request,
		  uint8_t change, const struct ip_config *current, struct ip_plan *plan);

/** ip_mode_name() - "none", "auto" or "static". */
const char *ip_mode_name(enum ip_mode mode);

/* The longest value of a line: 128 addresses, and a blank behind each. */
#define IP_PLAN_VALUE_SIZE (2 * HVKVP_ADDR_MAX * IP_TEXT_SIZE)

/**
 * ip_plan_lines() - a plan as "KEY=value", for records, scripts and people
 * @plan: the plan
 * @emit: called for each line
 * @data: for @emit
 *
 * INTERFACE, IFINDEX, MAC; FAMILY "ipv4", "ipv6" or "both": what the host set;
 * then for IPV4 and IPV6: _MODE "static", "auto" (DHCP; for IPv6 also routers'
 * prefixes) or "none", _ADDRESSES with prefix lengths, _GATEWAYS; last DNS. Lists
 * have blanks between their elements.
 */
void ip_plan_lines(const struct ip_plan *plan,
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
