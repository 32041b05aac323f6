-- SPDX-License-Identifier: GPL-2.0-only
-- The acts of a random conversation, drawn from a seed (README.md, "Endurance").
--
-- Requests are drawn by weight, one by one. What takes longer comes from decks that are shuffled and dealt, so that each of
-- them comes about equally often, also in a short run.

local hostile = require "hostile"
local world = require "endure_world"

local EDGES = { 0, 1, 2, 254, 255, 256, 511, 512, 1021, 1022, 1023 }
local KEY_EDGES = { 1, 2, 127, 128, 253, 254, 255 }
local ALPHABETS = { "ascii", "ascii", "ascii", "control", "latin", "wide", "astral" }
local NUMBERS = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x123456789abcdef0, 0x7fffffffffffffff }
local LOCKS = { "flock", "fcntl", "none" }

-- What a profile does not have, or is not asked for: the stock driver takes one packet for each interrupt, knows no
-- KVP 5.0, no QWORD, and cuts the last unit of a full-length text. What the stock daemon does wrong is not left out.
local STOCK_DRIVER = { "window", "burst", "flood", "restore", "hung", "locked", "give_and_take", "counters", "set_ip",
	"descriptors" }
local WITHOUT = {
	ours = {},
	["on-stock"] = { "set_number", table.unpack(STOCK_DRIVER) },
	stock = { "command_set", "command_get", "command_delete", "command_import", "commands_and_host", "get_ip",
		"get_ip_unknown", "set_ip_impossible", "upgrade", "memory", table.unpack(STOCK_DRIVER) },
}

