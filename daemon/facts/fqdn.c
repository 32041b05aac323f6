// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's full name, without asking a name server: that could take longer
 * than the host waits, and the first request comes before the network is up.
 */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "facts/fqdn.h"

#define BLANKS " \t\r\n"

static int is_name(const char *name)
{
	if (!isalnum((unsigned char)name[0]))
		return 0;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("-._", *name))
			return 0;
	return 1;
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

static int from_hostname(char *line, const char *host, char *name, size_t size)
{
	char *save, *word = strtok_r(line, BLANKS, &save);

	if (!word || !extends(word, host))
		return 0;
	take(word, name, size);
	return 1;
}

static int from_hosts(char *line, const char *host, char *name, size_t size)
{
	char *save, *word;

	line[strcspn(line, "#")] = 0;
	strtok_r(line, BLANKS, &save);	/* the address */
	while ((word = strtok_r(NULL, BLANKS, &save))) {
		if (extends(word, host)) {
			take(word, name, size);
			return 1;
		}
	}
	return 0;
}

static int from_resolv(char *line, const char *host, char *name, size_t size)
{
	char *save, *word = strtok_r(line, BLANKS, &save);
	char both[512];

	if (!word || (strcmp(word, "domain") && strcmp(word, "search")))
		return 0;
	word = strtok_r(NULL, BLANKS, &save);
	if (!word || !is_name(word))
		return 0;
	snprintf(both, sizeof(both), "%s.%s", host, word);
	take(both, name, size);
	return 1;
}

static int search_file(const char *root, const char *file,
		       int (*look)(char *line, const char *host, char *name, size_t size),
		       const char *host, char *name, size_t size)
{
	char path[PATH_MAX], line[1024];
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", root, file);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (!found && fgets(line, sizeof(line), f)) {
		if (line[0] != '#' && line[0] != ';')
			found = look(line, host, name, size);
	}
	fclose(f);
	return found;
}

void fqdn_get(const char *root, const char *host, char *name, size_t size)
{
	take(host, name, size);
	if (!host[0] || strchr(name, '.'))
		return;
	if (search_file(root, "/etc/hostname", from_hostname, host, name, size) ||
	    search_file(root, "/etc/hosts", from_hosts, host, name, size))
		return;
	search_file(root, "/etc/resolv.conf", from_resolv, host, name, size);
}
