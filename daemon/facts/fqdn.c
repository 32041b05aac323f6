// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's full name, without asking a name server: that could take longer
 * than the host waits, and the first request comes before the network is up.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "facts/fqdn.h"
#include "util/file.h"
#include "util/sysroot.h"

#define BLANKS " \t\r\n"

/* Also a part of a character beyond ASCII: such names are in use in local files. */
static bool is_letter(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool is_name(const char *name)
{
	if (!is_letter(name[0]))
		return false;
	for (; *name; name++)
		if (!is_letter(*name) && !strchr("-._", *name))
			return false;
	return true;
}

/* Is @name @host and a domain? A dot at the very end does not count. */
static int extends(const char *name, const char *host)
{
	size_t len = strlen(host);

	return !strncasecmp(name, host, len) && name[len] == '.' && name[len + 1] &&
	       is_name(name);
}

static void take(const char *from, char *name, size_t size)
{
	size_t len;

	snprintf(name, size, "%s", from);
	len = strlen(name);
	if (len > 1 && name[len - 1] == '.')
		name[len - 1] = 0;
}

/**
 * struct search - a name with a domain is looked for
 * @host: the name without
 * @name: gets it
 * @size: bytes of @name
 */
struct search {
	const char *host;
	char *name;
	size_t size;
};

static bool is_comment(const char *line)
{
	return line[0] == '#' || line[0] == ';';
}

static bool from_hostname(char *line, void *data)
{
	const struct search *search = data;
	char *save, *word = strtok_r(line, BLANKS, &save);

	if (is_comment(line) || !word || !extends(word, search->host))
		return false;
	take(word, search->name, search->size);
	return true;
}

static bool from_hosts(char *line, void *data)
{
	const struct search *search = data;
	char *save, *word;

	line[strcspn(line, "#")] = 0;
	strtok_r(line, BLANKS, &save);	/* the address */
	while ((word = strtok_r(NULL, BLANKS, &save))) {
		if (extends(word, search->host)) {
			take(word, search->name, search->size);
			return true;
		}
	}
	return false;
}

/* The last line counts, as in resolv.conf(5), so this never stops. */
static bool from_resolv(char *line, void *data)
{
	const struct search *search = data;
	char *save, *word = strtok_r(line, BLANKS, &save);
	char both[512];

	if (!word || (strcmp(word, "domain") && strcmp(word, "search")))
		return false;
	word = strtok_r(NULL, BLANKS, &save);
	if (!word || !is_name(word))
		return false;
	snprintf(both, sizeof(both), "%s.%s", search->host, word);
	take(both, search->name, search->size);
	return false;
}

static bool from_first_word(char *line, void *data)
{
	const struct search *search = data;
	char *save, *word = strtok_r(line, BLANKS, &save);

	if (!word || !is_name(word))
		return false;
	take(word, search->name, search->size);
	return true;
}

void fqdn_get(const char *root, const char *host, char *name, size_t size)
{
	static const struct {
		const char *path;
		bool (*line)(char *line, void *data);
	} sources[] = {
		{ "/etc/hostname", from_hostname },
		{ "/etc/hosts", from_hosts },
		{ "/etc/resolv.conf", from_resolv },
	};
	struct search search = { .host = host, .name = name, .size = size };
	char path[SYSROOT_PATH_SIZE], configured[256] = "";
	struct search early = { .name = configured, .size = sizeof(configured) };

	/* What the kernel and systemd have until the name is set, as in an initramfs. */
	if (!strcmp(host, "(none)") || !strcmp(host, "localhost")) {
		sysroot_path(root, path, "/etc/hostname");
		if (file_lines(path, from_first_word, &early) || host[0] == '(')
			host = configured;
		search.host = host;
	}
	take(host, name, size);
	if (!host[0] || strchr(name, '.'))
		return;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		sysroot_path(root, path, "%s", sources[i].path);
		if (file_lines(path, sources[i].line, &search))
			return;
	}
}
