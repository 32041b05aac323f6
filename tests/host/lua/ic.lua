-- SPDX-License-Identifier: GPL-2.0-only
-- Integration-component framing: pipe header, IC header, negotiation, and the one
-- conversation on the current channel (docs/protocol.md sections 1 and 3).

local wire = require "wire"
local bus = require "bus"

local ic = {
	NEGOTIATE = 0,
	KVP = 2,
	PIPE_MAX = 13312,	-- longest packet that a host takes
	SETTLE = 0.02,		-- seconds in which an extra packet would show
	RESYNC = 35,		-- longest wait for answers that a failed case left behind
	TYPES = { kvp = 2 },	-- IC message type of each class of device
	STATUS = {
		S_OK = 0, NO_MORE_ITEMS = 0x80070103, E_FAIL = 0x80004005,
		INVALIDARG = 0x80070057, GUID_NOTFOUND = 0x80041002, NOT_SUPPORTED = 0x80070032,
	},
}

local status_name = {}
for name, n in pairs(ic.STATUS) do status_name[n] = name end

function ic.status_name(status)
	return status_name[status] or string.format("0x%08x", status)
end

-- What was agreed on the current channel, and the requests that await an answer.
-- Each channel has its own; ic.talk is the current one's.
local talk = { channel = nil, fw = "0.0", msg = "0.0", type = ic.KVP, pending = {} }
ic.talk = talk
ic.talks = {}	-- of all channels that were ever current

-- A bench counts operations instead of an event for each; see test.lua.
ic.on_latency = nil

-- An error of the guest's: ends the case; test.lua adds the case file's line.
function ic.fail(text, ...)
	error(setmetatable({ text = string.format(text, ...) },
		{ __tostring = function(e) return e.text end }), 0)
end
local fail = ic.fail

local function rule(text, ...)
	fail("broken rule of docs/protocol.md section 3: " .. text, ...)
end
ic.rule = rule

function ic.use(channel)
	if not channel.talk then
		channel.talk = { channel = channel, fw = "0.0", msg = "0.0", pending = {},
			type = ic.TYPES[channel.device and channel.device.kind] or ic.KVP }
		table.insert(ic.talks, channel.talk)
	end
	talk = channel.talk
	ic.talk = talk
end

local function channel()
	if not talk.channel then
		fail("no channel: call bus.wait_open() first")
	end
	return talk.channel
end

