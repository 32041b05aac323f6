-- SPDX-License-Identifier: GPL-2.0-only
-- The world of a random conversation (README.md, "Endurance"): what is where just now, what is believed of it, and how
-- it is asked.

local ic = require "ic"
local kvp = require "kvp"
local bus = require "bus"
local guest = require "guest"
local pools = require "pools"

local world = {
	POOLS = { "external", "guest", "parameter" },	-- that the host writes
	NUMBER = { external = 0, guest = 1, parameter = 3 },
	FOLDER = "/var/lib/hyperv",
	RECORD = 2560, KEY_BYTES = 512, VALUE_BYTES = 2048,
	BACK = 60,	-- seconds in which the conversation must work again after a fault
	ANSWER = 40,	-- seconds for an answer
	WINDOW = 4,	-- requests that the guest's ring holds
	SIZE = { ext4 = 64, xfs = 320 },	-- MiB
}
local FORMAT = { ext4 = "mkfs.ext4 -q", xfs = "mkfs.xfs -q -f" }

-- ---- what is counted ----

local counts, latencies

local function reset_counts()
	counts = { requests = 0, faults = 0, cuts = 0, outages = 0, hostile = 0 }
	latencies = {}
	world.counts, world.latencies = counts, latencies
end
reset_counts()

function world.count(what, n)
	counts[what] = counts[what] + (n or 1)
end

function world.violation(text, ...)
	ic.fail("violation: " .. text, ...)
end

function world.holds(wrong)
	if wrong then world.violation("%s", wrong) end
end

-- ---- requests ----

local queue = {}	-- of {judge =, alone =}, for each request without an answer, in their order

-- Where the fields of an answer with a pair are in its body: sizes, key, value.
local FIELDS = { get = { 9, 17, 529 }, enumerate = { 13, 21, 533 } }

local NOTHING = ("\0"):rep(world.VALUE_BYTES)

