// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has the network changed?
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/watch.h"
#include "util/clock.h"
#include "util/log.h"

#define UNREST_MS 1000

#define GROUP(number) (1U << ((number) - 1))

void net_watch_init(struct net_watch *watch)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = GROUP(RTNLGRP_LINK) | GROUP(RTNLGRP_IPV4_IFADDR) |
			     GROUP(RTNLGRP_IPV6_IFADDR) | GROUP(RTNLGRP_IPV4_ROUTE) |
			     GROUP(RTNLGRP_IPV6_ROUTE) | GROUP(RTNLGRP_NEXTHOP),
	};

	*watch = (struct net_watch){
		.notifier = {
			.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
				     NETLINK_ROUTE),
			.events = EPOLLIN,
		},
	};
	if (watch->notifier.fd < 0 || bind(watch->notifier.fd, (const void *)&address, sizeof(address))) {
		log_info("no notifications of address changes: %s", strerror(errno));
		net_watch_exit(watch);
	}
}

void net_watch_exit(struct net_watch *watch)
{
	if (watch->notifier.fd >= 0)
		close(watch->notifier.fd);
	watch->notifier.fd = -1;
}

/* What is said does not matter: that something is said does. */
static bool has_changed(struct net_watch *watch)
{
	bool changed = false;
	ssize_t n;
	char byte;

	if (watch->notifier.fd < 0)
		return true;
	if (!notifier_is_pending(&watch->notifier))
		return false;
	do {
		n = recv(watch->notifier.fd, &byte, sizeof(byte), MSG_TRUNC);
		if (n >= 0 || (errno != EAGAIN && errno != EINTR))
			changed = true;
	} while (n >= 0 || errno == ENOBUFS);
	notifier_done(&watch->notifier);
	return changed;
}

unsigned int net_watch_state(struct net_watch *watch)
{
	uint64_t now = clock_ms();

	if (has_changed(watch))
		watch->changed_ms = now;
	else if (now - watch->changed_ms > UNREST_MS && watch->state)
		return watch->state;
	if (!++watch->state)
		watch->state = 1;
	return watch->state;
}

int net_watch_links(void)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK, .nl_groups = GROUP(RTNLGRP_LINK),
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const void *)&address, sizeof(address))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

void net_watch_links_read(int fd)
{
	char byte;

	/* An overflow is one more notification. */
	while (recv(fd, &byte, sizeof(byte), MSG_TRUNC) >= 0 || errno == EINTR ||
	       errno == ENOBUFS)
		;
}
