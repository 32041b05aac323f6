// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carrying out a plan: kernel, files and network manager, as one change.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "ip/apply.h"
#include "ip/budget.h"
#include "ip/dhcp.h"
#include "ip/dns.h"
#include "ip/manager/manager.h"
#include "ip/record.h"
#include "ip/set.h"
#include "ip/site.h"
#include "ip/snapshot.h"
#include "ip/stack.h"
#include "ip/system.h"
#include "net/rtnl.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

/* How often to ask whether a manager has taken a configuration. */
#define LOOK_MS 100

/* A manager that kept the adapter before must not do so any longer. */
static void revert_former(const struct ip_system *system, const struct ip_plan *plan,
			  const struct ip_manager *manager, struct ip_files *files)
{
	char key[IP_RECORD_KEY_SIZE];
	const struct ip_manager *former;
	struct ip_record record;

	if (ip_record_find(system, &plan->adapter, &record))
		return;
	former = ip_manager_named(record.manager);
	if (former && former != manager)
		ip_manager_revert(former, system, &record, ip_record_key(&plan->adapter, key), files);
}

int ip_change_compile(const struct ip_system *system, const struct ip_plan *plan,
		      const struct ip_manager *manager, struct ip_files *files,
		      struct error *error)
{
	int err = 0;

	if (manager && !manager->compile)
		return error_set(error, -EOPNOTSUPP, "%s", manager->refusal);
	if (!manager && ip_plan_wants_dhcp(plan) && !ip_dhcp_runs(system, &plan->adapter))
		return error_set(error, -EOPNOTSUPP,
				 "DHCP is requested, but no network manager and no DHCP client is in charge of the adapter: install one");
	/* First: both may have the record's file of what was there before. */
	revert_former(system, plan, manager, files);
	if (manager)
		err = manager->compile(system, plan, files, error);
	if (err)
		return err;
	ip_record_compile(system, plan, ip_manager_name(manager), files);
	return 0;
}

void ip_set_dns(const struct ip_system *system, const struct ip_plan *plan,
		const struct ip_manager *manager, unsigned int left_ms)
{
	const struct ip_config none = { 0 };
	struct error error;

	if ((!plan->dns && !plan->dns_before) || (manager && manager->keeps_dns(system)))
		return;
	if (ip_dns_set(system, &plan->adapter, plan->dns ? &plan->config : &none,
		       ip_budget(left_ms, IP_DNS_MS), &error))
		log_warn("%s: its name servers are not set: %s", plan->adapter.name, error.text);
}

void ip_change_report(const struct ip_plan *plan, const char *keeper)
{
	char text[IP_PLAN_VALUE_SIZE];

	for (int family = 0; family < IP_FAMILIES; family++) {
		if (!(plan->change & ip_family_bit(family)))
			continue;
		ip_plan_list(family, &plan->config.by_family[family], IP_LIST_ADDRESSES, " ", text,
			     sizeof(text));
		log_notice("%s: the host has set IPv%d to %s, kept by %s", plan->adapter.name,
			   family == IP_V4 ? 4 : 6,
			   plan->mode[family] == IP_MODE_AUTO ? "automatic (DHCP)" : text, keeper);
	}
}

/* Until the manager uses the files, and the addresses are there; it may take them away first. */
static int await(const struct ip_system *system, struct rtnl *rtnl, const struct ip_plan *plan,
		 const struct ip_manager *manager, uint64_t end, struct error *error)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
	int err;

	for (;;) {
		if (!manager->accepted(system, &plan->adapter))
			err = error_set(error, -EREMOTEIO,
					"the network manager does not use the new configuration");
		else
			err = ip_apply_check(rtnl, plan, error);
		if (!err || !clock_left(end))
			return err;
		nanosleep(&pause, NULL);
	}
}

/* Write the files, and make the manager use them. */
static int hand_over(const struct ip_system *system, struct rtnl *rtnl, struct ip_plan *plan,
		     const struct ip_manager *manager, const struct ip_files *files,
		     struct file_set *set, struct ip_stack *stack, bool runs, uint64_t end,
		     struct error *error)
{
	const uint64_t until = clock_ms() + ip_budget_manager(clock_left(end));
	int err = runs ? ip_stack_release(stack, system, rtnl, manager, &plan->adapter,
					  clock_left(until)) : 0;

