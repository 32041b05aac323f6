// SPDX-License-Identifier: GPL-2.0-only
/*
 * Network managers: which one, and what they have in common.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ip/manager/manager.h"
#include "ip/system.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/strbuf.h"
#include "util/sysroot.h"

#define IP_TOOL_WORDS 12

const struct ip_manager *ip_manager_find(const struct ip_system *system,
					 const struct adapter *adapter)
{
	/* Netplan before what it writes for; ifupdown is told by its files alone. */
	static const struct ip_manager *const managers[] = {
		&ip_netplan, &ip_networkd, &ip_networkmanager, &ip_ifupdown,
	};

	for (size_t i = 0; i < sizeof(managers) / sizeof(managers[0]); i++)
		if (managers[i]->in_charge(system, adapter))
			return managers[i];
	return NULL;
}

int ip_manager_write(const struct ip_manager *manager, const struct ip_system *system,
		     const struct ip_plan *plan, struct file_set *files)
{
	struct strbuf buffer = { 0 };
	char path[SYSROOT_PATH_SIZE];
	int err = -ENOMEM;

	manager->render(plan, &buffer);
	if (!buffer.failed)
		err = file_set_write(files, manager->path(system, &plan->adapter, path),
				     manager->mode, buffer.text, buffer.len);
	strbuf_free(&buffer);
	if (err)
		log_err("%s: %s", path, strerror(-err));
	return err;
}

char *ip_mac_bare(const struct adapter *adapter, char *bare)
{
	size_t len = 0;

	for (const char *mac = adapter->mac; *mac; mac++)
		if (*mac != ':')
			bare[len++] = *mac;
	bare[len] = 0;
	return bare;
}

int ip_tool(const struct ip_system *system, unsigned int limit_ms, bool outside,
	    const char *input, const char *const *argv)
{
	/* systemd shall have ended it before we go on, and starts to count later than we do. */
	const unsigned int unit_ms = limit_ms - limit_ms / 8;
	const uint64_t end = clock_ms() + unit_ms;
	char path[SYSROOT_PATH_SIZE], limit[64];
	/*
	 * At once, also early in a boot; with our standard input and output, so that what
	 * it says is in our log; and it ends, at once too, when we do not wait any longer.
	 */
	const char *const run[] = {
		"/usr/bin/systemd-run", "--quiet", "--collect", "--wait", "--pipe",
		"--property=DefaultDependencies=no", "--property=KillSignal=SIGKILL", limit,
	};
	const char *words[IP_TOOL_WORDS + sizeof(run) / sizeof(run[0]) + 1];
	bool in_unit = outside && sysroot_exists(system->root, "/run/systemd/private") &&
		       sysroot_exists(system->root, "%s", run[0]);
	size_t n = 0, from = 0;
	int ret;

	snprintf(limit, sizeof(limit), "--property=RuntimeMaxSec=%ums", unit_ms);
	if (in_unit) {
		for (; n < sizeof(run) / sizeof(run[0]); n++)
			words[n] = run[n];
		words[0] = sysroot_path(system->root, path, "%s", run[0]);
	} else {
		words[n++] = sysroot_path(system->root, path, "%s", argv[from++]);
	}
	while (argv[from] && from < IP_TOOL_WORDS)
		words[n++] = argv[from++];
	words[n] = NULL;
	ret = spawn_program(words, NULL, input, limit_ms);
	if (in_unit && ret > 0 && !clock_left(end))
		ret = -ETIMEDOUT;
	if (ret < 0)
		log_warn("%s %s: %s", argv[0], argv[1] ? argv[1] : "", strerror(-ret));
	else if (ret)
		log_warn("%s %s: exit code %d", argv[0], argv[1] ? argv[1] : "", ret);
	return ret;
}
