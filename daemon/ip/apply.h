/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Applying a plan to the kernel
 */
#ifndef HVKVP_IP_APPLY_H
#define HVKVP_IP_APPLY_H

#include "ip/plan.h"

struct error;
struct ip_snapshot;
struct ip_system;
struct rtnl;

/**
 * ip_apply() - make the kernel do what a plan says, for the families to change
 * @system: the machine
 * @rtnl: open
 * @plan: the plan
 * @before: how it was; ip_snapshot_restore() undoes this call, whatever its result
 * @settle_ms: how long addresses may take to come up, milliseconds; 0: do not wait
 * @error: gets the reason of a failure
 *
 * A static family: the interface comes up; IPv6 is enabled on it if it was not; it then has the plan's addresses,
 * those alone (but for IPv6 link-local ones), and its default routes are those by
 * the plan's gateways and those that routers announce. Other routes stay, as far
 * as the kernel keeps them, and next hops by other interfaces. An address that is there already is not touched.
 * IPv6 addresses are waited for until their check for duplicates is over; on an
 * interface without a carrier that cannot be, and is not held against them.
 *
 * An automatic family: addresses without an end go, and, if none is left, the
 * static default routes; who gets others is not our business.
 *
 * Return: 0 if all of it is in effect, or -errno.
 */
int ip_apply(const struct ip_system *system, struct rtnl *rtnl, const struct ip_plan *plan,
	     const struct ip_snapshot *before, unsigned int settle_ms, struct error *error);

/**
 * ip_apply_check() - is a plan in effect?
 * @rtnl: open
 * @plan: the plan
 * @error: gets what is missing
 *
 * Return: 0 if all static addresses to change are there, checked for duplicates or not;
 * or -errno.
 */
int ip_apply_check(struct rtnl *rtnl, const struct ip_plan *plan, struct error *error);

#endif /* HVKVP_IP_APPLY_H */
