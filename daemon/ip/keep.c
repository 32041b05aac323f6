// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeping what the host has set.
 */
#include <errno.h>
#include <string.h>

#include "ip/apply.h"
#include "ip/budget.h"
#include "ip/inherit.h"
#include "ip/keep.h"
#include "ip/manager/manager.h"
#include "ip/set.h"
#include "ip/snapshot.h"
#include "ip/system.h"
#include "net/rtnl.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

/* No manager: set the addresses. Duplicates are left to the kernel: no host waits. */
static void set_addresses(const struct ip_system *system, struct rtnl *rtnl,
			  const struct ip_plan *plan)
{
	struct ip_snapshot before;
	struct error error;
	int err;

	err = ip_snapshot_take(&before, rtnl, &plan->adapter, HVKVP_FAMILY_V4 | HVKVP_FAMILY_V6);
	if (err) {
		log_err("%s: %s", plan->adapter.name, strerror(-err));
		return;
	}
	err = ip_apply(system, rtnl, plan, &before, 0, &error);
	ip_set_dns(system, plan, NULL, IP_DNS_MS);
	if (err)
		log_err("%s: %s", plan->adapter.name, error.text);
	else
		ip_change_report(plan, IP_RECORD_OWN);
	ip_snapshot_free(&before);
}

/* The manager's files, made again; it is notified if they have changed. */
static void renew_files(const struct ip_system *system, const struct ip_plan *plan,
			const struct ip_manager *manager)
{
	const uint64_t end = clock_ms() + IP_KEEP_MS;
	bool runs = manager->running(system, &plan->adapter);
	struct ip_files files = { 0 };
	struct file_set set = { 0 };
	struct error error;
	int err;

	err = ip_change_compile(system, plan, manager, &files, &error);
	if (!err) {
		err = ip_files_write(&files, system, &set);
		if (err) {
			file_set_restore(&set);
			error_set(&error, err, "its files cannot be written");
		}
	}
	if (!err && set.count && runs) {
		if (manager->release)
			manager->release(system, &plan->adapter, clock_left(end) / 2);
		err = manager->notify(system, &plan->adapter, true, clock_left(end), &error);
	}
	if (err)
		log_err("%s: what the host has set is not kept: %s", plan->adapter.name, error.text);
	else if (set.count)
		log_notice("%s: renewed the files of %s", plan->adapter.name, manager->name);
	file_set_keep(&set);
	ip_files_free(&files);
}

/* Another adapter may have what the manager's files name. */
static bool find_other(const struct ip_system *system, struct rtnl *rtnl,
		       const struct ip_manager *manager, const struct adapter *gone,
		       struct adapter *other)
{
	return !(manager->matches_mac ? adapter_find(system->root, rtnl, gone->mac, other) :
		 adapter_find_name(system->root, rtnl, gone->name, other));
}

static void withdraw_files(const struct ip_system *system, struct rtnl *rtnl,
			   const struct ip_record *record, const char *key)
{
	const struct ip_manager *manager = ip_manager_named(record->manager);
	struct ip_files files = { 0 };
	struct file_set set = { 0 };
	struct adapter other;
	struct error error;

	if (!manager || manager->matches_instance ||
	    !find_other(system, rtnl, manager, &record->plan.adapter, &other))
		return;
	ip_manager_revert(manager, system, record, key, &files);
	if (!ip_files_write(&files, system, &set) && set.count) {
		log_notice("%s is another adapter now: withdrew the files of %s for %s",
			   other.name, manager->name, key);
		if (manager->running(system, &other))
			manager->notify(system, &other, true, IP_KEEP_MS, &error);
	}
	file_set_keep(&set);
	ip_files_free(&files);
}

static void keep_record(const struct ip_system *system, struct rtnl *rtnl, struct ip_record *record)
{
	const struct ip_manager *manager = ip_manager_find(system, &record->plan.adapter);

	if (strcmp(record->manager, IP_RECORD_OWN)) {
		if (manager && !strcmp(manager->name, record->manager))
			renew_files(system, &record->plan, manager);
		else
			log_notice("%s: %s does not manage it any longer: what the host has set is not kept until the host sets it again",
				   record->plan.adapter.name, record->manager);
		return;
	}
	if (manager)
		log_notice("%s is managed by %s now: what the host has set is not kept until the host sets it again",
			   record->plan.adapter.name, manager->name);
	else
		set_addresses(system, rtnl, &record->plan);
}

static struct ip_kept *find_kept(struct ip_keep *keep, const char *key)
{
	struct ip_kept *kept;

	for (unsigned int i = 0; i < keep->count; i++)
		if (!strcmp(keep->kept[i].key, key))
			return &keep->kept[i];
	if (keep->count == IP_KEEP_MAX)
		return NULL;
	kept = &keep->kept[keep->count++];
	*kept = (struct ip_kept){ .index = 0 };
	strcpy(kept->key, key);
	return kept;
}

static void update_record(const char *key, void *data)
{
	struct ip_keep *keep = data;
	const struct ip_system *system = keep->system;
	unsigned int before = keep->count;
	struct ip_kept *kept = find_kept(keep, key);
	/* The host has set it a moment ago, and with it the addresses. */
	bool is_new = keep->started && keep->count > before;
	struct rtnl rtnl = { .nl = NULL };
	struct ip_record record;
	struct adapter adapter;
	int err = ip_record_read(system, key, &record);

	if (err || !kept) {
		log_err("%s/ip-%s.conf: %s; remove it, or let the host set the addresses again",
			system->state_dir, key, err == -EINVAL ? "invalid record" :
			err ? strerror(-err) : "too many records");
		return;
	}
	err = rtnl_open(&rtnl);
	if (!err)
		err = adapter_find(system->root, &rtnl, record.plan.adapter.guid[0] ?
				   record.plan.adapter.guid : record.plan.adapter.mac, &adapter);
	if (err == -ENOENT) {
		if (record.plan.adapter.guid[0])
			withdraw_files(system, &rtnl, &record, key);
		kept->index = 0;
	} else if (err) {
		log_err("%s/ip-%s.conf: %s", system->state_dir, key, strerror(-err));
	} else if (kept->index != adapter.index || strcmp(kept->name, adapter.name)) {
		kept->index = adapter.index;
		strcpy(kept->name, adapter.name);
		record.plan.adapter = adapter;
		if (!is_new)
			keep_record(system, &rtnl, &record);
	}
	rtnl_close(&rtnl);
}

void ip_keep_update(struct ip_keep *keep)
{
	ip_inherit(keep->system);
	ip_record_each(keep->system, IP_RECORD_SYSTEM, update_record, keep);
	keep->started = true;
}
