/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An adapter's name servers, from the files of whoever resolves names here
 *
 * In this order, the first that names a server:
 *   1. /run/systemd/resolve/netif/N   what was pushed to systemd-resolved for
 *      the interface of index N, as NetworkManager and resolvectl(1) do
 *   2. /run/systemd/netif/links/N     what systemd-networkd has for it
 *   3. /etc/resolv.conf               our own part of it for the interface,
 *      else all of it
 *   4. /run/systemd/resolve/resolv.conf, when 3 names nothing but the stub
 *      resolver of this machine
 *
 * The files are read as resolv.conf(5) says; res_ninit(3) is not used, because
 * it keeps but three servers, and IPv6 ones only in fields that glibc calls
 * private, and because a test must have a root of its own.
 */
#ifndef HVKVP_IP_DNS_H
#define HVKVP_IP_DNS_H

#include "wire/ip_config.h"

struct adapter;
struct error;
struct ip_system;

/* Around our part of resolv.conf; %s is the interface. */
#define IP_DNS_BEGIN	"# hvkvpd: name servers of %s, set by the host\n"
#define IP_DNS_END	"# hvkvpd: end of %s\n"

/**
 * ip_dns_read() - the name servers
 * @system: the machine
 * @adapter: of whom
 * @config: gets the name servers of both families, at most 64 of each
 */
void ip_dns_read(const struct ip_system *system, const struct adapter *adapter,
		 struct ip_config *config);

/**
 * ip_dns_parse() - the name servers of a resolv.conf
 * @text: the file
 * @config: gets them, behind those that are there
 */
void ip_dns_parse(const char *text, struct ip_config *config);

/**
 * ip_dns_set() - set an adapter's name servers where no network manager does
 * @system: the machine
 * @adapter: whose
 * @config: the name servers
 * @limit_ms: how long it may take
 * @error: gets the reason of a failure
 *
 * By resolvectl(1) where systemd-resolved runs, by resolvconf(8) where that is
 * installed, else in a part of /etc/resolv.conf of our own, in front of the
 * user's servers, which stay. Without servers our part goes.
 *
 * Return: 0, or -errno.
 */
int ip_dns_set(const struct ip_system *system, const struct adapter *adapter,
	       const struct ip_config *config, unsigned int limit_ms, struct error *error);

/**
 * ip_dns_resolvconf() - resolvconf(8), where a package of its own brings it
 * @system: the machine
 *
 * Return: its path, without the root; NULL if there is none.
 */
const char *ip_dns_resolvconf(const struct ip_system *system);

#endif /* HVKVP_IP_DNS_H */
