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
#include "ip/lock.h"
#include "ip/manager/manager.h"
#include "ip/set.h"
#include "ip/snapshot.h"
#include "ip/stack.h"
#include "ip/system.h"
#include "net/rtnl.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/file.h"
#include "util/log.h"
#include "util/sysroot.h"

/* No manager: set the addresses. Duplicates are left to the kernel: no host waits. */
static int set_addresses(const struct ip_system *system, struct rtnl *rtnl,
			 const struct ip_plan *plan, struct error *error)
{
	struct ip_snapshot before;
	int err;

	err = ip_snapshot_take(&before, rtnl, &plan->adapter, HVKVP_FAMILY_V4 | HVKVP_FAMILY_V6);
	if (err)
		return error_set(error, err, "the adapter's state cannot be read: %s", strerror(-err));
	err = ip_apply(system, rtnl, plan, &before, 0, error);
	if (err && ip_snapshot_restore(&before, system, rtnl))
		log_err("%s: not everything could be rolled back", plan->adapter.name);
	ip_snapshot_free(&before);
	if (err)
		return err;
	ip_set_dns(system, plan, NULL, IP_DNS_MS);
	ip_change_report(plan, IP_RECORD_OWN);
	return 0;
}

/* The record alone has the interface's number, which is another one after each start. */
static bool has_manager_files(const struct ip_system *system, const struct file_set *set)
{
	char records[SYSROOT_PATH_SIZE];
	size_t len = strlen(sysroot_path(system->root, records, "%s/ip-", system->state_dir));

	for (unsigned int i = 0; i < set->count; i++)
		if (strncmp(set->file[i].path, records, len))
			return true;
	return false;
}

/*
 * Write files, and make the manager use them. Return: 1 if it does; 0 if there was nothing
 * to do; -errno.
 */
static int use_files(const struct ip_system *system, struct rtnl *rtnl,
		     const struct adapter *adapter,
		     const struct ip_manager *manager, const struct ip_files *files,
		     struct ip_kept *kept, struct error *error)
{
	const uint64_t end = clock_ms() + IP_KEEP_MS;
	int runs = manager->running(system, adapter, error), err;
	struct ip_stack stack = { .count = 0 };
	struct file_set set = { 0 };

	if (runs < 0)
		return runs;
	err = ip_files_write(files, system, &set);
	if (err) {
		file_set_restore(&set);
		return error_set(error, err, "its files cannot be written");
	}
	kept->late |= has_manager_files(system, &set);
	file_set_keep(&set);
	if (!kept->late)
		return 0;
	if (runs) {
		err = ip_stack_release(&stack, system, rtnl, manager, adapter, clock_left(end) / 2);
		if (err)
			error_set(error, err, "what is stacked on the adapter cannot be read: %s",
				  strerror(-err));
		else
			err = manager->notify(system, adapter, true, clock_left(end), error);
		ip_stack_return(&stack, system, rtnl, manager, clock_left(end));
	}
	kept->late = err != 0;
	return err ? err : 1;
}

/* The manager's files, made again. */
static int renew_files(const struct ip_system *system, struct rtnl *rtnl,
		       const struct ip_plan *plan, const struct ip_manager *manager,
		       struct ip_kept *kept, struct error *error)
{
	struct ip_files files = { 0 };
	int ret = ip_change_compile(system, plan, manager, &files, error);

	if (!ret)
		ret = use_files(system, rtnl, &plan->adapter, manager, &files, kept, error);
	if (ret > 0)
		log_notice("%s: renewed the files of %s", plan->adapter.name, manager->name);
	ip_files_free(&files);
	return ret < 0 ? ret : 0;
}

/* Another adapter may have what the manager's files name. */
static bool find_other(const struct ip_system *system, struct rtnl *rtnl,
		       const struct ip_manager *manager, const struct adapter *gone,
		       struct adapter *other)
{
	return !(manager->matches_mac ? adapter_find(system->root, rtnl, gone->mac, other) :
		 adapter_find_name(system->root, rtnl, gone->name, other));
}

static int withdraw_files(const struct ip_system *system, struct rtnl *rtnl,
			  const struct ip_record *record, struct ip_kept *kept,
			  struct error *error)
{
	const struct ip_manager *manager = ip_manager_named(record->manager);
	struct ip_files files = { 0 };
	struct adapter other;
	int ret;

