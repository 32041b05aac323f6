-- SPDX-License-Identifier: GPL-2.0-only
-- KVP messages as tables, and back (docs/protocol.md section 2), with the host's
-- demands on every answer (section 3).

local wire = require "wire"
local ic = require "ic"

local kvp = {
	OP = { get = 0, set = 1, delete = 2, enumerate = 3, get_ip = 4, set_ip = 5 },
	POOL = { external = 0, guest = 1, auto = 2, parameter = 3, internal = 4 },
	TYPE = { sz = 1, expand_sz = 2, dword = 4, qword = 11, qword8 = 8 },
	STATUS = ic.STATUS,
	status_name = ic.status_name,
	EXCHANGE = 2580,	-- bytes of a GET, SET, DELETE, ENUMERATE message
	IP = 7428,		-- bytes of an IP message
	IP_USED = 3716,		-- bytes of it that the binary form uses
	KEY = 512, VALUE = 2048,
}

local op_name, type_name = {}, {}
for name, n in pairs(kvp.OP) do op_name[n] = name end
for name, n in pairs(kvp.TYPE) do type_name[n] = name end

local function number_of(what, names, kind)
	if math.type(what) == "integer" then return what end
	return names[what] or error("no " .. kind .. " is named '" .. tostring(what) .. "'", 0)
end

-- Bytes for a value of a type: text, integer or raw bytes.
local function value_bytes(value, vtype)
	if math.type(value) == "integer" then
		return string.pack(vtype == 4 and "<I4" or "<i8", vtype == 4 and value & 0xffffffff or value)
	elseif vtype == 1 or vtype == 2 then
		return wire.utf16(value) .. "\0\0"
	end
	return value
end

