/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the address code finds the system: an object, so that tests have theirs
 */
#ifndef HVKVP_IP_SYSTEM_H
#define HVKVP_IP_SYSTEM_H

#include <stdbool.h>

struct ip_cache;

/* Run instead of everything else, where it is there. */
#define IP_SITE_SCRIPT	"/etc/hyperv/set-ip"

/**
 * struct ip_system - the machine, or what a test makes of one
 * @root: directory in front of /etc, /run, /sys, /usr; "" for the real ones
 * @state_dir: where hvkvpd keeps its own records, without @root
 * @site_script: path of the site's own script, without @root
 * @settle_ms: how long new addresses may take to come up, milliseconds
 * @early: it is still starting: no network manager is there to keep addresses, nor is what a
 *	site's script needs
 * @cache: what the kernel reported; NULL: it is asked each time
 */
struct ip_system {
	const char *root;
	const char *state_dir;
	const char *site_script;
	unsigned int settle_ms;
	bool early;
	struct ip_cache *cache;
};

#endif /* HVKVP_IP_SYSTEM_H */
