-- SPDX-License-Identifier: GPL-2.0-only
-- The bus for scripts: devices, channels, events (README.md, "Bus").

local wire = require "wire"

local bus = {}

local classes = {
	kvp = { "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6", "242ff919-07db-4180-9c2e-b86cb68c8c55" },
	heartbeat = { "57164f39-9115-4e78-ab55-382f3bd5422d", "fd149e91-82e0-4a7d-afa6-2a4166cbd7c0" },
	shutdown = { "0e0b6031-5213-4934-818b-38d90ced39db", "b6650ff7-33bc-4840-8048-e0676786f393" },
	timesync = { "9527e630-d0ae-497b-adce-e80ab0175caf", "2dd1ce17-079e-403c-b352-a1921ee207ee" },
	vss = { "35fa2e29-ea23-4236-96ae-3a6ebacba440", "5ced1297-4598-4915-a5fc-ad21bb4d02a4" },
	fcopy = { "34d14be3-dee4-41c8-9ae7-6b174977c192", "eb765408-105f-49b6-b4aa-c123b64d17d4" },
	disk = { "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f", flags = 0x0001, user = "" },
	nic = { "f8615163-df3e-46c5-913f-f2d2f965ed0e", flags = 0x0001, user = "" },
}

local hooks = {}	-- functions for the next open
local hook_event = 0	-- events before this one have been shown to them
local cursor = {}	-- by name: events before this one have been returned by wait_event()
local first = 0		-- events before this one are not of the present case

local Channel, Device = {}, {}
Channel.__index, Device.__index = Channel, Device

local devices = {}	-- number -> device
local channels = {}	-- number -> channel

local function device_of(number, fields)
	if not devices[number] then
		devices[number] = setmetatable({ number = number, when = "released", delay_ms = 0,
			on_close = false }, Device)
	end
	for k, v in pairs(fields or {}) do devices[number][k] = v end
	return devices[number]
end

local function channel_of(number)
	if not channels[number] then
		local info = native.channel(number)
		channels[number] = setmetatable({ number = number, id = info.id }, Channel)
	end
	return channels[number]
end

if native.kvp() ~= 0 then
	bus.kvp = device_of(native.kvp(), { name = "kvp", kind = "kvp", on_close = true,
		class = classes.kvp[1], instance = classes.kvp[2] })
end

local function the_device(device, verb)
	device = device or bus.kvp
	if getmetatable(device) ~= Device then
		error(verb .. ": a device from bus.offer{}, or nothing for bus.kvp", 3)
	end
	return device
end

local function run_hooks()
	local n = native.events()
	while hook_event < n do
		local e = native.event(hook_event)
		hook_event = hook_event + 1
		if e.event == "open" and e.value == 0 and #hooks > 0 then
			table.remove(hooks, 1)(channel_of(e.number))
		end
	end
end

-- Wait until fn() returns something true; returns that, or nil at the time limit.
function bus.wait_until(fn, timeout)
	local deadline = native.now() + timeout * native.patience
	while true do
		local seen = native.activity()
		if #hooks > 0 then run_hooks() end
		local result = fn()
		if result then return result end
		local left = deadline - native.now()
		if left <= 0 then return nil end
		native.wait(seen, left)
	end
end

local function fail(text, ...)
	require("ic").fail(text, ...)
end

function bus.version()
	return native.version()
end

function bus.wait_version(timeout)
	return bus.wait_until(native.version, timeout or 30) or
		fail("the guest did not make contact within %g s", timeout or 30)
end

function bus.wait_open(timeout, device)
	device = the_device(device, "bus.wait_open")
	local number = bus.wait_until(function() return native.open_channel(device.number) end,
		timeout or 30)
	if not number then
		fail("the guest did not open the %s channel within %g s", device.name, timeout or 30)
	end
	local ch = channel_of(number)
	ch.device = device
	require("ic").use(ch)
	return ch
end

-- As wait_open, for a channel other than the current one: after a rescind or a close.
function bus.wait_reopen(timeout, device)
	local old = require("ic").talk.channel
	device = the_device(device, "bus.wait_reopen")
	if not bus.wait_until(function()
		local number = native.open_channel(device.number)
		return number and (not old or number ~= old.number)
	end, timeout or 30) then
		fail("the guest did not open a new %s channel within %g s", device.name, timeout or 30)
	end
	return bus.wait_open(1, device)
end

function bus.wait_closed(timeout, device)
	device = the_device(device, "bus.wait_closed")
	return bus.wait_until(function() return not native.open_channel(device.number) end,
		timeout or 10) or
		fail("the %s channel is still open after %g s", device.name, timeout or 10)
end

-- Forget the events so far: wait_event() sees later ones only. Called at a case's start.
function bus.mark_events()
	first, cursor = native.events(), {}
end

function bus.wait_event(name, timeout)
	return bus.wait_until(function()
		local n = native.events()
		for i = cursor[name] or first, n - 1 do
			local e = native.event(i)
			if e.event == name then
				cursor[name] = i + 1
				e.device = devices[e.device]
				return e
			end
		end
	end, timeout or 10) or fail("no bus event '%s' within %g s", name, timeout or 10)
end

function bus.count(name, device)
	local n = 0
	for i = 0, native.events() - 1 do
		local e = native.event(i)
		if e.event == name and (not device or e.device == device.number) then n = n + 1 end
	end
	return n
end

