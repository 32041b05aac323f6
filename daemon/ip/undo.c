// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking back what the host has set.
 */
#include <ctype.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "ip/budget.h"
#include "ip/dns.h"
#include "ip/lock.h"
#include "ip/manager/manager.h"
#include "ip/record.h"
#include "ip/set.h"
#include "ip/snapshot.h"
#include "ip/stack.h"
#include "ip/system.h"
#include "ip/undo.h"
#include "net/link.h"
#include "net/rtnl.h"
#include "net/rtnl_address.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

/* The interface that a record is about now. Return: 0 or -errno. */
static int find_adapter(const struct ip_system *system, struct rtnl *rtnl,
			const struct ip_record *record, struct adapter *adapter)
{
	const struct adapter *recorded = &record->plan.adapter;

	return adapter_find(system->root, rtnl, recorded->guid[0] ? recorded->guid : recorded->mac,
			    adapter);
}

/* As a key: lower case, without braces and separators of a MAC address. */
static void to_key(const char *what, char *key, size_t size)
{
	size_t len = 0;
	bool mac = strlen(what) == ADAPTER_MAC_SIZE - 1;

	for (; *what && len < size - 1; what++)
		if (!strchr("{}", *what) && !(mac && strchr(":-", *what)))
			key[len++] = tolower((unsigned char)*what);
	key[len] = 0;
}

/**
 * struct search - a record that is searched for
 * @system: the machine
 * @rtnl: open
 * @index: the interface, as a number
 * @key: gets the record's key
 * @found: there is one
 */
struct search {
	const struct ip_system *system;
	struct rtnl *rtnl;
	unsigned int index;
	char *key;
	bool found;
};

static void match_record(const char *key, void *data)
{
	struct search *search = data;
	struct ip_record record;
	struct adapter adapter;

	if (!search->found && !ip_record_read(search->system, key, &record) &&
	    !find_adapter(search->system, search->rtnl, &record, &adapter) &&
	    adapter.index == search->index) {
		strcpy(search->key, key);
		search->found = true;
	}
}

/* Which record is meant? Return: 0 or -errno. */
static int find_record(const struct ip_system *system, struct rtnl *rtnl, const char *what,
		       char *key, struct ip_record *record)
{
	struct search search = { .system = system, .rtnl = rtnl, .key = key };
	struct adapter adapter;
	int err;

	to_key(what, key, IP_RECORD_KEY_SIZE);
	err = ip_record_read(system, key, record);
	if (err != -ENOENT)
		return err;
	err = adapter_find_name(system->root, rtnl, what, &adapter);
	if (err == -ENOENT)
		err = adapter_find(system->root, rtnl, what, &adapter);
	if (err)
		return err;
	search.index = adapter.index;
	ip_record_each(system, IP_RECORD_SYSTEM, match_record, &search);
	return search.found ? ip_record_read(system, key, record) : -ENOENT;
}

static bool is_recorded(const struct ip_plan *plan, const struct rtnl_address *address)
{
	const struct ip_family_config *cfg = &plan->config.by_family[address->family];

	for (unsigned int i = 0; ip_plan_keeps_static(plan, address->family) && i < cfg->count; i++)
		if (cfg->address[i].prefix == address->prefix && !address->peer &&
		    !memcmp(cfg->address[i].bytes, address->bytes, ip_len(address->family)))
			return true;
	return false;
}

/* Is it a default route by a gateway of the plan? */
static bool is_recorded_route(const struct ip_plan *plan, const struct nlmsghdr *nlh)
{
	const struct rtmsg *msg = mnl_nlmsg_get_payload(nlh);
	int family = msg->rtm_family == AF_INET ? IP_V4 : IP_V6;
	const struct ip_family_config *cfg = &plan->config.by_family[family];
	const struct nlattr *attr;

	if (msg->rtm_dst_len || msg->rtm_table != RT_TABLE_MAIN ||
	    msg->rtm_protocol != RTPROT_STATIC || !ip_plan_keeps_static(plan, family))
		return false;
	mnl_attr_for_each(attr, nlh, sizeof(*msg))
		for (unsigned int i = 0; mnl_attr_get_type(attr) == RTA_GATEWAY &&
		     mnl_attr_get_payload_len(attr) == ip_len(family) && i < cfg->gateway_count; i++)
			if (!memcmp(mnl_attr_get_payload(attr), cfg->gateway[i], ip_len(family)))
				return true;
	return false;
}

