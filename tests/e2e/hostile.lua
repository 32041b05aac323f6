-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300
-- job: profile=ours kernel=debug time=900 args=leaks append=kmemleak=on
-- job: profile=ours kernel=kcsan time=900 all=yes append="kcsan.udelay_task=500 kcsan.skip_watch=200"
--
-- A host that breaks the rules of the channel itself. The guest may lose what such a host sends; it may not lose anything
-- else, and the next well-formed request works.

local ch = bus.wait_open(90)
negotiate{timeout = 30}

local function set_body(key, value)
	local k, v = utf16(key .. "\0"), utf16(value .. "\0")
	return string.pack("<BBxxI4I4I4", 1, 0, 1, #k, #v) .. k .. string.rep("\0", 512 - #k) .. v ..
	       string.rep("\0", 2048 - #v + 4)
end

local function well()
	expect(set("external", "well", "yes").ok)
	expect(get("external", "well").value, "yes")
	expect(delete("external", "well").ok)
end

-- Twelve KiB hold four answers of 2,608 bytes; the fifth one must wait for room.
local function fill_ring()
	ch:hold(true)
	for i = 1, 4 do
		local before = ch:rings().from_guest.write
		raw{body = set_body("held", tostring(i))}
		wait{true_when = function() return ch:rings().from_guest.write ~= before end}
	end
	local full = driver_counter("ring_full")
	raw{body = set_body("held", "5")}
	wait{true_when = function() return driver_counter("ring_full") > full end}
end

case("a host that reads no answers gets each of them once it reads again", function()
	fill_ring()
	ch:hold(false)
	for _ = 1, 5 do expect(expect_answer(5).status, S_OK) end
	expect_no_answer(200)
	expect(get("external", "held").value, "5")
	expect(delete("external", "held").ok)
	well()
end)

case("a host that never reads, and takes the device away", function()
	fill_ring()
	bus.rescind()
	ch = bus.wait_open(15)
	negotiate{timeout = 15}
	delete("external", "held")
	well()
end)

case("interrupts with nothing behind them", function()
	for _ = 1, 500 do ch:signal() end
	well()
end)

case("a burst of negotiations: an answer each", function()
	local body = bytes("01 00 01 00 00 00 00 00 03 00 00 00 05 00 00 00")
	for _ = 1, 50 do
		for _ = 1, 8 do raw{msg = 0, fw = "0.0", kvp = "0.0", body = body} end
		for _ = 1, 8 do expect_answer(5) end
	end
	expect_no_answer(100)
	well()
end)

case("live migration: the other host negotiates another version, with a request in hand", function()
	expect(set("external", "survivor", "yes").ok)
	for _, v in ipairs{"3.0", "5.0", "4.0", "5.0"} do
		local late = driver_counter("late")
		stop_service_with(function() raw{body = set_body("moved", v)} end)
		-- The new host knows nothing of the request, and must not see its answer.
		expect(negotiate{kvp = {v}}.kvp, v)
		continue_service()
		wait{true_when = function() return driver_counter("late") > late end, timeout = 20}
		expect_no_answer(100)
		expect(get("external", "survivor").value, "yes")
	end
	delete("external", "moved")
	expect(delete("external", "survivor").ok)
end)

case("data offsets of a packet that point elsewhere", function()
	for _, offset8 in ipairs{0, 1, 3, 100, 325, 326, 327, 0x7fff, 0xffff} do
		raw{body = set_body("k", "v"), offset8 = offset8}
		wait{timeout = 10, true_when = function()
			while ch:recv(0) do end
			local ring = ch:rings().to_guest
			return ring.read == ring.write
		end}
	end
	discard_answers()
	negotiate{}
	delete("external", "k")
	well()
end)

-- The driver closes a ring that it finds unusable, at any moment; then the host offers the device anew.
local function on_channel(action)
	local ok, why = pcall(action)
	if ok then return end
	if ch:is_open() then error(why, 0) end
	-- A channel that the driver has opened again can be rescinded yet.
	for _ = 1, 5 do
		ch = bus.wait_open(30)
		if pcall(negotiate, {timeout = 30}) then return end
	end
	error("no channel lasts", 0)
end

-- What the guest makes of old bytes in the ring is its own affair.
local function until_quiet()
	on_channel(function()
		for _ = 1, 100 do
			local read = ch:rings().to_guest.read
			ch:poke("to_guest", {write = read})
			ch:signal()
			sleep(0.05)	-- sleep: it polls; what the guest makes of nonsense, if anything, is not known
			if ch:rings().to_guest.read == read then break end
		end
		-- A slow guest may yet move its index past the packet that is sent now: the ring is emptied once more then.
		for _ = 1, 5 do
			if pcall(discard_answers, 3) then return end
			ch:poke("to_guest", {write = ch:rings().to_guest.read})
		end
		discard_answers(3)
	end)
	on_channel(function() negotiate{timeout = 30} end)
	well()
end

case("a write index that lies, and moves while the guest reads", function()
	local size = ch:rings().to_guest.size
	for _, write in ipairs{0xffffffff, 0x80000000, size, size + 8, 2 * size, 3, size - 1} do
		for _ = 1, 3 do
			on_channel(function()
				ch:poke("to_guest", {write = write})
				ch:signal()
			end)
			sleep(0.02)	-- sleep: the index moves in all phases of the guest's reading
		end
		until_quiet()
	end
end)

case("packets whose lengths lie", function()
	for _, len8 in ipairs{0, 1, 2, 3, 20, 0x600, 0x7fff, 0xffff} do
		on_channel(function() raw{body = set_body("k", "v"), len8 = len8} end)
		until_quiet()
	end
	delete("external", "k")
end)

case("a packet that claims to be larger than the buffer: the channel is opened again, and works", function()
	-- The host lets the device stay, so that it is the driver that opens the channel again.
	bus.reoffer_policy{on_close = false}
	local before = driver_counter("resets")
	-- A bus that copies packets cuts this one at the end of the ring; one that does not refuses to read it.
	ch:poke("to_guest", {write = 0x80000000})
	ch:signal()
	wait{true_when = function() return driver_counter("resets") > before end, timeout = 10}
	-- The counter rises before the driver closes the channel.
	bus.wait_event("open", 30)
	ch = bus.wait_open(30)
	negotiate{timeout = 30}
	bus.reoffer_policy{on_close = true}
	well()
end)

case("more packets that are none than the guest takes in one go, and a good one behind them", function()
	for _ = 1, 10 do
		for i = 1, 200 do raw{bytes = "", ptype = 9, signal = i == 200 or "auto"} end
		negotiate{}
	end
	well()
end)

case("trailers and transaction ids of any value", function()
	for _, id in ipairs{0, 1, 0x7fffffff, -1} do
		raw{body = set_body("k", "v"), id = id, trailer = -1}
		local a = raw_wait(5)
		expect(a.status, S_OK)
		expect(a.id, id)
	end
	expect(delete("external", "k").ok)
	well()
end)

case("a second KVP device is refused, and the first one works on", function()
	local mark = log.mark()
	local second = bus.offer{class = "kvp", instance = "11111111-2222-3333-4444-555555555555", name = "second"}
	wait{log = "another KVP device is bound already", from = mark, timeout = 10}
	well()
	bus.withdraw(second)
	well()
end)

case("timeouts of any length", function()
	for _, seconds in ipairs{4294967295, 17179870, 0x80000000} do
		guest_ok("echo " .. seconds .. " >/sys/module/hv_kvp/parameters/request_timeout; kvp-service restart")
		well()
	end
	guest_ok("echo 30 >/sys/module/hv_kvp/parameters/request_timeout")
end)
