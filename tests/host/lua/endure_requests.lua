-- SPDX-License-Identifier: GPL-2.0-only
-- What the host asks in a random conversation (README.md, "Endurance").
--
-- requests: an act gives a request, and judges its answer; the next may be asked meanwhile. acts: it asks by itself.

local ic = require "ic"
local kvp = require "kvp"
local expect_sound_ip = require "ip"
local world = require "endure_world"

local requests, acts = {}, {}
local PID = "$(cat /run/kvp-service.pid)"
local violation, holds, ask, must = world.violation, world.holds, world.ask, world.must

-- ---- pairs ----

function requests.set(a)
	local pool, key, value = a[2], a[3], world.value_of(a, 4)
	return { op = "set", pool = pool, key = key, value = value, type = a[7] },
		function(r) world.judge_set(pool, key, value, r) end
end

function requests.set_number(a)
	local pool, key, kind, number = a[2], a[3], a[4], a[5]
	return { op = "set", pool = pool, key = key, value = number, type = kind }, function(r)
		world.judge_set(pool, key, string.format("%d", kind == "dword" and number & 0xffffffff or number), r)
	end
end

function requests.get(a)
	local pool, key = a[2], a[3]
	return { op = "get", pool = pool, key = key }, function(r)
		if not r.ok and r.status == ic.STATUS.E_FAIL then violation("GET %s %q fails", pool, key) end
		holds(world.model:seen(pool, key, r.ok and r.value or false, "GET"))
	end
end

function requests.delete(a)
	local pool, key = a[2], a[3]
	return { op = "delete", pool = pool, key = key }, function(r)
		if not world.model:may_be(pool, key, r.ok) then violation("DELETE %s %q: %s", pool, key, r.status_name) end
		world.model:put(pool, key, false)
	end
end

function requests.enumerate_one(a)
	local pool = a[2]
	return { op = "enumerate", pool = pool, index = a[3] }, function(r)
		if r.ok then
			holds(world.model:seen(pool, r.key, r.value, "ENUMERATE"))
		elseif r.status ~= ic.STATUS.NO_MORE_ITEMS then
			violation("ENUMERATE %d of pool %s: %s", a[3], pool, r.status_name)
		end
	end
end

function requests.facts(a)
	return { op = "enumerate", pool = "auto", index = a[2] }, function(r)
		if not r.ok then violation("fact %d: %s", a[2], r.status_name) end
	end
end

-- An operation or a pool that does not exist.
function requests.unknown(a)
	return { op = a[2], pool = a[3] }, function(r)
		if r.ok then violation("operation %d on pool %d is done", a[2], a[3]) end
	end
end

