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
 * Known from systemd-networkd's lease file, and from the process id files of dhclient,
 * dhcpcd and udhcpc, if the process runs. NetworkManager's own client is not found,
 * and need not be: its addresses have a lifetime, which the kernel reports; so have
 * those of all but udhcpc.
 */
bool ip_dhcp_runs(const struct ip_system *system, const struct adapter *adapter);

#endif /* HVKVP_IP_DHCP_H */
