// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does an adapter get its addresses by DHCP?
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "adapter.h"
#include "ip_dhcp.h"
#include "ip_system.h"

/* A client's process id file; a file that its process left behind does not count. */
static bool lives(const char *path)
{
	char text[32];
	long pid;

	if (ip_slurp(path, text, sizeof(text)) <= 0)
		return false;
	pid = strtol(text, NULL, 10);
	return pid > 1 && (!kill(pid, 0) || errno == EPERM);
}

bool ip_dhcp_runs(const struct ip_system *system, const struct adapter *adapter)
{
	const char *name = adapter->name;
	char path[IP_PATH_SIZE];

	return ip_exists(system, "/run/systemd/netif/leases/%u", adapter->index) ||
	       lives(ip_path(system, path, "/run/dhclient.%s.pid", name)) ||
	       lives(ip_path(system, path, "/run/dhclient-%s.pid", name)) ||
	       lives(ip_path(system, path, "/run/dhcpcd/%s.pid", name)) ||
	       lives(ip_path(system, path, "/run/dhcpcd-%s.pid", name)) ||
	       lives(ip_path(system, path, "/run/udhcpc.%s.pid", name));
}
