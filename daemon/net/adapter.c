// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which interface does the host mean?
 */
#include <ctype.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/adapter.h"
#include "net/rtnl.h"
#include "util/file.h"
#include "util/sysroot.h"

#define MAC_LEN		6
#define GUID_LEN	36

/**
 * struct link - an interface as the kernel dumps it
 * @adapter: what a caller gets
 * @mac: hardware address; zero if it is not of six bytes
 * @master: index of what it is a member of, 0 if nothing
 * @carries: its members have no addresses of their own (bond, team, bridge)
 */
struct link {
	struct adapter adapter;
	uint8_t mac[MAC_LEN];
	unsigned int master;
	bool carries;
};

/**
 * struct links - all interfaces
 * @link: the array; owned
 * @count: used
 * @room: allocated
 */
struct links {
	struct link *link;
	size_t count;
	size_t room;
};

static void note_kind(const struct nlattr *info, struct link *link)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info) {
		if (mnl_attr_get_type(attr) != IFLA_INFO_KIND ||
		    mnl_attr_validate(attr, MNL_TYPE_STRING) < 0)
			continue;
		snprintf(link->adapter.kind, sizeof(link->adapter.kind), "%s",
			 mnl_attr_get_str(attr));
	}
	link->carries = !strcmp(link->adapter.kind, "bond") ||
			!strcmp(link->adapter.kind, "team") ||
			!strcmp(link->adapter.kind, "bridge");
}

static int note_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *msg = mnl_nlmsg_get_payload(nlh);
	struct links *links = data;
	const struct nlattr *attr;
	struct link *link;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	if (links->count == links->room) {
		size_t room = links->room ? 2 * links->room : 8;
		struct link *grown = realloc(links->link, room * sizeof(*grown));

		if (!grown)
			return MNL_CB_ERROR;
		links->link = grown;
		links->room = room;
	}
	link = &links->link[links->count];
	memset(link, 0, sizeof(*link));
	link->adapter.index = msg->ifi_index;
	link->adapter.flags = msg->ifi_flags;
	mnl_attr_for_each(attr, nlh, sizeof(*msg)) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			snprintf(link->adapter.name, IFNAMSIZ, "%s", mnl_attr_get_str(attr));
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(attr) == MAC_LEN)
				memcpy(link->mac, mnl_attr_get_payload(attr), MAC_LEN);
			break;
		case IFLA_MASTER:
			link->master = mnl_attr_get_u32(attr);
			break;
		case IFLA_LINKINFO:
			note_kind(attr, link);
			break;
		}
	}
	snprintf(link->adapter.mac, ADAPTER_MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x",
		 link->mac[0], link->mac[1], link->mac[2], link->mac[3], link->mac[4], link->mac[5]);
	links->count++;
	return MNL_CB_OK;
}

static void forget_links(void *data)
{
	struct links *links = data;

	links->count = 0;
}

static int load_links(struct rtnl *rtnl, struct links *links)
{
	struct ifinfomsg *msg;
	struct nlmsghdr *nlh = rtnl_begin(rtnl, RTM_GETLINK, NLM_F_DUMP, sizeof(*msg), &msg);

	/* No statistics: they are most of a dump. */
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return rtnl_dump(rtnl, nlh, note_link, links, forget_links);
}

/* Return: whether @id is a MAC address. */
static bool parse_mac(const char *id, uint8_t mac[MAC_LEN])
{
	char separator = isxdigit((unsigned char)id[0]) && isxdigit((unsigned char)id[1]) ?
			 id[2] : 0;

	if (separator != ':' && separator != '-')
		separator = 0;
	for (int i = 0; i < MAC_LEN; i++) {
		char digits[3] = { 0 };

		if (i && separator && *id++ != separator)
			return false;
		if (!isxdigit((unsigned char)id[0]) || !isxdigit((unsigned char)id[1]))
			return false;
		memcpy(digits, id, 2);
		mac[i] = strtoul(digits, NULL, 16);
		id += 2;
	}
	return !*id;
}

/* Return: whether @id is a GUID, which is then in @guid, in lower case and bare. */
static bool parse_guid(const char *id, char guid[GUID_LEN + 1])
{
	bool braces = *id == '{';

	id += braces;
	for (int i = 0; i < GUID_LEN; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? id[i] != '-' : !isxdigit((unsigned char)id[i]))
			return false;
		guid[i] = tolower((unsigned char)id[i]);
	}
	guid[GUID_LEN] = 0;
	return !strcmp(id + GUID_LEN, braces ? "}" : "");
}

/* The base name of a symbolic link in an interface's folder of sysfs. */
static bool link_base(const char *root, const char *name, const char *link,
		      char *base, size_t size)
{
	char path[SYSROOT_PATH_SIZE], target[SYSROOT_PATH_SIZE];
	const char *slash;
	ssize_t len;

	sysroot_path(root, path, "/sys/class/net/%s/%s", name, link);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = 0;
	slash = strrchr(target, '/');
	slash = slash ? slash + 1 : target;
	if (strlen(slash) >= size)
		return false;
	strcpy(base, slash);
	return true;
}

