/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records: what the host set for each adapter, in hvkvpd's own folder
 *
 * One file for an adapter, <state dir>/ip-<mac, without colons>.conf, of lines
 * KEY=value as ip_plan_lines() has them, and MANAGER: who keeps the addresses.
 * MANAGER=hvkvpd means that nobody else does: hvkvpd then sets them anew when it
 * starts. A person may remove the file, which ends that.
 */
#ifndef HVKVP_IP_RECORD_H
#define HVKVP_IP_RECORD_H

#include "ip/plan.h"
#include "util/file.h"

struct file_set;
struct ip_system;

/* The value of MANAGER where hvkvpd sets the addresses itself. */
#define IP_RECORD_OWN "hvkvpd"

/**
 * ip_record_write() - write an adapter's record
 * @system: the machine
 * @plan: what the host set
 * @manager: who keeps it
 * @files: remembers what was there
 *
 * Return: 0 or -errno.
 */
int ip_record_write(const struct ip_system *system, const struct ip_plan *plan,
		    const char *manager, struct file_set *files);

/**
 * ip_record_mode() - how the host set a family
 * @system: the machine
 * @adapter: whose
 * @family: family
 * @mode: gets it
 *
 * Return: false if there is no record.
 */
bool ip_record_mode(const struct ip_system *system, const struct adapter *adapter, int family,
		    enum ip_mode *mode);

/**
 * ip_record_read() - a record as a plan
 * @path: the file
 * @plan: filled in, but for the interface's index; @plan->adapter.name is that of
 *	the time of writing
 * @own: gets whether MANAGER is hvkvpd
 *
 * Return: 0; -EINVAL if it is no record; other -errno.
 */
int ip_record_read(const char *path, struct ip_plan *plan, bool *own);

#endif /* HVKVP_IP_RECORD_H */
