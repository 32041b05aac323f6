// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carrying out a plan: kernel, files and network manager, as one change.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "ip/apply.h"
#include "ip/dns.h"
#include "ip/get.h"
#include "ip/manager/manager.h"
#include "ip/record.h"
#include "ip/set.h"
#include "ip/site.h"
#include "ip/snapshot.h"
#include "ip/system.h"
#include "net/rtnl.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"
#include "util/sysroot.h"

/* What the site's script may take, at most. */
#define SITE_MS 20000

/* What a program that sets name servers may take. */
#define DNS_MS 5000

/* ifupdown's mapping wants a program. Two lines of shell, for ifup(8) to run. */
#define MAP_PATH "/etc/network/hvkvpd-map"
static const char map_script[] =
	"#!/bin/sh\n# Names the logical interface of hvkvpd's for ifup; see interfaces.d/hvkvpd-*.\n"
	"echo \"hvkvpd-$1\"\n";

static unsigned int smaller(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static const char *write_files(const struct ip_system *system, const struct ip_plan *plan,
			       const struct ip_manager *manager, struct file_set *files)
{
	char path[SYSROOT_PATH_SIZE];
	int err = 0;

	if (manager == &ip_ifupdown)
		err = file_set_write(files, sysroot_path(system->root, path, MAP_PATH), 0755, map_script,
				     sizeof(map_script) - 1);
	if (!err && manager)
		err = ip_manager_write(manager, system, plan, files);
	if (!err)
		err = ip_record_write(system, plan, manager ? manager->name : IP_RECORD_OWN, files);
	return err ? "its files cannot be written" : NULL;
}

static void set_dns(const struct ip_system *system, const struct ip_plan *plan,
		    const struct ip_manager *manager, unsigned int left_ms)
{
	const char *why;

	if (manager && (!manager->keeps_dns || manager->keeps_dns(system)))
		return;
	why = ip_dns_set(system, &plan->adapter, &plan->config, smaller(left_ms, DNS_MS));
	if (why)
		log_warn("%s: its name servers are not set: %s", plan->adapter.name, why);
}

static bool wants_dhcp(const struct ip_plan *plan)
{
	for (int family = 0; family < IP_FAMILIES; family++)
		if (plan->change & ip_family_bit(family) && plan->mode[family] == IP_MODE_AUTO)
			return true;
	return false;
}

/* A manager that failed may have removed what was set before. */
static const char *apply_again(struct rtnl *rtnl, const struct ip_plan *plan,
			       unsigned int settle_ms)
{
	struct ip_snapshot now;
	const char *why;
	int err;

	err = ip_snapshot_take(&now, rtnl, &plan->adapter, HVKVP_FAMILY_V4 | HVKVP_FAMILY_V6);
	if (err)
		return strerror(-err);
	why = ip_apply(rtnl, plan, &now, settle_ms);
	ip_snapshot_free(&now);
	return why;
}

static const char *tell(const struct ip_system *system, struct rtnl *rtnl,
			const struct ip_plan *plan, const struct ip_manager *manager,
			uint64_t end)
{
	const char *why;

	if (!manager) {
		if (wants_dhcp(plan))
			log_warn("%s shall use DHCP, but no network manager looks after it: start a DHCP client, or install one",
				 plan->adapter.name);
		return NULL;
	}
	/* The rest is for name servers, and for putting everything back. */
	why = manager->tell(system, plan, clock_left(end) / 4 * 3);
	if (!why || wants_dhcp(plan))
		return why;
	log_warn("%s: %s; the addresses are in its files, and are set without it",
		 plan->adapter.name, why);
	return apply_again(rtnl, plan, smaller(clock_left(end) / 2, system->settle_ms));
}

static void report(const struct ip_plan *plan, const char *keeper)
{
	char text[IP_PLAN_VALUE_SIZE];

	for (int family = 0; family < IP_FAMILIES; family++) {
		if (!(plan->change & ip_family_bit(family)))
			continue;
		ip_plan_list(family, &plan->config.by_family[family], IP_LIST_ADDRESSES, " ", text, sizeof(text));
		log_notice("%s: the host has set IPv%d to %s, kept by %s", plan->adapter.name,
			   family == IP_V4 ? 4 : 6,
			   plan->mode[family] == IP_MODE_AUTO ? "automatic (DHCP)" : text, keeper);
	}
}

const char *ip_change(const struct ip_system *system, struct rtnl *rtnl,
		      const struct ip_plan *plan, unsigned int left_ms)
{
	const uint64_t end = clock_ms() + left_ms;
	const struct ip_manager *manager;
	struct ip_snapshot before;
	struct file_set files = { 0 };
	bool told = false;
	const char *why;
	int err;

	switch (ip_site_run(system, plan, smaller(left_ms, SITE_MS))) {
	case IP_SITE_DONE:
		return NULL;
	case IP_SITE_FAILED:
		return "the site's script failed";
	case IP_SITE_NONE:
		break;
	}
	manager = ip_manager_find(system, &plan->adapter);
	err = ip_snapshot_take(&before, rtnl, &plan->adapter, HVKVP_FAMILY_V4 | HVKVP_FAMILY_V6);
	if (err)
		return strerror(-err);
	why = ip_apply(rtnl, plan, &before, smaller(clock_left(end) / 2, system->settle_ms));
	if (!why)
		why = write_files(system, plan, manager, &files);
	if (!why) {
		why = tell(system, rtnl, plan, manager, end);
		told = manager;
	}
	if (why) {
		log_err("%s: %s; putting back what was there", plan->adapter.name, why);
		file_set_restore(&files);
		if (told)
			manager->tell(system, plan, clock_left(end) / 2);
		err = ip_snapshot_restore(&before, rtnl);
		if (err)
			log_err("%s: not all could be put back: %s", plan->adapter.name,
				strerror(-err));
	} else {
		file_set_keep(&files);
		set_dns(system, plan, manager, clock_left(end));
		report(plan, manager ? manager->name : "hvkvpd");
	}
	ip_snapshot_free(&before);
	return why;
}

static void reapply(const struct ip_system *system, const char *path)
{
	struct ip_snapshot before;
	struct ip_plan plan;
	struct rtnl rtnl;
	const char *why;
	bool own = false;
	int err = ip_record_read(path, &plan, &own);

	if (err) {
		log_err("%s: %s; remove it, or let the host set the addresses again", path,
			err == -EINVAL ? "is not a record" : strerror(-err));
		return;
	}
	if (!own || !plan.change)
		return;
	rtnl.nl = NULL;
	err = rtnl_open(&rtnl);
	if (!err)
		err = adapter_find(system->root, &rtnl, plan.adapter.mac, &plan.adapter);
	if (!err && ip_manager_find(system, &plan.adapter)) {
		log_notice("%s is looked after by a network manager now: %s is not used",
			   plan.adapter.name, path);
		goto close;
	}
	if (!err)
		err = ip_snapshot_take(&before, &rtnl, &plan.adapter,
				       HVKVP_FAMILY_V4 | HVKVP_FAMILY_V6);
	if (err) {
		log_warn("%s: %s", path, err == -ENOENT ? "there is no such adapter now" :
							  strerror(-err));
		goto close;
	}
	/* Nobody waits for an answer: a duplicate is the kernel's to tell. */
	why = ip_apply(&rtnl, &plan, &before, 0);
	set_dns(system, &plan, NULL, DNS_MS);
	if (why)
		log_err("%s: %s", plan.adapter.name, why);
	else
		report(&plan, "hvkvpd");
	ip_snapshot_free(&before);
close:
	rtnl_close(&rtnl);
}

void ip_change_reapply(const struct ip_system *system)
{
	char folder[SYSROOT_PATH_SIZE], path[SYSROOT_PATH_SIZE];
	struct dirent *entry;
	size_t len;
	DIR *dir;

	dir = opendir(sysroot_path(system->root, folder, "%s", system->state_dir));
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		len = strlen(entry->d_name);
		if (len != strlen("ip-001122334455.conf") || strncmp(entry->d_name, "ip-", 3) ||
		    strcmp(entry->d_name + len - 5, ".conf"))
			continue;
		reapply(system, sysroot_path(system->root, path, "%s/%s", system->state_dir, entry->d_name));
	}
	closedir(dir);
}
