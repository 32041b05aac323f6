// SPDX-License-Identifier: GPL-2.0-only
/*
 * The configuration.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/ini.h"
#include "facts/facts.h"
#include "facts/site.h"
#include "ip/system.h"
#include "net/adapter.h"
#include "pool/store.h"
#include "util/log.h"

#define CHANGES_MAX 1000000
#define INTERVAL_MAX 86400

/**
 * struct setting - a key of the file
 * @section: its section
 * @key: its name
 * @offset: of its field in &struct config
 * @parse: puts the value into the field; returns NULL, or what would be right
 * @show: prints the field as a value
 */
struct setting {
	const char *section;
	const char *key;
	size_t offset;
	const char *(*parse)(const char *value, void *field);
	void (*show)(const void *field, FILE *out);
};

static const char *parse_path(const char *value, void *field)
{
	char **path = field;

	if (value[0] != '/')
		return "an absolute path";
	free(*path);
	*path = strdup(value);
	return *path ? NULL : "out of memory";
}

static const char *parse_directory(const char *value, void *field)
{
	char **path = field;

	if (strcmp(value, "auto"))
		return parse_path(value, field) ? "an absolute path, or auto" : NULL;
	free(*path);
	*path = strdup("");
	return *path ? NULL : "out of memory";
}

static void show_directory(const void *field, FILE *out)
{
	const char *path = *(char *const *)field;

	fputs(path[0] ? path : "auto", out);
}

static const char *parse_script(const char *value, void *field)
{
	char **path = field;

	if (strcmp(value, "none"))
		return parse_path(value, field) ? "an absolute path, or none" : NULL;
	free(*path);
	*path = strdup("");
	return *path ? NULL : "out of memory";
}

static void show_text(const void *field, FILE *out)
{
	fputs(*(char *const *)field, out);
}

static void show_script(const void *field, FILE *out)
{
	const char *path = *(char *const *)field;

	fputs(path[0] ? path : "none", out);
}

static const char *parse_level(const char *value, void *field)
{
	int level = log_level_parse(value);

	if (level < 0)
		return "err, warning, notice, info or debug";
	*(int *)field = level;
	return NULL;
}

static void show_level(const void *field, FILE *out)
{
	fputs(log_level_name(*(const int *)field), out);
}

static const char *parse_keys(const char *value, void *field)
{
	uint64_t number = store_limit_parse(value, STORE_KEYS_MAX);

	if (!number)
		return "a number of pairs, from 1 to 4294967295";
	*(uint64_t *)field = number;
	return NULL;
}

static const char *parse_bytes(const char *value, void *field)
{
	uint64_t number = store_limit_parse(value, STORE_BYTES_MAX);

	if (!number)
		return "a number of bytes, from 1 to 1099511627776";
	*(uint64_t *)field = number;
	return NULL;
}

static const char *parse_changes(const char *value, void *field)
{
	uint64_t number = store_limit_parse(value, CHANGES_MAX);

	if (!number && strcmp(value, "unlimited"))
		return "a number of changes from 1 to 1000000, or unlimited";
	*(uint64_t *)field = number;
	return NULL;
}

static const char *parse_interval(const char *value, void *field)
{
	uint64_t number = store_limit_parse(value, INTERVAL_MAX);

	if (!number && strcmp(value, "never"))
		return "a number of seconds from 1 to 86400, or never";
	*(uint64_t *)field = number;
	return NULL;
}

static void show_number(const void *field, FILE *out)
{
	fprintf(out, "%llu", (unsigned long long)*(const uint64_t *)field);
}

static void show_changes(const void *field, FILE *out)
{
	if (*(const uint64_t *)field)
		show_number(field, out);
	else
		fputs("unlimited", out);
}

static void show_interval(const void *field, FILE *out)
{
	if (*(const uint64_t *)field)
		show_number(field, out);
	else
		fputs("never", out);
}

