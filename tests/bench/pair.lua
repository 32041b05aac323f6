-- SPDX-License-Identifier: GPL-2.0-only
-- demo: profile=ours kernel=6.1 cpus=1 time=900 load=hv_vmbus start=no disk=ext4
--
-- Our driver and daemon against the stock pair and against services that answer at once (kvp-echo.c), in turns in one guest,
-- so that all see the same machine and the same load. Prints times, their ratios, and whether the goals are met; and how
-- much of a request's time is the driver's own. It fails for no figure: the machine may be busy.
--
-- The pools are on ext4 on a disk, as in a real guest: in memory an fdatasync(2) does nothing, so it would cost nothing.
-- One virtual processor: in an emulated level 1, which has one, a second one waits for locks that the first one has, for 4
-- to 15 ms at a time, until level 1 lets the first one run again. Then a sync took 8 ms, of which 6 were such a wait.

-- Many short rounds: on an emulated machine one of them may be slow as a whole.
local rounds = tonumber(args.rounds) or 9
local n = tonumber(args.n) or 100

-- For GET_IP: a real synthetic adapter, known by its MAC address; the stock daemon finds it in capitals only.
local MAC = "00:15:5d:01:02:03"

local OURS = "modprobe hv_kvp; echo %s >/run/kvp-profile; kvp-service start"
local OURS_DOWN = "kvp-service stop; rmmod hv_kvp"

local services = {
	{name = "stock", up = "modprobe hv_utils; echo stock >/run/kvp-profile; kvp-service start",
	 down = "kvp-service stop; rmmod hv_utils"},
	{name = "ours", up = OURS:format("ours"), down = OURS_DOWN},
	{name = "echo", up = OURS:format("echo"), down = OURS_DOWN},
	-- Makes SET and DELETE durable: one write, one fdatasync(2).
	{name = "sync", up = OURS:format("sync"), down = OURS_DOWN},
}

-- What is not measured: the stock daemon has no such item; a body of addresses has to come from somewhere; and what the
-- service that syncs does for the rest is the other one's work.
local NO_STOCK, NO_ECHO = "stock", "echo"

-- What ours is compared with, for the goals: at most 1.1 times that.
local tests = {
	{"negotiate (driver alone)", n, function() negotiate{} end, limit = "echo"},
	{"enumerate: release, OS, processor", n, function(i) enumerate_one("auto", 4 + i % 6) end, limit = "echo"},
	{"enumerate: full name, addresses", n, function(i) enumerate_one("auto", ({0, 2, 3})[i % 3 + 1]) end, limit = "echo"},
	{"enumerate: RDP addresses", n, function(i) enumerate_one("auto", 12 + i % 2) end, without = NO_STOCK, limit = "echo"},
	{"unknown operation", n, function() request{op = 9} end, limit = "echo"},
	{"read the addresses of an adapter (GET_IP)", math.min(n, 20), function()
		expect(get_ip{adapter = MAC:upper(), timeout = 60}.status_name, "S_OK")
	end, without = NO_ECHO},
	{"set, a new key", n, function(i) set("external", "k" .. i, "v" .. i) end, limit = "sync"},
	{"enumerate: a stored pair", n, function(i) enumerate_one("external", i % n) end, limit = "echo"},
	{"get", n, function(i) get("external", "k" .. i) end, limit = "echo"},
	{"set, a known key", n, function(i) set("external", "k" .. i, "w" .. i) end, limit = "sync"},
	{"delete", n, function(i) delete("external", "k" .. i) end, limit = "sync"},
}

-- samples[i][name] = {min = ..., median = ..., p99 = ...}, each a list with an element a round.
local samples = {}
local KINDS = {"min", "median", "p99"}

local function is_measured(t, which)
	if which.name == "sync" then return t.limit == "sync" end
	return which.name ~= t.without
end

local function start(which)
	guest_ok(which.up)
	bus.wait_open(15)
	negotiate{timeout = 15}
	guest_ok("dmesg -n 1; for i in 0 1 2 3 4; do : >/var/lib/hyperv/.kvp_pool_$i; done")
end

local function measure(which)
	start(which)
	for i, t in ipairs(tests) do
		samples[i] = samples[i] or {}
		local mine = samples[i][which.name] or {min = {}, median = {}, p99 = {}}
		samples[i][which.name] = mine
		if is_measured(t, which) then
			-- What the first one makes is kept; changes have to be counted all.
			if t.limit ~= "sync" then t[3](1) end
			local b = bench(t[2], {name = which.name .. ": " .. t[1]}, t[3])
			for _, kind in ipairs(KINDS) do table.insert(mine[kind], b[kind]) end
		end
	end
	guest_ok(which.down)
end

