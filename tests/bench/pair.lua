-- SPDX-License-Identifier: GPL-2.0-only
-- demo: profile=ours kernel=6.1 time=400 load=hv_vmbus start=no
--
-- Our driver and daemon against the stock pair and against a service that answers at once (kvp-echo.c), in turns in one guest,
-- so that all see the same machine and the same load. Prints times and their ratios; it judges nothing.

local rounds = tonumber(args.rounds) or 3
local n = tonumber(args.n) or 200

-- For GET_IP: a real synthetic adapter, known by its MAC address; the stock daemon finds it in capitals only.
local MAC = "00:15:5d:01:02:03"

local services = {
	{name = "stock", up = "modprobe hv_utils; echo stock >/run/kvp-profile; kvp-service start",
	 down = "kvp-service stop; rmmod hv_utils"},
	{name = "ours", up = "modprobe hv_kvp; echo ours >/run/kvp-profile; kvp-service start",
	 down = "kvp-service stop; rmmod hv_kvp"},
	{name = "echo", up = "modprobe hv_kvp; echo echo >/run/kvp-profile; kvp-service start",
	 down = "kvp-service stop; rmmod hv_kvp"},
}

-- A body of addresses has to come from somewhere.
local NO_ECHO = "no answer is ready"

local tests = {
	{"negotiate (driver alone)", n, function() negotiate{} end},
	{"enumerate pool 2 (driver and daemon)", n, function(i) enumerate_one("auto", 4 + i % 6) end},
	{"unknown operation", n, function() request{op = 9} end},
	{"read the addresses of an adapter (GET_IP)", math.min(n, 20), function()
		expect(get_ip{adapter = MAC:upper(), timeout = 60}.status_name, "S_OK")
	end, NO_ECHO},
	{"set, a new key", n, function(i) set("external", "k" .. i, "v" .. i) end},
	{"get", n, function(i) get("external", "k" .. i) end},
	{"set, a known key", n, function(i) set("external", "k" .. i, "w" .. i) end},
	{"delete", n, function(i) delete("external", "k" .. i) end},
}

-- samples[i][name] = {min = ..., median = ..., p99 = ...}, each a list with an element a round.
local samples = {}
local KINDS = {"min", "median", "p99"}

local function measure(which)
	guest_ok(which.up)
	bus.wait_open(15)
	negotiate{timeout = 15}
	guest_ok("dmesg -n 1; for i in 0 1 2 3 4; do : >/var/lib/hyperv/.kvp_pool_$i; done")
	for i, t in ipairs(tests) do
		samples[i] = samples[i] or {}
		local mine = samples[i][which.name] or {min = {}, median = {}, p99 = {}}
		samples[i][which.name] = mine
		if which.name ~= "echo" or t[4] ~= NO_ECHO then
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
	local format = "%-38s %-6s %9s %9s %9s %10s %10s"
	say("medians of " .. rounds .. " rounds of " .. n .. ", us")
	say(string.format(format, "", "", "stock", "echo", "ours", "ours/stock", "ours/echo"))
	for i, t in ipairs(tests) do
		for _, kind in ipairs(KINDS) do
			local stock, echo, ours = middle(samples[i].stock[kind]), middle(samples[i].echo[kind]),
				middle(samples[i].ours[kind])
			say(string.format(format, kind == "min" and t[1] or "", kind, stock, echo or "-", ours,
				ratio(ours, stock), ratio(ours, echo)))
		end
	end
end)
