/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Carrying out a plan: kernel, files and network manager, as one change
 */
#ifndef HVKVP_IP_SET_H
#define HVKVP_IP_SET_H

#include "ip/plan.h"

struct ip_system;
struct rtnl;

/**
 * ip_change() - carry out a plan
 * @system: the machine
 * @rtnl: open
 * @plan: what is to be
 * @left_ms: how long the host still waits, milliseconds
 *
 * First the site's script, if there is one; else the kernel, then the files of the
 * manager in charge and our record, then the manager is told. When any of these
 * fails, all that was done before is undone. Name servers alone are no reason to
 * fail: they are logged.
 *
 * A manager that does not take its new files is a failure where it is needed,
 * for DHCP; static addresses are in effect by then, and hold.
 *
 * Return: NULL, or what went wrong, in words.
 */
const char *ip_change(const struct ip_system *system, struct rtnl *rtnl,
		      const struct ip_plan *plan, unsigned int left_ms);

/**
 * ip_change_reapply() - set anew what only hvkvpd keeps
 * @system: the machine
 *
 * For the start: takes the records that say so, and gives the addresses to the
 * interfaces that have the MAC addresses of them. Each is logged.
 */
void ip_change_reapply(const struct ip_system *system);

#endif /* HVKVP_IP_SET_H */
