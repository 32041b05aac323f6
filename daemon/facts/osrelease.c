// SPDX-License-Identifier: GPL-2.0-only
/*
 * os-release(5): one variable of it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "facts/osrelease.h"
#include "util/file.h"
#include "util/sysroot.h"

/* More than a message holds of any value. */
#define LINE_SIZE 4096

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

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

/**
 * struct variable - what is looked for
 * @name: of the variable
 * @value: gets it
 * @size: bytes of @value
 * @found: the file has it
 */
struct variable {
	const char *name;
	char *value;
	size_t size;
	bool found;
};

/* The last assignment counts, as it would in a shell, so this never stops. */
static bool take_line(char *line, void *data)
{
	struct variable *variable = data;
	char value[LINE_SIZE];

	/* An editor's byte order mark is no part of the first name. */
	if (!strncmp(line, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)))
		line += strlen(BYTE_ORDER_MARK);
	if (osrelease_line(line, variable->name, value, sizeof(value))) {
		snprintf(variable->value, variable->size, "%s", value);
		variable->found = true;
	}
	return false;
}

int osrelease_get(const char *root, const char *name, char *value, size_t size)
{
	/* An initramfs may have a name of its own in /etc/os-release, and there a copy of the system's. */
	static const char *const places[] = {
		"/usr/lib/hvkvpd/os-release", "/etc/os-release", "/usr/lib/os-release",
	};
	const size_t last = sizeof(places) / sizeof(places[0]) - 1;
	struct variable variable = { .name = name, .value = value, .size = size };
	char path[SYSROOT_PATH_SIZE];
	size_t i = 0;

	while (i < last && !file_is_regular(sysroot_path(root, path, "%s", places[i])))
		i++;
	sysroot_path(root, path, "%s", places[i]);
	value[0] = 0;
	file_lines(path, take_line, &variable);
	return variable.found;
}
