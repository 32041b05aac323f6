-- SPDX-License-Identifier: GPL-2.0-only
-- demo: profile=ours kernel=6.1 cpus=1 time=1500 mem=1024 load=hv_vmbus start=no
--
-- What an operation costs when the pool is full: the stock pair, which reads and writes the whole file each time, and ours,
-- in one guest. Prints medians; it judges nothing.

local n = tonumber(args.n) or 40
local sizes = {10, 100, 1000, 10000}

local pairs_of_us = {
	{name = "stock", up = "modprobe hv_utils; echo stock >/run/kvp-profile; kvp-service start",
	 down = "kvp-service stop; rmmod hv_utils"},
	{name = "ours", up = "modprobe hv_kvp; echo ours >/run/kvp-profile; kvp-service start",
	 down = "kvp-service stop; rmmod hv_kvp"},
}

local function key(i) return string.format("key%05d", i) end

local tests = {
	{"get", function(i, count) get("external", key(i * 7 % count)) end},
	{"enumerate one", function(i, count) enumerate_one("external", i * 7 % count) end},
	{"set, a known key", function(i, count) set("external", key(i * 7 % count), "value " .. i) end},
	{"set, a new key, and delete it", function(i)
		set("external", "new" .. i, "v")
		delete("external", "new" .. i)
	end},
}

local medians = {}

for _, count in ipairs(sizes) do
	for _, which in ipairs(pairs_of_us) do
		-- Where each takes half a second, a few will do.
		local times = which.name == "stock" and count > 1000 and math.min(n, 10) or n
		case(which.name .. ", " .. count .. " keys", {timeout = 600}, function()
			guest_ok("mkdir -p /var/lib/hyperv; rm -f /var/lib/hyperv/.kvp_pool_*; " ..
				 "kvp-fill /var/lib/hyperv/.kvp_pool_0 " .. count, 90)
			guest_ok(which.up)
			bus.wait_open(15)
			negotiate{timeout = 15}
			guest_ok("dmesg -n 1")
			for i, t in ipairs(tests) do
				local b = bench(times, {name = which.name .. ", " .. count .. " keys: " .. t[1]},
						function(k) t[2](k, count) end)
				medians[i] = medians[i] or {}
				medians[i][which.name .. count] = b.median
			end
			guest_ok(which.down)
		end)
	end
end

case("medians, us", function()
	local head = string.format("%-32s", "")
	for _, which in ipairs(pairs_of_us) do
		for _, count in ipairs(sizes) do head = head .. string.format(" %11s", which.name .. " " .. count) end
	end
	say(head)
	for i, t in ipairs(tests) do
		local line = string.format("%-32s", t[1])
		for _, which in ipairs(pairs_of_us) do
			for _, count in ipairs(sizes) do line = line .. string.format(" %11d", medians[i][which.name .. count]) end
		end
		say(line)
	end
end)
