-- SPDX-License-Identifier: GPL-2.0-only
-- What every integration component must do, whatever its messages mean: cases for a component and one harmless request.

local ic = require "ic"
local bus = require "bus"
local component = require "component"

local conformance = {}

-- Take whatever comes for a while, and forget it.
local function drain(c, ms)
	c:use()
	local n = 0
	while ic.talk.channel:recv(ms / 1000) do n = n + 1 end
	return n
end

-- A guest that left packets in its ring is signalled until it has read and answered them all; returns the answers.
local function unblock(c)
	c:use()
	return ic.discard_answers()
end

-- How many of these requests may be in the ring at once: well below its 12 KiB, and at most 20.
local function window(c, options)
	local body = c.pack(options.request, c.version or c.versions[#c.versions])
	return math.max(2, math.min(20, 9000 // (#body + 64)))
end

-- Lists to offer: each version alone, all, unknown ones beside known ones, none that is known.
local function lists(c)
	local all = { { fw = c.fw, versions = c.versions } }
	for _, fw in ipairs(c.fw) do
		for _, version in ipairs(c.versions) do
			all[#all + 1] = { fw = { fw }, versions = { version } }
		end
	end
	local more = { table.unpack(c.versions) }
	more[#more + 1] = "77.0"
	all[#all + 1] = { fw = { "1.0", "3.0", "9.0" }, versions = more }
	-- Highest first: the order of the list must not matter.
	local back = {}
	for i = #c.versions, 1, -1 do back[#back + 1] = c.versions[i] end
	all[#all + 1] = { fw = { "3.0", "1.0" }, versions = back }
	all[#all + 1] = { fw = { "9.0" }, versions = c.versions }
	all[#all + 1] = { fw = c.fw, versions = { "77.0" } }
	return all
end

-- A guest reads one packet, or none, for an interrupt, and is interrupted only when its ring was empty.
conformance.ONE_PACKET = "the driver reads one packet for each interrupt, what is behind it waits for another"
conformance.ANY_TYPE = { ["5.10"] = "every type but a negotiation counts as a request of the component" }
conformance.STOPS = "a malformed packet ends the reading, and what is behind it waits for another interrupt"

-- Cases of the framing. Options:
--   request      a request table that changes nothing in the guest
--   fw, versions what the guest is known to speak (the component's own lists)
--   truncated    bytes of the body that are too few (0)
--   known        {case = peer_fails value}, for defects that are known
function conformance.framing(c, options)
	local known = options.known or {}
	local fw, versions = options.fw or c.fw, options.versions or c.versions

	local function with(name, more)
		local o = more or {}
		o.peer_fails = known[name]
		return o
	end

	local function check_alive()
		unblock(c)
		expect(c:negotiate().version ~= nil)
		c:request(options.request)
	end

	case("negotiation: the highest common version wins, in any order", with("matrix"), function()
		c:check_matrix(lists(c), function(list)
			local f, v = component.highest(list.fw, fw), component.highest(list.versions, versions)
			if not f or not v then return nil, nil end
			return f, v
		end)
	end)

	case("negotiation again on an open channel, as after a restore: the newer one counts", with("restore"), function()
		for _, version in ipairs(versions) do
			local r = c:negotiate{ versions = { version } }
			expect(r.version, version)
			local answer = c:request(options.request)
			expect(answer.version, version, "version in the answer")
		end
		c:negotiate()
	end)

	case("a negotiation whose counts are false", with("counts", {extra_ok = true}), function()
		for _, counts in ipairs{ {0xffff, 0xffff}, {1, 100}, {100, 1}, {0, 0} } do
			c:raw{ msg = ic.NEGOTIATE, fw = "0.0", version = "0.0",
				body = string.pack("<I2I2I4I2I2I2I2", counts[1], counts[2], 0, 3, 0, 3, 0) }
			drain(c, 50)
		end
		check_alive()
	end)

	case("a request with an IC header and no body", with("truncated", {extra_ok = true}), function()
		c:raw{ body = ("\1"):rep(options.truncated or 0) }
		drain(c, 100)
		check_alive()
	end)

	case("a message type that does not exist is not answered as a request of this component",
		with("type", {extra_ok = true}), function()
		local frame = c.pack(options.request, c.version or c.versions[#c.versions])
		c:raw{ msg = 99, body = frame }
		for _, packet in ipairs(unblock(c)) do
			if packet.status == 0 then ic.fail("message type 99 was answered with success") end
		end
		check_alive()
	end)

	case("packets shorter than their headers, and false lengths", with("lengths", {extra_ok = true}), function()
		for _, f in ipairs{ {bytes = ""}, {bytes = "\1\0\0\0"}, {ic = ""}, {ic = "\0\0\0"}, {pipe_len = 0},
			{pipe_len = 0xffffffff}, {pipe_type = 9}, {ic_size = 0xffff} } do
			f.body = f.body or c.pack(options.request, c.version or c.versions[#c.versions])
			c:raw(f)
			drain(c, 50)
		end
		check_alive()
	end)

	case("a malformed packet does not hold up the request behind it", with("behind", {extra_ok = true}), function()
		c:raw{ bytes = "", signal = false }
		c:raw{ body = c.pack(options.request, c.version or c.versions[#c.versions]), signal = true }
		if not ic.talk.channel:recv(2) then
			unblock(c)
			ic.fail("no answer before another signal")
		end
	end)

	case("100 requests, as many at a time as the ring holds: an answer each, in order",
		with("burst"), function()
		local room, posted = window(c, options), 0
		for i = 1, 100 do
			while posted < 100 and posted - i < room - 1 do
				posted = posted + 1
				c:post(options.numbered and options.numbered(posted) or options.request)
			end
			if not ic.talk.channel:pending_within(2) then
				unblock(c)
				ic.talk.pending = {}
				ic.fail("%d of %d requests were answered before another signal", i - 1, posted)
			end
			c:answer(1)
		end
	end)
end

-- Cases of the device's life. `again()`, if given, brings back what the guest needs after a rescind.
function conformance.lifetime(c, options)
	local known = options.known or {}

	case("the device is rescinded and offered again", {peer_fails = known.rescind}, function()
		for _ = 1, 3 do
			c:use()
			bus.rescind(c.device)
			c:wait_reopen(30)
			if options.again then options.again() end
			expect(c:negotiate{timeout = 30}.version ~= nil)
			c:request(options.request)
		end
	end)

	case("the device is rescinded with requests in the ring", {peer_fails = known.rescind_busy, extra_ok = true},
		function()
		for _ = 1, window(c, options) do c:post(options.request) end
		bus.rescind(c.device)
		ic.talk.pending = {}
		c:wait_reopen(30)
		if options.again then options.again() end
		expect(c:negotiate{timeout = 30}.version ~= nil)
		c:request(options.request)
	end)
end

return conformance
