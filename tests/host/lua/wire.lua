-- SPDX-License-Identifier: GPL-2.0-only
-- Packing helpers: UTF-16, GUIDs, hex, addresses. Pure functions; no bus, no state.
--
-- Decoders return nil and a reason for what is malformed; encoders raise an error.

local wire = {}

-- The UTF-16LE bytes of a character, remembered.
local units_of = setmetatable({}, { __index = function(all, char)
	local c, bytes = utf8.codepoint(char), nil
	if c < 0x10000 then
		bytes = string.pack("<I2", c)
	else
		bytes = string.pack("<I2I2", 0xd800 | (c - 0x10000) >> 10, 0xdc00 | c & 0x3ff)
	end
	all[char] = bytes
	return bytes
end })

-- UTF-8 text to UTF-16LE bytes, without a final NUL.
function wire.utf16(text)
	if not text:find("[\x80-\xff]") then return (text:gsub(".", "%0\0")) end
	if not utf8.len(text) then error("invalid UTF-8 code: use raw bytes", 2) end
	return (text:gsub(utf8.charpattern, units_of))
end

-- So many zero bytes: a piece of what is there, which string.rep would make byte by byte.
local ZEROS = ("\0"):rep(8192)

function wire.zeros(n)
	return n <= #ZEROS and ZEROS:sub(1, n) or ("\0"):rep(n)
end

-- The character of a unit of UTF-16LE, remembered; none of a surrogate, which is noticed.
local surrogate
local char_of = setmetatable({}, { __index = function(all, unit)
	local c = string.unpack("<I2", unit)
	if c >= 0xd800 and c <= 0xdfff then
		surrogate = true
		return nil
	end
	all[unit] = utf8.char(c)
	return all[unit]
end })

-- UTF-16LE bytes to UTF-8 text; nil and the reason if they are not valid.
function wire.text(bytes)
	if #bytes % 2 ~= 0 then
		return nil, "odd number of bytes"
	end
	-- Most texts are ASCII, and the loop below is slow.
	local short, units = bytes:gsub("([\0-\x7f])\0", "%1")
	if units * 2 == #bytes then return short end
	surrogate = false
	local plain = bytes:gsub("..", char_of)
	if not surrogate then return plain end
	local out, at = {}, 1
	while at <= #bytes do
		local c = string.unpack("<I2", bytes, at)
		at = at + 2
		if c >= 0xdc00 and c <= 0xdfff then
			return nil, string.format("low surrogate %04x without a high one", c)
		elseif c >= 0xd800 and c <= 0xdbff then
			local low = at <= #bytes and string.unpack("<I2", bytes, at) or 0
			if low < 0xdc00 or low > 0xdfff then
				return nil, string.format("high surrogate %04x without a low one", c)
			end
			at = at + 2
			c = 0x10000 + ((c & 0x3ff) << 10 | low & 0x3ff)
		end
		out[#out + 1] = utf8.char(c)
	end
	return table.concat(out)
end

-- The text up to the first NUL of a fixed field; nil and the reason if there is none.
function wire.field_text(bytes)
	for at = 1, #bytes - 1, 2 do
		if bytes:byte(at) == 0 and bytes:byte(at + 1) == 0 then
			return wire.text(bytes:sub(1, at - 1))
		end
	end
	return nil, "no final NUL"
end

function wire.hex(bytes)
	return (bytes:gsub(".", function(c) return string.format("%02x ", c:byte()) end):sub(1, -2))
end

function wire.bytes(text)
	local digits = text:gsub("[%s:,]", "")
	if #digits % 2 ~= 0 or digits:find("%X") then
		error("not hex bytes: '" .. text .. "'", 2)
	end
	return (digits:gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end))
end

-- "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6", with or without braces, to 16 wire bytes.
function wire.guid(text)
	local a, b, c, d, e = text:match("^{?(%x+)%-(%x+)%-(%x+)%-(%x+)%-(%x+)}?$")
	if not a or #a ~= 8 or #b ~= 4 or #c ~= 4 or #d ~= 4 or #e ~= 12 then
		error("not a GUID: '" .. text .. "'", 2)
	end
	return string.pack("<I4I2I2", tonumber(a, 16), tonumber(b, 16), tonumber(c, 16)) ..
		wire.bytes(d .. e)
