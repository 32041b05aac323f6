-- SPDX-License-Identifier: GPL-2.0-only
-- Plays the host's side of a capture (pcapng, link type 147) to the guest, and compares its answers with the recorded ones.
--
-- What is compared: versions, message type, size, status and body. Not compared: transaction ids, times, padding, and of a
-- KVP body what lies behind the ends of key and value, which means nothing.

local ic = require "ic"
local kvp = require "kvp"
local bus = require "bus"
local wire = require "wire"
local test = require "test"

local replay = {}

local IC_LINK, HEADER = 147, 20
local SECTION, INTERFACE, PACKET = 0x0a0d0d0a, 1, 6
local OPT_NAME, OPT_FLAGS = 2, 2

-- The value of an option, nil if it is not there.
local function option(block, at, wanted)
	while at + 4 <= #block do
		local code, len = string.unpack("<I2I2", block, at)
		if code == 0 then return nil end
		if code == wanted then return block:sub(at + 4, at + 3 + len) end
		at = at + 4 + (len + 3 & ~3)
	end
end

-- The IC packets of a capture, in order: {number, channel, to_guest, data}. Raises an error if it is no capture.
function replay.parse(bytes)
	local at, number, interfaces, packets = 1, 0, {}, {}
	if #bytes < 12 or string.unpack("<I4", bytes) ~= SECTION then error("this is no pcapng file", 0) end
	if string.unpack("<I4", bytes, 9) ~= 0x1a2b3c4d then error("a capture of the other byte order", 0) end
	while at + 12 <= #bytes + 1 do
		local kind, len = string.unpack("<I4I4", bytes, at)
		if len < 12 or len % 4 ~= 0 or at + len > #bytes + 1 then
			error(string.format("the block at offset %d is damaged", at - 1), 0)
		end
		local block = bytes:sub(at + 8, at + len - 5)
		if kind == SECTION then
			interfaces = {}
		elseif kind == INTERFACE then
			local link = string.unpack("<I2", block)
			table.insert(interfaces, { link = link, name = option(block, 9, OPT_NAME) or "" })
		elseif kind == PACKET then
			number = number + 1
			local interface, _, _, size = string.unpack("<I4I4I4I4", block)
			local from = interfaces[interface + 1]
			if from and from.link == IC_LINK and size >= HEADER and size <= #block - 20 then
				local flags = option(block, 21 + (size + 3 & ~3), OPT_FLAGS)
				local data = block:sub(21, 20 + size)
				-- Without a direction the response bit says whose it is.
				local out = flags and string.unpack("<I4", flags) & 3 == 2
				if not flags or string.unpack("<I4", flags) & 3 == 0 then out = data:byte(18) & 4 == 0 end
				table.insert(packets, { number = number, channel = from.name, to_guest = out, data = data })
			end
		end
		at = at + len
	end
	return packets
end

local components = { kvp = true, heartbeat = require "heartbeat", shutdown = require "shutdown",
	timesync = require "timesync", vss = require "vss" }

-- The class of a channel, by its interface's name: "kvp channel 3".
local function class_of(name)
	local class = name:match("^(%S+)") or "kvp"
	return components[class] and class or "kvp"
end

local function header(data)
	local fa, fi, kind, ma, mi, size, status = string.unpack("<I2I2I2I2I2I2I4", data)
	return { fw = wire.version_text(fa, fi), type = kind, version = wire.version_text(ma, mi), size = size, status = status }
end

-- A KVP body without the bytes that mean nothing.
local function significant(kind, body)
	if kind ~= ic.KVP or #body < 4 then return body end
	local op = body:byte(1)
	local function cut(key_at, value_at, sizes_at)
		if #body < value_at + kvp.VALUE then return body end
		local key, value = string.unpack("<I4I4", body, sizes_at + 1)
		return body:sub(1, key_at) .. body:sub(key_at + 1, key_at + math.min(key, kvp.KEY)) ..
			body:sub(value_at + 1, value_at + math.min(value, kvp.VALUE))
	end
	if op == kvp.OP.get or op == kvp.OP.set then return cut(16, 528, 8) end
	if op == kvp.OP.enumerate then return cut(20, 532, 12) end
	return body
end

local function first_difference(a, b)
	for i = 1, math.max(#a, #b) do
		if a:byte(i) ~= b:byte(i) then return i - 1 end
	end
end

-- What differs between a recorded answer and the present one; nil if nothing does.
function replay.difference(recorded, present)
	local a, b = header(recorded), header(present)
	for _, field in ipairs{ "fw", "type", "version", "size" } do
		if a[field] ~= b[field] then
			return string.format("%s: recorded %s, now %s", field, a[field], b[field])
		end
	end
	if a.status ~= b.status then
		return string.format("status: recorded %s, now %s", ic.status_name(a.status), ic.status_name(b.status))
	end
	-- The body of a failed request means nothing.
	if a.status ~= 0 then return nil end
	local x = significant(a.type, recorded:sub(HEADER + 1))
	local y = significant(a.type, present:sub(HEADER + 1))
	local at = first_difference(x, y)
	if at then
		return string.format("body at offset %d: recorded %s, now %s", at, wire.hex(x:sub(at + 1, at + 16)),
			wire.hex(y:sub(at + 1, at + 16)))
	end
end

local function title(packet)
	local h = header(packet.data)
	if h.type == ic.NEGOTIATE then return "negotiation" end
	if h.type == ic.KVP then
		local op, pool = packet.data:byte(HEADER + 1, HEADER + 2)
		for name, number in pairs(kvp.OP) do
			if number == op then return string.format("%s, pool %d", name:upper(), pool) end
		end
	end
	return string.format("message type %d", h.type)
end

local function open_channels(packets)
	local channels = {}
	for _, p in ipairs(packets) do
		local class = class_of(p.channel)
		if class ~= "kvp" and not components[class].device then components[class]:offer() end
	end
	for _, p in ipairs(packets) do
		local class = class_of(p.channel)
		if not channels[class] then
			channels[class] = class == "kvp" and bus.wait_open(60) or components[class]:wait_open(60)
		end
	end
	return channels
end

-- The answer to the oldest question, compared with the recorded one.
local function compare(packet)
	local answer = ic.answer(60)
	local difference = replay.difference(packet.data, answer.payload:sub(9, 8 + answer.pipe_len))
	if difference then ic.fail("%s", difference) end
end

-- Play a capture: a case for each recorded answer.
function replay.play(path)
	local file = io.open(path, "rb") or error("cannot read " .. path, 0)
	local packets = replay.parse(file:read("a"))
	file:close()
	local channels, asked = open_channels(packets), {}
	for _, p in ipairs(packets) do
		local class = class_of(p.channel)
		asked[class] = asked[class] or {}
		if p.to_guest then
			ic.use(channels[class])
			ic.ask({ ic = p.data, msg = header(p.data).type }, string.format("packet %d", p.number))
			table.insert(asked[class], p)
		elseif #asked[class] > 0 then
			local request = table.remove(asked[class], 1)
			test.case(string.format("packet %d, %s", request.number, title(request)), { unfinished = #asked[class] > 0,
				timeout = 70 }, function()
				ic.use(channels[class])
				compare(p)
			end)
		end
	end
	for class, left in pairs(asked) do
		if #left > 0 then
			native.emit("note", "text", string.format("%s: %d requests were never answered in the capture", class, #left))
			ic.use(channels[class])
			ic.talk.pending = {}
		end
	end
end

return replay
