/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Lua files that are built into the binary; lua/embed.sh writes the table.
 */
#ifndef HOST_LUA_FILES_H
#define HOST_LUA_FILES_H

#include <stddef.h>

struct lua_file {
	const char *name;	/* without folder and ".lua" */
	const char *text;
	size_t len;
};

extern const struct lua_file lua_files[];	/* ends with a NULL name */

#endif
