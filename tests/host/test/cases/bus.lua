-- SPDX-License-Identifier: GPL-2.0-only
-- The bus verbs, and malformed packets.

local ch = bus.wait_open(5)
negotiate()
set(0, "k", "v")

case("rescind and re-offer", function()
	local old = bus.wait_open()
	bus.rescind()
	expect(old:state() ~= "open")
	local new = bus.wait_open(5)
	expect(new.id ~= old.id)
	expect(bus.wait_event("rescind").channel, old.id)
	expect(bus.wait_event("release").channel, old.id)
	expect(bus.wait_event("open").channel, new.id)
	expect(negotiate().kvp, "5.0")
	expect(get(0, "k").value, "v")
	expect(bus.count("rescind"), 1)
end)

case("the guest closes", function()
	guest_ok("close")
	bus.wait_event("close")
	local new = bus.wait_reopen(5)
	expect(new:is_open())
	expect(negotiate().kvp, "5.0")
end)

case("a close in the middle of a request", function()
	guest_ok("misbehave silent")
	post{op = "get", pool = 0, key = "k"}
	guest_ok("close")
	fails(late_answer, "the channel is")
	bus.wait_reopen(5)
	negotiate()
end)

case("armed: rescind right after the open", function()
	bus.arm{at = "open", what = "rescind"}
	bus.rescind()
	bus.wait_event("open")
	bus.wait_event("open")
	bus.wait_reopen(5)
	negotiate()
	fails(function() bus.arm{at = "unload", what = "rescind"} end, "'rescind' cannot be armed at 'unload'")
	fails(function() bus.arm{at = "close", what = "refuse"} end, "'refuse' cannot be armed at 'close'")
	fails(function() bus.arm{at = "offer", what = "refuse"} end, "cannot be armed")
	fails(function() bus.arm{at = "nonsense", what = "rescind"} end, "cannot be armed at 'nonsense'")
	fails(function() bus.arm{at = "open", what = "delay"} end, "needs after_us")
	fails(function() bus.arm{at = "open", what = "silence", after_us = 1} end, "has no after_us")
end)

case("on_open runs when the script waits", function()
	local seen
	bus.on_open(function(c) seen = c.id end)
	bus.rescind()
	local new = bus.wait_reopen(5)
	expect(seen, new.id)
	negotiate()
end)

case("more devices", function()
	local d = bus.offer{class = "heartbeat"}
	expect(d.name, "heartbeat")
	expect(bus.wait_event("offer").device, d)
	bus.offer{class = "nic"}
	bus.offer{class = "{01234567-89ab-cdef-0123-456789abcdef}", name = "odd", user = "\1\2"}
	bus.wait_event("offer")
	bus.wait_event("offer")
	fails(function() bus.offer{class = "nonsense"} end, "not a GUID")
	expect(bus.withdraw(d))
	expect(not bus.withdraw(d))
	fails(function() bus.rescind(d) end, "cannot be rescinded")
	bus.offer(d)
	fails(function() bus.wait_open(0.05, d) end, "did not open the heartbeat channel")
	-- As bus.wait_open() does when it opens.
	local ic = require "ic"
	local before = ic.talk.channel
	ic.use{device = d, is_open = function() return false end}
	fails(function() set("external", "k", "v") end, "the current channel is heartbeat's")
	ic.use(before)
	expect(set("external", "k", "v").ok)
end)