/* Return: 0, or the first -errno. */
static int remove_addresses(struct rtnl *rtnl, const struct ip_plan *plan,
			    const struct ip_snapshot *now, unsigned int index)
{
	const struct nlmsghdr *nlh = NULL;
	struct rtnl_address address;
	int err = 0;

	/* Each may be gone since. */
	while (!err && (nlh = ip_messages_next(&now->routes, nlh))) {
		if (!is_recorded_route(plan, nlh))
			continue;
		err = ip_link_del_route(rtnl, index, nlh);
		if (err == -ESRCH)
			err = 0;
	}
	nlh = NULL;
	while (!err && (nlh = ip_messages_next(&now->addresses, nlh))) {
		if (!rtnl_address(nlh, &address) || !is_recorded(plan, &address))
			continue;
		err = rtnl_resend(rtnl, nlh, RTM_DELADDR, 0, 0);
		if (err == -EADDRNOTAVAIL)
			err = 0;
	}
	return err;
}

/**
 * struct undo - what is being taken back
 * @system: the machine
 * @rtnl: open
 * @manager: who keeps it; NULL for hvkvpd
 * @adapter: whose
 * @here: the adapter is there
 * @runs: so does the manager
 * @end: when the time is up, clock_ms()
 * @set: what files were before
 * @before: what the kernel had
 * @stack: what went with the adapter
 */
struct undo {
	const struct ip_system *system;
	struct rtnl *rtnl;
	const struct ip_manager *manager;
	struct adapter adapter;
	bool here;
	bool runs;
	uint64_t end;
	struct file_set set;
	struct ip_snapshot before;
	struct ip_stack stack;
};

/* Return: false if the kernel's state is not what it was. */
static bool roll_back(struct undo *undo)
{
	struct error error;
	bool as_before;

	file_set_restore(&undo->set);
	/* A manager that has refused the new files still has the old ones. */
	if (undo->runs)
		undo->manager->notify(undo->system, &undo->adapter, true, clock_left(undo->end),
				      &error);
	if (undo->stack.count) {
		ip_stack_find(undo->system, undo->rtnl, &undo->adapter);
		ip_snapshot_move(&undo->before, undo->adapter.index);
	}
	as_before = !undo->here || !ip_snapshot_restore(&undo->before, undo->system, undo->rtnl);
	ip_stack_return(&undo->stack, undo->system, undo->rtnl, undo->manager, clock_left(undo->end));
	return as_before;
}

static int carry_out(struct undo *undo, const struct ip_plan *plan, const struct ip_files *files,
		     struct error *error)
{
	const struct ip_manager *manager = undo->manager;
	const struct adapter *adapter = &undo->adapter;
	/* The rest is for a rollback. */
	const uint64_t until = clock_ms() + ip_budget_manager(clock_left(undo->end));
	int err = undo->runs ? ip_stack_release(&undo->stack, undo->system, undo->rtnl, manager,
						adapter, clock_left(until) / 2) : 0;

	if (err)
		return error_set(error, err, "what is stacked on the adapter cannot be read: %s",
				 strerror(-err));
	err = ip_files_write(files, undo->system, &undo->set);
	if (err)
		return error_set(error, err, "its files cannot be written");
	if (undo->runs) {
		err = manager->notify(undo->system, adapter, true, clock_left(until), error);
		if (!err)
			ip_stack_return(&undo->stack, undo->system, undo->rtnl, manager,
					clock_left(until));
		return err;
	}
	if (undo->here && !manager) {
		err = remove_addresses(undo->rtnl, plan, &undo->before, adapter->index);
		if (err)
			return error_set(error, err, "the host's addresses cannot be removed: %s",
					 strerror(-err));
	}
	return 0;
}