/* The VMBus instance of an interface's device, or "". */
static void read_guid(const char *root, const char *name, char guid[GUID_LEN + 1])
{
	char base[64], path[SYSROOT_PATH_SIZE], text[64];

	guid[0] = 0;
	if (link_base(root, name, "device/subsystem", base, sizeof(base)) && strcmp(base, "vmbus"))
		return;
	if (link_base(root, name, "device", base, sizeof(base)) && parse_guid(base, guid))
		return;
	sysroot_path(root, path, "/sys/class/net/%s/device/device_id", name);
	if (file_read(path, text, sizeof(text)) > 0) {
		text[strcspn(text, "\n")] = 0;
		if (parse_guid(text, guid))
			return;
	}
	guid[0] = 0;
}

static struct link *find_guid(const char *root, const struct links *links,
			      const char *guid)
{
	for (size_t i = 0; i < links->count; i++) {
		char found[GUID_LEN + 1];

		read_guid(root, links->link[i].adapter.name, found);
		if (!strcmp(found, guid))
			return &links->link[i];
	}
	return NULL;
}

/* The smaller the better; see the head of adapter.h. */
static int mac_rank(const char *root, const struct link *link)
{
	char bus[32], device[64];

	if (link_base(root, link->adapter.name, "device/subsystem", bus, sizeof(bus)) &&
	    !strcmp(bus, "vmbus"))
		return 0;
	if (link->master)
		return 3;
	return link_base(root, link->adapter.name, "device", device, sizeof(device)) ? 1 : 2;
}

static struct link *find_mac(const char *root, const struct links *links,
			     const uint8_t mac[MAC_LEN])
{
	struct link *best = NULL;
	int best_rank = 4;

	for (size_t i = 0; i < links->count; i++) {
		struct link *link = &links->link[i];
		int rank;

		if (link->adapter.flags & IFF_LOOPBACK || memcmp(link->mac, mac, MAC_LEN))
			continue;
		rank = mac_rank(root, link);
		if (rank < best_rank) {
			best = link;
			best_rank = rank;
		}
	}
	return best;
}

/* Who has the addresses: the device, or what it is a member of. */
static struct link *follow_master(const struct links *links, struct link *link)
{
	for (size_t i = 0; link->master && i < links->count; i++)
		if (links->link[i].adapter.index == link->master && links->link[i].carries)
			return &links->link[i];
	return link;
}

/* Is it of a kind that carries packets of another interface under its MAC address? */
static bool can_be_stacked(const struct adapter *adapter)
{
	static const char *const kinds[] = {
		"vlan", "bridge", "bond", "team", "openvswitch", "macvlan", "ipvlan",
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(adapter->kind, kinds[i]))
			return true;
	return false;
}

/* Interfaces that are stacked and have the MAC address of @link or @top, but for @top. */
static void note_stacked(const struct links *links, const struct link *link,
			 const struct link *top, struct adapter *adapter)
{
	for (size_t i = 0; i < links->count; i++) {
		const struct link *other = &links->link[i];

		if (other == link || other == top || !can_be_stacked(&other->adapter) ||
		    (memcmp(other->mac, link->mac, MAC_LEN) && memcmp(other->mac, top->mac, MAC_LEN)))
			continue;
		if (adapter->stacked_count < ADAPTER_STACKED_MAX)
			adapter->stacked[adapter->stacked_count++] = other->adapter.index;
	}
}

int adapter_find(const char *root, struct rtnl *rtnl, const char *id,
		 struct adapter *adapter)
{
	static const uint8_t no_mac[MAC_LEN];
	struct links links = { 0 };
	struct link *link = NULL;
	char guid[GUID_LEN + 1];
	uint8_t mac[MAC_LEN];
	bool is_guid = parse_guid(id, guid);
	int err;

	if (!is_guid && (!parse_mac(id, mac) || !memcmp(mac, no_mac, MAC_LEN)))
		return -ENOENT;
	err = load_links(rtnl, &links);
	if (!err) {
		link = is_guid ? find_guid(root, &links, guid) : find_mac(root, &links, mac);
		if (link) {
			struct link *top = follow_master(&links, link);

			*adapter = top->adapter;
			adapter->is_master = top->carries;
			read_guid(root, link->adapter.name, adapter->guid);
			note_stacked(&links, link, top, adapter);
		} else {
			err = -ENOENT;
		}
	}
	free(links.link);
	return err;
}

int adapter_find_name(const char *root, struct rtnl *rtnl, const char *name,
		      struct adapter *adapter)
{
	struct links links = { 0 };
	int err = load_links(rtnl, &links);

	if (!err)
		err = -ENOENT;
	for (size_t i = 0; err == -ENOENT && i < links.count; i++) {
		if (!strcmp(links.link[i].adapter.name, name)) {
			*adapter = links.link[i].adapter;
			adapter->is_master = links.link[i].carries;
			read_guid(root, name, adapter->guid);
			note_stacked(&links, &links.link[i], &links.link[i], adapter);
			err = 0;
		}
	}
	free(links.link);
	return err;
}