local function pad(bytes, size, what)
	if #bytes > size then
		ic.fail("%s of %d bytes does not fit its field of %d: set %s_size to send a false length", what,
			#bytes, size, what)
	end
	return bytes .. wire.zeros(size - #bytes)
end

-- The body of a request. Fields: README.md, request{}.
function kvp.body(t)
	if t.body then return t.body end
	local op = number_of(t.op, kvp.OP, "operation")
	local pool = number_of(t.pool or 0, kvp.POOL, "pool")
	local vtype = number_of(t.type or "sz", kvp.TYPE, "value type")
	local key = t.key_bytes or (t.key and wire.utf16(t.key) .. "\0\0") or ""
	local value = t.value_bytes or (t.value ~= nil and value_bytes(t.value, vtype)) or ""
	local key_size, value_size = t.key_size or #key, t.value_size or #value
	local head, body, size = string.pack("<BBI2", op, pool, 0), nil, kvp.EXCHANGE

	key, value = pad(key, kvp.KEY, "key"), pad(value, kvp.VALUE, "value")
	if op == kvp.OP.delete then
		body = head .. string.pack("<I4", key_size) .. key
	elseif op == kvp.OP.enumerate then
		body = head .. string.pack("<I4I4I4I4", t.index or 0, t.type and vtype or 0,
			t.key_size or 0, t.value_size or 0) .. key .. value
	elseif op == kvp.OP.get_ip or op == kvp.OP.set_ip then
		body = head:sub(1, 2) .. (t.ip or kvp.ip_body(t))
		size = kvp.IP
	else
		-- GET asks with a type and a value that mean nothing yet.
		if op == kvp.OP.get and t.type == nil then vtype = 0 end
		body = head .. string.pack("<I4I4I4", vtype, key_size, value_size) .. key .. value
	end
	size = t.size or size
	return #body == size and body or (body .. wire.zeros(size - #body)):sub(1, size)
end

-- A string field of an answer: size in bytes with the NUL, at most max.
local function string_field(bytes, size, max, what)
	if size == 0 then
		ic.rule("%s size is 0: it includes the NUL", what)
	elseif size % 2 ~= 0 then
		ic.rule("%s size %d is odd", what, size)
	elseif size > max then
		ic.rule("%s size %d is over %d", what, size, max)
	elseif bytes:sub(size - 1, size) ~= "\0\0" then
		ic.rule("%s of %d bytes does not end with a NUL", what, size)
	end
	local text, why = wire.text(bytes:sub(1, size - 2))
	if not text then
		ic.rule("%s is no valid UTF-16: %s", what, why)
	end
	return text
end

local function value_field(r, bytes, vtype, size)
	r.type, r.type_number, r.value_size = type_name[vtype] or vtype, vtype, size
	r.value_bytes = bytes:sub(1, math.min(size, #bytes))
	if vtype == 1 or vtype == 2 then
		r.value = string_field(bytes, size, kvp.VALUE, "value")
	elseif vtype == 4 then
		if size ~= 4 then ic.rule("a DWORD value has %d bytes instead of 4", size) end
		r.value = string.unpack("<I4", bytes)
	elseif vtype == 11 then
		if size ~= 8 then ic.rule("a QWORD value has %d bytes instead of 8", size) end
		r.value = string.unpack("<i8", bytes)
	else
		ic.rule("unknown value type %d", vtype)
	end
end

-- IP messages. Lists are of text; both forms give the same table.

local FAMILY = { none = 0, v4 = 1, v6 = 2, both = 3 }

local function text_field(text, units, what)
	local bytes = wire.utf16(text)
	if #bytes > units * 2 - 2 then
		ic.fail("%s of %d units does not fit %d", what, #bytes // 2, units - 1)
	end
	return bytes .. ("\0"):rep(units * 2 - #bytes)
end

local function joined(list)
	local out = {}
	for i, v in ipairs(list or {}) do out[i] = tostring(v) end
	return table.concat(out, ";")
end

local function pack_list(list, max, size)
	local out = {}
	for i = 1, max do out[i] = list[i] or ("\0"):rep(size) end
	return table.concat(out)
end

local function split(list)
	local v4, v6 = {}, {}
	for _, text in ipairs(list or {}) do
		local bytes = wire.address(text) or ic.fail("no address: '%s'", text)
		table.insert(#bytes == 4 and v4 or v6, bytes)
	end
	return v4, v6
end

-- Text form at body offset 2, binary form too: both without operation and pool.
function kvp.ip_body(t)
	local form = t.form or (wire.version(ic.talk.msg) >= 5 and "binary" or "text")
	local family, dhcp = FAMILY[t.family] or t.family or 0, t.dhcp
	if math.type(dhcp) ~= "integer" then dhcp = dhcp and 1 or 0 end
	if form == "text" then
		return text_field(t.adapter or "", 128, "adapter") .. string.char(family, dhcp) ..
			text_field(joined(t.addresses), 1024, "addresses") ..
			text_field(joined(t.subnets), 1024, "subnets") ..
			text_field(joined(t.gateways), 512, "gateways") ..
			text_field(joined(t.dns), 1024, "dns")
	end
	local a4, a6 = split(t.addresses)
	local g4, g6 = split(t.gateways)
	local d4, d6 = split(t.dns)
	local m4, p6, origins = {}, {}, {}
	for _, s in ipairs(t.subnets or {}) do
		local prefix = tostring(s):match("^/?(%d+)$")
		if prefix then
			p6[#p6 + 1] = string.pack("<I4", tonumber(prefix))
		else
			m4[#m4 + 1] = wire.address(s) or ic.fail("no subnet: '%s'", s)
		end
	end
	for _, o in ipairs(t.origins or {}) do origins[#origins + 1] = string.pack("<I2", o) end
	local n = t.counts or { #a4, #a6, #g4, #g6, #d4, #d6 }
	return "\0\0" .. string.pack("<I4I4I4I4I4I4", table.unpack(n)) ..
		text_field(t.adapter or "", 128, "adapter") .. string.char(family, dhcp) .. "\0\0" ..
		pack_list(a4, 64, 4) .. pack_list(a6, 64, 16) .. pack_list(m4, 64, 4) ..
		pack_list(p6, 64, 4) .. pack_list(g4, 5, 4) .. pack_list(g6, 5, 16) ..
		pack_list(d4, 64, 4) .. pack_list(d6, 64, 16) .. pack_list(origins, 128, 2)
end

local function ip_text(bytes, what)
	local text, why = wire.field_text(bytes)
	if not text then ic.rule("%s: %s", what, why) end
	return text
end

local function ip_list(bytes, what)
	local out = {}
	for item in ip_text(bytes, what):gmatch("[^;]+") do out[#out + 1] = item end
	return out
end

function kvp.parse_ip_text(r, body)
	r.form = "text"
	r.adapter = ip_text(body:sub(3, 258), "adapter id")
	r.family, r.dhcp = body:byte(259), body:byte(260) ~= 0
	r.addresses = ip_list(body:sub(261, 2308), "addresses")
	r.subnets = ip_list(body:sub(2309, 4356), "subnets")
	r.gateways = ip_list(body:sub(4357, 5380), "gateways")
	r.dns = ip_list(body:sub(5381, 7428), "DNS servers")
end

function kvp.parse_ip_binary(r, body)
	local n = { string.unpack("<I4I4I4I4I4I4", body, 5) }
	local function list(offset, count, size, into)
		for i = 0, count - 1 do
			local at = offset + 1 + i * size
			into[#into + 1] = wire.address_text(body:sub(at, at + size - 1))
		end
		return into
	end
	r.form = "binary"
	if n[1] + n[2] > 128 then ic.rule("%d addresses: more than 128", n[1] + n[2]) end
	for i, what in ipairs{"IPv4 addresses", "IPv6 addresses"} do
		if n[i] > 64 then ic.rule("%d %s: more than 64", n[i], what) end
	end
	for i, what in ipairs{"IPv4 gateways", "IPv6 gateways"} do
		if n[i + 2] > 5 then ic.rule("%d %s: more than 5", n[i + 2], what) end
	end
	for i, what in ipairs{"IPv4 DNS servers", "IPv6 DNS servers"} do
		if n[i + 4] > 64 then ic.rule("%d %s: more than 64", n[i + 4], what) end
	end
	r.adapter = ip_text(body:sub(29, 284), "adapter id")
	r.family, r.dhcp = body:byte(285), body:byte(286) ~= 0
	r.addresses = list(544, n[2], 16, list(288, n[1], 4, {}))
	r.subnets = list(1568, n[1], 4, {})
	for i = 0, n[2] - 1 do
		r.subnets[#r.subnets + 1] = tostring((string.unpack("<I4", body, 1825 + i * 4)))
	end
	r.gateways = list(2100, n[4], 16, list(2080, n[3], 4, {}))
	r.dns = list(2436, n[6], 16, list(2180, n[5], 4, {}))
	r.origins = {}
	for i = 0, n[1] + n[2] - 1 do
		r.origins[i + 1] = string.unpack("<I2", body, 3461 + i * 2)
	end
end

-- The answer to a request, judged and taken apart.
function kvp.answer(packet, op, pool, form)
	local body = packet.body
	local r = {
		status = packet.status, ok = packet.status == 0, us = packet.us, body = body,
		status_name = kvp.status_name(packet.status), ic_size = packet.ic_size,
		op = op_name[body:byte(1)] or body:byte(1), pool = body:byte(2),
		fw = packet.fw, kvp = packet.kvp,
	}
	r.echo = body:byte(1) == op and body:byte(2) == pool
	if not r.ok then return r end	-- an error status is never fatal
	if op == kvp.OP.enumerate then
		if #body < kvp.EXCHANGE then
			ic.rule("a successful ENUMERATE answer of %d bytes instead of %d", #body, kvp.EXCHANGE)
		end
		local index, vtype, key_size, value_size = string.unpack("<I4I4I4I4", body, 5)
		r.index = index
		r.key = string_field(body:sub(21, 532), key_size, kvp.KEY, "key")
		value_field(r, body:sub(533, 2580), vtype, value_size)
	elseif op == kvp.OP.get then
		if #body < kvp.EXCHANGE - 4 then
			ic.rule("a successful GET answer of %d bytes", #body)
		end
		local vtype, key_size, value_size = string.unpack("<I4I4I4", body, 5)
		r.key = string_field(body:sub(17, 528), key_size, kvp.KEY, "key")
		value_field(r, body:sub(529, 2576), vtype, value_size)
	elseif op == kvp.OP.get_ip then
		if #body < kvp.IP_USED or (form == "text" and #body < kvp.IP) then
			ic.rule("a successful IP answer of %d bytes", #body)
		end
		kvp["parse_ip_" .. form](r, body)
	end
	return r
end

local function short(value)
	if type(value) == "string" and #value > 200 then
		return value:sub(1, 197) .. "..."
	end
	return value
end

local function emit_op(asked, r)
	if ic.on_latency then
		ic.on_latency(r.us)
		return
	end
	local addresses = r.addresses or asked.addresses
	native.emit("op", "op", asked.op, "pool", asked.pool, "index", asked.index,
		"key", short(r.key or asked.key), "type", r.type or asked.type,
		"value", short(r.value == nil and asked.value or r.value),
		"adapter", asked.adapter, "addresses", short(addresses and table.concat(addresses, " ")), "status", r.status, "status_name", r.status_name,
		"us", math.floor(r.us))
end

-- What is said about a request in messages: "SET 1 'name'".
local function title(op, t)
	local name = op_name[op] and op_name[op]:upper() or "operation " .. op
	return name .. (t.key and " '" .. short(t.key) .. "'" or t.index and " " .. t.index or "")
end

local function numbers(t)
	local op = t.body and (t.body:byte(1) or 0) or number_of(t.op or 0, kvp.OP, "operation")
	local pool = t.body and (t.body:byte(2) or 0) or number_of(t.pool or 0, kvp.POOL, "pool")
	return op, pool
end

local function form_of(t)
	return t.form or (wire.version(ic.talk.msg) >= 5 and "binary" or "text")
end

-- Post a request without waiting; kvp.late() takes its answer.
function kvp.post(t)
	-- Another component answers with success whatever it does not know.
	if ic.talk.type ~= ic.KVP then
		ic.fail("the current channel is %s's: bus.wait_open(SECONDS, bus.kvp) makes it KVP's", ic.talk.channel.device.name)
	end
	local op = numbers(t)
	local frame = { body = kvp.body(t) }
	for _, k in ipairs{"signal", "id", "fw", "kvp"} do frame[k] = t[k] end
	frame.request = t
	ic.ask(frame, title(op, t))
end

function kvp.late(timeout)
	local packet, asked = ic.answer(timeout or 10)
	local t = asked.seen.request
	if not t then return packet end
	local op, pool = numbers(t)
	local r = kvp.answer(packet, op, pool, form_of(t))
	emit_op({ op = op_name[op] or op, pool = pool, key = t.key, index = t.index, value = t.value,
		type = t.type, adapter = t.adapter, addresses = t.addresses }, r)
	return r
end

function kvp.request(t)
	if #ic.talk.pending > 0 then
		ic.fail("%s is still unanswered: take its answer with late_answer() first",
			ic.talk.pending[1].what)
	end
	kvp.post(t)
	return kvp.late(t.timeout)
end

return kvp
