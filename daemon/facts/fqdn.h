/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's full name, without asking a name server
 */
#ifndef HVKVP_FACTS_FQDN_H
#define HVKVP_FACTS_FQDN_H

#include <stddef.h>

/**
 * fqdn_get() - host name and domain
 * @root: directory in front of /etc
 * @host: the host name as gethostname(2) gives it; the kernel's "(none)" and systemd's
 *	"localhost" stand for the first word of /etc/hostname
 * @name: gets the full name
 * @size: bytes of @name
 *
 * The first of these that knows: @host itself, if there is a dot in it;
 * /etc/hostname, if it is @host with a domain; /etc/hosts, a name on a line that
 * starts with "@host."; the first "domain" or "search" entry of
 * /etc/resolv.conf. Else it is @host alone.
 */
void fqdn_get(const char *root, const char *host, char *name, size_t size);

#endif /* HVKVP_FACTS_FQDN_H */