	if (err)
		return error_set(error, err, "what is stacked on the adapter cannot be read: %s",
				 strerror(-err));
	err = ip_files_write(files, system, set);
	if (err)
		return error_set(error, err, "its files cannot be written");
	if (!runs)
		return 0;
	err = manager->notify(system, &plan->adapter, ip_plan_wants_dhcp(plan), clock_left(until),
			      error);
	if (err)
		return err;
	ip_stack_find(system, rtnl, &plan->adapter);
	ip_stack_return(stack, system, rtnl, manager, clock_left(until));
	return await(system, rtnl, plan, manager, until, error);
}

static void roll_back(const struct ip_system *system, struct rtnl *rtnl,
		      struct ip_plan *plan, const struct ip_manager *manager,
		      struct ip_snapshot *before, struct file_set *set,
		      struct ip_stack *stack, bool runs, uint64_t end)
{
	bool written = set->count;
	struct error error;
	int err;

	file_set_restore(set);
	if (runs && (written || manager->release))
		manager->notify(system, &plan->adapter, true, clock_left(end) / 2, &error);
	if (stack->count) {
		ip_stack_find(system, rtnl, &plan->adapter);
		ip_snapshot_move(before, plan->adapter.index);
	}
	err = ip_snapshot_restore(before, system, rtnl);
	if (err)
		log_err("%s: not everything could be rolled back: %s", plan->adapter.name,
			strerror(-err));
	ip_stack_return(stack, system, rtnl, manager, clock_left(end));
}

static int change(const struct ip_system *system, struct rtnl *rtnl, struct ip_plan *plan,
		  const struct ip_manager *manager, const struct ip_files *files, uint64_t end,
		  struct error *error)
{
	int runs = manager ? manager->running(system, &plan->adapter, error) : 0, err;
	struct file_set set = { 0 };
	struct ip_stack stack = { .count = 0 };
	struct ip_snapshot before;

	if (runs < 0)
		return runs;
	err = ip_snapshot_take(&before, rtnl, &plan->adapter, HVKVP_FAMILY_V4 | HVKVP_FAMILY_V6);
	if (err)
		return error_set(error, err, "the adapter's state cannot be read: %s", strerror(-err));
	err = ip_apply(system, rtnl, plan, &before,
		       ip_budget_settle(clock_left(end), system->settle_ms), error);
	if (!err)
		err = hand_over(system, rtnl, plan, manager, files, &set, &stack, runs, end,
				error);
	if (err) {
		log_err("%s: %s; rolling back", plan->adapter.name, error->text);
		roll_back(system, rtnl, plan, manager, &before, &set, &stack, runs, end);
	} else {
		file_set_keep(&set);
		ip_set_dns(system, plan, manager, clock_left(end));
		if (manager && !runs)
			log_notice("%s: %s does not run yet, and will use its new files when it starts",
				   plan->adapter.name, manager->name);
		ip_change_report(plan, ip_manager_name(manager));
	}
	ip_snapshot_free(&before);
	return err;
}

int ip_change(const struct ip_system *system, struct rtnl *rtnl, struct ip_plan *plan,
	      unsigned int left_ms, struct error *error)
{
	const uint64_t end = clock_ms() + left_ms;
	const struct ip_manager *manager;
	struct ip_files files = { 0 };
	char script[SYSROOT_PATH_SIZE];
	int err;

	if (system->early && ip_site_exists(system, script))
		return error_set(error, -EBUSY,
				 "%s sets addresses here, and the system is still starting; set them again later",
				 script);
	switch (ip_site_run(system, plan, ip_budget(left_ms, IP_SITE_MS))) {
	case IP_SITE_DONE:
		return 0;
	case IP_SITE_FAILED:
		return error_set(error, -EREMOTEIO, "the site's script failed");
	case IP_SITE_NONE:
		break;
	}
	manager = ip_manager_find(system, &plan->adapter);
	err = ip_change_compile(system, plan, manager, &files, error);
	if (!err)
		err = change(system, rtnl, plan, manager, &files, end, error);
	ip_files_free(&files);
	return err;
}