-- A key at a boundary: set, seen, and deleted again.
function acts.set_long_key(a)
	local pool, key = a[2], world.spell(a[3], a[4], a[5])
	world.set(pool, key, "v")
	if not world.fits(key, "v") then return end
	world.get(pool, key)
	local r = ask{ op = "delete", pool = pool, key = key }
	if not r.ok then violation("DELETE of a key of %d bytes: %s", #key, r.status_name) end
	world.model:put(pool, key, false)
end

function acts.enumerate(a)
	holds(world.model:seen_all(a[2], world.host_pairs(a[2]), "ENUMERATE"))
end

-- So many requests may be in the ring from now on.
function acts.window(a)
	world.drain()
	world.window = a[2]
end

-- A flood: several SETs, each with a key of its own.
function acts.burst(a)
	local pool = a[2]
	for i = 1, a[4] do
		local key, value = "burst" .. i, "b" .. a[3] + i
		world.post{ op = "set", pool = pool, key = key, value = value }
		for _ = 2, world.WINDOW do
			world.count("requests")
			kvp.post{ op = "get", pool = pool, key = key }
		end
		world.judge_set(pool, key, value, kvp.late(world.ANSWER))
		for _ = 2, world.WINDOW do
			local r = kvp.late(world.ANSWER)
			holds(world.model:seen(pool, key, r.ok and r.value or false, "GET"))
		end
	end
end

-- ---- versions ----

function acts.negotiate(a)
	local r = ic.negotiate{ fw = { a[3] or "3.0" }, versions = { a[2] }, timeout = world.ANSWER }
	if r.version ~= a[2] then violation("negotiated %s instead of %s", tostring(r.version), a[2]) end
end

-- Versions that the guest does not have: refused, and the next negotiation works.
function acts.negotiate_none(a)
	local r = ic.negotiate{ fw = { a[2] }, versions = { a[3] }, timeout = world.ANSWER }
	if not r.none then violation("negotiated %s, which does not exist", tostring(r.version)) end
	ic.negotiate{ timeout = world.ANSWER }
end

-- ---- addresses ----

local MAC = "00:15:5d:0a:0b:01"

-- The guest has an adapter, as from a boot. The model of it: lists of each address family. What was kept of an older one
-- must not come back with an outage of the disk.
local function adapter()
	if world.adapter then return world.adapter end
	must("ip link del kvp0 2>/dev/null; rm -f " .. world.FOLDER .. "/ip-*.conf /etc/resolv.conf; sync; " ..
		"modprobe dummy numdummies=0; ip link add kvp0 type dummy && ip link set kvp0 address " .. MAC ..
		" && ip link set kvp0 up && ip -6 addr flush dev kvp0")
	world.adapter = { v4 = {}, v6 = {}, v4_gateway = {}, v6_gateway = {} }
	return world.adapter
end

local function joined(a, b)
	return table.move(b, 1, #b, #a + 1, table.move(a, 1, #a, 1, {}))
end

-- In any order: the kernel's is not that in which they were set.
local function same_list(got, wanted, what)
	table.sort(got)
	table.sort(wanted)
	if table.concat(got, " ") ~= table.concat(wanted, " ") then
		violation("GET_IP has the %s '%s' instead of '%s'", what, table.concat(got, " "), table.concat(wanted, " "))
	end
end

function acts.get_ip(a)
	local now, family = adapter(), a[2]
	local r = ask{ op = "get_ip", pool = 1, adapter = MAC, family = family }
	if not r.ok then violation("GET_IP: %s", r.status_name) end
	expect_sound_ip(r, { family = family })
	local v4, v6 = family ~= "v6", family ~= "v4"
	same_list(r.addresses, joined(v4 and now.v4 or {}, v6 and now.v6 or {}), "addresses")
	same_list(r.gateways, joined(v4 and now.v4_gateway or {}, v6 and now.v6_gateway or {}), "gateways")
end

function acts.get_ip_unknown(a)
	adapter()
	local r = ask{ op = "get_ip", pool = 1, adapter = a[2] }
	if r.status ~= ic.STATUS.GUID_NOTFOUND then violation("GET_IP of '%s': %s", a[2], r.status_name) end
end

-- Sets the addresses of a family, or of both, in the form of the version that is agreed first.
function acts.set_ip(a)
	local now, version, family, n, many = adapter(), a[2], a[3], a[4], a[5]
	acts.negotiate{ "negotiate", version }
	local new = {}
	for i = 1, many do
		if family ~= "v6" then
			new.v4 = joined(new.v4 or {}, { "10." .. n % 200 .. "." .. i .. ".7" })
			new.v4_gateway = { "10." .. n % 200 .. ".1.1" }
		end
		if family ~= "v4" then
			new.v6 = joined(new.v6 or {}, { string.format("2001:db8:%x:%x::7", 1 + n % 200, i) })
			new.v6_gateway = { string.format("2001:db8:%x:1::1", 1 + n % 200) }
		end
	end
	local subnets = {}
	for i = 1, #(new.v4 or {}) do subnets[i] = "255.255.255.0" end
	for _ = 1, #(new.v6 or {}) do subnets[#subnets + 1] = "64" end
	local r = ask{ op = "set_ip", pool = 1, adapter = MAC, family = family, dns = { "192.0.2.53" }, subnets = subnets,
		addresses = joined(new.v4 or {}, new.v6 or {}), gateways = joined(new.v4_gateway or {}, new.v6_gateway or {}) }
	if not r.ok then violation("SET_IP: %s", r.status_name) end
	for name, list in pairs(new) do now[name] = list end
	acts.get_ip{ "get_ip" }
end

-- Addresses that cannot be: refused, and nothing changes.
local IMPOSSIBLE = {
	{ addresses = { "192.0.2.7" }, subnets = { "255.0.255.0" } },
	{ addresses = { "224.0.0.7" }, subnets = { "255.255.255.0" } },
	{ addresses = { "192.0.2.7" }, subnets = { "255.255.255.0" }, gateways = { "192.0.2.7" } },
	{ dhcp = true, family = 7 },
	{},
}

function acts.set_ip_impossible(a)
	adapter()
	local t = { op = "set_ip", pool = 1, adapter = MAC, family = "v4" }
	for k, v in pairs(IMPOSSIBLE[a[2]]) do t[k] = v end
	local r = ask(t)
	if r.ok then violation("SET_IP of impossible addresses (%d) is done", a[2]) end
	acts.get_ip{ "get_ip" }
end

-- ---- checks ----

-- The pairs of a pool's file, read by nothing of ours: a line for each key and each value, in hexadecimal, without the
-- padding. The line to the guest is slow: this is for a checksum that differs.
local function file_pairs(pool)
	local text = must("hexdump -v -e '" .. world.KEY_BYTES .. "/1 \"%02x\" \"\\n\" " .. world.VALUE_BYTES ..
		"/1 \"%02x\" \"\\n\"' " .. world.file(pool) .. " | sed 's/\\(00\\)*$//'; echo end"):match("^(.*)end$")
	local list = {}
	for key, value in text:gmatch("([^\n]*)\n([^\n]*)\n") do
		list[#list + 1] = { key = world.from_hex(key):match("^[^\0]*"), value = world.from_hex(value):match("^[^\0]*") }
	end
	return list
end

-- What a reader of a pool's file finds that shares no code with us: its line of `neighbour sum`.
local function judge_file(pool, line)
	local size, records, dirty, sum = line:match("^(%d+) (%d+) (%d+) (%x+)$")
	if not size or tonumber(size) % world.RECORD ~= 0 then
		violation("the file of pool %s: %s", pool, line)
	end
	local wanted, wanted_sum = world.model:sum(pool)
	if tonumber(records) ~= wanted or tonumber(sum:sub(1, 8), 16) << 32 | tonumber(sum:sub(9), 16) ~= wanted_sum then
		holds(world.model:seen_all(pool, file_pairs(pool), "a reader of the file"))
		violation("the file of pool %s has %s records instead of %d, or its checksum differs", pool, records, wanted)
	end
	-- The stock daemon leaves what was there behind a shorter value.
	if dirty ~= "0" and world.profile ~= "stock" then
		violation("%s records of pool %s have bytes behind their texts", dirty, pool)
	end
end

-- The driver's counters: what it queued was answered, has expired, was withdrawn, or was not taken by the channel.
local COUNTERS = "/sys/class/misc/hv_kvp/statistics"

local function judge_counters(text)
	local now = {}
	for name, value in text:gmatch("([%w_]+):(%d+)") do now[name] = tonumber(value) end
	for _, name in ipairs{ "requests", "answered", "expired", "withdrawn", "unsent" } do
		if not now[name] then violation("no counter %s in: %s", name, text) end
	end
	local missing = now.requests - now.answered - now.expired - now.withdrawn
	if missing < 0 or missing > now.unsent then
		violation("%d requests, but %d answered, %d expired, %d withdrawn, %d unsent", now.requests, now.answered,
			now.expired, now.withdrawn, now.unsent)
	end
end

-- All of some pools: by the host, by our command, and by a reader of the file. Our driver's counters come along.
function acts.audit(a)
	local names = a[2] and { a[2] } or world.POOLS
	local command = "neighbour sum"
	for _, pool in ipairs(names) do
		holds(world.model:seen_all(pool, world.host_pairs(pool), "ENUMERATE"))
		command = command .. " " .. world.file(pool)
	end
	if world.profile ~= "stock" then
		for _, pool in ipairs(names) do command = command .. "; hvkvp list " .. pool .. " --json | grep -c '\"key\"'" end
	end
	if world.profile == "ours" then command = command .. "; cd " .. COUNTERS .. " && grep . *" end
	local lines, out = {}, must(command .. "; true")
	for line in (out .. "\n"):gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
	for i, pool in ipairs(names) do
		judge_file(pool, lines[i] or "")
		local count = lines[#names + i]
		if world.profile ~= "stock" and tonumber(count) ~= #world.model:keys(pool) then
			violation("hvkvp list shows %s pairs of pool %s, there are %d", tostring(count), pool,
				#world.model:keys(pool))
		end
	end
	if world.profile == "ours" then judge_counters(out) end
end

-- ---- bounds ----

-- What a service and a kernel may gain over what they had first, KB and descriptors; what files may have, bytes.
local GAIN = { fds = 16, rss = 3072, slab = 16384 }
local JOURNALS = 4 << 20
-- A change is a line of the service's log.
local LOG, LOG_LINE = 1 << 16, 400

-- Lines of a name and a number, as a table.
local function figures(out, names)
	local now = {}
	for name, value in out:gmatch("(%l+) (%d+)") do now[name] = tonumber(value) end
	for _, name in ipairs(names) do
		if not now[name] then violation("no figure for %s in: %s", name, out) end
	end
	return now
end

-- Memory, descriptors and files keep within bounds, however long the guest runs.
function acts.resources()
	local out = must("p=" .. PID .. "; echo pid $p; echo fds $(ls /proc/$p/fd | wc -l); " ..
		"sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\).*/rss \\1/p' /proc/$p/status; " ..
		"sed -n 's/^Slab:[^0-9]*\\([0-9]*\\).*/slab \\1/p' /proc/meminfo; " ..
		"echo log $(stat -c %s /run/kvp-service.log); : >/run/kvp-service.log; " ..
		"echo journal $(cat " .. world.FOLDER .. "/.kvp_pool_?.journal 2>/dev/null | wc -c)")
	local now = figures(out, { "pid", "fds", "rss", "slab", "log", "journal" })
	-- A new service counts anew; the kernel does not.
	local first = world.base or { slab = now.slab }
	if first.pid ~= now.pid then first.pid, first.fds, first.rss = now.pid, now.fds, now.rss end
	for name, most in pairs(GAIN) do
		if now[name] - first[name] > most then
			violation("%s has grown from %d to %d", name, first[name], now[name])
		end
	end
	local changes = world.counts.requests - (world.logged or 0)
	if now.log > LOG + LOG_LINE * changes then
		violation("the log has %d bytes after %d requests", now.log, changes)
	end
	if now.journal > JOURNALS then violation("the journals have %d bytes", now.journal) end
	world.base, world.logged, world.resources = first, world.counts.requests, now
end

-- A leak shows in a flood of requests of all kinds: what each leaves behind adds up. After a first flood, which may fill
-- caches and takes each path.
local FLOOD = 60	-- rounds
local LEFT = { fds = 2, rss = 36, slab = 300 }	-- descriptors, KB

local function left_behind()
	return figures(must("p=" .. PID .. "; echo fds $(ls /proc/$p/fd | wc -l); " ..
		-- The kernel counts exactly only when it is asked for all mappings.
		"sed -n 's/^Anonymous:[^0-9]*\\([0-9]*\\).*/rss \\1/p' /proc/$p/smaps_rollup; " ..
		"sed -n 's/^SUnreclaim:[^0-9]*\\([0-9]*\\).*/slab \\1/p' /proc/meminfo"), { "fds", "rss", "slab" })
end

function acts.flood(a)
	local pool, key = a[2], "flood"
	-- What is kept of a long value shows.
	local first_value, second_value = world.spell("ascii", 1000, a[3]), world.spell("ascii", 999, a[3])
	local function round()
		world.set(pool, key, first_value)
		world.set(pool, key, second_value)
		world.get(pool, key)
		ask{ op = "delete", pool = pool, key = key }
		world.model:put(pool, key, false)
		world.get(pool, key)
	end
	for _ = 1, FLOOD do round() end
	local first = left_behind()
	for _ = 1, FLOOD do round() end
	local now = left_behind()
	for name, most in pairs(LEFT) do
		-- The debug kernel keeps what is freed, and looks for leaks itself.
		if now[name] - first[name] > most and (name ~= "slab" or args.kernel ~= "debug") then
			violation("%s has grown from %d to %d in %d requests", name, first[name], now[name], 5 * FLOOD)
		end
	end
	native.emit("flood", "fds", now.fds - first.fds, "rss_kb", now.rss - first.rss, "slab_kb", now.slab - first.slab)
end

function acts.counters()
	judge_counters(must("cd " .. COUNTERS .. " && grep . *"))
end

function acts.pause(a)
	native.sleep(a[2] / 1000)	-- sleep: the act itself
end

return { requests = requests, acts = acts }
