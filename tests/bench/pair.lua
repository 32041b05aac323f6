-- SPDX-License-Identifier: GPL-2.0-only
-- demo: profile=ours kernel=6.1 time=400 load=hv_vmbus start=no
--
-- Our driver and daemon against the stock pair, in turns in one guest, so that both see the same machine and the same load.
-- Prints medians and their ratios; it judges nothing.

local rounds = tonumber(args.rounds) or 3
local n = tonumber(args.n) or 200

-- For GET_IP: a real synthetic adapter, known by its MAC address; the stock daemon finds it in capitals only.
local MAC = "00:15:5d:01:02:03"

local pairs_of_us = {
	{name = "stock", up = "modprobe hv_utils; echo stock >/run/kvp-profile; kvp-service start",
	 down = "kvp-service stop; rmmod hv_utils"},
	{name = "ours", up = "modprobe hv_kvp; echo ours >/run/kvp-profile; kvp-service start",
	 down = "kvp-service stop; rmmod hv_kvp"},
}

local tests = {
	{"negotiate (driver alone)", n, function() negotiate{} end},
	{"enumerate pool 2 (driver and daemon)", n, function(i) enumerate_one("auto", 4 + i % 6) end},
	{"unknown operation", n, function() request{op = 9} end, "the stock driver asks its daemon"},
	{"read the addresses of an adapter (GET_IP)", math.min(n, 20), function() expect(get_ip{adapter = MAC:upper(), timeout = 60}.status_name, "S_OK") end},
	{"set, a new key", n, function(i) set("external", "k" .. i, "v" .. i) end},
	{"get", n, function(i) get("external", "k" .. i) end},
	{"set, a known key", n, function(i) set("external", "k" .. i, "w" .. i) end},
	{"delete", n, function(i) delete("external", "k" .. i) end},
}

local samples = {}

local function measure(which)
	guest_ok(which.up)
	bus.wait_open(15)
	negotiate{timeout = 15}
	guest_ok("dmesg -n 1; for i in 0 1 2 3 4; do : >/var/lib/hyperv/.kvp_pool_$i; done")
	for i, t in ipairs(tests) do
		local b = bench(t[2], {name = which.name .. ": " .. t[1]}, t[3])
		samples[i] = samples[i] or {stock = {}, ours = {}}
		table.insert(samples[i][which.name], b.median)
	end
	guest_ok(which.down)
end

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
		measure(pairs_of_us[1])
		measure(pairs_of_us[2])
	end)
end

case("medians", function()
	say(string.format("%-40s %10s %10s %8s", "median of " .. rounds .. " rounds of " .. n .. ", us", "stock", "ours", "ratio"))
	for i, t in ipairs(tests) do
		local stock, ours = middle(samples[i].stock), middle(samples[i].ours)
		say(string.format("%-40s %10d %10d %8.3f", t[1], stock, ours, ours / stock))
	end
end)
