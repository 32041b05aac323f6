/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does an adapter get its addresses by DHCP?
 */
#ifndef HVKVP_IP_DHCP_H
#define HVKVP_IP_DHCP_H

#include <stdbool.h>

struct adapter;
struct ip_system;

/**
 * ip_dhcp_runs() - does a DHCP client look after this adapter?
 * @system: the machine
 * @adapter: of whom
 *
 * Told by systemd-networkd's lease file, and by the process id files of dhclient,
 * dhcpcd and udhcpc whose process lives. It says nothing of NetworkManager's own
 * client, and need not: addresses that it sets have an end, which the kernel
 * tells, and so have those of all but udhcpc.
 */
bool ip_dhcp_runs(const struct ip_system *system, const struct adapter *adapter);

#endif /* HVKVP_IP_DHCP_H */
