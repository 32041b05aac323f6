-- SPDX-License-Identifier: GPL-2.0-only
--
-- A guest in whose initramfs KVP is served. With the script word "wait" a program in it waits for the key "unlock" before there
-- is a root file system; without it, hvkvpd serves once that is mounted. Run by tests/package/early, which makes that guest.
-- Its driver waits longer for a service than usual: it is slow.

local MAC, ADDRESS = "00:15:5d:0a:0b:0c", "192.0.2.5"
local E_FAIL = 0x80004005
local nic, counted
-- A case for where a program in the initramfs waits, so that a service in it has to take everything.
local wait_case = args.wait and case or function() end

case("the initramfs serves the host", {timeout = 900}, function()
	bus.wait_open(300)
	expect(negotiate{timeout = 200}.kvp, "5.0")
	-- Nobody has said "unlock" yet, so there is no system, and no agent of it.
	if args.wait then expect(log.count("systemd%[1%]: .*agent.service"), 0) end
	-- The system's, although dracut's image has a name of its own.
	expect(get("auto", "OSName", {timeout = 30}).value, "Debian GNU/Linux")
	if not args.wait then expect(get("auto", "FullyQualifiedDomainName", {timeout = 30}).value, "kvpguest") end
	expect(set("parameter", "HostName", "host", {timeout = 30}).ok)
end)

-- The pools of the system have "old", and an older value of "both".
wait_case("what only the pools of the system could answer is refused, and nothing is answered wrongly", {timeout = 300}, function()
	expect(set("external", "other", "line 1\nline 2", {timeout = 30}).ok)
	expect(set("external", "both", "of now", {timeout = 30}).ok)
	expect(get("external", "both", {timeout = 30}).value, "of now")
	expect_error(get("external", "old", {timeout = 30}), E_FAIL)
	expect_error(enumerate_one("external", 0, {timeout = 30}), E_FAIL)
	expect_error(delete("external", "both", {timeout = 30}), E_FAIL)
end)

wait_case("an address is set there", {timeout = 400}, function()
	nic = bus.nic{mac = MAC}
	nic:wait_up(200)
	expect(set_ip{adapter = "{" .. nic.instance .. "}", family = "v4", addresses = {ADDRESS}, subnets = {"255.255.255.0"},
		timeout = 100}.ok)
end)

wait_case("a program in the initramfs waits for a key", {timeout = 100}, function()
	expect(set("external", "unlock", "sesame", {timeout = 30}).ok)
end)

-- One service ends and the next one begins, and the driver keeps what the host sends meanwhile.
case("from the initramfs to the system's own service no request is lost", {timeout = 900}, function()
	local n, up = 0, false
	wait{timeout = 800, every = 0.2, true_when = function()
		n = n + 1
		expect(set("parameter", "count", tostring(n), {timeout = 200}).ok)
		counted = tostring(n)
		-- The system waits for this before its own service starts, which has to answer what is asked next.
		if n == 5 then
			expect(set("parameter", "go", "on", {timeout = 60}).ok)
			expect(set("external", "left", "to the system", {timeout = 250}).ok)
			if not args.wait then expect(get("external", "old", {timeout = 200}).value, "of before") end
		end
		expect(get("auto", "OSName", {timeout = 200}).ok)
		-- A call of the agent would wait for it, and the conversation with that.
		up = up or log.count("Started .-agent%.service") > 0
		return up and n % 5 == 0 and guest("systemctl is-active hvkvpd", 100).out == "active"
	end}
	say(n .. " pairs were set on the way")
end)

case("the system's own service has the pairs, and serves on", {timeout = 300}, function()
	local values = {}
	for _, pair in ipairs(enumerate("external", {timeout = 30})) do values[pair.key] = pair.value end
	expect(values.old, "of before")
	expect(values.left, "to the system")
	expect(values.both, args.wait and "of now" or "of before")
	expect(guest_ok("hvkvp get parameter count"), counted)
	expect(guest_ok("hvkvp get parameter HostName"), "host")
	expect(guest_ok("hvkvp get external left"), "to the system")
	guest_ok("grep -aq 'to the system' /var/lib/hyperv/.kvp_pool_0")
	if args.wait then
		expect(values.other, "line 1\nline 2")
		expect(guest_ok("hvkvp get external other"), "line 1\nline 2")
		expect(guest_ok("cat /run/unlocked"), "sesame")
	end
	expect(delete("external", "both", {timeout = 30}).ok)
	expect(guest("test -e /run/hvkvpd-initramfs").ok, false)
	expect(guest("test -e /run/hvkvpd-initramfs.failed").ok, false)
	expect(guest_ok("pgrep -c hvkvpd"), "1")
	-- What the host did meanwhile is in the journal, too; that may be on its way to the disk.
	wait{timeout = 100, every = 1, true_when = function()
		return guest("journalctl -q -b -o cat | grep 'SET pool=parameter key=\"HostName\"'", 60).ok
	end}
end)

wait_case("the address that the host set in the initramfs stays, and is in the system's own records", {timeout = 200}, function()
	expect(get_ip{adapter = MAC, family = "v4", timeout = 30}.addresses, {ADDRESS})
	expect(guest_ok("cd /var/lib/hyperv && grep -l '" .. ADDRESS .. "' ip-*"), "ip-" .. nic.instance:lower() .. ".conf")
end)

wait_case("the network manager of the system keeps it", {timeout = 300}, function()
	guest_ok("grep -qx MANAGER=systemd-networkd /var/lib/hyperv/ip-*.conf")
	guest_ok("ip address flush to " .. ADDRESS .. " && systemctl restart systemd-networkd", 100)
	wait{timeout = 100, every = 0.5, true_when = function()
		return get_ip{adapter = MAC, family = "v4", timeout = 30}.addresses[1] == ADDRESS
	end}
end)

case("no unit failed, and no order had to be broken", {timeout = 300}, function()
	wait{timeout = 250, every = 2, true_when = function()
		local state = guest("systemctl is-system-running", 60).out
		return state ~= "starting" and state ~= "initializing"
	end}
	expect(guest_ok("systemctl --failed --no-legend --plain"), "")
	expect(guest("journalctl -b --no-pager | grep -i 'ordering cycle'").out, "")
end)
