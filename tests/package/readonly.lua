-- SPDX-License-Identifier: GPL-2.0-only
--
-- A Debian with systemd and udev whose root is read-only and has no /var/lib/hyperv. Run by tests/package/boot, which makes
-- that guest.

local function show(property, unit)
	return guest_ok("systemctl show -P " .. property .. " " .. unit, 100)
end

bus.wait_version(300)
bus.wait_open(300)
-- A call gives the agent one minute to come up.
wait{timeout = 600, every = 1, true_when = function() return (pcall(guest, "true")) end}

case("the root is read-only, and has no folder for the pools", {timeout = 200}, function()
	local touch = guest("touch /var/lib/written", 60)
	expect(touch.ok, false)
	expect(touch.out:find("Read-only file system", 1, true) ~= nil)
	expect(guest("test -e /var/lib/hyperv", 60).ok, false)
end)

case("the service serves the facts about the guest all the same", {timeout = 300}, function()
	expect(negotiate{timeout = 60}.kvp, "5.0")
	wait{timeout = 100, every = 0.5, true_when = function() return show("ActiveState", "hvkvpd.service") == "active" end}
	expect(get("auto", "OSName", {timeout = 60}).value:find("Debian", 1, true) ~= nil)
end)

case("its pools are in its runtime directory, and other programs find them there", {timeout = 200}, function()
	expect(set("external", "from the host", "to the guest", {timeout = 60}).ok)
	expect(guest_ok("hvkvp get external 'from the host'", 60), "to the guest")
	guest_ok("hvkvp set guest 'from the guest' 'to the host'", 60)
	expect(get("guest", "from the guest", {timeout = 60}).value, "to the host")
	guest_ok("test -s /run/hvkvpd/.kvp_pool_0", 60)
end)

case("they survive a restart of the service", {timeout = 200}, function()
	local before = show("MainPID", "hvkvpd.service")
	guest_ok("systemctl restart hvkvpd", 100)
	expect(show("MainPID", "hvkvpd.service") ~= before)
	expect(get("external", "from the host", {timeout = 60}).value, "to the guest")
end)

case("the log says where they are, and that they go with the next boot", {timeout = 200}, function()
	local said = guest_ok("journalctl -q -b -o cat -u hvkvpd --no-pager", 60)
	expect(said:find("/var/lib/hyperv is missing and its file system is read-only: the pools are in /run/hvkvpd, " ..
		"and lost with the next boot", 1, true) ~= nil)
end)

case("no unit of ours failed, and no order had to be broken", {timeout = 200}, function()
	expect(guest("journalctl -b --no-pager | grep -i 'ordering cycle'", 60).out, "")
	expect(guest_ok("systemctl --failed --no-legend --plain | grep -o 'hvkvp[^ ]*' || true", 60), "")
end)