-- The median of a list; nil if it is empty.
local function middle(list)
	table.sort(list)
	return list[(#list + 1) // 2]
end

bus.wait_version(400)
-- For tests/bench/plot.
say("guest: " .. guest_ok("uname -r"))
local disk = bus.disk{mib = 64, seed = 1}
guest_ok("modprobe hv_storvsc && modprobe sd_mod && modprobe -q ext4; mkdir -p /var/lib/hyperv", 90)
local node = disk:node()
-- Blocks of 4096 bytes, as in every file system of 512 MiB or more.
guest_ok("mkfs.ext4 -q -b 4096 " .. node .. " && mount -t ext4 " .. node .. " /var/lib/hyperv", 90)
local nic = bus.nic{mac = MAC}
guest_ok("modprobe hv_netvsc", 90)
local eth = nic:interface()
guest_ok("ip link set " .. eth .. " up && ip addr add 192.0.2.7/24 dev " .. eth)
for round = 1, rounds do
	case("round " .. round .. " of " .. rounds, {timeout = 500}, function()
		for _, which in ipairs(services) do measure(which) end
	end)
end

case("times and ratios", function()
	local function ratio(a, b) return a and b and string.format("%.2f", a / b) or "-" end
	local function goal(t, kind, ours)
		if kind == "p99" then return ours.p99 <= 3 * ours.median and "met" or "missed" end
		if not t.limit or not ours.limit[kind] then return "-" end
		local met = ours[kind] <= 1.1 * ours.limit[kind] and not (ours.stock[kind] and ours[kind] > ours.stock[kind])
		return met and "met" or "missed"
	end
	local format = "%-42s %-6s %8s %8s %8s %8s %10s %9s %9s  %s"
	say("medians of " .. rounds .. " rounds of " .. n .. ", us, pools on ext4")
	say("sync: echo with one write and one fdatasync for a change")
	say("of what only reads, the first request of a round is not counted")
	say("goals: min and median at most 1.1 times echo, or sync for changes, and not above stock; p99 at most 3 medians")
	say(string.format(format, "", "", "stock", "echo", "sync", "ours", "ours/stock", "ours/echo", "ours/sync", "goal"))
	for i, t in ipairs(tests) do
		local all = {}
		for _, which in ipairs(services) do
			all[which.name] = {}
			for _, kind in ipairs(KINDS) do all[which.name][kind] = middle(samples[i][which.name][kind]) end
		end
		local ours = all.ours
		ours.limit, ours.stock = t.limit and all[t.limit], all.stock
		for _, kind in ipairs(KINDS) do
			say(string.format(format, kind == "min" and t[1] or "", kind, all.stock[kind] or "-",
				all.echo[kind] or "-", all.sync[kind] or "-", ours[kind], ratio(ours[kind], all.stock[kind]),
				ratio(ours[kind], all.echo[kind]), ratio(ours[kind], all.sync[kind]), goal(t, kind, ours)))
		end
	end
end)

-- Where the time of a request goes, by the tracepoints of the driver and of hv_vmbus: microseconds since the line before.
local STEPS = {
	{"packet", "interrupt to packet, copied out of the ring and checked"},
	{"request", "packet to wake-up of the service"},
	{"take", "wake-up to the service's read()"},
	{"reply", "the service, from read() to write()"},
	{"answer", "reply to ring, with the signal to the host"},
}

local function steps_of(trace)
	local interrupt, requests = nil, {}
	for line in trace:gmatch("[^\n]+") do
		local time, name, rest = line:match("(%d+%.%d+): ([%w_]+): (.*)")
		local id = rest and rest:match("^id=(%d+)")
		if name == "vmbus_chan_sched" then interrupt = tonumber(time) end
		if id and id ~= "0" then
			local one = requests[id] or {}
			local step = name:match("^hv_kvp_(%a+)$")
			requests[id] = one
			if step == "event" then step = rest:match("^id=%d+ (%a+): ") end
			-- A packet that was there already when the answer went had none.
			if step == "packet" then one.interrupt, interrupt = interrupt, nil end
			if step then one[step] = one[step] or tonumber(time) end
		end
	end
	return requests
end

case("the driver's own part", {timeout = 300}, function()
	local t = "/sys/kernel/tracing/"
	local enable = " >" .. t .. "events/hv_kvp/enable; echo %d >" .. t .. "events/hyperv/vmbus_chan_sched/enable"
	local columns = {}
	start(services[2])
	for _, what in ipairs{{"set", tests[#tests - 1]}, {"get", tests[#tests - 2]}} do
		what[2][3](1)
		guest_ok("echo mono >" .. t .. "trace_clock; echo >" .. t .. "trace; echo 1" .. enable:format(1))
		-- Few enough for the answer of one command.
		bench(math.min(n, 50), {name = "traced " .. what[1]}, what[2][3])
		local trace = guest_ok("echo 0" .. enable:format(0) .. "; " .. [[sed -n 's/^.*\] [^ ]* *\([0-9]\)/\1/p' ]] .. t .. "trace", 60)
		local column = {name = what[1]}
		for _, one in pairs(steps_of(trace)) do
			local before = one.interrupt
			for i, step in ipairs(STEPS) do
				column[i] = column[i] or {}
				local at = one[step[1]]
				if at and before then table.insert(column[i], math.floor((at - before) * 1e6 + 0.5)) end
				before = at
			end
		end
		table.insert(columns, column)
	end
	say(string.format("%-58s %10s %10s", "medians, us", columns[1].name, columns[2].name))
	for i, step in ipairs(STEPS) do
		say(string.format("%-58s %10s %10s", step[2], middle(columns[1][i] or {}) or "-", middle(columns[2][i] or {}) or "-"))
	end
	guest_ok(services[2].down)
end)