function bus.notes()
	local out = {}
	for i = 0, native.events() - 1 do
		local e = native.event(i)
		if e.event == "note" then out[#out + 1] = e.text end
	end
	return out
end

local made = 0

-- A device that is not offered yet; fields: README.md, bus.offer.
function bus.make(d)
	local class = classes[d.class] or { d.class }
	made = made + 1
	local instance = wire.guid(d.instance or class[2] or
		string.format("10000000-0000-4000-8000-%012x", made))
	local fields = {
		name = d.name or (classes[d.class] and d.class) or "device" .. made,
		kind = d.class, class = class[1], instance = wire.guid_text(instance),
		on_close = d.reoffer == true or (d.reoffer == nil and d.class == "kvp"),
	}
	local number = native.device{
		name = fields.name,
		class = wire.guid(class[1]),
		instance = instance,
		flags = d.flags or class.flags,
		user = d.user or class.user or "\4",
		subchannel = d.subchannel, monitor = d.monitor, mmio = d.mmio,
		rescind_on_close = fields.on_close,
	}
	d = device_of(number, fields)
	if d.class == classes.kvp[1] and not bus.kvp then bus.kvp = d end
	return d
end

function bus.offer(d)
	if getmetatable(d) ~= Device then d = bus.make(d) end
	native.offer(d.number)
	return d
end

function bus.rescind(device)
	device = the_device(device, "bus.rescind")
	return native.rescind(device.number, true) or
		fail("%s cannot be rescinded: it is not offered just now", device.name)
end

function bus.withdraw(device)
	device = the_device(device, "bus.withdraw")
	return native.rescind(device.number, false)
end

function bus.reoffer_policy(p)
	local device = the_device(p.device, "bus.reoffer_policy")
	for _, k in ipairs{"when", "delay_ms", "on_close"} do
		if p[k] ~= nil then device[k] = p[k] end
	end
	native.policy(device.number, device.when, math.floor(device.delay_ms * 1000), device.on_close)
end

function bus.arm(p)
	local device = the_device(p.device, "bus.arm")
	native.arm(device.number, p.at, p.what, p.after_us, p.order == "before", p.status)
end

-- A message of the bus, as a host would send it: its bytes, or type and fields behind the header.
function bus.message(m)
	native.message(type(m) == "string" and m or string.pack("<I4I4", m.type, 0) .. (m.bytes or ""))
end

-- Faults of the hypervisor: README.md, "Bus".
function bus.disturb(d)
	local interrupt = d.what == "message interrupt" or d.what == "event interrupt"
	local kind = (d.what or ""):match("^(%a+) hypercall$") or interrupt and d.what:match("^%a+")
	if not kind then
		error("bus.disturb: what = 'post hypercall', 'signal hypercall', 'message interrupt' or " ..
			"'event interrupt'", 2)
	end
	if not d.delay_us == not d.fail then
		error("bus.disturb: either delay_us = microseconds, or fail = true", 2)
	end
	native.disturb(kind, d.times or 1, d.delay_us or 0, d.fail, d.status)
	return { left = function() return native.disturbed(kind) end }
end

function bus.on_open(fn)
	if #hooks == 0 then hook_event = native.events() end
	hooks[#hooks + 1] = fn
end

-- Channels

function Channel:state()
	return native.channel(self.number).state
end

function Channel:is_open()
	return self:state() == "open"
end

function Channel:info()
	return native.channel(self.number)
end

-- Send one payload; @how has the ring header's fields, see README.md. Returns the time, in ns.
function Channel:send_payload(payload, how)
	local signal = how.signal
	if signal == "auto" then signal = nil end
	local result, at = native.send(self.number, payload, how.ptype, how.flags, how.id,
		how.offset8, how.len8, how.trailer, signal)
	if result ~= "sent" then
		fail("nothing was sent: %s", at)
	end
	return at
end

function Channel:send(f)
	return self:send_payload(require("ic").frame(f), f)
end

-- As send, but false when the ring is full.
function Channel:try_send(f)
	local signal = f.signal
	if signal == "auto" then signal = nil end
	local result, at = native.send(self.number, require("ic").frame(f), f.ptype, f.flags, f.id,
		f.offset8, f.len8, f.trailer, signal)
	if result == "full" then return false end
	if result ~= "sent" then fail("nothing was sent: %s", at) end
	return at
end

-- One packet, or nil at the time limit or when the channel closes.
function Channel:recv(timeout)
	local packet = bus.wait_until(function()
		local p = native.recv(self.number)
		if p then return p end
		return not self:is_open() and "closed"
	end, timeout or 10)
	if not packet and not native.channel(self.number).broken and
	   native.unsignalled(self.number) > 0 then
		packet = native.recv(self.number)
		if packet then packet.unsignalled = true end
	end
	if packet == "closed" then return nil end
	return packet
end

-- Is a packet there, or will one be within so many seconds? It is not taken.
function Channel:pending_within(timeout)
	return bus.wait_until(function() return self:pending() > 0 end, timeout)
end

function Channel:pending()
	return native.channel(self.number).queued
end

function Channel:hold(on)
	native.hold(self.number, on ~= false)
end

function Channel:rings()
	return { to_guest = native.ring(self.number, "to_guest"),
		from_guest = native.ring(self.number, "from_guest") }
end

function Channel:poke(ring, what, bytes)
	if type(what) == "table" then
		for field, value in pairs(what) do
			native.ring_put(self.number, ring, field, value)
		end
	else
		native.ring_poke(self.number, ring, what, bytes)
	end
end

function Channel:peek(ring, offset, len)
	return native.ring_peek(self.number, ring, offset, len)
end

function Channel:signal()
	return native.signal(self.number)
end

return bus
