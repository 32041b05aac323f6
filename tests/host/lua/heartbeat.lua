-- SPDX-License-Identifier: GPL-2.0-only
-- The heartbeat: the host sends a number, the guest answers with the next one.
--
-- Body: sequence number u64, reserved u32[8].

local component = require "component"
local ic = require "ic"

local BODY = 40

return component.define{
	name = "heartbeat", type = 1, versions = { "1.0", "3.0" },
	title = function(_, t) return string.format("heartbeat %d", t.sequence or 0) end,
	pack = function(t)
		return string.pack("<I8", t.sequence or 0) .. (t.reserved or ("\0"):rep(BODY - 8))
	end,
	unpack = function(r, body, request)
		component.Component.need(body, 8, "heartbeat")
		r.sequence = string.unpack("<i8", body)
		if r.sequence ~= (request.sequence or 0) + 1 then
			ic.rule("heartbeat %d was answered with %d instead of the next number", request.sequence or 0, r.sequence)
		end
	end,
	-- Send one, and check that the next number comes back.
	beat = function(self, sequence, timeout)
		return self:request({ sequence = sequence }, timeout)
	end,
}
