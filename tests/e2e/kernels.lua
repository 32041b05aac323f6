-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=5.10 time=300
-- job: profile=ours kernel=6.12 time=300
-- job: profile=ours kernel=sid time=300
-- job: profile=ours kernel=rt time=300
--
-- The short form for every kernel: what differs between them is probing, removing, the rings and the device node. Any other
-- case file runs on them as well, `make check-all` does it: tests/run --kernel 5.10 --only verbs.

-- Two processors of a guest share one of level 1's, and who holds a lock may wait long for it on a busy machine.
bus.wait_open(200)
local v = negotiate{timeout = 30}

case("the guest runs the kernel that was asked for", function()
	say(guest_ok("uname -r", 60))
	if args.kernel:match("^%d") then
		expect(guest_ok("uname -r"):sub(1, #args.kernel + 1), args.kernel .. ".")
	end
	if args.kernel == "rt" then expect(guest_ok("cat /sys/kernel/realtime"), "1") end
	expect(v.kvp, "5.0")
end)

case("pairs go both ways", function()
	expect_pairs_both_ways()
	expect(delete("external", "from host").ok)
	expect(delete("guest", "from guest").ok)
end)

case("largest and smallest packets", function()
	expect(set("external", repeated("K", 255), repeated("w", 1023)).ok)
	expect(get("external", repeated("K", 255)).value, repeated("w", 1023))
	expect(delete("external", repeated("K", 255)).ok)
	expect_error(get_ip{adapter = "00:15:5d:00:00:01"})
	raw{bytes = ""}
	raw{bytes = string.rep("\1", 24)}
	expect_no_answer(200)
	expect_error(request{op = 99}, NOT_SUPPORTED)
end)

case("rescind and re-offer, three times", function()
	for _ = 1, 3 do
		bus.rescind()
		expect_back()
	end
end)

case("a rescind right after the open", function()
	for _, order in ipairs{"after", "before"} do
		local opened = bus.count("open", bus.kvp)
		bus.arm{at = "open", what = "rescind", after_us = 0, order = order}
		bus.rescind()
		wait{true_when = function() return bus.count("open", bus.kvp) >= opened + 2 end, timeout = 20}
		expect_back()
	end
end)

case("the module unloads and loads again", function()
	guest_ok("kvp-service stop")
	guest_ok("rmmod hv_kvp")
	guest_ok("modprobe hv_kvp && kvp-service start")
	expect_back()
end)
