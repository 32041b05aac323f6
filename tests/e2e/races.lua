-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300
-- job: profile=ours kernel=debug time=900 args=leaks append=kmemleak=on
-- job: profile=ours kernel=kcsan time=900 all=yes append="kcsan.udelay_task=500 kcsan.skip_watch=200"
--
-- Two things at once: a deadline and a reply, a negotiation and a reply, the device's end and everything else. Whoever wins,
-- a request has one answer or, where the host gave it up, none.

bus.wait_open(90)
negotiate{timeout = 30}

local PARAMETERS = "/sys/module/hv_kvp/parameters/"

local function set_body(key)
	local k = utf16(key .. "\0")
	return string.pack("<BBxxI4I4I4", 1, 0, 1, #k, 4) .. k .. string.rep("\0", 512 - #k) .. utf16("v\0") ..
	       string.rep("\0", 2048)
end

local function back()
	bus.wait_open(20)
	expect(negotiate{timeout = 20}.kvp, "5.0")
	expect(set("external", "back", "yes").ok)
	expect(delete("external", "back").ok)
end

case("a deadline and a reply at the same moment", function()
	local said = {[S_OK] = 0, [E_FAIL] = 0}
	guest_ok("echo 1 >" .. PARAMETERS .. "request_timeout; kvp-service restart")
	for i = 0, 9 do
		lock_pool(string.format("%.2f", 0.9 + i * 0.03))
		raw{body = set_body("k")}
		local a = expect_answer(8)
		said[a.status] = said[a.status] + 1
		wait_pool_unlocked(10)
		expect_no_answer(150)
	end
	guest_ok("echo 30 >" .. PARAMETERS .. "request_timeout; kvp-service restart")
	say(said[S_OK], "answered in time,", said[E_FAIL], "at the deadline")
	delete("external", "k")
	back()
end)

case("a negotiation and a reply at the same moment", function()
	local body = bytes("01 00 01 00 00 00 00 00 03 00 00 00 05 00 00 00")
	local withdrawn = 0
	for i = 1, 100 do
		raw{body = set_body("k")}
		sleep(i % 10 * 0.0005)	-- sleep: another phase of the reply each time
		raw{msg = 0, fw = "0.0", kvp = "0.0", body = body}
		local a = expect_answer(8)
		if a.msg == 2 then
			a = expect_answer(8)
		else
			withdrawn = withdrawn + 1
		end
		expect(a.msg, 0)
	end
	expect_no_answer(300)
	say(withdrawn, "of 100 withdrawn")
	delete("external", "k")
	back()
end)

case("a rescind and a reply at the same moment", function()
	for i = 1, 10 do
		raw{body = set_body("k")}
		sleep(i * 0.0007)	-- sleep: another phase of the reply each time
		bus.rescind()
		back()
	end
	delete("external", "k")
end)

case("a rescind with a request that no service reads", function()
	guest_ok("kvp-service stop")
	raw{body = set_body("k")}
	wait_driver_state("queued")
	bus.rescind()
	bus.wait_reopen(20)
	guest_ok("kvp-service start")
	back()
	expect(not get("external", "k").ok)
end)

for _, at in ipairs{"gpadl", "open"} do
	for _, delay in ipairs{0, 100, 1000, 10000} do
		case("a rescind in the middle of probe: " .. delay .. " us after the guest's " .. at, function()
			local rescinds, offers = bus.count("rescind", bus.kvp), bus.count("offer", bus.kvp)
			bus.arm{at = at, what = "rescind", after_us = delay}
			bus.rescind()
			wait{true_when = function() return bus.count("rescind", bus.kvp) >= rescinds + 2 end, timeout = 20}
			wait{true_when = function() return bus.count("offer", bus.kvp) >= offers + 2 end, timeout = 20}
			back()
		end)
	end
end

case("a host that refuses the open", function()
	bus.arm{at = "open", what = "refuse", status = 0xc0000001}
	local from = log.mark()
	bus.rescind()
	wait{log = "cannot open the channel", from = from, timeout = 20}
	-- Without the device the service waits; the next offer is taken.
	expect(not guest("ls /dev/hv_kvp").ok)
	bus.rescind()
	back()
end)

case("a host that never answers the open, and takes the device away", function()
	bus.arm{at = "open", what = "silence"}
	local notes = #bus.notes()
	bus.rescind()
	wait{true_when = function() return #bus.notes() > notes end, timeout = 20}
	bus.rescind()
	back()
end)

case("the module unloads in every state", function()
	local device = "/sys/class/misc/hv_kvp/"
	local function reload(wanted)
		expect(driver_state(), wanted)
		guest_ok("rmmod hv_kvp", 30)
		guest_ok("modprobe hv_kvp", 30)
		bus.wait_open(20)
	end
	-- With the device open it does not.
	expect(not guest("rmmod hv_kvp").ok)
	guest_ok("kvp-service stop")
	reload("idle")
	raw{msg = 0, fw = "0.0", kvp = "0.0", body = bytes("01 00 01 00 00 00 00 00 03 00 00 00 05 00 00 00")}
	wait_driver_state("held")
	reload("held")
	guest_ok("kvp-service start")
	negotiate{timeout = 20}
	guest_ok("kvp-service stop")
	raw{body = set_body("k")}
	wait_driver_state("queued")
	reload("queued")
	guest_ok("kvp-service start")
	negotiate{timeout = 20}
	guest_ok("kvp-service stop")
	-- Refusals need no service; the host reads none of them.
	local ch = bus.wait_open(1)
	ch:hold(true)
	local refused = {body = string.char(99, 0) .. string.rep("\0", 2578)}
	for _ = 1, 5 do
		raw(refused)
		wait{true_when = function() local ring = ch:rings().to_guest return ring.read == ring.write end}
	end
	wait_driver_state("sending")
	raw(refused)
	reload("sending")
	guest_ok("kvp-service start")
	back()
end)

case("hv_utils comes later: its devices are its own, KVP stays", function()
	local opened = bus.count("open", bus.kvp)
	local heartbeat = bus.offer{class = "heartbeat"}
	guest_ok("modprobe hv_utils", 30)
	bus.wait_open(20, heartbeat)
	bus.wait_open(1)
	expect(bus.count("open", bus.kvp), opened)
	bus.rescind()
	back()
	guest_ok("rmmod hv_utils", 30)
	expect(set("external", "after", "x").ok)
	expect(delete("external", "after").ok)
end)
