-- SPDX-License-Identifier: GPL-2.0-only
-- Time synchronisation: the host sends its time, to be set (SYNC) or as a sample.
--
-- Body from version 4.0 on: host time u64, reference time of the virtual machine u64, flags u8, leap flags u8, stratum u8,
-- reserved u8[3]. Before: host time u64, guest time u64, round-trip time u64, flags u8. Times are in units of 100 ns, of the
-- host since 1601, UTC.

local component = require "component"
local wire = require "wire"

local EPOCH = 11644473600	-- seconds from 1601 to 1970

return component.define{
	name = "timesync", type = 4, versions = { "1.0", "3.0", "4.0" },
	PROBE = 0, SYNC = 1, SAMPLE = 2,
	-- Seconds since 1970 as the host's time.
	host_time = function(seconds) return math.floor((seconds + EPOCH) * 10000000) end,
	title = function(_, t) return string.format("time with flags %d", t.flags or 0) end,
	pack = function(t, version)
		local time = t.time or math.floor((os.time() + EPOCH) * 10000000)
		if (wire.version(version)) >= 4 then
			return string.pack("<I8I8BBBBBB", time, t.reference or 0, t.flags or 0, t.leap or 0, t.stratum or 1, 0, 0, 0)
		end
		return string.pack("<I8I8I8B", time, t.guest_time or 0, t.round_trip or 0, t.flags or 0)
	end,
}
