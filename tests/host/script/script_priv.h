/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the Lua binding share: script.c (the script's life, clock,
 * output, guest), script_bus.c (devices, channels, rings), script_nic.c, script_disk.c and
 * script_shell.c.
 *
 * All native functions live in one Lua table, "native", which the files in lua/ turn
 * into the verbs of README.md; case files have no need of it.
 */
#ifndef HOST_SCRIPT_PRIV_H
#define HOST_SCRIPT_PRIV_H

#include <lauxlib.h>
#include <lua.h>
#include <pthread.h>
#include <stdbool.h>

#include "script/script.h"
#include "util/types.h"

/**
 * struct script - a script and what it acts on.
 * @L: its Lua state; only the script's thread touches it.
 * @vm, @bus, @out, @cfg: as given to script_new().
 * @lock: guards @code and @why.
 * @code: what stopped it, SCRIPT_PASSED while nothing did.
 * @why: the reason, for people.
 * @deadline: monotonic nanoseconds at which the present case must be over, 0 for none.
 * @poweroff_ok: the guest may end.
 * @shell: the terminal outside, or -1.
 */
struct script {
	lua_State *L;
	struct vm *vm;
	struct vmbus *bus;
	struct out *out;
	const struct script_config *cfg;
	pthread_mutex_t lock;
	int code;
	char why[256];
	u64 deadline;
	bool poweroff_ok;
	int shell;
};

/** script_of() - the script that a Lua state belongs to. */
struct script *script_of(lua_State *L);

/**
 * script_check() - may the script go on?
 *
 * Raises a Lua error when the run was stopped, the guest died, or the case's
 * time is over. Called by everything that waits and every so many instructions.
 */
void script_check(lua_State *L);

/** script_bus_register() - add the bus's functions to the table on top of the stack. */
void script_bus_register(lua_State *L);
/** script_nic_register() - the same for NICs. */
void script_nic_register(lua_State *L);
/** script_disk_register() - the same for disks and the power. */
void script_disk_register(lua_State *L);

/** script_shell_register() - the same for a terminal outside, and "has_shell". */
void script_shell_register(lua_State *L);

/** script_ns() - seconds in argument @arg as monotonic nanoseconds. */
u64 script_ns(lua_State *L, int arg);

/** arg_u32() - argument @arg. */
static inline u32 arg_u32(lua_State *L, int arg)
{
	return (u32)luaL_checkinteger(L, arg);
}

/** set_int() - a field of the table on top of the stack. */
static inline void set_int(lua_State *L, const char *name, u64 value)
{
	lua_pushinteger(L, (lua_Integer)value);
	lua_setfield(L, -2, name);
}

/** set_text() - the same; no field for NULL. */
static inline void set_text(lua_State *L, const char *name, const char *value)
{
	if (!value)
		return;
	lua_pushstring(L, value);
	lua_setfield(L, -2, name);
}

#endif
