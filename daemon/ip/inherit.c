// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking over what the host has set in the initramfs.
 */
#include <errno.h>
#include <string.h>

#include "ip/budget.h"
#include "ip/get.h"
#include "ip/inherit.h"
#include "ip/record.h"
#include "ip/set.h"
#include "ip/system.h"
#include "net/rtnl.h"
#include "util/error.h"
#include "util/log.h"

/* The families that the host has set this way. */
static uint8_t families_of(const struct ip_plan *plan, enum ip_mode mode)
{
	uint8_t families = 0;

	for (int family = 0; family < IP_FAMILIES; family++)
		if (ip_plan_keeps(plan, family) && plan->mode[family] == mode)
			families |= ip_family_bit(family);
	return families;
}

/* Set some families as the host did. */
static int set_families(const struct ip_system *system, struct rtnl *rtnl,
			const struct adapter *adapter, const struct ip_plan *early,
			uint8_t families, bool dhcp, struct error *error)
{
	struct ip_config request = early->config, current;
	struct ip_record record;
	struct ip_plan plan;
	int err;

	if (!families)
		return 0;
	request.families = families;
	request.dhcp = dhcp;
	if (!early->dns)
		for (int family = 0; family < IP_FAMILIES; family++)
			request.by_family[family].dns_count = 0;
	err = ip_query(system, rtnl, adapter, 0, true, &current);
	if (err)
		return error_set(error, err, "its state cannot be read: %s", strerror(-err));
	err = ip_record_find(system, adapter, &record);
	ip_plan_make(adapter, &request, families, &current, err ? NULL : &record.plan, &plan);
	return ip_change(system, rtnl, &plan, IP_KEEP_MS, error);
}

static int set_all(const struct ip_system *system, struct rtnl *rtnl,
		   const struct adapter *adapter, const struct ip_plan *early, struct error *error)
{
	int err = set_families(system, rtnl, adapter, early, families_of(early, IP_MODE_AUTO), true,
			       error);

	return err ? err : set_families(system, rtnl, adapter, early,
					families_of(early, IP_MODE_STATIC), false, error);
}

static void inherit(const char *key, void *data)
{
	const struct ip_system *system = data;
	struct rtnl rtnl = { .nl = NULL };
	struct ip_record record;
	struct adapter adapter;
	struct error error;
	int err = ip_record_read_early(system, key, &record);

	if (!err)
		err = rtnl_open(&rtnl);
	if (!err)
		err = adapter_find(system->root, &rtnl, record.plan.adapter.guid[0] ?
				   record.plan.adapter.guid : record.plan.adapter.mac, &adapter);
	/* Its driver may be loaded later. */
	if (err == -ENOENT)
		goto out;
	error_set(&error, err, "%s", err == -EINVAL ? "invalid record" : strerror(-err));
	if (!err)
		err = set_all(system, &rtnl, &adapter, &record.plan, &error);
	if (err)
		log_err("%s/ip-%s.initramfs: what the host set in the initramfs is not kept: %s; let the host set it again",
			system->state_dir, key, error.text);
	ip_record_remove_early(system, key);
out:
	rtnl_close(&rtnl);
}

void ip_inherit(const struct ip_system *system)
{
	ip_record_each(system, IP_RECORD_INITRAMFS, inherit, (void *)system);
}
