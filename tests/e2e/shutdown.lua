-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=stock kernel=6.1 time=300 start=no args="end=poweroff"
-- job: profile=stock kernel=6.1 time=300 start=no args="end=restart" all=yes
-- job: profile=stock kernel=5.10 time=300 start=no args="end=poweroff" all=yes
-- job: profile=stock kernel=6.12 time=300 start=no args="end=force" all=yes
-- job: profile=stock kernel=sid time=300 start=no args="end=restart" all=yes
--
-- Conformance of the shutdown component, against the kernel's own hv_utils. The last case ends the guest.

shutdown:offer()
shutdown:wait_open(60)
shutdown:negotiate()

local NOTHING = { flags = 0x40 }	-- flags that mean nothing, so that nothing happens

case("unknown flags are refused, and the guest stays", function()
	for _, flags in ipairs{ 6, 7, 8, 0x40, 0xffffffff } do
		expect_error(shutdown:request{ flags = flags }, E_FAIL)
	end
	expect(guest_ok("echo here"), "here")
end)

case("hibernation is refused where the machine has no S4", function()
	expect_error(shutdown:request{ flags = shutdown.HIBERNATE }, E_FAIL)
	expect_error(shutdown:request{ flags = shutdown.HIBERNATE | shutdown.FORCE }, E_FAIL)
end)

conformance.framing(shutdown, {
	request = NOTHING,
	known = { type = conformance.ANY_TYPE, behind = conformance.ONE_PACKET, burst = conformance.ONE_PACKET },
})
conformance.lifetime(shutdown, { request = NOTHING })

local flags = { poweroff = shutdown.POWER_OFF, force = shutdown.POWER_OFF | shutdown.FORCE, restart = shutdown.RESTART }
local wanted = { poweroff = "poweroff", force = "poweroff", restart = "reset" }
local how = type(args["end"]) == "string" and args["end"] or "poweroff"

case("the guest agrees, and does it: " .. how, function()
	local mark = log.mark()
	poweroff_ok()
	expect(shutdown:request{ flags = flags[how], timeout_seconds = 30, message = "conformance" }.ok)
	expect(wait{guest_end = true, timeout = 30}, wanted[how])
	-- The guest's own program was asked: nothing was forced.
	expect(log.count("guest: /sbin/", mark), 1)
end)
