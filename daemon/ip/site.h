/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The site's own script, which sets addresses in hvkvpd's place
 *
 * An executable file, /etc/hyperv/set-ip or as configured. Where it is there, it
 * is run for each SET_IP, after everything was checked, and hvkvpd changes
 * nothing. It gets the lines of ip_plan_lines() in its environment, as
 * HVKVP_INTERFACE and so on, and nothing else but PATH. Exit code 0: it is done;
 * 77: hvkvpd is to do it; any other, or over 20 s: the host gets an error.
 */
#ifndef HVKVP_IP_SITE_H
#define HVKVP_IP_SITE_H

#include "ip/plan.h"

struct ip_system;

/**
 * ip_site_exists() - is there a script that can be run?
 * @system: the machine
 * @path: gets its path, SYSROOT_PATH_SIZE bytes
 */
bool ip_site_exists(const struct ip_system *system, char *path);

/** enum ip_site_result - the result of the script. */
enum ip_site_result { IP_SITE_NONE, IP_SITE_DONE, IP_SITE_FAILED };

/**
 * ip_site_run() - run the site's script, if there is one
 * @system: the machine
 * @plan: what is to be
 * @limit_ms: how long it may take
 */
enum ip_site_result ip_site_run(const struct ip_system *system, const struct ip_plan *plan,
				unsigned int limit_ms);

#endif /* HVKVP_IP_SITE_H */