-- options: seed, profile, kernel, fs, hostile, without (a list of acts that are left out), faults (a list: these alone),
-- sparse (so many times more requests between all other acts). Returns a function that gives the next act.
return function(options)
	local r = hostile.random_of(options.seed)
	local profile, disk = options.profile or "ours", options.fs ~= nil
	local limit = profile == "ours" and 1023 or 1022
	-- The stock driver stores something else for EXPAND_SZ; a known defect must be found where it is looked for.
	local types = profile == "on-stock" and { "sz" } or { "sz", "sz", "expand_sz" }
	local without, serial = {}, 0
	for _, list in ipairs{ WITHOUT[profile], options.without or {} } do
		for _, name in ipairs(list) do without[name] = true end
	end

	local only = options.faults and #options.faults > 0 and {}
	for _, name in ipairs(only and options.faults or {}) do only[name] = true end
	local sparse = options.sparse or 1

	local function one(list) return list[r(1, #list)] end
	local function pool() return one(world.POOLS) end
	-- Keys collide often, and are prefixes of each other.
	local function key() return "key" .. r(1, r(1, 40)) end
	local function number() serial = serial + 1; return serial end
	local function units() return math.min(limit, r(1, 3) == 1 and one(EDGES) or r(0, r(1, 200))) end
	local function version() return one(profile == "ours" and { "1.0", "3.0", "4.0", "5.0" } or { "1.0", "3.0", "4.0" }) end
	local function seed() return r(1, 1 << 30) end
	-- How far a request has come when a fault comes.
	local function how() return one(profile == "ours" and { "sent", "queued", "taken" } or { "sent" }) end

	-- { weight, name of the act, function that gives its other words }
	local requests = {
		{ 240, "set", function() return pool(), key(), one(ALPHABETS), units(), r(0, 9),
			one(types) end },
		{ 260, "get", function() return pool(), key() end },
		{ 70, "delete", function() return pool(), key() end },
		{ 90, "enumerate_one", function() return pool(), r(0, 60) end },
		{ 30, "set_number", function() return pool(), key(), one{ "dword", "qword" }, one(NUMBERS) end },
		{ 40, "facts", function() return r(0, 9) end },
		{ 8, "unknown", function()
			local op = one{ 0, 1, 2, 3, r(6, 255) }
			return op, op > 5 and r(0, 4) or r(5, 255)
		end },
		{ 6, "window", function() return r(1, world.WINDOW) end },
	}
	local slower = {
		{ 3, "set_long_key", function() return pool(), one(ALPHABETS), one(KEY_EDGES), r(0, 9) end },
		{ 2, "enumerate", function() return pool() end },
		{ 2, "burst", function() return pool(), number() * 100, r(2, 8) end },
		{ 2, "negotiate", function() return version(), one{ "1.0", "3.0" } end },
		{ 1, "negotiate_none", function() return "9.0", version() end },
		{ 3, "get_ip", function() return one{ "v4", "v6" } end },
		{ 1, "get_ip_unknown", function() return one{ "", "00:15:5d:0a:0b:02", "{4487b255-b88c-403f-bb51-d1f69cf17f87}" } end },
		{ 1, "set_ip", function() return one{ "4.0", "5.0" }, one{ "v4", "v6", "both" }, number(), r(1, 4) end },
		{ 1, "set_ip_impossible", function() return r(1, 5) end },
		{ 1, "pause", function() return r(1, 50) end },
		{ 2, "audit", function() return pool() end },
		{ 1, "resources", function() end },
		{ 1, "flood", function() return pool(), number() end },
		{ 1, "counters", function() end },
		{ 2, "command_set", function() return pool(), key(), number() end },
		{ 2, "command_get", function() return pool(), key() end },
		{ 2, "command_delete", function() return pool(), key() end },
		{ 1, "command_import", function() return pool(), number() * 10, r(1, 9) end },
		{ 1, "commands_and_host", function() return pool(), number() end },
		{ 2, "append", function() return pool(), key(), number(), one(LOCKS) end },
		{ 1, "change", function() return pool(), key(), number(), r(0, 1) == 1 and "flock" or "fcntl" end },
		{ 3, "flicker", function() return pool(), key(), number(), r(0, 1) == 1 and "flock" or "fcntl", r(100, 400) end },
		{ 1, "poll", function() return pool(), number(), r(0, 1) == 1 and "flock" or "fcntl" end },
		{ 1, "replaced", function() return pool(), number(), r(50, 200) end },
		{ 1, "rename", function() return pool(), one(LOCKS) end },
	}
	local faults = {
		{ 1, "kill", function() end },
		{ 1, "restart", function() end },
		{ 1, "upgrade", function() end },
		{ 2, "kill_in_hand", function() return pool(), key(), number(), how() end },
		{ 1, "kill_in_delete", function() return pool(), key(), number(), how() end },
		{ 1, "stopped", function() return pool(), key(), number() end },
		{ 2, "hung", function() return pool(), key(), number(), one{ "queued", "taken", "taken" } end },
		{ 1, "locked", function() return pool(), key(), number() end },
		{ 1, "descriptors", function() return pool(), key(), "ascii", units(), r(0, 9) end },
		{ 1, "reload", function() end },
		{ 1, "give_and_take", function() return pool(), key(), number() end },
		{ 1, "rescind", function() end },
		{ 1, "rescind_in_hand", function() return pool(), key(), number(), how() end },
		{ 1, "restore", function() return pool(), key(), number(), version(), one{ 0, 1, 20 },
			one{ "queued", "taken" } end },
		{ 1, "late_bus", function() return one{ "gpadl", "open", "teardown", "offer" }, r(1000, 200000) end },
		{ 1, "disturb", function()
			return pool(), key(), number(), one{ "signal hypercall", "event interrupt", "message interrupt" }, r(100, 50000)
		end },
		{ 1, "clock", function() return one{ -86400, -3600, -1, 1, 3600, 86400 } end },
		{ 1, "memory", function() return pool(), key(), "ascii", units(), r(0, 9) end },
		{ disk and 0 or 1, "away", function() end },
		{ options.kernel == "debug" and 1 or 0, "hibernate", function() return pool(), key(), number() end },
		{ disk and 2 or 0, "full", function() return pool(), key(), "ascii", units(), r(0, 9) end },
		{ disk and 1 or 0, "bad_write", function() return pool(), key(), number(), r(1, r(1, 20)) end },
		{ disk and 1 or 0, "slow_flush", function() return pool(), key(), number(), r(1000, 100000) end },
		{ disk and (only and 12 or 3) or 0, "outage", function()
			local how = one{ "now", "write", "write", "flush", "flush" }
			return how, pool(), key(), number(), r(1, r(1, 12))
		end },
		{ disk and 12 or 0, "power", function()
			local how = one{ "now", "write", "flush", "time" }
			return how, pool(), key(), number(), r(1, r(1, how == "time" and 60 or 12))
		end },
	}
	local attacks = {
		{ 12, "hostile", function() return seed(), r(1, 60) end },
		{ 1, "hostile_ring", function() return seed(), r(1, 8) end },
		{ 2, "hostile_moving", function() return seed(), r(1, 20) end },
		{ 1, "hostile_signals", function() return seed(), r(1, 20) end },
		{ 1, "hostile_messages", function() return seed(), r(1, 20) end },
		{ 1, "hostile_pages", function() return one{ 1, 0xc0000001, 0xffffffff } end },
	}

	local function drawn(entry) return table.pack(entry[2], entry[3]()) end

	local function weighted(entries)
		local total = 0
		for _, entry in ipairs(entries) do total = total + (without[entry[2]] and 0 or entry[1]) end
		return function()
			local n = r(1, total)
			for _, entry in ipairs(entries) do
				n = n - (without[entry[2]] and 0 or entry[1])
				if n <= 0 then return drawn(entry) end
			end
		end
	end

	local function dealt(entries)
		local deck = {}
		return function()
			if #deck == 0 then
				for _, entry in ipairs(entries) do
					for _ = 1, without[entry[2]] and 0 or entry[1] do table.insert(deck, r(1, #deck + 1), entry) end
				end
			end
			return drawn(table.remove(deck))
		end
	end

	local wanted, weight = {}, 0
	for _, entry in ipairs(faults) do
		if not only or only[entry[2]] then
			wanted[#wanted + 1] = entry
			weight = weight + (without[entry[2]] and 0 or entry[1])
		end
	end
	if weight == 0 then error("there is no such fault here: " .. table.concat(options.faults or {}, ", "), 0) end

	-- So that as many packets as are asked for come with the requests that are asked for: an attack has some 20.
	local hostile_weight = 0
	if options.hostile then
		local ratio = options.requests and options.hostile / math.max(1, options.requests) or 0
		hostile_weight = math.min(400, math.max(9, math.ceil(1000 / 20 * ratio) * sparse))
	end

	-- Of a thousand acts
	local kinds = {
		{ 45, dealt(slower) },
		{ 9, dealt(wanted) },
		{ hostile_weight, dealt(attacks) },
		{ 1000 * sparse, weighted(requests) },
	}
	return function()
		local n = r(1, 1000 * sparse)
		for _, kind in ipairs(kinds) do
			if n <= kind[1] then return kind[2]() end
			n = n - kind[1]
		end
	end
end
