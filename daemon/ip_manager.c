// SPDX-License-Identifier: GPL-2.0-only
/*
 * Network managers: which one, and what they have in common.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "ip_file.h"
#include "ip_manager.h"
#include "ip_system.h"
#include "log.h"
#include "run.h"

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
		     const struct ip_plan *plan, struct ip_files *files)
{
	struct ip_text_buffer buffer = { 0 };
	char path[IP_PATH_SIZE];
	int err = -ENOMEM;

	manager->render(plan, &buffer);
	if (!buffer.failed)
		err = ip_files_write(files, manager->path(system, &plan->adapter, path),
				     manager->mode, buffer.text, buffer.len);
	ip_print_free(&buffer);
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
	char path[IP_PATH_SIZE], limit[64];
	/*
	 * At once, also early in a boot; with our standard input and output, so that what
	 * it says is in our log; and it ends, at once too, when we do not wait any longer.
	 */
	const char *const run[] = {
		"/usr/bin/systemd-run", "--quiet", "--collect", "--wait", "--pipe",
		"--property=DefaultDependencies=no", "--property=KillSignal=SIGKILL", limit,
	};
	const char *words[IP_TOOL_WORDS + sizeof(run) / sizeof(run[0]) + 1];
	bool in_unit = outside && ip_exists(system, "/run/systemd/private") &&
		       ip_exists(system, "%s", run[0]);
	size_t n = 0, from = 0;
	int ret;

	snprintf(limit, sizeof(limit), "--property=RuntimeMaxSec=%ums", unit_ms);
	if (in_unit) {
		for (; n < sizeof(run) / sizeof(run[0]); n++)
			words[n] = run[n];
		words[0] = ip_path(system, path, "%s", run[0]);
	} else {
		words[n++] = ip_path(system, path, "%s", argv[from++]);
	}
	while (argv[from] && from < IP_TOOL_WORDS)
		words[n++] = argv[from++];
	words[n] = NULL;
	ret = run_program(words, NULL, input, limit_ms);
	if (in_unit && ret > 0 && !clock_left(end))
		ret = -ETIMEDOUT;
	if (ret < 0)
		log_warn("%s %s: %s", argv[0], argv[1] ? argv[1] : "", strerror(-ret));
	else if (ret)
		log_warn("%s %s: exit code %d", argv[0], argv[1] ? argv[1] : "", ret);
	return ret;
}
