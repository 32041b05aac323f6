// SPDX-License-Identifier: GPL-2.0-only
/*
 * A conversation with the kernel's rtnetlink.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

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
