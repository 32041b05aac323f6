-- SPDX-License-Identifier: GPL-2.0-only
--
-- A Debian with systemd and udev in which `make install` was run: it starts by itself, pairs make their trip, mistakes get their
-- message, and `make uninstall` leaves nothing but the pools. Run by tests/package/install, which makes that guest.

local function active(unit)
	return guest("systemctl is-active " .. unit, 100).out
end

local function driver()
	return guest("basename $(readlink /sys/bus/vmbus/devices/" .. bus.kvp.instance .. "/driver)").out
end

bus.wait_version(200)
bus.wait_open(200)
-- A call gives the agent one minute to come up.
wait{timeout = 200, every = 1, true_when = function() return (pcall(guest, "true")) end}

case("the device starts the service, and pairs make their trip, both ways", {timeout = 200}, function()
	expect(negotiate{timeout = 60}.kvp, "5.0")
	wait{timeout = 100, every = 0.5, true_when = function() return active("hvkvpd") == "active" end}
	expect(driver(), "hv_kvp")
	expect(set("external", "from the host", "to the guest").ok)
	expect(guest_ok("hvkvp get external 'from the host'"), "to the guest")
	guest_ok("hvkvp set guest 'from the guest' 'to the host'")
	expect(get("guest", "from the guest").value, "to the host")
	expect(get("external", "from the host").value, "to the guest")
end)

case("pools that cannot be written: the host gets an error, and the log says why", {timeout = 200}, function()
	guest_ok("systemctl stop hvkvpd; mount -o bind /var/lib/hyperv /var/lib/hyperv; mount -o remount,bind,ro /var/lib/hyperv")
	guest("systemctl start hvkvpd", 30)
	local answer = set("external", "not now", "x", {timeout = 30})
	expect(not answer.ok)
	local log = guest_ok("journalctl -b -u hvkvpd --no-pager")
	expect(log:find("Read-only file system", 1, true) ~= nil)
	guest_ok("systemctl stop hvkvpd; umount /var/lib/hyperv; systemctl start hvkvpd", 30)
	expect(set("external", "now", "x", {timeout = 30}).ok)
end)

case("a module for 6.12 in a 6.1: the message says so, and hv_utils goes on", {timeout = 200}, function()
	local file = guest_ok("modinfo -n hv_kvp")
	guest_ok("hvkvp-driver --runtime give; systemctl stop hvkvpd hvkvp-take; rmmod hv_kvp; cp " .. file .. " /tmp/good.ko", 60)
	guest_ok("cp /root/other.ko " .. file)
	local said = guest("hvkvp-driver take", 60)
	expect(said.rc, 1)
	say(said.out)
	expect(said.out:find("was built for another kernel than", 1, true) ~= nil)
	expect(driver(), "hv_utils")
	guest_ok("cp /tmp/good.ko " .. file .. "; hvkvp-driver take; systemctl start hvkvpd; systemctl reset-failed hvkvp-take", 60)
	expect(driver(), "hv_kvp")
end)

case("make uninstall leaves the pools, and nothing else", {timeout = 300}, function()
	say(guest_ok("make -s -C /root/hv_kvp uninstall 2>&1", 200))
	expect(driver(), "hv_utils")
	expect(not guest("pgrep hvkvpd").ok)
	expect(not guest("lsmod | grep -q hv_kvp").ok)
	guest_ok(". /root/files.sh; files / >/root/after", 60)
	expect(guest("comm -13 /root/before /root/after | grep -v '^./var/lib/hyperv/[.]kvp_pool_[0-4]$'").out, "", "what is left")
	expect(guest("comm -23 /root/before /root/after").out, "", "what went with it")
	expect(guest_ok("head -c 13 /var/lib/hyperv/.kvp_pool_0"), "from the host")
	expect(guest_ok("systemctl --failed --no-legend --plain"), "")
end)
