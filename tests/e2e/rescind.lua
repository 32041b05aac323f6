-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300
-- job: profile=ours kernel=debug time=900 args=leaks append=kmemleak=on
--
-- The host takes the device away and gives it back, at good moments and at bad ones. The stock pair is not asked: a rescind
-- makes its daemon exit, and one right after the open crashes its kernel.

bus.wait_open(90)
negotiate{timeout = 30}

local function pid()
	return guest_ok("cat /run/kvp-service.pid")
end

case("rescind and re-offer: the service stays up, the pairs too", function()
	local before = pid()
	expect(set("external", "kept", "value").ok)
	bus.rescind()
	expect_back()
	expect(get("external", "kept").value, "value")
	expect(delete("external", "kept").ok)
	expect(guest_ok("kvp-service status"), "runs, pid " .. before)
end)

case("ten times in a row", function()
	local before = pid()
	for _ = 1, 10 do
		bus.rescind()
		expect_back()
	end
	expect(pid(), before)
end)

case("with a request in hand", function()
	stop_service_with(function()
		raw{body = string.pack("<BBxxI4I4I4", 1, 0, 1, 4, 4) .. utf16("k\0") .. string.rep("\0", 508) .. utf16("v\0") ..
			   string.rep("\0", 2048)}
	end)
	bus.rescind()
	continue_service()
	expect_back()
	delete("external", "k")
end)

case("with no service", function()
	guest_ok("kvp-service stop")
	bus.rescind()
	bus.wait_open(15)
	guest_ok("kvp-service start")
	expect_back()
end)

for _, order in ipairs{"after", "before"} do
	for _, delay in ipairs{0, 50, 200, 500, 1000, 2000, 5000, 20000} do
		case("a rescind " .. delay .. " us " .. order .. " the open result", function()
			local opened = bus.count("open", bus.kvp)
			bus.arm{at = "open", what = "rescind", after_us = delay, order = order}
			bus.rescind()
			-- The first open is the one that the host takes back; the second one stays.
			wait{true_when = function() return bus.count("open", bus.kvp) >= opened + 2 end, timeout = 20}
			expect_back()
		end)
	end
end

case("the driver is unbound while the service has the device open", function()
	local device = guest_ok("basename $(readlink /sys/class/misc/hv_kvp/device)")
	local opened = bus.count("open", bus.kvp)
	guest_ok("echo " .. device .. " >/sys/bus/vmbus/drivers/hv_kvp/unbind")
	-- Closing the channel makes the host take the device back and offer it anew.
	wait{true_when = function() return bus.count("open", bus.kvp) > opened end, timeout = 10}
	expect_back()
	guest_ok("kvp-service status")
end)

case("the module unloads cleanly at the end", function()
	guest_ok("kvp-service stop")
	guest_ok("rmmod hv_kvp", 15)
	guest_ok("modprobe hv_kvp && kvp-service start")
	expect_back()
end)
