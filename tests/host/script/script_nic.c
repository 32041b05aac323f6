// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Lua binding of NICs; lua/nic.lua makes methods of it.
 */
#include <string.h>

#include "devices/nic.h"
#include "script/script_priv.h"

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
	if (!nic_attach(script_of(L)->bus, arg_u32(L, 1), &cfg))
		return luaL_error(L, "only a device that was not offered yet can become a NIC");
	return 0;
}

/* native.nic_info(device) -> table */
static int l_nic_info(lua_State *L)
{
	struct nic_info info;

	if (!nic_info(script_of(L)->bus, arg_u32(L, 1), &info))
		return luaL_error(L, "the device is no NIC");
	lua_createtable(L, 0, 10);
	set_text(L, "state", nic_state_name(info.state));
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
	if (!nic_link(script_of(L)->bus, arg_u32(L, 1), lua_toboolean(L, 2)))
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
