-- SPDX-License-Identifier: GPL-2.0-only
-- A random conversation against a model, with faults and neighbours; see tests/host/README.md, "Endurance".
-- job: disk=ext4 start=no trace=no time=600 args="seed=1 requests=3000 fs=ext4 hostile=1"
-- job: disk=ext4 start=no trace=no time=1500 args="minutes=15 fs=ext4 hostile=1" all=yes
-- job: disk=xfs start=no trace=no time=1500 args="minutes=15 fs=xfs hostile=1" kernel=6.12 all=yes
-- job: start=no trace=no time=2400 args="minutes=15 hostile=1 leaks" append=kmemleak=on kernel=debug all=yes
--
-- The first one takes some two minutes. Its seed is fixed and its requests are counted, so that a check does the same
-- each time, on any machine. Without seed=N a new one is drawn, which stands in the case's name. tests/endure makes a shorter case of what it finds.

local endure = require "endure"

local seed = tonumber(args.seed) or os.time() & 0x7fffffff

local function names(text)
	local list = {}
	for name in (text or ""):gmatch("[^,]+") do list[#list + 1] = name end
	return list
end

endure.draw{
	name = "seed " .. seed .. ": nothing that was promised is broken",
	seed = seed,
	minutes = tonumber(args.minutes),
	requests = tonumber(args.requests) or 1000,
	hostile = tonumber(args.hostile),
	fs = args.fs,
	profile = args.profile,
	kernel = args.kernel,
	cuts = tonumber(args.cuts),
	sparse = tonumber(args.sparse),
	without = names(args.without),
	faults = names(args.faults),
	lie = args.lie,
}
