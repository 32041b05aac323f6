// SPDX-License-Identifier: GPL-2.0-only
/*
 * The site's own script.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ip/site.h"
#include "ip/system.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/sysroot.h"

#define VARIABLES	20
#define DECLINED	77

/**
 * struct environment - variables of the script
 * @variable: "NAME=value"; owned
 * @count: used; one stays free for the NULL at the end
 * @failed: memory ran out
 */
struct environment {
	char *variable[VARIABLES];
	size_t count;
	bool failed;
};

static void put(const char *key, const char *value, void *data)
{
	struct environment *environment = data;
	char *text;

	if (environment->count == VARIABLES - 1 || asprintf(&text, "HVKVP_%s=%s", key, value) < 0)
		environment->failed = true;
	else
		environment->variable[environment->count++] = text;
}

bool ip_site_exists(const struct ip_system *system, char *path)
{
	path[0] = 0;
	if (!system->site_script || !system->site_script[0])
		return false;
	sysroot_path(system->root, path, "%s", system->site_script);
	if (!access(path, X_OK))
		return true;
	if (!access(path, F_OK))
		log_warn("%s is not executable: not used", path);
	return false;
}

enum ip_site_result ip_site_run(const struct ip_system *system, const struct ip_plan *plan,
				unsigned int limit_ms)
{
	struct environment environment = { .count = 0 };
	char path[SYSROOT_PATH_SIZE];
	int ret = -1;

	if (!ip_site_exists(system, path))
		return IP_SITE_NONE;
	environment.variable[environment.count++] =
		strdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	ip_plan_lines(plan, plan->change, put, &environment);
	if (!environment.failed && environment.variable[0])
		ret = spawn_program((const char *const[]){ path, NULL }, environment.variable, NULL,
				limit_ms);
	for (size_t i = 0; i < environment.count; i++)
		free(environment.variable[i]);
	if (ret == DECLINED)
		return IP_SITE_NONE;
	if (ret < 0)
		log_err("%s: %s", path, strerror(-ret));
	else if (ret)
		log_err("%s: exit code %d", path, ret);
	else
		log_notice("%s has set the addresses of %s", path, plan->adapter.name);
	return ret ? IP_SITE_FAILED : IP_SITE_DONE;
}
