// SPDX-License-Identifier: GPL-2.0-only
/*
 * Managers that are recognised, and refused.
 */
#include "ip/manager/others.h"
#include "ip/system.h"
#include "util/sysroot.h"

#define USE_SCRIPT " manages the adapter and is not supported: set addresses by a script, " \
		   "see --set-ip in hvkvpd(8)"

static bool has_wicked(const struct ip_system *system, const struct adapter *adapter)
{
	(void)adapter;
	return ip_unit_enabled(system, "wicked.service") ||
	       sysroot_exists(system->root, "/run/wicked");
}

const struct ip_manager ip_wicked = {
	.name = "wicked", .in_charge = has_wicked, .refusal = "wicked" USE_SCRIPT,
};

/* The scripts of RHEL 7 and before; NetworkManager, which reads them too, was asked first. */
static bool has_ifcfg(const struct ip_system *system, const struct adapter *adapter)
{
	return sysroot_exists(system->root, "/etc/sysconfig/network-scripts/ifcfg-%s",
			      adapter->name);
}

const struct ip_manager ip_ifcfg = {
	.name = "network-scripts", .in_charge = has_ifcfg, .refusal = "ifcfg" USE_SCRIPT,
};
