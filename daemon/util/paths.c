// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where things are on a system.
 */
#include <errno.h>
#include <sys/stat.h>

#include "util/paths.h"

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

const char *paths_state_dir(const char *usual, const char *fallback, bool create)
{
	if (is_directory(usual))
		return usual;
	if (!create)
		return is_directory(fallback) ? fallback : usual;
	if (!mkdir(usual, 0755) || errno != EROFS)
		return usual;
	mkdir(fallback, 0755);
	return is_directory(fallback) ? fallback : usual;
}
