-- SPDX-License-Identifier: GPL-2.0-only
-- A random conversation against a model (README.md, "Endurance").
--
-- draw() makes a list of acts out of a seed, play() carries out such a list. An act is a table {name, arguments}: numbers
-- and texts only, so that a list can be written into a case file and played again, whole or in part.

local ic = require "ic"
local test = require "test"
local world = require "endure_world"
local drawer = require "endure_draw"
local asked = require "endure_requests"
local neighbours = require "endure_neighbours"
local faults = require "endure_faults"
local attacks = require "endure_hostile"

local endure = {}
local TOGETHER = 100	-- acts in an event
local spent = {}	-- of acts of each kind: how many, seconds

-- Carries out one act; raises an error when something is broken.
local function carry_out(act)
	local name = act[1]
	local request = asked.requests[name]
	if request then
		world.submit(request(act))
		return
	end
	local fn = asked.acts[name] or neighbours[name] or faults[name] or attacks[name] or
		error("there is no act '" .. tostring(name) .. "'", 0)
	world.drain()
	if faults[name] then world.count("faults") end
	fn(act)
	world.drain()
end

function endure.act(act)
	local began, one = native.now(), spent[act[1]] or { n = 0, seconds = 0 }
	carry_out(act)
	spent[act[1]] = one
	one.n, one.seconds = one.n + 1, one.seconds + native.now() - began
end

-- Where the time went, for who makes it faster.
local function tell_times()
	local list = {}
	for name, one in pairs(spent) do list[#list + 1] = string.format("%s %d %.3f", name, one.n, one.seconds) end
	table.sort(list)
	native.emit("times", "list", table.concat(list, "\n"))
end

-- The world with empty pools; options: fs, seed, profile, lie.
function endure.begin(options)
	spent = {}
	world.begin(options)
	endure.counts = world.counts
end

-- What must hold at the end.
local function audit_all()
	world.drain()
	asked.acts.audit{ "audit" }
	asked.acts.resources()
	if world.profile == "ours" then asked.acts.counters() end
end

local function percentile(sorted, p)
	return math.floor(sorted[math.max(1, math.ceil(#sorted * p))] or 0)
end

local function summary(violations, began, name)
	local l, counts, disk = world.latencies, world.counts, world.disk and world.disk:info() or {}
	local resources = world.resources or {}
	table.sort(l)
	native.emit("endure", "requests", counts.requests, "faults", counts.faults, "cuts", counts.cuts,
		"outages", counts.outages,
		"hostile", counts.hostile, "violations", violations, "act", name, "seconds", math.floor(native.now() - began),
		"p50", percentile(l, 0.5), "p99", percentile(l, 0.99), "p999", percentile(l, 0.999), "max", percentile(l, 1),
		"fds", resources.fds, "rss_kb", resources.rss, "slab_kb", resources.slab, "log", resources.log,
		"journal", resources.journal, "kept", disk.kept, "lost", disk.lost, "torn", disk.torn)
end

local function written(act)
	local out = {}
	for i, word in ipairs(act) do
		out[i] = type(word) == "string" and string.format("%q", word) or tostring(word)
	end
	return "{ " .. table.concat(out, ", ") .. " }"
end

-- Acts are told in packs, and before whatever may end the run: what is told can be played again.
local function teller()
	local untold = {}
	return function(act)
		if act then untold[#untold + 1] = written(act) end
		if #untold > 0 and (not act or #untold >= TOGETHER or not asked.requests[act[1]]) then
			native.emit("acts", "list", table.concat(untold, "\n"))
			untold = {}
		end
	end
end

-- @next_act: gives the next act, or nil at the end.
local function run(options, next_act)
	test.case(options.name, { timeout = options.timeout or 86400, unfinished = true }, function()
		local began, tell, current = native.now(), teller(), nil
		-- An event for each operation would take longer than the operation.
		ic.on_latency = function() end
		local good, why = pcall(function()
			endure.begin(options)
			for act in next_act do
				current = act[1]
				tell(act)
				endure.act(act)
			end
			current = "audit"
			audit_all()
		end)
		ic.on_latency = nil
		tell()
		tell_times()
		summary(good and 0 or 1, began, not good and current or nil)
		if not good then error(why, 0) end
	end)
end

-- Draws and plays. options: seed, requests or minutes, hostile and cuts (at least so many packets and power cuts), fs (a
-- disk with that file system), profile, kernel, without (acts that are left out), faults (these alone), sparse (so many
-- times more requests between all other acts), lie (flushes of the disk do nothing).
function endure.draw(options)
	local draw, ends = drawer(options), nil
	local function enough()
		if options.minutes then
			-- From the first act on: the boot is not counted.
			ends = ends or native.now() + options.minutes * 60
			return native.now() >= ends
		end
		return world.counts.requests >= (options.requests or 0) and world.counts.hostile >= (options.hostile or 0) and
			world.counts.cuts >= (options.cuts or 0)
	end
	run(options, function()
		return not enough() and draw() or nil
	end)
end

-- Plays a list of acts again.
function endure.play(list, options)
	local i = 0
	run(options, function()
		i = i + 1
		return list[i]
	end)
end

return endure
