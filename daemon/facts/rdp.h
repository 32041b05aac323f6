/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a remote desktop can be reached: the addresses at which TCP port 3389 is open
 */
#ifndef HVKVP_FACTS_RDP_H
#define HVKVP_FACTS_RDP_H

#include <stddef.h>

struct facts;

/**
 * rdp_addresses() - the addresses at which an RDP server listens
 * @facts: its root is in front of /proc, and its addresses stand for a wildcard
 * @family: AF_INET or AF_INET6
 * @text: gets the addresses joined by ';', "" if nothing listens; whole addresses only
 * @size: bytes of @text
 *
 * Loopback addresses are left out. A socket that listens at [::] accepts IPv4 too,
 * unless net.ipv6.bindv6only is 1: /proc does not show the option of the socket.
 */
void rdp_addresses(const struct facts *facts, int family, char *text, size_t size);

#endif /* HVKVP_FACTS_RDP_H */
