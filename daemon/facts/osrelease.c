// SPDX-License-Identifier: GPL-2.0-only
/*
 * os-release(5): one variable of it.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "facts/osrelease.h"

int osrelease_line(const char *line, const char *name, char *value, size_t size)
{
	size_t len = strlen(name), at = 0;
	char quote = 0;

	while (*line == ' ' || *line == '\t')
		line++;
	if (strncmp(line, name, len) || line[len] != '=')
		return 0;
	line += len + 1;
	if (*line == '"' || *line == '\'')
		quote = *line++;

	for (; *line && *line != '\n' && *line != '\r'; line++) {
		if (*line == quote)
			break;
		if (!quote && (*line == ' ' || *line == '\t'))
			break;
		if (*line == '\\' && quote != '\'' && line[1] && line[1] != '\n')
			line++;
		if (at + 1 < size)
			value[at++] = *line;
	}
	value[at] = 0;
	return !quote || *line == quote;
}

static int search_file(const char *root, const char *file, const char *name,
		       char *value, size_t size)
{
	char path[PATH_MAX], line[1024];
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", root, file);
	f = fopen(path, "re");
	if (!f)
		return -1;
	/* The last assignment counts, as it would in a shell. */
	while (fgets(line, sizeof(line), f))
		found |= osrelease_line(line, name, value, size);
	fclose(f);
	return found;
}

int osrelease_get(const char *root, const char *name, char *value, size_t size)
{
	int found = search_file(root, "/etc/os-release", name, value, size);

	if (found < 0)
		found = search_file(root, "/usr/lib/os-release", name, value, size);
	if (found <= 0)
		value[0] = 0;
	return found > 0;
}
