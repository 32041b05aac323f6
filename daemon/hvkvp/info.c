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
#include <time.h>
#include <unistd.h>

#include "hvkvp/command.h"
#include "util/escape.h"
#include "util/paths.h"

#define DRIVER_DIR	"/sys/class/misc/hv_kvp"

/* So many of the last changes. */
#define CHANGES_SHOWN	10

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

static json_t *pool_info(const struct command *command, struct pool *pool, unsigned int number)
{
	struct stat st;
	json_t *info;
	char mode[8];

	if (number == HVKVP_POOL_AUTO)
		return json_pack("{s:s, s:i}", "pool", store_pool_name(number),
				 "pairs", facts_count(&command->facts));
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

static json_t *change_info(const struct change *change)
{
	static const char *const kinds[] = {
		[CHANGE_SET] = "set", [CHANGE_ADD] = "set", [CHANGE_DELETE] = "del",
		[CHANGE_ADDRESSES] = "addresses",
	};
	time_t seconds = change->time_ns / 1000000000;
	bool of_pool = change->kind != CHANGE_ADDRESSES;
	char when[32];
	json_t *info;
	struct tm tm;

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
	info = json_pack("{s:s, s:s, s:s, s:s*, s:s}", "time", when,
			 "source", change->source == CHANGE_BY_HOST ? "host" : "guest",
			 "event", kinds[change->kind],
			 "pool", of_pool ? store_pool_name(change->pool) : NULL,
			 of_pool ? "key" : "adapter", change->key);
	if (info && change->new)
		json_object_set_new(info, "size", json_integer(strlen(change->new)));
	return info;
}

/* The last changes, the newest one last. Return: array; NULL if only root may read them. */
static json_t *changes_info(const struct changes *changes)
{
	struct changes_reader reader;
	struct change change;
	json_t *list;
	uint64_t lost;
	int ret;

	if (changes_reader_init(&reader, changes, true))
		return NULL;
	list = json_array();
	while ((ret = changes_read(&reader, &change, &lost)) > 0 || lost) {
		if (ret <= 0)
			continue;
		if (json_array_size(list) == CHANGES_SHOWN)
			json_array_remove(list, 0);
		json_array_append_new(list, change_info(&change));
	}
	changes_reader_exit(&reader);
	return list;
}

static void print_change(const json_t *change)
{
	const json_t *size = json_object_get(change, "size");
	const char *pool = json_string_value(json_object_get(change, "pool"));
	const char *key = json_string_value(json_object_get(change, pool ? "key" : "adapter"));
	char shown[SHOWN_KEY_SIZE];

	printf("%s%-10s%s %-20s %s %s%s%s \"%s\"", command_colour('p'), "change", command_colour(0),
	       json_string_value(json_object_get(change, "time")),
	       json_string_value(json_object_get(change, "source")),
	       json_string_value(json_object_get(change, "event")), pool ? " " : "",
	       pool ? pool : "", escape_quoted(key, shown, sizeof(shown)));
	if (size)
		printf(" %lld bytes", (long long)json_integer_value(size));
	putchar('\n');
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
	list = json_object_get(info, "changes");
	if (!list)
		printf("%s%-10s%s only root can see them\n", command_colour('p'), "change",
		       command_colour(0));
	json_array_foreach((json_t *)list, i, one)
		print_change(one);
}

int command_info(struct command *command)
{
	json_t *pools = json_array(), *info;

	for (int i = 0; i < HVKVP_POOL_COUNT; i++)
		json_array_append_new(pools, pool_info(command, &command->store.pools[i], i));
	info = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o*}", "hvkvp", HVKVP_VERSION,
			 "state_dir", command->state_dir, "driver", driver_info(),
			 "daemons", daemon_info(), "pools", pools,
			 "changes", changes_info(&command->store.changes));
	if (command->json || !info)
		return command_print_json(info);
	printf("%s%-10s%s %s\n", command_colour('p'), "hvkvp", command_colour(0), HVKVP_VERSION);
	print_info(info);
	json_decref(info);
	return EXIT_OK;
}
