/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's network, over rtnetlink
 */
#ifndef HVKVP_FACTS_ADDRESSES_H
#define HVKVP_FACTS_ADDRESSES_H

#include <stddef.h>

/**
 * addresses_text() - the guest's addresses, as text
 * @family: AF_INET or AF_INET6
 * @text: gets the addresses joined by ';', "" if there is none
 * @size: bytes of @text; what does not fit is left off, whole addresses only
 *
 * Addresses of interfaces that are up and not a loopback. IPv6 addresses that
 * are not yet, or never will be, usable (tentative, duplicate) are left out.
 * Link-local IPv6 addresses are included, as in Windows guests, but after
 * all others, because readers often take the first.
 */
void addresses_text(int family, char *text, size_t size);

#endif /* HVKVP_FACTS_ADDRESSES_H */
