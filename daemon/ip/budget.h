/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long the steps of a SET_IP may take, in milliseconds
 *
 * The host waits for 30 s; the dispatcher leaves IP_ANSWER_MS of them. Within what is left:
 *
 *	another change, of "hvkvp ip undo"	half, at most IP_LOCK_MS
 *	the site's script			IP_SITE_MS
 *	addresses that come up			half, at most IP_SETTLE_MS
 *	the manager's tools, and asking it	three quarters
 *	name servers				IP_DNS_MS
 *	a rollback, if it comes to that		the rest
 */
#ifndef HVKVP_IP_BUDGET_H
#define HVKVP_IP_BUDGET_H

#include <stdint.h>

/* No answer takes longer than this. */
#define IP_ANSWER_MS	20000

#define IP_LOCK_MS	8000
#define IP_SITE_MS	20000
#define IP_SETTLE_MS	5000
#define IP_DNS_MS	5000
#define IP_SYSCTL_MS	2000
/* A file that a program outside of the sandbox writes. */
#define IP_FILES_MS	6000

/* What a manager may take where no host waits: at the start, and when an adapter comes. */
#define IP_KEEP_MS	15000

/* The same for "hvkvp ip undo". */
#define IP_UNDO_MS	30000

static inline unsigned int ip_budget(uint64_t left_ms, unsigned int most_ms)
{
	return left_ms < most_ms ? left_ms : most_ms;
}

static inline unsigned int ip_budget_settle(uint64_t left_ms, unsigned int settle_ms)
{
	return ip_budget(left_ms / 2, settle_ms);
}

static inline unsigned int ip_budget_manager(uint64_t left_ms)
{
	return left_ms / 4 * 3;
}

#endif /* HVKVP_IP_BUDGET_H */