case("network adapters", function()
	local nic = bus.nic{mac = "00-15-5D-01-02-03", instance = "{5F2C0C1E-9B1D-4D7A-8E21-AABBCCDDEEFF}"}
	expect(bus.wait_event("offer").device, nic)
	expect(nic.mac, "00:15:5d:01:02:03")
	expect(nic.instance, "5f2c0c1e-9b1d-4d7a-8e21-aabbccddeeff")
	expect(nic:state(), "closed")
	expect(nic:is_up(), false)
	expect(nic:info().sent, 0)
	nic:link(false)
	fails(function() nic:wait_up(0.05) end, "did not initialise it within 0.05 s")
	fails(function() nic:wait_state("running", 0.05) end, "nic is closed and not running after 0.05 s")
	fails(function() bus.nic{} end, "mac = \"00:15:5d:01:02:03\" is wanted, not nil")
	fails(function() bus.nic{mac = "00:15:5d:01:02"} end, "is wanted")
	fails(function() bus.nic{mac = nic.mac, nvsp = "3.0"} end, "no NVSP version is 3.0")
	fails(function() native.nic_link(bus.kvp.number, true) end, "no NIC")
	expect(bus.withdraw(nic))
end)

case("withdraw and offer", function()
	bus.withdraw()
	bus.wait_event("release")
	sleep(0.05)	-- sleep: in this time nothing may come
	expect(native.open_channel(bus.kvp.number), nil)
	bus.offer(bus.kvp)
	bus.wait_reopen(5)
	negotiate()
end)

case("policy", function()
	bus.reoffer_policy{when = "at-once"}
	bus.rescind()
	bus.wait_reopen(5)
	bus.reoffer_policy{when = "released", delay_ms = 100}
	local began = now()
	bus.rescind()
	bus.wait_reopen(5)
	expect(now() - began >= 0.1)
	bus.reoffer_policy{delay_ms = 0}
	negotiate()
end)

case("raw packets", function()
	raw{body = "", msg = 9}
	expect_no_answer(50)
	raw{ptype = 7}
	raw{bytes = "short"}
	raw{bytes = ""}
	expect_no_answer(50)
	local ic = require "ic"
	raw{msg = 0, fw = "0.0", kvp = "0.0", body = ic.negotiate_body({"3.0"}, {"4.0"}), id = 99}
	local p = raw_wait()
	expect(p.type, 6)
	expect(p.msg, 0)
	expect(p.ic_flags, 5)
	raw{msg = 0, body = ic.negotiate_body({"3.0"}, {"4.0"})}
	expect(expect_answer().ok)
	fails(function() raw_wait(0.05) end, "no packet within")
	raw{msg = 0, body = ic.negotiate_body({"3.0"}, {"4.0"})}
	fails(function() expect_no_answer(1000) end, "no answer was due")
	alive()
end)

case("rings by hand", function()
	local c = bus.wait_open()
	local r = c:rings()
	expect(r.to_guest.size, 16384)
	expect(r.to_guest.write, r.to_guest.read)
	local at = r.to_guest.write
	raw{bytes = bytes("01 02 03 04"), signal = false}
	expect(c:rings().to_guest.write, (at + 32) % 16384)
	expect(c:peek("to_guest", (at + 16) % 16384, 4), bytes("01 02 03 04"))
	c:poke("to_guest", (at + 16) % 16384, "\9")
	expect(c:peek("to_guest", (at + 16) % 16384, 1), "\9")
	c:poke("from_guest", {pending = 0})
	c:signal()
	wait{true_when = function() local g = c:rings().to_guest return g.read == g.write end}
	fails(function() c:poke("to_guest", 99999, "x") end, "not in the ring")
	fails(function() c:poke("to_guest", {nonsense = 1}) end, "no field")
	alive()
end)

case("a full ring", function()
	local c = bus.wait_open()
	guest_ok("misbehave hang")
	local n = 0
	while c:try_send{bytes = repeated("x", 1000), signal = false} do n = n + 1 end
	expect(n, 15)
	fails(function() raw{bytes = repeated("x", 1000)} end, "the ring is full")
	guest_ok("misbehave none")
	c:signal()
	wait{true_when = function() local g = c:rings().to_guest return g.read == g.write end}
	alive()
end)

case("hold", function()
	local c = bus.wait_open()
	c:hold(true)
	post{op = "get", pool = 0, key = "k"}
	fails(function() late_answer(0.1) end, "no answer")
	c:hold(false)
	expect(late_answer(5).value, "v")
	expect(c:pending(), 0)
end)
