/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host may do to addresses
 */
#ifndef HVKVP_IP_POLICY_H
#define HVKVP_IP_POLICY_H

#include <stdbool.h>

struct adapter;

/**
 * enum ip_policy_set - which SET_IP requests are carried out
 * @IP_POLICY_SET_OFF: none
 * @IP_POLICY_SET_ON: all
 * @IP_POLICY_SET_STATIC: those that set static addresses, none that switch to DHCP
 */
enum ip_policy_set {
	IP_POLICY_SET_OFF,
	IP_POLICY_SET_ON,
	IP_POLICY_SET_STATIC,
};

/**
 * struct ip_policy - what the host may do
 * @get: GET_IP
 * @set: SET_IP
 * @adapters: SET_IP only for these: interface names, MAC addresses and VMBus instances, separated by blanks; "" or
 *	NULL for all; not owned
 */
struct ip_policy {
	bool get;
	enum ip_policy_set set;
	const char *adapters;
};

/**
 * ip_policy_refuses_set() - is this SET_IP forbidden?
 * @policy: what the host may do; NULL: everything
 * @adapter: whose addresses
 * @dhcp: the request switches to DHCP
 *
 * Return: NULL, or the reason.
 */
const char *ip_policy_refuses_set(const struct ip_policy *policy, const struct adapter *adapter,
				  bool dhcp);

#endif /* HVKVP_IP_POLICY_H */
