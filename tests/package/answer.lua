-- SPDX-License-Identifier: GPL-2.0-only
--
-- How long after its first instruction a booted Debian answers its first negotiation and its first request, and whether that
-- boot ended well. Run by tests/package/boot and by tests/package/early, which compares the pairs. Script words: service=UNIT
-- (who has to serve), brief (nothing but the times).

local started = now()
bus.wait_version(300)

case("the guest answers a negotiation", {timeout = 900}, function()
	bus.wait_open(300)
	local agreed = negotiate{timeout = 300}
	local first = now() - started
	expect(enumerate_one("auto", 5, {timeout = 300}).key, "OSName")
	say(string.format("first answers: KVP %s after %.1f s, a fact after %.1f s", agreed.kvp, first, now() - started))
end)

if args.brief then return end

case("the boot ends, without an ordering cycle or a failed unit", {timeout = 900}, function()
	wait{timeout = 600, every = 2, true_when = function() return (pcall(guest, "true")) end}
	wait{timeout = 600, every = 2, true_when = function()
		local state = guest("systemctl is-system-running", 60).out
		return state ~= "starting" and state ~= "initializing"
	end}
	expect(guest("systemctl --failed --no-legend --plain | cut -d ' ' -f 1", 60).out, "")
	expect(guest("journalctl -b --no-pager | grep -i 'ordering cycle'", 60).out, "")
end)

if args.service then
	case("KVP is served by " .. args.service, {timeout = 300}, function()
		expect(guest("systemctl is-active " .. args.service, 60).out, "active")
		local other = args.service == "hvkvpd.service" and "hv_kvp_daemon" or "hvkvpd"
		expect(not guest("pgrep -x " .. other, 60).ok)
	end)
end
