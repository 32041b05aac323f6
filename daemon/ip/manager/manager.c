// SPDX-License-Identifier: GPL-2.0-only
/*
 * Network managers: which one, and what they have in common.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ip/manager/manager.h"
#include "ip/manager/others.h"
#include "ip/system.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/sysroot.h"

/* Those that this was built with, see MANAGERS in daemon/Makefile. */
static const struct ip_manager *const managers[] = {
#ifdef HVKVP_WITH_networkd
	&ip_networkd,
#endif
#ifdef HVKVP_WITH_networkmanager
	&ip_networkmanager,
#endif
#ifdef HVKVP_WITH_connman
	&ip_connman,
#endif
#ifdef HVKVP_WITH_dhcpcd
	&ip_dhcpcd,
#endif
#ifdef HVKVP_WITH_others
	&ip_wicked, &ip_ifcfg,
#endif
	/* Found by its files alone, and so last. */
#ifdef HVKVP_WITH_ifupdown
	&ip_ifupdown,
#endif
	NULL,
};

const struct ip_manager *ip_manager_find(const struct ip_system *system,
					 const struct adapter *adapter)
{
	for (size_t i = 0; managers[i] && !system->early; i++)
		if (managers[i]->in_charge(system, adapter))
			return managers[i];
	return NULL;
}

bool ip_manager_uses_dhcp(const struct ip_system *system, const struct adapter *adapter,
			  bool *dhcp)
{
	/* Few need it, and the others' in_charge() would take longer than all the rest of GET_IP. */
	for (size_t i = 0; managers[i] && !system->early; i++)
		if (managers[i]->uses_dhcp && managers[i]->in_charge(system, adapter)) {
			*dhcp = managers[i]->uses_dhcp(system, adapter);
			return ip_manager_find(system, adapter) == managers[i];
		}
	return false;
}

const struct ip_manager *ip_manager_named(const char *name)
{
	for (size_t i = 0; managers[i]; i++)
		if (!strcmp(managers[i]->name, name))
			return managers[i];
	return NULL;
}

void ip_manager_revert(const struct ip_manager *manager, const struct ip_system *system,
		       const struct ip_record *record, const char *key, struct ip_files *files)
{
	if (manager->revert)
		manager->revert(system, record, key, files);
	if (manager->own)
		ip_files_remove(files, manager->own, key);
}

const char *ip_manager_name(const struct ip_manager *manager)
{
	return manager ? manager->name : IP_RECORD_OWN;
}

const char *ip_tool_path(const struct ip_system *system, const char *name)
{
	static const char *const folders[] = { "/usr/sbin", "/sbin", "/usr/bin", "/bin" };
	static char path[64];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (sysroot_exists(system->root, "%s", path))
			return path;
	}
	return NULL;
}

bool ip_unit_enabled(const struct ip_system *system, const char *unit)
{
	return sysroot_exists(system->root, "/etc/systemd/system/multi-user.target.wants/%s", unit) ||
	       sysroot_exists(system->root, "/etc/systemd/system/network.target.wants/%s", unit);
}

/* What is left out of a list would be set by no one. Return: -E2BIG if there are too many. */
static int copy_words(const char **words, const char *const *argv)
{
	size_t n = 0;

	for (; argv[n]; n++) {
		if (n == IP_TOOL_WORDS)
			return -E2BIG;
		words[n] = argv[n];
	}
	words[n] = NULL;
	return 0;
}

/* systemd puts its own variables in the place of "$NAME" and "${...}"; "$$" is a '$' to it. */
static int escape_dollars(const char **words, char **copies)
{
	for (size_t i = 0; words[i]; i++) {
		char *to = malloc(2 * strlen(words[i]) + 1);

		if (!to)
			return -ENOMEM;
		copies[i] = to;
		for (const char *at = words[i]; *at; at++) {
			*to++ = *at;
			if (*at == '$')
				*to++ = '$';
		}
		*to = 0;
		words[i] = copies[i];
	}
	return 0;
}

int ip_tool(const struct ip_system *system, unsigned int limit_ms, bool outside,
	    const char *input, const char *const *argv)
{
	/* systemd must have ended it before we go on, and starts to count later than we do. */
	const unsigned int unit_ms = limit_ms - limit_ms / 8;
	const uint64_t end = clock_ms() + unit_ms;
	char path[SYSROOT_PATH_SIZE], tool[SYSROOT_PATH_SIZE], limit[64];
	/*
	 * At once, also early in a boot; with our standard input and output, so that its
	 * output is in our log; and it ends, at once too, when we do not wait any longer.
	 */
	const char *const run[] = {
		"/usr/bin/systemd-run", "--quiet", "--collect", "--wait", "--pipe",
		"--property=DefaultDependencies=no", "--property=KillSignal=SIGKILL", limit,
	};
	const char *words[IP_TOOL_WORDS + sizeof(run) / sizeof(run[0]) + 2];
	const char *found = argv[0][0] == '/' ? argv[0] : ip_tool_path(system, argv[0]);
	bool in_unit = outside && sysroot_exists(system->root, "/run/systemd/private") &&
		       sysroot_exists(system->root, "%s", run[0]);
	char *copies[IP_TOOL_WORDS] = { NULL };
	size_t n = 0;
	int ret;

	if (!found) {
		log_warn("%s: no such program", argv[0]);
		return -ENOENT;
	}
	snprintf(tool, sizeof(tool), "%s", found);
	snprintf(limit, sizeof(limit), "--property=RuntimeMaxSec=%ums", unit_ms);
	if (in_unit) {
		for (; n < sizeof(run) / sizeof(run[0]); n++)
			words[n] = run[n];
		words[0] = sysroot_path(system->root, path, "%s", run[0]);
		words[n++] = tool;
	} else {
		words[n++] = sysroot_path(system->root, path, "%s", tool);
	}
	ret = copy_words(words + n, argv + 1);
	if (!ret && in_unit)
		ret = escape_dollars(words + n, copies);
	if (!ret)
		ret = spawn_program(words, NULL, input, limit_ms);
	for (size_t i = 0; i < IP_TOOL_WORDS; i++)
		free(copies[i]);
	if (in_unit && ret > 0 && !clock_left(end))
		ret = -ETIMEDOUT;
	if (ret < 0)
		log_warn("%s %s: %s", tool, argv[1] ? argv[1] : "", strerror(-ret));
	else if (ret)
		log_warn("%s %s: exit code %d", tool, argv[1] ? argv[1] : "", ret);
	return ret;
}

int ip_tool_output(const struct ip_system *system, unsigned int limit_ms, char *text,
		   size_t size, const char *const *argv)
{
	const char *found = ip_tool_path(system, argv[0]), *words[IP_TOOL_WORDS + 2];
	char path[SYSROOT_PATH_SIZE];
	size_t len = 0;
	int ret;

	text[0] = 0;
	if (!found)
		return -ENOENT;
	words[0] = sysroot_path(system->root, path, "%s", found);
	ret = copy_words(words + 1, argv + 1);
	if (!ret)
		ret = spawn_output(words, NULL, limit_ms, -1, text, size - 1, &len);
	text[ret ? 0 : len] = 0;
	return ret;
}
