// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is stacked on an adapter, while its network manager takes it down.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "ip/manager/manager.h"
#include "ip/stack.h"
#include "ip/system.h"
#include "net/adapter.h"
#include "net/link.h"
#include "net/rtnl.h"
#include "util/clock.h"
#include "util/log.h"

/**
 * struct relation - an interface, and what it depends on
 * @index: its number
 * @lower: of the interface that it is on; 0
 * @master: of the bridge, bond or team that it is in; 0
 * @name: its name
 * @taken: it is in the stack
 */
struct relation {
	unsigned int index;
	unsigned int lower;
	unsigned int master;
	char name[IFNAMSIZ];
	bool taken;
};

/**
 * struct relations - all interfaces
 * @relation: allocated
 * @count: of them
 * @room: of them in @relation
 */
struct relations {
	struct relation *relation;
	size_t count;
	size_t room;
};

static bool is_veth(const struct nlattr *info)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info)
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			return !strcmp(mnl_attr_get_str(attr), "veth");
	return false;
}

static int note_relation(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *msg = mnl_nlmsg_get_payload(nlh);
	struct relations *relations = data;
	struct relation *relation;
	const struct nlattr *attr;
	bool elsewhere = false;

	if (relations->count == relations->room) {
		size_t room = 2 * relations->room + 32;
		void *grown = realloc(relations->relation, room * sizeof(*relation));

		if (!grown)
			return MNL_CB_ERROR;
		relations->relation = grown;
		relations->room = room;
	}
	relation = &relations->relation[relations->count++];
	*relation = (struct relation){ .index = msg->ifi_index };
	mnl_attr_for_each(attr, nlh, sizeof(*msg)) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			snprintf(relation->name, IFNAMSIZ, "%s", mnl_attr_get_str(attr));
			break;
		case IFLA_LINK:
			relation->lower = mnl_attr_get_u32(attr);
			break;
		case IFLA_MASTER:
			relation->master = mnl_attr_get_u32(attr);
			break;
		case IFLA_LINK_NETNSID:
			elsewhere = true;
			break;
		case IFLA_LINKINFO:
			/* Its peer is beside it, not below. */
			elsewhere |= is_veth(attr);
			break;
		}
	}
	if (elsewhere)
		relation->lower = 0;
	return MNL_CB_OK;
}

static void forget_relations(void *data)
{
	((struct relations *)data)->count = 0;
}

static int load_relations(struct rtnl *rtnl, struct relations *relations)
{
	struct ifinfomsg *msg;
	struct nlmsghdr *nlh = rtnl_begin(rtnl, RTM_GETLINK, NLM_F_DUMP, sizeof(*msg), &msg);

	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return rtnl_dump(rtnl, nlh, note_relation, relations, forget_relations);
}

static const struct relation *find_relation(const struct relations *relations, unsigned int index,
					    const char *name)
{
	for (size_t i = 0; i < relations->count; i++)
		if (name ? !strcmp(relations->relation[i].name, name) :
			   relations->relation[i].index == index)
			return &relations->relation[i];
	return NULL;
}

static int take_one(struct ip_stack *stack, struct rtnl *rtnl, const struct relations *relations,
		    struct relation *relation)
{
	const struct relation *master = find_relation(relations, relation->master, NULL);
	struct ip_stack_entry *entry = &stack->entry[stack->count];
	struct adapter adapter = { .index = relation->index };
	int err;

	if (stack->count == IP_STACK_MAX)
		return -E2BIG;
	relation->taken = true;
	memcpy(adapter.name, relation->name, sizeof(adapter.name));
	err = ip_snapshot_take(&entry->before, rtnl, &adapter, HVKVP_FAMILY_V4 | HVKVP_FAMILY_V6);
	if (err)
		return err;
	entry->index = relation->index;
	snprintf(entry->master, sizeof(entry->master), "%s", master ? master->name : "");
	stack->count++;
	return 0;
}

