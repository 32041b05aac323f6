-- SPDX-License-Identifier: GPL-2.0-only
-- A random conversation against a model (README.md, "Endurance"): acts of the host, faults, and neighbours in the guest.
--
-- draw() makes a list of acts out of a seed, play() carries out such a list. An act is a table {name, arguments}: numbers
-- and texts only, so that a list can be written into a case file and played again, whole or in part.

local ic = require "ic"
local kvp = require "kvp"
local bus = require "bus"
local guest = require "guest"
local test = require "test"
local pools = require "pools"
local hostile = require "hostile"

local endure = { counts = { requests = 0, faults = 0, cuts = 0, hostile = 0 }, latencies = {} }
local counts = endure.counts

local POOLS = { "external", "guest", "parameter" }
local NUMBER = { external = 0, guest = 1, parameter = 3 }
local FOLDER = "/var/lib/hyperv"
local RECORD, KEY_BYTES, VALUE_BYTES = 2560, 512, 2048
local BACK = 60		-- seconds in which the conversation must work again after a fault
local ANSWER = 40	-- seconds for an answer
local MOST_FDS, MOST_RSS_KB = 64, 16384	-- of the service
local FORMAT = { ext4 = "mkfs.ext4 -q", xfs = "mkfs.xfs -q -f" }
local SIZE = { ext4 = 64, xfs = 320 }	-- MiB

-- ---- the world: what is where just now ----

local model, disk, fs

local function violation(text, ...)
	ic.fail("violation: " .. text, ...)
end

local function holds(wrong)
	if wrong then violation("%s", wrong) end
end

