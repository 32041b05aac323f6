-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=200
-- job: profile=ours kernel=6.1 time=200 host=--no-ioapic args=no-ioapic all=yes
--
-- What a case file can do besides talking: files into and out of the guest, raw messages, faults of the hypervisor.

local ch = bus.wait_open(60)
negotiate{timeout = 60}

local function back()
	ch = bus.wait_reopen(20)
	wait_node()
	negotiate{timeout = 20}
	alive()
end

case("the I/O APIC is " .. (args["no-ioapic"] and "the test host's" or "KVM's"), function()
	expect(guest_ok("dmesg | sed -n 's/.*IOAPIC.*version \\([0-9]*\\),.*/\\1/p'"), args["no-ioapic"] and "32" or "17")
	expect(guest_ok("awk '/ttyS/ {print $(NF-1)}' /proc/interrupts | sort -u"), "3-edge\n4-edge")
end)

case("bytes go into a file of the guest and come back, whatever they are", function()
	local all = {}
	for i = 0, 255 do all[#all + 1] = string.char(i) end
	local bytes = table.concat(all):rep(4) .. "end"
	require "guest".CHUNK = 300
	for _, part in ipairs{ "", "\0", "\xff\n", bytes:sub(1, 57), bytes:sub(1, 600), bytes } do
		guest_write("/tmp/a file's name", part)
		expect(guest_read("/tmp/a file's name") == part)
	end
	expect(guest_ok([[tr -d '\000-\377' <"/tmp/a file's name" | wc -c; wc -c <"/tmp/a file's name"; tail -c 4 "/tmp/a file's name" | ]] ..
		"od -An -tx1"), "0\n" .. #bytes .. "\n ff 65 6e 64")
	expect(guest_ok([[stat -c %a "/tmp/a file's name"]]), "644")
	fails(function() guest_read("/tmp/none") end, "fetch /tmp/none: ")
	fails(function() guest_write("/none/file", "x") end, "put /none/file: ")
end)

case("a file beside the case file is put in, with its mode, and fetched into the logs", function()
	guest_put("emulators.lua", "/tmp/put.lua", tonumber("750", 8))
	expect(guest_ok("stat -c %a /tmp/put.lua"), "750")
	expect(guest_ok("head -n 1 /tmp/put.lua"), "-- SPDX-License-Identifier: GPL-2.0-only")
	local bytes = guest_fetch("/tmp/put.lua", "fetched.lua")
	local file = io.open("fetched.lua", "rb")
	expect(file:read("a") == bytes)
	file:close()
	expect(#bytes, tonumber(guest_ok("wc -c </tmp/put.lua")))
	fails(function() guest_fetch("/tmp/put.lua", "/tmp/elsewhere") end, "has a folder")
	fails(function() guest_put("../secret", "/tmp/x") end, "beside the case file")
	fails(function() guest_put("none" .. ".lua", "/tmp/x") end, "No such file")
end)

case("messages of the bus, made by hand: a device is offered and rescinded", function()
	local instance = "10000000-0000-4000-8000-00000000abcd"
	local relid = 77
	bus.message{type = 1, bytes = guid("01234567-89ab-cdef-0123-456789abcdef") .. guid(instance) ..
		string.pack("<I8I8I2I2c120I2I2I4BBI2I4", 0, 0, 0x11, 0, "", 0, 0, relid, 0xff, 0, 0, 0x10000 + relid)}
	guest_until("[ -e /sys/bus/vmbus/devices/" .. instance .. " ]")
	expect(guest_ok("cat /sys/bus/vmbus/devices/" .. instance .. "/id"), tostring(relid))
	bus.message(string.pack("<I4I4I4", 2, 0, relid))
	guest_until("! [ -e /sys/bus/vmbus/devices/" .. instance .. " ]")
	alive()
	fails(function() bus.message(("x"):rep(241)) end, "1 to 240 bytes")
end)

case("hypercalls that fail for want of buffers are repeated", function()
	local disturbed = bus.disturb{what = "post hypercall", fail = true, status = 0x13, times = 5}
	bus.rescind()
	back()
	expect(disturbed.left(), 0)
end)

case("a signal that fails: the answer is in the ring, and the host hears nothing", function()
	set("external", "k", "v")
	local disturbed = bus.disturb{what = "signal hypercall", fail = true}
	post{op = "get", pool = "external", key = "k"}
	wait{true_when = function() return disturbed.left() == 0 end, timeout = 20}
	fails(function() late_answer(0.2) end, "no signal came for it")
	expect(get("external", "k").value, "v")
end)

case("a slow hypercall", function()
	bus.disturb{what = "signal hypercall", delay_us = 300000}
	expect(get("external", "k").us >= 300000)
	expect(get("external", "k").ok)
end)

case("an interrupt that is lost: the request lies in the ring until the next one", function()
	local disturbed = bus.disturb{what = "event interrupt", fail = true}
	post{op = "get", pool = "external", key = "k"}
	expect_no_answer(500)
	expect(disturbed.left(), 0)
	ch:signal()
	expect(late_answer(10).value, "v")
end)

case("an interrupt that is late", function()
	bus.disturb{what = "event interrupt", delay_us = 300000}
	expect(get("external", "k").us >= 300000)
	expect(get("external", "k").ok)
end)

case("a message whose interrupt is lost, or late, arrives all the same", function()
	local disturbed, releases = bus.disturb{what = "message interrupt", fail = true}, bus.count("release")
	bus.rescind()
	wait{true_when = function() return disturbed.left() == 0 end}
	guest_ok("test -e /sys/bus/vmbus/devices/" .. bus.kvp.instance)
	expect(bus.count("release"), releases)
	bus.message(string.pack("<I4I4I4", 2, 0, 99))	-- a rescind of what was never offered
	back()
	bus.disturb{what = "message interrupt", delay_us = 300000}
	bus.rescind()
	back()
	fails(function() bus.disturb{what = "interrupt", fail = true} end, "what = ")
	fails(function() bus.disturb{what = "event interrupt"} end, "either delay_us")
end)