static int take_back(const struct ip_system *system, struct rtnl *rtnl,
		     const struct ip_record *record, const char *key, unsigned int limit_ms)
{
	struct undo undo = {
		.system = system,
		.rtnl = rtnl,
		.manager = ip_manager_named(record->manager),
		.adapter = record->plan.adapter,
		.end = clock_ms() + limit_ms,
	};
	struct ip_plan plan = record->plan;
	struct ip_files files = { 0 };
	struct error error;
	bool as_before = true;
	int err = 0, runs = 0;

	undo.here = !find_adapter(system, rtnl, record, &undo.adapter);
	if (undo.here)
		err = ip_snapshot_take(&undo.before, rtnl, &undo.adapter,
				       HVKVP_FAMILY_V4 | HVKVP_FAMILY_V6);
	if (err) {
		error_set(&error, err, "the adapter's state cannot be read: %s", strerror(-err));
	} else if (undo.here && undo.manager && undo.manager->running) {
		runs = undo.manager->running(system, &undo.adapter, &error);
		err = runs < 0 ? runs : 0;
		undo.runs = runs > 0;
	}
	if (!err) {
		if (undo.manager)
			ip_manager_revert(undo.manager, system, record, key, &files);
		ip_files_remove(&files, "%s/ip-%s.conf", system->state_dir, key);
		err = carry_out(&undo, &plan, &files, &error);
		if (err)
			as_before = roll_back(&undo);
		else
			file_set_keep(&undo.set);
	}
	if (!err && undo.here) {
		plan.adapter = undo.adapter;
		plan.dns_before = plan.dns;
		plan.dns = false;
		ip_set_dns(system, &plan, undo.manager, IP_DNS_MS);
	}
	if (err)
		log_err("%s: %s: %s", undo.adapter.name, error.text, as_before ?
			"nothing has changed" : "not everything could be rolled back");
	if (undo.here)
		ip_snapshot_free(&undo.before);
	ip_files_free(&files);
	return err ? -EREMOTEIO : 0;
}

int ip_undo(const struct ip_system *system, const char *what, unsigned int limit_ms)
{
	char key[IP_RECORD_KEY_SIZE];
	struct rtnl rtnl = { .nl = NULL };
	const uint64_t end = clock_ms() + limit_ms;
	struct ip_record record;
	struct error error;
	int lock = ip_lock(system, limit_ms / 2, &error), err;

	if (lock < 0) {
		log_err("%s", error.text);
		return -EREMOTEIO;
	}
	err = rtnl_open(&rtnl);
	if (!err)
		err = find_record(system, &rtnl, what, key, &record);
	if (!err)
		err = take_back(system, &rtnl, &record, key, clock_left(end));
	rtnl_close(&rtnl);
	ip_unlock(lock);
	return err;
}

/**
 * struct list - a list that is being printed
 * @system: the machine
 * @rtnl: open
 * @out: where to
 */
struct list {
	const struct ip_system *system;
	struct rtnl *rtnl;
	FILE *out;
};

static void print_record(const char *key, void *data)
{
	char text[IP_PLAN_VALUE_SIZE];
	struct list *list = data;
	struct ip_record record;
	struct adapter adapter;

	if (ip_record_read(list->system, key, &record)) {
		fprintf(list->out, "%s invalid record\n", key);
		return;
	}
	fprintf(list->out, "%s %s %s", key,
		find_adapter(list->system, list->rtnl, &record, &adapter) ? "gone" : adapter.name,
		record.manager);
	for (int family = 0; family < IP_FAMILIES; family++) {
		if (!ip_plan_keeps(&record.plan, family))
			continue;
		ip_plan_list(family, &record.plan.config.by_family[family], IP_LIST_ADDRESSES, " ",
			     text, sizeof(text));
		fprintf(list->out, " %s", record.plan.mode[family] == IP_MODE_AUTO ? "dhcp" : text);
	}
	fputc('\n', list->out);
}

void ip_undo_list(const struct ip_system *system, FILE *out)
{
	struct rtnl rtnl = { .nl = NULL };
	struct list list = { .system = system, .rtnl = &rtnl, .out = out };

	if (!rtnl_open(&rtnl))
		ip_record_each(system, IP_RECORD_SYSTEM, print_record, &list);
	rtnl_close(&rtnl);
}