-- A request, counted. A second result says that there was no answer.
local function ask(t)
	t.timeout = ANSWER
	counts.requests = counts.requests + 1
	local r = kvp.request(t)
	local bucket = endure.latencies
	bucket[#bucket + 1] = r.us
	-- A number may come back as one, or as a text.
	if math.type(r.value) == "integer" then r.value = tostring(r.value) end
	return r
end

local function fits(key, value)
	return #key > 0 and #key < KEY_BYTES and #value < VALUE_BYTES
end

-- splitmix64: a function that draws a number between two others.
local function random_of(seed)
	local state = seed * 2 + 1
	local function next64()
		state = state + 0x9e3779b97f4a7c15
		local z = state
		z = (z ~ z >> 30) * 0xbf58476d1ce4e5b9
		z = (z ~ z >> 27) * 0x94d049bb133111eb
		return z ~ z >> 31
	end
	return function(low, high) return low + (next64() >> 1) % (high - low + 1) end
end

-- ---- texts ----

local ALPHABETS = {
	ascii = { "a", "b", "Z", "0", " ", "\"", "\\", "'", "$", "~" },
	control = { "\n", "\t", "\r", "\1", "\127" },
	latin = { "\u{E4}", "\u{DF}", "\u{7FF}" },
	wide = { "\u{6F22}", "\u{20AC}", "\u{FFFF}", "\u{FFFD}", "\u{800}" },
	astral = { "\u{1F600}", "\u{10FFFF}", "\u{10000}" },
}
local NAMES = { "ascii", "ascii", "ascii", "control", "latin", "wide", "astral" }
local WIDTH = { astral = 2 }	-- UTF-16 units

-- A text of so many units of an alphabet, always the same for the same words.
local function spell(alphabet, units, salt)
	local letters, out = ALPHABETS[alphabet], {}
	for i = 1, units // (WIDTH[alphabet] or 1) do
		out[i] = letters[(i * 7 + salt * 13) % #letters + 1]
	end
	return table.concat(out)
end

-- A value as an act has it: alphabet, units, salt.
local function value_of(act, at)
	return spell(act[at], act[at + 1], act[at + 2])
end

-- ---- what the guest does ----

local function serve_again()
	bus.wait_open(BACK)
	ic.negotiate{ timeout = BACK }
end

local function bring_up(format)
	if disk then
		guest.run("modprobe hv_storvsc; modprobe sd_mod; modprobe -q " .. fs .. "; mkdir -p " .. FOLDER)
		local node = disk:node()
		if format and not guest.run(FORMAT[fs] .. " " .. node).ok then ic.fail("%s fails", FORMAT[fs]) end
		local mounted = guest.run("mount -t " .. fs .. " " .. node .. " " .. FOLDER)
		if not mounted.ok then violation("the file system cannot be mounted: %s", mounted.out) end
	end
	local started = guest.run("kvp-service start")
	if not started.ok then violation("the service does not start: %s", started.out) end
	serve_again()
end

local function must(command)
	local r = guest.run(command, 90)
	if not r.ok then violation("'%s' in the guest: %d, %s", command, r.rc, r.out) end
	return r.out
end

-- A text for the guest's shell.
local function quoted(text)
	return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function unpadded(field)
	return field:match("^[^\0]*")
end

local function from_hex(text)
	return (text:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))
end

-- The pairs of a pool's file, read by nothing of ours: a line for each key and each value, in hexadecimal, without the
-- padding. The line to the guest is slow.
local function file_pairs(pool)
	local file = FOLDER .. "/.kvp_pool_" .. NUMBER[pool]
	local size, text = must("stat -c %s " .. file .. "; hexdump -v -e '" .. KEY_BYTES .. "/1 \"%02x\" \"\\n\" " ..
		VALUE_BYTES .. "/1 \"%02x\" \"\\n\"' " .. file .. " | sed 's/\\(00\\)*$//'; echo end"):match("^(%d+)\n(.*)end$")
	if not size or tonumber(size) % RECORD ~= 0 then violation("the file of pool %s has %s bytes", pool, tostring(size)) end
	local list = {}
	for key, value in text:gmatch("([^\n]*)\n([^\n]*)\n") do
		list[#list + 1] = { key = unpadded(from_hex(key)), value = unpadded(from_hex(value)) }
	end
	return list
end

local function host_pairs(pool)
	local list = {}
	while true do
		local r = ask{ op = "enumerate", pool = pool, index = #list }
		if not r.ok then
			if r.status ~= ic.STATUS.NO_MORE_ITEMS then
				violation("ENUMERATE %d of pool %s: %s", #list, pool, r.status_name)
			end
			return list
		end
		list[#list + 1] = { key = r.key, value = r.value }
	end
end

-- ---- the acts ----

local acts = {}

-- What a SET must do. @uncertain: a fault may have made it fail.
local function judge_set(pool, key, value, r, uncertain)
	if not r then
		model:maybe(pool, key, value)
	elseif r.ok then
		if not fits(key, value) then violation("SET of %d and %d bytes is accepted", #key, #value) end
		model:put(pool, key, value)
	elseif fits(key, value) and not uncertain then
		violation("SET %s %q (%d bytes) is refused: %s", pool, key:sub(1, 60), #value, r.status_name)
	end
end

function acts.set(a)
	local pool, key, value = a[2], a[3], value_of(a, 4)
	judge_set(pool, key, value, ask{ op = "set", pool = pool, key = key, value = value })
end

function acts.set_number(a)
	local pool, key, kind, number = a[2], a[3], a[4], a[5]
	local r = ask{ op = "set", pool = pool, key = key, value = number, type = kind }
	judge_set(pool, key, string.format("%d", kind == "dword" and number & 0xffffffff or number), r)
end

function acts.set_long_key(a)
	local pool, key = a[2], spell(a[3], a[4], a[5])
	judge_set(pool, key, "v", ask{ op = "set", pool = pool, key = key, value = "v" })
	if fits(key, "v") then
		local r = ask{ op = "delete", pool = pool, key = key }
		if not r.ok then violation("DELETE of a key of %d bytes: %s", #key, r.status_name) end
		model:put(pool, key, false)
	end
end

function acts.get(a)
	local pool, key = a[2], a[3]
	local r = ask{ op = "get", pool = pool, key = key }
	holds(model:seen(pool, key, r.ok and r.value or false, "GET"))
end

function acts.delete(a)
	local pool, key = a[2], a[3]
	local r = ask{ op = "delete", pool = pool, key = key }
	if not model:may_be(pool, key, r.ok) then
		violation("DELETE %s %q: %s", pool, key, r.status_name)
	end
	model:put(pool, key, false)
end

function acts.enumerate(a)
	holds(model:seen_all(a[2], host_pairs(a[2]), "ENUMERATE"))
end

function acts.enumerate_one(a)
	local r = ask{ op = "enumerate", pool = a[2], index = a[3] }
	if r.ok then holds(model:seen(a[2], r.key, r.value, "ENUMERATE")) end
end

function acts.facts(a)
	local r = ask{ op = "enumerate", pool = "auto", index = a[2] }
	if not r.ok then violation("fact %d: %s", a[2], r.status_name) end
end

function acts.negotiate(a)
	local r = ic.negotiate{ versions = { a[2] }, timeout = ANSWER }
	if r.version ~= a[2] then violation("negotiated %s instead of %s", tostring(r.version), a[2]) end
end

function acts.unknown(a)
	local r = ask{ op = a[2] }
	if r.ok then violation("operation %d is done", a[2]) end
end

-- Several at once, as a host that does not wait, as many as fit the ring. Each has its own key.
function acts.burst(a)
	for i = 1, a[4] do
		counts.requests = counts.requests + 1
		kvp.post{ op = "set", pool = a[2], key = "burst" .. i, value = "b" .. a[3] + i }
	end
	for i = 1, a[4] do
		judge_set(a[2], "burst" .. i, "b" .. a[3] + i, kvp.late(ANSWER))
	end
end

-- Packets that break rules. Whatever they were answered, a negotiation works behind them.
function acts.hostile(a)
	local r, ch = random_of(a[2]), ic.talk.channel
	for i = 1, a[3] do
		local packet = hostile.packet(r)
		counts.hostile = counts.hostile + 1
		if not ch:try_send(packet) then
			ic.discard_answers(ANSWER)
			ch:send(packet)
		elseif i % 4 == 0 then
			ic.discard_answers(ANSWER)
		end
	end
	ic.discard_answers(ANSWER)
	ic.negotiate{ timeout = ANSWER }
end

function acts.pause(a)
	native.sleep(a[2] / 1000)	-- sleep: the act itself
end

-- All of a pool, by the host, by our command, and by a reader of the file.
function acts.audit(a)
	local pool = a[2]
	holds(model:seen_all(pool, host_pairs(pool), "ENUMERATE"))
	holds(model:seen_all(pool, file_pairs(pool), "a reader of the file"))
	local count = tonumber(must("hvkvp list " .. pool .. " --json | grep -c '\"key\"'; true"))
	if count ~= #model:keys(pool) then
		violation("hvkvp list shows %s pairs of pool %s, there are %d", tostring(count), pool, #model:keys(pool))
	end
end

-- The service keeps within its bounds, however long it has run.
function acts.resources()
	local fds, rss = must("p=$(cat /run/kvp-service.pid); ls /proc/$p/fd | wc -l; " ..
		"sed -n 's/^VmRSS:[^0-9]*//p' /proc/$p/status"):match("^(%d+)%s+(%d+)")
	if not fds or tonumber(fds) > MOST_FDS or tonumber(rss) > MOST_RSS_KB then
		violation("the service has %s descriptors and %s KB", tostring(fds), tostring(rss))
	end
	endure.fds, endure.rss = tonumber(fds), tonumber(rss)
end

-- ---- neighbours ----

-- hvkvp changes what only the guest may change when it is asked to: --force.
function acts.command_set(a)
	local pool, key, value = a[2], a[3], "by command " .. a[4]
	must("hvkvp --force set " .. pool .. " " .. key .. " " .. quoted(value))
	model:put(pool, key, value)
end

function acts.command_get(a)
	local pool, key = a[2], a[3]
	-- In hexadecimal: the shell and the line lose ends of lines.
	local r = guest.run("hvkvp get " .. pool .. " " .. key .. " >/tmp/got 2>/dev/null; rc=$?; hexdump -v -e '1/1 \"%02x\"' /tmp/got; exit $rc")
	local value = from_hex(r.out):gsub("\n$", "")
	holds(model:seen(pool, key, r.ok and value, "hvkvp get"))
end

function acts.command_delete(a)
	local pool, key = a[2], a[3]
	local r = guest.run("hvkvp --force del " .. pool .. " " .. key)
	if not model:may_be(pool, key, r.ok) then violation("hvkvp del %s %s: %d, %s", pool, key, r.rc, r.out) end
	model:put(pool, key, false)
end

-- Two processes at once, while the host asks.
function acts.commands_and_host(a)
	local pool, n = a[2], a[3]
	must("for i in 1 2; do (for k in 1 2 3; do hvkvp --force set " .. pool .. " both$i-$k " .. n ..
		"; done; echo $? >/tmp/both.$i) >/tmp/both.out 2>&1 & done; rm -f /tmp/both.1 /tmp/both.2")
	for i = 1, 4 do
		judge_set(pool, "host" .. i, "h" .. n, ask{ op = "set", pool = pool, key = "host" .. i, value = "h" .. n })
	end
	must("i=0; until [ -e /tmp/both.1 ] && [ -e /tmp/both.2 ]; do i=$((i + 1)); [ $i -lt 600 ] || exit 1; " ..
		"usleep 50000; done; grep -qx 0 /tmp/both.1 && grep -qx 0 /tmp/both.2 || { cat /tmp/both.out; exit 1; }")	-- sleep: it polls
	for i = 1, 2 do
		for k = 1, 3 do model:put(pool, "both" .. i .. "-" .. k, tostring(n)) end
	end
end

-- Another program appends a record, synced: with flock, or with no lock at all.
function acts.append(a)
	local pool, key, value, lock = a[2], a[3], "appended " .. a[4], a[5]
	local file = FOLDER .. "/.kvp_pool_" .. NUMBER[pool]
	-- It appends what is not there.
	if model:may_be(pool, key, true) then return end
	must("printf %s " .. key .. " >/tmp/record && truncate -s 512 /tmp/record && printf %s " .. quoted(value) ..
		" >>/tmp/record && truncate -s 2560 /tmp/record && " .. (lock and "flock " .. file .. " " or "") ..
		"dd if=/tmp/record of=" .. file .. " bs=2560 oflag=append conv=notrunc,fsync 2>/dev/null")
	model:put(pool, key, value)
end

-- Another program replaces a file by rename, with what it held, synced.
function acts.rename(a)
	local file = FOLDER .. "/.kvp_pool_" .. NUMBER[a[2]]
	must("cp -p " .. file .. " " .. file .. ".new && fsync " .. file .. ".new && mv " .. file .. ".new " .. file .. " && sync")
end

-- ---- faults ----

local faults = {}

function faults.kill()
	must("kvp-service kill; kvp-service start")
	serve_again()
end

function faults.restart()
	must("kvp-service restart")
	serve_again()
end

-- The service dies with a request in hand: the change has happened or has not.
function faults.kill_in_hand(a)
	local pool, key, value = a[2], a[3], "killed " .. a[4]
	counts.requests = counts.requests + 1
	kvp.post{ op = "set", pool = pool, key = key, value = value }
	must("kvp-service kill; kvp-service start")
	local good, r = pcall(kvp.late, ANSWER)
	if good and r.ok then model:put(pool, key, value) else model:maybe(pool, key, value) end
	serve_again()
end

-- It is stopped for a moment: the answer is late, and there.
function faults.stopped(a)
	local pool, key, value = a[2], a[3], "stopped " .. a[4]
	must("kill -STOP $(cat /run/kvp-service.pid)")
	counts.requests = counts.requests + 1
	kvp.post{ op = "set", pool = pool, key = key, value = value }
	must("kill -CONT $(cat /run/kvp-service.pid)")
	local r = kvp.late(ANSWER)
	-- The driver gives up after some seconds, which a slow machine may need.
	if r.ok then model:put(pool, key, value) else model:maybe(pool, key, value) end
end

function faults.reload()
	must("kvp-service stop; rmmod hv_kvp && modprobe hv_kvp && kvp-service start")
	serve_again()
end

function faults.rescind()
	bus.rescind()
	bus.wait_reopen(BACK)
	serve_again()
end

function faults.rescind_in_hand(a)
	local pool, key, value = a[2], a[3], "rescinded " .. a[4]
	counts.requests = counts.requests + 1
	kvp.post{ op = "set", pool = pool, key = key, value = value }
	bus.rescind()
	local good, r = pcall(kvp.late, 0)
	if good and r.ok then model:put(pool, key, value) else model:maybe(pool, key, value) end
	bus.wait_reopen(BACK)
	serve_again()
end

function faults.clock(a)
	must("date -s @$(($(date +%s) + " .. a[2] .. ")) >/dev/null")
end

function faults.memory()
	must("sync; echo 3 >/proc/sys/vm/drop_caches")
end

function faults.away()
	must("mv " .. FOLDER .. " " .. FOLDER .. ".away && mv " .. FOLDER .. ".away " .. FOLDER)
end

-- No room: a SET is refused, without an effect, or done. Needs the small file system of the disk.
function faults.full(a)
	local pool, key, value = a[2], a[3], value_of(a, 4)
	guest.run("dd if=/dev/zero of=" .. FOLDER .. "/filler bs=64k 2>/dev/null; dd if=/dev/zero of=" .. FOLDER ..
		"/filler2 bs=512 2>/dev/null; sync", 120)
	judge_set(pool, key, value, ask{ op = "set", pool = pool, key = key, value = value }, true)
	must("rm -f " .. FOLDER .. "/filler " .. FOLDER .. "/filler2; sync")
	acts.get{ "get", pool, key }
end

function faults.slow_flush(a)
	local pool, key, value = a[2], a[3], "slow " .. a[4]
	disk:faults{ flush_us = a[5] }
	judge_set(pool, key, value, ask{ op = "set", pool = pool, key = key, value = value })
	disk:faults{}
end

-- The power goes: at once, or in the middle of a request: at a write, at a flush, after a time.
function faults.power(a)
	local how, pool, key, value = a[2], a[3], a[4], "cut " .. a[5]
	local asked = how ~= "now"
	counts.cuts = counts.cuts + 1
	if how == "write" then
		disk:faults{ cut_write = a[6] }
	elseif how == "flush" then
		disk:faults{ cut_flush = a[6] }
	end
	local got = 0
	if asked then
		if how == "time" then bus.power.cut(a[6] * 1000) end
		-- Until it goes, each answer counts.
		while not bus.power.is_off() and got < 200 do
			counts.requests = counts.requests + 1
			local sent = pcall(kvp.post, { op = "set", pool = pool, key = key, value = value .. got })
			if not sent then break end
			local good, r
			local deadline = native.now() + ANSWER * native.patience
			repeat
				good, r = pcall(kvp.late, 0.2)
				if not good and native.now() > deadline then violation("SET has no answer: %s", tostring(r)) end
			until good or bus.power.is_off() or #ic.talk.pending == 0
			-- What arrived before the cut counts.
			if not good and #ic.talk.pending > 0 then good, r = pcall(kvp.late, 0) end
			if good and r.ok then
				model:put(pool, key, value .. got)
			else
				model:maybe(pool, key, value .. got)
			end
			got = got + 1
		end
	end
	if not bus.power.is_off() then bus.power.cut() end
	bus.power.on()
	bring_up()
	acts.get{ "get", pool, key }
	acts.audit{ "audit", pool }
end

-- ---- drawing ----

local EDGES = { 0, 1, 2, 254, 255, 256, 511, 512, 1021, 1022, 1023 }
local KEY_EDGES = { 1, 2, 127, 128, 253, 254, 255 }

local function drawer(seed, with_disk, with_hostile)
	local r = random_of(seed)
	local serial = 0
	local function one(list) return list[r(1, #list)] end
	local function pool() return one(POOLS) end
	-- Keys collide often, and are prefixes of each other.
	local function key() return "key" .. r(1, r(1, 40)) end
	local function number() serial = serial + 1; return serial end
	local function units() return r(1, 3) == 1 and one(EDGES) or r(0, r(1, 200)) end
	local table_of = {
		{ 220, function() return { "set", pool(), key(), one(NAMES), units(), r(0, 9) } end },
		{ 120, function() return { "get", pool(), key() } end },
		{ 60, function() return { "delete", pool(), key() } end },
		{ 30, function() return { "enumerate_one", pool(), r(0, 60) } end },
		{ 12, function() return { "enumerate", pool() } end },
		{ 20, function() return { "set_number", pool(), key(), one{ "dword", "qword" }, one{ 0, 1, 2147483647, 4294967295 } } end },
		{ 15, function() return { "set_long_key", pool(), one(NAMES), one(KEY_EDGES), r(0, 9) } end },
		{ 8, function() return { "facts", r(0, 9) } end },
		{ 10, function() return { "negotiate", one{ "3.0", "4.0", "5.0" } } end },
		{ 8, function() return { "unknown", r(6, 255) } end },
		{ 10, function() return { "burst", pool(), number() * 100, r(2, 4) } end },
		{ 4, function() return { "pause", r(1, 50) } end },
		{ 5, function() return { "audit", pool() } end },
		{ 2, function() return { "resources" } end },
		{ 6, function() return { "command_set", pool(), key(), number() } end },
		{ 5, function() return { "command_get", pool(), key() } end },
		{ 4, function() return { "command_delete", pool(), key() } end },
		{ 2, function() return { "commands_and_host", pool(), number() } end },
		{ 5, function() return { "append", pool(), key(), number(), r(0, 1) == 1 } end },
		{ 2, function() return { "rename", pool() } end },
		{ 2, function() return { "kill" } end },
		{ 2, function() return { "restart" } end },
		{ 2, function() return { "kill_in_hand", pool(), key(), number() } end },
		{ 2, function() return { "stopped", pool(), key(), number() } end },
		{ 1, function() return { "reload" } end },
		{ with_hostile and 30 or 0, function() return { "hostile", r(1, 1 << 30), r(1, 60) } end },
		{ 2, function() return { "rescind" } end },
		{ 2, function() return { "rescind_in_hand", pool(), key(), number() } end },
		{ 2, function() return { "clock", one{ -86400, -3600, -1, 1, 3600, 86400 } } end },
		{ 1, function() return { "memory" } end },
		{ with_disk and 0 or 1, function() return { "away" } end },
		{ with_disk and 1 or 0, function() return { "full", pool(), key(), "ascii", one(EDGES), r(0, 9) } end },
		{ with_disk and 1 or 0, function() return { "slow_flush", pool(), key(), number(), r(1000, 100000) } end },
		{ with_disk and 3 or 0, function()
			local how = one{ "now", "write", "flush", "time" }
			return { "power", how, pool(), key(), number(), r(1, r(1, how == "time" and 60 or 12)) }
		end },
	}
	local total = 0
	for _, entry in ipairs(table_of) do total = total + entry[1] end
	return function()
		local n = r(1, total)
		for _, entry in ipairs(table_of) do
			n = n - entry[1]
			if n <= 0 then return entry[2]() end
		end
	end
end

-- ---- playing ----

local function written(act)
	local out = {}
	for i, word in ipairs(act) do
		out[i] = type(word) == "string" and string.format("%q", word) or tostring(word)
	end
	return "{ " .. table.concat(out, ", ") .. " }"
end

-- Carries out one act; raises an error when something is broken.
function endure.act(act)
	local fault = faults[act[1]]
	local fn = acts[act[1]] or fault or error("there is no act '" .. tostring(act[1]) .. "'", 0)
	if fault then counts.faults = counts.faults + 1 end
	fn(act)
end

-- What must hold at the end, and now and then.
local function audit_all()
	for _, pool in ipairs(POOLS) do acts.audit{ "audit", pool } end
	acts.resources()
end

-- The world with empty pools; options: fs, seed, lie.
function endure.begin(options)
	model = pools.new()
	fs = options.fs
	if fs then
		disk = bus.disk{ mib = SIZE[fs], seed = options.seed or 1 }
		if options.lie then disk:lie() end
	end
	bring_up(true)
end

local function percentile(sorted, p)
	return sorted[math.max(1, math.ceil(#sorted * p))] or 0
end

local function summary(violations)
	local l = endure.latencies
	table.sort(l)
	native.emit("endure", "requests", counts.requests, "faults", counts.faults, "cuts", counts.cuts,
		"hostile", counts.hostile, "violations", violations, "p50", math.floor(percentile(l, 0.5)),
		"p99", math.floor(percentile(l, 0.99)), "p999", math.floor(percentile(l, 0.999)),
		"max", math.floor(l[#l] or 0), "fds", endure.fds, "rss_kb", endure.rss, "kept", disk and disk:info().kept, "lost", disk and disk:info().lost,
		"torn", disk and disk:info().torn)
end

-- @next_act: gives the next act, or nil at the end. Emits each act before it is done, so that a run that is stopped
-- from outside can be played again.
local function run(options, next_act)
	local violations = 0
	test.case(options.name, { timeout = options.timeout or 86400, unfinished = true }, function()
		endure.begin(options)
		local good, why = pcall(function()
			for act in next_act do
				native.emit("act", "text", written(act))
				ic.on_latency = function() end
				endure.act(act)
			end
			audit_all()
		end)
		ic.on_latency = nil
		if not good then violations = 1 end
		summary(violations)
		if not good then error(why, 0) end
	end)
end

-- Draws and plays. options: seed, requests or minutes, hostile (at least so many packets), fs (a disk with that file
-- system), lie (its flushes do nothing).
function endure.draw(options)
	local draw = drawer(options.seed, options.fs ~= nil, options.hostile)
	local ends = options.minutes and native.now() + options.minutes * 60
	local function enough()
		if ends then return native.now() >= ends end
		return counts.requests >= (options.requests or 0) and counts.hostile >= (options.hostile or 0)
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
