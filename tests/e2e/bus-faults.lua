-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300
--
-- A host that refuses what the guest asks of the bus, answers late, or does not answer. What is armed here meets the boot.

bus.arm{at = "contact", what = "refuse"}
bus.arm{at = "offer", what = "delay", after_us = 300000}

case("a contact that is refused: the guest takes the next version; an offer that comes late", function()
	bus.wait_event("contact", 90)
	local contact = bus.wait_event("contact", 30)
	-- The next one below what this kernel asks for first: 5.2, 5.3, 6.0.
	expect(bus.version(), ({ ["5.10"] = "5.1", sid = "5.3" })[args.kernel] or "5.2")
	expect(bus.wait_event("offer", 30).us - contact.us >= 300000)
end)

bus.wait_open(90)
negotiate{timeout = 30}

-- The device is offered again and opened, and works.
local function back()
	bus.wait_reopen(20)
	wait_node()
	negotiate{timeout = 20}
	alive()
end

for _, at in ipairs{"gpadl", "open", "teardown"} do
	case("an answer to " .. at .. " that comes late", function()
		bus.arm{at = at, what = "delay", after_us = 200000}
		bus.rescind()
		back()
	end)
end

case("page lists that are refused: no device, until the next offer", function()
	bus.arm{at = "gpadl", what = "refuse"}
	local from = log.mark()
	bus.rescind()
	wait{log = "cannot open the channel", from = from, timeout = 20}
	expect(not guest("ls /dev/hv_kvp").ok)
	bus.rescind()
	back()
end)

case("page lists that are never acknowledged: the rescind ends the wait", function()
	bus.arm{at = "gpadl", what = "silence"}
	local notes = #bus.notes()
	bus.rescind()
	wait{true_when = function() return #bus.notes() > notes end, timeout = 20}
	bus.rescind()
	back()
end)

case("an offer that is not made: the device is gone until it is offered", function()
	local offers = bus.count("offer", bus.kvp)
	bus.arm{at = "offer", what = "silence"}
	bus.rescind()
	bus.wait_closed(20)
	guest_until("! [ -e /dev/hv_kvp ]")
	expect(bus.count("offer", bus.kvp), offers)
	bus.offer(bus.kvp)
	back()
end)