	if (!manager || manager->matches_instance ||
	    !find_other(system, rtnl, manager, &record->plan.adapter, &other))
		return 0;
	ip_manager_revert(manager, system, record, kept->key, &files);
	ret = use_files(system, rtnl, &other, manager, &files, kept, error);
	if (ret > 0)
		log_notice("%s is another adapter now: withdrew the files of %s for %s",
			   other.name, manager->name, kept->key);
	ip_files_free(&files);
	return ret < 0 ? ret : 0;
}

static int keep_record(const struct ip_system *system, struct rtnl *rtnl,
		       const struct ip_record *record, struct ip_kept *kept, struct error *error)
{
	const struct ip_manager *manager = ip_manager_find(system, &record->plan.adapter);

	if (!strcmp(record->manager, IP_RECORD_OWN) && !manager)
		return set_addresses(system, rtnl, &record->plan, error);
	if (manager && !strcmp(manager->name, record->manager))
		return renew_files(system, rtnl, &record->plan, manager, kept, error);
	if (manager)
		log_notice("%s is managed by %s now: what the host has set is not kept until the host sets it again",
			   record->plan.adapter.name, manager->name);
	else
		log_notice("%s: %s does not manage it any longer: what the host has set is not kept until the host sets it again",
			   record->plan.adapter.name, record->manager);
	return 0;
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

/* Is it time to try again what has failed? */
static bool is_due(const struct ip_kept *kept)
{
	return kept->failed && clock_ms() >= kept->again;
}

static void note_result(const struct ip_keep *keep, struct ip_kept *kept, int err)
{
	kept->failed = err != 0;
	kept->again = clock_ms() + keep->again_ms;
}

/* Its adapter is not there. */
static void update_gone(const struct ip_keep *keep, struct rtnl *rtnl,
			const struct ip_record *record, struct ip_kept *kept)
{
	struct error error;
	int err;

	/* It was there until now: what has failed then is another matter. */
	kept->failed &= !kept->index;
	kept->index = 0;
	if (!record->plan.adapter.guid[0] || (kept->failed && !is_due(kept)))
		return;
	err = withdraw_files(keep->system, rtnl, record, kept, &error);
	if (err)
		log_err("%s: what the host has set is not withdrawn from the adapter in its place: %s",
			kept->key, error.text);
	note_result(keep, kept, err);
}

/* @is_new: the host has set it a moment ago, and with it the addresses. */
static void update_here(const struct ip_keep *keep, struct rtnl *rtnl, struct ip_record *record,
			const struct adapter *adapter, struct ip_kept *kept, bool is_new)
{
	struct error error;
	int err;

	/* The bridge or bond comes later in a boot; what is in it must not get its addresses. */
	if (record->plan.adapter.is_master && !adapter->is_master) {
		if (!kept->waits)
			log_notice("%s: what the host has set is for the %s %s, and waits for it",
				   adapter->name, record->plan.adapter.kind,
				   record->plan.adapter.name);
		kept->waits = true;
		kept->index = 0;
		return;
	}
	kept->waits = false;
	if (kept->index == adapter->index && !strcmp(kept->name, adapter->name) && !is_due(kept))
		return;
	kept->index = adapter->index;
	strcpy(kept->name, adapter->name);
	record->plan.adapter = *adapter;
	err = is_new ? 0 : keep_record(keep->system, rtnl, record, kept, &error);
	if (err)
		log_err("%s: what the host has set is not kept: %s", adapter->name, error.text);
	note_result(keep, kept, err);
}

static void update_record(const char *key, void *data)
{
	struct ip_keep *keep = data;
	const struct ip_system *system = keep->system;
	unsigned int before = keep->count;
	struct ip_kept *kept = find_kept(keep, key);
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
	if (err == -ENOENT)
		update_gone(keep, &rtnl, &record, kept);
	else if (err)
		log_err("%s/ip-%s.conf: %s", system->state_dir, key, strerror(-err));
	else
		update_here(keep, &rtnl, &record, &adapter, kept, is_new);
	rtnl_close(&rtnl);
}

void ip_keep_update(struct ip_keep *keep)
{
	struct error error;
	int lock = ip_lock(keep->system, IP_LOCK_MS, &error);

	if (lock < 0) {
		log_err("what the host has set is not kept: %s", error.text);
		return;
	}
	ip_inherit(keep->system);
	ip_record_each(keep->system, IP_RECORD_SYSTEM, update_record, keep);
	keep->started = true;
	ip_unlock(lock);
}
