// SPDX-License-Identifier: GPL-2.0-only
/*
 * A network of its own for a test program.
 */
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c/tap.h"
#include "support/netns.h"

bool netns_enter(void)
{
	static bool entered;

	if (entered)
		return true;
	if (unshare(CLONE_NEWNET)) {
		tap_skip("a network namespace needs root");
		return false;
	}
	if (system("ip link set lo up 2>/dev/null")) {
		tap_skip("ip(8) is not here: apt-get install iproute2");
		return false;
	}
	entered = true;
	return true;
}

/* Even an address that is not checked for duplicates becomes usable a little later. */
static void settle(void)
{
	for (int i = 0; i < 200 && netns_shows("-6 addr show tentative", "inet6 2001"); i++)
		usleep(10000);	/* sleep: it polls, with a time limit */
}

bool netns_run(const char *arguments, ...)
{
	char command[512] = "ip ";
	va_list ap;

	va_start(ap, arguments);
	vsnprintf(command + 3, sizeof(command) - 3, arguments, ap);
	va_end(ap);
	if (!tap_check(!system(command), __FILE__, __LINE__, command))
		return false;
	if (strstr(command, "nodad"))
		settle();
	return true;
}

bool netns_shows(const char *arguments, const char *text)
{
	static char out[65536];
	char command[512];
	FILE *pipe;
	size_t len;

	snprintf(command, sizeof(command), "ip %s", arguments);
	pipe = popen(command, "r");
	if (!pipe)
		return false;
	len = fread(out, 1, sizeof(out) - 1, pipe);
	out[len] = 0;
	pclose(pipe);
	return strstr(out, text);
}
