// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's switch that disables IPv6 on an interface.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "ip/budget.h"
#include "ip/ipv6.h"
#include "ip/manager/manager.h"
#include "util/file.h"

#define PATH_SIZE 80

static char *switch_path(const char *name, char *path)
{
	snprintf(path, PATH_SIZE, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	return path;
}

bool ip_ipv6_disabled(const char *name)
{
	char path[PATH_SIZE], text[8];

	return file_read(switch_path(name, path), text, sizeof(text)) > 0 && text[0] == '1';
}

int ip_ipv6_disable(const struct ip_system *system, const char *name, bool disable)
{
	const char *text = disable ? "1" : "0";
	char path[PATH_SIZE];
	int fd, err = 0;

	switch_path(name, path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, 1) != 1)
		err = -errno;
	if (fd >= 0)
		close(fd);
	if (err != -EROFS)
		return err;
	err = ip_tool(system, IP_SYSCTL_MS, true, text,
		      (const char *const[]){ "/usr/bin/cp", "/dev/stdin", path, NULL });
	return err > 0 ? -EROFS : err;
}
