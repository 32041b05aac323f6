-- SPDX-License-Identifier: GPL-2.0-only
--
-- A guest in whose initramfs hvkvpd runs, and a program that waits for the key "unlock" before there is a root file system.
-- Run by tests/package/early, which makes that guest, twice.

case("the initramfs serves the host, and a program in it waits for a key", {timeout = 240}, function()
	bus.wait_open(200)
	expect(negotiate{timeout = 60}.kvp, "5.0")
	expect(set("external", "other", "line 1\nline 2", {timeout = 30}).ok)
	-- Nobody has said "unlock" yet, so there is no system, and no agent of it.
	expect(log.count("systemd%[1%]: .*agent.service"), 0)
	expect(set("external", "unlock", "sesame", {timeout = 30}).ok)
end)

case("the boot went on with what the host said", {timeout = 600}, function()
	wait{timeout = 600, every = 1, true_when = function() return (pcall(guest, "true")) end}
	expect(guest_ok("cat /run/unlocked"), "sesame")
end)

case("the system's own service has the pairs, and serves on", {timeout = 200}, function()
	wait{timeout = 100, every = 0.5, true_when = function() return guest("systemctl is-active hvkvpd").out == "active" end}
	expect(guest_ok("hvkvp get external unlock"), "sesame")
	expect(guest_ok("hvkvp get external other"), "line 1\nline 2")
	expect(get("external", "unlock", {timeout = 30}).value, "sesame")
	expect(set("external", "later", "too").ok)
	expect(guest_ok("hvkvp get external later"), "too")
	expect(guest("test -e /run/hvkvpd-initramfs").ok, false)
	expect(guest_ok("pgrep -c hvkvpd"), "1")
end)