-- The payload of a ring packet. Every field may be given, valid or not; see README.md, "Malformed packets".
function ic.frame(f)
	local fw_major, fw_minor = wire.version(f.fw or talk.fw)
	local msg_major, msg_minor = wire.version(f.version or f.kvp or talk.msg)
	local body = f.body or ""
	local packet = f.ic or string.pack("<I2I2I2I2I2I2I4BBI2",
		fw_major, fw_minor, f.msg or talk.type, msg_major, msg_minor, f.ic_size or #body,
		f.status or 0, f.ic_id or 0, f.ic_flags or 3, f.ic_reserved or 0) .. body
	return f.bytes or string.pack("<I4I4", f.pipe_type or 1, f.pipe_len or #packet) .. packet
end

-- Send one packet; returns the time at which the guest could see it, in nanoseconds.
function ic.send(f)
	return channel():send_payload(ic.frame(f), f)
end

-- Look into a packet without judging it: fields are nil where it is too short.
function ic.look(packet)
	local p = packet.payload
	if #p >= 8 then
		packet.pipe_type, packet.pipe_len = string.unpack("<I4I4", p)
	end
	if #p >= 28 then
		local fa, fi, ma, mi
		fa, fi, packet.msg, ma, mi, packet.ic_size, packet.status, packet.ic_id,
			packet.ic_flags, packet.ic_reserved = string.unpack("<I2I2I2I2I2I2I4BBI2", p, 9)
		packet.fw, packet.version = wire.version_text(fa, fi), wire.version_text(ma, mi)
		packet.kvp = packet.version
		local last = 8 + packet.pipe_len
		packet.body = p:sub(29, last >= 28 and last or nil)
	end
	return packet
end

-- The rules for every answer.
function ic.check(packet)
	local p = packet.payload
	if packet.type ~= 6 then
		rule("ring packet type must be 6 (in-band), not %d", packet.type)
	elseif #p < 8 then
		rule("a packet of %d bytes has no pipe header", #p)
	end
	ic.look(packet)
	if packet.pipe_type ~= 1 then
		rule("pipe type must be 1, not %d", packet.pipe_type)
	elseif packet.pipe_len > ic.PIPE_MAX then
		rule("pipe length %d is over %d", packet.pipe_len, ic.PIPE_MAX)
	elseif packet.pipe_len > #p - 8 then
		rule("pipe length %d is over the %d bytes in the ring", packet.pipe_len, #p - 8)
	elseif packet.pipe_len < 20 then
		rule("a packet of %d bytes has no IC header (20)", packet.pipe_len)
	elseif packet.ic_size > packet.pipe_len - 20 then
		rule("IC size field %d is larger than the body of %d bytes", packet.ic_size,
			packet.pipe_len - 20)
	elseif packet.ic_id ~= 0 then
		rule("IC transaction id must be 0, not %d", packet.ic_id)
	elseif packet.ic_flags & 1 == 0 then
		rule("the TRANSACTION flag (1) is missing in flags 0x%02x", packet.ic_flags)
	elseif packet.ic_flags & 4 == 0 then
		rule("the RESPONSE flag (4) is missing in flags 0x%02x", packet.ic_flags)
	end
	return packet
end

-- Exactly one answer per request: nothing may wait while nothing was asked.
function ic.check_quiet(when)
	if not talk.channel then return end
	local found = native.unsignalled(talk.channel.number)
	local packet = talk.channel:recv(0)
	if packet then
		ic.look(packet)
		rule("exactly one answer per request: an extra packet of %d bytes (IC type %s, " ..
			"status %s%s) %s", #packet.payload, packet.msg or "?",
			packet.status and string.format("0x%x", packet.status) or "?",
			found > 0 and ", and no signal came for it" or "", when)
	end
end

-- At the end of a case: nothing is unanswered, and no channel has a packet left.
function ic.check_end()
	local current, open = talk.channel, false
	for _, t in ipairs(ic.talks) do
		if #t.pending > 0 then
			fail("at the end of the case %s is still unanswered", t.pending[1].what)
		end
		open = open or t.channel:is_open()
	end
	if open then native.sleep(ic.SETTLE) end	-- sleep: nothing may come in this time
	for _, t in ipairs(ic.talks) do
		if t.channel:is_open() then
			ic.use(t.channel)
			ic.check_quiet("came before the end of the case")
		end
	end
	if current then ic.use(current) end
end

-- Ask, without waiting. What is asked must be answered before anything else is asked.
function ic.ask(f, what)
	if #talk.pending == 0 then
		ic.check_quiet("before " .. what .. " was sent")
	end
	local at = ic.send(f)
	table.insert(talk.pending, { what = what, at = at, msg = f.msg or talk.type, seen = f })
end

-- The answer to the oldest question, checked; .us is its latency.
function ic.answer(timeout)
	local asked = talk.pending[1]
	if not asked then
		fail("nothing was asked, so no answer can be waited for")
	end
	local packet = channel():recv(timeout)
	if not packet then
		local state = channel():state()
		if state ~= "open" then
			table.remove(talk.pending, 1)
			fail("the channel is %s: no answer to %s", state, asked.what)
		end
		local broken = native.channel(channel().number).broken
		if broken then
			fail("no answer to %s: the guest's ring is corrupt: %s", asked.what, broken)
		end
		fail("no answer to %s within %g s", asked.what, timeout)
	end
	table.remove(talk.pending, 1)
	packet.us = (packet.arrived - asked.at) / 1000
	ic.check(packet)
	if packet.unsignalled then
		fail("the answer to %s is in the ring, but no signal came for it", asked.what)
	elseif packet.msg ~= asked.msg then
		rule("the answer to %s has IC message type %d instead of %d", asked.what, packet.msg,
			asked.msg)
	end
	return packet, asked
end

function ic.transact(f, what, timeout)
	if #talk.pending > 0 then
		fail("%s is still unanswered: take its answer with late_answer() before %s",
			talk.pending[1].what, what)
	end
	ic.ask(f, what)
	return ic.answer(timeout)
end

-- All that was sent before has been answered, or never will be: returns the packets that came, which count for nothing
-- any more. A negotiation is sent behind them, whose answer is known by its transaction id; a guest that reads one
-- packet for each interrupt gets more interrupts. A pause without a packet would prove nothing on a busy machine.
local BARRIER, barriers = 0x62617272 << 32, 0
function ic.discard_answers(timeout)
	local agreed = talk.msg ~= "0.0"
	local fw, msg = agreed and { talk.fw } or { "1.0", "3.0" }, agreed and { talk.msg } or { "3.0", "4.0", "5.0" }
	local deadline = native.now() + (timeout or 30) * native.patience
	local found = {}
	barriers = barriers + 1
	local id = BARRIER | barriers
	ic.send{ msg = ic.NEGOTIATE, fw = "0.0", version = "0.0", body = ic.negotiate_body(fw, msg), id = id }
	while true do
		local packet = channel():recv(0.1)
		if packet and packet.id == id then
			talk.pending = {}
			return found
		elseif packet then
			found[#found + 1] = ic.look(packet)
		elseif not channel():is_open() then
			fail("the channel is %s: no answer to a negotiation", channel():state())
		elseif native.now() >= deadline then
			fail("no answer to a negotiation within %g s", timeout or 30)
		else
			channel():signal()
		end
	end
end

-- Bring the channel back to silence after a failure; returns the packets thrown away.
function ic.resync()
	local thrown = 0
	if not talk.channel then return 0 end
	local until_time = native.now() + ic.RESYNC
	-- A guest that has left packets in its ring reads them now.
	if #talk.pending > 0 then talk.channel:signal() end
	while true do
		local left = #talk.pending > 0 and math.max(until_time - native.now(), 0) or ic.SETTLE
		local packet = talk.channel:recv(left)
		if not packet then
			talk.pending = {}
			return thrown
		end
		thrown = thrown + 1
		table.remove(talk.pending, 1)
	end
end

function ic.resync_all()
	local current, thrown = talk.channel, 0
	for _, t in ipairs(ic.talks) do
		ic.use(t.channel)
		thrown = thrown + ic.resync()
	end
	if current then ic.use(current) end
	return thrown
end

-- The guest boots again: what was asked before will never be answered.
function ic.forget()
	for _, t in ipairs(ic.talks) do t.pending = {} end
	ic.talks = {}
end

-- The body of a negotiate request.
function ic.negotiate_body(fw, msg)
	local out = { string.pack("<I2I2I4", #fw, #msg, 0) }
	for _, list in ipairs{fw, msg} do
		for _, v in ipairs(list) do
			out[#out + 1] = string.pack("<I2I2", wire.version(v))
		end
	end
	return table.concat(out)
end

local function offered(list, version)
	for _, v in ipairs(list) do
		if v == version then return true end
	end
	return false
end

-- Negotiate; what was agreed counts from here on. No common version: .fw and .version are nil.
-- .kvp is another name of .version, as the field `kvp` is of `versions`.
function ic.negotiate(f)
	local fw, msg = f.fw or { "1.0", "3.0" }, f.versions or f.kvp or { "3.0", "4.0", "5.0" }
	local packet = ic.transact({ msg = ic.NEGOTIATE, fw = "0.0", kvp = "0.0",
		body = f.body or ic.negotiate_body(fw, msg) }, "the negotiation", f.timeout or 10)
	local r = { status = packet.status, us = packet.us, body = packet.body, packet = packet }

	if #packet.body < 8 then
		rule("a negotiate answer with a body of %d bytes", #packet.body)
	end
	local nfw, nmsg = string.unpack("<I2I2", packet.body)
	if nfw == 0 and nmsg == 0 then
		r.none = true
	elseif nfw ~= 1 or nmsg ~= 1 then
		rule("negotiate counts must be 1 and 1, not %d and %d", nfw, nmsg)
	elseif #packet.body < 16 then
		rule("a negotiate answer with two versions needs a body of 16 bytes, not %d", #packet.body)
	else
		local a, b, c, d = string.unpack("<I2I2I2I2", packet.body, 9)
		r.fw, r.version = wire.version_text(a, b), wire.version_text(c, d)
		r.kvp = r.version
		if not f.body and (not offered(fw, r.fw) or not offered(msg, r.kvp)) then
			rule("chose %s / %s, which was not offered", r.fw, r.kvp)
		end
		talk.fw, talk.msg = r.fw, r.kvp
	end
	if ic.on_latency then
		ic.on_latency(r.us)
	else
		native.emit("negotiated", "fw", r.fw, talk.type == ic.KVP and "kvp" or "version", r.kvp,
			"device", talk.type ~= ic.KVP and talk.channel.device.name or nil, "us", math.floor(r.us))
	end
	return r
end

return ic