-- Behind the texts of an answer there is nothing, least of all memory of the guest.
local function check_padding(r)
	local at = FIELDS[r.op]
	if not at or not r.ok or world.profile == "stock" then return end
	local key_size, value_size = string.unpack("<I4I4", r.body, at[1])
	-- Comparing is much faster than finding.
	local behind_key, behind = r.body:sub(at[2] + key_size, at[3] - 1), r.body:sub(at[3] + value_size)
	if behind_key == NOTHING:sub(1, #behind_key) and behind == NOTHING:sub(1, #behind) then return end
	local key = r.body:find("[^\0]", at[2] + key_size)
	local value = r.body:find("[^\0]", at[3] + value_size)
	if key and key < at[3] or value then
		world.violation("byte %d of an answer to %s is behind its texts, and not zero", (key and key < at[3] and key or value) - 1,
			r.op:upper())
	end
end

-- The answer to the oldest one, judged.
local function take()
	local one = table.remove(queue, 1)
	local r = kvp.late(world.ANSWER)
	if one.alone then latencies[#latencies + 1] = r.us end
	check_padding(r)
	-- A number may come back as one, or as a text.
	if math.type(r.value) == "integer" then r.value = tostring(r.value) end
	return one.judge(r)
end

-- All that was asked is answered, and nothing more has come.
function world.drain()
	while #queue > 0 do take() end
	if ic.talk.channel and ic.talk.channel:is_open() then ic.check_quiet("came though all was answered") end
end

-- Asks; what comes is judged later, in the order of the requests. The guest works them off one after the other, so that
-- each is judged by what those before it have done.
function world.submit(t, judge)
	while #queue >= (world.window or 1) do take() end
	counts.requests = counts.requests + 1
	kvp.post(t)
	-- What waits behind others is no latency of its own.
	queue[#queue + 1] = { judge = judge, alone = #queue == 0 }
	if (world.window or 1) == 1 then take() end
end

-- Asks, and returns the answer.
function world.ask(t)
	local answer
	world.drain()
	world.submit(t, function(r) answer = r end)
	while #queue > 0 do take() end
	return answer
end

-- Asks, and does not wait: what may get no answer at all. kvp.late() takes it.
function world.post(t)
	world.drain()
	counts.requests = counts.requests + 1
	kvp.post(t)
end

-- What was asked before is lost, as after a power cut.
function world.forget_requests()
	queue = {}
end

function world.fits(key, value)
	return #key > 0 and #key < world.KEY_BYTES and #value < world.VALUE_BYTES
end

-- What a SET must do. @uncertain: a fault may have made it fail.
function world.judge_set(pool, key, value, r, uncertain)
	local fits = world.fits(key, value)
	if r.ok then
		if not fits then world.violation("SET of %d and %d bytes is accepted", #key, #value) end
		world.model:put(pool, key, value)
	elseif fits and not uncertain then
		world.violation("SET %s %q (%d bytes) is refused: %s", pool, key:sub(1, 60), #value, r.status_name)
	end
end

function world.set(pool, key, value, uncertain)
	world.judge_set(pool, key, value, world.ask{ op = "set", pool = pool, key = key, value = value }, uncertain)
end

function world.get(pool, key)
	local r = world.ask{ op = "get", pool = pool, key = key }
	world.holds(world.model:seen(pool, key, r.ok and r.value or false, "GET"))
end

-- All pairs of a pool, as the host enumerates them.
function world.host_pairs(pool)
	local list, ended, index = {}, false, 0
	world.drain()
	while not ended do
		local at = index
		world.submit({ op = "enumerate", pool = pool, index = at }, function(r)
			if r.ok then
				if ended then world.violation("ENUMERATE %d of pool %s: a pair behind the end", at, pool) end
				list[#list + 1] = { key = r.key, value = r.value }
			elseif r.status ~= ic.STATUS.NO_MORE_ITEMS then
				world.violation("ENUMERATE %d of pool %s: %s", at, pool, r.status_name)
			else
				ended = true
			end
		end)
		index = index + 1
	end
	world.drain()
	return list
end

-- ---- the guest ----

-- @may: exit codes besides 0 that are no violation.
function world.must(command, may)
	local r = guest.run(command, 90)
	if not r.ok and r.rc ~= may then world.violation("'%s' in the guest: %d, %s", command, r.rc, r.out) end
	return r.out, r.rc
end

-- A text for the guest's shell.
function world.quoted(text)
	return "'" .. text:gsub("'", "'\\''") .. "'"
end

function world.from_hex(text)
	return (text:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))
end

function world.file(pool)
	return world.FOLDER .. "/.kvp_pool_" .. world.NUMBER[pool]
end

-- The conversation works again.
function world.serve_again()
	bus.wait_open(world.BACK)
	ic.negotiate{ timeout = world.BACK }
end

-- The disk of a guest that has just booted is there, and mounted. One command, since each is a trip to the guest.
local function mount_again()
	local r = guest.run("for m in hv_storvsc sd_mod " .. world.fs .. "; do modprobe -q $m; done; mkdir -p " .. world.FOLDER ..
		"; i=0; until [ -b " .. world.node .. " ]; do i=$((i + 1)); [ $i -lt 3000 ] || { echo no disk; exit 1; }; " ..
		"usleep 10000; done; " .. world.mount)	-- sleep: it polls, with a limit
	if not r.ok then world.violation("the file system cannot be mounted: %s", r.out) end
end

-- The same for the first time: an empty file system is made.
local function mount_new()
	guest.run("modprobe hv_storvsc; modprobe sd_mod; modprobe -q " .. world.fs .. "; mkdir -p " .. world.FOLDER)
	world.node = world.disk:node()
	world.mount = "mount -t " .. world.fs .. " " .. world.node .. " " .. world.FOLDER
	local r = guest.run(FORMAT[world.fs] .. " " .. world.node .. " && " .. world.mount)
	if not r.ok then ic.fail("no file system can be made: %s", r.out) end
end

-- A guest that has booted: its disk is mounted, and its service runs.
function world.bring_up(new)
	world.adapter, world.base = nil, nil
	if world.disk then (new and mount_new or mount_again)() end
	local started = guest.run("kvp-service start")
	if not started.ok then world.violation("the service does not start: %s", started.out) end
	world.serve_again()
end

-- A world with empty pools. options: fs, seed, profile, kernel, lie (flushes of the disk do nothing).
function world.begin(options)
	world.model = pools.new()
	world.forget_requests()
	world.fs, world.profile = options.fs, options.profile or "ours"
	-- Seconds in which a command in the guest begins, and is done with what is short.
	world.soon = options.kernel == "debug" and 5 or 1
	world.window, world.disk, world.logged = 1, nil, 0
	reset_counts()
	if world.fs then
		world.disk = bus.disk{ mib = world.SIZE[world.fs], seed = options.seed or 1 }
		if options.lie then world.disk:lie() end
	end
	world.bring_up(true)
end

-- ---- texts ----

local ALPHABETS = {
	ascii = { "a", "b", "Z", "0", " ", "\"", "\\", "'", "$", "~" },
	control = { "\n", "\t", "\r", "\1", "\127" },
	latin = { "\u{E4}", "\u{DF}", "\u{7FF}" },
	wide = { "\u{6F22}", "\u{20AC}", "\u{FFFF}", "\u{FFFD}", "\u{800}" },
	astral = { "\u{1F600}", "\u{10FFFF}", "\u{10000}" },
}
local WIDTH = { astral = 2 }	-- UTF-16 units

-- A text of so many units of an alphabet, always the same for the same words.
function world.spell(alphabet, units, salt)
	local letters, n, out = ALPHABETS[alphabet], units // (WIDTH[alphabet] or 1), {}
	-- It repeats itself after as many letters as there are.
	for i = 1, math.min(n, #letters) do
		out[i] = letters[(i * 7 + salt * 13) % #letters + 1]
	end
	local rest = table.concat(out, "", 1, n % #letters)
	return n < #letters and rest or table.concat(out):rep(n // #letters) .. rest
end

-- A value as an act has it: alphabet, units, salt.
function world.value_of(act, at)
	return world.spell(act[at], act[at + 1], act[at + 2])
end

return world
