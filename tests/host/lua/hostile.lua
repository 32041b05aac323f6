-- SPDX-License-Identifier: GPL-2.0-only
-- Packets that break rules, drawn from a seed: a well-formed GET or ENUMERATE in which some fields are wrong
-- (README.md, "Endurance").

local kvp = require "kvp"

local hostile = {}

-- splitmix64: a function that draws a number between two others.
function hostile.random_of(seed)
	local state = seed * 2 + 1
	local function next64()
		state = state + 0x9e3779b97f4a7c15
		local z = state
		z = (z ~ z >> 30) * 0xbf58476d1ce4e5b9
		z = (z ~ z >> 27) * 0x94d049bb133111eb
		return z ~ z >> 31
	end
	return function(low, high) return low + (next64() >> 1) % (high - low + 1) end
end

local SIZES = { 0, 1, 2, 3, 4, 7, 8, 255, 256, 511, 512, 513, 2047, 2048, 2580, 2600, 2601, 4095, 4096, 13312,
	13313, 65535, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff }
-- What a packet may ask for; nothing that changes anything.
local OPERATIONS = { 0, 0, 0, 3, 3, 3, 7, 8, 100, 255 }

-- Each changes one field of the packet @p; @r draws a number between two others, @size one of SIZES.
local mutations = {
	function(p, r) p.body = p.body:sub(1, r(0, #p.body)) end,
	function(p, r) p.body = p.body .. string.rep("\xff", r(1, 3000)) end,
	function(p, r)	-- bytes anywhere behind the operation
		for _ = 1, r(1, 8) do
			local at = r(2, math.max(2, #p.body))
			p.body = p.body:sub(1, at - 1) .. string.char(r(0, 255)) .. p.body:sub(at + 1)
		end
	end,
	function(p, r, size)	-- one of the 32-bit fields at the body's start
		local at = 4 * r(1, 4)
		p.body = p.body:sub(1, at) .. string.pack("<I4", size()) .. p.body:sub(at + 5)
	end,
	function(p, r) p.msg = r(0, 9) end,
	function(p, r) p.msg = r(0, 65535) end,
	function(p, r) p.ic_flags = r(0, 255) end,
	function(p, r) p.ic_id = r(0, 255) end,
	function(p, r) p.ic_reserved = r(0, 65535) end,
	function(p, _, size) p.ic_size = size() & 0xffff end,
	function(p, _, size) p.status = size() end,
	function(p, r) p.fw = r(0, 65535) .. "." .. r(0, 65535) end,
	function(p, r) p.kvp = r(0, 65535) .. "." .. r(0, 65535) end,
	function(p, r) p.pipe_type = r(0, 3) end,
	function(p, _, size) p.pipe_len = size() end,
	function(p, r) p.ptype = r(0, 20) end,
	function(p, r) p.flags = r(0, 65535) end,
	function(p, _, size) p.id = size() end,
	function(p, _, size) p.trailer = size() end,
	function(p, r) p.bytes = string.rep(string.char(r(0, 255)), r(0, 64)) end,
}

-- The fields of one packet, for Channel:send(). @r draws a number between two others.
function hostile.packet(r)
	local function size() return SIZES[r(1, #SIZES)] end
	local op = OPERATIONS[r(1, #OPERATIONS)]
	local p = { body = kvp.body{ op = op, pool = r(0, 5), key = "hostile", index = r(0, 100) } }
	for _ = 1, r(1, 3) do
		mutations[r(1, #mutations)](p, r, size)
	end
	-- Wherever bytes were changed, it asks for what it asked for; what is cut off before is no request.
	if #p.body > 0 then p.body = string.char(op) .. p.body:sub(2) end
	return p
end

return hostile
