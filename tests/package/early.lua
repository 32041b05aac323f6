-- SPDX-License-Identifier: GPL-2.0-only
--
-- A guest in whose initramfs hvkvpd runs, and a program that waits for the key "unlock" before there is a root file system.
-- Run by tests/package/early, which makes that guest, twice.

local MAC, ADDRESS = "00:15:5d:0a:0b:0c", "192.0.2.5"
local nic

case("the initramfs serves the host, and a program in it waits for a key", {timeout = 600}, function()
	bus.wait_open(200)
	expect(negotiate{timeout = 60}.kvp, "5.0")
	expect(set("external", "other", "line 1\nline 2", {timeout = 30}).ok)
	-- Nobody has said "unlock" yet, so there is no system, and no agent of it.
	expect(log.count("systemd%[1%]: .*agent.service"), 0)
	nic = bus.nic{mac = MAC}
	nic:wait_up(200)
	expect(set_ip{adapter = "{" .. nic.instance .. "}", family = "v4", addresses = {ADDRESS}, subnets = {"255.255.255.0"},
		timeout = 100}.ok)
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
	expect(guest("test -e /run/hvkvpd-initramfs.failed").ok, false)
	expect(guest_ok("pgrep -c hvkvpd"), "1")
end)

case("the address that the host set in the initramfs stays, and is in the system's own records", {timeout = 200}, function()
	expect(get_ip{adapter = MAC, family = "v4", timeout = 30}.addresses, {ADDRESS})
	expect(guest_ok("cd /var/lib/hyperv && grep -l '" .. ADDRESS .. "' ip-*"), "ip-" .. nic.instance:lower() .. ".conf")
end)

case("the network manager of the system keeps it", {timeout = 300}, function()
	guest_ok("grep -qx MANAGER=systemd-networkd /var/lib/hyperv/ip-*.conf")
	guest_ok("ip address flush to " .. ADDRESS .. " && systemctl restart systemd-networkd", 100)
	wait{timeout = 100, every = 0.5, true_when = function()
		return get_ip{adapter = MAC, family = "v4", timeout = 30}.addresses[1] == ADDRESS
	end}
end)

case("no unit failed, and no order had to be broken", {timeout = 200}, function()
	wait{timeout = 200, every = 2, true_when = function() return guest("systemctl is-system-running").out ~= "starting" end}
	expect(guest_ok("systemctl --failed --no-legend --plain"), "")
	expect(guest("journalctl -b --no-pager | grep -i 'ordering cycle'").out, "")
end)