/* What is on the interface or in it, and the bridge or bond that it is in. */
static int take_next(struct ip_stack *stack, struct rtnl *rtnl, struct relations *relations,
		     unsigned int index)
{
	const struct relation *below = find_relation(relations, index, NULL);
	int err = 0;

	for (size_t i = 0; i < relations->count && !err; i++) {
		struct relation *relation = &relations->relation[i];

		if (!relation->taken && (relation->lower == index || relation->master == index ||
					 (below && below->master == relation->index)))
			err = take_one(stack, rtnl, relations, relation);
	}
	return err;
}

static void forget(struct ip_stack *stack)
{
	for (unsigned int i = 0; i < stack->count; i++)
		ip_snapshot_free(&stack->entry[i].before);
	stack->count = 0;
}

static int take(struct ip_stack *stack, struct rtnl *rtnl, const struct adapter *adapter)
{
	struct relations relations = { 0 };
	int err = load_relations(rtnl, &relations);

	for (size_t i = 0; i < relations.count; i++)
		relations.relation[i].taken = relations.relation[i].index == adapter->index;
	if (!err)
		err = take_next(stack, rtnl, &relations, adapter->index);
	for (unsigned int i = 0; i < stack->count && !err; i++)
		err = take_next(stack, rtnl, &relations, stack->entry[i].index);
	free(relations.relation);
	if (err)
		forget(stack);
	return err;
}

int ip_stack_release(struct ip_stack *stack, const struct ip_system *system, struct rtnl *rtnl,
		     const struct ip_manager *manager, const struct adapter *adapter,
		     unsigned int limit_ms)
{
	int err;

	stack->count = 0;
	if (!manager->release)
		return 0;
	snprintf(stack->adapter, sizeof(stack->adapter), "%s", adapter->name);
	err = take(stack, rtnl, adapter);
	if (!err)
		manager->release(system, adapter, limit_ms);
	return err;
}

void ip_stack_find(const struct ip_system *system, struct rtnl *rtnl, struct adapter *adapter)
{
	struct adapter found;

	if ((rtnl->nl || !rtnl_open(rtnl)) &&
	    !adapter_find_name(system->root, rtnl, adapter->name, &found))
		adapter->index = found.index;
}

/* Into what it was in. A bond takes nothing that is up. */
static int join(struct rtnl *rtnl, const struct relation *relation, const struct relation *master)
{
	int err;

	if (!master)
		return -ENODEV;
	if (relation->master == master->index)
		return 0;
	err = ip_link_set_master(rtnl, relation->index, master->index);
	if (!err)
		return 0;
	err = ip_link_set_up(rtnl, relation->index, false);
	return err ? err : ip_link_set_master(rtnl, relation->index, master->index);
}

static int return_one(struct ip_stack_entry *entry, const struct ip_system *system,
		      struct rtnl *rtnl, const struct ip_manager *manager, uint64_t end)
{
	const struct relation *relation = NULL;
	struct relations relations = { 0 };
	int err = load_relations(rtnl, &relations);

	if (!err)
		relation = find_relation(&relations, 0, entry->before.name);
	if (!err && !relation && manager->revive) {
		manager->revive(system, entry->before.name, clock_left(end));
		err = load_relations(rtnl, &relations);
		relation = find_relation(&relations, 0, entry->before.name);
	}
	if (!err && !relation)
		err = -ENODEV;
	if (!err && entry->master[0])
		err = join(rtnl, relation, find_relation(&relations, 0, entry->master));
	if (!err) {
		ip_snapshot_move(&entry->before, relation->index);
		err = ip_snapshot_restore(&entry->before, system, rtnl);
	}
	free(relations.relation);
	return err;
}

void ip_stack_return(struct ip_stack *stack, const struct ip_system *system, struct rtnl *rtnl,
		     const struct ip_manager *manager, unsigned int limit_ms)
{
	const uint64_t end = clock_ms() + limit_ms;

	for (unsigned int i = 0; i < stack->count; i++) {
		struct ip_stack_entry *entry = &stack->entry[i];
		int err = rtnl->nl ? 0 : rtnl_open(rtnl);

		if (!err)
			err = return_one(entry, system, rtnl, manager, end);
		if (err)
			log_err("%s went with %s and cannot be brought back as it was: %s",
				entry->before.name, stack->adapter, strerror(-err));
	}
	forget(stack);
}
