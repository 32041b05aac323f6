// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's network, over rtnetlink.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libmnl/libmnl.h>

#include "log.h"
#include "net.h"

/* Dumps are read in pieces of this size, as the kernel likes to make them. */
#define BUFFER_SIZE	32768

/**
 * struct collect - what a dump is turned into
 * @family: wanted
 * @link_local: this pass is for link-local addresses, or for the others
 * @usable: bit per interface index that is up and no loopback; owned
 * @usable_bits: of @usable
 * @text: the list
 * @size: of @text
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
	size_t len;
	bool full;
};

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

static int note_address(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *msg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *address = NULL, *local = NULL;
	struct collect *collect = data;
	uint32_t flags = msg->ifa_flags;
	char text[INET6_ADDRSTRLEN];

	if (msg->ifa_family != collect->family || !is_usable(collect, msg->ifa_index))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*msg)) {
		switch (mnl_attr_get_type(attr)) {
		case IFA_ADDRESS:
			address = attr;
			break;
		case IFA_LOCAL:
			local = attr;
			break;
		case IFA_FLAGS:
			flags = mnl_attr_get_u32(attr);
			break;
		}
	}
	/* On a point-to-point link IFA_ADDRESS is the other end. */
	if (local)
		address = local;
	if (!address || mnl_attr_get_payload_len(address) !=
	    (msg->ifa_family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr)))
		return MNL_CB_OK;
	if (flags & IFA_F_DADFAILED || (flags & IFA_F_TENTATIVE && !(flags & IFA_F_OPTIMISTIC)))
		return MNL_CB_OK;
	if (msg->ifa_scope >= RT_SCOPE_HOST ||
	    collect->link_local != (msg->ifa_family == AF_INET6 &&
				    msg->ifa_scope == RT_SCOPE_LINK))
		return MNL_CB_OK;
	if (inet_ntop(msg->ifa_family, mnl_attr_get_payload(address), text, sizeof(text)))
		append(collect, text);
	return MNL_CB_OK;
}

static int dump(struct mnl_socket *nl, int type, int family, mnl_cb_t note, void *data)
{
	char *buffer = malloc(BUFFER_SIZE);
	unsigned int port = mnl_socket_get_portid(nl);
	unsigned int seq = time(NULL) ^ (type << 8) ^ family;
	struct nlmsghdr *nlh;
	struct rtgenmsg *gen;
	int ret;

	if (!buffer)
		return -1;
	nlh = mnl_nlmsg_put_header(buffer);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	/* The kernel wants the whole header of the family's message, zeroed. */
	gen = mnl_nlmsg_put_extra_header(nlh, type == RTM_GETLINK ? sizeof(struct ifinfomsg) :
					 sizeof(struct ifaddrmsg));
	gen->rtgen_family = family;

	ret = mnl_socket_sendto(nl, nlh, nlh->nlmsg_len);
	while (ret >= 0) {
		ret = mnl_socket_recvfrom(nl, buffer, BUFFER_SIZE);
		if (ret <= 0)
			break;
		ret = mnl_cb_run(buffer, ret, seq, port, note, data);
		if (ret <= MNL_CB_STOP)
			break;
	}
	free(buffer);
	return ret;
}

void net_addresses(int family, char *text, size_t size)
{
	struct collect collect = { .family = family, .text = text, .size = size };
	struct mnl_socket *nl;
	int ret;

	text[0] = 0;
	nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		log_warn("cannot ask the kernel for addresses: %s", strerror(errno));
		goto close;
	}
	ret = dump(nl, RTM_GETLINK, AF_UNSPEC, note_link, &collect);
	if (ret >= 0)
		ret = dump(nl, RTM_GETADDR, family, note_address, &collect);
	if (ret >= 0 && family == AF_INET6) {
		collect.link_local = true;
		ret = dump(nl, RTM_GETADDR, family, note_address, &collect);
	}
	if (ret < 0)
		log_warn("cannot get the addresses from the kernel: %s", strerror(errno));
	if (collect.full)
		log_info("not all addresses fit into NetworkAddressIPv%d",
			 family == AF_INET ? 4 : 6);
close:
	if (nl)
		mnl_socket_close(nl);
	free(collect.usable);
}
