// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Lua binding of disks and of the power; lua/disk.lua makes verbs of it.
 */
#include "devices/disk.h"
#include "script/script_priv.h"
#include "vmbus/vmbus_host.h"

#define ERROR_SIZE	256

/* native.disk(device, sectors, seed, file or nil) */
static int l_disk(lua_State *L)
{
	struct disk_config cfg = {
		.sectors = (u64)luaL_checkinteger(L, 2),
		.seed = (u64)luaL_checkinteger(L, 3),
		.image = luaL_optstring(L, 4, NULL),
	};
	char err[ERROR_SIZE];

	if (!disk_attach(script_of(L)->bus, arg_u32(L, 1), &cfg, err, sizeof(err)))
		return luaL_error(L, "no disk: %s", err);
	return 0;
}

/* native.disk_info(device) -> table */
static int l_disk_info(lua_State *L)
{
	struct disk_info info;

	if (!disk_info(script_of(L)->bus, arg_u32(L, 1), &info))
		return luaL_error(L, "the device is no disk");
	lua_createtable(L, 0, 12);
	lua_pushboolean(L, info.ready);
	lua_setfield(L, -2, "ready");
	lua_pushboolean(L, info.off);
	lua_setfield(L, -2, "off");
	set_int(L, "reads", info.reads);
	set_int(L, "writes", info.writes);
	set_int(L, "flushes", info.flushes);
	set_int(L, "durable", info.durable);
	set_int(L, "failed", info.failed);
	set_int(L, "dirty", info.dirty);
	set_int(L, "cuts", info.fate.cuts);
	set_int(L, "kept", info.fate.kept);
	set_int(L, "lost", info.fate.lost);
	set_int(L, "torn", info.fate.torn);
	return 1;
}

static u32 field(lua_State *L, const char *name)
{
	lua_Integer value;

	lua_getfield(L, 2, name);
	value = luaL_optinteger(L, -1, 0);
	lua_pop(L, 1);
	return value < 0 || value > 0xffffffff ?
	       (u32)luaL_error(L, "%s is out of range", name) : (u32)value;
}

/* native.disk_faults(device, {cut_write =, cut_flush =, fail_write =, fail_count =, flush_us =, alone =}) */
static int l_disk_faults(lua_State *L)
{
	struct scsi_faults faults;

	luaL_checktype(L, 2, LUA_TTABLE);
	faults = (struct scsi_faults){
		.cut_write = field(L, "cut_write"),
		.cut_flush = field(L, "cut_flush"),
		.fail_write = field(L, "fail_write"),
		.fail_count = field(L, "fail_count"),
		.flush_us = field(L, "flush_us"),
	};
	lua_getfield(L, 2, "alone");
	faults.alone = lua_toboolean(L, -1);
	lua_pop(L, 1);
	if (!disk_faults(script_of(L)->bus, arg_u32(L, 1), &faults))
		return luaL_error(L, "the device is no disk");
	return 0;
}

/* native.disk_power(device, is it on) */
static int l_disk_power(lua_State *L)
{
	if (!disk_power(script_of(L)->bus, arg_u32(L, 1), lua_toboolean(L, 2)))
		return luaL_error(L, "the device is no disk");
	return 0;
}

/* native.disk_lie(device, do flushes nothing) */
static int l_disk_lie(lua_State *L)
{
	if (!disk_lie(script_of(L)->bus, arg_u32(L, 1), lua_toboolean(L, 2)))
		return luaL_error(L, "the device is no disk");
	return 0;
}

/* native.power_off(microseconds from now) */
static int l_power_off(lua_State *L)
{
	vmbus_power_off(script_of(L)->bus, (u32)luaL_optinteger(L, 1, 0));
	return 0;
}

/* native.is_off() -> was the power cut */
static int l_is_off(lua_State *L)
{
	lua_pushboolean(L, vmbus_is_off(script_of(L)->bus));
	return 1;
}

/* native.power_on(): boots the guest again; it may not end by itself any more */
static int l_power_on(lua_State *L)
{
	struct script *s = script_of(L);
	char err[ERROR_SIZE];

	if (!vmbus_power_on(s->bus, err, sizeof(err)))
		return luaL_error(L, "the guest cannot be booted again: %s", err);
	s->poweroff_ok = false;
	return 0;
}

void script_disk_register(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "disk", l_disk },
		{ "disk_info", l_disk_info },
		{ "disk_faults", l_disk_faults },
		{ "disk_power", l_disk_power },
		{ "disk_lie", l_disk_lie },
		{ "power_off", l_power_off },
		{ "is_off", l_is_off },
		{ "power_on", l_power_on },
		{ NULL, NULL },
	};

	luaL_setfuncs(L, functions, 0);
}
