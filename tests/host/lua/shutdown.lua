-- SPDX-License-Identifier: GPL-2.0-only
-- Shutdown: the host asks the guest to power off, restart or hibernate.
--
-- Body: reason u32, timeout in seconds u32, flags u32, message for the user u8[2048]. Flags: bit 0 force, and 0 power off,
-- 2 restart, 4 hibernate (from version 3.1 and 3.2 on).

local component = require "component"

local MESSAGE = 2048

return component.define{
	name = "shutdown", type = 3, versions = { "1.0", "3.0", "3.1", "3.2" },
	POWER_OFF = 0, FORCE = 1, RESTART = 2, HIBERNATE = 4,
	title = function(_, t) return string.format("shutdown with flags %d", t.flags or 0) end,
	pack = function(t)
		local message = (t.message or ""):sub(1, MESSAGE)
		return string.pack("<I4I4I4", t.reason or 0x00040001, t.timeout_seconds or 0, t.flags or 0) .. message ..
			("\0"):rep(MESSAGE - #message)
	end,
}
