// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's network, over rtnetlink.
 */
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "facts/addresses.h"
#include "net/rtnl.h"
#include "net/rtnl_address.h"
#include "util/log.h"

/**
 * struct collect - what a dump is turned into
 * @family: wanted
 * @link_local: this pass is for link-local addresses, or for the others
 * @usable: bit per interface index that is up and no loopback; owned
 * @usable_bits: of @usable
 * @text: the list
 * @size: of @text
 * @start: used of @text before this pass
 * @len: used of @text
 * @full: an address did not fit
 */
struct collect {
	int family;
	bool link_local;
	uint8_t *usable;
	size_t usable_bits;
	char *text;
	size_t size;
	size_t start;
	size_t len;
	bool full;
};

static void forget_links(void *data)
{
	struct collect *collect = data;

	free(collect->usable);
	collect->usable = NULL;
	collect->usable_bits = 0;
}

static int note_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);
	struct collect *collect = data;
	size_t index = link->ifi_index;

	if (!(link->ifi_flags & IFF_UP) || link->ifi_flags & IFF_LOOPBACK)
		return MNL_CB_OK;
	if (index >= collect->usable_bits) {
		size_t bits = (index + 1024) & ~(size_t)1023;
		uint8_t *grown = realloc(collect->usable, bits / 8);

		if (!grown)
			return MNL_CB_ERROR;
		memset(grown + collect->usable_bits / 8, 0, (bits - collect->usable_bits) / 8);
		collect->usable = grown;
		collect->usable_bits = bits;
	}
	collect->usable[index / 8] |= 1 << index % 8;
	return MNL_CB_OK;
}

static bool is_usable(const struct collect *collect, size_t index)
{
	return index < collect->usable_bits && collect->usable[index / 8] & 1 << index % 8;
}

static void append(struct collect *collect, const char *address)
{
	size_t len = strlen(address), need = len + (collect->len ? 1 : 0);

	/* Nothing shorter behind it may take its place: the list is cut here. */
	if (collect->full || collect->len + need >= collect->size) {
		collect->full = true;
		return;
	}
	if (collect->len)
		collect->text[collect->len++] = ';';
	memcpy(collect->text + collect->len, address, len + 1);
	collect->len += len;
}

static void forget_addresses(void *data)
{
	struct collect *collect = data;

	collect->len = collect->start;
	collect->text[collect->len] = 0;
	collect->full = false;
}

static int note_address(const struct nlmsghdr *nlh, void *data)
{
	struct collect *collect = data;
	struct rtnl_address address;
	char text[IP_TEXT_SIZE];

	if (rtnl_address(nlh, &address) && ip_af(address.family) == collect->family &&
	    is_usable(collect, address.index) && address.scope < RT_SCOPE_HOST &&
	    !(address.flags & IFA_F_DADFAILED) && !rtnl_address_checked(&address) &&
	    collect->link_local == (address.family == IP_V6 && address.scope == RT_SCOPE_LINK))
		append(collect, inet_ntop(collect->family, address.bytes, text, sizeof(text)));
	return MNL_CB_OK;
}

static int collect_links(struct rtnl *rtnl, struct collect *collect)
{
	struct ifinfomsg *msg;
	struct nlmsghdr *nlh = rtnl_begin(rtnl, RTM_GETLINK, NLM_F_DUMP, sizeof(*msg), &msg);

	return rtnl_dump(rtnl, nlh, note_link, collect, forget_links);
}

static int collect_addresses(struct rtnl *rtnl, struct collect *collect, bool link_local)
{
	struct ifaddrmsg *msg;
	struct nlmsghdr *nlh = rtnl_begin(rtnl, RTM_GETADDR, NLM_F_DUMP, sizeof(*msg), &msg);

	msg->ifa_family = collect->family;
	collect->link_local = link_local;
	collect->start = collect->len;
	return rtnl_dump(rtnl, nlh, note_address, collect, forget_addresses);
}

void addresses_text(int family, char *text, size_t size)
{
	struct collect collect = { .family = family, .text = text, .size = size };
	struct rtnl rtnl;
	int err = rtnl_open(&rtnl);

	text[0] = 0;
	if (!err)
		err = collect_links(&rtnl, &collect);
	if (!err)
		err = collect_addresses(&rtnl, &collect, false);
	if (!err && family == AF_INET6 && !collect.full)
		err = collect_addresses(&rtnl, &collect, true);
	if (err)
		log_warn("cannot get the addresses from the kernel: %s", strerror(-err));
	if (collect.full)
		log_info("not all addresses fit into NetworkAddressIPv%d",
			 family == AF_INET ? 4 : 6);
	rtnl_close(&rtnl);
	free(collect.usable);
}
