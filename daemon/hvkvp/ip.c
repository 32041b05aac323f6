// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp ip.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "hvkvp/command.h"
#include "ip/budget.h"
#include "ip/describe.h"
#include "ip/system.h"
#include "ip/undo.h"

static int show_interface(const struct ip_system *system, const char *name)
{
	int err = ip_describe_interface(system, name, stdout);

	if (err == -ENOENT)
		return command_fail(EXIT_NOT_FOUND, "no interface is named %s", name);
	return err ? command_fail(EXIT_STORAGE, "%s: %s", name, strerror(-err)) : EXIT_OK;
}

static int show_interfaces(const struct ip_system *system)
{
	struct if_nameindex *list = if_nameindex();
	int ret = EXIT_OK, shown = 0;

	if (!list)
		return command_fail(EXIT_STORAGE, "cannot list the interfaces: %s", strerror(errno));
	for (size_t i = 0; list[i].if_index; i++) {
		if (!strcmp(list[i].if_name, "lo"))
			continue;
		if (shown++)
			putchar('\n');
		ret = show_interface(system, list[i].if_name);
		if (ret)
			break;
	}
	if_freenameindex(list);
	return ret;
}

static int undo(const struct ip_system *system, const char *what)
{
	int err = ip_undo(system, what, IP_UNDO_MS);

	if (err == -ENOENT)
		return command_fail(EXIT_NOT_FOUND, "the host has set nothing for %s; see \"hvkvp ip list\"",
				    what);
	if (err == -EREMOTEIO)
		return command_fail(EXIT_STORAGE, "%s: what the host has set was not taken back; the reason is above",
				    what);
	return err ? command_fail(EXIT_STORAGE, "%s: %s", what, strerror(-err)) : EXIT_OK;
}

int command_ip(struct command *command)
{
	const struct ip_system system = {
		.root = "", .state_dir = command->state_dir, .site_script = command->site_script,
	};
	const char *verb = command->argv[0], *what = command->argv[1];
	char text[128];
	int ret;

	if (!strcmp(verb, "show"))
		return command->argc > 1 ? show_interface(&system, what) :
					   show_interfaces(&system);
	if (!strcmp(verb, "list")) {
		ip_undo_list(&system, stdout);
		return EXIT_OK;
	}
	if (!strcmp(verb, "undo") && command->argc > 1)
		return undo(&system, what);
	if (strcmp(verb, "plan") || command->argc < 2)
		return command_fail(EXIT_USAGE, "ip: needs \"show [INTERFACE]\", \"plan FILE\", \"list\" or \"undo ADAPTER\"");
	ret = ip_describe_body(&system, command->ip_policy, what, stdout);
	if (ret < 0)
		return command_fail(ret == -EINVAL ? EXIT_USAGE : EXIT_STORAGE, "%s: %s", what,
				    ip_describe_error(ret, text, sizeof(text)));
	return ret ? EXIT_REFUSED : EXIT_OK;
}
