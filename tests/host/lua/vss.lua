-- SPDX-License-Identifier: GPL-2.0-only
-- Backup (volume shadow copies): the host asks what the guest can do, freezes its file systems and thaws them.
--
-- Body: operation u8, reserved u8[7], flags u32.

local component = require "component"
local ic = require "ic"

local BODY = 12

return component.define{
	name = "vss", type = 5, fw = { "3.0" }, versions = { "5.0" },
	CREATE = 0, DELETE = 1, HOT_BACKUP = 2, GET_DM_INFO = 3, BU_COMPLETE = 4, FREEZE = 5, THAW = 6, AUTO_RECOVER = 7,
	NO_AUTO_RECOVERY = 5,	-- flags of an answer to HOT_BACKUP
	title = function(_, t) return string.format("backup operation %s", t.op) end,
	pack = function(t)
		return string.pack("<Bc7I4", t.op, "\0\0\0\0\0\0\0", t.flags or 0)
	end,
	unpack = function(r, body, request)
		component.Component.need(body, BODY, "backup")
		r.op, r.flags = string.unpack("<Bc7I4", body), string.unpack("<I4", body, 9)
		if r.op ~= request.op then
			ic.rule("backup operation %s was answered as operation %d", request.op, r.op)
		end
	end,
}
