// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp info.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hvkvp/command.h"
#include "util/paths.h"

#define DRIVER_DIR	"/sys/class/misc/hv_kvp"

/* The first line of a file, "" if it cannot be read. */
static void read_line(const char *dir, const char *name, char *line, size_t size)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	line[0] = 0;
	f = fopen(path, "re");
	if (!f)
		return;
	if (!fgets(line, size, f))
		line[0] = 0;
	line[strcspn(line, "\n")] = 0;
	fclose(f);
}

/* As a number if it is one, else as a string. */
static json_t *value_json(const char *text)
{
	char *end;
	long long number = strtoll(text, &end, 10);

	return *text && !*end ? json_integer(number) : json_string(text);
}

static void add_files(json_t *object, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char line[256];

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		read_line(path, entry->d_name, line, sizeof(line));
		json_object_set_new(object, entry->d_name, value_json(line));
	}
	if (dir)
		closedir(dir);
}

static json_t *driver_info(void)
{
	static const char *const names[] = {
		"state", "service", "framework_version", "message_version",
	};
	json_t *info = json_object(), *counters;
	char line[256];

	if (access(DRIVER_DIR, F_OK)) {
		json_object_set_new(info, "name", json_string(access(DEVICE_STOCK, F_OK) ?
							      "none" : "hv_utils"));
		return info;
	}
	json_object_set_new(info, "name", json_string("hv_kvp"));
	read_line("/sys/module/hv_kvp", "version", line, sizeof(line));
	if (line[0])
		json_object_set_new(info, "version", json_string(line));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		read_line(DRIVER_DIR, names[i], line, sizeof(line));
		if (line[0])
			json_object_set_new(info, names[i], json_string(line));
	}
	counters = json_object();
	add_files(counters, DRIVER_DIR "/statistics");
	json_object_set_new(info, "statistics", counters);
	return info;
}

/* The daemons that run: processes by name. */
static json_t *daemon_info(void)
{
	json_t *list = json_array();
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[300], name[64];

	while (dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s", entry->d_name);
		read_line(path, "comm", name, sizeof(name));
		if (!strcmp(name, "hvkvpd") || !strncmp(name, "hv_kvp_daemon", 13))
			json_array_append_new(list, json_pack("{s:s, s:i}", "name", name,
							      "pid", atoi(entry->d_name)));
	}
	if (dir)
		closedir(dir);
	return list;
}

static json_t *pool_info(struct pool *pool, unsigned int number)
{
	struct stat st;
	json_t *info;
	char mode[8];

	if (number == HVKVP_POOL_AUTO)
		return json_pack("{s:s, s:i}", "pool", store_pool_name(number),
				 "pairs", FACTS_COUNT);
	info = json_pack("{s:s, s:s}", "pool", store_pool_name(number), "file", pool->file.path);
	if (pool_load(pool)) {
		json_object_set_new(info, "error", json_string(pool_why(pool)));
		return info;
	}
	json_object_set_new(info, "pairs",
			    json_integer(pool->index.records - pool->index.unusable));
	json_object_set_new(info, "bytes", json_integer(pool->stamp.size));
	if (!stat(pool->file.path, &st)) {
		snprintf(mode, sizeof(mode), "%04o", (unsigned int)(st.st_mode & 07777));
		json_object_set_new(info, "mode", json_string(mode));
	}
	return info;
}

static void print_object(const char *title, const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value) {
		if (json_is_object(value))
			continue;
		printf("%s%-10s%s %-20s ", command_colour('p'), title, command_colour(0), key);
		if (json_is_integer(value))
			printf("%lld\n", (long long)json_integer_value(value));
		else
			printf("%s\n", json_string_value(value));
	}
}

static void print_info(const json_t *info)
{
	const json_t *driver = json_object_get(info, "driver"), *list;
	json_t *one;
	size_t i;

	print_object("driver", driver);
	print_object("counter", json_object_get(driver, "statistics"));
	list = json_object_get(info, "daemons");
	if (!json_array_size(list))
		printf("%s%-10s%s none is running\n", command_colour('p'), "daemon",
		       command_colour(0));
	json_array_foreach((json_t *)list, i, one)
		print_object("daemon", one);
	list = json_object_get(info, "pools");
	json_array_foreach((json_t *)list, i, one)
		print_object(json_string_value(json_object_get(one, "pool")), one);
}

int command_info(struct command *command)
{
	json_t *pools = json_array(), *info;

	for (int i = 0; i < HVKVP_POOL_COUNT; i++)
		json_array_append_new(pools, pool_info(&command->store.pools[i], i));
	info = json_pack("{s:s, s:s, s:o, s:o, s:o}", "hvkvp", HVKVP_VERSION,
			 "state_dir", command->state_dir, "driver", driver_info(),
			 "daemons", daemon_info(), "pools", pools);
	if (command->json || !info)
		return command_print_json(info);
	printf("%s%-10s%s %s\n", command_colour('p'), "hvkvp", command_colour(0), HVKVP_VERSION);
	print_info(info);
	json_decref(info);
	return EXIT_OK;
}
