-- SPDX-License-Identifier: GPL-2.0-only
-- Integration components on one layer: a device of a class, its channel, negotiation, requests and checked answers.
-- heartbeat.lua, shutdown.lua, timesync.lua, vss.lua and fcopy.lua define theirs with it; a case file can define another (README.md).

local ic = require "ic"
local bus = require "bus"
local wire = require "wire"

local Component = {}
Component.__index = Component

-- A component. Fields:
--   name      for messages and events; also the device's class, unless `class` has another (a GUID or a name of bus.lua)
--   type      IC message type
--   versions  message versions that a host of today offers
--   fw        framework versions (1.0 and 3.0)
--   pack      function(request, version) -> body
--   unpack    function(answer, body, request): adds fields to the answer, fails with ic.rule() if a rule is broken
local function define(fields)
	fields.fw = fields.fw or { "1.0", "3.0" }
	fields.class = fields.class or fields.name
	ic.TYPES[fields.class] = fields.type
	return setmetatable(fields, Component)
end

-- Offer the device to the guest. What is given goes to bus.offer{}.
function Component:offer(more)
	local fields = { class = self.class, name = self.name }
	for k, v in pairs(more or {}) do fields[k] = v end
	self.device = bus.offer(fields)
	return self
end

function Component:wait_open(timeout)
	self.channel = bus.wait_open(timeout or 30, self.device)
	return self.channel
end

function Component:wait_reopen(timeout)
	ic.use(self.channel)
	self.channel = bus.wait_reopen(timeout or 30, self.device)
	return self.channel
end

-- The component's conversation is the current one from here on.
function Component:use()
	if not self.channel then ic.fail("%s: call wait_open() first", self.name) end
	ic.use(self.channel)
end

function Component:negotiate(f)
	f = f or {}
	self:use()
	local r = ic.negotiate{ fw = f.fw or self.fw, versions = f.versions or self.versions, body = f.body,
		timeout = f.timeout }
	if r.version then self.version = r.version end
	return r
end

-- What a message says of a request.
function Component:title(t)
	return t.what or self.name
end

-- Send a request and do not wait; answer() takes its answer.
function Component:post(t)
	t = t or {}
	self:use()
	local frame = { body = t.body or self.pack(t, self.version or self.versions[#self.versions]), request = t }
	for _, k in ipairs{"signal", "id", "fw", "version", "msg", "ic_size", "ic_flags", "ic_id", "pipe_len", "pipe_type"} do
		frame[k] = t[k]
	end
	ic.ask(frame, self:title(t))
end

function Component:answer(timeout)
	self:use()
	local packet, asked = ic.answer(timeout or 10)
	local request = asked.seen.request or {}
	local r = { status = packet.status, ok = packet.status == 0, status_name = ic.status_name(packet.status),
		us = packet.us, body = packet.body, version = packet.version, packet = packet }
	if r.ok and self.unpack and not request.body then
		self.unpack(r, packet.body, request, self.version)
	end
	if ic.on_latency then
		ic.on_latency(r.us)
	else
		native.emit("ic", "component", self.name, "what", asked.what, "status", r.status,
			"status_name", r.status_name, "us", math.floor(r.us))
	end
	return r
end

function Component:request(t, timeout)
	self:use()
	if #ic.talk.pending > 0 then
		ic.fail("%s is still unanswered: take its answer with answer() first", ic.talk.pending[1].what)
	end
	self:post(t)
	return self:answer(timeout or t and t.timeout)
end

-- One packet in which every field may be wrong (README.md, raw{}); waits for nothing.
function Component:raw(f)
	self:use()
	return ic.send(f)
end

function Component:expect_no_answer(ms)
	self:use()
	expect_no_answer(ms)
end

-- A field of at least this many bytes, in an answer that must have it.
function Component.need(body, bytes, what)
	if #body < bytes then
		ic.rule("a successful %s answer of %d bytes instead of %d", what, #body, bytes)
	end
end

-- Every pair of framework and message version is negotiated as it should be; `best(fw, version)` says what the guest
-- must choose: a version, or nil for none. Leaves the channel negotiated to the default.
function Component:check_matrix(lists, best)
	for _, list in ipairs(lists) do
		local r = self:negotiate{ fw = list.fw, versions = list.versions }
		local fw, version = best(list)
		if r.fw ~= fw or r.version ~= version then
			ic.fail("offered %s / %s: the guest chose %s / %s, wanted %s / %s", table.concat(list.fw, " "),
				table.concat(list.versions, " "), r.fw or "none", r.version or "none", fw or "none", version or "none")
		end
	end
	return self:negotiate()
end

-- The highest of `offered` that is in `known`; nil if none is.
local function highest(offered, known)
	local found, value
	for _, v in ipairs(offered) do
		local major, minor = wire.version(v)
		for _, k in ipairs(known) do
			if k == v and (not value or major << 16 | minor > value) then
				found, value = v, major << 16 | minor
			end
		end
	end
	return found
end

return { define = define, highest = highest, Component = Component }
