// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Lua binding of NICs; lua/nic.lua makes methods of it.
 */
#include <string.h>

#include "nic.h"
#include "script_priv.h"

static u32 arg_device(lua_State *L)
{
	return (u32)luaL_checkinteger(L, 1);
}

/* native.nic(device, MAC address, newest NVSP version or nil, is the link down at first) */
static int l_nic(lua_State *L)
{
	struct nic_config cfg = {
		.nvsp = (u32)luaL_optinteger(L, 3, 0),
		.link_down = lua_toboolean(L, 4),
	};
	const char *mac;
	size_t len;

	mac = luaL_checklstring(L, 2, &len);
	luaL_argcheck(L, len == sizeof(cfg.mac), 2, "a MAC address has 6 bytes");
	memcpy(cfg.mac, mac, sizeof(cfg.mac));
	if (!nic_attach(script_of(L)->bus, arg_device(L), &cfg))
		return luaL_error(L, "only a device that was not offered yet can become a NIC");
	return 0;
}

static void set_int(lua_State *L, const char *name, u64 value)
{
	lua_pushinteger(L, (lua_Integer)value);
	lua_setfield(L, -2, name);
}

/* native.nic_info(device) -> table */
static int l_nic_info(lua_State *L)
{
	struct nic_info info;

	if (!nic_info(script_of(L)->bus, arg_device(L), &info))
		return luaL_error(L, "the device is no NIC");
	lua_createtable(L, 0, 10);
	lua_pushstring(L, nic_state_name(info.state));
	lua_setfield(L, -2, "state");
	set_int(L, "nvsp", info.nvsp);
	set_int(L, "filter", info.filter);
	set_int(L, "mtu", info.mtu);
	set_int(L, "recv_bytes", info.recv_bytes);
	set_int(L, "send_bytes", info.send_bytes);
	set_int(L, "sent", info.sent);
	set_int(L, "sent_bytes", info.sent_bytes);
	set_int(L, "requests", info.requests);
	return 1;
}

/* native.nic_link(device, is there a link) */
static int l_nic_link(lua_State *L)
{
	if (!nic_link(script_of(L)->bus, arg_device(L), lua_toboolean(L, 2)))
		return luaL_error(L, "the device is no NIC");
	return 0;
}

void script_nic_register(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "nic", l_nic },
		{ "nic_info", l_nic_info },
		{ "nic_link", l_nic_link },
		{ NULL, NULL },
	};

	luaL_setfuncs(L, functions, 0);
}
