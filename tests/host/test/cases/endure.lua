-- SPDX-License-Identifier: GPL-2.0-only
-- The player of tests/endure against a guest that keeps its word, and one that lies.
local ic = require "ic"
local endure = require "endure"
local world = require "endure_world"
local drawer = require "endure_draw"
local guest_side = require "guest"

-- The fake guest has no shell: its agent only makes it misbehave.
local commands, replies, agent = {}, {}, guest_side.run
guest_side.run = function(command)
	commands[#commands + 1] = command
	for pattern, r in pairs(replies) do
		if command:find(pattern, 1, true) then return r end
	end
	return { ok = true, rc = 0, out = "" }
end

local function misbehave(word) agent("misbehave " .. word) end

local function begin(acts)
	endure.begin{}
	for _, act in ipairs(acts) do endure.act(act) end
end

local function reset()
	for _, pool in ipairs{ "external", "guest", "parameter" } do
		for _, pair in ipairs((enumerate(pool))) do delete(pool, pair.key) end
	end
end

local GOOD = {
	{ "set", "external", "k1", "wide", 255, 3 }, { "get", "external", "k1" }, { "set", "guest", "k1", "ascii", 0, 0, "expand_sz" },
	{ "get", "guest", "k1" }, { "set", "external", "k1", "astral", 1022, 5 }, { "get", "external", "k1" },
	{ "get", "external", "none" }, { "enumerate", "external" }, { "delete", "external", "none" },
	{ "set_number", "guest", "n", "dword", 4294967295 }, { "set_number", "guest", "m", "qword", 2147483648 },
	{ "negotiate", "4.0" }, { "negotiate_none", "9.0", "4.0" }, { "unknown", 77, 1 }, { "enumerate", "guest" },
	{ "enumerate_one", "guest", 1 }, { "enumerate_one", "guest", 60 }, { "delete", "external", "k1" },
	{ "get", "external", "k1" }, { "delete", "guest", "k1" }, { "delete", "guest", "n" }, { "delete", "guest", "m" },
	{ "set_long_key", "parameter", "ascii", 255, 1 },
}

case("what a good guest does breaks nothing", function()
	begin(GOOD)
	expect(endure.counts.requests > 20)
	expect(commands[1]:find("kvp-service start", 1, true) ~= nil)
end)

case("with several requests in the ring each is judged by what those before it have done", function()
	endure.begin{}
	for window = 2, 4 do
		endure.act{ "window", window }
		for _, act in ipairs(GOOD) do endure.act(act) end
		for i = 1, 20 do
			endure.act{ "set", "guest", "k", "ascii", i, i }
			endure.act{ "get", "guest", "k" }
			endure.act{ "delete", "guest", "k" }
			endure.act{ "get", "guest", "k" }
		end
		endure.act{ "burst", "guest", 100 * window, 3 }
		for i = 1, 3 do endure.act{ "delete", "guest", "burst" .. i } end
	end
	world.drain()
	expect(#world.latencies < endure.counts.requests)
end)

case("a change that nobody made, and one that is lost, are found", function()
	begin{ { "set", "guest", "k1", "latin", 9, 1 } }
	set("guest", "k1", "foreign")
	fails(function() endure.act{ "get", "guest", "k1" } end, "violation: GET sees \"foreign\"")
	fails(function() endure.act{ "enumerate", "guest" } end, "ENUMERATE sees")
	delete("guest", "k1")
	fails(function() endure.act{ "get", "guest", "k1" } end, "GET sees nothing")
	fails(function() endure.act{ "delete", "guest", "k1" } end, "DELETE")
end)

case("a guest that lies: a SET that is acknowledged and not done", function()
	begin{ { "set", "guest", "k1", "ascii", 9, 1 } }
	misbehave("forget")
	endure.act{ "set", "guest", "k1", "ascii", 9, 2 }
	fails(function() endure.act{ "enumerate", "guest" } end, "violation: ENUMERATE sees")
	reset()
end)

case("a guest that lies: two answers to a request", function()
	begin{ { "window", 3 } }
	misbehave("extra")
	fails(function()
		endure.act{ "get", "guest", "k1" }
		endure.act{ "pause", 1 }
	end, "exactly one answer per request")
	bus.rescind()
	bus.wait_reopen(10)
	negotiate{}
end)

case("a guest that lies: memory in an answer", function()
	endure.begin{}
	local draws = 0
	for seed = 1, 200 do
		misbehave("leak")
		local good, why = pcall(endure.act, { "hostile", seed, 4 })
		draws = seed
		if not good then
			expect(tostring(why):find("0x5a; the host has sent", 1, true) ~= nil, true, tostring(why))
			break
		end
	end
	expect(draws < 200)
	discard_answers(30)
end)

case("what another reader finds in a file is compared", function()
	local counters = "\nrequests:5\nanswered:5\nexpired:0\nwithdrawn:0\nunsent:0"
	begin{ { "set", "guest", "k1", "ascii", 2, 0 } }
	endure.act{ "delete", "guest", "k1" }
	replies["neighbour sum"] = { ok = true, rc = 0, out = "0 0 0 0000000000000000\n0" .. counters }
	endure.act{ "audit", "guest" }
	replies["neighbour sum"].out = replies["neighbour sum"].out:gsub("requests:5", "requests:6")
	fails(function() endure.act{ "audit", "guest" } end, "6 requests, but 5 answered")
	for _, line in ipairs{ "2560 1 0 0000000000000000\n0", "100 0 0 0000000000000000\n0", "0 0 1 0000000000000000\n0",
			"0 0 0 0000000000000000\n1", "" } do
		replies["neighbour sum"] = { ok = true, rc = 0, out = line .. counters }
		replies["hexdump"] = { ok = true, rc = 0, out = "end" }
		fails(function() endure.act{ "audit", "guest" } end, "violation")
	end
	replies = {}
end)

case("growth is found", function()
	endure.begin{}
	local function at(fds, rss)
		replies["echo pid"] = { ok = true, rc = 0, out = "pid 7\nfds " .. fds .. "\nrss " .. rss ..
			"\nslab 1000\nlog 10\njournal 100" }
		endure.act{ "resources" }
	end
	at(10, 2000)
	at(12, 3000)
	fails(function() at(100, 3000) end, "fds has grown from 10 to 100")
	fails(function() at(10, 30000) end, "rss has grown")
	replies = {}
	local function flood(what, by)
		local now = { fds = 10, rss = 2000, slab = 5000 }
		local seen = setmetatable({}, { __index = function(_, field)
			if field ~= "out" then return field == "ok" or field == "rc" and 0 end
			now[what] = now[what] + by
			return "fds " .. now.fds .. "\nrss " .. now.rss .. "\nslab " .. now.slab
		end })
		replies["SUnreclaim"] = seen
		endure.act{ "flood", "guest", 7 }
		replies = {}
	end
	flood("slab", 200)
	for what, by in pairs{ fds = 60, rss = 1000, slab = 1200 } do
		fails(function() flood(what, by) end, what .. " has grown")
	end
end)

case("counters that do not add up", function()
	local function counters(text)
		replies["statistics"] = { ok = true, rc = 0, out = text }
		endure.act{ "counters" }
	end
	counters("requests:5\nanswered:3\nexpired:1\nwithdrawn:1\nunsent:0")
	counters("requests:5\nanswered:3\nexpired:1\nwithdrawn:0\nunsent:1")
	fails(function() counters("requests:5\nanswered:3\nexpired:1\nwithdrawn:0\nunsent:0") end, "5 requests")
	replies = {}
end)

case("the same seed draws the same acts, and a short run has each fault", function()
	local function draw(options, n)
		local next_act, list, names = drawer(options), {}, {}
		for i = 1, n do
			local act = next_act()
			list[i] = table.concat(act, " ")
			names[act[1]] = (names[act[1]] or 0) + 1
		end
		return list, names
	end
	local options = { seed = 7, fs = "ext4", hostile = 1 }
	local first, names = draw(options, 6000)
	expect(first, (draw(options, 6000)))
	expect(first[100] ~= draw({ seed = 8, fs = "ext4", hostile = 1 }, 100)[100] or first[99] ~= first[100])
	for _, name in ipairs{ "power", "outage", "full", "bad_write", "hung", "restore", "give_and_take", "kill_in_hand", "descriptors",
			"memory", "clock", "rescind_in_hand", "hostile_ring", "hostile_moving", "get_ip", "set_ip", "append", "rename",
			"audit" } do
		expect((names[name] or 0) > 0, true, name)
	end
	expect(names.away, nil)
	local _, usual = draw({ seed = 7, hostile = 1, requests = 1000 }, 6000)
	local _, many = draw({ seed = 7, hostile = 2000, requests = 1000 }, 6000)
	expect(usual.hostile < 100)
	expect(many.hostile > 300 and many.hostile < 600, true, many.hostile)
	local _, outages = draw({ seed = 7, fs = "ext4", faults = { "outage" } }, 1000)
	expect(outages.outage > 0)
	expect(outages.power, nil)
	expect(names.hibernate, nil)
	local _, stock = draw({ seed = 7, profile = "on-stock", without = { "kill" } }, 6000)
	for _, name in ipairs{ "window", "give_and_take", "kill", "power", "hostile" } do expect(stock[name], nil) end
	expect(stock.restart > 0)
	local _, debug = draw({ seed = 7, kernel = "debug" }, 6000)
	expect(debug.hibernate > 0)
end)

-- The fake guest has no service, driver or files, so most acts find something broken there. None may be broken itself.
case("every act can be carried out", { timeout = 300 }, function()
	local back = world.BACK
	world.BACK = 1
	replies["echo pid"] = { ok = true, rc = 0, out = "pid 7\nfds 9\nrss 900\nslab 1000\nlog 10\njournal 100" }
	replies["statistics"] = { ok = true, rc = 0, out = "requests:0\nanswered:0\nexpired:0\nwithdrawn:0\nunsent:0" }
	local next_act, seen = drawer{ seed = 3, hostile = 1, kernel = "debug" }, {}
	endure.begin{}
	for _ = 1, 20000 do
		local act = next_act()
		if not seen[act[1]] then
			seen[act[1]] = true
			local good, why = pcall(endure.act, act)
			expect(not good and type(why) == "string" and why, false, act[1])
			if not good then
				pcall(bus.rescind)
				ic.resync_all()
				bus.wait_open(30)
				negotiate{ timeout = 30 }
				world.BACK = 30
				endure.begin{}
				world.BACK = 1
			end
		end
	end
	for _, name in ipairs{ "hibernate", "give_and_take", "hostile_pages", "commands_and_host" } do expect(seen[name], true) end
	replies = {}
	world.BACK = back
end)

case("an act that does not exist", function()
	fails(function() endure.act{ "dance" } end, "no act 'dance'")
end)
