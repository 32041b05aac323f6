// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paths below a root directory.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/sysroot.h"

static void join(const char *root, char *path, const char *format, va_list ap)
{
	size_t len = strlen(root);
	int n = -1;

	if (len < SYSROOT_PATH_SIZE) {
		memcpy(path, root, len);
		n = vsnprintf(path + len, SYSROOT_PATH_SIZE - len, format, ap);
	}
	if (n < 0 || (size_t)n >= SYSROOT_PATH_SIZE - len)
		path[0] = 0;
}

char *sysroot_path(const char *root, char *path, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	join(root, path, format, ap);
	va_end(ap);
	return path;
}

bool sysroot_exists(const char *root, const char *format, ...)
{
	char path[SYSROOT_PATH_SIZE];
	va_list ap;

	va_start(ap, format);
	join(root, path, format, ap);
	va_end(ap);
	return !access(path, F_OK);
}
