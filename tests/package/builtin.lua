-- SPDX-License-Identifier: GPL-2.0-only
--
-- A kernel that has our driver in its own tree: built in (how=y) or as a module (how=m). hv_utils keeps its other devices, and
-- knows nothing of KVP. Run by tests/package/builtin, which makes those kernels.

local others = {}
for _, class in ipairs{"heartbeat", "shutdown", "timesync"} do
	others[#others + 1] = bus.offer{class = class}
end
bus.wait_version(200)
bus.wait_open(200)
local agreed = negotiate{timeout = 60}

local function driver_of(device)
	return guest_ok("basename $(readlink /sys/bus/vmbus/devices/" .. device.instance .. "/driver) 2>/dev/null", 60)
end

case("hv_kvp is " .. (args.how == "y" and "built in" or "a module") .. ", and takes its parameters from the command line", function()
	say(guest_ok("uname -rv", 100))
	expect(guest("grep -q '^hv_kvp ' /proc/modules").ok, args.how == "m")
	expect(guest_ok("cat /sys/module/hv_kvp/parameters/request_timeout"), "29")
	expect(driver_of(bus.kvp), "hv_kvp")
	expect(agreed.kvp, "5.0")
end)

case("hv_utils serves the other devices, and cannot have this one", function()
	for _, device in ipairs(others) do
		bus.wait_open(60, device)
		expect(driver_of(device), "hv_utils", device.name)
	end
	local give = guest("hvkvp-driver --runtime give 2>&1", 100)
	expect(give.rc, 1)
	expect(give.out:find("hv_utils of this kernel has no KVP", 1, true) ~= nil, true, give.out)
	expect(driver_of(bus.kvp), "hv_kvp")
	expect(guest_ok("hvkvp-driver status"):find("now:", 1, true), nil)
	bus.wait_open(60)
	alive()
end)

case("pairs go both ways", function()
	expect_pairs_both_ways()
end)

case("rescind and re-offer, three times", function()
	for _ = 1, 3 do
		bus.rescind()
		expect_back()
	end
	expect(get("guest", "from guest").value, "y")
end)
