-- SPDX-License-Identifier: GPL-2.0-only
-- Guest file copy: the host sends a file in pieces of 6 KiB.
--
-- Body: operation u32, two GUIDs of the service; of START a file name and a folder of 260 UTF-16 units each, flags u32, size
-- u64; of WRITE padding u32, offset u64, size u32, 6144 bytes.

local component = require "component"
local wire = require "wire"

local NAME, PIECE = 520, 6144
local names = { [0] = "start", "write", "complete", "cancel" }

local function name(text)
	local units = wire.utf16(text)
	if #units > NAME - 2 then error("fcopy: a name has at most 259 UTF-16 units", 0) end
	return units .. ("\0"):rep(NAME - #units)
end

local fcopy = component.define{
	name = "fcopy", type = 7, fw = { "3.0" }, versions = { "1.1" },
	START = 0, WRITE = 1, COMPLETE = 2, CANCEL = 3, OVERWRITE = 1, CREATE_PATH = 2, PIECE = PIECE,
	EXISTS = 0x80070050, DISK_FULL = 0x80070070,
	title = function(_, t) return "file copy " .. (names[t.op] or t.op) end,
	pack = function(t)
		local head = string.pack("<I4", t.op) .. ("\0"):rep(32)
		if t.op == 0 then
			return head .. name(t.file) .. name(t.folder) .. string.pack("<I4I8", t.flags or 0, t.size or 0)
		elseif t.op == 1 then
			local data = t.data or ""
			return head .. string.pack("<I4I8I4", 0, t.offset or 0, t.data_size or #data) .. data ..
				("\0"):rep(PIECE - #data)
		end
		return head
	end,
}

-- A whole file; the answer to the first request that failed, or the last one.
function fcopy:copy(folder, file, bytes, flags)
	local r = self:request{ op = self.START, folder = folder, file = file, flags = flags, size = #bytes }
	for at = 1, #bytes, PIECE do
		if not r.ok then return r end
		r = self:request{ op = self.WRITE, offset = at - 1, data = bytes:sub(at, at + PIECE - 1) }
	end
	return r.ok and self:request{ op = self.COMPLETE } or r
end

return fcopy
