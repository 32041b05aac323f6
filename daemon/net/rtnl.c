// SPDX-License-Identifier: GPL-2.0-only
/*
 * A conversation with the kernel's rtnetlink.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/rtnl.h"

/* A table that changes under each of so many dumps is given up. */
#define DUMP_ATTEMPTS 5

int rtnl_open(struct rtnl *rtnl)
{
	int on = 1, err;

	rtnl->seq = 0;
	rtnl->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!rtnl->nl)
		return -errno;
	if (mnl_socket_bind(rtnl->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		rtnl_close(rtnl);
		return err;
	}
	/* The kernel (4.20 and later) then dumps only what was asked for. */
	mnl_socket_setsockopt(rtnl->nl, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return 0;
}

void rtnl_close(struct rtnl *rtnl)
{
	if (rtnl->nl)
		mnl_socket_close(rtnl->nl);
	rtnl->nl = NULL;
}

struct nlmsghdr *rtnl_begin(struct rtnl *rtnl, uint16_t type, uint16_t flags,
			    size_t extra_size, void *extra)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(rtnl->request);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	*(void **)extra = mnl_nlmsg_put_extra_header(nlh, extra_size);
	return nlh;
}

static int exchange(struct rtnl *rtnl, struct nlmsghdr *nlh, mnl_cb_t note, void *data)
{
	unsigned int port = mnl_socket_get_portid(rtnl->nl);
	ssize_t len;
	int ret;

	nlh->nlmsg_seq = ++rtnl->seq;
	if (mnl_socket_sendto(rtnl->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		len = mnl_socket_recvfrom(rtnl->nl, rtnl->buffer, sizeof(rtnl->buffer));
		if (len < 0 && errno == EINTR) {
			ret = MNL_CB_OK;
			continue;
		}
		if (len <= 0)
			return len ? -errno : -EIO;
		errno = 0;
		ret = mnl_cb_run(rtnl->buffer, len, rtnl->seq, port, note, data);
	} while (ret > MNL_CB_STOP);
	return ret < 0 ? -(errno ? errno : EIO) : 0;
}

int rtnl_dump(struct rtnl *rtnl, struct nlmsghdr *nlh, mnl_cb_t note, void *data,
	      void (*restart)(void *data))
{
	if (!rtnl->nl)
		return -ENOTCONN;
	for (int attempt = 1; ; attempt++) {
		int err;

		if (restart)
			restart(data);
		err = exchange(rtnl, nlh, note, data);
		if (!err)
			return 0;
		/* What is left of the dump goes with its socket. */
		rtnl_close(rtnl);
		if (err != -EINTR || attempt == DUMP_ATTEMPTS || rtnl_open(rtnl))
			return err;
	}
}

int rtnl_change(struct rtnl *rtnl, struct nlmsghdr *nlh)
{
	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	return exchange(rtnl, nlh, NULL, NULL);
}

static uint32_t left_of(uint32_t seconds, uint32_t elapsed_s)
{
	if (seconds == UINT32_MAX)
		return seconds;
	return seconds > elapsed_s ? seconds - elapsed_s : 1;
}

static void fix_address(struct nlmsghdr *nlh, uint32_t elapsed_s)
{
	const struct ifaddrmsg *msg = mnl_nlmsg_get_payload(nlh);
	struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(*msg)) {
		struct ifa_cacheinfo *info = mnl_attr_get_payload(attr);

		if (mnl_attr_get_type(attr) == IFA_FLAGS && msg->ifa_family == AF_INET6)
			*(uint32_t *)mnl_attr_get_payload(attr) |= IFA_F_NODAD;
		if (mnl_attr_get_type(attr) == IFA_CACHEINFO &&
		    mnl_attr_get_payload_len(attr) >= sizeof(*info)) {
			/* A preferred lifetime of zero is a deprecated address. */
			if (info->ifa_prefered)
				info->ifa_prefered = left_of(info->ifa_prefered, elapsed_s);
			info->ifa_valid = left_of(info->ifa_valid, elapsed_s);
		}
	}
}

static void fix_route(struct nlmsghdr *nlh, uint32_t elapsed_s)
{
	struct rtmsg *msg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	uint32_t expires = 0;

	/* The others are a state, and are refused. */
	msg->rtm_flags &= RTNH_F_ONLINK | RTNH_F_PERVASIVE;
	mnl_attr_for_each(attr, nlh, sizeof(*msg)) {
		const struct rta_cacheinfo *info = mnl_attr_get_payload(attr);

		if (mnl_attr_get_type(attr) == RTA_CACHEINFO &&
		    mnl_attr_get_payload_len(attr) >= sizeof(*info) && (int)info->rta_expires > 0)
			expires = info->rta_expires / sysconf(_SC_CLK_TCK) + 1;
	}
	if (expires && msg->rtm_family == AF_INET6)
		mnl_attr_put_u32(nlh, RTA_EXPIRES, left_of(expires, elapsed_s));
}

int rtnl_resend(struct rtnl *rtnl, const struct nlmsghdr *from, uint16_t type, uint16_t flags,
		uint32_t elapsed_s)
{
	struct nlmsghdr *nlh = (void *)rtnl->request;

	/* Room for one attribute more. */
	if (from->nlmsg_len + 16 > sizeof(rtnl->request))
		return -EMSGSIZE;
	memcpy(nlh, from, from->nlmsg_len);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	nlh->nlmsg_pid = 0;
	if (type == RTM_NEWADDR)
		fix_address(nlh, elapsed_s);
	else if (type == RTM_NEWROUTE)
		fix_route(nlh, elapsed_s);
	return rtnl_change(rtnl, nlh);
}
