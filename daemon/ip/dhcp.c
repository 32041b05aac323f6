// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does an adapter get its addresses by DHCP?
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "ip/dhcp.h"
#include "ip/system.h"
#include "net/adapter.h"
#include "util/file.h"
#include "util/sysroot.h"

/* A client's process id file; a file that its process left behind does not count. */
static bool is_running(const char *path)
{
	char text[32];
	long pid;

	if (file_read(path, text, sizeof(text)) <= 0)
		return false;
	pid = strtol(text, NULL, 10);
	return pid > 1 && (!kill(pid, 0) || errno == EPERM);
}

bool ip_dhcp_runs(const struct ip_system *system, const struct adapter *adapter)
{
	const char *name = adapter->name;
	char path[SYSROOT_PATH_SIZE];

	return sysroot_exists(system->root, "/run/systemd/netif/leases/%u", adapter->index) ||
	       is_running(sysroot_path(system->root, path, "/run/dhclient.%s.pid", name)) ||
	       is_running(sysroot_path(system->root, path, "/run/dhclient-%s.pid", name)) ||
	       is_running(sysroot_path(system->root, path, "/run/dhcpcd/%s.pid", name)) ||
	       is_running(sysroot_path(system->root, path, "/run/dhcpcd-%s.pid", name)) ||
	       is_running(sysroot_path(system->root, path, "/run/udhcpc.%s.pid", name));
}
