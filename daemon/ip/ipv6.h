/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's switch that disables IPv6 on an interface
 */
#ifndef HVKVP_IP_IPV6_H
#define HVKVP_IP_IPV6_H

#include <stdbool.h>

struct ip_system;

/**
 * ip_ipv6_disabled() - is IPv6 disabled on an interface?
 * @name: the interface
 *
 * Return: false also where the kernel has no IPv6 at all.
 */
bool ip_ipv6_disabled(const char *name);

/**
 * ip_ipv6_disable() - disable or enable IPv6 on an interface
 * @system: the machine
 * @name: the interface
 * @disable: which of both
 *
 * In the sandbox of hvkvpd's unit /proc/sys cannot be written: there a program that
 * systemd starts outside of it does.
 *
 * Return: 0 or -errno.
 */
int ip_ipv6_disable(const struct ip_system *system, const char *name, bool disable);

#endif /* HVKVP_IP_IPV6_H */