end

function wire.guid_text(bytes)
	local a, b, c = string.unpack("<I4I2I2", bytes)
	local rest = wire.hex(bytes:sub(9, 16)):gsub(" ", "")
	return string.format("%08x-%04x-%04x-%s-%s", a, b, c, rest:sub(1, 4), rest:sub(5))
end

-- "3.0" to 3, 0.
function wire.version(text)
	local major, minor = tostring(text):match("^(%d+)%.(%d+)$")
	if not major then
		error("not a version: '" .. tostring(text) .. "' (write it as text: \"3.0\")", 2)
	end
	return tonumber(major), tonumber(minor)
end

function wire.version_text(major, minor)
	return string.format("%d.%d", major, minor)
end

-- "10.0.0.1" or "fe80::1" to 4 or 16 bytes; nil if it is neither.
function wire.address(text)
	local a, b, c, d = text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
	if a then
		for _, n in ipairs{a, b, c, d} do
			if tonumber(n) > 255 then return nil end
		end
		return string.char(a, b, c, d)
	end
	local function groups(part)
		local list = {}
		for g in (part .. ":"):gmatch("([^:]*):") do
			if #g > 4 or not g:match("^%x+$") then return nil end
			list[#list + 1] = string.pack(">I2", tonumber(g, 16))
		end
		return list
	end
	local head, tail = text:match("^(.-)::(.*)$")
	if not head then
		local all = groups(text)
		return all and #all == 8 and table.concat(all) or nil
	end
	head = head == "" and {} or groups(head)
	tail = tail == "" and {} or groups(tail)
	if not head or not tail or #head + #tail > 7 then return nil end
	return table.concat(head) .. ("\0\0"):rep(8 - #head - #tail) .. table.concat(tail)
end

-- 4 or 16 bytes to text; v6 with the longest run of zero groups shortened.
function wire.address_text(bytes)
	if #bytes == 4 then
		return string.format("%d.%d.%d.%d", bytes:byte(1, 4))
	end
	local group, best, best_len = {}, 0, 1
	for i = 1, 8 do group[i] = string.unpack(">I2", bytes, i * 2 - 1) end
	local i = 1
	while i <= 8 do
		local n = 0
		while i + n <= 8 and group[i + n] == 0 do n = n + 1 end
		if n > best_len then best, best_len = i, n end
		i = i + math.max(n, 1)
	end
	local function join(from, to)
		local out = {}
		for k = from, to do out[#out + 1] = string.format("%x", group[k]) end
		return table.concat(out, ":")
	end
	if best == 0 then return join(1, 8) end
	return join(1, best - 1) .. "::" .. join(best + best_len, 8)
end

-- base64, as the guest's command of that name reads and writes it

local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local value = {}
for i = 1, #letters do value[letters:byte(i)] = i - 1 end

function wire.base64(bytes)
	local out = {}
	for at = 1, #bytes, 3 do
		local a, b, c = bytes:byte(at, at + 2)
		local n = a << 16 | (b or 0) << 8 | (c or 0)
		for i, shift in ipairs{18, 12, 6, 0} do
			local k = (n >> shift & 63) + 1
			out[#out + 1] = i > (c and 4 or b and 3 or 2) and "=" or letters:sub(k, k)
		end
		if at % 57 == 55 then out[#out + 1] = "\n" end
	end
	return table.concat(out)
end

function wire.unbase64(text)
	local out, n, bits = {}, 0, 0
	for i = 1, #text do
		local v = value[text:byte(i)]
		if v then
			n, bits = (n << 6 | v) & 0xffffff, bits + 6
			if bits >= 8 then
				bits = bits - 8
				out[#out + 1] = string.char(n >> bits & 255)
			end
		end
	end
	return table.concat(out)
end

return wire
