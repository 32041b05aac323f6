/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Carrying out a plan: kernel, files and network manager, as one change
 */
#ifndef HVKVP_IP_SET_H
#define HVKVP_IP_SET_H

#include "ip/files.h"
#include "ip/plan.h"

struct error;
struct ip_manager;
struct ip_system;
struct rtnl;

/**
 * ip_change_compile() - the files of a plan, or why it cannot be kept
 * @system: the machine
 * @plan: what the host wants
 * @manager: in charge, from ip_manager_find(); NULL for none
 * @files: gets the files of the manager, and the record
 * @error: gets why the plan is refused
 *
 * Changes nothing.
 *
 * Return: 0, or -errno.
 */
int ip_change_compile(const struct ip_system *system, const struct ip_plan *plan,
		      const struct ip_manager *manager, struct ip_files *files,
		      struct error *error);

/**
 * ip_change() - carry out a plan
 * @system: the machine
 * @rtnl: open
 * @plan: what the host wants; gets the adapter's number where a manager makes it anew
 * @left_ms: how long the host still waits, milliseconds
 * @error: gets the reason of a failure
 *
 * First the site's script, if there is one; else the kernel, then the files of the
 * manager in charge and our record; then the manager, if it runs, has to use them, and
 * the addresses have to be there. When any of these fails, all that was done before is
 * rolled back. Name servers alone are no reason to fail: they are logged.
 *
 * Return: 0, or -errno.
 */
int ip_change(const struct ip_system *system, struct rtnl *rtnl, struct ip_plan *plan,
	      unsigned int left_ms, struct error *error);

/** ip_set_dns() - set a plan's name servers where @manager does not. */
void ip_set_dns(const struct ip_system *system, const struct ip_plan *plan,
		const struct ip_manager *manager, unsigned int left_ms);

/** ip_change_report() - log what the host has set, and who keeps it. */
void ip_change_report(const struct ip_plan *plan, const char *keeper);

#endif /* HVKVP_IP_SET_H */
