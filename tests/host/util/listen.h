/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listen.h - a socket for one client on this machine
 */
#ifndef HOST_LISTEN_H
#define HOST_LISTEN_H

#include <stddef.h>

/**
 * listen_on() - listen
 * @where: a TCP port of the loopback interface, or the path of a Unix socket, which has a "/"
 *	in it; an old socket there is replaced
 * @err: receives one line on failure
 *
 * Return: a descriptor, or -errno.
 */
int listen_on(const char *where, char *err, size_t errlen);

#endif