/* Return: 1 or 0, -1 if it is neither. */
static int parse_boolean(const char *value)
{
	static const char *const words[][2] = {
		{ "no", "yes" }, { "off", "on" }, { "false", "true" }, { "0", "1" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (int yes = 0; yes < 2; yes++)
			if (!strcmp(value, words[i][yes]))
				return yes;
	return -1;
}

static const char *parse_switch(const char *value, void *field)
{
	int yes = parse_boolean(value);

	if (yes < 0)
		return "yes or no";
	*(bool *)field = yes;
	return NULL;
}

static void show_switch(const void *field, FILE *out)
{
	fputs(*(const bool *)field ? "yes" : "no", out);
}

static const char *parse_set_ip(const char *value, void *field)
{
	enum ip_policy_set *set = field;
	int yes = parse_boolean(value);

	if (yes >= 0)
		*set = yes ? IP_POLICY_SET_ON : IP_POLICY_SET_OFF;
	else if (!strcmp(value, "static"))
		*set = IP_POLICY_SET_STATIC;
	else
		return "yes, no or static";
	return NULL;
}

static void show_set_ip(const void *field, FILE *out)
{
	static const char *const names[] = {
		[IP_POLICY_SET_OFF]    = "no",
		[IP_POLICY_SET_ON]     = "yes",
		[IP_POLICY_SET_STATIC] = "static",
	};

	fputs(names[*(const enum ip_policy_set *)field], out);
}

/* Go on to the next word of a list. Return: its length, 0 at the end. */
static size_t next_word(const char **list)
{
	*list += strspn(*list, " \t");
	return strcspn(*list, " \t");
}

static bool is_mac(const char *word, size_t len)
{
	if (len != ADAPTER_MAC_SIZE - 1)
		return false;
	for (size_t i = 0; i < len; i++)
		if (i % 3 == 2 ? word[i] != ':' : !isxdigit((unsigned char)word[i]))
			return false;
	return true;
}

/* What the kernel accepts. */
static bool is_interface(const char *word, size_t len)
{
	return len < IFNAMSIZ && strcspn(word, "/:") >= len && strncmp(word, "..", len);
}

static const char *parse_adapters(const char *value, void *field)
{
	char **adapters = field;
	const char *word = value;
	size_t len;

	for (; (len = next_word(&word)); word += len)
		if (!is_interface(word, len) && !is_mac(word, len))
			return "interface names and MAC addresses, separated by blanks";
	free(*adapters);
	*adapters = strdup(value);
	return *adapters ? NULL : "out of memory";
}

static const struct {
	const char *word;
	uint32_t operations;
} access_words[] = {
	{ "read",	CONFIG_READ },
	{ "write",	CONFIG_WRITE },
	{ "none",	0 },
	{ "get",	1 << HVKVP_OP_GET },
	{ "enumerate",	1 << HVKVP_OP_ENUMERATE },
	{ "set",	1 << HVKVP_OP_SET },
	{ "delete",	1 << HVKVP_OP_DELETE },
};

static const char *parse_access(const char *value, void *field)
{
	static const char right[] = "words out of read, write, get, enumerate, set, delete; or none";
	uint32_t operations = 0;
	size_t len, i, words = 0;
	bool none = false;

	for (; (len = next_word(&value)); value += len, words++) {
		for (i = 0; i < sizeof(access_words) / sizeof(access_words[0]); i++)
			if (strlen(access_words[i].word) == len &&
			    !strncmp(access_words[i].word, value, len))
				break;
		if (i == sizeof(access_words) / sizeof(access_words[0]))
			return right;
		operations |= access_words[i].operations;
		none |= !access_words[i].operations;
	}
	if (none && words > 1)
		return right;
	*(uint32_t *)field = operations;
	return NULL;
}

static void show_access(const void *field, FILE *out)
{
	uint32_t left = *(const uint32_t *)field;
	const char *blank = "";

	if (!left)
		fputs("none", out);
	for (size_t i = 0; i < sizeof(access_words) / sizeof(access_words[0]); i++) {
		uint32_t operations = access_words[i].operations;

		if (!operations || (left & operations) != operations)
			continue;
		fprintf(out, "%s%s", blank, access_words[i].word);
		left &= ~operations;
		blank = " ";
	}
}

#define SETTING(section, key, field, parse, show) \
	{ section, key, offsetof(struct config, field), parse, show }

static const struct setting settings[] = {
	SETTING("Daemon", "StateDirectory", state_dir, parse_directory, show_directory),
	SETTING("Daemon", "LogLevel", log_level, parse_level, show_level),
	SETTING("Daemon", "LogValues", log_values, parse_switch, show_switch),
	SETTING("Limits", "MaxKeys", max_keys, parse_keys, show_number),
	SETTING("Limits", "MaxBytes", max_bytes, parse_bytes, show_number),
	SETTING("Limits", "HostChangesPerMinute", host_changes, parse_changes, show_changes),
	SETTING("Addresses", "GetIP", ip.get, parse_switch, show_switch),
	SETTING("Addresses", "SetIP", ip.set, parse_set_ip, show_set_ip),
	SETTING("Addresses", "SetIPAdapters", adapters, parse_adapters, show_text),
	SETTING("Addresses", "SiteScript", site_script, parse_script, show_script),
	SETTING("SiteFacts", "Directory", facts_dir, parse_script, show_script),
	SETTING("SiteFacts", "Interval", facts_interval, parse_interval, show_interval),
	SETTING("Pools", "External", pools[HVKVP_POOL_EXTERNAL], parse_access, show_access),
	SETTING("Pools", "Guest", pools[HVKVP_POOL_GUEST], parse_access, show_access),
	SETTING("Pools", "Auto", pools[HVKVP_POOL_AUTO], parse_access, show_access),
	SETTING("Pools", "Parameter", pools[HVKVP_POOL_PARAMETER], parse_access, show_access),
};

#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

/* The section of the facts has a switch for each of them, which is a bit. */
static const char facts_section[] = "Facts";

int config_init(struct config *config)
{
	*config = (struct config){
		.state_dir = strdup(""),
		.site_script = strdup(IP_SITE_SCRIPT),
		.log_level = LOG_NOTICE,
		.max_keys = POOL_DEFAULT_KEYS,
		.max_bytes = POOL_DEFAULT_BYTES,
		.ip = { .get = true, .set = IP_POLICY_SET_ON },
		.adapters = strdup(""),
		.facts_dir = strdup(SITE_FACTS_DIR),
	};
	for (int i = 0; i < HVKVP_POOL_COUNT; i++)
		config->pools[i] = CONFIG_READ | CONFIG_WRITE;
	/* SET and DELETE there are refused anyway. */
	config->pools[HVKVP_POOL_AUTO] = CONFIG_READ;
	config->ip.adapters = config->adapters;
	return config->state_dir && config->site_script && config->adapters && config->facts_dir ?
		0 : -ENOMEM;
}

void config_exit(struct config *config)
{
	free(config->state_dir);
	free(config->site_script);
	free(config->adapters);
	free(config->facts_dir);
	*config = (struct config){ 0 };
}

/* Text for a value that restores the default. Return: NULL if memory is short. */
static char *default_text(const struct setting *setting)
{
	struct config defaults;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (!config_init(&defaults)) {
		out = open_memstream(&text, &size);
		if (out) {
			setting->show((char *)&defaults + setting->offset, out);
			fclose(out);
		}
	}
	config_exit(&defaults);
	return text;
}

static int invalid(const struct ini_entry *entry, const char *right)
{
	log_err("%s:%u: %s=%s: not valid; use %s", entry->path, entry->line, entry->key,
		entry->value, right);
	return -EINVAL;
}

static int take_fact(struct config *config, const struct ini_entry *entry)
{
	int fact = facts_find(entry->key);
	bool on = true;

	if (fact < 0) {
		log_err("%s:%u: [%s] has no key %s", entry->path, entry->line, entry->section,
			entry->key);
		return -EINVAL;
	}
	if (entry->value[0]) {
		const char *right = parse_switch(entry->value, &on);

		if (right)
			return invalid(entry, right);
	}
	config->hidden_facts &= ~(1U << fact);
	config->hidden_facts |= on ? 0 : 1U << fact;
	return 0;
}

static int take_setting(struct config *config, const struct setting *setting,
			const struct ini_entry *entry)
{
	char *restored = entry->value[0] ? NULL : default_text(setting);
	const char *value = restored ? restored : entry->value;
	const char *right = setting->parse(value, (char *)config + setting->offset);

	free(restored);
	return right ? invalid(entry, right) : 0;
}

static bool is_section(const char *name)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (!strcmp(settings[i].section, name))
			return true;
	return !strcmp(name, facts_section);
}

static int take_section(const struct ini_entry *entry)
{
	if (is_section(entry->section))
		return 0;
	log_err("%s:%u: there is no section [%s]; see hvkvpd.conf(5)", entry->path, entry->line,
		entry->section);
	return -EINVAL;
}

static int take_entry(void *data, const struct ini_entry *entry)
{
	if (!entry->key)
		return take_section(entry);
	if (!strcmp(entry->section, facts_section))
		return take_fact(data, entry);
	for (size_t i = 0; i < SETTINGS; i++)
		if (!strcmp(settings[i].section, entry->section) &&
		    !strcmp(settings[i].key, entry->key))
			return take_setting(data, &settings[i], entry);
	if (!entry->section[0])
		log_err("%s:%u: %s stands before the first section", entry->path, entry->line,
			entry->key);
	else if (is_section(entry->section))
		log_err("%s:%u: [%s] has no key %s", entry->path, entry->line, entry->section,
			entry->key);
	/* Else the line of the section has the error. */
	return -EINVAL;
}

static int is_drop_in(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && !strcmp(entry->d_name + len - 5, ".conf");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_drop_in(struct config *config, const char *dir, const char *name)
{
	char *path;
	int err;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	err = ini_read(path, take_entry, config);
	free(path);
	return err == -ENOENT ? 0 : err;
}

/* All of them, also after an error: each error is logged. */
static int read_drop_ins(struct config *config, const char *path)
{
	struct dirent **list = NULL;
	int n, ret = 0;
	char *dir;

	if (asprintf(&dir, "%s.d", path) < 0)
		return -ENOMEM;
	n = scandir(dir, &list, is_drop_in, by_name);
	if (n < 0 && errno != ENOENT) {
		ret = -errno;
		log_err("%s: %s", dir, strerror(-ret));
	}
	for (int i = 0; i < n; i++) {
		int err = read_drop_in(config, dir, list[i]->d_name);

		ret = err ? err : ret;
		free(list[i]);
	}
	free(list);
	free(dir);
	return ret;
}

int config_load(struct config *config, const char *path, bool required)
{
	int err, ret = config_init(config);

	if (ret)
		return ret;
	err = ini_read(path, take_entry, config);
	if (err == -ENOENT && required)
		log_err("%s: %s", path, strerror(-err));
	if (err != -ENOENT || required)
		ret = err;
	err = read_drop_ins(config, path);
	config->ip.adapters = config->adapters;
	return ret ? ret : err;
}

void config_show(const struct config *config, FILE *out)
{
	const char *section = "";

	for (size_t i = 0; i < SETTINGS; i++) {
		if (strcmp(section, settings[i].section))
			fprintf(out, "%s[%s]\n", section[0] ? "\n" : "", settings[i].section);
		section = settings[i].section;
		fprintf(out, "%s=", settings[i].key);
		settings[i].show((const char *)config + settings[i].offset, out);
		putc('\n', out);
	}
	fprintf(out, "\n[%s]\n", facts_section);
	for (unsigned int i = 0; i < FACTS_COUNT; i++)
		fprintf(out, "%s=%s\n", facts_name(i),
			config->hidden_facts & 1U << i ? "no" : "yes");
}
