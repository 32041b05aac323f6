-- SPDX-License-Identifier: GPL-2.0-only
-- job: kernel=debug time=900 mem=1024
--
-- Hibernation up to the point where the image would be written, and back: the bus unloads, the channel closes, all comes again.
-- Needs a kernel with PM_DEBUG, whose pm_test stops there.

bus.wait_open(60)
negotiate{timeout = 30}
-- A host that rescinds what the guest closes would put a new device in the place of the one that is to resume.
bus.reoffer_policy{on_close = false}
-- Its pause of five seconds is a busy one, which emulation stretches until the watchdog barks.
guest_ok("echo platform >/sys/power/pm_test; echo 60 >/proc/sys/kernel/watchdog_thresh")
-- Room for all of the memory that is in use: the kernel would make the image smaller by taking nearly all that is free.
guest_ok("echo 1000000000 >/sys/power/image_size")

local function hibernate_and_wake()
	guest_ok("echo disk >/sys/power/state", 90)
	bus.wait_open(30)
end

local function works()
	expect(negotiate{timeout = 30}.kvp, "5.0")
	expect(set("external", "awake", "yes").ok)
	expect(get("external", "awake").value, "yes")
	expect(delete("external", "awake").ok)
end

case("with an idle service: it stays, and so do the pairs", {timeout = 150}, function()
	local before = guest_ok("cat /run/kvp-service.pid")
	expect(set("external", "kept", "value").ok)
	hibernate_and_wake()
	works()
	expect(get("external", "kept").value, "value")
	expect(delete("external", "kept").ok)
	expect(guest_ok("kvp-service status"), "runs, pid " .. before)
end)

case("with no service: the next one finds the device", {timeout = 150}, function()
	guest_ok("kvp-service stop")
	hibernate_and_wake()
	guest_ok("kvp-service start")
	works()
end)

case("with a request in the service's hands: it is withdrawn, and its answer reaches nobody", {timeout = 150}, function()
	local before, late = driver_counter("withdrawn"), driver_counter("late")
	stop_service_with(function()
		raw{body = string.pack("<BBxxI4I4I4", 1, 0, 1, 4, 4) .. utf16("k\0") .. string.rep("\0", 508) .. utf16("v\0") ..
			   string.rep("\0", 2048)}
	end)
	hibernate_and_wake()
	expect(driver_counter("withdrawn"), before + 1)
	continue_service()
	expect(negotiate{timeout = 30}.kvp, "5.0")
	wait{true_when = function() return driver_counter("late") > late end, timeout = 30}
	expect_no_answer(200)
	works()
	delete("external", "k")
end)

case("with a host that refuses the channel at first: the node stays, and the next attempt opens it", {timeout = 150}, function()
	local pid = guest_ok("cat /run/kvp-service.pid")
	local from = log.mark()
	bus.arm{at = "open", what = "refuse", status = 0xc0000001}
	guest_ok("echo disk >/sys/power/state", 90)
	wait{log = "cannot open the channel: .* next attempt in 1 s", from = from, timeout = 30}
	bus.wait_open(30)
	works()
	expect(guest_ok("kvp-service status"), "runs, pid " .. pid)
	-- A node whose device counts as removed cannot be opened.
	guest_ok("kvp-service restart")
	works()
end)

case("with a host that rescinds what the guest closes: the new device is taken", {timeout = 150}, function()
	bus.reoffer_policy{on_close = true}
	hibernate_and_wake()
	works()
end)
