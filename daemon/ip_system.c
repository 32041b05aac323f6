// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paths and small files of the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ip_system.h"

static char *join(const struct ip_system *system, char *path, const char *format, va_list ap)
{
	size_t len = strlen(system->root);
	int n = -1;

	if (len < IP_PATH_SIZE) {
		memcpy(path, system->root, len);
		n = vsnprintf(path + len, IP_PATH_SIZE - len, format, ap);
	}
	if (n < 0 || (size_t)n >= IP_PATH_SIZE - len)
		path[0] = 0;
	return path;
}

char *ip_path(const struct ip_system *system, char *path, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	join(system, path, format, ap);
	va_end(ap);
	return path;
}

bool ip_exists(const struct ip_system *system, const char *format, ...)
{
	char path[IP_PATH_SIZE];
	va_list ap;

	va_start(ap, format);
	join(system, path, format, ap);
	va_end(ap);
	return !access(path, F_OK);
}

int ip_slurp(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t len = 0;
	ssize_t n = 0;

	text[0] = 0;
	if (fd < 0)
		return -errno;
	while (len < size - 1) {
		n = read(fd, text + len, size - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += n;
	}
	n = n < 0 ? -errno : (ssize_t)len;
	close(fd);
	text[len] = 0;
	return n;
}

bool ip_line_value(const char *text, const char *key, char *value, size_t size)
{
	size_t key_len = strlen(key), len;

	value[0] = 0;
	for (const char *line = text; *line; line += strcspn(line, "\n")) {
		line += *line == '\n';
		if (strncmp(line, key, key_len) || line[key_len] != '=')
			continue;
		line += key_len + 1;
		len = strcspn(line, "\n");
		if (len >= size)
			len = size - 1;
		memcpy(value, line, len);
		value[len] = 0;
		return true;
	}
	return false;
}
